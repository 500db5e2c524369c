"""Other raters, or other raters and cases, in closed form: from counts and one sum per rater, for millions of ratings.

The delete-one-rater jackknife needs the coefficient without each of R raters. To first order a rater's leaving moves it
by the sum of what the loss of each of his or her ratings does, and that depends on the unit and the category alone:
a table a[unit, category]. Adding the table up over the ratings, by rater, gives D_j, and

    V_raters = (R - 1)/R sum_j (D_j - mean)^2,
    V_both   = V_cases + V_raters - V_interaction

(Gwet 2008, section 3.6; the same three sums as for clusters of two kinds in Cameron, Gelbach & Miller 2011), where
V_interaction is the part that the other two have in common, the sum of squares of the cells of raters and cases around
both of their means.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from arms_irr.errors import ArgumentError
from arms_irr.statistics import jackknife
from arms_irr.statistics.agreement import Coefficient, View
from arms_irr.statistics.estimate import Estimate
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import FEWEST_CASES, by_t
from arms_irr.statistics.weights import Floats

__all__ = ["Spread", "over_raters_and_cases", "rating_terms", "spread"]

_ZERO = 1e-14  # a standard error below this is rounding


def rating_terms(row: Coefficient, tally: Tally, w: Floats) -> Floats:
    """How a coefficient moves, to first order, when a unit loses one rating in a category.

    Parameters
    ----------
    row : Coefficient
        Of exchangeable raters, with a linearised variance: percent, brennan_prediger, gwet, fleiss, krippendorff.
    tally : Tally
        Counts are enough; a leading axis of groups is allowed. Weights of units are 1, or 0 for no unit.
    w : (q, q) array
        Agreement weights.

    Returns
    -------
    (..., U, q) array
        0 where the unit has no rating in the category. A unit left with one rating is no longer compared, and one left
        with none is no unit any more.

    Notes
    -----
    Exact for percent agreement and Brennan-Prediger while every unit keeps two ratings: they are means over units.
    In each unit that keeps two, the terms of its ratings sum to 0; not so for Krippendorff's alpha, where a unit that
    loses a rating also weighs less. Alpha's terms take the number of values as infinite, as its variance over units does:
    they are off by about 2 / n^2 for n ratings, being of the order 1 / n.
    """
    if row.named or row.influence is None:
        raise ArgumentError(f"{row.title} needs to know which rater gave which rating; "
                            "choose percent, fleiss, gwet, brennan_prediger or krippendorff")
    counts, q = tally.counts, len(tally.scores)
    units, r = counts.shape[-2], tally.raters_per_unit
    lost = (counts > 0) & (tally.weight > 0)[..., None]
    less = counts[..., None, :] - lost[..., None] * np.eye(q)
    # A unit like the margins moves them nowhere: so does one without ratings.
    less = np.where(less.any(axis=-1, keepdims=True), less, View.whole(tally).margins()[..., None, None, :])
    # A row of weight 0 changes no margin, and its influence is what the unit would contribute if it were like that.
    rows = np.concatenate([counts, less.reshape(*counts.shape[:-2], units * q, q)], axis=-2)
    weight = np.concatenate([tally.weight, np.zeros((*tally.weight.shape[:-1], units * q))], axis=-1)
    terms = row.influence(Tally(rows, tally.scores, None, weight), w)
    change = terms[..., units:].reshape(counts.shape) - terms[..., :units, None]
    pairable = (tally.weight * (r >= 2)).sum(axis=-1)[..., None, None]
    if row.name == "krippendorff":
        return np.where(lost, change / pairable, 0.0)
    # The influence takes the share of units rated twice as fixed; a unit of two ratings that loses one leaves the mean.
    value = row.value(View.whole(tally), w)[..., None, None]
    change = change / tally.weight.sum(axis=-1)[..., None, None] + value * (r == 2)[..., None] / pairable
    return np.where(lost, change, 0.0)


@dataclass(frozen=True)
class Spread:
    """What the sums of :func:`rating_terms` over each rater's ratings say, in each of G groups.

    Attributes
    ----------
    raters, interaction : (G,) arrays
        V_raters and V_interaction.
    n_raters : (G,) integer array
    """

    raters: Floats
    interaction: Floats
    n_raters: np.ndarray


def spread(sums: Floats, present: np.ndarray, squares: Floats, columns: Floats, cases: Floats) -> Spread:
    """V_raters and V_interaction of G groups.

    Parameters
    ----------
    sums : (R, G) array
        D_j: the terms of each rater's ratings, added up.
    present : (R, G) boolean array
        Who rated in the group at all.
    squares : (G,) array
        Sum over the cells (rater, case) of the square of the terms added up in the cell. Where a case is one unit,
        sum r_ik a_ik^2: the counts suffice.
    columns : (G,) array
        Sum over cases of the square of the terms added up over all ratings of the case.
    cases : (G,) array
        Number of cases.

    Notes
    -----
    With A the (R, C) table of cells, 0 where the rater did not rate the case, V_interaction is
    C/(C-1) (R-1)/R times the sum of squares of A around its row and column means.
    """
    n = present.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        around = np.where(present, sums - sums.sum(axis=0) / n, 0.0)
        between = (around**2).sum(axis=0)
        cells = np.maximum(squares - columns / n - between / cases, 0.0)
        return Spread((n - 1) / n * between, cases / (cases - 1) * (n - 1) / n * cells, n)


def over_raters_and_cases(
    row: Coefficient, found: Estimate, target: str, cases: float, v_cases: float, raters: int, v_raters: float, v_interaction: float
) -> Estimate:
    """The estimate with the interval over other raters, or other raters and cases: t on the Fisher-z scale by the delta method.

    As :func:`arms_irr.statistics.uncertainty.estimate` for ``target="raters"`` (R - 1 degrees of freedom) and ``"both"``
    (min(R, C) - 1): no interval from fewer than 3 raters or, for both, 5 cases; untransformed where the value is -1 or 1.
    """
    nan, both = float("nan"), target == "both"
    of_cases = {"cut-at-1", "zero-se", *(() if row.needs_variation else ("one-subject",))}  # said by the interval over subjects
    found = replace(found, se=nan, ci_low=nan, ci_high=nan, df=nan, target=target, n_raters=raters,
                    flags=tuple(flag for flag in found.flags if flag not in of_cases))
    if not found.estimable:
        return found
    lacking = "few-cases" if both and cases < FEWEST_CASES else "two-raters" if raters < 3 else ""
    if lacking:
        return replace(found, method=f"{row.title}, no interval").flagged(lacking)
    parts = {"variance_cases": float(v_cases), "variance_raters": float(v_raters), "variance_interaction": float(v_interaction)}
    plain = f"{row.title}, linearised over {'cases and raters' if both else 'raters'}, t interval"
    found = replace(found, method=f"{plain} on the Fisher-z scale", parts={**found.parts, **(parts if both else {})})
    se = float(np.sqrt(jackknife.two_way_variance(v_cases, v_raters, v_interaction) if both else v_raters))
    df = float(min(cases, raters) if both else raters) - 1
    if se <= _ZERO:
        return replace(found, se=0.0).flagged("zero-se")
    if abs(found.value) >= 1 - 1e-12:
        return by_t(replace(found, method=plain), se, df, None).flagged("at-boundary", "interval-fallback")
    found = by_t(found, se, df, None, se / (1 - found.value**2))
    # A share of agreeing pairs cannot be negative, though the Fisher scale can.
    return replace(found, ci_low=0.0) if row.name == "percent" and found.ci_low < 0 else found
