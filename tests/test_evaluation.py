"""The report: its numbers are those of the API, it stands alone, it is whole or not there, it survives odd studies."""

from __future__ import annotations

import csv
import json
import math
import re
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_study import TABLES, TINY, write_folder

import arms_irr as irr
from arms_irr.analysis.result import COLUMNS
from arms_irr.errors import ArgumentError, DataError
from arms_irr.plots import style
from arms_irr.reporting.document import plain
from arms_irr.reporting.evaluation import SECTIONS, draft_of, evaluation
from arms_irr.reporting.html import to_html
from arms_irr.reporting.markdown import to_markdown
from arms_irr.reporting.pseudonyms import drawn_from, in_order, pseudonymous
from arms_irr.reporting.render import FORMATS
from arms_irr.reporting.trace import trace

ROOT = Path(__file__).parents[1]
QUICK = {"sections": ["study"], "formats": ["md"]}  # where the point is the folder and not what is in it


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


@pytest.fixture
def report(pilot_report):
    return pilot_report


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports") / "second"
    return irr.evaluate(ROOT / "data" / "second_exercise", out, formats=["html", "md"], sections=["gold", "icc", "design"])


@pytest.fixture
def small(tmp_path):
    return write_folder(tmp_path / "small")


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same(text: str, value: float) -> bool:
    return (text == "" and math.isnan(value)) or (text != "" and float(text) == value)


