"""Sections on what was rated and how it compares with the gold standard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from arms_irr import plots
from arms_irr.analysis.distributions import BLANK
from arms_irr.analysis.overall import has_guide, overall_consistency
from arms_irr.analysis.raters import funnel_limits
from arms_irr.analysis.result import Result, Row
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table
from arms_irr.reporting.draft import (
    Draft,
    coefficients_cells,
    estimates_table,
    nothing,
    share_cells,
    signed_cells,
)
from arms_irr.reporting.wording import NA, base, number, percent, plural, signed
from arms_irr.statistics.estimate import Estimate

__all__ = ["distributions_section", "gold_section", "officers_section", "overall_section"]

MOST_OFFICERS = 60  # more of them are listed in the tables beside the report only


def _counts(draft: Draft) -> str:
    return f"Base: {plural(len(draft.study.raters), 'officer')}, {plural(len(draft.study.cases), 'case')}."


def distributions_section(draft: Draft) -> Section:
    """Diverging stacked bars, and the counts behind them where they fit on a page."""
    found, study = draft.findings.distributions, draft.study
    caption = ("Share of each priority by factor and case, counted from the middle of the scale; 'unable to rate' hatched"
               + ("; the diamond marks the gold standard. " if study.has_gold else ". ") + _counts(draft))
    finding = _most_and_least(draft)
    panels = {band: found.where(risk_band=band) for band in study.bands} if draft.many_cases and study.bands else {"": found}
    blocks: list[Block] = [
        draft.figure(f"fig-distributions-{number_}", f"{draft.names.bands[band]}: how officers rated" if band else finding, caption,
                     f"Stacked bars of ratings by factor and case. {finding}.", plots.distributions, part, study.instrument,
                     names=draft.names.cases)
        for number_, (band, part) in enumerate(panels.items(), 1)
    ]
    if draft.many_cases:
        blocks.append(Paragraph("The counts by factor and case stand in tables/distributions.csv."))
    else:
        blocks.append(_distribution_table(draft))
    return Section("distributions", "How officers rated", tuple(blocks))


def _most_and_least(draft: Draft) -> str:
    """The factors on which officers were most and least of one mind."""
    modal: dict[tuple[str, str], tuple[float, str]] = {}
    for row in draft.findings.distributions:
        key = (row["factor"], row["case"])
        modal[key] = max(modal.get(key, (-1.0, "")), (row.estimate.value, row["category"]))
    best, worst = (pick(modal, key=lambda key: modal[key][0]) for pick in (max, min))

    def words(key: tuple[str, str]) -> str:
        share, category = modal[key]
        return f"{draft.names.factor(key[0])}, {draft.names.cases[key[1]]}: {percent(share)} {category}"

    if modal[best][0] == modal[worst][0]:
        return "Every factor and case has the same share of its most frequent rating"
    return f"Officers were most of one mind on {words(best)}; least on {words(worst)}"


def _distribution_table(draft: Draft) -> Table:
    found = draft.findings.distributions
    categories = _categories(draft)
    rows, groups = [], []
    for case in draft.study.cases:
        factors = found.where(case=case).split("factor")
        for factor, cells in factors.items():
            own = {row["category"]: row for row in cells}
            counts = [f"{own[c].estimate.parts['count']:.0f}" if c in own else "–" for c in categories]
            rows.append((draft.names.factor(factor), next(iter(own.values()))["gold"] or NA, *counts))
        groups.append((draft.names.cases[case], len(factors)))
    columns = (Column("Factor"), Column("Gold", align="left"), *(Column(c[0].upper() + c[1:]) for c in categories))
    return Table("table-distributions", f"Number of officers by rating. {_counts(draft)}", columns, tuple(rows),
                 ("A dash: the factor's scale does not have this rating.",), tuple(groups))


def _categories(draft: Draft) -> list[str]:
    """Every rating that occurs on a scale, priorities first, then 'unable to rate', then blanks."""
    instrument = draft.study.instrument
    scales = {instrument.factors[i].scale: instrument.scales[instrument.factors[i].scale] for i in draft.study.factors_rated}
    longest = sorted(scales.values(), key=lambda scale: -len(scale.categories))
    return list(dict.fromkeys([c for scale in longest for c in scale.categories] + [n for scale in longest for n in scale.not_rated[:1]] + [BLANK]))


# --- the gold standard ------------------------------------------------------------------------------------


def gold_section(draft: Draft) -> Section:
    """By kind and band, by factor and case, direction of error, confusion."""
    found = draft.findings
    if found.gold_by_kind_band is None or nothing(found.gold_by_kind_band.where("exact")):
        why = "The study has no gold standard" if found.gold_by_kind_band is None else "No priority was given that has a gold standard"
        return Section("gold", "Agreement with the gold standard", (Paragraph(f"{why}, so agreement with one cannot be reported."),))
    assert found.gold_by_factor_band is not None
    assert found.gold_by_factor_case is not None
    by_factor = found.gold_by_factor_band if draft.many_cases else found.gold_by_factor_case
    names = draft.names.bands if draft.many_cases else draft.names.cases
    pooled = found.gold_by_band if draft.many_cases else found.gold_by_case
    instrument = draft.study.instrument
    blocks: list[Block] = [
        Paragraph(_gold_words(draft)),
        _kind_table(draft), _direction_table(draft),
        draft.figure("fig-gold", _gold_finding(draft, by_factor), "Share of ratings with the gold-standard priority, with "
                     f"{draft.interval_head}s; the band is that of all factors together. {_counts(draft)}", f"Dots with intervals by factor. {_gold_finding(draft, by_factor)}.",
                     plots.gold_agreement, by_factor, pooled, instrument=instrument, names=names),
        *_factor_tables(draft, by_factor),
        draft.figure("fig-direction", _direction_finding(draft), "Share of ratings lower (left) and higher (right) than the gold standard. "
                     f"{_counts(draft)}", _direction_alt(draft, by_factor), plots.direction, by_factor, instrument=instrument, names=names),
        draft.figure("fig-confusion", _confusion_finding(draft), "Gold standard (rows) against rating (columns): counts, and shares of "
                     f"each row. 'Unable to rate' and blanks are left out. {_counts(draft)}",
                     f"Tiles of gold standard against rating. {_confusion_finding(draft)}.", plots.confusion, _one_scale(draft),
                     names=draft.names.all),
    ]
    return Section("gold", "Agreement with the gold standard", tuple(blocks))


def _one_scale(draft: Draft) -> Result:
    """The confusion of the factors; the overall priority has its own scale and section."""
    found = draft.findings.confusion
    assert found is not None
    kinds = {row["kind"] for row in found} - {"overall"}
    rows = tuple(row for row in found if row["kind"] in kinds)
    return Result(found.question, found.by, rows, found.notes, synthetic=found.synthetic)


def _gold_words(draft: Draft) -> str:
    exact = [row for row in draft.findings.gold_by_kind_band.where("exact") if row.estimate.estimable]
    exact = [row for row in exact if row["kind"] != "overall"] or exact
    low, high = (pick(exact, key=lambda row: row.estimate.value) for pick in (min, max))

    def words(row: Row) -> str:
        return (f"{draft.names.kind(row['kind']).lower()} {draft.names.where(row[draft.findings.band])} "
                f"({percent(row.estimate.value)}, {base(row.estimate).strip('()')})")

    apart = f" and least often for {words(low)}" if low.estimate.value < high.estimate.value else ""
    return (f"Officers gave the gold-standard priority most often for {words(high)}{apart}. "
            "Shares are of the priorities given; 'unable to rate' and blanks are counted apart.")


def _rows(draft: Draft, result: Result, names: Sequence[str]) -> tuple[list[tuple[list[str], list[Estimate]]], list[tuple[str, int]]]:
    """Rows kind by kind within each band, with the named statistics."""
    rows, groups = [], []
    band = draft.findings.band
    for value, part in result.split(band).items():
        kinds = part.split("kind")
        for kind, own in kinds.items():
            cells = [own.get(name) for name in names]
            rows.append(([draft.names.kind(kind), str(cells[0].n_ratings)], cells))
        groups.append((draft.names.bands[value], len(kinds)))
    return rows, groups


def _kind_table(draft: Draft) -> Table:
    result = draft.findings.gold_by_kind_band
    assert result is not None
    rows, groups = _rows(draft, result, ("exact", "adjacent_extreme", "unable_to_rate"))
    head = [Column("Kind"), Column("Priorities", "number"), Column("Same as gold", "%"), Column(draft.interval_head),
            Column("At most one step away", "%"), Column(draft.interval_head), Column("Unable to rate", "%"), Column(draft.interval_head)]
    return estimates_table(
        "gold-pooled", f"Agreement with the gold standard by kind of factor and risk band. {_counts(draft)}", head, rows, groups=groups,
        notes=("'At most one step away' is counted where the gold standard is the lowest or highest category: elsewhere it can hardly fail.",
               "Intervals are clustered by officer where officers give several ratings."))


def _top(draft: Draft) -> str:
    """The highest category of the factors' scale."""
    instrument = draft.study.instrument
    first = next((f for f in instrument.factors if f.kind != "overall"), instrument.factors[0])
    return instrument.scales[first.scale].categories[-1]


