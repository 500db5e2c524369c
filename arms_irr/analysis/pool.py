"""Pool: a study's ratings beside the gold standard, over all factors, as every measure of an officer needs them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN
from arms_irr.statistics.accuracy import Accuracy, Detection, cronbach, signal_detection
from arms_irr.study.count import Cell, cells
from arms_irr.study.study import Study

__all__ = ["Floats", "Ints", "Pool", "subjects"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Pool:
    """The ratings of all risk and protective factors asked for where the gold standard is a category.

    ``case`` numbers cases and occasions together; ``q`` is the number of categories, 0 where the factors do not
    share a scale. Ratings that were not given have a negative code.
    """

    code: Ints
    gold: Ints
    rater: Ints
    case: Ints
    factor: Ints
    q: int
    raters: int

    @classmethod
    def of(cls, study: Study, kind: str | None = None) -> Pool:
        """Of a study, or of its factors of one kind."""
        if study.gold is None:
            raise ArgumentError('this study declares that it has no gold standard (gold = "none"); ask for halo() or agreement() instead')
        r = study.ratings
        found = cells(study, ()) if kind is None else [c for c in cells(study, ("kind",)) if c.group["kind"] == kind]
        rows = np.concatenate([c.rows for c in found]) if found else np.arange(0)
        rows = rows[study.gold[r.case[rows], r.factor[rows]] >= 0]
        scales = {c.scale.categories for c in found if c.scale} if all(c.scale for c in found) else set()
        q = len(scales.pop()) if len(scales) == 1 else 0
        case = np.unique(r.case[rows].astype(np.int64) * 1_000 + r.occasion[rows], return_inverse=True)[1].ravel()
        factor = np.unique(r.factor[rows], return_inverse=True)[1].ravel()
        gold = study.gold[r.case[rows], r.factor[rows]].astype(np.int64)
        return cls(r.code[rows].astype(np.int64), gold, r.rater[rows].astype(np.int64), case, factor, q, len(study.raters))

    def keep(self, chosen: npt.NDArray[np.bool_]) -> Pool:
        """The ratings chosen."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in ("code", "gold", "rater", "case", "factor")})

    @cached_property
    def given(self) -> Pool:
        """The priorities given."""
        return self.keep(self.code >= 0)

    @cached_property
    def tables(self) -> Floats:
        """(raters, q, q) each officer's counts of gold (rows) by rating (columns)."""
        g, q = self.given, self.q
        return np.bincount((g.rater * q + g.gold) * q + g.code, minlength=self.raters * q * q).reshape(-1, q, q).astype(np.float64)

    @property
    def cell(self) -> Ints:
        """The case and factor of each rating as one number."""
        return self.case * (int(self.factor.max(initial=0)) + 1) + self.factor

    def per_rater(self, values: npt.ArrayLike) -> Floats:
        """(raters,) sums of one value per rating."""
        return np.bincount(self.rater, np.asarray(values, dtype=np.float64), self.raters)

    @cached_property
    def accuracy(self) -> Accuracy:
        """Cronbach's components of each officer."""
        shape = (int(self.case.max(initial=-1)) + 1, int(self.factor.max(initial=-1)) + 1)
        codes, gold = np.full((self.raters, *shape), NOT_GIVEN, np.int8), np.full(shape, NOT_GIVEN, np.int8)
        codes[self.rater, self.case, self.factor] = self.code
        gold[self.case, self.factor] = self.gold
        return cronbach(codes, gold)

    def detection(self, category: int) -> Detection:
        """Telling a category from the others."""
        chosen, base = self.tables[:, :, category], self.tables.sum(axis=2)
        hits, signals = chosen[:, category], base[:, category]
        return signal_detection(hits, signals, chosen.sum(axis=1) - hits, base.sum(axis=1) - signals)


def subjects(study: Study, cell: Cell) -> tuple[Ints, Ints]:
    """Positions of the case and the factor of each subject of the cell's tally, in its order."""
    r = study.ratings
    rows = cell.rows[r.code[cell.rows] >= 0]
    factors, occasions = len(study.instrument.factors), int(r.occasion.max(initial=0)) + 1
    key = np.unique((r.case[rows].astype(np.int64) * factors + r.factor[rows]) * occasions + r.occasion[rows]) // occasions
    return key // factors, key % factors
