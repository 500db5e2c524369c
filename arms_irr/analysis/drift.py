"""Do officers rate as they did before? Re-rated cases, and charts over occasions or dates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import stdtrit

from arms_irr.analysis.consistency import ORDINAL_METRIC
from arms_irr.analysis.gold import outcomes
from arms_irr.analysis.levels import subjects
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.planning.certification import load_rule
from arms_irr.statistics.agreement import coefficient
from arms_irr.statistics.certification import Wald
from arms_irr.statistics.control import cusum_arl, cusum_limit, cusum_path, p_limits
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.proportions import clustered, clustered_mean
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.count import NOT_RECORDED, Cell, cells, columns, labels
from arms_irr.study.study import Study

__all__ = ["control_chart", "rerating"]

_NOISE = ("level_noise", "pattern_noise", "occasion_noise")
_EFFECTS = "moments of re-rated cells, jackknife over officers"


# --- the same case again ----------------------------------------------------------------------------------


def rerating(study: Study, by: Sequence[str] = (), *, weights: str | None = None, confidence_level: float = 0.95) -> Result:
    """How far officers agree with their own first rating of a case that they rated again.

    Of each officer, case and factor the first two occasions on which a priority was given make a pair. Officers are the
    clusters of every interval.

    Parameters
    ----------
    by : sequence of str
        Grouping columns, as everywhere but ``occasion``.
    weights : str, optional
        Of kappa; quadratic by default, none on a nominal scale.

    Returns
    -------
    Result
        Per cell: ``intra_rater_percent``; ``intra_rater_kappa``, Cohen's between first and second ratings of all officers
        together (delete-one-officer jackknife; none from fewer than 5 officers); ``retest_shift``, the mean of second less
        first; and the parts of the variance of a rating of a cell over officers, in the terms of Kahneman, Sibony &
        Sunstein (2021): ``level_noise`` (officers' general levels), ``pattern_noise`` (an officer's own stable reading
        of a cell) and ``occasion_noise`` (half the mean square of the change, freed from the shift of all). ``parts`` of these:
        ``share`` of their sum. ``nan`` with "not-rated-again" where there is no pair.

    Notes
    -----
    With r a rating less the mean of its cell and turn over officers: V = mean r^2, C the mean product of the two ratings
    of a cell by an officer, L that of two cells by an officer; occasion V - C, pattern C - L, level L: unbiased, and
    possibly negative. The jackknife takes the means of the cells as given.
    """
    level = check_confidence(confidence_level)
    if "occasion" in by:
        raise ArgumentError("re-rating compares occasions: leave 'occasion' out of by=")
    rows = [Row(cell.group, name, one) for cell in cells(study, by) for name, one in _again(study, cell, weights, level).items()]
    notes = ("Officers may remember a case: at least two weeks should lie between the ratings.",
             "Training between the two ratings counts as inconsistency here: re-rate without training in between.")
    return Result("Officers against their own first rating", tuple(by), tuple(rows), notes, names=study.case_titles, synthetic=study.synthetic)


def _pairs(study: Study, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 2) first and second category, the officer and the cell (case and factor) of each pair."""
    ratings = study.ratings
    rows = rows[ratings.code[rows] >= 0]
    cell = ratings.case[rows].astype(np.int64) * len(study.instrument.factors) + ratings.factor[rows]
    key = ratings.rater[rows].astype(np.int64) * (len(study.cases) * len(study.instrument.factors)) + cell
    order = np.lexsort((ratings.occasion[rows], key))
    key, cell, code, who = key[order], cell[order], ratings.code[rows][order].astype(np.int64), ratings.rater[rows][order].astype(np.int64)
    first = np.flatnonzero((key[1:] == key[:-1]) & np.concatenate([[True], key[1:-1] != key[:-2]])) if len(key) > 1 else np.arange(0)
    return np.stack([code[first], code[first + 1]], axis=1), who[first], cell[first]


def _again(study: Study, cell: Cell, weights: str | None, level: float) -> dict[str, Estimate]:
    names = ("intra_rater_percent", "intra_rater_kappa", "retest_shift", *_NOISE)
    if cell.scale is None:
        return dict.fromkeys(names, undefined("mixed-scales", target="raters"))
    pairs, who, item = _pairs(study, cell.rows)
    if not len(pairs):
        return dict.fromkeys(names, undefined("not-rated-again", target="raters", confidence_level=level))
    own = np.unique(who, return_inverse=True)[1].ravel()
    n = np.bincount(own)
    scores = np.array(cell.scale.scores, dtype=np.float64)
    same = clustered(np.bincount(own, pairs[:, 0] == pairs[:, 1]), n, level)
    shift = clustered_mean(np.bincount(own, scores[pairs[:, 1]] - scores[pairs[:, 0]]), n, level)
    how = weights or ("identity" if cell.scale.level == "nominal" else "quadratic")
    if how == ORDINAL_METRIC:
        raise ArgumentError(f"weights={how!r} belong to Krippendorff's alpha; choose quadratic, linear or identity")
    counted = Tally.from_codes(pairs, scores, cluster=own)
    kappa = estimate(coefficient("cohen"), counted, agreement_weights(how, scores), target="cases", confidence_level=level, weights=how)
    flags = tuple("few-officers" if flag == "few-cases" else "undefined-without-a-rater" if flag == "undefined-without-a-case" else flag
                  for flag in kappa.flags)
    kappa = replace(kappa, target="raters", n_raters=len(n), n_ratings=2 * len(pairs), flags=flags,
                    method="Cohen's kappa of first and second ratings, jackknife over officers")
    found = dict(zip(names, (same, kappa, shift), strict=False)) | _noise(scores[pairs], own, item, level)
    subjects = len(np.unique(item))
    return {name: replace(one, n_subjects=subjects) for name, one in found.items()}