def _direction_table(draft: Draft) -> Table:
    result = draft.findings.gold_by_kind_band
    assert result is not None
    rows, groups = _rows(draft, result, ("under", "over", "missed_high"))
    head = [Column("Kind"), Column("Priorities", "number"), Column("Lower than gold", "%"), Column(draft.interval_head),
            Column("Higher than gold", "%"), Column(draft.interval_head), Column(f"Gold {_top(draft)}, rated lower", "%"), Column(draft.interval_head)]
    return estimates_table("gold-direction", f"Direction of error by kind of factor and risk band. {_counts(draft)}", head, rows, groups=groups,
                           notes=(f"'Gold {_top(draft)}, rated lower' is a share of the priorities given where the gold standard is the highest category.",))


def _factor_tables(draft: Draft, result: Result) -> list[Table]:
    """One table a case (or band): exact, under, over, with what is impossible said so."""
    column = next(by for by in result.by if by != "factor")
    heads = draft.names.bands if draft.many_cases else draft.names.cases
    golds = {(row["factor"], row["case"]): row["gold"] for row in draft.findings.distributions}
    tables = []
    for number_, (value, part) in enumerate(result.split(column).items(), 1):
        rows = []
        for factor, cells in part.split("factor").items():
            own = {row.coefficient: row.estimate for row in cells}
            gold = [] if draft.many_cases else [golds[factor, value]]
            words = [draft.names.factor(factor), *gold, f"{round(own['exact'].value * own['exact'].n_ratings)} of {own['exact'].n_ratings}"
                     if own["exact"].estimable else NA]
            rows.append((words, own))
        head = [Column("Factor"), *([] if draft.many_cases else [Column("Gold", align="left")]), Column("Same as gold", "number"),
                Column("Same as gold", "%"), Column(draft.interval_head), Column("Lower", "%"), Column("Higher", "%"),
                Column("Mean error", "steps"), Column(draft.interval_head), Column("Unable to rate", "%")]
        tables.append(_factor_table(f"gold-factors-{number_}", heads.get(value, value), head, rows, draft))
    return tables


