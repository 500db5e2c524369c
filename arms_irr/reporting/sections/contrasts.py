"""Differences: lower and higher risk, risk and protective factors, and what else could explain them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

from arms_irr import plots
from arms_irr.analysis.by_factor import factor_contrasts, over_factors
from arms_irr.analysis.composition import adjusted_contrast, by_gold_category, standardised_contrast
from arms_irr.analysis.contrasts import confirmatory, contrast
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.result import Result, Row, stack
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table, Text, plain
from arms_irr.reporting.draft import Draft, coefficients_cells, estimates_table, nothing
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.questions import GOLD_BY_BAND, Options, Question, band_of
from arms_irr.reporting.sections.agencies import agencies_section, by_agency
from arms_irr.reporting.sections.differences import STORY, amount, base, cells, lean, odds, p_cell, said, why
from arms_irr.reporting.sections.occasions import occasions_section
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import number
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.study import Study

__all__ = ["contrast_points", "contrasts_section"]

_COEFFICIENTS = ("percent", "gwet", "brennan_prediger")


def _between(study: Study, options: Options) -> Result:
    found = [contrast(study, "risk_band", coefficient=name, confidence_level=options.confidence_level, seed=options.seed)
             for name in _COEFFICIENTS]
    return stack("Agreement between officers at two levels of risk", *found)


CONFIRMATORY = Question(
    "contrasts", lambda s, o: confirmatory(s, confidence_level=o.confidence_level, seed=o.seed), step="contrasts")
OVER_FACTORS = Question(
    "contrasts_over_factors", lambda s, o: over_factors(s, confidence_level=o.confidence_level, seed=o.seed))
BY_FACTOR = Question(
    "contrasts_by_factor", lambda s, o: factor_contrasts(s, confidence_level=o.confidence_level, seed=o.seed))
BY_GOLD = Question(
    "agreement_by_gold_category", lambda s, o: by_gold_category(s, [band_of(s)], confidence_level=o.confidence_level))
STANDARDISED = Question(
    "contrast_standardised", lambda s, o: standardised_contrast(s, confidence_level=o.confidence_level))
ADJUSTED = Question("contrasts_adjusted", lambda s, o: adjusted_contrast(s, confidence_level=o.confidence_level))
BETWEEN = Question("contrasts_between_raters", _between)
BY_OFFICER = Question("agreement_with_gold_by_officer", lambda s, o: against_gold(
    s, ["rater", band_of(s)], statistics=["exact"], confidence_level=o.confidence_level))


def contrasts_section(draft: Draft) -> Section:
    """The questions asked beforehand, each officer, factor by factor, the gold standard's mix, groups, occasions."""
    found = (_asked(draft), _officers(draft), _factors(draft), _composition(draft), _agreement(draft), agencies_section(draft),
             occasions_section(draft))
    return Section("contrasts", draft.say.word("contrasts.title"), tuple(block for blocks in found for block in blocks))


def contrast_points(draft: Draft) -> tuple[Text, ...]:
    """The questions asked beforehand, in a line for the main points; empty where the study carries none."""
    found = [_point(draft, row) for row in _confirmatory(draft) if row.estimate.estimable]
    return (draft.say("contrasts.point", found=draft.say.series(found)),) if found else ()


def _point(draft: Draft, row: Row) -> Text:
    say, e, (first, second) = draft.say, row.estimate, _sides(draft, row)
    adjusted = [say("contrasts.point_p", holm=say.p(e, "p_holm"))] if "p_holm" in e.parts else []
    limits = say.base(e, *adjusted, say.officers(e))
    return say(f"contrasts.point_{_key(row)}_{lean(e)}", first=first, second=second, amount=amount(draft, e), base=limits)


def _confirmatory(draft: Draft) -> Result:
    return draft.ask(CONFIRMATORY)


def _key(row: Row) -> str:
    return {"risk_band": "level", "kind": "level"}.get(row["contrast"], "both")


def _sides(draft: Draft, row: Row) -> tuple[Text, Text]:
    """Both sides of a difference as they stand in a sentence: "in the lower-risk case", "on risk factors"."""
    if row["contrast"] == "risk_band":
        first, second = _bands(draft, row)
        return draft.names.where(first), draft.names.where(second)
    return draft.say("contrasts.on", kind=draft.names.kinds("risk")), draft.say("contrasts.on", kind=draft.names.kinds("protective"))


def _bands(draft: Draft, row: Row) -> tuple[str, str]:
    """The two bands of a difference; its row names them in words."""
    return next((a, b) for a, b in permutations(draft.bands, 2) if row["level"].startswith((f"{a} less {b}", f"({a} less {b})")))


