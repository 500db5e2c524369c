"""claims.toml: published claims as a file, every mistake of it told at once."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arms_irr.analysis.comparing import ICC_FORMS, SHARES, STATISTICS
from arms_irr.analysis.consistency import ORDINAL_METRIC
from arms_irr.analysis.possible import CHECKED, rounded_from
from arms_irr.errors import ArgumentError, DataError, Problem, nearest
from arms_irr.instruments.model import KINDS
from arms_irr.statistics.agreement import COEFFICIENTS
from arms_irr.statistics.weights import WEIGHTS
from arms_irr.study.count import columns
from arms_irr.study.study import Study

__all__ = ["Claim", "read_claims"]

_ALWAYS = ("id", "text", "source", "kind")
# For each kind of claim: the keys it must have, and the keys it may have.
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "value": (("statistic", "value"), ("weights", "where", "tolerance", "n", "ci")),
    "ordering": (("statistic", "first", "relation", "second"), ("weights",)),
    "finding": (("statistic", "first", "relation", "second", "reading"), ("weights",)),
    "summary": (("percent", "n", "categories"), ("kappa", "coefficient", "raters")),
}


@dataclass(frozen=True)
class Claim:
    """One published claim, and how it is put to the data.

    Attributes
    ----------
    id : str
    text, source : str
        The published words, and where they stand.
    kind : {"value", "ordering", "finding", "summary"}
        ``value``: a statistic of a selection has this value. ``ordering``: it is larger (or smaller) in one selection
        than in another. ``finding``: words without numbers, which ``reading`` turns into an ordering. ``summary``: numbers
        about data that are not at hand.
    statistic, weights : str
        Of :data:`arms_irr.analysis.comparing.STATISTICS`; weights of a coefficient between raters, "" for the usual ones.
    where, first, second : dict
        Selections: grouping column to value; empty for all ratings.
    relation : {">", "<"}
        Of the statistic in ``first`` to that in ``second``.
    value, tolerance : float
        Shares from 0 to 1. The tolerance is half a unit of the last decimal where none is given.
    n : int or None
        Ratings that the value rests on; of a summary the subjects.
    ci : (float, float) or None
        The published interval.
    reading : str
        How the words of a finding were turned into the ordering.
    percent, kappa : str
        Of a summary, as printed.
    coefficient : str
    categories, raters : int
        Of a summary.
    """

    id: str
    text: str
    source: str
    kind: str
    statistic: str = ""
    weights: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    first: Mapping[str, str] = field(default_factory=dict)
    second: Mapping[str, str] = field(default_factory=dict)
    relation: str = ""
    value: float = math.nan
    tolerance: float = math.nan
    n: int | None = None
    ci: tuple[float, float] | None = None
    reading: str = ""
    percent: str = ""
    kappa: str = ""
    coefficient: str = "cohen"
    categories: int = 0
    raters: int = 2


# --- reading ----------------------------------------------------------------------------------------------

Wrong = Callable[[str, Any, str, str], None]  # key, value, what is wrong, what to do


def read_claims(path: str | Path, study: Study) -> tuple[Claim, ...]:
    """The claims in a ``claims.toml``, a list of ``[[claim]]``.

    Parameters
    ----------
    path : str or Path
        The file, or the folder that holds ``claims.toml``.
    study : Study
        Whose columns, factors and bands the selections name.

    Raises
    ------
    DataError
        With every mistake of the file: entry, key, value, remedy and the nearest name.
    """
    path = Path(path)
    path = path / "claims.toml" if path.is_dir() else path
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise DataError([Problem("error", f"The file cannot be read ({error.strerror}).", "Give the path of a claims.toml.", str(path))]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        remedy = "Mend the line named; texts stand in quotation marks."
        raise DataError([Problem("error", f"The file is not valid TOML ({error}).", remedy, path.name)]) from error
    problems = [
        Problem("error", f"Unknown table or key {key!r}.", f"{nearest(key, ['claim'])}Write each claim below a line [[claim]].", path.name, column=key)
        for key in content if key != "claim"
    ]  # fmt: skip
    entries = content.get("claim", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(Problem("error", "'claim' is not a list of tables.", "Write each claim below a line [[claim]].", path.name, column="claim"))
        entries = []
    elif not entries:
        problems.append(Problem("error", "There are no claims.", "Write each claim below a line [[claim]].", path.name))
    claims: list[Claim] = []
    ids: set[str] = set()
    for number, entry in enumerate(entries, 1):
        claims.append(_claim(entry, number, study, path.name, problems, ids))
    if problems:
        raise DataError(problems)
    return tuple(claims)


def _claim(entry: dict[str, Any], number: int, study: Study, file: str, problems: list[Problem], ids: set[str]) -> Claim:
    """One entry; what is wrong with it is added to ``problems``."""
    id = entry.get("id")
    name = f"Claim {number}" + (f" ({id})" if isinstance(id, str) and id else "")

    def wrong(key: str, value: Any, message: str, remedy: str) -> None:
        problems.append(Problem("error", f"{name}: {message}", remedy, file, column=key, value=None if value is None else str(value)))

    for key in ("id", "text", "source"):
        if key not in entry:
            wrong(key, None, f"there is no {key!r}.", f"Add {key} = \"...\".")
        elif not isinstance(entry[key], str) or not entry[key].strip():
            wrong(key, entry[key], f"{key!r} is {entry[key]!r}.", "Write text in quotation marks.")
    if isinstance(id, str) and id in ids:
        wrong("id", id, f"the id {id!r} is used twice.", "Give every claim its own.")
    ids.add(id if isinstance(id, str) else "")
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in _KEYS:
        message = "there is no 'kind'." if kind is None else f"unknown kind {kind!r}."
        wrong("kind", kind, message, f"{nearest(str(kind), _KEYS)}Choose from {', '.join(_KEYS)}.")
        return Claim("", "", "", "")
    must, may = _KEYS[kind]
    known = (*_ALWAYS, *must, *may)
    for key in entry:
        if key not in known:
            wrong(key, entry[key], f"a claim of kind {kind!r} has no key {key!r}.", f"{nearest(key, known)}Known keys: {', '.join(known)}.")
    for key in must:
        if key not in entry:
            wrong(key, None, f"a claim of kind {kind!r} needs {key!r}.", f"Add {key} = ....")
    given = {key: _READ[key](key, entry[key], study, entry, wrong) for key in (*must, *may) if key in entry}
    if kind == "summary":
        _summary_fits(entry, wrong)
    if isinstance(entry.get("first"), dict) and entry["first"] == entry.get("second"):
        wrong("second", entry["second"], "'first' and 'second' are the same selection.", "Name two different ones.")
    if "tolerance" in may and "tolerance" not in entry and given.get("value") is not None:
        low, high = rounded_from(entry["value"])
        given["tolerance"] = float(high - low) / 2
    return Claim(str(id), str(entry.get("text", "")), str(entry.get("source", "")), kind, **{k: v for k, v in given.items() if v is not None})


def _text(key: str, value: Any, study: Study, entry: Mapping[str, Any], wrong: Wrong) -> str | None:
    if isinstance(value, str) and value.strip():
        return value
    wrong(key, value, f"{key!r} is {value!r}.", "Write text in quotation marks.")
    return None


def _one_of(valid: Sequence[str]) -> Callable[..., str | None]:
    def read(key: str, value: Any, study: Study, entry: Mapping[str, Any], wrong: Wrong) -> str | None:
        if isinstance(value, str) and value in valid:
            return value
        wrong(key, value, f"{key!r} is {value!r}.", f"{nearest(str(value), valid)}Choose from {', '.join(valid)}.")
        return None

    return read


def _weights(key: str, value: Any, study: Study, entry: Mapping[str, Any], wrong: Wrong) -> str | None:
    statistic = entry.get("statistic")
    if statistic in STATISTICS and statistic not in COEFFICIENTS:
        wrong(key, value, f"{statistic!r} has no weights.", "Leave 'weights' out.")
        return None
    return _one_of((*WEIGHTS, ORDINAL_METRIC) if statistic == "krippendorff" else tuple(WEIGHTS))(key, value, study, entry, wrong)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _value(key: str, value: Any, study: Study, entry: Mapping[str, Any], wrong: Wrong) -> float | None:
    statistic = entry.get("statistic")
    if not _is_number(value):
        wrong(key, value, f"{key!r} is {value!r}.", "Write a number, for example 0.56.")
    elif statistic in SHARES and not 0 <= value <= 1:
        hint = f" Did you mean {value / 100:g}?" if 1 < value <= 100 else ""
        wrong(key, value, f"{key} = {value!r} is no share.", f"Write {statistic} from 0 to 1.{hint}")
    elif statistic in (*COEFFICIENTS, *ICC_FORMS) and value > 1:
        wrong(key, value, f"{key} = {value!r} is larger than 1.", f"{statistic} is at most 1.")
    else:
        return float(value)
    return None


def _tolerance(key: str, value: Any, study: Study, entry: Mapping[str, Any], wrong: Wrong) -> float | None:
    if _is_number(value) and value >= 0:
        return float(value)
    wrong(key, value, f"{key!r} is {value!r}.", "Write a number of 0 or more, for example 0.005.")
    return None


def _ci(key: str, value: Any, study: Study, entry: Mapping[str, Any], wrong: Wrong) -> tuple[float, float] | None:
    if isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]:
        return float(value[0]), float(value[1])
    wrong(key, value, f"{key!r} is {value!r}.", "Write the two limits, the lower first: ci = [0.42, 0.68].")
    return None


def _count(least: int) -> Callable[..., int | None]:
    def read(key: str, value: Any, study: Study, entry: Mapping[str, Any], wrong: Wrong) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        wrong(key, value, f"{key!r} is {value!r}.", f"Write a whole number of at least {least}.")
        return None

    return read


def _printed(key: str, value: Any, study: Study, entry: Mapping[str, Any], wrong: Wrong) -> str | None:
    """A number as printed: a text keeps its decimals."""
    try:
        low, high = rounded_from(value) if not isinstance(value, bool) else (None, None)
    except ArgumentError:
        low = None
    if low is None:
        wrong(key, value, f"{key!r} is {value!r}.", 'Write the number as printed, in quotation marks: "0.70".')
    elif key == "percent" and (high < 0 or low > 100 or 0 < high + low < 2):
        wrong(key, value, f"percent = {value!r} is no percentage.", "Write it from 0 to 100: \"85\".")
    elif key == "kappa" and not (low <= 1 and high >= -1):
        wrong(key, value, f"kappa = {value!r} is not between -1 and 1.", "Write the coefficient as printed.")
    else:
        return str(value)
    return None


def _summary_fits(entry: Mapping[str, Any], wrong: Wrong) -> None:
    raters, coefficient = entry.get("raters", 2), entry.get("coefficient", "cohen")
    if isinstance(raters, int) and raters > 2 and coefficient in ("cohen", "scott") and "kappa" in entry:
        wrong("coefficient", coefficient, f"{coefficient!r} is for two raters, not {raters}.", "Choose fleiss, gwet or brennan_prediger.")


def _selection(key: str, value: Any, study: Study, entry: Mapping[str, Any], wrong: Wrong) -> dict[str, str] | None:
    if not isinstance(value, dict):
        wrong(key, value, f"{key!r} is {value!r}.", f'Write {key} = {{ risk_band = "lower" }}, or {{}} for all ratings.')
        return None
    found: dict[str, str] = {}
    for column, level in value.items():
        if column not in columns(study):
            wrong(key, column, f"{key!r} names the column {column!r}, which the study does not have.",
                  f"{nearest(column, columns(study))}This study has: {', '.join(columns(study))}.")
            continue
        levels = _levels(study, column)
        if not isinstance(level, str) or level not in levels:
            shown = ", ".join(levels[:20]) + (" ..." if len(levels) > 20 else "")
            wrong(key, level, f"{key!r} names {column} = {level!r}, which the study does not have.", f"{nearest(str(level), levels)}It has: {shown}.")
            continue
        found[column] = level
    return found


def _levels(study: Study, column: str) -> tuple[str, ...]:
    fixed = {"factor": study.instrument.factor_ids, "kind": KINDS, "case": study.cases, "rater": study.raters, "risk_band": study.bands}
    if column in fixed:
        return fixed[column]
    if column == "occasion":
        return tuple(str(n) for n in sorted(set(study.ratings.occasion.tolist())))
    return tuple(dict.fromkeys(v for v in {**study.rater_attributes, **study.case_attributes}[column] if v))


_READ: dict[str, Callable[..., Any]] = {
    "statistic": _one_of(STATISTICS), "weights": _weights, "where": _selection, "first": _selection, "second": _selection,
    "relation": _one_of((">", "<")), "value": _value, "tolerance": _tolerance, "n": _count(1), "ci": _ci, "reading": _text,
    "percent": _printed, "kappa": _printed, "coefficient": _one_of(CHECKED), "raters": _count(2), "categories": _count(2),
}  # fmt: skip
