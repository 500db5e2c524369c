"""Every entry of the reference set that names a coefficient of the table, where the set lies beside the checkout.

Skipped entries are listed with the reason; none is left out because we differ.
"""

from __future__ import annotations

import collections
import json
from pathlib import Path

import numpy as np
import pytest

import arms_irr as irr

REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "random"
pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference set is not beside this checkout")

NAMES = {
    "percent_agreement": "percent", "cohen_kappa": "cohen", "scott_pi": "scott", "fleiss_kappa": "fleiss", "conger_kappa": "conger",
    "light_kappa": "light", "krippendorff_alpha": "krippendorff", "gwet_ac": "gwet", "brennan_prediger": "brennan_prediger",
}


def differs(entry, case):
    """The first reason to leave out a field of this entry: {field: reason}; the key "" leaves out the entry."""
    options, tags, source = entry["options"], case["tags"], entry["source"]
    out = {}
    if "constant" in tags:
        out[""] = "constant ratings: peers give 1 or 0 for 0/0; our rule is nan with a reason"
    if "no_overlap" in tags:
        out[""] = "no subject has two ratings: nothing is observed"
    if options.get("method") == "customary":
        out[""] = "krippendorffsalpha keeps singletons in the expected disagreement (proved wrong)"
    if source.startswith("R irrCAC") or source.startswith("Python irrCAC"):
        out["df"] = "irrCAC reports the number of rows, but its interval uses the subjects that count; the interval is checked"
    if options.get("se_type") in ("fleiss_1969", "psych") or options.get("implementation") == "KappaM":
        out["ci_low"] = out["ci_high"] = "a normal interval; ours is t with n - 1 df"
    if options.get("se_type") == "rel_t":
        out["se"] = out["ci_low"] = out["ci_high"] = out["df"] = "rel uses Cohen's 1960 standard error (superseded)"
    if "null" in str(options.get("p_type")):
        out["se"] = out["ci_low"] = out["ci_high"] = "the standard error under kappa = 0, not for intervals"
    if case["n_subjects"] == 1:
        out["se"] = out["ci_low"] = out["ci_high"] = "no interval from one subject"
        if entry["coefficient"] == "light_kappa":
            out[""] = "pairwise kappas of one subject are 0/0; nltk returns 1 or 0 for them"
    return out


def compute(entry, case):
    options = entry["options"]
    data = np.array([[np.nan if v is None else v for v in row] for row in case["data"]], dtype=float)
    if "raters" in options:
        data = data[:, [g - 1 for g in options["raters"]]]
    if options.get("missing") in ("listwise", "pairwise"):
        data = data[~np.isnan(data).any(axis=1)]
    if not len(data):
        return None
    weights = (options.get("weights") or "identity").replace("unweighted", "identity")
    more = {"categories": case["categories"] if options.get("categories") == "declared" else None}
    if options.get("weights_from") == "category_rank":
        more["categories"] = sorted(set(data[~np.isnan(data)]))
        more["scores"] = range(1, len(more["categories"]) + 1)
    if "level" in options:
        more["metric"] = options["level"]
    return irr.agreement(data, NAMES[entry["coefficient"]], weights, **more)


def test_every_entry_that_names_a_coefficient(capsys):
    cases = {case["id"]: case for case in json.loads((REFERENCE / "cases.json").read_text("utf-8"))}
    skipped, wrong, met = collections.Counter(), [], 0
    for line in (REFERENCE / "expected.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        if entry["coefficient"] not in NAMES or entry["dataset"] not in cases:
            continue
        case = cases[entry["dataset"]]
        out = differs(entry, case)
        found = None if "" in out else compute(entry, case)
        if found is None:
            skipped[out.get("", "no complete subject is left")] += 1
            continue
        skipped.update({f"{field} only: {reason}": 1 for field, reason in out.items() if entry.get(field) is not None})
        for field in ("value", "se", "ci_low", "ci_high", "df"):
            expected = entry.get(field)  # a peer writes "NaN" as text
            if isinstance(expected, (int, float)) and field not in out and not abs(expected - getattr(found, field)) <= 1e-8:
                wrong.append((entry["dataset"], entry["coefficient"], entry["options"], entry["source"], field, expected, getattr(found, field)))
        met += 1
    with capsys.disabled():
        print(f"\n{met} entries met, left out:", *(f"\n  {n:5d}  {reason}" for reason, n in skipped.most_common()))
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert met > 3700
