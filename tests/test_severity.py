"""The severity of officers as a question to a study: rows, notes, options, and studies that cannot be answered."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_study import TABLES, TINY
from test_evaluation import ODD, odd

import arms_irr as irr
from arms_irr.analysis.severity import severity
from arms_irr.analysis.titles import TITLES
from arms_irr.errors import ArgumentError
from arms_irr.statistics.rasch_fit import fit_severity

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(DATA / "pilot")


@pytest.fixture(scope="module")
def asked(pilot):
    return severity(pilot, interaction=True, replicates=100)


def codes_of(study):
    frame = study.frame()
    frame = frame[frame["kind"].isin(["risk", "protective"])]
    frame["code"] = frame["rating"].map({"Low": 0, "Medium": 1, "High": 2}).fillna(-1).astype(int)
    wide = frame.pivot_table(index="rater", columns=["case", "factor"], values="code", aggfunc="first", fill_value=-1, sort=False)
    gold = frame.drop_duplicates(["case", "factor"]).set_index(["case", "factor"])["gold"]
    return wide, gold.map({"Low": 0, "Medium": 1, "High": 2}).fillna(-1).astype(int).reindex(wide.columns)


def test_rows_hold_the_numbers_of_the_fit(pilot, asked):
    wide, gold = codes_of(pilot)
    fit = fit_severity(wide.to_numpy(), anchor=gold.to_numpy())
    for j, rater in enumerate(wide.index):
        found = asked.get("severity", facet="officer", name=rater)
        assert (found.value, found.se, found.ci_low) == pytest.approx((fit.severity[j], fit.se[j], fit.low[j]), abs=1e-5)
        assert ("not-separated" in found.flags) == (abs(fit.gap[j]) < 1.959964 * fit.gap_se[j])
    for i, (case, factor) in enumerate(wide.columns):
        assert asked.get("location", facet="item", name=f"{case}, {factor}").value == pytest.approx(fit.location[i], abs=1e-5)
    sd = asked.get("severity_sd")
    assert (sd.value, sd.ci_low, sd.parts["p"]) == pytest.approx((fit.sigma, fit.sigma_low, fit.p), rel=1e-4)
    assert asked.get("location", facet="case", name="case_a").value == pytest.approx(np.mean(fit.location[:12]), abs=1e-5)


def test_every_coefficient_has_a_title_and_every_facet_is_there(asked):
    assert {row.coefficient for row in asked} <= set(TITLES)
    assert {row["facet"] for row in asked} == {"officer", "item", "factor", "case", "threshold", "cohort", "officer x kind"}
    assert asked.by == ("facet", "name")
    assert asked.synthetic
    assert asked.seed == 1


def test_fair_averages_order_officers_as_severities_do(pilot, asked):
    severities = [asked.get("severity", facet="officer", name=r).value for r in pilot.raters]
    fair = [asked.get("fair_average", facet="officer", name=r) for r in pilot.raters]
    assert np.argsort(severities).tolist() == np.argsort([f.value for f in fair]).tolist()
    assert all(1 < f.ci_low < f.value < f.ci_high < 3 for f in fair)


def test_observed_agreement_is_the_pairwise_agreement_of_the_study(pilot, asked):
    wide, _ = codes_of(pilot)
    codes = wide.to_numpy()
    pairs = [(a == b)[(a >= 0) & (b >= 0)] for j, a in enumerate(codes) for b in codes[:j]]
    found = asked.get("exact_agreement", facet="cohort")
    assert found.value == pytest.approx(np.concatenate(pairs).mean())
    assert found.expected == asked.get("expected_agreement", facet="cohort").value


def test_limits_of_fit_come_from_the_seed(pilot):
    first, again, other = (severity(pilot, replicates=40, seed=seed).where("infit").to_json() for seed in (1, 1, 2))
    assert first == again
    limits = [severity(pilot, replicates=40, seed=seed).get("infit", facet="officer", name="officer_01").parts for seed in (1, 2)]
    assert limits[0] != limits[1]
    assert [row["estimate"] for row in first] == [row["estimate"] for row in other]


def test_notes_say_when_officers_cannot_be_told_apart(pilot):
    rng = np.random.default_rng(5)
    frame = pilot.frame()
    noise = frame[frame["kind"] != "overall"].assign(rating=lambda f: rng.choice(["Low", "Medium", "High"], len(f)))
    study = irr.Study.from_frames(noise[["rater", "case", "factor", "rating"]])
    assert any("cannot separate officers" in note for note in severity(study, replicates=20).notes)


def test_anchor_mean_moves_the_origin_only(pilot, asked):
    free = severity(pilot, anchor="mean", replicates=20)
    assert free.get("severity_mean").value == 0
    by_gold = [asked.get("severity", facet="officer", name=r).value for r in pilot.raters]
    by_mean = [free.get("severity", facet="officer", name=r).value for r in pilot.raters]
    assert np.corrcoef(by_gold, by_mean)[0, 1] > 0.999
    assert np.mean(by_gold) == pytest.approx(asked.get("severity_mean").value, abs=0.02)


def test_partial_credit_gives_each_factor_its_thresholds():
    study = irr.read_study(DATA / "second_exercise")
    shared, own = severity(study, replicates=20), severity(study, thresholds="partial-credit", replicates=20, case_facet="random")
    assert len(shared.where("threshold")) == 2
    assert len(own.where("threshold")) == 24
    assert own.get("log_likelihood").value > shared.get("log_likelihood").value
    assert own.get("case_sd").value > 0
    for row in own.where("threshold"):
        assert row.estimate.ci_low < row.estimate.value < row.estimate.ci_high


def test_a_bias_between_kinds_is_found(pilot):
    frame = pilot.frame()
    frame = frame[frame["kind"] != "overall"]
    mine = frame["rater"].eq("officer_03")
    frame.loc[mine, "rating"] = np.where(frame.loc[mine, "kind"] == "protective", "High", "Low")
    gap = severity(irr.Study.from_frames(frame[["rater", "case", "factor", "rating"]]), interaction=True, replicates=20)
    assert gap.get("kind_bias", facet="officer x kind", name="officer_03").ci_low > 0
    assert gap.get("kind_bias_sd").parts["p"] < 0.05


def test_wrong_options_are_told(pilot):
    with pytest.raises(ArgumentError, match="2 cases cannot show: it needs at least 5"):
        severity(pilot, case_facet="random")
    with pytest.raises(ArgumentError, match="rating-scale, partial-credit"):
        severity(pilot, thresholds="rsm")
    with pytest.raises(ArgumentError, match="at least 20"):
        severity(pilot, replicates=5)


REASONS = {"one officer": "one-rater", "one officer, no gold": "one-rater", "two officers": "few-officers",
           "everyone unable": "no-ratings", "perfect": "no-variance", "one category": "no-variance"}


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_give_reasons(name, pilot):
    found = severity(odd(name, pilot), replicates=20, interaction=True)
    sd = found.get("severity_sd")
    if name in REASONS:
        assert math.isnan(sd.value)
        assert sd.flags == (REASONS[name],)
    else:
        assert sd.value >= 0
    assert found.explain()
    assert found.to_csv()


def test_mixed_scales_and_a_missing_officer(pilot):
    frame = pilot.frame()
    frame = frame[frame["kind"] != "overall"]
    frame.loc[frame["rater"] == "officer_05", "rating"] = "Unable to rate"
    found = severity(irr.Study.from_frames(frame[["rater", "case", "factor", "rating"]]), replicates=20)
    assert found.get("severity", facet="officer", name="officer_05").flags == ("no-ratings",)
    head, *rows = TABLES["ratings"]
    tiny = irr.Study.from_frames(pd.DataFrame(rows, columns=head), raters=pd.DataFrame(TABLES["raters"][1:], columns=TABLES["raters"][0]),
                                 instrument=TINY)
    assert severity(tiny).get("severity_sd").flags == ("few-officers",)
