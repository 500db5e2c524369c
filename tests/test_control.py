"""Charts over time and cases rated again."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import arms_irr as irr
from arms_irr.analysis.drift import _noise, control_chart, rerating
from arms_irr.statistics.control import cusum_arl, cusum_limit, cusum_path, p_limits


@pytest.fixture(scope="module")
def training():
    return irr.example("training_pre_post")


# --- limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("centre", "n", "rate"), [(0.8, 100, 0.0027), (0.5, 13, 0.05), (0.97, 40, 0.01), (0.2, 3, 0.0027)])
def test_limits_are_the_widest_needed(centre, n, rate):
    lower, upper, realised = p_limits(centre, n, rate)
    low, high = round(lower * n), round(upper * n)
    below, above = stats.binom.cdf(low - 1, n, centre), stats.binom.sf(high, n, centre)
    assert realised == pytest.approx(below + above)
    assert max(below, above) <= rate / 2
    assert low == n or stats.binom.cdf(low, n, centre) > rate / 2  # one more would be too many
    assert high == 0 or stats.binom.sf(high - 1, n, centre) > rate / 2


def test_limits_at_the_ends():
    assert p_limits(1.0, 10) == (1.0, 1.0, 0.0)
    assert p_limits(0.0, 10) == (0.0, 0.0, 0.0)
    for wrong in ((0.5, 0), (1.1, 5)):
        with pytest.raises(irr.ArgumentError):
            p_limits(*wrong)
    with pytest.raises(irr.ArgumentError):
        p_limits(0.5, 10, 0)


def test_the_path_of_a_cusum():
    assert cusum_path([8, 6, 10, 0], [10, 10, 10, 2], 0.75).tolist() == [0, 1.5, 0, 1.5]


def test_run_lengths_of_a_chain_that_can_be_solved_by_hand():
    """Reference 1/2, limit 1: a second miss in a row ends it. L0 = 1 + p L0 + q L1 and L1 = 1 + p L0 give (1 + q) / q^2."""
    assert cusum_arl(0.6, 0.5, 1.0, grid=2) == pytest.approx(1.4 / 0.16)
    assert cusum_arl(0.0, 0.5, 1.0, grid=2) == pytest.approx(2)
    assert cusum_arl(1.0, 0.5, 1.0, grid=2) == math.inf


@pytest.mark.parametrize(("p", "n"), [(0.85, 1), (0.65, 1), (0.75, 7)])
def test_run_lengths_are_as_simulated(p, n):
    rng, reference, limit = np.random.default_rng(2), 0.76, 3.0
    lengths = np.zeros(3000)
    level, going = np.zeros(3000), np.ones(3000, dtype=bool)
    while going.any():
        lengths += going
        level = np.maximum(0, level + reference * n - rng.binomial(n, p, 3000))
        going &= level < limit - 1e-9
    found = cusum_arl(p, reference, limit, n, grid=100)
    assert found == pytest.approx(lengths.mean(), abs=4 * lengths.std() / math.sqrt(3000))


def test_the_limit_gives_the_run_length_asked_for():
    for arl, n in itertools.product((50, 500), (1, 20)):
        limit, real = cusum_limit(0.85, 0.7595, arl, n)
        assert real >= arl
        assert cusum_arl(0.85, 0.7595, limit, n) == real
        assert cusum_arl(0.85, 0.7595, limit - 0.1, n) < arl or limit < 0.2
    assert cusum_limit(0.85, 0.76, 100, 20_000)[1] > 100
    with pytest.raises(irr.ArgumentError):
        cusum_limit(0.7, 0.76, 100)


# --- the chart of a study ---------------------------------------------------------------------------------


def test_the_chart_of_occasions(training):
    found = control_chart(training)
    assert [row["occasion"] for row in found.where("exact")] == ["1", "2", "3"]
    gold = training.against_gold(["occasion"], statistics=["exact"])
    for row, other in zip(found.where("exact"), gold, strict=True):
        assert row.estimate.value == other.estimate.value
        assert (row.estimate.ci_low, row.estimate.ci_high) == (other.estimate.ci_low, other.estimate.ci_high)
        parts = row.estimate.parts
        assert parts["lower"] < parts["centre"] < parts["upper"]
        assert 0 < parts["false_alarm"] <= 0.0027
    sums, totals = np.array([[row.estimate.value * row.estimate.n_ratings, row.estimate.n_ratings] for row in gold]).T
    assert parts["centre"] == pytest.approx(sums.sum() / totals.sum())
    assert found.plot() is not None
    assert found.plot(coefficient="cusum") is not None
    given = control_chart(training, centre=0.9)
    assert all(row.estimate.parts["outside"] for row in given.where("exact"))
    assert "3 of 3 points lie outside" in given.notes[0]


def test_a_chart_over_dates_and_its_degenerate_cases(training):
    dated = replace(training, case_attributes={**training.case_attributes, "date": ("2026-03-01", "2026-03-01", "2026-02-01", "")})
    found = control_chart(dated, "date")
    assert [row["occasion"] for row in found.where("exact")] == ["2026-02-01", "2026-03-01"]
    assert found.notes[0] == "Ratings without a recorded date are left out."
    for over in ("factor", "nothing"):
        with pytest.raises(irr.ArgumentError):
            control_chart(training, over)
    with pytest.raises(irr.ArgumentError):
        control_chart(replace(training, gold=None))
    unable = replace(training, ratings=replace(training.ratings, code=np.full(len(training.ratings), -1, dtype=np.int8)))
    assert all(not row.estimate.estimable for row in control_chart(unable))
    assert len(control_chart(irr.example("pilot"))) == 2


def test_false_alarms_are_as_rare_as_stated():
    """Officers who do not change, over ten occasions: no more points outside than the rate says, ratings of one officer correlated."""
    rng = np.random.default_rng(4)
    outside = points = 0
    for _ in range(25):
        share = rng.beta(14, 6, 30)
        rows = [(f"r{j}", f"c{k}", t, "High" if rng.random() < share[j] else "Low") for t in range(10) for j in range(30) for k in range(5)]
        frame = pd.DataFrame(rows, columns=["rater", "case", "occasion", "rating"]).assign(factor="opportunity")
        frame["occasion"] += 1
        gold = pd.DataFrame([(f"c{k}", f.id, "High") for k in range(5) for f in irr.load_instrument("arms-12").factors], columns=["case", "factor", "rating"])
        study = irr.Study.from_frames(frame, gold=gold, synthetic=True)
        chart = control_chart(study, false_alarm=0.02).where("exact")
        outside, points = outside + sum(row.estimate.parts["outside"] for row in chart), points + len(chart)
    assert outside / points <= 0.02 + 3 * math.sqrt(0.02 / points)


# --- cases rated again ------------------------------------------------------------------------------------


def pairs_of(study, by=None):
    """First and second score of every officer, case and factor, the plain way."""
    found = {}
    r = study.ratings
    for k in range(len(r)):
        if r.code[k] >= 0 and study.instrument.factors[r.factor[k]].kind in ("risk", "protective"):
            found.setdefault((int(r.rater[k]), int(r.case[k]), int(r.factor[k])), {})[int(r.occasion[k])] = int(r.code[k])
    return {key: [turns[t] for t in sorted(turns)][:2] for key, turns in found.items() if len(turns) > 1}


def test_agreement_with_oneself_by_brute_force(training):
    found = rerating(training)
    pairs = pairs_of(training)
    first, second = np.array(list(pairs.values())).T
    assert found.get("intra_rater_percent").value == pytest.approx((first == second).mean())
    assert found.get("retest_shift").value == pytest.approx((second - first).mean())
    table = np.zeros((3, 3))
    np.add.at(table, (first, second), 1)
    v = np.subtract.outer(range(3), range(3)) ** 2
    kappa = 1 - (v * table).sum() / (v * np.outer(table.sum(1), table.sum(0)) / table.sum()).sum()
    assert found.get("intra_rater_kappa").value == pytest.approx(kappa)
    who = np.array([key[0] for key in pairs])
    out = []
    for j in np.unique(who):
        less = np.zeros((3, 3))
        np.add.at(less, (first[who != j], second[who != j]), 1)
        out.append(np.arctanh(1 - (v * less).sum() / (v * np.outer(less.sum(1), less.sum(0)) / less.sum()).sum()))
    n = len(out)
    half = stats.t.ppf(0.975, n - 1) * math.sqrt((n - 1) / n * ((out - np.mean(out)) ** 2).sum())
    one = found.get("intra_rater_kappa")
    assert (one.ci_low, one.ci_high) == pytest.approx((math.tanh(math.atanh(kappa) - half), math.tanh(math.atanh(kappa) + half)), abs=1e-9)
    assert one.n_raters == n == 20
    kinds = rerating(training, ["kind"])
    assert sum(row.estimate.n_ratings for row in kinds.where("intra_rater_percent") if row["kind"] != "overall") == len(pairs)


def test_the_parts_of_noise_are_recovered():
    rng = np.random.default_rng(8)
    officers, cells = 600, 24
    level, pattern, occasion = 0.3, 0.5, 0.4
    x = rng.normal(0, 1, cells)[None, :, None] + rng.normal(0, level, (officers, 1, 1)) + rng.normal(0, pattern, (officers, cells, 1))
    x = x + rng.normal(0, occasion, (officers, cells, 2)) + np.array([0, 0.2])
    own, item = (a.ravel() for a in np.meshgrid(range(officers), range(cells), indexing="ij"))
    found = _noise(x.reshape(-1, 2), own, item, 0.95)
    for name, sd in (("level_noise", level), ("pattern_noise", pattern), ("occasion_noise", occasion)):
        one = found[name]
        assert one.value == pytest.approx(sd**2, abs=4 * one.se)
        assert one.ci_low < one.value < one.ci_high
    assert found["level_noise"].se == pytest.approx(level**2 * math.sqrt(2 / officers), rel=0.25)
    assert sum(one.parts["share"] for one in found.values()) == pytest.approx(1)


def test_nobody_rated_again(training):
    found = rerating(irr.example("pilot"))
    assert all(row.estimate.flags == ("not-rated-again",) for row in found)
    with pytest.raises(irr.ArgumentError):
        rerating(training, ["occasion"])
    keep = training.ratings.rater == 0
    one = replace(training, ratings=type(training.ratings)(**{name: value[keep] for name, value in vars(training.ratings).items()}))
    found = rerating(one)
    assert found.get("intra_rater_percent").flags == ("one-rater",)
    assert "few-officers" in found.get("intra_rater_kappa").flags
    assert not found.get("level_noise").estimable
