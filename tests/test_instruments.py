"""The shipped instruments, how a scale reads what people write, and the door for instrument files."""

from __future__ import annotations

import pytest

from arms_irr.errors import DataError
from arms_irr.instruments import Scale, load_instrument, shipped_instruments
from arms_irr.instruments.model import KINDS, NOT_GIVEN, UNABLE
from arms_irr.instruments.rules import LEVELS, PRIORITY

RISK = ("opportunity", "sexual_preoccupation", "offence_related_sexual_interest", "emotional_congruence",
        "hostile_orientation", "poor_self_management", "antisocial_influences")
PROTECTIVE = ("commitment_to_desist", "intimate_relationship", "positive_routine", "social_investment",
              "protective_5")
VERIFIED = {"opportunity", "sexual_preoccupation", "offence_related_sexual_interest", "commitment_to_desist",
            "positive_routine", "social_investment", "overall"}


@pytest.fixture(scope="module")
def arms():
    return load_instrument("arms-12")


def instrument_file(tmp_path, text, name="mine.toml"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / name)


def copy_of(name, tmp_path, *changes):
    """A copy of a shipped instrument with texts replaced, each of which must occur."""
    from importlib import resources

    text = resources.files("arms_irr.instruments").joinpath(f"{name}.toml").read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return instrument_file(tmp_path, text)


def problems_of(path):
    with pytest.raises(DataError) as caught:
        load_instrument(path)
    return [f"{p.message} {p.remedy}" for p in caught.value.problems]


# --- what ships

def test_the_five_instruments_ship():
    assert shipped_instruments() == (
        "arms-11", "arms-12", "rm2000-s", "strategy-quality", "three-point-items")


@pytest.mark.parametrize("name", shipped_instruments())
def test_shipped_instrument_loads_and_is_sound(name):
    instrument = load_instrument(name)
    assert instrument.name == name
    assert "reverse" in instrument.direction
    assert len(set(instrument.factor_ids)) == len(instrument.factors)
    assert instrument.provenance.startswith(("verified: ", "provisional: "))
    for factor in instrument.factors:
        assert factor.id.isidentifier()
        assert factor.id == factor.id.lower()
        assert factor.kind in KINDS
        assert factor.provenance.startswith(("verified: ", "provisional: "))
        assert "spec" not in factor.provenance
        assert factor.provisional is factor.provenance.startswith("provisional: ")
    for scale in instrument.scales.values():
        assert scale.name in {factor.scale for factor in instrument.factors}
        assert all(scale.index(label) == i for i, label in enumerate(scale.categories))


@pytest.mark.parametrize(("name", "protective"), [("arms-12", PROTECTIVE), ("arms-11", PROTECTIVE[:4])])
def test_arms_factors_and_provenance(name, protective):
    arms = load_instrument(name)
    assert arms.factor_ids == (*RISK, *protective, "overall")  # opportunity first: the overall rule needs it
    assert [f.kind for f in arms.factors] == ["risk"] * 7 + ["protective"] * len(protective) + ["overall"]
    verified = [f for f in arms.factors if not f.provisional]
    assert {f.id for f in verified} == VERIFIED  # and nothing else claims a source
    assert all("https://" in f.provenance or "Kewley" in f.provenance for f in verified)
    assert arms.rules["combination"] == []
    assert arms.scale_of("opportunity") == PRIORITY
    assert arms.scale_of("overall").categories == LEVELS.categories
    assert arms.scale_of("overall").not_rated == ()


def test_the_fifth_protective_factor_is_not_named(arms):
    fifth = arms.factor("protective_5")
    assert fifth.label == "Fifth protective factor (name not available)"
    assert fifth.provisional


def test_neighbours():
    scored = load_instrument("three-point-items")
    assert scored.kinds == ("item",)
    assert len(scored.provisional) == 10
    assert scored.scale_of("item_1").scores == (0, 1, 2)
    assert [scored.scale_of("item_10").index(code) for code in "012"] == [0, 1, 2]
    quality = load_instrument("strategy-quality")
    assert quality.factor_ids == ("specific", "measurable", "achievable", "relevant", "time_bound", "overall")
    assert quality.kinds == ("item", "overall")


# --- the scale reads what people write

@pytest.mark.parametrize(("text", "code"), [
    ("Low", 0), ("  medium ", 1), ("HIGH", 2), ("l", 0), ("M", 1), ("3", 2), ("Unable to rate", UNABLE),
    ("unable  TO\trate", UNABLE), ("UTR", UNABLE), ("utr ", UNABLE),
    ("Very High", None), ("VH", None), ("4", None), ("0", None), ("", None), ("Lo", None)])
def test_priority_scale_index(arms, text, code):
    assert arms.scale_of("opportunity").index(text) == code


@pytest.mark.parametrize(("text", "code"), [
    ("Very High", 3), ("very  high", 3), ("vh", 3), ("4", 3), ("High", 2), ("UTR", None),
    ("Unable to rate", None)])
def test_overall_scale_index(arms, text, code):
    assert arms.scale_of("overall").index(text) == code


def test_scale_labels():
    labels = [PRIORITY.label(code) for code in (0, 2, UNABLE, NOT_GIVEN)]
    assert labels == ["Low", "High", "Unable to rate", ""]
    assert Scale("s", ("a", "b")).label(UNABLE) == ""


# --- the door: every problem at once

