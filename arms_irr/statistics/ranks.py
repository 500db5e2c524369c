"""Do raters put the subjects in the same order? Kendall's W and the mean correlation between raters."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from arms_irr.errors import ArgumentError
from arms_irr.statistics.concordance import as_matrix
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.weights import Floats

__all__ = ["kendall_w", "mean_correlation"]

_CELLS = 1 << 22  # permuted ranks held in memory at once


def kendall_w(ratings: ArrayLike, *, permutations: int = 10_000, seed: int = 1) -> Estimate:
    """Kendall's coefficient of concordance W, corrected for ties.

    W = 12 S / [m^2 (n^3 - n) - m sum_j T_j] for m raters of n subjects, S the sum of squares of the subjects'
    rank sums, T_j = sum (t^3 - t) over the ties of rater j (Kendall & Gibbons 1990, ch. 6). With three
    categories ties dominate, and the uncorrected W cannot come near 1.

    Parameters
    ----------
    ratings : (n subjects, m raters)
        Numbers in the order of the scale; ``nan`` or ``None`` = not rated.
    permutations, seed : int
        For p with fewer than 8 subjects; the same seed gives the same p.

    Returns
    -------
    Estimate
        ``parts``: ``chi2`` = m (n - 1) W, ``df``, ``p`` of no concordance (chi-squared from 8 subjects on;
        below that by permuting each rater's ranks, with the count of ties of the statistic included),
        ``uncorrected`` W, and ``mean_spearman`` = (m W - 1) / (m - 1). There is no interval.

    Notes
    -----
    *Incomplete ratings*: the mean Spearman correlation of :func:`mean_correlation` is transformed back,
    W = [1 + (mbar - 1) rho] / mbar, with mbar ratings per subject on average (Brueckl 2011); p from
    chi-squared, flag "unbalanced-ranks". A pair without a correlation is left out.

    *Degenerate cases*: one subject or one rater, "one-subject", "one-rater"; no rater tells subjects apart,
    "no-variance"; a rater who used one value only adds nothing but noise: flag "constant-rater".

    Raises
    ------
    ArgumentError
        Ratings that are not a table of finite numbers, or fewer than 1 permutation.
    """
    if permutations < 1:
        raise ArgumentError(f"{permutations} permutations are too few for a p-value: give 1000 or more")
    table, given, reason = _rated(ratings)
    n, m = table.shape
    bases: dict[str, Any] = {"n_subjects": n, "n_raters": m, "n_ratings": int(given.sum()), "target": "subjects"}
    if reason:
        return undefined(reason, method="Kendall's W", **bases)
    few = ["few-subjects"] if n < 5 else ["weak"] if n < 10 else []
    if not given.all():
        return replace(_incomplete_w(table, given), **bases).flagged(*few)
    ranks, ties = _ranks(table)
    sums = ranks.sum(axis=1) - m * (n + 1) / 2
    largest = m**2 * (n**3 - n) / 12
    room = largest - m * float(ties.sum()) / 12
    if room <= 0:
        return undefined("no-variance", method="Kendall's W", **bases)
    s = float(sums @ sums)
    w = s / room
    chi2 = m * (n - 1) * w
    parts = {"chi2": chi2, "df": n - 1.0, "uncorrected": s / largest, "mean_spearman": (m * w - 1) / (m - 1)}
    how = "p by chi-squared"
    if n < 8:
        parts |= {"p": _permutation_p(ranks, s, permutations, seed), "permutations": float(permutations), "seed": float(seed)}
        how = "p by permutation"
    else:
        parts["p"] = float(chdtrc(n - 1, chi2))
    constant = ["constant-rater"] if (ties == n**3 - n).any() else []
    return Estimate(w, method=f"Kendall's W, corrected for ties, {how}", parts=parts, flags=(*few, *constant), **bases)


def mean_correlation(ratings: ArrayLike, kind: str = "spearman", *, fisher: bool = False) -> Estimate:
    """Mean correlation over all pairs of raters, each on the subjects that both rated.

    A pair with n common subjects weighs n - 1 (Taylor 1987), so that in incomplete ratings a pair with two or three
    common subjects does not count as much as the others.

    Parameters
    ----------
    ratings : (n subjects, m raters)
    kind : {"spearman", "pearson"}
    fisher : bool
        Average on Fisher's z scale, leaving out pairs with a correlation of -1 or 1, where z has no end; the
        flag "at-boundary" then says so.

    Returns
    -------
    Estimate
        ``parts``: ``pairs``, the number of correlations averaged. Pairs in which a rater is constant have no
        correlation: they are left out (flag "constant-rater"), and the mean is ``nan`` when none is left.
        There is no interval.
    """
    if kind not in ("spearman", "pearson"):
        raise ArgumentError(f"unknown correlation {kind!r}: choose spearman or pearson")
    table, given, reason = _rated(ratings)
    bases: dict[str, Any] = {"n_subjects": table.shape[0], "n_raters": table.shape[1], "n_ratings": int(given.sum()),
                             "target": "subjects", "method": f"mean {kind} correlation"}  # fmt: skip
    if reason:
        return undefined(reason, **bases)
    r, weight, flags = _correlations(table, given, kind)
    if fisher:
        ends = np.abs(r) > 1 - 1e-12
        flags += ("at-boundary",) * bool(ends.any())
        r, weight = np.arctanh(r[~ends]), weight[~ends]
    if not r.size:
        return undefined(*(flags or ("no-overlap",)), **bases)
    mean = float(weight @ r / weight.sum())
    value = math.tanh(mean) if fisher else mean
    return Estimate(value, parts={"pairs": float(r.size)}, flags=flags, **bases)


def _rated(ratings: ArrayLike) -> tuple[Floats, np.typing.NDArray[np.bool_], str]:
    """The table without empty rows and columns, where it is filled, and why there is nothing to compute."""
    table = as_matrix(ratings)
    given = ~np.isnan(table)
    table = table[given.any(axis=1)][:, given.any(axis=0)]
    n, m = table.shape
    reason = "no-ratings" if not table.size else "one-rater" if m == 1 else "one-subject" if n == 1 else ""
    return table, ~np.isnan(table), reason


def _ranks(table: Floats) -> tuple[Floats, Floats]:
    """Mid-ranks within each column, and each column's sum of t^3 - t over its groups of t equal values."""
    ranks, ties = np.empty_like(table), np.empty(table.shape[1])
    for j, column in enumerate(table.T):
        _, place, times = np.unique(column, return_inverse=True, return_counts=True)
        ranks[:, j] = (np.cumsum(times) - (times - 1) / 2)[place]
        ties[j] = float((times.astype(np.float64) ** 3 - times).sum())
    return ranks, ties


def _permutation_p(ranks: Floats, s: float, permutations: int, seed: int) -> float:
    """Share of random orders with an S as large, the observed order counted as one of them."""
    rng = np.random.default_rng(seed)
    n, m = ranks.shape
    step, above, left = max(1, _CELLS // ranks.size), 0, permutations
    while left:
        batch = min(step, left)
        drawn = rng.permuted(np.broadcast_to(ranks.T, (batch, m, n)), axis=2).sum(axis=1) - m * (n + 1) / 2
        above += int(((drawn**2).sum(axis=1) >= s - 1e-9 * max(1.0, s)).sum())
        left -= batch
    return (above + 1) / (permutations + 1)


def _correlations(table: Floats, given: np.typing.NDArray[np.bool_], kind: str) -> tuple[Floats, Floats, tuple[str, ...]]:
    """The defined correlations of the pairs of columns, their weights, and what kept others from being defined."""
    found, weight, flags = [], [], set()
    for g in range(table.shape[1]):
        for h in range(g):
            both = given[:, g] & given[:, h]
            if both.sum() < 2:
                continue
            pair = table[both][:, [g, h]]
            pair = _ranks(pair)[0] if kind == "spearman" else pair
            pair = pair - pair.mean(axis=0)
            squares = (pair**2).sum(axis=0)
            if (np.ptp(table[both][:, [g, h]], axis=0) == 0).any():
                flags.add("constant-rater")
            else:
                found.append(float(pair[:, 0] @ pair[:, 1]) / math.sqrt(squares[0] * squares[1]))
                weight.append(len(pair) - 1.0)
    return np.array(found), np.array(weight), tuple(flags)


def _incomplete_w(table: Floats, given: np.typing.NDArray[np.bool_]) -> Estimate:
    """W from the mean of the pairwise Spearman correlations."""
    r, weight, flags = _correlations(table, given, "spearman")
    method = "Kendall's W from the mean Spearman correlation of pairs"
    if not r.size:
        return undefined(*(flags or ("no-overlap",)), method=method)
    n, m, rho = len(table), float(given.sum() / len(table)), float(weight @ r / weight.sum())
    w = (1 + (m - 1) * rho) / m
    chi2 = m * (n - 1) * w
    p = float(chdtrc(n - 1, max(chi2, 0.0)))
    return Estimate(
        w, method=method, flags=(*flags, "unbalanced-ranks"),
        parts={"chi2": chi2, "df": n - 1.0, "p": p, "mean_spearman": rho, "ratings_per_subject": m},
    )  # fmt: skip
