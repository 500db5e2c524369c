"""Differences of two coefficients and permutation tests: the peers' values, explicit loops, and what is refused."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from arms_irr.errors import ArgumentError
from arms_irr.statistics.arrays import agreement
from arms_irr.statistics.differences import difference
from arms_irr.statistics.permutation import label_permutation, sign_flip

REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "models"
FILES = {"a1": "a1_pilot", "c1": "c1_r48c12_blocks6", "e1": "e1_pilot_missing"}
NAMES = {"ac2": "gwet", "alpha": "krippendorff", "bp": "brennan_prediger", "conger": "conger", "fleiss": "fleiss", "pa": "percent"}
beside = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference set is not beside this checkout")


def ratings(seed, units=12, raters=6, missing=0.0, spread=1.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(units, 1)) * spread + rng.normal(size=(units, raters)) * 0.8 + 2
    x = np.clip(np.round(x), 1, 3)
    x[rng.random(x.shape) < missing] = np.nan
    return x


# --- the peers --------------------------------------------------------------------------------------------


def rows_of(dataset):
    with open(REFERENCE / "data" / f"{FILES[dataset]}.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def table(rows, subject, chosen):
    rows = [r for r in rows if chosen(r)]
    raters = sorted({r["rater"] for r in rows})
    subjects = sorted({subject(r) for r in rows})
    out = np.full((len(subjects), len(raters)), np.nan)
    for r in rows:
        if r["rating"] not in ("", "NA"):
            out[subjects.index(subject(r)), raters.index(r["rater"])] = float(r["rating"])
    return out


def groups(dataset):
    rows = rows_of(dataset)
    if dataset == "c1":
        return [table(rows, lambda r: (r["case"], r["factor"]), lambda r, a=a: r["agency"] == a) for a in ("police", "probation")]
    return [table(rows, lambda r: r["factor"], lambda r, c=c: r["case"] == c) for c in ("C01", "C02")]


@beside
def test_gwet_paired_linearisation_equals_pairedcac():
    """Every pairedCAC entry: three data sets (complete, incomplete blocks, missing), six coefficients, two weights.

    Left out: its standard error of alpha where subjects have unequal numbers of ratings, shown wrong below.
    """
    entries = [json.loads(line) for line in (REFERENCE / "expected.jsonl").read_text("utf-8").splitlines()]
    checked = 0
    for dataset in FILES:
        first, second = groups(dataset)
        expected = {}
        for e in entries:
            if e["dataset"] == dataset and e["model"].startswith("pairedCAC_"):
                expected.setdefault(e["model"], {})[e["quantity"]] = e
        for model, quantities in expected.items():
            _, name, weights = model.split("_")
            found = difference(first, second, NAMES[name], weights.replace("unweighted", "identity"), [1, 2, 3], paired="subjects")
            ours = {"coeff1": found.parts["a"], "coeff2": found.parts["b"], "difference": found.value, "t": found.parts["t"],
                    "p_value": found.parts["p"]}
            for quantity, e in quantities.items():
                if name == "alpha" and dataset != "a1":  # only the values
                    if quantity in ("t", "p_value"):
                        continue
                    e = e | {"se": None}
                assert ours[quantity] == pytest.approx(e["value"], abs=1e-6), (dataset, model, quantity)
                if e["se"] is not None:
                    assert found.se == pytest.approx(e["se"], abs=1e-6), (dataset, model)
                checked += 1
    assert checked == 180 - 8


@beside
@pytest.mark.parametrize("weights", ["identity", "quadratic"])
def test_pairedcac_is_wrong_for_alpha_with_unequal_numbers_of_ratings(weights):
    """144 subjects with 7 to 17 ratings: the subject jackknife, which knows no formula, is at ours and not at pairedCAC's."""
    first, second = groups("c1")
    name = f"pairedCAC_alpha_{weights.replace('identity', 'unweighted')}"
    peer = next(e["se"] for line in (REFERENCE / "expected.jsonl").read_text("utf-8").splitlines()
                if (e := json.loads(line))["dataset"] == "c1" and e["model"] == name and e["quantity"] == "difference")
    left_out = np.array([difference(np.delete(first, i, 0), np.delete(second, i, 0), "krippendorff", weights, [1, 2, 3],
                                    paired="subjects").value for i in range(144)])
    jackknife = np.sqrt(143 / 144 * np.sum((left_out - left_out.mean()) ** 2))
    found = difference(first, second, "krippendorff", weights, [1, 2, 3], paired="subjects")
    assert found.se == pytest.approx(jackknife, rel=0.01)
    assert peer > 1.2 * jackknife


def shares(rows, chosen):
    """Agreement with the gold standard of each of the first ten raters."""
    raters = sorted({r["rater"] for r in rows})[:10]
    given = [r for r in rows if chosen(r) and r["rating"] not in ("", "NA")]
    return np.array([np.mean([r["rating"] == r["gold"] for r in given if r["rater"] == rater]) for rater in raters]), raters


