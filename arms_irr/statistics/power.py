"""How many subjects must a test of a kappa or of an intraclass correlation have? Power, and what can be detected.

Closed forms for subjects drawn at random and two to a few raters. They know nothing of a few cases that many
officers rate, of raters as clusters or of "unable to rate": such an exercise is planned by simulation. Every number
of subjects is the exact solution, not rounded: take the next whole number. Arguments may be arrays and broadcast.

The usual traps, one by one:

* ``sides`` is 2 throughout; the published tables of Cantor and of Walter et al. are one-sided (``sides=1``).
* The arguments of R's ``irr::N.cohen.kappa`` and ``N2.cohen.kappa`` are (true kappa, null kappa). The help page of
  the former calls ``N.cohen.kappa(.5, .5, .7, .85)`` "H0 .7 against HA .85", but its 96 is a true .70 against a null
  .85; the other way round it is 117.
* Cohen's kappa (:func:`n_for_kappa`) and the intraclass kappa of interchangeable raters
  (:func:`n_for_intraclass_kappa`) have different variances, so one kappa gives two numbers of subjects.
* A hypothesis is one value of kappa with one set of margins: other margins, another number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.special import ndtr, ndtri

from arms_irr.errors import ArgumentError
from arms_irr.statistics.weights import agreement_weights

__all__ = [
    "detectable_icc", "detectable_intraclass_kappa", "detectable_kappa", "n_for_icc", "n_for_intraclass_kappa", "n_for_kappa",
    "power_for_icc", "power_for_intraclass_kappa", "power_for_kappa",
]

Floats = NDArray[np.float64]
Shares = float | Sequence[float]


# --- Cohen's kappa: Cantor, Flack et al. ----------------------------------------------------------------------


def n_for_kappa(
    kappa0: ArrayLike, kappa1: ArrayLike, shares: Shares, second: Shares | None = None, *, weights: str | ArrayLike = "identity",
    alpha: float = 0.05, power: float = 0.8, sides: int = 2,
) -> Floats:
    """Subjects that two raters (or a rater and a criterion) need to tell Cohen's kappa from a null value.

    With two categories the margins and kappa fix the table (Cantor 1996, Psychological Methods 1, 150-153). With
    more they do not, and the standard error is the largest that a compatible table can have, found by a linear
    programme (Flack, Afifi, Lachenbruch & Schouten 1988, Psychometrika 53, 321-325): conservative. Margins that
    differ and weights follow from the variance of Fleiss, Cohen & Everitt (1969), which is linear in the table once
    margins and kappa are given.

    Parameters
    ----------
    kappa0, kappa1 : float or array
        Null value and the true value at which the power holds, in this order. -1 <= kappa < 1 for the null.
    shares : float or sequence of float
        Share of subjects that the first rater puts into each category; one number p means (p, 1 - p).
    second : float or sequence of float, optional
        The same of the second rater; as the first unless given.
    weights : str or (q, q) array
        Agreement weights on the scores 1 ... q.
    alpha, power : float
        Error of the first kind, and power.
    sides : int
        1 or 2.

    Returns
    -------
    float array
        Not rounded.

    Raises
    ------
    ArgumentError
        For shares that do not sum to 1, equal kappas, or a kappa that the margins do not allow.
    """
    k0, k1 = _two(kappa0, kappa1, -1.0)
    variance = _Margins(shares, second, weights).variance
    z_alpha, z_beta = _quantiles(alpha, power, sides)
    return bare(((z_alpha * np.sqrt(variance(k0)) + z_beta * np.sqrt(variance(k1))) / (k1 - k0)) ** 2)


def power_for_kappa(
    n: ArrayLike, kappa0: ArrayLike, kappa1: ArrayLike, shares: Shares, second: Shares | None = None, *,
    weights: str | ArrayLike = "identity", alpha: float = 0.05, sides: int = 2,
) -> Floats:
    """Power of the test of :func:`n_for_kappa` with ``n`` subjects; rejections on the wrong side are not counted."""
    k0, k1 = _two(kappa0, kappa1, -1.0)
    variance = _Margins(shares, second, weights).variance
    return bare(_power(_subjects(n), np.abs(k1 - k0), variance(k0), variance(k1), _z(alpha, sides)))


def detectable_kappa(
    n: ArrayLike, kappa0: ArrayLike, shares: Shares, second: Shares | None = None, *, weights: str | ArrayLike = "identity",
    alpha: float = 0.05, power: float = 0.8, sides: int = 2,
) -> Floats:
    """The least kappa above ``kappa0`` that ``n`` subjects tell from it; nan where not even the largest possible one is."""
    size, k0 = np.broadcast_arrays(_subjects(n), _null(kappa0, -1.0))
    margins = _Margins(shares, second, weights)
    variance = margins.variance
    z_alpha, _ = _quantiles(alpha, power, sides)
    null = variance(k0)
    return bare(_least(lambda k1: _power(size, k1 - k0, null, variance(k1), z_alpha) >= power, k0, margins.limits()[1]))


class _Margins:
    """What two raters' shares of the categories allow: which kappas, and which variance at most."""

    def __init__(self, shares: Shares, second: Shares | None, weights: str | ArrayLike) -> None:
        self.first = categories(shares)
        self.second = self.first if second is None else categories(second)
        if len(self.first) != len(self.second):
            raise ArgumentError(f"the raters have {len(self.first)} and {len(self.second)} categories: give both the same number")
        q = len(self.first)
        self.weights = agreement_weights(weights, np.arange(1.0, q + 1))
        self.chance = float(self.first @ self.weights @ self.second)
        if self.chance > 1 - 1e-12:
            raise ArgumentError(f"both raters put every subject into one category (shares {self.first.tolist()}), where kappa is not "
                                "defined. Give a share between 0 and 1.")
        row_sums, column_sums = np.kron(np.eye(q), np.ones(q)), np.kron(np.ones(q), np.eye(q))
        # One of the 2q sums follows from the others.
        self.sums, self.margins = np.vstack([row_sums, column_sums[:-1]]), np.append(self.first, self.second[:-1])

    def variance(self, kappa: Floats) -> Floats:
        """n times the variance of kappa in the least favourable table, for each kappa."""
        values, where = np.unique(kappa, return_inverse=True)
        return np.array([self._at(float(value)) for value in values])[where].reshape(np.shape(kappa))

    def _at(self, kappa: float) -> float:
        """Fleiss, Cohen & Everitt (1969), Psychological Bulletin 72, 323-327; the programme maximises the sum over the table."""
        w, free = self.weights, 1 - self.chance
        mean = (w @ self.second)[:, None] + self.first @ w
        gain = (w - mean * (1 - kappa)) ** 2
        largest = self._largest(gain, kappa * free + self.chance)
        if largest is None:
            low, high = self.limits()
            raise ArgumentError(f"a kappa of {kappa:g} cannot occur with the shares {self.first.tolist()} and {self.second.tolist()}. "
                                f"They allow {low:.3f} to {high:.3f}.")
        return max(largest - (kappa - self.chance * (1 - kappa)) ** 2, 0.0) / free**2

    def limits(self) -> tuple[float, float]:
        """The least and the largest kappa that the margins allow."""
        low, high = (sign * (self._largest(sign * self.weights) or 0.0) for sign in (-1, 1))
        return (low - self.chance) / (1 - self.chance), (high - self.chance) / (1 - self.chance)

    def _largest(self, gain: Floats, observed: float | None = None) -> float | None:
        """The largest sum of gain x table over the tables with these margins (and this observed agreement); None if there is none."""
        fixed, totals = self.sums, self.margins
        if observed is not None:
            fixed, totals = np.vstack([fixed, self.weights.ravel()]), np.append(totals, observed)
        table = linprog(-gain.ravel(), A_eq=fixed, b_eq=totals).x
        return None if table is None else float(gain.ravel() @ table)


