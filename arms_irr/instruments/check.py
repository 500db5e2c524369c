"""What the ``[rules]`` of an instrument file may say: every problem is reported, none raised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise, product
from typing import Any

from arms_irr.errors import nearest
from arms_irr.instruments.model import Instrument
from arms_irr.instruments.rules import LEVELS, overall_scale, rated

__all__ = ["Wrong", "check_rules", "choose", "usable"]

Wrong = Callable[..., None]  # wrong(message, remedy, value=None): notes one problem and goes on


def check_rules(instrument: Instrument, wrong: Wrong) -> None:
    """Report everything wrong in ``[rules]`` to ``wrong(message, remedy, value)``; called on loading."""
    checks = {"predominance": _check_predominance, "visit_interval_months": _check_visits,
              "combination": _check_combination, "rm2000": _check_rm2000}
    for key, value in instrument.rules.items():
        if key in checks:
            checks[key](instrument, value, wrong)
        else:
            wrong(f"Unknown key {key!r} in [rules].", choose(key, checks), key)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_levels(table: object, where: str, wrong: Wrong) -> bool:
    """Whether the table gives one number to each of the four levels and to nothing else."""
    labels = LEVELS.categories
    if not isinstance(table, dict) or set(table) != set(labels) or not all(map(_number, table.values())):
        wrong(f"{where} must give one number to each of {', '.join(labels)}.",
              f"Write {where} = {{ Low = ..., Medium = ..., High = ..., \"Very High\" = ... }}.", table)
        return False
    return True


def _check_predominance(instrument: Instrument, value: object, wrong: Wrong) -> None:
    if not isinstance(value, bool):
        wrong("'predominance' in [rules] has the wrong type.", "It must be true or false.", value)
    elif value:
        used = {f.scale for f in rated(instrument)}
        overall = overall_scale(instrument)
        factor = instrument.scales.get(next(iter(used), ""))
        fits = len(used) == 1 and factor and overall and overall.categories[:-1] == factor.categories
        if not fits:
            wrong("predominance = true does not fit the scales.",
                  "It needs risk and protective factors on one scale, and a factor of kind overall on the "
                  "same categories with one more on top; else say predominance = false.")


def _check_visits(instrument: Instrument, value: object, wrong: Wrong) -> None:
    where = "visit_interval_months"
    if _check_levels(value, where, wrong) and not all(months > 0 for months in value.values()):
        wrong(f"{where} has an interval that is not positive.", "Give months above 0.", value)


def _check_combination(instrument: Instrument, value: object, wrong: Wrong) -> None:
    if value == []:
        return
    labels = {"overall": (overall_scale(instrument) or LEVELS).categories, "rm2000": LEVELS.categories,
              "level": LEVELS.categories}
    if not isinstance(value, list):
        wrong("'combination' in [rules] has the wrong type.",
              f"It must be a list of rows with {', '.join(labels)}.", value)
        return
    seen = set()
    for number, row in enumerate(value, 1):
        where = f"Row {number} of combination"
        if not isinstance(row, dict) or set(row) != set(labels):
            wrong(f"{where} must have exactly {', '.join(labels)}.", "Mend the row.", row)
            continue
        bad = [key for key, valid in labels.items() if row[key] not in valid]
        for key in bad:
            wrong(f"{where} has an unknown {key}: {row[key]!r}.", choose(row[key], labels[key]), row[key])
        if not {"overall", "rm2000"} & set(bad):
            pair = row["overall"], row["rm2000"]
            if pair in seen:
                wrong(f"{where} repeats overall {pair[0]} with RM2000 {pair[1]}.", "Keep one row a pair.")
            seen.add(pair)
    missing = [f"{overall} x {band}" for overall, band in product(labels["overall"], labels["rm2000"])
               if (overall, band) not in seen]
    if missing:
        wrong(f"combination has no row for: {'; '.join(missing)} (overall x RM2000).",
              "Add the rows, or empty the table.")


def _check_rm2000(instrument: Instrument, rule: object, wrong: Wrong) -> None:
    where = "[rules.rm2000]"
    known = {"step_one": list, "aggravating": list, "bands": dict, "uplift": list, "provenance": str}
    table = usable(rule, known, tuple(known), where, wrong)
    if len(table) < len(known):
        return
    ids = [*table["step_one"], *table["aggravating"]]
    strange = [id for id in ids if id not in instrument.factor_ids]
    for id in strange:
        wrong(f"{where} names an unknown item {id!r}.", choose(id, instrument.factor_ids), id)
    named = {id: instrument.scales.get(instrument.factor(id).scale) for id in ids if id not in strange}
    for id in table["aggravating"]:
        if id not in strange and named[id] and len(named[id].categories) != 2:
            wrong(f"The aggravating factor {id!r} needs a scale of two.", "List absent, then present.", id)
    steps = table["uplift"]
    if len(steps) != len(table["aggravating"]) + 1 or any(
            isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in steps):
        wrong(f"'uplift' in {where} must say how many categories up for 0, 1, 2 ... aggravating factors.",
              f"Give {len(table['aggravating']) + 1} whole numbers, none below 0.", steps)
    if not _check_levels(table["bands"], "bands", wrong):
        return
    lowest = [table["bands"][label] for label in LEVELS.categories]
    if any(b <= a for a, b in pairwise(lowest)):
        wrong(f"'bands' in {where} must rise from Low to Very High.", "Give the lowest total of each.",
              lowest)
    elif not strange:  # RATED's bands begin at 1: with points from 0 someone would fall out below
        floor = sum(min(named[id].scores, default=0) for id in table["step_one"] if named[id])
        if lowest[0] > floor:
            wrong(f"'bands' in {where} leave a total of {floor:g} without a category.",
                  f"Let Low begin at {floor:g}, or correct the points.", lowest[0])


_TYPES = {str: "a text in quotes", list: "a list [...]", dict: "a table", bool: "true or false"}


def usable(table: object, known: Mapping[str, type], required: tuple[str, ...], where: str,
           wrong: Wrong) -> dict[str, Any]:
    """The entries of a table that can be used; everything else is reported."""
    if not isinstance(table, dict):
        wrong(f"{where} is not a table.", f"Write it as a table with {', '.join(required)}.", table)
        return {}
    for key, value in table.items():
        if key not in known:
            wrong(f"Unknown key {key!r} in {where}.", choose(key, known), key)
        elif not isinstance(value, known[key]):
            wrong(f"{key!r} in {where} has the wrong type.", f"It must be {_TYPES[known[key]]}.", value)
    for key in required:
        if key not in table:
            wrong(f"{where[0].upper()}{where[1:]} has no {key!r}.", f"Add {key} = ... to {where}.")
    return {key: value for key, value in table.items() if key in known and isinstance(value, known[key])}


def choose(given: object, valid: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest valid one, and all of them."""
    return f"{nearest(str(given), valid)}Known: {', '.join(valid)}."
