"""Pictures made of tiles: gold standard against rating, and every officer against every other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Unpack

from arms_irr.analysis.result import Result
from arms_irr.plots.layout import Layout, nothing_to_show, panels
from arms_irr.plots.style import (
    FAINT,
    QUIET,
    SIZE,
    UNABLE,
    Look,
    Options,
    box,
    chosen,
    combinations,
    drawing,
    gradient,
    label,
    on,
    text_width,
    values,
)

__all__ = ["confusion", "rater_heatmap"]


def confusion(result: Result, **options: Unpack[Options]) -> Any:
    """Tiles of gold standard against rating: counts and shares of each gold row; a panel per further group.

    Parameters
    ----------
    result : Result
        By gold, rating and up to two further columns (kind, risk_band); coefficients ``count`` and ``share``.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    chosen(result, "gold", "rating")
    look = Look.of(result, options)
    if not any(row.estimate.estimable and row.estimate.value for row in result):
        return nothing_to_show(look, result)
    golds, ratings = values(result, "gold"), values(result, "rating")
    further = [by for by in result.by if by not in ("gold", "rating")]
    groups = combinations(result, further)
    found = {
        (tuple(row[by] for by in further), row["gold"], row["rating"], row.coefficient): row.estimate.value
        for row in result
    }
    with drawing():
        labels = [label(look.name(rating), 9) for rating in ratings]
        layout = Layout(
            look,
            [(gold, label(look.name(gold), 12)) for gold in golds],
            0.42,
            [look.names_of(group) for group in groups],
            min(2, len(groups)),
            "Rating given: number, and percentage of its row",
            "Gold standard",
            tick_lines=max(text.count("\n") + 1 for text in labels),
        )
        figure, axes = panels(layout)
        for ax, group in zip(axes, groups, strict=True):
            ax.set_xlim(-0.5, len(ratings) - 0.5)
            ax.set_xticks(range(len(ratings)), labels)
            ax.tick_params(length=0)
            ax.spines[:].set_visible(False)
            for y, gold in zip(layout.places, golds, strict=True):
                for x, rating in enumerate(ratings):
                    # What does not occur in this panel (a category of another scale) stays blank.
                    if (group, gold, rating, "count") in found:
                        count, share = (found.get((group, gold, rating, c), math.nan) for c in ("count", "share"))
                        _tile(ax, x, y, count, share, gold == rating)
    return figure


def _tile(ax: Any, x: int, y: float, count: float, share: float, agrees: bool) -> None:
    empty = math.isnan(share)  # the gold standard is never this category
    colour = "#f4f7f9" if empty else gradient(share)
    strong = agrees and not empty
    edge = {"edgecolor": "black" if strong else "white", "linewidth": 1.4 if strong else 1, "zorder": 3 if strong else 1}
    box(ax, x - 0.48, y - 0.2, 0.96, 0.4, facecolor=colour, **edge)
    if empty:
        text = "n/a" if math.isnan(count) else f"{count:.0f}"
        ax.text(x, y, text, ha="center", va="center", color=QUIET)
        return
    ax.text(x, y - 0.01, f"{count:.0f}", ha="center", va="bottom", weight="bold", color=on(colour), zorder=4)
    ax.text(x, y + 0.025, f"{100 * share:.0f} %", ha="center", va="top", color=on(colour), zorder=4)


_ROW, _WRITTEN = 0.13, 20  # inches of a row that can carry a name, and officers up to whom tiles carry their value


