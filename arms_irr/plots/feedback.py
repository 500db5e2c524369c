"""Pictures for feedback: one officer's ratings as a strip in plain SVG, and all officers by factors as a heat map."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Unpack

from arms_irr.analysis.result import Result, Row
from arms_irr.instruments.model import Instrument, Scale
from arms_irr.plots.layout import Layout, nothing_to_show, panels
from arms_irr.plots.style import (
    INK,
    QUIET,
    Look,
    Options,
    chosen,
    drawing,
    gradient,
    label,
    on,
    text_width,
    values,
)

__all__ = ["officer_heatmap", "officer_strip", "quarter"]

# --- the strip of one officer -------------------------------------------------------------------------------
# Written by hand: matplotlib would take half a second an officer. Units are points at the width of a text column.

_WIDTH, _NAMES, _GAP = 490.0, 172.0, 18.0
_SIZE, _LINE, _ROW = 7.6, 8.4, 12.3
_COLUMN = "#ccd3d8"
_BARS = {"lower": "#59636b", "same": "white", "higher": "#c3cad0"}  # told apart in grey, and by their order
_Place = tuple[float, float]  # from and to, across


def quarter(share: float) -> int:
    """A share in quarters, 0 to 4: all that a sheet says of colleagues."""
    return math.floor(4 * share + 0.5)


def officer_strip(
    result: Result, *, instrument: Instrument, cases: Mapping[str, str], words: Mapping[str, str], by_factor: bool = False,
    synthetic: bool = False,
) -> str:
    """One officer's ratings as SVG text: a row for each factor, with the reference, the officer and the colleagues.

    Parameters
    ----------
    result : Result
        Of one officer, as :func:`arms_irr.analysis.feedback.officer_feedback` gives it.
    cases : mapping
        Case ids to titles, in order; a panel each.
    words : mapping
        What the kinds of factors are called; ``unable``, the state in one word; ``synthetic``; and the words of the key:
        ``reference, you`` or ``lower, same, higher``, and ``colleagues``. What is empty is left out of the key.
    by_factor : bool
        How many ratings were lower, the same and higher over all cases, instead of a panel for each case.
    """
    page, places = _Page(words), _places(1 if by_factor else len(cases))
    factors = [row["factor"] for row in result.where("exact") if row["factor"]]
    cells = {(row["factor"], row["case"]): row for row in result if row["case"]}
    page.key(by_factor)
    for title, place in () if by_factor else zip(cases.values(), places, strict=True):
        page.text(place[0], page.y + 8, _short(title, place[1] - place[0], "bold"), bold=True)
    page.y += 0 if by_factor else 12
    for kind in instrument.kinds:
        scale, head = None, words[kind]
        for factor in (factor for factor in factors if instrument.factor(factor).kind == kind):
            if instrument.scale_of(factor) is not scale:
                scale = instrument.scale_of(factor)
                page.head(head, scale, () if by_factor else places)
                head = ""
            high = page.name(instrument.factor(factor).label)
            if by_factor:
                page.bars(result.get("exact", factor=factor, case="").parts, places[0])
            for case, place in () if by_factor else zip(cases, places, strict=True):
                if (factor, case) in cells:
                    page.cell(cells[factor, case], scale, place, high)
            page.y += high
    return page.svg(words["synthetic"] if synthetic else "")


def _places(panels: int) -> list[_Place]:
    wide = (_WIDTH - _NAMES - _GAP * (panels - 1)) / panels
    return [(_NAMES + k * (wide + _GAP), _NAMES + k * (wide + _GAP) + wide) for k in range(panels)]


def _columns(scale: Scale, place: _Place) -> list[float]:
    """The middle of every category's column, and of "unable to rate" where the scale allows it."""
    count = len(scale.categories) + bool(scale.not_rated)
    return [place[0] + (place[1] - place[0]) * (k + 0.5) / count for k in range(count)]


def _clean(text: str) -> str:
    """The text without what XML cannot hold, and without marks that turn its direction."""
    return "".join(c if c.isprintable() else " " for c in text)


def _short(text: str, room: float, weight: str = "normal") -> str:
    """As much of the text as fits into so many points."""
    text = _clean(text)[:120]
    wide = 72 * text_width(text, _SIZE, weight)
    return text if wide <= room else text[: max(1, int(0.95 * len(text) * room / wide) - 1)].rstrip() + "…"


