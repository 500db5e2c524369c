"""Rates of "unable to rate" and the model of it: against counts, the 2 x 2 table it is without random effects, a simulation."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import arms_irr as irr
from arms_irr.analysis.unable import ratability_model, unable_by_gold, unable_rates, unable_spread

UTR = "Unable to rate"
FACTORS = irr.load_instrument("arms-12").factors


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


def answers(study):
    frame = study.frame()
    frame = frame[(frame["kind"] != "overall") & frame["rating"].notna()]
    return frame.assign(u=frame["rating"] == UTR)


def test_rates_spread_and_gold_are_counts(pilot):
    frame = answers(pilot)
    found = unable_rates(pilot, ["factor", "case"])
    for (factor, case), own in frame.groupby(["factor", "case"]):
        assert found.get("unable_to_rate", factor=factor, case=case).value == pytest.approx(own["u"].mean())
    shares = frame.groupby("rater")["u"].mean()
    spread = {row["of"]: row.estimate for row in unable_spread(pilot)}
    assert (spread["lowest"].value, spread["median"].value, spread["highest"].value) == (shares.min(), shares.median(), shares.max())
    assert spread["lowest"].parts["officers"] == (shares == 0).sum()
    by_gold = unable_by_gold(pilot)
    for gold, own in frame.groupby("gold"):
        assert by_gold.get("unable_to_rate", gold=gold).value == pytest.approx(own["u"].mean())
    same = pilot.ratability(["kind", "risk_band"]).where("unable_to_rate")
    assert [row.estimate for row in same] == [row.estimate for row in unable_rates(pilot, ["kind", "risk_band"])]


def test_without_random_effects_the_model_is_the_table(pilot):
    """Both standard deviations are estimated as 0 here: then the crossed model is saturated."""
    found, frame = ratability_model(pilot), answers(pilot)
    assert all("boundary" in row.estimate.flags for row in found)
    for band, own in frame.groupby("risk_band"):
        p = {kind: part["u"].mean() for kind, part in own.groupby("kind")}
        n = {kind: len(part) for kind, part in own.groupby("kind")}
        odds = {kind: share / (1 - share) for kind, share in p.items()}
        ratio = found.get("unable_odds_ratio", where=band)
        assert ratio.value == pytest.approx(odds["protective"] / odds["risk"], rel=1e-4)
        woolf = math.sqrt(sum(1 / (n[k] * p[k]) + 1 / (n[k] * (1 - p[k])) for k in p))
        assert ratio.parts["log_odds_se"] == pytest.approx(woolf, rel=1e-3)
        difference = found.get("difference", where=band)
        assert difference.value == pytest.approx(p["protective"] - p["risk"], abs=1e-5)
        assert difference.se == pytest.approx(math.sqrt(sum(p[k] * (1 - p[k]) / n[k] for k in p)), rel=1e-3)
        for kind, share in p.items():
            assert found.get("unable_probability", kind=kind, where=band).value == pytest.approx(share, abs=1e-5)
    assert not found.where("unable_odds_ratio", where="all ratings").rows  # one for each band


def simulated(log_odds=1.2, sd=0.8, officers=60, seed=4, risk=0.06, band=None):
    rng = np.random.default_rng(seed)
    factors = [f for f in FACTORS if f.kind in ("risk", "protective")]
    own = rng.normal(0, sd, officers)
    start = math.log(risk / (1 - risk))
    rows = []
    for c in range(6):
        for f in factors:
            p = expit(start + own + log_odds * (f.kind == "protective"))
            unable = rng.random(officers) < p
            rows += [(f"o{r:03d}", f"c{c}", f.id, UTR if unable[r] else "Low") for r in range(officers)]
    cases = pd.DataFrame({"case": [f"c{c}" for c in range(6)], "risk_band": band}) if band else None
    return irr.Study.from_frames(pd.DataFrame(rows, columns=["rater", "case", "factor", "rating"]), cases=cases)


def test_it_recovers_the_odds_ratio_and_the_marginal_difference():
    ratio = ratability_model(simulated()).get("unable_odds_ratio")
    assert abs(ratio.parts["log_odds"] - 1.2) < 3 * ratio.parts["log_odds_se"]
    assert ratio.parts["log_odds_se"] < 0.2
    difference = ratability_model(simulated()).get("difference")
    z = np.random.default_rng(1).normal(0, 0.8, 400_000)
    start = math.log(0.06 / 0.94)
    true = expit(start + 1.2 + z).mean() - expit(start + z).mean()
    assert abs(difference.value - true) < 3 * difference.se


def test_a_band_without_any_gets_one_ratio_for_all(pilot):
    frame = pilot.frame()[["rater", "case", "factor", "rating", "kind", "risk_band"]]
    clean = (frame["kind"] == "risk") & (frame["risk_band"] == "lower") & (frame["rating"] == UTR)
    cases = pd.DataFrame({"case": pilot.cases, "risk_band": ["lower", "higher"]})
    study = irr.Study.from_frames(frame.assign(rating=frame["rating"].mask(clean, "Low"))[["rater", "case", "factor", "rating"]], cases=cases)
    found = ratability_model(study)
    ratios = {row.estimate.value for row in found.where("unable_odds_ratio")}
    assert len(found.where("unable_odds_ratio")) == 3
    assert len(ratios) == 1
    assert "the same in every risk band" in found.notes[0]


@pytest.mark.parametrize(("change", "flag"), [
    (lambda f: f.assign(rating=f["rating"].where(f["rating"] != UTR, "Low")), "never-unable"),
    (lambda f: f.assign(rating=UTR), "one-category"),
    (lambda f: f[f["kind"] == "risk"], "one-kind"),
    (lambda f: f[f["rater"] == "officer_02"], "one-rater"),
    (lambda f: f[f["factor"] == "opportunity"].assign(rating=UTR), "one-kind"),
])  # fmt: skip
def test_why_there_is_no_model(pilot, change, flag):
    frame = answers(pilot)
    study = irr.Study.from_frames(change(frame)[["rater", "case", "factor", "rating"]])
    assert {row.estimate.flags for row in ratability_model(study)} == {(flag,)}
    assert {row.estimate.flags for row in ratability_model(pilot, most=100)} == {("too-many-ratings",)}


def test_the_jackknife_of_positive_agreement_leaves_out_every_officer(pilot):
    e = pilot.ratability(["case"]).get("positive_agreement", case="case_b")
    table = answers(pilot).query("case == 'case_b'").pivot(index="factor", columns="rater", values="u").to_numpy(dtype=bool)

    def mean(columns):
        found = [2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in combinations(columns, 2) if a.any() or b.any()]
        return np.mean(found)

    columns = list(table.T)
    left_out = np.array([mean(columns[:j] + columns[j + 1 :]) for j in range(len(columns))])
    n = len(columns)
    assert e.value == pytest.approx(mean(columns))
    assert e.se == pytest.approx(math.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()))


def test_the_largest_kappa_is_that_of_the_margins(pilot):
    frame = answers(pilot).query("case == 'case_a' and not u")
    codes = frame.assign(k=frame["rating"].map({"Low": 0, "Medium": 1, "High": 2})).pivot(index="factor", columns="rater", values="k")
    found = []
    for one, two in combinations(codes.columns, 2):
        both = codes[[one, two]].dropna().to_numpy(dtype=int)
        table = np.zeros((3, 3))
        np.add.at(table, (both[:, 0], both[:, 1]), 1)
        e = irr.kappa_max(table)
        if e.estimable:
            found.append(e.value)
    assert pilot.paradox().get("kappa_max", case="case_a", category="all").value == pytest.approx(np.mean(found))
