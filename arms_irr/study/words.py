"""Words: what a study says of itself when it is printed."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.study.table import counted

if TYPE_CHECKING:
    from arms_irr.study.study import Study

__all__ = ["as_html", "as_text"]


def as_text(study: Study) -> str:
    """The study in a few lines."""
    return "\n  ".join([f"Study: {_name(study)}", *_summary(study)])


def as_html(study: Study) -> str:
    """The same as a paragraph for notebooks, with every text escaped."""
    lines = "<br>".join(html.escape(line) for line in _summary(study))
    return f"<p><strong>{html.escape(_name(study))}</strong><br>{lines}</p>"


def _summary(study: Study) -> list[str]:
    code = study.ratings.code
    panel = f", from {len(study.gold_panel)} panel members" if study.gold_panel else ""
    return [
        f"{counted(len(study.raters), 'rater')}, {counted(len(study.cases), 'case')}, "
        f"{counted(len(study.factors_rated), 'factor')} of {study.instrument.name}.",
        f"{counted(len(code), 'rating')} asked for: {int((code >= 0).sum())} priorities, "
        f"{int((code == UNABLE).sum())} unable to rate, {int((code == NOT_GIVEN).sum())} not given.",
        f"Gold standard: {'yes' + panel if study.has_gold else 'none'}. "
        f"Risk bands: {', '.join(study.bands) or 'none'}.",
        f"Warnings: {len(study.warnings)}.",
    ]


def _name(study: Study) -> str:
    told = not study.synthetic or "synthetic" in study.title.casefold()
    return study.title if told else f"{study.title} (synthetic data)"
