"""The section on differences: its numbers are those of the analysis, and what is not carried is said."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import arms_irr as irr
from arms_irr.analysis.contrasts import confirmatory
from arms_irr.reporting.document import Document, Figure, Paragraph, Section, Table, plain, texts, walk
from arms_irr.reporting.evaluation import draft_of
from arms_irr.reporting.questions import Options
from arms_irr.reporting.sections.contrasts import contrast_points, contrasts_section
from arms_irr.reporting.sections.differences import amount, lean
from arms_irr.reporting.trace import trace
from arms_irr.reporting.wording import interval, signed
from arms_irr.statistics.estimate import Estimate

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


@pytest.fixture(scope="module")
def written(pilot):
    return write(pilot)


def write(study, options=None):
    draft = draft_of(study, options)
    document = Document("t", (contrasts_section(draft),), synthetic=study.synthetic)
    traced = json.loads(trace(document, draft.asked, draft.counts))
    return draft, document, traced


def table(document, id):
    return next(block for block in walk(document.sections) if isinstance(block, Table) and block.id == id)


def section(document, id):
    return next(block for block in walk(document.sections) if isinstance(block, Section) and block.id == id)


def said(document):
    return " ".join(plain(text, document.names) for _, text in texts(document.sections))


def frames(pilot, **columns):
    frame = pilot.frame()
    keep = ["rater", "case", "factor", "rating"]
    gold = frame.drop_duplicates(["case", "factor"])[["case", "factor", "gold"]].rename(columns={"gold": "rating"})
    cases = pd.DataFrame({"case": pilot.cases, "risk_band": ["lower", "higher"]})
    raters = pd.DataFrame({"rater": pilot.raters, **pilot.rater_attributes, **columns})
    return frame[keep], gold, cases, raters


def test_the_table_is_the_family_asked_beforehand(pilot, written):
    _, document, _ = written
    found = confirmatory(pilot)
    rows = table(document, "table-contrasts").rows
    assert len(rows) == 4
    for line, row in zip(rows, found, strict=False):
        e = row.estimate
        assert line[1:3] == (signed(100 * e.value, 1), interval(e, 100, 1))
        assert float(line[4]) == round(e.parts["p_holm"], 2)
        assert line[7] == str(e.n_raters)
        assert line[6] == f"{e.parts['officers_more']:.0f} / {e.parts['officers_equal']:.0f} / {e.parts['officers_less']:.0f}"
    assert rows[3][0] == "Police less probation"
    assert rows[3][4] == ""


def test_every_p_value_stands_beside_an_interval_and_nothing_is_called_significant(written):
    _, document, _ = written
    for _, text in texts(document.sections):
        words = plain(text)
        assert "significan" not in words
        if re.search(r"p [=<] 0\.", words):
            assert "95 % interval" in words, words


def test_sentences_follow_the_interval_and_not_the_value():
    def e(value, low, high):
        return Estimate(value, ci_low=low, ci_high=high)

    assert [lean(one) for one in (e(0.1, 0.01, 0.2), e(-0.1, -0.2, -0.01), e(0.3, -0.01, 0.6), e(1, math.nan, math.nan))] == [
        "more", "less", "open", "open"]


def test_a_difference_below_0_keeps_its_sign_and_one_that_rounds_to_0_has_none(pilot):
    draft = draft_of(pilot)
    assert plain(amount(draft, Estimate(-0.123))) == "−12 percentage points"
    assert plain(amount(draft, Estimate(-0.004))) == "0 percentage points"


def test_what_the_design_confounds_is_said(written):
    _, document, _ = written
    words = said(document)
    assert "single case on one side" in words
    assert "the band is the case" in words
    assert "agencies cannot be told from their sites" in words
    assert "Only these gold standards occur in both bands: Medium" in words


def test_the_main_point_cites_the_same_numbers(written):
    draft, _, _ = written
    (point,) = contrast_points(draft)
    words = plain(point)
    for row in confirmatory(draft.study):
        assert f"95 % interval {interval(row.estimate)}" in words


def test_the_figures_have_words_for_those_who_do_not_see_them(written):
    _, document, _ = written
    figures = [block for block in walk(document.sections) if isinstance(block, Figure)]
    assert [figure.id for figure in figures] == ["fig-contrasts", "fig-slopes"]
    assert "14 matched the gold standard more often" in plain(figures[1].title)


def test_agencies_are_the_pairs_of_officers_by_hand(pilot, written):
    _, document, _ = written
    frame = pilot.frame()
    frame = frame[(frame["risk_band"] == "higher") & (frame["kind"] != "overall") & frame["rating"].isin(["Low", "Medium", "High"])]
    agency = dict(zip(pilot.raters, pilot.rater_attributes["agency"], strict=True))
    shares = {name: [] for name in ("police", "probation")}
    for _, cell in frame.groupby("factor"):
        for name, own in shares.items():
            codes = cell.loc[cell["rater"].map(agency) == name, "rating"].to_numpy()
            pairs = np.triu_indices(len(codes), 1)
            own.append((codes[:, None] == codes)[pairs].mean())
    line = [row for row in table(document, "table-agencies").rows if row[0] == "Two officers agree, %"][1]
    assert line[1:3] == tuple(f"{100 * np.mean(own):.1f}" for own in shares.values())


def test_a_small_agency_is_not_shown(pilot):
    ratings, gold, cases, raters = frames(pilot, agency=["police"] * 17 + ["probation"] * 3)
    _, document, _ = write(irr.Study.from_frames(ratings, gold, cases, raters))
    (block,) = section(document, "agencies").blocks
    assert plain(block.text) == "One of the agencies has fewer than 5 officers with ratings, so agencies are not shown by themselves."
    assert "Police less probation" not in said(document)
    _, document, _ = write(irr.Study.from_frames(ratings, gold, cases, raters), Options(min_cell=3))
    assert len(table(document, "table-agencies").rows) == 8


def test_before_and_after(pilot):
    frame = pilot.frame()
    later = frame[frame["rater"].isin(pilot.raters[:12])].assign(occasion=2)
    later["rating"] = later["gold"].where(later["kind"] == "risk", later["rating"])
    rows = pd.concat([frame.assign(occasion=1), later])[["rater", "case", "factor", "occasion", "rating"]]
    _, gold, cases, raters = frames(pilot)
    study = irr.Study.from_frames(rows, gold, cases, raters)
    draft, document, _ = write(study)
    result = draft.asked["change_between_occasions"]
    line = table(document, "table-occasions").rows[0]
    assert line[3] == signed(100 * result.rows[2].estimate.value, 1)
    assert float(line[2]) == round(100 * result.rows[0].estimate.value, 1)  # later
    words = said(document)
    assert "12 officers of 20" in words
    assert "more often on the later occasion" in words
    assert "may have remembered" in words


# --- little to compare --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def odd(pilot):
    ratings, gold, cases, raters = frames(pilot)
    one = ratings["rater"] == "officer_03"
    both = {"gold": gold, "cases": cases}
    given = ratings.merge(gold.rename(columns={"rating": "gold"}), on=["case", "factor"])
    half = ratings["rater"].isin(pilot.raters[::2]) == (ratings["case"] == "case_a")
    unable = np.where(ratings["factor"] == "overall", "Low", "Unable to rate")
    items = [f.id for f in irr.load_instrument("three-point-items").factors]
    made = pd.DataFrame([(r, c, i, (k * 7 + len(i)) % 3) for k, (r, c) in enumerate((r, c) for r in "abcde" for c in "pqrstuv") for i in items],
                        columns=["rater", "case", "factor", "rating"])
    return {
        "no gold": irr.Study.from_frames(ratings, cases=cases, raters=raters),
        "no bands": irr.Study.from_frames(ratings, gold),
        "one officer": irr.Study.from_frames(ratings[one], **both),
        "two officers": irr.Study.from_frames(ratings[ratings["rater"].isin(["officer_03", "officer_04"])], **both),
        "one case": irr.Study.from_frames(ratings[ratings["case"] == "case_a"], gold[gold["case"] == "case_a"], cases[:1]),
        "nobody in both": irr.Study.from_frames(ratings[half], **both),
        "everyone unable": irr.Study.from_frames(ratings.assign(rating=unable), **both),
        "perfect": irr.Study.from_frames(given.drop(columns=["rating"]).rename(columns={"gold": "rating"}), **both),
        "one category": irr.Study.from_frames(ratings.assign(rating="Low"), gold.assign(rating="Low"), cases),
        "a band not recorded": irr.Study.from_frames(ratings, gold, cases.assign(risk_band=["lower", None])),
        "one officer, no gold": irr.Study.from_frames(ratings[one]),
        "items": irr.Study.from_frames(made, instrument="three-point-items"),
        "hostile": irr.Study.from_frames(ratings, gold, cases.assign(risk_band=["a less b", "<b> 7"]), raters.assign(agency=["x less y"] * 9 + ["*z* 3"] * 11)),
    }


WORDS = {
    "no gold": "Without a gold standard", "no bands": "records no two risk bands", "one officer": "no interval can be given",
    "nobody in both": "no officer rated both", "everyone unable": "nobody gave a rating here", "one case": "records no two risk bands",
    "items": "Without a gold standard",
}


@pytest.mark.parametrize("name", [
    "no gold", "no bands", "one officer", "two officers", "one case", "nobody in both", "everyone unable", "perfect", "one category",
    "a band not recorded", "one officer, no gold", "items", "hostile"])
def test_odd_studies_say_why(name, odd):
    draft, document, _ = write(odd[name])
    words = said(document)
    assert any(isinstance(block, Paragraph) for block in walk(document.sections))
    assert not re.search(r"\bnan\b|\binf\b|None|=\"", words), words
    assert WORDS.get(name, "") in words
    for point in contrast_points(draft):
        assert "interval" in plain(point)
