"""How far can ratings be depended on, and how many officers would another exercise need? Generalizability of a study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.design import FEW
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.generalizability import GStudy, g_study
from arms_irr.statistics.latent import latent_icc
from arms_irr.statistics.measurement_error import measurement_error
from arms_irr.statistics.ordinal import ordinal_model
from arms_irr.study.study import Study

__all__ = ["COLUMNS", "MEASURED", "MOST", "OFFICERS", "PHI", "dependability"]

COLUMNS = ("measured", "kind", "where", "design", "n_cases", "effect", "n_raters", "phi")
MEASURED = {
    "profile": "the profile of priorities within one case: factors are told apart",
    "mean": "the mean priority over the factors of a kind: cases are told apart",
    "ratings": "single ratings of the factors of a kind: what their variance is due to",
    "overall": "the overall priority: cases are told apart",
}
OFFICERS = (1, 2, 3, 5, 10, 20)
PHI = (0.7, 0.8, 0.9)
MOST = 1_000  # ratings of three facets, or of an ordinal model, that are fitted well within a second
ALL = "all cases"
_HALF = 0.5  # of the factors of a kind must be rated for their mean to count

Ints = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Data:
    """The ratings of one G-study: labels of each facet and scores, equally long."""

    measured: str
    kind: str
    where: str
    n_cases: int
    design: str
    facets: Mapping[str, Ints]
    score: Floats

    @property
    def object(self) -> str:
        return self.design.split(" x ")[0]

    @property
    def group(self) -> dict[str, str]:
        return {"measured": self.measured, "kind": self.kind, "where": self.where, "design": self.design,
                "n_cases": str(self.n_cases), "effect": "", "n_raters": "", "phi": ""}  # fmt: skip

    def keep(self, chosen: npt.NDArray[np.bool_]) -> _Data:
        return replace(self, facets={name: codes[chosen] for name, codes in self.facets.items()}, score=self.score[chosen])

    @cached_property
    def bases(self) -> dict[str, int]:
        return {"n_subjects": len(np.unique(self.facets[self.object])), "n_raters": len(np.unique(self.facets["officer"])),
                "n_ratings": len(self.score)}  # fmt: skip


def dependability(
    study: Study, *, n_raters: Sequence[int] = OFFICERS, phi: Sequence[float] = PHI, confidence_level: float = 0.95, seed: int = 1,
    most: int = MOST,
) -> Result:
    """G-study of the study's own design, and the decision study for the number of officers per case.

    Parameters
    ----------
    study : Study
        Of several occasions the first is used.
    n_raters : sequence of int
        Officers who rate each case (or each profile) and whose ratings are averaged.
    phi : sequence of float
        Dependabilities for which the officers needed are given.
    seed : int
        Of the simulated intervals and of the draw of officers.
    most : int
        A G-study of single ratings, or an ordinal model, with more ratings rests on a random part of the officers, as
        many as have about so many ratings; the notes say so.

    Returns
    -------
    Result
        By :data:`COLUMNS`. ``measured`` is one of :data:`MEASURED`; ``where`` a case (profile), a risk band where every
        band has 5 cases, otherwise "all cases". Coefficients:

        ``variance``
            By ``effect``; ``residual`` is the interaction of all facets with error. ``parts["share"]`` of their sum,
            where all are known.
        ``phi``, ``e_rho2``
            By ``n_raters``, not of single ratings (with the instrument's factors fixed, theirs is that of the mean, which
            needs no component cut at 0): dependability (the level of a priority counts, as for decisions about one case) and
            generalizability (only the order counts). Suppressed below 5 cases ("few-cases"; "one-df" for two), or
            below 5 factors of a profile.
        ``officers_needed``
            By ``phi``: phi / (1 - phi) times (1 - Phi) / Phi of one officer, rounded up. Its limits follow from those of Phi.
        ``sem``
            Standard error of measurement of one officer's mean or overall priority, steps of the scale, with the
            minimal detectable change in ``parts``; it needs no differences between cases.
        ``latent_icc``
            For profiles and the overall priority: share of the object in the variance that a cumulative probit model
            puts behind the categories, beside ``phi`` of one officer: three categories mix where the thresholds
            lie with noise.

    Notes
    -----
    Mean priorities are those of officers who rated at least half of the factors of that kind in that case. Sources:
    Brennan (2001), Generalizability Theory, ch. 1, 3 and 5; Cronbach, Gleser, Nanda & Rajaratnam (1972); de Vet et al.
    (2006), J Clin Epi 59, 1033 (standard error of measurement).

    Raises
    ------
    ArgumentError
        A number of officers or a phi that cannot be.
    """
    level = check_confidence(confidence_level)
    numbers = [int(n) for n in n_raters]
    if not numbers or min(numbers) < 1:
        raise ArgumentError(f"n_raters={list(n_raters)!r} should be numbers of officers, at least 1")
    if not all(0 < one < 1 for one in phi):
        raise ArgumentError(f"phi={list(phi)!r} should lie between 0 and 1, for example 0.8")
    rows: list[Row] = []
    notes: list[str] = []
    for data in _studies(study):
        rows += _rows(data, sorted({1, *numbers}), phi, level, seed, most, notes)
    said = tuple(f"{name}: {words}." for name, words in MEASURED.items() if any(row["measured"] == name for row in rows))
    return Result("How far ratings can be depended on", COLUMNS, tuple(rows), (*said, *dict.fromkeys(notes)), seed, picture="dstudy",
                  names=study.case_titles, synthetic=study.synthetic)


# --- which G-studies a study carries ----------------------------------------------------------------------


def _studies(study: Study) -> Iterator[_Data]:
    r, instrument = study.ratings, study.instrument
    kinds = np.array([f.kind for f in instrument.factors])
    scales = np.array([f.scale for f in instrument.factors])
    scores = np.full((len(instrument.factors), max(len(s.categories) for s in instrument.scales.values())), np.nan)
    for i, factor in enumerate(instrument.factors):
        own = instrument.scales[factor.scale].scores
        scores[i, : len(own)] = own
    rows = np.flatnonzero((r.code >= 0) & (r.occasion == r.occasion.min(initial=np.iinfo(r.occasion.dtype).max)))
    rated = sorted(set(kinds[list(study.factors_rated)]) - {"overall", "static"}, key=instrument.kinds.index)

    def data(chosen: Ints, design: str, measured: str, kind: str, where: str) -> _Data:
        facets = {"case": r.case[chosen].astype(np.int64), "officer": r.rater[chosen].astype(np.int64), "factor": r.factor[chosen].astype(np.int64)}
        facets = {name: facets[name] for name in design.split(" x ")}
        return _Data(measured, kind, where, len(np.unique(r.case[chosen])), design, facets, scores[r.factor[chosen], r.code[chosen]])

    pool = rows[~np.isin(kinds[r.factor[rows]], ("overall", "static"))]
    if len(study.cases) < FEW and len(np.unique(scales[r.factor[pool]])) == 1:
        for k, case in enumerate(study.cases):
            yield data(pool[r.case[pool] == k], "factor x officer", "profile", "", case)
    for where, cases in _groups(study).items():
        inside = rows[np.isin(r.case[rows], cases)]
        for kind in rated:
            own = inside[kinds[r.factor[inside]] == kind]
            if len(np.unique(scales[r.factor[own]])) == 1:
                single = data(own, "case x officer x factor", "ratings", kind, where)
                yield _means(single)
                yield single
        own = inside[kinds[r.factor[inside]] == "overall"]
        if len(own) and len(np.unique(r.factor[own])) == 1:
            yield data(own, "case x officer", "overall", "overall", where)


def _groups(study: Study) -> dict[str, list[int]]:
    """The cases of each band where every band has enough, otherwise all together: a band of one case is a case."""
    bands = study.case_attributes.get("risk_band", ())
    found = {band: [i for i, own in enumerate(bands) if own == band] for band in study.bands}
    if found and min(map(len, found.values())) >= FEW:
        return found
    return {ALL: list(range(len(study.cases)))}


def _means(data: _Data) -> _Data:
    """One mean for each officer and case of which at least half of the factors were rated."""
    case, officer = data.facets["case"], data.facets["officer"]
    officers = int(officer.max(initial=0)) + 1
    pair, place = np.unique(case * officers + officer, return_inverse=True)
    count = np.bincount(place.ravel())
    means = np.bincount(place.ravel(), data.score) / count if len(count) else np.zeros(0)
    chosen = count >= _HALF * len(np.unique(data.facets["factor"]))
    found = replace(data, measured="mean", design="case x officer", facets={"case": pair // officers, "officer": pair % officers}, score=means)
    return found.keep(chosen)


# --- one G-study ------------------------------------------------------------------------------------------


def _rows(data: _Data, numbers: Sequence[int], phi: Sequence[float], level: float, seed: int, most: int, notes: list[str]) -> list[Row]:
    used = _part(data, most, seed, notes) if "factor" in data.facets else data
    study = _fit(used, level, seed, notes)
    if isinstance(study, Estimate):
        found = [Row({**data.group, "effect": "residual"}, "variance", study)]
    else:
        found = _components(used, study)
        if data.measured != "ratings":
            found += _decisions(used, study, numbers, phi)
    if data.measured in ("mean", "overall"):
        found.append(Row({**data.group, "n_raters": "1"}, "sem", measurement_error(_table(data), confidence_level=level, seed=seed)))
    if data.measured in ("profile", "overall"):
        found.append(Row({**data.group, "n_raters": "1"}, "latent_icc", _latent(_part(data, most, seed, notes), level)))
    return found


def _part(data: _Data, most: int, seed: int, notes: list[str]) -> _Data:
    """All ratings, or those of as many officers, drawn at random, as have about ``most``."""
    officers = np.unique(data.facets["officer"])
    if len(data.score) <= most:
        return data
    n = max(FEW, round(most * len(officers) / len(data.score)))
    drawn = np.random.default_rng(seed).permutation(officers)[:n]
    notes.append(f"{data.measured}{', ' + data.kind if data.kind else ''}, {data.where}: variance components, or the latent ICC, from {n} "
                 f"of {len(officers):,} officers, drawn at random (seed {seed}).")
    return data.keep(np.isin(data.facets["officer"], drawn))


def _fit(data: _Data, level: float, seed: int, notes: list[str]) -> GStudy | Estimate:
    bases = {**data.bases, "confidence_level": level, "target": "both"}
    for facet, flag in (("officer", "one-rater"), (data.object, "one-subject"), (data.design.split(" x ")[-1], "one-subject")):
        levels = len(np.unique(data.facets[facet]))
        if levels < 2:
            return undefined(flag if levels else "no-ratings", **bases)
    if np.ptp(data.score) == 0:
        return undefined("no-variance", **bases)
    try:
        return g_study({**data.facets, "rating": data.score}, data.design, confidence_level=level, seed=seed)
    except ArgumentError as error:  # a design with too few ratings for its effects
        notes.append(f"{data.measured}, {data.where}: {error}")
        return undefined("saturated", **bases)


def _components(data: _Data, study: GStudy) -> list[Row]:
    total = sum(max(one.value, 0.0) for one in study.components.values())  # nan where one is suppressed
    found = []
    for effect, one in study.components.items():
        share = max(one.value, 0.0) / total if total else math.nan
        about = replace(one, parts={**one.parts, "share": share}, target="both", **data.bases)
        found.append(Row({**data.group, "effect": effect}, "variance", about))
    return found


def _decisions(data: _Data, study: GStudy, numbers: Sequence[int], phi: Sequence[float]) -> list[Row]:
    few = data.bases["n_subjects"] < FEW
    flag = "few-subjects" if data.object == "factor" else "few-cases"
    found = []
    for row in study.d_study(n_officer=list(numbers)):
        group = {**data.group, "n_raters": f"{row.sizes['officer']:g}"}
        for name, one in (("phi", row.phi), ("e_rho2", row.e_rho2)):
            one = replace(one, **data.bases)
            found.append(Row(group, name, one.suppressed(flag) if few else one))
        if not found[0].estimate.estimable:  # nor is it for any other number
            break
    single = next(row.estimate for row in found if row.coefficient == "phi")  # of one officer: the numbers are sorted
    return found + [Row({**data.group, "phi": f"{target:g}"}, "officers_needed", _needed(single, target)) for target in phi]


def _needed(single: Estimate, target: float) -> Estimate:
    """Officers from the dependability of one: everything that their number does not average out is in the object."""

    def officers(phi: float) -> float:
        return math.inf if phi <= 0 else max(1.0, math.ceil(target / (1 - target) * (1 - phi) / phi - 1e-9))

    about = replace(single, se=math.nan, df=math.nan, method="from Phi of one officer")
    if not single.estimable:
        return about
    if single.value == 0:
        return about.suppressed("never-enough")
    if math.isnan(single.ci_low):
        return replace(about, value=officers(single.value))
    return replace(about, value=officers(single.value), ci_low=officers(single.ci_high), ci_high=officers(single.ci_low))


def _table(data: _Data) -> Floats:
    """(cases, officers) scores, ``nan`` where there is none."""
    cases, i = np.unique(data.facets["case"], return_inverse=True)
    officers, j = np.unique(data.facets["officer"], return_inverse=True)
    table = np.full((max(len(cases), 1), max(len(officers), 1)), np.nan)
    table[i.ravel(), j.ravel()] = data.score
    return table


def _latent(data: _Data, level: float) -> Estimate:
    """Share of the object in the latent variance of single ratings."""
    bases = data.bases
    about = {**bases, "confidence_level": level, "target": "both"}
    if bases["n_subjects"] < FEW:
        return undefined("few-subjects" if data.object == "factor" else "few-cases", **about)
    if bases["n_raters"] < 2:
        return undefined("one-rater", **about)
    random = {name: data.facets[name] for name in (data.object, "officer")}
    try:
        fit = ordinal_model(data.score, random=random)
    except ArgumentError:  # a random factor with as many levels as there are ratings
        return undefined("saturated", **about)
    bad = [flag for flag in ("one-category", "separated", "not-converged") if flag in fit.flags]
    if bad:
        return undefined(*bad, **about)
    found = latent_icc(fit, level)[data.object]
    return replace(found, target="both", flags=tuple(flag for flag in found.flags if flag != "categories-observed"), **bases)
