"""``arms-irr certify``: who may be certified, and what the rule does before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arms_irr.cli.ask import Csv, Json, StudyPath, existing, read
from arms_irr.cli.show import Table, answer, one_format, working
from arms_irr.errors import ArgumentError

if TYPE_CHECKING:
    from arms_irr.analysis.result import Result

__all__ = ["certify"]


def certify(
    study: StudyPath,
    rule: Annotated[
        Path | None,
        typer.Option(
            "--rule",
            metavar="FILE",
            show_default=False,
            help="TOML file with a table [certification]; otherwise that of study.toml, or the shipped rule.",
        ),
    ] = None,
    show: Annotated[
        bool,
        typer.Option(
            "--characteristics",
            show_default=False,
            help="What the rule does: how often officers of known quality pass or are referred.",
        ),
    ] = False,
    sequential: Annotated[
        bool,
        typer.Option("--sequential", show_default=False, help="The sequential test of each officer."),
    ] = False,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Pass, more cases needed, or refer for coaching.

    Look at the rule's characteristics before it is used. Officers are listed in their own order, never ranked.
    """
    from arms_irr.analysis.certification import certify as judge
    from arms_irr.analysis.certification import characteristics
    from arms_irr.analysis.sequential import sequential_test

    one_format(as_json, as_csv)
    if show and sequential:
        raise ArgumentError("--characteristics already tells of the sequential test. Leave out --sequential.")
    asked = existing(rule) if rule is not None else None
    ratings = read(study)
    with working("applying the rule"):
        ask, lay = (
            (characteristics, _curves) if show else (sequential_test, _scores) if sequential else (judge, _officers)
        )
        result = ask(ratings, asked)
    answer(result, lay, as_json=as_json, as_csv=as_csv)


def _officers(result: Result) -> Table:
    """A line an officer: decision, numbers, reason."""
    from arms_irr.reporting.wording import interval, number

    rows = []
    for row in result.where("exact"):
        missed = result.get("missed_high", rater=row["rater"])
        one = row.estimate
        texts = (number(100 * one.value, 1), interval(one, 100, 1), number(100 * missed.value, 1))
        cases = f"{one.parts['cases']:.0f}" if "cases" in one.parts else "0"
        rows.append((row["rater"], row["decision"], *texts, cases, str(one.n_ratings), row["reason"]))
    counts = [f"{row.estimate.value:.0f} {row['decision']}" for row in result.where("officers")]
    same = result.get("decision_consistency")
    below = [f"Officers: {', '.join(counts)}.", "bounds: one-sided, those of the rule."]
    if same.estimable:
        below.append(
            f"On a parallel set the same decision is expected with a probability of {number(same.value, 2)} (by chance {number(same.expected, 2)})."
        )
    head = ("rater", "decision", "exact %", "bounds", "missed high %", "cases", "ratings", "reason")
    return Table(head, rows, 2, 0, (*below, *result.notes))


def _scores(result: Result) -> Table:
    from arms_irr.reporting.wording import number, signed

    rows = [
        (
            row["rater"],
            row["decision"],
            signed(row.estimate.value, 2),
            number(row.estimate.parts.get("ended_after") or float("nan"), 0),
            str(row.estimate.n_ratings),
            "",
        )
        for row in result
    ]
    head = ("rater", "decision", "agreements beyond the line", "ended after", "ratings", "")
    return Table(head, rows, 2, 0, result.notes)


def _curves(result: Result) -> Table:
    """A line a test, number of cases and true share: the three probabilities."""
    from arms_irr.reporting.wording import number

    names = ("pass_probability", "more_probability", "refer_probability", "ratings_expected")
    rows = {}
    for row in result:
        key = tuple(row[column] for column in result.by)
        rows.setdefault(key, dict.fromkeys(names, ""))[row.coefficient] = number(
            row.estimate.value, 1 if row.coefficient == "ratings_expected" else 3
        )
    head = (*result.by, "pass", "more cases", "refer", "ratings expected", "")
    lines = [(*key, *found.values(), "") for key, found in rows.items()]
    return Table(tuple(name.replace("_", " ") for name in head), lines, len(result.by), 3, result.notes)
