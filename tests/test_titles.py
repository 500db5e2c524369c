"""Every statistic has its words and its unit, in one place, and is printed with them."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest

import arms_irr as irr
from arms_irr.analysis.gold import MEASURES
from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.titles import TITLES, Title, Unit, title_of, words_of
from arms_irr.cli.lay import UNITS, row_per_estimate
from arms_irr.reporting.naming import COEFFICIENT_NAMES, coefficient_name
from arms_irr.statistics.agreement import COEFFICIENTS
from arms_irr.statistics.estimate import Estimate, undefined

NOT_CARRIED = {"before_after", "training_effect", "final_level", "visits", "uncertain_gold"}  # by the pilot: one occasion, no table, no panel
QUICK = {"reach": {"replicates": 20}, "severity": {"replicates": 20}}  # options of verbs that would take long; a verb with required arguments has them here
VERBS = [name for name, verb in vars(irr.Study).items() if inspect.isfunction(verb) and verb.__annotations__.get("return") == "Result"]


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


@pytest.mark.parametrize("verb", VERBS)
def test_whatever_a_verb_says_has_a_title(pilot, verb):
    if verb == "crosscheck":
        pytest.importorskip("pingouin")
    if verb in NOT_CARRIED:
        with pytest.raises(irr.ArgumentError):
            getattr(pilot, verb)()
        return
    found = getattr(pilot, verb)(**QUICK.get(verb, {}))
    assert isinstance(found, Result)
    assert found.synthetic
    assert {row.coefficient for row in found} <= set(TITLES)


def test_the_verbs_are_the_functions_of_the_same_name(pilot):
    from arms_irr.analysis import distributions, elsewhere, imputation, interpretation, overall

    assert {"completeness", "confusion", "overall_consistency", "gold_rules", "paradox", "fragile", "reach"} <= set(VERBS)
    for module, names in ((distributions, ("completeness", "confusion")), (overall, ("overall_consistency",)),
                          (imputation, ("gold_rules",)), (interpretation, ("paradox", "fragile", "reach"))):  # fmt: skip
        for name in names:
            options = QUICK.get(name, {})
            verb, function = getattr(pilot, name), getattr(module, name)
            assert verb(**options).to_csv() == function(pilot, **options).to_csv()
    assert pilot.script("stata", ["case"]) == elsewhere.script(pilot, "stata", ["case"])
    between = pilot.agreement(["case"])
    assert between.benchmarks("altman", sure=0.9).to_csv() == interpretation.benchmarks(between, "altman", sure=0.9).to_csv()


def test_titles_agree_with_the_table_of_coefficients():
    for name, row in COEFFICIENTS.items():
        assert TITLES[name].words == row.title.removesuffix("1/AC2")
    assert set(MEASURES) <= set(TITLES)
    words = [title.words for title in TITLES.values()]
    assert len(words) == len(set(words))
    assert all(words)


def test_units():
    assert set(UNITS) == set(get_args(Unit))
    assert {title.unit for title in TITLES.values()} <= set(UNITS)
    shares = ("percent", "exact", "unable_to_rate", "sensitivity", "consistent_overall", "given")
    assert {TITLES[name].unit for name in shares} == {"share"}
    assert title_of("nothing of the kind") == Title("nothing of the kind", "coefficient")


def test_names_for_people():
    assert [words_of("gwet", w) for w in ("", "identity", "linear")] == ["Gwet's AC", "Gwet's AC1", "Gwet's AC2"]
    assert coefficient_name("gwet", "quadratic") == "Gwet's AC2, quadratic weights"
    assert coefficient_name("percent", "identity") == "Percent agreement, exact"
    assert coefficient_name("fleiss", "identity") == "Fleiss' kappa"
    assert coefficient_name("exact") == "Same priority as the gold standard"
    assert set(COEFFICIENT_NAMES) == {*COEFFICIENTS, "r_wg", "icc"}


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("share", ("25.0 %", "−10.0 to 125.0")),
        ("points", ("+25.0 points", "−10.0 to 125.0")),
        ("coefficient", ("0.250", "−0.100 to 1.250")),
        ("steps", ("+0.25 steps", "−0.10 to 1.25")),
        ("count", ("0.2", "−0.1 to 1.2")),
        ("months", ("0.2 months", "−0.1 to 1.2")),
        ("probability", ("0.250", "−0.100 to 1.250")),
        ("ratio", ("0.25", "−0.10 to 1.25")),
    ],
)
def test_a_number_is_printed_in_its_unit(monkeypatch, unit, shown):
    monkeypatch.setitem(TITLES, "made_up", Title("Made up for this test", unit))
    result = Result("?", (), (Row({}, "made_up", Estimate(0.25, ci_low=-0.1, ci_high=1.25)), Row({}, "made_up", undefined("no-ratings"))))
    first, none = row_per_estimate(result, 0.95).rows
    assert first[:3] == ("Made up for this test", *shown)
    assert none[:3] == ("Made up for this test", "n/a", "n/a")


def test_whole_counts_have_no_decimals():
    result = Result("?", (), (Row({}, "count", Estimate(1234.0)), Row({}, "count", Estimate(3.0, ci_low=2.0, ci_high=4.5))))
    one, other = row_per_estimate(result, 0.95).rows
    assert one[1:3] == ("1,234", "n/a")
    assert other[1:3] == ("3.0", "2.0 to 4.5")
