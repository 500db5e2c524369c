"""The table of agreement coefficients: observed agreement, chance agreement, reference; one row each.

Every coefficient is ``(observed - expected) / (1 - expected)``. Written on disagreement this is
``1 - D_observed / D_expected``, so a weight set is no more than a distance matrix. A row says how chance
agreement follows from the margins and how it moves when the margins move (its gradient); the linearised
standard error is derived from that, not written by hand.

Notation (Gwet 2014): r_ik raters put unit i into category k, r_i = sum_k r_ik; W is the (q, q) matrix of
agreement weights; n units were rated at least once, n' of them at least twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.pairs import pair_kappas
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.weights import Floats, ordinal_distance

__all__ = ["COEFFICIENTS", "Coefficient", "View", "coefficient"]


@dataclass(frozen=True)
class View:
    """A tally, or a batch of versions of it, as a coefficient sees it; ``...`` are the batch axes.

    Attributes
    ----------
    tally : Tally
        Where it comes from.
    counts : (..., U, q) array
        With ``without``, (q + 1, U, q): every unit without a rating in each category, and as it is.
    weight : (..., U) array
        How often each unit counts.
    present : (..., R) array or None
        1 for the raters that take part; in a bootstrap over raters, how often each was drawn.
    selves : (..., U) array or None
        How many of the pairs of ratings on a unit set a rating beside itself: the sum of squares of what the
        ratings count. None where every rating counts once, so that it is the number of ratings.
    without : (B,) integer array or None
        A batch that leaves out one rater each. What a rater's leaving does to a unit depends only on the category that
        the rater chose, so that q + 1 versions of the units serve all raters.
    """

    tally: Tally
    counts: Floats
    weight: Floats
    present: Floats | None = None
    selves: Floats | None = None
    without: Codes | None = None

    @classmethod
    def whole(cls, tally: Tally) -> View:
        """All units, all raters."""
        present = None if tally.codes is None else np.ones(tally.codes.shape[1])
        return cls(tally, tally.counts, tally.weight, present)

    def mean(self, values: Floats, over: Floats) -> Floats:
        """Mean of ``values`` (..., U) over the units where ``over`` holds; ``nan`` when there are none."""
        return _ratio_or_nan(self.total(over * values), self.total(over))

    def total(self, values: Floats) -> Floats:
        """(...) sum of ``values`` (..., U) over the units, each as often as it counts."""
        if self.without is not None:
            return self._chosen(values[..., None])[..., 0]
        return np.asarray(self.weight @ values if values.ndim == 1 else (self.weight * values).sum(axis=-1))

    def summed(self, values: Floats) -> Floats:
        """(..., m) the same of ``values`` (..., U, m)."""
        return _summed(self.weight, values) if self.without is None else self._chosen(values)

    def _chosen(self, versions: Floats) -> Floats:
        """(B, m) sums over units of values (q + 1, U, m), for each rater left out of the version that belongs to its ratings."""
        weighted = self.weight[:, None] * versions
        return np.asarray(sum(shown @ values for shown, values in zip(self._shown, weighted, strict=True)))

    @cached_property
    def _shown(self) -> list[Floats]:
        """q + 1 arrays (B, U): 1 where the rater left out chose that category; the last where it gave none."""
        assert self.tally.codes is not None
        own = np.ascontiguousarray(self.tally.codes[:, self.without].T)
        return [(own == k).astype(np.float64) for k in range(len(self.counts) - 1)] + [(own < 0).astype(np.float64)]

    def margins(self) -> Floats:
        """(..., q) mean over units of the share of raters per category: pi_k."""
        whole = self.counts is self.tally.counts  # then it is known already
        shares, rated = (self.tally.shares, self.tally.raters_per_unit > 0) if whole else _shares(self.counts)
        return _ratio_or_nan(self.summed(shares), self.total(rated.astype(np.float64))[..., None])

    def ratings(self) -> Floats:
        """(..., U) ratings on a unit."""
        return self.tally.raters_per_unit if self.counts is self.tally.counts else np.asarray(self.counts.sum(axis=-1))

    def pairs(self) -> Floats:
        """(..., U) ordered pairs of different ratings on a unit."""
        r = self.ratings()
        return np.asarray(r**2 - (r if self.selves is None else self.selves))

    def rater_margins(self) -> tuple[Floats, Floats]:
        """(..., R, q) shares of each rater's ratings, and (..., R) whether the rater has any."""
        if self.weight is self.tally.weight:
            return self.tally.rater_margins, np.ones(len(self.tally.rater_margins))
        onehot = self.tally.onehot
        counts = self.weight @ onehot.reshape(len(onehot), -1)
        shares, rated = _shares(counts.reshape(*self.weight.shape[:-1], *onehot.shape[1:]))
        return shares, rated.astype(np.float64)

    def over_raters(self, values: Floats, power: int = 1) -> Floats:
        """(..., m) sum of ``values`` (..., R, m) over the raters that take part, each as often as it does to that power."""
        if self.without is not None:
            return np.asarray(values.sum(axis=0) - values[self.without])
        assert self.present is not None
        times = self.present**power
        return np.asarray(times @ values if values.ndim == 2 else (times[..., None, :] @ values)[..., 0, :])

    def taking_part(self) -> Floats:
        """(..., R) how often each rater takes part."""
        if self.without is not None:
            return np.asarray(1.0 - (np.arange(len(self.tally.rater_margins)) == self.without[:, None]))
        assert self.present is not None
        return self.present

    def coincidences(self) -> Floats:
        """(..., q, q) Krippendorff's coincidences: the pairs of values on a unit, divided by its other ratings."""
        counts, pairs = self.counts, self.pairs()
        scale = np.divide(self.ratings(), pairs, out=np.zeros(pairs.shape), where=pairs > 0)
        if self.without is None:
            return np.asarray(np.swapaxes(counts, -1, -2) @ (counts * (self.weight * scale)[..., None]))
        each = counts[..., :, None] * counts[..., None, :] * scale[..., None, None]
        return self.summed(each.reshape(*counts.shape[:-1], -1)).reshape(-1, *each.shape[-2:])


