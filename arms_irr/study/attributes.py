"""Attributes: the tables of raters and of cases, and the columns of ratings that describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from arms_irr.errors import Problem, nearest
from arms_irr.study.coding import Coded, coded, each_value, fold, repeats
from arms_irr.study.table import Table, counted

__all__ = ["RESERVED", "Listed", "beside_ratings", "clashes", "listed"]

# The columns of Study.frame(): an attribute of one of these names could not be told from them.
RESERVED = ("rater", "case", "factor", "kind", "rating", "urgency", "occasion", "gold")


@dataclass(frozen=True)
class Listed:
    """Raters or cases in their order, with their attributes.

    ``attributes`` maps a name to one text per rater or case, ``""`` where it is not known.
    """

    names: tuple[str, ...]
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def listed(table: Table, key: str, problems: list[Problem]) -> Listed | None:
    """Raters or cases as their own table lists them; None when the table cannot say."""
    header = next((column for column in table.columns if fold(column) == key), None)
    if header is None:
        problems.append(
            table.problem(
                "error",
                f"There is no column {key!r}.",
                f"{nearest(key, table.columns)}The columns are: {', '.join(table.columns) or 'none'}.",
                column=key,
            )
        )
        return None
    n = len(table.row_numbers)
    who = coded(table.columns[header], n)
    named = who.map(lambda _: 1, empty=0) == 1
    if not named.all():
        problems.append(
            table.problem(
                "error",
                f"These rows name no {key}.",
                f"Fill in the {key} in every row.",
                np.flatnonzero(~named),
                header,
            )
        )
    names = [label for label in who.labels if label is not None]
    position = who.map({name: i for i, name in enumerate(names)}.__getitem__, empty=-1)
    attributes = {}
    for column in table.columns:
        if column != header and not (key == "case" and fold(column) == "rationale"):
            name = "risk_band" if key == "case" and fold(column) == "risk_band" else column
            attributes[name] = _per_name(table, column, key, names, position, problems)
    rows = coded(zip(*(table.columns[c] for c in table.columns), strict=True), n)  # whole rows
    copies, _ = repeats(rows.codes[named], np.zeros(int(named.sum()), np.int64))
    if len(copies):
        problems.append(
            table.problem(
                "warning",
                f"Dropped {counted(len(copies), 'row')}: the same as an earlier row.",
                "Delete them.",
                np.flatnonzero(named)[copies],
            )
        )
    return Listed(tuple(names), attributes)


def _per_name(
    table: Table, column: str, key: str, names: Sequence[str], position: np.ndarray, problems: list[Problem]
) -> tuple[str, ...]:
    """The attribute of each name; an error for every name that has two different ones."""
    values = coded(table.columns[column], len(position))
    cells = np.flatnonzero((position >= 0) & (values.map(lambda _: 1, empty=0) == 1))
    _, conflicts = repeats(position[cells], values.codes[cells])
    for group in conflicts:
        name = names[position[cells[group[0]]]]
        said = [str(values.labels[code]) for code in dict.fromkeys(values.codes[cells[group]].tolist())]
        problems.append(
            table.problem(
                "error",
                f"{column!r} varies within the {key} {name!r}: {', '.join(map(repr, said[:5]))}.",
                f"Give every {key} one value.",
                cells[group],
                column,
                said[-1],
            )
        )
    result = [""] * len(names)
    for cell in cells[::-1].tolist():  # the first row wins
        result[position[cell]] = str(values.labels[values.codes[cell]])
    return tuple(result)


def beside_ratings(
    table: Table,
    columns: Sequence[str],
    raters: Listed,
    cases: Listed,
    rater: np.ndarray,
    case: np.ndarray,
    problems: list[Problem],
) -> tuple[Listed, Listed, tuple[str, ...]]:
    """Columns beside the ratings become attributes of the cases or of the raters they are constant within.

    Parameters
    ----------
    rater, case : int arrays
        Position of the rater and the case of each row of the table, -1 where there is none.

    Returns
    -------
    raters, cases : Listed
        With the attributes that were found added; what their own tables say must not be contradicted.
    notes : tuple of str
    """
    extra: dict[str, dict[str, tuple[str, ...]]] = {"rater": {}, "case": {}}
    notes = []
    parties = {"rater": (raters, rater), "case": (cases, case)}
    for column in columns:
        name = "risk_band" if fold(column) == "risk_band" else column
        if owner := next((key for key, (who, _) in parties.items() if name in who.attributes), None):
            _agree(table, column, owner, *parties[owner], name, problems)
            continue
        values, conflicts = {}, {}
        for key, (who, position) in parties.items():
            conflicts[key] = []
            values[key] = _per_name(table, column, key, who.names, position, conflicts[key])
        possible = ("case",) if name == "risk_band" else ("rater", "case")
        if owner := next((key for key in possible if not conflicts[key]), None):
            extra[owner][name] = values[owner]
            notes.append(f"{table.place}: column {column} was read as an attribute of the {owner}s.")
        elif name == "risk_band":
            problems += conflicts["case"]
        else:
            message = f"{column!r} varies within raters and within cases; it was not read."
            remedy = "Nothing to do, unless it should describe a rater or a case."
            problems.append(table.problem("warning", message, remedy, column=column))
    return (
        Listed(raters.names, {**raters.attributes, **extra["rater"]}),
        Listed(cases.names, {**cases.attributes, **extra["case"]}),
        tuple(notes),
    )


def _agree(
    table: Table, column: str, key: str, who: Listed, position: np.ndarray, name: str, problems: list[Problem]
) -> None:
    """An error for each rater or case whose attribute is one thing here and another in its own table."""
    values = coded(table.columns[column], len(position))
    here = np.array([label or "" for label in values.labels] or [""], dtype=object)[values.codes]
    there = np.array([*who.attributes[name], ""], dtype=object)[position]
    differs = (position >= 0) & (there != here) & (here != "") & (there != "")
    for label, cells in each_value(Coded(who.names, position), differs):
        said = f"{here[cells[0]]!r} here, {there[cells[0]]!r} in the table of {key}s"
        message = f"{column!r} varies within the {key} {label!r}: {said}."
        remedy = f"Give every {key} one value."
        problems.append(table.problem("error", message, remedy, cells, column, here[cells[0]]))


def clashes(raters: Listed, cases: Listed) -> list[Problem]:
    """Attributes whose name could not be told from another column."""
    problems = []
    for key, who in (("rater", raters), ("case", cases)):
        problems += [
            Problem(
                "error",
                f"The attribute {name!r} of the {key}s has a name that the toolkit uses itself.",
                f"Rename the column, for example to {key}_{fold(name)}.",
                column=name,
            )
            for name in who.attributes
            if name in RESERVED
        ]
    problems += [
        Problem(
            "error",
            f"{name!r} is an attribute of the raters and of the cases.",
            "Rename one of the two columns.",
            column=name,
        )
        for name in raters.attributes
        if name in cases.attributes
    ]
    return problems
