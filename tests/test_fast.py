"""Counting ratings of any number: every engine counts the same, and groups are what one tally after another gives."""

from __future__ import annotations

import math
from dataclasses import asdict

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import arms_irr as irr
from arms_irr.analysis.stream import stream_agreement, stream_ratings
from arms_irr.errors import ArgumentError
from arms_irr.statistics.against import kappas_of_tables
from arms_irr.statistics.agreement import COEFFICIENTS, coefficient
from arms_irr.statistics.groups import group_estimates, stacked
from arms_irr.statistics.pairs import pair_kappas
from arms_irr.statistics.profiles import count_profiles, icc_of_profiles
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import WEIGHTS, agreement_weights
from arms_irr.study import batches as batches_module
from arms_irr.study import stream as stream_module
from arms_irr.study.stream import count_ratings

SCALE = [1, 2, 3, 4, 5]
COUNTED = ["percent", "brennan_prediger", "gwet", "fleiss", "krippendorff"]


def ratings(seed=1, raters=30, cases=12, factors=4, missing=0.1):
    """Long ratings as arrays, some of them blank."""
    rng = np.random.default_rng(seed)
    rater, case, factor = (x.ravel() for x in np.indices((raters, cases, factors)))
    severity = rng.integers(1, 6, (cases, factors))[case, factor]
    rating = np.clip(severity + rng.integers(-1, 2, len(case)), 1, 5).astype(float)
    rating[rng.random(len(rating)) < missing] = np.nan
    order = rng.permutation(len(rating))
    return {"rater": rater[order], "case": case[order], "factor": factor[order], "rating": rating[order]}


def by_loop(data, *columns):
    found = {}
    for *key, value in zip(*(data[c].tolist() for c in columns), data["rating"].tolist(), strict=True):
        if not math.isnan(value):
            found[*key, int(value)] = found.get((*key, int(value)), 0) + 1
    return found


def as_dict(counts):
    at = np.argwhere(counts.table)
    return {tuple(labels[i] for labels, i in zip(counts.labels, where, strict=True)): int(counts.table[tuple(where)]) for where in at}


def sources(data, folder):
    frame = pd.DataFrame(data).astype({"rating": "Int64"})
    arrow = pa.table({k: pa.array(v.tolist() if k != "rating" else [None if math.isnan(x) else int(x) for x in v]) for k, v in data.items()})
    path = folder / "ratings.parquet"
    pq.write_table(arrow, path, row_group_size=200)
    yield "arrays", data
    yield "pandas", frame
    yield "pandas floats", pd.DataFrame(data)
    yield "polars", pl.from_arrow(arrow)
    yield "lazy polars", pl.from_arrow(arrow).lazy()
    yield "pyarrow", arrow
    yield "duckdb", duckdb.from_arrow(arrow)
    yield "parquet", path
    yield "parquet, text path", str(path)


def test_every_engine_counts_the_same(tmp_path):
    data = ratings()
    expected = by_loop(data, "factor", "case")
    for name, source in sources(data, tmp_path):
        (counts,) = count_ratings(source, ("factor", "case"))
        assert as_dict(counts) == expected, name
        assert counts.n_blank == np.isnan(data["rating"]).sum(), name
        assert counts.labels[2] == SCALE


def test_every_engine_gives_the_same_result(tmp_path):
    data = ratings()
    cases = {"case": list(range(12)), "band": ["lower", "higher"] * 6}
    results = {name: stream_agreement(source, SCALE, ["factor", "band"], cases=cases) for name, source in sources(data, tmp_path)}
    first = results.pop("arrays").records()
    assert len(first) == 4 * 2 * 20
    for name, result in results.items():
        assert repr(result.records()) == repr(first), name


def test_dask_counts_the_same():
    dask = pytest.importorskip("dask.dataframe")
    data = ratings()
    frame = dask.from_pandas(pd.DataFrame(data), npartitions=3)
    assert as_dict(count_ratings(frame, ("factor", "case"))[0]) == by_loop(data, "factor", "case")


