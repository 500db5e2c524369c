"""Counting ratings of any number: Parquet files batch by batch, arrays in chunks, frames by their own engine.

Nothing here knows a coefficient. The result is one count per combination of labels; what follows from it costs
milliseconds, however many ratings there were. No column is copied to pandas on the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError, nearest

__all__ = ["Counts", "Gold", "count_ratings", "small_table"]

_CHUNK = 1 << 16  # ratings counted at once: what fits into the cache
_BATCH = 1 << 20  # rows of a Parquet file read at once
_AHEAD = 1  # batches read while another is counted
_SHORT = 1 << 12  # whole numbers in a range of this size are their own codes,
_WIDEST = 1 << 20  # of this size they are looked up, others are sorted
_MOST_CELLS = 1 << 26  # combinations of labels that are counted

Codes = npt.NDArray[np.integer[Any]]


class Column(NamedTuple):
    """For each row the position of its label; a range labels its own numbers."""

    labels: Sequence[Any]
    codes: Codes


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
    for columns, blank in _batches(source, needed, rating, whole=gold is not None):
        n_blank += blank
        if lookup is not None:
            columns["gold"] = lookup.column(columns)
        for counter in counters:
            counter.add(columns)
    return tuple(counter.counts(n_blank) for counter in counters)


def _batches(source: Any, needed: tuple[str, ...], rating: str, whole: bool) -> Iterator[tuple[dict[str, Any], int]]:
    if isinstance(source, (str, Path)):
        return _from_parquet(Path(source), needed, rating)
    if isinstance(source, Mapping):
        return _from_arrays({name: np.asarray(source[name]) for name in _there(needed, list(source))}, rating)
    return _from_frame(source, needed, rating, whole)


# --- the counter --------------------------------------------------------------------------------------------


@dataclass
class _Axis:
    """The labels met so far and their places; the numbers 0 .. dense - 1 stand at their own value."""

    places: dict[Any, int] = field(default_factory=dict)
    dense: int = 0

    def of(self, labels: Sequence[Any]) -> Codes:
        """Where the labels stand."""
        if isinstance(labels, range) and 0 <= labels.start <= self.dense == len(self.places):
            self.places.update((n, n) for n in range(self.dense, labels.stop))
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


# --- columns ------------------------------------------------------------------------------------------------


def _there(needed: Sequence[str], columns: Sequence[str]) -> Sequence[str]:
    for name in needed:
        if name not in columns:
            raise ArgumentError(f"there is no column {name!r}. {nearest(name, columns)}The columns are {', '.join(columns)}.")
    return needed


def _refuse_gaps(name: str, gaps: int) -> None:
    if gaps:
        raise ArgumentError(f"{gaps} ratings have an empty cell in the column {name!r}: fill it in, or leave these rows out")


def _coded(values: npt.NDArray[Any]) -> Column:
    """Labels and codes of a column without gaps."""
    if values.dtype.kind in "biu" and len(values):
        values = values.view(np.int8) if values.dtype == bool else values
        low, high = int(values.min()), int(values.max())
        if low >= 0 and high < _SHORT:
            return Column(range(high + 1), values)
        if high - low < _WIDEST:
            shifted = values.astype(np.int32 if values.dtype.itemsize < 4 else values.dtype) - values.dtype.type(low)
            if high - low < _SHORT:
                return Column(range(low, high + 1), shifted)
            there = np.bincount(shifted) > 0
            return Column((np.flatnonzero(there) + low).tolist(), (np.cumsum(there) - 1)[shifted])
    if values.dtype.kind == "O":
        seen: dict[Any, int] = {}
        codes = np.fromiter((seen.setdefault(value, len(seen)) for value in values), np.int64, len(values))
        return Column(list(seen), codes)
    distinct, codes = np.unique(values, return_inverse=True)
    labels = [int(v) if isinstance(v, float) and v.is_integer() else v for v in distinct.tolist()]  # 3.0 is the category 3
    return Column(labels, codes.ravel())


def _blank(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
    """Which cells are empty; None where none can be."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.array([v is None or v != v for v in values], dtype=bool) if values.dtype.kind == "O" else None


def _from_arrays(arrays: dict[str, npt.NDArray[Any]], rating: str, times: npt.NDArray[Any] | None = None) -> Iterator[
    tuple[dict[str, Any], int]
]:
    if len({len(array) for array in arrays.values()}) > 1:
        raise ArgumentError("the columns differ in length: " + ", ".join(f"{n} {len(a)}" for n, a in arrays.items()))
    blank, n_blank = _blank(arrays[rating]), 0
    if blank is not None and blank.any():
        n_blank = int(blank.sum() if times is None else times[blank].sum())
        arrays, times = {name: array[~blank] for name, array in arrays.items()}, None if times is None else times[~blank]
    for name, array in arrays.items():
        gaps = _blank(array)
        _refuse_gaps(name, 0 if gaps is None else int(gaps.sum()))
    batch: dict[str, Any] = {name: _coded(array) for name, array in arrays.items()}
    yield (batch if times is None else {**batch, "#": times}), n_blank


