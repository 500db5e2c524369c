"""Do the raters agree with each other?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.design import FEW, Verdict, crossed, verdict
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Scale
from arms_irr.statistics.agreement import KRIPPENDORFF_ORDINAL, coefficient
from arms_irr.statistics.dispersion import r_wg
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.icc import icc as icc_of
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.count import Cell, cells, tally
from arms_irr.study.study import Study

__all__ = ["ORDINAL_METRIC", "asked_for", "between_raters", "icc_between"]

ORDINAL_METRIC = "ordinal metric"  # Krippendorff's; not Gwet's "ordinal" weights
Asked = tuple[str, str]  # coefficient, weights


def between_raters(
    study: Study, by: Sequence[str] = ("factor", "risk_band"), *, coefficient: str | Sequence[str] | None = None,
    weights: str | None = None, target: str = "raters", confidence_level: float = 0.95, force: bool = False,
) -> Result:
    """Agreement between raters in each cell; subjects are the case-factor pairs of the cell.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns.
    coefficient : str or sequence of str, optional
        Names from the table. By default the set of the methods: exact and weighted percent agreement, AC2,
        Brennan-Prediger, ordinal alpha, and Conger's weighted kappa where every officer rated the same
        subjects, Fleiss' where officers differ by subject; r_WG where a cell is a single subject.
    weights : str, optional
        Weights for every coefficient. By default the set of the methods shows quadratic and linear ones; a
        coefficient asked for by name gets quadratic weights, percent agreement none, alpha Krippendorff's
        ordinal metric, and everything none on a nominal scale.
    target : {"raters", "subjects", "cases", "both"}
        What the interval generalises to: other raters, other subjects (pairs of case and factor taken as
        independent), other cases with all their factors, other raters and cases. All but ``raters`` need 5
        cases or more.
    force : bool
        Show what the design cannot carry, with the flag ``forced``.

    Returns
    -------
    Result
        A suppressed value is ``nan`` with its reason; see :func:`arms_irr.analysis.design.verdict`.
    """
    rows: list[Row] = []
    kappa = "conger" if crossed(study) else "fleiss"
    for cell in cells(study, by):
        if cell.scale is None:
            rows += [Row(cell.group, name, undefined("mixed-scales", target=target)) for name in _names(coefficient)]
            continue
        counted = tally(study, cell)
        paradox = _paradox(counted)
        for name, how in asked_for(cell.scale, kappa, coefficient, weights):
            rows.append(Row(cell.group, name, _estimate(cell, counted, name, how, target, confidence_level, force, paradox)))
        if coefficient is None and cell.n_cases == cell.n_factors == 1:
            rows.append(Row(cell.group, "r_wg", _dispersion(counted, confidence_level)))
    notes = ("Subjects are pairs of case and factor; 'unable to rate' and blanks are left out.",)
    return Result("Agreement between raters", tuple(by), tuple(rows), notes, picture="coefficients",
                  names=study.case_titles, synthetic=study.synthetic)


def _names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return ("percent", "gwet", "brennan_prediger", "krippendorff", "conger")
    return (given,) if isinstance(given, str) else tuple(given)


def asked_for(scale: Scale, kappa: str, given: str | Sequence[str] | None, weights: str | None) -> list[Asked]:
    """The coefficients to compute, with their weights."""
    for name in _names(given):
        coefficient(name)  # an unknown name is refused before anything is computed
    alpha = weights or (ORDINAL_METRIC if scale.level != "nominal" else "identity")
    if given is not None:
        usual = weights or ("quadratic" if scale.level != "nominal" else "identity")
        own = {"krippendorff": alpha, "percent": weights or "identity"}
        return [(name, own.get(name, usual)) for name in _names(given)]
    spread = (weights,) if weights else ("identity",) if scale.level == "nominal" else ("quadratic", "linear")
    asked = [("percent", "identity"), *(("percent", w) for w in spread[:1] if w != "identity")]
    for name in ("gwet", "brennan_prediger", kappa):
        asked += [(name, w) for w in spread]
    return [*asked, ("krippendorff", alpha)]


def _estimate(
    cell: Cell, counted: Tally, name: str, how: str, target: str, level: float, force: bool, paradox: bool
) -> Estimate:
    row = KRIPPENDORFF_ORDINAL if how == ORDINAL_METRIC else coefficient(name)
    if how == ORDINAL_METRIC and name != "krippendorff":
        raise ArgumentError(f"the ordinal metric belongs to krippendorff; for {name} choose weights such as quadratic")
    w = agreement_weights("identity" if how == ORDINAL_METRIC else how, counted.scores)
    found = estimate(row, counted, w, target=target, confidence_level=level, weights=how)
    if "zero-se" in found.flags:  # an interval without width would be read as certainty
        found = replace(found, ci_low=np.nan, ci_high=np.nan)
    if target != "raters" and cell.n_cases < FEW:
        found = replace(found, se=np.nan, ci_low=np.nan, ci_high=np.nan, df=np.nan).flagged("few-cases")
    if row.needs_variation and paradox:
        found = found.flagged("prevalence")
    return _judge(found, verdict(cell, counted.n_units, counted.n_raters, row.needs_variation), force)


def _paradox(counted: Tally) -> bool:
    """High agreement beside a low kappa: unweighted percent agreement above Fleiss' kappa by more than .30, or
    one category holding more than .80 of the ratings (Feinstein & Cicchetti 1990)."""
    exact = np.eye(len(counted.scores))
    kappa = estimate(coefficient("fleiss"), counted, exact)
    return kappa.estimable and (kappa.observed - kappa.value > 0.3 or kappa.parts["largest_share"] > 0.8)


def _judge(found: Estimate, judged: Verdict, force: bool) -> Estimate:
    """Suppress what the design cannot carry, unless it was asked for."""
    if judged.status != "not identified":
        return found.flagged(*judged.flags)
    if force and found.estimable:
        return found.flagged(*judged.flags, "forced")
    return replace(found, flags=()).suppressed(*judged.flags)  # the reason is the design, whatever the value was


def _dispersion(counted: Tally, level: float) -> Estimate:
    return replace(r_wg(counted.counts.sum(axis=0), confidence_level=level), n_subjects=1, n_raters=counted.n_raters)


def icc_between(
    study: Study, by: Sequence[str] = ("factor", "risk_band"), *, form: str = "ICC(A,1)", confidence_level: float = 0.95,
    seed: int = 1, force: bool = False,
) -> Result:
    """Intraclass correlation of the category scores in each cell; subjects are its case-factor pairs.

    Complete cells use mean squares and F-based intervals; cells with missing ratings use REML with crossed
    subjects and raters and a Monte Carlo interval from ``seed``. The rule of suppression is that of
    :func:`between_raters`.
    """
    rows = []
    for cell in cells(study, by):
        if cell.scale is None:
            rows.append(Row(cell.group, form, undefined("mixed-scales")))
            continue
        counted = tally(study, cell)
        judged = verdict(cell, counted.n_units, counted.n_raters, True)
        if judged.status == "not identified" and not force:
            size = {"n_subjects": counted.n_units, "n_raters": counted.n_raters, "n_ratings": counted.n_ratings}
            rows.append(Row(cell.group, form, undefined(*judged.flags, confidence_level=confidence_level, **size)))
            continue
        found = icc_of(_scores(counted), form, confidence_level, seed=seed)
        rows.append(Row(cell.group, form, _judge(found, judged, force)))
    notes = ("Subjects are pairs of case and factor, rated by their category scores; 'unable to rate' and blanks are left out.",)
    return Result("Intraclass correlation", tuple(by), tuple(rows), notes, seed, synthetic=study.synthetic)


def _scores(counted: Tally) -> npt.NDArray[np.float64]:
    assert counted.codes is not None
    return np.where(counted.codes >= 0, counted.scores[counted.codes], np.nan)
