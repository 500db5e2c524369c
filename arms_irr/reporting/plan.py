"""The plan as a document: a design in, a folder with the protocol section, assignment lists and plan.toml out."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.instruments.load import load_instrument
from arms_irr.instruments.rules import PRIORITY, rated
from arms_irr.planning.blocks import assignment_table
from arms_irr.planning.exercise import Exercise, Tell, compute
from arms_irr.planning.inputs import Inputs, inputs_from, read_inputs
from arms_irr.planning.simulate import as_study, simulate
from arms_irr.reporting.document import Document
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.manifest import manifest, versions
from arms_irr.reporting.naming import Names
from arms_irr.reporting.publish import foreign, publish
from arms_irr.reporting.questions import Options
from arms_irr.reporting.render import FORMATS, render
from arms_irr.reporting.sections import plan_buys, plan_design, plan_frame, plan_size
from arms_irr.reporting.sections.plan_words import PlanDraft
from arms_irr.reporting.trace import trace
from arms_irr.reporting.voice import Label, voice
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.opening import read_study
from arms_irr.study.study import Study

__all__ = ["PLAN_MAKER", "document_of", "plan"]

PLAN_MAKER = "arms-irr plan"


def plan(
    study: Study | str | os.PathLike[str] | None = None, out: str | os.PathLike[str] = "plan", *, inputs: Inputs | None = None,
    officers: int | Mapping[str, Any] = 40, cases: int | Mapping[str, int] = 12, per_officer: int | None = None, links: int | None = None,
    re_rated: int = 0, sites: int = 3, golds: str = "profile", goals: Mapping[str, float] | None = None, power: float = 0.8,
    replications: int = 250, draws: int = 20, seed: int = 1, confidence_level: float = 0.95, compare: str | os.PathLike[str] | None = None,
    formats: Sequence[str] = FORMATS, language: str = "en", template: str | os.PathLike[str] | None = None, n_jobs: int | None = None,
    stop: Callable[[], bool] = lambda: False, tell: Tell = lambda stage, done, total: None,
) -> Path:
    """Write the plan of an exercise.

    Parameters
    ----------
    study : Study or path, optional
        What the parameters are fitted to. Without it those of ``inputs`` are used, or the shipped ones, which are design choices.
    out : path
        Folder to write. A plan that is there is replaced as a whole; other files in it are kept.
    inputs : Inputs, optional
        As read from a plan.toml; then the single values below do not count.
    officers, cases, per_officer, links, re_rated, sites, golds, goals, power, replications, draws, seed, confidence_level
        As :func:`arms_irr.planning.inputs.inputs_from`.
    compare : path, optional
        The folder of another plan, to be shown beside this one.
    formats : sequence of str
        Some of ``html, md, pdf, docx, xlsx``.
    n_jobs : int, optional
        As joblib's. The same inputs and seed give the same bytes whatever it is.
    stop, tell : callable
        As :func:`arms_irr.planning.exercise.compute`.

    Returns
    -------
    Path
        The folder: the document, ``tables``, ``figures``, ``report.json``, ``plan.toml``, ``assignments.csv``, ``cases.csv``,
        ``raters.csv`` and ``intended_gold.csv``.

    Raises
    ------
    ArgumentError
        For inputs and designs that cannot be, and a folder that holds something else.
    DataError
        When the study cannot be used, or is too small to fit.
    """
    for name in formats:
        if name not in FORMATS:
            raise ArgumentError(f"unknown format {name!r}. {nearest(name, FORMATS)}Choose from {', '.join(FORMATS)}.")
    say = voice(language)
    folder = Path(out)
    foreign(folder, PLAN_MAKER)  # a folder that may not be written is refused before anything is computed
    given = inputs if inputs is not None else inputs_from(
        officers, cases, sites=sites, goals=goals, golds=golds, per_officer=per_officer, links=links, re_rated=re_rated, power=power,
        replications=replications, draws=draws, seed=seed, confidence_level=confidence_level)
    other = None if compare is None else _other(Path(compare))
    if study is not None and not isinstance(study, Study):
        study = read_study(study)
    exercise = compute(given, study, n_jobs=n_jobs, stop=stop, tell=lambda stage, done, total: tell(say.word(f"plan.step_{stage}"), done, total))
    tell(say.word("steps.writing"), 0, 0)
    draft = _draft(exercise, study, other, language)
    document = document_of(PlanDraft(draft, exercise), study, other)
    tell(say.word("steps.files"), 0, 0)
    files = render(document, draft.tables, formats, template)
    files["report.json"] = trace(document, draft.asked, draft.counts)
    files |= _tables(exercise)
    settings = {"report": "plan", "formats": list(formats), "language": language, "confidence_level": given.confidence_level, "seed": given.seed,
                "parameters": exercise.source, "stopped": exercise.stopped}
    publish(folder, files, _manifest(document, draft, study, settings, files), PLAN_MAKER)
    return folder


# --- the document -----------------------------------------------------------------------------------------------


def _draft(exercise: Exercise, study: Study | None, other: tuple[Inputs, Result, str] | None, language: str) -> Draft:
    """A draft whose study is one simulated exercise of the plan: it lends its labels, and its title says where numbers come from."""
    say, inputs = voice(language), exercise.inputs
    source = say.word(f"plan.source_{exercise.source}").format(title=study.title if study else "")
    made = replace(as_study(simulate(exercise.design, exercise.parameters, inputs.seed)), title=source)
    asked = {name: result for name, result in exercise.results.items()}
    if other is not None:
        asked["other_precision"] = other[1]
    draft = Draft(made, Options(inputs.confidence_level, inputs.seed), Names(made), say, asked, png=True)
    if study is not None:
        draft.counted("study_cases", len(study.cases))
    return draft


def document_of(plan: PlanDraft, study: Study | None = None, other: tuple[Inputs, Result, str] | None = None) -> Document:
    """The document: main points and limits, design, sample size, what officers and vignettes buy, cross-checks, parameters."""
    say, inputs = plan.draft.say, plan.exercise.inputs
    sections = [plan_frame.main_section(plan), plan_frame.limits_section(plan), plan_design.design_section(plan), plan_size.size_section(plan),
                plan_buys.buys_section(plan), plan_frame.closed_section(plan),
                plan_frame.parameters_section(plan, study.title if study else "")]
    if other is not None:
        sections.append(plan_frame.comparison_section(plan, other[0], other[2]))
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    meta = (
        (say.word("made.with"), (Label(made),)),
        (say.word("made.settings"), (Label(f"{plan.draft.interval_head}s; seed {inputs.seed}"),)),
        (say.word("made.input"), say("made.fingerprints")),
    )
    title = say.word("plan.title").format(officers=inputs.n_officers, cases=inputs.n_cases)
    synthetic = study is None or study.synthetic
    return Document(title, tuple(one for one in sections if one is not None), subtitle=say.word("plan.subtitle"), synthetic=synthetic, meta=meta)


def _manifest(document: Document, draft: Draft, study: Study | None, settings: Mapping[str, Any], files: Mapping[str, object]) -> str:
    """The manifest of a report, for a plan: what the parameters were fitted to, where they were."""
    whole = json.loads(manifest(study if study is not None else replace(draft.study, simulation={}), settings, files))
    whole |= {"made_by": PLAN_MAKER, "title": document.title, "synthetic": document.synthetic}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


# --- what goes with it --------------------------------------------------------------------------------------------


def _tables(exercise: Exercise) -> dict[str, str]:
    """plan.toml, who rates what, and templates of the tables that a study needs."""
    design, inputs = exercise.design, exercise.inputs
    assigned = assignment_table(design, inputs.seed)
    # Officers read the titles, so these do not tell the risk band.
    cases = [(case.id, case.risk_band, f"Vignette {number}", case.attributes.get("link", "")) for number, case in enumerate(design.cases, 1)]
    raters = [(rater.id, rater.attributes["agency"], rater.attributes["site"], "") for rater in design.raters]
    factors = rated(load_instrument(design.instrument))
    golds = [(case.id, factor.id, PRIORITY.categories[gold]) for case in design.cases for factor, gold in zip(factors, case.gold, strict=True)]
    return {
        "plan.toml": inputs.to_toml(exercise.parameters),
        "assignments.csv": _csv(("rater", "occasion", "order", "case"), zip(*(assigned[k] for k in ("officer", "occasion", "order", "case")), strict=True)),
        "cases.csv": _csv(("case", "risk_band", "title", "link"), cases),
        "raters.csv": _csv(("rater", "agency", "site", "experience_years"), raters),
        "intended_gold.csv": _csv(("case", "factor", "rating"), golds),
    }


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([head, *rows])
    return out.getvalue()


# --- another plan -------------------------------------------------------------------------------------------------


def _other(folder: Path) -> tuple[Inputs, Result, str]:
    """Inputs, precision and title of another plan."""
    by = ("statistic", "group", "inference")
    try:
        title = str(json.loads((folder / "manifest.json").read_text("utf-8"))["title"])
        records = csv.DictReader(io.StringIO((folder / "tables" / "precision.csv").read_text("utf-8")))
        rows = tuple(Row({name: record[name] for name in by}, record["coefficient"], _estimate(record)) for record in records)
    except (OSError, ValueError, KeyError, TypeError):
        raise ArgumentError(f"{folder} holds no plan to compare with. Give a folder that `arms-irr plan` wrote.") from None
    return read_inputs(folder / "plan.toml"), Result("What the other plan would show", by, rows, synthetic=True), title


def _estimate(record: Mapping[str, str]) -> Estimate:
    value, se = (float(record[name] or "nan") for name in ("estimate", "se"))
    flags = tuple(flag for flag in record["flags"].split(";") if flag)
    return Estimate(value, se=se, target=record["target"], method=record["method"], flags=flags)
