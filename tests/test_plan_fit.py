"""Parameters fitted to an exercise: exact slopes, recovery of known parameters, refusals; assurance over their uncertainty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arms_irr.errors import ArgumentError
from arms_irr.planning import scale_model
from arms_irr.planning.assurance import assurance
from arms_irr.planning.designs import crossed, pilot, second_exercise
from arms_irr.planning.fit import FITTED, _fit_unable, fit_parameters
from arms_irr.planning.parameters import Parameters
from arms_irr.planning.precision import precision
from arms_irr.planning.scale_model import LEVELS, NAMES, Table, fit_scales
from arms_irr.planning.simulate import draw
from arms_irr.study import read_study
from tests.test_evaluation import ODD, odd
from tests.test_precision import as_study

DATA = Path(__file__).parents[1] / "data"
KIND = np.array([0] * 7 + [1] * 5)
TRUE = replace(Parameters(), ambiguity_sd=0.25)
SCALES = np.array([*TRUE.noise.array().ravel(), *TRUE.halo.array(), TRUE.severity_sd, TRUE.protective_severity_sd, TRUE.threshold_sd,
                   TRUE.ambiguity_sd])


def simulated(design, seed, parameters=TRUE) -> Table:
    drawn = draw(design, parameters, np.random.default_rng([seed, 5]), 1)
    return Table(drawn.ratings[0], design.golds(), design.bands(), KIND)


def test_slopes_and_curvature_are_those_of_the_log_likelihood():
    surface = scale_model._Surface(simulated(crossed(6, 3), 1))
    at = scale_model._START
    surface(at)
    scales = scale_model._Scales.of(surface.table, at)
    rng = np.random.default_rng(0)
    effects, cells = 0.5 * rng.standard_normal(surface.effects.shape), rng.standard_normal(surface.cells.shape)

    def slopes(e, c):
        s = surface._height(scales, e, c)[1]
        return scales.along(s.m, s.w) - e, s.m.sum(0).ravel() - surface.precision @ (c - surface.centre)

    own, _ = slopes(effects, cells)
    blocks, border, diagonal = scale_model._blocks(scales, surface._height(scales, effects, cells)[1])
    step = 1e-5
    for j, d in ((0, 0), (1, 1), (2, 2), (3, 4)):
        e = np.zeros_like(effects)
        e[j, d] = step
        up, down = (surface._height(scales, effects + sign * e, cells)[0] for sign in (1, -1))
        assert own[j, d] == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-7)
        change = [(a - b) / (2 * step) for a, b in zip(slopes(effects - e, cells), slopes(effects + e, cells), strict=True)]
        np.testing.assert_allclose(change[0][j], blocks[j, d], atol=1e-6)
        np.testing.assert_allclose(change[1], border[j, d], atol=1e-6)
    c = np.zeros_like(cells)
    c[7] = step
    change = (slopes(effects, cells - c)[1] - slopes(effects, cells + c)[1]) / (2 * step)
    np.testing.assert_allclose(change, np.diag(diagonal)[7] + surface.precision[7], atol=1e-6)


def test_laplace_is_near_the_integral():
    """One officer, one case of one factor, all else known to be 0: the integral over severity and cell by a fine grid."""
    table = Table(np.array([[[1]]], dtype=np.int8), np.array([[1]]), np.array([0]), np.array([0]))
    at = np.log(np.array([1.0, 1.0, 1.0, 1.0, 1e-6, 1e-6, 0.5, 1e-6, 1e-6, 0.4]))
    surface = scale_model._Surface(table)
    penalty = 0.5 * (np.exp(at[4:]) / scale_model._WIDTHS) ** 2 - at[4:]
    got = -surface(at) + penalty.sum()
    # y ~ N(0, 1 + .5^2 + .4^2 + 2^2), the last of the level
    from scipy.special import ndtr
    sd = np.sqrt(1 + 0.25 + 0.16 + 4)
    exact = np.log(2 * ndtr(0.8 / sd) - 1)
    constant = 5 * np.log(scale_model._LEVEL_SD)  # the prior of the levels, left out of the surface
    assert got - constant == pytest.approx(exact, abs=0.12)


def test_parameters_are_recovered():
    fits = [fit_scales(simulated(crossed(24, 4), seed)) for seed in (1, 2, 3)]
    assert all(fit.converged for fit in fits)
    logs = np.array([fit.log_scales for fit in fits]) - np.log(SCALES)
    assert np.all(np.abs(logs[:, :4].mean(0)) < 0.2)
    assert np.all(np.abs(logs.mean(0)) < 0.6)
    errors = np.array([np.sqrt(np.diag(fit.covariance)) for fit in fits])
    assert (np.abs(logs) < 2.6 * errors).mean() > 0.9
    levels = np.array([fit.levels for fit in fits]) - np.array([*TRUE.shift.array().ravel(), TRUE.step])
    assert np.all(np.abs(levels.mean(0)) < 0.25)


@pytest.mark.slow
def test_bias_is_small_with_forty_officers_and_twelve_cases():
    fits = [fit_scales(simulated(second_exercise(1), seed)) for seed in range(10)]
    logs = np.array([fit.log_scales for fit in fits]) - np.log(SCALES)
    assert np.all(np.abs(logs[:, :4].mean(0)) < 0.06)
    assert np.all(np.abs(logs[:, [5, 6, 7, 9]].mean(0)) < 0.2)


def test_unable_to_rate_is_recovered():
    design = crossed(300, 2)
    codes = draw(design, TRUE, np.random.default_rng(1), 1).ratings[0]
    found, covariance = _fit_unable(codes, design.bands(), KIND)
    wanted = np.array([np.log(TRUE.unable_sd), *TRUE.unable.array().ravel()])
    assert np.all(np.abs(found - wanted) < 3 * np.sqrt(np.diag(covariance)))
    assert np.sqrt(np.diag(covariance)).max() < 0.3
    never, _ = _fit_unable(np.zeros((20, 2, 12), dtype=np.int8), design.bands(), KIND)
    assert np.isfinite(never).all()
    assert np.all(never[1:] < -3.5)


def test_a_fit_of_the_simulated_pilot():
    fitted = fit_parameters(read_study(DATA / "pilot"), seed=1)
    assert (fitted.officers, fitted.cases, fitted.synthetic) == (20, 2, True)
    assert len(fitted.mode) == len(FITTED) == len(NAMES) + 1 + len(LEVELS) + 5
    table = fitted.result()
    assert table.synthetic
    for name, true in (("noise_higher_risk", 1.05), ("halo_higher", 0.45), ("step", 1.6), ("unable_higher_protective", -2.3)):
        one = table.get("parameter", parameter=name)
        assert one.ci_low < true < one.ci_high, name
    assert fitted.parameters.difficulty_sd == 0.2
    drawn = fitted.draws(200, 1)
    assert drawn[0] == fitted.draws(3, 1)[0]
    noise = np.log([p.noise.higher_risk for p in drawn])
    assert noise.mean() == pytest.approx(np.log(fitted.parameters.noise.higher_risk), abs=0.05)
    assert any("half-normal" in note for note in fitted.notes)


def test_reversers_are_counted_and_turned_round():
    design = crossed(16, 4)
    drawn = draw(design, TRUE, np.random.default_rng(3), 1)
    codes = drawn.ratings[0].copy()
    protective = codes[:3, :, 7:]
    protective[protective >= 0] = 2 - protective[protective >= 0]
    design = replace(design, raters=tuple(replace(r, id=f"o{j:02d}") for j, r in enumerate(design.raters)))
    fitted = fit_parameters(as_study(design, codes))
    assert fitted.parameters.reversal == pytest.approx(3 / 16, abs=1 / 16)
    assert fitted.parameters.noise.lower_protective < 1.6
    assert 0.03 < np.mean([p.reversal for p in fitted.draws(50, 1)]) < 0.4


def test_many_officers_are_sampled(monkeypatch):
    from arms_irr.planning import fit

    monkeypatch.setattr(fit, "_MOST_OFFICERS", 10)
    fitted = fit_parameters(read_study(DATA / "pilot"), seed=5)
    assert any("10 of 20 officers" in note for note in fitted.notes)
    assert fitted.officers == 20


def test_assurance_spreads_more_than_one_set_of_parameters():
    study, told = read_study(DATA / "pilot"), []
    fitted = fit_parameters(study)
    found = assurance(fitted, crossed(12, 4), 6, replications=10, goals={"exact": 0.04}, progress=lambda k, n: told.append((k, n)))
    assert told[-1] == (6, 6)
    one = found.get("half_width", statistic="exact", group="all", inference="raters")
    assert one.ci_low < one.value < one.ci_high
    single = precision(crossed(12, 4), fitted.parameters, replications=10)
    assert one.value == pytest.approx(single.get("half_width", statistic="exact", group="all", inference="raters").value, rel=0.3)
    assert 0 <= found.get("assurance", statistic="exact", group="all", inference="raters").value <= 1
    assert 0 < found.get("power", statistic="difference", group="lower less higher", inference="raters").value <= 1
    stopped = assurance(fitted, crossed(12, 4), 6, replications=10, stop=lambda: True)
    assert any("1 of 6 draws" in note for note in stopped.notes)
    assert found.get("half_width", statistic="exact", group="all", inference="both").parts["draws"] == 6


@pytest.mark.parametrize(("change", "words"), [
    (lambda d: replace(d, raters=d.raters[:5], assignment=d.assignment[:5]), "5 officers gave priorities.* has 8 officers"),
    (lambda d: replace(d, assignment=((0,),) * 20), "0 priorities on risk factors of higher-risk cases.*Give parameters"),
])
def test_studies_too_small_are_refused_with_the_nearest_that_would_do(change, words):
    design = change(pilot(1))
    codes = draw(design, TRUE, np.random.default_rng(1), 1).ratings[0]
    with pytest.raises(ArgumentError, match=words):
        fit_parameters(as_study(design, codes))
    with pytest.raises(ArgumentError, match=r"draws is 1"):
        assurance(None, design, 1)


FITTED_ODD = ("perfect", "one category", "no overall", "hostile names")


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_are_fitted_or_refused_in_words(name):
    study = odd(name, read_study(DATA / "pilot"))
    if name in FITTED_ODD:
        assert np.isfinite(fit_parameters(study).mode).all()
    else:
        with pytest.raises(ArgumentError, match=r"[Gg]ive"):  # a remedy
            fit_parameters(study)
