"""The report: its numbers are those of the API, it stands alone, it is whole or not there, it survives odd studies."""

from __future__ import annotations

import csv
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import arms_irr as irr
from arms_irr.analysis.result import COLUMNS
from arms_irr.errors import ArgumentError

ROOT = Path(__file__).parents[1]
TABLES = ("agreement_with_gold", "agreement_with_gold_pooled", "between_raters", "icc", "raters", "distributions", "design")


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


@pytest.fixture(scope="module")
def report(tmp_path_factory, pilot):
    return irr.evaluate(pilot, tmp_path_factory.mktemp("reports") / "pilot")


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    return irr.evaluate(ROOT / "data" / "second_exercise", tmp_path_factory.mktemp("reports") / "second")


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same(text: str, value: float) -> bool:
    return (text == "" and math.isnan(value)) or (text != "" and float(text) == value)


def test_everything_is_there(report):
    assert {path.name for path in report.iterdir()} == {"report.html", "report.md", "tables", "figures", "manifest.json"}
    for name in TABLES:
        head = rows(report, name)[0]
        assert list(head)[-len(COLUMNS):] == list(COLUMNS), name
    assert len(list((report / "figures").glob("*.svg"))) == 6


@pytest.mark.parametrize(
    ("table", "ask"),
    [
        ("agreement_with_gold", lambda s: s.against_gold(["factor", "case"])),
        ("agreement_with_gold_by_band", lambda s: s.against_gold(["factor", "risk_band"])),
        ("agreement_with_gold_pooled", lambda s: s.against_gold(["kind", "risk_band"])),
        ("raters", lambda s: s.rater_agreement()),
        ("distributions", lambda s: s.distributions()),
        ("design", lambda s: s.design()),
    ],
)
def test_tables_hold_the_numbers_of_the_api(report, pilot, table, ask):
    written, asked = rows(report, table), ask(pilot).records()
    assert len(written) == len(asked)
    for left, right in zip(written, asked, strict=True):
        for column, value in right.items():
            if isinstance(value, float):
                assert same(left[column], value), (column, left, right)
            else:
                assert left[column] == str(value)


def test_stacked_tables_hold_the_numbers_of_the_api(report, pilot):
    asked = {(tuple(r.group.items()), r.coefficient, r.estimate.weights): r.estimate
             for result in (pilot.agreement(["case"]), pilot.agreement(["kind", "risk_band"])) for r in result}
    written = rows(report, "between_raters")
    assert len(written) == len(asked)
    for row in written:
        group = tuple((c, row[c]) for c in ("case", "kind", "risk_band") if row[c])
        assert same(row["estimate"], asked[group, row["coefficient"], row["weights"]].value)
    icc = {tuple(r.group.values()): r.estimate for by in (["factor", "risk_band"], ["kind", "risk_band"], ["case"]) for r in pilot.icc(by)}
    for row in rows(report, "icc"):
        found = icc[tuple(row[c] for c in ("factor", "kind", "risk_band", "case") if row.get(c))]
        assert same(row["estimate"], found.value)
        assert same(row["ci_low"], found.ci_low)


def test_the_pages_print_those_numbers(report, pilot):
    """Exact agreement, its interval and AC2 as the page rounds them."""
    text = (report / "report.md").read_text("utf-8")
    exact = pilot.against_gold(["kind", "risk_band"]).get("exact", kind="risk", risk_band="lower")
    assert f"| Risk factors | {exact.n_ratings} | {100 * exact.value:.1f} | {100 * exact.ci_low:.1f} to {100 * exact.ci_high:.1f} |" in text
    ac2 = pilot.agreement(["case"]).get("gwet", "quadratic", case="case_b")
    assert f"{ac2.value:.3f} | {ac2.ci_low:.3f} to {ac2.ci_high:.3f}" in text
    assert f"Gwet's AC2 {ac2.value:.2f} (95 % interval {ac2.ci_low:.2f} to {ac2.ci_high:.2f})" in text


def test_the_pilot_shows_the_published_pattern(report):
    pooled = {(row["kind"], row["risk_band"]): float(row["estimate"]) for row in rows(report, "agreement_with_gold_pooled") if row["coefficient"] == "exact"}
    for kind in ("risk", "protective"):
        assert pooled[kind, "lower"] > pooled[kind, "higher"]
    for band in ("lower", "higher"):
        assert pooled["risk", band] > pooled["protective", band]
    text = (report / "report.md").read_text("utf-8")
    assert "more often on risk factors than on protective factors" in text


