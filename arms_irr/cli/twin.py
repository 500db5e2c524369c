"""``arms-irr twin``: a synthetic twin of a study, to be shared in its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arms_irr.cli.ask import Seed, StudyPath, read
from arms_irr.cli.show import SYNTHETIC, sentences, working

if TYPE_CHECKING:
    from arms_irr.study.study import Study

__all__ = ["twin"]

MAKER = "arms-irr twin"
SHOWN = {"exact": "same priority as the gold standard", "unable_to_rate": "unable to rate", "percent": "two officers give the same priority"}


def twin(
    study: StudyPath,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder of the twin to write.")],
    seed: Seed = 1,
    min_cell: Annotated[
        int, typer.Option("--min-cell", min=2, metavar="NUMBER", help="Fewer officers than these are never described by themselves.")
    ] = 5,
) -> None:
    """Write a synthetic twin of a study, to be shared.

    Other officers and other ratings with the same agreement. disclosure.md in the folder says
    what was made anew, what is as in the study, and what the twin does not promise.
    """
    from arms_irr.planning.twin import ANEW, OPEN
    from arms_irr.planning.twin import twin as twin_of
    from arms_irr.reporting.publish import foreign, publish
    from arms_irr.study.written import study_files

    foreign(out, MAKER)
    original = read(study)
    with working("drawing the twin"):
        made = twin_of(original, seed=seed, min_cell=min_cell)
        files = study_files(made) | {"disclosure.md": _disclosure(made, (ANEW, *OPEN))}
        beside = _beside(original, made)
        publish(out, files, _manifest(files, seed, min_cell), MAKER)
    sentences(
        f"The twin is in {out}. {SYNTHETIC}",
        "",
        *beside,
        *([""] if beside else []),
        *(line for said in (ANEW, *OPEN) for line in (said, "")),
        f"Next: read {out / 'disclosure.md'} before you share the folder.",
    )


def _beside(study: Study, made: Study) -> list[str]:
    """The twin beside the study, by risk band: a look for the owner; it is not written into the folder."""
    from arms_irr.reporting.wording import number

    def told(one: Study) -> dict[tuple[str, str], float]:
        asked = [one.agreement(["risk_band"], coefficient=["percent"])] if "risk_band" in one.case_attributes else []
        asked += [one.against_gold(["risk_band"], statistics=["exact", "unable_to_rate"])] if asked and one.has_gold else []
        return {(row.coefficient, row["risk_band"]): row.estimate.value for result in asked for row in result if row.estimate.estimable}

    here, there = told(study), told(made)
    return [f"{SHOWN[what]}, {band}: {number(100 * value, 0)} % in the study, {number(100 * there[what, band], 0)} % in the twin"
            for (what, band), value in here.items() if (what, band) in there]


def _disclosure(made: Study, words: tuple[str, ...]) -> str:
    return "\n\n".join(["# What this synthetic twin tells, and what it does not", made.description, *words]) + "\n"


def _manifest(files: Mapping[str, str | bytes], seed: int, min_cell: int) -> str:
    """Without a trace of the study: not its path, not its fingerprint."""
    held = {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}
    return json.dumps({"made_by": MAKER, "seed": seed, "min_cell": min_cell, "files": sorted([*files, "manifest.json"]),
                       "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(held.items())}}, indent=1) + "\n"
