"""Variance components of any number of crossed and nested random effects by REML, missing cells or not.

Model: y = X b + sum over k of Z_k u_k + e, u_k ~ N(0, v_k I), e ~ N(0, v I) (Searle, Casella & McCulloch
1992, ch. 6). With H = I + sum g_k Z_k Z_k', g_k = v_k / v, and P = H^-1 - H^-1 X (X'H^-1 X)^-1 X'H^-1, the
restricted likelihood needs H only through cross-products of the few columns that are not nested in one
chosen factor, the pivot. Take the raters as pivot: a rater, her reading of each case and of each factor
are one small block; blocks of different raters share no rating. Blocks are eliminated together by batched
dense algebra, cases and factors remain: no sparse-matrix library is needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arms_irr.errors import ArgumentError

__all__ = ["Mixed", "reml"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_NO_RESIDUAL = 1e-10  # share of the sum of squares below which what is left is rounding


@dataclass(frozen=True)
class Mixed:
    """A REML fit.

    Attributes
    ----------
    components : dict
        Variance of each factor, in the order given, then ``residual``; at the boundary exactly 0.
    information : (K + 1, K + 1) array
        Average information of the components in this order (Gilmour, Thompson & Cullis 1995). In a balanced
        design with positive components it is the expected information.
    fixed, fixed_se : (p,) arrays
        Coefficients of ``X`` and their standard errors, variances taken as known.
    deviance : float
        -2 log restricted likelihood as lme4 prints it (without log |X'X|); ``-inf`` when the effects
        reproduce every rating. The components are then ``nan``; all 0 when the fixed part alone does.
    iterations : int
    converged : bool
    """

    components: dict[str, float]
    information: Floats
    fixed: Floats
    fixed_se: Floats
    deviance: float
    iterations: int
    converged: bool


def reml(y: ArrayLike, factors: Mapping[str, ArrayLike], fixed: ArrayLike | None = None) -> Mixed:
    """REML variance components of crossed and nested random intercepts.

    Parameters
    ----------
    y : (N,) ratings, no missing values
    factors : mapping of name to (N,) labels
        Each random factor, interactions included as factors of their own (labels of the combination).
        The order does not matter.
    fixed : (N, p) array, optional
        Columns of the fixed part, of full rank; without it a constant.

    Returns
    -------
    Mixed

    Raises
    ------
    ArgumentError
        A factor with a single level, with a level per rating (that is the residual), or the same grouping as
        another; a fixed part without full column rank; lengths that differ; values that are not finite.

    Notes
    -----
    Damped Newton steps on the average information in the variance ratios, projected at 0; the gradient is
    exact, also at 0, so a component at the boundary is exactly 0 and satisfies the Kuhn-Tucker condition.
    Work per step: with L levels of the factors that are not nested in the pivot and B levels in all blocks,
    about 3 B L^2 + L^3; memory 3 B L numbers.
    """
    values, x, codes = _checked(y, factors, fixed)
    start = np.asarray(np.linalg.lstsq(x, values, rcond=None)[0], dtype=np.float64)
    noise = values.size * (8 * np.finfo(np.float64).eps * float(np.abs(values).max())) ** 2
    values = values - x @ start  # a large mean would cost digits
    if values @ values <= noise:
        none = dict.fromkeys([*codes, "residual"], 0.0)
        return Mixed(none, np.full((len(none), len(none)), np.nan), start, 0 * start, -math.inf, 0, True)
    system = _System.of(values, x, list(codes.values()))
    ratios, state, iterations, converged = _climb(system)
    error = state.rss / system.df
    components = dict(zip(codes, (ratios * error).tolist(), strict=True)) | {"residual": error}
    deviance = state.deviance
    if state.rss <= _NO_RESIDUAL * float(values @ values):
        components, deviance = dict.fromkeys(components, math.nan), -math.inf
    return Mixed(
        components, _information(ratios, state, error), start + state.fixed,
        np.sqrt(error * state.fixed_variance), deviance, iterations, converged,
    )  # fmt: skip


def _checked(
    y: ArrayLike, factors: Mapping[str, ArrayLike], fixed: ArrayLike | None
) -> tuple[Floats, Floats, dict[str, Codes]]:
    values = np.asarray(y, dtype=np.float64)
    n = values.size
    x = np.ones((n, 1)) if fixed is None else np.asarray(fixed, dtype=np.float64)
    if (
        values.ndim != 1
        or x.ndim != 2
        or len(x) != n
        or not (np.isfinite(values).all() and np.isfinite(x).all())
    ):
        raise ArgumentError(
            f"ratings of shape {values.shape} and a fixed part of shape {x.shape} do not make a model: "
            "give one finite number per rating and one row of finite numbers for each."
        )
    if n <= x.shape[1] or np.linalg.matrix_rank(x) < x.shape[1]:
        raise ArgumentError(
            f"the {x.shape[1]} fixed columns are not independent over {n} ratings: "
            "drop those that repeat others."
        )
    codes: dict[str, Codes] = {}
    for name, labels in factors.items():
        if np.shape(labels) != (n,):
            raise ArgumentError(f"factor {name!r} has shape {np.shape(labels)}, but there are {n} ratings.")
        codes[name] = np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int64)
        levels = int(codes[name].max()) + 1
        if levels in (1, n):
            what = (
                "a single level" if levels == 1 else "a level for every rating, which is what the residual is"
            )
            raise ArgumentError(f"factor {name!r} has {what}: leave it out.")
        for other in list(codes)[:-1]:
            if _pairs(codes[name], codes[other]) == levels == int(codes[other].max()) + 1:
                raise ArgumentError(f"factors {other!r} and {name!r} group the ratings alike: leave one out.")
    if not codes:
        raise ArgumentError("no random factor is given: name at least one.")
    return values, x, codes


def _pairs(a: Codes, b: Codes) -> int:
    """How many combinations of two factors occur."""
    return int(np.unique(a * (int(b.max()) + 1) + b).size)


@dataclass(frozen=True)
class _System:
    """Cross-products of the block columns A, and of the remaining columns: B of factors, X, then y.

    ``aa`` (G, b, b) and ``ac`` (G, b, m) with a row for each of at most b effects in each of G blocks, ``cc``
    (m, m). ``a_factor`` (G, b) and ``b_factor`` (L,) say which factor a column belongs to; -1 is padding.
    """

    aa: Floats
    ac: Floats
    cc: Floats
    a_factor: Codes
    b_factor: Codes
    df: int
    factors: int

    @classmethod
    def of(cls, y: Floats, x: Floats, codes: list[Codes]) -> _System:
        pivot, inside = _pivot(codes)
        block = codes[pivot]
        blocks = int(block.max()) + 1
        width, rows, a_factor = 0, {}, []
        for k in inside:
            place, sizes = _places(_owner(codes[k], block))
            rows[k] = width + place[codes[k]]
            a_factor.append(np.where(np.arange(sizes.max()) < sizes[:, None], k, -1))
            width += int(sizes.max())
        flat = {k: block * width + place for k, place in rows.items()}
        outside = [k for k in range(len(codes)) if k not in inside]
        columns, first = {}, 0
        for k in outside:
            columns[k] = first + codes[k]
            first += int(codes[k].max()) + 1
        dense = np.column_stack([x, y])
        m = first + dense.shape[1]
        aa, ac, cc = np.zeros(blocks * width**2), np.zeros((blocks * width, m)), np.zeros((m, m))
        for k in inside:
            for j in inside:
                aa += np.bincount(flat[k] * width + rows[j], minlength=aa.size)
            for j in outside:
                ac += np.bincount(flat[k] * m + columns[j], minlength=ac.size).reshape(ac.shape)
            for i, column in enumerate(dense.T):
                ac[:, first + i] += np.bincount(flat[k], column, len(ac))
        for k in outside:
            for j in outside:
                cc += np.bincount(columns[k] * m + columns[j], minlength=m * m).reshape(m, m)
            for i, column in enumerate(dense.T):
                cc[:, first + i] += np.bincount(columns[k], column, m)
        cc[first:, :first] = cc[:first, first:].T
        cc[first:, first:] = dense.T @ dense
        b_factor = np.repeat(outside, [int(codes[k].max()) + 1 for k in outside]).astype(np.int64)
        return cls(
            aa.reshape(blocks, width, width), ac.reshape(blocks, width, m), cc,
            np.hstack(a_factor), b_factor, y.size - x.shape[1], len(codes),
        )  # fmt: skip


def _pivot(codes: list[Codes]) -> tuple[int, list[int]]:
    """The factor whose blocks leave the cheapest system, and the factors nested in it."""
    levels = [int(c.max()) + 1 for c in codes]
    best = math.inf, 0, [0]
    for p, block in enumerate(codes):
        inside = [k for k, c in enumerate(codes) if _pairs(c, block) == levels[k]]
        rest = 1.0 + sum(levels) - sum(levels[k] for k in inside)
        width = sum(int(np.bincount(_owner(codes[k], block)).max()) for k in inside)
        cost = rest**3 + levels[p] * (width**3 + width**2 * rest + width * rest**2)
        best = min(best, (cost, p, inside))
    return best[1], best[2]


def _owner(codes: Codes, block: Codes) -> Codes:
    """The block of each level of a factor nested in blocks."""
    owner = np.zeros(int(codes.max()) + 1, dtype=np.int64)
    owner[codes] = block
    return owner


def _places(owner: Codes) -> tuple[Codes, Codes]:
    """Number of each level within its block, and how many levels each block holds."""
    sizes = np.bincount(owner)
    order = np.argsort(owner, kind="stable")
    place = np.empty_like(owner)
    place[order] = np.arange(owner.size) - (np.cumsum(sizes) - sizes)[owner[order]]
    return place, sizes


@dataclass(frozen=True)
class _State:
    """The criterion at given ratios: ``slope`` and ``curvature`` are its derivatives in them.

    ``squares`` holds |Z_k'Py|^2 and ``cross`` the y'P K_k P K_l P y, K_k = Z_k Z_k'.
    """

    deviance: float
    slope: Floats
    curvature: Floats
    rss: float
    squares: Floats
    cross: Floats
    fixed: Floats
    fixed_variance: Floats


def _evaluate(s: _System, ratios: Floats) -> _State:
    """Profiled REML criterion; relative covariance H throughout, error variance y'Py / df."""
    a_root = np.sqrt(np.where(s.a_factor < 0, 0.0, ratios[s.a_factor]))
    b_root = np.sqrt(ratios[s.b_factor])
    width, n_b, m = s.aa.shape[1], s.b_factor.size, s.cc.shape[0]
    root = np.linalg.cholesky(np.eye(width) + a_root[:, :, None] * s.aa * a_root[:, None, :])
    reduced = np.linalg.solve(root, a_root[:, :, None] * np.concatenate([s.aa, s.ac], axis=2))
    aa, ac = reduced[:, :, :width], reduced[:, :, width:]
    flat = ac.reshape(-1, m)
    r = s.cc - flat.T @ flat  # C'(I + A G A')^-1 C
    a_kernel = s.aa - aa.transpose(0, 2, 1) @ aa  # A'(I + A G A')^-1 A
    q = (s.ac - aa.transpose(0, 2, 1) @ ac).reshape(-1, m)  # A'(I + A G A')^-1 C
    scale = np.r_[b_root, np.ones(m - 1 - n_b)]
    outer = scale[:, None] * r[:-1, :-1] * scale
    outer[np.arange(n_b), np.arange(n_b)] += 1
    last = np.linalg.cholesky(outer)  # of the columns that are eliminated last, X after B
    whiten = np.linalg.inv(last) * scale  # its root is well enough conditioned to be inverted
    r_w, q_w = whiten @ r[:-1], whiten @ q[:, :-1].T
    y_w = r_w[:, -1]
    rss = float(r[-1, -1] - y_w @ y_w)
    log_det = 2 * np.log(np.einsum("gii->gi", root)).sum() + 2 * np.log(np.diag(last)).sum()

    a_trace = np.einsum("gii->gi", a_kernel).ravel() - np.einsum("ij,ij->j", q_w, q_w)
    b_trace = np.diag(r)[:n_b] - np.einsum("ij,ij->j", r_w[:, :n_b], r_w[:, :n_b])
    a_score, b_score = q[:, -1] - q_w.T @ y_w, r[:n_b, -1] - r_w[:, :n_b].T @ y_w  # Z'Py
    own_a, own_b = _own(s.a_factor.ravel(), s.factors), _own(s.b_factor, s.factors)
    trace = own_a.T @ a_trace + own_b.T @ b_trace
    a_t, b_t = own_a * a_score[:, None], own_b * b_score[:, None]
    squares = (a_t**2).sum(0) + (b_t**2).sum(0)
    blocks = a_t.reshape(*s.a_factor.shape, -1)
    mixed = a_t.T @ (q[:, :n_b] @ b_t)
    towards = q_w @ a_t + r_w[:, :n_b] @ b_t
    cross = (
        np.einsum("gik,gil->kl", blocks, a_kernel @ blocks) + mixed + mixed.T
        + b_t.T @ r[:n_b, :n_b] @ b_t - towards.T @ towards
    )  # fmt: skip
    part = whiten[:, n_b:]
    df, rss = s.df, max(rss, 1e-14 * s.cc[-1, -1], 1e-300)
    return _State(
        float(log_det + df * (1 + math.log(2 * math.pi * rss / df))),
        trace - df * squares / rss,
        df / rss * (cross - np.outer(squares, squares) / rss),
        rss, squares, cross, part.T @ y_w, np.einsum("ij,ij->j", part, part),
    )  # fmt: skip


def _own(factor: Codes, factors: int) -> Floats:
    """One column per factor, 1 where a row belongs to it."""
    return np.asarray(factor[:, None] == np.arange(factors), dtype=np.float64)


def _climb(s: _System) -> tuple[Floats, _State, int, bool]:
    """Minimum of the criterion over ratios >= 0: Newton steps, damped where they fail (Marquardt)."""
    ratios, damping = np.ones(s.factors), 0.0
    state = _evaluate(s, ratios)
    for iteration in range(1, 201):
        free = (ratios > 0) | (state.slope < 0)
        if state.rss <= _NO_RESIDUAL * s.cc[-1, -1] or not free.any():
            return ratios, state, iteration, not free.any()
        slope, curvature = state.slope[free], state.curvature[np.ix_(free, free)]
        spread = np.diag(curvature) + 1e-300
        newton = slope @ np.linalg.lstsq(curvature, slope, rcond=1e-14)[0]
        if newton < 1e-16 * s.df and np.abs(slope * ratios[free]).max() < 1e-4:
            return ratios, state, iteration, True
        growing = np.where(
            slope < 0, -slope / np.maximum(ratios[free], 1e-9), 0.0
        )  # then a ratio at most doubles
        while True:
            ridge = damping * spread + growing if damping else 0 * spread
            step = np.linalg.lstsq(curvature + np.diag(ridge), slope, rcond=1e-14)[0]
            moved = ratios.copy()
            moved[free] = np.clip(ratios[free] - step, 0, 1e3 * ratios[free] + 1)
            there = _evaluate(s, moved)
            if there.deviance <= state.deviance + 1e-9:
                damping = damping / 8 if damping > 1e-6 else 0.0
                break
            damping = max(8 * damping, 1e-3)
            if damping > 1e12:
                return ratios, state, iteration, False
        stalled = np.abs(moved - ratios).max() <= 1e-12 * ratios.max()
        ratios, state = moved, there
        if stalled:
            return ratios, state, iteration, True
    return ratios, state, iteration, False


def _information(ratios: Floats, state: _State, error: float) -> Floats:
    """Average information of the variances, the residual last; PHP = P gives the residual's row."""
    row = state.squares - state.cross @ ratios
    corner = state.rss - ratios @ state.squares - ratios @ row
    full = np.block([[state.cross, row[:, None]], [row[None, :], np.array([[corner]])]])
    return np.asarray(full / (2 * error**3))
