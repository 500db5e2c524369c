"""Every officer against every other: counted by hand, pair by pair, and pooled by group."""

import math
import time
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import arms_irr as irr
from arms_irr.analysis.distributions import cells_map
from arms_irr.analysis.pairs_of_raters import rater_pairs
from arms_irr.errors import ArgumentError
from arms_irr.instruments import Factor, Instrument, Scale
from arms_irr.study.study import Ratings, Study

SCALE = Scale("priority", ("Low", "Medium", "High"), scores=(1, 2, 3), not_rated=("Unable to rate",))
BLANK, UNABLE, NOT_ASKED = -1, -2, -9


def study(codes, factors=None, **attributes):
    """A study of codes (raters, cases, factors), -9 where nothing was asked."""
    raters, cases, count = codes.shape
    factors = factors or [Factor(f"f{f}", f"Factor {f}", "risk", "priority") for f in range(count)]
    r, c, f = np.nonzero(codes != NOT_ASKED)
    ones = np.ones(len(r), dtype=np.int16)
    ratings = Ratings(r.astype(np.int32), c.astype(np.int32), f.astype(np.int32), codes[r, c, f].astype(np.int8), ones, -ones.astype(np.int8))
    attributes = {name: tuple(values) for name, values in attributes.items()}
    return Study(Instrument("x", "X", tuple(factors), {"priority": SCALE}), "Made", tuple(f"o{i}" for i in range(raters)),
                 tuple(f"c{i}" for i in range(cases)), ratings, rater_attributes=attributes)  # fmt: skip


def drawn(raters=7, cases=3, factors=6, seed=1, missing=0.2):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, (raters, cases, factors))
    codes[rng.random(codes.shape) < missing / 2] = BLANK
    codes[rng.random(codes.shape) < missing / 2] = UNABLE
    codes[0, 0] = NOT_ASKED
    return codes


def by_hand(a, b, weights):
    """Agreement, kappa and number of common subjects of two officers, from their ratings one by one."""
    both = [(x, y) for x, y in zip(a.ravel(), b.ravel(), strict=True) if x >= 0 and y >= 0]
    if not both:
        return math.nan, math.nan, 0
    n = len(both)
    w = {"identity": lambda x, y: float(x == y), "quadratic": lambda x, y: 1 - (x - y) ** 2 / 4}[weights]
    observed = sum(w(x, y) for x, y in both) / n
    expected = sum(w(x, y) for x, _ in both for _, y in both) / n**2
    return observed, (observed - expected) / (1 - expected) if expected < 1 else math.nan, n


@pytest.mark.parametrize("weights", ["identity", "quadratic"])
@pytest.mark.parametrize("coefficient", ["percent", "cohen"])
def test_every_pair_is_what_counting_by_hand_gives(coefficient, weights):
    codes = drawn()
    found = rater_pairs(study(codes), coefficient, weights)
    assert len(found) == 21
    for row in found:
        i, j = int(row["rater"][1:]), int(row["other"][1:])
        percent, kappa, n = by_hand(codes[i], codes[j], weights)
        assert row.estimate.value == pytest.approx(percent if coefficient == "percent" else kappa, abs=1e-12)
        assert row.estimate.n_subjects == n
        assert row.estimate.n_raters == 2
        assert math.isnan(row.estimate.ci_low)
    assert found.picture == "rater_heatmap"


def test_officers_stand_by_agency_and_then_by_mean_agreement():
    agency = ["police", "probation", "police", "probation", "police", "", "police"]
    codes = drawn()
    found = rater_pairs(study(codes, agency=agency))
    assert found.by == ("rater", "other", "agency", "other_agency")
    order = list(dict.fromkeys([*(row["rater"] for row in found), *(row["other"] for row in found)]))
    blocks = [agency[int(officer[1:])] for officer in order]
    assert blocks == ["police"] * 4 + ["probation"] * 2 + [""]
    assert found.rows[-1]["other_agency"] == "(not recorded)"
    values = {frozenset((row["rater"], row["other"])): row.estimate.value for row in found}
    means = [np.mean([values[frozenset((a, b))] for b in order if b != a]) for a in order]
    assert means[:4] == sorted(means[:4], reverse=True)
    assert means[4:6] == sorted(means[4:6], reverse=True)


