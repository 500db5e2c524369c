"""What the table [report] of a study.toml says to the report: its keys, checked and read in one place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from arms_irr.errors import Problem, nearest
from arms_irr.reporting.checklist import checklist
from arms_irr.study.study import Study

__all__ = ["assumes_overall", "cost_ratios", "grras_answers", "permits_matrix", "report_problems"]

RATIOS = (1.0, 2.0, 3.0, 5.0, 10.0)  # where the study names none


def assumes_overall(study: Study) -> bool:
    """Whether the user asked to apply the visit intervals to the overall priority, as an assumption."""
    return _read(study, "visits_assume_overall") is True


def cost_ratios(study: Study) -> tuple[float, ...]:
    """How many times as much a step too low costs as a step too high, in ascending order."""
    found = _read(study, "cost_ratios")
    return tuple(sorted(set(map(float, found)))) if _is_ratios(found) else RATIOS


def permits_matrix(study: Study) -> bool:
    """Whether every single rating may be printed, under the officers' pseudonyms."""
    return _read(study, "rating_matrix") is True


def grras_answers(study: Study) -> dict[str, str]:
    """What the author answers to items of the reporting checklist, by item; an empty text is no answer."""
    given = study.report.get("grras")
    answers = given.items() if isinstance(given, Mapping) else ()
    return {str(key): answer.strip() for key, answer in answers if isinstance(answer, str) and answer.strip()}


def report_problems(study: Study) -> tuple[Problem, ...]:
    """Every key of [report], and every answer to the checklist, that is unknown or of another kind; for a ``DataError``."""
    files = dict(study.files)
    path = files.get("study", files.get("workbook"))
    file, sheet = path.name if path else None, None if "study" in files or path is None else "study"
    found = [*_wrong_keys(study), *_wrong_answers(study.report.get("grras"))]
    return tuple(Problem("error", message, remedy, file, sheet, column=key, value=str(value)) for message, remedy, key, value in found)


_Wrong = tuple[str, str, str, Any]  # message, remedy, key, value


def _wrong_keys(study: Study) -> Iterator[_Wrong]:
    for key, value in study.report.items():
        if key not in _KEYS:
            yield f"Unknown key {key!r} in [report].", f"{nearest(key, _KEYS)}Known keys: {', '.join(_KEYS)}.", key, value
        elif not _KEYS[key][0](_read(study, key)):
            yield f"{key!r} in [report] is {value!r}.", _KEYS[key][1], key, value


def _wrong_answers(given: Any) -> Iterator[_Wrong]:
    known = [item.key for item in checklist().items]
    for key, answer in given.items() if isinstance(given, Mapping) else ():
        if str(key) not in known:
            yield (f"'grras' in [report] has no item {str(key)!r}.", f"{nearest(str(key), known)}Known items: {', '.join(known)}.",
                   "grras", answer)
        elif not isinstance(answer, str):
            yield f"Item {key} of 'grras' in [report] is {answer!r}.", "Write a text in quotation marks.", "grras", answer


def _read(study: Study, key: str) -> Any:
    """The value; a workbook knows only text, so there "true" is true and "1, 2, 5" a list of numbers."""
    value = study.report.get(key)
    if not isinstance(value, str) or "workbook" not in dict(study.files):
        return value
    if key in _YES_OR_NO:
        return {"true": True, "false": False}.get(value.casefold(), value)
    if key == "cost_ratios":
        try:
            return [float(word) for word in value.replace(",", " ").split()]
        except ValueError:
            return value
    return value


def _is_ratios(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(
        isinstance(ratio, int | float) and not isinstance(ratio, bool) and math.isfinite(ratio) and ratio >= 1 for ratio in value)


def _is_yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


_YES_OR_NO = ("visits_assume_overall", "rating_matrix")
_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    **{key: (_is_yes_or_no, "Write true or false, without quotation marks.") for key in _YES_OR_NO},
    "cost_ratios": (_is_ratios, "Write a list of numbers of 1 and more, for example [1, 2, 5, 10]."),
    "grras": (lambda value: isinstance(value, Mapping), 'Write a table of texts, for example grras = { 7 = "..." }.'),
}
