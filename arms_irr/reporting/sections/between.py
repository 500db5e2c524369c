"""Agreement between officers: several coefficients side by side, because none is right for every pattern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from arms_irr import plots
from arms_irr.analysis.interpretation import benchmarks, fragile, paradox, reach
from arms_irr.analysis.pairs_of_raters import MOST, rater_pairs
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.reporting.document import Block, Bullets, Cited, Column, Figure, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import FEW_CASES, Draft, coefficients_cells, estimates_table, nothing
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.questions import (
    BETWEEN_BY_BAND,
    BETWEEN_BY_CASE,
    BETWEEN_BY_FACTOR_CASE,
    BETWEEN_BY_KIND_BAND,
    Question,
    band_of,
)
from arms_irr.reporting.sections.agencies import over_all_cases
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import coefficient, number
from arms_irr.statistics.benchmarks import SCALES
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.study.study import Study

__all__ = ["between_section"]

MOST_PAIRS = 100  # officers: the indices of kappa go through every pair
MOST_RATINGS = 20_000  # the ratings that must change are searched for, what is in reach is simulated
ACCURACY = 0.9  # of the officers in "what kappa can reach here"


def between_section(draft: Draft) -> Section:
    """Per case or band, by kind, and by factor where a single subject allows it."""
    say, title = draft.say, draft.say.word("between.title")
    result = draft.ask(BETWEEN_BY_BAND if draft.many_cases else BETWEEN_BY_CASE)
    if nothing(result):
        return Section("between", title, (Paragraph(say("between.none")),))
    by_band = result.by[0] == "risk_band"
    names = draft.names.bands if by_band else draft.names.cases
    caption = say("between.caption_band" if by_band else "between.caption_case", level=draft.interval_head, base=draft.base)
    blocks: list[Block] = [
        Paragraph(say("between.words")),
        draft.figure("fig-between", _finding(draft, result), caption, _alt(draft, result, names), plots.coefficients, result,
                     names={**draft.names.all, **names}),
        _table(draft, result, names),
    ]
    if draft.many_cases:
        draft.ask(BETWEEN_BY_CASE)
        blocks.append(Paragraph(say("between.elsewhere")))
    blocks += [*_words(draft, result, names), *_paradox(draft, names), *_weight(draft, result, names)]
    blocks.append(_kind_table(draft))
    if not draft.many_cases:
        blocks.append(_factor_table(draft))
    blocks += [*_pairs_figure(draft), *_agencies(draft)]
    return Section("between", title, tuple(blocks))


def _finding(draft: Draft, result: Result) -> Text:
    values = [row.estimate.value for row in result if row.estimate.estimable]
    return draft.say("between.finding_same" if max(values) - min(values) < 0.1 else "between.finding")


def _alt(draft: Draft, result: Result, names: Mapping[str, str]) -> Text:
    say, parts = draft.say, []
    for value, rows in result.split(result.by[0]).items():
        own = [row for row in rows if row.estimate.estimable]
        if own:
            low, high = (pick(own, key=lambda row: row.estimate.value) for pick in (min, max))
            parts.append(say(
                "between.alt_part", where=Label(names.get(value, value)), low=coefficient_name(low.coefficient, low.estimate.weights),
                low_value=say.coefficient(low.estimate), high=coefficient_name(high.coefficient, high.estimate.weights),
                high_value=say.coefficient(high.estimate),
            ))
    return say("between.alt", found=say.series(parts))


def _table(draft: Draft, result: Result, names: Mapping[str, str]) -> Table:
    say, rows, groups = draft.say, [], []
    for value, own in result.split(result.by[0]).items():
        for row in own:
            e = row.estimate
            shares = (coefficient(x, table=True) for x in (e.observed, e.expected))
            rows.append(([coefficient_name(row.coefficient, e.weights), *shares, f"{e.n_subjects:,}", f"{e.n_raters:,}"], [e]))
        groups.append((names.get(value, value), len(own)))
    heads = ("coefficient", "observed", "chance", "subjects", "officers", "value")
    head = [*(Column(say.word(f"between.{key}")) for key in heads), Column(draft.interval_head)]
    caption = say("between.table_band" if result.by[0] == "risk_band" else "between.table_case")
    return estimates_table("between", caption, head, rows, cells=coefficients_cells, groups=groups,
                           after=_prevalence(draft, result, names), notes=(say("between.formula"),))


def _prevalence(draft: Draft, result: Result, names: Mapping[str, str]) -> list[Text]:
    """How uneven the categories are: without it a chance-corrected value cannot be read."""
    say, parts = draft.say, {}
    for row in result.where("percent"):
        value = row[result.by[0]]
        if "largest_share" in row.estimate.parts and value not in parts:
            share = say.part(row.estimate, "largest_share", scale=100)
            parts[value] = say("between.prevalence_part", where=Label(names.get(value, value)), share=share)
    return [say("between.prevalence", found=say.listed(parts.values()))] if parts else []


def _kind_table(draft: Draft) -> Table:
    """A row for each kind in each band: exact agreement and three views of chance."""
    found, names, say = draft.ask(BETWEEN_BY_KIND_BAND), draft.names, draft.say
    kappa = next((name for name in ("conger", "fleiss") if found.where(name).rows), "conger")
    wanted = [("percent", "identity"), ("gwet", "quadratic"), ("krippendorff", "ordinal metric"), (kappa, "quadratic")]
    rows, groups = [], []
    for value, part in found.split(draft.band).items():
        kinds = part.split("kind")
        for kind, cell in kinds.items():
            own = {(row.coefficient, row.estimate.weights): row.estimate for row in cell}
            cells = [own.get(key, undefined("mixed-scales")) for key in wanted]
            rows.append(([names.kind(kind), f"{cells[0].n_subjects:,}"], cells))
        groups.append((names.bands[value], len(kinds)))
    titles = (*(say.word(f"between.{key}") for key in ("percent_exact", "ac2", "alpha")),
              say.word("between.kappa").format(name=coefficient_name(kappa)))
    head = [Column(say.word("between.kind")), Column(say.word("between.subjects")), *_pairs(draft, titles)]
    return estimates_table("between-kinds", say("between.kinds"), head, rows, cells=coefficients_cells, groups=groups,
                           notes=(say("between.subjects_note"),))


def _pairs(draft: Draft, titles: tuple[str, ...]) -> list[Column]:
    return [column for title in titles for column in (Column(title), Column(draft.interval_head))]


def _factor_table(draft: Draft) -> Table:
    """Percent agreement, AC2 and r_WG for each factor and case: what one subject can carry."""
    found, say = draft.ask(BETWEEN_BY_FACTOR_CASE), draft.say
    wanted = (("percent", "identity"), ("gwet", "quadratic"), ("r_wg", ""))
    rows, groups = [], []
    for case in draft.study.cases:
        factors = found.where(case=case).split("factor")
        for factor, own in factors.items():
            cells = [own.get(name, weights or None) for name, weights in wanted]
            rows.append(([draft.names.factor(factor), f"{cells[0].n_raters:,}"], cells))
        groups.append((draft.names.cases[case], len(factors)))
    titles = tuple(say.word(f"between.{key}") for key in ("percent_exact", "ac2", "r_wg"))
    head = [Column(say.word("between.factor")), Column(say.word("between.officers")), *_pairs(draft, titles)]
    return estimates_table("between-factors", say("between.factors"), head, rows, cells=coefficients_cells, groups=groups,
                           notes=(say("between.r_wg_note"),))


# --- how to read the values --------------------------------------------------------------------------------


def _grouping(study: Study) -> list[str]:
    return ["case"] if len(study.cases) <= FEW_CASES else [band_of(study)]


def _at_most(most: int, n: int, of: str, what: str) -> None:
    if n > most:
        raise ArgumentError(f"{what} would take too long with more than {most:,} {of}; this study has {n:,}")


def _ask_paradox(study: Study) -> Result:
    _at_most(MOST_PAIRS, len(study.raters), "officers", "the indices of kappa over all pairs of officers")
    return paradox(study, _grouping(study))


def _ask_fragile(study: Study) -> Result:
    _at_most(MOST_RATINGS, len(study.ratings.code), "ratings", "the search for the ratings that must change")
    return fragile(study, _grouping(study))


def _ask_reach(study: Study, seed: int) -> Result:
    _at_most(MOST_RATINGS, len(study.ratings.code), "ratings", "the simulation of what kappa can reach")
    return reach(study, _grouping(study), accuracy=[ACCURACY], seed=seed)


PARADOX = Question("paradox", lambda s, o: _ask_paradox(s), step="between")
FRAGILE = Question("ratings_that_must_change", lambda s, o: _ask_fragile(s), step="between")
REACH = Question("what_kappa_can_reach", lambda s, o: _ask_reach(s, o.seed))
PAIRS = Question("pairs_of_officers", lambda s, o: _large_groups(rater_pairs(_small_groups_together(s, o.min_cell)), o.min_cell, s))
AGENCIES = Question("agreement_by_agency", over_all_cases, step="agencies")


def _first(result: Result, *coefficients: str) -> list[Row]:
    """The first row of each coefficient: the table's order begins with the usual weights."""
    found = (next(iter(result.where(name)), None) for name in coefficients)
    return [row for row in found if row is not None]


