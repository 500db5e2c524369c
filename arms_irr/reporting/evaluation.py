"""The pilot-style evaluation report: a Study in, a folder with report, tables, figures and manifest out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from arms_irr.errors import ArgumentError, DataError, nearest
from arms_irr.reporting.document import Document, Section
from arms_irr.reporting.draft import FEW_CASES, Draft
from arms_irr.reporting.manifest import manifest, versions
from arms_irr.reporting.naming import ALL_CASES, Names
from arms_irr.reporting.pseudonyms import drawn_from, in_order, pseudonymous
from arms_irr.reporting.publish import foreign, publish
from arms_irr.reporting.questions import Options
from arms_irr.reporting.render import FORMATS, render
from arms_irr.reporting.report_settings import report_problems
from arms_irr.reporting.sections import (
    about,
    appendix,
    between,
    camps,
    claims,
    consequences,
    contrasts,
    dependability,
    discussion,
    distributions,
    gold,
    grras,
    icc,
    method,
    missed,
    officers,
    overall,
    ratability,
    review,
    sensitivity,
    summary,
)
from arms_irr.reporting.trace import trace
from arms_irr.reporting.voice import Label, voice
from arms_irr.statistics.estimate import check_confidence
from arms_irr.study.opening import read_study
from arms_irr.study.study import Study

__all__ = ["SECTIONS", "draft_of", "evaluate", "evaluation"]

# The sections in the order in which people read them; each asks its own questions.
SECTIONS: dict[str, Callable[[Draft], Section]] = {
    "main-points": summary.main_points_section,
    "can-and-cannot": summary.limits_box,
    "distributions": distributions.distributions_section,
    "study": about.study_section,
    "methods": method.methods_section,
    "data-quality": about.quality_section,
    "gold": gold.gold_section,
    "missed": missed.missed_section,
    "overall": overall.overall_section,
    "consequences": consequences.consequences_section,
    "between": between.between_section,
    "icc": icc.icc_section,
    "contrasts": contrasts.contrasts_section,
    "ratability": ratability.ratability_section,
    "officers": officers.officers_section,
    "gold-review": review.review_section,
    "camps": camps.camps_section,
    "sensitivity": sensitivity.sensitivity_section,
    "claims": claims.claims_section,
    "design": about.design_section,
    "dependability": dependability.dependability_section,
    "discussion": discussion.discussion_section,
    "grras": grras.grras_section,
    "appendix": appendix.appendix_section,  # the last: it tells what the others asked
}


def evaluate(
    study: Study | str | os.PathLike[str], out: str | os.PathLike[str] | None = None, *, confidence_level: float = 0.95,
    seed: int = 1, formats: Sequence[str] = FORMATS, sections: Sequence[str] | None = None,
    pseudonyms: str = "keep", min_cell: int = 5, language: str = "en",
    template: str | os.PathLike[str] | None = None, step: Callable[[str], None] = lambda words: None,
) -> Path:
    """Write the evaluation report of a study.

    Parameters
    ----------
    study : Study or path
    out : path, optional
        Folder to write; ``reports/<name of the study's folder>`` by default. A report that is there is replaced
        as a whole, and only when the new one is complete; other files in it are kept.
    confidence_level : float
    seed : int
        Of the simulated intervals and permutations; stored in the manifest. The same inputs and seed give the
        same bytes.
    formats : sequence of str
        Some of ``html, md, pdf, docx, xlsx``; all by default. Tables as CSV, figures as SVG and PNG, and
        ``report.json`` (every number with its method, target, bases and the sentences that use it) are always there.
    sections : sequence of str, optional
        Some of :data:`SECTIONS`; all by default.
    pseudonyms : {"keep", "renumber"}
        ``renumber`` gives officers new numbers at random, and lists them in the order of these; who is who is not
        written, and only who holds the ratings can work it out.
    min_cell : int
        Groups of fewer officers are not shown by themselves.
    language : str
        Of the texts; a catalogue in ``reporting/texts``.
    template : path, optional
        A Word file whose styles the Word report takes.
    step : callable
        Told in words what comes next.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError
        When the study cannot be used, with every problem.
    ArgumentError
        When ``out`` holds something that is not a report, and for unknown formats, sections and languages.
    """
    check_confidence(confidence_level)
    if min_cell < 1:
        raise ArgumentError(f"min_cell={min_cell!r} is no number of officers: give 1 or more")
    chosen = _chosen(sections, SECTIONS, "section")
    formats = _chosen(formats, FORMATS, "format")
    say = voice(language)
    step(say.word("steps.reading"))
    if not isinstance(study, Study):
        study = read_study(study)
    folder = Path(out) if out is not None else Path("reports") / _name(study)
    foreign(folder)  # a folder that may not be written is refused before anything is computed
    options = Options(confidence_level, seed, min_cell)
    shown = pseudonymous(study, pseudonyms, drawn_from(study, seed))
    draft = draft_of(shown if pseudonyms == "keep" else in_order(shown), options, language, step)
    _refuse_mistakes(draft.study)
    draft = replace(draft, png=True)
    step(say.word("steps.writing"))
    document = evaluation(draft, chosen)
    step(say.word("steps.files"))
    files = render(document, draft.tables, formats, template)
    files["report.json"] = trace(document, draft.asked, draft.counts)
    settings = {
        "confidence_level": confidence_level, "seed": seed, "formats": list(formats), "sections": list(chosen),
        "pseudonyms": pseudonyms, "min_cell": min_cell, "language": language,
    }
    publish(folder, files, manifest(study, settings, files))
    return folder


def _refuse_mistakes(study: Study) -> None:
    """Every mistake in the settings and in the claims file at once, before anything is computed."""
    problems = list(report_problems(study))
    try:
        claims.claims_of(study)
    except DataError as error:
        problems += error.problems
    if problems:
        raise DataError(problems)


def draft_of(
    study: Study, options: Options | None = None, language: str = "en", step: Callable[[str], None] = lambda words: None
) -> Draft:
    """What the sections are written from."""
    study = _with_a_band(study)
    return Draft(study, options or Options(), Names(study), voice(language), step=step)


def evaluation(draft: Draft, sections: Sequence[str] = tuple(SECTIONS)) -> Document:
    """The document: the sections asked for, in the order in which people read them."""
    say, study = draft.say, draft.study
    written = tuple(write(draft) for name, write in SECTIONS.items() if name in sections)
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    settings = f"{draft.interval_head}s; seed {draft.options.seed}"
    meta = (
        (say.word("made.with"), (Label(made),)),
        (say.word("made.settings"), (Label(settings),)),
        (say.word("made.input"), say("made.fingerprints")),
    )
    subtitle = say.word("made.subtitle" if study.has_gold else "made.subtitle_no_gold")
    return Document(study.title, written, subtitle=subtitle, synthetic=study.synthetic, meta=meta)


def _chosen(given: Sequence[str] | None, known: Sequence[str] | Mapping[str, object], what: str) -> tuple[str, ...]:
    chosen = tuple(known) if given is None else tuple(dict.fromkeys(given))
    for name in chosen:
        if name not in known:
            raise ArgumentError(f"unknown {what} {name!r}. {nearest(name, known)}Choose from {', '.join(known)}.")
    if not chosen:
        raise ArgumentError(f"no {what} is chosen; choose from {', '.join(known)}")
    return chosen


def _with_a_band(study: Study) -> Study:
    """A study with many cases and no bands is reported as a single band: case by case it would not be read."""
    if study.bands or len(study.cases) <= FEW_CASES:
        return study
    return replace(study, case_attributes={**study.case_attributes, "risk_band": (ALL_CASES,) * len(study.cases)})


def _name(study: Study) -> str:
    if study.source is None:
        raise ArgumentError("a study made from data frames has no folder to name the report after: give out=")
    return study.source.resolve().stem
