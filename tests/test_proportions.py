"""Shares and means over raters: printed values, brute force, and what must hold by definition."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import bdtr, stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics.proportions import clopper_pearson, clustered, clustered_mean, wilson

# Limits for n = 20, printed to 3 decimals
PRINTED = [(20, 0.839, 1.0), (18, 0.699, 0.972), (16, 0.584, 0.919), (10, 0.299, 0.701)]


@pytest.mark.parametrize(("successes", "low", "high"), PRINTED)
def test_wilson_printed_values(successes, low, high):
    found = wilson(successes, 20)
    assert (found.ci_low, found.ci_high) == pytest.approx((low, high), abs=5e-4)
    assert (found.value, found.n_ratings, found.n_raters) == (successes / 20, 20, 20)


def test_clopper_pearson_printed_values():
    assert clopper_pearson(20, 20).ci_low == pytest.approx(0.832, abs=5e-4)
    assert clopper_pearson(20, 20).ci_high == 1
    # certification: one-sided 95 % lower bounds, 21 of 24 needed to claim more than .70
    assert clopper_pearson(21, 24, 0.90).ci_low == pytest.approx(0.708, abs=5e-4)
    assert clopper_pearson(20, 24, 0.90).ci_low == pytest.approx(0.658, abs=5e-4)


@pytest.mark.parametrize("n", [1, 7, 30])
def test_limits_solve_their_equations(n):
    """Wilson: |p - x/n| = z sqrt(p(1-p)/n); Clopper-Pearson: a binomial tail of alpha/2."""
    for x in range(n + 1):
        w, exact = wilson(x, n), clopper_pearson(x, n)
        for limit in (w.ci_low, w.ci_high):
            if 0 < limit < 1:
                assert abs(limit - x / n) == pytest.approx(1.959963985 * math.sqrt(limit * (1 - limit) / n))
        if x > 0:
            lower = brentq(lambda p, x=x: 1 - bdtr(x - 1, n, p) - 0.025, 1e-12, 1 - 1e-12)
            assert exact.ci_low == pytest.approx(lower, abs=1e-9)
        if x < n:
            upper = brentq(lambda p, x=x: bdtr(x, n, p) - 0.025, 1e-12, 1 - 1e-12)
            assert exact.ci_high == pytest.approx(upper, abs=1e-9)
        for found in (w, exact):
            mirrored = wilson(n - x, n) if found is w else clopper_pearson(n - x, n)
            assert 0 <= found.ci_low <= found.value <= found.ci_high <= 1
            assert found.ci_low == pytest.approx(1 - mirrored.ci_high, abs=1e-12)


# --- clustered -----------------------------------------------------------------------------------------

Y = np.array([7, 5, 9, 6, 8, 4, 7, 10, 3, 6], float)
M = np.full(10, 12.0)


def test_clustered_by_hand():
    found = clustered(Y, M)
    p, m = Y.sum() / 120, 120
    v = 10 / 9 * np.sum((Y - p * 12) ** 2) / m**2
    reach = stdtrit(9, 0.975) * math.sqrt(v) / (p * (1 - p))
    logit = math.log(p / (1 - p))
    assert found.se == pytest.approx(math.sqrt(v))
    assert found.ci_low == pytest.approx(1 / (1 + math.exp(-(logit - reach))))
    assert found.ci_high == pytest.approx(1 / (1 + math.exp(-(logit + reach))))
    deff = v / (p * (1 - p) / m)
    assert found.parts == pytest.approx({"deff": deff, "rater_icc": (deff - 1) / 11})
    assert (found.df, found.n_raters, found.n_ratings, found.target) == (9, 10, 120, "raters")
    assert found.flags == ()


def jackknife_se(y, m):
    left = np.array([np.delete(y, j).sum() / np.delete(m, j).sum() for j in range(y.size)])
    return math.sqrt((y.size - 1) / y.size * np.sum((left - left.mean()) ** 2))


def test_the_linearised_variance_is_the_delete_one_rater_jackknife():
    assert clustered(Y, M).se == pytest.approx(jackknife_se(Y, M), rel=1e-12)  # exact for equal totals
    assert clustered_mean(Y - 6, M).se == pytest.approx(jackknife_se(Y - 6, M), rel=1e-12)
    unequal = M - np.array([0, 1, 0, 2, 0, 0, 1, 0, 3, 0])
    assert clustered(Y, unequal).se == pytest.approx(jackknife_se(Y, unequal), rel=0.05)


def test_independent_ratings_have_no_design_effect_on_average():
    rng = np.random.default_rng(3)
    deff = [clustered(rng.binomial(12, 0.6, 20), np.full(20, 12)).parts["deff"] for _ in range(400)]
    assert np.mean(deff) == pytest.approx(1, abs=0.05)


def test_coverage_with_correlated_ratings():
    """20 raters of 12 ratings, rater correlation .1: nominal .95; two errors of 600 studies are .018."""
    rng, hits = np.random.default_rng(11), 0
    for _ in range(600):
        p = rng.beta(0.7 * 9, 0.3 * 9, 20)
        found = clustered(rng.binomial(12, p), np.full(20, 12))
        hits += found.ci_low <= 0.7 <= found.ci_high
    assert 0.925 <= hits / 600 <= 0.975


@pytest.mark.parametrize(
    ("y", "m"),
    [
        ([12] * 6, [12] * 6),  # p = 1
        ([0] * 6, [12] * 6),  # p = 0
        ([6] * 6, [12] * 6),  # standard error 0
        ([12, 12, 12, 10, 12, 11], [12] * 6),  # 3 failures
    ],
)
def test_fallback_is_wilson_on_the_effective_sample_size(y, m):
    found = clustered(y, m)
    p, total = sum(y) / sum(m), sum(m)
    deff = max(1.0, found.parts["deff"]) if 0 < p < 1 else 1.0
    z = 1.959963984540054
    n = total / deff * (z / stdtrit(5, 0.975)) ** 2
    for limit in (found.ci_low, found.ci_high):
        assert abs(limit - p) == pytest.approx(z * math.sqrt(limit * (1 - limit) / n), abs=1e-9)
    assert found.ci_low <= p <= found.ci_high
    assert found.ci_low < found.ci_high
    assert found.flags == ("interval-fallback",)


def test_one_rating_per_rater_is_wilson():
    assert clustered([1, 0, 1, 1, 1], [1] * 5) == wilson(4, 5)


def test_raters_without_ratings_do_not_count():
    padded = clustered([*Y, 0], [*M, 0])
    assert (padded.ci_low, padded.n_raters) == (clustered(Y, M).ci_low, 10)


def test_order_of_raters_does_not_matter_and_failures_mirror_successes():
    a, b, c = clustered(Y, M), clustered(Y[::-1], M), clustered(M - Y, M)
    assert (a.ci_low, a.ci_high) == pytest.approx((b.ci_low, b.ci_high))
    assert (a.ci_low, a.ci_high) == pytest.approx((1 - c.ci_high, 1 - c.ci_low))


# --- means ---------------------------------------------------------------------------------------------


def test_mean_of_equal_clusters_is_the_t_interval_of_their_means():
    found = clustered_mean(Y - 6, M)
    means = (Y - 6) / 12
    reach = stdtrit(9, 0.975) * means.std(ddof=1) / math.sqrt(10)
    assert (found.ci_low, found.ci_high) == pytest.approx((means.mean() - reach, means.mean() + reach))
    assert (found.df, found.n_ratings) == (9, 120)


# --- degenerate and wrong input ------------------------------------------------------------------------


def test_nothing_and_one_rater():
    for found in (wilson(0, 0), clopper_pearson(0, 0), clustered([0], [0]), clustered_mean([], [])):
        assert math.isnan(found.value)
        assert found.flags == ("no-ratings",)
    for found in (clustered([9], [12]), clustered_mean([9], [12])):
        assert found.value == 0.75
        assert math.isnan(found.ci_low)
        assert found.flags == ("one-rater",)


def test_raters_with_equal_means_give_no_t_interval():
    found = clustered_mean([0.3, 0.1, 0.2], [3, 1, 2])
    assert found.value == pytest.approx(0.1)
    assert (found.se, found.flags) == (0, ("zero-se",))
    assert math.isnan(found.ci_low)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: wilson(21, 20), "21 successes in 20"),
        (lambda: clopper_pearson(-1, 20), "-1 successes"),
        (lambda: wilson(1.5, 20), "whole numbers"),
        (lambda: wilson(1, 20, 95), "0.95"),
        (lambda: clustered([3, 13], [12, 12]), "13 successes in 12"),
        (lambda: clustered([3, 1], [12]), "do not fit"),
        (lambda: clustered_mean([math.nan, 1], [12, 12]), "missing"),
    ],
)
def test_errors_name_the_value(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()