@pytest.mark.parametrize("kind", [str, pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_text_ids_keep_the_dictionary_codes_of_the_file(tmp_path, kind):
    """Dictionaries differ from row group to row group, so their codes mean something else in each."""
    data = ratings()
    names = [f"case {c}" for c in data["case"].tolist()]
    arrow = pa.table({"case": pa.array(names) if kind is str else pa.array(names, pa.string()).cast(kind),
                      "rating": pa.array([None if math.isnan(x) else int(x) for x in data["rating"]], pa.int8())})
    pq.write_table(arrow, tmp_path / "text.parquet", row_group_size=100)
    (counts,) = count_ratings(tmp_path / "text.parquet", ("case",))
    assert as_dict(counts) == by_loop({"case": np.array(names), "rating": data["rating"]}, "case")
    assert counts.labels[0] == sorted(counts.labels[0])


@pytest.mark.parametrize("values", [[0, 1, 2], [7, 5000, 70_000], [-3, 0, 3], [2**40, 2**41, 5], [1.5, 2.0, 2.5], ["b", "a", "c"]])
def test_any_labels(values):
    rng = np.random.default_rng(5)
    case = np.array(values)[rng.integers(0, 3, 400)]
    data = {"case": case, "rating": rng.integers(1, 4, 400)}
    (counts,) = count_ratings(data, ("case",))
    assert as_dict(counts) == by_loop(data, "case")
    assert counts.labels[0] == sorted(values)


def test_chunks_and_batches_do_not_matter(monkeypatch, tmp_path):
    data = ratings()
    path = dict(sources(data, tmp_path))["parquet"]
    monkeypatch.setattr(stream_module, "_CHUNK", 7)
    monkeypatch.setattr(batches_module, "_BATCH", 16)  # then a row group is larger than four batches
    for source in (data, path):
        assert as_dict(count_ratings(source, ("factor", "case"))[0]) == by_loop(data, "factor", "case")


def test_groups_are_one_tally_after_another():
    """Value, error, interval, sizes and flags of every group, degenerate ones among them."""
    rng, scores = np.random.default_rng(1), np.arange(1.0, 6)
    group = rng.integers(0, 12, 150)
    counts = rng.multinomial(6, [0.1, 0.2, 0.4, 0.2, 0.1], size=150) * (rng.random((150, 1)) < 0.9)
    counts[group == 3] = 0
    counts[group == 4] = [0, 0, 3, 0, 0]
    counts[group == 5] = [0, 1, 0, 0, 0]
    counts[np.flatnonzero(group == 6)[1:]] = 0
    counts[group == 7] = np.minimum(counts[group == 7], 1)
    sets = {name: agreement_weights(name, scores) for name in ("identity", "quadratic", "ordinal")}
    found = group_estimates(stacked(counts, group, 12), scores, [coefficient(n) for n in COUNTED], sets, confidence_level=0.9)
    for (name, weights), estimates in found.items():
        for g, fast in enumerate(estimates):
            slow = estimate(coefficient(name), Tally.from_counts(counts[group == g], scores), sets[weights], weights=weights,
                            confidence_level=0.9)
            for key, value in asdict(slow).items():
                assert asdict(fast)[key] == pytest.approx(value, abs=1e-12, nan_ok=True) or asdict(fast)[key] == value, (name, weights, g, key)


def test_what_counts_cannot_say_is_refused():
    for name in ("conger", "cohen", "light"):
        with pytest.raises(ArgumentError, match="which rater gave which rating"):
            stream_agreement(ratings(), SCALE, ["factor"], coefficient=name)


def test_each_rater_against_gold_is_cohens_kappa():
    data = ratings()
    gold = {"case": np.repeat(range(12), 4).tolist(), "factor": list(range(4)) * 12,
            "rating": np.random.default_rng(9).integers(1, 6, 48).tolist()}
    gold = {k: v[:40] for k, v in gold.items()}  # the last cases have none
    standard = dict(zip(zip(gold["case"], gold["factor"], strict=True), gold["rating"], strict=True))
    found = stream_ratings(data, SCALE, gold=gold).raters(["identity", "quadratic"])
    assert found.raters == list(range(30))
    for rater in (0, 11, 29):
        rows = [(standard[c, f], x) for r, c, f, x in zip(*data.values(), strict=True)
                if r == rater and (c, f) in standard and not math.isnan(x)]
        for weights, kappas in found.kappas.items():
            one = irr.agreement(rows, "cohen", weights, SCALE)
            assert [kappas.value[rater], kappas.se[rater], kappas.ci_low[rater], kappas.ci_high[rater]] == pytest.approx(
                [one.value, one.se, one.ci_low, one.ci_high], abs=1e-12)
            assert kappas.n[rater] == len(rows)
    assert len(found.to_frame()) == 60


def test_kappas_that_say_nothing_are_nan():
    w = agreement_weights("linear", [1, 2, 3])
    few, constant_gold, constant_rater, fine = np.zeros((4, 3, 3))
    few[0, 0] = few[1, 1] = 2
    constant_gold[1] = 5
    constant_rater[:, 1] = 5
    fine += np.eye(3) * 5 + 1
    found = kappas_of_tables(np.stack([few, constant_gold, constant_rater, fine]), w)
    assert np.isnan(found.value).tolist() == [True, True, True, False]
    assert np.isnan(found.se).tolist() == [True, True, True, False]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("missing", [0.0, 0.25])
def test_all_pairs_by_pairs(weights, missing):
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4, (25, 6))
    codes[rng.random(codes.shape) < missing] = -1
    codes[:, 5] = np.where(np.arange(25) < 12, codes[:, 5], -1)
    codes[:12, 4] = -1  # raters 4 and 5 share no unit
    if not missing:
        codes = np.abs(codes)
    tally, w = Tally.from_codes(codes, np.arange(1.0, 5)), agreement_weights(weights, [1, 2, 3, 4])
    pairs = pair_kappas(tally, w)
    for g in range(6):
        for h in range(6):
            both = codes[:, [g, h]][(codes[:, [g, h]] >= 0).all(axis=1)]
            assert pairs.n[g, h] == len(both)
            if g == h or not len(both):
                continue
            one = estimate(COEFFICIENTS["cohen"], Tally.from_codes(both, tally.scores), w)
            assert pairs.value[g, h] == pytest.approx(one.value, abs=1e-11, nan_ok=True)


def test_profiles_carry_value_error_and_icc():
    table = np.clip(np.random.default_rng(2).integers(1, 5, 400)[:, None] + np.random.default_rng(3).integers(-1, 2, (400, 3)), 1, 4)
    counted = irr.statistics.arrays.tally(table, [1, 2, 3, 4])
    w = agreement_weights("quadratic", counted.scores)
    profiles = count_profiles(counted)
    assert len(profiles.weight) < len(counted.weight) < 400
    for name in COUNTED:
        slow, fast = (estimate(coefficient(name), t, w) for t in (counted, profiles))
        assert [fast.value, fast.se, fast.ci_low] == pytest.approx([slow.value, slow.se, slow.ci_low], abs=1e-12)
    for form in ("ICC(1)", "ICC(A,1)", "ICC(C,1)"):
        slow, fast = irr.icc(table, form), icc_of_profiles(counted, form)
        assert [fast.value, fast.ci_low, fast.ci_high] == pytest.approx([slow.value, slow.ci_low, slow.ci_high], abs=1e-10)
        assert (fast.n_subjects, fast.n_ratings, fast.target) == (slow.n_subjects, slow.n_ratings, slow.target)


DATA = ratings()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: stream_agreement("nowhere.parquet", SCALE), "no file 'nowhere.parquet'"),
        (lambda: stream_agreement(__file__, SCALE), "no Parquet file"),
        (lambda: stream_agreement(DATA, SCALE, rating="ratings"), "no column 'ratings'. Did you mean 'rating'"),
        (lambda: stream_agreement(pd.DataFrame(DATA), SCALE, subject=["vase"]), "no column 'vase'. Did you mean 'case'"),
        (lambda: stream_agreement(5, SCALE), "neither a path"),
        (lambda: stream_agreement(DATA, [1, 2, 3]), "outside the categories.*4, 5"),
        (lambda: stream_agreement(DATA, [1, 1, 2]), "each category once"),
        (lambda: stream_agreement(DATA, SCALE, ["band"]), "cannot group by 'band'"),
        (lambda: stream_agreement(DATA, SCALE, "factor"), r"by=\['factor'\]"),
        (lambda: stream_agreement(DATA, SCALE, ["band"], cases={"case": [0], "band": ["x"]}), "no case 1, 2"),
        (lambda: stream_agreement(DATA, SCALE, confidence_level=95), "Did you mean 0.95"),
        (lambda: stream_agreement(DATA, SCALE, subject=["case", "case"]), "named twice"),
        (lambda: stream_agreement({**DATA, "case": np.where(DATA["case"] == 1, np.nan, DATA["case"])}, SCALE), "empty cell in the column 'case'"),
        (lambda: stream_agreement({**DATA, "case": DATA["case"][:5]}, SCALE), "differ in length"),
        (lambda: stream_ratings(DATA, SCALE).raters(), "no gold standard was counted"),
    ],
)
def test_wrong_calls_say_what_to_do(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()


def test_pandas_stays_out_of_the_way(tmp_path):
    """Counting a Parquet file and a polars frame imports no pandas."""
    import subprocess
    import sys

    pq.write_table(pa.table({"case": [1, 1, 2, 2], "factor": [1, 1, 1, 1], "rating": [1, 2, 2, 2]}), tmp_path / "x.parquet")
    code = ("import sys; from arms_irr.analysis.stream import stream_agreement as f; f(sys.argv[1], [1, 2]); "
            "import polars; f(polars.read_parquet(sys.argv[1]), [1, 2]); print('pandas' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.parquet")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_duckdb_and_dask_count_the_national_workload(tmp_path):
    """9.6 million ratings: a DuckDB query and a local Dask cluster count what the streamed file gives."""
    import subprocess
    import sys
    from pathlib import Path

    script = Path(__file__).parents[1] / "benchmarks" / "generate.py"
    subprocess.run([sys.executable, str(script), str(tmp_path), "national"], check=True)
    path = tmp_path / "national.parquet"
    (streamed,) = count_ratings(path, ("factor", "case"))
    assert streamed.table.sum() == 9_600_000
    (counted,) = count_ratings(duckdb.read_parquet(str(path)), ("factor", "case"))
    assert np.array_equal(counted.table, streamed.table)
    distributed = pytest.importorskip("distributed")
    import dask.dataframe as dd

    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, host="127.0.0.1", dashboard_address=None) as cluster, \
            distributed.Client(cluster):
        (spread,) = count_ratings(dd.read_parquet(path), ("factor", "case"))
    assert np.array_equal(spread.table, streamed.table)
