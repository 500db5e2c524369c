"""What follows from a rating: the level of risk management, and how often a person would be visited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.ratability import share
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN
from arms_irr.instruments.rules import LEVELS, combine, visit_interval_months
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.proportions import clustered_mean
from arms_irr.study.count import per_rater
from arms_irr.study.study import Study

__all__ = ["final_level", "visits"]

Ints = npt.NDArray[np.integer]
_MONTHS = 12  # in a year


@dataclass(frozen=True)
class _Levels:
    """One of the four levels for every officer and case: 0 (Low) to 3 (Very High), negative where there is none.

    ``case``, ``rater``, ``occasion`` and ``level`` have one element per rating; ``gold`` has one per case, and ``why``
    the flag for a case whose gold has none. ``basis`` says in words what the level is.
    """

    case: Ints
    rater: Ints
    occasion: Ints
    level: Ints
    gold: Ints
    why: tuple[str, ...]
    basis: str


def final_level(study: Study, *, confidence_level: float = 0.95) -> Result:
    """Agreement with the gold standard on the level of risk management that the overall priority and RM2000 imply.

    Each officer's overall priority and the case's RM2000 category (the officer's own where officers rated it) go
    through the combination table of the instrument file. The table is the user's: the guide that Kewley and Blandford
    (2017) mention is not available here, they prescribe no formula and let the assessor adjust or override it.

    Returns
    -------
    Result
        Per case ``final_level_exact``, ``final_level_lower`` and ``final_level_higher``: shares of officers whose level
        is the same as, below and above that of the gold standard. A case without an RM2000 category gets no value
        (flag "no-rm2000").

    Raises
    ------
    ArgumentError
        When there is no table, no overall priority, no RM2000 category or no gold standard; with the remedy.
    """
    levels = _combined(study)
    if not study.has_gold:
        raise ArgumentError('this study declares that it has no gold standard (gold = "none"), so there is no level to compare with')
    rows: list[Row] = []
    for c, case in enumerate(study.cases):
        mine = (levels.case == c) & (levels.level >= 0)
        level, rater, gold = levels.level[mine], levels.rater[mine], int(levels.gold[c])
        impossible = {"lower": ("impossible-under",) * (gold == 0), "higher": ("impossible-over",) * (gold == len(LEVELS.categories) - 1)}
        for name, hit in (("exact", level == gold), ("lower", level < gold), ("higher", level > gold)):
            why = (levels.why[c],) if gold < 0 else impossible.get(name, ())
            found = undefined(*why, target="raters", confidence_level=confidence_level) if why else share(hit, rater, confidence_level)
            rows.append(Row({"case": case}, f"final_level_{name}", replace(found, n_subjects=1)))
    notes = (f"The level is {levels.basis}. The table is a guide: an assessor may adjust or override it.",)
    return Result("Level of risk management that the ratings imply", ("case",), tuple(rows), notes, names=study.case_titles,
                  synthetic=study.synthetic)


def visits(study: Study, *, assume_overall: bool = False, confidence_level: float = 0.95) -> Result:
    """Visits per year that follow from each officer's rating, against those that follow from the gold standard.

    The interval between visits belongs to the RM2000 category or to a final level of risk management (ACPO 2010, as
    Kewley & Blandford 2017 quote it: Low 12 months, Medium 6, High 3, Very High 1), never to a factor. So it is applied
    to what officers rated, the first of: a factor ``final_level``; the level that the instrument's combination table
    gives; the RM2000 category.

    Parameters
    ----------
    study : Study
    assume_overall : bool
        Apply the intervals to the overall priority, as if it were the final level. An assumption, named in the notes.
    confidence_level : float

    Returns
    -------
    Result
        Per case, in visits per year: ``visits_gold``; ``visits_officers``, the mean over officers (``parts``: ``fewest``
        and ``most``); ``visits_difference``, officers less gold, with a t interval over officers; and ``fewer_visits``,
        the share of officers whose rating means fewer visits than the gold's. Without a gold standard only the second.

    Raises
    ------
    ArgumentError
        When officers rated none of these, and when the instrument has no schedule of visits.
    """
    levels = _assumed(study) if assume_overall else _rated_level(study)
    schedule = {label: visit_interval_months(study.instrument, label) for label in LEVELS.categories}
    yearly = np.array([_MONTHS / schedule[label] for label in LEVELS.categories])
    rows: list[Row] = []
    for c, case in enumerate(study.cases):
        mine = (levels.case == c) & (levels.level >= 0)
        found = _of_case(yearly, levels.level[mine], levels.rater[mine], int(levels.gold[c]), levels.why[c], confidence_level)
        rows += [Row({"case": case}, name, replace(e, n_subjects=1)) for name, e in found.items()]
    months = ", ".join(f"{label} {interval:g}" for label, interval in schedule.items())
    notes = [f"Longest interval between visits in months: {months}. Officers may visit more often.", f"The level is {levels.basis}."]
    if assume_overall:
        notes.append("Assumption: the overall priority stands in for the final level of risk management. The schedule is tied to that "
                     "level or to the RM2000 category, not to the overall priority.")
    return Result("Visits per year that the ratings imply", ("case",), tuple(rows), tuple(notes), names=study.case_titles,
                  synthetic=study.synthetic)


def _of_case(yearly: npt.NDArray[np.float64], level: Ints, rater: Ints, gold: int, why: str, confidence: float) -> dict[str, Estimate]:
    given = yearly[level]
    mean = clustered_mean(*per_rater(rater, given, np.ones(len(level))), confidence)
    if mean.estimable:
        mean = replace(mean, parts={"fewest": float(given.min()), "most": float(given.max())})
    if gold < 0:
        none = undefined(why, target="raters", confidence_level=confidence)
        return {"visits_gold": none, "visits_officers": mean, "visits_difference": none, "fewer_visits": none}
    by_gold = float(yearly[gold])
    difference = replace(mean, value=mean.value - by_gold, ci_low=mean.ci_low - by_gold, ci_high=mean.ci_high - by_gold, parts={})
    can_be_fewer = bool((yearly < by_gold).any())
    fewer = share(given < by_gold, rater, confidence) if can_be_fewer else undefined(
        "impossible-under", target="raters", confidence_level=confidence, n_raters=mean.n_raters, n_ratings=mean.n_ratings)
    return {"visits_gold": Estimate(by_gold, confidence_level=confidence, method="schedule of visits"), "visits_officers": mean,
            "visits_difference": difference, "fewer_visits": fewer}


# --- where the level comes from ---------------------------------------------------------------------------


def _rated_level(study: Study) -> _Levels:
    """The first of: a rated final level, the combination table's level, the rated RM2000 category."""
    final = _find(study, lambda f: f.id == "final_level")
    if final is not None:
        return _of_factor(study, final, "the final level of risk management that the officers gave")
    if study.instrument.rules.get("combination") and _overall(study) is not None and _has_rm2000(study):
        return _combined(study)
    category = _rm2000_factor(study)
    if category is not None:
        return _of_factor(study, category, "the RM2000 category that the officers gave")
    raise ArgumentError(
        "visits follow from an RM2000 category or a final level of risk management, and officers rated neither. Add a static factor "
        "rm2000 or a factor final_level on the four levels, or fill in combination under [rules] of the instrument file and give the "
        "cases a column rm2000; assume_overall=True applies the schedule to the overall priority, as an assumption.")


def _assumed(study: Study) -> _Levels:
    overall = _overall(study)
    if overall is None:
        raise ArgumentError("assume_overall=True needs ratings of the overall priority, and this study has none.")
    scale = study.instrument.scale_of(study.instrument.factors[overall].id)
    if scale.categories != LEVELS.categories:
        raise ArgumentError(f"the overall scale {', '.join(scale.categories)} has no visit intervals: they go with "
                            f"{', '.join(LEVELS.categories)}.")
    return _of_factor(study, overall, "the overall priority, by assumption")


def _combined(study: Study) -> _Levels:
    """The level by the combination table; the RM2000 category is the officer's own where rated, else the case's."""
    overall, table = _overall(study), study.instrument.rules.get("combination")
    if not table:
        raise ArgumentError(f"{study.instrument.name} has no combination table, and none is published that we could ship. Fill in "
                            "combination under [rules] in a copy of the instrument file: overall x rm2000 -> level.")
    if overall is None:
        raise ArgumentError("the combination table needs ratings of the overall priority, and this study has none.")
    if not _has_rm2000(study):
        raise ArgumentError("the combination table needs the RM2000 category. Add a column rm2000 to the table of cases, or a static "
                            "factor rm2000 to the instrument.")
    own, rated, of_cases = _of_factor(study, overall), _rm2000_factor(study), _band_of_cases(study)
    band, gold_band, whose = of_cases[own.case], of_cases, "the RM2000 category of the case"
    if rated is not None:
        theirs = _of_factor(study, rated)
        band = np.full((len(study.raters), len(study.cases), int(study.ratings.occasion.max()) + 1), NOT_GIVEN)
        band[theirs.rater, theirs.case, theirs.occasion] = theirs.level
        band, whose = band[own.rater, own.case, own.occasion], "RM2000 category"
        gold_band = np.where(theirs.gold >= 0, theirs.gold, of_cases)
    look_up = _table(study, overall, np.concatenate([own.level, own.gold]))
    return replace(own, level=look_up[own.level, band], gold=look_up[own.gold, gold_band],
                   why=tuple("no-rm2000" if gold >= 0 else "no-gold" for gold in own.gold.tolist()),
                   basis=f"that of the combination table, from each officer's overall priority and {whose}")


def _table(study: Study, overall: int, used: Ints) -> Ints:
    """(q + 2, 6) level for every overall priority that occurs and every RM2000 category; negative codes give NOT_GIVEN."""
    q, bands = len(study.instrument.scale_of(study.instrument.factors[overall].id).categories), LEVELS.categories
    table = np.full((q + 2, len(bands) + 2), NOT_GIVEN)
    for code in np.unique(used[used >= 0]).tolist():
        for band in range(len(bands)):
            table[code, band] = bands.index(str(combine(study.instrument, code, band).level))
    return table


def _of_factor(study: Study, factor: int, basis: str = "") -> _Levels:
    """The ratings of one factor with its gold standard."""
    ratings = study.ratings
    rows = np.flatnonzero(ratings.factor == factor)
    gold = np.full(len(study.cases), NOT_GIVEN) if study.gold is None else study.gold[:, factor].astype(np.int64)
    return _Levels(ratings.case[rows], ratings.rater[rows], ratings.occasion[rows], ratings.code[rows].astype(np.int64), gold,
                   ("no-gold",) * len(study.cases), basis)


def _find(study: Study, wanted: Callable[..., bool]) -> int | None:
    """The first rated factor that is wanted."""
    return next((i for i in study.factors_rated if wanted(study.instrument.factors[i])), None)


def _overall(study: Study) -> int | None:
    return _find(study, lambda f: f.kind == "overall" and f.id != "final_level")


def _rm2000_factor(study: Study) -> int | None:
    """The rated RM2000 category: a static factor of that name, or the overall of an instrument that is RM2000 itself."""
    tool = study.instrument
    if tool.rules.get("rm2000"):
        return _overall(study)
    return _find(study, lambda f: f.kind == "static" and _is_rm2000(f.id) and tool.scales[f.scale].categories == LEVELS.categories)


def _is_rm2000(name: str) -> bool:
    return "".join(filter(str.isalnum, name)).casefold().startswith("rm2000")


def _has_rm2000(study: Study) -> bool:
    return _rm2000_factor(study) is not None or any(map(_is_rm2000, study.case_attributes))


def _band_of_cases(study: Study) -> Ints:
    """(C,) the RM2000 category in the table of cases; NOT_GIVEN where there is none."""
    name = next(filter(_is_rm2000, study.case_attributes), None)
    bands = []
    for case, text in zip(study.cases, study.case_attributes.get(name or "", ("",) * len(study.cases)), strict=True):
        code = LEVELS.index(text) if text.strip() else NOT_GIVEN
        if code is None:
            raise ArgumentError(f"the {name} of case {case}, {text!r}, is no RM2000 category. Give one of: {', '.join(LEVELS.categories)}.")
        bands.append(code)
    return np.array(bands, dtype=np.int64)
