"""Intraclass correlation where the design carries it; in words why not where it does not."""

from __future__ import annotations

from arms_irr.analysis.result import Result, Row
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft, coefficients_cells, estimates_table, nothing
from arms_irr.reporting.questions import ICC_BY_CASE, ICC_BY_FACTOR_BAND, ICC_BY_KIND_BAND
from arms_irr.reporting.wording import number

__all__ = ["icc_section"]

_PARTS = ("subject", "rater", "residual")


def icc_section(draft: Draft) -> Section:
    """By factor and risk band, by kind, and within each case."""
    say = draft.say
    by_factor, by_kind, by_case = (draft.ask(question) for question in (ICC_BY_FACTOR_BAND, ICC_BY_KIND_BAND, ICC_BY_CASE))
    blocks: list[Block] = []
    if nothing(by_factor):
        blocks.append(Paragraph(say("icc.none", cases=say.count(draft.fact("cases"), "case"))))
    else:
        blocks += [Paragraph(_words(draft, by_factor)), _table(draft, "factors", by_factor)]
    if not nothing(by_kind):
        blocks.append(_table(draft, "kinds", by_kind))
    if not nothing(by_case):
        blocks += [Paragraph(say("icc.profile")), _range(draft, by_case) if draft.many_cases else _case_table(draft, by_case)]
    return Section("icc", say.word("icc.title"), tuple(blocks))


def _extremes(result: Result) -> tuple[Row, Row]:
    rows = [row for row in result if row.estimate.estimable]
    return min(rows, key=lambda r: r.estimate.value), max(rows, key=lambda r: r.estimate.value)


def _words(draft: Draft, result: Result) -> Text:
    say = draft.say

    def words(row: Row) -> Text:
        return say("icc.cell", factor=draft.names.factor(row["factor"]), where=draft.names.where(row[draft.band]),
                   value=say.coefficient(row.estimate), limits=say.limits(row.estimate, 1, 2))

    low, high = _extremes(result)
    return say("icc.words", high=words(high), low=words(low))


def _range(draft: Draft, result: Result) -> Paragraph:
    say = draft.say
    low, high = _extremes(result)
    cases = draft.counted("cases with an ICC", sum(row.estimate.estimable for row in result))
    return Paragraph(say("icc.range", cases=say.count(cases, "case"), low=say.coefficient(low.estimate), high=say.coefficient(high.estimate)))


def _table(draft: Draft, which: str, result: Result) -> Table:
    say, rows, groups = draft.say, [], []
    first = next(by for by in result.by if by != draft.band)
    label = draft.names.factor if first == "factor" else draft.names.kind
    for value, own in result.split(draft.band).items():
        for row in own:
            e = row.estimate
            parts = [number(e.parts.get(name, float("nan")), 3) for name in _PARTS]
            rows.append(([label(row[first]), f"{e.n_subjects:,}", f"{e.n_raters:,}", *parts], [e]))
        groups.append((draft.names.bands[value], len(own)))
    variances = (Column(say.word("icc.variance"), say.word(f"icc.of_{name}")) for name in _PARTS)
    heads = ("factor" if first == "factor" else "kind", "subjects", "officers")
    head = [*(Column(say.word(f"icc.{key}")) for key in heads), *variances, Column(say.word("icc.icc")), Column(draft.interval_head)]
    return estimates_table(f"icc-{which}", say(f"icc.{which}"), head, rows, cells=coefficients_cells, groups=groups,
                           notes=(say("icc.no_limits"),))


def _case_table(draft: Draft, result: Result) -> Table:
    say = draft.say
    rows = [([draft.names.case(row["case"]), *(f"{n:,}" for n in (row.estimate.n_subjects, row.estimate.n_raters, row.estimate.n_ratings))],
             [row.estimate]) for row in result]
    heads = ("case", "factors_head", "officers", "ratings", "icc")
    head = [*(Column(say.word(f"icc.{key}")) for key in heads), Column(draft.interval_head)]
    return estimates_table("icc-cases", say("icc.cases"), head, rows, cells=coefficients_cells)
