"""What may be said about a coefficient? Benchmarks with their probability, the paradox, fragility, what was in reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from arms_irr.analysis.design import verdict
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import COEFFICIENTS, KRIPPENDORFF_ORDINAL, Coefficient, coefficient
from arms_irr.statistics.benchmarks import SCALES, Scale, by_interval, place, scale, word
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.fragility import Fragility, fragility
from arms_irr.statistics.reach import ACCURACY, achievable
from arms_irr.statistics.specific import indices
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import Floats, agreement_weights
from arms_irr.study.count import Cell, cells, names, tally
from arms_irr.study.study import Study

__all__ = ["benchmarks", "fragile", "paradox", "reach"]

_WARNING = (
    "Benchmark words are conventions that contradict each other; none was derived from data, and one scale cannot serve "
    "several coefficients or weights (Warrens 2013)."
)


# --- words ------------------------------------------------------------------------------------------------


def benchmarks(result: Result, scales: Sequence[str] | None = None, *, sure: float = 0.95) -> Result:
    """The word that each coefficient of a result has earned, with its cumulative probability.

    Parameters
    ----------
    result : Result
        Of ``study.agreement`` or ``study.icc``.
    scales : sequence of str, optional
        Of :data:`arms_irr.statistics.benchmarks.SCALES`. By default those written for the coefficient: Koo & Li for
        ICCs, Krippendorff's for alpha, the four others for chance-corrected agreement.
    sure : float
        The probability that the word's range, or a better one, must exceed (Gwet 2014: .95).

    Returns
    -------
    Result
        The rows of ``result`` by ``scale``, ``word`` and ``word_of_value`` too; ``parts["probability"]`` is the
        cumulative probability, from t where the estimate has degrees of freedom, else from the normal. Koo & Li's
        words are those of the two limits ("moderate to good"), as they ask. Percent agreement and shares have no
        benchmark; where there is no standard error there is no word.
    """
    if not 0 < sure < 1:
        raise ArgumentError(f"sure={sure!r} is no probability: give one between 0 and 1, for example 0.95")
    asked = None if scales is None else [scale(name) for name in ([scales] if isinstance(scales, str) else scales)]
    rows = []
    for row in result:
        for one in asked if asked is not None and _family(row.coefficient) else _fitting(row.coefficient):
            rows.append(_worded(row, one, sure))
    return Result("What the coefficients may be called", (*result.by, "scale", "word", "word_of_value"), tuple(rows),
                  (*result.notes, _WARNING), result.seed, synthetic=result.synthetic)


def _family(name: str) -> str:
    if name.startswith("ICC"):
        return "icc"
    if name == "krippendorff":
        return "alpha"
    return "kappa" if name in COEFFICIENTS and name != "percent" else ""


def _fitting(name: str) -> list[Scale]:
    return [one for one in SCALES.values() if one.suits == _family(name)]


def _worded(row: Row, one: Scale, sure: float) -> Row:
    found = row.estimate
    if one.by_limits:
        low, high = by_interval(found, one.name)
        said = low if low == high else f"{low} to {high}"
        return Row({**row.group, "scale": one.name, "word": said, "word_of_value": word(found.value, one.name)}, row.coefficient, found)
    df = found.df if not math.isnan(found.df) else math.inf
    se = math.nan if "zero-se" in found.flags else found.se  # no variation among these raters is not certainty
    placed = place(found.value, se, one.name, df, sure)
    group = {**row.group, "scale": one.name, "word": placed.word, "word_of_value": placed.value_word}
    return Row(group, row.coefficient, replace(found, parts={**found.parts, "probability": placed.probability}))


# --- the paradox ------------------------------------------------------------------------------------------


def paradox(study: Study, by: Sequence[str] = ("case",), *, everywhere: bool = False) -> Result:
    """Why kappa can be low where agreement is high: prevalence, bias and PABAK, in numbers and in words.

    Shown for the cells where unweighted percent agreement exceeds Fleiss' kappa by more than .30, or where one
    category holds more than .80 of the ratings (Feinstein & Cicchetti 1990); for every cell with ``everywhere=True``.

    Returns
    -------
    Result
        By ``category`` too. With category "all": ``percent``, ``fleiss``, ``gwet``, ``brennan_prediger`` without
        weights (for two categories the last is PABAK), ``kappa_max``, the mean over pairs of raters of the largest Cohen's
        kappa that their margins allow, and ``entropy`` of the margins (1: all categories equally often). For each category against the rest, averaged over the pairs of raters (Byrt, Bishop & Carlin 1993):
        ``share``, ``prevalence_index``, ``bias_index`` (its size, since the order of two raters is arbitrary),
        ``pabak`` and ``positive_agreement``. The notes say it in words.
    """
    rows: list[Row] = []
    notes: list[str] = []
    for cell in cells(study, by):
        if cell.scale is None:
            continue
        counted = tally(study, cell)
        if counted.codes is None or counted.n_raters < 2:
            continue
        exact = np.eye(len(counted.scores))
        found = {name: estimate(coefficient(name), counted, exact, weights="identity") for name in ("percent", "fleiss", "gwet", "brennan_prediger")}
        found = {name: replace(one, se=math.nan, ci_low=math.nan, ci_high=math.nan, df=math.nan, target="") for name, one in found.items()}
        gap, largest = found["percent"].value - found["fleiss"].value, found["percent"].parts.get("largest_share", math.nan)
        if not (everywhere or gap > 0.3 or largest > 0.8):
            continue
        tables = _tables(counted)
        per_category = _per_category(counted, tables)
        whole = {**found, "kappa_max": _largest_kappa(counted, tables), "entropy": _entropy(counted)}
        rows += [Row({**cell.group, "category": "all"}, name, one) for name, one in whole.items()]
        for label, values in zip(cell.scale.categories, per_category, strict=True):
            rows += [Row({**cell.group, "category": label}, name, _bare(value, counted)) for name, value in values.items()]
        if not math.isnan(gap):
            notes.append(_in_words(cell, found, per_category))
    if not rows:
        notes.append("Nowhere here does kappa lie far below the observed agreement.")
    return Result("Agreement and kappa: the paradox", (*by, "category"), tuple(rows), tuple(notes), synthetic=study.synthetic)


def _bare(value: float, counted: Tally) -> Estimate:
    size = {"n_subjects": counted.n_units, "n_raters": counted.n_raters, "n_ratings": counted.n_ratings, "method": "mean over pairs of raters"}
    return undefined("unused-category", **size) if math.isnan(value) else Estimate(value, **size)


def _entropy(counted: Tally) -> Estimate:
    share = counted.weight @ counted.counts / counted.n_ratings
    used = share[share > 0]
    return replace(_bare(float(-(used * np.log(used)).sum() / np.log(len(share))), counted), method="entropy of all ratings over its maximum")


def _tables(counted: Tally) -> list[Floats]:
    """The cross-table of every two raters with subjects in common."""
    codes, q = counted.codes, len(counted.scores)
    assert codes is not None
    tables = []
    for one, two in combinations(range(codes.shape[1]), 2):
        both = (codes[:, one] >= 0) & (codes[:, two] >= 0)
        if both.any():
            table = np.zeros((q, q))
            np.add.at(table, (codes[both, one], codes[both, two]), 1)
            tables.append(table)
    return tables


def _largest_kappa(counted: Tally, tables: Sequence[Floats]) -> Estimate:
    """Mean over pairs of (sum_k min(p_k+, p_+k) - e) / (1 - e), e the agreement by chance (Cohen 1960)."""
    found = []
    for table in tables:
        one, two = table.sum(axis=1) / table.sum(), table.sum(axis=0) / table.sum()
        if one @ two < 1:
            found.append((np.minimum(one, two).sum() - one @ two) / (1 - one @ two))
    return _bare(float(np.mean(found)) if found else math.nan, counted)


def _per_category(counted: Tally, tables: Sequence[Floats]) -> list[dict[str, float]]:
    """For each category against the rest, the mean over pairs of raters of Byrt's indices."""
    share = counted.weight @ counted.counts / counted.n_ratings
    found = []
    for k in range(len(counted.scores)):
        pairs = [indices(table, k) for table in tables]
        positive = [p.positive for p in pairs if not math.isnan(p.positive)]
        found.append({
            "share": float(share[k]),
            "prevalence_index": float(np.mean([p.prevalence_index for p in pairs])),
            "bias_index": float(np.mean([abs(p.bias_index) for p in pairs])),
            "pabak": float(np.mean([p.pabak for p in pairs])),
            "positive_agreement": float(np.mean(positive)) if positive else math.nan,
        })  # fmt: skip
    return found


