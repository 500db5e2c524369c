"""Pictures of estimates with their intervals: agreement with gold, coefficients, officers in a funnel."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

from arms_irr.analysis.result import Result
from arms_irr.instruments.model import Instrument
from arms_irr.plots.style import (
    FAINT,
    INK,
    QUIET,
    SERIES,
    Layout,
    combinations,
    drawing,
    factor_rows,
    label,
    name,
    panels,
    values,
)
from arms_irr.statistics.estimate import Estimate

__all__ = ["coefficients", "funnel", "gold_agreement"]


def gold_agreement(
    result: Result,
    pooled: Result | None = None,
    *,
    coefficient: str = "exact",
    sort_by: str | None = None,
    instrument: Instrument | None = None,
    names: Mapping[str, str] | None = None,
    title: str = "",
    synthetic: bool = False,
    figure: Any = None,
) -> Any:
    """Agreement with the gold standard: a dot and its interval per factor and case.

    Parameters
    ----------
    result : Result
        By factor and one further column (case or risk_band).
    pooled : Result, optional
        By that further column: the value over all factors, drawn as a line in the band of its interval.
    sort_by : str, optional
        The case that orders the factors, best first; the last one unless given (the higher-risk case).
    instrument : Instrument, optional
        Gives the factors their labels and sets risk and protective factors apart.
    names : mapping, optional
        Labels of cases.
    """
    result = result.where(coefficient)
    column = next(by for by in result.by if by != "factor")
    cases = values(result, column)
    found = {(row["factor"], row[column]): row.estimate for row in result}
    bands = {row[column]: row.estimate for row in (pooled.where(coefficient) if pooled else ())}
    key = cases[-1] if sort_by is None else sort_by

    def height(factor: str) -> float:
        value = found[factor, key].value if (factor, key) in found else math.nan
        return -math.inf if math.isnan(value) else value

    rows = factor_rows(sorted(values(result, "factor"), key=height, reverse=True), instrument)
    series = [
        (name(names, case), [found.get((factor, case)) for factor, _ in rows], bands.get(case))
        for case in cases
    ]
    xlabel = "Percentage of ratings, with interval" + (
        "; line and band: all factors together" if bands else ""
    )
    with drawing():
        layout = Layout(rows, xlabel=xlabel, title=title, synthetic=synthetic)
        return _dots(layout, series, (0.0, 1.0), 100, figure)


def coefficients(
    result: Result,
    *,
    names: Mapping[str, str] | None = None,
    title: str = "",
    synthetic: bool = False,
    figure: Any = None,
) -> Any:
    """Coefficients of agreement side by side, each with its interval, per case or other group.

    Parameters
    ----------
    result : Result
        By any columns; each combination of their values is a series.
    names : mapping, optional
        Labels of coefficients and groups.
    """
    groups = combinations(result, result.by)
    kinds = list(dict.fromkeys((row.coefficient, row.estimate.weights) for row in result))
    found = {
        (tuple(row[by] for by in result.by), row.coefficient, row.estimate.weights): row.estimate
        for row in result
    }
    series = [
        (", ".join(name(names, part) for part in group), [found.get((group, *kind)) for kind in kinds], None)
        for group in groups
    ]
    rows = [name(names, c) + (f" ({name(names, weights)})" if weights else "") for c, weights in kinds]
    low = min([0.0, *(limit for e in found.values() for limit in (e.value, e.ci_low) if limit < 0)])
    with drawing():
        layout = Layout(
            [(row, label(row)) for row in rows],
            xlabel="Coefficient, with interval",
            title=title,
            synthetic=synthetic,
        )
        return _dots(layout, series, (max(-1.0, low), 1.0), 1, figure)


def _dots(
    layout: Layout,
    series: Sequence[tuple[str, Sequence[Estimate | None], Estimate | None]],
    limits: tuple[float, float],
    scale: int,
    figure: Any,
) -> Any:
    """Series (name, an estimate per row, a pooled one): up to four share each row, more get a panel each."""
    from matplotlib.lines import Line2D

    heads = [head for head, *_ in series]
    together = len(series) <= len(SERIES)
    if together and len(series) > 1:
        keys = [
            Line2D([], [], color=colour, marker=marker, markersize=4.5, linewidth=1.2, label=label(head, 60))
            for head, (colour, marker) in zip(heads, SERIES, strict=False)
        ]
        layout = replace(layout, legend=keys, row_height=max(0.2, 0.11 * len(series) + 0.08))
    else:
        layout = replace(layout, heads=heads, columns=min(3, len(heads)))
    figure, axes = panels(layout, figure)
    steps = (-1, -0.5, 0, 0.25, 0.5, 0.75, 1) if together else (-1, -0.5, 0, 0.5, 1)
    ticks = [tick for tick in steps if limits[0] <= tick <= limits[1]]
    for ax in axes:
        ax.set_xlim(limits[0] - 0.02, limits[1] + 0.02)
        ax.set_xticks(ticks, [f"{scale * tick:g}".replace("-", "−") for tick in ticks])
        ax.grid(axis="x")
        ax.axvline(0, color=QUIET, linewidth=0.8)
        for middle, high in zip(layout.places[1:], layout.row_heights[1:], strict=True):
            ax.axhline(middle - high / 2, color=FAINT, linewidth=0.4, zorder=0)
    for number, (_, estimates, pooled) in enumerate(series):
        ax = axes[0] if together else axes[number]
        colour, marker = SERIES[number if together else 0]
        offset = (number - (len(series) - 1) / 2) * 0.11 if together else 0.0
        if pooled is not None:
            _band(ax, pooled, colour)
        for y, estimate in zip(layout.places, estimates, strict=True):
            if estimate is not None:
                _dot(ax, y + offset, estimate, colour, marker)
    return figure


def _dot(ax: Any, y: float, estimate: Estimate, colour: str, marker: str) -> None:
    if math.isnan(estimate.value):
        ax.text(0.01, y, "n/a", va="center", color=colour)
        return
    ax.plot([estimate.ci_low, estimate.ci_high], [y, y], color=colour, linewidth=1.2, solid_capstyle="butt")
    ax.plot(
        estimate.value,
        y,
        marker,
        color=colour,
        markersize=4.5,
        markeredgecolor="white",
        markeredgewidth=0.4,
        zorder=4,
    )


def _band(ax: Any, estimate: Estimate, colour: str) -> None:
    if not math.isnan(estimate.ci_low):
        ax.axvspan(estimate.ci_low, estimate.ci_high, color=colour, alpha=0.1, linewidth=0, zorder=0)
    if not math.isnan(estimate.value):
        ax.axvline(estimate.value, color=colour, linewidth=1, linestyle=(0, (4, 3)), zorder=1)


def funnel(
    result: Result,
    pooled: Estimate,
    limits: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    *,
    coefficient: str = "exact",
    title: str = "",
    synthetic: bool = False,
    figure: Any = None,
) -> Any:
    """Each officer's agreement against the number of ratings, inside the limits that chance alone would draw.

    Parameters
    ----------
    result : Result
        By rater. No names are shown.
    pooled : Estimate
        Agreement of all officers together.
    limits : mapping
        Under the name for the legend ("95 % limits"): numbers of ratings, lower and upper shares.
    """
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator

    dots = Counter(
        (row.estimate.n_ratings, row.estimate.value)
        for row in result.where(coefficient)
        if row.estimate.estimable
    )
    dash = dict(zip(limits, cycle(((0, (5, 2)), (0, (1.5, 2)))), strict=False))
    dot = {"color": SERIES[0][0], "marker": "o", "markersize": 4.5, "markeredgecolor": "white"}
    with drawing():
        keys = [
            Line2D([], [], linestyle="none", label="One officer", **dot),
            Line2D([], [], color=INK, linewidth=1, label="All officers together"),
            *(
                Line2D([], [], color=QUIET, linewidth=1, linestyle=dash[which], label=which)
                for which in limits
            ),
        ]
        ylabel = "Percentage agreeing with the gold standard"
        layout = Layout(
            (),
            xlabel="Number of ratings given",
            ylabel=ylabel,
            height=3.0,
            legend=keys,
            title=title,
            synthetic=synthetic,
        )
        figure, (ax,) = panels(layout, figure)
        ax.axhline(pooled.value, color=INK, linewidth=1)
        for which, (n, low, high) in limits.items():
            ax.plot(n, low, n, high, color=QUIET, linewidth=1, linestyle=dash[which])
        for (n, value), count in dots.items():
            for k in range(count):  # equal officers stand side by side
                aside = _aside(ax, 5 * (k - (count - 1) / 2))
                ax.plot(n, value, transform=aside, markeredgewidth=0.4, zorder=4, clip_on=False, **dot)
        ax.set_ylim(-0.02, 1.02)
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
        low, high = ax.get_xlim()
        ticks = MaxNLocator(8, integer=True).tick_values(low, high)
        ax.set_xticks([tick for tick in ticks if low <= tick <= high])
        ax.grid(axis="y")
    return figure


def _aside(ax: Any, points: float) -> Any:
    from matplotlib.transforms import ScaledTranslation

    return ax.transData + ScaledTranslation(points / 72, 0, ax.figure.dpi_scale_trans)
