"""The rating model with a noise of its own for each band and kind of factor, fitted by penalised marginal likelihood.

Rater j reads factor f of case c as m = cell_cf + severity_j + extra_j [protective] + halo_jc and answers Low, Medium or High
as m + noise lies below -w_j, between, or above w_j, with w_j = h (1 + s_ct a_j). The scale is fixed by h; the thresholds'
log-normal spread is taken to first order, which keeps the log-likelihood concave in all effects. Cells follow their golds,
cell_cf = shift[b, t] + step (g - 1) + N(0, s_item^2), because cells without any prior that are integrated out pull the
noise upwards, and a cell in which all agree has no finite estimate. Cells and raters' effects are integrated out by
Laplace's method (Tierney & Kadane 1986, JASA 81:82-86); the standard deviations have half-normal priors on the log
scale, which keep them off 0 (Chung, Rabe-Hesketh, Dorie, Gelman & Liu 2013, Psychometrika 78:685-709).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr

__all__ = ["NAMES", "ScaleFit", "Table", "fit_scales"]

Floats = np.ndarray
NAMES = ("noise_lower_risk", "noise_lower_protective", "noise_higher_risk", "noise_higher_protective", "halo_lower", "halo_higher",
         "severity_sd", "protective_severity_sd", "threshold_sd", "ambiguity_sd")
LEVELS = ("shift_lower_risk", "shift_lower_protective", "shift_higher_risk", "shift_higher_protective", "step")
THRESHOLD = 0.8
_LEVEL, _LEVEL_SD = np.array([0.0, 0.0, 0.0, 0.0, 2 * THRESHOLD]), 2.0  # prior of LEVELS
_NOISE = 0.75  # of the logarithm of a noise
_WIDTHS = np.array([0.5, 0.5, 0.5, 0.5, 0.2, 0.5])  # of the half-normal priors, in the order of NAMES
_START = np.log(np.array([1.0, 1.0, 1.0, 1.0, 0.3, 0.3, 0.3, 0.3, 0.15, 0.3]))
_BOUNDS = [(-2.5, 1.8)] * 4 + [(-4.0, 1.0)] * 4 + [(-4.0, -0.7), (-4.0, 1.0)]
_AT_MODE = 1e-8  # Newton decrement: what a further step would add to the log-likelihood, twice
_ROOT_2PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, eq=False)
class Table:
    """Ratings (R, C, F) from 0 Low to 2 High, negative = none; golds (C, F); ``band`` (C,) and ``kind`` (F,) 0 or 1."""

    codes: np.ndarray
    gold: np.ndarray
    band: np.ndarray
    kind: np.ndarray

    def levels(self) -> Floats:
        """(C F, 5) how :data:`LEVELS` enter each cell; a cell without a gold counts as Medium."""
        place = (2 * self.band[:, None] + self.kind).ravel()
        return np.column_stack([np.eye(4)[place], np.where(self.gold < 0, 1, self.gold).ravel() - 1.0])


@dataclass(frozen=True, eq=False)
class ScaleFit:
    """Logarithms of :data:`NAMES`, and :data:`LEVELS`, with their covariances."""

    log_scales: Floats
    covariance: Floats
    levels: Floats
    levels_covariance: Floats
    converged: bool


def fit_scales(table: Table) -> ScaleFit:
    """The mode of the penalised marginal likelihood, and the curvature there."""
    surface = _Surface(table)
    found = minimize(surface, _START, method="L-BFGS-B", jac=surface.gradient, bounds=_BOUNDS,
                     options={"maxiter": 60, "ftol": 1e-9, "gtol": 1e-3})
    covariance = np.linalg.inv(_positive(_curvature(surface, found.x)))
    surface(found.x)
    return ScaleFit(found.x, covariance, *surface.levels(found.x), bool(found.success))


def _curvature(surface: _Surface, at: Floats, step: float = 0.02) -> Floats:
    """Second derivatives by central differences of the gradient."""
    rows = [(surface.gradient(at + step * e) - surface.gradient(at - step * e)) / (2 * step) for e in np.eye(len(at))]
    hessian = np.array(rows)
    return (hessian + hessian.T) / 2


def _positive(matrix: Floats) -> Floats:
    """The nearest matrix whose eigenvalues are at least those of a standard deviation of 1.5 on the log scale."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1 / 1.5**2)) @ vectors.T)


