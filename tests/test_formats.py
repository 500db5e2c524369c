"""SPSS, Stata and JSON lines files, and survey exports: the same study, whatever it was kept in."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from small_study import BY_FACTOR, FACTORS, TABLES, WIDE, write_folder

from arms_irr.errors import DataError
from arms_irr.study import read_study
from arms_irr.study.read import read_file

pyreadstat = pytest.importorskip("pyreadstat")
CODE = {"Low": 1.0, "Medium": 2.0, "High": 3.0, "Very High": 4.0, "Unable to rate": 8.0, "": np.nan}


@pytest.fixture
def expected(tmp_path):
    return read_study(write_folder(tmp_path / "csv")).frame()


def study_of(tmp_path, file: str, toml: str = ""):
    folder = tmp_path / "other"
    settings = folder / "study.toml"
    text = settings.read_text("utf-8").replace("[simulation]", f'[files]\nratings = "{file}"\n{toml}\n[simulation]')
    settings.write_text(text, "utf-8")
    return read_study(folder)


def coded(number):
    """The ratings by factor as codes; ``number`` gives the code of a text."""
    header, *rows = BY_FACTOR
    frame = pd.DataFrame(rows, columns=header)
    return frame.assign(**{f: [number(x) for x in frame[f]] for f in FACTORS})


# --- SPSS and Stata ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["sav", "zsav"])
def test_spss_labels_and_user_missing_codes(tmp_path, expected, ending):
    """8 is declared missing and labelled "Unable to rate": an answer. 9 is declared missing and is none."""
    write_folder(tmp_path / "other")
    frame = coded(CODE.__getitem__)
    frame.loc[0, "work"] = 9.0  # the CSV has a blank here
    labels = {code: text for text, code in CODE.items() if text} | {9.0: "Not asked"}
    pyreadstat.write_sav(
        frame, tmp_path / "other" / f"r.{ending}", compress=ending == "zsav", variable_value_labels=dict.fromkeys(FACTORS, labels),
        missing_ranges={f: [{"lo": 8, "hi": 9}] for f in FACTORS},
    )  # fmt: skip
    study = study_of(tmp_path, f"r.{ending}")
    pd.testing.assert_frame_equal(study.frame(), expected)
    (warning,) = [str(w) for w in study.warnings if "declares missing" in w.message]
    assert warning == (
        f"r.{ending}, row 2, column work: 1 cell with the code 9 ('Not asked'), which the file declares missing, read as empty. "
        "Nothing to do, unless it means 'Unable to rate': then give the code that label."
    )
    assert f"r.{ending}: read as SPSS file, 5 columns with value labels in place of codes." in study.notes


def test_spss_without_labels_gives_the_codes(tmp_path, expected):
    write_folder(tmp_path / "other")
    frame = coded(lambda x: CODE[x] if x != "Unable to rate" else np.nan)
    pyreadstat.write_sav(frame, tmp_path / "other" / "r.sav")
    study = study_of(tmp_path, "r.sav")
    found, were = study.frame()["rating"], expected["rating"]
    assert found.equals(were.where(were != "Unable to rate", None)) or (found.fillna("") == were.replace("Unable to rate", None).fillna("")).all()
    assert not any("declares missing" in w.message for w in study.warnings)


def test_stata_extended_missing_values(tmp_path, expected):
    """.a is labelled "Unable to rate" and an answer, .b is labelled otherwise and none."""
    write_folder(tmp_path / "other")
    frame = coded(lambda x: "a" if x == "Unable to rate" else "b" if x == "" else int(CODE[x]))
    plain = {1: "Low", 2: "Medium", 3: "High", 4: "Very High"}
    mixed = [f for f in FACTORS if any(isinstance(x, str) for x in frame[f])]
    pyreadstat.write_dta(
        frame, tmp_path / "other" / "r.dta", missing_user_values={f: ["a", "b"] for f in mixed},
        variable_value_labels={f: {**plain, "a": "Unable to rate", "b": "Not asked"} if f in mixed else plain for f in FACTORS},
    )  # fmt: skip
    study = study_of(tmp_path, "r.dta")
    pd.testing.assert_frame_equal(study.frame(), expected)
    assert sorted(w.column for w in study.warnings if "code b ('Not asked')" in w.message) == ["friends", "work"]


def test_stata_file_written_by_pandas(tmp_path, expected):
    write_folder(tmp_path / "other")
    header, *rows = TABLES["ratings"]
    frame = pd.DataFrame(rows, columns=header)
    frame["rating"] = pd.Categorical(frame["rating"].replace("", None))  # pandas writes value labels
    with pytest.warns(pd.errors.InvalidColumnName if hasattr(pd.errors, "InvalidColumnName") else Warning):
        frame.to_stata(tmp_path / "other" / "r.dta", write_index=False, version=118)  # it writes _case for case
    study = study_of(tmp_path, "r.dta")
    pd.testing.assert_frame_equal(study.frame(), expected)
    assert "r.dta: the column '_case' read as 'case'." in study.notes


def test_without_pyreadstat_the_remedy_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    (tmp_path / "r.sav").write_bytes(b"$FL2 something")
    with pytest.raises(DataError, match=r"need the package pyreadstat\. Install it: pip install 'arms-irr\[formats\]'"):
        read_file(tmp_path / "r.sav", "ratings")


# --- JSON lines -------------------------------------------------------------------------------------------


def test_json_lines(tmp_path, expected):
    write_folder(tmp_path / "other")
    header, *rows = TABLES["ratings"]
    lines = [json.dumps({k: v or None for k, v in zip(header, row, strict=True)}, ensure_ascii=False) for row in rows]
    (tmp_path / "other" / "r.jsonl").write_text("\n\n".join(lines) + "\n", "utf-8")
    pd.testing.assert_frame_equal(study_of(tmp_path, "r.jsonl").frame(), expected)


def test_every_bad_line_at_once(tmp_path):
    (tmp_path / "r.ndjson").write_text('{"rater": "a"}\n{"rater": }\n\n[1]\n{"rater": ["a", "b"]}\n', "utf-8")
    with pytest.raises(DataError) as caught:
        read_file(tmp_path / "r.ndjson", "ratings")
    assert [(p.rows, p.message[:22]) for p in caught.value.problems] == [
        ((2,), "This line is not valid"), ((4,), "This line is no object"), ((5,), "'rater' holds several "),
    ]  # fmt: skip
    (tmp_path / "r.jsonl").write_text('{"rater": "a"}\n\n{"rater": 7, "case": true}\n', "utf-8")
    table = read_file(tmp_path / "r.jsonl", "ratings")
    assert (dict(table.columns), table.row_numbers.tolist()) == ({"rater": ["a", "7"], "case": [None, "True"]}, [1, 3])


# --- survey exports ---------------------------------------------------------------------------------------


def survey(folder, heading, rater="Response ID", more=None):
    """One row per rater; ``heading`` names the column of a case and factor."""
    raters = sorted({r for r, _ in WIDE})
    cases = sorted({c for _, c in WIDE})
    more = more or {}
    header = [rater, "Started", *(heading(c, f) for c in cases for f in FACTORS), *more]
    lines = [header]
    for r in raters:
        cells = [dict(zip(FACTORS, WIDE.get((r, c), ("",) * 5), strict=True))[f] for c in cases for f in FACTORS]
        lines.append([r, "9:00", *cells, *more.values()])
    pd.DataFrame(lines[1:], columns=lines[0]).to_csv(folder / "r.csv", index=False)


def test_a_survey_by_its_pattern(tmp_path, expected):
    write_folder(tmp_path / "other")
    survey(tmp_path / "other", lambda c, f: f"{c}_{f.title()}")
    study = study_of(tmp_path, "r.csv", '[columns]\nrater = "Response ID"\npattern = "{case}_{factor}"')
    pd.testing.assert_frame_equal(study.frame().drop(columns="Started"), expected)
    assert "r.csv read as: one row per rater, 15 columns of 3 cases and their factors." in study.notes
    assert "r.csv: 1 pair of rater and case wholly empty, taken as not asked for." in study.notes


def test_a_survey_column_by_column_and_cases_by_other_names(tmp_path, expected):
    write_folder(tmp_path / "other")
    number = {"L1": "q1", "H1": "q2", "L2": "q3"}
    heading = lambda c, f: "x17" if (c, f) == ("H1", "work") else f"{f} ({number[c]})"  # noqa: E731
    survey(tmp_path / "other", heading, "rater")
    toml = """[columns]
