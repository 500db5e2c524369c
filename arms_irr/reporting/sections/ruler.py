"""The ruler: officers' severity on one scale with what they rated."""

from __future__ import annotations

from dataclasses import replace

from arms_irr import plots
from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.severity import severity
from arms_irr.reporting.document import Block, Figure, Paragraph, Section, Text
from arms_irr.reporting.draft import Draft, nothing
from arms_irr.reporting.questions import Question
from arms_irr.reporting.voice import Label

__all__ = ["MOST_FOR_MODELS", "SEVERITY", "ruler_section", "too_large"]

MOST_FOR_MODELS, MOST_RATINGS = 500, 20_000  # officers and ratings beyond which models would take minutes
SEPARATES = 0.8  # reliability from which severities tell officers one from another (Fisher 1992: two strata at 0.8)

SEVERITY = Question("severity", lambda s, o: severity(s, confidence_level=o.confidence_level, seed=o.seed), step="officers")


def too_large(draft: Draft) -> bool:
    """Whether the severity model is left out for the size of the study."""
    return len(draft.study.raters) > MOST_FOR_MODELS or len(draft.study.ratings.code) > MOST_RATINGS


def ruler_section(draft: Draft) -> Section:
    """Spread of severity, whether it tells officers apart, and the ruler; why not where it cannot be had."""
    say = draft.say
    return Section("officers-ruler", say.word("officers.ruler_title"), tuple(_blocks(draft)))


def _blocks(draft: Draft) -> list[Block]:
    say = draft.say
    if too_large(draft):
        limits = {"most": Label(f"{MOST_FOR_MODELS:,}"), "ratings": Label(f"{MOST_RATINGS:,}")}
        return [Paragraph(say("officers.ruler_large", **limits))]
    found = draft.ask(SEVERITY)
    sd = found.get("severity_sd", facet="cohort")
    if not sd.estimable or nothing(found.where("severity", facet="officer")):
        return [Paragraph(say("officers.ruler_none", why=Label(sd.reasons[0] if sd.reasons else say.word("numbers.not_estimable"))))]
    reliability = found.get("separation_reliability")
    if not sd.ci_low > 0 or not reliability.estimable:
        verdict = say("officers.ruler_alike")
    else:
        key = "apart" if reliability.value >= SEPARATES else "group"
        verdict = say(f"officers.ruler_{key}", reliability=say.coefficient(reliability))
    words = say("officers.ruler_words", sd=say.plain(sd, 2), base=say.base(sd, say.officers(sd), scale=1, decimals=2), verdict=verdict)
    return [Paragraph(words), _figure(draft, found)]


def _figure(draft: Draft, found: Result) -> Figure:
    say = draft.say
    wanted = {("officer", "severity"), ("factor", "location"), ("case", "location"), ("threshold", "threshold")}
    few = not draft.many_cases
    drawn = [row for row in found if (row["facet"], row.coefficient) in wanted and (few or row["facet"] != "case")]
    officers, factors = (_ends([row for row in drawn if row["facet"] == facet]) for facet in ("officer", "factor"))
    assert officers is not None
    title = say("officers.ruler_plain")
    more: Text = ()
    if factors and len(found.where("location", facet="factor")) > 1:
        gap = [high.estimate.value - low.estimate.value for low, high in (officers, factors)]
        title = say("officers.ruler_closer" if gap[0] < gap[1] else "officers.ruler_wider")
        more = say("officers.ruler_alt_factors", low=say.steps(factors[0].estimate), lowest=draft.names.factor(factors[0]["name"]),
                   high=say.steps(factors[1].estimate), highest=draft.names.factor(factors[1]["name"]))
    zero = say("officers.ruler_zero_gold" if any("the gold standard's" in note for note in found.notes) else "officers.ruler_zero_mean")
    caption = say("officers.ruler_caption" if few else "officers.ruler_caption_many", level=draft.interval_head, zero=zero, base=draft.base)
    alt = say("officers.ruler_alt", low=say.steps(officers[0].estimate), high=say.steps(officers[1].estimate), factors=more)
    return draft.figure("fig-ruler", title, caption, alt, plots.ruler, replace(found, rows=tuple(drawn)),
                        instrument=draft.study.instrument, names=draft.names.all)


def _ends(rows: list[Row]) -> tuple[Row, Row] | None:
    known = [row for row in rows if row.estimate.estimable]
    return (min(known, key=lambda r: r.estimate.value), max(known, key=lambda r: r.estimate.value)) if known else None
