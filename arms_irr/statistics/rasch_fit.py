"""Fitting a severity model: marginal maximum likelihood, and severities that carry every uncertainty of the fit.

Item locations and thresholds are fixed unknowns, officers are drawn from a normal distribution of severities. The
anchor (the gold standard) is one more rater with an unknown place on the officers' scale; reported severities are
measured from there. Likelihood and derivatives stand in :mod:`arms_irr.statistics.rasch`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri, ndtri

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import check_confidence
from arms_irr.statistics.rasch import Answers, Floats, Ints, Marginal, information, marginal, nodes_for
from arms_irr.statistics.rasch_design import Design, design_of

__all__ = ["SeverityFit", "fit_severity"]

_AT_ZERO = 1e-3  # a standard deviation of severity below it is put to 0
_DONE = 1e-12  # gain that a Newton step promises at the maximum
_STEPS = 100
_ENDLESS = 12.0  # logits: beyond, the likelihood has no maximum
_NEAR = 1e-4  # logits, of a limit of sigma
_GRID = 7  # standard deviations that the severities are averaged over
_TAIL = 5.5  # fall of the log-likelihood at the ends of that grid (99.9 %)
_PRIOR_SD = 2.0  # logits, of the half-normal prior of sigma in that average
_FIRST_SIGMA = 0.5
_FAR, _FARTHEST = 7.5, 30.0  # standard deviations that the nodes reach to, at first and at most
_NOTHING = 1e-12  # weight of the last node for any officer


@dataclass(frozen=True, eq=False)
class SeverityFit:
    """A fitted rating scale or partial credit model of N officers and I items.

    Attributes
    ----------
    severity, se, low, high : (N,) arrays
        Posterior means in logits, positive = rates as more of a priority, measured from the anchor (without one
        from the officers' mean); standard errors and limits with the uncertainty of items, thresholds and sigma.
    gap, gap_se : (N,) arrays
        The same from the officers' mean, whose standard error does not hold that of the anchor's place.
    eap, posterior_sd : (N,) arrays
        Plug-in posterior mean and standard deviation around the officers' mean, all parameters taken as known.
    mean, mean_se : float
        The officers' mean severity from the anchor; 0 and ``nan`` without one.
    sigma, sigma_se, sigma_low, sigma_high : float
        Standard deviation of severity: maximum likelihood (``sigma_se`` is ``nan`` at 0) and the limits at which
        the profile likelihood falls by half the chi-square quantile, 0 at the boundary.
    likelihood_ratio, p : float
        Test of sigma = 0; the null distribution is half a point mass at 0 and half chi-square(1) (Self & Liang
        1987, JASA 82, 605-610, case 5).
    location, location_se : (I,) arrays
        From the anchor; ``nan`` where nobody rated the item.
    extreme : (I,) bool array
        Items that everyone put into the same end category. They say nothing about severity and are left out of
        the likelihood (their contribution is 1 at its limit); their location is that of a score 0.3 from the end
        (the convention of Linacre's programs), with severities and thresholds as fitted.
    categories : (K + 1,) int array
        Categories that enter: a category never used is left out, scores stay.
    thresholds, threshold_se : (G, K) arrays
        Where two neighbouring categories are equally likely, from the item's location, for each threshold group.
    group : (I,) int array
        Threshold group of each item.
    covariance : (p, p) array
        Of the locations of the items that are ``kept`` and, after them, the thresholds row by row: the inverse
        observed information of all parameters together, sigma included.
    kept : (I,) bool array
    codes : (N, I) int array
        The ratings as positions in ``categories``; -1 = none.
    table : (I, K + 1) array
        c_ik on the anchored scale, for expected ratings; ``nan`` for items nobody rated.
    scores : (K + 1,) array
    log_likelihood : float
    converged : bool
    flags : tuple of str
    """

    severity: Floats
    se: Floats
    low: Floats
    high: Floats
    gap: Floats
    gap_se: Floats
    eap: Floats
    posterior_sd: Floats
    mean: float
    mean_se: float
    sigma: float
    sigma_se: float
    sigma_low: float
    sigma_high: float
    likelihood_ratio: float
    p: float
    location: Floats
    location_se: Floats
    extreme: NDArray[np.bool_]
    categories: Ints
    thresholds: Floats
    threshold_se: Floats
    group: Ints
    covariance: Floats
    kept: NDArray[np.bool_]
    codes: Ints
    table: Floats
    scores: Floats
    log_likelihood: float
    converged: bool
    flags: tuple[str, ...]


def fit_severity(
    codes: Ints, *, anchor: Ints | None = None, groups: Ints | None = None, confidence_level: float = 0.95,
) -> SeverityFit:
    """Severities of officers under the rating scale or partial credit model.

    Parameters
    ----------
    codes : (N, I) int array
        Category 0..q-1 that each officer gave each item; negative = none.
    anchor : (I,) int array, optional
        Ratings of the gold standard; negative = none. Severity 0 is then the gold standard's.
    groups : (I,) int array, optional
        Threshold group of each item (partial credit). Without it all items share their thresholds (rating scale).
        A group in which some category occurs less than twice, or no item has ratings at both ends, gives its items to a
        common group.

    Raises
    ------
    ArgumentError
        Fewer than 3 officers with ratings, no item that tells officers apart, an anchor at an end in every item.

    Notes
    -----
    Severities are averaged over sigma: at each value of a grid the other parameters are those of the profile
    likelihood, the posterior variance gets J V J' for their uncertainty (Kass & Steffey 1989, JASA 84, 717-726), and
    the weight is the Laplace approximation of the marginal posterior of sigma (Tierney & Kadane 1986, JASA 81,
    82-86; half-normal prior, sd 2 logits). So an estimate of 0 does not mean severities without uncertainty.
    """
    check_confidence(confidence_level)
    codes = np.where(codes < 0, -1, codes)
    gold = np.full(codes.shape[1], -1) if anchor is None else np.where(anchor < 0, -1, anchor)
    if int((codes >= 0).any(axis=1).sum()) < 3:
        raise ArgumentError(f"{codes.shape[0]} officers: the spread of severities needs at least 3 who rated something.")
    plan = design_of(codes, gold, groups)
    if anchor is not None:
        _check_anchor(plan.answers)
    search = _Search(plan)
    top = search.climb(np.r_[plan.start, np.zeros(search.anchored), _FIRST_SIGMA])
    if abs(top.theta[-1]) < _AT_ZERO:
        top = search.at(0.0, top.theta)
    top.theta[-1] = abs(top.theta[-1])
    sigma = float(top.theta[-1])
    return _report(search, top, _Profile(search, top), sigma, confidence_level)


def _check_anchor(answers: Answers) -> None:
    rated = answers.gold.sum()
    if not 0 < float((answers.gold * answers.scores).sum()) < rated * float(answers.scores[-1]):
        raise ArgumentError("the anchor is at the same end of the scale in every item that tells officers apart, or has no "
                            "rating there: its place on the scale is not estimable. Fit without an anchor.")


@dataclass(frozen=True, eq=False)
class _Point:
    """Where a climb ended."""

    theta: Floats  # free locations, thresholds, the anchor's place, sigma
    value: float
    at: Marginal
    converged: bool


class _Search:
    """Newton's method on the marginal likelihood, with the information kept as long as it serves."""

    def __init__(self, plan: Design) -> None:
        self.plan, self.answers = plan, plan.answers
        self.anchored = int(plan.answers.gold.any())
        self.reach, self.far = _FIRST_SIGMA, _FAR
        self.nodes = nodes_for(self.answers, self.reach, self.far)
        self.held: Floats | None = None  # inverse information of the last climb with sigma held

    def evaluate(self, theta: Floats) -> tuple[Marginal, Floats]:
        """The likelihood and its gradient in theta."""
        sigma = abs(float(theta[-1]))
        if not self.reach / 2 < sigma <= self.reach:
            self.reach = 1.2 * sigma
            self.nodes = nodes_for(self.answers, self.reach, self.far)
        at = marginal(self.answers, self.table(theta), float(theta[-1]), self.gold(theta), self.nodes)
        while sigma > 0 and self.far < _FARTHEST and at.weights[:, [0, -1]].max() > _NOTHING:
            self.far *= 1.5
            self.nodes = nodes_for(self.answers, self.reach, self.far)
            at = marginal(self.answers, self.table(theta), float(theta[-1]), self.gold(theta), self.nodes)
        return at, np.r_[self.plan.matrix.T @ at.table.ravel(), [at.gold] * self.anchored, at.sigma]

    def table(self, theta: Floats) -> Floats:
        """c_ik of the items that enter."""
        inner = (self.plan.matrix @ theta[: self.plan.matrix.shape[1]]).reshape(self.answers.counts.shape[0], -1)
        return np.hstack([np.zeros((len(inner), 1)), inner])

    def gold(self, theta: Floats) -> float:
        """The anchor's place on the officers' scale."""
        return float(theta[-2]) if self.anchored else 0.0

    def information(self, point: _Point) -> Floats:
        """Minus the Hessian in theta."""
        theta = point.theta
        full = information(self.answers, self.table(theta), float(theta[-1]), self.gold(theta), point.at)
        matrix, cells = self.plan.matrix, self.plan.matrix.shape[0]
        rest = [cells] * self.anchored + [cells + 1]
        corner = matrix.T @ full[:cells, rest]
        return np.block([[matrix.T @ full[:cells, :cells] @ matrix, corner], [corner.T, full[np.ix_(rest, rest)]]])

    def climb(self, theta: Floats, hold: bool = False) -> _Point:
        """The maximum, with sigma held where it is when ``hold``."""
        free = slice(0, len(theta) - hold)
        at, slope = self.evaluate(theta)
        inverse, fresh, gain = self.held if hold else None, False, math.inf
        for _ in range(_STEPS):
            point = _Point(theta, at.value, at, gain < 1e-6)
            if inverse is None:
                inverse, fresh = _inverse(self.information(point)[free, free]), True
                self.held = inverse if hold else self.held
            step = np.zeros_like(theta)
            step[free] = inverse @ slope[free]
            before, gain = gain, float(slope @ step)
            size = min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-30))
            new, new_slope = self.evaluate(theta + size * step)
            while new.value < at.value - 1e-10 * abs(at.value) and size > 1e-6:
                size /= 2
                new, new_slope = self.evaluate(theta + size * step)
            if gain < _DONE or (size <= 1e-6 and fresh) or np.abs(theta).max() > 10 * _ENDLESS:
                break
            theta, at, slope = theta + size * step, new, new_slope
            if size < 1 or gain > 0.2 * before:
                inverse = None
            fresh = False
        return _Point(theta, at.value, at, gain < 1e-6)

    def at(self, sigma: float, start: Floats) -> _Point:
        """The maximum over everything else at this sigma."""
        return self.climb(np.r_[start[:-1], sigma], hold=True)


