"""Where everything stands: panels, names, legend and notes, spaced in inches so that nothing can overlap."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from arms_irr.analysis.result import Result
from arms_irr.plots.style import LINE, QUIET, SIZE, Look, drawing, label, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Layout", "nothing_to_show", "panels", "spread"]

_MARGIN = 0.05  # inches around the figure
_CHARACTER = 0.078  # inches of a character of the smallest text, generously
_NARROWEST = 1.05  # inches of a panel


@dataclass(frozen=True)
class Layout:
    """What a figure consists of, before it is drawn; all panels share their row names."""

    look: Look = field(default_factory=Look)
    rows: Sequence[tuple[str | None, str]] = ()  # key and wrapped name, as ``factor_rows`` gives them
    row_height: float = 0.2  # inches; a name of several lines gets more
    heads: Sequence[str | None] = ("",)  # a title per panel, None for a gap; they fill the lines of the grid
    columns: int = 1
    xlabel: str = ""
    ylabel: str = ""
    tick_lines: int = 1  # lines of the labels along the x axis
    height: float = 0.0  # inches of a panel, where there are no rows
    left: float = 0.0  # inches for what stands left of the first panel beside the names of rows
    right: float = 0.15  # inches beside the last panel, for labels at the ends of lines
    gap: float = 0.3  # inches between panels
    legend: Sequence[Any] = ()

    @cached_property
    def row_heights(self) -> list[float]:
        """Inches of every row."""
        return [max(self.row_height, LINE * (row.count("\n") + 1) + 0.05) for _, row in self.rows]

    @cached_property
    def places(self) -> list[float]:
        """Where the middle of every row lies on the y axis, which is in inches from the top."""
        return [sum(self.row_heights[:row]) + high / 2 for row, high in enumerate(self.row_heights)]

    @cached_property
    def tall(self) -> float:
        """Inches of a panel."""
        return self.height or sum(self.row_heights)

    @cached_property
    def beside(self) -> float:
        """Inches left of the first panel."""
        names = [text_width(row, SIZE + (key is None)) for key, row in self.rows]
        lines = _wrapped(self.ylabel, max(1.2, self.tall)).count("\n") + 1
        return max([0.1, *names]) + self.left + 0.15 + ((0.1 + LINE * lines) if self.ylabel else 0.0)

    @cached_property
    def across(self) -> int:
        """Panels side by side: as many as were asked for and fit."""
        room = self.look.width - self.right - self.beside + self.gap
        return max(1, min(self.columns, int(room / (_NARROWEST + self.gap))))

    @cached_property
    def grid(self) -> list[str | None]:
        """The heads; without their gaps where the lines of the grid had to be made shorter."""
        return [head for head in self.heads if head is not None or self.across == self.columns]

    @cached_property
    def wide(self) -> float:
        """Inches across a panel."""
        return (self.look.width - self.right - self.beside - self.gap * (self.across - 1)) / self.across


def _wrapped(text: str, inches: float) -> str:
    """The text in lines of at most so many inches, by the mean width of its own characters."""
    text = label(text, 10_000)
    return textwrap.fill(text, max(8, int(0.94 * inches * len(text) / max(text_width(text), 0.1))))


def panels(layout: Layout) -> tuple[Figure, list[Axes]]:
    """The figure and one Axes per head (gaps left out)."""
    look, left, wide, tall, columns = layout.look, layout.beside, layout.wide, layout.tall, layout.across
    width = look.width
    heads = [None if head is None else label(head, max(8, int(wide / 0.081))) for head in layout.grid]
    head_space = 0.09 + 0.15 * max((head.count("\n") + 1 for head in heads if head), default=0)
    title = textwrap.fill(label(look.title, 10_000), int(11.4 * width))
    keys = _legend_lines(layout.legend, width)
    title_space = 0.06 + 0.19 * (title.count("\n") + 1) if title else 0.0
    above = title_space + head_space + (0.06 + sum(high for _, high in keys) if keys else 0.0)
    ticks = 0.12 + LINE * layout.tick_lines
    xlabel = _wrapped(layout.xlabel, width - 0.2)
    bottom = ticks + (0.04 + LINE * (xlabel.count("\n") + 1) if xlabel else 0.0) + (0.2 if look.synthetic else 0.0)
    lines = -(-len(heads) // columns)
    between = head_space + ticks
    high = above + lines * tall + (lines - 1) * between + bottom
    figure = look.figure or _sheet(width, high)
    axes = figure.subplots(
        lines, columns, squeeze=False,
        gridspec_kw={
            "left": left / width, "right": 1 - layout.right / width, "top": 1 - above / high, "bottom": bottom / high,
            "wspace": layout.gap / wide, "hspace": between / tall,
        },
    )  # fmt: skip

    def write(x: float, y: float, text: str, **style: Any) -> None:  # inches from the lower left corner
        if text:
            figure.text(x / width, y / high, text, **style)

    write(_MARGIN, high - 0.06, title, va="top", weight="bold", size=SIZE + 2)
    half = max(text_width(line) for line in xlabel.split("\n")) / 2
    middle = min(max((left + width - layout.right) / 2, half + _MARGIN), width - half - _MARGIN)
    write(middle, bottom - ticks, xlabel, ha="center", va="top", linespacing=1.1)
    ylabel = _wrapped(layout.ylabel, max(1.2, tall))
    write(_MARGIN, (bottom + high - above) / 2, ylabel, rotation=90, va="center", ha="left", multialignment="center")
    if look.synthetic:
        write(width - _MARGIN, 0.05, "Synthetic data", ha="right", va="bottom", color=QUIET, weight="bold")
    top = title_space + 0.07
    for line, line_height in keys:
        figure.legend(
            handles=line, ncols=len(line), loc="upper left", bbox_to_anchor=(_MARGIN / width, 1 - top / high),
            borderpad=0, borderaxespad=0, handletextpad=0.5, columnspacing=1.4, alignment="left",
        )  # fmt: skip
        top += line_height
    return figure, _dress(axes, heads, layout)


def _dress(grid: Any, heads: Sequence[str | None], layout: Layout) -> list[Axes]:
    axes = []
    for position, ax in enumerate(grid.flat):
        if position >= len(heads) or heads[position] is None:
            ax.set_visible(False)
            continue
        ax.set_title(heads[position])
        if layout.rows:
            first = position % layout.across == 0
            ax.set_yticks(layout.places, [row if first else "" for _, row in layout.rows])
            for (key, _), tick in zip(layout.rows, ax.get_yticklabels(), strict=True):
                tick.set_fontweight("bold" if key is None else "normal")
            ax.set_ylim(sum(layout.row_heights), 0)
            ax.spines["left"].set_visible(False)
        axes.append(ax)
    return axes


def _legend_lines(handles: Iterable[Any], width: float) -> list[tuple[list[Any], float]]:
    """The legend's entries, broken into lines that fit the width, and the height of each line in inches."""
    lines: list[list[Any]] = []
    room = 0.0
    for handle in handles:
        handle.set_label(textwrap.fill(handle.get_label(), max(12, int((width - 0.6) / _CHARACTER))))
        need = text_width(handle.get_label()) + 0.45
        if not lines or need > room:
            lines.append([])
            room = width - 0.1
        lines[-1].append(handle)
        room -= need
    most = [max(handle.get_label().count("\n") for handle in line) for line in lines]
    return [(line, 0.19 + LINE * more) for line, more in zip(lines, most, strict=True)]