class _Page:
    """What has been drawn, and how far down it reaches."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words, self.y, self.drawn = words, 0.0, list[str]()

    def text(self, x: float, y: float, words: str, *, bold: bool = False, middle: bool = False, colour: str = INK) -> None:
        look = ' font-weight="bold"' * bold + ' text-anchor="middle"' * middle
        self.drawn.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{_SIZE}" fill="{colour}"{look}>{escape(_clean(words))}</text>')

    def box(self, x: float, y: float, wide: float, high: float, fill: str, edge: bool = False) -> None:
        line = f' stroke="{_BARS["lower"]}" stroke-width="0.6"' * edge
        self.drawn.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="{fill}"{line}/>')

    def line(self, x: float, y: float, to: float, colour: str, wide: float) -> None:
        self.drawn.append(f'<path d="M{x:.1f} {y:.1f}H{to:.1f}" stroke="{colour}" stroke-width="{wide}"/>')

    def reference(self, x: float, y: float) -> None:
        self.drawn.append(f'<path d="M{x - 5.4:.1f} {y:.1f}l5.4 -5.4 5.4 5.4 -5.4 5.4z" fill="white" stroke="black" stroke-width="1.1"/>')

    def you(self, x: float, y: float) -> None:
        self.drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.7" fill="black"/>')

    def key(self, by_factor: bool) -> None:
        """What the marks mean, in one line above everything, or two."""
        x, self.y = 0.0, 8.0
        for mark in (*_BARS, "colleagues") if by_factor else ("reference", "you", "colleagues"):
            if not self.words.get(mark):
                continue
            wide = 20 + 72 * text_width(self.words[mark], _SIZE)
            if x and x + wide > _WIDTH:
                x, self.y = 0.0, self.y + 13
            match mark:
                case "colleagues":
                    self.box(x + 2, self.y - (1.5 if by_factor else 5), 9, 3 if by_factor else 10, _COLUMN)
                case "reference":
                    self.reference(x + 6.5, self.y)
                case "you":
                    self.you(x + 6.5, self.y)
                case _:
                    self.box(x + 1, self.y - 3.5, 11, 7, _BARS[mark], edge=True)
            self.text(x + 15, self.y + 2.7, self.words[mark], colour=QUIET)
            x += wide + 12
        self.y += 12

    def head(self, words: str, scale: Scale, places: Sequence[_Place]) -> None:
        """The name of a kind, and the categories of its scale above their columns."""
        self.text(0, self.y + 9.5, words, bold=True)
        for place in places:
            columns = _columns(scale, place)
            names = [*scale.categories, *([self.words["unable"]] if scale.not_rated else [])]
            room = (place[1] - place[0]) / len(columns) - 2
            if max(72 * text_width(name, _SIZE) for name in names) > room and len(scale.short) == len(scale.categories):
                names = [*scale.short, *([self.words["unable"][:1]] if scale.not_rated else [])]
            for x, name in zip(columns, names, strict=True):
                self.text(x, self.y + 9.5, _short(name, room), middle=True, colour=QUIET)
        self.line(0, self.y + 12.5, _WIDTH, QUIET, 0.6)
        self.y += 13.5

    def name(self, words: str) -> float:
        """The name of a factor on one line or two; the height of its row."""
        lines = textwrap.wrap(_clean(words), 38, max_lines=2, placeholder=" …") or [""]
        high = max(_ROW, _LINE * len(lines) + 3)
        for number, line in enumerate(lines):
            self.text(0, self.y + (high - _LINE * len(lines)) / 2 + 7 + _LINE * number, line)
        self.line(0, self.y + high - 0.3, _WIDTH, _COLUMN, 0.4)
        return high

    def cell(self, row: Row, scale: Scale, place: _Place, high: float) -> None:
        """A factor of a case: the colleagues' columns, the reference, the officer, and a line between the two."""
        columns, parts = _columns(scale, place), row.estimate.parts
        at = dict(zip([*scale.categories, *scale.not_rated[:1]], columns, strict=True))
        wide, ground = 0.62 * (columns[1] - columns[0] if len(columns) > 1 else 40), self.y + high - 0.6
        names = [*(f"share_{k}" for k in range(len(scale.categories))), "share_unable"]
        for x, name in zip(columns, names, strict=False):
            if tall := quarter(parts.get(name, 0.0)) / 4 * (high - 2):
                self.box(x - wide / 2, ground - tall, wide, tall, _COLUMN)
        middle, you, reference = self.y + high / 2, at.get(row["rating"]), at.get(row["reference"])
        if self.words.get("reference") and row.estimate.estimable and you != reference:
            self.line(at[row["rating"]], middle, at[row["reference"]], "black", 1.6 if abs(row.estimate.value) >= 2 else 0.8)
        if reference is not None and self.words.get("reference"):
            self.reference(reference, middle)
        if you is not None:
            self.you(you, middle)

    def bars(self, parts: Mapping[str, float], place: _Place) -> None:
        """A factor over all cases: the officer's ratings, and thinner below what colleagues did, in quarters."""
        own, others = ({way: parts[name + way] for way in ways} for name, ways in (("", ("lower", "agreed", "higher")), ("others_", _BARS)))
        room, n, x = place[1] - place[0], sum(own.values()), place[0]
        for (way, count), fill in zip(own.items(), _BARS.values(), strict=True):
            if count:
                wide = room * count / n
                self.box(x, self.y + 1.5, wide, 8, fill, edge=True)
                self.text(x + wide / 2, self.y + 8.2, f"{count:.0f}", middle=True, colour="white" if way == "lower" else INK)
                x += wide
        if total := sum(others.values()):
            ends = [quarter(others["lower"] / total) / 4, 1 - quarter(others["higher"] / total) / 4]
            self.line(place[0], self.y + 12, place[0] + room * ends[0], _BARS["lower"], 2.2)
            self.line(place[0] + room * ends[1], self.y + 12, place[1], "#98a2aa", 2.2)

    def svg(self, mark: str) -> str:
        """The picture, with the mark of synthetic data where there is one."""
        if mark:
            self.text(_WIDTH - 72 * text_width(mark, _SIZE, "bold") - 6, self.y + 10, mark, bold=True, colour=QUIET)
        high = self.y + (13 if mark else 3)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_WIDTH:g}" height="{high:.1f}" viewBox="0 0 {_WIDTH:g} {high:.1f}" '
            f'font-family="DejaVu Sans, Verdana, Arial, sans-serif"><rect width="{_WIDTH:g}" height="{high:.1f}" fill="white"/>'
            f"{''.join(self.drawn)}</svg>"
        )


