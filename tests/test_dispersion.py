"""r_WG, its family and Finn against their definitions and their twins."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from arms_irr.errors import ArgumentError
from arms_irr.statistics.dispersion import a_wg, average_deviation, finn, r_wg
from arms_irr.statistics.estimate import FLAGS

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


# --- the largest variance as the null; average deviation ----------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_dissensus_and_a_wg_by_their_definitions(seed):
    counts = drawn(seed)
    codes, top = expanded(counts), len(counts) - 1
    variance, mean, raters = codes.var(ddof=1), codes.mean(), codes.size
    assert r_wg(counts, null="dissensus").value == pytest.approx(1 - variance / (top**2 / 4), abs=1e-12)
    found = a_wg(counts)
    if 0 < mean < top:
        largest = (top * mean - mean**2) * raters / (raters - 1)
        assert found.value == pytest.approx(1 - 2 * variance / largest, abs=1e-12)
    else:
        assert "no-variance" in found.flags


@pytest.mark.parametrize("seed", SEEDS)
def test_average_deviation_by_its_definition(seed):
    counts = drawn(seed)
    codes = expanded(counts)
    assert average_deviation(counts).value == pytest.approx(np.abs(codes - np.median(codes)).mean(), abs=1e-12)
    assert average_deviation(counts, around="mean").value == pytest.approx(np.abs(codes - codes.mean()).mean(), abs=1e-12)
    assert average_deviation(counts).parts["guide"] == len(counts) / 6


def recomputed(function, codes, q):
    left = np.array([function(np.bincount(np.delete(codes, j), minlength=q)).value for j in range(codes.size)])
    return math.sqrt((codes.size - 1) / codes.size * np.sum((left - left.mean()) ** 2))


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_jackknives_by_leaving_raters_out(seed):
    counts = drawn(seed)
    codes = expanded(counts)
    functions = (a_wg, average_deviation, lambda n: average_deviation(n, around="mean"), lambda n: r_wg(n, null="dissensus"))
    for function in functions:
        found = function(counts)
        if not math.isnan(found.se):
            assert found.se == pytest.approx(recomputed(function, codes, len(counts)), abs=1e-12)
        else:
            assert found.flags
        if found.se > 0:
            assert found.ci_low <= found.value <= found.ci_high


def test_the_ends_of_a_wg():
    assert a_wg([0, 12, 0]).value == 1
    assert a_wg([6, 0, 6]).value == pytest.approx(-1)
    assert r_wg([6, 0, 6], null="dissensus").value == pytest.approx(-1 / 11)
    assert "extreme-mean" in a_wg([11, 1, 0]).flags  # mean 1/12 of a step, less than 2/12
    assert "undefined-without-a-rater" in a_wg([11, 1, 0]).flags
    assert a_wg([0, 0, 9]).flags == ("no-variance",)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=6))
@settings(max_examples=60, deadline=None)
def test_one_target_properties(counts):
    for function in (r_wg, a_wg, average_deviation, lambda n: average_deviation(n, around="mean")):
        base, turned = function(counts), function(counts[::-1])
        for part in ("value", "se", "ci_low", "ci_high"):
            assert getattr(base, part) == pytest.approx(getattr(turned, part), abs=1e-9, nan_ok=True)
        assert set(base.flags) == set(turned.flags) <= set(FLAGS)
        assert base.estimable or base.flags
        assert base.flags or base.ci_low <= base.value <= base.ci_high


# --- many targets: Finn --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_finn_by_analysis_of_variance(seed):
    rng = np.random.default_rng(seed)
    n, k = rng.integers(3, 12), rng.integers(2, 6)
    table = np.clip(rng.integers(1, 6, n)[:, None] + rng.integers(-1, 2, (n, k)), 1, 5).astype(float)
    rows, columns = table.mean(axis=1, keepdims=True), table.mean(axis=0)
    mse = ((table - rows - columns + table.mean()) ** 2).sum() / ((n - 1) * (k - 1))
    one, two = finn(table, 5), finn(table, 5, "twoway")
    assert one.value == pytest.approx(1 - table.var(axis=1, ddof=1).mean() / 2)
    assert two.value == pytest.approx(1 - mse / 2)
    assert (one.parts["df"], two.parts["df"]) == (n * (k - 1), (n - 1) * (k - 1))
    assert one.parts["p"] == pytest.approx(chi2.cdf(one.parts["df"] / one.parts["F"], one.parts["df"]))
    each = [r_wg(np.bincount(row.astype(int) - 1, minlength=5)).value for row in table]
    assert one.value == pytest.approx(np.mean(each))
    assert one.se == pytest.approx(np.std(each, ddof=1) / math.sqrt(n))
    left = np.array([finn(np.delete(table, i, axis=0), 5, "twoway").value for i in range(n)])
    assert two.se == pytest.approx(math.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()))


@given(st.integers(0, 999), st.sampled_from(["oneway", "twoway"]))
@settings(max_examples=40, deadline=None)
def test_finn_is_affine_and_knows_no_order(seed, model):
    rng = np.random.default_rng(seed)
    table = rng.integers(1, 5, (rng.integers(1, 9), rng.integers(2, 5))).astype(float)
    base = finn(table, [1, 2, 3, 4], model)
    other = 10 * table[rng.permutation(len(table))][:, rng.permutation(table.shape[1])] + 1e6
    found = finn(other, [1e6 + 10, 1e6 + 20, 1e6 + 30, 1e6 + 40], model)
    assert [found.value, found.se, found.ci_low] == pytest.approx([base.value, base.se, base.ci_low], abs=1e-8, nan_ok=True)
    assert base.flags == found.flags
    assert base.flags or base.ci_low <= base.value <= base.ci_high


def test_finn_with_gaps_and_degenerate_data():
    table = [[1, 2, np.nan], [3, 3, 3], [np.nan, 2, np.nan], [4, 5, 4]]
    found = finn(table, 5)
    assert found.value == pytest.approx(1 - (0.5 + 0 + 2 / 3) / 5 / 2)
    assert (found.n_subjects, found.n_ratings) == (3, 8)
    with pytest.raises(ArgumentError, match="complete ratings"):
        finn(table, 5, "twoway")
    assert finn([[1, 2]], 5, "twoway").flags == ("one-subject",)
    assert finn([[1, 2]], 5).flags == ("one-subject",)
    assert finn([[1, np.nan], [np.nan, 1]], 5).flags == ("no-overlap",)
    assert finn([[1], [2]], 5).flags == ("one-rater",)
    same = finn([[3, 3], [2, 2], [1, 1]], 5)
    assert (same.value, same.flags, same.parts["p"]) == (1, ("zero-se",), 0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: finn([[1, 9]], [1, 2, 3]), "not one of the categories"),
        (lambda: finn([[1, 2]], 1), "cannot disagree"),
        (lambda: finn([[1, 2]], [3, 3]), "not a scale"),
        (lambda: finn([[1, 2]], 3, "one"), "oneway or twoway"),
        (lambda: r_wg([1, 2], null="flat"), "uniform or dissensus"),
        (lambda: average_deviation([1, 2], around="mode"), "median or mean"),
        (lambda: a_wg([1, -2]), "numbers of raters"),
    ],
)
def test_wrong_calls_of_the_family_say_what_to_do(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()
