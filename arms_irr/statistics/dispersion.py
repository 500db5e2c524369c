"""Agreement about one target: r_WG (James, Demaree & Wolf 1984)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined

__all__ = ["r_wg"]


def r_wg(counts: ArrayLike, confidence_level: float = 0.95) -> Estimate:
    """r_WG = 1 - s^2 / ((q^2 - 1) / 12): how far raters of one target beat uniform guessing.

    s^2 is the variance of the ratings over raters with divisor R - 1, on scores 1..q; (q^2 - 1) / 12 is the
    variance of a rating picked at random from the q categories (James, Demaree & Wolf 1984, eq. 1). For one
    target this is the Brennan-Prediger coefficient with quadratic weights, and the one-way Finn coefficient.

    Parameters
    ----------
    counts : (q,) raters who chose each category of the declared scale, lowest first, unused ones with 0
    confidence_level : float

    Returns
    -------
    Estimate
        1 for unanimity, 0 for a spread as by guessing, negative for more. ``parts``: ``variance`` s^2 and
        ``null_variance``. The interval (delete-one-rater jackknife, t with R - 1 degrees of freedom, cut at
        1) is for other raters of this same target.

    Raises
    ------
    ArgumentError
        Fewer than 2 categories, or counts that are not whole numbers from 0.

    Notes
    -----
    *Degenerate cases*: no ratings or one rater: ``nan``, flags "no-ratings", "one-rater". Two raters: no
    interval, flag "two-raters". A standard error of 0 (unanimity, say): no interval, flag "zero-se".

    With 20 or more raters the interval covers .93 to .96 (nominal .95, simulated, 3 categories), but only .83
    to .87 where hardly anybody leaves the two main categories (.85, .13, .02): too narrow near unanimity.
    """
    level = check_confidence(confidence_level)
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != 1 or n.size < 2 or not np.all((n >= 0) & (n == np.floor(n)) & np.isfinite(n)):
        raise ArgumentError(
            f"counts {counts!r} are not numbers of raters per category. "
            "Give one whole number for each category of the scale, at least 2, unused ones as 0."
        )
    raters = int(n.sum())
    bases: dict[str, Any] = {
        "confidence_level": level, "target": "raters", "n_subjects": min(raters, 1), "n_raters": raters,
        "n_ratings": raters,
    }  # fmt: skip
    if raters < 2:
        return undefined("one-rater" if raters else "no-ratings", method="r_WG", **bases)
    scores = np.arange(n.size) - n @ np.arange(n.size) / raters
    squares = float(n @ scores**2)
    variance, null = squares / (raters - 1), (n.size**2 - 1) / 12
    value, parts = 1 - variance / null, {"variance": variance, "null_variance": null}
    if raters == 2:
        return Estimate(value, method="r_WG", flags=("two-raters",), parts=parts, **bases)
    # leaving out a rating at distance d from the mean takes d^2 R / (R - 1) off the sum of squares
    left = 1 - (squares - scores**2 * raters / (raters - 1)) / (raters - 2) / null
    se = math.sqrt((raters - 1) / raters * float(n @ (left - n @ left / raters) ** 2))
    if se < 1e-12:
        return Estimate(value, se=0.0, method="r_WG", flags=("zero-se",), parts=parts, **bases)
    reach = float(stdtrit(raters - 1, (1 + level) / 2)) * se
    return Estimate(
        value, se=se, ci_low=value - reach, ci_high=min(value + reach, 1.0), df=raters - 1,
        method="r_WG, jackknife over raters", parts=parts, **bases,
        flags=("cut-at-1",) if value + reach > 1 else (),
    )  # fmt: skip
