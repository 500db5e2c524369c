"""The synthetic twin: as much agreement as the study, and nobody of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from small_study import TINY, columns
from test_evaluation import ODD, odd
from typer.testing import CliRunner

import arms_irr as irr
from arms_irr.cli.main import app
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.planning.simulate import simulate_example
from arms_irr.planning.simulate import write as write_simulated
from arms_irr.planning.twin import ANEW, OPEN
from arms_irr.planning.twin_officers import OTHER, guarded
from arms_irr.study.ratings import Ratings
from arms_irr.study.written import study_files

SEEDS = 30


@pytest.fixture(scope="module", params=["pilot", "training_pre_post", "second_exercise", "reversers"])
def pair(request):
    study = irr.example(request.param)
    return study, [irr.twin(study, seed=seed) for seed in range(SEEDS)]


def officers(study, values, rows):
    """(R,) each officer's mean of ``values`` over these rows."""
    rater = study.ratings.rater[rows]
    return np.bincount(rater, values[rows], len(study.raters)) / np.bincount(rater, minlength=len(study.raters))


def severity(study):
    """Each officer's mean of rating minus gold standard on risk and protective factors."""
    r = study.ratings
    gold = study.gold[r.case, r.factor].astype(int)
    alone = np.array([f.kind in ("overall", "static") for f in study.instrument.factors])
    return officers(study, r.code - gold, (r.code >= 0) & (gold >= 0) & ~alone[r.factor])


def headlines(study):
    """Exact agreement and unable to rate by kind and band; P_a and AC2 by band; spread of officers' severity and refusals."""
    found = {}
    for result in (study.against_gold(["kind", "risk_band"], statistics=["exact", "unable_to_rate"]),
                   study.agreement(["risk_band"], coefficient=["percent", "gwet"], weights="linear")):
        found |= {(row.coefficient, *row.group.values()): row.estimate.value for row in result}
    found["severity sd"] = severity(study).std(ddof=1)
    found["unable sd"] = officers(study, (study.ratings.code == UNABLE).astype(float), study.ratings.code != NOT_GIVEN).std(ddof=1)
    return found


def test_the_agreement_of_the_twin_is_that_of_the_study(pair):
    """Within what one twin differs from another; a systematic shift stays below three quarters of that."""
    study, twins = pair
    many = [headlines(one) for one in twins]
    for name, value in headlines(study).items():
        drawn = np.array([found[name] for found in many])
        assert np.abs(drawn.mean() - value) <= 1.25 * drawn.std(ddof=1) + 1e-12, (name, value, drawn.mean(), drawn.std())
        if name[0] in ("exact", "percent", "gwet", "unable_to_rate"):
            assert abs(drawn.mean() - value) < 0.05, (name, value, drawn.mean())


def test_what_an_officers_answers_share_is_recovered():
    """A copula with known variances, many officers: the twin's officers spread as they do, and more than independent answers would."""
    rng = np.random.default_rng(5)
    n, cells, share = 400, [("L1", f) for f in ("access", "anger", "work")] + [("H1", f) for f in ("access", "anger", "work")], 0.3
    cut = ndtri([0.3, 0.7])
    z = np.sqrt(share) * rng.standard_normal((n, 1)) + np.sqrt(1 - share) * rng.standard_normal((n, len(cells)))
    rows = [(f"r{j}", c, f, TINY.scale_of(f).categories[np.searchsorted(cut, z[j, i])]) for j in range(n) for i, (c, f) in enumerate(cells)]
    study = irr.Study.from_frames(*_frames(rows), instrument=TINY)
    means = [officers(s, s.ratings.code.astype(float), s.ratings.code >= 0) for s in (study, irr.twin(study, seed=2))]
    assert means[1].std() == pytest.approx(means[0].std(), rel=0.08)
    table = irr.twin(study, seed=2).ratings.code.reshape(n, -1)
    given = table[:, (table >= 0).all(0)]
    r = np.corrcoef(given.T)[np.triu_indices(given.shape[1], 1)].mean()
    truth = np.corrcoef(np.searchsorted(cut, z.ravel()).reshape(z.shape).T)[np.triu_indices(len(cells), 1)].mean()
    assert r == pytest.approx(truth, abs=0.04)
    assert ndtr(cut[0]) == pytest.approx((given == 0).mean(), abs=0.03)


def _frames(rows):
    import pandas as pd

    return (pd.DataFrame(columns([("rater", "case", "factor", "rating"), *rows])),)


# --- nobody's record ----------------------------------------------------------------------------------------


def _table(study):
    """(R, I) codes by officer and cell; -9 where the officer was not asked."""
    r = study.ratings
    _, cell = np.unique((r.occasion.astype(int) * len(study.cases) + r.case) * len(study.instrument.factors) + r.factor, return_inverse=True)
    found = np.full((len(study.raters), cell.max() + 1), -9)
    found[r.rater, cell] = r.code
    return found


