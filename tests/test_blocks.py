"""Designs of incomplete blocks: balance where it exists, connectedness, links, repeats, and refusals with a way out."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest

import arms_irr as irr
from arms_irr.errors import ArgumentError
from arms_irr.planning.blocks import assignment_table, block_quality, build_design
from arms_irr.planning.designs import Case, Design, Rater, second_exercise
from arms_irr.planning.parameters import Parameters
from arms_irr.planning.simulate import simulate

SECOND = (40, {"lower": 6, "higher": 6}, 6, 2)


def plain(n, band="lower"):
    return [Case(f"{band}_{i}", band, (0,) * 12, 0) for i in range(n)]


def concurrences(design):
    rated = design.rated().astype(int)
    return [int((rated[:, a] & rated[:, b]).sum()) for a, b in combinations(range(rated.shape[1]), 2)]


def summary(design):
    """What a design's balance comes to, without the order of officers and cases."""
    quality = block_quality(design)
    pairs = [(row["pairs"], row.estimate.value, row.estimate.parts["least"], row.estimate.parts["most"]) for row in quality.where("concurrence")]
    replications = [sorted(row.estimate.value for row in quality.where("replications", agency=a)) for a in ("", "police", "probation")]
    return pairs, replications, quality.get("components").value


# v, k, b: parameters of balanced incomplete block designs that exist (Cochran & Cox 1957, table 11.3)
@pytest.mark.parametrize(("v", "k", "b"), [(5, 2, 10), (6, 2, 15), (6, 3, 10), (7, 3, 7), (7, 3, 14), (7, 4, 7), (8, 4, 14), (9, 3, 12), (9, 4, 18),
                                           (10, 4, 15), (10, 4, 30), (11, 5, 11), (13, 4, 13)])  # fmt: skip
