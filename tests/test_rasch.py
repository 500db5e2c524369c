"""The severity model against R, RaschPy, conditional likelihood, dense integration, differences and its own simulations."""

import csv
import math
import tomllib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

from arms_irr.errors import ArgumentError
from arms_irr.statistics.rasch import Answers, information, marginal, nodes_for, probabilities
from arms_irr.statistics.rasch_fit import fit_severity
from arms_irr.statistics.rasch_residuals import (
    exact_agreement,
    fair_average,
    mean_square_limits,
    mean_squares,
    separation,
    spread,
    weighted_likelihood,
)

HERE = Path(__file__).parent / "reference"
REFERENCE = tomllib.loads((HERE / "rasch.toml").read_text())
PILOT = np.array([[int(x) for x in row] for row in REFERENCE["pilot"]["ratings"]])
ITEMS = REFERENCE["pilot"]["items"]
SUBSET = PILOT[:, [ITEMS.index(item) for item in REFERENCE["pilot"]["subset"]]]


def missing() -> np.ndarray:
    rows = [r for r in csv.DictReader((HERE / "ordinal_e1.csv").open()) if r["rating"]]
    officers, items = sorted({r["rater"] for r in rows}), REFERENCE["rating_scale_missing"]["items"]
    codes = np.full((len(officers), len(items)), -1)
    for r in rows:
        if f"{r['case']}:{r['factor']}" in items:
            codes[officers.index(r["rater"]), items.index(f"{r['case']}:{r['factor']}")] = int(r["rating"]) - 1
    return codes


CASES = {"rating_scale": (PILOT, None), "rating_scale_subset": (SUBSET, None), "partial_credit_subset": (SUBSET, np.arange(6)),
         "rating_scale_missing": (missing(), None)}


@pytest.fixture(scope="module", params=list(CASES))
def compared(request):
    codes, groups = CASES[request.param]
    return fit_severity(codes, groups=groups), REFERENCE[request.param]


def close(found, wanted, tolerance=1e-5):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


def test_parameters_are_those_of_r(compared):
    fit, want = compared
    assert fit.converged
    close(fit.log_likelihood, want["log_likelihood"], 1e-7)
    close((fit.sigma, fit.sigma_se), (want["sd"], want["sd_se"]))
    close(fit.eap, want["eap"])
    close(fit.posterior_sd, want["eap_sd"])
    if "tau" in want:
        close(-fit.location, want["item_location"])
        close(fit.location_se, want["item_location_se"])
        close(fit.thresholds[0], want["tau"])
        close(fit.threshold_se[0, 0], want["tau_se"][0])
        close(np.sqrt(np.diag(fit.covariance))[:len(fit.location)], fit.location_se, 1e-12)
    else:
        close(fit.thresholds[fit.group] - fit.location[:, None], want["step_difficulty"])


def test_residuals_and_separation_are_those_of_r(compared):
    fit, want = compared
    severity, se = weighted_likelihood(fit.codes, fit.table, fit.scores)
    close(severity, want["wle"])
    close(se, want["wle_se"])
    squares = mean_squares(fit.codes, fit.table, fit.scores, severity)
    close(squares.officer_infit, want["infit"])
    close(squares.officer_outfit, want["outfit"])
    apart = separation(severity, se)
    close((apart.separation, apart.reliability), (want["separation_G"], want["separation_reliability"]))
    assert apart.strata == pytest.approx((4 * apart.separation + 1) / 3)
    between = np.var(fit.eap, ddof=1)
    close(between / (between + np.mean(fit.posterior_sd**2)), want["eap_reliability"])


def test_chi_square_of_equal_severities():
    want = REFERENCE["joint"]
    found = spread(np.array(want["theta"]), np.array(want["theta_se"]))
    assert found.chi_square == pytest.approx(want["chi_square"], rel=1e-7)
    assert separation(np.array(want["theta"]), np.array(want["theta_se"])).separation == pytest.approx(want["separation_G"], rel=1e-7)
    weight = 1 / (np.array(want["theta_se"]) ** 2 + found.sd**2)
    assert (weight * (np.array(want["theta"]) - found.mean) ** 2).sum() == pytest.approx(found.df)


