"""Standard error of measurement of a score and the least change that can be told from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtri

from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.components import pivotal_draws, quadratics, reml_crossed
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.icc import as_table
from arms_irr.statistics.squares import mean_squares

__all__ = ["measurement_error"]

Floats = NDArray[np.float64]


def measurement_error(
    ratings: object,
    kind: str = "agreement",
    confidence_level: float = 0.95,
    *,
    seed: int = 1,
    samples: int = 20_000,
) -> Estimate:
    """Standard error of measurement (SEM) of one rating, in units of the ratings.

    Unlike an ICC it needs no differences between subjects: two cases rated by twenty officers carry it. It
    suits totals and means; for a single three-point rating give the probability of a change instead.

    Parameters
    ----------
    ratings : (n subjects, k raters), ``nan`` = not rated
    kind : {"agreement", "consistency"}
        ``agreement``: another rater may rate next time, root of rater and residual variance. ``consistency``:
        the same rater does, root of the residual variance.
    confidence_level : float
    seed, samples : int
        For the simulated interval of incomplete ratings.

    Returns
    -------
    Estimate
        ``parts``: ``mdc``, the minimal detectable change z sqrt(2) SEM at the confidence level (1.96 sqrt(2)
        SEM at 0.95), and its limits ``mdc_low``, ``mdc_high``; the components ``rater`` and ``residual``.

    Raises
    ------
    ArgumentError
        An unknown kind, or ratings that are not a table of finite numbers.

    Notes
    -----
    Complete ratings: MSE, and for agreement (MSC + (n - 1) MSE) / n, a sum with positive weights and so an
    interval by chi-square with Satterthwaite's df; exact for consistency. Incomplete ratings: REML
    components and pivotal draws. A negative rater component of complete ratings lowers the SEM of agreement
    below that of consistency; it is kept. Source: de Vet et al. 2006, J Clin Epi 59, 1033.
    """
    level = check_confidence(confidence_level)
    if kind not in ("agreement", "consistency"):
        raise ArgumentError(
            f"unknown kind {kind!r}. {nearest(kind, ('agreement', 'consistency'))}"
            "Choose 'agreement' or 'consistency'."
        )
    table = as_table(ratings)
    if table.ndim != 2:
        raise ArgumentError(
            f"ratings of shape {table.shape} are not a table: "
            "give one row per subject and one column per rater."
        )
    given = ~np.isnan(table)
    table = table[given.any(axis=1)][:, given.any(axis=0)]
    given = ~np.isnan(table)
    n, k = table.shape
    bases: dict[str, Any] = {
        "n_subjects": n, "n_raters": k, "n_ratings": int(given.sum()), "confidence_level": level,
        "target": "both" if kind == "agreement" else "subjects",
    }  # fmt: skip
    if n < 2 or k < 2:
        return undefined(
            *["no-ratings"] * (n == 0), *["one-subject"] * (n == 1), *["one-rater"] * (k == 1), **bases
        )
    agree, tails = kind == "agreement", [(1 - level) / 2, (1 + level) / 2]
    found = (
        _complete(table, agree, tails)
        if given.all()
        else _incomplete(table, given, agree, tails, seed, samples)
    )
    if isinstance(found, str):
        return undefined(found, method="REML", **bases)
    change = math.sqrt(2) * float(ndtri(tails[1]))
    value, low, high = (math.sqrt(square) for square in (found.square, found.low, found.high))
    parts = {"mdc": change * value, "mdc_low": change * low, "mdc_high": change * high}
    flags = ["zero-se"] * math.isnan(low) + ["unbalanced"] * (not given.all())
    return Estimate(
        value, ci_low=low, ci_high=high, df=found.df, method=found.method, flags=tuple(flags),
        parts=parts | {"rater": found.rater, "residual": found.residual}, **bases,
    )  # fmt: skip


@dataclass(frozen=True)
class _Error:
    """Squared SEM with its limits, and the components it is made of."""

    square: float
    low: float
    high: float
    df: float
    rater: float
    residual: float
    method: str


def _complete(table: Floats, agree: bool, tails: list[float]) -> _Error:
    m = mean_squares(table)
    raters, error = (m.msc / m.n, (m.n - 1) * m.mse / m.n) if agree else (0.0, m.mse)
    square, spread = raters + error, raters**2 / m.df_c + error**2 / m.df_e
    df, low, high = math.nan, math.nan, math.nan
    if spread:
        df = square**2 / spread
        low, high = (df * square / chdtri(df, tails)).tolist()
    return _Error(square, low, high, df, (m.msc - m.mse) / m.n, m.mse, "ANOVA, chi-square interval")


def _incomplete(
    table: Floats, given: NDArray[np.bool_], agree: bool, tails: list[float], seed: int, samples: int
) -> _Error | str:
    """As ``_complete``, or the flag that says why there is nothing."""
    i, j = np.nonzero(given)
    shape = quadratics(table[given], i, j)
    if shape.rater_df == 0 or shape.subject_df == 0:
        return "no-overlap"
    if shape.residual_df == 0:
        return "saturated"
    fit = reml_crossed(table[given], i, j)
    square, low, high = fit.residual + (fit.rater if agree else 0.0), math.nan, math.nan
    if fit.residual > 0:
        _, of_rater, of_error = pivotal_draws(fit, shape, samples, seed)
        low, high = np.quantile(of_error + (of_rater if agree else 0.0), tails).tolist()
        low, high = min(low, square), max(high, square)
    return _Error(square, low, high, math.nan, fit.rater, fit.residual, "REML, simulated interval")
