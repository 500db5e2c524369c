"""How severe is each officer, on one scale with the items and the categories, and can the ratings tell officers apart?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from arms_irr.analysis.design import FEW
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Scale
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.rasch_fit import SeverityFit, fit_severity
from arms_irr.statistics.rasch_residuals import (
    MeanSquares,
    exact_agreement,
    fair_average,
    mean_square_limits,
    mean_squares,
    separation,
    spread,
    weighted_likelihood,
)
from arms_irr.study.count import cells
from arms_irr.study.study import Study

__all__ = ["severity"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]

_SIMULATED = 20_000_000  # ratings simulated for the limits of the mean squares, at most
_COHORT = {"facet": "cohort", "name": "officers"}
_SIGN = ("A positive severity rates as more of a priority, in logits. Programs that subtract severity (FACETS, for "
         "example) print it with the opposite sign.")


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Ratings of officers (N) by items (I), an item being a case and a factor."""

    codes: Ints
    gold: Ints
    case: Ints
    factor: Ints
    scale: Scale
    again: bool  # whether later occasions were left out


def severity(
    study: Study, *, thresholds: Literal["rating-scale", "partial-credit"] = "rating-scale", anchor: Literal["gold", "mean"] = "gold",
    interaction: bool = False, case_facet: Literal["cells", "random"] = "cells", confidence_level: float = 0.95, seed: int = 1,
    replicates: int | None = None,
) -> Result:
    """Severity of every officer under a many-facet Rasch model (Linacre 1989), items being case-factor cells.

    Parameters
    ----------
    thresholds : str
        ``rating-scale``: all factors share the thresholds between categories. ``partial-credit``: each factor has its
        own, where every category occurs at least twice in it.
    anchor : str
        ``gold``: severity 0 is the gold standard's, which enters as one more rater. ``mean``: severity 0 is the mean
        officer's; also used where the gold standard cannot be placed, with a note.
    interaction : bool
        Whether to add each officer's severity on protective factors less that on risk factors.
    case_facet : str
        ``cells``: items are cells with free locations. ``random``: adds the spread of cases as a distribution, which
        needs at least 5 cases.
    seed, replicates : int
        Of the simulation that gives limits to infit and outfit; by default 500 replicates, fewer in large studies.

    Returns
    -------
    Result
        Rows by ``facet`` and ``name``. ``officer``: ``severity``, ``fair_average``, ``infit``, ``outfit``,
        ``exact_agreement``, ``expected_agreement``. ``item``: ``location``, ``infit``, ``outfit``. ``factor``, ``case``:
        ``location``, the mean of their items. ``threshold``: ``threshold``. ``cohort``: ``severity_mean``, ``severity_sd``
        (``parts``: likelihood ratio and p of no spread), ``separation``, ``separation_reliability``, ``strata``,
        ``equal_severity``, agreements, ``log_likelihood``, ``case_sd``. ``officer x kind``: ``kind_bias``.
        The ``parts`` of a severity: ``from_mean``, ``from_mean_se``, the distance from the mean officer (flag ``not-separated``
        where its interval holds 0); plug-in ``eap`` and ``posterior_sd`` from the mean officer; ``wle`` and ``wle_se`` from the
        anchor. Infit and outfit have the limits of officers who follow the model in ``parts`` (``model_low``, ``model_high``).

    Raises
    ------
    ArgumentError
        Another word for an option; a random case facet with fewer than 5 cases.
    """
    check_confidence(confidence_level)
    _check(study, thresholds, anchor, case_facet, replicates)
    question = "Severity of the officers"
    sheet = _sheet(study)
    reason = _refusal(sheet)
    if isinstance(sheet, _Sheet) and not reason:
        try:
            fit, notes = _fit(study, sheet, thresholds, anchor, confidence_level)
        except ArgumentError:
            reason = "no-variance"
    if reason or not isinstance(sheet, _Sheet):
        return _nothing(study, question, reason, seed)
    report = _Report(study, sheet, fit, confidence_level, thresholds == "partial-credit")
    rows, more = report.rows(interaction, case_facet == "random", seed, replicates)
    return Result(question, ("facet", "name"), tuple(rows), (_SIGN, *notes, *more), seed, synthetic=study.synthetic,
                  instrument=study.instrument, names=study.case_titles)