def _name(draft: Draft, row: Row) -> str:
    """A difference as the name of a row: "Lower-risk case less higher-risk case"."""
    say, names = draft.say, draft.names
    if row["contrast"] == "risk_band":
        text = _less(draft, row)
    elif row["contrast"] == "kind":
        text = say("contrasts.less", first=names.kinds("risk"), second=names.kinds("protective"))
    elif row["contrast"] == "agency":
        text = (Label(row["level"]),)
    else:
        text = say("contrasts.interaction", first=names.kinds("risk"), second=names.kinds("protective"))
    words = plain(text)
    return words[:1].upper() + words[1:]


def _less(draft: Draft, row: Row) -> Text:
    """ "lower-risk case less higher-risk case"."""
    first, second = (draft.names.band(band) for band in _bands(draft, row))
    return draft.say("contrasts.less", first=first, second=second)


# --- asked beforehand ------------------------------------------------------------------------------------------


def _asked(draft: Draft) -> Iterator[Block]:
    say, result = draft.say, _confirmatory(draft)
    if not draft.study.has_gold:
        yield Paragraph(say("contrasts.no_gold"))
        return
    if not result.rows:
        yield Paragraph(say("contrasts.nothing"))
        return
    yield Paragraph(say("contrasts.words"))
    for row in result:
        first, second = _sides(draft, row)
        yield Paragraph(said(draft, f"contrasts.{_key(row)}", row.estimate, first=first, second=second))
    if not draft.study.bands or len(draft.bands) < 2:
        yield Paragraph(say("contrasts.no_bands"))
    yield from _confounded(draft, result)
    groups = by_agency(draft)
    rows = [*result, *groups]
    yield _asked_table(draft, rows, len(result))
    if any(row.estimate.estimable for row in rows):
        names = {row["level"]: _name(draft, row) for row in rows}
        finding = _finding(draft, result)
        yield draft.figure("fig-contrasts", finding, say("contrasts.forest", level=draft.interval_head, base=draft.base),
                           say("contrasts.forest_alt", found=say.series([_spoken(draft, row) for row in rows if row.estimate.estimable])),
                           plots.contrasts, replace(result, rows=tuple(rows)), names=names)


def _spoken(draft: Draft, row: Row) -> Text:
    e = row.estimate
    return draft.say("contrasts.forest_part", what=Label(_name(draft, row)), amount=amount(draft, e), limits=draft.say.limits(e))


def _finding(draft: Draft, result: Result) -> Text:
    """How many of the differences asked beforehand lie on one side of 0 with their whole interval."""
    say = draft.say
    clear = [row for row in result if row.estimate.estimable and lean(row.estimate) != "open"]
    if not clear:
        return say("contrasts.finding_none")
    return say("contrasts.finding", found=say.listed([
        say(f"contrasts.finding_{_key(row)}_{lean(row.estimate)}", first=_sides(draft, row)[0], second=_sides(draft, row)[1])
        for row in clear]))


def _confounded(draft: Draft, result: Result) -> Iterator[Block]:
    """What the design cannot tell apart, beside what it shows."""
    say = draft.say
    bands = next((row.estimate for row in result if row["contrast"] == "risk_band"), None)
    if bands is not None:
        yield Paragraph(say("contrasts.story" if STORY in bands.flags else "contrasts.cases"))
    if any(row["contrast"] == "kind" for row in result):
        over = draft.ask(OVER_FACTORS)
        e = over.rows[-1].estimate if over.rows else None
        if e is not None and e.estimable and e.n_raters > 1 and math.isfinite(e.parts.get("p", math.nan)):
            n = draft.say.count(draft.counted("factors compared", e.n_subjects, e), "factor")
            yield Paragraph(say("contrasts.factors_sampled", n=n, amount=amount(draft, e), limits=say.limits(e), p=say.p(e)))
        else:
            yield Paragraph(say("contrasts.factors_fixed"))


def _ways(e: Estimate) -> str:
    """How many officers lean which way: "14 / 1 / 5"."""
    counts = [e.parts.get(f"officers_{way}", math.nan) for way in ("more", "equal", "less")]
    return " / ".join(number(n, 0) for n in counts) if all(map(math.isfinite, counts)) else ""


