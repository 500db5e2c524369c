"""Every rule of the instruments against the paper's text: overall priority, visits, combination, RM2000/S."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from test_instruments import copy_of, problems_of

from arms_irr.errors import ArgumentError
from arms_irr.instruments import load_instrument
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.instruments.rules import (
    LEVELS,
    combine,
    consistent_overall,
    factor_priority_from_actions,
    predominant,
    rm2000_category,
    uplift,
    visit_interval_months,
)

GOLD = {"lower": "112111211211", "higher": "332323332332"}


@pytest.fixture(scope="module")
def arms():
    return load_instrument("arms-12")


@pytest.fixture(scope="module")
def rm2000():
    return load_instrument("rm2000-s")


def rate(arms, codes):
    """Codes as one string, in the instrument's order; U is unable to rate, a dot is blank."""
    return dict(zip(arms.factor_ids, [{"U": "UTR", ".": ""}.get(c, c) for c in codes], strict=False))


# --- the factor and the overall priority

@pytest.mark.parametrize(("actions", "priority"), [
    (["Low", "High", "Medium"], "High"), (["low", "M"], "Medium"), ([0], "Low"), (["1", 1], "Medium"),
    ("High", "High"), (np.array([0, 1, 0]), "Medium")])
def test_factor_takes_the_most_urgent_action(actions, priority):
    assert factor_priority_from_actions(actions) == priority


@pytest.mark.parametrize("actions", [[], ["Very High"], ["UTR"], [None], [3], [True], [1.5]])
def test_actions_that_have_no_urgency(actions):
    with pytest.raises(ArgumentError, match=r"Give (one of|the urgency)"):
        factor_priority_from_actions(actions)


@pytest.mark.parametrize(("case", "overall"), [("lower", "Low"), ("higher", "High")])
@pytest.mark.parametrize("factors", [11, 12])
def test_predominant_gives_the_gold_of_the_two_pilot_cases(case, overall, factors):
    assert predominant(GOLD[case][:factors]) == overall
    assert predominant(np.array([int(c) - 1 for c in GOLD[case][:factors]], dtype=np.int8)) == overall


@pytest.mark.parametrize(("ratings", "expected"), [
    ("1122", "Medium"), ("1133", "High"), ("123", "High"), ("222", "Medium"), ([UNABLE, NOT_GIVEN, 0], "Low"),
    (["UTR", None, float("nan"), ""], None), ([], None), ("3" * 12, "High")])
def test_predominant_ties_and_blanks(ratings, expected):
    assert predominant(ratings) == expected


@pytest.mark.parametrize(("codes", "consistent"), [
    (GOLD["lower"], ("Low",)),
    (GOLD["higher"], ("High", "Very High")),  # 8 of 12 High: not overwhelming, but an override may be
    ("222222222111", ("Medium",)),
    ("311111111111", ("Low", "Very High")),  # Opportunity alone: the paper's own example of an override
    ("113111111111", ("Low", "Very High")),
    ("111111133111", ("Low",)),  # High on protective factors only: a deficit, no active offence-seeking
    ("333333333222", ("High", "Very High")),  # nine of twelve
    ("111111222222", ("Low", "Medium")),  # tie
    ("222222233333", ("Medium",)),
    ("111111133333", ("Low",)),
    ("UUUUUUU33322", ("High",)),
    ("UUUUUUU3332.", ("High", "Very High")),  # three of four given, and no risk factor that could override
    ("1.....1.33..", ("Low", "Medium", "High")),  # tie of the two ends: what lies between is allowed
])
def test_consistent_overall(arms, codes, consistent):
    assert consistent_overall(arms, rate(arms, codes)).consistent == consistent


def test_consistent_overall_says_why(arms):
    reason = consistent_overall(arms, rate(arms, "3U1111111112")).reason
    assert reason == ("1 High, 1 Medium, 9 Low of 11 factors (1 not counted: blank or unable to rate): "
                      "Low predominates. Very High is possible as an override: High on Opportunity.")
    assert "three in four" in consistent_overall(arms, rate(arms, "3" * 12)).reason


