"""The trace: every number of a report with its method, target and bases, and the sentences that use it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from arms_irr.analysis.result import Result
from arms_irr.errors import ArgumentError
from arms_irr.reporting.document import Cited, Document, Text, pieces, plain, texts
from arms_irr.reporting.voice import Label
from arms_irr.statistics.estimate import Estimate

__all__ = ["NUMBERS", "trace"]

NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")
MOST_ROWS = 1_000  # of a result: beyond, only the rows that a sentence cites, and the name of its CSV


def trace(document: Document, results: Mapping[str, Result], counts: Mapping[str, Estimate]) -> str:
    """The contents of report.json.

    Returns
    -------
    str
        JSON: ``results`` (by name: question, notes, ``every_row``, what all its rows have alike, and ``rows`` by
        number: the values of ``columns`` and then of ``parts``, the further quantities), ``counts`` (what sections counted themselves) and ``sentences``: the section, table or
        figure, the text, ``numbers`` (each as read, with the result and row it comes from), ``wording`` (numbers
        that belong to the catalogue's own words, as in "fewer than 5 cases") and ``names`` (what the study,
        the instrument or a note calls things).

    Raises
    ------
    ArgumentError
        When a sentence cites an estimate that stands in no result.
    """
    places = {id(row.estimate): (name, n) for name, result in results.items() for n, row in enumerate(result.rows)}
    places |= {id(estimate): (name, None) for name, estimate in counts.items()}
    sentences = []
    cited: dict[str, set[int]] = {}
    for place, text in _spoken(document):
        numbers = []
        for piece in pieces(text):
            if isinstance(piece, Cited):
                if id(piece.of) not in places:
                    raise ArgumentError(f"{piece.text!r} in {place!r} was read from an estimate that stands in no result")
                name, row = places[id(piece.of)]
                if row is not None:
                    cited.setdefault(name, set()).add(row)
                numbers.append({"text": piece.text, "result": name} | ({} if row is None else {"row": row}))
        sentence = {"place": place, "text": plain(text, document.names), "numbers": numbers}
        sentences.append(sentence | _fixed(text))
    content = {
        "title": document.title,
        "synthetic": document.synthetic,
        "results": {name: _result(result, name, cited.get(name, set())) for name, result in results.items()},
        "counts": {name: estimate.value for name, estimate in counts.items()},
        "sentences": sentences,
    }
    return _lines(content)


def _lines(content: Mapping[str, Any]) -> str:
    """As JSON with a line for every result and every sentence: small, and still to be compared with the last one."""

    def compact(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    parts = []
    for key, value in content.items():
        if key == "results":
            inner = ",\n".join(f"{compact(name)}:{compact(result)}" for name, result in value.items())
            parts.append(f'"{key}":{{\n{inner}\n}}')
        elif key == "sentences":
            parts.append(f'"{key}":[\n' + ",\n".join(map(compact, value)) + "\n]")
        else:
            parts.append(f'"{key}":{compact(value)}')
    return "{" + ",\n".join(parts) + "}\n"


def _spoken(document: Document) -> Iterator[tuple[str, Text]]:
    yield from ((place, text) for place, text in texts(document.sections) if plain(text))
    yield from (("made", text) for _, text in document.meta)


def _fixed(text: Text) -> dict[str, list[str]]:
    """Numbers that are no finding: in the catalogue's wording, and in names."""
    found: dict[str, list[str]] = {"wording": [], "names": []}
    for piece in pieces(text):
        words = piece if isinstance(piece, str) else "" if isinstance(piece, Cited) else plain((piece,))
        numbers = NUMBERS.findall(words)
        found["names" if isinstance(getattr(piece, "text", piece), Label) else "wording"] += numbers
    return {kind: numbers for kind, numbers in found.items() if numbers}


def _result(result: Result, name: str, cited: set[int]) -> dict[str, Any]:
    few = len(result) <= MOST_ROWS
    numbers = range(len(result)) if few else sorted(cited)
    chosen = replace(result, rows=tuple(result.rows[n] for n in numbers))
    every, columns, rows = _table(chosen.to_json(), shared=True)
    parts = [{k: v if math.isfinite(v) else None for k, v in row.estimate.parts.items()} for row in chosen]
    _, further, more = _table(parts, shared=False)
    found = {
        "question": result.question, "notes": list(result.notes), "seed": result.seed, "every_row": every,
        "columns": columns, "parts": further,
        "rows": {str(n): own + beside for n, own, beside in zip(numbers, rows, more, strict=True)},
    }
    return found if few else found | {"all_rows": f"tables/{name}.csv"}


def _table(records: list[dict[str, Any]], shared: bool) -> tuple[dict[str, Any], list[str], list[list[Any]]]:
    """What all records say alike (where asked for, and where there are several), the other columns, and their values."""
    names = list(dict.fromkeys(name for record in records for name in record))
    alike = {
        name: records[0][name] for name in names
        if shared and len(records) > 1 and all(record[name] == records[0][name] for record in records)
    }
    columns = [name for name in names if name not in alike]
    return alike, columns, [[record.get(name) for name in columns] for record in records]
