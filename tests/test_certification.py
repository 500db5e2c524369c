"""Certification: the operating characteristics, Wald's test, the three outcomes, and the data sets."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import arms_irr as irr
from arms_irr.analysis.certification import certify, characteristics, counts, rating_correlations
from arms_irr.analysis.sequential import sequential_test
from arms_irr.planning.certification import DECISIONS, Rule, load_rule
from arms_irr.statistics.certification import (
    Wald,
    beta_nodes,
    consistency,
    count_distribution,
    limits,
    lower_bound,
    nested_correlations,
    pass_probability,
    sequential_course,
    upper_bound,
)


@pytest.fixture(scope="module")
def exercise():
    return irr.example("certification")


def small(right: dict[str, list[bool]], cases: int, **settings):
    """Officers whose ratings of ``cases`` x 12 cells are right or one step off; golds Low, Medium, High in turn."""
    instrument = irr.load_instrument("arms-12")
    factors = [f.id for f in instrument.factors if f.kind in ("risk", "protective")]
    names = ("Low", "Medium", "High")
    gold = {(c, f): (c + k) % 3 for c in range(cases) for k, f in enumerate(factors)}
    rows = [(officer, f"c{c}", f, names[gold[c, f] if hit[12 * c + k] else max(gold[c, f] - 1, 0) or (1 if gold[c, f] == 0 else 0)])
            for officer, hit in right.items() for c in range(len(hit) // 12) for k, f in enumerate(factors)]
    return irr.Study.from_frames(
        pd.DataFrame(rows, columns=["rater", "case", "factor", "rating"]),
        gold=pd.DataFrame([(f"c{c}", f, names[g]) for (c, f), g in gold.items()] + [(f"c{c}", "overall", "Low") for c in range(cases)],
                          columns=["case", "factor", "rating"]),
        cases=pd.DataFrame({"case": [f"c{c}" for c in range(cases)], "risk_band": "lower"}), synthetic=True, **settings)


def hits(n: int, wrong: int) -> list[bool]:
    """``wrong`` errors spread evenly over ``n`` ratings."""
    missed = set(np.linspace(0, n - 1, wrong).round().astype(int).tolist()) if wrong else set()
    return [k not in missed for k in range(n)]


# --- the arithmetic of a rule -----------------------------------------------------------------------------

# Probability of passing at true shares .9, .8, .7, .6, to three decimals.
TABLE = {(12, 9): (0.974, 0.795, 0.493, 0.225), (24, 19): (0.972, 0.656, 0.229, 0.040), (24, 20): (0.915, 0.460, 0.111, 0.013),
         (48, 39): (0.981, 0.500, 0.057, 0.001), (110, 88): (1.000, 0.557, 0.012, 0.000)}


@pytest.mark.parametrize(("n", "mark"), TABLE)
def test_operating_characteristics(n, mark):
    found = [pass_probability([n], mark, p) for p in (0.9, 0.8, 0.7, 0.6)]
    assert found == pytest.approx(TABLE[n, mark], abs=5.001e-4)
    assert found == pytest.approx([stats.binom.sf(mark - 1, n, p) for p in (0.9, 0.8, 0.7, 0.6)], rel=1e-10)


def test_bounds_are_those_of_clopper_and_pearson():
    assert lower_bound([21, 20], 24, 0.05) == pytest.approx([0.708, 0.658], abs=5e-4)
    for x in range(25):
        interval = stats.binomtest(x, 24).proportion_ci(0.90, "exact")
        assert lower_bound(x, 24, 0.05) == pytest.approx(interval.low, abs=1e-12)
        assert upper_bound(x, 24, 0.05) == pytest.approx(interval.high, abs=1e-12)
    assert upper_bound(0, 0, 0.05) == 1
    assert lower_bound(0, 0, 0.05) == 0


def test_21_of_24_are_needed_to_claim_more_than_70_per_cent():
    assert limits(24, 0.71, 0.70, 0.05, 0.10)[0] == 21
    for n in (0, 1, 3, 12, 60):
        passes, refers = limits(n, 0.8, 0.65, 0.05, 0.10)
        assert refers < passes
        x = np.arange(n + 1)
        assert (stats.binom.sf(x[x >= passes] - 1, n, 0.65) < 0.05).all()
        assert stats.binom.cdf(refers, n, 0.8) < 0.10


def test_cases_make_the_beta_binomial():
    one = count_distribution([24], 0.7, 0.1)
    assert one == pytest.approx(stats.betabinom.pmf(np.arange(25), 24, 0.7 * 9, 0.3 * 9), rel=1e-9)
    two = count_distribution([12, 12], 0.7, 0.1)
    assert two.sum() == pytest.approx(1, abs=1e-12)
    x = np.arange(25)
    mean, variance = two @ x, two @ x**2 - (two @ x) ** 2
    assert (mean, variance) == pytest.approx((24 * 0.7, 24 * 0.21 * (1 + 11 * 0.1)))  # the design effect 1 + (m - 1) rho
    assert count_distribution([1] * 24, 0.7, 0.9) == pytest.approx(count_distribution([24], 0.7), abs=1e-12)
    assert count_distribution([3], 1.0, 0.2).tolist() == [0, 0, 0, 1]


# --- one rating after another -----------------------------------------------------------------------------


def test_walds_lines():
    test = Wald(0.65, 0.85, 0.05, 0.10)
    assert (test.slope, test.accept, test.reject) == pytest.approx((0.7595, 2.59, 2.02), abs=0.005)


@pytest.mark.parametrize(("p", "items"), [(0.65, 18.7), (0.75, 30.6), (0.85, 25.4)])
def test_expected_length_of_the_sequential_test(p, items):
    """Against a published simulation of 72 items; its Monte Carlo error at .75 is about 0.2."""
    assert sequential_course(Wald(0.65, 0.85), p, 72).expected == pytest.approx(items, abs=0.25)


def test_realised_errors_of_the_sequential_test():
    bad, good = (sequential_course(Wald(0.65, 0.85), p, 72) for p in (0.65, 0.85))
    assert (bad.passes, good.refers, good.undecided) == pytest.approx((0.0449, 0.0749, 0.0193), abs=5e-5)
    assert bad.passes + bad.refers + bad.undecided == pytest.approx(1, abs=1e-12)
    endless = sequential_course(Wald(0.65, 0.85), 0.65, 1000)
    assert endless.undecided < 1e-12
    assert endless.passes < 0.05


def brute(test: Wald, p: float, most: int, least: int, per_case: int, rho: float, runs: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    ends, lengths = np.zeros(3), []
    for _ in range(runs):
        x = m = 0
        share = p
        while m < most:
            if m % per_case == 0 and rho:
                share = rng.beta(p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho)
            x, m = x + (rng.random() < share), m + 1
            if m >= least and (x >= test.accept + test.slope * m or x <= test.slope * m - test.reject):
                break
        ends[0 if x >= test.accept + test.slope * m else 1 if x <= test.slope * m - test.reject else 2] += 1
        lengths.append(m)
    return ends / runs, np.array(lengths)


def test_the_sequential_test_with_correlated_ratings_is_as_simulated():
    test = Wald(0.65, 0.85)
    found = sequential_course(test, 0.7, 60, least=24, per_case=12, rho=0.1)
    ends, lengths = brute(test, 0.7, 60, 24, 12, 0.1)
    assert np.array([found.passes, found.refers, found.undecided]) == pytest.approx(ends, abs=4 * 0.5 / math.sqrt(4000))
    assert found.expected == pytest.approx(lengths.mean(), abs=4 * lengths.std() / math.sqrt(4000))


@pytest.mark.parametrize("wrong", [{"p0": 0.9, "p1": 0.8}, {"alpha": 0.6, "beta": 0.5}, {"p1": 1.2}])
def test_a_test_that_cannot_be_is_refused(wrong):
    with pytest.raises(irr.ArgumentError):
        Wald(**{"p0": 0.65, "p1": 0.85, **wrong})


# --- officers who differ ----------------------------------------------------------------------------------


def test_correlations_are_recovered():
    """Officers' shares from one beta distribution, their cases from another around each."""
    rng = np.random.default_rng(3)
    officers, cases, factors = 400, 8, 12
    own = rng.beta(12, 4, officers)
    rho = 0.08
    share = rng.beta(own[:, None] * (1 - rho) / rho, (1 - own[:, None]) * (1 - rho) / rho, (officers, cases))
    hit = (rng.random((officers, cases, factors)) < share[..., None]).astype(float)
    officer, case, factor = (a.ravel() for a in np.meshgrid(range(officers), range(cases), range(factors), indexing="ij"))
    found = nested_correlations(hit.ravel(), officer, case, case * factors + factor)
    assert found[0] == pytest.approx(rho, abs=0.015)
    assert found[1] == pytest.approx(0.75 * 0.25 / 17, abs=0.003)
    assert found[2] == pytest.approx(0.75, abs=0.02)
    assert math.isnan(nested_correlations(np.array([1.0, 0.0]), np.array([0, 1]), np.array([0, 0]), np.array([0, 0]))[0])


