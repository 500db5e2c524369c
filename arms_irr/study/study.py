"""Study: instrument, ratings, gold standard, cases and raters; checked once and immutable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from arms_irr.errors import Problem
from arms_irr.instruments import Instrument
from arms_irr.study.ratings import Ratings
from arms_irr.study.settings import PARTS, Settings
from arms_irr.study.words import as_html, as_text

if TYPE_CHECKING:
    import pandas as pd

    from arms_irr.analysis.result import Result

__all__ = ["Ratings", "Study"]

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
    report : dict
        What the table ``report`` says to the report about this study; the report checks it.
    source : Path or None
        Folder or workbook; None for a study from data frames.
    files : tuple of (str, Path)
        Every file of the study: ``study, instrument, ratings, gold, cases, raters`` or ``workbook``, and ``claims``,
        which is named here and read by those who check the claims.
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
    report: Mapping[str, Any] = field(default_factory=dict)

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
        report: Mapping[str, Any] | None = None,
        columns: Mapping[str, Any] | None = None,
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
        report, columns : dict, optional
            What the tables of these names hold in a study.toml; ``columns`` says what the columns of a survey mean.

        Raises
        ------
        ArgumentError
            When something is not a data frame, or no dict where one is asked for.
        DataError
            With every problem of the data. Rows are numbered as in a spreadsheet: the header is row 1.
        """
        from arms_irr.study.opening import open_frames
        frames = dict(zip(PARTS, (ratings, gold, cases, raters), strict=True))
        settings = Settings(title, "", synthetic, description, simulation or {}, report=report or {})
        return open_frames(frames, instrument, settings, columns or {})

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
        """The ratings as a pandas frame of labels, one row each; see :func:`arms_irr.study.frame.frame_of`."""
        from arms_irr.study.frame import frame_of
        return frame_of(self)

    # --- questions: each verb opens the door of its file in arms_irr.analysis -----------------------------

    def design(self) -> Result:
        """What this design can and cannot show; see :func:`arms_irr.analysis.design.design`."""
        from arms_irr.analysis.design import design
        return design(self)

    def distributions(self, **options: Any) -> Result:
        """What was rated; see :func:`arms_irr.analysis.distributions.distributions`."""
        from arms_irr.analysis.distributions import distributions
        return distributions(self, **options)

    def completeness(self, by: Sequence[str] = ("factor",)) -> Result:
        """Ratings asked for and given; see :func:`arms_irr.analysis.distributions.completeness`."""
        from arms_irr.analysis.distributions import completeness
        return completeness(self, by)

    def confusion(self, by: Sequence[str] = ("kind", "risk_band")) -> Result:
        """Gold standard against rating; see :func:`arms_irr.analysis.distributions.confusion`."""
        from arms_irr.analysis.distributions import confusion
        return confusion(self, by)

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

    def overall_consistency(self, **options: Any) -> Result:
        """Overall priority and the paper's guide; see :func:`arms_irr.analysis.overall.overall_consistency`."""
        from arms_irr.analysis.overall import overall_consistency
        return overall_consistency(self, **options)

    def ratability(self, by: Sequence[str] = ("kind", "risk_band"), **options: Any) -> Result:
        """Unable to rate as an outcome; see :func:`arms_irr.analysis.ratability.ratability`."""
        from arms_irr.analysis.ratability import ratability
        return ratability(self, by, **options)

    def ratability_model(self, **options: Any) -> Result:
        """Are protective factors harder to rate; see :func:`arms_irr.analysis.unable.ratability_model`."""
        from arms_irr.analysis.unable import ratability_model
        return ratability_model(self, **options)

    def estimands(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """Three readings of 'unable to rate'; see :func:`arms_irr.analysis.ratability.estimands`."""
        from arms_irr.analysis.ratability import estimands
        return estimands(self, by, **options)

    def gold_rules(self, by: Sequence[str] = ("kind", "risk_band"), **options: Any) -> Result:
        """Gold standard by rule for 'unable to rate'; see :func:`arms_irr.analysis.imputation.gold_rules`."""
        from arms_irr.analysis.imputation import gold_rules
        return gold_rules(self, by, **options)

    def agreement_bounds(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """Worst and best case of what was not rated; see :func:`arms_irr.analysis.imputation.agreement_bounds`."""
        from arms_irr.analysis.imputation import agreement_bounds
        return agreement_bounds(self, by, **options)

    def paradox(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """High agreement beside a low kappa; see :func:`arms_irr.analysis.interpretation.paradox`."""
        from arms_irr.analysis.interpretation import paradox
        return paradox(self, by, **options)

    def fragile(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """Ratings that must change to cross a benchmark; see :func:`arms_irr.analysis.interpretation.fragile`."""
        from arms_irr.analysis.interpretation import fragile
        return fragile(self, by, **options)

    def reach(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """What a coefficient can reach here; see :func:`arms_irr.analysis.interpretation.reach`."""
        from arms_irr.analysis.interpretation import reach
        return reach(self, by, **options)

    def contrast(self, column: str = "risk_band", **options: Any) -> Result:
        """Two levels compared within or between officers; see :func:`arms_irr.analysis.contrasts.contrast`."""
        from arms_irr.analysis.contrasts import contrast
        return contrast(self, column, **options)

    def confirmatory(self, **options: Any) -> Result:
        """The three pre-specified contrasts with Holm's correction; see :func:`arms_irr.analysis.contrasts.confirmatory`."""
        from arms_irr.analysis.contrasts import confirmatory
        return confirmatory(self, **options)

    def factor_contrasts(self, column: str = "risk_band", **options: Any) -> Result:
        """Two levels compared factor by factor; see :func:`arms_irr.analysis.by_factor.factor_contrasts`."""
        from arms_irr.analysis.by_factor import factor_contrasts
        return factor_contrasts(self, column, **options)

    def before_after(self, **options: Any) -> Result:
        """The last occasion against the first; see :func:`arms_irr.analysis.occasions.before_after`."""
        from arms_irr.analysis.occasions import before_after
        return before_after(self, **options)

    def between_agencies(self, attribute: str = "agency", **options: Any) -> Result:
        """Agreement within and between groups of officers; see :func:`arms_irr.analysis.agencies.between_agencies`."""
        from arms_irr.analysis.agencies import between_agencies
        return between_agencies(self, attribute, **options)

    def by_gold_category(self, by: Sequence[str] = ("risk_band",), **options: Any) -> Result:
        """Exact agreement by the category of the gold standard; see :func:`arms_irr.analysis.composition.by_gold_category`."""
        from arms_irr.analysis.composition import by_gold_category
        return by_gold_category(self, by, **options)

    def standardised_contrast(self, column: str = "risk_band", **options: Any) -> Result:
        """Two levels at a common mix of golds; see :func:`arms_irr.analysis.composition.standardised_contrast`."""
        from arms_irr.analysis.composition import standardised_contrast
        return standardised_contrast(self, column, **options)

    def adjusted_contrast(self, **options: Any) -> Result:
        """Contrasts from a mixed logistic model; see :func:`arms_irr.analysis.composition.adjusted_contrast`."""
        from arms_irr.analysis.composition import adjusted_contrast
        return adjusted_contrast(self, **options)

    def missed_high(self, by: Sequence[str] = ("factor", "case"), **options: Any) -> Result:
        """Rated lower where the gold standard is the highest category; see :func:`arms_irr.analysis.missed.missed_high`."""
        from arms_irr.analysis.missed import missed_high
        return missed_high(self, by, **options)

    def cost_curve(self, by: Sequence[str] = ("kind", "risk_band"), **options: Any) -> Result:
        """Expected cost where under-rating weighs more; see :func:`arms_irr.analysis.missed.cost_curve`."""
        from arms_irr.analysis.missed import cost_curve
        return cost_curve(self, by, **options)

    def overall_integration(self, **options: Any) -> Result:
        """Where disagreement on the overall priority comes from; see :func:`arms_irr.analysis.overall.overall_integration`."""
        from arms_irr.analysis.overall import overall_integration
        return overall_integration(self, **options)

    def final_level(self, **options: Any) -> Result:
        """The level of risk management by the user's own table; see :func:`arms_irr.analysis.consequences.final_level`."""
        from arms_irr.analysis.consequences import final_level
        return final_level(self, **options)

    def visits(self, **options: Any) -> Result:
        """Visits a year under the gold standard and under the officers; see :func:`arms_irr.analysis.consequences.visits`."""
        from arms_irr.analysis.consequences import visits
        return visits(self, **options)

    def diagnostics(self, by: Sequence[str] = ("rater",), **options: Any) -> Result:
        """Severity, use of the scale and accuracy of each officer; see :func:`arms_irr.analysis.diagnostics.diagnostics`."""
        from arms_irr.analysis.diagnostics import diagnostics
        return diagnostics(self, by, **options)

    def halo(self, **options: Any) -> Result:
        """How far an officer reads a whole case higher or lower; see :func:`arms_irr.analysis.halo.halo`."""
        from arms_irr.analysis.halo import halo
        return halo(self, **options)

    def reversal_screen(self, **options: Any) -> Result:
        """Officers who may read protective factors the other way round; see :func:`arms_irr.analysis.reversal.reversal_screen`."""
        from arms_irr.analysis.reversal import reversal_screen
        return reversal_screen(self, **options)

    def influence(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """What leaving out one officer or factor changes; see :func:`arms_irr.analysis.influence.influence`."""
        from arms_irr.analysis.influence import influence
        return influence(self, by, **options)

    def gold_review(self, **options: Any) -> Result:
        """Cells where officers agree with each other and not with the gold standard; see :func:`arms_irr.analysis.gold_review.gold_review`."""
        from arms_irr.analysis.gold_review import gold_review
        return gold_review(self, **options)

    def consensus(self, **options: Any) -> Result:
        """The officers' own consensus beside the gold standard; see :func:`arms_irr.analysis.gold_review.consensus`."""
        from arms_irr.analysis.gold_review import consensus
        return consensus(self, **options)

    def uncertain_gold(self, **options: Any) -> Result:
        """Agreement with a gold standard drawn among its panel; see :func:`arms_irr.analysis.gold_review.uncertain_gold`."""
        from arms_irr.analysis.gold_review import uncertain_gold
        return uncertain_gold(self, **options)

    def camps(self, by: Sequence[str] = ("factor", "case"), **options: Any) -> Result:
        """Scatter or two camps in each cell; see :func:`arms_irr.analysis.camps.camps`."""
        from arms_irr.analysis.camps import camps
        return camps(self, by, **options)

    def dependability(self, **options: Any) -> Result:
        """G-study of the design, and the officers needed per case; see :func:`arms_irr.analysis.dependability.dependability`."""
        from arms_irr.analysis.dependability import dependability
        return dependability(self, **options)

    def severity(self, **options: Any) -> Result:
        """The many-facet model of severity; see :func:`arms_irr.analysis.severity.severity`."""
        from arms_irr.analysis.severity import severity
        return severity(self, **options)

    def certify(self, rule: Any = None, **options: Any) -> Result:
        """Pass, more cases needed or refer for coaching; see :func:`arms_irr.analysis.certification.certify`."""
        from arms_irr.analysis.certification import certify
        return certify(self, rule, **options)

    def training_effect(self, **options: Any) -> Result:
        """The change from before to after training; see :func:`arms_irr.analysis.training.training_effect`."""
        from arms_irr.analysis.training import training_effect
        return training_effect(self, **options)

    def rerating(self, by: Sequence[str] = (), **options: Any) -> Result:
        """Officers against their own first rating; see :func:`arms_irr.analysis.drift.rerating`."""
        from arms_irr.analysis.drift import rerating
        return rerating(self, by, **options)

    def control_chart(self, over: str = "occasion", **options: Any) -> Result:
        """Agreement over occasions or dates with its limits; see :func:`arms_irr.analysis.drift.control_chart`."""
        from arms_irr.analysis.drift import control_chart
        return control_chart(self, over, **options)

    def sensitivity(self, **options: Any) -> Result:
        """The headline numbers under other choices; see :func:`arms_irr.analysis.sensitivity.sensitivity`."""
        from arms_irr.analysis.sensitivity import sensitivity
        return sensitivity(self, **options)

    def crosscheck(self, by: Sequence[str] = ("case",), **options: Any) -> Result:
        """A second opinion by other packages; see :func:`arms_irr.analysis.crosscheck.crosscheck`."""
        from arms_irr.analysis.crosscheck import crosscheck
        return crosscheck(self, by, **options)

    def script(self, language: str, by: Sequence[str] = ("case",)) -> str:
        """The same numbers in R, Stata or SPSS; see :func:`arms_irr.analysis.elsewhere.script`."""
        from arms_irr.analysis.elsewhere import script
        return script(self, language, by)

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
