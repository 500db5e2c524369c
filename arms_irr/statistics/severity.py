"""How raters differ from each other beyond chance: raters, readings of a case, error; and what is left after shrinking."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri

__all__ = ["Nested", "Pooled", "nested", "partial_pooling"]

Floats = NDArray[np.float64]
Codes = NDArray[np.integer]

_COARSE, _FINE, _EACH = 200, 257, 8  # points of the two grids of the standard deviation, and every which for quantiles
_NEGLIGIBLE = 20.0  # log density below the highest that is left out
_ZERO = 1e-12


@dataclass(frozen=True)
class Nested:
    """Variance components of values centred at the mean of their cell, and each rater's own mean.

    Attributes
    ----------
    rater, case, residual : float
        Variances between raters, between a rater's readings of cases, and within a reading; by moments, so
        ``rater`` and ``case`` may be negative. ``nan`` where the design cannot tell: ``case`` (and ``rater``)
        when every rater has one case, all when nothing is left within a reading.
    without : (R, 3) array
        The same three without each rater.
    mean, variance : (R,) arrays
        Weighted mean of each rater's readings, and its error variance given the components, a negative one
        counting as 0; ``nan`` for a rater without values.
    """

    rater: float
    case: float
    residual: float
    without: Floats
    mean: Floats
    variance: Floats


def nested(y: Floats, rater: Codes, case: Codes, cell: Codes, raters: int) -> Nested:
    """Components of y = cell + rater + rater's reading of the case + error, with fixed cells.

    Parameters
    ----------
    y : (N,) values
    rater, case, cell : (N,) integer codes; a cell (case and factor) lies in one case
    raters : int
        R, the number of raters; a rater need not occur.

    Notes
    -----
    Sums of squares of the nested analysis of variance on y minus its cell's mean, equated with their
    expectations (Searle, Casella & McCulloch 1992, ch. 5). Centring a cell of n values takes the share 1/n of
    every degree of freedom in it; with complete ratings the components are exactly those of the analysis of
    variance with R - 1 in place of R. Cells with a single value say nothing and are left out.
    """
    size = np.bincount(cell)
    keep = size[cell] > 1
    y, rater, case, cell = y[keep].astype(np.float64), rater[keep], case[keep], cell[keep]
    y = y - (np.bincount(cell, y, len(size)) / np.maximum(size, 1))[cell]
    freedom = 1 - 1 / size[cell]  # of the cells that are rated only
    cases = int(case.max(initial=-1)) + 1
    key = rater.astype(np.int64) * max(cases, 1) + case
    n, total, free = (np.bincount(key, w, raters * max(cases, 1)).astype(np.float64) for w in (np.ones(len(y)), y, freedom))
    of = np.arange(len(n)) // max(cases, 1)

    def per_rater(values: Floats) -> Floats:
        return np.bincount(of, values, raters).astype(np.float64)

    m, sums, each = per_rater(n), per_rater(total), np.maximum(n, 1)
    own_free = per_rater(free) / np.maximum(m, 1)
    uneven = per_rater(n**2) / np.maximum(m, 1)
    between_cases = per_rater(total**2 / each)
    square = np.bincount(rater, y**2, raters).astype(np.float64)
    between_raters = sums**2 / np.maximum(m, 1)
    terms = np.stack([
        square - between_cases, per_rater(free - free / each),
        between_cases - between_raters, per_rater(free / each) - own_free, (m - uneven) * own_free,
        between_raters, own_free, uneven * own_free, m * own_free,
    ], axis=1)  # fmt: skip
    whole = _components(terms.sum(axis=0))
    means, variances = _means(total, n, of, raters, whole)
    between, reading, error = (float(v) for v in whole)
    return Nested(between, reading, error, _components(terms.sum(axis=0) - terms), means, variances)


def _components(sums: Floats) -> Floats:
    """(..., 3) variances of raters, readings and error from the sums over raters."""
    e_ss, e_df, c_ss, c_df, c_size, r_ss, r_df, r_case, r_size = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(e_df > 1e-9, e_ss / e_df, np.nan)
        case = np.where(c_size > 1e-9, (c_ss - error * c_df) / c_size, np.nan)
        rater = np.where(r_size > 1e-9, (r_ss - error * r_df - case * r_case) / r_size, np.nan)
    return np.stack([rater, case, error], axis=-1)


def _means(total: Floats, n: Floats, of: Codes, raters: int, components: Floats) -> tuple[Floats, Floats]:
    """Weighted means of the readings of each rater, and their variances."""
    _, case, error = components
    if math.isnan(error):
        return np.full(raters, np.nan), np.full(raters, np.nan)
    variance = (0.0 if math.isnan(case) else max(case, 0.0)) + error / np.maximum(n, 1)
    exact = variance <= 0  # no error at all: any positive weight will do
    weight = np.where(n > 0, 1 / np.where(exact, 1.0, variance), 0.0)
    precision = np.bincount(of, weight, raters)
    some = precision > 0
    mean = np.bincount(of, weight * total / np.maximum(n, 1), raters)
    mean = np.divide(mean, precision, out=np.full(raters, np.nan), where=some)
    return mean, np.where(some, 0.0 if exact.all() else 1 / np.where(some, precision, 1.0), np.nan)


@dataclass(frozen=True)
class Pooled:
    """Deviations of raters from their common mean, each drawn towards 0 as far as its ratings leave it open.

    Attributes
    ----------
    sd, sd_low, sd_high : float
        Standard deviation between raters: the REML value and the interval of highest density.
    value, low, high : (R,) arrays
        Posterior mean and equal-tailed interval of each deviation; ``nan`` for a rater without a mean.
    above : (R,) array
        Posterior probability that the deviation is positive.
    """

    sd: float
    sd_low: float
    sd_high: float
    value: Floats
    low: Floats
    high: Floats
    above: Floats


def partial_pooling(mean: Floats, variance: Floats, confidence_level: float = 0.95) -> Pooled:
    """Posterior of the deviations u_j in mean_j ~ N(m + u_j, variance_j), u_j ~ N(0, sd^2).

    Flat priors on m and sd, so that the posterior density of sd is the restricted likelihood and its mode the
    REML estimate (Gelman, Carlin, Stern, Dunson, Vehtari & Rubin 2013, sec. 5.4). The intervals allow for not
    knowing sd: an estimate of 0 does not make the raters certainly equal, as it would in plain empirical Bayes.

    Parameters
    ----------
    mean, variance : (R,) arrays
        Each rater's mean and its error variance; ``nan`` where there is none. Three raters or more.

    Notes
    -----
    Deterministic: sums over a grid of sd. All means equal and no error variance gives ``nan`` throughout.
    """
    some = np.isfinite(mean)
    y, v = mean[some], variance[some]
    scale = math.sqrt(float(y.var() + v.mean())) if len(y) else 0.0
    empty = np.full(len(mean), np.nan)
    if len(y) < 3 or scale <= _ZERO:
        return Pooled(math.nan, math.nan, math.nan, empty, empty, empty, empty)
    y, v = y / scale, v / scale**2
    sd, density = _posterior(y, v)
    bounds = (float(sd[0]), float(sd[-1]))
    best = minimize_scalar(lambda s: -_log_density(np.array([s]), y, v)[0], bounds=bounds, method="bounded",
                           options={"xatol": 1e-10 * bounds[1]})
    at_zero = bounds[0] < 1e-9 and _log_density(np.array([1e-9]), y, v)[0] >= -best.fun
    mode = 0.0 if at_zero else float(best.x)
    order = np.argsort(-density)
    chosen = sd[order[: 1 + int(np.searchsorted(np.cumsum(density[order]), confidence_level))]]
    low = 0.0 if chosen.min() < 1e-9 else float(chosen.min())
    found = [np.full(len(mean), np.nan) for _ in range(4)]
    for target, values in zip(found, _deviations(y, v, sd[::_EACH], density[::_EACH], confidence_level), strict=True):
        target[some] = values
    value, lower, upper, above = found
    return Pooled(mode * scale, min(low, mode) * scale, max(float(chosen.max()), mode) * scale, value * scale, lower * scale,
                  upper * scale, above)


def _log_density(sd: Floats, y: Floats, v: Floats) -> Floats:
    """Restricted log likelihood at each standard deviation, up to a constant."""
    weight = 1 / (sd[:, None] ** 2 + v)
    total = weight.sum(axis=1)
    centre = weight @ y / total
    return np.asarray(0.5 * np.log(weight).sum(axis=1) - 0.5 * np.log(total)
                      - 0.5 * (weight * (y - centre[:, None]) ** 2).sum(axis=1))


def _posterior(y: Floats, v: Floats) -> tuple[Floats, Floats]:
    """A grid of the standard deviation where its posterior lives, and the shares of the posterior at its points."""
    t = (np.arange(_COARSE) + 0.5) / _COARSE
    wide = np.concatenate([[1e-10], t / (1 - t)])
    log = _log_density(wide, y, v)
    near = np.flatnonzero(log > log.max() - _NEGLIGIBLE)
    first, last = max(near[0] - 1, 0), min(near[-1] + 1, len(wide) - 1)
    # A long right tail would waste an even grid: even in t, with the Jacobian 1 / (1 - t)^2.
    ends = wide[[first, last]] / (1 + wide[[first, last]])
    t = np.linspace(ends[0], ends[1], _FINE)
    sd = t / (1 - t)
    log = _log_density(sd, y, v) - 2 * np.log1p(-t)
    density = np.exp(log - log.max())
    density[[0, -1]] /= 2
    return sd, density / density.sum()


def _deviations(y: Floats, v: Floats, sd: Floats, density: Floats, level: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Posterior mean, limits and probability above 0, mixing normal posteriors over the grid."""
    density = density / density.sum()
    weight = 1 / (sd[:, None] ** 2 + v)
    total = weight.sum(axis=1, keepdims=True)
    keep = sd[:, None] ** 2 * weight  # 1 - shrinkage
    mean = keep * (y - (weight @ y)[:, None] / total)
    spread = np.sqrt(keep * v + keep**2 / total)
    value = density @ mean
    variance = np.maximum(density @ (spread**2 + mean**2) - value**2, 0)
    reach = 12 * np.sqrt(variance)

    def below(x: Floats) -> Floats:
        return np.asarray(density @ ndtr((x - mean) / spread))

    limits = []
    for p in ((1 - level) / 2, (1 + level) / 2):
        start = float(ndtri(p)) * np.sqrt(variance)
        low, high = value - reach + start, value + reach + start
        for _ in range(34):
            middle = (low + high) / 2
            left = below(middle) < p
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        limits.append((low + high) / 2)
    return value, limits[0], limits[1], 1 - below(np.zeros(len(y)))
