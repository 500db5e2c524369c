"""Instrument, Factor and Scale: a scale declares its categories, it never infers them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from arms_irr.errors import DataError, Problem, nearest

__all__ = ["KINDS", "NOT_GIVEN", "UNABLE", "Factor", "Instrument", "Scale", "load_instrument", "shipped_instruments"]

KINDS = ("risk", "protective", "static", "overall")

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
        """The category's position, ``UNABLE``, or None when the text is neither. Case and spaces do not matter."""
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
        return self.provenance.startswith("provisional")


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
        """The kinds that occur, in the order risk, protective, static, overall."""
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
                return _build(path.read_text("utf-8"), path.name)
            except (OSError, UnicodeDecodeError) as error:
                raise DataError([Problem("error", f"The instrument file cannot be read ({error}).",
                                         "Save it as a UTF-8 text file.", file=str(path))]) from error
    raise DataError([Problem(
        "error", f"There is no instrument {name!r}.",
        f"{nearest(name, shipped_instruments())}Shipped: {', '.join(shipped_instruments())}; "
        "or give the path of an instrument file beside study.toml.", value=name)])


_KEYS = {"name": str, "title": str, "direction": str, "provenance": str, "scales": dict, "factors": list, "rules": dict}
_SCALE_KEYS = {"level": str, "categories": list, "short": list, "codes": list, "scores": list, "not_rated": list}
_FACTOR_KEYS = {"id": str, "label": str, "kind": str, "scale": str, "provenance": str, "definition": str, "optional": bool}
_LEVELS = ("nominal", "ordinal", "interval", "ratio")


def _build(text: str, file: str) -> Instrument:
    problems: list[Problem] = []

    def wrong(message: str, remedy: str, value: str | None = None) -> None:
        problems.append(Problem("error", message, remedy, file=file, value=value))

    def check_keys(table: Mapping[str, Any], known: Mapping[str, type], required: tuple[str, ...], where: str) -> None:
        for key, value in table.items():
            if key not in known:
                wrong(f"Unknown key {key!r} in {where}.", f"{nearest(key, known)}Known keys: {', '.join(known)}.", key)
            elif not isinstance(value, known[key]):
                wrong(f"{key!r} in {where} has the wrong type.", f"It must be a {known[key].__name__}.", str(value))
        for key in required:
            if key not in table:
                wrong(f"{where} has no {key!r}.", f"Add {key} = ... to {where}.")

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError([Problem("error", f"The file is not valid TOML: {error}.", "Mend the line named.", file=file)]) from error
    check_keys(data, _KEYS, ("name", "title", "scales", "factors"), "the instrument")
    if problems:
        raise DataError(problems)
    scales = {}
    for name, table in data["scales"].items():
        where = f"[scales.{name}]"
        if not isinstance(table, dict):
            wrong(f"{where} is not a table.", "Write it as a table with categories = [...].")
            continue
        check_keys(table, _SCALE_KEYS, ("categories",), where)
        labels = [str(label) for label in table.get("categories") or []]
        if len(labels) < 2 or len(set(map(_fold, labels))) < len(labels):
            wrong(f"{where} needs at least two different categories.", "List them from lowest to highest.")
        for key in ("short", "codes", "scores"):
            if key in table and len(table[key]) != len(labels):
                wrong(f"{key!r} in {where} has {len(table[key])} entries for {len(labels)} categories.", "Give one each.")
        scores = table.get("scores") or list(range(1, len(labels) + 1))
        if not all(isinstance(s, (int, float)) for s in scores) or any(b <= a for a, b in zip(scores, scores[1:], strict=False)):
            wrong(f"'scores' in {where} must be ascending numbers.", "List them from lowest to highest.", str(scores))
            scores = list(range(len(labels)))
        if table.get("level", "ordinal") not in _LEVELS:
            wrong(f"Unknown level {table['level']!r} in {where}.", f"One of: {', '.join(_LEVELS)}.", str(table["level"]))
        scales[name] = Scale(
            name, tuple(labels), table.get("level", "ordinal"), tuple(map(str, table.get("short", ()))),
            tuple(map(str, table.get("codes", ()))), tuple(map(float, scores)), tuple(map(str, table.get("not_rated", ()))))
    factors: list[Factor] = []
    for number, table in enumerate(data["factors"], 1):
        where = f"[[factors]] number {number}"
        if not isinstance(table, dict):
            wrong(f"{where} is not a table.", "Write it as a table with id, label, kind and scale.")
            continue
        before = len(problems)
        check_keys(table, _FACTOR_KEYS, ("id", "label", "kind", "scale"), where)
        if len(problems) > before:
            continue
        factor = Factor(**table)
        if factor.kind not in KINDS:
            wrong(f"Unknown kind {factor.kind!r} in {where}.", f"{nearest(factor.kind, KINDS)}One of: {', '.join(KINDS)}.", factor.kind)
        if factor.scale not in scales:
            wrong(f"Unknown scale {factor.scale!r} in {where}.", f"{nearest(factor.scale, scales)}Declared: {', '.join(scales)}.", factor.scale)
        if factor.id in [f.id for f in factors]:
            wrong(f"The factor id {factor.id!r} occurs twice.", "Give every factor an id of its own.", factor.id)
        factors.append(factor)
    if not factors:
        wrong("The instrument has no factors.", "Add at least one [[factors]] table.")
    if problems:
        raise DataError(problems)
    return Instrument(data["name"], data["title"], tuple(factors), scales, data.get("direction", ""),
                      data.get("provenance", ""), data.get("rules", {}))
