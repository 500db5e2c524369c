"""The whole report of the pilot in every format: the same numbers, the same bytes; and names that try to be markup."""

from __future__ import annotations

import csv
import html
import json
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from small_study import TABLES, TINY, TINY_TOML, csv_text
from test_evaluation import OURS, contents, parsed
from test_renderings import (
    Sections,
    markdown_sections,
    pdf_sections,
    pdf_text,
    squeezed,
    tokens,
    word_sections,
    word_text,
)

import arms_irr as irr
from arms_irr.plots import style
from arms_irr.reporting.document import printable
from arms_irr.reporting.render import FORMATS

PILOT = Path(__file__).parents[1] / "data" / "pilot"


# --- the same numbers ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sections(pilot_report) -> dict[str, list[str]]:
    """The text of every section by format."""
    return {
        "html": Sections((pilot_report / "report.html").read_text("utf-8")).found,
        "md": markdown_sections((pilot_report / "report.md").read_text("utf-8")),
        "pdf": pdf_sections((pilot_report / "report.pdf").read_bytes(), "Made with"),
        "docx": word_sections((pilot_report / "report.docx").read_bytes(), "Made with"),
    }


def test_every_format_has_the_same_numbers_in_every_section(sections):
    said = {name: [tokens(html.unescape(part)) for part in found] for name, found in sections.items()}
    assert len(said["html"]) > 20
    assert sum(map(len, said["html"])) > 3000
    for section, (one, two, three) in enumerate(zip(said["html"], said["md"], said["docx"], strict=True)):
        assert two == one, section
        assert three == one, section
    for section, (one, two) in enumerate(zip(said["html"], said["pdf"], strict=True)):
        assert set(two) == set(one), (section, set(two) ^ set(one))  # heads that are repeated on a page say theirs again


def test_the_sentences_of_report_json_stand_in_every_format(pilot_report, sections):
    found = json.loads((pilot_report / "report.json").read_text("utf-8"))
    alt = {sentence["text"] for sentence in found["sentences"] if sentence["place"].startswith("fig-")}
    pages = {name: squeezed(html.unescape(" ".join(parts))) for name, parts in sections.items()}
    told = [s for s in found["sentences"] if s["place"] != "made" and s["text"] not in alt and len(s["text"]) > 25]
    assert len(told) > 200
    for name, page in pages.items():
        plain = page.replace("*", "").replace("\xa0", "").replace("\u200b", "").replace("\xad", "")
        missing = [s["text"] for s in told if squeezed(s["text"]).replace("*", "") not in plain]
        allowed = len(told) // 10 if name == "pdf" else 0  # a sentence across a page, or a sign that is set apart
        assert len(missing) <= allowed, (name, len(missing), missing[:5])


# --- the same bytes -----------------------------------------------------------------------------------------------


def test_the_command_in_another_process_writes_the_same_bytes(pilot_report, tmp_path):
    """Another process, another folder, another order of hashing: every file is the same to the byte."""
    command = [sys.executable, "-m", "arms_irr", "evaluate", str(PILOT), "-o", str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env={**_environment(), "PYTHONHASHSEED": "12345"})
    assert done.returncode == 0, done.stderr
    assert all(f"report.{suffix}" in done.stdout for suffix in FORMATS)
    one, two = contents(pilot_report), contents(tmp_path / "r")
    assert set(one) == set(two)
    assert [name for name in one if one[name] != two[name]] == []


def test_the_same_process_writes_the_same_bytes_twice(tmp_path):
    chosen = {"sections": ["data-quality", "contrasts", "icc"], "seed": 5}
    one, two = (contents(irr.evaluate(PILOT, tmp_path / name, **chosen)) for name in "ab")
    assert {Path(name).suffix for name in one} == {".html", ".md", ".pdf", ".docx", ".xlsx", ".json", ".csv", ".svg", ".png"}
    assert [name for name in one if one[name] != two[name]] == []


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


# --- hostile words ------------------------------------------------------------------------------------------------

OFFICER = "<script>alert(1)</script>"
CASE = "*_[x](y)|~`&amp;` #1 $x_1$"
FACTOR = "=1+1 @ \\textbf{x} <b>#</b> {{7*7}}"
AGENCY = "עברית 😀"
LONG = "Longest" + "word" * 73
TITLE = '"> <img src=x onerror=alert(2)> & $5 @ # "'
DESCRIPTION = "One\nline [and](another) #panic() {% raw %} *emphasised* and <i>tags</i>"
WORDS = (OFFICER, CASE, FACTOR, AGENCY, LONG, TITLE)
SHOWN = {"officer": OFFICER, "case": CASE, "factor": FACTOR, "title": TITLE, "long": LONG}


