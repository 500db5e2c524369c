"""Where the marginal likelihood of a cumulative mixed model is highest, and how sharply it falls there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit, ndtri

from arms_irr.statistics.laplace import Rows, marginal

__all__ = ["Peak", "maximise"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_AT_BOUNDARY = 2e-3  # a standard deviation below this is tried at 0
_NO_INFORMATION = 1e-7  # per rating, about standardised coefficients; .001 is already little
_ALL = 10.0  # a standard deviation beyond this many latent units: the factor decides the rating alone
_DIFFERENCE = 1e-4  # step of the central differences of the exact gradient
_DONE = 1e-10  # Newton decrement: distance to the maximum of 1e-5 standard errors
_NEWTON_STEPS = 8


@dataclass(frozen=True)
class Peak:
    """Estimates in the order (tau, beta, s), their covariance, and the modes of b (unit scale).

    The covariance has ``nan`` for a standard deviation at 0 and for a coefficient without a finite estimate.
    """

    theta: Floats
    covariance: Floats
    value: float
    modes: Floats
    variances: Floats
    converged: bool
    flags: tuple[str, ...]


def maximise(rows: Rows, points: int) -> Peak:
    """Fit by L-BFGS from the marginal shares, then Newton steps.

    A standard deviation near 0 is set to 0 and the others are fitted again. The fixed effects are
    standardised on the way, so units and offsets of covariates do not matter.
    """
    centre = rows.x.mean(axis=0)
    unit = rows.x.std(axis=0)
    scaled = replace(rows, x=(rows.x - centre) / unit)
    surface = _Surface(scaled, points)
    cuts, p = rows.n_categories - 1, rows.x.shape[1]
    free = np.ones(cuts + p + len(rows.sizes), dtype=bool)
    theta, information, converged = _climb(surface, _start(scaled), free, cuts)
    small = np.abs(theta[cuts + p:]) < _AT_BOUNDARY
    if small.any():
        free[cuts + p:] = ~small
        theta, information, converged = _climb(surface, np.where(free, theta, 0.0), free, cuts)
    theta[cuts + p:] = np.abs(theta[cuts + p:])
    back = np.eye(len(theta))
    back[:cuts, cuts:cuts + p] = centre / unit
    back[cuts:cuts + p, cuts:cuts + p] = np.diag(1 / unit)
    covariance, separated = _covariance(information, free, back, cuts + p, len(rows.y))
    separated |= bool((theta[cuts + p:] > _ALL).any())
    final = marginal(scaled, theta, surface.modes, points)
    found = {"boundary": small.any(), "separated": separated, "not-converged": not converged}
    flags = tuple(flag for flag, there in found.items() if there)
    return Peak(back @ theta, covariance, final.value, final.modes, final.variances, converged, flags)


class _Surface:
    """Log-likelihood and gradient as a function of theta; each mode is sought from the one before."""

    def __init__(self, rows: Rows, points: int):
        self.rows, self.points, self.modes = rows, points, np.zeros(sum(rows.sizes))

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):  # a wild step of the optimiser gives -inf or nan and is taken back
            at = marginal(self.rows, theta, self.modes, self.points)
        if not (np.isfinite(at.value) and np.isfinite(at.gradient).all()):
            return -1e10, np.zeros_like(theta)
        self.modes = at.modes
        return at.value, at.gradient


def _start(rows: Rows) -> Floats:
    """Thresholds of the marginal shares, no fixed effects, every standard deviation half a residual one."""
    shares = np.cumsum(np.bincount(rows.y, minlength=rows.n_categories))[:-1] / len(rows.y)
    tau = logit(shares) if rows.link == "logit" else ndtri(shares)
    sd = 0.9 if rows.link == "logit" else 0.5
    return np.concatenate([tau, np.zeros(rows.x.shape[1]), np.full(len(rows.sizes), sd)])


def _climb(surface: _Surface, theta: Floats, free: Mask, cuts: int) -> tuple[Floats, Floats, bool]:
    """Maximum over the free parameters, the information there, and whether it was reached."""
    theta = _ascend(surface, theta, free, cuts)
    value, gradient = surface(theta)
    for _ in range(_NEWTON_STEPS):
        information = _information(surface, theta, free)
        try:
            np.linalg.cholesky(information + _NO_INFORMATION * len(surface.rows.y) * np.eye(len(information)))
        except np.linalg.LinAlgError:
            return theta, information, False
        step = np.zeros_like(theta)
        step[free] = np.linalg.solve(information, gradient[free])
        gain = float(gradient @ step)
        if gain < _DONE:
            return theta, information, True
        size = 1.0
        while size > 1e-4:
            new = theta + size * step
            if (np.diff(new[:cuts]) > 0).all():
                new_value, new_gradient = surface(new)
                if new_value > value - 1e-9 * abs(value):
                    break
            size /= 2
        else:
            break
        theta, value, gradient = new, new_value, new_gradient
    return theta, information, gain < 1e-5


def _ascend(surface: _Surface, theta: Floats, free: Mask, cuts: int) -> Floats:
    """L-BFGS, with the logarithms of the threshold spacings so that thresholds stay in order."""
    from scipy.optimize import minimize

    def natural(inner: Floats) -> Floats:
        full = np.zeros_like(theta)
        full[free] = inner
        full[:cuts] = full[0] + np.concatenate([[0.0], np.cumsum(np.exp(full[1:cuts]))])
        return full

    def downhill(inner: Floats) -> tuple[float, Floats]:
        full = natural(inner)
        value, slope = surface(full)
        above = np.cumsum(slope[:cuts][::-1])[::-1]
        slope[:cuts] = above * np.concatenate([[1.0], np.diff(full[:cuts])])
        return -value, -slope[free]

    start = theta.copy()
    start[1:cuts] = np.log(np.diff(theta[:cuts]))
    limits = np.full(len(theta), 50.0)
    limits[1:cuts] = 10.0
    box = [(-limit, limit) for limit in limits[free]]
    found = minimize(downhill, start[free], jac=True, method="L-BFGS-B", bounds=box,
                     options={"maxiter": 500, "maxcor": 20, "gtol": 1e-4, "ftol": 1e-11})
    return natural(found.x)


def _information(surface: _Surface, theta: Floats, free: Mask) -> Floats:
    """Minus the Hessian of the free parameters, by central differences of the exact gradient."""
    columns = []
    for j in np.flatnonzero(free):
        up, down = theta.copy(), theta.copy()
        up[j], down[j] = theta[j] + _DIFFERENCE, theta[j] - _DIFFERENCE
        columns.append((surface(down)[1] - surface(up)[1])[free] / (2 * _DIFFERENCE))
    full = np.array(columns)
    return (full + full.T) / 2


def _covariance(information: Floats, free: Mask, back: Floats, linear: int, n: int) -> tuple[Floats, bool]:
    """Covariance in the units of the data, ``nan`` where there is none, and whether a direction is unbounded.

    A direction of thresholds and coefficients without information is one along which the likelihood levels
    off: what it moves has no estimate, and the rest is estimated as if it were known.
    """
    values, vectors = np.linalg.eigh(information[:linear, :linear])
    known = values > _NO_INFORMATION * n
    basis = np.zeros((len(free), int(known.sum()) + int(free[linear:].sum())))
    basis[:linear, : known.sum()] = vectors[:, known]
    basis[linear:, known.sum():] = np.eye(len(free) - linear)[:, free[linear:]]
    inner = basis @ np.linalg.pinv(basis[free].T @ information @ basis[free]) @ basis.T
    covariance = back @ inner @ back.T
    drift = np.abs(back[:, :linear] @ vectors[:, ~known])
    hopeless = ~free | (drift > 1e-3 * drift.max(axis=0, initial=0.0)).any(axis=1)
    covariance[hopeless] = covariance[:, hopeless] = np.nan
    return covariance, not bool(known.all())
