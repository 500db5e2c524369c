"""The first page: the main points with their numbers, and beside them what cannot be concluded."""

from __future__ import annotations

from arms_irr.analysis.design import limits
from arms_irr.analysis.result import Result
from arms_irr.reporting.document import Section, Strong, Text, can_and_cannot, main_points
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.wording import NA, base, coefficient, interval, listed, of_every_100, percent, plural
from arms_irr.statistics.estimate import Estimate

__all__ = ["limits_box", "main_points_section"]


def main_points_section(draft: Draft) -> Section:
    """At most six points, a line each."""
    points: list[Text] = []
    found = draft.findings
    if found.gold_by_band is not None:
        points += _gold_points(draft)
    points.append(_between(draft))
    points.append(_unable(draft))
    points = [point for point in points if point]
    return main_points(tuple(points[:6]) or ("These data carry no number about agreement; the sections below say why.",))


def _bands(draft: Draft) -> tuple[str, ...]:
    return draft.study.bands or draft.study.cases


def _gold_points(draft: Draft) -> list[Text]:
    return [point for point in (_overall_agreement(draft), _kinds(draft), _missed_high(draft), _overall_priority(draft)) if point]


def _sentence(start: str, found: list[tuple[str, Estimate]], counts: str = "") -> Text:
    """ "start 75 of every 100 ... in the A (interval), and 63 of every 100 in the B (interval)."."""
    pieces: list[str | Strong] = [start]
    for number, (where, estimate) in enumerate(found):
        joint = "" if number == 0 else " and " if number == len(found) - 1 else ", "
        extra = [counts] if counts and number == len(found) - 1 else []
        pieces += [joint, Strong(of_every_100(estimate.value)), f" {where} ", base(estimate, *extra)]
    return (*pieces, ".")


def _overall_agreement(draft: Draft) -> Text:
    result = draft.findings.gold_by_band
    assert result is not None
    found = [(f"ratings {draft.names.where(band)}", e) for band in _bands(draft) if (e := _one(result, "exact", draft, band)).estimable]
    if not found:
        return ""
    n = plural(len(draft.study.raters), "officer")
    words = "Over all factors, officers gave the gold-standard priority in "
    return _sentence(words, found, n)


def _one(result: Result, coefficient: str, draft: Draft, band: str, **group: str) -> Estimate:
    rows = result.where(coefficient, **{draft.findings.band: band}, **group).rows
    return rows[0].estimate if rows else Estimate(float("nan"), flags=("no-ratings",))


def _kinds(draft: Draft) -> Text:
    """Risk against protective factors, in the words that the numbers allow."""
    result = draft.findings.gold_by_kind_band
    assert result is not None
    parts: list[str | Strong] = []
    higher = []
    for band in _bands(draft):
        risk, protective = (_one(result, "exact", draft, band, kind=kind) for kind in ("risk", "protective"))
        if not (risk.estimable and protective.estimable):
            continue
        higher.append(risk.value > protective.value)
        parts += ["; " if parts else "", Strong(f"{percent(risk.value)} against {percent(protective.value)}"),
                  f" {draft.names.where(band)} ", _two_intervals(draft, risk, protective)]
    if not parts:
        return ""
    start = "Officers matched the gold standard more often on risk factors than on protective factors: "
    if not any(higher):
        start = "Officers matched the gold standard no more often on risk factors than on protective factors: "
    elif not all(higher):
        start = "Which of risk and protective factors officers matched more often differs between the cases; risk against protective: "
    return (start, *parts, ".")


def _two_intervals(draft: Draft, first: Estimate, second: Estimate) -> str:
    limits = (interval(first), interval(second))
    return "(no intervals can be given)" if NA in limits else f"({draft.interval_head}s {limits[0]} and {limits[1]})"