class _Surface:
    """Minus the penalised log-likelihood of the log scales; the effects are sought from where they were last."""

    def __init__(self, table: Table):
        self.table, self.given = table, table.codes >= 0
        raters, cases, factors = table.codes.shape
        self.effects = np.zeros((raters, 3 + cases))  # threshold, severity, extra on protective, halo of each case: unit scale
        self.x = table.levels()
        self.centre = self.x @ _LEVEL
        self.cells = self.centre.copy()
        self.schur = np.eye(cases * factors)

    def __call__(self, log_scales: Floats) -> float:
        scales = _Scales.of(self.table, log_scales)
        item = float(np.exp(log_scales[9]))
        # Of the cells with their levels integrated out: covariance item^2 I + x V x', inverted by Woodbury's identity.
        inner = np.eye(5) / _LEVEL_SD**2 + self.x.T @ self.x / item**2
        self.precision = np.eye(len(self.x)) / item**2 - self.x @ np.linalg.solve(inner, self.x.T) / item**4
        height, determinant = self._climb(scales)
        determinant += 2 * len(self.x) * log_scales[9] + np.linalg.slogdet(inner)[1]
        penalty = 0.5 * (log_scales[:4] @ log_scales[:4]) / _NOISE**2
        penalty += (0.5 * (np.exp(log_scales[4:]) / _WIDTHS) ** 2 - log_scales[4:]).sum()
        return float(-height + 0.5 * determinant + penalty)

    def gradient(self, log_scales: Floats, step: float = 1e-3) -> Floats:
        """By central differences."""
        return np.array([(self(log_scales + step * e) - self(log_scales - step * e)) / (2 * step) for e in np.eye(len(log_scales))])

    def levels(self, log_scales: Floats) -> tuple[Floats, Floats]:
        """Mean and covariance of :data:`LEVELS` at the scales of the last call."""
        item = float(np.exp(log_scales[9]))
        inner = np.linalg.inv(np.eye(5) / _LEVEL_SD**2 + self.x.T @ self.x / item**2)
        weights = inner @ self.x.T / item**2
        return weights @ self.cells + inner @ _LEVEL / _LEVEL_SD**2, inner + weights @ np.linalg.solve(self.schur, weights.T)

    def _climb(self, scales: _Scales) -> tuple[float, float]:
        """Newton's method to the mode of all effects: the height there and the log-determinant of the curvature."""
        # Thresholds must stay apart; effects left from larger scales may not keep them so.
        self.effects[:, 0] = np.maximum(self.effects[:, 0], -0.9 * THRESHOLD / scales.threshold)
        height, slopes = self._height(scales, self.effects, self.cells)
        for _ in range(50):
            blocks, border, own = _blocks(scales, slopes)
            self.schur = np.diag(own) + self.precision
            toward = scales.along(slopes.m, slopes.w) - self.effects
            pull = slopes.m.sum(0).ravel() - self.precision @ (self.cells - self.centre)
            solved = np.linalg.solve(blocks, np.concatenate([toward[..., None], border], -1))
            inner, cross = solved[..., 0], solved[..., 1:]
            self.schur -= border.reshape(-1, border.shape[-1]).T @ cross.reshape(-1, border.shape[-1])
            cells = np.linalg.solve(self.schur, pull - np.einsum("jdk,jd->k", border, inner))
            effects = inner - cross @ cells
            if float(pull @ cells + (toward * effects).sum()) < _AT_MODE:
                break
            room = (THRESHOLD + scales.threshold * self.effects[:, 0]) / np.maximum(-scales.threshold * effects[:, 0], 1e-12)
            size = min(1.0, 0.9 * float(room.min()))
            while size > 1e-6:
                moved = self.effects + size * effects, self.cells + size * cells
                new, at = self._height(scales, *moved)
                if new >= height - 1e-9 * (1 + abs(height)):
                    break
                size /= 2
            else:
                break
            (self.effects, self.cells), height, slopes = moved, new, at
        return height, float(np.linalg.slogdet(blocks)[1].sum() + np.linalg.slogdet(self.schur)[1])

    def _height(self, scales: _Scales, effects: Floats, cells: Floats) -> tuple[float, _Slopes]:
        off = cells - self.centre
        slopes = _Slopes.at(self.table.codes, self.given, scales, effects, cells.reshape(self.table.codes.shape[1:]))
        return slopes.total - 0.5 * float((effects**2).sum()) - 0.5 * float(off @ self.precision @ off), slopes