def _summed(weight: Floats, values: Floats) -> Floats:
    """Weighted sum over units of values (..., U, q)."""
    return np.asarray(weight @ values if values.ndim == 2 else np.einsum("...u,...uq->...q", weight, values))


def _ratio_or_nan(above: Floats, below: Floats) -> Floats:
    shape = np.broadcast_shapes(np.shape(above), np.shape(below))
    return np.asarray(np.divide(above, below, out=np.full(shape, np.nan), where=np.asarray(below) > 0))


_TINY = 1e-12  # 1 - expected agreement below this is 0/0
Pair = tuple[Floats, Floats]  # observed and expected agreement, each of the batch's shape


@dataclass(frozen=True)
class Coefficient:
    """One row of the table.

    Attributes
    ----------
    name, title, reference : str
        Name in code, name for people, primary source.
    evaluate : callable
        ``(view, W) -> (observed, expected)``.
    influence : callable or None
        ``(tally, W) -> terms``: the linearised contribution of each unit, with mean 0 over the units used;
        None where the standard error comes from the unit jackknife.
    needs_variation : bool
        Chance agreement comes from the margins, so the coefficient says nothing about few or uniform units
        (the family that a Study suppresses).
    chance : bool
        Sets observed against expected agreement; without it there is no expected agreement to show.
    named : bool
        Needs to know which rater gave which rating.
    two : bool
        Defined for exactly two raters, on the units that both rated.
    ddof : int
        Variance of the linearised terms over n - ddof.
    """

    name: str
    title: str
    evaluate: Callable[[View, Floats], Pair]
    influence: Callable[[Tally, Floats], Floats] | None
    reference: str
    needs_variation: bool = True
    chance: bool = True
    named: bool = False
    two: bool = False
    ddof: int = 1

    def prepare(self, tally: Tally) -> Tally:
        """The units that the coefficient uses."""
        return tally.complete() if self.two else tally

    def value(self, view: View, w: Floats) -> Floats:
        """(observed - expected) / (1 - expected), of the batch's shape; ``nan`` where it is 0/0."""
        observed, expected = (np.asarray(x) for x in self.evaluate(view, w))
        room = 1 - expected
        out = np.full(np.shape(room), np.nan)
        return np.asarray(np.divide(observed - expected, room, out=out, where=np.abs(room) > _TINY))


