"""Pictures of what changes along a quantity: costs, decision studies, sizes of studies, occasions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Unpack

from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.titles import title_of
from arms_irr.plots.layout import Layout, nothing_to_show, panels, spread
from arms_irr.plots.style import (
    FAINT,
    LINE,
    LOWER,
    QUIET,
    SERIES,
    Look,
    Options,
    chosen,
    combinations,
    drawing,
    gradient,
    label,
    text_width,
    values,
)
from arms_irr.statistics.estimate import Estimate

__all__ = ["control_chart", "cost_curve", "dstudy", "tradeoff"]

_HEIGHT = 2.8  # inches of a panel
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))


@dataclass(frozen=True)
class _Line:
    """One line of a panel: the words at its end, and an estimate for each place on the x axis."""

    words: str
    x: tuple[float, ...]
    estimates: tuple[Estimate, ...]

    @property
    def end(self) -> tuple[float, float]:
        """The last point that there is."""
        return next((x, e.value) for x, e in zip(self.x[::-1], self.estimates[::-1], strict=True) if e.estimable)


def _lines(rows: Sequence[Row], along: str, words: Mapping[tuple[str, ...], str], by: Sequence[str]) -> list[_Line]:
    """A line for each combination of values in ``by`` that has an estimate, along a column of numbers."""
    found: dict[tuple[str, ...], dict[float, Estimate]] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in by), {})[float(row[along])] = row.estimate
    return [
        _Line(words[key], tuple(sorted(points)), tuple(points[x] for x in sorted(points)))
        for key, points in found.items()
        if any(estimate.estimable for estimate in points.values())
    ]


def cost_curve(result: Result, *, coefficient: str | None = None, **options: Unpack[Options]) -> Any:
    """Lines over the ratio of costs, one per group, its name at its end.

    Parameters
    ----------
    result : Result
        By ``ratio`` (how many times as much a step too low costs) and any columns that make groups.
    coefficient : str, optional
        The one to draw; the first unless given.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    found = chosen(result, "ratio", coefficient=coefficient or _first(result))
    look = Look.of(result, options)
    by = [column for column in result.by if column != "ratio"]
    words = {group: _capital(", ".join(look.factor(part) for part in group)) for group in combinations(found, by)}
    xlabel = "How many times as much a step too low costs as a step too high"
    return _draw(look, found, {"": _lines(found.rows, "ratio", words, by)}, xlabel, log=True, bands=len(words) <= 4)


