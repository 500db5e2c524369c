"""Rating forms: one Excel workbook for each officer, the same on paper, and what reads them back."""

from __future__ import annotations

import io
import math
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from arms_irr.reporting.document import printable
from arms_irr.reporting.paper_form import paper_form
from arms_irr.reporting.publish import foreign, publish
from arms_irr.reporting.steady import EPOCH, steady
from arms_irr.reporting.voice import voice
from arms_irr.study.form_sheets import Answer, FormSheet, Printed, columns_of, form_sheets
from arms_irr.study.kit import KIT_MAKER, Form, Kit, kit_files, make_kit, manifest_of

if TYPE_CHECKING:
    from openpyxl import Workbook

__all__ = ["form_workbook", "write_forms"]

_EMPTY, _IDLE, _INK, _QUIET, _RULE, _LINK = "FFF2B3", "E9EDF0", "1D2328", "535D66", "9AA5AE", "005A8D"
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # "_x0041_" in a workbook means "A", unless its first mark is escaped


def write_forms(
    instrument: str, cases: str | os.PathLike[str], raters: str | os.PathLike[str], out: str | os.PathLike[str], *,
    assignment: str | os.PathLike[str] | None = None, seed: int = 1, language: str = "en", step: Callable[[str], None] = lambda words: None,
) -> Kit:
    """Write the forms of a collection: an Excel form for each officer, a blank one on paper, and the kit beside them.

    Parameters
    ----------
    instrument : str
        A shipped name, or the path of an instrument file.
    cases, raters : path
        Tables with the cases and the officers; see :func:`arms_irr.study.kit.make_kit`.
    out : path
        A folder. Forms that lie there from before are replaced as a whole, but never one that was changed since.
    assignment : path, optional
        Who rates which case on which occasion; without it everyone rates every case once.
    seed : int
        Of the orders in which the officers read the cases. The same inputs and seed give the same bytes.
    step : callable
        Is told in words what comes next.

    Returns
    -------
    Kit

    Raises
    ------
    DataError
        With every problem of the tables and the instrument.
    ArgumentError
        When the folder holds anything but forms, or forms that were filled in.
    """
    say, folder = voice(language), Path(out)
    foreign(folder, KIT_MAKER)  # a folder that may not be written is refused before anything is made
    texts = {key.removeprefix("forms."): text for key, text in say.entries.items() if key.startswith("forms.")}
    kit = make_kit(instrument, Path(cases), Path(raters), texts, None if assignment is None else Path(assignment), seed)
    files = kit_files(kit)
    for number, form in enumerate(kit.forms, 1):
        step(f"form {number} of {len(kit.forms)}")
        files[form.file] = form_workbook(kit, form)
    step("paper forms")
    files |= {f"paper/{_file_name(kit)}.{ending}": content for ending, content in paper_form(kit.instrument, language).items()}
    publish(folder, files, manifest_of(kit, files), KIT_MAKER)
    return kit


def _file_name(kit: Kit) -> str:
    """The name of the paper form: that of the instrument, as a file can have it."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in kit.instrument.name)[:60] or "form"


def form_workbook(kit: Kit, form: Form) -> bytes:
    """One officer's form as an Excel workbook, the same bytes on every run.

    Everything is locked but the answers, without a password: the lock keeps a slip of the hand from doing harm, and
    whoever must can lift it. Answers are stored as text, so that "3-4" stays no date and "=" no formula.
    """
    from openpyxl import Workbook
    from openpyxl.workbook.protection import WorkbookProtection
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook()
    book.remove(book.worksheets[0])
    properties = book.properties
    properties.title, properties.creator, properties.created, properties.modified = kit.texts["title"], "arms_irr", EPOCH, EPOCH
    book.security = WorkbookProtection(lockStructure=True)
    sheets = form_sheets(kit, form)
    for sheet in sheets:
        _write(book, sheet, sheets, kit)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        ExcelWriter(book, archive).save()
    return steady(out.getvalue())


@lru_cache(maxsize=1)
def _styles() -> SimpleNamespace:
    """The looks of cells, made once: fonts, fills, frames."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
    from openpyxl.styles.differential import DifferentialStyle

    def fill(colour: str) -> Any:
        return PatternFill("solid", fgColor=colour, bgColor=colour)

    def font(colour: str = _INK, size: float = 11, **look: Any) -> Any:
        return Font(name="Calibri", size=size, color=colour, **look)

    line = Side("thin", color=_RULE)
    fonts = {
        "title": font(size=15, bold=True), "mark": font(_QUIET, 8), "head": font(size=12, bold=True), "kind": font(_QUIET, bold=True),
        "term": font(bold=True), "plain": font(), "quiet": font(_QUIET), "link": font(_LINK, underline="single"),
    }  # fmt: skip
    return SimpleNamespace(
        fonts=fonts, box=Border(line, line, line, line), under=Border(bottom=Side("medium", color=_INK)), row=Border(bottom=line),
        wrap=Alignment(wrap_text=True, vertical="center"), flat=Alignment(vertical="center"),
        answer=Alignment(horizontal="left", vertical="center", wrap_text=True, indent=1),
        idle=fill(_IDLE), open=Protection(locked=False), missing=DifferentialStyle(fill=fill(_EMPTY)),
        unasked=DifferentialStyle(fill=fill(_IDLE)),
    )  # fmt: skip


