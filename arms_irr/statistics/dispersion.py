"""How far ratings of one target lie apart, against what guessing or utter dissent would give."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtr, stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics.concordance import as_matrix
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.weights import Floats

__all__ = ["a_wg", "average_deviation", "finn", "r_wg"]

_NULLS = ("uniform", "dissensus")
Statistic = Callable[[Floats], Floats]  # counts (..., q) -> value (...)


def r_wg(counts: ArrayLike, confidence_level: float = 0.95, *, null: str = "uniform") -> Estimate:
    """r_WG = 1 - s^2 / s_0^2: how far raters of one target beat a spread s_0^2 without agreement.

    s^2 is the variance of the ratings over raters with divisor R - 1, on scores 1..q. With the ``uniform``
    null, s_0^2 = (q^2 - 1) / 12 is the variance of a rating picked at random from the q categories (James,
    Demaree & Wolf 1984, eq. 1); for one target this is the Brennan-Prediger coefficient with quadratic
    weights, and the one-way Finn coefficient. With ``dissensus``, s_0^2 = (q - 1)^2 / 4 is the largest
    variance there is, half the raters at either end: r*_WG (Lindell & Brandt 1997).

    Parameters
    ----------
    counts : (q,) raters who chose each category of the declared scale, lowest first, unused ones with 0
    confidence_level : float
    null : {"uniform", "dissensus"}

    Returns
    -------
    Estimate
        1 for unanimity, 0 for a spread as under the null, negative for more (r*_WG is never below
        -1 / (R - 1)). ``parts``: ``variance`` s^2 and ``null_variance``. The interval (delete-one-rater
        jackknife, t with R - 1 degrees of freedom, cut at 1) is for other raters of this same target.

    Raises
    ------
    ArgumentError
        Fewer than 2 categories, counts that are not whole numbers from 0, an unknown null.

    Notes
    -----
    *Degenerate cases*: no ratings or one rater: ``nan``, flags "no-ratings", "one-rater". Two raters: no
    interval, flag "two-raters". A standard error of 0 (unanimity, say): no interval, flag "zero-se".

    With 20 or more raters the interval covers .93 to .96 (nominal .95, simulated, 3 categories), but only .83
    to .87 where hardly anybody leaves the two main categories (.85, .13, .02): too narrow near unanimity.
    """
    if null not in _NULLS:
        raise ArgumentError(f"unknown null {null!r} of r_WG: choose {' or '.join(_NULLS)}")
    n = _counts(counts)
    scale = (n.size**2 - 1) / 12 if null == "uniform" else (n.size - 1) ** 2 / 4
    title = "r_WG" if null == "uniform" else "r*_WG"
    found = _over_raters(n, lambda c: 1 - _moments(c)[1] / scale, title, confidence_level)
    return found if math.isnan(found.value) else replace(
        found, parts={"variance": float(_moments(n)[1]), "null_variance": scale})  # fmt: skip


def a_wg(counts: ArrayLike, confidence_level: float = 0.95) -> Estimate:
    """a_WG = 1 - 2 s^2 / s_max^2: r_WG against the largest variance that the observed mean allows.

    s_max^2 = [(H + L) M - M^2 - H L] R / (R - 1) for R raters with mean M on a scale from L to H; 1 for
    unanimity, 0 for half of the largest variance, -1 for the largest (Brown & Hauenstein 2005).

    Parameters
    ----------
    counts, confidence_level
        As for :func:`r_wg`, with the same errors.

    Returns
    -------
    Estimate
        Interval as in :func:`r_wg`. ``parts``: ``variance`` and ``largest_variance``.

    Notes
    -----
    *Degenerate cases*: as :func:`r_wg`. All raters at one end of the scale: no variance was possible, 0/0,
    ``nan`` with "no-variance" (Brown & Hauenstein set it to 1). A mean nearer to an end than (H - L) / R:
    flag "extreme-mean". Where the value is 0/0 without one of the raters, no interval:
    "undefined-without-a-rater".
    """
    n = _counts(counts)

    def value(c: Floats) -> Floats:
        mean, variance, raters = _moments(c)
        room = np.asarray((c.shape[-1] - 1 - mean) * mean * raters / (raters - 1))
        # rounding in the mean of unanimous ratings at the upper end leaves no room either
        return np.asarray(1 - 2 * np.divide(variance, room, out=np.full(room.shape, np.nan), where=room > 1e-12))

    found = _over_raters(n, value, "a_WG", confidence_level)
    if math.isnan(found.value):
        return found
    mean, variance, raters = (float(x) for x in _moments(n))
    top = n.size - 1
    found = replace(found, parts={"variance": variance, "largest_variance": (top - mean) * mean * raters / (raters - 1)})
    return found.flagged("extreme-mean") if min(mean, top - mean) < top / raters - 1e-12 else found


def average_deviation(counts: ArrayLike, confidence_level: float = 0.95, *, around: str = "median") -> Estimate:
    """Average deviation AD: the mean distance of the ratings of one target from their median (or mean).

    In steps of the scale; 0 for unanimity. As a guide, up to q / 6 is taken as agreement on a scale of q
    categories (Burke & Dunlap 2002). With an even number of raters the median lies half way between the
    two in the middle, which changes nothing in AD.

    Parameters
    ----------
    counts : (q,) raters who chose each category of the declared scale, lowest first
    confidence_level : float
    around : {"median", "mean"}
        AD_Md or AD_M.

    Returns
    -------
    Estimate
        ``parts``: ``guide`` = q / 6. The interval is as in :func:`r_wg`, its lower limit not below 0.

    Raises
    ------
    ArgumentError
        As :func:`r_wg`; an unknown centre.
    """
    if around not in ("median", "mean"):
        raise ArgumentError(f"unknown centre {around!r} of the average deviation: choose median or mean")
    n = _counts(counts)
    x = np.arange(float(n.size))

    def value(c: Floats) -> Floats:
        raters = c.sum(axis=-1, keepdims=True)
        if around == "mean":
            centre = (c @ x)[..., None] / raters
        else:
            centre = (c.cumsum(axis=-1) < raters / 2).sum(axis=-1, keepdims=True)  # any median gives the same sum
        return np.asarray((c * np.abs(x - centre)).sum(axis=-1) / raters[..., 0])

    found = _over_raters(n, value, "AD_Md" if around == "median" else "AD_M", confidence_level, top=math.inf)
    if math.isnan(found.value):
        return found
    return replace(found, ci_low=found.ci_low if math.isnan(found.ci_low) else max(found.ci_low, 0.0), parts={"guide": n.size / 6})


def finn(
    ratings: ArrayLike, categories: int | Sequence[float], model: str = "oneway", confidence_level: float = 0.95
) -> Estimate:
    """Finn's coefficient: 1 - error variance / variance of random ratings; r_WG over many targets.

    The error variance is the mean square within subjects (``oneway``) or, with the raters' own means taken
    out, the residual mean square (``twoway``); random ratings pick each category equally often (Finn
    1970). Unlike an ICC it needs no differences between subjects.

    Parameters
    ----------
    ratings : (n subjects, k raters)
        Numbers; one-way, subjects rated once are left out and others may have gaps; two-way, complete.
    categories : int or sequence of float
        The number of categories, scores one apart; or the scores of the declared scale.
    model : {"oneway", "twoway"}
    confidence_level : float

    Returns
    -------
    Estimate
        1 for perfect agreement, 0 for a spread as by guessing, negative for more. ``parts``: ``error`` and
        ``null_variance``, and the test that ratings are random: ``F`` = null variance / error, ``df``, ``p``
        (n (k - 1) degrees of freedom one-way, (n - 1)(k - 1) two-way). The interval (delete-one-subject
        jackknife, t with n - 1 degrees of freedom, cut at 1) is for other subjects.

    Raises
    ------
    ArgumentError
        Fewer than 2 categories, ratings outside declared scores, missing ratings in a two-way model.

    Notes
    -----
    *Degenerate cases*: "no-ratings", "one-rater", "no-overlap"; two-way with one subject: ``nan``,
    "one-subject". No interval from one subject, or two in a two-way model ("few-subjects"), or where the
    standard error is 0 ("zero-se").
    """
    level = check_confidence(confidence_level)
    if model not in ("oneway", "twoway"):
        raise ArgumentError(f"unknown model {model!r} of Finn's coefficient: choose oneway or twoway")
    table = as_matrix(ratings)
    null = _null_variance(table, categories)
    given = ~np.isnan(table)
    raters = int(given.any(axis=0).sum())
    table = table[given.sum(axis=1) >= 2]
    n = len(table)
    bases: dict[str, Any] = {"target": "subjects", "confidence_level": level, "n_subjects": n, "n_raters": raters,
                             "n_ratings": int((~np.isnan(table)).sum()), "method": f"Finn, {model}"}  # fmt: skip
    if n == 0:
        return undefined("no-ratings" if not raters else "one-rater" if raters == 1 else "no-overlap", **bases)
    if model == "twoway" and np.isnan(table[:, given.any(axis=0)]).any():
        raise ArgumentError("Finn's two-way coefficient needs complete ratings: use model='oneway', or drop the incomplete subjects")
    table = table[:, given.any(axis=0)]
    if model == "twoway" and n == 1:
        return undefined("one-subject", **bases)
    return replace(_finn(table, null, model, level), **bases)


def _finn(table: Floats, null: float, model: str, level: float) -> Estimate:
    n, width = table.shape
    m = (~np.isnan(table)).sum(axis=1)
    apart = np.nan_to_num(table - np.nanmean(table, axis=1, keepdims=True))
    df_each = m - 1.0
    lost, scale = 0, 1.0
    if model == "twoway":
        apart -= apart.mean(axis=0)
        lost, scale = width - 1, n / (n - 1)
    each = (apart**2).sum(axis=1)
    each[each < 1e-24 * np.nanmax(np.abs(table)) ** 2] = 0.0
    squares, df = float(each.sum()), float(df_each.sum()) - lost
    error = squares / df
    value, f = 1 - error / null, null / error if error else math.inf
    # ratings at random: df * error / null is chi-squared, and a small one speaks against them
    parts = {"error": error, "null_variance": null, "F": f, "df": df, "p": float(chdtr(df, df / f))}
    found = Estimate(value, parts=parts)
    left_df = df - df_each
    if n == 1 or (left_df <= 0).any():
        return found.flagged("one-subject" if n == 1 else "few-subjects")
    left = (squares - scale * each) / left_df / null  # without each subject; its deviation moves the raters' means too
    se = math.sqrt((n - 1) / n * float(((left - left.mean()) ** 2).sum()))
    return _with_limits(found, se, n - 1, level, 1.0)


def _null_variance(table: Floats, categories: int | Sequence[float]) -> float:
    if isinstance(categories, (int, np.integer)):
        if categories < 2:
            raise ArgumentError(f"{categories} categories cannot disagree: give the number of categories of the scale, at least 2")
        return (int(categories) ** 2 - 1) / 12
    scores = np.asarray(categories, dtype=np.float64)
    if scores.ndim != 1 or len(np.unique(scores)) < 2 or not np.isfinite(scores).all():
        raise ArgumentError(f"categories {categories!r} are not a scale: give its scores, at least 2 different numbers")
    outside = np.setdiff1d(table[~np.isnan(table)], scores)
    if outside.size:
        raise ArgumentError(f"the rating {outside[0]:g} is not one of the categories {scores.tolist()}; correct it or declare it")
    return float(np.var(np.unique(scores)))


# --- one target: counts of raters per category -------------------------------------------------------------


def _counts(counts: ArrayLike) -> Floats:
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != 1 or n.size < 2 or not np.all((n >= 0) & (n == np.floor(n)) & np.isfinite(n)):
        raise ArgumentError(
            f"counts {counts!r} are not numbers of raters per category. "
            "Give one whole number for each category of the scale, at least 2, unused ones as 0."
        )
    return n


def _moments(counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and variance (divisor R - 1) of the scores 0..q-1, and R; over the last axis."""
    x, raters = np.arange(float(counts.shape[-1])), counts.sum(axis=-1)
    mean = counts @ x / raters
    return mean, (counts * (x - mean[..., None]) ** 2).sum(axis=-1) / (raters - 1), raters