def test_balanced_designs_where_they_exist(v, k, b):
    design = build_design({"police": b}, plain(v), k, links=0)
    assert set(concurrences(design)) == {b * k * (k - 1) // (v * (v - 1))}
    assert set(design.rated().sum(0)) == {b * k // v}
    # the efficiency factor of a balanced design, v (k - 1) / [k (v - 1)]
    assert block_quality(design).get("efficiency_factor").value == pytest.approx(v * (k - 1) / (k * (v - 1)), abs=1e-12)


def test_the_second_exercise_is_matched():
    built, known = build_design(*SECOND), second_exercise(1)
    assert summary(built) == summary(known)
    assert sorted(built.rated().sum(0)) == [16] * 10 + [40] * 2
    lower = built.bands() == 0
    assert set(built.rated()[:, lower].sum(1)) == {3}
    golds = built.golds()
    assert all((golds == k).sum(0).tolist() == [4] * 12 for k in range(3))
    assert block_quality(built).get("efficiency_factor").value == pytest.approx(block_quality(known).get("efficiency_factor").value, abs=1e-3)


@pytest.mark.parametrize("case", [
    (37, {"lower": 5, "higher": 4}, 5, 2), (23, {"lower": 4, "higher": 4}, 3, 1), (12, {"lower": 4, "higher": 4}, 3, 0), (9, {"lower": 8}, 4, 1),
    ({"police": {"north": 7, "south": 5}, "probation": 8}, {"lower": 3, "higher": 5}, 4, 2), (2, {"lower": 1, "higher": 1}, 2, 0),
    (2, {"lower": 1}, 1, 0), (20, {"lower": 2, "higher": 2}, 3, 2), (6, {"lower": 3, "higher": 3}, 2, 0),
], ids=str)
@pytest.mark.parametrize("by_band", [True, False])
def test_what_every_design_holds(case, by_band):
    officers, cases, per_officer, links = case
    design = build_design(officers, cases, per_officer, links, by_band=by_band, seed=3)
    rated = design.rated()
    linked = np.array([c.attributes["link"] == "yes" for c in design.cases])
    assert set(rated.sum(1)) == {per_officer}
    assert linked.sum() == links
    assert rated[:, linked].all()
    free = rated[:, ~linked]
    quality = block_quality(design)
    assert quality.get("components").value == 1
    assert 0 < quality.get("efficiency_factor").value <= 1 + 1e-12
    if free.shape[1]:
        within = [free] if not by_band else [free[:, design.bands()[~linked] == b] for b in (0, 1)]
        assert all(np.ptp(part.sum(0)) <= 1 for part in within if part.size)
        assert min(free.sum(0)) >= 2
        for part in within if by_band else ():
            assert np.ptp(part.sum(1)) <= 1


def test_agencies_and_sites_share_the_cases_evenly():
    design = build_design({"police": {"a": 10, "b": 10}, "probation": {"c": 10, "d": 10}}, {"lower": 6, "higher": 6}, 6)
    for attribute in ("agency", "site"):
        values = np.array([rater.attributes[attribute] for rater in design.raters])
        for value in set(values):
            counts = design.rated()[values == value].sum(0)
            assert np.ptp(counts[counts < (values == value).sum()]) <= (0 if attribute == "agency" else 2)


def test_a_design_follows_from_its_seed():
    first, again, other = (build_design(*SECOND, re_rated=2, seed=s) for s in (4, 4, 5))
    assert first == again
    assert first != other
    assert assignment_table(first, 9) == assignment_table(first, 9)
    assert assignment_table(first, 9) != assignment_table(first, 10)


def test_cases_rated_again_are_shared_out():
    design = build_design(*SECOND, re_rated=2)
    (later,) = design.later
    assert not later.trained
    bands = design.bands()
    for first, again in zip(design.assignment, later.assignment, strict=True):
        assert set(again) <= set(first)
        assert sorted(bands[list(again)]) == [0, 1]
    times = np.bincount(np.concatenate(later.assignment), minlength=12)
    assert np.ptp(times) <= 3
    table = assignment_table(design)
    assert len(table["officer"]) == 40 * 8
    assert table["occasion"].count("2") == 80
    study = simulate(design, Parameters(), 1)
    assert study.ratings["occasion"].count("2") == 80 * 13


def test_the_table_gives_each_officer_a_random_order():
    design = build_design(*SECOND)
    table = assignment_table(design, seed=2)
    ids = [case.id for case in design.cases]
    rows = list(zip(*table.values(), strict=True))
    seen = {}
    for officer, _, order, case in rows:
        seen.setdefault(officer, []).append((int(order), case))
    for rater, block in zip(design.raters, design.assignment, strict=True):
        assert [order for order, _ in seen[rater.id]] == [1, 2, 3, 4, 5, 6]
        assert sorted(ids.index(case) for _, case in seen[rater.id]) == list(block)
    first = [case for _, _, order, case in rows if order == "1"]
    assert len(set(first)) > 6


def test_quality_of_designs_from_elsewhere():
    raters, cases = tuple(Rater(f"o{j}", {}) for j in range(4)), tuple(plain(4))
    apart = Design("x", "", "", raters, cases, ((0, 1), (0, 1), (2, 3), (2, 3)))
    quality = block_quality(apart)
    assert quality.get("components").value == 2
    assert quality.get("efficiency_factor").value == 0
    assert "4 of 6 pairs" in quality.explain()
    complete = block_quality(Design("x", "", "", raters, cases, ((0, 1, 2, 3),) * 4))
    assert complete.get("efficiency_factor").value == pytest.approx(1, abs=1e-12)
    assert not len(complete.where("concurrence"))
    nothing = block_quality(Design("x", "", "", raters, cases, ((0, 1, 2, 3),) * 3 + ((),)))
    assert nothing.get("components").value == 2
    assert {row.coefficient for row in quality} <= set(irr.analysis.titles.TITLES)


def test_large_exercises_take_seconds():
    start = time.perf_counter()
    design = build_design(2000, {"lower": 10, "higher": 10}, 8)
    assert time.perf_counter() - start < 20
    assert np.ptp(sorted(design.rated().sum(0))[:-2]) <= 1


@pytest.mark.parametrize(("arguments", "words"), [
    ((40, {"lower": 6, "higher": 6}, 13), "12 for each"),
    ((40, {"lower": 6, "higher": 6}, 0), "1 for each"),
    ((40, {"lower": 6, "higher": 6}, 2, 2), "nearest design: links=1"),
    ((40, {"lower": 6, "higher": 6}, 6, -1), "0 or more"),
    ((40, {"lower": 6, "higher": 6}, 6, 2, 7), "nearest design: 6"),
    ((4, {"lower": 6, "higher": 6}, 5, 2), "7 officers, 7 vignettes for each officer, or 8 vignettes in all"),
    ((40, {"lower": 6, "higher": 6}, 1, 0), "links=1"),
    ((1, {"lower": 6, "higher": 6}, 6), "at least 2 officers"),
    ((2.5, {"lower": 6, "higher": 6}, 6), "whole numbers"),
    (({"police": -3}, {"lower": 6, "higher": 6}, 6), "whole numbers"),
    ((40, {"low": 6}, 3), "Did you mean 'lower'"),
    ((40, [], 3), "1 vignette"),
])  # fmt: skip
def test_impossible_designs_name_the_nearest(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        build_design(*arguments)


@pytest.mark.parametrize("change", [(7, 12, 5), (4, 12, 7), (4, 8, 5)])
def test_the_nearest_designs_can_be_built(change):
    """Of the refusal of 4 officers, 12 vignettes, 5 each, two of them links."""
    officers, n, per_officer = change
    assert block_quality(build_design(officers, {"lower": n // 2, "higher": n // 2}, per_officer)).get("components").value == 1
