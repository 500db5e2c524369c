"""Ratings as columns of labels and codes, batch by batch: Parquet files, arrays, frames by their own engine.

No column is copied to pandas on the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError, nearest

__all__ = ["Column", "batches", "small_table"]

_BATCH = 1 << 20  # rows of a Parquet file read at once
_AHEAD = 1  # batches read while another is counted
_CHUNK = 1 << 14  # codes looked at at once
_SHORT = 1 << 12  # whole numbers in a range of this size are their own codes,
_WIDE = 1 << 15  # in a long column too;
_WIDEST = 1 << 20  # of this size they are looked up, others are sorted

Codes = npt.NDArray[np.integer[Any]]


class Column(NamedTuple):
    """For each row the position of its label; a range labels its own numbers."""

    labels: Sequence[Any]
    codes: Codes


def batches(source: Any, needed: tuple[str, ...], rating: str, whole: bool, long: str = "") -> Iterator[
    tuple[dict[str, Any], int]
]:
    """The columns asked for, without the rows that have no rating, and how many these were.

    A frame does its own counting, and ``"#"`` says how often each row counts; ``whole``: its rows as they are.
    The labels of the column ``long`` may be more than occur, where to look would take longer than to carry them along.
    """
    if isinstance(source, (str, Path)):
        return _from_parquet(Path(source), needed, rating)
    if isinstance(source, Mapping):
        return _from_arrays({name: np.asarray(source[name]) for name in _there(needed, list(source))}, rating, long=long)
    return _from_frame(source, needed, rating, whole)


# --- columns --------------------------------------------------------------------------------------------------


def _there(needed: Sequence[str], columns: Sequence[str]) -> Sequence[str]:
    for name in needed:
        if name not in columns:
            raise ArgumentError(f"there is no column {name!r}. {nearest(name, columns)}The columns are {', '.join(columns)}.")
    return needed


def _refuse_gaps(name: str, gaps: int) -> None:
    if gaps:
        raise ArgumentError(f"{gaps} ratings have an empty cell in the column {name!r}: fill it in, or leave these rows out")


def _coded(values: npt.NDArray[Any], short: int = _SHORT) -> Column:
    """Labels and codes of a column without gaps."""
    if values.dtype.kind in "biu" and len(values):
        values = values.view(np.int8) if values.dtype == bool else values
        low, high = int(values.min()), int(values.max())
        if low >= 0 and high < short:
            return Column(range(high + 1), values)
        if high - low < _WIDEST:
            wide = values.astype(np.int32 if values.dtype.itemsize < 4 else values.dtype, copy=False)
            shifted = wide - values.dtype.type(low) if low else wide
            there = _met(shifted, high - low + 1) if high - low >= short else np.ones(1, dtype=bool)
            if there.all():
                return Column(range(low, high + 1), shifted)
            return Column((np.flatnonzero(there) + low).tolist(), (np.cumsum(there) - 1)[shifted])
    if values.dtype.kind == "O":
        seen: dict[Any, int] = {}
        codes = np.fromiter((seen.setdefault(value, len(seen)) for value in values), np.int64, len(values))
        return Column(list(seen), codes)
    distinct, codes = np.unique(values, return_inverse=True)
    labels = [int(v) if isinstance(v, float) and v.is_integer() else v for v in distinct.tolist()]  # 3.0 is the category 3
    return Column(labels, codes.ravel())


def _met(codes: Codes, size: int) -> npt.NDArray[np.bool_]:
    """Which codes occur."""
    there = np.zeros(size, dtype=bool)
    for start in range(0, len(codes), _CHUNK):
        there[codes[start : start + _CHUNK].astype(np.intp)] = True
    return there


def _blank(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
    """Which cells are empty; None where none can be."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.array([v is None or v != v for v in values], dtype=bool) if values.dtype.kind == "O" else None


def _from_arrays(
    arrays: dict[str, npt.NDArray[Any]], rating: str, times: npt.NDArray[Any] | None = None, long: str = ""
) -> Iterator[tuple[dict[str, Any], int]]:
    if len({len(array) for array in arrays.values()}) > 1:
        raise ArgumentError("the columns differ in length: " + ", ".join(f"{n} {len(a)}" for n, a in arrays.items()))
    blank, n_blank = _blank(arrays[rating]), 0
    if blank is not None and blank.any():
        n_blank = int(blank.sum() if times is None else times[blank].sum())
        arrays, times = {name: array[~blank] for name, array in arrays.items()}, None if times is None else times[~blank]
    for name, array in arrays.items():
        gaps = _blank(array)
        _refuse_gaps(name, 0 if gaps is None else int(gaps.sum()))
    batch: dict[str, Any] = {name: _coded(array, _WIDE if name == long else _SHORT) for name, array in arrays.items()}
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
