"""The frame of a plan: main points and limits, cross-checks by closed forms, parameters and assumptions, another plan beside it."""

from __future__ import annotations

from arms_irr.planning.inputs import Inputs
from arms_irr.planning.parameters import BANDS
from arms_irr.reporting.document import (
    Block,
    Bullets,
    Callout,
    Cited,
    Column,
    Paragraph,
    Section,
    Table,
    Text,
)
from arms_irr.reporting.sections.plan_buys import trade_finding
from arms_irr.reporting.sections.plan_design import size_sentence
from arms_irr.reporting.sections.plan_size import goal_rows, power_list
from arms_irr.reporting.sections.plan_words import TARGETS, PlanDraft, error, half
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import NA, interval, number

__all__ = ["closed_section", "comparison_section", "limits_section", "main_section", "parameters_section"]


# --- the first page ---------------------------------------------------------------------------------------------


def main_section(plan: PlanDraft) -> Section:
    """The plan in six points at most; that it was stopped stands first."""
    say, raters, both = plan.draft.say, *(plan.planned("half_width", "exact", target=target) for target in TARGETS)
    points: list[Text] = []
    if plan.exercise.stopped:
        done = plan.planned("mean", "exact")
        points.append(say("plan.main_stopped", done=say.part(done, "replications"), asked=plan.bare("replications", plan.exercise.inputs.replications)))
    points.append(size_sentence(plan))
    points.append(say("plan.main_exact", value=say.share(plan.planned("mean", "exact")), raters=plan.half(raters, "exact"), both=plan.half(both, "exact"),
                      se_raters=plan.error(raters, "exact"), se_both=plan.error(both, "exact")))
    points.append(say("plan.main_power", found=power_list(plan, "plan.main_power_one", value="mean")))
    if not plan.exercise.stopped:
        level = say.share(plan.number("confidence_level", plan.exercise.inputs.confidence_level))
        points.append(say("plan.main_coverage", coverage=say.share(plan.planned("coverage", "exact"), 1), level=level))
    if "trade_off" in plan.results:
        points.append(say("plan.main_trade", finding=trade_finding(plan)))
    if goals := _goals(plan):
        points.append(say("plan.main_goals", found=say.series(goals)))
    return Section("main-points", say.word("main.title"), (Callout("main", "", (Bullets(tuple(points)),)),))


def _goals(plan: PlanDraft) -> list[Text]:
    say, said = plan.draft.say, []
    for statistic, goal, each in goal_rows(plan):
        wanted = plan.number(f"goal_{statistic}", goal)
        about = {"what": plan.named(statistic), "goal": plan.half(wanted, statistic)}
        if each["raters"].value > goal:
            said.append(say("plan.main_goal_missed", **about))
        else:
            key = "main_goal_met_both" if each["both"].value <= goal else "main_goal_met_one"
            said.append(say("plan.main_goal_met", both=say(f"plan.{key}"), **about))
    return said


def limits_section(plan: PlanDraft) -> Section:
    """What a plan can say beside what it cannot."""
    say = plan.draft.say
    lists = [Bullets(tuple(say(f"plan.{key}") for key in keys), say(f"plan.{title}")) for keys, title in (
        (("can_precision", "can_trade"), "can_title"),
        ((f"cannot_params_{plan.exercise.source}", "cannot_real", "cannot_golds", "cannot_right"), "cannot_title"))]
    return Section("can-and-cannot", say.word("plan.limits_title"), (Callout("limits", "", tuple(lists)),))


# --- closed forms -------------------------------------------------------------------------------------------------


def closed_section(plan: PlanDraft) -> Section:
    """Each formula with what it says and its trap."""
    say, found = plan.draft.say, plan.results["closed_forms"]
    known = {row["formula"] for row in found}
    said: list[Text] = []
    if "gold_agreement" in known:
        alone, icc = found.get("half_width", formula="gold_agreement"), found.get("rater_icc", formula="gold_agreement")
        said.append(say("plan.closed_gold", alone=plan.half(alone, "exact"), half=plan.half(plan.planned("half_width", "exact"), "exact"),
                        icc=say.plain(icc, 3), effect=say.part(alone, "design_effect", 2)))
    gwet = found.get("half_width", formula="gwet")
    said.append(say("plan.closed_gwet", half=plan.half(gwet, "exact"), cells=plan.count("cells", gwet.n_subjects, "cell")))
    kappa = found.get("width", formula="intraclass_kappa")
    said.append(say("plan.closed_kappa_many", low=Cited(number(kappa.ci_low, 2), kappa), high=Cited(number(kappa.ci_high, 2), kappa),
                    raters=say.officers(kappa)))
    if "icc" in known:
        said.append(say("plan.closed_icc", width=say.coefficient(found.get("width", formula="icc"))))
    subjects = found.get("subjects", formula="kappa")
    said.append(say("plan.closed_kappa_one", subjects=say.count(subjects, "subject")))
    return Section("closed-forms", say.word("plan.closed_title"), (Paragraph(say("plan.closed_words")), Bullets(tuple(said))))


# --- parameters and assumptions -------------------------------------------------------------------------------------


