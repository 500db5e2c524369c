"""What errors cost when a rating too low costs more than one too high: curve, and the orders that hold at every ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from arms_irr import plots
from arms_irr.analysis.missed import cost_curve, cost_order
from arms_irr.analysis.result import Result, Row
from arms_irr.reporting.document import Block, Bullets, Cited, Figure, Paragraph, Section, Text
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.questions import Question, band_of
from arms_irr.reporting.report_settings import cost_ratios
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import number
from arms_irr.statistics.estimate import Estimate

__all__ = ["cost_section"]

MOST = 6  # comparisons told in words
SHADED = 4  # lines whose intervals the figure shades; more would cover each other

COST_CURVE = Question(
    "cost_curve", lambda s, o: cost_curve(s, ["kind", band_of(s)], ratios=cost_ratios(s), confidence_level=o.confidence_level))
COST_ORDER = Question(
    "cost_order", lambda s, o: cost_order(s, ["kind", band_of(s)], ratios=cost_ratios(s), confidence_level=o.confidence_level))


def cost_section(draft: Draft) -> list[Block]:
    """The factors' costs; the overall priority has steps of its own and stands in the tables only."""
    found = draft.ask(COST_CURVE)
    rows = tuple(row for row in found if row.estimate.estimable and row["kind"] != "overall")
    if not rows:
        return []
    shown = replace(found, rows=rows)
    blocks = [Paragraph(draft.say("missed.cost_words")), _figure(draft, shown), *_order(draft, shown)]
    return [Section("costs", draft.say.word("missed.cost_title"), tuple(blocks))]


def _named(draft: Draft, row: Row) -> Text:
    return draft.say("missed.cost_cell", kind=draft.names.kinds(row["kind"]), where=draft.names.where(row[draft.band]))


def _figure(draft: Draft, shown: Result) -> Figure:
    say, cells = draft.say, {(row["kind"], row[draft.band]) for row in shown}
    level = {"level": draft.interval_head} if len(cells) <= SHADED else {}
    caption = say("missed.cost_caption_band" if level else "missed.cost_caption", base=draft.base, **level)
    parts = []
    for ratio, own in shown.split("ratio").items():
        least, most = (pick(own, key=lambda row: row.estimate.value) for pick in (min, max))
        parts.append(say("missed.cost_alt_part", ratio=Label(ratio), least=say.plain(least.estimate, 2), first=_named(draft, least),
                         most=say.plain(most.estimate, 2), last=_named(draft, most)))
    ends = parts[:1] + parts[1:][-1:]
    return draft.figure("fig-costs", _finding(draft, shown), caption, say("missed.cost_alt", found=say.series(ends)), plots.cost_curve, shown,
                        names=draft.names.all)


def _finding(draft: Draft, shown: Result) -> Text:
    """Where errors cost most. A cell that costs most at both ends does so at every ratio: costs are straight lines in r / (1 + r)."""
    say, ratios = draft.say, shown.split("ratio")
    low, *_, high = (*ratios, *ratios)
    first, last = (max(ratios[ratio], key=lambda row: row.estimate.value) for ratio in (low, high))
    if len(ratios[low]) == 1:
        return say("missed.cost_one", cell=_named(draft, first))
    if all(len({row.estimate.value for row in ratios[ratio]}) == 1 for ratio in (low, high)):
        return say("missed.cost_even")
    if _named(draft, first) == _named(draft, last):
        return say("missed.cost_same", cell=_named(draft, first))
    return say("missed.cost_turns", first=_named(draft, first), low=Label(low), last=_named(draft, last), high=Label(high))


# --- orders ------------------------------------------------------------------------------------------------


def _order(draft: Draft, shown: Result) -> list[Block]:
    """The comparisons of kinds within a band and of bands within a kind: those that can be told, and how many cannot."""
    say, cells = draft.say, {", ".join((row["kind"], row[draft.band])): row for row in shown}
    pairs: dict[tuple[str, str], list[Estimate]] = {}
    for row in draft.ask(COST_ORDER):
        first, second = cells.get(row["first"]), cells.get(row["second"])
        if first and second and (first["kind"] == second["kind"] or first[draft.band] == second[draft.band]):
            pairs.setdefault((row["first"], row["second"]), []).append(row.estimate)
    if not pairs:
        return []
    ratios = [Label(ratio) for ratio in shown.split("ratio")]
    told = [text for pair, found in pairs.items() if (text := _comparison(draft, cells, pair, found, ratios))]
    blocks: list[Block] = [Bullets(tuple(told[:MOST]), say("missed.order_title"))] if told else []
    if still_open := len(pairs) - len(told):
        counts = (draft.counted("cost_orders_open", still_open), draft.counted("cost_orders", len(pairs)))
        blocks.append(Paragraph(say("missed.order_open", count=say.plain(counts[0], 0), all=say.plain(counts[1], 0))))
    return [*blocks, Paragraph(say("missed.order_note")), Paragraph(say("missed.order_rest"))]


def _comparison(draft: Draft, cells: Mapping[str, Row], pair: tuple[str, str], found: Sequence[Estimate], ratios: Sequence[Label]) -> Text:
    """An order that holds at every ratio with intervals that exclude 0, or that turns; nothing where it cannot be told."""
    say, (low, *_, high) = draft.say, (*found, found[-1])
    names = [_named(draft, cells[name]) for name in pair]
    turn = low.parts["turns_at"]
    if low.parts["holds"] == 0 and turn == turn and (low.ci_low > 0 or low.ci_high < 0) and (high.ci_low > 0 or high.ci_high < 0):
        more, less = names if low.value > 0 else names[::-1]
        return say("missed.order_turns", more=more, less=less, turn=say.part(low, "turns_at", 1))
    if not all(e.ci_low > 0 for e in found) and not all(e.ci_high < 0 for e in found):
        return ()
    more, less = names if low.value > 0 else names[::-1]
    if len(found) == 1:
        return say("missed.order_holds_one", more=more, less=less, first=_gap(draft, low), low=ratios[0])
    return say("missed.order_holds", more=more, less=less, first=_gap(draft, low), low=ratios[0], last=_gap(draft, high), high=ratios[-1])


def _gap(draft: Draft, e: Estimate) -> Text:
    """How much more the dearer one costs, with its interval."""
    larger = e if e.value > 0 else replace(e, value=-e.value, ci_low=-e.ci_high, ci_high=-e.ci_low)
    limits = Cited(draft.say.limits(larger, 1, 2).text, e)
    return draft.say("missed.order_gap", gap=Cited(number(larger.value, 2), e), limits=limits)
