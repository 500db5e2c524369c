"""Coding: columns of text become columns of integers, and every text that does not fit is a Problem once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from arms_irr.instruments import Instrument

__all__ = ["Coded", "coded", "each_value", "factor_names", "fold", "natural", "repeats"]


class Coded(NamedTuple):
    """A column as different labels and, per cell, the position of its label; None labels the empty cell."""

    labels: Sequence[str | None]
    codes: np.ndarray

    def take(self, cells: np.ndarray) -> Coded:
        """The cells at these positions (or where this mask is true)."""
        return Coded(self.labels, self.codes[cells])

    def map(self, number: Callable[[str], int], empty: int) -> np.ndarray:
        """The number of each cell, asked for once a label."""
        numbers = [empty if label is None else number(label) for label in self.labels]
        return np.array(numbers, dtype=np.int64)[self.codes] if numbers else np.zeros(0, np.int64)


def coded(values: Iterable[str | None], size: int) -> Coded:
    """``size`` cells, their labels in order of appearance."""
    seen: dict[str | None, int] = {}
    codes = np.fromiter((seen.setdefault(value, len(seen)) for value in values), np.int64, size)
    return Coded(list(seen), codes)


def each_value(column: Coded, bad: np.ndarray) -> Iterator[tuple[str | None, np.ndarray]]:
    """Every label among the ``bad`` cells (a mask) with the positions of its bad cells."""
    cells = np.flatnonzero(bad)
    codes = column.codes[cells]
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    for group in np.split(cells[order], starts[1:]) if len(cells) else ():
        yield column.labels[column.codes[group[0]]], group


def repeats(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Cells with the same key.

    Returns
    -------
    copies : int array
        Positions of the cells that repeat an earlier one with the same key and value.
    conflicts : list of int arrays
        Positions of the cells of each key that occurs with different values.
    """
    order = np.argsort(keys, kind="stable")
    first = np.diff(keys[order], prepend=keys[order][:1] - 1) != 0
    group = np.cumsum(first) - 1
    start = np.flatnonzero(first)
    differs = values[order] != values[order][start][group]
    conflicting = np.unique(group[differs])
    ends = np.append(start[1:], len(keys))
    conflicts = [np.sort(order[start[g] : ends[g]]) for g in conflicting.tolist()]
    agreed = ~np.isin(group, conflicting)
    return np.sort(order[~first & agreed]), conflicts


def fold(text: str) -> str:
    """A header or id without regard to case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_\-]+", "_", text.casefold())


def factor_names(instrument: Instrument) -> dict[str, int]:
    """Position of the factor for each id and label, folded; an id wins over another factor's label."""
    labels = {fold(factor.label): index for index, factor in enumerate(instrument.factors)}
    return labels | {fold(factor.id): index for index, factor in enumerate(instrument.factors)}


def natural(text: str) -> tuple[tuple[object, ...], str]:
    """A sorting key that puts R2 before R10."""
    parts = re.split(r"([0-9]+)", text)
    # Cut at 400 digits: Python refuses to turn longer ones into a number.
    return tuple(int(part[:400]) if i % 2 else part for i, part in enumerate(parts)), text
