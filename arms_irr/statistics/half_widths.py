"""How many subjects or officers does an interval of a stated width need? Closed forms for kappa, ICC, agreement.

Numbers of subjects and officers are exact solutions, not rounded: take the next whole number. Arguments may be arrays
and broadcast. All but the last pair of functions suppose subjects drawn at random, rated by all raters. A few cases
that many officers rate are another matter: there the agreement with the gold standard has
:func:`gold_agreement_half_width`, and everything else is planned by simulation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import check_confidence
from arms_irr.statistics.power import Floats, Shares, bare, distance

__all__ = [
    "agreement_half_width", "gold_agreement_half_width", "icc_interval_width", "intraclass_kappa_limits", "n_for_agreement_half_width",
    "n_for_icc_interval", "n_for_intraclass_kappa_interval", "raters_for_gold_agreement",
]


# --- the intraclass kappa: Donner; Donner & Rotondi -----------------------------------------------------------


def n_for_intraclass_kappa_interval(
    kappa: ArrayLike, shares: Shares, lower: ArrayLike, upper: ArrayLike | None = None, raters: ArrayLike = 2, *,
    confidence_level: float = 0.95,
) -> Floats:
    """Subjects for which the goodness-of-fit interval of the intraclass kappa is expected to end at stated limits.

    Donner (1999), Communications in Statistics 28, 415-429; more raters: Donner & Rotondi (2010), International
    Journal of Biostatistics 6, 31. The limits are the kappas that a chi-square test with 1 degree of freedom just
    does not reject (see :func:`arms_irr.statistics.power.n_for_intraclass_kappa` for the model).

    Parameters
    ----------
    kappa : float or array
        Value expected, 0 to 1.
    shares : float or sequence of float
        Share of subjects in each category; one number p means (p, 1 - p).
    lower, upper : float or array
        Limits. The interval is not symmetric: with both, the number is the larger of the two needed. ``lower`` alone
        with a confidence level of 0.90 is a one-sided bound of 95 %.
    raters : int or array
    confidence_level : float

    Returns
    -------
    float array

    Raises
    ------
    ArgumentError
        Unless 0 <= lower < kappa < upper < 1, for shares that do not sum to 1 and for fewer than two raters.
    """
    k, low = _shares("kappa", kappa, closed=True), _shares("the lower limit", lower, closed=True)
    if np.any(low >= k):
        raise ArgumentError(f"the lower limit {np.asarray(lower).tolist()} is not below kappa {np.asarray(kappa).tolist()}.")
    squared = _z(confidence_level) ** 2
    n = squared / ((k - low) ** 2 * distance(low, shares, raters))
    if upper is not None:
        high = np.asarray(upper, dtype=np.float64)
        if not np.all((high > k) & (high < 1)):
            raise ArgumentError(f"the upper limit {np.asarray(upper).tolist()} is not between kappa {np.asarray(kappa).tolist()} and 1.")
        n = np.maximum(n, squared / ((high - k) ** 2 * distance(high, shares, raters)))
    return bare(n)


def intraclass_kappa_limits(
    n: ArrayLike, kappa: ArrayLike, shares: Shares, raters: ArrayLike = 2, *, confidence_level: float = 0.95
) -> tuple[Floats, Floats]:
    """The limits to be expected from ``n`` subjects, the inverse of :func:`n_for_intraclass_kappa_interval`.

    Returns
    -------
    lower, upper : float arrays
        The lower one is 0 where the exact limit would be below, as the model ends there.
    """
    size, k = np.broadcast_arrays(_at_least("subjects", n, 1), _shares("kappa", kappa, closed=True))
    squared = _z(confidence_level) ** 2

    def edge(end: float) -> Floats:
        inside, outside = k.astype(np.float64), np.full(k.shape, end)
        for _ in range(60):
            middle = (inside + outside) / 2
            rejected = size * (k - middle) ** 2 * distance(middle, shares, raters) > squared
            inside, outside = np.where(rejected, inside, middle), np.where(rejected, middle, outside)
        return inside

    lower = edge(0.0)
    return bare(np.where(lower < 1e-12, 0.0, lower)), bare(edge(1.0))


# --- the intraclass correlation: Bonett ------------------------------------------------------------------------


def n_for_icc_interval(
    rho: ArrayLike, width: ArrayLike, raters: ArrayLike = 2, *, confidence_level: float = 0.95, corrected: bool = True
) -> Floats:
    """Subjects for an interval of the intraclass correlation that is so wide from end to end.

    Bonett (2002), Statistics in Medicine 21, 1331-1335: n = 8 z^2 (1 - rho)^2 [1 + (k - 1) rho]^2 / [k (k - 1) w^2] + 1.
    For one-way designs and for consistency. Where raters have levels of their own (agreement in a crossed design) the
    number of raters limits the width as well, and simulation is the way.

    Parameters
    ----------
    rho : float or array
        Value expected, 0 to below 1.
    width : float or array
        Upper less lower limit, not the half of it.
    raters : int or array
    confidence_level : float
    corrected : bool
        Add 5 rho with two raters and rho of 0.7 or more, as Bonett advises.

    Returns
    -------
    float array

    Raises
    ------
    ArgumentError
        For rho outside 0 to 1, a width outside 0 to 2, fewer than two raters.
    """
    w = np.asarray(width, dtype=np.float64)
    if not np.all((w > 0) & (w < 2)):
        raise ArgumentError(f"a width of {np.asarray(width).tolist()} cannot be. Give upper less lower limit, for example 0.2.")
    spread, added = _bonett(rho, raters, confidence_level, corrected)
    return bare(spread / w**2 + 1 + added)


def icc_interval_width(
    n: ArrayLike, rho: ArrayLike, raters: ArrayLike = 2, *, confidence_level: float = 0.95, corrected: bool = True
) -> Floats:
    """Upper less lower limit to be expected from ``n`` subjects, the inverse of :func:`n_for_icc_interval`."""
    spread, added = _bonett(rho, raters, confidence_level, corrected)
    size = _at_least("subjects", n, 2)
    if np.any(size <= 1 + added):
        raise ArgumentError(f"{np.asarray(n).tolist()} subjects are too few for the formula. Give more than {np.max(1 + added):g}.")
    return bare(np.sqrt(spread / (size - 1 - added)))


def _bonett(rho: ArrayLike, raters: ArrayLike, level: float, corrected: bool) -> tuple[Floats, Floats]:
    r, k = _shares("the intraclass correlation", rho, closed=True), _at_least("raters", raters, 2)
    spread = 8 * _z(level) ** 2 * (1 - r) ** 2 * (1 + (k - 1) * r) ** 2 / (k * (k - 1))
    return spread, np.where(corrected & (k == 2) & (r >= 0.7), 5 * r, 0.0)


# --- agreement: Gwet's rule, and agreement with the gold standard -------------------------------------------------


def n_for_agreement_half_width(half_width: ArrayLike) -> Floats:
    """Subjects for a 95 % interval of the percent agreement of two raters, by Gwet's rule 1 / E^2.

    Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., 158-160, and the author's advice for AC1 as well: the variance is at
    most 1 / (4 n), and 1.96 is taken as 2. For two raters and subjects drawn at random only.

    Parameters
    ----------
    half_width : float or array
        E, between 0 and 1: 0.1 for plus or minus ten percentage points.
    """
    return bare(1 / _shares("the half-width", half_width) ** 2)


def agreement_half_width(n: ArrayLike) -> Floats:
    """Half-width of that interval with ``n`` subjects, 1 / sqrt(n)."""
    return bare(1 / np.sqrt(_at_least("subjects", n, 1)))


def gold_agreement_half_width(
    raters: ArrayLike, ratings: ArrayLike, share: ArrayLike, rater_icc: ArrayLike = 0.0, *, confidence_level: float = 0.95
) -> Floats:
    """Half-width of the interval of the agreement with the gold standard, officers as clusters.

    t with R - 1 degrees of freedom times sqrt(p (1 - p) / n_eff), n_eff = R m / [1 + (m - 1) rho]: Kish's
    design effect (1965, Survey Sampling) with the officer as the cluster. It says how sure one may be of
    other officers on these very cases; that other cases would be easier or harder is not in it.

    Parameters
    ----------
    raters : float or array
        R, officers; 2 or more.
    ratings : float or array
        m, ratings each officer compares with the gold standard (mean, after "unable to rate"); 1 or more.
    share : float or array
        p, agreement expected, between 0 and 1; 0.5 is the widest.
    rater_icc : float or array
        rho, how far an officer's hits go together, 0 to 1. However many ratings, n_eff stays below R / rho.
    confidence_level : float

    Returns
    -------
    float array

    Raises
    ------
    ArgumentError
        For values outside these ranges.
    """
    r, level = _at_least("raters", raters, 2), check_confidence(confidence_level)
    t = np.asarray(stdtrit(r - 1, (1 + level) / 2), dtype=np.float64)
    return bare(t * np.sqrt(_one_officer(ratings, share, rater_icc) / r))


def raters_for_gold_agreement(
    half_width: ArrayLike, ratings: ArrayLike, share: ArrayLike, rater_icc: ArrayLike = 0.0, *, confidence_level: float = 0.95
) -> Floats:
    """Officers for an interval of this half-width, the inverse of :func:`gold_agreement_half_width`; 2 at least."""
    wanted, level = _shares("the half-width", half_width), check_confidence(confidence_level)
    variance = _one_officer(ratings, share, rater_icc) / wanted**2
    low = np.full(np.shape(variance), 2.0)
    high = np.maximum(stdtrit(1, (1 + level) / 2) ** 2 * variance, 2.0)
    for _ in range(80):
        middle = (low + high) / 2
        enough = stdtrit(middle - 1, (1 + level) / 2) ** 2 * variance <= middle
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return bare(high)


def _one_officer(ratings: ArrayLike, share: ArrayLike, rater_icc: ArrayLike) -> Floats:
    """Variance of one officer's share of hits."""
    m, p, rho = _at_least("ratings", ratings, 1), _shares("the agreement", share), _shares("the correlation", rater_icc, closed=True)
    return np.asarray(p * (1 - p) * (1 + (m - 1) * rho) / m)


# --- what they share -------------------------------------------------------------------------------------------


def _z(level: float) -> float:
    return float(ndtri((1 + check_confidence(level)) / 2))


def _shares(name: str, values: ArrayLike, closed: bool = False) -> Floats:
    """Values between 0 and 1; ``closed`` admits both ends."""
    given = np.asarray(values, dtype=np.float64)
    if not np.all((given >= 0) & (given <= 1) if closed else (given > 0) & (given < 1)):
        raise ArgumentError(f"{name} is {np.asarray(values).tolist()}. Give a value {'from 0 to 1' if closed else 'between 0 and 1'}, "
                            "for example 0.4." + ("" if closed else " At 0 or 1 nothing varies that could be planned for."))
    return given


def _at_least(name: str, values: ArrayLike, least: int) -> Floats:
    given = np.asarray(values, dtype=np.float64)
    if not np.all((given >= least) & np.isfinite(given)):
        raise ArgumentError(f"{np.asarray(values).tolist()} {name} cannot be. Give {least} or more.")
    return given
