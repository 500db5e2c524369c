"""Answers for people and for machines: tables and sentences, JSON, CSV; and a bar while one waits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from arms_irr.errors import ArgumentError

if TYPE_CHECKING:
    from rich.console import Console

    from arms_irr.analysis.result import Result

__all__ = ["SYNTHETIC", "Table", "answer", "one_format", "say", "sentences", "write_json", "working"]

SYNTHETIC = "Synthetic data: these ratings were made up."
UNWRAPPED, READABLE = 100_000, 100  # columns: a pipe takes lines of any length, a reader does not


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    head : tuple of str
    rows : sequence of tuple of str
        As many texts as the head has.
    words : int
        How many columns on the left hold words; the others hold numbers and are set to the right.
    grouped : int
        How many columns on the left name a group: they are said once, and a gap follows each group.
    below : tuple of str
        Footnotes and sentences.
    """

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    words: int
    grouped: int = 0
    below: tuple[str, ...] = ()


def say(words: str) -> None:
    """Something beside the answer: to stderr."""
    typer.echo(words, err=True)


def one_format(as_json: bool, as_csv: bool) -> None:
    """Refuse two formats at once, before anything is computed."""
    if as_json and as_csv:
        raise ArgumentError("--json and --csv exclude each other. Give one of them.")


def answer(result: Result, lay: Callable[[Result], Table], *, as_json: bool = False, as_csv: bool = False) -> None:
    """Write a Result as it was asked for: the rows as JSON or CSV, or what ``lay`` makes of it for people."""
    if as_json:
        write_json({
            "question": result.question,
            "synthetic": result.synthetic,
            "seed": result.seed,
            "notes": list(result.notes),
            "flags": list(result.flag_notes),
            "rows": result.to_json(),
        })
    elif as_csv:
        if result.synthetic:
            say(SYNTHETIC)  # the rows stay pure
        typer.echo(result.to_csv(), nl=False)
    else:
        _readable(result, lay(result))


def write_json(content: dict[str, Any]) -> None:
    """JSON on stdout; a numpy number is written as a number, ``nan`` never."""
    import json

    typer.echo(json.dumps(content, indent=2, allow_nan=False, default=lambda value: value.item()))


def sentences(*lines: str) -> None:
    """Sentences on stdout, wrapped where a person reads them; a list's second line is indented."""
    console = _console()
    _write(console, lambda: [_print_sentence(console, line) for line in lines])


def _readable(result: Result, table: Table) -> None:
    console = _console()

    def draw() -> None:
        console.print(result.question, style="bold")
        if result.synthetic:
            console.print(SYNTHETIC)
        console.print()
        if table.rows:
            drawn = _drawn(table)
            # Where the screen is too narrow for the numbers, a long line is better than half a number.
            needed = console.measure(drawn).minimum
            console.print(drawn, width=max(console.width, needed), crop=False, no_wrap=False)
        else:
            console.print("There are no ratings to show here.")
        console.print()
        for line in table.below:
            _print_sentence(console, line)

    _write(console, draw)


def _console() -> Console:
    """Rich where a person looks, plain text of any width in a pipe; COLUMNS is obeyed by both."""
    from rich.console import Console

    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit() else UNWRAPPED
    return Console(file=sys.stdout, width=wide, markup=False, highlight=False, emoji=False)


def _write(console: Console, draw: Callable[[], Any]) -> None:
    with console.capture() as drawn:
        draw()
    typer.echo("\n".join(line.rstrip() for line in drawn.get().split("\n")), nl=False)


def _print_sentence(console: Console, line: str) -> None:
    from rich.padding import Padding

    indent = len(line) - len(line.lstrip(" "))
    width = console.width if console.width == UNWRAPPED else min(console.width, READABLE)
    console.print(Padding(line[indent:], (0, 0, 0, indent), expand=False), width=width)


def _drawn(table: Table) -> Any:
    from rich import box
    from rich.table import Table as RichTable

    drawn = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold")
    for column, head in enumerate(table.head):
        number = column >= table.words
        drawn.add_column(head, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for index, row in enumerate(table.rows):
        group = row[: table.grouped]
        again = table.grouped and index and table.rows[index - 1][: table.grouped] == group
        last = index + 1 == len(table.rows) or table.rows[index + 1][: table.grouped] != group
        many = table.grouped and (again or not last)
        texts = ("",) * table.grouped + row[table.grouped :] if again else row
        drawn.add_row(*texts)
        if many and last and index + 1 < len(table.rows):
            drawn.add_row()
    return drawn


@contextmanager
def working(words: str) -> Iterator[Callable[[str], None]]:
    """A bar on stderr once something has taken a second; nothing where nobody looks.

    Yields
    ------
    callable
        To be told in words what comes next.
    """
    if not sys.stderr.isatty():
        yield lambda words: None
        return
    from threading import Timer

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TimeElapsedColumn()
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(words, total=None)
    soon = Timer(1, bar.start)
    soon.daemon = True
    soon.start()
    try:
        yield lambda words: bar.update(task, description=words)
    finally:
        soon.cancel()
        soon.join()
        bar.stop()


def texts(values: Iterable[object]) -> tuple[str, ...]:
    """The values as text."""
    return tuple(str(value) for value in values)
