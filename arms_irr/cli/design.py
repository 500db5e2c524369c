"""``arms-irr design``: what this design can show, and what it cannot."""

from __future__ import annotations

from collections import defaultdict
from string import ascii_lowercase
from typing import TYPE_CHECKING, Annotated

import typer

from arms_irr.cli.ask import Csv, Json, StudyPath, read
from arms_irr.cli.show import Table, answer, one_format, working

if TYPE_CHECKING:
    from arms_irr.analysis.result import Result, Row

__all__ = ["design"]

VERDICTS = ("identified", "weak", "not identified")
Cells = tuple[tuple[str, ...], str]  # how many cells have each verdict, and their footnotes


def design(
    study: StudyPath,
    every: Annotated[
        bool, typer.Option("--all", show_default=False, help="Every cell, not only how many there are.")
    ] = False,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """What this design can and cannot show.

    The design in words; then, for every way of grouping the ratings, how many cells can carry each statistic,
    why the others cannot, and what to look at instead.
    """
    one_format(as_json, as_csv)
    ratings = read(study)
    with working("what the design can show"):
        result = ratings.design()
    answer(result, _cells if every else _counts, as_json=as_json, as_csv=as_csv)


def _footnotes(result: Result) -> dict[tuple[str, str], str]:
    """A letter for every reason and its remedy."""
    found = dict.fromkeys((row["reason"], row["instead"]) for row in result if row["reason"])
    return dict(zip(found, ascii_lowercase, strict=False))


def _below(marked: dict[tuple[str, str], str]) -> tuple[str, ...]:
    notes = []
    for (reason, instead), letter in marked.items():
        look = f" Look instead at {instead}." if instead else ""
        notes.append(f"{letter}: {reason}.{look}")
    return tuple(notes)


def _counts(result: Result) -> Table:
    """Statistics that fare alike under one grouping share a row."""
    from arms_irr.analysis.titles import words_of

    marked = _footnotes(result)
    cells: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in result:
        cells[row["grouping"], row.coefficient].append(row)
    alike: dict[tuple[str, Cells], list[str]] = defaultdict(list)
    for (grouping, statistic), rows in cells.items():
        counts = tuple(str(sum(row["verdict"] == verdict for row in rows)) for verdict in VERDICTS)
        letters = sorted({marked[key] for row in rows if (key := (row["reason"], row["instead"])) in marked})
        alike[grouping, (counts, ", ".join(letters))].append(statistic)
    shown = [
        (grouping, ", ".join(map(words_of, statistics)), *counts, letters)
        for (grouping, (counts, letters)), statistics in alike.items()
    ]
    head = ("grouping", "statistics", *VERDICTS, "why")
    return Table(head, shown, 2, 1, _below(marked), result.notes)


def _cells(result: Result) -> Table:
    from arms_irr.analysis.titles import words_of
    from arms_irr.cli.lay import sizes

    marked = _footnotes(result)
    rows = [
        (
            row["grouping"],
            row["cell"],
            words_of(row.coefficient),
            row["verdict"],
            *sizes(row.estimate),
            marked.get((row["reason"], row["instead"]), ""),
        )
        for row in result
    ]
    head = ("grouping", "cell", "statistic", "verdict", "subjects", "raters", "ratings", "why")
    return Table(head, rows, 4, 2, _below(marked), result.notes)
