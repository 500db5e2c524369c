"""Tally: what every categorical coefficient needs, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from arms_irr.statistics.weights import Floats

__all__ = ["Codes", "Tally", "counts_of"]

Codes = npt.NDArray[np.integer]


def counts_of(codes: Codes, q: int) -> Floats:
    """How many raters put each unit into each category: codes (U, R), negative = not given -> counts (U, q)."""
    units, _ = codes.shape
    row, column = np.nonzero(codes >= 0)
    cells = row * q + codes[row, column]
    return np.bincount(cells, minlength=units * q).reshape(units, q).astype(np.float64)


@dataclass(frozen=True)
class Tally:
    """Ratings of U units (subjects) in q declared categories.

    Attributes
    ----------
    counts : (U, q) array
        Number of raters per unit and category.
    scores : (q,) array
        Scores of the categories, ascending; they enter the weights.
    codes : (U, R) integer array or None
        Category per unit and rater, negative = not given; needed where raters matter
        (Cohen, Conger, Light, uncertainty over raters).
    weight : (U,) array
        How many units a row stands for.
    cluster : (U,) integer array or None
        The case that a unit belongs to.
    """

    counts: Floats
    scores: Floats
    codes: Codes | None
    weight: Floats
    cluster: Codes | None = None

    @classmethod
    def from_codes(cls, codes: Codes, scores: Floats, cluster: Codes | None = None) -> Tally:
        """Of named raters. Units and raters without any rating are left out."""
        given = codes >= 0
        units, raters = given.any(axis=1), given.any(axis=0)
        codes = codes[np.ix_(units, raters)]
        return cls(counts_of(codes, len(scores)), np.asarray(scores, dtype=np.float64), codes,
                   np.ones(len(codes)), None if cluster is None else cluster[units])

    @classmethod
    def from_counts(cls, counts: Floats, scores: Floats, weight: Floats | None = None) -> Tally:
        """Of exchangeable raters. Units without any rating are left out."""
        counts = np.asarray(counts, dtype=np.float64)
        rated = counts.sum(axis=1) > 0
        weight = np.ones(len(counts)) if weight is None else np.asarray(weight, dtype=np.float64)
        return cls(counts[rated], np.asarray(scores, dtype=np.float64), None, weight[rated])

    @cached_property
    def raters_per_unit(self) -> Floats:
        """(U,) ratings given to each unit."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def n_units(self) -> int:
        """Number of units with at least one rating."""
        return int(self.weight.sum())

    @property
    def n_raters(self) -> int:
        """Number of raters; for exchangeable raters the largest number on one unit."""
        if self.codes is not None:
            return int(self.codes.shape[1])
        return int(self.raters_per_unit.max(initial=0))

    @property
    def n_ratings(self) -> int:
        """Number of ratings given."""
        return int(self.weight @ self.raters_per_unit)

    @property
    def n_used(self) -> int:
        """How many categories occur."""
        return int(np.count_nonzero(self.weight @ self.counts))

    @cached_property
    def rater_margins(self) -> Floats:
        """(R, q) share of each rater's ratings in each category."""
        assert self.codes is not None
        table = np.stack([self.weight @ (self.codes == k) for k in range(len(self.scores))], axis=1)
        return np.asarray(table / table.sum(axis=1, keepdims=True))

    def complete(self) -> Tally:
        """The units that every rater rated."""
        assert self.codes is not None
        full = (self.codes >= 0).all(axis=1)
        return replace(self, counts=self.counts[full], codes=self.codes[full], weight=self.weight[full],
                       cluster=None if self.cluster is None else self.cluster[full])
