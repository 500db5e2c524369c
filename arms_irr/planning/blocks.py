"""Linked incomplete blocks: which officer rates which vignettes, when nobody is to rate them all.

Vignettes limit what an exercise can show, and an officer's time limits how many vignettes one can rate. So each
officer rates a block of them: the link vignettes, which everybody rates, and others in such a way that every vignette,
and every pair of vignettes, falls to as nearly the same number of officers as whole numbers allow. Where a balanced
incomplete block design exists (Cochran & Cox 1957, Experimental Designs, chapter 11), that is what equal numbers mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.planning.designs import Case, Design, Later, Rater
from arms_irr.planning.parameters import BANDS
from arms_irr.planning.vignettes import new_vignettes
from arms_irr.statistics.estimate import Estimate

__all__ = ["assignment_table", "block_quality", "build_design"]

Officers = int | Mapping[str, int | Mapping[str, int]]
Ints = npt.NDArray[np.int64]

TWICE = 2  # officers that each vignette needs at least: one has nobody to agree with
RESTARTS = 6
EXCHANGES, PER_OFFICER = 15_000, 600  # tried in a start: at most, and for each officer
PAIRS, AGENCY, SITE = 6, 3, 1  # what balance is worth: pairs before agencies before sites


def build_design(
    officers: Officers, cases: Mapping[str, int] | Sequence[Case], per_officer: int, links: int = 2, re_rated: int = 0, *,
    by_band: bool = True, instrument: str = "arms-12", seed: int = 1,
) -> Design:
    """Officers, vignettes and who rates which, in linked incomplete blocks.

    Every vignette but the links is dealt out in turn, so that numbers of officers differ by one at most; an exchange
    search (simulated annealing, the best of a few starts) then evens out, in this order of weight, how many officers
    rate both vignettes of each pair, how many officers of each agency rate each vignette, and of each site. It stops
    early where all are as even as whole numbers allow. With ``by_band=False`` and no more than about 13 vignettes it
    finds the balanced incomplete block design where there is one.

    Parameters
    ----------
    officers : int or mapping
        A number (two agencies of three sites), officers by agency, ``{"police": 20, "probation": 20}``, or by agency
        and site, ``{"police": {"force_1": 7, "force_2": 5}}``.
    cases : mapping of str to int, or sequence of Case
        Vignettes by risk band, ``{"lower": 6, "higher": 6}``, with the golds of
        :func:`arms_irr.planning.vignettes.new_vignettes`; or the vignettes themselves.
    per_officer : int
        Vignettes that each officer rates, links included. All of them: a complete design.
    links : int
        Vignettes that everybody rates, the first of each band in turn.
    re_rated : int
        Vignettes, of those, that each officer rates a second time (occasion 2).
    by_band : bool
        Every officer rates as many of each band as its numbers allow. False lets bands go, where equal pairs across all
        vignettes (a balanced incomplete block design) matter more than officers' own comparison of the bands.
    instrument : str
        Of the golds.
    seed : int
        Decides the golds of new vignettes and who gets which block.

    Returns
    -------
    Design
        The attribute ``link`` of a case is ``yes`` or ``no``; the re-rated vignettes are the occasion in ``later``.

    Raises
    ------
    ArgumentError
        For a design that cannot be, or that falls into parts, with the nearest one that can.
    """
    raters = _raters(officers)
    made = new_vignettes(cases, instrument=instrument, seed=seed) if isinstance(cases, Mapping) else tuple(cases)
    order = [c for band in BANDS for c in made if c.risk_band == band] + [c for c in made if c.risk_band not in BANDS]
    _check(len(raters), len(order), per_officer, links, re_rated)
    linked = _linked(order, links)
    rng = np.random.default_rng([seed, 2])
    blocks = _blocks(raters, order, linked, per_officer, by_band, rng)
    chosen = tuple(
        Case(c.id, c.risk_band, c.gold, c.overall, {**c.attributes, "link": "yes" if i in linked else "no"}) for i, c in enumerate(order))
    again = (Later(_again(blocks, order, re_rated, rng), False),) if re_rated else ()
    design = Design(
        "blocks", f"{len(raters)} officers, {len(order)} vignettes, {per_officer} each",
        f"Linked incomplete blocks: each of {len(raters)} officers rates {per_officer} of {len(order)} vignettes, {links} of which everybody "
        f"rates{f'; {re_rated} of them are rated a second time' if re_rated else ''}. Golds are stated, not observed.",
        raters, chosen, blocks, instrument, again)
    if _components(design.rated()) > 1:
        raise ArgumentError(f"{per_officer} vignettes for each of {len(raters)} officers fall into parts that share neither officer nor "
                            f"vignette, so officers cannot be compared. The nearest: links={links + 1}, or {per_officer + 1} vignettes each.")
    return design


# --- who, and what is possible ---------------------------------------------------------------------------------


def _raters(officers: Officers) -> tuple[Rater, ...]:
    if isinstance(officers, Mapping):
        sites = {agency: dict(n) if isinstance(n, Mapping) else {f"{agency}_1": n} for agency, n in officers.items()}
    else:
        half = int(officers) - int(officers) // 2
        sites = {agency: {f"{site}_{k + 1}": (size + 2 - k) // 3 for k in range(3)}
                 for agency, site, size in (("police", "force", half), ("probation", "trust", int(officers) - half))}
    wrong = [n for numbers in sites.values() for n in numbers.values() if n != int(n) or n < 0]
    if wrong or (not isinstance(officers, Mapping) and officers != int(officers)):
        raise ArgumentError(f"{wrong[0] if wrong else officers!r} officers cannot be. Give whole numbers.")
    places = [(agency, site) for agency, numbers in sites.items() for site, n in numbers.items() for _ in range(int(n))]
    digits = max(2, len(str(len(places))))
    return tuple(Rater(f"officer_{j:0{digits}d}", {"agency": agency, "site": site}) for j, (agency, site) in enumerate(places, 1))


def _linked(cases: Sequence[Case], links: int) -> tuple[int, ...]:
    """Positions of the links: the first case of each band, then the second of each, and so on."""
    bands = [[i for i, c in enumerate(cases) if c.risk_band == band] for band in dict.fromkeys(c.risk_band for c in cases)]
    turns = [band[turn] for turn in range(len(cases)) for band in bands if turn < len(band)]
    return tuple(sorted(turns[:links]))


def _check(officers: int, cases: int, per_officer: int, links: int, re_rated: int) -> None:
    """Refuse a design that cannot be, and name the nearest that can."""
    if officers < TWICE or cases < 1:
        raise ArgumentError(f"{officers} officers and {cases} vignettes are no exercise. Give at least {TWICE} officers and 1 vignette.")
    if not 1 <= per_officer <= cases:
        raise ArgumentError(f"{per_officer} vignettes for each officer cannot be, with {cases} vignettes. The nearest design: "
                            f"{min(max(per_officer, 1), cases)} for each.")
    if not 0 <= links <= per_officer or (links == per_officer < cases):
        raise ArgumentError(f"{links} links leave none of {per_officer} vignettes per officer for the other {max(cases - links, 0)}. The nearest "
                            f"design: links={per_officer - 1}." if links >= 0 else f"{links} links cannot be. Give 0 or more.")
    if not 0 <= re_rated <= per_officer:
        raise ArgumentError(f"{re_rated} of {per_officer} vignettes cannot be rated a second time. The nearest design: "
                            f"{min(max(re_rated, 0), per_officer)}.")
    own, others = per_officer - links, cases - links
    if officers * own < TWICE * others:
        raise ArgumentError(
            f"{officers} officers who rate {own} of {others} vignettes that are no links cannot give each of them {TWICE} ratings. The nearest "
            f"designs: {math.ceil(TWICE * others / own)} officers, {links + math.ceil(TWICE * others / officers)} vignettes for each officer, "
            f"or {links + officers * own // TWICE} vignettes in all.")
    if links == 0 and per_officer == 1 and cases > 1:
        raise ArgumentError("officers who rate one vignette each and share no other cannot be compared. The nearest designs: 2 vignettes for "
                            "each officer, one of them a link (links=1), or 2 without a link.")


# --- dealing and exchanging ------------------------------------------------------------------------------------


class _Pools(NamedTuple):
    """The cases that are dealt out, in strata, and what their balance is measured in."""

    strata: tuple[tuple[int, ...], ...]
    quotas: Ints  # (officers, strata)
    agency: list[int]
    site: list[int]


def _blocks(
    raters: Sequence[Rater], cases: Sequence[Case], linked: Sequence[int], per_officer: int, by_band: bool, rng: np.random.Generator
) -> tuple[tuple[int, ...], ...]:
    free = [i for i in range(len(cases)) if i not in linked]
    own = per_officer - len(linked)
    if own == len(free):
        return (tuple(range(len(cases))),) * len(raters)
    bands = dict.fromkeys(cases[i].risk_band for i in free) if by_band else {"": None}
    strata = tuple(tuple(i for i in free if not by_band or cases[i].risk_band == band) for band in bands)
    ends = np.floor(np.arange(len(raters) + 1)[:, None] * own * np.cumsum([len(s) for s in strata]) / len(free) + 1e-9)
    quotas = np.diff(np.diff(ends, axis=0), axis=1, prepend=0).astype(np.int64)
    agency = _codes([r.attributes["agency"] for r in raters])
    site = _codes([r.attributes["agency"] + "\0" + r.attributes["site"] for r in raters])
    pools = _Pools(strata, quotas, agency, site)
    best: tuple[tuple[float, ...], list[set[int]]] | None = None
    for _ in range(RESTARTS):
        blocks, excess = _search(pools, len(cases), rng)
        rated = np.zeros((len(raters), len(cases)), dtype=bool)
        rated[:, list(linked)] = True
        for row, block in zip(rated, blocks, strict=True):
            row[list(block)] = True
        rank = (_components(rated), excess, -round(_efficiency(rated), 9))  # rounded: the same choice on every machine
        if best is None or rank < best[0]:
            best = rank, blocks
        if rank[:2] == (1, 0):
            break
    assert best is not None
    return tuple(tuple(sorted((*linked, *block))) for block in best[1])


def _codes(labels: Sequence[str]) -> list[int]:
    known = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    return [known[label] for label in labels]


def _search(pools: _Pools, n_cases: int, rng: np.random.Generator) -> tuple[list[set[int]], int]:
    """One start: blocks, and by how much their imbalance exceeds what whole numbers allow at best.

    Exchanges give one officer a case of another's in exchange for one of the same stratum, so that every case keeps its
    number of officers and every officer the number of cases. The temperature falls from where most exchanges are
    taken to where hardly any that costs is.
    """
    blocks = _deal(pools, rng)
    pairs = np.zeros((n_cases, n_cases), dtype=np.int64).tolist()
    by_agency = np.zeros((max(pools.agency) + 1, n_cases), dtype=np.int64).tolist()
    by_site = np.zeros((max(pools.site) + 1, n_cases), dtype=np.int64).tolist()
    for j, block in enumerate(blocks):
        for a in block:
            by_agency[pools.agency[j]][a] += 1
            by_site[pools.site[j]][a] += 1
            for b in block:
                pairs[a][b] += a != b
    excess = _excess(pools, pairs, by_agency, by_site)

    def move(j: int, out: int, into: int) -> int:
        """Give officer j one case for another; what that adds to the imbalance."""
        block, cost = blocks[j], 0
        block.remove(out)
        for x in block:
            cost += 2 * PAIRS * (pairs[into][x] - pairs[out][x] + 1)
            pairs[into][x] += 1
            pairs[x][into] += 1
            pairs[out][x] -= 1
            pairs[x][out] -= 1
        for counts, weight in ((by_agency[pools.agency[j]], AGENCY), (by_site[pools.site[j]], SITE)):
            cost += 2 * weight * (counts[into] - counts[out] + 1)
            counts[into] += 1
            counts[out] -= 1
        block.add(into)
        return cost

    steps = min(EXCHANGES, PER_OFFICER * len(blocks))
    chances = np.log(1 - rng.random(steps))
    heat = 4.0 * PAIRS * (0.02 ** (np.arange(steps) / steps))
    officers = rng.integers(len(blocks), size=(steps, 2)).tolist()
    draws = rng.random((steps, 2)).tolist()
    limits = (-chances * heat).tolist()
    which = {case: s for s, stratum in enumerate(pools.strata) for case in stratum}
    for (i, j), (u, v), limit in zip(officers, draws, limits, strict=True):
        if excess == 0:
            break
        mine = sorted(blocks[i] - blocks[j])
        if not mine:
            continue
        a = mine[int(u * len(mine))]
        theirs = sorted(b for b in blocks[j] - blocks[i] if which[b] == which[a])
        if not theirs:
            continue
        b = theirs[int(v * len(theirs))]
        cost = move(i, a, b) + move(j, b, a)
        if cost > limit:
            move(i, b, a)
            move(j, a, b)
        else:
            excess += cost
    return blocks, excess


def _deal(pools: _Pools, rng: np.random.Generator) -> list[set[int]]:
    """Cases of each stratum in turn, round and round, so that in any run of officers their numbers differ by one at most."""
    blocks: list[set[int]] = [set() for _ in pools.agency]
    for s, stratum in enumerate(pools.strata):
        order, at = [stratum[k] for k in rng.permutation(len(stratum))], 0
        for j, block in enumerate(blocks):
            block.update(order[(at + k) % len(order)] for k in range(pools.quotas[j, s]))
            at += pools.quotas[j, s]
    return blocks


def _excess(pools: _Pools, pairs: list[list[int]], by_agency: list[list[int]], by_site: list[list[int]]) -> int:
    """Weighted sums of squares of the numbers, less what they are with the same sums spread as evenly as can be."""
    together, total = np.array(pairs), 0
    for s, one in enumerate(pools.strata):
        total += PAIRS * _uneven(together[np.ix_(one, one)][np.triu_indices(len(one), 1)])
        total += sum(PAIRS * _uneven(together[np.ix_(one, other)].ravel()) for other in pools.strata[:s])
        total += sum(AGENCY * _uneven(counts) for counts in np.array(by_agency)[:, one])
        total += sum(SITE * _uneven(counts) for counts in np.array(by_site)[:, one])
    return total


def _uneven(counts: Ints) -> int:
    if not counts.size:
        return 0
    each, more = divmod(int(counts.sum()), counts.size)
    return int((counts**2).sum()) - (counts.size - more) * each**2 - more * (each + 1) ** 2


def _again(
    blocks: Sequence[Sequence[int]], cases: Sequence[Case], re_rated: int, rng: np.random.Generator
) -> tuple[tuple[int, ...], ...]:
    """For each officer the cases rated again: bands in turn, the cases that fewest have rated again so far, then by lot."""
    times, chosen = np.zeros(len(cases), dtype=np.int64), []
    for block in blocks:
        lot = rng.random(len(cases))
        mine: list[int] = []
        for _ in range(re_rated):
            bands = [cases[c].risk_band for c in mine]
            mine.append(min((c for c in block if c not in mine), key=lambda c: (bands.count(cases[c].risk_band), times[c], lot[c])))
            times[mine[-1]] += 1
        chosen.append(tuple(sorted(mine)))
    return tuple(chosen)


# --- what became of it -----------------------------------------------------------------------------------------


def block_quality(design: Design) -> Result:
    """How even a design is, and whether it hangs together.

    Returns
    -------
    Result
        By ``case`` and ``agency`` (empty = all officers): ``replications``, officers who rate the case. By ``pairs``
        (``all``, ``within bands``, ``between bands``; links left out, with which every pair is met): ``concurrence``,
        mean number of officers who rate both cases of a pair, with ``parts`` ``least`` and ``most``. For the whole,
        ``components``, parts that share neither officer nor case (1 = connected), and ``efficiency_factor``, the
        harmonic mean of the canonical efficiency factors of comparisons between cases, officers' levels taken out: 1
        for a complete design, 0 for one in parts (John & Williams 1995, Cyclic and Computer Generated Designs, 2nd ed.).
    """
    rated = design.rated()
    rows = []

    def add(name: str, value: float, parts: dict[str, float] | None = None, **group: str) -> None:
        found = Estimate(float(value), method="count", n_subjects=len(design.cases), n_raters=len(design.raters), parts=parts or {})
        rows.append(Row({"case": "", "agency": "", "pairs": "", **group}, name, found))

    agencies = np.array([rater.attributes.get("agency", "") for rater in design.raters])
    for agency in ("", *(name for name in dict.fromkeys(agencies.tolist()) if name)):
        for case, n in zip(design.cases, rated[agencies == agency if agency else slice(None)].sum(axis=0), strict=True):
            add("replications", n, case=case.id, agency=agency)
    together = rated.T.astype(np.int64) @ rated
    free, bands = np.flatnonzero(~rated.all(axis=0)), design.bands()
    pairs = np.array(list(combinations(free.tolist(), 2)), dtype=np.int64).reshape(-1, 2)
    same = bands[pairs[:, 0]] == bands[pairs[:, 1]]
    never = 0
    for name, which in (("all", np.full(len(pairs), True)), ("within bands", same), ("between bands", ~same)):
        counts = together[pairs[which, 0], pairs[which, 1]]
        if len(counts):
            never = max(never, int((counts == 0).sum()))
            add("concurrence", counts.mean(), {"least": float(counts.min()), "most": float(counts.max()), "pairs": float(len(counts))}, pairs=name)
    parts = _components(rated)
    add("components", parts)
    add("efficiency_factor", _efficiency(rated))
    notes = ["Every officer is linked with every other through the vignettes they share." if parts == 1 else
             f"The design falls into {parts} parts that share neither officer nor vignette."]
    if never:
        notes.append(f"{never} of {len(pairs)} pairs of vignettes are never rated by the same officer.")
    return Result("How even are the blocks?", ("case", "agency", "pairs"), tuple(rows), tuple(notes),
                  names={case.id: case.attributes.get("title", case.id) for case in design.cases})


def _components(rated: npt.NDArray[np.bool_]) -> int:
    """Parts of the graph of officers and cases; an officer or case without any rating is a part of its own."""
    n_cases = rated.shape[1]
    parts, left = 0, np.ones(n_cases, dtype=bool)
    while left.any():
        reached = np.zeros(n_cases, dtype=bool)
        reached[np.argmax(left)] = True
        while True:
            wider = reached | rated[rated[:, reached].any(axis=1)].any(axis=0)
            if (wider == reached).all():
                break
            reached = wider
        left &= ~reached
        parts += 1
    return parts + int((~rated.any(axis=1)).sum())


def _efficiency(rated: npt.NDArray[np.bool_]) -> float:
    if rated.shape[1] < 2:
        return 1.0
    sizes, replications = rated.sum(axis=1), rated.sum(axis=0)
    if _components(rated) > 1:
        return 0.0
    shared = rated.T / sizes @ rated
    scaled = np.eye(len(replications)) - shared / np.sqrt(np.outer(replications, replications))
    factors = np.linalg.eigvalsh(scaled)[1:]  # the first is 0: the mean of all cases
    return float(len(factors) / (1 / factors).sum())


def assignment_table(design: Design, seed: int = 1) -> dict[str, list[str]]:
    """Who rates what in which order, a row for each officer, occasion and case: for lists, forms and assignments.csv.

    Each officer gets the cases of an occasion in a random order. Columns ``officer``, ``occasion``,
    ``order`` (from 1), ``case``.
    """
    rng = np.random.default_rng([seed, 3])
    occasions = (design.assignment, *(later.assignment for later in design.later))
    drawn = [[rng.permutation(np.array(block, dtype=np.int64)).tolist() for block in occasion] for occasion in occasions]
    rows = [(rater.id, str(number), str(place), design.cases[c].id)
            for j, rater in enumerate(design.raters)
            for number, occasion in enumerate(drawn, 1)
            for place, c in enumerate(occasion[j], 1)]
    return {name: [row[k] for row in rows] for k, name in enumerate(("officer", "occasion", "order", "case"))}
