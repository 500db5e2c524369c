"""A document as one HTML file: nothing fetched; reads on a phone, on paper, in the dark and without its script."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from arms_irr.reporting.document import (
    SYNTHETIC,
    Cited,
    Document,
    Figure,
    Ref,
    Strong,
    Text,
    kept,
    pieces,
    plain,
)

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

__all__ = ["to_html"]

_HERE = Path(__file__).parent


def to_html(document: Document) -> str:
    """The document as the text of a self-contained HTML file.

    Pictures are embedded as images with alternative text rather than as inline SVG: every browser and screen
    reader announces them, their ids and styles cannot meet. A policy in the page forbids any request, and any
    style or script but the page's own, which it knows by their hashes. The script sorts tables, nothing else.
    """
    css = (_HERE / "report.css").read_text("utf-8") + _running_head(document)
    script = (_HERE / "report.js").read_text("utf-8")

    def inline(text: Text) -> Markup:
        return _inline(text, document)

    return _template().render(
        doc=document,
        css=css,
        style_hash=_hash(css),
        script=script,
        script_hash=_hash(script),
        inline=inline,
        kept=kept,
        plain=lambda text: plain(text, document.names),
        source=_source,
        synthetic=SYNTHETIC,
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _running_head(document: Document) -> str:
    """The rules that print the title and the synthetic mark above every page but the first."""
    # Every letter but the plainest by its number: a title cannot end the string, the rule or the style.
    words = "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in document.running_title)
    mark = "Synthetic data" if document.synthetic else ""
    return (
        f'@page {{ @top-left {{ content: "{words}"; }} @top-right {{ content: "{mark}"; }} }}\n'
        "@page :first { @top-left { content: none; } @top-right { content: none; } }\n"
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
            out += Markup("<strong>{}</strong>").format(kept(piece.text))
        elif isinstance(piece, Ref):
            out += Markup('<a href="#{}">{}</a>').format(piece.id, document.names[piece.id])
        else:
            out += kept(piece.text if isinstance(piece, Cited) else piece)
    return out


def _source(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(figure.svg.encode()).decode()
