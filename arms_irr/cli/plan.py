"""``arms-irr plan``: the next exercise, how many officers and vignettes it needs and what it would show."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arms_irr.cli.ask import Csv, Json, names, read
from arms_irr.cli.evaluate import Formats, Language, Template
from arms_irr.cli.show import Table, answer, one_format, sentences, working
from arms_irr.errors import ArgumentError

if TYPE_CHECKING:
    from arms_irr.analysis.result import Result
    from arms_irr.planning.inputs import Inputs

__all__ = ["plan"]

DESIGN_CHOICES = "Parameters are design choices, not estimates. Fit them to a study with: arms-irr plan STUDY"
SIMULATED = "Every number of a plan comes from simulated ratings."
StudyOrNone = Annotated[
    Path | None,
    typer.Argument(metavar="[STUDY]", help="Study that the parameters are fitted to; without it they are design choices.", show_default=False),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to write; 'plan' by default.", show_default=False)]
Officers = Annotated[
    str | None, typer.Option(metavar="NUMBER", help="Officers in all, or by agency: police=20,probation=20.  [default: 40]", show_default=False)
]
Cases = Annotated[
    str | None, typer.Option(metavar="NUMBER", help="New vignettes in all, or by band: lower=6,higher=6.  [default: 12]", show_default=False)
]
PerOfficer = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Vignettes for each officer; all of up to 6, otherwise 6, by default.", show_default=False)
]
Links = Annotated[int | None, typer.Option(metavar="NUMBER", help="Vignettes that everybody rates.  [default: 2]", show_default=False)]
ReRated = Annotated[
    int | None, typer.Option("--re-rated", metavar="NUMBER", help="Vignettes that each officer rates twice.  [default: 0]", show_default=False)
]
Sites = Annotated[int | None, typer.Option(metavar="NUMBER", help="Sites of each agency.  [default: 3]", show_default=False)]
Golds = Annotated[
    str | None,
    typer.Option(metavar="profile|pilot", help="Golds of simulated vignettes: those planned, or drawn from the pilot's mix.  [default: profile]",
                 show_default=False),
]
Goal = Annotated[
    list[str] | None,
    typer.Option("--goal", metavar="NAME=VALUE", help="Half-width that would do, for example exact=0.05,gwet=0.06.", show_default=False),
]
Power = Annotated[float | None, typer.Option(metavar="SHARE", help="Power that would do.  [default: 0.8]", show_default=False)]
Replications = Annotated[int | None, typer.Option(metavar="NUMBER", help="Simulated sets of vignettes.  [default: 250]", show_default=False)]
Draws = Annotated[int | None, typer.Option(metavar="NUMBER", help="Draws of the fitted parameters.  [default: 20]", show_default=False)]
Seed = Annotated[int | None, typer.Option(metavar="NUMBER", help="Seed of the random numbers.  [default: 1]", show_default=False)]
Confidence = Annotated[
    float | None, typer.Option("--confidence", metavar="LEVEL", help="Confidence level of the intervals.  [default: 0.95]", show_default=False)
]
Jobs = Annotated[int | None, typer.Option(min=1, metavar="NUMBER", help="Processes at work; one for each core by default.", show_default=False)]
Compare = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Another plan, to be shown beside this one.", show_default=False)
]
InputsFile = Annotated[
    Path | None, typer.Option("--inputs", metavar="FILE", help="A plan.toml in place of the options of the design.", show_default=False)
]
AsTable = Annotated[
    bool, typer.Option("--table", help="Show how 20, 40, 80 officers and 2, 6, 12, 20 vignettes would do, and write nothing.", show_default=False)
]


def plan(
    study: StudyOrNone = None, out: Out = None, officers: Officers = None, cases: Cases = None, per_officer: PerOfficer = None, links: Links = None,
    re_rated: ReRated = None, sites: Sites = None, golds: Golds = None, goal: Goal = None, power: Power = None, replications: Replications = None,
    draws: Draws = None, seed: Seed = None, confidence: Confidence = None, jobs: Jobs = None, inputs: InputsFile = None, compare: Compare = None,
    formats: Formats = None, lang: Language = "en", template: Template = None, table: AsTable = False, as_json: Json = False, as_csv: Csv = False,
) -> None:
    """Plan the next exercise by simulation.

    Writes a protocol section with the sample size and its reasons, who rates which vignette,
    and plan.toml with the inputs. Ctrl-C stops early and keeps what was computed.
    """
    one_format(as_json, as_csv)
    if (as_json or as_csv) and not table:
        raise ArgumentError("--json and --csv belong to --table; a plan holds its numbers in tables/ and report.json.")
    if table and (out is not None or compare is not None):
        raise ArgumentError("--table writes nothing, and -o and --compare belong to a plan. Give one of them.")
    asked = _inputs(
        inputs, officers=_amounts(officers, "--officers"), cases=_amounts(cases, "--cases"), goals=_goals(goal), per_officer=per_officer, links=links,
        re_rated=re_rated, sites=sites, golds=golds, power=power, replications=replications, draws=draws, seed=seed, confidence_level=confidence)
    fitted_to = None if study is None else read(study)
    at_work = jobs or os.cpu_count() or 1
    if table:
        return _show(asked, fitted_to, at_work, as_json=as_json, as_csv=as_csv)
    chosen = {} if formats is None else {"formats": names(formats)}
    far = ("", 0, 0)
    with working("loading") as step, stopping(at_work) as stop:
        from arms_irr.planning.exercise import instrument_of
        from arms_irr.reporting.plan import plan as write_plan

        def tell(words: str, done: int, total: int) -> None:
            nonlocal far
            far = (words, done, total) if total else far
            step(words, done, total or None)

        folder = write_plan(fitted_to, out or Path("plan"), inputs=asked, compare=compare, language=lang, template=template, n_jobs=at_work,
                            stop=stop, tell=tell, **chosen)
        stopped = stop()
    written = sorted(path.name for path in folder.glob("report.*") if path.suffix != ".json")
    sentences(
        *([f"Stopped as you asked, after {far[1]} of {far[2]} of: {far[0]}. The plan holds what was computed until then."] if stopped else []),
        f"The plan is in {folder}: {', '.join(written)}, with assignments.csv, cases.csv, raters.csv, intended_gold.csv and plan.toml.",
        SIMULATED, *([DESIGN_CHOICES] if fitted_to is None and asked.parameters is None else []),
        f"Next: write the vignettes to the golds in {folder / 'intended_gold.csv'}, put their titles into cases.csv, then arms-irr form {instrument_of(fitted_to)} "
        f"--cases {folder / 'cases.csv'} --raters {folder / 'raters.csv'} --assignment {folder / 'assignments.csv'} -o forms",
    )


def _inputs(file: Path | None, **given: Any) -> Inputs:
    """From a plan.toml, or from the options."""
    from arms_irr.planning.inputs import inputs_from, read_inputs

    options = {name: value for name, value in given.items() if value is not None}
    if file is None:
        return inputs_from(**options)
    if options:
        flags = ", ".join(f"--{'confidence' if name == 'confidence_level' else name.removesuffix('s') if name == 'goals' else name}".replace("_", "-")
                          for name in options)
        raise ArgumentError(f"--inputs holds the whole design, and {flags} would change it. Change the file, or leave --inputs out.")
    if not file.is_file():
        raise ArgumentError(f"there is no '{file}'. Give a plan.toml, as `arms-irr plan` writes it.")
    return read_inputs(file)


def _amounts(text: str | None, option: str) -> Any:
    """ "40" as 40, "police=20,probation=20" as a mapping."""
    if text is None:
        return None
    if "=" not in text:
        return _whole(text, option)
    return {name: int(_whole(value, option)) for name, value in _pairs([text], option)}


def _whole(text: str, option: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ArgumentError(f"{option} is {text!r}. Give a whole number, or numbers by name such as "
                            f"{'police=20,probation=20' if option == '--officers' else 'lower=6,higher=6'}.") from None


def _pairs(texts: list[str], option: str) -> list[tuple[str, str]]:
    found = [part.partition("=") for part in names(texts)]
    if wrong := [name for name, equals, value in found if not (equals and name.strip() and value.strip())]:
        raise ArgumentError(f"{option} has {wrong[0]!r} without a value. Write NAME=VALUE, separated by commas.")
    if twice := [name for name, _, _ in found if [other for other, _, _ in found].count(name) > 1]:
        raise ArgumentError(f"{option} has {twice[0]!r} twice. Give it once.")
    return [(name.strip(), value.strip()) for name, _, value in found]


def _goals(texts: list[str] | None) -> dict[str, float] | None:
    if texts is None:
        return None
    found = {}
    for name, value in _pairs(texts, "--goal"):
        try:
            found[name] = float(value)
        except ValueError:
            raise ArgumentError(f"--goal {name} is {value!r}. Give a number, for example {name}=0.05.") from None
    return found


# --- Ctrl-C --------------------------------------------------------------------------------------------------------


@contextmanager
def stopping(jobs: int) -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed; pressed again it interrupts. Processes at work do not hear it, they are told when to stop."""
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is started now inherits that
    try:
        if jobs > 1:
            from joblib import Parallel, delayed

            Parallel(n_jobs=jobs)(delayed(abs)(k) for k in range(jobs))
        signal.signal(signal.SIGINT, ask)
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


