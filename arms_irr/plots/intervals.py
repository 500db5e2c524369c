"""Pictures of estimates with their intervals: agreement with gold, coefficients, contrasts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

from arms_irr.analysis.result import Result
from arms_irr.analysis.titles import TITLES
from arms_irr.plots.layout import Layout, nothing_to_show, panels
from arms_irr.plots.style import (
    FAINT,
    INK,
    QUIET,
    SERIES,
    Look,
    Options,
    chosen,
    combinations,
    drawing,
    factor_rows,
    label,
    text_width,
    values,
)
from arms_irr.statistics.estimate import Estimate

__all__ = ["coefficients", "contrasts", "gold_agreement"]


def gold_agreement(
    result: Result,
    pooled: Result | None = None,
    *,
    coefficient: str = "exact",
    sort_by: str | None = None,
    **options: Unpack[Options],
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
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    result = chosen(result, "factor", coefficient=coefficient)
    look = Look.of(result, options)
    if not any(row.estimate.estimable for row in result):
        return nothing_to_show(look, result)
    column = next((by for by in result.by if by != "factor"), "factor")
    found = {(row["factor"], row[column] if column != "factor" else ""): row.estimate for row in result}
    cases = list(dict.fromkeys(case for _, case in found))
    bands = {row[column]: row.estimate for row in (pooled.where(coefficient) if pooled else ())}
    key = cases[-1] if sort_by is None else sort_by

    def height(factor: str) -> float:
        value = found[factor, key].value if (factor, key) in found else math.nan
        return -math.inf if math.isnan(value) else value

    rows = factor_rows(sorted(values(result, "factor"), key=height, reverse=True), look)
    series = [(look.name(case), [found.get((factor or "", case)) for factor, _ in rows], bands.get(case)) for case in cases]
    xlabel = "Percentage of ratings, with interval" + ("; line and band: all factors together" if bands else "")
    with drawing():
        return _dots(Layout(look, rows, xlabel=xlabel), series, (0.0, 1.0), 100)


def coefficients(result: Result, **options: Unpack[Options]) -> Any:
    """Coefficients of agreement side by side, each with its interval, per case or other group.

    Parameters
    ----------
    result : Result
        By any columns; each combination of their values is a series.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    look = Look.of(result, options)
    if not any(row.estimate.estimable for row in result):
        return nothing_to_show(look, result)
    groups = combinations(result, result.by)
    kinds = list(dict.fromkeys((row.coefficient, row.estimate.weights) for row in result))
    found = {
        (tuple(row[by] for by in result.by), row.coefficient, row.estimate.weights): row.estimate
        for row in result
    }
    series = [(look.names_of(group), [found.get((group, *kind)) for kind in kinds], None) for group in groups]
    rows = [look.statistic(c) + (f" ({look.name(weights)})" if weights else "") for c, weights in kinds]
    low = min([0.0, *(limit for e in found.values() for limit in (e.value, e.ci_low) if limit < 0)])
    with drawing():
        layout = Layout(look, [(row, label(row, look.characters)) for row in rows], xlabel="Coefficient, with interval")
        return _dots(layout, series, (max(-1.0, low), 1.0), 1)


