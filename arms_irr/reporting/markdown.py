"""A document as GitHub-flavoured Markdown, with its figures as files beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

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
    Section,
    Strong,
    Table,
    Text,
    pieces,
    plain,
)

__all__ = ["to_markdown"]


def to_markdown(document: Document, figures: str = "figures") -> str:
    """The document as Markdown text.

    Parameters
    ----------
    figures : str
        Folder, relative to the Markdown file, that holds ``<figure id>.svg``.
    """
    parts = [f"# {_escape(document.title)}"]
    if document.subtitle:
        parts.append(_line(document.subtitle))
    if document.synthetic:
        parts.append(f"> **{_escape(SYNTHETIC)}**")
    parts += _blocks(document.sections, document, figures, 2)
    if document.meta:
        parts += ["---", _definitions(document.meta, document)]
    return "\n\n".join(parts) + "\n"


def _blocks(blocks: tuple[Block, ...], document: Document, figures: str, level: int) -> Iterator[str]:
    for block in blocks:
        match block:
            case Section(_, title, inner):
                yield f"{'#' * level} {_escape(title)}"
                yield from _blocks(inner, document, figures, min(level + 1, 6))
            case Paragraph(text):
                yield _text(text, document)
            case Bullets(items, title):
                if title:
                    yield f"**{_escape(plain(title, document.names))}**"
                yield "\n".join(f"- {_text(item, document)}" for item in items)
            case Definitions(items):
                yield _definitions(items, document)
            case Callout(_, title, inner):
                box = [f"**{_escape(title)}**"] if title else []
                box += _blocks(inner, document, figures, level)
                yield "\n".join(f"> {line}".rstrip() for line in "\n\n".join(box).split("\n"))
            case Table():
                yield from _table(block, document)
            case Figure():
                yield _caption(block, document)
                yield f"![{_escape(plain(block.alt, document.names))}]({figures}/{block.id}.svg)"


def _table(table: Table, document: Document) -> Iterator[str]:
    yield _caption(table, document)
    heads = [f"{c.head} ({c.unit})" if c.unit else c.head for c in table.columns]
    lines = [_row(map(_escape, heads)), _row("---:" if c.align == "right" else ":---" for c in table.columns)]
    for head, rows in table.bodies:
        if head:
            lines.append(_row([f"**{_escape(head)}**", *[""] * (len(table.columns) - 1)]))
        lines += [_row(map(_escape, row)) for row in rows]
    yield "\n".join(lines)
    for note in table.notes:
        yield _text(note, document)


def _row(cells: Iterator[str] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _caption(block: Table | Figure, document: Document) -> str:
    title = f" **{_escape(plain(block.title, document.names))}.**" if isinstance(block, Figure) and block.title else ""
    mark = " *Synthetic data.*" if document.synthetic else ""
    return f"**{document.names[block.id]}.**{title} {_escape(plain(block.caption, document.names))}{mark}"


def _definitions(items: tuple[tuple[str, Text], ...], document: Document) -> str:
    return "\n".join(f"- **{_escape(term)}**: {_text(text, document)}" for term, text in items)


def _text(text: Text, document: Document) -> str:
    """The pieces one after another; neighbours with emphasis share one pair of asterisks."""
    strong = groupby(pieces(text), lambda piece: isinstance(piece, Strong) or (isinstance(piece, Cited) and piece.strong))
    runs = ((heavy, _escape(plain(tuple(run), document.names))) for heavy, run in strong)
    return _start("".join(f"**{words}**" if heavy else words for heavy, words in runs))


def _line(text: str) -> str:
    return _start(_escape(text))


def _escape(text: str) -> str:
    """Every character that could be markup anywhere in a line, made literal; line breaks become spaces."""
    text = re.sub(r"[\r\n]+", " ", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text)


def _start(line: str) -> str:
    """A line that does not begin like a heading, a list, a quotation or a rule."""
    return re.sub(r"^(\s*)(?:([#+=-])|(\d+)([.)]))", lambda m: f"{m[1]}{m[3] or ''}\\{m[2] or m[4]}", line)