def conditional(codes, table):
    """Log-likelihood given the officers' totals, by elementary symmetric functions (Andersen 1973)."""
    symmetric = np.array([1.0])
    for row in table:
        symmetric = np.convolve(symmetric, np.exp(row))
    totals = codes.sum(axis=1)
    return sum(table[i, codes[:, i]].sum() for i in range(len(table))) - np.log(symmetric[totals]).sum()


def test_conditional_likelihood_agrees_with_erm_and_is_near():
    want = REFERENCE["conditional"]
    places, tau = -np.array(want["item_location"]), np.array(want["tau"])
    table = np.arange(3) * places[:, None] + np.array([0, -tau[0], 0])
    assert conditional(SUBSET, table) == pytest.approx(want["log_likelihood"], abs=1e-6)
    fit = fit_severity(SUBSET)
    marginal_table = fit.table - np.arange(3) * fit.location.mean()
    assert conditional(SUBSET, marginal_table) <= want["log_likelihood"] + 1e-9
    close(fit.location.mean() - fit.location, want["item_location"], want["near"])
    close(fit.thresholds[0], tau, want["near"])


def test_raschpy_is_near_and_has_the_opposite_sign():
    want, fit = REFERENCE["raschpy"], fit_severity(SUBSET)
    close(fit.location.mean() - fit.location, want["item_location"], want["near"])
    close(fit.thresholds[0], want["thresholds"], want["near"])
    assert np.corrcoef(fit_severity(PILOT).severity, want["severity"])[0, 1] < want["correlation"]


def small(seed=1, officers=7, items=4):
    rng = np.random.default_rng(seed)
    codes, gold = rng.integers(-1, 3, (officers, items)), rng.integers(-1, 3, items)
    gold[0] = 1
    table = np.c_[np.zeros(items), rng.normal(size=(items, 2))]
    return Answers.of(codes, gold, np.arange(3.0)), table


def dense(answers, table, sigma, gold):
    """The same likelihood from its definition, category by category, on a fine grid."""
    z = np.linspace(-12, 12, 20_001)
    log_normal = -0.5 * z**2 - 0.5 * math.log(2 * math.pi) + math.log(z[1] - z[0])
    value = 0.0
    for row in answers.codes:
        log_p = log_normal.copy()
        for i in np.flatnonzero(row >= 0):
            eta = np.outer(answers.scores, sigma * z) + table[i][:, None]
            log_p += eta[row[i]] - logsumexp(eta, axis=0)
        value += logsumexp(log_p)
    for i in np.flatnonzero(answers.anchor >= 0):
        eta = answers.scores * gold + table[i]
        value += eta[answers.anchor[i]] - logsumexp(eta)
    return value


@pytest.mark.parametrize("sigma", [0.0, 0.4, 2.5])
def test_likelihood_by_dense_integration(sigma):
    answers, table = small()
    found = marginal(answers, table, sigma, 0.3, nodes_for(answers, sigma, 7.5))
    assert found.value == pytest.approx(dense(answers, table, sigma, 0.3), abs=1e-6)
    assert found.weights.sum(axis=1) == pytest.approx(1)


def test_derivatives_by_differences():
    answers, table = small(2)
    nodes = nodes_for(answers, 1.0, 7.5)

    def at(v):
        found = marginal(answers, np.c_[np.zeros(4), v[:8].reshape(4, 2)], v[9], v[8], nodes)
        return found, np.r_[found.table.ravel(), found.gold, found.sigma]

    v, h = np.r_[table[:, 1:].ravel(), 0.3, 0.7], 1e-5
    found, gradient = at(v)
    close(gradient, [(at(v + h * e)[0].value - at(v - h * e)[0].value) / (2 * h) for e in np.eye(10)], 1e-8)
    full = information(answers, np.c_[np.zeros(4), v[:8].reshape(4, 2)], v[9], v[8], found)
    close(full, [(at(v - h * e)[1] - at(v + h * e)[1]) / (2 * h) for e in np.eye(10)], 1e-8)


