"""How does each officer use the scale, and how far do officers differ from each other?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from arms_irr.analysis.design import FEW
from arms_irr.analysis.pool import Floats, Ints, Pool
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.accuracy import entropy_ratio, moments
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.proportions import clopper_pearson, clustered, clustered_mean, wilson
from arms_irr.statistics.severity import Nested, nested, partial_pooling
from arms_irr.study.count import NOT_RECORDED, cells
from arms_irr.study.study import Study

__all__ = ["DIAGNOSTICS", "diagnostics"]


# --- each measure: a list of Estimates, one an officer -----------------------------------------------------


def _shares(hits: Floats, bases: Floats, level: float, empty: str, exact: bool = False) -> list[Estimate]:
    of = clopper_pearson if exact else wilson
    return [of(int(h), int(n), level) if n else undefined(empty) for h, n in zip(hits.tolist(), bases.tolist(), strict=True)]


def _where(pool: Pool, hit: Callable[[Ints, Ints], npt.NDArray[np.bool_]], base: Callable[[Ints], npt.NDArray[np.bool_]]) -> tuple[
    Floats, Floats
]:
    gold, code = np.indices((pool.q, pool.q))
    counted = base(gold)
    return (pool.tables * (hit(gold, code) & counted)).sum(axis=(1, 2)), (pool.tables * counted).sum(axis=(1, 2))


def _signed(pool: Pool, level: float) -> list[Estimate]:
    n = pool.tables.sum(axis=(1, 2))
    step = np.arange(pool.q) - np.arange(pool.q)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (pool.tables * step).sum(axis=(1, 2)) / n
        spread = (pool.tables * (step - mean[:, None, None]) ** 2).sum(axis=(1, 2))
        se = np.sqrt(spread / (n - 1) / n)
        se[spread < 1e-12] = 0.0
        half = stdtrit(n - 1, (1 + level) / 2) * se
    out = []
    for m, s, h, k in zip(mean.tolist(), se.tolist(), half.tolist(), n.tolist(), strict=True):
        if not k:
            out.append(undefined("no-ratings"))
        elif k == 1 or s == 0:
            out.append(Estimate(m, se=s if k > 1 else np.nan, method="mean of the officer's own ratings",
                                flags=("zero-se",) if k > 1 else ("one-subject",)))
        else:
            out.append(Estimate(m, s, m - h, m + h, df=k - 1, method="t interval over the officer's own ratings"))
    return out


def _plain(values: Floats, reason: Callable[[int], str], parts: dict[str, Floats] | None = None) -> list[Estimate]:
    """Values without an interval, ``nan`` with the reason."""
    kept = {name: column.tolist() for name, column in (parts or {}).items()}
    return [undefined(reason(j)) if v != v else Estimate(v, parts={name: column[j] for name, column in kept.items()})
            for j, v in enumerate(values.tolist())]


def _few(pool: Pool, otherwise: str) -> tuple[npt.NDArray[np.bool_], Callable[[int], str]]:
    """Officers with too few ratings for anything but a share, and why a value is missing."""
    n = pool.tables.sum(axis=(1, 2))
    return n < FEW, lambda j: "no-ratings" if n[j] == 0 else "few-subjects" if n[j] < FEW else otherwise


def _ratio(name: str) -> Callable[[Pool, float], list[Estimate]]:
    def of(pool: Pool, level: float) -> list[Estimate]:
        few, reason = _few(pool, "constant-gold")
        sx, sg, covariance = moments(pool.tables)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = {"sd_ratio": sx / sg, "slope": covariance / sg**2, "entropy_ratio": entropy_ratio(pool.tables)}[name]
        values = np.where(few | ~(sg > 0), np.nan, values)
        found = _plain(values, reason)
        return [e.flagged("constant-rater") if e.estimable and s == 0 else e for e, s in zip(found, sx.tolist(), strict=True)]
    return of


def _categories(pool: Pool, level: float) -> list[Estimate]:
    used, golds = (np.count_nonzero(pool.tables.sum(axis=axis), axis=1).astype(np.float64) for axis in (1, 2))
    return _plain(np.where(used > 0, used, np.nan), lambda j: "no-ratings", {"gold": golds})


def _middle(pool: Pool, level: float) -> list[Estimate]:
    if pool.q < 3:
        return [undefined("no-middle")] * pool.raters
    hits, n = _where(pool, lambda g, k: (k > 0) & (k < pool.q - 1), lambda g: g >= 0)
    gold = _where(pool, lambda g, k: (g > 0) & (g < pool.q - 1), lambda g: g >= 0)[0] / np.maximum(n, 1)
    found = _shares(hits, n, level, "no-ratings")
    return [replace(e, parts={"gold": share}) if e.estimable else e for e, share in zip(found, gold.tolist(), strict=True)]


def _within_cases(pool: Pool, level: float) -> list[Estimate]:
    """Spread of an officer's ratings between the factors of a case over that of the gold standard."""
    g = pool.given
    key = g.rater * (int(g.case.max(initial=0)) + 1) + g.case
    n = np.bincount(key)
    spread = []
    for values in (g.code, g.gold):
        mean = np.bincount(key, values) / np.maximum(n, 1)
        spread.append(g.per_rater((values - mean[key]) ** 2))
    few, reason = _few(pool, "constant-gold")
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(few | ~(spread[1] > 0), np.nan, np.sqrt(spread[0] / spread[1]))
    return _plain(values, reason)


