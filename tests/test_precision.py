"""Planned exercises: the vectorised numbers are the study's own, and every backend gives the same bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arms_irr.analysis.consistency import between_raters
from arms_irr.analysis.contrasts import contrast as study_contrast
from arms_irr.analysis.contrasts import interaction
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.missed import missed_high
from arms_irr.errors import ArgumentError
from arms_irr.instruments import load_instrument
from arms_irr.planning import engine
from arms_irr.planning.designs import PILOT_MIX, Mix, crossed, pilot, second_exercise
from arms_irr.planning.engine import Plan, run
from arms_irr.planning.headlines import FIELDS, Ratings, evaluate, headlines, values
from arms_irr.planning.parameters import Parameters
from arms_irr.planning.population import priorities
from arms_irr.planning.precision import NEW_CASES, Quantity, one_more, precision, trade_off
from arms_irr.planning.simulate import draw, replicate
from arms_irr.statistics.multiplicity import holm
from arms_irr.study import Study

KIND = np.array([0] * 7 + [1] * 5)


def many(design, parameters=NEW_CASES, n=3, seed=4):
    drawn = draw(design, parameters, np.random.default_rng(seed), n)
    gold = np.broadcast_to(design.golds(), (n, *design.golds().shape))
    return Ratings(drawn.ratings, gold, design.bands(), KIND, bool(design.rated().all()))


def as_study(design, codes) -> Study:
    instrument = load_instrument("arms-12")
    ids = [f.id for f in instrument.factors if f.kind in ("risk", "protective")]
    labels = [(r.id, c.id, f, instrument.scale_of(f).label(codes[j, k, i]))
              for j, r in enumerate(design.raters) for k, c in enumerate(design.cases) if k in design.assignment[j] for i, f in enumerate(ids)]
    gold = [(c.id, f, instrument.scale_of(f).label(c.gold[i])) for c in design.cases for i, f in enumerate(ids)]
    gold += [(c.id, f.id, instrument.scale_of(f.id).label(c.overall)) for c in design.cases for f in instrument.factors if f.kind == "overall"]
    return Study.from_frames(
        pd.DataFrame(labels, columns=["rater", "case", "factor", "rating"]), gold=pd.DataFrame(gold, columns=["case", "factor", "rating"]),
        cases=pd.DataFrame([(c.id, c.risk_band) for c in design.cases], columns=["case", "risk_band"]),
        raters=pd.DataFrame([(r.id, r.attributes["agency"]) for r in design.raters], columns=["rater", "agency"]),
        instrument="arms-12", title="simulated", synthetic=True)


def shown_by(study: Study, crossed_design: bool) -> dict:
    """The same headlines, asked one by one of a study."""
    found = {}
    for by in ([], ["risk_band"], ["kind", "risk_band"]):
        for row in against_gold(study, by, statistics=["exact"]):
            found["exact", ", ".join(row.group.values()) or "all"] = row.estimate
    for by in ([], ["risk_band"]):
        for name in ("gwet", "brennan_prediger", "conger" if crossed_design else "fleiss"):
            for row in between_raters(study, by, coefficient=name):
                found[name, ", ".join(row.group.values()) or "all"] = row.estimate
    found["missed_high", "all"] = missed_high(study, []).get("missed_high")
    found["unable_to_rate", "all"] = against_gold(study, [], statistics=["unable_to_rate"]).get("unable_to_rate")
    found["difference", "lower less higher"] = study_contrast(study, "risk_band").rows[-1].estimate
    found["difference", "risk less protective"] = study_contrast(study, "kind").rows[-1].estimate
    found["difference", "risk less protective, higher"] = study_contrast(study, "kind", within={"risk_band": "higher"}).rows[-1].estimate
    last = interaction(study).rows[-1]
    found["interaction", last.group["level"]] = last.estimate
    return found


def lopsided():
    """Some officers rate one band only, one rates nothing."""
    design = crossed(9, 6)
    return replace(design, assignment=((0, 1, 2), (0, 2, 4), (1, 3, 5), (0, 1, 2, 3, 4, 5), (), (1, 2), (0, 3), (4, 5), (3, 4)))


@pytest.mark.parametrize(("design", "parameters"), [
    (pilot(1), Parameters()), (second_exercise(1), NEW_CASES), (lopsided(), NEW_CASES),
    (crossed(5, 2), Parameters(noise=replace(Parameters().noise, lower_risk=0.05, lower_protective=0.05), severity_sd=0.0,
                               protective_severity_sd=0.0)),
], ids=["pilot", "blocks", "lopsided", "near the end"])
def test_vectorised_headlines_are_the_studys_own(design, parameters):
    ratings = many(design, parameters)
    shown = evaluate(ratings)
    for k, codes in enumerate(ratings.codes):
        asked = shown_by(as_study(design, codes), ratings.crossed)
        assert set(asked) == set(headlines(ratings.crossed))
        for key, got in zip(headlines(ratings.crossed), shown[k], strict=True):
            one = asked[key]
            wanted = [one.value, one.ci_low, one.ci_high, one.parts.get("p_t", np.nan)]
            np.testing.assert_allclose(got[:4], wanted, atol=1e-12, rtol=1e-10, err_msg=str(key))


def test_parts_of_an_exercise_are_exercises():
    whole = many(crossed(8, 6))
    some = whole.part([0, 3, 4, 6], [0, 1, 2, 3])
    direct = Ratings(whole.codes[:, [0, 3, 4, 6], :4].copy(), whole.gold[:, :4], whole.band[:4], KIND, True)
    np.testing.assert_allclose(evaluate(some), evaluate(direct), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("crossed_design", [True, False])
def test_truth_is_what_many_officers_show(crossed_design):
    design = crossed(400, 4)
    if not crossed_design:
        design = replace(design, assignment=tuple((j % 4, (j + 1) % 4) for j in range(400)))
    parameters = replace(NEW_CASES, unable_near_threshold=1.0)
    drawn = draw(design, parameters, np.random.default_rng(1), 30)
    again = replace(drawn.truth, ambiguity=drawn.truth.ambiguity[:1].repeat(30, 0), difficulty=drawn.truth.difficulty[:1].repeat(30, 0))
    drawn = draw(design, parameters, np.random.default_rng(2), 30, cases=again)
    gold = np.broadcast_to(design.golds(), (30, 4, 12))
    shown = evaluate(Ratings(drawn.ratings, gold, design.bands(), KIND, crossed_design))[..., 0]
    chances = priorities(design, parameters, again.ambiguity, again.difficulty, gold)
    truth = values(chances[0], design.rated().sum(0), gold, design.bands(), KIND, crossed_design)
    assert np.ptp(truth, axis=0).max() == 0
    error = shown.std(0, ddof=1) / np.sqrt(30)
    assert np.all(np.abs(shown.mean(0) - truth[0]) < 4 * error + 0.004)


def test_draw_keeps_cases_and_officers():
    design = pilot(1)
    first = draw(design, NEW_CASES, np.random.default_rng(1), 4)
    second = draw(design, NEW_CASES, np.random.default_rng(2), 4, cases=first.truth, officers=first.truth)
    for name in ("severity", "threshold", "unable", "ambiguity", "difficulty"):
        assert np.array_equal(getattr(first.truth, name), getattr(second.truth, name))
    assert not np.array_equal(first.truth.halo, second.truth.halo)
    assert np.array_equal(draw(design, NEW_CASES, np.random.default_rng([9, 1]), 2).ratings, replicate(design, NEW_CASES, 9, 2).ratings)


def test_crossed_designs_carry_the_mix():
    design = crossed(7, 14)
    assert design.rated().all()
    assert len({r.id for r in design.raters}) == 7
    gold, band = design.golds(), design.bands()
    assert (gold[band == 0][:, :7] == 1).mean() == pytest.approx(2 / 7)
    assert (gold[band == 1][:, 7:] == 2).mean() == pytest.approx(3 / 5, abs=0.03)
    assert (crossed(4, 2).golds()[0] == 1).sum() == 3  # one case of a band has the mix over its factors
    place = np.random.default_rng(1).random((5000, 2, 12))
    drawn = PILOT_MIX.golds(np.array([0, 1]), KIND, place)
    assert (drawn[:, 0, :7] == 0).mean() == pytest.approx(5 / 7, abs=0.02)
    assert set(np.unique(drawn[:, 1])) == {1, 2}


def test_deviations_separate_officers_from_cases():
    """A case effect of standard deviation 3 and an officers' effect of 1: variances 1 and 10."""
    from arms_irr.planning.precision import _squares

    rng = np.random.default_rng(3)
    value = 3 * rng.standard_normal((4000, 1)) + rng.standard_normal((4000, 2))
    own, both = (Quantity.deviation(_squares(value, target)) for target in ("raters", "both"))
    assert own.value == pytest.approx(1, abs=0.04)
    assert both.value == pytest.approx(np.sqrt(10), abs=0.1)
    assert own.estimate("raters").se == pytest.approx(1 / np.sqrt(2 * 4000), rel=0.1)  # of a standard deviation on 4,000 df
    # the two groups share their cases: less information than 8,000 exercises would hold
    assert both.estimate("both").se > np.sqrt(10) / np.sqrt(2 * 8000)


