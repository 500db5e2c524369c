"""``arms-irr collect``: the forms that came back as a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arms_irr.cli.check import told
from arms_irr.cli.show import SYNTHETIC, sentences, working
from arms_irr.errors import ArgumentError, DataError

__all__ = ["collect"]


def collect(
    forms: Annotated[Path, typer.Argument(metavar="FORMS", help="Folder with the forms that came back.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="STUDY", help="Folder of the study to write.")],
    kit: Annotated[
        Path | None, typer.Option("--kit", metavar="FOLDER", help="What arms-irr form wrote, where that is another folder.", show_default=False)
    ] = None,
    gold: Annotated[
        Path | None, typer.Option("--gold", metavar="FILE", help="The gold standard; without it the study has none.", show_default=False)
    ] = None,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="Title of the study.", show_default=False)] = "",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out the forms with errors and use the others.")] = False,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="The ratings were made up, as in a rehearsal.")] = False,
) -> None:
    """Read the forms that came back into a study.

    Says everything that is missing or altered in all forms at once, and changes none of them.
    A study that was collected before is replaced as a whole, unless it was changed since.
    """
    from arms_irr.reporting.publish import foreign, publish
    from arms_irr.study.collect import COLLECT_MAKER
    from arms_irr.study.collect import collect as read_forms

    _apart(forms, out)
    foreign(out, COLLECT_MAKER)
    with working("reading the forms") as step:
        try:
            found = read_forms(forms, kit, gold, title=title, skip_bad=skip_bad, synthetic=synthetic, step=step)
        except DataError as error:
            sentences(*told(error.problems, "the forms"), f"No study was written. {_advice(error, skip_bad)}The forms are as they were.")
            raise typer.Exit(1) from None
        publish(out, found.files, found.manifest, COLLECT_MAKER)
    sentences(
        *told(found.problems, "the forms"),
        f"The study is {out}: {len(found.used)} forms." + (f" Left out: {', '.join(found.skipped)}." if found.skipped else ""),
        *([SYNTHETIC] if synthetic else []),
        f"Next: arms-irr check {out}",
    )


def _apart(forms: Path, out: Path) -> None:
    """Refuse a study among the forms, or forms in the study: the one would be read as the other."""
    one, two = forms.resolve(), out.resolve()
    if one == two or one in two.parents or two in one.parents:
        raise ArgumentError(f"the study {str(out)!r} and the forms {str(forms)!r} lie in one another. Choose a folder beside the forms with -o.")


def _advice(error: DataError, skip_bad: bool) -> str:
    some = any(problem.severity == "error" and problem.file for problem in error.problems)
    return "Put the errors right, or leave out the forms that have any with --skip-bad. " if some and not skip_bad else ""