def dstudy(result: Result, *, coefficient: str | None = None, **options: Unpack[Options]) -> Any:
    """Dependability against the number of officers; a line for each number of cases, or for each thing measured.

    Parameters
    ----------
    result : Result
        By n_cases and n_raters; ``phi`` or another coefficient between 0 and 1. Of further columns those that vary
        make lines of their own, and ``measured`` panels.
    coefficient : str, optional
        The one to draw; ``phi`` where there is one, else the first.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    names = dict.fromkeys(row.coefficient for row in result)
    found = chosen(result, "n_cases", "n_raters", coefficient=coefficient or ("phi" if "phi" in names else _first(result)))
    look = Look.of(result, options)
    found = replace(found, rows=tuple(row for row in found if row["n_raters"]))
    parts = found.split("measured") if "measured" in found.by else {"": found}
    heads = {_capital(look.name(measured)): _decided(part, look) for measured, part in parts.items()}
    ordered = all(line.words[0].isdigit() for lines in heads.values() for line in lines)  # numbers of cases, and nothing else
    return _draw(look, found, heads, "Number of officers", log=True, ordered=ordered, limits=(0.0, 1.0))


def _decided(result: Result, look: Look) -> list[_Line]:
    """The lines of one panel of a decision study."""
    varying = [by for by in result.by if by not in ("n_raters", "n_cases", "measured") and len(values(result, by)) > 1]
    if not varying:
        return _ascending(_lines(result.rows, "n_raters", _counted(result, "n_cases", "case"), ["n_cases"]))
    groups, counted = combinations(result, [*varying, "n_cases"]), _counted(result, "n_cases", "case")
    told = len(groups) > len(combinations(result, varying))  # whether the number of cases is needed to tell lines apart
    words = {
        (*group, n): _capital(", ".join([*(look.name(part) for part in group), *([counted[n,]] if told else [])]))
        for *group, n in groups
    }
    return _lines(result.rows, "n_raters", words, [*varying, "n_cases"])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def tradeoff(result: Result, *, coefficient: str | None = None, **options: Unpack[Options]) -> Any:
    """Half-width of the interval against the number of vignettes, a line for each number of officers.

    Parameters
    ----------
    result : Result
        By cases, officers, statistic and target; a panel for each statistic and target.
    coefficient : str, optional
        The one to draw; the first unless given.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    found = chosen(result, "cases", "officers", "statistic", "target", coefficient=coefficient or _first(result))
    look = Look.of(result, options)
    words = _counted(found, "officers", "officer")
    shares = all(title_of(row["statistic"]).unit == "share" for row in found)
    heads: dict[str, list[_Line]] = {}
    for statistic, target in combinations(found, ["statistic", "target"]):
        rows = found.where(statistic=statistic, target=target).rows
        head = f"{look.statistic(statistic)}, interval over {look.name(target)}"
        heads[head] = _ascending(_lines(rows, "cases", words, ["officers"]))
    ylabel = "Half-width of the interval" + (", in percentage points" if shares else "")
    return _draw(look, found, heads, "Number of vignettes", ylabel=ylabel, scale=100 if shares else 1, log=True, ordered=True, zero=True)


def _first(result: Result) -> str | None:
    return next((row.coefficient for row in result), None)


def _counted(result: Result, column: str, thing: str) -> dict[tuple[str, ...], str]:
    return {(count,): f"{float(count):,.0f} {thing}{'' if float(count) == 1 else 's'}" for count in values(result, column)}


def _ascending(lines: list[_Line]) -> list[_Line]:
    return sorted(lines, key=lambda line: float(line.words.split()[0].replace(",", "")))


def _draw(
    look: Look, result: Result, heads: Mapping[str, Sequence[_Line]], xlabel: str, *, ylabel: str = "", scale: int = 0,
    log: bool = False, ordered: bool = False, bands: bool = False, zero: bool = False, limits: tuple[float, float] | None = None,
) -> Any:
    """Panels of lines with their names at their ends; ``ordered`` lines go from light to dark."""
    heads = {head: lines for head, lines in heads.items() if lines}
    if not heads:
        return nothing_to_show(look, result)
    share = title_of(result.rows[0].coefficient).unit == "share"
    scale = scale or (100 if share else 1)
    if not ylabel:
        ylabel = look.quantity(result.rows[0].coefficient)
    wrapped = {head: [label(line.words, 26 if look.width > 5 else 14, 2) for line in lines] for head, lines in heads.items()}
    most = max(len("\n".join(texts).split("\n")) for texts in wrapped.values())
    with drawing():
        layout = Layout(
            look, heads=list(heads), columns=min(2, len(heads)), height=max(_HEIGHT, 0.3 + 1.06 * LINE * most), left=0.25, gap=0.55,
            xlabel=xlabel, ylabel=ylabel,
        )  # fmt: skip
        figure, axes = panels(layout)
        for ax, (head, lines) in zip(axes, heads.items(), strict=True):
            texts = wrapped[head]
            _range(ax, lines, zero, limits, scale, bands)
            x = sorted({x for line in lines for x in line.x})
            _along(ax, x, log, layout.wide, max(text_width(text) for text in texts) + 0.2)
            for number, line in enumerate(lines):
                _one(ax, line, _style(number, len(lines), ordered), bands)
            _ends(ax, lines, texts, [_style(number, len(lines), ordered)["color"] for number in range(len(lines))], layout)
    return figure


