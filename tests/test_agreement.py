"""The table of coefficients: published values, brute force from the definitions, and properties of every row."""

from __future__ import annotations

import itertools
import json
import math
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import arms_irr as irr
from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import COEFFICIENTS, coefficient
from arms_irr.statistics.estimate import FLAGS
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import WEIGHTS, agreement_weights, ordinal_distance

EXAMPLES = tomllib.loads((Path(__file__).parent / "reference" / "agreement.toml").read_text("utf-8"))["example"]
ANY = [name for name, row in COEFFICIENTS.items() if not row.two]
ALPHA_METRICS = ("nominal", "ordinal", "interval", "ratio")


def table_of(example):
    if "table" in example:
        q = len(example["table"])
        return [(i, j) for i in range(q) for j in range(q) for _ in range(example["table"][i][j])], range(q)
    if "counts" in example:
        rows = [[k for k, n in enumerate(row) for _ in range(n)] for row in example["counts"]]
        return rows, range(len(example["counts"][0]))
    return [[v or None for v in row] for row in example["ratings"]], example["categories"]


def call(ratings, name, how, categories, matrix=None, **more):
    if how.endswith(" metric"):
        return irr.agreement(ratings, name, categories=categories, metric=how.removesuffix(" metric"), **more)
    return irr.agreement(ratings, name, matrix if how == "matrix" else how, categories, **more)


@pytest.mark.parametrize(
    ("example", "row"), [pytest.param(e, v, id=f"{e['name']}-{v[0]}-{v[1]}") for e in EXAMPLES for v in e["values"]]
)
def test_published_values(example, row):
    ratings, categories = table_of(example)
    name, how, value, se = row
    found = call(ratings, name, how, list(categories), example.get("matrix"))
    assert found.value == pytest.approx(value, abs=example["tolerance"])
    if se >= 0:
        assert found.se == pytest.approx(se, abs=example["tolerance"])


@pytest.mark.parametrize(("example", "row"), [(e, v) for e in EXAMPLES for v in e.get("raters", ())])
def test_published_rater_jackknife(example, row):
    ratings, categories = table_of(example)
    found = call(ratings, row[0], row[1], list(categories), target="raters")
    assert found.se == pytest.approx(row[2], abs=1e-6)


RANDOM = json.loads((Path(__file__).parent / "reference" / "random_agreement.json").read_text("utf-8"))


@pytest.mark.parametrize("example", RANDOM, ids=lambda e: e["name"])
def test_seeded_random_data_equal_irrcac(example):
    """Value, standard error and interval equal R irrCAC 1.0 to 1e-8; coefficient, weights, value, se, limits."""
    table = np.array([[np.nan if v is None else v for v in row] for row in example["ratings"]], dtype=float)
    for name, weights, *expected in example["expected"]:
        found = irr.agreement(table, name, weights)
        assert [found.value, found.se, found.ci_low, found.ci_high] == pytest.approx(expected, abs=1e-8), (name, weights)


# --- brute force: the definitions, pair by pair -------------------------------------------------------------


def brute(data, name, w, q):
    """(observed - expected) / (1 - expected), by loops over pairs of ratings."""
    rows = [[(g, v) for g, v in enumerate(row) if v >= 0] for row in data]
    paired = [row for row in rows if len(row) >= 2]
    agree = [np.mean([w[a, b] for (g, a), (h, b) in itertools.permutations(row, 2)]) for row in paired]
    if name == "krippendorff":
        values = [v for row in paired for _, v in row]
        n = len(values)
        within = sum((1 - w[a, b]) / (len(row) - 1) for row in paired for (_, a), (_, b) in itertools.permutations(row, 2)) / n
        between = sum(1 - w[a, b] for a, b in itertools.permutations(values, 2)) / (n * (n - 1))
        return 1 - within / between
    observed = float(np.mean(agree))
    share = np.mean([np.bincount([v for _, v in row], minlength=q) / len(row) for row in rows if row], axis=0)
    margins = []
    for g in range(len(data[0])):
        own = [row[g] for row in data if row[g] >= 0]
        margins.append(np.bincount(own, minlength=q) / len(own))
    expected = {
        "percent": 0.0,
        "brennan_prediger": w.sum() / q**2,
        "gwet": w.sum() / (q * (q - 1)) * sum(p * (1 - p) for p in share),
        "fleiss": sum(w[k, m] * share[k] * share[m] for k in range(q) for m in range(q)),
        "conger": np.mean([a @ w @ b for a, b in itertools.permutations(margins, 2)]),
    }
    return (observed - expected[name]) / (1 - expected[name])