def _component(name: str) -> Callable[[Pool, float], list[Estimate]]:
    def of(pool: Pool, level: float) -> list[Estimate]:
        a = pool.accuracy
        n = a.cases * a.factors
        values = np.array(getattr(a, name))
        lacking = np.zeros(len(values), dtype=bool)
        if name in ("differential_elevation", "differential_accuracy"):
            lacking |= a.cases < 2
        if name in ("stereotype_accuracy", "differential_accuracy"):
            lacking |= a.factors < 2
        values[(n < FEW) | lacking] = np.nan
        parts = {"mean_square": a.mean_square, "cases": a.cases.astype(float), "factors": a.factors.astype(float)}
        if name != "elevation":
            parts |= {"spread": getattr(a, f"{name}_spread"), "order": getattr(a, f"{name}_order")}
        found = _plain(values, lambda j: "no-ratings" if n[j] == 0 else "few-subjects" if n[j] < FEW else "one-case-or-factor", parts)
        coarse = name == "differential_elevation"
        return [e.flagged("one-df") if coarse and e.estimable and c == 2 else e for e, c in zip(found, a.cases.tolist(), strict=True)]
    return of


def _detecting(what: str, top: bool) -> Callable[[Pool, float], list[Estimate]]:
    def of(pool: Pool, level: float) -> list[Estimate]:
        category = pool.q - 1 if top else 0
        if what == "sensitivity":
            return _shares(*_where(pool, lambda g, k: k == category, lambda g: g == category), level, "no-signal")
        if what == "specificity":
            return _shares(*_where(pool, lambda g, k: k != category, lambda g: g != category), level, "no-signal")
        found = pool.detection(category)
        few, reason = _few(pool, "no-signal")
        values = np.where(few, np.nan, getattr(found, what))
        return [e.flagged("log-linear") if e.estimable and c else e
                for e, c in zip(_plain(values, reason), found.corrected.tolist(), strict=True)]
    return of


def _hits(pool: Pool) -> Floats:
    return (pool.code == pool.gold).astype(np.float64)


def _errors(pool: Pool) -> Floats:
    return (pool.code - pool.gold).astype(np.float64)


def _components(pool: Pool, values: Floats) -> Nested:
    return nested(values, pool.rater, pool.case, pool.cell, pool.raters)


def _shrunken(of: Callable[[Pool], Floats], share: bool) -> Callable[[Pool, float], list[Estimate]]:
    def found(pool: Pool, level: float) -> list[Estimate]:
        g = pool.given
        n = g.per_rater(np.ones(len(g.code)))
        if np.count_nonzero(n) < FEW:
            return [undefined("few-officers" if k else "no-ratings") for k in n]
        y = of(g)
        size = np.bincount(g.cell)
        group = float((np.bincount(g.cell, y)[size > 0] / size[size > 0]).mean())
        parts = _components(g, y)
        pooled = partial_pooling(parts.mean, parts.variance, level)
        ends = (0.0, 1.0) if share else (-np.inf, np.inf)
        value, low, high = (np.clip(group + d, *ends).tolist() for d in (pooled.value, pooled.low, pooled.high))
        out = []
        for j, u in enumerate(pooled.value.tolist()):
            if u != u:
                out.append(undefined("no-variance" if n[j] else "no-ratings"))
                continue
            apart = pooled.low[j] > 0 or pooled.high[j] < 0
            out.append(Estimate(
                value[j], ci_low=low[j], ci_high=high[j], method="partial pooling, posterior interval",
                flags=() if apart else ("not-separated",),
                parts={"group": group, "own": group + float(parts.mean[j]), "p_above": float(pooled.above[j])}))
        return out
    return found


