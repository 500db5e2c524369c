"""Checking: Tables become the parts of a Study, and every problem is found at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from arms_irr.errors import DataError, Problem
from arms_irr.instruments import Instrument
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.study.attributes import Listed, listed
from arms_irr.study.coding import natural
from arms_irr.study.gold import check_gold
from arms_irr.study.layout import Cells, cells
from arms_irr.study.ratings import Ratings, check_ratings
from arms_irr.study.table import Table

__all__ = ["Checked", "check"]

_ENOUGH_RATINGS = 8  # of a rater on a scale, before a single category is remarkable
_ENOUGH_CASES = 5  # before a band can stand for its kind


@dataclass(frozen=True, eq=False)
class Checked:
    """What the tables say, in codes; the parts of a Study."""

    raters: Listed
    cases: Listed
    ratings: Ratings
    gold: np.ndarray | None
    gold_panel: Mapping[str, np.ndarray]
    notes: tuple[str, ...]


def check(
    tables: Mapping[str, Table | None],
    instrument: Instrument,
) -> tuple[Checked | None, list[Problem]]:
    """The tables in codes, and everything that is wrong or doubtful in them.

    Parameters
    ----------
    tables : dict of str to Table
        ``ratings``, and those of ``gold``, ``cases`` and ``raters`` that there are; None for one that could
        not be read (which was reported already).

    Returns
    -------
    checked : Checked or None
        None when there is an error among the problems.
    problems : list of Problem
    """
    legible = {name: table for name, table in tables.items() if table is not None}
    problems = [problem for table in legible.values() for problem in table.problems]
    notes = [note for table in legible.values() for note in table.notes]
    raters = listed(legible["raters"], "rater", problems) if "raters" in legible else None
    cases = listed(legible["cases"], "case", problems) if "cases" in legible else None
    read: dict[str, Cells] = {}
    for name in ("ratings", "gold"):
        if name in legible:
            try:
                read[name] = cells(
                    legible[name],
                    instrument,
                    raters.names if raters else (),
                    tuple(cases.attributes) if cases else (),
                )
                notes += read[name].notes
            except DataError as error:
                problems += error.problems
    # Where no table lists them, the ratings do; where it cannot be read, nobody is missing from it.
    raters = raters or _named(read, ("ratings",), "rater")
    cases = cases or _named(read, ("ratings", "gold") if "cases" in tables else ("ratings",), "case")
    ratings, gold, panel = None, None, {}
    if "ratings" in read:
        ratings, raters, cases, more = check_ratings(read["ratings"], instrument, raters, cases, problems)
        notes += more
    if "gold" in read and cases.names:
        where = "in the table of cases" if "cases" in tables else "among the ratings"
        gold, panel, more = check_gold(read["gold"], instrument, cases.names, where, problems)
        notes += more
    if (
        ratings is None
        or len(legible) < len(tables)
        or any(problem.severity == "error" for problem in problems)
    ):
        return None, problems  # without _doubts: what is doubtful in a part of the data says nothing
    checked = Checked(raters, cases, ratings, gold, panel, tuple(notes))
    return checked, problems + _doubts(checked, instrument, legible)


def _named(read: Mapping[str, Cells], parts: Sequence[str], field: str) -> Listed:
    """Raters or cases as these parts name them, in natural order."""
    labels = {
        label
        for part in parts
        if part in read
        for label in read[part].fields[field].labels
        if label is not None
    }
    return Listed(tuple(sorted(labels, key=natural)))


# --- what is doubtful about data without an error ---


def _doubts(study: Checked, instrument: Instrument, tables: Mapping[str, Table]) -> list[Problem]:
    table = tables["ratings"]
    return [
        *_few_ratings(study, table),
        *_categories(study, instrument, table),
        *_urgencies(study, table),
        *_bands(study, tables),
        *_constant_gold(study, instrument, tables),
    ]


def _warning(table: Table, message: str, remedy: str, column: str | None = None) -> Problem:
    return Problem("warning", message, remedy, table.file, table.sheet, column=column)


def _few_ratings(study: Checked, table: Table) -> list[Problem]:
    """Raters with fewer than half of the ratings asked for; raters and cases without any."""
    problems = []
    ratings, n = study.ratings, len(study.raters.names)
    asked = np.bincount(ratings.rater, minlength=n)
    given = np.bincount(ratings.rater[ratings.code != NOT_GIVEN], minlength=n)
    few = [f"{study.raters.names[i]} ({given[i]} of {asked[i]})" for i in np.flatnonzero(given * 2 < asked)]
    if few:
        problems.append(
            _warning(
                table,
                f"Fewer than half of the ratings asked for were given by {_some(few)}.",
                "Check that nothing was lost on the way.",
            )
        )
    idle = {
        "rater": np.flatnonzero(asked == 0),
        "case": np.setdiff1d(np.arange(len(study.cases.names)), ratings.case),
    }
    for (noun, absent), who in zip(idle.items(), (study.raters, study.cases), strict=True):
        if len(absent):
            problems.append(
                _warning(
                    table,
                    f"There are no ratings for these {noun}s of the table of {noun}s: "
                    f"{_some([who.names[i] for i in absent])}.",
                    "Check that no file is missing.",
                )
            )
    return problems


def _categories(study: Checked, instrument: Instrument, table: Table) -> list[Problem]:
    """Categories that nobody used, and raters who used a single one."""
    problems, single = [], []
    ratings = study.ratings
    for name, scale in instrument.scales.items():
        on_scale = np.array([factor.scale == name for factor in instrument.factors])[ratings.factor]
        here = on_scale & (ratings.code >= 0)
        q = len(scale.categories)
        used = np.zeros((len(study.raters.names), q), dtype=np.int64)
        np.add.at(used, (ratings.rater[here], ratings.code[here]), 1)
        if on_scale.any() and (
            unused := [scale.categories[i] for i in np.flatnonzero(used.sum(axis=0) == 0)]
        ):
            problems.append(
                _warning(
                    table,
                    f"Nobody used {_some([repr(c) for c in unused])} of the scale {name!r}.",
                    "Nothing to do: coefficients count the categories of the scale, used or not.",
                )
            )
        one = (used.max(axis=1) == used.sum(axis=1)) & (used.sum(axis=1) >= _ENOUGH_RATINGS)
        single += [
            f"{study.raters.names[i]} ({scale.categories[used[i].argmax()]}, {used[i].sum()} times)"
            for i in np.flatnonzero(one)
        ]
    if single:
        problems.append(
            _warning(
                table,
                f"One category only was used by {_some(single)}.",
                "Check with the rater; agreement by chance is high for such ratings.",
            )
        )
    return problems


def _urgencies(study: Checked, table: Table) -> list[Problem]:
    bare = int(((study.ratings.code == UNABLE) & (study.ratings.urgency == NOT_GIVEN)).sum())
    if not bare:
        return []
    count = "1 rating 'unable to rate' has" if bare == 1 else f"{bare} ratings 'unable to rate' have"
    return [
        _warning(
            table,
            f"{count} no urgency.",
            "Add the priority of finding out, in the column urgency, if it was recorded.",
            "urgency",
        )
    ]


def _bands(study: Checked, tables: Mapping[str, Table]) -> list[Problem]:
    """Cases without a band, and bands too small for a statement about cases of that kind."""
    bands = study.cases.attributes.get("risk_band")
    table = tables.get("cases", tables["ratings"])
    if bands is None:
        if "cases" not in tables:
            return []
        return [
            _warning(
                table,
                "There is no column 'risk_band', so nothing can go by band.",
                "Add it if the cases differ in risk.",
                "risk_band",
            )
        ]
    problems = []
    if unknown := [name for name, band in zip(study.cases.names, bands, strict=True) if not band]:
        problems.append(
            _warning(table, f"The risk band is not known of {_some(unknown)}.", "Fill it in.", "risk_band")
        )
    counts = {band: bands.count(band) for band in bands if band}
    if few := [f"{band} ({n})" for band, n in counts.items() if n < _ENOUGH_CASES]:
        problems.append(
            _warning(
                table,
                f"Fewer than five cases stand in a risk band: {_some(few)}.",
                "Statements hold for these cases, not for cases of the band in general.",
                "risk_band",
            )
        )
    return problems


def _constant_gold(study: Checked, instrument: Instrument, tables: Mapping[str, Table]) -> list[Problem]:
    """Kinds of factors whose gold is the same throughout a band (throughout the study without bands)."""
    if study.gold is None:
        return []
    bands = np.array(study.cases.attributes.get("risk_band", ("",) * len(study.cases.names)))
    constant = []
    for kind, scale in dict.fromkeys((factor.kind, factor.scale) for factor in instrument.factors):
        factors = [i for i, f in enumerate(instrument.factors) if (f.kind, f.scale) == (kind, scale)]
        for band in dict.fromkeys(bands.tolist()):
            gold = study.gold[np.ix_(bands == band, factors)]
            given = gold[gold >= 0]
            if len(given) > 1 and (given == given[0]).all():
                where = f" in the band {band}" if band else ""
                label = instrument.scales[scale].categories[given[0]]
                constant.append(f"{kind} factors{where} ({label}, {len(given)} ratings)")
    if not constant:
        return []
    return [
        _warning(
            tables["gold"],
            f"The gold standard is the same throughout a group: {_some(constant)}.",
            "Kappa-type coefficients against gold say nothing there.",
            "rating",
        )
    ]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{', '.join(names[:20])}{more}"
