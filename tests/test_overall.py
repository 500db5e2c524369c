"""The overall priority: the guide, policy capturing against explicit regressions, pairs against loops over pairs."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import arms_irr as irr
from arms_irr.analysis.overall import overall_consistency, overall_integration
from arms_irr.analysis.titles import TITLES
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Factor, Instrument, Scale
from arms_irr.instruments.rules import consistent_overall, predominant
from arms_irr.study.ratings import Ratings

ROOT = Path(__file__).parents[1]
SHARES = ("overall_from_factors", "overall_from_level", "overall_from_weights", "overall_unexplained")


@pytest.fixture(scope="module")
def second():
    return irr.read_study(ROOT / "data" / "second_exercise")


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


def keep(study, rows):
    r = study.ratings
    return replace(study, ratings=Ratings(r.rater[rows], r.case[rows], r.factor[rows], r.code[rows], r.occasion[rows], r.urgency[rows]))


def without(study, officer):
    return keep(study, study.ratings.rater != officer)


def recoded(study, change):
    """The study with its codes changed by a function of (ratings, codes)."""
    r = study.ratings
    return replace(study, ratings=replace(r, code=np.asarray(change(r, r.code.copy()), dtype=np.int8)))


def sheets(study):
    """(rater, case) -> {factor id: code}, one rating at a time."""
    found = defaultdict(dict)
    for f in zip(study.ratings.rater.tolist(), study.ratings.case.tolist(), study.ratings.factor.tolist(), study.ratings.code.tolist(), strict=True):
        found[f[0], f[1]][study.instrument.factors[f[2]].id] = f[3]
    return found


def made(overall, factors, instrument=None, cases=None):
    """A study from overall (R, C) and factor codes (R, C, F), on ARMS-12 unless told."""
    instrument = instrument or irr.load_instrument("arms-12")
    raters, n_cases, _ = factors.shape
    codes = np.concatenate([factors, overall[:, :, None]], axis=2).astype(np.int8)
    r, c, f = (x.ravel().astype(np.int32) for x in np.meshgrid(*map(np.arange, codes.shape), indexing="ij"))
    ratings = Ratings(r, c, f, codes.ravel(), np.ones(len(r), np.int16), np.full(len(r), -1, np.int8))
    return irr.Study(instrument, "made", tuple(f"r{i}" for i in range(raters)), cases or tuple(f"c{i}" for i in range(n_cases)), ratings,
                     synthetic=True)


# --- the guide --------------------------------------------------------------------------------------------


def test_consistency_is_the_guide_asked_sheet_by_sheet(second):
    shuffled = recoded(second, lambda r, x: np.where(r.factor < 12, np.random.default_rng(1).integers(-2, 3, len(x)), x))
    for study in (second, shuffled):
        scale = study.instrument.scale_of("overall")
        fits = defaultdict(list)
        for (_, case), sheet in sheets(study).items():
            allowed = consistent_overall(study.instrument, {k: v for k, v in sheet.items() if k != "overall"}).consistent
            if sheet["overall"] >= 0 and allowed:
                fits[study.cases[case]].append(scale.label(sheet["overall"]) in allowed)
        for row in overall_consistency(study):
            assert row.estimate.value == np.mean(fits[row["case"]])
            assert row.estimate.n_ratings == len(fits[row["case"]])


def test_consistency_of_a_large_study_takes_less_than_a_second():
    rng = np.random.default_rng(0)
    study = made(rng.integers(0, 4, (5000, 20)), rng.integers(-2, 3, (5000, 20, 12)))
    start = time.perf_counter()
    result = overall_consistency(study)
    assert time.perf_counter() - start < 3  # about half a second alone; other processes may share the machine
    assert len(result) == 20


# --- policy capturing -------------------------------------------------------------------------------------


def table(study):
    """The columns of every sheet, made one at a time: overall score, cues, rater, case."""
    rows = []
    kinds = {f.id: f.kind for f in study.instrument.factors}
    for (rater, case), sheet in sorted(sheets(study).items()):
        mean = {k: np.mean([v + 1 for f, v in sheet.items() if kinds[f] == k and v >= 0]) for k in ("risk", "protective")}
        unable = sum(v == -2 for f, v in sheet.items() if kinds[f] in mean)
        rows.append((sheet["overall"] + 1, mean["risk"], mean["protective"], sheet["opportunity"] == 2, unable, rater, case))
    return np.array(rows, dtype=float)


def squares(y, *columns):
    """Residual sum of squares and degrees of freedom by one explicit least-squares fit."""
    x = np.column_stack(columns)
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return residual @ residual, len(y) - np.linalg.matrix_rank(x)


def dummies(labels):
    return (labels[:, None] == np.unique(labels)).astype(float)


def by_hand(study):
    t = table(study)
    y, x, rater, case = t[:, 0], t[:, 1:5], dummies(t[:, 5]), dummies(t[:, 6])
    own = [rater, rater * x[:, [0]], rater * x[:, [1]]]
    models = [(case,), (case, x), (case, x, rater), (case, x, *own)]
    s = [rss / df for rss, df in (squares(y, *m) for m in models)]
    one = np.ones(len(y))
    (total, d0), (left, d1) = squares(y, one), squares(y, one, x)
    return [(s[0] - s[1]) / s[0], (s[1] - s[2]) / s[0], (s[2] - s[3]) / s[0], s[3] / s[0], 1 - left / d1 / (total / d0), 1 - left / total]


def test_shares_are_those_of_explicit_regressions(second):
    result = overall_integration(second)
    expected = by_hand(second)
    for name, value in zip((*SHARES, "policy_r2"), expected, strict=False):
        assert result.get(name, cue="all").value == pytest.approx(value, rel=1e-9), name
    assert result.get("policy_r2", cue="all").parts["r2"] == pytest.approx(expected[5], rel=1e-9)
    assert sum(result.get(name, cue="all").value for name in SHARES) == pytest.approx(1, abs=1e-12)


def test_intervals_are_the_jackknife_over_officers(second):
    from scipy import stats

    small = keep(second, second.ratings.rater < 14)
    result = overall_integration(small)
    left_out = np.array([by_hand(without(small, j))[:5] for j in range(14)])
    se = np.sqrt(13 / 14 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    for name, expected in zip((*SHARES, "policy_r2"), se, strict=True):
        found = result.get(name, cue="all")
        assert found.se == pytest.approx(expected, rel=1e-8), name
        assert found.ci_high == pytest.approx(found.value + stats.t.ppf(0.975, 13) * expected, rel=1e-8)


def test_weights_and_agreement_with_the_others_policy(second):
    result, t = overall_integration(second), table(second)
    x = np.column_stack([np.ones(len(t)), t[:, 1:5]])
    weights = np.linalg.lstsq(x, t[:, 0], rcond=None)[0][1:]
    for cue, weight in zip(("risk", "protective", "opportunity_high", "unable"), weights, strict=True):
        assert result.get("policy_weight", cue=cue).value == pytest.approx(weight, rel=1e-9)
    hits = []
    for j in np.unique(t[:, 5]):
        mine = t[:, 5] == j
        b = np.linalg.lstsq(x[~mine], t[~mine, 0], rcond=None)[0]
        hits += (np.abs((x[mine] @ b)[:, None] - np.arange(1, 5)).argmin(axis=1) + 1 == t[mine, 0]).tolist()
    assert result.get("policy_agreement", cue="all").value == pytest.approx(np.mean(hits))


def test_pairs_are_those_of_a_loop_over_pairs(second, pilot):
    for study in (pilot, second):
        found = sheets(study)
        main = {k: predominant([v for f, v in s.items() if f != "overall"]) for k, s in found.items()}
        count = defaultdict(list)
        for (r, c), (q, d) in combinations(found, 2):
            if c == d and r != q:
                count[found[r, c]["overall"] == found[q, c]["overall"]].append(main[r, c] != main[q, c])
        result = overall_integration(study)
        for name, agree in (("pairs_disagreeing_differ", False), ("pairs_agreeing_differ", True)):
            estimate = result.get(name, cue="all")
            assert estimate.value == pytest.approx(np.mean(count[agree]), rel=1e-12)
            assert estimate.parts["pairs"] == len(count[agree])


def test_the_jackknife_of_pairs_leaves_officers_out(pilot):
    whole = overall_integration(pilot).get("pairs_disagreeing_differ", cue="all")
    rest = np.array([overall_integration(without(pilot, j)).get("pairs_disagreeing_differ", cue="all").value for j in range(20)])
    assert whole.se == pytest.approx(np.sqrt(19 / 20 * ((rest - rest.mean()) ** 2).sum()), rel=1e-9)


def simulated(rng, slopes=0.0, level=0.0, noise=0.3, spread=1.0, raters=40, cases=20):
    """Overall ratings on a fine scale from the officer's own factor ratings, an own level, own weights and noise."""
    fine = Scale("fine", tuple(f"{i:03d}" for i in range(101)), scores=tuple(i / 10 for i in range(101)))
    factors = [Factor(f"f{i}", f"F{i}", "risk" if i < 4 else "protective", "priority") for i in range(8)]
    arms = irr.load_instrument("arms-12")
    tool = Instrument("fine", "Fine", (*factors, Factor("overall", "Overall", "overall", "fine")), {"priority": arms.scales["priority"], "fine": fine})
    latent = rng.normal(1, 0.6, (1, cases, 8)) + rng.normal(0, spread, (raters, cases, 8))
    codes = np.clip(np.rint(latent), 0, 2)
    risk, protective = codes[:, :, :4].mean(axis=2), codes[:, :, 4:].mean(axis=2)
    own = rng.normal(0, slopes, (2, raters, 1))
    y = 3 + (1 + own[0]) * (risk - 1) + (1 + own[1]) * (protective - 1) + rng.normal(0, level, (raters, 1)) + rng.normal(0, noise, risk.shape)
    return made(np.clip(np.rint(10 * y), 0, 100), codes, tool)


