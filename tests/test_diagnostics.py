"""Officers' diagnostics: the same numbers by hand, recovery of a known truth, odd studies, large studies."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from test_evaluation import ODD, odd

from arms_irr.analysis.camps import camps
from arms_irr.analysis.consistency import between_raters
from arms_irr.analysis.diagnostics import DIAGNOSTICS, diagnostics
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.halo import halo
from arms_irr.analysis.influence import influence
from arms_irr.analysis.reversal import reversal_screen
from arms_irr.errors import ArgumentError
from arms_irr.planning.designs import pilot as pilot_design
from arms_irr.planning.designs import second_exercise
from arms_irr.planning.parameters import Bands, Parameters
from arms_irr.planning.simulate import example, replicate
from arms_irr.statistics.estimate import FLAGS
from arms_irr.statistics.polarisation import agreement_a
from arms_irr.study.ratings import Ratings


@pytest.fixture(scope="module")
def pilot():
    return example("pilot")


def study_of(pilot, codes, gold=None, **more):
    """A study of codes (R, C, F) on the first F factors, with the pilot's gold unless given."""
    r, c, f = (i.ravel().astype(np.int32) for i in np.indices(codes.shape))
    asked = codes.ravel() != -1
    golds = np.full((codes.shape[1], len(pilot.instrument.factors)), -1, np.int8)
    golds[:, : codes.shape[2]] = pilot.gold[:, : codes.shape[2]] if gold is None else gold
    ratings = Ratings(r[asked], c[asked], f[asked], codes.ravel()[asked].astype(np.int8), np.ones(asked.sum(), np.int16),
                      np.full(asked.sum(), -1, np.int8))
    bands = {"risk_band": tuple(("lower", "higher")[i % 2] for i in range(codes.shape[1]))}
    raters = tuple(f"officer_{j:04d}" for j in range(len(codes)))
    return replace(pilot, raters=raters, cases=tuple(f"case_{i}" for i in range(codes.shape[1])), ratings=ratings, gold=golds,
                   rater_attributes=more.get("attributes", {}), case_attributes=bands, gold_panel={})


def drawn(pilot, parameters, seed, design=None):
    design = design or pilot_design(1)
    made = replicate(design, parameters, seed, 1)
    gold = np.array([case.gold for case in design.cases])
    return study_of(pilot, made.ratings[0], gold), made.truth


# --- officers ---------------------------------------------------------------------------------------------


def test_every_measure_by_hand(pilot):
    found, frame = diagnostics(pilot), pilot.frame()
    frame = frame[(frame.kind != "overall") & (frame.rater == "officer_07")]
    code = {"Low": 0, "Medium": 1, "High": 2}
    given = frame[frame.rating.isin(code)]
    x, g = (given[c].map(code).to_numpy() for c in ("rating", "gold"))

    def value(name):
        return found.get(name, rater="officer_07").value

    assert value("mean_signed_error") == pytest.approx((x - g).mean())
    t = stats.ttest_1samp(x - g, 0).confidence_interval()
    assert found.get("mean_signed_error", rater="officer_07").ci_low == pytest.approx(t.low)
    assert value("over_below_highest") == pytest.approx((x > g)[g < 2].mean())
    assert value("under_above_lowest") == pytest.approx((x < g)[g > 0].mean())
    missed = found.get("missed_high", rater="officer_07")
    k, n = int((x < g)[g == 2].sum()), int((g == 2).sum())
    assert missed.value == pytest.approx(k / n)
    assert missed.ci_high == pytest.approx(stats.beta.ppf(.975, k + 1, n - k))
    assert value("two_step") == pytest.approx((abs(x - g) == 2)[g != 1].mean())
    assert value("middle_share") == pytest.approx((x == 1).mean())
    assert value("sd_ratio") == pytest.approx(x.std() / g.std())
    assert value("slope") == pytest.approx(np.polyfit(g, x, 1)[0])
    assert value("entropy_ratio") == pytest.approx(stats.entropy(np.bincount(x)) / stats.entropy(np.bincount(g)))
    assert value("categories_used") == len(set(x))
    within = [sum(((v[given.case == c] - v[given.case == c].mean()) ** 2).sum() for c in pilot.cases) for v in (x, g)]
    assert value("halo_index") == pytest.approx(np.sqrt(within[0] / within[1]))
    assert value("sensitivity_high") == pytest.approx(1 - missed.value)
    assert value("specificity_low") == pytest.approx((x > 0)[g > 0].mean())
    assert value("unable_to_rate") == pytest.approx((frame.rating == "Unable to rate").mean())
    parts = found.get("elevation", rater="officer_07").parts
    four = sum(value(name) for name in ("elevation", "differential_elevation", "stereotype_accuracy", "differential_accuracy"))
    assert four == pytest.approx(parts["mean_square"])


