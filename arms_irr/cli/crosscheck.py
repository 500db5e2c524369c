"""``arms-irr crosscheck``: the headline statistics again, by other packages, and scripts for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from arms_irr.cli.ask import By, Confidence, Csv, Json, StudyPath, names, read
from arms_irr.cli.show import Table, answer, one_format, say, working
from arms_irr.errors import ArgumentError

if TYPE_CHECKING:
    from arms_irr.analysis.result import Result

__all__ = ["crosscheck"]


def crosscheck(
    study: StudyPath,
    by: By = ["case"],  # noqa: B006 - typer asks for a list and does not change it
    emit: Annotated[
        Literal["r", "stata", "spss"] | None,
        typer.Option(help="Write a script with the ratings in it that reproduces the statistics there."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="File for the script.", show_default=False)
    ] = None,
    confidence: Confidence = 0.95,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """A second opinion on the same ratings, by other packages.

    Shows our value, theirs, the difference, and why they differ where they do.
    """
    from arms_irr.statistics.estimate import check_confidence

    one_format(as_json, as_csv)
    check_confidence(confidence)
    if output is not None and emit is None:
        raise ArgumentError("-o is for a script. Add --emit r, --emit stata or --emit spss.")
    ratings = read(study)
    if emit is not None:
        from arms_irr.analysis.elsewhere import script

        text = script(ratings, emit, names(by))
        if output is None:
            typer.echo(text, nl=False)
        else:
            try:
                output.write_text(text, encoding="utf-8")
            except OSError as error:
                raise ArgumentError(f"'{output}' cannot be written ({error.strerror}). Give another file.") from None
            say(f"Wrote {output}. It holds the ratings, without names.")
        return
    from arms_irr.analysis.crosscheck import crosscheck as compare

    with working("other packages"):
        result = compare(ratings, names(by), confidence_level=confidence)
    answer(result, _laid, as_json=as_json, as_csv=as_csv)


def _laid(result: Result) -> Table:
    """Ours, theirs, the difference; the reasons as footnotes."""
    from arms_irr.analysis.crosscheck import NONE
    from arms_irr.reporting.naming import coefficient_name

    reasons = list(dict.fromkeys(row["reason"] for row in result if row["reason"] != NONE))
    groups = [name for name in result.by if name not in ("peer", "compared", "reason")]
    rows = [
        (
            *(row.group.get(name, "") for name in groups),
            coefficient_name(row.coefficient, row.estimate.weights),
            row["peer"],
            row["compared"],
            f"{row.estimate.value:.4f}",
            f"{row.estimate.parts['theirs']:.4f}",
            f"{row.estimate.parts['difference']:+.1e}",
            str(reasons.index(row["reason"]) + 1) if row["reason"] in reasons else "",
        )
        for row in result
    ]
    head = (*groups, "statistic", "by", "compared", "ours", "theirs", "difference", "why")
    below = tuple(f"{number}: {reason}." for number, reason in enumerate(reasons, 1))
    return Table(head, rows, len(groups) + 3, len(groups), (*below, *result.notes))