def test_severity_averages_over_everything():
    """Posterior mean and sd by brute force over sigma and all parameters of a tiny model: the Laplace average is near them."""
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 0.8, 12)
    place = np.array([-0.4, 0.0, 0.5, 0.2])
    codes = (rng.random((12, 4)) < 1 / (1 + np.exp(-(truth[:, None] + place)))).astype(int)
    fit = fit_severity(codes)
    draws, sigma = 8_000, np.abs(rng.normal(0, 2.0, 8_000))
    proposal = np.linalg.cholesky(fit.covariance[:4, :4] * 2.0)
    normal = rng.normal(size=(draws, 4))
    places = fit.location + normal @ proposal.T
    z = np.linspace(-7, 7, 57)
    eta = sigma[:, None, None] * z + places[:, :, None]
    log_p = np.stack([-np.logaddexp(0, eta), eta - np.logaddexp(0, eta)])  # (2, draws, items, nodes)
    joint = np.stack([sum(log_p[x, :, i] for i, x in enumerate(row)) - z**2 / 2 for row in codes])
    total = logsumexp(joint, axis=2)
    weight = total.sum(axis=0) + 0.5 * (normal**2).sum(axis=1)
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    post = np.exp(joint - total[:, :, None])
    mean = (post * z).sum(axis=2) * sigma
    square = (post * z**2).sum(axis=2) * sigma**2
    centre = mean @ weight
    close(fit.severity, centre, 0.15)
    np.testing.assert_allclose(fit.se, np.sqrt(square @ weight - centre**2), rtol=0.15)


def simulate(officers, items, sd, seed, mean=0.0):
    rng = np.random.default_rng(seed)
    severity, place = rng.normal(mean, sd, officers), rng.normal(0, 1, items)
    eta = np.append(severity, 0.0)[:, None] + place
    p = np.exp(np.stack([0 * eta, eta + 0.8, 2 * eta]))
    codes = (rng.random(eta.shape) > np.cumsum(p / p.sum(0), axis=0)).sum(0).clip(0, 2)
    return severity, codes[:-1], codes[-1]


def test_known_severities_are_recovered():
    severity, codes, gold = simulate(150, 60, 0.6, 4, mean=0.4)
    fit = fit_severity(codes, anchor=gold)
    free = fit_severity(codes)  # an anchor's own error is common to all officers, so their intervals hit or miss together
    assert np.corrcoef(fit.severity, severity)[0, 1] > 0.9
    assert ((free.low < severity - 0.4) & (severity - 0.4 < free.high)).mean() > 0.9
    assert fit.sigma_low < 0.6 < fit.sigma_high
    assert abs(fit.mean - 0.4) < 2 * fit.mean_se


def test_anchor_shifts_all_and_only_the_origin():
    _, codes, gold = simulate(30, 24, 0.5, 5)
    free, anchored = fit_severity(codes), fit_severity(codes, anchor=gold)
    assert anchored.mean_se > 0
    assert np.isnan(free.mean_se)
    assert free.mean == 0
    assert np.corrcoef(free.severity, anchored.severity)[0, 1] > 0.999
    assert (anchored.se > free.se).all()
    close(free.gap, free.severity, 1e-12)
    close(anchored.gap, free.gap, 0.02)
    np.testing.assert_allclose(anchored.gap_se, free.gap_se, rtol=0.02)
    expected = probabilities(anchored.table, anchored.scores, np.zeros(1))[0][:, :, 0] @ anchored.scores
    assert expected.sum() == pytest.approx(gold.sum(), abs=1e-4)  # the gold standard's own likelihood equation


def test_reversing_the_scale_reverses_the_signs():
    fit, turned = fit_severity(PILOT), fit_severity(2 - PILOT)
    close(turned.severity, -fit.severity, 1e-4)
    close(turned.location, -fit.location, 1e-4)
    close(turned.thresholds[0], -fit.thresholds[0][::-1], 1e-4)
    close(turned.log_likelihood, fit.log_likelihood, 1e-8)


