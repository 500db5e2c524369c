"""Layout: long or wide, a table becomes one row per rating, and what was recognised is said in words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from arms_irr.errors import DataError, nearest
from arms_irr.instruments import Instrument
from arms_irr.study.coding import Coded, coded, factor_names, fold
from arms_irr.study.table import Survey, Table, counted

__all__ = ["Cells", "cells"]

_FIELDS = ("rater", "case", "factor", "rating", "urgency", "occasion", "source", "rationale")


@dataclass(frozen=True)
class Cells:
    """Ratings one by one.

    Attributes
    ----------
    row : int array
        Position in the table that each cell came from.
    fields : dict of str to Coded
        ``rater, case, factor, rating`` (gold: ``case, factor, rating``), and those of ``urgency``,
        ``occasion`` and ``source`` that there are.
    headers : dict of str to str
        The column that a field stands in; a wide layout has no one column for its ratings.
    rating_column : Coded or None
        In a wide layout, the column of each rating.
    extra : tuple of str
        Columns of the table that are none of these.
    notes : tuple of str
    """

    table: Table
    row: np.ndarray
    fields: Mapping[str, Coded]
    headers: Mapping[str, str]
    rating_column: Coded | None
    extra: tuple[str, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.row)


def cells(
    table: Table, instrument: Instrument, raters: Collection[str] = (), attributes: Collection[str] = ()
) -> Cells:
    """The ratings of a table in any layout that is recognised.

    Parameters
    ----------
    table : Table
        Called ``gold``, it has a ``source`` (optional) where ratings have a ``rater``.
    raters : collection of str
        Names from the table of raters, if there is one: they are never taken for a misspelt heading.
    attributes : collection of str
        Columns of the table of cases: in a table with a column per rater they are not raters.

    Raises
    ------
    DataError
        When a column is missing in the layout that it looks most like.
    """
    if table.survey is not None:
        return _survey(table, table.survey, factor_names(instrument))
    who = "source" if table.name == "gold" else "rater"
    found = {fold(header): header for header in reversed(table.columns)}
    headers = {
        name: found[name] for name in _FIELDS if name in found and (name != "source" or who == "source")
    }
    others = [header for header in table.columns if header not in headers.values()]
    names = factor_names(instrument)
    per_factor = [header for header in others if fold(header) in names]
    if "factor" not in headers and "rating" not in headers and per_factor:
        return _by_factor(table, headers, others, names, who)
    people = [header for header in others if header not in attributes]
    misspelt = any(get_close_matches(fold(p), ("rater", "rating"), 1, 0.8) for p in people if p not in raters)
    wide = {"case", "factor"} <= headers.keys() and "rating" not in headers and who not in headers
    if wide and people and not misspelt:
        return _by_person(table, headers, people, who)
    required = ("case", "factor", "rating") if who == "source" else ("rater", "case", "factor", "rating")
    _require(table, headers, others, required)
    fields = {
        name: coded(table.columns[header], len(table.row_numbers))
        for name, header in headers.items()
        if name != "rationale"
    }
    what = "gold rating" if who == "source" else "rating"
    note = f"{table.place} read as: one row per {what}, {len(table.row_numbers)} rows."
    return Cells(
        table,
        np.arange(len(table.row_numbers)),
        fields,
        headers,
        None,
        tuple(others),
        (note, *_left_unread(headers)),
    )


def _require(
    table: Table, headers: Mapping[str, str], others: Sequence[str], required: Sequence[str]
) -> None:
    problems = [
        table.problem(
            "error",
            f"There is no column {name!r}.",
            f"{nearest(name, others)}The columns are: {', '.join(table.columns) or 'none'}.",
            column=name,
        )
        for name in required
        if name not in headers
    ]
    if problems:
        raise DataError(problems)


def _by_factor(
    table: Table, headers: Mapping[str, str], others: list[str], names: Mapping[str, int], who: str
) -> Cells:
    """One row per rater and case (gold: per case), a column per factor."""
    factors = [header for header in others if fold(header) in names]
    urgencies = {
        names[fold(header)[:-8]]: header
        for header in others
        if fold(header).endswith("_urgency") and fold(header)[:-8] in names
    }
    extra = [header for header in others if header not in factors and header not in urgencies.values()]
    _require(table, headers, extra, ("case",) if who == "source" else ("rater", "case"))
    typos = [(header, near) for header in extra if (near := get_close_matches(fold(header), names, 1, 0.8))]
    if typos:
        raise DataError(
            [
                table.problem(
                    "error",
                    f"{header!r} is no factor of the instrument.",
                    f"Did you mean {near[0]!r}? Rename the column.",
                    column=header,
                )
                for header, near in typos
            ]
        )
    n, k = len(table.row_numbers), len(factors)
    row = np.repeat(np.arange(n), k)
    fields = {
        name: coded(table.columns[header], n).take(row)
        for name, header in headers.items()
        if name not in ("urgency", "rationale")
    }
    column = Coded(factors, np.tile(np.arange(k), n))
    fields |= {"factor": column, "rating": _interleaved([table.columns[header] for header in factors], n)}
    if urgencies:
        empty: list[str | None] = [None] * n
        beside = [urgencies.get(names[fold(header)]) for header in factors]
        fields["urgency"] = _interleaved([table.columns[h] if h else empty for h in beside], n)
    per = "case" if who == "source" else "rater and case"
    note = f"{table.place} read as: one row per {per}, {k} factor columns."
    return Cells(table, row, fields, headers, column, tuple(extra), (note, *_left_unread(headers)))


def _by_person(table: Table, headers: Mapping[str, str], people: list[str], who: str) -> Cells:
    """One row per case and factor, a column per rater (gold: per source)."""
    n, k = len(table.row_numbers), len(people)
    row = np.repeat(np.arange(n), k)
    column = Coded(people, np.tile(np.arange(k), n))
    fields = {
        name: coded(table.columns[header], n).take(row)
        for name, header in headers.items()
        if name in ("case", "factor", "occasion")
    }
    fields |= {who: column, "rating": _interleaved([table.columns[person] for person in people], n)}
    notes = [f"{table.place} read as: one row per case and factor, {k} {who} columns."]
    keep, note = _asked(table, column, fields, who)
    notes += note
    extra = tuple(h for h in table.columns if h not in headers.values() and h not in people)
    return Cells(
        table,
        row[keep],
        {name: field.take(keep) for name, field in fields.items()},
        headers,
        column.take(keep),
        extra,
        (*notes, *_left_unread(headers)),
    )


def _asked(
    table: Table, column: Coded, fields: Mapping[str, Coded], who: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which cells were asked for, and a note about the others.

    A wide table leaves a case out by empty cells: where all of a person's cells are empty, none was asked for.
    """
    block = column.codes.copy()
    for name in ("case", "occasion"):
        if name in fields:
            block = block * len(fields[name].labels) + fields[name].codes
    _, block = np.unique(block, return_inverse=True)
    given = fields["rating"].map(lambda _: 1, empty=0)
    rated = np.bincount(block, weights=given) > 0
    pairs = counted(int((~rated).sum()), "pair")
    note = f"{table.place}: {pairs} of {who} and case wholly empty, taken as not asked for."
    return rated[block], () if rated.all() else (note,)


