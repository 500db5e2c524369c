"""Seeded rating data for the workloads: pilot, cohort, national, wide, as Parquet.

    python benchmarks/generate.py OUT_DIR [pilot cohort national wide]

Columns: rater, case, factor, rating (1..5); <name>_cases.parquet: case, band; <name>_gold.npy: (cases, factors).
national_text.parquet holds the same ratings with text ids.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CATEGORIES, FACTORS = 5, 12


def study(out: Path, name: str, raters: int, cases: int, per_rater: int, bands: int, missing: float, seed: int, text: bool = False) -> None:
    """Ratings around a latent severity per case and factor, with a bias and a noise of each rater."""
    rng = np.random.default_rng(seed)
    band = (np.arange(cases) % bands).astype(np.int8)
    rng.shuffle(band)
    severity = band / max(bands - 1, 1) * 3.2 + 0.9 + rng.normal(0, 0.3, cases)
    latent = severity[:, None] + rng.normal(0, 0.7, (cases, FACTORS))
    gold = np.clip(np.rint(latent), 1, CATEGORIES).astype(np.int8)
    bias, noise = rng.normal(0, 0.35, raters), rng.gamma(8, 0.09, raters)
    if per_rater == cases:
        chosen = np.broadcast_to(np.arange(cases, dtype=np.int16), (raters, cases))
    else:
        chosen = np.argsort(rng.random((raters, cases), dtype=np.float32), axis=1)[:, :per_rater].astype(np.int16)
        chosen.sort(axis=1)
    n = raters * per_rater * FACTORS
    rater = np.repeat(np.arange(raters, dtype=np.int32), per_rater * FACTORS)
    case = np.repeat(chosen.ravel(), FACTORS)
    factor = np.tile(np.arange(FACTORS, dtype=np.int8), raters * per_rater)
    value = latent[case, factor].astype(np.float32) + bias[rater].astype(np.float32)
    value += noise[rater].astype(np.float32) * rng.standard_normal(n, dtype=np.float32)
    rating = np.clip(np.rint(value), 1, CATEGORIES).astype(np.int8)
    if missing:
        keep = rng.random(n) >= missing
        rater, case, factor, rating = rater[keep], case[keep], factor[keep], rating[keep]
    pq.write_table(pa.table({"rater": rater, "case": case, "factor": factor, "rating": rating}), out / f"{name}.parquet")
    pq.write_table(pa.table({"case": np.arange(cases, dtype=np.int16), "band": band}), out / f"{name}_cases.parquet")
    np.save(out / f"{name}_gold.npy", gold)
    if text:
        columns = {"rater": _labels(rater, "R%05d", raters), "case": _labels(case, "CASE-%03d", cases),
                   "factor": _labels(factor, "factor_%02d", FACTORS), "rating": rating}
        pq.write_table(pa.table(columns), out / f"{name}_text.parquet")


def _labels(codes: np.ndarray, template: str, count: int) -> pa.Array:
    names = pa.array([template % i for i in range(count)])
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), names).cast(pa.string())


def wide(out: Path) -> None:
    """A million subjects by five raters, four categories."""
    rng = np.random.default_rng(4)
    latent = rng.normal(1.5, 1.0, 1_000_000)
    ratings = np.clip(np.rint(latent[:, None] + rng.normal(0, 0.6, (len(latent), 5))), 0, 3).astype(np.int8)
    pq.write_table(pa.table({f"r{j}": ratings[:, j] for j in range(5)}), out / "wide.parquet")


MAKERS = {
    "pilot": lambda out: study(out, "pilot", 20, 2, 2, 2, 0.0, 1),
    "cohort": lambda out: study(out, "cohort", 500, 20, 20, 4, 0.05, 2),
    "national": lambda out: study(out, "national", 20_000, 200, 40, 4, 0.0, 3, text=True),
    "wide": wide,
}


def ensure(folder: Path, *names: str) -> None:
    """Make what is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if not (folder / f"{name}.parquet").exists():
            MAKERS[name](folder)


if __name__ == "__main__":
    ensure(Path(sys.argv[1]), *(sys.argv[2:] or MAKERS))
