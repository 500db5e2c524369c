"""Pictures of what was rated: distributions, confusion with the gold standard, direction of error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from arms_irr.analysis.result import Result
from arms_irr.instruments.model import Instrument, Scale
from arms_irr.plots.style import (
    GOLD,
    HIGHER,
    INK,
    LOWER,
    QUIET,
    Layout,
    combinations,
    drawing,
    factor_rows,
    label,
    name,
    panels,
    ramp,
    text_width,
    values,
)

__all__ = ["confusion", "direction", "distributions"]

_THICK = 0.155  # inches of a bar
_UNABLE = {"facecolor": "#e9ebed", "edgecolor": "#8c959c", "hatch": "//////", "linewidth": 0.4}
_NOT_GIVEN = {"facecolor": "white", "edgecolor": "#8c959c", "linewidth": 0.4}


def distributions(
    result: Result,
    instrument: Instrument,
    *,
    names: Mapping[str, str] | None = None,
    title: str = "",
    synthetic: bool = False,
    figure: Any = None,
) -> Any:
    """Diverging stacked bars: what was rated, factor by factor, centred on the middle category.

    Parameters
    ----------
    result : Result
        By factor, case, risk_band, category and gold; coefficient ``share`` (of all ratings asked for).
    names : mapping, optional
        Labels of cases; those of factors come from the instrument.

    Returns
    -------
    Figure
        A panel per case; beyond three cases each risk band begins a line of panels.
    """
    shares = result.where("share")
    bands = {row["case"]: row["risk_band"] for row in shares}
    rows = factor_rows(values(shares, "factor"), instrument)
    cells: dict[tuple[str, str], dict[str, float]] = {}
    gold = {}
    for row in shares:
        cells.setdefault((row["case"], row["factor"]), {})[row["category"]] = row.estimate.value
        gold[row["case"], row["factor"]] = row["gold"]
    bars = {(case, factor): _bar(cell, instrument.scale_of(factor)) for (case, factor), cell in cells.items()}
    cases, columns = _by_band(bands)
    # Unable to rate and not given end at the right edge; the longest bar of all decides where that is.
    left = max([0.05, *(bar.left for bar in bars.values())])
    right = max([0.05, *(bar.right + bar.unable + bar.missing for bar in bars.values())])
    with drawing():
        layout = Layout(
            rows,
            0.24,
            [case if case is None else _head(case, bands, names) for case in cases],
            columns,
            "Percentage of all ratings asked for, counted from the middle of the scale",
            legend=_keys(bars.values(), any(gold.values())),
            title=title,
            synthetic=synthetic,
        )
        figure, axes = panels(layout, figure)
        for ax, case in zip(axes, filter(None, cases), strict=True):
            ax.set_xlim(-left - 0.01, right + 0.01)
            for y, (factor, _) in zip(layout.places, rows, strict=True):
                if (case, factor) in bars:
                    _draw(ax, y, bars[case, factor], right, gold[case, factor])
            ax.axvline(0, color=QUIET, linewidth=0.6, zorder=0.5)
            _percent_ticks(ax)
    return figure


@dataclass(frozen=True)
class _Bar:
    """The segments of one factor in one case, and how far they reach from the middle of the scale."""

    categories: tuple[str, ...]
    widths: tuple[float, ...]
    left: float
    right: float
    unable: float
    missing: float


def _bar(shares: Mapping[str, float], scale: Scale) -> _Bar:
    given = {key: share for key, share in shares.items() if not math.isnan(share)}
    widths = tuple(given.get(category, 0.0) for category in scale.categories)
    middle = len(widths) // 2
    left = sum(widths[:middle]) + (widths[middle] / 2 if len(widths) % 2 else 0.0)
    unable = sum(given.get(state, 0.0) for state in scale.not_rated)
    rest = sum(given.values()) - sum(widths) - unable
    return _Bar(scale.categories, widths, left, sum(widths) - left, unable, rest if rest > 1e-9 else 0.0)


def _draw(ax: Any, y: float, bar: _Bar, right: float, gold: str) -> None:
    start = -bar.left
    for category, width, colour in zip(bar.categories, bar.widths, ramp(len(bar.categories)), strict=True):
        if width:
            ax.barh(y, width, _THICK, start, color=colour, edgecolor="white", linewidth=0.4)
            _share(ax, start + width / 2, y, width, colour)
        if category == gold:  # on the edge of the bar, so that the share stays readable
            ax.plot(start + width / 2, y - _THICK / 2 - 0.028, clip_on=False, zorder=5, **GOLD)
        start += width
    if not (sum(bar.widths) or bar.unable or bar.missing):
        ax.text(0.02, y, "n/a", va="center", color=QUIET)
    if bar.missing:
        ax.barh(y, bar.missing, _THICK, right - bar.missing, **_NOT_GIVEN)
    if bar.unable:
        ax.barh(y, bar.unable, _THICK, right - bar.missing - bar.unable, **_UNABLE)


def _share(ax: Any, x: float, y: float, width: float, colour: str) -> None:
    text = f"{100 * width:.0f}"
    room = width / (ax.get_xlim()[1] - ax.get_xlim()[0]) * ax.bbox.width / ax.figure.dpi
    if room > text_width(text) + 0.05:
        ax.text(x, y + 0.008, text, ha="center", va="center", color=_on(colour))


def _on(colour: str) -> str:
    """Ink that can be read on this colour."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else INK


