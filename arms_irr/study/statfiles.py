"""SPSS and Stata files: labels in place of codes, and what the file declares missing kept apart from blanks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from arms_irr.errors import DataError, Problem
from arms_irr.instruments.model import fold
from arms_irr.study.table import Table, counted, from_columns, text_of

__all__ = ["STAT_FILES", "read_statistical"]

STAT_FILES = {".sav": "SPSS", ".zsav": "SPSS", ".dta": "Stata"}
_UNABLE = ("unable to rate", "utr")  # a user-missing code with this label is an answer


def read_statistical(path: Path, name: str) -> Table:
    """An SPSS (.sav, .zsav) or Stata (.dta) file as a Table, through pyreadstat.

    A code with a value label becomes its label. A user-missing code (SPSS missing values; Stata's .a to .z) is
    kept when its label is "Unable to rate"; any other is read as empty, and a warning says which and how many.
    System-missing cells (SPSS sysmis, Stata's ``.``) are blanks.

    Raises
    ------
    DataError
        When pyreadstat is not installed or cannot read the file.
    """
    kind = STAT_FILES[path.suffix.lower()]
    try:
        import pyreadstat
    except ImportError:
        raise _unreadable(
            path, f"{kind} files need the package pyreadstat.", "Install it: pip install 'arms-irr[formats]'."
        ) from None
    read = pyreadstat.read_dta if kind == "Stata" else pyreadstat.read_sav
    try:
        frame, meta = read(str(path), user_missing=True, apply_value_formats=False)
    except Exception as error:  # pyreadstat raises many kinds; to the user they all mean the same
        raise _unreadable(path, f"The file is damaged, or no {kind} file.", "Save it again.") from error
    columns, problems, labelled = [], [], 0
    # pandas writes _case for case, which it takes for a reserved word of Stata's.
    renamed = {h: h[1:] for h in frame.columns if kind == "Stata" and h[:1] == "_" and h[1:] and h[1:] not in frame.columns}
    for header in frame.columns:
        labels = meta.variable_value_labels.get(header, {})
        cells, missing = _column(
            frame[header].tolist(), labels, meta.missing_ranges.get(header, ()), meta.missing_user_values.get(header, ())
        )
        columns.append(cells)
        labelled += bool(labels)
        problems += _told(path.name, header, labels, missing)
    numbers = np.arange(len(frame)) + 2
    table = from_columns(name, path.name, None, [renamed.get(h, h) for h in frame.columns], columns, numbers)
    notes = tuple(f"{path.name}: the column {old!r} read as {new!r}." for old, new in renamed.items())
    note = f"{path.name}: read as {kind} file, {counted(labelled, 'column')} with value labels in place of codes."
    return replace(table, notes=(note, *notes, *table.notes), problems=(*table.problems, *problems))


def _column(
    values: Sequence[Any], labels: Mapping[Any, str], ranges: Sequence[Mapping[str, Any]], codes: Sequence[Any]
) -> tuple[list[Any], dict[Any, list[int]]]:
    """The cells as labels, and the rows of each user-missing code that was read as empty."""
    cells: list[Any] = []
    missing: dict[Any, list[int]] = {}
    for row, value in enumerate(values):
        if text_of(value) is None:
            cells.append(None)
            continue
        label = labels.get(value)
        declared = value in codes or any(_within(value, one["lo"], one["hi"]) for one in ranges)
        if declared and fold(label or "") not in _UNABLE:
            missing.setdefault(value, []).append(row)
            cells.append(None)
        else:
            cells.append(value if label is None else label)
    return cells, missing


def _within(value: Any, low: Any, high: Any) -> bool:
    return isinstance(value, str) == isinstance(low, str) and bool(low <= value <= high)


def _told(file: str, header: str, labels: Mapping[Any, str], missing: Mapping[Any, list[int]]) -> list[Problem]:
    return [
        Problem(
            "warning",
            f"{counted(len(rows), 'cell')} with the code {text_of(code)}"
            + (f" ({labels[code]!r})" if code in labels else "")
            + ", which the file declares missing, read as empty.",
            "Nothing to do, unless it means 'Unable to rate': then give the code that label.",
            file,
            rows=tuple(row + 2 for row in rows),
            column=header,
            value=text_of(code),
        )
        for code, rows in missing.items()
    ]


def _unreadable(path: Path, message: str, remedy: str) -> DataError:
    return DataError([Problem("error", message, remedy, file=path.name)])
