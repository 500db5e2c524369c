"""Is the gold standard itself in doubt? Cells to look at again, its panel's own agreement, and what its doubt costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import expit, logit, stdtrit

from arms_irr.analysis.consistency import between_raters
from arms_irr.analysis.design import FEW
from arms_irr.analysis.pool import Floats, Ints, subjects
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN
from arms_irr.statistics.dawid_skene import dawid_skene
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.proportions import clustered
from arms_irr.study.count import Cell, cells, per_rater, tally
from arms_irr.study.ratings import Ratings
from arms_irr.study.study import Study

__all__ = ["consensus", "gold_panel_agreement", "gold_review", "uncertain_gold"]

REVIEW = 0.6  # share of officers in another category from which the gold standard is looked at again


def gold_review(study: Study, *, confidence_level: float = 0.95) -> Result:
    """Every factor of every case: what most officers chose beside the gold standard.

    Returns
    -------
    Result
        By case, factor, ``gold`` and ``modal`` (the category most officers chose, all of them where several tie):
        ``modal_share``, with an interval over officers, and ``gold_minus_median``, the gold standard minus the
        officers' median in steps. The flag ``gold-review`` marks both where the mode is another category than the
        gold standard and holds 60 % or more of at least 5 ratings. Officers may all be wrong: the list says where
        to look, not who is right.

    Raises
    ------
    ArgumentError
        Without a gold standard.
    """
    level, golds = check_confidence(confidence_level), _gold(study)
    rows = []
    for cell in cells(study, ("case", "factor")):
        assert cell.scale is not None
        first = cell.rows[0]
        gold = int(golds[study.ratings.case[first], study.ratings.factor[first]])
        if gold < 0:
            continue
        rows += _reviewed(study, cell, gold, level)
    marked = sum("gold-review" in row.estimate.flags for row in rows) // 2
    notes = (f"{marked} of {len(rows) // 2} gold ratings are marked for review. Most officers may be wrong: the list says where to look, "
             "not who is right.",)
    return Result("Where do most officers differ from the gold standard?", ("case", "factor", "gold", "modal"), tuple(rows), notes,
                  names=study.case_titles, instrument=study.instrument, synthetic=study.synthetic)


def _gold(study: Study) -> np.ndarray:
    if study.gold is None:
        raise ArgumentError('this study declares that it has no gold standard (gold = "none")')
    return study.gold


def _reviewed(study: Study, cell: Cell, gold: int, level: float) -> list[Row]:
    assert cell.scale is not None
    rows = cell.rows[study.ratings.code[cell.rows] >= 0]
    code, rater = study.ratings.code[rows].astype(np.int64), study.ratings.rater[rows]
    counts = np.bincount(code, minlength=len(cell.scale.categories))
    modes = np.flatnonzero(counts == counts.max()) if len(rows) else np.arange(0)
    group = {**cell.group, "gold": cell.scale.label(gold), "modal": " / ".join(cell.scale.label(int(k)) for k in modes)}
    size = {"n_subjects": 1, "n_raters": len(np.unique(rater)), "n_ratings": len(rows), "confidence_level": level, "target": "raters"}
    if not len(rows):
        return [Row(group, name, undefined("no-ratings", **size)) for name in ("modal_share", "gold_minus_median")]
    share = clustered(*per_rater(rater, code == modes[0], np.ones(len(rows))), level)
    flags = ("gold-review",) if modes[0] != gold and len(modes) == 1 and share.value >= REVIEW and len(rows) >= FEW else ()
    shift = Estimate(gold - float(np.median(code)), method="gold standard minus median", flags=flags, **size)
    return [Row(group, "modal_share", replace(share, n_subjects=1).flagged(*flags)), Row(group, "gold_minus_median", shift)]


# --- the panel --------------------------------------------------------------------------------------------


def _by(study: Study, by: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(by) if by is not None else ("kind", "risk_band") if study.bands else ("kind",)


def _panel(study: Study) -> tuple[tuple[str, ...], np.ndarray]:
    if not study.gold_panel:
        raise ArgumentError("the gold standard has one source; name the members of its panel in a column 'source' of the gold ratings")
    return tuple(study.gold_panel), np.stack(list(study.gold_panel.values()))


def gold_panel_agreement(study: Study, by: Sequence[str] | None = None, **options: object) -> Result:
    """How far the members of the gold panel agree with each other: :func:`between_raters` with them as the raters.

    ``by`` is kind and risk band unless given; ``options`` are those of
    :func:`arms_irr.analysis.consistency.between_raters`.

    Raises
    ------
    ArgumentError
        Where the gold standard has a single source.
    """
    members, given = _panel(study)
    member, case, factor = np.nonzero(given != NOT_GIVEN)
    ratings = Ratings(member.astype(np.int32), case.astype(np.int32), factor.astype(np.int32), given[member, case, factor],
                      np.ones(len(member), np.int16), np.full(len(member), NOT_GIVEN, np.int8))
    panel = replace(study, raters=members, ratings=ratings, rater_attributes={}, gold_panel={})
    found = between_raters(panel, _by(study, by), **options)  # type: ignore[arg-type]
    return replace(found, question="Agreement between the members of the gold panel")


def uncertain_gold(
    study: Study, by: Sequence[str] | None = None, *, seed: int = 1, replicates: int = 1000, confidence_level: float = 0.95
) -> Result:
    """Exact agreement when any one member of the panel might have given the gold standard.

    Each replicate takes, for every case, one member at random as the gold standard, with all the member's ratings
    of that case. The variance is the mean variance over officers plus the variance between replicates (Rubin
    1987), so the interval holds both doubts. One member's word is less than a consensus of several: the value is a
    lower reading of the agreement, not a correction of it.

    Parameters
    ----------
    by : sequence of str, optional
        Kind and risk band unless given.
    seed, replicates : int

    Returns
    -------
    Result
        ``exact_uncertain_gold``: mean share over the replicates, logit-t interval with R - 1 degrees of freedom.
        ``parts``: ``consensus``, the share with the gold standard itself; ``se_officers``; ``sd_gold``, the
        standard deviation between replicates; ``lowest`` and ``highest`` replicate.

    Raises
    ------
    ArgumentError
        Without a gold standard and where it has a single source.
    """
    level, golds = check_confidence(confidence_level), _gold(study)
    _, given = _panel(study)
    rng = np.random.default_rng(seed)
    members = np.argsort(rng.random((replicates, len(study.cases), len(given))) + 2 * ~(given >= 0).any(axis=2).T, axis=2)[:, :, 0]
    rows = [Row(cell.group, "exact_uncertain_gold", _uncertain(study, cell, golds, given, members, level))
            for cell in cells(study, _by(study, by))]
    notes = (f"Each of {replicates} replicates takes one member of the panel of {len(given)} at random as the gold standard of a case.",)
    return Result("Agreement with an uncertain gold standard", _by(study, by), tuple(rows), notes, seed, synthetic=study.synthetic)


def _uncertain(study: Study, cell: Cell, golds: np.ndarray, given: np.ndarray, members: Ints, level: float) -> Estimate:
    size = {"confidence_level": level, "target": "raters", "method": "gold drawn from the panel, clustered by officer"}
    if cell.scale is None:
        return undefined("mixed-scales", **size)
    r, rows = study.ratings, cell.rows[study.ratings.code[cell.rows] >= 0]
    raters, rater = (u.ravel() for u in np.unique(r.rater[rows], return_inverse=True))
    cases, case = (u.ravel() for u in np.unique(r.case[rows], return_inverse=True))
    key, shape = case * len(raters) + rater, (len(cases), len(raters))

    def sums(gold: np.ndarray) -> tuple[Floats, Floats]:
        answer = gold[r.case[rows], r.factor[rows]]
        return tuple(np.bincount(key, w.astype(float), math.prod(shape)).reshape(shape)
                     for w in (r.code[rows] == answer, answer >= 0))  # type: ignore[return-value]

    hits, bases = (np.stack(x) for x in zip(*(sums(member) for member in given), strict=True))  # (members, cases, raters)
    y, n = np.zeros((2, len(members), len(raters)))
    for c, position in enumerate(cases):
        y += hits[members[:, position], c]
        n += bases[members[:, position], c]
    total = n.sum(axis=1)
    if not len(rows) or not total.all():
        return undefined("no-gold" if len(rows) else "no-ratings", **size)
    size |= {"n_subjects": len(subjects(study, cell)[0]), "n_raters": len(raters), "n_ratings": len(rows)}
    p = y.sum(axis=1) / total
    value, sd = float(p.mean()), float(p.std(ddof=1)) if len(p) > 1 else 0.0
    own_hits, own_base = sums(golds)
    parts = {"consensus": float(own_hits.sum() / own_base.sum()) if own_base.sum() else math.nan, "sd_gold": sd,
             "lowest": float(p.min()), "highest": float(p.max())}
    if len(raters) < 2:
        return Estimate(value, parts=parts, flags=("one-rater",), **size)
    factor = len(raters) / (len(raters) - 1)
    within = float((factor * ((y - p[:, None] * n) ** 2).sum(axis=1) / total**2).mean())
    parts["se_officers"] = math.sqrt(within)
    se = math.sqrt(within + (1 + 1 / len(p)) * sd**2)
    if not 0 < value < 1 or se == 0:
        return Estimate(value, se=se, parts=parts, flags=("share-at-end",), **size)
    reach = float(stdtrit(len(raters) - 1, (1 + level) / 2)) * se / (value * (1 - value))
    return Estimate(value, se, float(expit(logit(value) - reach)), float(expit(logit(value) + reach)), df=len(raters) - 1,
                    parts=parts, **size)


# --- without the gold standard ----------------------------------------------------------------------------


def consensus(study: Study) -> Result:
    """A gold standard from the officers alone, beside the gold standard: a check, never a replacement.

    Latent classes with ordered confusion matrices (:func:`arms_irr.statistics.dawid_skene.dawid_skene`) over all
    risk and protective factors. Officers' errors count as independent given the true category, so a bias that they
    share goes into the consensus, with posteriors near 1.

    Returns
    -------
    Result
        By case, factor, ``gold`` and ``consensus``: ``gold_probability``, the model's probability that the true
        category is the gold standard's (``parts``: of each category). By case, and over all cases:
        ``consensus_agreement``, the share of factors where the two are the same. All flagged ``model-based``.

    Raises
    ------
    ArgumentError
        Without a gold standard.
    """
    golds = _gold(study)
    by = ("case", "factor", "gold", "consensus")
    question = "Does a consensus of the officers agree with the gold standard? (sensitivity only)"
    found = cells(study, ())
    if not found or found[0].scale is None:
        return Result(question, by, (), ("The factors do not share a scale.",) if found else (), synthetic=study.synthetic)
    scale, counted = found[0].scale, tally(study, found[0])
    assert counted.codes is not None
    case, factor = subjects(study, found[0])
    fit = dawid_skene(counted.codes, len(scale.categories))
    gold = golds[case, factor]
    best = fit.posterior.argmax(axis=1)
    rated = counted.raters_per_unit
    flags = ("model-based",) if fit.converged else ("model-based", "not-converged")
    rows = []
    for u in np.flatnonzero(gold >= 0):
        group = {"case": study.cases[case[u]], "factor": study.instrument.factors[factor[u]].id,
                 "gold": scale.label(int(gold[u])), "consensus": scale.label(int(best[u]))}
        parts = {f"probability_{k}": float(p) for k, p in enumerate(fit.posterior[u])}
        rows.append(Row(group, "gold_probability", Estimate(float(fit.posterior[u, gold[u]]), method="latent classes, ordered confusion",
                                                            n_subjects=1, n_raters=int(rated[u]), n_ratings=int(rated[u]), parts=parts,
                                                            flags=flags)))
    known = gold >= 0
    for name, chosen in [*((study.cases[c], known & (case == c)) for c in np.unique(case)), ("", known)]:
        size = {"n_subjects": int(chosen.sum()), "n_raters": counted.n_raters, "n_ratings": int(rated[chosen].sum())}
        same = Estimate(float((best == gold)[chosen].mean()), flags=flags, **size) if chosen.any() else undefined("no-gold")
        rows.append(Row({"case": name, "factor": "", "gold": "", "consensus": ""}, "consensus_agreement", same))
    notes = ("Sensitivity only: the model takes officers' errors as independent, so a bias that officers share becomes its consensus.",)
    return Result(question, by, tuple(rows), notes, names=study.case_titles, synthetic=study.synthetic)