def _closest(one, other):
    """(R,) for each officer of one study, the largest share of equal answers with an officer of the other, of 13 or more asked of both."""
    a, b = _table(one)[:, None], _table(other)[None]
    both = ((a > -9) & (b > -9)).sum(-1)
    return (((a == b) & (a > -9)).sum(-1) / np.where(both >= 13, both, np.inf)).max(1)


def test_no_officers_record_is_copied(pair):
    """A twin officer is no closer to an officer of the study than to one of another twin, beyond chance."""
    study, twins = pair
    real = np.array([_closest(one, study) for one in twins])
    others = np.array([_closest(one, other) for one, other in zip(twins, twins[1:] + twins[:1], strict=True)])
    assert (real == 1).sum() <= (others == 1).sum()
    assert real.mean() - others.mean() < 0.03
    assert real.mean() < others.mean() + 3 * others.mean(1).std(ddof=1)


def test_a_copied_record_would_be_found():
    study = irr.example("pilot")
    made = irr.twin(study)
    assert _closest(made, study).max() < 1
    code = np.where(made.ratings.rater < 2, study.ratings.code, made.ratings.code)  # complete, so row by row the same cells
    assert (_closest(replace(made, ratings=replace(made.ratings, code=code)), study) == 1).sum() == 2


def test_which_twin_officer_stands_where_says_nothing():
    """The spread of a twin officer's severity does not follow that of the officer at the same place."""
    study = irr.example("pilot")
    own = severity(study)
    r = [np.corrcoef(own, severity(irr.twin(study, seed=seed)))[0, 1] for seed in range(SEEDS)]
    assert abs(np.mean(r)) < 3 / np.sqrt(SEEDS * (len(own) - 1))


def test_the_seed_alone_does_not_undo_the_shuffle():
    study = irr.example("training_pre_post")
    r = study.ratings
    code = r.code.copy()
    code[0] = (code[0] + 1) % 3
    orders = [irr.twin(s, seed=1).rater_attributes["experience_years"] for s in (study, replace(study, ratings=replace(r, code=code)))]
    assert orders[0] != orders[1]
    assert irr.twin(study, seed=1).rater_attributes["experience_years"] == orders[0]


def test_what_stays_and_what_goes(pair):
    study, (one, *_) = pair
    assert one.synthetic
    assert "twin" in one.title
    assert "no rating was given by an officer" in one.description
    assert set(one.notes) >= {ANEW, *OPEN}
    assert not set(one.raters) & set(study.raters)
    assert one.gold is study.gold
    assert (one.cases, one.case_attributes) == (study.cases, study.case_attributes)
    assert (one.gold_panel, one.report, one.source, one.files) == ({}, {}, None, ())
    r, s = one.ratings, study.ratings
    assert len(r) == len(s)
    order = np.lexsort((r.factor, r.occasion, r.case, r.rater))
    np.testing.assert_array_equal(order, np.arange(len(r)))

    def asked(x):
        return Counter(frozenset(zip(*(getattr(x, name)[x.rater == j].tolist() for name in ("case", "occasion", "factor")), strict=True))
                       for j in range(len(study.raters)))

    assert asked(r) == asked(s)


# --- attributes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("aaaaabbbbb", "aaaaabbbbb"),
        ("aaaaabbbbbccc", "ooooobbbbbooo"),  # three are too few, and the smallest of the others joins them
        ("aaaaaabbbbbbcccdd", "aaaaaabbbbbbooooo"),
        ("abcdef", "oooooo"),
        ("aabb", ("", "", "", "")),
    ],
)
def test_rare_values_are_merged(values, expected):
    assert guarded(tuple(values), 5) == tuple(OTHER if x == "o" else x for x in expected)


@pytest.mark.parametrize("least", [2, 3, 5])
def test_no_value_belongs_to_few_officers(least):
    rng = np.random.default_rng(least)
    for _ in range(300):
        n = int(rng.integers(least, 40))
        pool = [str(x) for x in rng.integers(0, 60, 12)] if rng.random() < 0.5 else list("abcdefg")
        values = tuple(rng.choice([*pool, ""], n).tolist())
        counts = Counter(guarded(values, least))
        assert min(counts.values()) >= least or set(counts) == {""}, (values, counts)


def test_numbers_become_medians_of_groups():
    shown = guarded(("31", "7", "12", "8", "44", "9", "2", "40", "13", "11"), 5)
    assert set(shown) == {"8", "31"}
    assert shown[0] == "31"


def test_an_attribute_of_the_design_stays_with_it():
    """Officers who began with A are still those who were asked for A first."""
    study = irr.example("training_pre_post")
    for s in (study, irr.twin(study)):
        r = s.ratings
        first = {s.raters[j]: s.cases[r.case[(r.rater == j) & (r.occasion == 1)][0]].split("_")[1] for j in range(len(s.raters))}
        order = dict(zip(s.raters, s.rater_attributes["order"], strict=True))
        assert all(order[name].lower().startswith(first[name]) for name in s.raters)


