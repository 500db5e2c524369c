"""What an exercise would show: precision and power of the headline statistics, and what more officers or cases would buy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.special import ndtri

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.planning.designs import PILOT_MIX, Case, Design, Mix, Rater, crossed
from arms_irr.planning.engine import PANELS, Part, Piece, Plan, run
from arms_irr.planning.headlines import CONFIRMATORY, CONTRASTS, Headline, headlines
from arms_irr.planning.parameters import BANDS, Parameters
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined

__all__ = ["BENCHMARKS", "NEW_CASES", "SCENARIOS", "Quantity", "one_more", "precision", "quantities", "trade_off"]

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]
Found = dict[tuple[Headline, str, str], "Quantity"]  # statistic and group, target, quantity

NEW_CASES = Parameters(ambiguity_sd=0.25, difficulty_sd=0.2)  # cases that differ from each other beyond their golds
BENCHMARKS: Mapping[str, float] = {"gwet": 0.6, "brennan_prediger": 0.6, "conger": 0.6, "fleiss": 0.6}
TARGETS = ("raters", "both")
SCENARIOS: tuple[Headline, ...] = (("difference", "agencies, the second 25 % noisier"), ("difference", "after less before training"))


def precision(
    design: Design, parameters: Parameters = NEW_CASES, *, replications: int = 250, seed: int = 1, targets: Sequence[str] = TARGETS,
    golds: Mix | None = None, benchmarks: Mapping[str, float] = BENCHMARKS, confidence_level: float = 0.95, n_jobs: int | None = None,
    stop: Stop | None = None, progress: Progress | None = None,
) -> Result:
    """What an exercise of this design would show.

    Parameters
    ----------
    design : Design
    parameters : Parameters
        How officers rate, and how cases differ beyond their golds (``ambiguity_sd``, ``difficulty_sd``).
    replications : int
        Sets of cases; each is rated by two groups of officers, all new, so that what is due to officers can be told from
        what is due to cases.
    targets : sequence of {"raters", "both"}
        ``raters``: the same exercise with other officers. ``both``: with other officers and other cases.
    golds : Mix, optional
        Golds of new cases are drawn from it for each set; by default new cases carry the golds of the design.
    benchmarks : mapping
        Statistic -> the value that the interval should exclude.
    n_jobs, stop, progress
        As :func:`arms_irr.planning.engine.run`; within ``joblib.parallel_config(backend="dask")`` a cluster computes.

    Returns
    -------
    Result
        By ``statistic, group, inference`` as coefficients, each with its Monte Carlo standard error as ``se``:

        ``mean``, ``standard_deviation``
            Over exercises. For "raters": between groups of officers with the same cases.
        ``half_width``
            "raters": mean half-width of the interval that the report gives by default (of ``missed_high`` the distance from
            the share to its one-sided bound). "both": 1.96 standard deviations; no interval of the report covers it.
        ``coverage``
            Share of these intervals that hold what infinitely many officers would give on the same cases ("raters").
        ``power``, ``power_holm``
            Share of exercises whose p-value is below 1 - confidence level, alone, and by Holm's procedure over the three
            differences asked beforehand. Over officers by t, which stands for the report's sign flips and exchanges of
            labels; for "both" clustered by officers and cases (:func:`arms_irr.planning.headlines.contrast`). Also, over
            officers: two agencies of which the second has 25 % more noise (Welch's t), and training that
            multiplies noise by ``parameters.training.noise``, the same officers rating the cases again.
        ``excludes_benchmark``
            Share of intervals with the benchmark outside; ``parts``: ``above``, ``below``.

        ``parts`` hold ``replications`` and ``undefined``, the share of exercises without the number.

    Raises
    ------
    ArgumentError
        For unknown targets and benchmarks, and as :func:`arms_irr.planning.engine.run`.
    """
    level = check_confidence(confidence_level)
    _check_targets(targets)
    every = headlines(bool(design.rated().all()))
    for name in benchmarks:
        if name not in {*BENCHMARKS, *(statistic for statistic, _ in every)}:
            known = dict.fromkeys(statistic for statistic, _ in every)
            raise ArgumentError(f"{name!r} has no benchmark here. {nearest(name, known)}Choose from {', '.join(known)}.")
    plan = Plan.whole(design, parameters, golds=golds, level=level, scenarios="raters" in targets)
    piece = run(plan, replications, seed, n_jobs=n_jobs, stop=stop, progress=progress)
    found = quantities(piece.shown[0], piece.truth[0], every, targets, level, benchmarks)
    if plan.scenarios:
        for k, key in enumerate(SCENARIOS):
            found[key, "raters", "power"] = Quantity.share(piece.tests[:, k, None] < 1 - level, ~np.isnan(piece.tests[:, k, None]))
    size = {"n_raters": len(design.raters), "n_ratings": int(design.rated().sum()) * len(plan.kind), "confidence_level": level}
    rows = tuple(Row({"statistic": key[0], "group": key[1], "inference": target}, name, replace(one.estimate(target), **size))
                 for (key, target, name), one in found.items())
    return Result(f"What {len(design.raters)} officers and {len(design.cases)} cases would show", ("statistic", "group", "inference"), rows,
                  (*_words(plan), *_stopped(piece, replications)), seed, synthetic=True)


def trade_off(
    officers: Sequence[int] = (20, 40, 80), cases: Sequence[int] = (2, 6, 12, 20), parameters: Parameters = NEW_CASES, *,
    golds: Mix = PILOT_MIX, drawn: bool = True, replications: int = 250, seed: int = 1, targets: Sequence[str] = TARGETS,
    confidence_level: float = 0.95, n_jobs: int | None = None, stop: Stop | None = None, progress: Progress | None = None,
) -> Result:
    """Precision for several numbers of officers and cases, everyone rating every case, half of each risk band.

    Parameters
    ----------
    golds : Mix
        Golds of the cases.
    drawn : bool
        Whether each set of new cases draws its golds from the mix; otherwise all sets carry the same golds, as near to the
        mix as whole cases allow (:func:`arms_irr.planning.designs.crossed`).

    Returns
    -------
    Result
        ``mean``, ``standard_deviation`` and ``half_width`` of :func:`precision` by ``cases, officers, statistic, group,
        inference``. Fewer officers are some of the most, so rows with the same cases share their random numbers.
        Numbers of cases that were not begun when stopped are left out.
    """
    level = check_confidence(confidence_level)
    _check_targets(targets)
    sizes = sorted(set(officers))
    if not sizes or not cases:
        raise ArgumentError("Give at least one number of officers and one of cases.")
    rows: list[Row] = []
    notes: tuple[str, ...] = ()
    for k, n_cases in enumerate(dict.fromkeys(cases)):
        design = crossed(sizes[-1], n_cases, golds=golds, seed=seed)
        by_turns = _by_turns(design)
        parts = tuple(Part(str(n), by_turns[:n], tuple(range(n_cases))) for n in sizes)
        plan = Plan(design, parameters, parts, golds if drawn else None, level)
        told = None if progress is None else _shifted(progress, k, len(set(cases)))
        try:
            piece = run(plan, replications, seed, n_jobs=n_jobs, stop=stop, progress=told)
        except KeyboardInterrupt:
            if not rows:
                raise
            break
        for part, shown, truth in zip(parts, piece.shown, piece.truth, strict=True):
            for (key, target, name), one in quantities(shown, truth, headlines(True), targets, level).items():
                if name in ("mean", "standard_deviation", "half_width"):
                    group = {"cases": str(n_cases), "officers": part.name, "statistic": key[0], "group": key[1], "inference": target}
                    rows.append(Row(group, name, replace(one.estimate(target), n_raters=len(part.officers), confidence_level=level)))
        notes = (*_words(plan), *_stopped(piece, replications))
        if len(piece.tests) < replications:
            break
    return Result("What officers and cases buy", ("cases", "officers", "statistic", "group", "inference"), tuple(rows), notes, seed,
                  synthetic=True)


def one_more(
    design: Design, parameters: Parameters = NEW_CASES, *, officers: int = 5, replications: int = 250, seed: int = 1,
    targets: Sequence[str] = TARGETS, golds: Mix | None = None, confidence_level: float = 0.95, n_jobs: int | None = None,
    stop: Stop | None = None, progress: Progress | None = None,
) -> Result:
    """What one more vignette buys, and what a few more officers buy.

    A further vignette has the golds of the first of its risk band (unless golds are drawn) and is rated by whoever
    rates that one; further officers rate what the first officers of the agencies, by turns, rate. All versions share
    their random numbers.

    Returns
    -------
    Result
        By ``change, statistic, group, inference``: ``half_width``, and ``half_width_change`` from the design as it is
        (negative: narrower), with Monte Carlo standard errors.
    """
    level = check_confidence(confidence_level)
    _check_targets(targets)
    plan = _grown(design, parameters, officers, golds, level)
    piece = run(plan, replications, seed, n_jobs=n_jobs, stop=stop, progress=progress)
    every = headlines(bool(design.rated().all()))
    found = [quantities(shown, truth, every, targets, level) for shown, truth in zip(piece.shown, piece.truth, strict=True)]
    rows = []
    for part, mine in zip(plan.parts, found, strict=True):
        for (key, target, name), one in mine.items():
            if name != "half_width":
                continue
            group = {"change": part.name, "statistic": key[0], "group": key[1], "inference": target}
            size = {"n_raters": len(part.officers), "confidence_level": level}
            rows.append(Row(group, name, replace(one.estimate(target), **size)))
            if mine is not found[0]:
                rows.append(Row(group, "half_width_change", replace(one.less(found[0][key, target, name]).estimate(target), **size)))
    return Result("What one more vignette buys, and what more officers buy", ("change", "statistic", "group", "inference"), tuple(rows),
                  (*_words(plan), *_stopped(piece, replications)), seed, synthetic=True)


def _grown(design: Design, parameters: Parameters, officers: int, golds: Mix | None, level: float) -> Plan:
    """The design with a vignette more in each band and so many officers more, and its versions."""
    n_officers, n_cases = len(design.raters), len(design.cases)
    there = [band for band in BANDS if any(case.risk_band == band for case in design.cases)]
    models = [next(c for c, case in enumerate(design.cases) if case.risk_band == band) for band in there]
    cases = [*design.cases, *(Case(f"further_{c}", design.cases[c].risk_band, design.cases[c].gold, design.cases[c].overall) for c in models)]
    like = (_by_turns(design) * officers)[:officers]
    raters = [*design.raters, *(Rater(f"further_{k}", design.raters[j].attributes) for k, j in enumerate(like))]
    assignment = [design.assignment[j] for j in (*range(n_officers), *like)]
    assignment = [(*mine, *(n_cases + k for k, c in enumerate(models) if c in mine)) for mine in assignment]
    larger = replace(design, name="custom", raters=tuple(raters), cases=tuple(cases), assignment=tuple(assignment), later=())
    now, here = tuple(range(n_officers)), tuple(range(n_cases))
    parts = [Part("as planned", now, here)]
    parts += [Part(f"one more {band}-risk vignette", now, (*here, n_cases + k)) for k, band in enumerate(there)]
    parts += [Part(f"{officers} more officers", tuple(range(len(raters))), here)]
    return Plan(larger, parameters, tuple(parts), golds, level)


def _by_turns(design: Design) -> tuple[int, ...]:
    """Officers, one of each agency after the other."""
    seen: dict[str, int] = {}
    turn = []
    for rater in design.raters:
        agency = rater.attributes.get("agency", "")
        seen[agency] = seen.get(agency, -1) + 1
        turn.append(seen[agency])
    return tuple(sorted(range(len(turn)), key=lambda j: turn[j]))


def _check_targets(targets: Iterable[str]) -> None:
    for target in targets:
        if target not in TARGETS:
            raise ArgumentError(f"The target {target!r} is not one of {', '.join(TARGETS)}. {nearest(target, TARGETS)}".rstrip())


def _shifted(progress: Progress, k: int, times: int) -> Progress:
    return lambda done, of: progress(k * of + done, times * of)


def _words(plan: Plan) -> list[str]:
    """What was assumed about the cases."""
    p = plan.parameters
    golds = ("New cases have their golds drawn from the mix stated." if plan.golds is not None
             else "New cases carry the golds of the planned ones, factor by factor.")
    differ = (f"Beyond their golds new cases differ: a factor reads higher or lower by {p.ambiguity_sd:g} latent units (standard "
              f"deviation), the noise of a case is larger or smaller by {p.difficulty_sd:g} on the log scale.")
    return ["All ratings are simulated; the parameters are stated, not observed.", golds,
            differ if p.ambiguity_sd or p.difficulty_sd else "Cases are taken not to differ beyond their golds, so other cases are as these."]


def _stopped(piece: Piece, replications: int) -> list[str]:
    done = len(piece.tests)
    return [f"Stopped after {done} of {replications} sets of cases; what was computed is kept."] if done < replications else []


# --- numbers and their Monte Carlo error ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Quantity:
    """A number computed from simulated exercises, and what each set of cases adds to it: (S,) terms.

    The Monte Carlo standard error is that of the mean of the terms, so that of a difference allows for common random
    numbers. ``undefined``: the share of exercises that have none.
    """

    value: float
    terms: np.ndarray
    undefined: float = 0.0
    method: str = "simulation"
    flags: tuple[str, ...] = ()
    parts: Mapping[str, float] | None = None

    @classmethod
    def mean(cls, values: np.ndarray, method: str = "simulation") -> Quantity:
        """Mean of (S, PANELS) values, ``nan`` where undefined."""
        known = ~np.isnan(values)
        times = known.sum(1)
        terms = np.divide(np.where(known, values, 0.0).sum(1), times, out=np.full(len(values), np.nan), where=times > 0)
        value = float(terms[times > 0].mean()) if times.any() else np.nan
        return cls(value, terms, 1 - float(known.mean()), method)

    @classmethod
    def share(cls, hits: np.ndarray, known: np.ndarray, method: str = "simulation") -> Quantity:
        """Share of hits among the exercises where it is known."""
        return cls.mean(np.where(known, hits, np.nan), method)

    @classmethod
    def deviation(cls, squares: np.ndarray, factor: float = 1.0, method: str = "simulation") -> Quantity:
        """factor times the root of the mean of (S,) squared deviations."""
        known = ~np.isnan(squares)
        root = float(np.sqrt(squares[known].mean())) if known.any() else np.nan
        terms = factor * squares / (2 * root) if root > 0 else 0.0 * squares
        return cls(factor * root, terms, 1 - float(known.mean()), method)

    def less(self, other: Quantity) -> Quantity:
        """The difference."""
        return replace(self, value=self.value - other.value, terms=self.terms - other.terms)

    def estimate(self, target: str) -> Estimate:
        """With its Monte Carlo standard error."""
        known = self.terms[~np.isnan(self.terms)]
        parts = {"replications": float(len(known)), "undefined": self.undefined, **(self.parts or {})}
        if np.isnan(self.value):
            return undefined(*(self.flags or ("no-interval",)), target=target, method=self.method)
        se = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else np.nan
        return Estimate(self.value, se=se, target=target, method=self.method, parts=parts)


def quantities(
    shown: np.ndarray, truth: np.ndarray, every: Sequence[Headline], targets: Sequence[str], level: float,
    benchmarks: Mapping[str, float] | None = None,
) -> Found:
    """Everything that can be said about each headline from its values and intervals in all exercises.

    Parameters
    ----------
    shown : (S, PANELS, H, 5) array
        As :func:`arms_irr.planning.headlines.evaluate` for each set of cases and group of officers.
    truth : (S, H) array
        What infinitely many officers would show on each set of cases.
    """
    assert shown.shape[1] == PANELS
    z, found = float(ndtri((1 + level) / 2)), {}
    for (k, key), target in product(enumerate(every), targets):
        value, low, high = (shown[:, :, k, field] for field in range(3))
        found[key, target, "mean"] = Quantity.mean(value)
        squares = _squares(value, target)
        found[key, target, "standard_deviation"] = Quantity.deviation(squares)
        if target == "both":
            found[key, target, "half_width"] = Quantity.deviation(squares, z, f"{z:.2f} standard deviations over exercises")
        else:
            reach = high - value if key[0] == "missed_high" else (high - low) / 2
            found[key, target, "half_width"] = Quantity.mean(reach, "mean of the report's intervals")
            here = truth[:, None, k]
            found[key, target, "coverage"] = Quantity.share((low <= here) & (here <= high), ~np.isnan(low), "the report's intervals")
            if benchmarks and key[0] in benchmarks:
                found[key, target, "excludes_benchmark"] = _excludes(low, high, benchmarks[key[0]])
    for target in targets:
        found |= _powers(shown, every, target, 1 - level)
    return found


def _squares(value: np.ndarray, target: str) -> np.ndarray:
    """(S,) squared deviations whose mean is the variance over groups of officers, or over cases and officers."""
    if target == "raters":
        return np.asarray((value[:, 0] - value[:, 1]) ** 2 / 2)
    known = ~np.isnan(value).any(1)
    n = max(int(known.sum()), 1)
    squares = (value - (value[known].mean(0) if known.any() else np.nan)) ** 2 * n / max(n - 1, 1)
    return np.where(known, squares.mean(1), np.nan)


def _excludes(low: np.ndarray, high: np.ndarray, benchmark: float) -> Quantity:
    known = ~np.isnan(low)
    above, below = (Quantity.share(side, known).value for side in (low > benchmark, high < benchmark))
    return replace(Quantity.share((low > benchmark) | (high < benchmark), known, "the report's intervals"),
                   parts={"benchmark": benchmark, "above": above, "below": below})


def _powers(shown: np.ndarray, every: Sequence[Headline], target: str, alpha: float) -> Found:
    """Power of each contrast, and of the three asked beforehand by Holm's procedure."""
    field, how = (3, "t over officers") if target == "raters" else (4, "t, clustered by officers and cases")
    p = {key: shown[:, :, every.index(key), field] for key in CONTRASTS}
    found: Found = {}
    for key, values in p.items():
        known = ~np.isnan(values)
        one = Quantity.share(values < alpha, known, how)
        found[key, target, "power"] = one if known.any() else replace(one, flags=("few-cases" if target == "both" else "no-interval",))
    family = np.stack([p[key] for key in CONFIRMATORY], -1)
    known = ~np.isnan(family).any(-1)
    if known.any():
        adjusted = _holm(np.where(known[..., None], family, 1.0))
        for k, key in enumerate(CONFIRMATORY):
            found[key, target, "power_holm"] = Quantity.share(adjusted[..., k] < alpha, known, f"{how}, Holm")
    return found


def _holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values along the last axis (Holm 1979)."""
    order = np.argsort(p, axis=-1, kind="stable")
    times = np.arange(p.shape[-1], 0, -1)
    scaled = np.minimum(np.maximum.accumulate(np.take_along_axis(p, order, -1) * times, -1), 1.0)
    out = np.empty_like(p)
    np.put_along_axis(out, order, scaled, -1)
    return out
