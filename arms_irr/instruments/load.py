"""An instrument file as an Instrument: every problem of the file at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from itertools import pairwise
from pathlib import Path

from arms_irr.errors import DataError, Problem, nearest
from arms_irr.instruments.check import Wrong, check_rules, choose, usable
from arms_irr.instruments.model import KINDS, UNABLE, Factor, Instrument, Scale, fold

__all__ = ["load_instrument", "shipped_instruments"]


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
               "not_rated": list, "definitions": list, "not_rated_definition": str}
_FACTOR_KEYS = {"id": str, "label": str, "kind": str, "scale": str, "provenance": str, "definition": str,
                "optional": bool}
_LEVELS = ("nominal", "ordinal", "interval", "ratio")
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
    check_rules(instrument, wrong)
    if problems:
        raise DataError(problems)
    return instrument


def _scale(name: str, raw: object, wrong: Wrong) -> Scale:
    where = f"[scales.{name}]"
    table = usable(raw, _SCALE_KEYS, ("categories",), where, wrong)
    spelt = ("categories", "short", "codes", "not_rated")
    texts = {key: tuple(map(str, table.get(key, ()))) for key in spelt}
    q = len(texts["categories"])
    if "categories" in table and len(set(map(fold, texts["categories"]))) < max(q, 2):
        wrong(f"{where} needs at least two categories, all different.", "List them from lowest to highest.")
    for key in ("short", "codes", "scores", "definitions"):
        if key in table and "categories" in table and len(table[key]) != q:
            wrong(f"{key!r} in {where} has {len(table[key])} entries for {q} categories.", "Give one each.")
    means: dict[str, set[int]] = {}
    for key in spelt:
        for index, text in enumerate(texts[key]):
            means.setdefault(fold(text), set()).add(UNABLE if key == "not_rated" else index)
    for text, indices in means.items():
        if len(indices) > 1 and sum(fold(label) == text for label in texts["categories"]) < 2:
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
                 texts["not_rated"], tuple(map(str, table.get("definitions", ()))), table.get("not_rated_definition", ""))


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
