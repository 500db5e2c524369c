"""Best and worst case: what a coefficient could have been, had the missing ratings been given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations, product
from math import comb, prod

import numpy as np

from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import Coefficient, View, coefficient
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.weights import Floats, ordinal_distance

__all__ = ["Bounds", "bounds", "compositions"]

_ALL = 20_000  # completions that are simply all evaluated
_SEVERAL = 100_000  # ways to complete a unit that are still tried one by one where units do not depend on each other,
_FEW = 300  # and where they do, in all units together
_CELLS = 2_000_000  # elements of one batch of counts
_SEPARABLE = ("percent", "brennan_prediger")  # chance agreement does not depend on the ratings


@dataclass(frozen=True)
class Bounds:
    """The lowest and highest value over all completions.

    ``exact`` says whether no completion lies further out; otherwise both are reached by a completion that the
    search found, and wider ones are not ruled out.
    """

    low: float
    high: float
    exact: bool
    method: str


def compositions(n: int, q: int) -> Floats:
    """Every way to spread n ratings over q categories: (C(n + q - 1, q - 1), q)."""
    rows, left = np.zeros((1, 0)), np.array([n])
    for _ in range(q - 1):  # each way so far goes on with all that are left, one less ... down to 0
        times = left + 1
        kept = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        rows, left = np.column_stack([np.repeat(rows, times, axis=0), np.repeat(left, times) - kept]), kept
    return np.column_stack([rows, left]).astype(np.float64)


def bounds(row: Coefficient, tally: Tally, missing: Codes, w: Floats) -> Bounds:
    """Manski's worst-case bounds of a coefficient over every way to fill in missing ratings.

    Parameters
    ----------
    row : Coefficient
        Of exchangeable raters (not ``row.named``): only the counts of a unit matter.
    tally : Tally
        The ratings given. A unit with missing ratings only must be there too, with counts of 0.
    missing : (U,) integer array
        Ratings to fill in per unit; any category is possible for each (Manski 1989, no assumption).
    w : (q, q) array
        Agreement weights.

    Returns
    -------
    Bounds
        *Percent agreement and Brennan-Prediger* are means over units with a fixed chance term, so every unit is
        pushed to its own extreme: exact. *Others*: all completions are evaluated when there are at most 20,000
        of them (exact); otherwise the best of a search that changes one unit at a time to its best completion
        given the others, until nothing improves, from q + 2 starts (everything in one category, everything in
        the unit's commonest category, everything in its rarest). Where hundreds of ratings are missing the ways are too
        many to try: then all units move at once along the linearised coefficient, from the same starts, in ever
        smaller transfers between two categories (and percent agreement and Brennan-Prediger are searched too).
        ``nan`` where no completion gives a value. Completions that are 0/0 are left out.

    Raises
    ------
    ArgumentError
        For a coefficient that needs named raters.
    """
    if row.named:
        raise ArgumentError(f"bounds of {row.title} need every rater's own ratings filled in; use fleiss or gwet")
    missing = np.asarray(missing, dtype=np.int64)
    q = len(w)
    each = [comb(int(m) + q - 1, q - 1) for m in missing]  # ways to complete each unit
    separable = row.name in _SEPARABLE
    if separable and max(each, default=1) <= _SEVERAL:
        return Bounds(*_separately(row, tally, missing, w), True, "exact, each subject on its own")
    if not separable and (total := prod(each)) <= _ALL:
        ways = [compositions(int(m), q) for m in missing]
        values = np.concatenate([_values(row, tally, batch, w) for batch in _everything(tally.counts, ways, total)])
        return Bounds(*_extremes(values), True, f"exact, all {total} completions")
    if not separable and sum(each) <= _FEW:
        ways = [compositions(int(m), q) for m in missing]
        low, high = (_search(row, tally, missing, ways, w, sign) for sign in (-1.0, 1.0))
        return Bounds(low, high, False, f"coordinate search from {q + 2} starts")
    low, high = (_climb(row, tally, missing, w, sign) for sign in (-1.0, 1.0))
    return Bounds(low, high, False, f"search along the linearised coefficient from {q + 2} starts")


def _values(row: Coefficient, tally: Tally, counts: Floats, w: Floats) -> Floats:
    """The coefficient of each version (B, U, q) of the counts; ``nan`` where it is 0/0."""
    view = View(replace(tally, counts=counts[0], codes=None), counts, tally.weight)
    observed, expected = row.evaluate(view, w)
    observed, expected = np.broadcast_arrays(observed, expected)
    room = 1 - expected
    return np.asarray(np.divide(observed - expected, room, out=np.full(room.shape, np.nan), where=np.abs(room) > 1e-12))


def _extremes(values: Floats) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    return (float(values.min()), float(values.max())) if len(values) else (np.nan, np.nan)


def _separately(row: Coefficient, tally: Tally, missing: Codes, w: Floats) -> tuple[float, float]:
    lowest, highest = tally.counts.copy(), tally.counts.copy()
    for unit, n in enumerate(missing.tolist()):
        filled = tally.counts[unit] + compositions(n, len(w))
        agree = (filled * (filled @ w - 1)).sum(axis=1)  # the number of pairs is the same for every way
        lowest[unit], highest[unit] = filled[np.argmin(agree)], filled[np.argmax(agree)]
    low, high = _values(row, tally, np.stack([lowest, highest]), w)
    return float(low), float(high)


def _everything(counts: Floats, ways: list[Floats], total: int) -> Iterator[Floats]:
    step = max(1, _CELLS // counts.size)
    batch = []
    for index, chosen in enumerate(product(*ways), 1):
        batch.append(counts + np.stack(chosen))
        if len(batch) == step or index == total:
            yield np.stack(batch)
            batch = []


def _search(row: Coefficient, tally: Tally, missing: Codes, ways: list[Floats], w: Floats, sign: float) -> float:
    """The highest value of sign times the coefficient that coordinate ascent reaches, in the coefficient's sign."""
    best = np.nan
    for start in _starts(tally.counts, missing):
        counts, value = start.copy(), sign * float(_values(row, tally, start[None], w)[0])
        improved = True
        while improved:
            improved = False
            for unit in np.flatnonzero(missing):
                versions = np.repeat(counts[None], len(ways[unit]), axis=0)
                versions[:, unit] = tally.counts[unit] + ways[unit]
                values = sign * _values(row, tally, versions, w)
                if np.isnan(values).all():
                    continue
                top = int(np.nanargmax(values))
                if np.isnan(value) or values[top] > value + 1e-12:
                    counts, value, improved = versions[top], float(values[top]), True
        best = value if np.isnan(best) else max(best, value) if not np.isnan(value) else best
    return sign * best


def _climb(row: Coefficient, tally: Tally, missing: Codes, w: Floats, sign: float) -> float:
    """As :func:`_search`, for ways too many to try: all units at once along the linearised coefficient, in ever smaller transfers."""
    starts = np.stack(list(_starts(tally.counts, missing)))
    values = sign * _values(row, tally, starts, w)
    if np.isnan(values).all():
        return np.nan
    pairs = list(permutations(range(len(w)), 2))
    direction = np.zeros((len(pairs), len(w)))
    for i, (giver, taker) in enumerate(pairs):
        direction[i, [giver, taker]] = -1, 1
    best = -np.inf
    for at in np.flatnonzero(~np.isnan(values)):
        added, value, size = starts[at] - tally.counts, float(values[at]), float(missing.max())
        while size:
            gain, change = _transfers(row, tally, added, w, sign, direction, size)
            moved, reached = _best_prefix(row, tally, added, change, gain, w, sign)
            if reached > value + 1e-12:
                added, value = moved, reached
            else:
                size = size // 2
        best = max(best, value)
    return sign * best


def _transfers(
    row: Coefficient, tally: Tally, added: Floats, w: Floats, sign: float, direction: Floats, size: float
) -> tuple[Floats, Floats]:
    """(U,) what the best transfer of up to ``size`` ratings gains in each unit, linearised, and (U, q) that transfer."""
    counts, (units, q) = tally.counts + added, added.shape
    giver = direction.argmin(axis=1)
    moves = np.minimum(size, added[:, giver])[..., None] * direction  # (U, P, q)
    if row.influence is None:  # the ordinal metric, as it is now
        distance = ordinal_distance((counts * (counts.sum(axis=1) >= 2)[:, None]).sum(axis=0))
        row, w = coefficient("krippendorff"), 1 - distance / max(distance.max(), 1e-300)
    rows = np.concatenate([counts, (counts[:, None] + moves).reshape(-1, q)])
    weight = np.concatenate([tally.weight, np.zeros(units * len(direction))])  # a row of weight 0 only asks what it would contribute
    assert row.influence is not None
    terms = sign * row.influence(Tally(rows, tally.scores, None, weight), w)
    gains = np.nan_to_num(terms[units:].reshape(units, -1) - terms[:units, None])
    top = gains.argmax(axis=1)
    return gains[np.arange(units), top], moves[np.arange(units), top]


def _best_prefix(
    row: Coefficient, tally: Tally, added: Floats, change: Floats, gain: Floats, w: Floats, sign: float
) -> tuple[Floats, float]:
    """The transfers of the units that gain most: all of those that gain, half of them, a quarter ... whichever comes out best."""
    order = np.argsort(-gain)
    n = int((gain > 0).sum())
    if not n:
        return added, -np.inf
    sizes = [n >> k for k in range(n.bit_length())]
    taken = np.zeros((len(sizes), len(gain), 1))
    for i, k in enumerate(sizes):
        taken[i, order[:k]] = 1
    versions = added + taken * change
    values = sign * _values(row, tally, tally.counts + versions, w)
    if np.isnan(values).all():
        return added, -np.inf
    top = int(np.nanargmax(values))
    return versions[top], float(values[top])


def _starts(counts: Floats, missing: Codes) -> Iterator[Floats]:
    units, q = counts.shape
    chosen = [np.full(units, k) for k in range(q)] + [counts.argmax(axis=1), counts.argmin(axis=1)]
    for category in chosen:
        start = counts.copy()
        start[np.arange(units), category] += missing
        yield start
