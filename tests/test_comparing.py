"""Differences of two estimates, of two selections and of two studies."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import arms_irr as irr
from arms_irr.analysis.comparing import STATISTICS, ask, compare, contrasted
from arms_irr.analysis.contrasts import contrast
from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, undefined
from arms_irr.statistics.mover import mover
from arms_irr.statistics.proportions import clustered, wilson
from tests.test_evaluation import ODD, odd

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


@pytest.fixture(scope="module")
def second():
    return irr.read_study(ROOT / "data" / "second_exercise")


# --- the interval -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "m", "b", "n", "low", "high"), [
    (56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (6, 7, 2, 7, 0.0582, 0.8062), (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775), (0, 10, 0, 10, -0.2775, 0.2775), (10, 10, 0, 20, 0.6791, 1.0), (10, 10, 0, 10, 0.6075, 1.0),
])  # fmt: skip
def test_newcombes_method_10(a, m, b, n, low, high):
    """Newcombe (1998), Stat Med 17:873-890, Table II, method 10."""
    found = mover(wilson(b, n), wilson(a, m))
    assert (found.ci_low, found.ci_high) == pytest.approx((low, high), abs=5.1e-5)


def test_symmetric_intervals_give_the_usual_difference():
    """With symmetric limits and correlation r the half-width is sqrt(a^2 + b^2 - 2 r a b)."""
    ends = [Estimate(1.0, se=0.3, ci_low=0.4, ci_high=1.6), Estimate(1.5, se=0.4, ci_low=0.7, ci_high=2.3)]
    for r in (-0.5, 0.0, 0.7):
        found = mover(*ends, r)
        half = math.sqrt(0.36 + 0.64 - 2 * r * 0.48)
        assert (found.ci_low, found.ci_high) == pytest.approx((0.5 - half, 0.5 + half))
        assert found.se == pytest.approx(half / 2)


def test_turned_round_the_interval_is_mirrored():
    a, b = wilson(3, 17), wilson(20, 22)
    one, other = mover(a, b, 0.3), mover(b, a, 0.3)
    assert (one.value, one.ci_low, one.ci_high) == pytest.approx((-other.value, -other.ci_high, -other.ci_low))
    widths = [found.ci_high - found.ci_low for found in (mover(a, a, r) for r in (-1.0, 0.0, 0.5, 1.0))]
    assert widths == sorted(widths, reverse=True)


def test_without_an_end_there_is_none_and_without_its_interval_no_interval():
    a = wilson(3, 17)
    found = mover(undefined("no-gold-high"), a)
    assert not found.estimable
    assert found.flags == ("no-gold-high",)
    bare = mover(replace(a, ci_low=math.nan, ci_high=math.nan), a)
    assert bare.value == 0
    assert math.isnan(bare.ci_low)
    assert "no-interval" in bare.flags
    with pytest.raises(ArgumentError, match="confidence levels"):
        mover(a, wilson(3, 17, 0.9))
    with pytest.raises(ArgumentError, match="not between -1 and 1"):
        mover(a, a, 1.5)


def drawn(rng, raters, items, logit, shared):
    """Agreements of each rater, whose level varies by ``shared`` and an own part."""
    return rng.binomial(items, expit(logit + shared + rng.normal(0, 0.3, raters)))


@pytest.mark.parametrize("paired", [False, True])
def test_coverage_of_the_difference_of_clustered_shares(paired):
    """20 officers, 12 ratings each: the 95 % interval covers the true difference about that often."""
    rng = np.random.default_rng(5)
    raters, items, replications, hits = 20, 12, 1500, 0
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    spread = math.hypot(0.3, 0.5)
    truth = [float(expit(mean + spread * nodes) @ weights / weights.sum()) for mean in (1.2, 0.5)]
    for _ in range(replications):
        level = rng.normal(0, 0.5, (2, raters))
        y = [drawn(rng, raters, items, mean, level[0 if paired else k]) for k, mean in enumerate((1.2, 0.5))]
        ends = [clustered(one, np.full(raters, items)) for one in y]
        r = np.corrcoef(*y)[0, 1] if paired else 0.0
        found = mover(*ends, r)
        hits += found.ci_low <= truth[1] - truth[0] <= found.ci_high
    assert hits / replications == pytest.approx(0.95, abs=0.02)


# --- two selections ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("statistic", ["exact", "mean_signed_error", "unable_to_rate"])
def test_paired_by_officer_is_the_correlation_of_the_delete_one_values(pilot, statistic):
    """The correlation recomputed by leaving officers out of the data."""
    low, high, found = contrasted((pilot, {"risk_band": "lower"}), (pilot, {"risk_band": "higher"}), statistic)
    frame = pilot.frame()
    left_out = []
    for officer in pilot.raters:
        rest = frame[(frame["rater"] != officer) & (frame["kind"] != "overall")].copy()
        code = {"Low": 0, "Medium": 1, "High": 2}
        rest["x"] = rest["rating"].map(code) - rest["gold"].map(code)
        if statistic == "unable_to_rate":
            rest["x"] = (rest["rating"] == "Unable to rate").astype(float)
        elif statistic == "exact":
            rest["x"] = (rest["x"] == 0).where(rest["x"].notna())
        left_out.append(rest.groupby("risk_band")["x"].mean())
    table = pd.DataFrame(left_out).astype(float)
    assert found.parts["correlation"] == pytest.approx(table["lower"].corr(table["higher"]), abs=1e-10)
    assert found.value == pytest.approx(high.value - low.value)
    assert found.n_raters == 20


@pytest.mark.parametrize(("statistic", "coefficient"), [("exact", None), ("exact", "gwet"), ("exact", "percent"), ("exact", "krippendorff")])
def test_near_the_t_interval_of_the_contrast(pilot, statistic, coefficient):
    *_, found = contrasted((pilot, {"risk_band": "higher"}), (pilot, {"risk_band": "lower"}), coefficient or statistic)
    usual = contrast(pilot, "risk_band", levels=("lower", "higher"), statistic=statistic, coefficient=coefficient).rows[2].estimate
    assert found.value == pytest.approx(usual.value, abs=1e-12)
    assert found.ci_low == pytest.approx(usual.ci_low, abs=0.05)
    assert found.ci_high == pytest.approx(usual.ci_high, abs=0.05)


def test_groups_of_officers_share_nobody(pilot):
    *_, found = contrasted((pilot, {"agency": "police"}), (pilot, {"agency": "probation"}), "exact")
    assert found.parts["correlation"] == 0
    assert found.n_raters == 20


def test_overlapping_groups_of_officers_are_correlated_in_part(pilot):
    """Everybody against the police: the overlap alone makes the correlation positive."""
    *_, found = contrasted((pilot, {}), (pilot, {"agency": "police"}), "exact")
    assert 0.3 < found.parts["correlation"] < 1
    assert found.n_raters == 20


def test_an_icc_of_the_same_officers_has_no_interval_of_its_difference(pilot):
    low, high, found = contrasted((pilot, {"risk_band": "lower"}), (pilot, {"risk_band": "higher"}), "ICC(A,1)")
    assert found.value == pytest.approx(high.value - low.value)
    assert math.isnan(found.ci_low)
    assert "no-interval" in found.flags


@pytest.mark.parametrize("statistic", STATISTICS)
def test_every_statistic_can_be_asked_for(pilot, statistic):
    two = statistic in ("cohen", "scott")
    found = ask(odd("two officers", pilot), statistic, ["case"]) if two else ask(pilot, statistic, ["factor", "case"])
    assert all(row.coefficient == statistic for row in found)
    assert len(found) in ((2,) if two else (24, 26))


def test_unknown_statistics_are_named(pilot):
    with pytest.raises(ArgumentError, match="Did you mean 'krippendorff'"):
        ask(pilot, "krippendorf")


# --- two studies ------------------------------------------------------------------------------------------


def test_the_sides_are_the_numbers_of_each_study(pilot, second):
    found = compare(pilot, second)
    assert found.synthetic
    for side, study in (("first", pilot), ("second", second)):
        for name in ("exact", "under", "missed_high", "unable_to_rate"):
            asked = study.against_gold(["kind", "risk_band"]).get(name, kind="protective", risk_band="higher")
            assert found.get(name, kind="protective", risk_band="higher", side=side, statistic=name) == asked or name == "unable_to_rate"
            assert found.get(name, kind="protective", risk_band="higher", side=side).value == asked.value
        asked = study.agreement(["risk_band"], coefficient="gwet").get("gwet", risk_band="lower")
        assert found.get("gwet", kind="", risk_band="lower", side=side) == asked
    difference = found.get("difference_of_coefficients", statistic="gwet", risk_band="lower", side="difference")
    ends = [found.get("gwet", risk_band="lower", side=side) for side in ("first", "second")]
    assert difference.value == ends[1].value - ends[0].value
    assert difference == replace(mover(*ends), method=difference.method)


def test_turned_round_the_differences_change_sign(pilot, second):
    one, other = compare(pilot, second), compare(second, pilot)
    assert len(one) == len(other)
    for row in one.where(side="difference"):
        mirrored = other.get(row.coefficient, **row.group)
        if row.estimate.estimable:
            assert row.estimate.value == pytest.approx(-mirrored.value, abs=1e-12)
            assert row.estimate.ci_low == pytest.approx(-mirrored.ci_high, abs=1e-12)


def test_a_study_beside_itself(pilot):
    apart, paired = compare(pilot, pilot), compare(pilot, pilot, paired=True)
    assert any("20 names of officers occur in both" in note for note in apart.notes)
    for row in paired.where(side="difference"):
        if row.estimate.estimable and not math.isnan(row.estimate.ci_low):
            assert row.estimate.value == 0
            wide = apart.get(row.coefficient, **row.group)
            assert wide.ci_high - wide.ci_low >= row.estimate.ci_high - row.estimate.ci_low - 1e-12
    assert paired.get("difference", statistic="exact", kind="risk", risk_band="lower").n_raters == 20


def test_only_what_both_have_is_compared(pilot, second):
    frame = pilot.frame()
    part = frame[~frame["factor"].isin(["opportunity", "overall"])]
    gold = part.drop_duplicates(["case", "factor"])[["case", "factor", "gold"]].rename(columns={"gold": "rating"})
    cases = pd.DataFrame({"case": pilot.cases, "risk_band": ["lower", "very high"]})
    tool = replace(pilot.instrument, factors=tuple(f for f in pilot.instrument.factors if f.id not in ("opportunity", "overall")), rules={})
    less = irr.Study.from_frames(part[["rater", "case", "factor", "rating"]], gold, cases, instrument=tool)
    found = compare(less, second)
    assert {row["risk_band"] for row in found} == {"lower"}
    assert any("only one of the studies rated them: opportunity, overall" in note for note in found.notes)
    assert any("band very high, higher" in note for note in found.notes)
    own = second.against_gold(["kind", "risk_band"]).get("exact", kind="risk", risk_band="lower")
    assert found.get("exact", kind="risk", risk_band="lower", side="second").n_ratings < own.n_ratings


def test_another_scale_is_another_factor(pilot):
    tool = pilot.instrument
    wider = replace(tool.scales["priority"], categories=("None", "Low", "Medium", "High"), scores=(0, 1, 2, 3), short=(), codes=())
    factors = tuple(replace(f, scale="wide") if f.id == "opportunity" else f for f in tool.factors)
    other = replace(pilot, instrument=replace(tool, name="other", factors=factors, scales={**tool.scales, "wide": wider}))
    found = compare(pilot, other)
    assert any("their scale or kind differs: opportunity" in note for note in found.notes)
    assert any("instruments differ" in note for note in found.notes)
    assert found.get("exact", kind="risk", risk_band="lower", side="first").n_subjects == 6


def test_nothing_in_common_is_refused(pilot):
    items = odd("items", pilot)
    with pytest.raises(ArgumentError, match="no rated factor in common"):
        compare(pilot, items)


@pytest.mark.parametrize("name", [name for name in ODD if name != "items"])
@pytest.mark.parametrize("paired", [False, True])
def test_odd_studies_can_be_compared(name, paired, pilot):
    found = compare(pilot, odd(name, pilot), paired=paired)
    for row in found:
        assert row.estimate.estimable or row.estimate.flags
    assert any(row["side"] == "difference" for row in found)