def _noise(x: np.ndarray, own: np.ndarray, item: np.ndarray, level: float) -> dict[str, Estimate]:
    """Level, pattern and occasion noise of (n, 2) scores by officer and cell."""
    place = np.unique(item, return_inverse=True)[1].ravel()
    times = np.bincount(place)
    kept = times[place] > 1
    officers = int(own.max()) + 1
    size: dict[str, Any] = {"target": "raters", "n_raters": officers, "n_ratings": 2 * len(x), "method": _EFFECTS, "confidence_level": level}
    if not kept.any():
        return dict.fromkeys(_NOISE, undefined("one-rater", **size))
    mean = np.stack([np.bincount(place, x[:, t]) / times for t in (0, 1)], axis=1)
    r = ((x - mean[place]) * np.sqrt(times / np.maximum(times - 1, 1))[place, None])[kept]
    who = own[kept]

    def of(values: np.ndarray) -> np.ndarray:
        return np.bincount(who, values, minlength=officers)

    n, square, product = of(np.ones(len(r))), of((r**2).mean(axis=1)), of(r[:, 0] * r[:, 1])
    total = r.mean(axis=1)
    across = of(total) ** 2 - of(total**2)  # products of two different cells, over both turns
    every = np.stack([square, product, across]), np.stack([n, n, n * (n - 1)])
    contrast = np.array([[0, 0, 1.0], [0, 1, -1], [1, -1, 0]])  # level, pattern, occasion

    def parts(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(contrast @ np.where(bottom > 0, top / bottom, np.nan))

    value = parts(*(one.sum(axis=1) for one in every))
    without = parts(*(one.sum(axis=1, keepdims=True) - one for one in every))
    if np.isnan(value).any():
        return dict.fromkeys(_NOISE, undefined("one-subject", **size))
    se = np.sqrt((officers - 1) / officers * ((without - without.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    half = stdtrit(officers - 1, (1 + level) / 2) * se
    share = value / value.sum() if value.sum() > 0 else np.full(3, np.nan)
    found = {}
    for k, name in enumerate(_NOISE):
        one = Estimate(float(value[k]), se=float(se[k]), df=officers - 1.0, parts={"share": float(share[k])}, **size)
        if math.isnan(se[k]) or se[k] < 1e-14:
            one = replace(one, df=math.nan).flagged("zero-se" if se[k] < 1e-14 else "undefined-without-a-rater")
        else:
            one = replace(one, ci_low=float(value[k] - half[k]), ci_high=float(value[k] + half[k]))
        found[name] = one.flagged("negative-component") if value[k] < 0 else one
    return found


# --- charts -----------------------------------------------------------------------------------------------


def control_chart(
    study: Study, over: str = "occasion", *, centre: float | None = None, false_alarm: float = 0.0027, p0: float | None = None,
    p1: float | None = None, arl: float = 100.0, confidence_level: float = 0.95,
) -> Result:
    """Agreement with the gold standard over occasions or dates, with limits that chance alone would rarely leave.

    Parameters
    ----------
    over : str
        ``occasion``, or an attribute of cases or officers that holds dates (as 2026-03-31, in whose order they come).
    centre : float, optional
        The share when nothing has changed; by default that of all ratings of the chart.
    false_alarm : float
        Accepted probability that a point lies outside although nothing has changed.
    p0, p1 : float, optional
        Of the CUSUM: the share that is to be detected and the one that is wanted; by default the shipped rule's.
    arl : float
        Points between false alarms of the CUSUM at p1, on average at least.

    Returns
    -------
    Result
        By ``occasion``: ``exact`` with officers as clusters (``parts``: ``centre``, ``lower``, ``upper`` of the p-chart,
        ``false_alarm``, the exact probability of leaving the limits, ``outside``), and ``cusum``, max(0, the one before +
        slope x ratings - agreements) with Wald's slope between p0 and p1 (``parts``: ``centre`` 0, ``upper``, the limit; ``arl``
        and ``arl_p0``, points to an alarm at p1 and at p0; ``outside``).

    Notes
    -----
    Ratings of one officer hang together. Both charts count each point as its ratings over the design effect, the mean over
    points of the officers' (at least 1; Korn & Graubard 1998), taken as independent. Where the same officers rate at every
    point the limits are wider than need be, since differences between officers then cancel. Average run lengths are for
    points of the median size.

    Raises
    ------
    ArgumentError
        Without a gold standard, and for a column that is not there.
    """
    level = check_confidence(confidence_level)
    if not study.has_gold:
        raise ArgumentError('the charts need a gold standard and this study declares that it has none (gold = "none")')
    if over not in columns(study) or over in ("factor", "kind", "case", "rater"):
        raise ArgumentError(f"cannot chart over {over!r}. {nearest(over, columns(study))}Give occasion, or an attribute that holds dates.")
    found = [cell for cell in cells(study, [over]) if cell.group[over] != NOT_RECORDED]
    if over != "occasion":
        found.sort(key=lambda cell: cell.group[over])
    points = [_point(study, cell, level) for cell in found]
    shown = [one for one in points if one.estimable]
    rule = load_rule()
    p0, p1 = rule.p0 if p0 is None else p0, rule.p1 if p1 is None else p1
    slope = Wald(p0, p1, rule.alpha, rule.beta).slope
    rows: list[Row] = []
    notes = [f"Ratings without a recorded {over} are left out."] if len(found) < len(labels(study, over)) else []
    if shown:
        effect = max(1.0, float(np.average([one.parts.get("deff", 1.0) if one.parts.get("deff", 1.0) >= 1 else 1.0 for one in shown],
                                           weights=[one.n_ratings for one in shown])))
        middle = centre if centre is not None else sum(one.value * one.n_ratings for one in shown) / sum(one.n_ratings for one in shown)
        charted = [_charted(one, middle, effect, false_alarm) for one in shown]
        sums = _cusum(shown, effect, slope, p0, p1, arl)
        both = dict(zip(map(id, shown), zip(charted, sums, strict=True), strict=True))
        notes += _chart_notes(charted, sums, middle, effect, centre is None)
    for cell, one in zip(found, points, strict=True):
        pair = both[id(one)] if one.estimable else (one, one.suppressed())
        rows += [Row({"occasion": cell.group[over]}, name, e) for name, e in zip(("exact", "cusum"), pair, strict=True)]
    return Result(f"Agreement with the gold standard over {'occasions' if over == 'occasion' else over}", ("occasion",), tuple(rows), tuple(notes),
                  picture="control_chart", names=study.case_titles, synthetic=study.synthetic)


def _point(study: Study, cell: Cell, level: float) -> Estimate:
    rows, values, flag = outcomes(study, cell, "exact")
    if flag:
        return undefined(flag, target="raters", confidence_level=level)
    who = np.unique(study.ratings.rater[rows], return_inverse=True)[1].ravel()
    found = clustered(np.bincount(who, values), np.bincount(who), level)
    return replace(found, n_subjects=subjects(study, cell))


def _charted(one: Estimate, centre: float, effect: float, false_alarm: float) -> Estimate:
    lower, upper, realised = p_limits(centre, max(1, round(one.n_ratings / effect)), false_alarm)
    outside = float(not lower - 1e-12 <= one.value <= upper + 1e-12)
    return replace(one, parts={**one.parts, "centre": centre, "lower": lower, "upper": upper, "false_alarm": realised, "outside": outside})


def _cusum(shown: Sequence[Estimate], effect: float, slope: float, p0: float, p1: float, arl: float) -> list[Estimate]:
    n = np.array([max(1, round(one.n_ratings / effect)) for one in shown])
    path = cusum_path(n * np.array([one.value for one in shown]), n, slope)
    typical = int(np.median(n))
    limit, real = cusum_limit(p1, slope, arl, typical)
    parts = {"centre": 0.0, "upper": limit, "arl": real, "arl_p0": cusum_arl(p0, slope, limit, typical)}
    return [Estimate(float(s), method="CUSUM, Markov chain", target="raters", n_raters=one.n_raters, n_ratings=one.n_ratings, n_subjects=one.n_subjects,
                     parts={**parts, "outside": float(s >= limit)}) for s, one in zip(path, shown, strict=True)]


def _chart_notes(charted: Sequence[Estimate], sums: Sequence[Estimate], centre: float, effect: float, own: bool) -> list[str]:
    rate, parts = max(one.parts["false_alarm"] for one in charted), sums[0].parts
    often = f"every {parts['arl']:.0f} points" if math.isfinite(parts["arl"]) else "less than once in ten million points"
    said = [
        f"{sum(one.parts['outside'] > 0 for one in charted)} of {len(charted)} points lie outside the limits around {100 * centre:.1f} %; a point does "
        f"so by chance with a probability of at most {rate:.4f}." + (" The centre is made of these very points." if own else ""),
        f"The CUSUM gives a false alarm {often} on average where agreement is as wanted, and an alarm after "
        f"{parts['arl_p0']:.1f} points on average once it has fallen to the share to be detected. "
        f"It {'has reached' if any(one.parts['outside'] for one in sums) else 'has not reached'} its limit.",
        "Other cases on another occasion may be harder: a point outside is a question, not a verdict.",
    ]
    if effect > 1.005:
        said.append(f"Ratings of one officer hang together: {effect:.1f} ratings count as one independent rating (design effect).")
    return said
