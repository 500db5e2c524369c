"""A small study with everything in it, as rows, for the tests of the study floor."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from arms_irr.instruments import Factor, Instrument, Scale

PRIORITY = Scale(
    "priority",
    ("Low", "Medium", "High"),
    short=("L", "M", "H"),
    codes=("1", "2", "3"),
    scores=(1, 2, 3),
    not_rated=("Unable to rate",),
)
OVERALL = Scale(
    "overall", ("Low", "Medium", "High", "Very High"), codes=("1", "2", "3", "4"), scores=(1, 2, 3, 4)
)
TINY = Instrument(
    "tiny",
    "Tiny tool",
    (
        Factor("access", "Access to victims", "risk", "priority"),
        Factor("anger", "Anger", "risk", "priority"),
        Factor("work", "Work", "protective", "priority"),
        Factor("friends", "Friends", "protective", "priority", optional=True),
        Factor("overall", "Overall priority", "overall", "overall"),
    ),
    {"priority": PRIORITY, "overall": OVERALL},
)
TINY_TOML = """name = "tiny"
title = "Tiny tool"
[scales.priority]
categories = ["Low", "Medium", "High"]
short = ["L", "M", "H"]
codes = ["1", "2", "3"]
not_rated = ["Unable to rate"]
[scales.overall]
categories = ["Low", "Medium", "High", "Very High"]
codes = ["1", "2", "3", "4"]
""" + "".join(
    f'[[factors]]\nid = "{f.id}"\nlabel = "{f.label}"\nkind = "{f.kind}"\nscale = "{f.scale}"\n'
    f"optional = {str(f.optional).lower()}\n"
    for f in TINY.factors
)
STUDY_TOML = """[study]
title = "Small – “quoted”"
instrument = "tiny.toml"
synthetic = true
[simulation]
seed = 7
"""

FACTORS = ("access", "anger", "work", "friends", "overall")
WIDE = {  # rater, case -> a rating per factor; 007 did not rate L2
    ("007", "L1"): ("Low", "Medium", "", "Unable to rate", "Low"),
    ("Zoë", "L1"): ("Low", "Low", "Medium", "Low", "Medium"),
    ("Zoë", "H1"): ("High", "Medium", "High", "", "Very High"),
    ("007", "H1"): ("High", "High", "High", "Medium", "High"),
    ("Zoë", "L2"): ("Medium", "Low", "Unable to rate", "Low", "Low"),
}
TABLES: dict[str, list[tuple[str, ...]]] = {
    "ratings": [
        ("rater", "case", "factor", "rating"),
        *((r, c, f, x) for (r, c), row in WIDE.items() for f, x in zip(FACTORS, row, strict=True)),
    ],
    "gold": [
        ("case", "factor", "rating"),
        *(
            (c, f, x)
            for c, row in {
                "L1": ("Low", "Medium", "Low", "Low", "Low"),
                "H1": ("Medium", "High", "Medium", "", "Very High"),
                "L2": ("Medium", "Low", "Medium", "Low", "Medium"),
            }.items()
            for f, x in zip(FACTORS, row, strict=True)
        ),
    ],
    "cases": [
        ("case", "risk_band", "title"),
        ("H1", "higher", "Case – one"),
        ("L1", "lower", ""),
        ("L2", "lower", "x"),
    ],
    "raters": [("rater", "agency"), ("Zoë", "police"), ("007", "probation")],
}
BY_FACTOR = [("rater", "case", *FACTORS), *((r, c, *row) for (r, c), row in WIDE.items())]
BY_RATER = [
    ("case", "factor", "Zoë", "007"),
    *(
        (c, f, *(WIDE.get((r, c), ("",) * 5)[i] for r in ("Zoë", "007")))
        for c in ("L1", "H1", "L2")
        for i, f in enumerate(FACTORS)
    ),
]


def csv_text(rows: list[tuple[str, ...]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_folder(
    folder: Path, delimiter: str = ",", encoding: str = "utf-8", **tables: list[tuple[str, ...]]
) -> Path:
    """The study as a folder; tables given replace those of the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(STUDY_TOML, "utf-8")
    (folder / "tiny.toml").write_text(TINY_TOML, "utf-8")
    for name, rows in {**TABLES, **tables}.items():
        (folder / f"{name}.csv").write_bytes(csv_text(rows, delimiter).encode(encoding))
    return folder


def write_workbook(path: Path, **tables: list[tuple[object, ...]] | None) -> Path:
    """The study as a workbook; tables given replace those of the same name, None leaves one out."""
    import openpyxl

    (path.parent / "tiny.toml").write_text(TINY_TOML, "utf-8")
    study = [
        ("title", "Small – “quoted”"),
        ("instrument", "tiny.toml"),
        ("synthetic", True),
        ("simulation.seed", 7),
    ]
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in {"study": study, **TABLES, **tables}.items():
        if rows is not None:
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append([None if cell == "" else cell for cell in row])
    book.save(path)
    return path


def columns(rows: list[tuple[str, ...]]) -> dict[str, list[str | None]]:
    """The rows as columns, an empty cell as None: what a data frame is made of."""
    header, *body = rows
    return {name: [row[i] or None for row in body] for i, name in enumerate(header)}
