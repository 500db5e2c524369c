"""What a contrast compares: two levels of a column, whose ratings they are, and what each officer gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from arms_irr.analysis.gold import MEASURES, outcomes
from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.tally import Codes
from arms_irr.statistics.weights import Floats
from arms_irr.study.count import NOT_RECORDED, Cell, cells, columns, labels, names, tally
from arms_irr.study.study import Study

__all__ = ["Sides", "check_statistic", "codes_of", "draws", "has_levels", "per_officer", "sides", "subjects"]


@dataclass(frozen=True)
class Sides:
    """Two levels of a column and the ratings at each.

    ``between``: the levels are groups of officers; otherwise officers have ratings at both. ``flags`` belong to
    the difference, ``notes`` under its table.
    """

    column: str
    levels: tuple[str, str]
    cells: tuple[Cell, Cell]
    between: bool
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The direction of the difference."""
        return f"{self.levels[0]} less {self.levels[1]}"


def has_levels(study: Study, column: str, levels: Sequence[str] | None = None) -> bool:
    """Whether the study has two levels of a column to compare: those given, or any."""
    if column not in columns(study):
        return False
    found = _labels(study, column)
    return len(found) >= 2 if levels is None else set(levels) <= set(found)


def sides(
    study: Study, column: str, levels: Sequence[str] | None = None, within: Mapping[str, str] | None = None
) -> Sides:
    """Two levels of a column, in the part of the study that ``within`` names.

    Levels not given: the lowest and the highest risk band, risk and protective factors, the last occasion and the
    first, the two largest groups of officers, otherwise the first and the last; a note says so where there are more.

    Raises
    ------
    ArgumentError
        For unknown columns and values, for ``rater``, and where there are not two levels.
    """
    if column == "rater":
        raise ArgumentError("officers are not compared two by two here; rater_agreement() shows each beside the gold standard")
    if column not in columns(study):
        raise ArgumentError(f"cannot compare by {column!r}. {nearest(column, columns(study))}This study has: {', '.join(columns(study))}.")
    within = dict(within or {})
    for name, value in within.items():
        if name not in columns(study) or value not in _labels(study, name, every=True):
            known = _labels(study, name, every=True) if name in columns(study) else columns(study)
            raise ArgumentError(f"within={{{name!r}: {value!r}}} names no part of this study. {nearest(value, known)}Choose from {', '.join(known)}.")
    if column in within:
        raise ArgumentError(f"within={within!r} holds {column!r} constant, so its levels cannot be compared")
    chosen, notes = _chosen(study, column, levels)
    found = {
        cell.group[column]: cell for cell in cells(study, [column, *within])
        if all(cell.group[name] == value for name, value in within.items())
    }
    lacking = [level for level in chosen if level not in found]
    if lacking:
        raise ArgumentError(f"no ratings at {column}={lacking[0]!r} in {within or 'this study'}: there {'are' if found else 'is'} "
                            f"{', '.join(found) or 'nothing'}")
    pair = found[chosen[0]], found[chosen[1]]
    of_cases = column in study.case_attributes
    flags = ("one-case-per-band",) if column == "case" or (of_cases and min(cell.n_cases for cell in pair) == 1) else ()
    return Sides(column, chosen, pair, column in study.rater_attributes and not of_cases, flags, notes)


def _labels(study: Study, column: str, *, every: bool = False) -> list[str]:
    """The levels of a column in display order; without ``every`` those that can be compared."""
    found = labels(study, column)
    if every:
        return found
    return [label for label in found if label != NOT_RECORDED and not (column == "kind" and label in ("overall", "static"))]


def _chosen(study: Study, column: str, levels: Sequence[str] | None) -> tuple[tuple[str, str], tuple[str, ...]]:
    there = _labels(study, column)
    if levels is not None:
        given = tuple(str(level) for level in levels)
        if isinstance(levels, str) or len(given) != 2 or given[0] == given[1]:
            raise ArgumentError(f"levels={levels!r}: give the two levels to compare, for example {there[:2]}")
        known = _labels(study, column, every=True)
        for level in given:
            if level not in known:
                raise ArgumentError(f"{column} has no level {level!r}. {nearest(level, known)}It has: {', '.join(known)}.")
        return (given[0], given[1]), ()
    if len(there) < 2:
        raise ArgumentError(f"{column} has {len(there)} level{'s' * (len(there) != 1)} here ({', '.join(there) or 'none'}): "
                            "a contrast needs two; choose another column")
    ends = (there[0], there[-1])
    if column == "occasion":
        ends = (there[-1], there[0])
    elif column in study.rater_attributes and column not in study.case_attributes:
        held = study.rater_attributes[column]
        largest = sorted(there, key=lambda label: -held.count(label))[:2]
        ends = (min(largest, key=there.index), max(largest, key=there.index))
    if len(there) == 2:
        return ends, ()
    return ends, (f"{column} has {len(there)} levels ({', '.join(there)}); compared here: {ends[0]} and {ends[1]}.",)


def check_statistic(study: Study, statistic: str) -> None:
    """Raise :class:`ArgumentError` for an unknown statistic, and where it needs a gold standard that is not there."""
    if statistic not in MEASURES:
        raise ArgumentError(f"unknown statistic {statistic!r}. {nearest(statistic, MEASURES)}Choose from {', '.join(MEASURES)}.")
    if not study.has_gold and statistic != "unable_to_rate":
        raise ArgumentError(f'{statistic!r} needs a gold standard and this study declares that it has none (gold = "none"); '
                            'compare agreement between raters instead, for example coefficient="gwet"')


def per_officer(study: Study, parts: Sequence[Cell], statistic: str) -> tuple[Floats, Floats, tuple[str, ...]]:
    """(R, L) sum and number of each officer's outcomes in each cell, and why a cell has none."""
    raters = len(study.raters)
    sums, totals = np.zeros((raters, len(parts))), np.zeros((raters, len(parts)))
    flags = []
    for k, cell in enumerate(parts):
        rows, values, flag = outcomes(study, cell, statistic)
        who = study.ratings.rater[rows]
        sums[:, k] = np.bincount(who, values, minlength=raters)
        totals[:, k] = np.bincount(who, minlength=raters)
        flags += [flag] if flag else []
    return sums, totals, tuple(flags)


def codes_of(study: Study, parts: Sequence[Cell]) -> list[Codes]:
    """For each cell its (subjects, all raters of the study) categories, -1 where none was given."""
    place = {name: j for j, name in enumerate(study.raters)}
    tables = []
    for cell in parts:
        counted, (_, raters) = tally(study, cell), names(study, cell)
        assert counted.codes is not None
        table = np.full((len(counted.codes), len(study.raters)), -1, dtype=np.int8)
        table[:, [place[name] for name in raters]] = counted.codes
        tables.append(table)
    return tables


def draws(raters: int) -> int:
    """How many permutations to draw: 9,999, with more than 1,000 officers fewer, and never below 1,999.

    The Monte Carlo standard error of a p-value is sqrt(p (1 - p) / draws): at p = 0.05 it is 0.002 and 0.005.
    """
    return max(1999, min(9999, 10_000_000 // max(raters, 1)))


def subjects(study: Study, cell: Cell) -> int:
    """How many pairs of case and factor a cell holds."""
    ratings = study.ratings
    pair = ratings.case[cell.rows].astype(np.int64) * len(study.instrument.factors) + ratings.factor[cell.rows]
    return int(np.count_nonzero(np.bincount(pair)))
