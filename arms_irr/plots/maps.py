"""Pictures with a small field for every factor and case: what is missing, and where officers form two camps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

from arms_irr.analysis.result import Result, Row
from arms_irr.plots.layout import Layout, nothing_to_show, panels
from arms_irr.plots.style import (
    INK,
    LINE,
    LOWER,
    QUIET,
    SIZE,
    UNABLE,
    Look,
    Options,
    box,
    chosen,
    drawing,
    factor_rows,
    label,
    ramp,
    text_width,
    values,
)

__all__ = ["camps", "missing_map"]

# State of a rating: words and how it is drawn. What was not asked stays white.
_STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "given": ("Priority given", {"facecolor": "#BBD9EE", "linewidth": 0}),
    "unable_to_rate": ("Unable to rate", UNABLE | {"linewidth": 0}),
    "not_given": ("Asked for and left blank", {"facecolor": INK, "linewidth": 0}),
    "not_asked": ("Not asked for", {"facecolor": "white", "edgecolor": "#8c959c", "linewidth": 0.4}),
}

_Cells = dict[tuple[str, str], dict[str, Mapping[str, float]]]
_PANELS = 3  # cases up to whom each has a panel with named factors


def missing_map(result: Result, **options: Unpack[Options]) -> Any:
    """Which officer gave, could not give, left blank or was not asked for which rating; a panel per case,
    beyond three cases a row.

    Parameters
    ----------
    result : Result
        By rater, case and factor; coefficient ``given`` with ``unable_to_rate, not_given, not_asked`` and the
        number of ``officers`` in ``parts``, as :func:`arms_irr.analysis.distributions.cells_map` gives it: a
        column of the picture is one officer, or several alike with their shares.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    from matplotlib.patches import Patch

    result = chosen(result, "rater", "case", "factor", coefficient="given")
    look = Look.of(result, options)
    if not any(row.estimate.estimable for row in result):
        return nothing_to_show(look, result)
    officers, cases = values(result, "rater"), values(result, "case")
    cells: _Cells = {}
    for row in result:
        shares = {"given": row.estimate.value, **row.estimate.parts}
        cells.setdefault((row["case"], row["factor"]), {})[row["rater"]] = shares
    occurring = [state for state in _STATES if any(cell.get(state, 0) for field in cells.values() for cell in field.values())]
    total = sum(int(row.estimate.parts.get("officers", 1)) for row in {row["rater"]: row for row in result}.values())
    xlabel = f"{total:,} officers, a column each" if total == len(officers) else (
        f"{total:,} officers in {len(officers)} columns, those who gave least on the left"
    )
    factors = values(result, "factor")
    compact = len(cases) > _PANELS
    rows = [(case, label(look.name(case), look.characters)) for case in cases] if compact else factor_rows(factors, look)
    with drawing():
        layout = Layout(
            look,
            rows,
            max(0.2, 0.036 * len(factors) + 0.06) if compact else 0.17,
            [""] if compact else [look.name(case) for case in cases],
            1 if compact else len(cases),
            xlabel + ("; in each case a line per factor, in the instrument's order" if compact else ""),
            tick_lines=0,
        )
        fine = compact or layout.wide / len(officers) < 0.05  # too fine for gaps and hatches
        styles = {state: _STATES[state][1] for state in occurring}
        if fine and "unable_to_rate" in styles:
            styles["unable_to_rate"] = {"facecolor": "#8c959c", "linewidth": 0}
        keys = [Patch(**{"edgecolor": QUIET} | styles[state], label=_STATES[state][0]) for state in occurring]
        figure, axes = panels(replace(layout, legend=keys))
        for ax in axes:
            ax.set_xlim(0, len(officers))
            ax.set_xticks([])
            ax.tick_params(length=0)
            ax.spines[:].set_visible(False)
        lines = _stripes(axes[0], layout, cells, factors) if compact else _rows(axes, layout, cells, cases)
        for state in occurring:
            _fields(lines, state, styles[state], officers, 0.0 if fine else 0.06)
    return figure


