"""Sections on how the numbers were made, and on what stays open whatever they say."""

from __future__ import annotations

from arms_irr.reporting.document import Block, Bullets, Callout, Definitions, Paragraph, Section
from arms_irr.reporting.draft import Draft

__all__ = ["limits_section", "methods_section"]

_METHODS = ("target", "gold", "between", "weights", "icc", "suppressed", "unable", "coefficients")
_LIMITS = ("vignettes", "convenience", "gold", "ends")


def methods_section(draft: Draft) -> Section:
    """How every kind of number was made, short enough to be read."""
    say, terms = draft.say, []
    for key in _METHODS:
        filled = {"level": draft.interval_head} if key == "gold" else {}
        terms.append((say.word(f"method.{key}_term"), say(f"method.{key}", **filled)))
    return Section("methods", say.word("method.title"), (Definitions(tuple(terms)),))


def limits_section(draft: Draft) -> Section:
    """What stays open whatever the numbers say."""
    say = draft.say
    blocks: list[Block] = [Bullets(tuple(say(f"method.limit_{key}") for key in _LIMITS))]
    if draft.study.synthetic:
        blocks.append(Callout("synthetic", say.word("method.synthetic_title"), (Paragraph(say("method.synthetic")),)))
    return Section("limits", say.word("method.limits_title"), tuple(blocks))
