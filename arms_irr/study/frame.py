"""Frame: the ratings of a study as a pandas frame of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from arms_irr.instruments.model import UNABLE

if TYPE_CHECKING:
    import pandas as pd

    from arms_irr.study.study import Study

__all__ = ["frame_of"]


def frame_of(study: Study) -> pd.DataFrame:
    """The ratings asked for, one row each.

    Columns: rater, case, factor, kind, attributes of the case (``risk_band`` first) and of the rater,
    rating, urgency, occasion, gold. What is not given or not known is missing;
    "unable to rate" is a label.
    """
    import pandas as pd

    ratings, factors = study.ratings, study.instrument.factors
    columns: dict[str, Any] = {
        "rater": np.array(study.raters, dtype=object)[ratings.rater],
        "case": np.array(study.cases, dtype=object)[ratings.case],
        "factor": np.array([f.id for f in factors], dtype=object)[ratings.factor],
        "kind": np.array([f.kind for f in factors], dtype=object)[ratings.factor],
    }
    for name in sorted(study.case_attributes, key=lambda name: name != "risk_band"):
        columns[name] = _texts(study.case_attributes[name])[ratings.case]
    for name, values in study.rater_attributes.items():
        columns[name] = _texts(values)[ratings.rater]
    columns["rating"] = _labels(study, ratings.code)
    columns["urgency"] = _labels(study, ratings.urgency)
    columns["occasion"] = ratings.occasion.astype(np.int64)
    if study.gold is not None:
        columns["gold"] = _labels(study, study.gold[ratings.case, ratings.factor])
    return pd.DataFrame(columns)


def _labels(study: Study, codes: np.ndarray) -> np.ndarray:
    """The label of each rating's code on the scale of its factor; None for ``NOT_GIVEN``."""
    scales = [study.instrument.scales[factor.scale] for factor in study.instrument.factors]
    most = max(len(scale.categories) for scale in scales)
    # The last two columns are NOT_GIVEN and UNABLE, which count from behind.
    table = np.full((len(scales), most + 2), None, dtype=object)
    for row, scale in enumerate(scales):
        table[row, : len(scale.categories)] = scale.categories
        table[row, UNABLE] = scale.label(UNABLE) or None
    return table[study.ratings.factor, codes]


def _texts(values: tuple[str, ...]) -> np.ndarray:
    return np.array([value or None for value in values], dtype=object)
