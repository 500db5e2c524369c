"""The few elements of WordprocessingML that a report is made of."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from arms_irr.reporting.document import kept

__all__ = ["cell_of", "field_end", "field_of", "field_start", "grid_of", "node", "row_of", "run_of", "tab", "w"]

_RULE, _INK = "C9D0D6", "1D2328"
_PREFIX = {"w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main"}


def w(name: str) -> str:
    """A name in the namespace of WordprocessingML."""
    return f"{{{_PREFIX['w']}}}{name}"


def node(tag: str, /, *children: Any, **attributes: str) -> Any:
    """An element with its children and attributes, all named without prefix."""
    element = _maker()(w(tag), {w(key): value for key, value in attributes.items()}, _PREFIX)
    element.extend(children)
    return element


@lru_cache(maxsize=1)
def _maker() -> Any:
    """What makes the elements that python-docx works with; its own OxmlElement looks everything up again each time."""
    from docx.oxml.parser import oxml_parser

    return oxml_parser.makeelement


def run_of(words: str, bold: bool = False, colour: str = "", half_points: int | None = None) -> Any:
    """A run of text: the words are one text node and nothing else."""
    look = [node("b")] if bold else []
    look += [node("color", val=colour)] if colour else []
    look += [node("sz", val=str(half_points))] if half_points else []
    return node("r", *([node("rPr", *look)] if look else []), _said("t", kept(words)))


def tab() -> Any:
    """A step to the next tab stop."""
    return node("r", node("tab"))


def field_of(instruction: str, shown: str, bold: bool = False) -> list[Any]:
    """A field in runs, with what it shows until Word works it out anew."""
    return [*field_start(instruction, bold), run_of(shown, bold), field_end()]


def field_start(instruction: str, bold: bool = False) -> list[Any]:
    """Everything of a field before what it shows."""
    parts = [node("fldChar", fldCharType="begin"), _said("instrText", f" {instruction} "), node("fldChar", fldCharType="separate")]
    return [node("r", *([node("rPr", node("b"))] if bold else []), part) for part in parts]


def field_end() -> Any:
    """The end of a field."""
    return node("r", node("fldChar", fldCharType="end"))


def _said(tag: str, words: str) -> Any:
    element = node(tag)
    element.text = words
    element.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return element


def cell_of(paragraphs: list[Any], width: int, span: int = 1, fill: str = "", line: bool = False) -> Any:
    """A cell of a table; ``width`` in twips, ``line`` rules it off below."""
    shape = [node("tcW", w=str(width), type="dxa")]
    shape += [node("gridSpan", val=str(span))] if span > 1 else []
    shape += [node("tcBorders", node("bottom", val="single", sz="8", space="0", color=_INK))] if line else []
    shape += [node("shd", val="clear", color="auto", fill=fill)] if fill else []
    shape += [node("vAlign", val="bottom")] if line else []
    return node("tc", node("tcPr", *shape), *paragraphs)


def row_of(cells: list[Any], head: bool = False, split: bool = False) -> Any:
    """A row: ``head`` repeats on every page, only ``split`` rows may run over the end of a page."""
    shape = [] if split else [node("cantSplit")]
    shape += [node("tblHeader")] if head else []
    return node("tr", node("trPr", *shape), *cells)


def grid_of(widths: list[int], rows: list[Any], style: str | None, title: str, words: str) -> Any:
    """A table of fixed widths in twips, with the title and description that a screen reader announces.

    Without a style it gets few rules: one above, one below.
    """
    rule = {"val": "single", "sz": "4", "space": "0", "color": _RULE}
    sides = node("tblCellMar", node("left", w="70", type="dxa"), node("right", w="70", type="dxa"))
    look = [node("tblStyle", val=style)] if style else []
    look.append(node("tblW", w=str(sum(widths)), type="dxa"))
    look += [] if style else [node("tblBorders", node("top", **rule), node("bottom", **rule))]
    look += [node("tblLayout", type="fixed"), *([] if style else [sides])]
    look += [node("tblLook", val="00A0", firstRow="1", lastRow="0", firstColumn="1", lastColumn="0", noHBand="1", noVBand="1")]
    look += [node("tblCaption", val=title), node("tblDescription", val=words)]
    return node("tbl", node("tblPr", *look), node("tblGrid", *(node("gridCol", w=str(width)) for width in widths)), *rows)
