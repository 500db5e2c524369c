"""Officers: how far they can be told apart, how each uses the scale; no ranking."""

from __future__ import annotations

import math
from dataclasses import replace

from arms_irr import plots
from arms_irr.analysis.design import FEW
from arms_irr.analysis.diagnostics import diagnostics
from arms_irr.analysis.halo import halo
from arms_irr.analysis.raters import EVERYONE, funnel, typical
from arms_irr.analysis.result import Result
from arms_irr.reporting.document import Block, Column, Figure, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft, estimates_table, nothing, share_cells, signed_cells
from arms_irr.reporting.questions import Options, Question
from arms_irr.reporting.sections.gold import top_category
from arms_irr.reporting.sections.influence import influence_section
from arms_irr.reporting.sections.missed import MOST_OFFICERS
from arms_irr.reporting.sections.reversal import reversal_section
from arms_irr.reporting.sections.ruler import SEVERITY, ruler_section, too_large
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import interval, number
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.study.study import Study

__all__ = ["FUNNEL", "funnel_figure", "officers_section"]

COMPONENTS = ("elevation", "differential_elevation", "stereotype_accuracy", "differential_accuracy")
_USED = ("mean_signed_error", "severity_shrunken", "exact_shrunken", "missed_high", "middle_share", "sd_ratio", *COMPONENTS)


def _each(study: Study, options: Options) -> Result:
    """Every measure of every officer; of many officers those that the pages use."""
    chosen = None if len(study.raters) <= MOST_OFFICERS else _USED
    return diagnostics(study, statistics=chosen, confidence_level=options.confidence_level)


EACH = Question("officers", _each, step="officers")
SPREAD = Question("officers_together", lambda s, o: diagnostics(s, (), confidence_level=o.confidence_level))
FUNNEL = Question("funnel", lambda s, o: funnel(s, levels=tuple(dict.fromkeys((o.confidence_level, 0.998))), confidence_level=o.confidence_level))
HALO = Question("halo", lambda s, o: halo(s, confidence_level=o.confidence_level))


def officers_section(draft: Draft) -> Section:
    """Against the gold standard, on one ruler with it, halo, reversal, influence; what is not carried in one sentence each."""
    say = draft.say
    blocks = [*_against_gold(draft), ruler_section(draft), _halo(draft)]
    if draft.study.has_gold:
        blocks.append(reversal_section(draft))
    return Section("officers", say.word("officers.title"), (*blocks, influence_section(draft)))


# --- against the gold standard -----------------------------------------------------------------------------


def _against_gold(draft: Draft) -> list[Block]:
    say = draft.say
    if not draft.study.has_gold:
        return [Paragraph(say("officers.no_gold"))]
    each = draft.ask(EACH)
    errors = each.where("mean_signed_error")
    if nothing(errors):
        return [Paragraph(say("officers.not_comparable", why=Label(errors.rows[0].estimate.reasons[0])))]
    few = len(draft.study.raters) <= MOST_OFFICERS
    blocks: list[Block] = [Paragraph(say("officers.words")), *_spread(draft, each)]
    if len(draft.study.raters) > 2:
        blocks.append(funnel_figure(draft))
    if few:
        blocks.append(_table(draft, each))
    else:
        draft.ask(FUNNEL)
        blocks.append(Paragraph(say("officers.elsewhere", officers=say.count(draft.fact("officers"), "officer"))))
    return [*blocks, *_scale(draft, each, few), _components(draft, each)]


def _spread(draft: Draft, each: Result) -> list[Paragraph]:
    """How far officers lie from each other, and how many of them the ratings cannot tell from the group."""
    say, texts = draft.say, list[Text]()
    together = {row.coefficient: row.estimate for row in draft.ask(SPREAD)}
    error, exact = together["error_sd"], together["exact_sd"]
    if error.estimable:
        texts.append(say("officers.spread_error", sd=say.plain(error, 2), base=say.base(error, say.officers(error), scale=1, decimals=2)))
    if exact.estimable:
        texts.append(say("officers.spread_exact", sd=say.points(exact), base=say.base(exact, say.officers(exact))))
    if not texts:
        why = error.reasons[0]
        return [Paragraph(say("officers.spread_unknown", why=Label(why[0].upper() + why[1:])))]
    for name, key in (("severity_shrunken", "error"), ("exact_shrunken", "exact")):
        known = [row.estimate for row in each.where(name) if row.estimate.estimable]
        if known:
            alike = draft.counted(f"officers_like_the_group_{key}", sum("not-separated" in e.flags for e in known))
            officers = draft.counted(f"officers_compared_{key}", len(known))
            texts.append(say(f"officers.alike_{key}", alike=say.plain(alike, 0), officers=say.count(officers, "officer")))
    return [Paragraph(text) for text in texts]


