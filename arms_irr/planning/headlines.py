"""The headline statistics of many simulated exercises at once, with the intervals and tests that a report would give.

Everything is an array over replications: what the questions of a study answer for one exercise is answered here for all
of them, by the same formulas. Sums over ratings avoid matrix products, whose last bits depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import betaincinv, expit, logit, ndtri, stdtr, stdtrit

from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.planning.parameters import BANDS, KINDS
from arms_irr.statistics.uncertainty import FEWEST_CASES
from arms_irr.statistics.weights import agreement_weights

__all__ = ["CONFIRMATORY", "CONTRASTS", "FIELDS", "Headline", "Ratings", "Sides", "contrast", "evaluate", "groups_of_officers", "headlines",
           "values"]

Floats = np.ndarray
Headline = tuple[str, str]  # statistic, group
FIELDS = ("value", "low", "high", "p", "p_cases")
_W = agreement_weights("quadratic", np.arange(1.0, 4.0))
_ZERO, _TINY = 1e-14, 1e-12
_MISS_ICC = 0.1  # the least correlation of one officer's misses that a bound allows for


@dataclass(frozen=True, eq=False)
class Ratings:
    """n exercises: R officers, C cases, F factors.

    ``codes`` (n, R, C, F) as in ``Replicates``; ``gold`` (n, C, F); ``band`` (C,) and ``kind`` (F,) positions in
    ``BANDS`` and ``KINDS``; ``crossed``: every officer was asked to rate every case.
    """

    codes: np.ndarray
    gold: np.ndarray
    band: np.ndarray
    kind: np.ndarray
    crossed: bool

    def part(self, officers: Sequence[int] | slice, cases: Sequence[int] | slice) -> Ratings:
        """The exercise of some of the officers and cases."""
        codes = self.codes[:, officers][:, :, cases]
        return Ratings(codes, self.gold[:, cases], self.band[cases], self.kind, bool((codes != NOT_GIVEN).any(-1).all()))

    @cached_property
    def hits(self) -> tuple[Floats, Floats]:
        """(n, R, C, 2) ratings equal to the gold, and priorities given, by case and kind."""
        given = self.codes >= 0
        equal = self.codes == self.gold[:, None]
        return _by_kind(equal, self.kind), _by_kind(given, self.kind)


def _by_kind(mask: np.ndarray, kind: np.ndarray) -> Floats:
    return np.stack([mask[..., kind == t].sum(-1, dtype=np.float64) for t in range(len(KINDS))], -1)


# --- what a report shows ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sides:
    """A contrast of shares: coefficients, and for each the risk bands and kinds of factor it pools."""

    coefficients: tuple[float, ...]
    cells: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]

    def members(self, band: np.ndarray) -> np.ndarray:
        """(L, C, 2): 1 where a case and kind belong to a cell."""
        return np.array([np.isin(band, bands)[:, None] & np.isin((0, 1), kinds) for bands, kinds in self.cells], dtype=np.float64)


_BOTH = (0, 1)
_LOW_HIGH = f"{BANDS[0]} less {BANDS[1]}"
_RISK_PROTECTIVE = f"{KINDS[0]} less {KINDS[1]}"
CONTRASTS: Mapping[Headline, Sides] = {
    ("difference", _LOW_HIGH): Sides((1, -1), (((0,), _BOTH), ((1,), _BOTH))),
    ("difference", _RISK_PROTECTIVE): Sides((1, -1), ((_BOTH, (0,)), (_BOTH, (1,)))),
    ("difference", f"{_RISK_PROTECTIVE}, {BANDS[1]}"): Sides((1, -1), (((1,), (0,)), ((1,), (1,)))),
    ("interaction", f"({_LOW_HIGH}), {_RISK_PROTECTIVE}"): Sides((1, -1, -1, 1), (((0,), (0,)), ((1,), (0,)), ((0,), (1,)), ((1,), (1,)))),
}
CONFIRMATORY = tuple(key for key in CONTRASTS if not key[1].endswith(f", {BANDS[1]}"))
_COEFFICIENTS = ("gwet", "brennan_prediger")
_BANDS: tuple[tuple[str, tuple[int, ...]], ...] = (("all", (0, 1)), *((band, (b,)) for b, band in enumerate(BANDS)))
# Cells of agreement with the gold: the bands and the kinds of factor that they pool.
_CELLS = (*((group, bands, (0, 1)) for group, bands in _BANDS),
          *((f"{kind}, {band}", (b,), (t,)) for b, band in enumerate(BANDS) for t, kind in enumerate(KINDS)))


def headlines(crossed: bool) -> tuple[Headline, ...]:
    """What is evaluated, in order: (statistic, group)."""
    kappa = "conger" if crossed else "fleiss"
    return (*(("exact", group) for group, _, _ in _CELLS), *CONTRASTS,
            *((name, group) for name in (*_COEFFICIENTS, kappa) for group, _ in _BANDS), ("missed_high", "all"), ("unable_to_rate", "all"))


def evaluate(ratings: Ratings, level: float = 0.95) -> Floats:
    """All headlines of all replications.

    Returns
    -------
    (n, H, 5) array
        In the order of :func:`headlines`; last axis as :data:`FIELDS`: the value, the limits of the interval that a
        report gives by default (other officers, the same cases; of missed High the one-sided bound), the p-value of a
        contrast over officers (t with R - 1 degrees of freedom), and over officers and cases together. ``nan`` where
        there is none.
    """
    hits, given = ratings.hits
    found: dict[Headline, Floats] = {}
    for group, bands, kinds in _CELLS:
        y, m = (_pooled(x, ratings.band, bands, kinds) for x in (hits, given))
        found["exact", group] = _fields(*_share(y, m, level))
    for key, sides in CONTRASTS.items():
        found[key] = contrast(hits, given, ratings.band, sides, level)
    for name, bands in _BANDS:
        for coefficient, fields in _agreement(ratings, np.isin(ratings.band, bands), level).items():
            found[coefficient, name] = fields
    missed = (ratings.codes >= 0) & (ratings.gold == 2)[:, None]
    found["missed_high", "all"] = _fields(*_bound(*(mask.sum((2, 3), dtype=np.float64) for mask in (missed & (ratings.codes < 2), missed)), level))
    unable = (ratings.codes == UNABLE).sum((2, 3), dtype=np.float64)
    found["unable_to_rate", "all"] = _fields(*_share(unable, (ratings.codes != NOT_GIVEN).sum((2, 3), dtype=np.float64), level))
    return np.stack([found[key] for key in headlines(ratings.crossed)], 1)


def _pooled(x: Floats, band: np.ndarray, bands: tuple[int, ...], kinds: tuple[int, ...]) -> Floats:
    """(n, R) sums over the cases of some bands and kinds."""
    return x[:, :, np.isin(band, bands)][..., list(kinds)].sum((-1, -2))


def _fields(value: Floats, low: Floats, high: Floats, p: Floats | float = np.nan, p_cases: Floats | float = np.nan) -> Floats:
    return np.stack([value, low, high, *(np.broadcast_to(x, value.shape) for x in (p, p_cases))], -1)


def _ratio(above: Floats, below: Floats | float) -> Floats:
    """above / below, ``nan`` where below is 0."""
    above, below = np.broadcast_arrays(np.asarray(above, dtype=np.float64), below)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)


# --- shares -----------------------------------------------------------------------------------------------


def _spread(y: Floats, m: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Officers with ratings, all ratings, their share and its variance linearised over officers, each (n,)."""
    raters, total = (m > 0).sum(-1), m.sum(-1)
    p = _ratio(y.sum(-1), total)
    residual = y - p[:, None] * m
    residual[np.abs(residual) < 1e-12 * np.maximum(np.abs(y), m)] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        return raters, total, p, raters / (raters - 1) * (residual**2).sum(-1) / total**2


