"""Variance components of ratings: REML for subjects crossed with raters, however many are missing.

Model: y_ij = mean + subject_i + rater_j + error_ij, with independent normal effects (Searle, Casella &
McCulloch 1992, ch. 6). One rating per rater and subject leaves their interaction inside the error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

__all__ = [
    "Components", "Quadratics", "pivotal_draws", "profile_deviance", "profile_limits", "quadratics",
    "reml_crossed", "reml_oneway",
]  # fmt: skip

Floats = NDArray[np.float64]

_NO_RESIDUAL = 1e-13  # share of the total sum of squares below which the residual is rounding


@dataclass(frozen=True)
class Components:
    """Variance components in squared units of the ratings.

    ``deviance`` is the REML criterion as lme4 prints it: -2 log restricted likelihood, without the constant
    log |X'X| of textbooks; ``-inf`` when the effects reproduce every rating and the residual is 0. In a
    one-way model ``rater`` is ``nan``.
    """

    subject: float
    rater: float
    residual: float
    mean: float
    deviance: float
    converged: bool


@dataclass(frozen=True)
class Quadratics:
    """Henderson's method III on the design at hand: each factor adjusted for the other, and the residual.

    For a factor with variance v and the residual variance e, its sum of squares has the expectation
    v ``trace`` + e ``df`` and the variance 2 (v^2 ``trace2`` + 2 v e ``trace`` + e^2 ``df``).
    """

    subject_ss: float
    subject_df: int
    subject_trace: float
    subject_trace2: float
    rater_ss: float
    rater_df: int
    rater_trace: float
    rater_trace2: float
    residual_ss: float
    residual_df: int


@dataclass(frozen=True)
class _Sums:
    """What the likelihood needs: ``counts`` (p, q) of ratings per cell, and sums of the centred ratings."""

    counts: Floats
    rows: Floats  # (p,)
    columns: Floats  # (q,)
    square: float
    n: int

    @property
    def transposed(self) -> _Sums:
        return _Sums(self.counts.T, self.columns, self.rows, self.square, self.n)


def reml_crossed(y: ArrayLike, subject: ArrayLike, rater: ArrayLike) -> Components:
    """REML components of subjects crossed with raters; any cells may be missing or repeated.

    Parameters
    ----------
    y : (N,) ratings, no missing values
    subject, rater : (N,) integer codes from 0 to n - 1 and from 0 to R - 1, each code used

    Returns
    -------
    Components
        At the maximum of the restricted likelihood; a component at the boundary is exactly 0.

    Notes
    -----
    The larger factor is eliminated analytically (its covariance is block-diagonal per level; Woodbury), so
    the work per step is one dense solve in the smaller factor: hundreds of subjects by thousands of
    raters are fine. When every rating is reproduced by subject and rater effects with degrees of freedom to
    spare, the likelihood has no maximum; the components are then the limit for a vanishing residual: the
    variances of the effects themselves, within the connected parts of the design.

    At least one subject must have two raters and one rater two subjects, or the model is not identified:
    see ``rater_df`` and ``subject_df`` of :func:`quadratics`.
    """
    return _reml(*_sums(y, subject, rater), ((True, True), (True, False), (False, True)))


def reml_oneway(y: ArrayLike, subject: ArrayLike) -> Components:
    """REML components of raters nested in subjects, unequal numbers allowed; arguments as ``reml_crossed``.

    Whoever rated, differences between raters are part of ``residual``, and ``rater`` is ``nan``. The matching
    ``quadratics`` are those with the same rater code everywhere.
    """
    sums, centre = _sums(y, subject, np.zeros(np.size(y), dtype=np.int64))
    return replace(_reml(sums, centre, ((True, False),)), rater=math.nan)


def quadratics(y: ArrayLike, subject: ArrayLike, rater: ArrayLike) -> Quadratics:
    """Sums of squares, degrees of freedom and traces of Henderson's method III (arguments: ``reml_crossed``).

    ``rater_df`` is 0 when no subject has two raters, ``subject_df`` when no rater has two subjects.
    """
    return _quadratics(_sums(y, subject, rater)[0])


def pivotal_draws(
    fit: Components, parts: Quadratics, samples: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Draws of (subject, rater, residual) that say how far the components may lie from the fit.

    Generalised pivotal quantities on the design at hand: each sum of squares is held at the value the fit
    expects and divided by a simulated chi-square over its degrees of freedom; the triangular system of
    expectations then gives the components, negative ones cut at 0 (Weerahandi 1993; Burdick, Borror &
    Montgomery 2005). A sum of squares of an unbalanced design is a mixture of chi-squares: it is matched by
    one with the same mean and variance (Satterthwaite 1946), so the work does not grow with the design. In
    a balanced one-way design this is the F interval.

    Parameters
    ----------
    fit : Components, with a positive residual; ``rater`` may be ``nan`` (one-way), and stays so
    parts : Quadratics of the same ratings, with ``residual_df`` > 0
    samples, seed : number of draws and seed of ``numpy.random.default_rng``

    Returns
    -------
    three arrays (samples,)
    """
    rng = np.random.default_rng(seed)
    error = fit.residual * parts.residual_df / rng.chisquare(parts.residual_df, samples)

    def draw(variance: float, df: int, trace: float, trace2: float) -> Floats:
        expected = variance * trace + fit.residual * df
        spread = variance**2 * trace2 + 2 * variance * fit.residual * trace + fit.residual**2 * df
        effective = expected**2 / spread
        square = expected * effective / rng.chisquare(effective, samples)
        return np.asarray(np.maximum((square - df * error) / trace, 0.0))

    subject = draw(fit.subject, parts.subject_df, parts.subject_trace, parts.subject_trace2)
    if math.isnan(fit.rater):
        return subject, np.full(samples, math.nan), error
    return subject, draw(fit.rater, parts.rater_df, parts.rater_trace, parts.rater_trace2), error


