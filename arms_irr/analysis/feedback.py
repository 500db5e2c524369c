"""What should each officer hear? Every rating beside the gold standard and the colleagues', and what to read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.proportions import wilson
from arms_irr.study.count import cells
from arms_irr.study.study import Study

__all__ = ["Answers", "latest", "officer_feedback", "officers_by_factor"]

Floats = npt.NDArray[np.float64]
NOT_ASKED = -3  # beside the codes of a rating
REREAD = 3  # factors to read again, at most
_TALLIES = ("agreed", "lower", "higher", "two_step", "missed_high", "gold_high", "unable", "unable_known", "blank", "asked", "given",
            "others_lower", "others_same", "others_higher")


def latest(study: Study) -> Study:
    """The study with each officer's latest answer on a factor of a case only; a later blank does not count."""
    r = study.ratings
    if len(np.unique(r.occasion)) < 2:
        return study
    order = np.lexsort((r.occasion, r.code != NOT_GIVEN))[::-1]
    key = (r.rater.astype(np.int64) * len(study.cases) + r.case) * len(study.instrument.factors) + r.factor
    kept = order[np.unique(key[order], return_index=True)[1]]
    columns = {name: getattr(r, name)[kept] for name in ("rater", "case", "factor", "code", "urgency")}
    return replace(study, ratings=replace(r, **columns, occasion=np.ones(len(kept), np.int16)))


