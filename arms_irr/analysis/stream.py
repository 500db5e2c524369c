"""Millions of ratings: agreement in groups, and each rater against the gold standard, from one pass over the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.against import GoldKappas, kappas_of_tables
from arms_irr.statistics.agreement import Coefficient
from arms_irr.statistics.agreement import coefficient as row_of
from arms_irr.statistics.arrays import scores_of
from arms_irr.statistics.estimate import Estimate
from arms_irr.statistics.groups import group_estimates, stacked, unstacked
from arms_irr.statistics.jackknife import variance, without_each_case
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.two_way import over_raters_and_cases, rating_terms, spread
from arms_irr.statistics.weights import Floats, agreement_weights
from arms_irr.study.batches import small_table
from arms_irr.study.stream import Counts, Gold, count_ratings, sums_by_rater

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RaterKappas", "Stream", "stream_agreement", "stream_ratings"]

_TARGETS = ("subjects", "raters", "both")
_Found = dict[tuple[str, str], list[Estimate]]
_COEFFICIENTS = ("percent", "brennan_prediger", "gwet", "fleiss", "krippendorff")


@dataclass(frozen=True)
class RaterKappas:
    """Each rater against the gold standard, as arrays: 20,000 raters are no table for reading.

    Attributes
    ----------
    raters : list
    kappas : dict
        weights -> GoldKappas.
    """

    raters: list[Any]
    kappas: Mapping[str, GoldKappas]

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame: one row a rater and weight set, the fixed columns of a Result that apply."""
        import pandas as pd

        return pd.concat([
            pd.DataFrame({"rater": self.raters, "coefficient": "cohen", "weights": name, "estimate": k.value, "se": k.se,
                          "ci_low": k.ci_low, "ci_high": k.ci_high, "observed": k.observed, "expected": k.expected,
                          "n_ratings": k.n.astype(np.int64)})
            for name, k in self.kappas.items()
        ], ignore_index=True)