def test_shares_are_those_of_agreement_with_the_gold(pilot):
    own = against_gold(pilot, ["rater"], statistics=["mean_signed_error", "unable_to_rate"])
    for row in own:
        other = diagnostics(pilot, statistics=[row.coefficient]).get(row.coefficient, rater=row["rater"])
        assert (other.value, other.ci_low, other.ci_high) == pytest.approx((row.estimate.value, row.estimate.ci_low, row.estimate.ci_high))


def test_severity_is_recovered_and_shrinks(pilot):
    parameters = Parameters(severity_sd=.5)
    correlations, inside = [], []
    for seed in range(12):
        study, truth = drawn(pilot, parameters, seed, second_exercise(1))
        rows = diagnostics(study, statistics=["severity_shrunken"]).rows
        value = np.array([row.estimate.value for row in rows])
        own = np.array([row.estimate.parts["own"] for row in rows])
        correlations.append(np.corrcoef(value, truth.severity[0])[0, 1])
        group = rows[0].estimate.parts["group"]
        inside.append(np.abs(value - group).mean() < np.abs(own - group).mean())
        assert all(r.estimate.ci_low < r.estimate.value < r.estimate.ci_high for r in rows)
    assert np.mean(correlations) > .65
    assert all(inside)


def test_equal_officers_are_not_separated_and_a_severe_one_is(pilot):
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 3, (10, 12))
    codes = np.where(rng.random((20, 10, 12)) < .75, gold, rng.integers(0, 3, (20, 10, 12)))
    even = diagnostics(study_of(pilot, codes, gold), statistics=["severity_shrunken"])
    assert sum("not-separated" in row.estimate.flags for row in even) >= 19
    codes[4] = np.minimum(gold + (rng.random(gold.shape) < .6), 2)
    odd_one = diagnostics(study_of(pilot, codes, gold), statistics=["severity_shrunken"])
    found = odd_one.get("severity_shrunken", rater="officer_0004")
    assert "not-separated" not in found.flags
    assert found.parts["p_above"] > .99


def test_groups_have_officers_as_units(pilot):
    found = diagnostics(pilot, ["agency"])
    assert found.get("mean_signed_error", agency="police").n_raters == 12
    expected = against_gold(pilot, ["agency"], statistics=["exact"])
    for agency in ("police", "probation"):
        one, other = found.get("exact", agency=agency), expected.get("exact", agency=agency)
        assert (one.value, one.ci_low, one.ci_high) == pytest.approx((other.value, other.ci_low, other.ci_high))
        sd = found.get("error_sd", agency=agency)
        assert 0 <= sd.ci_low <= sd.value <= sd.ci_high
    assert len(diagnostics(pilot, ())) == 4
    with pytest.raises(ArgumentError, match="no attribute of the officers"):
        diagnostics(pilot, ["risk_band"])
    with pytest.raises(ArgumentError, match="unknown statistic"):
        diagnostics(pilot, statistics=["severty_shrunken"])


