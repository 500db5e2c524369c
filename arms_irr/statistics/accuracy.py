"""How a rater differs from a known answer: components of accuracy, spread, detection; many raters at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, ndtri

from arms_irr.errors import ArgumentError

__all__ = ["Accuracy", "Detection", "cronbach", "entropy_ratio", "moments", "rank_correlation", "signal_detection"]

Floats = NDArray[np.float64]
Codes = NDArray[np.integer]
Mask = NDArray[np.bool_]

_BATCH = 4_000_000  # cells of one batch of raters


@dataclass(frozen=True)
class Accuracy:
    """Cronbach's components of R raters, in squared steps of the scale; all (R,) arrays.

    elevation + differential_elevation + stereotype_accuracy + differential_accuracy = mean_square, and each of
    the last three is the sum of its ``_spread`` part, (s_x - s_g)^2, and its ``_order`` part,
    2 s_x s_g (1 - r_xg). ``cases`` and ``factors`` are the sizes of the complete block used.
    """

    elevation: Floats
    differential_elevation: Floats
    differential_elevation_spread: Floats
    differential_elevation_order: Floats
    stereotype_accuracy: Floats
    stereotype_accuracy_spread: Floats
    stereotype_accuracy_order: Floats
    differential_accuracy: Floats
    differential_accuracy_spread: Floats
    differential_accuracy_order: Floats
    mean_square: Floats
    cases: Codes
    factors: Codes


def cronbach(codes: Codes, gold: Codes) -> Accuracy:
    """Components of accuracy of each rater against one known answer.

    With d = rating - answer in steps, over the rater's cases c and factors f: *elevation* (mean d)^2;
    *differential elevation* mean_c (d_c. - d..)^2, whole cases rated too high or too low; *stereotype accuracy*
    mean_f (d_.f - d..)^2, the same for factors; *differential accuracy* mean_cf (d_cf - d_c. - d_.f + d..)^2,
    what is left. All four are errors: 0 is best.

    Parameters
    ----------
    codes : (R, C, F) integer array
        Category positions; negative = not rated.
    gold : (C, F) integer array
        Category positions; negative = no answer is known.

    Returns
    -------
    Accuracy
        ``nan`` for a rater without a complete cell. With one case differential elevation and differential
        accuracy are 0 by construction, with one factor stereotype and differential accuracy.

    Notes
    -----
    The identity needs complete tables. Where ratings are missing, each rater's larger complete block counts:
    the cases rated on every factor, or the factors rated in every one of the rater's cases. Nothing is filled in.

    References
    ----------
    Cronbach, L. J. (1955). Processes affecting scores on "understanding of others" and "assumed similarity".
    Psychological Bulletin, 52, 177-193.
    """
    codes, gold = np.asarray(codes), np.asarray(gold)
    if codes.ndim != 3 or codes.shape[1:] != gold.shape:
        raise ArgumentError(f"codes {codes.shape} and gold {gold.shape} do not fit. Give (R, C, F) codes and (C, F) golds.")
    used = (gold >= 0).any(axis=0)
    codes, gold = codes[:, :, used], gold[:, used]
    step = max(1, _BATCH // max(1, gold.size))
    batches = [_cronbach(codes[start : start + step], gold) for start in range(0, max(1, len(codes)), step)]
    return Accuracy(**{name: np.concatenate([getattr(b, name) for b in batches]) for name in vars(batches[0])})


def _cronbach(codes: Codes, gold: Codes) -> Accuracy:
    block = _complete((codes >= 0) & (gold >= 0))
    x, g = _effects(codes, block), _effects(np.broadcast_to(gold, codes.shape), block)
    cases, factors = block.any(axis=2).sum(axis=1), block.any(axis=1).sum(axis=1)
    n = np.where(cases > 0, cases * factors, np.nan)

    def split(a: Floats, b: Floats, size: Floats) -> tuple[Floats, Floats, Floats]:
        axes = tuple(range(1, a.ndim))
        sx, sg = (np.sqrt((v**2).sum(axis=axes) / size) for v in (a, b))
        spread, order = (sx - sg) ** 2, 2 * (sx * sg - (a * b).sum(axis=axes) / size)
        return ((a - b) ** 2).sum(axis=axes) / size, spread, np.maximum(order, 0.0)

    by_case = split(x[1], g[1], np.where(cases > 0, cases, np.nan))
    by_factor = split(x[2], g[2], np.where(factors > 0, factors, np.nan))
    rest = split(x[3], g[3], n)
    square = (np.where(block, codes - gold, 0).astype(np.float64) ** 2).sum(axis=(1, 2)) / n
    elevation = np.where(cases > 0, (x[0] - g[0]) ** 2, np.nan)
    return Accuracy(elevation, *by_case, *by_factor, *rest, square, cases, factors)


def _complete(given: Mask) -> Mask:
    """Of each rater the larger complete block of cases and factors."""
    whole_case: Mask = np.asarray(given.all(axis=2))
    whole_factor: Mask = np.asarray((given | ~given.any(axis=2, keepdims=True)).all(axis=1))
    by_case = given & whole_case[:, :, None]
    by_factor = given & whole_factor[:, None, :]
    larger = by_case.sum(axis=(1, 2)) >= by_factor.sum(axis=(1, 2))
    return np.where(larger[:, None, None], by_case, by_factor)


def _effects(values: Codes, block: Mask) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean, deviations of cases and of factors, and what is left; 0 outside the block."""
    y = np.where(block, values, 0).astype(np.float64)
    in_case, in_factor = block.sum(axis=2), block.sum(axis=1)
    mean = y.sum(axis=(1, 2)) / np.maximum(block.sum(axis=(1, 2)), 1)
    case = np.where(in_case > 0, y.sum(axis=2) / np.maximum(in_case, 1) - mean[:, None], 0.0)
    factor = np.where(in_factor > 0, y.sum(axis=1) / np.maximum(in_factor, 1) - mean[:, None], 0.0)
    rest = np.where(block, y - mean[:, None, None] - case[:, :, None] - factor[:, None, :], 0.0)
    return mean, case, factor, rest