def _asked_table(draft: Draft, rows: list[Row], first: int) -> Table:
    say, word = draft.say, draft.say.word
    head = (Column(word("contrasts.comparison")), Column(word("contrasts.difference"), word("contrasts.points")), Column(draft.interval_head),
            Column(word("contrasts.p")), Column(word("contrasts.holm")), Column(word("contrasts.effect"), word("contrasts.effect_unit")),
            Column(word("contrasts.ways"), word("contrasts.officers")), Column(word("contrasts.officers"), word("contrasts.number")))

    def shown(e: Estimate) -> tuple[str, ...]:
        effect = number(e.parts.get("effect_size", math.nan), 2)
        return (*cells(e), p_cell(e, "p_holm") if "p_holm" in e.parts else "", effect, _ways(e), f"{e.n_raters:,}")

    groups = [(word("contrasts.beforehand"), first), (word("contrasts.also"), len(rows) - first)] if len(rows) > first else []
    notes = (say("contrasts.table_p"), say("contrasts.table_ways"))
    lines = [((_name(draft, row),), (row.estimate,)) for row in rows]
    return estimates_table("contrasts", say("contrasts.table", base=draft.base), head, lines, cells=shown, groups=groups, notes=notes)


# --- each officer ----------------------------------------------------------------------------------------------


def _officers(draft: Draft) -> Iterator[Block]:
    say = draft.say
    row = next((row for row in _confirmatory(draft) if row["contrast"] == "risk_band"), None)
    if row is None or not row.estimate.estimable or row.estimate.n_raters < 2:
        return
    e, (first, second) = row.estimate, _sides(draft, row)
    result = draft.ask(BY_OFFICER)
    finding = say("contrasts.slopes", more=say.part(e, "officers_more"), officers=say.officers(e), first=first, second=second)
    ranges = []
    for band in _bands(draft, row):
        found = [one.estimate for one in result.where("exact", **{draft.band: band}) if one.estimate.estimable]
        low, high = (pick(found, key=lambda e: e.value) for pick in (min, max))
        ranges.append(say("contrasts.slopes_range", where=draft.names.where(band), low=say.share(low), high=say.share(high)))
    alt = say("contrasts.slopes_alt", finding=finding, equal=say.part(e, "officers_equal"), less=say.part(e, "officers_less"),
              ranges=say.listed(ranges))
    yield draft.figure("fig-slopes", finding, say("contrasts.slopes_caption", base=draft.base), alt, plots.slopes, result,
                       draft.ask(GOLD_BY_BAND), names={**draft.names.all})


# --- factor by factor ------------------------------------------------------------------------------------------


def _factors(draft: Draft) -> Iterator[Block]:
    say, word = draft.say, draft.say.word
    if not draft.study.has_gold or len(draft.study.bands) < 2:
        return
    result = draft.ask(BY_FACTOR)
    if nothing(result):
        return
    rows = [(part.rows[2], part.rows[:2]) for part in result.split("factor").values()]
    last = replace(rows[0][0], group={"contrast": "risk_band", "level": rows[0][0]["level"]})
    first, second = (draft.names.band(band) for band in _bands(draft, last))
    marked = [draft.names.factor(row["factor"]) for row, _ in rows if row.estimate.parts.get("below_q")]
    n = say.count(draft.counted("factors compared by band", len(rows)), "factor")
    text = say("contrasts.marked", n=n, marked=say.listed([(label,) for label in marked])) if marked else say("contrasts.unmarked", n=n)
    percent = word("contrasts.percent")
    head = (Column(word("contrasts.factor")), Column(_capital(first), percent), Column(_capital(second), percent),
            Column(word("contrasts.difference"), word("contrasts.points")), Column(draft.interval_head), Column(word("contrasts.p")),
            Column(word("contrasts.bh")), Column(word("contrasts.officers"), word("contrasts.number")))
    lines = [((draft.names.factor(row["factor"]), *(_percent(end.estimate) for end in ends)), (_without_story(row.estimate),))
             for row, ends in rows]
    table = estimates_table(
        "contrasts-factors", say("contrasts.factors", first=first, second=second, base=draft.base), head, lines,
        cells=lambda e: (*cells(e), p_cell(e, "p_bh"), f"{e.n_raters:,}"),
        notes=(say("contrasts.factors_note"), say("contrasts.factors_elsewhere")))
    yield Section("contrasts-factors", word("contrasts.factors_title"), (Paragraph(text), table))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _percent(e: Estimate) -> str:
    return number(100 * e.value, 1)


def _without_story(e: Estimate) -> Estimate:
    """For tables of one comparison, which the text has already said to be one between two stories."""
    return replace(e, flags=tuple(flag for flag in e.flags if flag != STORY))


# --- the mix of gold standards ---------------------------------------------------------------------------------


def _composition(draft: Draft) -> Iterator[Block]:
    say = draft.say
    if not draft.study.has_gold or len(draft.bands) < 2:
        return
    result = draft.ask(BY_GOLD)
    if nothing(result):
        return
    blocks: list[Block] = [Paragraph(say("contrasts.mix")), _gold_table(draft, result)]
    if len(draft.study.bands) > 1:
        blocks += [Paragraph(_standardised(draft)), Paragraph(_adjusted(draft))]
    yield Section("contrasts-mix", say.word("contrasts.mix_title"), tuple(blocks))