def test_consistency_of_equal_officers_and_of_certain_ones():
    nodes = beta_nodes(0.8, 0.01, 199)
    assert (nodes.mean(), nodes.var()) == pytest.approx((0.8, 0.01), rel=0.03)
    assert (beta_nodes(0.8, -1.0) == 0.8).all()
    assert consistency(np.array([[1, 0, 0], [0, 0, 1.0]])) == (1.0, 0.5)
    same, chance = consistency(np.full((9, 3), 1 / 3))
    assert same == pytest.approx(chance)


def test_decision_consistency_against_two_simulated_sets():
    """A parallel set drawn for the same officers, decided by counting."""
    rule, rng = load_rule(), np.random.default_rng(5)
    nodes = beta_nodes(0.78, 0.004)
    table = np.array([rule.outcomes([12] * 8, p, 0.05) for p in nodes])
    passes, refers = rule.limits(96)
    sets = []
    p = np.repeat(nodes, 400)
    for _ in range(2):
        share = rng.beta(p[:, None] * 19, (1 - p[:, None]) * 19, (len(p), 8))
        x = rng.binomial(12, share).sum(axis=1)
        sets.append(np.where(x >= passes, 0, np.where(x <= refers, 2, 1)))
    assert consistency(table)[0] == pytest.approx((sets[0] == sets[1]).mean(), abs=0.012)


