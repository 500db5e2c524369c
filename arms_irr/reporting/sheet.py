"""A feedback sheet: one officer's ratings on one page, for the officer alone."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from arms_irr import plots
from arms_irr.analysis.feedback import Answers, officer_feedback
from arms_irr.analysis.result import Result, Row
from arms_irr.plots.feedback import quarter
from arms_irr.reporting.document import (
    Block,
    Bullets,
    Callout,
    Document,
    Figure,
    Paragraph,
    Section,
    Text,
    pieces,
)
from arms_irr.reporting.draft import FEW_CASES
from arms_irr.reporting.naming import Names
from arms_irr.reporting.pdf import fonts
from arms_irr.reporting.voice import Label, Voice
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.study import Study

__all__ = ["MEASURES", "Desk", "sheet"]

MEASURES = ("severity_shrunken", "exact_shrunken")  # of the officers' diagnostics, what a sheet speaks of
_FULL, _NAMED = 3, 6  # differences told at length, and factors named in one sentence where there are many cases


@dataclass(frozen=True)
class Desk:
    """What all sheets of a study share.

    Attributes
    ----------
    answers : Answers
    say : Voice
    measures : mapping
        Of every officer, a Result with the :data:`MEASURES`; empty without a gold standard.
    reversed : frozenset of str
        Officers who may have read the protective factors the wrong way round.
    level : float
    training, date, ask : str
        Printed on the sheet as they are.
    png : bool
        Whether the picture is wanted as PNG too, as Word needs it.
    """

    answers: Answers
    say: Voice
    measures: Mapping[str, Result] = field(default_factory=dict)
    reversed: frozenset[str] = frozenset()
    level: float = 0.95
    training: str = ""
    date: str = ""
    ask: str = ""
    png: bool = False

    @property
    def study(self) -> Study:
        """The study, with the latest answers only."""
        return self.answers.study

    @property
    def names(self) -> Names:
        """What things are called."""
        return Names(self.study)

    @property
    def reference(self) -> Label:
        """ "the gold standard", or "most of your colleagues"."""
        return self.say.name("feedback.gold" if self.study.has_gold else "feedback.colleagues_gave")


def sheet(desk: Desk, officer: str) -> tuple[Document, dict[str, Result]]:
    """One officer's sheet, and the results that its numbers stand in.

    Many cases (more than 3) are summarised by factor, so that everything fits on one page of A4.

    Raises
    ------
    ArgumentError
        When the officer is not in the study.
    """
    say, own = desk.say, officer_feedback(desk.answers, [officer], confidence_level=desk.level)
    measures = desk.measures.get(officer)
    by_factor = len({row["case"] for row in own if row["case"]}) > FEW_CASES
    blocks: list[Block] = [Callout("main", "", (Bullets(tuple(_points(desk, officer, own, measures))),))]
    if not by_factor or own.get("exact", factor="", case="").estimable:
        blocks.append(_figure(desk, own, by_factor))
    blocks.append(Callout("limits", "", (_differences(desk, own, by_factor), _reread(desk, own))))
    sections = (
        Section("ratings", say.word("feedback.ratings"), tuple(blocks)),
        Section("cannot", say.word("feedback.cannot"), (Paragraph(_cannot(desk, own)),)),
    )
    title = say.word("feedback.title").replace("{officer}", officer)
    subtitle = " · ".join(text for text in (desk.training or desk.study.title, desk.date) if text)
    document = Document(title, sections, subtitle=subtitle, synthetic=desk.study.synthetic, page="sheet")
    return document, {"feedback": own} | ({"officers": measures} if measures else {})


# --- in short ----------------------------------------------------------------------------------------------


def _points(desk: Desk, officer: str, own: Result, measures: Result | None) -> list[Text]:
    """What the officer hears first: the result, what it may mean, the group, and the use of "unable to rate"."""
    say, total = desk.say, own.get("exact", factor="", case="")
    if not total.estimable:
        points = [say("feedback.thanks_none", reference=desk.reference)]
    else:
        points = [_together(_thanks(desk, total), _direction(desk, total))]
        if desk.study.has_gold and total.parts["gold_high"]:
            points.append(_missed(desk, total))
        points += _beside_the_group(desk, measures)
    if officer in desk.reversed:
        direction = desk.study.instrument.direction
        points.append(say("feedback.reversed_direction", direction=Label(direction)) if direction else say("feedback.reversed"))
    return [*points, _unable(desk, total)]


def _together(*texts: Text) -> Text:
    """Sentences in one point."""
    return tuple(piece for place, text in enumerate(texts) for piece in ((" ",) if place else ()) + pieces(text))


def _thanks(desk: Desk, total: Estimate) -> Text:
    say = desk.say
    return say("feedback.thanks", agreed=say.part(total, "agreed"), rated=say.part(total, "rated"), reference=desk.reference)


def _direction(desk: Desk, total: Estimate) -> Text:
    say, lower, higher = desk.say, total.parts["lower"], total.parts["higher"]
    if lower and higher:
        return say("feedback.lower_and_higher", lower=say.part(total, "lower"), higher=say.part(total, "higher"))
    return say("feedback.only_lower" if lower else "feedback.only_higher" if higher else "feedback.nowhere")


def _missed(desk: Desk, total: Estimate) -> Text:
    say, top = desk.say, _top(desk)
    if not total.parts["missed_high"]:
        return say("feedback.missed_none", top=top, tops=say.part(total, "gold_high"))
    return say("feedback.missed", top=top, missed=say.part(total, "missed_high"), tops=say.part(total, "gold_high"))


def _top(desk: Desk) -> Label:
    instrument = desk.study.instrument
    pooled = next((f for f, own in zip(instrument.factors, desk.answers.pooled, strict=True) if own), instrument.factors[0])
    return Label(instrument.scale_of(pooled.id).categories[-1])


def _beside_the_group(desk: Desk, measures: Result | None) -> list[Text]:
    """What is to be expected of the officer, and whether that can be told from the group."""
    say = desk.say
    if measures is None:
        return []
    error, exact = (measures.get(name) for name in MEASURES)
    if not (error.estimable and exact.estimable):
        return [say("feedback.unknown")]
    said = {"share": say.of_100(exact), "limits": say.limits(exact)}
    if exact.n_raters and len(desk.study.raters) > desk.answers.min_cell:  # enough others to hide in
        expected = say("feedback.expected_group", group=say.part(exact, "group", 0, 100), **said)
    else:
        expected = say("feedback.expected", **said)
    alike = ["not-separated" in e.flags for e in (exact, error)]
    if all(alike):
        return [expected, say("feedback.alike")]
    often = "alike_exact" if alike[0] else "more" if exact.value > exact.parts["group"] else "less"
    if alike[1]:
        return [expected, _together(say(f"feedback.{often}"), say("feedback.alike_severity"))]
    key = "above" if error.value > error.parts["group"] else "below"
    high = say(f"feedback.{key}", steps=say.steps(error), limits=("(", say.limits(error, 1, 2), ")"))
    return [expected, _together(say(f"feedback.{often}"), high)]


def _unable(desk: Desk, total: Estimate) -> Text:
    """Use of "unable to rate", and what was left blank."""
    say, out = desk.say, []
    asked = say.part(total, "asked")
    state = next((scale.not_rated[0] for scale in desk.study.instrument.scales.values() if scale.not_rated), "")
    if state and not total.parts["unable"]:
        out.append(say("feedback.unable_none", unable=Label(state)))
    elif state:
        known = {"known": say.part(total, "unable_known"), "reference": desk.reference} if desk.study.has_gold else {}
        key = "feedback.unable" if known else "feedback.unable_only"
        out.append(say(key, unable=Label(state), count=say.part(total, "unable"), asked=asked, **known))
    if total.parts["blank"]:
        out.append(say("feedback.blank", count=say.part(total, "blank"), asked=asked))
    elif not out:
        out.append(say("feedback.answered"))
    return _together(*out)


# --- the picture -------------------------------------------------------------------------------------------


def _figure(desk: Desk, own: Result, by_factor: bool) -> Figure:
    say, gold, word = desk.say, desk.study.has_gold, desk.say.word
    keys = ("lower", "same", "higher") if by_factor else ("gold", "you") if gold else ("you",)
    words = {("reference" if key == "gold" else key): word(f"feedback.key_{key}") for key in (*keys, "unable", "synthetic")}
    if any("share_0" in row.estimate.parts for row in own):
        words["colleagues"] = word("feedback.key_lines" if by_factor else "feedback.key_colleagues")
    cases = {case: title for case, title in desk.names.cases.items() if any(row["case"] == case for row in own)}
    svg = plots.officer_strip(own, instrument=desk.study.instrument, cases=cases, by_factor=by_factor, synthetic=desk.study.synthetic,
                              words=words | {kind: desk.names.kind(kind) for kind in desk.study.instrument.kinds})
    caption = (say("feedback.bars", reference=desk.reference),) if by_factor else (say("feedback.strip_dot"),) if gold else ()
    beside = ("bars_lines" if by_factor else "strip_columns") if "colleagues" in words else "no_colleagues"
    caption = _together(*caption, say(f"feedback.{beside}", least=Label(f"{desk.answers.min_cell:,}")))
    total = own.get("exact", factor="", case="")
    counts = {name: say.part(total, name) for name in ("agreed", "lower", "higher")}
    title = {(True, True): "strip", (True, False): "strip_gold", (False, True): "strip_colleagues", (False, False): "strip_own"}
    return Figure("fig-ratings", caption, say("feedback.strip_alt", reference=desk.reference, **counts), svg,
                  say(f"feedback.{title[gold, 'colleagues' in words]}"), _png(svg) if desk.png else b"")


_WORD_PICTURE = b"#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.svg), format: \"svg\", width: 160mm)"


def _png(svg: str) -> bytes:
    """The picture as PNG for Word, in the fonts of the PDF."""
    import typst

    png = typst.compile(_WORD_PICTURE, format="png", ppi=150, font_paths=fonts(), sys_inputs={"svg": svg})
    assert isinstance(png, bytes)
    return png


# --- where the officer differed, and what to read again ----------------------------------------------------


def _differences(desk: Desk, own: Result, by_factor: bool) -> Bullets:
    """Those of two steps and more first, the ratings too low before those too high; last what is not counted with the factors."""
    title = desk.say("feedback.differ", reference=desk.reference)
    cells = [row for row in own if row["case"] and row.estimate.estimable]
    if not any(row.estimate.value for row in cells):
        return Bullets((desk.say("feedback.differ_none" if cells else "feedback.differ_nothing"),), title)
    pooled = {f.id for f, counted in zip(desk.study.instrument.factors, desk.answers.pooled, strict=True) if counted}
    counted = [row for row in cells if row["factor"] in pooled]
    alone = dict.fromkeys(row["factor"] for row in cells if row["factor"] not in pooled and row.estimate.value)
    points = _by_factor(desk, own, pooled) if by_factor else _one_by_one(desk, counted)
    for factor in alone:
        told = _bars(desk, own.get("exact", factor=factor, case="")) if by_factor else \
            desk.say.listed([_alone(desk, row) for row in cells if row["factor"] == factor and row.estimate.value])
        points.append(desk.say("feedback.alone", factor=desk.names.factor(factor), cells=told))
    return Bullets(tuple(points), title)


def _size(desk: Desk, steps: float, key: str) -> dict[str, Label]:
    """How many steps, and which way."""
    far = f"{abs(steps):.0f}" if abs(steps) <= 3 else "more"
    return {"steps": desk.say.name(f"feedback.{key}_{far}"), "way": desk.say.name("feedback.lower" if steps < 0 else "feedback.higher")}


def _alone(desk: Desk, row: Row) -> Text:
    size = _size(desk, row.estimate.value, "small")
    if len(desk.study.cases) == 1:
        return desk.say("feedback.alone_single", **size)
    return desk.say("feedback.alone_here", case=desk.names.case(row["case"]), **size)


def _bars(desk: Desk, total: Estimate) -> Text:
    return desk.say("feedback.alone_bars", **{name: desk.say.part(total, name) for name in ("lower", "higher", "rated")})


def _one_by_one(desk: Desk, cells: Sequence[Row]) -> list[Text]:
    say, out = desk.say, []
    at_length = sum(abs(row.estimate.value) >= 2 for row in cells) <= _FULL
    for steps in sorted({row.estimate.value for row in cells} - {0.0}, key=lambda value: (-abs(value), value)):
        found, far = [row for row in cells if row.estimate.value == steps], abs(steps) >= 2
        told = [_told(desk, row) for row in found] if far and at_length else _case_by_case(desk, found)
        out.append(say("feedback.step_names" if far else "feedback.step", cells=say.series(told), **_size(desk, steps, "steps")))
    return out


def _case_by_case(desk: Desk, rows: Sequence[Row]) -> list[Text]:
    """The factors of each case; without its name where there is but one."""
    say, factors = desk.say, {case: [desk.names.factor(row["factor"]) for row in rows if row["case"] == case] for case in desk.study.cases}
    if len(desk.study.cases) == 1:
        return [say.listed(own) for own in factors.values()]
    return [say("feedback.here_case", case=desk.names.case(case), factors=say.listed(own)) for case, own in factors.items() if own]


def _told(desk: Desk, row: Row) -> Text:
    """One difference at length: what was given, and what most others did."""
    say, categories = desk.say, desk.study.instrument.scale_of(row["factor"]).categories
    reference = Label(row["reference"])
    share = row.estimate.parts.get(f"share_{categories.index(reference)}", math.nan)
    others = "" if math.isnan(share) or not desk.study.has_gold else say(f"feedback.others_{quarter(share)}", reference=reference)
    said = {"factor": desk.names.factor(row["factor"]), "reference": reference, "rating": Label(row["rating"]), "others": others}
    if len(desk.study.cases) == 1:
        return say("feedback.here_single", **said)
    return say("feedback.here", case=desk.names.case(row["case"]), **said)


def _by_factor(desk: Desk, own: Result, pooled: Collection[str]) -> list[Text]:
    """Where there are many cases: the factors, with the number of ratings."""
    say, out = desk.say, []
    totals = {row["factor"]: row.estimate for row in own.where("exact") if row["factor"] in pooled}
    for name, key in (("two_step", "some_two"), ("lower", "some_lower"), ("higher", "some_higher")):
        found = sorted((factor for factor, e in totals.items() if e.parts[name]), key=lambda factor: -totals[factor].parts[name])
        told: list[Text] = [
            say("feedback.here_factor", factor=desk.names.factor(factor), count=say.part(totals[factor], name),
                rated=say.part(totals[factor], "rated")) for factor in found[:_NAMED]
        ]  # fmt: skip
        if len(found) > _NAMED:
            told.append(say("feedback.and_others"))
        if told:
            out.append(say(f"feedback.{key}", cells=say.listed(told)))
    return out


def _reread(desk: Desk, own: Result) -> Bullets:
    """The factors to read again with their definitions, where the instrument has them."""
    say, factors = desk.say, [desk.study.instrument.factor(row["factor"]) for row in own.where("reread")]
    if not factors:
        return Bullets((say("feedback.reread_nothing"),), say("feedback.reread_none"))
    items, told = [], set[str]()
    for factor in factors:
        new = factor.definition and factor.definition not in told  # factors of one kind may share theirs
        items.append(say("feedback.reread_definition", factor=Label(factor.label), definition=Label(factor.definition)) if new else
                     say("feedback.reread", factor=Label(factor.label)))
        told.add(factor.definition)
    return Bullets(tuple(items), say(f"feedback.reread_{len(items)}"))


def _cannot(desk: Desk, own: Result) -> Text:
    say = desk.say
    words = say("feedback.cannot_words", cases=say.count(own.get("cases_rated"), "case"))
    who = Label(desk.ask or say.word("feedback.ask_default"))
    return _together(words, say("feedback.cannot_gold" if desk.study.has_gold else "feedback.cannot_colleagues"), say("feedback.ask", who=who))
