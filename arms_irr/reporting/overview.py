"""The cohort overview: what a trainer looks at before the group comes in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arms_irr import plots
from arms_irr.analysis.diagnostics import diagnostics
from arms_irr.analysis.feedback import officers_by_factor
from arms_irr.analysis.raters import EVERYONE
from arms_irr.analysis.result import Row
from arms_irr.reporting.document import (
    Block,
    Bullets,
    Document,
    Paragraph,
    Section,
    Text,
    can_and_cannot,
    main_points,
    pieces,
)
from arms_irr.reporting.draft import Draft, nothing
from arms_irr.reporting.questions import Question
from arms_irr.reporting.sections.camps import CAMPS, camps_section
from arms_irr.reporting.sections.officers import FUNNEL, funnel_figure
from arms_irr.reporting.sections.reversal import REVERSAL, reversal_section
from arms_irr.reporting.sections.review import REVIEWED
from arms_irr.reporting.sections.ruler import ruler_section
from arms_irr.reporting.sheet import MEASURES
from arms_irr.reporting.voice import Label

__all__ = ["BESIDE_THE_GROUP", "overview"]

MOST_TOPICS = 3  # of each sort on the agenda: an hour has room for no more

HEAT = Question("officers_by_factor", lambda s, o: officers_by_factor(s), step="officers")
BESIDE_THE_GROUP = Question(
    "officers", lambda s, o: diagnostics(s, statistics=MEASURES, confidence_level=o.confidence_level), step="officers"
)


def overview(draft: Draft) -> Document:
    """The document: main points, heat map, funnel, ruler, camps, agenda, how to use the sheets."""
    say = draft.say
    title = say.word("overview.title").replace("{study}", draft.study.title)
    camps = camps_section(draft)
    sections = (_main_points(draft), _limits(draft), _heat(draft), _chance(draft), ruler_section(draft), camps, _agenda(draft), _use(draft))
    if draft.study.has_gold and any("reversed" in row.estimate.flags for row in draft.ask(REVERSAL)):
        sections = (*sections[:5], reversal_section(draft), *sections[5:])
    return Document(title, sections, subtitle=say.word("overview.subtitle"), synthetic=draft.study.synthetic)


def _everyone(draft: Draft) -> Row | None:
    """Agreement of all officers with the gold standard, where there is one."""
    found = draft.ask(FUNNEL).where("exact", rater=EVERYONE, limits="")
    return next((row for row in found if row.estimate.estimable), None)


# --- main points -------------------------------------------------------------------------------------------


def _main_points(draft: Draft) -> Section:
    say, points = draft.say, list[Text]()
    base = {"officers": say.count(draft.fact("officers"), "officer"), "cases": say.count(draft.fact("cases"), "case")}
    all_together = _everyone(draft)
    if all_together is not None:
        e = all_together.estimate
        points.append(say("overview.point_exact", share=say.of_100(e), base=say.base(e, say.officers(e), base["cases"])))
    else:
        points.append(say("overview.point_given" if draft.study.has_gold else "overview.point_no_gold", **base))
    points += _apart(draft)
    verdicts = [row["verdict"] for row in _shown(draft)]
    if verdicts:
        camps, scatter = (draft.counted(f"overview_{name}", verdicts.count(verdict)) for name, verdict in (("camps", "two camps"), ("scatter", "scatter")))
        points.append(say("overview.point_rule", cells=say.count(camps, "cell")) if camps.value else say("overview.point_rule_none"))
        if scatter.value:
            points.append(say("overview.point_practice", cells=say.count(scatter, "cell")))
    if review := _to_review(draft):
        points.append(say("overview.point_review", cells=say.count(draft.counted("overview_review", len(review)), "cell")))
    flagged = [row for row in draft.ask(REVERSAL).where("reversal_excess") if "reversed" in row.estimate.flags]
    if flagged:
        points.append(say("overview.point_reversed", officers=say.count(draft.counted("overview_reversed", len(flagged)), "officer")))
    return main_points(tuple(points))


def _apart(draft: Draft) -> list[Text]:
    """How many officers the ratings separate from the group."""
    say, found = draft.say, draft.ask(BESIDE_THE_GROUP)
    known = [own for own in found.split("rater").values() if not nothing(own)]
    if not known:
        reasons = [reason for row in found for reason in row.estimate.reasons]
        return [say("overview.point_apart_unknown", why=Label(reasons[0]))] if reasons else []
    apart = [own for own in known if any(row.estimate.estimable and "not-separated" not in row.estimate.flags for row in own)]
    officers = say.count(draft.counted("overview_compared", len(known)), "officer")
    if not apart:
        return [say("overview.point_apart_none", officers=officers)]
    return [say("overview.point_apart", apart=say.plain(draft.counted("overview_apart", len(apart)), 0), officers=officers)]


def _limits(draft: Draft) -> Section:
    say, gold = draft.say, draft.study.has_gold
    cannot = [say("overview.cannot_1"), say("overview.cannot_2")]
    if gold:
        cannot.append(say("overview.cannot_3"))
    return can_and_cannot((say("overview.can_1" if gold else "overview.can_1_no_gold"), say("overview.can_2")), tuple(cannot))


# --- officers ----------------------------------------------------------------------------------------------


def _heat(draft: Draft) -> Section:
    say, found, gold = draft.say, draft.ask(HEAT), draft.study.has_gold
    title = say.word("overview.heat_title")
    known = [row for row in found if row.estimate.estimable]
    if not known:
        return Section("heat", title, (Paragraph(say("overview.heat_none")),))
    low, high = (pick(known, key=lambda row: row.estimate.value) for pick in (min, max))
    grouped = tuple(pieces(say("overview.heat_groups"))) if found.notes else ()
    caption = (*pieces(say("overview.heat_caption" if gold else "overview.heat_caption_no_gold", base=draft.base)), *grouped)
    alt = say("overview.heat_alt", **{
        f"{end}{key}": value for end, row in (("low", low), ("high", high)) for key, value in (
            ("", draft.names.factor(row["factor"])), ("_steps", say.steps(row.estimate)), ("_officer", Label(row["rater"])))})  # fmt: skip
    figure = draft.figure("fig-heat", _heat_finding(draft, known), caption, alt, plots.officer_heatmap, found,
                          instrument=draft.study.instrument, names=draft.names.all)
    return Section("heat", title, (Paragraph(say("overview.heat_words", cases=say.count(draft.fact("cases"), "case"))), figure))


def _heat_finding(draft: Draft, known: Sequence[Row]) -> Text:
    """The factor that the cohort rates lowest, and the one that it rates highest, beside the gold standard."""
    if not draft.study.has_gold:
        return draft.say("overview.heat_finding_no_gold")
    factors = list(dict.fromkeys(row["factor"] for row in known))
    means = [np.average([row.estimate.value for row in known if row["factor"] == factor],
                        weights=[row.estimate.n_ratings for row in known if row["factor"] == factor]) for factor in factors]
    low, high = int(np.argmin(means)), int(np.argmax(means))
    if not means[low] < 0 < means[high]:
        return draft.say("overview.heat_flat")
    return draft.say("overview.heat_finding", low=draft.names.factor(factors[low]), high=draft.names.factor(factors[high]))


def _chance(draft: Draft) -> Section:
    say, title = draft.say, draft.say.word("overview.chance_title")
    if _everyone(draft) is None:
        return draft.absent("chance", title, draft.ask(FUNNEL)) if draft.ask(FUNNEL).notes else \
            Section("chance", title, (Paragraph(say("overview.heat_none")),))
    return Section("chance", title, (Paragraph(say("overview.chance_words")), funnel_figure(draft)))


# --- the agenda --------------------------------------------------------------------------------------------


def _shown(draft: Draft) -> list[Row]:
    """The cells that enough officers rated to be spoken of."""
    return [row for row in draft.ask(CAMPS) if row.estimate.estimable and row.estimate.n_raters >= draft.options.min_cell]


def _to_review(draft: Draft) -> list[Row]:
    return [row for row in draft.ask(REVIEWED).where("modal_share")
            if "gold-review" in row.estimate.flags and row.estimate.n_raters >= draft.options.min_cell]


def _agenda(draft: Draft) -> Section:
    """What to talk about, without a name: what needs a rule, gold standards in doubt, what needs practice."""
    say, shown = draft.say, _shown(draft)
    camps = sorted((row for row in shown if row["verdict"] == "two camps"), key=lambda row: -row.estimate.parts["camp_share"])
    review = sorted(_to_review(draft), key=lambda row: -row.estimate.value)
    doubtful = {(row["factor"], row["case"]) for row in review}
    scatter = sorted((row for row in shown if row["verdict"] == "scatter" and (row["factor"], row["case"]) not in doubtful),
                     key=lambda row: row.estimate.value)
    blocks: list[Block] = []
    for key, rows, told in (("rule", camps, _camp), ("review", review, _doubt), ("practice", scatter, _scatter)):
        if rows:
            blocks.append(Bullets(tuple(told(draft, row) for row in rows[:MOST_TOPICS]), say(f"overview.agenda_{key}")))
        if len(rows) > MOST_TOPICS:
            more = draft.counted(f"overview_{key}_more", len(rows) - MOST_TOPICS)
            blocks.append(Paragraph(say("overview.agenda_more", cells=say.count(more, "cell"))))
    words = say("overview.agenda_words" if blocks else "overview.agenda_none")
    return Section("agenda", say.word("overview.agenda_title"), (Paragraph(words), *blocks))


def _place(draft: Draft, row: Row) -> dict[str, Text]:
    return {"factor": draft.names.factor(row["factor"]), "case": draft.names.case(row["case"])}


def _answers(draft: Draft, row: Row) -> Text:
    """ "Low 45 %, Medium 10 % and High 45 %"."""
    say, categories = draft.say, draft.study.instrument.scale_of(row["factor"]).categories
    return say.listed([say("overview.answer", category=Label(category), share=(say.part(row.estimate, f"share_{k}", scale=100), "\N{NO-BREAK SPACE}%"))
                       for k, category in enumerate(categories)])


def _camp(draft: Draft, row: Row) -> Text:
    return draft.say("overview.agenda_camps", answers=_answers(draft, row), **_place(draft, row))


def _doubt(draft: Draft, row: Row) -> Text:
    e = row.estimate
    return draft.say("overview.agenda_gold", share=draft.say.share(e), modal=Label(row["modal"]), gold=Label(row["gold"]), **_place(draft, row))


def _scatter(draft: Draft, row: Row) -> Text:
    text = draft.say("overview.agenda_scatter", answers=_answers(draft, row), **_place(draft, row))
    definition = draft.study.instrument.factor(row["factor"]).definition
    return (*pieces(text), *pieces(draft.say("overview.agenda_definition", definition=Label(definition)))) if definition else text


def _use(draft: Draft) -> Section:
    say, least = draft.say, Label(f"{draft.options.min_cell:,}")
    items = (say("overview.use_1"), say("overview.use_2"), say("overview.use_3", least=least), say("overview.use_4"))
    return Section("use", say.word("overview.use_title"), (Bullets(items),))
