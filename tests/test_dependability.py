"""G-study and D-study of a study: against mean squares by hand, the ICC, and a search for the officers needed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import arms_irr as irr
from arms_irr.analysis.dependability import dependability
from arms_irr.errors import ArgumentError

SCALE = ["Low", "Medium", "High"]


def study(codes, bands=None, factors=None, overall=None):
    """Codes (officers, cases, factors), -1 for unable to rate; factors of arms-12 in order."""
    ids = factors or [f.id for f in irr.load_instrument("arms-12").factors if f.kind != "overall"][: codes.shape[2]]
    names = [*SCALE, "Unable to rate"]
    rows = [(f"o{r:02d}", f"c{c}", ids[f], names[codes[r, c, f]]) for r, c, f in np.ndindex(codes.shape)]
    if overall is not None:
        rows += [(f"o{r:02d}", f"c{c}", "overall", [*SCALE, "Very High"][overall[r, c]]) for r, c in np.ndindex(overall.shape)]
    frame = pd.DataFrame(rows, columns=["rater", "case", "factor", "rating"])
    cases = pd.DataFrame({"case": [f"c{c}" for c in range(codes.shape[1])], "risk_band": bands}) if bands else None
    return irr.Study.from_frames(frame, cases=cases)


def made(officers=8, cases=6, factors=7, seed=3, **options):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(1, cases, factors)) + rng.normal(size=(1, cases, 1))
    noise = rng.normal(0, 0.4, (officers, 1, 1)) + rng.normal(0, 0.6, (officers, cases, factors))
    return study(np.clip(np.round(1 + truth + noise), 0, 2).astype(int), **options)


def squares(table):
    """Variance components of cases (rows), officers (columns) and residual, from mean squares."""
    n, k = table.shape
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    msr, msc = k * rows.var(ddof=1), n * columns.var(ddof=1)
    rest = table - rows[:, None] - columns + table.mean()
    mse = (rest**2).sum() / ((n - 1) * (k - 1))
    return (msr - mse) / k, (msc - mse) / n, mse


def test_mean_priority_is_a_two_way_anova_of_means():
    one = made()
    found = dependability(one, n_raters=[1, 3, 7])
    frame = one.frame()
    table = frame.assign(score=frame["rating"].map({name: k + 1 for k, name in enumerate(SCALE)}))
    table = table[table["kind"] == "risk"].pivot_table("score", "case", "rater").to_numpy()
    case, officer, rest = squares(table)
    own = {"measured": "mean", "kind": "risk"}
    for effect, value in (("case", case), ("officer", officer), ("residual", rest)):
        assert found.get("variance", effect=effect, **own).value == pytest.approx(value, rel=1e-12)
    for n in (1, 3, 7):
        assert found.get("phi", n_raters=str(n), **own).value == pytest.approx(case / (case + (officer + rest) / n), rel=1e-12)
        assert found.get("e_rho2", n_raters=str(n), **own).value == pytest.approx(case / (case + rest / n), rel=1e-12)
    assert found.get("sem", **own).value == pytest.approx(math.sqrt(officer + rest), rel=1e-12)
    assert found.get("variance", effect="case", **own).parts["share"] == pytest.approx(case / (case + officer + rest))


def test_officers_needed_is_the_least_number_that_reaches_phi():
    found = dependability(made(), n_raters=range(1, 200), phi=[0.7, 0.85, 0.95])
    for target in ("0.7", "0.85", "0.95"):
        e = found.get("officers_needed", measured="mean", kind="risk", phi=target)
        reaching = [n for n in range(1, 200) if found.get("phi", measured="mean", kind="risk", n_raters=str(n)).value >= float(target) - 1e-12]
        assert e.value == min(reaching)
        assert e.ci_low <= e.value <= e.ci_high


def test_phi_of_a_profile_is_the_icc_of_absolute_agreement():
    one = made(cases=2, factors=12)
    found = dependability(one)
    for case in one.cases:
        frame = one.frame()
        table = frame[frame["case"] == case].assign(score=lambda f: f["rating"].map({name: k + 1 for k, name in enumerate(SCALE)}))
        table = table.pivot_table("score", "factor", "rater").to_numpy()
        assert found.get("phi", measured="profile", where=case, n_raters="1").value == pytest.approx(irr.icc(table, "ICC(A,1)").value, rel=1e-12)
        assert found.get("e_rho2", measured="profile", where=case, n_raters="1").value == pytest.approx(irr.icc(table, "ICC(C,1)").value, rel=1e-12)
        assert 0 < found.get("latent_icc", measured="profile", where=case).value < 1


@pytest.mark.parametrize(("cases", "flag"), [(2, "one-df"), (3, "few-cases"), (4, "few-cases")])
def test_too_few_cases_carry_no_phi_but_components_and_error(cases, flag):
    found = dependability(made(cases=cases))
    phi = found.where("phi", measured="mean", kind="risk")
    assert len(phi) == 1
    assert flag in phi.rows[0].estimate.flags
    assert all(not row.estimate.estimable for row in found.where("officers_needed", measured="mean"))
    for effect in ("officer", "case:officer", "officer:factor", "residual"):
        assert found.get("variance", measured="ratings", kind="risk", effect=effect).estimable
    assert found.get("variance", measured="ratings", kind="risk", effect="case").estimable == (cases > 2)
    assert found.get("sem", measured="mean", kind="risk").estimable


def test_by_band_only_where_every_band_has_five_cases():
    wheres = lambda s: {row["where"] for row in dependability(s) if row["measured"] == "mean"}  # noqa: E731
    assert wheres(made(cases=10, bands=["lower"] * 5 + ["higher"] * 5)) == {"lower", "higher"}
    assert wheres(made(cases=10, bands=["lower"] * 4 + ["higher"] * 6)) == {"all cases"}
    assert wheres(made(cases=6)) == {"all cases"}


def test_a_mean_needs_half_of_the_factors():
    codes = np.random.default_rng(1).integers(0, 3, (6, 5, 4))
    codes[0, 0, :2] = -1  # half are left
    codes[1, 0, :3] = -1
    found = dependability(study(codes))
    assert found.get("sem", measured="mean", kind="risk").n_ratings == 6 * 5 - 1


def test_a_large_study_uses_a_drawn_part_of_the_officers_and_says_so():
    one = made(officers=40)
    found = dependability(one, most=400, seed=5)
    assert any("of 40 officers, drawn at random (seed 5)" in note for note in found.notes)
    n = found.get("variance", measured="ratings", kind="risk", effect="officer").n_raters
    assert n == round(400 * 40 / (40 * 6 * 7))
    assert found.get("variance", measured="mean", kind="risk", effect="officer").n_raters == 40
    assert found.to_csv() == dependability(one, most=400, seed=5).to_csv()
    assert found.to_csv() != dependability(one, most=400, seed=6).to_csv()


def test_no_difference_between_cases_needs_no_number_of_officers():
    codes = np.tile(np.array([0, 1, 2, 0, 1, 2, 1, 1])[:, None, None], (1, 6, 3))
    e = dependability(study(codes)).get("officers_needed", measured="mean", kind="risk", phi="0.8")
    assert not e.estimable
    assert "never-enough" in e.flags


@pytest.mark.parametrize("shape", [(1, 6, 7), (8, 1, 7), (8, 6, 1), (2, 2, 2), (1, 1, 1), (8, 5, 2)])
def test_small_shapes(shape):
    rng = np.random.default_rng(2)
    found = dependability(study(rng.integers(0, 3, shape), overall=rng.integers(0, 4, shape[:2])))
    for row in found:
        assert row.estimate.estimable or row.estimate.flags
    assert all(row.estimate.flags for row in found.where("phi") if shape[1] < 5 and row["measured"] != "profile")


def test_arguments():
    one = made(cases=2, factors=2)
    with pytest.raises(ArgumentError, match="at least 1"):
        dependability(one, n_raters=[0])
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        dependability(one, phi=[80])
    with pytest.raises(ArgumentError, match="confidence"):
        dependability(one, confidence_level=95)
