"""Highest priorities that were missed, the safety statistic; and what errors cost when one direction costs more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from arms_irr.analysis.missed import missed_high
from arms_irr.analysis.result import Result, Row
from arms_irr.reporting.document import Block, Bullets, Cited, Column, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft, estimates_table, share_cells
from arms_irr.reporting.questions import Question, band_of
from arms_irr.reporting.sections.costs import cost_section
from arms_irr.reporting.sections.gold import top_category
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import number
from arms_irr.statistics.estimate import Estimate, undefined

__all__ = ["missed_section"]

_Line = tuple[tuple[str, ...], tuple[Estimate, ...]]  # of a table: words, then estimates
MOST_OFFICERS = 60  # beyond, single officers are not asked for


def _missed(name: str, *by: str) -> Question:
    return Question(name, lambda s, o: missed_high(s, by or ["kind", band_of(s)], confidence_level=o.confidence_level), step="gold")


MISSED_BY_KIND_BAND = _missed("missed_high")
MISSED_BY_FACTOR = _missed("missed_high_by_factor", "factor")
MISSED_BY_FACTOR_CASE = _missed("missed_high_by_factor_and_case", "factor", "case")
MISSED_BY_OFFICER = _missed("missed_high_by_officer", "rater")


def missed_section(draft: Draft) -> Section:
    """The safety statistic with its upper limits, by kind and band and by factor; then the cost of errors."""
    say, found = draft.say, draft.ask(MISSED_BY_KIND_BAND)
    top = _top_of_factors(draft)
    title = say.word("missed.title").format(top=top)
    if not found.rows:
        return draft.absent("missed", title, found)
    cells = [row for row in found.where("missed_high") if row.estimate.estimable]
    if not cells:
        if (factors := _factor_table(draft)) and any("mixed-scales" in row.estimate.flags for row in found):
            return Section("missed", title, (Paragraph(say("missed.mixed")), *factors))
        never = all("no-gold-high" in row.estimate.flags for row in found.where("missed_high"))
        return Section("missed", title, (Paragraph(say("missed.none" if never else "missed.not_given", top=top)),))
    blocks: list[Block] = [
        Paragraph(say("missed.words", top=top)), Bullets(tuple(_cell(draft, row) for row in cells)), *_beside(draft), _kind_table(draft),
        *_factor_table(draft), _others_table(draft), *_officers(draft), *cost_section(draft),
    ]
    return Section("missed", title, tuple(blocks))


# --- sentences ---------------------------------------------------------------------------------------------


def _top(draft: Draft, kind: str) -> Label:
    """The highest category of a kind: the overall priority has a scale of its own."""
    tool = draft.study.instrument
    return Label(tool.scale_of(next(f.id for f in tool.factors if f.kind == kind)).categories[-1])


def _top_of_factors(draft: Draft) -> Label:
    """The highest category of the factors; in words where their scales differ."""
    factors = [draft.study.instrument.factors[i] for i in draft.study.factors_rated]
    scales = {factor.scale for factor in factors if factor.kind != "overall"}
    return top_category(draft) if len(scales) == 1 else draft.say.name("missed.highest_category")


def _cell(draft: Draft, row: Row) -> Text:
    say, e = draft.say, row.estimate
    said = {"kind": draft.names.kind(row["kind"]), "where": draft.names.where(row[draft.band]), "top": _top(draft, row["kind"]),
            "bound": _bound(draft, e), "base": _base(draft, e)}
    return say("missed.cell_none", **said) if e.value == 0 else say("missed.cell", share=say.of_100(e), **said)


def _bound(draft: Draft, e: Estimate) -> Text:
    """The upper limit in words; that there is none, where it would be rounded to every one."""
    return draft.say("missed.bound", limit=_of_100(draft, e)) if 100 * e.ci_high <= 99 else draft.say("missed.bound_none")


def _of_100(draft: Draft, e: Estimate) -> Cited:
    """The upper limit as people count, rounded up: no limit is promised that the ratings do not keep."""
    return Cited(draft.say.word("numbers.of_100").format(number=math.ceil(100 * e.ci_high)), e)


def _base(draft: Draft, e: Estimate) -> Text:
    say, counts = draft.say, {"ratings": draft.say.ratings(e), "officers": draft.say.officers(e)}
    if math.isnan(e.ci_high):
        return say("missed.base_no_limit", **counts)
    return say("missed.base", level=_level(draft), **counts)


def _level(draft: Draft) -> Label:
    return Label(number(100 * draft.options.confidence_level, 1).removesuffix(".0"))


def _beside(draft: Draft) -> list[Paragraph]:
    """Misses by two steps, those who were unable to rate, and the error in the other direction: each where it is largest."""
    say, top, texts = draft.say, _top_of_factors(draft), []
    for key, name in (("two", "missed_two_steps"), ("unable", "unable_gold_high"), ("false", "false_high")):
        rows = [row for row in draft.ask(MISSED_BY_KIND_BAND).where(name) if row.estimate.estimable and row["kind"] != "overall"]
        if not rows:
            continue
        row = max(rows, key=lambda row: row.estimate.value)
        e = row.estimate
        if e.value == 0:
            texts.append(say(f"missed.{key}_none", top=top))
            continue
        said = {"kind": draft.names.kinds(row["kind"]), "where": draft.names.where(row[draft.band]), "share": say.share(e)}
        if key == "two":
            texts.append(say("missed.two", bound=_bound(draft, e), base=_base(draft, e), **said))
        else:
            texts.append(say(f"missed.{key}", top=top, base=say.base(e, say.ratings(e), say.officers(e)), **said))
    return [Paragraph(text) for text in texts]


def _officers(draft: Draft) -> list[Paragraph]:
    """How many officers missed none, and how little that says about each of them."""
    if len(draft.study.raters) > MOST_OFFICERS:
        return []
    say = draft.say
    rows = [row.estimate for row in draft.ask(MISSED_BY_OFFICER).where("missed_high") if row.estimate.estimable]
    if len(rows) < 2:
        return []
    counts = {"none": say.plain(draft.counted("officers_none_missed", sum(e.value == 0 for e in rows)), 0),
              "officers": say.count(draft.counted("officers_with_gold_high", len(rows)), "officer"), "top": _top_of_factors(draft)}
    best = min(rows, key=lambda e: e.ci_high)
    if best.ci_high > 0.99:
        return [Paragraph(say("missed.officers_no_limit", **counts))]
    return [Paragraph(say("missed.officers", limit=_of_100(draft, best), **counts))]


# --- tables ------------------------------------------------------------------------------------------------


def _of(cell: Result, name: str) -> Estimate:
    """One rate of a cell; nothing where its scale does not have it (two steps on two categories)."""
    return next((row.estimate for row in cell if row.coefficient == name), undefined())


def _missed_head(draft: Draft, first: str) -> list[Column]:
    word = draft.say.word
    percent, limit = word("missed.percent"), Column(word("missed.limit").format(level=_level(draft)))
    return [Column(word(f"missed.{first}")), Column(word("missed.priorities"), word("missed.gold_top")), Column(word("missed.lower"), percent),
            limit, Column(word("missed.two_steps"), percent), limit, Column(word("missed.unable_head"), percent), Column(draft.interval_head)]


def _missed_row(name: str, cell: Result) -> _Line:
    lower = _of(cell, "missed_high")
    return (name, f"{lower.n_ratings:,}"), (lower, _of(cell, "missed_two_steps"), _of(cell, "unable_gold_high"))


def _kind_rows(draft: Draft, row: Callable[[str, Result], _Line]) -> tuple[list[_Line], list[tuple[str, int]]]:
    """A row for each kind within each band."""
    rows, groups = [], []
    for band, part in draft.ask(MISSED_BY_KIND_BAND).split(draft.band).items():
        kinds = part.split("kind")
        rows += [row(draft.names.kind(kind), cell) for kind, cell in kinds.items()]
        groups.append((draft.names.bands[band], len(kinds)))
    return rows, groups


def _kind_table(draft: Draft) -> Table:
    say = draft.say
    rows, groups = _kind_rows(draft, _missed_row)
    return estimates_table("missed", say("missed.kinds", base=draft.base), _missed_head(draft, "kind"), rows, groups=groups,
                           notes=(_highest(draft), *_notes(draft)))


def _highest(draft: Draft) -> Text:
    """What the highest category is, kind by kind."""
    say = draft.say
    kinds = draft.ask(MISSED_BY_KIND_BAND).split("kind")
    return say("missed.highest", tops=say.listed(
        [say("missed.highest_part", top=_top(draft, kind), kind=draft.names.kinds(kind)) for kind in kinds]))


def _notes(draft: Draft) -> Sequence[Text]:
    return draft.say("missed.limit_note", level=_level(draft)), draft.say("missed.unable_note")


def _factor_table(draft: Draft) -> list[Block]:
    """A row for each factor whose gold standard is the highest category somewhere."""
    say, tool = draft.say, draft.study.instrument
    draft.ask(MISSED_BY_FACTOR_CASE)
    rows = [_missed_row(draft.names.factor(factor), cell) for factor, cell in draft.ask(MISSED_BY_FACTOR).split("factor").items()
            if _of(cell, "missed_high").estimable and tool.factor(factor).kind != "overall"]
    if not rows:
        return []
    notes = (*_notes(draft), say("missed.rest"), say("missed.cases"))
    return [estimates_table("missed-factors", say("missed.factors", base=draft.base), _missed_head(draft, "factor"), rows, notes=notes)]


def _others_table(draft: Draft) -> Table:
    """The answers that caught it, and where the highest category was given although the gold standard is lower."""
    say, word = draft.say, draft.say.word
    rows, groups = _kind_rows(draft, lambda name, cell: ((name,), (_of(cell, "caught_high"), _of(cell, "false_high"))))
    percent = word("missed.percent")
    head = [Column(word("missed.kind")), Column(word("missed.answers"), word("missed.gold_top")), Column(word("missed.caught"), percent),
            Column(draft.interval_head), Column(word("missed.priorities"), word("missed.gold_lower")),
            Column(word("missed.false_head"), percent), Column(draft.interval_head)]
    return estimates_table("missed-others", say("missed.others", base=draft.base), head, rows, groups=groups, notes=(say("missed.answers_note"),),
                           cells=lambda e: (f"{e.n_ratings:,}", *share_cells(e)))
