"""The only file that counts a study's ratings: groups of ratings, and what each statistic needs of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError, nearest
from arms_irr.instruments.model import NOT_GIVEN, UNABLE, Scale
from arms_irr.statistics.tally import Tally

if TYPE_CHECKING:
    from arms_irr.study.study import Study

__all__ = ["NOT_RECORDED", "Cell", "Judged", "cells", "columns", "decisions", "judged", "labels", "names", "tally"]

NOT_RECORDED = "(not recorded)"  # the group of those whose attribute is not known
_ALONE = ("overall", "static")  # kinds that never enter a pool with other factors
Ints = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Cell:
    """The ratings of one combination of grouping values.

    ``rows`` index ``study.ratings``; ``scale`` is None when the factors do not share one.
    """

    group: dict[str, str]
    rows: Ints
    scale: Scale | None
    kinds: tuple[str, ...]
    n_cases: int
    n_factors: int


@dataclass(frozen=True)
class Judged:
    """Ratings of a cell beside the gold standard, for cells whose gold is a category.

    Equal-length arrays over the ratings asked for: category (negative = unable to rate or blank), gold category,
    rater index.
    """

    code: Ints
    gold: Ints
    rater: Ints

    @property
    def given(self) -> npt.NDArray[np.bool_]:
        """Whether a priority was given."""
        return np.asarray(self.code >= 0)


def columns(study: Study) -> tuple[str, ...]:
    """Every name that ``by=`` understands."""
    fixed = ("factor", "kind", "case", "rater", "occasion")
    return tuple(dict.fromkeys([*fixed, *study.case_attributes, *study.rater_attributes]))


def _column(study: Study, name: str) -> tuple[Ints, tuple[str, ...]]:
    """The code of each rating in a grouping column, and the labels of the codes in display order."""
    ratings, instrument = study.ratings, study.instrument
    if name == "factor":
        return ratings.factor, instrument.factor_ids
    if name == "kind":
        order = {kind: index for index, kind in enumerate(instrument.kinds)}
        return np.array([order[f.kind] for f in instrument.factors], dtype=np.int64)[ratings.factor], instrument.kinds
    if name == "case":
        return ratings.case, study.cases
    if name == "rater":
        return ratings.rater, study.raters
    if name == "occasion":
        values, codes = np.unique(ratings.occasion, return_inverse=True)
        return codes, tuple(map(str, values))
    for attributes, index in ((study.case_attributes, ratings.case), (study.rater_attributes, ratings.rater)):
        if name in attributes:
            first = study.bands if name == "risk_band" else ()  # the bands have an order of their own
            labels = tuple(dict.fromkeys([*first, *attributes[name]]))
            order = {label: code for code, label in enumerate(labels)}
            codes = np.array([order[value] for value in attributes[name]], dtype=np.int64)[index]
            return codes, tuple(label or NOT_RECORDED for label in labels)
    raise ArgumentError(f"cannot group by {name!r}. {nearest(name, columns(study))}This study has: {', '.join(columns(study))}.")


def labels(study: Study, column: str) -> list[str]:
    """The values of one grouping column that have ratings, in the order of :func:`cells`."""
    codes, names = _column(study, column)
    return [names[k] for k in _present(codes[_in_pools(study, [column])])]


def _present(codes: Ints) -> Ints:
    """The codes that occur, in order; for few values among many far quicker than sorting."""
    return np.flatnonzero(np.bincount(codes))


def _in_pools(study: Study, by: Sequence[str]) -> Ints:
    """The ratings that enter the cells of these columns."""
    if {"factor", "kind"} & set(by):
        return np.arange(len(study.ratings.code))
    alone = np.array([f.kind in _ALONE for f in study.instrument.factors])
    return np.flatnonzero(~alone[study.ratings.factor])


def cells(study: Study, by: Sequence[str]) -> list[Cell]:
    """The study's ratings in groups, in the order of the study's tables.

    ``overall`` and ``static`` factors are left out of pools: they appear only where ``by`` holds factor or kind.
    """
    if isinstance(by, str):
        raise ArgumentError(f"by= takes a list of columns, for example by=[{by!r}]")
    if len(set(by)) < len(by):
        raise ArgumentError(f"by= names a column twice: {', '.join(by)}")
    keys = [_column(study, name) for name in by]
    ratings, instrument = study.ratings, study.instrument
    rows = _in_pools(study, by)
    if not len(rows):
        return []
    group = np.zeros(len(rows), dtype=np.int64)
    for codes, labels in keys:
        group = group * len(labels) + codes[rows]
    group = group.astype(np.min_scalar_type(group.max()))  # numbers of 16 bits are sorted ten times as fast
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    found = []
    for chosen in np.split(rows[order], starts[1:]):
        names = {name: labels[codes[chosen[0]]] for name, (codes, labels) in zip(by, keys, strict=True)}
        factors = [instrument.factors[i] for i in _present(ratings.factor[chosen])]
        scales = {f.scale for f in factors}
        scale = instrument.scales[scales.pop()] if len(scales) == 1 else None
        kinds = tuple(k for k in instrument.kinds if any(f.kind == k for f in factors))
        found.append(Cell(names, chosen, scale, kinds, len(_present(ratings.case[chosen])), len(factors)))
    return found


def _dense(*keys: Ints) -> Ints:
    """One number, from 0, for each distinct combination of the keys, in their order."""
    combined = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        combined = combined * (int(key.max(initial=0)) + 1) + key
    if combined.max(initial=0) > 4 * len(combined) + 1000:
        return np.unique(combined, return_inverse=True)[1].ravel()
    return (np.cumsum(np.bincount(combined) > 0) - 1)[combined]  # the same without sorting


def _matrix(study: Study, cell: Cell) -> tuple[Ints, Ints, Ints]:
    """Codes by subject (case, factor and occasion) and rater, and the case and the first row of each subject."""
    ratings = study.ratings
    unit = _dense(ratings.case[cell.rows], ratings.factor[cell.rows], ratings.occasion[cell.rows])
    rater = _dense(ratings.rater[cell.rows])
    codes = np.full((unit.max(initial=-1) + 1, rater.max(initial=-1) + 1), NOT_GIVEN, dtype=np.int8)
    codes[unit, rater] = ratings.code[cell.rows]
    first = np.empty(len(codes), dtype=np.int64)
    first[unit[::-1]] = cell.rows[::-1]  # of several rows the one that is set last, the first
    return codes, ratings.case[first], first


def tally(study: Study, cell: Cell) -> Tally:
    """Categories by subject (case, factor and occasion) and rater; only priorities, no unable-to-rate."""
    assert cell.scale is not None
    codes, case, _ = _matrix(study, cell)
    return Tally.from_codes(np.maximum(codes, NOT_GIVEN), np.array(cell.scale.scores), case.astype(np.int64))


def decisions(study: Study, cell: Cell) -> Tally:
    """As :func:`tally`, with "unable to rate" as a category after the last; its score only keeps the order."""
    assert cell.scale is not None
    codes, case, _ = _matrix(study, cell)
    scores = (*cell.scale.scores, cell.scale.scores[-1] + 1)
    return Tally.from_codes(np.where(codes == UNABLE, len(scores) - 1, codes), np.array(scores), case.astype(np.int64))


def names(study: Study, cell: Cell) -> tuple[list[str], list[str]]:
    """The subjects and the raters of :func:`tally`, in its order: "case, factor" and the raters' names."""
    codes, _, first = _matrix(study, cell)
    given, ratings = codes >= 0, study.ratings
    again = len(np.unique(ratings.occasion)) > 1
    subjects = [
        f"{study.cases[ratings.case[row]]}, {study.instrument.factors[ratings.factor[row]].id}"
        + (f", occasion {ratings.occasion[row]}" if again else "")
        for row in first[given.any(axis=1)]
    ]
    raters = np.unique(ratings.rater[cell.rows])[given.any(axis=0)]
    return subjects, [study.raters[r] for r in raters]


def judged(study: Study, rows: Ints) -> Judged:
    """The ratings asked for whose gold standard is a category, beside that gold standard."""
    if study.gold is None:
        raise ArgumentError("this study declares that it has no gold standard (gold = \"none\")")
    ratings = study.ratings
    gold = study.gold[ratings.case[rows], ratings.factor[rows]]
    rows, gold = rows[gold >= 0], gold[gold >= 0]
    return Judged(ratings.code[rows].astype(np.int64), gold.astype(np.int64), ratings.rater[rows])


def per_rater(rater: Ints, *values: Iterable[float]) -> tuple[npt.NDArray[np.float64], ...]:
    """Sums of values over the ratings of each rater who occurs."""
    index = _dense(rater)
    return tuple(np.bincount(index, np.asarray(v, dtype=np.float64)) for v in values)
