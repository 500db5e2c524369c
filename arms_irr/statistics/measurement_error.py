"""Standard error of measurement of a score and the least change that can be told from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import chdtri, ndtri

from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.components import pivotal_draws, quadratics, reml_crossed
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.icc import as_table
from arms_irr.statistics.squares import mean_squares

__all__ = ["measurement_error"]


def measurement_error(
    ratings: object, kind: str = "agreement", confidence_level: float = 0.95, *, seed: int = 1, samples: int = 20_000
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
        raise ArgumentError(f"unknown kind {kind!r}. {nearest(kind, ('agreement', 'consistency'))}Choose 'agreement' or 'consistency'.")
    table = as_table(ratings)
    if table.ndim != 2:
        raise ArgumentError(f"ratings of shape {table.shape} are not a table: give one row per subject and one column per rater.")
    given = ~np.isnan(table)
    table = table[given.any(axis=1)][:, given.any(axis=0)]
    given = ~np.isnan(table)
    n, k = table.shape
    bases: dict[str, Any] = {
        "n_subjects": n, "n_raters": k, "n_ratings": int(given.sum()), "confidence_level": level,
        "target": "both" if kind == "agreement" else "subjects",
    }  # fmt: skip
    if n < 2 or k < 2:
        return undefined(*["no-ratings"] * (n == 0), *["one-subject"] * (n == 1), *["one-rater"] * (k == 1), **bases)
    tails = [(1 - level) / 2, (1 + level) / 2]
    if given.all():
        m = mean_squares(table)
        rater, residual, method = (m.msc - m.mse) / n, m.mse, "ANOVA, chi-square interval"
        raters, error = (m.msc / n, (n - 1) * m.mse / n) if kind == "agreement" else (0.0, m.mse)
        square = raters + error
        spread = raters**2 / m.df_c + error**2 / m.df_e
        df = square**2 / spread if spread else math.nan
        low, high = (df * square / chdtri(df, tails)).tolist() if spread else (math.nan, math.nan)
    else:
        (i, j), df, method = np.nonzero(given), math.nan, "REML, simulated interval"
        shape = quadratics(table[given], i, j)
        if shape.rater_df == 0 or shape.subject_df == 0 or shape.residual_df == 0:
            return undefined("saturated" if shape.rater_df and shape.subject_df else "no-overlap", method="REML", **bases)
        fit = reml_crossed(table[given], i, j)
        rater, residual = fit.rater, fit.residual
        square = residual + (rater if kind == "agreement" else 0.0)
        low, high = math.nan, math.nan
        if residual > 0:
            _, of_rater, of_error = pivotal_draws(fit, shape, samples, seed)
            low, high = np.quantile(of_error + (of_rater if kind == "agreement" else 0.0), tails).tolist()
            low, high = min(low, square), max(high, square)
    change = math.sqrt(2) * float(ndtri((1 + level) / 2))
    value, low, high = math.sqrt(square), math.sqrt(low), math.sqrt(high)
    parts = {"mdc": change * value, "mdc_low": change * low, "mdc_high": change * high, "rater": rater, "residual": residual}
    flags = ["zero-se"] if math.isnan(low) else []
    flags += ["unbalanced"] if not given.all() else []
    return Estimate(value, ci_low=low, ci_high=high, df=df, method=method, parts=parts, flags=tuple(flags), **bases)
