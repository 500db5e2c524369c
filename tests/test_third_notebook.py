"""What the text of the third notebook says about the example is so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import arms_irr as irr

TEXT = (Path(__file__).parents[1] / "notebooks" / "03_evaluation_report.py").read_text("utf-8")


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


def test_a_missed_high_has_one_side_and_none_where_the_gold_standard_is_never_high(pilot):
    found = {(row["kind"], row["risk_band"]): row.estimate for row in pilot.missed_high(["kind", "risk_band"]).where("missed_high")}
    assert {place for place, e in found.items() if e.estimable} == {("risk", "higher"), ("protective", "higher")}
    for e in found.values():
        assert e.ci_low == 0 if e.estimable else e.flags == ("no-gold-high",)


def test_three_questions_and_the_flag_of_a_single_case(pilot):
    result = pilot.confirmatory()
    assert [row["contrast"] for row in result] == ["risk_band", "kind", "risk_band x kind"]
    assert [("one-case-per-band" in row.estimate.flags) for row in result] == [True, False, True]
    assert "`one-case-per-band`" in TEXT


def test_an_officer_has_some_24_ratings_and_a_wide_interval(pilot):
    rows = pilot.severity().where("severity", facet="officer").rows
    assert len(rows) == 20
    for row in rows:
        e = row.estimate
        assert 20 <= e.n_ratings <= 24
        assert e.ci_high - e.ci_low > 1.5


def test_the_first_sentence_can_be_traced_as_the_text_says(pilot_report, pilot):
    trace = json.loads((pilot_report / "report.json").read_text("utf-8"))
    number = trace["sentences"][0]["numbers"][0]
    result = trace["results"][number["result"]]
    row = result["every_row"] | dict(zip([*result["columns"], *result["parts"]], result["rows"][str(number["row"])], strict=True))
    assert row["estimate"] == pilot.against_gold(["risk_band"]).get("exact", risk_band="lower").value
    assert {"ci_low", "method", "target", "n_raters", "n_ratings", "deff"} <= set(row)
    assert (pilot_report / "tables" / f"{number['result']}.csv").exists()