def _shares(counts: Floats) -> tuple[Floats, Floats]:
    total = counts.sum(axis=-1)
    return np.divide(counts, total[..., None], out=np.zeros_like(counts), where=total[..., None] > 0), total > 0


# --- observed agreement -----------------------------------------------------------------------------------


def _unit_agreement(view: View, w: Floats) -> tuple[Floats, Floats]:
    """p_a|i = sum_k r_ik (r*_ik - 1) / [r_i (r_i - 1)], and which units have two ratings (Gwet 2014, ch. 2)."""
    selves = view.ratings() if view.selves is None else view.selves
    agreeing, pairs = (view.counts * (view.counts @ w)).sum(axis=-1) - selves, view.pairs()
    values = np.divide(agreeing, pairs, out=np.zeros_like(agreeing), where=pairs > 0)
    return values, np.asarray(pairs > 0, dtype=np.float64)


def _observed(view: View, w: Floats) -> Floats:
    return view.mean(*_unit_agreement(view, w))


def _linearised(tally: Tally, w: Floats, pair: Pair, d_expected: Floats) -> Floats:
    """Terms [d_observed - (1 - kappa) d_expected] / (1 - p_e) of a unit (Gwet 2008, eq. for kappa*_i).

    d_observed = (n/n') (p_a|i - p_e) - (p_a - p_e), with 0 for the bracket of units rated once: n/n' counts
    as fixed.
    """
    observed, expected = (np.asarray(x)[..., None] for x in pair)
    values, paired = _unit_agreement(View.whole(tally), w)
    over = tally.weight.sum(axis=-1) / (tally.weight * paired).sum(axis=-1)
    above = paired * (values - expected) * over[..., None]
    disagreement = (1 - observed) / (1 - expected)  # 1 - kappa
    return np.asarray((above - (observed - expected) - disagreement * d_expected) / (1 - expected))


def _along(change: Floats, gradient: Floats) -> Floats:
    """The change (..., U, q) of the margins with each unit, along the gradient (..., q)."""
    return np.asarray((change @ gradient[..., None])[..., 0])


# --- chance agreement from the pooled margins pi ----------------------------------------------------------


def _from_margins(expected: Callable[[Floats, Floats], Floats], gradient: Callable[[Floats, Floats], Floats]) -> tuple[
    Callable[[View, Floats], Pair], Callable[[Tally, Floats], Floats]
]:
    """Evaluation and influence of a coefficient whose chance agreement is a function of pi."""

    def evaluate(view: View, w: Floats) -> Pair:
        return _observed(view, w), expected(view.margins(), w)

    def influence(tally: Tally, w: Floats) -> Floats:
        view = View.whole(tally)
        pi = view.margins()
        return _linearised(tally, w, evaluate(view, w), _along(tally.shares - pi[..., None, :], gradient(pi, w)))

    return evaluate, influence


def _gwet_scale(w: Floats) -> float:
    q = len(w)
    return float(w.sum() / (q * (q - 1))) if q > 1 else np.nan