def test_predominant_is_always_consistent(arms):
    rng = np.random.default_rng(1)
    for _ in range(200):
        ratings = dict(zip(arms.factor_ids, rng.integers(0, 3, 12), strict=False))
        assert predominant(ratings.values()) in consistent_overall(arms, ratings).consistent


def test_consistent_overall_ignores_the_overall_rating_itself(arms):
    with_overall = rate(arms, GOLD["lower"]) | {"overall": "Very High"}
    assert consistent_overall(arms, with_overall) == consistent_overall(arms, rate(arms, GOLD["lower"]))


def test_nothing_to_check_against(arms):
    guide = consistent_overall(arms, rate(arms, "U" * 12))
    assert guide.consistent == ()
    assert "nothing to check" in guide.reason
    assert consistent_overall(load_instrument("strategy-quality"), {"specific": "Met"}).consistent == ()


@pytest.mark.parametrize(("ratings", "message"), [
    ({"oportunity": "Low"}, "Did you mean 'opportunity'"),
    ({"opportunity": "Very High"}, "Low, Medium, High"),
    ({"opportunity": 3}, "3 is not a value of Opportunity")])
def test_consistent_overall_refuses(arms, ratings, message):
    with pytest.raises(ArgumentError, match=message):
        consistent_overall(arms, ratings)


# --- visits and the combination

@pytest.mark.parametrize(("level", "months"), [("Low", 12), ("Medium", 6), ("High", 3), ("Very High", 1),
                                               (" very  high", 1)])
@pytest.mark.parametrize("name", ["arms-12", "arms-11", "rm2000-s"])
def test_visit_interval(name, level, months):
    assert visit_interval_months(load_instrument(name), level) == months


@pytest.mark.parametrize("level", ["opportunity", "Unable to rate", "3", 2, None, ("Low",), ""])
def test_visits_never_hang_on_a_factor(arms, level):
    with pytest.raises(ArgumentError, match="never with a factor"):
        visit_interval_months(arms, level)


def test_no_visit_schedule():
    with pytest.raises(ArgumentError, match="declares no visit schedule"):
        visit_interval_months(load_instrument("three-point-items"), "Low")


def test_no_combination_is_invented(arms):
    combination = combine(arms, "Very High", "Low")
    assert combination.level is None
    assert "not available" in combination.reason


def rows(keep=lambda overall, band: True):
    return ", ".join(f'{{ overall = "{a}", rm2000 = "{b}", level = "{max(a, b, key=LEVELS.index)}" }}'
                     for a, b in product(LEVELS.categories, repeat=2) if keep(a, b))


def test_combination_comes_from_the_users_table(tmp_path):
    mine = load_instrument(copy_of("arms-12", tmp_path, ("combination = []", f"combination = [{rows()}]")))
    for a, b in product(range(4), repeat=2):
        assert combine(mine, a, LEVELS.categories[b]).level == LEVELS.categories[max(a, b)]
    assert combine(mine, "vh", " low ").level == "Very High"
    assert "override" in combine(mine, "Low", "Low").reason


@pytest.mark.parametrize(("overall", "band"), [("Unable to rate", "Low"), ("Low", "None"), (4, "Low"),
                                               ("", "Low")])
def test_combination_refuses_what_is_no_level(arms, overall, band):
    with pytest.raises(ArgumentError, match="Give one of"):
        combine(arms, overall, band)


def test_every_fault_of_a_combination_table_is_listed(tmp_path):
    table = (rows(lambda a, b: (a, b) not in {("Low", "High"), ("High", "Low")})
             + ', { overall = "Low", rm2000 = "Low", level = "Low" }'
             + ', { overall = "Lo", rm2000 = "Veryhigh", level = "Level 3" }, { overall = "Low" }, 7')
    found = problems_of(copy_of("arms-12", tmp_path, ("combination = []", f"combination = [{table}]")))
    for expected in ("Row 15 of combination repeats overall Low with RM2000 Low", "unknown overall: 'Lo'",
                     "unknown rm2000: 'Veryhigh'", "unknown level: 'Level 3'", "Did you mean 'Very High'?",
                     "Row 17 of combination must have exactly", "Row 18 of combination must have exactly",
                     "no row for: Low x High; High x Low (overall"):
        assert any(expected in problem for problem in found), expected
    assert len(found) == 7


