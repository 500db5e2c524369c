"""Leaving one out: how a coefficient moves without a unit, a case or a rater, and the variances that follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from arms_irr.statistics.agreement import Coefficient, View
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.weights import Floats

__all__ = [
    "BATCH", "by_case", "cases_of", "contributions", "interaction_variance", "two_way_variance", "units_used", "variance",
    "without_each_case", "without_each_rater", "without_each_unit",
]

BATCH = 4_000_000  # elements of one batch of counts


def variance(left_out: Floats, times: Floats | None = None) -> float:
    """Delete-one variance (n - 1)/n sum (x_(-i) - mean)^2; each value stands for ``times`` deletions."""
    times = np.ones(len(left_out)) if times is None else times
    n = times.sum()
    return float((n - 1) / n * (times @ (left_out - times @ left_out / n) ** 2))


def without_each_rater(row: Coefficient, tally: Tally, w: Floats) -> Floats:
    """(R,) the coefficient without each rater; ``nan`` where it is then 0/0."""
    assert tally.codes is not None
    (units, raters), q = tally.codes.shape, len(tally.scores)
    # Without a rating in each category; the last version is the unit as it is, for a rater who gave it none.
    versions = tally.counts - np.vstack([np.eye(q), np.zeros(q)])[:, None, :]
    step = max(1, BATCH // max(1, (q + 1) * units))
    left_out = np.empty(raters)
    for start in range(0, raters, step):
        out = np.arange(start, min(start + step, raters))
        left_out[out] = row.value(View(tally, versions, tally.weight, without=out), w)
    return left_out


def without_each_unit(row: Coefficient, tally: Tally, w: Floats) -> tuple[Floats, Floats, Codes]:
    """The coefficient without each unit rated twice or more; units that are alike are deleted once.

    Returns
    -------
    left_out, times : (P,) arrays
        Of the P different units, and how many are like that.
    which : (U,) array
        For each unit its place among them, -1 for units rated less than twice.
    """
    used = np.flatnonzero(tally.raters_per_unit >= 2)
    key = tally.counts if tally.codes is None or not row.named else tally.codes
    _, first, inverse = np.unique(key[used], axis=0, return_index=True, return_inverse=True)
    times = np.bincount(inverse.ravel(), tally.weight[used]).astype(np.float64)
    which = np.full(len(tally.weight), -1)
    which[used] = inverse.ravel()
    units, deleted = np.arange(len(which)), used[first]
    left_out = _reweighted(row, tally, w, len(first), lambda rows: tally.weight - (units == deleted[rows][:, None]))
    return left_out, times, which


def without_each_case(row: Coefficient, tally: Tally, w: Floats) -> Floats:
    """(C,) the coefficient without all units of each case."""
    case = cases_of(tally)
    n = int(case.max(initial=-1)) + 1
    return _reweighted(row, tally, w, n, lambda cases: tally.weight * (case != cases[:, None]))


def _reweighted(row: Coefficient, tally: Tally, w: Floats, n: int, weights: Callable[[Codes], Floats]) -> Floats:
    """Values under n versions of the unit weights, a batch at a time."""
    values = np.empty(n)
    step = max(1, BATCH // max(1, tally.counts.size))
    full = View.whole(tally)
    for start in range(0, n, step):
        which = np.arange(start, min(start + step, n))
        values[which] = row.value(replace(full, weight=weights(which)), w)
    return values


def cases_of(tally: Tally) -> Codes:
    """(U,) the case of each unit, numbered from 0; without cases every unit is one."""
    if tally.cluster is None:
        return np.arange(len(tally.weight))
    return np.unique(tally.cluster, return_inverse=True)[1].ravel()


# --- both ways --------------------------------------------------------------------------------------------


def units_used(row: Coefficient, tally: Tally) -> float:
    """How many units the variance is over: Krippendorff's alpha and what has no formula drop units rated once."""
    every = row.influence is not None and row.name != "krippendorff"
    return float(tally.weight.sum() if every else tally.weight @ (tally.raters_per_unit >= 2))


def contributions(row: Coefficient, tally: Tally, w: Floats) -> Floats:
    """(U,) what a unit adds to (estimate - parameter): its linearised term over n, or (n - 1)/n (mean - without it).

    They sum to 0 over the n units; n / (n - 1) times the sum of their squares is the variance over units.
    """
    full = np.zeros(len(tally.weight))
    if row.influence is None:
        left_out, times, which = without_each_unit(row, tally, w)
        n = times.sum()
        full[which >= 0] = ((n - 1) / n * (times @ left_out / n - left_out))[which[which >= 0]]
        return full
    return np.where(tally.weight > 0, row.influence(tally, w) / units_used(row, tally), full)


def by_case(tally: Tally, terms: Floats) -> Floats:
    """Contributions of the cases; without cases those of the units."""
    return terms if tally.cluster is None else np.bincount(cases_of(tally), tally.weight * terms).astype(np.float64)


def _without(tally: Tally, rater: int) -> Tally:
    """The tally without one rater; a unit that nobody else rated keeps its row, with weight 0."""
    assert tally.codes is not None
    counts = tally.counts - tally.onehot[:, rater]
    weight = tally.weight * (counts.sum(axis=1) > 0)
    return replace(tally, counts=counts, codes=np.delete(tally.codes, rater, axis=1), weight=weight)


def interaction_variance(row: Coefficient, tally: Tally, w: Floats) -> float:
    """Variance due to single ratings: what the variance over cases and the one over raters both contain.

    With T_c the contribution of case c (sum 0) and T_c(-j) the same without rater j, it is

        C/(C-1) (R-1)/R sum_cj (T_c(-j) - mean over j)^2:

    the delete-one-rater jackknife of every case's contribution. For a mean of complete ratings T_c(-j) - mean
    is -e_cj / [C (R - 1)], e_cj the residual of case + rater, so it equals MSE / (C R), MSE being the residual
    mean square; the variances over cases and raters are MS_cases / (C R) and MS_raters / (C R).
    """
    parts = []
    for j in range(tally.n_raters):
        less = _without(tally, j)
        parts.append(by_case(less, contributions(row, less, w)))
    table, raters = np.stack(parts), tally.n_raters  # (R, C)
    times = tally.weight if tally.cluster is None else np.ones(table.shape[1])
    cases = times.sum()
    deviation = table - table.mean(axis=0)
    deviation -= deviation @ times[:, None] / cases
    return float(cases / (cases - 1) * (raters - 1) / raters * np.sum(deviation**2 @ times))


def two_way_variance(
    cases: float, raters: float, interaction: float, sampled: tuple[float, float] = (0.0, 0.0)
) -> float:
    """Variance over cases and raters together, of the conditional variances and the part they share.

    V = (1 - f_c) V_cases + (1 - f_r) V_raters - (1 - f_c)(1 - f_r) V_interaction, where f are the fractions of
    the populations that take part (Gwet 2008 for f = 0; Cochran 1977 for rows and columns drawn without
    replacement). A negative component of cases or raters counts as 0, so V is never below either part.
    """
    left_c, left_r = 1 - sampled[0], 1 - sampled[1]
    return left_c * max(cases - left_r * interaction, 0) + left_r * max(raters - left_c * interaction, 0) \
        + left_c * left_r * interaction
