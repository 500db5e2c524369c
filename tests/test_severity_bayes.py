"""Posteriors of severities against the maximum likelihood fit of the same model. Those that need numpyro: -m bayes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from test_evaluation import odd

import arms_irr as irr
from arms_irr.analysis import severity_bayes
from arms_irr.analysis.severity import severity
from arms_irr.analysis.severity_bayes import severity_posterior
from arms_irr.errors import ArgumentError

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(DATA / "pilot")


@pytest.fixture(scope="module")
def posterior(pilot):
    return severity_posterior(pilot)


def column(result, pilot, field="value"):
    return np.array([getattr(result.get("severity", facet="officer", name=r), field) for r in pilot.raters])


def test_without_numpyro_the_remedy_is_told(pilot, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpyro", None)
    with pytest.raises(ArgumentError, match=r'pip install "arms-irr\[bayes\]"'):
        severity_posterior(pilot)


def test_too_few_draws_are_told(pilot):
    for name, least in (("draws", 100), ("warmup", 100), ("chains", 2)):
        with pytest.raises(ArgumentError, match=f"{name}=1 .* at least {least}"):
            severity_posterior(pilot, **{name: 1})


@pytest.mark.bayes
def test_the_posterior_agrees_with_maximum_likelihood(pilot, posterior):
    fit = severity(pilot, replicates=20)
    ours, theirs = column(posterior, pilot), column(fit, pilot)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.98
    assert np.abs(ours - theirs).max() < 0.15
    assert column(posterior, pilot, "se") == pytest.approx(column(fit, pilot, "se"), rel=0.2)
    sd, other = posterior.get("severity_sd"), fit.get("severity_sd")
    assert other.ci_low < sd.value < other.ci_high
    assert sd.value == pytest.approx(other.value, abs=other.se)


@pytest.mark.bayes
def test_every_row_says_whether_its_chains_settled(pilot, posterior):
    assert len(posterior) == len(pilot.raters) + 1
    for row in posterior:
        found = row.estimate
        assert ("not-converged" in found.flags) == (found.parts["r_hat"] > 1.01)
        assert found.parts["n_eff"] > 100
        assert found.ci_low < found.value < found.ci_high
    assert posterior.get("severity_sd").parts["r_hat"] < 1.01
    assert not any("did not settle" in note for note in posterior.notes)


@pytest.mark.bayes
def test_the_same_seed_gives_the_same_bytes_and_another_others(pilot, monkeypatch):
    first, again = (severity_posterior(pilot, draws=100, warmup=100, seed=3) for _ in range(2))
    assert first.to_json() == again.to_json()
    monkeypatch.setattr(severity_bayes, "_SETTLED", 1.0)
    other = severity_posterior(pilot, draws=100, warmup=100, seed=4)
    assert (column(first, pilot) != column(other, pilot)).all()
    unsettled = [row.estimate.parts["r_hat"] > 1.0 for row in other]
    assert any(unsettled)
    assert ["not-converged" in row.estimate.flags for row in other] == unsettled
    assert any("did not settle" in note for note in other.notes)


@pytest.mark.bayes
@pytest.mark.parametrize(("name", "reason"), [
    ("one officer", "one-rater"), ("two officers", "few-officers"), ("everyone unable", "no-ratings"), ("perfect", "no-variance"),
    ("one category", "no-variance")])
def test_refuses_what_maximum_likelihood_refuses(pilot, name, reason):
    study = odd(name, pilot)
    found, fit = severity_posterior(study).get("severity_sd"), severity(study, replicates=20).get("severity_sd")
    assert np.isnan(found.value)
    assert found.flags == fit.flags == (reason,)


@pytest.mark.bayes
def test_without_gold_severity_is_from_the_mean_officer(pilot):
    found = severity_posterior(odd("no gold", pilot), draws=300)
    fit = severity(odd("no gold", pilot), replicates=20)
    assert column(found, pilot) == pytest.approx(column(fit, pilot), abs=0.15)
    assert any("mean officer's" in note for note in found.notes)
