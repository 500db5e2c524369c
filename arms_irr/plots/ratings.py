"""Pictures of what was rated, factor by factor: distributions, and the direction of error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from arms_irr.analysis.result import Result
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Instrument, Scale
from arms_irr.plots.layout import Layout, nothing_to_show, panels
from arms_irr.plots.style import (
    GOLD,
    HIGHER,
    INK,
    LOWER,
    NOT_GIVEN,
    QUIET,
    UNABLE,
    Look,
    Options,
    box,
    chosen,
    drawing,
    factor_rows,
    label,
    on,
    ramp,
    text_width,
    values,
)

__all__ = ["direction", "distributions"]

_THICK = 0.155  # inches of a bar


def distributions(result: Result, instrument: Instrument | None = None, **options: Unpack[Options]) -> Any:
    """Diverging stacked bars: what was rated, factor by factor, centred on the middle category.

    Parameters
    ----------
    result : Result
        By factor, case, risk_band, category and gold; coefficient ``share`` (of all ratings asked for).
    instrument : Instrument, optional
        Labels and scales of the factors; needed where the result does not carry them.
    **options
        As in :class:`arms_irr.plots.style.Look`.

    Returns
    -------
    Figure
        A panel per case; beyond three cases each risk band begins a line of panels.
    """
    shares = chosen(result, "factor", "case", "risk_band", "category", "gold", coefficient="share")
    look = Look.of(result, options | {"instrument": instrument} if instrument else options)
    if not any(row.estimate.estimable for row in shares):
        return nothing_to_show(look, shares)
    if look.instrument is None:
        raise ArgumentError("this picture needs the instrument, for the scales of its factors: instrument=study.instrument")
    bands = {row["case"]: row["risk_band"] for row in shares}
    rows = factor_rows(values(shares, "factor"), look)
    bars, gold = _bars(shares, look.instrument)
    cases, columns = _by_band(bands)
    # Unable to rate and not given end at the right edge; the longest bar of all decides where that is.
    left = max([0.05, *(bar.left for bar in bars.values())])
    right = max([0.05, *(bar.right + bar.unable + bar.missing for bar in bars.values())])
    with drawing():
        layout = Layout(
            look,
            rows,
            0.24,
            [case if case is None else _head(case, bands, look) for case in cases],
            columns,
            "Percentage of all ratings asked for, counted from the middle of the scale",
            legend=_keys(bars.values(), any(gold.values())),
        )
        figure, axes = panels(layout)
        inch = (left + right + 0.02) / layout.wide
        for ax, case in zip(axes, filter(None, cases), strict=True):
            ax.set_xlim(-left - 0.01, right + 0.01)
            for y, (factor, _) in zip(layout.places, rows, strict=True):
                if factor is not None and (case, factor) in bars:
                    _draw(ax, y, bars[case, factor], right, gold[case, factor], inch)
            ax.axvline(0, color=QUIET, linewidth=0.6, zorder=0.5)
            _percent_ticks(ax, inch)
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


def _bars(shares: Result, instrument: Instrument) -> tuple[dict[tuple[str, str], _Bar], dict[tuple[str, str], str]]:
    """The bar and the gold standard of each case and factor."""
    cells: dict[tuple[str, str], dict[str, float]] = {}
    gold = {}
    for row in shares:
        key = row["case"], row["factor"]
        cells.setdefault(key, {})[row["category"]] = row.estimate.value
        gold[key] = row["gold"]
    return {key: _bar(cell, instrument.scale_of(key[1])) for key, cell in cells.items()}, gold


def _bar(shares: Mapping[str, float], scale: Scale) -> _Bar:
    given = {key: share for key, share in shares.items() if not math.isnan(share)}
    widths = tuple(given.get(category, 0.0) for category in scale.categories)
    middle = len(widths) // 2
    left = sum(widths[:middle]) + (widths[middle] / 2 if len(widths) % 2 else 0.0)
    unable = sum(given.get(state, 0.0) for state in scale.not_rated)
    rest = sum(given.values()) - sum(widths) - unable
    return _Bar(scale.categories, widths, left, sum(widths) - left, unable, rest if rest > 1e-9 else 0.0)


def _draw(ax: Any, y: float, bar: _Bar, right: float, gold: str, inch: float) -> None:
    start = -bar.left
    for category, width, colour in zip(bar.categories, bar.widths, ramp(len(bar.categories)), strict=True):
        if width:
            box(ax, start, y - _THICK / 2, width, _THICK, facecolor=colour, edgecolor="white", linewidth=0.4)
            text = f"{100 * width:.0f}"
            if width / inch > text_width(text) + 0.05:
                ax.text(start + width / 2, y + 0.008, text, ha="center", va="center", color=on(colour))
        if category == gold:  # on the edge of the bar, so that the share stays readable
            ax.plot(start + width / 2, y - _THICK / 2 - 0.028, clip_on=False, zorder=5, **GOLD)
        start += width
    if not (sum(bar.widths) or bar.unable or bar.missing):
        ax.text(0.02, y, "n/a", va="center", color=QUIET)
    if bar.missing:
        box(ax, right - bar.missing, y - _THICK / 2, bar.missing, _THICK, **NOT_GIVEN)
    if bar.unable:
        box(ax, right - bar.missing - bar.unable, y - _THICK / 2, bar.unable, _THICK, **UNABLE)


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
        keys.append(Patch(label="Unable to rate", **UNABLE))
    if any(bar.missing for bar in bars):
        keys.append(Patch(label="Not given", **NOT_GIVEN))
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


def _head(case: str, bands: Mapping[str, str], look: Look) -> str:
    band, called = bands[case], look.name(case)
    return called if not band or band.casefold() in called.casefold() else f"{called} ({look.name(band)})"


def _percent_ticks(ax: Any, inch: float) -> None:
    """Ticks in per cent on both sides of zero, far enough apart for their labels; ``inch``: share per inch."""
    low, high = ax.get_xlim()
    step = next((step for step in (0.1, 0.25, 0.5) if step / inch > 0.45), 1.0)
    low, high = max(low, -1.0), min(high, 1.0)
    ticks = [step * k for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    ax.set_xticks(ticks, [f"{abs(100 * tick):.0f}" for tick in ticks])


def direction(result: Result, **options: Unpack[Options]) -> Any:
    """Bars left (rated lower than the gold standard) and right (higher) of zero, a panel per case.

    Parameters
    ----------
    result : Result
        By factor and one further column (case or risk_band); coefficients ``under`` and ``over``.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    from matplotlib.patches import Patch

    chosen(result, "factor")
    look = Look.of(result, options)
    shares = {
        (row["factor"], tuple(row[by] for by in result.by if by != "factor"), row.coefficient): row.estimate.value
        for row in result
        if row.coefficient in ("under", "over")
    }
    most = max((value for value in shares.values() if not math.isnan(value)), default=math.nan)
    if math.isnan(most):
        return nothing_to_show(look, result)
    rows = factor_rows(values(result, "factor"), look)
    groups = list(dict.fromkeys(group for _, group, _ in shares))
    with drawing():
        keys = [
            Patch(color=LOWER, label="Rated lower priority than the gold standard (left)"),
            Patch(color=HIGHER, label="Rated higher (right)"),
        ]
        layout = Layout(
            look, rows, 0.2, [look.names_of(group) for group in groups], min(3, len(groups)), "Percentage of ratings", legend=keys
        )
        figure, axes = panels(layout)
        # Room for the share at the end of the longest bar.
        reach = max(0.05, most) / (1 - 0.32 / (layout.wide / 2))
        for ax, group in zip(axes, groups, strict=True):
            ax.set_xlim(-reach, reach)
            for y, (factor, _) in zip(layout.places, rows, strict=True):
                for side, coefficient, colour in ((-1, "under", LOWER), (1, "over", HIGHER)):
                    if factor is not None:
                        _side(ax, y, side, shares.get((factor, group, coefficient), math.nan), colour)
            ax.axvline(0, color=INK, linewidth=0.8)
            _percent_ticks(ax, 2 * reach / layout.wide)
    return figure


def _side(ax: Any, y: float, side: int, value: float, colour: str) -> None:
    missing = math.isnan(value)
    if not missing:
        box(ax, 0, y - _THICK / 2, side * value, _THICK, facecolor=colour, linewidth=0)
    ax.annotate(
        "n/a" if missing else f"{100 * value:.0f}",
        (0 if missing else side * value, y),
        (side * 3, -0.5),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        va="center",
        color=QUIET if missing else INK,
    )
