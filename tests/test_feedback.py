"""Feedback: what each officer hears equals a count by hand, colleagues stay hidden, and every sheet is one page."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from small_study import TINY
from test_evaluation import ODD, odd
from typer.testing import CliRunner

import arms_irr as irr
from arms_irr import plots
from arms_irr.analysis.diagnostics import diagnostics
from arms_irr.analysis.feedback import Answers, latest, officer_feedback, officers_by_factor
from arms_irr.cli.main import app
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.plots.feedback import quarter
from arms_irr.reporting.document import plain, texts
from arms_irr.reporting.feedback import feedback, file_names, key_file
from arms_irr.reporting.overview import overview
from arms_irr.reporting.sheet import MEASURES, Desk, sheet
from arms_irr.reporting.trace import NUMBERS, trace
from arms_irr.reporting.voice import Label, voice


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


def desk(study, **options):
    measures = diagnostics(study, statistics=MEASURES).split("rater") if study.has_gold else {}
    return Desk(Answers.of(study, options.pop("min_cell", 5)), voice(), measures, **options)


def words(study, officer, **options):
    document, _ = sheet(desk(study, **options), officer)
    return " ".join(plain(text, document.names) for _, text in texts(document.sections))


def rated(rows, gold=None, **options):
    """A study of the tiny instrument from (rater, case, factor, rating)."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["rater", "case", "factor", "rating"])
    golds = None if gold is None else pd.DataFrame(gold, columns=["case", "factor", "rating"])
    return irr.Study.from_frames(frame, golds, instrument=TINY, **options)


# --- what each officer hears -------------------------------------------------------------------------------


def test_every_number_equals_a_count_by_hand(pilot):
    r, kinds = pilot.ratings, [f.kind for f in pilot.instrument.factors]
    found = officer_feedback(pilot)
    for j, officer in enumerate(pilot.raters):
        total = dict.fromkeys(("agreed", "lower", "higher", "two_step", "missed_high", "gold_high", "unable", "asked"), 0)
        for n in np.flatnonzero(r.rater == j):
            c, f, code = r.case[n], r.factor[n], int(r.code[n])
            gold = int(pilot.gold[c, f])
            row = next(x for x in found if x["rater"] == officer and x["case"] == pilot.cases[c] and x["factor"] == pilot.instrument.factors[f].id)
            step = code - gold if min(code, gold) >= 0 else None
            assert row.estimate.value == step if step is not None else np.isnan(row.estimate.value)
            others = r.code[(r.case == c) & (r.factor == f) & (r.rater != j)]
            assert row.estimate.parts["colleagues"] == np.sum(others >= 0)
            answers = np.sum(others != NOT_GIVEN)
            assert row.estimate.parts["share_0"] == pytest.approx(np.sum(others == 0) / answers)
            assert row.estimate.parts["share_unable"] == pytest.approx(np.sum(others == UNABLE) / answers)
            if kinds[f] == "overall":
                continue
            total["asked"] += 1
            total["unable"] += code == UNABLE
            if step is not None:
                for name, hit in (("agreed", step == 0), ("lower", step < 0), ("higher", step > 0), ("two_step", abs(step) >= 2),
                                  ("missed_high", gold == 2 and step < 0), ("gold_high", gold == 2)):
                    total[name] += hit
        whole = found.get("exact", rater=officer, factor="", case="")
        assert {name: whole.parts[name] for name in total} == total
        assert whole.value == total["agreed"] / (total["agreed"] + total["lower"] + total["higher"])


def test_what_to_read_again_follows_the_stated_rule():
    gold = [("p", "access", "High"), ("p", "anger", "High"), ("p", "work", "Low"), ("p", "friends", "Medium"), ("p", "overall", "Low")]
    given = {"access": "Medium", "anger": "Low", "work": "Medium", "friends": "High", "overall": "Very High"}
    rows = [("a", "p", f, x) for f, x in given.items()]
    rows += [(o, "p", f, x) for o in "bcdef" for f, x in (("access", "High"), ("anger", "High"), ("work", "Medium"), ("friends", "Medium"))]
    found = officer_feedback(rated(rows, gold), ["a"]).where("reread")
    # Two steps first, then the missed High; of the two rated higher the one that colleagues did not share. Never the overall priority.
    assert [row["factor"] for row in found] == ["anger", "access", "friends"]
    assert [row.estimate.value for row in found] == [1, 2, 3]
    assert not officer_feedback(rated(rows, gold), ["b"]).where("reread", factor="access").rows