def parameters_section(plan: PlanDraft, title: str) -> Section:
    """Where the parameters come from, what they are, and what is assumed beside them; ``title`` of the study they were fitted to."""
    say, exercise, parameters = plan.draft.say, plan.exercise, plan.exercise.parameters
    fitted = plan.results.get("parameters")
    blocks: list[Block] = []
    if fitted is not None:
        sizes = {"officers": plan.count("study_officers", fitted.rows[0].estimate.n_raters, "officer"),
                 "cases": plan.count("study_cases", plan.draft.counts["study_cases"].value, "case")}
        blocks.append(Paragraph(say("plan.parameters_study", title=Label(title), **sizes)))
        rows = tuple((_words(row["parameter"]), number(row.estimate.value, 3), interval(row.estimate, 1, 3)) for row in fitted)
        columns = (Column(say.word("plan.parameter")), Column(say.word("plan.value")), Column(plan.draft.interval_head))
        notes = tuple((Label(note),) for note in fitted.notes)
        blocks.append(Table("table-parameters", say("plan.parameters_table"), columns, rows, notes))
    else:
        blocks.append(Paragraph(say(f"plan.parameters_{exercise.source}")))
        columns = (Column(say.word("plan.parameter")), Column(say.word("plan.value")))
        rows = tuple((name, number(value, 3)) for name, value in _flat(parameters.to_dict()))
        blocks.append(Table("table-parameters", say("plan.parameters_stated_table"), columns, rows))
    assumed = (
        say("plan.limit_model"),
        say("plan.limit_cases", ambiguity=plan.bare("ambiguity_sd", parameters.ambiguity_sd, 2), difficulty=plan.bare("difficulty_sd", parameters.difficulty_sd, 2)),
        say("plan.limit_golds", golds=say(f"plan.limit_golds_{exercise.inputs.golds}")), say("plan.limit_gold_true"), say("plan.limit_dropout"),
        *([say("plan.limit_same")] if exercise.inputs.re_rated else []), say("plan.limit_tests"),
    )
    blocks.append(Bullets(assumed, say("plan.limits_list")))
    return Section("parameters", say.word("plan.parameters_title"), tuple(blocks))


_SHOWN = ("step", "noise", "shift", "halo", "severity_sd", "protective_severity_sd", "threshold", "threshold_sd", "ambiguity_sd", "difficulty_sd",
          "unable", "unable_sd", "reversal", "agency_shift", "agency_noise")


def _flat(table: dict, before: str = "") -> list[tuple[str, float]]:
    """The parameters that the numbers of a plan depend on, one value a line."""
    found: list[tuple[str, float]] = []
    for name, value in table.items():
        if before or name in _SHOWN:
            found += _flat(value, f"{before}{name}_") if isinstance(value, dict) else [(_words(f"{before}{name}"), value)]
    return found


def _words(name: str) -> str:
    """ "noise_lower_risk" as "Noise, lower risk"."""
    head, _, rest = name.replace("_sd", " (standard deviation)").partition("_")
    words = f"{head}, {rest}" if head in ("noise", "shift", "halo", "unable", "agency") and rest else f"{head} {rest}".strip()
    return words.replace("_", " ")[0].upper() + words.replace("_", " ")[1:]


# --- another plan -----------------------------------------------------------------------------------------------------


def comparison_section(plan: PlanDraft, other: Inputs, title: str) -> Section:
    """Two designs and their half-widths side by side; the other plan's numbers stand in the result ``other_precision``."""
    say, mine = plan.draft.say, plan.exercise.inputs
    own = [{"officers": str(one.n_officers), "cases": f"{one.cases.get(BANDS[0], 0)} and {one.cases.get(BANDS[1], 0)}",
            **{name: str(getattr(one, name)) for name in ("per_officer", "links", "re_rated", "golds", "replications", "seed")}} for one in (mine, other)]
    head = (Column(say.word("plan.compare_input")), Column(say.word("plan.compare_this"), align="left"), Column(say.word("plan.compare_other"), align="left"))
    inputs = Table("table-designs", say("plan.compare_inputs"), head, tuple((say.word(f"plan.compare_{key}"), own[0][key], own[1][key]) for key in own[0]))
    rows = []
    for statistic, group in (("exact", "all"), ("exact", "lower"), ("exact", "higher"), ("difference", "lower less higher"),
                             ("difference", "risk less protective"), ("gwet", "all"), ("missed_high", "all")):
        cells = []
        for target in TARGETS:
            for of in ("precision", "other_precision"):
                e = plan.planned("half_width", statistic, group, target, of)
                cells.append(f"{half(e, statistic)} ({error(e, statistic)})" if e.estimable else NA)
        rows.append((f"{plan.name(statistic)}: {_low(plan.group(statistic, group))}", *cells))
    columns = (Column(say.word("plan.statistic")), *(Column(say.word(f"plan.{side}_{target}")) for target in TARGETS for side in ("this", "other")))
    table = Table("table-plans", say("plan.compare_table"), columns, tuple(rows), (say("plan.compare_note"),))
    return Section("comparison", say.word("plan.compare_title"), (Paragraph(say("plan.compare_words", title=Label(title))), inputs, table))


def _low(text: str) -> str:
    return text[:1].lower() + text[1:]
