"""Every error and warning that the study format promises, with its place, its value and its remedy."""

import pandas as pd
import pytest
from small_study import BY_FACTOR, BY_RATER, TABLES, TINY, columns

from arms_irr.errors import DataError
from arms_irr.study import Study

RATINGS, GOLD, CASES, RATERS = (TABLES[name] for name in ("ratings", "gold", "cases", "raters"))


def study(**tables):
    """The small study with some tables replaced (None leaves one out)."""
    chosen = {**TABLES, **tables}
    frames = {name: None if rows is None else pd.DataFrame(columns(rows)) for name, rows in chosen.items()}
    return Study.from_frames(**frames, instrument=TINY)


def errors(**tables):
    with pytest.raises(DataError) as caught:
        study(**tables)
    return [p for p in caught.value.problems if p.severity == "error"]


def error(**tables):
    (problem,) = errors(**tables)
    assert problem.remedy
    return problem


def changed(rows, *edits):
    """The rows with cells replaced: ``(row number as in a spreadsheet, column, text)``."""
    rows = [list(row) for row in rows]
    for number, column, text in edits:
        rows[number - 1][rows[0].index(column)] = text
    return [tuple(row) for row in rows]


def warning(start, **tables):
    (problem,) = [w for w in study(**tables).warnings if w.message.startswith(start)]
    assert problem.severity == "warning"
    return problem


def test_a_sound_study_has_only_the_warnings_it_deserves():
    assert sorted(w.message.split()[0] for w in study().warnings) == ["2", "Fewer"]


# --- errors ---


@pytest.mark.parametrize(
    ("column", "typo", "meant"),
    [
        ("rater", "Zoe", "Zoë"),
        ("case", "l1", "L1"),
        ("factor", "overal", "overall"),
        ("rating", "Hihg", "High"),
    ],
)
def test_unknown_names_with_the_nearest_valid_one(column, typo, meant):
    problem = error(ratings=changed(RATINGS, (8, column, typo), (10, column, typo)))
    assert (problem.rows, problem.column, problem.value) == ((8, 10), column, typo)
    assert problem.place == f"data frame ratings, rows 8, 10, column {column}"
    assert f"{typo!r}" in problem.message
    assert f"Did you mean {meant!r}?" in problem.remedy


@pytest.mark.parametrize(("column", "typo"), [("case", "L11"), ("factor", "acces"), ("rating", "Lov")])
def test_unknown_names_in_gold(column, typo):
    problem = next(p for p in errors(gold=changed(GOLD, (2, column, typo))) if p.value == typo)
    assert (problem.file, problem.rows, problem.column) == ("data frame gold", (2,), column)
    assert "Did you mean" in problem.remedy


def test_different_texts_are_different_problems():
    found = errors(
        ratings=changed(
            RATINGS, (2, "rating", "a"), (3, "rating", "b"), (4, "rating", "a"), (5, "rater", "X")
        )
    )
    assert {(p.column, p.value, p.rows) for p in found} == {
        ("rating", "a", (2, 4)),
        ("rating", "b", (3,)),
        ("rater", "X", (5,)),
    }


def test_problems_in_wide_tables_stand_in_their_column():
    problem = error(ratings=changed(BY_FACTOR, (3, "anger", "Hihg"), (5, "anger", "Hihg")))
    assert (problem.rows, problem.column) == ((3, 5), "anger")
    problem = error(ratings=changed(BY_RATER, (4, "007", "Hihg")))
    assert (problem.rows, problem.column) == ((4,), "007")
    problem = error(ratings=[("case", "factor", "Zoe", "007"), *BY_RATER[1:]])
    assert (problem.rows, problem.column, problem.remedy[:20]) == ((), "Zoe", "Did you mean 'Zoë'? ")


def test_a_category_of_another_scale():
    problem = error(ratings=changed(RATINGS, (2, "rating", "Very High"), (3, "rating", "Very High")))
    assert problem.message == "'Very High' is outside the scale of access, anger."
    assert "one of Low, Medium, High, Unable to rate;" in problem.remedy
    problem = error(ratings=changed(RATINGS, (6, "rating", "UTR")))
    assert problem.message == "'UTR' is outside the scale of overall."


def test_missing_columns():
    renamed = [("raterr", *RATINGS[0][1:3], "ratng"), *RATINGS[1:]]
    found = errors(ratings=renamed)
    assert [(p.column, p.remedy[:22]) for p in found] == [
        ("rater", "Did you mean 'raterr'?"),
        ("rating", "Did you mean 'ratng'? "),
    ]
    assert {p.column for p in errors(cases=[("id", "risk_band"), ("L1", "x")])} == {"case"}
    assert {p.column for p in errors(raters=[("ratter",), ("007",)])} == {"rater"}