_PERCENT = _from_margins(lambda pi, w: np.zeros(pi.shape[:-1]), lambda pi, w: np.zeros_like(pi))
_UNIFORM = _from_margins(lambda pi, w: np.full(pi.shape[:-1], w.mean()), lambda pi, w: np.zeros_like(pi))
_GWET = _from_margins(lambda pi, w: _gwet_scale(w) * (pi * (1 - pi)).sum(-1), lambda pi, w: _gwet_scale(w) * (1 - 2 * pi))
_FLEISS = _from_margins(lambda pi, w: ((pi @ w) * pi).sum(-1), lambda pi, w: 2 * (pi @ w))


# --- chance agreement from each rater's own margins -------------------------------------------------------


def _conger(view: View, w: Floats) -> Pair:
    """Mean over ordered pairs of raters g != h of p_g' W p_h, where p_g are rater g's own margins (Conger 1980)."""
    p, rated = view.rater_margins()
    total, own = view.over_raters(p), view.over_raters(((p @ w) * p).sum(axis=-1, keepdims=True), 2)
    n, itself = (view.over_raters(rated[..., None], power) for power in (1, 2))
    between = ((total @ w) * total).sum(axis=-1) - own[..., 0]
    return _observed(view, w), _ratio_or_nan(between, (n**2 - itself)[..., 0])


def _conger_influence(tally: Tally, w: Floats) -> Floats:
    assert tally.codes is not None
    p, r = tally.rater_margins, tally.codes.shape[1]
    given = tally.codes >= 0
    share = tally.weight @ given / tally.weight.sum()
    slope = 2.0 / (r * (r - 1)) * ((p.sum(axis=0) - p) @ w) / share[:, None]
    # A unit moves rater g's margins by (indicator of its category - p_g) / share, if g rated it.
    terms = slope[np.arange(r), np.where(given, tally.codes, 0)] - (slope * p).sum(axis=1)
    return _linearised(tally, w, _conger(View.whole(tally), w), np.where(given, terms, 0.0).sum(axis=1))


def _light(view: View, w: Floats) -> Pair:
    """Mean of the pairwise Cohen kappas, as observed 1 - mean of D_o/D_e and expected 0 (Light 1971)."""
    tally, present = view.tally, view.taking_part()
    found = [pair_kappas(tally, w, weight) for weight in view.weight.reshape(-1, len(tally.weight))]
    shape = (*view.weight.shape[:-1], *found[0].n.shape)
    kappas, common = (np.stack(x).reshape(shape) for x in zip(*((f.value, f.n) for f in found), strict=True))
    met = present[..., :, None] * present[..., None, :] * (common > 0)
    met = met * (1 - np.eye(met.shape[-1]))  # a pair without common units is left out of the mean
    # A pair whose kappa is 0/0 makes the mean undefined.
    value, count = np.where(met > 0, met * kappas, 0.0).sum(axis=(-2, -1)), met.sum(axis=(-2, -1))
    mean = _ratio_or_nan(value, count)
    return mean, np.zeros_like(mean)


# --- Krippendorff's coincidences --------------------------------------------------------------------------


def _pairable(view: View) -> Floats:
    """(..., q) n_k: the values of each category on units with two or more."""
    return view.summed(view.counts * (view.pairs() > 0)[..., None])


def _alpha(view: View, distance: Floats) -> Pair:
    """1 - D_o and 1 - D_e with D_e over the pairable values without replacement (Krippendorff 2019, ch. 12)."""
    n = _pairable(view)
    within, between = (view.coincidences() * distance).sum(axis=(-2, -1)), ((n[..., None, :] @ distance)[..., 0, :] * n).sum(axis=-1)
    itself = view.total((view.pairs() > 0) * (view.ratings() if view.selves is None else view.selves))
    total = n.sum(axis=-1)
    return 1 - _ratio_or_nan(within, total), 1 - _ratio_or_nan(between, total**2 - itself)


def _krippendorff(view: View, w: Floats) -> Pair:
    return _alpha(view, 1 - w)