def _write(book: Workbook, sheet: FormSheet, sheets: tuple[FormSheet, ...], kit: Kit) -> None:
    page = book.create_sheet(sheet.name)
    for place, width in enumerate(sheet.widths, 1):
        page.column_dimensions[_at(1, place)[0]].width = width
    for (row, column), printed in sheet.printed.items():
        _print(page, row, column, printed, sheet, sheets)
    _heights(page, sheet)
    if sheet.case:
        _answers(page, sheet, kit, sheets[0].name)
        page.freeze_panes = f"A{sheet.head + 1}"
        page.print_title_rows = f"{sheet.head}:{sheet.head}"
        first = _at(*min(sheet.answers))
        for view in page.sheet_view.selection:
            view.activeCell = view.sqref = first
    elif sheet is sheets[0]:
        _show_progress(page, sheet, sheets)
    page.sheet_view.showGridLines = False
    page.sheet_view.zoomScale = 110
    page.protection.sheet = True
    page.protection.formatRows = page.protection.formatColumns = False  # False lets the officer make a row higher
    page.page_setup.paperSize = page.PAPERSIZE_A4
    page.page_setup.orientation = "landscape" if sheet.case else "portrait"
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, int(bool(sheet.case) and len(sheet.answers) < 90)
    page.sheet_properties.pageSetUpPr = _fit()
    page.page_margins.left = page.page_margins.right = 0.5
    page.page_margins.top = page.page_margins.bottom = 0.7
    page.oddFooter.left.text = sheet.printed[2, 1].text
    page.oddFooter.right.text = "&P / &N"


def _fit() -> Any:
    from openpyxl.worksheet.properties import PageSetupProperties

    return PageSetupProperties(fitToPage=True)


def _print(page: Any, row: int, column: int, printed: Printed, sheet: FormSheet, sheets: Iterable[FormSheet]) -> None:
    """One printed cell; whatever it says is text, never a formula."""
    from openpyxl.worksheet.hyperlink import Hyperlink

    look = _styles()
    cell = page.cell(row, column, _ESCAPED.sub("_x005F_", printable(printed.text)))
    cell.data_type = "s"
    cell.quotePrefix = printed.text.startswith(("=", "+", "-", "@"))
    cell.font = look.fonts[printed.look]
    cell.alignment = look.flat if _runs_on(sheet, row, printed) else look.wrap
    if row == sheet.head:
        cell.border = look.under
    if printed.link:
        target = next(other for other in sheets if other.name == printed.link)
        first = _at(*min(target.answers))
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"{_quoted(target.name)}!{first}")
        cell.font = look.fonts["link"]
    if printed.span > 1:
        page.merge_cells(start_row=row, end_row=row, start_column=column, end_column=column + printed.span - 1)


def _runs_on(sheet: FormSheet, row: int, printed: Printed) -> bool:
    """Whether a text stays on one line and runs on over the empty cells beside it."""
    below = bool(sheet.case) and row > max(row for row, _ in sheet.answers)
    return below or (row != sheet.head and printed.look in ("mark", "kind", "head", "quiet"))


def _heights(page: Any, sheet: FormSheet) -> None:
    """Rows as high as what is printed in them, and high enough to write in: LibreOffice does not find out by itself."""
    asked = {row for row, _ in sheet.answers}
    lines: dict[int, int] = {}
    for (row, column), printed in sheet.printed.items():
        room = sum(sheet.widths[column - 1 : column - 1 + printed.span]) / (1.4 if printed.look == "title" else 1.12 if printed.look == "term" else 1)
        lines[row] = max(lines.get(row, 1), 1 if _runs_on(sheet, row, printed) else math.ceil(len(printed.text) / room))
    for row, count in lines.items():
        page.row_dimensions[row].height = max(15.5 * count + 4.5, 36 if row in asked else 24 if row == 1 else 12 if row == 2 else 0)


