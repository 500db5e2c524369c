"""One study in every form is the same Study; and what a Study says about itself."""

import pickle

import numpy as np
import pandas as pd
import pytest
from small_study import BY_FACTOR, BY_RATER, TABLES, TINY, WIDE, columns, write_folder, write_workbook

from arms_irr.errors import ArgumentError, DataError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.study import Study, read_study


def contents(study: Study) -> dict[str, object]:
    """Everything of a Study that does not depend on where it came from, in plain values."""
    ratings = study.ratings
    return {
        "raters": study.raters,
        "cases": study.cases,
        "rater_attributes": dict(study.rater_attributes),
        "case_attributes": dict(study.case_attributes),
        "gold": study.gold.tolist(),
        "panel": dict(study.gold_panel),
        **{
            name: getattr(ratings, name).tolist()
            for name in ("rater", "case", "factor", "code", "occasion", "urgency")
        },
    }


def frames(make, ratings=TABLES["ratings"]) -> Study:
    tables = {**TABLES, "ratings": ratings}
    return Study.from_frames(
        *(make(columns(tables[name])) for name in ("ratings", "gold", "cases", "raters")), instrument=TINY
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> Study:
    return read_study(write_folder(tmp_path_factory.mktemp("small")))


def test_contents_are_those_written_down(expected):
    """Against the rows themselves, not against another reading of them."""
    assert expected.raters == ("Zoë", "007")
    assert expected.cases == ("H1", "L1", "L2")
    assert expected.rater_attributes == {"agency": ("police", "probation")}
    assert expected.case_attributes == {
        "risk_band": ("higher", "lower", "lower"),
        "title": ("Case – one", "", "x"),
    }
    words = {"Low": 0, "Medium": 1, "High": 2, "Very High": 3, "Unable to rate": UNABLE, "": NOT_GIVEN}
    ratings = expected.ratings
    assert len(ratings) == 5 * len(WIDE)
    for r, c, f, code in zip(ratings.rater, ratings.case, ratings.factor, ratings.code, strict=True):
        assert code == words[WIDE[expected.raters[r], expected.cases[c]][f]]
    for case, factor, rating in TABLES["gold"][1:]:
        row, column = expected.cases.index(case), TINY.factor_ids.index(factor)
        assert expected.gold[row, column] == words[rating]
    assert expected.synthetic
    assert expected.simulation == {"seed": 7}
    assert [name for name, _ in expected.files] == [
        "study",
        "ratings",
        "gold",
        "cases",
        "raters",
        "instrument",
    ]
    assert all(path.is_file() for _, path in expected.files)


def test_semicolon_cp1252(expected, tmp_path):
    study = read_study(write_folder(tmp_path, ";", "cp1252"))
    assert contents(study) == contents(expected)
    assert any("Windows-1252" in note and "semicolon" in note for note in study.notes)


@pytest.mark.parametrize("form", ["tab utf-8-sig", "tab utf-16"])
def test_tab(expected, tmp_path, form):
    assert contents(read_study(write_folder(tmp_path, "\t", form.split()[1]))) == contents(expected)


def test_workbook(expected, tmp_path):
    study = read_study(write_workbook(tmp_path / "small.xlsx"))
    assert contents(study) == contents(expected)
    assert (study.title, study.synthetic, study.simulation) == (expected.title, True, {"seed": "7"})


def test_workbook_numbers_are_codes(expected, tmp_path):
    """Excel keeps 1 as a float: it is the code "1", not "1.0"."""
    codes = {"Low": 1, "Medium": 2, "High": 3, "Very High": 4}
    rows = [tuple(codes.get(cell, cell) for cell in row) for row in TABLES["ratings"]]
    assert contents(read_study(write_workbook(tmp_path / "small.xlsx", ratings=rows))) == contents(expected)


def test_parquet_and_feather(expected, tmp_path):
    folder = write_folder(tmp_path)
    pd.DataFrame(columns(TABLES["ratings"])).to_parquet(folder / "ratings.parquet")
    pd.DataFrame(columns(TABLES["gold"])).to_feather(folder / "gold.feather")
    with (folder / "study.toml").open("a") as toml:
        toml.write('[files]\nratings = "ratings.parquet"\ngold = "gold.feather"\n')
    assert contents(read_study(folder)) == contents(expected)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (BY_FACTOR, "read as: one row per rater and case, 5 factor columns"),
        (BY_RATER, "read as: one row per case and factor, 2 rater columns"),
        (TABLES["ratings"], "read as: one row per rating"),
    ],
)
def test_layouts(expected, tmp_path, rows, words):
    study = read_study(write_folder(tmp_path, ratings=rows))
    assert contents(study) == contents(expected)
    assert sum(words in note for note in study.notes) == 1


