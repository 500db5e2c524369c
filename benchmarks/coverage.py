"""How often the default intervals hold the true value: simulated studies, tabulated with their Monte Carlo error.

    python benchmarks/coverage.py --studies 250 --out docs

Officers are new in every study; cases and factors stay, so the truth is what infinitely many such officers would
show on these very cases. It is taken from one study of very many officers. Nothing here is observed: the ratings
are synthetic, and the parameters are design choices (arms_irr.planning.parameters).
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from arms_irr.planning.designs import Design, Rater, pilot, second_exercise
from arms_irr.planning.parameters import BANDS, KINDS, Cells, Parameters
from arms_irr.planning.simulate import replicate
from arms_irr.statistics.agreement import KRIPPENDORFF_ORDINAL, coefficient
from arms_irr.statistics.differences import compare
from arms_irr.statistics.estimate import Estimate
from arms_irr.statistics.icc import icc
from arms_irr.statistics.proportions import clustered, clustered_mean, wilson
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights

RATERS, CASES, MISSING = (10, 20, 40), (2, 6, 12), (False, True)
POPULATION = 20_000  # officers of the study that gives the truth
ICC_SHARE = 4  # the interval of an ICC from incomplete ratings is itself simulated: one study in so many
ICC_SD = (0.6, 0.25, 0.75)  # subjects, raters, rest: an ICC of .37
RISK = 7  # of the 12 factors, the others are protective
SCORES, Q = np.array([1.0, 2.0, 3.0]), agreement_weights("quadratic", np.array([1.0, 2.0, 3.0]))
ROWS = {
    "percent": (coefficient("percent"), np.eye(3)), "percent, quadratic": (coefficient("percent"), Q),
    "AC1": (coefficient("gwet"), np.eye(3)), "AC2, quadratic": (coefficient("gwet"), Q),
    "Brennan-Prediger, quadratic": (coefficient("brennan_prediger"), Q), "alpha, ordinal": (KRIPPENDORFF_ORDINAL, np.eye(3)),
    "kappa, quadratic": (coefficient("conger"), Q),
}
BOTH = ("percent", "AC2, quadratic", "Brennan-Prediger, quadratic", "kappa, quadratic")
Key = tuple[str, str]  # statistic, cell


def design(raters: int, cases: int, missing: bool) -> tuple[Design, Parameters]:
    """The cases of the pilot, or 6 or 12 of the second exercise; with ``missing`` every officer rates two thirds of these."""
    base = pilot(1) if cases == 2 else second_exercise(1)
    chosen = base.cases if cases in (2, 12) else (*base.cases[:3], *base.cases[6:9])
    everyone = tuple(range(cases))
    rated = [everyone] * raters
    if missing and cases > 2:  # case c is left out by every third officer, in turn
        rated = [tuple(c for c in everyone if (c + j) % 3) for j in range(raters)]
    officers = tuple(Rater(f"officer_{j:05d}") for j in range(raters))
    parameters = Parameters() if missing else replace(Parameters(), unable=Cells(-40, -40, -40, -40))
    return replace(base, name="coverage", raters=officers, cases=chosen, assignment=tuple(rated)), parameters


def units(ratings: np.ndarray) -> np.ndarray:
    """Codes (case x factor, rater) of ratings (rater, case, factor), negative = none."""
    return np.maximum(ratings.reshape(len(ratings), -1).T, -1)


def cells(gold: np.ndarray, band: np.ndarray) -> Iterator[tuple[Key, np.ndarray]]:
    """Statistics of agreement with gold, with the mask (case, factor) of their cells."""
    where = np.zeros(gold.shape, dtype=bool)
    for c, f in product(range(min(2, len(gold))), range(gold.shape[1])):
        one = where.copy()
        one[c, f] = True
        yield ("exact, one factor of one case", f"case {c + 1}, factor {f + 1}"), one
    for b, k in product(range(2), range(2)):
        yield ("exact, kind x band", f"{BANDS[b]}, {KINDS[k]}"), (band == b)[:, None] & ((np.arange(gold.shape[1]) >= RISK) == k)
    for b in range(2):
        yield ("mean signed error, band", BANDS[b]), (band == b)[:, None] & ~where


def against_gold(ratings: np.ndarray, gold: np.ndarray, band: np.ndarray) -> Iterator[tuple[Key, Estimate]]:
    """Estimates of one study's ratings (rater, case, factor)."""
    given = ratings >= 0
    hit, error = given & (ratings == gold), np.where(given, ratings - gold, 0)
    for key, mask in cells(gold, band):
        n = (given & mask).sum(axis=(1, 2))
        if key[0].startswith("mean"):
            yield key, clustered_mean((error * mask).sum(axis=(1, 2)), n)
        elif mask.sum() == 1:
            yield key, wilson(int((hit & mask).sum()), int(n.sum()))
        else:
            yield key, clustered((hit & mask).sum(axis=(1, 2)), n)


