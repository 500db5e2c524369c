"""The overall priority: agreement, fit with the officer's own factor ratings, where disagreement comes from, the level."""

from __future__ import annotations

from collections.abc import Sequence

from arms_irr.analysis.consequences import final_level
from arms_irr.analysis.overall import overall_consistency, overall_integration
from arms_irr.analysis.result import Result, Row
from arms_irr.reporting.document import Block, Bullets, Column, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft, estimates_table, nothing, signed_cells
from arms_irr.reporting.questions import GOLD_BY_FACTOR_BAND, GOLD_BY_FACTOR_CASE, Question
from arms_irr.reporting.sections.gold import of
from arms_irr.reporting.voice import Label
from arms_irr.statistics.estimate import Estimate

__all__ = ["extremes", "overall_section"]

CONSISTENCY = Question("overall_consistency", lambda s, o: overall_consistency(s, confidence_level=o.confidence_level), step="overall")
INTEGRATION = Question("overall_integration", lambda s, o: overall_integration(s, confidence_level=o.confidence_level), step="overall")
FINAL_LEVEL = Question("final_level", lambda s, o: final_level(s, confidence_level=o.confidence_level))
SHARES = ("overall_from_factors", "overall_from_level", "overall_from_weights", "overall_unexplained")


def overall_section(draft: Draft) -> Section:
    """Everything that is asked of the overall priority; what the study does not carry in one sentence each."""
    say, tool = draft.say, draft.study.instrument
    title = say.word("overall.title")
    overall = next((tool.factors[i].id for i in draft.study.factors_rated if tool.factors[i].kind == "overall"), None)
    if overall is None:
        return Section("overall", title, (Paragraph(say("overall.none")),))
    blocks = [Paragraph(say("overall.words")), *_agreement(draft, overall), _guide(draft), _sources(draft), _level(draft)]
    return Section("overall", title, tuple(blocks))


def extremes(result: Result, coefficient: str) -> tuple[Row, Row] | None:
    """The rows with the smallest and the largest value of a coefficient."""
    rows = [row for row in result.where(coefficient) if row.estimate.estimable]
    return (min(rows, key=lambda r: r.estimate.value), max(rows, key=lambda r: r.estimate.value)) if rows else None


def _why(result: Result) -> Paragraph:
    """The reason that analysis gives for having nothing."""
    why = result.notes[0]
    return Paragraph((Label(why[0].upper() + why[1:] + ("" if why.endswith(".") else ".")),))


# --- agreement with the gold standard ----------------------------------------------------------------------


def _agreement(draft: Draft, overall: str) -> list[Block]:
    say, many = draft.say, draft.many_cases
    found = draft.ask(GOLD_BY_FACTOR_BAND if many else GOLD_BY_FACTOR_CASE)
    if not found.rows:
        return [_why(found)]
    result = found.where(factor=overall)
    heads = draft.names.bands if many else draft.names.cases
    table = _three_ways(draft, result, heads, ("exact", "under", "over"), "overall", say("overall.agreement", base=draft.base))
    told = _told(draft, result, heads, ("exact", "under", "over"), "overall.same")
    elsewhere = [Paragraph(say("overall.cases_elsewhere"))] if many else []
    if many:
        draft.ask(GOLD_BY_FACTOR_CASE)
    return [*([Bullets(tuple(told))] if told else []), table, *elsewhere]


def _told(draft: Draft, result: Result, heads: dict[str, str], names: Sequence[str], key: str) -> list[Text]:
    """A sentence for each case or band: the same as the gold standard, lower, higher."""
    say, texts = draft.say, []
    for value, own in result.split(result.by[-1]).items():
        same, lower, higher = (own.get(name) for name in names)
        if not same.estimable:
            continue
        texts.append(say(
            key, **{"case" if key == "overall.level_found" else "where": Label(heads.get(value, value))}, share=say.of_100(same),
            base=say.base(same, say.officers(same)), lower=_direction(draft, "lower", lower), higher=_direction(draft, "higher", higher)))
    return texts


