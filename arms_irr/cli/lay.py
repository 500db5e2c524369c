"""How a Result is laid out for a reader: a row per estimate, or a row per cell with a few statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from arms_irr.analysis.result import Result
from arms_irr.analysis.titles import Unit, title_of, words_of
from arms_irr.cli.show import Table
from arms_irr.reporting.wording import footnotes, interval, letters, marks, number, signed
from arms_irr.statistics.estimate import Estimate

__all__ = ["UNITS", "Column", "interval_head", "row_per_cell", "row_per_estimate", "sizes"]

# What a number of each unit is multiplied by, its decimals (none where a count and its limits are whole), and the sign.
UNITS: dict[Unit, tuple[int, int, str]] = {
    "share": (100, 1, " %"),
    "points": (100, 1, " points"),
    "coefficient": (1, 3, ""),
    "steps": (1, 2, " steps"),
    "count": (1, 1, ""),
    "months": (1, 1, " months"),
    "probability": (1, 3, ""),
    "ratio": (1, 2, ""),
    "logits": (1, 2, " logits"),
}


@dataclass(frozen=True)
class Column:
    """One statistic of a wide table; ``limits`` puts its interval beside it."""

    head: str
    statistic: str
    weights: str = ""
    limits: bool = False


def interval_head(level: float) -> str:
    """ "95 % interval"."""
    return f"{number(100 * level, 1).removesuffix('.0')} % interval"


def row_per_estimate(result: Result, level: float) -> Table:
    """Grouping columns, statistic, weights where there are any, value, interval, bases and marks."""
    weighted = any(row.estimate.weights for row in result)
    marked = letters(row.estimate for row in result)
    words = (*result.by, "statistic", *(["weights"] if weighted else []))
    head = (*words, "value", interval_head(level), "subjects", "raters", "ratings", "notes")
    rows = [
        (
            *(row.group.get(name, "") for name in result.by),
            words_of(row.coefficient, row.estimate.weights),
            *([row.estimate.weights] if weighted else []),
            *_number(row.coefficient, row.estimate, unit=True),
            *sizes(row.estimate),
            marks(row.estimate, marked),
        )
        for row in result
    ]
    return Table(head, rows, len(words), len(result.by), (*footnotes(marked), *result.notes))


def row_per_cell(result: Result, columns: Sequence[Column], level: float, raters: bool, *below: str) -> Table:
    """Grouping columns, the statistics asked for, and the bases of the first of them; shares in per cent."""
    cells: dict[tuple[str, ...], dict[tuple[str, str], Estimate]] = {}
    for row in result:
        cell = cells.setdefault(tuple(row.group.get(name, "") for name in result.by), {})
        cell[row.coefficient, row.estimate.weights] = row.estimate
    keys = [(column.statistic, column.weights) for column in columns]
    marked = letters(cell[key] for cell in cells.values() for key in keys)
    head: list[str] = list(result.by)
    for column in columns:
        head += [column.head, interval_head(level)] if column.limits else [column.head]
    bases = ("raters", "ratings") if raters else ("ratings",)
    rows = []
    for group, cell in cells.items():
        texts = list(group)
        for column, key in zip(columns, keys, strict=True):
            texts += _number(column.statistic, cell[key])[: 2 if column.limits else 1]
        texts += sizes(cell[keys[0]])[-len(bases) :]
        rows.append((*texts, _marks([cell[key] for key in keys], marked)))
    notes = (*footnotes(marked), *below, *result.notes)
    return Table((*head, *bases, "notes"), rows, len(result.by), max(len(result.by) - 1, 0), notes)


def sizes(estimate: Estimate) -> tuple[str, str, str]:
    """Subjects, raters and ratings."""
    return f"{estimate.n_subjects:,}", f"{estimate.n_raters:,}", f"{estimate.n_ratings:,}"


def _number(statistic: str, estimate: Estimate, unit: bool = False) -> tuple[str, str]:
    """Value and interval in the unit of the statistic, which is written behind the value on request."""
    kind = title_of(statistic).unit
    scale, decimals, sign = UNITS[kind]
    if kind == "count" and all(isnan(one) or float(one).is_integer() for one in (estimate.value, estimate.ci_low, estimate.ci_high)):
        decimals = 0
    written = signed if kind in ("points", "steps", "logits") else number
    value = written(scale * estimate.value, decimals)
    return value + sign * (unit and estimate.estimable), interval(estimate, scale, decimals)


def _marks(estimates: Sequence[Estimate], marked: Mapping[str, str]) -> str:
    """The footnote letters of several numbers in one row."""
    found = {letter for estimate in estimates for letter in marks(estimate, marked).split(", ") if letter}
    return ", ".join(sorted(found))
