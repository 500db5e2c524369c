"""Did training work? The same officers before and after, on parallel vignettes in both orders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from arms_irr.analysis.certification import RuleSource, counts, decisions, rule_of
from arms_irr.analysis.levels import Sides, per_officer, sides, subjects
from arms_irr.analysis.occasions import before_after
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.planning.certification import DECISIONS
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.multiplicity import benjamini_hochberg
from arms_irr.statistics.paired_clusters import clustered_mcnemar
from arms_irr.statistics.rater_contrasts import cut, ratio_contrast
from arms_irr.study.count import Cell, labels
from arms_irr.study.study import Study

__all__ = ["training_by_factor", "training_effect", "transitions"]

_YES = ("yes", "true", "1", "y", "selected")
_SIGNED = "mean_signed_error"
_ALONE = ("overall", "static")


def training_effect(
    study: Study, *, levels: Sequence[str] | None = None, selected: str = "selected", confidence_level: float = 0.95, seed: int = 1
) -> Result:
    """The change from before to after, free from differences between the vignettes where these came in both orders.

    Parameters
    ----------
    study : Study
    levels : two str, optional
        The occasions after and before; by default the second and the first.
    selected : str
        The officers' attribute that says who was chosen for the training ("yes"); needs not exist.

    Returns
    -------
    Result
        By ``contrast`` and ``level``. The rows of :func:`arms_irr.analysis.occasions.before_after` (both occasions and
        the change of ``exact`` and ``mean_signed_error``; sign-flip test; ``officers_more, officers_equal, officers_less``
        are the officers improved, unchanged and worse), and of the two largest groups of officers who had each other's
        cases in the opposite order:

        ``change_adjusted``, ``change_adjusted_in_steps``
            (d1 + d2) / 2, d1 and d2 the groups' mean changes: a difference between the vignettes adds to the one what it
            takes from the other (Jones & Kenward 2014, section 2). Variance (s1^2 / n1 + s2^2 / n2) / 4, Welch's t.
            ``parts``: ``p_t``, ``t``.
        ``vignette_difference``
            (d1 - d2) / 2: how much easier the cases are that the first group had second.

        Without such groups these are ``nan`` with "not-counterbalanced".

    Raises
    ------
    ArgumentError
        With one occasion, and without a gold standard.
    """
    level = check_confidence(confidence_level)
    chosen = _occasions(study, levels)
    simple = before_after(study, levels=chosen, confidence_level=level, seed=seed)
    two = sides(study, "occasion", chosen)
    rows = list(simple.rows)
    group = {"contrast": "occasion", "level": two.words}
    for statistic, names in (("exact", ("change_adjusted", "vignette_difference")), (_SIGNED, ("change_adjusted_in_steps",))):
        rows += [Row(group, name, one) for name, one in zip(names, _crossover(study, two, statistic, level), strict=False)]
    notes = (*_verdict(rows), *_selection(study, two, selected), *simple.notes)
    return Result("What changed with training", simple.by, tuple(rows), notes, seed, names=study.case_titles, synthetic=study.synthetic)


def _occasions(study: Study, levels: Sequence[str] | None) -> Sequence[str]:
    known = labels(study, "occasion")
    if levels is not None:
        return levels
    if len(known) < 2:
        raise ArgumentError("a change needs two occasions and this study has one: write 1 (before) and 2 (after) in a column 'occasion'")
    return (known[1], known[0])


def _orders(study: Study, two: Sides) -> tuple[np.ndarray, np.ndarray] | None:
    """Two masks of officers who had each other's cases in the opposite order: the largest such pair of groups."""
    ratings, size = study.ratings, len(study.cases)
    had = np.zeros((len(study.raters), 2 * size), dtype=bool)  # later, then earlier
    for k, cell in enumerate(two.cells):
        had[ratings.rater[cell.rows], ratings.case[cell.rows] + k * size] = True
    both = had[:, :size].any(axis=1) & had[:, size:].any(axis=1)
    patterns, which = np.unique(had, axis=0, return_inverse=True)
    which = np.where(both, which.ravel(), -1)
    place = {row.tobytes(): k for k, row in enumerate(patterns)}
    best, largest = None, 0
    for k, row in enumerate(patterns):
        mirror = place.get(np.concatenate([row[size:], row[:size]]).tobytes(), -1)
        if mirror > k:
            number = min(int((which == k).sum()), int((which == mirror).sum()))
            if number > largest:
                best, largest = (which == k, which == mirror), number
    return best