def _words(draft: Draft, result: Result, names: Mapping[str, str]) -> list[Block]:
    """The words that the usual coefficients have earned, each with interval and probability."""
    say = draft.say
    found = draft.ask(Question("benchmarks", lambda s, o: benchmarks(result)))
    rows, groups = [], []
    for value, own in found.split(result.by[0]).items():
        kept = _first(own.where(scale="landis_koch"), "gwet", "conger", "fleiss") + _first(own, "krippendorff")
        kept = [row for row in kept if row.estimate.estimable]
        for row in kept:
            p = row.estimate.parts["probability"]
            sure = say.word("between.nearly_sure") if p > 0.9995 else number(100 * p, 1)
            rows.append(([coefficient_name(row.coefficient, row.estimate.weights), SCALES[row["scale"]].title,
                          row["word"] or say.word("between.no_word"), sure], [row.estimate]))
        if kept:
            groups.append((names.get(value, value), len(kept)))
    if not rows:
        return []
    heads = (("coefficient", ""), ("scale", ""), ("word", ""), ("probability", "percent"), ("value", ""))
    head = [Column(say.word(f"between.{key}"), say.word(f"between.{unit}") if unit else "",
                   align="left" if key in ("scale", "word") else "right") for key, unit in heads]
    table = estimates_table("between-words", say("between.words_table"), [*head, Column(draft.interval_head)], rows, cells=coefficients_cells,
                            groups=groups, notes=(say("between.words_note"),))
    return [Paragraph(say("between.words_before")), table]


