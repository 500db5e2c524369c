"""Sections about the study itself: what was rated, how complete it is, how the numbers were made, their limits."""

from __future__ import annotations

from collections import Counter

from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.reporting.document import (
    Block,
    Bullets,
    Callout,
    Column,
    Definitions,
    Paragraph,
    Section,
    Table,
    Text,
)
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.wording import listed, number, percent, plural

__all__ = ["design_section", "limits_section", "methods_section", "quality_section", "study_section"]


def study_section(draft: Draft) -> Section:
    """Study, instrument and gold standard."""
    study, names = draft.study, draft.names
    instrument = study.instrument
    blocks: list[Block] = []
    if study.description:
        blocks.append(Paragraph(study.description))
    blocks.append(Paragraph(_instrument_words(draft)))
    if study.instrument.provisional:
        rows = tuple((factor.label, names.kind(factor.kind), factor.provenance) for factor in instrument.provisional)
        columns = (Column("Factor"), Column("Kind", align="left"), Column("What is known", align="left"))
        blocks.append(Table("table-provisional-names", "Factors whose names are provisional. Replace them in a copy of the instrument file.",
                            columns, rows))
    blocks.append(_cases_table(draft))
    blocks.append(Paragraph(_gold_words(draft)))
    return Section("study", "Study, instrument and gold standard", tuple(blocks))


def _instrument_words(draft: Draft) -> str:
    instrument = draft.study.instrument
    rated = [instrument.factors[i] for i in draft.study.factors_rated]
    counts = [f"{plural(sum(f.kind == kind for f in rated), name)}" for kind, name in
              (("risk", "risk factor"), ("protective", "protective factor"), ("item", "item"), ("static", "static item"))
              if any(f.kind == kind for f in rated)]
    if any(f.kind == "overall" for f in rated):
        counts.append("an overall priority")
    scales = dict.fromkeys(f.scale for f in rated)
    categories = "; ".join(f"{name}: {', '.join(instrument.scales[name].accepted)}" for name in scales)
    direction = f" {instrument.direction[0].upper()}{instrument.direction[1:].rstrip('.')}." if instrument.direction else ""
    return f"Instrument: {instrument.title}, with {listed(counts)}. Ratings allowed: {categories}.{direction}"


def _cases_table(draft: Draft) -> Table:
    study, names = draft.study, draft.names
    factors = [study.instrument.factors[i] for i in study.factors_rated]
    overall = next((f for f in factors if f.kind == "overall"), None)
    bands = study.case_attributes.get("risk_band", ("",) * len(study.cases))
    columns = [Column("Case"), Column("Risk band", align="left"), Column("Officers")]
    if study.gold is not None:
        scale = study.instrument.scale_of(next(f.id for f in factors if f.kind != "overall"))
        columns += [Column(f"Gold {category}", "factors") for category in scale.categories]
        if overall:
            columns.append(Column("Gold overall", align="left"))
    rows = []
    for c, case in enumerate(study.cases):
        officers = len(set(study.ratings.rater[study.ratings.case == c].tolist()))
        row = [names.cases[case], bands[c] or "not given", str(officers)]
        if study.gold is not None:
            golds = [int(study.gold[c, i]) for i in study.factors_rated if study.instrument.factors[i].kind != "overall"]
            row += [str(golds.count(k)) for k in range(len(scale.categories))]
            if overall:
                position = study.instrument.factor_ids.index(overall.id)
                row.append(study.instrument.scale_of(overall.id).label(int(study.gold[c, position])) or "none")
        rows.append(tuple(row))
    caption = "The cases: their risk band, how many officers rated them, and how the gold standard rates their factors."
    return Table("table-cases", caption, tuple(columns), tuple(rows))


def _gold_words(draft: Draft) -> str:
    study = draft.study
    if study.gold is None:
        return "The study declares no gold standard. The report therefore says nothing about agreement with one."
    panel = (f" It is the consensus of a panel of {plural(len(study.gold_panel), 'member')}." if study.gold_panel else "")
    return ("The gold standard is a judgement too: officers are compared with it, not with the truth." + panel)


def quality_section(draft: Draft) -> Section:
    """What was asked for, what was given, what the check found."""
    study = draft.study
    code = study.ratings.code
    given, unable, blank = (int(hit.sum()) for hit in (code >= 0, code == UNABLE, code == NOT_GIVEN))
    words = (f"{plural(len(code), 'rating')} were asked for: {number(given, 0)} priorities ({percent(given / len(code))}), "
             f"{number(unable, 0)} 'unable to rate' ({percent(unable / len(code))}) and {number(blank, 0)} left blank.")
    blocks: list[Block] = [Paragraph(words), _completeness(draft), *_officers(draft)]
    if study.warnings:
        blocks.append(Bullets(tuple(str(problem) for problem in study.warnings), "What the check of the data found"))
    if study.notes:
        blocks.append(Bullets(study.notes, "How the data were read"))
    return Section("data-quality", "Data quality", tuple(blocks))


def _completeness(draft: Draft) -> Table:
    study = draft.study
    result = draft.findings.completeness
    rows = []
    for factor, own in result.split("factor").items():
        cells = {row.coefficient: row.estimate for row in own}
        asked = cells["given"].n_ratings
        rows.append((draft.names.factor(factor), str(asked), *(f"{e.parts['count']:.0f}" for e in cells.values()),
                     number(100 * cells["unable_to_rate"].value, 1)))
    columns = (Column("Factor"), Column("Asked for"), Column("Priority"), Column("Unable to rate"), Column("Blank"),
               Column("Unable to rate", "% of asked"))
    return Table("table-completeness", f"Ratings asked for and given, by factor; {plural(len(study.raters), 'officer')}.", columns, tuple(rows))


