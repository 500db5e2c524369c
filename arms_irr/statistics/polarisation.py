"""One camp or two: how ordered categories split a group of raters, many groups at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arms_irr.statistics.weights import Floats

__all__ = ["UNIMODAL_TOLERANCE", "agreement_a", "rising", "unimodal_fit", "unimodality_p"]

UNIMODAL_TOLERANCE = 1e-9  # a likelihood ratio below this is rounding
_BATCH = 2_000_000


def agreement_a(counts: Floats) -> Floats:
    """Van der Eijk's agreement A of ratings in ordered categories.

    1 when all choose one category, 0 when all categories are chosen equally, -1 when half choose each end. The
    distribution is cut into layers of equal height; a layer over S of K categories has
    A = U [1 - (S - 1) / (K - 1)], with the unimodality U = [(K - 2) T_u - (K - 1) T_du] / [(K - 2)(T_u + T_du)]
    from its triples of categories 110 and 011 (T_u) and 101 (T_du); A is the mean of the layers by their ratings.

    Parameters
    ----------
    counts : (..., K) array
        Ratings per category, K >= 3.

    Returns
    -------
    (...) array, ``nan`` without ratings or with fewer than 3 categories

    References
    ----------
    van der Eijk, C. (2001). Measuring agreement in ordered rating scales. Quality & Quantity, 35, 325-341.
    """
    counts = np.asarray(counts, dtype=np.float64)
    k = counts.shape[-1]
    total = counts.sum(axis=-1)
    if k < 3:
        return np.full(total.shape, np.nan)
    levels = np.sort(counts, axis=-1)
    height = np.diff(levels, axis=-1, prepend=0)
    layer = counts[..., None, :] >= levels[..., :, None]  # (..., layer, category)
    a, b, c = np.array([(i, j, m) for i in range(k) for j in range(i + 1, k) for m in range(j + 1, k)]).T
    left, middle, right = layer[..., a], layer[..., b], layer[..., c]
    one = ((left & middle & ~right) | (~left & middle & right)).sum(axis=-1)
    two = (left & ~middle & right).sum(axis=-1)
    shaped = one + two
    unimodality = np.where(shaped > 0, ((k - 2) * one - (k - 1) * two) / ((k - 2) * np.maximum(shaped, 1)), 1.0)
    size = layer.sum(axis=-1)
    found = (unimodality * (1 - (size - 1) / (k - 1)) * height * size).sum(axis=-1)
    return np.asarray(np.divide(found, total, out=np.full(total.shape, np.nan), where=total > 0))


def unimodal_fit(counts: Floats) -> tuple[Floats, Floats]:
    """The likeliest distribution that rises to one mode and falls from it, and the likelihood ratio against it.

    Parameters
    ----------
    counts : (..., K) array

    Returns
    -------
    shares : (..., K) array
        Of the best unimodal multinomial: rising up to a split, falling after it, each by isotonic regression of
        the shares (Barlow, Bartholomew, Bremner & Brunk 1972), the split with the highest likelihood.
    ratio : (...) array
        2 (log likelihood of the shares observed - log likelihood of the fit); 0 where they are unimodal.
    """
    counts = np.asarray(counts, dtype=np.float64)
    k = counts.shape[-1]
    total = counts.sum(axis=-1, keepdims=True)
    observed = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    best, most = observed, np.full(counts.shape[:-1], -np.inf)
    for split in range(k + 1):
        fit = np.concatenate([rising(observed[..., :split]), rising(observed[..., split:][..., ::-1])[..., ::-1]], axis=-1)
        likelihood = _likelihood(counts, fit)
        better = likelihood > most
        best, most = np.where(better[..., None], fit, best), np.where(better, likelihood, most)
    ratio = 2 * (_likelihood(counts, observed) - most)
    return best, np.where(ratio > UNIMODAL_TOLERANCE, ratio, 0.0)


def rising(x: Floats) -> Floats:
    """Isotonic regression, equal weights, along the last axis: max over a <= i of min over b >= i of mean x[a..b]."""
    k = x.shape[-1]
    if k < 2:
        return x
    sums = np.concatenate([np.zeros((*x.shape[:-1], 1)), np.cumsum(x, axis=-1)], axis=-1)
    out = np.empty_like(x)
    for i in range(k):
        ends = [np.min([(sums[..., b + 1] - sums[..., a]) / (b + 1 - a) for b in range(i, k)], axis=0) for a in range(i + 1)]
        out[..., i] = np.max(ends, axis=0)
    return out


def _likelihood(counts: Floats, shares: Floats) -> Floats:
    logs = np.log(np.where(counts > 0, np.maximum(shares, 1e-300), 1.0))
    return np.asarray((counts * logs).sum(axis=-1))


def unimodality_p(counts: Floats, seed: int, replicates: int = 2000) -> NDArray[np.float64]:
    """Parametric bootstrap p of one mode against any distribution, for each row of counts (U, K).

    The likelihood ratio of :func:`unimodal_fit` is compared with those of samples of the same size from the fitted
    unimodal distribution; p = (1 + number at least as large) / (replicates + 1). A unimodal row has p = 1. Rows
    are drawn in their order from ``numpy.random.default_rng(seed)``.
    """
    rng = np.random.default_rng(seed)
    counts = np.asarray(counts, dtype=np.float64)
    shares, ratio = unimodal_fit(counts)
    p = np.ones(len(counts))
    rows = np.flatnonzero(ratio > 0)
    step = max(1, _BATCH // (replicates * counts.shape[1]))
    for start in range(0, len(rows), step):
        which = rows[start : start + step]
        fitted = shares[which] / shares[which].sum(axis=1, keepdims=True)
        size = counts[which].sum(axis=1).astype(np.int64)
        drawn = rng.multinomial(size[:, None], fitted[:, None, :], size=(len(which), replicates)).astype(np.float64)
        p[which] = (1 + (unimodal_fit(drawn)[1] >= ratio[which][:, None] - UNIMODAL_TOLERANCE).sum(axis=1)) / (replicates + 1)
    return p