def _keys(bars: Iterable[_Bar], gold: bool) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    bars = list(bars)
    categories = max((bar.categories for bar in bars), key=len)
    keys: list[Any] = [
        Patch(facecolor=colour, edgecolor=QUIET, linewidth=0.4, label=label(category))
        for category, colour in zip(categories, ramp(len(categories)), strict=True)
    ]
    if any(bar.unable for bar in bars):
        keys.append(Patch(label="Unable to rate", **_UNABLE))
    if any(bar.missing for bar in bars):
        keys.append(Patch(label="Not given", **_NOT_GIVEN))
    return [*keys, Line2D([], [], label="Gold standard", **GOLD)] if gold else keys


def _by_band(bands: Mapping[str, str]) -> tuple[list[str | None], int]:
    """Cases in the order of their panels, and the number of columns; ``None`` is a gap."""
    if len(bands) <= 3:
        return list(bands), len(bands)
    order: list[str | None] = []
    for band in dict.fromkeys(bands.values()):
        members = [case for case, its in bands.items() if its == band]
        order += [*members, *[None] * (-len(members) % 3)]
    return order, 3


def _head(case: str, bands: Mapping[str, str], names: Mapping[str, str] | None) -> str:
    band = bands[case]
    called = name(names, case)
    return called if not band or band.casefold() in called.casefold() else f"{called} ({name(names, band)})"


def _percent_ticks(ax: Any) -> None:
    low, high = ax.get_xlim()
    step = 0.25 if high - low < 0.8 else 0.5
    ticks = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    ax.set_xticks(ticks, [f"{abs(100 * tick):.0f}" for tick in ticks])


