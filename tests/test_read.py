"""Reading: what cannot be read is told in one clear sentence, and what is changed on the way is counted."""

import io
import zipfile

import pandas as pd
import pytest
from small_study import TABLES, csv_text, write_folder, write_workbook

from arms_irr.errors import ArgumentError, DataError
from arms_irr.study import Study, read_study
from arms_irr.study.read import read_file, read_frame


def table(tmp_path, data, name="ratings.csv"):
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_file(path, "ratings")


def refusal(tmp_path, data, name="ratings.csv"):
    with pytest.raises(DataError) as caught:
        table(tmp_path, data, name)
    (problem,) = caught.value.problems
    assert problem.file == name
    assert problem.remedy
    return str(problem)


def test_text_stays_text(tmp_path):
    read = table(tmp_path, "rater,note\n007,1.0\n1e5,-\n")
    assert read.columns == {"rater": ["007", "1e5"], "note": ["1.0", "-"]}


def test_rows_are_numbered_as_in_a_spreadsheet(tmp_path):
    read = table(tmp_path, '\na,b\n1,"two\nlines"\n\n,\n3,4\n')
    assert read.columns["a"] == ["1", "3"]
    assert read.row_numbers.tolist() == [3, 6]
    assert table(tmp_path, "sep=;\na;b\n1;2\n").row_numbers.tolist() == [3]


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter"),
    [
        ("a,b\né,2", "utf-8", "UTF-8 text with a comma"),
        ("a;b\né;2,5", "utf-8-sig", "UTF-8 text with a semicolon"),
        ("a\tb\né\t2", "cp1252", "Windows-1252 (it is not UTF-8) text with a tab"),
        ("a\tb\né\t2", "utf-16", "UTF-16 text with a tab"),
    ],
)
def test_encoding_and_delimiter_are_said(tmp_path, data, encoding, delimiter):
    read = table(tmp_path, data.encode(encoding))
    assert read.columns["a"] == ["é"]
    assert delimiter in read.notes[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        (",,\n,,\n", "All cells are empty"),
        (b"PK\x03\x04" + bytes(100), "Excel workbook or zip"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "old Excel"),
        (b"PAR1" + bytes(9), "Parquet"),
        (b"a,b\n1,\x00\n", "binary"),
        (b"a,b\n\x81\x8d,\xff\n", "neither UTF-8 nor"),
        ("rater|case|factor|rating\n1|2|3|4\n", "single column, 'rater|case|factor|rating': wrong delimiter"),
        ('"rater,case,factor,rating"\n"1,2,3,4"\n', "wrong delimiter"),
        ('rater,case\n"1,2\n3,4\n', "quotation mark"),
        ("a,b\n" + "x" * 200_000 + ",1\n", "not valid CSV"),
    ],
)
def test_unreadable_text(tmp_path, data, words):
    assert words in refusal(tmp_path, data)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("r.sav", "damaged, or no SPSS file"),
        ("r.dta", "damaged, or no Stata file"),
        ("r.pdf", "'.pdf' cannot be read"),
        ("ratings", "no ending"),
        ("r.parquet", "damaged, or no .parquet"),
        ("r.feather", "damaged"),
        ("r.xlsx", "damaged, or no workbook"),
        ("r.xls", "damaged"),
        ("r.ods", "damaged"),
    ],
)
def test_other_files(tmp_path, name, words):
    assert words in refusal(tmp_path, b"some bytes", name)


def test_missing_file_with_its_nearest_neighbour(tmp_path):
    (tmp_path / "ratings.xlsx").write_bytes(b"x")
    with pytest.raises(DataError, match=r"no such file\. Did you mean 'ratings\.xlsx'"):
        read_file(tmp_path / "ratings.csv", "ratings")
    with pytest.raises(DataError, match="no such file"):
        read_file(tmp_path / "no" / "ratings.csv", "ratings")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="cannot be opened"):
        read_file(tmp_path / "folder.csv", "ratings")


def test_headers_and_ragged_rows(tmp_path):
    read = table(tmp_path, "a,b, a ,,\n1,2,3,,\n1,2,3,x,y,z\n1\n")
    said = [str(problem) for problem in read.problems]
    assert any("Two columns are called 'a'" in s for s in said)
    assert any("Column 4 has no name" in s for s in said)
    assert any("row 3" in s and "more cells" in s for s in said)
    assert any("1 row shorter than the header" in note for note in read.notes)
    assert read.columns["b"] == ["2", "2", None]


