"""``arms-irr check``: is the study fit to be used?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from arms_irr.cli.ask import Json, StudyPath, existing
from arms_irr.cli.show import SYNTHETIC, sentences, working, write_json
from arms_irr.errors import DataError, Problem

if TYPE_CHECKING:
    from arms_irr.study.study import Study

__all__ = ["check", "told"]


def check(study: StudyPath, as_json: Json = False) -> None:
    """What is wrong or doubtful in the data.

    Shows how the files were read, then every problem at once, with its place and what to
    do about it. Errors stop the other commands, warnings do not.
    """
    from arms_irr.study.opening import read_study

    found: Study | None = None
    try:
        with working("reading the study"):
            found = read_study(existing(study))
        problems: Sequence[Problem] = found.warnings
    except DataError as error:
        problems = error.problems
    if as_json:
        write_json(_facts(study, found, problems))
    else:
        sentences(*_report(study, found, problems))
    if found is None:
        raise typer.Exit(1)


def _facts(path: Path, study: Study | None, problems: Sequence[Problem]) -> dict[str, object]:
    facts: dict[str, object] = {"study": str(path), "usable": study is not None}
    if study is not None:
        facts |= {
            "title": study.title,
            "synthetic": study.synthetic,
            "instrument": study.instrument.name,
            "raters": len(study.raters),
            "cases": len(study.cases),
            "factors": len(study.factors_rated),
            "ratings": len(study.ratings.code),
            "gold": study.has_gold,
            "notes": list(study.notes),
        }
    return {**facts, "problems": [{**asdict(problem), "place": problem.place} for problem in problems]}


def _report(path: Path, study: Study | None, problems: Sequence[Problem]) -> list[str]:
    lines = []
    if study is not None:
        lines += repr(study).split("\n")
        lines += ["  " + SYNTHETIC] * study.synthetic
        lines += ["", "How the files were read", *(f"  {note}" for note in study.notes), ""]
    lines += told(problems)
    if study is None:
        return [*lines, "The study cannot be used before the errors are put right."]
    warned = "no errors, but read the warnings" if problems else "nothing is wrong with it"
    return [*lines, f"The study can be used: {warned}. Next: arms-irr design {path}"]


def told(problems: Sequence[Problem], whole: str = "the study") -> list[str]:
    """Errors, then warnings, numbered; ``whole`` is the place of those that are in no file."""
    lines = []
    for severity in ("error", "warning"):
        some = [problem for problem in problems if problem.severity == severity]
        if some:
            lines += [f"{len(some)} {severity}{'s' * (len(some) > 1)}", ""]
            lines += [line for number, problem in enumerate(some, 1) for line in _told(number, problem, whole)]
    return lines


def _told(number: int, problem: Problem, whole: str) -> list[str]:
    """Place, what is wrong, what to do; a remedy may show lines of a file."""
    remedy = problem.remedy.split("\n")
    return [
        f"{number}. {problem.place or whole}",
        f"   {problem.message}",
        *(f"   {line}" for line in remedy if line),
        "",
    ]
