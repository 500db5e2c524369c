"""Several tests at once: adjusted p-values, and intervals that hold together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from arms_irr.errors import ArgumentError
from arms_irr.statistics.weights import Floats

__all__ = ["benjamini_hochberg", "holm", "max_t"]

_BATCH = 4_000_000


def holm(p: ArrayLike) -> Floats:
    """Step-down adjusted p-values: the chance of any false rejection in the family stays below the level.

    Parameters
    ----------
    p : (m,) array
        ``nan`` (a test that could not be made) stays ``nan`` and does not count among the m.

    References
    ----------
    Holm (1979), Scand J Statist 6:65-70.
    """
    values, tested, order = _sorted(p)
    m = len(order)
    steps = np.maximum.accumulate(values[tested][order] * np.arange(m, 0, -1))
    return _back(values, tested, order, steps)


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Step-up adjusted p-values: below q they are the list whose expected share of false finds is at most q.

    Arguments as for :func:`holm`.

    References
    ----------
    Benjamini & Hochberg (1995), J R Stat Soc B 57:289-300.
    """
    values, tested, order = _sorted(p)
    m = len(order)
    steps = np.minimum.accumulate((values[tested][order] * m / np.arange(1, m + 1))[::-1])[::-1]
    return _back(values, tested, order, steps)


def max_t(contributions: ArrayLike, values: ArrayLike, *, confidence_level: float = 0.95, replicates: int = 1999,
          seed: int = 1) -> tuple[Floats, float]:
    """Adjusted p-values and one critical value for several means of the same raters, by flips of their signs.

    Parameters
    ----------
    contributions : (R, m) array
        What each rater adds to each difference, so that the difference is ``value`` and its standard error
        sqrt(R / (R - 1) sum of squares): the linearised terms, which sum to 0; ``nan`` for a rater who takes no part.
    values : (m,) array
        The differences. A ``nan``, or a difference without spread, gets ``nan`` and does not count.
    replicates, seed : int
        One sign per rater and replicate, the same for all differences, which keeps their correlation.

    Returns
    -------
    p : (m,) array
        Single-step: share of replicates whose largest \\|t\\| reaches the one observed, of values and terms flipped
        together, the one observed counted as one more.
    critical : float
        Quantile of the largest \\|t\\| of the flipped terms: value +- critical x SE hold for all at once; ``nan``
        when nothing varies.

    References
    ----------
    Westfall & Young (1993), Resampling-based multiple testing, section 2.3.
    """
    terms, value = np.asarray(contributions, dtype=np.float64), np.asarray(values, dtype=np.float64)
    raters, there = len(terms), ~np.isnan(terms)
    centred, n = np.where(there, terms, 0.0), there.sum(axis=0)
    spread = (centred**2).sum(axis=0)
    p = np.full(len(value), np.nan)
    used = ~np.isnan(value) & (spread > 1e-24) & (n > 1)
    if not used.any():
        return p, np.nan
    centred, n, there = centred[:, used], n[used], there[:, used]
    whole = centred + value[used] / n * there
    observed = np.abs(value[used]) / np.sqrt(n / (n - 1) * spread[used])
    rng = np.random.default_rng(seed)
    largest, hits = np.empty(replicates), np.zeros(used.sum())
    step = max(1, _BATCH // raters)
    for start in range(0, replicates, step):
        signs = rng.choice([-1.0, 1.0], (min(step, replicates - start), raters))
        hits += (_largest(signs, whole, n)[:, None] >= observed * (1 - 1e-9)).sum(axis=0)
        largest[start: start + len(signs)] = _largest(signs, centred, n)
    p[used] = (hits + 1) / (replicates + 1)
    return p, float(np.quantile(largest, confidence_level, method="higher"))


def _largest(signs: Floats, terms: Floats, n: np.ndarray) -> Floats:
    """(B,) the largest |t| of the sums of the terms of n raters under each assignment of signs."""
    sums = signs @ terms
    variance = n / (n - 1) * np.maximum((terms**2).sum(axis=0) - sums**2 / n, 0)
    ratio = np.divide(np.abs(sums), np.sqrt(variance), out=np.full_like(sums, np.inf), where=variance > 1e-24)
    return np.asarray(ratio.max(axis=1))


def _sorted(p: ArrayLike) -> tuple[Floats, np.ndarray, np.ndarray]:
    values = np.asarray(p, dtype=np.float64)
    tested = ~np.isnan(values)
    if values.ndim != 1 or ((values[tested] < 0) | (values[tested] > 1)).any():
        raise ArgumentError(f"p={p!r}: give one p-value from 0 to 1 per test, nan where there is none")
    return values, tested, np.argsort(values[tested], kind="stable")


def _back(values: Floats, tested: np.ndarray, order: np.ndarray, steps: Floats) -> Floats:
    adjusted = np.full(len(values), np.nan)
    inner = np.empty(len(order))
    inner[order] = np.minimum(steps, 1)
    adjusted[tested] = inner
    return adjusted
