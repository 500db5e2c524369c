"""``arms-irr simulate``: a study with made-up ratings, to try everything on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arms_irr.cli.show import SYNTHETIC, sentences, working

__all__ = ["simulate"]


def _examples() -> list[str]:
    from arms_irr.planning.simulate import EXAMPLES

    return list(EXAMPLES)


def simulate(
    example: Annotated[
        str,
        typer.Argument(metavar="EXAMPLE", autocompletion=_examples, help="pilot or second_exercise or training_pre_post or certification or reversers."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FOLDER", help="Folder to write; EXAMPLE by default.", show_default=False
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="NUMBER", help="Another seed than that of the shipped example."),
    ] = None,
) -> None:
    """Write a study folder with synthetic ratings.

    The ratings are drawn from a model with known parameters, which are written to study.toml. A folder that
    holds anything but a simulated study is left alone.
    """
    from arms_irr.planning.simulate import simulate_example, write

    with working("simulating"):
        folder = write(simulate_example(example, seed), out or Path(example))
    sentences(
        f"A simulated study is in {folder}: study.toml, ratings.csv, gold.csv, cases.csv and raters.csv.",
        SYNTHETIC,
        f"Next: arms-irr check {folder}",
    )