# --- the table -----------------------------------------------------------------------------------------------------


def _show(inputs: Inputs, study: Any, jobs: int, *, as_json: bool, as_csv: bool) -> None:
    from arms_irr.planning.exercise import trade_off_table

    with working("simulating") as step, stopping(jobs) as stop:
        found = trade_off_table(inputs, study, n_jobs=jobs, stop=stop, tell=lambda stage, done, total: step("simulating", done, total or None))
    about = (DESIGN_CHOICES,) if study is None and inputs.parameters is None else ()
    answer(found, lambda result: _laid(result, about), as_json=as_json, as_csv=as_csv)


def _laid(found: Result, about: tuple[str, ...]) -> Table:
    """Standard deviations by numbers of vignettes and officers, Monte Carlo standard errors in brackets."""
    from arms_irr.reporting.sections.plan_buys import SPREAD, spread_cell
    from arms_irr.reporting.voice import voice

    say = voice()
    sizes = dict.fromkeys((row["cases"], row["officers"]) for row in found)
    head = ("vignettes", "officers", *(f"{say.word(f'plan.{key}')}: {say.word(f'plan.target_{target}')}" for key, _, _, target in SPREAD))
    rows = [(*size, *(spread_cell(found, *size, *column[1:]) for column in SPREAD)) for size in sizes]
    below = ("Standard deviations over simulated exercises on the scale from 0 to 1, Monte Carlo standard errors in brackets. "
             "'officers and vignettes': other officers and other vignettes; 'officers': other officers on the same vignettes.",)
    return Table(head, rows, 1, 1, (*below, *found.notes, *about))
