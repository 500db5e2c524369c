"""Do two raters use the categories equally often? Tests of marginal homogeneity on a square table of counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, chdtrc

from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.specific import _square
from arms_irr.statistics.weights import Floats

__all__ = ["Test", "bhapkar", "mcnemar", "stuart_maxwell"]

_MCNEMAR = ("exact", "chi2", "continuity")


@dataclass(frozen=True)
class Test:
    """A test statistic, its degrees of freedom and two-sided p-value; ``nan`` with a reason in ``flags``.

    ``n`` is the number of subjects; for McNemar's test those on which the two differ.
    """

    __test__ = False  # pytest collects classes of this name

    statistic: float
    df: float
    p: float
    n: float
    method: str
    flags: tuple[str, ...] = ()


def mcnemar(b: float, c: float, method: str = "exact") -> Test:
    """McNemar's test: are changes in one direction as frequent as in the other?

    For a 2 x 2 table b and c are the discordant cells; for ratings against gold, those above and below it.

    Parameters
    ----------
    b, c : whole numbers
    method : {"exact", "chi2", "continuity"}
        ``exact``: binomial with probability 1/2, two-sided p; the statistic is b. ``chi2``: (b - c)^2 / (b + c)
        with 1 degree of freedom; ``continuity`` takes 1 off |b - c| unless it is 0 (McNemar 1947; Edwards 1948).

    Returns
    -------
    Test
        ``nan`` with "no-disagreement" when b + c is 0.
    """
    if method not in _MCNEMAR:
        raise ArgumentError(f"unknown method {method!r}. {nearest(method, _MCNEMAR)}Choose from {', '.join(_MCNEMAR)}.")
    if not all(math.isfinite(x) and x >= 0 and x == int(x) for x in (b, c)):
        raise ArgumentError(f"b = {b} and c = {c} are not both numbers of subjects: give whole numbers from 0")
    n = b + c
    title = f"McNemar, {method}"
    if n == 0:
        return Test(math.nan, math.nan, math.nan, 0.0, title, ("no-disagreement",))
    if method == "exact":
        return Test(float(b), math.nan, min(1.0, 2 * float(bdtr(min(b, c), n, 0.5))), float(n), title)
    apart = abs(b - c) - (method == "continuity" and b != c)
    return Test(apart**2 / n, 1.0, float(chdtrc(1, apart**2 / n)), float(n), title)


def stuart_maxwell(table: ArrayLike) -> Test:
    """Stuart-Maxwell test that two raters have equal margins (Stuart 1955; Maxwell 1970).

    Q = d' V^+ d with d = row minus column totals and V their covariance when the margins are equal,
    V_kk = n_k+ + n_+k - 2 n_kk, V_kl = -(n_kl + n_lk). V^+ is the pseudo-inverse, so no category has to be
    left out; the degrees of freedom are the rank of V: categories used, less the number of groups of
    categories between which the raters never disagree. For two categories Q is McNemar's chi-squared.

    Parameters
    ----------
    table : (q, q) counts, as :func:`~arms_irr.statistics.specific.cross_table` makes

    Returns
    -------
    Test
        ``nan`` with "no-ratings", or "no-disagreement" if all counts lie on the diagonal.
    """
    return _stuart_maxwell(_square(table), "Stuart-Maxwell")


def bhapkar(table: ArrayLike) -> Test:
    """Bhapkar's test of equal margins: Wald's, with the covariance estimated without assuming them equal.

    W = Q / (1 - Q / n) with Stuart and Maxwell's Q (Bhapkar 1966; Keefe 1982). Larger than Q, the same df.

    Parameters
    ----------
    table : (q, q) counts

    Returns
    -------
    Test
        As :func:`stuart_maxwell`; and ``nan`` with "zero-se" when Q = n: every subject moved between the
        same two margins, and nothing is left to estimate the variance from.
    """
    test = _stuart_maxwell(_square(table), "Bhapkar")
    if math.isnan(test.statistic):
        return test
    left = 1 - test.statistic / test.n
    if left <= 1e-12:
        return Test(math.nan, test.df, math.nan, test.n, "Bhapkar", ("zero-se",))
    w = test.statistic / left
    return Test(w, test.df, float(chdtrc(test.df, w)), test.n, "Bhapkar")


def _stuart_maxwell(counts: Floats, method: str) -> Test:
    n = float(counts.sum())
    apart = counts + counts.T
    np.fill_diagonal(apart, 0.0)
    if not apart.any():
        return Test(math.nan, math.nan, math.nan, n, method, ("no-disagreement" if n else "no-ratings",))
    d = counts.sum(axis=1) - counts.sum(axis=0)
    values, vectors = np.linalg.eigh(np.diag(apart.sum(axis=1)) - apart)
    kept = values > 1e-10 * values[-1]
    q = float(((vectors[:, kept].T @ d) ** 2 / values[kept]).sum())
    df = float(kept.sum())
    return Test(q, df, float(chdtrc(df, q)), n, method)
