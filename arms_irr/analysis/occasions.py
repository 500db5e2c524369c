"""Did the officers change from one occasion to another: better, or only more or less severe?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from arms_irr.analysis.contrasts import contrast
from arms_irr.analysis.levels import Sides, per_officer, sides
from arms_irr.analysis.result import Result
from arms_irr.study.study import Study

__all__ = ["before_after"]


def before_after(
    study: Study, *, levels: Sequence[str] | None = None, within: Mapping[str, str] | None = None, confidence_level: float = 0.95,
    seed: int = 1,
) -> Result:
    """Did the officers change from one occasion to another, after training say?

    Parameters
    ----------
    levels : two str, optional
        The later occasion and the earlier one; by default the last and the first.

    Returns
    -------
    Result
        For ``exact`` agreement with the gold standard and for ``mean_signed_error``: both occasions and the change
        (later less earlier), over the officers of both; of ``exact`` ``officers_more, officers_equal, officers_less``
        are those improved, unchanged and worse. A change of the signed error tells "rates higher than before" from
        "rates better". ``parts`` of the first change also hold ``cases_again`` and ``cases_once``, the cases that an
        officer rated on both occasions and those rated on one only; and where not all officers rated again ``officers_first``, those of the first
        occasion, ``start_again`` and ``start_left``, their agreement then of those who rated again and of those who did not.
    """
    two = sides(study, "occasion", levels, within)
    asked = [contrast(study, "occasion", levels=two.levels, within=within, statistic=name, confidence_level=confidence_level, seed=seed)
             for name in ("exact", "mean_signed_error")]
    change = asked[0].rows[-1].estimate
    found = _about(study, two)
    change = replace(change, parts={**change.parts, **found})
    notes = [*asked[0].notes, *_occasion_notes(found)]
    if change.estimable and "officers_more" in change.parts:
        counts = [f"{change.parts[f'officers_{way}']:.0f} {word}" for way, word in
                  (("more", "agreed more often with the gold standard than before"), ("equal", "as often"), ("less", "less often"))]
        notes.insert(0, f"Of {change.n_raters} officers, {', '.join(counts)}.")
    rows = (*asked[0].rows[:2], replace(asked[0].rows[2], estimate=change), *asked[1].rows)
    return Result("Change from one occasion to another", asked[0].by, rows, tuple(notes), seed, names=study.case_titles,
                  synthetic=study.synthetic)


def _about(study: Study, two: Sides) -> dict[str, float]:
    """Which cases came again, and how the officers who rated again began."""
    ratings = study.ratings
    later, earlier = (set(np.unique(ratings.case[cell.rows]).tolist()) for cell in two.cells)
    pairs = [ratings.rater[cell.rows].astype(np.int64) * len(study.cases) + ratings.case[cell.rows] for cell in two.cells]
    again_by = np.unique(np.intersect1d(*pairs) % len(study.cases))  # parallel vignettes in both orders are nobody's second time
    found = {"cases_again": float(len(again_by)), "cases_once": float(len(later ^ earlier))}
    sums, totals, flags = per_officer(study, two.cells, "exact")
    again, first = totals.min(axis=1) > 0, totals[:, 1] > 0
    if not flags and again.any() and again.sum() < first.sum():
        start = [float(sums[who, 1].sum() / totals[who, 1].sum()) for who in (again, first & ~again)]
        found |= {"officers_first": float(first.sum()), "officers_again": float(again.sum()), "start_again": start[0],
                  "start_left": start[1]}
    return found


def _occasion_notes(about: Mapping[str, float]) -> list[str]:
    found = []
    if about["cases_again"]:
        found.append("Officers rated some cases on both occasions: they may have remembered them.")
    if about["cases_once"]:
        found.append("Some cases were rated on one occasion only: unless half the officers had each case first, the change cannot be "
                     "told from a difference in difficulty.")
    if "start_again" in about:
        found.append(f"{about['officers_again']:.0f} of the {about['officers_first']:.0f} officers of the first occasion rated again. They had "
                     f"agreed with the gold standard in {100 * about['start_again']:.0f} % of their ratings then, the others in "
                     f"{100 * about['start_left']:.0f} %. Officers chosen because they agreed little improve by chance alone "
                     "(regression to the mean).")
    return found