# --- halo -------------------------------------------------------------------------------------------------


def test_halo_is_seen_where_it_is(pilot):
    def mean(halo_sd):
        return np.mean([halo(drawn(pilot, Parameters(halo=Bands(halo_sd, halo_sd)), seed, second_exercise(1))[0]).get("halo_correlation").value
                        for seed in range(8)])

    assert abs(mean(0.0)) < .02 < .15 < mean(1.0)


def test_halo_needs_two_cases_an_officer(pilot):
    assert halo(pilot, ["case"]).get("halo_variance", case="case_a").flags == ("one-reading",)
    with pytest.raises(ArgumentError, match="reading of a case"):
        halo(pilot, ["factor"])


# --- reversal ---------------------------------------------------------------------------------------------


def test_reversers_are_found(pilot):
    hits, alarms = [], []
    for seed in range(25):
        study, truth = drawn(pilot, Parameters(reversal=.1), seed)
        found = reversal_screen(study)
        flagged = np.array(["reversed" in found.get("reversal_excess", rater=rater).flags for rater in study.raters])
        hits += flagged[truth.reverser[0]].tolist()
        alarms += flagged[~truth.reverser[0]].tolist()
        direct, without = (found.get("exact", rater=who).value for who in ("all officers", "without those flagged"))
        assert without >= direct or not flagged.any()
    assert np.mean(hits) > .7
    assert np.mean(alarms) < .05


def test_a_perfect_reverser_by_hand(pilot):
    gold = np.tile(np.arange(12) % 3, (2, 1))
    codes = np.repeat(gold[None], 6, axis=0)
    codes[2, :, 7:] = 2 - codes[2, :, 7:]
    found = reversal_screen(study_of(pilot, codes, gold))
    one = found.get("reversal_excess", rater="officer_0002")
    golds = gold[:, 7:].ravel()
    assert one.value == (golds != 1).sum()
    assert one.flags == ("reversed",)
    assert one.parts["p"] == pytest.approx(.5 ** (golds != 1).sum())
    assert found.get("reversal_correlation", rater="officer_0002").value == pytest.approx(-1)
    assert found.get("exact", rater="without those flagged").value == 1


# --- influence --------------------------------------------------------------------------------------------


def test_influence_is_leaving_out(pilot):
    found = influence(pilot)
    for row in found:
        if row["what"] not in ("officer", "factor"):
            continue
        r, instrument = pilot.ratings, pilot.instrument
        keep = r.rater != pilot.raters.index(row["left_out"]) if row["what"] == "officer" else \
            r.factor != instrument.factor_ids.index(row["left_out"])
        less = replace(pilot, ratings=Ratings(*(getattr(r, name)[keep] for name in
                                                ("rater", "case", "factor", "code", "occasion", "urgency"))))
        if row.coefficient == "exact":
            without, whole = (against_gold(s, ["case"], statistics=["exact"]).get("exact", case=row["case"]).value for s in (less, pilot))
        else:
            without, whole = (between_raters(s, ["case"], coefficient=row.coefficient, weights=row.estimate.weights)
                              .get(row.coefficient, case=row["case"]).value for s in (less, pilot))
        assert row.estimate.parts["without"] == pytest.approx(without)
        assert row.estimate.value == pytest.approx(without - whole)


def test_a_stranger_is_influential(pilot):
    rng = np.random.default_rng(2)
    gold = rng.integers(0, 3, (4, 12))
    codes = np.where(rng.random((20, 4, 12)) < .9, gold, 1)
    codes[3] = 2 - gold
    found = influence(study_of(pilot, codes, gold))
    flagged = {(row["left_out"], row.coefficient) for row in found if row["what"] == "officer" and row.estimate.flags}
    assert {("officer_0003", name) for name in ("exact", "gwet", "krippendorff")} <= flagged
    assert {row["left_out"] for row in found if row["what"] == "officer" and "influential" in row.estimate.flags} == {"officer_0003"}


