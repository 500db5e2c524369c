"""Sections on agreement between officers, ratability and dependability: their numbers are those of the results."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from test_evaluation import ODD, odd

import arms_irr as irr
from arms_irr.reporting.document import Document
from arms_irr.reporting.evaluation import draft_of
from arms_irr.reporting.markdown import to_markdown
from arms_irr.reporting.sections import between, dependability, icc, ratability
from arms_irr.reporting.trace import trace

SECTIONS = (between.between_section, icc.icc_section, ratability.ratability_section, dependability.dependability_section)


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


def written(study, section):
    """The section as text, its results, and its trace."""
    draft = draft_of(study)
    document = Document("t", (section(draft),), synthetic=True)
    return to_markdown(document), draft.asked, json.loads(trace(document, draft.asked, draft.counts))


@pytest.fixture(scope="module")
def pages(pilot):
    return {section.__name__: written(pilot, section) for section in SECTIONS}


def test_a_benchmark_word_has_its_interval_and_its_probability(pages):
    text, asked, _ = pages["between_section"]
    rows = [row for row in asked["benchmarks"].where("gwet", scale="landis_koch") if row.estimate.weights == "quadratic"]
    assert len(rows) == 2
    for row in rows:
        e, p = row.estimate, row.estimate.parts["probability"]
        said = "almost certain" if p > 0.9995 else f"{100 * p:.1f}"
        assert f"Landis &amp; Koch | {row['word']} | {said} | {e.value:.3f} | {e.ci_low:.3f} to {e.ci_high:.3f}" in text
    outside = text.split("Table 2")[0] + text.split("Table 3")[1]
    assert not re.search(r"\b(substantial|almost perfect|moderate|slight)\b", outside)


def test_the_paradox_in_words_and_numbers(pages):
    text, asked, _ = pages["between_section"]
    for case in ("case_a", "case_b"):
        e = {row.coefficient: row.estimate for row in asked["paradox"].where(case=case, category="all")}
        assert f"in **{100 * e['percent'].value:.0f} %** of comparisons, yet Fleiss' kappa is **{e['fleiss'].value:.2f}**" in text
        assert f"kappa puts {100 * e['fleiss'].expected:.0f} % down to chance" in text
        assert f"{100 * e['percent'].value:.1f} | {100 * e['fleiss'].expected:.1f} | {e['fleiss'].value:.3f} | {e['kappa_max'].value:.3f}" in text
    assert "Quote the percent agreement first" in text


def test_fragility_reach_pairs_and_agencies(pages):
    text, asked, _ = pages["between_section"]
    for row in asked["ratings_that_must_change"]:
        assert f"{row.estimate.value:.0f} of {row.estimate.n_ratings} ratings, picked for the purpose" in text
    assert f"would be about {asked['what_kappa_can_reach'].rows[0].estimate.value:.2f}" in text
    shares = [row.estimate.value for row in asked["pairs_of_officers"] if row.estimate.estimable]
    assert f"between {100 * min(shares):.0f} % and {100 * max(shares):.0f} %" in text
    assert "officer_" not in text  # nobody is ranked
    assert "within police" in text


def test_no_paradox_no_panel(pilot):
    frame = pilot.frame()
    rated = frame[frame["kind"] != "overall"][["rater", "case", "factor"]].reset_index(drop=True)
    rng = np.random.default_rng(1)
    mark = {key: rng.integers(0, 3) for key in rated[["case", "factor"]].drop_duplicates().itertuples(index=False, name=None)}
    values = [("Low", "Medium", "High")[mark[case, factor] if rng.random() < 0.9 else rng.integers(0, 3)]
              for case, factor in zip(rated["case"], rated["factor"], strict=True)]
    text, asked, _ = written(irr.Study.from_frames(rated.assign(rating=values)), between.between_section)
    assert not asked["paradox"].rows
    assert "Quote the percent agreement" not in text


def test_ratability(pages, pilot):
    text, asked, _ = pages["ratability_section"]
    rate = pilot.ratability(["kind", "risk_band"]).get("unable_to_rate", kind="protective", risk_band="higher")
    assert f"Protective factors | 100 | {100 * rate.value:.1f} | {100 * rate.ci_low:.1f} to {100 * rate.ci_high:.1f}" in text
    model = asked["ratability_model"].get("difference", where="all ratings")
    assert f"{100 * model.value:.0f} percentage points more (95 % interval {100 * model.ci_low:.0f} to {100 * model.ci_high:.0f})" in text
    low, high = (asked["best_and_worst_case"].get("gwet", case="case_a", bound=bound).value for bound in ("lowest", "highest"))
    assert f"{low:.3f} to {high:.3f}" in text
    rule = asked["gold_by_rule"].get("exact", kind="risk", risk_band="lower", rule="disagreement")
    assert f"{100 * rule.value:.1f} | {100 * rule.ci_low:.1f} to {100 * rule.ci_high:.1f}" in text
    assert "tends to flatter" in text


def test_two_cases_carry_no_dependability_of_cases_and_say_so(pages):
    text, asked, _ = pages["dependability_section"]
    assert "Not estimable with two cases" in text
    found = asked["dependability"]
    assert all(not row.estimate.estimable for row in found.where("phi") if row["measured"] != "profile")
    sem = found.get("sem", measured="mean", kind="risk")
    assert f"Mean priority over risk factors | All cases | 2 | 20 | {sem.value:.3f} | {sem.ci_low:.3f} to {sem.ci_high:.3f}" in text
    officers = found.get("variance", measured="profile", where="case_b", effect="officer")
    assert f"Officers | {officers.value:.3f} | {officers.ci_low:.3f} to {officers.ci_high:.3f}" in text


def test_six_cases_a_band_carry_it():
    text, asked, _ = written(irr.example("second_exercise"), dependability.dependability_section)
    assert "Not estimable" not in text
    found = asked["dependability"]
    phi = found.get("phi", measured="overall", where="higher", n_raters="1")
    needed = found.get("officers_needed", measured="overall", where="higher", phi="0.8")
    assert f"{phi.value:.3f} | {phi.ci_low:.3f} to {phi.ci_high:.3f}" in text
    assert f"**{needed.value:.0f} officers**" in text


def test_every_number_is_traced(pages):
    for _, _, traced in pages.values():
        assert traced["sentences"]
    numbers = [n for s in pages["ratability_section"][2]["sentences"] for n in s["numbers"]]
    assert len(numbers) > 20


@pytest.mark.parametrize("name", ODD)
def test_odd_studies(name, pilot):
    study = odd(name, pilot)
    for section in SECTIONS[2:]:
        text, _, _ = written(study, section)
        assert not re.search(r"\bnan\b|\binf\b|None|∞", text)
        if name == "everyone unable" and section is dependability.dependability_section:
            assert "Error of one officer" in text  # the overall priority was given


@pytest.mark.parametrize("name", ODD)
def test_agreement_of_odd_studies(name, pilot):
    for section in SECTIONS[:2]:
        text, _, _ = written(odd(name, pilot), section)
        assert not re.search(r"\bnan\b|\binf\b|None", text)


def test_a_section_too_large_for_pairs_says_why(pilot, monkeypatch):
    monkeypatch.setattr(ratability, "MOST_OFFICERS", 10)
    monkeypatch.setattr(ratability, "MOST_RATINGS", 100)
    text, _, _ = written(pilot, ratability.ratability_section)
    assert text.count("would take too long with more than") == 2