def _direction(draft: Draft, word: str, e: Estimate) -> Text:
    say = draft.say
    return say(f"overall.{word}", share=say.share(e)) if e.estimable else say(f"overall.cannot_{word}")


def _three_ways(draft: Draft, result: Result, heads: dict[str, str], names: Sequence[str], id: str, caption: Text) -> Table:
    """A row for each case or band: the same as the gold standard, lower and higher."""
    word = draft.say.word
    rows = []
    for value, own in result.split(result.by[-1]).items():
        cells = [own.get(name) for name in names]
        rows.append(((heads.get(value, value), of(draft, cells[0])), cells))
    first = word("overall.band" if result.by[-1] == "risk_band" else "overall.case")
    head = [Column(first), Column(word("overall.same_head"), word("overall.number"))]
    for key in ("same_head", "lower_head", "higher_head"):
        head += [Column(word(f"overall.{key}"), word("overall.percent")), Column(draft.interval_head)]
    return estimates_table(id, caption, head, rows)


# --- the guide ---------------------------------------------------------------------------------------------


def _guide(draft: Draft) -> Section:
    """Whether the overall priority fits the officer's own factor ratings."""
    say, found = draft.say, draft.ask(CONSISTENCY)
    title = say.word("overall.guide_title")
    if not found.rows:
        return Section("overall-guide", title, (Paragraph(say("overall.guide_absent")),))
    blocks: list[Block] = [Paragraph(say("overall.guide"))]
    if draft.many_cases:
        blocks += _range(draft, found, "consistent_overall", "overall.guide_many")
        return Section("overall-guide", title, (*blocks, Paragraph(say("overall.guide_elsewhere"))))
    rows = [((draft.names.cases[row["case"]], f"{row.estimate.n_ratings:,}"), (row.estimate,)) for row in found]
    told = [say("overall.guide_found", case=draft.names.case(row["case"]), share=say.of_100(row.estimate),
                base=say.base(row.estimate, say.officers(row.estimate))) for row in found if row.estimate.estimable]
    head = [Column(say.word("overall.case")), Column(say.word("overall.ratings"), say.word("overall.number")),
            Column(say.word("overall.allowed"), say.word("overall.percent")), Column(draft.interval_head)]
    blocks += [*([Bullets(tuple(told))] if told else []),
               estimates_table("overall-guide", say("overall.guide_table", base=draft.base), head, rows)]
    return Section("overall-guide", title, tuple(blocks))


def _range(draft: Draft, result: Result, coefficient: str, key: str) -> list[Block]:
    """The cases with the lowest and the highest share, where single cases go to the tables."""
    say, found = draft.say, extremes(result, coefficient)
    if found is None:
        return []
    low, high = found[0].estimate, found[1].estimate
    return [Paragraph(say(
        key, first=draft.names.case(found[0]["case"]), low=say.of_100(low), low_base=say.base(low, say.officers(low)),
        last=draft.names.case(found[1]["case"]), high=say.of_100(high), high_base=say.base(high, say.officers(high))))]


# --- where disagreement comes from -------------------------------------------------------------------------


def _sources(draft: Draft) -> Section:
    """How much disagreement goes with the factor ratings, and how much with what officers make of them."""
    say, found = draft.say, draft.ask(INTEGRATION)
    title = say.word("overall.sources_title")
    if not found.rows:
        return Section("overall-sources", title, (_why(found),))
    main = [found.get(name) for name in SHARES]
    if not any(e.estimable for e in main) and nothing(found.where("policy_weight")):
        return Section("overall-sources", title, (Paragraph(say("overall.sources_none", why=Label(main[0].reasons[0]))),))
    blocks: list[Block] = [Paragraph(say("overall.sources")), *_shares(draft, found), *_pairs(draft, found), *_policy(draft, found)]
    notes = tuple(Paragraph((Label(note),)) for note in found.notes[1:])
    return Section("overall-sources", title, (*blocks, *notes))


