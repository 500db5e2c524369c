"""``arms-irr gold``: how do the ratings compare with the gold standard?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from arms_irr.cli.ask import By, Confidence, Csv, Json, StudyPath, names, read
from arms_irr.cli.show import Table, answer, one_format, working
from arms_irr.errors import ArgumentError

if TYPE_CHECKING:
    from arms_irr.analysis.result import Result

__all__ = ["gold"]

DEFAULT_BY = ["factor", "case"]
READ = (
    "exact: the gold-standard priority, per cent of the priorities given; lower, higher: than the gold "
    "standard; missed high: the gold standard is the highest category and the rating lower; "
    "unable: 'unable to rate', per cent of all answers."
)


def _statistics() -> list[str]:
    from arms_irr.analysis.gold import MEASURES

    return list(MEASURES)


def gold(
    study: StudyPath,
    by: By = DEFAULT_BY,
    statistic: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            autocompletion=_statistics,
            show_default=False,
            help="One statistic with its interval, or several by repeating the option: exact, "
            "exact_of_asked, adjacent, adjacent_extreme, under, over, "
            "mean_signed_error, missed_high, unable_to_rate.",
        ),
    ] = [],  # noqa: B006 - typer asks for a list and does not change it
    raters: Annotated[
        bool,
        typer.Option(
            "--raters", show_default=False, help="Each rater over all factors and cases, with kappa."
        ),
    ] = False,
    confidence: Confidence = 0.95,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Agreement with the gold standard.

    The table shows the main statistics side by side; --statistic shows any of them with its interval, --json
    and --csv hold them all.
    """
    from arms_irr.statistics.estimate import check_confidence

    one_format(as_json, as_csv)
    check_confidence(confidence)
    if raters and (statistic or names(by) != DEFAULT_BY):
        raise ArgumentError("--raters has its own groups and statistics. Leave out --by and --statistic.")
    ratings = read(study)
    with working("agreement with the gold standard"):
        if raters:
            result = ratings.rater_agreement(confidence_level=confidence)
        else:
            chosen = names(statistic) or None
            result = ratings.against_gold(names(by), statistics=chosen, confidence_level=confidence)
    answer(
        result, lambda found: _lay(found, confidence, raters, bool(statistic)), as_json=as_json, as_csv=as_csv
    )


def _lay(result: Result, level: float, raters: bool, chosen: bool) -> Table:
    from arms_irr.cli.lay import Column, row_per_cell, row_per_estimate

    if chosen:
        return row_per_estimate(result, level)
    columns = (
        Column("exact %", "exact", limits=True),
        Column("lower %", "under"),
        Column("higher %", "over"),
        Column("missed high %", "missed_high"),
        Column("unable %", "unable_to_rate"),
    )
    if raters:
        kappa = Column("kappa", "cohen", "quadratic", limits=True)
        below = (READ, "kappa: Cohen's, with quadratic weights.")
        return row_per_cell(result, (*columns, kappa), level, False, *below)
    return row_per_cell(result, columns, level, True, READ)