def profile_deviance(
    y: ArrayLike, subject: ArrayLike, rater: ArrayLike, kind: str, k: float
) -> Callable[[float], float]:
    """The REML criterion as a function of the ICC (0 <= ICC < 1), minimised over the other component.

    ``kind`` is ``agreement``, ``consistency`` or ``oneway``, ``k`` the number of ratings averaged. With the
    ratios s and r of the subject and rater variances to the error, the ICC is s / (s + (1 + r) / k), without
    r unless raters are to agree.
    """
    from scipy.optimize import minimize_scalar

    sums, _ = _sums(y, subject, np.zeros(np.size(y), dtype=np.int64) if kind == "oneway" else rater)
    flip = sums.counts.shape[0] > sums.counts.shape[1]
    kernel = sums.transposed if flip else sums

    def deviance(rho: float) -> float:
        odds = rho / (1 - rho) / k

        def at(log_rater: float) -> float:
            rater = math.exp(log_rater) if log_rater > -30 else 0.0
            pair = odds * (1 + (rater if kind == "agreement" else 0.0)), rater
            return _criterion(kernel, *(pair[::-1] if flip else pair))[0]

        if kind == "oneway":
            return at(-math.inf)
        found = minimize_scalar(at, bounds=(-12, 14), method="bounded", options={"xatol": 1e-7})
        return float(min(found.fun, at(-math.inf)))

    return deviance


def profile_limits(
    fit: Components, y: ArrayLike, subject: ArrayLike, rater: ArrayLike, kind: str, k: float, level: float
) -> tuple[float, float]:
    """Where the profile of the restricted likelihood falls by half the chi-square (1 df) quantile.

    Arguments as in :func:`profile_deviance`, and the REML fit. The lower limit is 0 where the profile does
    not fall so far (a component cannot be negative).
    """
    from scipy.optimize import brentq

    profile = profile_deviance(y, subject, rater, kind, k)
    noise = fit.residual + (fit.rater if kind == "agreement" else 0.0)
    value = fit.subject / (fit.subject + noise / k)
    bound = fit.deviance + float(ndtri((1 + level) / 2)) ** 2

    def excess(rho: float) -> float:
        return profile(rho) - bound

    low = brentq(excess, 0.0, value, xtol=1e-9) if value > 0 and excess(0.0) > 0 else 0.0
    top = 1 - 1e-9
    high = brentq(excess, value, top, xtol=1e-9) if excess(top) > 0 else 1.0
    return float(low), float(high)


def _sums(y: ArrayLike, rows: ArrayLike, columns: ArrayLike) -> tuple[_Sums, float]:
    values = np.asarray(y, dtype=np.float64)
    i, j = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
    p, q = int(i.max()) + 1, int(j.max()) + 1
    centre = float(values.mean())
    values = values - centre  # sums of squares of raw ratings would lose digits to a large mean
    counts = np.bincount(i * q + j, minlength=p * q).reshape(p, q).astype(np.float64)
    row_sums: Floats = np.bincount(i, values, p).astype(np.float64)
    column_sums: Floats = np.bincount(j, values, q).astype(np.float64)
    return _Sums(counts, row_sums, column_sums, float(values @ values), values.size), centre


