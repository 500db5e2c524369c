"""How wide the columns of a table are, for formats that do not find out by themselves."""

from __future__ import annotations

from arms_irr.reporting.document import Table

__all__ = ["column_widths"]

_PADDING = 1.8  # digits; as are all widths here
_ONE_LINE = 24  # a right-aligned cell up to this width is never broken
_LONGEST_WORD, _LONGEST_CELL = 22, 60  # beyond these a word breaks, and a cell asks for no more
_NARROW, _WIDE, _BOLD = set(" .,:;'|!iljtfrI()[]-"), set("mMwWGOQ%@−"), 1.12


def column_widths(table: Table, room: float) -> tuple[float, ...]:
    """Widths in digits that together do not exceed ``room``.

    Every column gets its longest word, a column of numbers its longest cell; what is left goes to the columns
    that would like more. A table that needs less than the room stays narrow.
    """
    cells = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
    need, want = [], []
    for column, words in zip(table.columns, cells, strict=True):
        head = _BOLD * max(_extent(column.head), _extent(column.unit))
        heads = [_BOLD * _extent(word) for word in f"{column.head} {column.unit}".split()]
        wide = [_extent(word) for word in words]
        whole = [extent for extent in wide if column.align == "right" and extent <= _ONE_LINE]
        parts = [min(_extent(part), _LONGEST_WORD) for word in words for part in word.split()]
        least = max([2, min(head, head / 3 + 3), *heads, *whole, *parts])  # a head takes three lines, or two
        need.append(least + _PADDING)
        want.append(max([least, min(head, head / 2 + 3), *(min(extent, _LONGEST_CELL) for extent in wide)]) + _PADDING)
    if sum(want) <= room:
        return tuple(want)
    if sum(need) >= room:
        return tuple(room * width / sum(need) for width in need)
    share = (room - sum(need)) / (sum(want) - sum(need))
    return tuple(low + share * (high - low) for low, high in zip(need, want, strict=True))


def _extent(words: str) -> float:
    """About how wide the words are set in a sans face, in widths of a digit."""
    return sum(0.55 if letter in _NARROW else 1.4 if letter in _WIDE else 1 for letter in words)
