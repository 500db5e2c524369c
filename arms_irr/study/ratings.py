"""Ratings: cells become codes on their factors' scales, each problem told once with all its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from arms_irr.errors import Problem, nearest
from arms_irr.instruments import Instrument, Scale
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.study.attributes import Listed, beside_ratings, clashes
from arms_irr.study.coding import each_value, factor_names, fold, repeats
from arms_irr.study.layout import Cells
from arms_irr.study.table import counted

__all__ = ["INVALID", "Ratings", "check_ratings", "coded_ratings", "factor_positions", "positions"]

INVALID = -9  # a text that is no category; it never leaves the checks
_MANY = 20  # conflicts that are told one by one


@dataclass(frozen=True, eq=False)
class Ratings:
    """The ratings asked for, as columns of equal length n, sorted by rater, case, occasion and factor.

    Attributes
    ----------
    rater, case, factor : int32 array, (n,)
        Positions in ``Study.raters``, ``Study.cases`` and ``Study.instrument.factors``.
    code : int8 array, (n,)
        Category 0..q-1 of the factor's scale, ``UNABLE`` or ``NOT_GIVEN``.
    occasion : int16 array, (n,)
        1, 2 ...; 1 where the study has one occasion.
    urgency : int8 array, (n,)
        The priority beside an "unable to rate"; ``NOT_GIVEN`` elsewhere.
    """

    rater: np.ndarray
    case: np.ndarray
    factor: np.ndarray
    code: np.ndarray
    occasion: np.ndarray
    urgency: np.ndarray

    def __len__(self) -> int:
        return len(self.code)


def check_ratings(
    found: Cells,
    instrument: Instrument,
    raters: Listed,
    cases: Listed,
    problems: list[Problem],
) -> tuple[Ratings | None, Listed, Listed, list[str]]:
    """The ratings in codes (None when there are none), and the attributes that stand beside them."""
    notes: list[str] = []
    if not len(found):
        problems.append(found.table.problem("error", "There are no ratings.", "Add a row for each rating."))
        return None, raters, cases, notes
    rater = positions(
        found, "rater", {name: i for i, name in enumerate(raters.names)}, "in the table of raters", problems
    )
    case = positions(
        found, "case", {name: i for i, name in enumerate(cases.names)}, "in the table of cases", problems
    )
    factor = factor_positions(found, instrument, problems, notes)
    code = coded_ratings(found, "rating", factor, instrument, problems, notes)
    occasion = _occasions(found, problems)
    urgency = np.full(len(found), NOT_GIVEN)
    if "urgency" in found.fields:
        urgency = coded_ratings(found, "urgency", factor, instrument, problems, notes)
        idle = (urgency != NOT_GIVEN) & (code != UNABLE)
        if idle.any():
            unread = counted(int(idle.sum()), "urgency", "urgencies")
            problems.append(
                found.table.problem(
                    "warning",
                    f"Left unread {unread} beside a rating that is not 'unable to rate'.",
                    "Nothing to do: an urgency says something only beside 'unable to rate'.",
                    found.row[idle],
                    found.headers.get("urgency"),
                )
            )
            urgency[idle] = NOT_GIVEN
    rater_of, case_of = np.full((2, len(found.table.row_numbers)), -1)
    rater_of[found.row], case_of[found.row] = rater, case
    raters, cases, more = beside_ratings(found.table, found.extra, raters, cases, rater_of, case_of, problems)
    problems += clashes(raters, cases)
    if not (code != NOT_GIVEN).any():
        problems.append(found.table.problem("error", "All ratings are empty.", "Fill in the ratings."))
    valid = (
        (rater >= 0) & (case >= 0) & (factor >= 0) & (occasion > 0) & (code != INVALID) & (urgency != INVALID)
    )
    columns = [column[valid] for column in (rater, case, occasion, factor, code, urgency)]
    columns = _without_repeats(
        found, np.flatnonzero(valid), columns, len(cases.names), len(instrument.factors), problems
    )
    return _asked_for(*columns), raters, cases, [*notes, *more]


# --- one column ---


def positions(
    found: Cells,
    field: str,
    names: Mapping[str, int],
    where: str,
    problems: list[Problem],
    word: Callable[[str], str] = str,
) -> np.ndarray:
    """The position in ``names`` of each cell; -1, and an error, where it is empty or not among them."""
    column, header = found.fields[field], found.headers.get(field)
    position = column.map(lambda label: names.get(word(label), -1), empty=-1)
    for label, bad in each_value(column, position < 0):
        if label is None:
            problems.append(
                found.table.problem(
                    "error",
                    f"These rows name no {field}.",
                    f"Fill in the {field} in every row (of merged cells only the first has a value).",
                    found.row[bad],
                    header,
                )
            )
        else:
            near = nearest(label, names) or (
                f"Known: {', '.join(list(names)[:15])}. " if len(names) <= 15 else ""
            )
            problems.append(
                found.table.problem(
                    "error",
                    f"The {field} {label!r} is not {where}.",
                    f"{near}Mend the name, or add it there.",
                    found.row[bad] if header else (),
                    header or label,  # in a wide table the name is the heading of a column
                    label,
                )
            )
    return position


def factor_positions(
    found: Cells, instrument: Instrument, problems: list[Problem], notes: list[str]
) -> np.ndarray:
    """The position of each cell's factor, by its id or its label."""
    position = positions(
        found, "factor", factor_names(instrument), "a factor of the instrument", problems, fold
    )
    column = found.fields["factor"]
    other = column.map(lambda label: label not in instrument.factor_ids, empty=0).astype(bool) & (
        position >= 0
    )
    if other.any():
        notes.append(
            f"{found.table.place}: {counted(int(other.sum()), 'rating')} with the factor's label, other "
            "capitals or spaces, read as the factor's id."
        )
    return position


