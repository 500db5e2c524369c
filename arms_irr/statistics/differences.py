"""The difference of two coefficients: on the same subjects, by the same raters, or of independent groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics import jackknife
from arms_irr.statistics.agreement import Coefficient
from arms_irr.statistics.agreement import coefficient as row_of
from arms_irr.statistics.arrays import by_metric, scores_of
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.statistics.tables import coded
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import Floats, agreement_weights

__all__ = ["compare", "difference"]

_PAIRED = ("subjects", "raters", None)
_OF_ONE = ("cut-at-1", "zero-se", "at-boundary", "interval-fallback")  # flags about the interval of one coefficient


def difference(
    a: npt.ArrayLike, b: npt.ArrayLike, coefficient: str = "gwet", weights: str | npt.ArrayLike = "identity",
    categories: Sequence[Any] | None = None, *, paired: str | None, target: str = "raters", metric: str | None = None,
    scores: Sequence[float] | None = None, null: float = 0.0, confidence_level: float = 0.95,
) -> Estimate:
    """Coefficient of table ``b`` less coefficient of table ``a``, with interval and test.

    Parameters
    ----------
    a, b : (subjects, raters) arrays or frames
        As for :func:`arms_irr.agreement`. Categories not given are those observed in either.
    paired : {"subjects", "raters", None}
        ``subjects``: row i of both tables is the same subject, rated by other raters or again; Gwet's (2016)
        difference of linearised terms, t with n - 1 df; other subjects, these raters. ``raters``: column j of
        both is the same rater, who rated other subjects; delete-one-rater jackknife of the difference, t with
        R - 1 df; other raters, these subjects. ``None``: nothing in common; sqrt(SE_a^2 + SE_b^2) with
        Satterthwaite's df.
    target : {"raters", "subjects"}
        For ``paired=None``: what the two standard errors are over. Groups of raters on the same cases: "raters".
    null : float
        The difference tested, from -2 to 2.

    Returns
    -------
    Estimate
        ``parts``: ``a``, ``b`` (the two values), ``null``, ``t``, ``p``. ``nan`` with the reasons of the table
        whose coefficient is not estimable.

    Raises
    ------
    ArgumentError
        For tables that cannot be paired as asked, and as :func:`arms_irr.agreement`.

    References
    ----------
    Gwet (2016), Testing the difference of correlated agreement coefficients, Educ Psychol Meas 76:609-637.

    Examples
    --------
    >>> before, after = [[1, 2], [2, 2], [3, 1], [1, 1], [2, 3]], [[1, 1], [2, 2], [3, 3], [1, 1], [2, 3]]
    >>> round(difference(before, after, "percent", categories=[1, 2, 3], paired="subjects").value, 2)
    0.4
    """
    row = row_of(coefficient)
    if metric is not None:
        label = f"{metric} metric"
        row, weights = by_metric(row, metric, weights)
    else:
        label = weights if isinstance(weights, str) else "custom"
    flags: tuple[str, ...] = ()
    if categories is None:
        flags = ("categories-observed",)
        seen = {*coded(a, None)[1], *coded(b, None)[1]}
        numbers = all(isinstance(v, (int, float, np.number)) for v in seen)
        categories = sorted(seen) if numbers else sorted(seen, key=str)
    (first, scale, _), (second, _, _) = coded(a, categories), coded(b, categories)
    points = scores_of(scale, scores)
    found = compare(row, first, second, points, agreement_weights(weights, points), paired=paired, target=target,
                    null=null, confidence_level=confidence_level, weights=label)
    return found.flagged(*flags)


def compare(
    row: Coefficient, a: Codes, b: Codes, scores: Floats, w: Floats, *, paired: str | None, target: str = "raters",
    null: float = 0.0, confidence_level: float = 0.95, weights: str = "",
) -> Estimate:
    """:func:`difference` on codes (U, R), negative = not given."""
    check_confidence(confidence_level)
    target = _checked(a, b, paired, target, null)
    tallies = [Tally.from_codes(codes, scores) for codes in (a, b)]
    ends = [estimate(row, tally, w, target=target, confidence_level=confidence_level) for tally in tallies]
    parts = {"a": ends[0].value, "b": ends[1].value, "null": float(null)}
    sizes = {
        "n_subjects": max(e.n_subjects for e in ends) if paired else sum(e.n_subjects for e in ends),
        "n_raters": max(e.n_raters for e in ends) if paired == "raters" else sum(e.n_raters for e in ends),
        "n_ratings": sum(e.n_ratings for e in ends),
    }
    how = f"paired by {paired}" if paired else "independent groups"
    flags = tuple(flag for e in ends for flag in e.flags if flag not in _OF_ONE)
    found = Estimate(
        ends[1].value - ends[0].value, confidence_level=confidence_level, target=target, weights=weights, flags=flags,
        method=f"{row.title}, difference, {how}, t interval", parts=parts, **sizes,
    )  # fmt: skip
    if not found.estimable:
        return found
    if paired == "subjects":
        variance, df, lacking = _by_subjects(row, (a, b), tallies, w)
    elif paired == "raters":
        variance, df, lacking = _by_raters(row, (a, b), tallies, w, ends)
    else:
        variance, df, lacking = _independent(ends)
    return found.flagged(lacking) if lacking else _tested(found, variance, df, null)


Spread = tuple[float, float, str]  # variance, degrees of freedom, the flag where there is none


def _by_subjects(row: Coefficient, codes: tuple[Codes, Codes], tallies: list[Tally], w: Floats) -> Spread:
    """n/(n-1) times the sum of squares of the differences of a subject's contributions (Gwet 2016)."""
    terms = np.zeros((2, len(codes[0])))
    rated = [(c >= 0).any(axis=1) for c in codes]
    for k, tally in enumerate(tallies):
        given = (codes[k] >= 0).all(axis=1) if row.two else rated[k]
        terms[k, given] = jackknife.contributions(row, row.prepare(tally), w) * _whole_alpha(row, tally)
    n = float(np.count_nonzero(rated[0] | rated[1]))
    if n < 2:
        return np.nan, np.nan, "one-subject"
    if np.isnan(terms).any():
        return np.nan, np.nan, "undefined-without-a-subject"
    return float(n / (n - 1) * np.sum((terms[1] - terms[0]) ** 2)), n - 1, ""