def _gold_table(draft: Draft, result: Result) -> Table:
    say, word = draft.say, draft.say.word
    rows, groups = [], []
    for value, part in result.split(draft.band).items():
        own = [row for row in part if row["gold"]]
        rows += [((row["gold"], _percent_of(row.estimate), f"{row.estimate.n_ratings:,}", f"{row.estimate.n_raters:,}"), (row.estimate,))
                 for row in own]
        groups += [(draft.names.bands.get(value, value), len(own))] if own else []
    head = (Column(word("contrasts.gold")), Column(word("contrasts.gold_share"), word("contrasts.percent")),
            Column(word("contrasts.priorities"), word("contrasts.number")), Column(word("contrasts.officers"), word("contrasts.number")),
            Column(word("contrasts.same"), word("contrasts.percent")), Column(draft.interval_head))
    return estimates_table("contrasts-gold", say("contrasts.gold_table", base=draft.base), head, rows, groups=groups)


def _percent_of(e: Estimate) -> str:
    return number(100 * e.parts.get("gold_share", math.nan), 0)


def _standardised(draft: Draft) -> Text:
    """The difference at one mix of gold standards, and what that mix is; or why there is none."""
    say, result = draft.say, draft.ask(STANDARDISED)
    if not result.rows:
        return say("contrasts.standard_none", why=Label(result.notes[0]))
    row = result.rows[-1]
    e = row.estimate
    if not e.estimable:
        return say("contrasts.standard_none", why=why(e))
    words: dict[str, Text] = {"what": _less(draft, row), "amount": amount(draft, e), "base": base(draft, e)}
    if "gold-not-shared" not in e.flags:
        return say("contrasts.standard", crude=say.part(e, "crude", scale=100), **words)
    mix = [(Label(name.removeprefix("mix_")),) for name, share in e.parts.items() if name.startswith("mix_") and share]
    return say("contrasts.standard_part", mix=say.listed(mix), **words)


def _adjusted(draft: Draft) -> Text:
    """The mixed logistic model in a sentence, with what it conditions on."""
    say, result = draft.say, draft.ask(ADJUSTED)
    row = next((row for row in result.where("difference") if row["contrast"] == "risk_band"), None)
    if row is None:
        return say("contrasts.adjusted_none", why=Label(result.notes[0]))
    e = row.estimate
    if not e.estimable:
        return say("contrasts.adjusted_none", why=why(e))
    text = say("contrasts.adjusted", what=_less(draft, row), amount=amount(draft, e), base=base(draft, e), odds=odds(draft, e))
    return (*text, " ", *say("contrasts.adjusted_story")) if STORY in e.flags else text


# --- agreement between officers --------------------------------------------------------------------------------


def _agreement(draft: Draft) -> Iterator[Block]:
    say, word = draft.say, draft.say.word
    title = word("contrasts.between_title")
    if len(draft.study.bands) < 2:
        return
    result = draft.ask(BETWEEN)
    if nothing(result.where("difference_of_coefficients")):
        reasons = next((why(row.estimate) for row in result if row.estimate.flags), Label(next(iter(result.notes), "")))
        yield Section("contrasts-between", title, (Paragraph(say("contrasts.between_absent", why=reasons)),))
        return
    threes = [result.rows[k : k + 3] for k in range(0, len(result.rows), 3)]
    first, second = (draft.names.band(band) for band in _bands(draft, threes[0][2]))
    lines = []
    for low, high, difference in threes:
        shown = [cell for row in (low, high) for cell in coefficients_cells(row.estimate)]
        lines.append(((coefficient_name(low.coefficient, low.estimate.weights), *shown), (_without_story(difference.estimate),)))
    head = (Column(word("contrasts.coefficient")), Column(_capital(first)), Column(draft.interval_head), Column(_capital(second)),
            Column(draft.interval_head), Column(word("contrasts.difference")), Column(draft.interval_head), Column(word("contrasts.p")),
            Column(word("contrasts.officers"), word("contrasts.number")))
    table = estimates_table(
        "contrasts-between", say("contrasts.between_table", base=draft.base), head, lines,
        cells=lambda e: (*cells(e, "coefficient"), f"{e.n_raters:,}"), notes=(say("contrasts.between_note"),))
    gwet = next(three for three in threes if three[0].coefficient == "gwet")
    words = said(draft, "contrasts.between", gwet[2].estimate, "coefficient", first=_sides(draft, gwet[2])[0], second=_sides(draft, gwet[2])[1],
                 name=coefficient_name("gwet", gwet[0].estimate.weights))
    yield Section("contrasts-between", title, (Paragraph(words), table))
