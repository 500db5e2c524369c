"""The sample size of a plan: what the exercise would show, in the words of GRRAS item 6, with precision, power, goals, assurance."""

from __future__ import annotations

from arms_irr.planning.headlines import CONFIRMATORY, CONTRASTS
from arms_irr.planning.precision import SCENARIOS
from arms_irr.reporting.document import Block, Bullets, Column, Paragraph, Ref, Section, Table, Text
from arms_irr.reporting.sections.plan_words import (
    BANDS_CONTRAST,
    CONTRAST_KEYS,
    TARGETS,
    PlanDraft,
    error,
    half,
    value,
)
from arms_irr.reporting.wording import NA, number, signed
from arms_irr.statistics.estimate import Estimate

__all__ = ["goal_rows", "power_list", "size_section"]

_DASH = "–"


def size_section(plan: PlanDraft) -> Section:
    """The explanation of the sample size, then its tables."""
    say = plan.draft.say
    why = Section("size-grras", say.word("plan.grras_title"), tuple(Paragraph(text) for text in _grras(plan)))
    return Section("size", say.word("plan.size_title"), (why, _precision(plan), *_power(plan), *_goals(plan)))


# --- GRRAS, item 6 ----------------------------------------------------------------------------------------------


def _grras(plan: PlanDraft) -> list[Text]:
    say, inputs = plan.draft.say, plan.exercise.inputs
    factors = plan.count("factors", len(plan.exercise.design.cases[0].gold), "factor")
    replicates = (say("plan.grras_twice", again=plan.count("re_rated", inputs.re_rated, "vignette")) if inputs.re_rated else say("plan.grras_once"))
    exact, ac2 = ({t: plan.planned("half_width", statistic, target=t) for t in TARGETS} for statistic in ("exact", "gwet"))
    mean = plan.planned("mean", "exact")
    said = [
        say("plan.grras_numbers", officers=plan.count("officers", inputs.n_officers, "officer"),
            cases=plan.count("vignettes", inputs.n_cases, "vignette"), factors=factors, replicates=replicates),
        say("plan.grras_target"),
        say("plan.grras_basis", sets=say("plan.sets", n=say.part(mean, "replications"))),
        say("plan.grras_precision", value=say.share(mean), raters=plan.half(exact["raters"], "exact"), both=plan.half(exact["both"], "exact"),
            ac2=say.coefficient(plan.planned("mean", "gwet")), ac2_raters=plan.half(ac2["raters"], "gwet"), ac2_both=plan.half(ac2["both"], "gwet"),
            ref=Ref("table-precision")),
        say("plan.grras_coverage", exact=say.share(plan.planned("coverage", "exact"), 1), ac2=say.share(plan.planned("coverage", "gwet"), 1),
            level=_level(plan)),
    ]
    found = power_list(plan, "plan.grras_power_one", "power_holm")
    alpha = plan.bare("alpha", 1 - inputs.confidence_level, 2)
    said.append(say("plan.grras_power", found=found, alpha=alpha, ref=Ref("table-power")))
    return [*said, _assurance(plan)]


def _level(plan: PlanDraft) -> Text:
    level = plan.exercise.inputs.confidence_level
    return plan.draft.say.share(plan.number("confidence_level", level))


def power_list(plan: PlanDraft, key: str, name: str = "power", of: str = "precision", **more: str) -> Text:
    """The power of each of the differences asked beforehand: "59 % for risk less protective factors"."""
    say = plan.draft.say
    items = []
    for statistic, group in CONFIRMATORY:
        e = plan.planned(name, statistic, group, of=of)
        said = {what: plan.points(mean, mean.value, sign=True) for what in more for mean in [plan.planned("mean", statistic, group)]}
        if e.estimable:
            items.append(say(key, power=say.share(e), what=say.name(f"plan.what_{CONTRAST_KEYS[statistic, group]}"), **said))
    return say.listed(items) if items else (NA,)


def _assurance(plan: PlanDraft) -> Text:
    say, mean = plan.draft.say, plan.planned("half_width", "exact", of="assurance")
    if not mean.estimable:
        return say("plan.grras_no_assurance" if plan.exercise.source != "study" else "plan.stopped_assurance")
    return say("plan.grras_assurance", mean=plan.half(mean, "exact"), low=plan.points(mean, mean.ci_low), high=plan.points(mean, mean.ci_high),
               level=_level(plan), draws=say("plan.draws", n=say.part(mean, "draws")), found=power_list(plan, "plan.grras_power_one", "power_holm", "assurance"))


# --- precision --------------------------------------------------------------------------------------------------


def _precision(plan: PlanDraft) -> Table:
    say = plan.draft.say
    shown = [*(("exact", group) for group in ("all", "lower", "higher")), *CONFIRMATORY, *(("gwet", group) for group in ("all", "lower", "higher")),
             (plan.kappa, "all"), ("missed_high", "all"), ("unable_to_rate", "all")]
    rows, groups = [], []
    for statistic, group in shown:
        e = {name: plan.planned(name, statistic, group) for name in ("mean", "half_width", "coverage")}
        both = plan.planned("half_width", statistic, group, "both")
        if not e["mean"].estimable:
            continue
        rows.append((plan.group(statistic, group), value(e["mean"], statistic), half(e["half_width"], statistic), error(e["half_width"], statistic),
                     half(both, statistic), error(both, statistic), number(100 * e["coverage"].value, 1)))
        head = plan.name("difference" if statistic == "interaction" else statistic)
        if groups and groups[-1][0] == head:
            groups[-1] = (head, groups[-1][1] + 1)
        else:
            groups.append((head, 1))
    keys = ("over", "expected", "half_raters", "monte_carlo", "half_both", "monte_carlo")
    columns = (*(Column(say.word(f"plan.{key}")) for key in keys), Column(say.word("plan.coverage"), say.word("plan.percent")))
    z = plan.bare("standard_deviations", _z(plan.planned("half_width", "exact", target="both")), 2)
    return Table("table-precision", say("plan.precision_table"), columns, tuple(rows), (say("plan.precision_note", z=z),), tuple(groups))


