"""Opening: a study from its folder, its workbook or data frames, with every problem told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from arms_irr.errors import ArgumentError, DataError, Problem, in_order
from arms_irr.instruments import Instrument, load_instrument, shipped_instruments
from arms_irr.study.check import check
from arms_irr.study.read import read_bytes, read_frame
from arms_irr.study.settings import EXAMPLE, Settings, survey_of, teller
from arms_irr.study.sources import claims_file, from_folder, from_workbook, no_raters
from arms_irr.study.study import Study
from arms_irr.study.table import Table
from arms_irr.study.workbook import WORKBOOKS

__all__ = ["open_frames", "read_study"]


def read_study(path: str | Path) -> Study:
    """A study from a folder with ``study.toml``, or from a workbook with the sheets ``study, ratings ...``.

    Raises
    ------
    DataError
        With every problem of all files, warnings too.
    """
    path = Path(path)
    problems: list[Problem] = []
    path = path.parent if path.name == "study.toml" else path
    try:
        folder = path.is_dir()
    except (OSError, ValueError):
        folder = False
    if folder:
        settings, tables, files = from_folder(path, problems)
    elif path.suffix.lower() in WORKBOOKS:
        settings, tables = from_workbook(path, problems)
        files = [("workbook", path)]
    else:
        read_bytes(path)  # a missing path is told as such
        raise DataError(
            [
                Problem(
                    "error",
                    "A study is a folder with a study.toml, or a workbook.",
                    f"Put this file into a folder, with a study.toml beside it:\n{EXAMPLE}\n[files]\n"
                    f"ratings = {path.name!r}",
                    path.name,
                )
            ]
        )
    beside = path if folder else path.parent
    tool = _instrument(settings.instrument, beside, problems) if settings.instrument else None
    if tool is not None and settings.instrument not in shipped_instruments():
        own = beside / settings.instrument
        files.append(("instrument", own if own.is_file() else Path(settings.instrument)))
    files += claims_file(settings, beside, problems)
    return _study(settings, tool, tables, problems, path, tuple(files))


def open_frames(
    frames: Mapping[str, Any], instrument: str | Instrument, settings: Settings, columns: Mapping[str, Any]
) -> Study:
    """A study from the data frames of its parts: what :meth:`Study.from_frames` does.

    Parameters
    ----------
    frames : dict
        By part; None where there is none.
    instrument : str or Instrument
    settings : Settings
        What the study says of itself.
    columns : dict
        What the table ``columns`` of a study.toml holds.

    Raises
    ------
    ArgumentError
        When something is not a data frame, or ``columns``, ``report`` or ``simulation`` is no dict.
    DataError
        With every problem of the data.
    """
    for name, given in (("columns", columns), ("report", settings.report), ("simulation", settings.simulation)):
        if not isinstance(given, Mapping):
            raise ArgumentError(f"{name}={given!r} is no dict; give the keys and values that stand below [{name}] in a study.toml")
    problems: list[Problem] = []
    survey = survey_of(columns, teller(problems))
    tables: dict[str, Table | None] = {}
    for name, frame in frames.items():
        if frame is not None or name == "ratings":
            try:
                tables[name] = read_frame(frame, name)
            except DataError as error:
                problems += error.problems
                tables[name] = None
    if (ratings := tables["ratings"]) is not None:
        tables["ratings"] = replace(ratings, survey=survey)
    if frames["raters"] is None:
        problems.append(no_raters(None))
    tool = instrument if isinstance(instrument, Instrument) else _instrument(str(instrument), None, problems)
    return _study(settings, tool, tables, problems)


def _instrument(name: str, beside: Path | None, problems: list[Problem]) -> Instrument | None:
    try:
        return load_instrument(name, beside)
    except DataError as error:
        problems += error.problems
    except (OSError, ValueError) as error:  # a name that no file can have
        problems.append(
            Problem(
                "error",
                f"The instrument {name[:80]!r} cannot be read ({error}).",
                "Give a shipped name or the path of an instrument file.",
                value=name,
            )
        )
    return None


def _study(
    settings: Settings,
    instrument: Instrument | None,
    tables: Mapping[str, Table | None],
    problems: list[Problem],
    source: Path | None = None,
    files: tuple[tuple[str, Path], ...] = (),
) -> Study:
    checked = None
    if instrument is None:
        problems = problems + [problem for table in tables.values() if table for problem in table.problems]
    else:
        checked, found = check(tables, instrument)
        problems = problems + found
    if checked is None or instrument is None or any(problem.severity == "error" for problem in problems):
        raise DataError(problems)
    return Study(
        instrument,
        settings.title,
        checked.raters.names,
        checked.cases.names,
        checked.ratings,
        checked.gold,
        checked.gold_panel,
        checked.raters.attributes,
        checked.cases.attributes,
        description=settings.description,
        synthetic=settings.synthetic,
        simulation=dict(settings.simulation),
        report=dict(settings.report),
        source=source,
        files=files,
        notes=checked.notes,
        warnings=in_order(problems),
    )