def _crossover(study: Study, two: Sides, statistic: str, level: float) -> list[Estimate]:
    """The change adjusted for the vignettes, and half the difference between the groups' changes."""
    size: dict[str, Any] = {"target": "raters", "confidence_level": level, "method": "crossover, Welch's t over officers",
                            "n_subjects": max(subjects(study, cell) for cell in two.cells)}
    groups = _orders(study, two)
    if groups is None:
        return [undefined("not-counterbalanced", **size)] * 2
    sums, totals, flags = per_officer(study, two.cells, statistic)
    if flags:
        return [undefined(*flags, **size)] * 2
    with np.errstate(invalid="ignore", divide="ignore"):
        change = (sums / totals) @ np.array([1.0, -1.0])
    d = [change[mask & ~np.isnan(change)] for mask in groups]
    n = [len(x) for x in d]
    if min(n) < 2:
        return [undefined("not-counterbalanced" if not min(n) else "one-rater-group", **size)] * 2
    size |= {"n_raters": sum(n), "n_ratings": int(totals[groups[0] | groups[1]].sum())}
    parts = [float(x.var(ddof=1)) / len(x) for x in d]
    means = [float(x.mean()) for x in d]
    se = math.sqrt(sum(parts)) / 2
    found = [(means[0] + means[1]) / 2, (means[0] - means[1]) / 2]
    if se < 1e-14:
        return [Estimate(value, se=0.0, flags=("zero-se",), **size) for value in found]
    df = sum(parts) ** 2 / sum(v**2 / (m - 1) for v, m in zip(parts, n, strict=True))
    half = float(stdtrit(df, (1 + level) / 2)) * se
    return [Estimate(value, se, value - half, value + half, df=df, parts={"t": value / se, "p_t": float(2 * stdtr(df, -abs(value) / se)),
            "group_1": float(n[0]), "group_2": float(n[1])}, **size) for value in found]


def _verdict(rows: Sequence[Row]) -> list[str]:
    """Better, or merely more severe?"""
    found = {row.coefficient: row.estimate for row in rows}
    better = found["change_adjusted"] if found["change_adjusted"].estimable else found["difference"]
    shift = found["change_adjusted_in_steps"] if found["change_adjusted_in_steps"].estimable else found["difference_in_steps"]
    start = [row.estimate.value for row in rows if row.coefficient == _SIGNED]
    if not (better.estimable and shift.estimable):
        return []
    rose, fell = better.ci_low > 0, better.ci_high < 0
    adjusted = "adjusted for the vignettes, " if found["change_adjusted"].estimable else ""
    tested = [f"({adjusted}p = {better.parts['p_t']:.3f})"] if "p_t" in better.parts else []
    said = ["Agreement with the gold standard rose" if rose else "Agreement with the gold standard fell" if fell else
            "These ratings do not show whether agreement with the gold standard rose or fell"]
    said[0] = " ".join([said[0], *tested]) + "."
    if shift.ci_low > 0 or shift.ci_high < 0:
        nearer = abs(start[0]) < abs(start[1])
        said.append(f"Officers rate {'higher' if shift.value > 0 else 'lower'} than before, {'nearer to' if nearer else 'farther from'} the gold "
                    "standard on average" + ("." if rose else ": a change of severity alone is not better rating."))
    else:
        said.append("No change of severity is shown.")
    return [" ".join(said)]


def _selection(study: Study, two: Sides, column: str) -> list[str]:
    """The warning where officers were chosen for the training."""
    held = study.rater_attributes.get(column)
    if held is None:
        return []
    sums, totals, flags = per_officer(study, two.cells, "exact")
    chosen = np.array([value.strip().casefold() in _YES for value in held])
    both = (totals > 0).all(axis=1)
    if flags or not (chosen & both).any():
        return []
    said = ["Officers were selected for the training. If they were chosen because they agreed little with the gold standard, part of their "
            "improvement is regression to the mean: they would have improved without training."]
    if (~chosen & both).any():
        words = [f"{name} from {100 * sums[mask, 1].sum() / totals[mask, 1].sum():.0f} % to {100 * sums[mask, 0].sum() / totals[mask, 0].sum():.0f} %"
                 for name, mask in (("those selected", chosen & both), ("the others", ~chosen & both))]
        said.append(f"Agreement went {words[0]}, {words[1]}.")
    else:
        said.append("Nobody who was not selected rated twice, so the two cannot be told apart.")
    return [" ".join(said)]


