"""Designs of a generalizability study in their usual notation: p x r, p x (r:t), r:p, c x (r:a) x f."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from arms_irr.errors import ArgumentError

__all__ = ["Design", "Layout", "layout", "parse"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Effect = frozenset[str]


@dataclass(frozen=True)
class Design:
    """Facets and the effects they make.

    Attributes
    ----------
    text : str
    facets : tuple of str
        In the order written.
    parents : dict
        The facets each facet is nested in, none if crossed.
    effects : tuple of frozenset
        Each effect as the set of all its indices: r:t is {r, t}. The last is confounded with error.
    names : tuple of str
        Of the effects: indices joined by colons, the last is ``residual``.
    """

    text: str
    facets: tuple[str, ...]
    parents: dict[str, Effect]
    effects: tuple[Effect, ...]
    names: tuple[str, ...]

    @property
    def object(self) -> str:
        """What is measured unless named: the first facet that is nested in nothing."""
        return next(f for f in self.facets if not self.parents[f])


def parse(text: str) -> Design:
    """Read a design: facets crossed by ``x``, ``r:t`` for r nested in t, ``m:(p x r)`` for m nested in both.

    Raises
    ------
    ArgumentError
        Text that is not such a design.
    """
    hint = f"design {text!r} is not understood: write for example 'p x r', 'p x r x f', 'p x (r:t)' or 'r:p'."
    parents: dict[str, Effect] = {}
    for term in re.split(r"\s+[xX×]\s+(?![^()]*\))", str(text).strip()):
        chain = [re.split(r"\s+[xX×]\s+", link.strip(" ()")) for link in term.strip().split(":")]
        named = [facet for link in chain for facet in link]
        if not all(re.fullmatch(r"[^\W\d]\w*", facet) for facet in named) or len(set(named)) < len(named):
            raise ArgumentError(hint)
        if any(facet in parents and parents[facet] for facet in chain[0]):
            raise ArgumentError(hint)
        for i, link in enumerate(chain):
            above = frozenset(facet for later in chain[i + 1 :] for facet in later)
            for facet in link:
                parents[facet] = parents.get(facet, frozenset()) | above
    for facet in parents:  # what r is nested in may be nested itself
        for _ in parents:
            parents[facet] = parents[facet].union(*(parents[above] for above in parents[facet]))
    if len(parents) < 2 or all(parents.values()):
        raise ArgumentError(hint)
    facets = tuple(parents)
    effects = tuple(
        Effect(chosen)
        for size in range(1, len(facets) + 1)
        for chosen in combinations(facets, size)
        if all(parents[facet] <= set(chosen) for facet in chosen)
    )
    names = [":".join(f for f in facets if f in effect) for effect in effects[:-1]]
    return Design(str(text), facets, parents, effects, (*names, "residual"))


@dataclass(frozen=True)
class Layout:
    """Ratings laid out on a design.

    Attributes
    ----------
    y : (N,) ratings
    codes : dict of (N,) codes, one entry per effect, in the order of the design
    grid : array with an axis per facet, or None
        The ratings if the design is balanced: every combination rated once, nested facets equally large.
    sizes : dict
        Levels of each facet per object of measurement, and per level of what the facet is nested in; harmonic
        means where they differ. Of the object itself, its number of levels.
    per_level : dict
        Ratings per level of each effect, a harmonic mean if they differ.
    df : dict
        Degrees of freedom of each effect: its levels less those of the effects within it.
    """

    y: Floats
    codes: dict[Effect, Codes]
    grid: Floats | None
    sizes: dict[str, float]
    per_level: dict[Effect, float]
    df: dict[Effect, int]


def layout(design: Design, y: Floats, labels: Mapping[str, NDArray[np.generic]], measured: str) -> Layout:
    """Code the labels of each facet, within what it is nested in, and see whether the design is balanced.

    Raises
    ------
    ArgumentError
        A facet with a single level, or two ratings of one combination.
    """
    plain = {f: np.unique(labels[f], return_inverse=True)[1].astype(np.int64) for f in design.facets}
    codes = {e: _joint([plain[f] for f in design.facets if f in e]) for e in design.effects}
    own = {f: design.parents[f] | {f} for f in design.facets}
    levels = {e: int(codes[e].max()) + 1 for e in design.effects}
    for f in design.facets:
        above = levels[design.parents[f]] if design.parents[f] else 1
        if levels[own[f]] == above:
            raise ArgumentError(
                f"facet {f!r} of design {design.text!r} has a single level: leave it out of the design."
            )
    if levels[design.effects[-1]] < y.size:
        raise ArgumentError(
            f"{y.size} ratings fall on {levels[design.effects[-1]]} combinations of "
            f"{', '.join(design.facets)}: "
            "average repeated ratings, or name the facet that tells them apart."
        )
    df: dict[Effect, int] = {}
    for e in design.effects:
        df[e] = levels[e] - 1 - sum(df[b] for b in df if b < e)
    grid = _grid(design, y, codes, levels, own)
    per_level = {e: levels[e] / float(np.sum(1 / np.bincount(codes[e]))) for e in design.effects}
    return Layout(y, codes, grid, _sizes(design, codes, levels, own, measured), per_level, df)


def _joint(parts: list[Codes]) -> Codes:
    joint = parts[0]
    for part in parts[1:]:
        joint = np.unique(joint * (int(part.max()) + 1) + part, return_inverse=True)[1].astype(np.int64)
    return joint


def _grid(
    design: Design,
    y: Floats,
    codes: Mapping[Effect, Codes],
    levels: Mapping[Effect, int],
    own: Mapping[str, Effect],
) -> Floats | None:
    places, shape = [], []
    for f in design.facets:
        above = codes[design.parents[f]] if design.parents[f] else np.zeros(y.size, dtype=np.int64)
        owner = np.zeros(levels[own[f]], dtype=np.int64)
        owner[codes[own[f]]] = above
        sizes = np.bincount(owner)
        if (sizes != sizes[0]).any():
            return None
        place = np.empty_like(owner)
        place[np.argsort(owner, kind="stable")] = np.tile(np.arange(sizes[0]), sizes.size)
        places.append(place[codes[own[f]]])
        shape.append(int(sizes[0]))
    if int(np.prod(shape)) != y.size:
        return None
    grid = np.full(shape, np.nan)
    grid[tuple(places)] = y
    return None if np.isnan(grid).any() else grid


def _sizes(
    design: Design,
    codes: Mapping[Effect, Codes],
    levels: Mapping[Effect, int],
    own: Mapping[str, Effect],
    measured: str,
) -> dict[str, float]:
    def per_object(effect: Effect) -> float:
        if not effect - own[measured]:
            return 1.0
        pairs = np.unique(codes[own[measured]] * levels[effect] + codes[effect])
        return float(levels[own[measured]] / np.sum(1 / np.bincount(pairs // levels[effect])))

    sizes = {f: round(per_object(own[f]) / per_object(design.parents[f]), 12) for f in design.facets}
    return sizes | {measured: float(levels[own[measured]])}
