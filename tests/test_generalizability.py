"""Generalizability theory against the literature, ICCs, explicit formulas and simulation."""

import itertools
import json
import math
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arms_irr.errors import ArgumentError
from arms_irr.statistics.designs import parse
from arms_irr.statistics.generalizability import g_study
from arms_irr.statistics.icc import icc
from arms_irr.statistics.measurement_error import measurement_error

STUDY = tomllib.loads((Path(__file__).parent / "reference" / "generalizability.toml").read_text())["study"][0]
BRENNAN = np.array(STUDY["ratings"], float).reshape(10, 3, 4)  # person, task, rater
SHARED = Path(__file__).parents[2] / "shared" / "reference"
SF = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def brennan(method="auto", **options):
    return g_study(BRENNAN.transpose(0, 2, 1), "p x (r:t)", method=method, **options)


def simulated(seed, shape=(12, 8, 5), sds=(0.8, 0.5, 0.3, 0.4, 0.6, 0.3, 0.7)):
    rng = np.random.default_rng(seed)
    p, r, f = shape
    shapes = [(p, 1, 1), (1, r, 1), (1, 1, f), (p, r, 1), (p, 1, f), (1, r, f), (p, r, f)]
    return sum(rng.normal(0, sd, s) for sd, s in zip(sds, shapes, strict=True))


# --- the literature ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["anova", "reml"])
def test_brennans_table(method):
    study = brennan(method)
    for name, value in STUDY["components"].items():
        assert study.components[name].value == pytest.approx(value, abs=STUDY["tolerance"])
    for n_t, n_r, e_rho2, phi in STUDY["d_studies"]:
        row = study.d_study(n_t=n_t, n_r=n_r)[0]
        assert (row.e_rho2.value, row.phi.value) == pytest.approx((e_rho2, phi), abs=2e-4)
    assert study.mean == pytest.approx(4.75)


def test_long_tables_arrays_and_reused_labels_are_the_same():
    p, t, r = np.indices(BRENNAN.shape)
    order = np.random.default_rng(0).permutation(BRENNAN.size)
    frame = pd.DataFrame({
        "person": [f"P{i}" for i in p.ravel()[order]], "task": t.ravel()[order], "score": BRENNAN.ravel()[order],
        "rater": r.ravel()[order],  # 0 to 3 within each task
    })  # fmt: skip
    other = frame.assign(rater=frame.task * 4 + frame.rater)  # labels of their own
    expected = brennan()
    for table in (frame, other, {name: frame[name].tolist() for name in frame}):
        found = g_study(table, "person x (rater:task)", score="score")
        for a, b in zip(found.components.values(), expected.components.values(), strict=True):
            assert (a.value, a.ci_low, a.ci_high) == pytest.approx((b.value, b.ci_low, b.ci_high), rel=1e-9)
        assert found.measured == "person"


# --- identities ----------------------------------------------------------------------------------------


def test_one_facet_is_the_icc():
    study = g_study(SF)
    for n, forms in ((1, ("ICC(A,1)", "ICC(C,1)")), (4, ("ICC(A,k)", "ICC(C,k)"))):
        row = study.d_study(n_r=n)[0]
        for found, form in zip((row.phi, row.e_rho2), forms, strict=True):
            known = icc(SF, form)
            assert found.value == pytest.approx(known.value, rel=1e-10)
            assert (found.ci_low, found.ci_high) == pytest.approx((known.ci_low, known.ci_high), abs=0.04)
    exact = icc(SF, "ICC(C,1)")
    found = g_study(SF, samples=200_000).d_study(n_r=1)[0].e_rho2  # there the draws are those of F
    assert (found.ci_low, found.ci_high) == pytest.approx((exact.ci_low, exact.ci_high), abs=3e-3)


def test_raters_nested_in_persons_are_the_one_way_icc():
    study = g_study(SF.T, "r:p")
    assert list(study.components) == ["p", "residual"]
    row = study.d_study(n_r=1)[0]
    assert row.phi.value == pytest.approx(icc(SF, "ICC(1)").value, rel=1e-10)
    assert row.e_rho2.value == row.phi.value  # no effect leaves persons in their order


