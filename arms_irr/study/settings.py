"""Settings: what study.toml, or the sheet ``study`` of a workbook, says about a study."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from arms_irr.errors import DataError, Problem, nearest
from arms_irr.study.table import Survey, text_of

__all__ = ["CLAIMS", "EXAMPLE", "PARTS", "Settings", "from_sheet", "from_toml", "survey_of", "teller"]

PARTS = ("ratings", "gold", "cases", "raters")
CLAIMS = "claims"  # a file of the study that is not read with it

EXAMPLE = """[study]
title = "..."
instrument = "arms-12"
synthetic = false"""

_TABLES = ("study", "files", "columns", "simulation", "report", "certification")
_STUDY_KEYS = {"title": str, "instrument": str, "synthetic": bool, "description": str}
_FIELDS = ("rating", "urgency")
_WORDS = {str: "text in quotation marks", bool: "true or false", dict: "a table"}
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
Tell = Callable[..., None]


@dataclass(frozen=True)
class Settings:
    """What a study says about itself.

    Attributes
    ----------
    sources : dict of str to str or None
        File or sheet of each part that is named, and the file of the claims; None where the study declares that it
        has none.
    survey : Survey or None
        From the table ``columns``: what the columns of a survey export mean.
    problems : tuple of Problem
        What is wrong with the settings; the rest of them is still usable, to look for further problems.
    """

    title: str = ""
    instrument: str = ""
    synthetic: bool = False
    description: str = ""
    simulation: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str | None] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    survey: Survey | None = None
    report: Mapping[str, Any] = field(default_factory=dict)

    def declares_no(self, part: str) -> bool:
        """Whether the study says that it has no such part."""
        return part in self.sources and self.sources[part] is None


def from_toml(data: bytes, file: str) -> Settings:
    """The settings in a study.toml; ``DataError`` when it is not TOML."""
    try:
        content = tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            [
                Problem(
                    "error",
                    f"The file is not valid TOML ({error}).",
                    "Mend the line named; texts stand in quotation marks.",
                    file,
                )
            ]
        ) from error
    return _settings(content, file, None)


def from_sheet(rows: list[list[Any]], file: str, sheet: str) -> Settings:
    """The settings in a sheet with a key and its value in each row.

    ``simulation.seed`` is the key ``seed`` of the table ``simulation``; ``report.grras.7`` the key ``7`` of the table
    ``grras`` in the table ``report``; ``columns.cases.q1`` and ``columns.q1_work.case`` go into the tables ``cases`` and
    ``q1_work`` in ``columns``. Values are text. A first row ``key`` is a header.
    """
    content: dict[str, dict[str, Any]] = {"study": {}, "files": {}, "simulation": {}}
    problems: list[Problem] = []
    for number, row in enumerate(rows):
        key, value = (text_of(cell) or "" for cell in (*row, "", "")[:2])
        key, value = key.strip(), value.strip()
        if not key or (number == 0 and key.casefold() == "key"):
            continue
        if key.startswith("simulation."):
            content["simulation"][key.removeprefix("simulation.")] = value
        elif key.startswith(("columns.", "report.")):
            name, _, rest = key.partition(".")
            if not _placed(content.setdefault(name, {}), _columns_path(rest) if name == "columns" else rest.split("."), value):
                problems.append(
                    Problem(
                        "error",
                        f"The key {key!r} stands in the way of another.",
                        "Write each key once: as a value, or as a table of further keys.",
                        file,
                        sheet,
                        (number + 1,),
                        value=value,
                    )
                )
        elif key in (*PARTS, CLAIMS):
            content["files"][key] = value
        else:
            content["study"][key] = _YES_NO.get(value.casefold(), value) if key == "synthetic" else value
    settings = _settings(content, file, sheet)
    return replace(settings, problems=(*settings.problems, *problems))


def _columns_path(key: str) -> list[str]:
    """Where a key of ``columns`` belongs; the heading of a column may have full stops of its own."""
    if key.startswith("cases."):
        return key.split(".", 1)
    heading, _, last = key.rpartition(".")
    return [heading, last] if heading and last in ("case", "factor", "field") else [key]


def _placed(table: dict[str, Any], path: list[str], value: str) -> bool:
    """Put the value where the path leads; False where something else stands there."""
    for name in path[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            return False
    return bool(table.setdefault(path[-1], value) == value)


def teller(problems: list[Problem], file: str | None = None, sheet: str | None = None) -> Tell:
    """A function ``(message, remedy, column, value)`` that adds an error of this place."""

    def wrong(message: str, remedy: str, column: str | None = None, value: str | None = None) -> None:
        problems.append(Problem("error", message, remedy, file, sheet, column=column, value=value))

    return wrong


def _settings(content: Mapping[str, Any], file: str, sheet: str | None) -> Settings:
    problems: list[Problem] = []
    wrong = teller(problems, file, sheet)

    def table(name: str, known: Mapping[str, type] | None) -> dict[str, Any]:
        found = content.get(name, {})
        if not isinstance(found, dict):
            wrong(
                f"{name!r} is not a table.", f"Write [{name}] on a line of its own, and its keys below.", name
            )
            return {}
        for key, value in found.items() if known else ():
            if key not in known:
                near = nearest(key, [*known, *PARTS, CLAIMS] if sheet else known)
                wrong(
                    f"Unknown key {key!r} in [{name}].",
                    f"{near}Known keys: {', '.join(known)}.",
                    key,
                    str(value),
                )
            elif not isinstance(value, known[key]):
                wrong(f"{key!r} in [{name}] is {value!r}.", f"Write {_WORDS[known[key]]}.", key, str(value))
        return {k: v for k, v in found.items() if not known or (k in known and isinstance(v, known[k]))}

    for key in content:
        if key in _STUDY_KEYS or key in (*PARTS, CLAIMS):
            wrong(
                f"The key {key!r} stands outside a table.",
                f"Put it below the line [{'study' if key in _STUDY_KEYS else 'files'}].",
                key,
            )
        elif key not in _TABLES:
            wrong(f"Unknown table {key!r}.", f"{nearest(key, _TABLES)}Known tables: {', '.join(_TABLES)}.", key)
    study, files = table("study", _STUDY_KEYS), table("files", dict.fromkeys((*PARTS, CLAIMS), str))
    if not study.get("instrument", "").strip():
        wrong(
            "The study names no instrument.",
            'Add instrument = "arms-12" (or another) to [study].',
            "instrument",
        )
    sources = {
        part: None if name.strip().casefold() == "none" else name.strip() for part, name in files.items()
    }
    if sources.get("ratings", "") is None:
        wrong("A study without ratings is no study.", "Name the file of the ratings.", "ratings", "none")
        del sources["ratings"]
    survey, report = survey_of(table("columns", None), wrong), table("report", None)
    return Settings(
        study.get("title", "").strip(),
        study.get("instrument", "").strip(),
        study.get("synthetic", False),
        study.get("description", ""),
        table("simulation", None),
        sources,
        tuple(problems),
        survey,
        report,
    )


def survey_of(found: Mapping[str, Any], wrong: Tell) -> Survey | None:
    """What [columns] says about a survey export; None where it says nothing."""
    if not found:
        return None
    columns: dict[str, tuple[str, str, str]] = {}
    texts = {key: found[key] for key in ("rater", "pattern") if key in found}
    for key, value in texts.items():
        if not isinstance(value, str):
            wrong(f"{key!r} in [columns] is {value!r}.", "Write text in quotation marks.", key, str(value))
    cases = found.get("cases", {})
    if not isinstance(cases, dict) or not all(isinstance(case, str) for case in cases.values()):
        wrong("'cases' in [columns] is no table of texts.", 'Write cases = { q1 = "lower", q2 = "higher" }.', "cases", str(cases))
        cases = {}
    pattern = texts.get("pattern", "")
    if isinstance(pattern, str) and pattern and not ("{case}" in pattern and "{factor}" in pattern):
        wrong(f"The pattern {pattern!r} does not say where case and factor stand.", 'Write pattern = "{case}_{factor}".', "pattern", pattern)
    for key, value in found.items():
        if key in ("rater", "pattern", "cases"):
            continue
        known = isinstance(value, dict) and {"case", "factor"} <= set(value) <= {"case", "factor", "field"}
        if not known or not all(isinstance(v, str) for v in value.values()) or value.get("field", "rating") not in _FIELDS:
            wrong(
                f"{key!r} in [columns] is {value!r}.",
                f'Write {key} = {{ case = "...", factor = "..." }}; add field = "urgency" for the priority beside "unable to rate".',
                key,
                str(value),
            )
            continue
        columns[key] = (value["case"], value["factor"], value.get("field", "rating"))
    rater = texts.get("rater", "rater")
    if not all(isinstance(text, str) for text in (rater, pattern)):
        return None
    return Survey(rater, columns, pattern, cases)