def _over_raters(n: Floats, statistic: Statistic, title: str, confidence_level: float, top: float = 1.0) -> Estimate:
    """The statistic of one target, with the delete-one-rater jackknife-t interval, cut at ``top``."""
    level, raters = check_confidence(confidence_level), int(n.sum())
    bases: dict[str, Any] = {
        "confidence_level": level, "target": "raters", "n_subjects": min(raters, 1), "n_raters": raters,
        "n_ratings": raters, "method": title,
    }  # fmt: skip
    if raters < 2:
        return undefined("one-rater" if raters else "no-ratings", **bases)
    found = Estimate(float(statistic(n)), **bases)
    if math.isnan(found.value):
        return found.flagged("no-variance")
    if raters == 2:
        return found.flagged("two-raters")
    used = n > 0  # raters of one category are alike: leave out one of each
    left = statistic((n - np.eye(n.size))[used])
    if np.isnan(left).any():
        return found.flagged("undefined-without-a-rater")
    centre = n[used] @ left / raters
    se = math.sqrt((raters - 1) / raters * float(n[used] @ (left - centre) ** 2))
    return _with_limits(replace(found, method=f"{title}, jackknife over raters"), se, raters - 1, level, top)


def _with_limits(found: Estimate, se: float, df: int, level: float, top: float) -> Estimate:
    """Value +- t SE, the upper limit cut at ``top``; no interval when the standard error is 0."""
    if se < 1e-12:
        return replace(found, se=0.0).flagged("zero-se")
    reach = float(stdtrit(df, (1 + level) / 2)) * se
    high = found.value + reach
    found = replace(found, se=se, df=float(df), ci_low=found.value - reach, ci_high=min(high, top))
    return found.flagged("cut-at-1") if high > top else found
