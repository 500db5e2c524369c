"""Which items and categories enter a severity model, and how locations and thresholds make up its table c.

c_ik = x_k b_i + t_gk for the threshold group g of item i, with t = 0 at both ends: locations and inner t are free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from arms_irr.errors import ArgumentError
from arms_irr.statistics.rasch import Answers, Floats, Ints, Marginal, probabilities

__all__ = ["Design", "Items", "design_of"]

_OFTEN = 2  # times that every category must occur before a group has thresholds of its own
_FROM_END = 0.3  # score of an extreme item, from the end
_SPAN = 30.0  # logits that its location is sought in


@dataclass(frozen=True, eq=False)
class Items:
    """Locations and thresholds as they are reported; see :class:`arms_irr.statistics.rasch_fit.SeverityFit`."""

    location: Floats
    location_se: Floats
    thresholds: Floats
    threshold_se: Floats
    covariance: Floats
    table: Floats


@dataclass(frozen=True, eq=False)
class Design:
    """The items that enter, as :class:`Answers`, and the matrix that takes free parameters to their table.

    Attributes
    ----------
    matrix : (items kept x K, p) array
        c_ik, item by item, of p locations and inner t.
    start : (p,) array
    kept, extreme : (I,) bool arrays
    group : (I,) int array
    categories : (K + 1,) int array
    left_out : bool
        Whether a category of 0..largest was never used.
    """

    answers: Answers
    everyone: Answers
    matrix: Floats
    start: Floats
    kept: NDArray[np.bool_]
    extreme: NDArray[np.bool_]
    group: Ints
    categories: Ints
    left_out: bool

    def items(self, theta: Floats, covariance: Floats, at: Marginal, severity: Floats, gold: float, anchored: int) -> Items:
        """Locations from the anchor, thresholds, their joint covariance, and the table of all items."""
        kept, inner = int(self.kept.sum()), self.matrix.shape[1]
        scores, n_groups = self.answers.scores, int(self.group.max()) + 1
        steps = len(scores) - 1
        cut = self._cuts(kept, inner, n_groups)
        back = np.zeros((kept + len(cut), len(theta)))
        back[:kept, :kept] = np.eye(kept)
        back[:kept, inner:inner + anchored] = 1.0
        back[kept:, :inner] = cut
        found, spread = back @ theta, back @ covariance @ back.T
        with np.errstate(invalid="ignore"):
            se = np.sqrt(np.diag(spread))
        location, location_se = np.full((2, len(self.kept)), np.nan)
        location[self.kept], location_se[self.kept] = found[:kept], se[:kept]
        t = np.zeros((n_groups, steps + 1))
        t[:, 1:-1] = theta[kept:inner].reshape(n_groups, steps - 1)
        rated = self.extreme & (self.everyone.mask.any(axis=0))
        for i in np.flatnonzero(rated).tolist():
            location[i], location_se[i] = self._extreme(i, t[self.group[i]], at, severity, gold, anchored)
        table = scores * location[:, None] + t[self.group]
        return Items(location, location_se, found[kept:].reshape(n_groups, steps), se[kept:].reshape(n_groups, steps),
                     spread, table)

    def _cuts(self, kept: int, inner: int, n_groups: int) -> Floats:
        """Thresholds (t_(k-1) - t_k) / (x_k - x_(k-1)) of the free parameters, group by group."""
        steps = len(self.answers.scores) - 1
        one = np.zeros((steps, steps - 1))
        k = np.arange(steps - 1)
        one[k, k], one[k + 1, k] = -1.0, 1.0
        one /= np.diff(self.answers.scores)[:, None]
        cut = np.zeros((n_groups * steps, inner))
        for g in range(n_groups):
            cut[g * steps:(g + 1) * steps, kept + g * (steps - 1):kept + (g + 1) * (steps - 1)] = one
        return cut

    def _extreme(self, item: int, t: Floats, at: Marginal, severity: Floats, gold: float, anchored: int) -> tuple[float, float]:
        """Location of a score near the end, and its standard error with all else known."""
        scores, everyone = self.answers.scores, self.everyone
        weight = everyone.mask[:, item] @ at.weights
        places, weight = np.r_[severity, gold], np.r_[weight, everyone.gold[item].sum()]
        most = scores[-1] * weight.sum()
        given = float((everyone.counts[item] + everyone.gold[item]) @ scores)
        target = _FROM_END if given < most / 2 else most - _FROM_END

        def moments(b: float) -> tuple[float, float]:
            p = probabilities((scores * b + t)[None], scores, places)[0][0]
            mean = scores @ p
            return float(weight @ mean), float(weight @ (scores**2 @ p - mean**2))

        b = float(brentq(lambda b: moments(b)[0] - target, -_SPAN, _SPAN))
        return b + anchored * gold, moments(b)[1] ** -0.5


def design_of(codes: Ints, anchor: Ints, groups: Ints | None) -> Design:
    """Items and categories that enter: without unused categories, and without items at one end for everyone.

    Raises
    ------
    ArgumentError
        When nothing is left, or ``groups`` has another length.
    """
    both = np.vstack([codes, anchor])
    if groups is not None and len(groups) != codes.shape[1]:
        raise ArgumentError(f"{len(groups)} threshold groups for {codes.shape[1]} items: give one for each item.")
    alive = (codes >= 0).any(axis=0)
    extreme = np.zeros(codes.shape[1], dtype=bool)
    while True:
        used = np.unique(both[:, alive & ~extreme])
        used = used[used >= 0]
        if len(used) < 2:
            raise ArgumentError("no item is rated differently by two officers (or by officers and anchor) beyond a single "
                                "end category: severities cannot be estimated.")
        low = np.where(both < 0, used[-1], both).min(axis=0) >= used[-1]
        high = np.where(both < 0, used[0], both).max(axis=0) <= used[0]
        more = alive & ~extreme & (low | high)
        if not more.any():
            break
        extreme |= more
    kept = alive & ~extreme
    scores = (used - used[0]).astype(np.float64)
    position = np.full(max(int(both.max()), int(used[-1])) + 2, -1)
    position[used] = np.arange(len(used))
    inside = np.where(both < 0, -1, position[both])
    inside[:, extreme] = np.where(both[:, extreme] < 0, -1, np.where(both[:, extreme] > used[0], len(used) - 1, 0))
    everyone = Answers.of(inside[:-1], inside[-1], scores)
    answers = Answers.of(inside[:-1, kept], inside[-1, kept], scores)
    group = _groups(answers.counts + answers.gold, groups, kept)
    matrix = _matrix(scores, group[kept], int(group.max()) + 1)
    start = np.zeros(matrix.shape[1])
    rated = answers.counts.sum(axis=1)
    share = ((answers.counts @ scores) + 0.5) / (rated * scores[-1] + 1)
    start[: len(share)] = np.log(share / (1 - share)) / scores[-1] * 2 ** (len(scores) > 2)
    return Design(answers, everyone, matrix, start, kept, extreme, group, used, len(used) <= int(both.max()))


def _groups(counts: Floats, groups: Ints | None, kept: NDArray[np.bool_]) -> Ints:
    """Threshold group of each item, from 0.

    Thresholds are finite only where some item has ratings at both ends: otherwise the items part and the likelihood grows
    without limit. Groups without such an item or with a rare category share one; all items do if that is no better.
    """
    if groups is None:
        return np.zeros(len(kept), dtype=np.int64)
    label = np.unique(groups, return_inverse=True)[1]
    total = np.zeros((int(label.max()) + 1, counts.shape[1]))
    spanning = np.zeros(len(total))
    np.add.at(total, label[kept], counts)
    np.add.at(spanning, label[kept], (counts[:, 0] > 0) & (counts[:, -1] > 0))
    own = (total >= _OFTEN).all(axis=1) & (spanning > 0)
    rest = total[~own].sum(axis=0)
    if rest.any() and ((rest < _OFTEN).any() or not spanning[~own].any()):
        return np.zeros(len(kept), dtype=np.int64)
    new = np.where(own, np.cumsum(own) - 1, own.sum())
    found = new[label]
    if not rest.any():  # only items that do not enter have no group of their own
        found = np.minimum(found, int(own.sum()) - 1)
    return np.asarray(found, dtype=np.int64)


def _matrix(scores: Floats, group: Ints, n_groups: int) -> Floats:
    """Design of c_ik (k >= 1, item by item) in the locations and the inner t of each group."""
    items, steps = len(group), len(scores) - 1
    matrix = np.zeros((items, steps, items + n_groups * (steps - 1)))
    each = np.arange(items)
    matrix[each, :, each] = scores[1:]
    for k in range(steps - 1):
        matrix[each, k, items + group * (steps - 1) + k] = 1.0
    return matrix.reshape(items * steps, -1)
