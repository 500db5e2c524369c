"""Do officers rate the case as a whole, all its factors up or down together?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.jackknife import variance
from arms_irr.statistics.severity import nested
from arms_irr.study.count import Cell, cells
from arms_irr.study.study import Study

__all__ = ["halo"]


def halo(study: Study, by: Sequence[str] = (), *, confidence_level: float = 0.95) -> Result:
    """How much of the officers' differences is a reading of the whole case.

    Ratings, in steps, are compared with the mean of all officers on the same case and factor; what is left is
    divided into the officer's severity, the officer's reading of the case, and the single rating
    (:func:`arms_irr.statistics.severity.nested`). No gold standard is needed.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns of cases, such as ``("risk_band",)``, or attributes of officers.

    Returns
    -------
    Result
        ``halo_variance``: the variance between an officer's readings of cases, beyond severity, in squared steps;
        ``halo_correlation``: its share of that variance and the single rating's, the correlation of two factors'
        residuals in a case. Jackknife over officers, t with R - 1 degrees of freedom. Where every officer rated a
        single case the two are ``nan``.

    Raises
    ------
    ArgumentError
        For grouping by officer, factor or kind: a reading of a case needs its factors.
    """
    level = check_confidence(confidence_level)
    if {"rater", "factor", "kind"} & set(by):
        raise ArgumentError("a reading of a case needs all its factors and several officers; group halo() by attributes of cases or officers")
    rows = []
    for cell in cells(study, by):
        found = _of_cell(study, cell, level)
        rows += [Row(cell.group, name, one) for name, one in zip(("halo_variance", "halo_correlation"), found, strict=True)]
    notes = ("Positive: an officer who rates one factor of a case above the others' mean tends to rate its other factors above it too.",)
    return Result("Do officers rate the case as a whole?", tuple(by), tuple(rows), notes, synthetic=study.synthetic)


def _of_cell(study: Study, cell: Cell, level: float) -> tuple[Estimate, Estimate]:
    r = study.ratings
    rows = cell.rows[r.code[cell.rows] >= 0]
    raters = np.unique(r.rater[rows], return_inverse=True)
    size = {"n_ratings": len(rows), "n_raters": len(raters[0]), "confidence_level": level, "target": "raters"}
    if cell.scale is None or len(raters[0]) < 2:
        reason = "mixed-scales" if cell.scale is None else "one-rater" if len(rows) else "no-ratings"
        return (undefined(reason, **size),) * 2
    case = np.unique(r.case[rows].astype(np.int64) * 1_000 + r.occasion[rows], return_inverse=True)[1].ravel()
    subject = np.unique(case * len(study.instrument.factors) + r.factor[rows], return_inverse=True)[1].ravel()
    found = nested(r.code[rows].astype(np.float64), raters[1].ravel(), case, subject, len(raters[0]))
    size["n_subjects"] = int(subject.max()) + 1
    if math.isnan(found.case) or found.residual <= 0:
        reason = "no-variance" if found.residual == 0 else "one-reading"
        return (undefined(reason, **size),) * 2
    without = found.without
    return (_jackknifed(found.case, without[:, 1], size, {"rater": found.rater, "residual": found.residual}),
            _jackknifed(found.case / (found.case + found.residual), without[:, 1] / (without[:, 1] + without[:, 2]), size, {}))


def _jackknifed(value: float, without: npt.NDArray[np.float64], size: dict[str, object], parts: dict[str, float]) -> Estimate:
    flags = ("negative-component",) if value < 0 else ()
    n = len(without)
    if n < 3 or np.isnan(without).any():
        return Estimate(value, parts=parts, flags=(*flags, "two-raters" if n < 3 else "undefined-without-a-rater"), **size)  # type: ignore[arg-type]
    se = math.sqrt(variance(without))
    half = float(stdtrit(n - 1, (1 + size["confidence_level"]) / 2)) * se  # type: ignore[operator]
    return Estimate(value, se, value - half, value + half, df=n - 1, method="moments, jackknife over officers", parts=parts,
                    flags=flags, **size)  # type: ignore[arg-type]
