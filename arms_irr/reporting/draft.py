"""Draft: what every section of a report is written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from arms_irr.analysis.result import Result
from arms_irr.reporting.document import Column, Figure, Table
from arms_irr.reporting.findings import Findings
from arms_irr.reporting.naming import Names
from arms_irr.reporting.wording import coefficient, footnotes, interval, letters, marks, number, signed
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.study import Study

__all__ = ["FEW_CASES", "Draft", "coefficients_cells", "estimates_table", "share_cells"]

FEW_CASES = 3  # up to here every case has its own tables on the pages


@dataclass(frozen=True)
class Draft:
    """A study, what was found, what things are called, and the settings."""

    study: Study
    findings: Findings
    names: Names
    confidence_level: float
    seed: int

    @property
    def source(self) -> str:
        """Where the data of a caption come from."""
        return f"Source: {self.study.title}."

    @property
    def interval_head(self) -> str:
        """Head of a column of intervals: "95 % interval"."""
        return f"{number(100 * self.confidence_level, 1).removesuffix('.0')} % interval"

    @property
    def many_cases(self) -> bool:
        """Whether single cases go to the tables beside the report rather than onto its pages."""
        return len(self.study.cases) > FEW_CASES

    def figure(
        self, id: str, title: str, caption: str, alt: str, draw: Callable[..., object], *results: object, **options: object
    ) -> Figure:
        """A figure drawn by one of :mod:`arms_irr.plots`; ``title`` states the finding."""
        from arms_irr.plots import save_svg

        svg = save_svg(draw(*results, synthetic=self.study.synthetic, **options))
        return Figure(id, f"{caption} {self.source}", alt, svg, title)


def share_cells(estimate: Estimate) -> tuple[str, str]:
    """A share and its interval in a table: "66.0", "56.2 to 74.6"."""
    return number(100 * estimate.value, 1), interval(estimate, 100, 1)


def coefficients_cells(estimate: Estimate) -> tuple[str, str]:
    """A coefficient and its interval in a table: "0.520", "0.342 to 0.665"."""
    return coefficient(estimate.value, table=True), interval(estimate, 1, 3)


def signed_cells(estimate: Estimate) -> tuple[str, str]:
    """A difference in steps and its interval."""
    return signed(estimate.value), interval(estimate, 1, 2)


def estimates_table(
    id: str, caption: str, head: Sequence[Column], rows: Iterable[tuple[Sequence[str], Sequence[Estimate]]], *,
    cells: Callable[[Estimate], tuple[str, str]] = share_cells, notes: Sequence[str] = (),
    groups: Sequence[tuple[str, int]] = (), after: Sequence[str] = (),
) -> Table:
    """A table whose rows are some words, then a value and an interval for each estimate, then footnote letters.

    ``head`` names every column but that of the footnotes, which is added where a row needs it.
    """
    lines = [(tuple(words), tuple(estimates)) for words, estimates in rows]
    known = letters(estimate for _, estimates in lines for estimate in estimates)
    body = []
    for words, estimates in lines:
        shown = [cell for estimate in estimates for cell in cells(estimate)]
        marked = ", ".join(sorted({mark for e in estimates for mark in marks(e, known).split(", ") if mark}))
        body.append((*words, *shown, *((marked,) if known else ())))
    columns = (*head, *((Column("Note", align="left"),) if known else ()))
    return Table(f"table-{id}", caption, columns, tuple(body), (*notes, *footnotes(known), *after), tuple(groups))


def nothing(result: Result | None) -> bool:
    """Whether a result has nothing to show."""
    return result is None or not any(row.estimate.estimable for row in result)
