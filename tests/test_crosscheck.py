"""The second opinion, and the scripts: what stands in them is the ratings, and what they promise is our value."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

import arms_irr as irr
from arms_irr.analysis import crosscheck as module
from arms_irr.analysis.crosscheck import NONE, ROUNDED, complete_block, crosscheck
from arms_irr.analysis.elsewhere import script
from arms_irr.cli.main import app
from arms_irr.errors import ArgumentError


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


@pytest.fixture(scope="module")
def opinion(pilot):
    return pilot.crosscheck()


def table_of(study, case):
    frame = study.frame().query("kind != 'overall' and case == @case")
    scores = frame["rating"].map({"Low": 1.0, "Medium": 2.0, "High": 3.0})
    order = {factor: i for i, factor in enumerate(study.instrument.factor_ids)}
    table = frame.assign(x=scores).pivot(index="factor", columns="rater", values="x")
    return table.sort_index(key=lambda index: index.map(order))[list(study.raters)].to_numpy()


def test_every_difference_has_a_reason(opinion):
    assert not [row for row in opinion if row["reason"] == "not explained"]
    for row in opinion:
        if row["compared"] == "value":
            assert row["reason"] == NONE
            assert abs(row.estimate.parts["difference"]) < 1e-8
    reasons = {row["reason"] for row in opinion}
    assert ROUNDED in reasons
    assert any("rests on every rating given" in reason for reason in reasons)
    assert {row.coefficient for row in opinion} >= {"fleiss", "percent", "brennan_prediger", "cohen", "exact", "ICC(A,1)", "ICC(C,k)"}


def test_the_value_of_all_ratings_is_the_study_s(pilot, opinion):
    (row,) = [r for r in opinion.where("fleiss", case="case_a") if r["compared"] == "value, all ratings"]
    shown = pilot.agreement(["case"], coefficient="fleiss", weights="identity").get("fleiss", case="case_a")
    assert (row.estimate.value, row.estimate.n_ratings) == (pytest.approx(shown.value), shown.n_ratings)


@pytest.mark.parametrize(("name", "what"), [("fleiss", "value"), ("ICC(C,1)", "lower limit"), ("cohen", "value"), ("cohen", "lower limit"), ("exact", "upper limit")])
def test_a_wrong_number_of_ours_is_not_explained_away(pilot, monkeypatch, name, what):
    """Falsify our side a little: the comparison must say that it knows no reason."""
    from dataclasses import replace

    def off(function):
        def falsified(*args, **kwargs):
            found = function(*args, **kwargs)
            return replace(found, value=found.value + 1e-3, ci_low=found.ci_low - 0.02, ci_high=found.ci_high - 0.02)

        return falsified

    monkeypatch.setattr(module, "estimate", off(module.estimate))
    monkeypatch.setattr(module, "icc_of", off(module.icc_of))
    if name == "exact":
        real = module.against_gold
        fake = lambda *a, **k: replace(real(*a, **k), rows=tuple(replace(r, estimate=replace(r.estimate, ci_high=r.estimate.ci_high + 1e-4)) for r in real(*a, **k)))  # noqa: E731
        monkeypatch.setattr(module, "against_gold", fake)
    found = [row for row in crosscheck(pilot) if row.coefficient == name and row["compared"].startswith(what) and "all ratings" not in row["compared"]]
    assert found
    assert all(row["reason"] == "not explained" for row in found)


def test_the_complete_block():
    codes = np.array([[0, 1, -1, 2], [1, 1, -1, 0], [2, 2, 1, 1], [0, 0, 0, 0]])
    assert complete_block(codes).tolist() == np.delete(codes, 2, axis=1).tolist()
    gaps = np.array([[-1, -1, 0], [0, 1, 2], [1, 1, 1]])
    assert complete_block(gaps).tolist() == gaps[1:].tolist()
    assert complete_block(np.full((2, 2), -1)).size == 0


# --- scripts ----------------------------------------------------------------------------------------------


def test_the_r_script_holds_the_ratings_and_our_values(pilot):
    text = script(pilot, "r")
    for case in ("case_a", "case_b"):
        body = re.search(rf"^{case} <- matrix\(c\(\n(.*?)\), nrow = (\d+), ncol = (\d+), byrow = TRUE\)", text, re.DOTALL | re.MULTILINE)
        cells = [np.nan if x.strip() == "NA" else float(x) for x in body[1].split(",")]
        ratings = np.array(cells).reshape(int(body[2]), int(body[3]))
        np.testing.assert_array_equal(ratings, table_of(pilot, case))
        names = {"pa.coeff": "percent", "gwet.ac1": "gwet", "bp.coeff": "brennan_prediger", "fleiss.kappa": "fleiss",
                 "conger.kappa": "conger", "krippen.alpha": "krippendorff"}
        calls = re.findall(rf"irrCAC::([a-z0-9.]+)\.raw\({case}, weights = (.*?), categ.labels = c\(1, 2, 3\)\)\$est\)  # expected (.*)", text)
        assert len(calls) == 12
        for function, weights, expected in calls:
            how = "quadratic" if "quadratic" in weights else "identity"
            value = irr.agreement(ratings, names[function], how, categories=[1.0, 2.0, 3.0]).value
            assert float(expected) == pytest.approx(value, abs=1e-6)
        assert f"psych::ICC({case}_complete, lmer = FALSE)" in text


def test_the_stata_script(pilot):
    text = script(pilot, "stata")
    blocks = re.findall(r"input (.*?)\n(.*?)\nend", text, re.DOTALL)
    assert len(blocks) == 4
    ratings = np.array([[np.nan if x == "." else float(x) for x in line.split()] for line in blocks[0][1].splitlines()])
    np.testing.assert_array_equal(ratings, table_of(pilot, "case_a"))
    assert "kappaetc r1-r20, wgt(quadratic) categories(1 2 3)" in text
    whole = np.array([[float(x) for x in line.split()] for line in blocks[1][1].splitlines()])
    for call, form in (("icc r subject", "ICC(1)"), ("icc r subject rater, absolute", "ICC(A,1)"), ("icc r subject rater, mixed consistency", "ICC(C,1)")):
        assert f"\n{call}\n*   expected {form}: {irr.icc(whole, form).value:.6f}" in text


def test_the_spss_script(pilot):
    text = script(pilot, "spss")
    data = re.findall(r"BEGIN DATA\n(.*?)\nEND DATA\.", text, re.DOTALL)
    for lines in data:
        whole = np.array([[float(x) for x in line.split()] for line in lines.splitlines()])
        assert f"DATA LIST FREE / r1 TO r{whole.shape[1]}." in text
        one = irr.icc(whole, "ICC(A,1)")
        assert f"* Single measures, expected ICC(A,1) {one.value:.6f}, {one.ci_low:.6f} to {one.ci_high:.6f}." in text
    for line in text.splitlines():
        assert not line.startswith("*") or line.endswith(".")  # an SPSS comment runs to the full stop
    assert "/ICC=MODEL(RANDOM) TYPE(ABSOLUTE) CIN=95 TESTVAL=0." in text


@pytest.mark.parametrize("language", ["r", "stata", "spss"])
def test_a_script_says_that_data_are_synthetic_and_names_no_officer(pilot, language):
    text = script(pilot, language)
    assert "SYNTHETIC DATA" in text.splitlines()[0]
    assert not any(rater in text for rater in pilot.raters)


def test_a_title_cannot_become_a_command(pilot):
    from dataclasses import replace

    text = script(replace(pilot, title="x\nsystem('rm')  */ . EXECUTE."), "r")
    assert text.startswith("# Ratings of x system rm EXECUTE, SYNTHETIC DATA")


def test_what_cannot_be_emitted(pilot):
    with pytest.raises(ArgumentError, match=r"no scripts for 'sas'. Choose from r, stata, spss"):
        script(pilot, "sas")
    with pytest.raises(ArgumentError, match="nothing can be reproduced"):
        script(pilot, "r", ["rater"])


def test_the_command(tmp_path):
    run = CliRunner().invoke
    shown = run(app, ["crosscheck", "data/pilot"])
    assert shown.exit_code == 0
    assert "0 differences without a known reason" in shown.stdout
    rows = json.loads(run(app, ["crosscheck", "data/pilot", "--json"]).stdout)["rows"]
    assert {row["reason"] for row in rows} >= {"none", ROUNDED}
    file = tmp_path / "pilot.R"
    assert run(app, ["crosscheck", "data/pilot", "--emit", "r", "-o", str(file)]).exit_code == 0
    assert file.read_text("utf-8") == run(app, ["crosscheck", "data/pilot", "--emit", "r"]).stdout
    wrong = run(app, ["crosscheck", "data/pilot", "-o", str(file)])
    assert isinstance(wrong.exception, ArgumentError | SystemExit)
