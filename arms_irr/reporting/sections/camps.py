"""Noise or two camps: what kind of disagreement each factor of each case has, and what it needs."""

from __future__ import annotations

import math
from collections import Counter

from arms_irr import plots
from arms_irr.analysis.camps import VERDICTS, camps
from arms_irr.analysis.result import Result, Row
from arms_irr.reporting.document import Block, Bullets, Column, Figure, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft, coefficients_cells, estimates_table, nothing
from arms_irr.reporting.questions import Question
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import number, p_value

__all__ = ["CAMPS", "camps_section"]

MOST_CASES = 20  # in the picture
MOST_ROWS = 30  # of the list of cells with two camps

CAMPS = Question("camps", lambda s, o: camps(s, seed=o.seed, confidence_level=o.confidence_level), step="between")


def camps_section(draft: Draft) -> Section:
    """Verdicts counted and explained, the picture, and the cells: all of them for few cases, those with two camps for many."""
    say, found = draft.say, draft.ask(CAMPS)
    title = say.word("camps.title")
    if nothing(found):
        given = draft.fact("given").value > 0
        return Section("camps", title, (Paragraph(say("camps.none" if given else "camps.nothing")),))
    counts = Counter(row["verdict"] for row in found)
    told = [say(f"camps.told_{_key(name)}", cells=say.count(draft.counted(f"camps_{_key(name)}", counts[name]), "cell"))
            for name in VERDICTS if counts[name]]
    blocks: list[Block] = [Paragraph(say("camps.words")), Bullets(tuple(told))]
    if counts["too few"] == len(found):
        return Section("camps", title, tuple(blocks))
    if counts["two camps"]:
        blocks.append(Paragraph(say("camps.caution")))
    if len(draft.study.cases) <= MOST_CASES:
        blocks.append(_figure(draft, found))
    if draft.many_cases:
        blocks += [_counts_table(draft, found), *_split_table(draft, found)]
    else:
        blocks.append(_table(draft, found))
    return Section("camps", title, tuple(blocks))


def _key(verdict: str) -> str:
    return verdict.replace(" ", "_")


def _figure(draft: Draft, found: Result) -> Figure:
    say = draft.say
    split = [row for row in found if row["verdict"] == "two camps"]
    finding: Text = say("camps.finding_none")
    if split:
        finding = say("camps.finding", cells=say.count(draft.counts["camps_two_camps"], "cell"))
    known = [row for row in found if row.estimate.estimable]
    most, least = (pick(known, key=lambda row: row.estimate.parts["modal_share"]) for pick in (max, min))
    if most.estimate.parts["modal_share"] == least.estimate.parts["modal_share"]:
        alt = say("camps.alt_short", finding=finding)
    else:
        alt = say("camps.alt", finding=finding, most=_cell(draft, most), most_share=_modal(draft, most), least=_cell(draft, least),
                  least_share=_modal(draft, least))
    caption = say("camps.caption_shares" if draft.many_cases else "camps.caption", base=draft.base)
    return draft.figure("fig-camps", finding, caption, alt, plots.camps, found, instrument=draft.study.instrument, names=draft.names.cases)


def _modal(draft: Draft, row: Row) -> Text:
    return (draft.say.part(row.estimate, "modal_share", scale=100), " %")


def _cell(draft: Draft, row: Row) -> Text:
    return draft.say("camps.cell", factor=draft.names.factor(row["factor"]), case=draft.names.case(row["case"]))


# --- tables ------------------------------------------------------------------------------------------------


def _verdict(draft: Draft, row: Row) -> str:
    return draft.say.word(f"camps.verdict_{_key(row['verdict'])}") if row["verdict"] else "–"


def _share(row: Row, name: str) -> str:
    return number(100 * row.estimate.parts.get(name, math.nan), 1)


def _table(draft: Draft, found: Result) -> Table:
    """Every factor of every case."""
    say, word = draft.say, draft.say.word
    rows, groups = [], []
    for case, part in found.split("case").items():
        for row in part:
            second = _share(row, "camp_share") if row["verdict"] == "two camps" else "–"
            rows.append(((draft.names.factor(row["factor"]), _verdict(draft, row), f"{row.estimate.n_ratings:,}", _share(row, "modal_share"),
                          second), [row.estimate]))
        groups.append((draft.names.case(case), len(part)))
    percent = word("camps.percent")
    head = [Column(word("camps.factor")), Column(word("camps.verdict"), align="left"), Column(word("camps.ratings")),
            Column(word("camps.modal"), percent), Column(word("camps.second"), percent), Column(word("camps.agreement")),
            Column(draft.interval_head)]
    return estimates_table("camps", say("camps.table", base=draft.base), head, rows, cells=coefficients_cells, groups=groups,
                           notes=(say("camps.table_note"),))


def _counts_table(draft: Draft, found: Result) -> Table:
    """How many cases have each verdict, by factor."""
    say, word = draft.say, draft.say.word
    occurring = [name for name in VERDICTS if any(row["verdict"] == name for row in found)]
    body = []
    for factor, part in found.split("factor").items():
        counts = Counter(row["verdict"] for row in part)
        body.append((draft.names.factor(factor), f"{len(part):,}", *(f"{counts[name]:,}" for name in occurring)))
    cases = word("camps.cases")
    head = (Column(word("camps.factor")), Column(word("camps.all"), cases),
            *(Column(word(f"camps.verdict_{_key(name)}"), cases) for name in occurring))
    return Table("table-camps", say("camps.counts", base=draft.base), head, tuple(body), (say("camps.counts_note"),))


def _split_table(draft: Draft, found: Result) -> list[Table]:
    """The cells with two camps, the largest second camps first where there are too many."""
    say, word = draft.say, draft.say.word
    split = [row for row in found if row["verdict"] == "two camps"]
    if not split:
        return []
    notes = [say("camps.split_note")]
    if len(split) > MOST_ROWS:
        split = sorted(split, key=lambda row: -row.estimate.parts["camp_share"])[:MOST_ROWS]
        notes.append(say("camps.split_rest", most=Label(str(MOST_ROWS))))
    body = [(draft.names.factor(row["factor"]), draft.names.case(row["case"]), f"{row.estimate.n_ratings:,}", _share(row, "modal_share"),
             _share(row, "camp_share"), p_value(row.estimate.parts["p_two_camps"]).removeprefix("p = ").removeprefix("p ")) for row in split]
    percent = word("camps.percent")
    head = (Column(word("camps.factor")), Column(word("camps.case"), align="left"), Column(word("camps.ratings")),
            Column(word("camps.modal"), percent), Column(word("camps.second"), percent), Column(word("camps.p")))
    return [Table("table-two-camps", say("camps.split", base=draft.base), head, tuple(body), tuple(notes))]