def _from_frame(frame: Any, needed: tuple[str, ...], rating: str, whole: bool) -> Iterator[tuple[dict[str, Any], int]]:
    """The engine's own group-by; or the columns as they are, where subjects have to be looked up."""
    import narwhals as nw

    try:
        data = nw.from_native(frame)
    except TypeError:
        raise ArgumentError(f"{type(frame).__name__} is neither a path, nor a mapping of arrays, nor a frame that narwhals knows") from None
    _there(needed, data.collect_schema().names())
    if not whole:
        data = data.select(list(needed)).group_by(*needed).agg(nw.len().alias("#"))
    else:
        data = data.select(list(needed))
    small = data.collect() if isinstance(data, nw.LazyFrame) else data
    arrays = {name: np.asarray(small.get_column(name).to_numpy()) for name in needed}
    times = None if whole else np.asarray(small.get_column("#").to_numpy()).astype(np.float64)
    return _from_arrays(arrays, rating, times)


# --- Parquet ------------------------------------------------------------------------------------------------


def _from_parquet(path: Path, needed: tuple[str, ...], rating: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Row group by row group, the next ones read while one is counted; text stays the file's dictionary codes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise ArgumentError(f"there is no file {str(path)!r}: give the path of a Parquet file, or a frame")
    try:
        schema = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise ArgumentError(f"{path.name} is no Parquet file ({error}): read other formats into a frame first") from None
    _there(needed, schema.names)
    text = [name for name in needed if pa.types.is_string(schema.field(name).type) or pa.types.is_large_string(schema.field(name).type)]
    for table in _tables(path, list(needed), text):
        for batch in table.to_batches():
            blank = _empty(batch[rating])
            n_blank = int(blank.true_count) if blank is not None else 0
            if n_blank:
                import pyarrow.compute as pc

                batch = batch.filter(pc.invert(blank))
            columns: dict[str, Any] = {}
            for name in needed:
                gaps = _empty(batch[name])
                _refuse_gaps(name, gaps.true_count if gaps is not None else 0)
                columns[name] = _from_arrow(batch[name])
            yield columns, n_blank


def _tables(path: Path, needed: list[str], text: list[str]) -> Iterator[Any]:
    """About a million rows at a time; at most three such batches are in memory."""
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, read_dictionary=text)
    groups = file.num_row_groups
    if any(file.metadata.row_group(i).num_rows > 4 * _BATCH for i in range(groups)):
        for batch in file.iter_batches(_BATCH, columns=needed):
            yield pa.Table.from_batches([batch])
        return

    def read(group: int) -> Any:  # a ParquetFile belongs to one thread
        own = pq.ParquetFile(path, metadata=file.metadata, read_dictionary=text)
        return own.read_row_group(group, needed, use_threads=True)

    with ThreadPoolExecutor(_AHEAD) as readers:
        ahead = deque(readers.submit(read, i) for i in range(min(_AHEAD, groups)))
        for i in range(groups):
            table = ahead.popleft().result()
            if i + _AHEAD < groups:
                ahead.append(readers.submit(read, i + _AHEAD))
            yield table


def _empty(column: Any) -> Any:
    """Which cells are empty or nan, as an Arrow mask; None where none is."""
    import pyarrow as pa

    if not column.null_count and not pa.types.is_floating(column.type):
        return None
    import pyarrow.compute as pc  # only here: it takes memory and time to load

    return pc.is_null(column, nan_is_null=True)


def _from_arrow(column: Any) -> Column:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return Column(column.dictionary.to_pylist(), _numbers(column.indices))
    return _coded(_numbers(column))


def _numbers(column: Any) -> npt.NDArray[Any]:
    """The numbers of a column without gaps, where they are: to_numpy would import pandas."""
    import pyarrow as pa

    plain = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return np.from_dlpack(column) if plain else column.to_numpy(zero_copy_only=False)


def small_table(source: Any) -> dict[str, list[Any]]:
    """A table that fits into memory (cases, gold) as lists: a path of a Parquet file, a mapping, or any frame."""
    if isinstance(source, (str, Path)):
        import pyarrow.parquet as pq

        if not Path(source).is_file():
            raise ArgumentError(f"there is no file {str(source)!r}: give the path of a Parquet file, or a frame")
        return dict(pq.read_table(source).to_pydict())
    if isinstance(source, Mapping):
        return {name: list(values) for name, values in source.items()}
    import narwhals as nw

    data = nw.from_native(source)
    data = data.collect() if isinstance(data, nw.LazyFrame) else data
    return {name: data.get_column(name).to_list() for name in data.columns}
