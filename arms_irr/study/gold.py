"""The gold standard: one row per case and factor, or the members of the panel that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from arms_irr.errors import Problem
from arms_irr.instruments import Instrument
from arms_irr.instruments.model import NOT_GIVEN
from arms_irr.study.coding import coded, repeats
from arms_irr.study.layout import Cells
from arms_irr.study.ratings import INVALID, coded_ratings, factor_positions, positions
from arms_irr.study.table import counted

__all__ = ["check_gold"]

CONSENSUS = "consensus"


def check_gold(
    found: Cells,
    instrument: Instrument,
    cases: Sequence[str],
    where: str,
    problems: list[Problem],
) -> tuple[np.ndarray, Mapping[str, np.ndarray], list[str]]:
    """The gold ratings in codes; ``where`` says in words where the cases are listed.

    Returns
    -------
    gold : int8 array, (cases, factors)
        The row whose source is ``consensus``; without one, what all members of the panel say (they must).
    panel : dict of str to int8 array, (cases, factors)
        The ratings of each member; empty where there is one source only.
    notes : list of str
    """
    notes: list[str] = []
    case = positions(found, "case", {name: i for i, name in enumerate(cases)}, where, problems)
    factor = factor_positions(found, instrument, problems, notes)
    code = coded_ratings(found, "rating", factor, instrument, problems, notes)
    source = found.fields.get("source") or coded([CONSENSUS] * len(found), len(found))
    unnamed = source.map(lambda _: 0, empty=1) == 1
    if unnamed.any():
        problems.append(
            found.table.problem(
                "error",
                "These rows name no source.",
                f"Write who gave the gold rating, or {CONSENSUS!r}.",
                found.row[unnamed],
                found.headers.get("source"),
            )
        )
    valid = np.flatnonzero((case >= 0) & (factor >= 0) & (code != INVALID) & (code != NOT_GIVEN) & ~unnamed)
    size = (len(source.labels), len(cases), len(instrument.factors))
    place = (source.codes[valid], case[valid], factor[valid])
    _tell_repeats(found, valid, np.ravel_multi_index(place, size), code[valid], problems)
    given = np.full(size, NOT_GIVEN, dtype=np.int8)
    given[place] = code[valid]
    names = [CONSENSUS if str(label).casefold() == CONSENSUS else str(label) for label in source.labels]
    members = {name: given[i] for i, name in enumerate(names) if name != CONSENSUS}
    agreed = (
        given[names.index(CONSENSUS)].copy() if CONSENSUS in names else np.full(size[1:], NOT_GIVEN, np.int8)
    )
    _fill_unanimous(found, agreed, members, cases, instrument, problems, notes)
    wrong = np.zeros(size[1:], dtype=bool)  # a cell that is there and wrong is not missing as well
    bad = (case >= 0) & (factor >= 0) & (code == INVALID)
    wrong[case[bad], factor[bad]] = True
    if members:
        wrong |= np.any([member != NOT_GIVEN for member in members.values()], axis=0)
    _tell_missing(found, (agreed == NOT_GIVEN) & ~wrong, cases, instrument, problems)
    for array in (agreed, *members.values()):
        array.setflags(write=False)
    return agreed, members if len(names) > 1 else {}, notes


def _tell_repeats(
    found: Cells, cell: np.ndarray, key: np.ndarray, code: np.ndarray, problems: list[Problem]
) -> None:
    copies, conflicts = repeats(key, code)
    for group in conflicts:
        case, factor = (
            found.fields[n].labels[found.fields[n].codes[cell[group[0]]]] for n in ("case", "factor")
        )
        problems.append(
            found.table.problem(
                "error",
                f"The gold rating of {factor} for case {case} is there twice or more, with different values.",
                "Keep one, or name the members of the panel in a column 'source'.",
                found.row[cell[group]],
            )
        )
    if len(copies):
        problems.append(
            found.table.problem(
                "warning",
                f"Dropped {counted(len(copies), 'gold rating')}: the same as an earlier one.",
                "Delete the rows.",
                found.row[cell[copies]],
            )
        )


def _fill_unanimous(
    found: Cells,
    agreed: np.ndarray,
    members: Mapping[str, np.ndarray],
    cases: Sequence[str],
    instrument: Instrument,
    problems: list[Problem],
    notes: list[str],
) -> None:
    """Where there is no consensus row, the value that all members share; an error where they differ."""
    filled = 0
    for case, factor in np.argwhere(agreed == NOT_GIVEN).tolist():
        values = {int(member[case, factor]) for member in members.values()} - {NOT_GIVEN}
        if len(values) == 1:
            agreed[case, factor] = values.pop()
            filled += 1
        elif values:
            name = instrument.factors[factor].id
            scale = instrument.scale_of(name)
            said = ", ".join(scale.label(value) for value in sorted(values))
            problems.append(
                found.table.problem(
                    "error",
                    f"The members of the gold panel differ on {name} for case {cases[case]} ({said}) and "
                    "there is no consensus.",
                    f"Add a row with the source {CONSENSUS!r}.",
                    column="source",
                )
            )
    if filled and len(members) > 1:
        notes.append(
            f"{found.table.place}: {counted(filled, 'gold rating')} without a consensus row, taken from all "
            "members of the panel, who agree."
        )
    elif filled:
        notes.append(
            f"{found.table.place}: {counted(filled, 'gold rating')} "
            f"from the one source, {next(iter(members))}."
        )


def _tell_missing(
    found: Cells, missing: np.ndarray, cases: Sequence[str], instrument: Instrument, problems: list[Problem]
) -> None:
    """An error for each case without gold, and for each set of factors missing in some cases."""
    required = np.array([not factor.optional for factor in instrument.factors])
    missing = missing & required
    whole = missing[:, required].all(axis=1)
    lacking = [name for name, gone in zip(cases, whole.tolist(), strict=True) if gone]
    remedy = 'Add the gold ratings, or write gold = "none" if the study has no gold standard.'
    if lacking:
        problems.append(
            found.table.problem(
                "error",
                f"There is no gold rating for {_list('case', lacking)}.",
                remedy,
                column="case",
                value=lacking[0],
            )
        )
    patterns, group = np.unique(missing[~whole], axis=0, return_inverse=True)
    some = np.flatnonzero(~whole)
    for number, pattern in enumerate(patterns):
        if pattern.any():
            factors = [instrument.factors[i].id for i in np.flatnonzero(pattern)]
            where = [cases[i] for i in some[group.ravel() == number].tolist()]
            problems.append(
                found.table.problem(
                    "error",
                    f"The gold of {_list('case', where)} lacks {_list('factor', factors)}.",
                    remedy,
                    column="factor",
                    value=factors[0],
                )
            )


def _list(noun: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"{noun if len(names) == 1 else noun + 's'} {', '.join(names[:12])}{more}"