def test_each_source_of_disagreement_is_found_where_it_was_put():
    rng = np.random.default_rng(3)
    common = overall_integration(simulated(rng, noise=0.02))
    assert common.get("overall_from_factors", cue="all").value > 0.97
    level = overall_integration(simulated(rng, level=0.8, noise=0.1))
    assert level.get("overall_from_level", cue="all").value > 0.45
    assert abs(level.get("overall_from_weights", cue="all").value) < 0.05
    weights = overall_integration(simulated(rng, slopes=1.0, noise=0.1))
    assert weights.get("overall_from_weights", cue="all").value > 0.3
    assert weights.get("overall_unexplained", cue="all").value < 0.1


def test_unrelated_factors_explain_nothing_on_average():
    rng = np.random.default_rng(4)
    values = []
    for _ in range(60):
        study = made(rng.integers(0, 4, (12, 6)), rng.integers(0, 3, (12, 6, 12)))
        result = overall_integration(study)
        values.append([result.get(name, cue="all").value for name in SHARES])
    mean, se = np.mean(values, axis=0), np.std(values, axis=0) / math.sqrt(60)
    assert np.all(np.abs(mean - [0, 0, 0, 1]) < 4 * se)
    assert mean[0] == pytest.approx(0, abs=0.03)


@pytest.mark.slow
def test_the_interval_covers_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    options = {"raters": 20, "cases": 6, "noise": 0.5}
    truth = np.mean([overall_integration(simulated(rng, **(options | {"raters": 400}))).get("overall_from_factors", cue="all").value
                     for _ in range(20)])
    found = [overall_integration(simulated(rng, **options)).get("overall_from_factors", cue="all") for _ in range(300)]
    assert 0.90 < np.mean([e.ci_low <= truth <= e.ci_high for e in found]) < 0.985


