"""What several commands ask for: the study, the grouping, the options."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arms_irr.cli.show import say, working
from arms_irr.errors import ArgumentError, nearest

if TYPE_CHECKING:
    from arms_irr.study.study import Study

__all__ = ["By", "Confidence", "Csv", "Force", "Json", "Seed", "StudyPath", "existing", "names", "read"]

GROUPS = ("factor", "kind", "case", "risk_band", "rater", "occasion")


def _groups(incomplete: str) -> list[str]:
    head, comma, last = incomplete.rpartition(",")
    return [f"{head}{comma}{name}" for name in GROUPS if name.startswith(last)]


StudyPath = Annotated[
    Path, typer.Argument(metavar="STUDY", help="Folder with a study.toml, or a workbook.", show_default=False)
]
By = Annotated[
    list[str],
    typer.Option(
        "--by",
        metavar="NAMES",
        autocompletion=_groups,
        help="Group by these, separated by commas: factor, kind, case, risk_band, rater, occasion, or any "
        "attribute of cases or raters; 'all' for no groups.",
    ),
]
Confidence = Annotated[
    float, typer.Option("--confidence", metavar="LEVEL", help="Confidence level of the intervals.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="NUMBER", help="Seed of the random numbers.")]
Force = Annotated[
    bool,
    typer.Option("--force", help="Show what the design cannot carry, marked as such.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, with full precision.", show_default=False)]
Csv = Annotated[bool, typer.Option("--csv", help="Write CSV, with full precision.", show_default=False)]


def names(given: Iterable[str]) -> list[str]:
    """``["a,b", "c"]`` as ``["a", "b", "c"]``; ``all`` is no name."""
    found = [name.strip() for text in given for name in text.split(",")]
    return [] if found == ["all"] else [name for name in found if name]


def existing(path: Path) -> Path:
    """The path; ``ArgumentError`` with the nearest name beside it when nothing is there."""
    if os.path.exists(path):
        return path
    try:
        beside = [str(path.with_name(name)) for name in sorted(os.listdir(path.parent))]
    except (OSError, ValueError):
        beside = []
    raise ArgumentError(
        f"there is no '{path}'. {nearest(str(path), beside)}Give the folder of a study, or a workbook."
    )


def read(path: Path) -> Study:
    """The study; a line on stderr when there are warnings about its data."""
    from arms_irr.study.opening import read_study

    with working("reading the study"):
        study = read_study(existing(path))
    if study.warnings:
        count = "1 warning" if len(study.warnings) == 1 else f"{len(study.warnings)} warnings"
        say(f"{count} about the data; arms-irr check {path} tells more.")
    return study
