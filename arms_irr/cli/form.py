"""``arms-irr form``: rating forms for officers, in Excel and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arms_irr.cli.check import told
from arms_irr.cli.show import say, sentences, working

__all__ = ["form"]


def _instruments() -> list[str]:
    from arms_irr.instruments import shipped_instruments

    return list(shipped_instruments())


def form(
    instrument: Annotated[
        str,
        typer.Argument(metavar="INSTRUMENT", autocompletion=_instruments, help="A shipped instrument such as arms-12, or an instrument file."),
    ],
    cases: Annotated[Path, typer.Option("--cases", metavar="FILE", help="Table of the cases: case, title.")],
    raters: Annotated[Path, typer.Option("--raters", metavar="FILE", help="Table of the officers: rater, and any attributes.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to write.")] = Path("forms"),
    assignment: Annotated[
        Path | None,
        typer.Option("--assignment", metavar="FILE", help="Who rates which case: rater, case, order, occasion. Else everyone rates every case."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Seed of the orders in which the officers read the cases.")] = 1,
    lang: Annotated[str, typer.Option("--lang", metavar="CODE", help="Language of the forms.")] = "en",
) -> None:
    """Write rating forms for officers.

    One Excel form for each officer with lists to choose from and the cases in an order of
    their own, and a blank form on paper. A form that was filled in is never written over.
    """
    with working("making the forms") as step:
        from arms_irr.reporting.forms import write_forms

        kit = write_forms(instrument, cases, raters, out, assignment=assignment, seed=seed, language=lang, step=step)
    for line in told(kit.warnings, "the kit"):
        say(line)
    sentences(
        f"{len(kit.forms)} forms are in {out}, and a blank one on paper in {out / 'paper'}.",
        *(f"The title of case {case!r} tells its risk band: officers will read {title!r}." for case, title in kit.telling),
        f"Send each officer the form of that name only; what is in {out / 'kit'} and manifest.json stays with you.",
        f"Next: put the forms that come back into {out} and run arms-irr collect {out} -o STUDY",
    )