def test_a_misspelt_factor_column():
    rows = [("rater", "case", "acess", *BY_FACTOR[0][3:]), *BY_FACTOR[1:]]
    assert str(error(ratings=rows)) == (
        "data frame ratings, column acess: 'acess' is no factor of the instrument. Did you mean 'access'? "
        "Rename the column."
    )


def test_empty_names():
    found = errors(ratings=changed(RATINGS, (2, "rater", ""), (3, "case", ""), (4, "factor", "")))
    assert [(p.rows, p.message) for p in found] == [
        ((2,), "These rows name no rater."),
        ((3,), "These rows name no case."),
        ((4,), "These rows name no factor."),
    ]
    assert error(raters=[*RATERS, ("", "x")]).rows == (4,)


def test_the_same_rating_twice_with_different_values():
    problem = error(ratings=[*RATINGS, ("007", "L1", "anger", "High")])
    assert problem.rows == (3, 27)
    assert "rating of anger by 007 for case L1 is there more than once" in problem.message
    many = [(r, c, f, "Low" if x != "Low" else "Medium") for r, c, f, x in RATINGS[1:]]
    found = errors(ratings=[*RATINGS, *many])
    assert len(found) == 21
    assert max(len(p.rows) for p in found) == 10  # the rest in one line
    problem = error(gold=[*GOLD, ("L1", "work", "High")])
    assert (problem.file, problem.rows) == ("data frame gold", (4, 17))


def test_gold_must_be_whole():
    problem = error(gold=[row for row in GOLD if row[0] != "L2"])
    assert problem.message == "There is no gold rating for case L2."
    problem = error(gold=[row for row in GOLD if row[1] not in ("work", "overall")])
    assert problem.message == "The gold of cases H1, L1, L2 lacks factors work, overall."
    assert error(gold=changed(GOLD, (4, "rating", ""))).message == "The gold of case L1 lacks factor work."
    assert study(gold=[row for row in GOLD if row[1] != "friends"]).has_gold  # optional in the instrument


def test_attributes_that_vary():
    problem = error(cases=[*CASES, ("L1", "higher", "")])
    assert problem.message == "'risk_band' varies within the case 'L1': 'lower', 'higher'."
    assert (problem.rows, problem.column) == ((3, 5), "risk_band")
    assert "varies within the rater '007'" in error(raters=[*RATERS, ("007", "police")]).message
    beside = [(*RATINGS[0], "risk_band"), *((*row, "lower") for row in RATINGS[1:])]
    problem = error(ratings=beside)
    assert (
        problem.message
        == "'risk_band' varies within the case 'H1': 'lower' here, 'higher' in the table of cases."
    )
    beside[2] = (*beside[2][:4], "higher")
    assert "varies within the case 'L1'" in error(ratings=beside, cases=None).message


def test_attributes_that_cannot_be_told_apart():
    assert "uses itself" in error(raters=[("rater", "kind"), ("Zoë", "x"), ("007", "y")]).message
    assert (
        "attribute of the raters and of the cases"
        in error(raters=[("rater", "title"), ("Zoë", "x"), ("007", "y")]).message
    )


def test_no_ratings():
    assert error(ratings=RATINGS[:1]).message == "There are no ratings."
    assert (
        error(ratings=[RATINGS[0], *((*row[:3], "") for row in RATINGS[1:])]).message
        == "All ratings are empty."
    )


def test_occasions():
    rows = [(*RATINGS[0], "occasion"), *((*row, "1") for row in RATINGS[1:])]
    found = errors(
        ratings=changed(rows, (2, "occasion", "before"), (3, "occasion", "0"), (4, "occasion", ""))
    )
    assert [(p.rows, p.value) for p in found] == [((2,), "before"), ((3,), "0"), ((4,), None)]


def test_urgency_is_a_category():
    rows = [
        (*RATINGS[0], "urgency"),
        *((*row, "High" if row[3] == "Unable to rate" else "") for row in RATINGS[1:]),
    ]
    found = errors(ratings=changed(rows, (2, "urgency", "soon"), (3, "urgency", "UTR")))
    assert {(p.value, p.rows, p.column) for p in found} == {
        ("soon", (2,), "urgency"),
        ("UTR", (3,), "urgency"),
    }


def test_gold_panel_rows_without_a_source():
    rows = [(*GOLD[0], "source"), *((*row, "A") for row in GOLD[1:])]
    found = errors(gold=changed(rows, (2, "source", "")))
    assert (2,) in [p.rows for p in found]


def test_an_unreadable_table_makes_no_false_errors():
    """Cases that a table would list cannot be missed while that table cannot be read."""
    gold = [*GOLD, *(("L3", f, "Low") for f in TINY.factor_ids)]
    assert error(cases=[("id", "risk_band"), ("L1", "x")], gold=gold).column == "case"
    assert {p.message for p in errors(cases=None, gold=gold)} == {"The case 'L3' is not among the ratings."}


# --- warnings ---