def _share(y: Floats, m: Floats, level: float) -> tuple[Floats, Floats, Floats]:
    """Shares of y (n, R) in m with the limits of :func:`arms_irr.statistics.proportions.clustered`."""
    raters, total, p, variance = _spread(y, m)
    alone = m.max(-1) <= 1  # one rating each: Wilson's interval on so many
    z = ndtri((1 + level) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = stdtrit(raters - 1.0, (1 + level) / 2)
        deff = np.where((p > 0) & (p < 1), variance / (p * (1 - p) / total), 1.0)
        n = np.where(alone, total, total / np.maximum(deff, 1.0) * (z / t) ** 2)
        centre, reach = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        low, high = (np.where(p == end, end, (centre + side * reach) / (1 + z**2 / n)) for end, side in ((0, -1), (1, 1)))
        usual = ~alone & (np.minimum(y.sum(-1), total - y.sum(-1)) >= 5) & (variance > 0)
        half = t * np.sqrt(variance) / (p * (1 - p))
        low, high = (np.where(usual, expit(logit(p) + side * half), end) for end, side in ((low, -1), (high, 1)))
    single = raters < 2
    return p, np.where(single, np.nan, low), np.where(single, np.nan, high)


def _bound(y: Floats, m: Floats, level: float) -> tuple[Floats, Floats, Floats]:
    """Shares with the one-sided upper bound of :func:`arms_irr.analysis.missed.upper_bound`; the lower limit is 0."""
    raters, total, p, variance = _spread(y, m)
    alone = m.max(-1) <= 1
    with np.errstate(invalid="ignore", divide="ignore"):
        t = stdtrit(raters - 1.0, level)
        deff = np.where((p > 0) & (p < 1), variance / (p * (1 - p) / total), 1.0)
        least = 1 + ((m * m).sum(-1) / total - 1) * _MISS_ICC
        n = np.where(alone, total, total / np.maximum(least, deff) * (ndtri(level) / t) ** 2)
        k = p * n
        exact = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1e-300), level), 1.0)
        usual = ~alone & (np.minimum(y.sum(-1), total - y.sum(-1)) >= 5) & (variance > 0)
        high = np.where(usual, expit(logit(p) + t * np.sqrt(variance) / (p * (1 - p))), exact)
    none = (raters == 0) | ((raters == 1) & ~alone)
    return p, np.where(none, np.nan, 0.0), np.where(none, np.nan, high)