def test_holm_is_that_of_one_family():
    from arms_irr.planning.precision import _holm

    p = np.random.default_rng(1).random((50, 3)) ** 2
    np.testing.assert_allclose(_holm(p), [holm(row) for row in p])


def test_the_same_bytes_in_processes_and_on_a_cluster():
    import joblib

    distributed = pytest.importorskip("distributed")
    plan = Plan.whole(crossed(6, 2), NEW_CASES, golds=PILOT_MIX, scenarios=True)
    alone, processes = (run(plan, 60, 7, n_jobs=n) for n in (None, 2))
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, host="127.0.0.1", dashboard_address=None) as cluster, \
            distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        dask = run(plan, 60, 7)
    for other in (processes, dask):
        assert other.shown[0].tobytes() == alone.shown[0].tobytes()
        assert other.truth[0].tobytes() == alone.truth[0].tobytes()
        assert other.tests.tobytes() == alone.tests.tobytes()
    assert run(plan, 60, 8).shown[0].tobytes() != alone.shown[0].tobytes()


def test_an_early_stop_keeps_what_was_computed(monkeypatch):
    plan = Plan.whole(crossed(4, 2), NEW_CASES)
    whole, told = run(plan, 100, 1), []
    stopped = run(plan, 100, 1, stop=lambda: len(told) == 2, progress=lambda done, of: told.append((done, of)))
    assert told == [(25, 100), (50, 100)]
    assert stopped.shown[0].tobytes() == whole.shown[0][:50].tobytes()
    real, calls = engine._piece, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(engine, "_piece", interrupted)
    assert run(plan, 100, 1).shown[0].tobytes() == stopped.shown[0].tobytes()
    calls[:] = []
    result = precision(crossed(4, 2), replications=100)
    assert any("Stopped after 50 of 100" in note for note in result.notes)
    calls[:] = [1, 1]
    with pytest.raises(KeyboardInterrupt):
        run(plan, 100, 1)


