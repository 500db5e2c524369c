"""From a coefficient and a tally to an Estimate: value, standard error, interval and test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import stdtr, stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics import jackknife
from arms_irr.statistics.agreement import Coefficient, View
from arms_irr.statistics.bootstrap import bootstrap
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import Floats

__all__ = ["FEWEST_CASES", "TARGETS", "by_t", "estimate", "size_flags"]

TARGETS = ("subjects", "raters", "cases", "both")
FEWEST_CASES = 5  # with fewer nothing is said about other cases
_TINY = 1e-12
_ZERO = 1e-14  # a standard error below this is rounding


def estimate(
    row: Coefficient, tally: Tally, w: Floats, *, target: str = "subjects", confidence_level: float = 0.95,
    weights: str = "", fpc: float | tuple[float, float] = 0.0, null: float | None = None,
    interval: str | None = None, replicates: int = 2000, seed: int = 1,
) -> Estimate:
    """Value, standard error and interval of one coefficient on one tally.

    Parameters
    ----------
    row : Coefficient
        Of the table in :mod:`arms_irr.statistics.agreement`.
    tally : Tally
        With codes where ``row.named`` or ``target`` is "raters" or "both"; with cases (``cluster``) for "cases".
    w : (q, q) array
        Agreement weights.
    target : {"subjects", "raters", "cases", "both"}
        ``subjects``: other subjects, the same raters; linearised variance (Gwet 2008), t with n - 1 df,
        upper limit cut at 1. ``raters``: other raters, the same subjects; delete-one-rater jackknife on the
        Fisher-z scale, t with R - 1 df. ``cases``: other cases with all their subjects, the same raters;
        delete-one-case jackknife, Fisher-z, t with C - 1 df. ``both``: other cases (subjects where the tally
        has no cases) and other raters; V_cases + V_raters - V_interaction
        (:func:`arms_irr.statistics.jackknife.two_way_variance`), Fisher-z, t with min(R, C) - 1 df.
    fpc : float or (float, float)
        Share of the population of subjects (cases, raters) that takes part, 0 for a large one; for "both" a
        pair: of cases and of raters.
    null : float, optional
        Two-sided t test of this value, -1 <= null < 1, on the scale of the interval: ``parts["null"]``,
        ``parts["t"]``, ``parts["p"]``.
    interval : {"percentile", "bca", "bootstrap-t"}, optional
        A bootstrap interval in place of the formula's; see :func:`arms_irr.statistics.bootstrap.bootstrap`.

    Notes
    -----
    Degenerate cases: 0/0 is ``nan`` with ``one-category``; a value that is defined but carries no
    information (one unit, all raters uniform) is returned with its flag. No interval over cases from fewer
    than 5 (``few-cases``), over raters from fewer than 3 (``two-raters``).
    """
    check_confidence(confidence_level)
    if target not in TARGETS:
        raise ArgumentError(f"target {target!r} is not one of {', '.join(TARGETS)}")
    sampled = _sampled(fpc, target)
    _check_null(null)
    tally = row.prepare(tally)
    blank = Estimate(
        np.nan, confidence_level=confidence_level, target=target, weights=weights, method=row.title,
        n_subjects=tally.n_units, n_raters=tally.n_raters, n_ratings=tally.n_ratings,
    )
    if row.two and tally.n_raters > 2 and tally.n_units:
        raise ArgumentError(f"{row.title} compares exactly 2 raters, not {tally.n_raters}; use conger, fleiss or light")
    reason = _why_undefined(tally)
    if reason:
        return blank.flagged(reason)
    whole = View.whole(tally)
    observed, expected = row.evaluate(whole, w)
    found = replace(
        blank, value=float(row.value(whole, w)), observed=float(observed), flags=size_flags(row, tally),
        expected=float(expected) if row.chance else np.nan, parts={"largest_share": float(whole.margins().max())},
    )
    if np.isnan(found.value):
        return found.flagged("one-category" if tally.n_used <= 1 else "no-variance")
    lacking = _why_no_interval(tally, target)
    if lacking:
        return replace(found, method=f"{row.title}, no interval").flagged(lacking)
    if interval is not None:
        if null is not None or any(sampled):
            raise ArgumentError(f"null= and fpc= belong to the default interval; leave out interval={interval!r}")
        return bootstrap(row, tally, w, found, interval=interval, replicates=replicates, seed=seed)
    way = {"subjects": _over_subjects, "raters": _over_raters, "cases": _over_cases, "both": _over_both}[target]
    return way(row, tally, w, found, sampled, null)


def size_flags(row: Coefficient, tally: Tally) -> tuple[str, ...]:
    """What the number of units and the categories used say about a coefficient's information."""
    flags = []
    if row.needs_variation:
        n = tally.n_units
        flags += ["one-subject"] if n == 1 else ["few-subjects"] if n < 5 else ["weak"] if n < 10 else []
    if tally.n_used <= 1:
        flags.append("one-category")
    return tuple(flags)