def funnel_figure(draft: Draft) -> Figure:
    """Each officer inside the limits of chance; it needs a gold standard and priorities that can be compared with it."""
    say, found = draft.say, draft.ask(FUNNEL)
    each = replace(found, rows=tuple(row for row in found.where("exact") if row["rater"] != EVERYONE))
    pooled = found.get("exact", rater=EVERYONE, limits="")
    curves = {}
    for width, rows in found.where("funnel_limit").split("limits").items():
        held = [row.estimate for row in rows]
        curves[f"{width} limits"] = ([e.n_ratings for e in held], [e.ci_low for e in held], [e.ci_high for e in held])
    outside = found.where("outside").rows[0]
    beyond, limits = outside.estimate, Label(outside["limits"])
    low, high = (pick((row.estimate for row in each), key=lambda e: e.value) for pick in (min, max))
    said: dict[str, Text] = {"officers": say.officers(beyond), "limits": limits}
    title = say("officers.funnel", outside=say.plain(beyond, 0), **said) if beyond.value else say("officers.funnel_none", **said)
    many = beyond.n_raters > MOST_OFFICERS
    by_chance = say.part(beyond, "by_chance", 0 if beyond.parts["by_chance"] >= 10 else 1)
    caption = say("officers.funnel_caption_many" if many else "officers.funnel_caption", by_chance=by_chance, limits=limits, base=draft.base)
    alt = say("officers.funnel_alt", all=say.share(pooled), below=say.part(beyond, "below"), above=say.part(beyond, "above"),
              low=say.share(low), high=say.share(high), **said)
    return draft.figure("fig-funnel", title, caption, alt, plots.funnel, each, pooled, curves)


def _plainly(e: Estimate) -> Estimate:
    """Without the flag that nearly every officer has: the text and a note say it once for all."""
    return replace(e, flags=tuple(flag for flag in e.flags if flag != "not-separated"))


def _marked(id: str, caption: Text, head: list[Column], rows: list[tuple[tuple[str, ...], list[Estimate]]], notes: list[Text]) -> Table:
    """A table whose cells are words already; the estimates only give the footnotes."""
    return estimates_table(id, caption, head, [(words, [_plainly(e) for e in own]) for words, own in rows], cells=lambda e: (), notes=notes)


def _table(draft: Draft, each: Result) -> Table:
    say, word, rows = draft.say, draft.say.word, []
    exact = {row["rater"]: row.estimate for row in draft.ask(FUNNEL).where("exact")}
    group = None
    for officer, own in each.split("rater").items():
        e = {row.coefficient: row.estimate for row in own}
        error, shrunken, same = e["mean_signed_error"], e["severity_shrunken"], exact.get(officer, undefined("no-ratings"))
        group = shrunken if shrunken.estimable and group is None else group
        rows.append(((officer, f"{same.n_ratings:,}", *share_cells(same), *signed_cells(error), *signed_cells(shrunken)),
                     [same, error, shrunken]))
    percent, steps, between = word("officers.percent"), word("officers.steps"), Column(draft.interval_head)
    head = [Column(word("officers.officer")), Column(word("officers.priorities"), word("officers.number")),
            Column(word("officers.same"), percent), between, Column(word("officers.error"), steps), between,
            Column(word("officers.shrunken"), steps), between]
    notes: list[Text] = [say("officers.table_error"), say("officers.table_shrunken")]
    if group is not None:
        notes.append(say("officers.table_alike", group=say.part(group, "group", 2)))
    return _marked("officers-gold", say("officers.table", base=draft.base), head, rows, notes)


# --- use of the scale --------------------------------------------------------------------------------------


