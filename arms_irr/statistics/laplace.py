"""The marginal likelihood of a cumulative mixed model and its exact gradient: Laplace, adaptive quadrature.

P(Y_i <= k) = F(tau_k - eta_i), eta_i = x_i'beta + sum_f s_f b_f[i], with b independent standard normal and F
logistic or normal. The random effects are kept on the unit scale, so the likelihood is smooth and even in
every s_f, and s_f = 0 is an ordinary point.

Sources: Tierney & Kadane (1986), JASA 81, 82-86 (Laplace); Pinheiro & Bates (1995), J. Comp. Graph. Stat. 4,
12-35 (adaptive Gauss-Hermite); McCullagh (1980), JRSS B 42, 109-142 (cumulative model).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_ndtr

__all__ = ["Marginal", "Rows", "cdf", "marginal"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
_MODE_STEPS = 100


@dataclass(frozen=True)
class Rows:
    """Ratings as the likelihood needs them.

    ``y`` (N,) category codes 0 .. K - 1; ``x`` (N, p) fixed effects without intercept; ``factors``: per
    random factor the (N,) level codes, the factor with most levels first (its block of the Hessian is
    diagonal, so it is eliminated and only the others are dense); ``sizes``: their numbers of levels.
    """

    y: Codes
    n_categories: int
    x: Floats
    factors: tuple[Codes, ...]
    sizes: tuple[int, ...]
    link: str

    @property
    def places(self) -> tuple[Codes, ...]:
        """Where each row's levels stand in the vector of all random effects, per factor."""
        starts = np.cumsum([0, *self.sizes[:-1]])
        return tuple(codes + start for codes, start in zip(self.factors, starts, strict=True))

    def split(self, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """Thresholds (K - 1), coefficients (p) and standard deviations of the random effects."""
        ends = np.cumsum([self.n_categories - 1, self.x.shape[1]])
        tau, beta, sd = np.split(theta, ends)
        return tau, beta, sd


@dataclass(frozen=True)
class Marginal:
    """Log-likelihood, its gradient in (tau, beta, s), and the modes of b with their conditional variances."""

    value: float
    gradient: Floats
    modes: Floats
    variances: Floats


def cdf(link: str, x: Floats) -> Floats:
    """F of the link at ``x``, infinite arguments allowed."""
    return np.exp(log_expit(x) if link == "logit" else log_ndtr(x))


@dataclass(frozen=True)
class _Cell:
    """log p of every row, p = F(upper) - F(lower), with ratios of densities to p."""

    link: str
    upper: Floats
    lower: Floats
    log_p: Floats
    a: Floats  # f(upper) / p
    b: Floats  # f(lower) / p

    @classmethod
    def at(cls, link: str, upper: Floats, lower: Floats) -> _Cell:
        """From the two cuts; computed in the lower tail, where differences of F keep their digits."""
        logs = log_expit if link == "logit" else log_ndtr
        flip = upper + lower > 0
        high, low = logs(np.where(flip, -lower, upper)), logs(np.where(flip, -upper, lower))
        log_p = high + np.log(-np.expm1(low - high))
        upper, lower = np.clip(upper, -1e100, 1e100), np.clip(lower, -1e100, 1e100)
        return cls(link, upper, lower, log_p, np.exp(_log_density(link, upper) - log_p),
                   np.exp(_log_density(link, lower) - log_p))

    @property
    def slope(self) -> Floats:
        """d log p / d eta."""
        return self.b - self.a

    def second(self) -> tuple[Floats, Floats, Floats]:
        """Second derivatives of log p in (upper, upper), (upper, lower), (lower, lower)."""
        a, b = self.a, self.b
        (a1, _), (b1, _) = _relative(self.link, self.upper), _relative(self.link, self.lower)
        return a * (a1 - a), a * b, -b * (b1 + b)

    def third(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Third derivatives of log p, from (upper, upper, upper) to (lower, lower, lower)."""
        a, b = self.a, self.b
        (a1, a2), (b1, b2) = _relative(self.link, self.upper), _relative(self.link, self.lower)
        return (a * (a2 - 3 * a * a1 + 2 * a**2), a * b * (a1 - 2 * a),
                a * b * (b1 + 2 * b), -b * (b2 + 3 * b * b1 + 2 * b**2))


def _log_density(link: str, x: Floats) -> Floats:
    return log_expit(x) + log_expit(-x) if link == "logit" else -0.5 * x**2 - _LOG_ROOT_2PI


def _relative(link: str, x: Floats) -> tuple[Floats, Floats]:
    """f'/f and f''/f; 0 at an infinite cut, where f itself is 0."""
    if link == "logit":
        t = np.tanh(x / 2)
        return -t, 1.5 * t**2 - 0.5
    x = np.where(np.abs(x) < 1e99, x, 0.0)
    return -x, x**2 - 1


@dataclass(frozen=True)
class _Curvature:
    """H = I + S Z'WZ S: diagonal of the largest factor, border with the others, their Schur complement."""

    diagonal: Floats  # (q0,)
    border: Floats  # (q0, rest), divided by the diagonal
    inverse: Floats  # (rest, rest): inverse of the Schur complement
    cross: Floats  # (q0, rest): block of H^-1
    log_det: float

    @classmethod
    def of(cls, rows: Rows, sd: Floats, weights: Floats) -> _Curvature:
        """H for the rows' curvatures ``weights`` = -d2 log p / d eta2."""
        q0, rest = rows.sizes[0], sum(rows.sizes[1:])
        first, others = rows.factors[0], [place - q0 for place in rows.places[1:]]
        diagonal = 1 + sd[0] ** 2 * np.bincount(first, weights, q0)
        border, corner = np.zeros(q0 * rest), np.eye(rest).ravel()
        for f, s in zip(others, sd[1:], strict=True):
            border += sd[0] * s * np.bincount(first * rest + f, weights, q0 * rest)
            for g, t in zip(others, sd[1:], strict=True):
                corner += s * t * np.bincount(f * rest + g, weights, rest * rest)
        edge = border.reshape(q0, rest)
        scaled = edge / diagonal[:, None]
        schur = corner.reshape(rest, rest) - edge.T @ scaled
        inverse = np.linalg.inv(schur)
        log_det = np.log(diagonal).sum() + np.linalg.slogdet(schur)[1]
        return cls(diagonal, scaled, inverse, -scaled @ inverse, float(log_det))

    @property
    def variances(self) -> Floats:
        """Diagonal of H^-1."""
        first = 1 / self.diagonal - (self.cross * self.border).sum(axis=1)
        return np.concatenate([first, np.diag(self.inverse)])

    def solve(self, v: Floats) -> Floats:
        """H^-1 v."""
        first, other = np.split(v, [len(self.diagonal)])
        other = self.inverse @ (other - self.border.T @ first)
        return np.concatenate([first / self.diagonal - self.border @ other, other])

    def covariances(self, rows: Rows, sd: Floats) -> Floats:
        """(factors, N): covariance of each row's level of a factor with the random part of its eta."""
        own, first = self.variances, rows.factors[0]
        others = [place - len(self.diagonal) for place in rows.places[1:]]

        def entry(f: int, g: int) -> Floats:
            if f == g:
                return own[rows.places[f]]
            if f == 0 or g == 0:
                return self.cross[first, others[max(f, g) - 1]]
            return self.inverse[others[f - 1], others[g - 1]]

        several = range(len(sd))
        return np.array([sum((sd[g] * entry(f, g) for g in several), np.zeros(len(first))) for f in several])


@dataclass(frozen=True)
class _Explicit:
    """How the approximated integral moves with everything it is written in, per row or per random effect."""

    value: float
    eta: Floats  # (N,)
    upper: Floats  # (N,)
    lower: Floats  # (N,)
    sd: Floats  # (factors,)
    log_h: Floats  # (N,): with log |H| (one factor: with log of the row's own H)
    mode: Floats  # (q,)


def marginal(rows: Rows, theta: Floats, start: Floats, points: int = 1) -> Marginal:
    """Approximated log-likelihood at theta = (tau, beta, s), and its exact gradient.

    Parameters
    ----------
    rows : Rows
    theta : (K - 1 + p + factors,) with increasing thresholds
    start : (q,) random effects on the unit scale from which the mode is sought
    points : nodes of adaptive Gauss-Hermite quadrature; 1 is the Laplace approximation, and the only choice
        with more than one random factor

    Notes
    -----
    With p_i(b) the probability of row i and b^ the mode of sum log p_i - b'b/2, Laplace is
    sum log p_i(b^) - b^'b^/2 - log|H|/2. The gradient follows b^ and H by the third derivatives.
    """
    tau, beta, sd = rows.split(theta)
    cuts = np.concatenate([[-np.inf], tau, [np.inf]])
    fixed = rows.x @ beta
    upper, lower = cuts[rows.y + 1] - fixed, cuts[rows.y] - fixed
    b, cell, curvature = _mode(rows, sd, upper, lower, start)
    explicit = _laplace(rows, b, cell, curvature) if points == 1 else \
        _quadrature(rows, sd, upper, lower, b, curvature, points)
    return Marginal(explicit.value, _gradient(rows, sd, b, cell, curvature, explicit), b, curvature.variances)


def _random_part(rows: Rows, sd: Floats, b: Floats) -> Floats:
    return np.asarray(sum(s * b[place] for s, place in zip(sd, rows.places, strict=True)))


def _by_level(rows: Rows, values: Floats) -> Floats:
    """Z'v: sums of a row quantity over the levels of every factor."""
    return np.concatenate([np.bincount(c, values, q) for c, q in zip(rows.factors, rows.sizes, strict=True)])


def _mode(
    rows: Rows, sd: Floats, upper: Floats, lower: Floats, b: Floats,
) -> tuple[Floats, _Cell, _Curvature]:
    """Newton's method with halving; log p is concave in eta, so there is one mode."""
    scale = np.repeat(sd, rows.sizes)

    def at(b: Floats) -> tuple[float, _Cell]:
        eta = _random_part(rows, sd, b)
        cell = _Cell.at(rows.link, upper - eta, lower - eta)
        return float(cell.log_p.sum() - 0.5 * b @ b), cell

    height, cell = at(b)
    for _ in range(_MODE_STEPS):
        aa, ab, bb = cell.second()
        curvature = _Curvature.of(rows, sd, np.maximum(-(aa + 2 * ab + bb), 0.0))
        slope = scale * _by_level(rows, cell.slope) - b
        step = curvature.solve(slope)
        if slope @ step < 1e-18 * (1 + abs(height)):
            break
        size = 1.0
        while True:
            new_height, new_cell = at(b + size * step)
            if new_height >= height - 1e-10 * (1 + abs(height)) or size < 1e-6:
                break
            size /= 2
        b, height, cell = b + size * step, new_height, new_cell
    return b, cell, curvature


def _laplace(rows: Rows, b: Floats, cell: _Cell, curvature: _Curvature) -> _Explicit:
    value = float(cell.log_p.sum() - 0.5 * b @ b - 0.5 * curvature.log_det)
    sd = np.array([cell.slope @ b[place] for place in rows.places])
    return _Explicit(value, cell.slope, cell.a, -cell.b, sd, np.full(len(rows.y), -0.5), np.zeros(len(b)))


def _quadrature(rows: Rows, sd: Floats, upper: Floats, lower: Floats, b: Floats, curvature: _Curvature,
                points: int) -> _Explicit:
    """Nodes placed by mode and curvature of each level; derivatives are means over the posterior weights."""
    nodes, weights = np.polynomial.hermite.hermgauss(points)
    level = rows.factors[0]
    spread = 1 / np.sqrt(curvature.diagonal)
    t = b[:, None] + math.sqrt(2) * spread[:, None] * nodes
    eta = sd[0] * t[level]
    cell = _Cell.at(rows.link, upper[:, None] - eta, lower[:, None] - eta)

    def per_level(values: Floats) -> Floats:
        return np.stack([np.bincount(level, column, len(b)) for column in values.T], axis=1)

    heights = per_level(cell.log_p) - 0.5 * t**2 + np.log(weights) + nodes**2
    top = heights.max(axis=1)
    share = np.exp(heights - top[:, None])
    total = share.sum(axis=1)
    share /= total[:, None]
    value = float((top + np.log(total) + np.log(spread)).sum()) - 0.5 * len(b) * math.log(math.pi)
    tilt = share * (sd[0] * per_level(cell.slope) - t)
    log_h = -0.5 * (1 + math.sqrt(2) * spread * (tilt @ nodes))
    row_share = share[level]
    slope = row_share * cell.slope
    up, low = (row_share * cell.a).sum(axis=1), -(row_share * cell.b).sum(axis=1)
    by_sd = np.array([(slope * t[level]).sum()])
    return _Explicit(value, slope.sum(axis=1), up, low, by_sd, log_h[level], tilt.sum(axis=1))


def _gradient(
    rows: Rows, sd: Floats, b: Floats, cell: _Cell, curvature: _Curvature, explicit: _Explicit,
) -> Floats:
    """d value / d (tau, beta, s): the explicit part, log|H|, and the mode, which itself moves with theta."""
    (aa, ab, bb), (aaa, aab, abb, bbb) = cell.second(), cell.third()
    weights = np.maximum(-(aa + 2 * ab + bb), 0.0)
    by_upper, by_lower = -(aaa + 2 * aab + abb), -(aab + 2 * abb + bbb)  # derivatives of the weights
    covariances = curvature.covariances(rows, sd)
    pull = explicit.log_h * (sd @ covariances)
    by_eta = -pull * (by_upper + by_lower)
    u = curvature.solve(np.repeat(sd, rows.sizes) * _by_level(rows, by_eta) + explicit.mode)
    shift = _random_part(rows, sd, u)
    moved = by_eta - shift * weights
    eta = explicit.eta + moved
    up = explicit.upper + pull * by_upper - shift * (aa + ab)
    low = explicit.lower + pull * by_lower - shift * (ab + bb)
    k = rows.n_categories
    tau = np.bincount(rows.y, up, k)[:-1] + np.bincount(rows.y, low, k)[1:]
    trace = 2 * covariances @ (explicit.log_h * weights)
    scales = [moved @ b[place] + u[place] @ cell.slope for place in rows.places]
    return np.concatenate([tau, rows.x.T @ eta, explicit.sd + trace + np.array(scales)])
