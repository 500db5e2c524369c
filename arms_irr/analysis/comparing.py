"""Two studies side by side, and any two selections of ratings: the same statistics, their difference and its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from arms_irr.analysis.consistency import ORDINAL_METRIC, between_raters, icc_between
from arms_irr.analysis.gold import MEASURES, against_gold, outcomes
from arms_irr.analysis.ratability import ratability
from arms_irr.analysis.result import Result, Row, stack
from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics import jackknife
from arms_irr.statistics.agreement import COEFFICIENTS, KRIPPENDORFF_ORDINAL, coefficient
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.mover import mover
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.count import NOT_RECORDED, Cell, cells, names, per_rater, tally
from arms_irr.study.ratings import Ratings
from arms_irr.study.study import Study

__all__ = ["ICC_FORMS", "SHARES", "STATISTICS", "ask", "compare", "contrasted", "difference_name"]

# Every statistic that can be asked for by its name, and those of them that are shares.
ICC_FORMS = ("ICC(1)", "ICC(A,1)", "ICC(C,1)", "ICC(k)", "ICC(A,k)", "ICC(C,k)")
_RATABILITY = ("unable_to_rate", "positive_agreement", "prevalence_index", "sensitivity", "specificity")
STATISTICS = tuple(dict.fromkeys([*MEASURES, *COEFFICIENTS, "r_wg", *ICC_FORMS, *_RATABILITY]))

SHARES = (*(name for name in MEASURES if name != "mean_signed_error"), "percent", "sensitivity", "specificity")
_COMPARED = ("exact", "adjacent", "under", "over", "missed_high", "unable_to_rate")
_BETWEEN = ("percent", "gwet", "brennan_prediger", "krippendorff")
Where = Mapping[str, str]


# --- one statistic of any name ----------------------------------------------------------------------------


def ask(
    study: Study, statistic: str, by: Sequence[str] = (), *, weights: str | None = None, confidence_level: float = 0.95
) -> Result:
    """One statistic by its name, from the question of a study that answers it.

    Parameters
    ----------
    statistic : str
        Of :data:`STATISTICS`: agreement with the gold standard, between raters, an ICC, or ratability.
    by : sequence of str
        Grouping columns.
    weights : str, optional
        Of a coefficient between raters; its usual ones by default.

    Raises
    ------
    ArgumentError
        For an unknown statistic, and as the question asked.
    """
    if statistic not in STATISTICS:
        raise ArgumentError(f"unknown statistic {statistic!r}. {nearest(statistic, STATISTICS)}Choose from {', '.join(STATISTICS)}.")
    if statistic in COEFFICIENTS:
        return between_raters(study, by, coefficient=statistic, weights=weights, confidence_level=confidence_level)
    if statistic == "r_wg":
        return between_raters(study, by, confidence_level=confidence_level).where("r_wg")
    if statistic in ICC_FORMS:
        return icc_between(study, by, form=statistic, confidence_level=confidence_level)
    if statistic in MEASURES and study.has_gold:
        return against_gold(study, by, statistics=[statistic], confidence_level=confidence_level)
    if statistic in _RATABILITY:
        return ratability(study, by, confidence_level=confidence_level).where(statistic)
    return against_gold(study, by, statistics=[statistic])  # which says that there is no gold standard


def contrasted(
    first: tuple[Study, Where], second: tuple[Study, Where], statistic: str, *, weights: str | None = None, paired: bool = True,
    confidence_level: float = 0.95,
) -> tuple[Estimate, Estimate, Estimate]:
    """A statistic of two selections of ratings, and the second less the first.

    Parameters
    ----------
    first, second : (Study, dict of column to value)
        For example ``(study, {"risk_band": "lower"})``; the columns are those of ``by=``.
    statistic, weights : str
        As for :func:`ask`.
    paired : bool
        Whether the same name means the same officer on both sides.

    Returns
    -------
    first, second, difference : Estimate
        The difference has the interval of :func:`arms_irr.statistics.mover.mover`. Officers who stand on both sides
        make the two estimates correlated: r = sum x_j y_j / sqrt(sum x_j^2 sum y_j^2), where x_j and y_j are the
        values without officer j less the mean of those, and the upper sum is over the officers on both sides. With no
        such officer r is 0. Where r is wanted and cannot be known (an ICC, r_WG) there is no interval, flag
        "no-interval".
    """
    sides = (first, second)
    one, two = (_one(study, statistic, where, weights, confidence_level) for study, where in sides)
    return one, two, _less(one, two, [_side(*side) for side in sides], statistic, weights, paired)


def _less(
    first: Estimate, second: Estimate, sides: Sequence[_Side], statistic: str, weights: str | None, paired: bool
) -> Estimate:
    """Second less first, as :func:`contrasted` says."""
    shared = sides[0].officers & sides[1].officers if paired and first.estimable and second.estimable else frozenset()
    if not shared:
        return mover(first, second)
    a, b = (_moves(side, statistic, weights) for side in sides)
    if a is None or b is None:
        found = mover(*(replace(end, se=math.nan, ci_low=math.nan, ci_high=math.nan) for end in (first, second)))
    else:
        found = mover(first, second, _correlation(a, b))
    return replace(found, method=found.method.replace("difference", "difference paired by officer", 1),
                   n_raters=first.n_raters + second.n_raters - len(shared))


def difference_name(statistic: str) -> str:
    """What a difference of two values of a statistic is called, which tells its unit."""
    if statistic == "mean_signed_error":
        return "difference_in_steps"
    return "difference" if statistic in SHARES else "difference_of_coefficients"


def _correlation(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Of two jackknifed estimates that share some of their officers."""
    x, y = (np.array(list(moves.values())) for moves in (a, b))
    spread = math.sqrt(float(x @ x) * float(y @ y))
    if spread == 0:
        return 0.0
    r = sum(a[officer] * b[officer] for officer in a if officer in b) / spread
    return min(max(r, -1.0), 1.0)  # rounding can lead beyond