def _scale(draft: Draft, each: Result, few: bool) -> list[Section]:
    """Missed highest priorities, drawing to the middle, range and infit."""
    say = draft.say
    middle = draft.ask(Question("officer_in_the_middle", lambda s, o: typical(each)))
    share, ratio = middle.get("middle_share"), middle.get("sd_ratio")
    blocks: list[Block] = []
    if share.n_raters >= FEW and ratio.n_raters >= FEW:
        blocks.append(Paragraph(say("officers.scale_median", middle=say.share(share), ratio=say.coefficient(ratio),
                                    officers=say.officers(share), officers_ratio=say.officers(ratio))))
    infit = {} if too_large(draft) else {row["name"]: row.estimate for row in draft.ask(SEVERITY).where("infit", facet="officer")}
    known = [e for e in infit.values() if e.estimable]
    if known:
        outside = sum(not e.parts["model_low"] <= e.value <= e.parts["model_high"] for e in known)
        blocks.append(Paragraph(say("officers.infit_found", outside=say.plain(draft.counted("infit_outside", outside), 0),
                                    officers=say.count(draft.counted("infit_officers", len(known)), "officer"))))
    if few:
        blocks.append(_scale_table(draft, each, infit if known else {}))
    return [Section("officers-scale", say.word("officers.scale_title"), tuple(blocks))] if blocks else []


def _scale_table(draft: Draft, each: Result, infit: dict[str, Estimate]) -> Table:
    say, word, rows = draft.say, draft.say.word, []
    for officer, own in each.split("rater").items():
        e = {row.coefficient: row.estimate for row in own}
        missed, middle, ratio = e["missed_high"], e["middle_share"], e["sd_ratio"]
        highs = missed.n_ratings if missed.estimable else 0
        words = [officer, f"{highs:,}", *share_cells(missed), number(100 * middle.value, 1),
                 number(100 * middle.parts.get("gold", math.nan), 1), number(ratio.value, 2)]
        if infit:
            words += _fit_cells(infit.get(officer, undefined("no-ratings")))
        rows.append((tuple(words), [missed, middle, ratio]))
    percent, top = word("officers.percent"), top_category(draft)
    head = [Column(word("officers.officer")), Column(word("officers.gold_top").format(top=top), word("officers.number")),
            Column(word("officers.missed"), percent), Column(draft.interval_head), Column(word("officers.middle"), percent),
            Column(word("officers.gold_middle"), percent), Column(word("officers.spread"), word("officers.of_gold"))]
    notes = [say("officers.scale_missed", top=top), say("officers.scale_middle")]
    if infit:
        head += [Column(word("officers.infit")), Column(word("officers.infit_limits"))]
        notes.append(say("officers.scale_infit"))
    return _marked("officers-scale", say("officers.scale", top=top, base=draft.base), head, rows, notes)


def _fit_cells(e: Estimate) -> tuple[str, str]:
    held = replace(e, ci_low=e.parts.get("model_low", math.nan), ci_high=e.parts.get("model_high", math.nan))
    return number(e.value, 2), interval(held, 1, 2)


# --- components of the error, halo -------------------------------------------------------------------------


def _components(draft: Draft, each: Result) -> Section:
    """Cronbach's components of the officer in the middle."""
    say, word = draft.say, draft.say.word
    title = word("officers.components_title")
    middle = draft.ask(Question("officer_in_the_middle", lambda s, o: typical(each)))
    found = [middle.get(name) for name in COMPONENTS]
    if not any(e.estimable for e in found):
        return Section("officers-components", title, (Paragraph(say("officers.components_none", why=Label(found[0].reasons[0]))),))
    if max(e.n_raters for e in found) < FEW:
        return Section("officers-components", title, (Paragraph(say("officers.components_few")),))
    rows = []
    for name, e in zip(COMPONENTS, found, strict=True):
        held = replace(e, ci_low=e.parts.get("first_quarter", math.nan), ci_high=e.parts.get("third_quarter", math.nan))
        rows.append(((word(f"officers.{name}"), f"{e.n_raters:,}", number(e.value, 3), interval(held, 1, 3)), [e]))
    squared = word("officers.squared")
    head = [Column(word("officers.component")), Column(word("officers.officers")), Column(word("officers.median"), squared),
            Column(word("officers.half"), squared)]
    table = _marked("officers-components", say("officers.components", base=draft.base), head, rows, [say("officers.components_note")])
    return Section("officers-components", title, (Paragraph(say("officers.components_words")), table))


def _halo(draft: Draft) -> Section:
    """Whether an officer's ratings of a case move together."""
    say, found = draft.say, draft.ask(HALO).where("halo_correlation")
    e = found.rows[0].estimate if found.rows else undefined("no-ratings")
    if e.estimable:
        key = "found" if e.ci_low > 0 else "less" if e.ci_high < 0 else "open"
        text = say(f"officers.halo_{key}", value=say.coefficient(e), base=say.base(e, say.officers(e), scale=1, decimals=2))
    else:
        text = say("officers.halo_none", why=Label(e.reasons[0]))
    return Section("officers-halo", say.word("officers.halo_title"), (Paragraph(text),))
