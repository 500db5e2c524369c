"""Can it be rated at all? "Unable to rate" as an outcome of its own, and beside the priorities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, stdtrit

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.agreement import coefficient
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.proportions import clustered, wilson
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import Floats, agreement_weights
from arms_irr.study.count import Cell, cells, decisions, per_rater
from arms_irr.study.study import Study

__all__ = ["ESTIMANDS", "block_weights", "estimands", "ratability", "share"]

_PRODUCTS = 1 << 17  # of a block of pairs of raters: so few fit into the cache, and are not worth a second thread
Mask = npt.NDArray[np.bool_]
ESTIMANDS = ("priority given ratable", "whole decision", "ratability")
_COEFFICIENTS = ("percent", "gwet", "brennan_prediger")  # kappa says little at a prevalence of a few per cent


def ratability(study: Study, by: Sequence[str] = ("kind", "risk_band"), *, confidence_level: float = 0.95) -> Result:
    """How often raters were unable to rate, and whether they agree on it.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns; ``["rater"]`` gives each officer's rate.

    Returns
    -------
    Result
        A row per cell for each of

        ``unable_to_rate``
            Share of "unable to rate" among the answers (blanks are no answers); interval clustered by officer.
        ``percent``, ``gwet``
            Agreement between raters on ratable or not: percent agreement and AC1 on two categories.
        ``positive_agreement``
            2a / (2a + b + c) averaged over the pairs of raters of whom one at least was unable to rate: of those
            who could not rate, how many found the other unable too (Spitzer & Fleiss 1974; Cicchetti &
            Feinstein 1990). ``parts`` hold ``pairs`` and ``pooled``, the same ratio of the sums over all pairs.
        ``prevalence_index``
            (a - d) / n averaged over pairs: -1 when nobody was ever unable to rate, 1 when everybody always was.
            Near either end a kappa is low whatever the raters do (Byrt, Bishop & Carlin 1993).
        ``sensitivity``, ``specificity``
            Where the gold standard is "unable to rate", the share of officers who were; where it is a priority,
            the share who gave one. Absent without a gold standard.

        Factors on a scale that does not allow "unable to rate" are left out.
    """
    rows: list[Row] = []
    for cell in _ratable_cells(study, by):
        code, rater = study.ratings.code[cell.rows], study.ratings.rater[cell.rows]
        answered = code != NOT_GIVEN
        rate = share(code[answered] == UNABLE, rater[answered], confidence_level, "rater" in by)
        found = {"unable_to_rate": rate, **_between(study, cell, confidence_level), **_gold(study, cell, confidence_level, "rater" in by)}
        rows += [Row(cell.group, name, one) for name, one in found.items()]
    notes = ("Shares are of the answers given; blanks are left out. An officer's answers count together in every interval.",)
    return Result("Unable to rate", tuple(by), tuple(rows), notes, synthetic=study.synthetic)


def _ratable_cells(study: Study, by: Sequence[str]) -> list[Cell]:
    """The cells, but for those whose scale does not allow "unable to rate" (the overall priority)."""
    return [cell for cell in cells(study, by) if cell.scale is None or cell.scale.not_rated]


def share(hit: Mask, rater: npt.NDArray[np.integer], level: float, alone: bool = False) -> Estimate:
    """A share of ratings with an interval over officers; over the ratings where they are one officer's (``alone``)."""
    if alone and len(hit):
        found = wilson(int(hit.sum()), len(hit), level)
        return replace(found, n_raters=1, target="subjects", method="Wilson over the officer's own ratings")
    return clustered(*per_rater(rater, hit, np.ones(len(hit))), level)


def _between(study: Study, cell: Cell, level: float) -> dict[str, Estimate]:
    names = ("percent", "gwet", "positive_agreement", "prevalence_index")
    if cell.scale is None:
        return dict.fromkeys(names, undefined("mixed-scales", target="raters"))
    binary = _ratable(decisions(study, cell))
    found = {name: _agreement(name, binary, np.eye(2), "identity", level) for name in names[:2]}
    pairs = _pairs(binary)
    return found | {"positive_agreement": _positive(binary, pairs, level), "prevalence_index": _prevalence(binary, pairs, level)}


def _ratable(decided: Tally) -> Tally:
    """Two categories: 0 a priority, 1 unable to rate."""
    assert decided.codes is not None
    last = len(decided.scores) - 1
    codes = np.where(decided.codes < 0, NOT_GIVEN, (decided.codes == last).astype(np.int8))
    return Tally.from_codes(codes, np.array([0.0, 1.0]), decided.cluster)