def hostile(folder: Path) -> Path:
    """The small study with eight officers; whatever a study names tries to be something else."""
    folder.mkdir()
    (folder / "tiny.toml").write_text(TINY_TOML.replace('label = "Access to victims"', f"label = {json.dumps(FACTOR)}")
                                      .replace('label = "Work"', f"label = {json.dumps(LONG)}"), "utf-8")
    (folder / "study.toml").write_text(
        f"[study]\ntitle = {json.dumps(TITLE)}\ndescription = {json.dumps(DESCRIPTION)}\ninstrument = \"tiny.toml\"\nsynthetic = true\n", "utf-8")
    officers = [OFFICER, "=cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "ש" * 20, "x" * 300, "Zoë", "007"]
    ratings = [TABLES["ratings"][0]]
    levels = ("Low", "Medium", "High")
    for n, officer in enumerate(officers):
        for c, case in enumerate(("H1", "L1", "L2")):
            for f, factor in enumerate(("access", "anger", "work", "friends", "overall")):
                ratings.append((officer, case, factor, "Unable to rate" if (n + c + f) % 9 == 8 and factor != "overall" else levels[(n * n + c + f) % 3]))
    cases = [("case", "risk_band", "title"), ("H1", "higher", CASE), ("L1", "lower", LONG + "!"), ("L2", "lower", "fine")]
    raters = [("rater", "agency"), *((officer, AGENCY if n % 2 else "[red]=2+2[/]") for n, officer in enumerate(officers))]
    for name, table in {"ratings": ratings, "gold": TABLES["gold"], "cases": cases, "raters": raters}.items():
        (folder / f"{name}.csv").write_bytes(csv_text(table).encode())
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(style._STYLE, "svg.fonttype", "none")  # the words of figures as letters
        return irr.evaluate(hostile(folder / "study"), folder / "r", min_cell=4)


def test_names_stay_words_on_the_page(written):
    text = (written / "report.html").read_text("utf-8")
    page = parsed(text)
    assert (page.scripts, page.handlers, page.outside) == (OURS, [], [])
    outside_pictures = re.sub(r"data:image[^\"']*", "", text)
    assert not re.search(r"<script>alert|<img src=x|<i>tags|<b>#", outside_pictures)
    read = squeezed(" ".join(Sections(text).found) + html.unescape(re.search("<title>(.*?)</title>", text, re.S)[1]))
    for name, words in SHOWN.items():
        assert squeezed(words) in read, name


def test_names_stay_words_in_markdown(written):
    """Nothing that Markdown or HTML would read as a mark is left bare."""
    text = (written / "report.md").read_text("utf-8")
    assert not re.search(r"<script|<img|<i>|<b>", text)
    bare = html.unescape(re.sub(r"\\([\\`*_{}\[\]()#+.!|<>~$-])", r"\1", text))
    for name, words in SHOWN.items():
        assert squeezed(words) in squeezed(bare), name
    assert r"\*\_\[x\]" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    tables = "\n".join(rows)
    assert all(len(re.findall(r"(?<!\\)\|", line)) >= 3 for line in rows)
    assert r"\|" in tables


@pytest.mark.parametrize("kind", ["docx", "pdf"])
def test_names_stay_words_on_paper(written, kind):
    data = (written / f"report.{kind}").read_bytes()
    read = squeezed(word_text(data) if kind == "docx" else pdf_text(data))
    for name, words in SHOWN.items():
        assert squeezed(words) in read, name


def test_tables_are_no_formulas(written):
    for path in (written / "tables").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    number = re.fullmatch(r"-?(\d+(\.\d+)?(e-?\d+)?|inf)", cell)
                    assert number or cell[:1] not in ("=", "+", "-", "@", "\t", "\r"), (path.name, cell)
    book = openpyxl.load_workbook(written / "report.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells if cell.value.startswith(("=", "+", "-", "@")))
    assert any(OFFICER in cell.value for cell in cells)
    assert any(cell.value == "=cmd|' /C calc'!A0" for cell in cells)


def test_figures_show_names_as_words(written):
    pictures = {path.stem: path.read_text("utf-8") for path in (written / "figures").glob("*.svg")}
    assert pictures
    import xml.etree.ElementTree as tree

    words = ""
    for name, text in pictures.items():
        root = tree.fromstring(text)  # well formed, whatever the names are
        assert not [node for node in root.iter() if node.tag.endswith(("script", "foreignObject"))], name
        assert not [key for node in root.iter() for key in node.attrib if key.lower().startswith("on")], name
        words += " ".join(filter(None, (node.text for node in root.iter() if node.tag.endswith("text"))))
    assert "$x_1$" in words or "#1" in words
    assert "=1+1 @" in words
    assert len(list((written / "figures").glob("*.png"))) == len(pictures)


def test_report_json_and_manifest_are_json_with_the_words_as_they_are(written):
    for name in ("report.json", "manifest.json"):
        found = json.loads((written / name).read_text("utf-8"), parse_constant=lambda word: pytest.fail(word))
        assert found["title"] == TITLE
    assert OFFICER in (written / "report.json").read_text("utf-8")


@pytest.mark.parametrize("name", ["zero\x00 bell\x07 tab\t line\n half \ud800", "\u202eabc\u200f\u2066", "a\u0301" * 40, "\ufeff"])
def test_signs_that_no_file_can_hold_stop_nothing(name, tmp_path):
    """From data frames anything can come: in titles, cases, officers and agencies."""
    new = {"Zoë": "Z" + name, "police": "p" + name, "Case – one": "Case " + name}
    frames = {part: pd.DataFrame([[new.get(cell, cell) for cell in row] for row in TABLES[part][1:]], columns=TABLES[part][0], dtype=object)
              for part in ("ratings", "gold", "cases", "raters")}
    study = irr.Study.from_frames(frames["ratings"], frames["gold"], frames["cases"], frames["raters"], instrument=TINY, title="T " + name,
                                  description=name, synthetic=True)
    out = irr.evaluate(study, tmp_path / "r", sections=["study", "data-quality", "gold"])
    assert squeezed(printable("T " + name)) in squeezed(word_text((out / "report.docx").read_bytes()))
    for suffix in ("html", "md", "json"):
        text = (out / f"report.{suffix}").read_text("utf-8")
        assert "\x00" not in text
        if suffix != "json":
            assert squeezed(printable("T " + name)) in squeezed(html.unescape(text).replace("\\", ""))
    json.loads((out / "manifest.json").read_text("utf-8"))
