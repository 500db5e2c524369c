"""Where is "unable to rate" said, by whom, and is it said more often of protective factors? Rates and a mixed model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from arms_irr.analysis.ratability import share
from arms_irr.analysis.result import Result, Row
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.latent import category_probability, probability_difference
from arms_irr.statistics.ordinal import OrdinalFit, ordinal_model
from arms_irr.study.count import NOT_RECORDED, cells
from arms_irr.study.study import Study

__all__ = ["EVERYWHERE", "MOST", "SPREAD", "ratability_model", "unable_by_gold", "unable_rates", "unable_spread"]

EVERYWHERE = "all ratings"
MOST = 30_000  # ratings that a mixed model fits within seconds
SPREAD = ("lowest", "median", "highest")
_KINDS = ("risk", "protective")

Ints = npt.NDArray[np.integer]


# --- rates ------------------------------------------------------------------------------------------------


def unable_rates(study: Study, by: Sequence[str] = ("factor",), *, confidence_level: float = 0.95) -> Result:
    """The share of "unable to rate" among the answers; the interval is clustered by officer.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns. Factors on a scale that does not allow "unable to rate" are left out.
    """
    rows, r = [], study.ratings
    for cell in cells(study, by):
        if cell.scale is None or cell.scale.not_rated:
            answers = cell.rows[r.code[cell.rows] != NOT_GIVEN]
            rows.append(Row(cell.group, "unable_to_rate", share(r.code[answers] == UNABLE, r.rater[answers], confidence_level, "rater" in by)))
    return Result("Share of 'unable to rate'", tuple(by), tuple(rows), ("Blanks are no answers.",), synthetic=study.synthetic)


def unable_spread(study: Study) -> Result:
    """How officers differ in their share of "unable to rate".

    Returns
    -------
    Result
        By ``of``: ``lowest, median, highest`` share of an officer who answered at all; ``parts["officers"]`` of the first
        is how many officers never answered "unable to rate". Describes these officers: no interval.
    """
    r = study.ratings
    rows = _answers(study)
    answered = np.bincount(r.rater[rows], minlength=len(study.raters))
    unable = np.bincount(r.rater[rows], r.code[rows] == UNABLE, minlength=len(study.raters))
    shares = unable[answered > 0] / answered[answered > 0]
    size = {"n_raters": len(shares), "n_ratings": len(rows)}
    if not len(shares):
        found = [undefined("no-ratings", **size)] * len(SPREAD)
    else:
        never = {"officers": float((shares == 0).sum())}
        found = [Estimate(float(pick(shares)), method="over officers", parts=never, **size) for pick in (np.min, np.median, np.max)]
    rows_ = tuple(Row({"of": of}, "unable_to_rate", one) for of, one in zip(SPREAD, found, strict=True))
    return Result("Share of 'unable to rate', over officers", ("of",), rows_, synthetic=study.synthetic)


def unable_by_gold(study: Study, *, confidence_level: float = 0.95) -> Result:
    """The share of "unable to rate" where the gold standard is each category.

    Returns
    -------
    Result
        By ``gold``; empty without a gold standard, or where the factors do not share a scale.
    """
    rows, r, found = _answers(study), study.ratings, []
    scales = {study.instrument.factors[i].scale for i in np.unique(r.factor[rows])}
    if study.gold is not None and len(scales) == 1:
        gold = study.gold[r.case[rows], r.factor[rows]]
        for k, category in enumerate(study.instrument.scales[scales.pop()].categories):
            own = rows[gold == k]
            if len(own):
                found.append(Row({"gold": category}, "unable_to_rate", share(r.code[own] == UNABLE, r.rater[own], confidence_level)))
    return Result("Share of 'unable to rate', by gold standard", ("gold",), tuple(found), synthetic=study.synthetic)


def _answers(study: Study) -> Ints:
    """Rows of the answers on factors that allow "unable to rate"; the overall priority stands apart, as in every pool."""
    instrument = study.instrument
    allowed = np.array([bool(instrument.scales[f.scale].not_rated) and f.kind not in ("overall", "static") for f in instrument.factors])
    return np.flatnonzero(allowed[study.ratings.factor] & (study.ratings.code != NOT_GIVEN))


# --- the model --------------------------------------------------------------------------------------------


def ratability_model(study: Study, *, confidence_level: float = 0.95, most: int = MOST) -> Result:
    """Are protective factors harder to rate? A mixed logistic model of "unable to rate".

    Unable ~ kind x band, with random intercepts of officers and of pairs of case and factor: some officers say it more
    often, and some pairs invite it.

    Parameters
    ----------
    study : Study
    confidence_level : float
    most : int
        More ratings than these are not modelled.

    Returns
    -------
    Result
        By ``kind`` and ``where`` (each risk band, and "all ratings"): ``unable_probability``, the probability of "unable to
        rate" for other officers and other pairs like these, were every rating of that kind; with kind "protective
        less risk" their ``difference``, and in each band ``unable_odds_ratio`` (conditional on officer and pair; its
        p in ``parts``). Every number is ``nan`` with its reason where the model cannot be fitted; the notes say where
        the interaction was left out because a cell has no "unable to rate".

    Notes
    -----
    Laplace approximation; probabilities by marginal standardisation, delta method. Hedeker & Gibbons (1994),
    Biometrics 50, 933-944.
    """
    level = check_confidence(confidence_level)
    kinds = np.array([f.kind for f in study.instrument.factors])
    rows = _answers(study)
    rows = rows[np.isin(kinds[study.ratings.factor[rows]], _KINDS)]
    data = _Data.of(study, rows, kinds[study.ratings.factor[rows]] == "protective")
    fitted, notes = _fitted(data, most)
    both = "protective less risk"
    found: list[Row] = []
    for where, chosen in data.groups():
        if isinstance(fitted, Estimate):
            ends, difference, odds = [fitted, fitted], fitted, fitted
        else:
            ends, difference, odds = _compared(fitted, data, chosen, where, level)
        found += [Row({"kind": kind, "where": where}, "unable_probability", one) for kind, one in zip(_KINDS, ends, strict=True)]
        found.append(Row({"kind": both, "where": where}, "difference", difference))
        if odds is not None:
            found.append(Row({"kind": both, "where": where}, "unable_odds_ratio", odds))
    return Result("'Unable to rate' on protective and on risk factors, by a mixed logistic model", ("kind", "where"), tuple(found), notes,
                  synthetic=study.synthetic)


@dataclass(frozen=True)
class _Data:
    """Answers as columns: unable or not, protective or not, band, officer, pair of case and factor."""

    unable: Ints
    protective: Ints
    band: Ints
    officer: Ints
    pair: Ints
    labels: tuple[str, ...]

    @classmethod
    def of(cls, study: Study, rows: Ints, protective: npt.NDArray[np.bool_]) -> _Data:
        r = study.ratings
        own = study.case_attributes.get("risk_band", ("",) * len(study.cases))
        labels = [*study.bands, *([""] if "" in own else [])]
        band = np.array([labels.index(one) for one in own], dtype=np.int64)[r.case[rows]]
        pair = r.case[rows].astype(np.int64) * len(study.instrument.factors) + r.factor[rows]
        return cls((r.code[rows] == UNABLE).astype(np.int64), protective.astype(np.int64), band, r.rater[rows].astype(np.int64), pair,
                   tuple(one or NOT_RECORDED for one in labels))

    def groups(self) -> list[tuple[str, npt.NDArray[np.bool_]]]:
        """Each band, where there are several, and all ratings."""
        bands = [(label, self.band == k) for k, label in enumerate(self.labels) if (self.band == k).any()]
        return [*(bands if len(bands) > 1 else []), (EVERYWHERE, np.ones(len(self.band), dtype=bool))]

    def columns(self, crossed: bool, protective: int | None = None) -> dict[str, npt.NDArray[np.float64]]:
        """The fixed effects; every rating of one kind where ``protective`` is given."""
        kind = self.protective.astype(float) if protective is None else np.full(len(self.band), float(protective))
        bands = {f"band {k}": (self.band == k).astype(float) for k in np.unique(self.band)[1:]}
        return {"protective": kind, **bands, **({f"protective:{name}": kind * column for name, column in bands.items()} if crossed else {})}

    @property
    def bases(self) -> dict[str, int]:
        return {"n_subjects": len(np.unique(self.pair)), "n_raters": len(np.unique(self.officer)), "n_ratings": len(self.unable)}


@dataclass(frozen=True)
class _Model:
    fit: OrdinalFit
    crossed: bool


def _fitted(data: _Data, most: int) -> tuple[_Model | Estimate, tuple[str, ...]]:
    """The model with the interaction, without it where that separates, or why there is none."""
    bases = {**data.bases, "target": "both"}
    if flag := _unfit(data, most):
        return undefined(flag, **bases), ()
    random = {"officer": data.officer, "pair": data.pair}
    bands = len(np.unique(data.band))
    rates = [data.unable[(data.band == k) & (data.protective == p)] for k in np.unique(data.band) for p in (0, 1)]
    full = bands > 1 and all(len(own) and 0 < own.mean() < 1 for own in rates)
    bad: tuple[str, ...] = ()
    for crossed in (True, False) if full else (False,):
        columns = data.columns(crossed)
        design = np.column_stack([np.ones(len(data.unable)), *columns.values()])
        if np.linalg.matrix_rank(design) < design.shape[1]:
            return undefined("fixed-follows", **bases), ()
        fit = ordinal_model(data.unable, random=random, fixed=columns, categories=(0, 1), link="logit")
        bad = tuple(flag for flag in ("separated", "not-converged") if flag in fit.flags)
        if not bad:
            told = "The ratio of protective to risk factors is taken to be the same in every risk band: in one of them a kind has no " \
                   "'unable to rate' at all, or the model with a ratio for each band could not be fitted."
            return _Model(fit, crossed), (told,) if bands > 1 and not crossed else ()
    return undefined(*bad, **bases), ()


def _unfit(data: _Data, most: int) -> str:
    bases = data.bases
    if not len(data.unable):
        return "no-ratings"
    if bases["n_raters"] < 2:
        return "one-rater"
    if len(data.unable) > most:
        return "too-many-ratings"
    if data.protective.min() == data.protective.max():
        return "one-kind"
    if not data.unable.any():
        return "never-unable"
    if data.unable.all():
        return "one-category"
    return "saturated" if bases["n_subjects"] in (1, len(data.unable)) or bases["n_raters"] == len(data.unable) else ""


def _compared(model: _Model, data: _Data, chosen: npt.NDArray[np.bool_], where: str, level: float) -> tuple[list[Estimate], Estimate, Estimate | None]:
    """Probability of each kind, their difference, and the odds ratio where it is one number."""
    fit = model.fit
    bases = {**data.bases, "n_ratings": int(chosen.sum())}
    sides = [{name: column[chosen] for name, column in data.columns(model.crossed, kind).items()} for kind in (0, 1)]
    kept = tuple(flag for flag in fit.flags if flag == "boundary")

    def about(one: Estimate) -> Estimate:
        flags = tuple(flag for flag in one.flags if flag in ("boundary", "interval-fallback"))
        return replace(one, target="both", flags=flags, **bases)

    ends = [about(category_probability(fit, 1, side, confidence_level=level)) for side in sides]
    difference = about(probability_difference(fit, 1, sides[1], sides[0], confidence_level=level))
    if model.crossed and where == EVERYWHERE:
        return ends, difference, None
    bands = np.unique(data.band[chosen])
    chosen_names = ["protective", *([f"protective:band {bands[0]}"] if model.crossed else [])]
    places = [fit.names.index(name) for name in chosen_names if name in fit.names]
    log_odds = float(fit.estimates[places].sum())
    se = math.sqrt(float(fit.covariance[np.ix_(places, places)].sum()))
    half = float(ndtri((1 + level) / 2)) * se
    p = math.erfc(abs(log_odds) / se / math.sqrt(2))
    odds = Estimate(math.exp(log_odds), ci_low=math.exp(log_odds - half), ci_high=math.exp(log_odds + half), confidence_level=level,
                    df=math.inf, method="mixed logistic model, normal interval of the logarithm", target="both", flags=kept,
                    parts={"p": p, "log_odds": log_odds, "log_odds_se": se}, **bases)
    return ends, difference, odds