def _agreement(name: str, tally: Tally, w: Floats, weights: str, level: float) -> Estimate:
    found = estimate(coefficient(name), tally, w, target="raters", confidence_level=level, weights=weights)
    if "zero-se" in found.flags:  # an interval without width would be read as certainty
        found = replace(found, ci_low=np.nan, ci_high=np.nan)
    return found


@dataclass(frozen=True)
class _Pairs:
    """Sums over pairs of raters; of two raters, on the subjects both answered, a is both unable, b + c one of them.

    ``agreeing`` (R,): each rater's sum of 2a / (2a + b + c) over the others with whom that is not 0/0, ``known`` (R,) of them.
    ``both``, ``total``: sums of 2a and of 2a + b + c over all pairs. ``prevalence``: mean of (a - d) / n over the pairs that met.
    """

    agreeing: Floats
    known: Floats
    both: float
    total: float
    prevalence: float


def _pairs(binary: Tally) -> _Pairs:
    """All pairs, some raters at a time: thousands of raters have millions of pairs, and no table of them is kept."""
    assert binary.codes is not None
    given, unable = (np.ascontiguousarray(held.T, dtype=np.float32) for held in (binary.codes >= 0, binary.codes == 1))  # counts: exact
    here, there = np.hstack([unable, given]), np.hstack([given, unable])
    raters = len(given)
    agreeing, known, sums = np.zeros(raters), np.zeros(raters), np.zeros(4)
    step = max(16, int(np.sqrt(_PRODUCTS / max(1, here.shape[1]))))
    blocks = [slice(start, start + step) for start in range(0, raters, step)]
    for rows, columns in combinations_with_replacement(blocks, 2):
        a, differ, n = unable[rows] @ unable[columns].T, here[rows] @ there[columns].T, given[rows] @ given[columns].T  # 2a + b + c
        if rows is columns:
            for x in (a, differ, n):
                x[np.tri(len(x), dtype=bool)] = 0  # each pair once, and nobody with itself
        share, common = np.divide(2 * a, np.maximum(differ, 1), dtype=np.float64), differ > 0
        agreeing[rows] += share.sum(axis=1)
        agreeing[columns] += share.sum(axis=0)
        known[rows] += common.sum(axis=1)
        known[columns] += common.sum(axis=0)
        shares = np.divide(differ, np.maximum(n, 1), dtype=np.float64)  # (a - d) / n is this less 1
        sums += 2 * a.sum(dtype=np.float64), differ.sum(dtype=np.float64), shares.sum(), np.count_nonzero(n)
    both, total, shared, met = sums.tolist()
    return _Pairs(agreeing, known, both, total, shared / met - 1 if met else np.nan)


def _positive(binary: Tally, found: _Pairs, level: float) -> Estimate:
    raters = len(found.known)
    size = {"n_subjects": binary.n_units, "n_raters": raters, "n_ratings": binary.n_ratings, "target": "raters",
            "confidence_level": level, "method": "specific agreement, mean over pairs"}
    if raters < 2:
        return undefined("one-rater" if raters else "no-ratings", **size)
    sums, pairs = found.agreeing, found.known  # of each rater with the others
    if not pairs.any():
        return undefined("never-unable", **size)
    value = float(sums.sum() / pairs.sum())
    one = Estimate(value, parts={"pairs": float(pairs.sum() / 2), "pooled": found.both / found.total}, **size)
    if raters < 3:
        return one.flagged("two-raters")
    rest = pairs.sum() - 2 * pairs
    left_out = np.divide(sums.sum() - 2 * sums, rest, out=np.full(raters, np.nan), where=rest > 0)
    if np.isnan(left_out).any():
        return one.flagged("undefined-without-a-rater")
    if min(value, left_out.min()) <= 0 or max(value, left_out.max()) >= 1:
        return one.flagged("share-at-end")
    scale = logit(left_out)
    half = stdtrit(raters - 1, (1 + level) / 2) * np.sqrt((raters - 1) / raters * ((scale - scale.mean()) ** 2).sum())
    se = float(np.sqrt((raters - 1) / raters * ((left_out - left_out.mean()) ** 2).sum()))
    method = "specific agreement, mean over pairs; delete-one-rater jackknife, t interval on the logit scale"
    return replace(one, se=se, ci_low=float(expit(logit(value) - half)), ci_high=float(expit(logit(value) + half)),
                   df=raters - 1.0, method=method)