def test_large_exercises_come_in_small_pieces():
    assert engine._sizes(crossed(5, 2), 60) == [25, 25, 10]
    assert engine._sizes(crossed(3000, 20), 3) == [2, 1]


def test_precision_shows_everything():
    found = precision(crossed(12, 10), replications=50, benchmarks={"gwet": 0.5})
    assert found.synthetic
    assert found.seed == 1
    own = found.get("half_width", statistic="exact", group="higher", inference="raters")
    spread = found.get("standard_deviation", statistic="exact", group="higher", inference="raters")
    assert own.value == pytest.approx(2.2 * spread.value, rel=0.25)  # t with 11 degrees of freedom
    both = found.get("half_width", statistic="exact", group="higher", inference="both")
    assert both.value > own.value * 0.8
    assert found.get("coverage", statistic="gwet", group="all", inference="raters").value > 0.85
    share = found.get("excludes_benchmark", statistic="gwet", group="lower", inference="raters")
    assert share.value == pytest.approx(share.parts["above"] + share.parts["below"])
    powers = [row.estimate.value for row in found.where("power_holm", inference="raters")]
    plain = [found.get("power", statistic=row["statistic"], group=row["group"], inference="raters").value
             for row in found.where("power_holm", inference="raters")]
    assert len(powers) == 3
    assert np.all(np.array(powers) <= plain)
    assert {row["group"] for row in found.where("power", inference="raters")} >= {"agencies, the second 25 % noisier",
                                                                                "after less before training"}
    assert list(found.to_frame().columns).count("target") == 1


