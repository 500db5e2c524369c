"""How well the severity model recovers known severities: bias, correlation and coverage in simulated studies.

    python benchmarks/severity.py --out docs

Severities are drawn anew for each study from N(0, sd^2), items keep their locations, ratings follow the rating scale model
with the gold standard as a rater of severity 0. Nothing here is observed: all ratings are synthetic.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arms_irr.statistics.rasch_fit import fit_severity

FACTORS, THRESHOLDS, MEAN = 12, (-0.9, 0.9), 0.3


@dataclass(frozen=True)
class Exercise:
    """``cases`` in all, ``each`` of them rated by every officer, severities with standard deviation ``sd``."""

    officers: int
    cases: int
    each: int
    sd: float
    studies: int


EXERCISES = (
    Exercise(20, 2, 2, 0.5, 200), Exercise(20, 2, 2, 0.0, 100), Exercise(20, 10, 10, 0.5, 60), Exercise(20, 10, 10, 0.2, 40),
    Exercise(48, 12, 6, 0.5, 30), Exercise(200, 6, 6, 0.5, 30),
)


def draw(exercise: Exercise, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Severities (N,), ratings (N, I) with -1 for cases not rated, and gold ratings (I,)."""
    items = exercise.cases * FACTORS
    place = np.random.default_rng(5).normal(0, 1.2, items)
    severity = rng.normal(MEAN, exercise.sd, exercise.officers)
    eta = np.append(severity, 0.0)[:, None] + place
    p = np.exp(np.stack([0 * eta, eta - THRESHOLDS[0], 2 * eta]))
    codes = (rng.random(eta.shape) > np.cumsum(p / p.sum(0), axis=0)).sum(0).clip(0, 2)
    chosen = np.argsort(rng.random((exercise.officers, exercise.cases)), axis=1) < exercise.each
    codes[:-1][~np.repeat(chosen, FACTORS, axis=1)] = -1
    return severity, codes[:-1], codes[-1]


def measure(exercise: Exercise, seed: int) -> dict[str, float]:
    """Means over the studies of what the fit says against the truth."""
    found: dict[str, list[float]] = {}
    for child in np.random.SeedSequence(seed).spawn(exercise.studies):
        truth, codes, gold = draw(exercise, np.random.default_rng(child))
        for name, fit in (("gold", fit_severity(codes, anchor=gold)), ("mean", fit_severity(codes))):
            origin = 0.0 if name == "gold" else MEAN  # the mean of the population: that of the sample is not known either
            inside = (fit.low <= truth - origin) & (truth - origin <= fit.high)
            found.setdefault(f"coverage, {name}", []).append(float(inside.mean()))
            found.setdefault(f"bias, {name}", []).append(float(np.mean(fit.severity - truth + origin)))
        plug = 1.96 * fit.posterior_sd
        found.setdefault("coverage, plug-in", []).append(float((abs(fit.eap - truth + MEAN) <= plug).mean()))
        if exercise.sd:
            found.setdefault("correlation", []).append(float(np.corrcoef(fit.severity, truth)[0, 1]))
        found.setdefault("sd", []).append(fit.sigma)
        found.setdefault("coverage, sd", []).append(float(fit.sigma_low <= exercise.sd <= fit.sigma_high))
    means = {name: float(np.nanmean(values)) for name, values in found.items()}
    return means | {"mc error": float(np.std(found["coverage, gold"]) / exercise.studies**0.5)}


def table(seed: int) -> list[str]:
    """The rows of the page."""
    columns = ("correlation", "bias, gold", "bias, mean", "coverage, gold", "coverage, mean", "coverage, plug-in", "sd", "coverage, sd")
    lines = ["| officers x cases (each) | true sd | studies | " + " | ".join(columns) + " | mc error |",
             "|---|---|---|" + "---|" * (len(columns) + 1)]
    for exercise in EXERCISES:
        got = measure(exercise, seed)
        numbers = [f"{got[name]:.3f}" if name in got else "n/a" for name in (*columns, "mc error")]
        shape = f"{exercise.officers} x {exercise.cases} ({exercise.each})"
        lines.append(f"| {shape} | {exercise.sd:g} | {exercise.studies} | " + " | ".join(numbers) + " |")
        print(lines[-1], flush=True)
    return lines


PAGE = """# Recovery of known severities

The severity model (rating scale, marginal maximum likelihood) on simulated studies with 12 factors a case and three categories;
severities are drawn from a normal distribution with mean 0.3 above the gold standard. All ratings are synthetic.

{table}

Means over officers and studies, in logits. `coverage`: share of officers whose 95 % interval holds the true severity, measured
from the gold standard (`gold`) or from the mean of the population of officers (`mean`); `plug-in` is the usual
posterior mean with 1.96 posterior standard deviations, which takes items, thresholds and the spread of officers as known: what
the averaging over them is for. `sd`: mean estimate of the standard deviation of severity, `coverage, sd` of its profile
likelihood interval; in the row of 48 officers, 144 locations from about 24 ratings each, it is low, with a Monte Carlo error of .07.
`mc error` is the Monte Carlo standard error of `coverage, gold`. An anchored interval is wide mostly because the gold standard's
place rests on one rating an item, an error that all officers of a study share.

Made by `python benchmarks/severity.py --seed {seed} --out docs` in {seconds:.0f} seconds of one core.

## Size and time

Ratings of 5,000 officers on 240 case-factor cells, with the gold standard as anchor, one core: 21 seconds and 240 MB when each
officer rates 6 of 20 cases (360,000 ratings), 24 seconds and 250 MB when each rates all
(1,200,000 ratings). The limits of infit and outfit come on top: about 1 second per 1,000,000 simulated ratings, at most 20,000,000
of them or 20 sets.

## Other programs

`tests/reference/rasch.toml` holds what R (TAM, mirt and a direct implementation; eRm by conditional likelihood) and RaschPy give for
the same data, with versions and tolerances. Marginal estimates and their standard errors agree within 1e-5. RaschPy (a regularised composite
likelihood, with main effects of cases and factors in place of a location for each cell) prints severity with the opposite sign and
a narrower spread: it is compared by correlation.

## Full posteriors

`severity_posterior` (in `arms_irr.analysis.severity_bayes`; `pip install "arms-irr[bayes]"`) samples the rating scale model with NUTS:
half-normal(1) prior on the standard deviation of severity, normal(0, 3) on locations and the gold standard's place, thresholds in order
with half-normal(3) distances. Every number comes with R-hat and the effective number of draws. It needs about 20 seconds on
the pilot, where it agrees with the maximum likelihood fit, and is meant for studies of that size: its time grows with every rating,
so large studies are for `severity`. Its interval for the standard deviation never holds 0, because of the prior.
"""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    start = time.process_time()
    lines = table(arguments.seed)
    if arguments.out:
        page = PAGE.format(table="\n".join(lines), seed=arguments.seed, seconds=time.process_time() - start)
        (arguments.out / "severity.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
