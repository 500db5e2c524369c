"""Benchmark scales as data, and how sure one can be of a word: Gwet's cumulative probability.

The scales are conventions: none was derived from data, they contradict each other, and one scale cannot serve
several coefficients or weights (Warrens 2013). A word is therefore never given without its probability.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtr

from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.estimate import Estimate

__all__ = ["SCALES", "Placement", "Scale", "by_interval", "cumulative_probabilities", "place", "scale", "word"]


@dataclass(frozen=True)
class Scale:
    """Words for ranges of a coefficient, worst first.

    Attributes
    ----------
    name, title, source : str
    words : tuple of str
    starts : tuple of float
        Where each word's range begins. Ranges hold their lower end and not their upper one; the first begins
        at -1, and what lies below -1 has the first word too.
    suits : str
        The family that its authors wrote it for: ``kappa``, ``icc`` or ``alpha``.
    by_limits : bool
        Its authors ask for the limits of the interval, not the value, to be placed.
    """

    name: str
    title: str
    source: str
    words: tuple[str, ...]
    starts: tuple[float, ...]
    suits: str = "kappa"
    by_limits: bool = False


_ALL = (
    Scale("landis_koch", "Landis & Koch", "Landis & Koch 1977, Biometrics 33:159-174, p. 165",
          ("poor", "slight", "fair", "moderate", "substantial", "almost perfect"), (-1, 0, 0.2, 0.4, 0.6, 0.8)),
    Scale("altman", "Altman", "Altman 1991, Practical Statistics for Medical Research, p. 404",
          ("poor", "fair", "moderate", "good", "very good"), (-1, 0.2, 0.4, 0.6, 0.8)),
    Scale("fleiss", "Fleiss", "Fleiss 1981, Statistical Methods for Rates and Proportions, 2nd ed., p. 218",
          ("poor", "intermediate to good", "excellent"), (-1, 0.4, 0.75)),
    Scale("cicchetti", "Cicchetti & Sparrow", "Cicchetti & Sparrow 1981; Cicchetti 1994, Psychol Assess 6:284-290, p. 286",
          ("poor", "fair", "good", "excellent"), (-1, 0.4, 0.6, 0.75)),
    Scale("koo_li", "Koo & Li", "Koo & Li 2016, J Chiropr Med 15:155-163, p. 158",
          ("poor", "moderate", "good", "excellent"), (-1, 0.5, 0.75, 0.9), suits="icc", by_limits=True),
    Scale("krippendorff", "Krippendorff", "Krippendorff 2004, Content Analysis, 2nd ed., p. 241",
          ("not to be relied on", "tentative conclusions only", "reliable"), (-1, 0.667, 0.8), suits="alpha"),
)  # fmt: skip
SCALES: dict[str, Scale] = {one.name: one for one in _ALL}


@dataclass(frozen=True)
class Placement:
    """The word that a value has earned, and how sure that is.

    ``value_word`` is the word of the value itself; ``word`` the best one with a cumulative probability above the
    level asked for (empty where the standard error is not known); ``probability`` that the coefficient lies in
    its range or a better one.
    """

    scale: str
    value_word: str
    word: str
    probability: float


def scale(name: str) -> Scale:
    """The scale of that name; ``ArgumentError`` names the nearest when there is none."""
    if name not in SCALES:
        raise ArgumentError(f"unknown benchmark scale {name!r}. {nearest(name, SCALES)}Choose from {', '.join(SCALES)}.")
    return SCALES[name]


def word(value: float, name: str) -> str:
    """The word for a value on a scale; empty for ``nan``."""
    chosen = scale(name)
    if math.isnan(value):
        return ""
    return chosen.words[max(0, int(np.searchsorted(chosen.starts, value, side="right")) - 1)]


def cumulative_probabilities(value: float, se: float, name: str, df: float = math.inf) -> tuple[tuple[str, float], ...]:
    """For each word, best first, the probability that the coefficient lies in its range or a better one.

    P_m = [F((k - L_m)/SE) - F((k - U_m)/SE)] / [F((k + 1)/SE) - F((k - 1)/SE)], summed from the best range down,
    with F the normal distribution function (Gwet 2014, section 6.4).

    Parameters
    ----------
    value, se : float
        The coefficient k and its standard error.
    name : str
        Of :data:`SCALES`.
    df : float
        Student's t with so many degrees of freedom in place of the normal; for a jackknife over R raters R - 1.

    Returns
    -------
    tuple of (word, probability)
        ``nan`` probabilities where value or standard error is not known. With a standard error of 0 the range of
        the value has probability 1.
    """
    chosen = scale(name)
    words, starts = chosen.words[::-1], np.array(chosen.starts[::-1], dtype=np.float64)
    if math.isnan(value) or math.isnan(se):
        return tuple((w, math.nan) for w in words)
    if se < 0:
        raise ArgumentError(f"standard error {se!r} is negative")
    if se == 0:
        return tuple((w, float(value >= start or start == -1)) for w, start in zip(words, starts, strict=True))
    above = np.append(_below((value - starts) / se, df), _below((value - 1) / se, df))
    total = above[-2] - above[-1]  # between -1 and 1
    return tuple((w, float((p - above[-1]) / total)) for w, p in zip(words, above[:-1], strict=True))


def _below(x: np.ndarray | float, df: float) -> np.ndarray:
    return np.asarray(ndtr(x) if math.isinf(df) else stdtr(df, x))


def place(value: float, se: float, name: str, df: float = math.inf, sure: float = 0.95) -> Placement:
    """The best word whose cumulative probability exceeds ``sure`` (Gwet 2014, section 6.4)."""
    ladder = cumulative_probabilities(value, se, name, df)
    for earned, probability in ladder:
        # The worst word is certain by construction; rounding could leave it just below 1.
        if probability > sure or (earned == ladder[-1][0] and not math.isnan(probability)):
            return Placement(name, word(value, name), earned, probability)
    return Placement(name, word(value, name), "", math.nan)


def by_interval(found: Estimate, name: str) -> tuple[str, str]:
    """The words of the two limits, the lower first; empty where there is no interval (Koo & Li 2016, p. 161)."""
    return word(found.ci_low, name), word(found.ci_high, name)
