"""How numbers read.

Shares: no decimals in prose, one in tables. Coefficients: two decimals in prose, three in tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from string import ascii_lowercase

from arms_irr.statistics.estimate import FLAGS, Estimate

__all__ = [
    "NA",
    "base",
    "coefficient",
    "edges",
    "footnotes",
    "interval",
    "letters",
    "listed",
    "marks",
    "number",
    "of_every_100",
    "p_value",
    "percent",
    "plural",
    "signed",
]

NA = "n/a"


def number(value: float, decimals: int) -> str:
    """A number with a true minus sign and no "-0"; ``n/a`` when it is not finite."""
    if not math.isfinite(value):
        return NA
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def percent(share: float, decimals: int = 0) -> str:
    """A share (0 to 1) in prose: "66 %". Never rounded to 0 or 100 when it is neither."""
    return _edges(share, "less than 1 %", "more than 99 %") or f"{number(100 * share, decimals)} %"


def of_every_100(share: float) -> str:
    """A share (0 to 1) as people count: "66 of every 100"."""
    return (
        _edges(share, "fewer than 1 of every 100", "more than 99 of every 100")
        or f"{number(100 * share, 0)} of every 100"
    )


def _edges(share: float, low: str, high: str) -> str:
    if not math.isfinite(share):
        return NA
    return {"low": low, "high": high, "": ""}[edges(share)]


def edges(share: float) -> str:
    """ "low" or "high" where a share would be rounded to 0 or 100 and is neither; otherwise ""."""
    return "low" if 0 < share < 0.005 else "high" if 0.995 < share < 1 else ""


def coefficient(value: float, table: bool = False) -> str:
    """A coefficient: two decimals in prose, three in a table."""
    return number(value, 3 if table else 2)


def signed(value: float, decimals: int = 2) -> str:
    """A difference with its sign: "+0.25", "−0.25", "0.00"."""
    text = number(value, decimals)
    return text if text == NA or text.startswith("−") or not text.strip("0.,") else f"+{text}"


def interval(estimate: Estimate, scale: float = 100, decimals: int = 0) -> str:
    """The limits of an interval: "56 to 75"; ``n/a`` when there are none.

    Parameters
    ----------
    scale : float
        100 for shares, 1 for coefficients and differences in steps.
    """
    low, high = estimate.ci_low, estimate.ci_high
    if not (math.isfinite(low) and math.isfinite(high)):
        return NA
    return f"{number(scale * low, decimals)} to {number(scale * high, decimals)}"


def base(estimate: Estimate, *counts: str, scale: float = 100, decimals: int = 0) -> str:
    """Interval and base of a number in prose: "(95 % interval 56 to 75; 20 officers, 7 factors)".

    Without limits it says so; with no value it gives the reasons.
    """
    if not estimate.estimable:
        words = "; ".join(estimate.reasons) or "not estimable"
    elif (limits := interval(estimate, scale, decimals)) == NA:
        words = "no interval can be given"
    else:
        words = f"{number(100 * estimate.confidence_level, 1).removesuffix('.0')} % interval {limits}"
    return f"({'; '.join([words, ', '.join(counts)] if counts else [words])})"


def p_value(p: float) -> str:
    """ "p = 0.03", "p < 0.001"; three decimals below 0.01."""
    if not math.isfinite(p):
        return NA
    return "p < 0.001" if p < 0.001 else f"p = {number(p, 3 if p < 0.01 else 2)}"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """ "1 officer", "20 officers"; ``nouns`` where adding an s is wrong."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def listed(items: Iterable[str]) -> str:
    """ "a, b and c"."""
    *head, last = list(items) or [""]
    return f"{', '.join(head)} and {last}" if head else last


def letters(estimates: Iterable[Estimate]) -> dict[str, str]:
    """A footnote letter for every flag that occurs, in the order of the list of flags."""
    used = {flag for estimate in estimates for flag in estimate.flags}
    return dict(zip((flag for flag in FLAGS if flag in used), ascii_lowercase, strict=False))


def marks(estimate: Estimate, letters: Mapping[str, str]) -> str:
    """The footnote letters of one number: "a, c"."""
    return ", ".join(sorted(letters[flag] for flag in estimate.flags if flag in letters))


def footnotes(letters: Mapping[str, str]) -> tuple[str, ...]:
    """The sentences that belong to the letters: "a: nobody gave a rating here ..."."""
    return tuple(f"{letter}: {FLAGS[flag]}." for flag, letter in letters.items())