# --- the intraclass kappa: Donner & Eliasziw, Altaye et al. ----------------------------------------------------


def n_for_intraclass_kappa(
    kappa0: ArrayLike, kappa1: ArrayLike, shares: Shares, raters: ArrayLike = 2, *, alpha: float = 0.05, power: float = 0.8
) -> Floats:
    """Subjects for a goodness-of-fit test of the intraclass kappa of two or more interchangeable raters.

    Common-correlation model: with probability kappa all raters agree on a category drawn from ``shares``, otherwise
    each draws alone. Two raters: Donner & Eliasziw (1992), Statistics in Medicine 11, 1511-1519; more raters:
    Altaye, Donner & Klar (2001), Biometrics 57, 584-588; several categories: Bartfay & Donner (2001), The
    Statistician 50, 135-146. The sum over cells of (P1 - P0)^2 / P0 has a closed form, so any number of raters and
    categories will do.

    Parameters
    ----------
    kappa0, kappa1 : float or array
        Null value (0 <= kappa < 1) and true value.
    shares : float or sequence of float
        Share of subjects in each category; one number p means (p, 1 - p).
    raters : int or array
        2 or more, all of whom rate every subject.
    alpha, power : float
        The test has no direction: (z_{1-alpha/2} + z_{power})^2.

    Returns
    -------
    float array
        Not rounded. The chi-square needs about 5 expected subjects in every cell (so a rare category needs more).

    Raises
    ------
    ArgumentError
        For kappas outside 0 to 1 (the model knows no others), equal kappas, or shares that do not sum to 1.
    """
    k0, k1 = _two(kappa0, kappa1, 0.0)
    z_alpha, z_beta = _quantiles(alpha, power, 2)
    return bare((z_alpha + z_beta) ** 2 / ((k1 - k0) ** 2 * distance(k0, shares, raters)))


