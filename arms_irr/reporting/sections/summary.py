"""The first page: the main points with their numbers, and beside them what cannot be concluded."""

from __future__ import annotations

from arms_irr.analysis.design import limits
from arms_irr.reporting.document import Bullets, Callout, Section, Text
from arms_irr.reporting.draft import Draft, nothing
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.questions import BETWEEN_BY_BAND, GOLD_BY_BAND, GOLD_BY_KIND_BAND, Question
from arms_irr.reporting.voice import Label
from arms_irr.statistics.estimate import Estimate, undefined

__all__ = ["limits_box", "main_points_section"]

MOST = 6


def main_points_section(draft: Draft) -> Section:
    """At most six points, a line each."""
    makers = (_overall_agreement, _kinds, _missed_high, _overall_priority, _between, _unable)
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


def _kinds(draft: Draft) -> Text:
    """Risk against protective factors, in the words that the numbers allow."""
    say, parts, higher = draft.say, [], []
    for band in draft.bands:
        risk, protective = (_one(draft, GOLD_BY_KIND_BAND, "exact", band, kind=kind) for kind in ("risk", "protective"))
        if risk.estimable and protective.estimable:
            higher.append(risk.value > protective.value)
            parts.append(say("main.kinds_part", risk=say.share(risk), protective=say.share(protective),
                             where=draft.names.where(band), limits=say.two_limits(risk, protective)))
    if not parts:
        return ""
    key = "risk" if all(higher) else "mixed" if any(higher) else "protective"
    return say(f"main.kinds_{key}", found=say.series(parts))


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
    """Agreement between officers: pairs, and two corrections for chance, because neither is accepted by all."""
    say, parts = draft.say, []
    for band in draft.bands:
        rows = draft.ask(BETWEEN_BY_BAND).where(**{draft.band: band})
        exact = next((row.estimate for row in rows.where("percent")), undefined("no-ratings"))
        if not exact.estimable:
            continue
        corrected: Text = ()
        for name in ("gwet", "conger", "fleiss"):
            e = next((row.estimate for row in rows.where(name) if row.estimate.estimable), None)
            if e is not None:
                title = Label(coefficient_name(name, e.weights).split(",")[0])
                corrected = (*corrected, *say("main.corrected", name=title, value=say.coefficient(e),
                                              base=say.base(e, scale=1, decimals=2)))
        parts.append(say("main.between_part", share=say.of_100(exact), where=draft.names.where(band),
                         base=say.base(exact), corrected=corrected))
    return say("main.between", found=say.series(parts)) if parts else ""


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