def test_layout_by_factor_labels_and_urgency(expected, tmp_path):
    rows = [
        ("Rater", "CASE", "Access to victims", "ANGER", "Work", "Friends", "overall", "friends_urgency"),
        *((*row, "High" if row[5] == "Unable to rate" else "") for row in BY_FACTOR[1:]),
    ]
    study = read_study(write_folder(tmp_path, ratings=rows))
    assert contents(study)["code"] == contents(expected)["code"]
    assert study.ratings.urgency[study.ratings.code == UNABLE].tolist() == [
        NOT_GIVEN,
        2,
    ]  # Zoë on work, 007 on friends


def test_gold_by_factor(expected, tmp_path):
    cases = {case: tuple(r for c, _, r in TABLES["gold"][1:] if c == case) for case in ("L1", "H1", "L2")}
    rows = [("case", *TINY.factor_ids), *((case, *ratings) for case, ratings in cases.items())]
    assert contents(read_study(write_folder(tmp_path, gold=rows))) == contents(expected)


@pytest.mark.parametrize("rows", [TABLES["ratings"], BY_FACTOR, BY_RATER])
@pytest.mark.parametrize(
    "engine",
    ["pandas", "pandas object", "pandas category", "polars", "polars lazy", "pyarrow", "duckdb", "dask"],
)
def test_frames(expected, engine, rows):
    module = pytest.importorskip(engine.split()[0])
    make = {
        "pandas": pd.DataFrame,
        "pandas object": lambda data: pd.DataFrame(data, dtype=object),
        "pandas category": lambda data: pd.DataFrame(data).astype("category"),
        "polars": lambda data: module.DataFrame(data),
        "polars lazy": lambda data: module.LazyFrame(data),
        "pyarrow": lambda data: module.table(data),
        "duckdb": lambda data: module.from_arrow(pytest.importorskip("pyarrow").table(data)),
        "dask": lambda data: pytest.importorskip("dask.dataframe").from_pandas(
            pd.DataFrame(data), npartitions=2
        ),
    }[engine]
    assert contents(frames(make, rows)) == contents(expected)


def test_frame_of_numbers_with_gaps(expected):
    """A blank turns a column of whole numbers into floats in pandas: 3.0 is the code "3", and it is said."""
    codes = {"Low": 1, "Medium": 2, "High": 3, "Very High": 4}
    rows = pd.DataFrame(columns(TABLES["ratings"]))
    rows = rows[rows.rating != "Unable to rate"]
    floats = rows.assign(rating=rows.rating.map(codes))
    assert floats.rating.dtype == float
    others = [pd.DataFrame(columns(TABLES[name])) for name in ("gold", "cases", "raters")]
    from_text, from_floats = (Study.from_frames(r, *others, instrument=TINY) for r in (rows, floats))
    assert contents(from_text) == contents(from_floats)
    assert any("21 numbers such as 1.0 read as 1" in note for note in from_floats.notes)


