"""Discussion: what to take up in training, and what stays open whatever the numbers say."""

from __future__ import annotations

from arms_irr.analysis.design import FEW
from arms_irr.analysis.result import Row
from arms_irr.reporting.document import Block, Bullets, Callout, Paragraph, Section, Text
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.questions import GOLD_BY_FACTOR_BAND, GOLD_BY_FACTOR_CASE
from arms_irr.reporting.sections.camps import CAMPS
from arms_irr.reporting.sections.reversal import REVERSAL
from arms_irr.reporting.sections.review import REVIEWED

__all__ = ["discussion_section", "training_points"]

MOST_POINTS = 5  # factors to take up first
OFTEN_UNABLE = 0.1  # share of "unable to rate" from which a factor is taken up


def discussion_section(draft: Draft) -> Section:
    """Training implications and limits."""
    say, points = draft.say, training_points(draft)
    training: list[Block] = [Bullets(points)] if points else [Paragraph(say("discussion.training_none"))]
    if _factors(draft):
        training.insert(0, Paragraph(say("discussion.training" if draft.study.has_gold else "discussion.training_no_gold")))
    blocks: list[Block] = [Section("training", say.word("discussion.training_title"), tuple(training)), _limits(draft)]
    if draft.study.synthetic:
        blocks.append(Callout("synthetic", say.word("discussion.synthetic_title"), (Paragraph(say("discussion.synthetic")),)))
    return Section("discussion", say.word("discussion.title"), tuple(blocks))


# --- training ----------------------------------------------------------------------------------------------


def training_points(draft: Draft) -> tuple[Text, ...]:
    """What to take up in training: factors first, then what can and cannot be rated, then the direction of the scale.

    With a gold standard factors are ordered by the larger of the shares rated lower and higher, which is low agreement
    times how far the errors go one way; without one by van der Eijk's agreement. Officers are never ordered.
    """
    if not draft.study.has_gold:
        return tuple(_factors(draft))
    return (*_factors(draft), *_two_camps(draft), *_unable(draft), *_reversed(draft))


def _factors(draft: Draft) -> list[Text]:
    """The factors to take up first."""
    return _departures(draft) if draft.study.has_gold else _least_agreed(draft)


def _rows(draft: Draft, name: str) -> list[Row]:
    found = draft.ask(GOLD_BY_FACTOR_BAND if draft.many_cases else GOLD_BY_FACTOR_CASE)
    kind = {f.id: f.kind for f in draft.study.instrument.factors}
    return [row for row in found.where(name) if row.estimate.n_ratings >= FEW and row.estimate.estimable and kind[row["factor"]] != "overall"]


def _where(draft: Draft, row: Row) -> Text:
    if "case" in row.group:
        return draft.say("discussion.in_case", case=draft.names.case(row["case"]))
    return draft.say("discussion.in_band", band=draft.names.where(row[draft.band]))


def _departures(draft: Draft) -> list[Text]:
    """Factors with the largest shares of ratings on one side of the gold standard."""
    say = draft.say
    sides = [(row, word) for name, word in (("under", "lower"), ("over", "higher")) for row in _rows(draft, name) if row.estimate.value > 0]
    sides.sort(key=lambda side: -side[0].estimate.value)
    return [say(f"discussion.{word}", factor=draft.names.factor(row["factor"]), where=_where(draft, row), share=say.of_100(row.estimate),
                base=say.base(row.estimate, say.ratings(row.estimate)), camp=_camp(draft, row)) for row, word in sides[:MOST_POINTS]]


def _camp(draft: Draft, row: Row) -> Text:
    """What kind of disagreement it is, for a factor of a single case."""
    if "case" not in row.group:
        return ""
    place = {"factor": row["factor"], "case": row["case"]}
    if draft.study.has_gold and any("gold-review" in found.estimate.flags for found in draft.ask(REVIEWED).where(**place)):
        return draft.say("discussion.camp_review")
    verdict = next((found["verdict"] for found in draft.ask(CAMPS).where(**place)), "").replace(" ", "_")
    return draft.say(f"discussion.camp_{verdict}") if verdict in ("two_camps", "scatter") else ""


def _least_agreed(draft: Draft) -> list[Text]:
    say = draft.say
    known = [row for row in draft.ask(CAMPS) if row.estimate.estimable and row["verdict"] not in ("", "unanimous", "too few")]
    known.sort(key=lambda row: row.estimate.value)
    return [say("discussion.least", factor=draft.names.factor(row["factor"]), where=_where(draft, row), value=say.coefficient(row.estimate),
                base=say.base(row.estimate, say.ratings(row.estimate), scale=1, decimals=2), camp=_camp(draft, row))
            for row in known[:MOST_POINTS]]


def _two_camps(draft: Draft) -> list[Text]:
    """For many cases, the factors on which officers split somewhere; for few cases each point says so itself."""
    split = dict.fromkeys(row["factor"] for row in draft.ask(CAMPS) if row["verdict"] == "two camps") if draft.many_cases else {}
    names = [(draft.names.factor(factor),) for factor in split]
    return [draft.say("discussion.two_camps", factors=draft.say.listed(names))] if names else []


def _unable(draft: Draft) -> list[Text]:
    say = draft.say
    row = max(_rows(draft, "unable_to_rate"), key=lambda row: row.estimate.value, default=None)
    if row is None or row.estimate.value < OFTEN_UNABLE:
        return []
    return [say("discussion.unable", factor=draft.names.factor(row["factor"]), where=_where(draft, row), share=say.share(row.estimate),
                base=say.base(row.estimate, say.ratings(row.estimate)))]


def _reversed(draft: Draft) -> list[Text]:
    flagged = any("reversed" in row.estimate.flags for row in draft.ask(REVERSAL))
    return [draft.say("discussion.reversed")] if flagged else []


# --- limits ------------------------------------------------------------------------------------------------


def _limits(draft: Draft) -> Section:
    """What stays open whatever the numbers say."""
    study, say = draft.study, draft.say
    bands = study.case_attributes.get("risk_band", ())
    holds = {
        "vignettes": True, "convenience": True, "few_cases": len(study.cases) < FEW,
        "one_case": len(study.bands) > 1 and len(bands) == len(set(bands)), "gold": study.has_gold, "ends": study.has_gold,
    }
    told = tuple(say(f"discussion.limit_{key}") for key, held in holds.items() if held)
    return Section("study-limits", say.word("discussion.limits_title"), (Bullets(told),))
