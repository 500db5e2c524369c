"""The sections on other choices and on published claims: their numbers are those of the questions, and odd studies survive."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import arms_irr as irr
from arms_irr.analysis.claims import check_claims, read_claims
from arms_irr.analysis.conclusions import conclusions, factor_ranks, ranges
from arms_irr.analysis.sensitivity import sensitivity
from arms_irr.errors import ArgumentError, DataError
from arms_irr.reporting.document import Callout, Document, Section, Table, plain, texts, walk
from arms_irr.reporting.evaluation import draft_of
from arms_irr.reporting.sections.claims import claims_of, claims_section
from arms_irr.reporting.sections.sensitivity import sensitivity_section
from arms_irr.reporting.trace import trace
from tests.test_evaluation import ODD, odd

ROOT = Path(__file__).parents[1]
MORE = """
[[claim]]
id = "value"
text = "agreement was 80 %"
source = "Book 1"
kind = "value"
statistic = "exact"
value = 0.80
n = 130
ci = [0.7, 0.9]
where = { kind = "risk", risk_band = "lower" }

[[claim]]
id = "untested"
text = "kappa of .4"
source = "Book 2"
kind = "value"
statistic = "fleiss"
value = 0.4
where = { factor = "opportunity" }

[[claim]]
id = "steps"
text = "police rate lower"
source = "Book 3"
kind = "ordering"
statistic = "mean_signed_error"
first = { agency = "police" }
relation = "<"
second = { agency = "probation" }

[[claim]]
id = "impossible"
text = "85 % and kappa .95"
source = "Book 4"
kind = "summary"
percent = "85"
kappa = "0.95"
n = 20
categories = 2

