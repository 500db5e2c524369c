"""Pictures of officers: each against chance, and each from the lower- to the higher-risk case."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, Unpack

from arms_irr.analysis.result import Result
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
    label,
    values,
)
from arms_irr.statistics.estimate import Estimate

__all__ = ["funnel", "slopes"]

MANY = 60  # officers beyond whom each is no longer drawn alone


def funnel(
    result: Result,
    pooled: Estimate,
    limits: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    *,
    coefficient: str = "exact",
    **options: Unpack[Options],
) -> Any:
    """Each officer's agreement against the number of ratings, inside the limits that chance alone would draw.

    Parameters
    ----------
    result : Result
        By rater. No names are shown. Beyond 60 officers the area of a dot says how many stand there.
    pooled : Estimate
        Agreement of all officers together.
    limits : mapping
        Under the name for the legend ("95 % limits"): numbers of ratings, lower and upper shares.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    from matplotlib.lines import Line2D

    result = chosen(result, "rater", coefficient=coefficient)
    look = Look.of(result, options)
    dots = Counter((row.estimate.n_ratings, row.estimate.value) for row in result if row.estimate.estimable)
    if not dots:
        return nothing_to_show(look, result)
    dash = dict(zip(limits, cycle(((0, (5, 2)), (0, (1.5, 2)))), strict=False))
    dot = {"color": SERIES[0][0], "marker": "o", "markersize": 4.5, "markeredgecolor": "white"}
    many = sum(dots.values()) > MANY
    with drawing():
        keys = [
            Line2D([], [], linestyle="none", label="Officers: the larger, the more" if many else "One officer", **dot),
            Line2D([], [], color=INK, linewidth=1, label="All officers together"),
            *(Line2D([], [], color=QUIET, linewidth=1, linestyle=dash[which], label=which) for which in limits),
        ]
        ylabel = "Percentage agreeing with the gold standard"
        layout = Layout(look, xlabel="Number of ratings given", ylabel=ylabel, height=3.0, left=0.2, legend=keys)
        figure, (ax,) = panels(layout)
        ax.axhline(pooled.value, color=INK, linewidth=1)
        for which, (sizes, low, high) in limits.items():
            ax.plot(sizes, low, sizes, high, color=QUIET, linewidth=1, linestyle=dash[which])
        if many:
            most = max(dots.values())
            areas = [10 + 110 * count / most for count in dots.values()]
            ax.scatter(*zip(*dots, strict=True), s=areas, color=SERIES[0][0], alpha=0.7, edgecolor="white", linewidth=0.4, zorder=4, clip_on=False)
        for (n, value), count in () if many else dots.items():
            for k in range(count):  # equal officers stand side by side
                aside = _aside(ax, 5 * (k - (count - 1) / 2))
                ax.plot(n, value, transform=aside, markeredgewidth=0.4, zorder=4, clip_on=False, **dot)
        ax.set_ylim(-0.02, 1.02)
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
        across = [*(n for n, _ in dots), *(n for sizes, *_ in limits.values() for n in sizes)]
        ax.set_xlim(min(across) - 0.7, max(across) + 0.7)
        _whole_ticks(ax, layout.wide)
        ax.grid(axis="y")
    return figure


def _whole_ticks(ax: Any, wide: float) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = ax.get_xlim()
    ticks = MaxNLocator(max(3, int(wide / 0.65)), integer=True).tick_values(low, high)
    ax.set_xticks([tick for tick in ticks if low <= tick <= high])


def _aside(ax: Any, points: float) -> Any:
    from matplotlib.transforms import ScaledTranslation

    return ax.transData + ScaledTranslation(points / 72, 0, ax.figure.dpi_scale_trans)


