"""Unable to rate: rates, agreement on it, the three estimands and the bounds, each against a recount by hand."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

import arms_irr as irr
from arms_irr.analysis.imputation import RULES, agreement_bounds, gold_rules
from arms_irr.analysis.ratability import ESTIMANDS, block_weights, estimands, ratability
from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import COEFFICIENTS, KRIPPENDORFF_ORDINAL, View
from arms_irr.statistics.completion import bounds, compositions
from arms_irr.statistics.tally import Tally, counts_of
from arms_irr.statistics.weights import agreement_weights

SCORE = {"Low": 1, "Medium": 2, "High": 3}
UTR = "Unable to rate"


@pytest.fixture(scope="module")
def pilot():
    return irr.example("pilot")


def factors_of(study, **where):
    frame = study.frame().query("kind != 'overall'")
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return frame.assign(subject=frame["case"] + "/" + frame["factor"])


def test_rates_and_agreement_on_ratability(pilot):
    found = pilot.ratability(["kind", "risk_band"])
    for (kind, band), cell in factors_of(pilot).groupby(["kind", "risk_band"]):
        answers = cell.dropna(subset=["rating"]).assign(u=lambda f: f["rating"] == UTR)
        table = answers.pivot(index="subject", columns="rater", values="u")
        positive, a_all, rest_all, agree, prevalence = [], 0, 0, [], []
        for one, two in combinations(table.columns, 2):
            both = table[[one, two]].dropna().to_numpy(dtype=bool)
            a, differ = int(both.all(axis=1).sum()), int((both[:, 0] != both[:, 1]).sum())
            agree.append(1 - differ / len(both))
            prevalence.append((a - (len(both) - a - differ)) / len(both))
            a_all, rest_all = a_all + a, rest_all + differ
            if 2 * a + differ:
                positive.append(2 * a / (2 * a + differ))
        get = lambda name: found.get(name, kind=kind, risk_band=band)  # noqa: E731, B023
        assert get("unable_to_rate").value == pytest.approx(answers["u"].mean())
        assert get("percent").value == pytest.approx(np.mean(agree))
        assert get("positive_agreement").value == pytest.approx(np.mean(positive))
        assert get("positive_agreement").parts == pytest.approx({"pairs": len(positive), "pooled": 2 * a_all / (2 * a_all + rest_all)})
        assert get("prevalence_index").value == pytest.approx(np.mean(prevalence))
        assert get("specificity").value == pytest.approx(1 - answers["u"].mean())  # no gold standard is unable to rate
        assert get("sensitivity").flags == ("no-gold-unable",)
        numbers = table.astype(float).where(table.notna())
        assert get("gwet").value == pytest.approx(irr.agreement(numbers, "gwet", categories=[0, 1]).value)
    assert not any(row["kind"] == "overall" for row in found)  # that scale does not allow it


def test_one_officer_has_an_interval_over_his_own_ratings(pilot):
    one = ratability(pilot, ["rater"]).where("unable_to_rate").rows[0].estimate
    assert one.target == "subjects"
    assert one.ci_low < one.value < one.ci_high or one.value == 0


def small(ratings, gold=None):
    """Three raters, one case, factors f1 ... rated with letters; U is unable to rate, u* carries an urgency."""
    full = {"L": "Low", "M": "Medium", "H": "High", "U": UTR}
    instrument = irr.load_instrument("arms-12")
    ids = [f.id for f in instrument.factors if f.kind != "overall"]
    rows = [
        {"rater": f"r{j}", "case": "c", "factor": factor, "rating": full.get(x[0]), "urgency": full.get(x[1:2])}
        for factor, line in zip(ids, ratings, strict=False) for j, x in enumerate(line)
    ]
    golds = None
    if gold:
        golds = pd.DataFrame({"case": "c", "factor": ids[: len(gold)], "rating": [full[g] for g in gold]})
        more = [f for f in instrument.factor_ids if f not in ids[: len(gold)]]
        golds = pd.concat([golds, pd.DataFrame({"case": "c", "factor": more, "rating": "Low"})])
    return irr.Study.from_frames(pd.DataFrame(rows), golds, instrument=instrument)


def test_gold_unable_to_rate_is_the_right_answer():
    study = small([["U", "U", "L"], ["L", "UH", "L"], ["M", "M", "."]], gold="ULM")
    found = ratability(study, ["case"])
    assert found.get("sensitivity", case="c").value == pytest.approx(2 / 3)
    assert found.get("specificity", case="c").value == pytest.approx(4 / 5)
    rules = gold_rules(study, ["case"])
    assert {rule: rules.get("exact", rule=rule).value for rule in RULES} == pytest.approx(
        {"exclude": 1.0, "disagreement": 4 / 5, "urgency": 4 / 5, "lowest": 4 / 5, "highest": 1.0}
    )  # the first factor drops out: its gold standard is no priority


def test_the_rules_from_the_labels(pilot):
    found = gold_rules(pilot, ["kind", "risk_band"], statistics=("exact", "adjacent", "under", "over"))
    for (kind, band), cell in factors_of(pilot).groupby(["kind", "risk_band"]):
        cell = cell.dropna(subset=["rating"])
        gold, unable = cell["gold"].map(SCORE).to_numpy(), (cell["rating"] == UTR).to_numpy()
        x, urgent = cell["rating"].map(SCORE).to_numpy(), cell["urgency"].map(SCORE).to_numpy()
        tests = {"exact": np.equal, "adjacent": lambda a, b: abs(a - b) <= 1, "under": np.less, "over": np.greater}
        for name, hit in tests.items():
            best = np.where(unable, np.any([hit(k, gold) for k in (1, 2, 3)], axis=0), hit(x, gold))
            worst = np.where(unable, np.all([hit(k, gold) for k in (1, 2, 3)], axis=0), hit(x, gold))
            filled = np.where(unable, urgent, x)
            expected = {
                "exclude": hit(x, gold)[~unable].mean(), "disagreement": (hit(x, gold) & ~unable).mean(),
                "urgency": hit(filled, gold)[~np.isnan(filled)].mean(), "lowest": worst.mean(), "highest": best.mean(),
            }  # fmt: skip
            for rule, value in expected.items():
                assert found.get(name, kind=kind, risk_band=band, rule=rule).value == pytest.approx(value), (name, rule)
        lowest = found.get("exact", kind=kind, risk_band=band, rule="lowest").value
        assert found.get("exact", kind=kind, risk_band=band, rule="highest").value == pytest.approx(lowest + unable.mean())


def test_the_three_estimands_are_the_array_functions_on_the_labels(pilot):
    found = estimands(pilot, ["case"])
    assert [row.group["estimand"] for row in found.where("gwet", case="case_a")] == list(ESTIMANDS)
    cell = factors_of(pilot, case="case_a")
    codes = cell.assign(x=cell["rating"].map({**SCORE, UTR: 4})).pivot(index="subject", columns="rater", values="x")
    for name in ("percent", "gwet", "brennan_prediger"):
        first = irr.agreement(codes.where(codes < 4), name, "quadratic", [1, 2, 3], "raters")
        here = found.get(name, "quadratic", case="case_a", estimand=ESTIMANDS[0])
        assert (here.value, here.ci_low, here.ci_high) == pytest.approx((first.value, first.ci_low, first.ci_high))
        assert here.value == pytest.approx(pilot.agreement(["case"]).get(name, "quadratic", case="case_a").value)
        block = np.array([[1, 0.75, 0, 0], [0.75, 1, 0.75, 0], [0, 0.75, 1, 0], [0, 0, 0, 1]])
        second = irr.agreement(codes, name, block, [1, 2, 3, 4], "raters")
        here = found.get(name, "quadratic in a block", case="case_a", estimand=ESTIMANDS[1])
        assert (here.value, here.ci_low) == pytest.approx((second.value, second.ci_low))
    exact = found.get("percent", "identity", case="case_a", estimand=ESTIMANDS[1])
    assert exact.value == pytest.approx(irr.agreement(codes, "percent", categories=[1, 2, 3, 4]).value)


def test_block_weights():
    assert block_weights(np.eye(2), 0.5).tolist() == [[1, 0, 0.5], [0, 1, 0.5], [0.5, 0.5, 1]]
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        block_weights(np.eye(2), 2)


# --- best and worst case ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["percent", "brennan_prediger", "gwet", "fleiss", "krippendorff", "ordinal"])
def test_bounds_are_those_of_every_completion(name, seed):
    """Against all 3^m ways to fill in the missing codes, one cell at a time."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, (6, 4))
    codes[rng.permuted(np.arange(24) < 6).reshape(6, 4)] = -1
    row = KRIPPENDORFF_ORDINAL if name == "ordinal" else COEFFICIENTS[name]
    w, scores = agreement_weights("linear", [1, 2, 3]), np.array([1.0, 2, 3])
    holes = np.argwhere(codes < 0)
    values = []
    for filling in product(range(3), repeat=len(holes)):
        full = codes.copy()
        full[tuple(holes.T)] = filling
        kwargs = {"metric": "ordinal"} if name == "ordinal" else {"weights": "linear"}
        values.append(irr.agreement(full, row.name, categories=[0, 1, 2], **kwargs).value if seed == 0 and len(values) % 50 == 0 else
                      _plain(row, full, w, scores))
    tally = Tally(counts_of(codes, 3), scores, None, np.ones(6))
    missing = (codes < 0).sum(axis=1)
    found = bounds(row, tally, missing, w)
    assert found.exact
    assert (found.low, found.high) == pytest.approx((np.nanmin(values), np.nanmax(values)))


