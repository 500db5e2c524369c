"""Instrument, Factor and Scale: a scale declares its categories, it never infers them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from arms_irr.errors import DataError, Problem, nearest

__all__ = ["KINDS", "NOT_GIVEN", "UNABLE", "Factor", "Instrument", "Scale", "load_instrument",
           "shipped_instruments"]

# What a factor is; "item" is one of a scored tool or checklist, neither risk nor protective.
KINDS = ("risk", "protective", "item", "static", "overall")

# The two states of a rating that are not categories, as codes beside 0..q-1.
NOT_GIVEN = -1  # an empty cell: asked for and not answered
UNABLE = -2  # "unable to rate": an answer, but not a priority

# Spellings of "unable to rate" understood on every scale that allows it, beside its declared labels.
_UNABLE_SPELLINGS = ("unable to rate", "utr")


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class Scale:
    """Ordered categories with their short forms, codes and scores.

    Attributes
    ----------
    categories : tuple of str
        Labels, lowest first. Their number is the q of every coefficient, used or not.
    scores : tuple of float
        One per category, ascending; 1..q unless the instrument file says otherwise.
    not_rated : tuple of str
        Labels of the state "unable to rate"; empty when the scale does not allow it.
    """

    name: str
    categories: tuple[str, ...]
    level: str = "ordinal"
    short: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    not_rated: tuple[str, ...] = ()

    @cached_property
    def _index(self) -> dict[str, int]:
        names: dict[str, int] = {}
        if self.not_rated:
            names |= {_fold(text): UNABLE for text in (*self.not_rated, *_UNABLE_SPELLINGS)}
        for labels in (self.codes, self.short, self.categories):  # a label wins over a short form over a code
            names |= {_fold(text): index for index, text in enumerate(labels)}
        return names

    def index(self, text: str) -> int | None:
        """The category's position, ``UNABLE``, or None when it is neither. Case and spaces do not matter."""
        return self._index.get(_fold(text))

    def label(self, code: int) -> str:
        """The label of a code; the empty string for ``NOT_GIVEN``."""
        if code >= 0:
            return self.categories[code]
        return self.not_rated[0] if code == UNABLE and self.not_rated else ""

    @property
    def accepted(self) -> tuple[str, ...]:
        """What a user may write, labels first: for messages."""
        return (*self.categories, *self.not_rated)


@dataclass(frozen=True)
class Factor:
    """One thing that is rated. ``provenance`` begins with ``verified`` or ``provisional``."""

    id: str
    label: str
    kind: str
    scale: str
    provenance: str = ""
    definition: str = ""
    optional: bool = False

    @property
    def provisional(self) -> bool:
        """Whether the factor's name is not confirmed by a source."""
        return self.provenance.casefold().startswith("provisional")


