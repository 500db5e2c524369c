"""Golds for the next vignettes, and what the present ones can show."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import arms_irr as irr
from arms_irr.analysis.titles import TITLES
from arms_irr.errors import ArgumentError
from arms_irr.instruments.rules import LEVELS, predominant
from arms_irr.planning.vignettes import gold_profiles, new_vignettes, vignette_diagnostics

MINIMUM = {"Low": 4, "Medium": 4, "High": 4}


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


def counts(result):
    """(factors, bands, golds), as the rows stand."""
    return np.array([row.estimate.value for row in result]).reshape(-1, 2, 3)


def test_twelve_vignettes_carry_the_golds_of_the_second_exercise():
    found = gold_profiles({"lower": 6, "higher": 6}, minimum=MINIMUM)
    assert counts(found).tolist() == [[[3, 2, 1], [1, 2, 3]]] * 12
    assert not found.synthetic
    assert not found.notes


def test_vignettes_that_are_kept_count(pilot):
    found = gold_profiles({"lower": 5, "higher": 5}, existing=pilot, minimum=MINIMUM)
    kept = np.array([row.estimate.parts["kept"] for row in found]).reshape(-1, 2, 3)
    assert kept.sum() == 24
    together = kept + counts(found)
    assert (together.sum(1) == 4).all()
    assert (together.sum(2) == 6).all()
    assert (np.sort(together[:, 0, :], axis=1) >= 1).all()
    assert found.synthetic


@pytest.mark.parametrize("cases", [{"lower": 2, "higher": 2}, {"lower": 5, "higher": 4}, {"lower": 3}, {"lower": 7, "higher": 2}], ids=str)
def test_the_mix_is_the_nearest_of_all(cases):
    """By brute force over every way to give the golds."""
    least = min(4, sum(cases.values()) // 3)
    sizes = [cases.get("lower", 0), cases.get("higher", 0)]
    ways = [[w for w in product(range(n + 1), repeat=3) if sum(w) == n] for n in sizes]
    costs = {
        (a, b): sum((x - n * m / 6) ** 2 for way, n, mix in ((a, sizes[0], (3, 2, 1)), (b, sizes[1], (1, 2, 3)))
                    for x, m in zip(way, mix, strict=True))
        for a, b in product(*ways) if all(x + y >= least for x, y in zip(a, b, strict=True))
    }
    chosen = counts(gold_profiles(cases))[0]
    assert costs[tuple(map(tuple, chosen.astype(int).tolist()))] == pytest.approx(min(costs.values()), abs=1e-9)


def test_fewer_vignettes_than_the_usual_minimum_are_said_to_be_few():
    assert "at least 1 times" in gold_profiles({"lower": 3, "higher": 2}).explain()
    assert (counts(gold_profiles({"lower": 3, "higher": 2})).sum(1) >= 1).all()


def test_new_vignettes_carry_the_golds_of_the_table(pilot):
    made = new_vignettes({"lower": 5, "higher": 4}, existing=pilot, seed=6)
    table = counts(gold_profiles({"lower": 5, "higher": 4}, existing=pilot))
    for b, band in enumerate(("lower", "higher")):
        golds = np.array([case.gold for case in made if case.risk_band == band])
        assert np.array_equal(np.stack([(golds == k).sum(0) for k in range(3)], axis=1), table[:, b])
    assert all(LEVELS.categories[case.overall] == predominant(case.gold) for case in made)
    assert len({case.id for case in made} | set(pilot.cases)) == 11
    assert made == new_vignettes({"lower": 5, "higher": 4}, existing=pilot, seed=6)
    assert made != new_vignettes({"lower": 5, "higher": 4}, existing=pilot, seed=7)
    assert {len(case.gold) for case in new_vignettes({"lower": 2}, instrument="arms-11")} == {11}


@pytest.mark.parametrize(("arguments", "options", "words"), [
    ({"lower": 3, "higher": 2}, {"minimum": MINIMUM}, "need 12 new vignettes, not 5.*'lower': 6, 'higher': 6.*at least 1 of each with 5"),
    ({"middle": 3}, {}, "not a risk band"),
    ({"lower": -1}, {}, "whole number"),
    ({}, {}, "no new vignettes"),
    ({"lower": 3}, {"minimum": {"Hihg": 1}}, "Did you mean 'High'"),
    ({"lower": 3}, {"minimum": {"High": -1}}, "whole number"),
    ({"lower": 3}, {"instrument": "rm2000-s"}, "Use arms-12"),
])  # fmt: skip
def test_what_cannot_be_names_the_nearest(arguments, options, words):
    with pytest.raises(ArgumentError, match=words):
        gold_profiles(arguments, **options)


def test_a_kept_study_must_fit(pilot):
    for study in (replace(pilot, gold=None), replace(pilot, case_attributes={"risk_band": ("lower", "odd")})):
        with pytest.raises(ArgumentError, match="vignettes of"):
            gold_profiles({"lower": 5}, existing=study)
    with pytest.raises(ArgumentError, match="arms-11"):
        gold_profiles({"lower": 5}, instrument="arms-11", existing=pilot)


# --- diagnostics ---------------------------------------------------------------------------------------------------


def test_what_the_pilots_vignettes_can_show(pilot):
    found = vignette_diagnostics(pilot)
    assert found.synthetic
    assert {row.coefficient for row in found} <= set(TITLES)
    golds = pilot.gold
    for f, factor in enumerate(pilot.instrument.factors):
        used = found.get("gold_categories", factor=factor.id)
        assert used.value == len(set(golds[:, f].tolist()))
        assert ("constant-gold" in used.flags) == (used.value == 1)
        assert sum(used.parts.values()) == 2
    constant = [f.id for i, f in enumerate(pilot.instrument.factors) if golds[0, i] == golds[1, i]]
    assert constant
    assert all(factor in found.notes[0] for factor in constant)
    # two vignettes: whatever differs is only in one of them, and nothing varies without it
    varies = 13 - len(constant)
    for case in pilot.cases:
        assert found.get("only_here", case=case).value == varies
        assert found.get("only_here", case=case).parts["constant_without"] == varies


def test_unclear_cells_are_those_where_fewer_than_half_agree(pilot):
    found = vignette_diagnostics(pilot)
    unclear = 0
    for row in found.where("percent"):
        case, factor = pilot.cases.index(row["case"]), pilot.instrument.factor_ids.index(row["factor"])
        code = pilot.ratings.code[(pilot.ratings.case == case) & (pilot.ratings.factor == factor)]
        n = np.bincount(code[code >= 0])
        pairs = (n * (n - 1)).sum() / (n.sum() * (n.sum() - 1))
        exact = (code[code >= 0] == pilot.gold[case, factor]).mean()
        assert row.estimate.value == pytest.approx(pairs)
        assert ("ambiguous" in row.estimate.flags) == (pairs < 0.5 and exact < 0.5)
        assert ("ambiguous" in found.get("exact", case=row["case"], factor=row["factor"]).flags) == ("ambiguous" in row.estimate.flags)
        unclear += "ambiguous" in row.estimate.flags
    assert unclear
    assert "Unclear in these vignettes" in found.explain()


def test_a_full_set_adds_nothing_by_any_one_vignette():
    found = vignette_diagnostics(irr.example("second_exercise"))
    assert all(row.estimate.value == 0 for row in found.where("only_here"))
    assert all(row.estimate.value == 3 for row in found.where("gold_categories") if row["factor"] != "overall")


def test_odd_studies(pilot):
    bare = replace(pilot, gold=None, case_attributes={})
    found = vignette_diagnostics(bare)
    assert all(row.estimate.flags == ("no-gold",) for row in found if row.coefficient in ("gold_categories", "only_here"))
    assert not len(found.where("exact"))
    one = pilot.ratings.rater == 0
    columns = ("rater", "case", "factor", "code", "occasion", "urgency")
    alone = replace(pilot, ratings=replace(pilot.ratings, **{name: getattr(pilot.ratings, name)[one] for name in columns}))
    found = vignette_diagnostics(alone)
    assert not any("ambiguous" in row.estimate.flags for row in found)
    silent = replace(pilot, ratings=replace(pilot.ratings, code=np.full_like(pilot.ratings.code, -2)))
    assert not any(row.estimate.estimable for row in vignette_diagnostics(silent) if row.coefficient in ("percent", "exact"))
