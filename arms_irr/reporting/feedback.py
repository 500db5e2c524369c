"""Feedback for a cohort: a Study in, a folder with a sheet for every officer and an overview for the trainer out."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from arms_irr.analysis.feedback import Answers, latest
from arms_irr.analysis.result import Result
from arms_irr.errors import ArgumentError, nearest
from arms_irr.reporting.document import Document
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.evaluation import draft_of
from arms_irr.reporting.manifest import manifest
from arms_irr.reporting.overview import BESIDE_THE_GROUP, overview
from arms_irr.reporting.pseudonyms import pseudonymous
from arms_irr.reporting.publish import foreign, publish
from arms_irr.reporting.questions import Options
from arms_irr.reporting.render import render
from arms_irr.reporting.sections.reversal import REVERSAL
from arms_irr.reporting.sheet import Desk, sheet
from arms_irr.reporting.trace import trace
from arms_irr.statistics.estimate import check_confidence
from arms_irr.study.opening import read_study
from arms_irr.study.study import Study

__all__ = ["FORMATS", "feedback", "file_names", "key_file"]

FORMATS = ("html", "pdf", "docx")
_KEY = ("shown_as", "pseudonym_in_the_study")
FEEDBACK_MAKER = "arms-irr feedback"
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no names for files in Windows
_LONGEST = 60


def feedback(
    study: Study | str | os.PathLike[str], out: str | os.PathLike[str] = "feedback", *, only: Sequence[str] = (),
    formats: Sequence[str] = FORMATS, training: str = "", date: str = "", ask: str = "", confidence_level: float = 0.95, seed: int = 1,
    pseudonyms: str = "keep", min_cell: int = 5, language: str = "en", template: str | os.PathLike[str] | None = None,
    step: Callable[..., None] = lambda words, done=0, total=None: None,
) -> Path:
    """Write a page for every officer, and an overview of the cohort for the trainer.

    Parameters
    ----------
    study : Study or path
        Of several occasions each officer's latest answers count.
    out : path
        Folder to write: ``overview.*``, its tables and figures, and ``sheets/<officer>.*``. Feedback that is there is
        replaced as a whole, and only when the new one is complete; other files in it are kept.
    only : sequence of str
        Officers, by their names in the study, whose sheets are wanted; all, and the overview, by default.
    formats : sequence of str
        Some of ``html, pdf, docx``.
    training, date, ask : str
        Printed on every sheet: the name of the training (the study's title by default), its date, and whom to ask.
    confidence_level : float
    seed : int
        Of everything that is simulated, and of the new numbers of officers.
    pseudonyms : {"keep", "renumber"}
        ``renumber`` shows officers under new numbers. Who is who is then written to ``<out>-key.csv`` beside the folder,
        never into it.
    min_cell : int
        Where fewer colleagues gave a priority, a sheet says nothing about colleagues.
    language : str
    template : path, optional
        A Word file whose styles the Word files take.
    step : callable
        Told in words what comes next, and for the sheets how many are ``done`` of the ``total``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError
        When the study cannot be used, with every problem.
    ArgumentError
        For unknown officers and formats; when ``out`` holds something else, or ``only`` would replace everybody's sheets.
    """
    check_confidence(confidence_level)
    formats = _known(formats, FORMATS, "format")
    if min_cell < 1:
        raise ArgumentError(f"min_cell={min_cell!r} is no number of officers: give 1 or more")
    if not isinstance(study, Study):
        study = read_study(study)
    folder = Path(out)
    _refuse(folder, bool(only), pseudonyms == "renumber")
    shown = pseudonymous(latest(study), pseudonyms, seed)
    key = dict(zip(study.raters, shown.raters, strict=True))
    chosen = [key[name] for name in (_known(only, study.raters, "officer") if only else study.raters)]
    draft = replace(draft_of(shown, Options(confidence_level, seed, min_cell), language, step), png="docx" in formats)
    paper = Path(template) if template is not None else None
    files: dict[str, str | bytes] = {}
    if not only:
        files |= _overview(draft, formats, paper)
    desk = _desk(draft, "docx" in formats, training, date, ask)
    names = file_names(shown.raters)
    for done, officer in enumerate(chosen):
        step(draft.say.word("feedback.working"), done, len(chosen))
        document, _ = sheet(desk, officer)
        files |= {f"sheets/{names[officer]}.{suffix}": content for suffix, content in _written(document, formats, paper)}
    step(draft.say.word("steps.files"), len(chosen), len(chosen))
    settings = {
        "confidence_level": confidence_level, "seed": seed, "formats": list(formats), "pseudonyms": pseudonyms,
        "min_cell": min_cell, "language": language, "training": training, "date": date, "ask": ask, "only": chosen if only else [],
    }  # fmt: skip
    publish(folder, files, manifest(study, settings, files, FEEDBACK_MAKER), FEEDBACK_MAKER)
    if pseudonyms == "renumber":
        _write_key(key_file(folder), {key[name]: name for name in study.raters})
    return folder


def key_file(folder: Path) -> Path:
    """Where it is written who is who: beside the folder, so that the folder can be shared."""
    return folder.resolve().with_name(f"{folder.resolve().name}-key.csv")


def file_names(officers: Sequence[str]) -> dict[str, str]:
    """A file name for every officer: plain letters, digits, dots, hyphens and underscores, each once whatever the case.

    An officer of whose name nothing is left, or whose name means something else to a computer, is ``officer-`` and the
    place in the table of officers.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for place, officer in enumerate(officers, 1):
        plain = unicodedata.normalize("NFKD", officer).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)[:_LONGEST].strip(".-_")
        if not stem or _RESERVED.fullmatch(stem):
            stem = f"officer-{place}"
        name, again = stem, 1
        while name.casefold() in taken:
            again += 1
            name = f"{stem}-{again}"
        taken.add(name.casefold())
        names[officer] = name
    return names


