"""Is there a difference? Two levels of a column, within the same officers or between two groups of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from arms_irr.analysis.consistency import ORDINAL_METRIC, asked_for
from arms_irr.analysis.design import verdict
from arms_irr.analysis.levels import (
    Sides,
    check_statistic,
    codes_of,
    draws,
    has_levels,
    per_officer,
    sides,
    subjects,
)
from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.titles import title_of
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Scale
from arms_irr.statistics.agreement import KRIPPENDORFF_ORDINAL, Coefficient
from arms_irr.statistics.agreement import coefficient as coefficient_of
from arms_irr.statistics.differences import compare
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.multiplicity import holm
from arms_irr.statistics.proportions import clustered, clustered_mean
from arms_irr.statistics.rater_contrasts import between_groups, jackknife_contrast, within_raters
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import Floats, agreement_weights
from arms_irr.study.count import Cell
from arms_irr.study.study import Study

__all__ = ["compared", "confirmatory", "contrast", "interaction", "level_of", "name_of", "resolved", "site_flags", "site_notes", "with_odds"]

_STORY = "A band, or a case, is also a story: with one case on a side the difference may come from the case and not from its risk."
_SIGNED = "mean_signed_error"
_FEW_SITES = 6  # with fewer clusters no interval over sites can be trusted


def contrast(
    study: Study, column: str = "risk_band", *, levels: Sequence[str] | None = None, within: Mapping[str, str] | None = None,
    statistic: str = "exact", coefficient: str | None = None, weights: str | None = None, confidence_level: float = 0.95,
    seed: int = 1,
) -> Result:
    """Two levels of a column compared.

    Parameters
    ----------
    study : Study
    column : str
        What varies within officers (``risk_band``, ``case``, ``kind``, ``factor``, ``occasion``, attributes of cases)
        is compared within the officers who rated both levels; an attribute of officers (``agency``, ``site``)
        between independent groups of officers.
    levels : two str, optional
        The difference is the first less the second. By default lowest and highest band, risk and protective, last
        and first occasion, the two largest groups of officers.
    within : mapping, optional
        Keep to a part of the study, for example ``{"kind": "risk"}``.
    statistic : str
        One of :data:`arms_irr.analysis.gold.MEASURES`: a share, or ``mean_signed_error`` in steps.
    coefficient, weights : str, optional
        Instead: an agreement coefficient between raters, with the weights of
        :func:`arms_irr.analysis.consistency.between_raters`. Needs no gold standard.
    seed : int
        Of the permutations, where there are too many to try each (:func:`arms_irr.analysis.levels.draws`).

    Returns
    -------
    Result
        A row for each level and one for the difference (``difference`` in points, ``difference_in_steps``,
        ``difference_of_coefficients``). ``parts`` of a difference: ``p`` (sign flips within officers, exchange of
        labels between groups, t for coefficients), ``p_t``, ``effect_size``, ``odds_ratio`` of the two shares where
        both lie between 0 and 1, and within officers ``officers_more, officers_equal, officers_less``. The
        interval says what other officers would do with these cases and factors.

    Raises
    ------
    ArgumentError
        For unknown columns, levels and statistics, and for a statistic that needs a gold standard without one.
    """
    check_confidence(confidence_level)
    two = sides(study, column, levels, within)
    rows = compared(study, two, statistic, coefficient, weights, confidence_level, seed)
    extra = dict(within or {})
    rows = [Row({**row.group, **extra}, row.coefficient, row.estimate) for row in rows]
    notes = (*two.notes, *_notes(study, two, coefficient))
    return Result(f"{two.levels[0]} and {two.levels[1]} compared", ("contrast", "level", *extra), tuple(rows), notes, seed,
                  names=study.case_titles, synthetic=study.synthetic)


def compared(
    study: Study, two: Sides, statistic: str, coefficient: str | None, weights: str | None, level: float, seed: int
) -> list[Row]:
    """The two levels and their difference."""
    if coefficient is None:
        check_statistic(study, statistic)
        found = _between(study, two, statistic, level, seed) if two.between else _within(study, two, statistic, level, seed)
    else:
        found = _coefficients(study, two.cells, [(1, -1)], coefficient, weights, level, two.between)
    name = statistic if coefficient is None else coefficient_of(coefficient).name
    groups = [{"contrast": two.column, "level": label} for label in (*two.levels, two.words)]
    titles = (name, name, name_of("difference", statistic, coefficient))
    found[2] = found[2].flagged(*two.flags, *(site_flags(study, two) if two.between else []))
    return [Row(group, title, one) for group, title, one in zip(groups, titles, found, strict=True)]


def name_of(kind: str, statistic: str, coefficient: str | None) -> str:
    """``difference`` or ``interaction`` with its unit."""
    return f"{kind}_of_coefficients" if coefficient else f"{kind}_in_steps" if statistic == _SIGNED else kind


def level_of(sums: Floats, totals: Floats, statistic: str, level: float) -> Estimate:
    """The share, or the mean signed error, of the officers given."""
    return (clustered_mean if statistic == _SIGNED else clustered)(sums, totals, level)


def with_odds(found: Estimate, first: Estimate, second: Estimate, statistic: str) -> Estimate:
    """The difference with the odds ratio of its two shares, where there is one."""
    p, q = first.value, second.value
    if statistic == _SIGNED or not (0 < p < 1 and 0 < q < 1):
        return found
    return replace(found, parts={**found.parts, "odds_ratio": p * (1 - q) / (q * (1 - p))})


def _within(study: Study, two: Sides, statistic: str, level: float, seed: int) -> list[Estimate]:
    sums, totals, flags = per_officer(study, two.cells, statistic)
    n = [subjects(study, cell) for cell in two.cells]
    if flags:
        return [*(_sized(level_of(sums[:, k], totals[:, k], statistic, level), n[k]) for k in (0, 1)), undefined(*flags, target="raters")]
    both = (totals > 0).all(axis=1)
    ends = [_sized(level_of(sums[both, k], totals[both, k], statistic, level), n[k]) for k in (0, 1)]
    limit = math.inf if statistic == _SIGNED else 1.0
    found = within_raters(sums, totals, limit=limit, confidence_level=level, replicates=draws(len(sums)), seed=seed)
    return [*ends, _sized(with_odds(found, *ends, statistic), sum(n))]


def _between(study: Study, two: Sides, statistic: str, level: float, seed: int) -> list[Estimate]:
    sums, totals, flags = per_officer(study, two.cells, statistic)
    n = [subjects(study, cell) for cell in two.cells]
    ends = [_sized(level_of(sums[:, k], totals[:, k], statistic, level), n[k]) for k in (0, 1)]
    if flags:
        return [*ends, undefined(*flags, target="raters")]
    site = _sites(study, two.column)
    strata = None
    if site is not None and _crossed(site, totals):
        strata = site[totals[:, 0] > 0], site[totals[:, 1] > 0]
    kept = [totals[:, k] > 0 for k in (0, 1)]
    found = between_groups((sums[kept[0], 0], sums[kept[1], 1]), (totals[kept[0], 0], totals[kept[1], 1]), strata=strata,
                           limit=math.inf if statistic == _SIGNED else 1.0, confidence_level=level, replicates=draws(len(sums)), seed=seed)
    return [*ends, _sized(with_odds(found, *ends, statistic), max(n))]


def site_flags(study: Study, two: Sides) -> list[str]:
    """``few-sites`` where sites are recorded and fewer than 6."""
    site = _sites(study, two.column)
    return ["few-sites"] if site is not None and len(np.unique(site)) < _FEW_SITES else []


def _sites(study: Study, column: str) -> Codes | None:
    """(R,) the site of every officer as a number; None where sites are not recorded or are what is compared."""
    held = study.rater_attributes.get("site")
    return None if held is None or column == "site" or not all(held) else np.unique(held, return_inverse=True)[1].ravel()


def _crossed(site: Codes, totals: Floats) -> bool:
    """Whether a site holds officers of both groups, so that labels can be exchanged within sites."""
    return bool(np.intersect1d(site[totals[:, 0] > 0], site[totals[:, 1] > 0]).size)


def _sized(found: Estimate, n_subjects: int) -> Estimate:
    return replace(found, n_subjects=n_subjects)


def _coefficients(
    study: Study, parts: Sequence[Cell], signs: list[tuple[int, ...]], name: str, weights: str | None, level: float, between: bool
) -> list[Estimate]:
    """The coefficient in each cell, then each contrast of them; what the design cannot carry is not shown."""
    every = len(parts) + len(signs)
    scale = parts[0].scale
    if scale is None or any(cell.scale is not scale for cell in parts):
        return [undefined("mixed-scales", target="raters")] * every
    row, how, scores, w = resolved(scale, name, weights)
    tables = codes_of(study, parts)
    if not between:
        both = np.logical_and.reduce([(table >= 0).any(axis=0) for table in tables])
        if not both.any():
            return [undefined("nobody-in-both", target="raters")] * every
        tables = [table[:, both] for table in tables]
    ends = []
    for cell, table in zip(parts, tables, strict=True):
        counted = Tally.from_codes(table, scores)
        end = estimate(row, counted, w, target="raters", confidence_level=level, weights=how)
        judged = verdict(cell, counted.n_units, counted.n_raters, row.needs_variation)
        ends.append(end if judged.status != "not identified" else replace(end, flags=()).suppressed(*judged.flags))
    flags = [flag for end in ends if not end.estimable for flag in end.flags]
    if between:
        found = [compare(row, tables[1], tables[0], scores, w, paired=None, target="raters", confidence_level=level, weights=how)]
        found = [replace(found[0], n_subjects=max(end.n_subjects for end in ends))]
    else:
        found = [_paired(row, tables, sign, scores, w, level, how) for sign in signs]
    return [*ends, *(one.suppressed(*flags) if flags else one for one in found)]


def resolved(scale: Scale, name: str, weights: str | None) -> tuple[Coefficient, str, Floats, Floats]:
    """A coefficient with its usual weights on a scale: its row, what they are called, scores and weights."""
    [(_, how)] = asked_for(scale, "fleiss", name, weights)
    if how == ORDINAL_METRIC and name != "krippendorff":
        raise ArgumentError(f"the ordinal metric belongs to krippendorff; for {name} choose weights such as quadratic")
    scores = np.array(scale.scores, dtype=np.float64)
    row = KRIPPENDORFF_ORDINAL if how == ORDINAL_METRIC else coefficient_of(name)
    return row, how, scores, agreement_weights("identity" if how == ORDINAL_METRIC else how, scores)


def _paired(
    row: Coefficient, tables: list[Codes], sign: tuple[int, ...], scores: Floats, w: Floats, level: float, how: str
) -> Estimate:
    used = np.flatnonzero(sign)
    found = jackknife_contrast(row, [tables[k] for k in used], np.take(sign, used), scores, w, confidence_level=level)
    return replace(found, weights=how)


def _notes(study: Study, two: Sides, coefficient: str | None) -> list[str]:
    test = "t" if coefficient else "exchange of labels between officers" if two.between else "random signs of the officers' own differences"
    notes = [f"The difference is {two.words}; its p-value is by {test}."]
    if two.between:
        notes += site_notes(study, two)
    else:
        notes.append("Only officers who rated both levels count, here and in the values of the levels.")
    if two.flags:
        notes.append(_STORY)
    return notes


def site_notes(study: Study, two: Sides) -> list[str]:
    """What can be said about the sites of the officers, and what not."""
    site = _sites(study, two.column)
    if site is None:
        return ["Officers count as independent of each other."]
    n = len(np.unique(site))
    found = [f"There {'is' if n == 1 else 'are'} {n} site{'s' * (n != 1)}: nothing is claimed about sites, and officers of one site count "
             "as independent."] if site_flags(study, two) else []
    held = study.rater_attributes[two.column]
    groups = [{s for s, label in zip(site.tolist(), held, strict=True) if label == level} for level in two.levels]
    return [*found, "Labels are exchanged within sites only." if groups[0] & groups[1] else
            "Every site belongs to one group, so the groups cannot be told from their sites."]


def interaction(
    study: Study, first: str = "risk_band", second: str = "kind", *, levels: Mapping[str, Sequence[str]] | None = None,
    statistic: str = "exact", coefficient: str | None = None, weights: str | None = None, confidence_level: float = 0.95,
    seed: int = 1,
) -> Result:
    """Is the difference by one column the same at both levels of another? A difference of differences within officers.

    Parameters
    ----------
    first, second : str
        Columns that vary within officers. The value is the difference by ``first`` at the first level of ``second``
        less the same difference at its second level.
    levels : mapping, optional
        The two levels of a column, by its name; otherwise as :func:`contrast`, as are the other parameters.

    Returns
    -------
    Result
        The four values, the two differences (``difference`` ...) and the ``interaction`` (in points, in steps, of
        coefficients), over the officers who rated all four. ``parts`` as for :func:`contrast`.
    """
    check_confidence(confidence_level)
    given = dict(levels or {})
    outer = sides(study, second, given.get(second))
    inner = [sides(study, first, given.get(first), {second: level}) for level in outer.levels]
    if outer.between or inner[0].between:
        named = second if outer.between else first
        raise ArgumentError(f"{named} is an attribute of officers: an interaction is within officers; give risk_band, kind or case")
    parts = [cell for two in inner for cell in two.cells]
    signs = [(1, -1, 0, 0), (0, 0, 1, -1), (1, -1, -1, 1)]
    if coefficient is None:
        check_statistic(study, statistic)
        found = _four(study, parts, signs, statistic, confidence_level, seed)
    else:
        found = _coefficients(study, parts, signs, coefficient, weights, confidence_level, False)
    found[4:] = [one.flagged(*inner[0].flags, *outer.flags) for one in found[4:]]
    labels = [f"{a}, {b}" for b, a in product(outer.levels, inner[0].levels)]
    labels += [f"{inner[0].words}, {level}" for level in outer.levels] + [f"({inner[0].words}), {outer.words}"]
    name = statistic if coefficient is None else coefficient_of(coefficient).name
    names = [name] * 4 + [name_of("difference", statistic, coefficient)] * 2 + [name_of("interaction", statistic, coefficient)]
    rows = tuple(Row({"contrast": f"{first} x {second}", "level": label}, title, one)
                 for label, title, one in zip(labels, names, found, strict=True))
    notes = (*outer.notes, *inner[0].notes, "Only officers who rated all four combinations count.", *([_STORY] if inner[0].flags else []))
    return Result(f"Does the difference by {first} depend on {second}?", ("contrast", "level"), rows, notes, seed,
                  names=study.case_titles, synthetic=study.synthetic)


def _four(
    study: Study, parts: Sequence[Cell], signs: list[tuple[int, ...]], statistic: str, level: float, seed: int
) -> list[Estimate]:
    sums, totals, flags = per_officer(study, parts, statistic)
    n = [subjects(study, cell) for cell in parts]
    if not flags:
        sums, totals = (x[(totals > 0).all(axis=1)] for x in (sums, totals))
    ends = [_sized(level_of(sums[:, k], totals[:, k], statistic, level), n[k]) for k in range(4)]
    if flags:
        return [*ends, *[undefined(*flags, target="raters")] * 3]
    if not len(sums):
        return [*ends, *[undefined("nobody-in-both", target="raters")] * 3]
    found = []
    for sign in signs:
        limit = math.inf if statistic == _SIGNED else sum(map(abs, sign)) / 2
        used = np.flatnonzero(sign)
        one = within_raters(sums[:, used], totals[:, used], np.take(sign, used), limit=limit, confidence_level=level,
                            replicates=draws(len(sums)), seed=seed)
        found.append(_sized(one, sum(n[k] for k in used)))
    found[:2] = [with_odds(one, ends[k], ends[k + 1], statistic) for k, one in zip((0, 2), found[:2], strict=True)]
    return [*ends, *found]


def confirmatory(
    study: Study, *, levels: Mapping[str, Sequence[str]] | None = None, statistic: str = "exact", coefficient: str | None = None,
    weights: str | None = None, confidence_level: float = 0.95, seed: int = 1,
) -> Result:
    """The questions asked beforehand, as one family: lower and higher risk, risk and protective, their interaction.

    Parameters as for :func:`interaction`.

    Returns
    -------
    Result
        The differences that the study can carry, with ``p_holm`` in ``parts`` beside ``p``: Holm's adjustment over
        the tests that could be made. Empty, with a note, where there are neither two bands nor both kinds.
    """
    given = dict(levels or {})
    options = {"statistic": statistic, "coefficient": coefficient, "weights": weights, "confidence_level": confidence_level, "seed": seed}
    there = [column for column in ("risk_band", "kind") if has_levels(study, column, given.get(column))]
    asked = [contrast(study, column, levels=given.get(column), **options) for column in there]
    if len(there) == 2 and _all_four(study, given):
        asked.append(interaction(study, levels=given, **options))
    rows = [result.rows[-1] for result in asked]
    adjusted = holm([row.estimate.parts.get("p", math.nan) for row in rows])
    rows = [replace(row, estimate=replace(row.estimate, parts={**row.estimate.parts, "p_holm": float(p)}))
            if not math.isnan(p) else row for row, p in zip(rows, adjusted, strict=True)]
    notes = tuple(dict.fromkeys(note for result in asked for note in result.notes))
    words = (f"{len(rows)} question{'s' * (len(rows) != 1)} asked beforehand; p_holm allows for their number (Holm 1979)." if rows else
             "The study has neither two risk bands nor risk and protective factors: there is nothing to compare.")
    name = statistic if coefficient is None else coefficient_of(coefficient).name
    return Result(f"Differences asked beforehand: {title_of(name).words}", ("contrast", "level"), tuple(rows),
                  (words, *notes), seed, names=study.case_titles, synthetic=study.synthetic)


def _all_four(study: Study, given: Mapping[str, Sequence[str]]) -> bool:
    kinds = sides(study, "kind", given.get("kind")).levels
    bands = sides(study, "risk_band", given.get("risk_band")).levels
    factors, ratings = study.instrument.factors, study.ratings
    band = np.array(study.case_attributes["risk_band"])[ratings.case]
    kind = np.array([factor.kind for factor in factors])[ratings.factor]
    return all(bool(((band == b) & (kind == k)).any()) for b, k in product(bands, kinds))
