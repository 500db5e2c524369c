"""The gold standard in doubt: cells to review, the panel's own agreement, results under its doubt, a consensus as a check."""

from __future__ import annotations

from collections.abc import Mapping

from arms_irr.analysis.consistency import ORDINAL_METRIC
from arms_irr.analysis.design import FEW
from arms_irr.analysis.gold_review import REVIEW, consensus, gold_panel_agreement, gold_review, uncertain_gold
from arms_irr.analysis.result import Result, Row
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table
from arms_irr.reporting.draft import Draft, coefficients_cells, estimates_table, nothing, share_cells
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.questions import GOLD_BY_KIND_BAND, Question, band_of
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import interval, number, signed
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.study.study import Study

__all__ = ["review_section"]

PANEL_SHOWN = (("percent", "identity"), ("gwet", "quadratic"), ("krippendorff", ORDINAL_METRIC))
MOST_ROWS = 30  # cells of the review list on the pages


def _by(study: Study) -> list[str]:
    return ["kind", band_of(study)]


REVIEWED = Question("gold_review", lambda s, o: gold_review(s, confidence_level=o.confidence_level), step="review")
PANEL = Question("gold_panel", lambda s, o: gold_panel_agreement(s, _by(s), confidence_level=o.confidence_level))
UNCERTAIN = Question("uncertain_gold", lambda s, o: uncertain_gold(s, _by(s), seed=o.seed, confidence_level=o.confidence_level))
CONSENSUS = Question("consensus", lambda s, o: consensus(s))


def review_section(draft: Draft) -> Section:
    """Where officers agree with each other and not with the gold standard, and how far the gold standard itself can be relied on."""
    say, found = draft.say, draft.ask(REVIEWED)
    title = say.word("review.title")
    if not found.rows:
        return draft.absent("gold-review", title, found)
    shares = [row for row in found.where("modal_share") if row.estimate.estimable]
    if not shares:
        return Section("gold-review", title, (Paragraph(say("review.nothing")), _panel(draft)))
    blocks: list[Block] = [Paragraph(say("review.words")), *_list(draft, found, shares), _panel(draft), _consensus(draft)]
    return Section("gold-review", title, tuple(blocks))


# --- the list ----------------------------------------------------------------------------------------------


def _list(draft: Draft, found: Result, shares: list[Row]) -> list[Block]:
    say = draft.say
    shares = [row for row in shares if row.estimate.n_ratings >= FEW]
    if not shares:
        return [Paragraph(say("review.few", fewest=Label(str(FEW))))]
    marked = [row for row in shares if "gold-review" in row.estimate.flags]
    said = {"cells": say.count(draft.counted("gold_review_cells", len(shares)), "cell"), "least": _percent(REVIEW)}
    if not marked:
        return [Paragraph(say("review.none", **said))]
    count = say.plain(draft.counted("gold_review_marked", len(marked)), 0)
    return [Paragraph(say("review.found", marked=count, **said)), _table(draft, found, marked)]


def _percent(share: float) -> Label:
    return Label(number(100 * share, 0))


def _table(draft: Draft, found: Result, marked: list[Row]) -> Table:
    say, word = draft.say, draft.say.word
    shift = {(row["case"], row["factor"]): row.estimate.value for row in found.where("gold_minus_median")}
    shown = sorted(marked, key=lambda row: -row.estimate.value)[:MOST_ROWS] if len(marked) > MOST_ROWS else marked
    body = []
    for row in shown:
        e = row.estimate
        body.append((draft.names.case(row["case"]), draft.names.factor(row["factor"]), row["gold"], row["modal"], f"{e.n_ratings:,}",
                     *share_cells(e), signed(shift[row["case"], row["factor"]], 1)))
    left = (Column(word(f"review.{key}"), align="left") for key in ("case", "factor", "gold", "modal"))
    head = (*left, Column(word("review.ratings")), Column(word("review.share"), word("review.percent")), Column(draft.interval_head),
            Column(word("review.shift"), word("review.steps")))
    notes = [say("review.shift_note")]
    if len(marked) > MOST_ROWS:
        notes.append(say("review.rest", most=Label(str(MOST_ROWS))))
    caption = say("review.table", least=_percent(REVIEW), fewest=Label(str(FEW)), base=draft.base)
    return Table("table-gold-review", caption, head, tuple(body), tuple(notes))


# --- the panel ---------------------------------------------------------------------------------------------