@dataclass(frozen=True)
class _Stripe:
    """One factor of one case: where it lies, and the shares of every state by officer."""

    ax: Any
    middle: float
    thick: float
    field: Mapping[str, Mapping[str, float]]


def _rows(axes: Sequence[Any], layout: Layout, cells: _Cells, cases: Sequence[str]) -> list[_Stripe]:
    """A panel per case, a row per factor."""
    return [
        _Stripe(ax, middle, 0.8 * layout.row_height, cells.get((case, factor), {}))
        for ax, case in zip(axes, cases, strict=True)
        for (factor, _), middle in zip(layout.rows, layout.places, strict=True)
        if factor is not None
    ]


def _stripes(ax: Any, layout: Layout, cells: _Cells, factors: Sequence[str]) -> list[_Stripe]:
    """One panel, a row per case with a stripe for every factor."""
    stripes = []
    for (case, _), middle, high in zip(layout.rows, layout.places, layout.row_heights, strict=True):
        thick = (high - 0.06) / len(factors)
        for number, factor in enumerate(factors):
            place = middle - high / 2 + 0.03 + (number + 0.5) * thick
            stripes.append(_Stripe(ax, place, 0.9 * thick, cells.get((case or "", factor), {})))
    return stripes


def _fields(stripes: Sequence[_Stripe], state: str, style: Mapping[str, Any], officers: Sequence[str], gap: float) -> None:
    """All of one state, as one drawn element per panel: a field for each officer, or an outline along each row."""
    from matplotlib.collections import PolyCollection

    if state == "not_asked":
        return
    before = list(_STATES)[: list(_STATES).index(state)]
    polygons: dict[Any, list[list[tuple[float, float]]]] = {}
    for stripe in stripes:
        shares = [stripe.field.get(officer, {}) for officer in officers]
        tops = [stripe.middle + stripe.thick * (sum(share.get(other, 0.0) for other in before) - 0.5) for share in shares]
        ends = [top + stripe.thick * share.get(state, 0.0) for top, share in zip(tops, shares, strict=True)]
        own = polygons.setdefault(stripe.ax, [])
        if gap:
            own += [
                [(x + gap, top), (x + 1 - gap, top), (x + 1 - gap, end), (x + gap, end)]
                for x, (top, end) in enumerate(zip(tops, ends, strict=True)) if end > top
            ]  # fmt: skip
        elif any(end > top for top, end in zip(tops, ends, strict=True)):
            along = [(x + k, top) for x, top in enumerate(tops) for k in (0, 1)]
            own.append(along + [(x + k, end) for x, end in enumerate(ends) for k in (0, 1)][::-1])
    for ax, own in polygons.items():
        ax.add_collection(PolyCollection(own, **style, snap=False))


_TALLEST, _NUMBER = 0.2, 0.135  # inches of the tallest column of a small multiple, and of the number above it


