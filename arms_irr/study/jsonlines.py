"""JSON lines: an object on each line, its keys the columns."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from arms_irr.errors import DataError, Problem
from arms_irr.study.table import Table, from_columns

__all__ = ["read_json_lines"]


def read_json_lines(file: str, text: str, name: str) -> Table:
    """The lines as a Table; a key that a line does not have, and ``null``, are empty cells.

    Raises
    ------
    DataError
        With every line that is no JSON object of single values.
    """
    records: list[tuple[int, dict[str, Any]]] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            problems.append(_wrong(file, number, f"This line is not valid JSON ({error})."))
            continue
        if not isinstance(record, dict):
            problems.append(_wrong(file, number, "This line is no object."))
            continue
        nested = [key for key, value in record.items() if isinstance(value, dict | list)]
        if nested:
            problems.append(_wrong(file, number, f"{nested[0]!r} holds several values.", nested[0]))
            continue
        records.append((number, record))
    if not records and not problems:
        problems.append(Problem("error", "All lines are empty.", "Add an object on each line.", file))
    if problems:
        raise DataError(problems)
    header = list(dict.fromkeys(key for _, record in records for key in record))
    cells = [[record.get(key) for _, record in records] for key in header]
    return from_columns(name, file, None, header, cells, np.array([number for number, _ in records]))


def _wrong(file: str, line: int, message: str, column: str | None = None) -> Problem:
    remedy = 'Write one object to a line, such as {"rater": "R1", "case": "A", "factor": "opportunity", "rating": "Low"}.'
    return Problem("error", message, remedy, file, rows=(line,), column=column)
