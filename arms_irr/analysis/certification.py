"""May this person be certified? A rule applied to each officer, with what it can and cannot tell."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arms_irr.analysis.raters import EVERYONE
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.planning.certification import DECISIONS, Rule, course, load_rule
from arms_irr.statistics.certification import (
    beta_nodes,
    consistency,
    lower_bound,
    nested_correlations,
    upper_bound,
)
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.study.count import cells, labels
from arms_irr.study.study import Study

__all__ = ["Counts", "certify", "characteristics", "counts", "decisions", "rating_correlations", "rule_of"]

SHARES = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
RuleSource = Rule | Mapping[str, Any] | str | Path | None


@dataclass(frozen=True, eq=False)
class Counts:
    """What the rule looks at: R officers, q categories; and the single ratings behind it.

    ``given, exact, linear, high, missed, cases``: (R,); ``gold``: (R, q) gold standards of each category among the
    priorities given. ``officer, case, factor, hit``: (n,), one priority each, in the order of the ratings table.
    """

    given: np.ndarray
    exact: np.ndarray
    linear: np.ndarray
    high: np.ndarray
    missed: np.ndarray
    cases: np.ndarray
    gold: np.ndarray
    officer: np.ndarray
    case: np.ndarray
    factor: np.ndarray
    hit: np.ndarray
    categories: tuple[str, ...]


def rule_of(study: Study, rule: RuleSource = None) -> Rule:
    """The rule given; else the one in the table ``[certification]`` of the study's study.toml; else the shipped one."""
    own = dict(study.files).get("study")
    if rule is None and own is not None:
        table = tomllib.loads(own.read_text("utf-8-sig")).get("certification")
        return load_rule(own if table is not None else None)
    return load_rule(rule)


