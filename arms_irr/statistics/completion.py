"""Best and worst case: what a coefficient could have been, had the missing ratings been given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, product
from math import comb, prod

import numpy as np

from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import Coefficient, View
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.weights import Floats

__all__ = ["Bounds", "bounds", "compositions"]

_ALL = 20_000  # completions that are simply all evaluated
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
    rows = [np.bincount(chosen, minlength=q) for chosen in combinations_with_replacement(range(q), n)]
    return np.array(rows, dtype=np.float64).reshape(-1, q)


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
        the unit's commonest category, everything in its rarest).
        ``nan`` where no completion gives a value. Completions that are 0/0 are left out.

    Raises
    ------
    ArgumentError
        For a coefficient that needs named raters.
    """
    if row.named:
        raise ArgumentError(f"bounds of {row.title} need every rater's own ratings filled in; use fleiss or gwet")
    missing = np.asarray(missing, dtype=np.int64)
    ways = [compositions(int(m), len(w)) for m in missing]
    if row.name in _SEPARABLE:
        method, found = "exact, each subject on its own", _separately(row, tally, ways, w)
    elif (total := prod(comb(int(m) + len(w) - 1, len(w) - 1) for m in missing)) <= _ALL:
        values = np.concatenate([_values(row, tally, batch, w) for batch in _everything(tally.counts, ways, total)])
        method, found = f"exact, all {total} completions", _extremes(values)
    else:
        low, high = (_search(row, tally, missing, ways, w, sign) for sign in (-1.0, 1.0))
        return Bounds(low, high, False, f"coordinate search from {len(w) + 2} starts")
    return Bounds(*found, True, method)


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


def _separately(row: Coefficient, tally: Tally, ways: list[Floats], w: Floats) -> tuple[float, float]:
    lowest, highest = tally.counts.copy(), tally.counts.copy()
    for unit, way in enumerate(ways):
        filled = tally.counts[unit] + way
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


def _starts(counts: Floats, missing: Codes) -> Iterator[Floats]:
    units, q = counts.shape
    chosen = [np.full(units, k) for k in range(q)] + [counts.argmax(axis=1), counts.argmin(axis=1)]
    for category in chosen:
        start = counts.copy()
        start[np.arange(units), category] += missing
        yield start
