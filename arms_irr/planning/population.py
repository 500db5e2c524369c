"""The agreement that the rating model implies, by integration: what estimates should recover."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

from arms_irr.instruments.load import load_instrument
from arms_irr.instruments.model import Factor
from arms_irr.planning.designs import Design
from arms_irr.planning.parameters import BANDS, KINDS, Parameters

__all__ = ["Population", "population", "priorities"]

# Gauss-Hermite nodes for a standard normal; the integrands are smooth on this scale (against 41 nodes: 1e-9).
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class Population:
    """What infinitely many officers would show on these cases, agencies mixed as in the design.

    Attributes
    ----------
    cells : dict of str to list
        Columns ``risk_band, kind, exact, adjacent, under, over, unable_to_rate, pairwise_exact``, one row per
        risk band and kind of factor. Agreement with the gold is among priorities given; ``unable_to_rate``
        among ratings asked for; ``pairwise_exact`` is the chance that two officers who both give a priority
        give the same one, averaged over cases and factors.
    overall : dict of str to list
        Columns ``case, risk_band``, the overall priorities' shares (``Low`` ... ``Very High``) and ``exact``.
    """

    cells: dict[str, list[Any]]
    overall: dict[str, list[Any]]


def population(design: Design, parameters: Parameters, ambiguity: np.ndarray | float = 0.0,
               difficulty: np.ndarray | float = 1.0) -> Population:
    """Integrate the model over officers, with the cases as they are.

    Parameters
    ----------
    ambiguity : ndarray, shape (C, F), optional
        u of each case and factor.
    difficulty : ndarray, shape (C,), optional
        kappa of each case.

    Notes
    -----
    Given the threshold h, the latent concern y is normal, so the priorities need one integral
    over h; the logit of "unable to rate" another over officers. The overall priority is integrated over
    severity with halo, protective severity and threshold (factors are independent given these), with the
    exact distribution of the sums between.
    """
    factors, kind = _kinds(design)
    opportunity = np.array([factor.id == "opportunity" for factor in factors])
    shape = (len(design.cases), len(kind))
    u, kappa = np.broadcast_to(ambiguity, shape), np.broadcast_to(difficulty, shape[0])
    agencies = [rater.attributes.get("agency", "") for rater in design.raters]
    rated = design.rated()
    weights, given, levels = [], [], []
    for agency in dict.fromkeys(agencies):
        weights.append(rated[[name == agency for name in agencies]].sum(0))
        mean, sigma = _latent(design, parameters, kind, u, kappa, agency, design.golds())
        given.append(_given(design, parameters, kind, mean, sigma))
        levels.append(_overall(design, parameters, kind, opportunity, mean, sigma))
    weight = np.array(weights) / np.maximum(np.sum(weights, 0), 1)
    asked = np.sum(weights, 0)
    p = np.einsum("ac,acfk->cfk", weight, np.array(given))
    shares = np.einsum("ac,ack->ck", weight, np.array(levels))
    return Population(_cells(design, kind, p, asked), _shares(design, shares))


def priorities(design: Design, parameters: Parameters, ambiguity: np.ndarray, difficulty: np.ndarray,
               gold: np.ndarray) -> np.ndarray:
    """Probability that an officer of each agency gives each priority (and not "unable to rate").

    Parameters
    ----------
    ambiguity, gold : (..., C, F) arrays
    difficulty : (..., C) array

    Returns
    -------
    (A, ..., C, F, 3) array
        Agencies in the order in which they first occur among the raters.
    """
    kind = _kinds(design)[1]
    agencies = dict.fromkeys(rater.attributes.get("agency", "") for rater in design.raters)
    return np.array([_given(design, parameters, kind, *_latent(design, parameters, kind, ambiguity, difficulty, agency, gold))
                     for agency in agencies])


def _kinds(design: Design) -> tuple[list[Factor], np.ndarray]:
    """The factors that are simulated and their positions in ``KINDS``."""
    factors = [factor for factor in load_instrument(design.instrument).factors if factor.kind in KINDS]
    return factors, np.array([KINDS.index(factor.kind) for factor in factors])


def _latent(design: Design, p: Parameters, kind: np.ndarray, u: np.ndarray, kappa: np.ndarray,
            agency: str, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of y over officers of an agency and standard deviation of its noise, each (..., C, F)."""
    cell = np.ix_(design.bands(), kind)
    mean = (gold - 1) * p.step + p.shift.array()[cell] + u + p.agency_shift.get(agency, 0.0)
    return mean, p.noise.array()[cell] * kappa[..., None] * p.agency_noise.get(agency, 1.0)


def _thresholds(p: Parameters) -> np.ndarray:
    return p.threshold * np.exp(p.central_tendency + p.threshold_sd * _NODES)


