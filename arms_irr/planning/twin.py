"""A synthetic twin of a study: other officers, other ratings, the same agreement, to be shared instead of the study.

Every cell (a factor of a case on an occasion) has the study's mixture of answers; what an officer's answers share is a
Gaussian copula. Officer j answers cell i with the category into which the standard normal

    z_ij = sqrt(o) officer_j + sqrt(k) kind_j[kind of i] + sqrt(c) case_j[case of i] + sqrt(m) memory_j[case and factor of i] + rest

falls when the line is cut by the cell's mixture. "Unable to rate" and blanks are drawn before in the same way, as
two categories each with variances of their own. The four variances are fitted to the covariances of an officer's answers by
moments: cov(X, Y) = sum over n of r^n / n! a_n b_n with a_n = sum over cuts t of phi(t) He_{n-1}(t), the tetrachoric series
(Pearson 1900, Phil Trans A 195:1-47; Olsson 1979, Psychometrika 44:443-460). Sampling from a model of the confidential
records is Rubin's fully synthetic data (1993, J Off Stat 9:461-468).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from math import factorial

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, nnls
from scipy.special import eval_hermitenorm, ndtri

from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.planning.twin_officers import attributes_of, patterns
from arms_irr.study.ratings import Ratings
from arms_irr.study.study import Study

__all__ = ["ANEW", "OPEN", "twin"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]

ANEW = (
    "Made anew: the officers' pseudonyms and order, their attributes (each drawn by itself), every rating, every 'unable to rate', "
    "every blank and every urgency. No record of the twin belongs to an officer of the study, so there is no key from one to the other."
)
OPEN = (
    "As in the study: its description, the cases with their titles and attributes, the gold standard, who was asked for which cases "
    "in which order of occasions (without names), and for each cell, up to small changes, how the answers were spread. Where nearly "
    "everybody gave one answer, the twin shows that nearly everybody did.",
    "Not kept: differences between agencies and other groups, camps and reversed readings, how the overall priority follows from the "
    "factors, training effects in single officers. Do not ask the twin about them.",
    "Not promised: this is no differential privacy. Who knows the ratings of all officers but one can learn something about the last "
    "one. Share it as you would share the tables of a report, and only if cases and gold standard may be shared.",
)

_TERMS = 8  # of the tetrachoric series: r^8 / 8! is beyond any rating
_MOST = 0.95  # of the variance that an officer's answers share
# What two answers of one officer share: pairs of other kind and case, same kind, same case, both, the same cell again.
_SHARED = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1]], dtype=np.float64)


def twin(study: Study, *, seed: int = 1, min_cell: int = 5) -> Study:
    """A study with the same agreement as another one and no officer of it.

    Parameters
    ----------
    seed : int
        The same study and seed give the same twin; the seed alone undoes nothing.
    min_cell : int
        Fewer officers than these are never described by themselves: their agency is merged with others, numbers are
        replaced by the median of a group, a cell that fewer rated answers like its kind, band and gold.

    Returns
    -------
    Study
        ``synthetic``; ``notes`` say what was made anew and what was not (:data:`ANEW`, :data:`OPEN`). Members of a gold panel
        are people: their single ratings are left out.

    Raises
    ------
    ArgumentError
        For fewer officers with ratings than ``min_cell``, or a ``min_cell`` below 2: such a twin would describe single officers.
    """
    if min_cell < 2:
        raise ArgumentError(f"min_cell={min_cell!r} would let the twin describe single officers. Give 2 or more.")
    if (officers := len(np.unique(study.ratings.rater))) < min_cell:
        raise ArgumentError(f"{officers} officers have ratings, and min_cell is {min_cell}: a twin of so few would describe single officers. "
                            "Share a report with suppressed groups instead, or lower min_cell if nobody can be recognised.")
    held = hashlib.sha256(study.ratings.code.tobytes()).digest()[:8]  # the seed stands in the twin: alone it must not undo the shuffle
    people, blanks, unable, priorities, urgencies = np.random.default_rng([seed, int.from_bytes(held, "big")]).spawn(5)
    sheet = _Sheet.of(study)
    r = study.ratings
    blank = _Layer.fit(sheet, np.arange(len(r)), (r.code == NOT_GIVEN).astype(int), 2, min_cell).draw(sheet, blanks) == 1
    asked = np.flatnonzero(sheet.may_be_unable & (r.code != NOT_GIVEN))
    refused = _Layer.fit(sheet, asked, (r.code[asked] == UNABLE).astype(int), 2, min_cell).draw(sheet, unable) == 1
    refused &= sheet.may_be_unable
    given = np.flatnonzero(r.code >= 0)
    category = _Layer.fit(sheet, given, r.code[given].astype(int), sheet.categories, min_cell).draw(sheet, priorities)
    code = np.where(blank, NOT_GIVEN, np.where(refused, UNABLE, category))
    were = r.code == UNABLE
    carried = urgencies.random(len(r)) < (r.urgency[were] >= 0).sum() / max(int(were.sum()), 1)
    urgency = np.where((code == UNABLE) & carried, category, NOT_GIVEN)
    return _study(study, code, urgency, people, seed, min_cell)


def _study(study: Study, code: Ints, urgency: Ints, rng: np.random.Generator, seed: int, min_cell: int) -> Study:
    """The drawn ratings under new names in random order."""
    n, r = len(study.raters), study.ratings
    place = rng.permutation(n)  # of each officer in the twin: the cases asked for go with it, and nothing else
    rater = place[r.rater]
    rows = np.lexsort((r.factor, r.occasion, r.case, rater))
    columns = {"rater": rater.astype(np.int32), "case": r.case, "factor": r.factor, "code": code.astype(np.int8),
               "occasion": r.occasion, "urgency": urgency.astype(np.int8)}
    columns = {name: values[rows] for name, values in columns.items()}
    for values in columns.values():
        values.setflags(write=False)
    attributes = attributes_of(study.rater_attributes, patterns(study), place, rng, min_cell)
    told = f"Synthetic twin: no rating was given by an officer; all were drawn from a model fitted to a study of {n} officers (seed {seed})."
    return replace(
        study, title=f"Synthetic twin of: {study.title}", description=f"{told} {study.description}".strip(), synthetic=True,
        raters=tuple(f"twin_{j:0{len(str(n))}d}" for j in range(1, n + 1)), ratings=Ratings(**columns), gold_panel={},
        rater_attributes=attributes, simulation={"model": "twin", "seed": seed, "min_cell": min_cell},
        notes=(told, ANEW, *OPEN), warnings=(), report={}, source=None, files=tuple(f for f in study.files if f[0] == "instrument"))


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Where each of the N ratings stands.

    ``units`` (5 arrays (N,)): the officer, and the officer's kind, case, kind and case, case and factor; ``sizes`` how many there
    are of each. ``cell`` (N,) among the I cells; ``pool``, ``narrow`` (I,): kind and band, and these with the gold.
    ``categories`` (I,); ``may_be_unable`` (N,).
    """

    rater: Ints
    units: tuple[Ints, ...]
    sizes: tuple[int, ...]
    cell: Ints
    pool: Ints
    narrow: Ints
    categories: Ints
    may_be_unable: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, study: Study) -> _Sheet:
        r, factors = study.ratings, study.instrument.factors
        scales, kinds = list(study.instrument.scales), list(study.instrument.kinds)
        kind = np.array([kinds.index(f.kind) for f in factors])
        scale = np.array([scales.index(f.scale) for f in factors])
        many = (len(study.raters), len(kinds), len(study.cases), len(factors))
        at = (r.rater.astype(np.int64), kind[r.factor], r.case, r.factor)
        units, sizes = [], []
        for axes in ((0,), (0, 1), (0, 2), (0, 1, 2), (0, 2, 3)):
            shape = [many[axis] for axis in axes]
            units.append(np.ravel_multi_index([at[axis] for axis in axes], shape))
            sizes.append(int(np.prod(shape)))
        keys, cell = np.unique((r.occasion.astype(np.int64) * many[2] + r.case) * many[3] + r.factor, return_inverse=True)
        factor, case = keys % many[3], keys // many[3] % many[2]
        band = np.unique(study.case_attributes.get("risk_band", ("",) * many[2]), return_inverse=True)[1][case]
        gold = np.zeros(len(keys), dtype=int) if study.gold is None else study.gold[case, factor].astype(int)
        pool = np.stack([kind[factor], scale[factor], band])
        lengths = np.array([len(study.instrument.scales[f.scale].categories) for f in factors])
        refusable = np.array([bool(study.instrument.scales[f.scale].not_rated) for f in factors])
        wide, narrow = (np.unique(keys, axis=1, return_inverse=True)[1].ravel() for keys in (pool, np.vstack([pool, gold])))
        return cls(r.rater, tuple(units), tuple(sizes), cell, wide, narrow, lengths[factor], refusable[r.factor])


