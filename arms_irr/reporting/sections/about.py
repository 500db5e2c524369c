"""Sections about the study itself: what was rated, how complete it is, what its design carries."""

from __future__ import annotations

from collections import Counter

import numpy as np

from arms_irr import plots
from arms_irr.analysis.distributions import cells_map, completeness
from arms_irr.reporting.document import Block, Bullets, Column, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.questions import COMPLETENESS, DESIGN, Question
from arms_irr.reporting.sections.missed import MOST_OFFICERS
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import number

__all__ = ["design_section", "quality_section", "study_section"]

FEW_GIVEN = 0.8  # share of the priorities asked for, below which an officer is named among those who gave few
COMPLETENESS_BY_OFFICER = Question("completeness_by_officer", lambda s, o: completeness(s, ["rater"]))
_COUNTED = {"risk": "risk_factor", "protective": "protective_factor", "item": "item", "static": "static_item"}


def study_section(draft: Draft) -> Section:
    """Study, instrument and gold standard."""
    study, names, say = draft.study, draft.names, draft.say
    blocks: list[Block] = []
    if study.description:
        blocks.append(Paragraph((Label(study.description),)))
    blocks.append(Paragraph(_instrument_words(draft)))
    if study.instrument.provisional:
        rows = tuple((f.label, names.kind(f.kind), f.provenance) for f in study.instrument.provisional)
        columns = (Column(say.word("about.factor")), *(Column(say.word(f"about.{key}"), align="left") for key in ("kind", "known")))
        blocks.append(Table("table-provisional-names", say("about.provisional"), columns, rows))
    blocks += [_cases_table(draft), Paragraph(_gold_words(draft))]
    return Section("study", say.word("about.study_title"), tuple(blocks))


def _instrument_words(draft: Draft) -> Text:
    instrument, say = draft.study.instrument, draft.say
    rated = [instrument.factors[i] for i in draft.study.factors_rated]
    kinds = {f.kind for f in rated}
    counts: list[Text] = [
        (say.count(draft.fact(f"kind: {kind}"), noun),) for kind, noun in _COUNTED.items() if kind in kinds
    ]
    if "overall" in kinds:
        counts.append(say("about.overall"))
    scales = [
        say("about.scale", name=Label(name), categories=Label(", ".join(instrument.scales[name].accepted)))
        for name in dict.fromkeys(f.scale for f in rated)
    ]
    direction: Text = ()
    if instrument.direction:
        direction = (Label(f" {instrument.direction[0].upper()}{instrument.direction[1:].rstrip('.')}."),)
    first = say("about.instrument", title=Label(instrument.title), counts=say.listed(counts))
    return (*first, " ", *say("about.allowed", scales=say.listed(scales)), *direction)


def _cases_table(draft: Draft) -> Table:
    study, names, say = draft.study, draft.names, draft.say
    factors = [study.instrument.factors[i] for i in study.factors_rated]
    overall = next((f for f in factors if f.kind == "overall"), None)
    bands = study.case_attributes.get("risk_band", ("",) * len(study.cases))
    columns = [Column(say.word("about.case")), Column(say.word("about.band"), align="left"), Column(say.word("about.officers"))]
    if study.gold is not None:
        scale = study.instrument.scale_of(next((f.id for f in factors if f.kind != "overall"), factors[0].id))
        columns += [Column(say.word("about.gold_of").format(category=c), say.word("about.factors")) for c in scale.categories]
        if overall:
            columns.append(Column(say.word("about.gold_overall"), align="left"))
    pairs = np.unique(np.stack([study.ratings.case, study.ratings.rater]), axis=1)
    officers = np.bincount(pairs[0], minlength=len(study.cases))
    rows = []
    for c, case in enumerate(study.cases):
        row = [names.cases[case], bands[c] or say.word("about.not_given"), f"{officers[c]:,}"]
        if study.gold is not None:
            golds = [int(study.gold[c, i]) for i in study.factors_rated if study.instrument.factors[i].kind != "overall"]
            row += [str(golds.count(k)) for k in range(len(scale.categories))]
            if overall:
                position = study.instrument.factor_ids.index(overall.id)
                label = study.instrument.scale_of(overall.id).label(int(study.gold[c, position]))
                row.append(label or say.word("about.no_gold_overall"))
        rows.append(tuple(row))
    return Table("table-cases", say("about.cases"), tuple(columns), tuple(rows))


