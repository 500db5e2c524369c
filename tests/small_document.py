"""Small documents with every kind of block, and names that try to be markup."""

from __future__ import annotations

import struct
import zlib

from arms_irr.reporting.document import (
    Bullets,
    Callout,
    Cited,
    Column,
    Definitions,
    Document,
    Figure,
    Paragraph,
    Ref,
    Section,
    Strong,
    Table,
    can_and_cannot,
    main_points,
)
from arms_irr.statistics.estimate import Estimate

HOSTILE = (
    "<script>alert(1)</script>",
    "a | b || c",
    "# not a heading",
    "$x_1$ costs 5$",
    "emoji \N{GRINNING FACE} ok",
    "שלום עולם",
    "*bold* _it_ `code` ~~gone~~",
    "[link](https://example.org) ![img](x)",
    "&amp; &lt; \\| \\",
    "- item",
    "1. item",
    "> quote",
    "{{ 7 * 7 }} {% raw %}",
    '" onmouseover="x',
    "#panic() @ref #{1+1} <label>",
    "=1+1",
    "+44 20",
    "@SUM(A1)",
    "long" * 80,
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><g id="figure_1"/></svg>'


def png(width: int = 8, height: int = 6) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def example(name: str = "Opportunity", synthetic: bool = True) -> Document:
    """A document that says ``name`` wherever a study's own words can stand."""
    columns = (Column("Factor", align="left"), Column(name, "%"), Column("Base", "ratings"))
    table = Table(
        "t-gold", f"Agreement, {name}", columns, ((name, "85.0", "20"), ("B", "n/a", "0")), (name,), (("Risk", 1), (name, 1))
    )
    figure = Figure("f-gold", f"Base: {name}", f"Alt {name}", SVG, title=name, png=png())
    blocks = (
        Paragraph(name),
        Callout("note", name, (Paragraph(name), Bullets((name, "b"), name))),
        table,
        Section("deeper", f"Deeper {name}", (figure, Section("deepest", "Deepest", (Definitions(((name, name),)),)))),
    )
    return Document(
        f"Report {name}",
        (
            main_points((("Officers agreed in ", Strong(name), " of 100, see ", Ref("t-gold"), "."),)),
            can_and_cannot((name,), ("Other cases",)),
            Section("gold", name, blocks),
        ),
        subtitle=name,
        synthetic=synthetic,
        meta=(("Seed", name),),
    )


def numbers() -> Document:
    """A longer document whose numbers can be counted: every width of table, a table of many pages, references."""
    share = Estimate(0.663, ci_low=0.561, ci_high=0.749)
    words = (Column("Factor"), Column("Kind", align="left"))

    def table(id: str, columns: int, rows: int, start: int) -> Table:
        heads = (*words, *(Column(f"Column {place}", "%") for place in range(columns - 2)))
        cells = tuple(
            (f"Factor {chr(65 + row % 26)}", "risk", *(_cell(start + 7 * row + 3 * place) for place in range(columns - 2)))
            for row in range(rows)
        )
        groups = (("First half", rows // 2), ("Second half", rows - rows // 2)) if rows > 20 else ()
        return Table(id, f"A table with {columns} columns", heads, cells, (f"Note {start}: see the flags.",), groups)

    sections = (
        main_points((("Officers agreed in ", Cited("66 of every 100", share, strong=True), " ratings (56 to 75)."), "At most 1,204 ratings.")),
        can_and_cannot(("20 officers",), ("Other cases than these 2",)),
        Section("narrow", "Small tables", (Paragraph(("See ", Ref("t-narrow"), " and ", Ref("f-one"), ".")), table("t-narrow", 4, 5, 100))),
        Section("dense", "Wider tables", (table("t-dense", 10, 12, 2000),)),
        Section("wide", "Turned pages", (table("t-wide", 14, 8, 5000), Paragraph(("Before it stood ", Ref("t-dense"), ".")))),
        Section("long", "Long tables", (table("t-long", 6, 90, 9000), Figure("f-one", "Base: 12 officers", "A dot at 0.5", SVG, png=png()))),
    )
    return Document("All the numbers", sections, "Of 4 officers", synthetic=True, meta=(("Seed", "1"),))


def _cell(number: int) -> str:
    return ("n/a", f"{number / 10:.1f}", f"−0.{number:04d}", f"{number / 100:.1f} to {number / 50:.1f}", f"{number:,}")[number % 5]
