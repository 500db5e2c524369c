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
from arms_irr.statistics.tables import coded as _coded
from arms_irr.statistics.tally import Tally, patterns
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import METRICS, Floats, agreement_weights

__all__ = ["agreement", "tally"]


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
    cases: Sequence[Any] | None = None,
    fpc: float | tuple[float, float] = 0.0,
    null: float | None = None,
    interval: str | None = None,
    replicates: int = 2000,
    seed: int = 1,
) -> Estimate:
    """Agreement between raters on a table of categorical ratings.

    Parameters
    ----------
    ratings : (subjects, raters) array or frame
        Numbers or labels; ``nan``, ``None`` or ``pandas.NA`` = not rated. Every rating given is used.
        Frames of pandas, polars, pyarrow, DuckDB and Dask are understood, and what :func:`tally` counted.
    coefficient : str
        percent, cohen, scott, fleiss, conger, light, krippendorff, gwet or brennan_prediger.
    weights : str or (q, q) array
        identity, linear, quadratic, ordinal, radical, ratio, circular, bipolar, or a matrix.
    categories : sequence, optional
        The scale, lowest first; it decides q whether or not every category was used. Without it the values
        observed are taken, and the flag ``categories-observed`` says so.
    target : {"subjects", "raters", "cases", "both"}
        What the interval generalises to; see :func:`arms_irr.statistics.uncertainty.estimate`.
    confidence_level : float
        Between 0 and 1.
    metric : {"nominal", "ordinal", "interval", "ratio"}, optional
        For krippendorff, in place of ``weights``. ``ordinal`` is Krippendorff's own, which depends on how
        often each category was used; it is not the ``ordinal`` weights of Gwet.
    scores : sequence of float, optional
        Of the categories, ascending. Numeric categories are their own scores, labels score 1..q.

    cases : sequence of length subjects, optional
        The case that each subject belongs to; for ``target`` "cases" and "both", and for bootstraps of them.
    fpc, null, interval, replicates, seed
        Share of the population that takes part, the value to test, and a bootstrap interval ("percentile", "bca" or
        "bootstrap-t") in place of the formula's; see :func:`arms_irr.statistics.uncertainty.estimate` and
        :func:`arms_irr.statistics.bootstrap.bootstrap`.

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
    tally, columns, flags = _counted(ratings, categories, scores, cases)
    label = f"{metric} metric" if metric else weights if isinstance(weights, str) else "custom"
    if metric is not None:
        row, weights = by_metric(row, metric, weights)
    matrix = agreement_weights(weights, tally.scores)
    if row.two and columns != 2:
        raise ArgumentError(f"{row.title} compares exactly 2 raters, not {columns}; use conger, fleiss or light")
    found = estimate(row, tally, matrix, target=target, confidence_level=confidence_level, weights=label, fpc=fpc, null=null,
                     interval=interval, replicates=replicates, seed=seed)
    return replace(found, flags=(*found.flags, *flags))


def tally(ratings: npt.ArrayLike, categories: Sequence[Any], *, scores: Sequence[float] | None = None) -> Tally:
    """Count a table of ratings once, to ask :func:`agreement` often.

    Parameters
    ----------
    ratings, categories, scores
        As for :func:`agreement`; the scale has to be declared.

    Returns
    -------
    Tally
        Units rated alike by every rater are one row with a weight where that saves work.

    Examples
    --------
    >>> counted = tally([[1, 1], [1, 2], [2, 2], [3, 3]], [1, 2, 3])
    >>> round(agreement(counted, "percent").value, 2)
    0.75
    """
    return _counted(ratings, categories, scores)[0]


def by_metric(row: Coefficient, metric: str, weights: str | npt.ArrayLike) -> tuple[Coefficient, str]:
    """The row and the weights that Krippendorff's ``metric`` stands for."""
    if row.name != "krippendorff":
        raise ArgumentError(f"metric= belongs to krippendorff; for {row.name} give weights=")
    if metric not in METRICS:
        raise ArgumentError(f"unknown metric {metric!r}. {nearest(metric, METRICS)}Choose from {', '.join(METRICS)}.")
    if not (isinstance(weights, str) and weights == "identity"):
        raise ArgumentError("give either metric= or weights=, not both")
    return (KRIPPENDORFF_ORDINAL if metric == "ordinal" else row), METRICS[metric]


def _counted(
    ratings: npt.ArrayLike | Tally, categories: Sequence[Any] | None, scores: Sequence[float] | None,
    cases: Sequence[Any] | None = None,
) -> tuple[Tally, int, tuple[str, ...]]:
    """The tally of a table of ratings, how many columns the table has, and flags about the scale."""
    if isinstance(ratings, Tally):
        if categories is not None or scores is not None:
            raise ArgumentError("a Tally has its categories and scores: give them to tally(), not again here")
        if cases is not None:
            raise ArgumentError("a Tally has its cases already: cases= belongs to a table of ratings")
        return ratings, ratings.n_raters, ()
    codes, scale, flags = _coded(ratings, categories)
    points = scores_of(scale, scores)
    if cases is not None:
        cluster = np.unique(np.asarray(cases, dtype=str), return_inverse=True)[1].ravel()
        if len(cluster) != len(codes):
            raise ArgumentError(f"{len(cluster)} cases do not fit {len(codes)} subjects: give the case of each row")
        return Tally.from_codes(codes, points, cluster), codes.shape[1], flags
    distinct, weight = patterns(codes, len(scale))
    return Tally.from_codes(distinct, points, weight=weight), codes.shape[1], flags


def scores_of(scale: list[Any], scores: Sequence[float] | None) -> Floats:
    """Scores of the categories: those given, numbers themselves, labels 1..q."""
    if scores is not None:
        if len(scores) != len(scale):
            raise ArgumentError(f"{len(scores)} scores do not fit {len(scale)} categories {scale}")
        return np.asarray(scores, dtype=np.float64)
    if all(isinstance(c, (int, float, np.number)) and not isinstance(c, bool) for c in scale):
        return np.asarray(scale, dtype=np.float64)
    return np.arange(1.0, len(scale) + 1)
