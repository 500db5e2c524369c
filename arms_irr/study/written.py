"""A study as the files of a folder, to be read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from arms_irr.errors import ArgumentError
from arms_irr.instruments import load_instrument, shipped_instruments
from arms_irr.study.attributes import Listed
from arms_irr.study.kit import csv_text, fingerprint, listed_csv
from arms_irr.study.read import read_bytes

if TYPE_CHECKING:
    from arms_irr.study.study import Study

__all__ = ["study_files"]


def study_files(study: Study) -> dict[str, str | bytes]:
    """study.toml, ratings.csv, gold.csv, cases.csv, raters.csv, and instrument.toml where the instrument does not ship.

    Title, description, simulation and what they are about; a gold panel and the tables ``report`` and ``certification`` are not
    written.

    Raises
    ------
    ArgumentError
        For an instrument that does not ship and has no file.
    """
    instrument, files = _instrument(study)
    facts = {"title": study.title, "instrument": instrument, "synthetic": study.synthetic, "description": study.description}
    gold = {"gold": "gold.csv" if study.has_gold else "none"}
    tables: dict[str, Mapping[str, Any]] = {"study": facts, "files": gold, "simulation": study.simulation}
    files["study.toml"] = "\n".join(_table(name, table) for name, table in tables.items() if table)
    files["ratings.csv"] = _ratings(study)
    files["cases.csv"] = listed_csv("case", Listed(study.cases, study.case_attributes))
    files["raters.csv"] = listed_csv("rater", Listed(study.raters, study.rater_attributes))
    if study.gold is not None:
        of = study.instrument
        files["gold.csv"] = csv_text(("case", "factor", "rating"), [
            (case, factor, label) for case, golds in zip(study.cases, study.gold.tolist(), strict=True)
            for factor, code in zip(of.factor_ids, golds, strict=True) if (label := of.scale_of(factor).label(code))])
    return files


def _instrument(study: Study) -> tuple[str, dict[str, str | bytes]]:
    """What study.toml calls the instrument, and its file."""
    name = study.instrument.name
    if name in shipped_instruments() and fingerprint(load_instrument(name)) == fingerprint(study.instrument):
        return name, {}
    for what, path in study.files:
        if what == "instrument":
            return "instrument.toml", {"instrument.toml": read_bytes(path)}
    raise ArgumentError(f"the instrument {name!r} does not ship and has no file that could lie beside the ratings. "
                        "Read the study from a folder with its instrument file.")


def _ratings(study: Study) -> str:
    r, of = study.ratings, study.instrument
    several = len(np.unique(r.occasion)) > 1
    labels = [{code: of.scales[factor.scale].label(code) for code in range(-2, len(of.scales[factor.scale].categories))} for factor in of.factors]
    rows = zip(*(column.tolist() for column in (r.rater, r.case, r.factor, r.code, r.urgency, r.occasion)), strict=True)
    return csv_text(("rater", "case", "factor", "rating", "urgency", *(["occasion"] if several else [])), (
        (study.raters[j], study.cases[c], of.factors[f].id, labels[f][code], labels[f][urgency], *([occasion] if several else []))
        for j, c, f, code, urgency, occasion in rows))


def _table(name: str, table: Mapping[str, Any]) -> str:
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]  # plain values: JSON is TOML here
    return "\n".join([f"[{name}]", *lines, ""])