def _prevalence(binary: Tally, found: _Pairs, level: float) -> Estimate:
    raters = len(found.known)
    size = {"n_subjects": binary.n_units, "n_raters": raters, "n_ratings": binary.n_ratings, "confidence_level": level}
    if np.isnan(found.prevalence):
        return undefined("no-overlap" if raters > 1 else "one-rater" if raters else "no-ratings", **size)
    return Estimate(found.prevalence, method="mean over pairs", target="raters", **size)


def _gold(study: Study, cell: Cell, level: float, alone: bool) -> dict[str, Estimate]:
    """Whether "unable to rate" falls where the gold standard says so."""
    if study.gold is None:
        return {}
    ratings, found = study.ratings, {}
    rows = cell.rows[ratings.code[cell.rows] != NOT_GIVEN]
    gold = study.gold[ratings.case[rows], ratings.factor[rows]]
    unable = ratings.code[rows] == UNABLE
    for name, base, hit, flag in (("sensitivity", gold == UNABLE, unable, "no-gold-unable"), ("specificity", gold >= 0, ~unable, "no-gold")):
        if not base.any():
            found[name] = undefined(flag, confidence_level=level, target="raters")
        else:
            found[name] = share(hit[base], ratings.rater[rows][base], level, alone)
    return found


# --- the three estimands ----------------------------------------------------------------------------------


def block_weights(w: Floats, partial: float = 0.0) -> Floats:
    """Agreement weights of the whole decision: ``w`` among the priorities, 1 for two raters who were both unable to
    rate, and ``partial`` for one who was beside one who gave a priority."""
    if not 0 <= partial <= 1:
        raise ArgumentError(f"partial agreement of {partial!r} is not between 0 and 1")
    whole = np.full((len(w) + 1, len(w) + 1), float(partial))
    whole[:-1, :-1], whole[-1, -1] = w, 1.0
    return whole


def estimands(
    study: Study, by: Sequence[str] = ("case",), *, weights: str = "quadratic", partial: float = 0.0, confidence_level: float = 0.95
) -> Result:
    """Agreement between raters as three questions, side by side.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns.
    weights : str
        Among the priorities, beside exact agreement; "identity" shows exact agreement only. A nominal scale gets
        none.
    partial : float
        Weight of a rater who was unable to rate beside one who gave a priority, in the whole decision.

    Returns
    -------
    Result
        By ``estimand`` too:

        ``priority given ratable``
            "Unable to rate" is missing: as ``study.agreement``. It tends to overstate agreement, because what is
            hard to rate is what raters would differ on.
        ``whole decision``
            "Unable to rate" is one more category (q + 1 of them) with :func:`block_weights`.
        ``ratability``
            Two categories: a priority, or unable to rate.

        They have different categories and are not to be compared with each other. Percent agreement, Gwet's AC
        and Brennan-Prediger only: kappa says little where one category has a few per cent.
    """
    rows: list[Row] = []
    for cell in _ratable_cells(study, by):
        if cell.scale is None:
            rows += [Row({**cell.group, "estimand": name}, c, undefined("mixed-scales")) for name in ESTIMANDS for c in _COEFFICIENTS]
            continue
        asked = "identity" if cell.scale.level == "nominal" else weights
        decided, w = decisions(study, cell), agreement_weights(asked, np.array(cell.scale.scores))
        assert decided.codes is not None
        given = np.where(decided.codes == len(w), NOT_GIVEN, decided.codes)
        first = Tally.from_codes(given, decided.scores[:-1], decided.cluster)
        for name, tally, matrix in (
            (ESTIMANDS[0], first, w), (ESTIMANDS[1], decided, block_weights(w, partial)), (ESTIMANDS[2], _ratable(decided), np.eye(2)),
        ):  # fmt: skip
            label = "identity" if name == ESTIMANDS[2] else asked if name == ESTIMANDS[0] else f"{asked} in a block"
            group = {**cell.group, "estimand": name}
            if not np.array_equal(matrix, np.eye(len(matrix))):
                rows.append(Row(group, "percent", _agreement("percent", tally, np.eye(len(matrix)), "identity", confidence_level)))
            rows += [Row(group, c, _agreement(c, tally, matrix, label, confidence_level)) for c in _COEFFICIENTS]
    notes = (
        "Three questions with different categories: do not compare their values with each other.",
        "Leaving out 'unable to rate' tends to overstate agreement: what is hard to rate is what raters would differ on.",
    )
    return Result("Agreement with and without 'unable to rate'", (*by, "estimand"), tuple(rows), notes, synthetic=study.synthetic)
