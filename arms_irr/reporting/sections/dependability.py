"""What another exercise would need: what the variance of ratings is due to, and how many officers per case suffice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from arms_irr import plots
from arms_irr.analysis.dependability import ALL, OFFICERS, PHI, dependability
from arms_irr.analysis.design import FEW
from arms_irr.analysis.result import Result
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
)
from arms_irr.reporting.draft import Draft, nothing
from arms_irr.reporting.questions import Question
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import NA, coefficient, interval, number
from arms_irr.statistics.estimate import Estimate, undefined

__all__ = ["dependability_section"]

DEPENDABILITY = Question("dependability", lambda s, o: dependability(s, confidence_level=o.confidence_level, seed=o.seed), step="icc")


def dependability_section(draft: Draft) -> Section:
    """The box where cases are too few, the error of a score, officers needed, and variance components."""
    say, title, found = draft.say, draft.say.word("dependability.title"), draft.ask(DEPENDABILITY)
    if nothing(found):
        return Section("dependability", title, (Paragraph(say("dependability.none")),))
    blocks: list[Block] = [Paragraph(say("dependability.words"))]
    if not _shown(found):
        blocks.append(_box(draft))
    blocks += [*_errors(draft, found), *_needed(draft, found), *_figure(draft, found), *_components(draft, found)]
    return Section("dependability", title, tuple(blocks))


def _shown(found: Result) -> bool:
    """Whether dependability in telling cases apart can be shown."""
    return any(row.estimate.estimable for row in found.where("phi") if row["measured"] != "profile")


def _studies(found: Result, *measured: str) -> Iterable[tuple[tuple[str, str, str], Result]]:
    """The rows of each G-study, under what is measured, of which kind, and where."""
    keys = dict.fromkeys((row["measured"], row["kind"], row["where"]) for row in found if row["measured"] in measured)
    return [((m, kind, where), found.where(measured=m, kind=kind, where=where)) for m, kind, where in keys]


def _what(draft: Draft, key: tuple[str, str, str]) -> Label:
    """What is measured, in a row head: "Mean priority, risk factors"."""
    measured, kind, _ = key
    words = draft.say.word(f"dependability.{measured}")
    return Label(words.format(kind=draft.names.kinds(kind)) if kind else words)


def _said(draft: Draft, key: tuple[str, str, str]) -> Label:
    """In the middle of a sentence."""
    return Label(_what(draft, key)[:1].lower() + _what(draft, key)[1:])


def _place(draft: Draft, where: str) -> str:
    if where == ALL:
        return draft.say.word("dependability.all_cases")
    return {**draft.names.cases, **draft.names.bands}.get(where, where)


def _get(own: Result, name: str, **group: str) -> Estimate:
    rows = own.where(name, **group).rows
    return rows[0].estimate if rows else undefined()


# --- what cannot be said -----------------------------------------------------------------------------------


def _box(draft: Draft) -> Callout:
    say, cases = draft.say, draft.fact("cases")
    key = "dependability.box_two" if cases.value == 2 else "dependability.box_few"
    first = say(key) if cases.value == 2 else say(key, cases=say.count(cases, "case"))
    return Callout("limits", "", (Bullets((first, say("dependability.box_still"), say("dependability.box_next")), say.word("dependability.box")),))


# --- the error of a score ----------------------------------------------------------------------------------


def _errors(draft: Draft, found: Result) -> list[Block]:
    """Standard error of measurement: what does not need differences between cases."""
    say, rows = draft.say, []
    first: Text = ()
    for key, own in _studies(found, "mean", "overall"):
        e = _get(own, "sem")
        if not e.estimable:
            continue
        if not first:
            first = say("dependability.sem_words", what=_said(draft, key), where=_in(draft, key[2]), sem=say.plain(e, 2), limits=say.limits(e, 1, 2), change=say.part(e, "mdc", 2),
                        officers=say.officers(e))
        rows.append((_what(draft, key), _place(draft, key[2]), f"{e.n_subjects:,}", f"{e.n_raters:,}", number(e.value, 3), interval(e, 1, 3),
                     number(e.parts["mdc"], 2)))
    if not rows:
        return []
    keys = ("measured", "where", "cases", "officers", "sem")
    head = [Column(say.word(f"dependability.{key}"), align="left" if key == "where" else "right") for key in keys]
    columns = (*head, Column(draft.interval_head), Column(say.word("dependability.change"), say.word("dependability.steps")))
    return [Paragraph(first), Table("table-sem", say("dependability.sem_table"), columns, tuple(rows), (say("dependability.sem_note"),))]


# --- how many officers --------------------------------------------------------------------------------------


def _needed(draft: Draft, found: Result) -> list[Block]:
    """Dependability of one officer and more, and the officers needed."""
    say, rows, known = draft.say, [], []
    for key, own in _studies(found, "profile", "mean", "overall"):
        one, latent = _get(own, "phi", n_raters="1"), _get(own, "latent_icc")
        if not one.estimable:
            continue
        needed = [_get(own, "officers_needed", phi=f"{phi:g}") for phi in PHI]
        known.append((key, own, one, needed[1]))
        rows.append((_what(draft, key), _place(draft, key[2]), f"{one.n_subjects:,}", coefficient(one.value, table=True), interval(one, 1, 3),
                     coefficient(latent.value, table=True) if latent.estimable else "–", *(number(e.value, 0) for e in needed), _range(needed[1])))
    if not rows:
        return []
    key, own, one, eighty = max(known, key=lambda item: item[3].value if item[3].estimable else -1.0)
    words = say("dependability.needed_words", what=_said(draft, key), where=_in(draft, key[2]), phi=say.coefficient(one), limits=say.limits(one, 1, 2),
                needed=say.count(eighty, "officer") if eighty.estimable else Cited(NA, eighty), range=_limits(draft, eighty))
    word = say.word
    columns = [Column(word("dependability.measured")), Column(word("dependability.where"), align="left"), Column(word("dependability.objects")),
               Column(word("dependability.phi_one")), Column(draft.interval_head), Column(word("dependability.latent")),
               *(Column(word("dependability.needed_for").format(phi=f"{phi:.2f}")) for phi in PHI),
               Column(word("dependability.interval_for").format(interval=draft.interval_head, phi=f"{PHI[1]:.2f}"))]
    notes = [say("dependability.phi_note"), say("dependability.latent_note")]
    if any(key[0] == "profile" for key, *_ in known):
        notes.append(say("dependability.profile_note"))
    notes += [(Label(note),) for note in found.notes if "drawn at random" in note]
    return [Paragraph(words), Table("table-dependability", say("dependability.needed_table"), tuple(columns), tuple(rows), tuple(notes))]


def _in(draft: Draft, where: str) -> Label:
    """In a sentence: "in the lower-risk cases", "over all cases", "in case A"."""
    if where == ALL:
        return Label(draft.say.word("dependability.over_all_cases"))
    return draft.names.where(where) if where in draft.study.bands else Label(draft.say.word("dependability.in_case").format(case=draft.names.cases[where]))


def _range(e: Estimate) -> str:
    """Limits of a number of officers; "3 or more" where no number is the upper one."""
    if not e.estimable or not e.ci_low < float("inf"):
        return NA
    return interval(e, 1, 0) if e.ci_high < float("inf") else f"{number(e.ci_low, 0)} or more"


def _limits(draft: Draft, e: Estimate) -> Text:
    return Cited(draft.say.word("dependability.range").format(interval=draft.interval_head, range=_range(e)), e)


def _figure(draft: Draft, found: Result) -> list[Block]:
    """Dependability against the number of officers: a panel for each thing measured, a line for each kind and place."""
    say = draft.say
    shown = replace(found, rows=tuple(row for row in found.where("phi") if row.estimate.estimable))
    if not shown.rows:
        return []
    one, most = (sorted((row.estimate for row in shown.where(n_raters=str(n))), key=lambda e: e.value) for n in (OFFICERS[0], OFFICERS[-1]))
    ends = {"low_one": say.coefficient(one[0]), "low_most": say.coefficient(most[0])}
    if len(one) > 1:
        finding = say("dependability.finding", **ends, high_one=say.coefficient(one[-1]), high_most=say.coefficient(most[-1]))
    else:
        finding = say("dependability.finding_one", **ends)
    # Kinds and bands by their bare names: there is little room beside a line.
    names = {**draft.names.cases, **{name: say.word(f"dependability.head_{name}") for name in ("profile", "mean", "overall")}}
    caption = say("dependability.caption", base=draft.base)
    return [draft.figure("fig-dependability", finding, caption, say("dependability.alt", finding=finding), plots.dstudy, shown, names=names)]


# --- variance components -------------------------------------------------------------------------------------


def _components(draft: Draft, found: Result) -> list[Block]:
    """What the variance of the ratings is due to."""
    say, rows, groups = draft.say, [], []
    for key, own in _studies(found, "profile", "ratings", "overall"):
        parts = own.where("variance").rows
        for row in parts:
            e = row.estimate
            value = number(e.value, 3) if e.estimable else say.word("dependability.one_df" if "one-df" in e.flags else "dependability.not_estimable")
            share = number(100 * e.parts.get("share", float("nan")), 0)
            rows.append((_effect(draft, row["effect"]), value, interval(e, 1, 3) if e.estimable else NA, share))
        groups.append((f"{_what(draft, key)}: {_place(draft, key[2])}", len(parts)))
    if not rows:
        return []
    columns = (Column(say.word("dependability.effect")), Column(say.word("dependability.variance")), Column(draft.interval_head),
               Column(say.word("dependability.share"), say.word("dependability.percent")))
    notes = [say("dependability.components_note")]
    if any(row["n_cases"] != "" and int(row["n_cases"]) < FEW and row["measured"] != "profile" for row in found):
        notes.append(say("dependability.few_note"))
    return [Table("table-components", say("dependability.components"), columns, tuple(rows), tuple(notes), tuple(groups))]


def _effect(draft: Draft, effect: str) -> str:
    """ "case:officer" as "cases by officers"."""
    if effect == "residual":
        return draft.say.word("dependability.residual")
    named = [draft.say.word(f"dependability.effect_{facet}") for facet in effect.split(":")]
    text = draft.say.word("dependability.by").join(named)
    return text[0].upper() + text[1:]
