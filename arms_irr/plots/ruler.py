"""The ruler (Wright map): officers' severity, factors, cases and thresholds on one scale."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

from arms_irr.analysis.result import Result, Row
from arms_irr.plots.layout import Layout, nothing_to_show, panels, spread
from arms_irr.plots.style import (
    FAINT,
    INK,
    LINE,
    QUIET,
    SERIES,
    SIZE,
    Look,
    Options,
    chosen,
    drawing,
    label,
    text_width,
)

__all__ = ["ruler"]

_OFFICERS = ("officer", "rater")
_PLACES = ("severity", "location", "threshold")  # what lies on the scale; a severity model reports more
_DOT = 0.075  # inches from one officer's dot to the next
_STAND = 1.25  # inches for the officers
_DODGE, _STEPS = 0.07, 4  # inches between neighbouring items, and how many places they take turns in


def ruler(result: Result, *, facets: Sequence[str] | None = None, unit: str = "logits", **options: Unpack[Options]) -> Any:
    """Officers as unnamed dots, and beside them every factor, case or threshold with its interval, on one scale.

    Parameters
    ----------
    result : Result
        By facet and name; coefficients ``severity``, ``location`` and ``threshold``. The facet ``officer`` is stacked
        as dots; every other has a column of its own. ``threshold`` also draws a line across.
    facets : sequence of str, optional
        Those to draw, in order; all unless given, but not ``item`` where factors and cases have places of their own.
    unit : str
        Of the scale, for its axis.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    found = chosen(result, "facet", "name")
    placed = [row for row in found if row.coefficient in _PLACES]
    there = list(dict.fromkeys(row["facet"] for row in placed))
    drawn = facets or [facet for facet in there if facet != "item" or not {"factor", "case"} & set(there)]
    found = replace(found, rows=tuple(row for row in placed if row["facet"] in drawn))
    look = Look.of(result, options)
    known = [row for row in found if row.estimate.estimable]
    if not known:
        return nothing_to_show(look, result)
    officers = [row.estimate.value for row in known if row["facet"] in _OFFICERS]
    facets = [facet for facet in drawn if facet not in _OFFICERS]
    items = {facet: [row for row in known if row["facet"] == facet] for facet in facets}
    stand = _STAND if officers else 0.0
    with drawing():
        look = replace(look, width=max(look.width, 0.75 + stand + 1.3 * len(facets)))  # narrower it could not be read
        marks = [_DODGE * min(_STEPS, len(items[facet])) + 0.24 for facet in facets]
        widths = _widths([[_called(row, look) for row in items[facet]] for facet in facets], look.width - 0.75 - stand - sum(marks))
        words = {
            facet: [_fitted(_called(row, look), width) for row in items[facet]]
            for facet, width in zip(facets, widths, strict=True)
        }
        heads = [look.names_of([facet]) for facet in facets]
        most = max([0, *(len("\n".join(texts).split("\n")) for texts in words.values())])
        layout = Layout(
            look, heads=["Officers" if officers else heads[0]], height=max(3.6, 0.3 + 1.05 * LINE * most), left=0.3, right=0.05, tick_lines=0,
            xlabel=f"{len(officers):,} officers" * bool(officers), ylabel=f"Scale in {unit}; higher: more severe, rated higher",
        )  # fmt: skip
        each = _each(officers, _limits(known), layout) if officers else 1
        figure, (ax,) = panels(layout if each == 1 else replace(layout, xlabel=f"{layout.xlabel}, {each} to a dot"))
        ax.set_xlim(0, layout.wide)
        low, high = _limits(known)
        ax.set_ylim(low, high)
        ax.set_xticks([])
        ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= high])
        ax.spines["bottom"].set_visible(False)
        ax.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
        if officers:
            _stack(ax, officers, layout, each)
        for facet, head, mark, width in zip(facets, heads, marks, widths, strict=True):
            if stand:
                text = label(head, max(6, int((mark + width) / 0.085)), 1)
                ax.annotate(text, (stand, 1), (0, 5), ax.get_xaxis_transform(), textcoords="offset points", weight="bold", size=SIZE + 0.5)
            _items(ax, stand, items[facet], words[facet], layout, facet.startswith("threshold"))
            stand += mark + width
    return figure


