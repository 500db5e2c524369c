"""The gold standard in doubt: review list, its panel, an uncertain gold, a consensus of the officers."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from test_diagnostics import study_of
from test_evaluation import ODD, odd

import arms_irr as irr
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.gold_review import consensus, gold_panel_agreement, gold_review, uncertain_gold
from arms_irr.errors import ArgumentError
from arms_irr.planning.simulate import example
from arms_irr.statistics.arrays import agreement


@pytest.fixture(scope="module")
def pilot():
    return example("pilot")


@pytest.fixture(scope="module")
def panel(pilot):
    rng = np.random.default_rng(0)

    def member():
        moved = (rng.random(pilot.gold.shape) < .25) & (pilot.gold >= 0)
        return np.where(moved, np.clip(pilot.gold + rng.choice([-1, 1], pilot.gold.shape), 0, 2), pilot.gold).astype(np.int8)

    return replace(pilot, gold_panel={name: member() for name in ("team_1", "team_2", "team_3")})


def test_the_review_list(pilot):
    codes = np.zeros((20, 1, 4), int)
    codes[:12, 0, 0] = 2  # 60 % High against a Low gold: on the list
    codes[:11, 0, 1] = 2  # 55 %: not
    codes[:, 0, 2] = 1  # all, but it is the gold
    codes[:10, 0, 3] = 2  # a tie
    found = gold_review(study_of(pilot, codes, np.array([[0, 0, 1, 0]])))
    marked = [row["factor"] for row in found if "gold-review" in row.estimate.flags]
    assert marked == [pilot.instrument.factors[0].id] * 2
    first = found.where("modal_share").rows
    assert [row["modal"] for row in first] == ["High", "High", "Medium", "Low / High"]
    assert first[0].estimate.value == .6
    assert found.where("gold_minus_median").rows[0].estimate.value == -2
    assert found.where("gold_minus_median").rows[3].estimate.value == -1
    few = gold_review(study_of(pilot, codes[:4], np.array([[0, 0, 1, 0]])))
    assert not any("gold-review" in row.estimate.flags for row in few)


def test_the_panel_agrees_as_its_table_does(panel):
    found = gold_panel_agreement(panel, ["case"])
    for c, case in enumerate(panel.cases):
        table = np.stack(list(panel.gold_panel.values()))[:, c, :12].T
        for name, weights in (("percent", "identity"), ("gwet", "quadratic")):
            expected = agreement(table, name, weights, categories=[0, 1, 2])
            assert found.get(name, weights, case=case).value == pytest.approx(expected.value)
    with pytest.raises(ArgumentError, match="one source"):
        gold_panel_agreement(replace(panel, gold_panel={}))


def test_an_uncertain_gold_is_the_mean_over_its_members(panel):
    by = ["kind"]
    found = uncertain_gold(panel, by, seed=3, replicates=4000)
    shares = {}
    for draw in product(panel.gold_panel.values(), repeat=2):
        gold = np.stack([draw[c][c] for c in range(2)])
        for row in against_gold(replace(panel, gold=gold), by, statistics=["exact"]):
            shares.setdefault(row["kind"], []).append(row.estimate.value)
    for row in found:
        e, every = row.estimate, np.array(shares[row["kind"]])
        assert e.value == pytest.approx(every.mean(), abs=4 * max(every.std(), 1e-9) / np.sqrt(4000) + 1e-9)
        assert e.parts["sd_gold"] == pytest.approx(every.std(), rel=.05, abs=1e-9)
        assert (e.parts["lowest"], e.parts["highest"]) == pytest.approx((every.min(), every.max()))
        assert e.se**2 == pytest.approx(e.parts["se_officers"] ** 2 + (1 + 1 / 4000) * e.parts["sd_gold"] ** 2)
        official = against_gold(panel, by, statistics=["exact"]).get("exact", kind=row["kind"])
        assert e.parts["consensus"] == pytest.approx(official.value)
        assert e.ci_low < e.value < e.ci_high
        assert e.se >= e.parts["se_officers"] - 1e-12
    assert uncertain_gold(panel, by, seed=3).to_csv() == uncertain_gold(panel, by, seed=3).to_csv()


def test_a_panel_of_one_mind_changes_nothing(pilot):
    same = replace(pilot, gold_panel={"a": pilot.gold, "b": pilot.gold})
    for row in uncertain_gold(same, ["kind", "risk_band"], replicates=20):
        official = against_gold(pilot, ["kind", "risk_band"], statistics=["exact"]).get("exact", **row.group)
        assert row.estimate.value == pytest.approx(official.value)
        if official.method == "cluster logit-t":
            assert (row.estimate.ci_low, row.estimate.ci_high) == pytest.approx((official.ci_low, official.ci_high))


def test_the_consensus_finds_a_wrong_gold(pilot):
    wrong = pilot.gold.copy()
    wrong[0, 0] = 2 - wrong[0, 0]
    found = consensus(replace(pilot, gold=wrong))
    assert found.rows[0].estimate.value < .01
    assert found.rows[0]["consensus"] != found.rows[0]["gold"]
    right = consensus(pilot)
    assert right.rows[0].estimate.value > .99
    of_all, with_wrong = (r.get("consensus_agreement", case="").value for r in (right, found))
    assert with_wrong == pytest.approx(of_all - 1 / 24)
    assert all("model-based" in row.estimate.flags for row in right)
    assert sum(right.rows[0].estimate.parts.values()) == pytest.approx(1)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_odd_studies_get_an_answer_or_a_reason(name, pilot, panel):
    study = odd(name, pilot)
    if not study.has_gold:
        for ask in (gold_review, consensus):
            with pytest.raises(ArgumentError, match="no gold standard"):
                ask(study)
        return
    results = [gold_review(study), consensus(study)]
    members = {k: v[: len(study.cases)] for k, v in panel.gold_panel.items()}
    results += [uncertain_gold(replace(study, gold_panel=members)), gold_panel_agreement(replace(study, gold_panel=members))]
    for result in results:
        for row in result:
            assert row.estimate.estimable or row.estimate.flags, (row.coefficient, row.group)


def test_an_officer_who_rated_a_case_twice_has_one_voice():
    study = irr.example("training_pre_post")
    assert len(set(study.ratings.occasion.tolist())) > 1
    assert max(row.estimate.n_raters for row in study.camps()) <= len(study.raters)
