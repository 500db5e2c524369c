"""``arms-irr compare``: two studies side by side, on the screen or as a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arms_irr.cli.ask import Confidence, Csv, Json, names, read
from arms_irr.cli.evaluate import FORMATS_HELP, Language, Template
from arms_irr.cli.show import SYNTHETIC, Table, answer, one_format, sentences, working
from arms_irr.errors import ArgumentError

if TYPE_CHECKING:
    from arms_irr.analysis.result import Result
    from arms_irr.statistics.estimate import Estimate

__all__ = ["compare"]

WEIGHTS = "gwet and brennan_prediger count near misses with quadratic weights, krippendorff with its ordinal metric, percent not at all."
First = Annotated[Path, typer.Argument(metavar="FIRST", help="Folder with a study.toml, or a workbook.", show_default=False)]
Second = Annotated[Path, typer.Argument(metavar="SECOND", help="The study to compare it with.", show_default=False)]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Write a report into this folder instead.", show_default=False)
]
Formats = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="NAMES", help=f"Of the report: {FORMATS_HELP[0].lower()}{FORMATS_HELP[1:]} All by default.", show_default=False),
]
Paired = Annotated[
    bool, typer.Option("--paired", help="Officers of the same name are the same people.", show_default=False)
]


def compare(
    first: First, second: Second, out: Out = None, paired: Paired = False, formats: Formats = None, confidence: Confidence = 0.95,
    lang: Language = "en", template: Template = None, as_json: Json = False, as_csv: Csv = False,
) -> None:
    """Two studies side by side, and their differences.

    Differences are the second study less the first. With -o a report is written.
    """
    from arms_irr.statistics.estimate import check_confidence

    one_format(as_json, as_csv)
    check_confidence(confidence)
    if out is not None and (as_json or as_csv):
        raise ArgumentError("-o writes a report, and --json and --csv a table. Give one of them.")
    if out is None and (formats is not None or template is not None):
        raise ArgumentError("--format and --template belong to a report. Add -o FOLDER.")
    both = read(first), read(second)
    if out is None:
        from arms_irr.analysis.comparing import compare as compared

        with working("comparing the two studies"):
            result = compared(*both, paired=paired, confidence_level=confidence)
        return answer(result, lambda found: _laid(found, confidence), as_json=as_json, as_csv=as_csv)
    chosen = {} if formats is None else {"formats": names(formats)}
    with working("loading") as step:
        from arms_irr.reporting.comparison import compare_studies

        folder = compare_studies(*both, out, paired=paired, confidence_level=confidence, language=lang, template=template, step=step, **chosen)
    written = sorted(path.name for path in folder.glob("report.*") if path.suffix != ".json")
    sentences(
        f"The report is in {folder}: {', '.join(written)}.",
        *([SYNTHETIC] if any(study.synthetic for study in both) else []),
        "Next: open it and read what the comparison cannot show, before the differences.",
    )


def _laid(result: Result, level: float) -> Table:
    """One row a statistic: both studies and the difference, each in its unit and with its interval."""
    from arms_irr.cli.lay import interval_head
    from arms_irr.reporting.wording import footnotes, letters, marks

    marked = letters(row.estimate for row in result)
    groups = [name for name in result.by if name not in ("statistic", "side")]
    found: dict[tuple[str, ...], dict[str, tuple[str, Estimate]]] = {}
    for row in result:
        key = (*(row[name] or "all" for name in groups), row["statistic"])
        found.setdefault(key, {})[row["side"]] = row.coefficient, row.estimate
    rows = []
    for key, sides in found.items():
        cells = [cell for coefficient, e in sides.values() for cell in _number(coefficient, e)]
        flags = sorted({letter for _, e in sides.values() for letter in marks(e, marked).split(", ") if letter})
        rows.append((*key, *cells, ", ".join(flags)))
    limits = interval_head(level)
    head = (*groups, "statistic", "first", limits, "second", limits, "difference", limits, "notes")
    return Table(head, rows, len(groups) + 1, len(groups), (*footnotes(marked), WEIGHTS, *result.notes))


def _number(coefficient: str, e: Estimate) -> tuple[str, str]:
    """Value with its unit, and interval."""
    from arms_irr.analysis.titles import title_of
    from arms_irr.cli.lay import UNITS
    from arms_irr.reporting.wording import interval, number, signed

    scale, decimals, unit = UNITS[title_of(coefficient).unit]
    written = signed if coefficient.startswith("difference") else number
    return written(scale * e.value, decimals) + (unit if e.estimable else ""), interval(e, scale, decimals)
