"""Simulating a plan in pieces: the same numbers one after another, in processes and on a cluster, kept when stopped."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from arms_irr.errors import ArgumentError
from arms_irr.instruments.load import load_instrument
from arms_irr.planning.designs import Design, Mix
from arms_irr.planning.headlines import Ratings, Sides, contrast, evaluate, groups_of_officers, values
from arms_irr.planning.parameters import KINDS, Cells, Parameters
from arms_irr.planning.population import priorities
from arms_irr.planning.simulate import Replicates, agency_effects, draw

__all__ = ["PANELS", "Part", "Piece", "Plan", "noisier", "run"]

PANELS = 2  # exercises with each set of cases: their difference is what other officers change, the rest what cases change
_SETS = 25  # sets of cases in a piece, fewer where an exercise is large
_RATINGS = 1_500_000


@dataclass(frozen=True)
class Part:
    """Officers and cases of the plan, by position, that make an exercise of their own."""

    name: str
    officers: tuple[int, ...]
    cases: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What is simulated.

    Attributes
    ----------
    golds : Mix or None
        Golds of new cases, drawn for each set of cases; None: those of the design.
    parts : tuple of Part
        The exercises to evaluate; several share their officers, cases and random numbers.
    scenarios : bool
        Whether to simulate a noisier agency and training too.
    """

    design: Design
    parameters: Parameters
    parts: tuple[Part, ...]
    golds: Mix | None = None
    level: float = 0.95
    scenarios: bool = False

    @classmethod
    def whole(cls, design: Design, parameters: Parameters, **options: Any) -> Plan:
        """One exercise: all officers and cases."""
        part = Part("", tuple(range(len(design.raters))), tuple(range(len(design.cases))))
        return cls(design, parameters, (part,), **options)

    @property
    def kind(self) -> np.ndarray:
        """(F,) positions in ``KINDS``."""
        return np.array([KINDS.index(f.kind) for f in load_instrument(self.design.instrument).factors if f.kind in KINDS])

    @property
    def second_agency(self) -> np.ndarray | None:
        """(R,) whether an officer is of the second agency; None where there are not two."""
        names = [rater.attributes.get("agency", "") for rater in self.design.raters]
        there = list(dict.fromkeys(names))
        return np.array([name == there[1] for name in names]) if len(there) == 2 and min(map(names.count, there)) > 1 else None


@dataclass(frozen=True, eq=False)
class Piece:
    """Some sets of cases: for each part ``shown`` (S, PANELS, H, 5) and ``truth`` (S, H); ``tests`` (S, 2) p-values."""

    shown: tuple[np.ndarray, ...]
    truth: tuple[np.ndarray, ...]
    tests: np.ndarray


def noisier(parameters: Parameters, factor: float) -> Parameters:
    """Parameters with every noise multiplied."""
    return replace(parameters, noise=Cells(*(parameters.noise.array().ravel() * factor).tolist()))