def test_without_a_gold_standard_more_than_half_of_enough_colleagues_are_the_comparison():
    rows = [("a", "p", "access", "High"), *((o, "p", "access", "Low") for o in "bcd"), *((o, "p", "access", "Medium") for o in "ef")]
    study = rated(rows)
    row = officer_feedback(study, ["a"]).where("steps_from_colleagues").rows[0]
    assert (row.estimate.value, row["reference"], row["rating"]) == (2, "Low", "High")
    tie = officer_feedback(study, ["b"]).where("steps_from_colleagues").rows[0]  # of a, c, d, e, f two Low, two Medium, one High
    assert not tie.estimate.estimable
    assert tie["reference"] == ""
    few = officer_feedback(study, ["a"], min_cell=6).where("steps_from_colleagues").rows[0]
    assert not few.estimate.estimable
    assert "share_0" not in few.estimate.parts


def test_the_latest_answer_counts_and_a_later_blank_does_not(pilot):
    r = pilot.ratings
    n = len(r)
    twice = {name: np.concatenate([getattr(r, name)] * 2) for name in ("rater", "case", "factor", "code", "occasion", "urgency")}
    twice["occasion"][n:] = 2
    twice["code"][n:] = np.where(r.code >= 0, 0, NOT_GIVEN)
    kept = latest(replace(pilot, ratings=replace(r, **twice))).ratings
    assert len(kept) == n
    assert np.array_equal(kept.code, np.where(r.code >= 0, 0, r.code))
    assert latest(pilot) is pilot


def test_the_heat_map_is_the_mean_over_cases(pilot):
    found = officers_by_factor(pilot)
    r, f = pilot.ratings, 2
    own = (r.rater == 3) & (r.factor == f) & (r.code >= 0)
    mean = np.mean(r.code[own] - pilot.gold[r.case[own], f])
    assert found.get("mean_signed_error", rater=pilot.raters[3], factor=pilot.instrument.factors[f].id).value == pytest.approx(mean)
    grouped = officers_by_factor(pilot, most=7)
    assert len(grouped.split("rater")) == 7
    sizes = [rows.rows[0].estimate.parts["officers"] for rows in grouped.split("rater").values()]
    assert sum(sizes) == len(pilot.raters)
    rows = [("a", "p", "access", "High"), ("b", "p", "access", "Low"), ("c", "p", "access", "Medium")]
    alone = officers_by_factor(rated(rows))
    assert [row.estimate.value for row in alone] == [1.5, -1.5, 0]


def test_unknown_officers_are_refused(pilot):
    with pytest.raises(ArgumentError, match="there is no officer 'officer_3'"):
        officer_feedback(pilot, ["officer_3"])
    with pytest.raises(ArgumentError, match="min_cell"):
        officer_feedback(pilot, min_cell=0)


# --- the sheet ---------------------------------------------------------------------------------------------


def test_a_sheet_says_what_was_counted(pilot):
    total = officer_feedback(pilot, ["officer_03"]).get("exact", factor="", case="").parts
    said = words(pilot, "officer_03", date="1 May", training="Refresher", ask="Sam")
    assert f"In {total['agreed']:.0f} of {total['rated']:.0f} ratings of the factors you gave the same priority as the gold standard" in said
    assert f"lower in {total['lower']:.0f} ratings and higher in {total['higher']:.0f}" in said
    assert "These ratings cannot separate you from the group" in said
    assert "Two steps lower: Positive routine in 'Higher-risk vignette (synthetic)' (High; you gave Low; most colleagues gave High)." in said
    assert said.index("Two steps") < said.index("One step")
    assert "Whom to ask: Sam." in said
    assert not re.search(r"\brank(?!ed)|\bvalid|significantly|\bscore|best officer", said)


def test_the_sentence_on_the_group_is_said_only_when_it_is_true(pilot):
    raised = replace(pilot.ratings, code=np.where((pilot.ratings.rater == 0) & (pilot.ratings.code >= 0), 2, pilot.ratings.code))
    said = words(replace(pilot, ratings=raised), pilot.raters[0])
    assert "These ratings cannot separate you from the group: neither" not in said
    assert "a higher priority than the group gives" in said
    one = replace(pilot, ratings=replace(pilot.ratings, **{
        name: getattr(pilot.ratings, name)[pilot.ratings.rater == 0] for name in ("rater", "case", "factor", "code", "occasion", "urgency")}),
        raters=pilot.raters[:1], rater_attributes={})  # fmt: skip
    assert "cannot be told from these ratings" in words(one, pilot.raters[0])


def test_every_number_on_a_sheet_stands_in_a_result(pilot):
    for study in (pilot, irr.example("second_exercise"), odd("no gold", pilot)):
        document, results = sheet(desk(study), study.raters[2])
        for sentence in json.loads(trace(document, results, {}))["sentences"]:
            told = len(NUMBERS.findall(sentence["text"]))
            from_results = sum(len(NUMBERS.findall(number["text"])) for number in sentence["numbers"])
            fixed = [*sentence.get("wording", ()), *sentence.get("names", ())]
            assert told == from_results + len(fixed), sentence


