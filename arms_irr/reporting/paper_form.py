"""The blank form on paper, for one case: Word and PDF through the document model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from arms_irr.instruments.model import Factor, Instrument, Scale
from arms_irr.reporting.document import (
    Bullets,
    Column,
    Definitions,
    Document,
    Paragraph,
    Section,
    Table,
    Text,
    plain,
)
from arms_irr.reporting.docx import to_docx
from arms_irr.reporting.pdf import to_pdf
from arms_irr.reporting.voice import Label, Voice, voice
from arms_irr.study.form_sheets import rated_with
from arms_irr.study.kit import fingerprint

__all__ = ["paper_document", "paper_form"]

_BOX = "\N{BALLOT BOX}"
_LINE = "_" * 16
_ROOM_TO_WRITE = " ".join(["_" * 11] * 4)  # breaks into two lines where a column is narrow


def paper_form(instrument: Instrument, language: str = "en") -> dict[str, bytes]:
    """The blank form by its ending: ``docx`` and ``pdf``, the same bytes on every run."""
    document = paper_document(instrument, voice(language))
    return {"docx": to_docx(document), "pdf": to_pdf(document)}


def paper_document(instrument: Instrument, say: Voice) -> Document:
    """One case to a form: how to fill it in, what the ratings mean, and a grid to tick for each kind of factor."""
    title = plain(say("forms.paper_title", instrument=Label(instrument.title)))
    unable = next((scale.not_rated[0] for scale in instrument.scales.values() if scale.not_rated), "")
    steps = [name for name in ("one", "read", "tick", "unable", "reason", "blank") if unable or name != "unable"]
    told = tuple(say(f"forms.paper_step_{name}", **({"unable": Label(unable)} if name == "unable" else {})) for name in steps)
    sections = (
        Section("before", say.word("forms.paper_before"), (Bullets(told),)),
        Section("meaning", say.word("forms.meaning"), tuple(_meanings(instrument, say))),
        Section("ratings", say.word("forms.paper_ratings"), tuple(_tables(instrument, say))),
    )
    meta = ((say.word("forms.instrument"), Label(f"{instrument.name}, {fingerprint(instrument)}")),)
    return Document(title, sections, subtitle=say.word("forms.paper_subtitle"), meta=meta)


def _meanings(instrument: Instrument, say: Voice) -> Iterator[Paragraph | Definitions]:
    """Direction, and every scale with what its categories mean."""
    if instrument.direction:
        yield Paragraph(Label(instrument.direction[:1].upper() + instrument.direction[1:] + "."))
    scales = {factor.scale: instrument.scales[factor.scale] for factor in instrument.factors}
    for name, scale in scales.items():
        said: list[tuple[str, Text]] = list(zip(scale.categories, map(Label, scale.definitions), strict=False))
        if said and scale.not_rated and scale.not_rated_definition:
            said.append((scale.not_rated[0], Label(scale.not_rated_definition)))
        if said and len(scales) > 1:
            yield Paragraph(Label(rated_with(instrument, name, say.entries, "forms.")))
        if said:
            yield Definitions(tuple(said))


def _tables(instrument: Instrument, say: Voice) -> Iterator[Table]:
    """A grid for each run of factors of one kind on one scale; every one says whose it is, should the pages come apart."""
    runs = [(kind, instrument.scales[scale], list(group))
            for (kind, scale), group in groupby(instrument.factors, key=lambda factor: (factor.kind, factor.scale))]
    for number, (kind, scale, factors) in enumerate(runs, 1):
        key = "forms.paper_caption_first" if number == 1 else "forms.paper_caption"
        caption = say(key, kind=Label(say.word(f"forms.kind_{kind}")), line=_LINE)
        yield _table(f"table-{number}", caption, scale, factors, say)


def _table(id: str, caption: Text, scale: Scale, factors: list[Factor], say: Voice) -> Table:
    answers = (*scale.categories, *scale.not_rated[:1])
    urgent = ["    ".join(scale.short or scale.categories)] if scale.not_rated else []
    heads = [say.word("forms.factor"), *answers, *([say.word("forms.paper_urgency")] if urgent else []), say.word("forms.rationale")]
    names = [factor.label + (say.word("forms.optional") if factor.optional else "") for factor in factors]
    rows = tuple((name, *(_BOX,) * len(answers), *urgent, _ROOM_TO_WRITE) for name in names)
    defined: dict[str, list[str]] = {}
    for factor in factors:
        defined.setdefault(factor.definition, []).append(factor.label)
    notes = tuple(Label(f"{', '.join(labels)}: {definition}") for definition, labels in defined.items() if definition)
    return Table(id, caption, tuple(Column(head, align="left") for head in heads), rows, notes)