def contrast(hits: Floats, given: Floats, band: np.ndarray, sides: Sides, level: float = 0.95) -> Floats:
    """A contrast of shares within the officers who rated every side; (n, 5) as :data:`FIELDS`.

    Parameters
    ----------
    hits, given : (n, R, C, 2) arrays
        By officer, case and kind of factor.

    Notes
    -----
    Over officers: linearised variance V_R, t with R - 1 degrees of freedom. Over officers and cases:
    max(V_R + V_C - V_RC, V_R, V_C), clustered both ways (Cameron, Gelbach & Miller 2011, J Bus Econ Stat 29:238-249),
    t with the smaller of R - 1 and C less the number of bands; not with fewer than 5 cases.
    """
    member, c = sides.members(band), np.array(sides.coefficients, dtype=np.float64)
    both = (np.einsum("nrct,lct->nrl", given, member) > 0).all(-1)
    y, m = (x * both[:, :, None, None] for x in (hits, given))
    total = np.einsum("nrct,lct->nl", m, member)
    p = _ratio(np.einsum("nrct,lct->nl", y, member), total)
    raters = both.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (p * c).sum(-1)
        slope, centre = (np.einsum("nl,lct->nct", x, member) for x in (c / total, p))
        terms = slope[:, None] * (y - centre[:, None] * m)
        factor = raters / (raters - 1)
        over_raters = factor * (terms.sum((2, 3)) ** 2).sum(-1)
        se, limit = np.sqrt(over_raters), np.abs(c).sum() / 2
        se = np.where(se > _ZERO, se, np.nan)
        half = stdtrit(raters - 1.0, (1 + level) / 2) * se
        p_raters = 2 * stdtr(raters - 1.0, -np.abs(value / se))
        p_cases = _over_both(terms, over_raters, factor, value, band, sides)
    return _fields(value, np.maximum(value - half, -limit), np.minimum(value + half, limit), p_raters, p_cases)


