"""Sections on missed High priorities, the overall priority and what disagreement costs: what the page says is what was computed."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_study import write_workbook

import arms_irr as irr
from arms_irr.analysis.consequences import final_level, visits
from arms_irr.analysis.missed import cost_curve, cost_order, missed_high
from arms_irr.analysis.overall import overall_consistency, overall_integration
from arms_irr.instruments.rules import LEVELS
from arms_irr.reporting.document import Callout, Document, Figure, Section, Table, plain, texts, walk
from arms_irr.reporting.evaluation import draft_of
from arms_irr.reporting.report_settings import assumes_overall, cost_ratios, report_problems
from arms_irr.reporting.sections.consequences import consequences_section
from arms_irr.reporting.sections.missed import missed_section
from arms_irr.reporting.sections.overall import overall_section
from arms_irr.reporting.trace import trace
from arms_irr.study.opening import read_study
from arms_irr.study.ratings import Ratings

ROOT = Path(__file__).parents[1]
SECTIONS = (missed_section, overall_section, consequences_section)
L = LEVELS.categories
HIGHER = [{"overall": a, "rm2000": b, "level": L[max(i, j)]} for i, a in enumerate(L) for j, b in enumerate(L)]
OVERALL = 12


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


@pytest.fixture(scope="module")
def second():
    return irr.example("second_exercise")


def written(study, *sections):
    """The sections as a document whose every number was traced, and the words in it."""
    draft = draft_of(study)
    document = Document("t", tuple(section(draft) for section in sections or SECTIONS), synthetic=study.synthetic)
    json.loads(trace(document, draft.asked, draft.counts))
    said = "\n".join(plain(text) for _, text in texts(document.sections))
    assert not re.search(r"\bnan\b|\binf\b|None|\{|\*\*", said), said
    for block in walk(document.sections):
        if isinstance(block, Table):
            assert len(block.columns) <= 10, block.id
            cells = "|".join(cell for row in block.rows for cell in row)
            assert not re.search(r"\bnan\b|\binf\b|None", cells), cells
    return document, said


def table(document, id):
    return next(block for block in walk(document.sections) if isinstance(block, Table) and block.id == f"table-{id}")


def recoded(study, change):
    codes = np.asarray(change(study.ratings, study.ratings.code.copy()), dtype=np.int8)
    return replace(study, ratings=replace(study.ratings, code=codes))


def kept(study, rows):
    r = study.ratings
    return replace(study, ratings=Ratings(*(getattr(r, name)[rows] for name in ("rater", "case", "factor", "code", "occasion", "urgency"))))


def with_table(study):
    return replace(study, instrument=replace(study.instrument, rules={**study.instrument.rules, "combination": HIGHER}))


# --- missed High ------------------------------------------------------------------------------------------


def test_the_safety_statistic_leads(pilot):
    document, said = written(pilot, missed_section)
    for kind in ("risk", "protective"):
        e = missed_high(pilot, ["kind", "risk_band"]).get("missed_high", kind=kind, risk_band="higher")
        words = (f"{kind.capitalize()} factors in the higher-risk case: officers rated lower in {100 * e.value:.0f} of every 100 ratings where the "
                 f"gold standard is High; in all likelihood it is no more than {math.ceil(100 * e.ci_high)} of every 100 "
                 f"(one-sided 95 % limit; {e.n_ratings} ratings, 20 officers).")
        assert words in said
        row = next(row for row in table(document, "missed").rows if row[:2] == (f"{kind.capitalize()} factors", str(e.n_ratings)))
        assert row[2:4] == (f"{100 * e.value:.1f}", f"0.0 to {100 * e.ci_high:.1f}")
    assert "for safety" in plain(document.sections[0].blocks[0].text)


def test_two_steps_unable_and_false_high_stand_beside(pilot):
    document, said = written(pilot, missed_section)
    result = missed_high(pilot, ["kind", "risk_band"])
    lines = {"missed_two_steps": "Misses by two steps", "unable_gold_high": "unable to rate has not caught", "false_high": "The other way round"}
    for name, words in lines.items():
        most = max(row.estimate.value for row in result.where(name) if row.estimate.estimable and row["kind"] != "overall")
        line = next(line for line in said.split("\n") if words in line)
        assert f"{100 * most:.0f} %" in line
    risk = [result.get(name, kind="risk", risk_band="higher") for name in ("caught_high", "false_high")]
    row = next(row for row in table(document, "missed-others").rows if row[1] == str(risk[0].n_ratings))
    assert (row[2], row[4], row[5]) == (f"{100 * risk[0].value:.1f}", str(risk[1].n_ratings), f"{100 * risk[1].value:.1f}")


def test_factors_are_those_whose_gold_is_high(pilot):
    document, _ = written(pilot, missed_section)
    high = [f.label for i, f in enumerate(pilot.instrument.factors) if (pilot.gold[:, i] == 2).any() and f.kind != "overall"]
    rows = table(document, "missed-factors").rows
    assert [row[0] for row in rows] == high
    found = missed_high(pilot, ["factor"])
    shares = [found.get("missed_high", factor=f.id).value for f in pilot.instrument.factors if f.label in high]
    assert [row[2] for row in rows] == [f"{100 * share:.1f}" for share in shares]


def test_single_officers_are_counted_not_ranked(pilot, monkeypatch):
    _, said = written(pilot, missed_section)
    own = [row.estimate for row in missed_high(pilot, ["rater"]).where("missed_high")]
    lowest = math.ceil(100 * min(e.ci_high for e in own))
    assert f"{sum(e.value == 0 for e in own)} of 20 officers missed no High" in said
    assert f"the lowest upper limit of any officer is {lowest} of every 100" in said
    assert not any(officer in said for officer in pilot.raters)
    monkeypatch.setattr("arms_irr.reporting.sections.missed.MOST_OFFICERS", 19)
    draft = draft_of(pilot)
    missed_section(draft)
    assert "missed_high_by_officer" not in draft.asked


def test_none_missed_still_has_a_limit(pilot):
    gold = pilot.gold
    perfect = recoded(pilot, lambda r, code: np.where(code >= 0, gold[r.case, r.factor], code))
    _, said = written(perfect, missed_section)
    e = missed_high(perfect, ["kind", "risk_band"]).get("missed_high", kind="risk", risk_band="higher")
    assert e.value == 0
    limit = math.ceil(100 * e.ci_high)
    assert f"no rating was lower where the gold standard is High; in all likelihood it is no more than {limit} of every 100" in said
    assert "No rating was two steps or more below" in said
    assert "Errors cost the same" in said


def test_no_gold_high_is_one_sentence(pilot):
    study = replace(pilot, gold=np.minimum(pilot.gold, 1).astype(np.int8))
    document, said = written(study, missed_section)
    assert len(document.sections[0].blocks) == 1
    assert "The gold standard of no factor is High, so no High could be missed." in said
    unable = recoded(pilot, lambda r, code: np.where(r.factor == OVERALL, code, -1))
    document, said = written(unable, missed_section)
    assert len(document.sections[0].blocks) == 1
    assert "Nobody gave a priority where the gold standard is High" in said
    document, said = written(replace(pilot, gold=None), missed_section)
    assert len(document.sections[0].blocks) == 1
    assert "no gold standard" in said


def test_one_officer_gets_no_limit(pilot):
    _, said = written(kept(pilot, pilot.ratings.rater == 3), missed_section)
    assert "these ratings set no upper limit" in said
    assert "in all likelihood" not in said.split("One-sided")[0]


# --- cost of errors ---------------------------------------------------------------------------------------


def test_orders_that_hold_at_every_ratio(pilot, second):
    for study in (pilot, second):
        document, said = written(study, missed_section)
        told = [line for line in said.split("\n") if line.startswith(("Errors on", "Which costs more"))]
        clear, cells = 0, [f"{kind}, {band}" for kind in ("risk", "protective") for band in ("lower", "higher")]
        for a, b in ((0, 1), (0, 2), (1, 3), (2, 3)):
            rows = cost_order(study).where(first=cells[a], second=cells[b])
            clear += len({np.sign(limit) for row in rows for limit in (row.estimate.ci_low, row.estimate.ci_high)}) == 1
        assert len(told) == clear
        assert any(isinstance(block, Figure) and block.id == "fig-costs" for block in walk(document.sections))
        assert f"In {4 - clear} of 4 comparisons" in said


def test_an_order_that_turns_is_said_with_its_ratio(pilot):
    """Risk: two steps too high for everyone in one case; protective: one step too low."""
    gold = pilot.gold.copy()
    gold[:, :OVERALL] = 1
    gold[0, 7:OVERALL] = 2
    gold[0, :7] = 0

    def change(r, code):
        out = gold[r.case, r.factor].copy()
        mine = (r.case == 0) & (r.factor < 7) & ~((r.rater == 0) & (r.factor == 0))
        out[mine] = 2
        out[(r.case == 0) & (r.factor >= 7) & (r.factor < OVERALL) & ~((r.rater == 1) & (r.factor == 8))] = 1
        return out

    study = recoded(replace(pilot, gold=gold), change)
    _, said = written(study, missed_section)
    turn = cost_order(study).where(first="risk, lower", second="protective, lower").rows[0].estimate.parts["turns_at"]
    assert 1 < turn < 10
    assert f"depends on the ratio: risk factors in the lower-risk case up to {turn:.1f}, protective factors in the lower-risk case beyond" in said


def test_ratios_are_the_users(pilot):
    study = replace(pilot, report={"cost_ratios": [4, 1]})
    draft = draft_of(study)
    missed_section(draft)
    assert {row["ratio"] for row in draft.asked["cost_curve"]} == {"1", "4"}
    assert draft.asked["cost_curve"].rows == cost_curve(study, ratios=(1, 4)).rows
    _, said = written(replace(pilot, report={"cost_ratios": [2]}), missed_section)
    assert "at a ratio of 2" in said


# --- overall priority -------------------------------------------------------------------------------------


def test_agreement_consistency_and_sources(pilot):
    document, said = written(pilot, overall_section)
    exact = pilot.against_gold(["factor", "case"]).get("exact", factor="overall", case="case_b")
    row = table(document, "overall").rows[1]
    assert row[1:4] == (f"{exact.value * 20:.0f} of 20", f"{100 * exact.value:.1f}", f"{100 * exact.ci_low:.1f} to {100 * exact.ci_high:.1f}")
    assert "lower is not possible" in said
    for row in overall_consistency(pilot):
        assert f"{100 * row.estimate.value:.0f} of every 100 overall ratings fit the officer's own factor ratings" in said
    found = overall_integration(pilot)
    share = found.get("overall_from_factors")
    value, low, high = (f"{100 * x:.0f}" for x in (share.value, share.ci_low, share.ci_high))
    assert f"{value} % goes with different factor ratings (95 % interval {low} to {high}" in said
    assert "cannot be told: too few cases per officer" in said
    assert "fewer than five cases" in said
    assert f"{found.get('pairs_disagreeing_differ').parts['pairs']:.0f} such pairs" in said
    weights = [row.estimate.value for row in found.where("policy_weight")]
    assert [row[2].replace("−", "-") for row in table(document, "overall-weights").rows] == [f"{value:+.2f}" for value in weights]


def test_many_cases_go_by_band_and_to_the_tables(second):
    document, said = written(replace(with_table(second), report={"visits_assume_overall": True}))
    assert len(table(document, "overall").rows) == 2
    shares = [row.estimate.value for row in overall_consistency(second)]
    assert f"{100 * min(shares):.0f} of every 100" in said
    assert f"{100 * max(shares):.0f} of every 100" in said
    assert "tables/overall_consistency.csv" in said
    assert not any(block.id in ("table-visits", "table-final-level") for block in walk(document.sections) if isinstance(block, Table))
    e = [row.estimate for row in visits(second, assume_overall=True).where("visits_difference")]
    above, below = sum(x.ci_low > 0 for x in e), sum(x.ci_high < 0 for x in e)
    assert f"In {below} cases the officers' ratings mean fewer visits on average than the gold standard, in {above} cases more" in said


def test_what_the_study_does_not_carry_is_a_sentence(pilot):
    _, said = written(pilot, overall_section)
    assert "no combination table" in said
    none = kept(pilot, pilot.ratings.factor != OVERALL)
    document, said = written(none, overall_section)
    assert len(document.sections[0].blocks) == 1
    assert "no overall priority" in said
    _, said = written(replace(pilot, gold=None), overall_section)
    assert "no gold standard" in said
    assert "fit the officer's own factor ratings" in said


def test_the_level_of_the_users_table(pilot):
    study = with_table(pilot)
    document, said = written(study, overall_section)
    e = final_level(study).get("final_level_exact", case="case_b")
    assert table(document, "final-level").rows[1][2] == f"{100 * e.value:.1f}"
    assert f"the level that follows is the gold standard's in {100 * e.value:.0f} of every 100 ratings" in said


# --- visits -----------------------------------------------------------------------------------------------


def test_visits_are_never_assumed_unasked(pilot):
    for value in (False, "true", 1):
        document, said = written(replace(pilot, report={"visits_assume_overall": value}), consequences_section)
        assert not any(isinstance(block, Table) for block in walk(document.sections))
        assert "visits_assume_overall = true" in said


def test_the_assumption_is_named_before_the_numbers(pilot):
    study = replace(pilot, report={"visits_assume_overall": True})
    document, said = written(study, consequences_section)
    first = document.sections[0].blocks[0]
    assert isinstance(first, Callout)
    assert "applied to the overall priority, because study.toml asks for it" in said
    found = visits(study, assume_overall=True)
    for c, case in enumerate(pilot.cases):
        row = table(document, "visits").rows[c]
        gold, mean, difference = (found.get(name, case=case) for name in ("visits_gold", "visits_officers", "visits_difference"))
        assert row[2:4] == (f"{gold.value:.0f}", f"{mean.value:.2f}")
        assert float(row[5].replace("−", "-")) == round(difference.value, 2)
        assert f"{gold.value:.0f} by the gold standard and {mean.value:.1f} on average" in said


def test_visits_of_a_level_that_is_part_of_the_study_need_no_assumption(pilot):
    document, said = written(with_table(pilot), consequences_section)
    assert not any(isinstance(block, Callout) for block in walk(document.sections))
    assert "that of the combination table" in said
    assert "visits_assume_overall" not in said


# --- odd studies ------------------------------------------------------------------------------------------


def odd_studies(pilot):
    r = pilot.ratings
    yield "no gold", replace(pilot, gold=None)
    yield "one officer", kept(pilot, r.rater == 3)
    yield "two officers", kept(pilot, r.rater < 2)
    yield "no bands", replace(pilot, case_attributes={})
    yield "one officer, no gold", replace(kept(pilot, r.rater == 3), gold=None)
    yield "everyone unable", recoded(pilot, lambda r, code: np.where(r.factor == OVERALL, 0, -1))
    yield "one category", replace(recoded(pilot, lambda r, code: np.zeros_like(code)), gold=np.zeros_like(pilot.gold))
    yield "gold High, all Low", replace(recoded(pilot, lambda r, code: np.zeros_like(code)), gold=np.full_like(pilot.gold, 2))
    yield "all Very High", recoded(pilot, lambda r, code: np.where(r.factor == OVERALL, 3, 2))
    yield "nothing given", recoded(pilot, lambda r, code: np.full_like(code, -1))
    yield "one case", irr.Study.from_frames(pilot.frame().query("case == 'case_b'")[["rater", "case", "factor", "rating"]])
    rng = np.random.default_rng(1)
    for tool in ("three-point-items", "rm2000-s"):
        labels = {f.id: irr.load_instrument(tool).scale_of(f.id).categories for f in irr.load_instrument(tool).factors}
        rows = [(a, c, id, rng.choice(own)) for a in "abcde" for c in "pqrs" for id, own in labels.items()]
        ratings = pd.DataFrame(rows, columns=["rater", "case", "factor", "rating"])
        gold = ratings[ratings["rater"] == "a"].drop(columns="rater")
        yield tool, irr.Study.from_frames(ratings, gold, instrument=tool)


def test_odd_studies_survive(pilot):
    for _, study in odd_studies(pilot):
        for told in (study, replace(study, report={"visits_assume_overall": True}), with_table(study)):
            document, _ = written(told)
            assert all(isinstance(section, Section) and section.blocks for section in document.sections)


def test_factors_on_different_scales_are_not_pooled(pilot):
    study = dict(odd_studies(pilot))["rm2000-s"]
    document, said = written(study, missed_section)
    assert "counted factor by factor only" in said
    assert table(document, "missed-factors").rows


def test_one_officer_has_no_sources_of_disagreement(pilot):
    _, said = written(kept(pilot, pilot.ratings.rater == 3), overall_section, missed_section)
    assert "comes from cannot be told: only one rater" in said
    assert "missed no High" not in said


# --- [report] ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "value"), [
    ("visits_assume_overall", "true"), ("visits_assume_overall", 1), ("cost_ratios", []), ("cost_ratios", [0.5, 2]), ("cost_ratios", [True, 2]),
    ("cost_ratios", "1, 2"), ("cost_ratios", [math.inf]), ("grras", {"7": 3}), ("grras", "x"), ("visit_assume_overall", True),
])
def test_wrong_keys_are_problems(key, value):
    study = replace(read_study(ROOT / "data" / "pilot"), report={"grras": {"1": "in the title"}, key: value})
    (problem,) = report_problems(study)
    assert problem.file == "study.toml"
    assert problem.column == key
    assert problem.severity == "error"
    assert key in problem.message
    assert problem.remedy
    if key == "visit_assume_overall":
        assert "Did you mean 'visits_assume_overall'?" in problem.remedy


def test_right_keys_are_read(pilot):
    study = replace(pilot, report={"visits_assume_overall": True, "cost_ratios": [10, 1, 2.5], "grras": {"1": "x"}})
    assert report_problems(study) == ()
    assert assumes_overall(study)
    assert cost_ratios(study) == (1, 2.5, 10)
    assert report_problems(pilot) == ()
    assert not assumes_overall(pilot)


def test_a_workbook_knows_only_text(tmp_path):
    keys = [("title", "Small"), ("instrument", "tiny.toml"), ("synthetic", True), ("report.visits_assume_overall", True),
            ("report.cost_ratios", "1, 3")]
    study = read_study(write_workbook(tmp_path / "a.xlsx", study=keys))
    assert report_problems(study) == ()
    assert assumes_overall(study)
    assert cost_ratios(study) == (1, 3)
    wrong = read_study(write_workbook(tmp_path / "b.xlsx", study=[*keys[:3], ("report.visits_assume_overall", "maybe")]))
    (problem,) = report_problems(wrong)
    assert (problem.file, problem.sheet) == ("b.xlsx", "study")
