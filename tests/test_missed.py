"""Missed High priorities and the cost of errors: counts by hand, exact bounds, straight lines, coverage."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import arms_irr as irr
from arms_irr.analysis.missed import cost_curve, cost_order, missed_high, upper_bound
from arms_irr.analysis.titles import TITLES
from arms_irr.errors import ArgumentError
from arms_irr.statistics.proportions import clustered

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


@pytest.fixture(scope="module")
def frame(pilot):
    data = pilot.frame()
    steps = {"Low": 0, "Medium": 1, "High": 2, "Very High": 3}
    return data.assign(code=data["rating"].map(steps), answer=data["rating"].notna(), want=data["gold"].map(steps))


def recoded(study, change):
    return replace(study, ratings=replace(study.ratings, code=np.asarray(change(study.ratings.code.copy()), dtype=np.int8)))


# --- rates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [["kind", "risk_band"], ["factor", "case"], ["factor"], ["case"], ["rater"]])
def test_rates_by_hand(pilot, frame, by):
    data = frame if {"factor", "kind"} & set(by) else frame[frame["factor"] != "overall"]
    result = missed_high(pilot, by)
    for key, part in data.groupby(by, sort=False):
        if by == ["factor"] or "kind" in by:
            part = part[part["want"].notna()]
        top = 3 if (part["factor"] == "overall").all() else 2
        given, high, low = part[part["code"].notna()], part["want"] == top, part["want"] == 0
        answers, sure = part[part["answer"] & high], given[given["want"] == top]
        rest, ups, downs = given[given["want"] != top], given[given["code"] == top], given[given["code"] == 0]
        g = dict(zip(by, key, strict=True))
        expected = {
            "missed_high": (sure["code"] < top).mean(), "missed_two_steps": (sure["code"] <= top - 2).mean(),
            "unable_gold_high": answers["code"].isna().mean(), "caught_high": (answers["code"] == top).mean(),
            "false_high": (rest["code"] == top).mean(), "sensitivity_high": (sure["code"] == top).mean(),
            "specificity_high": (rest["code"] != top).mean(), "sensitivity_low": (given[given["want"] == 0]["code"] == 0).mean(),
            "specificity_low": (given[given["want"] != 0]["code"] != 0).mean(),
            "ppv_high": (ups["want"] == top).mean() if 0 < high.sum() < len(part) else math.nan,
            "ppv_low": (downs["want"] == 0).mean() if 0 < low.sum() < len(part) else math.nan,
        }
        for name, value in expected.items():
            found = result.get(name, **g)
            assert found.value == pytest.approx(value, nan_ok=True), (name, g)
            assert found.estimable or found.flags, (name, g)
    assert {row.coefficient for row in result} <= set(TITLES)
    assert result.synthetic


def test_a_high_is_caught_missed_or_unrated(pilot):
    result = missed_high(pilot, ["kind", "risk_band"])
    for kind in ("risk", "protective"):
        g = {"kind": kind, "risk_band": "higher"}
        caught, unable, missed = (result.get(n, **g) for n in ("caught_high", "unable_gold_high", "missed_high"))
        assert caught.value + unable.value + missed.value * (1 - unable.value) == pytest.approx(1)
        assert result.get("sensitivity_high", **g).value == pytest.approx(1 - missed.value)
        assert result.get("specificity_high", **g).value == pytest.approx(1 - result.get("false_high", **g).value)


# --- the bound --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(0, 20), (1, 20), (7, 20), (20, 20), (0, 1)])
def test_one_rating_an_officer_gives_the_exact_bound(k, n):
    found = upper_bound([1] * k + [0] * (n - k), [1] * n)
    assert found.ci_low == 0
    if k < n:  # at the bound, k misses or fewer have a probability of 5 per cent
        assert stats.binom.cdf(k, n, found.ci_high) == pytest.approx(0.05, rel=1e-9)
    else:
        assert found.ci_high == 1
    assert found.n_raters == n


def test_no_miss_is_the_rule_of_three():
    assert upper_bound([0] * 100, [1] * 100).ci_high == pytest.approx(1 - 0.05**0.01, rel=1e-12)
    assert upper_bound([0] * 100, [1] * 100, 0.4).ci_high == pytest.approx(1 - 0.6**0.01, rel=1e-12)


def test_several_ratings_an_officer_give_a_clustered_bound():
    rng = np.random.default_rng(1)
    y, m = rng.binomial(6, 0.3, 20), np.full(20, 6)
    # the one-sided 95 % bound is the upper end of the two-sided 90 % interval
    assert upper_bound(y, m).ci_high == pytest.approx(clustered(y, m, 0.90).ci_high, rel=1e-12)
    none = upper_bound(np.zeros(20), m)
    assert none.flags == ("interval-fallback",)
    assert upper_bound(np.zeros(120), np.ones(120)).ci_high < none.ci_high < 1 - 0.05 ** (1 / 20)


def test_more_misses_never_lower_the_bound_while_it_is_the_fall_back():
    m, y, before = np.full(20, 6), np.zeros(20), -1.0
    for officer in (0, 5, 9, 14):
        high = upper_bound(y, m).ci_high
        assert high > before
        y[officer], before = 1, high


def test_a_single_officer():
    assert math.isnan(upper_bound([2], [8]).ci_high)
    own = upper_bound([2], [8], independent=True)
    assert stats.binom.cdf(2, 8, own.ci_high) == pytest.approx(0.05)
    assert own.target == "subjects"
    assert not upper_bound([], []).estimable


def test_the_bound_holds_as_often_as_it_says():
    rng = np.random.default_rng(2)
    for p, rho in ((0.05, 0.0), (0.1, 0.1), (0.3, 0.1)):
        held = []
        for _ in range(400):
            own = rng.beta(p * (1 / rho - 1), (1 - p) * (1 / rho - 1), 20) if rho else np.full(20, p)
            held.append(upper_bound(rng.binomial(6, own), np.full(20, 6)).ci_high >= p)
        assert np.mean(held) > 0.915, (p, rho)


# --- cost -------------------------------------------------------------------------------------------------


def test_cost_by_hand(pilot, frame):
    result = cost_curve(pilot, ["factor"], ratios=(1, 4))
    for factor, part in frame[frame["code"].notna() & frame["want"].notna()].groupby("factor"):
        error = (part["code"] - part["want"]).to_numpy()
        for ratio in (1, 4):
            cost = np.where(error < 0, -error * ratio, error) * 2 / (1 + ratio)
            found = result.get("expected_cost", factor=factor, ratio=str(ratio))
            assert found.value == pytest.approx(cost.mean())
            assert found.value == pytest.approx(2 * (ratio * found.parts["under_steps"] + found.parts["over_steps"]) / (1 + ratio))
            want = part["want"].to_numpy()
            q = 4 if factor == "overall" else 3
            constant = min(np.mean(np.where(k < want, (want - k) * ratio, k - want) * 2 / (1 + ratio)) for k in range(q))
            assert found.parts["best_constant"] == pytest.approx(constant)
        assert result.get("expected_cost", factor=factor, ratio="1").value == pytest.approx(np.abs(error).mean())


def test_turning_the_scale_round_turns_the_ratio_round(pilot):
    ends = np.array([len(pilot.instrument.scale_of(f.id).categories) - 1 for f in pilot.instrument.factors])
    turned = replace(pilot, gold=np.where(pilot.gold >= 0, ends - pilot.gold, pilot.gold).astype(np.int8))
    turned = recoded(turned, lambda x: np.where(x >= 0, ends[pilot.ratings.factor] - x, x))
    for a, b in zip(cost_curve(pilot, ratios=(4,)), cost_curve(turned, ratios=(0.25,)), strict=True):
        assert a.estimate.value == pytest.approx(b.estimate.value)
        assert a.estimate.se == pytest.approx(b.estimate.se)


def test_perfect_ratings_cost_nothing_and_miss_nothing(pilot):
    perfect = recoded(pilot, lambda x: pilot.gold[pilot.ratings.case, pilot.ratings.factor])
    assert all(row.estimate.value == 0 for row in cost_curve(perfect))
    found = missed_high(perfect, ["kind", "risk_band"]).get("missed_high", kind="risk", risk_band="higher")
    assert found.value == 0
    assert found.ci_high > 0
    assert all("same cost" in note for note in cost_order(perfect).notes)


def test_the_order_and_where_it_turns(pilot):
    ratios = (1, 2, 10)
    order, curve = cost_order(pilot, ratios=ratios), cost_curve(pilot, ratios=ratios)
    cost = {(f"{r['kind']}, {r['risk_band']}", r["ratio"]): r.estimate.value for r in curve}
    fine = cost_curve(pilot, ratios=np.linspace(1, 10, 200))
    lines = {}
    for r in fine:
        lines.setdefault(f"{r['kind']}, {r['risk_band']}", []).append(r.estimate.value)
    turned = 0
    for row in order:
        e = row.estimate
        assert e.value == pytest.approx(cost[row["first"], row["ratio"]] - cost[row["second"], row["ratio"]])
        signs = np.sign(np.subtract(lines[row["first"]], lines[row["second"]]))
        assert bool(e.parts["holds"]) == (len(set(signs)) == 1)
        if not e.parts["holds"]:
            turned += 1
            at = {r["ratio"]: r.estimate.value for r in cost_curve(pilot, ratios=(e.parts["turns_at"],)) if
                  f"{r['kind']}, {r['risk_band']}" == row["first"]}
            other = {r["ratio"]: r.estimate.value for r in cost_curve(pilot, ratios=(e.parts["turns_at"],)) if
                     f"{r['kind']}, {r['risk_band']}" == row["second"]}
            assert list(at.values()) == pytest.approx(list(other.values()))
        assert "overall" not in (row["first"].split(",")[0], row["second"].split(",")[0]) or row["first"][:7] == row["second"][:7]
    assert turned or all("depends" not in note for note in order.notes)


def test_a_difference_within_officers_is_a_paired_t(pilot):
    """Complete ratings: the clustered interval is the paired t interval of the officers' own differences."""
    rng = np.random.default_rng(5)
    full = recoded(pilot, lambda x: np.where(pilot.ratings.factor < 12, rng.integers(0, 3, len(x)), x))
    result = cost_order(full, ["case"], ratios=(3,))
    data = full.frame()
    steps = {"Low": 0, "Medium": 1, "High": 2}
    data = data[data["factor"] != "overall"]
    error = data["rating"].map(steps) - data["gold"].map(steps)
    cost = data.assign(cost=np.where(error < 0, -3 * error, error) / 2).pivot_table(index="rater", columns="case", values="cost")
    low, high = stats.t.interval(0.95, 19, *(f(cost["case_a"] - cost["case_b"]) for f in (np.mean, stats.sem)))
    found = result.rows[0].estimate
    assert (found.ci_low, found.ci_high) == pytest.approx((low, high))


