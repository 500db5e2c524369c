"""The document model: frozen blocks of plain text. A report is built once and written in several formats.

Text is never markup. What a study calls its factors, cases and officers appears literally in every format;
:class:`Strong`, :class:`Cited` and :class:`Ref` are the whole inline model. Characters that no file can hold
(controls, lone surrogates) are taken out once, when the :class:`Document` is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate

__all__ = [
    "SYNTHETIC",
    "Block",
    "Bullets",
    "Callout",
    "Cited",
    "Column",
    "Definitions",
    "Document",
    "Figure",
    "Paragraph",
    "Ref",
    "Section",
    "Strong",
    "Table",
    "Text",
    "can_and_cannot",
    "kept",
    "main_points",
    "pieces",
    "plain",
    "printable",
    "texts",
    "walk",
]

SYNTHETIC = (
    "Synthetic data. Every rating in this document was made by a computer program. "
    "It shows what the report looks like; it says nothing about real officers or real cases."
)


@dataclass(frozen=True)
class Strong:
    """Words that carry the sentence, most often its number."""

    text: str


@dataclass(frozen=True)
class Cited:
    """A number in words, and the estimate that it was read from: "66 of every 100"."""

    text: str
    of: Estimate
    strong: bool = False


@dataclass(frozen=True)
class Ref:
    """The number of a table or figure ("Table 4") or the title of a section, linked to it."""

    id: str


Piece = str | Strong | Cited | Ref
Text = Piece | tuple[Piece, ...]


@dataclass(frozen=True)
class Paragraph:
    """One paragraph."""

    text: Text


@dataclass(frozen=True)
class Bullets:
    """A list, with a line above it where ``title`` is given."""

    items: tuple[Text, ...]
    title: Text = ""


@dataclass(frozen=True)
class Definitions:
    """Terms and what they mean."""

    items: tuple[tuple[str, Text], ...]


@dataclass(frozen=True)
class Callout:
    """A box. The blocks of a ``limits`` box stand side by side where there is room."""

    kind: Literal["main", "limits", "synthetic", "note"]
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Column:
    """Head of a column; ``unit`` stands under it, numbers go to the right."""

    head: str
    unit: str = ""
    align: Literal["left", "right"] = "right"


@dataclass(frozen=True)
class Table:
    """Cells that are already words. The first column names the row.

    Attributes
    ----------
    groups : tuple of (str, int)
        Heading and number of rows of each group, in order; empty for an undivided table.
    notes : tuple of Text
        Sentences under the table: the base, the flags that occur in it.
    """

    id: str
    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[Text, ...] = ()
    groups: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        _named(self)
        first, *rest = self.columns
        object.__setattr__(self, "columns", (replace(first, align="left"), *rest))  # names are read from the left
        wrong = [row for row in self.rows if len(row) != len(self.columns)]
        if wrong:
            raise ArgumentError(
                f"table {self.id!r}: a row has {len(wrong[0])} cells for "
                f"{len(self.columns)} columns: {wrong[0]!r}"
            )
        if self.groups and sum(size for _, size in self.groups) != len(self.rows):
            raise ArgumentError(f"table {self.id!r}: its groups do not add up to its {len(self.rows)} rows")

    @property
    def width(self) -> Literal["normal", "dense", "landscape"]:
        """What a page must do for it: nothing, set it smaller (9 or 10 columns), or turn."""
        return "normal" if len(self.columns) <= 8 else "dense" if len(self.columns) <= 10 else "landscape"

    @property
    def bodies(self) -> Iterator[tuple[str, tuple[tuple[str, ...], ...]]]:
        """Heading and rows of each group; one group without a heading when there are none."""
        start = 0
        for head, size in self.groups or (("", len(self.rows)),):
            yield head, self.rows[start : start + size]
            start += size


@dataclass(frozen=True)
class Figure:
    """A picture as SVG text and, where a format needs it, as PNG.

    Attributes
    ----------
    caption : Text
        What is plotted, the base and the source of the data.
    alt : Text
        The finding and the extremes in words, for those who do not see the picture.
    title : Text
        The finding, unless the picture carries it.
    png : bytes
        Empty where no format asked for it.
    """

    id: str
    caption: Text
    alt: Text
    svg: str
    title: Text = ""
    png: bytes = b""

    def __post_init__(self) -> None:
        _named(self)
        if not plain(self.alt).strip():
            raise ArgumentError(
                f"figure {self.id!r} has no alternative text: say its finding and its extremes in alt="
            )


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; sections inside sections are one level lower."""

    id: str
    title: str
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise ArgumentError(f"section {self.id!r} has no title: a heading has to say something")


