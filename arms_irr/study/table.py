"""Table: text cells under their headers, whatever they were read from."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from arms_irr.errors import DataError, Problem

__all__ = ["Survey", "Table", "counted", "from_columns", "from_rows", "text_of"]


@dataclass(frozen=True)
class Survey:
    """What the columns of a survey export mean.

    Attributes
    ----------
    rater : str
        The column of the raters.
    columns : dict of str to (case, factor, field)
        Of single columns; the field is ``rating`` or ``urgency``.
    pattern : str
        Of the other columns, such as ``{case}_{factor}``; empty for none. A column that follows it with ``_urgency``
        behind is the urgency of that rating.
    cases : dict of str to str
        Case ids by what the headings call them.
    """

    rater: str = "rater"
    columns: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    pattern: str = ""
    cases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Text cells under their headers.

    Attributes
    ----------
    name : str
        ``ratings``, ``gold``, ``cases`` or ``raters``.
    file : str
        The file's name, or words for a data frame.
    sheet : str or None
        Of a workbook.
    columns : dict of str to list of str or None
        Trimmed text; None is an empty cell.
    row_numbers : int array
        Of each row, as a spreadsheet numbers it: the header is row 1. The same for data frames.
    notes : tuple of str
        What was recognised, and every coercion with its count.
    problems : tuple of Problem
        What was wrong or doubtful although the table could be read.
    survey : Survey or None
        What the columns of a survey export mean, where study.toml says so.
    """

    name: str
    file: str
    sheet: str | None
    columns: Mapping[str, list[str | None]]
    row_numbers: np.ndarray
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=(), repr=False)
    survey: Survey | None = None

    @property
    def place(self) -> str:
        """File and sheet in words."""
        return f"{self.file}, sheet {self.sheet}" if self.sheet else self.file

    def problem(
        self,
        severity: Literal["error", "warning"],
        message: str,
        remedy: str,
        rows: Iterable[int] = (),
        column: str | None = None,
        value: str | None = None,
    ) -> Problem:
        """A problem of this table; ``rows`` are positions in it, 0-based."""
        numbers = np.unique(self.row_numbers[np.fromiter(rows, dtype=np.int64)])
        return Problem(
            severity, message, remedy, self.file, self.sheet, tuple(numbers.tolist()), column, value
        )


def from_rows(
    name: str, file: str, sheet: str | None, rows: Sequence[Sequence[Any]], skipped: int = 0
) -> Table:
    """Rows of cells as a Table; the first row that is not blank is the header.

    Raises
    ------
    DataError
        When every cell is empty.
    """
    full = [(number, row) for number, row in enumerate(rows, 1 + skipped) if not _blank(row)]
    if not full:
        raise DataError([Problem("error", "All cells are empty.", "Add a header and rows.", file, sheet)])
    header, body = full[0][1], full[1:]
    width = len(header)
    numbers = np.array([number for number, _ in body], dtype=np.int64)
    cells = [[row[j] if j < len(row) else "" for _, row in body] for j in range(width)]
    table = from_columns(name, file, sheet, list(header), cells, numbers)
    notes, problems = table.notes, table.problems
    if long := tuple(number for number, row in body if not _blank(row[width:])):
        problems += (
            Problem(
                "error",
                f"The header has {width} columns and these rows have more cells.",
                "Put a text that contains the delimiter in quotation marks, or name the columns.",
                file,
                sheet,
                long,
            ),
        )
    if short := sum(len(row) < width for _, row in body):
        notes += (
            f"{table.place}: {counted(short, 'row')} shorter than the header; missing cells read as empty.",
        )
    return Table(name, file, sheet, table.columns, numbers, notes, problems)


def from_columns(
    name: str,
    file: str,
    sheet: str | None,
    header: Sequence[Any],
    cells: Sequence[Sequence[Any]],
    numbers: np.ndarray,
) -> Table:
    """Columns of cells of any type as a Table of trimmed text, every change counted."""
    columns: dict[str, list[str | None]] = {}
    problems: list[Problem] = []
    whole: dict[str, int] = {}
    trimmed: dict[str, tuple[int, ...]] = {}
    for position, (title, column) in enumerate(zip(header, cells, strict=True), 1):
        key = _tidy(text_of(title) or "")
        texts = [value if type(value) is str else text_of(value) for value in column]
        tidied = {text: _tidy(text) or None for text in set(texts) if text is not None} | {None: None}
        if not key:
            if any(tidied.values()):
                problems.append(
                    Problem(
                        "warning",
                        f"Column {position} has no name and was not read.",
                        "Give it a name in the header.",
                        file,
                        sheet,
                    )
                )
            continue
        if key in columns:
            problems.append(
                Problem(
                    "error",
                    f"Two columns are called {key!r}.",
                    "Rename or delete one of them.",
                    file,
                    sheet,
                    column=key,
                )
            )
            continue
        columns[key] = [tidied[text] for text in texts]
        changed = {text for text, tidy in tidied.items() if tidy is not None and tidy != text}
        if changed:
            trimmed[key] = tuple(n for n, text in zip(numbers.tolist(), texts, strict=True) if text in changed)
        # A workbook keeps every number as a float and shows 1, not 1.0: there this changes nothing.
        if sheet is None and (n := sum(type(value) is float and value.is_integer() for value in column)):
            whole[key] = n
    problems += _changed(trimmed, file, sheet)
    table = Table(name, file, sheet, columns, numbers, (), tuple(problems))
    if whole:
        number = counted(sum(whole.values()), "number")
        note = f"{table.place}: {number} such as 1.0 read as 1 ({', '.join(whole)})."
        return Table(name, file, sheet, columns, numbers, (note,), tuple(problems))
    return table


def text_of(value: Any) -> str | None:
    """A cell as text: 1.0 is ``"1"``, and a missing value of any engine is None."""
    if value is None or isinstance(value, str):
        return value
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return str(value)


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 row``, ``2 rows``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _tidy(text: str) -> str:
    # One form for letters with accents: a Mac stores them in two parts, and the eye cannot tell.
    return unicodedata.normalize("NFC", text).strip()


def _blank(row: Sequence[Any]) -> bool:
    return all(isinstance(cell, str) and not cell.strip() for cell in row)


def _changed(cells: Mapping[str, tuple[int, ...]], file: str, sheet: str | None) -> list[Problem]:
    """One warning about every trimmed cell of the table; a warning a column would bury the others."""
    if not cells:
        return []
    count = sum(map(len, cells.values()))
    where = f" in {len(cells)} columns" if len(cells) > 1 else ""
    return [
        Problem(
            "warning",
            f"{counted(count, 'cell')}{where} {'has' if count == 1 else 'have'} leading or trailing spaces (or accents "
            "stored apart from their letters), which were trimmed.",
            "Nothing to do unless the spaces mean something.",
            file,
            sheet,
            tuple(sorted({row for rows in cells.values() for row in rows})),
            ", ".join(cells),
        )
    ]
