"""Figures as files: the same bytes on every run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from arms_irr.plots.style import drawing

__all__ = ["save_png", "save_svg"]


def save_svg(figure: Any, path: str | Path | None = None, *, alt: str = "") -> str:
    """The figure as SVG text, the same bytes on every run; written to ``path`` when given.

    Text is kept as outlines: the file needs no font, in a browser, in a PDF or in print, and nothing that was
    spaced can run together because a reader's font is wider.

    Parameters
    ----------
    alt : str
        Alternative text, kept in the file as its title.
    """
    text = io.StringIO()
    with drawing():
        figure.savefig(
            text, format="svg", metadata={"Date": None, "Creator": None} | ({"Title": alt} if alt else {})
        )
    svg = text.getvalue().replace("<svg ", '<svg role="img" ', 1)
    if path is not None:
        Path(path).write_text(svg, encoding="utf-8", newline="\n")
    return svg


def save_png(figure: Any, path: str | Path | None = None, *, dpi: float = 200, alt: str = "") -> bytes:
    """The figure as PNG, the same bytes on every run; written to ``path`` when given.

    Parameters
    ----------
    dpi : float
        Dots per inch of the printed size.
    alt : str
        Alternative text, kept in the file as its title.
    """
    data = io.BytesIO()
    with drawing():
        figure.savefig(data, format="png", dpi=dpi, metadata={"Software": None} | ({"Title": alt} if alt else {}))
    png = data.getvalue()
    if path is not None:
        Path(path).write_bytes(png)
    return png
