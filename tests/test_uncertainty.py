"""Targets, finite populations and tests: explicit loops, analysis of variance, enumeration, and the degenerate cases."""

from __future__ import annotations

import itertools
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import stdtrit

from arms_irr.errors import ArgumentError
from arms_irr.statistics import jackknife
from arms_irr.statistics.agreement import COEFFICIENTS, KRIPPENDORFF_ORDINAL, View
from arms_irr.statistics.arrays import agreement
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights

SCORES = np.array([1.0, 2.0, 3.0])
W = agreement_weights("quadratic", SCORES)
ANY = [name for name, row in COEFFICIENTS.items() if not row.two]


def drawn(rng, cases=6, factors=3, raters=7):
    """Codes with effects of cases, factors, raters and raters' readings of cases."""
    y = rng.normal(size=(cases, 1, 1)) * 0.6 + rng.normal(size=(cases, factors, 1)) * 0.7
    y = y + rng.normal(size=raters) * 0.3 + rng.normal(size=(cases, 1, raters)) * 0.3 + rng.normal(size=(cases, factors, raters)) * 0.8
    return (1 + (y > 0.6).astype(int) - (y < -0.6)).reshape(cases * factors, raters)


def study(seed, cases=6, factors=3, raters=7, missing=0.0):
    rng = np.random.default_rng(seed)
    x = drawn(rng, cases, factors, raters).astype(float)
    x[rng.random(x.shape) < missing] = np.nan
    return x, np.repeat(np.arange(cases), factors)


def ask(x, name="gwet", **more):
    return agreement(x, name, "quadratic", [0, 1, 2], **more)


# --- other cases ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ANY)
def test_over_cases_is_the_jackknife_of_whole_cases(name):
    x, case = study(1, missing=0.1)
    found = ask(x, name, target="cases", cases=case)
    left_out = np.array([ask(x[case != c], name).value for c in range(6)])
    z = np.arctanh(left_out)
    assert found.se == pytest.approx(np.sqrt(5 / 6 * np.sum((left_out - left_out.mean()) ** 2)), abs=1e-12)
    half = stdtrit(5, 0.975) * np.sqrt(5 / 6 * np.sum((z - z.mean()) ** 2))
    limits = np.tanh(np.arctanh(found.value) + np.array([-half, half]))
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(limits), abs=1e-10)
    assert found.df == 5
    assert found.target == "cases"


@pytest.mark.parametrize("name", ["gwet", "fleiss", "conger", "krippendorff"])
def test_linearised_cases_are_near_the_jackknife(name):
    """The contributions, summed by case, are the first-order part of leaving the case out."""
    x, case = study(2, cases=40)
    tally = Tally.from_codes(x.astype(int), SCORES, case)
    terms = jackknife.by_case(tally, jackknife.contributions(COEFFICIENTS[name], tally, W))
    left_out = jackknife.without_each_case(COEFFICIENTS[name], tally, W)
    assert terms.sum() == pytest.approx(0, abs=1e-12)
    assert np.corrcoef(terms, left_out)[0, 1] < -0.9
    assert 40 / 39 * np.sum(terms**2) == pytest.approx(jackknife.variance(left_out), rel=0.15)


def test_labels_of_cases_may_be_text_and_must_fit():
    x, case = study(1)
    assert ask(x, target="cases", cases=[f"case {c}" for c in case]) == ask(x, target="cases", cases=case)
    with pytest.raises(ArgumentError, match="cases"):
        ask(x, target="cases", cases=case[:-1])
    with pytest.raises(ArgumentError, match="cases="):
        ask(x, target="cases")


# --- other cases and other raters -------------------------------------------------------------------------


def share_of(category):
    """Not a coefficient but a plain mean, whose variance components an analysis of variance knows exactly."""

    def evaluate(view: View, w):
        margins = view.margins()
        return margins[..., category], np.zeros(margins.shape[:-1])

    def influence(tally, w):
        shares = tally.counts / tally.raters_per_unit[:, None]
        return shares[:, category] - (tally.weight @ shares / tally.weight.sum())[category]

    return replace(COEFFICIENTS["percent"], evaluate=evaluate, influence=influence)


