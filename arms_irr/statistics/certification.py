"""How often a rule passes or refers an officer of a known true share: fixed sets, Wald's sequential test, parallel sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, betaln, gammaln

from arms_irr.errors import ArgumentError
from arms_irr.statistics.tally import Codes
from arms_irr.statistics.weights import Floats

__all__ = [
    "Course", "Wald", "beta_nodes", "consistency", "count_distribution", "limits", "lower_bound", "nested_correlations",
    "pass_probability", "sequential_course", "upper_bound",
]


# --- a set of a fixed number of ratings -------------------------------------------------------------------


def lower_bound(successes: ArrayLike, n: ArrayLike, error: float) -> Floats:
    """One-sided lower Clopper-Pearson bound at confidence 1 - ``error``; 0 without a success (Clopper & Pearson 1934)."""
    x, m = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    return np.where(x > 0, betaincinv(np.maximum(x, 1), m - np.minimum(x, m) + 1, _probability("error", error)), 0.0)


def upper_bound(successes: ArrayLike, n: ArrayLike, error: float) -> Floats:
    """One-sided upper Clopper-Pearson bound at confidence 1 - ``error``; 1 where all are successes or there are none at all."""
    x, m = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    return np.where(x < m, betaincinv(x + 1, np.maximum(m - x, 1), 1 - _probability("error", error)), 1.0)


def limits(n: int, share: float, p0: float, alpha: float, beta: float) -> tuple[int, int]:
    """The smallest number of agreements among ``n`` that passes, and the largest that refers.

    It passes where the share agreed is at least ``share`` and its lower bound at ``alpha`` lies above ``p0``; it
    refers where the upper bound at ``beta`` lies below ``share``: between the two neither has been shown.

    Returns
    -------
    passes, refers : int
        n + 1 where no number passes, -1 where none refers; refers < passes.
    """
    x = np.arange(n + 1)
    passing = (x >= share * n - 1e-9) & (lower_bound(x, n, alpha) > p0) & (n > 0)
    passes = int(np.argmax(passing)) if passing.any() else n + 1
    return passes, int(np.count_nonzero(upper_bound(x, n, beta) < share)) - 1


def count_distribution(per_case: Sequence[int], p: float, rho: float = 0.0) -> Floats:
    """Probabilities of 0 ... n agreements of an officer with true share ``p``.

    Parameters
    ----------
    per_case : sequence of int
        Ratings in each case; n is their sum.
    p : float
    rho : float
        Correlation of two ratings of the officer in one case: within a case the number of agreements is beta-binomial
        with parameters p (1 - rho) / rho and (1 - p)(1 - rho) / rho (Skellam 1948), cases are independent. With one case
        of n ratings it is the beta-binomial of all; 0 is the binomial.

    Returns
    -------
    (n + 1,) array
    """
    _probability("p", p)
    _correlation(rho)
    found = np.ones(1)
    for size in per_case:
        found = np.convolve(found, _one_case(int(size), p, rho))
    return found


def _one_case(n: int, p: float, rho: float) -> Floats:
    x = np.arange(n + 1.0)
    if p in (0.0, 1.0):
        return np.asarray(x == n * p, dtype=np.float64)
    ways = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    if rho == 0:
        return np.asarray(np.exp(ways + x * math.log(p) + (n - x) * math.log1p(-p)))
    a, b = p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho
    return np.asarray(np.exp(ways + betaln(x + a, n - x + b) - betaln(a, b)))


def pass_probability(per_case: Sequence[int], mark: int, p: float, rho: float = 0.0) -> float:
    """Probability of at least ``mark`` agreements: a point of the operating characteristic of the rule "pass from ``mark``"."""
    return float(count_distribution(per_case, p, rho)[max(mark, 0):].sum())


# --- one rating after another -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Wald:
    """Wald's sequential probability ratio test of a share: pass for p1, refer for p0.

    After m ratings with x agreements: pass as soon as x >= accept + slope m, refer as soon as x <= -reject + slope m.

    Attributes
    ----------
    p0, p1 : float
        The share that must not pass, and the share that should; p0 < p1.
    alpha, beta : float
        Accepted probabilities of passing at p0 and of referring at p1. The realised ones of the untruncated test sum to
        at most alpha + beta, and are usually smaller because x jumps over the lines.

    References
    ----------
    Wald (1945), Ann Math Statist 16, 117-186.
    """

    p0: float
    p1: float
    alpha: float = 0.05
    beta: float = 0.10

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            _probability(name, value)
        if not 0 < self.p0 < self.p1 < 1:
            raise ArgumentError(f"p0={self.p0} and p1={self.p1}: give 0 < p0 < p1 < 1, for example 0.65 and 0.85")
        if not (self.alpha > 0 and self.beta > 0 and self.alpha + self.beta < 1):
            raise ArgumentError(f"alpha={self.alpha} and beta={self.beta}: give positive numbers that sum to less than 1")

    @property
    def _ratio(self) -> float:
        return math.log(self.p1 * (1 - self.p0) / (self.p0 * (1 - self.p1)))

    @property
    def slope(self) -> float:
        """Agreements per rating of the line of indifference, between p0 and p1."""
        return math.log((1 - self.p0) / (1 - self.p1)) / self._ratio

    @property
    def accept(self) -> float:
        """Agreements above that line at which the officer passes."""
        return math.log((1 - self.beta) / self.alpha) / self._ratio

    @property
    def reject(self) -> float:
        """Agreements below that line at which the officer is referred."""
        return math.log((1 - self.alpha) / self.beta) / self._ratio


@dataclass(frozen=True)
class Course:
    """What becomes of an officer in a sequential test: probabilities of the three ends and the expected number of ratings."""

    passes: float
    refers: float
    undecided: float
    expected: float


def sequential_course(test: Wald, p: float, most: int, *, least: int = 1, per_case: int = 1, rho: float = 0.0) -> Course:
    """The exact course of the sequential test for an officer of true share ``p``, by dynamic programming.

    The probability of every number of agreements among those still undecided is carried from rating to rating.

    Parameters
    ----------
    most : int
        Ratings after which an undecided officer stays undecided.
    least : int
        Ratings before which nothing is decided.
    per_case, rho
        Ratings of a case and their correlation: within a case the chance of the next agreement is that of Polya's urn,
        (a + agreements in the case) / (a + b + ratings in the case), which makes them beta-binomial.
    """
    _probability("p", p)
    _correlation(rho)
    if not 1 <= least <= most or per_case < 1:
        raise ArgumentError(f"least={least}, most={most}, per_case={per_case}: give whole numbers from 1, least at most most")
    concentration = (1 - rho) / rho if rho else math.inf
    alive = np.zeros((most + 1, per_case + 1))  # by agreements so far, and those of the present case
    alive[0, 0] = 1.0
    x, within = np.arange(most + 1), np.arange(per_case + 1)
    passes = refers = expected = 0.0
    for m in range(1, most + 1):
        done = (m - 1) % per_case
        if done == 0:  # a new case
            alive = np.column_stack([alive.sum(axis=1), np.zeros((most + 1, per_case))])
        expected += float(alive.sum())
        again = (p * concentration + within) / (concentration + done) if rho else np.full(per_case + 1, p)
        up = alive * again
        alive = alive - up
        alive[1:, 1:] += up[:-1, :-1]
        if m >= least:
            above, below = x >= test.accept + test.slope * m - 1e-12, x <= test.slope * m - test.reject + 1e-12
            passes += float(alive[above].sum())
            refers += float(alive[below].sum())
            alive[above | below] = 0.0
    return Course(passes, refers, float(alive.sum()), expected)


# --- officers who differ ----------------------------------------------------------------------------------


def nested_correlations(hits: Floats, officer: Codes, case: Codes, cell: Codes) -> tuple[float, float, float]:
    """Correlation of an officer's hits in one case beyond the officer, variance between officers, and mean.

    Hits are first freed from what is common to all officers (the mean of each ``cell``, a case and factor), since a
    hard cell is hard for everyone. V is their mean square, C1 the mean product of two of one officer and case, C2 of one
    officer in two cases; unbiased moments, negative values possible.

    Parameters
    ----------
    hits, officer, case, cell : (n,) arrays

    Returns
    -------
    rho : float
        (C1 - C2) / (V - C2); ``nan`` with fewer than two cases for every officer, or without variation.
    between : float
        C2, the variance of officers' true shares; ``nan`` likewise.
    mean : float
        Of all hits.
    """
    if not len(hits):
        return math.nan, math.nan, math.nan
    times = np.bincount(cell)
    kept = times[cell] > 1
    centred = (hits - np.bincount(cell, hits)[cell] / times[cell])[kept] * np.sqrt(times[cell[kept]] / (times[cell[kept]] - 1))
    group = np.unique(officer[kept] * (int(case.max()) + 1) + case[kept], return_inverse=True)[1].ravel()
    own = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
    own[group] = officer[kept]
    size, total = np.bincount(group), np.bincount(group, centred)
    square = float((centred**2).sum())
    all_size, all_total = np.bincount(own, size), np.bincount(own, total)
    pairs_within, pairs_apart = float((size * (size - 1)).sum()), float((all_size**2).sum() - (size**2).sum())
    mean = float(hits.mean())
    if not pairs_within or not pairs_apart or square < 1e-12:
        return math.nan, math.nan, mean
    v = square / len(centred)
    c1 = (float((total**2).sum()) - square) / pairs_within
    c2 = (float((all_total**2).sum()) - float((total**2).sum())) / pairs_apart
    return ((c1 - c2) / (v - c2) if v > c2 else math.nan), c2, mean


def beta_nodes(mean: float, variance: float, nodes: int = 49) -> Floats:
    """(nodes,) true shares that stand for a beta distribution: the middles of slices of equal probability.

    A variance of 0 or less puts all at the mean; one that no beta distribution has is cut just below mean (1 - mean).
    """
    if not 0 < mean < 1 or not variance > 1e-9:
        return np.full(nodes, mean)
    size = mean * (1 - mean) / min(variance, 0.99 * mean * (1 - mean)) - 1
    return np.asarray(betaincinv(mean * size, (1 - mean) * size, (np.arange(nodes) + 0.5) / nodes))


def consistency(decisions: Floats) -> tuple[float, float]:
    """The probability of the same decision on two parallel sets, and the one that chance alone would give.

    Parameters
    ----------
    decisions : (nodes, decisions) array
        Probability of each decision for officers at each of equally likely true shares (:func:`beta_nodes`).

    Returns
    -------
    same, by_chance : float
        The mean over officers of the sum of squares (Huynh 1976, beta-binomial), and the sum of squares of the means.
    """
    return float((decisions**2).sum(axis=1).mean()), float((decisions.mean(axis=0) ** 2).sum())


def _probability(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ArgumentError(f"{name}={value!r} is not a probability: give a number from 0 to 1")
    return value


def _correlation(rho: float) -> None:
    if not 0 <= rho < 1:
        raise ArgumentError(f"rho={rho!r}: give the correlation of two ratings of one case, from 0 up to 1, for example 0.05")
