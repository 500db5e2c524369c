"""What officers and vignettes buy: the trade-off, one more vignette, and officers per case for a score to be depended on."""

from __future__ import annotations

from dataclasses import replace

from arms_irr import plots
from arms_irr.analysis.dependability import PHI
from arms_irr.analysis.result import Result, Row
from arms_irr.planning.exercise import MORE_OFFICERS
from arms_irr.planning.headlines import CONTRASTS
from arms_irr.planning.parameters import BANDS
from arms_irr.reporting.document import (
    Block,
    Cited,
    Column,
    Figure,
    Paragraph,
    Ref,
    Section,
    Table,
    Text,
    pieces,
)
from arms_irr.reporting.sections.plan_words import TARGETS, PlanDraft, error, is_share
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import coefficient, interval, number, signed
from arms_irr.statistics.estimate import Estimate

__all__ = ["SPREAD", "buys_section", "spread_cell", "trade_finding"]

_FIRST, _, _THIRD, _ = CONTRASTS
# The columns of the table of standard deviations: key of the head, statistic, group, targets.
SPREAD = tuple((key, statistic, group, target) for key, statistic, group, targets in (
    ("sd_exact", "exact", "higher", ("both", "raters")), ("sd_bands", *_FIRST, ("both", "raters")),
    ("sd_gwet", "gwet", "all", ("both", "raters")), ("sd_kinds", *_THIRD, ("both",))) for target in targets)


def spread_cell(found: Result, cases: str, officers: str, statistic: str, group: str, target: str) -> str:
    """A standard deviation with its Monte Carlo error: "0.064 (0.003)"."""
    e = found.get("standard_deviation", cases=cases, officers=officers, statistic=statistic, group=group, inference=target)
    return f"{number(e.value, 3)} ({number(e.se, 3)})"


def buys_section(plan: PlanDraft) -> Section | None:
    """The trade-off, one more vignette, dependability; None where the simulation was stopped before all of them."""
    say = plan.draft.say
    blocks: list[Block] = []
    if "trade_off" in plan.results:
        blocks += [_figure(plan), *_tables(plan)]
    if "one_more" in plan.results:
        blocks += [Paragraph(_more_words(plan)), _more(plan)]
    if "dependability" in plan.results:
        blocks.append(Section("dependability", say.word("plan.dstudy_title"), _dependability(plan)))
    return Section("trade-off", say.word("plan.trade_title"), tuple(blocks)) if blocks else None


# --- officers and vignettes -------------------------------------------------------------------------------------


def _sizes(found: Result) -> tuple[list[str], list[str]]:
    """Numbers of vignettes and officers that were reached, ascending."""
    return tuple(sorted({row[column] for row in found}, key=int) for column in ("cases", "officers"))  # type: ignore[return-value]


def trade_finding(plan: PlanDraft) -> Text:
    """What more vignettes do, and what more officers do on the fewest vignettes."""
    say, found = plan.draft.say, plan.results["trade_off"]
    (few, *_, many), (least, *_, most) = ((one[0], *one) for one in _sizes(found))
    planned = str(plan.exercise.inputs.n_officers)

    def half(cases: str, officers: str) -> Estimate:
        return found.get("half_width", cases=cases, officers=officers, statistic="exact", group="all", inference="both")

    def points(cases: str, officers: str) -> Text:
        e = half(cases, officers)
        return Cited(number(100 * e.value, 1), e)

    counts = {"few_cases": few, "many_cases": many, "officers": planned, "few_officers": least, "many_officers": most}
    return say("plan.trade_finding", wide=points(few, planned), narrow=points(many, planned), wide_few=points(few, least),
               narrow_many=points(few, most), **{name: plan.bare(f"trade_off_{name}", int(n)) for name, n in counts.items()})


def _figure(plan: PlanDraft) -> Figure:
    """The half-width for other officers, and for other officers and vignettes, by their numbers."""
    say, found = plan.draft.say, plan.results["trade_off"]
    finding = trade_finding(plan)
    rows = tuple(Row({"cases": row["cases"], "officers": row["officers"], "statistic": "exact", "target": row["inference"]}, row.coefficient, row.estimate)
                 for row in found.where("half_width", statistic="exact", group="all"))
    shown = Result(found.question, ("cases", "officers", "statistic", "target"), rows, synthetic=True)
    names = {"exact": say.word("plan.exact"), **{target: say.word(f"plan.{target}") for target in TARGETS}}
    return plan.draft.figure("fig-trade-off", _capital(finding), say("plan.trade_caption"), say("plan.trade_alt", finding=finding), plots.tradeoff, shown,
                             names=names)


def _capital(text: Text) -> Text:
    first, *rest = pieces(text)
    return (f"{first[:1].upper()}{first[1:]}" if isinstance(first, str) else first, *rest)


def _tables(plan: PlanDraft) -> list[Table]:
    """Standard deviations for both targets, a table each."""
    say, found = plan.draft.say, plan.results["trade_off"]
    cases, officers = _sizes(found)
    notes = (say("plan.trade_note", golds=say(f"plan.golds_{plan.exercise.inputs.golds}")),)
    made = []
    for target in ("both", "raters"):
        shown = [column for column in SPREAD if column[3] == target]
        rows = tuple((n, r, *(spread_cell(found, n, r, *column[1:]) for column in shown)) for n in cases for r in officers)
        columns = (Column(say.word("plan.cases_head")), Column(say.word("plan.officers_head")), *(Column(say.word(f"plan.{key}")) for key, *_ in shown))
        made.append(Table(f"table-spread-{target}", say(f"plan.trade_table_{target}"), columns, rows, notes))
    return made


