"""What disagreement costs: visits per year under the gold standard and under the officers' ratings."""

from __future__ import annotations

import math

from arms_irr.analysis.consequences import visits
from arms_irr.analysis.result import Result
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
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.questions import Question
from arms_irr.reporting.report_settings import assumes_overall
from arms_irr.reporting.sections.overall import extremes
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import NA, footnotes, interval, letters, marks, number, signed
from arms_irr.statistics.estimate import Estimate

__all__ = ["consequences_section"]

VISITS = Question("visits", lambda s, o: visits(s, assume_overall=assumes_overall(s), confidence_level=o.confidence_level))


def consequences_section(draft: Draft) -> Section:
    """Visits where the study has a level that they belong to, or where the user switched the assumption on."""
    say, found = draft.say, draft.ask(VISITS)
    title, assumed = say.word("consequences.title"), assumes_overall(draft.study)
    if not found.rows:
        section = draft.absent("consequences", title, found)
        tool = draft.study.instrument
        offered = not assumed and any(tool.factors[i].kind == "overall" for i in draft.study.factors_rated)
        return Section("consequences", title, (*section.blocks, *([Paragraph(say("consequences.switch"))] if offered else [])))
    blocks: list[Block] = []
    if assumed:
        box = (Paragraph(say("consequences.assumption")),)
        blocks.append(Callout("note", say.word("consequences.assumption_title"), box))
    blocks.append(Paragraph((*say("consequences.words"), " ", Label(" ".join(found.notes[:2])))))
    blocks += _many(draft, found) if draft.many_cases else [Bullets(told)] if (told := tuple(_told(draft, found))) else []
    blocks += [Paragraph(say("consequences.elsewhere"))] if draft.many_cases else [_table(draft, found)]
    return Section("consequences", title, tuple(blocks))


def _told(draft: Draft, found: Result) -> list[Text]:
    """A sentence for each case: the gold standard's visits, the officers', and how many officers would visit less."""
    say, texts = draft.say, []
    for case, own in found.split("case").items():
        gold, mean, fewer = (own.get(name) for name in ("visits_gold", "visits_officers", "fewer_visits"))
        if not mean.estimable:
            continue
        said = {"case": draft.names.case(case), "mean": say.plain(mean), "base": say.base(mean, say.officers(mean), scale=1, decimals=1),
                "fewest": Cited(_visits(mean.parts["fewest"]), mean), "most": Cited(_visits(mean.parts["most"]), mean)}
        if gold.estimable:
            texts.append(say("consequences.case", gold=Cited(_visits(gold.value), gold), **said))
        else:
            texts.append(say("consequences.case_no_gold", **said))
        if fewer.estimable:
            texts.append(say("consequences.fewer", case=draft.names.case(case), share=say.of_100(fewer), base=say.base(fewer, say.officers(fewer))))
    return texts


def _many(draft: Draft, found: Result) -> list[Block]:
    """In how many cases officers' ratings mean fewer or more visits, and the extremes."""
    say = draft.say
    differences = [row.estimate for row in found.where("visits_difference")]
    if (ends := extremes(found, "visits_difference")) is None:
        return _range(draft, found)
    below, above = sum(e.ci_high < 0 for e in differences), sum(e.ci_low > 0 for e in differences)
    counts = {"below": below, "above": above, "open": len(differences) - below - above}
    texts = [say("consequences.many", **{key: say.count(draft.counted(f"cases_visits_{key}", n), "case") for key, n in counts.items()})]
    for row, key, there in ((ends[0], "most_below", ends[0].estimate.value < 0), (ends[1], "most_above", ends[1].estimate.value > 0)):
        if there:
            e = row.estimate
            texts.append(say(f"consequences.{key}", case=draft.names.case(row["case"]), difference=say.steps(e),
                             base=say.base(e, say.officers(e), scale=1, decimals=2)))
    return [Bullets(tuple(texts))]


def _range(draft: Draft, found: Result) -> list[Block]:
    if (ends := extremes(found, "visits_officers")) is None:
        return []
    (low, high), say = ends, draft.say
    return [Paragraph(say("consequences.range", low=say.plain(low.estimate), first=draft.names.case(low["case"]), high=say.plain(high.estimate),
                          last=draft.names.case(high["case"])))]


def _table(draft: Draft, found: Result) -> Table:
    """A row for each case; the numbers are visits, the last share is of ratings."""
    say, word = draft.say, draft.say.word
    known = letters(row.estimate for row in found)
    rows = []
    for case, own in found.split("case").items():
        e = {row.coefficient: row.estimate for row in own}
        mean, difference, fewer = e["visits_officers"], e["visits_difference"], e["fewer_visits"]
        marked = sorted({mark for one in e.values() for mark in marks(one, known).split(", ") if mark})
        rows.append((draft.names.cases[case], f"{mean.n_raters:,}", _visits(e["visits_gold"].value), number(mean.value, 2), _spread(draft, mean),
                     signed(difference.value), interval(difference, 1, 2), number(100 * fewer.value, 1), interval(fewer, 100, 1),
                     *([", ".join(marked)] if known else [])))
    unit = word("consequences.per_year")
    head = (Column(word("consequences.case_head")), Column(word("consequences.officers"), word("consequences.number")),
            Column(word("consequences.gold"), unit), Column(word("consequences.mean"), unit), Column(word("consequences.spread"), unit),
            Column(word("consequences.difference"), unit), Column(draft.interval_head),
            Column(word("consequences.fewer_head"), word("consequences.percent")), Column(draft.interval_head),
            *([Column(word("captions.note"), align="left")] if known else []))
    notes = (say("consequences.difference_note"), *(Label(note) for note in footnotes(known)))
    return Table("table-visits", say("consequences.caption", base=draft.base), head, tuple(rows), notes)


def _spread(draft: Draft, mean: Estimate) -> str:
    """From the fewest to the most visits that an officer's rating means."""
    if not math.isfinite(mean.parts.get("fewest", math.nan)):
        return NA
    ends = {name: _visits(mean.parts[name]) for name in ("fewest", "most")}
    return draft.say.word("consequences.to").format(**ends)


def _visits(yearly: float) -> str:
    """What a level means: a whole number in most schedules, and then without decimals."""
    return number(yearly, 1).removesuffix(".0")
