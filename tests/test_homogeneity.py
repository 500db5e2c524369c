"""Marginal homogeneity: printed examples, the textbook matrix formula, properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from arms_irr.errors import ArgumentError
from arms_irr.statistics.homogeneity import bhapkar, mcnemar, stuart_maxwell

QUICK = settings(max_examples=60, deadline=None)
squares = st.integers(2, 5).flatmap(
    lambda q: st.lists(st.lists(st.integers(0, 6), min_size=q, max_size=q), min_size=q, max_size=q)
)
# Stuart 1953, Biometrika 40:105: unaided vision of 7477 women, right eye by left eye
VISION = [[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]]


def test_stuarts_vision_data():
    """Stuart 1955 and Bhapkar 1966 print 11.957 and 11.976, 3 degrees of freedom."""
    assert (stuart_maxwell(VISION).statistic, stuart_maxwell(VISION).df) == pytest.approx((11.957, 3), abs=5e-4)
    assert bhapkar(VISION).statistic == pytest.approx(11.976, abs=5e-4)
    assert stuart_maxwell(VISION).p == pytest.approx(chi2.sf(stuart_maxwell(VISION).statistic, 3))


def test_mcnemar_by_hand_and_by_the_binomial():
    assert mcnemar(150, 86, "chi2").statistic == pytest.approx(17.36, abs=5e-3)  # Agresti 2013, table 11.1
    assert mcnemar(5, 4, "continuity").statistic == 0
    assert mcnemar(4, 4, "continuity").statistic == 0
    assert mcnemar(9, 4, "continuity").statistic == pytest.approx(16 / 13)
    for b, c in ((0, 5), (3, 9), (6, 6), (1, 0), (40, 25)):
        assert mcnemar(b, c).p == pytest.approx(binomtest(b, b + c).pvalue)
        assert mcnemar(b, c).p == mcnemar(c, b).p


@QUICK
@given(squares)
def test_the_usual_formula_with_the_last_category_left_out(table):
    n = np.array(table, dtype=float)
    d = (n.sum(axis=1) - n.sum(axis=0))[:-1]
    v = (np.diag(n.sum(axis=1) + n.sum(axis=0)) - n - n.T)[:-1, :-1]
    found, second = stuart_maxwell(n), bhapkar(n)
    if np.linalg.matrix_rank(v, tol=1e-9) < len(v):  # groups of categories that are never mixed up
        assert found.df < len(v) or math.isnan(found.df)
        return
    q = d @ np.linalg.solve(v, d)
    assert (found.statistic, found.df) == pytest.approx((q, len(v)), abs=1e-8)
    assert found.p == pytest.approx(chi2.sf(q, len(v)), abs=1e-9)
    wald = v - np.outer(d, d) / n.sum()
    if np.linalg.cond(wald) < 1e9:
        assert second.statistic == pytest.approx(d @ np.linalg.solve(wald, d), rel=1e-6, abs=1e-8)


@QUICK
@given(squares, st.integers(0, 99))
def test_order_of_raters_and_categories_and_unused_ones_do_not_matter(table, seed):
    n = np.array(table, dtype=float)
    order = np.random.default_rng(seed).permutation(len(n))
    wider = np.pad(n, ((0, 1), (0, 1)))
    for test in (stuart_maxwell, bhapkar):
        base = test(n)
        for other in (test(n.T), test(n[np.ix_(order, order)]), test(wider)):
            assert (other.statistic, other.df, other.p) == pytest.approx((base.statistic, base.df, base.p), rel=1e-7, abs=1e-9, nan_ok=True)
        assert base.flags or not math.isnan(base.statistic)


@QUICK
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_two_categories_are_mcnemar(a, b, c, d):
    found, two = stuart_maxwell([[a, b], [c, d]]), mcnemar(b, c, "chi2")
    assert (found.statistic, found.df, found.p) == pytest.approx((two.statistic, two.df, two.p), nan_ok=True)


def test_separate_groups_of_categories_are_tested_apart():
    """Disagreement only within {1, 2} and within {3, 4}: two independent McNemar tests, 2 degrees of freedom."""
    table = np.diag([5.0, 5, 5, 5])
    table[0, 1], table[1, 0], table[2, 3], table[3, 2] = 6, 2, 1, 5
    found = stuart_maxwell(table)
    assert (found.statistic, found.df) == pytest.approx((mcnemar(6, 2, "chi2").statistic + mcnemar(1, 5, "chi2").statistic, 2))


def test_degenerate_tables():
    assert stuart_maxwell(np.diag([3, 4])).flags == ("no-disagreement",)
    assert bhapkar(np.zeros((2, 2))).flags == ("no-ratings",)
    assert bhapkar([[0, 5], [0, 0]]).flags == ("zero-se",)
    assert mcnemar(0, 0).flags == ("no-disagreement",)
    assert math.isnan(mcnemar(0, 0).p)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mcnemar(1, 2, "exakt"), "Did you mean 'exact'"),
        (lambda: mcnemar(1.5, 2), "whole numbers"),
        (lambda: stuart_maxwell([[1, 2, 3]]), "not square"),
        (lambda: bhapkar([[1, np.nan], [1, 1]]), "missing"),
    ],
)
def test_wrong_calls_say_what_to_do(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()
