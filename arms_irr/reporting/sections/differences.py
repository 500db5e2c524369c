"""How a difference is said and shown: with its interval, its p-value and its base, never one without the others."""

from __future__ import annotations

import math
from dataclasses import replace

from arms_irr.reporting.document import Cited, Text
from arms_irr.reporting.draft import Draft, coefficients_cells, points_cells, signed_cells
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import NA, number, p_value
from arms_irr.statistics.estimate import Estimate

__all__ = ["STORY", "amount", "base", "cells", "lean", "odds", "p_cell", "said", "why"]

STORY = "one-case-per-band"
_CELLS = {"points": points_cells, "steps": signed_cells, "coefficient": coefficients_cells}


def lean(e: Estimate) -> str:
    """Which side of 0 the whole interval lies on: ``more``, ``less`` or ``open``; ``open`` without an interval."""
    if math.isnan(e.ci_low):
        return "open"
    return "more" if e.ci_low > 0 else "less" if e.ci_high < 0 else "open"


def amount(draft: Draft, e: Estimate, unit: str = "points") -> Text:
    """The difference with its sign where it is below 0: "12 percentage points", "−0.25"."""
    say = draft.say
    if unit == "points":
        return say.points(e) if round(100 * e.value) >= 0 else ("−", say.points(e))
    return say.steps(e) if unit == "steps" else say.coefficient(e)


def base(draft: Draft, e: Estimate, unit: str = "points") -> Text:
    """ "(95 % interval 1 to 22; p = 0.02, p = 0.05 allowing for the number of questions; 20 officers)"."""
    say = draft.say
    found: list[Text] = [say.p(e)] if math.isfinite(e.parts.get("p", math.nan)) else []
    if "p_holm" in e.parts:
        found = [say("contrasts.p_holm", p=say.p(e), holm=say.p(e, "p_holm"))]
    scale, decimals = (100, 0) if unit == "points" else (1, 2)
    return say.base(e, *found, say.officers(e), scale=scale, decimals=decimals)


def why(e: Estimate) -> Label:
    """The reasons why there is no number; that a side is a single case is none."""
    return Label("; ".join(replace(e, flags=tuple(flag for flag in e.flags if flag != STORY)).reasons))


def said(draft: Draft, key: str, e: Estimate, unit: str = "points", **words: Text) -> Text:
    """One sentence: which way the difference goes, that it remains open, or why there is none.

    The catalogue has ``key`` with the endings ``_more``, ``_less``, ``_open`` and ``_none``.
    """
    if not e.estimable:
        return draft.say(f"{key}_none", why=why(e), **words)
    return draft.say(f"{key}_{lean(e)}", amount=amount(draft, e, unit), base=base(draft, e, unit), **words)


def p_cell(e: Estimate, name: str = "p") -> str:
    """A p-value in a table: "0.02", "< 0.001"; "n/a" where there is none."""
    return p_value(e.parts.get(name, math.nan)).removeprefix("p ").removeprefix("= ")


def cells(e: Estimate, unit: str = "points") -> tuple[str, str, str]:
    """Difference, interval and p-value in a table."""
    value, limits = _CELLS[unit](e)
    return value, limits, p_cell(e)


def odds(draft: Draft, e: Estimate) -> Text:
    """ "odds ratio 2.5, interval 1.2 to 5.2" of a logistic model."""
    found = [number(e.parts.get(name, math.nan), 1) for name in ("odds_ratio", "odds_ratio_low", "odds_ratio_high")]
    if NA in found:
        return ""
    return draft.say("contrasts.odds", ratio=Cited(found[0], e), low=Cited(found[1], e), high=Cited(found[2], e))