def test_wrong_arguments(pilot):
    for ratios in ((), (0, 1), (-1,), (math.nan,), (math.inf,)):
        with pytest.raises(ArgumentError, match="ratios"):
            cost_curve(pilot, ratios=ratios)
    with pytest.raises(ArgumentError, match="rank"):
        cost_order(pilot, ["rater"])
    for ask in (missed_high, cost_curve, cost_order):
        with pytest.raises(ArgumentError, match="gold"):
            ask(replace(pilot, gold=None))
        with pytest.raises(ArgumentError, match="cannot group"):
            ask(pilot, ["colour"])


# --- odd studies ------------------------------------------------------------------------------------------


def test_everyone_unable_is_not_a_catch(pilot):
    result = missed_high(recoded(pilot, lambda x: np.full(len(x), -2)), ["kind", "risk_band"])
    g = {"kind": "risk", "risk_band": "higher"}
    assert result.get("missed_high", **g).flags == ("no-ratings",)
    assert result.get("unable_gold_high", **g).value == 1
    assert result.get("caught_high", **g).value == 0
    blank = missed_high(recoded(pilot, lambda x: np.full(len(x), -1)), ["kind", "risk_band"])
    assert all(not row.estimate.estimable for row in blank)
    assert all(not row.estimate.estimable for row in cost_curve(recoded(pilot, lambda x: np.full(len(x), -2))))