@dataclass(frozen=True, eq=False)
class _Layer:
    """What is drawn together: the cuts (I, q - 1) of the cells' lines, and the four variances."""

    cuts: Floats
    shared: Floats

    @classmethod
    def fit(cls, sheet: _Sheet, rows: Ints, x: Ints, categories: Ints | int, min_cell: int) -> _Layer:
        """From the answers ``x`` in these rows."""
        cells, q = len(sheet.pool), int(np.max(categories))
        possible = np.arange(q) < np.broadcast_to(categories, cells)[:, None]
        counts = np.bincount(sheet.cell[rows] * q + x, minlength=cells * q).reshape(cells, q).astype(np.float64)
        return cls(_cuts(_mixtures(sheet, rows, counts, possible, min_cell)), _variances(sheet, rows, x, counts))

    def draw(self, sheet: _Sheet, rng: np.random.Generator) -> Ints:
        """(N,) categories, for every rating asked for."""
        z = np.sqrt(1 - self.shared.sum()) * rng.standard_normal(len(sheet.cell))
        for variance, unit in zip(self.shared, (0, 1, 2, 4), strict=True):
            if variance:
                z += np.sqrt(variance) * rng.standard_normal(sheet.sizes[unit])[sheet.units[unit]]
        found = np.zeros(len(z), dtype=np.int8)
        for cuts in self.cuts.T:
            found += z > cuts[sheet.cell]
        return found


