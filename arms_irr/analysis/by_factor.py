"""Factor by factor: which factors differ between two levels, and would the kinds differ for other factors too?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from arms_irr.analysis.contrasts import level_of, name_of, resolved, with_odds
from arms_irr.analysis.levels import Sides, check_statistic, codes_of, draws, per_officer, sides, subjects
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import View
from arms_irr.statistics.agreement import coefficient as coefficient_of
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.item_labels import item_permutation
from arms_irr.statistics.multiplicity import benjamini_hochberg, max_t
from arms_irr.statistics.permutation import label_permutation
from arms_irr.statistics.rater_contrasts import contributions, within_raters
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import Floats
from arms_irr.study.count import Cell
from arms_irr.study.study import Study

__all__ = ["factor_contrasts", "over_factors"]

_ALONE = ("overall", "static")
_SIGNED = "mean_signed_error"


def factor_contrasts(
    study: Study, column: str = "risk_band", *, levels: Sequence[str] | None = None, statistic: str = "exact", q: float = 0.10,
    simultaneous: bool = False, confidence_level: float = 0.95, seed: int = 1,
) -> Result:
    """Two levels compared for each factor, an exploratory family.

    Parameters
    ----------
    column, levels, statistic, seed
        As for :func:`arms_irr.analysis.contrasts.contrast`, for columns that vary within officers.
    q : float
        The share of false finds accepted among those marked.
    simultaneous : bool
        Also intervals that hold for all factors at once.

    Returns
    -------
    Result
        For each factor the two levels and their difference over the officers who rated both. ``parts`` of a difference:
        ``p`` by sign flips within officers, which for one case at each level is McNemar's exact test; ``p_bh`` (Benjamini
        & Hochberg 1995) and ``below_q``, 1 where it is at most ``q``; with ``simultaneous`` ``p_max_t``, ``ci_low_all``
        and ``ci_high_all`` (Westfall & Young 1993, largest t under common sign flips of the officers).
    """
    level = check_confidence(confidence_level)
    if isinstance(q, bool) or not isinstance(q, (int, float)) or not 0 < q < 1:
        raise ArgumentError(f"q={q!r}: give the share of false finds accepted, between 0 and 1, usually 0.10")
    check_statistic(study, statistic)
    whole = sides(study, column, levels)
    if whole.between or column in ("factor", "kind"):
        raise ArgumentError(f"{column!r} does not vary within officers and factors: give risk_band, case or occasion")
    rows, terms = _each(study, whole, statistic, level, seed)
    found = [row.estimate for row in rows[2::3]]
    adjusted = benjamini_hochberg([one.parts.get("p", math.nan) for one in found])
    found = [one if math.isnan(p) else replace(one, parts={**one.parts, "p_bh": float(p), "below_q": float(p <= q)})
             for one, p in zip(found, adjusted, strict=True)]
    if simultaneous and found:
        found = _at_once(found, terms, level, seed)
    rows[2::3] = [replace(row, estimate=one) for row, one in zip(rows[2::3], found, strict=True)]
    below = [row["factor"] for row in rows[2::3] if row.estimate.parts.get("below_q")]
    notes = (*whole.notes, f"An exploratory family of {len(found)} factors. With at most {100 * q:g} % of false finds expected among those "
             f"marked (Benjamini-Hochberg), the difference {whole.words} is marked for: {', '.join(below) or 'none'}.")
    return Result(f"{whole.levels[0]} and {whole.levels[1]} compared, factor by factor", ("factor", "level"), tuple(rows), notes, seed,
                  instrument=study.instrument, names=study.case_titles, synthetic=study.synthetic)


def _each(study: Study, whole: Sides, statistic: str, level: float, seed: int) -> tuple[list[Row], Floats]:
    """Three rows a factor, and (R, factors) what each officer adds to each difference."""
    limit = math.inf if statistic == _SIGNED else 1.0
    names = (statistic, statistic, name_of("difference", statistic, None))
    rows, terms = [], []
    for factor in _pooled(study):
        parts = [_of_factor(study, cell, factor) for cell in whole.cells]
        sums, totals, flags = per_officer(study, parts, statistic)
        both = (totals > 0).all(axis=1)
        used = both if not flags else np.ones_like(both)
        ends = [replace(level_of(sums[used, k], totals[used, k], statistic, level), n_subjects=subjects(study, cell))
                for k, cell in enumerate(parts)]
        added = np.full(len(both), np.nan)
        if flags:
            found = undefined(*flags, target="raters")
        else:
            found = within_raters(sums, totals, limit=limit, confidence_level=level, replicates=draws(len(both)), seed=seed)
            found = with_odds(found, *ends, statistic)
            if both.any():
                added[both] = contributions(sums[both], totals[both], np.array([1.0, -1.0]))
        found = replace(found, n_subjects=sum(end.n_subjects for end in ends)).flagged(*whole.flags)
        terms.append(added)
        rows += [Row({"factor": study.instrument.factors[factor].id, "level": label}, name, one)
                 for label, name, one in zip((*whole.levels, whole.words), names, (*ends, found), strict=True)]
    return rows, np.column_stack(terms) if terms else np.zeros((len(study.raters), 0))


def _pooled(study: Study) -> list[int]:
    """The factors that may be compared with each other."""
    return [i for i in study.factors_rated if study.instrument.factors[i].kind not in _ALONE]


def _of_factor(study: Study, cell: Cell, factor: int) -> Cell:
    rows = cell.rows[study.ratings.factor[cell.rows] == factor]
    one = study.instrument.factors[factor]
    return Cell(cell.group, rows, study.instrument.scales[one.scale], (one.kind,), len(np.unique(study.ratings.case[rows])), 1)


def _at_once(found: list[Estimate], terms: Floats, level: float, seed: int) -> list[Estimate]:
    values = [one.value if not math.isnan(one.ci_low) else math.nan for one in found]
    kept = terms[~np.isnan(terms).all(axis=1)]
    p, critical = max_t(kept, values, confidence_level=level, seed=seed)
    out = []
    for one, adjusted in zip(found, p, strict=True):
        if not math.isnan(adjusted):
            reach = critical * one.se
            one = replace(one, parts={**one.parts, "p_max_t": float(adjusted), "ci_low_all": min(one.ci_low, one.value - reach),
                                      "ci_high_all": max(one.ci_high, one.value + reach)})
        out.append(one)
    return out


def over_factors(
    study: Study, *, levels: Sequence[str] | None = None, within: Mapping[str, str] | None = None, statistic: str = "exact",
    coefficient: str | None = None, weights: str | None = None, confidence_level: float = 0.95, seed: int = 1,
) -> Result:
    """Would risk and protective factors differ with other factors too? The factors are what is sampled.

    A sensitivity analysis of ``contrast(study, "kind")``, whose interval keeps the factors as they are: here each
    factor is one observation, and the p-value is the share of all ways to call as many of them "risk" (792 for 7
    and 5) whose difference is at least as large.

    Parameters
    ----------
    As for :func:`arms_irr.analysis.contrasts.contrast`.

    Returns
    -------
    Result
        Each kind's value and the difference, target ``subjects``. For a statistic the values are means over factors
        of the factor's own, with Welch's t interval; for a coefficient the difference has no interval. ``parts``:
        ``p``, ``assignments``.
    """
    level = check_confidence(confidence_level)
    two = sides(study, "kind", levels, within)
    if coefficient is None:
        check_statistic(study, statistic)
        found = _over_values(study, two, statistic, level, seed)
        name = statistic
    else:
        found, name = _over_units(study, two, coefficient, weights, level, seed), coefficient_of(coefficient).name
    names = (name, name, name_of("difference", statistic, coefficient))
    extra = dict(within or {})
    rows = tuple(Row({"contrast": "kind", "level": label, **extra}, title, one)
                 for label, title, one in zip((*two.levels, two.words), names, found, strict=True))
    notes = (*two.notes, "Each factor counts once: the p-value says whether the kinds differ more than any division of these factors "
             "would, not what other officers would do.")
    return Result(f"{two.levels[0]} and {two.levels[1]} factors compared, factors as the sample", ("contrast", "level", *extra), rows, notes,
                  seed, names=study.case_titles, synthetic=study.synthetic)


def _over_values(study: Study, two: Sides, statistic: str, level: float, seed: int) -> list[Estimate]:
    values: list[list[float]] = []
    ends = []
    for cell in two.cells:
        parts = [_of_factor(study, cell, i) for i in np.unique(study.ratings.factor[cell.rows]).tolist()]
        each = [per_officer(study, [part], statistic)[:2] for part in parts]
        values.append([float(y.sum() / m.sum()) for y, m in each if m.any()])
        n = {"n_subjects": len(values[-1]), "n_raters": int(sum(m for _, m in each).any(axis=1).sum()),
             "n_ratings": int(sum(m.sum() for _, m in each)), "target": "subjects", "method": "mean over factors"}
        ends.append(Estimate(float(np.mean(values[-1])), **n) if values[-1] else undefined("no-ratings", **n))
    found = label_permutation(values[1], values[0], seed=seed, confidence_level=level)
    if not found.estimable:  # said of raters there
        found = replace(found, flags=("one-subject",) if all(values) else ("no-ratings",))
    found = replace(found, target="subjects", n_subjects=sum(map(len, values)), n_raters=max(end.n_raters for end in ends),
                    n_ratings=sum(end.n_ratings for end in ends))
    return [*ends, found]


def _over_units(study: Study, two: Sides, name: str, weights: str | None, level: float, seed: int) -> list[Estimate]:
    scale = two.cells[0].scale
    if scale is None or two.cells[1].scale is not scale:
        return [undefined("mixed-scales", target="subjects")] * 3
    row, how, scores, w = resolved(scale, name, weights)
    parts = [_of_factor(study, cell, i) for cell in two.cells for i in np.unique(study.ratings.factor[cell.rows]).tolist()]
    tables = codes_of(study, parts)
    item = np.repeat(np.arange(len(parts)), [len(table) for table in tables])
    first = np.isin([part.group["kind"] for part in parts], two.levels[:1])
    tally = Tally.from_codes(np.concatenate(tables), scores)
    found = item_permutation(row, tally, item, first, w, seed=seed)
    found = replace(found, confidence_level=level, weights=how)
    ends = []
    for of_first in (True, False):
        one = Tally.from_codes(np.concatenate(tables)[first[item] == of_first], scores)
        value = float(row.value(View.whole(one), w))
        end = Estimate(value, weights=how, target="subjects", n_subjects=one.n_units, n_raters=one.n_raters, n_ratings=one.n_ratings,
                       confidence_level=level)
        ends.append(end if end.estimable else end.flagged("one-category"))
    return [*ends, found]