def _one(study: Study, statistic: str, where: Where, weights: str | None, level: float) -> Estimate:
    found = ask(study, statistic, list(where), weights=weights, confidence_level=level).where(**where)
    if len(found) != 1:
        return undefined("no-ratings", confidence_level=level)
    return found.rows[0].estimate


@dataclass(frozen=True)
class _Side:
    """One of two selections; what several statistics ask of it is worked out once."""

    study: Study
    cell: Cell | None

    @cached_property
    def officers(self) -> frozenset[str]:
        """Everyone who was asked for a rating."""
        if self.cell is None:
            return frozenset()
        asked = np.bincount(self.study.ratings.rater[self.cell.rows])
        return frozenset(self.study.raters[r] for r in np.flatnonzero(asked))

    @cached_property
    def tallied(self) -> tuple[Tally, list[str]]:
        """The ratings by subject and officer, and the officers."""
        assert self.cell is not None  # what is estimable has ratings
        return tally(self.study, self.cell), names(self.study, self.cell)[1]


def _side(study: Study, where: Where) -> _Side:
    return _Side(study, next((cell for cell in cells(study, list(where)) if cell.group == dict(where)), None))


def _moves(side: _Side, statistic: str, weights: str | None) -> dict[str, float] | None:
    """The value without each officer, less the mean of those; None for a statistic whose jackknife is not known."""
    study, cell = side.study, side.cell
    assert cell is not None
    if "rater" in cell.group:
        return None
    if statistic in MEASURES:
        rows, values, _ = outcomes(study, cell, statistic)
        rater = study.ratings.rater[rows]
        y, m = per_rater(rater, values, np.ones(len(values)))
        officers = [study.raters[r] for r in np.flatnonzero(np.bincount(rater))]
        left_out = np.divide(y.sum() - y, m.sum() - m, out=np.full(len(y), np.nan), where=m.sum() > m)
    elif statistic in COEFFICIENTS:
        assert cell.scale is not None  # it is estimable
        counted, officers = side.tallied
        asked = weights or ("identity" if statistic == "percent" or cell.scale.level == "nominal" else "quadratic")
        ordinal = statistic == "krippendorff" and weights in (None, ORDINAL_METRIC) and cell.scale.level != "nominal"
        row = KRIPPENDORFF_ORDINAL if ordinal else coefficient(statistic)
        left_out = jackknife.without_each_rater(row, counted, agreement_weights("identity" if ordinal else asked, counted.scores))
    else:
        return None
    if np.isnan(left_out).any():
        return None
    return dict(zip(officers, (left_out - left_out.mean()).tolist(), strict=True))


