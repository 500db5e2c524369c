"""REML of several random effects against the N x N likelihood, against ANOVA and against lme4."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arms_irr.errors import ArgumentError
from arms_irr.statistics.components import reml_crossed
from arms_irr.statistics.mixed import reml

SHARED = Path(__file__).parents[2] / "shared" / "reference"


def both(*labels):
    """Labels of the combinations of factors."""
    codes = np.column_stack([np.unique(x, return_inverse=True)[1] for x in labels])
    return np.unique(codes, axis=0, return_inverse=True)[1].ravel()


def crossed(seed, shape=(6, 9, 4), keep=0.7, sds=(0.8, 0.5, 0.3, 0.4, 0.6, 0.3, 0.7)):
    """Ratings of cases by raters on factors, some missing, and all random factors of the crossed model."""
    rng = np.random.default_rng(seed)
    c, r, f = (x.ravel() for x in np.indices(shape))
    chosen = rng.random(c.size) < keep
    c, r, f = c[chosen], r[chosen], f[chosen]
    factors = {"c": c, "r": r, "f": f, "cr": both(c, r), "cf": both(c, f), "rf": both(r, f)}
    y = rng.normal(0, sds[-1], c.size)
    for sd, labels in zip(sds[:-1], factors.values(), strict=True):
        y = y + rng.normal(0, sd, labels.max() + 1)[labels]
    return y, factors


def dense(y, factors, components, x=None):
    """-2 log restricted likelihood in lme4's convention, P and the relative kernels, the long way."""
    x = np.ones((y.size, 1)) if x is None else x
    kernels = [np.equal.outer(labels, labels).astype(float) for labels in factors.values()] + [np.eye(y.size)]
    v = sum(c * k for c, k in zip(components.values(), kernels, strict=True))
    inverse = np.linalg.inv(v)
    inner = x.T @ inverse @ x
    p = inverse - inverse @ x @ np.linalg.solve(inner, x.T @ inverse)
    constant = (y.size - x.shape[1]) * math.log(2 * math.pi)
    value = constant + np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1] + y @ p @ y
    return value, p, kernels


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_maximum_of_the_dense_likelihood(seed):
    y, factors = crossed(seed, keep=(1.0, 0.7)[seed % 2])
    fit = reml(y, factors)
    assert fit.converged
    assert dense(y, factors, fit.components)[0] == pytest.approx(fit.deviance, abs=1e-7)
    for name, value in fit.components.items():
        for moved in [0.95 * value, 1.05 * value] if value else [1e-3]:
            assert dense(y, factors, fit.components | {name: moved})[0] > fit.deviance


def test_the_slope_is_zero_to_the_digits_that_make_components_good_to_a_millionth():
    y, factors = crossed(3)
    fit = reml(y, factors)
    _, p, kernels = dense(y, factors, fit.components)
    for (_, value), kernel in zip(fit.components.items(), kernels, strict=True):
        slope = np.trace(p @ kernel) - y @ p @ kernel @ p @ y
        assert slope * value == pytest.approx(0, abs=1e-5) if value else slope > 0


def test_components_at_the_boundary_are_exactly_zero_and_obey_kuhn_and_tucker():
    zeros = 0
    for seed in range(12):
        y, factors = crossed(seed, (4, 6, 5), 0.8, (0.5, 0.0, 0.0, 0.0, 0.4, 0.0, 1.0))
        fit = reml(y, factors)
        assert fit.converged
        _, p, kernels = dense(y, factors, fit.components)
        for value, kernel in zip(fit.components.values(), kernels, strict=True):
            if value == 0:
                zeros += 1
                assert np.trace(p @ kernel) >= y @ p @ kernel @ p @ y - 1e-6
    assert zeros > 10


def test_two_factors_are_those_of_the_special_case():
    y, factors = crossed(8, (12, 20, 1), 0.5)
    pair = {"r": factors["r"], "c": factors["c"]}
    fit, special = reml(y, pair), reml_crossed(y, factors["c"], factors["r"])
    assert list(fit.components.values()) == pytest.approx(
        [special.rater, special.subject, special.residual], rel=1e-7
    )
    assert fit.deviance == pytest.approx(special.deviance, abs=1e-8)
    assert fit.fixed[0] == pytest.approx(special.mean, abs=1e-9)


