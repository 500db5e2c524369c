"""Did an officer read the scale of protective factors the wrong way round?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import bdtrc

from arms_irr.analysis.pool import Floats, Pool
from arms_irr.analysis.result import Result, Row
from arms_irr.statistics.accuracy import rank_correlation
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.proportions import clustered
from arms_irr.study.study import Study

__all__ = ["reversal_screen"]

EXCESS, CORRELATION = 3, -0.3
EVERYONE, OTHERS = "all officers", "without those flagged"


def reversal_screen(study: Study, *, confidence_level: float = 0.95) -> Result:
    """Officers whose protective ratings fit the reversed gold standard better, and what they do to the whole.

    Each rating on a protective factor is compared with the gold standard and with the gold standard turned round
    (Low for High). An officer is flagged ``reversed`` when the ratings agree with the reversed gold on 3 or more
    factors more than with the gold itself and the exact one-sided McNemar test of the two agreements has p < .05, or when
    Spearman's correlation with the gold is below -.3. With two cases the correlation rests on ten ratings or so:
    a flag is a question to the officer, not a finding.

    Returns
    -------
    Result
        By rater: ``reversal_excess``, agreements with the reversed gold minus agreements with the gold (``parts``:
        ``direct``, ``turned``, ``p`` and ``p_bh`` adjusted over officers by Benjamini & Hochberg 1995), and
        ``reversal_correlation``. For ``all officers`` and ``without those flagged``: ``exact``, ``one_step`` and
        ``two_step``, the shares of protective ratings at the gold, one step away and two steps or more (of the
        ratings that could be), with officers as clusters. More ratings two steps away than one is the mark of two
        readings of the scale.

    Raises
    ------
    ArgumentError
        Without a gold standard.
    """
    level = check_confidence(confidence_level)
    pool = Pool.of(study, "protective")
    if not pool.q:
        return Result(_QUESTION, ("rater",), (), ("There is no protective factor, or they do not share a scale.",), synthetic=study.synthetic)
    gold, code = np.indices((pool.q, pool.q))
    turned = code == pool.q - 1 - gold
    direct, reverse = (_count(pool.tables, hit) for hit in (code == gold, turned))
    only_direct, only_turned = (_count(pool.tables, hit) for hit in ((code == gold) & ~turned, turned & (code != gold)))
    p = _mcnemar(only_direct, only_turned)
    rho = rank_correlation(pool.tables)
    n = pool.tables.sum(axis=(1, 2))
    flagged = ((reverse - direct >= EXCESS) & (p < 0.05)) | (rho < CORRELATION)
    adjusted = np.full(len(p), np.nan)
    adjusted[n > 0] = _benjamini_hochberg(p[n > 0])
    rows = []
    for j, rater in enumerate(study.raters):
        size = {"n_ratings": int(n[j]), "n_raters": 1, "confidence_level": level, "target": "subjects",
                "flags": ("reversed",) if flagged[j] else ()}
        parts = {"direct": float(direct[j]), "turned": float(reverse[j]), "p": float(p[j]), "p_bh": float(adjusted[j])}
        rows.append(Row({"rater": rater}, "reversal_excess",
                        Estimate(float(reverse[j] - direct[j]), parts=parts, **size) if n[j] else undefined("no-ratings")))
        why = "no-ratings" if not n[j] else "constant-gold" if (pool.tables[j].sum(axis=1) > 0).sum() < 2 else "constant-rater"
        found = undefined(why, n_ratings=int(n[j])) if np.isnan(rho[j]) else Estimate(float(rho[j]), **size)
        rows.append(Row({"rater": rater}, "reversal_correlation", found))
    for who, kept in ((EVERYONE, np.ones(len(n), dtype=bool)), (OTHERS, ~flagged)):
        rows += [Row({"rater": who}, name, replace(found, confidence_level=level))
                 for name, found in _cohort(pool.tables[kept], gold, code, level).items()]
    return Result(_QUESTION, ("rater",), tuple(rows), _notes(rows, int(flagged.sum()), int((n > 0).sum())), synthetic=study.synthetic)


_QUESTION = "Were protective factors read the wrong way round?"


def _count(tables: Floats, hit: np.ndarray) -> Floats:
    return np.asarray((tables * hit).sum(axis=(1, 2)))


def _mcnemar(direct: Floats, turned: Floats) -> Floats:
    """Exact one-sided p that ``turned`` of the discordant ratings or more would be so by chance; 1 without any."""
    return np.where(turned > 0, bdtrc(np.maximum(turned - 1, 0), (direct + turned).astype(int), 0.5), 1.0)


def _benjamini_hochberg(p: Floats) -> Floats:
    """Adjusted p values (Benjamini & Hochberg 1995)."""
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    out = np.empty(len(p))
    out[order] = np.minimum(1, np.minimum.accumulate(scaled[::-1])[::-1])
    return out


def _cohort(tables: Floats, gold: np.ndarray, code: np.ndarray, level: float) -> dict[str, Estimate]:
    steps, top = abs(code - gold), len(gold) - 1
    room = np.maximum(gold, top - gold)
    return {name: clustered(_count(tables, hit & base), _count(tables, base), level) for name, hit, base in (
        ("exact", steps == 0, steps >= 0), ("one_step", steps == 1, steps >= 0), ("two_step", steps >= 2, room >= 2))}


def _notes(rows: list[Row], flagged: int, officers: int) -> tuple[str, ...]:
    found = {(row["rater"], row.coefficient): row.estimate.value for row in rows}
    notes = [f"{flagged} of {officers} officers with protective ratings are flagged; a flag is a question to the officer, not a finding."]
    if found[EVERYONE, "two_step"] > found[EVERYONE, "one_step"]:
        notes.append("More protective ratings lie two steps from the gold standard than one: as a group the officers read the scale in two ways.")
    return tuple(notes)