@dataclass(frozen=True, eq=False)
class Answers:
    """Everybody's answers as a table of officers (R), cases (C) and factors (F).

    Attributes
    ----------
    code : int8 array, (R, C, F)
        Category, ``UNABLE``, ``NOT_GIVEN`` or ``NOT_ASKED``.
    others : int32 array, (R, C, F, K + 1)
        How many other officers chose each category, and in the last column how many were unable to rate.
    min_cell : int
        Fewer colleagues with a priority than this are not shown, and are no one to compare with.
    """

    study: Study
    code: npt.NDArray[np.int8]
    others: npt.NDArray[np.int32]
    min_cell: int

    @classmethod
    def of(cls, study: Study, min_cell: int = 5) -> Answers:
        """The latest answers of a study."""
        study = latest(study)
        r, factors = study.ratings, study.instrument.factors
        code = np.full((len(study.raters), len(study.cases), len(factors)), NOT_ASKED, np.int8)
        code[r.rater, r.case, r.factor] = r.code
        most = max(len(scale.categories) for scale in study.instrument.scales.values())
        chosen = np.where(code == UNABLE, most, code)[..., None] == np.arange(most + 1)
        return cls(study, code, chosen.sum(axis=0, dtype=np.int32) - chosen.astype(np.int32), min_cell)

    @cached_property
    def shown(self) -> npt.NDArray[np.bool_]:
        """(R, C, F): whether enough colleagues gave a priority for their ratings to be shown."""
        return np.asarray(self.others[..., :-1].sum(axis=-1) >= self.min_cell)

    @cached_property
    def reference(self) -> npt.NDArray[np.int64]:
        """(R, C, F): the category to compare with, negative where there is none.

        The gold standard; in a study without one the category of more than half of the colleagues who gave a priority.
        """
        if self.study.gold is not None:
            return np.broadcast_to(self.study.gold.astype(np.int64), self.code.shape)
        given = self.others[..., :-1]
        return np.where(self.shown & (2 * given.max(axis=-1) > given.sum(axis=-1)), given.argmax(axis=-1), -1)

    @cached_property
    def steps(self) -> Floats:
        """(R, C, F): rating minus reference in steps, ``nan`` where one of them is no category."""
        return np.where((self.code >= 0) & (self.reference >= 0), self.code - self.reference, np.nan).astype(np.float64)

    @cached_property
    def pooled(self) -> npt.NDArray[np.bool_]:
        """(F,): the factors that are pooled; an overall priority and static items stand alone."""
        found = cells(self.study, ())
        return np.isin(np.arange(self.code.shape[2]), self.study.ratings.factor[found[0].rows] if found else [])

    @cached_property
    def tallies(self) -> dict[str, npt.NDArray[np.int64]]:
        """(R, F) each: what an officer did on a factor over all cases, and what colleagues did on the same cases."""
        steps, reference = self.steps, self.reference
        tops = np.array([len(self.study.instrument.scale_of(f.id).categories) - 1 for f in self.study.instrument.factors])
        unable, compared = self.code == UNABLE, ~np.isnan(steps) & self.shown
        category, given = np.arange(self.others.shape[-1] - 1), self.others[..., :-1]
        side = np.sign(category - reference[..., None])
        found = (
            steps == 0, steps < 0, steps > 0, abs(steps) >= 2, (reference == tops) & (steps < 0), (reference == tops) & ~np.isnan(steps),
            unable, unable & (reference >= 0), self.code == NOT_GIVEN, self.code != NOT_ASKED, self.code >= 0,
            *((given * (side == way)).sum(axis=-1) * compared for way in (-1, 0, 1)),
        )  # fmt: skip
        return {name: values.sum(axis=1).astype(np.int64) for name, values in zip(_TALLIES, found, strict=True)}

    @cached_property
    def reread(self) -> npt.NDArray[np.int64]:
        """(R, F): the place of each factor among those to read again, from 1; 0 for the others.

        First the factors with most ratings two steps or more away, among these the most ratings below a reference in the
        highest category, then the most ratings that were lower, then the most that differed; among equals those on which
        colleagues differed least, and the instrument's order. At most three, and only where something differed.
        """
        t = self.tallies
        differed = t["lower"] + t["higher"]
        others = t["others_lower"] + t["others_higher"]
        share = others / np.maximum(others + t["others_same"], 1)
        order = np.lexsort((share, -differed, -t["lower"], -t["missed_high"], -t["two_step"], ~self.pooled | (differed == 0)), axis=-1)
        place = np.argsort(order, axis=-1) + 1
        return np.where((place <= REREAD) & self.pooled & (differed > 0), place, 0)

    def rows(self, officer: int, level: float) -> list[Row]:
        """The rows of one officer: all factors together, each factor, each factor of each case, what to read again."""
        study, who = self.study, self.study.raters[officer]
        tallies = {name: values[officer] for name, values in self.tallies.items()}
        rated = int((self.code[officer] >= 0).any(axis=1).sum())
        total = {name: int(values[self.pooled].sum()) for name, values in tallies.items()}
        rows = [Row(_at(who), "exact", self._exact(total, level)),
                Row(_at(who), "cases_rated", Estimate(float(rated), method="count", n_raters=1, n_ratings=total["given"]))]
        factors = np.flatnonzero((self.code[officer] != NOT_ASKED).any(axis=0)).tolist()
        for f in factors:
            own = {name: int(values[f]) for name, values in tallies.items()}
            rows.append(Row(_at(who, study.instrument.factors[f].id), "exact", self._exact(own, level)))
        rows += [self._cell(officer, c, f) for f in factors for c in np.flatnonzero(self.code[officer, :, f] != NOT_ASKED).tolist()]
        again = self.reread[officer]
        for f in np.argsort(again, kind="stable").tolist():
            if again[f]:
                rows.append(Row(_at(who, study.instrument.factors[f].id), "reread", Estimate(float(again[f]), method="stated rule", n_raters=1)))
        return rows

    def _exact(self, counted: dict[str, int], level: float) -> Estimate:
        n = counted["agreed"] + counted["lower"] + counted["higher"]
        found = wilson(counted["agreed"], n, level) if n else undefined("no-ratings")
        return replace(found, n_raters=1, n_ratings=n, target="subjects", confidence_level=level,
                       parts={"rated": float(n), **{name: float(value) for name, value in counted.items()}})

    def _cell(self, officer: int, c: int, f: int) -> Row:
        study, factor = self.study, self.study.instrument.factors[f]
        scale, code, reference = study.instrument.scale_of(factor.id), int(self.code[officer, c, f]), int(self.reference[officer, c, f])
        parts = {"colleagues": float(self.others[officer, c, f, :-1].sum())}
        if self.shown[officer, c, f]:
            others = self.others[officer, c, f].tolist()
            parts |= {f"share_{k}": others[k] / sum(others) for k in range(len(scale.categories))} | {"share_unable": others[-1] / sum(others)}
        group = _at(study.raters[officer], factor.id, study.cases[c], scale.label(reference), scale.label(code))
        name = "steps_from_colleagues" if study.gold is None else "steps_from_gold"
        why = "no-ratings" if code < 0 else "no-gold"
        found = Estimate(float(self.steps[officer, c, f]), n_raters=1, n_ratings=1, n_subjects=1, parts=parts) if min(code, reference) >= 0 \
            else undefined(why, parts=parts)
        return Row(group, name, found)


def _at(rater: str, factor: str = "", case: str = "", reference: str = "", rating: str = "") -> dict[str, str]:
    return {"rater": rater, "factor": factor, "case": case, "reference": reference, "rating": rating}