def _panel(draft: Draft) -> Section:
    """How far the members of the panel agree, and what their disagreement costs."""
    say, word = draft.say, draft.say.word
    title = word("review.panel_title")
    if not draft.study.gold_panel:
        return Section("gold-panel", title, (Paragraph(say("review.panel_none")),))
    found, members = draft.ask(PANEL), say.count(draft.fact("panel"), "member")
    blocks: list[Block] = [Paragraph(say("review.panel_words", members=members))]
    exact = [row for row in found.where("percent") if _shown(row) and row["kind"] != "overall"]
    if exact:
        parts = [say("review.panel_part", share=say.of_100(row.estimate), kind=draft.names.kinds(row["kind"]),
                     where=draft.names.where(row[draft.band]), base=say.base(row.estimate)) for row in exact]
        blocks.append(Paragraph(say("review.panel_found", found=say.series(parts))))
    if not nothing(found):
        blocks.append(_panel_table(draft, found))
    plain, drawn = draft.ask(GOLD_BY_KIND_BAND), draft.ask(UNCERTAIN)
    if not nothing(drawn):
        blocks += [Paragraph(say("review.uncertain_words")), _uncertain_table(draft, plain, drawn)]
    return Section("gold-panel", title, tuple(blocks))


def _panel_table(draft: Draft, found: Result) -> Table:
    say, word = draft.say, draft.say.word
    rows, groups = [], []
    for band, part in found.split(draft.band).items():
        known = [row for row in part if _shown(row)]
        rows += [((draft.names.kind(row["kind"]), coefficient_name(row.coefficient, row.estimate.weights), f"{row.estimate.n_subjects:,}"),
                  [row.estimate]) for row in known]
        if known:
            groups.append((draft.names.bands[band], len(known)))
    head = [Column(word("review.kind")), Column(word("review.coefficient"), align="left"), Column(word("review.subjects")),
            Column(word("review.value")), Column(draft.interval_head)]
    caption = say("review.panel_table", members=say.count(draft.fact("panel"), "member"))
    return estimates_table("gold-panel", caption, head, rows, cells=coefficients_cells, groups=groups, notes=(say("review.panel_note"),))


def _shown(row: Row) -> bool:
    return row.estimate.estimable and (row.coefficient, row.estimate.weights) in PANEL_SHOWN


def _uncertain_table(draft: Draft, plain: Result, drawn: Result) -> Table:
    say, word = draft.say, draft.say.word
    exact = {(row["kind"], row[draft.band]): row.estimate for row in plain.where("exact")}
    rows, groups = [], []
    for band, part in drawn.split(draft.band).items():
        for row in part:
            e = row.estimate
            usual = exact.get((row["kind"], band), undefined("no-gold"))
            words = (draft.names.kind(row["kind"]), f"{e.n_ratings:,}", *share_cells(usual), *share_cells(e), _draws(e.parts))
            rows.append((words, [usual, e]))
        groups.append((draft.names.bands[band], len(part)))
    percent, between = word("review.percent"), Column(draft.interval_head)
    head = [Column(word("review.kind")), Column(word("review.ratings")), Column(word("review.plain_head"), percent), between,
            Column(word("review.uncertain_head"), percent), between, Column(word("review.range_head"), percent)]
    return estimates_table("uncertain-gold", say("review.uncertain", base=draft.base), head, rows, cells=lambda e: (), groups=groups)


def _draws(parts: Mapping[str, float]) -> str:
    nan = float("nan")
    return interval(Estimate(nan, ci_low=parts.get("lowest", nan), ci_high=parts.get("highest", nan)), 100, 1)


# --- consensus ---------------------------------------------------------------------------------------------


def _consensus(draft: Draft) -> Section:
    """What a model of the officers' ratings alone would take for the gold standard."""
    say = draft.say
    title = say.word("review.consensus_title")
    if len(draft.study.raters) < FEW:
        return Section("gold-consensus", title, (Paragraph(say("review.consensus_few")),))
    found = draft.ask(CONSENSUS)
    whole = next((row.estimate for row in found.where("consensus_agreement", case="")), None)
    if whole is None or not whole.estimable:
        why = found.notes[0].rstrip(".") if whole is None and found.notes else say.word("numbers.not_estimable")
        return Section("gold-consensus", title, (Paragraph(say("review.consensus_none", why=Label(why[0].lower() + why[1:]))),))
    cells = [row for row in found.where("gold_probability") if row.estimate.estimable]
    other = [row for row in cells if row["gold"] != row["consensus"]]
    texts = [say("review.consensus_words", share=say.share(whole), cells=say.count(draft.counted("consensus_cells", len(cells)), "cell"))]
    if other and not draft.many_cases:
        named = [say("review.consensus_cell", factor=draft.names.factor(row["factor"]), case=draft.names.case(row["case"])) for row in other]
        texts.append(say("review.consensus_differs", cells=say.series(named)))
    texts.append(say("review.consensus_elsewhere"))
    return Section("gold-consensus", title, tuple(map(Paragraph, texts)))
