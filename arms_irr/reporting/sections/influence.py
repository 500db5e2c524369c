"""Officers and factors that make a result: headline numbers without one of them."""

from __future__ import annotations

import math

from arms_irr.analysis.influence import influence
from arms_irr.analysis.result import Row
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.questions import Question, band_of
from arms_irr.reporting.sections.missed import MOST_OFFICERS
from arms_irr.reporting.sections.ruler import MOST_FOR_MODELS
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import coefficient, number

__all__ = ["influence_section"]

INFLUENCE = Question("influence", lambda s, o: influence(s, [band_of(s)], confidence_level=o.confidence_level), step="sensitivity")


def influence_section(draft: Draft) -> Section:
    """Which headline numbers rest on one officer or one factor."""
    return Section("officers-influence", draft.say.word("officers.influence_title"), tuple(_blocks(draft)))


def _blocks(draft: Draft) -> list[Block]:
    say = draft.say
    if len(draft.study.raters) > MOST_FOR_MODELS:
        return [Paragraph(say("officers.influence_large", most=Label(f"{MOST_FOR_MODELS:,}")))]
    found = draft.ask(INFLUENCE)
    if not found.rows:
        return [Paragraph(say("officers.influence_absent"))]
    flagged = [row for row in found if "influential" in row.estimate.flags]
    if not flagged:
        return [Paragraph(say("officers.influence_none"))]
    counts = {what: sum(row["what"] == what for row in flagged) for what in ("officer", "factor")}
    said = {f"{what}s": say.plain(draft.counted(f"influential_{what}", n), 0) for what, n in counts.items()}
    blocks: list[Block] = [Paragraph(say("officers.influence_found", **said))]
    named = len(draft.study.raters) <= MOST_OFFICERS
    shown = [row for row in found if row in flagged or row["what"] == "officers flagged"]
    shown = [row for row in shown if named or row["what"] != "officer"]
    return [*blocks, *([_table(draft, shown)] if shown else []), *([] if named else [Paragraph(say("officers.influence_hidden"))])]


def _table(draft: Draft, rows: list[Row]) -> Table:
    say, word = draft.say, draft.say.word
    body = []
    for row in rows:
        e = row.estimate
        values = [coefficient(e.parts[part], table=True) for part in ("with", "without")]
        moved = number(e.parts.get("of_half_width", math.nan), 2)
        name = coefficient_name(row.coefficient, e.weights)
        body.append((draft.names.bands[row[draft.band]], name, _left_out(draft, row), *values, moved))
    heads = (*(Column(word(f"officers.{key}"), align="left") for key in ("where", "headline", "left_out")),
             Column(word("officers.with")), Column(word("officers.without")), Column(word("officers.moved"), word("officers.half_widths")))
    return Table("table-influence", say("officers.influence", base=draft.base), heads, tuple(body), (say("officers.influence_note"),))


def _left_out(draft: Draft, row: Row) -> str:
    if row["what"] == "factor":
        return draft.names.factor(row["left_out"])
    return row["left_out"] if row["what"] == "officer" else draft.say.word("officers.together").format(n=row["left_out"])