def _why_undefined(tally: Tally) -> str:
    if tally.n_ratings == 0:
        return "no-ratings"
    if tally.n_raters < 2:
        return "one-rater"
    if tally.raters_per_unit.max() < 2:
        return "no-overlap"
    return ""


def _why_no_interval(tally: Tally, target: str) -> str:
    if target in ("raters", "both") and tally.codes is None:
        raise ArgumentError(f'target="{target}" needs to know which rater gave which rating, not only counts')
    if target == "cases" and tally.cluster is None:
        raise ArgumentError('target="cases" needs the case of each subject: give cases=, or target="subjects"')
    cases = tally.n_units if tally.cluster is None else len(np.unique(tally.cluster))
    if target in ("cases", "both") and cases < FEWEST_CASES:
        return "few-cases"
    return "two-raters" if target in ("raters", "both") and tally.n_raters < 3 else ""


def _check_null(null: float | None) -> None:
    if null is None:
        return
    if isinstance(null, bool) or not isinstance(null, (int, float, np.number)) or not -1 <= null < 1:
        raise ArgumentError(f"null={null!r} is not a value that can be tested: "
                            "give a number from -1 to below 1, for example 0.6")


def _sampled(fpc: float | tuple[float, float], target: str) -> tuple[float, float]:
    """Fractions of the populations of subjects (or cases) and of raters that take part."""
    pair = isinstance(fpc, (tuple, list))
    shares = tuple(fpc) if isinstance(fpc, (tuple, list)) else (fpc, fpc) if target != "both" or fpc == 0 else ()
    if pair != (target == "both") and shares != (0, 0):
        raise ArgumentError('fpc= is one share for one target, and a pair (cases, raters) for target="both"')
    if len(shares) != 2 or not all(isinstance(f, (int, float, np.number)) and 0 <= f <= 1 for f in shares):
        raise ArgumentError(f"fpc={fpc!r}: give the share of the population that takes part, "
                            "from 0 (a large one) to 1 (all)")
    return float(shares[0]), float(shares[1])


# --- interval and test ------------------------------------------------------------------------------------


def by_t(found: Estimate, se: float, df: float, null: float | None, se_z: float | None = None) -> Estimate:
    """t interval and test on the scale of the coefficient, or of its Fisher z where ``se_z`` is given.

    A weighted coefficient can lie below -1, so the lower limit is not cut.
    """
    t = float(stdtrit(df, (1 + found.confidence_level) / 2))
    parts = found.parts
    if null is not None:
        with np.errstate(divide="ignore"):  # atanh(-1) is -infinity, and its p is 0
            gap = found.value - null if se_z is None else np.arctanh(found.value) - np.arctanh(null)
        ratio = float(gap / (se if se_z is None else se_z))
        parts = {**parts, "null": float(null), "t": ratio, "p": float(2 * stdtr(df, -abs(ratio)))}
    if se_z is not None:
        centre, half = np.arctanh(found.value), t * se_z
        low, high = float(np.tanh(centre - half)), float(np.tanh(centre + half))
    else:
        low, high = found.value - t * se, found.value + t * se
    found = replace(found, se=se, df=df, ci_low=low, ci_high=min(high, 1.0), parts=parts)
    return found.flagged("cut-at-1") if high > 1 else found


def _over_subjects(
    row: Coefficient, tally: Tally, w: Floats, found: Estimate, sampled: tuple[float, float], null: float | None
) -> Estimate:
    """Value +- t_{n-1} SE; the upper limit is cut at 1, as irrCAC does."""
    n = jackknife.units_used(row, tally)
    df = n - 1 if row.name == "krippendorff" else tally.n_units - 1.0
    if df < 1:
        return replace(found, method=f"{row.title}, no interval from one subject").flagged("one-subject")
    how = "unit jackknife" if row.influence is None else "linearised"
    found = replace(found, method=f"{row.title}, {how} SE, t interval")
    terms = jackknife.contributions(row, tally, w)
    if np.isnan(terms).any():
        return found.flagged("undefined-without-a-subject")
    se = float(np.sqrt((1 - sampled[0]) * n / max(n - row.ddof, 1) * (tally.weight @ terms**2)))
    if se > _ZERO:
        return by_t(found, se, df, null)
    # An interval without width is what the formula gives; the flag says so.
    return replace(found, se=0.0, df=df, ci_low=found.value, ci_high=min(found.value, 1.0)).flagged("zero-se")


