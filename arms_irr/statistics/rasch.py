"""Rating scale and partial credit models for officers and items: the marginal likelihood and its exact derivatives.

The chance that officer j puts item i into category k is proportional to exp(x_k s_j + c_ik), with category
scores x_0 = 0 < x_1 < ..., c_i0 = 0 and severities s_j = sigma z_j, z_j standard normal. The rating scale model of
Andrich (1978, Psychometrika 43, 561-573) has c_ik = x_k b_i + t_k; the partial credit model of Masters (1982,
Psychometrika 47, 149-174) has its own t for each group of items. For neighbouring scores this is
log[P(k) / P(k - 1)] = b_i + s_j - F_k with F_k = t_(k-1) - t_k and sum F_k = 0.

**Sign.** A positive s_j rates items as more of a priority, a positive b_i is rated as more of one. FACETS, RaschPy
and Linacre (1989) subtract severity: theirs is -s_j.

Everything is computed for the table c (:class:`Table`) and carried to b, t by the chain rule, since c is linear in
them. The score of an officer is sufficient for s, so the integral over s needs officers x nodes numbers only: two
matrix products with the officers x items table of who rated what. Nodes are equally spaced: the trapezoidal rule
converges faster than any power of the spacing for such integrands (Trefethen & Weideman 2014, SIAM Review 56,
385-458), all officers share the nodes, and a spacing of one posterior standard deviation leaves an error near 1e-9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answers", "Marginal", "Nodes", "information", "marginal", "nodes_for", "probabilities"]

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

_FEWEST = 41  # nodes
_NEGLIGIBLE = 1e-11  # weight of a node for an officer


@dataclass(frozen=True, eq=False)
class Answers:
    """Ratings as the model needs them.

    Attributes
    ----------
    codes : (N, I) int array
        Position of the category in ``scores``; -1 where officer did not rate item.
    anchor : (I,) int array
        The same for one more rater whose severity is the origin (the gold standard); -1 where there is none.
    scores : (K + 1,) array
        Scores of the categories, the first 0.
    """

    codes: Ints
    anchor: Ints
    scores: Floats
    mask: Floats
    total: Floats  # (N,) sum of an officer's scores
    counts: Floats  # (I, K + 1) officers who chose each category
    gold: Floats  # (I, K + 1) the anchor's choice, one-hot; a row of 0 where there is none

    @classmethod
    def of(cls, codes: Ints, anchor: Ints, scores: Floats) -> Answers:
        """Answers with their sufficient statistics."""
        mask = (codes >= 0).astype(np.float64)
        chosen = [codes == k for k in range(len(scores))]
        total = np.sum([x * hit.sum(axis=1) for x, hit in zip(scores, chosen, strict=True)], axis=0)
        counts = np.stack([hit.sum(axis=0) for hit in chosen], axis=1).astype(np.float64)
        gold = (anchor[:, None] == np.arange(len(scores))).astype(np.float64)
        return cls(codes, anchor, scores, mask, np.asarray(total, dtype=np.float64), counts, gold)


@dataclass(frozen=True, eq=False)
class Nodes:
    """Equally spaced nodes for a standard normal, with the logarithms of their weights."""

    z: Floats
    log_weight: Floats


def nodes_for(answers: Answers, sigma: float, far: float) -> Nodes:
    """Nodes from -far to far, as many as keep the spacing below the narrowest posterior of a standardised severity.

    An item's information about severity is the variance of its score: at most (largest score / 2) squared, reached only if
    the inner categories are never used; 0.6 of that is still more than ordinary thresholds give.
    """
    most = float(answers.mask.sum(axis=1).max(initial=0)) * (float(answers.scores[-1]) / 2) ** 2
    n = max(_FEWEST, math.ceil(2 * far * math.sqrt(1 + 0.6 * sigma**2 * most)) | 1)
    z = np.linspace(-far, far, n)
    return Nodes(z, -0.5 * z**2 - 0.5 * math.log(2 * math.pi) + math.log(z[1] - z[0]))


@dataclass(frozen=True, eq=False)
class Marginal:
    """The marginal log-likelihood at one point, its gradient, and what later steps use again.

    Attributes
    ----------
    value : float
    table : (I, K) array
        Gradient in c_ik, k >= 1.
    sigma, gold : float
        Gradient in sigma and in the position of the anchor on the officers' scale.
    nodes : Nodes
    weights : (N, Q) array
        Posterior weight of each node for each officer; rows sum to 1.
    p : (I, K + 1, Q) array
        Category probabilities at the nodes.
    """

    value: float
    table: Floats
    sigma: float
    gold: float
    nodes: Nodes
    weights: Floats
    p: Floats


def probabilities(table: Floats, scores: Floats, severity: Floats) -> tuple[Floats, Floats]:
    """Category probabilities (I, K + 1, Q) of every item at severities (Q,), and log of their denominators (I, Q)."""
    eta = scores[:, None] * severity + table[:, :, None]
    top = eta.max(axis=1, keepdims=True)
    p = np.exp(eta - top)
    total = p.sum(axis=1, keepdims=True)
    return p / total, (top + np.log(total))[:, 0]


def marginal(answers: Answers, table: Floats, sigma: float, gold: float, nodes: Nodes) -> Marginal:
    """Log-likelihood of officers whose severities are drawn from N(0, sigma^2), and of the anchor at ``gold``.

    Parameters
    ----------
    table : (I, K + 1) array
        c_ik, first column 0.
    """
    severity = sigma * nodes.z
    p, log_total = probabilities(table, answers.scores, severity)
    log_joint = answers.total[:, None] * severity - answers.mask @ log_total + nodes.log_weight
    top = log_joint.max(axis=1, keepdims=True)
    weights = np.exp(log_joint - top)
    sums = weights.sum(axis=1, keepdims=True)
    weights /= sums
    expected = np.einsum("k,ikq->iq", answers.scores, p)
    at_gold, gold_total = probabilities(table, answers.scores, np.array([gold]))
    anchored = answers.gold.sum(axis=1)
    eta = answers.scores * gold + table
    value = float((answers.counts * table).sum() + top.sum() + np.log(sums).sum()
                  + (answers.gold * eta).sum() - (anchored * gold_total[:, 0]).sum())
    slope = answers.counts - np.einsum("iq,ikq->ik", answers.mask.T @ weights, p)
    left = answers.gold - anchored[:, None] * at_gold[:, :, 0]
    by_sigma = float(((weights @ nodes.z) * answers.total).sum() - ((weights * nodes.z) * (answers.mask @ expected)).sum())
    return Marginal(value, (slope + left)[:, 1:], by_sigma, float((left * answers.scores).sum()), nodes, weights, p)


def information(answers: Answers, table: Floats, sigma: float, gold: float, at: Marginal) -> Floats:
    """Minus the Hessian of the marginal log-likelihood in (c_ik with k >= 1, item by item; gold; sigma), exactly.

    Complete-data information less the posterior covariance of the complete-data score (Louis 1982, JRSS B 44,
    226-233). Square, of order I K + 2.
    """
    items, steps = table.shape[0], table.shape[1] - 1
    p, x, z = at.p[:, 1:], answers.scores[1:], at.nodes.z
    size = items * steps
    full = np.zeros((size + 2, size + 2))
    block = full[:size, :size].reshape(items, steps, items, steps)
    expected = np.einsum("k,ikq->iq", x, p)
    spread = np.einsum("k,ikq->iq", x**2, p) - expected**2
    rated = answers.mask.T @ at.weights  # (I, Q) expected number of raters at each node
    each = np.arange(items)
    block[each, :, each, :] = _within(p, rated)
    gap = x[:, None] - expected[:, None]
    cross = np.einsum("ikq,iq->ik", p * gap, rated * z)
    square = float((at.weights * z**2 * (answers.mask @ spread)).sum())

    score = z * (answers.total[:, None] - answers.mask @ expected)  # derivative in sigma at each node
    mean_score = (at.weights * score).sum(axis=1)
    for q in np.flatnonzero(at.weights.max(axis=0) > _NEGLIGIBLE):
        near = np.flatnonzero(at.weights[:, q] > _NEGLIGIBLE)  # of many officers with many ratings, few
        together = (answers.mask[near] * at.weights[near, q, None]).T @ answers.mask[near]
        block -= p[:, :, None, None, q] * together[:, None, :, None] * p[None, None, :, :, q]
    posterior = np.concatenate([at.weights @ p[:, k].T * answers.mask for k in range(steps)], axis=1)  # step by step
    posterior = posterior.reshape(-1, steps, items).transpose(0, 2, 1).reshape(len(posterior), size)
    full[:size, :size] += posterior.T @ posterior
    cross += np.einsum("ikq,iq->ik", p, answers.mask.T @ (at.weights * score)) - (posterior.T @ mean_score).reshape(items, steps)
    square -= float((at.weights * score**2).sum() - (mean_score**2).sum())

    at_gold = probabilities(table, answers.scores, np.array([gold]))[0][:, 1:]
    anchored = answers.gold.sum(axis=1)[:, None]
    block[each, :, each, :] += _within(at_gold, anchored)
    mean = np.einsum("k,ikq->iq", x, at_gold)
    full[:size, size] = full[size, :size] = (anchored * (at_gold[:, :, 0] * (x - mean))).ravel()
    full[size, size] = float((anchored[:, 0] * (at_gold[:, :, 0] @ x**2 - mean[:, 0] ** 2)).sum())
    full[:size, size + 1] = full[size + 1, :size] = cross.ravel()
    full[size + 1, size + 1] = square
    return full


def _within(p: Floats, weight: Floats) -> Floats:
    """Covariance of the indicators of the categories of each item, summed over nodes with weights (I, Q): (I, K, K)."""
    pairs: Floats = -np.matmul(p * weight[:, None], p.transpose(0, 2, 1))
    step = np.arange(p.shape[1])
    pairs[:, step, step] += np.einsum("ikq,iq->ik", p, weight)
    return pairs