def between(ratings: np.ndarray, band: np.ndarray) -> Iterator[tuple[Key, Estimate]]:
    """Agreement between raters in each band, and its difference over bands."""
    codes = [units(ratings[:, band == b]) for b in range(2)]
    for b, (name, (row, w)) in product(range(2), ROWS.items()):
        yield (name, BANDS[b]), estimate(row, Tally.from_codes(codes[b], SCORES), w, target="raters")
    for name in ("percent", "AC2, quadratic"):
        row, w = ROWS[name]
        yield (f"difference of bands, {name}", "higher - lower"), compare(row, codes[0], codes[1], SCORES, w, paired="raters")


def truth(cases: int, missing: bool, seed: int) -> dict[Key, float]:
    """Values of the statistics with very many officers, each of whom rates every case."""
    every, _ = design(POPULATION, cases, False)
    _, parameters = design(2, cases, missing)
    ratings = replicate(every, parameters, seed, 1).ratings[0].astype(np.int64)
    gold, band = np.array([case.gold for case in every.cases]), every.bands()
    found = {key: value.value for key, value in against_gold(ratings, gold, band)}
    for b in range(2):
        codes = units(ratings[:, band == b])
        counts = np.stack([(codes == k).sum(axis=1) for k in range(3)], axis=1)
        for name, (row, w) in ROWS.items():
            # With so many officers Conger's and Fleiss' chance agreement are the same, and counts are enough.
            row = coefficient("fleiss") if row.name == "conger" else row
            found[name, BANDS[b]] = estimate(row, Tally.from_counts(counts, SCORES), w).value
    for name in ("percent", "AC2, quadratic"):
        found[f"difference of bands, {name}", "higher - lower"] = found[name, "higher"] - found[name, "lower"]
    found["ICC(A,1)", "normal scores"] = ICC_SD[0] ** 2 / sum(sd**2 for sd in ICC_SD)
    return found


