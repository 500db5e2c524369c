"""Agreement weights and distances, each in [0, 1].

A weight of 1 is full agreement, 0 is none; a distance is ``1 - weight``. Formulas as in Gwet (2014, ch. 3)
on the categories' scores x_1 < ... < x_q.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from arms_irr.errors import ArgumentError, nearest

__all__ = ["METRICS", "WEIGHTS", "Floats", "agreement_weights", "ordinal_distance"]

Floats = npt.NDArray[np.float64]


def _scaled(distance: Floats) -> Floats:
    """Distances divided by their largest."""
    largest = float(distance.max(initial=0.0))
    return distance / largest if largest > 0 else distance


def _identity(x: Floats) -> Floats:
    return 1.0 - np.eye(len(x))


def _linear(x: Floats) -> Floats:
    return _scaled(np.abs(x[:, None] - x))


def _quadratic(x: Floats) -> Floats:
    return _scaled((x[:, None] - x) ** 2)


def _radical(x: Floats) -> Floats:
    return _scaled(np.sqrt(np.abs(x[:, None] - x)))


def _ordinal(x: Floats) -> Floats:
    # Gwet's ordinal weights count the pairs of categories within the span, C(|k-l|+1, 2); they use ranks only.
    span = np.abs(np.subtract.outer(np.arange(len(x)), np.arange(len(x)))).astype(np.float64)
    return _scaled(span * (span + 1) / 2)


def _ratio(x: Floats) -> Floats:
    total = x[:, None] + x
    # The diagonal is never a disagreement: 0/0 for a score of 0 is a distance of 0.
    share = np.divide(x[:, None] - x, total, out=np.zeros_like(total), where=~np.eye(len(x), dtype=bool))
    return _scaled(share**2)


def _circular(x: Floats) -> Floats:
    return _scaled(np.sin(np.pi * (x[:, None] - x) / (x[-1] - x[0] + 1.0)) ** 2)


def _bipolar(x: Floats) -> Floats:
    room = (x[:, None] + x - 2 * x[0]) * (2 * x[-1] - x[:, None] - x)
    # The room is 0 only on the diagonal, at the two ends.
    return _scaled(np.divide((x[:, None] - x) ** 2, room, out=np.zeros_like(room), where=room > 0))


WEIGHTS: dict[str, Callable[[Floats], Floats]] = {
    "identity": _identity,
    "linear": _linear,
    "quadratic": _quadratic,
    "ordinal": _ordinal,
    "radical": _radical,
    "ratio": _ratio,
    "circular": _circular,
    "bipolar": _bipolar,
}

# Krippendorff's metrics that do not depend on the margins, by the weights that give the same alpha.
METRICS: dict[str, str] = {"nominal": "identity", "interval": "quadratic", "ratio": "ratio", "ordinal": "ordinal"}


def agreement_weights(weights: str | npt.ArrayLike, scores: Sequence[float] | Floats) -> Floats:
    """The (q, q) matrix of agreement weights.

    Parameters
    ----------
    weights : str or (q, q) array
        One of :data:`WEIGHTS`, or a matrix: symmetric, ones on the diagonal, all between 0 and 1.
        It need not fall away from the diagonal (Fleiss, Cohen & Everitt 1969 use one that does not).
    scores : (q,) array
        Strictly ascending scores of the categories. ``ratio`` needs scores of 0 or more.

    Raises
    ------
    ArgumentError
        For an unknown name, an unsuitable matrix or unsuitable scores.
    """
    x = np.asarray(scores, dtype=np.float64)
    if not np.all(np.isfinite(x)) or np.any(np.diff(x) <= 0):
        raise ArgumentError(f"scores {x.tolist()} must be finite and strictly ascending, one for each category")
    if isinstance(weights, str):
        if weights not in WEIGHTS:
            raise ArgumentError(f"unknown weights {weights!r}. {nearest(weights, WEIGHTS)}"
                                f"Choose from {', '.join(WEIGHTS)}, or give a matrix.")
        if weights == "ratio" and len(x) and x[0] < 0:
            raise ArgumentError(f"ratio weights need scores of 0 or more, not {x[0]:g}; use quadratic weights")
        return np.asarray(1.0 - WEIGHTS[weights](x))
    matrix = np.asarray(weights, dtype=np.float64)
    if matrix.shape != (len(x), len(x)):
        raise ArgumentError(f"a weight matrix of shape {matrix.shape} does not fit {len(x)} categories")
    if not np.all(np.isfinite(matrix)) or np.any(matrix < 0) or np.any(matrix > 1):
        raise ArgumentError("agreement weights must lie between 0 (no agreement) and 1 (full agreement)")
    if not np.array_equal(matrix, matrix.T):
        raise ArgumentError("a weight matrix must be symmetric: the order of two raters may not matter")
    if not np.all(np.diag(matrix) == 1):
        raise ArgumentError("the diagonal of a weight matrix must be 1: equal ratings agree fully")
    return matrix


def ordinal_distance(n: Floats) -> Floats:
    """Krippendorff's ordinal metric from the category totals ``n`` of shape (..., q).

    delta(c, k) = (sum of n over c..k - (n_c + n_k) / 2) ** 2, so it depends on how often the categories
    between were used (Krippendorff 2011, "Computing Krippendorff's alpha-reliability", metric differences).
    """
    middle = np.cumsum(n, axis=-1) - n / 2
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)