def random_codes(seed, units=13, raters=5, q=4, missing=0.2):
    rng = np.random.default_rng(seed)
    latent = rng.integers(0, q, units)[:, None] + rng.integers(-1, 2, (units, raters))
    codes = np.clip(latent, 0, q - 1)
    return np.where(rng.random(codes.shape) < missing, -1, codes)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", ["percent", "brennan_prediger", "gwet", "fleiss", "conger", "krippendorff"])
def test_brute_force(name, weights, seed):
    codes = random_codes(seed)
    w = agreement_weights(weights, [1, 2, 3, 4])
    found = irr.agreement(np.where(codes < 0, np.nan, codes + 1), name, weights, [1, 2, 3, 4])
    assert found.value == pytest.approx(brute(codes.tolist(), name, w, 4), abs=1e-12)
    if name == "percent":
        assert math.isnan(found.expected)
    else:
        assert found.value == pytest.approx((found.observed - found.expected) / (1 - found.expected), abs=1e-12)


def test_light_is_the_mean_of_cohens_kappas():
    codes = random_codes(3, units=30)
    pairs = []
    for g, h in itertools.combinations(range(codes.shape[1]), 2):
        both = codes[:, [g, h]][(codes[:, [g, h]] >= 0).all(axis=1)]
        pairs.append(irr.agreement(both, "cohen", "linear", range(4), scores=[1, 2, 3, 4]).value)
    light = irr.agreement(np.where(codes < 0, np.nan, codes), "light", "linear", range(4), scores=[1, 2, 3, 4])
    assert light.value == pytest.approx(np.mean(pairs), abs=1e-12)


def test_ordinal_metric_by_its_definition():
    n = np.array([3.0, 5.0, 0.0, 2.0])
    for c, k in itertools.product(range(4), repeat=2):
        low, high = min(c, k), max(c, k)
        expected = (n[low : high + 1].sum() - (n[c] + n[k]) / 2) ** 2
        assert ordinal_distance(n)[c, k] == pytest.approx(expected)


@pytest.mark.parametrize("name", [n for n in ANY if n != "light"])
@pytest.mark.parametrize("weights", ["identity", "quadratic"])
def test_linearised_error_is_the_derivative(name, weights):
    """The terms equal a numerical derivative with respect to the unit's weight (complete data: no convention enters)."""
    codes = random_codes(11, units=40, raters=4, missing=0)
    tally = Tally.from_codes(codes, np.arange(1.0, 5))
    w = agreement_weights(weights, tally.scores)
    row = coefficient(name)
    terms = row.influence(tally, w)

    def value(weight):
        from dataclasses import replace

        from arms_irr.statistics.agreement import View

        p, e = row.evaluate(View(replace(tally, weight=weight), tally.counts, weight, np.ones(4)), w)
        return float((p - e) / (1 - e))

    n, step = 40, 1e-5
    finite = 160 / 159 if name == "krippendorff" else 1  # the terms belong to alpha'
    for unit in (0, 7, 39):
        more = np.ones(n)
        more[unit] += step
        less = np.ones(n)
        less[unit] -= step
        slope = (value(more) - value(less)) / (2 * step) * n
        assert terms[unit] == pytest.approx(slope * finite, abs=2e-2 if name == "krippendorff" else 1e-4)


@pytest.mark.parametrize("name", ANY)
def test_rater_jackknife_by_leaving_columns_out(name):
    codes = np.where((c := random_codes(5, units=12, raters=7)) < 0, np.nan, c + 1.0)
    found = irr.agreement(codes, name, "quadratic", [1, 2, 3, 4], target="raters")
    left = np.array([irr.agreement(np.delete(codes, g, axis=1), name, "quadratic", [1, 2, 3, 4]).value for g in range(7)])
    assert found.se == pytest.approx(np.sqrt(6 / 7 * ((left - left.mean()) ** 2).sum()), abs=1e-12)
    z = np.arctanh(left)
    half = 2.446911851144969 * np.sqrt(6 / 7 * ((z - z.mean()) ** 2).sum())  # t(6), .975
    assert found.ci_low == pytest.approx(np.tanh(np.arctanh(found.value) - half), abs=1e-12)
    assert found.df == 6


