"""Unable to rate: how often, on what, by how many officers; whether officers agree on it; what it could hide."""

from __future__ import annotations

from collections.abc import Sequence

from arms_irr import plots
from arms_irr.analysis.imputation import agreement_bounds, gold_rules
from arms_irr.analysis.ratability import ESTIMANDS, estimands, ratability
from arms_irr.analysis.result import Result, Row, stack
from arms_irr.analysis.unable import EVERYWHERE, ratability_model, unable_by_gold, unable_rates, unable_spread
from arms_irr.errors import ArgumentError
from arms_irr.reporting.document import Block, Cited, Column, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import FEW_CASES, Draft, estimates_table, nothing
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.questions import BAND, Question, band_of
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import NA, coefficient, interval, number
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.study.study import Study

__all__ = ["ratability_section"]

MOST_OFFICERS = 500  # agreement on "unable to rate" goes through every pair of officers
MOST_RATINGS = 20_000  # best and worst case are searched for


def _grouping(study: Study) -> list[str]:
    return ["case"] if len(study.cases) <= FEW_CASES else [band_of(study)]


def _rates(name: str, *by: str) -> Question:
    return Question(name, lambda s, o: unable_rates(s, [band_of(s) if one == BAND else one for one in by], confidence_level=o.confidence_level))


def _ask_agreement(study: Study, level: float) -> Result:
    if len(study.raters) > MOST_OFFICERS:
        raise ArgumentError(f"agreement on 'unable to rate' over all pairs of officers would take too long with more than {MOST_OFFICERS} officers")
    return ratability(study, ["kind", band_of(study)], confidence_level=level)


def _ask_bounds(study: Study) -> Result:
    if len(study.ratings.code) > MOST_RATINGS:
        raise ArgumentError(f"the search for the best and the worst case would take too long with more than {MOST_RATINGS:,} ratings")
    by = _grouping(study)
    exact, near = agreement_bounds(study, by, coefficients=["percent"], weights="identity"), agreement_bounds(study, by, coefficients=["gwet"])
    return stack(near.question, exact, near)


RATES = _rates("unable_to_rate_by_kind", "kind", BAND)
RATES_BY_FACTOR = _rates("unable_to_rate_by_factor", "factor", BAND)
RATES_BY_CASE = _rates("unable_to_rate_by_case", "case")
AGREEMENT = Question("agreement_on_ratability", lambda s, o: _ask_agreement(s, o.confidence_level))
SPREAD = Question("unable_to_rate_over_officers", lambda s, o: unable_spread(s))
BY_GOLD = Question("unable_to_rate_by_gold", lambda s, o: unable_by_gold(s, confidence_level=o.confidence_level))
MODEL = Question("ratability_model", lambda s, o: ratability_model(s, confidence_level=o.confidence_level))
READINGS = Question("three_readings", lambda s, o: estimands(s, _grouping(s), confidence_level=o.confidence_level), step="ratability")
BOUNDS = Question("best_and_worst_case", lambda s, o: _ask_bounds(s))
SCORINGS = Question("gold_by_rule", lambda s, o: gold_rules(s, ["kind", band_of(s)], confidence_level=o.confidence_level))


def ratability_section(draft: Draft) -> Section:
    """Rates, spread over officers, the model; agreement on it; the readings and bounds; the scorings against gold."""
    say, title = draft.say, draft.say.word("ratability.title")
    rates = draft.ask(RATES)
    if nothing(rates):
        return Section("ratability", title, (Paragraph(say("ratability.none")),))
    unable = draft.fact("unable")
    if unable.value == 0:
        return Section("ratability", title, (Paragraph(say("ratability.nobody")), *_blanks(draft)))
    draft.ask(RATES_BY_CASE)
    blocks: list[Block] = [
        Paragraph(_words(draft, rates)), *_model(draft), Paragraph(_spread(draft)), *_figure(draft), _kind_table(draft, rates),
        *_by_gold(draft), Paragraph(say("ratability.missing_not_at_random")), *_readings(draft), *_scorings(draft), *_blanks(draft),
    ]
    return Section("ratability", title, tuple(blocks))


# --- how often -------------------------------------------------------------------------------------------


def _words(draft: Draft, rates: Result) -> Text:
    say = draft.say
    rows = [row for row in rates if row.estimate.estimable]
    low, high = (pick(rows, key=lambda row: row.estimate.value) for pick in (min, max))
    said = [say("ratability.cell", kind=draft.names.kinds(row["kind"]), where=draft.names.where(row[draft.band]), share=say.of_100(row.estimate),
                base=say.base(row.estimate, say.ratings(row.estimate))) for row in (high, low)]
    whole = say.part(draft.fact("unable"), "share", scale=100, decimals=1)
    if high.estimate.value == low.estimate.value:
        return say("ratability.words_same", whole=whole)
    return say("ratability.words", whole=whole, high=said[0], low=said[1])


