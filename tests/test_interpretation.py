"""Words for numbers: the published example, brute force for fragility and reach, and the paradox's identity."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import arms_irr as irr
from arms_irr.analysis.interpretation import benchmarks, fragile, paradox, reach
from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import COEFFICIENTS, View
from arms_irr.statistics.benchmarks import SCALES, by_interval, cumulative_probabilities, place, word
from arms_irr.statistics.estimate import Estimate
from arms_irr.statistics.fragility import fragility
from arms_irr.statistics.reach import achievable
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import agreement_weights

# --- benchmarks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "printed", "assigned"),
    [
        ("landis_koch", (0.39674, 0.88336, 0.99542), "moderate"),
        ("altman", (0.39674, 0.88336, 0.99542), "moderate"),
        ("fleiss", (0.54414, 0.99542), "intermediate to good"),
    ],
)
def test_gwets_published_example(name, printed, assigned):
    """AC1 = .77544 with SE .14295: Gwet 2014, chapter 6."""
    found = cumulative_probabilities(0.77544, 0.14295, name)
    assert [p for _, p in found[: len(printed)]] == pytest.approx(printed, abs=6e-6)
    assert found[-1][1] == pytest.approx(1)
    assert place(0.77544, 0.14295, name).word == assigned


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize(("value", "se", "df"), [(0.5, 0.1, math.inf), (0.8, 0.3, 19), (-0.2, 0.05, 4)])
def test_the_cumulative_probability_by_integration(name, value, se, df):
    """The share of the truncated density above each range's lower end."""
    x = np.linspace(-1, 1, 400_001)
    density = stats.t.pdf((value - x) / se, df) if math.isfinite(df) else stats.norm.pdf((value - x) / se)
    for (_, p), start in zip(cumulative_probabilities(value, se, name, df), SCALES[name].starts[::-1], strict=True):
        above = x >= start
        assert p == pytest.approx(np.trapezoid(density[above], x[above]) / np.trapezoid(density, x), abs=2e-5)


@pytest.mark.parametrize("name", SCALES)
def test_words_change_at_the_lower_end_of_their_range(name):
    scale = SCALES[name]
    assert len(scale.words) == len(scale.starts)
    assert list(scale.starts) == sorted(scale.starts)
    for start, named in zip(scale.starts, scale.words, strict=True):
        assert word(start, name) == named
        assert place(start, 0.0, name).word == named  # a standard error of 0: the word of the value, for certain
    assert (word(1.0, name), word(-1.5, name), word(math.nan, name)) == (scale.words[-1], scale.words[0], "")


def test_what_is_not_known_has_no_word():
    assert place(0.7, math.nan, "altman").word == ""
    assert place(0.7, math.nan, "altman").value_word == "good"
    assert place(math.nan, 0.1, "altman").value_word == ""
    with pytest.raises(ArgumentError, match="Did you mean 'landis_koch'"):
        word(0.5, "landis koch")
    with pytest.raises(ArgumentError, match="negative"):
        place(0.5, -1, "altman")


def test_koo_and_li_place_the_limits():
    assert by_interval(Estimate(0.8, ci_low=0.4, ci_high=0.95), "koo_li") == ("poor", "excellent")
    assert SCALES["koo_li"].by_limits


# --- fragility --------------------------------------------------------------------------------------------


def value_of(row, codes, w, scores):
    observed, expected = row.evaluate(View.whole(Tally.from_codes(codes, scores)), w)
    return float((observed - expected) / (1 - expected)) if 1 - expected > 1e-12 else math.nan


def fewest(row, codes, w, scores, bound):
    """By trying every set of cells and every way to change them."""
    start, cells = value_of(row, codes, w, scores), list(product(*map(range, codes.shape)))
    for count in range(1, 4):
        for chosen in combinations(cells, count):
            for new in product(range(len(w)), repeat=count):
                changed = codes.copy()
                for cell, category in zip(chosen, new, strict=True):
                    changed[cell] = category
                value = value_of(row, changed, w, scores)
                if (value < bound) if start >= bound else (value >= bound):
                    return count
    return None


