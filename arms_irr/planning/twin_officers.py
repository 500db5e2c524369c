"""The officers of a synthetic twin: attributes that describe nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np
import numpy.typing as npt

from arms_irr.study.study import Study

__all__ = ["OTHER", "attributes_of", "guarded", "patterns"]

OTHER = "other"
Ints = npt.NDArray[np.integer]


def attributes_of(
    attributes: Mapping[str, Sequence[str]], pattern: Ints, place: Ints, rng: np.random.Generator, least: int
) -> dict[str, tuple[str, ...]]:
    """Each attribute drawn by itself, with replacement, from the officers who were asked for the same cases.

    Parameters
    ----------
    pattern : (R,) array
        Which cases each officer was asked for. Patterns of fewer than ``least`` officers draw from all officers.
    place : (R,) array
        Of each officer in the twin.
    """
    common = np.bincount(pattern)[pattern] >= least
    drawn = {}
    for name, values in attributes.items():
        shown = np.array(guarded(values, least), dtype=object)
        found = shown[rng.integers(len(shown), size=len(shown))]
        for one in np.unique(pattern[common]):
            mine = np.flatnonzero(pattern == one)
            found[mine] = shown[rng.choice(mine, len(mine))]
        ordered = np.empty_like(found)
        ordered[place] = found
        drawn[name] = tuple(ordered.tolist())
    return drawn


def guarded(values: Sequence[str], least: int) -> tuple[str, ...]:
    """An attribute in which no value belongs to fewer than ``least`` officers.

    Rare values become :data:`OTHER`, together with the smallest of the others where they are too few themselves. Numbers
    are put in order and replaced by the median of a group of ``least`` or more. Where not even that is possible, nothing is said.
    """
    counts = Counter(values)
    if min(counts.values(), default=least) >= least:
        return tuple(values)
    if len(values) < least:
        return ("",) * len(values)
    numbers = [_number(value) for value in values if value]
    if len(set(numbers)) > 2 and None not in numbers and len(numbers) >= least:
        return _grouped(values, least)
    kept = sorted((value for value in counts if counts[value] >= least and value != OTHER), key=lambda value: (counts[value], value))
    rest = len(values) - sum(counts[value] for value in kept)
    while 0 < rest < least:
        rest += counts[kept.pop(0)]
    return tuple(value if value in kept else OTHER for value in values)


def _number(value: str) -> float | None:
    try:
        return float(value) if isfinite(float(value)) else None
    except ValueError:
        return None


def _grouped(values: Sequence[str], least: int) -> tuple[str, ...]:
    """Numbers replaced by the median of their group, one that occurs; a few blanks by that of the middle group."""
    filled = [i for i, value in enumerate(values) if value]
    order = sorted(filled, key=lambda i: float(values[i]))
    shown = [""] * len(values)
    for group in np.array_split(np.array(order), len(order) // least):
        for i in group.tolist():
            shown[i] = values[group[len(group) // 2]]
    middle = shown[order[len(order) // 2]] if len(values) - len(order) < least else ""
    return tuple(value or middle for value in shown)


def patterns(study: Study) -> Ints:
    """(R,) the number of the set of cases and occasions that each officer was asked for."""
    r = study.ratings
    _, column = np.unique(r.occasion.astype(np.int64) * len(study.cases) + r.case, return_inverse=True)
    asked = np.zeros((len(study.raters), int(column.max(initial=0)) + 1), dtype=bool)
    asked[r.rater, column] = True
    return np.unique(asked, axis=0, return_inverse=True)[1].ravel()