def test_groups_pool_all_pairs_of_their_officers():
    """Beyond ``most`` officers: agreeing pairs of ratings over pairs of ratings, counted by hand."""
    codes = drawn(9, 3, 6, seed=2)
    agency = ["police" if i % 2 else "probation" for i in range(9)]
    site = [f"site {i % 3}" for i in range(9)]
    found = rater_pairs(study(codes, agency=agency, site=site), weights="quadratic", most=8)
    sums = {}
    for i, j in combinations(range(9), 2):
        observed, _, n = by_hand(codes[i], codes[j], "quadratic")
        key = frozenset(f"{agency[k]}, {site[k]}" for k in (i, j))
        agreeing, pairs = sums.get(key, (0.0, 0))
        sums[key] = (agreeing + (observed * n if n else 0.0), pairs + n)
    assert len(found) == 21
    for row in found:
        agreeing, pairs = sums.get(frozenset((row["rater"], row["other"])), (0.0, 0))
        if row.estimate.estimable:
            assert row.estimate.value == pytest.approx(agreeing / pairs, abs=1e-12)
        assert row["rater"].startswith(row["agency"])
    assert sum(row.estimate.estimable for row in found) == 18
    alone = [row for row in found if row["rater"] == row["other"] and not row.estimate.estimable]
    assert len(alone) == 3  # three groups have one officer
    assert all(row.estimate.flags == ("one-rater",) for row in alone)
    assert list(dict.fromkeys(row["agency"] for row in found)) == ["probation", "police"]


def test_more_sites_than_fit_are_pooled_by_agency_and_by_names_a_column():
    codes = drawn(9)
    made = study(codes, agency=["a", "b", "a"] * 3, site=[str(i) for i in range(9)], team=["x"] * 8 + ["y"])
    assert {row["rater"] for row in rater_pairs(made, most=8)} == {"a", "b"}
    assert {row["rater"] for row in rater_pairs(made, most=5, by="team")} == {"x", "y"}
    assert rater_pairs(made, by="team").by == ("rater", "other", "team", "other_team")


def test_without_attributes_all_officers_are_one_group():
    codes = drawn(9)
    (row,) = rater_pairs(study(codes), most=5)
    pairs = [by_hand(codes[i], codes[j], "identity") for i, j in combinations(range(9), 2)]
    assert row.estimate.value == pytest.approx(sum(o * n for o, _, n in pairs if n) / sum(n for *_, n in pairs), abs=1e-12)
    assert row.estimate.n_raters == 9


def test_pairs_with_little_in_common_are_suppressed():
    codes = np.zeros((3, 1, 8), dtype=int)
    codes[0, 0, :4], codes[1, 0, 4:] = UNABLE, UNABLE
    codes[2, 0, :4] = (1, 1, 2, 0)
    found = rater_pairs(study(codes))
    flags = {(row["rater"], row["other"]): row.estimate.flags for row in found}
    assert {frozenset(k): v for k, v in flags.items()} == {
        frozenset(("o0", "o1")): ("no-overlap",), frozenset(("o0", "o2")): ("few-subjects",), frozenset(("o1", "o2")): ("few-subjects",)
    }  # fmt: skip
    same = rater_pairs(study(np.ones((2, 1, 6), dtype=int)), "cohen")
    assert same.rows[0].estimate.flags == ("one-category",)


