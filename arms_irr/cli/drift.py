"""``arms-irr drift``: do officers rate as they did before?"""

from __future__ import annotations

from typing import Annotated

import typer

from arms_irr.cli.ask import Confidence, Csv, Json, StudyPath, read
from arms_irr.cli.show import answer, one_format, working

__all__ = ["drift"]


def drift(
    study: StudyPath,
    over: Annotated[
        str,
        typer.Option("--over", metavar="NAME", help="occasion, or an attribute that holds dates."),
    ] = "occasion",
    false_alarm: Annotated[
        float,
        typer.Option("--false-alarm", metavar="SHARE", help="Points outside the limits by chance, at most."),
    ] = 0.0027,
    confidence: Confidence = 0.95,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Control charts, and officers against their own first rating."""
    from arms_irr.analysis.drift import control_chart, rerating
    from arms_irr.analysis.result import stack
    from arms_irr.cli.lay import row_per_estimate
    from arms_irr.statistics.estimate import check_confidence

    one_format(as_json, as_csv)
    check_confidence(confidence)
    ratings = read(study)
    with working("charting"):
        chart = control_chart(ratings, over, false_alarm=false_alarm, confidence_level=confidence)
        result = stack("Drift: agreement over time, and cases rated again", chart, rerating(ratings, confidence_level=confidence))
    answer(result, lambda found: row_per_estimate(found, confidence), as_json=as_json, as_csv=as_csv)
