"""arms_irr: inter-rater reliability of ARMS and other structured risk judgements.

The public names are imported when they are first used, so that ``import arms_irr`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arms_irr.analysis.comparing import compare as compare
    from arms_irr.analysis.result import Result as Result
    from arms_irr.analysis.severity_bayes import severity_posterior as severity_posterior
    from arms_irr.analysis.stream import stream_agreement as stream_agreement
    from arms_irr.analysis.stream import stream_ratings as stream_ratings
    from arms_irr.analysis.titles import title_of as title_of
    from arms_irr.errors import ArgumentError as ArgumentError
    from arms_irr.errors import ArmsError as ArmsError
    from arms_irr.errors import DataError as DataError
    from arms_irr.errors import Problem as Problem
    from arms_irr.instruments.load import load_instrument as load_instrument
    from arms_irr.instruments.load import shipped_instruments as shipped_instruments
    from arms_irr.instruments.model import Instrument as Instrument
    from arms_irr.planning.assurance import assurance as assurance
    from arms_irr.planning.blocks import assignment_table as assignment_table
    from arms_irr.planning.blocks import block_quality as block_quality
    from arms_irr.planning.blocks import build_design as build_design
    from arms_irr.planning.fit import fit_parameters as fit_parameters
    from arms_irr.planning.parameters import Parameters as Parameters
    from arms_irr.planning.precision import one_more as one_more
    from arms_irr.planning.precision import precision as precision
    from arms_irr.planning.precision import trade_off as trade_off
    from arms_irr.planning.simulate import example as example
    from arms_irr.planning.simulate import simulate as simulate
    from arms_irr.planning.twin import twin as twin
    from arms_irr.planning.vignettes import gold_profiles as gold_profiles
    from arms_irr.planning.vignettes import new_vignettes as new_vignettes
    from arms_irr.planning.vignettes import vignette_diagnostics as vignette_diagnostics
    from arms_irr.reporting.comparison import compare_studies as compare_studies
    from arms_irr.reporting.evaluation import evaluate as evaluate
    from arms_irr.reporting.feedback import feedback as feedback
    from arms_irr.reporting.plan import plan as plan
    from arms_irr.statistics.arrays import agreement as agreement
    from arms_irr.statistics.arrays import tally as tally
    from arms_irr.statistics.concordance import lin_ccc as lin_ccc
    from arms_irr.statistics.concordance import robinson_a as robinson_a
    from arms_irr.statistics.differences import difference as difference
    from arms_irr.statistics.dispersion import a_wg as a_wg
    from arms_irr.statistics.dispersion import average_deviation as average_deviation
    from arms_irr.statistics.dispersion import finn as finn
    from arms_irr.statistics.dispersion import r_wg as r_wg
    from arms_irr.statistics.estimate import Estimate as Estimate
    from arms_irr.statistics.generalizability import GStudy as GStudy
    from arms_irr.statistics.generalizability import g_study as g_study
    from arms_irr.statistics.half_widths import agreement_half_width as agreement_half_width
    from arms_irr.statistics.half_widths import gold_agreement_half_width as gold_agreement_half_width
    from arms_irr.statistics.half_widths import icc_interval_width as icc_interval_width
    from arms_irr.statistics.half_widths import intraclass_kappa_limits as intraclass_kappa_limits
    from arms_irr.statistics.half_widths import n_for_agreement_half_width as n_for_agreement_half_width
    from arms_irr.statistics.half_widths import n_for_icc_interval as n_for_icc_interval
    from arms_irr.statistics.half_widths import (
        n_for_intraclass_kappa_interval as n_for_intraclass_kappa_interval,
    )
    from arms_irr.statistics.half_widths import raters_for_gold_agreement as raters_for_gold_agreement
    from arms_irr.statistics.homogeneity import bhapkar as bhapkar
    from arms_irr.statistics.homogeneity import mcnemar as mcnemar
    from arms_irr.statistics.homogeneity import stuart_maxwell as stuart_maxwell
    from arms_irr.statistics.icc import icc as icc
    from arms_irr.statistics.latent import category_probability as category_probability
    from arms_irr.statistics.latent import latent_icc as latent_icc
    from arms_irr.statistics.latent import pair_agreement as pair_agreement
    from arms_irr.statistics.latent import probability_difference as probability_difference
    from arms_irr.statistics.measurement_error import measurement_error as measurement_error
    from arms_irr.statistics.ordinal import OrdinalFit as OrdinalFit
    from arms_irr.statistics.ordinal import dummies as dummies
    from arms_irr.statistics.ordinal import interactions as interactions
    from arms_irr.statistics.ordinal import ordinal_model as ordinal_model
    from arms_irr.statistics.permutation import label_permutation as label_permutation
    from arms_irr.statistics.permutation import sign_flip as sign_flip
    from arms_irr.statistics.power import detectable_icc as detectable_icc
    from arms_irr.statistics.power import detectable_intraclass_kappa as detectable_intraclass_kappa
    from arms_irr.statistics.power import detectable_kappa as detectable_kappa
    from arms_irr.statistics.power import n_for_icc as n_for_icc
    from arms_irr.statistics.power import n_for_intraclass_kappa as n_for_intraclass_kappa
    from arms_irr.statistics.power import n_for_kappa as n_for_kappa
    from arms_irr.statistics.power import power_for_icc as power_for_icc
    from arms_irr.statistics.power import power_for_intraclass_kappa as power_for_intraclass_kappa
    from arms_irr.statistics.power import power_for_kappa as power_for_kappa
    from arms_irr.statistics.ranks import kendall_w as kendall_w
    from arms_irr.statistics.ranks import mean_correlation as mean_correlation
    from arms_irr.statistics.reach import achievable as achievable
    from arms_irr.statistics.specific import by_category as by_category
    from arms_irr.statistics.specific import cross_table as cross_table
    from arms_irr.statistics.specific import indices as indices
    from arms_irr.statistics.specific import kappa_max as kappa_max
    from arms_irr.statistics.specific import specific_agreement as specific_agreement
    from arms_irr.study.opening import read_study as read_study
    from arms_irr.study.study import Study as Study

__version__ = "0.1.0"

_HOME = {
    "ArgumentError": "arms_irr.errors",
    "ArmsError": "arms_irr.errors",
    "DataError": "arms_irr.errors",
    "Estimate": "arms_irr.statistics.estimate",
    "GStudy": "arms_irr.statistics.generalizability",
    "Instrument": "arms_irr.instruments.model",
    "OrdinalFit": "arms_irr.statistics.ordinal",
    "Parameters": "arms_irr.planning.parameters",
    "Problem": "arms_irr.errors",
    "Result": "arms_irr.analysis.result",
    "Study": "arms_irr.study.study",
    "a_wg": "arms_irr.statistics.dispersion",
    "achievable": "arms_irr.statistics.reach",
    "agreement": "arms_irr.statistics.arrays",
    "agreement_half_width": "arms_irr.statistics.half_widths",
    "assignment_table": "arms_irr.planning.blocks",
    "assurance": "arms_irr.planning.assurance",
    "average_deviation": "arms_irr.statistics.dispersion",
    "bhapkar": "arms_irr.statistics.homogeneity",
    "block_quality": "arms_irr.planning.blocks",
    "build_design": "arms_irr.planning.blocks",
    "by_category": "arms_irr.statistics.specific",
    "category_probability": "arms_irr.statistics.latent",
    "compare": "arms_irr.analysis.comparing",
    "compare_studies": "arms_irr.reporting.comparison",
    "cross_table": "arms_irr.statistics.specific",
    "detectable_icc": "arms_irr.statistics.power",
    "detectable_intraclass_kappa": "arms_irr.statistics.power",
    "detectable_kappa": "arms_irr.statistics.power",
    "difference": "arms_irr.statistics.differences",
    "dummies": "arms_irr.statistics.ordinal",
    "evaluate": "arms_irr.reporting.evaluation",
    "feedback": "arms_irr.reporting.feedback",
    "example": "arms_irr.planning.simulate",
    "finn": "arms_irr.statistics.dispersion",
    "fit_parameters": "arms_irr.planning.fit",
    "g_study": "arms_irr.statistics.generalizability",
    "gold_agreement_half_width": "arms_irr.statistics.half_widths",
    "gold_profiles": "arms_irr.planning.vignettes",
    "icc": "arms_irr.statistics.icc",
    "icc_interval_width": "arms_irr.statistics.half_widths",
    "indices": "arms_irr.statistics.specific",
    "interactions": "arms_irr.statistics.ordinal",
    "intraclass_kappa_limits": "arms_irr.statistics.half_widths",
    "kappa_max": "arms_irr.statistics.specific",
    "kendall_w": "arms_irr.statistics.ranks",
    "label_permutation": "arms_irr.statistics.permutation",
    "latent_icc": "arms_irr.statistics.latent",
    "lin_ccc": "arms_irr.statistics.concordance",
    "load_instrument": "arms_irr.instruments.load",
    "mcnemar": "arms_irr.statistics.homogeneity",
    "mean_correlation": "arms_irr.statistics.ranks",
    "measurement_error": "arms_irr.statistics.measurement_error",
    "n_for_agreement_half_width": "arms_irr.statistics.half_widths",
    "n_for_icc": "arms_irr.statistics.power",
    "n_for_icc_interval": "arms_irr.statistics.half_widths",
    "n_for_intraclass_kappa": "arms_irr.statistics.power",
    "n_for_intraclass_kappa_interval": "arms_irr.statistics.half_widths",
    "n_for_kappa": "arms_irr.statistics.power",
    "new_vignettes": "arms_irr.planning.vignettes",
    "one_more": "arms_irr.planning.precision",
    "ordinal_model": "arms_irr.statistics.ordinal",
    "pair_agreement": "arms_irr.statistics.latent",
    "plan": "arms_irr.reporting.plan",
    "power_for_icc": "arms_irr.statistics.power",
    "power_for_intraclass_kappa": "arms_irr.statistics.power",
    "power_for_kappa": "arms_irr.statistics.power",
    "precision": "arms_irr.planning.precision",
    "probability_difference": "arms_irr.statistics.latent",
    "r_wg": "arms_irr.statistics.dispersion",
    "raters_for_gold_agreement": "arms_irr.statistics.half_widths",
    "read_study": "arms_irr.study.opening",
    "robinson_a": "arms_irr.statistics.concordance",
    "severity_posterior": "arms_irr.analysis.severity_bayes",
    "shipped_instruments": "arms_irr.instruments.load",
    "sign_flip": "arms_irr.statistics.permutation",
    "simulate": "arms_irr.planning.simulate",
    "specific_agreement": "arms_irr.statistics.specific",
    "stream_agreement": "arms_irr.analysis.stream",
    "stream_ratings": "arms_irr.analysis.stream",
    "stuart_maxwell": "arms_irr.statistics.homogeneity",
    "tally": "arms_irr.statistics.arrays",
    "title_of": "arms_irr.analysis.titles",
    "twin": "arms_irr.planning.twin",
    "trade_off": "arms_irr.planning.precision",
    "vignette_diagnostics": "arms_irr.planning.vignettes",
}
__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'arms_irr' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