def _paradox(draft: Draft, names: Mapping[str, str]) -> list[Block]:
    """Where kappa lies far below the observed agreement: why, and what to quote."""
    say, found = draft.say, draft.ask(PARADOX)
    if len(draft.study.raters) > MOST_PAIRS:
        return [Paragraph((Label(_sentence(found.notes[0])),))]
    points, rows = [], []
    for value, own in found.split(_grouping(draft.study)[0]).items() if found.rows else ():
        e = {row.coefficient: row.estimate for row in own.where(category="all")}
        shares = [row for row in own.where("share") if row.estimate.estimable]
        if not e["fleiss"].estimable or not shares:
            continue
        top = max(shares, key=lambda row: row.estimate.value)
        of_top = {row.coefficient: row.estimate for row in own.where(category=top["category"])}
        where = Label(names.get(value, value))
        points.append(say("between.paradox_part", where=where, exact=say.share(e["percent"]), kappa=say.coefficient(e["fleiss"]),
                          share=say.share(top.estimate), category=Label(top["category"]), chance=_chance(e["fleiss"]),
                          gwet_chance=_chance(e["gwet"]), gwet=say.coefficient(e["gwet"]), bp=say.coefficient(e["brennan_prediger"])))
        cells = [coefficient(one.value, table=True) for one in (
            e["fleiss"], e["kappa_max"], of_top["prevalence_index"], of_top["bias_index"], of_top["pabak"])]
        rows.append((where, number(100 * e["percent"].value, 1), number(100 * e["fleiss"].expected, 1), *cells[:2], Label(top["category"]),
                     number(100 * top.estimate.value, 1), *cells[2:]))
    if not rows:
        return []
    percent = say.word("between.percent")
    units = {"exact": percent, "chance": percent, "share": percent}
    heads = ("where", "exact", "chance", "fleiss", "kappa_max", "category", "share", "prevalence_index", "bias_index", "pabak")
    columns = tuple(Column(say.word(f"between.{key}"), units.get(key, ""), align="left" if key == "category" else "right") for key in heads)
    return [Paragraph(say("between.paradox")), Bullets(tuple(points)), Paragraph(say("between.quote")),
            Table("table-paradox", say("between.paradox_table"), columns, tuple(rows), (say("between.paradox_note"),))]