def counts(study: Study, occasion: str | None = None) -> Counts:
    """The priorities given that have a gold standard, counted by officer.

    Factors of kind overall and static do not count. Of several occasions the last, unless one is named.

    Raises
    ------
    ArgumentError
        Without a gold standard, for an unknown occasion, and where factors of different scales would be pooled.
    """
    if not study.has_gold:
        raise ArgumentError('certification needs a gold standard and this study declares that it has none (gold = "none")')
    known = labels(study, "occasion")
    if occasion is not None and str(occasion) not in known:
        raise ArgumentError(f"there is no occasion {occasion!r} here. Occasions: {', '.join(known) or 'none'}.")
    found = {cell.group["occasion"]: cell for cell in cells(study, ["occasion"])}
    cell = found.get(str(occasion) if occasion is not None else known[-1] if known else "")
    if cell is not None and cell.scale is None:
        raise ArgumentError("the factors of this study have different scales and cannot be pooled in one rule of certification")
    ratings, raters = study.ratings, len(study.raters)
    rows = cell.rows if cell is not None else np.arange(0)
    assert study.gold is not None
    gold = study.gold[ratings.case[rows], ratings.factor[rows]].astype(np.int64)
    used = (gold >= 0) & (ratings.code[rows] >= 0)
    rows, gold = rows[used], gold[used]
    code, who, case = ratings.code[rows].astype(np.int64), ratings.rater[rows].astype(np.int64), ratings.case[rows].astype(np.int64)
    names = cell.scale.categories if cell is not None and cell.scale is not None else ()
    q = len(names)
    top = gold == q - 1
    pairs = np.unique(who * max(len(study.cases), 1) + case)

    def of(values: np.ndarray) -> np.ndarray:
        return np.bincount(who, values, minlength=raters)

    by_gold = np.bincount(who * max(q, 1) + gold, minlength=raters * max(q, 1)).reshape(raters, max(q, 1))
    return Counts(
        np.bincount(who, minlength=raters), of(code == gold).astype(np.int64), of(1 - abs(code - gold) / max(q - 1, 1)),
        of(top).astype(np.int64), of(top & (code < gold)).astype(np.int64),
        np.bincount(pairs // max(len(study.cases), 1), minlength=raters), by_gold, who, case,
        ratings.factor[rows].astype(np.int64), (code == gold).astype(np.float64), names)


def decisions(found: Counts, rule: Rule) -> tuple[np.ndarray, list[str]]:
    """For each officer the position of the decision in ``DECISIONS``, and the reason in words."""
    n, x = found.given, found.exact
    lower, upper = lower_bound(x, n, rule.alpha), upper_bound(x, n, rule.beta)
    missed_low, missed_high = lower_bound(found.missed, found.high, rule.alpha), upper_bound(found.missed, found.high, rule.alpha)
    with np.errstate(invalid="ignore"):
        enough = (n > 0) & (x >= rule.exact_share * n - 1e-9) & (lower > rule.p0)
        linear = found.linear >= rule.linear_share * n - 1e-9
    lacking = (found.cases < rule.minimum_cases) | (found.gold.min(axis=1) < rule.minimum_gold)
    catches, misses = missed_high <= rule.missed_high, missed_low > rule.missed_high
    refer = ~lacking & (misses | (upper < rule.exact_share))
    passes = ~lacking & enough & catches & linear & ~misses
    decision = np.where(passes, 0, np.where(refer, 2, 1))
    reasons = []
    for j in range(len(n)):
        if lacking[j]:
            reasons.append(_lacking(found, j, rule))
            continue
        said = [f"{x[j]} of {n[j]} as the gold standard"]
        if not enough[j]:
            said.append(f"agreement can be told to lie below {100 * rule.exact_share:g} %" if upper[j] < rule.exact_share else
                        f"fewer than {100 * rule.exact_share:g} %" if x[j] < rule.exact_share * n[j] else f"too few to tell from {100 * rule.p0:g} %")
        if misses[j]:
            said.append(f"{found.missed[j]} of {found.high[j]} highest priorities missed, more than the limit allows")
        elif not catches[j]:
            said.append(f"{found.missed[j]} of {found.high[j]} highest priorities missed: it cannot be told that at most "
                        f"{100 * rule.missed_high:g} % are")
        if not linear[j]:
            said.append(f"weighted agreement below {100 * rule.linear_share:g} %")
        reasons.append("; ".join(said))
    return decision, reasons


def _lacking(found: Counts, j: int, rule: Rule) -> str:
    if not found.given[j]:
        return "gave no priority that has a gold standard"
    said = []
    rated = int(found.cases[j])
    if rated < rule.minimum_cases:
        said.append(f"rated {rated} case{'s' * (rated != 1)}, the rule asks for {rule.minimum_cases}")
    said += [f"{count} gold standard{'s' * (count != 1)} {name}, the rule asks for {rule.minimum_gold}"
             for name, count in zip(found.categories, found.gold[j].tolist(), strict=True) if count < rule.minimum_gold]
    return "; ".join(said)


def certify(study: Study, rule: RuleSource = None, *, occasion: str | None = None) -> Result:
    """For each officer: pass, more cases needed, or refer for coaching, with the reason.

    Parameters
    ----------
    study : Study
    rule : Rule, mapping or path, optional
        See :func:`arms_irr.planning.certification.load_rule`; by default the table ``[certification]`` of the study's
        study.toml, else the shipped rule.
    occasion : str, optional
        The last by default.

    Returns
    -------
    Result
        By ``rater``, ``decision`` and ``reason``, in the order of the raters' table, never by result. Each officer's
        ``exact``, its interval the two one-sided Clopper-Pearson bounds of the rule (lower at alpha, upper at beta;
        ``parts``: ``cases``, ``passes_from``, ``refers_to``, the counts at this number of priorities), and
        ``missed_high`` (both bounds at alpha). For all officers the number under each decision (``officers``), and
        ``decision_consistency``, the probability of the same decision on a parallel set (``expected``: by chance;
        ``parts``: ``rho``, ``true_share_sd``): officers' true shares follow a beta distribution with the moments of
        these officers, and only the agreement with the gold standard is looked at.

    Raises
    ------
    ArgumentError
        Without a gold standard, for a rule that is none, and an unknown occasion.
    """
    chosen, found = rule_of(study, rule), counts(study, occasion)
    decision, reasons = decisions(found, chosen)
    n = found.given
    exact = _bounded(found.exact, n, chosen.alpha, chosen.beta)
    missed = _bounded(found.missed, found.high, chosen.alpha, chosen.alpha, "no-gold-high")
    marks = {int(m): chosen.limits(int(m)) for m in np.unique(n)}
    rows = []
    for j, name in enumerate(study.raters):
        group = {"rater": name, "decision": DECISIONS[decision[j]], "reason": reasons[j]}
        passes, refers = marks[int(n[j])]
        exact[j].parts.update(cases=float(found.cases[j]), passes_from=float(passes), refers_to=float(refers))
        rows += [Row(group, "exact", exact[j]), Row(group, "missed_high", missed[j])]
    for k, name in enumerate(DECISIONS):
        many = Estimate(float((decision == k).sum()), method="count", n_raters=len(study.raters), n_ratings=int(n.sum()))
        rows.append(Row({"rater": EVERYONE, "decision": name, "reason": ""}, "officers", many))
    rows.append(Row({"rater": EVERYONE, "decision": "", "reason": ""}, "decision_consistency", _consistency(found, chosen)))
    return Result(f"Who may be certified: {chosen.title}", ("rater", "decision", "reason"), tuple(rows), _notes(study, found, chosen),
                  names=study.case_titles, synthetic=study.synthetic)


def _bounded(x: np.ndarray, n: np.ndarray, below: float, above: float, empty: str = "no-ratings") -> list[Estimate]:
    method, level = "Clopper-Pearson, one-sided bounds", 1 - below - above
    values = zip(x.tolist(), n.tolist(), lower_bound(x, n, below).tolist(), upper_bound(x, n, above).tolist(), strict=True)
    return [Estimate(y / m, ci_low=low, ci_high=high, confidence_level=level, method=method, target="subjects", n_subjects=m, n_raters=1,
                     n_ratings=m) if m else undefined(empty, method=method, confidence_level=level) for y, m, low, high in values]


def _notes(study: Study, found: Counts, rule: Rule) -> tuple[str, ...]:
    most = int(found.cases.max(initial=0))
    said = [
        f"The rule passes an officer who agrees with the gold standard in at least {100 * rule.exact_share:g} % of the priorities given and can be "
        f"told from one of {100 * rule.p0:g} % (error {100 * rule.alpha:g} %), and who can be told to miss at most {100 * rule.missed_high:g} % of the "
        f"highest priorities. It refers for coaching where the agreement can be told to lie below {100 * rule.exact_share:g} % (error {100 * rule.beta:g} %), "
        "or the missed priorities above their limit.",
        "Officers stand in the order of the raters' table: this is no ranking.",
    ]
    if most < rule.minimum_cases:
        said.insert(0, f"Nobody can be certified from these ratings: no officer rated more than {most} case{'s' * (most != 1)}, and the rule asks "
                    f"for {rule.minimum_cases}. One story read in an unusual way would decide: more cases are needed for everyone.")
    said.append("Ratings of one case hang together, so the rule errs more often than with independent ratings: look at its characteristics first.")
    if len(np.unique(study.ratings.occasion)) > 1:
        said.append("The study has several occasions: one is judged here, the last unless another was asked for.")
    return tuple(said)


def rating_correlations(found: Counts) -> tuple[float, float, float]:
    """Correlation of one officer's agreements in one case, variance of true shares between officers, mean share."""
    cell = found.case * (int(found.factor.max(initial=0)) + 1) + found.factor
    return nested_correlations(found.hit, found.officer, found.case, cell)


def _plan(found: Counts, officers: np.ndarray) -> dict[tuple[int, ...], int]:
    """How many of these officers gave how many priorities in how many cases, spread evenly over the cases."""
    pairs, times = np.unique(np.stack([found.given[officers], found.cases[officers]], axis=1), axis=0, return_counts=True)
    plans: dict[tuple[int, ...], int] = {}
    for (n, c), many in zip(pairs.tolist(), times.tolist(), strict=True):
        plans[tuple((n + k) // c for k in range(c))] = many
    return plans


def _consistency(found: Counts, rule: Rule) -> Estimate:
    judged = (found.cases >= rule.minimum_cases) & (found.gold.min(axis=1) >= rule.minimum_gold) & (found.given > 0)
    size: dict[str, Any] = {"n_raters": int(judged.sum()), "n_ratings": int(found.given[judged].sum()), "method": "beta-binomial, parallel set"}
    if not judged.any():
        return undefined("below-minimum", **size)
    rho, between, mean = rating_correlations(found)
    correlation = min(max(rho, 0.0), 0.95) if not math.isnan(rho) else 0.0
    nodes = beta_nodes(mean, between if not math.isnan(between) else 0.0)
    same = chance = 0.0
    plans = _plan(found, judged)
    for plan, many in plans.items():
        table = np.array([rule.outcomes(plan, p, correlation) for p in np.unique(nodes).tolist()])
        one, by_chance = consistency(table)
        same, chance = same + many * one, chance + many * by_chance
    total = sum(plans.values())
    parts = {"rho": correlation, "true_share_sd": math.sqrt(max(between, 0.0)) if not math.isnan(between) else math.nan}
    return Estimate(same / total, expected=chance / total, parts=parts, **size)


def characteristics(
    study: Study | None = None, rule: RuleSource = None, *, cases: Sequence[int] = (2, 6, 8, 10, 15, 20), per_case: int | None = None,
    rho: float | None = None, shares: Sequence[float] = SHARES,
) -> Result:
    """What a rule does, before it is used: the probability of each decision for officers of known true share.

    Parameters
    ----------
    study : Study, optional
        Gives the ratings of a case and their correlation where they are not given.
    cases : sequence of int
        Numbers of cases.
    per_case : int, optional
        Priorities in a case; 12 without a study.
    rho : float, optional
        Correlation of two ratings of one officer in one case, beyond the officer's own level.

    Returns
    -------
    Result
        By ``test`` (a fixed set, or ratings judged as they come in, "sequential"), ``cases``, ``correlation`` (0: binomial)
        and ``true_share``: ``pass_probability``, ``more_probability``, ``refer_probability``; for the sequential test
        also ``ratings_expected``. Exact, so without intervals; by the agreement with the gold standard alone.
    """
    chosen = rule_of(study, rule) if study is not None else load_rule(rule)
    estimated = math.nan
    if study is not None:
        found = counts(study)
        estimated = rating_correlations(found)[0]
        if per_case is None and found.cases.sum():
            per_case = max(1, round(float(found.given.sum() / found.cases.sum())))
    size = 12 if per_case is None else per_case
    correlation = rho if rho is not None else min(max(estimated, 0.0), 0.95) if not math.isnan(estimated) else 0.0
    correlations = dict.fromkeys((0.0, correlation))
    rows = []
    for how in correlations:
        for c in cases:
            for p in shares:
                rows += _ends("fixed set", str(c), how, p, dict(zip(_ENDS, chosen.outcomes((size,) * c, p, how), strict=True)), c * size)
        for p in shares:
            ran = course(chosen, p, size, how)
            ends = dict(zip((*_ENDS, "ratings_expected"), (ran.passes, ran.undecided, ran.refers, ran.expected), strict=True))
            rows += _ends("sequential", "", how, p, ends, 0)
    notes = [f"Of {size} priorities in a case; no decision before {chosen.minimum_cases} cases. By agreement with the gold standard alone: the "
             "limit on missed High priorities can only make passing rarer.",
             f"True share: how often the officer would agree with the gold standard over very many cases. At {100 * chosen.p0:g} % nobody should "
             f"pass, at {100 * chosen.p1:g} % everybody."]
    if correlation:
        source = "given" if rho is not None else "estimated from the study"
        notes.append(f"Correlation {correlation:.3f} of an officer's agreements in one case, {source}: with it wrong decisions are more frequent "
                     "than the errors of the rule say.")
    elif rho is None:
        notes.append("No correlation of an officer's agreements within a case could be shown or estimated here: give one with rho, 0.05 say.")
    return Result(f"What the rule does: {chosen.title}", ("test", "cases", "correlation", "true_share"), tuple(rows), tuple(notes),
                  synthetic=study.synthetic if study is not None else False)


_ENDS = ("pass_probability", "more_probability", "refer_probability")


def _ends(test: str, cases: str, rho: float, p: float, values: Mapping[str, float], n: int) -> list[Row]:
    group = {"test": test, "cases": cases, "correlation": f"{rho:.3g}", "true_share": f"{p:g}"}
    return [Row(group, name, Estimate(value, method="exact", n_ratings=n)) for name, value in values.items()]
