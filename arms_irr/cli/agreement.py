"""``arms-irr agreement``: do the raters agree with each other?"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from arms_irr.cli.ask import By, Confidence, Csv, Force, Json, StudyPath, names, read
from arms_irr.cli.show import answer, one_format, working

__all__ = ["agreement"]


def _coefficients() -> list[str]:
    from arms_irr.statistics.agreement import COEFFICIENTS

    return list(COEFFICIENTS)


def _weights() -> list[str]:
    from arms_irr.statistics.weights import WEIGHTS

    return list(WEIGHTS)


def agreement(
    study: StudyPath,
    by: By = ["case"],  # noqa: B006 - typer asks for a list and does not change it
    coefficient: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            autocompletion=_coefficients,
            show_default=False,
            help="One coefficient, or several by repeating the option: percent, cohen, scott, fleiss, "
            "conger, light, krippendorff, gwet, brennan_prediger. By default the set that the design suits.",
        ),
    ] = [],  # noqa: B006
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=_weights,
            help="Weights of near misses, for every coefficient: identity, linear, quadratic, ordinal, "
            "radical, ratio, circular, bipolar. By default those that suit the scale.",
        ),
    ] = None,
    target: Annotated[
        Literal["raters", "cases", "both", "subjects"],
        typer.Option(help="What the intervals generalise to: other raters, other cases, both, or other subjects."),
    ] = "raters",
    confidence: Confidence = 0.95,
    force: Force = False,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Agreement between raters.

    Each number rests on the case-factor pairs of its group, so that one case with all its factors (the
    default, --by case) can carry a coefficient where a single factor with a few cases cannot.
    """
    from arms_irr.cli.lay import row_per_estimate
    from arms_irr.statistics.estimate import check_confidence

    one_format(as_json, as_csv)
    check_confidence(confidence)
    ratings = read(study)
    with working("agreement between raters"):
        result = ratings.agreement(
            names(by),
            coefficient=names(coefficient) or None,
            weights=weights,
            target=target,
            confidence_level=confidence,
            force=force,
        )
    answer(result, lambda found: row_per_estimate(found, confidence), as_json=as_json, as_csv=as_csv)