def run(
    plan: Plan, replications: int, seed: int, *, n_jobs: int | None = None, stop: Callable[[], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Piece:
    """Simulate so many sets of cases, with two exercises each.

    Parameters
    ----------
    n_jobs : int, optional
        As joblib's; by default one after another, unless ``joblib.parallel_config`` says otherwise (it may name the
        backend, "dask" for example).
    stop : callable, optional
        Asked after every piece; when it says True, or on an interrupt from the keyboard, what has been computed is kept.
    progress : callable, optional
        Told how many sets are done, and of how many.

    Notes
    -----
    Pieces have a fixed size and each its own spawned seed, and are put together in order, so the numbers do not depend on
    who computed them; a run that was stopped holds the first numbers of the whole one.

    Raises
    ------
    ArgumentError
        For fewer than two replications, and when the very first piece was interrupted.
    """
    from joblib import Parallel, delayed

    if isinstance(replications, bool) or not isinstance(replications, int) or replications < 2:
        raise ArgumentError(f"replications is {replications!r}. Give 2 or more; 250 or more make a plan.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ArgumentError(f"The seed is {seed!r}. Give a whole number, 0 or more.")
    agency_effects(plan.design, plan.parameters)
    sizes = _sizes(plan.design, replications)
    seeds = np.random.SeedSequence([seed, 2]).spawn(len(sizes))
    found: list[Piece] = []
    pieces: Iterator[Piece] = iter(())
    try:
        pieces = Parallel(n_jobs=n_jobs, return_as="generator", batch_size=1)(
            delayed(_piece)(plan, child, size) for child, size in zip(seeds, sizes, strict=True))
        for piece in pieces:
            found.append(piece)
            if progress is not None:
                progress(sum(sizes[:len(found)]), replications)
            if stop is not None and stop():
                break
    except KeyboardInterrupt:
        if not found:
            raise
    finally:
        with warnings.catch_warnings():  # joblib warns of pieces that nobody waits for; leaving them is the point of stopping
            warnings.simplefilter("ignore", UserWarning)
            if hasattr(pieces, "close"):
                pieces.close()
    return _joined(found)


def _sizes(design: Design, replications: int) -> list[int]:
    """Sets in each piece: a matter of the design alone."""
    ratings = len(design.raters) * len(design.cases) * len(design.cases[0].gold) if design.cases else 1
    most = max(1, min(_SETS, _RATINGS // max(ratings, 1)))
    return [min(most, replications - start) for start in range(0, replications, most)]


def _joined(pieces: Sequence[Piece]) -> Piece:
    def along(name: str) -> tuple[np.ndarray, ...]:
        return tuple(np.concatenate(arrays) for arrays in zip(*(getattr(piece, name) for piece in pieces), strict=True))

    return Piece(along("shown"), along("truth"), np.concatenate([piece.tests for piece in pieces]))


def _piece(plan: Plan, seed: np.random.SeedSequence, sets: int) -> Piece:
    """Simulate and evaluate some sets of cases."""
    golds, *streams = (np.random.default_rng(child) for child in seed.spawn(1 + PANELS + 2))
    design, band, kind = plan.design, plan.design.bands(), plan.kind
    gold = np.broadcast_to(design.golds(), (sets, len(design.cases), len(kind)))
    if plan.golds is not None:
        gold = plan.golds.golds(band, kind, golds.random((sets, len(band), len(kind))))
    first = draw(design, plan.parameters, streams[0], sets, gold=gold)
    second = draw(design, plan.parameters, streams[1], sets, gold=gold, cases=first.truth)
    chances = priorities(design, plan.parameters, first.truth.ambiguity, first.truth.difficulty, gold)
    panels = [Ratings(drawn.ratings, gold, band, kind, bool(design.rated().all())) for drawn in (first, second)]
    shown, truth = [], []
    for part in plan.parts:
        officers, cases = list(part.officers), list(part.cases)
        mine = [panel.part(officers, cases) for panel in panels]
        shown.append(np.stack([evaluate(one, plan.level) for one in mine], 1))
        mixed, asked = _mixed(design, chances, officers, cases)
        truth.append(values(mixed, asked, gold[:, cases], band[cases], kind, mine[0].crossed))
    tests = _tests(plan, first, panels[0], streams[2:]) if plan.scenarios else np.full((sets, 2), np.nan)
    return Piece(tuple(shown), tuple(truth), tests)


def _mixed(design: Design, chances: np.ndarray, officers: list[int], cases: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Chances (S, C, F, 3) of the officers who rate each case, agencies mixed as there, and how many those are."""
    names = [rater.attributes.get("agency", "") for rater in design.raters]
    rated = design.rated()[officers][:, cases]
    mine = np.array([names[j] for j in officers])
    counts = np.array([rated[mine == name].sum(0) for name in dict.fromkeys(names)], dtype=np.float64)
    asked = counts.sum(0)
    return np.einsum("ac,ascfk->scfk", counts / np.maximum(asked, 1), chances[:, :, cases]), asked


_AFTER_LESS_BEFORE = Sides((1, -1), (((0,), (0, 1)), ((1,), (0, 1))))


def _tests(plan: Plan, first: Replicates, before: Ratings, streams: list[np.random.Generator]) -> np.ndarray:
    """(S, 2) p-values of exact agreement: the second agency 25 % noisier; before and after training."""
    sets, found = len(before.codes), np.full((len(before.codes), 2), np.nan)
    p, second = plan.parameters, plan.second_agency
    if second is not None:
        name = next(rater.attributes["agency"] for rater, late in zip(plan.design.raters, second, strict=True) if late)
        other = replace(p, agency_noise={**p.agency_noise, name: p.agency_noise.get(name, 1.0) * 1.25})
        drawn = draw(plan.design, other, streams[0], sets, gold=before.gold, cases=first.truth)
        hits, given = replace(before, codes=drawn.ratings).hits
        found[:, 0] = groups_of_officers(hits.sum((2, 3)), given.sum((2, 3)), second)
    after = draw(plan.design, noisier(p, p.training.noise), streams[1], sets, gold=before.gold, cases=first.truth, officers=first.truth)
    pairs = [np.concatenate(x, 2) for x in zip(replace(before, codes=after.ratings).hits, before.hits, strict=True)]
    time = np.repeat([0, 1], len(before.band))  # after, before: in the place of bands
    found[:, 1] = contrast(*pairs, time, _AFTER_LESS_BEFORE)[:, 3]
    return found