@pytest.mark.parametrize("formula", [True, False])
@pytest.mark.parametrize("factors", [1, 3])
def test_the_parts_of_a_mean_are_the_mean_squares(factors, formula):
    x = drawn(np.random.default_rng(3), 8, factors, 6)
    row = share_of(1) if formula else replace(share_of(1), influence=None)
    tally = Tally.from_codes(x, SCORES, np.repeat(np.arange(8), factors) if factors > 1 else None)
    table = (x == 1).reshape(8, factors, 6).mean(axis=1)  # case x rater
    grand, of_case, of_rater = table.mean(), table.mean(axis=1), table.mean(axis=0)
    rest = table - of_case[:, None] - of_rater + grand
    ms_case, ms_rater = 6 * of_case.var(ddof=1), 8 * of_rater.var(ddof=1)
    ms_rest = np.sum(rest**2) / (7 * 5)
    found = estimate(row, tally, W, target="both")
    assert found.parts["variance_cases"] == pytest.approx(ms_case / 48, abs=1e-12)
    assert found.parts["variance_raters"] == pytest.approx(ms_rater / 48, abs=1e-12)
    # Jackknifed subjects, summed by case, are scaled for the number of subjects and not of cases.
    scale = 1.0 if formula or factors == 1 else (23 / 24) ** 2
    assert found.parts["variance_interaction"] == pytest.approx(ms_rest / 48 * scale, rel=0.09 if scale < 1 else 1e-10)
    if scale < 1:
        return
    expected = max(ms_case - ms_rest, 0) + max(ms_rater - ms_rest, 0) + ms_rest
    assert found.se**2 == pytest.approx(expected / 48, abs=1e-12)
    assert found.df == 5


def test_the_finite_population_formula_by_enumeration():
    """Every sample of 3 of 5 rows and 3 of 6 columns: the mean of the estimated variance is the variance of the mean."""
    rng = np.random.default_rng(4)
    world = rng.normal(size=(5, 1)) * 4 + rng.normal(size=6) * 4 + rng.normal(size=(5, 6)) * 0.3
    means, estimated = [], []
    for rows in itertools.combinations(range(5), 3):
        for columns in itertools.combinations(range(6), 3):
            table = world[np.ix_(rows, columns)]
            means.append(table.mean())
            r, c = table.mean(axis=1), table.mean(axis=0)
            rest = np.sum((table - r[:, None] - c + table.mean()) ** 2) / 4 / 9
            assert min(r.var(ddof=1) / 3, c.var(ddof=1) / 3) > rest  # nothing is cut at 0
            estimated.append(jackknife.two_way_variance(r.var(ddof=1) / 3, c.var(ddof=1) / 3, rest, (3 / 5, 3 / 6)))
    assert np.mean(estimated) == pytest.approx(np.var(means), rel=1e-10)


def test_both_is_calibrated_where_either_part_alone_is_not():
    """400 studies with new cases and new raters: mean estimated variance over the variance of the estimates."""
    rng = np.random.default_rng(5)
    row, values, both, parts = COEFFICIENTS["percent"], [], [], []
    for _ in range(400):
        found = estimate(row, Tally.from_codes(drawn(rng, 8, 2, 8), SCORES, np.repeat(np.arange(8), 2)), W, target="both")
        values.append(found.value)
        both.append(found.se**2)
        parts.append([found.parts["variance_cases"], found.parts["variance_raters"]])
    truth = np.var(values)
    assert 0.85 < np.mean(both) / truth < 1.2
    assert (np.mean(parts, axis=0) / truth < 0.92).all()


@pytest.mark.parametrize("name", [*ANY, "ordinal"])
def test_both_is_never_narrower_than_either(name):
    x, case = study(6, cases=7, missing=0.1)
    row = KRIPPENDORFF_ORDINAL if name == "ordinal" else COEFFICIENTS[name]
    tally = Tally.from_codes(np.where(np.isnan(x), -1, x).astype(int), SCORES, case)
    found = estimate(row, tally, W, target="both")
    assert found.se**2 >= max(found.parts["variance_cases"], found.parts["variance_raters"]) - 1e-15
    assert found.df == 6
    assert found.ci_low < found.value < found.ci_high


def test_alike_subjects_counted_once_give_the_same():
    x = np.repeat(drawn(np.random.default_rng(7), 9, 1, 5), 3, axis=0)
    distinct, weight = np.unique(x, axis=0, return_counts=True)
    merged = Tally.from_codes(distinct, SCORES, weight=weight.astype(float))
    for name, target in itertools.product(ANY, ("subjects", "raters", "both")):
        one, other = (estimate(COEFFICIENTS[name], t, W, target=target) for t in (Tally.from_codes(x, SCORES), merged))
        assert (other.se, other.ci_low, other.df) == pytest.approx((one.se, one.ci_low, one.df), abs=1e-12), (name, target)


@pytest.mark.parametrize(("cases", "raters", "target", "flag"), [
    (4, 7, "both", "few-cases"), (4, 7, "cases", "few-cases"), (6, 2, "both", "two-raters"), (2, 20, "both", "few-cases")])
def test_too_few_cases_or_raters_give_a_value_and_the_reason(cases, raters, target, flag):
    x, case = study(8, cases, 6, raters)
    found = ask(x, target=target, cases=case)
    assert found.estimable
    assert np.isnan([found.se, found.ci_low, found.df]).all()
    assert flag in found.flags
    assert np.isnan(ask(x, target=target, cases=case, interval="percentile").ci_low)


