"""Tables of ratings, however they are kept: the same numbers from every frame, and errors that say what to do."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arms_irr as irr
from arms_irr.errors import ArgumentError
from arms_irr.statistics.arrays import tally
from arms_irr.statistics.tables import coded
from arms_irr.statistics.tally import Tally, counts_of, patterns

ROWS = [[1, 2, None], [3, 3, 3], [2, None, 1], [1, 1, 1], [2, 2, 3], [None, 2, 2]]
LABELS = {1: "Low", 2: "Medium", 3: "High", None: None}


def frames(rows):
    columns = {f"r{j}": [row[j] for row in rows] for j in range(len(rows[0]))}
    yield "list", rows
    yield "tuples", tuple(map(tuple, rows))
    yield "object array", np.array(rows, dtype=object)
    yield "pandas", pd.DataFrame(columns)
    yield "pandas object", pd.DataFrame(columns, dtype=object)
    yield "polars", pl.DataFrame(columns)
    yield "lazy polars", pl.LazyFrame(columns)
    yield "pyarrow", pa.table(columns)
    arrow = pa.table(columns)
    yield "duckdb", duckdb.from_arrow(arrow)
    yield "dictionary", pa.table({k: v.combine_chunks().dictionary_encode() for k, v in zip(columns, arrow.columns, strict=True)})


@pytest.mark.parametrize("text", [False, True])
def test_every_frame_gives_the_same_codes(text):
    rows = [[LABELS[v] for v in row] for row in ROWS] if text else ROWS
    scale = ["Low", "Medium", "High"] if text else [1, 2, 3]
    expected = [[-1 if v is None else v - 1 for v in row] for row in ROWS]
    for name, frame in frames(rows):
        codes, found, flags = coded(frame, scale)
        assert codes.tolist() == expected, name
        assert found == scale
        assert flags == ()


@pytest.mark.parametrize("dtype", ["float64", "float32", "Int64", "Float64", "category"])
def test_types_of_pandas(dtype):
    frame = pd.DataFrame(ROWS).astype(dtype)
    assert coded(frame, [1, 2, 3])[0].tolist() == coded(ROWS, [1, 2, 3])[0].tolist()


def test_masked_arrays_and_columns_with_one_name():
    masked = np.ma.masked_array([[1, 9], [2, 2]], mask=[[False, True], [False, False]])
    assert coded(masked, [1, 2])[0].tolist() == [[0, -1], [1, 1]]
    twice = pd.DataFrame([[1, 2], [2, 2]], columns=["r", "r"])
    assert coded(twice, [1, 2])[0].tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64, np.float32, np.float64])
@pytest.mark.parametrize("scale", [[0, 1, 2], [1, 2, 3, 4], [5, 50, 100], [3, 1, 2]])
def test_types_of_numbers(dtype, scale):
    table = np.random.default_rng(1).choice(scale, (40, 3)).astype(dtype)
    codes = coded(table, scale)[0]
    assert np.array_equal(np.array(scale)[codes], table)


def test_numbers_far_apart_fractions_and_negative_ones():
    for scale in ([-100, 0, 100], [-1.5, 0.25, 7.0], [1, 10**9, 10**12]):
        table = np.random.default_rng(2).choice(scale, (30, 3))
        codes, found, flags = coded(table, None)
        assert np.array_equal(np.array(found)[codes], table)
        assert flags == ("categories-observed",)
    signed = np.array([[-120, 120], [0, 5]], dtype=np.int8)
    assert coded(signed, [-120, 0, 5, 120])[0].tolist() == [[0, 3], [1, 2]]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.integers(2, 4), st.integers(0, 10**6), st.booleans())
def test_patterns_are_the_same_units(raters, q, seed, gaps):
    rng = np.random.default_rng(seed)
    codes = rng.integers(-1 if gaps else 0, q, (1500, raters)).astype(np.int8)
    distinct, weight = patterns(codes, q)
    rows, times = np.unique(codes, axis=0, return_counts=True)
    order = np.lexsort(distinct.T[::-1])
    assert np.array_equal(distinct[order], rows)
    assert np.array_equal(weight[order], times)


def test_counts_by_a_loop():
    codes = np.random.default_rng(3).integers(-1, 4, (50, 6))
    expected = [[sum(v == k for v in row) for k in range(4)] for row in codes.tolist()]
    assert counts_of(codes, 4).tolist() == expected


@pytest.mark.parametrize("name", ["percent", "fleiss", "conger", "krippendorff", "gwet", "light"])
@pytest.mark.parametrize("target", ["subjects", "raters"])
def test_collapsing_to_patterns_changes_nothing(name, target):
    rng = np.random.default_rng(4)
    table = np.clip(rng.integers(1, 4, 600)[:, None] + rng.integers(-1, 2, (600, 3)), 1, 3).astype(float)
    table[rng.random(table.shape) < 0.1] = np.nan
    from arms_irr.statistics.agreement import coefficient
    from arms_irr.statistics.uncertainty import estimate
    from arms_irr.statistics.weights import agreement_weights

    points, w = np.array([1.0, 2, 3]), agreement_weights("linear", [1, 2, 3])
    long = Tally.from_codes(coded(table, [1, 2, 3])[0], points)
    short = tally(table, [1, 2, 3])
    assert len(short.weight) < 64 < len(long.weight)
    slow = estimate(coefficient(name), long, w, target=target)
    fast = irr.agreement(table, name, "linear", [1, 2, 3], target)
    again = irr.agreement(short, name, "linear", target=target)
    for found in (fast, again):
        assert [found.value, found.se, found.ci_low, found.ci_high, found.df] == pytest.approx(
            [slow.value, slow.se, slow.ci_low, slow.ci_high, slow.df], abs=1e-11)
        assert (found.n_subjects, found.n_raters, found.n_ratings) == (slow.n_subjects, slow.n_raters, slow.n_ratings)


def test_counting_once_and_asking_often_has_one_scale():
    with pytest.raises(ArgumentError, match="a Tally has its categories"):
        irr.agreement(tally([[1, 2], [2, 2]], [1, 2]), "gwet", categories=[1, 2])


BAD_MATRIX = [[1, 0.5, 0], [0.4, 1, 0.5], [0, 0.5, 1]]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: irr.agreement([[1, np.inf], [2, 2]]), "infinite rating.*inf.*use nan"),
        (lambda: irr.agreement(np.array([[1, -np.inf], [2, 2]])), "infinite rating.*-inf.*use nan"),
        (lambda: irr.agreement(pd.DataFrame({"a": [1, np.inf], "b": [1, 2]})), "infinite rating"),
        (lambda: irr.agreement([[1, None], [float("inf"), "x"]]), "infinite rating"),
        (lambda: irr.agreement([[1, "high"], [2, 2]]), "mix numbers with text such as 'high'.*categories="),
        (lambda: irr.agreement([[1, "high"], [2, 2]], categories=[1, 2, 3]), r"outside the categories \[1, 2, 3\]: 'high'"),
        (lambda: irr.agreement([[1, 7], [2, 9]], categories=[1, 2, 3]), "outside.*7, 9.*declare"),
        (lambda: irr.agreement([list(range(20)), list(range(20))], categories=[0]), "and 9 more"),
        (lambda: irr.agreement([1, 2, 3]), "not a table.*rows = subjects"),
        (lambda: irr.agreement([]), "not a table"),
        (lambda: irr.agreement([[]]), "not a table"),
        (lambda: irr.agreement(5), "not a table"),
        (lambda: irr.agreement(pd.DataFrame()), "not a table"),
        (lambda: irr.agreement([[1, 2], [1]]), "not a table.*nan"),
        (lambda: irr.agreement(np.zeros((2, 2, 2))), "not a table"),
        (lambda: irr.agreement([[1, 2], [2, 1]], categories=[]), "list its categories"),
        (lambda: irr.agreement([[1, 2], [2, 1]], categories=[1, 2, 2]), "twice"),
        (lambda: irr.agreement([[1, 2, 3], [2, 1, 3]], "gwet", BAD_MATRIX), "symmetric"),
        (lambda: irr.agreement([[1, 2], [2, 1]], "gwet", [[1, 1.5], [1.5, 1]]), "between 0"),
        (lambda: irr.agreement([[1, 2], [2, 1]], "gwet", [[1, np.nan], [np.nan, 1]]), "between 0"),
        (lambda: irr.agreement([[1, 2], [2, 1]], "gwet", [[1, 0, 0], [0, 1, 0], [0, 0, 1]]), r"\(3, 3\).*2 categories"),
        (lambda: irr.agreement([[1, 2], [2, 1]], "gwet", [[0.5, 0], [0, 1]]), "diagonal"),
        (lambda: irr.agreement([[1, 2], [2, 1]], confidence_level=95), "95.*Did you mean 0.95"),
        (lambda: irr.agreement([[1, 2], [2, 1]], confidence_level=0), "not between 0 and 1"),
        (lambda: irr.agreement([[1, 2], [2, 1]], "gwet", "quadratic", scores=[1, np.inf]), "finite"),
        (lambda: irr.icc([[1, "high"], [2, 3]]), "'high' is not a number"),
        (lambda: irr.icc([[1, np.inf], [2, 3]]), "infinite"),
    ],
)
def test_bad_input_is_our_error_with_the_value_and_the_remedy(call, says):
    with pytest.raises(ArgumentError, match=says) as caught:
        call()
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("table", "flag"),
    [([[1], [2], [1]], "one-rater"), ([[None, None], [None, None]], "no-ratings"), ([[np.nan], [np.nan]], "no-ratings"),
     (np.full((3, 2), np.nan), "no-ratings"), ([[1, None], [None, 2]], "no-overlap")],
)
def test_too_little_is_answered_with_a_reason(table, flag):
    found = irr.agreement(table, "gwet", categories=[1, 2])
    assert math.isnan(found.value)
    assert flag in found.flags


def test_one_row_is_computed_and_flagged():
    found = irr.agreement([[1, 2, 2]], "fleiss", categories=[1, 2])
    assert found.value == pytest.approx(-0.5)
    assert "one-subject" in found.flags
    assert math.isnan(found.ci_low)
