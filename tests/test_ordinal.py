"""Cumulative and logistic mixed models against R's ordinal and lme4, brute-force integration, and what must hold."""

import csv
import json
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, ndtr

from arms_irr.errors import ArgumentError
from arms_irr.statistics.laplace import Rows, cdf, marginal
from arms_irr.statistics.latent import (
    category_probability,
    latent_icc,
    pair_agreement,
    probability_difference,
)
from arms_irr.statistics.ordinal import dummies, interactions, ordinal_model

HERE = Path(__file__).parent / "reference"
REFERENCE = tomllib.loads((HERE / "ordinal.toml").read_text())
MODELS = Path(__file__).parents[2] / "shared" / "reference" / "models"
FILES = {"a1": "a1_pilot", "c1": "c1_r48c12_blocks6", "e1": "e1_pilot_missing", "g1": "g1_agreement_from_c"}
SLOW = {("c1", "cum_i_probit_direct"), ("c1", "cum_i_logit_direct"), ("c1", "clmm_i_logit_laplace")}


def read(path):
    with open(path, newline="") as file:
        rows = [r for r in csv.DictReader(file) if r.get("rating", r.get("agree"))]
    data = {k: np.array([r[k] for r in rows]) for k in rows[0]}
    return data | {"cell": np.char.add(np.char.add(data["case"], ":"), data["factor"])}


def kind_by_band(kind, band):
    a, b = {"kindprotective": (kind == "protective") * 1.0}, {"bandhigher": (band == "higher") * 1.0}
    return a | b | interactions(a, b)


def fit_as(model, data):
    """The fit of a model as the reference set names it, and the data that entered."""
    method = "laplace" if "laplace" in model else "agq"
    if model.startswith("glmer"):
        y = data["agree"] if "agree" in data else (data["rating"] == data["gold"]).astype(int).astype(str)
        random = {k: data[k] for k in (["rater", "cell"] if "crossed" in model else ["rater"])}
        return ordinal_model(y, random=random, fixed=kind_by_band(data["kind"], data["band"]), link="logit", method=method, points=25), data
    link = "logit" if "logit" in model else "probit"
    if "_i_" in model:
        same = {c for c in set(data["cell"]) if len(set(data["rating"][data["cell"] == c])) == 1}
        data = {k: v[~np.isin(data["cell"], list(same))] for k, v in data.items()}
        return ordinal_model(data["rating"], random={"rater": data["rater"]}, fixed=dummies("cell", data["cell"]), link=link,
                             method=method, points=21), data
    fixed = dummies("gold_f", data["gold"]) | dummies("kind", data["kind"], "risk") | dummies("band", data["band"], "lower")
    if "_iii_" in model:
        fixed |= dummies("agency", data["agency"], "police")
    return ordinal_model(data["rating"], random={k: data[k] for k in ("rater", "cell")}, fixed=fixed, link=link), data


def parameter(fit, name):
    if name == "(Intercept)":
        return -fit.thresholds[0], fit.se[0]
    j = fit.names.index(name)
    return fit.estimates[j], fit.se[j]


def difference(fit, data, quantity, level):
    n = len(data["kind"])
    sides = [kind_by_band(data["kind"], np.full(n, b)) for b in ("lower", "higher")] if level == "low_minus_high" else \
        [kind_by_band(np.full(n, k), data["band"]) for k in ("risk", "protective")]
    return probability_difference(fit, "1", *sides, random="integrated" if quantity == "rd_marginal" else "zero")


def crossed(seed=1, raters=20, cells=24, sds=(0.4, 0.8), cuts=(-0.5, 0.7), beta=0.0):
    """Probit ratings of every cell by every rater, with a covariate of the cell."""
    rng = np.random.default_rng(seed)
    r, c = np.repeat(np.arange(raters), cells), np.tile(np.arange(cells), raters)
    x = (c % 2) * 1.0
    latent = sds[0] * rng.normal(size=raters)[r] + sds[1] * rng.normal(size=cells)[c] + beta * x + rng.normal(size=len(r))
    return np.digitize(latent, cuts), r, c, x


# Published and other programs' values


