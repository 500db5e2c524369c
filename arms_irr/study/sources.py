"""Sources: the settings and tables of a study, from its folder or its workbook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from arms_irr.errors import DataError, Problem
from arms_irr.study.read import read_bytes, read_file
from arms_irr.study.settings import CLAIMS, EXAMPLE, PARTS, Settings, from_sheet, from_toml
from arms_irr.study.table import Table
from arms_irr.study.workbook import Workbook

__all__ = ["claims_file", "from_folder", "from_workbook", "no_raters"]

Tables = dict[str, Table | None]  # None: named, and not readable
Files = list[tuple[str, Path]]


def from_folder(path: Path, problems: list[Problem]) -> tuple[Settings, Tables, Files]:
    """What a folder with a study.toml holds; what is wrong is added to ``problems``.

    Raises
    ------
    DataError
        When there is no study.toml, or it is not TOML.
    """
    toml = path / "study.toml"
    if not toml.is_file():
        raise DataError(
            [
                Problem(
                    "error",
                    f"The folder {path.name!r} has no study.toml.",
                    f"Write one, for example:\n{EXAMPLE}",
                    str(path),
                )
            ]
        )
    settings = from_toml(read_bytes(toml), toml.name)
    problems += settings.problems
    settings = _titled(settings, path.resolve().name)
    tables: Tables = {}
    files = [("study", toml)]
    for part in PARTS:
        file = path / (settings.sources.get(part) or f"{part}.csv")
        if settings.declares_no(part):
            continue
        if part == "raters" and part not in settings.sources and not file.exists():
            problems.append(no_raters(file.name))
            continue
        try:
            table = read_file(file, part)
            tables[part] = replace(table, survey=settings.survey) if part == "ratings" else table
            files.append((part, file))
        except DataError as error:
            problems += [_or_none(problem, part, file) for problem in error.problems]
            tables[part] = None
    return settings, tables, files


def from_workbook(path: Path, problems: list[Problem]) -> tuple[Settings, Tables]:
    """What the sheets of a workbook hold; what is wrong is added to ``problems``.

    Raises
    ------
    DataError
        When the workbook cannot be opened.
    """
    workbook = Workbook(path, read_bytes(path))
    settings = Settings()
    tables: Tables = {}
    if workbook.has("study"):
        settings = from_sheet(workbook.rows("study"), path.name, "study")
        problems += settings.problems
    else:
        problems.append(
            Problem(
                "error",
                "There is no sheet 'study'.",
                "Add it, with a key and its value in each row: title, instrument, synthetic, description.",
                path.name,
            )
        )
    sheets = {part: settings.sources.get(part) or part for part in PARTS if not settings.declares_no(part)}
    for part, sheet in sheets.items():
        if part == "raters" and part not in settings.sources and not workbook.has(sheet):
            problems.append(no_raters(path.name))
            continue
        try:
            table = workbook.table(sheet, part)
            tables[part] = replace(table, survey=settings.survey) if part == "ratings" else table
        except DataError as error:
            problems += [_or_none(problem, part, None) for problem in error.problems]
            tables[part] = None
    known = {sheet.casefold() for sheet in ("study", *sheets.values())}
    for sheet in workbook.sheets:
        if sheet.strip().casefold() not in known and sheet in workbook.hidden:
            problems.append(
                Problem(
                    "warning",
                    "The sheet is hidden and was not read.",
                    "Nothing to do, unless it belongs to the study.",
                    path.name,
                    sheet,
                )
            )
    return _titled(settings, path.stem), tables


def claims_file(settings: Settings, beside: Path, problems: list[Problem]) -> Files:
    """The file of the claims, claims.toml where the study names none and it is there; what it says is not looked at."""
    named = settings.sources.get(CLAIMS)
    path = beside / (named or f"{CLAIMS}.toml")
    if settings.declares_no(CLAIMS) or not (named or path.is_file()):
        return []
    try:
        read_bytes(path)  # that it is there and may be read is all that is asked here
    except DataError as error:
        problems += error.problems
        return []
    return [(CLAIMS, path)]


def _titled(settings: Settings, title: str) -> Settings:
    return settings if settings.title else replace(settings, title=title)


def _or_none(problem: Problem, part: str, file: Path | None) -> Problem:
    """The problem of a missing gold or cases table, with the way to declare that there is none."""
    absent = problem.message.startswith(("There is no such file", "There is no sheet"))
    if not absent or part not in ("gold", "cases"):
        return problem
    how = (
        f'{part} = "none" below [files] in study.toml'
        if file
        else f"the key {part} with the value none in 'study'"
    )
    return replace(problem, remedy=f"{problem.remedy} If the study has none, write {how}.")


def no_raters(file: str | None) -> Problem:
    """The warning that raters have no attributes."""
    return Problem(
        "warning",
        "There is no table of raters, so raters have no attributes (agency, site ...).",
        "Add one with a column 'rater' if ratings should be compared between groups of raters.",
        file,
    )