def test_blanks_are_asked_for_and_left_out_blocks_are_not():
    """No row for a factor means the same as an empty one; no row for a pair means not asked."""
    full = frames(pd.DataFrame)
    short = frames(pd.DataFrame, [row for row in TABLES["ratings"] if row[3]])
    assert contents(short) == contents(full)
    assert (full.ratings.code == NOT_GIVEN).sum() == 2
    pairs = set(zip(full.ratings.rater.tolist(), full.ratings.case.tolist(), strict=True))
    assert (full.raters.index("007"), full.cases.index("L2")) not in pairs
    assert len(pairs) == 5


def test_occasions():
    again = [(*row, "2", "") for row in TABLES["ratings"][1:6]]
    rows = [
        (*TABLES["ratings"][0], "occasion", "rationale"),
        *((*row, "1", "why") for row in TABLES["ratings"][1:]),
        *again,
    ]
    study = frames(pd.DataFrame, rows)
    assert (study.ratings.occasion == 2).sum() == 5
    assert any("rationale" in note for note in study.notes)
    assert "why" not in study.frame().to_csv()


def test_without_tables_of_cases_and_raters():
    rows = [("rater", "case", "factor", "rating"), ("R10", "c", "work", "L"), ("R2", "c", "work", "utr")]
    study = Study.from_frames(pd.DataFrame(columns(rows)), instrument=TINY)
    assert study.raters == ("R2", "R10")
    assert study.ratings.code.tolist() == [UNABLE, 0]
    assert not study.has_gold
    assert study.bands == ()
    assert any("no table of raters" in w.message for w in study.warnings)


def test_attributes_beside_the_ratings():
    bands = {"L1": "lower", "L2": "lower", "H1": "higher"}
    agencies = {"Zoë": "police", "007": "probation"}
    rows = [
        (*TABLES["ratings"][0], "agency", "risk_band"),
        *((*row, agencies[row[0]], bands[row[1]]) for row in TABLES["ratings"][1:]),
    ]
    study = Study.from_frames(pd.DataFrame(columns(rows)), instrument=TINY)
    assert study.rater_attributes == {"agency": ("probation", "police")}
    assert study.case_attributes == {"risk_band": ("higher", "lower", "lower")}


def panel(*more):
    return pd.DataFrame(
        columns(
            [
                ("case", "factor", "rating", "source"),
                *(
                    (case, factor, rating, source)
                    for case, factor, rating in TABLES["gold"][1:]
                    for source in ("A", "B")
                ),
                *more,
            ]
        )
    )


def test_gold_panel():
    others = [pd.DataFrame(columns(TABLES[name])) for name in ("cases", "raters")]
    ratings = pd.DataFrame(columns(TABLES["ratings"]))
    study = Study.from_frames(ratings, panel(), *others, instrument=TINY)
    assert set(study.gold_panel) == {"A", "B"}
    assert study.gold.tolist() == frames(pd.DataFrame).gold.tolist()
    assert any("members of the panel, who agree" in note for note in study.notes)
    gold = panel(("H1", "friends", "High", "A"), ("H1", "friends", "Low", "B"))
    with pytest.raises(DataError, match=r"differ on friends for case H1 \(Low, High\)"):
        Study.from_frames(ratings, gold, *others, instrument=TINY)
    gold = panel(
        ("H1", "friends", "High", "A"),
        ("H1", "friends", "Low", "B"),
        ("H1", "friends", "Medium", "Consensus"),
    )
    study = Study.from_frames(ratings, gold, *others, instrument=TINY)
    row, column = study.cases.index("H1"), TINY.factor_ids.index("friends")
    assert (
        study.gold[row, column],
        study.gold_panel["A"][row, column],
        study.gold_panel["B"][row, column],
    ) == (1, 2, 0)


def test_frame_of_a_study(expected):
    frame = expected.frame()
    assert list(frame.columns) == [
        "rater",
        "case",
        "factor",
        "kind",
        "risk_band",
        "title",
        "agency",
        "rating",
        "urgency",
        "occasion",
        "gold",
    ]
    row = frame[(frame.rater == "Zoë") & (frame.case == "H1") & (frame.factor == "overall")].iloc[0]
    assert (row.kind, row.risk_band, row.agency, row.rating, row.gold) == (
        "overall",
        "higher",
        "police",
        *["Very High"] * 2,
    )
    assert frame.rating.isna().sum() == 2
    assert (frame.rating == "Unable to rate").sum() == 2


