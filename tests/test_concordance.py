"""Lin's concordance and Robinson's A: identities, published values, coverage, properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ranks import ANXIETY

import arms_irr as irr
from arms_irr.errors import ArgumentError
from arms_irr.statistics.concordance import lin_ccc, robinson_a

QUICK = settings(max_examples=40, deadline=None)
pairs = st.lists(st.lists(st.integers(1, 4), min_size=2, max_size=2), min_size=1, max_size=15)
matrices = st.tuples(st.integers(2, 8), st.integers(2, 5)).flatmap(
    lambda shape: st.lists(st.lists(st.integers(1, 4), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0])
)


@QUICK
@given(pairs)
def test_it_is_quadratically_weighted_kappa(table):
    found, kappa = lin_ccc(table), irr.agreement(table, "cohen", "quadratic", [1, 2, 3, 4])
    if len(table) > 1:
        assert found.value == pytest.approx(kappa.value, abs=1e-9, nan_ok=True)
    assert found.flags or found.ci_low <= found.value <= found.ci_high
    assert found.estimable or found.flags


@QUICK
@given(pairs, st.integers(0, 99))
def test_order_and_affine_scores_do_not_matter(table, seed):
    table = np.array(table, dtype=float)
    other = 3 * table[np.random.default_rng(seed).permutation(len(table))][:, ::-1] + 1e6
    a, b = lin_ccc(table), lin_ccc(other)
    assert [b.value, b.ci_low, b.ci_high] == pytest.approx([a.value, a.ci_low, a.ci_high], abs=1e-8, nan_ok=True)
    assert a.flags == b.flags


def test_the_interval_covers():
    """Nominal .95; normal data, 30 subjects, concordance .76 with a bias."""
    rng, hits = np.random.default_rng(5), 0
    true = 2 * 0.8 / (1 + 1 + 0.1)
    for _ in range(600):
        x = rng.multivariate_normal([0, math.sqrt(0.1)], [[1, 0.8], [0.8, 1]], 30)
        found = lin_ccc(x)
        hits += found.ci_low <= true <= found.ci_high
    assert 0.92 <= hits / 600 <= 0.975


def test_the_variance_where_the_correlation_is_zero():
    """The form without a division by r: at r = 0 it is the limit of Lin's."""
    table = np.array([[1, 1], [1, 2], [2, 1], [2, 2], [1.0, 1], [1, 2], [2, 1], [2, 2]])
    found = lin_ccc(table)
    assert found.value == 0
    assert found.se == pytest.approx(1 / math.sqrt(6))


@pytest.mark.parametrize("shift", [0.0, 0.4, 3.0])
def test_the_variance_as_lin_writes_it(shift):
    """Lin 1989 with the correction of 2000, in r and rho_c; the last term matters where the raters' means lie apart."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=25)
    y = 0.8 * x + 0.5 * rng.normal(size=25) + shift
    r, found = np.corrcoef(x, y)[0, 1], lin_ccc(np.c_[x, y])
    p, u2 = found.value, (x.mean() - y.mean()) ** 2 / (x.std() * y.std())
    variance = ((1 - r**2) * p**2 * (1 - p**2) / r**2 + 2 * p**3 * (1 - p) * u2 / r - p**4 * u2**2 / (2 * r**2)) / 23
    assert found.se == pytest.approx(math.sqrt(variance))
    half = 1.959963984540054 * math.sqrt(variance) / (1 - p**2)
    assert (found.ci_low, found.ci_high) == pytest.approx((math.tanh(math.atanh(p) - half), math.tanh(math.atanh(p) + half)))


def test_robinson_and_the_icc():
    """A = ((k - 1) ICC(C,1) + 1) / k for consistency; irr's help page prints .477 for `anxiety`."""
    assert robinson_a(ANXIETY, "consistency").value == pytest.approx(0.477, abs=5e-4)
    one, three = irr.icc(ANXIETY, "ICC(C,1)"), robinson_a(ANXIETY, "consistency")
    for part in ("value", "ci_low", "ci_high"):
        assert getattr(three, part) == pytest.approx((2 * getattr(one, part) + 1) / 3)
    means = ANXIETY.mean(axis=1, keepdims=True)
    expected = 1 - ((ANXIETY - means) ** 2).sum() / ((ANXIETY - ANXIETY.mean()) ** 2).sum()
    assert robinson_a(ANXIETY).value == pytest.approx(expected)


@QUICK
@given(matrices, st.sampled_from(["agreement", "consistency"]), st.integers(0, 99))
def test_robinson_is_honest_and_affine(table, form, seed):
    rng = np.random.default_rng(seed)
    table = np.array(table, dtype=float)
    found = robinson_a(table, form)
    assert found.flags or found.ci_low <= found.value <= found.ci_high
    assert math.isnan(found.value) or 0 <= found.value <= 1
    other = 5 * table[rng.permutation(len(table))][:, rng.permutation(table.shape[1])] + 1e6
    assert robinson_a(other, form).value == pytest.approx(found.value, abs=1e-8, nan_ok=True)


def test_degenerate_data():
    assert "no-variance" in lin_ccc([[2, 2], [2, 2]]).flags
    assert (lin_ccc([[1, 2], [3, 2], [2, 2]]).value, lin_ccc([[1, 2], [3, 2], [2, 2]]).flags) == (0, ("constant-rater",))
    assert "no-overlap" in lin_ccc([[1, np.nan]]).flags
    assert "one-subject" in lin_ccc([[1, 2]]).flags
    same = lin_ccc([[1, 1], [2, 2], [4, 4]])
    assert same.value == 1
    assert math.isnan(same.ci_low)
    assert "no-variance" in robinson_a(np.ones((3, 2))).flags
    assert robinson_a([[1, 1], [2, 2], [4, 4]]).value == 1
    assert "one-subject" in robinson_a([[1, 2]]).flags


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: lin_ccc([[1, 2, 3]]), "exactly 2 raters"),
        (lambda: lin_ccc([[1, 2]], 95), "Did you mean 0.95"),
        (lambda: robinson_a([[1, 2]], "absolute"), "agreement or consistency"),
        (lambda: robinson_a([[1, np.nan], [1, 2]]), "complete ratings"),
    ],
)
def test_wrong_calls_say_what_to_do(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()
