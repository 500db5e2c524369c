"""Every error says where it is, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

__all__ = ["ArgumentError", "ArmsError", "DataError", "Problem", "in_order", "nearest"]


class ArmsError(Exception):
    """Base of every error this package raises on purpose; its text is written for the user."""


class ArgumentError(ArmsError, ValueError):
    """A call that cannot be carried out: the value that was given, and what to give instead."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong (or doubtful) in the data, and the remedy.

    Equal problems in several rows are one ``Problem`` that lists the rows.
    """

    severity: Literal["error", "warning"]
    message: str
    remedy: str
    file: str | None = None
    sheet: str | None = None
    rows: tuple[int, ...] = ()  # as the spreadsheet numbers them: the header is row 1
    column: str | None = None
    value: str | None = None

    @property
    def place(self) -> str:
        """File, sheet, rows and column in words; empty when the problem is of the study as a whole."""
        parts = [self.file or ""]
        if self.sheet:
            parts.append(f"sheet {self.sheet}")
        if self.rows:
            shown = ", ".join(map(str, self.rows[:10]))
            more = f" and {len(self.rows) - 10} more" if len(self.rows) > 10 else ""
            parts.append(f"{'row' if len(self.rows) == 1 else 'rows'} {shown}{more}")
        if self.column:
            parts.append(f"column {self.column}")
        return ", ".join(part for part in parts if part)

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message} {self.remedy}".rstrip()


class DataError(ArmsError):
    """The data cannot be used; ``problems`` holds everything that was found, errors and warnings."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = in_order(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        errors = [p for p in self.problems if p.severity == "error"]
        head = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        return "\n".join([f"{head} in the data:", *(f"- {p}" for p in errors)])


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """File by file as they first occur, within a file from the top: the order in which a person mends them."""
    found = tuple(problems)
    files = {problem.file: position for position, problem in reversed(list(enumerate(found)))}
    return tuple(sorted(found, key=lambda p: (files[p.file], p.sheet or "", p.rows[:1] or (0,))))


def nearest(name: str, valid: Iterable[str]) -> str:
    """``"Did you mean 'x'? "`` for the nearest valid name (or the only one that begins with it), or an empty string."""
    by_folded, folded = {v.casefold(): v for v in valid}, str(name).casefold()
    match = get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    begins = [v for v in by_folded if len(folded) >= 4 and v.startswith(folded)]
    if not match and len(begins) == 1:
        match = begins
    return f"Did you mean {by_folded[match[0]]!r}? " if match else ""
