"""Voice: how a report speaks. Its texts stand in one catalogue, its numbers come from estimates.

A text of the catalogue holds placeholders: ``"Officers agreed in {share} {where} {base}."`` What is put into
them is a :class:`Cited` number, a :class:`Label` (what a study calls something) or another text. A bare
string with a digit in it is refused: a number in a sentence must say where it comes from.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from arms_irr.errors import ArgumentError
from arms_irr.reporting.document import Cited, Piece, Ref, Strong, Text, pieces
from arms_irr.reporting.wording import NA, coefficient, edges, interval, number, p_value, signed
from arms_irr.statistics.estimate import Estimate

__all__ = ["LANGUAGES", "Label", "Voice", "voice"]

_TEXTS = Path(__file__).parent / "texts"
_HOLE = re.compile(r"\*\*|\{(\w+)\}")
LANGUAGES = tuple(sorted(folder.name for folder in _TEXTS.iterdir() if folder.is_dir()))


class Label(str):
    """What a study, an instrument or a result calls something: set literally, and its digits are no finding."""

    __slots__ = ()


@dataclass(frozen=True)
class Voice:
    """The catalogue of one language, and how its numbers read.

    Attributes
    ----------
    entries : mapping
        Texts by ``file.key``.
    """

    language: str
    entries: Mapping[str, str]

    def __call__(self, key: str, /, **filled: Text) -> Text:
        """A text of the catalogue with its placeholders filled; ``**...**`` in it is emphasis.

        Raises
        ------
        ArgumentError
            When the key is unknown, a placeholder is left over, or a number does not say where it comes from.
        """
        template, strong, out, used = self.word(key), False, list[Piece](), set[str]()
        start = 0
        for hole in _HOLE.finditer(template):
            out += _pieces(template[start : hole.start()], strong)
            start = hole.end()
            if hole[1] is None:
                strong = not strong
                continue
            if hole[1] not in filled:
                raise ArgumentError(f"text {key!r}: nothing is given for {{{hole[1]}}}")
            used.add(hole[1])
            out += [p for piece in pieces(_told(key, filled[hole[1]])) for p in _pieces(piece, strong)]
        out += _pieces(template[start:], strong)
        if left := set(filled) - used:
            raise ArgumentError(f"text {key!r} has no place for {', '.join(sorted(left))}")
        return tuple(out)

    def word(self, key: str) -> str:
        """A text as it stands in the catalogue."""
        if key not in self.entries:
            raise ArgumentError(f"no text {key!r} in the catalogue {self.language!r}")
        return self.entries[key]

    def name(self, key: str) -> Label:
        """A text without placeholders as a label: heads of columns and rows, names of kinds."""
        return Label(self.word(key))

    # --- numbers: each says which estimate it was read from ------------------------------------------------

    def share(self, e: Estimate, decimals: int = 0) -> Cited:
        """A share: "66 %". Never rounded to 0 or 100 when it is neither."""
        return self._cited("percent", e, edges(e.value), number(100 * e.value, decimals))

    def of_100(self, e: Estimate) -> Cited:
        """A share as people count: "66 of every 100"."""
        return self._cited("of_100", e, edges(e.value), number(100 * e.value, 0))

    def points(self, e: Estimate) -> Cited:
        """A difference of shares without its sign: "12 percentage points"; the sentence says which is larger."""
        value = number(100 * abs(e.value), 0)
        return self._cited("point" if value == "1" else "points", e, "", value)

    def coefficient(self, e: Estimate) -> Cited:
        """A coefficient: "0.52"."""
        return Cited(coefficient(e.value), e)

    def steps(self, e: Estimate) -> Cited:
        """A difference in steps of the scale, with its sign: "+0.25"."""
        return Cited(signed(e.value), e)

    def plain(self, e: Estimate, decimals: int = 1) -> Cited:
        """The value as it is."""
        return Cited(number(e.value, decimals), e)

    def part(self, e: Estimate, name: str, decimals: int = 0, scale: float = 1) -> Cited:
        """One of the further quantities of an estimate, times ``scale``; "n/a" where it has none."""
        return Cited(number(scale * e.parts.get(name, float("nan")), decimals), e)

    def p(self, e: Estimate, name: str = "p") -> Cited:
        """A p-value of an estimate: "p = 0.03"."""
        return Cited(p_value(e.parts.get(name, float("nan"))), e)

    def limits(self, e: Estimate, scale: float = 100, decimals: int = 0) -> Cited:
        """The interval: "95 % interval 56 to 75"; that there is none, where there is none.

        ``scale`` is 100 for shares and points; 1, with two decimals, for coefficients and steps.
        """
        found = interval(e, scale, decimals)
        if found == NA:
            return Cited(self.word("numbers.no_interval"), e)
        level = number(100 * e.confidence_level, 1).removesuffix(".0")
        return Cited(self.word("numbers.interval").format(level=level, limits=found), e)

    def two_limits(self, first: Estimate, second: Estimate) -> Text:
        """Two intervals of shares with one level: "95 % intervals 71 to 86 and 55 to 78"."""
        found = (interval(first), interval(second))
        if NA in found:
            return (self.limits(first), self.word("numbers.and"), self.limits(second))
        level = number(100 * first.confidence_level, 1).removesuffix(".0")
        words = self.word("numbers.intervals").format(level=level, limits=found[0])
        return (Cited(words, first), self.word("numbers.and"), Cited(found[1], second))

    def base(self, e: Estimate, *counts: Text, scale: float = 100, decimals: int = 0) -> Text:
        """Interval and base behind a number: "(95 % interval 56 to 75; 20 officers, 7 factors)".

        With no value it gives the reasons.
        """
        reasons = "; ".join(e.reasons) or self.word("numbers.not_estimable")
        words = self.limits(e, scale, decimals) if e.estimable else Label(reasons)
        joined = [piece for place, text in enumerate(counts) for piece in ("; " if place == 0 else ", ", *pieces(text))]
        return ("(", words, *joined, ")")

    def officers(self, e: Estimate) -> Cited:
        """ "20 officers": those behind an estimate."""
        return Cited(self._counted(e.n_raters, "officer"), e)

    def ratings(self, e: Estimate) -> Cited:
        """ "137 ratings": those behind an estimate."""
        return Cited(self._counted(e.n_ratings, "rating"), e)

    def count(self, e: Estimate, noun: str) -> Cited:
        """The value as a count: "3 factors"; ``noun`` is a key of ``nouns`` in the catalogue."""
        return Cited(self._counted(round(e.value), noun), e)

    def listed(self, items: Iterable[Text]) -> Text:
        """ "a, b and c"."""
        found = [pieces(item) for item in items]
        joined: list[Piece] = []
        for place, item in enumerate(found):
            if place:
                joined.append(self.word("numbers.and") if place == len(found) - 1 else ", ")
            joined += item
        return tuple(joined)

    def series(self, items: Iterable[Text]) -> Text:
        """ "a; b; c": for parts that hold commas themselves."""
        found = [pieces(item) for item in items]
        return tuple(piece for place, item in enumerate(found) for piece in (("; ", *item) if place else item))

    def _cited(self, key: str, e: Estimate, edge: str, value: str) -> Cited:
        if value == NA:
            return Cited(NA, e)
        return Cited(self.word(f"numbers.{key}_{edge}" if edge else f"numbers.{key}").replace("{number}", value), e)

    def _counted(self, n: int, noun: str) -> str:
        return f"{n:,} {self.word(f'nouns.{noun}' if n == 1 else f'nouns.{noun}s')}"


@lru_cache
def voice(language: str = "en") -> Voice:
    """The voice of one language.

    Raises
    ------
    ArgumentError
        When there is no catalogue for it.
    """
    if language not in LANGUAGES:
        raise ArgumentError(f"no catalogue of texts for the language {language!r}; there is {', '.join(LANGUAGES)}")
    entries = {}
    for file in sorted((_TEXTS / language).glob("*.toml")):
        for key, text in tomllib.loads(file.read_text("utf-8")).items():
            entries[f"{file.stem}.{key}"] = text
    return Voice(language, entries)


def _told(key: str, text: Text) -> Text:
    if type(text) is str and any(c.isdigit() for c in text):
        raise ArgumentError(f"text {key!r}: {text!r} holds a number: give a Cited number, or a Label")
    return text


def _pieces(piece: Piece, strong: bool) -> list[Piece]:
    if not strong or isinstance(piece, Ref | Strong):
        return [piece] if piece != "" else []
    if isinstance(piece, Cited):
        return [replace(piece, strong=True)]
    return [Strong(piece)] if piece else []
