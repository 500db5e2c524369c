"""Permutation tests on one value per rater: signs of paired differences, labels of two groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.weights import Floats

__all__ = ["label_permutation", "sign_flip"]

_EXACT = 2**14  # assignments up to which every one is tried
_SLACK = 1e-9  # of the largest possible statistic: equal sums in another order must count as equal
_BATCH = 4_000_000


def sign_flip(
    differences: ArrayLike, *, replicates: int = 9999, seed: int = 1, confidence_level: float = 0.95
) -> Estimate:
    """Are paired differences 0 on average? One difference per rater, agreement in one cell less in another, say.

    Under the hypothesis each difference is as likely with the other sign; the p-value is the share of all 2^R
    assignments of signs whose mean is at least as far from 0 as the mean observed (Fisher 1935, ch. 3).

    Parameters
    ----------
    differences : (R,) array
        At least 2; ``nan`` (a rater with one of the two missing) is left out.
    replicates, seed : int
        Above 2^14 assignments so many are drawn, and the one observed counts as one more (Phipson & Smyth 2010).

    Returns
    -------
    Estimate
        The mean with its t interval over raters (R - 1 df); ``parts``: ``p``, ``t``, ``p_t`` (of the t test) and
        ``assignments``. All differences equal: no t interval (``zero-se``), the permutation p stands.
    """
    level = check_confidence(confidence_level)
    d = _values(differences)
    if d.size < 2:
        reason = "one-rater" if d.size else "no-ratings"
        return undefined(reason, method="sign-flip permutation test", n_raters=d.size)
    raters = d.size
    if 2**raters <= _EXACT:
        everything = np.arange(2**raters)[:, None] >> np.arange(raters) & 1
        p, tried = _share(abs(d.sum()), np.abs(d).sum(), iter([(1.0 - 2 * everything) @ d])), 2**raters
    else:
        rng = np.random.default_rng(seed)

        def flipped(count: int) -> Floats:
            return np.asarray(rng.choice([-1.0, 1.0], (count, raters)) @ d)

        p, tried = _drawn(abs(d.sum()), np.abs(d).sum(), flipped, raters, replicates), replicates + 1
    variance = float(d.var(ddof=1) / raters)
    return _estimate(float(d.mean()), variance, raters - 1.0, p, tried, raters, level, "sign-flip permutation test")


def label_permutation(
    a: ArrayLike, b: ArrayLike, *, replicates: int = 9999, seed: int = 1, confidence_level: float = 0.95
) -> Estimate:
    """Do two groups of raters differ on average? Mean of ``b`` less mean of ``a``, one value per rater.

    The p-value is the share of all ways to give the labels to the raters whose difference is at least as far
    from 0; above 2^14 ways, of those drawn and the one observed.

    Parameters
    ----------
    a, b : (n_a,), (n_b,) arrays
        ``nan`` is left out; at least 2 in each group.

    Returns
    -------
    Estimate
        With Welch's t interval (Satterthwaite's df); ``parts`` as for :func:`sign_flip`.
    """
    level = check_confidence(confidence_level)
    x, y = _values(a), _values(b)
    n, m = x.size, y.size
    if min(n, m) < 2:
        return undefined("one-rater" if min(n, m) else "no-ratings", method="label permutation test", n_raters=n + m)
    pooled = np.concatenate([x, y])
    pooled = pooled - pooled.mean()
    # With the pooled mean at 0 the difference of the means is the sum of the second group times 1/n + 1/m.
    observed, largest = abs(pooled[n:].sum()), np.abs(pooled).sum()
    if comb(n + m, m) <= _EXACT:
        groups = np.array(list(combinations(range(n + m), m)))
        p, tried = _share(observed, largest, iter([pooled[groups].sum(axis=1)])), len(groups)
    else:
        rng = np.random.default_rng(seed)

        def relabelled(count: int) -> Floats:
            return np.asarray(rng.permuted(np.broadcast_to(pooled, (count, n + m)), axis=1)[:, n:].sum(axis=1))

        p, tried = _drawn(observed, largest, relabelled, n + m, replicates), replicates + 1
    parts = x.var(ddof=1) / n, y.var(ddof=1) / m
    spread = parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1)
    df = float(sum(parts) ** 2 / spread) if spread > 0 else np.nan
    return _estimate(float(y.mean() - x.mean()), float(sum(parts)), df, p, tried, n + m, level, "label permutation test")


def _values(values: ArrayLike) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or np.isinf(x).any():
        raise ArgumentError(f"give one finite value per rater, not an array of shape {x.shape}" if x.ndim != 1 else
                            "a value is infinite: give one finite value per rater, nan where there is none")
    return x[~np.isnan(x)]


def _share(observed: float, largest: float, batches: Iterator[Floats]) -> float:
    hits, total = 0, 0
    for sums in batches:
        hits += int(np.count_nonzero(np.abs(sums) >= observed - _SLACK * largest))
        total += len(sums)
    return hits / total


def _drawn(observed: float, largest: float, draw: Callable[[int], Floats], width: int, replicates: int) -> float:
    if isinstance(replicates, bool) or not isinstance(replicates, (int, np.integer)) or replicates < 100:
        raise ArgumentError(f"replicates={replicates!r}: give a whole number of 100 or more, usually 9999")
    step = max(1, _BATCH // width)
    share = _share(observed, largest, (draw(min(step, replicates - start)) for start in range(0, replicates, step)))
    return (share * replicates + 1) / (replicates + 1)


def _estimate(
    value: float, variance: float, df: float, p: float, tried: int, raters: int, level: float, method: str
) -> Estimate:
    se = float(np.sqrt(variance))
    parts = {"p": p, "assignments": float(tried)}
    method = f"{method}, {'all' if tried <= _EXACT else 'drawn'} assignments; t interval"
    found = Estimate(value, se=se, confidence_level=level, method=method, target="raters", n_raters=raters, parts=parts)
    if se <= 1e-14:
        return found.flagged("zero-se")
    t, half = value / se, float(stdtrit(df, (1 + level) / 2)) * se
    parts |= {"t": t, "p_t": float(2 * stdtr(df, -abs(t)))}
    return Estimate(value, se, value - half, value + half, level, df, method, "raters", n_raters=raters, parts=parts)
