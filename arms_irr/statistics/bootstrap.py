"""Bootstrap of any coefficient: subjects, cases, raters or both drawn anew, as matrices of weights.

Agreement between raters is a statistic of pairs. A bootstrap that copies an officer drawn twice counts the copies
as agreeing, and finds P_a + (1 - P_a)/R on average. Here a rater drawn n_j times has weight n_j, and only pairs of
different raters count (the distinct-pair rule):

    P_a* = sum_{j != h} n_j n_h w(x_j, x_h) / sum_{j != h} n_j n_h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.agreement import Coefficient, View
from arms_irr.statistics.estimate import Estimate
from arms_irr.statistics.jackknife import BATCH, cases_of
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import Floats

__all__ = ["INTERVALS", "Resampled", "bootstrap", "draws", "resampled"]

INTERVALS = ("percentile", "bca", "bootstrap-t")
_REFUSE_BCA, _WARN = 10, 20  # clusters
_UNDEFINED = 0.05  # share of replicates that are 0/0
_EDGE = 1 - 1e-12


@dataclass(frozen=True)
class Resampled:
    """A coefficient as a function of how often each of G clusters is drawn.

    Attributes
    ----------
    own : (G,) array
        How often each cluster occurs in the data: 1, or the weight of a profile of alike subjects.
    value : callable
        Draws (B, G) -> values (B,), ``nan`` where 0/0.
    """

    own: Floats
    value: Callable[[Floats], Floats]

    def without_each(self, draws: Floats) -> Floats:
        """(B, G) values with each cluster drawn once less; clusters not drawn leave the value as it is."""
        clusters = draws.shape[1]
        less = np.maximum(draws[:, None, :] - np.eye(clusters), 0.0)
        return self.value(less.reshape(-1, clusters)).reshape(-1, clusters)


def draws(rng: np.random.Generator, own: Floats, replicates: int) -> Floats:
    """(B, G) how often each cluster is drawn when as many as there are are drawn with replacement."""
    return rng.multinomial(int(own.sum()), own / own.sum(), size=replicates).astype(np.float64)


@lru_cache(maxsize=4)
def _drawn(seed: int, own: bytes, replicates: int) -> Floats:
    """:func:`draws` of a fresh generator: the groups of a table that have as many clusters share them."""
    drawn = draws(np.random.default_rng(seed), np.frombuffer(own), replicates)
    drawn.flags.writeable = False
    return drawn


def resampled(row: Coefficient, tally: Tally, w: Floats, target: str) -> Resampled:
    """The coefficient as a function of draws of subjects, of cases or of raters."""
    if target == "raters":
        return Resampled(np.ones(tally.n_raters), lambda n: _values(row, tally, w, None, n))
    if target == "subjects":
        return Resampled(tally.weight, lambda n: _values(row, tally, w, n, None))
    case = cases_of(tally)
    own = np.ones(int(case.max()) + 1) if tally.cluster is not None else tally.weight
    base = tally.weight if tally.cluster is not None else np.ones(len(tally.weight))
    return Resampled(own, lambda n: _values(row, tally, w, base * n[:, case], None))


def _values(row: Coefficient, tally: Tally, w: Floats, units: Floats | None, raters: Floats | None) -> Floats:
    """(B,) values under weights of units (B, U), of raters (B, R), or of both; a batch at a time."""
    drawn = units if units is not None else raters
    assert drawn is not None
    values = np.empty(len(drawn))
    step = max(1, BATCH // max(1, tally.counts.size))
    for start in range(0, len(drawn), step):
        part = slice(start, start + step)
        view = View.whole(tally) if raters is None else _with_raters(tally, raters[part])
        view = view if units is None else replace(view, weight=units[part])
        values[part] = row.value(view, w)
    return values


def _with_raters(tally: Tally, n: Floats) -> View:
    """Counts sum_j n_j [rater j says k]; sum_j n_j^2 over a unit's raters are the pairs of a rater with the same one."""
    assert tally.codes is not None
    onehot = tally.onehot.transpose(1, 0, 2)  # (R, U, q)
    counts = (n @ onehot.reshape(len(onehot), -1)).reshape(len(n), *onehot.shape[1:])
    return View(tally, counts, tally.weight, n, n**2 @ (tally.codes >= 0).T)