def _style(number: int, count: int, ordered: bool) -> dict[str, Any]:
    if ordered and count > 1:
        return {"color": gradient(number / (count - 1), ("#8FBEDD", "#0072B2", "#00304D")), "linewidth": 1.4, "linestyle": "-"}
    dash, (colour, _) = list(product(_DASHES, SERIES))[number % (len(_DASHES) * len(SERIES))]
    return {"color": colour, "linewidth": 1.4, "linestyle": dash}


def _one(ax: Any, line: _Line, style: Mapping[str, Any], bands: bool) -> None:
    ax.plot(line.x, [e.value for e in line.estimates], **style)
    ax.plot(line.x, [e.value for e in line.estimates], linestyle="none", marker="o", markersize=3, color=style["color"])
    if bands:
        ends = [e.ci_low for e in line.estimates], [e.ci_high for e in line.estimates]
        ax.fill_between(line.x, *ends, color=style["color"], alpha=0.12, linewidth=0, zorder=0)


def _range(
    ax: Any, lines: Sequence[_Line], zero: bool, limits: tuple[float, float] | None, scale: int, bands: bool = False
) -> None:
    """The y axis: room for every point (and interval, where drawn), few ticks, in the unit of the label."""
    from matplotlib.ticker import MaxNLocator

    points = [e.value for line in lines for e in line.estimates]
    points += [limit for line in lines for e in line.estimates for limit in (e.ci_low, e.ci_high)] if bands else []
    known = [point for point in points if not math.isnan(point)]
    low, high = limits or (min([0.0] * zero + known), max(known))
    ticks = [tick / scale for tick in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(scale * low, scale * high)]
    room = 0.04 * (high - low or abs(high) or 1)
    ax.set_ylim(low - room, high + room)
    ticks = [tick for tick in ticks if low - room <= tick <= high + room]
    ax.set_yticks(ticks, [f"{scale * tick:.6g}".replace("-", "−") for tick in ticks])
    ax.grid(axis="y")


def _along(ax: Any, x: Sequence[float], log: bool, wide: float, beside: float) -> None:
    """The x axis: a tick at each place that was looked at, as far as labels fit; room at the end for names."""
    place = math.log if log and x[0] > 0 else float
    low, high = place(x[0]), place(x[-1])
    share = min(0.75, beside / wide)
    span = (high - low or 1.0) / (0.96 - share)
    begin = low - 0.03 * span
    back = math.exp if place is math.log else float
    if place is math.log:
        ax.set_xscale("log")
        ax.minorticks_off()
    ax.set_xlim(back(begin), back(begin + span))
    ticks: list[float] = []
    for tick in x:
        gap = text_width(f"{tick:g}") + 0.08
        if not ticks or (place(tick) - place(ticks[-1])) / span * wide > gap:
            ticks.append(tick)
    ax.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    ax.spines["bottom"].set_bounds(x[0], x[-1])


def _ends(ax: Any, lines: Sequence[_Line], texts: Sequence[str], colours: Sequence[str], layout: Layout) -> None:
    """The name of each line at its end, moved apart where ends lie close together."""
    low, high = ax.get_ylim()
    inch = (high - low) / layout.tall
    sizes = [1.06 * LINE * (text.count("\n") + 1) * inch for text in texts]
    places = spread([line.end[1] for line in lines], sizes, low, high)
    along = ax.transAxes + ax.transData.inverted()
    last = along.inverted().transform((max(line.x[-1] for line in lines), 0))[0]
    near, far = (along.transform((last + inches / layout.wide, 0))[0] for inches in (0.13, 0.16))
    for line, text, colour, place in zip(lines, texts, colours, places, strict=True):
        ax.plot([line.end[0], near], [line.end[1], place], color=colour, linewidth=0.7, clip_on=False)
        ax.text(far, place, text, va="center")