def direction(
    result: Result,
    *,
    instrument: Instrument | None = None,
    names: Mapping[str, str] | None = None,
    title: str = "",
    synthetic: bool = False,
    figure: Any = None,
) -> Any:
    """Bars left (rated lower than the gold standard) and right (higher) of zero, a panel per case.

    Parameters
    ----------
    result : Result
        By factor and one further column (case or risk_band); coefficients ``under`` and ``over``.
    instrument : Instrument, optional
        Gives the factors their labels and sets risk and protective factors apart.
    names : mapping, optional
        Labels of cases.
    """
    from matplotlib.patches import Patch

    rows = factor_rows(values(result, "factor"), instrument)
    column = next(by for by in result.by if by != "factor")
    cases = values(result, column)
    found = {(row[column], row["factor"], row.coefficient): row.estimate.value for row in result}
    most = max(
        [
            0.05,
            *(value for (*_, c), value in found.items() if c in ("under", "over") and not math.isnan(value)),
        ]
    )
    with drawing():
        keys = [
            Patch(color=LOWER, label="Rated lower priority than the gold standard (left)"),
            Patch(color=HIGHER, label="Rated higher (right)"),
        ]
        layout = Layout(
            rows,
            0.2,
            [name(names, case) for case in cases],
            min(3, len(cases)),
            "Percentage of ratings",
            legend=keys,
            title=title,
            synthetic=synthetic,
        )
        figure, axes = panels(layout, figure)
        for ax, case in zip(axes, cases, strict=True):
            # Room for the share at the end of the longest bar.
            reach = most / (1 - 0.3 / (ax.bbox.width / ax.figure.dpi / 2))
            ax.set_xlim(-reach, reach)
            for y, (factor, _) in zip(layout.places, rows, strict=True):
                for side, coefficient, colour in ((-1, "under", LOWER), (1, "over", HIGHER)):
                    if factor is not None:
                        _side(ax, y, side, found.get((case, factor, coefficient), math.nan), colour)
            ax.axvline(0, color=INK, linewidth=0.8)
            _percent_ticks(ax)
    return figure


def _side(ax: Any, y: float, side: int, value: float, colour: str) -> None:
    missing = math.isnan(value)
    if not missing:
        ax.barh(y, side * value, _THICK, color=colour)
    ax.annotate(
        "n/a" if missing else f"{100 * value:.0f}",
        (0 if missing else side * value, y),
        (side * 3, -0.5),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        va="center",
        color=QUIET if missing else INK,
    )


def confusion(
    result: Result,
    *,
    names: Mapping[str, str] | None = None,
    title: str = "",
    synthetic: bool = False,
    figure: Any = None,
) -> Any:
    """Tiles of gold standard against rating: counts and shares of each gold row; a panel per further group.

    Parameters
    ----------
    result : Result
        By gold, rating and up to two further columns (kind, risk_band); coefficients ``count`` and ``share``.
    names : mapping, optional
        Labels of kinds, bands and categories.
    """
    golds, ratings = values(result, "gold"), values(result, "rating")
    further = [by for by in result.by if by not in ("gold", "rating")]
    groups = combinations(result, further)
    found = {
        (tuple(row[by] for by in further), row["gold"], row["rating"], row.coefficient): row.estimate.value
        for row in result
    }
    heads = [", ".join(name(names, part) for part in group) for group in groups]
    with drawing():
        labels = [label(name(names, rating), 9) for rating in ratings]
        layout = Layout(
            [(gold, label(name(names, gold), 12)) for gold in golds],
            0.42,
            [head[:1].upper() + head[1:] for head in heads],
            min(2, len(groups)),
            "Rating given: number, and percentage of its row",
            "Gold standard",
            title=title,
            tick_lines=max(text.count("\n") + 1 for text in labels),
            synthetic=synthetic,
        )
        figure, axes = panels(layout, figure)
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
    from matplotlib.colors import LinearSegmentedColormap, to_hex
    from matplotlib.patches import Rectangle

    colour = "white"
    if not math.isnan(share):
        colour = to_hex(LinearSegmentedColormap.from_list("share", ("#f4f7f9", "#7FB8DD", "#0072B2"))(share))
    edge = (
        {"edgecolor": "black", "linewidth": 1.4, "zorder": 3}
        if agrees
        else {"edgecolor": "white", "linewidth": 1}
    )
    ax.add_patch(Rectangle((x - 0.48, y - 0.2), 0.96, 0.4, facecolor=colour, **edge))
    if math.isnan(count):
        ax.text(x, y, "n/a", ha="center", va="center", color=QUIET)
        return
    ax.text(x, y - 0.01, f"{count:.0f}", ha="center", va="bottom", weight="bold", color=_on(colour), zorder=4)
    shown = "" if math.isnan(share) else f"{100 * share:.0f} %"
    ax.text(x, y + 0.025, shown, ha="center", va="top", color=_on(colour), zorder=4)