def test_what_it_says_of_itself(expected):
    assert repr(expected).splitlines()[0] == "Study: Small – “quoted” (synthetic data)"
    assert "25 ratings asked for: 21 priorities, 2 unable to rate, 2 not given." in repr(expected)
    assert "&" not in expected._repr_html_()
    assert expected.bands == ("lower", "higher")
    assert expected.factors_rated == (0, 1, 2, 3, 4)


def test_immutable_and_picklable(expected):
    with pytest.raises(ValueError):
        expected.ratings.code[0] = 1
    with pytest.raises(ValueError):
        expected.gold[0, 0] = 1
    with pytest.raises(AttributeError):
        expected.title = "x"
    assert contents(pickle.loads(pickle.dumps(expected))) == contents(expected)


def test_start_up_is_light():
    """Reading CSV needs neither pandas nor narwhals nor scipy."""
    import subprocess
    import sys

    code = "import sys, arms_irr.study; sys.exit(bool({'pandas', 'narwhals', 'openpyxl', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_large_study_is_quick():
    """A hundred thousand ratings: about a second."""
    import time

    n = 2000
    rows = pd.DataFrame(
        {
            "rater": np.repeat([f"R{i}" for i in range(n)], 50),
            "case": np.tile([f"C{i}" for i in range(10)], n * 5),
            "factor": np.tile(np.repeat(TINY.factor_ids, 10), n),
            "rating": np.tile(["Low", "2", "high", "", "Medium"], n * 10),
        }
    )
    start = time.perf_counter()
    study = Study.from_frames(rows, instrument=TINY)
    assert len(study.ratings) == 100_000
    assert time.perf_counter() - start < 5


# --- [report], claims, and the settings of frames ----------------------------------------------------------


def refused(read, *arguments, **options) -> str:
    with pytest.raises(DataError) as caught:
        read(*arguments, **options)
    return str(caught.value)


def test_the_table_report_is_kept_as_it_is(tmp_path):
    folder = write_folder(tmp_path)
    with (folder / "study.toml").open("a") as toml:
        toml.write('[report]\nlevel = 0.9\ngrras.7 = "by post"\n')
    assert read_study(folder).report == {"level": 0.9, "grras": {"7": "by post"}}
    told = Study.from_frames(pd.DataFrame(columns(TABLES["ratings"])), instrument=TINY, report={"level": 0.9})
    assert told.report == {"level": 0.9}
    assert frames(pd.DataFrame).report == {}


def test_report_must_be_a_table(tmp_path):
    folder = write_folder(tmp_path)
    text = (folder / "study.toml").read_text("utf-8")
    (folder / "study.toml").write_text(f"report = 3\n{text}", "utf-8")
    assert "'report' is not a table. Write [report]" in refused(read_study, folder)
    for name in ("report", "columns", "simulation"):
        with pytest.raises(ArgumentError, match=f"{name}='x' is no dict"):
            Study.from_frames(pd.DataFrame(columns(TABLES["ratings"])), instrument=TINY, **{name: "x"})


def study_sheet(*rows):
    return [("title", "Small"), ("instrument", "tiny.toml"), ("synthetic", True), *rows]


def test_report_in_a_workbook(tmp_path):
    keys = [("report.level", 0.9), ("report.grras.7", "by post"), ("report.grras.8", "alone")]
    study = read_study(write_workbook(tmp_path / "a.xlsx", study=study_sheet(*keys)))
    assert study.report == {"level": "0.9", "grras": {"7": "by post", "8": "alone"}}
    keys = [("report.grras", "x"), ("report.grras.7", "y")]
    for one, other in (keys, reversed(keys)):
        said = refused(read_study, write_workbook(tmp_path / "b.xlsx", study=study_sheet(one, other)))
        assert f"b.xlsx, sheet study, row 5: The key '{other[0]}' stands in the way of another." in said
    assert "Unknown key 'report'" in refused(read_study, write_workbook(tmp_path / "c.xlsx", study=study_sheet(("report", "x"))))