[[claim]]
id = "percent"
text = "83 %"
source = "Book 5"
kind = "summary"
percent = "83.0"
n = 20
categories = 2
"""


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


@pytest.fixture(scope="module")
def claimed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims") / "pilot"
    shutil.copytree(ROOT / "data" / "pilot", folder)
    with (folder / "claims.toml").open("a", encoding="utf-8") as file:
        file.write(MORE)
    return irr.read_study(folder)


def said(section: Section) -> str:
    return "\n".join(plain(text) for _, text in texts((section,)))


def tables(section: Section) -> dict[str, Table]:
    return {block.id: block for block in walk((section,)) if isinstance(block, Table)}


def traced(section: Section, draft) -> dict:
    return json.loads(trace(Document("t", (section,), synthetic=draft.study.synthetic), draft.asked, draft.counts))


# --- other choices ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(pilot):
    draft = draft_of(pilot)
    return draft, sensitivity_section(draft)


@pytest.fixture(scope="module")
def grid(pilot):
    return sensitivity(pilot)


def test_every_conclusion_is_told_with_its_counts(written, grid):
    _, section = written
    found = [row for row in conclusions(grid) if not row["choice"]]
    rows = tables(section)["table-conclusions"].rows
    assert len(rows) == len(found)
    for row, cells in zip(sorted(found, key=lambda row: row["measured"] != "against the gold standard"), rows, strict=True):
        parts = row.estimate.parts
        assert cells[1:4] == ("holds" if parts["at_base"] else "does not hold", f"{parts['points']:.0f}", f"{100 * row.estimate.value:.1f}")
        assert (cells[4] == "none") == (parts["flips"] == 0)
    text = said(section)
    assert "Officers are more consistent in the lower-risk case than in the higher-risk case: in all 12 analyses." in text
    some = next(row.estimate.parts for row in found if row["conclusion"] == "lower: above 0.6")
    assert f"in {some['holds']:.0f} of {some['points']:.0f} analyses; in the usual one it holds. One changed choice turns it: " in text


def test_the_number_of_analyses_is_that_of_the_grid(written, grid):
    points = {(row.coefficient, row.estimate.weights, row["unable"], row["officers"], row["gold"]) for row in grid if row.estimate.estimable}
    assert f"analysed in {len(points)} ways" in said(written[1])


def test_ranges_are_those_of_the_grid(written, grid):
    section = written[1]
    for row in ranges(grid):
        values = [one.estimate.value for one in grid.where(row.coefficient, risk_band=row["risk_band"]) if one.estimate.estimable]
        assert row.estimate.parts["least"] == min(values)
        assert row.estimate.parts["most"] == max(values)
        assert row.estimate.parts["points"] == len(values)
    exact = ranges(grid).where("exact", risk_band="lower").rows[0].estimate
    usual = grid.get("exact", risk_band="lower", unable="left out", officers="everyone", gold="as given")
    assert (exact.value, exact.ci_low, exact.ci_high) == (usual.value, usual.ci_low, usual.ci_high)
    cells = tables(section)["table-ranges-shares"].rows[0]
    assert cells[1] == f"{100 * exact.value:.1f}"
    assert cells[3:5] == (f"{100 * exact.parts['least']:.1f}", f"{100 * exact.parts['most']:.1f}")


def test_a_range_names_the_choices_at_its_ends(grid):
    row = next(row for row in ranges(grid).where("exact", risk_band="higher"))
    assert row["least_at"] == "unable disagreement"
    at = grid.get("exact", risk_band="higher", unable="disagreement", officers="everyone", gold="as given")
    assert row.estimate.parts["least"] == at.value
    with pytest.raises(ArgumentError, match="grid of sensitivity"):
        ranges(grid.where("exact").__class__("other", ("kind",), ()))


def test_places_of_the_factors(written, grid):
    ranks = factor_ranks(grid)
    rows = tables(written[1])["table-factor-ranks"].rows
    assert len(rows) == len(ranks.where("rank"))
    stable = ranks.get("rank_correlation", measured="between officers")
    assert f"rank correlation of {stable.value:.2f}" in said(written[1])


def test_the_whole_grid_goes_to_the_tables_and_every_number_has_its_row(written, grid):
    draft, section = written
    assert len(draft.asked["sensitivity"]) == len(grid)
    content = traced(section, draft)
    told = [sentence for sentence in content["sentences"] if "analyses. " in sentence["text"]]
    assert all(number["result"] in ("conclusions", "counts") for sentence in told for number in sentence["numbers"])


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_survive(name, pilot):
    draft = draft_of(odd(name, pilot))
    section = sensitivity_section(draft)
    traced(section, draft)
    assert not re.search(r"\bnan\b|\binf\b|None", said(section) + str([table.rows for table in tables(section).values()]))
    if name == "one officer, no gold":
        assert "too few ratings" in said(section)
    if name in ("everyone unable", "perfect"):  # nothing moves, and the factors have no order
        assert "moves most" not in said(section)
        assert "table-factor-ranks" not in tables(section)
    if name == "no gold":
        assert "What survives: agreement with the gold standard" not in said(section)


# --- published claims -------------------------------------------------------------------------------------


def test_claims_stand_with_words_source_verdict_and_number(claimed):
    draft = draft_of(claimed)
    section = claims_section(draft)
    found = check_claims(claimed, claims_of(claimed))
    text = said(section)
    exact = found.where("exact", claim="value").rows[0].estimate
    assert "“agreement was 80 %” (Book 1). Reproduced in the simulation: " in text
    assert f"claimed to be 80 % for risk factors in the lower-risk case, and is {100 * exact.value:.1f} %" in text
    assert f"(95 % interval {100 * exact.ci_low:.1f} to {100 * exact.ci_high:.1f}; 20 officers, 137 ratings); the claim lies in the interval" in text
    assert "the published interval is 70 % to 90 %; the claim rests on 130 ratings, this number on 137 ratings" in text
    assert "Cannot be tested: fewer than 5 subjects" in text
    assert "Impossible: with 85 % agreement on 20 subjects, Cohen's kappa can be from −0.071 to 0.706; 0.95 was published" in text
    assert "no number of agreements among 20 pairs of ratings gives 83.0 %" in text
    assert "Read as: officers give the gold standard's priority more often" in text
    rows = {cells[0]: cells for cells in tables(section)["table-claims"].rows}
    assert rows["steps"][2] == "steps"
    assert rows["untested"][4:6] == ("n/a", "n/a")
    assert len(rows) == len([row for row in found if row["kind"] != "summary"])
    traced(section, draft)


def test_synthetic_studies_say_that_the_verdict_is_about_the_simulation(claimed):
    section = claims_section(draft_of(claimed))
    assert any("about the simulation only" in said(Section("x", "x", block.blocks)) for block in section.blocks if isinstance(block, Callout))


def test_a_study_without_claims_says_so(pilot):
    study = irr.example("pilot")
    assert claims_of(study) == ()
    assert "no file of published claims" in said(claims_section(draft_of(study)))
    assert len(claims_of(pilot)) == len(read_claims(ROOT / "data" / "pilot", pilot))


def test_every_mistake_of_a_claims_file_is_told_at_once(tmp_path):
    folder = tmp_path / "pilot"
    shutil.copytree(ROOT / "data" / "pilot", folder)
    (folder / "claims.toml").write_text('[[claim]]\nid = "a"\ntext = "t"\nkind = "valu"\n[[claim]]\nid = "a"\ntext = "t"\nsource = "s"\n'
                                        'kind = "value"\nstatistic = "exakt"\nvalue = 0.5\n', "utf-8")
    with pytest.raises(DataError) as caught:
        claims_of(irr.read_study(folder))
    assert len(caught.value.problems) == 4  # no source, unknown kind, id used twice, unknown statistic
