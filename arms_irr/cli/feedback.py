"""``arms-irr feedback``: a page for every officer, and an overview for the trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arms_irr.cli.ask import Confidence, Seed, StudyPath, names, read
from arms_irr.cli.evaluate import Language, Pseudonyms, Template
from arms_irr.cli.show import SYNTHETIC, sentences, working

__all__ = ["feedback"]

Out = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to write.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="This officer's sheet only; may be given several times. All, and the overview, by default.",
                 show_default=False),
]
Formats = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="NAMES", help="Some of html, pdf, docx, separated by commas. All by default.", show_default=False),
]
MinCell = Annotated[
    int, typer.Option("--min-cell", min=1, metavar="NUMBER", help="Where fewer colleagues answered, nothing is said about colleagues.")
]
Training = Annotated[
    str, typer.Option("--training", metavar="TEXT", help="Name of the training, for the sheets; the study's title by default.", show_default=False)
]
Date = Annotated[str, typer.Option("--date", metavar="TEXT", help="Date of the training, printed as it is.", show_default=False)]
Ask = Annotated[str, typer.Option("--ask", metavar="TEXT", help="Whom officers may ask, printed as it is.", show_default=False)]


def feedback(
    study: StudyPath, out: Out = Path("feedback"), only: Only = None, formats: Formats = None, training: Training = "", date: Date = "",
    ask: Ask = "", pseudonyms: Pseudonyms = "keep", min_cell: MinCell = 5, confidence: Confidence = 0.95, seed: Seed = 1,
    lang: Language = "en", template: Template = None,
) -> None:
    """Write a page for every officer and an overview.

    The folder holds overview.* for the trainer, who leads the discussion with it, and in
    sheets/ one page for each officer as a web page, PDF and Word. With --pseudonyms
    renumber the list of who is who is written beside the folder, not into it.
    """
    from arms_irr.statistics.estimate import check_confidence

    check_confidence(confidence)
    ratings = read(study)
    chosen = {"formats": names(formats)} if formats is not None else {}
    with working("loading") as step:
        from arms_irr.reporting.feedback import feedback as write_feedback
        from arms_irr.reporting.feedback import key_file

        folder = write_feedback(
            ratings, out, only=only or (), training=training, date=date, ask=ask, confidence_level=confidence, seed=seed,
            pseudonyms=pseudonyms, min_cell=min_cell, language=lang, template=template, step=step, **chosen,
        )
    sheets = len({path.stem for path in (folder / "sheets").iterdir()})
    sentences(
        f"{'1 sheet is' if sheets == 1 else f'{sheets} sheets are'} in {folder / 'sheets'}.",
        *([] if only else [f"The overview, for the trainer alone, is {next(iter(sorted(folder.glob('overview.*'))))}."]),
        *([f"Who is who stands in {key_file(folder)}: keep it apart from the folder."] if pseudonyms == "renumber" else []),
        *([SYNTHETIC] if ratings.synthetic else []),
        "Next: read the overview, then give every officer their own sheet and nobody else's.",
    )
