"""McNemar's question where an officer contributes several pairs, or several ratings on either occasion."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from arms_irr.statistics.homogeneity import Test

__all__ = ["clustered_mcnemar"]


def clustered_mcnemar(successes: ArrayLike, totals: ArrayLike) -> Test:
    """Obuchowski's test that two shares measured on the same clusters are equal.

    With y_jk successes of n_jk ratings of officer j on occasion k, shares p_k = sum_j y_jk / N_k and p the share of both
    occasions together, (p_1 - p_2)^2 / V has one degree of freedom under equality, where

        V = K / (K - 1) sum_j [ (y_j1 - n_j1 p) / N_1 - (y_j2 - n_j2 p) / N_2 ]^2

    over the K officers. The two occasions need not have the same number of ratings. With one pair an officer it is
    (K - 1) / K times McNemar's chi-squared without continuity correction.

    Parameters
    ----------
    successes, totals : (R, 2) arrays
        Officers without a rating on either occasion do not count.

    Returns
    -------
    Test
        ``nan`` with "no-ratings" (on one of the occasions), "one-rater", or "no-disagreement" if V is 0.

    References
    ----------
    Obuchowski (1998), Statistics in Medicine 17, 1495-1507.
    """
    y, n = np.asarray(successes, dtype=np.float64), np.asarray(totals, dtype=np.float64)
    taking_part = n.sum(axis=1) > 0
    y, n = y[taking_part], n[taking_part]
    title, clusters, whole = "Obuchowski's clustered McNemar test", len(y), n.sum(axis=0)
    nothing = Test(math.nan, math.nan, math.nan, float(clusters), title)
    if not clusters or not whole.all():
        return Test(math.nan, math.nan, math.nan, float(clusters), title, ("no-ratings",))
    if clusters == 1:
        return Test(nothing.statistic, nothing.df, nothing.p, 1.0, title, ("one-rater",))
    terms = ((y - n * (y.sum() / n.sum())) / whole) @ np.array([1.0, -1.0])
    variance = clusters / (clusters - 1) * float(terms @ terms)
    if variance < 1e-24:
        return Test(nothing.statistic, nothing.df, nothing.p, float(clusters), title, ("no-disagreement",))
    apart = float((y.sum(axis=0) / whole) @ np.array([1.0, -1.0]))
    statistic = apart**2 / variance
    return Test(statistic, 1.0, float(chdtrc(1, statistic)), float(clusters), title)
