"""How does each rater compare with the gold standard?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import bdtr, bdtrc, bdtrik

from arms_irr.analysis.design import FEW
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.result import Result, Row
from arms_irr.statistics.agreement import coefficient
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.proportions import clustered, wilson
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.count import Cell, cells, judged
from arms_irr.study.study import Study

__all__ = ["EVERYONE", "funnel", "funnel_limits", "rater_agreement", "typical"]

EVERYONE = "all officers"
_MOST_SIZES = 200  # numbers of ratings for which limits are drawn, at most
SHARES = ("exact", "under", "over", "mean_signed_error", "missed_high", "unable_to_rate")


def rater_agreement(study: Study, *, weights: Sequence[str] = ("identity", "quadratic"), confidence_level: float = 0.95) -> Result:
    """Each rater against the gold standard over all factors: shares, and Cohen's kappa with each of ``weights``.

    The kappa's subjects are the rater's case-factor pairs; its standard error is that of Fleiss, Cohen &
    Everitt (1969), a little conservative because the gold is fixed. Suppressed below 5 ratings and where the
    gold or the rater uses a single category. The order is that of the raters' table: it is no ranking.
    """
    shares = against_gold(study, ["rater"], statistics=SHARES, confidence_level=confidence_level).split("rater")
    kappas = {
        cell.group["rater"]: [(w, _kappa(study, cell, w, confidence_level)) for w in weights] for cell in cells(study, ["rater"])
    }
    rows: list[Row] = []
    for rater, found in kappas.items():
        rows += shares[rater].rows
        rows += [Row({"rater": rater}, "cohen", kappa) for _, kappa in found]
    notes = ("The order is that of the raters' table and is no ranking: read the intervals.",)
    return Result("Each rater against the gold standard", ("rater",), tuple(rows), notes, synthetic=study.synthetic)


def _kappa(study: Study, cell: Cell, weights: str, level: float) -> Estimate:
    if cell.scale is None:
        return undefined("mixed-scales", weights=weights)
    j = judged(study, cell.rows)
    pairs = np.stack([j.code, j.gold], axis=1)[j.given]
    size = {"weights": weights, "confidence_level": level, "target": "subjects"}
    size |= {"n_subjects": len(pairs), "n_raters": 1, "n_ratings": len(pairs)}
    if len(pairs) < FEW:
        return undefined("few-subjects" if len(pairs) else "no-ratings", **size)
    if len(np.unique(pairs[:, 1])) == 1:
        return undefined("constant-gold", **size)
    if len(np.unique(pairs[:, 0])) == 1:
        return undefined("constant-rater", **size)
    scores = np.array(cell.scale.scores)
    row, counted = coefficient("cohen"), Tally.from_codes(pairs, scores)
    found = estimate(row, counted, agreement_weights(weights, scores), confidence_level=level, weights=weights)
    return replace(found, n_raters=1, n_ratings=len(pairs))  # the gold is no rater


def funnel_limits(share: float, ratings: np.ndarray, confidence_level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Exact binomial limits of the share of agreements around ``share`` for each number of ratings.

    Smallest counts whose cumulative probability reaches (1 - level)/2 and (1 + level)/2, divided by the number
    of ratings (Spiegelhalter 2005, exact limits without interpolation).
    """
    if share <= 0:
        return np.zeros(np.shape(ratings)), np.zeros(np.shape(ratings))
    tail = (1 - confidence_level) / 2
    n = np.asarray(ratings, dtype=np.float64)
    low, high = (np.ceil(np.clip(bdtrik(p, n, share), 0, n)) for p in (tail, 1 - tail))
    return low / n, high / n


