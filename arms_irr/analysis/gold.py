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

__all__ = ["MEASURES", "Measure", "against_gold", "outcomes"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measure:
    """One statistic of agreement with the gold standard: a share of ``hit`` among ``base``.

    Both take the ratings beside their gold and the highest category. ``empty`` is the flag for a cell whose
    gold leaves no base (or makes a hit impossible, where ``impossible`` says so).
    """

    name: str
    base: Callable[[Judged, int], Mask]
    hit: Callable[[Judged, int], Mask]
    empty: str = "no-ratings"
    impossible: Callable[[Judged, int], bool] = lambda j, top: False


def _given(j: Judged, top: int) -> Mask:
    return j.given


def _extreme(j: Judged, top: int) -> Mask:
    return j.given & ((j.gold == 0) | (j.gold == top))


_ROWS = (
    Measure("exact", _given, lambda j, top: j.code == j.gold),
    Measure("exact_of_asked", lambda j, top: j.gold >= 0, lambda j, top: j.code == j.gold),
    Measure("adjacent", _given, lambda j, top: abs(j.code - j.gold) <= 1),
    Measure("adjacent_extreme", _extreme, lambda j, top: abs(j.code - j.gold) <= 1, "cannot-fail"),
    Measure("under", _given, lambda j, top: j.code < j.gold, "impossible-under", lambda j, top: bool((j.gold == 0).all())),
    Measure("over", _given, lambda j, top: j.code > j.gold, "impossible-over", lambda j, top: bool((j.gold == top).all())),
    Measure("missed_high", lambda j, top: j.given & (j.gold == top), lambda j, top: j.code < j.gold, "no-gold-high"),
)
_SIGNED, _UNABLE = "mean_signed_error", "unable_to_rate"
MEASURES = (*(row.name for row in _ROWS[:6]), _SIGNED, *(row.name for row in _ROWS[6:]), _UNABLE)


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
    chosen = MEASURES if statistics is None else tuple(statistics)
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
            rows, values, _ = outcomes(study, cell, name)
            estimate = _share(values, study.ratings.rater[rows], level, alone)
        elif cell.scale is None:
            estimate = undefined("mixed-scales", n_ratings=len(cell.rows))
        else:
            estimate = _measured(name, j, len(cell.scale.categories) - 1, level, alone)
        found[name] = replace(estimate, **size) if not estimate.estimable else replace(estimate, n_subjects=size["n_subjects"])
    return found


def outcomes(study: Study, cell: Cell, statistic: str) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64], str]:
    """What one of :data:`MEASURES` is the mean of, rating by rating.

    Returns
    -------
    rows : (n,) array
        The ratings of its base, as positions in ``study.ratings``.
    values : (n,) array
        1 or 0, or the signed error in steps.
    flag : str
        Why there are none; empty where there are.
    """
    code = study.ratings.code[cell.rows]
    if statistic == _UNABLE:
        answered = code != NOT_GIVEN
        return cell.rows[answered], (code[answered] == UNABLE).astype(np.float64), "" if answered.any() else "no-ratings"
    if cell.scale is None:
        return cell.rows[:0], np.zeros(0), "mixed-scales"
    j = judged(study, cell.rows)
    base, values, flag = _values(statistic, j, len(cell.scale.categories) - 1)
    if flag:
        return cell.rows[:0], np.zeros(0), flag
    assert study.gold is not None
    rows = cell.rows[study.gold[study.ratings.case[cell.rows], study.ratings.factor[cell.rows]] >= 0]
    return rows[base], values, ""


def _values(statistic: str, j: Judged, top: int) -> tuple[Mask, npt.NDArray[np.float64], str]:
    """Which of the ratings count, what each of those adds to the mean, and why there is no mean."""
    if not j.given.any():
        return j.given, np.zeros(0), "no-ratings" if len(j.gold) else "no-gold"
    if statistic == _SIGNED:
        return j.given, (j.code - j.gold)[j.given].astype(np.float64), ""
    measure = next(row for row in _ROWS if row.name == statistic)
    base = measure.base(j, top)
    flag = measure.empty if not base.any() or measure.impossible(j, top) else ""
    return base, measure.hit(j, top)[base].astype(np.float64), flag


def _subjects(study: Study, cell: Cell) -> int:
    r = study.ratings
    pair = r.case[cell.rows].astype(np.int64) * len(study.instrument.factors) + r.factor[cell.rows]
    return int(np.count_nonzero(np.bincount(pair)))


def _measured(statistic: str, j: Judged, top: int, level: float, alone: bool) -> Estimate:
    base, values, flag = _values(statistic, j, top)
    rater = j.rater[base]
    if flag:
        return undefined(flag, n_ratings=len(rater), n_raters=len(np.unique(rater)))
    if statistic == _SIGNED:
        return _signed(values, rater, level, alone)
    found = _share(values, rater, level, alone)
    cannot_fail = statistic == "adjacent" and bool(((j.gold > 0) & (j.gold < top))[base].all()) and top <= 2
    return found.flagged("cannot-fail") if cannot_fail else found


def _share(hit: npt.NDArray[np.float64], rater: npt.NDArray[np.integer], level: float, alone: bool) -> Estimate:
    """A share with the interval that suits who gave the ratings."""
    if not len(hit):
        return undefined("no-ratings")
    if alone:
        found = wilson(int(hit.sum()), len(hit), level)
        return replace(found, n_raters=1, target="subjects", method="Wilson over the officer's own ratings")
    hits, totals = per_rater(rater, hit, np.ones(len(hit)))
    if totals.max() == 1:
        return replace(wilson(int(hit.sum()), len(hit), level), n_raters=len(totals), target="raters")
    return clustered(hits, totals, level)


def _signed(error: npt.NDArray[np.float64], rater: npt.NDArray[np.integer], level: float, alone: bool) -> Estimate:
    ones = np.ones(len(error))
    if alone:
        found = clustered_mean(error, ones, level)
        return replace(found, n_raters=1, target="subjects", method="t interval over the officer's own ratings")
    return clustered_mean(*per_rater(rater, error, ones), level)