def control_chart(result: Result, *, coefficient: str | None = None, **options: Unpack[Options]) -> Any:
    """Points over occasions with the centre line and the limits; points outside have a shape of their own.

    Parameters
    ----------
    result : Result
        By occasion and any further columns, which make panels. ``parts`` of each estimate: ``centre``,
        ``lower`` and ``upper``, those that there are.
    coefficient : str, optional
        The one to draw; the first unless given.
    **options
        As in :class:`arms_irr.plots.style.Look`.
    """
    found = chosen(result, "occasion", coefficient=coefficient or _first(result))
    look = Look.of(result, options)
    if not any(row.estimate.estimable for row in found):
        return nothing_to_show(look, found)
    title = title_of(found.rows[0].coefficient)
    scale = 100 if title.unit == "share" else 1
    further = [column for column in result.by if column != "occasion"]
    groups = combinations(found, further)
    names = values(found, "occasion")
    with drawing():
        layout = Layout(
            look, heads=[look.names_of(group) for group in groups], columns=min(2, len(groups)), height=2.4, left=0.3, right=0.75,
            xlabel="Occasion", ylabel=look.quantity(found.rows[0].coefficient),
            legend=_control_keys(found),
        )  # fmt: skip
        figure, axes = panels(layout)
        for ax, group in zip(axes, groups, strict=True):
            rows = [row for row in found if tuple(row[by] for by in further) == group]
            _controlled(ax, [names.index(row["occasion"]) for row in rows], [row.estimate for row in rows], scale)
            step = max(1, math.ceil(len(names) * 0.35 / layout.wide))
            ax.set_xticks(range(0, len(names), step), [label(look.name(name), 8, 1) for name in names[::step]])
            ax.set_xlim(-0.5, len(names) - 0.5)
    return figure


def _control_keys(result: Result) -> list[Any]:
    from matplotlib.lines import Line2D

    keys = [Line2D([], [], linestyle="none", marker="o", color=SERIES[0][0], markersize=4.5, label="Inside the limits")]
    if any(_outside(row.estimate) for row in result):
        keys.append(Line2D([], [], linestyle="none", marker="D", color=LOWER, markersize=5.5, label="Outside"))
    return keys


def _outside(estimate: Estimate) -> bool:
    lower, upper = estimate.parts.get("lower", -math.inf), estimate.parts.get("upper", math.inf)
    return estimate.value < lower or estimate.value > upper


def _controlled(ax: Any, x: Sequence[int], estimates: Sequence[Estimate], scale: int) -> None:
    line = _Line("", tuple(map(float, x)), tuple(estimates))
    known = [part for e in estimates for name in ("centre", "lower", "upper") if not math.isnan(part := e.parts.get(name, math.nan))]
    _range(ax, [line, _Line("", (), tuple(Estimate(part) for part in known))], False, None, scale)
    ax.grid(visible=False)
    for name, words, style in (("lower", "Lower limit", (0, (5, 2))), ("centre", "Centre", "-"), ("upper", "Upper limit", (0, (5, 2)))):
        heights = [e.parts.get(name, math.nan) for e in estimates]
        if not all(math.isnan(height) for height in heights):
            ax.step(x, heights, where="mid", color=QUIET, linewidth=0.9, linestyle=style)
            ax.annotate(words, (1, heights[-1]), (2, 0), ax.get_yaxis_transform(), textcoords="offset points", va="center", color=QUIET)
    ax.plot(x, [e.value for e in estimates], color=FAINT, linewidth=1.2, zorder=1)
    for place, estimate in zip(x, estimates, strict=True):
        if estimate.estimable:
            marker, colour, size = ("D", LOWER, 5.5) if _outside(estimate) else ("o", SERIES[0][0], 4.5)
            ax.plot(place, estimate.value, marker, color=colour, markersize=size, markeredgecolor="white", markeredgewidth=0.4, zorder=4)
