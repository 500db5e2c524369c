"""Contrasts: brute force, other packages, balanced identities, simulation, and studies in which little can be compared."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import arms_irr as irr
from arms_irr.analysis.agencies import between_agencies
from arms_irr.analysis.by_factor import factor_contrasts, over_factors
from arms_irr.analysis.composition import adjusted_contrast, by_gold_category, standardised_contrast
from arms_irr.analysis.contrasts import confirmatory, contrast, interaction
from arms_irr.analysis.occasions import before_after
from arms_irr.analysis.titles import TITLES
from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import coefficient
from arms_irr.statistics.differences import difference
from arms_irr.statistics.group_agreement import group_agreement
from arms_irr.statistics.item_labels import item_permutation
from arms_irr.statistics.multiplicity import benjamini_hochberg, holm, max_t
from arms_irr.statistics.rater_contrasts import (
    between_groups,
    flip_p,
    jackknife_contrast,
    ratio_contrast,
    stratified_p,
    within_raters,
)
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.study import Study

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


@pytest.fixture(scope="module")
def second():
    return irr.read_study(ROOT / "data" / "second_exercise")


def made(study, rows=None, gold=True, cases=None, raters=None):
    """The pilot's frames, with ratings or tables replaced."""
    frame = study.frame() if rows is None else rows
    ratings = frame[["rater", "case", "factor", "rating", *(["occasion"] if frame["occasion"].nunique() > 1 else [])]]
    if cases is None:
        cases = pd.DataFrame({"case": study.cases, **study.case_attributes})
    if raters is None:
        raters = pd.DataFrame({"rater": study.raters, **study.rater_attributes})
        raters = raters[raters["rater"].isin(frame["rater"])]
    standard = frame[["case", "factor", "gold"]].drop_duplicates().rename(columns={"gold": "rating"}) if gold else None
    return Study.from_frames(ratings, standard, cases, raters, synthetic=True)


def shares(frame, column):
    """(officers, levels) mean agreement of each officer, pandas' way."""
    frame = frame[(frame["kind"] != "overall") & frame["rating"].notna() & (frame["rating"] != "Unable to rate")]
    return frame.assign(hit=frame["rating"] == frame["gold"]).groupby(["rater", column])["hit"].agg(["sum", "count"]).unstack()


# --- the statistics ---------------------------------------------------------------------------------------


def test_equal_totals_give_the_paired_t_interval():
    from scipy import stats

    rng = np.random.default_rng(3)
    y, m = rng.integers(0, 13, (9, 2)).astype(float), np.full((9, 2), 12.0)
    found, t = within_raters(y, m), stats.ttest_rel(y[:, 0] / 12, y[:, 1] / 12)
    low, high = t.confidence_interval()
    assert [found.value, found.ci_low, found.ci_high] == pytest.approx([t.statistic * found.se, low, high], rel=1e-12)
    assert found.parts["p_t"] == pytest.approx(t.pvalue, rel=1e-12)
    assert found.df == 8


def test_equal_totals_give_welch():
    from scipy import stats

    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 13, 7).astype(float), rng.integers(0, 13, 11).astype(float)
    found = between_groups((a, b), (np.full(7, 12.0), np.full(11, 12.0)))
    t = stats.ttest_ind(a / 12, b / 12, equal_var=False)
    low, high = t.confidence_interval()
    assert [found.ci_low, found.ci_high, found.df] == pytest.approx([low, high, t.df], rel=1e-12)
    assert found.parts["p_t"] == pytest.approx(t.pvalue, rel=1e-12)
    own = np.concatenate([a, b])
    gaps = [abs(own[list(c)].mean() - np.delete(own, list(c)).mean()) for c in itertools.combinations(range(18), 7)]
    brute = np.mean(np.array(gaps) >= abs(a.mean() - b.mean()) - 1e-9)
    assert found.parts["p"] == pytest.approx(brute, abs=0.02)  # 31,824 ways: drawn