def test_order_of_officers_and_cases_does_not_matter(second):
    rng = np.random.default_rng(6)
    overall, factors = rng.integers(0, 4, (15, 6)), rng.integers(-2, 3, (15, 6, 12))
    one = overall_integration(made(overall, factors))
    other = overall_integration(made(overall[::-1, ::-1], factors[::-1, ::-1]))
    for a, b in zip(one, other, strict=True):
        assert a.estimate.value == pytest.approx(b.estimate.value, rel=1e-9, nan_ok=True)
        assert a.estimate.se == pytest.approx(b.estimate.se, rel=1e-7, nan_ok=True)


# --- what cannot be said ----------------------------------------------------------------------------------


def test_two_cases_are_descriptive(pilot):
    result = overall_integration(pilot)
    assert all("few-cases" in row.estimate.flags for row in result)
    own = result.get("overall_from_weights", cue="all")
    assert not own.estimable
    assert "few-own-cases" in own.flags
    estimable = [result.get(name, cue="all").value for name in SHARES if name != "overall_from_weights"]
    assert sum(estimable) == pytest.approx(1, abs=1e-12)
    assert {row.coefficient for row in result} <= set(TITLES)
    assert result.synthetic


def test_without_overall_ratings_or_factors_it_says_so(pilot):
    factors = pilot.ratings.factor
    with pytest.raises(ArgumentError, match="no ratings of an overall"):
        overall_integration(keep(pilot, factors < 12))
    with pytest.raises(ArgumentError, match="no ratings of risk or protective"):
        overall_integration(keep(pilot, factors == 12))
    with pytest.raises(ArgumentError, match="no sheet has"):
        overall_integration(recoded(pilot, lambda r, x: np.where(r.factor < 12, -2, x)))
    with pytest.raises(ArgumentError, match="guide"):
        overall_consistency(keep(pilot, factors < 12))