def test_order_does_not_matter():
    order = np.random.default_rng(1).permutation(len(PILOT))
    close(fit_severity(PILOT[order]).severity, fit_severity(PILOT).severity[order], 1e-6)


def test_extreme_items_tell_nothing_about_severity():
    wide = np.hstack([PILOT, np.zeros((20, 1), dtype=int), np.full((20, 1), 2), np.full((20, 1), -1)])
    fit, plain = fit_severity(wide), fit_severity(PILOT)
    close(fit.severity, plain.severity, 1e-9)
    assert fit.extreme[-3:].tolist() == [True, True, False]
    assert fit.location[-3] < plain.location.min()
    assert fit.location[-2] > plain.location.max()
    assert np.isnan(fit.location[-1])
    assert np.isfinite(fit.location_se[-3:-1]).all()
    p = probabilities(fit.table[-3:-2], fit.scores, fit.eap)[0][0]
    assert (fit.scores @ p).sum() == pytest.approx(0.3, abs=0.05)


def test_unused_categories_are_left_out_and_scores_stay():
    spread_out = np.where(SUBSET == 2, 3, SUBSET)  # category 2 of four is never used
    fit, plain = fit_severity(spread_out), fit_severity(SUBSET)
    assert fit.categories.tolist() == [0, 1, 3]
    assert fit.scores.tolist() == [0, 1, 3]
    assert "category-left-out" in fit.flags
    assert fit.log_likelihood != plain.log_likelihood
    shifted = fit_severity(SUBSET + 1)
    close(shifted.severity, plain.severity, 1e-9)


def test_two_categories_have_one_threshold_at_zero():
    fit = fit_severity((PILOT == 2).astype(int))
    assert fit.thresholds.tolist() == [[0.0]]
    assert fit.converged


def test_thresholds_of_their_own_only_where_they_are_finite():
    groups = np.array([0, 0, 0, 1, 1, 1])
    assert len(fit_severity(SUBSET, groups=groups).thresholds) == 2
    apart = SUBSET.copy()
    apart[:, :2] = np.minimum(apart[:, :2], 1)
    apart[:, 2] = np.maximum(apart[:, 2], 1)  # every category occurs, but no item of group 0 has both ends
    fit = fit_severity(apart, groups=groups)
    assert "separated" not in fit.flags
    assert np.isfinite(fit.threshold_se).all()


def test_no_spread_gives_zero_with_honest_severities():
    fit = next(f for f in (fit_severity(simulate(20, 12, 0.0, seed)[1]) for seed in range(8, 30)) if f.sigma == 0)
    assert fit.flags == ("boundary",)
    assert fit.likelihood_ratio == pytest.approx(0, abs=1e-6)
    assert fit.p == 1
    assert fit.sigma_low == 0
    assert fit.sigma_high > 0.1
    assert (fit.se > 0.05).all()
    assert (fit.eap == 0).all()


def test_profile_limits_cut_the_likelihood_where_they_should():
    fit = fit_severity(PILOT)
    answers = Answers.of(PILOT, np.full(PILOT.shape[1], -1), np.arange(3.0))

    def profile(sigma):
        from scipy.optimize import minimize

        def down(v):
            table = np.c_[np.zeros(24), v[:24] + v[24], 2 * v[:24]]
            found = marginal(answers, table, sigma, 0.0, nodes_for(answers, 1.0, 8.0))
            return -found.value, -np.r_[found.table[:, 0] + 2 * found.table[:, 1], found.table[:, 0].sum()]

        return -minimize(down, np.r_[fit.location, 0.8], jac=True, method="BFGS", options={"gtol": 1e-6}).fun

    for limit in (fit.sigma_low, fit.sigma_high):
        assert fit.log_likelihood - profile(limit) == pytest.approx(3.841459 / 2, abs=2e-3)
    assert 2 * (fit.log_likelihood - profile(0.0)) == pytest.approx(fit.likelihood_ratio, abs=1e-4)


