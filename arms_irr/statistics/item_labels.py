"""Do two kinds of items differ beyond what other items of the same kinds would show? Exchange of the items' labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np

from arms_irr.statistics.agreement import Coefficient, View
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.tally import Codes, Tally
from arms_irr.statistics.weights import Floats

__all__ = ["item_permutation"]

_EXACT = 2**14
_BATCH = 2_000_000


def item_permutation(
    row: Coefficient, tally: Tally, item: Codes, first: Codes, w: Floats, *, replicates: int = 1999, seed: int = 1
) -> Estimate:
    """Coefficient of the units of some items less that of the others; p-value by exchange of the items' labels.

    Parameters
    ----------
    tally : Tally
        Of all units.
    item : (U,) array of int
        The item of each unit, from 0.
    first : (I,) array of bool
        Which items are of the first kind; at least one of each.

    Returns
    -------
    Estimate
        Without interval; ``parts``: ``p``, two-sided, the share of assignments (all of them up to 2^14, else those
        drawn and the one observed) whose difference is at least as far from 0, those with a coefficient of 0/0
        left out; ``assignments``. Target ``subjects``: other items. Fisher (1935), chapter 3.
    """
    items, n = len(first), int(np.sum(first))
    about = {"target": "subjects", "n_subjects": tally.n_units, "n_raters": tally.n_raters, "n_ratings": tally.n_ratings}
    if not 0 < n < items:
        return undefined("no-ratings", **about)
    full = View.whole(tally)

    def differences(labels: Floats) -> Floats:
        of_first = labels[:, item]
        a, b = (row.value(replace(full, weight=tally.weight * part), w) for part in (of_first, 1 - of_first))
        return np.asarray(a - b)

    value = float(differences(np.asarray(first, dtype=np.float64)[None, :])[0])
    found = Estimate(value, method=f"{row.title}, exchange of the items' labels", target="subjects", n_subjects=tally.n_units,
                     n_raters=tally.n_raters, n_ratings=tally.n_ratings)
    if np.isnan(value):
        return found.flagged("one-category")
    exact = comb(items, n) <= _EXACT
    size = max(1, _BATCH // max(1, tally.counts.size))
    drawn = np.concatenate([differences(labels) for labels in _labels(items, n, exact, size, replicates, seed)])
    drawn = drawn[~np.isnan(drawn)]
    hits, own = int((np.abs(drawn) >= abs(value) - 1e-12).sum()), int(not exact)
    return replace(found, parts={"p": (hits + own) / (len(drawn) + own), "assignments": float(len(drawn) + own)})


def _labels(items: int, n: int, exact: bool, size: int, replicates: int, seed: int) -> Iterator[Floats]:
    """Batches of (B, I) 1 for the items of the first kind: all choices, or some drawn."""
    if exact:
        chosen = np.array(list(combinations(range(items), n)))
        every = np.zeros((len(chosen), items))
        np.put_along_axis(every, chosen, 1.0, axis=1)
        for start in range(0, len(every), size):
            yield every[start:start + size]
        return
    rng = np.random.default_rng(seed)
    ordered = (np.arange(items) < n).astype(np.float64)
    for done in range(0, replicates, size):
        yield rng.permuted(np.broadcast_to(ordered, (min(size, replicates - done), items)), axis=1)