def _check(study: Study, thresholds: str, anchor: str, case_facet: str, replicates: int | None) -> None:
    options = {"thresholds": (thresholds, ("rating-scale", "partial-credit")), "anchor": (anchor, ("gold", "mean")),
               "case_facet": (case_facet, ("cells", "random"))}
    for name, (given, known) in options.items():
        if given not in known:
            raise ArgumentError(f"{name}={given!r} is not known. Give one of: {', '.join(known)}.")
    if case_facet == "random" and len(study.cases) < FEW:
        raise ArgumentError(f"case_facet='random' takes cases as a sample from a distribution, which {len(study.cases)} cases cannot "
                            f"show: it needs at least {FEW}. Use case_facet='cells', with a location for each case and factor.")
    if replicates is not None and replicates < 20:
        raise ArgumentError(f"replicates={replicates} is too few for limits: give at least 20.")


def _sheet(study: Study) -> _Sheet | str:
    """The ratings as a table, or the flag of why there is none."""
    pooled = cells(study, [])
    if not pooled:
        return "no-ratings"
    if pooled[0].scale is None:
        return "mixed-scales"
    ratings, rows = study.ratings, pooled[0].rows
    width = len(study.instrument.factors)
    first = ratings.occasion[rows] == ratings.occasion[rows].min()
    rows = rows[first]
    cell, item = np.unique(ratings.case[rows].astype(np.int64) * width + ratings.factor[rows], return_inverse=True)
    codes = np.full((len(study.raters), len(cell)), -1, dtype=np.int64)
    codes[ratings.rater[rows], item] = np.maximum(ratings.code[rows], -1)
    case, factor = cell // width, cell % width
    gold = np.full(len(cell), -1) if study.gold is None else np.maximum(study.gold[case, factor], -1).astype(np.int64)
    return _Sheet(codes, gold, case, factor, pooled[0].scale, not bool(first.all()))


def _refusal(sheet: _Sheet | str) -> str:
    if isinstance(sheet, str):
        return sheet
    officers = int((sheet.codes >= 0).any(axis=1).sum())
    if officers == 0:
        return "no-ratings"
    return "" if officers >= FEW else "one-rater" if officers == 1 else "few-officers"


def _nothing(study: Study, question: str, reason: str, seed: int) -> Result:
    rows = [Row({"facet": "officer", "name": rater}, "severity", undefined(reason)) for rater in study.raters]
    rows += [Row(_COHORT, name, undefined(reason)) for name in ("severity_sd", "separation", "separation_reliability")]
    return Result(question, ("facet", "name"), tuple(rows), ("No severity model can be fitted to these ratings.",), seed,
                  synthetic=study.synthetic, instrument=study.instrument, names=study.case_titles)


def _fit(study: Study, sheet: _Sheet, thresholds: str, anchor: str, level: float) -> tuple[SeverityFit, list[str]]:
    groups = sheet.factor if thresholds == "partial-credit" else None
    if anchor == "gold" and (sheet.gold >= 0).any():
        try:
            fit = fit_severity(sheet.codes, anchor=sheet.gold, groups=groups, confidence_level=level)
        except ArgumentError:
            fit = None
        if fit is not None and "separated" not in fit.flags:
            return fit, ["Severity 0 is the gold standard's, which enters the model as one more rater: its own place rests on one "
                         "rating an item, and every interval of a severity counts that."]
    why = ["There is no gold standard here."] if not (sheet.gold >= 0).any() else ["The gold standard cannot be placed on the scale."]
    fit = fit_severity(sheet.codes, groups=groups, confidence_level=level)
    return fit, [*(why if anchor == "gold" else []), "Severity 0 is the mean officer's."]


