"""The notebooks run from top to bottom, are stored without outputs, and what their text says of the data is so."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import arms_irr as irr

jupytext = pytest.importorskip("jupytext")
nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "notebooks").glob("*.py"))
BANDS = ("lower", "higher")

each_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def test_there_are_notebooks_and_every_one_is_paired():
    assert SOURCES
    assert {path.stem for path in SOURCES} == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


@each_notebook
def test_the_pair_holds_the_same_cells(source):
    def cells(path):
        return [(cell.cell_type, cell.source) for cell in jupytext.read(path).cells]

    assert cells(source) == cells(source.with_suffix(".ipynb"))


@each_notebook
def test_the_notebook_is_stored_without_outputs_and_machine_paths(source):
    path = source.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    text = path.read_text(encoding="utf-8") + source.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users|usr|var|mnt|opt)/|\b[A-Z]:\\\\|file://", text)


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """A kernel of this very interpreter and this very package, nothing taken from or left in the user's home."""
    from ipykernel.kernelspec import write_kernel_spec

    home = tmp_path_factory.mktemp("jupyter")
    (home / "kernels").mkdir()
    write_kernel_spec(home / "kernels" / "here")
    package = str(Path(irr.__file__).resolve().parents[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(home))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("PYTHONPATH", package, prepend=":" if sys.platform != "win32" else ";")
        yield "here"


def _outputs(notebook):
    return [(cell, output) for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def _shown(output, mime):
    return "".join(output.get("data", {}).get(mime, ""))


@pytest.fixture(scope="module")
def executed(jupyter, tmp_path_factory):
    """Each notebook run once, in an empty folder."""
    done = {}

    def run(source):
        if source not in done:
            folder = tmp_path_factory.mktemp(source.stem)
            notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
            client = nbclient.NotebookClient(
                notebook, kernel_name=jupyter, timeout=120, allow_errors=True,
                resources={"metadata": {"path": str(folder)}},
            )
            client.execute()
            done[source] = notebook, sorted(path.name for path in folder.iterdir())
        return done[source]

    return run


@each_notebook
def test_the_notebook_runs_without_errors_and_leaves_nothing_behind(source, executed):
    notebook, left = executed(source)
    outputs = _outputs(notebook)
    errors = [f"{cell.source}\n{out.ename}: {out.evalue}" for cell, out in outputs if out.output_type == "error"]
    assert not errors, errors[0]
    complaints = [out.text for _, out in outputs if out.output_type == "stream" and out.name == "stderr"]
    assert not complaints
    assert left == []


@each_notebook
def test_no_output_names_a_folder_of_this_machine(source, executed, tmp_path_factory):
    notebook, _ = executed(source)
    text = "\n".join(str(output) for _, output in _outputs(notebook))
    assert str(tmp_path_factory.getbasetemp()) not in text
    assert str(ROOT) not in text


def test_the_first_notebook_shows_its_figures_tables_and_report(executed):
    notebook, _ = executed(ROOT / "notebooks" / "01_pilot_in_ten_minutes.py")
    outputs = [output for _, output in _outputs(notebook)]
    figures = [_shown(output, "image/svg+xml") for output in outputs]
    assert sum("<svg" in figure for figure in figures) == 3
    printed = "\n".join(output.text for output in outputs if output.output_type == "stream")
    assert "report.html" in printed
    markdown = "\n".join(_shown(output, "text/markdown") for output in outputs)
    assert "row 5, column rating: 'Hgih'" in markdown
    assert "row 9, column factor" in markdown
    assert "What these data can and cannot show" in markdown
    assert "Synthetic data" in markdown


# --- what the text of the first notebook says about the examples ----------------------------------------


@pytest.fixture(scope="module")
def study():
    return irr.example("pilot")


def test_the_intervals_are_of_the_kinds_that_the_text_explains(study):
    found = study.against_gold(by=["kind", "risk_band"])
    for band in BANDS:
        assert found.get("exact", kind="overall", risk_band=band).method == "Wilson"
        for kind in ("risk", "protective"):
            assert found.get("exact", kind=kind, risk_band=band).method == "cluster logit-t"
    fallback = found.get("under", kind="risk", risk_band="lower")
    assert fallback.method == "Wilson on effective n"
    assert "interval-fallback" in fallback.flags
    effects = [row.estimate.parts["deff"] for row in found.where("exact") if row["kind"] != "overall"]
    assert 0.9 < min(effects) < 1.1, "the text explains a design effect of 1"
    assert 1.65 < max(effects) < 1.75, "and one of 1.7"


def test_a_wilson_interval_of_a_factor_rests_on_about_20_ratings(study):
    rows = list(study.against_gold(by=["factor", "case"]).where("exact"))
    assert all(row.estimate.method == "Wilson" and 15 <= row.estimate.n_ratings <= 20 for row in rows)
    impossible = study.against_gold().get("under", factor="opportunity", case="case_a")
    assert not impossible.estimable
    assert impossible.flags == ("impossible-under",)


@pytest.mark.parametrize("case", ["case_a", "case_b"])
def test_one_observed_agreement_gives_the_coefficients_in_the_order_the_text_explains(study, case):
    result = study.agreement(by=["case"])
    found = [result.get(name, "quadratic", case=case) for name in ("gwet", "brennan_prediger", "conger")]
    np.testing.assert_allclose([e.observed for e in found], found[0].observed)
    expected = [e.expected for e in found]
    assert expected == sorted(expected)
    np.testing.assert_allclose([e.value for e in found], [(e.observed - e.expected) / (1 - e.expected) for e in found])
    assert "prevalence" in found[2].flags
    assert "prevalence" not in found[0].flags


def test_kappa_of_a_single_factor_is_ordered_by_the_difference_of_its_two_golds(study):
    asked = {"by": ["factor"], "coefficient": ["percent", "fleiss"], "weights": "quadratic"}
    assert study.gold is not None
    steps = np.abs(np.diff(study.gold.astype(int), axis=0))[0]
    kappa: dict[int, list[float]] = {0: [], 1: [], 2: []}
    forced = study.agreement(**asked, force=True)
    for factor, step in zip(study.instrument.factors, steps, strict=True):
        if factor.kind == "static":
            continue
        found = forced.get("fleiss", factor=factor.id)
        assert "forced" in found.flags
        kappa[int(step)].append(found.value)
    assert all(kappa.values())
    assert max(kappa[0]) < min(kappa[1])
    assert max(kappa[1]) < min(kappa[2])
    percent = [row.estimate.value for row in forced.where("percent")]
    assert np.ptp(percent) < np.ptp(np.concatenate([*kappa.values()])) / 4, "weighted percent agreement differs far less"

    suppressed = study.agreement(**asked)
    assert not any(row.estimate.estimable for row in suppressed.where("fleiss"))
    assert all(row.estimate.estimable for row in suppressed.where("percent"))


def test_the_published_values_that_the_text_cites():
    def kappa(table):
        rows = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
        return irr.agreement(rows, "cohen", categories=[0, 1]).value

    assert kappa([[40, 9], [6, 45]]) == pytest.approx(0.70, abs=0.005)
    assert kappa([[80, 10], [5, 5]]) == pytest.approx(0.32, abs=0.005)
    judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    printed = [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    forms = ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]
    assert [irr.icc(judges, form).value for form in forms] == pytest.approx(printed, abs=0.005)
    limits = irr.icc(judges, "ICC(A,k)")  # R's psych; irr and irrNA give .039 and .929
    assert (limits.ci_low, limits.ci_high) == pytest.approx((0.071, 0.927), abs=5e-4)


def test_the_second_exercise_is_as_the_text_describes_it():
    study = irr.example("second_exercise")
    assert (len(study.cases), len(study.raters)) == (12, 40)
    assert [study.case_attributes["risk_band"].count(band) for band in BANDS] == [6, 6]
    by_cell = list(study.icc(by=["factor", "risk_band"]))
    assert all(row.estimate.estimable and "weak" in row.estimate.flags for row in by_cell)
    assert all(row.estimate.target == "both" for row in by_cell)
    assert all(row.estimate.n_subjects == 12 for row in study.icc(by=["factor"]))
    pooled = [row.estimate for row in study.icc(by=["kind", "risk_band"]) if row["kind"] != "overall"]
    assert all("pooled-cases-factors" in e.flags and e.n_subjects > 12 for e in pooled)


# --- what the text of the fourth notebook says -----------------------------------------------------------


def test_the_trainers_walk_is_as_its_text_says():
    from arms_irr.analysis.certification import characteristics
    from arms_irr.analysis.feedback import latest

    found = characteristics(irr.example("certification")).where("pass_probability", test="fixed set", correlation="0")
    assert all(row.estimate.value == 0 for row in found.where(cases="2"))
    assert 0.45 < found.get("pass_probability", cases="10", true_share="0.8").value < 0.6
    study = irr.example("training_pre_post")
    assert all(row["verdict"] != "two camps" for row in latest(study).camps())
    again = {row.coefficient: row.estimate.value for row in study.rerating()}
    assert again["intra_rater_percent"] > study.agreement([], coefficient=["percent"]).get("percent").value