def test_refusals_say_what_to_do():
    with pytest.raises(ArgumentError, match="at least 3"):
        fit_severity(PILOT[:2])
    with pytest.raises(ArgumentError, match="end category"):
        fit_severity(np.zeros((5, 4), dtype=int))
    with pytest.raises(ArgumentError, match="without an anchor"):
        fit_severity(PILOT, anchor=np.full(24, 2))
    with pytest.raises(ArgumentError, match="one for each item"):
        fit_severity(PILOT, groups=np.zeros(3, dtype=int))
    with pytest.raises(ArgumentError, match=r"0\.95"):
        fit_severity(PILOT, confidence_level=95)


def test_endless_likelihoods_are_flagged():
    rating = np.repeat([0, 2, 0, 2, 0, 2], 8).reshape(6, 8)  # each officer uses one end only
    fit = fit_severity(rating)
    assert "separated" in fit.flags
    assert not fit.converged
    assert np.isnan(fit.severity).all()


def test_agreement_by_enumeration():
    rng = np.random.default_rng(6)
    codes, severity = rng.integers(-1, 3, (5, 3)), rng.normal(size=5)
    table, scores = np.c_[np.zeros(3), rng.normal(size=(3, 2))], np.arange(3.0)
    found = exact_agreement(codes, table, scores, severity)
    p = np.exp(scores * severity[:, None, None] + table)
    p /= p.sum(axis=2, keepdims=True)
    same = [(j, codes[j, i] == codes[k, i], p[j, i] @ p[k, i]) for i in range(3) for j, k in product(range(5), repeat=2)
            if j != k and min(codes[j, i], codes[k, i]) >= 0]
    assert found.pooled_observed == pytest.approx(np.mean([hit for _, hit, _ in same]))
    assert found.pooled_expected == pytest.approx(np.mean([chance for *_, chance in same]))
    assert found.observed[0] == pytest.approx(np.mean([hit for j, hit, _ in same if j == 0]))


def test_mean_square_limits_hold_their_level_and_their_seed():
    _, codes, _ = simulate(60, 24, 0.5, 9)
    fit = fit_severity(codes)
    severity, _ = weighted_likelihood(fit.codes, fit.table, fit.scores)
    again = [mean_square_limits(fit.codes, fit.table, fit.scores, severity, confidence_level=0.95, replicates=200,
                                rng=np.random.default_rng(1)) for _ in range(2)]
    low, high = again[0]
    assert low.officer_infit.tobytes() == again[1][0].officer_infit.tobytes()
    squares = mean_squares(fit.codes, fit.table, fit.scores, severity)
    inside = (low.officer_infit <= squares.officer_infit) & (squares.officer_infit <= high.officer_infit)
    assert inside.mean() > 0.85
    assert (low.officer_infit > 0.3).all()
    assert (high.officer_infit < 2).all()
    careless = codes.copy()
    careless[0] = np.random.default_rng(2).integers(0, 3, 24)
    other = fit_severity(careless)
    wild = mean_squares(other.codes, other.table, other.scores, weighted_likelihood(other.codes, other.table, other.scores)[0])
    assert wild.officer_infit[0] > high.officer_infit[0]


def test_fair_average_is_the_expected_category():
    found = fair_average(np.array([0.0, 0.9, 0.0]), np.arange(3.0), np.array([-50.0, 0.0, 50.0]), np.array([1.0, 2.0, 3.0]))
    close(found, [1, 2, 3], 1e-9)


def test_spread_without_excess_is_zero():
    found = spread(np.array([0.1, 0.2, np.nan]), np.array([1.0, 1.0, np.nan]))
    assert found.sd == 0
    assert found.df == 1
    assert math.isnan(spread(np.array([1.0]), np.array([1.0])).sd)
    assert math.isnan(separation(np.array([1.0]), np.array([1.0])).separation)