def slopes(result: Result, pooled: Result | None = None, *, coefficient: str = "exact", **options: Unpack[Options]) -> Any:
    """Every officer from the lower- to the higher-risk case, and the officers together as a bold line on top.

    Parameters
    ----------
    result : Result
        By rater, risk_band (or another column of conditions) and at most one further column, which gives each
        of its values a panel. Beyond 60 officers in a panel bands stand for them: the middle half and the
        middle nine tenths of the officers.
    pooled : Result, optional
        By the same columns without rater: the value of all officers together, with its interval.
    coefficient : str
        A share such as ``exact`` is drawn in per cent, ``mean_signed_error`` in steps around zero.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    found = chosen(result, "rater", coefficient=coefficient)
    look = Look.of(result, options)
    if not any(row.estimate.estimable for row in found) or len(result.by) < 2:
        return nothing_to_show(look, found)
    column = "risk_band" if "risk_band" in result.by else next(by for by in result.by if by != "rater")
    further = [by for by in result.by if by not in ("rater", column)]
    groups, conditions = combinations(found, further), values(found, column)
    officers: dict[tuple[str, ...], dict[str, list[float]]] = {group: {} for group in groups}
    for row in found:
        line = officers[tuple(row[by] for by in further)].setdefault(row["rater"], [math.nan] * len(conditions))
        line[conditions.index(row[column])] = row.estimate.value
    means = {
        (tuple(row[by] for by in further), row[column]): row.estimate
        for row in (chosen(pooled, column, *further, coefficient=coefficient) if pooled else ())
    }
    steps = coefficient == "mean_signed_error"
    ends = [row.estimate.value for row in found if row.estimate.estimable]
    words = [label(look.names_of([c]), 14, 2) for c in conditions]
    with drawing():
        layout = Layout(
            look,
            height=2.9,
            left=0.2,
            heads=[look.names_of(group) for group in groups],
            columns=min(3, len(groups)),
            ylabel=look.quantity(coefficient),
            xlabel=_slopes_note(officers.values(), bool(means)),
            tick_lines=max(text.count("\n") + 1 for text in words),
        )  # fmt: skip
        figure, axes = panels(layout)
        for ax, group in zip(axes, groups, strict=True):
            _conditions(ax, words, (min(ends), max(ends)) if steps else None)
            lines = list(officers[group].values())
            (_quantile_bands if len(lines) > MANY else _officer_lines)(ax, lines)
            _together(ax, [means.get((group, c)) for c in conditions], 1 if steps else 100)
    return figure


def _slopes_note(panels_: Any, mean: bool) -> str:
    most = max(len(lines) for lines in panels_)
    each = "Bands: the middle half and nine tenths of the officers" if most > MANY else "Each thin line is one officer (thicker: several alike)"
    return each + ("; bold: all officers, with interval" if mean else "")


def _conditions(ax: Any, names: Sequence[str], steps: tuple[float, float] | None) -> None:
    ax.set_xlim(-0.55, len(names) - 0.45)
    ax.set_xticks(range(len(names)), names)
    ax.tick_params(axis="x", length=0)
    for x in range(len(names)):
        ax.axvline(x, color=FAINT, linewidth=0.8, zorder=0)
    if steps is None:
        ax.set_ylim(-0.03, 1.03)
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
        return
    from matplotlib.ticker import MaxNLocator

    low, high = min(steps[0], 0), max(steps[1], 0)
    room = 0.05 * (high - low) or 0.5
    ax.set_ylim(low - room, high + room)
    ticks = [tick for tick in MaxNLocator(5).tick_values(low, high) if low - room <= tick <= high + room]
    ax.set_yticks(ticks, [f"{tick:+g}".replace("-", "−") if tick else "0" for tick in ticks])
    ax.axhline(0, color=QUIET, linewidth=0.8, zorder=0)


def _officer_lines(ax: Any, lines: Sequence[Sequence[float]]) -> None:
    """Officers of the same values share a line, thicker for each more of them."""
    for line, count in Counter(tuple(round(value, 9) for value in line) for line in lines).items():
        width = 0.7 + 0.5 * math.sqrt(count - 1)
        ax.plot(range(len(line)), line, color="#8c959c", linewidth=width, marker="o", markersize=2 + width, markeredgewidth=0, zorder=2)


def _quantile_bands(ax: Any, lines: Sequence[Sequence[float]]) -> None:
    import numpy as np

    shares = np.array(lines)
    x = np.flatnonzero(~np.isnan(shares).all(axis=0))
    low, first, middle, third, high = np.nanquantile(shares[:, x], (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
    for lower, upper, colour in ((low, high, "#e3e7ea"), (first, third, "#b9c1c7")):
        ax.fill_between(x, lower, upper, color=colour, linewidth=0, zorder=1)
    ax.plot(x, middle, color="#8c959c", linewidth=1, zorder=2)


def _together(ax: Any, means: Sequence[Estimate | None], scale: int) -> None:
    """The bold line, its intervals, and its values written beside both ends."""
    from matplotlib.patheffects import withStroke

    known = [(x, e) for x, e in enumerate(means) if e is not None and e.estimable]
    colour = SERIES[0][0]
    ax.plot([x for x, _ in known], [e.value for _, e in known], color="white", linewidth=4.5, zorder=3)
    ax.plot([x for x, _ in known], [e.value for _, e in known], color=colour, linewidth=2.6, marker="o", markersize=6, zorder=4)
    for x, e in known:
        ax.plot([x, x], [e.ci_low, e.ci_high], color="white", linewidth=4, zorder=3, solid_capstyle="butt")
        ax.plot([x, x], [e.ci_low, e.ci_high], color=colour, linewidth=1.8, zorder=4, solid_capstyle="butt")
        if x not in (0, len(means) - 1):
            continue
        side = 1 if x else -1
        text = f"{scale * e.value:.0f}" if scale == 100 else f"{e.value:+.2f}".replace("-", "−")
        ax.annotate(
            text, (x, e.value), (side * 7, 0), textcoords="offset points", ha="left" if side > 0 else "right", va="center",
            weight="bold", color=colour, size=9, zorder=5, path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip
