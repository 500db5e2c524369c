"""Instrument, Factor and Scale: a scale declares its categories, it never infers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

__all__ = ["KINDS", "NOT_GIVEN", "UNABLE", "Factor", "Instrument", "Scale", "fold"]

# What a factor is; "item" is one of a scored tool or checklist, neither risk nor protective.
KINDS = ("risk", "protective", "item", "static", "overall")

# The two states of a rating that are not categories, as codes beside 0..q-1.
NOT_GIVEN = -1  # an empty cell: asked for and not answered
UNABLE = -2  # "unable to rate": an answer, but not a priority

# Spellings of "unable to rate" understood on every scale that allows it, beside its declared labels.
_UNABLE_SPELLINGS = ("unable to rate", "utr")


def fold(text: str) -> str:
    """A text without the differences that do not matter: case and white space."""
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
    definitions : tuple of str
        What each category means, for those who rate; empty where the file does not say.
    not_rated_definition : str
        The same of "unable to rate".
    """

    name: str
    categories: tuple[str, ...]
    level: str = "ordinal"
    short: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    not_rated: tuple[str, ...] = ()
    definitions: tuple[str, ...] = field(default=(), compare=False)  # a scale explained otherwise is the same scale
    not_rated_definition: str = field(default="", compare=False)

    @cached_property
    def _index(self) -> dict[str, int]:
        names: dict[str, int] = {}
        if self.not_rated:
            names |= {fold(text): UNABLE for text in (*self.not_rated, *_UNABLE_SPELLINGS)}
        for labels in (self.codes, self.short, self.categories):  # a label wins over a short form over a code
            names |= {fold(text): index for index, text in enumerate(labels)}
        return names

    def index(self, text: str) -> int | None:
        """The category's position, ``UNABLE``, or None when it is neither. Case and spaces do not matter."""
        return self._index.get(fold(text))

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
