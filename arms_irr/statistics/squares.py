"""Intraclass correlations from mean squares: complete ratings, or incomplete ones by Ebel's method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, fdtri

from arms_irr.statistics.estimate import Estimate, undefined

__all__ = ["Kind", "Squares", "by_squares", "ebel_squares", "mean_squares", "spearman_brown"]

Floats = NDArray[np.float64]
Kind = Literal["oneway", "agreement", "consistency"]


@dataclass(frozen=True)
class Squares:
    """Mean squares of n subjects and k ratings each: subjects, raters, their residual, and within subjects.

    ``k`` is Ebel's k0 where the numbers differ; ``df_c``, ``df_e`` and ``df_w`` are the degrees of freedom of
    raters, residual and within subjects.
    """

    n: int
    k: float
    msr: float  # in one-way forms
    msr_adjusted: float  # in two-way forms: of ratings freed from differences between raters
    msc: float
    mse: float
    msw: float
    df_c: float
    df_e: float
    df_w: float
    label: str


def mean_squares(table: Floats) -> Squares:
    """Mean squares of a complete (n, k) table; sums of squares that rounding alone can leave are 0."""
    n, k = table.shape
    largest = max(float(table.max()), -float(table.min()))
    noise = table.size * (8 * np.finfo(np.float64).eps * largest) ** 2
    rows = table @ np.full(k, 1 / k)  # matrix products: numpy's means over short rows are slow
    rest = table - rows[:, None]  # centred before squaring: a large mean costs no digits
    columns = np.full(n, 1 / n) @ rest
    ssr, ssc, ssw = k * _square(rows - rows.mean()), n * _square(columns), _square(rest)
    rest -= columns
    ssr, ssc, sse, ssw = (ss if ss > noise else 0.0 for ss in (ssr, ssc, _square(rest), ssw))
    df_c, df_e, df_w = k - 1, (n - 1) * (k - 1), n * (k - 1)
    msr = ssr / (n - 1)
    return Squares(n, k, msr, msr, ssc / df_c, sse / df_e, ssw / df_w, df_c, df_e, df_w, "ANOVA")


def ebel_squares(table: Floats) -> Squares:
    """Mean squares of an incomplete (n, k) table, ``nan`` = not rated; every subject and rater has a rating.

    One-way: subjects weighted by their numbers of ratings k_i, with k0 = (sum k_i - sum k_i^2 / sum k_i) /
    (n - 1) in place of k (Ebel 1951, Psychometrika 16, 407). Two-way: each rater's deviation from the grand
    mean is subtracted first (ipsation; Brueckl 2011), the residual has (n - 1)(mean k_i - 1) degrees of
    freedom. Exact for complete ratings. A rater of a few subjects is not told from the subjects he happened
    to rate: REML does that better.
    """
    given = ~np.isnan(table)
    largest = float(np.nanmax(np.abs(table)))
    size = given.sum()
    centred = np.where(given, table - table[given].mean(), 0.0)
    noise = size * (8 * np.finfo(np.float64).eps * largest) ** 2
    each, of_rater = given.sum(axis=1), given.sum(axis=0)
    n, k = table.shape
    bias = centred.sum(axis=0) / of_rater

    def split(ratings: Floats) -> tuple[float, float]:
        rows = ratings.sum(axis=1) / each
        between = float(each @ (rows - ratings.sum() / size) ** 2)
        within = float(np.sum(np.where(given, ratings - rows[:, None], 0.0) ** 2))
        return (between if between > noise else 0.0), (within if within > noise else 0.0)

    ssr, ssw = split(centred)
    ssr_adjusted, sse = split(np.where(given, centred - bias, 0.0))
    ssc = float(of_rater @ bias**2)
    k0 = float((size - each @ each / size) / (n - 1))
    df_c, df_e, df_w = k - 1, float((n - 1) * (size / n - 1)), float(size - n)
    return Squares(
        n, k0, ssr / (n - 1), ssr_adjusted / (n - 1), (ssc if ssc > noise else 0.0) / df_c,
        sse / df_e if df_e else math.nan, ssw / df_w if df_w else math.nan, df_c, df_e, df_w, "Ebel",
    )  # fmt: skip


def _square(x: Floats) -> float:
    return float(np.vdot(x, x))


def by_squares(m: Squares, kind: Kind, average: bool, level: float, null: float) -> Estimate:
    """Value, F interval and F test of one form; see :func:`arms_irr.statistics.icc.icc`."""
    n, k = m.n, m.k
    oneway = kind == "oneway"
    msr, error, df = (m.msr, m.msw, m.df_w) if oneway else (m.msr_adjusted, m.mse, m.df_e)
    raters = (m.msc - m.mse) / n if kind == "agreement" else 0.0  # their variance, if they are to agree
    f = msr / error if error else math.inf if msr else math.nan
    parts = {"subject": (msr - error) / k, "residual": error, "k": float(k), "msr": msr}
    parts |= {"msw": m.msw} if oneway else {"rater": (m.msc - m.mse) / n, "msc": m.msc, "mse": m.mse}
    parts |= _test(m, kind, average, null, f)
    spread = msr + raters if average else msr + (k - 1) * error + k * raters
    if not spread > 0:
        flag = "no-variance" if msr == error else "negative"
        return undefined(flag, method=m.label, parts=parts)
    value = (msr - error) / spread
    flags = ["negative"] if value < 0 else []
    if msr == 0 or error + max(raters, 0.0) == 0:
        return Estimate(value, method=m.label, parts=parts, flags=(*flags, "zero-se"))
    if kind == "agreement":
        low, high, df_interval = _agreement_limits(m, level)
    else:
        low, high, df_interval = *_consistency_limits(f, n - 1, df, k, level), float(df)
    if average:
        low, high = spearman_brown(low, k), spearman_brown(high, k)
    if not low <= value <= high:  # Satterthwaite's df break down at markedly negative values
        return Estimate(value, method=m.label, parts=parts, flags=tuple(flags))
    return Estimate(
        value, ci_low=low, ci_high=high, df=df_interval, method=f"{m.label}, F interval", parts=parts,
        flags=tuple(flags),
    )  # fmt: skip


def _test(m: Squares, kind: Kind, average: bool, null: float, f: float) -> dict[str, float]:
    """F test that the ICC is ``null`` against larger (McGraw & Wong 1996, table 8).

    For agreement F = MSR / (a MSC + b MSE) with a and b at the null value, not at the estimate.
    """
    n, k = m.n, m.k
    single = null / (k - (k - 1) * null) if average else null
    df = m.df_w if kind == "oneway" else m.df_e
    if kind != "agreement":
        f *= (1 - single) / (1 + (k - 1) * single)
    elif null != 0:
        a = k * single / (n * (1 - single))
        raters, error = a * m.msc, (1 + a * (n - 1)) * m.mse
        against, spread = raters + error, raters**2 / m.df_c + error**2 / m.df_e
        df = against**2 / spread if spread else math.nan
        f = m.msr_adjusted / against if against > 0 else math.inf if m.msr_adjusted else math.nan
    p = float(fdtrc(n - 1, df, f)) if f > 0 else 1.0 if f <= 0 else math.nan
    return {"null": null, "F": f, "df1": float(n - 1), "df2": float(df), "p": p}


def _consistency_limits(f: float, df1: float, df2: float, k: float, level: float) -> tuple[float, float]:
    """McGraw & Wong (1996), table 7, for a single rating; also the one-way forms."""
    upper = (1 + level) / 2
    low, high = f / fdtri(df1, df2, upper), f * fdtri(df2, df1, upper)
    return float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1))


def _agreement_limits(m: Squares, level: float) -> tuple[float, float, float]:
    """McGraw & Wong (1996), table 7, for ICC(A,1): limits and Satterthwaite's df v."""
    n, k, msr, msc, mse = m.n, m.k, m.msr_adjusted, m.msc, m.mse
    rho = (msr - mse) / (msr + (k - 1) * mse + k / n * (msc - mse))
    raters, error = k * rho * msc, (n * (1 - rho) + k * rho * (n - 1)) * mse  # a and b times n (1 - rho)
    spread = raters**2 / m.df_c + error**2 / m.df_e
    v = (raters + error) ** 2 / spread if spread else math.nan
    if not v > 0:
        return math.nan, math.nan, math.nan
    upper = (1 + level) / 2
    f_low, f_high = fdtri(n - 1, v, upper), fdtri(v, n - 1, upper)
    rest = k * msc + (k * n - k - n) * mse
    low = n * (msr - f_low * mse) / (f_low * rest + n * msr)
    high = n * (f_high * msr - mse) / (rest + n * f_high * msr)
    return float(low), float(high), float(v)


def spearman_brown(single: float, k: float) -> float:
    """Reliability of the average of k ratings from that of one."""
    spread = 1 + (k - 1) * single
    return k * single / spread if spread > 0 else math.nan
