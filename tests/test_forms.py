"""Rating forms: made, filled in, collected; and everything that can happen to a form on its way."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from small_study import TINY_TOML
from typer.testing import CliRunner

from arms_irr.cli.main import app
from arms_irr.errors import ArgumentError, DataError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.reporting import forms
from arms_irr.reporting.document import plain, walk
from arms_irr.reporting.forms import write_forms
from arms_irr.reporting.paper_form import paper_document, paper_form
from arms_irr.reporting.publish import publish
from arms_irr.reporting.voice import voice
from arms_irr.study.collect import COLLECT_MAKER, collect
from arms_irr.study.form_sheets import form_sheets
from arms_irr.study.kit import fingerprint, read_kit
from arms_irr.study.opening import read_study

CASES = "case,risk_band,title\nv1,lower,Mr A\nv2,higher,Ms B\nv3,lower,Mr C\n"
RATERS = "rater,agency\no1,police\no2,probation\no3,police\n"
GOLD = "case,factor,rating\n" + "".join(
    f"{case},{factor},Low\n" for case in ("v1", "v2", "v3") for factor in ("access", "anger", "work", "overall"))
PAPER: dict[str, dict[str, bytes]] = {}


@pytest.fixture(autouse=True)
def one_paper_form(monkeypatch):
    """Typesetting takes most of the time: each instrument's paper form is made once."""
    def once(tool, language="en"):
        key = fingerprint(tool)
        if key not in PAPER:
            PAPER[key] = paper_form(tool, language)
        return PAPER[key]

    monkeypatch.setattr(forms, "paper_form", once)


@pytest.fixture
def kit(tmp_path):
    """A kit of three officers and three cases with a small instrument, in tmp_path/forms."""
    return make(tmp_path)


def make(folder: Path, cases=CASES, raters=RATERS, instrument=TINY_TOML, assignment=None, seed=1, out="forms"):
    for name, text in (("cases.csv", cases), ("raters.csv", raters), ("tiny.toml", instrument), ("assignment.csv", assignment)):
        if text is not None:
            (folder / name).write_text(text, "utf-8")
    made = write_forms(str(folder / "tiny.toml"), folder / "cases.csv", folder / "raters.csv", folder / out, seed=seed,
                       assignment=folder / "assignment.csv" if assignment else None)
    return made


def answers_of(kit, form, seed=0):
    """Answers to everything on a form: (case, factor, field) -> text."""
    rng = np.random.default_rng([seed, int(form.id, 16)])
    given = {}
    for case in form.cases:
        for factor in kit.instrument.factors:
            scale = kit.instrument.scales[factor.scale]
            rating = str(rng.choice([*scale.categories, *scale.not_rated]))
            given[case, factor.id, "rating"] = rating
            if rating in scale.not_rated:
                given[case, factor.id, "urgency"] = str(rng.choice(scale.categories))
            if rng.random() < 0.3:
                given[case, factor.id, "rationale"] = "=1+1, “so”; a;b\nnew line"
    return given


def fill(kit, form, path: Path, given=None, to: Path | None = None, change=None):
    """Fill in a form as an officer would; ``change(book)`` does more to it."""
    given = answers_of(kit, form) if given is None else given
    book = openpyxl.load_workbook(path)
    for sheet in form_sheets(kit, form):
        for (row, column), answer in sheet.answers.items():
            text = given.get((sheet.case, answer.factor, answer.field))
            if text is not None:
                cell = book[sheet.name].cell(row, column, text)
                cell.data_type = "s"
    if change:
        change(book)
    book.save(to or path)
    return given


def fill_all(kit, folder: Path):
    return {form.rater: fill(kit, form, folder / form.file) for form in kit.forms}


def written(found, folder: Path):
    """The study, put on disk and read."""
    publish(folder, found.files, found.manifest, COLLECT_MAKER)
    return read_study(folder)


def place(kit, form, factor, field, case=None):
    """Name of the sheet, row and column of one answer."""
    for sheet in form_sheets(kit, form)[1:-1]:
        for (row, column), answer in sheet.answers.items():
            if (answer.factor, answer.field) == (factor, field) and case in (None, sheet.case):
                return sheet.name, row, column
    raise AssertionError


def problems(folder, **options):
    with pytest.raises(DataError) as caught:
        collect(folder, **options)
    return caught.value.problems


def errors(folder, **options):
    return [problem for problem in problems(folder, **options) if problem.severity == "error"]


