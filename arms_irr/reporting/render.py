"""A document and its tables as the files of a report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from arms_irr.analysis.result import Result
from arms_irr.reporting.document import Document

__all__ = ["FORMATS", "render"]

FORMATS = ("html", "md", "pdf", "docx", "xlsx")


def render(
    document: Document, tables: Mapping[str, Result], formats: Sequence[str] = FORMATS, template: str | os.PathLike[str] | None = None
) -> dict[str, str | bytes]:
    """The contents of every file by its path in the report's folder: the formats, tables/*.csv, figures/*.svg and *.png."""
    files: dict[str, str | bytes] = {}
    if "html" in formats:
        from arms_irr.reporting.html import to_html

        files["report.html"] = to_html(document)
    if "md" in formats:
        from arms_irr.reporting.markdown import to_markdown

        files["report.md"] = to_markdown(document)
    if "pdf" in formats:
        from arms_irr.reporting.pdf import to_pdf

        files["report.pdf"] = to_pdf(document)
    if "docx" in formats:
        from arms_irr.reporting.docx import to_docx

        files["report.docx"] = to_docx(document, Path(template) if template is not None else None)
    if "xlsx" in formats:
        from arms_irr.reporting.xlsx import to_xlsx

        files["report.xlsx"] = to_xlsx(document, tables)
    for figure in document.figures:
        files[f"figures/{figure.id}.svg"] = figure.svg
        if figure.png:
            files[f"figures/{figure.id}.png"] = figure.png
    return files | {f"tables/{name}.csv": result.to_csv() for name, result in tables.items()}
