"""Sections on officers, the gold review list, noise or two camps, the discussion, and the map of what is missing."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_evaluation import ODD, odd, parts

import arms_irr as irr
from arms_irr.analysis.camps import camps
from arms_irr.analysis.diagnostics import diagnostics
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.gold_review import uncertain_gold
from arms_irr.analysis.raters import EVERYONE, funnel, typical
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.reporting.document import Document, Figure, Table, plain, texts, walk
from arms_irr.reporting.evaluation import draft_of
from arms_irr.reporting.markdown import to_markdown
from arms_irr.reporting.sections.about import quality_section
from arms_irr.reporting.sections.camps import camps_section
from arms_irr.reporting.sections.discussion import discussion_section, training_points
from arms_irr.reporting.sections.officers import officers_section
from arms_irr.reporting.sections.review import review_section
from arms_irr.reporting.trace import trace
from arms_irr.statistics.estimate import Estimate, undefined

SECTIONS = (officers_section, review_section, camps_section, discussion_section, quality_section)


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


@pytest.fixture(scope="module")
def drafted(pilot):
    draft = draft_of(pilot)
    return draft, {write.__name__: write(draft) for write in SECTIONS}


def said(section):
    return " ".join(plain(text) for _, text in texts((section,)))


def tables(section):
    return {block.id: block for block in walk((section,)) if isinstance(block, Table)}


def figures(section):
    return {block.id: block for block in walk((section,)) if isinstance(block, Figure)}


def changed(pilot, change):
    """The pilot with its ratings changed: ``change`` takes and returns the frame of ratings."""
    ratings, gold, cases = parts(pilot)
    return irr.Study.from_frames(change(ratings.copy()), gold, cases)


# --- the funnel and the officer in the middle --------------------------------------------------------------


def test_the_funnel_counts_who_lies_outside(pilot):
    def worse(frame):
        """Two officers who are wrong nearly everywhere."""
        bad = frame["rater"].isin(["officer_01", "officer_02"]) & (frame["factor"] != "overall")
        return frame.assign(rating=np.where(bad, "Medium", frame["rating"]))

    study = changed(pilot, worse)
    found = funnel(study, levels=(0.9,))
    own = against_gold(study, ["rater"]).where("exact")
    each = {row["rater"]: row.estimate for row in found.where("exact") if row["rater"] != EVERYONE}
    assert {row["rater"]: (row.estimate.value, row.estimate.n_ratings) for row in own} == {
        rater: (e.value, e.n_ratings) for rater, e in each.items()}
    n = np.array([e.n_ratings for e in each.values()])
    hits = np.rint([e.value * e.n_ratings for e in each.values()])
    p = hits.sum() / n.sum()
    assert found.get("exact", rater=EVERYONE, limits="").value == pytest.approx(p, rel=1e-14)
    low, high = stats.binom.ppf(0.05, n, p), stats.binom.ppf(0.95, n, p)
    outside = found.get("outside", limits="90 %")
    assert outside.parts["below"] == (hits < low).sum() >= 2
    assert outside.parts["above"] == (hits > high).sum()
    assert outside.value == outside.parts["below"] + outside.parts["above"]
    assert outside.parts["by_chance"] == pytest.approx((stats.binom.cdf(low - 1, n, p) + stats.binom.sf(high, n, p)).sum(), rel=1e-12)
    for row in found.where("funnel_limit"):
        m = int(row["ratings"])
        assert [row.estimate.ci_low * m, row.estimate.ci_high * m] == pytest.approx(stats.binom.ppf([0.05, 0.95], m, p))
    assert {int(row["ratings"]) for row in found.where("funnel_limit")} >= set(n.tolist())


def test_a_funnel_at_the_ends_and_without_ratings(pilot):
    for name, share in (("perfect", 1.0), ("one category", 1.0)):
        found = funnel(odd(name, pilot))
        assert found.get("exact", rater=EVERYONE, limits="").value == share
        assert [row.estimate.value for row in found.where("outside")] == [0, 0]
        assert all(row.estimate.parts["by_chance"] == 0 for row in found.where("outside"))
    never = changed(pilot, lambda x: x.assign(rating=np.where(x["factor"] == "overall", x["rating"], "Low")).merge(
        parts(pilot)[1].rename(columns={"rating": "gold"})).query("gold != 'Low' or factor == 'overall'").drop(columns="gold"))
    found = funnel(never)
    assert found.get("exact", rater=EVERYONE, limits="").value == 0
    assert [row.estimate.value for row in found.where("outside")] == [0, 0]
    assert not funnel(odd("everyone unable", pilot)).where("outside").rows
    with pytest.raises(ArgumentError, match="no gold standard"):
        funnel(odd("no gold", pilot))
    with pytest.raises(ArgumentError):
        funnel(pilot, levels=(95,))


def test_the_officer_in_the_middle():
    values = [3.0, 1.0, 2.0, 10.0]
    rows = [Row({"rater": str(i)}, "elevation", Estimate(v, n_ratings=5)) for i, v in enumerate(values)]
    rows += [Row({"rater": "4"}, "elevation", undefined("few-subjects")), Row({"rater": "0"}, "slope", undefined("constant-gold"))]
    found = typical(Result("?", ("rater",), tuple(rows)))
    e = found.get("elevation")
    assert e.value == np.median(values)
    assert (e.parts["first_quarter"], e.parts["third_quarter"]) == tuple(np.quantile(values, [0.25, 0.75]))
    assert (e.parts["lowest"], e.parts["highest"], e.parts["lacking"], e.n_raters, e.n_ratings) == (1, 10, 1, 4, 20)
    assert found.get("slope").flags == ("constant-gold",)


# --- what stands on the pages ------------------------------------------------------------------------------


def test_every_number_has_a_source(drafted):
    draft, sections = drafted
    document = Document("t", tuple(sections.values()), synthetic=True)
    assert trace(document, draft.asked, draft.counts)
    assert not re.search(r"\bnan\b|\binf\b|None", to_markdown(document))


def test_officers_stand_in_the_order_of_the_study_and_carry_their_own_numbers(pilot, drafted):
    table = tables(drafted[1]["officers_section"])["table-officers-gold"]
    assert [row[0] for row in table.rows] == list(pilot.raters)
    found, own = diagnostics(pilot), against_gold(pilot, ["rater"])
    for row in table.rows:
        exact, shrunken = own.get("exact", rater=row[0]), found.get("severity_shrunken", rater=row[0])
        assert row[1:3] == (str(exact.n_ratings), f"{100 * exact.value:.1f}")
        assert row[6].replace("−", "-") == (f"{shrunken.value:+.2f}" if round(shrunken.value, 2) else "0.00")
    scale = tables(drafted[1]["officers_section"])["table-officers-scale"]
    assert len(scale.columns) <= 10
    assert all(len(t.columns) <= 10 for section in drafted[1].values() for t in tables(section).values())
    for row in scale.rows:
        missed = found.get("missed_high", rater=row[0])
        assert row[1:4] == (str(missed.n_ratings), f"{100 * missed.value:.1f}", f"{100 * missed.ci_low:.1f} to {100 * missed.ci_high:.1f}")


def test_how_many_officers_cannot_be_told_apart_is_counted(pilot, drafted):
    draft, sections = drafted
    alike = sum("not-separated" in row.estimate.flags for row in diagnostics(pilot).where("severity_shrunken"))
    assert f"These ratings cannot separate {alike} of 20 officers" in said(sections["officers_section"])
    assert draft.counts["officers_like_the_group_error"].value == alike
    assert "no ranking" in said(sections["officers_section"])


def test_many_officers_are_not_named_on_the_pages(pilot):
    ratings, gold, cases = parts(pilot)
    copies = [ratings.assign(rater=f"{k}_" + ratings["rater"].str.replace("officer", "person")) for k in range(4)]
    study = irr.Study.from_frames(pd.concat(copies), gold, cases)
    draft = draft_of(study)
    section = officers_section(draft)
    assert "person" not in to_markdown(Document("t", (section, quality_section(draft), discussion_section(draft)), synthetic=True))
    assert not {"table-officers-gold", "table-officers-scale"} & set(tables(section))
    assert "tables/officers.csv" in said(section)
    assert {"fig-funnel", "fig-ruler"} <= set(figures(section))


def test_reversed_officers_are_named_as_a_question_with_results_without_them(pilot):
    turned = {"Low": "High", "High": "Low"}
    protective = {f.id for f in pilot.instrument.factors if f.kind == "protective"}

    def turn(frame):
        hit = frame["rater"].isin(["officer_02", "officer_06"]) & frame["factor"].isin(protective)
        return frame.assign(rating=frame["rating"].where(~hit, frame["rating"].replace(turned)))

    draft = draft_of(changed(pilot, turn))
    words = said(officers_section(draft))
    assert re.search(r"2 of 20 officers agree much better .* itself: officer_02 and officer_06", words)
    rest = draft.asked["reversal"].get("exact", rater="without those flagged")
    assert f"without those flagged, in {100 * rest.value:.0f} of every 100" in words
    assert any("which way round" in plain(point) for point in training_points(draft))


def test_influence_says_what_moves_and_removes_nobody(drafted):
    draft, sections = drafted
    flagged = [row for row in draft.asked["influence"] if "influential" in row.estimate.flags]
    table = tables(sections["officers_section"])["table-influence"]
    assert len(flagged) <= len(table.rows)
    assert table.rows[0][3:5] == tuple(f"{flagged[0].estimate.parts[part]:.3f}" for part in ("with", "without"))
    assert "everybody stays in the results" in said(sections["officers_section"])


def test_too_large_for_models_is_said(pilot, monkeypatch):
    from arms_irr.reporting.sections import influence, ruler

    monkeypatch.setattr(ruler, "MOST_FOR_MODELS", 10)
    monkeypatch.setattr(influence, "MOST_FOR_MODELS", 10)
    draft = draft_of(pilot)
    words = said(officers_section(draft))
    assert "left out of this report for more than 10 officers" in words
    assert "leaving out one of so many" in words
    assert not {"severity", "influence"} & set(draft.asked)


# --- gold review -------------------------------------------------------------------------------------------


def test_the_review_list_shows_where_officers_agree_on_something_else(pilot):
    cell = {"case": "case_a", "factor": "opportunity"}  # gold standard Low

    def move(frame):
        here = (frame["case"] == cell["case"]) & (frame["factor"] == cell["factor"]) & (frame["rating"] == "Low")
        return frame.assign(rating=np.where(here, "High", frame["rating"]))

    section = review_section(draft_of(changed(pilot, move)))
    (row,) = tables(section)["table-gold-review"].rows
    assert row[:5] == ("case_a", "Opportunity", "Low", "High", "19")
    assert row[-1] == "−2.0"
    assert "the data cannot say which" in said(section)
    assert "In 1 of 26 cells" in said(section)


def test_a_panel_shows_its_own_agreement_and_what_its_doubt_costs(pilot, drafted):
    rng = np.random.default_rng(0)

    def member():
        moved = (rng.random(pilot.gold.shape) < 0.25) & (pilot.gold >= 0)
        return np.where(moved, np.clip(pilot.gold + rng.choice([-1, 1], pilot.gold.shape), 0, 2), pilot.gold).astype(np.int8)

    study = replace(pilot, gold_panel={name: member() for name in ("a", "b", "c")})
    section = review_section(draft_of(study))
    found = tables(section)
    assert "Base: 3 members" in plain(found["table-gold-panel"].caption)
    drawn = [row.estimate for _, part in uncertain_gold(study).split("risk_band").items() for row in part]
    plainly = against_gold(study, ["kind", "risk_band"]).where("exact")
    for row, e in zip(found["table-uncertain-gold"].rows, drawn, strict=True):
        assert row[4] == f"{100 * e.value:.1f}"
        assert row[6] == f"{100 * e.parts['lowest']:.1f} to {100 * e.parts['highest']:.1f}"
        assert row[2] in {f"{100 * one.estimate.value:.1f}" for one in plainly}
    assert "single source" in said(drafted[1]["review_section"])


# --- noise or two camps ------------------------------------------------------------------------------------


def split(frame):
    here = (frame["case"] == "case_b") & (frame["factor"] == "social_investment")
    half = frame["rater"].str[-2:].astype(int) <= 11
    return frame.assign(rating=np.where(here, np.where(half, "Low", "High"), frame["rating"]))


def test_two_camps_need_a_rule(pilot):
    draft = draft_of(changed(pilot, split))
    section = camps_section(draft)
    words = said(section)
    assert "Two camps, 1 cell: two groups with few officers between them. Agree on a rule" in words
    (row,) = [row for row in tables(section)["table-camps"].rows if row[1] == "Two camps"]
    assert row[0] == "Social investment"
    assert row[3:5] == ("55.0", "45.0")
    assert plain(figures(section)["fig-camps"].title) == "Officers form two camps in 1 cell"
    points = [plain(point) for point in training_points(draft)]
    assert any(point.startswith("Social investment") and "agree on a rule" in point for point in points)


def test_many_cases_count_verdicts_and_list_the_camps():
    second = irr.example("second_exercise")
    draft = draft_of(second)
    section = camps_section(draft)
    table = tables(section)["table-camps"]
    found = camps(second, seed=draft.options.seed)
    heads = [column.head for column in table.columns[2:]]
    for row in table.rows:
        own = [one["verdict"] for one in found if second.instrument.factor(one["factor"]).label == row[0]]
        assert int(row[1]) == len(own) == sum(map(int, row[2:]))
        assert [own.count(head.lower()) for head in heads] == list(map(int, row[2:]))
    assert "table-two-camps" not in tables(section)
    some = replace(found, rows=tuple(Row({**row.group, "verdict": "two camps"}, row.coefficient, row.estimate) for row in found.rows[:3]))
    draft.asked["camps"] = some
    assert len(tables(camps_section(draft))["table-two-camps"].rows) == 3
    assert any("Opportunity in at least one case" in plain(point) for point in training_points(draft))


# --- discussion --------------------------------------------------------------------------------------------


def test_training_starts_with_the_largest_departures_and_ranks_no_officer(pilot, drafted):
    draft, sections = drafted
    found = against_gold(pilot, ["factor", "case"])
    shares = sorted((row.estimate.value for name in ("under", "over") for row in found.where(name)
                     if row.estimate.estimable and row["factor"] != "overall"), reverse=True)
    points = [plain(point) for point in training_points(draft)]
    told = [int(m[1]) for point in points if (m := re.search(r"in (\d+) of every 100", point))]
    assert told == [round(100 * share) for share in shares[:5]]
    assert not any("officer_" in point for point in points)
    assert "Each risk band is a single case" in said(sections["discussion_section"])


def test_without_a_gold_standard_training_starts_with_least_agreement(pilot):
    draft = draft_of(odd("no gold", pilot))
    points = [plain(point) for point in training_points(draft)]
    values = sorted(row.estimate.value for row in camps(draft.study))
    assert [float(re.search(r"agreement A (\S+)", point)[1]) for point in points] == [round(v, 2) for v in values[:5]]


# --- what is missing ---------------------------------------------------------------------------------------


def test_the_map_of_what_is_missing_and_who_gave_few(pilot, drafted):
    assert "fig-missing" in figures(drafted[1]["quality_section"])
    assert "table-incomplete" not in tables(drafted[1]["quality_section"])
    few = changed(pilot, lambda x: x.assign(rating=np.where((x["rater"] == "officer_04") & (x["case"] == "case_a") & (x["factor"] != "overall"),
                                                            "Unable to rate", x["rating"])))
    section = quality_section(draft_of(few))
    (row,) = tables(section)["table-incomplete"].rows
    assert row[:2] == ("officer_04", "24")
    assert int(row[2]) + int(row[3]) + int(row[4]) == 24
    assert "1 of 20 officers gave fewer than 80 %" in said(section)
    assert "fig-missing" not in figures(quality_section(draft_of(odd("perfect", pilot))))


# --- odd studies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_have_every_section(name, pilot):
    draft = draft_of(odd(name, pilot))
    sections = tuple(write(draft) for write in SECTIONS)
    document = Document("t", sections)
    assert trace(document, draft.asked, draft.counts)
    assert not re.search(r"\bnan\b|\binf\b|None", to_markdown(document))
    assert all(section.blocks for section in sections)
    words = said(sections[0])
    reasons = {"no gold": "declares no gold standard", "everyone unable": "cannot be compared with the gold standard here",
               "one officer": "only one rater"}
    assert reasons.get(name, "") in words
