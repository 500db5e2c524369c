"""The trace: every number of a report with its method, target and bases, and the sentences that use it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from arms_irr.analysis.result import Result
from arms_irr.errors import ArgumentError
from arms_irr.reporting.document import Cited, Document, Text, pieces, plain, texts
from arms_irr.reporting.voice import Label
from arms_irr.statistics.estimate import Estimate

__all__ = ["NUMBERS", "trace"]

NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")
MOST_ROWS = 20_000  # of a result: beyond, only the rows that a sentence cites, and the name of its CSV


def trace(document: Document, results: Mapping[str, Result], counts: Mapping[str, Estimate]) -> str:
    """The contents of report.json.

    Returns
    -------
    str
        JSON: ``results`` (by name: question, notes, and rows with every column of a tidy frame and the further
        quantities), ``counts`` (what sections counted themselves) and ``sentences``: the section, table or
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
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


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
    rows = range(len(result)) if few else sorted(cited)
    records = result.to_json() if few else []
    found = {
        "question": result.question,
        "notes": list(result.notes),
        "seed": result.seed,
        "rows": {
            str(n): {
                **(records[n] if few else _one(result, n)),
                "parts": {k: v if math.isfinite(v) else None for k, v in result.rows[n].estimate.parts.items()},
            }
            for n in rows
        },
    }
    return found if few else found | {"all_rows": f"tables/{name}.csv"}


def _one(result: Result, n: int) -> dict[str, Any]:
    from dataclasses import replace

    return replace(result, rows=(result.rows[n],)).to_json()[0]