def _plain(row, full, w, scores):
    observed, expected = row.evaluate(View.whole(Tally.from_codes(full, scores)), w)
    return float((observed - expected) / (1 - expected))


@pytest.mark.parametrize("name", ["gwet", "fleiss", "krippendorff"])
def test_the_search_reaches_the_bound_where_it_can_be_proven(name, monkeypatch):
    from arms_irr.statistics import completion

    w, row = agreement_weights("quadratic", [1, 2, 3]), COEFFICIENTS[name]
    reached = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        codes = rng.integers(-1, 3, (6, 5))
        tally, missing = Tally(counts_of(codes, 3), np.array([1.0, 2, 3]), None, np.ones(6)), (codes < 0).sum(axis=1)
        monkeypatch.setattr(completion, "_ALL", 10**7)
        exact = bounds(row, tally, missing, w)
        monkeypatch.setattr(completion, "_ALL", 0)
        searched = bounds(row, tally, missing, w)
        assert (exact.exact, searched.exact) == (True, False)
        assert exact.low - 1e-12 <= searched.low <= searched.high <= exact.high + 1e-12
        reached += abs(searched.low - exact.low) < 1e-9 and abs(searched.high - exact.high) < 1e-9
    assert reached >= 11


@pytest.mark.parametrize("name", ["percent", "gwet", "fleiss", "krippendorff", "ordinal"])
def test_the_search_of_large_cells_stays_inside_and_comes_near(name, monkeypatch):
    """Cells of hundreds of missing ratings cannot be proven, so the same search is held to small ones."""
    from arms_irr.statistics import completion

    row = KRIPPENDORFF_ORDINAL if name == "ordinal" else COEFFICIENTS[name]
    w, gaps = agreement_weights("quadratic", [1, 2, 3]), []
    monkeypatch.setattr(completion, "_ALL", 10**7)
    for seed in range(10):
        codes = np.random.default_rng(seed).integers(-1, 3, (6, 5) if seed < 5 else (3, 12))
        tally, missing = Tally(counts_of(codes, 3), np.array([1.0, 2, 3]), None, np.ones(len(codes))), (codes < 0).sum(axis=1)
        exact = bounds(row, tally, missing, w)
        low, high = (completion._climb(row, tally, missing, w, sign) for sign in (-1.0, 1.0))
        assert exact.low - 1e-12 <= low <= high <= exact.high + 1e-12
        gaps += [low - exact.low, exact.high - high]
    assert max(gaps) < 0.02
    assert np.mean(np.array(gaps) < 1e-9) > 0.7