def _in_words(cell: Cell, found: dict[str, Estimate], per_category: list[dict[str, float]]) -> str:
    assert cell.scale is not None
    place_of = ", ".join(cell.group.values()) or "All ratings"
    p, kappa = found["percent"].value, found["fleiss"].value
    top = max(range(len(per_category)), key=lambda k: per_category[k]["share"])
    widest = max(range(len(per_category)), key=lambda k: per_category[k]["bias_index"])
    sentence = (
        f"{place_of}: two officers agree exactly in {100 * p:.0f} of 100 comparisons, yet kappa is {kappa:.2f}. "
        f"{100 * per_category[top]['share']:.0f} % of the ratings are {cell.scale.categories[top]}, so kappa puts "
        f"{100 * found['fleiss'].expected:.0f} % down to chance; Gwet's AC1 puts {100 * found['gwet'].expected:.0f} % and "
        f"Brennan-Prediger {100 * found['brennan_prediger'].expected:.0f} %, and they are {found['gwet'].value:.2f} and "
        f"{found['brennan_prediger'].value:.2f}."
    )
    if per_category[widest]["bias_index"] > 0.1:
        sentence += (
            f" Two officers differ on average by {100 * per_category[widest]['bias_index']:.0f} points in how often they give "
            f"{cell.scale.categories[widest]}."
        )
    if p > 0.8:
        return sentence + " The low kappa says that the subjects differ little as rated, not that officers disagree much."
    return sentence + " Kappa is low in part because the subjects differ little as rated, and in part because officers do disagree."


