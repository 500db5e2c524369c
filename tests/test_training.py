"""Before and after training: the adjusted change, the warnings, the tests by factor, the decisions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

import arms_irr as irr
from arms_irr.analysis.training import training_by_factor, training_effect, transitions
from arms_irr.cli.main import app
from arms_irr.planning.designs import DESIGNS, Later
from arms_irr.planning.parameters import Parameters
from arms_irr.planning.simulate import simulate
from arms_irr.statistics.homogeneity import mcnemar
from arms_irr.statistics.multiplicity import benjamini_hochberg
from arms_irr.statistics.paired_clusters import clustered_mcnemar


@pytest.fixture(scope="module")
def study():
    return irr.example("training_pre_post")


def shares(study, statistic="exact"):
    """Each officer's value on occasions 1 and 2, and the set had first, the plain way."""
    r = study.ratings
    found = {}
    for k in range(len(r)):
        gold = study.gold[r.case[k], r.factor[k]]
        if r.code[k] < 0 or study.instrument.factors[r.factor[k]].kind not in ("risk", "protective") or r.occasion[k] > 2:
            continue
        value = float(r.code[k] == gold) if statistic == "exact" else float(r.code[k] - gold)
        found.setdefault((int(r.rater[k]), int(r.occasion[k])), []).append(value)
    return np.array([[np.mean(found[j, t]) for t in (1, 2)] for j in range(len(study.raters))])


# --- the clustered test -----------------------------------------------------------------------------------


def test_one_pair_an_officer_is_mcnemar():
    rng = np.random.default_rng(1)
    y = (rng.random((30, 2)) < [0.6, 0.4]).astype(float)
    b, c = int((y[:, 0] > y[:, 1]).sum()), int((y[:, 0] < y[:, 1]).sum())
    found = clustered_mcnemar(y, np.ones((30, 2)))
    assert found.statistic == pytest.approx(29 / 30 * mcnemar(b, c, "chi2").statistic)
    assert found.p == pytest.approx(stats.chi2.sf(found.statistic, 1))


def test_matched_pairs_have_the_closed_form():
    """With pairs, (K - 1)/K (sum of b - c)^2 / sum (b - c)^2 (Obuchowski 1998, in the notation of Yang et al. 2010)."""
    rng = np.random.default_rng(2)
    n = rng.integers(1, 9, 25)
    y = rng.binomial(n[:, None], [0.7, 0.5]).astype(float)
    gap = y[:, 0] - y[:, 1]
    found = clustered_mcnemar(y, np.stack([n, n], axis=1))
    assert found.statistic == pytest.approx(24 / 25 * gap.sum() ** 2 / (gap**2).sum())


def test_the_clustered_test_holds_its_level():
    """Correlated officers without a change, unequal numbers: rejections at 5 per cent within simulation error."""
    rng = np.random.default_rng(3)
    rejected = 0
    for _ in range(2000):
        p = rng.beta(4, 2, 40)
        n = rng.integers(1, 5, (40, 2))
        rejected += clustered_mcnemar(rng.binomial(n, p[:, None]), n).p < 0.05
    assert rejected / 2000 == pytest.approx(0.05, abs=3.5 * math.sqrt(0.05 * 0.95 / 2000))


def test_nothing_to_test():
    assert clustered_mcnemar(np.ones((4, 2)), np.ones((4, 2))).flags == ("no-disagreement",)
    assert clustered_mcnemar([[1, 0]], [[2, 2]]).flags == ("one-rater",)
    assert clustered_mcnemar([[1, 0], [1, 0]], [[2, 0], [2, 0]]).flags == ("no-ratings",)


# --- the change -------------------------------------------------------------------------------------------


def test_the_adjusted_change_is_the_mean_of_both_orders(study):
    found = training_effect(study)
    values = shares(study)
    order = np.array(study.rater_attributes["order"])
    d = values[:, 1] - values[:, 0]
    a, b = d[order == "A first"], d[order == "B first"]
    one = found.get("change_adjusted")
    assert one.value == pytest.approx((a.mean() + b.mean()) / 2)
    welch = stats.ttest_ind(a, -b, equal_var=False)  # a mean change of 0 in both orders together
    assert one.parts["p_t"] == pytest.approx(welch.pvalue)
    interval = welch.confidence_interval(0.95)
    assert (one.ci_low, one.ci_high) == pytest.approx((interval.low / 2, interval.high / 2))
    assert abs(found.get("vignette_difference").value) == pytest.approx(abs(a.mean() - b.mean()) / 2)
    change = found.get("difference")
    assert (change.parts["officers_more"], change.parts["officers_equal"], change.parts["officers_less"]) == (
        (d > 1e-9).sum(), (abs(d) < 1e-9).sum(), (d < -1e-9).sum())
    assert change.parts["cases_again"] == 0  # nobody had the same vignette before and after
    assert "rose (adjusted for the vignettes, p = 0.021)" in found.notes[0]
    signed = shares(study, "signed")
    g = signed[:, 1] - signed[:, 0]
    assert found.get("change_adjusted_in_steps").value == pytest.approx((g[order == "A first"].mean() + g[order == "B first"].mean()) / 2)


