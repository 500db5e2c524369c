"""What a severity model leaves over: fit of officers and items, separation, agreement against what the model expects.

Residuals stand on Warm's weighted likelihood estimates, which are finite for every officer and not drawn to the
mean; items and thresholds are taken as fitted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtrc

from arms_irr.statistics.rasch import Floats, Ints

__all__ = ["Agreement", "MeanSquares", "Separation", "Spread", "exact_agreement", "fair_average", "mean_square_limits",
           "mean_squares", "separation", "spread", "weighted_likelihood"]

_AT_ONCE = 1_000_000  # simulated ratings in one piece
_STEPS = 50
_SMALL = 1e-12


@dataclass(frozen=True, eq=False)
class MeanSquares:
    """Infit and outfit mean squares of N officers and I items; expected about 1, ``nan`` without ratings."""

    officer_infit: Floats
    officer_outfit: Floats
    item_infit: Floats
    item_outfit: Floats


@dataclass(frozen=True)
class Separation:
    """Separation G, its reliability G^2 / (1 + G^2) and the strata (4 G + 1) / 3 (Wright & Masters 1982, pp. 92, 106)."""

    separation: float
    reliability: float
    strata: float


@dataclass(frozen=True)
class Spread:
    """Estimates with known standard errors: are they equal, and if not, how far apart?

    ``chi_square`` = sum of (estimate - weighted mean)^2 / se^2 on ``df`` degrees of freedom; ``sd`` is the standard
    deviation beyond the standard errors, by the estimating equation of Paule & Mandel (1982, J. Research NBS 87, 377-385).
    """

    mean: float
    mean_se: float
    sd: float
    chi_square: float
    df: int
    p: float


@dataclass(frozen=True, eq=False)
class Agreement:
    """Share of pairs of an officer's ratings with those of colleagues on the same item that are equal.

    ``observed`` and ``expected`` have one value an officer, ``nan`` without a colleague; the two pooled ones go over
    all pairs of officers. Expected: two independent ratings with the chances that the model gives.
    """

    observed: Floats
    expected: Floats
    pooled_observed: float
    pooled_expected: float


def _chances(table: Floats, scores: Floats, severity: Floats) -> list[Floats]:
    """The chance of each category, an (N, I) array for each."""
    powers = [x * severity[:, None] + c for x, c in zip(scores, table.T, strict=True)]
    top = powers[0].copy()
    for eta in powers[1:]:
        np.maximum(top, eta, out=top)
    for eta in powers:
        eta -= top
        np.exp(eta, out=eta)
    total = sum(powers[1:], powers[0].copy())
    for power in powers:
        power /= total
    return powers


def _moments(table: Floats, scores: Floats, severity: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, variance and third central moment of the score of each officer on each item, (N, I)."""
    first, second, third = _raw(table, scores, severity, 3)
    variance = second - first**2
    return first, variance, third - first * (3 * variance + first**2)


def _raw(table: Floats, scores: Floats, severity: Floats, most: int) -> list[Floats]:
    """Moments about 0 of the score, up to the power ``most``."""
    p = _chances(table, scores, severity)
    return [sum((x**m * q for x, q in zip(scores[2:], p[2:], strict=True)), scores[1] ** m * p[1]) for m in range(1, most + 1)]


def fair_average(row: Floats, scores: Floats, severity: Floats, points: Floats) -> Floats:
    """Mean rating of each officer on one item with the table ``row`` (K + 1,), categories counted as ``points``.

    With the row of an average item it is Linacre's fair average: ratings after correction for who rated what.
    """
    p = _chances(row[None], scores, severity)
    return np.asarray(np.hstack(p) @ points)