# --- fragility --------------------------------------------------------------------------------------------


def fragile(
    study: Study, by: Sequence[str] = ("case",), *, coefficient: str = "gwet", weights: str = "quadratic",
    bounds: Sequence[float] = (0.4, 0.6, 0.8), most: int = 20,
) -> Result:
    """How many single ratings must change for a coefficient to cross the nearest benchmarks, whose, and of what.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns.
    coefficient, weights : str
        "ordinal metric" as weights for Krippendorff's own.
    bounds : sequence of float
        The nearest one above the value and the nearest one at or below it are tried.
    most : int
        Changes after which the search stops.

    Returns
    -------
    Result
        ``changes``, the number of ratings, by ``of`` (the coefficient), ``bound`` and ``direction`` too. ``parts``:
        ``coefficient``, its value now, ``after``, and ``at_least``, the number that is certainly needed (equal to the
        value where that is proven). The notes say which ratings.
    """
    row = KRIPPENDORFF_ORDINAL if weights == "ordinal metric" and coefficient == "krippendorff" else COEFFICIENTS.get(coefficient)
    if row is None:
        raise ArgumentError(f"unknown coefficient {coefficient!r}. Choose from {', '.join(COEFFICIENTS)}.")
    rows: list[Row] = []
    notes: list[str] = []
    for cell in cells(study, by):
        group = {**cell.group, "of": coefficient, "bound": "", "direction": ""}
        counted = tally(study, cell) if cell.scale is not None else None
        judged = verdict(cell, counted.n_units if counted else 0, counted.n_raters if counted else 0, row.needs_variation)
        if cell.scale is None or counted is None or judged.status == "not identified":
            rows.append(Row(group, "changes", undefined(*judged.flags, weights=weights)))
            continue
        how = "identity" if cell.scale.level == "nominal" or weights == "ordinal metric" else weights
        w = agreement_weights(how, counted.scores)
        for bound in _nearest(row, counted, w, bounds):
            found = fragility(row, counted, w, bound, most=most)
            rows.append(_counted_changes(cell, coefficient, weights, counted, found))
            if found.crossed:
                notes.append(_which(study, cell, bound, found))
    return Result("Ratings that must change to cross a benchmark", (*by, "of", "bound", "direction"), tuple(rows), tuple(notes),
                  synthetic=study.synthetic)


def _nearest(row: Coefficient, counted: Tally, w: Floats, bounds: Sequence[float]) -> list[float]:
    value = estimate(row, counted, w).value
    below, above = [b for b in bounds if b <= value], [b for b in bounds if b > value]
    return [*([max(below)] if below else []), *([min(above)] if above else [])]