@beside
@pytest.mark.parametrize("dataset", FILES)
def test_permutation_tests_equal_full_enumeration(dataset):
    expected = {(e["model"], e["quantity"]): e for line in (REFERENCE / "expected.jsonl").read_text("utf-8").splitlines()
                if (e := json.loads(line))["dataset"] == dataset}
    rows = rows_of(dataset)
    for model, one, other in (("signflip_low_minus_high", ("band", "lower"), ("band", "higher")),
                              ("signflip_risk_minus_protective", ("kind", "risk"), ("kind", "protective"))):
        d = shares(rows, lambda r, k=one: r[k[0]] == k[1])[0] - shares(rows, lambda r, k=other: r[k[0]] == k[1])[0]
        found, mean = sign_flip(d), expected[model, "mean_difference"]
        assert found.parts["p"] == pytest.approx(expected[model, "p_two_sided"]["value"], abs=1e-12)
        assert found.parts["p_t"] == pytest.approx(expected[model, "t_p_value"]["value"], abs=1e-10)
        assert (found.value, found.se, found.ci_low, found.ci_high) == pytest.approx(
            (mean["value"], mean["se"], mean["ci_low"], mean["ci_high"]), abs=1e-10)
    share, raters = shares(rows, lambda r: True)
    agency = {r["rater"]: r["agency"] for r in rows}
    police = np.array([agency[r] == "police" for r in raters])
    found = label_permutation(share[~police], share[police])
    assert found.parts["assignments"] == 210
    assert found.parts["p"] == pytest.approx(expected["perm_agency", "p_two_sided"]["value"], abs=1e-12)
    assert found.value == pytest.approx(expected["perm_agency", "mean_difference"]["value"], abs=1e-10)


# --- explicit loops ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gwet", "fleiss", "conger", "krippendorff", "light", "percent"])
def test_paired_by_raters_is_the_jackknife_of_the_difference(name):
    a, b = ratings(1, 12, 7, 0.1), ratings(2, 9, 7, 0.1)
    found = difference(a, b, name, "quadratic", [1, 2, 3], paired="raters")

    def value(keep):
        return agreement(b[:, keep], name, "quadratic", [1, 2, 3]).value - agreement(a[:, keep], name, "quadratic", [1, 2, 3]).value

    every = np.arange(7)
    left_out = np.array([value(every != j) for j in every])
    assert found.value == pytest.approx(value(every >= 0), abs=1e-12)
    assert found.se == pytest.approx(np.sqrt(6 / 7 * np.sum((left_out - left_out.mean()) ** 2)), abs=1e-10)
    assert found.df == 6
    assert found.ci_low < found.value < found.ci_high


def test_a_rater_of_one_table_only_still_moves_the_difference():
    a, b = ratings(1, 12, 6), ratings(2, 12, 6)
    b[:, 5] = np.nan
    found = difference(a, b, categories=[1, 2, 3], paired="raters")
    every = np.arange(6)
    whole = agreement(b, categories=[1, 2, 3]).value
    left_out = [(whole if j == 5 else agreement(b[:, every != j], categories=[1, 2, 3]).value)
                - agreement(a[:, every != j], categories=[1, 2, 3]).value for j in every]
    assert found.se == pytest.approx(np.sqrt(5 / 6 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2)), abs=1e-12)


def test_independent_groups_add_variances_with_satterthwaite_df():
    a, b = ratings(3, 12, 5), ratings(4, 12, 9)
    found = difference(a, b, "gwet", "linear", [1, 2, 3], paired=None)
    x, y = (agreement(t, "gwet", "linear", [1, 2, 3], "raters") for t in (a, b))
    assert found.se == pytest.approx(np.hypot(x.se, y.se), abs=1e-12)
    assert found.df == pytest.approx((x.se**2 + y.se**2) ** 2 / (x.se**4 / 4 + y.se**4 / 8))
    assert 4 < found.df < 12


@pytest.mark.parametrize("paired", ["subjects", "raters", None])
@pytest.mark.parametrize("name", ["gwet", "conger", "krippendorff"])
def test_swapping_the_tables_changes_the_sign_only(paired, name):
    a, b = ratings(5, 14, 6, 0.1), ratings(6, 14, 6, 0.1)
    one, other = (difference(x, y, name, "quadratic", [1, 2, 3], paired=paired) for x, y in ((a, b), (b, a)))
    assert other.value == pytest.approx(-one.value)
    assert (other.se, other.df, other.parts["p"]) == pytest.approx((one.se, one.df, one.parts["p"]))
    assert other.ci_low == pytest.approx(-one.ci_high)


def test_a_table_against_itself_is_0_without_an_interval():
    a = ratings(7)
    found = difference(a, a, paired="subjects", categories=[1, 2, 3])
    assert (found.value, found.se) == (0, 0)
    assert "zero-se" in found.flags
    assert np.isnan(found.ci_low)


