"""Agreement of measurements: Lin's concordance correlation and Robinson's A."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.icc import as_table, icc
from arms_irr.statistics.weights import Floats

__all__ = ["as_matrix", "lin_ccc", "robinson_a"]


def as_matrix(ratings: ArrayLike) -> Floats:
    """Ratings as a float matrix (subjects, raters), ``nan`` = not rated; ``ArgumentError`` for anything else."""
    table = as_table(ratings)
    if table.ndim != 2:
        raise ArgumentError(f"ratings of shape {table.shape} are repeated: give one column per rater, their means say")
    return table


def lin_ccc(ratings: ArrayLike, confidence_level: float = 0.95) -> Estimate:
    """Lin's concordance correlation of two raters, with its z-transform interval.

    rho_c = 2 s_xy / [s_x^2 + s_y^2 + (xbar - ybar)^2] with moments over n (Lin 1989): correlation times
    C_b, how near the best line comes to the diagonal. It is Cohen's kappa with quadratic weights.

    Parameters
    ----------
    ratings : (subjects, 2)
        Numbers; subjects that only one of the two rated are left out.
    confidence_level : float

    Returns
    -------
    Estimate
        ``parts``: ``correlation``, ``bias_correction`` C_b, ``scale_shift`` s_x / s_y and ``location_shift``
        (xbar - ybar) / sqrt(s_x s_y). The interval takes Lin's variance (1989, as corrected in 2000) on the scale of arctanh, normal quantiles.

    Notes
    -----
    *Degenerate cases*: both constant and equal is 0/0, ``nan`` with "no-variance". One rater constant: 0,
    "constant-rater", no interval. Perfect concordance: 1 without an interval, "zero-se". Fewer than 3
    subjects: no interval, "few-subjects".

    Raises
    ------
    ArgumentError
        Not exactly two columns, or ratings that are not numbers.
    """
    level = check_confidence(confidence_level)
    table = as_matrix(ratings)
    if table.shape[1] != 2:
        raise ArgumentError(f"Lin's concordance compares exactly 2 raters, not {table.shape[1]}; for more use icc()")
    table = table[~np.isnan(table).any(axis=1)]
    n = len(table)
    bases: dict[str, Any] = {"method": "Lin's concordance", "target": "subjects", "confidence_level": level,
                             "n_subjects": n, "n_raters": 2 if n else 0, "n_ratings": 2 * n}  # fmt: skip
    if n == 0:
        return undefined("no-overlap", **bases)
    if n == 1:
        return undefined("one-subject", **bases)
    shift = float(table[:, 0].mean() - table[:, 1].mean())
    constant = np.ptp(table, axis=0) == 0
    centred = np.where(constant, 0.0, table - table.mean(axis=0))
    sxx, syy, sxy = (float(centred[:, a] @ centred[:, b]) / n for a, b in ((0, 0), (1, 1), (0, 1)))
    spread = sxx + syy + shift**2
    if spread == 0:
        return undefined("no-variance", **bases)
    value = 2 * sxy / spread
    if constant.any():
        return Estimate(value, flags=("constant-rater",), **bases)
    product = math.sqrt(sxx * syy)
    r, cb, u2 = sxy / product, 2 * product / spread, shift**2 / product
    parts = {"correlation": r, "bias_correction": cb, "scale_shift": math.sqrt(sxx / syy),
             "location_shift": math.copysign(math.sqrt(u2), shift)}  # fmt: skip
    if n < 3:
        return Estimate(value, parts=parts, flags=("few-subjects",), **bases)
    # Lin's variance with rho_c / r written as C_b, so that it holds for r = 0 too
    variance = (max(0.0, 1 - r**2) * cb**2 * (1 - value**2) + 2 * value**2 * cb * (1 - value) * u2
                - (value * cb * u2) ** 2 / 2) / (n - 2)  # fmt: skip
    if variance <= 1e-15 or 1 - abs(value) < 1e-12:
        return Estimate(value, se=0.0, parts=parts, flags=("zero-se",), **bases)
    se = math.sqrt(variance)
    centre, reach = math.atanh(value), float(ndtri((1 + level) / 2)) * se / (1 - value**2)
    bases["method"] = "Lin's concordance, normal interval on the Fisher-z scale"
    return Estimate(
        value, se=se, ci_low=math.tanh(centre - reach), ci_high=math.tanh(centre + reach), df=math.inf,
        parts=parts, flags=("few-subjects",) if n < 5 else ("weak",) if n < 10 else (), **bases,
    )  # fmt: skip


def robinson_a(ratings: ArrayLike, form: str = "agreement", confidence_level: float = 0.95) -> Estimate:
    """Robinson's A: the share of the ratings' sum of squares that lies between subjects.

    ``agreement``: A = 1 - D / D_max, D the squared distances from the subjects' means, D_max those from the
    grand mean (Robinson 1957). ``consistency`` takes the raters' own means out of both first, as R irr and
    Stata do. They are ((k - 1) r + 1) / k of an intraclass correlation r with sums of squares for mean squares
    (``agreement``) or of ICC(C,1) (``consistency``); 0 means that subjects have equal means.

    Parameters
    ----------
    ratings : (n subjects, k raters)
        Complete.
    form : {"agreement", "consistency"}
    confidence_level : float

    Returns
    -------
    Estimate
        Between 0 and 1, with the F interval of ICC(1) or ICC(C,1) on the same mean squares; none in perfect
        agreement ("zero-se"). ``nan`` with "no-variance", "one-subject", "one-rater" or "no-ratings".

    Raises
    ------
    ArgumentError
        Missing ratings, an unknown form.
    """
    forms = {"agreement": "ICC(1)", "consistency": "ICC(C,1)"}
    if form not in forms:
        raise ArgumentError(f"unknown form {form!r} of Robinson's A: choose agreement or consistency")
    base = icc(as_matrix(ratings), forms[form], confidence_level, method="anova")
    flags = tuple(flag for flag in base.flags if flag != "negative")
    bases: dict[str, Any] = {"method": f"Robinson's A, {form}", "target": "subjects", "n_subjects": base.n_subjects,
                             "n_raters": base.n_raters, "n_ratings": base.n_ratings, "confidence_level": confidence_level}  # fmt: skip
    if not base.parts or math.isnan(base.parts["F"]):
        return undefined(*(flags or ("no-variance",)), **bases)
    df1, df2, k = base.parts["df1"], base.parts["df2"], base.parts["k"]

    def share(f: float) -> float:
        return 1.0 if math.isinf(f) else df1 * f / (df1 * f + df2)

    limits = [share((1 + (k - 1) * limit) / (1 - limit)) for limit in (base.ci_low, base.ci_high)]
    return Estimate(
        share(base.parts["F"]), ci_low=limits[0], ci_high=limits[1], df=base.df, flags=flags, **bases,
    )  # fmt: skip
