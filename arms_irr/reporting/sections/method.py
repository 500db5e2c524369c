"""Sections on how the numbers were made, and on what stays open whatever they say."""

from __future__ import annotations

from arms_irr.reporting.document import Definitions, Paragraph, Section
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.sections.appendix import input_files, made_with, settings_words

__all__ = ["methods_section"]

# What is described, and the studies of which it is: all, those with a gold standard, those with several officers.
_METHODS: dict[str, str] = {
    "target": "", "clusters": "", "gold": "gold", "between": "several", "weights": "several", "icc": "several", "suppressed": "several",
    "unable": "", "contrasts": "several", "tests": "several", "mix": "gold", "models": "several", "sensitivity": "several",
}
_WITH_LEVEL = ("gold", "contrasts")


def methods_section(draft: Draft) -> Section:
    """How every kind of number was made, short enough to be read."""
    say, study = draft.say, draft.study
    carried = {"": True, "gold": study.has_gold, "several": len(study.raters) > 1}
    terms = []
    for key, needs in _METHODS.items():
        if carried[needs]:
            filled = {"level": draft.interval_head} if key in _WITH_LEVEL else {}
            terms.append((say.word(f"method.{key}_term"), say(f"method.{key}", **filled)))
    software = say("method.software", versions=made_with(), settings=settings_words(draft), input=input_files(draft))
    terms += [(say.word("method.software_term"), software), (say.word("method.references_term"), say("method.references"))]
    return Section("methods", say.word("method.title"), (Paragraph(say("method.words")), Definitions(tuple(terms))))