FAULTY = """
name = "faulty"
titel = "A typo"
direction = 3
[scales.priority]
categories = ["Low", "Medium", "High"]
codes = ["1", "2"]
colour = "red"
not_rated = 7
[scales.twice]
categories = ["No", "no"]
level = "ordinary"
[scales.points]
categories = ["a", "b", "c"]
short = ["x", "y", "a"]
scores = [1, 3, 2]
[[factors]]
id = "one"
label = "One"
kind = "riks"
scale = "priority"
[[factors]]
id = "one"
label = 5
kind = "risk"
scale = "prority"
[[factors]]
label = "No id"
kind = "risk"
scale = "priority"
optional = "yes"
[rules]
predominance = "yes"
visit_interval_months = { Low = 12, Medium = 6, High = 3 }
combinations = []
[rules.rm2000]
step_one = ["one", "two"]
"""

EXPECTED = (
    "Unknown key 'titel' in the instrument. Did you mean 'title'?",
    "The instrument has no 'title'.",
    "'direction' in the instrument has the wrong type.",
    "'codes' in [scales.priority] has 2 entries for 3 categories.",
    "Unknown key 'colour' in [scales.priority].",
    "'not_rated' in [scales.priority] has the wrong type. It must be a list",
    "[scales.twice] needs at least two categories, all different.",
    "Unknown level 'ordinary' in [scales.twice].",
    "'a' in [scales.points] stands for two things.",
    "'scores' in [scales.points] must be ascending numbers.",
    "Unknown kind 'riks' in [[factors]] number 1. Did you mean 'risk'?",
    "The factor id 'one' occurs twice.",
    "'label' in [[factors]] number 2 has the wrong type. It must be a text in quotes.",
    "Unknown scale 'prority' in [[factors]] number 2. Did you mean 'priority'?",
    "[[factors]] number 3 has no 'id'.",
    "'optional' in [[factors]] number 3 has the wrong type. It must be true or false.",
    "'predominance' in [rules] has the wrong type.",
    "visit_interval_months must give one number to each of Low, Medium, High, Very High.",
    "Unknown key 'combinations' in [rules]. Did you mean 'combination'?",
    *(f"[rules.rm2000] has no {key!r}." for key in ("aggravating", "bands", "uplift", "provenance")),
)


def test_a_malformed_file_lists_every_problem_at_once(tmp_path):
    found = problems_of(instrument_file(tmp_path, FAULTY))
    for expected in EXPECTED:
        assert sum(expected in problem for problem in found) == 1, expected
    assert len(found) == len(EXPECTED), found


MINIMAL = """
name = "m"
title = "M"
[scales.s]
categories = ["a", "b"]
[[factors]]
id = "f"
label = "F"
kind = "risk"
scale = "s"
"""


def test_a_minimal_file_is_enough(tmp_path):
    instrument_file(tmp_path, "\ufeff" + MINIMAL)  # Notepad writes a byte order mark
    mine = load_instrument("mine.toml", beside=tmp_path)
    assert mine.factor_ids == ("f",)
    assert mine.scale_of("f").scores == (1, 2)
    assert mine.rules == {}
    assert not mine.factor("f").provisional


@pytest.mark.parametrize(("text", "expected"), [
    ("name = ", "not valid TOML"),
    ("", "The instrument has no 'factors'"),
    ('name = "x"\ntitle = "y"\nfactors = []\n[scales]', "The instrument has no scales."),
    ('name = "x"\ntitle = "y"\nfactors = [1]\nscales = { s = 3 }', "[[factors]] number 1 is not a table."),
    ('name = "x"\ntitle = "y"\nfactors = 1\nscales = [1]', "'scales' in the instrument has the wrong type."),
    (MINIMAL.replace('"b"]', '"b"]\nscores = [true, false]'), "must be ascending numbers"),
    (MINIMAL.replace('"b"]', '"b"]\nnot_rated = ["A"]'), "'a' in [scales.s] stands for two things"),
    (MINIMAL + "[rules]\npredominance = true", "does not fit the scales"),
    (MINIMAL + '[rules]\nvisit_interval_months = {Low = 0, Medium = 1, High = 1, "Very High" = 1}',
     "not positive"),
    (MINIMAL + '[rules]\ncombination = "none"', "must be a list of rows"),
    (MINIMAL + "[rules]\nrm2000 = 3", "[rules.rm2000] is not a table."),
    (MINIMAL + '[rules.rm2000]\nstep_one = ["f", "g", [1]]\naggravating = ["f"]\nuplift = [0]\n'
     'bands = {Low = 0, Medium = 9, High = 5, "Very High" = 7}\nprovenance = ""',
     "names an unknown item 'g'"),
])
def test_no_file_ends_in_a_traceback(tmp_path, text, expected):
    assert any(expected in problem for problem in problems_of(instrument_file(tmp_path, text)))


def test_rm2000_rule_faults_are_all_listed(tmp_path):
    path = copy_of("rm2000-s", tmp_path, ("uplift = [0, 0, 1, 1, 2]", "uplift = [0, 0, 1, -1]"),
                   ("High = 3, \"Very High\" = 5", "High = 1, \"Very High\" = 5"),
                   ('categories = ["No", "Yes"]', 'categories = ["No", "Unknown", "Yes"]'),
                   ('short = ["N", "Y"]\ncodes = ["0", "1"]\nscores = [0, 1]', ""))
    found = problems_of(path)
    assert sum("needs a scale of two" in problem for problem in found) == 4
    assert any("Give 5 whole numbers" in problem for problem in found)
    assert any("must rise from Low to Very High" in problem for problem in found)
    assert len(found) == 6


def test_unknown_instrument_names_the_nearest(tmp_path):
    assert "Did you mean 'arms-12'?" in problems_of("arms12")[0]


def test_a_file_in_another_encoding_is_refused_in_words(tmp_path):
    (tmp_path / "mine.toml").write_bytes(MINIMAL.replace("F", "\u00e9").encode("cp1252"))
    assert "Save it as a UTF-8 text file." in problems_of(str(tmp_path / "mine.toml"))[0]
