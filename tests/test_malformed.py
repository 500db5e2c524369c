"""Whatever is thrown at the reader, it gives a Study or says what is wrong; nothing else ever comes out."""

import io
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from small_study import BY_FACTOR, BY_RATER, FACTORS, TABLES, TINY, csv_text, write_folder, write_workbook

from arms_irr.errors import ArmsError, DataError
from arms_irr.study import Study, read_study
from arms_irr.study.read import read_file
from arms_irr.study.settings import from_sheet, from_toml
from arms_irr.study.workbook import Workbook

quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

word = st.sampled_from(
    [
        "",
        " ",
        "rater",
        "case",
        "factor",
        "rating",
        "occasion",
        "urgency",
        "source",
        "risk_band",
        "kind",
        "007",
        "Zoë",
        "L1",
        "H1",
        "consensus",
        *FACTORS,
        "Low",
        "high",
        "3",
        "1.0",
        "UTR",
        "none",
        "NaN",
    ]
)
cell = st.one_of(
    word,
    word,
    st.text(max_size=6),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.datetimes(),
    st.lists(st.integers(), max_size=2),
    st.decimals(),
    st.binary(max_size=3),
)


def reads(read):
    """What is read, or None where the reader refused in its own words."""
    error = None
    try:
        return read()
    except ArmsError as caught:
        error = caught
    assert str(error)
    if isinstance(error, DataError):
        assert any(p.severity == "error" for p in error.problems)
        assert all(p.message and p.remedy and str(p) for p in error.problems)
    return None


def survives(read):
    """The reader refuses, or gives a Study that holds together."""
    study = reads(read)
    if study is None:
        return
    ratings = study.ratings
    sizes = {
        len(getattr(ratings, name)) for name in ("rater", "case", "factor", "code", "occasion", "urgency")
    }
    assert sizes == {len(ratings)} != {0}
    assert ratings.rater.max() < len(study.raters)
    assert ratings.case.max() < len(study.cases)
    assert ratings.code.max() < 4
    assert repr(study)
    assert study._repr_html_()
    assert len(study.frame()) == len(ratings)


@st.composite
def tables(draw):
    header = draw(st.lists(st.one_of(word, st.text(max_size=5)), max_size=6))
    rows = draw(st.lists(st.lists(cell, min_size=len(header), max_size=len(header)), max_size=6))
    return header, rows


@st.composite
def damaged(draw, rows):
    """A sound table with a few cells replaced and rows repeated, dropped or shortened."""
    rows = [list(row) for row in rows]
    for _ in range(draw(st.integers(0, 4))):
        row = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, len(rows[0]) - 1))
        action = draw(st.sampled_from(["cell", "cell", "repeat", "drop"]))
        if action == "cell" and column < len(rows[row]):
            rows[row][column] = draw(cell)
        elif action == "repeat":
            rows.append(list(rows[row]))
        elif len(rows) > 2:
            del rows[row]
    return rows


def frame(rows):
    return pd.DataFrame(rows[1:], columns=rows[0], dtype=object)


@quick
@given(
    tables(), st.one_of(st.none(), tables()), st.one_of(st.none(), tables()), st.one_of(st.none(), tables())
)
def test_any_frames(ratings, gold, cases, raters):
    frames = [t and pd.DataFrame(t[1], columns=t[0], dtype=object) for t in (ratings, gold, cases, raters)]
    survives(lambda: Study.from_frames(*frames, instrument=TINY))


@quick
@given(*(damaged(rows) for rows in (TABLES["ratings"], TABLES["gold"], TABLES["cases"], TABLES["raters"])))
def test_damaged_frames(ratings, gold, cases, raters):
    survives(lambda: Study.from_frames(*map(frame, (ratings, gold, cases, raters)), instrument=TINY))


@quick
@given(st.sampled_from([BY_FACTOR, BY_RATER]).flatmap(damaged))
def test_damaged_wide_frames(ratings):
    survives(lambda: Study.from_frames(frame(ratings), instrument=TINY))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("small"))