def power_for_intraclass_kappa(
    n: ArrayLike, kappa0: ArrayLike, kappa1: ArrayLike, shares: Shares, raters: ArrayLike = 2, *, alpha: float = 0.05
) -> Floats:
    """Power of the test of :func:`n_for_intraclass_kappa` with ``n`` subjects."""
    k0, k1 = _two(kappa0, kappa1, 0.0)
    return bare(ndtr(np.abs(k1 - k0) * np.sqrt(_subjects(n) * distance(k0, shares, raters)) - _z(alpha, 2)))


def detectable_intraclass_kappa(
    n: ArrayLike, kappa0: ArrayLike, shares: Shares, raters: ArrayLike = 2, *, alpha: float = 0.05, power: float = 0.8
) -> Floats:
    """The least kappa above ``kappa0`` that ``n`` subjects tell from it; nan where not even 1 is."""
    k0 = _null(kappa0, 0.0)
    z_alpha, z_beta = _quantiles(alpha, power, 2)
    k1 = k0 + (z_alpha + z_beta) / np.sqrt(_subjects(n) * distance(k0, shares, raters))
    return bare(np.where(k1 <= 1, k1, np.nan))


def distance(kappa: ArrayLike, shares: Shares, raters: ArrayLike) -> Floats:
    """Sum over cells of (dP/dkappa)^2 / P in the common-correlation model: the information in one subject.

    P is linear in kappa, so (k1 - k0)^2 times this is also the sum of (P(k1) - P(k0))^2 / P(k0). The cells where
    all raters agree count one by one; all others are proportional to 1 - kappa and count as one.
    """
    p, m = categories(shares), _raters(raters)[..., None]
    if np.count_nonzero(p) < 2:
        raise ArgumentError(f"every subject is in one category (shares {p.tolist()}), where kappa is not defined. "
                            "Give a share between 0 and 1.")
    p, k = p[p > 0], np.asarray(kappa, dtype=np.float64)[..., None]
    alike, gain = p**m, p - p**m
    return np.asarray((gain**2 / (alike + k * gain)).sum(-1) + (1 - alike.sum(-1)) / (1 - k[..., 0]))


# --- the intraclass correlation: Walter, Eliasziw & Donner -----------------------------------------------------


def n_for_icc(
    rho0: ArrayLike, rho1: ArrayLike, raters: ArrayLike = 2, *, alpha: float = 0.05, power: float = 0.8, sides: int = 2
) -> Floats:
    """Subjects for a test of the one-way intraclass correlation against a null value.

    Walter, Eliasziw & Donner (1998), Statistics in Medicine 17, 101-110 (one-sided there): n = 1 +
    2 (z_a + z_b)^2 k / [(ln C)^2 (k - 1)], C = (1 + k t0) / (1 + k t1), t = rho / (1 - rho). One-way only: where
    raters have levels of their own (ICC of agreement in a crossed design) it is too small.

    Parameters
    ----------
    rho0, rho1 : float or array
        Null and true value, 0 <= rho < 1.
    raters : int or array
        k, 2 or more ratings of every subject.
    alpha, power : float
    sides : int
        1 or 2.

    Returns
    -------
    float array
        Not rounded.

    Raises
    ------
    ArgumentError
        For a correlation outside 0 to 1 or equal correlations.
    """
    k, z_alpha, z_beta = _raters(raters), *_quantiles(alpha, power, sides)
    return bare(1 + 2 * (z_alpha + z_beta) ** 2 * k / (_log_ratio(rho0, rho1, k) ** 2 * (k - 1)))


def power_for_icc(
    n: ArrayLike, rho0: ArrayLike, rho1: ArrayLike, raters: ArrayLike = 2, *, alpha: float = 0.05, sides: int = 2
) -> Floats:
    """Power of the test of :func:`n_for_icc` with ``n`` subjects."""
    k = _raters(raters)
    return bare(ndtr(np.abs(_log_ratio(rho0, rho1, k)) * np.sqrt((_subjects(n) - 1) * (k - 1) / (2 * k)) - _z(alpha, sides)))