def _over_both(terms: Floats, over_raters: Floats, factor: Floats, value: Floats, band: np.ndarray, sides: Sides) -> Floats | float:
    """p-value of a contrast for other officers and other cases."""
    used = {b for bands, _ in sides.cells for b in bands}
    n = {b: int((band == b).sum()) for b in used}
    cases = sum(n.values())
    if cases < FEWEST_CASES or min(n.values()) < 2:
        return np.nan
    correction = np.array([n[b] / (n[b] - 1) if b in n else 0.0 for b in band])
    each = terms.sum(-1)
    over_cases = (correction * each.sum(1) ** 2).sum(-1)
    shared = factor * (correction * (each**2).sum(1)).sum(-1)
    se = np.sqrt(np.maximum(over_raters + over_cases - shared, np.maximum(over_raters, over_cases)))
    df = np.minimum((terms != 0).any((2, 3)).sum(-1) - 1.0, cases - len(n))
    return 2 * stdtr(df, -np.abs(_ratio(value, np.where(se > _ZERO, se, 0.0))))


def groups_of_officers(y: Floats, m: Floats, second: np.ndarray) -> Floats:
    """(n,) two-sided p-values of Welch's t for the shares of two groups of officers; ``y`` and ``m`` (n, R)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        raters, _, p, variance = (np.stack(x) for x in zip(*(_spread(y[:, who], m[:, who]) for who in (~second, second)), strict=True))
        df = variance.sum(0) ** 2 / (variance**2 / (raters - 1)).sum(0)
        return 2 * stdtr(df, -np.abs(_ratio(p[0] - p[1], np.sqrt(variance.sum(0)))))


# --- agreement between officers -----------------------------------------------------------------------------


def _columns(counts: Floats) -> Floats:
    """(..., U, 6) per unit: agreement of its pairs, whether it has pairs, shares of the categories, whether it was rated."""
    r = counts.sum(-1)
    pairs = r * (r - 1)
    agreeing = np.einsum("...k,kl,...l->...", counts, _W, counts) - r
    columns = [np.divide(agreeing, pairs, out=np.zeros_like(r), where=pairs > 0)[..., None], (r >= 2)[..., None],
               np.divide(counts, r[..., None], out=np.zeros_like(counts), where=r[..., None] > 0), (r >= 1)[..., None]]
    return np.concatenate([np.asarray(x, dtype=np.float64) for x in columns], -1)


def _agreement(ratings: Ratings, cases: np.ndarray, level: float) -> dict[str, Floats]:
    """Coefficients with quadratic weights over some cases, all factors, with delete-one-rater intervals."""
    codes = ratings.codes[:, :, cases]
    n, raters = codes.shape[:2]
    codes = codes.reshape(n, raters, -1)
    onehot = (codes[..., None] == np.arange(3)).astype(np.float64)
    counts = onehot.sum(1)
    whole = _columns(counts)
    # A unit moves only when the officer left out rated it, and then only by the category that officer chose.
    moved = np.stack([_columns(np.maximum(counts - np.eye(3)[k], 0.0)) for k in range(3)], -2) - whole[:, :, None]
    sums = whole.sum(1)
    left = sums[:, None] + np.einsum("nruk,nukm->nrm", onehot, moved)
    every = np.concatenate([sums[:, None], left], 1)  # (n, 1 + R, 6): whole, then without each officer
    observed, pi = _ratio(every[..., 0], every[..., 1]), _ratio(every[..., 2:5], every[..., 5:])
    present = onehot.any((2, 3))
    expected = {"gwet": _W.sum() / 6 * (pi * (1 - pi)).sum(-1), "brennan_prediger": np.broadcast_to(_W.mean(), observed.shape),
                **({"conger": _conger(onehot, present)} if ratings.crossed else {"fleiss": _alike(pi, pi)})}
    return {name: _interval(_chance_corrected(observed, e), present, level) for name, e in expected.items()}


def _alike(p: Floats, q: Floats) -> Floats:
    """Chance agreement p'Wq of two margins."""
    return np.einsum("...k,kl,...l->...", p, _W, q)


def _chance_corrected(observed: Floats, expected: Floats) -> Floats:
    room = 1 - expected
    return _ratio(observed - expected, np.where(np.abs(room) > _TINY, room, 0.0))


def _conger(onehot: Floats, present: np.ndarray) -> Floats:
    """(n, 1 + R) chance agreement of two different officers with their own margins, of all and without each."""
    own = np.nan_to_num(_ratio(onehot.sum(2), onehot.sum((2, 3))[..., None]))
    total, self_, count = own.sum(1, keepdims=True), _alike(own, own), present.sum(1, keepdims=True)
    totals = np.concatenate([total, total - own], 1)
    selves = np.concatenate([self_.sum(1, keepdims=True), self_.sum(1, keepdims=True) - self_], 1)
    counts = np.concatenate([count, count - present], 1)
    return _ratio(_alike(totals, totals) - selves, counts * (counts - 1.0))