def _officers(draft: Draft) -> list[Block]:
    """How the officers spread over each attribute that has few values."""
    study = draft.study
    rows: list[tuple[str, ...]] = []
    groups: list[tuple[str, int]] = []
    for name, values in study.rater_attributes.items():
        counts = Counter(value or "not recorded" for value in values)
        if 2 <= len(counts) <= 8:
            rows += [(value, str(n), number(100 * n / len(values), 1)) for value, n in counts.items()]
            groups.append((name.replace("_", " ").capitalize(), len(counts)))
    if not rows:
        return []
    columns = (Column("Officers by"), Column("Officers"), Column("Share", "%"))
    return [Table("table-officers", f"Who rated; {plural(len(study.raters), 'officer')}.", columns, tuple(rows), groups=tuple(groups))]


def design_section(draft: Draft) -> Section:
    """The design in words; the verdict for every statistic is in the table beside the report."""
    found = draft.findings.design
    rows, groups = [], []
    for grouping, cells in found.split("grouping").items():
        for family, statistic in _FAMILIES.items():
            verdicts = Counter(row["verdict"] for row in cells.where(statistic))
            instead = next((row["instead"] for row in cells.where(statistic) if row["verdict"] == "not identified"), "")
            rows.append((family, *(str(verdicts.get(v, 0)) for v in ("identified", "weak", "not identified")), instead or "–"))
        groups.append((f"Cells: {grouping.replace('_', ' ')}", len(_FAMILIES)))
    columns = (Column("Statistics"), Column("Identified", "cells"), Column("Weak", "cells"), Column("Not identified", "cells"),
               Column("Look instead at", align="left"))
    table = Table("table-design", "What the design carries: in how many cells a statistic is identified, weak or not identified.",
                  columns, tuple(rows), ("The verdict and reason for every cell and statistic stand in tables/design.csv.",), tuple(groups))
    return Section("design", "What this design carries", (Bullets(found.notes), table))


# One statistic stands for its family: the rule is the same for all of them.
_FAMILIES = {"Agreement with the gold standard": "agreement with gold", "Percent agreement, Gwet's AC, Brennan-Prediger": "gwet",
             "Kappas, alpha, ICC": "krippendorff"}


def methods_section(draft: Draft) -> Section:
    """How every kind of number was made, short enough to be read."""
    level = draft.interval_head
    items: tuple[tuple[str, Text], ...] = (
        ("To whom the intervals apply", "Other officers like these, rating these cases with these factors. Officers are the independent "
         "unit: several ratings by one officer are not counted as independent evidence. Only the intervals of the ICC extend to other "
         "cases; a single case carries none for that."),
        ("Agreement with the gold standard", f"Where each officer gives one rating, the {level} is Wilson's. Where officers give several, it is "
         "clustered by officer: a t interval on the logit scale with the number of officers less one degrees of freedom; where a share is 0 or 1, "
         "does not vary, or has fewer than five cases on one side, Wilson's interval on the effective number of ratings."),
        ("Agreement between officers", "Subjects are pairs of case and factor. Every rating given is used. Percent agreement is the share of pairs "
         "of officers with the same priority; the weighted form gives part credit for near misses. Gwet's AC, Brennan-Prediger, "
         "Krippendorff's alpha and kappa set it against chance in different ways and are shown together, because none is right for every pattern. "
         "Intervals leave out one officer at a time (jackknife) on the Fisher-z scale."),
        ("Weights", "Quadratic weights are the default on an ordered scale, linear weights stand beside them. Krippendorff's ordinal metric is used "
         "for alpha. The number of categories is that of the declared scale, used or not."),
        ("Intraclass correlation", "ICC(A,1): agreement of single officers in category scores. Complete tables: mean squares and F-based limits. "
         "Incomplete tables: REML with subjects and officers crossed, interval by simulation from the seed below."),
        ("What is suppressed", "Kappa, alpha and the ICC below 5 subjects, and for one kind of factor within a single case; from 5 to 9 subjects they "
         "are marked weak. They need subjects that differ, and two cases say nothing about that."),
        ("'Unable to rate'", "Not a priority and not a blank. It is left out of agreement on priorities, counted as not exact in "
         "exact_of_asked (tables), and reported as a share of its own. Cells that are hard to rate are probably hard to agree on, so agreement "
         "among the priorities given tends to flatter."),
        ("Coefficients", "Cohen 1960, 1968; Conger 1980; Fleiss 1971; Gwet 2008, 2014; Brennan & Prediger 1981; Krippendorff 2019; "
         "McGraw & Wong 1996; James, Demaree & Wolf 1984 (r_WG)."),
    )
    return Section("methods", "Methods", (Definitions(items),))


def limits_section(draft: Draft) -> Section:
    """What stays open whatever the numbers say."""
    study = draft.study
    items: list[Text] = [
        "Vignettes are not live cases: there was no interview, no home visit and no colleague to ask.",
        "Officers who took part may differ from those who did not.",
        "Agreement with the gold standard depends on what the gold standard is: a gold of Medium leaves two ways to be wrong, "
        "a gold of Low or High one. Cases and factors with different golds are not equally hard.",
        "On a scale with a lowest and a highest category, ratings can only err upwards from the lowest and downwards from the highest. "
        "Under-rating in higher-risk and over-rating in lower-risk cases is partly that.",
        "No test of differences between cases, kinds of factor or agencies is made here: read the intervals side by side.",
    ]
    blocks: list[Block] = [Bullets(tuple(items))]
    if study.synthetic:
        blocks.append(Callout("synthetic", "Synthetic data", (Paragraph(
            "Every rating was simulated from stated parameters and a stated seed. The numbers show what the report looks like. "
            "They are not the pilot's, and they are not evidence about ARMS or about officers."),)))
    return Section("limits", "Limits", tuple(blocks))