def test_bounds_of_five_thousand_officers():
    """Percent agreement by brute force over the two ends: with quadratic weights they are furthest apart."""
    rng, w = np.random.default_rng(1), agreement_weights("quadratic", [1, 2, 3])
    counts, missing = rng.multinomial(4700, [0.2, 0.5, 0.3], size=12).astype(float), np.full(12, 300)
    tally = Tally(counts, np.array([1.0, 2, 3]), None, np.ones(12))
    found = bounds(COEFFICIENTS["percent"], tally, missing, w)
    ends = counts[:, None] + np.array([[n, 0, 300 - n] for n in range(301)])
    same = counts[:, None] + 300 * np.eye(3)
    agree = [(x * (x @ w - 1)).sum(-1) / (5000 * 4999) for x in (ends, same)]
    assert found.exact
    assert (found.low, found.high) == pytest.approx((agree[0].min(axis=1).mean(), agree[1].max(axis=1).mean()))
    searched = bounds(COEFFICIENTS["gwet"], tally, missing, w)
    assert not searched.exact
    assert searched.low < COEFFICIENTS["gwet"].value(View.whole(tally), w) < searched.high


def test_pairs_are_the_same_in_blocks(monkeypatch):
    from arms_irr.analysis import ratability as module

    binary = Tally.from_codes(np.random.default_rng(2).choice([-1, 0, 1], (30, 50), p=[0.2, 0.6, 0.2]), np.array([0.0, 1]))
    whole = module._pairs(binary)
    monkeypatch.setattr(module, "_PRODUCTS", 1)  # blocks of 16
    parts = module._pairs(binary)
    for name in ("agreeing", "known", "both", "total", "prevalence"):
        assert getattr(whole, name) == pytest.approx(getattr(parts, name), rel=1e-12)


