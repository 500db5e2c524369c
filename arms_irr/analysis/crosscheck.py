"""A second opinion: the headline statistics again, by packages that we did not write."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.result import Result, Row
from arms_irr.statistics.agreement import coefficient
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.icc import icc as icc_of
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.count import cells, judged, tally
from arms_irr.study.study import Study

__all__ = ["Block", "blocks", "complete_block", "crosscheck"]

Codes = npt.NDArray[np.integer]
TOLERANCE = 1e-8
_ICC = {"ICC(1)": "ICC(1,1)", "ICC(A,1)": "ICC(A,1)", "ICC(C,1)": "ICC(C,1)", "ICC(k)": "ICC(1,k)", "ICC(A,k)": "ICC(A,k)", "ICC(C,k)": "ICC(C,k)"}

LISTWISE = ("{peer} needs complete ratings: ours here rests on every rating given, as the study shows it, theirs on the "
            "complete part of the row above")
ROUNDED = "pingouin rounds the limits of its interval to 2 decimals"
QUANTILE = "statsmodels takes a normal quantile for the interval, we take Student's t with n - 1 degrees of freedom"
NONE = "none"


@dataclass(frozen=True)
class Block:
    """The ratings of one cell as a table: codes (subjects, raters), negative = not given; scores of the categories."""

    group: dict[str, str]
    codes: Codes
    scores: npt.NDArray[np.float64]


def blocks(study: Study, by: Sequence[str]) -> Iterator[Block]:
    """The cells whose factors share a scale, with two subjects and two raters or more."""
    for cell in cells(study, by):
        if cell.scale is not None:
            counted = tally(study, cell)
            if counted.codes is not None and min(counted.codes.shape) >= 2:
                yield Block(cell.group, counted.codes.astype(np.int64), counted.scores)


def complete_block(codes: Codes) -> Codes:
    """A part of the table without gaps: the subject or rater with the largest share of gaps is left out until none
    remains."""
    codes = np.asarray(codes)
    while codes.size and (codes < 0).any():
        gaps = [(codes < 0).mean(axis=axis) for axis in (1, 0)]
        axis = int(gaps[1].max() > gaps[0].max())
        codes = np.delete(codes, int(np.argmax(gaps[axis])), axis=axis)
    return codes


def crosscheck(study: Study, by: Sequence[str] = ("case",), *, confidence_level: float = 0.95) -> Result:
    """Headline statistics beside those of statsmodels and pingouin on the same ratings.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns of the statistics between raters. Those against the gold standard are of every officer
        (Cohen's kappa) and of every factor and case (Wilson intervals), where the largest difference is shown.

    Returns
    -------
    Result
        By ``peer``, ``compared`` ("value", "lower limit" ...) and ``reason`` too. The estimate holds our value;
        ``parts``: ``theirs`` and ``difference`` (ours minus theirs). ``reason`` is "none" where they agree to 8
        decimals, otherwise the known cause, or "not explained", which should be reported to us.

    Notes
    -----
    Neither package has Gwet's AC, Krippendorff's alpha or intervals clustered by officer: see
    :func:`arms_irr.analysis.elsewhere.script` for R, Stata and SPSS.
    """
    rows: list[Row] = []
    for block in blocks(study, by):
        for found in (_between(block), _iccs(block, confidence_level)):
            rows += found
    if study.has_gold:
        blank = dict.fromkeys(by, "")
        rows += [Row({**blank, **row.group}, row.coefficient, row.estimate) for row in (*_cohen(study, confidence_level), *_wilson(study, confidence_level))]
    unexplained = sum(row["reason"] == "not explained" for row in rows)
    notes = [f"{len(rows)} comparisons, {unexplained} differences without a known reason.",
             "Gwet's AC, Krippendorff's alpha and clustered intervals are in neither package: arms-irr crosscheck STUDY --emit r "
             "writes an R script for them."]
    return Result("A second opinion", (*by, "peer", "compared", "reason"), tuple(rows), tuple(notes), synthetic=study.synthetic)


def _compared(
    group: dict[str, str], name: str, peer: str, what: str, ours: float, theirs: float, *, weights: str = "", reason: str = "",
    tolerance: float = TOLERANCE, bases: Estimate | None = None,
) -> Row:
    """One comparison; ``reason`` is the known cause of a difference above the tolerance of 8 decimals."""
    same = (math.isnan(ours) and math.isnan(theirs)) or abs(ours - theirs) <= tolerance
    exact = (math.isnan(ours) and math.isnan(theirs)) or abs(ours - theirs) <= TOLERANCE
    said = NONE if exact else reason if same and reason else "not explained"
    found = bases or Estimate(math.nan)
    parts = {"theirs": float(theirs), "difference": float(ours - theirs)}
    found = replace(found, value=float(ours), se=math.nan, ci_low=math.nan, ci_high=math.nan, df=math.nan, weights=weights, method=peer,
                    parts=parts, flags=())
    if math.isnan(ours):
        found = undefined("no-variance", method=peer, weights=weights, parts=parts)
    return Row({**group, "peer": peer, "compared": what, "reason": said}, name, found)


# --- between raters ---------------------------------------------------------------------------------------


def _between(block: Block) -> list[Row]:
    """Fleiss' kappa, Randolph's (Brennan-Prediger) and percent agreement, unweighted, by statsmodels."""
    from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

    codes, q = complete_block(block.codes), len(block.scores)
    if min(codes.shape) < 2:
        return []
    table, _ = aggregate_raters(codes, n_cat=q)  # codes 0..q-1: an unused category stays a column
    r = codes.shape[1]
    peers: dict[str, tuple[str, Callable[[], float]]] = {
        "fleiss": ("statsmodels fleiss_kappa", lambda: float(fleiss_kappa(table, method="fleiss"))),
        "brennan_prediger": ("statsmodels fleiss_kappa(method='randolph')", lambda: float(fleiss_kappa(table, method="randolph"))),
        "percent": ("statsmodels aggregate_raters", lambda: float(((table**2).sum(axis=1) - r).mean() / (r * (r - 1)))),
    }
    rows = []
    for name, (peer, theirs) in peers.items():
        ours, all_of_it = (_ours(name, each, block.scores) for each in (codes, block.codes))
        with np.errstate(invalid="ignore", divide="ignore"):
            rows.append(_compared(block.group, name, peer, "value", ours.value, theirs(), weights="identity", bases=ours))
        rows += _listwise(rows[-1], peer, block, codes, all_of_it)
    return rows


def _ours(name: str, codes: Codes, scores: npt.NDArray[np.float64], weights: str = "identity") -> Estimate:
    return estimate(coefficient(name), Tally.from_codes(codes, scores), agreement_weights(weights, scores), weights=weights)


def _listwise(row: Row, peer: str, block: Block, codes: Codes, shown: Estimate) -> list[Row]:
    """What the study shows, where it rests on more ratings than the complete block."""
    if codes.size == (block.codes >= 0).sum():
        return []
    return [_compared(block.group, row.coefficient, peer, "value, all ratings", shown.value, row.estimate.parts["theirs"],
                      weights=row.estimate.weights, reason=LISTWISE.format(peer=peer.split()[0]), tolerance=math.inf, bases=shown)]


def _iccs(block: Block, level: float) -> list[Row]:
    """Every form of the ICC on the complete block, by pingouin."""
    import pandas as pd
    import pingouin

    codes = complete_block(block.codes)
    if codes.shape[0] < 3 or codes.shape[1] < 2:
        return []
    scored = block.scores[codes]
    subject, rater = np.indices(scored.shape)
    long = pd.DataFrame({"subject": subject.ravel(), "rater": rater.ravel(), "score": scored.ravel()})
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pingouin's own, about pandas
        theirs = pingouin.intraclass_corr(long, "subject", "rater", "score").set_index("Type")
    rows = []
    for form, name in _ICC.items():
        ours = icc_of(scored, form, level)
        rows.append(_compared(block.group, form, "pingouin", "value", ours.value, float(theirs.loc[name, "ICC"]), bases=ours))
        if form == "ICC(A,1)":
            everything = icc_of(np.where(block.codes >= 0, block.scores[block.codes], np.nan), form, level)
            rows += _listwise(rows[-1], "pingouin", block, codes, everything)
        if level == 0.95:  # pingouin knows no other
            limits = theirs.loc[name, "CI95"]
            for what, mine, peer in (("lower limit", ours.ci_low, limits[0]), ("upper limit", ours.ci_high, limits[1])):
                rows.append(_compared(block.group, form, "pingouin", what, mine, float(peer), reason=ROUNDED, tolerance=0.00501))
    return rows


# --- against the gold standard ----------------------------------------------------------------------------


def _cohen(study: Study, level: float) -> list[Row]:
    """Cohen's kappa of every officer with the gold standard: value and interval with the largest difference."""
    from statsmodels.stats.inter_rater import cohens_kappa

    found: dict[tuple[str, str], list[Row]] = {}
    for cell in cells(study, ["rater"]):
        j = judged(study, cell.rows)
        if cell.scale is None or j.given.sum() < 2:
            continue
        q, scores = len(cell.scale.categories), np.array(cell.scale.scores)
        pairs = np.stack([j.code, j.gold], axis=1)[j.given]
        table = np.zeros((q, q))
        np.add.at(table, (pairs[:, 0], pairs[:, 1]), 1)
        for weights, wt in (("identity", None), ("quadratic", "fc")):
            with np.errstate(invalid="ignore", divide="ignore"):
                theirs = cohens_kappa(table, weights=scores if wt else None, wt=wt)
            ours = estimate(coefficient("cohen"), Tally.from_codes(pairs, scores), agreement_weights(weights, scores),
                            confidence_level=level, weights=weights)
            if not ours.estimable:
                continue
            peer_name = f"statsmodels cohens_kappa, {cell.group['rater']}"
            for what, mine, peer in (("value", ours.value, theirs.kappa), ("standard error", ours.se, float(np.sqrt(theirs.var_kappa)))):
                found.setdefault((weights, what), []).append(_compared({}, "cohen", peer_name, what, mine, float(peer), weights=weights))
            z, se = _normal((1 - level) / 2), float(np.sqrt(theirs.var_kappa))
            low = float(theirs.kappa) + z * se
            quantile_alone = abs(ours.value + z * ours.se - low) <= TOLERANCE  # with the same quantile, the same limit
            found.setdefault((weights, "lower limit"), []).append(
                _compared({}, "cohen", peer_name, "lower limit", ours.ci_low, low, weights=weights, reason=QUANTILE,
                          tolerance=math.inf if quantile_alone else 0.0))
    return [_furthest(rows) for rows in found.values()]


def _normal(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


def _wilson(study: Study, level: float) -> list[Row]:
    """Share of exact agreement of every factor and case, with Wilson's interval: the largest difference."""
    from statsmodels.stats.proportion import proportion_confint

    found: dict[str, list[Row]] = {}
    for row in against_gold(study, ["factor", "case"], statistics=["exact"], confidence_level=level):
        ours = row.estimate
        if not ours.method.startswith("Wilson") or not ours.estimable:
            continue
        hits = round(ours.value * ours.n_ratings)
        low, high = proportion_confint(hits, ours.n_ratings, alpha=1 - level, method="wilson")
        peer = f"statsmodels proportion_confint, {row['factor']}, {row['case']}"
        for what, mine, theirs in (("lower limit", ours.ci_low, low), ("upper limit", ours.ci_high, high)):
            found.setdefault(what, []).append(_compared({}, "exact", peer, what, mine, float(theirs), bases=ours))
    return [_furthest(rows) for rows in found.values()]


def _furthest(rows: list[Row]) -> Row:
    """The comparison with the largest difference, and of how many."""
    worst = max(rows, key=lambda row: abs(row.estimate.parts["difference"]))
    group: dict[str, Any] = {**worst.group, "compared": f"{worst['compared']}, furthest of {len(rows)}"}
    return Row(group, worst.coefficient, worst.estimate)