# --- the way there and back


def test_what_was_filled_in_is_the_study(kit, tmp_path):
    folder = tmp_path / "forms"
    given = fill_all(kit, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.xlsx")}
    (tmp_path / "g.csv").write_text(GOLD)
    found = collect(folder, gold=tmp_path / "g.csv", title="Day one", synthetic=True)
    assert not [p for p in found.problems if p.severity == "error"]
    study = written(found, tmp_path / "study")
    assert study.title == "Day one"
    assert study.synthetic
    assert study.raters == ("o1", "o2", "o3")
    assert study.cases == ("v1", "v2", "v3")
    assert study.rater_attributes["agency"] == ("police", "probation", "police")
    assert (study.gold[:, [0, 1, 2, 4]] == 0).all()
    expected = {(rater, *cell): text for rater, cells in given.items() for cell, text in cells.items()}
    rows = csv.DictReader(io.StringIO(found.files["ratings.csv"], newline=""))
    read = {(row["rater"], row["case"], row["factor"], field): row[field]
            for row in rows for field in ("rating", "urgency", "rationale") if row[field]}
    assert read == expected
    ratings = study.ratings
    tool = study.instrument
    assert len(ratings) == 3 * 3 * 5
    for r, c, f, code, urgency in zip(ratings.rater, ratings.case, ratings.factor, ratings.code, ratings.urgency, strict=True):
        cell = (study.raters[r], study.cases[c], tool.factors[f].id)
        scale = tool.scale_of(cell[2])
        assert code == scale.index(expected[(*cell, "rating")])
        assert (urgency == NOT_GIVEN) == (code != UNABLE)
    assert {path: path.read_bytes() for path in folder.rglob("*.xlsx")} == before


def test_a_study_without_gold_says_so(kit, tmp_path):
    fill_all(kit, tmp_path / "forms")
    study = written(collect(tmp_path / "forms"), tmp_path / "study")
    assert study.gold is None
    assert not study.synthetic
    assert study.instrument.name == "tiny"
    again = collect(tmp_path / "forms")
    assert again.files == collect(tmp_path / "forms").files
    assert again.manifest == collect(tmp_path / "forms").manifest


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    raters = "rater\n" + "".join(f"o{i}\n" for i in range(12))
    one = make(tmp_path, raters=raters, out="one")
    make(tmp_path, raters=raters, out="two")
    other = make(tmp_path, raters=raters, out="three", seed=2)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 12 + 4 + 2 + 1
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)
    assert [f.cases for f in one.forms] != [f.cases for f in other.forms]
    assert len({f.cases for f in one.forms}) > 2
    assert all(sorted(f.cases) == ["v1", "v2", "v3"] for f in one.forms)
    more = make(tmp_path, raters="rater\nnew\n" + raters[6:], out="four")
    orders = {f.rater: f.cases for f in one.forms}
    assert all(f.cases == orders[f.rater] for f in more.forms if f.rater != "new")


@pytest.mark.parametrize("name", ["arms-12", "arms-11", "rm2000-s", "three-point-items", "strategy-quality"])
def test_every_instrument_comes_back(name, tmp_path):
    (tmp_path / "cases.csv").write_text(CASES)
    (tmp_path / "raters.csv").write_text(RATERS)
    kit = write_forms(name, tmp_path / "cases.csv", tmp_path / "raters.csv", tmp_path / "forms")
    given = fill_all(kit, tmp_path / "forms")
    found = collect(tmp_path / "forms")
    study = written(found, tmp_path / "study")
    assert study.instrument.name == name
    assert 'instrument = "' + name in found.files["study.toml"]
    assert (study.ratings.code != NOT_GIVEN).all()
    assert len(given["o1"]) >= 3 * len(kit.instrument.factors)