def _model(draft: Draft) -> list[Paragraph]:
    """Protective against risk factors, in one sentence."""
    say, found = draft.say, draft.ask(MODEL)
    difference = found.get("difference", where=EVERYWHERE)
    if not difference.estimable:
        why = Label("; ".join(difference.reasons))
        return [] if "one-kind" in difference.flags else [Paragraph(say("ratability.no_model", why=why))]
    risk, protective = (found.get("unable_probability", kind=kind, where=EVERYWHERE) for kind in ("risk", "protective"))
    ratios = found.where("unable_odds_ratio")
    if one := ratios.where(where=EVERYWHERE).rows:  # the same in all bands
        odds = [say("ratability.odds", ratio=say.plain(one[0].estimate), limits=say.limits(one[0].estimate, 1, 1))]
    else:
        odds = [say("ratability.odds_where", ratio=say.plain(row.estimate), limits=say.limits(row.estimate, 1, 1),
                    where=draft.names.where(row["where"])) for row in ratios]
    key = "more" if difference.ci_low > 0 else "less" if difference.ci_high < 0 else "neither"
    return [Paragraph(say(f"ratability.model_{key}", protective=say.share(protective), risk=say.share(risk), points=say.points(difference),
                          limits=say.limits(difference), odds=say.listed(odds)))]


def _spread(draft: Draft) -> Text:
    say, found = draft.say, draft.ask(SPREAD)
    low, middle, high = (found.get("unable_to_rate", of=of) for of in ("lowest", "median", "highest"))
    if low.n_raters == 1:
        return say("ratability.spread_one", share=say.share(low))
    never = Cited(number(low.parts["officers"], 0), low)
    return say("ratability.spread", low=say.share(low), middle=say.share(middle), high=say.share(high), never=never, officers=say.officers(low))


def _figure(draft: Draft) -> list[Block]:
    say, found = draft.say, draft.ask(RATES_BY_FACTOR)
    rows = [row for row in found if row.estimate.estimable]
    if not rows:
        return []
    row = max(rows, key=lambda row: row.estimate.value)
    finding = say("ratability.finding", factor=draft.names.factor(row["factor"]), where=draft.names.where(row[draft.band]), share=say.share(row.estimate))
    return [draft.figure("fig-unable", finding, say("ratability.caption", level=draft.interval_head, base=draft.base),
                         say("ratability.alt", finding=finding), plots.gold_agreement, found, draft.ask(_rates("unable_to_rate_by_band", BAND)),
                         coefficient="unable_to_rate", instrument=draft.study.instrument, names=draft.names.bands)]


def _kind_table(draft: Draft, rates: Result) -> Table:
    """Rates, and agreement on ratable or not, kind by kind within each band."""
    say, found = draft.say, draft.ask(AGREEMENT)
    rows, groups = [], []
    for band, part in rates.split(draft.band).items():
        kinds = part.split("kind")
        for kind, own in kinds.items():
            own_agreement = {row.coefficient: row.estimate for row in found.where(kind=kind, **{draft.band: band})} if found.rows else {}
            rate = own.get("unable_to_rate")
            agree = [own_agreement.get(name, undefined()) for name in ("percent", "gwet", "positive_agreement")]
            cells = (number(100 * rate.value, 1), interval(rate, 100, 1), *(
                text for e, scale in zip(agree, (100, 1, 100), strict=True) for text in (number(scale * e.value, 1 if scale == 100 else 3),
                                                                                         interval(e, scale, 1 if scale == 100 else 3))))
            rows.append((draft.names.kind(kind), f"{rate.n_ratings:,}", *cells))
        groups.append((draft.names.bands.get(band, band), len(kinds)))
    percent = say.word("ratability.percent")
    heads = (("share", percent), ("percent_ratable", percent), ("ac1", ""), ("positive", percent))
    columns = [Column(say.word("ratability.kind")), Column(say.word("ratability.answers"))]
    for key, unit in heads:
        columns += [Column(say.word(f"ratability.{key}"), unit), Column(draft.interval_head)]
    notes = [say("ratability.positive_note"), *(() if found.rows else ((Label(_sentence(found.notes[0])),)))]
    return Table("table-ratability", say("ratability.kinds", base=draft.base), tuple(columns), tuple(rows), tuple(notes), tuple(groups))