def _dots(
    layout: Layout, series: Sequence[tuple[str, Sequence[Estimate | None], Estimate | None]], limits: tuple[float, float], scale: int
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
    figure, axes = panels(layout)
    steps = (-1, -0.5, 0, 0.25, 0.5, 0.75, 1) if together and layout.wide > 2 else (-1, -0.5, 0, 0.5, 1)
    ticks = [tick for tick in steps if limits[0] <= tick <= limits[1]]
    for ax in axes:
        ax.set_xlim(limits[0] - 0.02, limits[1] + 0.02)
        ax.set_xticks(ticks, [f"{scale * tick:g}".replace("-", "−") for tick in ticks])
        _ground(ax, layout)
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


def _ground(ax: Any, layout: Layout) -> None:
    """The grid, the line at zero and faint lines between the rows."""
    ax.grid(axis="x")
    ax.axvline(0, color=QUIET, linewidth=0.8)
    for middle, high in zip(layout.places[1:], layout.row_heights[1:], strict=True):
        ax.axhline(middle - high / 2, color=FAINT, linewidth=0.4, zorder=0)


def _dot(ax: Any, y: float, estimate: Estimate, colour: str, marker: str) -> None:
    if math.isnan(estimate.value):
        ax.annotate("n/a", (0, y), (3, 0), textcoords="offset points", va="center", color=colour)
        return
    ax.plot([estimate.ci_low, estimate.ci_high], [y, y], color=colour, linewidth=1.2, solid_capstyle="butt")
    ax.plot(
        estimate.value, y, marker, color=colour, markersize=4.5, markeredgecolor="white", markeredgewidth=0.4, zorder=4, clip_on=False
    )


def _band(ax: Any, estimate: Estimate, colour: str) -> None:
    if not math.isnan(estimate.ci_low):
        ax.axvspan(estimate.ci_low, estimate.ci_high, color=colour, alpha=0.1, linewidth=0, zorder=0)
    if not math.isnan(estimate.value):
        ax.axvline(estimate.value, color=colour, linewidth=1, linestyle=(0, (4, 3)), zorder=1)


# Unit of a difference: times what, decimals, axis. A statistic without a title is taken for a share.
_UNITS = {
    "points": (100, 0, "Difference in percentage points, with interval"),
    "steps": (1, 2, "Difference in steps of the scale, with interval"),
    "coefficient": (1, 2, "Difference between coefficients, with interval"),
}


def _unit(coefficient: str) -> str:
    unit = TITLES[coefficient].unit if coefficient in TITLES else "share"
    return "points" if unit == "share" else unit if unit in _UNITS else "coefficient"


def contrasts(result: Result, *, coefficient: str | None = None, **options: Unpack[Options]) -> Any:
    """Differences and their intervals around zero, with the numbers written beside them.

    Parameters
    ----------
    result : Result
        By any columns, which name the contrasts. Differences of shares are written in percentage points. Rows
        that are no difference (the levels compared) are left out.
        ``parts["p_holm"]`` or else ``parts["p"]``, where there is one, follows.
    coefficient : str, optional
        The one to draw; all that have the unit of the first unless given.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    found = chosen(result, coefficient=coefficient)
    look = Look.of(result, options)
    if not any(row.estimate.estimable for row in found):
        return nothing_to_show(look, found)
    # The levels that are compared stand in the same result, under the names of their statistics.
    differences = [row for row in found if row.coefficient.split("_")[0] in ("difference", "interaction")] or list(found)
    unit = _unit(differences[0].coefficient)
    lines = [row for row in differences if _unit(row.coefficient) == unit]
    if not any(row.estimate.estimable for row in lines):
        return nothing_to_show(look, replace(found, rows=tuple(lines)))
    columns = [by for by in found.by if by != "contrast" or "level" not in found.by]  # the level says both
    words = [look.names_of(row[by] for by in columns if row[by]) for row in lines]
    if len(set(words)) < len(words):
        words = [f"{text}: {look.statistic(row.coefficient)}" for text, row in zip(words, lines, strict=True)]
    scale, decimals, xlabel = _UNITS[unit]
    texts = [_difference(row.estimate, scale, decimals) for row in lines]
    with drawing():
        rows = [(text, label(text, look.characters + 4)) for text in words]
        narrow = look.width <= 5  # no room for the numbers beside the lines
        right = 0.15 if narrow else 0.3 + max(text_width(text) for text in texts)
        layout = Layout(look, rows, 0.24, xlabel=xlabel, right=right)
        figure, (ax,) = panels(layout)
        _ground(ax, layout)
        for y, row, text in zip(layout.places, lines, texts, strict=True):
            _dot(ax, y, row.estimate, *SERIES[0])
            if not narrow:
                ax.annotate(text, (1, y), (8, 0), ax.get_yaxis_transform(), textcoords="offset points", va="center", annotation_clip=False)
        reach = 1.08 * max(abs(x) for row in lines for x in (row.estimate.value, row.estimate.ci_low, row.estimate.ci_high) if not math.isnan(x))
        ax.set_xlim(-reach or -1, reach or 1)
        ax.axvline(0, color=INK, linewidth=0.9, zorder=1)
        _signed_ticks(ax, scale)
    return figure


def _difference(estimate: Estimate, scale: int, decimals: int) -> str:
    """A difference as it stands beside its line: "−13 (−22 to −4), p 0.012"."""
    if not estimate.estimable:
        return ""
    text = f"{scale * estimate.value:+.{decimals}f}"
    if not math.isnan(estimate.ci_low):
        text += f" ({scale * estimate.ci_low:+.{decimals}f} to {scale * estimate.ci_high:+.{decimals}f})"
    p = estimate.parts.get("p_holm", estimate.parts.get("p", math.nan))
    text += "" if math.isnan(p) else ", p < 0.001" if p < 0.001 else f", p {p:.3f}"
    return text.replace("-", "−")


def _signed_ticks(ax: Any, scale: int) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = ax.get_xlim()
    ticks = [tick / scale for tick in MaxNLocator(6).tick_values(scale * low, scale * high) if low <= tick / scale <= high]
    ax.set_xticks(ticks, [f"{scale * tick:+.4g}".replace("-", "−") if round(scale * tick, 9) else "0" for tick in ticks])