def camps(result: Result, **options: Unpack[Options]) -> Any:
    """How many officers chose each category, for every factor and case, and where they form two camps.

    Parameters
    ----------
    result : Result
        By factor, any further columns (case ...) and ``verdict``, as :func:`arms_irr.analysis.camps.camps` gives it:
        ``parts`` hold ``share_0, share_1 ...`` of each category, the lowest first. A panel for each combination of the
        further columns, beyond three a column with shares and no numbers. Framed: the verdict "two camps".
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    chosen(result, "factor", "verdict")
    look = Look.of(result, options)
    further = [by for by in result.by if by not in ("factor", "verdict")]
    groups = list(dict.fromkeys(tuple(row[by] for by in further) for row in result))
    found = {(tuple(row[by] for by in further), row["factor"]): row for row in result if "share_0" in row.estimate.parts}
    if not found:
        return nothing_to_show(look, result)
    compact = len(groups) > _PANELS
    # Without room for numbers cells are compared by eye: shares, because not every officer rates every case.
    bars = {key: [share * (1 if compact else row.estimate.n_ratings) for share in _shares(row)] for key, row in found.items()}
    most = max(max(cell) for cell in bars.values())
    categories = _categories(max(len(cell) for cell in bars.values()), look)
    framed = any(row["verdict"] == "two camps" for row in found.values())
    names = [label(look.names_of(group), 34, 1) for group in groups]
    with drawing():
        layout = Layout(
            look,
            factor_rows(values(result, "factor"), look),
            _TALLEST + (0.06 if compact else _NUMBER + 0.1),
            [""] if compact else [look.names_of(group) for group in groups],
            1 if compact else len(groups),
            ("Share" if compact else "Number") + " of officers who chose each category" + ("; framed: two camps" if framed else ""),
            tick_lines=math.ceil(max(text_width(name) for name in names) / LINE) if compact else 1,
            legend=_category_keys(categories, framed),
        )
        figure, axes = panels(layout)
        width = len(categories) + (0.8 if compact else 0.2)
        for ax in axes:
            ax.set_xlim(-0.6, width * (len(groups) if compact else 1) - 0.6)
            ax.tick_params(axis="x", length=0)
            ax.spines["bottom"].set_visible(False)
            if compact:
                ax.set_xticks([width * number + (len(categories) - 1) / 2 for number in range(len(groups))], names, rotation=90)
            else:
                ax.set_xticks(range(len(categories)), [short for _, short, _ in categories])
        for number, group in enumerate(groups):
            ax, left = (axes[0], width * number) if compact else (axes[number], 0.0)
            for (factor, _), middle, high in zip(layout.rows, layout.places, layout.row_heights, strict=True):
                if factor is not None and (group, factor) in found:
                    columns = [(bar / most, style) for bar, (*_, style) in zip(bars[group, factor], categories, strict=False)]
                    ground = middle + (_TALLEST / 2 if compact else high / 2 - 0.045)
                    _columns(ax, left, ground, columns, 0 if compact else most, found[group, factor]["verdict"] == "two camps")
    return figure


def _shares(row: Row) -> list[float]:
    """The share of each category, the lowest first."""
    return [row.estimate.parts[f"share_{k}"] for k in range(len(row.estimate.parts)) if f"share_{k}" in row.estimate.parts]


def _categories(count: int, look: Look) -> list[tuple[str, str, dict[str, Any]]]:
    """Every category with a short form and its style, light to dark; numbers where no instrument has as many."""
    scales = list(look.instrument.scales.values()) if look.instrument else []
    known = next(((scale.categories, scale.short) for scale in scales if len(scale.categories) == count), None)
    names, short = known or ([str(k + 1) for k in range(count)], ())
    styles = [{"facecolor": colour, "linewidth": 0} for colour in ramp(count)]
    return [(name, label(s, 4, 1), style) for name, s, style in zip(names, short or names, styles, strict=True)]


def _category_keys(categories: Sequence[tuple[str, str, dict[str, Any]]], framed: bool) -> list[Any]:
    from matplotlib.patches import Patch

    keys = [Patch(**style | {"edgecolor": "#8c959c", "linewidth": 0.4}, label=label(category)) for category, _, style in categories]
    return [*keys, Patch(facecolor="none", edgecolor=LOWER, linewidth=1.4, label="Two camps")] if framed else keys


def _columns(ax: Any, left: float, ground: float, bars: Sequence[tuple[float, dict[str, Any]]], most: float, marked: bool) -> None:
    """A small column chart that stands on ``ground``; the y axis goes down. Numbers where ``most`` says what 1 is."""
    for x, (share, style) in enumerate(bars):
        if math.isnan(share):
            continue
        high = _TALLEST * share
        box(ax, left + x - 0.4, ground, 0.8, -high, **style)
        if most:
            count = f"{most * share:.0f}"
            ax.text(left + x, ground - high - 0.015, count, ha="center", va="bottom", color=INK if share else QUIET, size=SIZE)
    ax.plot([left - 0.5, left + len(bars) - 0.5], [ground, ground], color=QUIET, linewidth=0.6, zorder=3)
    if marked:
        tall = _TALLEST + (_NUMBER if most else 0.0)
        frame = {"fill": False, "edgecolor": LOWER, "linewidth": 1.4, "clip_on": False, "zorder": 5}
        box(ax, left - 0.55, ground - tall - 0.025, len(bars) + 0.1, tall + 0.05, **frame)