def _quadratics(sums: _Sums) -> Quadratics:
    if sums.counts.shape[0] > sums.counts.shape[1]:  # eigenvalues are cheap on the smaller side only
        s = _quadratics(sums.transposed)
        return Quadratics(
            s.rater_ss, s.rater_df, s.rater_trace, s.rater_trace2,
            s.subject_ss, s.subject_df, s.subject_trace, s.subject_trace2, s.residual_ss, s.residual_df,
        )  # fmt: skip
    counts, n_row, n_column = sums.counts, sums.counts.sum(1), sums.counts.sum(0)
    adjusted = np.diag(n_row) - (counts / n_column) @ counts.T
    values, vectors = np.linalg.eigh(adjusted)
    kept = values > 1e-9 * n_row.max()
    rank = int(kept.sum())  # number of rows minus the number of connected parts
    score = vectors[:, kept].T @ (sums.rows - counts @ (sums.columns / n_column))
    row_ss = float(np.sum(score**2 / values[kept]))
    rows_alone = float(np.sum(sums.rows**2 / n_row))
    columns_alone = float(np.sum(sums.columns**2 / n_column))
    column_df = n_column.size - (n_row.size - rank)
    own = counts**2 / n_row[:, None]
    product = counts @ counts.T / np.sqrt(np.outer(n_row, n_row))
    return Quadratics(
        subject_ss=row_ss,
        subject_df=rank,
        subject_trace=float(np.trace(adjusted)),
        subject_trace2=float(np.sum(adjusted**2)),
        rater_ss=max(row_ss + columns_alone - rows_alone, 0.0),
        rater_df=column_df,
        rater_trace=float(sums.n - own.sum()),
        rater_trace2=float(np.sum(n_column**2) - 2 * own.sum(0) @ n_column + np.sum(product**2)),
        residual_ss=max(sums.square - columns_alone - row_ss, 0.0),
        residual_df=sums.n - n_row.size - column_df,
    )


def _reml(sums: _Sums, centre: float, models: tuple[tuple[bool, bool], ...]) -> Components:
    if sums.square <= 1e-28 * sums.n * centre**2:  # equal ratings
        return Components(0.0, 0.0, 0.0, centre, -math.inf, True)
    parts = _quadratics(sums)
    if parts.residual_df > 0 and parts.residual_ss <= _NO_RESIDUAL * sums.square:
        subject, rater, mean = _without_residual(sums)
        return Components(subject, rater, 0.0, centre + mean, -math.inf, True)
    error = parts.residual_ss / parts.residual_df if parts.residual_df else sums.square / sums.n
    start = np.array([
        (parts.subject_ss / error - parts.subject_df) / max(parts.subject_trace, 1.0),
        (parts.rater_ss / error - parts.rater_df) / max(parts.rater_trace, 1.0),
    ])  # fmt: skip
    start = np.log(np.clip(start, 1e-2, 1e6))
    flip = sums.counts.shape[0] > sums.counts.shape[1]
    kernel = sums.transposed if flip else sums

    def criterion(ratios: Floats) -> tuple[float, Floats, float, float]:
        deviance, slope, error, mean = _criterion(kernel, *(ratios[::-1] if flip else ratios))
        return deviance, slope[::-1] if flip else slope, error, mean

    best, converged = np.zeros(2), True  # no effects at all is the first candidate
    for free in models:
        ratios, settled = _minimise(criterion, start, np.array(free))
        vanishing = ratios[np.array(free)].min() < 1e-8  # then the model without this effect is better
        if not vanishing and criterion(ratios)[0] < criterion(best)[0]:
            best, converged = ratios, settled
    deviance, _, error, mean = criterion(best)
    return Components(
        float(best[0]) * error, float(best[1]) * error, error, centre + mean, deviance, converged
    )


