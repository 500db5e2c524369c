"""What the sections of a plan share: names of statistics, half-widths in their unit, Monte Carlo errors."""

from __future__ import annotations

from dataclasses import dataclass

from arms_irr.analysis.result import Result
from arms_irr.analysis.titles import title_of
from arms_irr.planning.exercise import Exercise
from arms_irr.planning.headlines import CONTRASTS
from arms_irr.reporting.document import Cited
from arms_irr.reporting.draft import Draft
from arms_irr.reporting.voice import Label
from arms_irr.reporting.wording import NA, number, signed
from arms_irr.statistics.estimate import Estimate, undefined

__all__ = ["BANDS_CONTRAST", "CONTRAST_KEYS", "TARGETS", "PlanDraft", "error", "half", "is_share", "value"]

_PEOPLE = ("gwet", "brennan_prediger", "conger", "fleiss")
TARGETS = ("raters", "both")
CONTRAST_KEYS = dict(zip(CONTRASTS, ("bands", "kinds", "kinds_higher", "interaction"), strict=True))
BANDS_CONTRAST = next(iter(CONTRASTS))


@dataclass(frozen=True)
class PlanDraft:
    """The draft of a plan and the exercise it is about."""

    draft: Draft
    exercise: Exercise

    @property
    def results(self) -> dict[str, Result]:
        """What was computed, by stage."""
        return self.draft.asked

    def planned(self, name: str, statistic: str, group: str = "all", target: str = "raters", of: str = "precision") -> Estimate:
        """One number of a stage; undefined where there is none."""
        rows = self.results[of].where(name, statistic=statistic, group=group, inference=target).rows if of in self.results else ()
        return rows[0].estimate if rows else undefined()

    @property
    def kappa(self) -> str:
        """The kappa that the design has: Conger's where everyone rates everything, otherwise Fleiss'."""
        return "conger" if self.exercise.design.rated().all() else "fleiss"

    def number(self, name: str, n: float) -> Estimate:
        """A number of the design or of the inputs, kept under its name; the same one each time it is asked for."""
        kept = self.draft.counts.get(name)
        return kept if kept is not None and kept.value == n else self.draft.counted(name, n)

    def count(self, name: str, n: float, noun: str) -> Cited:
        """Such a number with its noun."""
        return self.draft.say.count(self.number(name, n), noun)

    def bare(self, name: str, n: float, decimals: int = 0) -> Cited:
        """Such a number by itself."""
        return Cited(number(n, decimals), self.number(name, n))

    def half(self, e: Estimate, statistic: str) -> Cited:
        """A half-width in words and its unit: "3.2 percentage points", "0.04"."""
        if not e.estimable:
            return Cited(NA, e)
        return self.points(e, e.value) if is_share(statistic) else Cited(number(e.value, 3), e)

    def error(self, e: Estimate, statistic: str) -> Cited:
        """Its Monte Carlo standard error, in the same unit and bare."""
        return Cited(error(e, statistic), e)

    def points(self, e: Estimate, value: float, sign: bool = False, decimals: int = 1) -> Cited:
        """Percentage points with a decimal."""
        written = (signed if sign else number)(100 * value, decimals)
        return Cited(self.draft.say.word("plan.points").format(number=written), e)

    def name(self, statistic: str) -> Label:
        """What a statistic is called."""
        return self.draft.say.name(f"plan.{statistic}")

    def named(self, statistic: str) -> Label:
        """The same within a sentence: only who gave a coefficient its name keeps the capital."""
        name = self.name(statistic)
        return name if statistic in _PEOPLE else Label(name[:1].lower() + name[1:])

    def group(self, statistic: str, group: str) -> str:
        """What it is over: "all factors and vignettes", a contrast in words."""
        say, key = self.draft.say, CONTRAST_KEYS.get((statistic, group))
        if key:
            return say.word(f"plan.contrast_{key}")
        if ", " in group:
            kind, band = group.split(", ")
            return f"{self.draft.names.kinds(kind)}, {say.word(f'plan.group_{band}')}"
        return say.word(f"plan.group_{group}")


def is_share(statistic: str) -> bool:
    """Whether a statistic reads in per cent."""
    return statistic in ("difference", "interaction") or title_of(statistic).unit == "share"


def value(e: Estimate, statistic: str) -> str:
    """An expected value in a cell: 66.1 per cent, +14.2 points, 0.512."""
    if statistic in ("difference", "interaction"):
        return signed(100 * e.value, 1)
    return number(100 * e.value, 1) if is_share(statistic) else number(e.value, 3)


def half(e: Estimate, statistic: str) -> str:
    """A half-width in a cell."""
    return number(100 * e.value, 1) if is_share(statistic) else number(e.value, 3)


def error(e: Estimate, statistic: str) -> str:
    """A Monte Carlo standard error in a cell: a decimal more than the number itself."""
    return number(100 * e.se, 2) if is_share(statistic) else number(e.se, 4)
