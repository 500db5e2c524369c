"""What "unable to rate" could hide: three rules for the gold standard, and best and worst case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.ratability import share
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.agreement import KRIPPENDORFF_ORDINAL, coefficient
from arms_irr.statistics.completion import bounds
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.count import Cell, cells, decisions
from arms_irr.study.study import Study

__all__ = ["RULES", "STATISTICS", "agreement_bounds", "gold_rules"]

Ints = npt.NDArray[np.integer]
Hit = Callable[[Ints, Ints], npt.NDArray[np.bool_]]

STATISTICS: dict[str, Hit] = {
    "exact": lambda x, gold: x == gold,
    "adjacent": lambda x, gold: abs(x - gold) <= 1,
    "under": lambda x, gold: x < gold,
    "over": lambda x, gold: x > gold,
}
RULES = {
    "exclude": "'unable to rate' left out",
    "disagreement": "'unable to rate' counted as a rating that does not fit: usable and right",
    "urgency": "the priority given beside 'unable to rate' in its place; left out where there is none",
    "lowest": "the lowest share possible, had every 'unable to rate' been a priority",
    "highest": "the highest share possible",
}
_COUNTED = ("percent", "gwet", "brennan_prediger", "fleiss", "krippendorff")


def gold_rules(
    study: Study, by: Sequence[str] = ("kind", "risk_band"), *, statistics: Sequence[str] = ("exact",), confidence_level: float = 0.95
) -> Result:
    """Agreement with the gold standard under each rule for "unable to rate", and Manski's bounds.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns.
    statistics : sequence of str
        Some of ``exact, adjacent, under, over``.

    Returns
    -------
    Result
        By ``rule`` too, one of :data:`RULES`. Only cells whose gold standard is a priority count, and blanks are
        left out everywhere. ``lowest`` and ``highest`` are exact (Manski 1989): every "unable to rate" is given the
        priority that suits, as far as its gold standard allows. For ``exact`` the lowest is the rule
        ``disagreement``, and the highest adds the share of "unable to rate". Their intervals are over officers.

    Raises
    ------
    ArgumentError
        Without a gold standard, and for unknown statistics.
    """
    for name in statistics:
        if name not in STATISTICS:
            raise ArgumentError(f"unknown statistic {name!r}. {nearest(name, STATISTICS)}Choose from {', '.join(STATISTICS)}.")
    if study.gold is None:
        raise ArgumentError('this study declares that it has no gold standard (gold = "none"); ask for bounds of agreement instead')
    rows: list[Row] = []
    for cell in cells(study, by):
        for name in statistics:
            found = _by_rule(study, cell, STATISTICS[name], confidence_level, "rater" in by)
            rows += [Row({**cell.group, "rule": rule}, name, found[rule]) for rule in RULES]
    notes = tuple(f"{rule}: {words}." for rule, words in RULES.items())
    return Result("Agreement with the gold standard, by rule for 'unable to rate'", (*by, "rule"), tuple(rows), notes,
                  synthetic=study.synthetic)


def _by_rule(study: Study, cell: Cell, hit: Hit, level: float, alone: bool) -> dict[str, Estimate]:
    assert study.gold is not None
    if cell.scale is None:
        return dict.fromkeys(RULES, undefined("mixed-scales"))
    ratings = study.ratings
    gold = study.gold[ratings.case[cell.rows], ratings.factor[cell.rows]]
    rows = cell.rows[(gold >= 0) & (ratings.code[cell.rows] != NOT_GIVEN)]
    gold = study.gold[ratings.case[rows], ratings.factor[rows]].astype(np.int64)
    code, rater = ratings.code[rows].astype(np.int64), ratings.rater[rows]
    unable = code == UNABLE
    possible = np.stack([hit(np.full_like(gold, k), gold) for k in range(len(cell.scale.categories))])
    in_place = np.where(unable, ratings.urgency[rows], code)
    given, right = code >= 0, hit(code, gold)

    def of(hits: npt.NDArray[np.bool_], base: npt.NDArray[np.bool_]) -> Estimate:
        if not base.any():
            return undefined("no-ratings" if len(rows) else "no-gold", confidence_level=level, target="raters")
        return share(hits[base], rater[base], level, alone)

    all_answers = np.ones(len(rows), dtype=bool)
    return {
        "exclude": of(right, given),
        "disagreement": of(right & given, all_answers),
        "urgency": of(hit(in_place, gold), in_place >= 0),
        "lowest": of(np.where(unable, possible.all(axis=0), right), all_answers),
        "highest": of(np.where(unable, possible.any(axis=0), right), all_answers),
    }


def agreement_bounds(
    study: Study, by: Sequence[str] = ("case",), *, coefficients: Sequence[str] = ("percent", "gwet", "fleiss"),
    weights: str = "quadratic",
) -> Result:
    """The lowest and highest agreement between raters, had every "unable to rate" been a priority.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns.
    coefficients : sequence of str
        Some of ``percent, gwet, brennan_prediger, fleiss, krippendorff`` (raters who can be told apart only by
        name, as for Conger's kappa, are not covered).
    weights : str
        Agreement weights; identity for a nominal scale. "ordinal metric" for Krippendorff's own.

    Returns
    -------
    Result
        By ``bound`` too: ``lowest``, ``available`` (what was given) and ``highest``. How each was found stands in
        ``method``; see :func:`arms_irr.statistics.completion.bounds`. A bound is no interval: it says what the
        answers that were not given could do, not what other officers would.
    """
    for name in coefficients:
        if name not in _COUNTED:
            raise ArgumentError(f"no bounds for {name!r}. {nearest(name, _COUNTED)}Choose from {', '.join(_COUNTED)}.")
    rows: list[Row] = []
    for cell in cells(study, by):
        for name in coefficients:
            found = _bounded(study, cell, name, weights)
            rows += [Row({**cell.group, "bound": bound}, name, one) for bound, one in found.items()]
    notes = ("A bound says what the priorities that were not given could have changed; it is no confidence interval.",)
    return Result("Agreement between raters, best and worst case", (*by, "bound"), tuple(rows), notes, synthetic=study.synthetic)


def _bounded(study: Study, cell: Cell, name: str, weights: str) -> dict[str, Estimate]:
    which = ("lowest", "available", "highest")
    if cell.scale is None:
        return dict.fromkeys(which, undefined("mixed-scales"))
    decided, q = decisions(study, cell), len(cell.scale.categories)
    ordinal = weights == "ordinal metric" and name == "krippendorff"
    label = "identity" if cell.scale.level == "nominal" else weights if ordinal or weights != "ordinal metric" else "quadratic"
    row = KRIPPENDORFF_ORDINAL if ordinal else coefficient(name)
    w = agreement_weights("identity" if ordinal else label, np.array(cell.scale.scores))
    missing = decided.counts[:, q].astype(np.int64)
    given = Tally(decided.counts[:, :q], np.array(cell.scale.scores), None, decided.weight)
    size = {"weights": label, "n_subjects": decided.n_units, "n_raters": decided.n_raters, "n_ratings": decided.n_ratings}
    if decided.raters_per_unit.max(initial=0) < 2:
        flag = "no-ratings" if not decided.n_ratings else "one-rater" if decided.n_raters < 2 else "no-overlap"
        return dict.fromkeys(which, undefined(flag, **size))
    found = bounds(row, given, missing, w)
    nothing = bounds(row, given, np.zeros_like(missing), w).low
    flags = () if found.exact else ("bound-searched",)

    def one(value: float, method: str, flags: tuple[str, ...] = ()) -> Estimate:
        return undefined("one-category", method=method, **size) if np.isnan(value) else Estimate(value, method=method, flags=flags, **size)

    return {"lowest": one(found.low, found.method, flags),
            "available": replace(one(nothing, "priorities given"), n_ratings=int(given.n_ratings)),
            "highest": one(found.high, found.method, flags)}
