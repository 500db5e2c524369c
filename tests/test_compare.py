"""The comparison of two studies as a report and as a command; a value without each rater, and coefficients of two raters."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

import arms_irr as irr
from arms_irr.errors import ArgumentError
from arms_irr.reporting.comparison import compare_studies
from arms_irr.statistics import jackknife
from arms_irr.statistics.agreement import COEFFICIENTS, KRIPPENDORFF_ORDINAL, View
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.weights import agreement_weights
from tests.test_cli import run
from tests.test_evaluation import ODD, odd

ROOT = Path(__file__).parents[1]
PILOT, SECOND = (str(ROOT / "data" / name) for name in ("pilot", "second_exercise"))


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(PILOT)


@pytest.fixture(scope="module")
def second():
    return irr.read_study(SECOND)


@pytest.fixture(scope="module")
def report(tmp_path_factory, pilot, second):
    return compare_studies(pilot, second, tmp_path_factory.mktemp("reports") / "both", formats=["html", "md"])


# --- the report -------------------------------------------------------------------------------------------


def test_the_pages_hold_the_numbers_of_the_comparison(report, pilot, second):
    found = irr.compare(pilot, second)
    text = (report / "report.md").read_text("utf-8")
    own = {side: found.where(kind="risk", risk_band="lower", statistic="exact", side=side).rows[0].estimate for side in ("first", "second", "difference")}
    cells = [f"{100 * own[side].value:.1f} | {100 * own[side].ci_low:.1f} to {100 * own[side].ci_high:.1f}" for side in ("first", "second")]
    difference = f"{100 * own['difference'].value:+.1f} | {100 * own['difference'].ci_low:.1f} to {100 * own['difference'].ci_high:.1f}".replace("-", "−")
    assert f"| Same priority as the gold standard | {cells[0]} | {cells[1]} | {difference} | 137 | 830 |" in text
    assert (report / "tables" / "comparison.csv").read_text("utf-8") == found.to_csv()


def test_what_differs_and_what_cannot_be_concluded(report):
    text = (report / "report.md").read_text("utf-8")
    assert "| Cases | 2 | 12 |" in text
    assert "| Every officer rated every case | yes | no |" in text
    assert "Whether officers or cases make the difference" in text
    assert "taken to be different people" in text
    assert "Synthetic data. Every rating" in text


def test_everything_is_there_and_traced(report):
    names = {path.name for path in report.iterdir()}
    assert names == {"report.html", "report.md", "report.json", "manifest.json", "tables", "figures"}
    assert {path.stem for path in (report / "figures").iterdir()} == {"fig-gold", "fig-between"}
    content = json.loads((report / "report.json").read_text("utf-8"))
    cited = {number["result"] for sentence in content["sentences"] for number in sentence["numbers"]}
    assert {"comparison", "facts_first", "facts_second"} <= cited
    made = json.loads((report / "manifest.json").read_text("utf-8"))
    assert {entry["study"] for entry in made["inputs"]} == {"first", "second"}
    assert made["settings"]["paired"] is False


def test_the_same_studies_give_the_same_bytes_and_a_report_is_replaced(report, pilot, second, tmp_path):
    again = compare_studies(PILOT, SECOND, tmp_path / "again", formats=["html", "md"])
    assert all((again / path.relative_to(report)).read_bytes() == path.read_bytes() for path in report.rglob("*") if path.is_file())
    compare_studies(pilot, second, again, formats=["md"], paired=True)
    assert not (again / "report.html").exists()
    assert "taken to be the same people" in (again / "report.md").read_text("utf-8")


def test_caller_errors(pilot, second, tmp_path):
    with pytest.raises(ArgumentError, match="unknown format"):
        compare_studies(pilot, second, tmp_path / "x", formats=["odt"])
    with pytest.raises(ArgumentError, match="out="):
        compare_studies(irr.example("pilot"), second)
    with pytest.raises(ArgumentError, match="no rated factor in common"):
        compare_studies(pilot, odd("items", pilot), tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", [name for name in ODD if name != "items"])
def test_odd_studies_survive(name, pilot, tmp_path):
    out = compare_studies(pilot, odd(name, pilot), tmp_path / "r", formats=["md"])
    text = (out / "report.md").read_text("utf-8")
    assert not re.search(r"\bnan\b|\binf\b|None", text)
    if name == "no gold":
        assert "Unable to rate" in text
        assert "gold-standard priority" not in text


# --- the command ------------------------------------------------------------------------------------------


def test_the_command_prints_a_table():
    found = run("compare", PILOT, SECOND)
    assert found.exit_code == 0
    assert re.search(r"risk\s+lower\s+exact\s+79\.6 %\s+71\.1 to 86\.1\s+74\.1 %", found.stdout)
    assert "Synthetic data" in found.stdout
    rows = json.loads(run("compare", PILOT, SECOND, "--json").stdout)["rows"]
    assert {row["side"] for row in rows} == {"first", "second", "difference"}


def test_the_command_writes_a_report(tmp_path):
    found = run("compare", PILOT, SECOND, "-o", str(tmp_path / "r"), "--format", "md")
    assert found.exit_code == 0
    assert (tmp_path / "r" / "report.md").is_file()
    for wrong in (("-o", str(tmp_path / "q"), "--json"), ("--format", "md"), ("--json", "--csv")):
        assert run("compare", PILOT, SECOND, *wrong).exit_code == 2
    assert not (tmp_path / "q").exists()


# --- without each rater -----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [*COEFFICIENTS.values(), KRIPPENDORFF_ORDINAL], ids=lambda row: row.title)
def test_without_each_rater_is_the_value_of_the_others(row):
    """Every rater deleted from the table of ratings, and the coefficient computed anew."""
    rng = np.random.default_rng(4)
    raters = 2 if row.two else 6
    codes = np.clip(rng.integers(0, 4, (15, 1)) + rng.integers(-1, 2, (15, raters)), 0, 3)
    if not row.two:
        codes[rng.random(codes.shape) < 0.25] = -1
    scores = np.arange(1.0, 5.0)
    tally = row.prepare(Tally.from_codes(codes, scores, weight=rng.integers(1, 4, 15)))
    for name in ("identity", "quadratic"):
        w = agreement_weights(name, scores)
        found = jackknife.without_each_rater(row, tally, w)
        for j in range(raters):
            rest = Tally.from_codes(np.delete(tally.codes, j, axis=1), scores, weight=tally.weight)
            expected = float(row.value(View.whole(rest), w))
            assert found[j] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_batches_of_raters_change_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    tally = Tally.from_codes(rng.integers(-1, 3, (40, 9)), np.arange(3.0))
    w = agreement_weights("linear", tally.scores)
    for name in ("gwet", "conger", "light", "krippendorff"):
        whole = jackknife.without_each_rater(COEFFICIENTS[name], tally, w)
        with monkeypatch.context() as patched:
            patched.setattr(jackknife, "BATCH", 1)
            assert jackknife.without_each_rater(COEFFICIENTS[name], tally, w) == pytest.approx(whole, abs=1e-15, nan_ok=True)


def test_five_thousand_raters_take_no_time():
    rng = np.random.default_rng(6)
    tally = Tally.from_codes(rng.integers(0, 3, (240, 5000)), np.arange(3.0))
    w = agreement_weights("quadratic", tally.scores)
    start = time.perf_counter()
    for row in (COEFFICIENTS["gwet"], COEFFICIENTS["conger"], KRIPPENDORFF_ORDINAL):
        jackknife.without_each_rater(row, tally, w)
    assert time.perf_counter() - start < 5  # 0.2 s on an idle machine


def test_a_cell_of_one_rater_does_not_stop_a_coefficient_of_two(pilot):
    frame = pilot.frame()
    kept = frame["rater"].isin(["officer_03", "officer_04"]) & ~((frame["rater"] == "officer_04") & (frame["case"] == "case_b"))
    study = irr.Study.from_frames(frame.loc[kept, ["rater", "case", "factor", "rating"]])
    for name in ("cohen", "scott"):
        found = study.agreement(["case"], coefficient=name)
        assert found.get(name, case="case_a").estimable
        assert found.get(name, case="case_b").flags == ("one-rater",)
        with pytest.raises(ArgumentError, match="exactly 2 raters"):
            pilot.agreement(["case"], coefficient=name)
