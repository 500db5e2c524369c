"""One style for every figure: print size, colours that survive grey, names that wrap, bytes that repeat."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arms_irr.analysis.result import Result
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Instrument

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "GOLD",
    "INK",
    "QUIET",
    "SERIES",
    "Layout",
    "combinations",
    "drawing",
    "factor_rows",
    "label",
    "name",
    "panels",
    "ramp",
    "save_svg",
    "text_width",
    "values",
]

WIDTH = 6.3  # inches: the text column of an A4 page with 25 mm margins
SIZE = 8.0  # points: the smallest text
_GAP, _RIGHT = 0.3, 0.15  # inches between panels and beside the last one
LINE = 0.135  # inches from one line of that text to the next

INK, QUIET, FAINT = "#1d2328", "#5a646c", "#d5dade"
# Okabe-Ito: colour and shape together
SERIES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "v"))
LOWER, HIGHER = "#D55E00", "#56B4E9"  # rated lower, rated higher than the gold standard
_RAMP = ("#DCEAF5", "#7FB8DD", "#0072B2", "#00304D")  # Low to Very High, light to dark
_KINDS = {
    "risk": "Risk factors",
    "protective": "Protective factors",
    "static": "Static factors",
    "overall": "Overall",
}
GOLD: dict[str, Any] = {
    "marker": "D",
    "color": "black",
    "markeredgecolor": "white",
    "markeredgewidth": 0.6,
    "markersize": 5,
    "linestyle": "none",
}

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans", "font.size": SIZE, "text.color": INK, "axes.labelcolor": INK,
    "axes.labelsize": SIZE, "axes.titlesize": SIZE + 0.5, "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 5, "axes.edgecolor": QUIET, "axes.linewidth": 0.6, "axes.spines.top": False,
    "axes.spines.right": False, "axes.axisbelow": True,
    "grid.color": FAINT, "grid.linewidth": 0.6, "xtick.color": QUIET, "ytick.color": QUIET,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "xtick.labelsize": SIZE, "ytick.labelsize": SIZE,
    "xtick.major.width": 0.6, "xtick.major.size": 3, "ytick.major.size": 0, "legend.frameon": False,
    "legend.fontsize": SIZE, "hatch.linewidth": 0.5, "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # Text as outlines: the same picture on every machine. The salt and no date: the same bytes on every run.
    "svg.fonttype": "path", "svg.hashsalt": "arms-irr",
}  # fmt: skip


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the house style, whatever the user's own settings are, and leave those alone."""
    from matplotlib.style import context

    # A sign the font does not have is drawn as a box; the tables still carry it.
    with context(["default", _STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def label(text: str, width: int = 26, lines: int = 3) -> str:
    """A name as it can stand in a figure: wrapped, never read as a formula, without invisible characters."""
    seen = "".join(c if c.isprintable() else " " for c in str(text))
    wrapped = textwrap.wrap(seen, width, max_lines=lines, placeholder=" …") or [""]
    return "\n".join(wrapped).replace("$", r"\$")


def ramp(q: int) -> tuple[str, ...]:
    """``q`` colours from light to dark; the first four are those of Low, Medium, High, Very High."""
    if q <= len(_RAMP):
        return _RAMP[:q]
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    shades = LinearSegmentedColormap.from_list("priority", _RAMP)
    return tuple(to_hex(shades(index / (q - 1))) for index in range(q))


def values(result: Result, column: str) -> list[str]:
    """The values of a grouping column, in order of appearance.

    Raises
    ------
    ArgumentError
        When the result is empty or not grouped by this column.
    """
    if column not in result.by or not result.rows:
        raise ArgumentError(
            f"this picture needs rows grouped by {column!r}; "
            f"the result has {len(result)} rows grouped by {list(result.by)}"
        )
    return list(dict.fromkeys(row[column] for row in result))


def combinations(result: Result, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """The combinations of values that occur in these columns; ``ArgumentError`` when the result is empty."""
    if not result.rows:
        raise ArgumentError("there is nothing to draw: the result has no rows")
    return list(dict.fromkeys(tuple(row[column] for column in columns) for row in result))


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = SIZE) -> float:
    """Width in inches of the widest line of a text in the house font."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", size=size)
    return max(
        (
            TextPath((0, 0), line, prop=font).get_extents().width / 72
            for line in text.split("\n")
            if line.strip()
        ),
        default=0,
    )


@dataclass(frozen=True)
class Layout:
    """What a figure consists of, before it is drawn; all panels share their row names."""

    rows: Sequence[tuple[str | None, str]] = ()  # key and wrapped name, as :func:`factor_rows` gives them
    row_height: float = 0.2  # inches; a name of several lines gets more
    heads: Sequence[str | None] = ("",)  # a title per panel, None for a gap; they fill the lines of the grid
    columns: int = 1
    xlabel: str = ""
    ylabel: str = ""
    tick_lines: int = 1  # lines of the labels along the x axis
    height: float = 0.0  # inches of a panel, where there are no rows
    legend: Sequence[Any] = ()
    title: str = ""
    synthetic: bool = False

    @cached_property
    def row_heights(self) -> list[float]:
        """Inches of every row."""
        return [max(self.row_height, LINE * (row.count("\n") + 1) + 0.05) for _, row in self.rows]

    @cached_property
    def places(self) -> list[float]:
        """Where the middle of every row lies on the y axis, which is in inches from the top."""
        return [sum(self.row_heights[:row]) + high / 2 for row, high in enumerate(self.row_heights)]


def panels(layout: Layout, figure: Any = None) -> tuple[Figure, list[Axes]]:
    """The figure and one Axes per head (gaps left out), spaced in inches so that nothing can overlap.

    Parameters
    ----------
    figure : Figure or SubFigure, optional
        Draw into this one; otherwise a new figure of the right size, which notebooks show by themselves.
    """
    left = max([0.1, *(text_width(row, SIZE + (key is None)) for key, row in layout.rows)])
    left += 0.35 if layout.ylabel else 0.15
    wide = (WIDTH - _RIGHT - left - _GAP * (layout.columns - 1)) / layout.columns
    tall = layout.height or sum(layout.row_heights)
    heads = [None if head is None else label(head, max(8, int(wide / 0.081))) for head in layout.heads]
    head_space = 0.09 + 0.15 * max((head.count("\n") + 1 for head in heads if head), default=0)
    title = textwrap.fill(label(layout.title, 10_000), 72)
    keys = _legend_lines(layout.legend)
    title_space = 0.06 + 0.19 * (title.count("\n") + 1) if title else 0.0
    above = title_space + head_space + (0.06 + 0.19 * len(keys) if keys else 0.0)
    ticks = 0.12 + LINE * layout.tick_lines
    bottom = ticks + (0.04 + LINE if layout.xlabel else 0.0) + (0.2 if layout.synthetic else 0.0)
    lines = -(-len(heads) // layout.columns)
    between = head_space + ticks
    high = above + lines * tall + (lines - 1) * between + bottom
    figure = figure or _sheet(high)
    grid = figure.subplots(
        lines,
        layout.columns,
        squeeze=False,
        gridspec_kw={
            "left": left / WIDTH,
            "right": 1 - _RIGHT / WIDTH,
            "top": 1 - above / high,
            "bottom": bottom / high,
            "wspace": _GAP / wide,
            "hspace": between / tall,
        },
    )

    def write(x: float, y: float, text: str, **style: Any) -> None:  # inches from the lower left corner
        figure.text(x / WIDTH, y / high, text, **style)

    write(0.05, high - 0.06, title, va="top", weight="bold", size=SIZE + 2)
    write((left + WIDTH - _RIGHT) / 2, bottom - ticks, layout.xlabel, ha="center", va="top")
    write(0.05, (bottom + high - above) / 2, layout.ylabel, rotation=90, va="center")
    if layout.synthetic:
        write(WIDTH - 0.05, 0.05, "Synthetic data", ha="right", va="bottom", color=QUIET, weight="bold")
    for number, line in enumerate(keys):
        place = 0.05 / WIDTH, 1 - (title_space + 0.07 + 0.19 * number) / high
        figure.legend(
            handles=line,
            ncols=len(line),
            loc="upper left",
            bbox_to_anchor=place,
            borderpad=0,
            borderaxespad=0,
            handletextpad=0.5,
            columnspacing=1.4,
        )
    return figure, _dress(grid, heads, layout)


def _dress(grid: Any, heads: Sequence[str | None], layout: Layout) -> list[Axes]:
    axes = []
    for position, ax in enumerate(grid.flat):
        if position >= len(heads) or heads[position] is None:
            ax.set_visible(False)
            continue
        ax.set_title(heads[position])
        if layout.rows:
            first = position % layout.columns == 0
            ax.set_yticks(layout.places, [row if first else "" for _, row in layout.rows])
            for (key, _), tick in zip(layout.rows, ax.get_yticklabels(), strict=True):
                tick.set_fontweight("bold" if key is None else "normal")
            ax.set_ylim(sum(layout.row_heights), 0)
            ax.spines["left"].set_visible(False)
        axes.append(ax)
    return axes


def _legend_lines(handles: Iterable[Any]) -> list[list[Any]]:
    """The legend's entries, broken into lines that fit the width."""
    lines: list[list[Any]] = []
    room = 0.0
    for handle in handles:
        need = text_width(handle.get_label()) + 0.45
        if not lines or need > room:
            lines.append([])
            room = WIDTH - 0.1
        lines[-1].append(handle)
        room -= need
    return lines


def _sheet(height: float) -> Figure:
    from matplotlib.figure import Figure

    class Sheet(Figure):
        """A figure that a notebook shows without pyplot."""

        def _repr_svg_(self) -> str:
            return save_svg(self)

    return Sheet(figsize=(WIDTH, height))


def factor_rows(factors: Iterable[str], instrument: Instrument | None) -> list[tuple[str | None, str]]:
    """Factors with the names that stand beside their rows.

    Where there are several kinds each has its own heading: a row without a factor (``None``).
    """
    factors = list(factors)
    if instrument is None:
        return [(factor, label(factor)) for factor in factors]
    kinds = [kind for kind in instrument.kinds if any(instrument.factor(f).kind == kind for f in factors)]
    rows: list[tuple[str | None, str]] = []
    for kind in kinds:
        if len(kinds) > 1:
            rows.append((None, _KINDS[kind]))
        rows += [(f, label(instrument.factor(f).label)) for f in factors if instrument.factor(f).kind == kind]
    return rows


def name(names: Mapping[str, str] | None, key: str) -> str:
    """What an id is called: its label where one was given."""
    return (names or {}).get(key, key)


def save_svg(figure: Any, path: str | Path | None = None, *, alt: str = "") -> str:
    """The figure as SVG text, the same bytes on every run; written to ``path`` when given.

    Parameters
    ----------
    alt : str
        Alternative text, kept in the file as its title.
    """
    text = io.StringIO()
    with drawing():
        figure.savefig(
            text, format="svg", metadata={"Date": None, "Creator": None} | ({"Title": alt} if alt else {})
        )
    svg = text.getvalue().replace("<svg ", '<svg role="img" ', 1)
    if path is not None:
        Path(path).write_text(svg, encoding="utf-8", newline="\n")
    return svg
