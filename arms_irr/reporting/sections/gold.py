"""How the ratings compare with the gold standard: how often the same, in which direction, on which factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from arms_irr import plots
from arms_irr.analysis.result import Result, Row
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft, estimates_table, nothing, share_cells, signed_cells
from arms_irr.reporting.questions import (
    CONFUSION,
    DISTRIBUTIONS,
    GOLD_BY_BAND,
    GOLD_BY_CASE,
    GOLD_BY_FACTOR_BAND,
    GOLD_BY_FACTOR_CASE,
    GOLD_BY_KIND_BAND,
)
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import NA, number
from arms_irr.statistics.estimate import Estimate

__all__ = ["gold_section", "of", "top_category"]


def gold_section(draft: Draft) -> Section:
    """By kind and band, by factor and case, direction of error, confusion."""
    say, names, title = draft.say, draft.names, draft.say.word("gold.title")
    pooled = draft.ask(GOLD_BY_KIND_BAND)
    if not pooled.rows:
        return draft.absent("gold", title, pooled)
    if nothing(pooled.where("exact")):
        return Section("gold", title, (Paragraph(say("gold.nothing_given")),))
    by_factor = draft.ask(GOLD_BY_FACTOR_BAND if draft.many_cases else GOLD_BY_FACTOR_CASE)
    together = draft.ask(GOLD_BY_BAND if draft.many_cases else GOLD_BY_CASE)
    heads = names.bands if draft.many_cases else names.cases
    tool = draft.study.instrument
    finding, most = _finding(draft, by_factor), _confusion_finding(draft)
    blocks: list[Block] = [
        Paragraph(_words(draft)), _kind_table(draft), _direction_table(draft),
        draft.figure("fig-gold", finding, say("gold.dots", level=draft.interval_head, base=draft.base), say("gold.dots_alt", finding=finding),
                     plots.gold_agreement, by_factor, together, instrument=tool, names=heads),
        *_factor_tables(draft, by_factor),
        draft.figure("fig-direction", _direction_finding(draft), say("gold.direction_caption", base=draft.base),
                     _direction_alt(draft, by_factor), plots.direction, by_factor, instrument=tool, names=heads),
        draft.figure("fig-confusion", most, say("gold.confusion_caption", base=draft.base), say("gold.confusion_alt", finding=most),
                     plots.confusion, _one_scale(draft), names=names.all),
    ]
    return Section("gold", title, tuple(blocks))


def top_category(draft: Draft) -> Label:
    """The highest category of the factors' scale."""
    instrument = draft.study.instrument
    first = next((f for f in instrument.factors if f.kind != "overall"), instrument.factors[0])
    return Label(instrument.scales[first.scale].categories[-1])


def _words(draft: Draft) -> Text:
    say = draft.say
    exact = [row for row in draft.ask(GOLD_BY_KIND_BAND).where("exact") if row.estimate.estimable]
    exact = [row for row in exact if row["kind"] != "overall"] or exact
    low, high = (pick(exact, key=lambda row: row.estimate.value) for pick in (min, max))

    def words(row: Row) -> Text:
        return say("gold.cell", kind=draft.names.kinds(row["kind"]), where=draft.names.where(row[draft.band]),
                   share=say.share(row.estimate), limits=say.limits(row.estimate))

    if low.estimate.value < high.estimate.value:
        return say("gold.words", high=words(high), low=words(low))
    return say("gold.words_one", high=words(high))


# --- tables ------------------------------------------------------------------------------------------------


def _rows(draft: Draft, names: Sequence[str]) -> tuple[list[tuple[list[str], list[Estimate]]], list[tuple[str, int]]]:
    """Rows kind by kind within each band, with the named statistics."""
    rows, groups = [], []
    for value, part in draft.ask(GOLD_BY_KIND_BAND).split(draft.band).items():
        kinds = part.split("kind")
        for kind, own in kinds.items():
            cells = [own.get(name) for name in names]
            rows.append(([draft.names.kind(kind), f"{cells[0].n_ratings:,}"], cells))
        groups.append((draft.names.bands[value], len(kinds)))
    return rows, groups


def _kind_head(draft: Draft, *shares: str) -> list[Column]:
    say = draft.say
    head = [Column(say.word("gold.kind")), Column(say.word("gold.priorities"), say.word("gold.number"))]
    for share in shares:
        head += [Column(share, say.word("gold.percent")), Column(draft.interval_head)]
    return head


def _kind_table(draft: Draft) -> Table:
    say = draft.say
    rows, groups = _rows(draft, ("exact", "adjacent_extreme", "unable_to_rate"))
    head = _kind_head(draft, *(say.word(f"gold.{key}") for key in ("same", "adjacent", "unable")))
    notes = (say("gold.pooled_adjacent"), say("gold.pooled_clustered"))
    return estimates_table("gold-pooled", say("gold.pooled", base=draft.base), head, rows, groups=groups, notes=notes)


def _direction_table(draft: Draft) -> Table:
    say, top = draft.say, top_category(draft)
    rows, groups = _rows(draft, ("under", "over", "missed_high"))
    head = _kind_head(draft, say.word("gold.lower_gold"), say.word("gold.higher_gold"), say.word("gold.missed").format(top=top))
    caption = say("gold.direction_table", base=draft.base)
    return estimates_table("gold-direction", caption, head, rows, groups=groups, notes=(say("gold.direction_note", top=top),))


