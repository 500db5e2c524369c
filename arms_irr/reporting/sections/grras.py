"""The checklist of good reporting: what the data answer, what the author answered, what is left to complete."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from arms_irr.reporting.checklist import Item, checklist
from arms_irr.reporting.document import Definitions, Paragraph, Section, Text, pieces
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.naming import ALL_CASES
from arms_irr.reporting.questions import BETWEEN_BY_BAND, GOLD_BY_BAND, Question
from arms_irr.reporting.report_settings import grras_answers
from arms_irr.reporting.sections.appendix import MOST_OFFICERS, prints_matrix
from arms_irr.reporting.voice import Label

__all__ = ["grras_section"]

_FEW_VALUES = 8  # of an attribute; with more it is a number or a free text


def grras_section(draft: Draft) -> Section:
    """Every item with its state and its answer."""
    say, found, answers = draft.say, checklist(), grras_answers(draft.study)
    items = [item for item in found.items if draft.study.has_gold or not item.gold_only]
    told = [_told(draft, item, answers.get(item.key, "")) for item in items]
    states = Counter(state for state, _ in told)
    counts = {state: say.plain(draft.counted(f"checklist: {state}", states[state]), 0) for state in ("data", "part", "author", "open")}
    blocks = [
        Paragraph(say("grras.intro", version=Label(found.version), citation=Label(found.citation), additions=Label(found.additions))),
        Paragraph(say("grras.counts", items=say.count(draft.counted("checklist: items", len(items)), "item"), **counts)),
    ]
    if states["open"] or states["part"]:
        blocks.append(Paragraph(say("grras.how", names=say.listed(Label(item.key) for item in items if not item.key.isdigit()))))
    terms = tuple((_term(draft, item), text) for item, (_, text) in zip(items, told, strict=True))
    return Section("grras", say.word("grras.title"), (*blocks, Definitions(terms)))


def _term(draft: Draft, item: Item) -> str:
    """ "6. Methods" and what is asked; an item without a number goes by its part alone."""
    head = draft.say.word("grras.item").format(key=item.key, part=item.part) if item.key.isdigit() else item.part
    return f"{head}: {item.asks[0].lower()}{item.asks[1:].rstrip('.')}"


def _told(draft: Draft, item: Item, answer: str) -> tuple[str, Text]:
    """The state of an item, and the words under it: from the data, the author's own, what is missing, where it is shown."""
    say = draft.say
    fill = _FROM_DATA.get(item.key)
    said = [text for text in (fill(draft) if fill else ()) if text]
    state = "author" if answer else "open"
    if said:
        state = "part" if item.rest and not answer else "data"
    parts: list[Text] = [(say.word(f"grras.state_{state}"),), *said]
    if answer:
        parts.append(say("grras.author", answer=Label(answer)) if said else (Label(answer),))
    elif said and item.rest:
        parts.append(say("grras.rest", rest=Label(item.rest)))
    if said and item.sections:
        titles = say.listed(Label(f'"{say.word(title)}"') for title in item.sections.values())
        parts.append(say("grras.see", sections=titles))
    return state, tuple(piece for place, part in enumerate(parts) for piece in ((" ",) if place else ()) + pieces(part))


# --- what the data say ---------------------------------------------------------------------------------------------


def _title(draft: Draft) -> Iterator[Text]:
    subtitle = draft.say.word("made.subtitle" if draft.study.has_gold else "made.subtitle_no_gold")
    yield draft.say("grras.data_1", subtitle=Label(f'"{subtitle}"'))


def _instrument(draft: Draft) -> Iterator[Text]:
    instrument = draft.study.instrument
    overall = any(instrument.factors[i].kind == "overall" for i in draft.study.factors_rated)
    key = "grras.data_2_overall" if overall else "grras.data_2"
    yield draft.say(key, title=Label(instrument.title), factors=draft.say.count(draft.fact("factors"), "factor"))


def _sizes(draft: Draft) -> dict[str, Text]:
    return {f"{noun}s": draft.say.count(draft.fact(f"{noun}s"), noun) for noun in ("officer", "case", "factor", "occasion")}


def _planned(draft: Draft) -> Iterator[Text]:
    yield draft.say("grras.data_6", asked=draft.say.count(draft.fact("asked"), "rating"), **_sizes(draft))


def _analysis(draft: Draft) -> Iterator[Text]:
    say, study = draft.say, draft.study
    if study.has_gold:
        yield say("grras.data_10_gold", level=draft.interval_head)
    if len(study.raters) > 1:
        yield say("grras.data_10_between", level=draft.interval_head)
    elif not study.has_gold:
        yield say("grras.data_10_none")