def test_crossed_components_are_those_of_the_textbook():
    y = simulated(1)
    p, r, f = y.shape

    def squares(*axes):
        """Mean square of an effect by inclusion and exclusion of marginal means."""
        total, df = np.zeros(y.shape), math.prod(y.shape[a] - 1 for a in axes)
        for size in range(len(axes) + 1):
            for kept in itertools.combinations(axes, size):
                out = tuple(a for a in range(3) if a not in kept)
                total = total + (-1) ** (len(axes) - size) * y.mean(axis=out, keepdims=True)
        return np.sum(total**2) / df

    ms = {key: squares(*key) for key in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]}
    e = ms[0, 1, 2]
    expected = {
        "p": (ms[0,] - ms[0, 1] - ms[0, 2] + e) / (r * f), "r": (ms[1,] - ms[0, 1] - ms[1, 2] + e) / (p * f),
        "f": (ms[2,] - ms[0, 2] - ms[1, 2] + e) / (p * r), "p:r": (ms[0, 1] - e) / f, "p:f": (ms[0, 2] - e) / r,
        "r:f": (ms[1, 2] - e) / p, "residual": e,
    }  # fmt: skip
    study = g_study(y, "p x r x f")
    v = {name: part.value for name, part in study.components.items()}
    assert v == pytest.approx(expected, rel=1e-9)
    assert study.components["p:r"].parts == pytest.approx({"mean_square": ms[0, 1], "df": (p - 1) * (r - 1)})
    row = study.d_study(n_r=3, n_f=2)[0]
    v = {name: max(value, 0) for name, value in v.items()}
    relative = v["p:r"] / 3 + v["p:f"] / 2 + v["residual"] / 6
    absolute = relative + v["r"] / 3 + v["f"] / 2 + v["r:f"] / 6
    assert (row.relative_error, row.absolute_error) == pytest.approx((relative, absolute))
    assert row.e_rho2.value == pytest.approx(v["p"] / (v["p"] + relative))
    fixed = study.d_study(n_r=3, fixed=["f"])[0]
    universe, error = v["p"] + v["p:f"] / 5, v["p:r"] / 3 + v["residual"] / 15
    assert fixed.phi.value == pytest.approx(universe / (universe + error + v["r"] / 3 + v["r:f"] / 15))


@pytest.mark.parametrize("design", ["p x r x f", "m:(p x r)", "p x (r:t)", "(r:t) x p x f"])
def test_reml_is_anova_where_a_balanced_design_has_positive_components(design):
    plan = parse(design)
    shape = (4, 5, 6, 3)[: len(plan.facets)]
    for seed in range(50):
        rng = np.random.default_rng(seed)
        y = np.zeros(shape)
        for effect in plan.effects:  # every effect has the variance 1
            y = y + rng.normal(
                size=[n if f in effect else 1 for f, n in zip(plan.facets, shape, strict=True)]
            )
        anova = g_study(y, design, method="anova")
        if min(part.value for part in anova.components.values()) > 0.05:
            break
    assert min(part.value for part in anova.components.values()) > 0.05
    reml = g_study(y, design, method="reml")
    for a, b in zip(anova.components.values(), reml.components.values(), strict=True):
        assert b.value == pytest.approx(a.value, rel=1e-5)
        assert b.df == pytest.approx(a.df, rel=1e-3)
        assert (b.ci_low, b.ci_high) == pytest.approx((max(a.ci_low, 0), a.ci_high), rel=1e-4, abs=1e-9)
    assert reml.mean_variance == pytest.approx(anova.mean_variance, rel=1e-5)


def test_offset_and_scale():
    y = simulated(4)
    base, moved = g_study(y, "p x r x f"), g_study(-3 * y + 1e6, "p x r x f")
    for a, b in zip(base.components.values(), moved.components.values(), strict=True):
        assert (b.value, b.ci_low, b.ci_high) == pytest.approx(
            (9 * a.value, 9 * a.ci_low, 9 * a.ci_high), rel=1e-6, abs=1e-8
        )