def _factor_tables(draft: Draft, result: Result) -> list[Table]:
    """One table a case (or band): exact, under, over, with what is impossible said so."""
    say, many = draft.say, draft.many_cases
    column = next(by for by in result.by if by != "factor")
    heads = draft.names.bands if many else draft.names.cases
    golds = {} if many else {(row["factor"], row["case"]): row["gold"] for row in draft.ask(DISTRIBUTIONS)}
    tables = []
    for place, (value, part) in enumerate(result.split(column).items(), 1):
        rows = []
        for factor, cells in part.split("factor").items():
            e = {row.coefficient: row.estimate for row in cells}
            gold = [] if many else [golds[factor, value]]
            rows.append((draft.names.factor(factor), *gold, of(draft, e["exact"]), *share_cells(e["exact"]), *(_share(e[name]) for name in ("under", "over")),
                         *signed_cells(e["mean_signed_error"]), _share(e["unable_to_rate"])))
        caption = say("gold.factors", where=Label(heads.get(value, value)), officers=say.count(draft.fact("officers"), "officer"))
        elsewhere = say("gold.factors_elsewhere_band" if many else "gold.factors_elsewhere")
        notes = (say("gold.factors_ends"), say("gold.factors_error"), elsewhere)
        tables.append(Table(f"table-gold-factors-{place}", caption, _factor_head(draft), tuple(rows), notes))
    return tables


def _factor_head(draft: Draft) -> tuple[Column, ...]:
    word, percent = draft.say.word, draft.say.word("gold.percent")
    gold = [] if draft.many_cases else [Column(word("gold.gold"), align="left")]
    return (
        Column(word("gold.factor")), *gold, Column(word("gold.same"), word("gold.number")), Column(word("gold.same"), percent),
        Column(draft.interval_head), Column(word("gold.lower"), percent), Column(word("gold.higher"), percent),
        Column(word("gold.error"), word("gold.steps")), Column(draft.interval_head), Column(word("gold.unable"), percent),
    )


def of(draft: Draft, share: Estimate) -> str:
    """ "16 of 20" behind a share, in a table."""
    if not share.estimable:
        return NA
    return draft.say.word("gold.of").format(hits=f"{round(share.value * share.n_ratings):,}", n=f"{share.n_ratings:,}")


def _share(estimate: Estimate) -> str:
    return number(100 * estimate.value, 1) if estimate.estimable else NA


# --- findings ----------------------------------------------------------------------------------------------


def _extremes(result: Result, coefficient: str) -> tuple[Row, Row] | None:
    rows = [row for row in result.where(coefficient) if row.estimate.estimable]
    return (max(rows, key=lambda r: r.estimate.value), min(rows, key=lambda r: r.estimate.value)) if rows else None


def _place(draft: Draft, row: Row) -> Text:
    column = next(by for by in row.group if by != "factor")
    where = Label(draft.names.all.get(row[column], row[column]))
    return draft.say("gold.place", factor=draft.names.factor(row["factor"]), where=where, share=draft.say.share(row.estimate))


def _finding(draft: Draft, result: Result) -> Text:
    found = _extremes(result, "exact")
    assert found is not None  # the caller has seen that something can be shown
    high, low = found
    if high.estimate.value == low.estimate.value:
        return draft.say("gold.finding_same", share=draft.say.share(high.estimate))
    return draft.say("gold.finding", high=_place(draft, high), low=_place(draft, low))


def _direction_finding(draft: Draft) -> Text:
    """Which way ratings lean, band by band."""
    say, parts = draft.say, []
    for value, own in draft.ask(GOLD_BY_BAND).split(draft.band).items():
        e = own.get("mean_signed_error")
        if np.isfinite(e.ci_low):
            lean = "above" if e.ci_low > 0 else "below" if e.ci_high < 0 else "neither"
            parts.append(say(f"gold.direction_{lean}", where=draft.names.where(value)))
    return say("gold.direction_finding", found=say.listed(parts)) if parts else say("gold.direction_unknown")


def _direction_alt(draft: Draft, result: Result) -> Text:
    found: Text = ()
    for name in ("under", "over"):
        if (pair := _extremes(result, name)) is not None:
            found = (*found, *draft.say(f"gold.direction_alt_{name}", place=_place(draft, pair[0])))
    return draft.say("gold.direction_alt", found=found)


def _one_scale(draft: Draft) -> Result:
    """The confusion of the factors; the overall priority has its own scale and section."""
    found = draft.ask(CONFUSION)
    return replace(found, rows=tuple(row for row in found if row["kind"] != "overall"))


def _confusion_finding(draft: Draft) -> Text:
    say = draft.say
    rows = [row for row in _one_scale(draft).where("share") if row.estimate.estimable and row["gold"] != row["rating"]]
    row = max(rows, key=lambda r: r.estimate.value, default=None)
    if row is None or row.estimate.value == 0:
        return say("gold.confusion_none")
    return say("gold.confusion_finding", gold=Label(row["gold"]), rating=Label(row["rating"]), kind=draft.names.kinds(row["kind"]),
               where=draft.names.where(row[draft.band]), share=say.share(row.estimate), ratings=say.ratings(row.estimate))