def _inverse(square: Floats) -> Floats:
    """Inverse of a symmetric matrix, its eigenvalues made positive: an ascent direction wherever the climb stands."""
    values, vectors = np.linalg.eigh(square)
    values = np.maximum(np.abs(values), 1e-9 * max(1.0, float(np.abs(values).max())))
    return np.asarray((vectors / values) @ vectors.T)


class _Profile:
    """The profile likelihood of sigma; each climb starts from the nearest one before."""

    def __init__(self, search: _Search, top: _Point) -> None:
        self.search, self.value, self.sigma = search, top.value, float(top.theta[-1])
        self.known = {self.sigma: (top.value, top.theta)}

    def point(self, sigma: float) -> _Point:
        """The maximum over the other parameters."""
        nearest = min(self.known, key=lambda other: abs(other - sigma))
        found = self.search.at(sigma, self.known[nearest][1])
        self.known[sigma] = (found.value, found.theta)
        return found

    def fall(self, sigma: float) -> float:
        """How far below the maximum."""
        value = self.known[sigma][0] if sigma in self.known else self.point(sigma).value
        return max(0.0, self.value - value)

    def limits(self, fall: float) -> tuple[float, float]:
        """Where the likelihood has fallen so far: below the estimate (0 at the boundary) and above (``nan`` if nowhere).

        The root of the fall is nearly linear in sigma, so a few climbs find each limit.
        """
        def gap(sigma: float) -> float:
            return math.sqrt(self.fall(sigma)) - math.sqrt(fall)

        low, high = 0.0, self.sigma
        if self.sigma > 0 and gap(0.0) > 0:
            low = float(brentq(gap, 0.0, self.sigma, xtol=_NEAR))
        step = max(self.sigma - low, 0.1)
        while gap(high) < 0:
            near, high = high, high + step
            step *= 1.5
            if high > _ENDLESS:
                return low, math.nan
        return low, float(brentq(gap, near, high, xtol=_NEAR))


