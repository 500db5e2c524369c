"""The styles of a Word report: our own, or those of a house template, checked before anything is written."""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arms_irr.errors import DataError, Problem

if TYPE_CHECKING:
    from docx.document import Document as Word

__all__ = ["BOX", "BOX_LIST", "CELL", "CONTENTS", "GRID", "NOTE", "open_word"]

BOX, BOX_LIST, CELL, NOTE, GRID = "Report Box", "Report Box List", "Report Cell", "Report Note", "Report Table"
CONTENTS = "toc 1"  # Word's own name for it

_NEEDED = ("Title", "Heading 1", "Heading 2", "Heading 3", "Caption", "List Bullet")
_INK = "1D2328"


def open_word(template: Path | None, sheet: bool = False) -> Word:
    """An empty Word document with every style that the report needs.

    Parameters
    ----------
    template : Path, optional
        A .docx or .dotx whose styles, page, header and footer are used; its text is left out. Styles named
        ``Report Box``, ``Report Box List``, ``Report Cell``, ``Report Note`` (paragraphs) and ``Report Table``
        (table) are used where it has them.

    sheet : bool
        Small print and narrow margins, where there is no template: for what has to fit on one page.

    Raises
    ------
    DataError
        When the template is no Word document, or styles are missing from it: every problem at once.
    """
    from docx import Document

    if template is None and sheet:
        return Document(io.BytesIO(_empty_sheet()))
    if template is None:
        word = Document()
        _house_style(word)
    else:
        word = _opened(template)
        _check(word, template)
        for element in list(word.element.body):
            if element is not word.element.body.sectPr:
                word.element.body.remove(element)
    _own_styles(word)
    return word


def _opened(template: Path) -> Word:
    """The template as a .docx, which is what a .dotx becomes when its type is changed."""
    from docx import Document
    from lxml.etree import XMLSyntaxError

    remedy = "Give a .docx or .dotx file that Word opens, or leave the template out."
    try:
        with zipfile.ZipFile(template) as old:
            parts = {name: old.read(name) for name in old.namelist()}
        if b"macroEnabled" in parts["[Content_Types].xml"]:
            raise _refused(template, "The template holds macros.", "Save it in Word as .docx or .dotx, without macros.")
        kind = b"application/vnd.openxmlformats-officedocument.wordprocessingml.%s.main+xml"
        parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(kind % b"template", kind % b"document")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as new:
            for name, data in parts.items():
                new.writestr(name, data)
        return Document(out)
    except OSError as error:
        raise _refused(template, f"The template cannot be read: {error.strerror or error}.", remedy) from error
    except (zipfile.BadZipFile, KeyError, ValueError, XMLSyntaxError) as error:
        raise _refused(template, "The template is no Word document.", remedy) from error


def _refused(template: Path, message: str, remedy: str) -> DataError:
    return DataError([Problem("error", message, remedy, file=template.name)])


def _check(word: Word, template: Path) -> None:
    from docx.enum.style import WD_STYLE_TYPE

    kinds = {name: WD_STYLE_TYPE.PARAGRAPH for name in _NEEDED}
    kinds |= {name: WD_STYLE_TYPE.PARAGRAPH for name in (BOX, BOX_LIST, CELL, NOTE)} | {GRID: WD_STYLE_TYPE.TABLE}
    found = {style.name: style.type for style in word.styles}
    problems = [
        Problem(
            "error", f"The template has no style {name!r}.",
            f"In Word, give a paragraph the style {name!r} once and save: only styles that were used are in the file.", file=template.name,
        ) for name in _NEEDED if name not in found
    ] + [
        Problem(
            "error", f"The style {name!r} of the template is of the wrong kind.",
            f"Make it a {'table' if kind == WD_STYLE_TYPE.TABLE else 'paragraph'} style.", file=template.name,
        ) for name, kind in kinds.items() if found.get(name, kind) != kind
    ]  # fmt: skip
    page = word.element.body.sectPr
    if page is None or page.pgSz is None or page.pgMar is None:
        problems.append(Problem("error", "The template has no page size or margins.", "Set them in Word under Layout.", file=template.name))
    if problems:
        raise DataError(problems)


