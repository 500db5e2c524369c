"""``arms-irr icc``: intraclass correlation between the raters."""

from __future__ import annotations

from typing import Annotated

import typer

from arms_irr.cli.ask import By, Confidence, Csv, Force, Json, Seed, StudyPath, names, read
from arms_irr.cli.show import answer, one_format, working

__all__ = ["icc"]


def _forms() -> list[str]:
    from arms_irr.statistics.icc import FORMS

    return list(FORMS)


def icc(
    study: StudyPath,
    by: By = ["case"],  # noqa: B006 - typer asks for a list and does not change it
    form: Annotated[
        str,
        typer.Option(
            metavar="FORM",
            autocompletion=_forms,
            help="ICC(1), ICC(A,1), ICC(C,1), ICC(k), ICC(A,k) or ICC(C,k), in quotes: A for absolute "
            "agreement, C for consistency, 1 for one rater, k for the mean of all.",
        ),
    ] = "ICC(A,1)",
    confidence: Confidence = 0.95,
    seed: Seed = 1,
    force: Force = False,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Intraclass correlation between raters.

    Where ratings are missing the interval is simulated; the same seed gives the same interval.
    """
    from arms_irr.cli.lay import row_per_estimate
    from arms_irr.statistics.estimate import check_confidence

    one_format(as_json, as_csv)
    check_confidence(confidence)
    ratings = read(study)
    with working("intraclass correlation"):
        result = ratings.icc(names(by), form=form, confidence_level=confidence, seed=seed, force=force)
    answer(result, lambda found: row_per_estimate(found, confidence), as_json=as_json, as_csv=as_csv)