@pytest.mark.parametrize(
    "codes",
    [np.ones((1, 1, 6), dtype=int), np.full((3, 1, 6), UNABLE), np.full((70, 1, 6), BLANK), np.ones((3, 1, 1), dtype=int)],
    ids=["one officer", "all unable", "many blanks", "one factor"],
)
def test_odd_studies_have_a_result_and_a_picture(codes):
    found = rater_pairs(study(codes))
    assert not any(row.estimate.estimable for row in found)
    assert found.plot() is not None


def test_an_overall_priority_alone_and_mixed_scales_are_not_pooled():
    overall = [Factor("o", "Overall", "overall", "priority")]
    assert len(rater_pairs(study(np.ones((3, 1, 1), dtype=int), overall))) == 0
    made = study(np.ones((3, 1, 2), dtype=int), [Factor("a", "A", "risk", "priority"), Factor("b", "B", "risk", "other")])
    made = replace(made, instrument=replace(made.instrument, scales={"priority": SCALE, "other": replace(SCALE, name="other")}))
    assert rater_pairs(made).rows[0].estimate.flags == ("mixed-scales",)


def test_what_cannot_be_is_refused_with_a_remedy():
    made = study(drawn(), agency=["a"] * 7)
    with pytest.raises(ArgumentError, match="Did you mean 'cohen'"):
        rater_pairs(made, "cohens")
    with pytest.raises(ArgumentError, match="no attribute 'agencies'"):
        rater_pairs(made, by="agencies")
    with pytest.raises(ArgumentError, match="percent"):
        rater_pairs(made, "cohen", most=6)
    with pytest.raises(ArgumentError, match="weights"):
        rater_pairs(made, weights="squared")


def test_five_thousand_officers_take_seconds():
    rng = np.random.default_rng(3)
    made = study(rng.integers(0, 3, (5000, 4, 12)), agency=np.where(np.arange(5000) % 2, "a", "b").tolist())
    started = time.process_time()
    found = rater_pairs(made)
    assert time.process_time() - started < 5
    assert [row["rater"] + row["other"] for row in found] == ["bb", "ba", "aa"]
    assert all(abs(row.estimate.value - 1 / 3) < 0.01 for row in found)


# --- who gave what ---


def test_cells_map_holds_every_officer_case_and_factor():
    codes = drawn()
    found = cells_map(study(codes))
    assert len(found) == codes.size
    states = {"unable_to_rate": UNABLE, "not_given": BLANK, "not_asked": NOT_ASKED}
    for row in found:
        code = codes[int(row["rater"][1:]), int(row["case"][1:]), int(row["factor"][1:])]
        assert row.estimate.value == float(code >= 0)
        assert {name: row.estimate.parts[name] for name in states} == {name: float(code == state) for name, state in states.items()}
        assert row.estimate.parts["officers"] == 1
    assert found.picture == "missing_map"


def test_cells_map_of_many_officers_goes_from_least_to_most_given():
    codes = drawn(30, 2, 5, missing=0.5)
    found = cells_map(study(codes), most=4)
    sizes = {row["rater"]: row.estimate.parts["officers"] for row in found}
    assert list(sizes) == ["1 to 8", "9 to 16", "17 to 23", "24 to 30"]
    assert list(sizes.values()) == [8, 8, 7, 7]
    given = [sum(row.estimate.value for row in rows) for rows in found.split("rater").values()]
    assert given == sorted(given)
    total = sum(row.estimate.value * row.estimate.parts["officers"] for row in found)
    assert total == pytest.approx((codes >= 0).sum())
    for row in found:
        assert row.estimate.value + sum(v for k, v in row.estimate.parts.items() if k != "officers") == pytest.approx(1)
    assert found.plot() is not None
    with pytest.raises(ArgumentError, match="most=0"):
        cells_map(study(codes), most=0)


def test_the_pilot_has_both_pictures():
    pilot = irr.example("pilot")
    for found in (rater_pairs(pilot), cells_map(pilot)):
        assert found.synthetic
        texts = [text.get_text() for text in found.plot().texts]
        assert "Synthetic data" in texts
