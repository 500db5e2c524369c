"""All pairs of raters at once: Cohen's kappa from matrix products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.weights import Floats

__all__ = ["PairKappas", "pair_kappas"]

_EXACT = 2.0**24  # counts up to here are exact in 32 bits, which halves the time


@dataclass(frozen=True)
class PairKappas:
    """Per pair of raters (R, R): kappa, observed and expected agreement, and the number of common units."""

    value: Floats
    observed: Floats
    expected: Floats
    n: Floats


def pair_kappas(tally: Tally, w: Floats, weight: Floats | None = None) -> PairKappas:
    """Cohen's weighted kappa of every pair of raters, on the units that both rated.

    ``weight`` (U,) replaces the tally's unit weights. ``nan`` where a pair has no common unit or its
    expected agreement is 1. Cohen 1960, 1968.

    Notes
    -----
    ``W = F S F'`` by its eigenvectors, S of signs: agreement is then a product of features with themselves,
    half a matrix product with as many columns as W has rank (quadratic weights have 3, whatever q is).
    """
    assert tally.codes is not None
    weight = tally.weight if weight is None else weight
    q = len(w)
    codes = np.ascontiguousarray(np.where(tally.codes < 0, q, tally.codes).T)  # (R, U); q: not given
    features, sign = _features(w)
    observed = _gram(codes, features[:, sign > 0], weight)
    if (sign < 0).any():
        observed -= _gram(codes, features[:, sign < 0], weight)
    n = np.full_like(observed, weight.sum())
    if tally.codes.min(initial=0) >= 0:
        margins = np.stack([(codes == k) @ weight for k in range(q)], axis=1)
        expected = margins @ w @ margins.T
    else:
        n, margin = _common(codes, features, weight)
        expected = np.zeros_like(n)
        for s, m in zip(sign, margin, strict=True):
            expected += s * m * m.T
    if n.min(initial=1) <= 0:
        n[n <= 0] = np.nan
    observed /= n
    expected /= n
    expected /= n
    room = 1 - expected
    defined = np.abs(room) > 1e-12  # nan is not
    value = np.divide(observed - expected, room, out=np.full_like(n, np.nan), where=defined)
    return PairKappas(value, observed, expected, np.nan_to_num(n, copy=False))


def _features(w: Floats) -> tuple[Floats, Floats]:
    """Features of the categories (q + 1, rank), 0 for what was not given, and the sign of each."""
    values, vectors = np.linalg.eigh(w)
    kept = np.abs(values) > 1e-14 * np.abs(values).max()
    scaled = vectors[:, kept] * np.sqrt(np.abs(values[kept]))
    return np.vstack([scaled, np.zeros(scaled.shape[1])]), np.sign(values[kept])


def _gram(codes: Codes, features: Floats, weight: Floats) -> Floats:
    """(R, R) weighted sum over units of the product of two raters' features."""
    held = (features[codes] * np.sqrt(weight)[:, None]).reshape(len(codes), -1)
    return np.asarray(held @ held.T)


def _common(codes: Codes, features: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Common units (R, R) of each pair g, h, and (rank, R, R) sums of g's features on the units that h rated too."""
    raters, q = len(codes), len(features) - 1
    exact = weight.sum() < _EXACT and np.array_equal(weight, np.floor(weight))
    given = (codes < q).astype(np.float32 if exact else np.float64)
    onehot = (codes == np.arange(q)[:, None, None]).astype(given.dtype) * weight.astype(given.dtype)
    counts = (onehot.reshape(q * raters, -1) @ given.T).astype(np.float64)
    margin = features[:q].T @ counts.reshape(q, raters * raters)
    return counts.reshape(q, raters, raters).sum(axis=0), margin.reshape(-1, raters, raters)
