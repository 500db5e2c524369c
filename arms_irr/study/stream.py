"""Counting ratings of any number: one count per combination of labels, and one sum per rater.

Nothing here knows a coefficient. What follows from the counts costs milliseconds, however many ratings there were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError
from arms_irr.study.batches import Column, batches

__all__ = ["Counts", "Gold", "count_ratings", "sums_by_rater"]

_CHUNK = 1 << 16  # ratings counted at once: what fits into the cache
_FINE = 1 << 14  # ratings whose values are looked up at once: their numbers are wider
_MOST_CELLS = 1 << 26  # combinations of labels that are counted

Codes = npt.NDArray[np.integer[Any]]


class Gold(NamedTuple):
    """The gold category of each subject: ``value[label of columns[0], label of columns[1], ...]``."""

    columns: tuple[str, ...]
    value: Mapping[tuple[Any, ...], Any]


@dataclass(frozen=True)
class Counts:
    """How often each combination of labels occurs.

    Attributes
    ----------
    columns : tuple of str
    labels : tuple of list
        Those of each column that occur, numbers ascending, then text in the order of the alphabet.
    table : integer array
        One axis per column.
    n_blank : int
        Rows without a rating; they are not counted.
    """

    columns: tuple[str, ...]
    labels: tuple[list[Any], ...]
    table: npt.NDArray[np.int64]
    n_blank: int = 0


def count_ratings(source: Any, *tables: Sequence[str], rating: str = "rating", gold: Gold | None = None) -> tuple[Counts, ...]:
    """Count the ratings for each combination of labels, in one pass for every table asked for.

    Parameters
    ----------
    source : path, mapping or frame
        A Parquet file, of which a million rows at a time and only the columns asked for are read; a mapping of
        names to equally long arrays; or a frame of any engine that narwhals knows (pandas, polars eager or lazy,
        pyarrow, DuckDB, Dask ...), which does its own counting.
    *tables : sequence of str
        Columns of numbers or text. The rating is added as the last axis of each.
    rating : str
        The column with the rating; empty cells and nan are not rated.
    gold : Gold, optional
        Adds the column ``gold``, the gold category of each rating's subject. Ratings of subjects without one
        are left out of the tables that name it.

    Raises
    ------
    ArgumentError
        For a file or columns that are not there, empty cells in the columns, and more than 67 million combinations.
    """
    known = {"gold"} if gold else set()
    needed = tuple(dict.fromkeys([*(c for t in tables for c in t if c not in known), *(gold.columns if gold else ()), rating]))
    counters = [_Counter((*table, rating)) for table in tables]
    lookup, n_blank = None if gold is None else _Lookup(gold), 0
    for columns, blank in batches(source, needed, rating, whole=gold is not None):
        n_blank += blank
        if lookup is not None:
            columns["gold"] = lookup.column(columns)
        for counter in counters:
            counter.add(columns)
    return tuple(counter.counts(n_blank) for counter in counters)


# --- the counter --------------------------------------------------------------------------------------------


@dataclass
class _Axis:
    """The labels met so far and their places; the numbers 0 .. dense - 1 stand at their own value."""

    places: dict[Any, int] = field(default_factory=dict)
    dense: int = 0

    def of(self, labels: Sequence[Any]) -> Codes:
        """Where the labels stand."""
        if isinstance(labels, range) and 0 <= labels.start <= self.dense == len(self.places):
            self.places.update(zip(new := range(self.dense, labels.stop), new, strict=True))
            self.dense = len(self.places)
            return np.arange(labels.start, labels.stop)
        return np.array([self.places.setdefault(label, len(self.places)) for label in labels], dtype=np.int64)


def _numbered(shape: Sequence[int], codes: Sequence[Codes]) -> Codes:
    """The number of each combination of codes, in the narrowest type that holds it."""
    kind = np.int16 if prod(shape) < 1 << 15 else np.int32
    key = codes[0].astype(kind)
    for n, code in zip(shape[1:], codes[1:], strict=True):
        key *= kind(n)
        np.add(key, code, out=key, casting="unsafe")
    return key


def _checked_size(columns: Sequence[str], shape: Sequence[int]) -> int:
    if prod(shape) > _MOST_CELLS:
        sizes = ", ".join(f"{name} {n}" for name, n in zip(columns, shape, strict=True))
        raise ArgumentError(f"too many combinations to count: {sizes}. Leave a column out, or count a part of the ratings.")
    return prod(shape)


class _Counter:
    """A table of counts that grows with the labels it meets."""

    def __init__(self, columns: tuple[str, ...]):
        if len(set(columns)) < len(columns):
            raise ArgumentError(f"a column is named twice: {', '.join(columns)}")
        self.columns = columns
        self.axes = [_Axis() for _ in columns]
        self.table = np.zeros((0,) * len(columns), dtype=np.int64)

    def add(self, batch: Mapping[str, Any]) -> None:
        """Count the rows of a batch by its own codes, then put the counts where its labels stand.

        ``batch["#"]``, where it is there, says how often each row counts.
        """
        parts = [batch[name] for name in self.columns]
        shape, times = tuple(len(part.labels) for part in parts), batch.get("#")
        size = _checked_size(self.columns, shape)
        counted = np.zeros(size, dtype=np.int64)
        step = max(_CHUNK, 2 * size)
        for start in range(0, len(parts[0].codes), step):
            rows = slice(start, start + step)
            key = _numbered(shape, [part.codes[rows] for part in parts])
            counted += np.bincount(key, None if times is None else times[rows], minlength=size).astype(np.int64, copy=False)
        places = [axis.of(part.labels) for axis, part in zip(self.axes, parts, strict=True)]
        self._grow()
        self.table[np.ix_(*places)] += counted.reshape(shape)

    def _grow(self) -> None:
        shape = tuple(len(axis.places) for axis in self.axes)
        if shape == self.table.shape:
            return
        _checked_size(self.columns, shape)
        grown = np.zeros(shape, dtype=np.int64)
        grown[tuple(slice(n) for n in self.table.shape)] = self.table
        self.table = grown

    def counts(self, n_blank: int) -> Counts:
        """What was counted: the labels that occur, in order."""
        labels, table = [], self.table
        for axis, column in enumerate(self.axes):
            names = list(column.places)
            occurs = table.any(axis=tuple(a for a in range(table.ndim) if a != axis))
            order = sorted((i for i in np.flatnonzero(occurs).tolist() if names[i] is not None), key=lambda i: _in_order(names[i]))
            labels.append([names[i] for i in order])
            table = np.take(table, order, axis=axis)
        return Counts(self.columns, tuple(labels), table, n_blank)


def _in_order(label: Any) -> tuple[bool, Any]:
    return (False, label) if isinstance(label, (int, float)) else (True, str(label))


class _Lookup:
    """The gold category of each row, by the labels of its subject."""

    def __init__(self, gold: Gold):
        self.gold = gold
        self.values = [*dict.fromkeys(gold.value.values()), None]  # None: no gold standard
        self.labels: list[Sequence[Any]] = []

    def column(self, batch: Mapping[str, Any]) -> Column:
        """The column ``gold`` of a batch."""
        parts = [batch[name] for name in self.gold.columns]
        shape = tuple(len(part.labels) for part in parts)
        labels = [part.labels for part in parts]
        if labels != self.labels:
            self.labels = labels
            self._code(shape)
        codes = np.empty(len(parts[0].codes), dtype=np.int8)
        for start in range(0, len(codes), _CHUNK):
            rows = slice(start, start + _CHUNK)
            np.take(self.code, _numbered(shape, [part.codes[rows] for part in parts]), out=codes[rows], mode="clip")
        return Column(self.values, codes)

    def _code(self, shape: tuple[int, ...]) -> None:
        """The category's code for each combination of the subject's labels."""
        place = {value: code for code, value in enumerate(self.values)}
        at = [{label: i for i, label in enumerate(labels)} for labels in self.labels]
        code = np.full(shape, len(self.values) - 1, dtype=np.int8)
        for labels, value in self.gold.value.items():
            where = tuple(index.get(label, -1) for index, label in zip(at, labels, strict=True))
            if min(where) >= 0:
                code[where] = place[value]
        self.code = code.reshape(-1)


# --- the second pass ----------------------------------------------------------------------------------------


def sums_by_rater(
    source: Any, counts: Counts, rater: str, values: npt.NDArray[np.float64], part: Codes
) -> tuple[list[Any], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Add up a value for each rating by rater and part of the subjects, in one more pass.

    Parameters
    ----------
    source : path, mapping or frame
        The same that was counted.
    counts : Counts
        Of its subjects.
    rater : str
        The rater's column.
    values : (m, *subjects, q) array
        m values for each rating of a subject in a category; the axes are those of ``counts.table``.
    part : (*subjects) integer array
        The part of each subject, from 0.

    Returns
    -------
    raters : list
    sums : (m, R, P) array
    times : (R, P) array
        How many ratings of the rater lie in the part.

    Raises
    ------
    ArgumentError
        If there are other ratings than were counted, and for more than 67 million sums of a value.
    """
    *subject, rating = counts.columns
    parts, axis = int(part.max(initial=-1)) + 1, _Axis()
    sums, m = np.zeros((len(values) + 1, 0, parts)), len(values)  # the last one counts the ratings
    for batch, _ in batches(source, (*subject, rater, rating), rating, whole=True, long=rater):
        keys, own = [batch[name] for name in counts.columns], batch[rater]
        places = [_places(labels, key.labels) for labels, key in zip(counts.labels, keys, strict=True)]
        chosen = values[np.ix_(range(m), *places)].reshape(m, -1)
        where = np.repeat(part[np.ix_(*places[:-1])].astype(np.int64).ravel(), len(places[-1]))
        _checked_size((rater, "group"), (len(own.labels), parts))
        found = _summed(keys, own.codes, chosen, where, (len(own.labels), parts))
        at, grown = axis.of(own.labels), len(axis.places) - sums.shape[1]
        if sums.shape[1] == 0:  # the first batch's labels stand in its own order
            sums = found
            continue
        sums = np.concatenate([sums, np.zeros((m + 1, grown, parts))], axis=1) if grown else sums
        sums[:, at] += found
    raters, n = list(axis.places), sums[m].sum()
    if n != counts.table.sum():
        raise ArgumentError(f"{int(n)} ratings were read, but {counts.table.sum()} were counted before: "
                            "the source has changed, or can be read only once")
    there = sums[m].any(axis=1)
    if not there.all():
        raters, sums = [name for name, met in zip(raters, there, strict=True) if met], sums[:, there]
    return raters, sums[:m], sums[m]