@dataclass(frozen=True)
class Stream:
    """Ratings counted once, to be asked often.

    Attributes
    ----------
    subjects : Counts
        Ratings per subject and category.
    categories : tuple
        The scale, lowest first.
    attributes : mapping
        Further grouping columns: name -> the column that decides it and the value for each of its labels.
    against : Counts or None
        Ratings per rater, gold category and category.
    source, rater
        What was counted, and the rater's column: to be read once more for intervals over other raters.
    """

    subjects: Counts
    categories: tuple[Any, ...]
    attributes: Mapping[str, tuple[str, Mapping[Any, Any]]]
    against: Counts | None = None
    source: Any = field(default=None, repr=False)
    rater: str = "rater"

    def agreement(
        self, by: Sequence[str] = (), coefficient: str | Sequence[str] = _COEFFICIENTS,
        weights: str | Sequence[str] = ("identity", "linear", "quadratic", "ordinal"), confidence_level: float = 0.95,
        target: str = "subjects",
    ) -> Result:
        """Agreement between exchangeable raters in each group.

        Parameters
        ----------
        by : sequence of str
            Subject columns and attributes of cases.
        coefficient : str or sequence of str
            percent, brennan_prediger, gwet, fleiss, krippendorff: those that counts decide.
        weights : str or sequence of str
        target : {"subjects", "raters", "both"}
            What the interval generalises to: other subjects; other raters; or other raters and cases, a case being a
            value of the first subject column. The last two read the source once more, and are linearised:
            see :mod:`arms_irr.statistics.two_way`.
        """
        if target not in _TARGETS:
            raise ArgumentError(f"target {target!r} is not one of {', '.join(_TARGETS)} for ratings in a stream")
        names = [coefficient] if isinstance(coefficient, str) else list(coefficient)
        if isinstance(by, str):
            raise ArgumentError(f"by= takes a list of columns, for example by=[{by!r}]")
        scores = scores_of(list(self.categories), None)
        sets = {name: agreement_weights(name, scores) for name in ([weights] if isinstance(weights, str) else weights)}
        counts = _on_scale(self.subjects, self.categories)
        units = counts.reshape(-1, len(scores))
        group, labels = self._groups(by)
        rated = units.any(axis=1)
        used, group = np.unique(group[rated], return_inverse=True)
        found = group_estimates(stacked(units[rated], group, len(used)), scores, [row_of(n) for n in names], sets,
                                confidence_level=confidence_level)
        if target != "subjects" and len(used):
            found = self._over_raters(found, sets, group, units, target)
        rows = [Row(labels(g), name, found[name, w][i])
                for i, g in enumerate(used.tolist()) for name in names for w in sets]
        blank = self.subjects.n_blank
        notes = (f"Subjects are combinations of {' and '.join(self.subjects.columns[:-1])}.",
                 *([f"{blank} rows without a rating were left out."] if blank else []))
        return Result("Agreement between raters", tuple(by), tuple(rows), notes)

    def _over_raters(
        self, found: _Found, sets: Mapping[str, Floats], group: np.ndarray, units: Floats, target: str
    ) -> _Found:
        """The same estimates with intervals over raters, or over raters and cases; ``group`` is of the units that are rated."""
        q, groups, shape = units.shape[-1], int(group.max()) + 1, self.subjects.table.shape[:-1]
        at = np.flatnonzero(units.any(axis=1))
        scores = scores_of(list(self.categories), None)
        counts = stacked(units[at], group, groups)
        tally = Tally(counts, scores, None, counts.any(axis=-1).astype(np.float64))
        with np.errstate(invalid="ignore", divide="ignore"):  # groups that are 0/0 go through the same arithmetic
            terms = {key: np.nan_to_num(unstacked(rating_terms(row_of(key[0]), tally, sets[key[1]]), group)) for key in found}
        # The cells of a rater: whole groups where every case is one unit there, else the cases within each group.
        case = at // prod(shape[1:])
        pairs, pair = np.unique(group * shape[0] + case, return_inverse=True)
        pooled, of_pair = len(pairs) < len(at), pairs // shape[0]
        cells = pair if pooled and target == "both" else group
        values, part = np.zeros((len(found), len(units), q)), np.zeros(len(units), dtype=np.int64)
        values[:, at], part[at] = np.stack(list(terms.values())), cells
        values = values.reshape(-1, *shape, q)[..., [self.categories.index(label) for label in self.subjects.labels[-1]]]
        _, sums, times = sums_by_rater(self.source, self.subjects, self.rater, values, part.reshape(shape))
        cases, out = np.bincount(of_pair, minlength=groups), {}
        for (name, w), own in zip(found, sums, strict=True):
            row, a = row_of(name), terms[name, w]
            if cells is group:
                squares = np.bincount(group, (units[at] * a**2).sum(axis=1))
                columns = np.bincount(group, (units[at] * a).sum(axis=1) ** 2)
                moved = spread(own, times > 0, squares, columns, cases)
            else:
                starts = np.flatnonzero(np.diff(of_pair, prepend=-1))
                moved = spread(np.add.reduceat(own, starts, axis=1), np.add.reduceat(times, starts, axis=1) > 0,
                               np.add.reduceat((own**2).sum(axis=0), starts), np.add.reduceat(own.sum(axis=0) ** 2, starts), cases)
            out[name, w] = [
                over_raters_and_cases(row, one, target, cases[g], _over_cases(row, one, sets[w], units[at][group == g], scores,
                                      case[group == g]) if pooled and target == "both" else one.se**2,
                                      int(moved.n_raters[g]), moved.raters[g], moved.interaction[g])
                for g, one in enumerate(found[name, w])]
        return out

    def raters(self, weights: str | Sequence[str] = ("identity", "quadratic"), confidence_level: float = 0.95) -> RaterKappas:
        """Cohen's kappa of each rater with the gold standard."""
        if self.against is None:
            raise ArgumentError("no gold standard was counted: give gold= and rater= to stream_ratings")
        scores = scores_of(list(self.categories), None)
        gold = self.against.labels[1]
        _refuse_outside(gold, self.categories, "gold")
        rated = _on_scale(self.against, self.categories)
        tables = np.zeros((len(rated), len(scores), len(scores)))
        tables[:, [self.categories.index(g) for g in gold]] = rated
        names = [weights] if isinstance(weights, str) else list(weights)
        return RaterKappas(self.against.labels[0], {
            name: kappas_of_tables(tables, agreement_weights(name, scores), confidence_level=confidence_level) for name in names})

    def _groups(self, by: Sequence[str]) -> tuple[np.ndarray, Any]:
        """The group number of every subject (flat), and a function from the number to the labels."""
        columns, labels = self.subjects.columns[:-1], self.subjects.labels
        shape = tuple(map(len, labels[:-1]))
        group, values = np.zeros(shape, dtype=np.int64), []
        for name in by:
            column, value = (name, None) if name in columns else self._attribute(name, columns)
            axis = columns.index(column)
            own = labels[axis] if value is None else [value[label] for label in labels[axis]]
            distinct = sorted(set(own), key=lambda v: (isinstance(v, str), v)) if value else own
            place = {v: i for i, v in enumerate(distinct)}
            codes = np.array([place[v] for v in own], dtype=np.int64)
            group = group * len(distinct) + codes.reshape([-1 if a == axis else 1 for a in range(len(shape))])
            values.append(distinct)

        def named(number: int) -> dict[str, str]:
            found = {}
            for name, distinct in zip(reversed(by), reversed(values), strict=True):
                number, at = divmod(number, len(distinct))
                found[name] = str(distinct[at])
            return {name: found[name] for name in by}

        return group.reshape(-1), named

    def _attribute(self, name: str, columns: Sequence[str]) -> tuple[str, Mapping[Any, Any]]:
        if name not in self.attributes:
            known = [*columns, *self.attributes]
            raise ArgumentError(f"cannot group by {name!r}. {nearest(name, known)}There are: {', '.join(known)}.")
        column, value = self.attributes[name]
        lost = [label for label in self.subjects.labels[columns.index(column)] if label not in value]
        if lost:
            raise ArgumentError(f"the table of cases has no {column} {', '.join(map(repr, lost[:10]))}: add a row for each")
        return column, value