pattern = "{factor} ({case})"
cases = { q1 = "L1", q2 = "H1", q3 = "L2" }
x17 = { case = "H1", factor = "work" }"""
    pd.testing.assert_frame_equal(study_of(tmp_path, "r.csv", toml).frame().drop(columns="Started"), expected)


def test_the_urgency_of_a_survey(tmp_path):
    write_folder(tmp_path / "other")
    survey(tmp_path / "other", lambda c, f: f"{c}_{f}", more={"L1_friends_urgency": "High", "u": "Low"})
    toml = """[columns]
rater = "Response ID"
pattern = "{case}_{factor}"
u = { case = "L2", factor = "work", field = "urgency" }"""
    frame = study_of(tmp_path, "r.csv", toml).frame().dropna(subset=["urgency"])
    assert frame[["rater", "case", "factor", "urgency"]].to_numpy().tolist() == [["Zoë", "L2", "work", "Low"], ["007", "L1", "friends", "High"]]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('rater = "Response"', "'Response', and there is none. Did you mean 'Response ID'"),
        ('rater = "Response ID"', "No column is a rating"),
        ('pattern = "case_factor"', "does not say where case and factor stand"),
        ("rater = 7", "'rater' in \\[columns\\] is 7. Write text in quotation marks"),
        ('cases = "q1"', "is no table of texts"),
        ('L1_work = "L1"', "'L1_work' in \\[columns\\] is 'L1'. Write L1_work = { case"),
        ('L1_work = { case = "L1", factor = "work", field = "note" }', 'add field = "urgency"'),
        ('pattern = "{case}_{factor}"\nrater = "Response ID"\nStarted = { case = "L1", factor = "wrok" }', "Did you mean 'work'"),
        ('pattern = "{case}_{factor}"\nrater = "Response ID"\ncases = { L1 = "L9" }', "The case 'L9' is not in the table of cases"),
    ],
)
def test_what_is_wrong_with_a_mapping(tmp_path, toml, words):
    write_folder(tmp_path / "other")
    survey(tmp_path / "other", lambda c, f: f"{c}_{f}")
    with pytest.raises(DataError, match=words):
        study_of(tmp_path, "r.csv", f"[columns]\n{toml}")