def _places(labels: Sequence[Any], wanted: Sequence[Any]) -> Codes:
    """Where the labels stand; anywhere for one that does not occur."""
    place = {label: i for i, label in enumerate(labels)}
    return np.array([place.get(label, 0) for label in wanted], dtype=np.int64)


def _summed(
    keys: Sequence[Column], rater: Codes, values: npt.NDArray[np.float64], part: Codes, shape: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """(m + 1, R, P) sums of the values of a batch and the number of ratings, in chunks that stay in the cache where a rater's rows stand together."""
    sizes, parts = [len(key.labels) for key in keys], shape[1]
    total = np.zeros((len(values) + 1, shape[0] * parts))
    span = (int(np.ptp(rater[:_FINE])) + 1) * parts if len(rater) else 0
    step = max(_FINE, 2 * span)
    for start in range(0, len(rater), step):
        rows = slice(start, start + step)
        key, own = _numbered(sizes, [k.codes[rows] for k in keys]).astype(np.intp), rater[rows]
        low = int(own.min())
        at = (own - own.dtype.type(low)).astype(np.int64)
        at *= parts
        at += part.take(key)
        for out, value in zip(total, [*values, None], strict=True):
            found = np.bincount(at, None if value is None else value.take(key))
            out[low * parts : low * parts + len(found)] += found
    return total.reshape(-1, *shape)
