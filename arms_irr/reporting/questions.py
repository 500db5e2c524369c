"""Questions: what reports ask of a study. Each is answered once, when a section first asks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arms_irr.analysis.consistency import between_raters, icc_between
from arms_irr.analysis.design import design
from arms_irr.analysis.distributions import completeness, confusion, distributions
from arms_irr.analysis.facts import facts
from arms_irr.analysis.gold import against_gold
from arms_irr.analysis.raters import rater_agreement
from arms_irr.analysis.result import Result
from arms_irr.errors import ArgumentError
from arms_irr.study.study import Study

__all__ = ["BAND", "Options", "Question", "answer"]

BAND = "<band>"  # stands in ``by`` for risk_band, or for case in a study without bands
ICC_FORM = "ICC(A,1)"


@dataclass(frozen=True)
class Options:
    """What the user chose.

    Attributes
    ----------
    confidence_level : float
    seed : int
        Of everything that is simulated or permuted.
    min_cell : int
        A group of fewer officers is not shown by itself.
    """

    confidence_level: float = 0.95
    seed: int = 1
    min_cell: int = 5


@dataclass(frozen=True)
class Question:
    """A question to a study.

    Attributes
    ----------
    name : str
        Under which its numbers stand in report.json, and of the file in tables/ where it has none of its own.
    ask : callable
        Raises :class:`ArgumentError` where the study does not carry it; the message is then said in the report.
    table : bool
        Whether its rows are written as ``tables/<name>.csv``.
    step : str
        What is told while it is computed, a key of ``steps`` in the catalogue.
    """

    name: str
    ask: Callable[[Study, Options], Result]
    table: bool = True
    step: str = ""


def answer(question: Question, study: Study, options: Options) -> Result:
    """The Result; one without rows, whose note says why, where the study does not carry the question."""
    try:
        return question.ask(study, options)
    except ArgumentError as error:
        return Result(question.name, (), (), (str(error),), synthetic=study.synthetic)


def band_of(study: Study) -> str:
    """The column that divides the report: risk_band, or case in a study without bands."""
    return "risk_band" if study.bands else "case"


def _by(study: Study, by: Sequence[str]) -> list[str]:
    return [band_of(study) if name == BAND else name for name in by]


def _gold(name: str, *by: str, table: bool = True) -> Question:
    return Question(
        name, lambda s, o: against_gold(s, _by(s, by), confidence_level=o.confidence_level), table, "gold"
    )


def _between(name: str, *by: str) -> Question:
    return Question(
        name, lambda s, o: between_raters(s, _by(s, by), confidence_level=o.confidence_level), step="between"
    )


def _icc(name: str, *by: str) -> Question:
    return Question(
        name,
        lambda s, o: icc_between(s, _by(s, by), form=ICC_FORM, confidence_level=o.confidence_level, seed=o.seed),
        step="icc",
    )


FACTS = Question("facts", lambda s, o: facts(s), table=False)
DESIGN = Question("design", lambda s, o: design(s), step="design")
DISTRIBUTIONS = Question("distributions", lambda s, o: distributions(s, confidence_level=o.confidence_level), step="design")
COMPLETENESS = Question("completeness", lambda s, o: completeness(s))
COMPLETENESS_BY_CASE = Question("completeness_by_case", lambda s, o: completeness(s, ["case"]))
CONFUSION = Question("confusion", lambda s, o: confusion(s, _by(s, ["kind", BAND])))
RATERS = Question("raters", lambda s, o: rater_agreement(s, confidence_level=o.confidence_level), step="officers")
GOLD_BY_FACTOR_CASE = _gold("agreement_with_gold", "factor", "case")
GOLD_BY_FACTOR_BAND = _gold("agreement_with_gold_by_band", "factor", BAND)
GOLD_BY_KIND_BAND = _gold("agreement_with_gold_pooled", "kind", BAND)
GOLD_BY_KIND_CASE = _gold("agreement_with_gold_by_kind_and_case", "kind", "case")
GOLD_BY_BAND = _gold("agreement_with_gold_all_factors", BAND)
GOLD_BY_CASE = _gold("agreement_with_gold_by_case", "case")
BETWEEN_BY_CASE = _between("between_raters", "case")
BETWEEN_BY_BAND = _between("between_raters_by_band", BAND)
BETWEEN_BY_KIND_BAND = _between("between_raters_by_kind", "kind", BAND)
BETWEEN_BY_FACTOR_CASE = _between("between_raters_by_factor", "factor", "case")
ICC_BY_FACTOR_BAND = _icc("icc", "factor", BAND)
ICC_BY_CASE = _icc("icc_by_case", "case")
ICC_BY_KIND_BAND = _icc("icc_by_kind", "kind", BAND)
