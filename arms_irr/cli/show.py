"""Answers for people and for machines: tables and sentences, JSON, CSV; and a bar while one waits."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from arms_irr.errors import ArgumentError

if TYPE_CHECKING:
    from rich.console import Console

    from arms_irr.analysis.result import Result

__all__ = ["SYNTHETIC", "Table", "answer", "one_format", "say", "sentences", "working", "write_json"]

SYNTHETIC = "Synthetic data: these ratings were made up."
UNWRAPPED, READABLE = 100_000, 100  # columns: a pipe takes lines of any length, a reader does not
FOLDED = 16  # columns of words become no narrower


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    head : tuple of str
    rows : sequence of tuple of str
        As many texts as the head has.
    words : int
        How many columns on the left hold words; the others hold numbers and are set to the right, but for the
        last, which holds the letters of footnotes.
    grouped : int
        How many columns on the left name a group: they are said once, and a gap follows each group.
    below, above : tuple of str
        Footnotes and sentences.
    """

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    words: int
    grouped: int = 0
    below: tuple[str, ...] = ()
    above: tuple[str, ...] = ()


def say(words: str) -> None:
    """Something beside the answer: to stderr."""
    typer.echo(words, err=True)


def one_format(as_json: bool, as_csv: bool) -> None:
    """Refuse two formats at once, before anything is computed."""
    if as_json and as_csv:
        raise ArgumentError("--json and --csv exclude each other. Give one of them.")


def answer(
    result: Result, lay: Callable[[Result], Table], *, as_json: bool = False, as_csv: bool = False
) -> None:
    """Write a Result as it was asked for: the rows as JSON or CSV, or what ``lay`` makes of it for people."""
    if as_json:
        write_json(
            {
                "question": result.question,
                "synthetic": result.synthetic,
                "seed": result.seed,
                "notes": list(result.notes),
                "flags": list(result.flag_notes),
                "rows": result.to_json(),
            }
        )
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
        for line in table.above:
            _print_sentence(console, line)
        console.print()
        if table.rows:
            screen = console.width
            drawn, console.width = _drawn(table, screen)
            console.print(drawn, crop=False)
            console.width = screen
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

    if not line:
        return console.print()
    indent = len(line) - len(line.lstrip(" "))
    width = console.width if console.width == UNWRAPPED else min(console.width, READABLE)
    console.print(Padding(line[indent:], (0, 0, 0, indent), expand=False), width=width)


def _drawn(table: Table, width: int) -> tuple[Any, int]:
    """The table for a screen of that width, and the width it takes: better a long line than half a number."""
    from rich import box
    from rich.table import Table as RichTable

    drawn = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    columns = list(zip(*table.rows, strict=True))
    natural = [max(map(len, (head, *texts))) for head, texts in zip(table.head, columns, strict=True)]
    gaps = 2 * (len(columns) - 1)
    narrow = sum(natural) + gaps > width
    needed = gaps
    for index, (head, texts) in enumerate(zip(table.head, columns, strict=True)):
        words = index < table.words
        least = min(FOLDED, max(map(_longest_word, (head, *texts)))) if words else max(map(len, texts))
        shown = _wrapped(head, least) if narrow and not words else head
        least = max(least, _longest_line(shown) if not words else 0)
        number = not words and index < len(columns) - 1
        drawn.add_column(
            shown, justify="right" if number else "left", no_wrap=not words, overflow="fold", min_width=least
        )
        needed += least
    for row in _said_once(table):
        drawn.add_row(*row)
    return drawn, max(width, needed)


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _longest_line(text: str) -> int:
    return max(map(len, text.split("\n")))


def _wrapped(head: str, width: int) -> str:
    """A heading over several lines, "95 %" kept together."""
    held = head.replace(" %", "\xa0%")
    lines = textwrap.wrap(held, max(width, _longest_word(head), 1), break_long_words=False)
    return "\n".join(lines).replace("\xa0", " ")


def _said_once(table: Table) -> Iterator[tuple[str, ...]]:
    """The rows, with the names of a group in its first row only and a gap between groups of several rows."""
    rows, n = table.rows, table.grouped
    for index, row in enumerate(rows):
        again = n > 0 and index > 0 and rows[index - 1][:n] == row[:n]
        goes_on = n > 0 and index + 1 < len(rows) and rows[index + 1][:n] == row[:n]
        yield (*("",) * n, *row[n:]) if again else row
        if again and not goes_on and index + 1 < len(rows):
            yield ()


@contextmanager
def working(words: str) -> Iterator[Callable[..., None]]:
    """A bar on stderr once something has taken a second; nothing where nobody looks.

    Yields
    ------
    callable
        To be told in words what comes next; with ``done`` and ``total`` where it is counted.
    """
    if not sys.stderr.isatty():
        yield lambda words, done=0, total=None: None
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
        yield lambda words, done=0, total=None: bar.update(task, description=words, completed=done, total=total)
    finally:
        soon.cancel()
        soon.join()
        bar.stop()
