"""What every statistic is called, and how its number is to be read: the one place for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arms_irr.statistics.icc import FORMS

__all__ = ["TITLES", "Title", "title_of", "words_of"]

Unit = Literal["share", "points", "coefficient", "steps", "count", "months", "probability", "ratio", "logits"]


@dataclass(frozen=True)
class Title:
    """A statistic in words, and its unit.

    Attributes
    ----------
    words : str
        As it stands in the head of a row or column.
    unit : str
        ``share``: from 0 to 1, read in per cent. ``points``: a difference of shares, read in percentage
        points. ``coefficient``: at most 1. ``steps``: of the rating scale. ``count``. ``months``.
        ``probability``: from 0 to 1, read as it is. ``ratio``: two quantities of one kind, read as it is. ``logits``: of the
        severity model.
    """

    words: str
    unit: Unit = "coefficient"


TITLES: dict[str, Title] = {
    # agreement between raters
    "percent": Title("Percent agreement", "share"),
    "gwet": Title("Gwet's AC"),
    "brennan_prediger": Title("Brennan-Prediger"),
    "conger": Title("Conger's kappa"),
    "fleiss": Title("Fleiss' kappa"),
    "krippendorff": Title("Krippendorff's alpha"),
    "cohen": Title("Cohen's kappa"),
    "scott": Title("Scott's pi"),
    "light": Title("Light's kappa"),
    "r_wg": Title("Within-group agreement r_WG"),
    "icc": Title("ICC"),
    **{form: Title(form) for form in FORMS},
    # agreement with the gold standard
    "agreement with gold": Title("Agreement with the gold standard", "share"),
    "exact": Title("Same priority as the gold standard", "share"),
    "exact_of_asked": Title("Same priority, of all ratings asked for", "share"),
    "adjacent": Title("At most one step from the gold standard", "share"),
    "adjacent_extreme": Title("At most one step, where the gold standard is the lowest or highest category", "share"),
    "under": Title("Lower priority than the gold standard", "share"),
    "over": Title("Higher priority than the gold standard", "share"),
    "missed_high": Title("Gold standard in the highest category, rated lower", "share"),
    "mean_signed_error": Title("Mean of rating minus gold standard", "steps"),
    # what was rated
    "share": Title("Share of the ratings", "share"),
    "count": Title("Number of ratings", "count"),
    "given": Title("Priorities given, of all ratings asked for", "share"),
    "not_given": Title("Blanks, of all ratings asked for", "share"),
    # what a coefficient may be called
    "changes": Title("Ratings that must change", "count"),
    "prevalence_index": Title("Prevalence index"),
    "bias_index": Title("Bias index"),
    "pabak": Title("PABAK, prevalence- and bias-adjusted kappa"),
    "kappa_max": Title("Largest kappa that the margins allow"),
    "entropy": Title("Entropy of the ratings over its maximum"),
    # contrasts
    "difference": Title("Difference", "points"),
    "difference_in_steps": Title("Difference of the means", "steps"),
    "difference_of_coefficients": Title("Difference of the coefficients"),
    "interaction": Title("Difference of the differences", "points"),
    "interaction_in_steps": Title("Difference of the differences of the means", "steps"),
    "interaction_of_coefficients": Title("Difference of the differences of the coefficients"),
    "agreement_within": Title("Pairwise agreement within a group", "share"),
    "agreement_between": Title("Pairwise agreement between groups", "share"),
    "agreement_gap": Title("Agreement within groups less agreement between them", "points"),
    "standardised_exact": Title("Same priority as the gold standard, at a common mix of gold standards", "share"),
    "adjusted_exact": Title("Same priority as the gold standard, adjusted by a mixed logistic model", "share"),
    # ratability
    "unable_to_rate": Title("Share of 'unable to rate'", "share"),
    "positive_agreement": Title("Positive agreement", "share"),
    "sensitivity": Title("Sensitivity", "share"),
    "specificity": Title("Specificity", "share"),
    "unable_probability": Title("Probability of 'unable to rate', mixed logistic model", "share"),
    "unable_odds_ratio": Title("Odds ratio of 'unable to rate'", "ratio"),
    # dependability
    "variance": Title("Variance component, squared steps of the scale", "ratio"),
    "phi": Title("Dependability Phi"),
    "e_rho2": Title("Generalizability, E rho squared"),
    "officers_needed": Title("Officers per case needed", "count"),
    "sem": Title("Standard error of measurement of one officer's rating", "steps"),
    "latent_icc": Title("Share of the latent variance"),
    # overall priority, consequences
    "policy_r2": Title("Variance of the overall priority explained by a common policy", "share"),
    "policy_agreement": Title("Overall priority as the other officers' policy implies", "share"),
    "policy_weight": Title("Weight in the common policy, steps of the overall priority per step of the cue", "steps"),
    "overall_from_factors": Title("Disagreement on the overall priority that goes with different factor ratings", "share"),
    "overall_from_level": Title("Disagreement that goes with officers' own general level", "share"),
    "overall_from_weights": Title("Disagreement that goes with officers' own weights", "share"),
    "overall_unexplained": Title("Disagreement that is left over", "share"),
    "pairs_disagreeing_differ": Title("Pairs who disagree on the overall priority and whose factors differ in predominance", "share"),
    "pairs_agreeing_differ": Title("Pairs who agree on the overall priority and whose factors differ in predominance", "share"),
    "final_level_exact": Title("Same level of risk management as the gold standard", "share"),
    "final_level_lower": Title("Lower level of risk management than the gold standard", "share"),
    "final_level_higher": Title("Higher level of risk management than the gold standard", "share"),
    "visits_gold": Title("Visits per year, gold standard", "count"),
    "visits_officers": Title("Visits per year, mean of the officers", "count"),
    "visits_difference": Title("Visits per year, officers less gold standard", "count"),
    "fewer_visits": Title("Officers whose rating means fewer visits than the gold standard", "share"),
    "missed_two_steps": Title("Gold standard in the highest category, rated two steps lower or more", "share"),
    "unable_gold_high": Title("Gold standard in the highest category, unable to rate", "share"),
    "caught_high": Title("Gold standard in the highest category, rated so, of all answers", "share"),
    "false_high": Title("Rated in the highest category, gold standard lower", "share"),
    "sensitivity_high": Title("Sensitivity, highest category against the rest", "share"),
    "specificity_high": Title("Specificity, highest category against the rest", "share"),
    "ppv_high": Title("Positive predictive value, highest category against the rest", "share"),
    "sensitivity_low": Title("Sensitivity, lowest category against the rest", "share"),
    "specificity_low": Title("Specificity, lowest category against the rest", "share"),
    "ppv_low": Title("Positive predictive value, lowest category against the rest", "share"),
    "expected_cost": Title("Expected cost of a rating", "steps"),
    "cost_difference": Title("Difference of expected costs", "steps"),
    "consistent_overall": Title("Overall priority that the paper's guide allows", "share"),
    # officers
    "severity": Title("Severity, positive = rates as more of a priority", "logits"),
    "severity_mean": Title("Mean severity of the officers", "logits"),
    "severity_sd": Title("Standard deviation of severity between officers", "logits"),
    "fair_average": Title("Fair average, the mean rating on an average item", "steps"),
    "infit": Title("Infit mean square", "ratio"),
    "outfit": Title("Outfit mean square", "ratio"),
    "exact_agreement": Title("Same category as a colleague", "share"),
    "expected_agreement": Title("Same category as a colleague, as the model expects", "share"),
    "location": Title("Location, positive = rated as more of a priority", "logits"),
    "threshold": Title("Threshold between two categories", "logits"),
    "separation": Title("Separation G", "ratio"),
    "separation_reliability": Title("Reliability of separation"),
    "strata": Title("Strata, levels of severity that can be told apart", "ratio"),
    "equal_severity": Title("Chi-square of equal severities", "ratio"),
    "kind_bias": Title("Severity on protective factors less severity on risk factors", "logits"),
    "kind_bias_sd": Title("Standard deviation between officers of that difference", "logits"),
    "case_sd": Title("Standard deviation of the mean location between cases", "logits"),
    "log_likelihood": Title("Log-likelihood", "ratio"),
    "steps_from_gold": Title("Rating minus gold standard", "steps"),
    "steps_from_colleagues": Title("Rating minus the category of most colleagues", "steps"),
    "mean_difference": Title("Mean of rating minus the other officers' mean", "steps"),
    "cases_rated": Title("Cases rated", "count"),
    "reread": Title("Place among the factors to read again", "count"),
    "severity_shrunken": Title("Mean error expected on all cases and factors, shrunken", "steps"),
    "exact_shrunken": Title("Same priority as the gold standard, expected on all cases and factors, shrunken", "share"),
    "error_sd": Title("Standard deviation between officers of the mean error", "steps"),
    "exact_sd": Title("Standard deviation between officers of the share of exact agreement", "points"),
    "over_below_highest": Title("Higher than the gold standard, where it is not the highest category", "share"),
    "under_above_lowest": Title("Lower than the gold standard, where it is not the lowest category", "share"),
    "two_step": Title("Two steps or more from the gold standard, where the scale has room", "share"),
    "one_step": Title("One step from the gold standard", "share"),
    "middle_share": Title("Share of middle categories", "share"),
    "categories_used": Title("Categories used", "count"),
    "sd_ratio": Title("Spread of the ratings over that of the gold standard", "ratio"),
    "entropy_ratio": Title("Entropy of the ratings over that of the gold standard", "ratio"),
    "slope": Title("Slope of rating on gold standard", "ratio"),
    "halo_index": Title("Spread between the factors of a case over that of the gold standard", "ratio"),
    "elevation": Title("Elevation, squared steps", "ratio"),
    "differential_elevation": Title("Differential elevation (cases), squared steps", "ratio"),
    "stereotype_accuracy": Title("Stereotype accuracy (factors), squared steps", "ratio"),
    "differential_accuracy": Title("Differential accuracy (what is left), squared steps", "ratio"),
    "d_prime_high": Title("Sensitivity index d', highest category against the rest", "ratio"),
    "criterion_high": Title("Criterion c, highest category against the rest", "ratio"),
    "d_prime_low": Title("Sensitivity index d', lowest category against the rest", "ratio"),
    "criterion_low": Title("Criterion c, lowest category against the rest", "ratio"),
    "halo_variance": Title("Variance between an officer's readings of cases, squared steps", "ratio"),
    "halo_correlation": Title("Correlation of an officer's errors on two factors of a case, beyond severity"),
    "reversal_excess": Title("Agreements with the reversed gold standard less agreements with the gold standard", "count"),
    "reversal_correlation": Title("Rank correlation of protective ratings with the gold standard"),
    "outside": Title("Officers outside the limits of chance", "count"),
    "funnel_limit": Title("Limits of chance around the agreement of all officers", "share"),
    # sensitivity, gold review
    "modal_share": Title("Officers who chose the commonest category", "share"),
    "gold_minus_median": Title("Gold standard less the officers' median", "steps"),
    "exact_uncertain_gold": Title("Same priority as one member of the gold panel", "share"),
    "gold_probability": Title("Probability of the gold standard's category, given the officers' ratings", "probability"),
    "consensus_agreement": Title("Factors where the officers' consensus is the gold standard", "share"),
    "agreement_a": Title("Van der Eijk's agreement A"),
    "holds": Title("Share of the analyses in which it holds", "share"),
    "rank": Title("Rank, 1 the most agreement", "count"),
    "rank_correlation": Title("Rank correlation with the usual analysis"),
    # certification, training, drift
    "officers": Title("Number of officers", "count"),
    "decision_consistency": Title("Probability of the same decision on a parallel set", "probability"),
    "pass_probability": Title("Probability of passing", "probability"),
    "more_probability": Title("Probability that more cases are needed", "probability"),
    "refer_probability": Title("Probability of being referred for coaching", "probability"),
    "ratings_expected": Title("Ratings expected until the decision", "count"),
    "sequential_score": Title("Agreements beyond Wald's line of indifference", "count"),
    "change_adjusted": Title("Change, adjusted for the vignettes", "points"),
    "change_adjusted_in_steps": Title("Change of the mean error, adjusted for the vignettes", "steps"),
    "vignette_difference": Title("Difference between the two sets of vignettes", "points"),
    "intra_rater_percent": Title("Same priority as the officer's own first rating", "share"),
    "intra_rater_kappa": Title("Intra-rater kappa, weighted"),
    "retest_shift": Title("Second rating less the officer's own first", "steps"),
    "level_noise": Title("Level noise, variance between officers' levels, squared steps", "ratio"),
    "pattern_noise": Title("Pattern noise, officers' own readings of cells, squared steps", "ratio"),
    "occasion_noise": Title("Occasion noise, within an officer and cell, squared steps", "ratio"),
    "cusum": Title("CUSUM, agreements short of the reference", "count"),
    # planning: vignettes and blocks
    "vignettes": Title("New vignettes with this gold standard", "count"),
    "gold_categories": Title("Categories that the gold standard uses", "count"),
    "only_here": Title("Factors whose gold standard no other vignette carries", "count"),
    "replications": Title("Officers who rate the vignette", "count"),
    "concurrence": Title("Officers who rate both vignettes of a pair, mean over pairs", "count"),
    "components": Title("Parts of the design that share neither officer nor vignette", "count"),
    "efficiency_factor": Title("Efficiency factor, complete design = 1", "ratio"),
    # planning
    "mean": Title("Mean over exercises", "ratio"),
    "parameter": Title("Parameter of the rating model", "ratio"),
    "standard_deviation": Title("Standard deviation over exercises", "ratio"),
    "half_width": Title("Expected half-width of the interval", "ratio"),
    "half_width_change": Title("Change of the half-width", "ratio"),
    "coverage": Title("Simulated coverage of the interval", "share"),
    "power": Title("Power", "share"),
    "power_holm": Title("Power, adjusted for the number of questions", "share"),
    "excludes_benchmark": Title("Exercises whose interval excludes the benchmark", "share"),
    "rater_icc": Title("Correlation of one officer's hits", "coefficient"),
    "width": Title("Width of the interval, from end to end", "ratio"),
    "subjects": Title("Subjects needed", "count"),
    "assurance": Title("Assurance, share of parameter draws that reach the goal", "share"),
    # claims
}


def title_of(name: str) -> Title:
    """The title of a statistic; its own name where none was declared."""
    return TITLES.get(name, Title(name))


def words_of(name: str, weights: str = "") -> str:
    """The statistic in words; Gwet's coefficient is AC1 without weights and AC2 with them."""
    words = title_of(name).words
    if name != "gwet" or not weights:
        return words
    return words + ("1" if weights == "identity" else "2")
