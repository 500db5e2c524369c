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

__all__ = ["FEW", "PLAIN", "Verdict", "design", "verdict"]

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
        is always ``nan``, the sizes are those of the cell. ``notes`` hold the design in words.
    """
    rows: list[Row] = []
    for by in GROUPINGS:
        if set(by) <= {"factor", "kind", "case"} | set(study.case_attributes):
            for cell in cells(study, by):
                rows += _of_cell(study, cell)
    by = ("grouping", "cell", "verdict", "reason", "instead")
    return Result("What this design can and cannot show", by, tuple(rows), tuple(words(study)),
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


def words(study: Study) -> list[str]:
    """The design in sentences that a report can print."""
    ratings = study.ratings
    pairs = np.unique(np.stack([ratings.rater, ratings.case]), axis=1)
    per_rater = np.bincount(pairs[0], minlength=len(study.raters))
    per_case = np.bincount(pairs[1], minlength=len(study.cases))
    factors = [study.instrument.factors[i] for i in np.unique(ratings.factor)]
    rated = [f for f in factors if f.kind != "overall"]
    overall = " and an overall judgement" if len(rated) < len(factors) else ""
    found = [f"{len(study.raters)} officers rated {_many(len(study.cases), 'case')} on {_many(len(rated), 'factor')}{overall}."]
    if per_rater.min() == len(study.cases):
        found.append("Every officer rated every case.")
    else:
        found.append(f"Each officer rated {_span(per_rater)} of the {len(study.cases)} cases; "
                     f"each case was rated by {_span(per_case)} officers.")
    found += _about_cases(study)
    if study.has_gold:
        found += _about_gold(study)
    else:
        found.append("The study declares no gold standard, so only agreement between officers can be described.")
    return found


def _about_cases(study: Study) -> list[str]:
    bands = study.case_attributes.get("risk_band", ())
    smallest = min((bands.count(band) for band in set(bands)), default=len(study.cases))
    found = []
    if len(study.cases) < FEW:
        found.append(f"A coefficient for a single factor would rest on {_many(len(study.cases), 'case')}. Kappa, alpha and the ICC need cases "
                     "that differ, so none is printed for a single factor. Read instead: " + INSTEAD + " and r_WG.")
    elif len(study.cases) < PLAIN:
        found.append(f"A coefficient for a single factor rests on {len(study.cases)} cases and is marked weak.")
    if smallest < FEW:
        found.append("The intervals tell what other officers would do with these cases. "
                     f"With {_many(smallest, 'case')} in a risk band nothing can be said about other cases.")
    if bands and smallest == 1:
        found.append("With one case in a risk band, a difference between bands cannot be told from a difference between the two stories.")
    return found


def _about_gold(study: Study) -> list[str]:
    assert study.gold is not None
    found = []
    columns = np.unique(study.ratings.factor)
    constant = [study.instrument.factors[i].label for i in columns if len(np.unique(study.gold[:, i][study.gold[:, i] >= 0])) == 1]
    if constant and len(study.cases) > 1:
        found.append(f"The gold standard is the same in every case for {_listed(constant)}: "
                     "whether officers can tell cases apart on these factors cannot be shown.")
    return found


def _many(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _span(values: np.ndarray) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