def test_a_harder_pair_of_vignettes_does_not_look_like_training():
    """Twenty officers had the hard pair second, ten first: the plain change is off, the adjusted one is not."""
    rows, gold = [], []
    factors = [f.id for f in irr.load_instrument("arms-12").factors if f.kind in ("risk", "protective")]
    for c in ("easy", "hard"):
        gold += [(c, f, "High") for f in factors] + [(c, "overall", "High")]
    for j in range(30):
        first = "easy" if j < 20 else "hard"
        for t, c in ((1, first), (2, "hard" if first == "easy" else "easy")):
            right = (9 if c == "easy" else 5) + (t == 2) + (j % 2)
            rows += [(f"r{j:02d}", c, f, "High" if k < right else "Medium", t) for k, f in enumerate(factors)]
    made = irr.Study.from_frames(pd.DataFrame(rows, columns=["rater", "case", "factor", "rating", "occasion"]),
                                 gold=pd.DataFrame(gold, columns=["case", "factor", "rating"]), synthetic=True)
    found = training_effect(made)
    assert found.get("difference").value < 0
    assert found.get("change_adjusted").value == pytest.approx(1 / 12)
    one_way = replace(made, ratings=type(made.ratings)(**{k: v[made.ratings.rater < 20] for k, v in vars(made.ratings).items()}))
    alone = training_effect(one_way)
    assert alone.get("change_adjusted").flags == ("not-counterbalanced",)
    assert alone.get("vignette_difference").flags == ("not-counterbalanced",)


def test_training_of_many_officers_is_recovered():
    """Simulated officers whose noise falls by half: agreement rises by what the model says, severity does not move."""
    design = DESIGNS["training_pre_post"](1)
    big = replace(design, name="big", raters=tuple(replace(r, id=f"{r.id}_{k}") for k in range(8) for r in design.raters),
                  assignment=design.assignment * 8, later=tuple(Later(o.assignment * 8, o.trained) for o in design.later))
    parameters = Parameters(training=replace(Parameters().training, noise=0.5))
    made = simulate(big, parameters, 4)
    assert set(made.ratings["occasion"]) == {"1", "2", "3"}
    from arms_irr.planning.population import population

    before, after = (np.average(population(big, p).cells["exact"], weights=[7, 5, 7, 5]) for p in (parameters, parameters.trained()))
    found = irr.Study.from_frames(*(pd.DataFrame(t) for t in (made.ratings, made.gold, made.cases, made.raters)), synthetic=True)
    effect = training_effect(found).get("change_adjusted")
    assert effect.value == pytest.approx(after - before, abs=4 * effect.se)
    assert effect.ci_low > 0.03


def test_more_severe_is_not_better():
    factors = [f.id for f in irr.load_instrument("arms-12").factors if f.kind in ("risk", "protective")]
    gold = [(c, f, "Medium") for c in "ab" for f in factors] + [(c, "overall", "Low") for c in "ab"]
    rows = []
    for j in range(12):
        for t, c in ((1, "ab"[j % 2]), (2, "ba"[j % 2])):
            rows += [(f"r{j:02d}", c, f, ("Low" if t == 1 else "High") if (k + j) % 3 == 0 else "Medium", t) for k, f in enumerate(factors[: 11 + j % 2])]
    made = irr.Study.from_frames(pd.DataFrame(rows, columns=["rater", "case", "factor", "rating", "occasion"]),
                                 gold=pd.DataFrame(gold, columns=["case", "factor", "rating"]), synthetic=True)
    note = training_effect(made).notes[0]
    assert "do not show whether agreement" in note
    assert "Officers rate higher than before" in note
    assert "a change of severity alone is not better rating" in note