def test_one_officer_and_two_officers(second):
    one = overall_integration(keep(second, second.ratings.rater == 3))
    for name in (*SHARES, "policy_agreement"):
        assert one.get(name, cue="all").flags[0] in ("one-rater", "no-variance"), name
    two = overall_integration(keep(second, second.ratings.rater < 2))
    assert math.isnan(two.get("policy_r2", cue="all").ci_low)
    assert "two-raters" in two.get("policy_r2", cue="all").flags


def test_constant_overall_or_constant_factors(second):
    same = overall_integration(recoded(second, lambda r, x: np.where(r.factor == 12, 1, x)))
    assert not same.get("overall_from_factors", cue="all").estimable
    assert "no-variance" in same.get("policy_r2", cue="all").flags
    assert "no-pairs" in same.get("pairs_disagreeing_differ", cue="all").flags
    flat = overall_integration(recoded(second, lambda r, x: np.where(r.factor < 12, 1, x)))
    assert flat.get("overall_from_factors", cue="all").value == 0
    assert any("Left out" in note for note in flat.notes)
    assert flat.where("policy_weight").rows == ()


def test_an_instrument_without_opportunity_or_guide_and_with_five_levels():
    five = Scale("five", ("a", "b", "c", "d", "e"), scores=(1, 2, 3, 4, 5))
    factors = [Factor(f"f{i}", f"F{i}", "risk", "five") for i in range(5)]
    tool = Instrument("five", "Five", (*factors, Factor("overall", "Overall", "overall", "five")), {"five": five})
    rng = np.random.default_rng(7)
    codes = rng.integers(0, 5, (10, 7, 5))
    result = overall_integration(made(np.rint(codes.mean(axis=2)), codes, tool))
    assert [row["cue"] for row in result.where("policy_weight")] == ["risk"]
    assert result.where("pairs_disagreeing_differ").rows == ()
    assert result.get("overall_from_factors", cue="all").value > 0.8


def test_a_sheet_without_priorities_of_a_kind_is_left_out_and_counted(pilot):
    gone = recoded(pilot, lambda r, x: np.where((r.rater == 0) & (r.case == 0) & (r.factor < 7), -2, x))
    result = overall_integration(gone)
    assert any(note.startswith("Overall ratings left out") and note.endswith(": 1.") for note in result.notes)
    assert result.get("policy_r2", cue="all").n_ratings == 39
