"""High priorities that were missed, and what errors cost when rating too low costs more than rating too high."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, expit, logit, ndtri, stdtrit

from arms_irr.analysis.ratability import share
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.proportions import clustered, clustered_mean
from arms_irr.study.count import Judged, cells, judged, per_rater
from arms_irr.study.study import Study

__all__ = ["cost_curve", "cost_order", "missed_high", "upper_bound"]

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
_ICC = 0.1  # the least correlation of one officer's misses that a bound allows for when few misses can show it


def missed_high(study: Study, by: Sequence[str] = ("factor", "case"), *, confidence_level: float = 0.95) -> Result:
    """How often officers missed what the gold standard rates in the highest category, and related error rates.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns: factor, kind, case, risk_band, rater, or any attribute.
    confidence_level : float

    Returns
    -------
    Result
        Rows per cell, "High" and "Low" being the ends of the scale. Among ratings whose gold is High:

        ``missed_high``, ``missed_two_steps``
            Share rated lower, and lower by two steps or more (only on scales of three and more), of the priorities
            given. The interval is one-sided, from 0 to the upper bound of :func:`upper_bound`.
        ``unable_gold_high``, ``caught_high``
            Share of the *answers* that are "unable to rate", and that are High. An unrated High is not a caught High:
            caught, unable and missed make up all answers.

        Among all priorities given, with two-sided intervals over officers:

        ``false_high``
            Share rated High where the gold is not.
        ``sensitivity_high``, ``specificity_high``, ``ppv_high``, ``sensitivity_low``, ``specificity_low``, ``ppv_low``
            Of High against the rest, and of Low against the rest. A predictive value needs a cell whose gold varies,
            and moves with the share of such golds among the cases chosen.

    Raises
    ------
    ArgumentError
        When the study declares no gold standard, and for unknown columns.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26, 404-413. Korn & Graubard (1998), Survey Methodology 24, 193-201.
    """
    _needs_gold(study)
    level = check_confidence(confidence_level)
    rows: list[Row] = []
    for cell in cells(study, by):
        if cell.scale is None:
            found = dict.fromkeys(_NAMES, undefined("mixed-scales", target="raters", n_ratings=len(cell.rows)))
        else:
            found = _of_cell(judged(study, cell.rows), len(cell.scale.categories) - 1, level, "rater" in by)
        rows += [Row(cell.group, name, estimate) for name, estimate in found.items()]
    notes = (
        f"The interval of a share of missed High priorities is one-sided: with {100 * level:g} % confidence the share is at most its upper limit.",
        "An officer who was unable to rate a High has not caught it; the share of those is shown beside.",
    )
    return Result("High priorities missed", tuple(by), tuple(rows), notes, instrument=study.instrument, names=study.case_titles,
                  synthetic=study.synthetic)


_NAMES = ("missed_high", "missed_two_steps", "unable_gold_high", "caught_high", "false_high", "sensitivity_high", "specificity_high",
          "ppv_high", "sensitivity_low", "specificity_low", "ppv_low")


def _of_cell(j: Judged, top: int, level: float, alone: bool) -> dict[str, Estimate]:
    """All rates of one cell whose factors share a scale of ``top`` + 1 categories."""
    answered, given = j.code != NOT_GIVEN, j.given
    high, low = j.gold == top, j.gold == 0
    rated_high, rated_low = j.code == top, j.code == 0

    def rate(hit: Mask, base: Mask, *empty: str) -> Estimate:
        return share(hit[base], j.rater[base], level, alone) if base.any() else _empty(j, level, *empty)

    def miss(steps: int) -> Estimate:
        base = given & high
        if not base.any():
            return _empty(j, level, *_why(high, "no-gold-high"))
        sums = per_rater(j.rater[base], j.code[base] <= top - steps, np.ones(int(base.sum())))
        return upper_bound(*sums, level, independent=alone)

    def predictive(rated: Mask, gold: Mask, none: str, every: str) -> Estimate:
        known = gold[given]
        fixed = () if not len(known) else (none,) if not known.any() else (every,) if known.all() else ()
        return _empty(j, level, *fixed) if fixed else rate(gold, given & rated, "unused-category")

    found = {"missed_high": miss(1)} | ({"missed_two_steps": miss(2)} if top >= 2 else {})
    return found | {
        "unable_gold_high": rate(j.code == UNABLE, answered & high, *_why(high, "no-gold-high")),
        "caught_high": rate(rated_high, answered & high, *_why(high, "no-gold-high")),
        "false_high": rate(rated_high, given & ~high, *_why(~high, "impossible-over")),
        "sensitivity_high": rate(rated_high, given & high, *_why(high, "no-gold-high")),
        "specificity_high": rate(~rated_high, given & ~high, *_why(~high, "impossible-over")),
        "ppv_high": predictive(rated_high, high, "no-gold-high", "impossible-over"),
        "sensitivity_low": rate(rated_low, given & low, *_why(low, "no-gold-low")),
        "specificity_low": rate(~rated_low, given & ~low, *_why(~low, "impossible-under")),
        "ppv_low": predictive(rated_low, low, "no-gold-low", "impossible-under"),
    }


def _why(gold: Mask, absent: str) -> tuple[str, ...]:
    """Why a base is empty: the gold standard has none of the kind, or nobody gave a priority there."""
    return ("no-ratings",) if gold.any() else (absent,)


def _empty(j: Judged, level: float, *flags: str) -> Estimate:
    reasons = flags if len(j.gold) and j.given.any() else ("no-ratings",) if len(j.gold) else ("no-gold",)
    return undefined(*reasons, target="raters", confidence_level=level)


def upper_bound(misses: npt.ArrayLike, totals: npt.ArrayLike, confidence_level: float = 0.95, *, independent: bool = False) -> Estimate:
    """A share of misses with a one-sided upper bound: the interval from 0 to the bound.

    Parameters
    ----------
    misses, totals : (R,) per officer; officers with a total of 0 do not count
    confidence_level : float
        One-sided.
    independent : bool
        Whether the ratings count as independent although an officer gave several: for statements about that officer.

    Returns
    -------
    Estimate
        ``ci_low`` is 0. Where each officer gave one rating, or ``independent``, the bound is Clopper and Pearson's: at
        0 of n misses 1 - (1 - level)^(1/n), about 3/n. Otherwise, with at least 5 misses and 5 ratings that are none,
        it is the upper end of the cluster logit-t interval (:func:`arms_irr.statistics.proportions.clustered`). With
        fewer (flag "interval-fallback") it is Clopper and Pearson's on the effective number of ratings
        m / deff (z / t)^2 of Korn and Graubard (1998); a handful of misses cannot show whether they go together within
        officers, so ``deff`` is never below that of a correlation of 0.1 (a convention of ours, on the safe side).
        Several ratings of one officer say nothing about others: flag "one-rater", no bound. No ratings: ``nan``.
    """
    level = check_confidence(confidence_level)
    y, m = np.asarray(misses, dtype=np.float64), np.asarray(totals, dtype=np.float64)
    found = clustered(y, m, level)
    n, k = float(m.sum()), float(y.sum())
    if not found.estimable:
        return found
    p, df = k / n, found.n_raters - 1
    bounded = replace(found, ci_low=0.0, flags=())
    if independent or m.max() == 1:
        bounded = replace(bounded, n_ratings=round(n), parts={}, se=math.sqrt(p * (1 - p) / n), df=math.nan)
        of = {"n_raters": 1, "target": "subjects"} if independent else {}
        return replace(bounded, ci_high=_exact(k, n, level), method="Clopper-Pearson, one-sided upper bound", **of)
    if df == 0:
        return found
    t = float(stdtrit(df, level))
    if "interval-fallback" not in found.flags:
        high = float(expit(logit(p) + t * found.se / (p * (1 - p))))
        return replace(bounded, ci_high=high, method="cluster logit-t, one-sided upper bound")
    least = 1 + (float(m @ m) / n - 1) * _ICC
    deff = max(least, found.parts["deff"] if 0 < p < 1 else 1.0)
    effective = n / deff * (float(ndtri(level)) / t) ** 2
    return replace(bounded, ci_high=_exact(p * effective, effective, level), parts={**found.parts, "deff_used": deff},
                   flags=("interval-fallback",), method="Clopper-Pearson on effective n, one-sided upper bound")


def _exact(k: float, n: float, level: float) -> float:
    return 1.0 if k >= n else float(betaincinv(k + 1, n - k, level))


# --- what errors cost -------------------------------------------------------------------------------------


def cost_curve(
    study: Study, by: Sequence[str] = ("kind", "risk_band"), *, ratios: Sequence[float] = (1, 2, 3, 5, 10), confidence_level: float = 0.95
) -> Result:
    """Expected cost of a rating against the gold standard when a step too low costs more than a step too high.

    At ratio r, a step below the gold costs 2r / (1 + r) and a step above it 2 / (1 + r): one step down and one step up
    together cost 2 at every r, so the curve stays on the scale of steps. At r = 1 it is the mean absolute error in
    steps; for large r it comes near twice the mean number of steps below. Agreement weights stay symmetric: this is
    a cost, no coefficient.

    Parameters
    ----------
    study : Study
    by : sequence of str
        Grouping columns, such as ``["factor"]``.
    ratios : sequence of float
        Positive; how many times as much a step too low costs.
    confidence_level : float

    Returns
    -------
    Result
        Row ``expected_cost`` per cell and ratio (column ``ratio``), in steps per priority given, with an interval over
        officers. ``parts``: ``under_steps`` and ``over_steps``, the mean steps below and above, and ``best_constant``,
        what the cheapest answer that ignores the case would have cost.

    Raises
    ------
    ArgumentError
        Without a gold standard, for unknown columns, and for ratios that are not positive numbers.
    """
    _needs_gold(study)
    grid = _ratios(ratios)
    rows: list[Row] = []
    for cell in cells(study, by):
        q = len(cell.scale.categories) if cell.scale is not None else 0
        j = judged(study, cell.rows)
        for ratio in grid:
            group = {**cell.group, "ratio": f"{ratio:g}"}
            rows.append(Row(group, "expected_cost", _cost(j, q, ratio, confidence_level, "rater" in by)))
    notes = ("A step below the gold standard costs the ratio times a step above it; one step of each together cost 2.",
             "Ratings 'unable to rate' have no cost here; their share is shown elsewhere.")
    return Result("Expected cost of a rating", (*by, "ratio"), tuple(rows), notes, synthetic=study.synthetic)


def _cost(j: Judged, q: int, ratio: float, level: float, alone: bool) -> Estimate:
    if q == 0:
        return undefined("mixed-scales", target="raters")
    if not j.given.any():
        return undefined("no-ratings" if len(j.gold) else "no-gold", target="raters")
    code, gold = j.code[j.given], j.gold[j.given]
    cost, ones = _price(code - gold, ratio), np.ones(len(code))
    constant = min(float(_price(k - gold, ratio).mean()) for k in range(q))
    parts = {"under_steps": float(np.maximum(gold - code, 0).mean()), "over_steps": float(np.maximum(code - gold, 0).mean()),
             "best_constant": constant}
    sums = (cost, ones) if alone else per_rater(j.rater[j.given], cost, ones)
    found = replace(clustered_mean(*sums, level), parts=parts)
    return replace(found, n_raters=1, target="subjects", method="t interval over the officer's own ratings") if alone else found


def _price(error: npt.NDArray[np.integer], ratio: float) -> Floats:
    """The cost of an error in steps (negative: too low)."""
    return np.where(error < 0, -2 * ratio * error, 2 * error) / (1 + ratio)


def cost_order(
    study: Study, by: Sequence[str] = ("kind", "risk_band"), *, ratios: Sequence[float] = (1, 2, 3, 5, 10), confidence_level: float = 0.95
) -> Result:
    """Which cells cost more than which, and whether that holds at every ratio of the grid.

    The difference of two expected costs (:func:`cost_curve`) is a straight line in r / (1 + r), so an order that holds
    at the smallest and the largest ratio holds at every ratio between them.

    Returns
    -------
    Result
        For each pair of cells on one scale (columns ``first`` and ``second``) and each ratio, ``cost_difference``: the first's cost
        minus the second's, in steps, with an interval over officers that keeps both cells of an officer together.
        ``parts``: ``holds``, 1 where the sign is the same at all ratios; ``turns_at``, the ratio at which the sign
        turns (``nan`` where it does not turn within the grid). The notes name the pairs. Each interval stands for
        itself: nothing is adjusted for the number of pairs.

    Raises
    ------
    ArgumentError
        As :func:`cost_curve`; also when ``by`` holds ``rater``, because officers are not ranked.
    """
    _needs_gold(study)
    grid = _ratios(ratios)
    if "rater" in by:
        raise ArgumentError("by= holds 'rater': two vignettes cannot rank officers. Compare factors, kinds, cases or bands.")
    steps = {}
    for cell in cells(study, by):
        j = judged(study, cell.rows)
        if cell.scale is not None and j.given.any():
            steps[", ".join(cell.group.values())] = cell.scale, _steps(study, j)
    rows: list[Row] = []
    notes = []
    for (first, (scale, a)), (second, (other, b)) in combinations(steps.items(), 2):
        if scale != other:  # a step of one scale is no step of another
            continue
        found = [_difference(a, b, ratio, confidence_level) for ratio in grid]
        holds, turn = _turn(a, b, [e.value for e in found])
        notes.append(_in_words(first, second, found, holds, turn, grid))
        for ratio, e in zip(grid, found, strict=True):
            group = {"first": first, "second": second, "ratio": f"{ratio:g}"}
            rows.append(Row(group, "cost_difference", replace(e, parts={"holds": float(holds), "turns_at": turn})))
    return Result("Where errors cost more, by how much a step too low costs", ("first", "second", "ratio"), tuple(rows), tuple(notes),
                  synthetic=study.synthetic)


def _steps(study: Study, j: Judged) -> Floats:
    """(3, R) for every officer of the study: steps below the gold, steps above it, and priorities given."""
    error, rater, officers = (j.code - j.gold)[j.given], j.rater[j.given], len(study.raters)
    return np.stack([np.bincount(rater, w, officers) for w in (np.maximum(-error, 0), np.maximum(error, 0), np.ones(len(error)))])


def _difference(a: Floats, b: Floats, ratio: float, level: float) -> Estimate:
    """Difference of two means of cost; linearised variance over officers, R - 1 degrees of freedom."""
    taking_part = (a[2] + b[2]) > 0
    means, influence = [], np.zeros(int(taking_part.sum()))
    for sign, cell in ((1, a[:, taking_part]), (-1, b[:, taking_part])):
        cost, m = 2 * (ratio * cell[0] + cell[1]) / (1 + ratio), cell[2]
        means.append(cost.sum() / m.sum())
        influence += sign * (cost - means[-1] * m) / m.sum()
    raters = len(influence)
    found = Estimate(float(means[0] - means[1]), confidence_level=check_confidence(level), target="raters", n_raters=raters,
                     n_ratings=int(a[2].sum() + b[2].sum()), method="cluster t")
    if raters == 1:
        return found.flagged("one-rater")
    influence[np.abs(influence) < 1e-14 * max(1.0, *map(abs, means))] = 0.0
    se = math.sqrt(raters / (raters - 1) * float(influence @ influence))
    if se == 0:
        return replace(found, se=0.0).flagged("zero-se")
    half = float(stdtrit(raters - 1, (1 + level) / 2)) * se
    return replace(found, se=se, df=raters - 1, ci_low=found.value - half, ci_high=found.value + half)


def _turn(a: Floats, b: Floats, values: Sequence[float]) -> tuple[bool, float]:
    """Whether the sign is the same at both ends of the grid; else the ratio at which the difference is 0."""
    ends = np.sign([values[0], values[-1]])
    if ends[0] == ends[1] or 0 in ends:
        return bool(ends[0] == ends[1]), math.nan
    under, over = ((a[i].sum() / a[2].sum() - b[i].sum() / b[2].sum()) for i in (0, 1))
    return False, float(-over / under)


def _in_words(first: str, second: str, found: Sequence[Estimate], holds: bool, turn: float, grid: Sequence[float]) -> str:
    if not holds:
        where = "" if math.isnan(turn) else f" It turns at a ratio of {turn:.2f}."
        return f"{first} and {second}: which costs more depends on the ratio.{where}"
    if found[0].value == 0:
        return f"{first} and {second}: the same cost at every ratio from {grid[0]:g} to {grid[-1]:g}."
    more, less = (first, second) if found[0].value > 0 else (second, first)
    clear = all(e.ci_low > 0 or e.ci_high < 0 for e in found)
    where = f"at every ratio from {grid[0]:g} to {grid[-1]:g}"
    if clear:
        return f"{more} costs more than {less} {where}, and every interval excludes 0."
    return f"{more} cost more than {less} in these ratings {where}, but not every interval excludes 0: other officers may differ."


def _ratios(ratios: Sequence[float]) -> list[float]:
    values = sorted(set(map(float, ratios)))
    if not values or not all(math.isfinite(v) and v > 0 for v in values):
        raise ArgumentError(f"ratios {list(ratios)!r}: give positive numbers, for example (1, 2, 3, 5, 10).")
    return values


def _needs_gold(study: Study) -> None:
    if not study.has_gold:
        raise ArgumentError('this study declares that it has no gold standard (gold = "none"): a missed High needs one')
