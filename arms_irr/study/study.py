"""Study: instrument, ratings, gold standard, cases and raters; checked once and immutable."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from arms_irr.errors import DataError, Problem, in_order
from arms_irr.instruments import Instrument, load_instrument, shipped_instruments
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.study.check import check
from arms_irr.study.ratings import Ratings
from arms_irr.study.read import read_bytes, read_frame
from arms_irr.study.settings import EXAMPLE, PARTS, Settings
from arms_irr.study.sources import from_folder, from_workbook, no_raters
from arms_irr.study.table import Table, counted
from arms_irr.study.workbook import WORKBOOKS

if TYPE_CHECKING:
    import pandas as pd

    from arms_irr.analysis.result import Result

__all__ = ["Ratings", "Study", "read_study"]

_BAND_ORDER = {
    "very low": 0,
    "low": 1,
    "lower": 1,
    "medium": 2,
    "moderate": 2,
    "high": 3,
    "higher": 3,
    "very high": 4,
}


@dataclass(frozen=True, eq=False)
class Study:
    """Ratings of cases by raters with an instrument.

    Attributes
    ----------
    synthetic : bool
        Whether the data were made up; printed on every page made from them.
    simulation : dict
        Parameters and seed of simulated data.
    source : Path or None
        Folder or workbook; None for a study from data frames.
    files : tuple of (str, Path)
        Every file that was read: ``study, instrument, ratings, gold, cases, raters`` or ``workbook``.
    raters, cases : tuple of str
        In the order of their tables; in natural order where there is none.
    rater_attributes, case_attributes : dict of str to tuple of str
        One text per rater or case, ``""`` where it is not known. The risk band of a case is ``risk_band``.
    ratings : Ratings
        Every rating asked for, blanks too.
    gold : int8 array, (cases, factors), or None
        Categories, ``UNABLE`` or ``NOT_GIVEN``; None when the study declares that it has no gold standard.
    gold_panel : dict of str to int8 array, (cases, factors)
        Each member's gold ratings; empty where there is one source.
    notes : tuple of str
        What was recognised in the files, and every change with its count.
    warnings : tuple of Problem
    """

    instrument: Instrument
    title: str
    raters: tuple[str, ...]
    cases: tuple[str, ...]
    ratings: Ratings
    gold: np.ndarray | None = None
    gold_panel: Mapping[str, np.ndarray] = field(default_factory=dict)
    rater_attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    case_attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    description: str = ""
    synthetic: bool = False
    simulation: Mapping[str, Any] = field(default_factory=dict)
    source: Path | None = None
    files: tuple[tuple[str, Path], ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @classmethod
    def from_frames(
        cls,
        ratings: Any,
        gold: Any = None,
        cases: Any = None,
        raters: Any = None,
        *,
        instrument: str | Instrument = "arms-12",
        title: str = "Untitled study",
        description: str = "",
        synthetic: bool = False,
        simulation: Mapping[str, Any] | None = None,
    ) -> Study:
        """A study from data frames of any engine (pandas, polars, pyarrow, DuckDB, Dask ...).

        Parameters
        ----------
        ratings : data frame
            In any layout that files may have.
        gold, cases, raters : data frame, optional
            Without ``gold`` the study has no gold standard; without ``cases`` nothing goes by band.
        instrument : str or Instrument
            A shipped name, the path of an instrument file, or an Instrument.
        simulation : dict, optional
            Parameters and seed, when the data were simulated.

        Raises
        ------
        ArgumentError
            When something is not a data frame.
        DataError
            With every problem of the data. Rows are numbered as in a spreadsheet: the header is row 1.
        """
        problems: list[Problem] = []
        tables: dict[str, Table | None] = {}
        for name, frame in zip(PARTS, (ratings, gold, cases, raters), strict=True):
            if frame is not None or name == "ratings":
                try:
                    tables[name] = read_frame(frame, name)
                except DataError as error:
                    problems += error.problems
                    tables[name] = None
        if raters is None:
            problems.append(no_raters(None))
        tool = (
            instrument if isinstance(instrument, Instrument) else _instrument(str(instrument), None, problems)
        )
        settings = Settings(title, "", synthetic, description, dict(simulation or {}))
        return _study(settings, tool, tables, problems)

    @property
    def has_gold(self) -> bool:
        """Whether there is a gold standard."""
        return self.gold is not None

    @property
    def factors_rated(self) -> tuple[int, ...]:
        """Positions of the instrument's factors that the study has ratings of."""
        return tuple(np.unique(self.ratings.factor).tolist())

    @property
    def case_titles(self) -> dict[str, str]:
        """Case ids to titles, where every case has a title of its own; otherwise to themselves."""
        titles = self.case_attributes.get("title", ())
        own = len(set(titles)) == len(self.cases) and all(titles)
        return dict(zip(self.cases, titles if own else self.cases, strict=True))

    @property
    def bands(self) -> tuple[str, ...]:
        """Risk bands, the lowest first where their names say so, otherwise in order of appearance."""
        bands = tuple(dict.fromkeys(band for band in self.case_attributes.get("risk_band", ()) if band))
        ranks = [
            _BAND_ORDER.get(band.casefold().removesuffix(" risk").removesuffix("-risk")) for band in bands
        ]
        if any(rank is None for rank in ranks):
            return bands
        return tuple(
            band for _, band in sorted(zip(ranks, bands, strict=True), key=lambda pair: pair[0] or 0)
        )

    def frame(self) -> pd.DataFrame:
        """The ratings asked for as a pandas frame of labels, one row each.

        Columns: rater, case, factor, kind, attributes of the case (``risk_band`` first) and of the rater,
        rating, urgency, occasion, gold. What is not given or not known is missing;
        "unable to rate" is a label.
        """
        import pandas as pd

        ratings, factors = self.ratings, self.instrument.factors
        columns: dict[str, Any] = {
            "rater": np.array(self.raters, dtype=object)[ratings.rater],
            "case": np.array(self.cases, dtype=object)[ratings.case],
            "factor": np.array([f.id for f in factors], dtype=object)[ratings.factor],
            "kind": np.array([f.kind for f in factors], dtype=object)[ratings.factor],
        }
        bands_first = sorted(self.case_attributes, key=lambda name: name != "risk_band")
        for name in bands_first:
            columns[name] = _texts(self.case_attributes[name])[ratings.case]
        for name, values in self.rater_attributes.items():
            columns[name] = _texts(values)[ratings.rater]
        columns["rating"] = self._labels(ratings.code)
        columns["urgency"] = self._labels(ratings.urgency)
        columns["occasion"] = ratings.occasion.astype(np.int64)
        if self.gold is not None:
            columns["gold"] = self._labels(self.gold[ratings.case, ratings.factor])
        return pd.DataFrame(columns)

    def _labels(self, codes: np.ndarray) -> np.ndarray:
        """The label of each rating's code on the scale of its factor; None for ``NOT_GIVEN``."""
        scales = [self.instrument.scales[factor.scale] for factor in self.instrument.factors]
        most = max(len(scale.categories) for scale in scales)
        table = np.full(
            (len(scales), most + 2), None, dtype=object
        )  # the last two are NOT_GIVEN, UNABLE from behind
        for row, scale in enumerate(scales):
            table[row, : len(scale.categories)] = scale.categories
            table[row, UNABLE] = scale.label(UNABLE) or None
        return table[self.ratings.factor, codes]

    # --- questions: each verb opens the door of its file in arms_irr.analysis -----------------------------

    def design(self) -> Result:
        """What this design can and cannot show; see :func:`arms_irr.analysis.design.design`."""
        from arms_irr.analysis.design import design

        return design(self)

    def distributions(self, **options: Any) -> Result:
        """What was rated; see :func:`arms_irr.analysis.distributions.distributions`."""
        from arms_irr.analysis.distributions import distributions

        return distributions(self, **options)

    def against_gold(self, by: Sequence[str] = ("factor", "case"), **options: Any) -> Result:
        """Agreement with the gold standard; see :func:`arms_irr.analysis.gold.against_gold`."""
        from arms_irr.analysis.gold import against_gold

        return against_gold(self, by, **options)

    def agreement(self, by: Sequence[str] = ("factor", "risk_band"), **options: Any) -> Result:
        """Agreement between raters; see :func:`arms_irr.analysis.consistency.between_raters`."""
        from arms_irr.analysis.consistency import between_raters

        return between_raters(self, by, **options)

    def icc(self, by: Sequence[str] = ("factor", "risk_band"), **options: Any) -> Result:
        """Intraclass correlation; see :func:`arms_irr.analysis.consistency.icc_between`."""
        from arms_irr.analysis.consistency import icc_between

        return icc_between(self, by, **options)

    def rater_agreement(self, **options: Any) -> Result:
        """Each rater against the gold standard; see :func:`arms_irr.analysis.raters.rater_agreement`."""
        from arms_irr.analysis.raters import rater_agreement

        return rater_agreement(self, **options)

    def ratability(self, by: Sequence[str] = ("kind", "risk_band"), **options: Any) -> Result:
        """Unable to rate as an outcome; see :func:`arms_irr.analysis.ratability.ratability`."""
        from arms_irr.analysis.ratability import ratability

        return ratability(self, by, **options)

    def estimands(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """Three readings of 'unable to rate'; see :func:`arms_irr.analysis.ratability.estimands`."""
        from arms_irr.analysis.ratability import estimands

        return estimands(self, by, **options)

    def agreement_bounds(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """Worst and best case of what was not rated; see :func:`arms_irr.analysis.imputation.agreement_bounds`."""
        from arms_irr.analysis.imputation import agreement_bounds

        return agreement_bounds(self, by, **options)

    def crosscheck(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """A second opinion by other packages; see :func:`arms_irr.analysis.crosscheck.crosscheck`."""
        from arms_irr.analysis.crosscheck import crosscheck

        return crosscheck(self, by, **options)

    def _summary(self) -> list[str]:
        """The study in a few sentences."""
        code = self.ratings.code
        panel = f", from {len(self.gold_panel)} panel members" if self.gold_panel else ""
        return [
            f"{counted(len(self.raters), 'rater')}, {counted(len(self.cases), 'case')}, "
            f"{counted(len(self.factors_rated), 'factor')} of {self.instrument.name}.",
            f"{counted(len(code), 'rating')} asked for: {int((code >= 0).sum())} priorities, "
            f"{int((code == UNABLE).sum())} unable to rate, {int((code == NOT_GIVEN).sum())} not given.",
            f"Gold standard: {'yes' + panel if self.has_gold else 'none'}. "
            f"Risk bands: {', '.join(self.bands) or 'none'}.",
            f"Warnings: {len(self.warnings)}.",
        ]

    def _name(self) -> str:
        told = not self.synthetic or "synthetic" in self.title.casefold()
        return self.title if told else f"{self.title} (synthetic data)"

    def __repr__(self) -> str:
        return "\n  ".join([f"Study: {self._name()}", *self._summary()])

    def _repr_html_(self) -> str:
        lines = "<br>".join(html.escape(line) for line in self._summary())
        return f"<p><strong>{html.escape(self._name())}</strong><br>{lines}</p>"


def read_study(path: str | Path) -> Study:
    """A study from a folder with ``study.toml``, or from a workbook with the sheets ``study, ratings ...``.

    Raises
    ------
    DataError
        With every problem of all files, warnings too.
    """
    path = Path(path)
    problems: list[Problem] = []
    path = path.parent if path.name == "study.toml" else path
    try:
        folder = path.is_dir()
    except (OSError, ValueError):
        folder = False
    if folder:
        settings, tables, files = from_folder(path, problems)
    elif path.suffix.lower() in WORKBOOKS:
        settings, tables = from_workbook(path, problems)
        files = [("workbook", path)]
    else:
        read_bytes(path)  # a missing path is told as such
        raise DataError(
            [
                Problem(
                    "error",
                    "A study is a folder with a study.toml, or a workbook.",
                    f"Put this file into a folder, with a study.toml beside it:\n{EXAMPLE}\n[files]\n"
                    f"ratings = {path.name!r}",
                    path.name,
                )
            ]
        )
    beside = path if folder else path.parent
    tool = _instrument(settings.instrument, beside, problems) if settings.instrument else None
    if tool is not None and settings.instrument not in shipped_instruments():
        own = beside / settings.instrument
        files.append(("instrument", own if own.is_file() else Path(settings.instrument)))
    return _study(settings, tool, tables, problems, path, tuple(files))


def _instrument(name: str, beside: Path | None, problems: list[Problem]) -> Instrument | None:
    try:
        return load_instrument(name, beside)
    except DataError as error:
        problems += error.problems
    except (OSError, ValueError) as error:  # a name that no file can have
        problems.append(
            Problem(
                "error",
                f"The instrument {name[:80]!r} cannot be read ({error}).",
                "Give a shipped name or the path of an instrument file.",
                value=name,
            )
        )
    return None


def _study(
    settings: Settings,
    instrument: Instrument | None,
    tables: Mapping[str, Table | None],
    problems: list[Problem],
    source: Path | None = None,
    files: tuple[tuple[str, Path], ...] = (),
) -> Study:
    checked = None
    if instrument is None:
        problems = problems + [problem for table in tables.values() if table for problem in table.problems]
    else:
        checked, found = check(tables, instrument)
        problems = problems + found
    if checked is None or instrument is None or any(problem.severity == "error" for problem in problems):
        raise DataError(problems)
    return Study(
        instrument,
        settings.title,
        checked.raters.names,
        checked.cases.names,
        checked.ratings,
        checked.gold,
        checked.gold_panel,
        checked.raters.attributes,
        checked.cases.attributes,
        settings.description,
        settings.synthetic,
        dict(settings.simulation),
        source,
        files,
        checked.notes,
        in_order(problems),
    )


def _texts(values: tuple[str, ...]) -> np.ndarray:
    return np.array([value or None for value in values], dtype=object)