@pytest.mark.parametrize("name", ["percent", "gwet", "fleiss", "krippendorff", "conger"])
@pytest.mark.parametrize("seed", range(3))
def test_fragility_is_the_smallest_number(name, seed):
    rng, scores = np.random.default_rng(seed), np.array([1.0, 2, 3])
    codes = np.clip(np.array([0, 0, 1, 2])[:, None] + rng.integers(-1, 2, (4, 3)) * (rng.random((4, 3)) < 0.4), 0, 2)
    row, w = COEFFICIENTS[name], agreement_weights("linear", scores)
    start = value_of(row, codes, w, scores)
    for bound in (start - 0.15, min(start + 0.1, 1.0)):
        found = fragility(row, Tally.from_codes(codes, scores), w, bound)
        brute = fewest(row, codes, w, scores, bound)
        if brute is None:
            assert not found.crossed or found.at_least > 3
            continue
        assert found.crossed
        assert found.at_least <= brute <= found.count
        assert not found.proven or found.count == brute
        assert found.proven or name == "conger"
        changed = codes.copy()
        for change in found.changes:
            assert changed[change.unit, change.rater] == change.old
            changed[change.unit, change.rater] = change.new
        assert value_of(row, changed, w, scores) == pytest.approx(found.after)


def test_nothing_to_cross():
    scores = np.array([1.0, 2])
    flat = fragility(COEFFICIENTS["fleiss"], Tally.from_codes(np.zeros((4, 3), dtype=int), scores), np.eye(2), 0.6)
    assert (flat.crossed, flat.count, flat.at_least) == (False, 0, 0)
    with pytest.raises(ArgumentError, match="not a value of a coefficient"):
        fragility(COEFFICIENTS["fleiss"], Tally.from_codes(np.eye(2, dtype=int), scores), np.eye(2), 60)


# --- what the gold standards allow ------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["identity", "quadratic"])
def test_the_extremes_are_those_of_every_placement(weights):
    gold, raters, scores = [0, 1, 2], 2, [1, 2, 3]
    w = agreement_weights(weights, scores)
    by_right: dict[int, list[float]] = {}
    for flat in product(range(3), repeat=6):
        codes = np.array(flat).reshape(3, 2)
        right = int((codes == np.array(gold)[:, None]).sum())
        by_right.setdefault(right, []).append(float(w[codes[:, 0], codes[:, 1]].mean()))
    for right, values in by_right.items():
        for name in ("percent", "brennan_prediger"):
            (found,) = achievable(gold, raters, name, weights, scores, [right / 6], replicates=5)
            ends = np.array([min(values), max(values)])
            ends = ends if name == "percent" else (ends - w.mean()) / (1 - w.mean())
            assert [found.least, found.most] == pytest.approx(ends)


def test_the_simulated_mean_is_the_expected_agreement():
    """Two raters who are right with probability a agree exactly with a^2 + sum of the squares of the errors."""
    found = achievable([0, 1, 2, 1], 4, "percent", "identity", accuracy=[0.8], replicates=4000, seed=3)[0]
    extreme, middle = 0.8**2 + 0.2**2, 0.8**2 + 2 * 0.1**2
    assert found.mean == pytest.approx((extreme + middle) / 2, abs=0.01)
    assert found.low < found.mean < found.high
    assert found.least < found.mean < found.most


def test_a_flat_profile_holds_kappa_down():
    flat, spread = ([0] * 11 + [1], [0, 1, 2] * 4)
    low, high = (achievable(gold, 20, "fleiss", "quadratic", accuracy=[0.9], replicates=200)[0].mean for gold in (flat, spread))
    assert low < 0.5 < high
    perfect = achievable([0] * 12, 5, "fleiss", "identity", accuracy=[1.0], replicates=20)[0]
    assert perfect.undefined == 1
    assert math.isnan(perfect.mean)
    assert achievable(flat, 20, seed=4) == achievable(flat, 20, seed=4)


@pytest.mark.parametrize("bad", [{"raters": 1}, {"gold": [3]}, {"gold": []}, {"coefficient": "conger"}, {"accuracy": [60]}])
def test_what_cannot_be_reached_for(bad):
    with pytest.raises(ArgumentError):
        achievable(**{"gold": [0, 1], "raters": 3, "replicates": 10, **bad})


# --- a study ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


