"""Before and after: what changed from one occasion to another, and what a change can mean."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from arms_irr.analysis.occasions import before_after
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft, nothing
from arms_irr.reporting.questions import Question
from arms_irr.reporting.sections.differences import cells, said, why
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import number, signed
from arms_irr.statistics.estimate import Estimate

__all__ = ["occasions_section"]

CHANGE = Question("change_between_occasions", lambda s, o: before_after(s, confidence_level=o.confidence_level, seed=o.seed))


def occasions_section(draft: Draft) -> Iterator[Block]:
    """Agreement and signed error on both occasions; nothing in a study of one occasion."""
    say, title = draft.say, draft.say.word("occasions.title")
    if len(np.unique(draft.study.ratings.occasion)) < 2:
        return
    if not draft.study.has_gold:
        yield Section("occasions", title, (Paragraph(say("occasions.no_gold")),))
        return
    result = draft.ask(CHANGE)
    if nothing(result.where("difference")):
        reason = why(result.rows[2].estimate) if result.rows else Label(result.notes[0])
        yield Section("occasions", title, (Paragraph(say("occasions.none", why=reason)),))
        return
    change, shift = result.rows[2].estimate, result.rows[5].estimate
    words = [said(draft, "occasions.exact", change), *_counts(draft, change), said(draft, "occasions.error", shift, "steps"),
             *_cautions(draft, change)]
    yield Section("occasions", title, (*(Paragraph(text) for text in words), _table(draft, result.rows)))


def _counts(draft: Draft, e: Estimate) -> Iterator[Text]:
    say = draft.say
    if "officers_more" in e.parts:
        yield say("occasions.counts", officers=say.officers(e), more=say.part(e, "officers_more"), equal=say.part(e, "officers_equal"),
                  less=say.part(e, "officers_less"))


def _cautions(draft: Draft, e: Estimate) -> Iterator[Text]:
    """What else than training could explain a change."""
    say = draft.say
    if e.parts.get("cases_again"):
        yield say("occasions.again")
    if e.parts.get("cases_once"):
        yield say("occasions.once")
    if math.isfinite(e.parts.get("start_again", math.nan)):
        yield say("occasions.regression", again=say.officers(e), first=say.part(e, "officers_first"),
                  start=say.part(e, "start_again", scale=100), others=say.part(e, "start_left", scale=100))


def _table(draft: Draft, rows: tuple) -> Table:
    say, word = draft.say, draft.say.word
    head = (Column(word("occasions.what")), Column(word("occasions.earlier")), Column(word("occasions.later")), Column(word("occasions.change")),
            Column(draft.interval_head), Column(word("contrasts.p")), Column(word("contrasts.officers"), word("contrasts.number")))
    lines = []
    for three, unit, key in ((rows[:3], "points", "exact_row"), (rows[3:6], "steps", "error_row")):
        later, earlier, change = (row.estimate for row in three)
        shown = [number(100 * e.value, 1) if unit == "points" else signed(e.value) for e in (earlier, later)]
        lines.append((word(f"occasions.{key}"), *shown, *cells(change, unit), f"{change.n_raters:,}"))
    return Table("table-occasions", say("occasions.table", base=draft.base), head, tuple(lines), (say("occasions.elsewhere"),))