def test_cohens_kappa_of_two_pairs_of_raters_on_the_same_subjects():
    """Row i has to be subject i in both, also where a pair left a subject out."""
    a, b = ratings(8, 40, 2), ratings(8, 40, 2)
    b[:, 1] = ratings(9, 40, 1)[:, 0]
    a[3, 0] = b[10, 1] = np.nan
    found = difference(a, b, "cohen", "linear", [1, 2, 3], paired="subjects")

    def value(keep):
        return agreement(b[keep], "cohen", "linear", [1, 2, 3]).value - agreement(a[keep], "cohen", "linear", [1, 2, 3]).value

    every = np.arange(40)
    left_out = np.array([value(every != i) for i in every])
    jackknife = np.sqrt(39 / 40 * np.sum((left_out - left_out.mean()) ** 2))
    assert found.se == pytest.approx(jackknife, rel=0.03)


def test_sign_flips_by_an_explicit_loop_with_ties():
    d = np.array([0.1, 0.2, 0.3, -0.1, 0.2, 0.1, 0.3])
    sums = [abs(sum(s * x for s, x in zip(signs, d, strict=True))) for signs in itertools.product((-1, 1), repeat=7)]
    expected = np.mean([round(s, 6) >= round(abs(d.sum()), 6) for s in sums])
    assert sign_flip(d).parts["p"] == expected
    assert sign_flip(d[::-1]).parts["p"] == expected  # another order of adding up
    assert sign_flip([*d, np.nan]).parts["p"] == expected


def test_drawn_assignments_are_near_the_exact_p_and_count_the_one_observed():
    rng = np.random.default_rng(1)
    d = rng.normal(0.35, 1, 15)  # 2^15 > 2^14
    signs = 1.0 - 2 * (np.arange(2**15)[:, None] >> np.arange(15) & 1)
    exact = np.mean(np.abs(signs @ d) >= abs(d.sum()) - 1e-9)
    found = sign_flip(d, replicates=20_000, seed=3)
    assert found.parts["assignments"] == 20_001
    assert found.parts["p"] == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))
    assert sign_flip(d, seed=3) == sign_flip(d, seed=3)
    assert sign_flip(np.full(40, 1.0)).parts["p"] == 1 / 10_000  # never 0


def test_labels_drawn_and_enumerated():
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, 4), rng.normal(1, 1, 5)
    everyone = np.concatenate([a, b])
    gaps = [abs(everyone[list(g)].mean() - everyone[[i for i in range(9) if i not in g]].mean()) for g in itertools.combinations(range(9), 5)]
    assert label_permutation(a, b).parts["p"] == np.mean(np.array(gaps) >= abs(b.mean() - a.mean()) - 1e-9)
    x, y = rng.normal(0, 1, 12), rng.normal(0.6, 1, 12)
    drawn = label_permutation(x, y, replicates=5000)
    assert drawn.parts["assignments"] == 5001
    assert drawn.parts["p"] == pytest.approx(drawn.parts["p_t"], abs=0.03)


@pytest.mark.parametrize("found", [sign_flip([]), sign_flip([0.1]), label_permutation([0.1], [0.2, 0.3]), label_permutation([], [1, 2])])
def test_too_few_values_are_nan_with_a_reason(found):
    assert np.isnan(found.value)
    assert found.reasons


def test_equal_differences_have_a_p_but_no_t_interval():
    found = sign_flip([0.5] * 6)
    assert found.parts["p"] == 2 / 64
    assert np.isnan(found.ci_low)
    assert "zero-se" in found.flags


@pytest.mark.parametrize(
    ("more", "message"),
    [({"paired": "officers"}, "paired"), ({"paired": "subjects"}, "rows"), ({"paired": "raters"}, "columns"),
     ({"paired": None, "target": "cases"}, "target"), ({"paired": None, "null": 3}, "null"),
     ({"paired": None, "confidence_level": 95}, "0.95")],
)
def test_what_cannot_be_compared_says_so(more, message):
    with pytest.raises(ArgumentError, match=message):
        difference(ratings(1, 12, 6), ratings(2, 9, 5), **more)


def test_an_undefined_coefficient_gives_its_reason():
    found = difference(np.ones((8, 4)), ratings(1, 8, 4), "fleiss", categories=[1, 2, 3], paired="subjects")
    assert np.isnan(found.value)
    assert "one-category" in found.flags
    assert found.parts["a"] != found.parts["a"]
    with pytest.raises(ArgumentError):
        sign_flip([[1, 2], [3, 4]])
    with pytest.raises(ArgumentError):
        sign_flip([np.inf, 1])
    with pytest.raises(ArgumentError):
        label_permutation(np.arange(20.0), np.arange(20.0), replicates=3)