@quick
@given(st.sampled_from(list(TABLES)), st.binary(max_size=60), st.integers(0, 400), st.booleans())
def test_bytes_in_a_csv_file(folder, name, junk, at, alone):
    sound = csv_text(TABLES[name]).encode()
    (folder / f"{name}.csv").write_bytes(junk if alone else sound[:at] + junk + sound[at:])
    survives(lambda: read_study(folder))
    (folder / f"{name}.csv").write_bytes(sound)


@quick
@given(st.text(max_size=80), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_text_in_a_csv_file(folder, text, encoding):
    (folder / "raters.csv").write_bytes(text.encode(encoding))
    survives(lambda: read_study(folder))
    (folder / "raters.csv").write_text(csv_text(TABLES["raters"]), "utf-8")


@quick
@given(
    st.one_of(
        st.binary(max_size=80),
        st.text(max_size=80).map(str.encode),
        st.sampled_from(
            [
                b"[study]\ninstrument = 3",
                b"study = []",
                b"[files]\ngold = 1979-05-27",
                b"[study.title]\nx = 1",
                b'[study]\ninstrument = "\\u0000"',
                b'[files]\nratings = "\\u0000"',
                b"[[study]]",
                b"a = " + b"[" * 2000,
            ]
        ),
    )
)
def test_study_toml(data):
    reads(lambda: from_toml(data, "study.toml"))


@pytest.mark.parametrize("name", ["\0", "x" * 300, "..", ".", "", "/", "tiny.toml/x", "none"])
@pytest.mark.parametrize("key", ["ratings", "instrument", "gold"])
def test_impossible_names_of_files(tmp_path, name, key):
    folder = write_folder(tmp_path)
    text = name.replace("\0", "\\u0000")
    files = f'[files]\n{key} = "{text}"' if key != "instrument" else ""
    tool = text if key == "instrument" else "tiny.toml"
    (folder / "study.toml").write_text(f'[study]\ninstrument = "{tool}"\n{files}')
    survives(lambda: read_study(folder))
    survives(lambda: read_study(tmp_path / name))


@quick
@given(tables())
def test_cells_of_a_workbook(some):
    header, rows = some
    assume(header)
    plain = [[v if isinstance(v, (str, int, float, bool)) else None for v in row] for row in [header, *rows]]
    plain = [
        ["".join(c for c in v if c.isprintable()) if isinstance(v, str) else v for v in row] for row in plain
    ]
    data = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.title = "ratings"
    for row in plain:
        book.active.append([None if isinstance(v, float) and not np.isfinite(v) else v for v in row])
    book.save(data)
    reads(lambda: Workbook(Path("x.xlsx"), data.getvalue()).table("ratings", "ratings"))
    from_sheet(plain, "x.xlsx", "study")


@pytest.fixture(scope="module")
def workbook(tmp_path_factory) -> Path:
    return write_workbook(tmp_path_factory.mktemp("book") / "small.xlsx")


@quick
@given(
    st.integers(0, 10_000),
    st.binary(min_size=1, max_size=30),
    st.sampled_from([".xlsx", ".xls", ".ods", ".xlsb"]),
)
def test_bytes_in_a_workbook(workbook, at, junk, kind):
    sound = workbook.read_bytes()
    at = at % len(sound)
    path = workbook.with_name(f"broken{kind}")
    path.write_bytes(sound[:at] + junk + sound[at + len(junk) :])
    survives(lambda: read_study(path))


@quick
@given(
    st.binary(max_size=200),
    st.sampled_from([".parquet", ".feather", ".xlsx", ".xls", ".csv", ".tsv"]),
    st.sampled_from([b"", b"PAR1", b"ARROW1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]),
)
def test_bytes_in_any_file(workbook, data, kind, magic):
    path = workbook.with_name(f"junk{kind}")
    path.write_bytes(magic + data)
    reads(lambda: read_file(path, "ratings"))