def detectable_icc(
    n: ArrayLike, rho0: ArrayLike, raters: ArrayLike = 2, *, alpha: float = 0.05, power: float = 0.8, sides: int = 2
) -> Floats:
    """The least intraclass correlation above ``rho0`` that ``n`` subjects tell from it."""
    k, (z_alpha, z_beta) = _raters(raters), _quantiles(alpha, power, sides)
    rho = _null(rho0, 0.0)
    growth = np.exp((z_alpha + z_beta) * np.sqrt(2 * k / ((_subjects(n) - 1) * (k - 1))))
    theta = ((1 + k * rho / (1 - rho)) * growth - 1) / k
    return bare(theta / (1 + theta))


def _log_ratio(rho0: ArrayLike, rho1: ArrayLike, k: Floats) -> Floats:
    r0, r1 = _two(rho0, rho1, 0.0)
    if np.any(r1 >= 1):
        raise ArgumentError(f"a true correlation of {r1.max():g} leaves no error to plan for. Give a value below 1.")
    return np.asarray(np.log((1 + k * r0 / (1 - r0)) / (1 + k * r1 / (1 - r1))))


# --- what they share -------------------------------------------------------------------------------------------


def categories(shares: Shares) -> Floats:
    """Shares of two or more categories; one number p is (p, 1 - p)."""
    p = np.atleast_1d(np.asarray(shares, dtype=np.float64))
    p = np.array([p[0], 1 - p[0]]) if p.size == 1 else p
    if p.ndim != 1 or not np.all(np.isfinite(p)) or np.any(p < 0) or np.any(p > 1) or abs(p.sum() - 1) > 1e-9:
        raise ArgumentError(f"the shares of the categories are {np.asarray(shares).tolist()}. Give shares between 0 and 1 that sum to 1, or "
                            "one share of two categories.")
    return np.asarray(p / p.sum())


def _power(n: Floats, gap: Floats, null: Floats, true: Floats, z_alpha: float) -> Floats:
    """Power of a test with n times the variances ``null`` and ``true``; a variance of 0 decides for certain."""
    room = gap * np.sqrt(n) - z_alpha * np.sqrt(null)
    return np.where(true > 0, ndtr(room / np.sqrt(np.where(true > 0, true, 1.0))), room >= 0)


def _least(enough: Callable[[Floats], NDArray[np.bool_]], low: Floats, highest: float) -> Floats:
    """By bisection the least value above ``low`` that is enough; nan where not even the highest is."""
    high = np.maximum(highest, low)
    never = ~enough(high) | (high <= low)
    for _ in range(50):
        middle = (low + high) / 2
        good = enough(middle)
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return np.where(never, np.nan, high)


def _null(value: ArrayLike, lowest: float) -> Floats:
    null = np.asarray(value, dtype=np.float64)
    if not np.all((null >= lowest) & (null < 1)):
        raise ArgumentError(f"the null value {np.asarray(value).tolist()} is not from {lowest:g} to below 1.")
    return null


def _two(null: ArrayLike, true: ArrayLike, lowest: float) -> tuple[Floats, Floats]:
    """Null and true value, which must lie in the range and differ."""
    first, second = np.broadcast_arrays(_null(null, lowest), np.asarray(true, dtype=np.float64))
    if not np.all((second >= lowest) & (second <= 1)):
        raise ArgumentError(f"the true value {np.asarray(true).tolist()} is not from {lowest:g} to 1.")
    if np.any(first == second):
        raise ArgumentError(f"null and true value are both {first[first == second].flat[0]:g}: no number of subjects tells them apart. "
                            "Give two different values.")
    return first, second


def _quantiles(alpha: float, power: float, sides: int) -> tuple[float, float]:
    z_alpha = _z(alpha, sides)
    if not alpha < power < 1:
        raise ArgumentError(f"power {power!r} is not between alpha ({alpha:g}) and 1, for example 0.8.")
    return z_alpha, float(ndtri(power))


def _z(alpha: float, sides: int) -> float:
    if not 0 < alpha < 0.5:
        raise ArgumentError(f"alpha {alpha!r} is not between 0 and 0.5, for example 0.05.")
    if sides not in (1, 2):
        raise ArgumentError(f"sides is {sides!r}. Give 1 or 2.")
    return float(-ndtri(alpha / sides))


def _subjects(n: ArrayLike) -> Floats:
    size = np.asarray(n, dtype=np.float64)
    if not np.all(size >= 2):
        raise ArgumentError(f"{np.asarray(n).tolist()} subjects cannot be. Give 2 or more.")
    return size


def _raters(raters: ArrayLike) -> Floats:
    count = np.asarray(raters, dtype=np.float64)
    if not np.all((count >= 2) & (count == np.round(count))):
        raise ArgumentError(f"{np.asarray(raters).tolist()} raters cannot be. Give a whole number, 2 or more: one rater has nobody to agree "
                            "with.")
    return count


def bare(values: Any) -> Floats:
    """An array, or a plain number where there is one value only."""
    return np.asarray(values, dtype=np.float64)[()]