# --- rules are data ---------------------------------------------------------------------------------------


def test_rules_come_from_tables_and_files(tmp_path):
    shipped = load_rule()
    assert shipped == Rule()
    assert load_rule({"p1": 0.9}) == replace(shipped, p1=0.9)
    (tmp_path / "rule.toml").write_text("[certification]\nminimum_cases = 3\n", "utf-8")
    assert load_rule(tmp_path / "rule.toml").minimum_cases == 3
    (tmp_path / "empty.toml").write_text("[study]\n", "utf-8")
    for wrong in ({"passmark": 0.8}, {"p1": "high"}, {"minimum_cases": 2.5}, {"exact_share": 0.5}, {"missed_high": 2}, {"minimum_cases": 0},
                  {"p0": True}, tmp_path / "empty.toml", tmp_path / "nothing.toml"):
        with pytest.raises(irr.ArgumentError):
            load_rule(wrong)


def test_a_study_may_bring_its_own_rule(tmp_path):
    from arms_irr.planning.simulate import simulate_example, write

    folder = write(simulate_example("pilot"), tmp_path / "pilot")
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write('\n[certification]\ntitle = "Two will do"\nminimum_cases = 2\nminimum_gold = 1\n')
    found = certify(irr.read_study(folder))
    assert "Two will do" in found.question
    assert {row["decision"] for row in found.where("exact")} > {"more cases needed"}
    assert len({row["decision"] for row in certify(irr.read_study(folder), {}).where("exact")}) == 1


