"""Noise or two camps? Where officers disagree, do they scatter, or do they read the factor in two ways?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from arms_irr.analysis.feedback import latest
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.polarisation import agreement_a, unimodality_p
from arms_irr.statistics.tally import counts_of
from arms_irr.study.count import Cell, cells
from arms_irr.study.study import Study

__all__ = ["VERDICTS", "camps"]

FEWEST, LEAN, CAMP, ALPHA = 8, 0.6, 0.2, 0.05

# What each verdict means to whoever leads the discussion.
VERDICTS: dict[str, str] = {
    "unanimous": "all officers chose one category",
    "lean": f"at least {LEAN:.0%} chose one category and the rest do not form a second camp: the others may want an example",
    "scatter": "no category has a majority worth the name and no second camp stands apart: practice and examples help",
    "two camps": "two groups with few officers between them: agree on a rule for this factor; practice alone will not close the gap",
    "too few": f"fewer than {FEWEST} ratings: one camp or two cannot be told apart",
}


def camps(
    study: Study, by: Sequence[str] = ("factor", "case"), *, seed: int = 1, replicates: int = 2000, confidence_level: float = 0.95
) -> Result:
    """For each factor of each case: unanimous, leaning one way, scattered, or split into two camps.

    Two camps: the counts are better described with two modes than with one (likelihood ratio against the best
    single-moded distribution, parametric bootstrap, p < .05), and the smaller camp, what lies on its side of the
    lowest category between the two modes, holds a fifth of the ratings or more. Otherwise a category with 60 % or
    more is a lean, and anything else scatter: an even split over two neighbouring categories is scatter too. Cells
    are judged one by one; in many cells one in twenty true scatters would pass the test.

    Parameters
    ----------
    study : Study
    by : sequence of str
        ``factor`` and ``case``, and attributes of officers to look within groups. Where a case was rated on several
        occasions each officer's latest answer counts, unless ``occasion`` is named.
    seed, replicates : int
        Of the bootstrap.

    Returns
    -------
    Result
        By the columns and ``verdict``: ``agreement_a``, van der Eijk's (2001) agreement from -1 (half at each end)
        over 0 (all categories alike) to 1, jackknife over officers. ``parts``: ``modal_share``, ``camp_share`` (the
        smaller camp, 0 with one mode), ``p_two_camps`` and ``share_0`` ... per category, the lowest first.
        Scales of two categories have no middle and no verdict.
    """
    level = check_confidence(confidence_level)
    if not {"factor", "case"} <= set(by):
        raise ArgumentError("camps are looked for within a factor of a case; by= needs 'factor' and 'case'")
    study = study if "occasion" in by else latest(study)  # an officer has one voice
    found = cells(study, by)
    rows: list[Row | None] = [None] * len(found)
    for q in {len(cell.scale.categories) for cell in found if cell.scale}:
        which = [i for i, cell in enumerate(found) if cell.scale and len(cell.scale.categories) == q]
        counts = _counts(study, [found[i] for i in which], q)
        for i, row in zip(which, _rows([found[i] for i in which], counts, seed, replicates, level), strict=True):
            rows[i] = row
    notes = tuple(f"{name}: {meaning}." for name, meaning in VERDICTS.items() if any(r and r["verdict"] == name for r in rows))
    return Result("Noise or two camps?", (*by, "verdict"), tuple(r for r in rows if r), notes, seed, instrument=study.instrument,
                  names=study.case_titles, synthetic=study.synthetic)


def _counts(study: Study, group: Sequence[Cell], q: int) -> npt.NDArray[np.float64]:
    return np.concatenate([counts_of(study.ratings.code[cell.rows][None].astype(np.int64), q) for cell in group])


def _rows(
    group: Sequence[Cell], counts: npt.NDArray[np.float64], seed: int, replicates: int, level: float
) -> list[Row]:
    n, q = counts.sum(axis=1), counts.shape[1]
    a, se = _jackknifed(counts)
    half = stdtrit(np.maximum(n - 1, 1), (1 + level) / 2) * se
    p = unimodality_p(np.where((n >= FEWEST)[:, None], counts, 0), seed, replicates)
    modal, camp = counts.max(axis=1) / np.maximum(n, 1), _smaller_camp(counts)
    rows = []
    for i, cell in enumerate(group):
        size = {"n_subjects": 1, "n_raters": int(n[i]), "n_ratings": int(n[i]), "confidence_level": level, "target": "raters"}
        if n[i] == 0 or q < 3:
            rows.append(Row({**cell.group, "verdict": "too few" if n[i] == 0 else ""}, "agreement_a",
                            undefined("no-ratings" if n[i] == 0 else "no-middle", **size)))
            continue
        if n[i] < FEWEST:
            verdict = "too few"
        elif modal[i] == 1:
            verdict = "unanimous"
        elif p[i] < ALPHA and camp[i] >= CAMP:
            verdict = "two camps"
        else:
            verdict = "lean" if modal[i] >= LEAN else "scatter"
        parts = {"modal_share": float(modal[i]), "camp_share": float(camp[i]), "p_two_camps": float(p[i]) if n[i] >= FEWEST else np.nan}
        parts |= {f"share_{k}": float(counts[i, k] / n[i]) for k in range(q)}
        limits = {"ci_low": max(a[i] - half[i], -1.0), "ci_high": min(a[i] + half[i], 1.0), "df": n[i] - 1} if se[i] > 0 else {}
        flags = (("few-votes",) if n[i] < FEWEST else ()) + (("zero-se",) if se[i] == 0 else ())
        rows.append(Row({**cell.group, "verdict": verdict}, "agreement_a",
                        Estimate(float(a[i]), se=float(se[i]), method="jackknife over officers", parts=parts, flags=flags,
                                 **{k: float(v) for k, v in limits.items()}, **size)))
    return rows


def _jackknifed(counts: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A and its standard error; officers who chose one category are alike, so q values stand for all of them."""
    n, q = counts.sum(axis=1), counts.shape[1]
    without = agreement_a(np.maximum(counts[:, None, :] - np.eye(q), 0))
    centred = np.where(counts > 0, without - np.nansum(counts * without, axis=1, keepdims=True) / np.maximum(n, 1)[:, None], 0.0)
    se = np.sqrt((n - 1).clip(0) / np.maximum(n, 1) * (counts * np.nan_to_num(centred) ** 2).sum(axis=1))
    return agreement_a(counts), np.where(n > 1, np.where(se < 1e-12, 0.0, se), np.nan)


def _smaller_camp(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The largest share that a second camp can have: over every valley, the smaller side's ratings; 0 without a valley."""
    n, best = np.maximum(counts.sum(axis=1), 1), np.zeros(len(counts))
    for k in range(1, counts.shape[1] - 1):
        left, right = counts[:, :k], counts[:, k + 1:]
        valley = (left.max(axis=1) > counts[:, k]) & (right.max(axis=1) > counts[:, k])
        best = np.maximum(best, np.where(valley, np.minimum(left.sum(axis=1), right.sum(axis=1)) / n, 0))
    return best
