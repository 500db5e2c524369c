"""A document as Word, so that an evaluator can go on writing in it: real headings, captions, fields and tables."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from arms_irr.errors import ArgumentError
from arms_irr.reporting.columns import column_widths
from arms_irr.reporting.document import (
    SYNTHETIC,
    Block,
    Bullets,
    Callout,
    Cited,
    Definitions,
    Document,
    Figure,
    Paragraph,
    Ref,
    Section,
    Strong,
    Table,
    Text,
    pieces,
    plain,
    walk,
)
from arms_irr.reporting.steady import EPOCH, steady
from arms_irr.reporting.wordstyle import BOX, BOX_LIST, CELL, CONTENTS, GRID, NOTE, open_word
from arms_irr.reporting.wordxml import (
    cell_of,
    field_end,
    field_of,
    field_start,
    grid_of,
    node,
    row_of,
    run_of,
    tab,
    w,
)

if TYPE_CHECKING:
    from docx.document import Document as Word

__all__ = ["to_docx"]

_EMU = 635  # English metric units in a twip, the twentieth of a point
_DIGIT = {"normal": 96, "dense": 85, "landscape": 85}  # twips, of a digit in a table
_EDGE, _BACK = "9A6700", "F3F6F8"


def to_docx(document: Document, template: Path | None = None) -> bytes:
    """The document as the bytes of a Word file, the same on every run.

    Parameters
    ----------
    template : Path, optional
        A .docx or .dotx in the house style: its styles, page, header and footer are used, its text is not.

    Raises
    ------
    DataError
        With every mistake in the template.
    ArgumentError
        When a figure has no PNG picture.
    """
    word = open_word(template, document.page == "sheet")
    numbered = [block.id for block in walk(document.sections) if isinstance(block, Section | Table | Figure)]
    marks = {id: f"_Ref{number:06}" for number, id in enumerate(numbered, 1)}
    writer = _Writer(document, word, {style.name: style.style_id for style in word.styles}, marks)
    _properties(word, document)
    _running(word, document, own=template is None)
    body = word.element.body
    for element in writer.everything():
        body.insert(len(body) - 1, element)
    if template is None:
        for language in word.styles.element.xpath("w:docDefaults//w:lang"):
            language.set(w("val"), document.language)
    out = io.BytesIO()
    word.save(out)
    return steady(out.getvalue())


def _properties(word: Word, document: Document) -> None:
    core = word.core_properties
    core.title, core.subject, core.language = document.title[:255], document.subtitle[:255], document.language
    core.author, core.last_modified_by, core.revision, core.keywords = "arms_irr", "arms_irr", 1, ""
    core.comments = SYNTHETIC if document.synthetic else ""
    core.created = core.modified = EPOCH


def _running(word: Word, document: Document, own: bool) -> None:
    """Title and synthetic mark in the header, page x of y in the footer; what a template has there stays."""
    section = word.sections[-1]
    headers, footers = [section.header], [section.footer]
    if word.settings.odd_and_even_pages_header_footer:
        headers.append(section.even_page_header)
        footers.append(section.even_page_footer)
    right = int(section.page_width - section.left_margin - section.right_margin) // _EMU
    for header in headers:
        line = _line(header, right)
        line.extend([run_of(document.running_title), tab()])
        if document.synthetic:
            line.append(run_of("Synthetic data", bold=True, colour=_EDGE))
    for footer in footers:
        if not own and footer._element.xpath(".//w:instrText[contains(., 'PAGE')] | .//w:fldSimple[contains(@w:instr, 'PAGE')]"):
            continue
        line = _line(footer, right)
        line.extend([tab(), run_of("page "), *field_of("PAGE", "1"), run_of(" of "), *field_of("NUMPAGES", "1")])


def _line(part: Any, right: int) -> Any:
    """An empty paragraph of a header or footer: the first where it says nothing, else one more."""
    part.is_linked_to_previous = False
    first = part.paragraphs[0] if part.paragraphs else part.add_paragraph()
    line = first if len(part.paragraphs) == 1 and not first.text.strip() else part.add_paragraph()
    properties = line._p.get_or_add_pPr()
    for old in properties.xpath("w:pStyle"):  # the tab stops of Word's own header would come first
        properties.remove(old)
    properties.append(node("tabs", node("tab", val="right", pos=str(right))))
    return line._p


@dataclass(frozen=True)
class _Writer:
    """Turns blocks into the elements of the body."""

    document: Document
    word: Word
    styles: Mapping[str, str]  # id of every style by name
    marks: Mapping[str, str]  # bookmark of every section, table and figure

    def everything(self) -> Iterator[Any]:
        """The whole body in reading order."""
        document = self.document
        yield self.paragraph("Title", [run_of(document.title)])
        if document.subtitle:
            yield self.paragraph("Subtitle", [run_of(document.subtitle)])
        if document.synthetic:
            yield self.paragraph(BOX, [run_of(SYNTHETIC, bold=True)])
        front, rest = document.sections[: document.front], document.sections[document.front :]
        yield from self.blocks(front, 1)
        if len(rest) > 3:
            yield from self.contents(rest)
        yield from self.blocks(rest, 1)
        for term, text in document.meta:
            yield self.paragraph(NOTE, [run_of(f"{term}: ", bold=True), *self.runs(text)])

    def blocks(self, blocks: tuple[Block, ...], level: int, box: bool = False) -> Iterator[Any]:
        """Elements of some blocks; ``box`` when they stand in a callout."""
        for block in blocks:
            match block:
                case Section(id, title, inner):
                    yield self.paragraph(f"Heading {level}", self.marked(id, [run_of(title)]))
                    yield from self.blocks(inner, min(level + 1, 3))
                case Paragraph(text):
                    yield self.paragraph(BOX if box else "Normal", self.runs(text))
                case Bullets(items, title):
                    if title:
                        yield self.paragraph(BOX if box else "Normal", self.runs(title, bold=True), follow=True)
                    for item in items:
                        yield self.paragraph(BOX_LIST if box else "List Bullet", self.runs(item))
                case Definitions(items):
                    for term, text in items:
                        yield self.paragraph(BOX if box else "Normal", [run_of(f"{term}: ", bold=True), *self.runs(text)])
                case Callout():
                    yield from self.callout(block, level)
                case Table():
                    yield from self.table(block)
                case Figure():
                    yield self.caption(block, "Figure")
                    yield self.picture(block)

    def callout(self, box: Callout, level: int) -> Iterator[Any]:
        """A box; titled lists of a ``limits`` box stand side by side under their titles."""
        if box.title:
            yield self.paragraph(BOX, [run_of(box.title, bold=True)], follow=True)
        lists = [block for block in box.blocks if isinstance(block, Bullets) and block.title]
        if box.kind != "limits" or len(lists) != len(box.blocks):
            yield from self.blocks(box.blocks, level, box=True)
            return
        width = self.room("normal") // len(lists)
        heads = [[self.paragraph("Normal", self.runs(block.title, bold=True), follow=True)] for block in lists]
        bodies = [[self.paragraph("List Bullet", self.runs(item)) for item in block.items] for block in lists]
        rows = [
            row_of([cell_of(head, width, fill=_BACK) for head in heads], head=True),
            row_of([cell_of(body, width, fill=_BACK) for body in bodies], split=True),
        ]
        titles = " | ".join(plain(block.title, self.document.names) for block in lists)
        yield grid_of([width] * len(lists), rows, None, "Lists side by side", titles)
        yield self.paragraph(NOTE, [])

    def table(self, table: Table) -> Iterator[Any]:
        """Caption, table and notes; a table that is too wide for the page turns it."""
        turn = table.width == "landscape"
        if turn:
            yield self.page_ends(landscape=False)
        yield self.caption(table, "Table")
        unit = _DIGIT[table.width]
        widths = [int(unit * width) for width in column_widths(table, self.room(table.width) / unit)]
        size = None if table.width == "normal" else 15

        def cell(words: str, place: int, bold: bool = False, follow: bool = False, before: int = 0) -> Any:
            runs = [run_of(words, bold=bold, half_points=size)]
            return self.paragraph(CELL, runs, follow=follow, side=table.columns[place].align, before=before)

        heads = []
        for place, column in enumerate(table.columns):
            unit_line = [cell(column.unit, place, follow=True)] if column.unit else []
            heads.append(cell_of([cell(column.head, place, bold=True, follow=True), *unit_line], widths[place], line=True))
        rows = [row_of(heads, head=True)]
        for head, body in table.bodies:
            if head:
                rows.append(row_of([cell_of([cell(head, 0, bold=True, follow=True, before=120)], sum(widths), span=len(widths))]))
            rows += [row_of([cell_of([cell(words, place)], widths[place]) for place, words in enumerate(row)]) for row in body]
        caption = plain(table.caption, self.document.names)
        yield grid_of(widths, rows, self.styles.get(GRID), self.document.names[table.id], caption)
        notes = table.notes or ("",)
        for place, note in enumerate(notes):
            yield self.paragraph(NOTE, self.runs(note), before=80 * (place == 0), after=200 * (place == len(notes) - 1))
        if turn:
            yield self.page_ends(landscape=True)

    def picture(self, figure: Figure) -> Any:
        """The picture in a paragraph of its own, with its alternative text."""
        if not figure.png:
            raise ArgumentError(f"figure {figure.id!r} has no PNG, which Word needs: give png=save_png(figure)")
        shape = self.word.part.new_pic_inline(io.BytesIO(figure.png), width=self.room("normal") * _EMU)
        page = self.word.sections[-1]
        tallest = int(0.82 * (page.page_height - page.top_margin - page.bottom_margin))
        if shape.extent.cy > tallest:
            scale = tallest / shape.extent.cy
            for extent in (shape.extent, shape.graphic.graphicData.pic.spPr.xfrm.ext):
                extent.cx, extent.cy = int(extent.cx * scale), tallest
        shape.docPr.set("name", self.document.names[figure.id])
        shape.docPr.set("descr", plain(figure.alt, self.document.names))
        return self.paragraph("Normal", [node("r", node("drawing", shape))])

    def caption(self, block: Table | Figure, kind: Literal["Table", "Figure"]) -> Any:
        """A numbered caption whose number is a field, so that Word counts on when something is put in."""
        number = self.document.names[block.id].removeprefix(f"{kind} ")
        runs = self.marked(block.id, [run_of(f"{kind} ", bold=True), *field_of(f"SEQ {kind} \\* ARABIC", number, bold=True)])
        runs.append(run_of(". ", bold=True))
        if isinstance(block, Figure) and block.title:
            runs += [*self.runs(block.title, bold=True), run_of(". ", bold=True)]
        runs += self.runs(block.caption)
        if self.document.synthetic:
            runs.append(run_of(" Synthetic data.", bold=True, colour=_EDGE))
        return self.paragraph("Caption", runs, follow=True)

    def contents(self, sections: tuple[Section, ...]) -> Iterator[Any]:
        """A table of contents that leads to its sections as it is, and gets page numbers when Word updates it."""
        yield self.paragraph("Normal", [run_of("Contents", bold=True)], follow=True)
        for place, section in enumerate(sections):
            link = node("hyperlink", run_of(section.title), anchor=self.marks[section.id], history="1")
            start = field_start('TOC \\o "1-2" \\h \\z \\u') if place == 0 else []
            end = [field_end()] if place == len(sections) - 1 else []
            yield self.paragraph(CONTENTS, [*start, link, *end])

    def runs(self, text: Text, bold: bool = False) -> list[Any]:
        """The runs of a text; references are fields and links."""
        out = []
        for piece in pieces(text):
            if isinstance(piece, Ref):
                name, mark = self.document.names[piece.id], self.marks[piece.id]
                out += field_of(f"REF {mark} \\h", name, bold=bold)
            else:
                strong = isinstance(piece, Strong) or (isinstance(piece, Cited) and piece.strong)
                out.append(run_of(plain((piece,)), bold=bold or strong))
        return out

    def marked(self, id: str, runs: list[Any]) -> list[Any]:
        """Runs inside the bookmark of an id."""
        mark = self.marks[id]
        number = mark.removeprefix("_Ref").lstrip("0")
        return [node("bookmarkStart", id=number, name=mark), *runs, node("bookmarkEnd", id=number)]

    def paragraph(
        self, style: str, runs: list[Any], *, follow: bool = False, side: str = "left", before: int = 0, after: int = 0
    ) -> Any:
        """A paragraph; ``follow`` keeps it with the next one, ``before`` and ``after`` are twips beyond its style."""
        look = [node("pStyle", val=self.styles[style])] if style != "Normal" and style in self.styles else []
        look += [node("keepNext")] if follow else []
        look += [node("spacing", **{key: str(value) for key, value in (("before", before), ("after", after)) if value})] if before or after else []
        look += [node("jc", val="right")] if side == "right" else []
        return node("p", *([node("pPr", *look)] if look else []), *runs)

    def room(self, width: str) -> int:
        """Twips between the margins of the page, upright or turned."""
        page = self.word.sections[-1]
        across = page.page_height if width == "landscape" else page.page_width
        return int(across - page.left_margin - page.right_margin) // _EMU

    def page_ends(self, landscape: bool) -> Any:
        """The paragraph that ends a run of pages, upright or turned."""
        properties = copy.deepcopy(self.word.element.body.sectPr)
        if landscape:
            size = properties.find(w("pgSz"))
            wide, high = size.get(w("h")), size.get(w("w"))
            size.set(w("w"), wide)
            size.set(w("h"), high)
            size.set(w("orient"), "landscape")
        return node("p", node("pPr", properties))
