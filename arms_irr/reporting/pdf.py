"""A document as PDF/UA-1 through typst: tagged, with an outline, alternative texts enforced, the same bytes every time."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    kept,
    pieces,
    plain,
)

if TYPE_CHECKING:
    from typst import Fonts

__all__ = ["fonts", "to_pdf", "to_png"]

_ROOM = {"normal": 89, "dense": 101, "landscape": 157}  # digits of a table's text from margin to margin
_TEMPLATE = Path(__file__).parent / "report.typ"


def to_pdf(document: Document) -> bytes:
    """The document as the bytes of a PDF file on A4.

    The template reads the document as JSON; no word of it is ever read as typst markup. Only the fonts that come
    with matplotlib are used, so the bytes do not depend on the machine. Scripts that DejaVu Sans does not have
    (Chinese, Thai ...) are set in the boxes of a last-resort font: they copy and read aloud as what they are.

    Raises
    ------
    ArgumentError
        When typst refuses the document, above all because a figure has no alternative text.
    """
    import typst

    try:
        pdf = typst.compile(
            str(_TEMPLATE), format="pdf", pdf_standards="ua-1", timestamp=0, font_paths=fonts(),
            sys_inputs={"document": json.dumps(_document(document))},
        )  # fmt: skip
    except typst.TypstError as error:
        hints = " ".join(error.hints)
        raise ArgumentError(f"typst refuses to write the PDF: {error.message}. {hints}".rstrip()) from error
    assert isinstance(pdf, bytes)
    return pdf


def to_png(svg: str, ppi: float = 200, width: str = "auto") -> bytes:
    """A picture as PNG, the same bytes on every run: a tenth of the work of drawing a figure a second time.

    Parameters
    ----------
    svg : str
    ppi : float
        Dots per inch of the printed size.
    width : str
        As printed, "160mm"; its own by default.
    """
    import typst

    source = f"#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.svg), format: \"svg\", width: {width})"
    png = typst.compile(source.encode(), format="png", ppi=ppi, font_paths=fonts(), sys_inputs={"svg": svg})
    assert isinstance(png, bytes)
    return png


@lru_cache(maxsize=1)
def fonts() -> Fonts:
    """The only fonts that a document or picture is set in: those that come with matplotlib."""
    import matplotlib
    from typst import Fonts

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])


def _document(document: Document) -> dict[str, Any]:
    language, _, region = document.language.partition("-")
    sections = [_block(section, document) for section in document.sections]
    return {
        "title": document.title,
        "running": document.running_title,
        "subtitle": document.subtitle,
        "language": language,
        "region": region or None,
        "synthetic": SYNTHETIC if document.synthetic else None,
        "sheet": document.page == "sheet",
        "front": sections[: document.front],
        "sections": sections[document.front :],
        "meta": [[term, _text(text, document)] for term, text in document.meta],
    }


def _block(block: Block, document: Document) -> dict[str, Any]:
    def said(text: Text) -> list[list[str]]:
        return _text(text, document)

    match block:
        case Paragraph(text):
            content: dict[str, Any] = {"text": said(text)}
        case Bullets(items, title):
            content = {"title": said(title), "items": [said(item) for item in items]}
        case Definitions(items):
            content = {"items": [[term, said(text)] for term, text in items]}
        case Callout(kind, title, blocks):
            content = {"box": kind, "title": title, "blocks": [_block(inner, document) for inner in blocks]}
        case Section(id, title, blocks):
            content = {"id": id, "title": title, "blocks": [_block(inner, document) for inner in blocks]}
        case Figure(id, caption, alt, svg, title):
            content = {"id": id, "caption": said(caption), "title": said(title), "alt": plain(alt, document.names), "svg": svg}
        case Table(id, caption):
            content = {
                "id": id,
                "caption": said(caption),
                "title": [],
                "columns": [{"head": kept(c.head), "unit": c.unit, "align": c.align} for c in block.columns],
                "bodies": list(block.bodies),
                "notes": [said(note) for note in block.notes],
                "width": block.width,
                "widths": column_widths(block, _ROOM[block.width]),
            }
    return {"kind": type(block).__name__, **content}


def _text(text: Text, document: Document) -> list[list[str]]:
    """Pieces as lists: the words, then how they are set, then where they lead."""
    out = []
    for piece in pieces(text):
        if isinstance(piece, Ref):
            out.append([document.names[piece.id], "ref", piece.id])
        elif isinstance(piece, Strong) or (isinstance(piece, Cited) and piece.strong):
            out.append([kept(piece.text), "strong"])
        else:
            out.append([kept(plain((piece,))), "plain"])
    return [piece for piece in out if piece[0]]
