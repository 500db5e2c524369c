"""Kit: who is to rate which cases, in which order, on which form; made once, kept beside the forms."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from arms_irr.errors import DataError, Problem, nearest
from arms_irr.instruments import Instrument, load_instrument, shipped_instruments
from arms_irr.study.attributes import Listed, clashes, listed
from arms_irr.study.coding import fold
from arms_irr.study.read import read_bytes, read_file
from arms_irr.study.table import Table

__all__ = ["KIT_MAKER", "Form", "Kit", "csv_text", "fingerprint", "kit_files", "listed_csv", "make_kit", "manifest_of", "read_kit"]

KIT_MAKER = "arms-irr form"
MANIFEST, CASES, RATERS, INSTRUMENT, ASSIGNMENT = (
    "manifest.json", "kit/cases.csv", "kit/raters.csv", "kit/instrument.toml", "kit/assignment.csv")
_LONGEST = {"rater": 80, "case": 80, "title": 300}  # letters; longer ones cannot be read on a form
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that Windows keeps for itself
Order = dict[str, int | None]  # place by case; None where the table gives none
T = TypeVar("T")


@dataclass(frozen=True)
class Form:
    """One officer's form for one occasion.

    Attributes
    ----------
    id : str
        Twelve hexadecimal digits that stand for everything printed on it.
    cases : tuple of str
        Ids, in the order in which this officer reads them.
    file : str
        The name it was written under.
    """

    id: str
    rater: str
    occasion: int
    cases: tuple[str, ...]
    file: str = ""


@dataclass(frozen=True)
class Kit:
    """The forms of one collection, and what they have in common.

    Attributes
    ----------
    instrument_file : bytes
        The instrument file itself, so that a form can be read whatever later versions ship.
    raters, cases : Listed
    seed : int
        Of the orders of the cases.
    texts : mapping
        What was printed on the forms, for the same reason.
    warnings : tuple of Problem
    """

    instrument: Instrument
    instrument_file: bytes
    raters: Listed
    cases: Listed
    forms: tuple[Form, ...]
    seed: int
    texts: Mapping[str, str]
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def titles(self) -> dict[str, str]:
        """What a form calls each case: its title, or its id where it has none."""
        return _titles(self.cases)

    @cached_property
    def by_id(self) -> dict[str, Form]:
        """The forms by their ids."""
        return {form.id: form for form in self.forms}

    @property
    def telling(self) -> list[tuple[str, str]]:
        """Cases whose title names their risk band, and the title: officers should not read the answer."""
        bands = zip(self.cases.names, self.cases.attributes.get("risk_band", ()), strict=False)
        return [(case, self.titles[case]) for case, band in bands
                if band and re.search(rf"\b{re.escape(band)}\b", self.titles[case], re.IGNORECASE)]

    @property
    def several_occasions(self) -> bool:
        """Whether a form has to say which occasion it is for."""
        return any(form.occasion != 1 for form in self.forms)


def fingerprint(instrument: Instrument) -> str:
    """Twelve hexadecimal digits that stand for everything that the instrument file says."""
    return _digest(asdict(instrument))


def make_kit(instrument: str, cases: Path, raters: Path, texts: Mapping[str, str], assignment: Path | None = None, seed: int = 1) -> Kit:
    """The kit of a collection.

    Parameters
    ----------
    instrument : str
        A shipped name, or the path of an instrument file.
    cases, raters : Path
        Tables with a column ``case`` (and ``title``) or ``rater``, and any attributes.
    texts : mapping
        What is printed on the forms.
    assignment : Path, optional
        A table with ``rater``, ``case`` and, where there are any, ``order`` and ``occasion``. Without it every officer
        rates every case once. Without ``order`` the cases are shuffled for each officer and occasion by themselves, so
        that one more officer changes nobody else's form.

    Raises
    ------
    DataError
        With every problem of all files.
    """
    problems: list[Problem] = []
    tool = _attempt(lambda: load_instrument(instrument), problems)
    who, which = _listed(raters, "rater", problems), _listed(cases, "case", problems)
    wanted: dict[tuple[str, int], Order] = {}
    if who and which:
        problems += clashes(who, which)
        wanted = {(rater, 1): dict.fromkeys(which.names) for rater in who.names}
        if assignment is not None:
            wanted = _assigned(assignment, who, which, problems)
            busy = {rater for rater, _ in wanted}
            if idle := [name for name in who.names if wanted and name not in busy]:
                problems.append(Problem("warning", f"No case is assigned to {', '.join(idle[:20])}.", "They get no form.",
                                        assignment.name, column="rater"))
    if tool is None or not who or not which or any(problem.severity == "error" for problem in problems):
        raise DataError(problems)
    orders = [Form("", rater, occasion, _order(rater, occasion, given, seed)) for (rater, occasion), given in wanted.items()]
    kit = Kit(tool, _instrument_file(instrument), who, which, (), seed, dict(texts), tuple(problems))
    return replace(kit, forms=_named([replace(form, id=_form_id(kit, form)) for form in orders]))


def kit_files(kit: Kit) -> dict[str, str | bytes]:
    """What lies beside the forms: the tables, the instrument, and who reads the cases in which order."""
    rows = [(form.rater, case, order, form.occasion) for form in kit.forms for order, case in enumerate(form.cases, 1)]
    return {
        CASES: listed_csv("case", kit.cases), RATERS: listed_csv("rater", kit.raters), INSTRUMENT: kit.instrument_file,
        ASSIGNMENT: csv_text(("rater", "case", "order", "occasion"), rows),
    }  # fmt: skip


def manifest_of(kit: Kit, files: Mapping[str, str | bytes]) -> str:
    """What the forms were made from, as JSON text; ``sha256`` tells a form that was filled in from one that was not."""
    contents = {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}
    return json.dumps({
        "made_by": KIT_MAKER,
        "instrument": {"name": kit.instrument.name, "fingerprint": fingerprint(kit.instrument)},
        "seed": kit.seed,
        "forms": [asdict(form) for form in kit.forms],
        "texts": dict(kit.texts),
        "files": sorted([*files, MANIFEST]),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())},
    }, indent=1, ensure_ascii=False) + "\n"  # fmt: skip


def read_kit(folder: Path) -> tuple[Kit, dict[str, str]]:
    """The kit that lies beside the forms, and the SHA-256 of each of its files as they were made.

    Raises
    ------
    DataError
        When it is not there, or no longer what the forms were made from.
    """
    try:
        found = json.loads(read_bytes(folder / MANIFEST))
        if found["made_by"] != KIT_MAKER:
            raise ValueError
        forms = tuple(Form(**{**form, "cases": tuple(form["cases"])}) for form in found["forms"])
        seed, texts, digests = int(found["seed"]), dict(found["texts"]), dict(found["sha256"])
    except (DataError, ValueError, KeyError, TypeError):
        raise DataError([Problem(
            "error", "There is no kit here: no manifest.json that `arms-irr form` wrote.",
            "Name the folder that `arms-irr form` made with --kit FOLDER; it holds what the forms were made from.", str(folder))]) from None
    problems: list[Problem] = []
    tool = _attempt(lambda: load_instrument(str(folder / INSTRUMENT)), problems)
    who, which = _listed(folder / RATERS, "rater", problems), _listed(folder / CASES, "case", problems)
    data = _attempt(lambda: read_bytes(folder / INSTRUMENT), problems)
    if tool is None or data is None or not who or not which:
        raise DataError(problems)
    kit = Kit(tool, data, who, which, tuple(form for form in forms if form.rater in who.names), seed, texts)
    if any(not set(form.cases) <= set(which.names) or _form_id(kit, form) != form.id for form in kit.forms):
        raise DataError([Problem(
            "error", "The cases or the instrument are not those that the forms were made from.",
            "Put the folder back as `arms-irr form` wrote it, or make the forms anew into another folder.", str(folder / "kit"))])
    return kit, digests


def csv_text(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([head, *rows])
    return out.getvalue()


def listed_csv(key: str, who: Listed, only: Iterable[str] | None = None) -> str:
    """Raters or cases with their attributes as CSV text; ``only`` some of them."""
    kept = set(who.names if only is None else only)
    rows = zip(who.names, *who.attributes.values(), strict=True)
    return csv_text((key, *who.attributes), [row for row in rows if row[0] in kept])


# --- reading ---


def _attempt(read: Callable[[], T], problems: list[Problem]) -> T | None:
    """What is read, or None and its problems."""
    try:
        return read()
    except DataError as error:
        problems += error.problems
    except (OSError, ValueError) as error:  # a name that no file can have
        problems.append(Problem("error", f"The instrument cannot be read ({error}).", "Give a shipped name or the path of a file."))
    return None


def _listed(path: Path, key: str, problems: list[Problem]) -> Listed | None:
    """The raters or cases of a file; too long for a form is an error."""
    table = _attempt(lambda: read_file(path, f"{key}s"), problems)
    if table is None:
        return None
    problems += table.problems
    who = listed(table, key, problems)
    if who is None:
        return None
    if not who.names:
        problems.append(table.problem("error", f"There are no {key}s.", f"Add a row for each {key}.", column=key))
    texts = {key: who.names, **({"title": tuple(_titles(who).values())} if key == "case" else {})}
    for column, values in texts.items():
        for text in (text for text in values if len(text) > _LONGEST[column]):
            problems.append(Problem(
                "error", f"This {column} has {len(text)} letters; a form has room for {_LONGEST[column]}.", "Shorten it.",
                table.file, table.sheet, column=column, value=text[:60]))
    return who


def _titles(cases: Listed) -> dict[str, str]:
    named = next((values for name, values in cases.attributes.items() if fold(name) == "title"), ("",) * len(cases.names))
    return {case: title or case for case, title in zip(cases.names, named, strict=True)}


def _instrument_file(name: str) -> bytes:
    if name in shipped_instruments():
        return resources.files("arms_irr.instruments").joinpath(f"{name}.toml").read_bytes()
    return Path(name).read_bytes()


# --- who rates what, in which order ---


def _assigned(path: Path, who: Listed, which: Listed, problems: list[Problem]) -> dict[tuple[str, int], Order]:
    """The cases of each officer and occasion, in the order of the table."""
    table = _attempt(lambda: read_file(path, "assignment"), problems)
    if table is None:
        return {}
    problems += table.problems
    named = {fold(column): column for column in table.columns}
    known = {"rater": set(who.names), "case": set(which.names)}
    columns: dict[str, list[str | None]] = {name: table.columns[named[name]] for name in ("rater", "case", "order", "occasion") if name in named}
    for name in set(known) - set(columns):
        problems.append(table.problem("error", f"There is no column {name!r}.",
                                      f"{nearest(name, table.columns)}The columns are: {', '.join(table.columns)}.", column=name))
    wanted: dict[tuple[str, int], Order] = {}
    for row in range(len(table.row_numbers)) if set(known) <= set(columns) else ():
        cell: dict[str, str | None] = {name: values[row] for name, values in columns.items()}
        wrong = [(name, f"The {name} {cell[name]!r} is not in the table of {name}s." if cell[name] else f"The row names no {name}.",
                  f"{nearest(cell[name] or '', names)}Mend it, or add it there.") for name, names in known.items() if (cell[name] or "") not in names]
        wrong += [(name, f"The {name} {cell[name]!r} is not 1, 2, 3 ...", "Write whole numbers, or leave the column out.")
                  for name in ("order", "occasion") if name in cell and _count(cell[name]) is None]
        problems += [table.problem("error", message, remedy, [row], named[name], cell[name]) for name, message, remedy in wrong]
        if wrong:
            continue
        cases = wanted.setdefault((str(cell["rater"]), _count(cell.get("occasion", "1")) or 1), {})
        place = _count(cell["order"]) if "order" in cell else None
        _put(cases, cell, place, table, row, problems)
    return wanted


def _put(cases: Order, cell: Mapping[str, str | None], place: int | None, table: Table, row: int, problems: list[Problem]) -> None:
    case = str(cell["case"])
    if case in cases:
        problems.append(table.problem("error", f"The case {case!r} is assigned to {cell['rater']!r} twice.",
                                      "Delete one row, or number the occasions.", [row], "case", case))
    elif place is not None and place in cases.values():
        problems.append(table.problem("error", f"Two cases of {cell['rater']!r} have the place {place}.",
                                      "Give every case of an officer and occasion a place of its own.", [row], "order", str(place)))
    else:
        cases[case] = place


def _count(text: str | None) -> int | None:
    whole = (text or "").removesuffix(".0")
    return int(whole) if whole.isascii() and whole.isdigit() and 0 < int(whole[:6]) < 2**15 and len(whole) < 6 else None


def _order(rater: str, occasion: int, given: Order, seed: int) -> tuple[str, ...]:
    """The cases by their places; shuffled where they have none."""
    if all(place is not None for place in given.values()):
        return tuple(sorted(given, key=lambda case: given[case] or 0))
    own = int.from_bytes(hashlib.sha256(rater.encode()).digest()[:8])
    cases = list(given)
    return tuple(cases[i] for i in np.random.default_rng([seed, occasion, own]).permutation(len(cases)))


# --- names ---


def _form_id(kit: Kit, form: Form) -> str:
    printed = [(case, kit.titles[case]) for case in form.cases]
    return _digest([fingerprint(kit.instrument), form.rater, form.occasion, kit.seed, printed, dict(kit.texts)])


def _digest(thing: Any) -> str:
    return hashlib.sha256(json.dumps(thing, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _named(forms: Iterable[Form]) -> tuple[Form, ...]:
    """The forms with file names that every file system takes, each its own, whatever the officers are called."""
    named, taken = [], set[str]()
    for form in forms:
        plain = re.sub(r"[^\w.-]+", "_", form.rater).strip("._ ")[:60]
        name = plain + (f"-occasion_{form.occasion}" if form.occasion != 1 else "")
        if plain != form.rater or _RESERVED.fullmatch(plain) or name.casefold() in taken:
            name = f"{name or 'officer'}-{form.id[:6]}" if not _RESERVED.fullmatch(plain) else f"officer-{form.id[:6]}"
        taken.add(name.casefold())
        named.append(replace(form, file=f"{name}.xlsx"))
    return tuple(named)
