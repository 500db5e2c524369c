"""The checklist of good reporting that the report fills, as data: ``grras.toml`` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

__all__ = ["Checklist", "Item", "checklist"]


@dataclass(frozen=True)
class Item:
    """One thing that a report of agreement should say.

    Attributes
    ----------
    key : str
        Its number, or a name where a later proposal added it; under it the author answers.
    part, asks : str
        Of the paper it belongs to, and what is asked, in our own words.
    rest : str
        What the author adds where the data answer it in part; empty where they answer it whole or not at all.
    sections : mapping
        Sections of the report that answer it: ids to the keys of their titles in the catalogue.
    gold_only : bool
        Asked of studies with a gold standard only.
    """

    key: str
    part: str
    asks: str
    rest: str = ""
    sections: Mapping[str, str] = field(default_factory=dict)
    gold_only: bool = False


@dataclass(frozen=True)
class Checklist:
    """The items in order, which version of the guideline they are, and where it was published."""

    version: str
    citation: str
    additions: str
    items: tuple[Item, ...]


@lru_cache
def checklist() -> Checklist:
    """GRRAS (Kottner et al. 2011), with the items proposed for studies that have a reference standard."""
    content = tomllib.loads(Path(__file__).with_name("grras.toml").read_text("utf-8"))
    items = tuple(Item(**item) for item in content.pop("items"))
    return Checklist(**content, items=items)