def _known(given: Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(given))
    for name in chosen:
        if name not in known:
            few = f"Choose from {', '.join(known)}." if len(known) <= 20 else ""
            raise ArgumentError(f"unknown {what} {name!r}. {nearest(name, known)}{few}".rstrip())
    if not chosen:
        raise ArgumentError(f"no {what} is chosen; choose from {', '.join(known)}")
    return chosen


def _refuse(folder: Path, only: bool, renumbered: bool) -> None:
    """Nothing but feedback and its key is replaced, and everybody's sheets not by a single one."""
    foreign(folder, FEEDBACK_MAKER)
    path = key_file(folder)
    if renumbered and path.exists() and not path.read_bytes().startswith(",".join(_KEY).encode()):
        raise ArgumentError(f"{path} is there and is no key of pseudonyms; move it, or choose another folder with -o")
    try:
        settings = json.loads((folder / "manifest.json").read_text("utf-8"))["settings"]
    except OSError:
        return
    if only and not settings.get("only"):
        raise ArgumentError(f"{folder} holds the sheets of all officers, and a single one would replace them; choose another folder with -o")


def _overview(draft: Draft, formats: Sequence[str], template: Path | None) -> dict[str, str | bytes]:
    document = overview(draft)
    files = render(document, draft.tables, formats, template)
    files["report.json"] = trace(document, draft.asked, draft.counts)
    return {re.sub(r"^report\.", "overview.", name): content for name, content in files.items()}


def _desk(draft: Draft, png: bool, training: str, date: str, ask: str) -> Desk:
    measures: Mapping[str, Result] = draft.ask(BESIDE_THE_GROUP).split("rater")
    flagged = frozenset(row["rater"] for row in draft.ask(REVERSAL).where("reversal_excess") if "reversed" in row.estimate.flags)
    answers = Answers.of(draft.study, draft.options.min_cell)
    return Desk(answers, draft.say, measures, flagged, draft.options.confidence_level, training, date, ask, png)


def _written(document: Document, formats: Sequence[str], template: Path | None) -> Iterator[tuple[str, str | bytes]]:
    for name, content in render(document, {}, formats, template).items():
        if name.startswith("report."):
            yield name.removeprefix("report."), content


def _write_key(path: Path, key: Mapping[str, str]) -> None:
    """Who is who, for the trainer alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_KEY, *sorted(key.items())])
    path.write_text(text.getvalue(), "utf-8", newline="")