def _by_gold(draft: Draft) -> list[Paragraph]:
    say = draft.say
    parts = [say("ratability.gold_part", gold=Label(row["gold"]), share=say.share(row.estimate), limits=say.limits(row.estimate))
             for row in draft.ask(BY_GOLD) if row.estimate.estimable]
    return [Paragraph(say("ratability.by_gold", found=say.listed(parts)))] if len(parts) > 1 else []


# --- what it does to the other numbers ---------------------------------------------------------------------


def _readings(draft: Draft) -> list[Block]:
    """Three questions about agreement, and how far the first could lie from the truth."""
    say, found, bounds = draft.say, draft.ask(READINGS), draft.ask(BOUNDS)
    if nothing(found):
        return []
    by, rows, groups = found.by[0], [], []
    heads = draft.names.bands if by != "case" else draft.names.cases
    for value, part in found.split(by).items():
        own = [row for name in ESTIMANDS for row in _exact_and_gwet(part.where(estimand=name))]
        for row in own:
            between = _between(bounds.where(row.coefficient, **{by: value})) if row["estimand"] == ESTIMANDS[0] else "–"
            rows.append(([say.word(f"ratability.{row['estimand'].replace(' ', '_')}"), coefficient_name(row.coefficient, _weights(row.estimate.weights)),
                          f"{row.estimate.n_ratings:,}", between], [row.estimate]))
        groups.append((heads.get(value, value), len(own)))
    keys = ("reading", "coefficient", "answers_used", "bounds", "value")
    head = [Column(say.word(f"ratability.{key}"), align="left" if key == "coefficient" else "right") for key in keys]
    why = ((Label(_sentence(bounds.notes[0])),),) if not bounds.rows else ()
    return [estimates_table("readings", say("ratability.readings"), [*head, Column(draft.interval_head)], rows, groups=groups,
                            cells=lambda e: (coefficient(e.value, table=True), interval(e, 1, 3)),
                            notes=(say("ratability.readings_note"), say("ratability.bounds_note"), *why))]


def _exact_and_gwet(part: Result) -> list[Row]:
    """Exact percent agreement, which stands first, and Gwet's coefficient."""
    return [*part.where("percent").rows[:1], *part.where("gwet").rows[:1]]


def _weights(weights: str) -> str:
    return weights.removesuffix(" in a block")


def _between(bounds: Result) -> str:
    """The two bounds in a table: "0.604 to 0.773"."""
    ends = {row["bound"]: coefficient(row.estimate.value, table=True) for row in bounds}
    return NA if NA in ends.values() or not ends else f"{ends['lowest']} to {ends['highest']}"


def _scorings(draft: Draft) -> list[Block]:
    """Agreement with gold under the three rules and the two bounds."""
    say, found = draft.say, draft.ask(SCORINGS)
    if nothing(found):
        return []
    rows, groups = [], []
    for band, part in found.split(draft.band).items():
        kinds = [(kind, own) for kind, own in part.split("kind").items() if kind != "overall"]
        for kind, own in kinds:
            e = [own.get("exact", rule=rule) for rule in ("exclude", "disagreement", "urgency")]
            ends = [own.get("exact", rule=rule) for rule in ("lowest", "highest")]
            beside = _share(e[2]) if e[2].n_ratings > e[0].n_ratings else (say.word("ratability.not_recorded"), "–")
            low, high = (number(100 * one.value, 1) for one in ends)
            rows.append((draft.names.kind(kind), f"{e[1].n_ratings:,}", *_share(e[0]), *_share(e[1]), *beside,
                         NA if NA in (low, high) else f"{low} to {high}"))
        groups.append((draft.names.bands.get(band, band), len(kinds)))
    heads: Sequence[tuple[str, bool]] = (("exclude", True), ("disagreement", True), ("urgency", True), ("gold_bounds", False))
    columns = [Column(say.word("ratability.kind")), Column(say.word("ratability.answers"))]
    for key, limits in heads:
        columns += [Column(say.word(f"ratability.{key}"), say.word("ratability.percent")), *([Column(draft.interval_head)] if limits else [])]
    notes = (say("ratability.rules_note"),)
    return [Table("table-scorings", say("ratability.scorings", base=draft.base), tuple(columns), tuple(rows), notes, tuple(groups))]


def _share(e: Estimate) -> tuple[str, str]:
    return number(100 * e.value, 1), interval(e, 100, 1)


def _blanks(draft: Draft) -> list[Paragraph]:
    """What is missing and is not "unable to rate"."""
    say, blank = draft.say, draft.fact("blank")
    if blank.value == 0:
        return [Paragraph(say("ratability.no_blanks"))]
    return [Paragraph(say("ratability.blanks", blanks=say.count(blank, "rating"), share=say.part(blank, "share", decimals=1, scale=100)))]


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + ("" if words.endswith(".") else ".")
