"""Which conclusions hold whatever the analyst chooses, how far the numbers move, whether the factors keep their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arms_irr.analysis.conclusions import conclusions, factor_ranks, ranges
from arms_irr.analysis.consistency import ORDINAL_METRIC
from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.sensitivity import (
    CHOICES,
    DECISION,
    DISAGREEMENT,
    EVERYONE,
    EXCLUDED,
    GIVEN,
    MODAL,
    NO_GOLD,
    URGENCY,
    sensitivity,
)
from arms_irr.analysis.titles import title_of, words_of
from arms_irr.reporting.document import Block, Bullets, Column, Paragraph, Section, Table, Text, plain
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.questions import Question
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import coefficient, interval, number
from arms_irr.statistics.estimate import Estimate

__all__ = ["GRID", "sensitivity_section"]

GRID = Question("sensitivity", lambda s, o: sensitivity(s, confidence_level=o.confidence_level), step="sensitivity")

# The choices that the grid names, and their entries in the catalogue; officers left out and panel members go by their own names.
_OPTIONS = {EXCLUDED: "left_out", DISAGREEMENT: "disagreement", URGENCY: "urgency", DECISION: "decision", EVERYONE: "everyone",
            GIVEN: "given", MODAL: "mode", "identity": "identity", "linear": "linear", "quadratic": "quadratic", ORDINAL_METRIC: "ordinal_metric"}
_TOLD = 0.005  # a coefficient that moves less reads the same everywhere
_MEASURED = {"against the gold standard": "against_gold", "between officers": "between_officers"}


def sensitivity_section(draft: Draft) -> Section:
    """Conclusions first, then numbers, then factors; the whole grid goes to the tables."""
    say, grid = draft.say, draft.ask(GRID)
    title = say.word("sensitivity.title")
    found = draft.ask(Question("conclusions", lambda s, o: conclusions(grid)))
    if not found.rows:
        return Section("sensitivity", title, (Paragraph(say("sensitivity.none")),))
    points = dict.fromkeys((row.coefficient, row.estimate.weights, row["unable"], row["officers"], row["gold"])
                           for row in grid if row.estimate.estimable)
    whole = [row for row in found if not row["choice"]]
    blocks: list[Block] = [
        Paragraph(say("sensitivity.words", points=say.plain(draft.counted("analyses", len(points)), 0))),
        Bullets(_choices(draft, points), say("sensitivity.choices_title")),
        *(Bullets(held, say(f"sensitivity.survives_{key}")) for measured, key in _MEASURED.items()
          if (held := tuple(_held(draft, found, row) for row in whole if row["measured"] == measured))),
        _table(draft, found, whole),
        Paragraph(say("sensitivity.grid_elsewhere")),
        *_ranges(draft, grid), *_ranks(draft, grid),
    ]
    return Section("sensitivity", title, tuple(blocks))


# --- the choices ------------------------------------------------------------------------------------------


def _option(draft: Draft, choice: str, option: str) -> Label:
    """An option of a choice, in words that can stand in a list."""
    if choice == "statistic":
        words = words_of(option)  # names of people keep their capital
        return Label(words[0].lower() + words[1:] if title_of(option).unit == "share" else words)
    return draft.say.name(f"sensitivity.{_OPTIONS[option]}") if option in _OPTIONS else Label(option)


def _choices(draft: Draft, points: Iterable[Sequence[str]]) -> tuple[Text, ...]:
    """What was tried; a choice with a single option is none."""
    say, items, every = draft.say, [], list(points)
    for place, choice in enumerate(CHOICES):
        options = [o for o in dict.fromkeys(point[place] for point in every) if o not in ("", NO_GOLD)]
        if len(options) > 1:
            items.append(say(f"sensitivity.made_{choice}", options=_or(draft, [_option(draft, choice, o) for o in options])))
    return tuple(items)


def _or(draft: Draft, items: Sequence[Text]) -> Text:
    """ "a, b or c"."""
    *head, last = items
    before = [piece for place, item in enumerate(head) for piece in ((", ", item) if place else (item,))]
    return (*before, *((draft.say.name("sensitivity.or"),) if head else ()), last)


# --- the conclusions --------------------------------------------------------------------------------------


def _conclusion(draft: Draft, row: Row) -> Text:
    """A conclusion as a sentence without its full stop."""
    say, names, said, bands = draft.say, draft.names, row["conclusion"], draft.study.bands
    if bands and said == f"{bands[0]} more consistent than {bands[-1]}":
        return say("sensitivity.bands", first=names.where(bands[0]), last=names.where(bands[-1]))
    for band in bands:
        if said.startswith(f"{band}: "):
            return say("sensitivity.in_band", where=names.where(band), what=Label(said.removeprefix(f"{band}: ")))
    return say("sensitivity.kinds")


def _turning(draft: Draft, found: Result, whole: Row) -> Text:
    """The single choices that turn a conclusion; empty where none does."""
    say, parts = draft.say, []
    own = [row for row in found if (row["conclusion"], row["measured"]) == (whole["conclusion"], whole["measured"])]
    for choice in CHOICES:
        options = [_option(draft, choice, row["option"]) for row in own if row["choice"] == choice and row.estimate.parts["flips"]]
        if options:
            parts.append(say(f"sensitivity.turn_{choice}", options=_or(draft, options)))
    return say.series(parts) if parts else ""


def _held(draft: Draft, found: Result, row: Row) -> Text:
    say, e = draft.say, row.estimate
    said = {"conclusion": _conclusion(draft, row), "points": say.part(e, "points")}
    if e.value in (0, 1):
        return say("sensitivity.held_all" if e.value else "sensitivity.held_never", **said)
    choices = _turning(draft, found, row)
    turned = say("sensitivity.turned", choices=choices) if choices else say("sensitivity.turned_several")
    return say("sensitivity.held_some", holds=say.part(e, "holds"), usual=_usual(draft, e), turned=turned, **said)


def _usual(draft: Draft, e: Estimate) -> Label:
    return draft.say.name("sensitivity.holds" if e.parts["at_base"] else "sensitivity.not_holds")


def _table(draft: Draft, found: Result, whole: Sequence[Row]) -> Table:
    say, rows, groups = draft.say, [], []
    for measured, key in _MEASURED.items():
        own = [row for row in whole if row["measured"] == measured]
        for row in own:
            e, choices = row.estimate, plain(_turning(draft, found, row)) or say.word("sensitivity.nothing")
            rows.append((plain(_conclusion(draft, row)), _usual(draft, e), number(e.parts["points"], 0), number(100 * e.value, 1), choices))
        if own:
            groups.append((_headed(say.word(f"sensitivity.{key}")), len(own)))
    word = say.word
    columns = (
        Column(word("sensitivity.conclusion")), Column(word("sensitivity.usual"), align="left"),
        Column(word("sensitivity.analyses"), word("sensitivity.number")), Column(word("sensitivity.share"), word("sensitivity.percent")),
        Column(word("sensitivity.turned_by"), align="left"),
    )
    worded = any(": '" in row["conclusion"] for row in whole)
    notes = (say("sensitivity.table_share"), *((say("sensitivity.table_word"),) if worded else ()))
    return Table("table-conclusions", say("sensitivity.table", base=draft.base), columns, tuple(rows), notes, tuple(groups))


def _headed(words: str) -> str:
    return words[0].upper() + words[1:]


# --- the numbers ------------------------------------------------------------------------------------------


def _ranges(draft: Draft, grid: Result) -> list[Block]:
    """How far each headline number moves: shares and coefficients in tables of their own."""
    say, found = draft.say, draft.ask(Question("sensitivity_ranges", lambda s, o: ranges(grid)))
    rows = [row for row in found if row.estimate.parts["points"] > 1]
    if not rows:
        return []
    column = "risk_band" if "risk_band" in found.by else "kind"
    coefficients = [row for row in rows if title_of(row.coefficient).unit != "share"]
    blocks: list[Block] = []
    row = max(coefficients, key=_width, default=None)
    if row is not None and _width(row) >= _TOLD:
        e, where = row.estimate, _where(draft, column, row[column])
        blocks.append(Paragraph(say("sensitivity.ranges_words", statistic=coefficient_name(row.coefficient, e.weights), where=where,
                                    usual=say.coefficient(e), least=say.part(e, "least", 2), most=say.part(e, "most", 2))))
    for name, shown in (("shares", [row for row in rows if row not in coefficients]), ("coefficients", coefficients)):
        if shown:
            blocks.append(_ranges_table(draft, name, shown, column))
    return [Section("sensitivity-ranges", say.word("sensitivity.ranges_title"), tuple(blocks))]


def _width(row: Row) -> float:
    return row.estimate.parts["most"] - row.estimate.parts["least"]


def _where(draft: Draft, column: str, value: str) -> Text:
    return draft.names.where(value) if column == "risk_band" else draft.say("sensitivity.on_kind", kind=draft.names.kinds(value))


def _ranges_table(draft: Draft, name: str, shown: Sequence[Row], column: str) -> Table:
    say, names = draft.say, draft.names
    rows, groups = [], []
    for value in dict.fromkeys(row[column] for row in shown):
        own = [row for row in shown if row[column] == value]
        rows += [_range_cells(row, name == "shares") for row in own]
        groups.append((names.bands[value] if column == "risk_band" else names.kind(value), len(own)))
    unit = say.word("sensitivity.percent") if name == "shares" else ""
    heads = [Column(say.word(f"sensitivity.{key}"), unit) for key in ("usual_value", "least", "most")]
    columns = (Column(say.word("sensitivity.statistic")), heads[0], Column(draft.interval_head), *heads[1:],
               Column(say.word("sensitivity.analyses"), say.word("sensitivity.number")))
    notes = (say("sensitivity.ranges_note"), *((say("sensitivity.ranges_weights"),) if name == "shares" else ()))
    return Table(f"table-ranges-{name}", say(f"sensitivity.ranges_{name}", base=draft.base), columns, tuple(rows), notes, tuple(groups))


def _range_cells(row: Row, share: bool) -> tuple[str, ...]:
    e = row.estimate
    shown = [number(100 * x, 1) if share else coefficient(x, table=True) for x in (e.value, e.parts["least"], e.parts["most"])]
    limits = interval(e, 100, 1) if share else interval(e, 1, 3)
    return (coefficient_name(row.coefficient, e.weights), shown[0], limits, *shown[1:], number(e.parts["points"], 0))


# --- the factors ------------------------------------------------------------------------------------------


def _ranks(draft: Draft, grid: Result) -> list[Block]:
    """Whether the factors keep their order, and how far each of them moves."""
    say, found = draft.say, draft.ask(Question("factor_ranks", lambda s, o: factor_ranks(grid)))
    places = {m: [row for row in found.where("rank") if row["measured"] == m] for m in _MEASURED}
    shown = {measured: rows for measured, rows in places.items() if found.where("rank_correlation", measured=measured).rows}
    if not shown:
        return []
    said = [text for measured in shown for text in _moves(draft, found, measured, shown[measured])]
    blocks: list[Block] = [Bullets(tuple(said)), _ranks_table(draft, shown)]
    return [Section("factor-ranks", say.word("sensitivity.ranks_title"), tuple(blocks))]


def _moves(draft: Draft, found: Result, measured: str, rows: Sequence[Row]) -> list[Text]:
    say, key = draft.say, _entry(measured)
    stable = found.get("rank_correlation", measured=measured)
    first = say("sensitivity.ranks_words", measured=say(key), mean=say.coefficient(stable), points=say.part(stable, "points"),
                least=say.part(stable, "least", 2))
    row = max(rows, key=lambda row: row.estimate.parts["worst"] - row.estimate.parts["best"])
    e = row.estimate
    if e.parts["worst"] == e.parts["best"]:
        return [first, say("sensitivity.ranks_fixed", measured=say(key))]
    told = {"factor": draft.names.factor(row["factor"]), "best": say.part(e, "best", _halves(e, "best")), "worst": say.part(e, "worst", _halves(e, "worst"))}
    return [first, say("sensitivity.ranks_moves", measured=say(key), **told)]


def _entry(measured: str) -> str:
    """The entry of the catalogue for what was measured."""
    return f"sensitivity.{_MEASURED[measured]}"


def _halves(e: Estimate, part: str) -> int:
    """Decimals of a place: one where factors share it."""
    return 0 if e.parts[part].is_integer() else 1


def _ranks_table(draft: Draft, shown: dict[str, list[Row]]) -> Table:
    say, rows, groups = draft.say, [], []
    for measured, own in shown.items():
        for row in sorted(own, key=lambda row: row.estimate.value):
            parts = row.estimate.parts
            rows.append((draft.names.factor(row["factor"]), number(row.estimate.value, 1),
                         *(number(parts[name], 1) for name in ("best", "median", "worst")), number(100 * parts["last_third"], 1)))
        groups.append((_headed(say.word(_entry(measured))), len(own)))
    word = say.word
    columns = (*(Column(word(f"sensitivity.{key}")) for key in ("factor", "place", "best", "median", "worst")),
               Column(word("sensitivity.last_third"), word("sensitivity.of_analyses")))
    caption = say("sensitivity.ranks_table", base=draft.base)
    return Table("table-factor-ranks", caption, columns, tuple(rows), (say("sensitivity.ranks_note"),), tuple(groups))
