"""What was rated, factor by factor."""

from __future__ import annotations

from arms_irr import plots
from arms_irr.analysis.distributions import BLANK
from arms_irr.analysis.result import Result, Row
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.questions import DISTRIBUTIONS
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import NA

__all__ = ["distributions_section"]


def distributions_section(draft: Draft) -> Section:
    """Diverging stacked bars, and the counts behind them where they fit on a page."""
    found, study, say = draft.ask(DISTRIBUTIONS), draft.study, draft.say
    caption = say("distributions.caption_gold" if study.has_gold else "distributions.caption", base=draft.base)
    apart = draft.many_cases and bool(study.bands)
    panels = {band: part for band in study.bands if (part := found.where(risk_band=band)).rows} if apart else {"": found}
    blocks: list[Block] = [
        draft.figure(
            f"fig-distributions-{place}",
            say("distributions.band", band=Label(draft.names.bands[band])) if apart else _most_and_least(draft, part),
            caption, say("distributions.alt", finding=_most_and_least(draft, part)), plots.distributions, part, study.instrument, names=draft.names.cases,
        )
        for place, (band, part) in enumerate(panels.items(), 1)
    ]
    blocks.append(Paragraph(say("distributions.elsewhere")) if draft.many_cases else _table(draft))
    return Section("distributions", say.word("distributions.title"), tuple(blocks))


def _most_and_least(draft: Draft, found: Result) -> Text:
    """The factors on which officers were most and least of one mind."""
    modal: dict[tuple[str, str], Row] = {}
    for row in found:
        key = (row["factor"], row["case"])
        if key not in modal or (row.estimate.value, row["category"]) > (modal[key].estimate.value, modal[key]["category"]):
            modal[key] = row
    best, worst = (pick(modal.values(), key=lambda row: row.estimate.value) for pick in (max, min))
    if best.estimate.value == worst.estimate.value:
        return draft.say("distributions.finding_same")

    def words(row: Row) -> Text:
        return draft.say(
            "distributions.finding_cell", factor=draft.names.factor(row["factor"]), case=draft.names.case(row["case"]),
            share=draft.say.share(row.estimate), category=Label(row["category"]),
        )

    return draft.say("distributions.finding", most=words(best), least=words(worst))


def _table(draft: Draft) -> Table:
    found, say = draft.ask(DISTRIBUTIONS), draft.say
    categories = _categories(draft)
    rows, groups = [], []
    for case in draft.study.cases:
        factors = found.where(case=case).split("factor")
        for factor, cells in factors.items():
            own = {row["category"]: row for row in cells}
            counts = [f"{own[c].estimate.parts['count']:,.0f}" if c in own else "–" for c in categories]
            rows.append((draft.names.factor(factor), next(iter(own.values()))["gold"] or NA, *counts))
        groups.append((draft.names.cases[case], len(factors)))
    heads = (Column(say.word("distributions.factor")), Column(say.word("distributions.gold"), align="left"))
    columns = (*heads, *(Column(c[0].upper() + c[1:]) for c in categories))
    return Table("table-distributions", say("distributions.table", base=draft.base), columns, tuple(rows), (say("distributions.dash"),), tuple(groups))


def _categories(draft: Draft) -> list[str]:
    """Every rating that occurs on a scale, priorities first, then 'unable to rate', then blanks."""
    instrument = draft.study.instrument
    scales = {instrument.factors[i].scale: instrument.scales[instrument.factors[i].scale] for i in draft.study.factors_rated}
    longest = sorted(scales.values(), key=lambda scale: -len(scale.categories))
    return list(dict.fromkeys([c for scale in longest for c in scale.categories] + [n for scale in longest for n in scale.not_rated[:1]] + [BLANK]))