def _over_cases(row: Coefficient, found: Estimate, w: Floats, units: Floats, scores: Floats, case: np.ndarray) -> float:
    """Variance over cases of several units: delete-one-case jackknife of one group."""
    if not found.estimable or len(units) == 0:
        return np.nan
    tally = Tally(units, scores, None, np.ones(len(units)), case)
    return variance(without_each_case(row, tally, w))


def _refuse_outside(found: Sequence[Any], categories: Sequence[Any], what: str) -> None:
    outside = [label for label in found if label not in categories]
    if outside:
        raise ArgumentError(f"{what} outside the categories {list(categories)}: {', '.join(map(repr, outside[:10]))}. "
                            "Correct them, or declare them in categories=.")


def _on_scale(counts: Counts, categories: Sequence[Any]) -> Floats:
    """The table with the declared categories as its last axis."""
    found = counts.labels[-1]
    _refuse_outside(found, categories, "ratings")
    table = np.zeros((*counts.table.shape[:-1], len(categories)))
    table[..., [categories.index(label) for label in found]] = counts.table
    return table


def stream_ratings(
    source: Any, categories: Sequence[Any], *, subject: Sequence[str] = ("case", "factor"), rating: str = "rating",
    cases: Any = None, gold: Any = None, rater: str = "rater",
) -> Stream:
    """Count ratings in long form, one row a rating, in a single pass.

    Parameters
    ----------
    source : path, mapping or frame
        A Parquet file (read in batches, in little memory), a mapping of names to arrays, or a frame of any engine
        that narwhals knows; see :func:`arms_irr.study.stream.count_ratings`.
    categories : sequence
        The scale, lowest first.
    subject : sequence of str
        The columns that together say what was rated.
    rating : str
    cases : path, mapping or frame, optional
        One row a case: a subject column and attributes to group by.
    gold : path, mapping or frame, optional
        One row a subject: the subject columns and ``rating``. Then the raters are counted too.
    rater : str
        The rater's column, needed with ``gold`` and for intervals over other raters.

    Raises
    ------
    ArgumentError
        For columns that are not there, empty cells in them, and ratings outside the categories.
    """
    if len(set(categories)) < len(categories) or not len(categories):
        raise ArgumentError(f"categories {list(categories)} are no scale: list each category once, lowest first")
    subject, scale = tuple(subject), tuple(categories)
    standard = None if gold is None else _gold(gold, subject, rating)
    tables = [subject] if standard is None else [subject, (rater, "gold")]
    counts = count_ratings(source, *tables, rating=rating, gold=standard)
    for found in counts:
        _refuse_outside(found.labels[-1], scale, "ratings")
    return Stream(counts[0], scale, _attributes(cases, subject), counts[1] if standard else None, source, rater)


def _gold(source: Any, subject: tuple[str, ...], rating: str) -> Gold:
    table = small_table(source)
    for name in (*subject, rating):
        if name not in table:
            raise ArgumentError(f"the gold standard has no column {name!r}. It has {', '.join(table)}.")
    return Gold(subject, dict(zip(zip(*(table[name] for name in subject), strict=True), table[rating], strict=True)))


def _attributes(source: Any, subject: Sequence[str]) -> dict[str, tuple[str, dict[Any, Any]]]:
    if source is None:
        return {}
    table = small_table(source)
    key = next((name for name in table if name in subject), None)
    if key is None:
        raise ArgumentError(f"the table of cases has none of the columns {', '.join(subject)}; it has {', '.join(table)}")
    return {name: (key, dict(zip(table[key], values, strict=True))) for name, values in table.items() if name != key}


def stream_agreement(
    source: Any, categories: Sequence[Any], by: Sequence[str] = (), *, coefficient: str | Sequence[str] = _COEFFICIENTS,
    weights: str | Sequence[str] = ("identity", "linear", "quadratic", "ordinal"), confidence_level: float = 0.95,
    subject: Sequence[str] = ("case", "factor"), rating: str = "rating", cases: Any = None, rater: str = "rater",
    target: str = "subjects",
) -> Result:
    """Agreement between raters in ratings of any number: :func:`stream_ratings`, then :meth:`Stream.agreement`."""
    stream = stream_ratings(source, categories, subject=subject, rating=rating, cases=cases, rater=rater)
    return stream.agreement(by, coefficient, weights, confidence_level, target)
