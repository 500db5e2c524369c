"""Tally: what every categorical coefficient needs, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from arms_irr.statistics.weights import Floats

__all__ = ["Codes", "Tally", "counts_of", "patterns"]

Codes = npt.NDArray[np.integer]


_CHUNK = 1 << 16  # units counted at once: what fits into the cache
_MOST_PATTERNS = 1 << 20


def counts_of(codes: Codes, q: int) -> Floats:
    """How many raters put each unit into each category: codes (U, R), negative = not given -> counts (U, q)."""
    units, _ = codes.shape
    # A column more takes up what was not given, so that no rating has to be picked out.
    cells = np.where(codes < 0, q, codes) + np.arange(0, units * (q + 1), q + 1)[:, None]
    return np.bincount(cells.ravel(), minlength=units * (q + 1)).reshape(units, q + 1)[:, :q].astype(np.float64)


def patterns(codes: Codes, q: int) -> tuple[Codes, Floats]:
    """The different rows of codes (U, R), and how many units show each.

    Many units rated by few raters have at most (q + 1)^R patterns, and every statistic over units is a
    weighted sum over them. Where patterns could be more than a quarter of the units the codes come back as
    they are, each with weight 1.
    """
    units, raters = codes.shape
    base = q + int(units > 0 and codes.min() < 0)  # not given is a digit of its own where it occurs
    size = base**raters
    if not 0 < size <= min(_MOST_PATTERNS, units // 4):
        return codes, np.ones(units)
    narrow = np.int16 if size < 1 << 15 else np.int32
    times = np.zeros(size, dtype=np.int64)
    for start in range(0, units, _CHUNK):
        part = codes[start : start + _CHUNK]
        key: npt.NDArray[Any] = part[:, 0].astype(narrow)
        for rater in range(1, raters):
            key *= narrow(base)
            key += part[:, rater]
        if base > q:
            key += narrow((size - 1) // q)  # each digit moved up by one: (base^R - 1) / (base - 1), base - 1 = q
        times += np.bincount(key, minlength=size)
    found = np.flatnonzero(times)
    digits = found[:, None] // base ** np.arange(raters - 1, -1, -1) % base - (base - q)
    return digits.astype(np.int16), times[found].astype(np.float64)


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

    Notes
    -----
    ``counts`` and ``weight`` may have leading axes, one tally per group, filled up with units of weight 0:
    see :mod:`arms_irr.statistics.groups`. The sizes below are then for no group in particular.
    """

    counts: Floats
    scores: Floats
    codes: Codes | None
    weight: Floats
    cluster: Codes | None = None

    @classmethod
    def from_codes(cls, codes: Codes, scores: Floats, cluster: Codes | None = None, weight: Floats | None = None) -> Tally:
        """Of named raters. Units and raters without any rating are left out."""
        given = codes >= 0
        units, raters = given.any(axis=1), given.any(axis=0)
        codes = codes[np.ix_(units, raters)]
        weight = np.ones(len(codes)) if weight is None else np.asarray(weight, dtype=np.float64)[units]
        return cls(counts_of(codes, len(scores)), np.asarray(scores, dtype=np.float64), codes, weight,
                   None if cluster is None else cluster[units])

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
        return np.asarray(self.counts.sum(axis=-1))

    @cached_property
    def shares(self) -> Floats:
        """(U, q) share of each unit's ratings per category; 0 for a unit without any."""
        r = self.raters_per_unit[..., None]
        return np.divide(self.counts, r, out=np.zeros_like(self.counts), where=r > 0)

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
    def onehot(self) -> Floats:
        """(U, R, q) 1 where the rater put the unit into the category."""
        assert self.codes is not None
        return np.asarray(self.codes[:, :, None] == np.arange(len(self.scores)), dtype=np.float64)

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