def _report(search: _Search, top: _Point, profile: _Profile, sigma: float, level: float) -> SeverityFit:
    plan = search.plan
    endless = bool(np.abs(top.theta).max() > _ENDLESS)
    low, high = (math.nan, math.nan) if endless else profile.limits(float(chdtri(1, 1 - level)) / 2)
    ratio = math.nan if endless else max(0.0, 2 * profile.fall(0.0))
    covariance = _covariance(search.information(top), sigma > 0)
    severity, variance, gap, gap_variance = (search.answers.total * np.nan,) * 4 if endless else _averaged(search, profile)
    half = float(ndtri((1 + level) / 2)) * np.sqrt(variance)
    eap, posterior, _ = _posterior(search, top)
    gold = search.gold(top.theta)
    items = plan.items(top.theta, covariance, top.at, sigma * top.at.nodes.z, gold, search.anchored)
    flags = {"separated": endless, "boundary": sigma == 0, "not-converged": not top.converged,
             "category-left-out": plan.left_out}
    return SeverityFit(
        severity=severity, se=np.sqrt(variance), low=severity - half, high=severity + half,
        gap=gap, gap_se=np.sqrt(gap_variance), eap=eap, posterior_sd=np.sqrt(posterior), mean=0.0 - gold if search.anchored else 0.0,
        mean_se=float(np.sqrt(covariance[-2, -2])) if search.anchored else math.nan,
        sigma=sigma, sigma_se=float(np.sqrt(covariance[-1, -1])) if sigma > 0 else math.nan, sigma_low=low, sigma_high=high,
        likelihood_ratio=ratio, p=float(chdtrc(1, ratio)) / 2 if ratio > 0 else ratio + 1.0,
        location=items.location, location_se=items.location_se, extreme=plan.extreme, categories=plan.categories,
        thresholds=items.thresholds, threshold_se=items.threshold_se, group=plan.group, covariance=items.covariance,
        kept=plan.kept, codes=plan.everyone.codes, table=items.table, scores=search.answers.scores, log_likelihood=top.value,
        converged=top.converged and not endless, flags=tuple(flag for flag, there in flags.items() if there),
    )