def _cuts(p: Floats) -> Floats:
    return np.asarray(ndtri(np.clip(np.cumsum(p, axis=1)[:, :-1], 0, 1)))


def _mixtures(sheet: _Sheet, rows: Ints, counts: Floats, possible: npt.NDArray[np.bool_], min_cell: int) -> Floats:
    """(I, q) probabilities of the answers in each cell: the study's, drawn towards those of cells of the same kind, band and gold.

    By so much that the probability that two officers agree is, over the cells of a kind and band, that among the study's
    officers: raw shares agree more with themselves than officers do. At least by one answer in n + 1; wholly where fewer
    than ``min_cell`` officers rated the cell.
    """
    even = possible / possible.sum(1, keepdims=True)
    wide = _pooled(sheet, rows, counts, sheet.pool, even, min_cell)
    narrow = _pooled(sheet, rows, counts, sheet.narrow, wide, min_cell)
    n = counts.sum(1, keepdims=True)
    own = counts / np.maximum(n, 1)
    large = n[:, 0] >= min_cell
    agree = ((counts**2).sum(1) - n[:, 0]) / np.maximum(n[:, 0] * (n[:, 0] - 1), 1)
    aa, ab, bb, target, least, many = (
        np.bincount(sheet.pool, np.where(large, values, 0))
        for values in ((own**2).sum(1), (own * narrow).sum(1), (narrow**2).sum(1), agree, 1 / (n[:, 0] + 1), np.ones(len(n))))
    curve = np.maximum(aa - 2 * ab + bb, 1e-12)
    root = np.sqrt(np.maximum((aa - ab) ** 2 - curve * (aa - target), 0))
    pull = np.clip((aa - ab - root) / curve, least / np.maximum(many, 1), 1)[sheet.pool]
    pull = np.where(large, pull, 1)[:, None]
    return np.asarray((1 - pull) * own + pull * narrow)


def _pooled(sheet: _Sheet, rows: Ints, counts: Floats, group: Ints, prior: Floats, min_cell: int) -> Floats:
    """(I, q) shares of the answers in each cell's group and one answer of the prior; the prior where few officers answered."""
    many = int(group.max()) + 1
    officers = np.unique(group[sheet.cell[rows]] * (int(sheet.rater.max()) + 1) + sheet.rater[rows]) // (int(sheet.rater.max()) + 1)
    enough = np.bincount(officers, minlength=many) >= min_cell
    sums = np.stack([np.bincount(group, column, many) for column in counts.T], 1) * enough[:, None]
    return np.asarray((sums[group] + prior) / (sums[group].sum(1, keepdims=True) + 1))


def _variances(sheet: _Sheet, rows: Ints, x: Ints, counts: Floats) -> Floats:
    """(4,) of officer, kind, case and memory: least squares, none negative, of the correlations of five sorts of pairs."""
    n = counts.sum(1)
    mean = counts @ np.arange(counts.shape[1]) / np.maximum(n, 1)
    cell = sheet.cell[rows]
    corrected = np.sqrt(n / np.maximum(n - 1, 1))[cell]  # the cell's mean is its officers' own
    covariance = _pairs(sheet, rows, (x - mean[cell]) * corrected)
    cuts = _cuts(counts / np.maximum(n, 1)[:, None])
    density = np.where(np.isfinite(cuts), np.exp(-(cuts**2) / 2) / np.sqrt(2 * np.pi), 0)
    finite = np.where(np.isfinite(cuts), cuts, 0)
    series = np.array([_pairs(sheet, rows, (density * eval_hermitenorm(term - 1, finite)).sum(1)[cell]) / factorial(term)
                       for term in range(1, _TERMS + 1)])
    known = series[0] > 1e-9
    r = np.array([_correlation(found, terms) if ok else 0.0 for found, terms, ok in zip(covariance, series.T, known, strict=True)])
    weight = np.sqrt(np.where(known, series[0], 0))
    shared, _ = nnls(_SHARED * weight[:, None], r * weight)
    return np.asarray(shared * min(1.0, _MOST / max(float(shared.sum()), 1e-12)))


def _pairs(sheet: _Sheet, rows: Ints, values: Floats) -> Floats:
    """(5,) sums of products of an officer's values over pairs of answers, in the order of :data:`_SHARED`."""
    one, kind, case, both, same = (float(np.square(np.bincount(unit[rows], values)).sum()) for unit in sheet.units)
    return np.array([one - kind - case + both, kind - both, case - both, both - same, same - float(values @ values)])


def _correlation(covariance: float, terms: Floats) -> float:
    """The correlation at which the series gives the covariance, as far as there is one."""
    def off(r: float) -> float:
        return float((terms * r ** np.arange(1, len(terms) + 1)).sum()) - covariance

    if off(-_MOST) >= 0:
        return -_MOST
    return _MOST if off(_MOST) <= 0 else float(brentq(off, -_MOST, _MOST))