def funnel(study: Study, *, levels: Sequence[float] = (0.95, 0.998), confidence_level: float = 0.95) -> Result:
    """Each officer's agreement with the gold standard beside what chance alone would do at the agreement of all.

    Parameters
    ----------
    study : Study
    levels : sequence of float
        Shares of the officers that the limits would hold if all agreed with the gold standard equally often.
    confidence_level : float
        Of the officers' Wilson intervals and of the interval of all officers.

    Returns
    -------
    Result
        By ``rater``, ``limits`` and ``ratings``. Each officer who gave a priority: ``exact``. ``all officers``:
        ``exact``, with officers as clusters; under each of the ``limits`` ``outside``, the number of officers beyond
        them (``parts``: ``below``, ``above``, and ``by_chance``, how many of equal officers with independent ratings
        would be), and ``funnel_limit`` for numbers of ratings: the share of all, its interval the limits of
        :func:`funnel_limits`.

    Raises
    ------
    ArgumentError
        Without a gold standard.
    """
    level = check_confidence(confidence_level)
    pooled = cells(study, ())
    j = judged(study, pooled[0].rows if pooled else np.arange(0))
    who, index = (u.ravel() for u in np.unique(j.rater[j.given], return_inverse=True))
    n = np.bincount(index, minlength=len(who))
    hits = np.bincount(index, (j.code == j.gold)[j.given], len(who)).astype(np.int64)
    rows = [Row(_at(study.raters[rater]), "exact", replace(wilson(y, m, level), n_raters=1, target="subjects"))
            for rater, y, m in zip(who.tolist(), hits.tolist(), n.tolist(), strict=True)]
    both = clustered(hits, n, level)
    rows.append(Row(_at(EVERYONE), "exact", both))
    for width in levels if both.estimable else ():
        rows += _limits(both, hits, n, check_confidence(width))
    return Result("Officers against what chance alone would do", ("rater", "limits", "ratings"), tuple(rows), synthetic=study.synthetic)


def _at(rater: str, limits: str = "", ratings: str = "") -> dict[str, str]:
    return {"rater": rater, "limits": limits, "ratings": ratings}


def _limits(both: Estimate, hits: np.ndarray, n: np.ndarray, width: float) -> list[Row]:
    """How many officers lie outside, and the limits themselves from just below the fewest ratings to just above the most."""
    name = f"{100 * width:.6g} %"
    low, high = (np.rint(limit * n) for limit in funnel_limits(both.value, n, width))
    below, above = int((hits < low).sum()), int((hits > high).sum())
    chance = np.where(low > 0, bdtr(np.maximum(low - 1, 0), n, both.value), 0) + bdtrc(high, n, both.value)
    size = {"n_raters": len(n), "n_ratings": int(n.sum()), "confidence_level": width}
    parts = {"below": float(below), "above": float(above), "by_chance": float(chance.sum())}
    rows = [Row(_at(EVERYONE, name), "outside", Estimate(float(below + above), method="count", parts=parts, **size))]  # type: ignore[arg-type]
    sizes = np.unique(np.linspace(max(1, int(n.min()) - 2), int(n.max()) + 2, _MOST_SIZES).round().astype(int))
    for m, a, b in zip(sizes.tolist(), *(limit.tolist() for limit in funnel_limits(both.value, sizes, width)), strict=True):
        held = Estimate(both.value, ci_low=a, ci_high=b, confidence_level=width, n_ratings=m, method="exact binomial limits")
        rows.append(Row(_at(EVERYONE, name, str(m)), "funnel_limit", held))
    return rows


def typical(found: Result) -> Result:
    """The officer in the middle: the median over officers of every measure of a result by rater.

    Returns
    -------
    Result
        Without columns; ``parts``: ``first_quarter`` and ``third_quarter``, between which the middle half of the
        officers lies, ``lowest``, ``highest``, and ``lacking``, the officers for whom the measure is not estimable. It
        describes these officers and has no interval.
    """
    own: dict[str, list[Estimate]] = {}
    for row in found:
        own.setdefault(row.coefficient, []).append(row.estimate)
    rows = []
    for name, each in own.items():
        values = np.array([e.value for e in each if e.estimable])
        if not len(values):
            rows.append(Row({}, name, undefined(*each[0].flags)))
            continue
        lowest, first, middle, third, highest = np.quantile(values, (0, 0.25, 0.5, 0.75, 1)).tolist()
        parts = {"first_quarter": first, "third_quarter": third, "lowest": lowest, "highest": highest, "lacking": float(len(each) - len(values))}
        rows.append(Row({}, name, Estimate(middle, method="median over officers", n_raters=len(values), parts=parts,
                                           n_ratings=sum(e.n_ratings for e in each if e.estimable))))
    return Result("The officer in the middle", (), tuple(rows), synthetic=found.synthetic)