@dataclass(frozen=True, eq=False)
class _Scales:
    """What one unit of each effect does: noise (C, F), halo (C,), and the factors' share in the protective effect (F,)."""

    noise: Floats
    halo: Floats
    severity: float
    protective: Floats
    threshold: float

    @classmethod
    def of(cls, table: Table, log_scales: Floats) -> _Scales:
        s = np.exp(log_scales)
        return cls(s[:4].reshape(2, 2)[np.ix_(table.band, table.kind)], s[4:6][table.band], float(s[6]), s[7] * (table.kind == 1),
                   float(THRESHOLD * s[8]))

    def readings(self, effects: Floats, cells: Floats) -> tuple[Floats, Floats]:
        """m (R, C, F) and w (R, 1, 1)."""
        own = self.severity * effects[:, 1, None, None] + effects[:, 2, None, None] * self.protective
        return cells + own + (self.halo * effects[:, 3:])[..., None], THRESHOLD + self.threshold * effects[:, :1, None]

    def along(self, m: Floats, w: Floats) -> Floats:
        """Slopes in the effects from the slopes in m and w."""
        by_case = m.sum(-1)
        return np.concatenate([self.threshold * w.sum((1, 2))[:, None], self.severity * by_case.sum(1)[:, None],
                               (m @ self.protective).sum(1)[:, None], self.halo * by_case], 1)


@dataclass(frozen=True, eq=False)
class _Slopes:
    """Log-likelihood, its slopes in m and w, and minus its second derivatives; (R, C, F), 0 without a rating."""

    total: float
    m: Floats
    w: Floats
    mm: Floats
    mw: Floats
    ww: Floats

    @classmethod
    def at(cls, codes: np.ndarray, given: np.ndarray, scales: _Scales, effects: Floats, cells: Floats) -> _Slopes:
        m, w = scales.readings(effects, cells)
        sigma = scales.noise
        upper = np.where(codes == 2, np.inf, (np.where(codes == 0, -w, w) - m) / sigma)
        lower = np.where(codes == 0, -np.inf, (np.where(codes == 2, w, -w) - m) / sigma)
        # In the tail that is nearer to 0, so that neither difference loses its digits.
        flip = lower + upper > 0
        hi, lo = np.where(flip, -lower, upper), np.where(flip, -upper, lower)
        top = log_ndtr(hi)
        with np.errstate(divide="ignore"):
            log_p = top + np.log1p(-np.exp(np.minimum(log_ndtr(lo) - top, -1e-14)))
        fu, fl = (np.where(np.isinf(x), 0.0, x) for x in (upper, lower))
        # Density at each cut over the probability; of a wild trial step it may be cut, since that step is taken back.
        a, b = (np.where(np.isinf(x), 0.0, np.exp(np.minimum(-0.5 * f * f - _ROOT_2PI - log_p, 300.0)))
                for x, f in ((upper, fu), (lower, fl)))
        uu, ll, ul = -fu * a - a * a, fl * b - b * b, a * b
        # dw moves the upper cut up and the lower one down; for the ends only one of them is there.
        du, dl = np.where(codes == 0, -1.0, 1.0), np.where(codes == 2, 1.0, -1.0)
        known = given / sigma
        return cls(float(log_p[given].sum()), (b - a) * known, (a * du - b * dl) * known, -(uu + 2 * ul + ll) * known / sigma,
                   (uu * du + ul * (du + dl) + ll * dl) * known / sigma, -(uu + 2 * ul * du * dl + ll) * known / sigma)


def _blocks(scales: _Scales, s: _Slopes) -> tuple[Floats, Floats, Floats]:
    """Curvature: blocks of the raters (R, D, D), their border with the cells (R, D, C F), and the cells' own diagonal (C F,)."""
    raters, cases, factors = s.mm.shape
    depth = 3 + cases
    border = np.zeros((raters, depth, cases, factors))
    border[:, 0] = scales.threshold * s.mw
    border[:, 1] = scales.severity * s.mm
    border[:, 2] = scales.protective * s.mm
    every = np.arange(cases)
    border[:, 3 + every, every] = scales.halo[:, None] * s.mm
    blocks = np.zeros((raters, depth, depth))
    blocks[:, 0, 0] = scales.threshold**2 * s.ww.sum((1, 2))
    for row in (0, 1, 2):
        effect = border[:, row]
        blocks[:, row, 1] = scales.severity * effect.sum((1, 2))
        blocks[:, row, 2] = (effect @ scales.protective).sum(1)
        blocks[:, row, 3:] = scales.halo * effect.sum(-1)
    blocks[:, 3 + every, 3 + every] = scales.halo**2 * s.mm.sum(-1)
    upper = np.triu(blocks)
    blocks = upper + np.swapaxes(np.triu(blocks, 1), 1, 2) + np.eye(depth)
    return blocks, border.reshape(raters, depth, -1), s.mm.sum(0).ravel()
