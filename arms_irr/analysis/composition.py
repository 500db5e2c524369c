"""Is it the band, or what the gold standard asks for? Agreement by gold category, standardised, and modelled.

A middle category can be missed on two sides, an end category on one: at the same precision officers agree less
with a gold standard in the middle. Two bands whose gold standards differ in mix differ for that reason too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, ndtri, stdtr, stdtrit

from arms_irr.analysis.contrasts import name_of
from arms_irr.analysis.gold import outcomes
from arms_irr.analysis.levels import Sides, check_statistic, has_levels, sides, subjects
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.ordinal import OrdinalFit, dummies, ordinal_model
from arms_irr.statistics.proportions import clustered
from arms_irr.statistics.rater_contrasts import cut, ratio_contrast
from arms_irr.statistics.tally import Codes
from arms_irr.statistics.weights import Floats
from arms_irr.study.count import cells, per_rater
from arms_irr.study.study import Study

__all__ = ["MOST", "adjusted_contrast", "by_gold_category", "standardised_contrast"]

MOST = 30_000  # ratings that a mixed model fits within seconds
_STEP = 1e-5


def by_gold_category(study: Study, by: Sequence[str] = ("risk_band",), *, confidence_level: float = 0.95) -> Result:
    """Exact agreement by the category of the gold standard, in each cell.

    Returns
    -------
    Result
        A row ``exact`` for each cell and category that its gold standard holds, under the column ``gold``; interval
        clustered by officer. ``parts``: ``gold_share``, the share of the cell's case-factor pairs with that gold.

    Raises
    ------
    ArgumentError
        Where the study has no gold standard, and for unknown columns.
    """
    check_statistic(study, "exact")
    rows: list[Row] = []
    for cell in cells(study, by):
        if cell.scale is None:
            rows.append(Row({**cell.group, "gold": ""}, "exact", undefined("mixed-scales", target="raters")))
            continue
        of_cell = _gold(study, cell.rows)
        every = subjects(study, replace(cell, rows=cell.rows[of_cell >= 0]))
        given, values, _ = outcomes(study, cell, "exact")
        gold = _gold(study, given)
        for k in np.unique(of_cell[of_cell >= 0]).tolist():
            n = subjects(study, replace(cell, rows=cell.rows[of_cell == k]))
            found = clustered(*per_rater(study.ratings.rater[given[gold == k]], values[gold == k], np.ones(int((gold == k).sum()))),
                              confidence_level)
            found = replace(found, n_subjects=n, parts={**found.parts, "gold_share": n / every})
            rows.append(Row({**cell.group, "gold": cell.scale.categories[k]}, "exact", found))
    notes = ("A gold standard in the middle can be missed on two sides, one at the end of the scale on one side only: at the same precision "
             "officers agree less with it.",)
    return Result("Agreement by category of the gold standard", (*by, "gold"), tuple(rows), notes, names=study.case_titles,
                  synthetic=study.synthetic)


def _gold(study: Study, rows: Codes) -> Codes:
    """(n,) gold category of each rating, negative where it is none."""
    assert study.gold is not None
    return np.asarray(study.gold[study.ratings.case[rows], study.ratings.factor[rows]])


def _pairs(study: Study, rows: Codes) -> Codes:
    """(n,) the case-factor pair of each rating, as its place in the gold standard."""
    return study.ratings.case[rows].astype(np.int64) * len(study.instrument.factors) + study.ratings.factor[rows]


def standardised_contrast(
    study: Study, column: str = "risk_band", *, levels: Sequence[str] | None = None, within: Mapping[str, str] | None = None,
    confidence_level: float = 0.95,
) -> Result:
    """Exact agreement at two levels, each given the same mix of gold categories (direct standardisation).

    The common mix is that of the case-factor pairs of both levels together, over the categories that both have. The
    agreement of a level is the mean over categories, weighted by that mix, of its share of agreement in each.

    Parameters
    ----------
    column, levels, within
        As for :func:`arms_irr.analysis.contrasts.contrast`, for columns that vary within officers.

    Returns
    -------
    Result
        ``standardised_exact`` of each level and the ``difference``: linearised, officers as clusters, t. ``parts``
        of the difference: ``p`` of that t, ``crude`` (the difference not standardised, of the same ratings) and
        ``mix_NAME``, the common mix. No category in common: ``nan``, ``no-shared-gold``.

    References
    ----------
    Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., chapter 19.
    """
    level = check_confidence(confidence_level)
    check_statistic(study, "exact")
    two = sides(study, column, levels, within)
    if two.between:
        raise ArgumentError(f"{column!r} is an attribute of officers: both groups rate the same gold standards; use contrast()")
    found, notes = _standardised(study, two, level)
    extra = dict(within or {})
    rows = tuple(Row({"contrast": column, "level": label, **extra}, name, one) for label, name, one in zip(
        (*two.levels, two.words), ("standardised_exact", "standardised_exact", "difference"), found, strict=True))
    return Result(f"{two.levels[0]} and {two.levels[1]} at the same mix of gold standards", ("contrast", "level", *extra), rows,
                  (*two.notes, *notes), names=study.case_titles, synthetic=study.synthetic)


def _standardised(study: Study, two: Sides, level: float) -> tuple[list[Estimate], list[str]]:
    scale = two.cells[0].scale
    if scale is None or two.cells[1].scale is not scale:
        return [undefined("mixed-scales", target="raters")] * 3, []
    raters, q = len(study.raters), len(scale.categories)
    sums, totals, cells_of = np.zeros((2, q, raters)), np.zeros((2, q, raters)), np.zeros((2, q))
    for k, cell in enumerate(two.cells):
        rows, values, _ = outcomes(study, cell, "exact")
        place = _gold(study, rows).astype(np.int64) * raters + study.ratings.rater[rows]
        sums[k] = np.bincount(place, values, minlength=q * raters).reshape(q, raters)
        totals[k] = np.bincount(place, minlength=q * raters).reshape(q, raters)
        gold = np.asarray(study.gold).ravel()[np.unique(_pairs(study, cell.rows))]
        cells_of[k] = np.bincount(gold[gold >= 0], minlength=q)[:q]
    shared = (totals.sum(axis=2) > 0).all(axis=0)
    if not shared.any():
        return [undefined("no-shared-gold", target="raters")] * 3, []
    mix = np.where(shared, cells_of.sum(axis=0), 0.0)
    mix /= mix.sum()
    y, m = (x[:, shared].reshape(-1, raters).T for x in (sums, totals))  # (R, levels x shared categories)
    zero, part = np.zeros(int(shared.sum())), mix[shared]
    signs = np.concatenate([part, zero]), np.concatenate([zero, part]), np.concatenate([part, -part])
    flags = ["gold-not-shared"] if (cells_of.any(axis=0) & ~shared).any() else []
    found = [replace(ratio_contrast(y[:, c != 0], m[:, c != 0], c[c != 0], level), n_subjects=int(n), method="standardised to a common mix, linearised, t interval over raters")
             for c, n in zip(signs, [*cells_of.sum(axis=1), cells_of.sum()], strict=True)]
    found[:2] = [replace(one, ci_low=max(one.ci_low, 0.0), ci_high=min(one.ci_high, 1.0), parts={}) for one in found[:2]]
    crude = [float(sums[k][shared].sum() / totals[k][shared].sum()) for k in (0, 1)]
    parts = {**found[2].parts, "p": found[2].parts.get("p_t", math.nan), "crude": crude[0] - crude[1]}
    parts |= {f"mix_{name}": float(share) for name, share in zip(scale.categories, mix, strict=True)}
    found[2] = cut(replace(found[2], parts=parts), 1.0).flagged(*flags, *two.flags)
    words = ", ".join(f"{name} {100 * share:.0f} %" for name, share in zip(scale.categories, mix, strict=True) if share)
    return found, [f"Common mix of gold standards: {words}."]


# --- the mixed logistic model -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Model:
    """A fit and the size of its data."""

    fit: OrdinalFit
    n_raters: int
    n_subjects: int


def adjusted_contrast(
    study: Study, *, levels: Mapping[str, Sequence[str]] | None = None, confidence_level: float = 0.95, points: int = 31
) -> Result:
    """Band and kind adjusted for each other and for the gold category: a mixed logistic model of exact agreement.

    logit P(exact) = intercept + band + kind + gold category + officer + case-factor pair, the last two random. The
    contrast of a column is on the scale of probability, by marginal standardisation: every rating once as if
    at its first level, once as if at its second, averaged over the ratings and over both random effects.

    Parameters
    ----------
    levels : mapping, optional
        Two levels of ``risk_band`` and of ``kind``, by the column's name.
    points : int
        Of the Gauss-Hermite quadrature over the random effects.

    Returns
    -------
    Result
        For ``risk_band`` and ``kind``, where the study has two levels: ``adjusted_exact`` of each and the
        ``difference``, by the delta method with t on the number of officers less 1; ``parts``: ``p``, ``odds_ratio``
        with ``odds_ratio_low`` and ``odds_ratio_high`` for an officer and a pair at given random effects, ``sd_officer``,
        ``sd_pair``. Target ``both``: other officers, and other case-factor pairs like these. ``nan`` with the
        reason where the model separates, does not converge, or there are more than ``MOST`` ratings.

    References
    ----------
    Laplace fit: Tierney & Kadane (1986), JASA 81:82-86. Marginal standardisation: Lane & Nelder (1982), Biometrics
    38:613-621.
    """
    level = check_confidence(confidence_level)
    check_statistic(study, "exact")
    given = dict(levels or {})
    pairs = {column: sides(study, column, given.get(column)) for column in ("risk_band", "kind") if has_levels(study, column, given.get(column))}
    model = _fitted(study, pairs)
    rows: list[Row] = []
    for column, two in pairs.items():
        found = _marginal(model, column, level, points) if isinstance(model, _Model) else [model] * 3
        found[2] = found[2].flagged(*two.flags)
        rows += [Row({"contrast": column, "level": label}, name, one) for label, name, one in zip(
            (*two.levels, two.words), ("adjusted_exact", "adjusted_exact", name_of("difference", "exact", None)), found, strict=True)]
    notes = ["Probabilities of a mixed logistic model, averaged over the ratings of the study; the interval is for other officers and other "
             "pairs of case and factor like these." if pairs else "There are neither two risk bands nor two kinds of factors to compare."]
    if any("one-case-per-band" in two.flags for two in pairs.values()):
        notes.append("With one case on a side the band is the case: the model adjusts for the gold standard, not for the story.")
    return Result("Agreement with the gold standard, adjusted for its category", ("contrast", "level"), tuple(rows), tuple(notes),
                  names=study.case_titles, synthetic=study.synthetic)


def _fitted(study: Study, pairs: Mapping[str, Sides]) -> _Model | Estimate:
    """The model on the ratings at the levels of every column, or why there is none."""
    if not pairs:
        return undefined("no-ratings", target="both")
    keys = {column: _places(study, two) for column, two in pairs.items()}
    rows = np.flatnonzero(np.logical_and.reduce([key >= 0 for key in keys.values()]))
    whole = [cell for two in pairs.values() for cell in two.cells]
    if any(cell.scale is not whole[0].scale or cell.scale is None for cell in whole):
        return undefined("mixed-scales", target="both")
    rows = rows[(study.ratings.code[rows] >= 0) & (_gold(study, rows) >= 0)]
    r, gold = study.ratings, _gold(study, rows)
    y = (r.code[rows] == gold).astype(np.int64)
    pair = _pairs(study, rows)
    size = {"n_ratings": len(rows), "n_raters": len(np.unique(r.rater[rows])), "n_subjects": len(np.unique(pair)), "target": "both"}
    reason = _unfit(y, size)
    if reason:
        return undefined(reason, **size)
    # 1 for the first level, so that a coefficient has the sign of the difference.
    fixed = {column: (key[rows] == 0).astype(np.float64) for column, key in keys.items()} | dummies("gold", gold)
    fixed, lost = _independent(fixed)
    if set(lost) & set(pairs):
        return undefined("fixed-follows", **size)
    random = {name: codes for name, codes in (("officer", r.rater[rows]), ("pair", pair)) if 1 < len(np.unique(codes)) < len(rows)}
    fit = ordinal_model(y, random=random, fixed=fixed, categories=(0, 1), link="logit")
    bad = [flag for flag in ("separated", "not-converged", "one-category") if flag in fit.flags]
    return undefined(*bad, **size) if bad else _Model(fit, size["n_raters"], size["n_subjects"])


def _unfit(y: Codes, size: Mapping[str, object]) -> str:
    if not len(y):
        return "no-ratings"
    if size["n_raters"] == 1:
        return "one-rater"
    if len(y) > MOST:
        return "too-many-ratings"
    return "one-category" if y.min() == y.max() else ""


def _places(study: Study, two: Sides) -> Codes:
    """(N,) 0 and 1 for the ratings at the first and the second level, -1 for the others."""
    key = np.full(len(study.ratings.code), -1)
    for k, cell in enumerate(two.cells):
        key[cell.rows] = k
    return key


def _independent(fixed: Mapping[str, Floats]) -> tuple[dict[str, Floats], list[str]]:
    """The columns that add to the intercept and to the gold categories; contrasts go last, so that they are the ones lost."""
    order = sorted(fixed, key=lambda name: not name.startswith("gold"))
    kept: dict[str, Floats] = {}
    lost = []
    for name in order:
        columns = np.column_stack([np.ones(len(fixed[name])), *kept.values(), fixed[name]])
        if np.linalg.matrix_rank(columns) == columns.shape[1]:
            kept[name] = fixed[name]
        else:
            lost.append(name)
    return kept, lost


def _marginal(model: _Model, column: str, level: float, points: int) -> list[Estimate]:
    """Both levels and their difference, with the delta method."""
    fit = model.fit
    known = ~np.isnan(np.diag(fit.covariance))  # a standard deviation at 0 is taken as known
    values = _probabilities(fit, fit.estimates, column, points)
    gradient = np.zeros((2, len(fit.estimates)))
    for j in np.flatnonzero(known):
        step = np.zeros(len(fit.estimates))
        step[j] = _STEP
        gradient[:, j] = (_probabilities(fit, fit.estimates + step, column, points) - _probabilities(fit, fit.estimates - step, column, points)) / (2 * _STEP)
    covariance = gradient[:, known] @ fit.covariance[np.ix_(known, known)] @ gradient[:, known].T
    df = model.n_raters - 1.0
    t = float(stdtrit(df, (1 + level) / 2))
    about = Estimate(math.nan, confidence_level=level, df=df, method="mixed logistic model, marginal standardisation, delta method", target="both",
                     n_subjects=model.n_subjects, n_raters=model.n_raters, n_ratings=fit.n_ratings,
                     flags=tuple(flag for flag in fit.flags if flag == "boundary"))
    found = []
    for weights in ((1, 0), (0, 1), (1, -1)):
        c = np.array(weights, dtype=np.float64)
        value, se = float(values @ c), math.sqrt(max(float(c @ covariance @ c), 0.0))
        found.append(replace(about, value=value, se=se, ci_low=value - t * se, ci_high=value + t * se))
    found[:2] = [replace(one, ci_low=max(one.ci_low, 0.0), ci_high=min(one.ci_high, 1.0)) for one in found[:2]]
    log_odds, its_se = fit.coefficients[column], float(fit.se[fit.names.index(column)])
    reach = float(ndtri((1 + level) / 2)) * its_se
    parts = {"p": float(2 * stdtr(df, -abs(log_odds / its_se))), "odds_ratio": math.exp(log_odds), "odds_ratio_low": math.exp(log_odds - reach),
             "odds_ratio_high": math.exp(log_odds + reach), **{f"sd_{name}": sd for name, sd in fit.sds.items()}}
    found[2] = cut(replace(found[2], parts=parts), 1.0)
    return found


def _probabilities(fit: OrdinalFit, estimates: Floats, column: str, points: int) -> Floats:
    """(2,) mean probability of agreement with every rating at the first and at the second level of a column."""
    rows, times = np.unique(fit.design, axis=0, return_counts=True)
    linear = 1 + len(fit.columns)
    spread = math.sqrt(float((estimates[linear:] ** 2).sum()))
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    weights = weights / weights.sum()
    out = np.empty(2)
    for k in (0, 1):
        rows[:, fit.columns.index(column)] = 1.0 - k
        eta = rows @ estimates[1:linear] - estimates[0]
        out[k] = times @ (expit(eta[:, None] + spread * nodes) @ weights) / times.sum()
    return out
