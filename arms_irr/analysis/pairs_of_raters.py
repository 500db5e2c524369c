"""How far does each officer agree with each other officer, and each agency with each other?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.design import FEW
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.pairs import PairKappas, pair_kappas
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import Floats, agreement_weights
from arms_irr.study.count import NOT_RECORDED, Cell, cells, names, tally
from arms_irr.study.study import Study

__all__ = ["MOST", "rater_pairs"]

MOST = 60  # officers beyond whom pairs of groups are given instead of pairs of officers
_COEFFICIENTS = ("percent", "cohen")
Ints = npt.NDArray[np.integer]


def rater_pairs(
    study: Study, coefficient: str = "percent", weights: str = "identity", *, by: str | None = None, most: int = MOST
) -> Result:
    """Agreement of every officer with every other, over all cases and factors that both rated.

    Parameters
    ----------
    study : Study
        The overall priority and static factors are left out, as in every pool; so is "unable to rate".
    coefficient : {"percent", "cohen"}
        Agreement weighted by ``weights`` (plain for "identity"), or Cohen's (weighted) kappa of the pair.
    weights : str
        Agreement weights.
    by : str, optional
        The attribute that makes blocks of officers: ``agency`` where the study records it, then ``site``.
    most : int
        Officers beyond whom the rows are pairs of groups: ``site`` within ``agency``, as far as recorded (``agency``
        alone where there are more than ``most`` sites), or ``by``.

    Returns
    -------
    Result
        By ``rater, other``, and with an attribute also by its value for each: ``agency, other_agency``. Each pair
        once. Officers in the order of their blocks, within a block by mean agreement with all others, highest
        first. Pairs of groups (every number of officers; percent only) pool all pairs of one rating of each group
        on the same subject; a group with itself pools its pairs of different officers. No interval: the subjects of
        a pair are no sample, and pairs share officers.

    Raises
    ------
    ArgumentError
        For an unknown coefficient, weights or attribute, and for Cohen's kappa of more than ``most`` officers.

    Notes
    -----
    Pairs with fewer than 5 subjects in common are suppressed ("few-subjects"). Kappa is ``nan`` where its expected
    agreement is 1 ("one-category").
    """
    if coefficient not in _COEFFICIENTS:
        raise ArgumentError(f"unknown coefficient {coefficient!r}. {nearest(coefficient, _COEFFICIENTS)}Choose from {', '.join(_COEFFICIENTS)}.")
    block = by if by is not None else next((name for name in ("agency", "site") if name in study.rater_attributes), None)
    if block is not None and block not in study.rater_attributes:
        recorded = ", ".join(study.rater_attributes) or "nothing"
        raise ArgumentError(f"officers have no attribute {block!r}. {nearest(block, study.rater_attributes)}This study records {recorded}.")
    columns = ("rater", "other") if block is None else ("rater", "other", block, f"other_{block}")
    grouped = len(study.raters) > most
    if grouped and coefficient == "cohen":
        raise ArgumentError(f"Cohen's kappa of {len(study.raters)} officers makes too many pairs to read (most={most}); "
                            'ask for coefficient="percent", which is given by group, or for a part of the study')
    question = f"Agreement of {'groups of officers' if grouped else 'officers'} with each other"
    empty = Result(question, columns, (), picture="rater_heatmap", synthetic=study.synthetic)
    found = cells(study, [])
    if not found:
        return empty
    (cell,) = found
    if cell.scale is None:
        group = {column: "all officers" if column in ("rater", "other") else "" for column in columns}
        return replace(empty, rows=(Row(group, coefficient, undefined("mixed-scales", weights=weights)),))
    counted = tally(study, cell)
    w = agreement_weights(weights, counted.scores)
    if not counted.n_units:
        return empty
    if not grouped:
        return replace(empty, rows=tuple(_of_officers(study, cell, counted, w, coefficient, weights, block)))
    inner = [by] if by is not None else [name for name in ("agency", "site") if name in study.rater_attributes]
    return replace(empty, rows=tuple(_of_groups(study, cell, counted, w, weights, inner, columns[2:], most)))


def _of_officers(study: Study, cell: Cell, counted: Tally, w: Floats, coefficient: str, weights: str, block: str | None) -> list[Row]:
    _, officers = names(study, cell)
    pairs = pair_kappas(counted, w)
    value = pairs.observed if coefficient == "percent" else pairs.value
    shown = np.where(pairs.n >= FEW, value, np.nan)
    np.fill_diagonal(shown, np.nan)
    where = dict(zip(study.raters, study.rater_attributes[block], strict=True)) if block else {}
    blocks = [where.get(officer, "") or NOT_RECORDED for officer in officers] if block else [""] * len(officers)
    order = _order(shown, blocks)
    rows = []
    for position, i in enumerate(order):
        for j in order[position + 1 :]:
            group = {"rater": officers[i], "other": officers[j]}
            if block:
                group |= {block: blocks[i], f"other_{block}": blocks[j]}
            rows.append(Row(group, coefficient, _pair(pairs, float(shown[i, j]), int(i), int(j), weights)))
    return rows


def _order(shown: Floats, blocks: list[str]) -> list[int]:
    """Officers by block, in order of appearance, then by mean agreement; those without a value last."""
    known = ~np.isnan(shown)
    mean = np.divide(np.where(known, shown, 0.0).sum(axis=1), known.sum(axis=1), out=np.full(len(shown), -np.inf), where=known.any(axis=1))
    first = {block: number for number, block in enumerate(dict.fromkeys(blocks))}
    return sorted(range(len(blocks)), key=lambda i: (first[blocks[i]], -mean[i]))


def _pair(pairs: PairKappas, value: float, i: int, j: int, weights: str) -> Estimate:
    n = int(pairs.n[i, j])
    size: dict[str, Any] = {"n_subjects": n, "n_raters": 2, "n_ratings": 2 * n, "weights": weights}
    if np.isnan(value):
        return undefined("no-overlap" if not n else "few-subjects" if n < FEW else "one-category", **size)
    return Estimate(value, method="pair of officers", observed=float(pairs.observed[i, j]), expected=float(pairs.expected[i, j]), **size)


def _of_groups(
    study: Study, cell: Cell, counted: Tally, w: Floats, weights: str, attributes: Sequence[str], columns: Sequence[str], most: int
) -> list[Row]:
    """Pairs of groups, from how many officers of each group chose each category of each subject."""
    assert counted.codes is not None
    known = dict(zip(study.raters, zip(*(study.rater_attributes[name] for name in attributes), strict=True), strict=True)) if attributes else {}
    keys = [known.get(officer, ()) for officer in names(study, cell)[1]]
    if len(set(keys)) > most:  # sites without number: by agency alone
        keys = [key[:1] for key in keys]
    agencies = list(dict.fromkeys(key[:1] for key in keys))
    groups = sorted(set(keys), key=lambda key: (agencies.index(key[:1]), key))  # those of one agency stand together
    place = {key: number for number, key in enumerate(groups)}
    member = np.array([place[key] for key in keys])
    counts = _counts(counted.codes, member, len(groups), len(w))
    sizes, people = counts.sum(axis=2), np.bincount(member, minlength=len(groups))
    # Within a group no rating is paired with itself; such a pair would agree fully.
    alone = np.diag(sizes.sum(axis=1))
    agreeing, pairs = np.einsum("guk,kl,hul->gh", counts, w, counts, optimize=True) - alone, sizes @ sizes.T - alone
    words = [", ".join(part or NOT_RECORDED for part in key) or "all officers" for key in groups]
    rows = []
    for g, h in combinations_with_replacement(range(len(groups)), 2):
        group = {"rater": words[g], "other": words[h]}
        group |= {column: groups[k][0] or NOT_RECORDED for column, k in zip(columns, (g, h), strict=False)}
        both = sizes[g] > 1 if g == h else (sizes[g] > 0) & (sizes[h] > 0)
        of = {g, h}
        size: dict[str, Any] = {"n_subjects": int(both.sum()), "n_raters": int(sum(people[k] for k in of)),
                                "n_ratings": int(sum(sizes[k].sum() for k in of)), "weights": weights}
        flag = ("one-rater" if g == h and people[g] < 2 else "no-overlap" if not pairs[g, h]
                else "few-subjects" if size["n_subjects"] < FEW else "")
        share = float(agreeing[g, h] / pairs[g, h]) if pairs[g, h] else math.nan
        found = undefined(flag, **size) if flag else Estimate(share, method="pairs of ratings, one of each group", observed=share, **size)
        rows.append(Row(group, "percent", found))
    return rows


def _counts(codes: Ints, member: Ints, groups: int, q: int) -> Floats:
    """(groups, units, q): how many officers of each group put each unit into each category."""
    units, _ = codes.shape
    cells_ = (member * units + np.arange(units)[:, None]) * q + codes
    return np.bincount(cells_[codes >= 0], minlength=groups * units * q).reshape(groups, units, q).astype(np.float64)