def test_linearised_ratio_difference_is_the_jackknife_to_first_order():
    rng = np.random.default_rng(5)
    m = rng.integers(300, 500, (60, 4)).astype(float)
    y = rng.binomial(m.astype(int), rng.uniform(0.5, 0.8, (60, 4))).astype(float)
    c = np.array([1, -1, -1, 1.0])
    found = ratio_contrast(y, m, c)
    left = np.array([(np.delete(y, j, 0).sum(0) / np.delete(m, j, 0).sum(0)) @ c for j in range(60)])
    assert found.se == pytest.approx(math.sqrt(59 / 60 * ((left - left.mean()) ** 2).sum()), rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_flips_by_brute_force(seed):
    d = np.round(np.random.default_rng(seed).normal(0.3, 1, 9), 1)
    d[:2] = 0
    brute = np.mean([abs(np.dot(s, d)) >= abs(d.sum()) - 1e-9 for s in itertools.product([1, -1], repeat=9)])
    assert flip_p(d) == pytest.approx(brute, rel=1e-12)


def test_drawn_flips_are_close_to_all_of_them():
    d = np.round(np.random.default_rng(6).normal(0.35, 1, 16), 1)
    signs = 1 - 2.0 * (np.arange(2**16)[:, None] >> np.arange(16) & 1)
    brute = np.mean(np.abs(signs @ d) >= abs(d.sum()) - 1e-9)
    assert flip_p(d, replicates=99_999) == pytest.approx(brute, abs=0.005)


def test_flips_of_one_size_are_mcnemar():
    from statsmodels.stats.contingency_tables import mcnemar

    d = np.array([1] * 12 + [-1] * 4 + [0] * 9)
    assert flip_p(d) == pytest.approx(mcnemar([[5, 12], [4, 4]], exact=True).pvalue, rel=1e-12)
    assert flip_p(np.zeros(5)) == flip_p([0, 1, 0]) == flip_p([1, -1]) == 1


def test_stratified_labels_by_brute_force():
    x = {0: ([3.0, 5.0, 4.0], [1.0, 2.0]), 1: ([7.0, 9.0], [8.0, 4.0, 5.0]), 2: ([2.0], [])}
    a, b = (np.concatenate([v[k] for v in x.values()]) for k in (0, 1))
    sa, sb = (np.concatenate([[s] * len(v[k]) for s, v in x.items()]) for k in (0, 1))

    def statistic(first, rest):
        return len(first) * len(rest) / (len(first) + len(rest)) * (np.mean(first) - np.mean(rest)) if len(rest) else 0.0

    each = []
    for first, rest in x.values():
        pool = np.array(first + rest)
        ways = itertools.combinations(range(len(pool)), len(first))
        each.append([statistic(pool[list(w)], np.delete(pool, list(w))) for w in ways])
    observed = abs(sum(statistic(*v) for v in x.values()))
    brute = np.mean([abs(sum(s)) >= observed - 1e-9 for s in itertools.product(*each)])
    assert stratified_p(a, b, sa, sb, replicates=20000) == pytest.approx(brute, abs=0.012)
    assert math.isnan(stratified_p([1.0, 2.0], [3.0, 4.0], [0, 0], [1, 1]))


@pytest.mark.parametrize("name", ["gwet", "krippendorff", "conger", "percent"])
def test_jackknife_contrast_is_the_paired_difference(name):
    rng = np.random.default_rng(7)
    tables = [np.where(rng.random((8, 6)) < 0.1, -1, rng.integers(0, 3, (8, 6))) for _ in range(2)]
    w = agreement_weights("quadratic", np.array([1.0, 2, 3]))
    found = jackknife_contrast(coefficient(name), tables, (1, -1), np.array([1.0, 2, 3]), w)
    frames = [np.where(t < 0, np.nan, t + 1.0) for t in tables]
    theirs = difference(frames[1], frames[0], name, "quadratic", [1, 2, 3], paired="raters")
    assert [found.value, found.se, found.ci_low, found.parts["p"]] == pytest.approx(
        [theirs.value, theirs.se, theirs.ci_low, theirs.parts["p"]], rel=1e-12)


def test_adjusted_p_values_are_those_of_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(1).random(12) ** 3
    with_gap = np.insert(p, 4, np.nan)
    for ours, name in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        assert ours(p) == pytest.approx(multipletests(p, method=name)[1], rel=1e-12)
        assert np.delete(ours(with_gap), 4) == pytest.approx(ours(p))
        assert math.isnan(ours(with_gap)[4])
        assert ours([]).size == 0
    with pytest.raises(ArgumentError, match="0 to 1"):
        holm([1.2])


def test_max_t_of_one_difference_is_its_own_test_and_of_copies_too():
    rng = np.random.default_rng(2)
    d = rng.normal(0.4, 1, 12)
    terms = ((d - d.mean()) / 12)[:, None]
    p, critical = max_t(terms, [d.mean()], replicates=4999)
    twice, same = max_t(np.hstack([terms, terms]), [d.mean()] * 2, replicates=4999)
    assert p[0] == pytest.approx(flip_p(d), abs=0.03)
    assert (twice == p[0]).all()
    assert same == critical
    more, wider = max_t(rng.normal(size=(12, 10)) * 0.1, np.full(10, 0.01), replicates=999)
    assert wider > critical
    assert (more > 0.5).all()


def test_agreement_of_groups_by_brute_force():
    rng = np.random.default_rng(8)
    codes = rng.integers(0, 3, (5, 9))
    codes[rng.random(codes.shape) < 0.15] = -1
    group = np.arange(9) >= 5
    w = agreement_weights("quadratic", np.array([1.0, 2, 3]))

    def brute(codes, group):
        def mean(pairs_of):
            units = []
            for unit in codes:
                found = [w[unit[i], unit[j]] for i, j in pairs_of if unit[i] >= 0 and unit[j] >= 0]
                units += [np.mean(found)] if found else []
            return np.mean(units)
        a, b = np.flatnonzero(~group), np.flatnonzero(group)
        own = mean(list(itertools.combinations(a, 2))), mean(list(itertools.combinations(b, 2)))
        across = mean(list(itertools.product(a, b)))
        return np.array([*own, across, own[0] - own[1], sum(own) / 2 - across])

    found = list(group_agreement(codes, group, w).values())
    values = brute(codes, group)
    assert [one.value for one in found] == pytest.approx(values, rel=1e-12)
    left = np.array([brute(np.delete(codes, j, 1), np.delete(group, j)) for j in range(9)])
    variance = sum((n - 1) / n * ((left[s] - left[s].mean(0)) ** 2).sum(0) for s, n in ((~group, 5), (group, 4)))
    assert [one.se for one in found] == pytest.approx(np.sqrt(variance), rel=1e-10)
    ways = []
    for chosen in itertools.combinations(range(9), 4):
        label = np.isin(np.arange(9), chosen)
        ways.append(brute(codes, label)[3:])
    ways = np.array(ways)
    assert found[3].parts["p"] == pytest.approx(np.mean(abs(ways[:, 0]) >= abs(values[3]) - 1e-9))
    assert found[4].parts["p"] == pytest.approx(np.mean(ways[:, 1] >= values[4] - 1e-9))


def test_less_consistent_and_consistently_different_are_told_apart():
    w = np.eye(3)
    different = group_agreement(np.repeat([[0] * 6 + [2] * 6], 8, axis=0), np.arange(12) >= 6, w)
    assert [different[k].value for k in ("first", "second", "between", "gap")] == [1, 1, 0, 1]
    rng = np.random.default_rng(9)
    noisy = np.hstack([np.ones((40, 6), int), rng.integers(0, 3, (40, 6))])
    found = group_agreement(noisy, np.arange(12) >= 6, w)
    assert found["first_less_second"].ci_low > 0.5
    assert found["first_less_second"].parts["p"] < 0.01


def test_labels_of_items_by_brute_force():
    rng = np.random.default_rng(10)
    codes, item = rng.integers(0, 3, (12, 5)), np.repeat(np.arange(6), 2)
    first, scores = np.arange(6) < 3, np.array([1.0, 2, 3])
    w, row = agreement_weights("linear", scores), coefficient("gwet")

    def gap(kept):
        from arms_irr.statistics.agreement import View

        return np.subtract(*(row.value(View.whole(Tally.from_codes(codes[np.isin(item, np.flatnonzero(k))], scores)), w) for k in (kept, ~kept)))

    found = item_permutation(row, Tally.from_codes(codes, scores), item, first, w)
    ways = [abs(gap(np.isin(np.arange(6), c))) for c in itertools.combinations(range(6), 3)]
    assert found.value == pytest.approx(gap(first))
    assert found.parts == {"p": pytest.approx(np.mean(np.array(ways) >= abs(found.value) - 1e-9)), "assignments": 20}


# --- the questions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["risk_band", "kind"])
def test_contrast_within_officers_is_pandas_arithmetic(second, column):
    found = contrast(second, column)
    table = shares(second.frame(), column)
    first, other = found.rows[0]["level"], found.rows[1]["level"]
    p = {k: table["sum"][k].sum() / table["count"][k].sum() for k in (first, other)}
    d = table["sum"][first] / table["count"][first] - table["sum"][other] / table["count"][other]
    last = found.rows[-1].estimate
    assert [row.estimate.value for row in found] == pytest.approx([p[first], p[other], p[first] - p[other]])
    assert last.parts["mean_of_officers"] == pytest.approx(d.mean())
    assert [last.parts[f"officers_{k}"] for k in ("more", "equal", "less")] == [(d > 1e-9).sum(), (abs(d) < 1e-9).sum(), (d < -1e-9).sum()]
    assert last.parts["effect_size"] == pytest.approx(d.mean() / d.std())
    assert last.parts["odds_ratio"] == pytest.approx(p[first] / (1 - p[first]) / (p[other] / (1 - p[other])))
    assert last.n_raters == 40
    assert all(row.coefficient in TITLES for row in found)


def test_reversed_levels_change_the_sign_and_the_seed_gives_the_same_bytes(pilot):
    one, back = (contrast(pilot, levels=order).rows[-1].estimate for order in (("lower", "higher"), ("higher", "lower")))
    assert (one.value, one.ci_low) == pytest.approx((-back.value, -back.ci_high))
    assert one.parts["p"] == back.parts["p"]
    assert contrast(pilot, seed=3).to_csv() == contrast(pilot, seed=3).to_csv()
    assert contrast(pilot, seed=3).rows[-1].estimate.parts["p"] != one.parts["p"]
    assert "one-case-per-band" in one.flags


def test_interaction_is_the_difference_of_the_differences(pilot):
    found = interaction(pilot)
    values = [row.estimate.value for row in found]
    assert values[6] == pytest.approx(values[4] - values[5])
    assert values[4] == pytest.approx(values[0] - values[1])
    swapped = interaction(pilot, "kind", "risk_band").rows[-1].estimate
    assert (swapped.value, swapped.se) == pytest.approx((values[6], found.rows[-1].estimate.se))
    agreement = interaction(pilot, coefficient="gwet")
    ends = [row.estimate.value for row in agreement]
    assert ends[6] == pytest.approx(ends[4] - ends[5]) == pytest.approx(ends[0] - ends[1] - ends[2] + ends[3])


def test_confirmatory_family_is_holm_of_its_parts(second):
    found = confirmatory(second)
    p = [row.estimate.parts["p"] for row in found]
    assert [row.estimate.parts["p_holm"] for row in found] == pytest.approx(holm(p))
    assert p == [contrast(second).rows[-1].estimate.parts["p"], contrast(second, "kind").rows[-1].estimate.parts["p"],
                 interaction(second).rows[-1].estimate.parts["p"]]
    assert len(found) == 3


def test_factor_contrasts_of_the_pilot_are_mcnemar(pilot):
    from statsmodels.stats.contingency_tables import mcnemar

    found = factor_contrasts(pilot, simultaneous=True)
    frame = pilot.frame()
    frame = frame[frame["rating"].notna() & (frame["rating"] != "Unable to rate")]
    for factor, rows in found.split("factor").items():
        hit = frame[frame["factor"] == factor].assign(hit=lambda f: f["rating"] == f["gold"]).pivot(index="rater", columns="case", values="hit").dropna()
        a, b = hit["case_a"].astype(bool), hit["case_b"].astype(bool)
        last = rows.rows[-1].estimate
        assert last.parts["p"] == pytest.approx(mcnemar([[0, (a & ~b).sum()], [(~a & b).sum(), 0]], exact=True).pvalue), factor
        assert last.value == pytest.approx(a.mean() - b.mean())
        assert last.n_raters == len(hit)
        if "p_max_t" in last.parts:
            assert last.parts["ci_low_all"] <= last.ci_low
            assert last.parts["p_max_t"] >= last.parts["p_t"] / 3
    last = [row.estimate for row in found if row.coefficient == "difference"]
    assert [one.parts["p_bh"] for one in last] == pytest.approx(benjamini_hochberg([one.parts["p"] for one in last]))
    assert len(last) == 12


def test_kinds_over_factors_try_all_792(pilot):
    found = over_factors(pilot)
    frame = pilot.frame()
    frame = frame[(frame["kind"] != "overall") & frame["rating"].notna() & (frame["rating"] != "Unable to rate")]
    each = frame.assign(hit=frame["rating"] == frame["gold"]).groupby(["kind", "factor"])["hit"].mean()
    assert found.rows[-1].estimate.value == pytest.approx(each["risk"].mean() - each["protective"].mean())
    assert found.rows[-1].estimate.parts["assignments"] == 792
    assert over_factors(pilot, coefficient="gwet").rows[-1].estimate.parts["assignments"] == 792
    ours = over_factors(pilot, coefficient="percent").rows
    assert [ours[k].estimate.value for k in (0, 1)] == pytest.approx(
        [pilot.agreement(["kind"], coefficient="percent").get("percent", kind=k).value for k in ("risk", "protective")])


def test_by_gold_category_adds_up_to_all(pilot):
    found, whole = by_gold_category(pilot), pilot.against_gold(["risk_band"], statistics=["exact"])
    for band, rows in found.split("risk_band").items():
        n = sum(row.estimate.n_ratings for row in rows)
        assert sum(row.estimate.value * row.estimate.n_ratings for row in rows) / n == pytest.approx(whole.get("exact", risk_band=band).value)
        assert sum(row.estimate.parts["gold_share"] for row in rows) == pytest.approx(1)


def test_standardised_to_a_common_mix_by_hand(second):
    found = standardised_contrast(second)
    frame = second.frame()
    cells = frame[frame["kind"] != "overall"].drop_duplicates(["case", "factor"])["gold"].value_counts(normalize=True)
    frame = frame[(frame["kind"] != "overall") & frame["rating"].notna() & (frame["rating"] != "Unable to rate")]
    each = frame.assign(hit=frame["rating"] == frame["gold"]).groupby(["risk_band", "gold"])["hit"].mean()
    ours = {band: sum(cells[g] * each[band, g] for g in cells.index) for band in ("lower", "higher")}
    assert found.rows[-1].estimate.value == pytest.approx(ours["lower"] - ours["higher"])
    assert found.rows[0].estimate.value == pytest.approx(ours["lower"])
    one_category = standardised_contrast(irr.read_study(ROOT / "data" / "pilot")).rows[-1].estimate
    assert one_category.parts["mix_Medium"] == 1
    assert "gold-not-shared" in one_category.flags


def test_adjusted_contrast_without_random_effects_is_g_computation_of_a_logistic_model(pilot):
    """The pair variance of the pilot is 0 and the officers' tiny: statsmodels' logit gives nearly the same."""
    import statsmodels.api as sm

    found = adjusted_contrast(pilot)
    frame = pilot.frame()
    frame = frame[(frame["kind"] != "overall") & frame["rating"].notna() & (frame["rating"] != "Unable to rate")]
    x = np.column_stack([np.ones(len(frame)), frame["gold"] == "Medium", frame["gold"] == "High", frame["risk_band"] == "lower",
                         frame["kind"] == "risk"]).astype(float)
    fit = sm.Logit((frame["rating"] == frame["gold"]).astype(float), x).fit(disp=0)
    ends = []
    for value in (1.0, 0.0):
        x[:, 3] = value
        ends.append(fit.predict(x).mean())
    rows = found.where(contrast="risk_band").rows
    assert [row.estimate.value for row in rows] == pytest.approx([*ends, ends[0] - ends[1]], abs=0.004)
    assert rows[2].estimate.se == pytest.approx(0.073, abs=0.01)
    assert rows[2].estimate.target == "both"
    assert "one-case-per-band" in rows[2].estimate.flags


def test_between_agencies_of_exchanged_agencies_changes_signs(pilot):
    one, back = (between_agencies(pilot, by=(), levels=order) for order in (("police", "probation"), ("probation", "police")))
    assert one.rows[3].estimate.value == pytest.approx(-back.rows[3].estimate.value)
    assert one.rows[4].estimate.value == pytest.approx(back.rows[4].estimate.value)
    assert one.rows[7].estimate.value == pytest.approx(-back.rows[7].estimate.value)
    assert "few-sites" in one.rows[3].estimate.flags
    assert any("5 sites" in note for note in one.notes)
    for group in ("police", "probation"):
        kept = made(pilot, pilot.frame().query("agency == @group"))
        ours = kept.agreement([], coefficient="percent").rows[0].estimate
        theirs = one.get("agreement_within", group=group)
        assert (theirs.value, theirs.se) == pytest.approx((ours.value, ours.se), rel=1e-9)


def test_a_shift_of_severity_is_found_by_the_signed_error(pilot):
    frame = pilot.frame()
    police = frame["agency"] == "police"
    frame.loc[police, "rating"] = frame.loc[police, "rating"].replace({"Medium": "High", "Low": "Medium"})
    shifted = between_agencies(made(pilot, frame), by=())
    shift = shifted.get("difference_in_steps", group="police less probation")
    assert shift.value > 0.4
    assert shift.parts["p"] < 0.001
    assert shifted.get("agreement_gap", group="within less between").parts["p"] < 0.01


# --- before and after -----------------------------------------------------------------------------------


def occasions(pilot, again):
    frame = pilot.frame()
    later = frame[frame["rater"].isin(pilot.raters[:again])].assign(occasion=2)
    later["rating"] = later["gold"].where(later["kind"] == "risk", later["rating"])
    return made(pilot, pd.concat([frame, later]))


def test_before_after_counts_and_warns(pilot):
    study = occasions(pilot, 12)
    found = before_after(study)
    change = found.get("difference", level="2 less 1")
    assert change.n_raters == 12
    assert change.value > 0.1
    assert change.parts["officers_less"] == 0
    assert any("12 of the 20 officers" in note and "regression to the mean" in note for note in found.notes)
    assert any("remembered" in note for note in found.notes)
    assert any(note.startswith("Of 12 officers, ") for note in found.notes)
    assert not any("regression" in note for note in before_after(occasions(pilot, 20)).notes)


# --- little to compare --------------------------------------------------------------------------------------


def test_without_a_gold_standard_coefficients_still_work(pilot):
    study = made(pilot, gold=False)
    with pytest.raises(ArgumentError, match='coefficient="gwet"'):
        contrast(study)
    assert contrast(study, coefficient="gwet").rows[-1].estimate.estimable
    assert contrast(study, statistic="unable_to_rate").rows[-1].estimate.estimable
    assert len(confirmatory(study, coefficient="percent")) == 3
    assert [row.coefficient for row in between_agencies(study, by=())][-1] == "agreement_gap"


def test_one_officer_has_values_but_no_interval(pilot):
    study = made(pilot, pilot.frame().query("rater == 'officer_01'"))
    last = contrast(study).rows[-1].estimate
    assert last.estimable
    assert math.isnan(last.ci_low)
    assert "one-rater" in last.flags
    assert not contrast(study, coefficient="gwet").rows[-1].estimate.estimable
    assert "one-rater" in adjusted_contrast(study).rows[-1].estimate.flags
    for ask in (confirmatory, interaction, factor_contrasts, standardised_contrast, over_factors, by_gold_category):
        ask(study)


def test_an_agency_of_one_officer(pilot):
    raters = pd.DataFrame({"rater": pilot.raters, "agency": ["police"] * 19 + ["probation"]})
    study = made(pilot, raters=raters)
    last = contrast(study, "agency").rows[-1].estimate
    assert "one-rater-group" in last.flags
    assert "p" not in last.parts
    within = between_agencies(study, by=()).get("agreement_within", group="probation")
    assert "one-rater-group" in within.flags
    assert math.isnan(within.value)


def test_three_bands_compare_the_ends_and_say_so(second):
    bands = [("lower", "medium", "higher")[k % 3] for k in range(12)]
    study = made(second, cases=pd.DataFrame({"case": second.cases, "risk_band": bands}))
    found = contrast(study)
    assert [row["level"] for row in found] == ["lower", "higher", "lower less higher"]
    assert any("3 levels" in note for note in found.notes)
    assert contrast(study, levels=("medium", "higher")).rows[0]["level"] == "medium"


def test_no_bands(pilot):
    study = made(pilot, cases=pd.DataFrame({"case": pilot.cases}))
    with pytest.raises(ArgumentError, match="risk_band"):
        contrast(study)
    assert [row["contrast"] for row in confirmatory(study)] == ["kind"]
    assert {row["contrast"] for row in adjusted_contrast(study)} == {"kind"}


def test_officers_of_one_case_each_cannot_be_paired(pilot):
    frame = pilot.frame()
    half = frame["rater"].isin(pilot.raters[::2]) == (frame["case"] == "case_a")
    study = made(pilot, frame[half])
    for options in ({}, {"coefficient": "gwet"}):
        assert "nobody-in-both" in contrast(study, **options).rows[-1].estimate.flags
    assert "nobody-in-both" in interaction(study).rows[-1].estimate.flags
    assert len(confirmatory(study)) == 3
    factor_contrasts(study, simultaneous=True)


def test_perfect_agreement_has_no_width_and_no_model(pilot):
    frame = pilot.frame()
    study = made(pilot, frame.assign(rating=frame["gold"]))
    last = contrast(study).rows[-1].estimate
    assert (last.value, last.parts["p"]) == (0, 1)
    assert "zero-se" in last.flags
    assert "one-category" in adjusted_contrast(study).rows[-1].estimate.flags
    factor_contrasts(study, simultaneous=True)


def test_a_separated_model_says_so(pilot):
    frame = pilot.frame()
    frame["rating"] = frame["gold"].where(frame["risk_band"] == "lower", frame["rating"])
    found = adjusted_contrast(made(pilot, frame)).rows[2].estimate
    assert math.isnan(found.value)
    assert set(found.flags) & {"separated", "not-converged"}


@pytest.mark.parametrize(("call", "words"), [
    (lambda s: contrast(s, "rater"), "rater_agreement"),
    (lambda s: contrast(s, "bands"), "cannot compare"),
    (lambda s: contrast(s, levels=("lower", "low")), "no level 'low'"),
    (lambda s: contrast(s, levels="lower"), "two levels"),
    (lambda s: contrast(s, statistic="exakt"), "exact"),
    (lambda s: contrast(s, within={"kind": "rsik"}), "risk"),
    (lambda s: contrast(s, "kind", within={"kind": "risk"}), "constant"),
    (lambda s: contrast(s, "occasion"), "needs two"),
    (lambda s: contrast(s, confidence_level=95), "0.95"),
    (lambda s: interaction(s, "agency", "kind"), "attribute of officers"),
    (lambda s: between_agencies(s, "kind"), "no attribute"),
    (lambda s: factor_contrasts(s, q=10), "0.10"),
    (lambda s: standardised_contrast(s, "agency"), "contrast"),
])
def test_what_is_refused(pilot, call, words):
    with pytest.raises(ArgumentError, match=words):
        call(pilot)


# --- coverage -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_coverage_and_size_of_the_paired_contrast():
    rng, n = np.random.default_rng(11), 1500
    covered = rejected = 0
    for _ in range(n):
        ability = rng.normal(0, 0.08, (20, 1))
        m = rng.integers(9, 13, (20, 2))
        y = rng.binomial(m, np.clip(np.array([0.75, 0.75]) + ability + rng.normal(0, 0.05, (20, 2)), 0, 1))
        found = within_raters(y, m, replicates=499, seed=int(rng.integers(1 << 30)))
        covered += found.ci_low <= 0 <= found.ci_high
        rejected += found.parts["p"] <= 0.05
    assert covered / n == pytest.approx(0.95, abs=0.02)
    assert rejected / n == pytest.approx(0.05, abs=0.02)
