"""From a coefficient and a tally to an Estimate: linearisation over units, jackknife over raters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import Coefficient, Pair, View
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import Floats

__all__ = ["TARGETS", "estimate", "size_flags"]

TARGETS = ("subjects", "raters")
_TINY = 1e-12  # 1 - expected agreement below this is 0/0
_BATCH = 4_000_000  # elements of one batch of leave-one-out counts


def estimate(
    row: Coefficient, tally: Tally, w: Floats, *, target: str = "subjects", confidence_level: float = 0.95, weights: str = ""
) -> Estimate:
    """Value, standard error and interval of one coefficient on one tally.

    Parameters
    ----------
    row : Coefficient
        Of the table in :mod:`arms_irr.statistics.agreement`.
    tally : Tally
        With codes where ``row.named`` or ``target="raters"``.
    w : (q, q) array
        Agreement weights.
    target : {"subjects", "raters"}
        ``subjects``: other subjects, the same raters; linearised variance (Gwet 2008), t with n - 1 df,
        upper limit cut at 1. ``raters``: other raters, the same subjects; delete-one-rater jackknife on the
        Fisher-z scale, t with R - 1 df.

    Notes
    -----
    Degenerate cases: 0/0 is ``nan`` with ``one-category``; a value that is defined but carries no
    information (one unit, all raters uniform) is returned with its flag.
    """
    check_confidence(confidence_level)
    if target not in TARGETS:
        raise ArgumentError(f"target {target!r} is not one of {', '.join(TARGETS)}")
    tally = row.prepare(tally)
    blank = Estimate(
        np.nan, confidence_level=confidence_level, target=target, weights=weights, method=row.title,
        n_subjects=tally.n_units, n_raters=tally.n_raters, n_ratings=tally.n_ratings,
    )
    if row.two and tally.n_raters != 2 and tally.n_units:
        raise ArgumentError(f"{row.title} compares exactly 2 raters, not {tally.n_raters}; use conger, fleiss or light")
    reason = _why_undefined(tally)
    if reason:
        return blank.flagged(reason)
    observed, expected = row.evaluate(View.whole(tally), w)
    value = float(_ratio((observed, expected)))
    common = float(View.whole(tally).margins().max())
    shown = float(expected) if row.chance else np.nan
    found = replace(blank, value=value, observed=float(observed), expected=shown, flags=size_flags(row, tally),
                    parts={"largest_share": common})
    if np.isnan(value):
        return found.flagged("one-category" if tally.n_used <= 1 else "no-variance")
    return _over_subjects(row, tally, w, found) if target == "subjects" else _over_raters(row, tally, w, found)


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


def _ratio(pair: Pair) -> Floats:
    observed, expected = np.asarray(pair[0]), np.asarray(pair[1])
    room = 1 - expected
    return np.asarray(np.divide(observed - expected, room, out=np.full(np.shape(room), np.nan), where=np.abs(room) > _TINY))


# --- other subjects ---------------------------------------------------------------------------------------


def _over_subjects(row: Coefficient, tally: Tally, w: Floats, found: Estimate) -> Estimate:
    """Value +- t_{n-1} SE; the upper limit is cut at 1, as irrCAC does."""
    pairable = tally.weight @ (tally.raters_per_unit >= 2)
    n = float(pairable) if row.name == "krippendorff" else float(tally.n_units)
    if n < 2:
        return replace(found, method=f"{row.title}, no interval from one subject").flagged("one-subject")
    if row.influence is None:
        se, how = _unit_jackknife(row, tally, w), "unit jackknife"
    else:
        terms = row.influence(tally, w)
        weight = tally.weight if len(terms) == len(tally.weight) else tally.weight[tally.raters_per_unit >= 2]
        se, how = float(np.sqrt(weight @ terms**2 / (n * (n - row.ddof)))), "linearised"
    found = replace(found, method=f"{row.title}, {how} SE, t interval")
    if np.isnan(se):
        return found.flagged("undefined-without-a-subject")
    if se <= 1e-14:
        found, se = found.flagged("zero-se"), 0.0  # an interval without width is what the formula gives; the flag says so
    found = replace(found, df=n - 1)
    half = float(stdtrit(n - 1, (1 + found.confidence_level) / 2)) * se
    high = found.value + half
    found = replace(found, se=se, ci_low=found.value - half, ci_high=min(high, 1.0))
    return found.flagged("cut-at-1") if high > 1 else found


def _unit_jackknife(row: Coefficient, tally: Tally, w: Floats) -> float:
    """Delete-one-unit standard error over the units that enter the value; equal units are deleted once."""
    used = np.flatnonzero(tally.raters_per_unit >= 2)
    key = tally.counts if tally.codes is None or not row.named else tally.codes
    _, first, inverse = np.unique(key[used], axis=0, return_index=True, return_inverse=True)
    times = np.bincount(inverse.ravel(), tally.weight[used])
    whole = View.whole(tally)
    left_out = np.empty(len(first))
    step = max(1, _BATCH // max(1, tally.counts.size))
    for start in range(0, len(first), step):
        chosen = used[first[start : start + step]]
        weight = np.repeat(tally.weight[None], len(chosen), axis=0)
        weight[np.arange(len(chosen)), chosen] -= 1
        left_out[start : start + step] = _ratio(row.evaluate(replace(whole, weight=weight), w))
    n = times.sum()
    centre = times @ left_out / n
    return float(np.sqrt((n - 1) / n * (times @ (left_out - centre) ** 2)))


# --- other raters -----------------------------------------------------------------------------------------


def _without_each_rater(tally: Tally) -> Iterator[View]:
    """Views of the tally without one rater, a batch at a time."""
    assert tally.codes is not None
    raters, q = tally.codes.shape[1], len(tally.scores)
    step = max(1, _BATCH // max(1, tally.counts.size))
    for start in range(0, raters, step):
        out = np.arange(start, min(start + step, raters))
        given = (tally.codes[:, out].T[:, :, None] == np.arange(q)).astype(np.float64)
        yield View(tally, tally.counts - given, tally.weight, 1.0 - (np.arange(raters) == out[:, None]))


def _over_raters(row: Coefficient, tally: Tally, w: Floats, found: Estimate) -> Estimate:
    """Delete-one-rater jackknife-t on the Fisher-z scale.

    The Fisher scale keeps the limits inside [-1, 1] and its coverage is nearest to nominal from 10 to 40
    raters. Where a value lies at or beyond -1 or 1, the jackknife is taken untransformed and cut at 1.
    """
    if tally.codes is None:
        raise ArgumentError('target="raters" needs to know which rater gave which rating, not only counts')
    raters = tally.n_raters
    found = replace(found, method=f"{row.title}, delete-one-rater jackknife, t interval on the Fisher-z scale", df=raters - 1.0)
    if raters < 3:
        return replace(found, df=np.nan).flagged("two-raters")
    left_out = np.concatenate([_ratio(row.evaluate(view, w)) for view in _without_each_rater(tally)])
    if np.isnan(left_out).any():
        return replace(found, df=np.nan).flagged("undefined-without-a-rater")
    factor = (raters - 1) / raters
    se = float(np.sqrt(factor * np.sum((left_out - left_out.mean()) ** 2)))
    if se <= 1e-14:
        return replace(found, se=0.0, df=np.nan).flagged("zero-se")
    t = float(stdtrit(raters - 1, (1 + found.confidence_level) / 2))
    if max(abs(found.value), np.abs(left_out).max()) < 1 - _TINY:
        z = np.arctanh(left_out)
        half = t * np.sqrt(factor * np.sum((z - z.mean()) ** 2))
        centre = np.arctanh(found.value)
        low = float(np.tanh(centre - half))
        # A share of agreeing pairs cannot be negative, though the Fisher scale can.
        return replace(found, se=se, ci_low=max(low, 0.0) if row.name == "percent" else low, ci_high=float(np.tanh(centre + half)))
    # A weighted coefficient can lie below -1, so the lower limit is not cut.
    found = replace(found, se=se, ci_low=found.value - t * se, ci_high=min(found.value + t * se, 1.0))
    return replace(found, method=f"{row.title}, delete-one-rater jackknife, t interval").flagged("at-boundary", "interval-fallback")

