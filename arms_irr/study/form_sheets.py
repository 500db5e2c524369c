"""The sheets of a rating form as cells: what is printed where, and where the answers go.

One description for both ends of the form's journey. What writes the workbook dresses these cells; what reads it back
compares them, so that a text which was changed, moved or put in the wrong place is found and no answer is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from arms_irr.instruments.model import Factor, Instrument, Scale
from arms_irr.study.kit import Form, Kit, fingerprint

__all__ = ["ABOUT", "MARK", "Answer", "FormSheet", "Printed", "columns_of", "form_sheets", "rated_with"]

MARK = re.compile(r"arms-irr ([0-9a-f]{12})/(\d+)")  # stands on every sheet: the form's id, and which sheet it is
ABOUT = {"rater": 5, "instrument": 7, "fingerprint": 8, "seed": 9}  # rows of the last sheet, for forms that are not known
Cell = tuple[int, int]  # row and column as a spreadsheet counts them, from 1
Field = Literal["rating", "urgency", "rationale"]
Look = Literal["title", "mark", "head", "kind", "term", "plain", "quiet", "link"]


@dataclass(frozen=True)
class Printed:
    """A text of the form; ``link`` is the sheet that it leads to, ``span`` how many columns it is set across."""

    text: str
    look: Look = "plain"
    link: str = ""
    span: int = 1


@dataclass(frozen=True)
class Answer:
    """A cell to be filled in; ``choices`` are the first and the last row of its list on the first sheet."""

    factor: str
    field: Field
    choices: tuple[int, int] | None = None
    required: bool = False


@dataclass(frozen=True)
class FormSheet:
    """One sheet.

    Attributes
    ----------
    case : str
        Empty on the first and the last sheet.
    widths : tuple of int
        Of the columns, in letters.
    head : int
        The row that names the columns; 0 where none does.
    """

    name: str
    widths: tuple[int, ...]
    case: str = ""
    head: int = 0
    printed: dict[Cell, Printed] = field(default_factory=dict)
    answers: dict[Cell, Answer] = field(default_factory=dict)


def columns_of(instrument: Instrument) -> tuple[str, ...]:
    """The columns of a case's sheet: no definitions and no urgency where the instrument has none."""
    defined = any(factor.definition for factor in instrument.factors)
    unable = any(instrument.scales[factor.scale].not_rated for factor in instrument.factors)
    return ("factor", *(("definition",) if defined else ()), "rating", *(("urgency",) if unable else ()), "rationale")


def form_sheets(kit: Kit, form: Form) -> tuple[FormSheet, ...]:
    """The sheets in order: how to fill in the form, one sheet a case, and what the form was made from."""
    start, lists = _start(kit, form)
    cases = [_case(kit, form, number, lists) for number in range(1, len(form.cases) + 1)]
    sheets = (start, *cases, _about(kit, form))
    for number, sheet in enumerate(sheets, 1):
        sheet.printed[2, 1] = Printed(f"arms-irr {form.id}/{number}", "mark")
    return sheets


def _start(kit: Kit, form: Form) -> tuple[FormSheet, dict[str, tuple[int, int, int]]]:
    """The first sheet, and for each scale the rows of its first and last category and of its last answer."""
    say, tool = kit.texts, kit.instrument
    sheet = FormSheet(say["start_sheet"], (20, 84))
    lists: dict[str, tuple[int, int, int]] = {}
    rows = _Rows(sheet, 1)
    rows.add(Printed(say["title"], "title"), skip=1)
    rows.add(Printed(say["officer"], "term"), Printed(form.rater, "term"))
    rows.add(Printed(say["instrument"], "term"), Printed(tool.title))
    if kit.several_occasions:
        rows.add(Printed(say["occasion"], "term"), Printed(str(form.occasion)))
    rows.add(Printed(say["how"], "head"), before=1)
    for number, step in enumerate(_steps(tool, say), 1):
        rows.add(Printed(f"{number}.  {step}", span=2))
    rows.add(Printed(say["meaning"], "head"), before=1)
    if tool.direction:
        rows.add(Printed(say["direction"], "quiet"), Printed(tool.direction[:1].upper() + tool.direction[1:]))
    used = {factor.scale: tool.scales[factor.scale] for factor in tool.factors}
    for name, scale in used.items():
        if len(used) > 1:
            rows.add(Printed(rated_with(tool, name, say), "kind"))
        first = rows.row
        for category, meaning in _answers(scale):
            rows.add(Printed(category, "term"), *([Printed(meaning)] if meaning else []))
        lists[name] = (first, first + len(scale.categories) - 1, rows.row - 1)
    rows.add(Printed(say["cases"], "head"), before=1)
    for number, case in enumerate(form.cases, 1):
        name = say["case_sheet"].format(number=number)
        rows.add(Printed(name, "link", name), Printed(kit.titles[case]))
    return sheet, lists