def test_claims_are_a_file_of_the_study_that_is_not_read(expected, tmp_path):
    assert "claims" not in dict(expected.files)
    folder, book = write_folder(tmp_path / "folder"), write_workbook(tmp_path / "small.xlsx")
    for beside, study in ((folder, folder), (tmp_path, book)):
        (beside / "claims.toml").write_text("this is [no TOML")
        assert dict(read_study(study).files)["claims"] == beside / "claims.toml"
    (folder / "other.toml").write_text("")
    text = (folder / "study.toml").read_text("utf-8")
    for name, found in (("other.toml", folder / "other.toml"), ("none", None)):
        (folder / "study.toml").write_text(f'{text}\n[files]\nclaims = "{name}"\n', "utf-8")
        assert dict(read_study(folder).files).get("claims") == found
    (folder / "study.toml").write_text(f'{text}\n[files]\nclaims = "clams.toml"\n', "utf-8")
    assert "clams.toml: There is no such file. Did you mean 'claims.toml'?" in refused(read_study, folder)
    study = read_study(write_workbook(book, study=study_sheet(("claims", "folder/other.toml"))))
    assert dict(study.files)["claims"] == folder / "other.toml"
    assert "claims" not in dict(read_study(write_workbook(book, study=study_sheet(("claims", "none")))).files)


SURVEY = [
    ("Who", *(f"{number} {factor}" for number in ("q1", "q2", "q3") for factor in TINY.factor_ids[:-1]), "1.2 level", "b", "c"),
    *(
        (
            rater,
            *(x for case in ("L1", "H1", "L2") for x in WIDE.get((rater, case), ("",) * 5)[:-1]),
            *(WIDE.get((rater, case), ("",) * 5)[-1] for case in ("L1", "H1", "L2")),
        )
        for rater in ("Zoë", "007")
    ),
]
MEANT = {
    "rater": "Who",
    "pattern": "{case} {factor}",
    "cases": {"q1": "L1", "q2": "H1", "q3": "L2"},
    "1.2 level": {"case": "L1", "factor": "overall"},
    "b": {"case": "H1", "factor": "overall"},
    "c": {"case": "L2", "factor": "overall"},
}


def flat(table, prefix="columns"):
    for key, value in table.items():
        yield from flat(value, f"{prefix}.{key}") if isinstance(value, dict) else [(f"{prefix}.{key}", value)]


def test_a_survey_as_a_frame_and_in_a_workbook(expected, tmp_path):
    others = [pd.DataFrame(columns(TABLES[name])) for name in ("gold", "cases", "raters")]
    study = Study.from_frames(pd.DataFrame(columns(SURVEY)), *others, instrument=TINY, columns=MEANT)
    assert contents(study) == contents(expected)
    book = write_workbook(tmp_path / "s.xlsx", study=study_sheet(*flat(MEANT)), ratings=SURVEY)
    assert contents(read_study(book)) == contents(expected)


def test_what_is_wrong_with_the_columns_of_a_frame():
    ratings = pd.DataFrame(columns(SURVEY))
    wrong = {**MEANT, "b": "H1", "c": {"case": "L2"}, "pattern": "q"}
    said = refused(Study.from_frames, ratings, instrument=TINY, columns=wrong)
    for words in ("'b' in [columns] is 'H1'", "'c' in [columns] is {'case': 'L2'}", "The pattern 'q' does not say"):
        assert words in said
    said = refused(Study.from_frames, ratings, instrument=TINY, columns={**MEANT, "rater": "Woh"})
    assert "[columns] names the column 'Woh', and there is none. Did you mean 'Who'" in said
