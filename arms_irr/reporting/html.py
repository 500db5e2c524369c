"""A document as one HTML file: nothing fetched, no script; reads on a phone, on paper and in the dark."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from arms_irr.reporting.document import SYNTHETIC, Cited, Document, Figure, Ref, Strong, Text, pieces, plain

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

__all__ = ["to_html"]

_HERE = Path(__file__).parent


def to_html(document: Document) -> str:
    """The document as the text of a self-contained HTML file.

    Pictures are embedded as images with alternative text rather than as inline SVG: every browser and screen
    reader announces them, their ids and styles cannot meet, and a policy in the page forbids any request.
    """
    css = (_HERE / "report.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()

    def inline(text: Text) -> Markup:
        return _inline(text, document)

    return _template().render(
        doc=document,
        css=css,
        style_hash=f"sha256-{digest}",
        inline=inline,
        plain=lambda text: plain(text, document.names),
        source=_source,
        synthetic=SYNTHETIC,
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["kind"] = lambda block, name: type(block).__name__ == name
    return environment.get_template("report.html.j2")


def _inline(text: Text, document: Document) -> Markup:
    from markupsafe import Markup

    out = Markup()
    for piece in pieces(text):
        if isinstance(piece, Strong) or (isinstance(piece, Cited) and piece.strong):
            out += Markup("<strong>{}</strong>").format(_set(piece.text))
        elif isinstance(piece, Ref):
            out += Markup('<a href="#{}">{}</a>').format(piece.id, document.names[piece.id])
        else:
            out += _set(piece.text if isinstance(piece, Cited) else piece)
    return out


def _set(text: str) -> str:
    # A number and its percent sign stay on one line.
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def _source(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(figure.svg.encode()).decode()
