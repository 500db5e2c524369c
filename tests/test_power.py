"""Closed forms for sample sizes: printed values, brute force, simulation, and that every formula and its inverse meet."""

from __future__ import annotations

import math
import tomllib
from itertools import combinations, combinations_with_replacement
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

import arms_irr as irr
from arms_irr.errors import ArgumentError

PRINTED = tomllib.loads((Path(__file__).parent / "reference" / "power.toml").read_text("utf-8"))


def rows(name):
    return [pytest.param(row, id=" ".join(str(v) for k, v in row.items() if k != "source")) for row in PRINTED[name]]


def check(n, row):
    assert math.ceil(n) == row["whole"]
    if "n" in row:
        assert n == pytest.approx(row["n"], abs=row["tolerance"])


# --- printed values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", rows("kappa"))
def test_cantor(row):
    check(irr.n_for_kappa(row["kappa0"], row["kappa1"], row["shares"], sides=1), row)


@pytest.mark.parametrize("row", rows("intraclass_kappa"))
def test_donner_and_eliasziw(row):
    check(irr.n_for_intraclass_kappa(0.4, 0.6, row["shares"], row["raters"]), row)


@pytest.mark.parametrize("row", rows("intraclass_kappa_interval"))
def test_donner_and_rotondi(row):
    check(irr.n_for_intraclass_kappa_interval(row["kappa"], row["shares"], row["lower"], row["upper"]), row)


@pytest.mark.parametrize("row", rows("icc"))
def test_walter_eliasziw_and_donner(row):
    check(irr.n_for_icc(row["rho0"], row["rho1"], row["raters"], sides=1), row)


@pytest.mark.parametrize("row", rows("icc_interval"))
def test_bonett(row):
    check(irr.n_for_icc_interval(row["rho"], 0.2, row["raters"], corrected=row["corrected"]), row)


@pytest.mark.parametrize("row", rows("agreement"))
def test_gwets_rule(row):
    assert irr.n_for_agreement_half_width(row["half_width"]) == pytest.approx(row["n"], abs=1e-12)
    assert irr.agreement_half_width(row["n"]) == pytest.approx(row["half_width"], abs=1e-12)


# --- Cohen's kappa by other ways --------------------------------------------------------------------------------


def cantor(k, a, b):
    """Q as Cantor prints it, for two categories."""
    pe = a * b + (1 - a) * (1 - b)
    po = k * (1 - pe) + pe
    p11 = (po - 1 + a + b) / 2
    p12, p21, p22 = a - p11, b - p11, 1 - a - b + p11
    return (p11 * ((1 - pe) - (a + b) * (1 - po)) ** 2 + p22 * ((1 - pe) - (2 - a - b) * (1 - po)) ** 2
            + (1 - po) ** 2 * (p12 * (b + 1 - a) ** 2 + p21 * (1 - b + a) ** 2) - (po * pe - 2 * pe + po) ** 2) / (1 - pe) ** 4


@pytest.mark.parametrize("sides", [1, 2])
def test_two_categories_are_cantors_formula_with_different_margins_too(sides):
    z, b = -ndtri(0.05 / sides), ndtri(0.9)
    for k0, k1, p, r in ((0.2, 0.5, 0.3, 0.4), (0.6, 0.4, 0.5, 0.45), (0.0, 0.3, 0.2, 0.3), (-0.1, 0.2, 0.5, 0.5), (0.3, 1.0, 0.4, 0.4)):
        n = ((z * math.sqrt(cantor(k0, p, r)) + b * math.sqrt(max(cantor(k1, p, r), 0))) / (k1 - k0)) ** 2
        assert irr.n_for_kappa(k0, k1, p, r, power=0.9, sides=sides) == pytest.approx(n, rel=1e-8)


def variance(table, w):
    """n times the variance of weighted kappa by the delta method, from numerical derivatives."""
    def kappa(p):
        po, pe = (w * p).sum(), p.sum(1) @ w @ p.sum(0)
        return (po - pe) / (1 - pe)

    h, g = 1e-6, np.empty_like(table)
    for cell in np.ndindex(*table.shape):
        step = np.zeros_like(table)
        step[cell] = h
        g[cell] = (kappa(table + step) - kappa(table - step)) / (2 * h)
    return (table * g**2).sum() - (table * g).sum() ** 2


