"""Many groups at once: the estimates that one tally after another would give, from one batch of counts.

After the counting nothing depends on the number of ratings. Groups are an axis of the counts, and every
coefficient and weight set costs a few array operations over all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import Coefficient, View
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.weights import Floats

__all__ = ["group_estimates", "stacked", "unstacked"]

_TINY = 1e-12  # 1 - expected agreement below this is 0/0
_ZERO = 1e-14  # a standard error below this is rounding


def stacked(counts: Floats, group: Codes, groups: int) -> Floats:
    """Counts (U, q) of units and the group of each -> (G, largest U of a group, q), filled up with units without ratings."""
    place = _places(group, groups)
    out = np.zeros((groups, int(place.max(initial=-1)) + 1, counts.shape[-1]))
    out[group, place] = counts
    return out


def unstacked(values: Floats, group: Codes) -> Floats:
    """The inverse of :func:`stacked`: (G, largest U of a group, q) -> (U, q)."""
    return np.asarray(values[group, _places(group, len(values))])


def _places(group: Codes, groups: int) -> Codes:
    """Where each unit stands within its group."""
    order = np.argsort(group, kind="stable")
    size = np.bincount(group, minlength=groups)
    place = np.empty(len(group), dtype=np.int64)
    place[order] = np.arange(len(group)) - np.repeat(np.cumsum(size) - size, size)
    return place


def group_estimates(
    counts: Floats, scores: Floats, rows: Sequence[Coefficient], weights: Mapping[str, Floats], *, confidence_level: float = 0.95
) -> dict[tuple[str, str], list[Estimate]]:
    """Each coefficient with each weight set in each group, as :func:`arms_irr.statistics.uncertainty.estimate` gives it.

    Parameters
    ----------
    counts : (G, U, q) array
        Ratings per group, unit and category; units without a rating are no units. See :func:`stacked`.
    scores : (q,) array
        Of the categories.
    rows : sequence of Coefficient
        Without those that need to know which rater gave which rating, and those without a linearised variance.
    weights : mapping of name to (q, q) array
    confidence_level : float

    Returns
    -------
    dict
        (coefficient, weights) -> G estimates, target "subjects".

    Raises
    ------
    ArgumentError
        For a coefficient that counts cannot give.
    """
    level = check_confidence(confidence_level)
    for row in rows:
        if row.named or row.influence is None:
            raise ArgumentError(f"{row.title} needs to know which rater gave which rating, and counts do not say; "
                                "choose percent, fleiss, gwet, brennan_prediger or krippendorff")
    counts = np.asarray(counts, dtype=np.float64)
    tally = Tally(counts, np.asarray(scores, dtype=np.float64), None, (counts.sum(axis=-1) > 0).astype(np.float64))
    sizes = _sizes(tally)
    found = {}
    with np.errstate(invalid="ignore", divide="ignore"):  # groups that are 0/0 go through the same arithmetic
        for row in rows:
            for name, w in weights.items():
                found[row.name, name] = _estimates(row, name, tally, w, level, *sizes)
    return found


def _sizes(tally: Tally) -> tuple[Floats, Floats, Floats, list[dict[str, float]]]:
    """Per group: units, the most ratings on a unit, categories used, and the largest share of a category."""
    share = View.whole(tally).margins().max(axis=-1)
    used = np.count_nonzero(tally.counts.sum(axis=-2), axis=-1)
    return tally.weight.sum(axis=-1), tally.raters_per_unit.max(axis=-1, initial=0), used, [{"largest_share": s} for s in share.tolist()]


def _estimates(
    row: Coefficient, name: str, tally: Tally, w: Floats, level: float, units: Floats, raters: Floats, used: Floats,
    parts: list[dict[str, float]],
) -> list[Estimate]:
    """The estimates of one coefficient and weight set in every group."""
    assert row.influence is not None
    observed, expected = row.evaluate(View.whole(tally), w)
    room = 1 - expected
    value = np.where(np.abs(room) > _TINY, (observed - expected) / room, np.nan)
    pairable = (tally.raters_per_unit >= 2).sum(axis=-1).astype(np.float64)
    n = pairable if row.name == "krippendorff" else units
    se = np.sqrt((tally.weight * row.influence(tally, w) ** 2).sum(axis=-1) / (n * (n - row.ddof)))
    se = np.where(se <= _ZERO, 0.0, se)
    half = stdtrit(n - 1, (1 + level) / 2) * se
    half[se == 0] = 0.0
    numbers = zip(value.tolist(), se.tolist(), (value - half).tolist(), (value + half).tolist(), (n - 1).tolist(), observed.tolist(),
                  expected.tolist(), units.tolist(), raters.tolist(), tally.raters_per_unit.sum(axis=-1).tolist(), used.tolist(), parts,
                  strict=True)
    nan = float("nan")
    title, out = f"{row.title}, linearised SE, t interval", []
    for v, s, low, high, df, po, pe, nu, nr, ratings, k, part in numbers:
        size: dict[str, Any] = {"confidence_level": level, "target": "subjects", "n_subjects": int(nu), "n_raters": int(nr),
                "n_ratings": int(ratings), "weights": name}
        if nr < 2:
            out.append(Estimate(nan, method=row.title, flags=("one-rater" if nr else "no-ratings",), **size))
            continue
        flags = _size_flags(row, nu, k)
        size |= {"observed": po, "expected": pe if row.chance else nan, "parts": part}
        if v != v:
            out.append(Estimate(nan, method=row.title, flags=(*flags, "one-category" if k <= 1 else "no-variance"), **size))
        elif df < 1:
            out.append(Estimate(v, method=f"{row.title}, no interval from one subject", flags=(*flags, "one-subject"), **size))
        else:
            more = ("zero-se",) if s == 0 else ("cut-at-1",) if high > 1 else ()
            out.append(Estimate(v, s, low, min(high, 1.0), df=df, method=title, flags=(*flags, *more), **size))
    return out


def _size_flags(row: Coefficient, units: float, used: float) -> tuple[str, ...]:
    size = ("one-subject" if units == 1 else "few-subjects" if units < 5 else "weak" if units < 10 else "") if row.needs_variation else ""
    return (*([size] if size else []), *(["one-category"] if used <= 1 else []))
