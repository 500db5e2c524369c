"""Every table of a report at full precision as one Excel workbook: a contents sheet, then one sheet a result."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from arms_irr.analysis.result import COLUMNS, Result
from arms_irr.analysis.titles import title_of
from arms_irr.reporting.document import SYNTHETIC, Document, printable
from arms_irr.reporting.steady import EPOCH, steady

if TYPE_CHECKING:
    from openpyxl import Workbook

__all__ = ["to_xlsx"]

# What the fixed columns are measured in; "unit" is the unit of the row's own statistic.
_UNITS = {
    **dict.fromkeys(("estimate", "se", "ci_low", "ci_high"), "unit"),
    **dict.fromkeys(("confidence_level", "observed", "expected"), "share"),
    **dict.fromkeys(("n_subjects", "n_raters", "n_ratings"), "count"),
}
_EMPTY = "An empty cell: not estimable, or not part of this statistic; the flags of the row say why."
_CONTENTS = "Contents"
_RISKY = ("=", "+", "-", "@")  # what a formula begins with
_LONGEST = 32_767  # characters that Excel lets a cell hold


def to_xlsx(document: Document, results: Mapping[str, Result]) -> bytes:
    """The workbook as bytes, the same on every run.

    Parameters
    ----------
    document : Document
        Its title and its synthetic mark stand on the first sheet.
    results : mapping of str to Result
        By name of the sheet. Names that Excel refuses are mended: at most 31 characters, no ``[ ] : * ? / \\``.

    Returns
    -------
    bytes
        On every sheet the question in A1, one row a statistic under frozen heads with a filter, then units, notes
        and the sentence of every flag. Numbers are stored unrounded and shown with three decimals. A text is never
        a formula: what begins with ``= + - @`` is stored as text behind Excel's own quote prefix.
    """
    from openpyxl import Workbook
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook(write_only=True)
    book.properties.title = document.title
    book.properties.language = document.language
    book.properties.creator = "arms_irr"
    book.properties.created = book.properties.modified = EPOCH
    names = _sheet_names(results)
    _contents(book, document, [(names[name], result) for name, result in results.items()])
    rows = [_sheet(book, names[name], result, document.synthetic or result.synthetic) for name, result in results.items()]
    below = {f"xl/worksheets/sheet{number}.xml": lines.encode() for number, lines in enumerate(rows, 2)}  # 1 is the contents
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        ExcelWriter(book, archive).save()
    return steady(out.getvalue(), lambda name, sheet: sheet.replace(b"</sheetData>", below.get(name, b"") + b"</sheetData>", 1))


def _contents(book: Workbook, document: Document, sheets: Iterable[tuple[str, Result]]) -> None:
    sheet = book.create_sheet(_CONTENTS)
    for letter, width in zip("ABCD", (34, 70, 10, 40), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([_cell(sheet, document.title, "title")])
    sheet.append([_cell(sheet, SYNTHETIC if document.synthetic else document.subtitle, "bold" if document.synthetic else "")])
    sheet.append([])
    sheet.append([_cell(sheet, head, "head") for head in ("Sheet", "Question", "Rows", "Data")])
    for name, result in sheets:
        mark = "Synthetic data" if document.synthetic or result.synthetic else ""
        link = _cell(sheet, name, "link")
        link.hyperlink = "#'{}'!A1".format(name.replace("'", "''"))
        sheet.append([link, _cell(sheet, result.question, "wrapped"), len(result), mark])


def _sheet(book: Workbook, name: str, result: Result, synthetic: bool) -> str:
    """A sheet and its first two rows; the others as XML, ten times as fast as one object a cell."""
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(name)
    heads, rows = _table(result)
    top = 4  # the row of the heads
    sheet.freeze_panes = f"A{top + 1}"
    sheet.auto_filter.ref = f"A{top}:{get_column_letter(len(heads))}{top + max(len(rows), 1)}"
    sheet.print_title_rows = f"{top}:{top}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = _fit()
    for place, head in enumerate(heads):
        words = [len(str(row[place])) for row in rows if isinstance(row[place], str)]
        sheet.column_dimensions[get_column_letter(place + 1)].width = min(max([len(head) + 4, *words]) + 2, 45)
    sheet.append([_cell(sheet, result.question, "title")])
    sheet.append([_cell(sheet, SYNTHETIC if synthetic else "", "bold")])
    seed = [] if result.seed is None else [f"Seed of the random numbers: {result.seed}."]
    notes = [[note] for note in (*_units(result), _EMPTY, *result.notes, *result.flag_notes, *seed)]
    letters = [get_column_letter(place + 1) for place in range(len(heads))]
    number, quoted, *head = (_cell(sheet, value, look).style_id for value, look in ((0.5, ""), ("=", ""), ("a", "head"), ("=", "head")))
    above = _written(letters, top, heads, number, head[1], head[0])
    lines = "".join(f'<row r="{place}">{_written(letters, place, row, number, quoted)}</row>'
                    for place, row in enumerate([*rows, [], *notes], top + 1))
    return f'<row r="{top}">{above}</row>{lines}'


def _written(letters: list[str], place: int, row: list[Any], number: int, quoted: int, plain: int = 0) -> str:
    """The cells of a row, in the styles of floats, of texts that look like a formula, and of other texts."""
    cells = []
    for letter, value in zip(letters, row, strict=False):  # a note has one cell
        if isinstance(value, float):
            if math.isfinite(value):
                cells.append(f'<c r="{letter}{place}" s="{number}"><v>{float(value)!r}</v></c>')
                continue
            value = None if math.isnan(value) else "infinite"
        if isinstance(value, str) and value:
            words = printable(value)[:_LONGEST]
            look = quoted if words.startswith(_RISKY) else plain
            cells.append(f'<c r="{letter}{place}" t="inlineStr" s="{look}"><is><t xml:space="preserve">{escape(words)}</t></is></c>')
        elif value is not None and value != "":
            cells.append(f'<c r="{letter}{place}"><v>{int(value)}</v></c>')
    return "".join(cells)


def _fit() -> Any:
    from openpyxl.worksheet.properties import PageSetupProperties

    return PageSetupProperties(fitToPage=True)


def _table(result: Result) -> tuple[list[str], list[list[Any]]]:
    """Heads and rows: groups, coefficient, its words and unit, the fixed columns, then every further quantity."""
    parts = list(dict.fromkeys(name for row in result for name in row.estimate.parts))
    heads = [*result.by, "coefficient", "statistic", "unit", *COLUMNS[1:], *parts]
    rows = []
    for row, record in zip(result, result.records(), strict=True):
        title = title_of(row.coefficient)
        groups = [record[column] for column in result.by]
        fixed = [record[column] for column in COLUMNS[1:]]
        further = [row.estimate.parts.get(name) for name in parts]
        rows.append([*groups, row.coefficient, title.words, title.unit, *fixed, *further])
    return heads, rows


def _units(result: Result) -> list[str]:
    used = {title_of(row.coefficient).unit for row in result}
    known = {
        "share": "share: from 0 to 1; 0.66 is 66 %.",
        "points": "points: a difference of shares; 0.05 is 5 percentage points.",
        "coefficient": "coefficient: at most 1.",
        "steps": "steps: of the rating scale.",
        "count": "count: a number of things.",
        "months": "months.",
        "probability": "probability: from 0 to 1.",
        "ratio": "ratio: one quantity divided by another of its kind.",
    }
    own = ", ".join(column for column, unit in _UNITS.items() if unit == "unit")
    return [f"{own} are in the unit of their row.", *(f"Unit {words}" for unit, words in known.items() if unit in used)]


def _cell(sheet: Any, value: Any, look: str = "") -> Any:
    """What to append for a text, which is never a formula, or a number, of which three decimals are shown."""
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, str):
        value = printable(value)
        risky = value.startswith(_RISKY)
        if not (look or risky):
            return value
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, float):
        cell.number_format = "0.000"
    elif risky:
        cell.data_type, cell.quotePrefix = "s", True
    if look:
        _dress(cell, look)
    return cell


def _dress(cell: Any, look: str) -> None:
    from openpyxl.styles import Alignment, Border, Font, Side

    fonts: dict[str, dict[str, Any]] = {
        "title": {"bold": True, "size": 14}, "bold": {"bold": True}, "head": {"bold": True}, "link": {"color": "005A8D", "underline": "single"},
    }
    if look in fonts:
        cell.font = Font(**fonts[look])
    if look == "head":
        cell.border = Border(bottom=Side("thin"))
    if look in ("head", "wrapped"):
        cell.alignment = Alignment(wrap_text=True, vertical="top" if look == "wrapped" else "bottom")


def _sheet_names(names: Iterable[str]) -> dict[str, str]:
    """A name that Excel accepts for each: the longest part that fits, with a number where two would be the same."""
    found: dict[str, str] = {}
    taken = {_CONTENTS.casefold(), "history"}
    for name in names:
        whole = re.sub(r"[\[\]:*?/\\]", "-", printable(name)).strip("' ") or "table"
        short, number = whole[:31], 1
        while short.casefold() in taken:
            number += 1
            short = f"{whole[: 30 - len(str(number))]} {number}"
        taken.add(short.casefold())
        found[name] = short
    return found
