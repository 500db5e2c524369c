"""What planned exercises would show: tables of precision and power, and how long a plan takes.

    python benchmarks/planning.py table --replications 250
    python benchmarks/planning.py power --replications 250
    python benchmarks/planning.py speed

Everything is simulated from stated parameters; nothing here is observed.
"""

from __future__ import annotations

import argparse
import time

from arms_irr.planning.designs import crossed, second_exercise
from arms_irr.planning.precision import NEW_CASES, one_more, precision, trade_off

SHOWN = (("exact", "higher"), ("difference", "lower less higher"), ("gwet", "all"), ("gwet", "higher"),
         ("difference", "risk less protective, higher"))
SIZES = ((10, 2), (20, 2), (40, 2), (20, 6), (40, 6), (40, 12))


def table(replications: int, jobs: int | None, drawn: bool) -> str:
    """Standard deviations over exercises for other officers and cases, and in brackets for other officers only."""
    started = time.process_time()
    found = trade_off((20, 40, 80), (2, 6, 12, 20), replications=replications, n_jobs=jobs, drawn=drawn)
    lines = [*found.notes, "", "Standard deviation: other officers and cases +- Monte Carlo error (other officers, the same cases).", "",
             "| cases | officers | " + " | ".join(f"{statistic}, {group}" for statistic, group in SHOWN) + " |", "|---" * (2 + len(SHOWN)) + "|"]
    for cases in (2, 6, 12, 20):
        for officers in (20, 40, 80):
            line = []
            for statistic, group in SHOWN:
                both, own = (found.get("standard_deviation", cases=str(cases), officers=str(officers), statistic=statistic, group=group,
                                       inference=inference) for inference in ("both", "raters"))
                line.append(f"{both.value:.3f} +- {both.se:.3f} ({own.value:.3f})")
            lines.append(f"| {cases} | {officers} | " + " | ".join(line) + " |")
    return "\n".join([*lines, "", f"{time.process_time() - started:.0f} s of processor time here."])


def power(replications: int, jobs: int | None) -> str:
    """Power over officers by size of the exercise, two-sided at 5 %."""
    contrasts = (("difference", "lower less higher"), ("difference", "agencies, the second 25 % noisier"),
                 ("difference", "after less before training"))
    lines = ["| officers | cases | " + " | ".join(group for _, group in contrasts) + " |", "|---" * (2 + len(contrasts)) + "|"]
    for officers, cases in SIZES:
        found = precision(crossed(officers, cases), NEW_CASES, replications=replications, n_jobs=jobs, targets=("raters",))
        line = [found.get("power", statistic=statistic, group=group) for statistic, group in contrasts]
        lines.append(f"| {officers} | {cases} | " + " | ".join(f"{p.value:.2f} +- {p.se:.2f}" for p in line) + " |")
    return "\n".join(lines)


def speed(replications: int, jobs: int | None) -> str:
    """Processor and wall time of the pieces of a plan for 40 officers and 12 vignettes."""
    lines = []
    for name, call in (("precision", lambda: precision(second_exercise(1), replications=replications, n_jobs=jobs)),
                       ("trade_off", lambda: trade_off(replications=replications, n_jobs=jobs)),
                       ("one_more", lambda: one_more(second_exercise(1), replications=replications, n_jobs=jobs))):
        wall, own = time.perf_counter(), time.process_time()
        call()
        lines.append(f"{name}: {time.process_time() - own:.1f} s processor, {time.perf_counter() - wall:.1f} s wall")
    return "\n".join(lines)


def main() -> None:
    """Print one of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("table", "power", "speed"))
    parser.add_argument("--replications", type=int, default=250)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--same-golds", action="store_true", help="every set of cases carries the same golds")
    options = parser.parse_args()
    if options.what == "table":
        print(table(options.replications, options.jobs, not options.same_golds))
    else:
        print({"power": power, "speed": speed}[options.what](options.replications, options.jobs))


if __name__ == "__main__":
    main()
