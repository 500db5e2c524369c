"""Does one officer or one factor make the result? Every headline number without each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from arms_irr.analysis.consistency import ORDINAL_METRIC
from arms_irr.analysis.design import crossed, verdict
from arms_irr.analysis.pool import Floats, Ints, subjects
from arms_irr.analysis.result import Result, Row
from arms_irr.statistics.agreement import KRIPPENDORFF_ORDINAL, Coefficient, coefficient
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.statistics.jackknife import variance, without_each_case, without_each_rater
from arms_irr.statistics.proportions import clustered
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.count import Cell, cells, judged, tally
from arms_irr.study.study import Study

__all__ = ["influence"]

FAR, HALF = 3.0, 0.5
_Removed = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class _Headline:
    """One number of a cell: its value and interval, what it is without each officer and each factor, and without several officers."""

    name: str
    weights: str
    found: Estimate
    officers: Ints
    without_officer: Floats
    factors: Ints
    without_factor: Floats
    without_several: _Removed


def influence(study: Study, by: Sequence[str] = ("case",), *, confidence_level: float = 0.95) -> Result:
    """How far each headline number moves when one officer or one factor is left out.

    The numbers: exact agreement with the gold standard (where there is one), and between officers AC2,
    Brennan-Prediger and kappa with quadratic weights and Krippendorff's ordinal alpha, as far as the design
    carries them. Leaving one out is ``influential`` when its jackknife pseudo-value lies more than 3 standard
    deviations from their mean, or when the number moves by more than half of its interval's half-width, t times the
    jackknife standard error over officers.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns of cases, such as ``("case",)`` or ``("risk_band",)``.

    Returns
    -------
    Result
        By the columns, ``what`` (officer, factor, officers flagged) and ``left_out``: the change, without minus
        with, in the units of the number. Of the officers and of the factors the one with the largest change, and
        everyone flagged; then all flagged officers left out together. ``parts``: ``with``, ``without``,
        ``distance`` in standard deviations of the pseudo-values, ``of_half_width``. A sensitivity analysis:
        nobody's ratings are removed from the results for being different.
    """
    level = check_confidence(confidence_level)
    rows: list[Row] = []
    looked, asked = 0, _asked(study)
    for cell in cells(study, by):
        if cell.scale is None:
            continue
        for number in (*_against_gold(study, cell, level), *_between(study, cell, asked, level)):
            rows += _rows(study, cell, number)
            looked += len(number.officers) + len(number.factors)
    flagged = sum("influential" in row.estimate.flags for row in rows if row["what"] != "officers flagged")
    notes = (f"{flagged} of {looked} deletions are flagged; for each number the largest change is shown whether flagged or not.",
             "A sensitivity analysis: an officer who differs is not wrong for that, and nobody is left out of the results.")
    return Result("Does one officer or one factor make the result?", (*by, "what", "left_out"), tuple(rows), notes,
                  names=study.case_titles, synthetic=study.synthetic)


def _rows(study: Study, cell: Cell, number: _Headline) -> list[Row]:
    rows: list[Row] = []
    several: Ints = np.arange(0)
    for what, which, without, names in (
        ("officer", number.officers, number.without_officer, study.raters),
        ("factor", number.factors, number.without_factor, study.instrument.factor_ids),
    ):
        if len(which) < 3:
            continue
        change, distance, share, flagged = _judge(number.found, without)
        if what == "officer":
            several = np.flatnonzero(flagged)
        shown = np.flatnonzero(flagged | (np.arange(len(which)) == np.nanargmax(np.abs(change)))) if np.isfinite(change).any() else []
        for i in shown:
            parts = {"with": number.found.value, "without": float(without[i]), "distance": float(distance[i]), "of_half_width": float(share[i])}
            one = _change(number, float(change[i]), parts, "influential" if flagged[i] else "")
            rows.append(Row({**cell.group, "what": what, "left_out": names[which[i]]}, number.name, one))
    if len(several) > 1:
        left = number.without_several(several)
        one = _change(number, left - number.found.value, {"with": number.found.value, "without": left, "officers": float(len(several))}, "")
        rows.append(Row({**cell.group, "what": "officers flagged", "left_out": str(len(several))}, number.name, one))
    return rows


def _judge(found: Estimate, without: Floats) -> tuple[Floats, Floats, Floats, np.ndarray]:
    """Change, distance in standard deviations, share of the half-width, and whether that is much."""
    change = without - found.value
    spread = np.nanstd(without, ddof=1)
    # Pseudo-values are n value - (n - 1) without: as many standard deviations apart as the values without.
    distance = np.abs(without - np.nanmean(without)) / spread if spread > 1e-12 else np.zeros(len(without))
    half = (found.ci_high - found.ci_low) / 2
    share = np.abs(change) / half if half > 0 else np.full(len(without), np.nan)
    return change, distance, share, (distance > FAR) | (share > HALF)


def _change(number: _Headline, value: float, parts: dict[str, float], flag: str) -> Estimate:
    blank = replace(number.found, se=np.nan, ci_low=np.nan, ci_high=np.nan, df=np.nan, observed=np.nan, expected=np.nan, parts=parts,
                    method="left out minus all", weights=number.weights, flags=(flag,) if flag else ())
    return replace(blank, value=value)


def _against_gold(study: Study, cell: Cell, level: float) -> list[_Headline]:
    if not study.has_gold:
        return []
    j = judged(study, cell.rows)
    rows = cell.rows[study.gold[study.ratings.case[cell.rows], study.ratings.factor[cell.rows]] >= 0]  # type: ignore[index]
    given = j.given
    hit, ones = (j.code == j.gold)[given].astype(float), np.ones(int(given.sum()))
    if len(np.unique(j.rater[given])) < 2:
        return []

    def sums(codes: np.ndarray) -> tuple[Ints, Floats, Floats]:
        which, index = np.unique(codes, return_inverse=True)
        return which, np.bincount(index.ravel(), hit), np.bincount(index.ravel(), ones)

    officers, y, n = sums(j.rater[given])
    factors, yf, nf = sums(study.ratings.factor[rows][given])

    def several(out: np.ndarray) -> float:
        kept = np.delete(n, out).sum()
        return float(np.delete(y, out).sum() / kept) if kept else np.nan

    with np.errstate(invalid="ignore", divide="ignore"):
        less, fewer = (y.sum() - y) / (n.sum() - n), (yf.sum() - yf) / (nf.sum() - nf)
    pairs = np.unique(study.ratings.case[rows].astype(np.int64) * len(study.instrument.factors) + study.ratings.factor[rows])
    found = replace(clustered(y, n, level), n_subjects=len(pairs))
    return [_Headline("exact", "", found, officers, less, factors, fewer, several)]


def _between(study: Study, cell: Cell, asked: Sequence[tuple[Coefficient, str]], level: float) -> list[_Headline]:
    counted = tally(study, cell)
    assert counted.codes is not None
    given = study.ratings.code[cell.rows] >= 0
    officers = np.unique(study.ratings.rater[cell.rows[given]])
    factor = subjects(study, cell)[1]
    by_factor = replace(counted, cluster=factor.astype(np.int64))
    out = []
    for row, weights in asked:
        if verdict(cell, counted.n_units, counted.n_raters, row.needs_variation).status == "not identified":
            continue
        w = agreement_weights("identity" if weights == ORDINAL_METRIC else weights, counted.scores)
        found = replace(estimate(row, counted, w, confidence_level=level, weights=weights), target="raters")
        if not found.estimable or counted.n_raters < 3:
            continue
        without = _without_each(row, counted, w)
        half = float(stdtrit(len(without) - 1, (1 + level) / 2)) * math.sqrt(variance(without))
        found = replace(found, ci_low=found.value - half, ci_high=found.value + half)

        def several(gone: np.ndarray, row: Coefficient = row, w: Floats = w) -> float:
            left = Tally.from_codes(np.delete(counted.codes, gone, axis=1), counted.scores, counted.cluster)  # type: ignore[arg-type]
            return estimate(row, left, w).value

        out.append(_Headline(row.name, weights, found, officers, without, np.unique(factor),
                             without_each_case(row, by_factor, w), several))
    return out


def _without_each(row: Coefficient, counted: Tally, w: Floats) -> Floats:
    """The coefficient without each officer; Conger's in closed form, because it is quadratic in the officers' margins."""
    if row.name != "conger":
        return without_each_rater(row, counted, w)
    observed, p = without_each_rater(coefficient("percent"), counted, w), counted.rater_margins
    own, total = ((p @ w) * p).sum(axis=1), p.sum(axis=0)
    rest, left = total - p, len(p) - 1
    expected = (((rest @ w) * rest).sum(axis=1) - (own.sum() - own)) / (left * (left - 1))
    return np.divide(observed - expected, 1 - expected, out=np.full(len(p), np.nan), where=1 - expected > 1e-12)


def _asked(study: Study) -> list[tuple[Coefficient, str]]:
    kappa = "conger" if crossed(study) else "fleiss"
    return [*((coefficient(name), "quadratic") for name in ("gwet", "brennan_prediger", kappa)), (KRIPPENDORFF_ORDINAL, ORDINAL_METRIC)]