def _z(e: Estimate) -> float:
    """Standard deviations in the half-width over officers and cases, as its method says."""
    return float(e.method.split()[0]) if e.estimable else float("nan")


# --- power ------------------------------------------------------------------------------------------------------


def _power(plan: PlanDraft) -> list[Block]:
    say = plan.draft.say
    rows = []
    for key in (*CONTRASTS, *SCENARIOS):
        cells = [plan.planned(name, *key, target=target) for target in TARGETS for name in ("power", "power_holm")]
        if not any(e.estimable for e in cells):
            continue
        mean = plan.planned("mean", *key)
        words = plan.group(*key) if key in CONTRASTS else say.word(f"plan.contrast_{'agencies' if key == SCENARIOS[0] else 'training'}").format(
            factor=f"{plan.exercise.parameters.training.noise:g}")
        worst = max(e.se for e in cells if e.estimable)
        rows.append((words, signed(100 * mean.value, 1) if mean.estimable else _DASH,
                     *(number(100 * e.value, 0) if e.estimable else _DASH for e in cells), number(100 * worst, 1)))
    keys = ("contrast", "expected", "alone_raters", "holm_raters", "alone_both", "holm_both", "monte_carlo")
    table = Table("table-power", say("plan.power_table"), tuple(Column(say.word(f"plan.{key}")) for key in keys), tuple(rows), (say("plan.power_note"),))
    goal = plan.exercise.inputs.power
    reached = sum(plan.planned("power_holm", *key).value >= goal for key in CONFIRMATORY)
    words = say("plan.power_goal", goal=say.share(plan.number("power_wanted", goal)), reached=plan.bare("power_reached", reached))
    return [table, Paragraph(words)]


# --- goals ------------------------------------------------------------------------------------------------------


def goal_rows(plan: PlanDraft) -> list[tuple[str, float, dict[str, Estimate]]]:
    """Statistic, goal and expected half-width for each target of every goal that the design has a number for."""
    found = []
    for statistic, goal in plan.exercise.inputs.goals.items():
        group = BANDS_CONTRAST[1] if statistic == "difference" else "all"
        each = {target: plan.planned("half_width", statistic, group, target) for target in TARGETS}
        if each["raters"].estimable:
            found.append((statistic, goal, each))
    return found


def _goals(plan: PlanDraft) -> list[Block]:
    say, rows, nearest = plan.draft.say, [], []
    for statistic, goal, each in goal_rows(plan):
        met = [say.word("plan.yes" if each[target].value <= goal else "plan.no") if each[target].estimable else _DASH for target in TARGETS]
        group = BANDS_CONTRAST[1] if statistic == "difference" else "all"
        sure = plan.planned("assurance", statistic, group, of="assurance")
        wanted = plan.number(f"goal_{statistic}", goal)
        rows.append((plan.name(statistic), half(wanted, statistic), half(each["raters"], statistic), met[0], half(each["both"], statistic), met[1],
                     number(100 * sure.value, 0) if sure.estimable else _DASH))
        nearest += _nearest(plan, statistic, group, goal)
    if not rows:
        return []
    keys = ("statistic", "goal", "half_raters", "reached", "half_both", "reached")
    columns = (*(Column(say.word(f"plan.{key}")) for key in keys), Column(say.word("plan.chance"), say.word("plan.percent")))
    table = Table("table-goals", say("plan.goals_table"), columns, tuple(rows), (say("plan.goals_note"),))
    return [table, *([Bullets(tuple(nearest))] if nearest else [])]


def _nearest(plan: PlanDraft, statistic: str, group: str, goal: float) -> list[Text]:
    """The smallest sizes of the trade-off that reach a goal over officers and vignettes: of each number of officers the fewest vignettes."""
    say = plan.draft.say
    found = plan.results.get("trade_off")
    if found is None:
        return []
    fewest: dict[str, int] = {}
    for row in found.where("half_width", statistic=statistic, group=group, inference="both"):
        if row.estimate.estimable and row.estimate.value <= goal:
            fewest[row["officers"]] = min(int(row["cases"]), fewest.get(row["officers"], 10**9))
    if not fewest:
        return [say("plan.nearest_none", what=plan.named(statistic))]
    smallest = sorted(fewest.items(), key=lambda item: int(item[0]))
    kept = [(int(n), cases) for k, (n, cases) in enumerate(smallest) if all(cases < other for _, other in smallest[:k])]
    ones = [say("plan.nearest_one", officers=plan.count(f"{statistic}_officers_{k}", n, "officer"),
                cases=plan.count(f"{statistic}_vignettes_{k}", cases, "vignette")) for k, (n, cases) in enumerate(kept)]
    return [say("plan.nearest_design", what=plan.named(statistic), design=say.series(ones))]