def test_few_colleagues_are_not_shown(pilot):
    document, results = sheet(desk(pilot, min_cell=20), "officer_03")
    assert all("share_0" not in row.estimate.parts for row in results["feedback"])
    said = " ".join(plain(text, document.names) for _, text in texts(document.sections))
    assert "colleagues gave" not in said
    assert "For all officers together" not in said
    assert "Colleagues are not shown: fewer than 20 of them" in said
    assert "#ccd3d8" not in re.sub(r"<path[^>]*>", "", document.figures[0].svg)  # no column is drawn
    shown, _ = sheet(desk(pilot), "officer_03")
    assert "#ccd3d8" in re.sub(r"<path[^>]*>", "", shown.figures[0].svg)


def test_definitions_are_quoted_once(pilot):
    found = words(pilot, "officer_08")
    definition = "High means a significant deficit of this protective factor"
    assert sum(row["factor"] in {f.id for f in pilot.instrument.factors if f.kind == "protective"}
               for row in officer_feedback(pilot, ["officer_08"]).where("reread")) > 1
    assert found.count(definition) == 1


def test_a_reversed_scale_is_a_question(pilot):
    said = words(pilot, "officer_03", reversed=frozenset({"officer_03"}))
    assert "check which way round you read that scale" in said
    assert "turned round" not in words(pilot, "officer_03")


def test_colleagues_are_told_in_quarters_only():
    assert [quarter(share) for share in (0, 0.12, 0.13, 0.37, 0.38, 0.62, 0.63, 0.87, 0.88, 1)] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_the_strip_draws_every_rating_and_is_good_xml(pilot):
    hostile = replace(pilot, case_attributes={"title": ('<b>&"x"', "\x0b" + "long " * 40)})
    found = officer_feedback(hostile, ["officer_03"])
    names = {kind: kind for kind in pilot.instrument.kinds} | {"unable": "Unable", "synthetic": "Synthetic data", "reference": "gold", "you": "you"}
    svg = plots.officer_strip(found, instrument=pilot.instrument, cases=hostile.case_titles, words=names, synthetic=True)
    root = ET.fromstring(svg)
    own = [row for row in found if row["case"]]
    count = len(root.findall("{*}circle"))
    assert count == 1 + sum(row["rating"] != "" for row in own)  # and the one in the key
    assert any(text.text == "Synthetic data" for text in root.iter("{http://www.w3.org/2000/svg}text"))


# --- the folder --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(pilot, tmp_path_factory):
    """The pilot's feedback, as web pages."""
    return feedback(pilot, tmp_path_factory.mktemp("whole") / "f", formats=("html",))