def _case(kit: Kit, form: Form, number: int, lists: Mapping[str, tuple[int, int, int]]) -> FormSheet:
    say, tool = kit.texts, kit.instrument
    columns = columns_of(tool)
    wide = {"factor": 34, "definition": 44, "rating": 18, "urgency": 18, "rationale": 50 if "definition" in columns else 62}
    case = form.cases[number - 1]
    sheet = FormSheet(say["case_sheet"].format(number=number), tuple(wide[name] for name in columns), case, head=4)
    rows = _Rows(sheet, 1)
    title = say["case_head"].format(number=number, all=len(form.cases), title=kit.titles[case])
    rows.add(Printed(title, "title", span=len(columns)), skip=1)
    rows.add(Printed(say["case_hint"].format(start=say["start_sheet"]), "quiet"))
    rows.add(*(Printed(say[name], "head") for name in columns))
    several = len({factor.kind for factor in tool.factors}) > 1
    for kind, factors in groupby(tool.factors, key=lambda factor: factor.kind):
        if several:
            rows.add(Printed(say[f"kind_{kind}"], "kind"))
        for factor in factors:
            _ask(sheet, rows.row, columns, factor, tool.scales[factor.scale], lists[factor.scale])
            known = {"factor": Printed(_label(factor, say), "term"), "definition": Printed(factor.definition)}
            rows.add(*(known[name] for name in columns if name in known and known[name].text))
    following = say["case_sheet"].format(number=number + 1) if number < len(form.cases) else ""
    rows.add(Printed(say["next"].format(sheet=following) if following else say["last"], "link" if following else "term", following), before=1)
    return sheet


def _ask(sheet: FormSheet, row: int, columns: Sequence[str], factor: Factor, scale: Scale, rows: tuple[int, int, int]) -> None:
    first, last, all_ = rows
    sheet.answers[row, columns.index("rating") + 1] = Answer(factor.id, "rating", (first, all_), not factor.optional)
    if "urgency" in columns and scale.not_rated:
        sheet.answers[row, columns.index("urgency") + 1] = Answer(factor.id, "urgency", (first, last))
    sheet.answers[row, columns.index("rationale") + 1] = Answer(factor.id, "rationale")


def _about(kit: Kit, form: Form) -> FormSheet:
    say = kit.texts
    sheet = FormSheet(say["about_sheet"], (34, 80))
    rows = _Rows(sheet, 1)
    rows.add(Printed(say["about"], "title"), skip=1)
    rows.add(Printed(say["about_lead"], "quiet"))
    facts = {
        "form_id": form.id, "officer": form.rater, "occasion": str(form.occasion), "instrument": kit.instrument.name,
        "fingerprint": fingerprint(kit.instrument), "seed": str(kit.seed),
    }  # fmt: skip
    for key, value in facts.items():
        rows.add(Printed(say[key], "term"), Printed(value))
    rows.add(Printed(say["order"], "head"), before=1)
    for number, case in enumerate(form.cases, 1):
        rows.add(Printed(say["case_sheet"].format(number=number), "term"), Printed(case))
    return sheet


@dataclass
class _Rows:
    """Prints row by row."""

    sheet: FormSheet
    row: int

    def add(self, *cells: Printed, before: int = 0, skip: int = 0) -> None:
        """The next row, with empty rows before and behind it."""
        self.row += before
        for column, cell in enumerate(cells, 1):
            self.sheet.printed[self.row, column] = cell
        self.row += 1 + skip


def _steps(tool: Instrument, say: Mapping[str, str]) -> Iterator[str]:
    unable = next((scale.not_rated[0] for scale in tool.scales.values() if scale.not_rated), "")
    for name in ("one", "read", "rate", "unable", "reason", "blank", "save"):
        if unable or name != "unable":
            yield say[f"step_{name}"].format(unable=unable)


def _answers(scale: Scale) -> Iterator[tuple[str, str]]:
    """Every answer of the list and what it means; one wording of "unable to rate" is enough."""
    meanings = scale.definitions or ("",) * len(scale.categories)
    yield from zip(scale.categories, meanings, strict=True)
    if scale.not_rated:
        yield scale.not_rated[0], scale.not_rated_definition


def rated_with(tool: Instrument, scale: str, say: Mapping[str, str], prefix: str = "") -> str:
    """What a scale is for: the one thing rated with it, or the kinds of things."""
    factors = [factor for factor in tool.factors if factor.scale == scale]
    if len(factors) == 1:
        return factors[0].label
    return ", ".join(dict.fromkeys(say[f"{prefix}kind_{factor.kind}"] for factor in factors))


def _label(factor: Factor, say: Mapping[str, str]) -> str:
    return factor.label + say["optional"] if factor.optional else factor.label