def _answers(page: Any, sheet: FormSheet, kit: Kit, lists: str) -> None:
    """The cells to be filled in: their lists, and their colour while something is missing."""
    look, columns = _styles(), columns_of(kit.instrument)
    for row in sorted({row for row, _ in sheet.answers}):
        for column, name in enumerate(columns, 1):
            cell = page.cell(row, column)
            answer = sheet.answers.get((row, column))
            if answer is None:
                cell.border = look.row
                if name == "urgency":
                    cell.fill = look.idle
                continue
            cell.border, cell.protection, cell.number_format = look.box, look.open, "@"
            cell.alignment = look.answer
    groups: dict[Answer, list[str]] = {}
    for (row, column), answer in sheet.answers.items():
        same = Answer("", answer.field, answer.choices, answer.required)
        groups.setdefault(same, []).append(_at(row, column))
    rating = _at(1, columns.index("rating") + 1)[0]
    unable = {row: answer.choices[1] for (row, _), answer in sheet.answers.items() if answer.field == "rating" and answer.choices}
    for answer, cells in groups.items():
        if answer.choices:
            first, last = answer.choices
            _offer(page, f"{_quoted(lists)}!$A${first}:$A${last}", " ".join(cells), kit.texts)
        here, line = cells[0], int(cells[0][1:])
        if answer.required:
            _colour(page, " ".join(cells), f"LEN(TRIM({here}))=0", look.missing)
        if answer.field == "urgency":
            says_unable = f"${rating}{line}={_named(page, f'answer_{unable[line]}', f'{_quoted(lists)}!$A${unable[line]}')}"
            _colour(page, " ".join(cells), f"AND({says_unable},LEN(TRIM({here}))=0)", look.missing)
            _colour(page, " ".join(cells), f"NOT({says_unable})", look.unasked)


def _offer(page: Any, choices: str, cells: str, texts: Mapping[str, str]) -> None:
    """A drop-down list that refuses everything else."""
    from openpyxl.worksheet.cell_range import MultiCellRange
    from openpyxl.worksheet.datavalidation import DataValidation

    offered = DataValidation("list", choices, allow_blank=True, showErrorMessage=True, errorStyle="stop")
    offered.errorTitle, offered.error = texts["not_listed_title"], texts["not_listed"]
    offered.sqref = MultiCellRange(cells)
    page.add_data_validation(offered)


def _colour(page: Any, cells: str, formula: str, style: Any) -> None:
    from openpyxl.formatting.rule import Rule

    page.conditional_formatting.add(cells, Rule("expression", dxf=style, formula=[formula]))


def _named(page: Any, name: str, formula: str) -> str:
    """A name for a formula that looks at another sheet: not every Excel takes it in a rule for colours itself."""
    from openpyxl.workbook.defined_name import DefinedName

    page.parent.defined_names[name] = DefinedName(name, attr_text=formula)
    return name


def _show_progress(page: Any, start: FormSheet, sheets: tuple[FormSheet, ...]) -> None:
    """The list of cases stays yellow where something is missing."""
    for (row, column), printed in start.printed.items():
        if not printed.link:
            continue
        case = next(sheet for sheet in sheets if sheet.name == printed.link)
        places = sorted(place for place, answer in case.answers.items() if answer.required)
        runs = [f"{_quoted(case.name)}!${first[0]}${first[1:]}:${last[0]}${last[1:]}" for first, last in _runs(places)]
        missing = f"({'+'.join(f'COUNTA({run})' for run in runs)})<{len(places)}"
        _colour(page, _at(row, column), _named(page, f"open_{sheets.index(case)}", missing), _styles().missing)


def _runs(places: list[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """The first and the last cell of each run of rows without a gap."""
    for _, run in groupby(enumerate(places), key=lambda item: item[1][0] - item[0]):
        cells = [place for _, place in run]
        yield _at(*cells[0]), _at(*cells[-1])


def _at(row: int, column: int) -> str:
    """A cell as formulas call it."""
    return f"{'ABCDEFGH'[column - 1]}{row}"


def _quoted(name: str) -> str:
    return "'{}'".format(name.replace("'", "''"))
