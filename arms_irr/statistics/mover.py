"""The interval of a difference from the intervals of its two ends: MOVER, the method of variance estimates recovery."""

from __future__ import annotations

import math

from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, undefined

__all__ = ["mover"]


def mover(first: Estimate, second: Estimate, correlation: float = 0.0) -> Estimate:
    """``second`` less ``first``, with an interval made of their intervals.

    With d = b - a, limits (l_a, u_a) and (l_b, u_b), and r the correlation of the two estimates,

        lower = d - sqrt((b - l_b)^2 + (u_a - a)^2 - 2 r (b - l_b)(u_a - a))
        upper = d + sqrt((u_b - b)^2 + (a - l_a)^2 - 2 r (u_b - b)(a - l_a)).

    Each end brings its own, asymmetric limits (logit-t for a share, Fisher-z for a coefficient), so the interval
    of a difference of shares stays inside [-1, 1] and needs no normal approximation of its own.

    Parameters
    ----------
    first, second : Estimate
        Of the same quantity, with the same confidence level.
    correlation : float
        Of the two estimates over repeated studies: 0 where no rater takes part in both.

    Returns
    -------
    Estimate
        ``parts``: ``first``, ``second``, ``correlation``. ``se`` is sqrt(se_a^2 + se_b^2 - 2 r se_a se_b); the limits do
        not depend on it. ``nan`` with the reasons of the ends where one is not estimable; no interval and the flag
        "no-interval" where one has none.

    Raises
    ------
    ArgumentError
        For different confidence levels, and a correlation outside [-1, 1].

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions, Stat Med 17:873-890,
    method 10 (Wilson limits, r = 0); Improved confidence intervals for the difference between binomial proportions
    based on paired data, Stat Med 17:2635-2650 (r estimated). Zou & Donner (2008), Construction of confidence limits
    about effect measures: a general approach, Stat Med 27:1693-1702 (any limits).

    Examples
    --------
    >>> from arms_irr.statistics.proportions import wilson
    >>> found = mover(wilson(48, 80), wilson(56, 70))
    >>> round(found.value, 4), round(found.ci_low, 4), round(found.ci_high, 4)
    (0.2, 0.0524, 0.3339)
    """
    if first.confidence_level != second.confidence_level:
        raise ArgumentError(f"confidence levels {first.confidence_level:g} and {second.confidence_level:g} differ: give one")
    if not -1 <= correlation <= 1:
        raise ArgumentError(f"a correlation of {correlation!r} is not between -1 and 1")
    size = {
        "confidence_level": first.confidence_level, "target": second.target, "weights": second.weights,
        "n_subjects": first.n_subjects + second.n_subjects, "n_raters": first.n_raters + second.n_raters,
        "n_ratings": first.n_ratings + second.n_ratings,
    }  # fmt: skip
    if not (first.estimable and second.estimable):
        reasons = tuple(flag for end in (first, second) if not end.estimable for flag in end.flags)
        return undefined(*reasons, **size)
    a, b = first.value, second.value
    below = _joint(b - second.ci_low, first.ci_high - a, correlation)
    above = _joint(second.ci_high - b, a - first.ci_low, correlation)
    flags = tuple(flag for end in (first, second) for flag in end.flags)
    known = not math.isnan(below + above)
    return Estimate(
        b - a, se=_joint(first.se, second.se, correlation), ci_low=b - a - below, ci_high=b - a + above,
        method="difference, MOVER interval" if known else "difference",
        flags=flags if known else (*flags, "no-interval"),
        parts={"first": a, "second": b, "correlation": correlation}, **size,  # type: ignore[arg-type]
    )  # fmt: skip


def _joint(x: float, y: float, correlation: float) -> float:
    return math.sqrt(max(x * x + y * y - 2 * correlation * x * y, 0.0)) if not math.isnan(x + y) else math.nan