def _sheet(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    class Sheet(Figure):
        """A figure that a notebook shows without pyplot."""

        def _repr_svg_(self) -> str:
            from arms_irr.plots.save import save_svg

            return save_svg(self)

    return Sheet(figsize=(width, height))


def nothing_to_show(look: Look, result: Result) -> Figure:
    """A figure that says that there is nothing to show, and why, where the result knows."""
    reasons = dict.fromkeys(reason for row in result for reason in row.estimate.reasons)
    lines = ["Nothing can be shown here.", *(f"{reason[:1].upper()}{reason[1:]}." for reason in reasons)]
    text = "\n".join(_wrapped(line, look.width - 0.4) for line in lines)
    with drawing():
        figure, (ax,) = panels(Layout(look, height=0.16 + LINE * (text.count("\n") + 1)))
        ax.set_axis_off()
        ax.text(0, 1, text, transform=ax.transAxes, va="top", color=QUIET)
    return figure


def spread(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Middles of labels of these sizes that do not overlap and are as near as can be to where they are wanted.

    Least squares under order: isotonic regression of the wanted places less their steps (pool adjacent
    violators), kept between ``low`` and ``high``. Where they cannot all fit they run beyond ``high``.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    steps = [0.0]
    for one, two in pairwise(order):
        steps.append(steps[-1] + (sizes[one] + sizes[two]) / 2)
    blocks: list[tuple[float, int]] = []
    for i, step in zip(order, steps, strict=False):
        mean, count = wanted[i] - step, 1
        while blocks and blocks[-1][0] >= mean:
            other, more = blocks.pop()
            mean, count = (mean * count + other * more) / (count + more), count + more
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    places = [0.0] * len(order)
    for i, step, mean in zip(order, steps, flat, strict=False):
        first, last = low + sizes[order[0]] / 2, high - sizes[order[-1]] / 2 - steps[-1]
        places[i] = max(first, min(mean, last)) + step
    return places