def test_unit_jackknife_by_leaving_rows_out():
    codes = random_codes(8, units=15).astype(float)
    codes[codes < 0] = np.nan
    found = irr.agreement(codes, "krippendorff", metric="ordinal", categories=range(4))
    used = [i for i in range(15) if np.isfinite(codes[i]).sum() >= 2]
    left = np.array([irr.agreement(np.delete(codes, i, axis=0), "krippendorff", metric="ordinal", categories=range(4)).value for i in used])
    n = len(used)
    assert found.se == pytest.approx(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()), abs=1e-12)


# --- properties of every row ---------------------------------------------------------------------------------

tables = st.integers(2, 5).flatmap(
    lambda raters: st.lists(
        st.lists(st.sampled_from([None, 1, 2, 3]), min_size=raters, max_size=raters), min_size=2, max_size=12
    )
)
ratings_2 = st.lists(st.lists(st.sampled_from([1, 2, 3]), min_size=2, max_size=2), min_size=3, max_size=15)
QUICK = settings(max_examples=40, deadline=None)


def table_for(name, data):
    return data.draw(ratings_2 if COEFFICIENTS[name].two else tables)


def close(a, b):
    return (math.isnan(a) and math.isnan(b)) or a == pytest.approx(b, abs=1e-9)


@pytest.mark.parametrize("target", ["subjects", "raters"])
@pytest.mark.parametrize("name", COEFFICIENTS)
@QUICK
@given(data=st.data())
def test_every_answer_is_honest(name, target, data):
    """A number or nan with a reason; never an exception; the interval contains the value."""
    weights = data.draw(st.sampled_from(list(WEIGHTS)))
    found = irr.agreement(table_for(name, data), name, weights, [1, 2, 3], target=target)
    assert set(found.flags) <= set(FLAGS)
    assert found.estimable or found.flags
    assert not found.value > 1 + 1e-12
    if math.isnan(found.ci_low):
        assert found.flags, "no interval needs a reason"
    else:
        assert found.ci_low - 1e-12 <= found.value <= found.ci_high + 1e-12
        assert found.ci_high <= 1 + 1e-12


