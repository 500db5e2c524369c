"""What a plan starts from: the numbers asked for, read from plan.toml or given one by one, with every mistake told at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from arms_irr.errors import ArgumentError, DataError, Problem, nearest
from arms_irr.planning.blocks import build_design
from arms_irr.planning.designs import PILOT_MIX, Design, Mix
from arms_irr.planning.parameters import BANDS, Parameters
from arms_irr.planning.precision import NEW_CASES
from arms_irr.planning.simulate import toml_text

__all__ = ["GOALS", "GOLDS", "Inputs", "inputs_from", "read_inputs"]

# Golds of the vignettes in simulations: every category in both bands as the profile builder spreads them, or the pilot's.
GOLDS: Mapping[str, Mix] = {
    "profile": Mix((3 / 6, 2 / 6, 1 / 6), (3 / 6, 2 / 6, 1 / 6), (1 / 6, 2 / 6, 3 / 6), (1 / 6, 2 / 6, 3 / 6)),
    "pilot": PILOT_MIX,
}
GOALS = ("exact", "gwet", "brennan_prediger", "conger", "fleiss", "missed_high", "unable_to_rate", "difference")
_SITES = {"police": "force", "probation": "trust"}
_MOST_EACH = 6  # vignettes that an officer rates, where nothing is said and there are more
_MOST = 1_000  # officers or vignettes: beyond, no exercise is planned and memory runs out
_HEAD = ("# The inputs of a plan. Another plan from these: arms-irr plan --inputs plan.toml -o FOLDER\n"
         "# [parameters] says how officers are simulated to rate (arms_irr.planning.parameters.Parameters).\n")


@dataclass(frozen=True)
class Inputs:
    """The inputs of a plan.

    Attributes
    ----------
    officers : mapping
        Officers by agency and site.
    cases : mapping
        New vignettes by risk band.
    per_officer, links, re_rated : int
        As :func:`arms_irr.planning.blocks.build_design`.
    golds : str
        One of :data:`GOLDS`. ``profile``: simulated vignettes carry the golds of the plan; ``pilot``: they are drawn anew
        from the pilot's mix.
    goals : mapping
        Statistic -> the half-width that would do.
    power : float
        The power that would do for each difference asked beforehand.
    replications, draws : int
        Sets of cases, and sets of uncertain parameters.
    parameters : Parameters or None
        Stated ones; None where they are fitted to a study, or are the shipped ones.
    """

    officers: Mapping[str, Mapping[str, int]]
    cases: Mapping[str, int]
    per_officer: int
    links: int
    re_rated: int = 0
    golds: str = "profile"
    goals: Mapping[str, float] = field(default_factory=dict)
    power: float = 0.8
    replications: int = 250
    draws: int = 20
    seed: int = 1
    confidence_level: float = 0.95
    parameters: Parameters | None = None

    @property
    def n_officers(self) -> int:
        """All officers."""
        return sum(sum(sites.values()) for sites in self.officers.values())

    @property
    def n_cases(self) -> int:
        """All vignettes."""
        return sum(self.cases.values())

    @property
    def drawn(self) -> Mix | None:
        """What golds of simulated cases are drawn from; None: they are those of the plan."""
        return None if self.golds == "profile" else GOLDS[self.golds]

    def design(self, instrument: str = "arms-12") -> Design:
        """Who rates what, on a shipped instrument; ``ArgumentError`` with the nearest design for one that cannot be."""
        return build_design(self.officers, self.cases, self.per_officer, self.links, self.re_rated, instrument=instrument, seed=self.seed)

    def to_toml(self, parameters: Parameters) -> str:
        """The text of plan.toml, with the parameters that were used."""
        tables: dict[str, dict[str, Any]] = {
            "plan": {name: getattr(self, name) for name in ("officers", "cases", *_NUMBERS, "golds")}, "goals": dict(self.goals)}
        return toml_text({**tables, "parameters": parameters.to_dict()}, _HEAD)


# Smallest and largest value of each number, and whether it is a whole one.
_NUMBERS: Mapping[str, tuple[float, float, bool]] = {
    "per_officer": (1, _MOST, True), "links": (0, _MOST, True), "re_rated": (0, _MOST, True), "replications": (2, 100_000, True),
    "draws": (2, 10_000, True), "seed": (0, 2**63, True), "power": (0, 1, False), "confidence_level": (0, 1, False),
}


def inputs_from(
    officers: int | Mapping[str, Any] = 40, cases: int | Mapping[str, int] = 12, *, sites: int = 3, goals: Mapping[str, float] | None = None,
    golds: str = "profile", parameters: Parameters | None = None, **numbers: Any,
) -> Inputs:
    """Inputs from single values.

    Parameters
    ----------
    officers : int or mapping
        In all (half police, half probation), by agency, or by agency and site.
    cases : int or mapping
        In all, half of each risk band (one more lower-risk one where odd), or by band.
    sites : int
        Of each agency, where officers are not given by site.
    **numbers
        Any of ``per_officer`` (all vignettes, or 6 where there are more), ``links`` (2, or fewer where an officer would have
        no other), ``re_rated``, ``replications``, ``draws``, ``seed``, ``power``, ``confidence_level``; None stands for the default.

    Raises
    ------
    ArgumentError
        With every mistake.
    """
    table = {"officers": officers, "cases": cases, "sites": sites, "golds": golds, **{k: v for k, v in numbers.items() if v is not None}}
    wrong = _mistakes(table, dict(goals or {}))
    if wrong:
        raise ArgumentError(" ".join(f"{message} {remedy}" for message, remedy in wrong))
    return _inputs(table, dict(goals or {}), parameters)


def read_inputs(path: str | os.PathLike[str]) -> Inputs:
    """Inputs from a plan.toml, as :meth:`Inputs.to_toml` writes it or as people do.

    Raises
    ------
    DataError
        With every mistake.
    """
    path = Path(path)
    name = path.name
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError([Problem("error", f"It cannot be read ({error.strerror or error}).", "Give a plan.toml that is there.", str(path))]) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError([Problem("error", f"This is no TOML ({error}).", "Mend the line, or start from a plan.toml that `arms-irr plan` wrote.",
                                 name)]) from None
    known = ("plan", "goals", "parameters")
    wrong = [(f"There is a part [{part}] that no plan has.", f"{nearest(part, known)}Known: {', '.join(known)}.") for part in content if part not in known]
    parts = {part: content.get(part, {}) for part in known}
    for part, table in parts.items():
        if not isinstance(table, Mapping):
            wrong.append((f"{part!r} is {table!r}.", f"Write a part [{part}] with names and values."))
            parts[part] = {}
    wrong += _mistakes(parts["plan"], parts["goals"])
    parameters = None
    if parts["parameters"]:
        try:
            given = {**{name: getattr(NEW_CASES, name) for name in ("ambiguity_sd", "difficulty_sd")}, **parts["parameters"]}
            parameters = Parameters.from_dict(given)
        except ArgumentError as error:
            wrong.append((str(error), ""))
    if wrong:
        raise DataError([Problem("error", message, remedy, name) for message, remedy in wrong])
    return _inputs(parts["plan"], parts["goals"], parameters)


def _inputs(table: Mapping[str, Any], goals: Mapping[str, float], parameters: Parameters | None) -> Inputs:
    """Inputs from a table without mistakes."""
    officers, cases = _officers(table.get("officers", 40), table.get("sites", 3)), _cases(table.get("cases", 12))
    n = sum(cases.values())
    each = table.get("per_officer", n if n <= _MOST_EACH else _MOST_EACH)
    made = Inputs(officers, cases, each, table.get("links", min(2, each if each >= n else each - 1)), goals={k: float(v) for k, v in goals.items()},
                  parameters=parameters)
    return replace(made, **{f.name: table[f.name] for f in fields(Inputs) if f.name in (*_NUMBERS, "golds") and f.name in table})


def _officers(given: int | Mapping[str, Any], sites: int) -> dict[str, dict[str, int]]:
    by_agency = given if isinstance(given, Mapping) else {"police": given - given // 2, "probation": given // 2}
    found = {}
    for agency, n in by_agency.items():
        word = _SITES.get(agency, agency)
        found[agency] = dict(n) if isinstance(n, Mapping) else {
            f"{word}_{k + 1}": (n + sites - 1 - k) // sites for k in range(sites) if (n + sites - 1 - k) // sites}
    return {agency: places for agency, places in found.items() if places}


def _cases(given: int | Mapping[str, int]) -> dict[str, int]:
    return dict(given) if isinstance(given, Mapping) else {BANDS[0]: given - given // 2, BANDS[1]: given // 2}


# --- mistakes -------------------------------------------------------------------------------------------------


def _mistakes(table: Mapping[str, Any], goals: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything wrong: what, and what to give instead."""
    known = ("officers", "cases", "sites", "golds", *_NUMBERS)
    wrong = [(f"{name!r} is no input of a plan.", f"{nearest(name, known)}Known: {', '.join(known)}.") for name in table if name not in known]
    wrong += _wrong_numbers(table)
    wrong += _wrong_sizes(table)
    if (golds := table.get("golds", "profile")) not in GOLDS:
        wrong.append((f"golds is {golds!r}.", f"{nearest(str(golds), GOLDS)}Choose from {', '.join(GOLDS)}."))
    for name, value in goals.items():
        if name not in GOALS:
            wrong.append((f"There is no goal for {name!r}.", f"{nearest(name, GOALS)}Choose from {', '.join(GOALS)}."))
        elif not _is_number(value) or not 0 < value < 1:
            wrong.append((f"The half-width wanted of {name} is {value!r}.", "Give a number between 0 and 1, for example 0.05."))
    return wrong


