"""What survives the grid of choices: each conclusion, the choices that turn it, the range of each number, the ranks of the factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from arms_irr.analysis.consistency import ORDINAL_METRIC
from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.sensitivity import CHOICES
from arms_irr.analysis.titles import title_of
from arms_irr.errors import ArgumentError
from arms_irr.statistics.benchmarks import place
from arms_irr.statistics.benchmarks import scale as scale_of
from arms_irr.statistics.estimate import Estimate

__all__ = ["conclusions", "factor_ranks", "ranges"]

Point = tuple[str, ...]  # the options chosen, in the order of CHOICES
Values = dict[Point, dict[str, Estimate]]  # of each level of a column
_FAMILIES = {"against the gold standard": ("exact", ""), "between officers": ("gwet", "quadratic")}  # with the point they start from
_AGAINST = ("exact", "adjacent")
_USUAL = {"exact": "", "adjacent": "", "percent": "identity", "krippendorff": ORDINAL_METRIC}  # weights; otherwise quadratic


@dataclass(frozen=True)
class Held:
    """A conclusion, at every point of the grid where it can be drawn."""

    words: str
    measured: str
    holds: Mapping[Point, bool]
    base: Point


def conclusions(grid: Result, *, above: float = 0.6, scale: str = "landis_koch", sure: float = 0.95) -> Result:
    """In what share of the analyses each qualitative conclusion holds, and which choices turn it.

    Parameters
    ----------
    grid : Result
        Of :func:`arms_irr.analysis.sensitivity.sensitivity`.
    above : float
        The line that chance-corrected agreement between officers is set against.
    scale, sure : str, float
        Benchmark scale, and the cumulative probability that a word needs (Gwet 2014). A word is a convention, and no one
        scale suits every coefficient (Warrens 2013): that is what this shows.

    Returns
    -------
    Result
        By ``conclusion``, ``measured`` (against the gold standard, between officers), ``choice`` and ``option``. The value
        ``holds`` is the share of the grid's analyses in which the conclusion holds; with no choice named of all of
        them, otherwise of those that made this choice. ``parts``: ``holds``, ``points``, ``at_base`` (1 where it holds in
        the analysis made elsewhere in this package) and ``flips``: on the row of an option 1 where changing that
        choice alone, from that analysis, turns the conclusion; on the first row how many options do. The analyses
        share their ratings: the share is a description, no probability. The conclusions:

        * the lowest band more consistent than the highest (values compared);
        * risk factors more consistent than protective ones;
        * the benchmark word of each band is the one of the analysis made elsewhere;
        * chance-corrected agreement in each band above ``above``.

    Raises
    ------
    ArgumentError
        When ``grid`` is no grid, and for an unknown scale.
    """
    scale_of(scale)
    rows: list[Row] = []
    notes: list[str] = []
    for held in _held(_checked(grid), above, scale, sure):
        found, turning = _rows(held)
        rows += found
        notes.append(_in_words(held, turning))
    notes.append("The analyses use the same ratings: a share of them describes how much choices matter and is no probability.")
    return Result("Which conclusions survive other choices", ("conclusion", "measured", "choice", "option"), tuple(rows), tuple(notes),
                  synthetic=grid.synthetic)


def _checked(grid: Result) -> Result:
    if "unable" not in grid.by or "officers" not in grid.by:
        raise ArgumentError("conclusions are drawn from the grid of sensitivity(study); this is another result")
    return grid


def _values(grid: Result, column: str, measured: str) -> Values:
    """The estimates at each point, by the level of a column; those that are not estimable are left out."""
    found: Values = {}
    for row in grid:
        if row[column] and row.estimate.estimable and (row.coefficient in _AGAINST) == (measured != "between officers"):
            point = (row.coefficient, row.estimate.weights, row["unable"], row["officers"], row["gold"])
            found.setdefault(point, {})[row[column]] = row.estimate
    return found


def _base(points: Mapping[Point, object], measured: str) -> Point:
    """The analysis made elsewhere in this package; a nominal scale has no weights but identity."""
    return next((point for point in points if point[:2] == _FAMILIES[measured]), next(p for p in points if p[0] == _FAMILIES[measured][0]))


def _held(grid: Result, above: float, scale: str, sure: float) -> list[Held]:
    found: list[Held] = []
    bands = list(dict.fromkeys(row["risk_band"] for row in grid if row["risk_band"]))
    for measured in _FAMILIES:
        by_band, by_kind = _values(grid, "risk_band", measured), _values(grid, "kind", measured)
        for words, values, levels in (
            (f"{bands[0]} more consistent than {bands[-1]}" if bands else "", by_band, (bands[:1] + bands[-1:])),
            ("risk factors more consistent than protective factors", by_kind, ["risk", "protective"]),
        ):  # fmt: skip
            both = {point: (at[levels[0]].value, at[levels[1]].value) for point, at in values.items() if set(levels) <= set(at)} \
                if len(set(levels)) == 2 else {}
            found += _where(words, measured, {point: more > less for point, (more, less) in both.items()})
        if measured != "between officers":
            continue
        corrected = {point: at for point, at in by_band.items() if point[0] != "percent"}
        for band in bands:
            here = {point: at[band] for point, at in corrected.items() if band in at}
            spoken = {point: _word(one, scale, sure) for point, one in here.items()}
            worded = {point: word for point, word in spoken.items() if word}
            if worded and (usual := worded.get(_base(here, measured))):
                title = f"{band}: '{usual}' ({scale_of(scale).title})"
                found += _where(title, measured, {point: word == usual for point, word in worded.items()})
            found += _where(f"{band}: above {above:g}", measured, {point: one.value > above for point, one in here.items()})
    return found


def _where(words: str, measured: str, holds: dict[Point, bool]) -> list[Held]:
    if not any(point[0] == _FAMILIES[measured][0] for point in holds):
        return []
    return [Held(words, measured, holds, _base(holds, measured))]


def _word(found: Estimate, scale: str, sure: float) -> str:
    se = math.nan if "zero-se" in found.flags else found.se
    return place(found.value, se, scale, math.inf if math.isnan(found.df) else found.df, sure).word


def _rows(held: Held) -> tuple[list[Row], list[str]]:
    """The rows of one conclusion, and the options that turn it."""
    at_base = held.holds[held.base]
    rows: list[Row] = []
    turning: list[str] = []
    for i, choice in enumerate(CHOICES):
        options = list(dict.fromkeys(point[i] for point in held.holds))
        for option in options if len(options) > 1 else []:
            made = [holds for point, holds in held.holds.items() if point[i] == option]
            alone = held.holds.get((*held.base[:i], option, *held.base[i + 1 :]), at_base)
            if alone != at_base:
                turning.append(f"{choice} {title_of(option).words if choice == 'statistic' else option}")
            rows.append(_row(held, choice, option, made, at_base, float(alone != at_base)))
    return [_row(held, "", "", list(held.holds.values()), at_base, float(len(turning))), *rows], turning


def _row(held: Held, choice: str, option: str, made: list[bool], at_base: bool, flips: float) -> Row:
    parts = {"holds": float(sum(made)), "points": float(len(made)), "at_base": float(at_base), "flips": flips}
    group = {"conclusion": held.words, "measured": held.measured, "choice": choice, "option": option}
    return Row(group, "holds", Estimate(sum(made) / len(made), method="share of the analyses in the grid", parts=parts))


def _in_words(held: Held, turning: list[str]) -> str:
    held_in, of = sum(held.holds.values()), len(held.holds)
    usual = "it does" if held.holds[held.base] else "it does not"
    text = f"{held.words[0].upper()}{held.words[1:]}, {held.measured}: holds in {held_in} of {of} analyses; in the usual one {usual}."
    if turning:
        return f"{text} One changed choice turns it: {'; '.join(turning)}."
    return text if held_in in (0, of) else f"{text} No single changed choice turns it, but several together do."


# --- the numbers ------------------------------------------------------------------------------------------


def ranges(grid: Result) -> Result:
    """How far each headline number moves under other choices.

    Parameters
    ----------
    grid : Result
        Of :func:`arms_irr.analysis.sensitivity.sensitivity`.

    Returns
    -------
    Result
        By ``measured``, ``risk_band`` (``kind`` in a study without bands), ``least_at`` and ``most_at``: each statistic in the
        analysis made elsewhere in this package, with its interval there. ``parts``: ``least``, ``most`` and ``points``, over
        every other choice that the grid makes with the same statistic. ``least_at`` and ``most_at`` name the choices at the
        first such analysis that differ from the usual ones. The range describes choices and is no interval.
    """
    column = "risk_band" if any(row["risk_band"] for row in _checked(grid)) else "kind"
    rows: list[Row] = []
    for measured in _FAMILIES:
        values = _values(grid, column, measured)
        for level, statistic in dict.fromkeys((level, point[0]) for point, at in values.items() for level in at):
            here = {point: at[level] for point, at in values.items() if point[0] == statistic and level in at}
            usual = next((point for point in here if point[1] == _USUAL.get(statistic, "quadratic")), next(iter(here)))
            low, high = (pick(here, key=lambda point: here[point].value) for pick in (min, max))
            parts = {"least": here[low].value, "most": here[high].value, "points": float(len(here))}
            at = {"least_at": _changed(low, usual), "most_at": _changed(high, usual)}
            rows.append(Row({"measured": measured, column: level, **at}, statistic, replace(here[usual], parts=parts)))
    return Result("How far the headline numbers move", ("measured", column, "least_at", "most_at"), tuple(rows), synthetic=grid.synthetic)


def _changed(point: Point, usual: Point) -> str:
    """The choices of a point that are not the usual ones."""
    return "; ".join(f"{choice} {option}" for choice, option, other in zip(CHOICES, point, usual, strict=True) if option != other)


# --- the factors ------------------------------------------------------------------------------------------


def factor_ranks(grid: Result) -> Result:
    """Whether the factors keep their order, from most to least agreement, under other choices.

    Parameters
    ----------
    grid : Result
        Of :func:`arms_irr.analysis.sensitivity.sensitivity`.

    Returns
    -------
    Result
        By ``measured`` and ``factor``. ``rank``: in the analysis made elsewhere, 1 the most agreement, ties at their
        mean; ``parts``: ``best``, ``worst`` and ``median`` over the grid, and ``last_third``, the share of analyses
        that put the factor among the last third. With no factor named ``rank_correlation``: the mean of Spearman's
        correlation of each analysis with that one; ``parts``: ``least`` and ``points``. Only analyses that have a value for
        every factor count.
    """
    rows: list[Row] = []
    for measured in _FAMILIES:
        values = _values(_checked(grid), "factor", measured)
        factors = list(dict.fromkeys(factor for at in values.values() for factor in at))
        whole = {point: at for point, at in values.items() if len(at) == len(factors)}
        if len(factors) < 3 or not any(point[0] == _FAMILIES[measured][0] for point in whole):
            continue
        table = np.array([[at[factor].value for factor in factors] for at in whole.values()])
        ranks = _ranked(table)
        base = list(whole).index(_base(whole, measured))
        for k, factor in enumerate(factors):
            own = ranks[:, k]
            parts = {"best": float(own.min()), "worst": float(own.max()), "median": float(np.median(own)),
                     "last_third": float((own > 2 * len(factors) / 3).mean())}
            rows.append(Row({"measured": measured, "factor": factor}, "rank", Estimate(float(ranks[base, k]), method="rank in the usual analysis", parts=parts)))
        rows += _stability(measured, ranks, base)
    notes = ("Ranks of factors are uncertain before any choice is made: each rests on few cases. Read how far a factor moves, not its place.",)
    return Result("Do the factors keep their order?", ("measured", "factor"), tuple(rows), notes, synthetic=grid.synthetic)


def _ranked(table: np.ndarray) -> np.ndarray:
    """(points, factors) ranks within each row, 1 the largest, ties at their mean; rounding makes no rank."""
    x = np.round(table, 12)
    larger, equal = (x[:, None, :] > x[:, :, None]).sum(axis=2), (x[:, None, :] == x[:, :, None]).sum(axis=2)
    return np.asarray(larger + (equal + 1) / 2)


def _stability(measured: str, ranks: np.ndarray, base: int) -> list[Row]:
    """Spearman's correlation with the usual analysis; where all factors tie there is none."""
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=1))
    others = np.flatnonzero((size > 0) & (np.arange(len(ranks)) != base))
    if size[base] == 0 or not len(others):
        return []
    r = centred[others] @ centred[base] / (size[others] * size[base])
    parts = {"least": float(r.min()), "points": float(len(r))}
    return [Row({"measured": measured, "factor": ""}, "rank_correlation", Estimate(float(r.mean()), method="mean of Spearman's correlations with the usual analysis", parts=parts))]
