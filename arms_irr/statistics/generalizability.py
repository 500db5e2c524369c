"""Generalizability studies (how much of a rating is due to what) and decision studies (how many to ask)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.designs import Design, Effect, Layout, layout, parse
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.mixed import reml

__all__ = ["Decision", "GStudy", "g_study"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """One row of a decision study.

    ``universe``, ``relative_error`` and ``absolute_error`` are variances in squared units of the ratings; the
    roots of the errors are the standard errors of measurement. ``e_rho2`` is the generalizability
    coefficient (order), ``phi`` the index of dependability (level), ``phi_cut`` the dependability of
    decisions at a cut-score, ``nan`` if none was given.
    """

    sizes: dict[str, float]
    universe: float
    relative_error: float
    absolute_error: float
    e_rho2: Estimate
    phi: Estimate
    phi_cut: Estimate


@dataclass(frozen=True)
class GStudy:
    """Variance components of a design and what follows from them.

    Attributes
    ----------
    design : Design
    measured : str
        The object of measurement.
    components : dict of Estimate
        Variance of each effect, squared units of the ratings; ``residual`` is the interaction of all facets
        and error together. By ANOVA a negative estimate is kept; ``parts`` holds mean square and ``df``.
    mean, mean_variance : float
        Grand mean and its estimated variance.
    sizes : dict
        Levels of each facet per object in the data (harmonic means where they differ).
    """

    design: Design
    measured: str
    components: dict[str, Estimate]
    mean: float
    mean_variance: float
    sizes: dict[str, float]
    confidence_level: float
    _values: Floats = field(repr=False, compare=False)
    _draws: Floats = field(repr=False, compare=False)

    def d_study(
        self, *, fixed: Sequence[str] = (), cut: float | None = None, **numbers: float | Sequence[float]
    ) -> list[Decision]:
        """Reliability with other numbers of raters, factors ...

        Parameters
        ----------
        fixed : facets that are fixed
            The same levels in every application (the twelve factors of an instrument, say). Their interaction
            with the object joins the universe score, their own effect drops out. Their number stays.
        cut : float, optional
            Cut-score lambda for ``phi_cut``, in units of the mean rating.
        **numbers : n_<facet>=number or numbers
            Levels of each facet, per level of what it is nested in; every combination becomes a row. Without
            one, the number in the data.

        Returns
        -------
        list of Decision

        Raises
        ------
        ArgumentError
            An unknown facet, a number below 1, or another number of a fixed facet.

        Notes
        -----
        Relative error: the effects that contain the object, over the numbers of levels; absolute error: all
        effects but the object's. Negative components count as 0 here (and only here). E rho^2 = universe /
        (universe + relative error), Phi likewise with the absolute error (Brennan 2001, ch. 1, 4, 5).
        Phi(lambda) adds (mean - lambda)^2, less the variance of the mean and not below 0, to both
        (Brennan 2001, eq. 2.54-2.55).

        A coefficient that needs a component with one degree of freedom is ``nan`` with the flag ``one-df``.
        """
        for name in fixed:
            self._facet(name)
        given = {self._facet(name.removeprefix("n_"), name): n for name, n in numbers.items()}
        for name, n in given.items():
            if name in fixed and np.any(np.asarray(n) != self.sizes[name]):
                raise ArgumentError(
                    f"facet {name!r} is fixed at {self.sizes[name]:g} levels, so n_{name} cannot be {n}."
                )
        choices = [np.atleast_1d(given.get(f, self.sizes[f])).tolist() for f in self._facets()]
        for f, values in zip(self._facets(), choices, strict=True):
            if not all(isinstance(n, (int, float)) and n >= 1 for n in values):
                raise ArgumentError(f"n_{f}={values} should be numbers of levels, at least 1.")
        return [
            self._decide(dict(zip(self._facets(), row, strict=True)), frozenset(fixed), cut)
            for row in product(*choices)
        ]

    def needed(self, facet: str, phi: float, *, fixed: Sequence[str] = (), **numbers: float) -> float:
        """Least number of levels of a facet (raters, say) that brings Phi to ``phi``, the others as given.

        ``inf`` if no number does; ``nan`` if Phi is not estimable.
        """
        if not 0 < phi < 1:
            raise ArgumentError(f"phi={phi!r} is not between 0 and 1, for example 0.8.")
        one, many = (self.d_study(fixed=fixed, **numbers | {f"n_{facet}": n})[0] for n in (1, 1e12))
        if not one.phi.estimable:
            return math.nan
        room = one.universe * (1 - phi) / phi - many.absolute_error
        shrinking = one.absolute_error - many.absolute_error
        if room <= 0:
            return math.inf
        return max(1.0, math.ceil(shrinking / room - 1e-9))

    def _facets(self) -> tuple[str, ...]:
        return tuple(f for f in self.design.facets if f != self.measured)

    def _facet(self, name: str, said: str | None = None) -> str:
        if name not in self._facets():
            raise ArgumentError(
                f"{said or name!r}: no such facet. {nearest(name, self._facets())}"
                f"The facets of {self.design.text!r} are {', '.join(self._facets())}."
            )
        return name

    def _decide(self, sizes: dict[str, float], fixed: Effect, cut: float | None) -> Decision:
        own = self.design.parents[self.measured] | {self.measured}
        weights = np.zeros((3, len(self._values)))  # of each component in universe, relative, absolute
        for k, effect in enumerate(self.design.effects):
            others, share = effect - own, 1 / math.prod(sizes[f] for f in effect - own)
            if self.measured in effect and others <= fixed:
                weights[0, k] = share
            elif self.measured in effect:
                weights[1:, k] = share
            elif others and not others <= fixed:
                weights[2, k] = share
        universe, relative, absolute = (weights @ np.maximum(self._values, 0)).tolist()
        draws = np.maximum(self._draws, 0) @ weights.T
        gap = math.nan if cut is None else max((self.mean - cut) ** 2 - self.mean_variance, 0.0)
        e_rho2 = self._ratio(weights[0] + weights[1], universe, relative, draws[:, [0, 1]])
        phi = self._ratio(weights[0] + weights[2], universe, absolute, draws[:, [0, 2]])
        phi_cut = self._ratio(weights[0] + weights[2], universe + gap, absolute, draws[:0, [0, 2]])
        return Decision(sizes, universe, relative, absolute, e_rho2, phi, phi_cut)

    def _ratio(self, used: Floats, universe: float, error: float, draws: Floats) -> Estimate:
        parts = list(self.components.values())
        flags = [flag for part, u in zip(parts, used, strict=True) if u for flag in part.flags]
        base: dict[str, Any] = {
            "method": parts[0].method, "target": "both", "n_subjects": int(self.sizes[self.measured]),
            "n_ratings": parts[0].n_ratings, "confidence_level": self.confidence_level,
        }  # fmt: skip
        if any(u and not part.estimable for part, u in zip(parts, used, strict=True)):
            return undefined(*flags, **base)
        if not universe + error > 0:
            return undefined(*flags, *["no-variance"] * (universe + error == 0), **base)
        value, low, high = universe / (universe + error), math.nan, math.nan
        total = draws.sum(axis=1)
        if error > 0 and (total > 0).any():
            low, high = _limits(draws[total > 0, 0] / total[total > 0], value, self.confidence_level)
        return Estimate(value, ci_low=low, ci_high=high, flags=tuple(flags), **base)


def g_study(
    ratings: Any,
    design: str = "p x r",
    *,
    score: str = "rating",
    measured: str | None = None,
    method: str = "auto",
    confidence_level: float = 0.95,
    seed: int = 1,
    samples: int = 10_000,
    force: bool = False,
) -> GStudy:
    """Variance components of ratings, effect by effect.

    Parameters
    ----------
    ratings : data frame, mapping of columns, or array
        A table in long form with a column for each facet (named as in the design) and ``score``; or an array
        with one axis per facet in the order of the design. ``nan`` = not rated.
    design : str
        For example ``"p x r"``, ``"p x r x f"``, ``"p x (r:t)"`` (raters nested in tasks), ``"r:p"`` (each p
        has raters of its own), ``"case x (rater:agency) x factor"``.
    score : str
        Column of the ratings.
    measured : str, optional
        The object of measurement; by default the first facet that is nested in nothing.
    method : {"auto", "anova", "reml"}
        ``anova`` solves the expected mean squares and needs a balanced design; ``reml`` does not, and its
        components cannot be negative. ``auto`` is ``anova`` if the design is balanced.
    confidence_level : float
    seed, samples : int
        For the simulated intervals; the same seed gives the same limits.
    force : bool
        Show components with one degree of freedom (a facet with two levels) and what rests on them.

    Returns
    -------
    GStudy

    Raises
    ------
    ArgumentError
        A design, column or method that is not understood; ratings that are not finite numbers; a facet with
        one level; two ratings of one combination; ``anova`` of an unbalanced design.

    Notes
    -----
    *Balanced*: E MS(a) = sum over effects b that contain a of the number of ratings per level of b times
    variance(b) (Brennan 2001, sec. 3.3 and 5.1); solved at once, so a negative component is not set to 0 on
    the way. Intervals are generalised pivotal ones: each mean square is divided by chi-square / df draws
    (Weerahandi 1993; Burdick, Borror & Montgomery 2005); for one mean square that is the chi-square
    interval. ``se`` takes 2 MS^2 / (df + 2) for the variance of a mean square (Brennan 2001, eq. 6.1), and
    ``df`` is Satterthwaite's.

    *Unbalanced*: :func:`~arms_irr.statistics.mixed.reml`. The same draws start from the mean squares that the
    fit expects in a balanced design with as many levels and, by harmonic means, as many ratings per level;
    negative draws count as 0. ``se`` comes from the information matrix, ``df`` is 2 (estimate / se)^2.

    Sources: methods of Cronbach, Gleser, Nanda & Rajaratnam (1972); Brennan (2001), Generalizability Theory.
    """
    level = check_confidence(confidence_level)
    if method not in ("auto", "anova", "reml"):
        raise ArgumentError(
            f"unknown method {method!r}. {nearest(method, ('auto', 'anova', 'reml'))}"
            "Choose 'auto', 'anova' or 'reml'."
        )
    plan = parse(design)
    what = measured or plan.object
    if what not in plan.facets:
        raise ArgumentError(f"measured={what!r} is not a facet of {design!r}. {nearest(what, plan.facets)}")
    y, labels = _long(ratings, plan, score)
    data = layout(plan, y, labels, what)
    if method == "anova" and data.grid is None:
        raise ArgumentError(
            f"method 'anova' needs a balanced design, and {design!r} is not balanced here. Use method='reml'."
        )
    rng = np.random.default_rng(seed)
    if data.grid is not None and method != "reml":
        found = _by_squares(plan, data, data.grid, rng, samples)
    else:
        found = _by_likelihood(plan, data, rng, samples)
    components = {name: _component(plan, data, found, k, level, force) for k, name in enumerate(plan.names)}
    return GStudy(
        plan, what, components, found.mean, found.mean_variance, data.sizes, level, found.values, found.draws
    )  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """Components in the order of the effects, their standard errors, df, and draws (samples, effects)."""

    values: Floats
    se: Floats
    df: Floats
    draws: Floats
    mean: float
    mean_variance: float
    method: str
    squares: dict[str, dict[str, float]]


def _long(ratings: Any, plan: Design, score: str) -> tuple[Floats, dict[str, NDArray[np.generic]]]:
    """Ratings and labels of the cells that were rated."""
    if hasattr(ratings, "keys"):
        missing = [name for name in (*plan.facets, score) if name not in ratings]
        if missing:
            raise ArgumentError(
                f"the ratings have no column {', '.join(map(repr, missing))}; design {plan.text!r} needs it."
            )
        labels = {f: np.asarray(ratings[f]) for f in plan.facets}
        y = _numbers(ratings[score])
        if any(v.shape != y.shape for v in labels.values()) or y.ndim != 1:
            raise ArgumentError("the columns of the ratings differ in length.")
    else:
        table = _numbers(ratings)
        if table.ndim != len(plan.facets):
            raise ArgumentError(
                f"ratings of shape {table.shape} do not fit design {plan.text!r}: "
                f"give one axis for each of {', '.join(plan.facets)}."
            )
        y = table.ravel()
        labels = dict(zip(plan.facets, (axis.ravel() for axis in np.indices(table.shape)), strict=True))
    given = ~np.isnan(y)
    if np.isinf(y).any() or not given.any():
        raise ArgumentError(
            "the ratings are infinite or all missing: nan stands for no rating, and some are needed."
        )
    return y[given], {f: v[given] for f, v in labels.items()}


def _numbers(values: Any) -> Floats:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"the ratings are not numbers ({error}): recode them, nan for missing.") from None


def _by_squares(plan: Design, data: Layout, grid: Floats, rng: np.random.Generator, samples: int) -> _Found:
    axis = {f: i for i, f in enumerate(plan.facets)}
    mean = float(grid.mean())
    rest, effects = grid - mean, plan.effects
    deviations: dict[Effect, Floats] = {}
    for e in effects:
        outside = tuple(axis[f] for f in plan.facets if f not in e)
        inner = [deviations[b] for b in deviations if b < e]
        deviations[e] = rest.mean(axis=outside, keepdims=True) - sum(inner, np.zeros(()))
    per_level, df = (
        np.array([table[e] for e in effects], dtype=np.float64) for table in (data.per_level, data.df)
    )
    ms = np.array([float(np.sum(deviations[e] ** 2)) for e in effects]) * per_level / df
    ms[df * ms < grid.size * (8 * np.finfo(np.float64).eps * np.abs(grid).max()) ** 2] = 0.0  # rounding
    solve = np.asarray(np.linalg.inv(_expected(data)), dtype=np.float64)
    values = solve @ ms
    with np.errstate(invalid="ignore"):
        satterthwaite = values**2 / (solve**2 @ (ms**2 / df))
    levels = np.array([deviations[e].size for e in effects])
    squares = {
        name: {"mean_square": m, "df": d}
        for name, m, d in zip(plan.names, ms.tolist(), df.tolist(), strict=True)
    }
    return _Found(
        values, np.sqrt(solve**2 @ (2 * ms**2 / (df + 2))), satterthwaite,
        _pivotal(solve, ms, df, rng, samples),
        mean, float(np.sum(values / levels)), "ANOVA", squares,
    )  # fmt: skip


def _expected(data: Layout) -> Floats:
    """Expected mean squares: each effect's row holds the ratings per level of the effects that contain it."""
    effects = list(data.per_level)
    return np.array([[data.per_level[b] if a <= b else 0.0 for b in effects] for a in effects])