@dataclass(frozen=True)
class Instrument:
    """A structured judgement tool: its factors in order, their scales and its own rules."""

    name: str
    title: str
    factors: tuple[Factor, ...]
    scales: Mapping[str, Scale]
    direction: str = ""
    provenance: str = ""
    rules: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _by_id(self) -> dict[str, Factor]:
        return {factor.id: factor for factor in self.factors}

    @property
    def factor_ids(self) -> tuple[str, ...]:
        """Ids in the instrument's order."""
        return tuple(self._by_id)

    def factor(self, id: str) -> Factor:
        """The factor with this id; ``KeyError`` when there is none."""
        return self._by_id[id]

    def scale_of(self, id: str) -> Scale:
        """The scale of the factor with this id."""
        return self.scales[self._by_id[id].scale]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that occur, in the order of ``KINDS``."""
        return tuple(kind for kind in KINDS if any(f.kind == kind for f in self.factors))

    @property
    def provisional(self) -> tuple[Factor, ...]:
        """Factors whose names are not confirmed by a source."""
        return tuple(factor for factor in self.factors if factor.provisional)


def shipped_instruments() -> tuple[str, ...]:
    """Names of the instruments that come with the package."""
    folder = resources.files("arms_irr.instruments")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def load_instrument(name: str, beside: Path | None = None) -> Instrument:
    """A shipped instrument by name, or an instrument file.

    Parameters
    ----------
    name : str
        A shipped name (:func:`shipped_instruments`) or the path of a TOML file.
    beside : Path, optional
        Folder that a relative path is looked up in first.

    Raises
    ------
    DataError
        With every problem of the file: unreadable, unknown or missing keys, wrong types, repeated ids.
    """
    if name in shipped_instruments():
        text = resources.files("arms_irr.instruments").joinpath(f"{name}.toml").read_text("utf-8")
        return _build(text, f"{name}.toml")
    candidates = [Path(name)] if beside is None else [beside / name, Path(name)]
    for path in candidates:
        if path.is_file():
            try:
                return _build(path.read_text("utf-8-sig"), path.name)
            except (OSError, UnicodeDecodeError) as error:
                raise DataError([Problem("error", f"The instrument file cannot be read ({error}).",
                                         "Save it as a UTF-8 text file.", file=str(path))]) from error
    raise DataError([Problem(
        "error", f"There is no instrument {name!r}.",
        f"{nearest(name, shipped_instruments())}Shipped: {', '.join(shipped_instruments())}; "
        "or give the path of an instrument file beside study.toml.", value=name)])


_KEYS = {"name": str, "title": str, "direction": str, "provenance": str, "scales": dict, "factors": list,
         "rules": dict}
_SCALE_KEYS = {"level": str, "categories": list, "short": list, "codes": list, "scores": list,
               "not_rated": list}
_FACTOR_KEYS = {"id": str, "label": str, "kind": str, "scale": str, "provenance": str, "definition": str,
                "optional": bool}
_LEVELS = ("nominal", "ordinal", "interval", "ratio")
_TYPES = {str: "a text in quotes", list: "a list [...]", dict: "a table", bool: "true or false"}

Wrong = Callable[..., None]  # wrong(message, remedy, value=None): notes one problem and goes on


def _build(text: str, file: str) -> Instrument:
    problems: list[Problem] = []

    def wrong(message: str, remedy: str, value: object = None) -> None:
        shown = None if value is None else str(value)
        problems.append(Problem("error", message, remedy, file=file, value=shown))

    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError([Problem("error", f"The file is not valid TOML: {error}.", "Mend the line named.",
                                 file=file)]) from error
    data = usable(raw, _KEYS, ("name", "title", "scales", "factors"), "the instrument", wrong)
    scales = {name: _scale(name, table, wrong) for name, table in data.get("scales", {}).items()}
    factors = _factors(data.get("factors", []), scales, wrong)
    for key, table in (("scales", "[scales.priority]"), ("factors", "[[factors]]")):
        if data.get(key) in ({}, []):
            wrong(f"The instrument has no {key}.", f"Add at least one table such as {table}.")
    instrument = Instrument(
        data.get("name", ""), data.get("title", ""), factors, scales, data.get("direction", ""),
        data.get("provenance", ""), data.get("rules", {}))
    from arms_irr.instruments.check import check_rules  # which builds on this file

    check_rules(instrument, wrong)
    if problems:
        raise DataError(problems)
    return instrument


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


def _scale(name: str, raw: object, wrong: Wrong) -> Scale:
    where = f"[scales.{name}]"
    table = usable(raw, _SCALE_KEYS, ("categories",), where, wrong)
    spelt = ("categories", "short", "codes", "not_rated")
    texts = {key: tuple(map(str, table.get(key, ()))) for key in spelt}
    q = len(texts["categories"])
    if "categories" in table and len(set(map(_fold, texts["categories"]))) < max(q, 2):
        wrong(f"{where} needs at least two categories, all different.", "List them from lowest to highest.")
    for key in ("short", "codes", "scores"):
        if key in table and "categories" in table and len(table[key]) != q:
            wrong(f"{key!r} in {where} has {len(table[key])} entries for {q} categories.", "Give one each.")
    means: dict[str, set[int]] = {}
    for key in spelt:
        for index, text in enumerate(texts[key]):
            means.setdefault(_fold(text), set()).add(UNABLE if key == "not_rated" else index)
    for text, indices in means.items():
        if len(indices) > 1 and sum(_fold(label) == text for label in texts["categories"]) < 2:
            wrong(f"{text!r} in {where} stands for two things.", "Let every text stand for one.", text)
    scores = table.get("scores", range(1, q + 1))
    if any(isinstance(s, bool) or not isinstance(s, (int, float)) for s in scores) or any(
            not a < b for a, b in pairwise(scores)):
        wrong(f"'scores' in {where} must be ascending numbers.", "List them from lowest to highest.", scores)
        scores = range(1, q + 1)
    level = table.get("level", "ordinal")
    if level not in _LEVELS:
        wrong(f"Unknown level {level!r} in {where}.", choose(level, _LEVELS), level)
    return Scale(name, texts["categories"], level, texts["short"], texts["codes"], tuple(map(float, scores)),
                 texts["not_rated"])


def _factors(rows: list[object], scales: Mapping[str, Scale], wrong: Wrong) -> tuple[Factor, ...]:
    factors: list[Factor] = []
    ids: set[str] = set()
    required = ("id", "label", "kind", "scale")
    for number, raw in enumerate(rows, 1):
        where = f"[[factors]] number {number}"
        table = usable(raw, _FACTOR_KEYS, required, where, wrong)
        id, kind, scale = table.get("id"), table.get("kind"), table.get("scale")
        if kind is not None and kind not in KINDS:
            wrong(f"Unknown kind {kind!r} in {where}.", choose(kind, KINDS), kind)
        if scale is not None and scales and scale not in scales:
            wrong(f"Unknown scale {scale!r} in {where}.", choose(scale, scales), scale)
        if id in ids:
            wrong(f"The factor id {id!r} occurs twice.", "Give every factor an id of its own.", id)
        elif all(key in table for key in required):
            factors.append(Factor(**table))
        ids |= {id} if id is not None else set()
    return tuple(factors)
