"""One style for every figure: colours that survive grey, names that wrap, and the options that all pictures take."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypedDict

import numpy as np

from arms_irr.analysis.result import Result
from arms_irr.analysis.titles import title_of
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Instrument

__all__ = [
    "GOLD",
    "INK",
    "QUIET",
    "SERIES",
    "Look",
    "Options",
    "box",
    "chosen",
    "combinations",
    "drawing",
    "factor_rows",
    "gradient",
    "label",
    "on",
    "ramp",
    "text_width",
    "values",
]

WIDTH = 6.3  # inches: the text column of an A4 page with 25 mm margins
SIZE = 8.0  # points: the smallest text
LINE = 0.135  # inches from one line of that text to the next

INK, QUIET, FAINT = "#1d2328", "#5a646c", "#d5dade"
# Okabe-Ito: colour and shape together
SERIES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "v"))
LOWER, HIGHER = "#D55E00", "#56B4E9"  # rated lower, rated higher than the gold standard
_RAMP = ("#DCEAF5", "#7FB8DD", "#0072B2", "#00304D")  # Low to Very High, light to dark
_KINDS = {
    "risk": "Risk factors",
    "protective": "Protective factors",
    "item": "Items",
    "static": "Static factors",
    "overall": "Overall",
}
_UNITS = {"share": ", per cent", "points": ", in percentage points", "steps": ", in steps", "logits": ", in logits"}
GOLD: dict[str, Any] = {
    "marker": "D",
    "color": "black",
    "markeredgecolor": "white",
    "markeredgewidth": 0.6,
    "markersize": 5,
    "linestyle": "none",
}
UNABLE: dict[str, Any] = {"facecolor": "#e9ebed", "edgecolor": "#8c959c", "hatch": "//////", "linewidth": 0.4}
NOT_GIVEN: dict[str, Any] = {"facecolor": "white", "edgecolor": "#8c959c", "linewidth": 0.4}

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans", "font.size": SIZE, "text.color": INK, "axes.labelcolor": INK,
    "axes.labelsize": SIZE, "axes.titlesize": SIZE + 0.5, "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 5, "axes.edgecolor": QUIET, "axes.linewidth": 0.6, "axes.spines.top": False,
    "axes.spines.right": False, "axes.axisbelow": True,
    "grid.color": FAINT, "grid.linewidth": 0.6, "xtick.color": QUIET, "ytick.color": QUIET,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "xtick.labelsize": SIZE, "ytick.labelsize": SIZE,
    "xtick.major.width": 0.6, "xtick.major.size": 3, "ytick.major.size": 0, "xtick.minor.size": 0,
    "legend.frameon": False,
    "legend.fontsize": SIZE, "hatch.linewidth": 0.5, "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # Text as outlines: the same picture on every machine. The salt and no date: the same bytes on every run.
    "svg.fonttype": "path", "svg.hashsalt": "arms-irr",
}  # fmt: skip


class Options(TypedDict, total=False):
    """What every picture takes beside its result; :class:`Look` says what each means."""

    title: str
    synthetic: bool
    names: Mapping[str, str] | None
    instrument: Instrument | None
    width: float
    figure: Any


@dataclass(frozen=True)
class Look:
    """The options that every picture takes, by keyword.

    Attributes
    ----------
    title : str
        Stands above the picture; best the finding in one sentence.
    synthetic : bool
        Writes "Synthetic data" into the picture. A result of made-up data is always marked.
    names : mapping
        What cases, bands, coefficients and other ids are called; an id without a name stands for itself.
    instrument : Instrument or None
        Gives the factors their labels and sets risk and protective factors apart.
    width : float
        Inches. The text keeps its size, so a narrow picture has fewer panels side by side.
    figure : Figure or SubFigure, optional
        Draw into this one; otherwise a new figure of the right size, which notebooks show by themselves.
    """

    title: str = ""
    synthetic: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    instrument: Instrument | None = None
    width: float = WIDTH
    figure: Any = None

    @classmethod
    def of(cls, result: Result, options: Options) -> Look:
        """The options given, and what the result itself knows where one was not."""
        given = {key: value for key, value in options.items() if value is not None}
        known = {"names": result.names, "instrument": result.instrument, **given}
        return cls(**known | {"synthetic": result.synthetic or bool(given.get("synthetic"))})

    def name(self, key: str) -> str:
        """What an id is called."""
        return self.names.get(key, key)

    def names_of(self, keys: Iterable[str]) -> str:
        """Several ids on one line, with a capital first."""
        text = ", ".join(self.name(key) for key in keys)
        return text[:1].upper() + text[1:]

    def factor(self, id: str) -> str:
        """The label of a factor; its name or id where no instrument knows it."""
        known = self.instrument is not None and id in self.instrument.factor_ids
        return self.instrument.factor(id).label if known and self.instrument else self.name(id)

    def statistic(self, coefficient: str) -> str:
        """A coefficient in words."""
        return self.names.get(coefficient, title_of(coefficient).words)

    def quantity(self, coefficient: str) -> str:
        """A coefficient in words with its unit, for an axis."""
        return self.statistic(coefficient) + _UNITS.get(title_of(coefficient).unit, "")

    @property
    def characters(self) -> int:
        """The most that a line of a row's name holds."""
        return 26 if self.width > 5 else 17


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the house style, whatever the user's own settings are, and leave those alone."""
    from matplotlib.style import context

    # A sign the font does not have is drawn as a box; the tables still carry it.
    with context(["default", _STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def box(ax: Any, left: float, low: float, wide: float, high: float, **style: Any) -> None:
    """A rectangle in the units of the axes, at a third of the work of ``ax.bar``: it leaves the limits as they were set."""
    from matplotlib.patches import Rectangle

    ax.add_artist(Rectangle((left, low), wide, high, **style))


def label(text: str, width: int = 26, lines: int = 3) -> str:
    """A name as it can stand in a figure: wrapped, never read as a formula, without invisible characters."""
    seen = "".join(c if c.isprintable() else " " for c in str(text))
    wrapped = textwrap.wrap(seen, width, max_lines=lines, placeholder=" …") or [""]
    return "\n".join(wrapped).replace("$", r"\$")


def ramp(q: int) -> tuple[str, ...]:
    """``q`` colours from light to dark; the first four are those of Low, Medium, High, Very High."""
    return _RAMP[:q] if q <= len(_RAMP) else tuple(gradient(index / (q - 1), _RAMP) for index in range(q))


def gradient(share: float, shades: tuple[str, ...] = ("#f4f7f9", "#7FB8DD", "#0072B2")) -> str:
    """The colour at a share of the way from the lightest to the darkest of these shades."""
    from matplotlib.colors import to_hex

    return str(to_hex(_colours(shades)(share)))


@lru_cache(maxsize=8)
def _colours(shades: tuple[str, ...]) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shades", shades)


def on(colour: str) -> str:
    """Ink that can be read on this colour."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else INK


def values(result: Result, column: str) -> list[str]:
    """The values of a grouping column, in order of appearance."""
    return list(dict.fromkeys(row[column] for row in result))


def combinations(result: Result, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """The combinations of values that occur in these columns, in order of appearance."""
    return list(dict.fromkeys(tuple(row[column] for column in columns) for row in result))


def chosen(result: Result, *columns: str, coefficient: str | None = None) -> Result:
    """The rows to draw: those of one coefficient, or all.

    Raises
    ------
    ArgumentError
        When the result is not grouped by these columns, or has rows but none of this coefficient.
    """
    missing = [column for column in columns if column not in result.by]
    if missing:
        raise ArgumentError(
            f"this picture needs rows grouped by {' and '.join(map(repr, missing))}; "
            f"the result has {len(result)} rows grouped by {list(result.by)}"
        )
    found = result.where(coefficient)
    if result.rows and not found.rows:
        kinds = dict.fromkeys(row.coefficient for row in result)
        raise ArgumentError(f"no rows of {coefficient!r} to draw; the result has {', '.join(kinds)}")
    return found


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = SIZE, weight: str = "normal") -> float:
    """Width in inches of the widest line of a text in the house font."""
    return max((size / 72 * _set_width(line, weight) for line in text.split("\n") if line.strip()), default=0)


@lru_cache(maxsize=4096)
def _set_width(line: str, weight: str) -> float:
    """Width of a line in ems, from the outlines of its letters."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    # The corners of the outlines hold the letters; their exact extent costs ten times as much. What closes an outline has no place.
    outlines = TextPath((0, 0), line, size=1, prop=FontProperties(family="DejaVu Sans", weight=weight))
    across = outlines.vertices[outlines.codes != outlines.CLOSEPOLY, 0]
    return float(np.ptp(across)) if len(across) else 0.0


def factor_rows(factors: Iterable[str], look: Look) -> list[tuple[str | None, str]]:
    """Factors with the names that stand beside their rows.

    Where there are several kinds each has its own heading: a row without a factor (``None``).
    """
    factors, instrument = list(factors), look.instrument
    if instrument is None:
        return [(factor, label(look.name(factor), look.characters)) for factor in factors]
    kinds = [kind for kind in instrument.kinds if any(instrument.factor(f).kind == kind for f in factors)]
    rows: list[tuple[str | None, str]] = []
    for kind in kinds:
        if len(kinds) > 1:
            rows.append((None, _KINDS[kind]))
        rows += [(f, label(look.factor(f), look.characters)) for f in factors if instrument.factor(f).kind == kind]
    return rows
