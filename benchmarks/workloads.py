"""Workloads P1 to P14: agreement statistics beside what the machine could do at best, and beside other packages.

    python benchmarks/workloads.py            # all of them
    python benchmarks/workloads.py P3 P8      # some
    python benchmarks/workloads.py --data DIR --json benchmarks/results.json --repeats 5

Prints a table of ratios and writes them as JSON. Data are made once, seeded. A peer that would take minutes is
measured on a part, and its time is multiplied; its note says so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]  # so that a plain `python benchmarks/workloads.py` works

from generate import ensure  # noqa: E402
from measure import Line, absent, installed, limit, once, peer, seconds, table, write  # noqa: E402

from arms_irr.analysis.stream import stream_agreement, stream_ratings  # noqa: E402
from arms_irr.statistics import bootstrap  # noqa: E402
from arms_irr.statistics.agreement import coefficient  # noqa: E402
from arms_irr.statistics.arrays import agreement, tally  # noqa: E402
from arms_irr.statistics.pairs import pair_kappas  # noqa: E402
from arms_irr.statistics.profiles import count_profiles, icc_of_profiles  # noqa: E402
from arms_irr.statistics.tally import Tally  # noqa: E402
from arms_irr.statistics.uncertainty import estimate  # noqa: E402
from arms_irr.statistics.weights import agreement_weights  # noqa: E402
from arms_irr.study.stream import count_ratings  # noqa: E402

SCALE = [1, 2, 3, 4, 5]
KEYS = ["case", "factor", "rating"]
BY = ["factor", "band"]
METRICS = ("nominal", "ordinal", "interval", "ratio")
options = argparse.Namespace(data=Path(tempfile.gettempdir()) / "arms_irr_benchmarks", repeats=5)


@cache
def arrays(name: str) -> dict[str, np.ndarray]:
    """The columns of a data set in memory."""
    ensure(options.data, name)
    return {k: v.to_numpy() for k, v in zip(("rater", *KEYS), pq.read_table(options.data / f"{name}.parquet").columns, strict=True)}


def cases(name: str) -> dict[str, list[int]]:
    """The table of cases."""
    return pq.read_table(options.data / f"{name}_cases.parquet").to_pydict()


def precoded(name: str) -> np.ndarray:
    """One int64 code per rating: what the limit B counts."""
    a = arrays(name)
    return (a["case"].astype(np.int64) * 12 + a["factor"]) * 5 + a["rating"] - 1


def reliability(name: str, factor: int, band: int) -> np.ndarray:
    """A group as raters by subjects with nan, as `krippendorff` wants it."""
    a = arrays(name)
    held = np.array(cases(name)["band"])[a["case"]] == band
    held &= a["factor"] == factor
    out = np.full((int(a["rater"].max()) + 1, int(a["case"].max()) + 1), np.nan)
    out[a["rater"][held], a["case"][held]] = a["rating"][held]
    return out[:, ~np.isnan(out).all(axis=0)]


def by_krippendorff(workload: str, name: str, at_least: float, groups: int, measured: int) -> Line:
    """The same question to both, alpha with four metrics in every group: ours with standard errors, theirs values only.

    Theirs in `measured` groups, multiplied.
    """
    a, table_of_cases = arrays(name), cases(name)
    (ours,) = seconds(lambda: stream_agreement(a, SCALE, BY, coefficient="krippendorff", cases=table_of_cases), repeats=options.repeats)
    package = installed("krippendorff")
    if package is None:
        return absent(workload, "krippendorff", "not installed")
    bands = sorted(set(cases(name)["band"]))
    data = [reliability(name, g // len(bands), bands[g % len(bands)]) for g in range(measured)]
    with np.errstate(all="ignore"):  # a group with one category is 0/0
        taken = once(lambda: [package.alpha(d, level_of_measurement=m, value_domain=SCALE) for d in data for m in METRICS])
    taken *= groups / measured
    part = f"{measured} of {groups} groups, multiplied" if measured < groups else ""
    return peer(workload, "krippendorff, alpha with 4 metrics, no SE", ours, taken, at_least, part)


def command(*arguments: str) -> None:
    """A whole process."""
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=ROOT)


def p1() -> list[Line]:
    """Pilot: the command line as a whole process, and the computation."""
    numpy_, run, help_, import_ = seconds(
        lambda: command("-c", "import numpy"), lambda: command("-m", "arms_irr", "agreement", "data/pilot"),
        lambda: command("-m", "arms_irr", "--help"), lambda: command("-c", "import arms_irr"), repeats=options.repeats)
    return [limit("P1", "agreement, of import numpy", run, numpy_, 10), limit("P1", "--help, of import numpy", help_, numpy_, 4),
            limit("P1", "import arms_irr, of import numpy", import_, numpy_, 2),
            by_krippendorff("P1", "pilot", 15, 24, 24)]


def p2() -> list[Line]:
    """Cohort from arrays: 48 groups, 5 coefficients, 4 weight sets, standard errors."""
    a = arrays("cohort")
    (ours,) = seconds(lambda: stream_agreement(a, SCALE, BY, cases=cases("cohort")), repeats=options.repeats)
    return [by_krippendorff("P2", "cohort", 30, 48, 12), _irrcac("P2", "cohort", ours, 500)]


def _irrcac(workload: str, name: str, ours: float, at_least: float) -> Line:
    if installed("irrCAC") is None:
        return absent(workload, "irrCAC", "not installed; it pins an old scipy and needs its own environment (benchmarks/README.md)")
    import pandas as pd
    from irrCAC.raw import CAC

    data = pd.DataFrame(reliability(name, 0, 0).T)
    names = ("bp", "gwet", "fleiss", "krippendorff")
    taken = once(lambda: [getattr(CAC(data, weights=w, categories=SCALE), n)() for w in ("identity", "quadratic") for n in names])
    return peer(workload, "irrCAC (Python)", ours, taken * 48 * 20 / 8, at_least, "1 of 48 groups, 8 of 20 coefficients, multiplied")


def limit_read() -> object:
    """L: reading the three columns, and B."""
    read = pq.read_table(options.data / "national.parquet", columns=KEYS)
    return read, np.bincount(national_codes())


@cache
def national_codes() -> np.ndarray:
    """Codes of the national ratings, made once."""
    return precoded("national")


def p3() -> list[Line]:
    """National, from the Parquet file to every coefficient, group and standard error."""
    ensure(options.data, "national")
    file, table_of_cases = options.data / "national.parquet", cases("national")
    calls = [lambda: stream_agreement(file, SCALE, BY, cases=table_of_cases), limit_read]
    polars, duckdb = installed("polars"), installed("duckdb")
    names = []
    if polars is not None:
        names.append("polars, counting only")
        calls.append(lambda: polars.scan_parquet(file).group_by(KEYS).len().collect())
    if duckdb is not None:
        names.append("DuckDB, counting only")
        calls.append(lambda: duckdb.sql(f'select "case", factor, rating, count(*) from \'{file}\' group by all').fetchall())
    ours, least, *others = seconds(*calls, repeats=options.repeats)
    return [limit("P3", "L", ours, least, 1.3), *(peer("P3", n, ours, t, 1) for n, t in zip(names, others, strict=True))]


def p4() -> list[Line]:
    """The same from arrays in memory."""
    a, codes, table_of_cases = arrays("national"), national_codes(), cases("national")
    ours, least = seconds(lambda: stream_agreement(a, SCALE, BY, cases=table_of_cases), lambda: np.bincount(codes), repeats=options.repeats)
    return [limit("P4", "B", ours, least, 2.5), by_krippendorff("P4", "national", 400, 48, 1)]


def gold_table() -> dict[str, list[int]]:
    """The gold standard in long form."""
    gold = np.load(options.data / "national_gold.npy")
    case, factor = np.indices(gold.shape)
    return {"case": case.ravel().tolist(), "factor": factor.ravel().tolist(), "rating": gold.ravel().tolist()}


def p5() -> list[Line]:
    """P3, and each of 20,000 raters against gold: weighted kappa with its standard error."""
    ensure(options.data, "national")
    file, table_of_cases, gold = options.data / "national.parquet", cases("national"), gold_table()

    def ours() -> object:
        counted = stream_ratings(file, SCALE, cases=table_of_cases, gold=gold)
        return counted.agreement(BY), counted.raters("quadratic")

    taken, least = seconds(ours, limit_read, repeats=options.repeats)
    lines = [limit("P5", "L", taken, least, 2.5)]
    if installed("statsmodels") is None:
        return [*lines, absent("P5", "statsmodels", "not installed")]
    from statsmodels.stats.inter_rater import cohens_kappa

    counted = stream_ratings(file, SCALE, gold=gold)
    tables, w = counted.against.table[:500], 1 - agreement_weights("quadratic", np.array(SCALE, float))
    rest = once(lambda: [cohens_kappa(t, weights=w) for t in tables]) * 40
    return [*lines, peer("P5", "statsmodels, kappas of the counted tables only", taken, rest, 100, "500 of 20,000 raters, multiplied")]


def p6() -> list[Line]:
    """Text ids in Parquet, to counts."""
    ensure(options.data, "national")
    file = options.data / "national_text.parquet"
    calls = [lambda: count_ratings(file, ("case", "factor")), lambda: pq.read_table(file, columns=KEYS, read_dictionary=KEYS[:2])]
    duckdb = installed("duckdb")
    if duckdb is not None:
        calls.append(lambda: duckdb.sql(f'select "case", factor, rating, count(*) from \'{file}\' group by all').fetchall())
    ours, least, *others = seconds(*calls, repeats=options.repeats)
    return [limit("P6", "reading the dictionaries", ours, least, 1.3), *(peer("P6", "DuckDB", ours, t, 1.25) for t in others)]


def cohort_tally(complete: bool = False) -> Tally:
    """Codes of the cohort: 240 subjects by 500 raters."""
    a = arrays("cohort")
    codes = np.full((240, 500), 2 if complete else -1, dtype=np.int8)
    codes[a["case"].astype(np.int64) * 12 + a["factor"], a["rater"]] = a["rating"] - 1
    return Tally.from_codes(codes, np.array(SCALE, float), np.repeat(np.arange(20), 12))


def p7() -> list[Line]:
    """All 124,750 pairs of 500 raters, quadratic weights."""
    w = agreement_weights("quadratic", np.array(SCALE, float))
    missing, complete = cohort_tally(), cohort_tally(True)
    left, right = np.random.default_rng(1).random((2, 500, 1200)).astype(np.float32)
    ours, whole, least = seconds(lambda: pair_kappas(missing, w), lambda: pair_kappas(complete, w), lambda: left @ right.T,
                                 repeats=3 * options.repeats)
    lines = [limit("P7", "sgemm, ratings missing", ours, least, 8), limit("P7", "sgemm, complete", whole, least, 2)]
    x, pairs = complete.codes, np.random.default_rng(2).integers(0, 500, (50, 2))
    if installed("statsmodels") is not None:
        from statsmodels.stats.inter_rater import cohens_kappa

        taken = once(lambda: [cohens_kappa(np.bincount(x[:, g] * 5 + x[:, h], minlength=25).reshape(5, 5), weights=1 - w) for g, h in pairs])
        lines.append(peer("P7", "statsmodels", ours, taken * 124_750 / 50, 30, "50 pairs, multiplied"))
    if installed("sklearn") is not None:
        from sklearn.metrics import cohen_kappa_score

        taken = once(lambda: [cohen_kappa_score(x[:, g], x[:, h], weights="quadratic", labels=range(5)) for g, h in pairs])
        lines.append(peer("P7", "scikit-learn", ours, taken * 124_750 / 50, 1000, "50 pairs, multiplied"))
    return lines


@cache
def wide() -> np.ndarray:
    """(1,000,000, 5) ratings 0..3."""
    ensure(options.data, "wide")
    return np.stack([c.to_numpy() for c in pq.read_table(options.data / "wide.parquet").columns], axis=1)


def pattern_bincount() -> object:
    """The limit of P8 and P11: one code per subject from its five ratings, and one bincount of them."""
    return np.bincount(wide() @ np.array([256, 64, 16, 4, 1]), minlength=1024)


def p8() -> list[Line]:
    """A million subjects: 3 coefficients x 4 weights with SE, and ICC(A,1) with its interval."""
    x = wide()

    def ours() -> object:
        counted = tally(x, range(4), scores=[1, 2, 3, 4])
        found = [agreement(counted, n, w) for n in ("gwet", "fleiss", "krippendorff") for w in ("identity", "linear", "quadratic", "ordinal")]
        return found, icc_of_profiles(counted)

    patterns = pattern_codes()
    taken, least, bare = seconds(ours, pattern_bincount, lambda: np.bincount(patterns), repeats=options.repeats)
    lines = [limit("P8", "codes of the patterns and their bincount", taken, least, 2),
             limit("P8", "bincount of patterns that are coded already", taken, bare, 2, "the strict reading of the limit")]
    package = installed("krippendorff")
    if package is not None:
        part = x[:100_000].T.astype(float)
        rest = once(lambda: [package.alpha(part, level_of_measurement=m) for m in METRICS]) * 10
        lines.append(peer("P8", "krippendorff", taken, rest, 30, "alpha, 4 metrics, 100,000 subjects, multiplied"))
    if installed("pingouin") is not None:
        import pandas as pd
        import pingouin

        n = 2000
        long = pd.DataFrame({"s": np.repeat(np.arange(n), 5), "r": np.tile(np.arange(5), n), "x": x[:n].ravel().astype(float)})
        rest = once(lambda: pingouin.intraclass_corr(long, "s", "r", "x")) * len(x) / n
        lines.append(peer("P8", "pingouin, ICC only", taken, rest, 1000, f"{n} subjects, multiplied"))
    return lines


@cache
def pattern_codes() -> np.ndarray:
    """The pattern of each subject as one number."""
    return (wide() @ np.array([256, 64, 16, 4, 1])).astype(np.int64)


def p9() -> list[Line]:
    """Case bootstrap with BCa, 2,000 resamples in 48 national groups."""
    a, codes, table_of_cases = arrays("national"), national_codes(), cases("national")
    w, row = agreement_weights("quadratic", np.array(SCALE, float)), coefficient("gwet")
    band = np.array(table_of_cases["band"])

    def ours() -> object:
        bootstrap._drawn.cache_clear()  # or the next turn would find the draws made
        counts = count_ratings(a, ("factor", "case"))[0].table
        return [estimate(row, Tally.from_counts(counts[f, band == b], np.array(SCALE, float)), w, interval="bca")
                for f in range(12) for b in range(4)]

    taken, least = seconds(ours, lambda: np.bincount(codes), repeats=min(3, options.repeats))
    return [limit("P9", "B", taken, least, 4), absent("P9", "scipy.stats.bootstrap over krippendorff", "not run: too long")]


def p10() -> list[Line]:
    """Two-way bootstrap of raters and cases, 2,000 resamples of the cohort."""
    counted, w, row = cohort_tally(), agreement_weights("quadratic", np.array(SCALE, float)), coefficient("gwet")
    draws = np.random.default_rng(1).poisson(1.0, (2000, 500)).astype(float)
    onehot = counted.onehot.transpose(1, 0, 2).reshape(500, -1).copy()
    given = (counted.codes >= 0).T.astype(float)
    taken, least = seconds(lambda: estimate(row, counted, w, target="both", interval="percentile"),
                           lambda: (draws @ onehot, draws**2 @ given), repeats=min(3, options.repeats))
    return [limit("P10", "its two matrix products", taken, least, 4)]


def p11() -> list[Line]:
    """2,000 bootstraps of a million subjects."""
    x, w, row = wide(), agreement_weights("quadratic", np.arange(1.0, 5)), coefficient("gwet")

    def ours() -> object:
        return estimate(row, count_profiles(tally(x, range(4), scores=[1, 2, 3, 4])), w, interval="percentile")

    taken, least = seconds(ours, pattern_bincount, repeats=options.repeats)
    lines = [limit("P11", "codes of the patterns and their bincount", taken, least, 5)]
    package = installed("krippendorff")
    if package is not None:
        part = x[:100_000].T.astype(float)
        lines.append(peer("P11", "one krippendorff pass", taken, once(lambda: package.alpha(part, level_of_measurement="interval")) * 10, 10,
                          "100,000 subjects, multiplied"))
    return lines


def p12() -> list[Line]:
    """National standard error for raters and cases, in closed form: AC2 in every group, counting included."""
    a, codes, table_of_cases = arrays("national"), national_codes(), cases("national")

    def ours() -> object:
        return stream_agreement(a, SCALE, BY, coefficient="gwet", weights="quadratic", cases=table_of_cases, target="both")

    taken, least = seconds(ours, lambda: np.bincount(codes), repeats=options.repeats)
    return [limit("P12", "B", taken, least, 4)]


_P13 = {
    "ours": "from arms_irr.analysis.stream import stream_agreement as f; f(PATH, [1,2,3,4,5], ['factor'])",
    "pandas": "import pandas as pd; pd.read_parquet(PATH, columns=['case','factor','rating']).groupby(['case','factor','rating']).size()",
}


def p13() -> list[Line]:
    """Peak memory of P3 as a whole process, imports included, in MB (in the columns of ms)."""
    if not Path("/proc/self/status").exists():
        return [absent("P13", "150 MB", "the peak of a process is read from /proc, which this system does not have")]
    ensure(options.data, "national")
    peak = {}
    for name, code in _P13.items():
        code = f"PATH = {str(options.data / 'national.parquet')!r}\n{code}\nprint(next(x for x in open('/proc/self/status') if x.startswith('VmHWM')).split()[1])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        peak[name] = float(done.stdout) / 1024 / 1000
    return [limit("P13", "150 MB", peak["ours"], 0.15, 1, "MB, not ms"), limit("P13", "pandas", peak["ours"], peak["pandas"], 0.3, "MB, not ms")]


def p14() -> list[Line]:
    """The whole evaluation report of the pilot, all formats, as a whole process, beside loading what it is drawn and checked with."""
    with tempfile.TemporaryDirectory() as folder:
        ours, loading = seconds(lambda: command("-m", "arms_irr", "evaluate", "data/pilot", "-o", f"{folder}/report"),
                                lambda: command("-c", "import pandas, matplotlib.pyplot, statsmodels.api"), repeats=options.repeats)
    return [limit("P14", "import pandas, matplotlib.pyplot, statsmodels.api", ours, loading, 4)]


ALL = {f.__name__.upper(): f for f in (p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14)}


def main() -> None:
    """Run the workloads asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", help=f"of {', '.join(ALL)}; all by default")
    parser.add_argument("--data", type=Path, default=options.data, help="where the made data are kept")
    parser.add_argument("--json", type=Path, default=None, help="also write the ratios here")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    options.data, options.repeats = given.data, given.repeats
    unknown = [name for name in given.workloads if name.upper() not in ALL]
    if unknown:
        parser.error(f"there is no workload {', '.join(unknown)}; choose from {', '.join(ALL)}")
    lines = [line for name in given.workloads or ALL for line in ALL[name.upper()]()]
    print(table(lines))
    write(lines, given.json or options.data / "results.json")


if __name__ == "__main__":
    main()