# --- two studies ------------------------------------------------------------------------------------------


def compare(first: Study, second: Study, *, paired: bool = False, confidence_level: float = 0.95) -> Result:
    """Two studies side by side: agreement with the gold standard and between officers, and the differences.

    Parameters
    ----------
    first, second : Study
        A pilot and a second exercise, say; before and after training.
    paired : bool
        Whether an officer of the same name in both is the same person. By default the officers are taken to be
        different people, and a note says how many names they share.
    confidence_level : float

    Returns
    -------
    Result
        By ``kind``, ``risk_band``, ``statistic`` and ``side`` (first, second, difference; the coefficient of the last is
        ``difference`` in points, or ``difference_of_coefficients``): ``exact, adjacent, under, over,
        missed_high, unable_to_rate`` per kind and band, and these and ``percent, gwet, brennan_prediger,
        krippendorff`` per band (``kind`` is empty there). The difference is the second less the first, with the interval
        of :func:`contrasted`; officers are the cluster. Only the factors that both studies rated under the same id,
        kind and scale count, and only bands that both have; the notes name what was left out.
    """
    check_confidence(confidence_level)
    both, notes = _alike(first, second)
    if both is None:
        raise ArgumentError("the two studies have no rated factor in common (same id, kind and scale), so there is nothing to compare")
    banded = all("risk_band" in study.case_attributes for study in both)
    groupings = (("kind", "risk_band"), ("risk_band",)) if banded else (("kind",), ())
    gold = all(study.has_gold for study in both)
    rows: list[Row] = []
    for by in groupings:
        asked = [*(_COMPARED if gold else ("unable_to_rate",)), *(() if "kind" in by else _BETWEEN)]
        found = [_all(study, by, asked, confidence_level) for study in both]
        for sides in _levels(both, by):
            where = sides[0].cell.group
            for name in asked:
                rows += _side_by_side(sides, where, name, [one.where(name, **where) for one in found], paired)
    notes = [*_titles(both), *notes, *_officers_note(both, paired)]
    if not gold:
        notes.append("Agreement with a gold standard is left out: not both studies have one.")
    if banded:
        notes += _left_out_bands(both)
    columns = ("kind", *(("risk_band",) if banded else ()), "statistic", "side")
    return Result("Two studies side by side", columns, tuple(rows), tuple(notes), synthetic=first.synthetic or second.synthetic)


def _all(study: Study, by: Sequence[str], asked: Sequence[str], level: float) -> Result:
    """Every statistic in every group, each question asked once."""
    between = [name for name in asked if name in COEFFICIENTS]
    shares = [name for name in asked if name in MEASURES]
    found = against_gold(study, by, statistics=shares, confidence_level=level) if study.has_gold else \
        ratability(study, by, confidence_level=level).where("unable_to_rate")
    return stack("", found, *([between_raters(study, by, coefficient=between, confidence_level=level)] if between else []))


def _side_by_side(sides: Sequence[_Side], where: Where, name: str, found: Sequence[Result], paired: bool) -> list[Row]:
    """The two estimates and their difference; nothing where one study has none (a scale without "unable to rate")."""
    if not all(len(one) == 1 for one in found):
        return []
    one, two = (result.rows[0].estimate for result in found)
    difference = _less(one, two, sides, name, None, paired)
    group = {"kind": "", **where, "statistic": name}
    return [Row({**group, "side": "first"}, name, one), Row({**group, "side": "second"}, name, two),
            Row({**group, "side": "difference"}, difference_name(name), difference)]