def test_no_bare_kappa_or_icc_for_a_factor_from_two_vignettes(report):
    for table in ("between_raters", "between_raters_by_factor", "icc"):
        for row in rows(report, table):
            named = row.get("factor") or row.get("kind")
            if named and row["coefficient"] in ("conger", "fleiss", "krippendorff", "ICC(A,1)"):
                assert row["estimate"] == ""
                assert row["flags"]
    text = (report / "report.md").read_text("utf-8")
    assert "No intraclass correlation is given for single factors: each rests on 2 cases" in text


def test_the_second_exercise_carries_an_icc_by_factor_and_band(second):
    found = [row for row in rows(second, "icc") if row["factor"] and row["risk_band"]]
    assert len(found) == 26
    assert all(row["estimate"] and row["ci_low"] and "weak" in row["flags"] for row in found)


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.headings, self.images, self.outside, self.ids, self.scripts = [], [], [], [], 0

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.images.append(attrs.get("alt", ""))
        self.scripts += tag == "script"
        for name in ("src", "href", "action", "poster", "data"):
            value = attrs.get(name, "")
            if value and not value.startswith(("data:", "#")):
                self.outside.append(value)
        if "id" in attrs:
            self.ids.append(attrs["id"])


@pytest.mark.parametrize("which", ["report", "second"])
def test_the_page_stands_alone(which, request):
    page = Page()
    text = (request.getfixturevalue(which) / "report.html").read_text("utf-8")
    page.feed(text)
    assert page.outside == []
    assert page.scripts == 0
    assert "url(http" not in text
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert page.images
    assert all(len(alt) > 30 for alt in page.images)
    assert len(page.ids) == len(set(page.ids))
    assert text.count("Synthetic data") > len(page.images)


def test_synthetic_is_said_in_every_caption(report):
    text = (report / "report.md").read_text("utf-8")
    captions = [line for line in text.splitlines() if re.match(r"\*\*(Table|Figure) \d+\.\*\*", line)]
    assert len(captions) > 15
    assert all("Synthetic data" in line for line in captions)


@pytest.mark.parametrize("which", ["report", "second"])
def test_tables_that_the_pages_name_are_there(which, request):
    folder = request.getfixturevalue(which)
    named = set(re.findall(r"tables/([a-z_]+)\.csv", (folder / "report.md").read_text("utf-8").replace("\\_", "_")))
    assert {"agreement_with_gold_by_band" if which == "second" else "agreement_with_gold", "raters", "design"} <= named
    assert named <= {path.stem for path in (folder / "tables").glob("*.csv")}


def test_manifest_names_inputs_versions_seed(report):
    found = json.loads((report / "manifest.json").read_text("utf-8"))
    assert found["settings"] == {"confidence_level": 0.95, "seed": 1}
    assert found["synthetic"] is True
    assert {item["file"] for item in found["inputs"]} == {"study.toml", "ratings.csv", "gold.csv", "cases.csv", "raters.csv"}
    assert all(len(item["sha256"]) == 64 for item in found["inputs"])
    assert "numpy" in found["versions"]
    assert sorted(p.relative_to(report).as_posix() for p in report.rglob("*") if p.is_file()) == found["files"]
    assert str(ROOT) not in (report / "manifest.json").read_text("utf-8")


def test_same_inputs_same_bytes(report, pilot, tmp_path):
    again = irr.evaluate(pilot, tmp_path / "again")
    for path in report.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(report)).read_bytes(), path.name


def test_the_committed_example_is_reproducible(report):
    """Text to the letter; numbers to 1e-9, because processors differ in the last digit."""
    example = ROOT / "reports" / "example"
    assert (example / "report.md").read_text("utf-8") == (report / "report.md").read_text("utf-8").replace("](figures/", "](figures/")
    for path in sorted((example / "tables").glob("*.csv")):
        old, new = (list(csv.reader((folder / "tables" / path.name).open(encoding="utf-8"))) for folder in (example, report))
        assert len(old) == len(new)
        for left, right in zip(old, new, strict=True):
            for a, b in zip(left, right, strict=True):
                assert a == b or float(a) == pytest.approx(float(b), rel=1e-9, abs=1e-12), (path.name, left, right)


# --- whole or not there -----------------------------------------------------------------------------------


def test_an_error_leaves_the_old_report_whole(tmp_path, pilot, monkeypatch):
    out = irr.evaluate(pilot, tmp_path / "r")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(ArgumentError):
        irr.evaluate(pilot, out, confidence_level=95)
    from arms_irr.reporting import evaluation

    def broken(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "to_html", broken)
    with pytest.raises(KeyboardInterrupt):
        irr.evaluate(pilot, out)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["r"]