def _over_raters(
    row: Coefficient, tally: Tally, w: Floats, found: Estimate, sampled: tuple[float, float], null: float | None
) -> Estimate:
    """Delete-one-rater jackknife-t on the Fisher-z scale."""
    found = _by_jackknife(found, row.title, "rater", jackknife.without_each_rater(row, tally, w), sampled[1], null)
    # A share of agreeing pairs cannot be negative, though the Fisher scale can.
    return replace(found, ci_low=max(found.ci_low, 0.0)) if row.name == "percent" and found.ci_low < 0 else found


def _over_cases(
    row: Coefficient, tally: Tally, w: Floats, found: Estimate, sampled: tuple[float, float], null: float | None
) -> Estimate:
    """Delete-one-case jackknife-t on the Fisher-z scale."""
    return _by_jackknife(found, row.title, "case", jackknife.without_each_case(row, tally, w), sampled[0], null)


def _by_jackknife(
    found: Estimate, title: str, what: str, left_out: Floats, sampled: float, null: float | None
) -> Estimate:
    """Jackknife-t on the Fisher-z scale of values without each rater or case.

    The Fisher scale keeps the limits inside [-1, 1] and its coverage is nearest to nominal from 10 to 40
    raters. Where a value lies at or beyond -1 or 1, the jackknife is taken untransformed and cut at 1.
    """
    plain = f"{title}, delete-one-{what} jackknife, t interval"
    found = replace(found, method=f"{plain} on the Fisher-z scale")
    if np.isnan(left_out).any():
        return found.flagged(f"undefined-without-a-{what}")
    rest, df = 1 - sampled, len(left_out) - 1.0
    se = float(np.sqrt(rest * jackknife.variance(left_out)))
    if se <= _ZERO:
        return replace(found, se=0.0).flagged("zero-se")
    if max(abs(found.value), np.abs(left_out).max()) < 1 - _TINY:
        return by_t(found, se, df, null, float(np.sqrt(rest * jackknife.variance(np.arctanh(left_out)))))
    return by_t(replace(found, method=plain), se, df, null).flagged("at-boundary", "interval-fallback")


def _over_both(
    row: Coefficient, tally: Tally, w: Floats, found: Estimate, sampled: tuple[float, float], null: float | None
) -> Estimate:
    """V_cases + V_raters - V_interaction; t with min(R, C) - 1 df on the Fisher-z scale by the delta method.

    Cases of several subjects are left out one at a time, as for ``target="cases"`` (with few cases its coverage is
    nearer to nominal than that of their linearised terms); where every subject is a case, linearised.
    """
    how = "linearised over subjects" if tally.cluster is None else "jackknifed over cases"
    plain = f"{row.title}, {how} and jackknifed over raters, t interval"
    found = replace(found, method=f"{plain} on the Fisher-z scale")
    left_out = jackknife.without_each_rater(row, tally, w)
    if np.isnan(left_out).any():
        return found.flagged("undefined-without-a-rater")
    if tally.cluster is None:
        cases = float(tally.weight.sum())
        v_cases = cases / (cases - 1) * float(tally.weight @ jackknife.contributions(row, tally, w) ** 2)
    else:
        without = jackknife.without_each_case(row, tally, w)
        cases, v_cases = float(len(without)), jackknife.variance(without)
    v_raters, v_interaction = jackknife.variance(left_out), jackknife.interaction_variance(row, tally, w)
    if np.isnan(v_cases + v_interaction):
        return found.flagged("undefined-without-a-subject" if tally.cluster is None else "undefined-without-a-case")
    se = float(np.sqrt(jackknife.two_way_variance(v_cases, v_raters, v_interaction, sampled)))
    df = min(cases, tally.n_raters) - 1.0
    shares = {"variance_cases": v_cases, "variance_raters": v_raters, "variance_interaction": v_interaction}
    found = replace(found, parts={**found.parts, **shares})
    if se <= _ZERO:
        return replace(found, se=0.0).flagged("zero-se")
    if abs(found.value) < 1 - _TINY:
        return by_t(found, se, df, null, se / (1 - found.value**2))
    return by_t(replace(found, method=plain), se, df, null).flagged("at-boundary", "interval-fallback")