def test_no_gold_high_and_only_gold_high(pilot):
    low = missed_high(replace(pilot, gold=np.zeros_like(pilot.gold)), ["kind"])
    assert low.get("missed_high", kind="risk").flags == ("no-gold-high",)
    assert low.get("ppv_high", kind="risk").flags == ("no-gold-high",)
    assert low.get("specificity_low", kind="risk").flags == ("impossible-under",)
    high = missed_high(replace(pilot, gold=np.full_like(pilot.gold, 2)), ["kind"])
    assert high.get("false_high", kind="risk").flags == ("impossible-over",)
    assert high.get("sensitivity_low", kind="risk").flags == ("no-gold-low",)
    unknown = missed_high(replace(pilot, gold=np.full_like(pilot.gold, -1)), ["kind"])
    assert unknown.get("missed_high", kind="risk").flags == ("no-gold",)


def test_a_scale_of_two_and_mixed_scales(pilot):
    cell = {"rater": list("aabb"), "case": ["p", "q"] * 2, "factor": ["male_victim"] * 4, "rating": ["Yes", "No", "No", "No"]}
    other = {"rater": list("aabb"), "case": ["p", "q"] * 2, "factor": ["age"] * 4, "rating": ["35+", "25-34", "18-24", "25-34"]}
    both = pd.concat([pd.DataFrame(cell), pd.DataFrame(other)])
    gold = pd.DataFrame({"case": ["p", "q"] * 2, "factor": ["male_victim"] * 2 + ["age"] * 2, "rating": ["Yes", "No", "35+", "18-24"]})
    tool = irr.load_instrument("rm2000-s")
    used = tuple(f for f in tool.factors if f.id in ("male_victim", "age"))
    study = irr.Study.from_frames(both, gold, instrument=replace(tool, factors=used, rules={}))
    by_factor = missed_high(study, ["factor"])
    assert by_factor.get("missed_high", factor="male_victim").value == 0.5
    assert by_factor.where("missed_two_steps", factor="male_victim").rows == ()
    assert by_factor.get("missed_two_steps", factor="age").value == 0
    assert missed_high(study, ["kind"]).get("missed_high", kind="static").flags == ("mixed-scales",)
    assert cost_curve(study, ["kind"]).rows[0].estimate.flags == ("mixed-scales",)


def test_a_single_officer_gets_no_statement_about_others(pilot):
    r = pilot.ratings
    one = r.rater == 0
    single = replace(pilot, ratings=replace(r, **{n: getattr(r, n)[one] for n in ("rater", "case", "factor", "code", "occasion", "urgency")}))
    found = missed_high(single, ["kind", "risk_band"]).get("missed_high", kind="risk", risk_band="higher")
    assert found.flags == ("one-rater",)
    assert math.isnan(found.ci_high)
    assert cost_order(single).rows[0].estimate.flags == ("one-rater",)
