"""Did the officers change from one occasion to another: better, or only more or less severe?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        "rates better". Notes say whether the cases were the same, and how officers of both occasions began.
    """
    two = sides(study, "occasion", levels, within)
    asked = [contrast(study, "occasion", levels=two.levels, within=within, statistic=name, confidence_level=confidence_level, seed=seed)
             for name in ("exact", "mean_signed_error")]
    change = asked[0].rows[-1].estimate
    notes = [*asked[0].notes, *_occasion_notes(study, two)]
    if change.estimable and "officers_more" in change.parts:
        counts = [f"{change.parts[f'officers_{way}']:.0f} {word}" for way, word in
                  (("more", "agreed more often with the gold standard than before"), ("equal", "as often"), ("less", "less often"))]
        notes.insert(0, f"Of {change.n_raters} officers, {', '.join(counts)}.")
    rows = tuple(row for result in asked for row in result.rows)
    return Result("Change from one occasion to another", asked[0].by, rows, tuple(notes), seed, names=study.case_titles,
                  synthetic=study.synthetic)


def _occasion_notes(study: Study, two: Sides) -> list[str]:
    ratings = study.ratings
    later, earlier = (set(np.unique(ratings.case[cell.rows]).tolist()) for cell in two.cells)
    found = []
    if later & earlier:
        found.append("Some cases were rated on both occasions: officers may have remembered them.")
    if later ^ earlier:
        found.append("Some cases were rated on one occasion only: unless half the officers had each case first, the change cannot be "
                     "told from a difference in difficulty.")
    sums, totals, flags = per_officer(study, two.cells, "exact")
    again, first = totals.min(axis=1) > 0, totals[:, 1] > 0
    if not flags and again.any() and again.sum() < first.sum():
        share = [sums[who, 1].sum() / totals[who, 1].sum() for who in (again, first & ~again)]
        found.append(f"{again.sum()} of the {first.sum()} officers of the first occasion rated again. They had agreed with the gold "
                     f"standard in {100 * share[0]:.0f} % of their ratings then, the others in {100 * share[1]:.0f} %. Officers chosen "
                     "because they agreed little improve by chance alone (regression to the mean).")
    return found