# --- RM2000/S

# Any two aggravating factors raise one level, all four two levels; three as two; Very High is the ceiling.
UPLIFT = {
    "Low": ("Low", "Low", "Medium", "Medium", "High"),
    "Medium": ("Medium", "Medium", "High", "High", "Very High"),
    "High": ("High", "High", "Very High", "Very High", "Very High"),
    "Very High": ("Very High",) * 5,
}


@pytest.mark.parametrize("category", LEVELS.categories)
@pytest.mark.parametrize("aggravating", range(5))
def test_uplift(category, aggravating):
    assert uplift(category, aggravating) == UPLIFT[category][aggravating]


@pytest.mark.parametrize(("category", "aggravating"), [("Low", 5), ("Low", -1), ("Low", 1.0), ("Low", True),
                                                       ("Lowest", 0), ("UTR", 0)])
def test_uplift_refuses(category, aggravating):
    with pytest.raises(ArgumentError):
        uplift(category, aggravating)


def test_every_rm2000_profile(rm2000):
    """All 24 x 16 profiles against the recalled points and bands written out here by hand."""
    bands = ["Low", "Medium", "Medium", "High", "High", "Very High", "Very High"]
    aggravating = ("male_victim", "stranger_victim", "non_contact_offence", "single")
    seen = 0
    for (i, sexual), (j, criminal), (k, age) in product(
            enumerate(("1", "2", "3 or 4", "5 or more")), enumerate(("4 or fewer", "5 or more")),
            enumerate(("35 or over", "25 to 34", "18 to 24"))):
        for present in product((False, True), repeat=4):
            items = {"sexual_appearances": sexual, "criminal_appearances": criminal, "age": age}
            items |= {id: "Yes" if yes else "No" for id, yes in zip(aggravating, present, strict=True)}
            got = rm2000_category(rm2000, items)
            assert (got.points, got.step_one, got.aggravating) == (i + j + k, bands[i + j + k], sum(present))
            assert got.category == UPLIFT[got.step_one][sum(present)]
            seen += 1
    assert seen == 384


def test_rm2000_is_flagged_provisional_with_the_conflict(rm2000):
    assert rm2000.provenance.startswith("provisional: ")
    note = rm2000.rules["rm2000"]["provenance"]
    assert note.startswith("provisional: ")
    assert "0; 1-2; 3-4; 5-6" in note
    assert "RATED" in note
    assert "Low 1, Medium 2-3, High 4-5, Very High 6 or more" in note
    items = dict.fromkeys(rm2000.factor_ids, 0)
    assert rm2000_category(rm2000, items).provenance == note


def test_rm2000_points_can_be_overridden(tmp_path):
    items = dict.fromkeys(load_instrument("rm2000-s").factor_ids, 0) | {"age": 1}
    bands = '{ Low = 0, Medium = 1, High = 3, "Very High" = 5 }'
    assert rm2000_category(load_instrument("rm2000-s"), items).category == "Medium"
    shifted = copy_of("rm2000-s", tmp_path, (bands, '{ Low = 0, Medium = 2, High = 4, "Very High" = 6 }'))
    assert rm2000_category(load_instrument(shifted), items).category == "Low"


def test_rm2000_names_every_missing_item(rm2000, arms):
    with pytest.raises(ArgumentError, match="without a rating: criminal_appearances, age, single"):
        rm2000_category(rm2000, {"sexual_appearances": "2", "male_victim": 0, "stranger_victim": 0,
                                 "non_contact_offence": 1})
    with pytest.raises(ArgumentError, match="no RM2000 steps"):
        rm2000_category(arms, {})


def test_rated_bands_with_recalled_points_are_refused(tmp_path):
    bands = '{ Low = 0, Medium = 1, High = 3, "Very High" = 5 }'
    path = copy_of("rm2000-s", tmp_path, (bands, '{ Low = 1, Medium = 2, High = 4, "Very High" = 6 }'))
    assert problems_of(path) == ["'bands' in [rules.rm2000] leave a total of 0 without a category. "
                                 "Let Low begin at 0, or correct the points."]
