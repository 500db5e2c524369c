"""What stands behind the report: terms, formulas, single ratings where permitted, flags, how to make it again."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from arms_irr.analysis.titles import TITLES, words_of
from arms_irr.instruments.model import UNABLE, Factor
from arms_irr.reporting.document import Block, Column, Definitions, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.manifest import fingerprints, versions
from arms_irr.reporting.report_settings import permits_matrix
from arms_irr.reporting.voice import Label, Voice
from arms_irr.statistics.estimate import FLAGS
from arms_irr.statistics.icc import FORMS
from arms_irr.study.study import Study

__all__ = ["MOST_OFFICERS", "appendix_section", "input_files", "made_with", "prints_matrix", "settings_words", "statistics_in"]

MOST_OFFICERS = 60  # a longer matrix is not read on pages
_MOST_COLUMNS = 9  # beside the officer's
_TERMS = ("base", "case", "cluster", "gold_standard", "interval", "p_value", "p_holm", "points", "step", "subject", "unable")
# Formulas, and the statistics of which one must occur; those without any are of every report.
_BETWEEN = ("gwet", "brennan_prediger", "conger", "fleiss")
_FORMULAS: dict[str, tuple[str, ...]] = {
    "weights": ("percent",), "percent": ("percent",), "chance": _BETWEEN, **{name: (name,) for name in _BETWEEN},
    "krippendorff": ("krippendorff",), "icc": ("icc",), "r_wg": ("r_wg",), "wilson": (), "clustered": (),
    "jackknife": ("percent",), "flips": ("difference", "interaction"), "holm": ("difference", "interaction"),
}
_SHORT_KINDS = {"risk": "R", "protective": "P", "item": "I", "static": "S", "overall": "O"}


def appendix_section(draft: Draft) -> Section:
    """Written last: its glossary, flags and tables are those of what the other sections asked."""
    parts = (_glossary(draft), _formulas(draft), *_matrix(draft), *_flags(draft), _remade(draft))
    return Section("appendix", draft.say.word("appendix.title"), parts)


def statistics_in(draft: Draft) -> set[str]:
    """The statistics with a number in the answers to what was asked so far; the forms of the ICC count as ``icc``."""
    found = {row.coefficient for result in draft.asked.values() for row in result if row.estimate.estimable}
    return {"icc" if name in FORMS else name for name in found}


def _glossary(draft: Draft) -> Section:
    say, found = draft.say, statistics_in(draft)
    terms = [(say.word(f"glossary.{key}_term"), say(f"glossary.{key}")) for key in _TERMS if key != "gold_standard" or draft.study.has_gold]
    terms += [(words_of(name), say(f"glossary.{name}")) for name in TITLES if name in found and f"glossary.{name}" in say.entries]
    terms.sort(key=lambda term: term[0].casefold())
    blocks = (Paragraph(say("appendix.glossary")), Definitions(tuple(terms)))
    return Section("glossary", say.word("appendix.glossary_title"), blocks)


def _formulas(draft: Draft) -> Section:
    say, found = draft.say, statistics_in(draft)
    terms = tuple(
        (say.word(f"appendix.formula_{key}_term"), say(f"appendix.formula_{key}"))
        for key, needs in _FORMULAS.items() if not needs or found & set(needs)
    )
    return Section("formulas", say.word("appendix.formulas_title"), (Paragraph(say("appendix.formulas")), Definitions(terms)))


# --- every rating --------------------------------------------------------------------------------------------------


def prints_matrix(study: Study) -> bool:
    """Whether the single ratings are printed: the study permits it, and the officers are few enough."""
    return permits_matrix(study) and len(study.raters) <= MOST_OFFICERS


def _matrix(draft: Draft) -> tuple[Section, ...]:
    """Tables for each case (and occasion): a row for the gold standard and each officer, a column for each factor."""
    study, say, r = draft.study, draft.say, draft.study.ratings
    if not prints_matrix(study):
        return ()
    factors = [study.instrument.factors[i] for i in study.factors_rated]
    heads = dict(zip((factor.id for factor in factors), _heads(factors), strict=True))
    places = np.unique(np.stack([r.case, r.occasion]), axis=1).T.tolist()
    blocks: list[Block] = [Paragraph(say("appendix.matrix"))]
    for n, (case, occasion) in enumerate(places, 1):
        blocks += _of_case(draft, n, (case, occasion), _parts(factors), heads)
    return (Section("matrix", say.word("appendix.matrix_title"), tuple(blocks)),)


def _ratings(draft: Draft, case: int, occasion: int) -> list[tuple[str, dict[int, int]]]:
    """Code by factor of the gold standard and of everyone who rated this case."""
    study, r = draft.study, draft.study.ratings
    gold = [] if study.gold is None else [(draft.say.word("appendix.gold"), dict(enumerate(study.gold[case].tolist())))]
    given: dict[int, dict[int, int]] = {}
    here = np.flatnonzero((r.case == case) & (r.occasion == occasion))
    for rater, factor, code in zip(r.rater[here].tolist(), r.factor[here].tolist(), r.code[here].tolist(), strict=True):
        given.setdefault(rater, {})[factor] = code
    return gold + [(study.raters[rater], codes) for rater, codes in given.items()]


def _parts(factors: list[Factor]) -> list[list[Factor]]:
    """The factors in tables that fit a page, kinds kept together as far as that goes."""
    parts: list[list[Factor]] = [[]]
    for _, kind in groupby(factors, key=lambda factor: factor.kind):
        group = list(kind)
        if parts[-1] and len(parts[-1]) + len(group) > _MOST_COLUMNS:
            parts.append([])
        for factor in group:
            if len(parts[-1]) == _MOST_COLUMNS:
                parts.append([])
            parts[-1].append(factor)
    return parts


def _of_case(draft: Draft, n: int, place: tuple[int, int], parts: list[list[Factor]], heads: dict[str, str]) -> Iterator[Table]:
    study, say, names = draft.study, draft.say, draft.names
    case, occasion = place
    rows, positions = _ratings(draft, case, occasion), {id: i for i, id in enumerate(study.instrument.factor_ids)}
    said: dict[str, Text] = {"case": names.case(study.cases[case]),
                             "officers": say.count(draft.counted(f"officers in matrix {n}", len(rows) - study.has_gold), "officer")}
    if draft.fact("occasions").value > 1:
        said["occasion"] = Label(occasion)
    key = "appendix.matrix_occasion" if "occasion" in said else "appendix.matrix_caption"
    for part, factors in enumerate(parts, 1):
        lines = tuple((name, *(_code(study, say, f, codes.get(positions[f.id])) for f in factors)) for name, codes in rows)
        columns = (Column(say.word("appendix.officer")), *(Column(heads[f.id], align="left") for f in factors))
        caption = say(key, kinds=say.listed(dict.fromkeys(names.kinds(f.kind) for f in factors)), **said)
        named = say.listed(say("appendix.matrix_column", short=Label(heads[f.id]), factor=Label(f.label)) for f in factors)
        notes = (say("appendix.matrix_codes", codes=say.listed(_codes(study, say, factors))), say("appendix.matrix_columns", columns=named))
        yield Table(f"table-matrix-{n}-{part}", caption, columns, lines, notes)


def _heads(factors: list[Factor]) -> list[str]:
    """A short head for each factor: its kind and its place in it, "R1"; the kind alone where it has one factor only."""
    kinds = Counter(factor.kind for factor in factors)
    seen: Counter[str] = Counter()
    heads = []
    for factor in factors:
        seen[factor.kind] += 1
        short = _SHORT_KINDS.get(factor.kind, factor.kind[:1].upper())
        heads.append(f"{short}{seen[factor.kind]}" if kinds[factor.kind] > 1 else short)
    return heads


def _code(study: Study, say: Voice, factor: Factor, code: int | None) -> str:
    scale = study.instrument.scale_of(factor.id)
    if code == UNABLE:
        return say.word("appendix.matrix_unable")
    if code is None or code < 0:
        return say.word("appendix.matrix_blank")
    return scale.short[code] if scale.short else scale.categories[code]


def _codes(study: Study, say: Voice, factors: list[Factor]) -> list[Text]:
    """What the short ratings stand for, each once."""
    scales = [study.instrument.scale_of(factor.id) for factor in factors]
    told = dict.fromkeys(pair for scale in scales for pair in zip(scale.short, scale.categories, strict=False))
    told |= dict.fromkeys((say.word("appendix.matrix_unable"), scale.not_rated[0]) for scale in scales if scale.not_rated)
    told[say.word("appendix.matrix_blank"), say.word("appendix.matrix_no_answer")] = None
    return [say("appendix.matrix_code", short=Label(short), label=Label(label)) for short, label in told]


# --- flags, and how to make the report again -----------------------------------------------------------------------


def _flags(draft: Draft) -> tuple[Section, ...]:
    say = draft.say
    times = Counter(flag for result in draft.asked.values() for row in result for flag in row.estimate.flags)
    rows = tuple((f"{words[0].upper()}{words[1:]}.", f"{times[flag]:,}") for flag, words in FLAGS.items() if times[flag])
    if not rows:
        return ()
    columns = (Column(say.word("appendix.flag")), Column(say.word("appendix.numbers")))
    table = Table("table-flags", say("appendix.flags_caption"), columns, rows)
    return (Section("flags", say.word("appendix.flags_title"), (table,)),)


def made_with() -> Label:
    """Versions of everything that a number depends on."""
    return Label(", ".join(f"{name} {version}" for name, version in versions().items()))


def settings_words(draft: Draft) -> Text:
    """Level, seed and smallest group."""
    options = draft.options
    return draft.say("appendix.settings", level=draft.interval_head, seed=Label(options.seed), least=Label(options.min_cell))


def input_files(draft: Draft) -> Text:
    """The files of the study, each with the beginning of its fingerprint."""
    found = [Label(f"{name} {digest[:12]}") for _, name, digest in fingerprints(draft.study)]
    return draft.say("appendix.input", files=draft.say.listed(found)) if found else draft.say("appendix.input_none")


def _remade(draft: Draft) -> Section:
    say, study, options = draft.say, draft.study, draft.options
    terms: list[tuple[str, Text]] = [
        (say.word("appendix.versions_term"), (made_with(), ".")),
        (say.word("appendix.settings_term"), settings_words(draft)),
        (say.word("appendix.input_term"), input_files(draft)),
    ]
    if study.source is not None:
        words = ["arms-irr", "evaluate", study.source.resolve().name, "--confidence", f"{options.confidence_level:g}",
                 "--seed", str(options.seed), "--min-cell", str(options.min_cell)]
        terms.append((say.word("appendix.command_term"), say("appendix.command", command=Label(shlex.join(words)))))
    if study.synthetic and study.simulation:
        terms.append((say.word("appendix.simulation_term"), say("appendix.simulation")))
    blocks: list[Block] = [Definitions(tuple(terms))]
    rows = tuple((f"{name}.csv", result.question, f"{len(result):,}") for name, result in sorted(draft.tables.items()))
    if rows:
        columns = (Column(say.word("appendix.file")), Column(say.word("appendix.question"), align="left"), Column(say.word("appendix.rows")))
        blocks.append(Table("table-files", say("appendix.files_caption"), columns, rows))
    return Section("made-again", say.word("appendix.remade_title"), tuple(blocks))