def _interval(values: Floats, present: np.ndarray, level: float) -> Floats:
    """Delete-one-rater jackknife-t, on the Fisher-z scale unless a value lies at an end; (n, 5)."""
    value, left = values[:, 0], np.where(present, values[:, 1:], np.nan)
    raters = present.sum(-1)
    lost = (present & np.isnan(left)).any(-1) | (raters < 3) | np.isnan(value)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = stdtrit(raters - 1.0, (1 + level) / 2)
        inside = np.maximum(np.abs(value), np.nanmax(np.abs(np.nan_to_num(left)), -1)) < 1 - _TINY
        z = np.arctanh(np.where(inside[:, None], left, 0.0))
        se, se_z = (np.sqrt(_delete_one(x, present, raters)) for x in (left, z))
        limits = [np.where(inside, np.tanh(np.arctanh(np.where(inside, value, 0.0)) + side * t * se_z), value + side * t * se) for side in (-1, 1)]
    lost |= ~(se > _ZERO)
    low, high = (np.where(lost, np.nan, np.minimum(x, 1.0)) for x in limits)
    return _fields(value, low, high)


def _delete_one(values: Floats, present: np.ndarray, raters: np.ndarray) -> Floats:
    values = np.where(present, values, 0.0)
    mean = _ratio(values.sum(-1), raters)
    return (raters - 1) / np.maximum(raters, 1) * (np.where(present, values - mean[:, None], 0.0) ** 2).sum(-1)


# --- what other officers would give --------------------------------------------------------------------------


def values(chances: Floats, asked: np.ndarray, gold: np.ndarray, band: np.ndarray, kind: np.ndarray, crossed: bool) -> Floats:
    """(n, H) what infinitely many such officers would show on these cases, in the order of :func:`headlines`.

    Parameters
    ----------
    chances : (n, C, F, 3) array
        Probability of each priority (and not "unable to rate").
    asked : (C,) array
        How many officers rate each case: its share in what is pooled over cases.
    """
    mass = chances.sum(-1)
    hit = np.take_along_axis(chances, gold[..., None], -1)[..., 0]
    weight = asked[:, None]
    y, m = (np.stack([(x * weight)[..., kind == t].sum(-1) for t in (0, 1)], -1)[:, None] for x in (hit, mass))
    found: dict[Headline, Floats] = {}
    for group, bands, kinds in _CELLS:
        found["exact", group] = _ratio(_pooled(y, band, bands, kinds)[:, 0], _pooled(m, band, bands, kinds)[:, 0])
    for key, sides in CONTRASTS.items():
        member = sides.members(band)
        p = _ratio(np.einsum("nrct,lct->nl", y, member), np.einsum("nrct,lct->nl", m, member))
        found[key] = (p * np.array(sides.coefficients)).sum(-1)
    for name, bands in _BANDS:
        cases = np.isin(band, bands)
        shares = _ratio(chances, mass[..., None])[:, cases].reshape(len(chances), -1, 3)
        own = chances[:, cases].sum((1, 2))
        observed, pi, margin = _alike(shares, shares).mean(-1), shares.mean(1), _ratio(own, own.sum(-1, keepdims=True))
        expected = {"gwet": _W.sum() / 6 * (pi * (1 - pi)).sum(-1), "brennan_prediger": np.broadcast_to(_W.mean(), observed.shape),
                    **({"conger": _alike(margin, margin)} if crossed else {"fleiss": _alike(pi, pi)})}
        for coefficient, e in expected.items():
            found[coefficient, name] = _chance_corrected(observed, e)
    high = (gold == 2) * weight
    found["missed_high", "all"] = _ratio((high * (mass - chances[..., 2])).sum((1, 2)), (high * mass).sum((1, 2)))
    found["unable_to_rate", "all"] = ((1 - mass) * weight).sum((1, 2)) / (weight.sum() * gold.shape[-1])
    return np.stack([found[key] for key in headlines(crossed)], 1)