@pytest.mark.parametrize("weights", ["identity", "quadratic"])
def test_the_linear_programme_finds_the_worst_of_all_tables(weights):
    """The variance is linear in the table, so its largest value is in a corner; all corners of the 3 x 3 tables, one by one."""
    margin = np.array([0.2, 0.25, 0.55])
    w = 1 - np.abs(np.subtract.outer(range(3), range(3))) ** 2 / 4 if weights == "quadratic" else np.eye(3)
    chance = margin @ w @ margin
    fixed = np.vstack([np.kron(np.eye(3), np.ones(3)), np.kron(np.ones(3), np.eye(3))[:2], w.ravel()])
    for k in (0.0, 0.3, 0.5):
        worst = irr.n_for_kappa(k, 1.0, margin, weights=weights, sides=1) * (1 - k) ** 2 / ndtri(0.95) ** 2
        corners = []
        for empty in combinations(range(9), 3):
            system = np.vstack([fixed, np.eye(9)[list(empty)]])
            if np.linalg.matrix_rank(system) == 9:
                table = np.linalg.solve(system, [*margin, *margin[:2], k * (1 - chance) + chance, 0, 0, 0]).reshape(3, 3)
                if table.min() > -1e-12:
                    corners.append(variance(table, w))
        assert len(corners) > 3
        assert max(corners) == pytest.approx(worst, rel=1e-6)
        assert min(corners) < 0.95 * worst  # so the choice of the table matters


def test_simulated_power_of_a_one_sided_test():
    """Subjects of Cantor's number; reject where kappa lies above the null value by z standard errors under the null."""
    rng, pe, n = np.random.default_rng(1), 0.5, 119
    found = {}
    for k in (0.4, 0.6):
        po = k * (1 - pe) + pe
        tables = rng.multinomial(n, [po / 2, (1 - po) / 2, (1 - po) / 2, po / 2], size=40_000) / n
        a, b = tables[:, 0] + tables[:, 1], tables[:, 0] + tables[:, 2]
        chance = a * b + (1 - a) * (1 - b)
        kappa = (tables[:, 0] + tables[:, 3] - chance) / (1 - chance)
        found[k] = (kappa > 0.4 + ndtri(0.95) * math.sqrt(cantor(0.4, 0.5, 0.5) / n)).mean()
    assert found[0.4] == pytest.approx(0.05, abs=0.012)
    assert found[0.6] == pytest.approx(irr.power_for_kappa(n, 0.4, 0.6, 0.5, sides=1), abs=0.02)


# --- the intraclass kappa by enumeration ----------------------------------------------------------------------


def cells(kappa, p, m):
    """Probability of every outcome of m raters, as counts per category, in the common-correlation model."""
    out = []
    for seen in combinations_with_replacement(range(len(p)), m):
        counts = np.bincount(seen, minlength=len(p))
        ways = math.factorial(m) / math.prod(math.factorial(c) for c in counts)
        out.append((1 - kappa) * ways * np.prod(p**counts) + kappa * (p[seen[0]] if len(set(seen)) == 1 else 0))
    return np.array(out)


@pytest.mark.parametrize("p", [(0.3, 0.7), (0.2, 0.5, 0.3), (0.1, 0.2, 0.3, 0.4)], ids=str)
@pytest.mark.parametrize("m", [2, 3, 7])
def test_the_closed_form_is_the_sum_over_all_cells(p, m):
    k0, k1 = 0.25, 0.55
    p0, p1 = cells(k0, np.array(p), m), cells(k1, np.array(p), m)
    assert p0.sum() == pytest.approx(1)
    n = (ndtri(0.975) + ndtri(0.8)) ** 2 / ((p1 - p0) ** 2 / p0).sum()
    assert irr.n_for_intraclass_kappa(k0, k1, p, m) == pytest.approx(n, rel=1e-12)


