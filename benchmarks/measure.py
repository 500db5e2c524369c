"""Side by side: ours, the limit and the peers take turns in one run, and only the ratios of their medians count."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Line:
    """One ratio of one workload beside its target: at most for a limit, at least for a peer."""

    workload: str
    against: str
    ours_ms: float
    other_ms: float
    ratio: float
    target: str
    met: bool | None
    note: str = ""


def seconds(*calls: Callable[[], object], repeats: int = 5) -> list[float]:
    """Medians of the calls, which take turns; a first turn is not counted."""
    for call in calls:
        call()
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, times in zip(calls, taken, strict=True):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return [median(times) for times in taken]


def once(call: Callable[[], object]) -> float:
    """Seconds of a single call: peers that take long."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def limit(workload: str, name: str, ours: float, other: float, at_most: float, note: str = "") -> Line:
    """Ours over the limit, which should be small."""
    return Line(workload, name, 1e3 * ours, 1e3 * other, ours / other, f"<= {at_most:g}", ours <= at_most * other, note)


def peer(workload: str, name: str, ours: float, other: float, at_least: float, note: str = "") -> Line:
    """The peer over ours, which should be large."""
    return Line(workload, name, 1e3 * ours, 1e3 * other, other / ours, f">= {at_least:g}", other >= at_least * ours, note)


def absent(workload: str, name: str, why: str) -> Line:
    """A comparison that was not made, with a sentence."""
    nan = float("nan")
    return Line(workload, name, nan, nan, nan, "", None, why)


def installed(name: str) -> object | None:
    """The peer, or None: peers are optional."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def table(lines: list[Line]) -> str:
    """A Markdown table."""
    head = "| # | against | ours, ms | other, ms | ratio | target | |\n|---|---|---:|---:|---:|---|---|"
    words = {True: "met", False: "missed", None: ""}
    body = [f"| {x.workload} | {x.against} | {x.ours_ms:,.1f} | {x.other_ms:,.1f} | {x.ratio:,.2f} | {x.target} | "
            f"{words[x.met]}{'; ' if x.note and x.met is not None else ''}{x.note} |" for x in lines]
    return "\n".join([head, *body]).replace("nan", "-")


def write(lines: list[Line], path: Path) -> None:
    """The same as JSON."""
    path.write_text(json.dumps([{k: None if v != v else v for k, v in asdict(x).items()} for x in lines], indent=1), encoding="utf-8")