def _unable(study: Study, level: float) -> list[Estimate]:
    found = cells(study, ())
    rows = found[0].rows if found else np.arange(0)
    code, rater = study.ratings.code[rows], study.ratings.rater[rows]
    answered = code != NOT_GIVEN
    hits, n = (np.bincount(rater[chosen], minlength=len(study.raters)).astype(float) for chosen in (code == UNABLE, answered))
    return _shares(hits, n, level, "no-ratings")


def _on(hit: Callable[[Ints, Ints], npt.NDArray[np.bool_]], base: Callable[[Ints, int], npt.NDArray[np.bool_]], empty: str,
        exact: bool = False) -> Callable[[Pool, float], list[Estimate]]:
    return lambda pool, level: _shares(*_where(pool, hit, lambda g: base(g, pool.q - 1)), level, empty, exact)


DIAGNOSTICS: dict[str, Callable[[Pool, float], list[Estimate]]] = {
    "mean_signed_error": _signed,
    "severity_shrunken": _shrunken(_errors, False),
    "exact_shrunken": _shrunken(_hits, True),
    "over_below_highest": _on(lambda g, k: k > g, lambda g, top: g < top, "impossible-over"),
    "under_above_lowest": _on(lambda g, k: k < g, lambda g, top: g > 0, "impossible-under"),
    "missed_high": _on(lambda g, k: k < g, lambda g, top: g == top, "no-gold-high", exact=True),
    "two_step": _on(lambda g, k: abs(k - g) >= 2, lambda g, top: (g >= 2) | (g <= top - 2), "cannot-fail"),
    "middle_share": _middle,
    "categories_used": _categories,
    "sd_ratio": _ratio("sd_ratio"),
    "entropy_ratio": _ratio("entropy_ratio"),
    "slope": _ratio("slope"),
    "halo_index": _within_cases,
    **{name: _component(name) for name in ("elevation", "differential_elevation", "stereotype_accuracy", "differential_accuracy")},
    **{f"{what}_{end}": _detecting(what, end == "high")
       for end in ("high", "low") for what in ("sensitivity", "specificity", "d_prime", "criterion")},
}  # fmt: skip


# --- the question -----------------------------------------------------------------------------------------

_UNABLE = "unable_to_rate"
_GROUP = ("mean_signed_error", "error_sd", "exact", "exact_sd")
_NOTES = (
    "Errors are rating minus gold standard, in steps: a positive mean error is caution, a higher priority than the gold standard.",
    "Shrunken values say what an officer would do with all these cases and factors, allowing for chance and for an officer's own reading "
    "of a case; where their interval holds the group's value, these ratings cannot separate the officer from the group.",
    "The order is that of the raters' table and is no ranking; a few cases certify nobody.",
)


def diagnostics(
    study: Study, by: Sequence[str] = ("rater",), *, statistics: Sequence[str] | None = None, confidence_level: float = 0.95
) -> Result:
    """How officers use the scale against the gold standard, over all risk and protective factors.

    Parameters
    ----------
    study : Study
    by : sequence of str
        ``("rater",)`` for each officer; otherwise attributes of the officers, such as ``("agency",)``, or nothing,
        for how far the officers of a group lie from the gold standard and from each other.
    statistics : sequence of str, optional
        For officers: some of :data:`DIAGNOSTICS` and ``unable_to_rate``; all by default.

    Returns
    -------
    Result
        Each officer, in the order of the raters' table:

        ``mean_signed_error``
            Mean of rating minus gold standard, with a t interval over the officer's own ratings.
        ``severity_shrunken``, ``exact_shrunken``
            The mean error and the share of exact agreement to be expected on all cases and factors of the study:
            posterior means under :func:`arms_irr.statistics.severity.partial_pooling` of the officer's deviations
            from the others' means on the same cases and factors. ``parts``: ``group``, the mean of all officers;
            ``own``, before shrinking; ``p_above``, the posterior probability of lying above the group. The flag
            ``not-separated`` says that the interval holds the group's mean. With a single case an officer's
            severity and reading of that case cannot be told apart and are one. Five officers or more.
        ``over_below_highest``, ``under_above_lowest``
            Shares above the gold standard where it is not the highest category, below it where not the lowest.
        ``missed_high``, ``two_step``
            Shares rated lower where the gold standard is the highest category (Clopper-Pearson), and two steps or
            more away where the scale has room for it.
        ``middle_share``, ``categories_used``, ``sd_ratio``, ``entropy_ratio``, ``slope``
            Use of the scale: middle categories (``parts``: ``gold``), number of categories, spread and entropy of
            the ratings over those of the gold standard of the same ratings, slope of rating on gold standard (below
            1: compression).
        ``halo_index``
            Spread between the factors of a case over that of the gold standard; far below 1 is one judgement for all.
        ``elevation``, ``differential_elevation``, ``stereotype_accuracy``, ``differential_accuracy``
            Cronbach's (1955) components of the squared error; see :func:`arms_irr.statistics.accuracy.cronbach`.
        ``sensitivity_high`` ... ``criterion_low``
            Telling the highest, and the lowest, category from the others.
        ``unable_to_rate``
            Share of "unable to rate" among the answers.

        Ratios, components and d' are suppressed below 5 ratings. For groups: ``mean_signed_error`` and ``exact``
        with officers as clusters, ``error_sd`` and ``exact_sd``, the standard deviation between officers (REML
        value, interval of highest density).

    Raises
    ------
    ArgumentError
        Without a gold standard, for unknown statistics, and for columns that are no attributes of officers.
    """
    level = check_confidence(confidence_level)
    if tuple(by) != ("rater",):
        if statistics is not None:
            raise ArgumentError(f"statistics= chooses among the measures of an officer; groups have {', '.join(_GROUP)}")
        return _groups(study, tuple(by), level)
    known = (*DIAGNOSTICS, _UNABLE)
    chosen = known if statistics is None else tuple(statistics)
    for name in chosen:
        if name not in known:
            raise ArgumentError(f"unknown statistic {name!r}. {nearest(name, known)}Choose from {', '.join(known)}.")
    pool = Pool.of(study)
    columns = {name: _unable(study, level) if name == _UNABLE else _measured(name, pool, level) for name in chosen}
    n = pool.given.per_rater(np.ones(len(pool.given.code))).astype(int).tolist()
    rows = [Row({"rater": rater}, name, _own(columns[name][j], n[j], level)) for j, rater in enumerate(study.raters) for name in chosen]
    return Result("How officers use the scale", ("rater",), tuple(rows), _NOTES, synthetic=study.synthetic)