def bootstrap(
    row: Coefficient, tally: Tally, w: Floats, found: Estimate, *, interval: str, replicates: int = 2000,
    seed: int = 1,
) -> Estimate:
    """The estimate with a bootstrap standard error and interval for its target.

    Parameters
    ----------
    found : Estimate
        Value, target and confidence level; its interval is replaced.
    interval : {"percentile", "bca", "bootstrap-t"}
        Efron & Tibshirani (1993), sections 13.3, 14.3, 12.5. ``bootstrap-t`` works on the Fisher-z scale with
        the delete-one jackknife as inner standard error.
    replicates : int
        At least 100; 2000 is usual, 10000 for a table that is published.

    Returns
    -------
    Estimate
        ``parts``: ``seed``, ``replicates``, ``bias`` (mean of the replicates less the value) and
        ``undefined_replicates``, the share that are 0/0.

    Raises
    ------
    ArgumentError
        For an unknown interval, too few replicates, or anything but ``percentile`` with ``target="both"``.

    Notes
    -----
    ``subjects`` draws subjects, ``cases`` all subjects of a case together, ``raters`` whole raters by the
    distinct-pair rule, ``both`` cases and raters independently (Owen 2007; mildly conservative). With fewer
    than 10 clusters no BCa interval is given, with fewer than 20 percentile and BCa carry a warning: below about
    15 clusters both are too narrow. More than 5 % undefined replicates: no interval.
    """
    _check(interval, replicates, seed, found.target)
    rng = np.random.default_rng(seed)
    way = resampled(row, tally, w, "cases" if found.target == "both" else found.target)
    found = replace(found, method=f"{row.title}, {interval} bootstrap of {_DRAWN[found.target]}")
    clusters = int(way.own.sum())
    if clusters < 2:
        return found.flagged("one-subject")
    if found.target == "both":
        values = _pigeonhole(row, tally, w, way, rng, replicates)
        clusters = min(clusters, tally.n_raters)
    else:
        small = replicates * len(way.own) <= BATCH
        drawn = _drawn(int(seed), way.own.astype(np.float64).tobytes(), replicates) if small else draws(rng, way.own, replicates)
        values = way.value(drawn)
    if interval == "bootstrap-t":
        pivots = _pivots(way, drawn, values, found.value)
    lost = float(np.mean(np.isnan(values if interval != "bootstrap-t" else pivots)))
    parts = {**found.parts, "seed": float(seed), "replicates": float(replicates), "undefined_replicates": lost}
    if lost > _UNDEFINED:
        return replace(found, parts=parts).flagged("bootstrap-undefined")
    values = values[~np.isnan(values)]
    parts["bias"] = float(values.mean() - found.value)
    found = replace(found, se=float(values.std(ddof=1)), parts=parts)
    if found.se <= 1e-14:
        return replace(found, se=0.0).flagged("zero-se")
    tails = np.array([1 - found.confidence_level, 1 + found.confidence_level]) / 2
    if interval == "bootstrap-t":
        return _studentised(found, way, pivots[~np.isnan(pivots)], tails)
    if interval == "bca":
        if clusters < _REFUSE_BCA:
            return found.flagged("bca-refused")
        tails = _bca(values, found.value, way, tails)
    low, high = np.quantile(values, tails)
    found = replace(found, ci_low=float(low), ci_high=float(high))
    return found.flagged("bootstrap-few") if clusters < _WARN else found


_DRAWN = {"subjects": "subjects", "cases": "cases", "raters": "raters (distinct pairs)",
          "both": "cases and of raters (distinct pairs)"}


def _check(interval: str, replicates: int, seed: int, target: str) -> None:
    if interval not in INTERVALS:
        raise ArgumentError(f"unknown interval {interval!r}. {nearest(interval, INTERVALS)}"
                            f"Choose from {', '.join(INTERVALS)}.")
    if isinstance(replicates, bool) or not isinstance(replicates, (int, np.integer)) or replicates < 100:
        raise ArgumentError(f"replicates={replicates!r}: give a whole number of 100 or more, usually 2000")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError(f"seed={seed!r}: give a whole number of 0 or more")
    if target == "both" and interval != "percentile":
        raise ArgumentError(f'{interval} is for one kind of draw; with target="both" '
                            'use interval="percentile" or the default')


def _pigeonhole(
    row: Coefficient, tally: Tally, w: Floats, way: Resampled, rng: np.random.Generator, replicates: int
) -> Floats:
    """Values with cases (or subjects) and raters drawn independently of each other (Owen 2007)."""
    units = draws(rng, way.own, replicates)
    if tally.cluster is not None:
        units = tally.weight * units[:, cases_of(tally)]
    return _values(row, tally, w, units, draws(rng, np.ones(tally.n_raters), replicates))


def _bca(values: Floats, value: float, way: Resampled, tails: Floats) -> Floats:
    """Levels of the quantiles, corrected for bias and for acceleration (by the jackknife of the same clusters)."""
    below = np.mean(values < value) + np.mean(values == value) / 2
    shift = ndtri(np.clip(below, 0.5 / len(values), 1 - 0.5 / len(values)))
    left_out = way.without_each(way.own[None])[0]
    gap = way.own @ left_out / way.own.sum() - left_out
    spread = float(way.own @ gap**2)
    acceleration = float(way.own @ gap**3) / (6 * spread**1.5) if spread > 0 else 0.0
    moved = shift + ndtri(tails)
    return np.asarray(ndtr(shift + moved / (1 - acceleration * moved)))


def _spread(way: Resampled, drawn: Floats) -> Floats:
    """(B,) delete-one jackknife standard error, on the Fisher-z scale, of every replicate."""
    spread = np.empty(len(drawn))
    step = max(1, BATCH // drawn.shape[1] ** 2)
    n = way.own.sum()
    for start in range(0, len(drawn), step):
        part = drawn[start : start + step]
        left_out = way.without_each(part)
        left_out = np.where(part > 0, np.arctanh(np.where(np.abs(left_out) < _EDGE, left_out, np.nan)), 0.0)
        mean = (part * left_out).sum(axis=1, keepdims=True) / n
        spread[start : start + step] = np.sqrt((n - 1) / n * (part * (left_out - mean) ** 2).sum(axis=1))
    return spread


def _pivots(way: Resampled, drawn: Floats, values: Floats, value: float) -> Floats:
    """(B,) (z* - z) / se*, ``nan`` where a value lies at -1 or 1 or nothing varies."""
    if abs(value) >= _EDGE:
        return np.full(len(values), np.nan)
    inside = np.where(np.abs(values) < _EDGE, values, np.nan)
    spread = _spread(way, drawn)
    gap, out = np.arctanh(inside) - np.arctanh(value), np.full(len(values), np.nan)
    return np.asarray(np.divide(gap, spread, out=out, where=spread > 1e-12))


def _studentised(found: Estimate, way: Resampled, pivots: Floats, tails: Floats) -> Estimate:
    se = float(_spread(way, way.own[None])[0])
    low, high = np.arctanh(found.value) - np.quantile(pivots, tails[::-1]) * se
    if np.isnan(se):
        return found.flagged("at-boundary")
    return replace(found, ci_low=float(np.tanh(low)), ci_high=float(np.tanh(high)))