def test_both_without_cases_takes_subjects():
    found = ask(study(9, 12, 1, 6)[0], target="both")
    assert found.df == 5
    assert "subjects" in found.method


# --- finite populations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["subjects", "raters", "cases"])
def test_a_sampled_share_shrinks_the_standard_error(target):
    x, case = study(10)
    case = case if target == "cases" else None
    whole, half, every = (ask(x, target=target, cases=case, fpc=f) for f in (0, 0.5, 1))
    assert half.se == pytest.approx(whole.se * np.sqrt(0.5))
    assert half.ci_low > whole.ci_low
    assert every.se == 0
    assert "zero-se" in every.flags


def test_all_raters_there_are_leave_the_variance_over_cases():
    x, case = study(10)
    found = ask(x, target="both", cases=case, fpc=(0.0, 1.0))
    assert found.se**2 == pytest.approx(found.parts["variance_cases"])
    found = ask(x, target="both", cases=case, fpc=(1.0, 0.0))
    assert found.se**2 == pytest.approx(found.parts["variance_raters"])


@pytest.mark.parametrize(("target", "fpc"), [("subjects", 1.2), ("raters", -0.1), ("both", 0.3), ("raters", (0.1, 0.2)),
                                             ("both", (0.1, 2)), ("subjects", "half")])
def test_an_impossible_share_is_refused(target, fpc):
    with pytest.raises(ArgumentError, match="fpc"):
        ask(study(10)[0], target=target, fpc=fpc)


# --- tests of a value -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["subjects", "raters", "cases", "both"])
@pytest.mark.parametrize("name", ["gwet", "fleiss"])
def test_the_limits_of_the_interval_are_the_values_with_p_of_5_percent(target, name):
    x, case = study(11)
    case = case if target in ("cases", "both") else None
    found = ask(x, name, target=target, cases=case)
    for limit in (found.ci_low, found.ci_high):
        assert ask(x, name, target=target, cases=case, null=limit).parts["p"] == pytest.approx(0.05, abs=1e-9)
    tested = ask(x, name, target=target, cases=case, null=0.0)
    assert tested.parts["null"] == 0
    assert (tested.parts["p"] < 0.05) == (not found.ci_low <= 0 <= found.ci_high)
    assert (tested.se, tested.ci_low) == (found.se, found.ci_low)
    assert "p" not in found.parts


def test_the_p_value_that_irrcac_prints():
    """cac.raw4raters, AC1: p = 2.0872e-04 with 11 df; the data are Krippendorff's 12 x 4, printed in the literature."""
    rows = ["123321412...", "1233224125..", ".33323422513", "12332441251."]
    table = np.array([[np.nan if c == "." else float(c) for c in r] for r in rows]).T
    found = agreement(table, "gwet", null=0, categories=[1, 2, 3, 4, 5])
    assert found.value == pytest.approx(0.77544, abs=5e-6)
    assert found.parts["p"] == pytest.approx(2.08721e-4, rel=2e-5)


def test_a_null_of_minus_1_has_a_p_of_0_over_raters():
    assert ask(study(11)[0], target="raters", null=-1).parts["p"] == 0


@pytest.mark.parametrize("null", [1, 1.5, -1.01, np.nan, "0.6", True])
def test_an_impossible_null_is_refused(null):
    with pytest.raises(ArgumentError, match="null"):
        ask(study(11)[0], null=null)


def test_no_standard_error_no_p():
    x = np.repeat(np.arange(12)[:, None] % 3, 4, axis=1)
    for target in ("subjects", "raters", "both"):
        found = ask(x, target=target, null=0.5)
        assert found.value == 1
        assert "p" not in found.parts
        assert "zero-se" in found.flags


# --- the coverage table -----------------------------------------------------------------------------------


def test_the_coverage_benchmark_runs():
    path = Path(__file__).parents[1] / "benchmarks" / "coverage.py"
    names = runpy.run_path(str(path))
    true = names["truth"](2, True, 3)
    table = names["run"](10, 2, True, 4, 1, true)
    assert true["exact, kind x band", "lower, risk"] == pytest.approx(0.83, abs=0.02)  # methods of the model
    assert {"exact, one factor of one case", "AC2, quadratic", "ICC(A,1)"} <= set(table)
    assert all(0.5 <= row["coverage"] <= 1 for row in table.values())
    both = names["new_cases"](6, 5, 3, 1, names["truth_of_new_cases"](1))
    results = [{"raters": 10, "cases": 2, "missing": True, "coverage": table}]
    page = names["markdown"](results, [{"raters": 5, "cases": 6, "coverage": both}], 4, 1, 0.0)
    assert "| AC2, quadratic |" in page