def _factor_table(id: str, where: str, head: list[Column], rows: list[tuple[list[str], dict[str, Estimate]]], draft: Draft) -> Table:
    body = []
    for words, own in rows:
        body.append((*words, *share_cells(own["exact"]), _or_impossible(own["under"]), _or_impossible(own["over"]),
                     *signed_cells(own["mean_signed_error"]), share_cells(own["unable_to_rate"])[0]))
    notes = ["'Lower' and 'Higher': share of the priorities given that are lower or higher than the gold standard; "
             "'n/a' where the gold standard is the lowest or the highest category, so that none can be.",
             "Mean error: rating minus gold standard, in steps of the scale; positive is a higher priority than the gold standard.",
             "The intervals of the shares that have none here stand in "
             f"tables/agreement_with_gold{'_by_band' if draft.many_cases else ''}.csv."]
    return Table(f"table-{id}", f"Agreement with the gold standard by factor: {where}. {plural(len(draft.study.raters), 'officer')}.", tuple(head),
                 tuple(body), tuple(notes))


def _or_impossible(estimate: Estimate) -> str:
    return number(100 * estimate.value, 1) if estimate.estimable else NA


def _extremes(result: Result, coefficient: str) -> tuple[Row, Row] | None:
    rows = [row for row in result.where(coefficient) if row.estimate.estimable]
    return (max(rows, key=lambda r: r.estimate.value), min(rows, key=lambda r: r.estimate.value)) if rows else None


