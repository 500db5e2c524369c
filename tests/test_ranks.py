"""Kendall's W and mean correlations: published values, the definition, properties."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, friedmanchisquare, pearsonr, rankdata, spearmanr

from arms_irr.errors import ArgumentError
from arms_irr.statistics.ranks import kendall_w, mean_correlation

QUICK = settings(max_examples=40, deadline=None)
# irr's artificial `anxiety`, as quoted in tests of many programs: rater by rater
ANXIETY = np.array([
    [3, 3, 3, 4, 5, 5, 2, 3, 5, 2, 2, 6, 1, 5, 2, 2, 1, 2, 4, 3],
    [3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4],
    [2, 1, 4, 4, 3, 2, 1, 6, 1, 1, 1, 2, 3, 3, 1, 1, 3, 3, 2, 2]]).T  # fmt: skip
# Randall 1989, Biometrical Journal 31:781: 8 bottles, 9 judges
WINE = [[2, 1, 2, 3, 2, 3, 1, 2, 1], [3, 2, 3, 2, 3, 2, 1, 2, 2], [3, 1, 3, 3, 4, 3, 2, 2, 3], [4, 3, 2, 2, 3, 2, 2, 3, 2],
        [4, 2, 5, 3, 3, 2, 2, 3, 3], [4, 3, 5, 2, 3, 4, 3, 3, 2], [5, 5, 4, 5, 3, 5, 2, 3, 4], [5, 4, 4, 3, 3, 4, 3, 4, 4]]  # fmt: skip
matrices = st.tuples(st.integers(2, 6), st.integers(2, 5)).flatmap(
    lambda shape: st.lists(st.lists(st.integers(1, 4), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0])
)


def test_published_values():
    found = kendall_w(ANXIETY)
    assert found.value == pytest.approx(0.539657, abs=1e-6)
    assert [found.parts[k] for k in ("chi2", "df", "p")] == pytest.approx([30.7604, 19, 0.042883], abs=1e-4)
    assert (kendall_w(WINE).value, kendall_w(WINE).parts["chi2"]) == pytest.approx((0.511348, 32.2149), abs=5e-5)


@pytest.mark.parametrize("seed", range(6))
def test_friedmans_test_is_the_same_statistic(seed):
    table = np.random.default_rng(seed).integers(1, 6, (11, 4))
    found, (statistic, p) = kendall_w(table), friedmanchisquare(*table)
    assert (found.parts["chi2"], found.parts["p"]) == pytest.approx((statistic, p))


@pytest.mark.parametrize("seed", range(6))
def test_without_ties_it_is_the_mean_spearman(seed):
    rng = np.random.default_rng(seed)
    table = np.array([rng.permutation(9) for _ in range(5)]).T
    rho = np.mean([spearmanr(table[:, g], table[:, h])[0] for g, h in itertools.combinations(range(5), 2)])
    found = kendall_w(table)
    assert found.parts["mean_spearman"] == pytest.approx(rho)
    assert mean_correlation(table).value == pytest.approx(rho)
    assert found.value == pytest.approx(found.parts["uncorrected"])


def test_permutation_p_against_all_orders():
    table = np.array([[1, 2, 1], [2, 1, 2], [3, 3, 3]])
    sums = [rankdata(column) for column in table.T]
    orders = list(itertools.permutations(range(3)))
    s = np.array([((sum(r[list(o)] for r, o in zip(sums, chosen, strict=True)) - 6) ** 2).sum()
                  for chosen in itertools.product(orders, repeat=3)])
    observed = ((sum(sums) - 6) ** 2).sum()
    exact = (s >= observed - 1e-9).mean()
    assert kendall_w(table, permutations=40_000).parts["p"] == pytest.approx(exact, abs=0.01)
    assert kendall_w(table).parts == kendall_w(table).parts  # the same seed, the same p


def test_incomplete_ratings_go_through_the_pairs():
    rng = np.random.default_rng(4)
    table = np.where(rng.random((12, 4)) < 0.25, np.nan, rng.integers(1, 9, (12, 4)))
    rho = []
    for g, h in itertools.combinations(range(4), 2):
        both = ~np.isnan(table[:, [g, h]]).any(axis=1)
        rho += [spearmanr(table[both, g], table[both, h])[0]] * (both.sum() - 1)
    m = (~np.isnan(table)).sum() / 12
    found = kendall_w(table)
    assert found.value == pytest.approx((1 + (m - 1) * np.mean(rho)) / m)
    assert found.parts["p"] == pytest.approx(chi2.sf(found.parts["chi2"], 11))
    assert "unbalanced-ranks" in found.flags


@pytest.mark.parametrize("fisher", [False, True])
@pytest.mark.parametrize(("kind", "peer"), [("spearman", spearmanr), ("pearson", pearsonr)])
def test_mean_correlation(kind, peer, fisher):
    r = np.array([peer(ANXIETY[:, g], ANXIETY[:, h])[0] for g, h in itertools.combinations(range(3), 2)])
    expected = np.tanh(np.arctanh(r).mean()) if fisher else r.mean()
    assert mean_correlation(ANXIETY, kind, fisher=fisher).value == pytest.approx(expected)


@QUICK
@given(matrices, st.integers(0, 99))
def test_order_and_monotone_scores_do_not_matter(table, seed):
    rng = np.random.default_rng(seed)
    table = np.array(table, dtype=float)
    other = table[rng.permutation(len(table))][:, rng.permutation(table.shape[1])]
    for changed in (other, np.exp(other), other + 1e6):
        base, found = kendall_w(table, permutations=1), kendall_w(changed, permutations=1)
        assert found.value == pytest.approx(base.value, abs=1e-9, nan_ok=True)
        base, found = mean_correlation(table), mean_correlation(changed)
        assert found.value == pytest.approx(base.value, abs=1e-9, nan_ok=True)
    pearson, moved = (mean_correlation(t, "pearson").value for t in (table, 3 * other + 1e6))
    assert moved == pytest.approx(pearson, abs=1e-8, nan_ok=True)


@QUICK
@given(matrices)
def test_every_answer_is_honest(table):
    found = kendall_w(table, permutations=99)
    assert found.flags or found.estimable
    assert math.isnan(found.value) or -1e-12 <= found.value <= 1 + 1e-12
    if found.estimable:
        assert 0 < found.parts["p"] <= 1
    found = mean_correlation(table)
    assert found.flags or -1 - 1e-12 <= found.value <= 1 + 1e-12


def test_degenerate_data():
    assert "no-variance" in kendall_w(np.ones((6, 3))).flags
    assert "one-rater" in kendall_w([[1], [2]]).flags
    assert "one-subject" in kendall_w([[1, 2]]).flags
    assert "no-ratings" in kendall_w([[np.nan, np.nan]]).flags
    assert "no-overlap" in kendall_w([[1, np.nan], [np.nan, 2]]).flags
    assert "constant-rater" in kendall_w([[1, 1], [2, 1], [3, 1]]).flags
    assert "constant-rater" in mean_correlation([[1, 1], [2, 1], [3, 1]]).flags
    same = np.tile(np.arange(9.0)[:, None], 4)
    assert kendall_w(same).value == pytest.approx(1)
    assert kendall_w(same[:, :2] * [1, -1]).value == pytest.approx(0)
    assert "at-boundary" in mean_correlation(same, fisher=True).flags


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: kendall_w([["a", "b"]]), "not a number"),
        (lambda: kendall_w([[1, 2]], permutations=0), "too few"),
        (lambda: mean_correlation([[1, 2]], "kendall"), "spearman or pearson"),
        (lambda: kendall_w([[1, np.inf]]), "infinite"),
    ],
)
def test_wrong_calls_say_what_to_do(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()
