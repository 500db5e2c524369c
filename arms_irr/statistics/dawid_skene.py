"""A consensus from the raters alone: latent classes with ordered confusion matrices, by expectation-maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, xlogy

from arms_irr.statistics.polarisation import rising
from arms_irr.statistics.tally import Codes, counts_of
from arms_irr.statistics.weights import Floats

__all__ = ["Consensus", "dawid_skene", "umbrella"]

_RATERS = 512  # at once, for the counts of each rater's confusions


@dataclass(frozen=True)
class Consensus:
    """Latent classes of U units, k being the true category and l the rating.

    Attributes
    ----------
    posterior : (U, q) array
        Probability of each true category; ``nan`` for a unit without ratings.
    prevalence : (q,) array
    confusion : (q, q) array
        P(rating l | true k) of all raters together; each row falls away from the diagonal.
    own : (R, q, q) array
        The same of each rater, drawn towards ``confusion``.
    objective : tuple of float
        Penalised log likelihood after each step of both rounds; it never falls within a round.
    converged : bool
    """

    posterior: Floats
    prevalence: Floats
    confusion: Floats
    own: Floats
    objective: tuple[tuple[float, ...], tuple[float, ...]]
    converged: bool


def umbrella(x: Floats, peak: int) -> Floats:
    """Least-squares fit along the last axis that rises up to ``peak`` and falls after it (Geng & Shi 1990)."""
    x = np.asarray(x, dtype=np.float64)
    q = x.shape[-1]
    top = np.max([x[..., a : b + 1].mean(axis=-1) for a in range(peak + 1) for b in range(peak, q)], axis=0)
    sides = [rising(x[..., :peak]), top[..., None], rising(x[..., peak + 1 :][..., ::-1])[..., ::-1]]
    return np.asarray(np.minimum(np.concatenate(sides, axis=-1), top[..., None]))


def dawid_skene(codes: Codes, q: int, *, strength: float = 10.0, smoothing: float = 1.0, tolerance: float = 1e-8, steps: int = 500) -> Consensus:
    """Latent-class consensus of ordered ratings.

    Given a unit's true category, raters err independently; rater j gives l with probability theta_j[k, l]. Two
    rounds of expectation-maximisation (Dawid & Skene 1979): first one confusion matrix for all raters, then one
    each with the prior Dirichlet(1 + strength x the common row), so that a rater of few units keeps nearly the
    common one. Rows are kept unimodal with their mode on the diagonal, which also fixes the order of the classes.

    Parameters
    ----------
    codes : (U, R) integer array
        Negative = not rated.
    q : int
        Number of categories.
    strength : float
        Ratings per true category that the common matrix counts for in each rater's.
    smoothing : float
        Ratings per row added to the common matrix and to the prevalence, spread evenly.

    Notes
    -----
    Raters who share an error make the consensus share it, with a posterior near 1: independence is an assumption.

    References
    ----------
    Dawid, A. P., & Skene, A. M. (1979). Maximum likelihood estimation of observer error-rates using the EM
    algorithm. Applied Statistics, 28, 20-28.
    Geng, Z., & Shi, N.-Z. (1990). Isotonic regression for umbrella orderings. Applied Statistics, 39, 397-402.
    """
    counts = counts_of(codes, q)
    rated = counts.sum(axis=1) > 0
    extra = np.full((q, q), smoothing / q)
    start = (counts + 1 / q) / (counts.sum(axis=1, keepdims=True) + 1)
    posterior = start * rated[:, None]
    confusion, prevalence = np.eye(q), np.full(q, 1 / q)
    traces: list[tuple[float, ...]] = []
    own = np.zeros((0, q, q))
    converged = True
    for alone in (False, True):
        prior = strength * confusion if alone else extra
        trace: list[float] = []
        for _ in range(steps):
            prevalence = posterior.sum(axis=0) + smoothing / q
            prevalence = prevalence / prevalence.sum()
            if alone:
                own = _ordered(_confusions(codes, posterior, q) + prior)
                logs = _own_logs(codes, np.log(own))
                penalty = float(xlogy(prior, own).sum())
            else:
                confusion = _ordered(posterior.T @ counts + prior)
                logs = counts @ np.log(confusion).T
                penalty = float(xlogy(prior, confusion).sum())
            joint = np.log(prevalence) + logs
            total = logsumexp(joint, axis=1, keepdims=True)
            trace.append(float(total[rated].sum()) + penalty + float(smoothing / q * np.log(prevalence).sum()))
            posterior = np.exp(joint - total) * rated[:, None]
            if len(trace) > 1 and trace[-1] - trace[-2] <= tolerance * (1 + abs(trace[-1])):
                break
        else:
            converged = False
        traces.append(tuple(trace))
    return Consensus(np.where(rated[:, None], posterior, np.nan), prevalence, confusion, own, (traces[0], traces[1]), converged)


def _ordered(table: Floats) -> Floats:
    """Rows as shares, each falling away from its diagonal."""
    shares = table / table.sum(axis=-1, keepdims=True)
    return np.stack([umbrella(shares[..., k, :], k) for k in range(table.shape[-1])], axis=-2)


def _confusions(codes: Codes, posterior: Floats, q: int) -> Floats:
    """(R, q, q) expected counts of true category by rating."""
    parts = []
    for start in range(0, codes.shape[1], _RATERS):
        chosen = (codes[:, start : start + _RATERS, None] == np.arange(q)).astype(np.float64)
        units, raters, _ = chosen.shape
        parts.append((posterior.T @ chosen.reshape(units, raters * q)).reshape(-1, raters, q).swapaxes(0, 1))
    return np.concatenate(parts) if parts else np.zeros((0, q, q))


def _own_logs(codes: Codes, logs: Floats) -> Floats:
    """(U, q) log probability of each unit's ratings given its true category."""
    units, q = codes.shape[0], logs.shape[-1]
    found = np.zeros((units, q))
    for start in range(0, codes.shape[1], _RATERS):
        part = codes[:, start : start + _RATERS]
        chosen = (part[:, :, None] == np.arange(q)).astype(np.float64).reshape(units, -1)
        found += chosen @ logs[start : start + _RATERS].transpose(0, 2, 1).reshape(-1, q)
    return found