def _house_style(word: Word) -> None:
    """A4 with 25 mm margins, a sans face, dark headings; never in compatibility mode."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls
    from docx.shared import Mm

    section = word.sections[-1]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(25)
    section.header_distance = section.footer_distance = Mm(12)
    looks = {  # size, space before and after, bold, colour
        "Normal": (10, 0, 6, None, _INK), "Title": (20, 0, 4, True, _INK), "Subtitle": (12, 0, 12, False, "535D66"),
        "Heading 1": (15, 20, 6, True, _INK), "Heading 2": (12, 14, 4, True, _INK), "Heading 3": (10.5, 10, 4, True, _INK),
        "Caption": (9, 12, 4, False, _INK), "List Bullet": (10, 0, 4, None, _INK),
    }  # fmt: skip
    for name, look in looks.items():
        _look(word.styles[name], *look)
    title = word.styles["Title"].element.pPr
    for border in title.xpath("w:pBdr"):
        title.remove(border)
    compat = '<w:compat %s><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat>'
    settings = word.settings.element
    for old in settings.xpath("w:compat"):
        settings.replace(old, parse_xml(compat % nsdecls("w")))


@lru_cache(maxsize=1)
def _empty_sheet() -> bytes:
    """An empty sheet: as the house style, but smaller and closer together. It is opened again for each of many sheets."""
    from docx.shared import Mm, Pt

    word = open_word(None)
    page = word.sections[-1]
    page.left_margin = page.right_margin = Mm(18)
    page.top_margin = page.bottom_margin = Mm(14)
    page.header_distance = page.footer_distance = Mm(6)
    sizes = {"Normal": (8.5, 0, 3), "Title": (15, 0, 1), "Subtitle": (9, 0, 4), "Heading 1": (11, 6, 2), "Caption": (7.5, 3, 2),
             "List Bullet": (8.5, 0, 2), NOTE: (4, 0, 0)}  # fmt: skip
    for name, (size, before, after) in sizes.items():
        style = word.styles[name]
        style.font.size, shape = Pt(size), style.paragraph_format
        shape.space_before, shape.space_after, shape.line_spacing = Pt(before), Pt(after), 1.0
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


def _look(style: Any, size: float, before: float, after: float, bold: bool | None, colour: str) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    font = style.font
    font.name, font.size, font.color.rgb, font.italic = "Arial", Pt(size), RGBColor.from_string(colour), False
    if bold is not None:
        font.bold = bold
    fonts = style.element.rPr.rFonts
    for key in list(fonts.attrib):  # the theme's faces would win over the name
        if key.endswith("Theme"):
            del fonts.attrib[key]
    for script in ("ascii", "hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{script}"), "Arial")
    for old in style.element.rPr.xpath("w:spacing"):  # spread letters of the default title
        style.element.rPr.remove(old)
    style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)
    style.paragraph_format.line_spacing = 1.15


def _own_styles(word: Word) -> None:
    """The styles that only a report has, on top of whatever is there; a house template may bring its own."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Pt

    there = {style.name for style in word.styles}
    wanted = {BOX: "Normal", BOX_LIST: "List Bullet", CELL: "Normal", NOTE: "Normal", CONTENTS: "Normal"}
    for name, base in wanted.items():
        if name in there:
            continue
        style = word.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style, style.quick_style = word.styles[base], True
        shape = style.paragraph_format
        if name in (BOX, BOX_LIST):
            _boxed(style)
            shape.space_before, shape.space_after = Pt(0), Pt(0 if name == BOX_LIST else 4)
        else:
            style.font.size = None if name == CONTENTS else Pt(8.5)
            shape.space_before, shape.space_after, shape.line_spacing = Pt(1.5), Pt(1.5), 1.0


def _boxed(style: Any) -> None:
    """A grey ground and a bar at the left."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    properties = style.element.get_or_add_pPr()
    properties.append(parse_xml(f'<w:pBdr {nsdecls("w")}><w:left w:val="single" w:sz="24" w:space="8" w:color="005A8D"/></w:pBdr>'))
    properties.append(parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="F3F6F8"/>'))
