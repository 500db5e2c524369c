"""Can these published numbers stand together? Percent agreement, kappa, sample size and categories, checked by counting."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import numpy as np

from arms_irr.analysis.titles import title_of
from arms_irr.errors import ArgumentError, nearest

__all__ = ["CHECKED", "Possible", "agreements", "kappa_bounds", "possible", "rounded_from"]

CHECKED = ("cohen", "fleiss", "scott", "gwet", "brennan_prediger")  # without weights
_WORK = 400_000_000  # bits moved in an exact count before bounds are given instead
_TABLES = 1_000_000  # margins of two raters' tables looked at in an exact search


@dataclass(frozen=True)
class Possible:
    """Whether numbers reported together can come from one set of ratings.

    Attributes
    ----------
    verdict : {"possible", "impossible"}
        "Possible" is no proof: with ``exact`` False it only says that the bounds do not exclude it.
    low, high : float
        The coefficient that the percentage allows, at the least and at the most; ``nan`` where the percentage itself
        is impossible, or the coefficient is 0/0.
    exact : bool
        Whether every way of rating was counted; otherwise the limits are bounds, and perhaps wider than what can be reached.
    reason : str
        In words.
    """

    verdict: str
    low: float
    high: float
    exact: bool
    reason: str


def rounded_from(reported: float | str) -> tuple[Fraction, Fraction]:
    """The closed range of numbers that round to what was reported, whichever way a half goes.

    The decimals printed count: ``"0.70"`` is from 0.695 to 0.705; the number 0.7 has one decimal.

    Raises
    ------
    ArgumentError
        For what is no number.
    """
    try:
        number = Decimal(str(reported).strip().replace("−", "-"))
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int):
            raise InvalidOperation
    except InvalidOperation:
        raise ArgumentError(f'{reported!r} is no number: give it as printed, for example "0.70"') from None
    half = Fraction(1, 2) * Fraction(10) ** min(exponent, 0)
    return Fraction(number) - half, Fraction(number) + half


def possible(
    percent: float | str, kappa: float | str | None = None, *, n: int, categories: int, raters: int = 2, coefficient: str = "cohen"
) -> Possible:
    """Whether a percentage of agreement, a coefficient, and the sizes can stand together.

    Every rater rated each of the ``n`` subjects, and there are no weights.

    Parameters
    ----------
    percent : float or str
        Percent agreement as printed, from 0 to 100; a text keeps its decimals ("85.0"). Of more than two raters: of
        all pairs of ratings of a subject.
    kappa : float or str, optional
        The coefficient as printed. Without it only the percentage is checked.
    n, categories, raters : int
        Subjects, categories declared (used or not), raters.
    coefficient : str
        Of :data:`CHECKED`; ``cohen`` is for two raters.

    Returns
    -------
    Possible
        First the percentage: x agreeing pairs among n R (R - 1) / 2 must round to it (Brown & Heathers 2017, GRIM). Then
        the coefficient: by counting every way to rate where there are not too many, otherwise by
        :func:`kappa_bounds`.

    Raises
    ------
    ArgumentError
        For sizes that are none, an unknown coefficient, and Cohen's kappa of more than two raters.

    References
    ----------
    Brown & Heathers (2017), The GRIM test, Soc Psychol Personal Sci 8:363-369.

    Examples
    --------
    >>> possible("85", "0.95", n=20, categories=2).verdict
    'impossible'
    """
    _check(n, categories, raters, coefficient if kappa is not None else "percent")
    low, high = (limit / 100 for limit in rounded_from(percent))
    pairs = n * raters * (raters - 1) // 2
    many = n * pairs * math.comb(raters + categories - 1, categories - 1) > _WORK * 8  # then every percentage is reached
    ends = [max(low, Fraction(0)), min(high, Fraction(1))]
    reached = [p for p in (ends if many else agreements(n, categories, raters)) if low <= p <= high]
    if not reached:
        reason = f"no number of agreements among {pairs} pairs of ratings gives {percent} %"
        return Possible("impossible", math.nan, math.nan, True, reason)
    counts = " or ".join(str(round(p * pairs)) for p in reached[:3]) + (" or more" if len(reached) > 3 else "")
    if kappa is None:
        return Possible("possible", math.nan, math.nan, not many, f"{percent} % is {counts} of {pairs} pairs of ratings")
    found = None if many else _values(coefficient, reached, n, categories, raters)
    if found is None:
        bounds = [kappa_bounds(coefficient, p, categories, raters) for p in reached]
        least, most = min(b[0] for b in bounds), max(b[1] for b in bounds)
    else:
        least, most = float(min(found, default=math.nan)), float(max(found, default=math.nan))
    if math.isnan(least):
        return Possible("impossible", least, most, True, f"with {percent} % agreement {title_of(coefficient).words} is 0/0 whatever the ratings")
    from_, to = rounded_from(kappa)
    fits = any(from_ <= value <= to for value in found) if found is not None else (from_ <= most + 1e-12 and to >= least - 1e-12)
    inside = from_ <= most and to >= least
    span = f"with {percent} % agreement on {n} subjects {title_of(coefficient).words} can be from {least:.3f} to {most:.3f}"
    but = "" if fits else ", and no ratings give a value that rounds to " + str(kappa) if inside else f", not {kappa}"
    return Possible("possible" if fits else "impossible", least, most, found is not None, span + but)


def _check(n: int, categories: int, raters: int, coefficient: str) -> None:
    for name, size, least in (("n", n, 1), ("categories", categories, 2), ("raters", raters, 2)):
        if isinstance(size, bool) or not isinstance(size, int) or size < least:
            raise ArgumentError(f"{name}={size!r}: give a whole number of at least {least}")
    if coefficient not in (*CHECKED, "percent"):
        raise ArgumentError(f"{coefficient!r} cannot be checked by counting. {nearest(coefficient, CHECKED)}Choose from {', '.join(CHECKED)}.")
    if raters > 2 and coefficient in ("cohen", "scott"):
        raise ArgumentError(f"{coefficient!r} is for two raters, not {raters}; for more choose fleiss, gwet or brennan_prediger")


def agreements(n: int, categories: int, raters: int) -> list[Fraction]:
    """Every share of agreeing pairs that n subjects, each rated by all raters, can have; ascending."""
    one = {sum(r * (r - 1) // 2 for r in split) for split in _splits(raters, categories)}
    sums = 1  # bit s is set where the agreeing pairs of some subjects can sum to s
    for _ in range(n):
        sums = _added(sums, one)
    whole = n * raters * (raters - 1) // 2
    return [Fraction(s, whole) for s, bit in enumerate(bin(sums)[:1:-1]) if bit == "1"]


def _added(sums: int, one: set[int]) -> int:
    """The sums (as bits) that are reached when a subject adds any of ``one``."""
    following = 0
    for shift in one:
        following |= sums << shift
    return following


def _splits(total: int, places: int) -> Iterator[tuple[int, ...]]:
    """Every way to spread ``total`` over ``places``, in order."""
    if places == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _splits(total - first, places - 1):
            yield (first, *rest)


def kappa_bounds(coefficient: str, p: Fraction | float, categories: int, raters: int = 2) -> tuple[float, float]:
    """The least and the largest coefficient at an observed agreement p, whatever the margins: for many subjects.

    Returns
    -------
    (low, high) : float
        ``nan`` where it is 0/0 (all agree, for Cohen's and Fleiss' kappa in one category).

    Notes
    -----
    The coefficient falls as expected agreement e rises, so its bounds are those of e. With q categories and
    d = 1 - p:

    * Cohen: the largest e is p + d^2/2 (all agreement in one category, all disagreement between it and another, half in
      each direction), so kappa >= (p - 1)/(p + 1). The smallest is 1/q - d^2/2 while d <= 2/q (one rater's
      disagreements in one category, the other's in another, agreements filling up the margins), and p^2/(q - 2) beyond.
      For q = 2 that is the known maximum p^2 / (p^2 + 2 (1 - p)) (Lantz & Nebenzahl 1996).
    * Fleiss and Scott: e = sum of squared shares pi_k is at least 1/q; at most p + d^2/2 for two raters, and
      (p (R - 1) + 1)/R for R, because the square of a mean is at most the mean of the squares.
    * Gwet's AC1: e = (1 - sum pi_k^2)/(q - 1), between what the two bounds of the sum give.
    * Brennan-Prediger: e = 1/q; a single value.
    """
    p, q, d = float(p), categories, 1 - float(p)
    if coefficient == "brennan_prediger":
        least = most = 1 / q
    elif coefficient == "cohen":
        least, most = (1 / q - d * d / 2 if d <= 2 / q else p * p / (q - 2)), p + d * d / 2
    else:
        least, most = 1 / q, p + d * d / 2 if raters == 2 else (p * (raters - 1) + 1) / raters
        if coefficient == "gwet":
            least, most = (1 - most) / (q - 1), (1 - least) / (q - 1)
    return _chance_corrected(p, most), _chance_corrected(p, least)


def _chance_corrected(p: float, e: float) -> float:
    if p == 1:
        return 1.0  # or 0/0, where all ratings are in one category
    return (p - e) / (1 - e)


# --- counting every way to rate ---------------------------------------------------------------------------


def _values(coefficient: str, reached: list[Fraction], n: int, q: int, raters: int) -> list[Fraction] | None:
    """Every value the coefficient can have at those agreements; None where there are too many ways to count."""
    if coefficient == "brennan_prediger":
        return sorted((p - Fraction(1, q)) / (1 - Fraction(1, q)) for p in reached)
    if coefficient == "cohen":
        if sum(_ways(round(p * n), q) + _ways(n - round(p * n), q) ** 2 for p in reached) > _TABLES:
            return None
        expected = [(p, e) for p in reached for e in _cohen(round(p * n), n, q)]
    else:
        squares = _squares(reached, n, q, raters)
        if squares is None:
            return None
        expected = [(p, (1 - e) / (q - 1)) for p, e in squares] if coefficient == "gwet" else squares
    return [(p - e) / (1 - e) for p, e in expected if e != 1]


def _ways(total: int, places: int) -> int:
    return math.comb(total + places - 1, places - 1)


def _cohen(x: int, n: int, q: int) -> list[Fraction]:
    """Expected agreement of every q x q table of n subjects with x of them on the diagonal.

    A table enters by its diagonal d and by the row sums u and column sums v off the diagonal:
    n^2 e = sum (d_k + u_k)(d_k + v_k) = sum d_k^2 + sum d_k s_k + sum u_k v_k with s = u + v. Given u and v a table
    with an empty diagonal exists exactly if s_k <= n - x for all k: the u_k subjects of row k need columns other
    than k, of which n - x - v_k are free. The categories can be relabelled, so s in ascending order is enough.
    """
    off = n - x
    diagonal, side = (np.array(list(_splits(total, q))) for total in (x, off))
    s = side[:, None, :] + side[None, :, :]
    exists = (s <= off).all(axis=2) & (np.diff(s, axis=2) >= 0).all(axis=2)
    s, products = s[exists], (side @ side.T)[exists]
    reached = np.zeros(n * n + 1, dtype=bool)
    different, which = np.unique(s, axis=0, return_inverse=True)
    for i, sums in enumerate(different):
        own = np.unique((diagonal * (diagonal + sums)).sum(axis=1))
        reached[own[:, None] + np.unique(products[which.ravel() == i])] = True
    return [Fraction(int(e), n * n) for e in np.flatnonzero(reached)]


def _squares(reached: list[Fraction], n: int, q: int, raters: int) -> list[tuple[Fraction, Fraction]] | None:
    """(agreement, sum of squared shares of the categories) of every way to rate; None where there are too many.

    A subject adds its counts of all categories but the last, and its agreeing pairs. Which sums are reached is kept as the
    bits of one number, so that adding a subject is a shift.
    """
    pairs, total = raters * (raters - 1) // 2, n * raters
    widths = [n * pairs + 1, *[total + 1] * (q - 1)]
    bits, splits = math.prod(widths), list(_splits(raters, q))
    if bits * len(splits) * n > _WORK * 8 or bits > _WORK // 8:
        return None
    places = [math.prod(widths[:i]) for i in range(q)]
    shifts = {sum(r * (r - 1) // 2 for r in s) + sum(c * w for c, w in zip(s[:-1], places[1:], strict=True)) for s in splits}
    sums = 1
    for _ in range(n):
        sums = _added(sums, shifts)
    found = set()
    agreeing = {round(p * n * pairs): p for p in reached}
    text = bin(sums)[:1:-1]
    at = text.find("1")
    while at >= 0:
        rest, s = divmod(at, widths[0])
        if s in agreeing:
            counts = []
            for _ in range(q - 1):
                rest, c = divmod(rest, total + 1)
                counts.append(c)
            counts.append(total - sum(counts))
            found.add((agreeing[s], Fraction(sum(c * c for c in counts), total * total)))
        at = text.find("1", at + 1)
    return list(found)
