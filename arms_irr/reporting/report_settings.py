"""What the table [report] of a study.toml says to the report: its keys, checked and read in one place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from arms_irr.errors import Problem, nearest
from arms_irr.study.study import Study

__all__ = ["assumes_overall", "cost_ratios", "report_problems"]

RATIOS = (1.0, 2.0, 3.0, 5.0, 10.0)  # where the study names none


def assumes_overall(study: Study) -> bool:
    """Whether the user asked to apply the visit intervals to the overall priority, as an assumption."""
    return _read(study, "visits_assume_overall") is True


def cost_ratios(study: Study) -> tuple[float, ...]:
    """How many times as much a step too low costs as a step too high, in ascending order."""
    found = _read(study, "cost_ratios")
    return tuple(sorted(set(map(float, found)))) if _is_ratios(found) else RATIOS


def report_problems(study: Study) -> tuple[Problem, ...]:
    """Every key of [report] that is unknown or has a value of another kind; for a ``DataError``."""
    files = dict(study.files)
    path = files.get("study", files.get("workbook"))
    file, sheet = path.name if path else None, None if "study" in files or path is None else "study"
    problems = []
    for key, value in study.report.items():
        if key not in _KEYS:
            message, remedy = f"Unknown key {key!r} in [report].", f"{nearest(key, _KEYS)}Known keys: {', '.join(_KEYS)}."
        elif not _KEYS[key][0](_read(study, key)):
            message, remedy = f"{key!r} in [report] is {value!r}.", _KEYS[key][1]
        else:
            continue
        problems.append(Problem("error", message, remedy, file, sheet, column=key, value=str(value)))
    return tuple(problems)


def _read(study: Study, key: str) -> Any:
    """The value; a workbook knows only text, so there "true" is true and "1, 2, 5" a list of numbers."""
    value = study.report.get(key)
    if not isinstance(value, str) or "workbook" not in dict(study.files):
        return value
    if key == "visits_assume_overall":
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


def _is_answers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(answer, str) for answer in value.values())


_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "visits_assume_overall": (lambda value: isinstance(value, bool), "Write true or false, without quotation marks."),
    "cost_ratios": (_is_ratios, "Write a list of numbers of 1 and more, for example [1, 2, 5, 10]."),
    "grras": (_is_answers, 'Write a table of texts, for example grras = { 7 = "..." }.'),
}
