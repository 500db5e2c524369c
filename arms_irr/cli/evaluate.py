"""``arms-irr evaluate``: the whole evaluation as a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arms_irr.cli.ask import Confidence, Seed, StudyPath, read
from arms_irr.cli.show import SYNTHETIC, sentences, working

__all__ = ["evaluate"]


def evaluate(
    study: StudyPath,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Folder of the report; reports/NAME by default.",
            show_default=False,
        ),
    ] = None,
    confidence: Confidence = 0.95,
    seed: Seed = 1,
) -> None:
    """Write the evaluation report.

    The folder holds report.html, its tables and figures. A report that is there is
    replaced as a whole, and only when the new one is complete.
    """
    from arms_irr.statistics.estimate import check_confidence

    check_confidence(confidence)
    ratings = read(study)
    with working("loading") as step:
        from arms_irr.reporting.evaluation import evaluate as write_report

        folder = write_report(ratings, out, confidence_level=confidence, seed=seed, step=step)
    sentences(
        f"The report is {folder / 'report.html'}.",
        *([SYNTHETIC] if ratings.synthetic else []),
        "Next: open it in a web browser and read the main points, and beside them what these data cannot "
        f"show. The numbers behind it stand in {folder / 'tables'}.",
    )
