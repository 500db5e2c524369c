"""Shares and means: of independent ratings, and of ratings that come in clusters, one cluster per rater."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, expit, logit, ndtri, stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined

__all__ = ["clopper_pearson", "clustered", "clustered_mean", "wilson"]

Floats = NDArray[np.float64]


def wilson(successes: int, n: int, confidence_level: float = 0.95) -> Estimate:
    """Share of independent ratings with Wilson's score interval (Wilson 1927).

    For one cell, to which each rater contributes one rating; elsewhere use :func:`clustered`.

    Parameters
    ----------
    successes, n : int
        0 <= successes <= n. No ratings (n = 0) is ``nan`` with the flag "no-ratings".
    confidence_level : float

    Returns
    -------
    Estimate
        ``se`` is sqrt(p (1 - p) / n); the limits do not depend on it.
    """
    level = check_confidence(confidence_level)
    _check(successes, n)
    if n == 0:
        return undefined("no-ratings", confidence_level=level, target="raters", method="Wilson")
    low, high = _wilson_limits(successes / n, n, level)
    return _share(successes, n, low, high, level, "Wilson")


def clopper_pearson(successes: int, n: int, confidence_level: float = 0.95) -> Estimate:
    """Share of independent ratings with the exact binomial interval (Clopper & Pearson 1934).

    For certification: never below nominal coverage, hence wide. Arguments and result as :func:`wilson`. A
    one-sided 95 % lower bound is ``ci_low`` at ``confidence_level=0.90``.
    """
    level = check_confidence(confidence_level)
    _check(successes, n)
    if n == 0:
        return undefined("no-ratings", confidence_level=level, target="raters", method="Clopper-Pearson")
    tail = (1 - level) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return _share(successes, n, low, high, level, "Clopper-Pearson")


def clustered(successes: ArrayLike, totals: ArrayLike, confidence_level: float = 0.95) -> Estimate:
    """Share of ratings when raters contribute several each: cluster logit-t interval over raters.

    With y_j successes among m_j ratings of rater j, m = sum m_j and p = sum y_j / m, the linearised variance
    is V = R/(R-1) sum (y_j - p m_j)^2 / m^2, and the limits are expit(logit p +- t sqrt(V) / (p (1 - p)))
    with R - 1 degrees of freedom.

    Parameters
    ----------
    successes, totals : (R,) per rater; raters with a total of 0 do not count
    confidence_level : float

    Returns
    -------
    Estimate
        ``parts``: ``deff``, the design effect V / (p (1 - p) / m), and ``rater_icc``, the correlation of
        ratings by the same rater it implies, (deff - 1) / (m / R - 1).

    Notes
    -----
    *Fall-back* (flag "interval-fallback"): if p is 0 or 1, V is 0, or fewer than 5 ratings are successes or
    fewer than 5 are not, Wilson's interval on the effective sample size m / deff (z / t)^2, with ``deff`` at
    least 1 (Korn & Graubard 1998).

    *Degenerate cases*: where each rater gave one rating, the ratings are independent and this is
    :func:`wilson`. One rater: a value without an interval, flag "one-rater". No ratings: ``nan``, flag
    "no-ratings".
    """
    level = check_confidence(confidence_level)
    y, m = _per_rater(successes, totals)
    if np.any(y < 0) or np.any(y > m):
        j = int(np.argmax((y < 0) | (y > m)))
        raise ArgumentError(f"{y[j]:g} successes in {m[j]:g} ratings of a rater: give 0 to all of them.")
    raters, total = m.size, float(m.sum())
    bases: dict[str, Any] = {
        "confidence_level": level, "target": "raters", "n_ratings": round(total), "n_raters": raters,
    }  # fmt: skip
    if raters == 0:
        return undefined("no-ratings", method="cluster logit-t", **bases)
    if raters > 1 and m.max() == 1:
        return wilson(round(float(y.sum())), raters, level)
    p = float(y.sum()) / total
    if raters == 1:
        return Estimate(p, method="share of one rater", flags=("one-rater",), **bases)
    variance = _variance(y, m)
    se, df = math.sqrt(variance), raters - 1
    t = float(stdtrit(df, (1 + level) / 2))
    deff = variance / (p * (1 - p) / total) if 0 < p < 1 else math.nan
    parts = {"deff": deff, "rater_icc": (deff - 1) / (total / raters - 1)}
    fallback = min(y.sum(), total - y.sum()) < 5 or variance == 0
    if fallback:
        z = float(ndtri((1 + level) / 2))
        effective = total / max(1.0, deff if 0 < p < 1 else 1.0) * (z / t) ** 2
        low, high = _wilson_limits(p, effective, level)
        method = "Wilson on effective n"
    else:
        reach = t * se / (p * (1 - p))
        low, high = float(expit(logit(p) - reach)), float(expit(logit(p) + reach))
        method = "cluster logit-t"
    return Estimate(
        p, se=se, ci_low=low, ci_high=high, df=df, method=method, parts=parts, **bases,
        flags=("interval-fallback",) if fallback else (),
    )  # fmt: skip


def clustered_mean(sums: ArrayLike, totals: ArrayLike, confidence_level: float = 0.95) -> Estimate:
    """Mean of all ratings, the signed error say, with a t interval over raters.

    Parameters
    ----------
    sums, totals : (R,) sum and number of the ratings of each rater; totals of 0 do not count
    confidence_level : float

    Returns
    -------
    Estimate
        In the units of the ratings; ``se`` from the linearised variance of :func:`clustered`, R - 1 degrees
        of freedom. One rater: no interval, flag "one-rater"; all raters with the same mean: flag "zero-se".
    """
    level = check_confidence(confidence_level)
    y, m = _per_rater(sums, totals)
    raters = m.size
    bases: dict[str, Any] = {
        "confidence_level": level, "target": "raters", "n_raters": raters,
        "n_ratings": round(float(m.sum())),
    }  # fmt: skip
    if raters == 0:
        return undefined("no-ratings", method="cluster t", **bases)
    mean = float(y.sum() / m.sum())
    if raters == 1:
        return Estimate(mean, method="mean of one rater", flags=("one-rater",), **bases)
    se, df = math.sqrt(_variance(y, m)), raters - 1
    if se == 0:
        return Estimate(mean, se=0.0, method="cluster t", flags=("zero-se",), **bases)
    reach = float(stdtrit(df, (1 + level) / 2)) * se
    low, high = mean - reach, mean + reach
    return Estimate(mean, se=se, ci_low=low, ci_high=high, df=df, method="cluster t", **bases)


def _variance(y: Floats, m: Floats) -> float:
    """Linearised variance of the ratio sum y / sum m over clusters; rounding is not variance."""
    residual = y - y.sum() / m.sum() * m
    residual[np.abs(residual) < 1e-12 * np.maximum(np.abs(y), m)] = 0.0
    return float(y.size / (y.size - 1) * np.sum(residual**2) / m.sum() ** 2)


def _wilson_limits(p: float, n: float, level: float) -> tuple[float, float]:
    z = float(ndtri((1 + level) / 2))
    centre, spread = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (centre - spread) / (1 + z**2 / n), (centre + spread) / (1 + z**2 / n)
    return (0.0 if p == 0 else low), (1.0 if p == 1 else high)


def _share(successes: int, n: int, low: float, high: float, level: float, method: str) -> Estimate:
    p = successes / n
    return Estimate(
        p, se=math.sqrt(p * (1 - p) / n), ci_low=low, ci_high=high, confidence_level=level, method=method,
        target="raters", n_raters=int(n), n_ratings=int(n),
    )  # fmt: skip


def _check(successes: int, n: int) -> None:
    if not (0 <= successes <= n and successes == int(successes) and n == int(n)):
        raise ArgumentError(f"{successes} successes in {n} ratings: give whole numbers, 0 <= successes <= n.")


def _per_rater(values: ArrayLike, totals: ArrayLike) -> tuple[Floats, Floats]:
    y, m = np.asarray(values, dtype=np.float64), np.asarray(totals, dtype=np.float64)
    if y.ndim != 1 or y.shape != m.shape:
        raise ArgumentError(f"shapes {y.shape} and {m.shape} do not fit. Give one value and total per rater.")
    if not (np.isfinite(y).all() and np.isfinite(m).all() and np.all(m >= 0)):
        raise ArgumentError(
            "a value or a total is missing, infinite or negative. Give raters without ratings a total of 0."
        )
    return y[m > 0], m[m > 0]