def _covariance(info: Floats, sigma_free: bool) -> Floats:
    """Inverse information of all free parameters; rows of 0 for a sigma at its boundary, nan where there is none."""
    covariance = np.zeros_like(info)
    free = slice(0, len(info) - (not sigma_free))
    try:
        np.linalg.cholesky(info[free, free])
        covariance[free, free] = np.linalg.inv(info[free, free])
    except np.linalg.LinAlgError:
        covariance[:] = np.nan
    return covariance


def _posterior(search: _Search, point: _Point) -> tuple[Floats, Floats, Floats]:
    """Mean and variance of each severity given the parameters, and the derivative of severity from the anchor in them."""
    answers, weights, plan = search.answers, point.at.weights, search.plan
    severity = point.theta[-1] * point.at.nodes.z
    mean = weights @ severity
    gap = weights * (severity - mean[:, None])
    steps = point.at.p.shape[1] - 1
    table = np.stack([-answers.mask * (gap @ point.at.p[:, k + 1].T) for k in range(steps)], axis=2)
    slope = table.reshape(len(mean), -1) @ plan.matrix
    return mean, (gap * severity).sum(axis=1), np.hstack([slope, np.full((len(mean), search.anchored), -1.0)])


def _averaged(search: _Search, profile: _Profile) -> tuple[Floats, Floats, Floats, Floats]:
    """Posterior mean and variance of each severity from the anchor, and from the officers' mean, over all parameters."""
    low, high = profile.limits(_TAIL)
    grid = np.linspace(low, _ENDLESS if math.isnan(high) else high, _GRID)
    logs, means, variances, gaps, gap_variances = [], [], [], [], []
    for sigma in grid.tolist():
        point = profile.point(sigma)
        covariance = _covariance(search.information(point), False)[:-1, :-1]
        gap, variance, slope = _posterior(search, point)
        logs.append(point.value + 0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * (sigma / _PRIOR_SD) ** 2)
        means.append(gap - search.gold(point.theta))
        variances.append(variance + ((slope @ covariance) * slope).sum(axis=1))
        slope[:, slope.shape[1] - search.anchored:] = 0.0
        gaps.append(gap)
        gap_variances.append(variance + ((slope @ covariance) * slope).sum(axis=1))
    weight = np.exp(np.array(logs) - max(logs))
    weight[[0, -1]] /= 2
    weight /= weight.sum()
    return *_mixture(weight, means, variances), *_mixture(weight, gaps, gap_variances)


def _mixture(weight: Floats, means: list[Floats], variances: list[Floats]) -> tuple[Floats, Floats]:
    """Mean and variance of a mixture, officer by officer."""
    every = np.array(means)
    centre = weight @ every
    return centre, np.asarray(weight @ (np.array(variances) + (every - centre) ** 2))