def _wrong_numbers(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    wrong = []
    for name, (low, high, whole) in _NUMBERS.items():
        if name not in table:
            continue
        value = table[name]
        if whole and not (_is_whole(value) and low <= value <= high):
            wrong.append((f"{name} is {value!r}.", f"Give a whole number of {low} or more{f', {high:,} at most' if high < 2**60 else ''}."))
        elif not whole and not (_is_number(value) and low < value < high):
            wrong.append((f"{name} is {value!r}.", "Give a number between 0 and 1."))
    if "sites" in table and not (_is_whole(table["sites"]) and 1 <= table["sites"] <= 100):
        wrong.append((f"sites is {table['sites']!r}.", "Give a whole number of 1 or more."))
    return wrong


def _wrong_sizes(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Numbers of officers and vignettes."""
    officers, cases = table.get("officers", 40), table.get("cases", 12)
    sizes = [] if isinstance(officers, Mapping) else [("officers", officers)]
    for agency, n in officers.items() if isinstance(officers, Mapping) else ():
        sizes += [(f"officers of {agency}, {site}", m) for site, m in n.items()] if isinstance(n, Mapping) else [(f"officers of {agency}", n)]
    wrong = [] if sizes else [("No officers are asked for.", "Give a number, or a number for each agency.")]
    if isinstance(cases, Mapping):
        wrong += [(f"{band!r} is no risk band that can be simulated.", f"{nearest(str(band), BANDS)}Give vignettes for {' and '.join(BANDS)}.")
                  for band in cases if band not in BANDS]
        sizes += [(f"{band}-risk vignettes", n) for band, n in cases.items()]
    else:
        sizes.append(("vignettes", cases))
    bad = [(f"{n!r} {what} cannot be.", f"Give a whole number from 0 to {_MOST:,}.") for what, n in sizes if not (_is_whole(n) and 0 <= n <= _MOST)]
    if bad or wrong:
        return [*wrong, *bad]
    people, stories = (sum(n for what, n in sizes if what.startswith("officers") == is_officers) for is_officers in (True, False))
    if people < 3:
        wrong.append((f"{people} officers are too few to plan for.", "The nearest design has 3 officers."))
    if stories < 2 or (isinstance(cases, Mapping) and min(cases.get(band, 0) for band in BANDS) < 1):
        wrong.append(("A plan compares lower- and higher-risk vignettes.", "The nearest design has 1 of each: lower=1,higher=1."))
    return wrong


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
