"""One category at a time, the indices of the paradox, kappa_max: published tables, brute force, properties."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import arms_irr as irr
from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import FLAGS
from arms_irr.statistics.specific import by_category, cross_table, indices, kappa_max, specific_agreement

QUICK = settings(max_examples=40, deadline=None)
tables = st.integers(2, 5).flatmap(
    lambda raters: st.lists(st.lists(st.sampled_from([None, 1, 2, 3]), min_size=raters, max_size=raters), min_size=1, max_size=12)
)
squares = st.integers(2, 4).flatmap(
    lambda q: st.lists(st.lists(st.integers(0, 6), min_size=q, max_size=q), min_size=q, max_size=q)
)

# Feinstein & Cicchetti 1990 (first four) and Gwet 2002: a, b, c, d; p_o, kappa, PABAK, PI, BI
PARADOX = [
    ((40, 9, 6, 45), (0.85, 0.6995, 0.70, -0.05, 0.03)),
    ((80, 10, 5, 5), (0.85, 0.3182, 0.70, 0.75, 0.05)),
    ((45, 15, 25, 15), (0.60, 0.1304, 0.20, 0.30, -0.10)),
    ((25, 35, 5, 35), (0.60, 0.2593, 0.20, -0.10, 0.30)),
    ((118, 5, 2, 0), (0.944, -0.0234, 0.888, 0.944, 0.024)),
]


def drawn(seed, units=14, raters=4, missing=0.2):
    rng = np.random.default_rng(seed)
    codes = np.clip(rng.integers(0, 3, units)[:, None] + rng.integers(-1, 2, (units, raters)), 0, 2) + 1.0
    return np.where(rng.random(codes.shape) < missing, np.nan, codes)


def close(a, b, tolerance=1e-9):
    return (math.isnan(a) and math.isnan(b)) or a == pytest.approx(b, abs=tolerance)


@pytest.mark.parametrize(("cells", "expected"), PARADOX)
def test_the_paradox_tables(cells, expected):
    found = indices(np.reshape(cells, (2, 2)))
    values = [found.observed, found.kappa, found.pabak, found.prevalence_index, found.bias_index]
    assert values == pytest.approx(expected, abs=5e-5)


@QUICK
@given(squares)
def test_indices_by_their_definitions(table):
    n = np.array(table, dtype=float)
    assume(n.sum() > 0)
    pairs = [(i + 1, j + 1) for i, j in itertools.product(range(len(n)), repeat=2) for _ in range(int(n[i, j]))]
    for k in range(len(n)):
        found = indices(n, k)
        two = [[int(x == k + 1), int(y == k + 1)] for x, y in pairs]
        kappa = irr.agreement(two, "cohen", categories=[0, 1])
        assert close(found.kappa, kappa.value)
        assert found.pabak == pytest.approx(irr.agreement(two, "brennan_prediger", categories=[0, 1]).value)
        most = kappa_max(cross_table(two, [0, 1]))
        assert close(found.kappa_max, most.value, 1e-8)
        whole = specific_agreement(two, [0, 1])
        assert close(found.positive, whole[1].value)
        assert close(found.negative, whole[0].value)
        room = 1 - found.prevalence_index**2 + found.bias_index**2
        if room > 1e-9:
            assert found.kappa == pytest.approx((found.pabak - found.prevalence_index**2 + found.bias_index**2) / room)


def test_kappa_max_by_trying_every_table_with_the_margins():
    table = np.array([[2, 1, 0], [1, 1, 2], [0, 0, 2]])
    first, second = np.repeat(range(3), table.sum(axis=1)), np.repeat(range(3), table.sum(axis=0))
    rows = [list(zip(first + 1, order, strict=True)) for order in set(itertools.permutations(second + 1))]
    for weights in ("identity", "linear", "quadratic"):
        best = max(irr.agreement(row, "cohen", weights, [1, 2, 3]).value for row in rows)
        found = kappa_max(table, weights)
        assert found.value == pytest.approx(best, abs=1e-9)
        pairs = [(i + 1, j + 1) for i in range(3) for j in range(3) for _ in range(table[i, j])]
        assert found.parts["kappa"] == pytest.approx(irr.agreement(pairs, "cohen", weights, [1, 2, 3]).value)
        assert found.parts["reached"] == pytest.approx(found.parts["kappa"] / best)


@QUICK
@given(squares)
def test_kappa_max_with_identity_weights_is_the_sum_of_the_smaller_margins(table):
    n = np.array(table, dtype=float)
    found = kappa_max(n)
    if not found.estimable:
        assert set(found.flags) <= {"no-ratings", "one-category"}
        return
    most = np.minimum(n.sum(axis=0), n.sum(axis=1)).sum() / n.sum()
    assert found.observed == pytest.approx(most, abs=1e-9)
    assert found.parts["kappa"] <= found.value + 1e-9 <= 1 + 2e-9
    assert kappa_max(n.T).value == pytest.approx(found.value, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_specific_agreement_pair_by_pair(seed):
    ratings = drawn(seed)
    found = specific_agreement(ratings, [1, 2, 3])
    above, below = dict.fromkeys([1, 2, 3], 0.0), dict.fromkeys([1, 2, 3], 0.0)
    for row in ratings:
        values = row[~np.isnan(row)]
        pairs = list(itertools.permutations(values, 2))
        for x, y in pairs:  # a subject counts once, however many rated it
            below[int(x)] += 1 / len(pairs)
            above[int(x)] += (x == y) / len(pairs)
    shares = 0.0
    for k in (1, 2, 3):
        assert found[k].value == pytest.approx(above[k] / below[k])
        assert found[k].ci_low < found[k].value < found[k].ci_high
        shares += found[k].value * found[k].parts["share"]
    assert shares == pytest.approx(irr.agreement(ratings, "percent", categories=[1, 2, 3]).value)


def test_specific_agreement_standard_error_is_near_the_jackknife():
    ratings = drawn(3, units=60, missing=0)
    found = specific_agreement(ratings, [1, 2, 3])[2]
    left = np.array([specific_agreement(np.delete(ratings, i, axis=0), [1, 2, 3])[2].value for i in range(60)])
    assert found.se == pytest.approx(math.sqrt(59 / 60 * ((left - left.mean()) ** 2).sum()), rel=0.05)


@pytest.mark.parametrize("name", ["fleiss", "conger", "krippendorff", "gwet", "brennan_prediger", "percent"])
def test_by_category_collapses_the_others(name):
    ratings = drawn(1)
    for k, found in by_category(ratings, name, [1, 2, 3]).items():
        two = np.where(np.isnan(ratings), np.nan, ratings == k)
        direct = irr.agreement(two, name, categories=[0, 1])
        assert (found.value, found.se) == pytest.approx((direct.value, direct.se))


@QUICK
@given(tables)
def test_fleiss_kappa_is_the_weighted_mean_of_the_categories(table):
    whole = irr.agreement(table, "fleiss", categories=[1, 2, 3])
    assume(whole.estimable)
    parts = by_category(table, "fleiss", [1, 2, 3])
    used = [found for found in parts.values() if found.estimable]
    room = np.array([1 - found.expected for found in used])
    assert whole.value == pytest.approx(room @ [found.value for found in used] / room.sum(), abs=1e-9)


@QUICK
@given(tables, st.integers(0, 99))
def test_order_and_names_do_not_matter(table, seed):
    rng = np.random.default_rng(seed)
    ratings = np.array(table, dtype=object)
    shuffled = ratings[rng.permutation(len(ratings))][:, rng.permutation(ratings.shape[1])]
    named = np.array([[None if v is None else "cab"[v - 1] for v in row] for row in shuffled], dtype=object)
    for function in (by_category, specific_agreement):
        base, other = function(ratings, categories=[1, 2, 3]), function(named, categories=list("abc"))
        for k in (1, 2, 3):
            assert close(base[k].value, other["cab"[k - 1]].value)
            assert close(base[k].se, other["cab"[k - 1]].se)


@QUICK
@given(tables)
def test_every_answer_is_honest(table):
    for function in (by_category, specific_agreement):
        for found in function(table, categories=[1, 2, 3]).values():
            assert set(found.flags) <= set(FLAGS)
            assert found.estimable or found.flags
            if math.isnan(found.ci_low):
                assert found.flags
            else:
                assert found.ci_low - 1e-12 <= found.value <= found.ci_high + 1e-12


def test_degenerate_data():
    alone = specific_agreement([[1, 1], [1, 2], [1, 1]], [1, 2, 3])
    assert alone[3].flags == ("unused-category",)
    assert (alone[2].value, alone[2].n_subjects) == (0.0, 1)
    assert "no-overlap" in specific_agreement([[1, None], [None, 1]], [1, 2])[1].flags
    assert "one-rater" in specific_agreement([[1], [2]], [1, 2])[1].flags
    assert "no-ratings" in specific_agreement([[None, None]], [1, 2])[1].flags
    assert "one-category" in by_category([[1, 1], [1, 1]], categories=[1, 2])[2].flags
    everybody = specific_agreement([[1, 1, 1]] * 6, [1, 2])[1]
    assert everybody.value == 1
    assert 0.4 < everybody.ci_low < 0.7  # six subjects: Wilson's (z / t)^2 n
    assert "interval-fallback" in everybody.flags
    assert indices(np.zeros((2, 2))).flags == ("no-ratings",)
    assert indices([[4, 0], [0, 0]]).flags == ("one-category",)
    assert kappa_max(np.zeros((3, 3))).flags == ("no-ratings",)
    assert kappa_max([[4, 0], [0, 0]]).flags == ("one-category",)


def test_aliases_are_the_same_row():
    ratings = drawn(2)
    for alias, name in (("randolph", "brennan_prediger"), ("bennett", "brennan_prediger"), ("exact_fleiss", "conger")):
        assert irr.agreement(ratings, alias, categories=[1, 2, 3]) == irr.agreement(ratings, name, categories=[1, 2, 3])


def test_a_large_scale_does_not_overflow():
    table = cross_table([[k, k] for k in range(1, 121)], range(1, 121))
    assert np.trace(table) == table.sum() == 120


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: cross_table([[1, 2, 3]]), "exactly 2 raters"),
        (lambda: kappa_max([[1, 2]]), "not square"),
        (lambda: indices([[1, -2], [0, 1]]), "negative"),
        (lambda: indices([[1, 2], [0, 1]], 2), "count from 0"),
        (lambda: specific_agreement([[1, 5]], [1, 2, 3]), "outside the categories"),
        (lambda: specific_agreement([[1, 2]], [1, 2], 95), "Did you mean 0.95"),
        (lambda: by_category([[1, 2]], "fleis"), "Did you mean 'fleiss'"),
    ],
)
def test_wrong_calls_say_what_to_do(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()