def test_the_limits_are_those_that_the_test_does_not_reject():
    lower, upper = irr.intraclass_kappa_limits(150, 0.45, (0.2, 0.5, 0.3), 3)
    p, here = np.array([0.2, 0.5, 0.3]), cells(0.45, np.array([0.2, 0.5, 0.3]), 3)
    for limit in (lower, upper):
        there = cells(limit, p, 3)
        assert 150 * ((here - there) ** 2 / there).sum() == pytest.approx(ndtri(0.975) ** 2, rel=1e-9)
    assert irr.n_for_intraclass_kappa_interval(0.45, p, lower, raters=3) == pytest.approx(150, rel=1e-9)
    assert irr.intraclass_kappa_limits(15, 0.1, 0.3)[0] == 0


# --- formula and inverse ------------------------------------------------------------------------------------------


def test_power_at_the_number_needed_is_the_power_asked_for():
    for options in ({"sides": 1}, {"sides": 2}):
        n = irr.n_for_kappa(0.3, 0.5, (0.2, 0.3, 0.5), power=0.9, **options)
        assert irr.power_for_kappa(n, 0.3, 0.5, (0.2, 0.3, 0.5), **options) == pytest.approx(0.9, abs=1e-9)
        assert irr.detectable_kappa(n, 0.3, (0.2, 0.3, 0.5), power=0.9, **options) == pytest.approx(0.5, abs=1e-7)
        n = irr.n_for_icc(0.5, 0.7, 4, power=0.9, **options)
        assert irr.power_for_icc(n, 0.5, 0.7, 4, **options) == pytest.approx(0.9, abs=1e-12)
        assert irr.detectable_icc(n, 0.5, 4, power=0.9, **options) == pytest.approx(0.7, abs=1e-12)
    n = irr.n_for_intraclass_kappa(0.3, 0.5, 0.2, 5, power=0.9)
    assert irr.power_for_intraclass_kappa(n, 0.3, 0.5, 0.2, 5) == pytest.approx(0.9, abs=1e-12)
    assert irr.detectable_intraclass_kappa(n, 0.3, 0.2, 5, power=0.9) == pytest.approx(0.5, abs=1e-12)


def test_widths_at_the_number_needed_are_the_widths_asked_for():
    for rho, raters, corrected in ((0.8, 2, True), (0.8, 2, False), (0.3, 5, True)):
        n = irr.n_for_icc_interval(rho, 0.25, raters, corrected=corrected)
        assert irr.icc_interval_width(n, rho, raters, corrected=corrected) == pytest.approx(0.25, rel=1e-12)
    r = irr.raters_for_gold_agreement([0.05, 0.1, 0.3], 12, 0.6, 0.1)
    assert irr.gold_agreement_half_width(r, 12, 0.6, 0.1) == pytest.approx([0.05, 0.1, 0.3], rel=1e-9)


def test_gold_agreement_by_hand_and_by_simulation():
    # 20 officers, 12 ratings each, design effect 1 + 11 x .1 = 2.1, n_eff = 114.29; t with 19 df is 2.093024
    assert irr.gold_agreement_half_width(20, 12, 0.6, 0.1) == pytest.approx(2.093024054 * math.sqrt(0.24 / (240 / 2.1)), rel=1e-9)
    rng = np.random.default_rng(2)
    officers = rng.beta(0.6 * 9, 0.4 * 9, (20_000, 20))  # intraclass correlation 1 / (1 + 9)
    share = rng.binomial(12, officers).mean(1) / 12
    assert share.std() * 2.093024054 == pytest.approx(irr.gold_agreement_half_width(20, 12, 0.6, 0.1), rel=0.02)
    assert irr.gold_agreement_half_width(20, 1e9, 0.6, 0.1) == pytest.approx(2.093024054 * math.sqrt(0.24 * 0.1 / 20), rel=1e-6)


