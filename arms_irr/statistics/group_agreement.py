"""Pairwise agreement within and between two groups of raters on the same units."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import stdtrit

from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.tally import Codes
from arms_irr.statistics.weights import Floats

__all__ = ["NAMES", "group_agreement"]

NAMES = ("first", "second", "between", "first_less_second", "gap")
_EXACT = 2**14
_BATCH = 4_000_000
# Each quantity as a combination of agreement within the first group, within the second and between them.
_SIGNS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [0.5, 0.5, -1]], dtype=np.float64)


@dataclass(frozen=True)
class _Counts:
    """Units x categories (..., U, q): how many raters of each group chose it."""

    a: Floats
    b: Floats


def group_agreement(
    codes: Codes, second: Codes, w: Floats, *, confidence_level: float = 0.95, replicates: int = 1999, seed: int = 1
) -> dict[str, Estimate]:
    """How often two raters agree: both of one group, both of the other, one of each.

    Parameters
    ----------
    codes : (U, R) array
        Categories, negative = not given.
    second : (R,) array of bool
        Which raters are of the second group.
    w : (q, q) array
        Agreement weights.
    replicates, seed : int
        Exchanges of the labels, all of them where they are at most 2^14.

    Returns
    -------
    dict of Estimate
        ``first``, ``second``: mean over units of the share of agreeing pairs within the group; ``between``: of pairs
        with one rater of each; ``first_less_second``: is one group less consistent; ``gap``: mean of the two
        within less between: are the groups consistently different. Twice the gap is the energy distance of the
        groups' ratings, about 0 or slightly negative where groups do not differ (Szekely & Rizzo 2013). Intervals
        by deleting one rater at a time within each group, t with Satterthwaite's degrees of freedom; ``parts``
        of the last two hold ``p`` of the exchange of labels, two-sided for the first, one-sided for the gap.
        Groups of one rater have no agreement within: ``one-rater-group``.

    References
    ----------
    Szekely & Rizzo (2013), J Stat Plan Inference 143:1249-1272; two-sample jackknife: Arvesen (1969), Ann Math Statist
    40:2076-2100.
    """
    level = check_confidence(confidence_level)
    given = codes >= 0
    kept = given.any(axis=0)
    codes, second = codes[given.any(axis=1)][:, kept], np.asarray(second, dtype=bool)[kept]
    about: dict[str, Any] = {"confidence_level": level, "target": "raters", "n_subjects": len(codes),
                             "n_raters": codes.shape[1], "n_ratings": int(given.sum())}
    if not len(codes) or second.all() or not second.any():
        return {name: undefined("no-ratings", **about) for name in NAMES}
    onehot = (codes[:, :, None] == np.arange(len(w))).astype(np.float64)
    values = _SIGNS @ _three(_Counts(onehot[:, ~second].sum(axis=1), onehot[:, second].sum(axis=1)), w)
    left_out = _without_each(codes, second, onehot, w) @ _SIGNS.T
    p = _exchanged(onehot, second, w, values, replicates, seed)
    found = {}
    own = {"first": ~second, "second": second}
    for k, name in enumerate(NAMES):
        who = own.get(name, np.ones(len(second), dtype=bool))
        about |= {"n_raters": int(who.sum()), "n_ratings": int((codes[:, who] >= 0).sum())}
        if math.isnan(values[k]):
            found[name] = undefined("one-rater-group" if min(second.sum(), (~second).sum()) == 1 else "no-overlap", **about)
            continue
        parts = {"p": p[name]} if name in p else {}
        found[name] = _interval(Estimate(float(values[k]), parts=parts, **about), left_out[:, k], second)
    return found


def _three(counts: _Counts, w: Floats) -> Floats:
    """(3, ...) agreement within the first group, within the second, between; ``nan`` where there is no pair."""
    a, b = counts.a, counts.b
    aw, n, m = a @ w, a.sum(axis=-1), b.sum(axis=-1)
    own = np.diag(w)
    pairs = ((aw * a).sum(axis=-1) - a @ own, n * (n - 1)), (((b @ w) * b).sum(axis=-1) - b @ own, m * (m - 1)), ((aw * b).sum(axis=-1), n * m)
    return np.stack([_mean(above, below) for above, below in pairs])


def _mean(above: Floats, below: Floats) -> Floats:
    """Mean over units (the last axis) of above / below, over the units that have pairs."""
    there = below > 0
    ratio = np.divide(above, below, out=np.zeros_like(below), where=there)
    units = there.sum(axis=-1)
    return np.asarray(np.divide(ratio.sum(axis=-1), units, out=np.full(np.shape(units), np.nan), where=units > 0))


def _without_each(codes: Codes, second: Codes, onehot: Floats, w: Floats) -> Floats:
    """(R, 3) the three values without each rater."""
    out = np.empty((codes.shape[1], 3))
    a, b = onehot[:, ~second].sum(axis=1), onehot[:, second].sum(axis=1)
    step = max(1, _BATCH // a.size)
    for start in range(0, len(out), step):
        chosen = slice(start, start + step)
        gone, of_second = onehot[:, chosen].transpose(1, 0, 2), second[chosen][:, None, None]
        out[chosen] = _three(_Counts(a - np.where(of_second, 0, gone), b - np.where(of_second, gone, 0)), w).T
    return out


def _exchanged(onehot: Floats, second: Codes, w: Floats, values: Floats, replicates: int, seed: int) -> dict[str, float]:
    """p-values of the last two quantities under exchange of the labels of the raters."""
    units, raters, q = onehot.shape
    n = int(second.sum())
    exact = math.comb(raters, n) <= _EXACT
    flat, whole = onehot.transpose(0, 2, 1).reshape(units * q, raters), onehot.sum(axis=1)
    rng = np.random.default_rng(seed)
    if exact:
        every = np.zeros((math.comb(raters, n), raters))
        np.put_along_axis(every, np.array(list(combinations(range(raters), n))), 1.0, axis=1)
    tries = len(every) if exact else replicates
    hits, used = np.zeros(2), 0
    step = max(1, _BATCH // max(raters, units * q))
    for start in range(0, tries, step):
        size = min(step, tries - start)
        labels = every[start:start + size] if exact else rng.permuted(np.broadcast_to(second * 1.0, (size, raters)), axis=1)
        b = (flat @ labels.T).T.reshape(size, units, q)
        drawn = _SIGNS[3:] @ _three(_Counts(whole - b, b), w)
        hits += (np.abs(drawn[0]) >= abs(values[3]) - 1e-12).sum(), (drawn[1] >= values[4] - 1e-12).sum()
        used += size
    own = 0 if exact else 1
    return {} if np.isnan(values[3:]).any() else dict(zip(NAMES[3:], ((hits + own) / (used + own)).tolist(), strict=True))


def _interval(found: Estimate, left_out: Floats, second: Codes) -> Estimate:
    """Sum of the delete-one variances of the two groups, and a t interval."""
    found = replace(found, method="jackknife over raters in each group, t interval")
    variances, df = np.zeros(2), np.ones(2)
    for k, group in enumerate((left_out[~second], left_out[second])):
        n = len(group)
        if np.ptp(group) == 0:  # without anybody of this group the value stays: nothing of it depends on them
            continue
        if np.isnan(group).any():
            return found.flagged("undefined-without-a-rater")
        variances[k], df[k] = (n - 1) / n * float(((group - group.mean()) ** 2).sum()), max(n - 1, 1)
    se = math.sqrt(variances.sum())
    if not se > 1e-14:
        return replace(found, se=se).flagged("zero-se")
    freedom = float(variances.sum() ** 2 / (variances**2 / df).sum())
    half = float(stdtrit(freedom, (1 + found.confidence_level) / 2)) * se
    return replace(found, se=se, ci_low=found.value - half, ci_high=found.value + half, df=freedom)
