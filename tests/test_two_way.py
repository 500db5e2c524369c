"""Other raters and cases from counts and one sum per rater: against the derivative by brute force, and the jackknife."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arms_irr.analysis.stream import stream_agreement, stream_ratings
from arms_irr.errors import ArgumentError
from arms_irr.statistics.agreement import coefficient
from arms_irr.statistics.groups import stacked
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.two_way import rating_terms
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study import batches as batches_module
from arms_irr.study import stream as stream_module

SCALE = [1, 2, 3, 4, 5]
SCORES = np.array(SCALE, dtype=float)
COUNTED = ["percent", "brennan_prediger", "gwet", "fleiss", "krippendorff"]
MEANS = {"percent", "brennan_prediger"}  # of units: nothing is left to be linearised


def ratings(seed=1, raters=40, cases=12, factors=1, missing=0.0):
    """Long ratings with a severity of each case and factor, and a bias and noise of each rater."""
    rng = np.random.default_rng(seed)
    rater, case, factor = (x.ravel() for x in np.indices((raters, cases, factors)))
    bias, noise = rng.normal(0, 0.4, raters), rng.gamma(8, 0.09, raters)
    value = rng.normal(3, 1.1, (cases, factors))[case, factor] + bias[rater] + noise[rater] * rng.normal(size=len(rater))
    kept = rng.random(len(rater)) >= missing
    rating = np.clip(np.rint(value), 1, 5).astype(int)
    return {"rater": rater[kept], "case": case[kept], "factor": factor[kept], "rating": rating[kept]}


def tally_of(data, clusters=False):
    factors = int(data["factor"].max()) + 1
    codes = np.full((int(data["case"].max() + 1) * factors, int(data["rater"].max()) + 1), -1)
    codes[data["case"] * factors + data["factor"], data["rater"]] = data["rating"] - 1
    return Tally.from_codes(codes, SCORES, np.arange(len(codes)) // factors if clusters else None)


def by_definition(name, counts, w, share=1.0, less=None):
    """The coefficient from its sums over units, moved by ``share`` of the way to those of the counts ``less``."""

    def sums(c):
        r = c.sum(axis=1)
        two, any_ = r >= 2, r >= 1
        pairs = (c * (c @ w - 1)).sum(axis=1)[two]
        if name == "krippendorff":
            return [(pairs / (r[two] - 1)).sum(), r[two].sum(), r[two].sum(), c[two].sum(axis=0)]
        return [(pairs / (r * (r - 1.0))[two]).sum(), two.sum(), any_.sum(), (c[any_] / r[any_, None]).sum(axis=0)]

    at = sums(counts)
    if less is not None:
        at = [x + share * (y - x) for x, y in zip(at, sums(less), strict=True)]
    observed, pi, q = at[0] / at[1], at[3] / at[2], len(w)
    if name == "krippendorff":
        n, total = at[3], at[2]
        return 1 - (1 - observed) / ((n @ (1 - w) @ n) / (total * (total - 1)))
    expected = {"percent": 0.0, "brennan_prediger": w.mean(), "gwet": w.sum() / (q * (q - 1)) * (pi @ (1 - pi)),
                "fleiss": pi @ w @ pi}[name]
    return (observed - expected) / (1 - expected)


@pytest.mark.parametrize("missing", [0.0, 0.4, 0.93])
@pytest.mark.parametrize("name", COUNTED)
def test_a_rating_moves_the_coefficient_as_its_derivative_says(name, missing):
    """With most ratings missing units of one and two ratings are among them, and are emptied or no longer compared."""
    tally, w, h = tally_of(ratings(missing=missing)), agreement_weights("linear", SCORES), 1e-5
    terms, n = rating_terms(coefficient(name), tally, w), tally.n_ratings
    for unit, k in np.argwhere(tally.counts > 0):
        less = tally.counts.copy()
        less[unit, k] -= 1
        slope = (by_definition(name, tally.counts, w, h, less) - by_definition(name, tally.counts, w, -h, less)) / (2 * h)
        # Gwet's variance of alpha takes the number of values as infinite
        tolerance = 3 / n**2 if name == "krippendorff" else 1e-9
        assert terms[unit, k] == pytest.approx(slope, abs=tolerance)
    assert not terms[tally.counts == 0].any()
    many = tally.raters_per_unit > 2
    if name != "krippendorff":  # there a unit that loses a rating weighs less
        assert (tally.counts * terms).sum(axis=1)[many] == pytest.approx(0, abs=1e-12)


def test_terms_in_groups_are_one_tally_after_another():
    rng, w = np.random.default_rng(3), agreement_weights("quadratic", SCORES)
    group, counts = rng.integers(0, 3, 30), rng.multinomial(4, np.full(5, 0.2), size=30).astype(float)
    together = stacked(counts, group, 3)
    tally = Tally(together, SCORES, None, together.any(axis=-1).astype(float))
    for name in COUNTED:
        found = rating_terms(coefficient(name), tally, w)
        for g in range(3):
            alone = rating_terms(coefficient(name), Tally.from_counts(counts[group == g], SCORES), w)
            assert found[g, : len(alone)] == pytest.approx(alone, abs=1e-14)
            assert not found[g, len(alone) :].any()


@pytest.mark.parametrize("target", ["raters", "both"])
@pytest.mark.parametrize(("shape", "near"), [({"raters": 20}, 0.06), ({"raters": 60, "cases": 40}, 0.02), ({"factors": 6, "missing": 0.2}, 0.03),
                                             ({"raters": 200, "cases": 40, "missing": 0.9}, 0.01)])
def test_it_is_the_jackknife_to_first_order(target, shape, near):
    """Exactly so for means over units; else with an error of the order of one over the number of raters."""
    data, clusters = ratings(**shape), "factors" in shape
    for row in stream_agreement(data, SCALE, weights=["identity", "quadratic"], target=target).rows:
        fast, w = row.estimate, agreement_weights(row.estimate.weights, SCORES)
        slow = estimate(coefficient(row.coefficient), tally_of(data, clusters), w, target=target)
        assert fast.value == pytest.approx(slow.value, abs=1e-12)
        assert fast.se == pytest.approx(slow.se, rel=1e-9 if row.coefficient in MEANS else near)
        assert (fast.ci_low, fast.ci_high) == pytest.approx((slow.ci_low, slow.ci_high), abs=near / 3)
        assert (fast.df, fast.n_raters, fast.flags) == (slow.df, slow.n_raters, slow.flags)


def test_variances_of_means_are_those_of_the_jackknife():
    for data, clusters in ((ratings(), False), (ratings(factors=4, missing=0.3), True)):
        for name in MEANS:
            (row,) = stream_agreement(data, SCALE, coefficient=name, weights="linear", target="both").rows
            slow = estimate(coefficient(name), tally_of(data, clusters), agreement_weights("linear", SCORES), target="both")
            for part in ("variance_cases", "variance_raters", "variance_interaction"):
                assert row.estimate.parts[part] == pytest.approx(slow.parts[part], rel=1e-9), part


def test_order_labels_engines_and_chunks_do_not_matter(tmp_path, monkeypatch):
    data = ratings(factors=3, missing=0.2)
    cases = {"case": list(range(12)), "band": ["lower", "higher"] * 6}
    ask = {"cases": cases, "weights": "quadratic", "target": "both"}
    expected = stream_agreement(data, SCALE, ["band"], **ask).to_frame()
    order = np.random.default_rng(1).permutation(len(data["rater"]))
    moved = {name: column[order] for name, column in data.items()}
    moved["rater"] = np.array([f"officer {r}" for r in moved["rater"]])
    sparse = {**data, "rater": data["rater"].astype(np.int64) * 7919 + 5}
    frame = pd.DataFrame(data)
    pq.write_table(pa.table(moved), tmp_path / "ratings.parquet", row_group_size=200)
    for source in (moved, sparse, frame, pa.table(moved), tmp_path / "ratings.parquet"):
        pd.testing.assert_frame_equal(stream_agreement(source, SCALE, ["band"], **ask).to_frame(), expected, rtol=1e-9)
    monkeypatch.setattr(stream_module, "_FINE", 7)
    monkeypatch.setattr(stream_module, "_CHUNK", 7)
    monkeypatch.setattr(batches_module, "_BATCH", 16)
    for source in (data, moved, tmp_path / "ratings.parquet"):
        pd.testing.assert_frame_equal(stream_agreement(source, SCALE, ["band"], **ask).to_frame(), expected, rtol=1e-9)


def test_what_cannot_be_said_is_not_said():
    few = stream_agreement(ratings(cases=4), SCALE, weights="linear", target="both")
    assert all(row.estimate.flags[-1] == "few-cases" and np.isnan(row.estimate.se) for row in few.rows)
    two = stream_agreement(ratings(raters=2), SCALE, weights="linear", target="raters")
    assert all("two-raters" in row.estimate.flags for row in two.rows)
    same = {**ratings(), "rating": np.full(480, 3)}
    for row in stream_agreement(same, SCALE, weights="identity", target="both").rows:
        assert np.isnan(row.estimate.ci_low)
        assert ("zero-se" in row.estimate.flags or not row.estimate.estimable)
    with pytest.raises(ArgumentError, match="target 'cases' is not one of"):
        stream_agreement(ratings(), SCALE, target="cases")
    with pytest.raises(ArgumentError, match="no column 'officer'"):
        stream_agreement(ratings(), SCALE, target="both", rater="officer")
    data = ratings()
    counted = stream_ratings(data, SCALE)
    data["rating"] = data["rating"][:-1]
    for name in ("rater", "case", "factor"):
        data[name] = data[name][:-1]
    with pytest.raises(ArgumentError, match="479 ratings were read, but 480 were counted"):
        counted.agreement(target="both")
    with pytest.raises(ArgumentError, match="needs to know which rater"):
        rating_terms(coefficient("conger"), tally_of(ratings()), agreement_weights("linear", SCORES))