def test_arrays_broadcast():
    one = [irr.n_for_kappa(0.4, k, (0.3, 0.4, 0.3)) for k in (0.5, 0.6)]
    assert irr.n_for_kappa(0.4, [0.5, 0.6], (0.3, 0.4, 0.3)) == pytest.approx(one)
    assert irr.n_for_intraclass_kappa([[0.2], [0.4]], 0.6, 0.3, [2, 3, 4]).shape == (2, 3)
    assert irr.power_for_icc([20, 40], 0.5, [[0.6], [0.7]], 3).shape == (2, 2)
    assert irr.gold_agreement_half_width([[10], [20]], [2, 12], 0.6, 0.1).shape == (2, 2)
    assert np.ndim(irr.n_for_icc(0.5, 0.7)) == 0


def test_the_order_of_things():
    assert irr.n_for_kappa(0.4, 0.6, 0.3) > irr.n_for_kappa(0.4, 0.6, 0.3, sides=1)
    assert np.all(np.diff(irr.n_for_intraclass_kappa(0.4, 0.6, 0.3, np.arange(2, 12))) < 0)
    assert np.all(np.diff(irr.detectable_kappa([40, 80, 160], 0.4, (0.3, 0.4, 0.3))) < 0)
    assert irr.n_for_kappa(0.4, 0.6, (0.3, 0.0, 0.7)) == pytest.approx(irr.n_for_kappa(0.4, 0.6, 0.3))
    assert irr.n_for_intraclass_kappa(0.4, 0.6, (0.3, 0.0, 0.7)) == pytest.approx(irr.n_for_intraclass_kappa(0.4, 0.6, 0.3))
    assert np.isnan(irr.detectable_kappa(5, 0.7, 0.5))
    assert np.isnan(irr.detectable_intraclass_kappa(5, 0.7, 0.5))


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "words"), [
    (lambda: irr.n_for_kappa(0.4, 0.4, 0.5), "no number of subjects"),
    (lambda: irr.n_for_kappa(0.4, 0.9, 0.2, 0.5), "They allow -0.400 to 0.400"),
    (lambda: irr.n_for_kappa(0.4, 0.6, (0.5, 0.2)), "sum to 1"),
    (lambda: irr.n_for_kappa(0.4, 0.6, 1.0), "not defined"),
    (lambda: irr.n_for_kappa(0.4, 0.6, (0.2, 0.3, 0.5), 0.4), "3 and 2 categories"),
    (lambda: irr.n_for_kappa(1.0, 0.6, 0.5), "below 1"),
    (lambda: irr.n_for_kappa(0.4, 0.6, 0.5, power=0.03), "between alpha"),
    (lambda: irr.n_for_kappa(0.4, 0.6, 0.5, alpha=5), "0.05"),
    (lambda: irr.n_for_kappa(0.4, 0.6, 0.5, sides=3), "1 or 2"),
    (lambda: irr.n_for_kappa(math.nan, 0.6, 0.5), "null value"),
    (lambda: irr.power_for_kappa(1, 0.4, 0.6, 0.5), "2 or more"),
    (lambda: irr.n_for_intraclass_kappa(-0.1, 0.6, 0.5), "from 0"),
    (lambda: irr.n_for_intraclass_kappa(0.4, 0.6, 0.5, 1), "nobody to agree"),
    (lambda: irr.n_for_intraclass_kappa(0.4, 0.6, 0.0), "one category"),
    (lambda: irr.n_for_intraclass_kappa_interval(0.4, 0.5, 0.5), "not below kappa"),
    (lambda: irr.n_for_intraclass_kappa_interval(0.4, 0.5, 0.3, 0.35), "not between"),
    (lambda: irr.n_for_icc(0.5, 1.0), "below 1"),
    (lambda: irr.n_for_icc_interval(0.5, 2.5), "upper less lower"),
    (lambda: irr.icc_interval_width(4, 0.8), "too few"),
    (lambda: irr.n_for_agreement_half_width(10), "between 0 and 1"),
    (lambda: irr.gold_agreement_half_width(1, 12, 0.6), "2 or more"),
    (lambda: irr.gold_agreement_half_width(20, 12, 1.0), "nothing varies"),
    (lambda: irr.gold_agreement_half_width(20, 12, 0.5, confidence_level=95), "Did you mean 0.95"),
])  # fmt: skip
def test_refusals_say_what_to_give(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()
