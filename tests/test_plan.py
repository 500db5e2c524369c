"""The plan as a document: inputs, numbers on the page, files that go with it, stopping, and what bad input gets."""

from __future__ import annotations

import csv
import json
import os
import signal
import tomllib

import numpy as np
import pytest
from typer.testing import CliRunner

import arms_irr as irr
from arms_irr.analysis.result import Result
from arms_irr.cli.main import app
from arms_irr.cli.plan import stopping
from arms_irr.planning import exercise as computing
from arms_irr.planning.designs import crossed
from arms_irr.planning.exercise import compute
from arms_irr.planning.inputs import GOLDS, inputs_from, read_inputs
from arms_irr.planning.parameters import Parameters
from arms_irr.planning.precision import NEW_CASES
from arms_irr.planning.simulate import as_study, simulate
from arms_irr.reporting.wording import number

SMALL = {"officers": 8, "cases": 4, "replications": 5, "draws": 2, "formats": ("md",)}


WHOLE = computing._dependability


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Fewer sizes, and no dependability."""
    monkeypatch.setattr(computing, "SIZES", ((4, 8), (2, 4)))
    monkeypatch.setattr(computing, "_dependability", lambda inputs, parameters: Result("", (), (), ("Left out.",)))


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A plan from the pilot in incomplete blocks, with goals and ratings made twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(computing, "_LARGE", (6, 20))
        patch.setattr(computing, "SIZES", ((4, 8), (2, 4)))
        return irr.plan(irr.example("pilot"), tmp_path_factory.mktemp("plans") / "one", **{**SMALL, "cases": 6}, per_officer=4, re_rated=1,
                        goals={"exact": 0.9, "gwet": 0.001})


def rows_of(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


# --- inputs -----------------------------------------------------------------------------------------------------


def test_numbers_become_agencies_sites_and_bands():
    found = inputs_from(41, 13)
    assert found.officers == {"police": {"force_1": 7, "force_2": 7, "force_3": 7}, "probation": {"trust_1": 7, "trust_2": 7, "trust_3": 6}}
    assert found.cases == {"lower": 7, "higher": 6}
    assert (found.n_officers, found.n_cases, found.per_officer, found.links) == (41, 13, 6, 2)
    assert inputs_from(10, 6).per_officer == 6
    assert inputs_from({"north": 2, "south": 9}, 2, sites=4).officers == {
        "north": {"north_1": 1, "north_2": 1}, "south": {"south_1": 3, "south_2": 2, "south_3": 2, "south_4": 2}}
    assert inputs_from(10, 12, per_officer=1).links == 0  # or an officer would have no other


def test_every_mistake_is_told_at_once():
    with pytest.raises(irr.ArgumentError) as told:
        inputs_from(2.5, {"lower": 3, "high": 2}, golds="pilt", goals={"exakt": 0.1, "gwet": 0}, power=1, replications=1, seed=-1, sites=0)
    for words in ("2.5 officers", "'higher'", "'pilot'", "'exact'", "of gwet is 0", "power is 1", "replications is 1", "seed is -1", "sites is 0"):
        assert words in str(told.value)


@pytest.mark.parametrize("cases", [1, {"lower": 4}, {"lower": 0, "higher": 2}])
def test_both_bands_are_needed(cases):
    with pytest.raises(irr.ArgumentError, match="1 of each"):
        inputs_from(20, cases)


def test_plan_toml_says_everything_that_was_given(tmp_path):
    parameters = Parameters(severity_sd=0.4, agency_noise={"police": 1.2})
    given = inputs_from({"police": 9, "probation": 8}, 6, per_officer=4, links=1, re_rated=1, golds="pilot", goals={"exact": 0.05}, power=0.9,
                        replications=60, draws=7, seed=3, confidence_level=0.9, parameters=parameters)
    (tmp_path / "plan.toml").write_text(given.to_toml(parameters), "utf-8")
    assert read_inputs(tmp_path / "plan.toml") == given


def test_a_plan_toml_with_mistakes_tells_all_of_them(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('[plan]\ncasses = 3\nper_officer = "six"\n[goal]\nx = 1\n[parameters]\nseverity_sd = -1\n', "utf-8")
    with pytest.raises(irr.DataError) as told:
        read_inputs(path)
    assert len(told.value.problems) == 4
    for words in ("'cases'", "'six'", "'goals'", "severity_sd is -1"):
        assert words in str(told.value)
    path.write_text("plan = 3\n", "utf-8")
    with pytest.raises(irr.DataError, match=r"\[plan\]"):
        read_inputs(path)
    path.write_text("[plan\n", "utf-8")
    with pytest.raises(irr.DataError, match="no TOML"):
        read_inputs(path)


def test_parameters_that_a_file_leaves_out_are_the_shipped_ones(tmp_path):
    (tmp_path / "plan.toml").write_text("[parameters]\nstep = 1.5\n", "utf-8")
    found = read_inputs(tmp_path / "plan.toml").parameters
    assert (found.step, found.ambiguity_sd, found.noise) == (1.5, NEW_CASES.ambiguity_sd, NEW_CASES.noise)


# --- what is computed ---------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_jobs(planned, tmp_path, monkeypatch):
    monkeypatch.setattr(computing, "_dependability", WHOLE)
    monkeypatch.setattr(computing, "_LARGE", (6, 20))
    again = irr.plan(irr.example("pilot"), tmp_path / "two", **{**SMALL, "cases": 6}, per_officer=4, re_rated=1,
                     goals={"exact": 0.9, "gwet": 0.001}, n_jobs=2)
    names = sorted(path.relative_to(planned) for path in planned.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert [name for name in names if (planned / name).read_bytes() != (again / name).read_bytes()] == []


def test_numbers_on_the_page_are_those_of_the_tables(planned):
    page = (planned / "report.md").read_text("utf-8")
    found = {(row["statistic"], row["group"], row["inference"], row["coefficient"]): float(row["estimate"] or "nan")
             for row in rows_of(planned / "tables" / "precision.csv")}
    for target in ("raters", "both"):
        assert f"{number(100 * found['exact', 'all', target, 'half_width'], 1)} percentage points" in page
    assert "(GRRAS, item 6)" in page
    assert f"{number(100 * found['exact', 'all', 'raters', 'coverage'], 1)} %" in page
    assert "0.001 for Gwet's AC2, quadratic weights, **not reached**" in page
    assert "**reached** for other officers and for other vignettes" in page


def test_the_correlation_gives_the_simulated_half_width_back():
    inputs = inputs_from(20, 4, replications=10)
    design = inputs.design()
    simulated = irr.precision(design, replications=10, targets=("raters",))
    found = computing._closed_forms(inputs, design, simulated)
    alone, rho = found.get("half_width", formula="gold_agreement"), found.get("rater_icc", formula="gold_agreement")
    p, half = (simulated.get(name, statistic="exact", group="all", inference="raters").value for name in ("mean", "half_width"))
    assert irr.gold_agreement_half_width(20, alone.parts["ratings"], p, rho.value) == pytest.approx(half, rel=1e-9)
    assert irr.gold_agreement_half_width(20, alone.parts["ratings"], p) == pytest.approx(alone.value, rel=1e-12)


def test_the_table_is_that_of_the_same_trade_off():
    inputs = inputs_from(40, 12, golds="pilot", replications=4)
    found = computing.trade_off_table(inputs)
    direct = irr.trade_off(*computing.SIZES, golds=GOLDS["pilot"], replications=4)
    assert found.to_csv() == direct.to_csv()


@pytest.mark.slow
def test_more_vignettes_help_and_more_officers_hardly():
    found = irr.trade_off((20, 80), (2, 12), replications=150)

    def sd(cases, officers):
        return found.get("standard_deviation", cases=cases, officers=officers, statistic="exact", group="higher", inference="both").value

    assert sd("2", "80") > 0.7 * sd("2", "20")
    assert sd("12", "20") < 0.6 * sd("2", "20")


def test_a_stop_keeps_what_was_computed(tmp_path):
    told = []
    folder = irr.plan(None, tmp_path / "p", **{**SMALL, "replications": 60}, stop=lambda: bool(told), tell=lambda *words: told.append(words) if words[1] else None)
    page = (folder / "report.md").read_text("utf-8")
    assert "stopped before its end.** It rests on 25 of 60 simulated sets" in page
    assert sorted(path.name for path in (folder / "tables").iterdir()) == ["blocks.csv", "closed_forms.csv", "gold_profiles.csv", "precision.csv"]
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["settings"]["stopped"] is True


def test_an_interrupt_later_keeps_the_stages_before_it():
    def tell(stage, done, total):
        if stage == "one_more" and done:
            raise KeyboardInterrupt

    found = compute(inputs_from(8, 4, replications=60), tell=tell)
    assert found.stopped
    assert set(found.results) == {"blocks", "gold_profiles", "precision", "one_more", "closed_forms"}


def test_ctrl_c_asks_first_and_interrupts_then():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job starts with Ctrl-C ignored
    try:
        with stopping(1) as stop:
            assert not stop()
            os.kill(os.getpid(), signal.SIGINT)
            assert stop()
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


# --- the files ----------------------------------------------------------------------------------------------------


def test_forms_can_be_made_of_what_is_written(planned, tmp_path):
    made = CliRunner().invoke(app, ["form", "arms-12", "--cases", str(planned / "cases.csv"), "--raters", str(planned / "raters.csv"),
                                    "--assignment", str(planned / "assignments.csv"), "-o", str(tmp_path / "forms")])
    assert made.exit_code == 0, made.output
    assert "16 forms" in made.output  # 8 officers, two occasions
    assert "tells its risk band" not in made.output
    rows = rows_of(planned / "assignments.csv")
    assert len(rows) == 8 * 4 + 8 * 1
    golds = rows_of(planned / "intended_gold.csv")
    assert len(golds) == 6 * 12
    assert {row["rating"] for row in golds} <= {"Low", "Medium", "High"}


def test_intended_golds_add_up_to_the_profile(planned):
    band = {row["case"]: row["risk_band"] for row in rows_of(planned / "cases.csv")}
    counted: dict[tuple[str, str, str], int] = {}
    for row in rows_of(planned / "intended_gold.csv"):
        key = row["factor"], band[row["case"]], row["rating"]
        counted[key] = counted.get(key, 0) + 1
    for row in rows_of(planned / "tables" / "gold_profiles.csv"):
        assert counted.get((row["factor"], row["risk_band"], row["gold"]), 0) == float(row["estimate"])


def test_the_same_plan_from_its_plan_toml(planned, tmp_path):
    inputs = read_inputs(planned / "plan.toml")
    fitted = tomllib.loads((planned / "plan.toml").read_text("utf-8"))["parameters"]
    assert inputs.parameters == Parameters.from_dict(fitted)
    stated = irr.plan(None, tmp_path / "again", inputs=inputs, formats=("md",))
    assert (stated / "plan.toml").read_bytes() == (planned / "plan.toml").read_bytes()
    assert (stated / "tables" / "precision.csv").read_bytes() == (planned / "tables" / "precision.csv").read_bytes()
    assert "stated in plan.toml" in (stated / "report.md").read_text("utf-8")


def test_two_plans_stand_side_by_side(planned, tmp_path):
    folder = irr.plan(None, tmp_path / "p", **SMALL, compare=planned)
    page = (folder / "report.md").read_text("utf-8")
    half = {(row["inference"], row["statistic"], row["group"]): float(row["estimate"]) for row in rows_of(planned / "tables" / "precision.csv")
            if row["coefficient"] == "half_width" and row["estimate"]}
    assert "| Officers | 8 | 8 |" in page
    assert number(100 * half["both", "exact", "all"], 1) in page[page.index("Beside another plan"):]
    with pytest.raises(irr.ArgumentError, match="holds no plan"):
        irr.plan(None, tmp_path / "q", **SMALL, compare=tmp_path)


def test_shipped_parameters_are_said_to_be_design_choices(tmp_path):
    folder = irr.plan(None, tmp_path / "p", **SMALL)
    page = (folder / "report.md").read_text("utf-8")
    assert "design choices, not estimates" in page
    assert "Synthetic data." in page
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["settings"]["parameters"] == "shipped"


def test_a_report_is_not_replaced_by_a_plan(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "mine.txt").write_text("x")
    with pytest.raises(irr.ArgumentError, match="never made"):
        irr.plan(None, folder, **SMALL)


# --- odd designs and bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", [
    {"officers": 3, "cases": 2}, {"officers": {"police": 6}}, {"officers": {"a": 5, "b": 1}, "golds": "pilot"}, {"cases": 7, "per_officer": 4},
    {"confidence_level": 0.9, "goals": {"conger": 0.2, "difference": 0.3}},
], ids=str)
def test_odd_designs_survive(changed, tmp_path):
    page = (irr.plan(None, tmp_path / "p", **{**SMALL, **changed}) / "report.md").read_text("utf-8")
    assert "(GRRAS, item 6)" in page
    assert "nan" not in page


def test_the_plan_is_for_the_instrument_of_the_study(tmp_path):
    eleven = as_study(simulate(crossed(10, 4, instrument="arms-11"), NEW_CASES, 1))
    folder = irr.plan(eleven, tmp_path / "p", **SMALL)
    assert len(rows_of(folder / "intended_gold.csv")) == 4 * 11
    assert "arms-irr form arms-11" in (folder / "report.md").read_text("utf-8")


@pytest.mark.parametrize(("changed", "words"), [
    ({"per_officer": 9}, "nearest design: 4 for each"), ({"links": 4, "per_officer": 3}, "links=2"), ({"cases": 12, "per_officer": 2, "links": 1}, "nearest designs"),
    ({"goals": {"fleiss": 0.1}}, "conger=0.1"), ({"formats": ("pdff",)}, "pdf"),
])
def test_designs_that_cannot_be_name_the_nearest(changed, words, tmp_path):
    with pytest.raises(irr.ArgumentError, match=words):
        irr.plan(None, tmp_path / "p", **{**SMALL, **changed})
    assert not (tmp_path / "p").exists()


def test_a_study_too_small_to_fit_names_the_nearest(tmp_path):
    few = as_study(simulate(crossed(3, 2), NEW_CASES, 1))
    with pytest.raises(irr.DataError, match="8 officers"):
        irr.plan(few, tmp_path / "p", **SMALL)


@pytest.mark.parametrize(("arguments", "words"), [
    (["--officers", "police=abc"], "whole number"), (["--goal", "exact"], "without a value"), (["--goal", "exact=wide"], "exact=0.05"),
    (["--json"], "--table"), (["--table", "-o", "x"], "writes nothing"), (["--inputs", "nowhere.toml"], "there is no"),
    (["--officers", "a=1,a=2"], "twice"),
])
def test_wrong_commands_say_what_to_do(arguments, words):
    made = CliRunner().invoke(app, ["plan", *arguments])
    assert made.exit_code == 2
    assert words in made.output + (made.stderr or "")


def test_the_command_writes_a_plan_and_shows_the_table(tmp_path):
    made = CliRunner().invoke(app, ["plan", "--officers", "police=5,probation=4", "--cases", "lower=2,higher=2", "--replications", "4", "--jobs", "1",
                                    "--format", "md", "--goal", "exact=0.05", "-o", str(tmp_path / "p")])
    assert made.exit_code == 0, made.output
    assert "design choices, not estimates" in made.output
    assert (tmp_path / "p" / "report.md").exists()
    shown = CliRunner().invoke(app, ["plan", "--table", "--replications", "4", "--jobs", "1"])
    assert shown.exit_code == 0, shown.output
    assert "Monte Carlo standard errors in brackets" in " ".join(shown.output.split())
    whole = CliRunner().invoke(app, ["plan", "--table", "--csv", "--replications", "4", "--jobs", "1"])
    assert np.isfinite([float(row["estimate"]) for row in csv.DictReader(whole.stdout.splitlines()) if row["coefficient"] == "mean"]).all()


def test_every_sentence_is_traced(planned):
    sentences = json.loads((planned / "report.json").read_text("utf-8"))["sentences"]
    main = [one for one in sentences if one["place"] == "main-points"]
    assert main
    assert all(one["numbers"] for one in main)
