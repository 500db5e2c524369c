"""A form that came back: its answers, and whatever is not as it was printed. Nothing is guessed, nothing is changed."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from arms_irr.errors import DataError, Problem, nearest
from arms_irr.instruments.model import UNABLE, Scale
from arms_irr.study.form_sheets import ABOUT, MARK, Answer, FormSheet, form_sheets
from arms_irr.study.kit import Form, Kit, fingerprint
from arms_irr.study.table import counted, text_of
from arms_irr.study.workbook import WORKBOOKS, Workbook

__all__ = ["Returned", "read_form"]

_SHOWN = 60  # letters of a text in a message
_LOCK = "Take the form as it was sent out and copy the answers into it, or ask the officer to."
Found = dict[tuple[int, int], str]  # text by row and column, from 1


@dataclass(frozen=True)
class Returned:
    """One form that came back.

    Attributes
    ----------
    answers : dict of (case, factor, field) to str
        Ratings and urgencies by the label of their category, reasons as they were written; empty ones are left out.
    """

    form: Form
    file: str
    sha256: str
    answers: Mapping[tuple[str, str, str], str]

    @property
    def blank(self) -> bool:
        """Whether nothing at all was filled in."""
        return not self.answers


class _Told:
    """Collects the problems of one file."""

    def __init__(self, file: str):
        self.file, self.problems = file, list[Problem]()

    def __call__(
        self, severity: Literal["error", "warning"], message: str, remedy: str, sheet: str | None = None,
        rows: Sequence[int] = (), column: str | None = None, value: str | None = None,
    ) -> None:
        self.problems.append(Problem(severity, message, remedy, self.file, sheet, tuple(rows), column, value))


def read_form(path: Path, name: str, data: bytes, kit: Kit) -> tuple[Returned, list[Problem]]:
    """A form and everything that is wrong, missing or altered in it.

    Parameters
    ----------
    path : Path
    name : str
        What the file is called in messages.
    data : bytes
        Its contents.

    Raises
    ------
    DataError
        When the file is no workbook, is protected by a password, or is no form of this kit.
    """
    tell = _Told(name)
    if path.suffix.lower() not in WORKBOOKS:
        tell("error", "This is not a workbook, so no answers can be read from it.",
             "Ask for the form as an Excel workbook, copy the answers into the officer's form, or take the file out of the folder.")
        raise DataError(tell.problems)
    book = Workbook(path, data)
    found = {sheet: _cells(book, sheet) for sheet in book.sheets}
    form = _known(found, kit, tell)
    answers: dict[tuple[str, str, str], str] = {}
    for number, sheet in enumerate(form_sheets(kit, form), 1):
        actual = _sheet(found, form, number, sheet, tell)
        if actual is not None:
            _compare(found[actual], sheet, actual, kit, form, tell)
            _lost(book, found[actual], actual, tell)
            answers |= _read(found[actual], sheet, actual, kit, tell)
    _others(found, kit, form, tell)
    if Path(name).name != form.file:
        tell("warning", f"The file was called {form.file} when it was made; it was read as the form of {form.rater!r}, whose it is.",
             "Nothing to do.", value=Path(name).name)
    returned = Returned(form, name, hashlib.sha256(data).hexdigest(), answers)
    if returned.blank:
        tell("warning", "Nothing was filled in, so the form counts as not returned.", "Ask the officer for the form that was filled in.")
        return returned, [p for p in tell.problems if p.severity == "error" or p is tell.problems[-1]]
    _gaps(answers, kit, form, tell)
    return returned, tell.problems


# --- whose form it is, and which sheet is which ---


def _known(found: Mapping[str, Found], kit: Kit, tell: _Told) -> Form:
    """The form that the marks on the sheets name; ``DataError`` when they name none of this kit, or several."""
    ids = {match[1]: match for cells in found.values() for match in _marks(cells)}
    known = [kit.by_id[id] for id in ids if id in kit.by_id]
    if len(ids) > 1:
        tell("error", f"Sheets of {len(ids)} different forms are in this workbook.", "Put every form back into a file of its own.",
             value=", ".join(ids))
    elif not ids:
        tell("error", "This workbook is no rating form: no sheet has the mark of one.",
             "Take it out of the folder, or copy the answers into a form.")
    elif not known:
        _stranger(found, kit, tell, next(iter(ids)))
    if tell.problems:
        raise DataError(tell.problems)
    return known[0]


def _marks(cells: Found) -> list[Any]:
    return [match for text in cells.values() if (match := MARK.fullmatch(text.strip()))]


def _stranger(found: Mapping[str, Found], kit: Kit, tell: _Told, id: str) -> None:
    """Say why a form is not of this kit, from what it says about itself on its last sheet."""
    last = max(found.values(), key=lambda cells: max((int(match[2]) for match in _marks(cells)), default=0))
    said = {name: last.get((row, 2), "") for name, row in ABOUT.items()}
    if said["fingerprint"] != fingerprint(kit.instrument):
        tell("error", f"This form is for another instrument ({said['instrument'][:_SHOWN] or 'not named'}).",
             f"These forms are for {kit.instrument.name}; collect it with its own kit (--kit).", value=said["instrument"][:_SHOWN])
    elif said["rater"] not in kit.raters.names:
        tell("error", f"The officer {said['rater'][:_SHOWN]!r} is not among the officers of this kit.",
             f"{nearest(said['rater'], kit.raters.names)}Collect the form with its own kit (--kit), or make forms for this officer too.",
             column="rater", value=said["rater"][:_SHOWN])
    else:
        tell("error", f"This form of {said['rater'][:_SHOWN]!r} is from another issue of the forms (seed {said['seed'][:20]}).",
             "Collect it with the kit that it was made with (--kit): orders, titles or texts were others.", value=id)


def _sheet(found: Mapping[str, Found], form: Form, number: int, sheet: FormSheet, tell: _Told) -> str | None:
    """The name that a sheet of the form has now; a warning where it was renamed, an error where it is gone or doubled."""
    marked = [name for name, cells in found.items() if any((m[1], int(m[2])) == (form.id, number) for m in _marks(cells))]
    what = f"the sheet of the case {sheet.case!r}" if sheet.case else f"the sheet {sheet.name!r}"
    if len(marked) > 1:
        tell("error", f"{what[:1].upper()}{what[1:]} is there {len(marked)} times: {', '.join(marked)}.",
             "Ask which one holds, and delete the other.",
             marked[1], value=sheet.case or None)
        return None
    if not marked and sheet.name in found:
        return sheet.name  # its mark was written over: the comparison says so
    if not marked:
        tell("error", f"{what[:1].upper()}{what[1:]} is missing.", f"{nearest(sheet.name, found)}{_LOCK}", value=sheet.case or None)
        return None
    if marked[0] != sheet.name:
        tell("warning", f"The sheet was renamed from {sheet.name!r}; it was read as {what}, whose mark it has.", "Nothing to do.", marked[0])
    return marked[0]


def _others(found: Mapping[str, Found], kit: Kit, form: Form, tell: _Told) -> None:
    """Sheets that were added, if anything stands on them."""
    own = {sheet.name for sheet in form_sheets(kit, form)}
    for name, cells in found.items():
        if cells and name not in own and not _marks(cells):
            first = next(iter(cells.values()))
            tell("warning", "This sheet is not of the form and was not read.", "Look whether it holds something that belongs into the form.",
                 name, value=first[:_SHOWN])


# --- what stands where ---


def _cells(book: Workbook, sheet: str) -> Found:
    """Every cell that is not empty, as text."""
    return {
        (row, column): text
        for row, line in enumerate(book.rows(sheet), 1)
        for column, value in enumerate(line, 1)
        if (text := (text_of(value) or "").strip())
    }


def _compare(found: Found, sheet: FormSheet, name: str, kit: Kit, form: Form, tell: _Told) -> None:
    """Errors for printed texts that are no longer what they were, and for texts where nothing should stand."""
    altered = [place for place, printed in sheet.printed.items() if _same(found.get(place, "")) != _same(printed.text)]
    asked = {row for row, _ in sheet.answers}
    factors = sorted({row for row, column in altered if row in asked and column == 1})
    if factors:
        row = factors[0]
        was, now = sheet.printed[row, 1].text, found.get((row, 1), "")
        tell("error", f"The rows of the factors were changed: row {row} was {was!r} and is {now[:_SHOWN]!r}, so it is not certain which answer "
             "belongs to which factor.", _LOCK, name, factors, "A", now[:_SHOWN])
    for row, column in sorted(altered):
        was, now = sheet.printed[row, column].text, found.get((row, column), "")
        if row in factors:
            continue
        if was == form.rater:
            tell("error", f"The officer was {form.rater!r} when the form was made and is now {now[:_SHOWN]!r}.",
                 f"{nearest(now, kit.raters.names)}{_LOCK}", name, [row], _letter(column), now[:_SHOWN])
        else:
            tell("error", f"A printed text was changed: {was[:_SHOWN]!r} is now {now[:_SHOWN]!r}.",
                 f"If an answer or a remark stands there, move it to where it belongs. {_LOCK}", name, [row], _letter(column), now[:_SHOWN])
    for (row, column), text in found.items():
        if (row, column) not in sheet.printed and (row, column) not in sheet.answers and row not in factors:
            tell("error", f"Something was written where nothing is asked: {text[:_SHOWN]!r}.",
                 "Move it to the cell it belongs to, or delete it.", name, [row], _letter(column), text[:_SHOWN])


def _same(text: str) -> str:
    """A text without what programs change when they store it: white space and characters that cannot be shown."""
    normal = unicodedata.normalize("NFC", text)
    return "".join(letter for letter in normal if letter.isprintable() and not letter.isspace() and letter != "\N{REPLACEMENT CHARACTER}")


def _lost(book: Workbook, found: Found, name: str, tell: _Told) -> None:
    """Cells that hold something which no program stored as a value."""
    rows = book.rows(name)
    for row, column in book.lost(name, rows):
        if (row, column) not in found:
            tell("error", "The cell holds a formula without a stored value, or an error such as #N/A.", "Write the answer itself.",
                 name, [row], _letter(column))


def _read(found: Found, sheet: FormSheet, name: str, kit: Kit, tell: _Told) -> dict[tuple[str, str, str], str]:
    """The answers of a sheet; an error for each that is not on its list."""
    answers: dict[tuple[str, str, str], str] = {}
    reread: dict[tuple[int, str, str], list[int]] = {}
    for (row, column), answer in sheet.answers.items():
        text = found.get((row, column))
        if text is None:
            continue
        if answer.field == "rationale":
            answers[sheet.case, answer.factor, answer.field] = text
            continue
        scale = kit.instrument.scale_of(answer.factor)
        code = scale.index(text)
        if code is None or (code == UNABLE and answer.field == "urgency"):
            _not_listed(text, answer, scale, kit, name, row, column, tell)
            continue
        label = scale.label(code)
        if label != text:
            reread.setdefault((column, text, label), []).append(row)
        answers[sheet.case, answer.factor, answer.field] = label
    for (column, text, label), rows in reread.items():
        tell("warning", f"{text!r} was read as {label!r}.", "Nothing to do if that is what was meant.", name, rows, _letter(column), text)
    return answers


def _not_listed(text: str, answer: Answer, scale: Scale, kit: Kit, name: str, row: int, column: int, tell: _Told) -> None:
    offered = scale.categories if answer.field == "urgency" else (*scale.categories, *scale.not_rated[:1])
    label = kit.instrument.factor(answer.factor).label
    tell("error", f"{text[:_SHOWN]!r} is not on the list of answers for {label}{' (urgency)' if answer.field == 'urgency' else ''}.",
         f"{nearest(text, offered)}The answers are: {', '.join(offered)}. A remark belongs under the reasons.",
         name, [row], _letter(column), text[:_SHOWN])


def _gaps(answers: Mapping[tuple[str, str, str], str], kit: Kit, form: Form, tell: _Told) -> None:
    """What was left empty, and urgencies that are missing or stand beside a rating."""
    bare, idle = [], []
    for number, case in enumerate(form.cases, 1):
        name = kit.texts["case_sheet"].format(number=number)
        asked = [factor for factor in kit.instrument.factors if not factor.optional]
        empty = [factor.label for factor in asked if (case, factor.id, "rating") not in answers]
        if empty:
            what = "Nothing was rated" if len(empty) == len(asked) else f"{len(empty)} of {len(asked)} ratings are missing: {_some(empty)}"
            tell("warning", f"{what} (case {case!r}). They count as not given.", "Ask the officer, or leave it so.", name)
        for factor in kit.instrument.factors:
            code = kit.instrument.scale_of(factor.id).index(answers.get((case, factor.id, "rating"), ""))
            urgent = (case, factor.id, "urgency") in answers
            if code == UNABLE and not urgent:
                bare.append(f"{factor.label} (case {case!r})")
            elif code != UNABLE and urgent:
                idle.append(f"{factor.label} (case {case!r})")
    if bare:
        tell("warning", f"{counted(len(bare), 'urgency', 'urgencies')} beside 'unable to rate' missing: {_some(bare)}.",
             "Ask the officer, or leave it so.")
    if idle:
        tell("warning", f"{counted(len(idle), 'urgency', 'urgencies')} without 'unable to rate' beside it: {_some(idle)}.",
             "Kept as it is, but it says nothing; perhaps 'unable to rate' was forgotten.")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _letter(column: int) -> str:
    """A, B ... Z, AA ..."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