def test_a_fixed_part():
    y, factors = crossed(9)
    x = np.equal.outer(factors["f"], np.arange(4)).astype(float)
    random = {k: factors[k] for k in ("c", "r", "cr", "rf")}
    fit = reml(y, random, x)
    value, _, kernels = dense(y, random, fit.components, x)
    assert value == pytest.approx(fit.deviance, abs=1e-7)
    inverse = np.linalg.inv(sum(c * k for c, k in zip(fit.components.values(), kernels, strict=True)))
    covariance = np.linalg.inv(x.T @ inverse @ x)
    assert fit.fixed == pytest.approx(covariance @ x.T @ inverse @ y, abs=1e-8)
    assert fit.fixed_se == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-7)


def test_information_is_the_expected_one_in_a_balanced_design():
    y, factors = crossed(2, keep=2.0)
    fit = reml(y, factors)
    assert min(fit.components.values()) > 0
    _, p, kernels = dense(y, factors, fit.components)
    expected = [[np.sum((p @ a) * (p @ b).T) / 2 for b in kernels] for a in kernels]
    assert fit.information == pytest.approx(np.array(expected), rel=1e-5)


def test_information_is_the_average_one_otherwise():
    y, factors = crossed(2)
    fit = reml(y, factors)
    _, p, kernels = dense(y, factors, fit.components)
    average = [[y @ p @ a @ p @ b @ p @ y / 2 for b in kernels] for a in kernels]
    assert fit.information == pytest.approx(np.array(average), rel=1e-6)


def test_order_labels_scale_and_offset_do_not_matter():
    y, factors = crossed(5)
    base = reml(y, factors)
    rng = np.random.default_rng(1)
    order = rng.permutation(y.size)
    turned = {k: np.array([f"L{v}" for v in factors[k][order]]) for k in reversed(factors)}
    other = reml(y[order], turned)
    for name, value in base.components.items():
        assert other.components[name] == pytest.approx(value, rel=1e-6)
        assert reml(y + 1e6, factors).components[name] == pytest.approx(value, rel=1e-6, abs=1e-9)
        assert reml(3 * y, factors).components[name] == pytest.approx(9 * value, rel=1e-6)


def test_ratings_that_the_effects_reproduce_have_no_components():
    c, r = (x.ravel() for x in np.indices((5, 4)))
    fit = reml(c + 0.5 * r**2, {"c": c, "r": r})
    assert all(math.isnan(v) for v in fit.components.values())
    assert fit.deviance == -math.inf


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"one": np.zeros(12)}, "'one' has a single level"),
        ({"each": np.arange(12)}, "level for every rating"),
        ({"again": np.repeat([7, 8, 9], 4)}, "'c' and 'again' group the ratings alike"),
        ({"short": [1, 2]}, "'short' has shape"),
    ],
)
def test_errors_name_the_factor(change, words):
    c = np.repeat(np.arange(3), 4)
    with pytest.raises(ArgumentError, match=words):
        reml(np.arange(12.0), {"c": c, **change})


def test_other_errors():
    c = np.repeat(np.arange(3), 4)
    with pytest.raises(ArgumentError, match="finite"):
        reml([1.0, math.nan] * 6, {"c": c})
    with pytest.raises(ArgumentError, match="independent"):
        reml(np.arange(12.0), {"c": c}, np.ones((12, 2)))
    with pytest.raises(ArgumentError, match="no random factor"):
        reml(np.arange(12.0), {})


def test_a_thousand_raters_take_seconds():
    rng = np.random.default_rng(0)
    raters, cases, factors, each = 1000, 12, 6, 4
    chosen = np.argsort(rng.random((raters, cases)), axis=1)[:, :each]
    r = np.repeat(np.arange(raters), each * factors)
    c = np.repeat(chosen.ravel(), factors)
    f = np.tile(np.arange(factors), raters * each)
    effects = {"c": c, "r": r, "f": f, "cr": both(c, r), "cf": both(c, f), "rf": both(r, f)}
    truth = dict(zip(effects, (0.3, 0.2, 0.1, 0.2, 0.5, 0.1), strict=True))
    y = rng.normal(0, 0.5, r.size) + sum(
        rng.normal(0, sd, effects[k].max() + 1)[effects[k]] for k, sd in truth.items()
    )
    began = time.perf_counter()
    fit = reml(y, effects)
    assert time.perf_counter() - began < 30  # 1 to 2 on one idle core
    assert fit.converged
    for name in ("r", "cr", "rf"):
        assert fit.components[name] == pytest.approx(truth[name] ** 2, rel=0.25)


# --- lme4, where its values lie at hand ------------------------------------------------------------------