# --- decision studies ----------------------------------------------------------------------------------


def test_a_table_of_decisions():
    rows = brennan().d_study(n_r=[1, 2, 4], n_t=[3, 6])
    assert [row.sizes for row in rows] == [{"r": r, "t": t} for r in (1, 2, 4) for t in (3, 6)]
    phis = [row.phi.value for row in rows]
    assert phis[0] < phis[2] < phis[4]
    assert all(row.phi.ci_low <= row.phi.value <= row.phi.ci_high for row in rows)
    assert all(row.phi.value <= row.e_rho2.value for row in rows)


@pytest.mark.parametrize("target", [0.3, 0.5, 0.63])
def test_needed_is_the_least_number(target):
    study = brennan()
    n = study.needed("t", target)
    assert study.d_study(n_t=n)[0].phi.value >= target
    assert n == 1 or study.d_study(n_t=n - 1)[0].phi.value < target


def test_needed_raters_of_one_facet_and_out_of_reach():
    study = g_study(SF)
    one = study.d_study(n_r=1)[0]
    assert study.needed("r", 0.8) == math.ceil(4 * one.absolute_error / one.universe)
    assert brennan().needed("r", 0.9) == math.inf  # tasks and their interaction with persons remain
    assert study.needed("r", 0.01) == 1


def test_dependability_at_a_cut_score():
    study = g_study(SF)
    v = {k: part.value for k, part in study.components.items()}
    variance = v["p"] / 6 + v["r"] / 4 + v["residual"] / 24
    assert study.mean_variance == pytest.approx(variance)
    row = study.d_study(n_r=2, cut=8)[0]
    gap = (SF.mean() - 8) ** 2 - variance
    assert row.phi_cut.value == pytest.approx(
        (row.universe + gap) / (row.universe + gap + row.absolute_error)
    )
    at_the_mean = study.d_study(n_r=2, cut=SF.mean())[0]
    assert at_the_mean.phi_cut.value == at_the_mean.phi.value  # the bias correction does not go below 0
    assert math.isnan(study.d_study()[0].phi_cut.value)


# --- what a design cannot tell -------------------------------------------------------------------------


def test_two_cases_carry_error_but_no_reliability():
    y = simulated(2, (2, 20, 12))
    study = g_study(y, "case x rater x factor")
    assert study.components["case"].flags == ("one-df",)
    assert math.isnan(study.components["case"].value)
    assert study.components["rater"].estimable
    assert study.components["case:rater"].estimable
    row = study.d_study(n_rater=1)[0]
    assert math.isnan(row.phi.value)
    assert "one-df" in row.phi.flags
    assert row.relative_error > 0
    assert math.isnan(study.needed("rater", 0.8))
    shown = g_study(y, "case x rater x factor", force=True)
    assert shown.components["case"].estimable
    assert "forced" in shown.d_study()[0].phi.flags


def test_two_levels_of_an_error_facet_leave_the_relative_coefficient():
    row = g_study(SF[:, :2]).d_study()[0]
    assert row.e_rho2.value == pytest.approx(icc(SF[:, :2], "ICC(C,k)").value)
    assert math.isnan(row.phi.value)


def test_negative_components_are_kept_and_count_as_zero():
    y = np.array([[1, 2, 3], [3, 1, 2.5], [2, 3, 1], [1, 3, 2.2]])
    study = g_study(y)
    assert study.components["p"].value < 0
    assert "negative-component" in study.components["p"].flags
    assert study.d_study()[0].phi.value == 0
    reml = g_study(y, method="reml")
    assert reml.components["p"].value == 0
    assert "boundary" in reml.components["p"].flags


def test_no_variance():
    study = g_study(np.ones((5, 4)))
    assert all(part.value == 0 for part in study.components.values())
    assert study.d_study()[0].phi.flags[-1] == "no-variance"


