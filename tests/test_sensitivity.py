"""The grid of choices: its numbers are those of the questions, and what survives it is counted right."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr

import arms_irr as irr
from arms_irr.analysis.conclusions import conclusions, factor_ranks
from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.sensitivity import CHOICES, sensitivity
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.benchmarks import place
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.ratings import Ratings
from tests.test_evaluation import ODD, odd

ROOT = Path(__file__).parents[1]
USUAL = {"unable": "left out", "officers": "everyone"}


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


@pytest.fixture(scope="module")
def grid(pilot):
    return sensitivity(pilot)


# --- the numbers of the grid ------------------------------------------------------------------------------


def test_the_usual_point_has_the_numbers_of_the_questions(pilot, grid):
    gold = pilot.against_gold(["risk_band"])
    for name in ("exact", "adjacent"):
        for band in pilot.bands:
            found, own = grid.get(name, risk_band=band, gold="as given", **USUAL), gold.get(name, risk_band=band)
            assert (found.value, found.ci_low, found.ci_high) == (own.value, own.ci_low, own.ci_high)
    for row in pilot.agreement(["risk_band"]):
        found = grid.get(row.coefficient, row.estimate.weights, risk_band=row["risk_band"], **USUAL)
        assert (found.value, found.ci_low, found.se) == (row.estimate.value, row.estimate.ci_low, row.estimate.se)
    for row in pilot.agreement(["factor"]):
        if row["factor"] != "overall" and row.coefficient != "r_wg":
            found = grid.get(row.coefficient, row.estimate.weights, factor=row["factor"], **USUAL)
            assert found.value == row.estimate.value or (math.isnan(found.value) and found.flags == row.estimate.flags)


def counted(frame, unable):
    """Agreement with the gold standard by the definition of each reading of "unable to rate"."""
    code = {"Low": 0, "Medium": 1, "High": 2}
    frame = frame[frame["kind"] != "overall"].copy()
    frame["given"] = frame["rating"]
    if unable == "urgency used":
        frame["given"] = frame["rating"].where((frame["rating"] != "Unable to rate") | frame["urgency"].isna(), frame["urgency"])
    if unable != "disagreement":
        frame = frame[frame["given"] != "Unable to rate"]
    gap = (frame["given"].map(code) - frame["gold"].map(code)).abs()
    return (gap == 0).groupby(frame["risk_band"]).mean(), (gap <= 1).groupby(frame["risk_band"]).mean()


@pytest.mark.parametrize("unable", ["left out", "urgency used", "disagreement"])
def test_unable_to_rate_against_the_gold_standard(pilot, grid, unable):
    exact, adjacent = counted(pilot.frame(), unable)
    for band in pilot.bands:
        assert grid.get("exact", risk_band=band, unable=unable, officers="everyone").value == pytest.approx(exact[band])
        assert grid.get("adjacent", risk_band=band, unable=unable, officers="everyone").value == pytest.approx(adjacent[band])


def test_unable_to_rate_between_officers(pilot, grid):
    whole = pilot.estimands(["risk_band"])
    for row in whole.where(estimand="whole decision"):
        how = row.estimate.weights.removesuffix(" in a block")
        found = grid.get(row.coefficient, how, risk_band=row["risk_band"], unable="a category of its own", officers="everyone")
        assert found.value == pytest.approx(row.estimate.value, abs=1e-12)
    r = pilot.ratings
    code = np.where((r.code == UNABLE) & (r.urgency >= 0), r.urgency, r.code)
    other = replace(pilot, ratings=Ratings(r.rater, r.case, r.factor, code, r.occasion, r.urgency))
    for row in other.agreement(["risk_band"]):
        found = grid.get(row.coefficient, row.estimate.weights, risk_band=row["risk_band"], unable="urgency used", officers="everyone")
        assert found.value == row.estimate.value


def test_officers_left_out(pilot, grid):
    """The rules find whom they should, and the numbers are those of the study without them."""
    frame = pilot.frame()
    named = next(note for note in grid.notes if note.startswith("Without the most influential officer")).removesuffix(".").split(": ")[1]
    whole = pilot.agreement([]).get("gwet", "quadratic").value
    moved = {}
    for officer in pilot.raters:
        rest = irr.Study.from_frames(frame[frame["rater"] != officer][["rater", "case", "factor", "rating"]])
        moved[officer] = abs(rest.agreement([]).get("gwet", "quadratic").value - whole)
    assert named == max(moved, key=moved.get)
    gold, cases = _parts(pilot)
    rest = irr.Study.from_frames(frame[frame["rater"] != named][["rater", "case", "factor", "rating"]], gold, cases)
    rule = "without the most influential officer"
    for band in pilot.bands:
        for name in ("gwet", "conger"):
            own = rest.agreement(["risk_band"]).get(name, "quadratic", risk_band=band)
            assert grid.get(name, "quadratic", risk_band=band, unable="left out", officers=rule).value == pytest.approx(own.value, abs=1e-12)
        own = rest.against_gold(["risk_band"]).get("exact", risk_band=band)
        assert grid.get("exact", risk_band=band, unable="left out", officers=rule).value == own.value


def _parts(study):
    frame = study.frame()
    gold = frame.drop_duplicates(["case", "factor"])[["case", "factor", "gold"]].rename(columns={"gold": "rating"})
    return gold, pd.DataFrame({"case": study.cases, "risk_band": study.case_attributes["risk_band"]})


def test_reversed_officers_and_officers_with_few_ratings_are_found(pilot):
    r = pilot.ratings
    protective = np.array([f.kind == "protective" for f in pilot.instrument.factors])[r.factor]
    gold = pilot.gold[r.case, r.factor]
    code = np.where((r.rater == 3) & protective, 2 - gold, r.code)
    code = np.where((r.rater == 5) & (np.arange(len(code)) % 5 > 0), UNABLE, code).astype(np.int8)
    grid = sensitivity(replace(pilot, ratings=Ratings(r.rater, r.case, r.factor, code, r.occasion, r.urgency)))
    assert "Without officers who reverse protective factors: officer_04." in grid.notes
    assert "Without officers with few ratings: officer_06." in grid.notes
    assert len({row["officers"] for row in grid}) == 4


def test_other_gold_standards(pilot):
    gold = pilot.gold.copy()
    gold[0, 0] = 2  # the officers' mode is Low there
    panel = {"anna": pilot.gold.copy(), "ben": gold.copy()}
    panel["anna"][1, :3] = 0
    study = replace(pilot, gold=gold, gold_panel=panel)
    grid = sensitivity(study)
    assert {row["gold"] for row in grid} == {"not used", "as given", "officers' mode", "panel member anna"}  # ben's is the gold as given
    for name, codes in (("officers' mode", None), ("panel member anna", panel["anna"])):
        own = replace(study, gold=_mode_by_hand(study) if codes is None else codes).against_gold(["risk_band"]).get("exact", risk_band="lower")
        assert grid.get("exact", risk_band="lower", gold=name, **USUAL).value == own.value


def _mode_by_hand(study):
    mode = np.full(study.gold.shape, NOT_GIVEN)
    r = study.ratings
    for case, factor in np.ndindex(*mode.shape):
        codes = r.code[(r.case == case) & (r.factor == factor) & (r.code >= 0)]
        counts = np.bincount(codes, minlength=4)
        best = np.flatnonzero(counts == counts.max())
        mode[case, factor] = study.gold[case, factor] if study.gold[case, factor] in best else best[0]
    return mode.astype(np.int8)


def test_a_gold_standard_that_cannot_be_rated(pilot):
    gold = pilot.gold.copy()
    gold[0, :4] = UNABLE
    study = replace(pilot, gold=gold)
    found = sensitivity(study).get("exact", risk_band="lower", unable="a category of its own", officers="everyone", gold="as given")
    r = study.ratings
    rows = (r.case == 0) & (r.factor < 12)
    assert found.value == pytest.approx((r.code == gold[r.case, r.factor])[rows].mean())


def test_it_is_quick(pilot):
    began = time.perf_counter()
    grid = sensitivity(pilot)
    conclusions(grid)
    factor_ranks(grid)
    assert time.perf_counter() - began < 3  # a third of that on a free machine


def test_many_officers_by_groups(pilot):
    """With more than 500 officers the standard error comes from groups of them, and is about that of one by one."""
    from arms_irr.planning.designs import pilot as design
    from arms_irr.planning.parameters import Parameters
    from arms_irr.planning.simulate import replicate

    codes = np.concatenate(replicate(design(1), Parameters(), 3, 30).ratings.reshape(30, 20, 2, 12))  # (600, 2, 12)
    rater, case, factor = (x.ravel().astype(np.int32) for x in np.indices(codes.shape))
    blank = np.full(len(rater), NOT_GIVEN, dtype=np.int8)
    ratings = Ratings(rater, case, factor, codes.ravel().astype(np.int8), np.ones(len(rater), dtype=np.int16), blank)
    study = replace(pilot, raters=tuple(f"o{i:03}" for i in range(600)), rater_attributes={}, ratings=ratings)
    grid, own = sensitivity(study, weights=["quadratic"]), study.agreement(["risk_band"], coefficient=["gwet", "brennan_prediger", "conger"])
    for row in own:
        found = grid.get(row.coefficient, "quadratic", risk_band=row["risk_band"], **USUAL)
        assert found.value == pytest.approx(row.estimate.value, abs=1e-12)
        assert found.se == pytest.approx(row.estimate.se, rel=0.2)
        assert (found.df, math.isnan(found.ci_low)) == (99, True)


# --- what survives ----------------------------------------------------------------------------------------


def point(statistic, unable, band, value):
    group = {"risk_band": band, "kind": "", "factor": "", "unable": unable, "officers": "everyone", "gold": "not used"}
    return Row(group, statistic, Estimate(value, se=0.02, df=19, weights="quadratic"))


def hand_made():
    """Three statistics, two readings of unable to rate; the band order turns for one statistic under one reading."""
    rows = []
    for statistic in ("gwet", "brennan_prediger", "krippendorff"):
        for unable in ("left out", "urgency used"):
            turned = statistic == "krippendorff" and unable == "urgency used"
            for band, value in (("lower", 0.5 if turned else 0.7), ("higher", 0.55)):
                rows.append(point(statistic, unable, band, value))
    return Result("grid", ("risk_band", "kind", "factor", "unable", "officers", "gold"), tuple(rows))


def test_shares_of_the_grid_by_hand():
    found = conclusions(hand_made())
    first = found.get("holds", conclusion="lower more consistent than higher", choice="")
    assert first.value == 5 / 6
    assert first.parts == {"holds": 5, "points": 6, "at_base": 1, "flips": 0}
    assert found.get("holds", conclusion="lower more consistent than higher", option="krippendorff").value == 1 / 2
    assert found.get("holds", conclusion="lower more consistent than higher", option="left out").value == 1
    assert any("No single changed choice turns it, but several together do" in note for note in found.notes)
    assert found.get("holds", conclusion="lower: above 0.6", choice="").value == 5 / 6
    assert found.get("holds", conclusion="higher: above 0.6", choice="").value == 0
    word = place(0.7, 0.02, "landis_koch", 19).word
    assert found.get("holds", conclusion=f"lower: '{word}' (Landis & Koch)", choice="").value == 5 / 6


def test_a_single_choice_that_turns_it():
    rows = [row for row in hand_made() if not (row.coefficient == "krippendorff" and row["unable"] == "left out")]
    turned = [replace(row, group={**row.group, "unable": "left out"}) for row in rows if row.coefficient == "krippendorff"]
    found = conclusions(replace(hand_made(), rows=tuple([*rows, *turned])))
    assert found.get("holds", conclusion="lower more consistent than higher", choice="").parts["flips"] == 1
    assert found.get("holds", conclusion="lower more consistent than higher", option="krippendorff").parts["flips"] == 1
    assert found.get("holds", conclusion="lower more consistent than higher", option="brennan_prediger").parts["flips"] == 0
    assert any("One changed choice turns it: statistic Krippendorff's alpha" in note for note in found.notes)


def test_the_pilots_pattern_survives(pilot, grid):
    found = conclusions(grid)
    assert found.synthetic
    for words in ("lower more consistent than higher", "risk factors more consistent than protective factors"):
        for measured in ("against the gold standard", "between officers"):
            assert found.get("holds", conclusion=words, measured=measured, choice="").value == 1
    points = {(row["unable"], row["officers"], row["gold"], row.coefficient, row.estimate.weights)
              for row in grid if row["risk_band"] and row["gold"] == "not used" and row.estimate.estimable}
    between = found.get("holds", conclusion="lower more consistent than higher", measured="between officers", choice="")
    assert between.parts["points"] == len(points)
    assert set(row["choice"] for row in found) <= {"", *CHOICES}


def test_ranks_of_the_factors(pilot, grid):
    found = factor_ranks(grid)
    factors = [f.id for f in pilot.instrument.factors if f.kind != "overall"]
    exact = [grid.get("exact", factor=f, **USUAL).value for f in factors]
    own = rankdata(-np.round(exact, 12))
    assert [found.get("rank", measured="against the gold standard", factor=f).value for f in factors] == own.tolist()
    others = []
    for statistic in ("exact", "adjacent"):
        for unable in ("left out", "urgency used", "disagreement"):
            for officers in ("everyone", "without the most influential officer"):
                values = [grid.get(statistic, factor=f, unable=unable, officers=officers).value for f in factors]
                if (statistic, unable, officers) != ("exact", "left out", "everyone") and len(set(values)) > 1:
                    others.append(spearmanr(exact, np.round(values, 12))[0])
    r = found.get("rank_correlation", measured="against the gold standard", factor="")
    assert (r.value, r.parts["least"]) == pytest.approx((np.mean(others), np.min(others)))
    for row in found.where("rank"):
        assert row.estimate.parts["best"] <= row.estimate.value <= row.estimate.parts["worst"]


def test_another_result_is_no_grid(pilot):
    with pytest.raises(ArgumentError, match="grid of sensitivity"):
        conclusions(pilot.against_gold())
    with pytest.raises(ArgumentError, match="Did you mean 'landis_koch'"):
        conclusions(sensitivity(pilot, weights=["quadratic"]), scale="landis-koch")


@pytest.mark.parametrize("name", ODD)
def test_odd_studies(name, pilot):
    grid = sensitivity(odd(name, pilot))
    for row in grid:
        assert row.estimate.estimable or row.estimate.flags
    for found in (conclusions(grid), factor_ranks(grid)):
        assert all(not math.isnan(row.estimate.value) for row in found)
        assert not any(re.search(r"\bnan\b", note) for note in found.notes)
