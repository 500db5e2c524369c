"""The design of a plan: who rates which vignettes, which gold standards these need, and the files that go with it."""

from __future__ import annotations

from arms_irr.planning.parameters import BANDS
from arms_irr.reporting.document import Block, Cited, Column, Definitions, Paragraph, Section, Table, Text
from arms_irr.reporting.sections.plan_words import PlanDraft
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import number

__all__ = ["FILES", "design_section", "size_sentence"]

FILES = {"assignments.csv": "assignments", "cases.csv": "cases", "raters.csv": "raters", "intended_gold.csv": "gold", "plan.toml": "plan"}
_GOLDS = {"Low": "L", "Medium": "M", "High": "H"}


def design_section(plan: PlanDraft) -> Section:
    """The design in words, the gold profile, the files."""
    say = plan.draft.say
    files = tuple((name, say(f"plan.file_{key}")) for name, key in FILES.items())
    parts = (
        Section("design-golds", say.word("plan.gold_title"), _golds(plan)),
        Section("design-files", say.word("plan.files_title"), (Definitions(files), Paragraph(say("plan.file_form", instrument=Label(plan.exercise.design.instrument))))),
    )
    return Section("design", say.word("plan.design_title"), (*_words(plan), *parts))


def size_sentence(plan: PlanDraft) -> Text:
    """The plan in one sentence."""
    say, inputs, design = plan.draft.say, plan.exercise.inputs, plan.exercise.design
    sizes = {"officers": plan.count("officers", inputs.n_officers, "officer"), "cases": plan.count("vignettes", inputs.n_cases, "vignette"),
             "ratings": plan.count("ratings_asked", _ratings(plan), "rating")}
    if design.rated().all():
        return say("plan.size_all", **sizes)
    least, most = _replications(plan)
    return say("plan.size_each", **sizes, each=plan.bare("per_officer", inputs.per_officer), least=say.plain(least, 0), most=say.plain(most, 0))


def _ratings(plan: PlanDraft) -> int:
    design = plan.exercise.design
    cells = sum(map(len, design.assignment)) + sum(len(mine) for later in design.later for mine in later.assignment)
    return cells * len(design.cases[0].gold)


def _replications(plan: PlanDraft):
    """The vignette with the fewest officers and the one with the most."""
    found = [row.estimate for row in plan.results["blocks"].where("replications", agency="")]
    return min(found, key=lambda e: e.value), max(found, key=lambda e: e.value)


def _words(plan: PlanDraft) -> list[Block]:
    say, inputs, blocks = plan.draft.say, plan.exercise.inputs, plan.results["blocks"]
    agencies = []
    for agency, sites in inputs.officers.items():
        told = {"n": plan.bare(f"officers_{agency}", sum(sites.values())), "agency": Label(agency)}
        many = {"sites": plan.bare(f"sites_{agency}", len(sites))} if len(sites) > 1 else {}
        agencies.append(say("plan.design_agency" if many else "plan.design_agency_one", **told, **many))
    first = say("plan.design_words", officers=plan.count("officers", inputs.n_officers, "officer"), agencies=say.listed(agencies),
                cases=plan.count("vignettes", inputs.n_cases, "vignette"),
                **{band: plan.bare(f"vignettes_{band}", inputs.cases.get(band, 0)) for band in BANDS})
    found: list[Block] = [Paragraph(first)]
    if plan.exercise.design.rated().all():
        found.append(Paragraph(say("plan.design_complete")))
    else:
        free = [row.estimate for row in blocks.where("replications", agency="") if row.estimate.value < inputs.n_officers]
        pairs = blocks.get("concurrence", pairs="all")
        found.append(Paragraph(say(
            "plan.design_blocks", each=plan.count("per_officer", inputs.per_officer, "vignette"), links=plan.bare("links", inputs.links),
            others=_span(plan, say.plain(min(free, key=lambda e: e.value), 0), say.plain(max(free, key=lambda e: e.value), 0)),
            pairs=_span(plan, say.part(pairs, "least"), say.part(pairs, "most")))))
        found.append(Paragraph(say("plan.design_linked", efficiency=say.coefficient(blocks.get("efficiency_factor")))))
    if inputs.re_rated:
        found.append(Paragraph(say("plan.design_again", again=plan.bare("re_rated", inputs.re_rated))))
    return [*found, Paragraph(say("plan.design_independent"))]


def _span(plan: PlanDraft, least: Cited, most: Cited) -> Text:
    """ "16 officers", "4 to 7 officers"."""
    return plan.draft.say("plan.span_one", least=least) if least.text == most.text else plan.draft.say("plan.span", least=least, most=most)


def _golds(plan: PlanDraft) -> tuple[Block, ...]:
    """How many vignettes of each band carry each gold, by factor."""
    say, profiles = plan.draft.say, plan.results["gold_profiles"]
    rows = []
    for factor in dict.fromkeys(row["factor"] for row in profiles):
        mine = {(row["risk_band"], row["gold"]): row.estimate for row in profiles.where(factor=factor)}
        cells = [number(mine[band, gold].value, 0) for band in BANDS for gold in _GOLDS]
        rows.append((plan.draft.names.factor(factor), *cells, *(number(mine[BANDS[0], gold].parts["all"], 0) for gold in _GOLDS)))
    heads = [Column(say.word(f"plan.gold_{which}").format(gold=letter)) for which in (*BANDS, "all") for letter in _GOLDS.values()]
    table = Table("table-golds", say("plan.gold_table", cases=plan.count("vignettes", plan.exercise.inputs.n_cases, "vignette")),
                  (Column(say.word("plan.gold_factor")), *heads), tuple(rows),
                  (say("plan.gold_note"), *((Label(note),) for note in profiles.notes)))
    words = [Paragraph(say("plan.gold_words"))]
    if plan.exercise.inputs.golds == "pilot":
        words.append(Paragraph(say("plan.gold_pilot")))
    return (*words, table)