class _Report:
    """The rows of one fit."""

    def __init__(self, study: Study, sheet: _Sheet, fit: SeverityFit, level: float, own: bool) -> None:
        self.study, self.sheet, self.fit, self.level, self.own = study, sheet, fit, level, own
        self.z = float(ndtri((1 + level) / 2))
        rated = sheet.codes >= 0
        self.each, self.per_item = rated.sum(axis=1), rated.sum(axis=0)
        self.apart = (self.each > 0) & (np.abs(fit.gap) > self.z * fit.gap_se)
        self.kept, self.codes = fit.kept, fit.codes[:, fit.kept]
        self.wle, self.wle_se = weighted_likelihood(self.codes, fit.table[fit.kept], fit.scores)

    def estimate(self, value: float, se: float = math.nan, low: float = math.nan, high: float = math.nan, **fields: object) -> Estimate:
        """An Estimate of this study, with the fit's flags; a normal interval where only ``se`` is given."""
        if math.isnan(low) and not math.isnan(se):
            low, high = value - self.z * se, value + self.z * se
        flags = (*self.fit.flags, *fields.pop("flags", ()))  # type: ignore[misc]
        basis: dict[str, object] = {"n_subjects": len(self.kept), "n_raters": int((self.each > 0).sum()),
                                    "n_ratings": int(self.each.sum()), "target": "raters"}
        known = {"se": se, "ci_low": low, "ci_high": high, "confidence_level": self.level, "flags": flags, **basis, **fields}
        return Estimate(float(value), **known) if not math.isnan(value) else undefined(*(flags or ("no-ratings",)), **basis)  # type: ignore[arg-type]

    def rows(self, interaction: bool, cases: bool, seed: int, replicates: int | None) -> tuple[list[Row], list[str]]:
        """Every row, and the notes that follow from them."""
        n = replicates or int(np.clip(_SIMULATED // max(self.codes.size, 1), 20, 500))
        table, scores = self.fit.table[self.kept], self.fit.scores
        squares = mean_squares(self.codes, table, scores, self.wle)
        low, high = mean_square_limits(self.codes, table, scores, self.wle, confidence_level=self.level, replicates=n,
                                       rng=np.random.default_rng(seed))
        found = [*self.officers(squares, low, high), *self.items(squares, low, high), *self.thresholds(), *self.cohort()]
        found += self.kind_bias() if interaction else []
        found += [self.cases()] if cases else []
        return found, [*self.words(), f"The limits of infit and outfit come from {n} simulated sets of ratings that follow the model."]

    def officers(self, squares: MeanSquares, low: MeanSquares, high: MeanSquares) -> list[Row]:
        """Severity, fair average, mean squares and agreement of each officer."""
        fit, points = self.fit, np.array(self.sheet.scale.scores, dtype=np.float64)[self.fit.categories]
        average = np.mean(fit.table[self.kept], axis=0)
        fair = [fair_average(average, fit.scores, s, points) for s in (fit.severity, fit.low, fit.high)]
        agreed = exact_agreement(fit.codes[:, self.per_item > 0], fit.table[self.per_item > 0], fit.scores, self.wle)
        rows = []
        for j, rater in enumerate(self.study.raters):
            group, size = {"facet": "officer", "name": rater}, {"n_raters": 1, "n_ratings": int(self.each[j]), "n_subjects": int(self.each[j])}
            if not self.each[j]:
                rows.append(Row(group, "severity", undefined("no-ratings")))
                continue
            alike = () if self.apart[j] else ("not-separated",)
            parts = {name: float(values[j]) for name, values in (
                ("from_mean", fit.gap), ("from_mean_se", fit.gap_se), ("eap", fit.eap), ("posterior_sd", fit.posterior_sd),
                ("wle", self.wle), ("wle_se", self.wle_se))}
            rows.append(Row(group, "severity", self.estimate(
                fit.severity[j], float(fit.se[j]), float(fit.low[j]), float(fit.high[j]), flags=alike,
                method="posterior mean, marginal maximum likelihood", parts=parts, **size)))
            rows.append(Row(group, "fair_average", self.estimate(fair[0][j], math.nan, float(fair[1][j]), float(fair[2][j]), **size)))
            for name in ("infit", "outfit"):
                rows.append(Row(group, name, self._square(f"officer_{name}", j, squares, low, high, size)))
            rows.append(Row(group, "exact_agreement", self.estimate(agreed.observed[j], expected=float(agreed.expected[j]), **size)))
            rows.append(Row(group, "expected_agreement", self.estimate(agreed.expected[j], **size)))
        return rows

    def _square(self, name: str, at: int, squares: MeanSquares, low: MeanSquares, high: MeanSquares, size: dict[str, int]) -> Estimate:
        limits = {"model_low": float(getattr(low, name)[at]), "model_high": float(getattr(high, name)[at])}
        return self.estimate(getattr(squares, name)[at], parts=limits, **size)

    def items(self, squares: MeanSquares, low: MeanSquares, high: MeanSquares) -> list[Row]:
        """Locations: of every item with its mean squares, and the means of factors and of cases."""
        fit, study, sheet = self.fit, self.study, self.sheet
        ids = [f.id for f in study.instrument.factors]
        rows, at = [], np.cumsum(self.kept) - 1
        for i in np.flatnonzero(self.per_item).tolist():
            group = {"facet": "item", "name": f"{study.cases[sheet.case[i]]}, {ids[sheet.factor[i]]}"}
            size = {"n_subjects": 1, "n_raters": int(self.per_item[i]), "n_ratings": int(self.per_item[i])}
            flags = ("extreme-item",) if fit.extreme[i] else ()
            rows.append(Row(group, "location", self.estimate(fit.location[i], float(fit.location_se[i]), flags=flags, **size)))
            if self.kept[i]:
                rows += [Row(group, name, self._square(f"item_{name}", int(at[i]), squares, low, high, size)) for name in ("infit", "outfit")]
        for facet, index, labels in (("factor", sheet.factor, ids), ("case", sheet.case, study.cases)):
            for value in np.unique(index[self.kept]).tolist():
                mean, se, n = self._mean(index == value)
                rows.append(Row({"facet": facet, "name": labels[value]}, "location", self.estimate(mean, se, n_subjects=n)))
        return rows

    def _mean(self, chosen: npt.NDArray[np.bool_]) -> tuple[float, float, int]:
        """Mean location of the chosen items that are not extreme, its standard error and their number."""
        inside = chosen[self.kept]
        weight = np.zeros(len(self.fit.covariance))
        weight[: len(inside)] = inside / inside.sum()
        variance = float(weight @ self.fit.covariance @ weight)
        return float(self.fit.location[chosen & self.kept].mean()), math.sqrt(variance) if variance >= 0 else math.nan, int(inside.sum())

    def thresholds(self) -> list[Row]:
        """Thresholds between neighbouring categories, of each factor where they are its own."""
        fit, sheet = self.fit, self.sheet
        labels = [sheet.scale.categories[k] for k in fit.categories]
        rows = []
        for g in range(len(fit.thresholds)):
            factors = np.unique(sheet.factor[fit.group == g])
            names = ", ".join(self.study.instrument.factors[f].id for f in factors)
            shared = ("thresholds-shared",) if len(factors) > 1 and len(fit.thresholds) > 1 else ()
            for k in range(len(labels) - 1):
                name = f"{labels[k]} | {labels[k + 1]}" + (f" ({names})" if len(fit.thresholds) > 1 else "")
                rows.append(Row({"facet": "threshold", "name": name}, "threshold", self.estimate(
                    fit.thresholds[g, k], float(fit.threshold_se[g, k]), flags=shared)))
        return rows

    def cohort(self) -> list[Row]:
        """The officers together."""
        fit = self.fit
        apart, equal = separation(self.wle, self.wle_se), spread(self.wle, self.wle_se)
        agreed = exact_agreement(fit.codes[:, self.per_item > 0], fit.table[self.per_item > 0], fit.scores, self.wle)
        test = {"likelihood_ratio": fit.likelihood_ratio, "p": fit.p}
        found = {
            "severity_mean": self.estimate(fit.mean, fit.mean_se),
            "severity_sd": self.estimate(fit.sigma, fit.sigma_se, fit.sigma_low, fit.sigma_high, parts=test,
                                         method="marginal maximum likelihood, profile likelihood interval"),
            "separation": self.estimate(apart.separation),
            "separation_reliability": self.estimate(apart.reliability, parts={"eap_reliability": _eap_reliability(fit, self.each > 0)}),
            "strata": self.estimate(apart.strata),
            "equal_severity": self.estimate(equal.chi_square, df=float(equal.df), parts={"p": equal.p}),
            "exact_agreement": self.estimate(agreed.pooled_observed, expected=agreed.pooled_expected),
            "expected_agreement": self.estimate(agreed.pooled_expected),
            "log_likelihood": self.estimate(fit.log_likelihood),
        }
        return [Row(_COHORT, name, value) for name, value in found.items()]

    def kind_bias(self) -> list[Row]:
        """Severity on protective less severity on risk factors, items as fitted: a second step after the model."""
        kind = np.array([f.kind for f in self.study.instrument.factors])[self.sheet.factor[self.kept]]
        halves = {name: kind == name for name in ("risk", "protective")}
        group = {"facet": "officer x kind"}
        if not all(half.any() for half in halves.values()):
            return [Row(_COHORT, "kind_bias", undefined("nobody-in-both"))]
        table = self.fit.table[self.kept]
        (risk, risk_se), (protective, protective_se) = (weighted_likelihood(self.codes[:, half], table[half], self.fit.scores)
                                                       for half in halves.values())
        gap, se = protective - risk, np.hypot(protective_se, risk_se)
        rows = [Row({**group, "name": rater}, "kind_bias", self.estimate(gap[j], float(se[j]), n_raters=1, n_ratings=int(self.each[j])))
                for j, rater in enumerate(self.study.raters)]
        both = spread(gap, se)
        rows.append(Row(_COHORT, "kind_bias", self.estimate(both.mean, both.mean_se)))
        rows.append(Row(_COHORT, "kind_bias_sd", self.estimate(both.sd, parts={"chi_square": both.chi_square, "df": float(both.df), "p": both.p})))
        return rows

    def cases(self) -> Row:
        """How far the cases' mean locations lie apart beyond their standard errors."""
        means = [self._mean(self.sheet.case == c)[:2] for c in np.unique(self.sheet.case[self.kept]).tolist()]
        between = spread(*np.array(means).T)
        parts = {"chi_square": between.chi_square, "df": float(between.df), "p": between.p}
        return Row(_COHORT, "case_sd", replace(self.estimate(between.sd, parts=parts), target="cases", n_subjects=len(means)))

    def words(self) -> list[str]:
        """What the numbers allow one to say."""
        fit, rated = self.fit, self.each > 0
        reliability = separation(self.wle, self.wle_se).reliability
        notes = ["Items are case-factor pairs with a location each: severities are about these cases, not about others."]
        if not fit.sigma_low > 0:
            notes.append("These ratings cannot separate officers by severity: all the differences between them may be chance, "
                         "the interval of their standard deviation begins at 0. Do not rank officers or judge one by a severity.")
        elif not reliability >= 0.8:
            notes.append(f"These ratings separate officers as a group but not one from another: reliability {reliability:.2f}. Do not rank "
                         "officers or judge one by a severity.")
        notes.append(f"{int(self.apart.sum())} of {int(rated.sum())} officers lie further from the mean officer than their uncertainty; the "
                     "interval of a severity also counts the uncertainty of its origin.")
        if fit.extreme.any():
            notes.append(f"{int(fit.extreme.sum())} items were put at the same end of the scale by everyone and say nothing about severity.")
        if self.own and len(fit.thresholds) == 1:
            notes.append("No factor can have thresholds of its own: they are finite only where some item was put at both ends. All factors "
                         "share them.")
        if self.sheet.again:
            notes.append("Only the first occasion enters.")
        return notes


def _eap_reliability(fit: SeverityFit, rated: npt.NDArray[np.bool_]) -> float:
    """Variance of the plug-in posterior means over that plus their mean variance (``nan`` when both are 0)."""
    between, within = float(np.var(fit.eap[rated], ddof=1)), float(np.mean(fit.posterior_sd[rated] ** 2))
    return between / (between + within) if between + within > 0 else math.nan