def test_bounds_of_a_study_hold_the_value_and_a_unit_nobody_could_rate():
    study = small([["L", "L", "M"], ["U", "U", "U"], ["H", "H", "U"], ["M", "M", "M"], ["L", "M", "L"]])
    found = agreement_bounds(study, ["case"], coefficients=("percent", "gwet", "fleiss"))
    for name in ("percent", "gwet", "fleiss"):
        low, value, high = (found.get(name, bound=b).value for b in ("lowest", "available", "highest"))
        assert low < value <= high + 1
    assert found.get("percent", bound="highest").n_subjects == 5
    assert found.get("percent", bound="highest").value == pytest.approx((5 / 6 + 1 + 1 + 1 + 5 / 6) / 5)
    with pytest.raises(ArgumentError, match="no bounds for 'conger'"):
        agreement_bounds(study, coefficients=["conger"])


def test_compositions():
    assert compositions(2, 3).tolist() == [[2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]]
    assert compositions(0, 3).tolist() == [[0, 0, 0]]


def test_what_cannot_be_asked(pilot):
    with pytest.raises(ArgumentError, match="Did you mean 'exact'"):
        gold_rules(pilot, statistics=["exakt"])
    with pytest.raises(ArgumentError, match="no gold standard"):
        gold_rules(small([["L", "M", "U"]]))
    mixed = ratability(pilot, ["kind", "case"])
    assert all(row.estimate.estimable or row.estimate.flags for row in mixed)
