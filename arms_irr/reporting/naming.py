"""What a study's factors, cases and bands are called in sentences, table heads and figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from arms_irr.analysis.titles import words_of
from arms_irr.reporting.voice import Label
from arms_irr.statistics.agreement import COEFFICIENTS
from arms_irr.study.count import NOT_RECORDED
from arms_irr.study.study import Study

__all__ = ["ALL_CASES", "COEFFICIENT_NAMES", "Names", "coefficient_name"]

_KINDS = {"risk": "Risk factors", "protective": "Protective factors", "item": "Items", "static": "Static items",
          "overall": "Overall priority"}
_RISK_WORDS = ("very low", "low", "lower", "medium", "moderate", "high", "higher", "very high")

COEFFICIENT_NAMES = {name: words_of(name) for name in (*COEFFICIENTS, "r_wg", "icc")}
ALL_CASES = "(all cases)"  # stands for the band of a study with many cases and no bands
_WEIGHTS = {"identity": "exact", "quadratic": "quadratic weights", "linear": "linear weights", "ordinal metric": "ordinal"}


def coefficient_name(name: str, weights: str = "") -> Label:
    """For people: "Gwet's AC2, quadratic weights"."""
    title = words_of(name, weights)
    if not weights or (weights == "identity" and name != "percent"):
        return Label(title)
    return Label(f"{title}, {_WEIGHTS.get(weights, weights)}")


@dataclass(frozen=True)
class Names:
    """Labels of one study."""

    study: Study

    @property
    def cases(self) -> dict[str, str]:
        """Case ids to titles."""
        return self.study.case_titles

    @cached_property
    def bands(self) -> dict[str, str]:
        """Bands to headings: "Lower-risk case"; cases to their titles where the study has no bands."""
        if not self.study.bands:
            return self.cases
        found = {band: self.band(band)[0].upper() + self.band(band)[1:] for band in self.study.bands}
        return {**found, NOT_RECORDED: "Risk band not recorded"}

    def where(self, band: str) -> Label:
        """In a sentence: "in the lower-risk case", "in the cases in band 3", "over all cases", "in case p"."""
        if band == ALL_CASES:
            return Label("over all cases")
        if band == NOT_RECORDED:
            return Label("in cases without a recorded band")
        return Label(f"in the {self.band(band)}" if self.study.bands else f"in case {self.cases[band]}")

    def band(self, band: str) -> Label:
        """The band as a noun: "lower-risk case", "higher-risk cases", "cases in band 3"."""
        if band == ALL_CASES:
            return Label("all cases")
        if not self.study.bands:
            return Label(f"case {self.cases[band]}")
        noun = "case" if self.study.case_attributes["risk_band"].count(band) == 1 else "cases"
        return Label(f"{band.casefold()}-risk {noun}" if band.casefold() in _RISK_WORDS else f"{noun} in band {band}")

    def case(self, case: str) -> Label:
        """The case's title."""
        return Label(self.cases[case])

    def factor(self, id: str) -> Label:
        """The factor's label, marked where its name is provisional."""
        return Label(self.study.instrument.factor(id).label)

    def kind(self, kind: str) -> Label:
        """ "Risk factors"."""
        return Label(_KINDS.get(kind, kind))

    def kinds(self, kind: str) -> Label:
        """In the middle of a sentence: "risk factors"."""
        return Label(self.kind(kind)[:1].lower() + self.kind(kind)[1:])

    @cached_property
    def all(self) -> dict[str, str]:
        """Every label at once, for figures."""
        return {**_KINDS, **COEFFICIENT_NAMES, **_WEIGHTS, **self.cases, **self.bands}