def _shares(draft: Draft, found: Result) -> list[Block]:
    say = draft.say
    e = {name: found.get(name) for name in SHARES}
    texts: list[Text] = []
    for name, key in zip(SHARES, ("from_factors", "from_level", "from_weights", "unexplained"), strict=True):
        if e[name].estimable:
            counts = (say.ratings(e[name]), say.officers(e[name])) if name == SHARES[0] else ()
            texts.append(say(f"overall.{key}", share=say.share(e[name]), base=say.base(e[name], *counts)))
        elif key in ("from_level", "from_weights") and e[SHARES[0]].estimable:
            texts.append(say(f"overall.no_{key.removeprefix('from_')}", why=Label(e[name].reasons[0])))
    if texts and "few-cases" in e[SHARES[0]].flags:
        texts.append(say("overall.few"))
    rows = [((say.word(f"overall.{name}"), f"{e[name].n_ratings:,}", f"{e[name].n_raters:,}"), (e[name],)) for name in SHARES]
    head = [Column(say.word("overall.source")), Column(say.word("overall.ratings")), Column(say.word("overall.officers")),
            Column(say.word("overall.share"), say.word("overall.percent")), Column(draft.interval_head)]
    table = estimates_table("overall-shares", say("overall.shares_table", base=draft.base), head, rows)
    return [*([Bullets(tuple(texts))] if texts else []), table]


def _pairs(draft: Draft, found: Result) -> list[Block]:
    """Pairs who disagree against pairs who agree: whether the predominance of their factors differs as often."""
    say = draft.say
    two = [row.estimate for name in ("disagreeing", "agreeing") for row in found.where(f"pairs_{name}_differ")]
    if len(two) < 2 or not all(e.estimable for e in two):
        return []
    apart, alike = two
    return [Paragraph(say("overall.pairs", disagreeing=say.of_100(apart), disagreeing_base=_pairs_base(draft, apart),
                          agreeing=say.of_100(alike), agreeing_base=_pairs_base(draft, alike)))]


def _pairs_base(draft: Draft, e: Estimate) -> Text:
    return draft.say.base(e, draft.say("overall.pairs_count", pairs=draft.say.part(e, "pairs")), draft.say.officers(e))


def _policy(draft: Draft, found: Result) -> list[Block]:
    """The weights that all officers together give to what they rated, and how well they describe the overall priority."""
    say, blocks = draft.say, list[Block]()
    r2, agreement = found.get("policy_r2"), found.get("policy_agreement")
    if r2.estimable and agreement.estimable:
        blocks.append(Paragraph(say("overall.policy", r2=say.share(r2), r2_base=say.base(r2), agreement=say.of_100(agreement),
                                    agreement_base=say.base(agreement))))
    weights = found.where("policy_weight")
    if nothing(weights):
        return blocks
    rows = [((say.word(f"overall.cue_{row['cue']}"), f"{row.estimate.n_ratings:,}"), (row.estimate,)) for row in weights]
    head = [Column(say.word("overall.cue")), Column(say.word("overall.ratings")), Column(say.word("overall.weight"), say.word("overall.steps")),
            Column(draft.interval_head)]
    return [*blocks, estimates_table("overall-weights", say("overall.weights_table", base=draft.base), head, rows, cells=signed_cells)]


# --- the level of risk management --------------------------------------------------------------------------


def _level(draft: Draft) -> Section:
    """The level that the study's own table gives; one sentence where there is no table."""
    say, found = draft.say, draft.ask(FINAL_LEVEL)
    title = say.word("overall.level_title")
    if not found.rows:
        return Section("overall-level", title, (_why(found),))
    basis = Paragraph((Label(found.notes[0]),))
    if draft.many_cases:
        told = _range(draft, found, "final_level_exact", "overall.level_many")
        return Section("overall-level", title, (basis, *told, Paragraph(say("overall.level_elsewhere"))))
    names = ("final_level_exact", "final_level_lower", "final_level_higher")
    told = _told(draft, found, draft.names.cases, names, "overall.level_found")
    table = _three_ways(draft, found, draft.names.cases, names, "final-level", say("overall.level_table", base=draft.base))
    return Section("overall-level", title, (basis, *([Bullets(tuple(told))] if told else []), table))