def test_selected_officers_bring_the_warning(study):
    assert not any("regression to the mean" in note for note in training_effect(study).notes)
    some = replace(study, rater_attributes={**study.rater_attributes, "selected": ("yes", "no") * 20})
    [note] = [note for note in training_effect(some).notes if "regression to the mean" in note]
    values = shares(study)
    assert "those selected from" in note
    assert f"{100 * values[::2, 0].mean():.0f} %" in note
    every = replace(study, rater_attributes={**study.rater_attributes, "chosen": ("yes",) * 40})
    [note] = [note for note in training_effect(every, selected="chosen").notes if "regression to the mean" in note]
    assert "Nobody who was not selected" in note


def test_factor_by_factor(study):
    found = training_by_factor(study)
    p = [row.estimate.parts["p"] for row in found]
    assert len(found) == 12
    assert [row.estimate.parts["p_bh"] for row in found] == pytest.approx(benjamini_hochberg(p))
    assert all(row.estimate.parts["below_q"] == (row.estimate.parts["p_bh"] <= 0.1) for row in found)


def test_decisions_before_and_after(study):
    found = transitions(study)
    assert [row.estimate.value for row in found] == [0, 0, 0, 0, 40, 0, 0, 0, 0]
    assert found.notes[0].startswith("Nobody can be certified from these occasions: each holds at most 2 cases")
    loose = {"minimum_cases": 2, "minimum_gold": 1, "missed_high": 1.0}
    moved = transitions(study, loose)
    assert sum(row.estimate.value for row in moved) == 40
    for name, occasion in (("before", "1"), ("after", "2")):
        decided = study.certify(loose, occasion=occasion)
        for row in decided.where("officers"):
            assert sum(r.estimate.value for r in moved if r[name] == row["decision"]) == row.estimate.value


def test_one_occasion_is_refused():
    for ask in (training_effect, training_by_factor, transitions):
        with pytest.raises(irr.ArgumentError, match="two occasions"):
            ask(irr.example("pilot"))


# --- the data set and the commands ------------------------------------------------------------------------


def test_the_design_is_counterbalanced():
    for seed in (1, 5):
        design = DESIGNS["training_pre_post"](seed)
        gold = design.golds()
        for a, b in ((0, 2), (1, 3)):
            assert [sorted(gold[a, k]) == sorted(gold[b, k]) for k in (slice(0, 7), slice(7, 12))] == [True, True]
        after, again = design.later
        assert [first == second for first, second in zip(design.assignment, after.assignment, strict=True)] == [False] * 40
        for agency in ("police", "probation"):
            firsts = [first for first, r in zip(design.assignment, design.raters, strict=True) if r.attributes["agency"] == agency]
            assert firsts.count((0, 1)) == firsts.count((2, 3))
        assert sum(map(bool, again.assignment)) == 20
        assert all(third in ((), second) for third, second in zip(again.assignment, after.assignment, strict=True))
        assert (after.trained, again.trained) == (True, True)


@pytest.mark.parametrize("command", [["certify"], ["certify", "--characteristics"], ["certify", "--sequential"], ["training"], ["drift"]])
def test_the_commands_answer_people_and_machines(command, tmp_path):
    from arms_irr.planning.simulate import simulate_example, write

    name = "certification" if command[0] == "certify" else "training_pre_post"
    folder = str(write(simulate_example(name), tmp_path / name))
    for more in ([], ["--json"], ["--csv"]):
        result = CliRunner().invoke(app, [command[0], folder, *command[1:], *more])
        assert result.exit_code == 0, result.output
        assert "ynthetic" in result.output
        assert ("ci_low" in result.stdout) == bool(more)
    assert CliRunner().invoke(app, [command[0], folder, *command[1:], "--json", "--csv"]).exit_code == 2


def test_a_rule_file_on_the_command_line(tmp_path):
    from arms_irr.planning.simulate import simulate_example, write

    folder = str(write(simulate_example("pilot"), tmp_path / "pilot"))
    rule = tmp_path / "rule.toml"
    rule.write_text('[certification]\ntitle = "Ours"\nminimum_cases = 2\nminimum_gold = 1\n', "utf-8")
    shown = CliRunner().invoke(app, ["certify", folder, "--rule", str(rule)]).stdout
    assert "Who may be certified: Ours" in shown
    assert "Nobody can be certified" not in shown
    assert "Nobody can be certified" in " ".join(CliRunner().invoke(app, ["certify", folder]).stdout.split())
    assert CliRunner().invoke(app, ["certify", folder, "--rule", str(tmp_path / "none.toml")]).exit_code == 2