Block = Paragraph | Bullets | Definitions | Callout | Table | Figure | Section


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes
    ----------
    meta : tuple of (str, Text)
        How the document came about (version, seed, fingerprint of the data); printed at its end.
    synthetic : bool
        Said at the top and in every caption.
    page : str
        ``sheet``: small print and narrow margins on paper, for what has to fit on one page.

    Raises
    ------
    ArgumentError
        When two blocks share an id, an id is no plain word, or a reference leads nowhere.
    """

    title: str
    sections: tuple[Section, ...]
    subtitle: str = ""
    language: str = "en-GB"
    synthetic: bool = False
    meta: tuple[tuple[str, Text], ...] = ()
    page: Literal["report", "sheet"] = "report"

    def __post_init__(self) -> None:
        for name in ("title", "sections", "subtitle", "meta"):
            object.__setattr__(self, name, _printable(getattr(self, name)))
        ids = [block.id for block in walk(self.sections) if isinstance(block, Section | Table | Figure)]
        for name in ids:
            if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
                raise ArgumentError(
                    f"id {name!r} is not a plain word: use lower-case letters, digits and hyphens"
                )
            if ids.count(name) > 1:
                raise ArgumentError(
                    f"the id {name!r} occurs {ids.count(name)} times: give every block an id of its own"
                )
        spoken = (*(text for _, text in texts(self.sections)), *(text for _, text in self.meta))
        for ref in (piece for text in spoken for piece in pieces(text)):
            if isinstance(ref, Ref) and ref.id not in self.names:
                raise ArgumentError(f"a reference leads to {ref.id!r}, which is not in the document")

    @property
    def running_title(self) -> str:
        """The title as it fits above a page."""
        return self.title if len(self.title) <= 80 else f"{self.title[:80]}…"

    @property
    def front(self) -> int:
        """How many sections stand before the contents on paper: the opening ones that are boxes only."""
        boxes = [all(isinstance(block, Callout) for block in section.blocks) for section in self.sections]
        return boxes.index(False) if False in boxes else len(boxes)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure, in order."""
        return tuple(block for block in walk(self.sections) if isinstance(block, Figure))

    @cached_property
    def names(self) -> dict[str, str]:
        """What each id is called: "Table 3", "Figure 1", or the title of a section."""
        names, tables, figures = {}, 0, 0
        for block in walk(self.sections):
            if isinstance(block, Section):
                names[block.id] = block.title
            elif isinstance(block, Table):
                names[block.id] = f"Table {(tables := tables + 1)}"
            elif isinstance(block, Figure):
                names[block.id] = f"Figure {(figures := figures + 1)}"
        return names


def main_points(items: tuple[Text, ...]) -> Section:
    """The opening section: at most six points, a line each, every one with its number."""
    if not 1 <= len(items) <= 6:
        raise ArgumentError(f"{len(items)} main points: give one to six, the rest belongs into the sections")
    return Section("main-points", "Main points", (Callout("main", "", (Bullets(items),)),))


def can_and_cannot(can: tuple[Text, ...], cannot: tuple[Text, ...]) -> Section:
    """What can be concluded beside what cannot: the same box, the same size."""
    lists = (Bullets(can, "These data can show"), Bullets(cannot, "These data cannot show"))
    return Section("can-and-cannot", "What these data can and cannot show", (Callout("limits", "", lists),))


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Every block in reading order, those inside sections and boxes too."""
    for block in blocks:
        yield block
        if isinstance(block, Section | Callout):
            yield from walk(block.blocks)


def pieces(text: Text) -> tuple[Piece, ...]:
    """The pieces of a text; a plain string or number is one piece."""
    return text if isinstance(text, tuple) else (text,)


def plain(text: Text, names: Mapping[str, str] | None = None) -> str:
    """The text without emphasis and links; ``names`` says what references are called."""
    words = []
    for piece in pieces(text):
        match piece:
            case Ref(id):
                words.append((names or {}).get(id, id))
            case Strong(text=inner) | Cited(text=inner):
                words.append(inner)
            case _:
                words.append(piece)
    return "".join(words)


def kept(text: str) -> str:
    """The text with every number and its percent sign on one line."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def texts(blocks: tuple[Block, ...], place: str = "") -> Iterator[tuple[str, Text]]:
    """Everything that is said, in reading order: the id of the section, table or figure that says it, and the text."""
    for block in blocks:
        own = block.id if isinstance(block, Section | Table | Figure) else place
        for text in _texts(block):
            yield own, text
        if isinstance(block, Section | Callout):
            yield from texts(block.blocks, own)


def _texts(block: Block) -> tuple[Text, ...]:
    match block:
        case Paragraph(text):
            return (text,)
        case Bullets(items, title):
            return (title, *items) if title else items
        case Definitions(items):
            return tuple(text for _, text in items)
        case Table(caption=caption, notes=notes):
            return (caption, *notes)
        case Figure(caption=caption, alt=alt, title=title):
            return (title, caption, alt)
    return ()


def _named(block: Table | Figure) -> None:
    if not plain(block.caption).strip():
        raise ArgumentError(f"{block.id!r} has no caption: say what it shows, the base and the source")


def printable(text: str) -> str:
    """The text without what XML cannot hold: line breaks and tabs become spaces, other controls U+FFFD."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", text))


_BREAKS = re.compile("\r\n|[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")


def _printable(value: Any) -> Any:
    """The same for everything that is said in a block; pictures, estimates and ids stay as they are."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple):
        return tuple(map(_printable, value))
    if not isinstance(value, Block | Column | Strong | Cited):
        return value
    said = [field.name for field in fields(value) if field.name not in ("id", "svg", "png", "of")]
    return replace(value, **{name: _printable(getattr(value, name)) for name in said})
