"""The questions: each answer against a recomputation from the labelled ratings, and the rule of suppression."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import arms_irr as irr
from arms_irr.analysis.consistency import ORDINAL_METRIC
from arms_irr.analysis.gold import MEASURES
from arms_irr.analysis.overall import overall_consistency
from arms_irr.analysis.raters import funnel_limits
from arms_irr.analysis.result import COLUMNS
from arms_irr.errors import ArgumentError

SCORE = {"Low": 1, "Medium": 2, "High": 3, "Very High": 4}


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


@pytest.fixture(scope="module")
def second():
    return irr.example("second_exercise")


def scored(study):
    frame = study.frame()
    frame["x"], frame["g"] = frame["rating"].map(SCORE), frame["gold"].map(SCORE)
    return frame


# --- the gold standard ------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [["factor", "case"], ["kind", "risk_band"], ["agency"], ["rater"], ["kind", "agency", "case"], []])
def test_gold_statistics_from_the_labels(pilot, by):
    found = pilot.against_gold(by)
    frame = scored(pilot)
    if not {"factor", "kind"} & set(by):
        frame = frame[frame["kind"] != "overall"]
    groups = frame.groupby(by, sort=False) if by else [((), frame)]
    for key, cell in groups:
        group = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
        given, top = cell.dropna(subset=["x"]), 4 if set(cell["kind"]) == {"overall"} else 3
        error = given["x"] - given["g"]
        extreme = given[given["g"].isin([1, top])]
        expected = {
            "exact": (error == 0).mean(),
            "exact_of_asked": (error == 0).sum() / len(cell),
            "adjacent": (error.abs() <= 1).mean(),
            "adjacent_extreme": ((extreme["x"] - extreme["g"]).abs() <= 1).mean() if len(extreme) else math.nan,
            "under": (error < 0).mean() if (given["g"] > 1).any() else math.nan,
            "over": (error > 0).mean() if (given["g"] < top).any() else math.nan,
            "mean_signed_error": error.mean(),
            "missed_high": (given[given["g"] == top]["x"] < top).mean() if (given["g"] == top).any() else math.nan,
            "unable_to_rate": (cell["rating"] == "Unable to rate").mean(),
        }
        for name, value in expected.items():
            estimate = found.get(name, **group)
            assert estimate.value == pytest.approx(value, abs=1e-12, nan_ok=True), (group, name)
            assert estimate.estimable or estimate.flags


def test_interval_suits_the_cell(pilot):
    """Wilson where each officer gives one rating, clustered as soon as an officer gives more."""
    single = pilot.against_gold(["factor", "case"]).get("exact", factor="opportunity", case="case_a")
    n, p, z = single.n_ratings, single.value, 1.959963984540054
    middle, half = (p + z * z / (2 * n)) / (1 + z * z / n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert (single.ci_low, single.ci_high) == pytest.approx((middle - half, middle + half))
    pooled = pilot.against_gold(["kind", "risk_band"]).get("exact", kind="risk", risk_band="higher")
    frame = scored(pilot).query("kind == 'risk' and risk_band == 'higher'").dropna(subset=["x"])
    y = (frame["x"] == frame["g"]).groupby(frame["rater"]).sum()
    m = frame.groupby("rater").size()
    p, raters = y.sum() / m.sum(), len(m)
    v = raters / (raters - 1) * ((y - p * m) ** 2).sum() / m.sum() ** 2
    half = 2.093024054408263 * math.sqrt(v) / (p * (1 - p))  # t(19), .975
    logit = math.log(p / (1 - p))
    limits = [1 / (1 + math.exp(-(logit + sign * half))) for sign in (-1, 1)]
    assert (pooled.ci_low, pooled.ci_high) == pytest.approx(limits)
    assert pooled.target == "raters"
    alone = pilot.against_gold(["rater"]).get("exact", rater="officer_01")
    assert alone.target == "subjects"
    assert alone.n_raters == 1


def test_impossible_and_empty_answers_say_why(pilot):
    found = pilot.against_gold(["factor", "case"])
    assert "impossible-under" in found.get("under", factor="opportunity", case="case_a").flags
    assert "impossible-over" in found.get("over", factor="opportunity", case="case_b").flags
    assert "no-gold-high" in found.get("missed_high", factor="opportunity", case="case_a").flags
    middle = found.get("adjacent_extreme", factor="hostile_orientation", case="case_b")
    assert math.isnan(middle.value)
    assert "cannot-fail" in middle.flags
    assert "cannot-fail" in found.get("adjacent", factor="hostile_orientation", case="case_b").flags


# --- agreement between raters -----------------------------------------------------------------------------


def by_hand(table, name):
    """AC2, Conger, ordinal alpha of a (subjects, raters) table of scores 1..3 with nan, from their definitions."""
    w = 1 - (np.subtract.outer(range(3), range(3)) / 2) ** 2
    rows = [[(j, int(x) - 1) for j, x in enumerate(row) if not np.isnan(x)] for row in table]
    pa = np.mean([np.mean([w[a, b] for (_, a), (_, b) in itertools.permutations(row, 2)]) for row in rows if len(row) > 1])
    if name == "gwet":
        pi = np.mean([np.bincount([x for _, x in row], minlength=3) / len(row) for row in rows], axis=0)
        pe = w.sum() / 6 * (pi * (1 - pi)).sum()
    elif name == "conger":
        p = [np.bincount(col[~np.isnan(col)].astype(int) - 1, minlength=3) / (~np.isnan(col)).sum() for col in table.T]
        pe = np.mean([a @ w @ b for a, b in itertools.permutations(p, 2)])
    else:
        values = np.array([x for row in rows if len(row) > 1 for _, x in row])
        n = np.bincount(values, minlength=3)
        d = np.array([[(n[min(a, b): max(a, b) + 1].sum() - (n[a] + n[b]) / 2) ** 2 for b in range(3)] for a in range(3)])
        do = sum(d[a, b] / (len(row) - 1) for row in rows if len(row) > 1 for (_, a), (_, b) in itertools.permutations(row, 2)) / len(values)
        de = (n @ d @ n) / (len(values) * (len(values) - 1))
        return 1 - do / de
    return (pa - pe) / (1 - pe)


@pytest.mark.parametrize("case", ["case_a", "case_b"])
def test_coefficients_from_the_labels(pilot, case):
    frame = scored(pilot).query("kind != 'overall' and case == @case")
    table = frame.pivot(index="factor", columns="rater", values="x").to_numpy()
    found = pilot.agreement(["case"])
    for name, weights in (("gwet", "quadratic"), ("conger", "quadratic"), ("krippendorff", ORDINAL_METRIC)):
        assert found.get(name, weights, case=case).value == pytest.approx(by_hand(table, name), abs=1e-12)
    exact = np.mean([np.mean([a == b for a, b in itertools.permutations(row[~np.isnan(row)], 2)]) for row in table])
    assert found.get("percent", "identity", case=case).value == pytest.approx(exact)


def test_icc_on_complete_cells_from_mean_squares(pilot):
    """Officers without gaps only: ICC(A,1) from the two-way table."""
    frame = scored(pilot)
    full = frame[frame["rating"] == "Unable to rate"]["rater"].unique()
    frame = frame[~frame["rater"].isin(full)]
    study = irr.Study.from_frames(frame[["rater", "case", "factor", "rating"]], instrument="arms-12",
                                  cases=pd.DataFrame({"case": ["case_a", "case_b"], "risk_band": ["lower", "higher"]}))
    x = frame[(frame["case"] == "case_a") & (frame["kind"] != "overall")].pivot(index="factor", columns="rater", values="x").to_numpy()
    n, k = x.shape
    grand = x.mean()
    msr = k * ((x.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    msc = n * ((x.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    mse = ((x - x.mean(axis=1, keepdims=True) - x.mean(axis=0) + grand) ** 2).sum() / ((n - 1) * (k - 1))
    found = study.icc(["case"]).get("ICC(A,1)", case="case_a")
    assert found.value == pytest.approx((msr - mse) / (msr + (k - 1) * mse + k / n * (msc - mse)), abs=1e-10)


def test_no_kappa_alpha_or_icc_for_a_factor_of_two_cases(pilot):
    for by in (["factor"], ["factor", "case"], ["factor", "risk_band"], ["kind", "case"], ["kind", "risk_band"]):
        for row in (*pilot.agreement(by, coefficient=["conger", "fleiss", "light", "krippendorff"]), *pilot.icc(by)):
            assert math.isnan(row.estimate.value)
            assert {"few-subjects", "one-subject", "single-case-kind"} & set(row.estimate.flags)
        for row in pilot.agreement(by, coefficient=["percent", "gwet", "brennan_prediger"]):
            assert row.estimate.estimable


def test_force_shows_it_with_its_flag(pilot):
    row = pilot.agreement(["factor"], coefficient="fleiss", force=True).get("fleiss", factor="opportunity")
    assert row.estimable
    assert {"forced", "few-subjects"} <= set(row.flags)
    assert "forced" in pilot.icc(["factor"], force=True).get("ICC(A,1)", factor="opportunity").flags


def test_weak_from_five_and_plain_from_ten(pilot, second):
    assert "weak" in second.icc(["factor", "risk_band"]).get("ICC(A,1)", factor="opportunity", risk_band="lower").flags
    plain = second.icc(["factor"]).get("ICC(A,1)", factor="opportunity")
    assert plain.estimable
    assert "weak" not in plain.flags
    profile = pilot.icc(["case"]).get("ICC(A,1)", case="case_a")
    assert profile.estimable
    assert "weak" not in profile.flags


def test_other_cases_need_cases(pilot, second):
    refused = pilot.agreement(["case"], coefficient="gwet", target="subjects").get("gwet", case="case_a")
    assert math.isnan(refused.ci_low)
    assert "few-cases" in refused.flags
    assert not math.isnan(second.agreement(["factor"], coefficient="gwet", target="subjects").get("gwet", factor="opportunity").ci_low)


def test_conger_where_crossed_fleiss_where_not(pilot, second):
    assert pilot.agreement(["case"]).where("conger").rows
    assert second.agreement(["risk_band"]).where("fleiss").rows
    assert not second.agreement(["risk_band"]).where("conger").rows


def test_overall_never_enters_a_pool(pilot):
    pooled = pilot.against_gold([]).get("exact")
    kinds = pilot.against_gold(["kind"])
    risk, protective = kinds.get("exact", kind="risk"), kinds.get("exact", kind="protective")
    assert pooled.n_ratings == risk.n_ratings + protective.n_ratings


# --- raters, design, result -------------------------------------------------------------------------------


def test_each_rater_against_gold_is_cohens_kappa_with_the_fce_error(pilot):
    frame = scored(pilot).query("rater == 'officer_05' and kind != 'overall'").dropna(subset=["x"])
    n, q = len(frame), 3
    p = np.zeros((q, q))
    for x, g in zip(frame["x"].astype(int), frame["g"].astype(int), strict=True):
        p[x - 1, g - 1] += 1 / n
    w = 1 - (np.subtract.outer(range(q), range(q)) / 2) ** 2
    row, col = p.sum(axis=1), p.sum(axis=0)
    po, pe = (w * p).sum(), row @ w @ col
    kappa = (po - pe) / (1 - pe)
    inner = w - ((w @ col)[:, None] + (w @ row)[None, :]) * (1 - kappa)
    variance = ((p * inner**2).sum() - (kappa - pe * (1 - kappa)) ** 2) / (n * (1 - pe) ** 2)
    found = pilot.rater_agreement().get("cohen", "quadratic", rater="officer_05")
    assert found.value == pytest.approx(kappa)
    assert found.se == pytest.approx(math.sqrt(variance))


def test_constant_raters_and_golds_have_no_kappa(pilot):
    frame = pilot.frame()[["rater", "case", "factor", "rating"]].copy()
    frame.loc[(frame["rater"] == "officer_01") & (frame["factor"] != "overall"), "rating"] = "Low"
    gold = pilot.frame().drop_duplicates(["case", "factor"])[["case", "factor", "gold"]].rename(columns={"gold": "rating"})
    study = irr.Study.from_frames(frame, gold)
    found = study.rater_agreement().get("cohen", "identity", rater="officer_01")
    assert "constant-rater" in found.flags
    flat = gold.assign(rating="Low")
    study = irr.Study.from_frames(frame, flat)
    assert "constant-gold" in study.rater_agreement().get("cohen", "identity", rater="officer_02").flags


def test_funnel_limits_are_exact_binomial_quantiles():
    def quantile(p, n, share):
        total = 0.0
        for k in range(n + 1):
            total += math.comb(n, k) * share**k * (1 - share) ** (n - k)
            if total >= p - 1e-12:
                return k
        return n

    low, high = funnel_limits(0.68, np.array([5, 24, 60]))
    for n, a, b in zip((5, 24, 60), low, high, strict=True):
        assert round(a * n) == quantile(0.025, n, 0.68)
        assert round(b * n) == quantile(0.975, n, 0.68)


def test_design_in_words_and_verdicts(pilot, second):
    notes = " ".join(pilot.design().notes)
    assert "20 officers rated 2 cases on 12 factors and an overall judgement." in notes
    assert "Every officer rated every case." in notes
    assert "Cannot be shown: kappa, alpha or an ICC for a single factor" in notes
    assert "Each officer rated 6 of the 12 cases; each case was rated by 16 to 40 officers." in second.design().notes
    frame = pilot.design().to_frame()
    factor = frame[(frame["grouping"] == "factor") & (frame["coefficient"] == "krippendorff")]
    assert set(factor["verdict"]) == {"not identified"}
    assert all(factor["instead"])
    assert set(frame[(frame["grouping"] == "factor") & (frame["coefficient"] == "gwet")]["verdict"]) == {"identified"}
    weak = second.design().to_frame().query("grouping == 'factor x risk_band' and coefficient == 'icc'")
    assert set(weak["verdict"]) == {"weak"}


def test_the_design_and_the_answers_agree(pilot, second):
    """What the design calls not identified is suppressed, and only that."""
    for study in (pilot, second):
        table = study.design().to_frame()
        for by in (["factor"], ["factor", "risk_band"], ["kind", "risk_band"], ["case"]):
            cells = table[table["grouping"] == " x ".join(by)].set_index(["cell", "coefficient"])["verdict"]
            for row in study.agreement(by, coefficient=["fleiss", "gwet", "krippendorff"]):
                verdict = cells[", ".join(row.group.values()), row.coefficient]
                assert (verdict == "not identified") == math.isnan(row.estimate.value), (by, row)


def test_overall_follows_the_guide_by_hand(pilot):
    from arms_irr.instruments.rules import consistent_overall

    frame = pilot.frame()
    fits = []
    for _, sheet in frame[frame["case"] == "case_b"].groupby("rater"):
        ratings = dict(zip(sheet["factor"], sheet["rating"], strict=True))
        overall = ratings.pop("overall")
        fits.append(overall in consistent_overall(pilot.instrument, ratings).consistent)
    assert overall_consistency(pilot).get("consistent_overall", case="case_b").value == pytest.approx(np.mean(fits))


def test_columns_are_fixed_and_results_can_be_picked(pilot):
    found = pilot.against_gold(["kind", "case"])
    assert list(found.to_frame().columns) == ["kind", "case", *COLUMNS]
    assert list(pilot.agreement(["factor", "agency"]).to_frame().columns) == ["factor", "agency", *COLUMNS]
    assert len(found.where("exact")) == len(found) / len(MEASURES)
    with pytest.raises(ArgumentError, match="rows match"):
        found.get("exact")
    text = found.to_csv().splitlines()
    assert text[0].startswith("kind,case,coefficient,weights,estimate")
    assert float(text[1].split(",")[4]) == found.rows[0].estimate.value  # full precision
    assert "synthetic data" in found._repr_html_()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s: s.against_gold(["facto"]), "Did you mean 'factor'"),
        (lambda s: s.against_gold("factor"), r"by=\['factor'\]"),
        (lambda s: s.against_gold(["factor"], statistics=["exactt"]), "Did you mean 'exact'"),
        (lambda s: s.agreement(["case"], coefficient="kapa"), "unknown coefficient"),
        (lambda s: s.agreement(["case"], weights="quadratik"), "Did you mean 'quadratic'"),
        (lambda s: s.agreement(["case"], confidence_level=95), "0.95"),
        (lambda s: s.icc(["case"], form="ICC(9,9)"), "ICC"),
        (lambda s: s.against_gold(["case", "case"]), "twice"),
    ],
)
def test_wrong_questions_say_what_to_do(pilot, call, says):
    with pytest.raises(ArgumentError, match=says):
        call(pilot)


def test_without_gold_the_gold_questions_refuse(pilot):
    study = irr.Study.from_frames(pilot.frame()[["rater", "case", "factor", "rating"]])
    with pytest.raises(ArgumentError, match="no gold standard"):
        study.against_gold()
    assert study.agreement(["case"]).get("gwet", "quadratic", case="case_a").estimable


def test_the_example_data_show_the_published_pattern(pilot):
    band = pilot.against_gold(["risk_band"])
    assert band.get("exact", risk_band="lower").value > band.get("exact", risk_band="higher").value
    kinds = pilot.against_gold(["kind", "risk_band"])
    for risk_band in ("lower", "higher"):
        assert kinds.get("exact", kind="risk", risk_band=risk_band).value > kinds.get("exact", kind="protective", risk_band=risk_band).value
    ac2 = pilot.agreement(["case"])
    assert ac2.get("gwet", "quadratic", case="case_a").value > ac2.get("gwet", "quadratic", case="case_b").value