def test_the_words_of_a_study(pilot):
    agreement = pilot.agreement(["case"])
    found = benchmarks(agreement)
    assert not len(found.where("percent"))  # a share has no benchmark
    row = next(iter(found.where("gwet", case="case_a", scale="landis_koch")))
    value = agreement.get("gwet", "quadratic", case="case_a")
    ladder = dict(cumulative_probabilities(value.value, value.se, "landis_koch", 19))
    assert row.estimate.parts["probability"] == ladder[row["word"]] > 0.95
    assert [r["scale"] for r in found.where("krippendorff", case="case_a")] == ["krippendorff"]
    assert len(benchmarks(agreement, "altman").where("krippendorff")) == 2
    icc = benchmarks(pilot.icc(["case"])).rows[0]
    assert icc["word"] == "poor to moderate"
    suppressed = benchmarks(pilot.agreement(["factor"], coefficient="fleiss"))
    assert all(row["word"] == "" for row in suppressed)
    with pytest.raises(ArgumentError, match="probability"):
        benchmarks(agreement, sure=95)


def test_the_paradox_keeps_byrts_identity():
    """Feinstein & Cicchetti's second table: kappa .3182, PABAK .70, PI .75, BI .05."""
    ratings = [(i, j) for (i, j), n in {(0, 0): 80, (0, 1): 10, (1, 0): 5, (1, 1): 5}.items() for _ in range(n)]
    instrument = irr.load_instrument("arms-12")
    scale = instrument.scales["priority"].categories

    frame = pd.DataFrame([
        {"rater": f"r{j}", "case": f"c{i}", "factor": "opportunity", "rating": scale[x]} for i, pair in enumerate(ratings) for j, x in enumerate(pair)
    ])  # fmt: skip
    found = paradox(irr.Study.from_frames(frame), [])
    low = {row.coefficient: row.estimate.value for row in found.where(category=scale[0])}
    assert low == pytest.approx({"share": 0.875, "prevalence_index": 0.75, "bias_index": 0.05, "pabak": 0.7, "positive_agreement": 160 / 175})
    pi, bi = low["prevalence_index"], low["bias_index"]
    assert (low["pabak"] - pi**2 + bi**2) / (1 - pi**2 + bi**2) == pytest.approx(0.3182, abs=5e-5)
    assert found.get("fleiss", category="all").value == pytest.approx(irr.agreement(ratings, "fleiss").value)
    share = np.array([0.875, 0.125])
    assert found.get("entropy", category="all").value == pytest.approx(-(share * np.log(share)).sum() / np.log(3))
    assert "85 of 100 comparisons" in found.notes[0]
    assert "not that officers disagree much" in found.notes[0]
    assert found.get("positive_agreement", category=scale[2]).flags == ("unused-category",)


def test_the_paradox_is_silent_where_there_is_none():
    found = paradox(irr.example("second_exercise"), ["risk_band"])
    assert not len(found)
    assert found.notes == ("Nowhere here does kappa lie far below the observed agreement.",)
    assert len(paradox(irr.example("second_exercise"), ["risk_band"], everywhere=True))


def test_the_changes_told_do_cross(pilot):
    """The notes name raters and subjects: carry out what the function found on the labelled ratings."""
    found = fragile(pilot, ["case"], coefficient="fleiss", weights="identity", bounds=(0.2, 0.25))
    row = next(iter(found.where(case="case_a", direction="up")))
    assert row.estimate.value == 2
    assert row.estimate.method == "smallest number"
    note = next(n for n in found.notes if n.startswith("case_a") and "to 0.25" in n)
    frame = pilot.frame().query("case == 'case_a' and kind != 'overall'").set_index(["rater", "factor"])["rating"]
    for change in note.split("for example ")[1].removesuffix(".").split("; "):
        rater, rest = change.split(" on case_a, ")
        factor, rest = rest.split(" from ")
        old, new = rest.split(" to ")
        assert frame[rater, factor] == old
        frame[rater, factor] = new
    table = frame.map({"Low": 1, "Medium": 2, "High": 3}).unstack("rater")
    value = irr.agreement(table, "fleiss", categories=[1, 2, 3]).value
    assert value == pytest.approx(row.estimate.parts["after"])
    assert value >= 0.25 > row.estimate.parts["coefficient"]
    assert all(row.estimate.flags for row in fragile(pilot, ["factor"], coefficient="fleiss"))


def test_what_was_in_reach(pilot):
    found = reach(pilot, ["case"], coefficient="brennan_prediger", replicates=200)
    for row in found:
        one = row.estimate
        assert one.parts["least"] < one.value < one.parts["most"]
    values = [row.estimate.value for row in found.where(case="case_a")]
    assert values == sorted(values)
    none = irr.Study.from_frames(pilot.frame()[["rater", "case", "factor", "rating"]])
    with pytest.raises(ArgumentError, match="no gold standard"):
        reach(none)