def coded_ratings(
    found: Cells,
    field: str,
    factor: np.ndarray,
    instrument: Instrument,
    problems: list[Problem],
    notes: list[str],
) -> np.ndarray:
    """Codes of the ratings (or urgencies) on their factors' scales.

    Looked up once for every text and scale; a text that is no category is ``INVALID`` and an error.
    """
    column = found.fields[field]
    scales = list(instrument.scales)
    scale_of = np.array([scales.index(f.scale) for f in instrument.factors] + [-1])[factor]
    code = np.full(len(found), NOT_GIVEN)
    whole = 0
    for number, name in enumerate(scales):
        scale, here = instrument.scales[name], scale_of == number
        found_codes = [_code(scale, label, field) for label in column.labels]
        codes = np.array([c for c, _ in found_codes], dtype=np.int64)
        whole += int(np.array([w for _, w in found_codes])[column.codes[here]].sum())
        code[here] = codes[column.codes[here]]
        bad = here & (code == INVALID)
        for label, wrong in each_value(column, bad):
            for header, group in _by_column(found, field, wrong):
                problems.append(
                    _no_category(found, instrument, scale, field, str(label), factor[group], group, header)
                )
    if whole:
        notes.append(f"{found.table.place}: {counted(whole, f'{field} cell')} such as 1.0 read as 1.")
    return code


def _code(scale: Scale, label: str | None, field: str) -> tuple[int, bool]:
    """The code of a text, and whether a decimal such as 1.0 had to be read as a whole number."""
    if label is None:
        return NOT_GIVEN, False
    index = scale.index(label)
    whole = index is None and label.rstrip("0").endswith((".", ",")) and label[-1] == "0"
    if whole:
        index = scale.index(label.rstrip("0")[:-1])
    if index is None or (field == "urgency" and index == UNABLE):
        return INVALID, False
    return index, whole


def _by_column(found: Cells, field: str, group: np.ndarray) -> list[tuple[str | None, np.ndarray]]:
    """The cells by the column that they stand in."""
    if field != "rating" or found.rating_column is None:
        return [(found.headers.get(field), group)]
    mask = np.zeros(len(found), dtype=bool)
    mask[group] = True
    return list(each_value(found.rating_column, mask))


def _no_category(
    found: Cells,
    instrument: Instrument,
    scale: Scale,
    field: str,
    label: str,
    factors: np.ndarray,
    group: np.ndarray,
    header: str | None,
) -> Problem:
    elsewhere = [other for other in instrument.scales.values() if other.index(label) is not None]
    ids = [instrument.factors[i].id for i in np.unique(factors)]
    of = ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
    accepted = scale.accepted if field == "rating" else scale.categories
    if elsewhere:
        message = f"{label!r} is outside the scale of {of}."
    else:
        message = f"{label!r} is not a category of {of}."
    near = "" if elsewhere else nearest(label, accepted)
    remedy = f"{near}Write one of {', '.join(accepted)}; leave the cell empty where nothing was given."
    return found.table.problem("error", message, remedy, found.row[group], header, label)


