"""Do the conclusions hold whatever choices the analyst makes? One grid of them, and what survives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.consistency import ORDINAL_METRIC
from arms_irr.analysis.design import crossed, verdict
from arms_irr.analysis.ratability import block_weights
from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.reversal import reversal_screen
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics import jackknife
from arms_irr.statistics.agreement import COEFFICIENTS, KRIPPENDORFF_ORDINAL, Coefficient, View, coefficient
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.proportions import clustered
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import Floats, agreement_weights
from arms_irr.study.count import NOT_RECORDED, Cell, cells, decisions, per_rater, tally
from arms_irr.study.ratings import Ratings
from arms_irr.study.study import Study

__all__ = ["CHOICES", "EVERYONE", "sensitivity"]

CHOICES = ("statistic", "weights", "unable", "officers", "gold")
EXCLUDED, DISAGREEMENT, URGENCY, DECISION = "left out", "disagreement", "urgency used", "a category of its own"
EVERYONE, GIVEN, MODAL, NO_GOLD = "everyone", "as given", "officers' mode", "not used"
_AGAINST = ("exact", "adjacent")
_BETWEEN = ("percent", "gwet", "brennan_prediger", "krippendorff")  # and a kappa
_FEW_RATED = 0.5  # an officer who gave less than this share of the priorities asked for
_MANY = 500  # with more officers no single one moves a coefficient, and officers are left out by groups
_GROUPS = 100


@dataclass(frozen=True)
class Variant:
    """The study after some choices, and their names."""

    study: Study
    unable: str
    officers: str
    gold: str


def sensitivity(study: Study, *, weights: Sequence[str] = ("identity", "linear", "quadratic"), confidence_level: float = 0.95) -> Result:
    """The headline numbers under every combination of the choices an analyst makes.

    Choices, the first of each being the one made elsewhere in this package:

    ``statistic`` and ``weights``
        Against the gold standard ``exact`` and ``adjacent``, without weights. Between officers percent agreement, Gwet's
        AC, Brennan-Prediger, Krippendorff's alpha and Conger's kappa (Fleiss' where officers differ by subject), each
        with every one of ``weights``; alpha with its ordinal metric too.
    ``unable``
        "Unable to rate" is *left out*; *urgency used*: replaced by its urgency where one is recorded; counted as a
        *disagreement* with the gold standard (between officers there is no such reading); *a category of its own*, the
        whole decision (between officers; against the gold standard where a gold rating is "unable to rate").
    ``officers``
        *Everyone*; without those who gave fewer than half of the priorities asked for; without those whose
        protective ratings fit the reversed gold standard; without the one officer whose leaving out moves AC2 most.
        A rule that leaves nobody out, or fewer than three in, is dropped.
    ``gold``
        *As given*; the *officers' mode*, which flatters agreement because it is made of the same ratings (ties go to the
        gold standard as given where it is among them, otherwise to the lower category); each member of the gold panel.

    Returns
    -------
    Result
        By ``risk_band``, ``kind``, ``factor``, ``unable``, ``officers`` and ``gold``. Rows with a band carry intervals
        over officers; rows by kind (over all cases) and by factor carry values only. What the design cannot carry is
        suppressed, as everywhere; a kappa-type coefficient is therefore absent by factor below 5 cases.
        With more than 500 officers the coefficients between them carry a standard error (jackknife over 100 groups of
        officers) and no interval. :func:`arms_irr.analysis.conclusions.conclusions` reads the grid.
    """
    check_confidence(confidence_level)
    groupings: list[tuple[str, ...]] = [("kind",), ("factor",)]
    if study.bands:
        groupings.insert(0, ("risk_band",))
    rows: list[Row] = []
    out, notes = _without(study)
    names = (*_BETWEEN, "conger" if crossed(study) else "fleiss")
    for variant in _between_variants(study, out):
        for by in groupings:
            for cell in _level(variant.study, by):
                rows += _between(variant, cell, by, names, weights, confidence_level)
    golds = {} if study.gold is None else _golds(study)
    if study.gold is not None and MODAL not in golds:
        notes.append("The officers' mode is the gold standard everywhere, or nobody gave a priority: it is no choice here.")
    for variant in _gold_variants(study, out, golds):
        for by in groupings:
            for cell in _level(variant.study, by):
                rows += _against(variant, cell, by, confidence_level)
    if not study.has_gold:
        notes.append("Without a gold standard the grid holds agreement between officers only.")
    by_columns = ("risk_band", "kind", "factor", "unable", "officers", "gold")
    return Result("The headline numbers under other choices", by_columns, tuple(rows), tuple(notes), synthetic=study.synthetic)


def _level(study: Study, by: Sequence[str]) -> list[Cell]:
    """Cells of rated factors; the overall priority, a scale of its own, is no part of the conclusions."""
    return [cell for cell in cells(study, by)
            if cell.scale is not None and cell.kinds not in (("overall",), ("static",)) and NOT_RECORDED not in cell.group.values()]


# --- the choices ------------------------------------------------------------------------------------------


def _only(study: Study, keep: npt.NDArray[np.bool_], code: npt.NDArray[np.integer] | None = None) -> Study:
    """The study with some of its ratings, and other codes."""
    r = study.ratings
    code = r.code if code is None else code
    columns = (r.rater, r.case, r.factor, code, r.occasion, r.urgency)
    return replace(study, ratings=Ratings(*(column[keep] for column in columns)))


def _with_urgency(study: Study) -> Study:
    r = study.ratings
    code = np.where((r.code == UNABLE) & (r.urgency >= 0), r.urgency, r.code)
    return _only(study, np.ones(len(code), dtype=bool), code)


def _without(study: Study) -> tuple[dict[str, npt.NDArray[np.bool_]], list[str]]:
    """Which ratings each rule about officers keeps, and who was left out."""
    r, n = study.ratings, len(study.raters)
    given, asked = np.bincount(r.rater[r.code >= 0], minlength=n), np.bincount(r.rater, minlength=n)
    found = {"without officers with few ratings": np.flatnonzero((asked > 0) & (given < _FEW_RATED * asked))}
    found["without officers who reverse protective factors"] = _reversed(study)
    found["without the most influential officer"] = _influential(study)
    kept = {EVERYONE: np.ones(len(r), dtype=bool)}
    notes = []
    for rule, officers in found.items():
        if len(officers) and np.count_nonzero(given) - len(officers) >= 3:
            kept[rule] = ~np.isin(r.rater, officers)
            who = ", ".join(study.raters[i] for i in officers[:5]) + (f" and {len(officers) - 5} more" if len(officers) > 5 else "")
            notes.append(f"{rule.capitalize()}: {who}.")
        else:
            notes.append(f"{rule.capitalize()}: the rule leaves out nobody, or too many, and is not part of the grid.")
    return kept, notes


def _reversed(study: Study) -> npt.NDArray[np.integer]:
    if not study.has_gold:
        return np.zeros(0, dtype=np.int64)
    flagged = {row["rater"] for row in reversal_screen(study) if "reversed" in row.estimate.flags}
    return np.array([i for i, name in enumerate(study.raters) if name in flagged], dtype=np.int64)


def _influential(study: Study) -> npt.NDArray[np.integer]:
    """The officer whose leaving out moves quadratically weighted AC2 over all cases and factors most."""
    whole = [cell for cell in cells(study, []) if cell.scale is not None]
    if not whole or not 3 < len(study.raters) <= _MANY:
        return np.zeros(0, dtype=np.int64)
    counted = tally(study, whole[0])
    if counted.n_raters < 4:
        return np.zeros(0, dtype=np.int64)
    w, row = agreement_weights("quadratic", counted.scores), coefficient("gwet")
    moved = np.abs(jackknife.without_each_rater(row, counted, w) - row.value(View.whole(counted), w))
    if np.isnan(moved).any() or moved.max() < 1e-12:
        return np.zeros(0, dtype=np.int64)
    ratings = study.ratings
    giving = np.unique(ratings.rater[whole[0].rows][ratings.code[whole[0].rows] >= 0])
    return giving[[int(np.argmax(moved))]]


def _between_variants(study: Study, out: Mapping[str, npt.NDArray[np.bool_]]) -> Iterator[Variant]:
    urgent = _with_urgency(study)
    for officers, keep in out.items():
        yield Variant(_only(study, keep), EXCLUDED, officers, NO_GOLD)
        if (study.ratings.code[keep] == UNABLE).any():
            if (urgent.ratings.code != study.ratings.code)[keep].any():
                yield Variant(_only(urgent, keep), URGENCY, officers, NO_GOLD)
            yield Variant(_only(study, keep), DECISION, officers, NO_GOLD)


def _gold_variants(
    study: Study, out: Mapping[str, npt.NDArray[np.bool_]], golds: Mapping[str, npt.NDArray[np.integer]]
) -> Iterator[Variant]:
    urgent = _with_urgency(study)
    for gold, codes in golds.items():
        for officers, keep in out.items():
            one = replace(_only(study, keep), gold=codes)
            yield Variant(one, EXCLUDED, officers, gold)
            if (study.ratings.code[keep] == UNABLE).any():
                if (urgent.ratings.code != study.ratings.code)[keep].any():
                    yield Variant(replace(_only(urgent, keep), gold=codes), URGENCY, officers, gold)
                yield Variant(one, DISAGREEMENT, officers, gold)
                if (codes == UNABLE).any():
                    yield Variant(one, DECISION, officers, gold)


def _golds(study: Study) -> dict[str, npt.NDArray[np.integer]]:
    """The gold standards to judge by; one that is the same as another is left out."""
    assert study.gold is not None
    found = {GIVEN: study.gold, MODAL: _mode(study), **{f"panel member {name}": codes for name, codes in study.gold_panel.items()}}
    different: dict[str, npt.NDArray[np.integer]] = {}
    for name, codes in found.items():
        if (codes >= 0).any() and not any(np.array_equal(codes, other) for other in different.values()):
            different[name] = codes
    return different


def _mode(study: Study) -> npt.NDArray[np.integer]:
    """(cases, factors) the priority that most officers gave; ``NOT_GIVEN`` where nobody gave one."""
    assert study.gold is not None
    r, shape = study.ratings, study.gold.shape
    given = r.code >= 0
    q = int(r.code.max(initial=0)) + 1
    place = (r.case[given].astype(np.int64) * shape[1] + r.factor[given]) * q + r.code[given]
    counts = np.bincount(place, minlength=shape[0] * shape[1] * q).reshape(*shape, q) * 2
    known = (study.gold >= 0) & (study.gold < q)
    case, factor = np.nonzero(known)
    counts[case, factor, study.gold[known]] += 1  # breaks ties, and nothing else: counts are doubled
    return np.where(counts.max(axis=2) > 1, counts.argmax(axis=2), NOT_GIVEN).astype(np.int8)


# --- the numbers ------------------------------------------------------------------------------------------


def _group(variant: Variant, cell: Cell) -> dict[str, str]:
    return {"risk_band": "", "kind": "", "factor": "", **cell.group, "unable": variant.unable, "officers": variant.officers, "gold": variant.gold}


def _between(variant: Variant, cell: Cell, by: Sequence[str], names: Sequence[str], weights: Sequence[str], level: float) -> Iterator[Row]:
    """Every coefficient with every weights."""
    assert cell.scale is not None
    whole = variant.unable == DECISION
    counted = (decisions if whole else tally)(variant.study, cell)
    groups = _grouped(counted) if "risk_band" in by and counted.n_raters > _MANY else None
    for name, how in _asked(names, cell.scale.level == "nominal", whole, weights):
        row = KRIPPENDORFF_ORDINAL if how == ORDINAL_METRIC else COEFFICIENTS[name]
        judged = verdict(cell, counted.n_units, counted.n_raters, row.needs_variation)
        if judged.status == "not identified":
            yield Row(_group(variant, cell), name, undefined(*judged.flags, weights=how, target="raters"))
            continue
        w = agreement_weights("identity" if how == ORDINAL_METRIC else how, np.array(cell.scale.scores))
        w = block_weights(w) if whole else w  # two who were unable to rate agree, one beside a priority does not
        size = {"n_subjects": counted.n_units, "n_raters": counted.n_raters, "n_ratings": counted.n_ratings, "weights": how, "target": "raters"}
        if groups is not None:
            found = _by_groups(row, counted, groups, w, size)
        elif "risk_band" in by:
            found = estimate(row, counted, w, target="raters", confidence_level=level, weights=how)
            if "zero-se" in found.flags:  # an interval without width would be read as certainty
                found = replace(found, ci_low=math.nan, ci_high=math.nan)
        else:
            found = _known(row, float(row.value(View.whole(counted), w)), size)
        yield Row(_group(variant, cell), name, found)


def _asked(names: Sequence[str], nominal: bool, whole: bool, weights: Iterable[str]) -> Iterator[tuple[str, str]]:
    spread = ("identity",) if nominal else tuple(weights)
    for name in names:
        yield from ((name, how) for how in spread)
    if not nominal and not whole:
        yield "krippendorff", ORDINAL_METRIC


def _known(row: Coefficient, value: float, size: Mapping[str, Any]) -> Estimate:
    return undefined("one-category", **size) if math.isnan(value) else Estimate(value, method=f"{row.title}, value only", **size)


def _grouped(counted: Tally) -> View:
    """The tally without each of 100 groups of officers, who are dealt out in their order."""
    assert counted.codes is not None
    member = (np.arange(counted.n_raters) % _GROUPS)[:, None] == np.arange(_GROUPS)
    without = [counted.counts[:, k] - ((counted.codes == k) @ member.astype(np.float64)).T for k in range(counted.counts.shape[1])]
    return View(counted, np.stack(without, axis=2), counted.weight, 1.0 - member.T)


def _by_groups(row: Coefficient, counted: Tally, groups: View, w: Floats, size: Mapping[str, Any]) -> Estimate:
    """Value, and its standard error from leaving out groups of officers, where one by one would take minutes.

    The delete-a-group jackknife estimates the variance of the delete-one jackknife, with 99 degrees of freedom (Kott
    2001, J Off Stat 17:521-526).
    """
    found, left_out = _known(row, float(row.value(View.whole(counted), w)), size), row.value(groups, w)
    if not found.estimable or np.isnan(left_out).any():
        return found
    method = f"{row.title}, jackknife over {_GROUPS} groups of officers"
    return replace(found, se=math.sqrt(jackknife.variance(left_out)), df=_GROUPS - 1.0, method=method)


def _against(variant: Variant, cell: Cell, by: Sequence[str], level: float) -> Iterator[Row]:
    """Same priority as the gold standard, and at most one step away."""
    study, ratings = variant.study, variant.study.ratings
    assert study.gold is not None
    code = ratings.code[cell.rows].astype(np.int64)
    gold = study.gold[ratings.case[cell.rows], ratings.factor[cell.rows]].astype(np.int64)
    base = (gold >= 0) | ((gold == UNABLE) & (variant.unable == DECISION))
    base &= code != NOT_GIVEN if variant.unable in (DISAGREEMENT, DECISION) else code >= 0
    rater, code, gold = ratings.rater[cell.rows][base], code[base], gold[base]
    for name in _AGAINST:
        near = (code >= 0) & (gold >= 0) & (np.abs(code - gold) <= 1)
        hit = (code == gold) if name == "exact" else near | (code == gold)
        found = clustered(*per_rater(rater, hit, np.ones(len(hit))), level) if len(hit) else undefined("no-ratings", target="raters")
        if "risk_band" not in by:
            found = replace(found, se=math.nan, ci_low=math.nan, ci_high=math.nan, df=math.nan)
        yield Row(_group(variant, cell), name, found)