# --- the three outcomes -----------------------------------------------------------------------------------


def test_two_vignettes_certify_nobody():
    for name in ("pilot", "reversers"):
        found = certify(irr.example(name))
        assert {row["decision"] for row in found.where("exact")} == {"more cases needed"}
        assert found.notes[0].startswith("Nobody can be certified from these ratings: no officer rated more than 2 cases")
        assert found.get("decision_consistency").flags == ("below-minimum",)
    best = certify(small({"a": [True] * 24}, 2))
    assert best.where("exact").rows[0]["decision"] == "more cases needed"


def test_the_three_outcomes_and_their_reasons():
    study = small({"fine": hits(96, 4), "unsure": hits(96, 22), "poor": hits(96, 48), "short": hits(48, 0)}, 8)
    found = certify(study, {"missed_high": 1.0})
    by = {row["rater"]: row for row in found.where("exact")}
    assert [by[name]["decision"] for name in ("fine", "unsure", "poor", "short")] == [*DECISIONS, "more cases needed"]
    assert by["short"]["reason"] == "rated 4 cases, the rule asks for 6"
    assert by["poor"]["reason"] == "48 of 96 as the gold standard; agreement can be told to lie below 80 %"
    assert by["fine"].estimate.value == pytest.approx(92 / 96)
    assert by["fine"].estimate.ci_low == pytest.approx(float(lower_bound(92, 96, 0.05)))
    assert by["fine"].estimate.ci_high == pytest.approx(float(upper_bound(92, 96, 0.10)))
    assert [row["rater"] for row in found.where("exact")] == list(study.raters)  # their own order, no ranking
    assert [row.estimate.value for row in found.where("officers")] == [1, 2, 1]
    assert sum(row.estimate.value for row in found.where("officers")) == len(study.raters)


def test_missed_high_priorities_hold_back_and_refer():
    top = [(c + k) % 3 == 2 for c in range(8) for k in range(12)]
    few = [not (is_top and k % 4 == 0) for k, is_top in enumerate(top)]
    most = [not is_top for is_top in top]
    n_missed = sum(not hit for hit in few)
    study = small({"few": few, "most": most, "none": [True] * 96}, 8)
    found = {row["rater"]: row for row in certify(study, {"exact_share": 0.66, "p0": 0.5}).where("exact")}
    assert found["none"]["decision"] == "pass"
    assert found["most"]["decision"] == "refer for coaching"
    assert found["few"]["decision"] == "more cases needed"
    assert f"{n_missed} of 32 highest priorities missed" in found["few"]["reason"]
    linear = certify(study, {"missed_high": 1.0, "linear_share": 1.0}).where("exact")
    assert {row["rater"]: row["decision"] for row in linear}["few"] == "more cases needed"


def test_every_category_must_have_been_met():
    study = small({"a": [True] * 96}, 8)
    low = certify(study, {"minimum_gold": 33}).where("exact").rows[0]
    assert low["decision"] == "more cases needed"
    assert low["reason"].startswith("32 gold standards Low, the rule asks for 33")


def test_the_shipped_exercise(exercise):
    found = certify(exercise)
    cells = Counter(row.estimate.parts["cases"] for row in found.where("exact"))
    assert cells == {2.0: 30, 10.0: 30}
    assert len(exercise.raters) == 60
    assert {row["decision"] for row in found.where("exact")} == set(DECISIONS)
    assert all(row["decision"] == "more cases needed" for row in found.where("exact") if row.estimate.parts["cases"] == 2)
    same = found.get("decision_consistency")
    assert same.expected < same.value < 1
    assert same.parts["rho"] == pytest.approx(rating_correlations(counts(exercise))[0])