def _krippendorff_influence(tally: Tally, w: Floats) -> Floats:
    """Terms of the units with two ratings or more, else 0; agreement and margins are ratios to the mean ratings per unit.

    They belong to alpha' = (p_a' - p_e) / (1 - p_e), alpha without its correction for the finite number of
    values (Gwet 2014, ch. 3), with the factor 2 that the derivative of p_e has.
    """
    counts, r = tally.counts, tally.raters_per_unit
    pairable = r >= 2
    used = tally.weight * pairable
    weight = used / used.sum(axis=-1)[..., None]
    mean_r = (weight * r).sum(axis=-1)[..., None]
    pairs = (counts * (counts @ w - 1)).sum(axis=-1)
    agree = np.divide(pairs, mean_r * (r - 1), out=np.zeros_like(pairs), where=pairable)
    observed, pi = (weight * agree).sum(axis=-1)[..., None], _summed(weight, counts) / mean_r
    expected = ((pi @ w) * pi).sum(axis=-1)[..., None]
    d_expected = _along(counts - pi[..., None, :] * r[..., None], 2 * pi @ w) / mean_r
    finite = 1 / (used * r).sum(axis=-1)[..., None]
    slope = (1 - finite) * observed + finite  # Gwet takes the corrected agreement in the slope of the ratio
    above = agree - observed - slope * (r - mean_r) / mean_r
    return np.where(pairable, (above - (1 - observed) / (1 - expected) * d_expected) / (1 - expected), 0.0)


def _krippendorff_ordinal(view: View, w: Floats) -> Pair:
    distance = ordinal_distance(_pairable(view))
    largest = distance.max(axis=(-2, -1), keepdims=True)
    return _alpha(view, np.divide(distance, largest, out=np.zeros_like(distance), where=largest > 0))


# --- the table --------------------------------------------------------------------------------------------

_ROWS = (
    Coefficient("percent", "Percent agreement", *_PERCENT, "Gwet 2014, section 2.2", needs_variation=False, chance=False),
    Coefficient("cohen", "Cohen's kappa", _conger, _conger_influence,
                "Cohen 1960, 1968; variance Fleiss, Cohen & Everitt 1969", named=True, two=True, ddof=0),
    Coefficient("scott", "Scott's pi", *_FLEISS, "Scott 1955", named=True, two=True, ddof=0),
    Coefficient("fleiss", "Fleiss' kappa", *_FLEISS, "Fleiss 1971"),
    Coefficient("conger", "Conger's kappa", _conger, _conger_influence, "Conger 1980", named=True),
    Coefficient("light", "Light's kappa", _light, None, "Light 1971", named=True, chance=False),
    Coefficient("krippendorff", "Krippendorff's alpha", _krippendorff, _krippendorff_influence, "Krippendorff 1970, 2019"),
    Coefficient("gwet", "Gwet's AC1/AC2", *_GWET, "Gwet 2008, 2014", needs_variation=False),
    Coefficient("brennan_prediger", "Brennan-Prediger", *_UNIFORM, "Brennan & Prediger 1981", needs_variation=False),
)
COEFFICIENTS: dict[str, Coefficient] = {row.name: row for row in _ROWS}

KRIPPENDORFF_ORDINAL = Coefficient("krippendorff", "Krippendorff's alpha, ordinal metric", _krippendorff_ordinal, None,
                                   "Krippendorff 1970, 2019")


# Other names of the same formula: the authors who found it anew.
ALIASES = {"bennett": "brennan_prediger", "randolph": "brennan_prediger", "exact_fleiss": "conger"}


def coefficient(name: str) -> Coefficient:
    """The row of that name or alias; ``ArgumentError`` names the nearest when there is none."""
    name = ALIASES.get(name, name)
    if name not in COEFFICIENTS:
        raise ArgumentError(f"unknown coefficient {name!r}. {nearest(name, COEFFICIENTS)}Choose from {', '.join(COEFFICIENTS)}.")
    return COEFFICIENTS[name]
