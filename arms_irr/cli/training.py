"""``arms-irr training``: what changed from before to after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arms_irr.cli.ask import Confidence, Csv, Json, Seed, StudyPath, existing, read
from arms_irr.cli.show import Table, answer, one_format, working

if TYPE_CHECKING:
    from arms_irr.analysis.result import Result

__all__ = ["training"]


def training(
    study: StudyPath,
    rule: Annotated[
        Path | None,
        typer.Option(
            "--rule",
            metavar="FILE",
            show_default=False,
            help="Rule of certification for the decisions before and after.",
        ),
    ] = None,
    confidence: Confidence = 0.95,
    seed: Seed = 1,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """What changed with training.

    Compares the first two occasions: better, or only more severe; factor by factor; decisions before and after.
    """
    from arms_irr.analysis.result import stack
    from arms_irr.analysis.training import training_by_factor, training_effect, transitions
    from arms_irr.statistics.estimate import check_confidence

    one_format(as_json, as_csv)
    check_confidence(confidence)
    asked = existing(rule) if rule is not None else None
    ratings = read(study)
    with working("comparing the occasions"):
        effect = training_effect(ratings, confidence_level=confidence, seed=seed)
        result = stack(effect.question, effect, training_by_factor(ratings), transitions(ratings, asked))
    answer(result, lambda found: _lay(found, confidence), as_json=as_json, as_csv=as_csv)


def _lay(result: Result, level: float) -> Table:
    """The changes as a table; the decisions before and after as a sentence."""
    from arms_irr.cli.lay import row_per_estimate

    officers = result.where("officers")
    moved = [f"{row.estimate.value:.0f} {row['before']}, then {row['after']}" for row in officers if row.estimate.value]
    rows = tuple(row for row in result if row.coefficient != "officers")
    by = tuple(name for name in result.by if name not in ("before", "after"))
    notes = (*result.notes, f"Decisions of the rule before and after, officers: {'; '.join(moved) or 'none'}.")
    return row_per_estimate(replace(result, by=by, rows=rows, notes=notes), level)