def test_exact_duplicates_are_dropped_and_counted():
    problem = warning("Dropped 2 ratings", ratings=[*RATINGS, RATINGS[3], RATINGS[5]])
    assert problem.rows == (27, 28)
    assert len(study(ratings=[*RATINGS, RATINGS[3]]).ratings) == 25
    assert warning("Dropped 1 row", cases=[*CASES, CASES[1]]).rows == (5,)
    assert warning("Dropped 1 gold rating", gold=[*GOLD, GOLD[1]]).rows == (17,)


def test_raters_with_few_ratings():
    rows = [row if row[0] != "007" or row[2] == "overall" else (*row[:3], "") for row in RATINGS]
    assert "007 (2 of 10)" in warning("Fewer than half", ratings=rows).message


def test_listed_and_never_seen():
    assert (
        "raters: Ann."
        in warning("There are no ratings for these raters", raters=[*RATERS, ("Ann", "x")]).message
    )
    gold = [*GOLD, *(("L3", f, "Low") for f in TINY.factor_ids)]
    assert (
        "cases: L3."
        in warning(
            "There are no ratings for these cases", cases=[*CASES, ("L3", "lower", "")], gold=gold
        ).message
    )


def test_unused_categories():
    rows = changed(
        RATINGS, *((i, "rating", "High") for i, row in enumerate(RATINGS, 1) if row[3] == "Very High")
    )
    assert "'Very High' of the scale 'overall'" in warning("Nobody used", ratings=rows).message


def test_one_category_only():
    rows = [row if row[0] != "007" or row[2] == "overall" else (*row[:3], "Medium") for row in RATINGS]
    assert "007 (Medium, 8 times)" in warning("One category only", ratings=rows).message


def test_constant_gold():
    rows = [row if row[1] not in ("access", "anger") else (*row[:2], "High") for row in GOLD]
    message = warning("The gold standard is the same", gold=rows).message
    assert "risk factors in the band higher (High, 2 ratings)" in message
    assert "risk factors in the band lower (High, 4 ratings)" in message
    assert "protective" not in message


def test_unable_to_rate_without_urgency():
    assert "2 ratings 'unable to rate' have no urgency" in warning("2 ratings 'unable").message
    rows = [
        (*RATINGS[0], "urgency"),
        *((*row, "2" if row[0] == "007" and "U" in row[3] else "") for row in RATINGS[1:]),
    ]
    assert warning("1 rating 'unable", ratings=rows).column == "urgency"
    assert study(ratings=rows).ratings.urgency.max() == 1


def test_urgency_beside_a_rating():
    rows = [(*RATINGS[0], "urgency"), *((*row, "Low") for row in RATINGS[1:])]
    problem = warning("Left unread 23 urgencies", ratings=rows)
    assert problem.column == "urgency"
    assert (study(ratings=rows).ratings.urgency == 0).sum() == 2


def test_bands():
    assert "higher (1), lower (2)" in warning("Fewer than five cases").message
    assert "L1" in warning("The risk band is not known", cases=changed(CASES, (3, "risk_band", ""))).message
    assert warning("There is no column 'risk_band'", cases=[("case",), *((row[0],) for row in CASES[1:])])


def test_no_table_of_raters():
    assert warning("There is no table of raters", raters=None)


def test_a_column_that_describes_nobody():
    rows = [(*RATINGS[0], "minutes"), *((*row, str(i)) for i, row in enumerate(RATINGS[1:]))]
    assert warning("'minutes' varies within raters and within cases", ratings=rows).column == "minutes"


def test_spaces_and_floats_are_told():
    rows = changed(RATINGS, (2, "rating", " Low"), (3, "rating", "2.0"), (4, "factor", "WORK"))
    assert warning("1 cell has leading or trailing spaces", ratings=rows).rows == (2,)
    notes = study(ratings=rows).notes
    assert any("1 rating cell such as 1.0 read as 1" in note for note in notes)
    assert any("1 rating with the factor's label, other" in note for note in notes)


def test_text_is_data():
    """Names may hold anything."""
    names = {"Zoë": '😀 <b>O\'Neil</b>, "x"', "007": "=1+1"}
    result = study(
        ratings=[RATINGS[0], *((names[row[0]], *row[1:]) for row in RATINGS[1:])],
        raters=[RATERS[0], *((names[row[0]], *row[1:]) for row in RATERS[1:])],
    )
    assert result.raters == tuple(names[name] for name in ("Zoë", "007"))
    assert len(result.ratings) == 25


def test_problems_come_in_the_order_in_which_a_person_mends_them():
    from arms_irr.errors import DataError, Problem

    problems = [Problem("error", m, "", file=f, rows=r) for m, f, r in (
        ("late", "ratings.csv", (9,)), ("gold", "gold.csv", (2,)), ("early", "ratings.csv", (3,)), ("whole", "ratings.csv", ()))]
    assert [p.message for p in DataError(problems).problems] == ["whole", "early", "late", "gold"]