@pytest.mark.parametrize("row", REFERENCE["wine"]["fits"], ids=lambda r: f"{r['link']} {r['method']}")
def test_wine(row):
    ratings = np.array(REFERENCE["wine"]["ratings"])
    bottle, judge = np.indices(ratings.shape)
    fixed = {"temp": bottle.ravel() >= 4, "contact": np.isin(bottle.ravel(), [2, 3, 6, 7])}
    fit = ordinal_model(ratings.ravel(), random={"judge": judge.ravel()}, fixed=fixed, link=row["link"], method=row["method"], points=10)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(row["log_likelihood"], abs=6e-6)
    assert fit.sds["judge"] ** 2 == pytest.approx(row["variance"], abs=6e-5)
    assert fit.coefficients == pytest.approx({k: row[k] for k in ("temp", "contact")}, abs=6e-5)
    if "thresholds" in row:
        assert fit.thresholds == pytest.approx(row["thresholds"], abs=6e-5)


@pytest.mark.parametrize("entry", REFERENCE["fit"], ids=lambda e: e["model"])
def test_other_programs(entry):
    fit, data = fit_as(entry["model"], read(HERE / "ordinal_e1.csv"))
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(entry["log_likelihood"], abs=1e-5)
    assert set(fit.names) - {"0|1"} == {name for name, _, _ in entry["parameters"]} - {"(Intercept)"}
    for name, value, se in entry["parameters"]:
        ours, our_se = parameter(fit, name)
        assert ours == pytest.approx(value, abs=5e-4), name
        if not math.isnan(se):
            assert our_se == pytest.approx(se, rel=2e-3), name
    rater = fit.random["rater"]
    assert [rater.modes[0], rater.sds[0]] == pytest.approx(entry["rater"], abs=3e-4)
    for quantity, level, value, se in entry.get("differences", ()):
        ours = difference(fit, data, quantity, level)
        assert (ours.value, ours.se) == (pytest.approx(value, abs=1e-5), pytest.approx(se, rel=2e-3))
        assert ours.ci_low < ours.value < ours.ci_high


def entries():
    if not MODELS.is_dir():
        return {}
    found = {}
    for line in (MODELS / "expected.jsonl").read_text().splitlines():
        e = json.loads(line)
        if e["dataset"] in FILES and e["model"].startswith(("clmm", "cum_i", "glmer")) and e["quantity"] != "ranef_mean_rater":
            found.setdefault((e["dataset"], e["model"]), []).append(e)
    return {key: pytest.param(*key, rows, id="-".join(key), marks=[pytest.mark.slow] * (key in SLOW)) for key, rows in found.items()}


@pytest.mark.skipif(not MODELS.is_dir(), reason="the reference set is not beside this checkout")
@pytest.mark.parametrize(("dataset", "model", "expected"), entries().values())
def test_reference_set(dataset, model, expected):
    """Every entry but two kinds of another estimator: posterior means, and se with the variances taken as known (se_rx)."""
    fit, data = fit_as(model, read(MODELS / "data" / f"{FILES[dataset]}.csv"))
    rater = fit.random["rater"]
    for e in expected:
        quantity, level, se = e["quantity"], e["level"], e["se"]
        match quantity:
            case "coef" | "threshold":
                ours, our_se = parameter(fit, level)
            case "sd_random" | "var_random":
                ours, our_se = parameter(fit, f"sd({level})")
                ours = ours**2 if quantity == "var_random" else ours
            case "ranef_mode_rater":
                j = rater.levels.index(level)
                ours, our_se = rater.modes[j], rater.sds[j]
            case "rd_marginal" | "rd_conditional":
                found = difference(fit, data, quantity, level)
                ours, our_se = found.value, found.se
            case "logLik" | "n_obs" | "n_par":
                ours = {"logLik": fit.log_likelihood, "n_obs": fit.n_ratings, "n_par": len(fit.names)}[quantity]
            case "se_rx":
                continue
        assert ours == pytest.approx(e["value"], abs=e["tolerance"] + 1e-12), (quantity, level)
        if se:
            assert our_se == pytest.approx(se, rel=0.02), (quantity, level)


# Independent computation


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize(("factors", "points"), [(1, 1), (1, 3), (1, 9), (2, 1), (3, 1)])
def test_the_gradient_is_that_of_the_value(link, factors, points):
    rng = np.random.default_rng(1)
    sizes = (12, 7, 4)[:factors]
    rows = Rows(rng.integers(0, 4, 200), 4, rng.normal(size=(200, 2)), tuple(rng.integers(0, q, 200) for q in sizes), sizes, link)
    theta, start = np.array([-1, 0.2, 1.1, 0.3, -0.4, 0.7, 0.5, 0.3][: 5 + factors]), np.zeros(sum(sizes))
    steps = 1e-5 * np.eye(len(theta))
    numeric = [(marginal(rows, theta + h, start, points).value - marginal(rows, theta - h, start, points).value) / 2e-5 for h in steps]
    assert marginal(rows, theta, start, points).gradient == pytest.approx(numeric, abs=1e-7)