def _occasions(found: Cells, problems: list[Problem]) -> np.ndarray:
    """The occasion of each cell; 1 without a filled column, and 0 (and an error) where it is wrong."""
    column = found.fields.get("occasion")
    if column is None or set(column.labels) <= {None}:
        return np.ones(len(found), dtype=np.int64)

    def number(label: str) -> int:
        text = label.removesuffix(".0")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 2**15 else 0

    occasion = column.map(number, empty=0)
    for label, bad in each_value(column, occasion == 0):
        message = (
            "These rows have no occasion." if label is None else f"The occasion {label!r} is not 1, 2, 3 ..."
        )
        problems.append(
            found.table.problem(
                "error",
                message,
                "Number the occasions 1, 2 ... in every row.",
                found.row[bad],
                found.headers["occasion"],
                label,
            )
        )
    return occasion


# --- the table as a whole ---


def _without_repeats(
    found: Cells,
    cell: np.ndarray,
    columns: Sequence[np.ndarray],
    n_cases: int,
    n_factors: int,
    problems: list[Problem],
) -> list[np.ndarray]:
    """The columns without exact duplicates; an error for each rating that is there with different values."""
    rater, case, occasion, factor, code, urgency = columns
    key = ((occasion * (rater.max(initial=0) + 1) + rater) * n_cases + case) * n_factors + factor
    copies, conflicts = repeats(key, code * 128 + urgency)
    message, remedy = "is there more than once, with different values.", "Keep one, or number the occasions."
    for group in conflicts[:_MANY]:
        first = cell[group[0]]
        names = [
            str(f.labels[f.codes[first]]) for f in (found.fields[n] for n in ("rater", "case", "factor"))
        ]
        problems.append(
            found.table.problem(
                "error",
                f"The rating of {names[2]} by {names[0]} for case {names[1]} {message}",
                remedy,
                found.row[cell[group]],
            )
        )
    if rest := conflicts[_MANY:]:
        problems.append(
            found.table.problem(
                "error",
                f"So it is with {len(rest)} more: a rating by one rater of one case and factor {message}",
                remedy,
                found.row[cell[np.concatenate(rest)]],
            )
        )
    if len(copies):
        problems.append(
            found.table.problem(
                "warning",
                f"Dropped {counted(len(copies), 'rating')}: the same as an earlier one.",
                "Delete the rows, or number the occasions.",
                found.row[cell[copies]],
            )
        )
    keep = np.ones(len(key), dtype=bool)
    keep[copies] = False
    return [column[keep] for column in columns]


def _asked_for(
    rater: np.ndarray,
    case: np.ndarray,
    occasion: np.ndarray,
    factor: np.ndarray,
    code: np.ndarray,
    urgency: np.ndarray,
) -> Ratings:
    """All ratings asked for.

    Who rated anything of a case on an occasion was asked for every factor that the study has ratings of; what
    is missing is added as ``NOT_GIVEN``. A rater and case without any row: not asked for (incomplete blocks).
    """
    key = (rater * (case.max(initial=0) + 1) + case) * 2**15 + occasion
    _, first, block = np.unique(key, return_index=True, return_inverse=True)
    who, which, when = rater[first], case[first], occasion[first]
    factors, column = np.unique(factor, return_inverse=True)
    size = (len(first), len(factors))
    all_codes = np.full(size, NOT_GIVEN, dtype=np.int8)
    all_urgencies = all_codes.copy()
    all_codes[block, column] = code
    all_urgencies[block, column] = urgency
    who, which, when = (np.repeat(part, size[1]) for part in (who, which, when))
    parts = (
        who.astype(np.int32),
        which.astype(np.int32),
        np.tile(factors, size[0]).astype(np.int32),
        all_codes.ravel(),
        when.astype(np.int16),
        all_urgencies.ravel(),
    )
    for part in parts:
        part.setflags(write=False)
    return Ratings(*parts)
