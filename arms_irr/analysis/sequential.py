"""Is the question settled yet? Wald's sequential test of each officer, one rating after another."""

from __future__ import annotations

import numpy as np

from arms_irr.analysis.certification import Counts, RuleSource, counts, rule_of
from arms_irr.analysis.result import Result, Row
from arms_irr.planning.certification import DECISIONS, Rule
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.study.study import Study

__all__ = ["sequential_test"]


def sequential_test(study: Study, rule: RuleSource = None, *, occasion: str | None = None) -> Result:
    """How far each officer's agreements lie from the lines at which the rule's sequential test decides.

    Ratings are taken in the order of the study's cases. Nothing is decided before an officer has completed the cases and
    met the gold standards that the rule asks for; the test looks at agreement with the gold standard only.

    Parameters
    ----------
    As for :func:`arms_irr.analysis.certification.certify`.

    Returns
    -------
    Result
        By ``rater`` and ``decision``: ``sequential_score``, agreements less slope x ratings when the test ended.
        ``parts``: ``pass_line`` and ``refer_line``, at which it ends, and ``ended_after``, the ratings it took; 0 while
        more cases are needed.
    """
    chosen, found = rule_of(study, rule), counts(study, occasion)
    test = chosen.test
    decision, after, score = _run(found, chosen)
    rows = []
    for j, name in enumerate(study.raters):
        n = int(found.given[j])
        parts = {"pass_line": test.accept, "refer_line": -test.reject, "ended_after": float(after[j])}
        one = Estimate(float(score[j]), method="Wald's sequential test", target="subjects", n_raters=1, n_subjects=n, n_ratings=n,
                       parts=parts) if n else undefined("no-ratings")
        rows.append(Row({"rater": name, "decision": DECISIONS[decision[j]]}, "sequential_score", one))
    notes = (
        f"The test ends with a pass when the agreements exceed {test.slope:.3f} x ratings by {test.accept:.2f}, and with a referral when they fall "
        f"short of it by {test.reject:.2f} (Wald 1945; passing at {100 * chosen.p0:g} % at most {100 * chosen.alpha:g} %, referring at "
        f"{100 * chosen.p1:g} % at most {100 * chosen.beta:g} % of the time, about).",
        f"Nothing is decided before {chosen.minimum_cases} cases and {chosen.minimum_gold} gold standards of each category, nor is the limit on missed "
        "High priorities looked at here.",
    )
    return Result(f"Settled yet? {chosen.title}", ("rater", "decision"), tuple(rows), notes, names=study.case_titles, synthetic=study.synthetic)


def _run(found: Counts, rule: Rule) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per officer: position in ``DECISIONS``, ratings until the test ended (0: not yet), and the score then or now."""
    raters, n = len(found.given), len(found.officer)
    decision, after, score = np.ones(raters, dtype=np.int64), np.zeros(raters, dtype=np.int64), np.zeros(raters)
    if not n:
        return decision, after, score
    order = np.lexsort((found.factor, found.case, found.officer))
    officer, case, hit = (values[order] for values in (found.officer, found.case, found.hit))
    start = np.searchsorted(officer, officer)  # where the officer's ratings begin
    m = np.arange(n) - start + 1
    hits = np.cumsum(hit)
    x = hits - hits[start] + hit[start]
    new = (m == 1) | np.concatenate([[True], case[1:] != case[:-1]])
    ended = np.concatenate([new[1:], [True]])
    done = np.cumsum(new)
    complete = done - done[start] + ended  # cases completed so far
    path = x - rule.test.slope * m
    over = np.where(path >= rule.test.accept, 0, np.where(path <= -rule.test.reject, 2, 1))
    met = (found.gold.min(axis=1) >= rule.minimum_gold)[officer]
    decides = (complete >= rule.minimum_cases) & (over != 1) & met & (m <= rule.most_ratings)
    last = np.searchsorted(officer, np.arange(raters), side="right") - 1
    rated = found.given > 0
    score[rated] = path[last[rated]]
    who, first = np.unique(officer[decides], return_index=True)
    at = np.flatnonzero(decides)[first]
    decision[who], after[who], score[who] = over[at], m[at], path[at]
    return decision, after, score