def _place(draft: Draft, row: Row) -> str:
    column = next(by for by in row.group if by != "factor")
    return f"{draft.names.factor(row['factor'])}, {draft.names.all.get(row[column], row[column])}: {percent(row.estimate.value)}"


def _gold_finding(draft: Draft, result: Result) -> str:
    found = _extremes(result, "exact")
    if found is None:
        return "No agreement with the gold standard can be shown"
    if found[0].estimate.value == found[1].estimate.value:
        return f"Agreement with the gold standard was the same on every factor: {percent(found[0].estimate.value)}"
    return f"Agreement with the gold standard was highest on {_place(draft, found[0])}, and lowest on {_place(draft, found[1])}"


def _direction_finding(draft: Draft) -> str:
    """Which way ratings lean, band by band."""
    result, band = draft.findings.gold_by_band, draft.findings.band
    assert result is not None
    parts = []
    for value, own in result.split(band).items():
        e = own.get("mean_signed_error")
        if np.isfinite(e.ci_low):
            lean = "lie above" if e.ci_low > 0 else "lie below" if e.ci_high < 0 else "do not clearly lean from"
            parts.append(f"{lean} the gold standard {draft.names.where(value)}")
    return "On average, ratings " + ", and ".join(parts) if parts else "How often ratings are lower or higher than the gold standard"


def _direction_alt(draft: Draft, result: Result) -> str:
    under, over = _extremes(result, "under"), _extremes(result, "over")
    parts = [f"Most often rated {word} than the gold standard: {_place(draft, pair[0])}." for word, pair in (("lower", under), ("higher", over)) if pair]
    return "Bars left and right of zero by factor. " + " ".join(parts)


def _confusion_finding(draft: Draft) -> str:
    rows = [row for row in _one_scale(draft).where("share") if row.estimate.estimable and row["gold"] != row["rating"]]
    row = max(rows, key=lambda r: r.estimate.value, default=None)
    if row is None or row.estimate.value == 0:
        return "Every rating was the gold standard's"
    return (f"The most frequent departure: gold {row['gold']} rated {row['rating']}, {draft.names.kind(row['kind']).lower()} "
            f"{draft.names.where(row[draft.findings.band])}, {percent(row.estimate.value)} of {plural(row.estimate.n_ratings, 'rating')}")


# --- overall priority, officers ---------------------------------------------------------------------------


def overall_section(draft: Draft) -> Section:
    """The overall priority by case, and whether it fits the officer's own factor ratings."""
    study, found = draft.study, draft.findings.gold_overall
    title = "Overall priority"
    if found is None or not found.rows:
        reason = ("The instrument or the study has no overall judgement." if study.has_gold else
                  "The study has no gold standard, so the overall priority cannot be compared with one.")
        return Section("overall", title, (Paragraph(reason),))
    rows = []
    for case in study.cases:
        own = {row.coefficient: row.estimate for row in found.where(case=case)}
        if own:
            e = own["exact"]
            words = [draft.names.cases[case], f"{round(e.value * e.n_ratings)} of {e.n_ratings}" if e.estimable else NA]
            rows.append((words, [own["exact"], own["under"], own["over"]]))
    head = [Column("Case"), Column("Same as gold", "number"), Column("Same as gold", "%"), Column(draft.interval_head),
            Column("Lower than gold", "%"), Column(draft.interval_head), Column("Higher than gold", "%"), Column(draft.interval_head)]
    blocks: list[Block] = [
        Paragraph("The overall priority is a professional judgement on a scale of its own and is never pooled with the factors."),
        estimates_table("overall", f"Overall priority against the gold standard, by case. {_counts(draft)}", head, rows),
    ]
    if has_guide(study):
        blocks += _consistency(draft)
    return Section("overall", title, tuple(blocks))