def test_own_files_beside_a_report_are_kept_and_others_refused(tmp_path, pilot):
    out = irr.evaluate(pilot, tmp_path / "r")
    (out / "my notes.txt").write_text("mine")
    irr.evaluate(pilot, out)
    assert (out / "my notes.txt").read_text() == "mine"
    strange = tmp_path / "holiday"
    strange.mkdir()
    (strange / "photo.jpg").write_bytes(b"x")
    with pytest.raises(ArgumentError, match="no report made"):
        irr.evaluate(pilot, strange)
    assert [p.name for p in strange.iterdir()] == ["photo.jpg"]


def test_a_study_from_frames_needs_a_name(pilot):
    study = irr.Study.from_frames(pilot.frame()[["rater", "case", "factor", "rating"]])
    with pytest.raises(ArgumentError, match="out="):
        irr.evaluate(study)


# --- odd studies ------------------------------------------------------------------------------------------


def parts(pilot):
    frame = pilot.frame()
    ratings = frame[["rater", "case", "factor", "rating"]]
    gold = frame.drop_duplicates(["case", "factor"])[["case", "factor", "gold"]].rename(columns={"gold": "rating"})
    cases = pd.DataFrame({"case": pilot.cases, "risk_band": ["lower", "higher"]})
    return ratings, gold, cases


def odd(name, pilot):
    ratings, gold, cases = parts(pilot)
    both = {"gold": gold, "cases": cases}
    match name:
        case "no gold":
            return irr.Study.from_frames(ratings, cases=cases)
        case "no cases table":
            return irr.Study.from_frames(ratings, gold)
        case "one officer":
            return irr.Study.from_frames(ratings[ratings["rater"] == "officer_03"], **both)
        case "two officers":
            return irr.Study.from_frames(ratings[ratings["rater"].isin(["officer_03", "officer_04"])], **both)
        case "one case":
            return irr.Study.from_frames(ratings[ratings["case"] == "case_a"], gold[gold["case"] == "case_a"], cases[:1])
        case "everyone unable":
            x = ratings.assign(rating=np.where(ratings["factor"] == "overall", "Low", "Unable to rate"))
            return irr.Study.from_frames(x, **both)
        case "perfect":
            x = ratings.drop(columns="rating").merge(gold, on=["case", "factor"])
            return irr.Study.from_frames(x, **both)
        case "one category":
            return irr.Study.from_frames(ratings.assign(rating="Low"), gold.assign(rating="Low"), cases)
        case "no overall":
            keep = ratings["factor"] != "overall"
            return irr.Study.from_frames(ratings[keep], gold, cases)
        case "one officer, no gold":
            return irr.Study.from_frames(ratings[ratings["rater"] == "officer_03"])
        case "a band not recorded":
            return irr.Study.from_frames(ratings, gold, cases.assign(risk_band=["lower", None]))
        case "hostile names":
            x = ratings.assign(rater=ratings["rater"].replace("officer_01", "<script>alert(1)</script>|*_=$\u202e😀"))
            return irr.Study.from_frames(x, gold, cases, title="<b>Title</b> & # | `x` =1+1")
        case "items":
            rng = np.random.default_rng(1)
            items = [f.id for f in irr.load_instrument("three-point-items").factors]
            x = pd.DataFrame([(r, c, i, int(rng.integers(0, 3))) for r in "abcde" for c in "pqrstuv" for i in items],
                             columns=["rater", "case", "factor", "rating"])
            return irr.Study.from_frames(x, instrument="three-point-items")
    raise AssertionError(name)


ODD = ("no gold", "no cases table", "one officer", "two officers", "one case", "everyone unable", "perfect", "one category",
       "no overall", "one officer, no gold", "a band not recorded", "hostile names", "items")


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_get_a_report(name, pilot, tmp_path):
    out = irr.evaluate(odd(name, pilot), tmp_path / "r")
    text = (out / "report.md").read_text("utf-8")
    html = (out / "report.html").read_text("utf-8")
    assert not re.search(r"\bnan\b|\binf\b|None", text), re.search(r".{40}(\bnan\b|\binf\b|None).{20}", text)
    page = Page()
    page.feed(html)
    assert page.scripts == 0
    if name == "no gold":
        assert "The study has no gold standard" in text
    if name == "perfect":
        assert "100 of every 100" in text
    if name == "hostile names":
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
