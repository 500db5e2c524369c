"""r_WG against its definition and its twins."""

import math

import numpy as np
import pytest

from arms_irr.errors import ArgumentError
from arms_irr.statistics.dispersion import r_wg

SEEDS = range(25)


def drawn(seed):
    rng = np.random.default_rng(seed)
    return rng.multinomial(rng.integers(3, 30), rng.dirichlet(np.ones(rng.integers(2, 6))))


def expanded(counts):
    return np.repeat(np.arange(len(counts)), counts)


def brennan_prediger(counts):
    """Quadratic weights, one target: chance agreement is the mean weight T_w / q^2."""
    q, r = len(counts), sum(counts)
    weights = 1 - (np.subtract.outer(np.arange(q), np.arange(q)) / (q - 1)) ** 2
    codes = expanded(counts)
    pairs = weights[np.ix_(codes, codes)]
    observed = (pairs.sum() - np.trace(pairs)) / (r * (r - 1))
    expected = weights.sum() / q**2
    return (observed - expected) / (1 - expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_r_wg_is_quadratic_brennan_prediger_for_one_target(seed):
    assert r_wg(drawn(seed)).value == pytest.approx(brennan_prediger(drawn(seed)), abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_interval_is_the_brute_force_jackknife(seed):
    counts = drawn(seed)
    codes, null = expanded(counts), (len(counts) ** 2 - 1) / 12
    found = r_wg(counts)
    left = np.array([1 - np.delete(codes, j).var(ddof=1) / null for j in range(codes.size)])
    se = math.sqrt((codes.size - 1) / codes.size * np.sum((left - left.mean()) ** 2))
    assert found.se == pytest.approx(se, abs=1e-12)
    if found.se > 0:
        assert found.ci_low < found.value < found.ci_high <= 1


def test_three_points_and_twenty_officers():
    found = r_wg([2, 14, 4])  # s^2 = (6 - 20 * .1^2) / 19
    assert found.value == pytest.approx(1 - (5.8 / 19) / (2 / 3))
    assert found.parts == pytest.approx({"variance": 5.8 / 19, "null_variance": 2 / 3})
    assert (found.n_subjects, found.n_raters, found.df, found.target) == (1, 20, 19, "raters")


def test_order_of_the_scale_does_not_matter_and_unused_categories_do():
    assert r_wg([5, 3, 1]).value == pytest.approx(r_wg([1, 3, 5]).value)
    assert r_wg([5, 3, 1, 0]).value > r_wg([5, 3, 1]).value


@pytest.mark.parametrize(
    ("counts", "value", "flag"),
    [
        ([0, 0, 0], math.nan, "no-ratings"),
        ([0, 1, 0], math.nan, "one-rater"),
        ([0, 2, 0], 1.0, "two-raters"),
        ([0, 9, 0], 1.0, "zero-se"),
        ([10, 0, 10], 1 - 20 / 19 / (2 / 3), "zero-se"),
        ([1, 9, 1], None, "cut-at-1"),
    ],
)
def test_degenerate(counts, value, flag):
    found = r_wg(counts)
    assert flag in found.flags
    if value is not None:
        assert found.value == pytest.approx(value, nan_ok=True)
        assert math.isnan(found.ci_low)


@pytest.mark.parametrize("counts", [[3], [[1, 2], [3, 4]], [1, -1, 3], [1.5, 2, 3], [1, math.nan]])
def test_counts_are_checked(counts):
    with pytest.raises(ArgumentError, match="raters per category"):
        r_wg(counts)
