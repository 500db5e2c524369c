"""Can it be rated at all? "Unable to rate" as an outcome of its own, and beside the priorities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
    return found | {"positive_agreement": _positive(binary, level), "prevalence_index": _prevalence(binary, level)}


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


def _pairs(binary: Tally) -> tuple[Floats, Floats, Floats]:
    """For every two raters, on the subjects both answered: a both unable, b + c one of them, and how many (R, R)."""
    assert binary.codes is not None
    given, unable = (binary.codes >= 0).astype(np.float64), (binary.codes == 1).astype(np.float64)
    both, own, n = unable.T @ unable, unable.T @ given, given.T @ given
    return both, own + own.T - 2 * both, n


def _positive(binary: Tally, level: float) -> Estimate:
    both, one, _ = _pairs(binary)
    raters = len(both)
    size = {"n_subjects": binary.n_units, "n_raters": raters, "n_ratings": binary.n_ratings, "target": "raters",
            "confidence_level": level, "method": "specific agreement, mean over pairs"}
    if raters < 2:
        return undefined("one-rater" if raters else "no-ratings", **size)
    total = 2 * both + one
    np.fill_diagonal(total, 0)
    of_pair = np.divide(2 * both, total, out=np.full(both.shape, np.nan), where=total > 0)

    def mean(of: Floats) -> float:
        return float(np.nanmean(of)) if not np.isnan(of).all() else np.nan

    value = mean(of_pair)
    if np.isnan(value):
        return undefined("never-unable", **size)
    upper = np.triu(total, 1)
    parts = {"pairs": float((upper > 0).sum()), "pooled": float((2 * np.triu(both, 1)).sum() / upper.sum())}
    found = Estimate(value, parts=parts, **size)
    if raters < 3:
        return found.flagged("two-raters")
    known = ~np.isnan(of_pair)
    sums, pairs = np.where(known, of_pair, 0.0).sum(axis=1), known.sum(axis=1)  # of each rater with the others
    rest = pairs.sum() - 2 * pairs
    left_out = np.divide(sums.sum() - 2 * sums, rest, out=np.full(raters, np.nan), where=rest > 0)
    if np.isnan(left_out).any():
        return found.flagged("undefined-without-a-rater")
    if min(value, left_out.min()) <= 0 or max(value, left_out.max()) >= 1:
        return found.flagged("share-at-end")
    scale = logit(left_out)
    half = stdtrit(raters - 1, (1 + level) / 2) * np.sqrt((raters - 1) / raters * ((scale - scale.mean()) ** 2).sum())
    se = float(np.sqrt((raters - 1) / raters * ((left_out - left_out.mean()) ** 2).sum()))
    method = "specific agreement, mean over pairs; delete-one-rater jackknife, t interval on the logit scale"
    return replace(found, se=se, ci_low=float(expit(logit(value) - half)), ci_high=float(expit(logit(value) + half)),
                   df=raters - 1.0, method=method)


def _prevalence(binary: Tally, level: float) -> Estimate:
    both, one, n = _pairs(binary)
    size = {"n_subjects": binary.n_units, "n_raters": len(both), "n_ratings": binary.n_ratings, "confidence_level": level}
    met = np.triu(n, 1) > 0
    if not met.any():
        return undefined("no-overlap" if len(both) > 1 else "one-rater" if len(both) else "no-ratings", **size)
    neither = n - both - one
    return Estimate(float(((both - neither)[met] / n[met]).mean()), method="mean over pairs", target="raters", **size)


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
