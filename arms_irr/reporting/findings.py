"""Findings: every Result that a report is made of, computed once, and the tables it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from arms_irr.analysis.consistency import between_raters, icc_between
from arms_irr.analysis.design import design
from arms_irr.analysis.distributions import completeness, confusion, distributions
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.raters import rater_agreement
from arms_irr.analysis.result import Result, stack
from arms_irr.study.study import Study

__all__ = ["Findings", "collect"]

ICC_FORM = "ICC(A,1)"


@dataclass(frozen=True)
class Findings:
    """The questions of an evaluation, answered. ``None`` where the study declares no gold standard.

    ``band`` is ``"risk_band"``, or ``"case"`` in a study without bands.
    """

    band: str
    design: Result
    distributions: Result
    completeness: Result
    completeness_by_case: Result
    gold_by_factor_case: Result | None
    gold_by_factor_band: Result | None
    gold_by_kind_band: Result | None
    gold_by_band: Result | None
    gold_by_case: Result | None
    gold_overall: Result | None
    confusion: Result | None
    raters: Result | None
    between_by_case: Result
    between_by_band: Result
    between_by_kind_band: Result
    between_by_factor_case: Result
    icc_by_factor_band: Result
    icc_by_case: Result
    icc_by_kind_band: Result

    def tables(self) -> dict[str, Result]:
        """The tables to write, by file name."""
        found = {
            "agreement_with_gold": self.gold_by_factor_case,
            "agreement_with_gold_by_band": self.gold_by_factor_band if self.band == "risk_band" else None,
            "agreement_with_gold_pooled": self.gold_by_kind_band,
            "between_raters": stack("Agreement between raters", self.between_by_case, self.between_by_kind_band),
            "between_raters_by_factor": self.between_by_factor_case,
            "icc": stack("Intraclass correlation", self.icc_by_factor_band, self.icc_by_kind_band, self.icc_by_case),
            "raters": self.raters,
            "distributions": self.distributions,
            "confusion": self.confusion,
            "completeness": self.completeness,
            "design": self.design,
        }
        return {name: result for name, result in found.items() if result is not None}


def collect(study: Study, *, confidence_level: float, seed: int, step: Callable[[str], None] = lambda words: None) -> Findings:
    """Ask every question; ``step`` is told what comes next."""
    level = {"confidence_level": confidence_level}
    band = "risk_band" if study.bands else "case"

    def gold(*by: str) -> Result | None:
        return against_gold(study, by, **level) if study.has_gold else None

    step("what the design can show")
    first = {"band": band, "design": design(study), "distributions": distributions(study, **level),
             "completeness": completeness(study), "completeness_by_case": completeness(study, ["case"])}
    step("agreement with the gold standard")
    second = {
        "gold_by_factor_case": gold("factor", "case"), "gold_by_factor_band": gold("factor", band),
        "gold_by_kind_band": gold("kind", band), "gold_by_band": gold(band),
        "gold_by_case": gold("case"),
        "gold_overall": _overall(study, gold), "confusion": confusion(study, ["kind", band]) if study.has_gold else None,
        "raters": rater_agreement(study, **level) if study.has_gold else None,
    }
    step("agreement between officers")
    third = {
        "between_by_case": between_raters(study, ["case"], **level), "between_by_band": between_raters(study, [band], **level),
        "between_by_kind_band": between_raters(study, ["kind", band], **level),
        "between_by_factor_case": between_raters(study, ["factor", "case"], **level),
    }
    step("intraclass correlation")
    fourth = {
        name: icc_between(study, by, form=ICC_FORM, seed=seed, **level)
        for name, by in (("icc_by_factor_band", ["factor", band]), ("icc_by_case", ["case"]), ("icc_by_kind_band", ["kind", band]))
    }
    return Findings(**first, **second, **third, **fourth)


def _overall(study: Study, gold: Callable[..., Result | None]) -> Result | None:
    """The overall judgement by case, where the instrument has one."""
    if not any(study.instrument.factors[i].kind == "overall" for i in study.factors_rated):
        return None
    found = gold("kind", "case")
    return None if found is None else found.where(kind="overall")
