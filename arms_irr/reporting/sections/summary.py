"""The first page: the main points with their numbers, and beside them what cannot be concluded."""

from __future__ import annotations

from arms_irr.analysis.design import limits
from arms_irr.reporting.document import Bullets, Callout, Section, Text
from arms_irr.reporting.draft import Draft, nothing
from arms_irr.reporting.questions import BETWEEN_BY_BAND, GOLD_BY_BAND, GOLD_BY_KIND_BAND, Question
from arms_irr.reporting.sections.contrasts import contrast_points
from arms_irr.reporting.voice import Label
from arms_irr.statistics.estimate import Estimate, undefined

__all__ = ["limits_box", "main_points_section"]

MOST = 6


def main_points_section(draft: Draft) -> Section:
    """At most six points, a line each."""
    makers = (_overall_agreement, _contrasts, _missed_high, _overall_priority, _between, _unable)
    points = tuple(point for make in makers if (point := make(draft)))[:MOST] or (draft.say("main.none"),)
    return Section("main-points", draft.say.word("main.title"), (Callout("main", "", (Bullets(points),)),))


def _one(draft: Draft, question: Question, coefficient: str, band: str, **group: str) -> Estimate:
    rows = draft.ask(question).where(coefficient, **{draft.band: band}, **group).rows
    return rows[0].estimate if rows else undefined("no-ratings")


def _shares(draft: Draft, key: str, question: Question, **group: str) -> list[Text]:
    """ "75 of every 100 ratings in the lower-risk case (interval)", for each band that has a number."""
    found = [(band, e) for band in draft.bands if (e := _one(draft, question, "exact", band, **group)).estimable]
    say = draft.say
    return [
        say(key, share=say.of_100(e), where=draft.names.where(band),
            base=say.base(e, say.officers(e)) if (band, e) == found[-1] else say.base(e))
        for band, e in found
    ]


def _overall_agreement(draft: Draft) -> Text:
    found = _shares(draft, "main.exact_part", GOLD_BY_BAND)
    return draft.say("main.exact", found=draft.say.listed(found)) if found else ""


def _contrasts(draft: Draft) -> Text:
    """The questions asked beforehand: the bands, the kinds, and whether one depends on the other."""
    return next(iter(contrast_points(draft)), "")


def _missed_high(draft: Draft) -> Text:
    """The cell with the most missed Highs: the safety statistic."""
    say, names = draft.say, draft.names
    found = [row for row in draft.ask(GOLD_BY_KIND_BAND).where("missed_high")
             if row.estimate.estimable and row["kind"] in ("risk", "protective", "item")]
    if not found:
        return ""
    row = max(found, key=lambda row: row.estimate.value)
    e, instrument = row.estimate, draft.study.instrument
    factor = next(f for f in instrument.factors if f.kind == row["kind"])
    said = {"top": Label(instrument.scale_of(factor.id).categories[-1]), "kind": names.kinds(row["kind"]),
            "where": names.where(row[draft.band]), "base": say.base(e, say.ratings(e), say.officers(e))}
    return say("main.missed_none", **said) if e.value == 0 else say("main.missed", share=say.of_100(e), **said)


def _overall_priority(draft: Draft) -> Text:
    found = _shares(draft, "main.overall_part", GOLD_BY_KIND_BAND, kind="overall")
    return draft.say("main.overall", found=draft.say.listed(found)) if found else ""


def _between(draft: Draft) -> Text:
    """Agreement between officers as the share of pairs; corrections for chance need more words than a line has."""
    say, parts = draft.say, []
    for band in draft.bands:
        rows = draft.ask(BETWEEN_BY_BAND).where("percent", **{draft.band: band}).rows
        if rows and (e := rows[0].estimate).estimable:
            parts.append(say("main.between_part", share=say.of_100(e), where=draft.names.where(band), base=say.base(e)))
    return say("main.between", found=say.listed(parts)) if parts else ""


def _unable(draft: Draft) -> Text:
    say = draft.say
    rows = [row for row in draft.ask(GOLD_BY_KIND_BAND).where("unable_to_rate")
            if row["kind"] in ("risk", "protective") and row.estimate.estimable]
    if not rows:
        return ""
    low, high = (pick(rows, key=lambda row: row.estimate.value) for pick in (min, max))
    first, last = low.estimate, high.estimate
    if last.value == 0:
        return say("main.unable_none")
    if first.value == last.value:
        return say("main.unable_same", share=say.share(last), base=say.base(last))
    cells = [say("main.unable_cell", kind=draft.names.kinds(row["kind"]), where=draft.names.where(row[draft.band]))
             for row in (high, low)]
    return say("main.unable", most=cells[0], high=say.share(last), high_base=say.base(last),
               least=cells[1], low=say.share(first), low_base=say.base(first))


def limits_box(draft: Draft) -> Section:
    """What can be concluded, and in the same box and size what cannot."""
    study, say = draft.study, draft.say
    several = len(study.raters) > 1
    can: list[Text] = []
    if study.has_gold:
        can.append(say("main.can_gold" if several else "main.can_gold_one"))
    if several and not nothing(draft.ask(BETWEEN_BY_BAND)):
        can.append(say("main.can_between"))
    can.append(say("main.can_train"))
    cannot: list[Text] = [(Label(limit[0].upper() + limit[1:]),) for limit in limits(study)]
    if not any("other cases" in limit for limit in limits(study)):
        cannot.append(say("main.cannot_cases"))
    cannot += [say("main.cannot_right"), say("main.cannot_certify")]
    if study.instrument.provisional:
        names = say.listed([(Label(factor.label),) for factor in study.instrument.provisional])
        cannot.append(say("main.cannot_names", names=names))
    lists = (Bullets(tuple(can), say("main.can_title")), Bullets(tuple(cannot), say("main.cannot_title")))
    return Section("can-and-cannot", say.word("main.limits_title"), (Callout("limits", "", lists),))
