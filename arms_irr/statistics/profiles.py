"""Profiles: units that are alike are one row with a weight, so that a million subjects cost as much as a few dozen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence
from arms_irr.statistics.squares import Squares, by_squares
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import Floats

__all__ = ["count_profiles", "icc_of_profiles", "profile_squares"]

_FORMS = {"ICC(1)": "oneway", "ICC(A,1)": "agreement", "ICC(C,1)": "consistency"}


def count_profiles(tally: Tally) -> Tally:
    """The tally without the raters' names: units with the same counts (and the same case) are one row.

    Coefficients that do not need to know who gave which rating have the same value, standard error and
    bootstrap distribution; R raters and q categories leave at most C(R + q, q) rows.
    """
    key = tally.counts if tally.cluster is None else np.column_stack([tally.counts, tally.cluster])
    distinct, row = np.unique(key, axis=0, return_inverse=True)
    weight = np.bincount(row.ravel(), tally.weight).astype(np.float64)
    cluster = None if tally.cluster is None else distinct[:, -1].astype(np.int64)
    return Tally(distinct[:, : len(tally.scores)], tally.scores, None, weight, cluster)


def profile_squares(table: Floats, weight: Floats) -> Squares:
    """Mean squares of complete ratings (P, k), of which row p stands for ``weight[p]`` subjects."""
    (_, k), n = table.shape, int(weight.sum())
    rows = table.mean(axis=1)
    rest = table - rows[:, None]  # centred before squaring: a large mean costs no digits
    columns = weight @ rest / n
    ssr = k * float(weight @ (rows - weight @ rows / n) ** 2)
    ssw = float(weight @ (rest**2).sum(axis=1))
    ssc = n * float(columns @ columns)
    sse = float(weight @ ((rest - columns) ** 2).sum(axis=1))
    df_c, df_e, df_w = k - 1, (n - 1) * (k - 1), n * (k - 1)
    msr = ssr / (n - 1)
    return Squares(n, k, msr, msr, ssc / df_c, sse / df_e, ssw / df_w, df_c, df_e, df_w, "ANOVA")


def icc_of_profiles(tally: Tally, form: str = "ICC(A,1)", confidence_level: float = 0.95) -> Estimate:
    """:func:`arms_irr.statistics.icc.icc` of complete ratings that :func:`arms_irr.statistics.arrays.tally` counted.

    Raises
    ------
    ArgumentError
        For another form than ICC(1), ICC(A,1) and ICC(C,1), missing ratings, and fewer than 2 subjects or raters.
    """
    level = check_confidence(confidence_level)
    if form not in _FORMS:
        raise ArgumentError(f"unknown ICC form {form!r} for counted ratings. Choose one of {', '.join(_FORMS)}.")
    if tally.codes is None or (tally.codes < 0).any() or tally.n_units < 2 or tally.n_raters < 2:
        raise ArgumentError("an ICC of counted ratings needs 2 subjects and 2 raters or more, and every rating; "
                            "give the table itself to icc()")
    kind = _FORMS[form]
    found = by_squares(profile_squares(tally.scores[tally.codes], tally.weight), kind, False, level, 0.0)  # type: ignore[arg-type]
    few = ["few-subjects"] if tally.n_units < 5 else ["weak"] if tally.n_units < 10 else []
    return replace(found.flagged(*few), n_subjects=tally.n_units, n_raters=tally.n_raters, n_ratings=tally.n_ratings,
                   confidence_level=level, target="both" if kind == "agreement" else "subjects")
