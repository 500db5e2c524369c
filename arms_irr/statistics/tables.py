"""Tables of ratings, however they are kept: lists, arrays and frames become category codes, or an error says why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError
from arms_irr.statistics.tally import Codes

__all__ = ["coded"]

_WIDEST = 1 << 15  # whole numbers in a range of this size are looked up, others are sorted
_SHOWN = 10  # values that an error message lists


def coded(ratings: Any, categories: Sequence[Any] | None) -> tuple[Codes, list[Any], tuple[str, ...]]:
    """Category codes (U, R) with -1 for not given, the scale, and flags about it.

    Parameters
    ----------
    ratings : (U, R) nested sequence, array or frame
        pandas, polars, pyarrow, DuckDB and Dask are read column by column; columns of numbers stay numbers.
    categories : sequence or None
        The scale; None takes the values that occur, in ascending order.

    Raises
    ------
    ArgumentError
        For what is not a table, infinite ratings, ratings outside the scale, numbers mixed with text, and
        categories that occur twice.
    """
    scale = None if categories is None else list(categories)
    if scale is not None and len(set(scale)) < len(scale):
        raise ArgumentError(f"categories {scale} name the same category twice")
    if scale is not None and not scale:
        raise ArgumentError("categories [] are no scale: list its categories, lowest first")
    table = _table(ratings)
    labels, codes = _whole_numbers(table) or _levels(table)
    if scale is None:
        scale = _ascending(_occurring(labels, codes))
    codes = _recoded(labels, codes, scale)
    return codes, scale, ("categories-observed",) if categories is None else ()


# --- what came in -------------------------------------------------------------------------------------------


def _table(ratings: Any) -> npt.NDArray[Any]:
    """A two-dimensional array of numbers (bool, integer, float) or of objects."""
    frame = _columns(ratings)
    if frame is not None:
        arrays = [_array(column) for column in frame]
        # One column after another in memory, as a frame keeps them.
        table = np.stack(arrays).T if arrays else np.empty((0, 0))
    else:
        table = _array(ratings) if isinstance(ratings, np.ndarray) else _from_rows(ratings)
    if table.ndim != 2 or 0 in table.shape:
        raise ArgumentError(f"ratings of shape {table.shape} are not a table: give rows = subjects and columns = raters")
    return table


def _from_rows(rows: Any) -> npt.NDArray[Any]:
    try:
        table = np.asarray(rows, dtype=object)
    except ValueError:
        raise ArgumentError("ratings with rows of different length are not a table: fill up with nan where a rater "
                            "gave none") from None
    if table.ndim == 1 and len(table) and all(isinstance(row, (list, tuple)) for row in table):
        lengths = sorted({len(row) for row in table})
        raise ArgumentError(f"ratings with rows of length {', '.join(map(str, lengths))} are not a table: fill up with nan "
                            "where a rater gave none")
    return table


def _columns(ratings: Any) -> list[Any] | None:
    """The columns of a frame of any engine, by what it can do and not by what it is called; None for no frame."""
    for collect, mark in (("compute", "npartitions"), ("collect", "collect_schema")):  # Dask; lazy polars
        if hasattr(ratings, collect) and hasattr(ratings, mark):
            ratings = getattr(ratings, collect)()
    if hasattr(ratings, "fetchnumpy"):  # DuckDB
        return list(ratings.fetchnumpy().values())
    if hasattr(ratings, "get_columns"):  # polars
        return list(ratings.get_columns())
    if hasattr(ratings, "iloc") and getattr(ratings, "ndim", 0) == 2:  # pandas, also with two columns of one name
        return [ratings.iloc[:, j] for j in range(ratings.shape[1])]
    if hasattr(ratings, "column_names"):  # pyarrow
        return [(c.cast(c.type.value_type) if hasattr(c.type, "index_type") else c).to_numpy() for c in ratings.columns]
    return None


def _array(values: Any) -> npt.NDArray[Any]:
    """Numbers as they are, with nan for what is masked; everything else as objects."""
    if isinstance(values, np.ma.MaskedArray):
        plain = values.dtype.kind in "biuf"
        mask, values = np.ma.getmaskarray(values), values.data.astype(np.float64 if plain else object)
        values[mask] = np.nan if plain else None
    array: npt.NDArray[Any] = np.asarray(values)
    return array if array.dtype.kind in "biuf" else array.astype(object)


# --- codes of the values ------------------------------------------------------------------------------------


def _whole_numbers(table: npt.NDArray[Any]) -> tuple[list[Any], Codes] | None:
    """Whole numbers in a short range: their codes are a subtraction. None for everything else."""
    codes: npt.NDArray[Any]
    if table.dtype.kind in "biu":
        table = table.view(np.int8) if table.dtype == bool else table
        low, high = int(table.min()), int(table.max())
        if high - low >= _WIDEST:
            return None
        if high - low > np.iinfo(table.dtype).max:
            table = table.astype(np.int32)
        codes = table - table.dtype.type(low) if low else table
        return list(range(low, high + 1)), codes.astype(np.int8 if high - low < 128 else np.int16, copy=False)
    if table.dtype.kind != "f":
        return None
    _refuse_infinite(table)
    missing = np.isnan(table)
    least, most = np.fmin.reduce(table, axis=None), np.fmax.reduce(table, axis=None)
    if not (most - least < _WIDEST and least == np.floor(least)):  # also where nothing is given
        return None
    shifted = table - least
    shifted[missing] = -1
    codes = shifted.astype(np.int16)
    return (list(range(int(least), int(most) + 1)), codes) if np.array_equal(codes, shifted) else None


def _levels(table: npt.NDArray[Any]) -> tuple[list[Any], Codes]:
    """The different values and the code of each cell; negative = not given."""
    if table.dtype.kind in "biuf":
        distinct, inverse = np.unique(table, return_inverse=True)
        labels = [v for v in distinct.tolist() if v == v]  # nan is sorted to the end
        return labels, np.where(inverse < len(labels), inverse, -1).reshape(table.shape)
    position: dict[Any, int] = {}
    try:
        numbers = [position.setdefault(value, len(position)) for value in table.ravel().tolist()]
    except TypeError:
        raise ArgumentError("the ratings hold lists or other containers in single cells: give one rating a cell") from None
    labels = list(position)
    missing = np.array([_missing(label) for label in labels])
    _refuse_infinite(np.array([label for label in labels if isinstance(label, (float, np.floating))], dtype=np.float64))
    kept = np.where(missing, -1, np.cumsum(~missing) - 1)
    return [label for label, gone in zip(labels, missing, strict=True) if not gone], kept[numbers].reshape(table.shape)


def _missing(value: object) -> bool:
    # NaN is the value that differs from itself; pandas.NA answers a comparison with itself, not with a bool.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def _refuse_infinite(values: npt.NDArray[Any]) -> None:
    if np.isinf(values).any():
        raise ArgumentError(f"an infinite rating ({values[np.isinf(values)][0]:g}): use nan for 'not rated'")


def _occurring(labels: list[Any], codes: Codes) -> list[Any]:
    used = np.bincount(np.where(codes < 0, len(labels), codes).ravel(), minlength=len(labels))
    return [label for label, there in zip(labels, used, strict=False) if there]


def _ascending(labels: list[Any]) -> list[Any]:
    """A scale from the values observed: numbers ascending, labels in the order of the alphabet."""
    numbers = [isinstance(v, (int, float, np.number)) for v in labels]
    if all(numbers):
        return sorted(labels)
    if any(numbers):
        text = next(v for v, number in zip(labels, numbers, strict=True) if not number)
        raise ArgumentError(f"the ratings mix numbers with text such as {text!r}. Correct them, or declare the scale in "
                            "categories=, lowest first.")
    return sorted(labels, key=str)


def _recoded(labels: list[Any], codes: Codes, scale: list[Any]) -> Codes:
    """Codes of labels as codes of the scale; what is not on it is an error that lists it."""
    position = {category: index for index, category in enumerate(scale)}
    to = np.array([position.get(label, -2) for label in labels], dtype=np.int16)
    if (to == -2).any():
        used = set(_occurring(labels, codes))
        outside = [label for label, new in zip(labels, to.tolist(), strict=True) if new == -2 and label in used]
        if outside:
            shown = ", ".join(repr(v) for v in sorted(outside, key=str)[:_SHOWN])
            more = f" and {len(outside) - _SHOWN} more" if len(outside) > _SHOWN else ""
            raise ArgumentError(f"ratings outside the categories {scale}: {shown}{more}. "
                                "Correct them, or declare them in categories=.")
    if len(to) and to[0] >= 0 and np.array_equal(to, np.arange(to[0], to[0] + len(to))):
        return codes if to[0] == 0 else np.where(codes < 0, codes, codes + codes.dtype.type(to[0]))
    return np.append(to, np.int16(-1))[codes]  # -1, not given, is the last
