"""Everything that a plan computes about the planned exercise, in the order of its importance, so that a stop keeps the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from arms_irr.analysis.dependability import dependability
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, DataError, Problem
from arms_irr.instruments.load import load_instrument, shipped_instruments
from arms_irr.planning.assurance import assurance
from arms_irr.planning.blocks import block_quality
from arms_irr.planning.designs import Design, crossed
from arms_irr.planning.fit import Fitted, fit_parameters
from arms_irr.planning.inputs import GOLDS, Inputs
from arms_irr.planning.parameters import KINDS, Parameters
from arms_irr.planning.precision import NEW_CASES, one_more, precision, trade_off
from arms_irr.planning.simulate import as_study, simulate
from arms_irr.planning.vignettes import gold_profiles
from arms_irr.statistics.estimate import Estimate
from arms_irr.statistics.half_widths import (
    agreement_half_width,
    gold_agreement_half_width,
    icc_interval_width,
    intraclass_kappa_limits,
)
from arms_irr.statistics.power import n_for_kappa

if TYPE_CHECKING:
    from arms_irr.study.study import Study

__all__ = ["MORE_OFFICERS", "SIZES", "Exercise", "compute", "instrument_of", "sizes", "trade_off_table"]

Tell = Callable[[str, int, int], None]  # stage, how many are done, of how many
SIZES = ((20, 40, 80), (2, 6, 12, 20))  # officers and vignettes of the table
MORE_OFFICERS = 5
_MORE, _TRADE_OFF = 0.6, 0.4  # of the replications: for one more vignette, and for each number of vignettes of the trade-off
_DRAW_SETS = 20  # sets of cases for each draw of the parameters
_LARGE = (30, 40)  # officers and vignettes of the exercise whose variance components stand for the model's own


@dataclass(frozen=True)
class Exercise:
    """A planned exercise and what is known about it.

    Attributes
    ----------
    parameters : Parameters
        Fitted, stated or shipped: ``source`` says which.
    source : str
        ``study``, ``stated`` or ``shipped``.
    results : dict of str to Result
        By stage; a stage that was not reached is not there.
    stopped : bool
        Whether somebody stopped it before the end.
    """

    inputs: Inputs
    design: Design
    parameters: Parameters
    source: str
    results: dict[str, Result] = field(default_factory=dict)
    stopped: bool = False


def compute(
    inputs: Inputs, study: Study | None = None, *, n_jobs: int | None = None, stop: Callable[[], bool] = lambda: False,
    tell: Tell = lambda stage, done, total: None,
) -> Exercise:
    """Simulate the planned exercise and what lies beside it.

    Parameters
    ----------
    inputs : Inputs
    study : Study, optional
        What the parameters are fitted to; without it those of the inputs, or the shipped ones.
    n_jobs : int, optional
        As joblib's. The numbers do not depend on it.
    stop : callable
        Asked after every piece of a simulation; once it says True what was computed is kept and the rest left out. So it is
        on an interrupt from the keyboard.
    tell : callable
        Told how far it is.

    Returns
    -------
    Exercise
        ``results``: ``blocks``, ``gold_profiles``, ``parameters`` (of a fit), ``precision``, ``closed_forms``, ``one_more``, ``trade_off``,
        ``assurance`` (of a fit), ``dependability`` (of the model: one large simulated exercise).

    Raises
    ------
    ArgumentError
        For a design that cannot be.
    DataError
        For a study that cannot be fitted: too small, without a gold standard, with other scales.
    """
    tool = instrument_of(study)
    design = inputs.design(tool)
    _check_goals(inputs, design)
    results = {"blocks": block_quality(design), "gold_profiles": gold_profiles(inputs.cases, instrument=tool)}
    fitted: Fitted | None = None
    if study is not None:
        tell("fitting", 0, 0)
        fitted = _fitted(study, inputs)
        results["parameters"] = fitted.result(inputs.confidence_level)
    parameters = fitted.parameters if fitted else inputs.parameters or NEW_CASES
    source = "study" if fitted else "stated" if inputs.parameters else "shipped"
    common = {"seed": inputs.seed, "confidence_level": inputs.confidence_level, "n_jobs": n_jobs, "stop": stop}
    more, few = (max(2, round(share * inputs.replications)) for share in (_MORE, _TRADE_OFF))
    golds = inputs.drawn
    stages: list[tuple[str, Callable[[Callable[[int, int], None]], Result]]] = [
        ("precision", lambda told: precision(design, parameters, replications=inputs.replications, golds=golds, progress=told, **common)),
        ("one_more", lambda told: one_more(
            design, parameters, officers=MORE_OFFICERS, replications=more, golds=golds, progress=told, **common)),
        ("trade_off", lambda told: trade_off(
            *sizes(inputs), parameters, golds=GOLDS[inputs.golds], drawn=golds is not None, replications=few, progress=told, **common)),
    ]
    if fitted is not None:
        known = fitted
        stages.append(("assurance", lambda told: assurance(
            known, design, inputs.draws, replications=min(_DRAW_SETS, inputs.replications), golds=golds, goals=inputs.goals,
            progress=told, **common)))
    stopped = _run(stages, results, stop, tell)
    results["closed_forms"] = _closed_forms(inputs, design, results["precision"])
    if not stopped:
        tell("dependability", 0, 0)
        results["dependability"] = _dependability(inputs, parameters)
    return Exercise(inputs, design, parameters, source, results, stopped)


def instrument_of(study: Study | None) -> str:
    """The instrument to plan for: that of the study where it is a shipped one for which vignettes can be planned, otherwise ARMS."""
    name = study.instrument.name if study is not None else ""
    planned = name in shipped_instruments() and any(f.kind in KINDS for f in load_instrument(name).factors)
    return name if planned else "arms-12"


def _fitted(study: Study, inputs: Inputs) -> Fitted:
    try:
        return fit_parameters(study, seed=inputs.seed, base=NEW_CASES)
    except ArgumentError as error:  # the data do not carry it
        raise DataError([Problem("error", str(error), "Without a study the shipped parameters are used, or those of a plan.toml.")]) from None


def _check_goals(inputs: Inputs, design: Design) -> None:
    mine, other, who = ("conger", "fleiss", "every") if design.rated().all() else ("fleiss", "conger", "not every")
    if other in inputs.goals:
        raise ArgumentError(f"There is no goal for {other!r} here: {who} officer rates every vignette, and the kappa for that is {mine!r}. "
                            f"Give {mine}={inputs.goals[other]:g}.")


def _run(stages: Iterable[tuple[str, Callable[[Callable[[int, int], None]], Result]]], results: dict[str, Result], stop: Callable[[], bool],
         tell: Tell) -> bool:
    """The stages one after the other until somebody stops them; whether somebody did."""
    for stage, simulated in stages:
        far = [0, 1]

        def told(done: int, total: int, stage: str = stage, far: list[int] = far) -> None:
            far[:] = done, total
            tell(stage, done, total)

        tell(stage, 0, 0)
        try:
            results[stage] = simulated(told)
        except KeyboardInterrupt:
            if "precision" not in results:
                raise
            return True
        if far[0] < far[1] or stop():
            return True
    return False


def sizes(inputs: Inputs) -> tuple[list[int], list[int]]:
    """Officers and vignettes of the trade-off: half, as many and twice the officers; the table's vignettes and the planned."""
    n = inputs.n_officers
    return sorted({max(3, n // 2), n, 2 * n}), sorted({*SIZES[1], inputs.n_cases})


def trade_off_table(
    inputs: Inputs, study: Study | None = None, *, n_jobs: int | None = None, stop: Callable[[], bool] = lambda: False,
    tell: Tell = lambda stage, done, total: None,
) -> Result:
    """Standard deviations of the headline statistics over exercises, for the numbers of officers and vignettes of :data:`SIZES`."""
    parameters = _fitted(study, inputs).parameters if study is not None else inputs.parameters or NEW_CASES
    return trade_off(
        *SIZES, parameters, golds=GOLDS[inputs.golds], drawn=inputs.drawn is not None, replications=inputs.replications, seed=inputs.seed,
        confidence_level=inputs.confidence_level, n_jobs=n_jobs, stop=stop, progress=lambda done, total: tell("trade_off", done, total))


def _dependability(inputs: Inputs, parameters: Parameters) -> Result:
    """Officers per case that the model implies, from an exercise large enough to show it."""
    large = crossed(*_LARGE, golds=GOLDS[inputs.golds], seed=inputs.seed)
    known = {rater.attributes["agency"] for rater in large.raters}
    alike = replace(parameters, agency_shift={k: v for k, v in parameters.agency_shift.items() if k in known},
                    agency_noise={k: v for k, v in parameters.agency_noise.items() if k in known})
    study = as_study(simulate(large, alike, inputs.seed))
    found = dependability(study, confidence_level=inputs.confidence_level, seed=inputs.seed, most=200)
    rows = tuple(row for row in found if row.coefficient in ("phi", "officers_needed") and row["measured"] in ("mean", "overall"))
    note = (f"From one simulated exercise of {_LARGE[0]} officers and {_LARGE[1]} vignettes, half of each risk band, which stands for the "
            "parameters, not for the planned exercise.")
    return replace(found, rows=rows, notes=(note,))


# --- closed forms beside the simulation -----------------------------------------------------------------------


def _closed_forms(inputs: Inputs, design: Design, simulated: Result) -> Result:
    """What formulas say about the design, ``formula`` by formula; each holds under its own assumptions only.

    ``gold_agreement`` the half-width of agreement with the gold standard if an officer's hits were independent, ``rater_icc`` the
    correlation of one officer's hits that gives the simulated half-width, with ``design_effect``; ``gwet`` the half-width of two raters'
    agreement over all cells; ``intraclass_kappa`` and ``icc`` the width to be expected for one factor; ``kappa`` subjects that tell an
    officer's kappa of 0.6 from 0.4.
    """
    level = inputs.confidence_level
    exact, half = (simulated.get(name, statistic="exact", group="all", inference="raters") for name in ("mean", "half_width"))
    unable = simulated.get("mean", statistic="unable_to_rate", group="all", inference="raters")
    factors = sum(f.kind in KINDS for f in load_instrument(design.instrument).factors)
    cells, each = inputs.n_cases * factors, inputs.per_officer * factors * (1 - unable.value)
    per_case = max(2, int(np.median(design.rated().sum(0))))
    size = {"confidence_level": level, "n_raters": inputs.n_officers, "n_subjects": inputs.n_cases}
    rows: list[Row] = []

    def add(formula: str, name: str, value: float, **more: object) -> None:
        found = Estimate(float(value), method="closed form", **{**size, **more})  # type: ignore[arg-type]
        rows.append(Row({"formula": formula}, name, found))

    if 0 < exact.value < 1 and half.estimable and each >= 1:
        alone = float(gold_agreement_half_width(inputs.n_officers, each, exact.value, confidence_level=level))
        effect = (half.value / alone) ** 2
        add("gold_agreement", "half_width", alone, parts={"ratings": each, "design_effect": effect})
        add("gold_agreement", "rater_icc", (effect - 1) / (each - 1) if each > 1 else np.nan)
    add("gwet", "half_width", float(agreement_half_width(cells)), n_subjects=cells)
    low, high = intraclass_kappa_limits(inputs.n_cases, 0.6, (1 / 3, 1 / 3, 1 / 3), per_case, confidence_level=level)
    add("intraclass_kappa", "width", float(high - low), ci_low=float(low), ci_high=float(high), n_raters=per_case)
    with suppress(ArgumentError):  # too few vignettes for the formula
        add("icc", "width", float(icc_interval_width(inputs.n_cases, 0.6, per_case, confidence_level=level)), n_raters=per_case)
    add("kappa", "subjects", float(np.ceil(n_for_kappa(0.4, 0.6, 0.5))), n_raters=1)
    return Result("What closed forms say", ("formula",), tuple(rows), ("Each formula rests on assumptions that are named beside it.",), synthetic=True)