def test_the_sequential_view_is_the_definition(exercise):
    rule = load_rule()
    found = {row["rater"]: row for row in sequential_test(exercise)}
    assert {row["decision"] for row in found.values()} == set(DECISIONS)
    frame = counts(exercise)
    for name in ("officer_01", "officer_03", "officer_05", "officer_37"):
        j = exercise.raters.index(name)
        mine = frame.officer == j
        hit, case = frame.hit[mine], frame.case[mine]
        end, decision = 0, 1
        for m in range(1, len(hit) + 1):
            completed = len(set(case[:m])) - (m < len(hit) and case[m] == case[m - 1])
            path = hit[:m].sum() - rule.test.slope * m
            if completed >= rule.minimum_cases and not -rule.test.reject < path < rule.test.accept:
                end, decision = m, 0 if path > 0 else 2
                break
        assert found[name].estimate.parts["ended_after"] == end
        assert found[name]["decision"] == DECISIONS[decision]
        m = end or len(hit)
        assert found[name].estimate.value == pytest.approx(hit[:m].sum() - rule.test.slope * m)


def test_characteristics_are_the_binomials(exercise):
    found = characteristics(None, {"minimum_cases": 1}, cases=(2,), per_case=12, rho=0.1)
    passes = limits(24, 0.8, 0.65, 0.05, 0.10)[0]
    assert found.get("pass_probability", test="fixed set", correlation="0", true_share="0.8").value == pytest.approx(
        stats.binom.sf(passes - 1, 24, 0.8))
    ends = [found.get(f"{name}_probability", test="fixed set", correlation="0.1", true_share="0.65").value for name in ("pass", "more", "refer")]
    assert sum(ends) == pytest.approx(1)
    assert ends[0] > found.get("pass_probability", test="fixed set", correlation="0", true_share="0.65").value  # the binomial is optimistic
    own = characteristics(exercise)
    assert {row["correlation"] for row in own} == {"0", "0.0665"}
    assert own.get("more_probability", test="fixed set", cases="2", correlation="0", true_share="0.9").value == 1
    assert not characteristics().synthetic


def test_odd_studies(exercise):
    with pytest.raises(irr.ArgumentError):
        certify(exercise, occasion="2")
    pilot = irr.example("pilot")
    with pytest.raises(irr.ArgumentError):
        certify(replace(pilot, gold=None))
    unable = replace(pilot, ratings=replace(pilot.ratings, code=np.full(len(pilot.ratings), -1, dtype=np.int8)))
    found = certify(unable)
    assert all(not row.estimate.estimable for row in found.where("exact"))
    assert {row["reason"] for row in found.where("exact")} == {"gave no priority that has a gold standard"}
    assert all(not row.estimate.estimable for row in sequential_test(unable))
    assert len(characteristics(unable))
    one = small({"a": hits(12, 2)}, 1)
    assert certify(one).get("decision_consistency").flags == ("below-minimum",)


def test_five_thousand_officers_take_seconds():
    import time

    pilot = irr.example("certification")
    ratings, copies = pilot.ratings, 100
    n = len(pilot.raters)
    shift = np.repeat(np.arange(copies), len(ratings))
    many = {name: np.tile(getattr(ratings, name), copies) for name in ("rater", "case", "factor", "code", "occasion", "urgency")}
    many["rater"] = many["rater"] + shift * n
    order = np.argsort(many["rater"], kind="stable")
    large = replace(pilot, raters=tuple(f"{name}-{k}" for k in range(copies) for name in pilot.raters), rater_attributes={},
                    ratings=type(ratings)(**{name: values[order] for name, values in many.items()}))
    start = time.perf_counter()
    found = certify(large)
    assert time.perf_counter() - start < 5
    first = [row["decision"] for row in certify(pilot).where("exact")]
    assert [row["decision"] for row in found.where("exact")][:n] == first
