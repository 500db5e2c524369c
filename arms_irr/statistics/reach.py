"""What could a coefficient reach here? Its range when raters give the gold standard in a known share of ratings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import View
from arms_irr.statistics.agreement import coefficient as row_of
from arms_irr.statistics.completion import compositions
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import Floats, agreement_weights

__all__ = ["ACCURACY", "Reach", "achievable"]

ACCURACY = (0.6, 0.7, 0.8, 0.9)
_SEPARABLE = ("percent", "brennan_prediger")
_CELLS = 2_000_000  # elements of one batch of counts


@dataclass(frozen=True)
class Reach:
    """The range of a coefficient at one level of accuracy.

    Attributes
    ----------
    accuracy : float
        Share of ratings that are the gold standard's.
    mean, low, high : float
        Over simulated exercises, and the middle 95 % of them.
    undefined : float
        Share of simulated exercises in which the coefficient is 0/0; they are left out.
    least, most : float
        The exact extremes over every way to place the right and the wrong ratings, ``round(accuracy * ratings)`` of
        them right; ``nan`` where the chance term depends on the ratings and they cannot be found one subject at a
        time. The simulation takes the accuracy as a probability, so its share of right ratings varies and its range
        can reach beyond the extremes.
    """

    accuracy: float
    mean: float
    low: float
    high: float
    undefined: float
    least: float
    most: float


def achievable(
    gold: npt.ArrayLike, raters: int, coefficient: str = "gwet", weights: str | npt.ArrayLike = "quadratic",
    scores: Sequence[float] = (1, 2, 3), accuracy: Sequence[float] = ACCURACY, replicates: int = 1000, seed: int = 1,
) -> tuple[Reach, ...]:
    """What a coefficient between raters can be, given the gold standards of the subjects.

    In the simulation every rating is independently the gold standard's with probability ``accuracy``; a wrong one is
    a neighbouring category (the two neighbours equally often where there are two). A coefficient that looks low may
    be all that these subjects allow: kappa of raters who are right 90 % of the time is far lower where nearly all gold
    standards are the same.

    Parameters
    ----------
    gold : (U,) integer array
        Category of each subject, 0..q-1.
    raters : int
        2 or more.
    coefficient : str
        percent, gwet, brennan_prediger, fleiss or krippendorff (exchangeable raters).
    weights, scores
        As in :func:`~arms_irr.statistics.arrays.agreement`; ``scores`` decides q.
    accuracy : sequence of float
        Each between 0 and 1.
    replicates, seed : int

    Returns
    -------
    tuple of Reach
        One for each level of accuracy.
    """
    codes, row = np.asarray(gold, dtype=np.int64).ravel(), row_of(coefficient)
    q = len(scores)
    if row.named:
        raise ArgumentError(f"{row.title} needs named raters; ask for fleiss, which is the same for raters who are alike")
    if raters < 2 or not len(codes) or codes.min() < 0 or codes.max() >= q or q < 2:
        raise ArgumentError(f"{raters} raters and gold standards {codes.tolist()[:10]} on {q} categories: give 2 raters or "
                            "more, 2 categories or more, and gold standards from 0 to q - 1")
    if not all(0 <= a <= 1 for a in accuracy):
        raise ArgumentError(f"accuracy {list(accuracy)} must lie between 0 and 1")
    w, rng = agreement_weights(weights, scores), np.random.default_rng(seed)
    found = []
    for level in accuracy:
        values = _simulated(coefficient, codes, raters, w, np.array(scores, dtype=np.float64), level, replicates, rng)
        defined = values[~np.isnan(values)]
        low, high = np.quantile(defined, (0.025, 0.975)) if len(defined) else (math.nan, math.nan)
        mean = float(defined.mean()) if len(defined) else math.nan
        least, most = _extremes(codes, raters, w, level) if coefficient in _SEPARABLE else (math.nan, math.nan)
        if coefficient == "brennan_prediger":
            least, most = ((p - w.mean()) / (1 - w.mean()) for p in (least, most))
        found.append(Reach(float(level), mean, float(low), float(high), 1 - len(defined) / replicates, least, most))
    return tuple(found)


def _chances(gold: npt.NDArray[np.int64], q: int, accuracy: float) -> Floats:
    """(U, q) probability of each category: the gold standard, or one of its neighbours."""
    near = (np.abs(np.subtract.outer(np.arange(q), np.arange(q))) == 1).astype(np.float64)
    table = accuracy * np.eye(q) + (1 - accuracy) * near / near.sum(axis=1, keepdims=True)
    return np.asarray(table[gold])


def _simulated(
    name: str, gold: npt.NDArray[np.int64], raters: int, w: Floats, scores: Floats, accuracy: float, replicates: int,
    rng: np.random.Generator,
) -> Floats:
    row, chances = row_of(name), _chances(gold, len(w), accuracy)
    tally = Tally(np.zeros((len(gold), len(w))), scores, None, np.ones(len(gold)))
    step, values = max(1, _CELLS // chances.size), []
    for start in range(0, replicates, step):
        counts = rng.multinomial(raters, chances, size=(min(step, replicates - start), len(gold))).astype(np.float64)
        observed, expected = np.broadcast_arrays(*row.evaluate(View(tally, counts, tally.weight), w))
        room = 1 - expected
        values.append(np.divide(observed - expected, room, out=np.full(room.shape, np.nan), where=np.abs(room) > 1e-12))
    return np.concatenate(values)


def _extremes(gold: npt.NDArray[np.int64], raters: int, w: Floats, accuracy: float) -> tuple[float, float]:
    """Least and most weighted percent agreement with round(accuracy * ratings) right ratings, wrong ones anywhere.

    A subject's agreement depends on its own counts only, so the best total for c right ratings over the first
    subjects follows from that for the subjects before (dynamic programming over subjects).
    """
    right = round(accuracy * raters * len(gold))
    ends = []
    for sign in (-1.0, 1.0):
        of_gold = {int(g): _best_by_right(int(g), raters, w, sign) for g in np.unique(gold)}
        total = np.array([0.0])
        for g in gold:
            more = of_gold[int(g)]
            longer = np.full(len(total) + raters, -np.inf)
            for c in range(raters + 1):
                longer[c : c + len(total)] = np.maximum(longer[c : c + len(total)], total + more[c])
            total = longer
        ends.append(sign * float(total[right]) / len(gold))
    return ends[0], ends[1]


def _best_by_right(gold: int, raters: int, w: Floats, sign: float) -> Floats:
    """(raters + 1,) the highest sign * agreement of a subject by its number of right ratings."""
    others = np.delete(np.arange(len(w)), gold)
    best = np.empty(raters + 1)
    for right in range(raters + 1):
        wrong = compositions(raters - right, len(others))
        counts = np.zeros((len(wrong), len(w)))
        counts[:, gold], counts[:, others] = right, wrong
        best[right] = (sign * (counts * (counts @ w - 1)).sum(axis=1)).max() / (raters * (raters - 1))
    return best