def _pivotal(solve: Floats, ms: Floats, df: Floats, rng: np.random.Generator, samples: int) -> Floats:
    """Draws of the components (samples, effects): each mean square over a draw of chi-square / df."""
    return np.asarray((ms * df / rng.chisquare(df, (samples, df.size))) @ solve.T)


def _by_likelihood(plan: Design, data: Layout, rng: np.random.Generator, samples: int) -> _Found:
    factors = {name: data.codes[e] for name, e in zip(plan.names[:-1], plan.effects[:-1], strict=True)}
    fit = reml(data.y, factors)
    values = np.array(list(fit.components.values()))
    alive = values > 0
    se, draws = np.full(values.size, np.nan), np.full((samples, values.size), np.nan)
    if alive.any() and fit.converged:
        variance = np.diag(np.linalg.pinv(fit.information[np.ix_(alive, alive)], hermitian=True))
        se[alive] = np.sqrt(np.where(variance > 0, variance, np.nan))
        expected, df = _expected(data), np.array(list(data.df.values()), dtype=np.float64)
        if df.min() >= 1:
            solve = np.asarray(np.linalg.inv(expected), dtype=np.float64)
            draws = np.maximum(_pivotal(solve, expected @ values, df, rng, samples), 0)
    with np.errstate(divide="ignore"):
        satterthwaite = 2 * (values / se) ** 2
    return _Found(
        values, se, satterthwaite, draws, float(fit.fixed[0]), float(fit.fixed_se[0] ** 2), "REML", {}
    )


def _component(plan: Design, data: Layout, found: _Found, k: int, level: float, force: bool) -> Estimate:
    effect, name, value = plan.effects[k], plan.names[k], float(found.values[k])
    main = any(effect == plan.parents[f] | {f} for f in plan.facets)
    flags = ["negative-component"] if value < 0 else ["boundary"] if value == 0 else []
    low, high = math.nan, math.nan
    if np.ptp(found.draws[:, k]) > 0:  # neither nan nor a mean square of 0
        low, high = _limits(found.draws[:, k], value, level)
    estimate = Estimate(
        value, float(found.se[k]), low, high, level, float(found.df[k]), found.method, n_ratings=data.y.size,
        flags=tuple(flags), parts=found.squares.get(name, {}),
    )  # fmt: skip
    if np.isnan(found.draws[:, k]).any():
        return estimate.flagged("saturated")
    if data.df[effect] <= 1 and (main or data.grid is not None):
        return estimate.flagged("one-df", "forced") if force else estimate.suppressed("one-df")
    return estimate


def _limits(draws: Floats, value: float, level: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), value), max(float(high), value)
