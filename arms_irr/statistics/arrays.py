"""The public array function: ratings as rows = subjects, columns = raters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.agreement import KRIPPENDORFF_ORDINAL, Coefficient
from arms_irr.statistics.agreement import coefficient as row_of
from arms_irr.statistics.estimate import Estimate
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import METRICS, Floats, agreement_weights

__all__ = ["agreement"]


def agreement(
    ratings: npt.ArrayLike,
    coefficient: str = "gwet",
    weights: str | npt.ArrayLike = "identity",
    categories: Sequence[Any] | None = None,
    target: str = "subjects",
    confidence_level: float = 0.95,
    *,
    metric: str | None = None,
    scores: Sequence[float] | None = None,
) -> Estimate:
    """Agreement between raters on a table of categorical ratings.

    Parameters
    ----------
    ratings : (subjects, raters) array or frame
        Numbers or labels; ``nan``, ``None`` or ``pandas.NA`` = not rated. Every rating given is used.
    coefficient : str
        percent, cohen, scott, fleiss, conger, light, krippendorff, gwet or brennan_prediger.
    weights : str or (q, q) array
        identity, linear, quadratic, ordinal, radical, ratio, circular, bipolar, or a matrix.
    categories : sequence, optional
        The scale, lowest first; it decides q whether or not every category was used. Without it the values
        observed are taken, and the flag ``categories-observed`` says so.
    target : {"subjects", "raters"}
        What the interval generalises to; see :func:`arms_irr.statistics.uncertainty.estimate`.
    confidence_level : float
        Between 0 and 1.
    metric : {"nominal", "ordinal", "interval", "ratio"}, optional
        For krippendorff, in place of ``weights``. ``ordinal`` is Krippendorff's own, which depends on how
        often each category was used; it is not the ``ordinal`` weights of Gwet.
    scores : sequence of float, optional
        Of the categories, ascending. Numeric categories are their own scores, labels score 1..q.

    Returns
    -------
    Estimate
        ``nan`` with a reason in ``flags`` where the coefficient is 0/0.

    Raises
    ------
    ArgumentError
        For a table that is not two-dimensional, a value outside the categories, and unknown names.

    References
    ----------
    Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed.; Krippendorff (2019), Content Analysis, ch. 12.
    The source of each coefficient stands in its row of the table.

    Examples
    --------
    >>> round(agreement([[1, 1], [1, 2], [2, 2], [3, 3]], "percent", categories=[1, 2, 3]).value, 2)
    0.75
    """
    row = row_of(coefficient)
    codes, scale, flags = _coded(ratings, categories)
    points = _scores(scale, scores)
    label = f"{metric} metric" if metric else weights if isinstance(weights, str) else "custom"
    if metric is not None:
        row, weights = _by_metric(row, metric, weights)
    matrix = agreement_weights(weights, points)
    tally = Tally.from_codes(codes, points)
    if row.two and codes.shape[1] != 2:
        raise ArgumentError(f"{row.title} compares exactly 2 raters, not {codes.shape[1]}; use conger, fleiss or light")
    found = estimate(row, tally, matrix, target=target, confidence_level=confidence_level, weights=label)
    return replace(found, flags=(*found.flags, *flags))


def _by_metric(row: Coefficient, metric: str, weights: str | npt.ArrayLike) -> tuple[Coefficient, str]:
    if row.name != "krippendorff":
        raise ArgumentError(f"metric= belongs to krippendorff; for {row.name} give weights=")
    if metric not in METRICS:
        raise ArgumentError(f"unknown metric {metric!r}. {nearest(metric, METRICS)}Choose from {', '.join(METRICS)}.")
    if not (isinstance(weights, str) and weights == "identity"):
        raise ArgumentError("give either metric= or weights=, not both")
    return (KRIPPENDORFF_ORDINAL if metric == "ordinal" else row), METRICS[metric]


def _missing(value: object) -> bool:
    # NaN is the value that differs from itself; pandas.NA answers a comparison with itself, not with a bool.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def _coded(ratings: npt.ArrayLike, categories: Sequence[Any] | None) -> tuple[Codes, list[Any], tuple[str, ...]]:
    """Category codes (U, R), the scale, and flags about it."""
    table = np.asarray(ratings, dtype=object)
    if table.ndim != 2 or 0 in table.shape:
        raise ArgumentError(f"ratings of shape {table.shape} are not a table: give rows = subjects and columns = raters")
    given = ~np.vectorize(_missing, otypes=[bool])(table)
    values = table[given].tolist()
    infinite = [v for v in values if isinstance(v, float) and np.isinf(v)]
    if infinite:
        raise ArgumentError(f"{len(infinite)} ratings are infinite; use nan for 'not rated'")
    if categories is None:
        distinct = set(values)
        numbers = all(isinstance(v, (int, float, np.number)) for v in distinct)
        scale = sorted(distinct) if numbers else sorted(distinct, key=str)
    else:
        scale = list(categories)
        if len(set(scale)) < len(scale):
            raise ArgumentError(f"categories {scale} name the same category twice")
    position = {category: index for index, category in enumerate(scale)}
    outside = sorted({str(v) for v in values if v not in position})
    if outside:
        raise ArgumentError(f"ratings outside the categories {scale}: {', '.join(outside[:10])}. "
                            "Correct them, or declare them in categories=.")
    codes = np.full(table.shape, -1, dtype=np.int16)
    codes[given] = [position[v] for v in values]
    return codes, scale, ("categories-observed",) if categories is None else ()


def _scores(scale: list[Any], scores: Sequence[float] | None) -> Floats:
    if scores is not None:
        if len(scores) != len(scale):
            raise ArgumentError(f"{len(scores)} scores do not fit {len(scale)} categories {scale}")
        return np.asarray(scores, dtype=np.float64)
    if all(isinstance(c, (int, float, np.number)) and not isinstance(c, bool) for c in scale):
        return np.asarray(scale, dtype=np.float64)
    return np.arange(1.0, len(scale) + 1)
