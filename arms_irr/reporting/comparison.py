"""The comparison report: two studies in, a folder with what they share, how they differ and what that cannot show out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from arms_irr import plots
from arms_irr.analysis.comparing import compare
from arms_irr.analysis.design import crossed
from arms_irr.analysis.facts import facts
from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.titles import title_of, words_of
from arms_irr.errors import ArgumentError, nearest
from arms_irr.reporting.document import (
    Block,
    Bullets,
    Callout,
    Column,
    Definitions,
    Document,
    Figure,
    Paragraph,
    Section,
    Table,
    Text,
)
from arms_irr.reporting.draft import Draft, coefficients_cells, points_cells, share_cells
from arms_irr.reporting.manifest import manifest, versions
from arms_irr.reporting.naming import Names, coefficient_name
from arms_irr.reporting.publish import foreign, publish
from arms_irr.reporting.questions import Options
from arms_irr.reporting.render import FORMATS, render
from arms_irr.reporting.trace import trace
from arms_irr.reporting.voice import Label, voice
from arms_irr.reporting.wording import footnotes, interval, letters, marks, number, signed
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.study.opening import read_study
from arms_irr.study.study import Study

__all__ = ["compare_studies", "comparison"]

Sides = Mapping[str, Estimate]  # first, second, difference
_DRAWN = ("exact", "missed_high", "unable_to_rate")
_SIDES = ("first", "second")
COMPARE_MAKER = "arms-irr compare"
_SLIGHT = 0.005  # would read as 0 percentage points


def compare_studies(
    first: Study | str | os.PathLike[str], second: Study | str | os.PathLike[str], out: str | os.PathLike[str] | None = None, *,
    paired: bool = False, confidence_level: float = 0.95, formats: Sequence[str] = FORMATS, language: str = "en",
    template: str | os.PathLike[str] | None = None, step: Callable[[str], None] = lambda words: None,
) -> Path:
    """Write a report of two studies side by side.

    Parameters
    ----------
    first, second : Study or path
        A pilot and a second exercise, say; before and after training.
    out : path, optional
        Folder to write; ``reports/<first>_and_<second>`` by default. A report that is there is replaced as a whole.
    paired : bool
        Whether an officer of the same name in both is the same person.
    confidence_level : float
    formats : sequence of str
        Some of ``html, md, pdf, docx, xlsx``.
    language : str
        Of the texts.
    template : path, optional
        A Word file whose styles the Word report takes.
    step : callable
        Told in words what comes next.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError
        When a study cannot be used, with every problem.
    ArgumentError
        When the studies have no factor in common, ``out`` holds something that is not a report, and for unknown formats.
    """
    check_confidence(confidence_level)
    for name in formats:
        if name not in FORMATS:
            raise ArgumentError(f"unknown format {name!r}. {nearest(name, FORMATS)}Choose from {', '.join(FORMATS)}.")
    say = voice(language)
    step(say.word("steps.reading"))
    both = tuple(study if isinstance(study, Study) else read_study(study) for study in (first, second))
    folder = Path(out) if out is not None else Path("reports") / "_and_".join(map(_name, both))
    foreign(folder, COMPARE_MAKER)  # a folder that may not be written is refused before anything is computed
    step(say.word("comparison.step"))
    draft = _draft(both, paired, Options(confidence_level), language)
    step(say.word("steps.writing"))
    document = comparison(draft, both, paired)
    step(say.word("steps.files"))
    files = render(document, draft.asked, formats, template)
    files["report.json"] = trace(document, draft.asked, draft.counts)
    settings = {"confidence_level": confidence_level, "paired": paired, "formats": list(formats), "language": language}
    publish(folder, files, _manifest(document, both, settings, files), COMPARE_MAKER)
    return folder


def _name(study: Study) -> str:
    if study.source is None:
        raise ArgumentError("a study made from data frames has no folder to name the report after: give out=")
    return study.source.resolve().stem


def _manifest(document: Document, both: Sequence[Study], settings: Mapping[str, Any], files: Mapping[str, object]) -> str:
    """What both studies were made from, in one manifest."""
    one, two = (json.loads(manifest(study, settings, files, COMPARE_MAKER)) for study in both)
    inputs = [{"study": side, **entry} for side, own in zip(_SIDES, (one, two), strict=True) for entry in own["inputs"]]
    simulation = {side: own["simulation"] for side, own in zip(_SIDES, (one, two), strict=True)}
    instruments = [own["instrument"] for own in (one, two)]
    whole = {**one, "title": document.title, "synthetic": document.synthetic, "instrument": instruments, "inputs": inputs, "simulation": simulation}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _draft(both: Sequence[Study], paired: bool, options: Options, language: str) -> Draft:
    """A draft whose one study stands for both: their titles together, synthetic where either is."""
    say = voice(language)
    title = say.word("comparison.title").format(first=both[0].title, second=both[1].title)
    study = replace(both[0], title=title, synthetic=any(one.synthetic for one in both))
    asked = {"comparison": compare(*both, paired=paired, confidence_level=options.confidence_level)}
    asked |= {f"facts_{side}": facts(one) for side, one in zip(_SIDES, both, strict=True)}
    return Draft(study, options, Names(study), say, asked, png=True)


def comparison(draft: Draft, both: Sequence[Study], paired: bool) -> Document:
    """The document: main points and limits, the two studies, the differences, methods."""
    say = draft.say
    sections = (_main(draft), _limits(draft, both, paired), _studies(draft, both), *_differences(draft), _methods(draft, paired))
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    meta = (
        (say.word("made.with"), (Label(made),)),
        (say.word("made.settings"), (Label(f"{draft.interval_head}s"),)),
        (say.word("made.input"), say("made.fingerprints")),
    )
    return Document(draft.study.title, sections, subtitle=say.word("comparison.subtitle"), synthetic=draft.study.synthetic, meta=meta)


# --- what is compared -------------------------------------------------------------------------------------


def _result(draft: Draft) -> Result:
    return draft.asked["comparison"]


def _compared(draft: Draft) -> dict[tuple[str, str, str], dict[str, Row]]:
    """First, second and difference of every kind, band and statistic."""
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in _result(draft):
        found.setdefault((row["kind"], row.group.get("risk_band", ""), row["statistic"]), {})[row["side"]] = row
    return found


def _where(draft: Draft, band: str) -> Label:
    """The cases of a band in both studies: the noun is a plural, however many one of them has."""
    if not band:
        return draft.say.name("comparison.all_cases")
    return Label(draft.say.word("comparison.in_cases").format(cases=re.sub(r"\bcase\b", "cases", draft.names.band(band))))


def _clear(e: Estimate) -> bool:
    return e.ci_low > 0 or e.ci_high < 0


def _counted(draft: Draft, name: str, rows: Sequence[Row]) -> dict[str, Text]:
    """How many differences have an interval, and how many of the intervals leave out 0."""
    known = [row.estimate for row in rows if row.estimate.ci_low == row.estimate.ci_low]
    clear = draft.counted(f"{name}_clear", sum(map(_clear, known)))
    return {"clear": draft.say.plain(clear, 0), "all": draft.say.plain(draft.counted(f"{name}_all", len(known)), 0)}


# --- the first page ---------------------------------------------------------------------------------------


def _main(draft: Draft) -> Section:
    """Agreement with gold and between officers in the lowest and the highest band, the largest change in missed Highs."""
    say, compared = draft.say, _compared(draft)
    bands = list(dict.fromkeys(band for _, band, _ in compared))
    points: list[Text] = []
    for band in dict.fromkeys(bands[:1] + bands[-1:]):
        for key, statistic in (("main_exact", "exact"), ("main_coefficient", "gwet")):
            if (rows := compared.get(("", band, statistic))) and rows["difference"].estimate.estimable:
                points.append(_point(draft, key, rows, band))
    missed = [(key, rows) for key, rows in compared.items() if key[0] not in ("", "overall") and key[2] == "missed_high"
              and rows["difference"].estimate.estimable]
    if missed:
        (kind, band, _), rows = max(missed, key=lambda one: abs(one[1]["difference"].estimate.value))
        scale = draft.study.instrument.scale_of(next(f.id for f in draft.study.instrument.factors if f.kind == kind))
        points.append(_point(draft, "main_missed", rows, band, kind=draft.names.kinds(kind), top=Label(scale.categories[-1])))
    differences = [row for row in _result(draft) if row["side"] == "difference"]
    points.append(say("comparison.main_clear", **_counted(draft, "differences", differences)))
    return Section("main-points", say.word("main.title"), (Callout("main", "", (Bullets(tuple(points)),)),))


def _point(draft: Draft, key: str, rows: Mapping[str, Row], band: str, **said: Text) -> Text:
    """One statistic of both studies in a sentence."""
    say, e = draft.say, {side: row.estimate for side, row in rows.items()}
    d, share = e["difference"], key != "main_coefficient"
    if share:
        told = {side: say.of_100(e[side]) for side in _SIDES}
        words = "slight" if abs(d.value) < _SLIGHT else "more" if d.value > 0 else "fewer"
        points = {} if words == "slight" else {"points": say.points(d)}
        difference = say(f"comparison.{words}", base=say.base(d, say.officers(d)), **points)
    else:
        told = {side: say.coefficient(e[side]) for side in _SIDES}
        said = {**said, "name": Label(words_of("gwet", e["first"].weights))}
        difference = say("comparison.by", value=say.steps(d), base=say.base(d, say.officers(d), scale=1, decimals=2))
    return say(f"comparison.{key}", where=_where(draft, band), difference=difference, **told, **said)


def _limits(draft: Draft, both: Sequence[Study], paired: bool) -> Section:
    say, gold = draft.say, all(study.has_gold for study in both)
    same = set(both[0].cases) == set(both[1].cases)
    can = ("can_each" if gold else "can_each_no_gold", "can_size")
    cannot = ("cannot_cause", "cannot_stories" if same else "cannot_cases", *(("cannot_gold",) if gold and not same else ()),
              "cannot_change" if paired else "cannot_people", "cannot_right")
    lists = [Bullets(tuple(say(f"comparison.{key}") for key in keys), say(f"comparison.{title}"))
             for keys, title in ((can, "can_title"), (cannot, "cannot_title"))]
    return Section("can-and-cannot", say.word("main.limits_title"), (Callout("limits", "", tuple(lists)),))


# --- the two studies --------------------------------------------------------------------------------------


def _studies(draft: Draft, both: Sequence[Study]) -> Section:
    """Design, instruments and gold standards beside each other; what the comparison left out."""
    say = draft.say
    own = [_facts(draft, study, draft.asked[f"facts_{side}"]) for side, study in zip(_SIDES, both, strict=True)]
    rows = tuple((say.word(f"comparison.row_{key}"), own[0][key], own[1][key]) for key in own[0])
    columns = (Column(say.word("comparison.study_head")), *(Column(say.word(f"comparison.{side}"), align="left") for side in _SIDES))
    blocks: list[Block] = [Table("table-studies", say("comparison.studies_table"), columns, rows)]
    if both[0].synthetic != both[1].synthetic:
        blocks.append(Callout("note", "", (Paragraph(say("comparison.one_synthetic")),)))
    notes = [note for note in _result(draft).notes if not note.startswith(("First:", "Second:"))]
    blocks.append(Bullets(tuple((Label(note),) for note in notes), say("comparison.reading_title")))
    return Section("studies", say.word("comparison.studies_title"), tuple(blocks))


def _facts(draft: Draft, study: Study, found: Result) -> dict[str, str]:
    say = draft.say
    count = {row["of"]: row.estimate for row in found}
    panel = say.word("comparison.gold_panel").format(n=len(study.gold_panel)) if study.gold_panel else say.word("comparison.gold_one")
    said = {of: say.word("comparison.yes" if is_so else "comparison.no") for of, is_so in (("crossed", crossed(study)), ("synthetic", study.synthetic))}
    return {
        "officers": number(count["officers"].value, 0), "cases": number(count["cases"].value, 0), "factors": number(count["factors"].value, 0),
        "asked": number(count["asked"].value, 0),
        **{of: number(100 * count[of].parts["share"], 1) for of in ("given", "unable", "blank")},
        "bands": ", ".join(study.bands) or say.word("comparison.none"), "instrument": study.instrument.title,
        "gold": panel if study.has_gold else say.word("comparison.none"), **said,
    }


# --- the differences --------------------------------------------------------------------------------------


def _differences(draft: Draft) -> list[Section]:
    """Shares by kind, and coefficients over all factors."""
    say, compared = draft.say, _compared(draft)
    kinds = list(dict.fromkeys(kind for kind, _, _ in compared))
    shares = [_table(draft, kind or "all", kind, [key for key in compared if key[0] == kind and title_of(key[2]).unit == "share"]) for kind in kinds]
    coefficients = [key for key in compared if title_of(key[2]).unit != "share"]
    gold = any(statistic == "exact" for _, _, statistic in compared)
    sections = [Section("shares", say.word("comparison.gold_title" if gold else "comparison.unable_title"),
                        (*_figures(draft, "gold", _DRAWN), *filter(None, shares)))]
    if coefficients:
        blocks = (*_figures(draft, "between", tuple(dict.fromkeys(key[2] for key in coefficients))),
                  _table(draft, "coefficients", "", coefficients))
        sections.append(Section("between", say.word("comparison.between_title"), tuple(filter(None, blocks))))
    return [section for section in sections if section.blocks]


def _base(draft: Draft) -> Text:
    sizes = {side: draft.say.count(draft.asked[f"facts_{side}"].get("count", of="officers"), "officer") for side in _SIDES}
    return draft.say("comparison.base", **sizes)


def _table(draft: Draft, id: str, kind: str, keys: Sequence[tuple[str, str, str]]) -> Table | None:
    """One row a statistic, grouped by band: both studies and the difference, each with its interval."""
    if not keys:
        return None
    say, compared = draft.say, _compared(draft)
    known = letters(row.estimate for key in keys for row in compared[key].values())
    bands = list(dict.fromkeys(key[1] for key in keys))
    rows = [_cells(compared[key], known) for band in bands for key in keys if key[1] == band]
    groups = [(_where(draft, band)[0].upper() + _where(draft, band)[1:], sum(key[1] == band for key in keys)) for band in bands if band]
    word, share = say.word, id != "coefficients"
    unit, points = (word("comparison.percent"), word("comparison.points")) if share else ("", "")
    columns = (
        Column(word("comparison.statistic")), Column(word("comparison.first"), unit), Column(draft.interval_head),
        Column(word("comparison.second"), unit), Column(draft.interval_head), Column(word("comparison.difference"), points),
        Column(draft.interval_head), *(Column(word(f"comparison.ratings_{side}"), word("comparison.number")) for side in _SIDES),
        *((Column(word("captions.note"), align="left"),) if known else ()),
    )
    name = draft.names.kind(kind) if kind else say.name("comparison.all_factors")
    caption = say("comparison.kinds", kind=name, base=_base(draft)) if share else say("comparison.coefficients", base=_base(draft))
    notes = (say("comparison.difference_note"), *(Label(note) for note in footnotes(known)))
    return Table(f"table-{id}", caption, columns, tuple(rows), notes, tuple(groups))


def _cells(rows: Mapping[str, Row], known: Mapping[str, str]) -> tuple[str, ...]:
    e = {side: row.estimate for side, row in rows.items()}
    share = title_of(rows["first"].coefficient).unit == "share"
    shown = [cell for side in _SIDES for cell in (share_cells if share else coefficients_cells)(e[side])]
    d = e["difference"]
    shown += points_cells(d) if share else (signed(d.value, 3), interval(d, 1, 3))
    sizes = [number(e[side].n_ratings, 0) for side in _SIDES]
    flags = ", ".join(sorted({mark for one in e.values() for mark in marks(one, known).split(", ") if mark}))
    return (coefficient_name(rows["first"].coefficient, e["first"].weights), *shown, *sizes, *((flags,) if known else ()))


def _figures(draft: Draft, key: str, statistics: Sequence[str]) -> list[Figure]:
    """The differences around zero; for shares kind by kind."""
    say, names = draft.say, draft.names
    rows = [row for name in statistics for row in _result(draft) if row["side"] == "difference" and row["statistic"] == name
            and bool(row["kind"]) == (key == "gold") and row.estimate.estimable and (row["kind"], name) != ("overall", "unable_to_rate")]
    if not rows:
        return []
    by = [column for column in ("statistic", "kind", "risk_band") if column in _result(draft).by]
    shown = replace(_result(draft), by=tuple(by), rows=tuple(rows))
    exact = [row for row in rows if row["statistic"] == "exact"]
    top = max(exact or rows, key=lambda row: abs(row.estimate.value))
    where = _where(draft, top.group.get("risk_band", ""))
    if key == "gold":
        direction = say("comparison.lower" if top.estimate.value < 0 else "comparison.higher")
        finding = say("comparison.figure_gold" if exact else "comparison.figure_other", points=say.points(top.estimate), direction=direction,
                      kind=names.kinds(top["kind"]), where=where)
    else:
        finding = say("comparison.figure_between", value=say.steps(top.estimate), where=where, name=Label(title_of(top["statistic"]).words))
    more = say("comparison.figure_missed") if any(row["statistic"] == "missed_high" for row in rows) else ""
    caption = say("comparison.figure_gold_caption", level=draft.interval_head, base=_base(draft), more=more)
    alt = say("comparison.figure_gold_alt", finding=finding, **_counted(draft, f"figure_{key}", rows))
    bands = {band: _where(draft, band).removeprefix("in the ") for band in draft.study.bands}
    words = {name: say.word(f"comparison.short_{name}") if key == "gold" else words_of(name) for name in statistics}
    kinds = {kind: names.kinds(kind) for kind in draft.study.instrument.kinds}
    return [draft.figure(f"fig-{key}", finding, caption, alt, plots.contrasts, shown, names={**names.all, **kinds, **bands, **words})]


def _methods(draft: Draft, paired: bool) -> Section:
    say = draft.say
    entries = (("difference_term", "difference_words"), ("pairing_term", "paired" if paired else "unpaired"),
               ("factors_term", "factors_words"), ("many_term", "many"))
    items = tuple((say.word(f"comparison.{term}"), say(f"comparison.{text}")) for term, text in entries)
    return Section("methods", say.word("comparison.methods_title"), (Definitions(items),))