def test_spaces_are_trimmed_and_counted(tmp_path):
    read = table(tmp_path, "a,b\n x,1\nx\u00a0,2\n  ,3\nx,4\n")
    assert read.columns["a"] == ["x", "x", None, "x"]
    (problem,) = read.problems
    assert (problem.severity, problem.rows, problem.column) == ("warning", (2, 3), "a")
    assert problem.message.startswith("2 cells have leading or trailing spaces")


def test_trimmed_cells_are_one_warning(tmp_path):
    read = table(tmp_path, "a,b\n x, 1\nx,2 \n")
    (problem,) = read.problems
    assert problem.message.startswith("3 cells in 2 columns have")
    assert (problem.rows, problem.column) == ((2, 3), "a, b")


def test_accents_have_one_form(tmp_path):
    read = table(tmp_path, "a\nZoe\u0308\nZoë\n")
    assert set(read.columns["a"]) == {"Zoë"}
    assert read.problems[0].rows == (2,)


def test_frames():
    frame = pd.DataFrame(
        {
            "a": [1.0, None],
            7: pd.to_datetime(["2026-01-02", None]),
            "c": pd.array([1, None], dtype="Int64"),
            "d": [True, [1]],
        }
    )
    read = read_frame(frame, "ratings")
    assert read.columns == {
        "a": ["1", None],
        "7": ["2026-01-02", None],
        "c": ["1", None],
        "d": ["True", "[1]"],
    }
    assert read.row_numbers.tolist() == [2, 3]
    with pytest.raises(DataError, match="same name"):
        read_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]), "ratings")
    for other in ([1], None, {"a": [1]}, pd.Series([1]), "ratings.csv"):
        with pytest.raises(ArgumentError, match="not a data frame"):
            read_frame(other, "ratings")
    with pytest.raises(ArgumentError, match="several levels"):
        read_frame(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "ratings")


# --- workbooks ---


def test_password(tmp_path):
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    assert "protected by a password" in refusal(tmp_path, data, "r.xlsx")


def test_missing_sheets(tmp_path):
    path = write_workbook(tmp_path / "s.xlsx", gold=None, Golds=TABLES["gold"], raters=None, cases=None)
    with pytest.raises(DataError) as caught:
        read_study(path)
    said = str(caught.value)
    assert "no sheet 'gold'. Did you mean 'Golds'?" in said
    assert "no sheet 'cases'" in said
    assert "write the key cases with the value none" in said
    assert [p.message[:27] for p in caught.value.problems if p.severity == "warning"] == [
        "There is no table of raters"
    ]


def test_sheets_by_another_name_and_none(tmp_path):
    study = [
        ("key", "value"),
        ("instrument", "tiny.toml"),
        ("ratings", "Form responses"),
        ("gold", "None"),
        ("cases", "none"),
    ]
    path = write_workbook(
        tmp_path / "s.xlsx",
        study=study,
        ratings=None,
        gold=None,
        cases=None,
        **{"Form responses": TABLES["ratings"]},
    )
    read = read_study(path)
    assert not read.has_gold
    assert read.title == "s"
    assert len(read.ratings) == 25


def test_hidden_sheets(tmp_path):
    import openpyxl

    path = write_workbook(tmp_path / "s.xlsx", old=[("x",)])
    book = openpyxl.load_workbook(path)
    book["old"].sheet_state, book["gold"].sheet_state = "hidden", "veryHidden"
    book.save(path)
    said = [str(w) for w in read_study(path).warnings if "hidden" in w.message]
    assert len(said) == 2
    assert any("sheet gold" in s and "read all the same" in s for s in said)
    assert any("sheet old" in s and "not read" in s for s in said)


def test_formulas_and_errors_without_a_value(tmp_path):
    rows = [
        *TABLES["ratings"][:4],
        ("007", "L1", "friends", '=IF(1,"Low","")'),
        ("007", "L1", "overall", "#N/A"),
        *TABLES["ratings"][6:],
    ]
    (warning,) = [
        w
        for w in read_study(write_workbook(tmp_path / "s.xlsx", ratings=rows)).warnings
        if "formula" in w.message
    ]
    assert warning.rows == (5, 6)
    assert warning.message.startswith("2 cells hold a formula")