def training_by_factor(study: Study, *, levels: Sequence[str] | None = None, q: float = 0.10) -> Result:
    """Before and after for each factor: an exploratory family.

    Returns
    -------
    Result
        For each factor ``difference``, the change of the share that agrees with the gold standard, over the officers with
        ratings on both occasions. ``parts``: ``chi2`` and ``p`` of Obuchowski's clustered McNemar test, ``p_bh`` (Benjamini
        & Hochberg 1995) and ``below_q``. The interval is that of :func:`arms_irr.statistics.rater_contrasts.ratio_contrast`.
    """
    two = sides(study, "occasion", _occasions(study, levels))
    found, names = [], []
    for factor in study.factors_rated:
        one = study.instrument.factors[factor]
        if one.kind in _ALONE:
            continue
        parts = []
        for cell in two.cells:
            rows = cell.rows[study.ratings.factor[cell.rows] == factor]
            parts.append(Cell(cell.group, rows, study.instrument.scales[one.scale], (one.kind,), len(np.unique(study.ratings.case[rows])), 1))
        sums, totals, flags = per_officer(study, parts, "exact")
        names.append(one.id)
        both = (totals > 0).all(axis=1)
        if flags or not both.any():
            found.append(undefined(*(flags or ("nobody-in-both",)), target="raters"))
            continue
        test = clustered_mcnemar(sums[both], totals[both])
        change = cut(replace(ratio_contrast(sums[both], totals[both], (1, -1)), n_subjects=sum(subjects(study, part) for part in parts)), 1.0)
        tested = {} if math.isnan(test.p) else {"chi2": test.statistic, "p": test.p}
        found.append(replace(change, parts={**change.parts, **tested}).flagged(*test.flags))
    adjusted = benjamini_hochberg([one.parts.get("p", math.nan) for one in found])
    found = [one if math.isnan(p) else replace(one, parts={**one.parts, "p_bh": float(p), "below_q": float(p <= q)})
             for one, p in zip(found, adjusted, strict=True)]
    rows = tuple(Row({"factor": name, "level": two.words}, "difference", one) for name, one in zip(names, found, strict=True))
    marked = [row["factor"] for row in rows if row.estimate.parts.get("below_q")]
    notes = (f"An exploratory family of {len(rows)} factors. With at most {100 * q:g} % of false finds expected among those marked "
             f"(Benjamini-Hochberg), a change is marked for: {', '.join(marked) or 'none'}.",
             "The test is McNemar's for clustered ratings (Obuchowski 1998). Unless half the officers had each case first, a change cannot be told "
             "from a difference between cases.")
    return Result("What changed with training, factor by factor", ("factor", "level"), rows, notes, instrument=study.instrument,
                  names=study.case_titles, synthetic=study.synthetic)


def transitions(study: Study, rule: RuleSource = None, *, levels: Sequence[str] | None = None) -> Result:
    """How the decisions of a rule of certification changed: the number of officers by decision before and after.

    Only officers who rated on both occasions count. Rows by ``before`` and ``after``, all nine; coefficient ``officers``.
    """
    after, before = _occasions(study, levels)
    chosen = rule_of(study, rule)
    first, second = (counts(study, occasion) for occasion in (before, after))
    both = (first.given > 0) & (second.given > 0)
    was, became = (decisions(found, chosen)[0][both] for found in (first, second))
    table = np.bincount(3 * was + became, minlength=9).tolist()
    rows = tuple(Row({"before": a, "after": b}, "officers", Estimate(float(table[3 * i + k]), method="count", n_raters=int(both.sum())))
                 for i, a in enumerate(DECISIONS) for k, b in enumerate(DECISIONS))
    most = max(int(first.cases.max(initial=0)), int(second.cases.max(initial=0)))
    notes = [f"Nobody can be certified from these occasions: each holds at most {most} case{'s' * (most != 1)}, and the rule asks for "
             f"{chosen.minimum_cases}."] if most < chosen.minimum_cases else []
    return Result(f"Decisions before and after: {chosen.title}", ("before", "after"), rows, tuple(notes), names=study.case_titles,
                  synthetic=study.synthetic)