def _gold_words(draft: Draft) -> Text:
    if draft.study.gold is None:
        return draft.say("about.gold_none")
    if not draft.study.gold_panel:
        return draft.say("about.gold")
    return draft.say("about.gold_panel", members=draft.say.count(draft.fact("panel"), "member"))


def quality_section(draft: Draft) -> Section:
    """What was asked for, what was given, what the check found."""
    study, say = draft.study, draft.say
    asked, given, unable, blank = (draft.fact(of) for of in ("asked", "given", "unable", "blank"))
    said = say(
        "about.quality", asked=say.count(asked, "rating"), given=say.plain(given, 0), unable=say.plain(unable, 0),
        blank=say.plain(blank, 0), given_share=_share(draft, "given"), unable_share=_share(draft, "unable"),
    )
    blocks: list[Block] = [Paragraph(said), _completeness(draft), *_map(draft), *_incomplete(draft), *_officers(draft)]
    for key, told in (("warnings", study.warnings), ("notes", study.notes)):
        if told:
            blocks.append(Bullets(tuple((Label(str(one)),) for one in told), say(f"about.{key}")))
    return Section("data-quality", say.word("about.quality_title"), tuple(blocks))


def _share(draft: Draft, of: str) -> Text:
    return (draft.say.part(draft.fact(of), "share", scale=100), " %")


def _completeness(draft: Draft) -> Table:
    say, rows = draft.say, []
    for factor, own in draft.ask(COMPLETENESS).split("factor").items():
        cells = {row.coefficient: row.estimate for row in own}
        counts = (f"{e.parts['count']:,.0f}" for e in cells.values())
        rows.append((draft.names.factor(factor), f"{cells['given'].n_ratings:,}", *counts, number(100 * cells["unable_to_rate"].value, 1)))
    heads = ("factor", "asked_for", "priority", "unable", "blank")
    columns = (*(Column(say.word(f"about.{head}")) for head in heads), Column(say.word("about.unable"), say.word("about.of_asked")))
    caption = say("about.completeness", officers=say.count(draft.fact("officers"), "officer"))
    return Table("table-completeness", caption, columns, tuple(rows))


def _map(draft: Draft) -> list[Block]:
    """Who gave, could not give or left blank what; nothing where every officer gave every rating."""
    study, say = draft.study, draft.say
    cells = len(study.raters) * len(study.cases) * len(study.factors_rated)
    if draft.fact("given").value >= cells:
        return []
    given = sorted(draft.ask(COMPLETENESS).where("given"), key=lambda row: row.estimate.value)
    finding = say("about.missing", share=_share(draft, "given"))
    if given[0].estimate.value < given[-1].estimate.value:
        alt = say("about.missing_alt", finding=finding, factor=draft.names.factor(given[0]["factor"]), share=say.share(given[0].estimate),
                  other=draft.names.factor(given[-1]["factor"]), most=say.share(given[-1].estimate))
    else:
        alt = say("about.missing_alt_same", finding=finding)
    found = cells_map(study, most=MOST_OFFICERS)
    caption = say("about.missing_caption" if len(study.raters) <= MOST_OFFICERS else "about.missing_caption_many", base=draft.base)
    return [draft.figure("fig-missing", finding, caption, alt, plots.missing_map, found, instrument=study.instrument,
                         names=draft.names.cases)]


