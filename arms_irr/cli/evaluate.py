"""``arms-irr evaluate``: the whole evaluation as a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arms_irr.cli.ask import Confidence, Seed, StudyPath, names, read
from arms_irr.cli.show import SYNTHETIC, sentences, working

__all__ = ["FORMATS_HELP", "Formats", "Language", "MinCell", "Out", "Pseudonyms", "Template", "evaluate"]

FORMATS_HELP = "Some of html, md, pdf, docx, xlsx, separated by commas."
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FOLDER", help="Folder to write; reports/NAME by default.", show_default=False),
]
Formats = Annotated[
    list[str] | None, typer.Option("--format", metavar="NAMES", help=f"{FORMATS_HELP} All by default.", show_default=False)
]
Sections = Annotated[
    list[str] | None,
    typer.Option("--sections", metavar="NAMES", help="Some of the sections, separated by commas; all by default.", show_default=False),
]
Pseudonyms = Annotated[
    str, typer.Option("--pseudonyms", metavar="keep|renumber", help="Show officers under their own pseudonyms, or under new numbers.")
]
MinCell = Annotated[
    int, typer.Option("--min-cell", min=1, metavar="NUMBER", help="Groups of fewer officers are not shown by themselves.")
]
Language = Annotated[str, typer.Option("--lang", metavar="CODE", help="Language of the texts.")]
Template = Annotated[
    Path | None,
    typer.Option("--template", metavar="FILE", help="A Word file whose styles the Word report takes.", show_default=False),
]


def evaluate(
    study: StudyPath, out: Out = None, formats: Formats = None, sections: Sections = None, confidence: Confidence = 0.95,
    seed: Seed = 1, pseudonyms: Pseudonyms = "keep", min_cell: MinCell = 5, lang: Language = "en", template: Template = None,
) -> None:
    """Write the evaluation report.

    The folder holds the report as a web page, PDF, Word, Markdown and Excel, its tables
    and figures, and report.json with the origin of every number. A report that is there
    is replaced as a whole, and only when the new one is complete.
    """
    from arms_irr.statistics.estimate import check_confidence

    check_confidence(confidence)
    ratings = read(study)
    chosen = {
        name: names(given) for name, given in (("formats", formats), ("sections", sections)) if given is not None
    }
    with working("loading") as step:
        from arms_irr.reporting.evaluation import evaluate as write_report

        folder = write_report(
            ratings, out, confidence_level=confidence, seed=seed, pseudonyms=pseudonyms, min_cell=min_cell, language=lang,
            template=template, step=step, **chosen,
        )
    written = sorted(path.name for path in folder.glob("report.*") if path.suffix != ".json")
    sentences(
        f"The report is {folder / written[0]}." if len(written) == 1 else f"The report is in {folder}: {', '.join(written)}.",
        *([SYNTHETIC] if ratings.synthetic else []),
        "Next: open it and read the main points, and beside them what these data cannot "
        f"show. The numbers behind it stand in {folder / 'tables'}.",
    )