def test_missing_ratings_are_reml():
    y = simulated(6)
    y[np.random.default_rng(1).random(y.shape) < 0.2] = np.nan
    study = g_study(y, "p x r x f")
    assert study.components["p"].method == "REML"
    assert study.components["p"].n_ratings == np.sum(~np.isnan(y))
    row = study.d_study(n_r=4, n_f=5)[0]
    assert row.phi.ci_low < row.phi.value < row.phi.ci_high
    again, other = g_study(y, "p x r x f"), g_study(y, "p x r x f", seed=2)
    assert again.d_study(n_r=4)[0].phi == study.d_study(n_r=4)[0].phi
    assert other.d_study(n_r=4)[0].phi.ci_low != study.d_study(n_r=4)[0].phi.ci_low


@pytest.mark.parametrize("keep", [1.0, 0.6])
def test_intervals_cover(keep):
    """12 persons by 15 raters, true Phi(1) .5; .95 nominal, 200 studies: two errors are .03."""
    hits = np.zeros(3)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = (
            rng.normal(0, math.sqrt(0.5), (12, 1))
            + rng.normal(0, math.sqrt(0.15), 15)
            + rng.normal(0, math.sqrt(0.35), (12, 15))
        )
        y[rng.random(y.shape) > keep] = np.nan
        study = g_study(y, samples=1000, seed=seed)
        row = study.d_study(n_r=1)[0]
        for i, (found, truth) in enumerate(
            ((row.phi, 0.5), (row.e_rho2, 0.5 / 0.85), (study.components["p"], 0.5))
        ):
            hits[i] += found.ci_low <= truth <= found.ci_high
    assert (hits / 200 > 0.90).all()
    assert (hits / 200 < 0.99).all()


# --- designs and errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "measured"),
    [
        ("p x r", "p r residual", "p"),
        ("p × r x f", "p r f p:r p:f r:f residual", "p"),
        ("p x (r:t)", "p t p:t r:t residual", "p"),
        ("r:p", "p residual", "p"),
        ("(r:s:a)", "a s:a residual", "a"),
        ("r:t x t:a", "a t:a residual", "a"),
        ("m:(s x r)", "s r s:r residual", "s"),
        ("c x (r:a) x f", "c a f c:a c:f r:a a:f c:r:a c:a:f r:a:f residual", "c"),
    ],
)
def test_designs(text, names, measured):
    design = parse(text)
    assert design.names == tuple(names.split())
    assert design.object == measured