def _consistency(draft: Draft) -> list[Block]:
    result = overall_consistency(draft.study, confidence_level=draft.confidence_level)
    rows = [([draft.names.cases[row["case"]], str(row.estimate.n_ratings)], [row.estimate]) for row in result]
    head = [Column("Case"), Column("Officers", "number"), Column("Allowed by the guide", "%"), Column(draft.interval_head)]
    words = ("The paper describes when each overall priority fits the factor ratings (a predominance of Low, Medium or High; Very High also for "
             "a single decisive factor). The words are the paper's, their reading as a rule is ours, and the judgement may depart from it: "
             "the table is a check of consistency, not of correctness.")
    return [Paragraph(words), estimates_table("overall-consistency", "Overall ratings that the paper's guide allows, given the same "
                                              "officer's own factor ratings.", head, rows)]


def officers_section(draft: Draft) -> Section:
    """Every officer beside the others, without ranking."""
    result = draft.findings.raters
    title = "Each officer against the gold standard"
    if result is None or nothing(result.where("exact")):
        return Section("officers-gold", title, (Paragraph("Without priorities that have a gold standard, officers cannot be compared with one."),))
    officers = result.split("rater")
    blocks: list[Block] = [Paragraph("Read the intervals before the values: officers whose intervals overlap widely cannot be told apart by these data. The order is that of the study's own "
                                     "table and no ranking. The funnel plot, where there is one, shows how many officers lie outside what chance "
                                     "alone would do.")]
    if len(officers) > 2:
        blocks.append(_funnel(draft, result))
    if len(officers) > MOST_OFFICERS:
        blocks.append(Paragraph(f"The numbers of all {plural(len(officers), 'officer')} stand in tables/raters.csv."))
    else:
        blocks.append(_officers_table(draft, officers))
    return Section("officers-gold", title, tuple(blocks))


def _officers_table(draft: Draft, officers: Mapping[str, Result]) -> Table:
    rows = []
    for officer, own in officers.items():
        e = {row.coefficient: row.estimate for row in own if row.coefficient != "cohen"}
        rows.append((officer, str(e["exact"].n_ratings), *share_cells(e["exact"]), number(100 * e["under"].value, 1),
                     number(100 * e["over"].value, 1), signed(e["mean_signed_error"].value), number(100 * e["missed_high"].value, 1),
                     *coefficients_cells(own.get("cohen", "quadratic"))))
    columns = (Column("Officer"), Column("Ratings"), Column("Same as gold", "%"), Column(draft.interval_head), Column("Lower", "%"),
               Column("Higher", "%"), Column("Mean error", "steps"), Column(f"Gold {_top(draft)}, rated lower", "%"),
               Column("Weighted kappa", "quadratic"), Column(draft.interval_head))
    return Table("table-officers-gold", "Each officer against the gold standard, over all factors and cases rated, without the overall priority.",
                 columns, tuple(rows), ("Intervals treat an officer's ratings as independent and are too narrow if they are not.",
                                        "The intervals of the columns that have none here stand in tables/raters.csv."))


def _funnel(draft: Draft, result: Result) -> Block:
    exact = [row.estimate for row in result.where("exact") if row.estimate.estimable]
    total = sum(e.n_ratings for e in exact)
    pooled = Estimate(sum(e.value * e.n_ratings for e in exact) / total, n_ratings=total, n_raters=len(exact))
    most = max(e.n_ratings for e in exact)
    sizes = np.arange(max(1, min(e.n_ratings for e in exact) - 2), most + 3)
    limits = {f"{name} limits": (sizes, *funnel_limits(pooled.value, sizes, level)) for name, level in (("95 %", 0.95), ("99.8 %", 0.998))}
    low, high = funnel_limits(pooled.value, np.array([e.n_ratings for e in exact]), 0.95)
    outside = sum(e.value < a or e.value > b for e, a, b in zip(exact, low, high, strict=True))
    alt = (f"Each officer's agreement with the gold standard against the number of ratings. All officers together: {percent(pooled.value)}; "
           f"{plural(outside, 'officer')} of {len(exact)} outside the 95 % limits; lowest {percent(min(e.value for e in exact))}, "
           f"highest {percent(max(e.value for e in exact))}.")
    caption = ("Share of ratings with the gold-standard priority, a dot for each officer, with exact binomial limits around the share of all "
               f"officers. Base: {plural(len(exact), 'officer')}. About 1 officer in 20 lies outside the 95 % limits by chance.")
    title = f"{plural(outside, 'officer')} of {len(exact)} outside the 95 % limits"
    return draft.figure("fig-funnel", title, caption, alt, plots.funnel, result, pooled, limits)

