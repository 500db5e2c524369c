"""Methods, checklist of good reporting and appendix: filled from the data, from the author, and honest about the rest."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_study import write_workbook
from test_evaluation import ODD, odd

import arms_irr as irr
from arms_irr.analysis.titles import TITLES
from arms_irr.errors import DataError
from arms_irr.reporting import evaluation as evaluating
from arms_irr.reporting.checklist import checklist
from arms_irr.reporting.document import Definitions, Document, Section, Table, plain, texts, walk
from arms_irr.reporting.evaluation import draft_of
from arms_irr.reporting.questions import BETWEEN_BY_BAND, GOLD_BY_BAND, Options
from arms_irr.reporting.report_settings import grras_answers, permits_matrix, report_problems
from arms_irr.reporting.sections.appendix import appendix_section, statistics_in
from arms_irr.reporting.sections.between import between_section
from arms_irr.reporting.sections.contrasts import contrasts_section
from arms_irr.reporting.sections.gold import gold_section
from arms_irr.reporting.sections.grras import grras_section
from arms_irr.reporting.sections.method import methods_section
from arms_irr.reporting.trace import NUMBERS, trace
from arms_irr.reporting.voice import voice
from arms_irr.statistics.estimate import FLAGS
from arms_irr.statistics.icc import FORMS
from arms_irr.study.opening import read_study

ROOT = Path(__file__).parents[1]
SECTIONS = {"gold": gold_section, "methods": methods_section, "grras": grras_section, "appendix": appendix_section}


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


def written(study, *sections, **options):
    """The document of these sections, every number of it traced, and its draft."""
    draft = draft_of(study, Options(**options))
    document = Document("t", tuple(section(draft) for section in sections or SECTIONS.values()), synthetic=study.synthetic)
    for sentence in json.loads(trace(document, draft.asked, draft.counts))["sentences"]:
        known = [n for cited in sentence["numbers"] for n in NUMBERS.findall(cited["text"])]
        assert sorted(NUMBERS.findall(sentence["text"])) == sorted(known + sentence.get("wording", []) + sentence.get("names", []))
    said = [plain(text) for _, text in texts(document.sections)]
    assert not re.search(r"\bnan\b|\binf\b|None|\{|\*\*| ,|\.\.", "\n".join(said)), said
    return document, draft


def found(document, id, kind=Section):
    return next(block for block in walk(document.sections) if isinstance(block, kind) and block.id == id)


def items(document):
    """Number or part of each item to the words under it."""
    (told,) = (block for block in found(document, "grras").blocks if isinstance(block, Definitions))
    return {term.split(":")[0] if term[0].isdigit() else term: plain(text) for term, text in told.items}


def answered(study, **report):
    return replace(study, report=report)


# --- the checklist -----------------------------------------------------------------------------------------------------


def test_the_checklist_is_the_published_one():
    found = checklist()
    assert [item.key for item in found.items] == [*map(str, range(1, 16)), "reference_standard", "case_database", "populations"]
    assert found.version == "GRRAS 2011"
    assert "64:96" in found.citation
    assert all(item.asks.endswith(".") and item.part for item in found.items)
    assert [item.key for item in found.items if item.gold_only] == ["reference_standard"]


def test_sections_that_answer_an_item_are_called_by_their_titles(pilot):
    say, draft = voice("en"), draft_of(pilot)
    titles = {id: key for item in checklist().items for id, key in item.sections.items()}
    known = {**evaluating.SECTIONS, **SECTIONS}
    assert set(titles) <= set(known)
    for id in ("methods", "study", "data-quality", "distributions", "appendix"):
        assert known[id](draft).title == say.word(titles[id])


def test_items_of_the_data_are_answered_with_its_numbers(pilot):
    document, draft = written(pilot)
    told = items(document)
    data, part = ("1", "2", "10", "11", "13", "15"), ("6", "12")
    for key in map(str, range(1, 16)):
        state = "Answered from the data." if key in data else "Answered from the data in part." if key in part else "For the author to complete."
        words = next(text for term, text in told.items() if term.startswith(f"{key}. "))
        assert words.startswith(state)
        assert (words == state) == (key not in data + part)
    assert "20 officers rated 2 cases, on 1 occasion: 488 priorities and 32 answers 'unable to rate', of 520 asked for; 0 were left blank" in told["11. Results"]
    assert "agency 12 police and 8 probation" in told["12. Results"]
    assert "8 in groups of fewer than 5" in told["12. Results"]  # three trusts
    years = np.array(pilot.rater_attributes["experience_years"], float)
    assert f"a median of {np.median(years):g}" in told["12. Results"]
    assert "1 lower-risk case and 1 higher-risk case" in told["12. Results"]
    for question, coefficient in ((GOLD_BY_BAND, "exact"), (BETWEEN_BY_BAND, "percent")):
        e = draft.ask(question).where(coefficient, risk_band="lower").rows[0].estimate
        assert f"{100 * e.value:.0f} % in the lower-risk case (95 % interval {100 * e.ci_low:.0f} to {100 * e.ci_high:.0f}; 20 officers)" in told["13. Results"]
    counts = {name.removeprefix("checklist: "): int(e.value) for name, e in draft.counts.items() if name.startswith("checklist")}
    assert counts == {"items": 18, "data": 6, "part": 2, "author": 0, "open": 10}


def test_small_groups_stay_together(pilot):
    assert "agency 20 in groups of fewer than 13;" in items(written(pilot, grras_section, min_cell=13)[0])["12. Results"]
    assert "experience years recorded for 20 officers" in items(written(pilot, grras_section, min_cell=21)[0])["12. Results"]


def test_attributes_that_are_no_numbers_are_only_named(pilot):
    words = (*(f"officer of town {n}" for n in range(19)), "")
    study = replace(pilot, rater_attributes={"town": words, "badge": (*map(str, range(19)), "inf"), "empty": ("",) * 20})
    told = items(written(study, grras_section)[0])["12. Results"]
    assert "town recorded for 19 officers; badge recorded for 20 officers." in told
    assert "empty" not in told
    assert "town 1" not in told


def test_answers_of_the_author_stand_literally(pilot):
    study = answered(pilot, grras={"7": "Volunteers, <b>20</b> of 31.", "6": "As many as came.", "reference_standard": "Two trainers, in 2011.",
                                   "9": "  "})
    document, draft = written(study)
    told = items(document)
    assert told["7. Methods"] == "Answered by the author. Volunteers, <b>20</b> of 31."
    assert told["6. Methods"].startswith("Answered from the data. 520 ratings were asked for")
    assert told["6. Methods"].endswith("The author: As many as came.")
    assert "Answered by the author. Two trainers, in 2011." in told.values()
    assert told["9. Methods"] == "For the author to complete."
    assert draft.counts["checklist: author"].value == 2
    assert draft.counts["checklist: part"].value == 1


def test_without_a_gold_standard_nobody_is_asked_who_made_it(pilot):
    told = items(written(odd("no gold", pilot), grras_section)[0])
    assert not [term for term in told if "gold standard" in term]
    assert "Agreement with the gold standard" not in told["10. Methods"]
    assert "with the gold standard" not in told["1. Title and abstract"]


def test_a_gold_panel_answers_in_part(pilot):
    study = replace(pilot, gold_panel={"a": pilot.gold, "b": pilot.gold})
    told = items(written(study, grras_section)[0])
    (words,) = (text for term, text in told.items() if "gold standard" in term)
    assert words.startswith("Answered from the data in part. The gold standard is the consensus of a panel of 2 members.")


# --- the answers in study.toml ---------------------------------------------------------------------------------------------


def folder(tmp_path, more):
    shutil.copytree(ROOT / "data" / "pilot", tmp_path / "s")
    file = tmp_path / "s" / "study.toml"
    file.write_text(file.read_text("utf-8") + more, "utf-8")
    return tmp_path / "s"


def test_answers_are_read_from_study_toml(tmp_path):
    study = read_study(folder(tmp_path, '[report]\nrating_matrix = true\n[report.grras]\n7 = "Drawn by lot."\npopulations = "All."\n'))
    assert report_problems(study) == ()
    assert grras_answers(study) == {"7": "Drawn by lot.", "populations": "All."}
    assert permits_matrix(study)


def test_every_wrong_answer_is_told_at_once(tmp_path):
    wrong = '[report]\nrating_matrix = "yes"\nrating_matrices = true\n[report.grras]\n7 = 3\n16 = "x"\nreference_standards = "x"\n8 = ["a"]\n'
    path = folder(tmp_path, wrong)
    problems = report_problems(read_study(path))
    assert [problem.column for problem in problems] == ["rating_matrix", "rating_matrices", *["grras"] * 4]
    said = [f"{problem.message} {problem.remedy}" for problem in problems]
    assert "Did you mean 'rating_matrix'?" in said[1]
    assert said[2] == "Item 7 of 'grras' in [report] is 3. Write a text in quotation marks."
    assert said[3].startswith("'grras' in [report] has no item '16'.")
    assert "Known items: 1, 2, 3" in said[3]
    assert "Did you mean 'reference_standard'?" in said[4]
    assert "Item 8" in said[5]
    assert {problem.file for problem in problems} == {"study.toml"}
    with pytest.raises(DataError):
        irr.evaluate(path, tmp_path / "out", sections=["study"], formats=["md"])


@pytest.mark.parametrize("grras", ["text", ["a"], 3])
def test_answers_that_are_no_table(pilot, grras):
    study = answered(pilot, grras=grras)
    (problem,) = report_problems(study)
    assert problem.column == "grras"
    assert grras_answers(study) == {}


def test_numbers_as_keys_from_python(pilot):
    study = answered(pilot, grras={7: "By lot."})
    assert report_problems(study) == ()
    assert grras_answers(study) == {"7": "By lot."}


def test_a_workbook_answers_too(tmp_path):
    keys = [("title", "Small"), ("instrument", "tiny.toml"), ("report.grras.7", "By lot."), ("report.rating_matrix", True)]
    study = read_study(write_workbook(tmp_path / "a.xlsx", study=keys))
    assert report_problems(study) == ()
    assert grras_answers(study) == {"7": "By lot."}
    assert permits_matrix(study)


# --- methods ------------------------------------------------------------------------------------------------------------------


def test_methods_are_those_that_the_study_carries(pilot):
    def terms(study):
        return [term for term, _ in methods_section(draft_of(study)).blocks[1].items]

    whole = terms(pilot)
    assert whole[0] == "To whom the intervals apply"
    assert {"Agreement with the gold standard", "Agreement between officers", "Several questions at once"} <= set(whole)
    assert "Agreement with the gold standard" not in terms(odd("no gold", pilot))
    alone = terms(odd("one officer", pilot))
    assert "Agreement with the gold standard" in alone
    assert not {"Agreement between officers", "Differences", "Models"} & set(alone)


# --- appendix -----------------------------------------------------------------------------------------------------------------


def test_every_statistic_that_needs_words_has_them():
    """A coefficient, a ratio or a number of logits does not say by its name what it is."""
    known = {key.removeprefix("glossary.") for key in voice("en").entries if key.startswith("glossary.")}
    terms = {key.removesuffix("_term") for key in known if key.endswith("_term")}
    names = {"icc" if name in FORMS else name for name, title in TITLES.items() if title.unit in ("coefficient", "ratio", "logits")}
    assert names <= known
    assert known - {f"{term}_term" for term in terms} - terms <= set(TITLES)


def test_the_glossary_explains_what_occurs(pilot):
    document, _ = written(pilot, gold_section, appendix_section)
    terms = [term for term, _ in found(document, "glossary").blocks[1].items]
    assert "Krippendorff's alpha" not in terms
    assert terms == sorted(terms, key=str.casefold)
    document, draft = written(pilot, between_section, contrasts_section, appendix_section)
    terms = [term for term, _ in found(document, "glossary").blocks[1].items]
    assert {"Krippendorff's alpha", "Gwet's AC", "Difference of the differences", "Interval"} <= set(terms)
    assert "krippendorff" in statistics_in(draft)
    formulas = [term for term, _ in found(document, "formulas").blocks[1].items]
    assert {"Krippendorff's alpha", "Conger's kappa", "p within officers"} <= set(formulas)
    assert "ICC(A,1), complete ratings" not in formulas


def test_flags_are_those_that_occur_and_counted(pilot):
    document, draft = written(pilot)
    rows = dict(found(document, "table-flags", Table).rows)
    times = {}
    for result in draft.asked.values():
        for row in result:
            for flag in row.estimate.flags:
                times[flag] = times.get(flag, 0) + 1
    assert {words: int(n) for words, n in rows.items()} == {f"{FLAGS[f][0].upper()}{FLAGS[f][1:]}.": n for f, n in times.items()}


def test_the_matrix_is_printed_only_where_permitted(pilot):
    for study in (pilot, answered(pilot, rating_matrix=False), answered(pilot, rating_matrix="true")):
        document, _ = written(study)
        assert "matrix" not in document.names
        assert "the study does not permit it" in items(document)["15. Further material"]
    document, _ = written(answered(pilot, rating_matrix=True))
    assert "matrix" in document.names
    assert "Every single rating is printed in the appendix." in items(document)["15. Further material"]


def test_the_matrix_is_the_ratings(pilot):
    document, _ = written(answered(pilot, rating_matrix=True), appendix_section)
    short = {"Low": "L", "Medium": "M", "High": "H", "Very High": "VH", "Unable to rate": "U"}
    frame = pilot.frame()
    for n, case in enumerate(pilot.cases, 1):
        one, two = (found(document, f"table-matrix-{n}-{part}", Table) for part in (1, 2))
        assert max(len(one.columns), len(two.columns)) <= 10
        assert [column.head for column in (*one.columns[1:], *two.columns[1:])] == [
            *(f"R{i}" for i in range(1, 8)), *(f"P{i}" for i in range(1, 6)), "O"]
        rows = {a[0]: (*a[1:], *b[1:]) for a, b in zip(one.rows, two.rows, strict=True)}
        here = frame[frame["case"] == case]
        for rater, own in here.groupby("rater", observed=True):
            ratings = own.set_index("factor")["rating"]
            assert rows[rater] == tuple(short[ratings[factor]] for factor in pilot.instrument.factor_ids)
        gold = here.drop_duplicates("factor").set_index("factor")["gold"]
        assert rows["Gold standard"] == tuple(short[gold[factor]] for factor in pilot.instrument.factor_ids)
        assert len(rows) == 21


def test_many_officers_are_not_printed(pilot):
    frame = pilot.frame()[["rater", "case", "factor", "rating"]]
    more = [frame.assign(rater=frame["rater"] + f"_{n}") for n in range(4)]
    study = irr.Study.from_frames(pd.concat(more), report={"rating_matrix": True})
    document, _ = written(study, grras_section, appendix_section)
    assert "matrix" not in document.names
    assert "more than 60 officers" in items(document)["15. Further material"]


def test_occasions_and_blanks_have_a_place_in_the_matrix(pilot):
    frame = pilot.frame()[["rater", "case", "factor", "rating"]]
    frame = frame[frame["rater"].isin(["officer_01", "officer_02"]) & (frame["case"] == "case_a")]
    second = frame[frame["rater"] == "officer_01"].assign(occasion=2)
    second.loc[second["factor"] == "opportunity", "rating"] = None
    study = irr.Study.from_frames(pd.concat([frame.assign(occasion=1), second]), report={"rating_matrix": True})
    document, _ = written(study, grras_section, appendix_section)
    table = found(document, "table-matrix-2-1", Table)
    assert plain(table.caption).endswith("occasion 2: risk factors. 1 officer.")
    assert [row[:2] for row in table.rows] == [("officer_01", "–")]
    assert "on 2 occasions" in items(document)["11. Results"]


def test_the_manifest_names_every_file_and_how_to_make_it_again(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluating, "SECTIONS", SECTIONS)
    out = irr.evaluate(ROOT / "data" / "pilot", tmp_path / "r", formats=["md"], seed=3, min_cell=4, confidence_level=0.9)
    text = (out / "report.md").read_text("utf-8").replace("\\", "")
    tables = {path.name for path in (out / "tables").iterdir()}
    assert tables
    assert set(re.findall(r"^\| (\w+\.csv) \|", text, re.M)) == tables
    assert "arms-irr evaluate pilot --confidence 0.9 --seed 3 --min-cell 4." in text
    for item in json.loads((out / "manifest.json").read_text("utf-8"))["inputs"]:
        assert text.count(f"{item['file']} {item['sha256'][:12]}") == 2  # under methods, and in the appendix
    assert f"arms-irr {irr.__version__}" in text
    assert "90 % intervals; seed 3" in text


@pytest.mark.parametrize("name", ODD)
def test_odd_studies(name, pilot):
    study = replace(odd(name, pilot), report={"rating_matrix": True})
    document, draft = written(study, methods_section, grras_section, appendix_section)
    told = items(document)
    assert len(told) == 18 - (not study.has_gold)
    assert told["13. Results"].startswith(("Answered from the data.", "For the author"))
    tables = [block for block in walk(document.sections) if isinstance(block, Table)]
    assert all(len(table.columns) <= 10 for table in tables)
    assert draft.counts["officers in matrix 1"].value == len(study.raters)