def _whole_alpha(row: Coefficient, tally: Tally) -> float:
    """1 - 1/N for Krippendorff's alpha of N values, else 1.

    Its linearised terms belong to alpha' without the correction for the number of values, as irrCAC's standard
    error does; 1 - alpha = (1 - 1/N)(1 - alpha'), and the terms of a difference are alpha's own.
    """
    if row.name != "krippendorff" or row.influence is None:
        return 1.0
    return 1 - 1 / float(tally.raters_per_unit @ (tally.raters_per_unit >= 2))


def _by_raters(
    row: Coefficient, codes: tuple[Codes, Codes], tallies: list[Tally], w: Floats, ends: list[Estimate]
) -> Spread:
    """Jackknife of the difference; a rater missing from one table leaves that coefficient as it is."""
    left_out = np.empty((2, codes[0].shape[1]))
    for k, tally in enumerate(tallies):
        present = (codes[k] >= 0).any(axis=0)
        left_out[k] = ends[k].value
        left_out[k, present] = jackknife.without_each_rater(row, tally, w)
    taking_part = (codes[0] >= 0).any(axis=0) | (codes[1] >= 0).any(axis=0)
    moved = (left_out[1] - left_out[0])[taking_part]
    if len(moved) < 3:
        return np.nan, np.nan, "two-raters"
    if np.isnan(moved).any():
        return np.nan, np.nan, "undefined-without-a-rater"
    return jackknife.variance(moved), len(moved) - 1.0, ""


def _independent(ends: list[Estimate]) -> Spread:
    """Sum of the variances, with Satterthwaite's degrees of freedom."""
    v, df = np.array([e.se**2 for e in ends]), np.array([e.df for e in ends])
    if np.isnan(v).any():
        return np.nan, np.nan, "no-interval"
    share = np.divide(v**2, df, out=np.zeros(2), where=v > 0)
    return float(v.sum()), float(v.sum() ** 2 / share.sum()) if share.sum() > 0 else np.nan, ""


def _tested(found: Estimate, variance: float, df: float, null: float) -> Estimate:
    se = float(np.sqrt(variance))
    if se <= 1e-14:
        return replace(found, se=0.0).flagged("zero-se")
    t, half = (found.value - null) / se, float(stdtrit(df, (1 + found.confidence_level) / 2)) * se
    parts = {**found.parts, "t": t, "p": float(2 * stdtr(df, -abs(t)))}
    return replace(found, se=se, df=df, ci_low=found.value - half, ci_high=found.value + half, parts=parts)


def _checked(a: Codes, b: Codes, paired: str | None, target: str, null: float) -> str:
    """The target that the pairing implies."""
    if paired not in _PAIRED:
        raise ArgumentError(f'paired={paired!r}: give "subjects", "raters" or None')
    if paired == "subjects" and len(a) != len(b):
        raise ArgumentError(f"{len(a)} and {len(b)} rows cannot be paired by subjects: "
                            "row i must be the same subject in both")
    if paired == "raters" and a.shape[1] != b.shape[1]:
        raise ArgumentError(f"{a.shape[1]} and {b.shape[1]} columns cannot be paired by raters: "
                            "column j must be the same rater in both, blank where that rater rated nothing")
    if paired is None and target not in ("raters", "subjects"):
        raise ArgumentError(f'target {target!r}: a difference is over "raters" or "subjects"')
    if isinstance(null, bool) or not isinstance(null, (int, float, np.number)) or not -2 < null < 2:
        raise ArgumentError(f"null={null!r} is no difference of two coefficients: "
                            "give a number between -2 and 2, usually 0")
    return paired or target