def test_an_assignment_is_followed(tmp_path):
    table = "rater,case,order,occasion\no1,v2,1,1\no1,v1,2,1\no1,v3,1,2\no2,v3,5,1\no2,v1,4,1\n"
    kit = make(tmp_path, assignment=table)
    assert {(f.rater, f.occasion): f.cases for f in kit.forms} == {("o1", 1): ("v2", "v1"), ("o1", 2): ("v3",), ("o2", 1): ("v1", "v3")}
    assert [f.file for f in kit.forms] == ["o1.xlsx", "o1-occasion_2.xlsx", "o2.xlsx"]
    assert "o3" in kit.warnings[0].message
    fill_all(kit, tmp_path / "forms")
    study = written(collect(tmp_path / "forms"), tmp_path / "study")
    ratings = study.ratings
    asked = {(study.raters[r], study.cases[c], int(o)) for r, c, o in zip(ratings.rater, ratings.case, ratings.occasion, strict=True)}
    assert asked == {("o1", "v1", 1), ("o1", "v2", 1), ("o1", "v3", 2), ("o2", "v1", 1), ("o2", "v3", 1)}
    again = (tmp_path / "forms" / "kit" / "assignment.csv").read_text()
    assert make(tmp_path, assignment=again, out="again").forms == kit.forms


def test_everything_wrong_with_an_assignment_is_told_at_once(tmp_path):
    table = "rater,case,order\no1,v1,1\no1,v1,2\no1,v2,1\nO9,v1,1\no2,w2,1\no2,v1,soon\n,v1,1\n"
    with pytest.raises(DataError) as caught:
        make(tmp_path, assignment=table)
    rows = {(problem.rows, problem.column) for problem in caught.value.problems if problem.severity == "error"}
    assert rows == {((3,), "case"), ((4,), "order"), ((5,), "rater"), ((6,), "case"), ((7,), "order"), ((8,), "rater")}
    assert not (tmp_path / "forms").exists()


def test_bad_tables_are_told_at_once(tmp_path):
    with pytest.raises(DataError) as caught:
        make(tmp_path, cases="case,title\n" + "c" * 81 + "," + "t" * 301 + "\n", raters="officer\nx\n", instrument="name = 3")
    text = str(caught.value)
    assert "81 letters" in text
    assert "301 letters" in text
    assert "no column 'rater'" in text
    assert "tiny.toml" in text


# --- hostile names


HOSTILE = ["=HYPERLINK(\"http://x\")", "../../etc/passwd", "CON", "a/b\\c:d", "@SUM(A1)",
           "\u202eevil", "مكتب", "&R&D", "...", "O1", "o1", "+1", "'", "é" * 80]


def test_hostile_names_stay_text_and_files_stay_in_the_folder(tmp_path):
    raters = io.StringIO()
    csv.writer(raters).writerows([["rater"], *[[name] for name in HOSTILE]])
    cases = io.StringIO()
    titles = ["=1+1", "שלום, עולם " * 20, "_x0041_ <b>&amp; \x07 \"q\" 'q' {title} {0}"]
    csv.writer(cases).writerows([["case", "title"], *zip(["v1", "=v2", "v/3"], titles, strict=True)])
    instrument = TINY_TOML.replace("Access to victims", "=cmd|' /C calc'!A1").replace('"Low"', '"=Low"')
    kit = make(tmp_path, cases=cases.getvalue(), raters=raters.getvalue(), instrument=instrument)
    assert len({form.file.casefold() for form in kit.forms}) == len(HOSTILE)
    assert {path.parent for path in tmp_path.rglob("*.xlsx")} == {tmp_path / "forms"}
    book = openpyxl.load_workbook(tmp_path / "forms" / kit.forms[0].file)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert [cell for cell in cells if cell.value == HOSTILE[0] and cell.quotePrefix]
    fill_all(kit, tmp_path / "forms")
    study = written(collect(tmp_path / "forms"), tmp_path / "study")
    assert set(study.raters) == set(HOSTILE)


# --- what the form looks like inside


def test_only_answers_are_open_and_every_choice_is_on_its_list(kit, tmp_path):
    form = kit.forms[0]
    book = openpyxl.load_workbook(tmp_path / "forms" / form.file)
    assert book.security.lockStructure
    start = book["Start here"]
    for sheet in form_sheets(kit, form):
        page = book[sheet.name]
        assert page.protection.sheet
        assert not page.protection.password
        opened = {(cell.row, cell.column) for row in page.iter_rows() for cell in row if not cell.protection.locked}
        assert opened == set(sheet.answers)
        for (row, column), answer in sheet.answers.items():
            lists = [v for v in page.data_validations.dataValidation if page.cell(row, column).coordinate in v.sqref]
            assert page.cell(row, column).number_format == "@"
            if answer.field == "rationale":
                assert lists == []
                continue
            scale = kit.instrument.scale_of(answer.factor)
            cells = start[lists[0].formula1.split("!")[1].replace("$", "")]
            offered = [line[0].value for line in cells]
            assert offered == [*scale.categories, *(scale.not_rated if answer.field == "rating" else ())]
            assert lists[0].errorStyle in (None, "stop")
            assert lists[0].showErrorMessage
        if sheet.case:
            assert page.page_setup.paperSize == 9
            urgencies = {a.factor for a in sheet.answers.values() if a.field == "urgency"}
            assert urgencies == {"access", "anger", "work", "friends"}  # the overall scale has no "unable to rate"


