"""How fragile is a verdict? The fewest single ratings that must change for a coefficient to cross a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import Coefficient, View
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.weights import Floats

__all__ = ["Change", "Fragility", "fragility"]

_STATES = 30_000  # sets of changes that are looked at to prove that fewer will not do
_CELLS = 2_000_000  # elements of one batch of counts


@dataclass(frozen=True)
class Change:
    """One rating changed: unit and rater as positions in the tally, categories as codes."""

    unit: int
    rater: int
    old: int
    new: int


@dataclass(frozen=True)
class Fragility:
    """The changes that cross the line, in the order in which they were chosen.

    Attributes
    ----------
    value, bound : float
        The coefficient as it is, and the line.
    changes : tuple of Change
        Empty where no line is crossed within the most that was tried.
    crossed : bool
    at_least : int
        So many changes are needed for certain; equal to ``count`` where the number is proven.
    after : float
        The coefficient after the changes.
    """

    value: float
    bound: float
    changes: tuple[Change, ...]
    crossed: bool
    at_least: int
    after: float

    @property
    def count(self) -> int:
        """How many ratings were changed."""
        return len(self.changes)

    @property
    def proven(self) -> bool:
        """Whether no smaller number of changes crosses the line."""
        return self.crossed and self.at_least == self.count


def fragility(row: Coefficient, tally: Tally, w: Floats, bound: float, *, most: int = 20) -> Fragility:
    """How many single ratings must change for a coefficient to cross ``bound``.

    A value at or above the bound must fall below it; a value below must reach it. One rating at a time is
    changed to another category: the one that moves the coefficient furthest. This greedy number can be too high;
    the first step looks at every single change, so 1 and 2 are always proven, and larger numbers are proven by
    trying every smaller set of changes where there are at most 30,000 of them (a smaller set that crosses is then
    what is returned).

    Parameters
    ----------
    row : Coefficient
    tally : Tally
        With codes, so that a change belongs to a rater.
    w : (q, q) array
        Agreement weights.
    bound : float
    most : int
        Changes after which to stop looking.

    Returns
    -------
    Fragility
        A change that leaves the coefficient 0/0 does not count as crossing. A coefficient that is ``nan`` to
        begin with crosses nothing.
    """
    if tally.codes is None:
        raise ArgumentError("fragility needs to know which rater gave which rating, not only counts")
    if not -1 < bound <= 1:
        raise ArgumentError(f"a bound of {bound!r} is not a value of a coefficient: give one above -1 and up to 1")
    tally = row.prepare(tally)
    assert tally.codes is not None
    value = float(_values(row, tally, tally.codes[None], w)[0])
    sign = -1.0 if value >= bound else 1.0
    codes, now = tally.codes.astype(np.int64), value
    changes: list[Change] = []
    while not np.isnan(now) and not _crossed(now, bound, sign) and len(changes) < most:
        single = _single_changes(row, codes, len(w))
        values = _after(row, tally, codes, single, w)
        if np.isnan(values).all():
            break
        # A change that crosses ends it; among equals the first subject and rater.
        best = int(np.nanargmax(np.round(sign * values, 12)))
        if sign * values[best] <= sign * now:
            break
        unit, rater, new = (int(x) for x in single[best])
        changes.append(Change(unit, rater, int(codes[unit, rater]), new))
        codes[unit, rater], now = new, float(values[best])
    if not (changes and _crossed(now, bound, sign)):
        return Fragility(value, bound, tuple(changes), False, 0 if np.isnan(value) else min(2, most), now)
    at_least, better = _proven(row, tally, w, bound, sign, len(changes))
    if better is not None:
        old = tally.codes
        changes = [Change(int(u), int(r), int(old[u, r]), int(better[u, r])) for u, r in np.argwhere(better != old)]
        now = float(_values(row, tally, better[None], w)[0])
    return Fragility(value, bound, tuple(changes), True, at_least, now)


def _crossed(value: float | Floats, bound: float, sign: float) -> npt.NDArray[np.bool_]:
    return np.asarray(value >= bound if sign > 0 else value < bound)


def _single_changes(row: Coefficient, codes: Codes, q: int) -> Codes:
    """Every (unit, rater, new category); for exchangeable raters one of those that give the same counts."""
    unit, rater = np.nonzero(codes >= 0)
    old = codes[unit, rater]
    if not row.named:
        _, first = np.unique(unit * q + old, return_index=True)
        unit, rater, old = unit[first], rater[first], old[first]
    every = np.repeat(np.stack([unit, rater, old], axis=1), q, axis=0)
    new = np.tile(np.arange(q), len(unit))
    different = new != every[:, 2]
    return np.column_stack([every[different, :2], new[different]])


def _after(row: Coefficient, tally: Tally, codes: Codes, single: Codes, w: Floats) -> Floats:
    """The coefficient after each of the single changes."""
    step, values = max(1, _CELLS // (codes.size * len(w))), np.empty(len(single))
    for start in range(0, len(single), step):
        chosen = single[start : start + step]
        versions = np.repeat(codes[None], len(chosen), axis=0)
        versions[np.arange(len(chosen)), chosen[:, 0], chosen[:, 1]] = chosen[:, 2]
        values[start : start + step] = _values(row, tally, versions, w)
    return values


def _values(row: Coefficient, tally: Tally, versions: Codes, w: Floats) -> Floats:
    """The coefficient of each version (B, U, R) of the codes; ``nan`` where it is 0/0."""
    if row.named:  # each rater's own margins change too
        pairs = [row.evaluate(View.whole(t), w) for t in _tallies(tally, versions)]
        observed, expected = (np.array(side, dtype=np.float64) for side in zip(*pairs, strict=True))
    else:
        counts = np.stack([(versions == k).sum(axis=2) for k in range(len(w))], axis=2).astype(np.float64)
        observed, expected = np.broadcast_arrays(*row.evaluate(View(tally, counts, tally.weight), w))
    room = 1 - expected
    return np.asarray(np.divide(observed - expected, room, out=np.full(room.shape, np.nan), where=np.abs(room) > 1e-12))


def _tallies(tally: Tally, versions: Codes) -> Iterator[Tally]:
    for codes in versions:
        yield replace(Tally.from_codes(codes, tally.scores), weight=tally.weight)


def _proven(row: Coefficient, tally: Tally, w: Floats, bound: float, sign: float, count: int) -> tuple[int, Codes | None]:
    """The number of changes that is certainly needed, by looking at every set of fewer than ``count``; and the
    codes after the smallest set that crosses, where one is smaller than ``count``."""
    assert tally.codes is not None
    q = len(w)
    level: list[Codes] = [tally.codes.astype(np.int64)]
    seen = {_key(row, tally.codes)}
    for fewer in range(1, count):
        found: list[Codes] = []
        for codes in level:
            for unit, rater, new in _single_changes(row, codes, q):
                changed = codes.copy()
                changed[unit, rater] = new
                key = _key(row, changed)
                if key in seen:
                    continue
                seen.add(key)
                found.append(changed)
                if len(seen) > _STATES:
                    return max(fewer, min(2, count)), None
        step = max(1, _CELLS // (tally.codes.size * q))
        for start in range(0, len(found), step):
            values = _values(row, tally, np.stack(found[start : start + step]), w)
            across = ~np.isnan(values) & _crossed(values, bound, sign)
            if across.any():
                return fewer, found[start + int(np.argmax(across))]
        level = found
    return count, None


def _key(row: Coefficient, codes: Codes) -> bytes:
    """What the coefficient can tell apart: for exchangeable raters the categories of a unit in order."""
    return np.ascontiguousarray(codes if row.named else np.sort(codes, axis=1), dtype=np.int8).tobytes()
