"""Does the overall priority follow from the officer's own factor ratings, as the paper's guide describes?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.rules import consistent_overall
from arms_irr.statistics.estimate import undefined
from arms_irr.statistics.proportions import wilson
from arms_irr.study.study import Study

__all__ = ["has_guide", "overall_consistency"]


def has_guide(study: Study) -> bool:
    """Whether the instrument has the predominance guide and the study has overall ratings."""
    overall = any(study.instrument.factors[i].kind == "overall" for i in study.factors_rated)
    return overall and bool(study.instrument.rules.get("predominance"))


def overall_consistency(study: Study, *, confidence_level: float = 0.95) -> Result:
    """Share of overall ratings that the predominance guide allows, given the same officer's factor ratings, by case.

    A check of consistency only: the guide's words are the paper's, their reading as rules is ours
    (:func:`arms_irr.instruments.rules.consistent_overall`), and the paper leaves the overall priority to
    professional judgement.

    Raises
    ------
    ArgumentError
        When the instrument has no guide or the study no overall ratings.
    """
    if not has_guide(study):
        raise ArgumentError("the predominance guide needs an instrument that has it and ratings of the overall priority")
    ratings, instrument = study.ratings, study.instrument
    sheets: dict[tuple[int, int, int], dict[str, int]] = defaultdict(dict)
    for rater, case, occasion, factor, code in zip(
        ratings.rater.tolist(), ratings.case.tolist(), ratings.occasion.tolist(), ratings.factor.tolist(), ratings.code.tolist(),
        strict=True,
    ):
        sheets[case, rater, occasion][instrument.factors[factor].id] = code
    overall = next(f.id for f in instrument.factors if f.kind == "overall")
    scale = instrument.scale_of(overall)
    rows = []
    for c, case in enumerate(study.cases):
        fits = []
        for (sheet_case, _, _), sheet in sheets.items():
            given = sheet.pop(overall, -1) if sheet_case == c else -1
            if given >= 0 and (allowed := consistent_overall(instrument, sheet).consistent):
                fits.append(scale.label(given) in allowed)
        found = wilson(int(np.sum(fits)), len(fits), confidence_level) if fits else undefined("no-ratings")
        rows.append(Row({"case": case}, "consistent_overall", replace(found, n_raters=len(fits), target="raters")))
    return Result("Overall priority that the paper's guide allows", ("case",), tuple(rows), synthetic=study.synthetic)
