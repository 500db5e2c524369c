"""Level of risk management and visits: every number by hand, and no table or schedule that was not supplied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import arms_irr as irr
from arms_irr.analysis.consequences import final_level, visits
from arms_irr.analysis.titles import TITLES
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Factor, Scale
from arms_irr.instruments.rules import LEVELS
from arms_irr.study.ratings import Ratings

ROOT = Path(__file__).parents[1]
L = LEVELS.categories
HIGHER = [{"overall": a, "rm2000": b, "level": L[max(i, j)]} for i, a in enumerate(L) for j, b in enumerate(L)]
OVERALL = 12


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


def with_rules(study, **rules):
    return replace(study, instrument=replace(study.instrument, rules={**study.instrument.rules, **rules}))


def with_factor(study, factor, codes, gold):
    """The study with one factor more: codes (officers, cases) and gold (cases,), on the four levels."""
    tool = study.instrument
    tool = replace(tool, factors=(*tool.factors, factor), scales={**tool.scales, "levels": LEVELS})
    r, (raters, cases) = study.ratings, codes.shape
    own = {"rater": np.repeat(np.arange(raters), cases), "case": np.tile(np.arange(cases), raters), "factor": np.full(codes.size, 13),
           "code": codes.ravel(), "occasion": np.ones(codes.size, int), "urgency": np.full(codes.size, -1)}
    columns = {name: np.concatenate([getattr(r, name), values]).astype(getattr(r, name).dtype) for name, values in own.items()}
    order = np.lexsort((columns["factor"], columns["occasion"], columns["case"], columns["rater"]))
    return replace(study, instrument=tool, gold=np.column_stack([study.gold, gold]).astype(np.int8),
                   ratings=Ratings(**{name: values[order] for name, values in columns.items()}))


def overall(study, case):
    r = study.ratings
    return r.code[(r.factor == OVERALL) & (r.case == case)]


# --- level of risk management -----------------------------------------------------------------------------


def test_final_level_is_the_tables(pilot):
    study = with_rules(pilot, combination=HIGHER)
    result = final_level(study)
    for c, rm2000 in enumerate((0, 2)):  # the table's level is the higher of the two
        level, gold = np.maximum(overall(pilot, c), rm2000), max(pilot.gold[c, OVERALL], rm2000)
        case = pilot.cases[c]
        assert result.get("final_level_exact", case=case).value == np.mean(level == gold)
        assert result.get("final_level_higher", case=case).value == np.mean(level > gold)
    assert result.get("final_level_lower", case="case_a").flags == ("impossible-under",)
    assert result.get("final_level_lower", case="case_b").value == 0
    assert {row.coefficient for row in result} <= set(TITLES)
    assert result.synthetic


def test_rated_rm2000_goes_before_that_of_the_case(pilot):
    codes = np.random.default_rng(1).integers(0, 4, (20, 2))
    study = with_rules(with_factor(pilot, Factor("rm2000", "RM2000", "static", "levels"), codes, [1, 3]), combination=HIGHER)
    found = final_level(study).get("final_level_exact", case="case_b")
    assert found.value == np.mean(np.maximum(overall(pilot, 1), codes[:, 1]) == 3)


def test_nothing_is_invented(pilot):
    with pytest.raises(ArgumentError, match=r"no combination table.*\[rules\]"):
        final_level(pilot)
    study = with_rules(pilot, combination=HIGHER)
    bare = replace(study, case_attributes={"risk_band": study.case_attributes["risk_band"]})
    with pytest.raises(ArgumentError, match="column rm2000"):
        final_level(bare)
    with pytest.raises(ArgumentError, match="no gold standard"):
        final_level(replace(study, gold=None))
    r = pilot.ratings
    keep = r.factor != OVERALL
    columns = {n: getattr(r, n)[keep] for n in ("rater", "case", "factor", "code", "occasion", "urgency")}
    with pytest.raises(ArgumentError, match="needs ratings of the overall"):
        final_level(replace(study, ratings=Ratings(**columns)))
    strange = replace(study, case_attributes={"rm2000": ("Low", "Extreme")})
    with pytest.raises(ArgumentError, match="case_b, 'Extreme'"):
        final_level(strange)


def test_a_case_without_rm2000_gets_no_level(pilot):
    study = replace(with_rules(pilot, combination=HIGHER), case_attributes={"RM2000 category": ("", "high")})
    result = final_level(study)
    assert result.get("final_level_exact", case="case_a").flags == ("no-rm2000",)
    assert result.get("final_level_exact", case="case_b").n_ratings == 20


# --- visits -----------------------------------------------------------------------------------------------


def test_visits_need_what_the_schedule_belongs_to(pilot):
    with pytest.raises(ArgumentError, match="officers rated neither"):
        visits(pilot)
    with pytest.raises(ArgumentError, match="declares no visit schedule"):
        visits(with_rules(pilot, visit_interval_months={}), assume_overall=True)


def test_visits_by_hand(pilot):
    result = visits(pilot, assume_overall=True)
    yearly = np.array([1, 2, 4, 12])
    for c, case in enumerate(pilot.cases):
        given, gold = yearly[overall(pilot, c)], yearly[pilot.gold[c, OVERALL]]
        assert result.get("visits_gold", case=case).value == gold
        mean, difference = result.get("visits_officers", case=case), result.get("visits_difference", case=case)
        assert mean.value == pytest.approx(given.mean())
        assert (mean.parts["fewest"], mean.parts["most"]) == (given.min(), given.max())
        low, high = stats.t.interval(0.95, 19, given.mean() - gold, stats.sem(given))
        assert (difference.value, difference.ci_low, difference.ci_high) == pytest.approx((given.mean() - gold, low, high))
    assert result.get("fewer_visits", case="case_a").flags == ("impossible-under",)
    given = yearly[overall(pilot, 1)]
    assert result.get("fewer_visits", case="case_b").value == np.mean(given < 4)
    assert any(note.startswith("Assumption") for note in result.notes)
    assert {row.coefficient for row in result} <= set(TITLES)


def test_visits_follow_rm2000_then_the_table_then_a_rated_level(pilot):
    codes = np.random.default_rng(2).integers(-2, 4, (20, 2))
    yearly = np.array([1, 2, 4, 12])
    rated = with_factor(pilot, Factor("rm2000", "RM2000", "static", "levels"), codes, [0, -1])
    result = visits(rated)
    mine = codes[codes[:, 0] >= 0, 0]
    assert result.get("visits_officers", case="case_a").value == pytest.approx(yearly[mine].mean())
    assert result.get("visits_difference", case="case_b").flags == ("no-gold",)
    assert result.get("visits_officers", case="case_b").estimable
    assert not any("Assumption" in note for note in result.notes)
    assert any("RM2000" in note for note in result.notes)

    table = with_rules(pilot, combination=HIGHER)
    assert visits(table).get("visits_officers", case="case_b").value == pytest.approx(yearly[np.maximum(overall(pilot, 1), 2)].mean())

    final = with_factor(table, Factor("final_level", "Level", "overall", "levels"), codes, [0, 3])
    assert visits(final).get("visits_officers", case="case_a").value == pytest.approx(yearly[mine].mean())


def test_the_category_of_rm2000_itself_needs_no_assumption():
    frame = {"rater": ["a", "a", "b", "b"], "case": ["p", "q"] * 2, "factor": ["overall"] * 4, "rating": ["Low", "High", "Low", "Very High"]}
    import pandas as pd

    study = irr.Study.from_frames(pd.DataFrame(frame), instrument="rm2000-s")
    result = visits(study)
    assert result.get("visits_officers", case="q").value == 8
    assert result.get("visits_gold", case="q").flags == ("no-gold",)
    assert "zero-se" in result.get("visits_officers", case="p").flags


def test_one_officer_and_another_scale(pilot):
    r = pilot.ratings
    columns = {n: getattr(r, n)[r.rater == 0] for n in ("rater", "case", "factor", "code", "occasion", "urgency")}
    one = visits(replace(pilot, ratings=Ratings(**columns)), assume_overall=True)
    assert one.get("visits_difference", case="case_a").flags == ("one-rater",)
    five = Scale("overall", ("1", "2", "3", "4", "5"), scores=(1, 2, 3, 4, 5))
    tool = replace(pilot.instrument, scales={**pilot.instrument.scales, "overall": five})
    with pytest.raises(ArgumentError, match="no visit intervals"):
        visits(replace(pilot, instrument=tool), assume_overall=True)