def test_two_cases_have_no_test_over_cases():
    found = precision(pilot(1), replications=10)
    one = found.get("power", statistic="difference", group="lower less higher", inference="both")
    assert not one.estimable
    assert one.flags == ("few-cases",)


def test_tests_hold_their_level():
    """No difference between the bands, cases that differ: over officers too many are significant, over both about 5 %."""
    same = Parameters(noise=replace(NEW_CASES.noise, lower_risk=1.0, lower_protective=1.0, higher_risk=1.0, higher_protective=1.0),
                      shift=replace(NEW_CASES.shift, lower_protective=0.0, higher_risk=0.0, higher_protective=0.0),
                      halo=replace(NEW_CASES.halo, lower=0.3, higher=0.3), ambiguity_sd=0.4, difficulty_sd=0.5)
    mix = Mix(*[(0.4, 0.2, 0.4)] * 4)
    found = precision(crossed(16, 16, golds=mix), same, golds=mix, replications=150)
    p = {i: found.get("power", statistic="difference", group="lower less higher", inference=i) for i in ("raters", "both")}
    assert p["raters"].value > 0.2
    assert p["both"].value < 0.05 + 3 * 0.018


def test_reading_of_the_trade_off():
    found = trade_off((20, 80), (2, 12), replications=100, targets=("both",))
    sd = {(c, n): found.get("standard_deviation", cases=c, officers=n, statistic="exact", group="higher").value
          for c in ("2", "12") for n in ("20", "80")}
    assert sd["2", "80"] > 0.7 * sd["2", "20"]  # four times the officers
    assert sd["12", "20"] < 0.6 * sd["2", "20"]  # six times the vignettes
    stopped = trade_off((5,), (2, 4), replications=50, stop=lambda: True)
    assert {row["cases"] for row in stopped} == {"2"}


def test_one_more_shares_its_random_numbers():
    found = one_more(second_exercise(1), replications=50)
    names = list(dict.fromkeys(row["change"] for row in found))
    assert names == ["as planned", "one more lower-risk vignette", "one more higher-risk vignette", "5 more officers"]
    change = found.get("half_width_change", change="5 more officers", statistic="exact", group="all", inference="raters")
    assert change.value < 0
    alone = found.get("half_width", change="as planned", statistic="exact", group="all", inference="raters")
    assert change.se < alone.se * np.sqrt(2)
    more = found.get("half_width", change="5 more officers", statistic="exact", group="all", inference="raters")
    assert more.value - alone.value == pytest.approx(change.value)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: precision(pilot(1), replications=1), "Give 2 or more"),
    (lambda: precision(pilot(1), seed=-1), "seed is -1"),
    (lambda: precision(pilot(1), targets=("cases",)), "not one of raters, both"),
    (lambda: precision(pilot(1), benchmarks={"gwett": 0.6}), "Did you mean 'gwet'"),
    (lambda: precision(pilot(1), Parameters(agency_noise={"polise": 1.2})), "Did you mean 'police'"),
    (lambda: crossed(3, 1), "at least 1 officer and 2 cases"),
    (lambda: trade_off(()), "at least one number of officers"),
    (lambda: Mix((0.5, 0.5, 0.5), (1, 0, 0), (1, 0, 0), (1, 0, 0)), "sum to 1"),
])
def test_errors_say_what_to_do(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()


def test_fields_are_named():
    assert FIELDS == ("value", "low", "high", "p", "p_cases")
