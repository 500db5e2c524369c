"""How large is the study? The counts that sentences about it use."""

from __future__ import annotations

import numpy as np

from arms_irr.analysis.result import Result, Row
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.study import Study

__all__ = ["facts"]


def facts(study: Study) -> Result:
    """Counts of a study.

    Returns
    -------
    Result
        By ``of``: ``officers, cases, factors, occasions, panel`` (members of the gold panel), ``asked``,
        ``given``, ``unable`` and ``blank`` ratings (share of those asked for in ``parts["share"]``), ``warnings``
        of the check, and ``kind: risk`` and so on, the factors of each kind. Coefficient ``count``.
    """
    code = study.ratings.code
    rated = [study.instrument.factors[i] for i in study.factors_rated]
    sizes = {
        "officers": len(study.raters),
        "cases": len(study.cases),
        "factors": sum(f.kind not in ("overall", "static") for f in rated),
        "occasions": len(np.unique(study.ratings.occasion)),
        "panel": len(study.gold_panel),
        "warnings": len(study.warnings),
        **{f"kind: {kind}": sum(f.kind == kind for f in rated) for kind in study.instrument.kinds},
    }
    answers = {"asked": len(code), "given": (code >= 0).sum(), "unable": (code == UNABLE).sum(), "blank": (code == NOT_GIVEN).sum()}
    bases = {"n_raters": len(study.raters), "n_ratings": len(code), "method": "count"}
    rows = [Row({"of": name}, "count", Estimate(float(n), **bases)) for name, n in sizes.items()]
    rows += [
        Row({"of": name}, "count", Estimate(float(n), **bases, parts={"share": float(n) / len(code) if len(code) else np.nan}))
        for name, n in answers.items()
    ]
    return Result("How large the study is", ("of",), tuple(rows), synthetic=study.synthetic)
