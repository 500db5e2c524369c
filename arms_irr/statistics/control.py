"""Charts over time: the limits of a p-chart, and a CUSUM that watches for a falling share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, bdtrc, gammaln

from arms_irr.errors import ArgumentError
from arms_irr.statistics.weights import Floats

__all__ = ["cusum_arl", "cusum_limit", "cusum_path", "p_limits"]

_STATES = 200  # of the Markov chain, about
_FARTHEST = 1e7  # run lengths beyond this are not told apart


def p_limits(centre: float, n: int, false_alarm: float = 0.0027) -> tuple[float, float, float]:
    """Limits of a p-chart from exact binomial tails.

    Parameters
    ----------
    centre : float
        The share when nothing has changed.
    n : int
        Ratings of the point.
    false_alarm : float
        Accepted probability that such a point lies outside, half of it on either side; 0.0027 is that of three standard
        deviations of a normal distribution (Shewhart 1931; Montgomery 2013, section 7.2).

    Returns
    -------
    lower, upper : float
        Shares: a point is outside below the one or above the other.
    realised : float
        The exact probability of that, at most ``false_alarm`` since counts are whole.
    """
    if not 0 < false_alarm < 1:
        raise ArgumentError(f"false_alarm={false_alarm!r}: give the accepted share of false alarms, between 0 and 1, usually 0.0027")
    if not 0 <= centre <= 1 or n < 1:
        raise ArgumentError(f"centre={centre}, n={n}: give a share from 0 to 1 and at least one rating")
    x = np.arange(n + 1)
    below = np.concatenate([[0.0], bdtr(x[:-1], n, centre)])  # P(X < x)
    above = bdtrc(x, n, centre)  # P(X > x)
    lower = int(np.flatnonzero(below <= false_alarm / 2 + 1e-15)[-1])
    upper = int(np.flatnonzero(above <= false_alarm / 2 + 1e-15)[0])
    return lower / n, upper / n, float(below[lower] + above[upper])


def cusum_path(successes: ArrayLike, totals: ArrayLike, reference: float) -> Floats:
    """S_t = max(0, S_(t-1) + reference n_t - x_t): how far agreement has fallen short of the reference (Page 1954).

    Parameters
    ----------
    successes, totals : (T,) arrays
        x_t agreements of n_t ratings at each time.
    reference : float
        A share between the one wanted and the one to be detected; the slope of Wald's test between the two is the best
        for detecting it (Reynolds & Stoumbos 1999).

    Returns
    -------
    (T,) array
        In agreements short.
    """
    steps = reference * np.asarray(totals, dtype=np.float64) - np.asarray(successes, dtype=np.float64)
    path, level = np.empty(len(steps)), 0.0
    for t, step in enumerate(steps.tolist()):
        level = max(0.0, level + step)
        path[t] = level
    return path


def cusum_arl(p: float, reference: float, limit: float, n: int = 1, *, grid: int | None = None) -> float:
    """Average number of points until a CUSUM reaches ``limit``, started at 0, when the true share is ``p``.

    The states of the CUSUM are a Markov chain on multiples of 1 / ``grid`` (Brook & Evans 1972), exact where reference x n
    is such a multiple; the run lengths solve (I - Q) L = 1.

    Parameters
    ----------
    n : int
        Ratings of each point.
    grid : int, optional
        By default so fine that there are about 200 states.
    """
    if not 0 <= p <= 1 or not 0 < reference < 1 or not limit > 0 or n < 1:
        raise ArgumentError(f"p={p}, reference={reference}, limit={limit}, n={n}: give shares between 0 and 1, a positive limit, n from 1")
    fine = grid or max(1, min(100, int(_STATES / limit)))
    states = max(1, math.ceil(limit * fine - 1e-9))  # 0 ... states - 1 go on
    step = round(reference * n * fine)
    x = np.arange(n + 1)
    if 0 < p < 1:
        mass = np.exp(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1) + x * math.log(p) + (n - x) * math.log1p(-p))
    else:
        mass = (x == n * p).astype(np.float64)
    chain = np.zeros((states, states))
    start = np.arange(states)
    likely = mass > 1e-14
    for count, chance in zip(x[likely].tolist(), mass[likely].tolist(), strict=True):
        to = np.maximum(0, start + step - count * fine)
        on = to < states
        chain[start[on], to[on]] += chance
    try:
        length = float(np.linalg.solve(np.eye(states) - chain, np.ones(states))[0])
    except np.linalg.LinAlgError:
        return math.inf
    return length if 0 < length < _FARTHEST else math.inf


def cusum_limit(p: float, reference: float, arl: float, n: int = 1) -> tuple[float, float]:
    """The smallest limit of a CUSUM whose average run length at ``p`` is at least ``arl`` points, and that run length.

    Found by bisection on the grid of :func:`cusum_arl`; ``p`` must lie above ``reference``, or false alarms cannot be rare.
    """
    if not reference < p:
        raise ArgumentError(f"the share wanted, {p}, is not above the reference {reference}: a CUSUM could not tell a fall from it")
    if not arl > 1:
        raise ArgumentError(f"arl={arl!r}: give the points between false alarms, more than 1, for example 100")
    high = 1.0
    while cusum_arl(p, reference, high, n) < arl:
        high *= 2
    low = 0.0
    while high - low > 0.01 * max(high, 1.0):
        middle = (low + high) / 2
        low, high = (low, middle) if cusum_arl(p, reference, middle, n) >= arl else (middle, high)
    return high, cusum_arl(p, reference, high, n)