def _chance(e: Estimate) -> Cited:
    """Agreement by chance, as the coefficient sees it."""
    return Cited(f"{number(100 * e.expected, 0)} %", e)


def _weight(draft: Draft, result: Result, names: Mapping[str, str]) -> list[Block]:
    """How few ratings carry a value to another word, and what was in reach at all."""
    say, points = draft.say, []
    changes = draft.ask(FRAGILE)
    for row in changes:
        if row.estimate.estimable:
            key = "between.fragile_down" if row["direction"] == "down" else "between.fragile_up"
            points.append(say(key, where=Label(names.get(row[changes.by[0]], row[changes.by[0]])), changes=say.plain(row.estimate, 0),
                              of=say.ratings(row.estimate), value=say.part(row.estimate, "coefficient", 2), bound=Label(row["bound"])))
    limits = draft.ask(REACH)
    for row in limits:
        observed = _first(result.where(**{limits.by[0]: row[limits.by[0]]}), "conger", "fleiss")
        if row.estimate.estimable and observed and observed[0].estimate.estimable:
            points.append(say("between.reach", where=Label(names.get(row[limits.by[0]], row[limits.by[0]])), value=say.coefficient(row.estimate),
                              low=Cited(coefficient(row.estimate.ci_low), row.estimate), high=Cited(coefficient(row.estimate.ci_high), row.estimate),
                              found=say.coefficient(observed[0].estimate)))
    asked = (changes, limits) if draft.study.has_gold else (changes,)
    why = [Paragraph((Label(_sentence(note)),)) for found in asked if not found.rows for note in found.notes[:1]]
    return [Paragraph(say("between.weight")), Bullets(tuple(points)), *why] if points else why


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + ("" if words.endswith(".") else ".")


# --- who agrees with whom ----------------------------------------------------------------------------------


def _pairs_figure(draft: Draft) -> list[Figure]:
    say, found = draft.say, draft.ask(PAIRS)
    pairs = [row.estimate for row in found if row.estimate.estimable]
    if len(pairs) < 3:
        return []
    low, high = (pick(pairs, key=lambda e: e.value) for pick in (min, max))
    single = len(draft.study.raters) <= MOST
    finding = say("between.pairs_finding" if single else "between.groups_finding", low=say.share(low), high=say.share(high))
    caption = say("between.pairs_caption" if single else "between.groups_caption", base=draft.base)
    return [draft.figure("fig-pairs", finding, caption, say("between.pairs_alt", finding=finding), plots.rater_heatmap, found,
                         officers=not single, names=draft.names.all)]


def _small_groups_together(study: Study, least: int) -> Study:
    """Agencies and sites of fewer officers under one name, so that no pair is shown as theirs."""
    held = dict(study.rater_attributes)
    for name in {"agency", "site"} & set(held):
        sizes = Counter(held[name])
        held[name] = tuple(value if not value or sizes[value] >= least else f"groups of fewer than {least} officers" for value in held[name])
    return replace(study, rater_attributes=held)


def _large_groups(result: Result, least: int, study: Study) -> Result:
    """Where groups are paired: without those of fewer officers than may be shown by themselves."""
    if len(study.raters) <= MOST:
        return result
    sizes = {row["rater"]: row.estimate.n_raters for row in result if row["rater"] == row["other"]}
    large = {group for group, n in sizes.items() if n >= least}
    return replace(result, rows=tuple(row for row in result if {row["rater"], row["other"]} <= large))


def _agencies(draft: Draft) -> list[Block]:
    """Agreement within the two largest agencies and between them, in a sentence."""
    values: Sequence[str] = draft.study.rater_attributes.get("agency", ())
    if sum(values.count(one) >= draft.options.min_cell for one in set(values) - {""}) < 2:
        return []
    say, found = draft.say, draft.ask(AGENCIES)
    within, gap = found.where("agreement_within").rows, found.where("agreement_gap").rows
    across = found.where("agreement_between").rows
    if nothing(found) or not all(row.estimate.estimable for row in (*within, *across)):
        return []
    parts = [say("between.within", agency=Label(row["group"]), share=say.share(row.estimate), limits=say.limits(row.estimate)) for row in within]
    lean = gap[0].estimate
    key = "between.agencies_gap" if lean.ci_low > 0 else "between.agencies_no_gap"
    return [Paragraph(say(key, within=say.listed(parts), across=say.share(across[0].estimate), limits=say.limits(across[0].estimate)))]