def weighted_likelihood(codes: Ints, table: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Severities and standard errors by weighted likelihood (Warm 1989, Psychometrika 54, 427-450).

    Parameters
    ----------
    codes : (N, I) int array, -1 = none
    table : (I, K + 1) array

    Returns
    -------
    tuple of (N,) arrays
        ``nan`` for an officer without ratings. The standard error is 1 / sqrt(information), items taken as known.
    """
    mask = codes >= 0
    total = np.where(mask, scores[codes], 0.0).sum(axis=1)
    rated = mask.any(axis=1)
    severity = np.where(rated, 0.0, np.nan)
    for _ in range(_STEPS):
        mean, variance, third = _warm(mask, table, scores, severity)
        step = np.clip((total - mean + third / (2 * variance)) / variance, -1.0, 1.0)
        severity = severity + step
        if np.abs(step[rated]).max(initial=0.0) < 1e-10:
            break
    return severity, _warm(mask, table, scores, severity)[1] ** -0.5


def _warm(mask: NDArray[np.bool_], table: Floats, scores: Floats, severity: Floats) -> tuple[Floats, Floats, Floats]:
    """Moments of an officer's total score; ``nan`` where the severity is."""
    mean, variance, third = (np.where(mask, m, 0.0).sum(axis=1) for m in _moments(table, scores, severity))
    known = ~np.isnan(severity)
    return np.where(known, mean, np.nan), np.where(known, variance, np.nan), np.where(known, third, np.nan)


def mean_squares(codes: Ints, table: Floats, scores: Floats, severity: Floats) -> MeanSquares:
    """Infit sum (x - E)^2 / sum W and outfit mean (x - E)^2 / W (Wright & Masters 1982, p. 100)."""
    squared, variance, standard, mask = _residuals(codes, table, scores, severity)
    return MeanSquares(*(part for axis in (1, 0) for part in _ratios(squared, variance, standard, mask, axis)))


def _residuals(codes: Ints, table: Floats, scores: Floats, severity: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    mask = (codes >= 0) & ~np.isnan(severity)[:, None]
    mean, second = _raw(table, scores, np.nan_to_num(severity), 2)
    variance = np.maximum(second - mean**2, _SMALL)
    squared = np.where(mask, (scores[codes] - mean) ** 2, 0.0)
    return squared, np.where(mask, variance, 0.0), squared / variance, mask.astype(np.float64)


def _ratios(squared: Floats, variance: Floats, standard: Floats, mask: Floats, axis: int) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return squared.sum(axis=axis) / variance.sum(axis=axis), standard.sum(axis=axis) / mask.sum(axis=axis)


def mean_square_limits(
    codes: Ints, table: Floats, scores: Floats, severity: Floats, *, confidence_level: float, replicates: int, rng: np.random.Generator,
) -> tuple[MeanSquares, MeanSquares]:
    """Lower and upper limits of the mean squares of officers and items who follow the model.

    Parametric bootstrap: ratings drawn at the estimated severities for the same design, severities estimated anew (one
    step of Fisher scoring from the truth), items kept; quantiles of the ``replicates`` values.
    """
    mask = (codes >= 0) & ~np.isnan(severity)[:, None]
    officers, items = codes.shape
    together = max(1, min(replicates, _AT_ONCE // max(codes.size, 1)))
    mean, variance, third = _warm(mask, table, scores, severity)
    shift = third / (2 * variance) - mean
    below = np.cumsum(_chances(table, scores, np.nan_to_num(severity)), axis=0)[:-1]
    found: list[list[Floats]] = [[], [], [], []]
    for first in range(0, replicates, together):
        n = min(together, replicates - first)
        u = rng.random((n, officers, items))
        drawn = sum((u > edge for edge in below), np.zeros(u.shape, dtype=np.int64))
        drawn = np.where(mask, drawn, -1)
        total = np.where(mask, scores[drawn], 0.0).sum(axis=2)
        estimate = severity + (total + shift) / variance
        drawn, estimate = drawn.reshape(n * officers, items), estimate.ravel()
        parts = [part.reshape(n, officers, items) for part in _residuals(drawn, table, scores, estimate)]
        for store, values in zip(found, [*_ratios(*parts, 2), *_ratios(*parts, 1)], strict=True):  # type: ignore[call-arg, arg-type]
            store.append(values)
    tail = (1 - confidence_level) / 2
    low, high = zip(*(np.quantile(np.vstack(part), [tail, 1 - tail], axis=0) for part in found), strict=True)
    return MeanSquares(*low), MeanSquares(*high)


def separation(estimates: Floats, se: Floats) -> Separation:
    """Separation: true standard deviation over the root mean square error, both from the estimates; all ``nan`` below 2."""
    known = ~np.isnan(se)
    if known.sum() < 2:
        return Separation(math.nan, math.nan, math.nan)
    error = float(np.mean(se[known] ** 2))
    g = math.sqrt(max(0.0, float(np.var(estimates[known], ddof=1)) - error) / error)
    return Separation(g, g**2 / (1 + g**2), (4 * g + 1) / 3)


def spread(estimates: Floats, se: Floats) -> Spread:
    """Test that the estimates are equal, and their spread beyond their standard errors."""
    known = ~np.isnan(se)
    x, v = estimates[known], se[known] ** 2
    if len(x) < 2:
        return Spread(math.nan, math.nan, math.nan, math.nan, 0, math.nan)

    def excess(tau: float) -> float:
        weight = 1 / (v + tau)
        return float((weight * (x - weight @ x / weight.sum()) ** 2).sum())

    df, chi_square = len(x) - 1, excess(0.0)
    tau = 0.0 if chi_square <= df else float(brentq(lambda t: excess(t) - df, 0.0, float(np.ptp(x)) ** 2 * len(x)))
    weight = 1 / (v + tau)
    return Spread(float(weight @ x / weight.sum()), float(weight.sum() ** -0.5), math.sqrt(tau), chi_square, df,
                  float(chdtrc(df, chi_square)))


def exact_agreement(codes: Ints, table: Floats, scores: Floats, severity: Floats) -> Agreement:
    """Exact agreement of each officer with colleagues, as observed and as the model expects it (Linacre 1989, ch. 8)."""
    mask = (codes >= 0) & ~np.isnan(severity)[:, None]
    pairs = np.where(mask, mask.sum(axis=0) - 1, 0).sum(axis=1).astype(np.float64)
    same, expected = np.zeros((2, len(codes)))
    for k, p in enumerate(_chances(table, scores, np.nan_to_num(severity))):
        hit, chance = (codes == k) & mask, np.where(mask, p, 0.0)
        same += np.where(hit, hit.sum(axis=0) - 1, 0).sum(axis=1)
        expected += (chance * (chance.sum(axis=0) - chance)).sum(axis=1)
    every = float(pairs.sum())
    with np.errstate(invalid="ignore"):
        pooled = (float(same.sum()) / every, float(expected.sum()) / every) if every else (math.nan, math.nan)
        return Agreement(same / pairs, expected / pairs, *pooled)
