"""Published claims put to the data: reproduced, differs, or cannot be tested; and whether a summary is possible at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from arms_irr.analysis.claims_file import Claim, read_claims
from arms_irr.analysis.comparing import SHARES, ask, contrasted, difference_name
from arms_irr.analysis.contrasts import contrast
from arms_irr.analysis.gold import MEASURES
from arms_irr.analysis.possible import possible, rounded_from
from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.titles import title_of
from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import COEFFICIENTS
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.study.count import cells
from arms_irr.study.study import Study

__all__ = ["VERDICTS", "Claim", "check_claims", "read_claims"]

VERDICTS = ("reproduced", "differs", "cannot be tested", "possible", "impossible")


def check_claims(study: Study, claims: Sequence[Claim], *, confidence_level: float = 0.95) -> Result:
    """Each claim put to the data of a study.

    Parameters
    ----------
    study : Study
    claims : sequence of Claim
        Of :func:`read_claims`.
    confidence_level : float

    Returns
    -------
    Result
        By ``claim``, ``kind``, ``statistic``, ``verdict`` (of :data:`VERDICTS`) and ``why``, in words.

        ``value``: the estimate is the statistic recomputed; reproduced where it lies within the tolerance.
        ``parts``: ``claimed``, ``difference`` (recomputed less claimed), ``tolerance`` and ``in_interval`` (1 where the
        claimed value lies in the interval), and for a share of ``n`` ratings ``possible`` (0 where none rounds to it).
        ``ordering`` and ``finding``: the estimate is the statistic in ``first`` less that in ``second``, with the interval
        of :func:`arms_irr.analysis.contrasts.contrast` where one column tells the two apart, otherwise of
        :func:`arms_irr.analysis.comparing.contrasted`; reproduced where its sign is the one claimed. ``parts``:
        ``first``, ``second`` and ``excludes_zero``.
        ``summary``: possible or impossible (:func:`arms_irr.analysis.possible.possible`); nothing is recomputed, and the
        value is the claimed one. ``parts``: ``least`` and ``most``, what the coefficient can be.

        "Cannot be tested" says why: suppressed by the design, no data, not estimable. The notes hold every claim with its
        words, source and verdict.
    """
    check_confidence(confidence_level)
    rows: list[Row] = []
    notes: list[str] = []
    if study.synthetic:
        notes.append("The ratings are synthetic: a claim that is reproduced here, or not, says something about the simulation only, "
                     "and nothing about the officers of whom it was made.")
    for claim in claims:
        found, verdict, why = _CHECK[claim.kind](study, claim, confidence_level)
        statistic = claim.statistic or (claim.coefficient if claim.kappa else "percent")
        group = {"claim": claim.id, "kind": claim.kind, "statistic": statistic, "verdict": verdict, "why": why}
        ordered = claim.kind in ("ordering", "finding")
        rows.append(Row(group, difference_name(statistic) if ordered else statistic, found))
        read = f" Read as: {claim.reading.rstrip('.')}." if claim.reading else ""
        simulated = " in the simulation" if study.synthetic and claim.kind != "summary" and verdict != "cannot be tested" else ""
        notes.append(f'{claim.id}: "{claim.text}" ({claim.source}).{read} {verdict.capitalize()}{simulated}: {why}.')
    return Result("Published claims put to the data", ("claim", "kind", "statistic", "verdict", "why"), tuple(rows), tuple(notes), synthetic=study.synthetic)


def _untested(study: Study, found: Estimate, *wheres: Mapping[str, str]) -> str:
    """Why there is nothing to test with."""
    return _no_ratings(study, *wheres) or "; ".join(found.reasons) or "the statistic is not estimable"


def _no_ratings(study: Study, *wheres: Mapping[str, str]) -> str:
    for where in wheres:
        if not any(cell.group == dict(where) for cell in cells(study, list(where))):
            return f"the study has no ratings of {_words(where)}"
    return ""


def _words(where: Mapping[str, str]) -> str:
    return ", ".join(f"{column.replace('_', ' ')} {level}" for column, level in where.items()) or "all ratings"


def _said(claim: Claim, value: float, signed: bool = False) -> str:
    """A value as people read it: shares in per cent, their differences in points."""
    if claim.statistic not in SHARES:
        return f"{value:+.3f}" if signed else f"{value:.3f}"
    return f"{100 * value:+.1f} points" if signed else f"{100 * value:.1f} %"


def _check_value(study: Study, claim: Claim, level: float) -> tuple[Estimate, str, str]:
    try:
        found = ask(study, claim.statistic, list(claim.where), weights=claim.weights or None, confidence_level=level).where(**claim.where)
    except ArgumentError as error:
        return undefined("not-asked", confidence_level=level), "cannot be tested", str(error).rstrip(".")
    one = found.rows[0].estimate if len(found) == 1 else undefined("no-ratings", confidence_level=level)
    if not one.estimable:
        return one, "cannot be tested", _untested(study, one, claim.where)
    off = one.value - claim.value
    parts = {**one.parts, "claimed": claim.value, "difference": off, "tolerance": claim.tolerance}
    why = f"{title_of(claim.statistic).words}: claimed {_said(claim, claim.value)}, found {_said(claim, one.value)} for {_words(claim.where)}"
    if not math.isnan(one.ci_low):
        inside = one.ci_low <= claim.value <= one.ci_high
        parts["in_interval"] = float(inside)
        why += f"; the claim lies {'in' if inside else 'outside'} the {100 * level:g} % interval {_said(claim, one.ci_low)} to {_said(claim, one.ci_high)}"
    if claim.ci is not None:
        why += f"; the published interval is {_said(claim, claim.ci[0])} to {_said(claim, claim.ci[1])}"
    if claim.n is not None and claim.n != one.n_ratings:
        why += f"; the claim rests on {claim.n} ratings, this on {one.n_ratings}"
    if claim.n is not None and claim.statistic in SHARES and claim.statistic != "percent":
        parts["possible"] = float(_share_of(claim.value, claim.n))
        why += "" if parts["possible"] else f"; no number of {claim.n} ratings is a share that rounds to {claim.value:g}"
    # Rounding of the sum is no difference.
    return replace(one, parts=parts), "reproduced" if abs(off) <= claim.tolerance + 1e-12 else "differs", why


def _share_of(value: float, n: int) -> bool:
    low, high = rounded_from(value)
    return math.ceil(low * n) <= math.floor(high * n)


def _contrast(study: Study, claim: Claim, level: float) -> tuple[Estimate, Estimate, Estimate]:
    """The statistic in both selections and the first less the second; where one column tells them apart, as the study's contrast."""
    differing = [column for column in claim.first if claim.first[column] != claim.second.get(column)]
    between = claim.statistic in COEFFICIENTS
    if claim.first.keys() == claim.second.keys() and len(differing) == 1 and (between or claim.statistic in MEASURES):
        column = differing[0]
        which = {"coefficient": claim.statistic, "weights": claim.weights or None} if between else {"statistic": claim.statistic}
        within = {key: value for key, value in claim.first.items() if key != column}
        found = contrast(study, column, levels=(claim.first[column], claim.second[column]), within=within, confidence_level=level, **which)
        first, second, difference = (row.estimate for row in found)
        return first, second, difference
    sides = (study, claim.second), (study, claim.first)
    second, first, difference = contrasted(*sides, claim.statistic, weights=claim.weights or None, confidence_level=level)
    return first, second, difference


