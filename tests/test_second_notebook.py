"""What the text of the second notebook says about the examples is so."""

from __future__ import annotations

from pathlib import Path

import pytest

import arms_irr as irr
from arms_irr.analysis.interpretation import benchmarks, fragile, reach

TEXT = (Path(__file__).parents[1] / "notebooks" / "02_coefficients_and_icc.py").read_text("utf-8")


@pytest.fixture(scope="module")
def between():
    return irr.example("pilot").agreement(["case"], coefficient=["gwet", "brennan_prediger", "fleiss", "conger"], weights="quadratic")


def test_the_two_numbers_of_the_opening(between):
    assert "a kappa of .35 and an AC2 of .76" in TEXT
    assert between.get("fleiss", case="case_a").value == pytest.approx(0.35, abs=0.005)
    assert between.get("gwet", case="case_a").value == pytest.approx(0.76, abs=0.005)


@pytest.mark.parametrize("case", ["case_a", "case_b"])
def test_one_observed_and_the_order_of_what_is_expected(between, case):
    found = {name: between.get(name, case=case) for name in ("gwet", "brennan_prediger", "fleiss", "conger")}
    assert len({round(one.observed, 12) for one in found.values()}) == 1
    assert found["gwet"].expected < found["brennan_prediger"].expected == pytest.approx(2 / 3)
    assert min(found["fleiss"].expected, found["conger"].expected) > 2 / 3


def test_scales_disagree_and_some_words_are_not_earned(between):
    rows = list(benchmarks(between.where("gwet")))
    assert any(row["word"] != row["word_of_value"] for row in rows)
    assert len({row["word"] for row in rows if row["case"] == "case_a"}) > 2


def test_ninety_per_cent_accuracy_is_far_from_a_kappa_of_nine_tenths():
    for row in reach(irr.example("pilot"), ["case"], accuracy=[0.9], replicates=300):
        assert row.estimate.ci_high < 0.8


def test_the_method_that_the_text_explains():
    found = fragile(irr.example("pilot"), ["case"])
    assert "greedy; at least 4" in {row.estimate.method for row in found}


def test_two_vignettes_carry_no_kappa_and_twelve_do():
    pilot, second = irr.example("pilot"), irr.example("second_exercise")
    for study, shown in ((pilot, False), (second, True)):
        assert study.agreement(["factor"], coefficient="fleiss").get("fleiss", factor="opportunity").estimable is shown
        icc = study.icc(["factor"]).get("ICC(A,1)", factor="opportunity")
        assert icc.estimable is shown
    assert icc.target == "both"
    assert icc.ci_high - icc.ci_low > 0.3