def icc_studies(subjects: int, raters: int, missing: bool, seed: int, studies: int) -> Iterator[tuple[Key, Estimate]]:
    """ICC(A,1) of normal scores: new subjects and new raters each time, for that is what its interval is about."""
    rng = np.random.default_rng([seed, subjects, raters])
    for number in range(studies):
        x = rng.normal(0, ICC_SD[0], (subjects, 1)) + rng.normal(0, ICC_SD[1], raters) + rng.normal(0, ICC_SD[2], (subjects, raters))
        if missing:
            x[(np.arange(subjects)[:, None] // 12 + np.arange(raters)) % 3 == 0] = np.nan
            x[rng.random(x.shape) < 0.05] = np.nan
        yield ("ICC(A,1)", "normal scores"), icc(x, "ICC(A,1)", samples=2000, seed=number + 1)


def run(raters: int, cases: int, missing: bool, studies: int, seed: int, true: dict[Key, float]) -> dict[str, dict[str, Any]]:
    """Coverage of every statistic in one design."""
    plan, parameters = design(raters, cases, missing)
    drawn = replicate(plan, parameters, seed, studies).ratings.astype(np.int64)
    gold, band = np.array([case.gold for case in plan.cases]), plan.bands()
    every = ((*against_gold(ratings, gold, band), *between(ratings, band)) for ratings in drawn)
    n_icc = max(2, studies // ICC_SHARE if missing else studies)
    return covered((*every, *([one] for one in icc_studies(6 * cases, raters, missing, seed, n_icc))), true)


def covered(every: Iterable[Iterable[tuple[Key, Estimate]]], true: dict[Key, float]) -> dict[str, dict[str, Any]]:
    """Per statistic the share of intervals that hold the truth, over studies and their cells, and its Monte Carlo error."""
    held: dict[str, list[list[bool]]] = {}
    cell: dict[Key, list[bool]] = {}
    lost: Counter[str] = Counter()
    for study in every:
        one: dict[str, list[bool]] = {}
        for key, found in study:
            if np.isnan(found.ci_low):
                lost[key[0]] += 1
                continue
            hit = bool(found.ci_low <= true[key] <= found.ci_high)
            one.setdefault(key[0], []).append(hit)
            cell.setdefault(key, []).append(hit)
        for name, hits in one.items():
            held.setdefault(name, []).append(hits)
    table: dict[str, dict[str, Any]] = {}
    for name, of_studies in held.items():
        share = np.array([np.mean(hits) for hits in of_studies])  # the cells of one study are not independent, the studies are
        cells_of = {key[1]: round(float(np.mean(hits)), 4) for key, hits in cell.items() if key[0] == name}
        table[name] = {"coverage": float(share.mean()), "mc_se": float(share.std(ddof=1) / np.sqrt(len(share))),
                       "studies": len(share), "no_interval": lost[name], "cells": cells_of}
    return table


def new_cases(cases: int, raters: int, studies: int, seed: int, true: dict[Key, float]) -> dict[str, dict[str, Any]]:
    """Coverage of the intervals about other cases and other raters: both are new in every study."""
    rng = np.random.default_rng([seed, cases, raters])
    cluster = np.repeat(np.arange(cases), 12)

    def study() -> Iterator[tuple[Key, Estimate]]:
        tally = Tally.from_codes(_random_cases(rng, cases, raters), SCORES, cluster)
        for name in BOTH:
            row, w = ROWS[name]
            yield (name, "both"), estimate(row, tally, w, target="both")

    return covered((study() for _ in range(studies)), true)


def _random_cases(rng: np.random.Generator, cases: int, raters: int) -> np.ndarray:
    """Codes (case x 12 factors, rater) with effects of cases, factors, raters and raters' readings of cases."""
    y = rng.normal(0, 0.6, (cases, 1, 1)) + rng.normal(0, 0.8, (cases, 12, 1)) + rng.normal(0, 0.35, raters)
    y = y + rng.normal(0, 0.4, (cases, 1, raters)) + rng.normal(0, 0.8, (cases, 12, raters))
    return (1 + (y > 0.7).astype(int) - (y < -0.7)).reshape(12 * cases, raters)


def truth_of_new_cases(seed: int) -> dict[Key, float]:
    """Values with very many cases and raters."""
    rng = np.random.default_rng([seed, 0])
    found: dict[Key, list[float]] = {}
    for _ in range(12):
        codes = _random_cases(rng, 300, 300)
        tally = Tally.from_counts(np.stack([(codes == k).sum(axis=1) for k in range(3)], axis=1), SCORES)
        for name in BOTH:
            row, w = ROWS[name]
            row = coefficient("fleiss") if row.name == "conger" else row
            found.setdefault((name, "both"), []).append(estimate(row, tally, w).value)
    return {key: float(np.mean(values)) for key, values in found.items()}


def markdown(results: list[dict[str, Any]], both: list[dict[str, Any]], studies: int, seed: int, seconds: float) -> str:
    """The tables as a page."""
    lines = [
        "# Coverage of the default intervals", "",
        f"How often a nominal 95 % interval holds the true value, in {studies} simulated studies of each design (the ICC of",
        f"incomplete ratings: one in {ICC_SHARE}). Officers are new in each study, cases and factors stay; the truth is the value",
        f"with {POPULATION} officers. Columns: officers / cases; m = with ratings missing ('unable to rate' at the model's rate;",
        "with 6 and 12 cases every officer rates two thirds of them). A coverage is the mean over the cells of its row; those of",
        "every cell stand in `coverage.json`. Monte Carlo error stands in brackets, in units of the last digit.",
        "**Bold**: outside .93-.97 by more than two Monte Carlo errors. The ICC, whose interval is about other subjects and",
        "other raters, has normal scores with both drawn anew. All ratings are synthetic.", "",
        f"Made by `python benchmarks/coverage.py --studies {studies} --seed {seed} --out docs` in {seconds:.0f} seconds.", "",
    ]
    for part in range(0, len(results), 6):
        lines += _table([(f"{r['raters']} / {r['cases']}{' m' if r['missing'] else ''}", r["coverage"]) for r in results[part : part + 6]])
    lines += ["## Other cases and other officers", "",
              'Intervals with `target="both"`: cases, factors and officers are new in each study. Columns: officers / cases of 12 factors.', ""]
    lines += _table([(f"{r['raters']} / {r['cases']}", r["coverage"]) for r in both])
    lines += BOTH_REMARK
    return "\n".join([*lines, *_remarks(results)])


BOTH_REMARK = [
    "These intervals do not reach the aim in every design: AC2 and Brennan-Prediger are covered too often, kappa too seldom with many",
    "officers. Five ways were tried on 300 further studies each of 40 / 6, 20 / 12 and 10 / 6 (AC2 and kappa): cases linearised or",
    "jackknifed, each with and without the Fisher-z scale, and the jackknife's bias-corrected centre. All lay within .02 of each other",
    "for AC2 and within .023 for kappa; jackknifed cases on the Fisher-z scale were kept because `target=\"cases\"` uses them, and",
    "after the first version of this table (linearised; kappa .882 at 40 / 6) had been seen. The AC2 variance was 1.2 to 1.3 times",
    "the variance of the estimates, kappa's 1.1 to 1.2 times; why kappa is nevertheless covered too seldom was not examined.", "",
]


def _table(columns: list[tuple[str, dict[str, Any]]]) -> list[str]:
    lines = ["| interval | " + " | ".join(head for head, _ in columns) + " |", "|---" * (1 + len(columns)) + "|"]
    lines += ["| " + " | ".join([name, *(_cell(found.get(name)) for _, found in columns)]) + " |" for name in columns[0][1]]
    return [*lines, ""]


def _cell(found: dict[str, Any] | None) -> str:
    if found is None:
        return "-"
    value, error = found["coverage"], found["mc_se"]
    text = f"{value:.3f} ({round(1000 * error)})".removeprefix("0")
    return f"**{text}**" if value < 0.93 - 2 * error or value > 0.97 + 2 * error else text


def _remarks(results: list[dict[str, Any]]) -> list[str]:
    """The extremes of single cells, and where no interval was given."""
    lines = ["## Single cells", "", "The lowest and highest coverage of a single cell in any design; extremes of many, so wider than any one of",
             "them deserves. In one factor of one case the number of agreeing officers is a whole number, and coverage jumps with it.", "",
             "| interval | cells x designs | lowest | highest | intervals not given |", "|---|---|---|---|---|"]
    for name in results[0]["coverage"]:
        found = [r["coverage"][name] for r in results]
        every = [value for f in found for value in f["cells"].values()]
        lines.append(f"| {name} | {len(every)} | {min(every):.3f} | {max(every):.3f} | {sum(f['no_interval'] for f in found)} |")
    return [*lines, ""]


def main() -> None:
    """Simulate, tabulate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    asked = parser.parse_args()
    started, results, both = time.perf_counter(), [], []
    for cases, missing in product(CASES, MISSING):
        true = truth(cases, missing, asked.seed + 1)
        for raters in RATERS:
            table = run(raters, cases, missing, asked.studies, asked.seed, true)
            results.append({"raters": raters, "cases": cases, "missing": missing, "coverage": table})
            print(f"{raters} officers, {cases} cases{', missing' if missing else ''}", flush=True)
    true = truth_of_new_cases(asked.seed)
    for cases, raters in product(CASES[1:], RATERS):
        table = new_cases(cases, raters, asked.studies, asked.seed, true)
        both.append({"raters": raters, "cases": cases, "coverage": table})
    seconds = time.perf_counter() - started
    asked.out.mkdir(exist_ok=True)
    record = {"studies": asked.studies, "seed": asked.seed, "population": POPULATION, "results": results, "both": both}
    (asked.out / "coverage.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (asked.out / "coverage.md").write_text(markdown(results, both, asked.studies, asked.seed, seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
