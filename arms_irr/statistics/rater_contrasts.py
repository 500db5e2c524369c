"""Contrasts of shares or means: within the same raters (paired), and between two groups of raters."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, stdtr, stdtrit

from arms_irr.statistics import jackknife
from arms_irr.statistics.agreement import Coefficient, View
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.statistics.permutation import label_permutation, sign_flip
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.weights import Floats

__all__ = [
    "between_groups", "contributions", "cut", "flip_p", "jackknife_contrast", "ratio_contrast", "stratified_p", "with_t", "within_raters",
]

_SAME = 1e-9  # differences of an officer's shares below this are 0: rounding is not a change
_ALL_SIGNS = 14  # raters up to whom every assignment of signs is tried
_BATCH = 4_000_000
_BITS = 40  # a binomial number takes about as long as so many bits


def contributions(sums: Floats, totals: Floats, contrast: Floats) -> Floats:
    """(R,) linearised terms of the contrast of ratios: sum_l c_l (y_jl - p_l m_jl) / m_l. They sum to 0."""
    total = totals.sum(axis=0)
    p = sums.sum(axis=0) / total
    return np.asarray((sums - p * totals) @ (contrast / total))


def ratio_contrast(sums: ArrayLike, totals: ArrayLike, contrast: ArrayLike, confidence_level: float = 0.95) -> Estimate:
    """sum_l c_l p_l of pooled ratios p_l = sum_j y_jl / sum_j m_jl, raters being the clusters.

    Parameters
    ----------
    sums, totals : (R, L) arrays
        Sum and number of each rater's ratings in each of L cells; a rater may lack some.
    contrast : (L,) array
        Coefficients c: (1, -1) for a difference, (1, -1, -1, 1) for a difference of differences.

    Returns
    -------
    Estimate
        Variance R/(R-1) sum_j (sum_l c_l (y_jl - p_l m_jl) / m_l)^2 over the R raters with any rating, t with R - 1
        degrees of freedom (linearised ratios, Cochran 1977, section 6.13); with equal totals the paired t
        interval of the raters' own differences. ``parts``: ``t``, ``p_t``. No spread: ``zero-se``.
    """
    level = check_confidence(confidence_level)
    y, m, c = (np.asarray(x, dtype=np.float64) for x in (sums, totals, contrast))
    taking_part = m.sum(axis=1) > 0
    y, m = y[taking_part], m[taking_part]
    raters = len(y)
    about = Estimate(math.nan, confidence_level=level, target="raters", n_raters=raters, n_ratings=round(float(m.sum())),
                     method="linearised difference, t interval over raters")
    if raters == 0 or (m.sum(axis=0) == 0).any():
        return about.flagged("no-ratings")
    value = float((y.sum(axis=0) / m.sum(axis=0)) @ c)
    if raters == 1:
        return replace(about, value=value).flagged("one-rater")
    terms = contributions(y, m, c)
    se = math.sqrt(raters / (raters - 1) * float(terms @ terms))
    return with_t(replace(about, value=value), se, raters - 1.0)


def with_t(found: Estimate, se: float, df: float) -> Estimate:
    """The estimate with its t interval and test against 0."""
    if not se > 1e-14:
        return replace(found, se=se).flagged("zero-se")
    half, t = float(stdtrit(df, (1 + found.confidence_level) / 2)) * se, found.value / se
    parts = {**found.parts, "t": t, "p_t": float(2 * stdtr(df, -abs(t)))}
    return replace(found, se=se, df=df, ci_low=found.value - half, ci_high=found.value + half, parts=parts)


def within_raters(
    sums: ArrayLike, totals: ArrayLike, contrast: ArrayLike = (1, -1), *, limit: float = math.inf,
    confidence_level: float = 0.95, replicates: int = 9999, seed: int = 1,
) -> Estimate:
    """A contrast within the raters who have ratings in every cell: interval by :func:`ratio_contrast`, sign-flip test.

    Parameters
    ----------
    limit : float
        The largest value possible, 1 for a difference of shares: limits beyond it are cut.

    Returns
    -------
    Estimate
        ``parts``: ``p``, two-sided, of the raters' own contrasts d_j = sum_l c_l y_jl / m_jl, each as likely with the
        other sign under the hypothesis (:func:`flip_p`); ``effect_size``, mean / standard deviation of the d_j
        (Cohen's d_z); ``mean_of_officers``, the mean of the d_j, equal to the value where all gave as many
        ratings; ``officers_more``, ``officers_equal``, ``officers_less``: d_j above, at and below 0.
    """
    y, m, c = (np.asarray(x, dtype=np.float64) for x in (sums, totals, contrast))
    both = np.all(m > 0, axis=1)
    y, m = y[both], m[both]
    found = ratio_contrast(y, m, c, confidence_level)
    if not found.estimable:
        return found.flagged("nobody-in-both") if not both.any() else found
    d = y / m @ c
    d[np.abs(d) < _SAME] = 0.0
    parts = {**found.parts, "mean_of_officers": float(d.mean()), "officers_more": float((d > 0).sum()),
             "officers_equal": float((d == 0).sum()), "officers_less": float((d < 0).sum())}
    if len(d) > 1:
        parts["p"] = flip_p(d, replicates=replicates, seed=seed)
        spread = float(d.std(ddof=1))
        parts["effect_size"] = float(d.mean()) / spread if spread > _SAME else math.nan
    method = "paired within raters, t interval, sign-flip test"
    return cut(replace(found, parts=parts, method=method), limit)


def cut(found: Estimate, limit: float) -> Estimate:
    """Limits no farther from 0 than a difference can be."""
    if not max(-found.ci_low, found.ci_high) > limit:
        return found
    return replace(found, ci_low=max(found.ci_low, -limit), ci_high=min(found.ci_high, limit)).flagged("cut-at-end")


def flip_p(differences: ArrayLike, *, replicates: int = 9999, seed: int = 1) -> float:
    """Two-sided p-value of differences under random signs (Fisher 1935, ch. 3); zeros carry no information.

    Differences of one size, 0/1 ratings of one item say, give the sign test, which is McNemar's exact test,
    in closed form (McNemar 1947); otherwise every assignment up to 14 raters who differ (:func:`sign_flip`), else
    ``replicates`` drawn from ``seed`` and the one observed. Nobody differs: 1.
    """
    d = np.asarray(differences, dtype=np.float64)
    d = d[np.abs(d) > _SAME]
    if d.size < 2:
        return 1.0
    if np.ptp(np.abs(d)) < _SAME:
        return min(1.0, 2 * float(bdtr(min((d > 0).sum(), (d < 0).sum()), d.size, 0.5)))
    if d.size <= _ALL_SIGNS:
        return sign_flip(d).parts["p"]
    flipped = _flipped(np.abs(d), replicates, np.random.default_rng(seed))
    hits = int(np.count_nonzero(np.abs(flipped) >= abs(float(d.sum())) - _SAME * float(np.abs(d).sum())))
    return (hits + 1) / (replicates + 1)


def _flipped(size: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    """(replicates,) sums of the values, each with a random sign."""
    sizes, times = np.unique(np.round(size, 9), return_counts=True)
    sums = np.empty(replicates)
    # Of n raters whose values have one size, a binomial number keeps the sign; where most have a size of their
    # own, a random bit for each is faster than so many binomial numbers.
    if _BITS * sizes.size < size.size:
        step = max(1, _BATCH // sizes.size)
        for start in range(0, replicates, step):
            kept = rng.binomial(times, 0.5, (min(step, replicates - start), sizes.size))
            sums[start : start + step] = (2 * kept - times) @ sizes
        return sums
    step = max(1, _BATCH // size.size)
    for start in range(0, replicates, step):
        rows = min(step, replicates - start)
        bits = np.unpackbits(rng.integers(0, 256, (rows, -(-size.size // 8)), dtype=np.uint8), axis=1, count=size.size)
        sums[start : start + step] = 2 * (bits @ size) - size.sum()
    return sums


def between_groups(
    sums: tuple[ArrayLike, ArrayLike], totals: tuple[ArrayLike, ArrayLike], *, strata: tuple[ArrayLike, ArrayLike] | None = None,
    limit: float = math.inf, confidence_level: float = 0.95, replicates: int = 9999, seed: int = 1,
) -> Estimate:
    """Pooled ratio of the first group of raters less that of the second.

    Parameters
    ----------
    sums, totals : pairs of (R_1,), (R_2,) arrays
        Of each rater; raters without ratings are left out.
    strata : pair of arrays of int, optional
        Labels are exchanged only among raters of the same stratum (a site that holds both groups).

    Returns
    -------
    Estimate
        Welch's t interval with Satterthwaite's degrees of freedom on the linearised terms, which with equal totals
        are the raters' own shares. ``parts``: ``t``, ``p_t``; ``p`` of the exchange of labels, statistic the
        difference of the means of the raters' own values; ``effect_size``, that difference over the pooled
        standard deviation (Cohen's d); ``n_first``, ``n_second``. Fewer than 2 raters in a group: a value alone.
    """
    level = check_confidence(confidence_level)
    y = [np.asarray(x, dtype=np.float64)[np.asarray(n) > 0] for x, n in zip(sums, totals, strict=True)]
    m = [np.asarray(n, dtype=np.float64)[np.asarray(n) > 0] for n in totals]
    sizes = [len(x) for x in y]
    about = Estimate(
        math.nan, confidence_level=level, target="raters", n_raters=sum(sizes), n_ratings=round(sum(float(x.sum()) for x in m)),
        method="independent groups of raters, Welch t interval, label permutation",
        parts={"n_first": float(sizes[0]), "n_second": float(sizes[1])})
    if min(sizes) == 0:
        return about.flagged("no-ratings")
    found = replace(about, value=float(y[0].sum() / m[0].sum() - y[1].sum() / m[1].sum()))
    if min(sizes) < 2:
        return found.flagged("one-rater-group")
    one = np.ones(1)
    spread = np.array([n / (n - 1) * np.sum(contributions(a[:, None], b[:, None], one) ** 2) for n, a, b in zip(sizes, y, m, strict=True)])
    own = [a / b for a, b in zip(y, m, strict=True)]
    if strata is None:
        p = label_permutation(own[1], own[0], replicates=replicates, seed=seed).parts["p"]
    else:
        kept = [np.asarray(s)[np.asarray(n) > 0] for s, n in zip(strata, totals, strict=True)]
        p = stratified_p(own[0], own[1], kept[0], kept[1], replicates=replicates, seed=seed)
    pooled = math.sqrt(sum((n - 1) * x.var(ddof=1) for n, x in zip(sizes, own, strict=True)) / (sum(sizes) - 2))
    effect = float(own[0].mean() - own[1].mean()) / pooled if pooled > _SAME else math.nan
    below = float(sum(v**2 / (n - 1) for v, n in zip(spread, sizes, strict=True)))
    df = float(spread.sum()) ** 2 / below if below > 0 else math.nan
    found = replace(found, parts={**found.parts, "p": p, "effect_size": effect})
    return cut(with_t(found, math.sqrt(float(spread.sum())), df), limit)


def stratified_p(
    a: ArrayLike, b: ArrayLike, strata_a: ArrayLike, strata_b: ArrayLike, *, replicates: int = 9999, seed: int = 1
) -> float:
    """Two-sided p-value of the difference of two means when labels are exchanged within strata only.

    The statistic is the sum over strata of the difference of means times n_a n_b / (n_a + n_b), which weighs
    every stratum by what it can tell (Mantel 1963, J Am Stat Assoc 58:690-700); ``replicates`` exchanges from ``seed`` and the one
    observed. Strata of one group say nothing; when all are, the result is ``nan``.
    """
    x = np.concatenate([np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)])
    first = np.arange(len(x)) < len(np.asarray(a))
    stratum = np.unique(np.concatenate([np.asarray(strata_a), np.asarray(strata_b)]), return_inverse=True)[1].ravel()
    n = np.bincount(stratum)
    mixed = (np.bincount(stratum, first) > 0) & (np.bincount(stratum, first) < n)
    if not mixed.any():
        return math.nan
    # n_a n_b / n (mean_a - mean_b) = sum over a of (x - mean of the stratum): only that sum moves with the labels.
    x = np.where(mixed[stratum], x - (np.bincount(stratum, x) / n)[stratum], 0.0)
    order = np.argsort(stratum, kind="stable")
    x, first, stratum = x[order], first[order], stratum[order]
    observed, slack = abs(float(x @ first)), 1e-9 * float(np.abs(x).sum())
    rng, hits = np.random.default_rng(seed), 0
    step = max(1, _BATCH // len(x))
    for start in range(0, replicates, step):
        # Sorted by stratum and a random key, the places of a stratum hold its own raters in random order.
        drawn = np.argsort(stratum + rng.random((min(step, replicates - start), len(x))), axis=1)
        hits += int(np.count_nonzero(np.abs(x[drawn] @ first) >= observed - slack))
    return (hits + 1) / (replicates + 1)


def jackknife_contrast(
    row: Coefficient, codes: list[Codes], contrast: ArrayLike, scores: Floats, w: Floats, *, confidence_level: float = 0.95
) -> Estimate:
    """sum_l c_l of a coefficient in L tables with the same raters: delete-one-rater jackknife, t with R - 1 df.

    Parameters
    ----------
    codes : list of (U_l, R) arrays
        Column j of all is the same rater; negative = not given.

    Returns
    -------
    Estimate
        For other raters, these subjects. ``nan`` with ``undefined-without-a-rater`` as the reason of the missing
        interval where leaving out a rater makes a coefficient 0/0.

    References
    ----------
    Efron & Stein (1981), Ann Statist 9:586-596.
    """
    level, c = check_confidence(confidence_level), np.asarray(contrast, dtype=np.float64)
    raters = codes[0].shape[1]
    tallies = [Tally.from_codes(table, scores) for table in codes]
    about = Estimate(
        math.nan, confidence_level=level, target="raters", n_raters=raters, n_ratings=sum(t.n_ratings for t in tallies),
        n_subjects=sum(t.n_units for t in tallies), method=f"{row.title}, jackknife over raters, t interval")
    if not all(t.n_ratings for t in tallies):
        return about.flagged("no-ratings")
    if raters < 2:
        return about.flagged("one-rater")
    ends = np.array([float(row.value(View.whole(tally), w)) for tally in tallies])
    if np.isnan(ends).any():
        return about.flagged("one-category")
    found = replace(about, value=float(ends @ c))
    if raters < 3:
        return found.flagged("two-raters")
    left_out = np.tile(ends, (raters, 1))
    for k, (tally, table) in enumerate(zip(tallies, codes, strict=True)):
        left_out[(table >= 0).any(axis=0), k] = jackknife.without_each_rater(row, tally, w)
    moved = left_out @ c
    if np.isnan(moved).any():
        return found.flagged("undefined-without-a-rater")
    found = with_t(found, math.sqrt(jackknife.variance(moved)), raters - 1.0)
    return replace(found, parts={**found.parts, "p": found.parts["p_t"]}) if "p_t" in found.parts else found