@pytest.mark.parametrize(("link", "f"), [("logit", expit), ("probit", ndtr)])
def test_quadrature_is_the_integral_and_laplace_the_textbook_formula(link, f):
    y, r, c, x = crossed(raters=8, cells=6)
    tau, beta, s = np.array([-0.4, 0.9]), 0.5, np.array([0.7, 0.6])
    cuts = np.concatenate([[-40], tau, [40]])

    def log_p(random_part):
        eta = beta * x + random_part
        return np.log(f(cuts[y + 1] - eta) - f(cuts[y] - eta))

    grid = np.linspace(-8, 8, 2001)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    by_rater = np.array([np.bincount(r, log_p(s[0] * u)) for u in grid])
    exact = np.log((np.exp(by_rater) * density[:, None]).sum(axis=0) * (grid[1] - grid[0])).sum()
    one = Rows(y, 3, x[:, None], (r,), (8,), link)
    assert marginal(one, np.array([*tau, beta, s[0]]), np.zeros(8), 25).value == pytest.approx(exact, abs=1e-8)

    two = Rows(y, 3, x[:, None], (r, c), (8, 6), link)
    at = marginal(two, np.array([*tau, beta, *s]), np.zeros(14))
    z = np.column_stack([s[0] * np.eye(8)[r], s[1] * np.eye(6)[c]])
    h = 1e-4
    weights = -(log_p(z @ at.modes + h) - 2 * log_p(z @ at.modes) + log_p(z @ at.modes - h)) / h**2
    hessian = np.eye(14) + z.T @ (weights[:, None] * z)
    value = log_p(z @ at.modes).sum() - at.modes @ at.modes / 2 - np.linalg.slogdet(hessian)[1] / 2
    assert at.value == pytest.approx(value, abs=1e-5)
    assert at.variances == pytest.approx(np.diag(np.linalg.inv(hessian)), rel=1e-5)
    slope = (log_p(z @ at.modes + h) - log_p(z @ at.modes - h)) / (2 * h)
    assert z.T @ slope == pytest.approx(at.modes, abs=1e-6)


def test_without_differences_between_raters_it_is_the_plain_model():
    """At the boundary the fit must equal a regression without random effects: statsmodels'."""
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    rng = np.random.default_rng(3)
    x = rng.normal(size=30)
    y = np.digitize(0.8 * x + rng.normal(size=30), [-0.6, 0.5])
    r, x, y = np.repeat(np.arange(10), 30), np.tile(x, 10), np.tile(y, 10)
    fit = ordinal_model(y, random={"rater": r}, fixed={"x": x}, categories=[0, 1, 2])
    assert fit.sds["rater"] == 0
    assert fit.flags == ("boundary",)
    assert np.isnan(fit.se[-1])
    peer = OrderedModel(y, x[:, None], distr="probit").fit(method="bfgs", disp=0, gtol=1e-8)
    assert fit.coefficients["x"] == pytest.approx(peer.params[0], abs=1e-5)
    assert fit.se[2] == pytest.approx(peer.bse[0], rel=1e-3)
    assert fit.log_likelihood == pytest.approx(peer.llf, abs=1e-8)
    binary = ordinal_model(y > 0, random={"rater": r}, fixed={"x": x}, link="logit", method="agq")
    peer = Logit(y > 0, np.column_stack([np.ones(300), x])).fit(disp=0)
    assert binary.sds["rater"] == 0
    assert [-binary.thresholds[0], binary.coefficients["x"]] == pytest.approx(peer.params, abs=1e-5)
    assert binary.se[[0, 1]] == pytest.approx(peer.bse, rel=1e-4)


