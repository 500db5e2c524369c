"""Published claims put to the ratings: their words, where they stand, the verdict, and our number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arms_irr.analysis.claims import check_claims
from arms_irr.analysis.claims_file import Claim, read_claims
from arms_irr.analysis.result import Row
from arms_irr.analysis.titles import title_of, words_of
from arms_irr.reporting.document import (
    Block,
    Bullets,
    Callout,
    Cited,
    Column,
    Paragraph,
    Section,
    Table,
    Text,
    plain,
)
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.questions import Question
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import interval, number, signed
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.study import Study

__all__ = ["CLAIMS", "claims_of", "claims_section"]

_VERDICTS = {"reproduced": "reproduced", "differs": "differs", "cannot be tested": "untested", "possible": "possible", "impossible": "impossible"}


def claims_of(study: Study) -> tuple[Claim, ...]:
    """The claims that belong to a study; none where it names no file of them.

    Raises
    ------
    DataError
        With every mistake of the file.
    """
    path = dict(study.files).get("claims")
    return () if path is None else read_claims(path, study)


CLAIMS = Question("claims", lambda s, o: check_claims(s, claims_of(s), confidence_level=o.confidence_level))


def claims_section(draft: Draft) -> Section:
    """Each claim with its verdict; the numbers behind the verdicts in a table."""
    say, claims = draft.say, claims_of(draft.study)
    title = say.word("claims.title")
    if not claims:
        return Section("claims", title, (Paragraph(say("claims.none")),))
    rows = draft.ask(CLAIMS).rows
    both = list(zip(claims, rows, strict=True))
    blocks: list[Block] = [Paragraph(say("claims.words", verdicts=_counts(draft, rows))), Paragraph(say("claims.means"))]
    if draft.study.synthetic:
        blocks.append(Callout("note", "", (Paragraph(say("claims.simulation")),)))
    blocks.append(Bullets(tuple(_told(draft, claim, row) for claim, row in both)))
    tested = [(claim, row) for claim, row in both if claim.kind != "summary"]
    return Section("claims", title, (*blocks, *([_table(draft, tested)] if tested else [])))


def _counts(draft: Draft, rows: Sequence[Row]) -> Text:
    """How many claims got each verdict."""
    say, parts = draft.say, []
    for verdict, key in _VERDICTS.items():
        if n := sum(row["verdict"] == verdict for row in rows):
            parts.append(say(f"claims.counted_{key}", n=say.plain(draft.counted(f"claims_{key}", n), 0)))
    return say.listed(parts)


# --- in words ---------------------------------------------------------------------------------------------


def _told(draft: Draft, claim: Claim, row: Row) -> Text:
    """One claim: its words and source, the reading of a finding, the verdict, and why."""
    say, key = draft.say, _VERDICTS[row["verdict"]]
    verdict = say(f"claims.{key}_simulation" if draft.study.synthetic and key in ("reproduced", "differs") else f"claims.{key}")
    reading = say("claims.reading", reading=Label(claim.reading.rstrip("."))) if claim.reading else ""
    tell = (lambda *_: (Label(row["why"].rstrip(".")),)) if key == "untested" else _WHY[claim.kind]
    return say("claims.claim", text=Label(claim.text), source=Label(claim.source), reading=reading, verdict=verdict, why=tell(draft, claim, row))


def _why_value(draft: Draft, claim: Claim, row: Row) -> Text:
    say, e = draft.say, row.estimate
    more: list[Text] = []
    if "in_interval" in e.parts:
        more.append(say("claims.inside" if e.parts["in_interval"] else "claims.outside"))
    if claim.ci is not None:
        more.append(say("claims.published_interval", limits=Label(" to ".join(_published(claim, end) for end in claim.ci))))
    if claim.n is not None and claim.n != e.n_ratings:
        more.append(say("claims.published_n", n=Label(f"{claim.n:,}"), ratings=say.ratings(e)))
    if e.parts.get("possible") == 0:
        more.append(say("claims.impossible_share", n=Label(f"{claim.n:,}")))
    return say("claims.value", statistic=_name(claim, e), where=_where(draft, claim.where),
               claimed=Cited(_published(claim, e.parts["claimed"]), e), found=_amount(claim, e, e.value), base=_base(draft, claim, e),
               more=tuple(piece for text in more for piece in text))


def _why_ordering(draft: Draft, claim: Claim, row: Row) -> Text:
    say, e = draft.say, row.estimate
    scale, decimals = _scale(claim)
    by = Cited(signed(scale * e.value, decimals), e)
    difference = say("claims.by_points", by=by) if _share(claim) else by
    sides = {"first": (claim.first, e.parts["first"]), "second": (claim.second, e.parts["second"])}
    told = {name: _amount(claim, e, value) for name, (_, value) in sides.items()}
    told |= {f"{name}_where": _where(draft, where) for name, (where, _) in sides.items()}
    uncertain = say("claims.open") if e.parts.get("excludes_zero") == 0 else ""
    return say("claims.ordering", statistic=_name(claim, e), difference=difference, base=_base(draft, claim, e),
               open=uncertain, **told)


def _why_summary(draft: Draft, claim: Claim, row: Row) -> Text:
    """Whether published numbers can stand together; nothing is recomputed, so what was printed is cited as printed."""
    say, e = draft.say, row.estimate
    said = {"percent": Label(claim.percent), "n": Label(f"{claim.n:,}")}
    if e.parts["least"] != e.parts["least"]:  # the percentage itself cannot occur, or nothing but it was printed
        return (Label(row["why"].rstrip(".")),) if row["verdict"] == "impossible" else say("claims.percent_occurs", **said)
    return say("claims.span" if e.parts["exact"] else "claims.span_bounds", statistic=Label(words_of(claim.coefficient)),
               least=say.part(e, "least", 3), most=say.part(e, "most", 3), claimed=Label(claim.kappa), **said)


_WHY = {"value": _why_value, "ordering": _why_ordering, "finding": _why_ordering, "summary": _why_summary}


def _name(claim: Claim, e: Estimate) -> Label:
    """The statistic with the weights that it was recomputed with."""
    return coefficient_name(claim.statistic, e.weights or claim.weights)


def _share(claim: Claim) -> bool:
    return title_of(claim.statistic).unit == "share"


def _scale(claim: Claim) -> tuple[int, int]:
    """What a number is multiplied by, and its decimals: those of a table, because it stands beside a published one."""
    return (100, 1) if _share(claim) else (1, 2) if title_of(claim.statistic).unit == "steps" else (1, 3)


def _published(claim: Claim, value: float) -> str:
    """A published number with the decimals that it has."""
    return f"{number(100 * value, 6).rstrip('0').rstrip('.')} %" if _share(claim) else f"{value:g}".replace("-", "−")


def _amount(claim: Claim, e: Estimate, value: float) -> Cited:
    """A value of the statistic."""
    scale, decimals = _scale(claim)
    written = signed if title_of(claim.statistic).unit == "steps" else number
    return Cited(written(scale * value, decimals) + (" %" if _share(claim) else ""), e)


def _base(draft: Draft, claim: Claim, e: Estimate) -> Text:
    scale, decimals = _scale(claim)
    return draft.say.base(e, draft.say.officers(e), draft.say.ratings(e), scale=scale, decimals=decimals)


def _where(draft: Draft, where: Mapping[str, str]) -> Text:
    """A selection in words: "protective factors in the lower-risk case"."""
    say, names = draft.say, draft.names
    if not where:
        return say("claims.all")
    rest = dict(where)
    kind, factor, band, case = (rest.pop(column, "") for column in ("kind", "factor", "risk_band", "case"))
    found: list[Text] = [names.factor(factor) if factor else names.kinds(kind) if kind else say("claims.ratings")]
    if factor and kind:
        found.append((Label(f"({names.kinds(kind)})"),))
    if band:
        found.append(names.where(band))
    if case:
        found.append(say("claims.in_case", case=names.case(case)))
    found += [say("claims.attribute", column=Label(column.replace("_", " ")), value=Label(value)) for column, value in rest.items()]
    return tuple(piece for place, text in enumerate(found) for piece in ((" ",) if place else ()) + (text if isinstance(text, tuple) else (text,)))


# --- the table --------------------------------------------------------------------------------------------


def _table(draft: Draft, tested: Sequence[tuple[Claim, Row]]) -> Table:
    word = draft.say.word
    rows = [(row["claim"], _name(claim, row.estimate), *_cells(draft, claim, row), plain(draft.say(f"claims.{_VERDICTS[row['verdict']]}")))
            for claim, row in tested]
    columns = (
        Column(word("claims.head_claim")), Column(word("claims.head_statistic"), align="left"), Column(word("claims.head_unit"), align="left"),
        Column(word("claims.head_claimed")), Column(word("claims.head_found")), Column(draft.interval_head),
        Column(word("claims.head_ratings"), word("claims.number")), Column(word("claims.head_verdict"), align="left"),
    )
    notes = (draft.say("claims.difference_note"),) if any(claim.kind != "value" for claim, _ in tested) else ()
    return Table("table-claims", draft.say("claims.table", base=draft.base), columns, tuple(rows), notes)


def _cells(draft: Draft, claim: Claim, row: Row) -> tuple[str, ...]:
    """Unit, claimed, found, interval and ratings of one claim."""
    word, e, ordered = draft.say.word, row.estimate, claim.kind != "value"
    unit = "points" if ordered and _share(claim) else title_of(claim.statistic).unit
    scale, decimals = _scale(claim)
    written = signed if ordered or unit == "steps" else number
    claimed = word("claims.above" if claim.relation == ">" else "claims.below") if ordered else written(scale * claim.value, decimals)
    name = word(f"claims.unit_{unit if unit in ('share', 'points', 'steps') else 'other'}")
    return name, claimed, written(scale * e.value, decimals), interval(e, scale, decimals), f"{e.n_ratings:,}"
