"""What can this design show, and what can it not?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from arms_irr.analysis.result import Result, Row
from arms_irr.statistics.agreement import COEFFICIENTS
from arms_irr.statistics.estimate import FLAGS, undefined
from arms_irr.study.count import Cell, cells, judged, tally
from arms_irr.study.study import Study

__all__ = ["FEW", "PLAIN", "Verdict", "crossed", "design", "limits", "verdict"]

FEW, PLAIN = 5, 10  # subjects: below FEW suppressed, below PLAIN weak
Status = Literal["identified", "weak", "not identified"]
INSTEAD = "percent agreement, Gwet's AC, Brennan-Prediger, agreement with the gold standard"


@dataclass(frozen=True)
class Verdict:
    """Whether a statistic can be carried by a cell, why not, and what to look at instead."""

    status: Status
    flags: tuple[str, ...] = ()
    instead: str = ""

    @property
    def reason(self) -> str:
        """The reasons in words."""
        return "; ".join(FLAGS[flag] for flag in self.flags)


def verdict(cell: Cell, n_subjects: int, n_raters: int, needs_variation: bool) -> Verdict:
    """The suppression rule, in one place.

    Kappa-type coefficients, alpha and ICC (``needs_variation``) are suppressed below 5 subjects and weak below
    10. One kind of factor within a single case is suppressed whatever its number of factors, because its
    factors are too few and not exchangeable. The others need raters only: two for a value, three for an interval.
    """
    if n_raters < 2:
        return Verdict("not identified", ("one-rater",), "agreement with the gold standard")
    if cell.scale is None:
        return Verdict("not identified", ("mixed-scales",), "the factors one by one")
    if not needs_variation:
        return Verdict("weak", ("two-raters",)) if n_raters == 2 else Verdict("identified")
    if n_subjects < 2:
        return Verdict("not identified", ("one-subject",), INSTEAD + ", r_WG")
    if n_subjects < FEW:
        return Verdict("not identified", ("few-subjects",), INSTEAD + ", r_WG by case")
    if cell.n_cases == 1 and len(cell.kinds) == 1 and cell.kinds[0] in ("risk", "protective"):
        return Verdict("not identified", ("single-case-kind",), INSTEAD + ", or all factors of the case together")
    mixed = ("pooled-cases-factors",) if cell.n_cases > 1 and cell.n_factors > 1 else ()
    if n_subjects < PLAIN:
        return Verdict("weak", ("weak", *mixed))
    return Verdict("identified", mixed)


GROUPINGS: tuple[tuple[str, ...], ...] = (
    ("factor", "case"), ("factor",), ("factor", "risk_band"), ("kind", "case"), ("kind", "risk_band"), ("case",), ("risk_band",), (),
)


def design(study: Study) -> Result:
    """The design in words, and a verdict for every statistic and cell.

    Returns
    -------
    Result
        Rows by ``grouping, cell, verdict, reason, instead`` with the statistic as ``coefficient``; the value
        is always ``nan``, the sizes are those of the cell. ``notes`` hold the design in words, and after
        "Cannot be shown:" what follows from it.
    """
    rows: list[Row] = []
    for by in GROUPINGS:
        if set(by) <= {"factor", "kind", "case"} | set(study.case_attributes):
            for cell in cells(study, by):
                rows += _of_cell(study, cell)
    by = ("grouping", "cell", "verdict", "reason", "instead")
    notes = (*words(study), *(f"Cannot be shown: {limit}" for limit in limits(study)))
    return Result("What this design can and cannot show", by, tuple(rows), notes,
                  synthetic=study.synthetic)


def _of_cell(study: Study, cell: Cell) -> list[Row]:
    grouping = " x ".join(cell.group) or "all cases and factors"
    name = ", ".join(cell.group.values()) or "all"
    n_subjects, n_raters, n_ratings = 0, 0, 0
    if cell.scale is not None:
        counted = tally(study, cell)
        n_subjects, n_raters, n_ratings = counted.n_units, counted.n_raters, counted.n_ratings

    def row(statistic: str, found: Verdict) -> Row:
        group = {"grouping": grouping, "cell": name, "verdict": found.status, "reason": found.reason, "instead": found.instead}
        return Row(group, statistic, undefined(*found.flags, n_subjects=n_subjects, n_raters=n_raters, n_ratings=n_ratings))

    rows = [row("agreement with gold", _gold_verdict(study, cell))]
    for c in COEFFICIENTS.values():
        if not c.two or n_raters == 2:
            rows.append(row(c.name, verdict(cell, n_subjects, n_raters, c.needs_variation)))
    rows.append(row("icc", verdict(cell, n_subjects, n_raters, True)))
    if cell.n_cases == 1 and cell.n_factors == 1:
        rows.append(row("r_wg", verdict(cell, n_subjects, n_raters, False)))
    return rows


def _gold_verdict(study: Study, cell: Cell) -> Verdict:
    if not study.has_gold:
        return Verdict("not identified", ("no-gold",), "agreement between raters")
    if cell.scale is None:
        return Verdict("not identified", ("mixed-scales",), "the factors one by one")
    raters = len(np.unique(judged(study, cell.rows).rater))
    if raters == 0:
        return Verdict("not identified", ("no-gold",), "agreement between raters")
    return Verdict("weak", ("one-rater",)) if raters == 1 else Verdict("identified")


def crossed(study: Study) -> bool:
    """Whether every officer was asked to rate every case."""
    pairs = study.ratings.rater.astype(np.int64) * len(study.cases) + study.ratings.case
    return np.count_nonzero(np.bincount(pairs)) == len(study.raters) * len(study.cases)


def words(study: Study) -> list[str]:
    """Who rated what, in sentences."""
    ratings = study.ratings
    pairs = np.unique(np.stack([ratings.rater, ratings.case]), axis=1)
    per_rater = np.bincount(pairs[0], minlength=len(study.raters))
    per_case = np.bincount(pairs[1], minlength=len(study.cases))
    factors = [study.instrument.factors[i] for i in study.factors_rated]
    rated = [f for f in factors if f.kind != "overall"]
    overall = " and an overall judgement" if len(rated) < len(factors) else ""
    found = [f"{_many(len(study.raters), 'officer')} rated {_many(len(study.cases), 'case')} on {_many(len(rated), 'factor')}{overall}."]
    if crossed(study):
        found.append("Every officer rated every case.")
    else:
        found.append(f"Each officer rated {_span(per_rater)} of the {_many(len(study.cases), 'case')}; "
                     f"each case was rated by {_span(per_case)} officers.")
    if len(study.raters) > 1:
        found.append("The intervals of agreement say what other officers would do with these cases and factors"
                     + ("." if len(study.cases) < FEW else "; those of an ICC extend to other cases too."))
    if FEW <= len(study.cases) < PLAIN:
        found.append(f"A coefficient for a single factor rests on {len(study.cases)} cases and is marked weak.")
    return found


def limits(study: Study) -> list[str]:
    """What this design cannot show, each with its reason and what to read instead."""
    bands = study.case_attributes.get("risk_band", ())
    smallest = min((bands.count(band) for band in study.bands), default=len(study.cases))
    where = "in a risk band" if bands else "in the study"
    found = []
    if len(study.cases) < FEW:
        found.append(f"kappa, alpha or an ICC for a single factor: each would rest on {_many(len(study.cases), 'case')}. "
                     f"Read instead {INSTEAD if study.has_gold else INSTEAD.rpartition(', ')[0]} and r_WG.")
    if smallest < FEW:
        found.append(f"what officers would do with other cases: there {'is' if smallest == 1 else 'are'} {_many(smallest, 'case')} {where}.")
    if len(study.raters) < 2:
        found.append("agreement between officers, and what other officers would do: there is one officer.")
    if len(study.bands) > 1 and smallest == 1:
        found.append("whether a difference between the bands comes from the risk or from the story: a band is a single case.")
    if not study.has_gold:
        found.append("agreement with a gold standard: the study declares that it has none.")
    elif len(study.cases) > 1 and (constant := _constant_gold(study)):
        found.append(f"whether officers can tell cases apart on {_listed(constant)}: the gold standard is the same in every case.")
    return found


def _constant_gold(study: Study) -> list[str]:
    assert study.gold is not None
    golds = {i: study.gold[:, i][study.gold[:, i] >= 0] for i in study.factors_rated}
    return [study.instrument.factors[i].label for i, gold in golds.items() if len(np.unique(gold)) == 1]


def _many(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _span(values: np.ndarray) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