def _check_ordering(study: Study, claim: Claim, level: float) -> tuple[Estimate, str, str]:
    try:
        first, second, found = _contrast(study, claim, level)
    except ArgumentError as error:
        missing = _no_ratings(study, claim.first, claim.second)
        return undefined("no-ratings" if missing else "not-asked", confidence_level=level), "cannot be tested", missing or str(error).rstrip(".")
    if not found.estimable:
        return found, "cannot be tested", _untested(study, found, claim.first, claim.second)
    known = not math.isnan(found.ci_low)
    clear = known and (found.ci_low > 0 or found.ci_high < 0)
    parts = {**found.parts, "first": first.value, "second": second.value}
    if known:
        parts["excludes_zero"] = float(clear)
    as_claimed = found.value > 0 if claim.relation == ">" else found.value < 0
    why = (f"{title_of(claim.statistic).words}: {_said(claim, first.value)} for {_words(claim.first)}, {_said(claim, second.value)} for "
           f"{_words(claim.second)}, a difference of {_said(claim, found.value, signed=True)}")
    if not known:
        why += ", of which no interval can be given"
    else:
        why += f" ({100 * level:g} % interval {_said(claim, found.ci_low, signed=True)} to {_said(claim, found.ci_high, signed=True)})"
        why += "" if clear else "; the interval includes 0, so the direction is not certain"
    return replace(found, parts=parts), "reproduced" if as_claimed else "differs", why


def _check_summary(study: Study, claim: Claim, level: float) -> tuple[Estimate, str, str]:
    assert claim.n is not None
    found = possible(claim.percent, claim.kappa or None, n=claim.n, categories=claim.categories, raters=claim.raters, coefficient=claim.coefficient)
    value = float(claim.kappa) if claim.kappa else float(claim.percent) / 100
    parts = {"percent": float(claim.percent), "least": found.low, "most": found.high, "exact": float(found.exact)}
    size = {"n_subjects": claim.n, "n_raters": claim.raters, "n_ratings": claim.n * claim.raters}
    method = "claimed, not estimated; " + ("every way to rate was counted" if found.exact else "bounds for many subjects")
    return Estimate(value, confidence_level=level, method=method, parts=parts, **size), found.verdict, found.reason


_CHECK = {"value": _check_value, "ordering": _check_ordering, "finding": _check_ordering, "summary": _check_summary}
