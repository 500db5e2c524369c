"""How fragile is a verdict? The fewest single ratings that must change for a coefficient to cross a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    slots = _slots(row, tally)
    value = float(_values(row, tally, slots[None], w)[0])
    sign = -1.0 if value >= bound else 1.0
    state, now, every = slots, value, _moves(*slots.shape)
    moves: list[Codes] = []
    while not np.isnan(now) and not _crossed(now, bound, sign) and len(moves) < most:
        possible = every[state[every[:, 0], every[:, 1]] > 0]
        values = _after(row, tally, state, possible, w)
        if np.isnan(values).all():
            break
        # A change that crosses ends it; among equals the first subject and rater.
        best = int(np.nanargmax(np.round(sign * values, 12)))
        if sign * values[best] <= sign * now:
            break
        moves.append(possible[best])
        state, now = _moved(state[None], possible[best : best + 1])[0], float(values[best])
    crossed = bool(moves) and bool(_crossed(now, bound, sign))
    changes, codes = _changes(row, tally.codes, moves)
    if not crossed:
        return Fragility(value, bound, changes, False, 0 if np.isnan(value) else min(2, most), now)
    at_least, better = _proven(row, tally, w, bound, sign, len(moves))
    if better is not None:
        _, codes = _changes(row, tally.codes, better)
        changes = tuple(Change(int(u), int(r), int(tally.codes[u, r]), int(codes[u, r])) for u, r in np.argwhere(codes != tally.codes))
        for move in better:
            slots = _moved(slots[None], move[None])[0]
        now = float(_values(row, tally, slots[None], w)[0])
    return Fragility(value, bound, changes, True, at_least, now)


def _crossed(value: float | Floats, bound: float, sign: float) -> npt.NDArray[np.bool_]:
    return np.asarray(value >= bound if sign > 0 else value < bound)


# --- what can be changed: a state is how many ratings of each category every slot holds ----------------------


def _slots(row: Coefficient, tally: Tally) -> Codes:
    """(S, q) ratings per category of every slot: a unit, or a unit and a rater where the coefficient tells raters apart.

    What exchangeable raters gave counts once, however many of them gave it: that is what keeps the search small.
    """
    slots = tally.onehot.reshape(-1, len(tally.scores)) if row.named else tally.counts
    return np.asarray(slots, dtype=np.int32)


def _moves(slots: int, q: int) -> Codes:
    """(S q (q - 1), 3) every slot, category and other category, in this order."""
    slot, old, new = (side.ravel() for side in np.indices((slots, q, q)))
    return np.asarray(np.column_stack([slot, old, new])[old != new])


def _moved(states: Codes, moves: Codes) -> Codes:
    """The states (B, S, q), or one state (1, S, q) B times, each after a move of its own."""
    after = np.array(np.broadcast_to(states, (len(moves), *states.shape[1:])))
    which, (slot, old, new) = np.arange(len(moves)), moves.T
    after[which, slot, old] -= 1
    after[which, slot, new] += 1
    return after


def _after(row: Coefficient, tally: Tally, state: Codes, moves: Codes, w: Floats) -> Floats:
    """The coefficient after each single move."""
    step = max(1, _CELLS // state.size)
    parts = [_values(row, tally, _moved(state[None], moves[start : start + step]), w) for start in range(0, len(moves), step)]
    return np.concatenate([np.empty(0), *parts])


def _values(row: Coefficient, tally: Tally, states: Codes, w: Floats) -> Floats:
    """(B,) the coefficient of every state (B, S, q); ``nan`` where it is 0/0."""
    assert tally.codes is not None
    if row.named:  # each rater's own margins change too
        codes = np.where(states.any(axis=2), states.argmax(axis=2), -1).reshape(len(states), *tally.codes.shape)
        pairs = [row.evaluate(View.whole(t), w) for t in _tallies(tally, codes)]
        observed, expected = (np.array(side, dtype=np.float64) for side in zip(*pairs, strict=True))
    else:
        observed, expected = np.broadcast_arrays(*row.evaluate(View(tally, states.astype(np.float64), tally.weight), w))
    room = 1 - expected
    return np.asarray(np.divide(observed - expected, room, out=np.full(room.shape, np.nan), where=np.abs(room) > 1e-12))


def _tallies(tally: Tally, versions: Codes) -> Iterator[Tally]:
    for codes in versions:
        yield replace(Tally.from_codes(codes, tally.scores), weight=tally.weight)


def _changes(row: Coefficient, codes: Codes, moves: Sequence[Codes]) -> tuple[tuple[Change, ...], Codes]:
    """Whose ratings the moves change, of exchangeable raters the first one's with that rating; and the codes thereafter."""
    codes, changes = codes.astype(np.int64), []
    for slot, old, new in (map(int, move) for move in moves):
        unit, rater = divmod(slot, codes.shape[1]) if row.named else (slot, int(np.argmax(codes[slot] == old)))
        changes.append(Change(unit, rater, old, new))
        codes[unit, rater] = new
    return tuple(changes), codes


# --- the proof ----------------------------------------------------------------------------------------------


def _proven(row: Coefficient, tally: Tally, w: Floats, bound: float, sign: float, count: int) -> tuple[int, list[Codes] | None]:
    """The number of changes that is certainly needed, by looking at every set of fewer than ``count``; and the
    moves of the smallest set that crosses, where one is smaller than ``count``.

    A state is known by a sum of random 64-bit numbers, one for each slot and category, so that a move changes its
    key by a difference that is known beforehand; two of the 30,000 states share a key once in ten billion searches.
    """
    start = _slots(row, tally)
    moves, sizes = _moves(*start.shape), start.shape
    number = np.random.default_rng(0).integers(np.iinfo(np.int64).min, np.iinfo(np.int64).max, sizes)
    shift = number[moves[:, 0], moves[:, 2]] - number[moves[:, 0], moves[:, 1]]
    states, keys, paths = start[None], np.zeros(1, dtype=np.int64), np.empty((1, 0), dtype=np.int64)
    seen = keys
    for fewer in range(1, count):
        found = _neighbours(states, keys, seen, moves, shift)
        if found is None:
            return max(fewer, min(2, count)), None
        parent, move = found
        keys, paths = keys[parent] + shift[move], np.column_stack([paths[parent], move])
        seen = np.concatenate([seen, keys])
        states = _moved(states[parent], moves[move])
        step = max(1, _CELLS // start.size)
        for first in range(0, len(states), step):
            values = _values(row, tally, states[first : first + step], w)
            across = ~np.isnan(values) & _crossed(values, bound, sign)
            if across.any():
                return fewer, list(moves[paths[first + int(np.argmax(across))]])
    return count, None


def _neighbours(states: Codes, keys: Codes, seen: Codes, moves: Codes, shift: Codes) -> tuple[Codes, Codes] | None:
    """The state and the move that lead first to every state not seen yet; None where there are too many to look at."""
    known, parents, taken = seen, [], []
    step = max(1, 4 * _STATES // len(moves))  # no more at once than is needed to find that there are too many
    for first in range(0, len(states), step):
        part = states[first : first + step]
        parent, move = np.nonzero(part[:, moves[:, 0], moves[:, 1]] > 0)
        reached = keys[first + parent] + shift[move]
        _, once = np.unique(reached, return_index=True)
        once = np.sort(once[~np.isin(reached[once], known)])
        known = np.concatenate([known, reached[once]])
        parents.append(first + parent[once])
        taken.append(move[once])
        if len(known) > _STATES:
            return None
    return np.concatenate(parents), np.concatenate(taken)
