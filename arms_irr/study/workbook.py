"""Workbook: the sheets of an Excel or OpenDocument file, hidden ones and lost formula values included."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from arms_irr.errors import DataError, Problem, nearest
from arms_irr.study.table import Table, from_rows

__all__ = ["WORKBOOKS", "Workbook"]

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # the stream of a password-protected Office file


class Workbook:
    """An open workbook.

    Attributes
    ----------
    sheets : tuple of str
        Names of the worksheets, in order, hidden ones too.
    hidden : tuple of str
        Those that are hidden.

    Raises
    ------
    DataError
        When it is protected by a password, damaged, or no workbook.
    """

    def __init__(self, path: Path, data: bytes):
        import python_calamine as calamine

        self.path, self._data = path, data
        if _ENCRYPTED in data:
            raise self._protected()
        try:
            self._book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
            sheets = [s for s in self._book.sheets_metadata if s.typ == calamine.SheetTypeEnum.WorkSheet]
        except calamine.PasswordError:
            raise self._protected() from None
        except BaseException as error:  # a panic in the reader is not an Exception
            raise self._broken(error) from error
        self.sheets = tuple(sheet.name for sheet in sheets)
        self.hidden = tuple(s.name for s in sheets if s.visible != calamine.SheetVisibleEnum.Visible)

    def has(self, name: str) -> bool:
        """Whether there is a sheet of this name; case and outer spaces do not matter."""
        return self._actual(name) is not None

    def only_sheet(self, name: str) -> str:
        """The sheet ``name``, or the one visible sheet; ``DataError`` when there is a choice."""
        visible = [sheet for sheet in self.sheets if sheet not in self.hidden]
        if self.has(name):
            return name
        if len(visible) != 1:
            raise self._missing(name)
        return visible[0]

    def rows(self, sheet: str) -> list[list[Any]]:
        """All cells of a sheet from A1 on; an empty cell is the empty string."""
        actual = self._actual(sheet)
        if actual is None:
            raise self._missing(sheet)
        try:
            return self._book.get_sheet_by_name(actual).to_python(skip_empty_area=False)
        except BaseException as error:
            raise self._broken(error, sheet) from error

    def table(self, sheet: str, name: str) -> Table:
        """A sheet as a Table, with warnings for a hidden sheet and for formulas whose value is not stored."""
        rows = self.rows(sheet)
        actual = str(self._actual(sheet))
        table = from_rows(name, self.path.name, actual, rows)
        problems = table.problems
        if actual in self.hidden:
            problems += (
                table.problem(
                    "warning",
                    "The sheet is hidden; it was read all the same.",
                    "Check that it is the one you mean.",
                ),
            )
        if lost := self.lost(actual, rows):
            cells = "1 cell holds" if len(lost) == 1 else f"{len(lost)} cells hold"
            problems += (
                Problem(
                    "warning",
                    f"{cells} a formula without a stored value, or an error such as #N/A, and read as empty.",
                    "Open the workbook in a spreadsheet program, mend the cells and save it.",
                    self.path.name,
                    actual,
                    tuple(sorted({row for row, _ in lost})),
                ),
            )
        return replace(table, problems=problems)

    def _actual(self, name: str) -> str | None:
        wanted = name.strip().casefold()
        return next((sheet for sheet in self.sheets if sheet.strip().casefold() == wanted), None)

    def lost(self, sheet: str, rows: list[list[Any]]) -> list[tuple[int, int]]:
        """Row and column of cells that look empty and are not; openpyxl looks only where it may find any."""
        try:
            with zipfile.ZipFile(io.BytesIO(self._data)) as package:
                parts = [part for part in package.namelist() if part.startswith("xl/worksheets/sheet")]
                if not any(mark in package.read(part) for part in parts for mark in (b"<f", b't="e"')):
                    return []
            import openpyxl

            cells = openpyxl.load_workbook(io.BytesIO(self._data), read_only=True)[sheet].iter_rows()
            return [
                (cell.row, cell.column)
                for line in cells
                for cell in line
                if cell.value is not None
                and (cell.row > len(rows) or rows[cell.row - 1][cell.column - 1 : cell.column] in ([], [""]))
            ]
        except Exception:  # a second opinion only: what one reader reads and the other does not is no error
            return []

    def _protected(self) -> DataError:
        return self._error("The workbook is protected by a password.", "Save a copy without a password.")

    def _broken(self, error: BaseException, sheet: str | None = None) -> DataError:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        return self._error(
            "The workbook cannot be read: it is damaged, or no workbook.",
            "Open it in a spreadsheet program and save it again.",
            sheet,
        )

    def _missing(self, name: str) -> DataError:
        return self._error(
            f"There is no sheet {name!r}.",
            f"{nearest(name, self.sheets)}The workbook has: {', '.join(self.sheets) or 'no sheets'}.",
        )

    def _error(self, message: str, remedy: str, sheet: str | None = None) -> DataError:
        return DataError([Problem("error", message, remedy, file=self.path.name, sheet=sheet)])