def test_the_form_says_whose_it_is_and_the_paper_form_asks_for_everything(kit, tmp_path):
    form = kit.forms[1]
    about = openpyxl.load_workbook(tmp_path / "forms" / form.file)["About this form"]
    said = {row[0].value: row[1].value for row in about.iter_rows() if row[0].value}
    assert said["Form"] == form.id
    assert said["Officer"] == "o2"
    assert said["Seed of the orders"] == "1"
    assert said["Case 1"] == form.cases[0]
    document = paper_document(kit.instrument, voice("en"))
    tables = [block for block in walk(document.sections) if hasattr(block, "rows")]
    assert [row[0] for table in tables for row in table.rows] == [
        "Access to victims", "Anger", "Work", "Friends (optional)", "Overall priority"]
    assert all("Officer" in plain(table.caption) for table in tables)
    assert (tmp_path / "forms" / "paper" / "tiny.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "forms" / "paper" / "tiny.docx").read_bytes().startswith(b"PK")


def test_definitions_are_printed_where_the_instrument_has_them(tmp_path):
    text = TINY_TOML.replace('not_rated =', 'definitions = ["little", "some", "much"]\nnot_rated_definition = "cannot say"\nnot_rated =')
    text = text.replace('id = "anger"\n', 'id = "anger"\ndefinition = "shouts a lot"\n')
    kit = make(tmp_path, instrument=text)
    start, case = form_sheets(kit, kit.forms[0])[:2]
    printed = [cell.text for cell in start.printed.values()]
    assert {"little", "some", "much", "cannot say"} <= set(printed)
    assert "shouts a lot" in [cell.text for cell in case.printed.values()]


# --- what can happen to a form


def bad(kit, folder, change, rater="o1", given=None):
    form = next(form for form in kit.forms if form.rater == rater)
    fill(kit, form, folder / form.file, given=given, change=change)
    return form


def test_everything_wrong_in_all_forms_is_one_list_and_the_good_ones_can_be_used(kit, tmp_path):
    folder = tmp_path / "forms"
    form = kit.forms[0]
    sheet, row, column = place(kit, form, "anger", "rating")

    def wrong(book):
        book[sheet].cell(row, column, "Hihg")
        book[sheet].cell(2, 4, "see my notes")
        book["Start here"].cell(40, 2, "Yours, Bob")

    bad(kit, folder, wrong)
    fill(kit, kit.forms[1], folder / kit.forms[1].file)
    (folder / "o3.xlsx").write_bytes(b"not a workbook")
    (folder / "scan.pdf").write_bytes(b"%PDF-1.4")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = errors(folder)
    assert {(p.file, p.sheet, p.rows, p.column) for p in found} == {
        ("o1.xlsx", "Start here", (40,), "B"), ("o1.xlsx", sheet, (2,), "D"), ("o1.xlsx", sheet, (row,), "C" if column == 3 else "B"),
        ("o3.xlsx", None, (), None), ("scan.pdf", None, (), None)}
    typo = next(p for p in found if p.value == "Hihg")
    assert "Did you mean 'High'?" in typo.remedy
    assert "Anger" in typo.message
    assert all(p.remedy for p in found)
    usable = collect(folder, skip_bad=True)
    assert usable.used == ("o2.xlsx",)
    assert set(usable.skipped) == {"o1.xlsx", "o3.xlsx", "scan.pdf"}
    assert usable.absent == ("o1", "o3")
    assert {p.file for p in usable.problems if p.severity == "error"} == {"o1.xlsx", "o3.xlsx", "scan.pdf"}
    assert written(usable, tmp_path / "study").raters == ("o2",)
    assert json.loads(usable.manifest)["skipped"] == ["o1.xlsx", "o3.xlsx", "scan.pdf"]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_renamed_file_and_a_renamed_sheet_are_read_and_told(kit, tmp_path):
    folder = tmp_path / "forms"
    given = fill_all(kit, folder)

    def rename(book):
        book["Case 2"].title = "Ms B, done"

    bad(kit, folder, rename, given=given["o1"])
    (folder / "site").mkdir()
    (folder / "o2.xlsx").rename(folder / "site" / "final FINAL.xlsx")
    found = collect(folder)
    assert {(p.file, p.sheet) for p in found.problems} == {("o1.xlsx", "Ms B, done"), ("site/final FINAL.xlsx", None)}
    assert all(p.severity == "warning" for p in found.problems)
    rows = list(csv.DictReader(io.StringIO(found.files["ratings.csv"], newline="")))
    assert all(row["rating"] == given[row["rater"]][row["case"], row["factor"], "rating"] for row in rows)


def test_two_forms_from_one_officer(kit, tmp_path):
    folder = tmp_path / "forms"
    given = fill_all(kit, folder)
    shutil.copy(folder / "o1.xlsx", folder / "o1 (1).xlsx")
    found = collect(folder)
    assert ["o1.xlsx and was read once" in p.message for p in found.problems if p.file == "o1 (1).xlsx"].count(True) == 1
    other = dict(given["o1"])
    other["v1", "anger", "rating"] = "High" if other["v1", "anger", "rating"] != "High" else "Low"
    bad(kit, folder, None, given=other)
    told = [p for p in errors(folder) if p.value == "o1"]
    assert {p.file for p in told} == {"o1.xlsx", "o1 (1).xlsx"}
    assert "1 answers differ" in told[0].message or "2 answers differ" in told[0].message
    usable = collect(folder, skip_bad=True)
    assert usable.used == ("o2.xlsx", "o3.xlsx")


def test_a_form_of_a_stranger_and_of_another_instrument(kit, tmp_path):
    folder = tmp_path / "forms"
    fill_all(kit, folder)
    (tmp_path / "other").mkdir()
    strange = make(tmp_path / "other", raters="rater\no22\n")
    fill(strange, strange.forms[0], tmp_path / "other" / "forms" / "o22.xlsx", to=folder / "o22.xlsx")
    (tmp_path / "third").mkdir()
    tool = make(tmp_path / "third", instrument=TINY_TOML.replace('name = "tiny"', 'name = "large"'))
    fill(tool, tool.forms[0], tmp_path / "third" / "forms" / "o1.xlsx", to=folder / "large.xlsx")
    (tmp_path / "fourth").mkdir()
    again = make(tmp_path / "fourth", seed=9)
    fill(again, again.forms[0], tmp_path / "fourth" / "forms" / "o1.xlsx", to=folder / "seed9.xlsx")
    openpyxl.Workbook().save(folder / "budget.xlsx")
    told = {p.file: p for p in errors(folder)}
    assert "'o22' is not among the officers" in told["o22.xlsx"].message
    assert "Did you mean 'o2'" in told["o22.xlsx"].remedy
    assert "another instrument (large)" in told["large.xlsx"].message
    assert "another issue" in told["seed9.xlsx"].message
    assert "no rating form" in told["budget.xlsx"].message
    assert len(collect(folder, skip_bad=True).used) == 3


def test_a_case_twice_and_a_case_gone(kit, tmp_path):
    folder = tmp_path / "forms"

    def twice(book):
        book.copy_worksheet(book["Case 1"])

    def gone(book):
        del book["Case 3"]

    bad(kit, folder, twice, "o1")
    bad(kit, folder, gone, "o2")
    told = {p.file: p for p in errors(folder)}
    assert "is there 2 times: Case 1, Case 1 Copy" in told["o1.xlsx"].message
    assert "is missing" in told["o2.xlsx"].message


@pytest.mark.parametrize("edit", ["insert", "delete", "swap"])
def test_changed_factor_rows_are_not_guessed(kit, tmp_path, edit):
    folder = tmp_path / "forms"
    sheet, row, _ = place(kit, kit.forms[0], "anger", "rating")

    def change(book):
        page = book[sheet]
        if edit == "insert":
            page.insert_rows(row)
        elif edit == "delete":
            page.delete_rows(row)
        else:
            one, two = page.cell(row, 1).value, page.cell(row - 1, 1).value
            page.cell(row, 1, two)
            page.cell(row - 1, 1, one)

    bad(kit, folder, change)
    told = [p for p in errors(folder) if "rows of the factors" in p.message]
    assert len(told) == 1
    assert told[0].sheet == sheet
    assert "not certain" in told[0].message


def test_another_officer_on_the_form_and_changed_texts(kit, tmp_path):
    folder = tmp_path / "forms"

    def change(book):
        book["Start here"].cell(3, 2, "o2")
        book["Case 1"].cell(1, 1, "Case 1: somebody else")

    bad(kit, folder, change)
    told = {p.sheet: p.message for p in errors(folder) if p.file}
    assert told == {"Start here": "The officer was 'o1' when the form was made and is now 'o2'.",
                    "Case 1": told["Case 1"]}
    assert "A printed text was changed" in told["Case 1"]


def test_half_filled_forms_are_read_and_what_is_missing_is_told(kit, tmp_path):
    folder = tmp_path / "forms"
    first, second, third = kit.forms
    case = first.cases[0]
    fill(kit, first, folder / first.file, given={
        (case, "access", "rating"): "Unable to rate", (case, "anger", "rating"): "low ", (case, "anger", "urgency"): "High"})
    given = answers_of(kit, second)
    fill(kit, second, folder / second.file, given={cell: text for cell, text in given.items() if cell[1] != "friends"})
    fill(kit, third, folder / third.file, given={}, change=lambda book: None)  # opened and saved
    found = collect(folder)
    told = [str(p) for p in found.problems]
    assert all(p.severity == "warning" for p in found.problems)
    assert sum("o2.xlsx" in line and "missing" in line for line in told) == 0  # an optional factor is not missing
    assert any("2 of 4 ratings are missing: Work, Overall priority" in line for line in told)
    assert sum("Nothing was rated" in line for line in told) == 2
    assert any("1 urgency beside 'unable to rate' missing: Access to victims" in line for line in told)
    assert any("1 urgency without 'unable to rate' beside it: Anger" in line for line in told)
    assert any("'low' was read as 'Low'" in line for line in told)
    assert any("counts as not returned" in line for line in told)
    assert found.absent == ("o3",)
    study = written(found, tmp_path / "study")
    assert study.raters == ("o1", "o2")
    o1 = study.ratings.rater == 0
    assert (study.ratings.code[o1] != NOT_GIVEN).sum() == 2
    assert o1.sum() == 15  # asked for everything on the form


def test_answers_of_other_kinds(kit, tmp_path):
    folder = tmp_path / "forms"
    sheet, row, column = place(kit, kit.forms[0], "access", "rating")
    _, urgent_row, urgent_column = place(kit, kit.forms[0], "access", "urgency")

    def change(book):
        page = book[sheet]
        page.cell(row, column, 2)  # a code, and a number
        page.cell(urgent_row, urgent_column, "Unable to rate")
        page.cell(row + 1, column, "=A1&B1")

    bad(kit, folder, change)
    told = [p for p in problems(folder) if p.file == "o1.xlsx"]
    assert any("'2' was read as 'Medium'" in p.message and p.severity == "warning" for p in told)
    assert any("(urgency)" in p.message and p.rows == (urgent_row,) for p in told)
    assert any("formula without a stored value" in p.message and p.rows == (row + 1,) for p in told)


def test_a_password_and_an_open_file(kit, tmp_path):
    folder = tmp_path / "forms"
    fill(kit, kit.forms[1], folder / "o2.xlsx")
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
    (folder / "o1.xlsx").write_bytes(ole)
    (folder / "~$o3.xlsx").write_bytes(b"x")
    (folder / ".DS_Store").write_bytes(b"x")
    found = collect(folder, skip_bad=True)
    assert any("password" in p.message and p.file == "o1.xlsx" for p in found.problems)
    assert any("open in a spreadsheet program" in p.message for p in found.problems)
    assert found.used == ("o2.xlsx",)


def test_bad_gold_stops_even_when_forms_may_be_skipped(kit, tmp_path):
    fill_all(kit, tmp_path / "forms")
    (tmp_path / "g.csv").write_text(GOLD.replace("v2,anger,Low\n", ""))
    assert any(p.file == "g.csv" or p.file == "gold.csv" for p in errors(tmp_path / "forms", gold=tmp_path / "g.csv", skip_bad=True))
    assert errors(tmp_path / "forms", gold=tmp_path / "nothing.csv", skip_bad=True)


def test_forms_that_came_back_elsewhere_need_their_kit(kit, tmp_path):
    back = tmp_path / "back"
    back.mkdir()
    for form in kit.forms:
        fill(kit, form, tmp_path / "forms" / form.file, to=back / form.file)
    assert "--kit" in errors(back)[0].remedy
    assert len(collect(back, tmp_path / "forms").used) == 3
    assert read_kit(tmp_path / "forms")[0].forms == kit.forms
    cases = tmp_path / "forms" / "kit" / "cases.csv"
    cases.write_text(cases.read_text().replace("Mr A", "Mr Z"))
    assert "not those that the forms were made from" in errors(back, kit_folder=tmp_path / "forms")[0].message


# --- nothing is written over


def test_forms_that_were_filled_in_are_never_written_over(kit, tmp_path):
    make(tmp_path)  # untouched ones are made anew
    fill(kit, kit.forms[0], tmp_path / "forms" / "o1.xlsx")
    with pytest.raises(ArgumentError, match="was changed since"):
        make(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    with pytest.raises(ArgumentError, match="never made"):
        make(tmp_path, out="mine")


def test_a_collected_study_is_replaced_unless_it_was_changed(kit, tmp_path):
    study = tmp_path / "study"
    fill(kit, kit.forms[0], tmp_path / "forms" / "o1.xlsx")
    written(collect(tmp_path / "forms"), study)
    (study / "claims.toml").write_text("")
    fill(kit, kit.forms[1], tmp_path / "forms" / "o2.xlsx")
    assert written(collect(tmp_path / "forms"), study).raters == ("o1", "o2")
    assert (study / "claims.toml").exists()
    (study / "gold.csv").write_text(GOLD)
    (tmp_path / "g.csv").write_text(GOLD)
    with pytest.raises(ArgumentError, match="in the way"):
        written(collect(tmp_path / "forms", gold=tmp_path / "g.csv"), study)
    (study / "study.toml").write_text("# mine\n" + (study / "study.toml").read_text())
    with pytest.raises(ArgumentError, match="was changed since"):
        written(collect(tmp_path / "forms"), study)


# --- the command line


def test_the_commands(tmp_path, monkeypatch):
    (tmp_path / "cases.csv").write_text(CASES.replace("Mr A", "The lower case"))
    (tmp_path / "raters.csv").write_text(RATERS)

    monkeypatch.chdir(tmp_path)

    def run(*words):
        return CliRunner().invoke(app, words)

    made = run("form", "arms-12", "--cases", "cases.csv", "--raters", "raters.csv", "-o", "forms")
    assert made.exit_code == 0, made.output
    assert "3 forms are in forms" in made.stdout
    assert "tells its risk band" in made.stdout
    kit, _ = read_kit(tmp_path / "forms")
    fill_all(kit, tmp_path / "forms")
    (tmp_path / "forms" / "o3.xlsx").write_bytes(b"")
    failed = run("collect", "forms", "-o", "study")
    assert failed.exit_code == 1
    assert "o3.xlsx" in failed.stdout
    assert "--skip-bad" in failed.stdout
    assert not (tmp_path / "study").exists()
    assert run("collect", "forms", "-o", "forms/study").exit_code == 2
    done = run("collect", "forms", "-o", "study", "--skip-bad", "--synthetic")
    assert done.exit_code == 0, done.output
    assert "Left out: o3.xlsx" in done.stdout
    assert run("check", "study").exit_code == 0


def test_from_the_form_to_the_feedback(kit, tmp_path):
    """The whole way round: forms go out, come back, become a study, and every officer gets a sheet about those answers."""
    from arms_irr.reporting.feedback import feedback

    given = fill_all(kit, tmp_path / "forms")
    (tmp_path / "gold.csv").write_text(GOLD)
    study = written(collect(tmp_path / "forms", gold=tmp_path / "gold.csv"), tmp_path / "study")
    out = feedback(study, tmp_path / "feedback", formats=["html"])
    for rater, answers in given.items():
        page = (out / "sheets" / f"{rater}.html").read_text("utf-8")
        rated = [(key, text) for key, text in answers.items() if key[2] == "rating" and key[1] in ("access", "anger", "work")]  # those with a gold standard
        scales = {f.id: kit.instrument.scales[f.scale].categories for f in kit.instrument.factors}
        same = sum(text == "Low" for _, text in rated)
        priorities = sum(text in scales[key[1]] for key, text in rated)
        text = re.sub(r"<[^>]+>", "", page)
        assert f"In {same} of {priorities} rating" in text, (rater, re.findall("Thank you[^.]*[.][^.]*[.]", text))
