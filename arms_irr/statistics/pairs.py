"""All pairs of raters at once: Cohen's kappa and its standard error from one-hot matrix products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import Floats

__all__ = ["PairKappas", "pair_kappas"]


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
    """
    assert tally.codes is not None
    weight = tally.weight if weight is None else weight
    units, raters = tally.codes.shape
    q = len(w)
    given = (tally.codes >= 0).astype(np.float64)
    onehot = (tally.codes[:, None, :] == np.arange(q)[:, None]).astype(np.float64)  # (U, q, R)
    weighted = weight[:, None, None] * onehot
    n = (weight[:, None] * given).T @ given
    observed = weighted.reshape(units * q, raters).T @ np.einsum("kl,ulh->ukh", w, onehot).reshape(units * q, raters)
    # margin[g, k, h]: how often g used k on the units that h rated too
    margin = (weighted.reshape(units, q * raters).T @ given).reshape(q, raters, raters).transpose(1, 0, 2)
    expected = np.einsum("gkh,kl,hlg->gh", margin, w, margin, optimize=True)
    nothing = np.full_like(n, np.nan)
    observed = np.divide(observed, n, out=nothing.copy(), where=n > 0)
    expected = np.divide(expected, n**2, out=nothing.copy(), where=n > 0)
    room = 1 - expected
    value = np.divide(observed - expected, room, out=nothing, where=np.abs(room) > 1e-12)
    return PairKappas(value, observed, expected, n)