def models():
    """Data, factors, fixed part, lme4's components and criterion, relative tolerance."""
    if not SHARED.exists():
        pytest.skip("no shared reference values here")
    yield from _simulated()
    rows = [
        json.loads(line)
        for line in (SHARED / "models" / "expected.jsonl").read_text().splitlines()
        if '"lmer_' in line
    ]

    def expected(dataset, model):
        chosen = [r for r in rows if r["dataset"] == dataset and r["model"] == model]
        return (
            {r["level"]: r["value"] for r in chosen if r["quantity"] == "var"},
            next(r["value"] for r in chosen if r["quantity"] == "reml_criterion"),
        )

    data = pd.read_csv(SHARED / "models" / "data" / "c1_r48c12_blocks6.csv")
    for model, part in (
        ("lmer_crf", data), ("lmer_crf_risk", data[data.kind == "risk"]), ("lmer_crf_protective", data[data.kind == "protective"]),
    ):  # fmt: skip
        c, r, f = part.case, part.rater, part.factor
        factors = {
            "case": c,
            "rater": r,
            "factor": f,
            "case:rater": both(c, r),
            "case:factor": both(c, f),
            "rater:factor": both(r, f),
        }
        yield model, part.rating, factors, None, *expected("c1", model)
    c, r, f, a = data.case, data.rater, data.factor, data.agency
    factors = {
        "case": c, "agency:rater": r, "factor": f, "agency": a, "case:agency": both(c, a), "agency:factor": both(a, f),
        "case:factor": both(c, f), "case:agency:rater": both(c, r), "agency:rater:factor": both(r, f),
    }  # fmt: skip
    yield "nested", data.rating, factors, None, *expected("c1", "lmer_c_x_(r:a)_x_f")
    total = data.groupby(["case", "rater", "agency"], as_index=False).rating.sum()
    factors = {
        "case": total.case,
        "agency:rater": total.rater,
        "agency": total.agency,
        "case:agency": both(total.case, total.agency),
    }
    yield "nested totals", total.rating, factors, None, *expected("c1", "lmer_total_c_x_(r:a)")
    for dataset, file in (("a1", "a1_pilot"), ("e1", "e1_pilot_missing")):
        data = pd.read_csv(SHARED / "models" / "data" / f"{file}.csv").dropna(subset=["rating"])
        r, cells = data.rater, both(data.case, data.factor)
        x = np.column_stack(
            [np.ones(len(data)), np.equal.outer(cells, np.arange(1, cells.max() + 1))]
        ).astype(float)
        factors = {"rater": r, "rater:case": both(r, data.case), "rater:kind": both(r, data.kind)}
        yield f"fixed cells {dataset}", data.rating, factors, x, *expected(dataset, "lmer_fixed_cells")
        for case in ("C01", "C02"):
            part = data[data.case == case]
            yield (f"{dataset} {case}", part.rating, {"rater": part.rater, "factor": part.factor}, None,
                   *expected(dataset, f"lmer_f_x_r_within_{case}"))  # fmt: skip


def _simulated():
    rows = [
        json.loads(line)
        for line in (SHARED / "random" / "expected.jsonl").read_text().splitlines()
        if "sim_crossed" in line
    ]
    for name in ("sim_crossed_1", "sim_crossed_3"):
        data = pd.read_csv(SHARED / "random" / f"{name}.csv")
        c, r, f = data.case, data.rater, data.factor
        factors = {
            "case": c,
            "rater": r,
            "factor": f,
            "case:rater": both(c, r),
            "case:factor": both(c, f),
            "rater:factor": both(r, f),
        }
        for row in rows:
            if row["dataset"] != name or row["coefficient"] != "reml_criterion":
                continue
            model, x, chosen = row["options"]["model"], None, factors
            if model.startswith("y ~ factor"):
                x = np.column_stack([np.ones(len(f)), np.equal.outer(f.to_numpy(), f.unique()[1:])]).astype(
                    float
                )
                chosen = {k: factors[k] for k in ("case", "rater", "case:rater")}
            values = {
                r["options"]["component"].replace("Residual", "residual"): r["value"]
                for r in rows
                if r["coefficient"] == "variance_component"
                and r["dataset"] == name
                and r["options"]["model"] == model
            }
            yield f"{name} {model[:10]}", data.y, chosen, x, values, row["value"]


def test_conformance_with_lme4():
    """Criterion to 1e-5; components to 2e-6 of their sum, which is as good as lme4's optimiser."""
    compared = 0
    for name, y, factors, x, expected, criterion in models():
        fit = reml(y.to_numpy(float), factors, x)
        assert fit.converged, name
        assert fit.deviance == pytest.approx(criterion, abs=1e-5), name
        total = sum(expected.values())
        assert fit.components.keys() == expected.keys()
        for component, value in expected.items():
            assert fit.components[component] == pytest.approx(value, abs=2e-6 * total), (name, component)
            compared += 1
    assert compared > 70