# --- the heat map of all officers ---------------------------------------------------------------------------

_LOW = ("#ffffff", "#f0b27a", "#b34700")  # rated lower than the reference, white at none
_HIGH = ("#ffffff", "#9ccbeb", "#0072B2")


def officer_heatmap(result: Result, *, officers: bool = True, **options: Unpack[Options]) -> Any:
    """Officers by factors: how high each rates each factor; lower to orange, higher to blue, the number in every tile.

    Parameters
    ----------
    result : Result
        By rater and factor, of one coefficient in steps, as :func:`arms_irr.analysis.feedback.officers_by_factor` gives it.
    officers : bool
        Whether the rows carry the officers' pseudonyms.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    from matplotlib.patches import Rectangle

    found, look = chosen(result, "rater", "factor"), Look.of(result, options)
    ends = [abs(row.estimate.value) for row in found if row.estimate.estimable]
    if not ends:
        return nothing_to_show(look, found)
    most, factors, who = max(1.0, *ends), values(found, "factor"), values(found, "rater")
    heads = [label(look.factor(factor), 24, 2) for factor in factors]
    with drawing():
        layout = Layout(look, [(rater, label(look.name(rater) if officers else "", 18, 1)) for rater in who], 0.155,
                        xlabel="Steps above (+) or below (−) on average; blank: no rating to compare",
                        tick_lines=math.ceil(max(text_width(line) for head in heads for line in head.split("\n")) / 0.135))
        figure, (ax,) = panels(layout)
        ax.set_xlim(-0.5, len(factors) - 0.5)
        ax.set_xticks(range(len(factors)), heads, rotation=90)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        across, down = ({key: place for key, place in zip(keys, places, strict=True)} for keys, places in
                        ((factors, range(len(factors))), (who, layout.places)))
        for row in found:
            value = row.estimate.value
            if math.isnan(value):
                continue
            x, y, high = across[row["factor"]], down[row["rater"]], layout.row_height
            colour = gradient(abs(value) / most, _HIGH if value > 0 else _LOW)
            ax.add_patch(Rectangle((x - 0.48, y - 0.46 * high), 0.96, 0.92 * high, facecolor=colour, linewidth=0))
            written = f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0"
            ax.text(x, y, written, ha="center", va="center_baseline", color=on(colour) if value else QUIET)
    return figure