# --- one more -----------------------------------------------------------------------------------------------------


def _more_words(plan: PlanDraft) -> Text:
    found, said = plan.results["one_more"], {}
    for key, change in (("case", f"one more {BANDS[0]}-risk vignette"), ("officers", f"{MORE_OFFICERS} more officers")):
        for suffix, target in (("", "raters"), ("_both", "both")):
            e = found.get("half_width_change", change=change, statistic="exact", group="all", inference=target)
            said |= {f"{key}{suffix}": plan.points(e, e.value, sign=True, decimals=2), f"se_{key}{suffix}": plan.error(e, "exact")}
    return plan.draft.say("plan.more_words", n=plan.bare("more_officers", MORE_OFFICERS), ref=Ref("table-one-more"), **said)


def _more(plan: PlanDraft) -> Table:
    say, found = plan.draft.say, plan.results["one_more"]
    rows = []
    for change in dict.fromkeys(row["change"] for row in found.where("half_width_change")):
        cells = []
        for statistic in ("exact", "gwet"):
            for target in TARGETS:
                e = found.get("half_width_change", change=change, statistic=statistic, group="all", inference=target)
                told = signed(100 * e.value, 2) if is_share(statistic) else signed(e.value, 4)
                cells.append(f"{told} ({error(e, statistic)})" if e.estimable else "–")
        rows.append((_change(plan, change), *cells))
    columns = (Column(say.word("plan.change")),
               *(Column(say.word(f"plan.{statistic}"), say.word(f"plan.target_{target}")) for statistic in ("exact", "gwet") for target in TARGETS))
    return Table("table-one-more", say("plan.more_table"), columns, tuple(rows), (say("plan.more_note"),))


def _change(plan: PlanDraft, change: str) -> str:
    say = plan.draft.say
    band = next((band for band in BANDS if f" {band}-risk" in change), "")
    return say.word("plan.more_case").format(band=band) if band else say.word("plan.more_officers").format(n=MORE_OFFICERS)


# --- officers per case ----------------------------------------------------------------------------------------------


def _dependability(plan: PlanDraft) -> tuple[Block, ...]:
    say, found = plan.draft.say, plan.results["dependability"]
    keys = list(dict.fromkeys((row["measured"], str(row["kind"]), row["where"]) for row in found))
    rows, said = [], []
    for measured, kind, where in keys:
        own = found.where(measured=measured, kind=kind, where=where)
        one, needed = own.get("phi", n_raters="1"), [own.get("officers_needed", phi=f"{phi:g}") for phi in PHI]
        if not one.estimable:
            continue
        what = _what(plan, measured, kind)
        if measured == "overall":
            said.append(say("plan.dstudy_one", needed=_officers(plan, needed[1]), what=what, band=Label(f"{where}-risk")))
        rows.append((what[0].upper() + what[1:], where, coefficient(one.value, table=True), interval(one, 1, 3), *(number(e.value, 0) for e in needed)))
    if not rows:
        return (Paragraph((Label(found.notes[0]),)),)
    word = say.word
    columns = (Column(word("plan.measured")), Column(word("plan.band"), align="left"), Column(word("plan.phi_one")), Column(plan.draft.interval_head),
               *(Column(word("plan.needed_for").format(phi=f"{phi:.2f}")) for phi in PHI))
    table = Table("table-dependability", say("plan.dstudy_table"), columns, tuple(rows), tuple((Label(note),) for note in found.notes))
    words = [Paragraph(say("plan.dstudy_words", found=say.listed(said)))] if said else []
    return (*words, table, _dstudy(plan, found))


def _officers(plan: PlanDraft, e: Estimate) -> Text:
    """ "8 officers"; where vignettes do not differ beyond error, that no number is enough."""
    return plan.draft.say.count(e, "officer") if e.estimable else Cited(plan.draft.say.word("plan.dstudy_never"), e)


def _what(plan: PlanDraft, measured: str, kind: str) -> Label:
    if measured == "overall":
        return plan.draft.say.name("plan.dstudy_overall")
    return Label(plan.draft.say.word("plan.dstudy_mean").format(kind=plan.draft.names.kinds(kind)))


def _dstudy(plan: PlanDraft, found: Result) -> Figure:
    """Dependability against the number of officers."""
    say = plan.draft.say
    shown = replace(found, rows=tuple(row for row in found.where("phi") if row.estimate.estimable))
    numbers = sorted({int(row["n_raters"]) for row in shown})
    one, most = (sorted((row.estimate for row in shown.where(n_raters=str(n))), key=lambda e: e.value) for n in (numbers[0], numbers[-1]))
    finding = say("plan.dstudy_finding", low_one=say.coefficient(one[0]), high_one=say.coefficient(one[-1]), low_most=say.coefficient(most[0]),
                  high_most=say.coefficient(most[-1]))
    names = {name: say.word(f"dependability.head_{name}") for name in ("mean", "overall")}
    return plan.draft.figure("fig-dependability", finding, say("plan.dstudy_caption"), say("plan.dstudy_alt", finding=finding), plots.dstudy, shown,
                             names=names)