def test_agreement_probabilities_by_simulation():
    y, r, c, x = crossed(seed=4, beta=0.6)
    fit = ordinal_model(y, random={"rater": r, "cell": c}, fixed={"x": x})
    rng = np.random.default_rng(0)
    n = 200_000
    cell, row = rng.normal(0, fit.sds["cell"], n), rng.choice(x, n)
    seen = [np.digitize(cell + fit.coefficients["x"] * row + rng.normal(0, fit.sds["rater"], n) + rng.normal(size=n), fit.thresholds)
            for _ in range(2)]
    assert pair_agreement(fit).value == pytest.approx((seen[0] == seen[1]).mean(), abs=0.004)
    assert pair_agreement(fit, between=["rater", "cell"]).value == pytest.approx((np.bincount(y) / len(y) @ np.bincount(y)) / len(y), abs=0.03)
    assert category_probability(fit, 2).value == pytest.approx((seen[0] == 2).mean(), abs=0.004)
    gold = np.where(x == 1, 2, 0)
    right = category_probability(fit, gold)
    assert right.value == pytest.approx((seen[0] == np.where(row == 1, 2, 0)).mean(), abs=0.004)
    wide = math.sqrt(1 + fit.sds["rater"] ** 2 + fit.sds["cell"] ** 2)
    assert category_probability(fit, 0, {"x": [0]}).value == pytest.approx(ndtr(fit.thresholds[0] / wide), abs=1e-9)
    assert category_probability(fit, 0, {"x": [0]}, random="zero").value == pytest.approx(ndtr(fit.thresholds[0]), abs=1e-12)

    draws = rng.multivariate_normal(fit.estimates, fit.covariance, 4000)
    by_hand = np.std(ndtr(draws[:, 0] / np.sqrt(1 + (draws[:, 3:] ** 2).sum(axis=1))))
    assert category_probability(fit, 0, {"x": [0]}).se == pytest.approx(by_hand, rel=0.06)
    total = 1 + fit.sds["rater"] ** 2 + fit.sds["cell"] ** 2
    share = latent_icc(fit)
    assert {k: v.value for k, v in share.items()} == pytest.approx({k: v**2 / total for k, v in fit.sds.items()})
    assert 0 < share["rater"].ci_low < share["rater"].value < share["rater"].ci_high < 1


def test_recovery():
    """Estimates lie around the truth as their standard errors say, in both links."""
    for seed in (5, 6, 7):
        y, r, c, x = crossed(seed, raters=50, cells=60, sds=(0.5, 0.7), cuts=(-1.0, 0.3, 1.1), beta=0.9)
        fit = ordinal_model(y, random={"rater": r, "cell": c}, fixed={"x": x}, categories=[0, 1, 2, 3])
        z = (fit.estimates - [-1.0, 0.3, 1.1, 0.9, 0.5, 0.7]) / fit.se
        assert fit.flags == ()
        assert np.abs(z).max() < 3.5
        assert fit.names == ("0|1", "1|2", "2|3", "x", "sd(rater)", "sd(cell)")


# What must hold


def test_invariances():
    y, r, c, x = crossed(beta=0.5)
    fit = ordinal_model(y, random={"rater": r, "cell": c}, fixed={"x": x}, link="logit")
    rng = np.random.default_rng(2)
    order = rng.permutation(len(y))
    names = rng.permutation([f"officer {j}" for j in range(20)])
    other = ordinal_model(y[order], random={"cell": c[order], "rater": names[r[order]]}, fixed={"x": x[order]}, link="logit")
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)
    assert other.sds == pytest.approx(fit.sds, abs=1e-5)
    assert dict(zip(other.names, other.se, strict=True)) == pytest.approx(dict(zip(fit.names, fit.se, strict=True)), rel=1e-4)
    assert other.random["rater"].modes[list(other.random["rater"].levels).index(names[3])] == pytest.approx(fit.random["rater"].modes[3], abs=1e-5)

    back = ordinal_model(2 - y, random={"rater": r, "cell": c}, fixed={"x": x}, link="logit")
    assert back.thresholds == pytest.approx(-fit.thresholds[::-1], abs=1e-5)
    assert back.coefficients["x"] == pytest.approx(-fit.coefficients["x"], abs=1e-5)
    assert back.random["cell"].modes == pytest.approx(-fit.random["cell"].modes, abs=1e-5)

    moved = ordinal_model(y, random={"rater": r, "cell": c}, fixed={"x": 1e6 + 10 * x}, link="logit")
    assert moved.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)
    assert moved.coefficients["x"] == pytest.approx(fit.coefficients["x"] / 10, abs=1e-6)
    assert moved.se[2] == pytest.approx(fit.se[2] / 10, rel=1e-5)

    labelled = ordinal_model([*np.array(["Low", "Medium", "High"])[y].tolist(), None], random={"rater": [*r, 0], "cell": [*c, 0]},
                             fixed={"x": [*x, 0]}, link="logit", categories=["Low", "Medium", "High"])
    assert labelled.estimates == pytest.approx(fit.estimates, abs=1e-8)
    assert labelled.names[:2] == ("Low|Medium", "Medium|High")
    assert (labelled.n_ratings, labelled.flags) == (len(y), ())


