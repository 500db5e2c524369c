"""Do two groups of officers differ: is one less consistent, or are both consistent and consistently different?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from arms_irr.analysis.contrasts import compared, site_flags, site_notes
from arms_irr.analysis.levels import codes_of, sides
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.group_agreement import NAMES, group_agreement
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.count import Cell, cells
from arms_irr.study.study import Study

__all__ = ["between_agencies"]


def between_agencies(
    study: Study, attribute: str = "agency", by: Sequence[str] = ("case",), *, levels: Sequence[str] | None = None,
    weights: str = "identity", confidence_level: float = 0.95, replicates: int = 1999, seed: int = 1,
) -> Result:
    """Pairwise agreement within each of two groups of officers and between them, and the shift of their ratings.

    Parameters
    ----------
    study : Study
    attribute : str
        Of the officers.
    by : sequence of str
        Grouping columns of the table.
    levels : two str, optional
        The two groups; by default the two largest.
    weights : str
        Agreement weights: ``identity`` counts equal ratings, ``quadratic`` near ones in part.

    Returns
    -------
    Result
        In each cell, under the column ``group``: ``agreement_within`` of each group, ``agreement_between`` (an officer
        of each), the ``difference`` of the two within (is one less consistent?), ``agreement_gap`` (mean within less
        between: are they consistently different?), and with a gold standard the mean signed error of each group and
        its ``difference_in_steps`` (does one rate higher?). ``p`` by exchange of the officers' labels.

    Raises
    ------
    ArgumentError
        For an attribute that is not of the officers or has a single value, and for unknown columns.
    """
    if attribute not in study.rater_attributes or attribute in study.case_attributes:
        raise ArgumentError(f"{attribute!r} is no attribute of the officers. This study has: {', '.join(study.rater_attributes) or 'none'}.")
    two = sides(study, attribute, levels)
    held = np.array(study.rater_attributes[attribute])
    rows: list[Row] = []
    for cell in cells(study, by):
        kept = cell.rows[np.isin(held, two.levels)[study.ratings.rater[cell.rows]]]
        found = _agreement(study, replace(cell, rows=kept), held, two.levels, weights, confidence_level, replicates, seed)
        found[3:] = [one.flagged(*site_flags(study, two)) for one in found[3:]]
        labels = (*two.levels, f"{two.levels[0]} and {two.levels[1]}", two.words, "within less between")
        names = ("agreement_within", "agreement_within", "agreement_between", "difference", "agreement_gap")
        rows += [Row({**cell.group, "group": label}, name, one) for label, name, one in zip(labels, names, found, strict=True)]
        if study.has_gold:
            parts = tuple(replace(cell, rows=kept[held[study.ratings.rater[kept]] == level]) for level in two.levels)
            shift = compared(study, replace(two, cells=parts), "mean_signed_error", None, None, confidence_level, seed)
            rows += [Row({**cell.group, "group": row["level"]}, row.coefficient, row.estimate) for row in shift]
    notes = (*two.notes, "Pairs of officers are compared on the same case and factor. If officers of one group agree less with each other than "
             "those of the other, it is less consistent; if pairs from both groups agree less than pairs within them, the groups are "
             "consistently different.", *site_notes(study, two))
    return Result(f"Agreement within and between {two.levels[0]} and {two.levels[1]}", (*by, "group"), tuple(rows), notes, seed,
                  names=study.case_titles, synthetic=study.synthetic)


def _agreement(
    study: Study, cell: Cell, held: np.ndarray, levels: tuple[str, str], weights: str, level: float, replicates: int, seed: int
) -> list[Estimate]:
    if cell.scale is None:
        return [undefined("mixed-scales", target="raters")] * len(NAMES)
    if not len(cell.rows):
        return [undefined("no-ratings", target="raters")] * len(NAMES)
    [codes] = codes_of(study, [cell])
    w = agreement_weights(weights, np.array(cell.scale.scores, dtype=np.float64))
    found = group_agreement(codes, held == levels[1], w, confidence_level=level, replicates=replicates, seed=seed)
    return [replace(found[name], weights=weights) for name in NAMES]