def _levels(both: tuple[Study, Study], by: Sequence[str]) -> list[tuple[_Side, _Side]]:
    """The groups that both studies have, in the order of the first; a band that is not recorded is no band."""
    of_second = {tuple(cell.group.values()): cell for cell in cells(both[1], by)}
    return [(_Side(both[0], cell), _Side(both[1], of_second[group])) for cell in cells(both[0], by)
            if (group := tuple(cell.group.values())) in of_second and NOT_RECORDED not in group]


def _alike(first: Study, second: Study) -> tuple[tuple[Study, Study] | None, list[str]]:
    """Both studies with the factors that they share, and what was left out."""
    shared, differing = [], []
    rated = [{study.instrument.factors[i].id for i in study.factors_rated} for study in (first, second)]
    for id in [i for i in first.instrument.factor_ids if i in rated[0] & rated[1]]:
        a, b = (study.instrument.factor(id) for study in (first, second))
        alike = a.kind == b.kind and _meaning(first, id) == _meaning(second, id)
        (shared if alike else differing).append(id)
    if not shared:
        return None, []
    notes = []
    alone = [id for study, own in zip((first, second), rated, strict=True) for id in study.instrument.factor_ids
             if id in own and id not in rated[0] & rated[1]]
    if alone:
        notes.append(f"Left out, because only one of the studies rated them: {', '.join(alone)}.")
    if differing:
        notes.append(f"Left out, because their scale or kind differs: {', '.join(differing)}.")
    if first.instrument.name != second.instrument.name:
        notes.append(f"The instruments differ ({first.instrument.name}, {second.instrument.name}): a factor of the same id "
                     "and scale is taken to be the same factor.")
    return (_only(first, shared), _only(second, shared)), notes


def _meaning(study: Study, id: str) -> tuple[Any, ...]:
    scale = study.instrument.scale_of(id)
    return scale.categories, scale.scores, scale.level, bool(scale.not_rated)


def _only(study: Study, factors: Sequence[str]) -> Study:
    """The study with the ratings of some factors."""
    index = [study.instrument.factor_ids.index(id) for id in factors]
    r = study.ratings
    keep = np.isin(r.factor, index)
    if keep.all():
        return study
    return replace(study, ratings=Ratings(r.rater[keep], r.case[keep], r.factor[keep], r.code[keep], r.occasion[keep], r.urgency[keep]))


def _titles(both: tuple[Study, Study]) -> list[str]:
    sides = []
    for side, study in zip(("First", "Second"), both, strict=True):
        told = not study.synthetic or "synthetic" in study.title.casefold()
        title = study.title if told else f"{study.title} (synthetic data)"
        sides.append(f"{side}: {title}, {len(study.raters)} officers and {len(study.cases)} cases.")
    same = set(both[0].cases) == set(both[1].cases)
    golds = "" if both[0].gold is None or both[1].gold is None else " or their gold standards"
    why = ("The names of the cases are the same in both; whether the stories are, the data do not say." if same else
           f"The cases differ: a difference between the studies can come from the cases{golds} as well as from the officers, "
           "and coefficients corrected for chance move with how much the cases differ from each other.")
    return [*sides, "A difference is the second less the first.", why]


def _officers_note(both: tuple[Study, Study], paired: bool) -> list[str]:
    shared = len(set(both[0].raters) & set(both[1].raters))
    if paired:
        return [f"Paired: {shared} officers have the same name in both studies and are taken to be the same people."]
    if shared:
        return [f"{shared} names of officers occur in both studies; they are taken to be different people. If they are the "
                "same people, compare the studies paired."]
    return ["No officer takes part in both studies."]


def _left_out_bands(both: tuple[Study, Study]) -> list[str]:
    alone = [band for study, other in (both, both[::-1]) for band in study.bands if band not in other.bands]
    return [f"Left out, because only one of the studies has it: the band {', '.join(alone)}."] if alone else []