def _own(found: Estimate, ratings: int, level: float) -> Estimate:
    """The estimate as one officer's: its interval is over the officer's own ratings."""
    method = f"{found.method} over the officer's own ratings" if found.method in ("Wilson", "Clopper-Pearson") else found.method
    return replace(found, n_ratings=found.n_ratings or ratings, n_raters=1, confidence_level=level, target="subjects", method=method)


def _measured(name: str, pool: Pool, level: float) -> list[Estimate]:
    if not len(pool.code):
        return [undefined("no-gold")] * pool.raters
    return DIAGNOSTICS[name](pool, level) if pool.q else [undefined("mixed-scales")] * pool.raters


def _groups(study: Study, by: tuple[str, ...], level: float) -> Result:
    for name in by:
        if name not in study.rater_attributes:
            raise ArgumentError(f"{name!r} is no attribute of the officers. {nearest(name, study.rater_attributes)}"
                                f"This study has: {', '.join(study.rater_attributes) or 'none'}; or by=('rater',).")
    pool = Pool.of(study)
    labels = list(zip(*(study.rater_attributes[name] for name in by), strict=True)) if by else [()] * len(study.raters)
    rows = []
    for group in dict.fromkeys(labels):
        member = np.array([label == group for label in labels])
        own = pool.keep(member[pool.rater]).given
        found = _of_group(own, level) if pool.q else dict.fromkeys(_GROUP, undefined("mixed-scales" if len(pool.code) else "no-gold"))
        names = {name: label or NOT_RECORDED for name, label in zip(by, group, strict=True)}
        size = {"confidence_level": level, "target": "raters", "n_ratings": len(own.code), "n_raters": len(np.unique(own.rater))}
        rows += [Row(names, name, replace(found[name], **size)) for name in _GROUP]
    return Result("How far officers lie from the gold standard and from each other", by, tuple(rows), _NOTES[:1],
                  synthetic=study.synthetic)


def _of_group(own: Pool, level: float) -> dict[str, Estimate]:
    n = own.per_rater(np.ones(len(own.code)))
    means = (clustered_mean(own.per_rater(_errors(own)), n, level), clustered(own.per_rater(_hits(own)), n, level))
    spreads = [_between(own, values(own), level) for values in (_errors, _hits)]
    return dict(zip(_GROUP, (means[0], spreads[0], means[1], spreads[1]), strict=True))


def _between(own: Pool, values: Floats, level: float) -> Estimate:
    if len(np.unique(own.rater)) < FEW:
        return undefined("few-officers" if len(own.code) else "no-ratings")
    parts = _components(own, values)
    found = partial_pooling(parts.mean, parts.variance, level)
    if np.isnan(found.sd):
        return undefined("no-variance")
    return Estimate(found.sd, ci_low=found.sd_low, ci_high=found.sd_high, method="REML, interval of highest density")
