"""Groups of officers: do police and probation differ, in agreement with the gold standard and with each other?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arms_irr.analysis.agencies import between_agencies
from arms_irr.analysis.contrasts import contrast
from arms_irr.analysis.result import Result, Row, stack
from arms_irr.errors import ArgumentError
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table, Text
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.questions import Options, Question, band_of
from arms_irr.reporting.sections.differences import cells, said
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import number, signed
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.count import labels
from arms_irr.study.study import Study

__all__ = ["agencies_section", "by_agency", "over_all_cases"]

AGENCY = "agency"
_LARGE = 1_000  # officers beyond whom fewer exchanges of labels are tried


def _with_gold(study: Study, options: Options) -> Result:
    """Over all cases, then band by band."""
    band = band_of(study)
    parts: list[dict[str, str] | None] = [None, *({band: value} for value in labels(study, band))]
    found = [contrast(study, AGENCY, within=part, confidence_level=options.confidence_level, seed=options.seed) for part in parts]
    return stack("Agreement with the gold standard by agency", *_large(found, "exact", options))


def _with_each_other(study: Study, options: Options) -> Result:
    replicates = 999 if len(study.raters) > _LARGE else 1999
    found = between_agencies(study, AGENCY, [band_of(study)], confidence_level=options.confidence_level, replicates=replicates,
                             seed=options.seed)
    return stack(found.question, *_large(found.split(band_of(study)).values(), "agreement_within", options))


def over_all_cases(study: Study, options: Options) -> Result:
    """Agreement within and between agencies, over all cases."""
    found = between_agencies(study, AGENCY, (), confidence_level=options.confidence_level, seed=options.seed)
    return stack(found.question, *_large([found], "agreement_within", options))


def _large(parts: Iterable[Result], coefficient: str, options: Options) -> list[Result]:
    """The parts whose groups are all large enough to be shown by themselves; ``coefficient`` has a row for each group."""
    found = list(parts)
    large = [part for part in found if min((row.estimate.n_raters for row in part.where(coefficient)), default=0) >= options.min_cell]
    if found and not large:
        raise ArgumentError(f"one of the agencies has fewer than {options.min_cell} officers with ratings, so agencies are not shown by themselves")
    return large


GOLD_BY_AGENCY = Question("contrast_by_agency", _with_gold)
AGENCIES = Question("agreement_between_agencies", _with_each_other, step="agencies")


def agencies_section(draft: Draft) -> Iterator[Block]:
    """Both groups band by band, and what tells less consistent from consistently different."""
    say, title = draft.say, draft.say.word("agencies.title")
    if AGENCY not in draft.study.rater_attributes or len(draft.study.raters) < 2:
        yield Section("agencies", title, (Paragraph(say("agencies.not_recorded")),))
        return
    result = draft.ask(AGENCIES)
    if not result.rows and len(set(draft.study.rater_attributes[AGENCY]) - {""}) < 2:
        yield Section("agencies", title, (Paragraph(say("agencies.one")),))
        return
    if not result.rows:
        least = draft.counted("smallest group shown", draft.options.min_cell)
        yield Section("agencies", title, (Paragraph(say("agencies.small", least=say.count(least, "officer"))),))
        return
    bands = result.split(draft.band)
    blocks: list[Block] = []
    for band, part in bands.items():
        blocks.append(Paragraph(_words(draft, band, part)))
    blocks.append(Paragraph(say("agencies.reading")))
    blocks.append(Paragraph(_sites(draft)))
    blocks.append(_table(draft, bands))
    yield Section("agencies", title, tuple(blocks))


def by_agency(draft: Draft) -> tuple[Row, ...]:
    """The difference between the groups over all cases; nothing where a group is too small to be shown by itself."""
    if AGENCY not in draft.study.rater_attributes:
        return ()
    return tuple(row for row in draft.ask(GOLD_BY_AGENCY) if not row.group.get(draft.band))[2:]


def _pair(part: Result) -> tuple[str, str]:
    first, second = (row["group"] for row in part.where("agreement_within"))
    return first, second


def _words(draft: Draft, band: str, part: Result) -> Text:
    """Within the groups and across them, then the signed error."""
    say = draft.say
    first, second = _pair(part)
    within = [part.get("agreement_within", group=name) for name in (first, second)]
    across = part.get("agreement_between")
    named = {"first": Label(first), "second": Label(second)}
    if not all(e.estimable for e in (*within, across)):
        return say("agencies.none", where=draft.names.where(band))
    text = say("agencies.pairs", where=draft.names.where(band), share=say.of_100(within[0]), limits=say.limits(within[0]),
               other=say.of_100(within[1]), other_limits=say.limits(within[1]), across=say.of_100(across),
               across_limits=say.limits(across), **named)
    text = (*text, " ", *said(draft, "agencies.gap", part.get("agreement_gap")))
    errors = part.where("difference_in_steps").rows
    if errors:
        text = (*text, " ", *said(draft, "agencies.error", errors[0].estimate, "steps", **named))
    return text


def _sites(draft: Draft) -> Text:
    """What can be said about the sites of the officers."""
    say, held = draft.say, draft.study.rater_attributes
    sites = held.get("site", ())
    if not sites or not all(sites):
        return say("agencies.no_sites")
    n = say.plain(draft.counted("sites", len(set(sites))), 0)
    first, second = _pair(draft.ask(AGENCIES).where(**{draft.band: draft.ask(AGENCIES).rows[0][draft.band]}))
    at = [{site for site, agency in zip(sites, held[AGENCY], strict=True) if agency == name} for name in (first, second)]
    return say("agencies.sites_crossed" if at[0] & at[1] else "agencies.sites_nested", n=n)


def _table(draft: Draft, bands: dict[str, Result]) -> Table:
    say, word = draft.say, draft.say.word
    first, second = _pair(next(iter(bands.values())))
    head = (Column(word("agencies.what")), Column(_capital(first)), Column(_capital(second)), Column(word("contrasts.difference")),
            Column(draft.interval_head), Column(word("contrasts.p")), Column(word("contrasts.officers"), word("contrasts.number")))
    rows: list[tuple[str, ...]] = []
    groups = []
    for band, part in bands.items():
        own = list(_rows(draft, band, part, (first, second)))
        rows += own
        groups.append((draft.names.bands.get(band, band), len(own)))
    notes = (say("agencies.table_note"), say("agencies.elsewhere"))
    return Table("table-agencies", say("agencies.table", base=draft.base), head, tuple(rows), notes, tuple(groups))


def _rows(draft: Draft, band: str, part: Result, pair: tuple[str, str]) -> Iterator[tuple[str, ...]]:
    word = draft.say.word
    gold = draft.ask(GOLD_BY_AGENCY).where(**{draft.band: band}).rows
    if gold:
        yield (word("agencies.exact"), *(_percent(row.estimate) for row in gold[:2]), *cells(gold[2].estimate), _officers(gold[0], gold[1]))
    shift = [row for row in part if row.coefficient in ("mean_signed_error", "difference_in_steps")]
    if shift:
        yield (word("agencies.error"), *(signed(row.estimate.value) for row in shift[:2]), *cells(shift[2].estimate, "steps"),
               _officers(shift[0], shift[1]))
    within = part.where("agreement_within").rows
    yield (word("agencies.within"), *(_percent(row.estimate) for row in within), *cells(part.get("difference")), _officers(*within))
    yield (word("agencies.gap"), "", "", *cells(part.get("agreement_gap")), _officers(*within))


def _officers(first: Row, second: Row) -> str:
    return f"{first.estimate.n_raters:,} + {second.estimate.n_raters:,}"


def _percent(e: Estimate) -> str:
    return number(100 * e.value, 1)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