def _criterion(sums: _Sums, small: float, large: float) -> tuple[float, Floats, float, float]:
    """REML criterion, its slopes in the two variance ratios, and the error variance and mean profiled out.

    ``small`` and ``large`` are the variances of row and column effects relative to the error. With H the
    relative covariance, columns are eliminated first: T = Z'MZ of the rows, M = (I + large ZZ')^-1 of the
    columns, so that log |H| = sum log(1 + large n_j) + log |I + small T|.
    """
    counts, n_row, n_column = sums.counts, sums.counts.sum(1), sums.counts.sum(0)
    shrink = 1 / (1 + large * n_column)
    weight = large * shrink
    t = np.diag(n_row) - (counts * weight) @ counts.T
    t_y = sums.rows - counts @ (weight * sums.columns)
    t_1 = n_row - counts @ (weight * n_column)
    inner = np.eye(n_row.size) + small * t
    solved = np.linalg.solve(inner, np.column_stack([t_y, t_1, t, (counts * shrink**2) @ counts.T]))
    g_y, g_1, g_t, g_f = solved[:, 0], solved[:, 1], *np.hsplit(solved[:, 2:], 2)
    weighted = weight * sums.columns
    one_one = sums.n - weight @ n_column**2 - small * (t_1 @ g_1)
    one_y = -weighted @ n_column - small * (t_1 @ g_y)  # the ratings are centred: they sum to 0
    y_y = sums.square - weighted @ sums.columns - small * (t_y @ g_y)
    mean, df = one_y / one_one, sums.n - 1
    rss = max(y_y - one_y * mean, 1e-15 * sums.square)
    log_det = np.log1p(large * n_column).sum() + np.linalg.slogdet(inner)[1]
    deviance = log_det + math.log(one_one) + df * (1 + math.log(2 * math.pi * rss / df))
    # slope = tr(Z'PZ) - df |Z'Py|^2 / y'Py for each factor
    row_1, row_y = g_1, g_y - mean * g_1
    column_1 = shrink * (n_column - small * (counts.T @ g_1))
    column_y = shrink * (sums.columns - small * (counts.T @ g_y)) - mean * column_1
    row_trace = np.trace(g_t) - row_1 @ row_1 / one_one
    column_trace = n_column @ shrink - small * np.trace(g_f) - column_1 @ column_1 / one_one
    row_slope = row_trace - df * (row_y @ row_y) / rss
    column_slope = column_trace - df * (column_y @ column_y) / rss
    return float(deviance), np.array([row_slope, column_slope]), float(rss / df), float(mean)


def _minimise(
    criterion: Callable[[Floats], tuple[float, Floats, float, float]], start: Floats, free: NDArray[np.bool_]
) -> tuple[Floats, bool]:
    """Minimum over the logarithms of the free ratios, the others being 0: quasi-Newton, then Newton."""
    from scipy.optimize import minimize

    def ratios(logs: Floats) -> Floats:
        full = np.zeros(2)
        full[free] = np.exp(logs)
        return full

    def objective(logs: Floats) -> tuple[float, Floats]:
        deviance, slope, _, _ = criterion(ratios(logs))
        return deviance, slope[free] * np.exp(logs)

    bounds = [(-25.0, 25.0)] * int(free.sum())
    found = minimize(objective, start[free], jac=True, method="L-BFGS-B", bounds=bounds)
    logs = np.asarray(found.x, dtype=np.float64)
    for _ in range(10):  # the criterion is flat at its minimum, its slope is not: polish on the slope
        h = 1e-4 * np.eye(logs.size)
        curvature = np.array([(objective(logs + d)[1] - objective(logs - d)[1]) / 2e-4 for d in h])
        if logs.min() < -20 or logs.max() > 24 or np.linalg.eigvalsh(curvature + curvature.T).min() <= 0:
            return ratios(logs), bool(found.success)  # at the edge, where there is nothing to polish
        step = np.clip(np.linalg.solve(curvature, objective(logs)[1]), -1, 1)
        logs = logs - step
        if np.abs(step).max() < 1e-10:
            return ratios(logs), True
    return ratios(logs), bool(np.abs(step).max() < 1e-6)


def _without_residual(sums: _Sums) -> tuple[float, float, float]:
    """Variances of effects that reproduce the ratings: within connected parts, and the mean."""
    if sums.counts.shape[0] > sums.counts.shape[1]:
        columns, rows, mean = _without_residual(sums.transposed)
        return rows, columns, mean
    counts, n_column = sums.counts, sums.counts.sum(0)
    adjusted = np.diag(counts.sum(1)) - (counts / n_column) @ counts.T
    row = np.linalg.pinv(adjusted, hermitian=True) @ (sums.rows - counts @ (sums.columns / n_column))
    column = (sums.columns - counts.T @ row) / n_column
    part = np.arange(row.size)  # label of the connected part of each row
    linked = counts @ counts.T > 0
    for _ in range(row.size):
        part = np.where(linked, part, row.size).min(axis=1)
    of_column = part[np.argmax(counts > 0, axis=0)]

    def pooled(effects: Floats, labels: NDArray[np.int64]) -> float:
        sizes = np.bincount(labels, minlength=row.size)
        means = np.bincount(labels, effects, row.size) / np.maximum(sizes, 1)
        df = effects.size - int(np.sum(sizes > 0))
        return float(np.sum((effects - means[labels]) ** 2) / df) if df else 0.0

    return pooled(row, part), pooled(column, of_column), float(row.mean() + column.mean())
