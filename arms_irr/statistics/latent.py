"""What a fitted ordinal model says about agreement: latent variance shares, probabilities for new officers.

Every standard error is by the delta method from the full covariance of the fit, standard deviations included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, ndtri

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.statistics.laplace import cdf
from arms_irr.statistics.ordinal import OrdinalFit, design_columns

__all__ = ["category_probability", "latent_icc", "pair_agreement", "probability_difference"]

Floats = NDArray[np.float64]

_NODES = 61
_RESIDUAL = {"probit": 1.0, "logit": math.pi**2 / 3}
_DIFFERENCE = 1e-5
_FLAT = 3.0  # beyond this half-width on the logit scale its limits say nothing


def latent_icc(fit: OrdinalFit, confidence_level: float = 0.95) -> dict[str, Estimate]:
    """Share of each random factor in the latent variance: sd^2 / (sum of sd^2 + residual).

    The residual is 1 for probit and pi^2 / 3 for logit. With raters and cells random, the
    share of the cells is the reliability of one officer's rating on the latent scale, given the fixed
    effects; that of the raters is what systematic severity costs.

    Returns
    -------
    dict
        An Estimate by factor, interval on the logit scale, or normal and cut at 0 where the share hardly
        differs from 0 (flag ``interval-fallback``). A component at 0 has the value 0, flag
        ``boundary`` and no interval.
    """
    def share(name: str) -> Callable[[Floats], float]:
        def of(theta: Floats) -> float:
            variances = _sds(fit, theta) ** 2
            return float(variances[list(fit.random).index(name)] / (variances.sum() + _RESIDUAL[fit.link]))
        return of

    return {name: _share(_delta(fit, share(name), confidence_level, "latent ICC")) for name in fit.random}


def pair_agreement(
    fit: OrdinalFit,
    between: str | Sequence[str] = "rater",
    fixed: Mapping[str, ArrayLike] | None = None,
    confidence_level: float = 0.95,
) -> Estimate:
    """Probability that two random officers give the same category to the same subject.

    Parameters
    ----------
    fit : OrdinalFit
    between : the random factors in which two officers differ; the others (cells, cases) they have in common
    fixed : the fixed effects of the subjects to average over; by default the ratings of the fit
    confidence_level : of the interval, on the logit scale

    Notes
    -----
    Mean over rows of E_shared[ sum_k P(Y = k | shared)^2 ], integrated by Gauss-Hermite quadrature (Nelson &
    Edwards 2008, Canad. J. Stat. 36, 495-511: the observed part of their kappa, for any categories).
    """
    names = [between] if isinstance(between, str) else list(between)
    if strange := [name for name in names if name not in fit.random]:
        known = ", ".join(fit.random)
        raise ArgumentError(f"the model has no random factor {strange[0]!r}. It has: {known}.")
    apart = np.array([name in names for name in fit.random])
    rows, counts = np.unique(_design(fit, fixed), axis=0, return_counts=True)

    def agree(theta: Floats) -> float:
        variances = _sds(fit, theta) ** 2
        shifts, weights = _normal(math.sqrt(variances[~apart].sum()))
        inner = math.sqrt(variances[apart].sum())
        eta = _eta(fit, theta, rows)
        by_shift = [(_probabilities(fit, theta, eta + shift, inner) ** 2).sum(axis=1) for shift in shifts]
        return float(np.average(weights @ np.array(by_shift), weights=counts))

    return _share(_delta(fit, agree, confidence_level, "agreement of two officers"))


def category_probability(
    fit: OrdinalFit,
    category: object,
    fixed: Mapping[str, ArrayLike] | None = None,
    random: str = "integrated",
    confidence_level: float = 0.95,
) -> Estimate:
    """Mean probability of a category, or of the gold standard: the chance that an officer agrees with it.

    Parameters
    ----------
    fit : OrdinalFit
    category : one of ``fit.categories``, or one for each row (the gold standard of each rating)
    fixed : the fixed effects of the rows to average over; by default the ratings of the fit
    random : ``"integrated"``: over new officers and cells; ``"zero"``: for those in the middle
    confidence_level : of the interval, on the logit scale
    """
    mean = _mean_probability(fit, category, _design(fit, fixed), random)
    return _share(_delta(fit, mean, confidence_level, "probability"))


def probability_difference(
    fit: OrdinalFit,
    category: object,
    first: Mapping[str, ArrayLike],
    second: Mapping[str, ArrayLike],
    random: str = "integrated",
    confidence_level: float = 0.95,
) -> Estimate:
    """Standardised difference: mean probability with the fixed effects ``first`` minus that with ``second``.

    Give the columns of the fit twice, once with everybody on each side (all cases lower, all higher), so that
    everything else is as in the ratings. Arguments as :func:`category_probability`; ``random="zero"`` is
    the conditional difference. The interval is normal on the difference itself.
    """
    a = _mean_probability(fit, category, _design(fit, first), random)
    b = _mean_probability(fit, category, _design(fit, second), random)
    return _difference(
        _delta(fit, lambda theta: a(theta) - b(theta), confidence_level, "difference of probabilities"))


def _mean_probability(fit: OrdinalFit, category: object, x: Floats, random: str) -> Callable[[Floats], float]:
    if random not in ("integrated", "zero"):
        raise ArgumentError(f"random {random!r} is not known: 'integrated' or 'zero'.")
    several = isinstance(category, (list, tuple, np.ndarray)) or hasattr(category, "to_numpy")
    wanted = list(category) if several else [category] * len(x)  # type: ignore[call-overload]
    if len(wanted) != len(x):
        raise ArgumentError(f"{len(wanted)} categories: give one, or {len(x)}, one for each row.")
    if strange := [c for c in wanted if c not in fit.categories]:
        known = ", ".join(map(str, fit.categories))
        raise ArgumentError(f"the model has no category {strange[0]!r}. It has: {known}.")
    codes = np.array([fit.categories.index(c) for c in wanted], dtype=float)
    rows, counts = np.unique(np.column_stack([codes, x]), axis=0, return_counts=True)
    place = rows[:, 0].astype(int)

    def mean(theta: Floats) -> float:
        sd = math.sqrt((_sds(fit, theta) ** 2).sum()) if random == "integrated" else 0.0
        p = _probabilities(fit, theta, _eta(fit, theta, rows[:, 1:]), sd)
        return float(np.average(p[np.arange(len(p)), place], weights=counts))

    return mean


def _design(fit: OrdinalFit, fixed: Mapping[str, ArrayLike] | None) -> Floats:
    if fixed is None or not fit.columns:
        return fit.design
    if set(fixed) != set(fit.columns):
        raise ArgumentError(
            f"fixed has the columns {list(fixed)}: give those of the fit, {list(fit.columns)}.")
    columns = {name: np.atleast_1d(np.asarray(fixed[name])) for name in fit.columns}
    return design_columns(columns, len(columns[fit.columns[0]]))


def _sds(fit: OrdinalFit, theta: Floats) -> Floats:
    return theta[len(theta) - len(fit.random):]


def _eta(fit: OrdinalFit, theta: Floats, x: Floats) -> Floats:
    first = len(fit.categories) - 1
    return np.asarray(x @ theta[first:first + x.shape[1]])


def _normal(sd: float) -> tuple[Floats, Floats]:
    """Nodes and weights for the mean over N(0, sd^2)."""
    if sd == 0:
        return np.zeros(1), np.ones(1)
    nodes, weights = np.polynomial.hermite.hermgauss(_NODES)
    return math.sqrt(2) * sd * nodes, weights / math.sqrt(math.pi)


def _probabilities(fit: OrdinalFit, theta: Floats, eta: Floats, sd: float) -> Floats:
    """(rows, K) probabilities of the categories, integrated over N(0, sd^2)."""
    shifts, weights = _normal(sd)
    tau = theta[: len(fit.categories) - 1]
    below = cdf(fit.link, tau[None, :, None] - eta[:, None, None] - shifts) @ weights
    return np.diff(below, axis=1, prepend=0.0, append=1.0)


def _delta(fit: OrdinalFit, function: Callable[[Floats], float], level: float, name: str) -> Estimate:
    """Value and delta-method standard error; parameters without a standard error count as known."""
    about = Estimate(math.nan, confidence_level=check_confidence(level), n_ratings=fit.n_ratings,
                     flags=fit.flags, method=f"{name}, {fit.link}, {fit.method}, delta method")
    theta = fit.estimates
    if np.isnan(theta).any():
        return about
    slope = np.zeros(len(theta))
    for j in np.flatnonzero(~np.isnan(fit.se)):
        step = _DIFFERENCE * np.eye(len(theta))[j]
        slope[j] = (function(theta + step) - function(theta - step)) / (2 * _DIFFERENCE)
    se = math.sqrt(max(float(slope @ np.nan_to_num(fit.covariance) @ slope), 0.0))
    return replace(about, value=function(theta), se=se if se > 0 else math.nan)


def _share(e: Estimate) -> Estimate:
    """With an interval on the logit scale; where a share hardly differs from 0 or 1, normal and cut there."""
    if math.isnan(e.se) or not 0 < e.value < 1:
        return e
    z, v = float(ndtri(0.5 + e.confidence_level / 2)), e.value
    half = z * e.se / (v * (1 - v))
    if half <= _FLAT:
        low, high = (float(expit(logit(v) + side)) for side in (-half, half))
        return replace(e, ci_low=low, ci_high=high, df=math.inf)
    low, high = max(v - z * e.se, 0.0), min(v + z * e.se, 1.0)
    return replace(e, ci_low=low, ci_high=high, df=math.inf).flagged("interval-fallback")


def _difference(e: Estimate) -> Estimate:
    half = float(ndtri(0.5 + e.confidence_level / 2)) * e.se
    return e if math.isnan(e.se) else replace(e, ci_low=e.value - half, ci_high=e.value + half, df=math.inf)