def _obtained(draft: Draft) -> Iterator[Text]:
    sizes = {name: text for name, text in _sizes(draft).items() if name != "factors"}
    answers = {of: draft.say.plain(draft.fact(of), 0) for of in ("given", "unable", "asked", "blank")}
    yield draft.say("grras.data_11", **sizes, **answers)


def _characteristics(draft: Draft) -> Iterator[Text]:
    say, study = draft.say, draft.study
    officers = [_attribute(draft, name, values) for name, values in study.rater_attributes.items() if any(values)]
    if officers:
        yield say("grras.data_12_officers", found=say.series(officers))
    if study.bands and study.bands != (ALL_CASES,):
        held = Counter(study.case_attributes["risk_band"])
        parts = [say("grras.value", n=say.plain(draft.counted(f"cases: {band}", held[band]), 0), value=draft.names.band(band))
                 for band in study.bands]
        if held[""]:
            parts.append(say("grras.blank_cases", n=say.plain(draft.counted("cases: no band", held[""]), 0)))
        yield say("grras.data_12_cases", found=say.listed(parts))


def _attribute(draft: Draft, name: str, values: tuple[str, ...]) -> Text:
    """What is known of the officers by one attribute; small groups are put together."""
    say, least = draft.say, draft.options.min_cell
    words, held = Label(name.replace("_", " ")), Counter(values)
    if len(held) <= _FEW_VALUES:
        shown = {value: n for value, n in held.items() if n >= least}
        parts = [say("grras.value", n=say.plain(draft.counted(f"officers: {name} {value or 'not recorded'}", n), 0),
                     value=Label(value) if value else say.name("grras.blank_value")) for value, n in shown.items()]
        if hidden := len(values) - sum(shown.values()):
            n = say.plain(draft.counted(f"officers: {name}, small groups", hidden), 0)
            parts.append(say("grras.small", n=n, least=Label(least)))
        return say("grras.values", name=words, found=say.listed(parts))
    known = [value for value in values if value]
    numbers = _numbers(known)
    if not numbers or len(known) < least:
        return say("grras.recorded", name=words, n=say.count(draft.counted(f"officers: {name}", len(known)), "officer"))
    quartiles = dict(zip(("low", "median", "high"), np.percentile(numbers, (25, 50, 75)), strict=True))
    cited = {of: say.plain(draft.counted(f"officers: {name}, {of}", value), 0 if value.is_integer() else 1) for of, value in quartiles.items()}
    return say("grras.numeric", name=words, **cited)


def _numbers(values: list[str]) -> list[float]:
    """The values as numbers; none where one of them is not."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _estimates(draft: Draft) -> Iterator[Text]:
    found = [_shares(draft, "grras.data_13_gold", GOLD_BY_BAND, "exact"), _shares(draft, "grras.data_13_between", BETWEEN_BY_BAND, "percent")]
    if any(found):
        yield from (*found, draft.say("grras.data_13_all"))


def _shares(draft: Draft, key: str, question: Question, coefficient: str) -> Text:
    """ "66 % in the lower-risk case (interval; officers)", for each band that has a number."""
    say, parts = draft.say, []
    for band in draft.bands:
        rows = draft.ask(question).where(coefficient, **{draft.band: band}).rows  # of several weights the first, which has none
        if rows and (e := rows[0].estimate).estimable:
            parts.append(say("grras.share", share=say.share(e), where=draft.names.where(band), base=say.base(e, say.officers(e))))
    return say(key, found=say.series(parts)) if parts else ""


def _details(draft: Draft) -> Iterator[Text]:
    yield draft.say("grras.data_15")
    if prints_matrix(draft.study):
        yield draft.say("grras.data_15_matrix")
    elif len(draft.study.raters) > MOST_OFFICERS:
        yield draft.say("grras.data_15_large", most=Label(MOST_OFFICERS))
    else:
        yield draft.say("grras.data_15_no_matrix")


def _panel(draft: Draft) -> Iterator[Text]:
    if draft.study.gold_panel:
        yield draft.say("grras.data_reference_standard", members=draft.say.count(draft.fact("panel"), "member"))


_FROM_DATA: dict[str, Callable[[Draft], Iterator[Text]]] = {
    "1": _title, "2": _instrument, "6": _planned, "10": _analysis, "11": _obtained, "12": _characteristics, "13": _estimates,
    "15": _details, "reference_standard": _panel,
}
