"""The pilot-style evaluation report: a Study in, a folder with report, tables, figures and manifest out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from arms_irr.errors import ArgumentError
from arms_irr.reporting import about, ratings, reliability, summary
from arms_irr.reporting.document import Document
from arms_irr.reporting.draft import FEW_CASES, Draft
from arms_irr.reporting.findings import Findings, collect
from arms_irr.reporting.html import to_html
from arms_irr.reporting.manifest import manifest, versions
from arms_irr.reporting.markdown import to_markdown
from arms_irr.reporting.naming import ALL_CASES, Names
from arms_irr.reporting.publish import foreign, publish
from arms_irr.statistics.estimate import check_confidence
from arms_irr.study.study import Study, read_study

__all__ = ["evaluate", "evaluation"]


def evaluate(
    study: Study | str | os.PathLike[str], out: str | os.PathLike[str] | None = None, *, confidence_level: float = 0.95, seed: int = 1,
    step: Callable[[str], None] = lambda words: None,
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
        Of the simulated intervals; stored in the manifest. The same inputs and seed give the same bytes.
    step : callable
        Told in words what comes next.

    Returns
    -------
    Path
        The folder, with ``report.html``, ``report.md``, ``tables/*.csv``, ``figures/*.svg``, ``manifest.json``.

    Raises
    ------
    DataError
        When the study cannot be used.
    ArgumentError
        When ``out`` holds something that is not a report.
    """
    check_confidence(confidence_level)
    step("reading the study")
    if not isinstance(study, Study):
        study = read_study(study)
    folder = Path(out) if out is not None else Path("reports") / _name(study)
    foreign(folder)  # a folder that may not be written is refused before anything is computed
    study = _with_a_band(study)
    findings = collect(study, confidence_level=confidence_level, seed=seed, step=step)
    step("figures and report")
    document = evaluation(study, findings, confidence_level=confidence_level, seed=seed)
    files = {"report.html": to_html(document), "report.md": to_markdown(document)}
    files |= {f"figures/{figure.id}.svg": figure.svg for figure in document.figures}
    files |= {f"tables/{name}.csv": table.to_csv() for name, table in findings.tables().items()}
    settings = {"confidence_level": confidence_level, "seed": seed}
    publish(folder, files, manifest(study, settings, files))
    return folder


def _with_a_band(study: Study) -> Study:
    """A study with many cases and no bands is reported as a single band: case by case it would not be read."""
    if study.bands or len(study.cases) <= FEW_CASES:
        return study
    return replace(study, case_attributes={**study.case_attributes, "risk_band": (ALL_CASES,) * len(study.cases)})


def _name(study: Study) -> str:
    if study.source is None:
        raise ArgumentError("a study made from data frames has no folder to name the report after: give out=")
    return study.source.resolve().stem


def evaluation(study: Study, findings: Findings, *, confidence_level: float, seed: int) -> Document:
    """The document: the sections in the order in which people read them."""
    draft = Draft(study, findings, Names(study), confidence_level, seed)
    sections = (
        summary.main_points_section(draft),
        summary.limits_box(draft),
        about.study_section(draft),
        about.quality_section(draft),
        ratings.distributions_section(draft),
        ratings.gold_section(draft),
        ratings.overall_section(draft),
        reliability.between_section(draft),
        reliability.icc_section(draft),
        ratings.officers_section(draft),
        about.design_section(draft),
        about.methods_section(draft),
        about.limits_section(draft),
    )
    meta = (
        ("Made with", ", ".join(f"{name} {version}" for name, version in versions().items())),
        ("Settings", f"{draft.interval_head}s; seed {seed}"),
        ("Input", "Fingerprints of every input file stand in manifest.json"),
    )
    return Document(study.title, sections, subtitle="Evaluation of agreement between officers, and with the gold standard"
                    if study.has_gold else "Evaluation of agreement between officers", synthetic=study.synthetic, meta=meta)
