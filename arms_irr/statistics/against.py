"""Each of many raters against the gold standard: kappa and its standard error from one table of counts a rater."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from arms_irr.statistics.estimate import check_confidence
from arms_irr.statistics.weights import Floats

__all__ = ["GoldKappas", "kappas_of_tables"]

_TINY = 1e-12
_FEW = 5


@dataclass(frozen=True)
class GoldKappas:
    """Cohen's kappa of N raters with the gold standard: arrays (N,), ``nan`` where there is no value or no interval.

    Attributes
    ----------
    value, se, ci_low, ci_high, observed, expected : (N,) arrays
    n : (N,) array
        Ratings of each rater that have a gold standard.
    """

    value: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    observed: Floats
    expected: Floats
    n: Floats


def kappas_of_tables(tables: Floats, w: Floats, *, confidence_level: float = 0.95) -> GoldKappas:
    """Cohen's weighted kappa of each table (N, q, q) of gold by rating, with its large-sample standard error.

    Parameters
    ----------
    tables : (N, q, q) array
        Counts; gold in the rows, ratings in the columns.
    w : (q, q) array
        Agreement weights.

    Notes
    -----
    Standard error of Fleiss, Cohen & Everitt (1969), multinomial in both margins and so a little conservative
    for a gold that is fixed; t interval with n - 1 df, cut at 1 above. As everywhere in a study there is no
    value from fewer than 5 ratings, or where gold or rater used a single category: kappa is 0 by construction.
    """
    level = check_confidence(confidence_level)
    q = len(w)
    counts = tables.reshape(len(tables), q * q).astype(np.float64)
    n = counts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = counts / n[:, None]
        # Both margins by one product: numpy's sums over a handful of numbers are slow.
        rows, columns = np.kron(np.eye(q), np.ones((q, 1))), np.kron(np.ones((q, 1)), np.eye(q))
        gold, rated = p @ rows, p @ columns
        by_rated, by_gold = rated @ w, gold @ w  # mean weight of each gold category, and of each rating
        observed, expected = p @ w.ravel(), (gold * by_rated) @ np.ones(q)
        varied = ((gold > 0).sum(axis=1) > 1) & ((rated > 0).sum(axis=1) > 1)
        value = np.where(varied & (n >= _FEW) & (np.abs(1 - expected) > _TINY), (observed - expected) / (1 - expected), np.nan)
        off = 1 - value
        spread = w.ravel() - (by_rated @ rows.T + by_gold @ columns.T) * off[:, None]
        second = (p * spread**2) @ np.ones(q * q) - (value - expected * off) ** 2
        se = np.sqrt(np.maximum(second, 0.0) / n) / (1 - expected)
        half = stdtrit(n - 1, (1 + level) / 2) * se
    half = np.where(se > 1e-14, half, np.nan)  # without spread no interval with a width can be given
    return GoldKappas(value, se, value - half, np.minimum(value + half, 1.0), observed, expected, n)