def _incomplete(draft: Draft) -> list[Block]:
    """Officers who gave few of the priorities asked of them, where there are any."""
    say, word = draft.say, draft.say.word
    found = draft.ask(COMPLETENESS_BY_OFFICER).split("rater")
    few = {officer: own for officer, own in found.items() if own.get("given").value < FEW_GIVEN}
    if not few:
        return []
    least = Label(number(100 * FEW_GIVEN, 0))
    officers = say.count(draft.fact("officers"), "officer")
    count = say.plain(draft.counted("officers_who_gave_few", len(few)), 0)
    blocks: list[Block] = [Paragraph(say("about.incomplete", few=count, officers=officers, least=least))]
    if len(found) > MOST_OFFICERS:
        return [*blocks, Paragraph(say("about.incomplete_elsewhere"))]
    rows = []
    for officer, own in few.items():
        counts = (f"{row.estimate.parts['count']:,.0f}" for row in own)
        given = own.get("given")
        rows.append((officer, f"{given.n_ratings:,}", *counts, number(100 * given.value, 1)))
    heads = ("officer", "asked_for", "priority", "unable", "blank")
    columns = (*(Column(word(f"about.{head}")) for head in heads), Column(word("about.priority"), word("about.of_asked")))
    caption = say("about.incomplete_table", least=least, officers=officers)
    return [*blocks, Table("table-incomplete", caption, columns, tuple(rows))]


def _officers(draft: Draft) -> list[Block]:
    """How the officers spread over each attribute that has few values; small groups are put together."""
    study, say, least = draft.study, draft.say, draft.options.min_cell
    rows: list[tuple[str, ...]] = []
    groups: list[tuple[str, int]] = []
    for name, values in study.rater_attributes.items():
        counts = Counter(value or say.word("about.not_recorded") for value in values)
        if 2 <= len(counts) <= 8:
            shown = {value: n for value, n in counts.items() if n >= least}
            if hidden := len(values) - sum(shown.values()):
                shown[say.word("about.small").format(least=least)] = hidden
            rows += [(value, f"{n:,}", number(100 * n / len(values), 1)) for value, n in shown.items()]
            groups.append((name.replace("_", " ").capitalize(), len(shown)))
    if not rows:
        return []
    columns = (Column(say.word("about.officers_by")), Column(say.word("about.officers")), Column(say.word("about.share"), say.word("about.percent")))
    caption = say("about.who", officers=say.count(draft.fact("officers"), "officer"))
    return [Table("table-officers", caption, columns, tuple(rows), groups=tuple(groups))]


# One statistic stands for its family: the rule is the same for all of them.
_FAMILIES = {"gold": "agreement with gold", "percent": "gwet", "kappa": "krippendorff"}
_VERDICTS = ("identified", "weak", "not identified")


def design_section(draft: Draft) -> Section:
    """The design in words; the verdict for every statistic is in the table beside the report."""
    say, found = draft.say, draft.ask(DESIGN)
    rows, groups = [], []
    for grouping, cells in found.split("grouping").items():
        for family, statistic in _FAMILIES.items():
            own = cells.where(statistic)
            verdicts = Counter(row["verdict"] for row in own)
            instead = next((row["instead"] for row in own if row["verdict"] == "not identified"), "")
            rows.append((say.word(f"about.family_{family}"), *(f"{verdicts.get(v, 0):,}" for v in _VERDICTS), instead or "–"))
        groups.append((say.word("about.cells_of").format(grouping=grouping.replace("_", " ")), len(_FAMILIES)))
    cells_head = say.word("about.cells")
    columns = (
        Column(say.word("about.statistics")),
        *(Column(say.word(f"about.{verdict.replace(' ', '_')}"), cells_head) for verdict in _VERDICTS),
        Column(say.word("about.instead"), align="left"),
    )
    table = Table("table-design", say("about.design"), columns, tuple(rows), (say("about.design_note"),), tuple(groups))
    told = tuple((Label(note),) for note in found.notes)
    return Section("design", say.word("about.design_title"), (Bullets(told), table))