# --- from the table of answers by ratings -----------------------------------------------------------------


def moments(tables: Floats) -> tuple[Floats, Floats, Floats]:
    """Standard deviations (divisor n) of ratings and of answers, and their covariance, in steps.

    ``tables`` (R, q, q) count, for each rater, answers (rows) by ratings (columns). ``nan`` without ratings.
    """
    n = tables.sum(axis=(1, 2))
    n = np.where(n > 0, n, np.nan)[:, None]
    k = np.arange(tables.shape[1], dtype=np.float64)
    answers, ratings = tables.sum(axis=2) / n, tables.sum(axis=1) / n
    # Centred before squaring, so that a rater who never varies has a standard deviation of exactly 0.
    a, b = k - (answers @ k)[:, None], k - (ratings @ k)[:, None]
    covariance = np.einsum("rij,ri,rj->r", tables / n[:, :, None], a, b)
    return _root(ratings, b), _root(answers, a), covariance


def _root(share: Floats, deviation: Floats) -> Floats:
    return np.asarray(np.where((share > 0).sum(axis=1) == 1, 0.0, np.sqrt((share * deviation**2).sum(axis=1))) + 0 * share.sum(axis=1))


def entropy_ratio(tables: Floats) -> Floats:
    """(R,) entropy of each rater's categories over that of the answers; ``nan`` where the answers never vary."""
    def entropy(counts: Floats) -> Floats:
        total = counts.sum(axis=1, keepdims=True)
        return np.asarray(entr(np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)).sum(axis=1))

    ratings, answers = entropy(tables.sum(axis=1)), entropy(tables.sum(axis=2))
    return np.asarray(np.divide(ratings, answers, out=np.full(len(tables), np.nan), where=answers > 0))


def rank_correlation(tables: Floats) -> Floats:
    """(R,) Spearman's correlation of ratings and answers with mean ranks; ``nan`` where either never varies."""
    def ranks(counts: Floats) -> Floats:
        return np.asarray(np.cumsum(counts, axis=1) - (counts - 1) / 2)

    answers, ratings = tables.sum(axis=2), tables.sum(axis=1)
    n = answers.sum(axis=1)
    a, b = (ranks(c) - ((n + 1) / 2)[:, None] for c in (answers, ratings))
    varies = ((answers > 0).sum(axis=1) > 1) & ((ratings > 0).sum(axis=1) > 1)
    scale = np.sqrt((answers * a**2).sum(axis=1) * (ratings * b**2).sum(axis=1))
    product = np.einsum("rij,ri,rj->r", tables, a, b)
    return np.asarray(np.divide(product, scale, out=np.full(len(tables), np.nan), where=varies))


@dataclass(frozen=True)
class Detection:
    """Detecting a category among the others; (R,) arrays.

    ``sensitivity`` and ``specificity`` are plain shares; ``d_prime`` and ``criterion`` use corrected rates, and
    ``corrected`` says where a plain rate is 0 or 1, so that the correction decides the value.
    """

    sensitivity: Floats
    specificity: Floats
    d_prime: Floats
    criterion: Floats
    corrected: Mask


def signal_detection(hits: ArrayLike, signals: ArrayLike, false_alarms: ArrayLike, noises: ArrayLike) -> Detection:
    """Sensitivity, specificity, d' and criterion c under equal-variance normal detection.

    d' = z(H) - z(F) and c = -[z(H) + z(F)] / 2, with the log-linear rates H = (hits + 1/2) / (signals + 1) and
    F = (false alarms + 1/2) / (noises + 1) for every rater (Hautus 1995). A positive c is a reluctance to say
    "signal". ``nan`` where there was no signal or no noise.

    References
    ----------
    Hautus, M. J. (1995). Corrections for extreme proportions and their biasing effects on estimated values of
    d'. Behavior Research Methods, Instruments & Computers, 27, 46-51.
    """
    h, s, f, n = (np.asarray(v, dtype=np.float64) for v in (hits, signals, false_alarms, noises))
    if np.any(h > s) or np.any(f > n) or np.any(h < 0) or np.any(f < 0):
        raise ArgumentError("hits may not exceed signals, nor false alarms noises. Give counts of 0 or more.")
    sensitivity = np.divide(h, s, out=np.full(h.shape, np.nan), where=s > 0)
    alarm = np.divide(f, n, out=np.full(f.shape, np.nan), where=n > 0)
    z_hit, z_alarm = ndtri((h + 0.5) / (s + 1)), ndtri((f + 0.5) / (n + 1))
    both = (s > 0) & (n > 0)
    corrected = both & ((h == 0) | (h == s) | (f == 0) | (f == n))
    return Detection(sensitivity, 1 - alarm, np.where(both, z_hit - z_alarm, np.nan),
                     np.where(both, -(z_hit + z_alarm) / 2, np.nan), corrected)
