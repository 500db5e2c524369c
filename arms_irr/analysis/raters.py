"""How does each rater compare with the gold standard?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import bdtrik

from arms_irr.analysis.design import FEW
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.result import Result, Row
from arms_irr.statistics.agreement import coefficient
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.count import Cell, cells, judged
from arms_irr.study.study import Study

__all__ = ["funnel_limits", "rater_agreement"]

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
    tail = (1 - confidence_level) / 2
    n = np.asarray(ratings, dtype=np.float64)
    low, high = (np.ceil(np.clip(bdtrik(p, n, share), 0, n)) for p in (tail, 1 - tail))
    return low / n, high / n
