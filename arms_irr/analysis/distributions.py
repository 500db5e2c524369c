"""What was rated: the share of each category, of 'unable to rate' and of blanks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.proportions import wilson
from arms_irr.study.count import Cell, cells, judged
from arms_irr.study.study import Study

__all__ = ["BLANK", "cells_map", "completeness", "confusion", "distributions"]

BLANK = "not given"


def distributions(study: Study, *, confidence_level: float = 0.95) -> Result:
    """Share of each category among the ratings asked for, by factor and case, with the gold standard beside it.

    Returns
    -------
    Result
        By ``factor, case, risk_band, gold, category``; coefficient ``share`` with Wilson's interval, the count in
        ``parts["count"]``. Categories that nobody used are rows with a share of 0.
    """
    rows: list[Row] = []
    bands = dict(zip(study.cases, study.case_attributes.get("risk_band", ("",) * len(study.cases)), strict=True))
    for cell in cells(study, ["factor", "case"]):
        case, factor = study.cases.index(cell.group["case"]), study.instrument.factor_ids.index(cell.group["factor"])
        scale = study.instrument.scale_of(cell.group["factor"])
        gold = "" if study.gold is None else scale.label(int(study.gold[case, factor]))
        code = study.ratings.code[cell.rows]
        labels = [*enumerate(scale.categories), *((UNABLE, name) for name in scale.not_rated[:1]), (NOT_GIVEN, BLANK)]
        for value, label in labels:
            count = int((code == value).sum())
            group = {**cell.group, "risk_band": bands[cell.group["case"]], "gold": gold, "category": label}
            rows.append(Row(group, "share", _share(count, len(code), study, cell, confidence_level)))
    by = ("factor", "case", "risk_band", "gold", "category")
    return Result("How the ratings are distributed", by, tuple(rows), picture="distributions",
                  instrument=study.instrument, names=study.case_titles, synthetic=study.synthetic)


def _share(count: int, n: int, study: Study, cell: Cell, level: float) -> Estimate:
    raters = len(np.unique(study.ratings.rater[cell.rows]))
    return replace(wilson(count, n, level), n_subjects=1, n_raters=raters, target="raters", parts={"count": float(count)})


def confusion(study: Study, by: Sequence[str] = ("kind", "risk_band")) -> Result:
    """Gold standard against rating: counts, and shares within each gold category, of the priorities given."""
    rows: list[Row] = []
    for cell in cells(study, by):
        if cell.scale is None:
            continue
        j = judged(study, cell.rows)
        labels = cell.scale.categories
        for g, gold in enumerate(labels):
            base = j.given & (j.gold == g)
            for k, rating in enumerate(labels):
                count, n = int((base & (j.code == k)).sum()), int(base.sum())
                size = {"n_ratings": n, "n_raters": len(np.unique(j.rater[base]))}
                share = Estimate(count / n, method="share of the ratings with this gold", **size) if n else undefined("no-ratings")
                group = {**cell.group, "gold": gold, "rating": rating}
                rows += [Row(group, "count", Estimate(float(count), method="count", **size)), Row(group, "share", share)]
    columns = (*by, "gold", "rating")
    return Result("Gold standard against rating", columns, tuple(rows), picture="confusion", synthetic=study.synthetic)


def completeness(study: Study, by: Sequence[str] = ("factor",)) -> Result:
    """Ratings asked for, and the shares of priorities, 'unable to rate' and blanks among them."""
    rows: list[Row] = []
    for cell in cells(study, by):
        code = study.ratings.code[cell.rows]
        raters = len(np.unique(study.ratings.rater[cell.rows]))
        for name, hit in (("given", code >= 0), ("unable_to_rate", code == UNABLE), ("not_given", code == NOT_GIVEN)):
            found = Estimate(float(hit.mean()), n_ratings=len(code), n_raters=raters, parts={"count": float(hit.sum())},
                             method="share of the ratings asked for")
            rows.append(Row(cell.group, name, found))
    return Result("Ratings asked for and given", tuple(by), tuple(rows), synthetic=study.synthetic)


_STATES = ("not_asked", "not_given", "unable_to_rate", "given")


def cells_map(study: Study, *, most: int = 60) -> Result:
    """Where ratings were given, impossible to give, left blank or not asked for: officers by cases and factors.

    Up to ``most`` officers each has rows of their own, in the order of the study. Beyond, officers are ordered by
    how many priorities they gave, then by how often they were unable to rate, and cut into ``most`` groups of
    almost equal size. Of several occasions the fullest answer counts.

    Returns
    -------
    Result
        By ``rater, case, factor``, every combination; coefficient ``given``: the share of the officers of the row who
        gave a priority. ``parts``: the shares ``unable_to_rate, not_given, not_asked``, and the number of ``officers``.

    Raises
    ------
    ArgumentError
        When ``most`` is below 1.
    """
    if most < 1:
        raise ArgumentError(f"most={most!r} leaves no row for the officers; give at least 1")
    ratings, factors = study.ratings, study.factors_rated
    state = np.zeros((len(study.raters), len(study.cases), len(study.instrument.factors)), dtype=np.int8)
    found = np.where(ratings.code >= 0, 3, np.where(ratings.code == UNABLE, 2, 1)).astype(np.int8)
    np.maximum.at(state, (ratings.rater, ratings.case, ratings.factor), found)
    state = state[:, :, list(factors)]
    names: tuple[str, ...] = study.raters
    groups = [np.array([rater]) for rater in range(len(names))]
    if len(names) > most:
        order = np.lexsort([(state == 2).sum(axis=(1, 2)), (state == 3).sum(axis=(1, 2))])
        groups = np.array_split(order, most)
        ends = np.cumsum([len(group) for group in groups])
        names = tuple(f"{end - len(group) + 1} to {end}" for group, end in zip(groups, ends.tolist(), strict=True))
    rows: list[Row] = []
    for name, group in zip(names, groups, strict=True):
        shares = np.stack([(state[group] == k).mean(axis=0) for k in range(4)], axis=-1).tolist()
        for c, case in enumerate(study.cases):
            for f, factor in enumerate(factors):
                *others, given = shares[c][f]
                parts = dict(zip(_STATES, others, strict=False)) | {"officers": float(len(group))}
                held = Estimate(given, n_raters=len(group), n_subjects=1, method="share of the officers of the row", parts=parts)
                rows.append(Row({"rater": name, "case": case, "factor": study.instrument.factor_ids[factor]}, "given", held))
    notes = ("Officers are ordered by how many priorities they gave, then by how often they were unable to rate; a row "
             "stands for several.",) if len(study.raters) > most else ()
    return Result("Which ratings were given", ("rater", "case", "factor"), tuple(rows), notes, picture="missing_map",
                  instrument=study.instrument, names=study.case_titles, synthetic=study.synthetic)