def _counted_changes(cell: Cell, name: str, weights: str, counted: Tally, found: Fragility) -> Row:
    group = {**cell.group, "of": name, "bound": f"{found.bound:g}", "direction": "down" if found.value >= found.bound else "up"}
    size = {"weights": weights, "n_subjects": counted.n_units, "n_raters": counted.n_raters, "n_ratings": counted.n_ratings}
    if not found.crossed:
        return Row(group, "changes", undefined("not-crossed", parts={"coefficient": found.value, "at_least": float(found.at_least)}, **size))
    method = "smallest number" if found.proven else f"greedy; at least {found.at_least}"
    parts = {"coefficient": found.value, "after": found.after, "at_least": float(found.at_least)}
    return Row(group, "changes", Estimate(float(found.count), method=method, parts=parts, **size))


def _which(study: Study, cell: Cell, bound: float, found: Fragility) -> str:
    assert cell.scale is not None
    subjects, raters = names(study, cell)
    changed = [
        f"{raters[c.rater]} on {subjects[c.unit]} from {cell.scale.categories[c.old]} to {cell.scale.categories[c.new]}"
        for c in found.changes[:3]
    ]
    more = f" and {found.count - 3} more" if found.count > 3 else ""
    rating = "1 rating" if found.count == 1 else f"{found.count} ratings"
    where = ", ".join(cell.group.values()) or "All ratings"
    side = "below" if found.value >= bound else "to"
    return f"{where}: {rating} can move it from {found.value:.2f} {side} {bound:g}, for example {'; '.join(changed)}{more}."


# --- what was in reach ------------------------------------------------------------------------------------


def reach(
    study: Study, by: Sequence[str] = ("case",), *, coefficient: str = "fleiss", weights: str = "quadratic",
    accuracy: Sequence[float] = ACCURACY, replicates: int = 1000, seed: int = 1,
) -> Result:
    """What a coefficient between raters could be here, given the gold standards and the mean number of raters a subject.

    Returns
    -------
    Result
        By ``accuracy`` too, the share of ratings that are the gold standard's. The value is the mean over simulated
        exercises, its limits hold the middle 95 % of them; ``parts``: ``least`` and ``most``, the exact extremes,
        where they can be found. See :func:`arms_irr.statistics.reach.achievable`.

    Raises
    ------
    ArgumentError
        Without a gold standard.
    """
    if study.gold is None:
        raise ArgumentError('this study declares that it has no gold standard (gold = "none"), so what it allows is not known')
    rows: list[Row] = []
    for cell in cells(study, by):
        subjects = np.unique(np.stack([study.ratings.case[cell.rows], study.ratings.factor[cell.rows]]), axis=1)
        gold = study.gold[subjects[0], subjects[1]]
        gold, raters = gold[gold >= 0], round(len(cell.rows) / subjects.shape[1])
        if cell.scale is None or not len(gold) or raters < 2:
            flag = "mixed-scales" if cell.scale is None else "no-gold" if not len(gold) else "one-rater"
            rows.append(Row({**cell.group, "accuracy": ""}, coefficient, undefined(flag, weights=weights)))
            continue
        how = "identity" if cell.scale.level == "nominal" else weights
        for one in achievable(gold, raters, coefficient, how, cell.scale.scores, accuracy, replicates, seed):
            size = {"n_subjects": len(gold), "n_raters": raters, "n_ratings": len(gold) * raters, "weights": how}
            method = f"{replicates} simulated exercises, their middle 95 %"
            parts = {"least": one.least, "most": one.most, "undefined": one.undefined}
            found = undefined("one-category", method=method, **size) if math.isnan(one.mean) else Estimate(
                one.mean, ci_low=one.low, ci_high=one.high, method=method, parts=parts, **size)
            rows.append(Row({**cell.group, "accuracy": f"{one.accuracy:g}"}, coefficient, found))
    notes = ("Simulated: every rating is the gold standard's with the given probability, otherwise a neighbouring category. "
             "Read an observed coefficient beside what these subjects allow.",)
    return Result("What a coefficient can reach with these gold standards", (*by, "accuracy"), tuple(rows), notes, seed,
                  synthetic=study.synthetic)