@pytest.mark.parametrize("text", ["p", "", "p x", "p x p", "p + r", "r:t x r:a", "p x 3", "p:r x r:p"])
def test_designs_that_are_none(text):
    with pytest.raises(ArgumentError, match="not understood"):
        parse(text)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: g_study(SF, "p x r x f"), "one axis for each of p, r, f"),
        (lambda: g_study({"p": [1, 2], "rating": [1, 2]}), "no column 'r'"),
        (lambda: g_study(SF, method="ml"), "unknown method 'ml'"),
        (lambda: g_study(SF, measured="q"), "'q' is not a facet"),
        (lambda: g_study(SF[:, :1]), "'r' of design 'p x r' has a single level"),
        (lambda: g_study([["a", "b"], ["c", "d"]]), "not numbers"),
        (lambda: g_study([[1, math.inf], [1, 2]]), "infinite"),
        (lambda: g_study({"p": [1, 1, 2, 2], "r": [1, 1, 1, 2], "rating": [1, 2, 3, 4]}), "repeated ratings"),
        (lambda: g_study([[1, 2, math.nan], [1, 2, 4]], method="anova"), "balanced"),
        (lambda: g_study(SF).d_study(n_raters=3), "'n_raters': no such facet"),
        (lambda: g_study(SF).d_study(n_r=0), "at least 1"),
        (lambda: g_study(SF).d_study(n_r=3, fixed=["r"]), "fixed at 4"),
        (lambda: g_study(SF).needed("r", 80), "between 0 and 1"),
    ],
)
def test_errors_say_what_to_do(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()


# --- measurement error ---------------------------------------------------------------------------------


def test_standard_error_of_measurement():
    parts = icc(SF).parts
    agreement, consistency = measurement_error(SF), measurement_error(SF, "consistency")
    assert agreement.value == pytest.approx(math.sqrt(parts["rater"] + parts["residual"]))
    assert consistency.value == pytest.approx(math.sqrt(parts["mse"]))
    assert consistency.df == 15
    assert consistency.ci_low == pytest.approx(math.sqrt(15 * parts["mse"] / 27.488393), rel=1e-6)
    assert agreement.parts["mdc"] == pytest.approx(1.959964 * math.sqrt(2) * agreement.value, rel=1e-6)
    assert agreement.ci_low < agreement.value < agreement.ci_high
    two = measurement_error(SF[:2])
    assert two.estimable
    assert two.ci_high > two.value


def test_measurement_error_of_incomplete_ratings():
    rng = np.random.default_rng(0)
    table = rng.normal(0, 1, (10, 1)) + rng.normal(0, 0.6, 30) + rng.normal(0, 0.8, (10, 30))
    full = measurement_error(table)
    table[rng.random(table.shape) < 0.3] = np.nan
    found = measurement_error(table)
    assert found.value == pytest.approx(full.value, rel=0.1)
    assert (found.ci_low, found.ci_high) == pytest.approx((full.ci_low, full.ci_high), rel=0.15)
    assert "unbalanced" in found.flags
    assert (
        measurement_error([[1, 2], [1, None]]).flags == ("no-overlap",)
        or not measurement_error([[1, 2], [1, None]]).estimable
    )
    assert measurement_error([[1, 2, 3]]).flags == ("one-subject",)
    with pytest.raises(ArgumentError, match="Did you mean 'agreement'"):
        measurement_error(SF, "agrement")


def test_the_measurement_error_covers():
    hits = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        y = rng.normal(0, 0.5, 20) + rng.normal(0, 1, (2, 20))
        found = measurement_error(y)
        hits += found.ci_low <= math.sqrt(1.25) <= found.ci_high
    assert 0.92 <= hits / 300 <= 0.98


# --- lme4 and gtheory, where their values lie at hand ----------------------------------------------------


def test_conformance():
    if not SHARED.exists():
        pytest.skip("no shared reference values here")
    lines = (SHARED / "random" / "expected.jsonl").read_text().splitlines()
    rows = {
        r["coefficient"]: r["value"] for r in map(json.loads, lines) if r["coefficient"].startswith("d_study")
    }
    data = pd.read_csv(SHARED / "random" / "sim_crossed_1.csv")
    study = g_study(data, "case x rater x factor", score="y", method="reml")
    row = study.d_study()[0]
    assert row.e_rho2.value == pytest.approx(rows["d_study_generalizability"], abs=1e-4)
    assert row.phi.value == pytest.approx(rows["d_study_dependability"], abs=1e-4)
    assert row.absolute_error == pytest.approx(rows["d_study_var.error.abs"], abs=1e-4)
    lines = (SHARED / "models" / "expected.jsonl").read_text().splitlines()
    data = pd.read_csv(SHARED / "models" / "data" / "c1_r48c12_blocks6.csv")
    compared = 0
    for kind in ("risk", "protective"):
        study = g_study(data[data.kind == kind], "case x rater x factor", samples=200)
        for row in map(
            json.loads, (line for line in lines if f'"lmer_crf_{kind}"' in line and "_factors_" in line)
        ):
            name, _, how = row["quantity"].split("_")
            fixed = ("factor",) if how == "fixed" else ()
            found = study.d_study(n_rater=int(row["level"].removeprefix("n_r=")), fixed=fixed)[0]
            mine = found.phi if name == "Phi" else found.e_rho2
            assert mine.value == pytest.approx(row["value"], abs=2e-5)
            compared += 1
    assert compared == 24