# --- camps ------------------------------------------------------------------------------------------------


def test_verdicts(pilot):
    columns = {"unanimous": [2] * 20, "lean": [2] * 14 + [1] * 6, "scatter": [0] * 6 + [1] * 8 + [2] * 6, "two camps": [0] * 9 + [2] * 11}
    codes = np.array(list(columns.values())).T[:, None, :]
    found = camps(study_of(pilot, codes, np.zeros((1, 4))))
    assert [row["verdict"] for row in found] == list(columns)
    assert found.rows[3].estimate.parts["p_two_camps"] < .001
    assert found.rows[3].estimate.parts["camp_share"] == .45
    assert any("agree on a rule" in note for note in found.notes)
    few = camps(study_of(pilot, codes[::3], np.zeros((1, 4))))
    assert {row["verdict"] for row in few} == {"too few"}
    assert camps(pilot, seed=4).to_csv() == camps(pilot, seed=4).to_csv()
    with pytest.raises(ArgumentError, match="within a factor of a case"):
        camps(pilot, ["kind"])


def test_the_interval_of_agreement_a_is_the_jackknife_over_officers(pilot):
    row = next(row for row in camps(pilot) if row["verdict"] == "scatter")
    r = pilot.ratings
    keep = (r.case == pilot.cases.index(row["case"])) & (r.factor == pilot.instrument.factor_ids.index(row["factor"])) & (r.code >= 0)
    counts = np.bincount(r.code[keep], minlength=3)
    without = np.array([agreement_a(counts - np.eye(3)[k]) for k in r.code[keep]])
    n = len(without)
    assert row.estimate.se == pytest.approx(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    assert row.estimate.value == pytest.approx(agreement_a(counts))


def test_scatter_is_rarely_called_two_camps(pilot):
    rng = np.random.default_rng(3)
    codes = rng.choice(3, p=[.4, .25, .35], size=(20, 1, 12))  # two weak modes
    flat_ones = rng.choice(3, p=[1 / 3] * 3, size=(20, 30, 12))
    found = [row["verdict"] for row in camps(study_of(pilot, flat_ones, np.zeros((30, 12))))]
    assert np.mean([v == "two camps" for v in found]) < .08
    assert len(camps(study_of(pilot, codes, np.zeros((1, 12))))) == 12


# --- odd and large ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ODD)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_odd_studies_get_an_answer_or_a_reason(name, pilot):
    study = odd(name, pilot)
    results = [halo(study), halo(study, ["case"]), camps(study), influence(study)]
    if study.has_gold:
        results += [diagnostics(study), diagnostics(study, ()), reversal_screen(study)]
    else:
        for ask in (diagnostics, reversal_screen):
            with pytest.raises(ArgumentError, match="no gold standard"):
                ask(study)
    for result in results:
        for row in result:
            assert row.estimate.estimable or row.estimate.flags, (row.coefficient, row.group)
            assert set(row.estimate.flags) <= set(FLAGS)


def test_five_thousand_officers_take_seconds(pilot):
    rng = np.random.default_rng(4)
    gold = rng.integers(0, 3, (20, 12))
    severity = .3 * rng.standard_normal((5000, 1, 1))
    codes = np.clip(np.rint(gold + severity + .6 * rng.standard_normal((5000, 20, 12))), 0, 2).astype(np.int8)
    codes[rng.random(codes.shape) < .05] = -2
    study = study_of(pilot, codes, gold)
    start = time.perf_counter()
    found = diagnostics(study)
    halo(study), camps(study), reversal_screen(study)
    assert time.perf_counter() - start < 40  # a third of it on an idle machine
    assert len(found) == 5000 * (len(DIAGNOSTICS) + 1)
    assert np.corrcoef([row.estimate.value for row in found.where("severity_shrunken")], severity.ravel())[0, 1] > .97
