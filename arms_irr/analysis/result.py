"""Result: tidy rows of Estimates under their grouping columns, plus notes in words."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Instrument
from arms_irr.statistics.estimate import FLAGS, Estimate

if TYPE_CHECKING:
    import pandas as pd

# What a reader needs first; to_frame() has everything.
_FIRST = ("coefficient", "weights", "estimate", "ci_low", "ci_high", "n_subjects", "n_raters", "n_ratings", "flags")

__all__ = ["COLUMNS", "Result", "Row", "stack"]

COLUMNS = (
    "coefficient", "weights", "estimate", "se", "ci_low", "ci_high", "confidence_level", "df", "method", "target",
    "observed", "expected", "n_subjects", "n_raters", "n_ratings", "flags",
)


@dataclass(frozen=True)
class Row:
    """One Estimate of one coefficient, under its grouping values."""

    group: Mapping[str, str]
    coefficient: str
    estimate: Estimate

    def __getitem__(self, column: str) -> str:
        return self.group[column]


@dataclass(frozen=True, repr=False)
class Result:
    """Ordered rows and what has to be said about them.

    Attributes
    ----------
    question : str
        What was asked, in words; the caption of its table.
    by : tuple of str
        Grouping columns, in order.
    rows : tuple of Row
    notes : tuple of str
        Sentences that belong under the table.
    seed : int or None
        Of the random numbers used, where any were.
    picture : str
        Name of the figure in :mod:`arms_irr.plots` that shows it; empty where there is none.
    instrument : Instrument or None
        Whose labels the picture needs.
    names : mapping
        Titles of the cases, for the picture.
    synthetic : bool
        Whether the data were made up; said wherever the result is shown.
    """

    question: str
    by: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    seed: int | None = None
    picture: str = ""
    instrument: Instrument | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, coefficient: str | None = None, **group: str) -> Result:
        """The rows that match; an empty Result when none does."""
        rows = tuple(
            row for row in self.rows
            if (coefficient is None or row.coefficient == coefficient)
            and all(row.group.get(column) == value for column, value in group.items())
        )
        return replace(self, rows=rows)

    def split(self, column: str) -> dict[str, Result]:
        """The rows under each value of a grouping column, in order of appearance."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row[column], []).append(row)
        return {value: replace(self, rows=tuple(rows)) for value, rows in found.items()}

    def get(self, coefficient: str, weights: str | None = None, **group: str) -> Estimate:
        """The one estimate that matches.

        Raises
        ------
        ArgumentError
            When no row or more than one row matches.
        """
        found = [r for r in self.where(coefficient, **group) if weights is None or r.estimate.weights == weights]
        if len(found) != 1:
            asked = ", ".join([coefficient, *([weights] if weights else []), *(f"{k}={v}" for k, v in group.items())])
            raise ArgumentError(f"{len(found)} rows match {asked}; name the grouping columns {', '.join(self.by)}")
        return found[0].estimate

    def records(self) -> list[dict[str, Any]]:
        """One dict a row: the grouping columns, then the fixed columns; flags joined by ``;``."""
        return [
            {
                **{column: row.group.get(column, "") for column in self.by},
                "coefficient": row.coefficient,
                "weights": row.estimate.weights,
                "estimate": row.estimate.value,
                **{name: getattr(row.estimate, name) for name in COLUMNS[3:-1]},
                "flags": ";".join(row.estimate.flags),
            }
            for row in self.rows
        ]

    def to_frame(self, parts: bool = False) -> pd.DataFrame:
        """A pandas frame with the grouping columns followed by the fixed columns.

        ``parts=True`` adds a column for each further quantity (variance components, design effect ...).
        """
        import pandas as pd

        frame = pd.DataFrame(self.records(), columns=[*self.by, *COLUMNS])
        if parts:
            frame = pd.concat([frame, pd.DataFrame([dict(row.estimate.parts) for row in self.rows])], axis=1)
        return frame

    def to_csv(self, path: str | Path | None = None) -> str:
        """The rows as CSV text (utf-8, full precision, empty for ``nan``); written to ``path`` when given."""
        import csv

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*self.by, *COLUMNS])
        for record in self.records():
            writer.writerow([_plain(value) for value in record.values()])
        if path is not None:
            Path(path).write_text(text.getvalue(), encoding="utf-8")
        return text.getvalue()

    def to_json(self) -> list[dict[str, Any]]:
        """The records with ``None`` for ``nan`` and infinity: what ``json.dumps`` may write."""
        return [
            {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in record.items()}
            for record in self.records()
        ]

    @property
    def flag_notes(self) -> tuple[str, ...]:
        """The sentence of every flag that occurs, in the order of the list."""
        used = {flag for row in self.rows for flag in row.estimate.flags}
        return tuple(f"{flag}: {sentence}." for flag, sentence in FLAGS.items() if flag in used)

    def plot(self, **options: Any) -> Any:
        """The picture of this question, as a matplotlib Figure; ``ArgumentError`` when it has none."""
        from arms_irr import plots

        if not self.picture:
            raise ArgumentError("this result has no picture; use to_frame() and plot the columns you need")
        known: dict[str, Any] = {"title": self.question, "synthetic": self.synthetic, "names": self.names}
        if self.instrument is not None:
            known["instrument"] = self.instrument
        return getattr(plots, self.picture)(self, **{**known, **options})

    def benchmarks(self, scales: Sequence[str] | None = None, **options: Any) -> Result:
        """The word that each coefficient has earned; see :func:`arms_irr.analysis.interpretation.benchmarks`."""
        from arms_irr.analysis.interpretation import benchmarks
        return benchmarks(self, scales, **options)

    def explain(self) -> str:
        """Question, notes and the sentence of every flag, one a line."""
        head = f"{self.question} (synthetic data)" if self.synthetic else self.question
        return "\n".join([head, *self.notes, *self.flag_notes])

    def _brief(self, most: int) -> tuple[list[str], list[list[str]]]:
        """The columns that a reader needs first, rounded, of at most so many rows."""
        columns = [*self.by, *(c for c in _FIRST if any(row[c] not in ("", None) for row in self.records()))]
        records = self.records()[:most]
        return columns, [[_short(record[c]) for c in columns] for record in records]

    def __repr__(self) -> str:
        columns, lines = self._brief(10)
        widths = [max(map(len, column)) for column in zip(columns, *lines, strict=True)]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in [columns, *lines]]
        more = [f"... and {len(self) - 10} more rows; to_frame() has them all"] if len(self) > 10 else []
        return "\n".join([self.explain().splitlines()[0], *table, *more])

    def _repr_html_(self) -> str:
        columns, lines = self._brief(60)
        head = "".join(f"<th scope='col'>{html.escape(c)}</th>" for c in columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>" for line in lines)
        first, *notes = self.explain().splitlines()
        if len(self) > 60:
            notes.insert(0, f"The first 60 of {len(self)} rows; to_frame() has them all.")
        below = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
        return f"<table><caption>{html.escape(first)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def stack(question: str, *results: Result) -> Result:
    """Several results under one another; a grouping column that a result does not have is left empty."""
    by = tuple(dict.fromkeys(column for result in results for column in result.by))
    rows = tuple(row for result in results for row in result.rows)
    notes = tuple(dict.fromkeys(note for result in results for note in result.notes))
    seed = next((result.seed for result in results if result.seed is not None), None)
    return Result(question, by, rows, notes, seed, synthetic=any(result.synthetic for result in results))


def _plain(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(float(value))
    # A text that a spreadsheet would run as a formula is written as text.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def _short(value: object) -> str:
    if isinstance(value, float):
        return "n/a" if math.isnan(value) else f"{value:.3f}"
    return str(value)
