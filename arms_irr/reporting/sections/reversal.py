"""Officers who may have read the scale of protective factors the wrong way round, and results with and without them."""

from __future__ import annotations

from arms_irr.analysis.raters import EVERYONE
from arms_irr.analysis.reversal import OTHERS, reversal_screen
from arms_irr.reporting.document import Paragraph, Section, Text
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.questions import Question
from arms_irr.reporting.sections.missed import MOST_OFFICERS
from arms_irr.reporting.voice import Label

__all__ = ["reversal_section"]

REVERSAL = Question("reversal", lambda s, o: reversal_screen(s, confidence_level=o.confidence_level))


def reversal_section(draft: Draft) -> Section:
    """How many officers are flagged, and the agreement on protective factors with and without them."""
    return Section("officers-reversal", draft.say.word("officers.reversal_title"), tuple(Paragraph(text) for text in _texts(draft)))


def _texts(draft: Draft) -> list[Text]:
    say, found = draft.say, draft.ask(REVERSAL)
    if not found.rows:
        return [say("officers.reversal_absent")]
    rated = [row for row in found.where("reversal_excess") if row.estimate.estimable]
    if not rated:
        return [say("officers.reversal_nobody")]
    flagged = [row for row in rated if "reversed" in row.estimate.flags]
    officers = say.count(draft.counted("reversal_officers", len(rated)), "officer")
    if not flagged:
        texts = [say("officers.reversal_none", officers=officers)]
    else:
        names: Text = ()
        if len(draft.study.raters) <= MOST_OFFICERS:
            names = say("officers.reversal_names", names=say.listed([(Label(row["rater"]),) for row in flagged]))
        count = say.plain(draft.counted("reversal_flagged", len(flagged)), 0)
        texts = [say("officers.reversal_found", flagged=count, officers=officers, names=names)]
        everyone, others = (found.get("exact", rater=who) for who in (EVERYONE, OTHERS))
        texts.append(say("officers.reversal_everyone") if not others.estimable else say(
            "officers.reversal_with", all=say.of_100(everyone), all_base=say.base(everyone, say.officers(everyone)), rest=say.of_100(others),
            rest_base=say.base(others, say.officers(others))))
    one, two = (found.get(name, rater=EVERYONE) for name in ("one_step", "two_step"))
    if one.estimable and two.estimable and two.value > one.value:
        texts.append(say("officers.reversal_two", two=say.share(two), one=say.share(one)))
    return texts
