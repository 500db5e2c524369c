"""The bootstrap: every kind of draw by explicit loops, the trap of copied raters, the intervals, and what is refused."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from arms_irr.errors import ArgumentError
from arms_irr.planning.designs import pilot
from arms_irr.planning.parameters import Parameters
from arms_irr.planning.simulate import replicate
from arms_irr.statistics import bootstrap as module
from arms_irr.statistics.agreement import COEFFICIENTS
from arms_irr.statistics.arrays import agreement
from arms_irr.statistics.bootstrap import draws, resampled
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights

SCORES = np.array([1.0, 2.0, 3.0])
W = agreement_weights("quadratic", SCORES)
ANY = [name for name, row in COEFFICIENTS.items() if not row.two]


def codes(seed, units=10, raters=6, missing=0.0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(units, 1)) + rng.normal(size=(units, raters)) * 0.8
    x = 1 + (y > 0.6).astype(int) - (y < -0.6)
    x[rng.random(x.shape) < missing] = -1
    return x


def tally(x, cluster=None):
    return Tally.from_codes(x, SCORES, cluster)


# --- draws by explicit loops ------------------------------------------------------------------------------


def by_distinct_pairs(name, x, n, w):
    """The coefficient where rater j counts n_j times and no rater is set beside the same rater, from its definition."""
    units, raters = x.shape
    pairs = [(j, h) for j, h in itertools.permutations(range(raters), 2)]
    q = len(w)

    def share(values, weights):
        return np.sum(np.multiply(values, weights)) / np.sum(weights)

    agree, margins = [], []
    for u in range(units):
        both = [(j, h) for j, h in pairs if x[u, j] >= 0 and x[u, h] >= 0 and n[j] * n[h] > 0]
        if both:
            agree.append(share([w[x[u, j], x[u, h]] for j, h in both], [n[j] * n[h] for j, h in both]))
        given = [j for j in range(raters) if x[u, j] >= 0 and n[j] > 0]
        if given:
            margins.append([share([x[u, j] == k for j in given], [n[j] for j in given]) for k in range(q)])
    observed, pi = np.mean(agree), np.mean(margins, axis=0)
    own = np.array([[np.mean(x[x[:, j] >= 0, j] == k) for k in range(q)] for j in range(raters)])
    if name == "percent":
        return observed
    if name == "krippendorff":
        apart, within, values = 0.0, 0.0, []
        for u in range(units):
            given = [j for j in range(raters) if x[u, j] >= 0 and n[j] > 0]
            if len(given) < 2:
                continue
            both = list(itertools.permutations(given, 2))
            size = sum(n[j] for j in given)
            apart += size * share([1 - w[x[u, j], x[u, h]] for j, h in both], [n[j] * n[h] for j, h in both])
            within += size
            values += [(x[u, j], n[j]) for j in given]
        different = list(itertools.permutations(values, 2))
        expected = share([1 - w[a, b] for (a, _), (b, _) in different], [m * k for (_, m), (_, k) in different])
        return 1 - apart / within / expected
    expected = {
        "fleiss": lambda: pi @ w @ pi, "gwet": lambda: w.sum() / (q * (q - 1)) * np.sum(pi * (1 - pi)), "brennan_prediger": w.mean,
        "conger": lambda: share([own[j] @ w @ own[h] for j, h in pairs], [n[j] * n[h] for j, h in pairs]),
    }[name]()
    return (observed - expected) / (1 - expected)


@pytest.mark.parametrize("name", [name for name in ANY if name != "light"])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_raters_are_drawn_by_the_distinct_pair_rule(name, missing):
    x = codes(1, 8, 6, missing)
    rng = np.random.default_rng(2)
    drawn = draws(rng, np.ones(6), 8)
    assert (drawn.sum(axis=1) == 6).all()
    found = resampled(COEFFICIENTS[name], tally(x), W, "raters").value(drawn)
    assert found == pytest.approx([by_distinct_pairs(name, x, n, W) for n in drawn], abs=1e-12)


def test_light_over_drawn_raters_weighs_pairs():
    x, n = codes(1, 15, 5), np.array([2.0, 0, 1, 1, 1])
    kappa = {(j, h): agreement(x[:, [j, h]], "cohen", "quadratic", [0, 1, 2]).value for j, h in itertools.combinations(range(5), 2)}
    expected = sum(n[j] * n[h] * k for (j, h), k in kappa.items()) / sum(n[j] * n[h] for j, h in kappa)
    assert resampled(COEFFICIENTS["light"], tally(x), W, "raters").value(n[None])[0] == pytest.approx(expected)


@pytest.mark.parametrize("name", ANY)
def test_drawn_subjects_are_the_table_with_rows_repeated(name):
    x = codes(3, 12, 5, 0.1)
    drawn = draws(np.random.default_rng(1), np.ones(12), 6)
    found = resampled(COEFFICIENTS[name], tally(x), W, "subjects").value(drawn)
    expected = [agreement(np.repeat(np.where(x < 0, np.nan, x), n.astype(int), axis=0), name, "quadratic", [0, 1, 2]).value for n in drawn]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ANY)
def test_drawn_cases_keep_their_subjects_together(name):
    x, case = codes(4, 18, 5), np.repeat(np.arange(6), 3)
    drawn = draws(np.random.default_rng(1), np.ones(6), 6)
    found = resampled(COEFFICIENTS[name], tally(x, case), W, "cases").value(drawn)
    expected = [agreement(np.repeat(x, n[case].astype(int), axis=0), name, "quadratic", [0, 1, 2]).value for n in drawn]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["gwet", "fleiss", "krippendorff", "percent"])
def test_both_draws_cases_and_raters_independently(name):
    x = codes(5, 9, 7)
    units, raters = draws(np.random.default_rng(1), np.ones(9), 5), draws(np.random.default_rng(2), np.ones(7), 5)
    found = module._values(COEFFICIENTS[name], tally(x), W, units, raters)
    if name == "krippendorff":  # copies of a subject are different subjects, whose values may be paired
        u = np.repeat(x, units[0].astype(int), axis=0)
        assert found[0] == pytest.approx(resampled(COEFFICIENTS[name], tally(u), W, "raters").value(raters[:1])[0], abs=1e-12)
        return
    expected = [by_distinct_pairs(name, np.repeat(x, u.astype(int), axis=0), r, W) for u, r in zip(units, raters, strict=True)]
    assert found == pytest.approx(expected, abs=1e-12)


def test_alike_subjects_counted_once_are_drawn_as_often():
    x = np.repeat(codes(6, 6, 4), 5, axis=0)
    distinct, weight = np.unique(x, axis=0, return_counts=True)
    merged = Tally.from_codes(distinct, SCORES, weight=weight.astype(float))
    row = COEFFICIENTS["gwet"]
    one, other = (estimate(row, t, W, interval="bca", replicates=4000) for t in (tally(x), merged))
    assert other.value == pytest.approx(one.value)
    assert (other.se, other.ci_low, other.ci_high) == pytest.approx((one.se, one.ci_low, one.ci_high), abs=0.025)


# --- the trap ---------------------------------------------------------------------------------------------


def test_the_trap_of_copied_raters():
    """A naive rater bootstrap finds P_a + (1 - P_a)/R: biased by more than .02 at 20 officers. The distinct-pair rule is not."""
    study = replicate(pilot(1), replace(Parameters(), unable=type(Parameters().unable)(-40, -40, -40, -40)), 1, 1).ratings[0]
    x = study[:, 1].T.astype(int)  # the higher-risk case: 12 factors, 20 officers
    for name in ("gwet", "brennan_prediger"):
        row, t = COEFFICIENTS[name], tally(x)
        value = estimate(row, t, W).value
        drawn = draws(np.random.default_rng(1), np.ones(20), 3000)
        proper = resampled(row, t, W, "raters").value(drawn).mean() - value
        copied = np.mean([estimate(row, tally(np.repeat(x, n.astype(int), axis=1)), W).value for n in drawn[:500]]) - value
        assert abs(proper) < 0.005
        assert copied > 0.02


# --- intervals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["subjects", "raters"])
def test_percentile_and_bca_from_their_definitions(target):
    x = codes(7, 24, 22)
    row, t = COEFFICIENTS["fleiss"], tally(x)
    way = resampled(row, t, W, target)
    values = way.value(draws(np.random.default_rng(5), way.own, 1500))
    found = {i: estimate(row, t, W, target=target, interval=i, replicates=1500, seed=5) for i in ("percentile", "bca")}
    plain = found["percentile"]
    assert (plain.ci_low, plain.ci_high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))
    assert plain.se == pytest.approx(values.std(ddof=1))
    every = np.arange(24 if target == "subjects" else 22)
    left_out = np.array([estimate(row, tally(x[every != i] if target == "subjects" else x[:, every != i]), W).value for i in every])
    gap = left_out.mean() - left_out
    a, z0 = np.sum(gap**3) / (6 * np.sum(gap**2) ** 1.5), ndtri(np.mean(values < plain.value))
    levels = [ndtr(z0 + (z0 + z) / (1 - a * (z0 + z))) for z in (ndtri(0.025), ndtri(0.975))]
    assert (found["bca"].ci_low, found["bca"].ci_high) == pytest.approx(tuple(np.quantile(values, levels)), abs=1e-9)


def test_bootstrap_t_by_an_explicit_loop():
    x = codes(8, 12, 9)
    row, t = COEFFICIENTS["gwet"], tally(x)
    way = resampled(row, t, W, "raters")
    drawn = draws(np.random.default_rng(3), way.own, 120)

    def spread(n):
        left = [(np.arctanh(way.value((n - e)[None])[0]), k) for e, k in zip(np.eye(9), n, strict=True) if k]
        z, times = np.array(left).T
        return np.sqrt(8 / 9 * np.sum(times * (z - np.sum(times * z) / 9) ** 2))

    z = np.arctanh(estimate(row, t, W).value)
    pivots = [(np.arctanh(way.value(n[None])[0]) - z) / spread(n) for n in drawn]
    low, high = np.tanh(z - np.quantile(pivots, [0.975, 0.025]) * spread(np.ones(9)))
    found = estimate(row, t, W, target="raters", interval="bootstrap-t", replicates=120, seed=3)
    assert (found.ci_low, found.ci_high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("interval", ["percentile", "bca", "bootstrap-t"])
@pytest.mark.parametrize("target", ["subjects", "raters", "cases"])
def test_same_seed_same_interval_and_small_batches_too(interval, target, monkeypatch):
    x, case = codes(9, 36, 12), np.repeat(np.arange(12), 3)
    kwargs = {"target": target, "interval": interval, "replicates": 200, "cases": case if target == "cases" else None}
    one = agreement(x, "gwet", "quadratic", [0, 1, 2], seed=4, **kwargs)
    assert one == agreement(x, "gwet", "quadratic", [0, 1, 2], seed=4, **kwargs)
    assert one != agreement(x, "gwet", "quadratic", [0, 1, 2], seed=5, **kwargs)
    assert one.ci_low < one.value < one.ci_high
    assert (one.parts["seed"], one.parts["replicates"], one.parts["undefined_replicates"]) == (4, 200, 0)
    monkeypatch.setattr(module, "BATCH", 1000)
    small = agreement(x, "gwet", "quadratic", [0, 1, 2], seed=4, **kwargs)
    assert (small.se, small.ci_low, small.ci_high) == pytest.approx((one.se, one.ci_low, one.ci_high), abs=1e-12)


def test_standard_errors_of_bootstrap_and_formula_agree():
    x = codes(10, 80, 40)
    for name, target in itertools.product(("percent", "gwet", "fleiss", "conger", "krippendorff"), ("subjects", "raters")):
        drawn, formula = (agreement(x, name, "linear", [0, 1, 2], target, interval=i).se for i in ("percentile", None))
        assert drawn == pytest.approx(formula, rel=0.15), (name, target)


# --- what is refused --------------------------------------------------------------------------------------


def test_bca_is_refused_below_10_and_warned_of_below_20():
    found = agreement(codes(1, 20, 9), target="raters", interval="bca", categories=[0, 1, 2])
    assert np.isnan(found.ci_low)
    assert "bca-refused" in found.flags
    found = agreement(codes(1, 20, 19), target="raters", interval="bca", categories=[0, 1, 2])
    assert found.ci_low < found.ci_high
    assert "bootstrap-few" in found.flags
    found = agreement(codes(1, 20, 20), target="raters", interval="percentile", categories=[0, 1, 2])
    assert "bootstrap-few" not in found.flags


def test_more_than_5_percent_undefined_replicates_give_no_interval():
    x = np.zeros((6, 4), dtype=int)
    x[0] = 1  # without the first subject kappa is 0/0, and a third of the draws lack it
    found = agreement(x, "fleiss", categories=[0, 1, 2], interval="percentile")
    assert np.isnan(found.ci_low)
    assert "bootstrap-undefined" in found.flags
    assert found.parts["undefined_replicates"] == pytest.approx((5 / 6) ** 6, abs=0.05)


@pytest.mark.parametrize("interval", ["percentile", "bca", "bootstrap-t"])
def test_perfect_agreement_has_no_bootstrap_interval(interval):
    x = np.repeat(np.arange(30)[:, None] % 3, 5, axis=1)
    found = agreement(x, "gwet", categories=[0, 1, 2], interval=interval)
    assert found.value == 1
    assert np.isnan(found.ci_low)
    assert found.reasons


@pytest.mark.parametrize(
    ("more", "message"),
    [({"interval": "bootstrap"}, "percentile"), ({"interval": "bca", "target": "both"}, "both"),
     ({"interval": "percentile", "replicates": 20}, "100"), ({"interval": "percentile", "seed": -1}, "seed"),
     ({"interval": "percentile", "null": 0.4}, "null"), ({"interval": "percentile", "fpc": 0.5}, "fpc"),
     ({"interval": "percentile", "target": "cases"}, "cases=")],
)
def test_wrong_calls_say_what_to_do(more, message):
    with pytest.raises(ArgumentError, match=message):
        agreement(codes(1, 12, 6), "gwet", categories=[0, 1, 2], **more)


def test_two_thousand_replicates_of_a_pilot_take_a_moment():
    x = codes(11, 24, 20)
    agreement(x, "gwet", "quadratic", [0, 1, 2], "raters", interval="percentile")
    started = time.perf_counter()
    agreement(x, "gwet", "quadratic", [0, 1, 2], "raters", interval="percentile")
    assert time.perf_counter() - started < 0.5