def rater_heatmap(result: Result, *, coefficient: str = "percent", officers: bool = True, **options: Unpack[Options]) -> Any:
    """Tiles of the agreement of every officer with every other, in blocks by agency, with a scale bar.

    Parameters
    ----------
    result : Result
        By two columns for the two officers (or groups of officers) of a pair, then the block of each, where
        there are blocks: ``rater, other, agency, other_agency``. Each pair once, in the order of the tiles.
    coefficient : str
        Percentages for ``percent``, values from -1 to 1 for a chance-corrected coefficient.
    officers : bool
        Whether rows carry the officers' pseudonyms, as far as they fit (about 30).
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    pairs = chosen(result, *result.by[:2], coefficient=coefficient)
    look = Look.of(result, options)
    shown = [row.estimate.value for row in pairs if row.estimate.estimable]
    if len(result.by) < 2 or not shown:
        return nothing_to_show(look, pairs)
    one, two = result.by[:2]
    blocks = {row[a]: row[b] for row in pairs for a, b in zip(result.by[:2], result.by[2:4], strict=False)}
    # A pair stands once, but both of its officers have a row and a column.
    order = list(dict.fromkeys([*(row[one] for row in pairs), *(row[two] for row in pairs)]))
    names = [label(look.name(key).removeprefix(f"{blocks.get(key)}, "), look.characters, 1) for key in order]
    scale = 100 if coefficient == "percent" else 1
    low = min(0.9, math.floor(10 * min(shown)) / 10)
    heads = [(key, len(list(run))) for key, run in groupby(order, lambda officer: blocks.get(officer, ""))]
    with drawing():
        # Blocks have their names upright, left of the officers'.
        room = look.width - 1.1 - (0.25 if blocks else 0.0)
        if not officers or (room - max(text_width(text) for text in names)) / len(order) < _ROW:
            names = [""] * len(order)
        beside = max(text_width(text) for text in names)
        left, tile = look.width - 1.1 - room + beside, min(0.42, (room - beside) / len(order))
        layout = Layout(
            look,
            height=tile * len(order),
            left=left,
            right=look.width - 0.25 - left - tile * len(order),
            xlabel="The columns are in the order of the rows" if names[0] else f"{len(order)} officers, in the same order in rows and columns",
            tick_lines=0,
        )
        figure, (ax,) = panels(layout)
        _grid(ax, pairs, order, low, scale if tile > 0.19 and len(order) <= _WRITTEN else 0)
        ax.set_yticks(range(len(order)), names)
        _blocks(ax, heads, look, beside + 0.12, tile)
        _scale_bar(ax, low, scale, layout)
    return figure


def _grid(ax: Any, pairs: Result, order: Sequence[str], low: float, write: int) -> None:
    """The tiles, one drawn element for each colour; hatched where a pair has no value."""
    from matplotlib.collections import PolyCollection

    place = {key: number for number, key in enumerate(order)}
    one, two = pairs.by[:2]
    tiles: list[tuple[int, int, float]] = []
    for row in pairs:
        i, j = place[row[one]], place[row[two]]
        tiles += [(j, i, row.estimate.value)] + ([(i, j, row.estimate.value)] if i != j else [])
    colours = [gradient((value - low) / (1 - low)) if not math.isnan(value) else "" for *_, value in tiles]
    for hatched in (False, True):
        picked = [(x, y, c) for (x, y, _), c in zip(tiles, colours, strict=True) if (not c) == hatched]
        corners = [[(x - 0.5, y - 0.5), (x + 0.5, y - 0.5), (x + 0.5, y + 0.5), (x - 0.5, y + 0.5)] for x, y, _ in picked]
        style = UNABLE if hatched else {"facecolors": [c for *_, c in picked], "edgecolors": "white", "linewidths": 0.4}
        if corners:
            ax.add_collection(PolyCollection(corners, **style))
    for (x, y, value), colour in zip(tiles, colours, strict=True):
        if write and colour and x >= y:  # once is enough, and half the ink is easier to look at
            text = f"{100 * value:.0f}" if write == 100 else f"{value:.1f}".replace("-", "−").replace("0.", ".")
            ax.text(x, y, text, ha="center", va="center_baseline", color=on(colour))
    ax.set_xlim(-0.5, len(order) - 0.5)
    ax.set_ylim(len(order) - 0.5, -0.5)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _blocks(ax: Any, heads: Sequence[tuple[str, int]], look: Look, beside: float, tile: float) -> None:
    """A line between agencies, and the name of each left of its rows."""
    start = 0
    for number, (head, count) in enumerate(heads):
        if number:
            for line in (ax.axhline, ax.axvline):
                line(start - 0.5, color="white", linewidth=5)
        middle, room = start + (count - 1) / 2, count * tile
        text = label(look.name(head), max(3, int(room / 0.08)), 1)
        if head and room > 0.25:
            ax.annotate(
                text, (-0.5, middle), (-72 * beside, 0), textcoords="offset points", rotation=90, ha="right", va="center",
                weight="bold", annotation_clip=False,
            )  # fmt: skip
        start += count


def _scale_bar(ax: Any, low: float, scale: int, layout: Layout) -> None:
    """What the colours mean: a column of shades right of the tiles."""
    high = min(1.4, 0.8 * layout.tall)
    bar = ax.inset_axes([1 + 0.2 / layout.wide, 1 - high / layout.tall, 0.14 / layout.wide, high / layout.tall])
    steps = 50
    for k in range(steps):
        bar.axhspan(low + (1 - low) * k / steps, low + (1 - low) * (k + 1) / steps, color=gradient((k + 0.5) / steps), linewidth=0)
    bar.set_xlim(0, 1)
    bar.set_ylim(low, 1)
    bar.set_xticks([])
    ticks = [low, (low + 1) / 2, 1]
    bar.yaxis.tick_right()
    bar.set_yticks(ticks, [f"{scale * tick:.3g}{' %' if scale == 100 else ''}".replace("-", "−") for tick in ticks], size=SIZE)
    bar.spines[:].set_color(FAINT)