def _given(design: Design, p: Parameters, kind: np.ndarray, mean: np.ndarray,
           sigma: np.ndarray) -> np.ndarray:
    """Probability of giving each priority (and not "unable to rate"), (..., C, F, 3)."""
    halo = p.halo.array()[design.bands()][:, None]
    sd = np.sqrt(sigma**2 + p.severity_sd**2 + halo**2 + (kind == 1) * p.protective_severity_sd**2)
    logit = p.unable.array()[np.ix_(design.bands(), kind)][..., None] + p.unable_sd * _NODES
    far = 1 - expit(logit) @ _WEIGHTS
    near = 1 - expit(logit + p.unable_near_threshold) @ _WEIGHTS

    def chances(mean: np.ndarray) -> np.ndarray:
        h, d = _thresholds(p), p.near_threshold
        # y's line, cut at the thresholds and at d around them; the zones overlap in the middle when h < d
        inner = np.maximum(h - d, 0)
        edges = np.array([-h - d, -h, -inner, inner, h, h + d])
        edges = edges.reshape(len(edges), *[1] * mean.ndim, -1)
        below = ndtr((edges - mean[..., None]) / sd[..., None]) @ _WEIGHTS
        mass = np.diff(below, axis=0, prepend=0, append=1)  # far low, near low, near medium, far medium, ...
        low = far * mass[0] + near * mass[1]
        high = far * mass[6] + near * mass[5]
        return np.stack([low, near * (mass[2] + mass[4]) + far * mass[3], high], -1)

    right, wrong = chances(mean), chances(-mean)
    reversal = (p.reversal * (kind == 1))[:, None]
    return (1 - reversal) * right + reversal * wrong


def _overall(design: Design, p: Parameters, kind: np.ndarray, opportunity: np.ndarray, mean: np.ndarray,
             sigma: np.ndarray) -> np.ndarray:
    """Probability of each overall priority, (C, 4)."""
    o, protective, n_risk, n_protective = p.overall, kind == 1, (kind == 0).sum(), (kind == 1).sum()
    nodes = np.array(list(product(_NODES, repeat=3)))
    weights = np.prod(np.array(list(product(_WEIGHTS, repeat=3))), axis=1)
    h = (p.threshold * np.exp(p.central_tendency + p.threshold_sd * nodes[:, 2]))[:, None]
    score = (o.risk * np.linspace(-1, 1, 2 * n_risk + 1)[:, None]
             + o.protective * np.linspace(-1, 1, 2 * n_protective + 1))  # of each pair of sums
    result = []
    for c, band in enumerate(design.bands()):
        spread = np.hypot(p.severity_sd, p.halo.array()[band]) * nodes[:, :1]
        centre = mean[c] + spread + p.protective_severity_sd * nodes[:, 1:2] * protective

        def priorities(centre: np.ndarray, c: int = c) -> np.ndarray:
            low, high = ndtr((-h - centre) / sigma[c]), ndtr((centre - h) / sigma[c])
            return np.stack([low, 1 - low - high, high], -1)  # (nodes, F, 3)

        x, mirrored = priorities(centre), priorities(-centre)
        prot = (1 - p.reversal) * _sum(x[:, protective]) + p.reversal * _sum(mirrored[:, protective])
        either = _sum(x[:, ~protective])
        is_high = _sum(np.where(opportunity[:, None], x * [0, 0, 1], x)[:, ~protective]) * opportunity.any()
        shares = np.zeros(len(o.cuts) + 1)
        for risk, bonus in ((either - is_high, 0.0), (is_high, o.opportunity)):
            joint = np.einsum("n,ni,nj->ij", weights, risk, prot)
            noise = max(o.noise.array()[band], 1e-12)
            below = ndtr((np.array(o.cuts)[:, None, None] - score - bonus) / noise)
            shares += np.diff(np.concatenate([[0], (below * joint).sum((1, 2)), [joint.sum()]]))
        result.append(shares)
    return np.array(result)


def _sum(p: np.ndarray) -> np.ndarray:
    """Distribution of the sum of m independent scores 0, 1, 2, given (nodes, m, 3): (nodes, 2m + 1)."""
    total = np.ones((len(p), 1))
    for m in range(p.shape[1]):
        wider = np.zeros((len(p), total.shape[1] + 2))
        for k in range(3):
            wider[:, k:k + total.shape[1]] += total * p[:, m, k:k + 1]
        total = wider
    return total


def _cells(design: Design, kind: np.ndarray, p: np.ndarray, asked: np.ndarray) -> dict[str, list[Any]]:
    gold = np.array([case.gold for case in design.cases])[..., None]
    step = np.arange(3) - gold
    weighted, given = p * asked[:, None, None], p.sum(-1)
    pairs = ((p / given[..., None]) ** 2).sum(-1)
    columns: dict[str, list[Any]] = {}
    for band, t in product(range(len(BANDS)), range(len(KINDS))):
        chosen = np.ix_(design.bands() == band, kind == t)
        mass, gap = weighted[chosen], step[chosen]
        if not mass.sum():
            continue
        base = mass.sum()
        row: dict[str, Any] = {"risk_band": BANDS[band], "kind": KINDS[t]}
        row |= {name: float(mass[hit].sum() / base) for name, hit in (
            ("exact", gap == 0), ("adjacent", abs(gap) < 2), ("under", gap < 0), ("over", gap > 0))}
        row["unable_to_rate"] = float(1 - base / (asked[design.bands() == band].sum() * (kind == t).sum()))
        row["pairwise_exact"] = float(pairs[chosen].mean())
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return columns


def _shares(design: Design, levels: np.ndarray) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"case": [case.id for case in design.cases],
                                "risk_band": [case.risk_band for case in design.cases]}
    for k, label in enumerate(("Low", "Medium", "High", "Very High")):
        columns[label] = levels[:, k].tolist()
    columns["exact"] = [float(levels[c, case.overall]) for c, case in enumerate(design.cases)]
    return columns