def test_opendocument(tmp_path):
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>'
            for c in row
        )
        + "</table:table-row>"
        for row in (("rater", "case"), ("007", "L1"))
    )
    space = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" xmlns:table="{space}:table:1.0" '
        f'xmlns:text="{space}:text:1.0"><office:body><office:spreadsheet><table:table table:name="any">{cells}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("META-INF/manifest.xml", "<manifest/>")
        package.writestr("content.xml", content)
    assert table(tmp_path, data.getvalue(), "r.ods").columns == {"rater": ["007"], "case": ["L1"]}


# --- the folder and study.toml ---


def test_folder_without_study_toml(tmp_path):
    with pytest.raises(
        DataError,
        match=r'no study\.toml\. Write one, for example:\n\[study\]\ntitle = "\.\.\."\ninstrument = "arms-12"',
    ):
        read_study(tmp_path)
    (tmp_path / "ratings.csv").write_text(csv_text(TABLES["ratings"]))
    with pytest.raises(DataError, match="A study is a folder with"):
        read_study(tmp_path / "ratings.csv")
    with pytest.raises(DataError, match="no such file"):
        read_study(tmp_path / "nowhere")


def test_study_toml_itself_may_be_named(tmp_path):
    folder = write_folder(tmp_path)
    assert isinstance(read_study(folder / "study.toml"), Study)
    assert isinstance(read_study(str(folder)), Study)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[study\n", "not valid TOML"),
        ("", "names no instrument"),
        ('[study]\ninstrument = ""', "names no instrument"),
        ('[study]\ninstrumnt = "arms-12"', "Unknown key 'instrumnt' in [study]. Did you mean 'instrument'?"),
        (
            '[study]\ninstrument = "tiny.toml"\nsynthetic = "yes"',
            "'synthetic' in [study] is 'yes'. Write true or false.",
        ),
        (
            '[study]\ninstrument = "tiny.toml"\n[file]\ngold = "none"',
            "Unknown table 'file'. Did you mean 'files'?",
        ),
        (
            '[study]\ninstrument = "tiny.toml"\n[files]\nrating = "r.csv"',
            "Unknown key 'rating' in [files]. Did you mean 'ratings'?",
        ),
        ('[study]\ninstrument = "tiny.toml"\n[files]\nratings = "none"', "A study without ratings"),
        (
            'title = "x"\n[study]\ninstrument = "tiny.toml"',
            "'title' stands outside a table. Put it below the line [study].",
        ),
        ("study = 3", "'study' is not a table"),
        ('[study]\ninstrument = "arms-13"', "no instrument 'arms-13'. Did you mean 'arms-1"),
        ('[study]\ninstrument = "' + "x" * 5000 + '"', "cannot be read"),
        (
            '[study]\ninstrument = "tiny.toml"\n[files]\ngold = "gould.csv"',
            "gould.csv: There is no such file. Did you mean 'gold.csv'?",
        ),
        (
            '[study]\ninstrument = "tiny.toml"\n[files]\ngold = "none"\ncases = "x"',
            "x: There is no such file.",
        ),
    ],
)
def test_study_toml(tmp_path, toml, words):
    (write_folder(tmp_path) / "study.toml").write_text(toml)
    with pytest.raises(DataError) as caught:
        read_study(tmp_path)
    assert words in str(caught.value)


def test_all_problems_of_all_files_in_one_go(tmp_path):
    folder = write_folder(
        tmp_path, raters=[("rater", "agency", "agency"), ("Zoë", "a", "b"), (" 007", "c", "d")]
    )
    (folder / "gold.csv").write_bytes(b"")
    (folder / "cases.csv").unlink()
    (folder / "study.toml").write_text('[study]\ninstrument = "tinny.toml"\nsynthetik = true\n')
    with pytest.raises(DataError) as caught:
        read_study(folder)
    files = [(p.severity, p.file) for p in caught.value.problems]
    assert sorted(files, key=str) == sorted(
        [
            ("error", "study.toml"),
            ("error", "gold.csv"),
            ("error", "cases.csv"),
            ("error", "raters.csv"),
            ("warning", "raters.csv"),
            ("error", None),
        ],
        key=str,
    )
