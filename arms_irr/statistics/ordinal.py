"""Cumulative mixed models of ratings; with two categories, mixed logistic models of agreement with the gold.

P(Y <= k) = F(tau_k - (x'beta + sum of random intercepts)), F normal (probit) or logistic. A positive
coefficient or random effect goes with higher ratings. Same model and sign as ``clmm`` of R's ordinal package;
with two categories as ``glmer`` of lme4, where the intercept is minus the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.statistics.laplace import Rows
from arms_irr.statistics.maximum import Peak, maximise

__all__ = ["OrdinalFit", "RandomEffect", "design_columns", "dummies", "interactions", "ordinal_model"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_FLAT = 1.5  # beyond this relative half-width of a standard deviation the log scale gives absurd limits


@dataclass(frozen=True)
class RandomEffect:
    """Conditional modes of one random factor and their conditional standard deviations, per level."""

    levels: tuple[object, ...]
    modes: Floats
    sds: Floats


@dataclass(frozen=True)
class OrdinalFit:
    """A fitted cumulative mixed model.

    Attributes
    ----------
    names : tuple of str
        Of the parameters, in the order of ``estimates``, ``se`` and ``covariance``: thresholds (``"1|2"``),
        coefficients, and standard deviations of the random effects (``"sd(rater)"``).
    estimates, se : (P,) arrays
    covariance : (P, P) array
        Inverse of the full observed information. Rows of a standard deviation at 0 are ``nan``, and the
        others then take it as known to be 0.
    log_likelihood : float
    random : dict of RandomEffect
    categories : tuple
        In order; those never used are left out.
    link, method : str
    n_ratings : int
    converged : bool
    flags : tuple of str
        Keys of ``estimate.FLAGS``: ``boundary``, ``separated``, ``not-converged`` ...
    design : (N, p) array
        The fixed effects of the ratings that entered, columns named ``columns``.
    """

    names: tuple[str, ...]
    estimates: Floats
    se: Floats
    covariance: Floats = field(repr=False)
    log_likelihood: float
    random: dict[str, RandomEffect] = field(repr=False)
    categories: tuple[object, ...]
    columns: tuple[str, ...]
    link: str
    method: str
    n_ratings: int
    converged: bool
    flags: tuple[str, ...]
    design: Floats = field(repr=False)

    @property
    def thresholds(self) -> Floats:
        """(K - 1,) thresholds, increasing."""
        return self.estimates[: len(self.categories) - 1]

    @property
    def coefficients(self) -> dict[str, float]:
        """The fixed effects by name."""
        first = len(self.categories) - 1
        return dict(zip(self.columns, self.estimates[first:].tolist(), strict=False))

    @property
    def sds(self) -> dict[str, float]:
        """Standard deviations of the random effects by factor."""
        first = len(self.names) - len(self.random)
        return dict(zip(self.random, self.estimates[first:].tolist(), strict=True))

    def estimate(self, name: str, confidence_level: float = 0.95) -> Estimate:
        """One parameter with its normal (Wald) interval; of a standard deviation on the log scale.

        Where a standard deviation hardly differs from 0, its interval is normal on the variance, cut at 0,
        and flagged ``interval-fallback``. A separated coefficient is ``nan``.

        Raises
        ------
        ArgumentError
            For a name that is not in ``names``.
        """
        level = check_confidence(confidence_level)
        if name not in self.names:
            raise ArgumentError(f"the model has no parameter {name!r}. It has: {', '.join(self.names)}.")
        value, se = (float(a[self.names.index(name)]) for a in (self.estimates, self.se))
        about = Estimate(value, se, confidence_level=level, n_ratings=self.n_ratings, flags=self.flags,
                         method=f"{self.link}, {self.method}, normal interval")
        if math.isnan(se):
            return about if name.startswith("sd(") else replace(about, value=math.nan)
        half = float(ndtri(0.5 + level / 2)) * se
        low, high = value - half, value + half
        if name.startswith("sd("):
            if half > _FLAT * value:
                about = about.flagged("interval-fallback")
                low, high = (math.sqrt(max(value**2 + 2 * value * side, 0.0)) for side in (-half, half))
            else:
                low, high = value * math.exp(-half / value), value * math.exp(half / value)
        return replace(about, ci_low=low, ci_high=high, df=math.inf)


def ordinal_model(
    y: ArrayLike,
    *,
    random: Mapping[str, ArrayLike],
    fixed: Mapping[str, ArrayLike] | None = None,
    categories: Sequence[object] | None = None,
    link: str = "probit",
    method: str = "laplace",
    points: int = 10,
) -> OrdinalFit:
    """Maximum likelihood fit of a cumulative mixed model with random intercepts, crossed or nested.

    Parameters
    ----------
    y : (N,) ratings, one a row; missing ones (None, nan) are left out with their rows
    random : for each random factor its name and the (N,) level of each rating, for example
        ``{"rater": officers, "cell": cells}``
    fixed : for each column of the fixed effects its name and (N,) numbers; :func:`dummies` and
        :func:`interactions` make them. No column for the intercept: the thresholds play its part
    categories : the categories from lowest to highest; by default those observed, sorted
    link : ``"probit"`` (latent residual variance 1) or ``"logit"`` (pi^2 / 3)
    method : ``"laplace"``, or ``"agq"``: adaptive Gauss-Hermite quadrature, for one random factor only
    points : nodes of the quadrature

    Returns
    -------
    OrdinalFit
        Undefined (every number ``nan``) with flag ``one-category`` when the ratings do not vary. A standard
        deviation estimated as 0 is exactly 0 with se ``nan`` and flag ``boundary``. Where a fixed effect
        separates the categories its estimate grows without limit: flag ``separated``, se ``nan``, value
        where the search stopped. Leave out cells in which everybody agrees, or make cells random.

    Raises
    ------
    ArgumentError
        For lengths that differ, missing values in ``fixed`` or ``random``, columns that follow from others,
        a random factor with one level or with as many as there are ratings, an unknown link or method.

    Notes
    -----
    The gradient of the approximated likelihood is exact (see ``laplace.py``); the covariance is the inverse
    of its Hessian by central differences. Methods.md 3.9; Hedeker & Gibbons (1994), Biometrics 50, 933-944.
    """
    nodes = _check_method(random, link, method, points)
    codes, names, flags = _codes(y, categories)
    kept = codes >= 0
    columns = dict(fixed or {})
    x = design_columns(columns, len(kept))[kept]
    factors = {name: _levels(name, labels, kept) for name, labels in random.items()}
    order = sorted(factors, key=lambda name: -len(factors[name][0]))
    rows = Rows(codes[kept], len(names), x, tuple(factors[name][1] for name in order),
                tuple(len(factors[name][0]) for name in order), link)
    if len(names) < 2:
        flags = (*flags, "one-category" if names else "no-ratings")
        peak = _nothing(rows, flags)
    else:
        _check_rank(x, tuple(columns))
        peak = maximise(rows, nodes)
        flags = (*flags, *peak.flags)
    linear = len(peak.theta) - len(order)
    scale = np.repeat(peak.theta[linear:], rows.sizes)
    ends = np.cumsum(rows.sizes)[:-1]
    modes, sds = (dict(zip(order, np.split(v, ends), strict=True))
                  for v in (scale * peak.modes, scale * np.sqrt(peak.variances)))
    back = [*range(linear), *(linear + order.index(name) for name in factors)]
    covariance = peak.covariance[np.ix_(back, back)]
    return OrdinalFit(
        names=(*(f"{a}|{b}" for a, b in pairwise(names)), *columns, *(f"sd({name})" for name in factors)),
        estimates=peak.theta[back], se=np.sqrt(np.diag(covariance)), covariance=covariance,
        log_likelihood=peak.value, categories=names, columns=tuple(columns), link=link,
        random={name: RandomEffect(levels, modes[name], sds[name]) for name, (levels, _) in factors.items()},
        method="Laplace" if method == "laplace" else f"adaptive quadrature, {points} points",
        n_ratings=len(x), converged=peak.converged, flags=flags, design=x,
    )


def dummies(name: str, labels: ArrayLike, reference: object = None) -> dict[str, Floats]:
    """0/1 columns of a categorical variable for ``fixed``, named ``name`` + level, without the reference.

    Parameters
    ----------
    name : of the variable
    labels : (N,) its level for each rating
    reference : the level without a column; by default the first in sorted order
    """
    values = np.asarray(labels)
    levels = np.unique(values).tolist()
    if reference is None:
        reference = levels[0]
    if reference not in levels:
        raise ArgumentError(f"{name} has no level {reference!r}: choose the reference from {levels}.")
    return {f"{name}{level}": (values == level).astype(float) for level in levels if level != reference}


def interactions(first: Mapping[str, Floats], second: Mapping[str, Floats]) -> dict[str, Floats]:
    """Products of every column of one variable with every column of the other, named ``a:b``."""
    return {f"{a}:{b}": np.asarray(u) * v for a, u in first.items() for b, v in second.items()}


def design_columns(fixed: Mapping[str, ArrayLike], n: int) -> Floats:
    """(n, p) matrix of named columns; :class:`ArgumentError` names one of another length or with gaps."""
    out = np.empty((n, len(fixed)))
    for j, (name, column) in enumerate(fixed.items()):
        try:
            values = np.asarray(column, dtype=float)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"the fixed effect {name!r} is not numeric: make columns with dummies({name!r}, ...).",
            ) from None
        if values.shape != (n,):
            raise ArgumentError(
                f"the fixed effect {name!r} has shape {values.shape}: give {n} values, one for each rating.")
        if not np.isfinite(values).all():
            raise ArgumentError(
                f"the fixed effect {name!r} has missing or infinite values: leave out those ratings first.")
        out[:, j] = values
    return out


# The door


def _check_method(random: Mapping[str, ArrayLike], link: str, method: str, points: int) -> int:
    """Number of nodes: 1 for Laplace."""
    if link not in ("probit", "logit"):
        raise ArgumentError(f"link {link!r} is not known: 'probit' or 'logit'.")
    if not random:
        raise ArgumentError("random is empty: name at least one factor, for example {'rater': officers}.")
    if method == "laplace":
        return 1
    if method != "agq":
        raise ArgumentError(f"method {method!r} is not known: 'laplace' or 'agq'.")
    if len(random) > 1:
        raise ArgumentError(
            f"method 'agq' integrates over one random factor, not over {len(random)}: use 'laplace'.")
    if not isinstance(points, int) or not 2 <= points <= 100:
        raise ArgumentError(f"points {points!r}: give a whole number from 2 to 100.")
    return points


def _column(name: str, values: ArrayLike) -> tuple[list[object], Mask]:
    """The values of a column, and where they are missing: None, nan, pandas.NA."""
    column = np.asarray(values, dtype=object)
    if column.ndim != 1:
        raise ArgumentError(f"{name} has shape {column.shape}: give one column, one value for each rating.")
    missing = [v is None or type(v).__name__ in ("NAType", "NaTType") or v != v for v in column]
    return column.tolist(), np.array(missing, dtype=bool)


def _in_order(name: str, values: set[object]) -> tuple[object, ...]:
    try:
        return tuple(sorted(values))  # type: ignore[type-var]
    except TypeError:
        kinds = ", ".join(sorted({type(v).__name__ for v in values}))
        raise ArgumentError(f"{name} mixes {kinds}, which have no order: write all of them alike.") from None


def _codes(
    y: ArrayLike, categories: Sequence[object] | None,
) -> tuple[Codes, tuple[object, ...], tuple[str, ...]]:
    """Category codes (missing: -1), the categories that were used, and flags."""
    values, missing = _column("y", y)
    used = {v for v, gone in zip(values, missing, strict=True) if not gone}
    flags: tuple[str, ...] = ()
    if categories is None:
        names, flags = _in_order("y", used), ("categories-observed",)
    else:
        if strange := sorted(map(repr, used - set(categories))):
            found = ", ".join(strange[:5])
            raise ArgumentError(f"y holds {found}: not among the categories {list(categories)}.")
        names = tuple(c for c in categories if c in used)
        if len(names) < len(categories):
            flags = ("category-left-out",)
    place = {c: k for k, c in enumerate(names)}
    codes = [-1 if gone else place[v] for v, gone in zip(values, missing, strict=True)]
    return np.array(codes, dtype=np.intp), names, flags


def _levels(name: str, labels: ArrayLike, kept: Mask) -> tuple[tuple[object, ...], Codes]:
    """Levels of a random factor among the ratings kept, and each rating's code."""
    column, missing = _column(f"the random factor {name!r}", labels)
    if len(column) != len(kept):
        raise ArgumentError(
            f"the random factor {name!r} has {len(column)} levels: give {len(kept)}, one for each rating.")
    if (missing & kept).any():
        raise ArgumentError(f"the random factor {name!r} has missing levels: leave out those ratings first.")
    values = [v for v, keep in zip(column, kept, strict=True) if keep]
    levels = _in_order(f"the random factor {name!r}", set(values))
    if values and not 1 < len(levels) < len(values):
        number = "one level" if len(levels) == 1 else "as many levels as there are ratings"
        raise ArgumentError(
            f"the random factor {name!r} has {number}: its variance cannot be estimated; leave it out.")
    place = {level: j for j, level in enumerate(levels)}
    return levels, np.array([place[v] for v in values], dtype=np.intp)


def _check_rank(x: Floats, names: tuple[str, ...]) -> None:
    """Every column must add to the intercept and the columns before it."""
    full = np.column_stack([np.ones(len(x)), x])
    size = np.linalg.norm(full, axis=0)
    left = np.abs(np.diag(np.linalg.qr(full / np.where(size > 0, size, 1), mode="r")))
    idle = [name for name, rest in zip(names, left[1:], strict=False) if rest < 1e-9]
    idle += names[len(left) - 1:]
    if idle:
        raise ArgumentError(
            f"the fixed effect {idle[0]!r} is constant or follows from the columns before it: leave it out.")


def _nothing(rows: Rows, flags: tuple[str, ...]) -> Peak:
    """The fit of ratings that do not vary: every number is nan."""
    size = max(rows.n_categories - 1, 0) + rows.x.shape[1] + len(rows.sizes)
    effects = np.full(sum(rows.sizes), math.nan)
    theta, covariance = np.full(size, math.nan), np.full((size, size), math.nan)
    return Peak(theta, covariance, math.nan, effects, effects, False, flags)
