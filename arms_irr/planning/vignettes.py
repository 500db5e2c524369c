"""Which vignettes does the next exercise need, and what do the present ones show?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.consistency import between_raters
from arms_irr.analysis.design import FEW
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.instruments.load import load_instrument
from arms_irr.instruments.model import Factor, Instrument
from arms_irr.instruments.rules import LEVELS, PRIORITY, predominant, rated
from arms_irr.planning.designs import Case
from arms_irr.planning.parameters import BANDS
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.study.study import Study

__all__ = ["gold_profiles", "new_vignettes", "vignette_diagnostics"]

ENOUGH = 4  # times that each gold should occur per factor, where nothing else is asked for
UNCLEAR = 0.5  # below it two officers, or an officer and the gold standard, differ more often than they agree
Ints = npt.NDArray[np.int64]


# --- the next vignettes ---------------------------------------------------------------------------------------


def gold_profiles(
    cases: Mapping[str, int], *, instrument: str | Instrument = "arms-12", minimum: Mapping[str, int] | None = None,
    existing: Study | None = None,
) -> Result:
    """Which gold standards the next vignettes should carry, factor by factor, so that reliability can be shown at all.

    A factor whose gold never varies shows no reliability, and one whose gold follows the risk band shows the band. So
    each factor gets every category often enough and in both bands: the nearest whole numbers to Low, Medium, High in
    3 : 2 : 1 among lower-risk vignettes and 1 : 2 : 3 among higher-risk ones, vignettes that are kept included.

    Parameters
    ----------
    cases : mapping of str to int
        New vignettes by risk band, for example ``{"lower": 6, "higher": 6}``.
    instrument : str or Instrument
        One whose factors are rated Low, Medium, High.
    minimum : mapping of str to int, optional
        How often each category must occur per factor over all vignettes, for example ``{"Low": 4, "Medium": 4,
        "High": 4}``: which is the default, or as many of each as the vignettes allow where they are too few.
    existing : Study, optional
        A study whose vignettes are kept; it must have a gold standard.

    Returns
    -------
    Result
        ``vignettes`` by factor, risk band and gold: how many new vignettes carry it. ``parts``: ``kept``, those of the
        existing study, and ``all``, kept and new over both bands.

    Raises
    ------
    ArgumentError
        For bands the rating model does not know, and where the minimum needs more vignettes, with the nearest set that
        can be.
    """
    tool, factors = _instrument(instrument)
    kept = _kept(existing, tool, factors)
    new, lowered = _counts(_by_band(cases), kept, minimum)
    rows = []
    for f, factor in enumerate(factors):
        for b, band in enumerate(BANDS):
            for k, gold in enumerate(PRIORITY.categories):
                parts = {"kept": float(kept[b, f, k]), "all": float(kept[:, f, k].sum() + new[:, f, k].sum())}
                rows.append(Row({"factor": factor.id, "risk_band": band, "gold": gold}, "vignettes",
                                Estimate(float(new[b, f, k]), method="chosen", n_subjects=int(new[b, f].sum()), parts=parts)))
    notes = (lowered,) if lowered else ()
    return Result("Which gold standards do the next vignettes need?", ("factor", "risk_band", "gold"), tuple(rows), notes, instrument=tool,
                  synthetic=existing is not None and existing.synthetic)


def new_vignettes(
    cases: Mapping[str, int], *, instrument: str | Instrument = "arms-12", minimum: Mapping[str, int] | None = None,
    existing: Study | None = None, seed: int = 1,
) -> tuple[Case, ...]:
    """Vignettes with the golds of :func:`gold_profiles`, lower-risk ones first; which gets which is drawn from the seed.

    The gold overall priority is the predominant one. They are outlines for whoever writes the stories: two golds that no
    story can hold together may be exchanged between vignettes of a band, which leaves the table as it is.
    """
    tool, factors = _instrument(instrument)
    new, _ = _counts(_by_band(cases), _kept(existing, tool, factors), minimum)
    rng, ids = np.random.default_rng([seed, 0]), _ids(existing)
    made = []
    for b, band in enumerate(BANDS):
        golds = np.array([np.repeat(np.arange(3), row) for row in new[b]])
        for number, profile in enumerate(rng.permuted(golds, axis=1).T.tolist(), 1):
            overall = LEVELS.categories.index(str(predominant(profile)))
            made.append(Case(next(ids), band, tuple(profile), overall, {"title": f"{band.title()}-risk vignette {number}"}))
    return tuple(made)


def _ids(existing: Study | None) -> Iterator[str]:
    taken = existing.cases if existing else ()
    return (name for name in (f"case_{number:02d}" for number in count(1)) if name not in taken)


def _instrument(instrument: str | Instrument) -> tuple[Instrument, list[Factor]]:
    tool = load_instrument(instrument) if isinstance(instrument, str) else instrument
    factors = rated(tool)
    if not factors or any(tool.scale_of(f.id).categories != PRIORITY.categories for f in factors):
        raise ArgumentError(f"{tool.name} does not rate risk and protective factors {', '.join(PRIORITY.categories)}: vignettes cannot be "
                            "planned for it. Use arms-12, arms-11 or a copy of them.")
    return tool, factors


def _by_band(cases: Mapping[str, int]) -> Ints:
    for band, number in cases.items():
        if band not in BANDS:
            raise ArgumentError(f"{band!r} is not a risk band of the rating model. {nearest(band, BANDS)}Give vignettes for "
                                f"{' and '.join(BANDS)}.")
        if number != int(number) or number < 0:
            raise ArgumentError(f"{number!r} {band}-risk vignettes cannot be. Give a whole number.")
    return np.array([int(cases.get(band, 0)) for band in BANDS])


def _kept(existing: Study | None, tool: Instrument, factors: list[Factor]) -> Ints:
    """Golds of the vignettes that are kept: shape (bands, factors, categories)."""
    kept = np.zeros((len(BANDS), len(factors), len(PRIORITY.categories)), dtype=np.int64)
    if existing is None:
        return kept
    if existing.gold is None or existing.instrument.factor_ids != tool.factor_ids:
        raise ArgumentError(f"the vignettes of {existing.title!r} cannot be counted: they need a gold standard for the factors of {tool.name}.")
    bands = existing.case_attributes.get("risk_band", ("",) * len(existing.cases))
    if not set(bands) <= set(BANDS):
        unknown = next(band for band in bands if band not in BANDS)
        raise ArgumentError(f"the vignettes of {existing.title!r} have the risk band {unknown!r}; the rating model knows {' and '.join(BANDS)}.")
    golds = existing.gold[:, [tool.factor_ids.index(f.id) for f in factors]]
    for case, band in enumerate(bands):
        for f in np.flatnonzero(golds[case] >= 0):
            kept[BANDS.index(band), f, golds[case, f]] += 1
    return kept


def _counts(cases: Ints, kept: Ints, minimum: Mapping[str, int] | None) -> tuple[Ints, str]:
    """New vignettes by band, factor and gold, and a sentence where the usual minimum had to be lowered."""
    total, q = int(cases.sum()), len(PRIORITY.categories)
    if not total:
        raise ArgumentError("no new vignettes are asked for. Give, for example, {'lower': 6, 'higher': 6}.")
    before = kept.sum(axis=0)
    usual = next(m for m in range(ENOUGH, -1, -1) if _missing(before, np.full(q, m)).sum(axis=1).max() <= total)
    least = np.full(q, usual) if minimum is None else _least(minimum)
    needed = int(_missing(before, least).sum(axis=1).max())
    if needed > total:
        raise ArgumentError(f"{_listed(least)} per factor need {needed} new vignettes, not {total}. The nearest: {needed} vignettes "
                            f"({{'lower': {needed // 2}, 'higher': {needed - needed // 2}}}), or at least {usual} of each with {total}.")
    lowered = f"Each gold occurs at least {usual} times per factor: {total} new vignettes do not allow {ENOUGH}." if minimum is None else ""
    new = np.empty_like(kept)
    found: dict[bytes, Ints] = {}
    for f in range(kept.shape[1]):
        key = kept[:, f].tobytes()
        if key not in found:
            found[key] = _nearest_mix(cases, kept[:, f], least)
        new[:, f] = found[key]
    return new, lowered if usual < ENOUGH else ""


def _missing(before: Ints, least: Ints) -> Ints:
    return np.maximum(least - before, 0)


def _least(minimum: Mapping[str, int]) -> Ints:
    for gold, number in minimum.items():
        if gold not in PRIORITY.categories:
            raise ArgumentError(f"{gold!r} is no priority. {nearest(gold, PRIORITY.categories)}Give {', '.join(PRIORITY.categories)}.")
        if number != int(number) or number < 0:
            raise ArgumentError(f"the minimum of {gold} is {number!r}. Give a whole number.")
    return np.array([int(minimum.get(gold, 0)) for gold in PRIORITY.categories])


def _listed(least: Ints) -> str:
    return ", ".join(f"{number} {gold}" for gold, number in zip(PRIORITY.categories, least, strict=True))


def _nearest_mix(cases: Ints, kept: Ints, least: Ints) -> Ints:
    """Whole numbers (bands, categories) that reach the minimum and lie nearest to 3 : 2 : 1 and 1 : 2 : 3."""
    ways, costs = [], []
    for b, mix in enumerate((np.array([3, 2, 1]) / 6, np.array([1, 2, 3]) / 6)):
        low, middle = (a.ravel() for a in np.meshgrid(*[np.arange(cases[b] + 1)] * 2, indexing="ij"))
        way = np.stack([low, middle, cases[b] - low - middle], axis=1)[low + middle <= cases[b]]
        ways.append(way)
        costs.append(((kept[b] + way - (kept[b].sum() + cases[b]) * mix) ** 2).sum(axis=1))
    together = kept.sum(axis=0) + ways[0][:, None] + ways[1]
    cost = np.where((together >= least).all(axis=2), costs[0][:, None] + costs[1], np.inf)
    i, j = np.unravel_index(np.argmin(np.round(cost, 9)), cost.shape)
    return np.array([ways[0][i], ways[1][j]])


# --- the present ones -----------------------------------------------------------------------------------------


def vignette_diagnostics(study: Study) -> Result:
    """What the vignettes of a study can show: factors whose gold never varies, unclear cells, what each case adds.

    Returns
    -------
    Result
        By factor and case, one of them empty where it does not apply. For a factor ``gold_categories``: how many
        categories its gold standard uses (``parts``: ``gold_0`` ... vignettes with each, the lowest first); one means
        that no reliability can be shown, flag ``constant-gold``. For a case ``only_here``: factors whose gold in this
        case no other case carries (``parts``: ``constant_without``, factors that would not vary without it). For a cell
        ``exact`` and ``percent``, agreement with the gold standard and between two officers; the flag ``ambiguous``
        where both are below one half (the latter alone without a gold standard), with at least 5 officers.
    """
    factors = [f for f in study.factors_rated if study.instrument.factors[f].kind != "static"]
    rows = [*_factor_rows(study, factors), *_case_rows(study, factors), *_cell_rows(study, factors)]
    constant = [row["factor"] for row in rows if "constant-gold" in row.estimate.flags and row.coefficient == "gold_categories"]
    unclear = sorted({(row["case"], row["factor"]) for row in rows if "ambiguous" in row.estimate.flags})
    spare = [row["case"] for row in rows if row.coefficient == "only_here" and row.estimate.value == 0]
    notes = (
        f"The gold standard never varies for: {', '.join(constant)}. No reliability can be shown for them with these vignettes." * bool(constant),
        f"Unclear in these vignettes: {'; '.join(f'{factor} in {case}' for case, factor in unclear)}." * bool(unclear),
        f"Every gold standard of {', '.join(spare)} occurs in another vignette too, so any one of them could be left out." * bool(spare),
    )
    return Result("What can these vignettes show?", ("factor", "case"), tuple(rows), tuple(note for note in notes if note),
                  instrument=study.instrument, names=study.case_titles, synthetic=study.synthetic)


def _factor_rows(study: Study, factors: list[int]) -> Iterator[Row]:
    for f in factors:
        factor = study.instrument.factors[f]
        golds = study.gold[:, f][study.gold[:, f] >= 0] if study.gold is not None else np.array([], dtype=np.int64)
        counts = np.bincount(golds, minlength=len(study.instrument.scale_of(factor.id).categories))
        used = int((counts > 0).sum())
        found = undefined("no-gold") if not used else Estimate(
            float(used), method="count", n_subjects=len(golds), flags=("constant-gold",) if used == 1 else (),
            parts={f"gold_{k}": float(n) for k, n in enumerate(counts)})
        yield Row({"factor": factor.id, "case": ""}, "gold_categories", found)


def _case_rows(study: Study, factors: list[int]) -> Iterator[Row]:
    golds = study.gold[:, factors].astype(np.int64) if study.gold is not None else np.full((len(study.cases), len(factors)), -1)
    highest = int(golds.max(initial=0))
    carried = np.stack([(golds == k).sum(axis=0) for k in range(highest + 1)])  # (categories, factors)
    varies = (carried > 0).sum(axis=0) > 1
    for case, name in enumerate(study.cases):
        given = golds[case] >= 0
        without = carried - (golds[case] == np.arange(highest + 1)[:, None])
        parts = {"constant_without": float((varies & ((without > 0).sum(axis=0) < 2)).sum())}
        lone = given & (np.take_along_axis(carried, np.maximum(golds[case], 0)[None], axis=0)[0] == 1)
        found = Estimate(float(lone.sum()), method="count", n_subjects=int(given.sum()), parts=parts) if given.any() else undefined("no-gold")
        yield Row({"factor": "", "case": name}, "only_here", found)


def _cell_rows(study: Study, factors: list[int]) -> Iterator[Row]:
    names = {study.instrument.factors[f].id for f in factors}
    pairs = between_raters(study, ("factor", "case"), coefficient="percent", weights="identity")
    exact = against_gold(study, ("factor", "case"), statistics=("exact",)).rows if study.has_gold else ()
    with_gold = {(row["factor"], row["case"]): row for row in exact}
    for row in pairs:
        if row["factor"] not in names:
            continue
        hits = with_gold.get((row["factor"], row["case"]))
        shares = [r.estimate.value for r in (row, hits) if r is not None]
        unclear = row.estimate.n_raters >= FEW and all(share < UNCLEAR for share in shares)  # nan is not
        for shown in (hits, row):
            if shown is not None:
                yield replace(shown, estimate=shown.estimate.flagged("ambiguous")) if unclear else shown
