"""Reading: a file or a data frame becomes a Table of text cells. Nothing is judged here but legibility."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from arms_irr.errors import ArgumentError, DataError, Problem, nearest
from arms_irr.study.jsonlines import read_json_lines
from arms_irr.study.statfiles import STAT_FILES, read_statistical
from arms_irr.study.table import Table, from_columns, from_rows
from arms_irr.study.workbook import WORKBOOKS, Workbook

__all__ = ["read_bytes", "read_file", "read_frame"]

_TEXT_FILES = (".csv", ".tsv", ".txt")
_ARROW_FILES = (".parquet", ".feather")
_JSON_LINES = (".jsonl", ".ndjson")
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_BINARY = {
    b"PK\x03\x04": "an Excel workbook or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
}


def read_file(path: Path, name: str) -> Table:
    """A CSV, Excel, OpenDocument, Parquet, Feather, SPSS, Stata or JSON lines file as a Table.

    Parameters
    ----------
    path : Path
        Its ending says what it is.
    name : str
        What it holds (``ratings`` ...); also the sheet that is looked for in a workbook with several.

    Raises
    ------
    DataError
        When the file cannot be read: one sentence on why and one on what to do.
    """
    kind = path.suffix.lower()
    data = read_bytes(path)
    if not data.strip():
        raise _unreadable(path, "The file is empty.", "Check that its export finished.")
    if kind in WORKBOOKS:
        workbook = Workbook(path, data)
        return workbook.table(workbook.only_sheet(name), name)
    if kind in _TEXT_FILES:
        return _read_csv(path, data, name)
    if kind in _ARROW_FILES:
        return _read_arrow(path, data, name)
    if kind in STAT_FILES:
        return read_statistical(path, name)
    if kind in _JSON_LINES:
        return read_json_lines(path.name, _decode(path, data)[0], name)
    raise _unreadable(
        path,
        f"Files that end in {kind!r} cannot be read." if kind else "The file has no ending.",
        f"Use one of {', '.join((*_TEXT_FILES, *WORKBOOKS, *_ARROW_FILES, *STAT_FILES, *_JSON_LINES))}.",
    )


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; ``DataError`` when it is missing (with the nearest name beside it) or locked."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        try:
            beside = [file.name for file in path.parent.iterdir() if file.is_file()]
        except (OSError, ValueError):
            beside = []
        hint = nearest(path.name, beside)
        raise _unreadable(
            path, "There is no such file.", f"{hint}Put it there, or give its right name."
        ) from None
    except OSError as error:
        raise _unreadable(
            path,
            f"The file cannot be opened ({error.strerror}).",
            "Check its name, and that you may read it.",
        ) from None


def read_frame(frame: Any, name: str, file: str | None = None) -> Table:
    """Any data frame that narwhals knows (pandas, polars, pyarrow, DuckDB, Dask ...) as a Table.

    Raises
    ------
    ArgumentError
        When it is not a data frame, or has column names of several levels.
    DataError
        When two columns have one name.
    """
    import narwhals as nw

    place = file or f"data frame {name}"
    if type(frame).__module__.startswith("pandas") and hasattr(frame, "columns"):
        if frame.columns.nlevels > 1:
            raise ArgumentError(
                f"{name} has column names of several levels; flatten them to one name a column"
            )
        if not all(isinstance(column, str) for column in frame.columns):
            frame = frame.rename(columns=str)
    try:
        known = nw.from_native(frame)
        known = known.collect() if isinstance(known, nw.LazyFrame) else known
        columns = {column: known[column].to_list() for column in known.columns}
    except nw.exceptions.DuplicateError:
        raise DataError(
            [Problem("error", "Two columns have the same name.", "Rename or delete one of them.", place)]
        ) from None
    except TypeError:
        raise ArgumentError(
            f"{name} is of the type {type(frame).__name__}, not a data frame; give a pandas, "
            "polars, pyarrow, DuckDB or Dask frame"
        ) from None
    numbers = np.arange(len(next(iter(columns.values()), []))) + 2
    return from_columns(name, place, None, list(columns), list(columns.values()), numbers)


def _unreadable(path: Path, message: str, remedy: str) -> DataError:
    return DataError([Problem("error", message, remedy, file=path.name)])


def _read_arrow(path: Path, data: bytes, name: str) -> Table:
    from pyarrow import feather, parquet

    kind = path.suffix.lower()
    read: Callable[..., Any] = feather.read_table if kind == ".feather" else parquet.read_table
    try:
        frame = read(io.BytesIO(data))
    except Exception as error:  # pyarrow raises many kinds; to the user they all mean the same
        raise _unreadable(path, f"The file is damaged, or no {kind} file.", "Write it again.") from error
    return read_frame(frame, name, path.name)


def _read_csv(path: Path, data: bytes, name: str) -> Table:
    text, encoding = _decode(path, data)
    first, _, rest = text.partition("\n")
    hinted = first.strip(' "\r').lower() in ("sep=;", "sep=,", "sep=\t", "sep=")  # Excel's own first line
    text = rest if hinted else text
    delimiter = _delimiter(text)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _unreadable(
            path,
            f"The file is not valid CSV ({error}).",
            'Look for a quotation mark (") that is opened and not closed.',
        ) from error
    header = [cell for cell in next((row for row in rows if any(row)), []) if cell.strip()]
    if len(header) == 1 and any(mark in header[0] for mark in ",;\t|"):
        raise _unreadable(
            path,
            f"The file was read as a single column, {header[0].strip()!r}: wrong delimiter.",
            "Put commas, semicolons or tabs between the columns, and no quotation marks around lines.",
        )
    table = from_rows(name, path.name, None, rows, skipped=int(hinted))
    note = f"{path.name}: read as {encoding} text with a {_DELIMITERS[delimiter]} between columns."
    return replace(table, notes=(note, *table.notes))


def _decode(path: Path, data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding: UTF-16 only where it says so, then UTF-8, then Windows-1252."""
    for magic, what in _BINARY.items():
        if data.startswith(magic):
            raise _unreadable(
                path, f"The file is {what}, not text.", "Give it its right ending, or save it as CSV."
            )
    encodings = {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252 (it is not UTF-8)"}
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = {"utf-16": "UTF-16"}
    elif b"\0" in data:
        raise _unreadable(path, "The file is binary, not text.", "Save the data as CSV.")
    for encoding, words in encodings.items():
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise _unreadable(path, "The file is binary, not text.", "Save the data as CSV.")
        return text, words
    raise _unreadable(path, "The text is neither UTF-8 nor Windows-1252.", "Save it as 'CSV UTF-8'.")


def _delimiter(text: str) -> str:
    """The delimiter that splits the header into most columns; a comma when none does."""
    header = next((line for line in io.StringIO(text) if line.strip(' ,;\t"\r\n')), "")

    def columns(delimiter: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=delimiter), []))
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=columns)