def test_links_in_the_tails():
    x = np.array([-np.inf, -30.0, 0.0, 30.0, np.inf])
    assert cdf("probit", x) == pytest.approx([0, 4.906713927148187e-198, 0.5, 1, 1], rel=1e-10)
    assert cdf("logit", x) == pytest.approx(expit(x))


# Degenerate data and wrong calls


def test_degenerate_data_have_a_reason():
    y, r, c, x = crossed()
    fit = ordinal_model(np.ones(len(y)), random={"rater": r}, fixed={"x": x}, categories=[1, 2, 3])
    assert np.isnan(fit.estimates).all()
    assert "one-category" in fit.flags
    for e in (*latent_icc(fit).values(), pair_agreement(fit), category_probability(fit, 1), fit.estimate("x")):
        assert not e.estimable
        assert "one-category" in e.flags
    assert "no-ratings" in ordinal_model([np.nan] * len(y), random={"rater": r}).flags
    assert "category-left-out" in ordinal_model(y, random={"rater": r}, categories=[0, 1, 2, 3]).flags

    first = (c < 2) * 1.0
    apart = ordinal_model(np.where(first == 1, 2, np.minimum(y, 1)), random={"rater": r}, fixed={"first": first, "x": x})
    j = apart.names.index("first")
    assert "separated" in apart.flags
    assert np.isnan(apart.se[[j, 1]]).all()
    assert not np.isnan(apart.se[0])
    assert not apart.estimate("first").estimable
    settled = ordinal_model([1, 1, 2, 2, 3, 3] * 3, random={"rater": list("aabbcc") * 3})
    assert "separated" in settled.flags


def test_a_share_near_0_has_sober_limits():
    fit, _ = fit_as("glmer_crossed_laplace", read(HERE / "ordinal_e1.csv"))
    share = latent_icc(fit)["rater"]
    assert "interval-fallback" in share.flags
    assert 0 == share.ci_low < share.value < share.ci_high < 0.2
    sd = fit.estimate("sd(rater)")
    assert 0 == sd.ci_low < sd.value < sd.ci_high < 2


@pytest.mark.parametrize(("change", "words"), [
    ({"random": {}}, "random is empty"),
    ({"link": "cloglog"}, "'probit' or 'logit'"),
    ({"method": "reml"}, "'laplace' or 'agq'"),
    ({"method": "agq", "random": {"a": [1, 2] * 240, "b": [1, 2, 3] * 160}}, "one random factor, not over 2"),
    ({"method": "agq", "points": 1}, "from 2 to 100"),
    ({"random": {"rater": [1, 2, 3]}}, "give 480"),
    ({"random": {"rater": [1] * 480}}, "one level"),
    ({"random": {"rater": range(480)}}, "as many levels as there are ratings"),
    ({"random": {"rater": [None, *[1, 2] * 239, 1]}}, "missing levels"),
    ({"fixed": {"x": [1.0] * 480}}, "constant"),
    ({"fixed": {"x": range(480), "z": range(1, 481)}}, "'z'"),
    ({"fixed": {"x": ["a"] * 480}}, "dummies"),
    ({"fixed": {"x": [np.nan] * 480}}, "missing or infinite"),
    ({"fixed": {"x": [1, 2]}}, "give 480 values"),
    ({"categories": [0, 1]}, "not among the categories"),
    ({"y": ["a", 1] * 240}, "no order"),
    ({"y": np.zeros((240, 2))}, "one column"),
])
def test_wrong_calls(change, words):
    y, r, _, _ = crossed()
    with pytest.raises(ArgumentError, match=words):
        ordinal_model(**({"y": y, "random": {"rater": r}} | change))


def test_wrong_questions():
    y, r, _, x = crossed()
    fit = ordinal_model(y, random={"rater": r}, fixed={"x": x})
    for call, words in [
        (lambda: fit.estimate("z"), "no parameter"),
        (lambda: fit.estimate("x", 95), "0.95"),
        (lambda: pair_agreement(fit, "case"), "no random factor"),
        (lambda: pair_agreement(fit, fixed={"z": [1]}), "give those of the fit"),
        (lambda: category_probability(fit, 7), "no category"),
        (lambda: category_probability(fit, [1, 2]), "one for each row"),
        (lambda: category_probability(fit, 1, random="none"), "'integrated' or 'zero'"),
        (lambda: dummies("kind", ["a", "b"], "c"), "no level"),
    ]:
        with pytest.raises(ArgumentError, match=words):
            call()