def clean(path):
    """The words of a page; no number that is none, and nothing that runs."""
    text = re.sub(r"<style>.*?</style>|<script>.*?</script>|data:[^\"]*", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\bnan\b|\binf\b|None\b(?! of)", text), path
    assert "<script>alert" not in text
    return re.sub(r"</?strong>", "", text)


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_get_sheets_of_one_page(name, pilot, tmp_path):
    from pypdf import PdfReader

    study = odd(name, pilot)
    chosen = study.raters[:3]
    out = feedback(study, tmp_path / "f", formats=("html", "pdf"), only=chosen)
    assert len(list((out / "sheets").glob("*.pdf"))) == len(chosen)
    assert all(len(PdfReader(path).pages) == 1 for path in (out / "sheets").glob("*.pdf"))
    for path in out.rglob("*.html"):
        assert "What this page cannot tell" in clean(path)


@pytest.mark.parametrize("name", ["no gold", "one officer, no gold", "everyone unable", "items"])
def test_odd_studies_get_an_overview(name, pilot):
    from arms_irr.reporting.evaluation import draft_of

    draft = draft_of(odd(name, pilot))
    document = overview(draft)
    text = " ".join(plain(said, document.names) for _, said in texts(document.sections))
    trace(document, draft.asked, draft.counts)
    assert not re.search(r"\bnan\b|\binf\b|n/a", text)
    assert "officers must not be ranked" in text
    assert ("There is no gold standard" in text) == (draft.study.gold is None)


def test_every_sheet_of_the_pilot_is_one_page(pilot, tmp_path):
    from pypdf import PdfReader

    out = feedback(pilot, tmp_path / "f", formats=("pdf",), only=pilot.raters)
    assert [len(PdfReader(path).pages) for path in (out / "sheets").iterdir()] == [1] * len(pilot.raters)


def test_the_same_seed_gives_the_same_bytes(pilot, tmp_path):
    made = []
    for name in ("a", "b"):
        out = feedback(pilot, tmp_path / name, only=["officer_02", "officer_03"])
        made.append({path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert made[0] == made[1]
    assert set(made[0]) == {f"officer_0{n}.{suffix}" for n in (2, 3) for suffix in ("html", "pdf", "docx")} | {"manifest.json"}


def test_the_agenda_names_nobody(pilot, whole):
    sentences = json.loads((whole / "overview.json").read_text("utf-8"))["sentences"]
    agenda = [s["text"] for s in sentences if s["place"] == "agenda"]
    assert len(agenda) > 2
    assert not any(officer in text for text in agenda for officer in pilot.raters)


def test_a_sheet_names_no_colleague(pilot, whole):
    text = clean(whole / "sheets" / "officer_03.html")
    assert "officer_03" in text
    assert not any(officer in text for officer in pilot.raters if officer != "officer_03")


def test_the_key_of_new_numbers_stands_beside_the_folder(pilot, tmp_path):
    chosen = {"formats": ("html",), "pseudonyms": "renumber", "seed": 4, "only": ["officer_03", "officer_04"]}
    out = feedback(pilot, tmp_path / "f", **chosen)
    key = dict(csv.reader(io.StringIO(key_file(out).read_text("utf-8"))))
    assert key_file(out) == tmp_path / "f-key.csv"
    assert key.pop("shown_as") == "pseudonym_in_the_study"
    assert sorted(key.values()) == sorted(pilot.raters)
    for path in out.rglob("*"):
        assert path.is_dir() or not any(officer.encode() in path.read_bytes() for officer in pilot.raters), path
    number = next(shown for shown, own in key.items() if own == "officer_03")
    total = officer_feedback(pilot, ["officer_03"]).get("exact", factor="", case="").parts
    text = clean(out / "sheets" / f"{number.replace(' ', '-')}.html")
    assert f"In {total['agreed']:.0f} of {total['rated']:.0f} ratings" in text
    key_file(out).write_text("mine", "utf-8")
    with pytest.raises(ArgumentError, match="no key of pseudonyms"):
        feedback(pilot, out, **chosen)
    assert key_file(out).read_text("utf-8") == "mine"


def test_nothing_else_is_replaced(pilot, tmp_path):
    chosen = {"formats": ("html",), "only": ["officer_03"]}
    out = feedback(pilot, tmp_path / "f", **chosen)
    (out / "notes.txt").write_text("mine", "utf-8")
    feedback(pilot, out, **chosen)
    assert (out / "notes.txt").read_text("utf-8") == "mine"
    report = json.loads((out / "manifest.json").read_text("utf-8"))
    everybody = {**report, "settings": {**report["settings"], "only": []}}
    for changed, why in ((everybody, "sheets of all officers"), ({**report, "made_by": "arms-irr evaluate"}, "arms-irr feedback never made")):
        (out / "manifest.json").write_text(json.dumps(changed), "utf-8")
        with pytest.raises(ArgumentError, match=why):
            feedback(pilot, out, **chosen)
    with pytest.raises(ArgumentError, match="unknown officer 'officer_3'"):
        feedback(pilot, tmp_path / "g", only=["officer_3"])
    assert not (tmp_path / "g").exists()


def test_file_names_are_safe_and_never_meet():
    names = file_names(("Zoë", "zoe", "../../etc/passwd", "con", "", "李", "a/b", "a:b", "x" * 200, "-rf"))
    made = list(names.values())
    assert len({name.casefold() for name in made}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name) for name in made)
    assert names["Zoë"] == "Zoe"
    assert names["zoe"] == "zoe-2"
    assert names["con"] == "officer-4"
    assert names["李"] == "officer-6"


def test_the_command_says_what_it_wrote(tmp_path):
    irr_data = str(__import__("pathlib").Path(__file__).parents[1] / "data" / "pilot")
    out = tmp_path / "f"
    run = CliRunner().invoke(app, ["feedback", irr_data, "-o", str(out), "--only", "officer_03", "--format", "html", "--pseudonyms", "renumber"])
    assert run.exit_code == 0, run.output
    assert "1 sheet is in" in run.output
    assert "keep it apart" in run.output
    assert len(list((out / "sheets").iterdir())) == 1
    assert CliRunner().invoke(app, ["feedback", irr_data, "-o", str(out), "--format", "odt"]).exit_code == 2


def test_progress_is_counted(pilot, tmp_path):
    told = []
    feedback(pilot, tmp_path / "f", formats=("html",), only=pilot.raters, step=lambda words, done=0, total=None: told.append((done, total)))
    assert [(n, 20) for n in range(21)] == [pair for pair in told if pair[1]]


def test_labels_are_shown_literally(pilot):
    assert isinstance(desk(pilot).reference, Label)
    document, _ = sheet(desk(pilot, ask="{x} **Sam** <b>"), "officer_03")
    assert "Whom to ask: {x} **Sam** <b>." in " ".join(plain(text) for _, text in texts(document.sections))