# --- refusals and degenerate studies -----------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_studies(name):
    study = odd(name, irr.example("pilot"))
    if len(study.raters) < 5:
        with pytest.raises(ArgumentError, match="single officers"):
            irr.twin(study, min_cell=5)
        return
    made = irr.twin(study)
    assert len(made.ratings) == len(study.ratings)
    categories = np.array([len(study.instrument.scale_of(f.id).categories) for f in study.instrument.factors])
    assert (made.ratings.code < categories[made.ratings.factor]).all()
    refusable = np.array([bool(study.instrument.scale_of(f.id).not_rated) for f in study.instrument.factors])
    assert refusable[made.ratings.factor[made.ratings.code == UNABLE]].all()
    assert not ((made.ratings.urgency >= 0) & (made.ratings.code != UNABLE)).any()


def test_few_officers_and_small_min_cells_are_refused():
    study = irr.example("pilot")
    with pytest.raises(ArgumentError, match="min_cell=1"):
        irr.twin(study, min_cell=1)
    with pytest.raises(ArgumentError, match="20 officers"):
        irr.twin(study, min_cell=21)


def test_a_cell_that_few_rated_answers_like_its_kind():
    """Four officers alone rated a further case, all High: the twin does not say so."""
    study = irr.example("pilot")
    r = study.ratings
    code = r.code.copy()
    few = (r.case == 1) & (r.factor == 0)
    code[few & (r.rater >= 4)] = NOT_GIVEN
    code[few & (r.rater < 4)] = 2
    held = replace(study, ratings=Ratings(r.rater, r.case, r.factor, code, r.occasion, r.urgency), gold=None)
    drawn = np.concatenate([one.ratings.code[few] for one in (irr.twin(held, seed=seed) for seed in range(SEEDS))])
    kind = np.array([f.kind == "risk" for f in study.instrument.factors])
    like = r.code[(r.case == 1) & kind[r.factor] & ~few & (r.code >= 0)]
    assert (drawn == 2).sum() / (drawn >= 0).sum() == pytest.approx((like == 2).mean(), abs=0.12)


def test_blanks_are_as_frequent_and_as_clustered():
    study = irr.example("second_exercise")
    r, rng = study.ratings, np.random.default_rng(3)
    gone = np.flatnonzero(rng.random(len(study.raters)) < 0.3)
    code = np.where(np.isin(r.rater, gone) & (rng.random(len(r)) < 0.6), NOT_GIVEN, r.code).astype(np.int8)
    held = replace(study, ratings=replace(r, code=code))
    blank = [officers(s, (s.ratings.code == NOT_GIVEN).astype(float), s.ratings.code < 99) for s in
             (held, *(irr.twin(held, seed=seed) for seed in range(10)))]
    assert np.mean([x.mean() for x in blank[1:]]) == pytest.approx(blank[0].mean(), abs=0.04)
    assert np.mean([x.std() for x in blank[1:]]) == pytest.approx(blank[0].std(), rel=0.25)


# --- the folder ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pilot", "training_pre_post"])
def test_the_files_are_the_study(name, tmp_path):
    made = irr.twin(irr.example(name), seed=4)
    for file, content in study_files(made).items():
        (tmp_path / file).write_text(content, "utf-8")
    again = irr.read_study(tmp_path)
    for column in vars(made.ratings):
        np.testing.assert_array_equal(getattr(made.ratings, column), getattr(again.ratings, column))
    np.testing.assert_array_equal(made.gold, again.gold)
    for part in ("title", "description", "synthetic", "raters", "cases", "rater_attributes", "case_attributes", "simulation", "bands"):
        assert getattr(made, part) == getattr(again, part), part


def test_an_instrument_of_ones_own_needs_its_file():
    rows = [(f"r{j}", "L1", "access", "Low") for j in range(6)]
    with pytest.raises(ArgumentError, match="no file"):
        study_files(irr.twin(irr.Study.from_frames(*_frames(rows), instrument=TINY)))


def test_the_command_writes_a_folder_that_says_what_it_is(tmp_path):
    source = write_simulated(simulate_example("pilot"), tmp_path / "secret-name")
    out = tmp_path / "shared"
    result = CliRunner().invoke(app, ["twin", str(source), "-o", str(out), "--seed", "3"])
    assert result.exit_code == 0, result.output
    assert "in the study" in result.stdout
    assert "no differential privacy" in result.stdout
    text = "".join(path.read_text("utf-8") for path in out.iterdir())
    assert "secret-name" not in text
    assert "officer_0" not in text
    assert all(said in (out / "disclosure.md").read_text("utf-8") for said in (ANEW, *OPEN))
    bytes_before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert CliRunner().invoke(app, ["twin", str(source), "-o", str(out), "--seed", "3"]).exit_code == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == bytes_before
    assert irr.read_study(out).synthetic
    refused = CliRunner().invoke(app, ["twin", str(source), "-o", str(source)])
    assert refused.exit_code == 2
    assert "choose another folder" in refused.output