@pytest.mark.parametrize("name", COEFFICIENTS)
@QUICK
@given(data=st.data())
def test_order_does_not_matter(name, data):
    ratings = np.array(table_for(name, data), dtype=object)
    weights = data.draw(st.sampled_from(["identity", "linear", "quadratic"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    base = irr.agreement(ratings, name, weights, [1, 2, 3])
    shuffled = irr.agreement(ratings[rng.permutation(len(ratings))][:, rng.permutation(ratings.shape[1])], name, weights, [1, 2, 3])
    assert close(base.value, shuffled.value)
    assert close(base.se, shuffled.se)
    turned = np.array([[None if v is None else 4 - v for v in row] for row in ratings], dtype=object)
    assert close(base.value, irr.agreement(turned, name, weights, [1, 2, 3]).value)  # the scale read from the other end
    stretched = np.array([[None if v is None else 10 * v + 7 for v in row] for row in ratings], dtype=object)
    assert close(base.value, irr.agreement(stretched, name, weights, [17, 27, 37]).value)  # affine scores
    if weights == "identity":
        named = np.array([[None if v is None else "cab"[v - 1] for v in row] for row in ratings], dtype=object)
        assert close(base.value, irr.agreement(named, name, weights, list("abc")).value)


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_perfect_agreement_is_one(name):
    raters = 2 if COEFFICIENTS[name].two else 4
    ratings = [[k] * raters for k in (1, 2, 3, 3, 1, 2)]
    for weights in WEIGHTS:
        assert irr.agreement(ratings, name, weights, [1, 2, 3]).value == pytest.approx(1)


@pytest.mark.parametrize("name", ANY)
def test_more_subjects_narrower_interval(name):
    codes = random_codes(21, units=12, missing=0.1)
    few = irr.agreement(np.where(codes < 0, np.nan, codes), name, categories=range(4), scores=[1, 2, 3, 4])
    many = irr.agreement(np.tile(np.where(codes < 0, np.nan, codes), (5, 1)), name, categories=range(4), scores=[1, 2, 3, 4])
    assert many.ci_high - many.ci_low < few.ci_high - few.ci_low


def test_pooled_counts_equal_the_ratings_they_count():
    codes = random_codes(2, units=20)
    scores = np.arange(1.0, 5)
    whole = Tally.from_codes(codes, scores)
    for name in ("percent", "gwet", "fleiss", "brennan_prediger", "krippendorff"):
        row, w = coefficient(name), agreement_weights("linear", scores)
        by_name = estimate(row, whole, w)
        profiles, times = np.unique(whole.counts, axis=0, return_counts=True)
        pooled = estimate(row, Tally.from_counts(profiles, scores, times), w)
        assert pooled.value == pytest.approx(by_name.value, abs=1e-12)
        assert pooled.se == pytest.approx(by_name.se, abs=1e-12)


# --- identities and degenerate data --------------------------------------------------------------------------


@QUICK
@given(st.lists(st.integers(1, 3), min_size=3, max_size=12))
def test_one_subject_identities(row):
    assume(len(set(row)) > 1)
    fleiss = irr.agreement([row], "fleiss", categories=[1, 2, 3])
    assert fleiss.value == pytest.approx(-1 / (len(row) - 1))
    assert "one-subject" in fleiss.flags
    for metric in ALPHA_METRICS:
        assert irr.agreement([row], "krippendorff", metric=metric, categories=[1, 2, 3]).value == pytest.approx(0, abs=1e-12)


@QUICK
@given(st.lists(st.integers(1, 3), min_size=4, max_size=12))
def test_constant_gold_gives_kappa_zero(ratings):
    found = irr.agreement([[r, 2] for r in ratings], "cohen", categories=[1, 2, 3])
    if set(ratings) == {2}:
        assert math.isnan(found.value)
        assert "one-category" in found.flags
    else:
        assert found.value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("weights", "metric"), [("identity", "nominal"), ("quadratic", "interval")])
def test_alpha_from_fleiss_on_complete_data(weights, metric):
    codes = random_codes(4, missing=0)
    fleiss = irr.agreement(codes, "fleiss", weights, range(4), scores=[1, 2, 3, 4]).value
    alpha = irr.agreement(codes, "krippendorff", metric=metric, categories=range(4), scores=[1, 2, 3, 4]).value
    assert alpha == pytest.approx(fleiss + (1 - fleiss) / codes.size, abs=1e-12)


def test_quadratic_kappa_is_lins_concordance():
    x, y = random_codes(6, units=30, raters=2, missing=0).T
    ccc = 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    kappa = irr.agreement(np.c_[x, y], "cohen", "quadratic", range(4), scores=[1, 2, 3, 4]).value
    assert kappa == pytest.approx(ccc, abs=1e-12)


@pytest.mark.parametrize(("a", "b", "c", "d"), [(40, 9, 6, 45), (80, 10, 5, 5), (118, 5, 2, 0)])
def test_kappa_from_prevalence_and_bias(a, b, c, d):
    n = a + b + c + d
    table = [(0, 0)] * a + [(0, 1)] * b + [(1, 0)] * c + [(1, 1)] * d
    pabak, pi, bi = 2 * (a + d) / n - 1, (a - d) / n, (b - c) / n
    kappa = irr.agreement(table, "cohen", categories=[0, 1]).value
    assert kappa == pytest.approx((pabak - pi**2 + bi**2) / (1 - pi**2 + bi**2))
    assert irr.agreement(table, "brennan_prediger", categories=[0, 1]).value == pytest.approx(pabak)


def test_one_category_used():
    constant = [[2, 2, 2]] * 6
    for name in ("gwet", "brennan_prediger", "percent"):
        found = irr.agreement(constant, name, categories=[1, 2, 3])
        assert found.value == 1
        assert "one-category" in found.flags
    for name in ("fleiss", "conger", "krippendorff", "light"):
        found = irr.agreement(constant, name, categories=[1, 2, 3])
        assert math.isnan(found.value)
        assert "one-category" in found.flags


def test_declared_categories_count_even_if_unused():
    ratings = [[1, 1], [1, 2], [2, 2], [2, 2], [1, 1]]
    observed = irr.agreement(ratings, "gwet")
    declared = irr.agreement(ratings, "gwet", categories=[1, 2, 3])
    assert "categories-observed" in observed.flags
    assert "categories-observed" not in declared.flags
    assert declared.value > observed.value


@pytest.mark.parametrize("weights", WEIGHTS)
def test_alpha_ignores_units_rated_once(weights):
    base = [[1, 2, 2], [3, 3, 3], [1, 1, 2], [2, 3, 3]]
    alone = [*base, [3, None, None]]
    assert irr.agreement(base, "krippendorff", weights, [1, 2, 3]).value == pytest.approx(
        irr.agreement(alone, "krippendorff", weights, [1, 2, 3]).value)


def test_too_little_data_is_answered_not_raised():
    assert "no-ratings" in irr.agreement([[None, None]], "gwet", categories=[1, 2]).flags
    assert "one-rater" in irr.agreement([[1], [2]], "gwet", categories=[1, 2]).flags
    assert "no-overlap" in irr.agreement([[1, None], [None, 2]], "gwet", categories=[1, 2]).flags
    two = irr.agreement([[1, 2], [2, 2], [1, 1]], "fleiss", categories=[1, 2], target="raters")
    assert math.isnan(two.ci_low)
    assert "two-raters" in two.flags


def test_frames_and_labels():
    rows = [["Low", "Low", None], ["High", "Medium", "High"], ["Medium", "Medium", "Medium"], ["Low", "Low", "Low"]]
    scale = ["Low", "Medium", "High"]
    base = irr.agreement(rows, "gwet", "quadratic", scale)
    assert irr.agreement(pd.DataFrame(rows), "gwet", "quadratic", scale).value == base.value
    assert irr.agreement(pd.DataFrame(rows, dtype="string"), "gwet", "quadratic", scale).value == base.value
    assert irr.agreement(pl.DataFrame(rows, orient="row"), "gwet", "quadratic", scale).value == base.value


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: irr.agreement([1, 2, 3]), "not a table"),
        (lambda: irr.agreement([[1, 5]], categories=[1, 2, 3]), "outside the categories"),
        (lambda: irr.agreement([[1, 2]], "gwett"), "Did you mean 'gwet'"),
        (lambda: irr.agreement([[1, 2]], "gwet", "quadratc"), "Did you mean 'quadratic'"),
        (lambda: irr.agreement([[1, 2]], "gwet", confidence_level=95), "Did you mean 0.95"),
        (lambda: irr.agreement([[1, np.inf]], "gwet"), "infinite"),
        (lambda: irr.agreement([[1, 2, 2]], "cohen"), "exactly 2 raters"),
        (lambda: irr.agreement([[1, 2]], "gwet", [[1, 0.2], [0.3, 1]]), "symmetric"),
        (lambda: irr.agreement([[1, 2]], "gwet", [[1, 2], [2, 1]]), "between 0"),
        (lambda: irr.agreement([[1, 2]], "gwet", metric="ordinal"), "belongs to krippendorff"),
        (lambda: irr.agreement([[1, 2]], "gwet", target="officers"), "target"),
        (lambda: irr.agreement([[1, 2]], "gwet", categories=[1, 1, 2]), "twice"),
        (lambda: irr.agreement([[1, 2]], "gwet", categories=[2, 1]), "ascending"),
    ],
)
def test_wrong_calls_say_what_to_do(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()


def test_a_share_of_agreeing_pairs_has_no_negative_limit():
    """The Fisher scale would give a lower limit below 0; the value and the other coefficients are not touched."""
    ratings = [[3, 3, 3, 1, 1], [1, 1, 1, 1, 3], [2, 2, 2, 2, 3]]
    left = np.array([irr.agreement(np.delete(ratings, g, axis=1), "percent", categories=[1, 2, 3]).value for g in range(5)])
    found = irr.agreement(ratings, "percent", categories=[1, 2, 3], target="raters")
    z = np.arctanh(left)
    unbounded = np.tanh(np.arctanh(found.value) - 2.7764451051977987 * np.sqrt(4 / 5 * ((z - z.mean()) ** 2).sum()))  # t(4), .975
    assert unbounded < 0
    assert found.ci_low == 0
    assert irr.agreement(ratings, "gwet", categories=[1, 2, 3], target="raters").ci_low < 0


def test_below_minus_one_the_interval_still_holds_the_value():
    found = irr.agreement([[None, 1, 3], [1, 1, 3]], "brennan_prediger", "quadratic", [1, 2, 3], target="raters")
    assert found.value == pytest.approx(-1.5)
    assert found.ci_low < found.value < found.ci_high <= 1
    assert {"at-boundary", "interval-fallback"} <= set(found.flags)