def _survey(table: Table, survey: Survey, names: Mapping[str, int]) -> Cells:
    """One row per rater, a column per case and factor, as study.toml says."""
    by_fold = {fold(header): header for header in reversed(table.columns)}
    meant = {**_by_pattern(table.columns, survey, names), **survey.columns}
    absent = [header for header in (survey.rater, *survey.columns) if header not in table.columns]
    if absent:
        raise DataError(
            [
                table.problem(
                    "error",
                    f"[columns] names the column {header!r}, and there is none.",
                    f"{nearest(header, table.columns)}The columns are: {', '.join(list(table.columns)[:30])}.",
                    column=header,
                )
                for header in absent
            ]
        )
    ratings = [header for header, (_, _, field) in meant.items() if field == "rating"]
    if not ratings:
        raise DataError(
            [
                table.problem(
                    "error",
                    f"No column is a rating by [columns] (pattern {survey.pattern!r}).",
                    "Mend the pattern, or name the columns one by one.",
                )
            ]
        )
    urgent = {(fold(case), fold(factor)): header for header, (case, factor, field) in meant.items() if field == "urgency"}
    n, k = len(table.row_numbers), len(ratings)
    row = np.repeat(np.arange(n), k)
    column = Coded(ratings, np.tile(np.arange(k), n))
    headers = {"rater": survey.rater}
    fields = {"rater": coded(table.columns[survey.rater], n).take(row)}
    for index, name in enumerate(("case", "factor")):
        fields[name] = coded((meant[header][index] for _ in range(n) for header in ratings), n * k)
    if "occasion" in by_fold:
        headers["occasion"] = by_fold["occasion"]
        fields["occasion"] = coded(table.columns[headers["occasion"]], n).take(row)
    fields["rating"] = _interleaved([table.columns[header] for header in ratings], n)
    if urgent:
        empty: list[str | None] = [None] * n
        beside = [urgent.get((fold(meant[header][0]), fold(meant[header][1]))) for header in ratings]
        fields["urgency"] = _interleaved([table.columns[h] if h else empty for h in beside], n)
    keep, note = _asked(table, fields["rater"], fields, "rater")
    extra = tuple(h for h in table.columns if h not in meant and h not in headers.values())
    cases = len({meant[header][0] for header in ratings})
    said = f"{table.place} read as: one row per rater, {k} columns of {counted(cases, 'case')} and their factors."
    fields = {name: field.take(keep) for name, field in fields.items()}
    return Cells(table, row[keep], fields, headers, column.take(keep), extra, (said, *note))


def _by_pattern(
    headers: Collection[str], survey: Survey, names: Mapping[str, int]
) -> dict[str, tuple[str, str, str]]:
    """Case, factor and field of the columns that follow the pattern; the longest name of a factor wins."""
    found: dict[str, tuple[str, str, str]] = {}
    if not survey.pattern:
        return found
    pattern = re.escape(survey.pattern).replace(r"\{case\}", "(?P<case>.+)").replace("_", r"[\s_\-]+")
    for name in sorted(names, key=len, reverse=True):
        factor = re.escape(name).replace("_", r"[\s_\-]+")
        whole = re.compile(pattern.replace(r"\{factor\}", factor) + r"(?P<urgency>[\s_\-]+urgency)?", re.IGNORECASE)
        for header in headers:
            match = whole.fullmatch(header) if header not in found and header != survey.rater else None
            if match:
                case = survey.cases.get(match["case"], match["case"])
                found[header] = (case, name, "urgency" if match["urgency"] else "rating")
    return found


def _interleaved(columns: Sequence[Sequence[str | None]], n: int) -> Coded:
    """The cells of several columns, row by row."""
    return coded((cell for row in zip(*columns, strict=True) for cell in row), n * len(columns))


def _left_unread(headers: Mapping[str, str]) -> tuple[str, ...]:
    return (f"Column {headers['rationale']} (free text) was left unread.",) if "rationale" in headers else ()