def officer_feedback(
    study: Study | Answers, raters: Sequence[str] | None = None, *, min_cell: int = 5, confidence_level: float = 0.95
) -> Result:
    """What each officer rated, beside the gold standard and the colleagues.

    Without a gold standard the comparison is with the category that more than half of the colleagues chose, where at
    least ``min_cell`` of them gave a priority. Of several occasions the latest answer counts.

    Parameters
    ----------
    study : Study or Answers
    raters : sequence of str, optional
        Some officers; all by default.
    min_cell : int
        Where fewer colleagues gave a priority nothing is said about them.

    Returns
    -------
    Result
        By rater, factor, case, ``reference`` and ``rating`` (labels). For each officer ``exact``, the share of ratings in
        the reference's category over all risk and protective factors (Wilson), and by factor; ``parts`` count what could be
        compared, ``rated``, and was ``agreed, lower, higher, two_step, missed_high, gold_high, unable, unable_known`` (unable where the reference is a
        category)``, blank, asked, given`` and what colleagues did on the same cases, ``others_lower`` ... ``cases_rated``.
        For each factor of each case ``steps_from_gold`` (or ``steps_from_colleagues``); ``parts``: the number of
        ``colleagues``, and the shares of their answers, ``share_0`` ... ``share_unable``, unless there are too few.
        ``reread``: the factors to read again, 1 first; see :attr:`Answers.reread` for the rule.

    Raises
    ------
    ArgumentError
        For officers who are not in the study, and a ``min_cell`` below 1.
    """
    level = check_confidence(confidence_level)
    if min_cell < 1:
        raise ArgumentError(f"min_cell={min_cell!r} is no number of officers: give 1 or more")
    answers = study if isinstance(study, Answers) else Answers.of(study, min_cell)
    places = {rater: j for j, rater in enumerate(answers.study.raters)}
    for rater in raters or ():
        if rater not in places:
            raise ArgumentError(f"there is no officer {rater!r} in this study. {nearest(rater, places)}")
    chosen = places if raters is None else raters
    rows = tuple(row for rater in chosen for row in answers.rows(places[rater], level))
    return Result("What each officer rated, beside the gold standard and the colleagues", ("rater", "factor", "case", "reference", "rating"),
                  rows, instrument=answers.study.instrument, names=answers.study.case_titles, synthetic=answers.study.synthetic)


def officers_by_factor(study: Study, *, most: int = 40) -> Result:
    """How high each officer rates each factor, over the cases: the rows and columns of a heat map.

    Up to ``most`` officers stand in the order of the study; beyond, officers are ordered by their mean over all factors
    and cut into ``most`` groups of almost equal size.

    Returns
    -------
    Result
        By rater and factor: ``mean_signed_error``, the mean of rating minus gold standard in steps; without a gold standard
        ``mean_difference``, of rating minus the mean of the other officers on the same case. ``parts``: ``officers``. A
        description of these ratings, without an interval.
    """
    answers = Answers.of(study)
    errors, name = answers.steps, "mean_signed_error"
    if study.gold is None:
        given = answers.others[..., :-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (given * np.arange(given.shape[-1])).sum(axis=-1) / given.sum(axis=-1)
        errors, name = np.where(answers.code >= 0, answers.code - mean, np.nan), "mean_difference"
    known = ~np.isnan(errors)
    sums, counts = np.where(known, errors, 0).sum(axis=1), known.sum(axis=1)
    names: Sequence[str] = study.raters
    groups = [np.array([j]) for j in range(len(names))]
    if len(names) > most:
        own = answers.pooled
        order = np.argsort(sums[:, own].sum(axis=1) / np.maximum(counts[:, own].sum(axis=1), 1), kind="stable")
        groups = np.array_split(order, most)
        ends = np.cumsum([len(group) for group in groups]).tolist()
        names = [f"{end - len(group) + 1} to {end}" for group, end in zip(groups, ends, strict=True)]
    factors = np.flatnonzero(counts.any(axis=0) | np.isin(np.arange(counts.shape[1]), study.factors_rated)).tolist()
    rows = []
    for rater, group in zip(names, groups, strict=True):
        total, n = sums[group].sum(axis=0).tolist(), counts[group].sum(axis=0).tolist()
        for f in factors:
            size = {"n_raters": len(group), "n_ratings": int(n[f]), "method": "mean over cases", "parts": {"officers": float(len(group))}}
            found = Estimate(total[f] / n[f], **size) if n[f] else undefined("no-ratings", **size)
            rows.append(Row({"rater": rater, "factor": study.instrument.factor_ids[f]}, name, found))
    notes = ("Officers are ordered by how high they rate; a row stands for several.",) if len(study.raters) > most else ()
    return Result("How high each officer rates each factor", ("rater", "factor"), tuple(rows), notes, picture="officer_heatmap",
                  instrument=study.instrument, names=study.case_titles, synthetic=study.synthetic)