def _called(row: Row, look: Look) -> str:
    """The name of a factor, case or threshold; of an item, those of its case and factor."""
    return ", ".join(look.factor(part) for part in row["name"].split(", ")) if row["facet"] == "item" else look.factor(row["name"])


def _fitted(name: str, width: float) -> str:
    """On one line where that fits, else on up to three."""
    return label(name, len(name) if text_width(name) <= width else max(6, int(width / 0.068)), 3)


def _widths(names: Sequence[Sequence[str]], room: float) -> list[float]:
    """Inches for the names of each facet: what they need where that fits, the longest cut first."""
    needs = [max([0.7, *(text_width(name) + 0.05 for name in texts)]) for texts in names]
    left, widths = room, [0.0] * len(needs)
    for rank, i in enumerate(sorted(range(len(needs)), key=lambda i: needs[i])):
        widths[i] = min(needs[i], left / (len(needs) - rank))
        left -= widths[i]
    return widths


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    ends = [end for row in rows for end in (row.estimate.value, row.estimate.ci_low, row.estimate.ci_high)]
    ends = [0.0, *(end for end in ends if math.isfinite(end))]
    room = 0.06 * (max(ends) - min(ends)) or 0.5
    return min(ends) - room, max(ends) + room


def _rows(officers: Sequence[float], limits: tuple[float, float], layout: Layout) -> Counter[int]:
    """How many officers fall into each row of dots; a row is one dot high."""
    inch = (limits[1] - limits[0]) / layout.tall
    return Counter(round(value / (_DOT * inch)) for value in officers)


def _each(officers: Sequence[float], limits: tuple[float, float], layout: Layout) -> int:
    """How many officers a dot stands for, so that the fullest row fits."""
    return max(1, math.ceil(max(_rows(officers, limits, layout).values()) / int((_STAND - 0.3) / _DOT)))


def _stack(ax: Any, officers: Sequence[float], layout: Layout, each: int) -> None:
    low, high = ax.get_ylim()
    inch = (high - low) / layout.tall
    rows = _rows(officers, (low, high), layout)
    dots = [(0.1 + _DOT * k, row * _DOT * inch) for row, count in rows.items() for k in range(math.ceil(count / each))]
    ax.plot([x for x, _ in dots], [y for _, y in dots], "o", color=SERIES[0][0], markersize=72 * _DOT - 0.7, markeredgewidth=0, zorder=3)


def _items(ax: Any, left: float, rows: Sequence[Row], words: Sequence[str], layout: Layout, lines: bool) -> None:
    """One facet: marks with intervals that take turns side by side, and names moved apart."""
    low, high = ax.get_ylim()
    inch = (high - low) / layout.tall
    sizes = [1.03 * LINE * (text.count("\n") + 1) * inch for text in words]
    places = spread([row.estimate.value for row in rows], sizes, low, high)
    names = left + _DODGE * min(_STEPS, len(rows)) + 0.14
    turns = sorted(range(len(rows)), key=lambda i: rows[i].estimate.value)
    for turn, i in enumerate(turns):
        estimate, place, x = rows[i].estimate, places[i], left + 0.05 + _DODGE * (turn % _STEPS)
        if lines:
            ax.axhline(estimate.value, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        ax.plot([x, x], [estimate.ci_low, estimate.ci_high], color="#8c959c", linewidth=1.1, solid_capstyle="butt", zorder=2)
        ax.plot(x, estimate.value, "_" if lines else "s", color=INK, markersize=7 if lines else 3.6, zorder=4)
        ax.plot([x + 0.03, names - 0.1, names - 0.02], [estimate.value, place, place], color=QUIET, linewidth=0.4, zorder=1)
        ax.text(names, place, words[i], va="center", linespacing=1.05)