def markdown(folder: Path) -> str:
    return (folder / "report.md").read_text("utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def everything(folder: Path) -> str:
    """All that can be read in a report: the text of every file, and of the parts of Word and Excel files."""
    import pypdf

    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix in (".docx", ".xlsx"):
            with zipfile.ZipFile(path) as archive:
                found += [archive.read(name).decode("utf-8") for name in archive.namelist() if name.endswith((".xml", ".rels"))]
        elif path.suffix == ".pdf":
            found += [page.extract_text() for page in pypdf.PdfReader(path).pages]
        elif path.suffix != ".png":
            found.append(path.read_text("utf-8"))
    return "\n".join(found)


# --- what is there, and whether it is so ------------------------------------------------------------------


def test_everything_is_there(report):
    assert {path.name for path in report.iterdir()} == {
        *(f"report.{suffix}" for suffix in (*FORMATS, "json")), "tables", "figures", "manifest.json"}
    pictures = sorted(path.name for path in (report / "figures").iterdir())
    assert len(pictures) > 20
    assert [name[:-4] for name in pictures if name.endswith(".svg")] == [name[:-4] for name in pictures if name.endswith(".png")]
    for path in (report / "tables").glob("*.csv"):
        assert set(COLUMNS) <= set(rows(report, path.stem)[0]), path.name
    headings = re.findall(r"^## (.+)$", markdown(report), re.M)
    assert len(headings) == len(SECTIONS)


@pytest.mark.parametrize(
    ("table", "ask"),
    [
        ("agreement_with_gold", lambda s: s.against_gold(["factor", "case"])),
        ("agreement_with_gold_pooled", lambda s: s.against_gold(["kind", "risk_band"])),
        ("between_raters", lambda s: s.agreement(["case"])),
        ("between_raters_by_kind", lambda s: s.agreement(["kind", "risk_band"])),
        ("between_raters_by_factor", lambda s: s.agreement(["factor", "case"])),
        ("icc", lambda s: s.icc(["factor", "risk_band"], form="ICC(A,1)")),
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


def test_the_pages_print_those_numbers(report, pilot):
    """Exact agreement, its interval and AC2 as the page rounds them."""
    text = markdown(report)
    exact = pilot.against_gold(["kind", "risk_band"]).get("exact", kind="risk", risk_band="lower")
    assert f"| Risk factors | {exact.n_ratings} | {100 * exact.value:.1f} | {100 * exact.ci_low:.1f} to {100 * exact.ci_high:.1f} |" in text
    every = pilot.against_gold(["risk_band"]).get("exact", risk_band="lower")
    assert (f"officers gave the gold-standard priority in **{100 * every.value:.0f} of every 100** ratings in the lower-risk case "
            f"(95 % interval {100 * every.ci_low:.0f} to {100 * every.ci_high:.0f})") in text
    ac2 = pilot.agreement(["case"]).get("gwet", "quadratic", case="case_b")
    assert f"{ac2.value:.3f} | {ac2.ci_low:.3f} to {ac2.ci_high:.3f}" in text


def test_report_json_says_where_every_number_comes_from(report, pilot):
    found = json.loads((report / "report.json").read_text("utf-8"))
    assert found["synthetic"] is True
    main = [sentence for sentence in found["sentences"] if sentence["place"] == "main-points"]
    first = main[0]["numbers"][0]
    result = found["results"][first["result"]]
    row = result["every_row"] | dict(zip(result["columns"], result["rows"][str(first["row"])], strict=False))
    exact = pilot.against_gold(["risk_band"]).get("exact", risk_band="lower")
    assert (row["estimate"], row["ci_low"], row["method"], row["target"], row["n_raters"]) == (
        exact.value, exact.ci_low, exact.method, "raters", 20)
    assert first["text"] == f"{100 * exact.value:.0f} of every 100"
    for sentence in found["sentences"]:
        for number in sentence["numbers"]:
            assert number["text"] in sentence["text"]
            if "row" in number:
                assert str(number["row"]) in found["results"][number["result"]]["rows"]
            else:
                assert number["result"] in found["counts"]
    written = {path.stem for path in (report / "tables").glob("*.csv")}
    told = {name for name, result in found["results"].items() if result["rows"] or "all_rows" in result}
    assert told - written == {"facts"}  # the sizes of the study are no table
    assert written <= told


def test_the_pilot_shows_the_published_pattern(report):
    pooled = {(row["kind"], row["risk_band"]): float(row["estimate"]) for row in rows(report, "agreement_with_gold_pooled") if row["coefficient"] == "exact"}
    for kind in ("risk", "protective"):
        assert pooled[kind, "lower"] > pooled[kind, "higher"]
    for band in ("lower", "higher"):
        assert pooled["risk", band] > pooled["protective", band]
    text = markdown(report)
    assert "more often in the lower-risk case than in the higher-risk case" in text
    assert "more often on risk factors than on protective factors" in text


def test_no_bare_kappa_or_icc_for_a_factor_from_two_vignettes(report):
    for table in ("between_raters", "between_raters_by_factor", "between_raters_by_kind", "icc", "icc_by_kind"):
        for row in rows(report, table):
            named = row.get("factor") or row.get("kind")
            if named and row["coefficient"] in ("conger", "fleiss", "krippendorff", "ICC(A,1)"):
                assert row["estimate"] == "", (table, row)
                assert row["flags"]
    text = markdown(report)
    assert "Kappa, alpha or an ICC for a single factor: each would rest on 2 cases." in text
    for line in text.splitlines():  # where a kappa is named in a sentence with a number, percent agreement stands beside it
        if re.search(r"kappa[^.|]{0,20} \d?\.\d\d\b", line) and not line.startswith("|"):
            assert re.search(r"of every 100|percent agreement|%|AC", line, re.IGNORECASE), line


def test_the_second_exercise_carries_an_icc_by_factor_and_band(second):
    found = [row for row in rows(second, "icc") if row["factor"] and row["risk_band"]]
    assert len(found) == 26
    assert all(row["estimate"] and row["ci_low"] and "weak" in row["flags"] for row in found)


def test_every_word_is_one_that_agreement_carries(report, second):
    """Nothing is valid, significant or accurate about risk, nobody is ranked, and nothing is said of reoffending."""
    for folder in (report, second):
        text = re.sub(r"\s+", " ", markdown(folder))
        said = re.sub(r"is not evidence that ratings predict offending|no ranking( is meant)?|not a ranking|is no ranking", "", text)
        for word in (r"\bvalid(ity|ated)?\b(?! for)", r"\bsignifican(t|ce|tly)\b(?! deficit)", r"risk accuracy|accuracy of risk|accurate risk", r"\brecidivism\b",
                     r"\breoffend", r"\bbest officers?\b|\bworst officers?\b", r"\branking\b", r"±\s*\d", "—"):
            found = re.search(f".{{60}}(?:{word}).{{30}}", said, re.IGNORECASE)
            assert not found, (folder.name, word, found[0])


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.headings, self.images, self.outside, self.ids, self.links = [], [], [], [], []
        self.scripts, self.handlers = 0, []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.images.append(attrs.get("alt", ""))
        self.scripts += tag == "script"
        self.handlers += [name for name in attrs if name.startswith("on")]
        for name in ("src", "href", "action", "poster", "data", "xlink:href"):
            value = attrs.get(name) or ""
            if value.startswith("#"):
                self.links.append(value[1:])
            elif value and not value.startswith("data:"):
                self.outside.append(value)
        if "id" in attrs:
            self.ids.append(attrs["id"])


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    return page


OURS = parsed(to_html(evaluation(draft_of(irr.example("pilot")), ["can-and-cannot"]))).scripts  # the page's own: sorting, folding


@pytest.mark.parametrize("which", ["report", "second"])
def test_the_page_stands_alone(which, request):
    text = (request.getfixturevalue(which) / "report.html").read_text("utf-8")
    page = parsed(text)
    assert page.outside == []
    assert page.handlers == []
    assert page.scripts == OURS
    assert not re.search(r"url\(\s*['\"]?http|@import|<link|fetch\(|XMLHttpRequest|import\(", text)
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert len(page.ids) == len(set(page.ids))
    assert set(page.links) <= {*page.ids, ""}
    assert text.count("Synthetic data") > 5


def test_synthetic_is_said_in_every_caption_and_file(report):
    text = markdown(report)
    captions = [line for line in text.splitlines() if re.match(r"\*\*(Table|Figure) \d+\.\*\*", line)]
    assert len(captions) > 40
    assert all("Synthetic data" in line for line in captions)
    import docx
    import openpyxl
    import pypdf

    pages = pypdf.PdfReader(report / "report.pdf").pages
    assert all("Synthetic data" in pages[number].extract_text() for number in (0, 1, len(pages) // 2, -1))  # reading all takes long
    word = docx.Document(str(report / "report.docx"))
    assert all("Synthetic data" in section.header.paragraphs[0].text for section in word.sections)
    book = openpyxl.load_workbook(report / "report.xlsx", read_only=True)
    assert all("ynthetic" in " ".join(str(cell.value) for row in sheet.iter_rows(max_row=3) for cell in row) for sheet in book)


@pytest.mark.parametrize("which", ["report", "second"])
def test_tables_that_the_pages_name_are_there(which, request):
    folder = request.getfixturevalue(which)
    named = set(re.findall(r"tables/([a-z_]+)\.csv", markdown(folder).replace("\\_", "_")))
    assert named
    assert named <= {path.stem for path in (folder / "tables").glob("*.csv")}
    shown = set(re.findall(r"\(figures/([\w-]+\.svg)\)", markdown(folder)))
    assert shown == {path.name for path in (folder / "figures").glob("*.svg")}


def test_manifest_names_inputs_versions_seed(report):
    found = json.loads((report / "manifest.json").read_text("utf-8"))
    assert found["settings"] == {
        "confidence_level": 0.95, "seed": 1, "formats": list(FORMATS), "sections": list(SECTIONS), "pseudonyms": "keep", "min_cell": 5,
        "language": "en"}
    assert found["synthetic"] is True
    assert {"study.toml", "ratings.csv", "gold.csv", "cases.csv", "raters.csv"} <= {item["file"] for item in found["inputs"]}
    assert all(len(item["sha256"]) == 64 for item in found["inputs"])
    assert "numpy" in found["versions"]
    assert sorted(contents(report)) == found["files"]
    assert not [name for name, content in contents(report).items() if str(ROOT).encode() in content]


def test_the_committed_example_is_reproducible(report):
    """Text to the letter; numbers to 1e-9, because processors differ in the last digit."""
    example = ROOT / "reports" / "example"
    assert markdown(example) == markdown(report)
    assert {p.name for p in (example / "tables").iterdir()} == {p.name for p in (report / "tables").iterdir()}
    for path in sorted((example / "tables").glob("*.csv")):
        old, new = (list(csv.reader((folder / "tables" / path.name).open(encoding="utf-8"))) for folder in (example, report))
        assert len(old) == len(new)
        for left, right in zip(old, new, strict=True):
            for a, b in zip(left, right, strict=True):
                assert a == b or float(a) == pytest.approx(float(b), rel=1e-9, abs=1e-12), (path.name, left, right)


# --- whole or not there -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["render", "trace", "manifest", "tempfile.TemporaryDirectory", "write", "rename", "after the old one is gone"])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError])
def test_whatever_stops_it_the_old_report_stays_whole(tmp_path, small, monkeypatch, place, stop):
    out = irr.evaluate(small, tmp_path / "r", **QUICK)
    (out / "my notes.txt").write_text("mine")
    before = contents(out)
    renamed = []

    def broken(*args, **kwargs):
        raise stop

    def rename(self, target, real=Path.rename):
        renamed.append(self)
        if len(renamed) == (2 if place.startswith("after") else 1):
            raise stop
        return real(self, target)

    match place:
        case "write":
            monkeypatch.setattr(Path, "write_bytes", broken)
        case "tempfile.TemporaryDirectory":
            monkeypatch.setattr("arms_irr.reporting.publish.tempfile.TemporaryDirectory", broken)
        case "rename" | "after the old one is gone":
            monkeypatch.setattr(Path, "rename", rename)
        case _:
            monkeypatch.setattr(f"arms_irr.reporting.evaluation.{place}", broken)
    with pytest.raises(stop):
        irr.evaluate(small, out, seed=2, **QUICK)
    monkeypatch.undo()
    assert contents(out) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r", "small"]


def test_own_files_beside_a_report_are_kept_and_others_refused(tmp_path, small):
    out = irr.evaluate(small, tmp_path / "r", **QUICK)
    (out / "my notes.txt").write_text("mine")
    (out / "figures").mkdir(exist_ok=True)
    (out / "figures" / "sketch.svg").write_text("mine too")
    irr.evaluate(small, out, sections=["gold"], formats=["html"])
    assert (out / "my notes.txt").read_text() == "mine"
    assert (out / "figures" / "sketch.svg").read_text() == "mine too"
    assert not (out / "report.md").exists(), "nothing of the old report is left"
    strange = tmp_path / "holiday"
    strange.mkdir()
    (strange / "photo.jpg").write_bytes(b"x")
    with pytest.raises(ArgumentError, match="no report made"):
        irr.evaluate(small, strange, **QUICK)
    assert [p.name for p in strange.iterdir()] == ["photo.jpg"]


def test_a_link_to_a_folder_stays_a_link(tmp_path, small):
    real, link = tmp_path / "far", tmp_path / "near"
    real.mkdir()
    link.symlink_to(real, target_is_directory=True)
    for _ in range(2):
        irr.evaluate(small, link, **QUICK)
    assert link.is_symlink()
    assert (real / "report.md").exists()


def test_a_study_from_frames_needs_a_name(pilot):
    study = irr.Study.from_frames(pilot.frame()[["rater", "case", "factor", "rating"]])
    with pytest.raises(ArgumentError, match="out="):
        irr.evaluate(study)


# --- options ----------------------------------------------------------------------------------------------


def test_only_the_formats_and_sections_asked_for(tmp_path, small):
    out = irr.evaluate(small, tmp_path / "r", formats=["md"], sections=["icc", "study"])
    assert {path.name for path in out.iterdir()} <= {"report.md", "report.json", "manifest.json", "tables", "figures"}
    assert [title for title in re.findall(r"^## (.+)$", markdown(out), re.M)] == ["Study, instrument and gold standard", "Intraclass correlation"]
    places = {sentence["place"] for sentence in json.loads((out / "report.json").read_text("utf-8"))["sentences"]}
    assert not {"main-points", "gold", "missed"} & places


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_can_stand_alone(section):
    """It asks its own questions and leans on no other section's."""
    folder_study = irr.Study.from_frames(*(pd.DataFrame(TABLES[name][1:], columns=TABLES[name][0]) for name in ("ratings", "gold", "cases", "raters")),
                                         instrument=TINY, synthetic=True)
    draft = draft_of(folder_study)
    document = evaluation(draft, [section])
    assert len(document.sections) == 1
    trace(document, draft.asked, draft.counts)
    assert to_markdown(document)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sections": ["golld"]}, "unknown section 'golld'. Did you mean 'gold'?"),
        ({"sections": []}, "no section is chosen"),
        ({"formats": ["docs"]}, "unknown format 'docs'. Did you mean 'docx'?"),
        ({"language": "xx"}, "xx"),
        ({"pseudonyms": "hide"}, "choose from keep, renumber"),
        ({"confidence_level": 95}, "Did you mean 0.95"),
    ],
)
def test_options_that_are_none_are_told_and_nothing_is_written(tmp_path, small, options, said):
    with pytest.raises(ArgumentError) as caught:
        irr.evaluate(small, tmp_path / "r", **{**QUICK, **options})
    assert said in str(caught.value)
    assert not (tmp_path / "r").exists()


def test_another_confidence_level_is_said_everywhere(tmp_path, small):
    out = irr.evaluate(small, tmp_path / "r", confidence_level=0.9, formats=["md"])
    text = re.sub(r"\s+", " ", markdown(out))
    assert "90 % interval" in text
    found = re.findall(r".{40}(?<![\d.])95 %.{40}", text)
    fixed = ("probability above 95 %", "middle 95 % of simulated")  # a benchmark's own rule; what a simulation gave
    assert all(any(words in one for words in fixed) for one in found), found
    for path in (out / "tables").glob("*.csv"):
        own = {"funnel": {"0.95", "0.998"}, "what_kappa_can_reach": {"0.95"}}.get(path.stem, set())
        assert {row["confidence_level"] for row in rows(out, path.stem) if row["ci_low"]} <= {"0.9"} | own, path.name


def test_the_seed_is_stored_and_used(tmp_path):
    study, chosen = ROOT / "data" / "pilot", {"sections": ["contrasts"], "formats": ["md"]}
    one, two = (irr.evaluate(study, tmp_path / str(seed), seed=seed, **chosen) for seed in (1, 7))
    assert json.loads((two / "manifest.json").read_text("utf-8"))["settings"]["seed"] == 7
    left, right = ({row["level"]: row for row in rows(folder, "contrasts")} for folder in (one, two))
    assert {level: row["estimate"] for level, row in left.items()} == {level: row["estimate"] for level, row in right.items()}
    assert (one / "tables" / "contrast_by_agency.csv").read_bytes() != b""
    assert json.loads((one / "report.json").read_text("utf-8"))["results"] != json.loads((two / "report.json").read_text("utf-8"))["results"]


def test_new_numbers_for_officers_and_no_small_groups_in_any_file(tmp_path, pilot, monkeypatch):
    """In pages, tables, workbook, report.json and figures, whose words are letters for once."""
    monkeypatch.setitem(style._STYLE, "svg.fonttype", "none")
    few = [f"officer_{n:02d}" for n in range(1, 21)]
    frame = pilot.frame()
    ratings = frame[["rater", "case", "factor", "rating"]].copy()
    lazy = ratings["rater"].eq("officer_17") & ~ratings["factor"].isin(["opportunity", "overall"])
    ratings.loc[lazy, "rating"] = None  # so that the check names an officer
    raters = frame.drop_duplicates("rater")[["rater", "agency", "site", "experience_years"]].replace({"probation": "harbourpatrol"})
    _, gold, cases = parts(pilot)
    study = irr.Study.from_frames(ratings, gold, cases, raters, title="T", synthetic=True)
    assert any("officer_17" in str(one) for one in study.warnings)
    out = irr.evaluate(study, tmp_path / "r", pseudonyms="renumber", min_cell=9, seed=3)
    text = everything(out)
    assert "Officer 07" in text
    assert not [name for name in few if name in text]
    for name in ("harbourpatrol", "force_1", "trust_1", "trust_3"):
        assert name not in text, text[text.index(name) - 200: text.index(name) + 50]
    assert "police" in text
    told = next(line for line in markdown(out).splitlines() if "Fewer than half of the ratings asked for" in line)
    assert re.search(r"given by Officer \d\d \(4 of 26\)", told)
    # The rows come in the order of the new numbers, so that their place does not tell who is who.
    first = list(dict.fromkeys(row["rater"] for row in rows(out, "completeness_by_officer")))
    assert first == sorted(first) == [f"Officer {n:02d}" for n in range(1, 21)]
    blank = [row["rater"] for row in rows(out, "completeness_by_officer") if row["coefficient"] == "not_given" and float(row["estimate"]) > 0.5]
    assert blank == re.findall(r"Officer \d\d", told)
    again = irr.evaluate(study, tmp_path / "again", pseudonyms="renumber", seed=3, sections=["data-quality"], formats=["md"])
    assert next(line for line in markdown(again).splitlines() if "Fewer than half" in line) == told
    other = irr.evaluate(study, tmp_path / "other", pseudonyms="renumber", seed=4, sections=["data-quality"], formats=["md"])
    assert next(line for line in markdown(other).splitlines() if "Fewer than half" in line) != told


def test_new_numbers_in_the_messages_of_the_check_are_those_of_the_officers():
    """Officers called by plain numbers too, where other numbers stand beside them."""
    ratings = [(officer, case, factor, "Low" if officer != "3" or factor == "access" else None)
               for officer in ("3", "24", "B-7") for case in ("H1", "L1") for factor in ("access", "anger", "work", "friends", "overall")]
    study = irr.Study.from_frames(pd.DataFrame(ratings, columns=["rater", "case", "factor", "rating"]), instrument=TINY)
    told = [one.message for one in study.warnings]
    assert "Fewer than half of the ratings asked for were given by 3 (2 of 10)." in told
    assert "One category only was used by 24 (Low, 8 times), B-7 (Low, 8 times)." in told
    shown = pseudonymous(study, "renumber", 5)
    key = dict(zip(study.raters, shown.raters, strict=True))
    assert sorted(key.values()) == ["Officer 1", "Officer 2", "Officer 3"]
    new = [one.message for one in shown.warnings]
    assert f"Fewer than half of the ratings asked for were given by {key['3']} (2 of 10)." in new
    assert f"One category only was used by {key['24']} (Low, 8 times), {key['B-7']} (Low, 8 times)." in new
    assert pseudonymous(study, "keep", 5) is study


def test_officers_in_the_order_of_their_new_numbers_keep_what_is_theirs(pilot):
    shown = pseudonymous(pilot, "renumber", drawn_from(pilot, 1))
    ordered = in_order(shown)
    assert list(ordered.raters) == sorted(shown.raters)
    columns = ["rater", "case", "factor", "rating", "agency", "site"]
    left, right = (study.frame()[columns].sort_values(columns).reset_index(drop=True) for study in (shown, ordered))
    pd.testing.assert_frame_equal(left, right)
    assert (np.diff(ordered.ratings.rater) >= 0).all(), "sorted by officer, as everything expects"
    code = pilot.ratings.code.copy()
    code[0] = (code[0] + 1) % 3
    changed = replace(pilot, ratings=replace(pilot.ratings, code=code))
    assert drawn_from(changed, 1) != drawn_from(pilot, 1), "whoever has the seed only cannot work out who is who"


def test_every_mistake_of_a_template_is_told(tmp_path, small):
    template = tmp_path / "house.docx"
    template.write_bytes(b"no zip")
    with pytest.raises(DataError, match="no Word document"):
        irr.evaluate(small, tmp_path / "r", sections=["study"], formats=["docx"], template=template)
    with pytest.raises(DataError, match="cannot be read"):
        irr.evaluate(small, tmp_path / "r", sections=["study"], formats=["docx"], template=tmp_path / "none.docx")
    assert not (tmp_path / "r").exists()


def test_every_wrong_setting_is_told_at_once(tmp_path, small):
    settings = small / "study.toml"
    wrong = '[report]\ncost_ratio = [1, 2]\nrating_matrix = "yes"\ncost_ratios = [0.5]\ngrras = { 99 = "x", 7 = 1 }\n'
    settings.write_text(settings.read_text("utf-8") + wrong, "utf-8")
    with pytest.raises(DataError) as caught:
        irr.evaluate(small, tmp_path / "r", **QUICK)
    said = str(caught.value)
    assert "5 problems" in said
    for part in ("'cost_ratio'", "Did you mean 'cost_ratios'?", "'rating_matrix'", "[0.5]", "'99'", "Item 7", "study.toml"):
        assert part in said
    assert not (tmp_path / "r").exists()


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


@pytest.fixture(scope="module")
def few_officers(pilot):
    """The pilot's first six: the same oddities in a quarter of the time."""
    ratings, gold, cases = parts(pilot)
    return irr.Study.from_frames(ratings[ratings["rater"].isin([f"officer_0{n}" for n in range(1, 7)])], gold, cases)


def sound(name: str, markdown: str, html: str) -> None:
    """No number that is none, no markup from a name, and what has to be said."""
    found = re.search(r".{40}(\bnan\b|\binf\b|\bNone\b).{0,20}", markdown)
    assert not found, found[0]
    page = parsed(html)
    assert page.scripts == OURS
    assert page.handlers == []
    if name == "no gold":
        assert re.search("no gold standard", markdown, re.IGNORECASE)
    if name == "perfect":
        assert "100 of every 100" in markdown
    if name == "hostile names":
        assert "&lt;script&gt;" in html


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_get_a_document(name, few_officers):
    draft = draft_of(odd(name, few_officers))
    document = evaluation(draft)
    trace(document, draft.asked, draft.counts)
    sound(name, to_markdown(document), to_html(document))
    assert [section.id for section in document.sections] == list(SECTIONS)
    assert all(plain(section.title) and section.blocks for section in document.sections)


@pytest.mark.parametrize("name", ["one officer, no gold", "everyone unable", *(pytest.param(name, marks=pytest.mark.slow) for name in ODD)])
def test_odd_studies_get_a_report_in_every_format(name, pilot, tmp_path):
    out = irr.evaluate(odd(name, pilot), tmp_path / "r")
    assert {f"report.{suffix}" for suffix in (*FORMATS, "json")} <= {path.name for path in out.iterdir()}
    sound(name, markdown(out), (out / "report.html").read_text("utf-8"))
    json.loads((out / "report.json").read_text("utf-8"), parse_constant=lambda word: pytest.fail(word))