def _missed_high(draft: Draft) -> Text:
    """The cell with the most missed Highs: the safety statistic."""
    result = draft.findings.gold_by_kind_band
    assert result is not None
    found = [row for row in result.where("missed_high") if row.estimate.estimable and row["kind"] in ("risk", "protective", "item")]
    if not found:
        return ""
    row = max(found, key=lambda row: row.estimate.value)
    e, where = row.estimate, draft.names.where(row[draft.findings.band])
    top = draft.study.instrument.scale_of(_factor_of(draft, row["kind"])).categories[-1]
    if e.value == 0:
        return (f"Where the gold standard is {top}, ", Strong("no rating was lower"), f" on {draft.names.kind(row['kind']).lower()} "
                f"{where} {base(e, plural(e.n_ratings, 'rating'), plural(e.n_raters, 'officer'))}.")
    return (f"Where the gold standard is {top}, officers most often rated lower on {draft.names.kind(row['kind']).lower()} "
            f"{where}: ", Strong(of_every_100(e.value)),
            f" such ratings {base(e, plural(e.n_ratings, 'rating'), plural(e.n_raters, 'officer'))}.")


def _factor_of(draft: Draft, kind: str) -> str:
    return next(f.id for f in draft.study.instrument.factors if f.kind == kind)


def _overall_priority(draft: Draft) -> Text:
    result = draft.findings.gold_by_kind_band
    assert result is not None
    found = [(f"overall ratings {draft.names.where(band)}", e) for band in _bands(draft)
             if (e := _one(result, "exact", draft, band, kind="overall")).estimable]
    return _sentence("The overall priority was the gold standard's in ", found) if found else ""


def _between(draft: Draft) -> Text:
    """Agreement between officers: pairs, and two corrections for chance, because neither is accepted by all."""
    found = draft.findings.between_by_band
    parts: list[str | Strong] = ["Two officers chosen at random gave the same priority to "]
    shown = 0
    for band in _bands(draft):
        rows = found.where(**{draft.findings.band: band})
        exact = rows.where("percent").rows
        if not exact or not exact[0].estimate.estimable:
            continue
        parts += ["; " if shown else "", Strong(of_every_100(exact[0].estimate.value)), f" factors {draft.names.where(band)} ",
                  base(exact[0].estimate)]
        for name in ("gwet", "conger", "fleiss"):
            e = next((row.estimate for row in rows.where(name) if row.estimate.estimable), None)
            if e is not None:
                parts += [f", {coefficient_name(name, e.weights).split(',')[0]} {coefficient(e.value)} ", base(e, scale=1, decimals=2)]
        shown += 1
    return (*parts, ".") if shown else ""


def _unable(draft: Draft) -> Text:
    found = draft.findings.gold_by_kind_band
    if found is None:
        return ""
    cells = [(f"ratings of {draft.names.kind(row['kind']).lower()} {draft.names.where(row[draft.findings.band])}", row.estimate)
             for row in found.where("unable_to_rate") if row["kind"] in ("risk", "protective") and row.estimate.estimable]
    if not cells:
        return ""
    low, high = (pick(cells, key=lambda pair: pair[1].value) for pick in (min, max))
    if high[1].value == 0:
        return "Nobody answered 'unable to rate'."
    if low[1].value == high[1].value:
        return ("Officers answered 'unable to rate' in ", Strong(percent(high[1].value)), f" of ratings, in every kind of factor {base(high[1])}.")
    return ("Officers answered 'unable to rate' most often in ", high[0], ": ", Strong(percent(high[1].value)), f" {base(high[1])}; ",
            "least often in ", low[0], f": {percent(low[1].value)} {base(low[1])}.")


def limits_box(draft: Draft) -> Section:
    """What can be concluded, and in the same box and size what cannot."""
    study = draft.study
    can: list[Text] = []
    if study.has_gold:
        who = "officers like these depart" if len(study.raters) > 1 else "this officer departed"
        can.append(f"How often, and in which direction, {who} from the gold standard on these cases.")
    if len(study.raters) > 1:
        can.append("How far officers agree with each other on these cases, and how much of that other officers would repeat.")
    can.append("Which factors and cases to discuss in training.")
    cannot: list[Text] = [limit[0].upper() + limit[1:] for limit in limits(study)]
    if not any("other cases" in str(limit) for limit in cannot):
        cannot.append("What officers would do with other cases: the intervals of agreement are for these cases.")
    cannot.append("Whether a priority is right for a real person: agreement with a gold standard or between officers is not "
                  "evidence that ratings predict offending.")
    cannot.append("Whether a single officer is competent: too few ratings stand behind each officer.")
    if study.instrument.provisional:
        labels = listed(factor.label for factor in study.instrument.provisional)
        cannot.append(f"The names of all factors. Provisional: {labels}.")
    return can_and_cannot(tuple(can), tuple(cannot))
