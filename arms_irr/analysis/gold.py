"""How do the ratings compare with the gold standard?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.proportions import clustered, clustered_mean, wilson
from arms_irr.study.count import Cell, Judged, cells, judged, per_rater
from arms_irr.study.study import Study

__all__ = ["MEASURES", "Measure", "against_gold"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measure:
    """One statistic of agreement with the gold standard: a share of ``hit`` among ``base``.

    Both take the ratings beside their gold and the highest category. ``empty`` is the flag for a cell whose
    gold leaves no base (or makes a hit impossible, where ``impossible`` says so).
    """

    name: str
    title: str
    base: Callable[[Judged, int], Mask]
    hit: Callable[[Judged, int], Mask]
    empty: str = "no-ratings"
    impossible: Callable[[Judged, int], bool] = lambda j, top: False


def _given(j: Judged, top: int) -> Mask:
    return j.given


def _extreme(j: Judged, top: int) -> Mask:
    return j.given & ((j.gold == 0) | (j.gold == top))


_ROWS = (
    Measure("exact", "Same priority as the gold standard", _given, lambda j, top: j.code == j.gold),
    Measure("exact_of_asked", "Same priority, of all ratings asked for", lambda j, top: j.gold >= 0,
            lambda j, top: j.code == j.gold),
    Measure("adjacent", "At most one step from the gold standard", _given, lambda j, top: abs(j.code - j.gold) <= 1),
    Measure("adjacent_extreme", "At most one step, where the gold standard is the lowest or highest category", _extreme,
            lambda j, top: abs(j.code - j.gold) <= 1, "cannot-fail"),
    Measure("under", "Lower priority than the gold standard", _given, lambda j, top: j.code < j.gold,
            "impossible-under", lambda j, top: bool((j.gold == 0).all())),
    Measure("over", "Higher priority than the gold standard", _given, lambda j, top: j.code > j.gold,
            "impossible-over", lambda j, top: bool((j.gold == top).all())),
    Measure("missed_high", "Gold standard in the highest category, rated lower", lambda j, top: j.given & (j.gold == top),
            lambda j, top: j.code < j.gold, "no-gold-high"),
)
_SIGNED, _UNABLE = "mean_signed_error", "unable_to_rate"
MEASURES: dict[str, str] = {
    **{row.name: row.title for row in _ROWS[:6]},
    _SIGNED: "Mean of rating minus gold standard, in steps",
    **{row.name: row.title for row in _ROWS[6:]},
    _UNABLE: "Share of 'unable to rate'",
}


def against_gold(
    study: Study, by: Sequence[str] = ("factor", "case"), *, statistics: Sequence[str] | None = None, confidence_level: float = 0.95
) -> Result:
    """Agreement with the gold standard in each cell.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns: factor, kind, case, risk_band, rater, occasion, or any attribute.
    statistics : sequence of str, optional
        Some of :data:`MEASURES`; all by default.
    confidence_level : float

    Returns
    -------
    Result
        One row per cell and statistic. Where every officer gives one rating to a cell the interval is
        Wilson's; as soon as an officer contributes more it is the interval clustered by officer (logit-t, or
        its fall-back). A cell of a single officer gets Wilson's interval over the officer's ratings. What the
        cell's gold makes impossible is ``nan`` with its reason.

    Raises
    ------
    ArgumentError
        When the study declares no gold standard, for unknown columns and unknown statistics.
    """
    chosen = tuple(MEASURES) if statistics is None else tuple(statistics)
    for name in chosen:
        if name not in MEASURES:
            raise ArgumentError(f"unknown statistic {name!r}. {nearest(name, MEASURES)}Choose from {', '.join(MEASURES)}.")
    if not study.has_gold:
        raise ArgumentError('this study declares that it has no gold standard (gold = "none"); ask for agreement between raters instead')
    rows = []
    for cell in cells(study, by):
        found = _of_cell(study, cell, chosen, confidence_level, alone="rater" in by)
        rows += [Row(cell.group, name, found[name]) for name in chosen]
    picture = "gold_agreement" if set(by) == {"factor", "case"} else ""
    return Result("Agreement with the gold standard", tuple(by), tuple(rows), picture=picture,
                  instrument=study.instrument, names=study.case_titles, synthetic=study.synthetic)


def _of_cell(study: Study, cell: Cell, names: Sequence[str], level: float, alone: bool) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    j = judged(study, cell.rows)
    size = {"n_subjects": _subjects(study, cell), "confidence_level": level, "target": "raters"}
    for name in names:
        if name == _UNABLE:
            code, rater = study.ratings.code[cell.rows], study.ratings.rater[cell.rows]
            answered = code != NOT_GIVEN
            estimate = _share(code[answered] == UNABLE, rater[answered], level, alone)
        elif cell.scale is None:
            estimate = undefined("mixed-scales", n_ratings=len(cell.rows))
        elif not len(j.gold):
            estimate = undefined("no-gold")
        elif name == _SIGNED:
            estimate = _signed(j, level, alone)
        else:
            measure = next(row for row in _ROWS if row.name == name)
            estimate = _measured(measure, j, len(cell.scale.categories) - 1, level, alone)
        found[name] = replace(estimate, **size) if not estimate.estimable else replace(estimate, n_subjects=size["n_subjects"])
    return found


def _subjects(study: Study, cell: Cell) -> int:
    r = study.ratings
    return len(np.unique(r.case[cell.rows].astype(np.int64) * len(study.instrument.factors) + r.factor[cell.rows]))


def _measured(measure: Measure, j: Judged, top: int, level: float, alone: bool) -> Estimate:
    base = measure.base(j, top)
    if not j.given.any():
        return undefined("no-ratings")
    if not base.any() or measure.impossible(j, top):
        return undefined(measure.empty, n_ratings=int(base.sum()), n_raters=len(np.unique(j.rater[base])))
    found = _share(measure.hit(j, top)[base], j.rater[base], level, alone)
    cannot_fail = measure.name == "adjacent" and bool(((j.gold > 0) & (j.gold < top))[base].all()) and top <= 2
    return found.flagged("cannot-fail") if cannot_fail else found


def _share(hit: Mask, rater: npt.NDArray[np.integer], level: float, alone: bool) -> Estimate:
    """A share with the interval that suits who gave the ratings."""
    if not len(hit):
        return undefined("no-ratings")
    hits, totals = per_rater(rater, hit, np.ones(len(hit)))
    if alone:
        found = wilson(int(hit.sum()), len(hit), level)
        return replace(found, n_raters=1, target="subjects", method="Wilson over the officer's own ratings")
    if totals.max() == 1:
        return replace(wilson(int(hit.sum()), len(hit), level), n_raters=len(totals), target="raters")
    return clustered(hits, totals, level)


def _signed(j: Judged, level: float, alone: bool) -> Estimate:
    if not j.given.any():
        return undefined("no-ratings")
    error, ones = (j.code - j.gold)[j.given].astype(np.float64), np.ones(int(j.given.sum()))
    if alone:
        found = clustered_mean(error, ones, level)
        return replace(found, n_raters=1, target="subjects", method="t interval over the officer's own ratings")
    return clustered_mean(*per_rater(j.rater[j.given], error, ones), level)
