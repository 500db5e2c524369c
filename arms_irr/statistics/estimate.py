"""Estimate: one number with everything that makes it honest, and the list of flags that explain it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from arms_irr.errors import ArgumentError

__all__ = ["FLAGS", "Estimate", "Target", "check_confidence", "undefined"]

Target = Literal["subjects", "raters", "cases", "both"]

# The one list of flags. Each sentence can stand alone in a note under a table.
FLAGS: dict[str, str] = {
    "no-ratings": "nobody gave a rating here, so there is nothing to estimate",
    "no-gold": "the study declares no gold rating here",
    "one-rater": "only one rater: agreement between raters needs at least two",
    "two-raters": "only two raters: no interval over raters can be given",
    "no-overlap": "no subject was rated by two raters",
    "one-subject": "a single subject: this statistic carries no information about reliability",
    "few-subjects": "fewer than 5 subjects: suppressed by the methods of a study, because the value mostly "
    "shows which subjects were chosen",
    "weak": "from 5 to 9 subjects: shown, but read the interval before the value",
    "single-case-kind": "the factors of one kind within a single case: too few and not exchangeable, suppressed",
    "one-category": "only one category was used: agreement is perfect or there is no variation, "
    "so reliability is not estimable",
    "constant-gold": "the gold standard has a single value here, so a chance-corrected comparison with it is "
    "0 by construction",
    "constant-rater": "the rater used one category only: kappa is 0 and a correlation is undefined",
    "no-variance": "the ratings do not vary, so this ratio is 0/0",
    "zero-se": "the standard error is 0: leaving out any one makes no difference here, which does not make the value "
    "certain, so no interval with a width can be given",
    "categories-observed": "the categories were taken from the data, not from a declared scale",
    "unused-category": "nobody chose this category, so there is nothing to agree on",
    "no-disagreement": "the two raters never differ, so there is nothing to test",
    "by-margins": "what the margins alone allow: a bound, not an estimate, so it has no interval",
    "unbalanced-ranks": "ratings are missing: computed from the pairs of raters, each on the subjects that both rated",
    "extreme-mean": "the mean lies so near an end of the scale that this many raters could not spread as far as the "
    "formula supposes",
    "cut-at-1": "the upper limit of the interval was cut at 1",
    "interval-fallback": "the usual interval cannot be trusted here (nothing varies, or too few ratings lie on one side), "
    "so its fall-back was used",
    "undefined-without-a-subject": "without one of the subjects the coefficient is 0/0, so no interval is given",
    "undefined-without-a-rater": "without one of the raters the coefficient is 0/0, so no interval over raters is given",
    "undefined-without-a-case": "without one of the cases the coefficient is 0/0, so no interval over cases is given",
    "no-interval": "one of the two coefficients has no standard error, so their difference has no interval",
    "not-asked": "the study cannot be asked for this statistic; the words beside it say why",
    "bca-refused": "fewer than 10 raters, cases or subjects to draw from: a BCa interval would be too narrow and is not given",
    "bootstrap-few": "fewer than 20 raters, cases or subjects to draw from: percentile and BCa intervals are too narrow here",
    "bootstrap-undefined": "the coefficient is 0/0 in more than 5 % of the resampled studies, so no interval is given",
    "at-boundary": "the value, or the value without one of the raters, lies at or beyond -1 or 1, where the Fisher-z scale ends",
    "impossible-under": "the gold standard is the lowest category here: nobody can rate lower",
    "impossible-over": "the gold standard is the highest category here: nobody can rate higher",
    "cannot-fail": "the gold standard is a middle category: every rating is at most one step away",
    "no-gold-unable": "no gold standard in this cell is 'unable to rate'",
    "never-unable": "nobody answered 'unable to rate' here, so there is no agreement on it to measure",
    "share-at-end": "the share, or the share without one of the raters, is 0 or 1, where the logit scale ends: no interval",
    "not-crossed": "no number of changed ratings that was tried crosses the line",
    "bound-searched": "the bound was found by a search: it is reached, but a wider one is not ruled out",
    "no-gold-high": "no gold standard in this cell is the highest category",
    "no-gold-low": "no gold standard in this cell is the lowest category",
    "no-rm2000": "the case has no RM2000 category, so no level of risk management follows",
    "no-pairs": "there is no such pair of officers",
    "few-own-cases": "too few cases per officer to tell an officer's own way of weighing factors from noise",
    "prevalence": "the chance-corrected value lies far below the observed agreement, because the subjects differ "
    "little or one category dominates: read percent agreement, Gwet's AC and Brennan-Prediger beside it",
    "negative": "a negative value: the raters differ more within subjects than the subjects differ from each other",
    "negative-component": "a negative estimate of a variance: the variance is probably close to 0; decision studies count "
    "it as 0",
    "one-df": "it rests on a single degree of freedom (two levels, for example): nothing can be said about others like them",
    "boundary": "a variance component was estimated as 0",
    "separated": "a fixed effect or a random factor predicts the rating perfectly, so its estimate grows without limit",
    "not-converged": "the search for the best fit, or the simulation of the posterior, did not settle: do not use these values",
    "category-left-out": "a category of the scale was never used, so the model leaves it out",
    "unbalanced": "ratings are missing by design or by chance: estimated by REML, interval by simulation (unless the method names another)",
    "nested-raters": "every rater rated a single subject, so differences between raters cannot be told from error",
    "saturated": "there are as many effects as ratings: nothing is left over to give an interval",
    "interaction-unknown": "one rating per rater and subject: interaction and error cannot be told apart",
    "nobody-in-both": "no officer rated both of what is compared, so there is no difference within officers",
    "one-rater-group": "one of the groups has a single officer: its spread is not known, so no interval and no test",
    "cut-at-end": "a limit of the interval was cut at the largest difference that is possible",
    "one-case-per-band": "what is compared is a single case on one side or both: the difference cannot be told from a difference "
    "between two stories",
    "few-sites": "fewer than 6 sites: nothing can be said about sites, and officers of one site count as independent",
    "no-shared-gold": "no category of the gold standard occurs on both sides, so they have no common mix",
    "gold-not-shared": "a category of the gold standard occurs on one side only and was left out of the common mix",
    "too-many-ratings": "too many ratings for a mixed model within seconds: read the standardised difference instead",
    "fixed-follows": "what is compared follows from the kinds and gold standards of the cases, so the model cannot tell them apart",
    "extreme-item": "everyone chose the same end of the scale here, which says nothing about severity: the location is that of "
    "a score 0.3 of a category from the end",
    "thresholds-shared": "a category is too rare here for thresholds of its own: they are shared with other factors",
    "forced": "shown on request although the design cannot carry it",
    "one-kind": "factors of one kind only: nothing to compare",
    "never-enough": "no number of officers is enough: what is measured does not vary beyond noise in these ratings",
    "few-cases": "fewer than 5 cases: nothing can be said about other cases",
    "mixed-scales": "the factors of this cell are rated on different scales and cannot be pooled",
    "not-separated": "these ratings cannot separate this officer from the group",
    "few-officers": "fewer than 5 officers: how officers differ from each other cannot be estimated",
    "one-reading": "every officer rated a single case here: an officer's severity and reading of that case cannot be told apart",
    "no-middle": "the scale has no middle category",
    "no-signal": "the gold standard never, or always, has the category that is to be detected",
    "log-linear": "a rate is 0 or 1, so the log-linear correction decides how far from 0 the value lies",
    "below-minimum": "no officer rated as many cases and gold standards as the rule asks for: no decision was made",
    "not-counterbalanced": "no two groups of officers had the same cases in opposite order: a change cannot be told from a difference "
    "between the cases",
    "not-rated-again": "no officer rated a case a second time",
    "one-case-or-factor": "complete ratings of one case or one factor only: this component would be 0 by construction",
    "reversed": "on protective factors the officer agrees much better with the reversed gold standard: ask whether the scale was read "
    "the wrong way round",
    "influential": "leaving this out moves the number by more than half of its interval's half-width, or by more than three standard "
    "deviations of such changes",
    "gold-review": "most officers chose another category than the gold standard: have the gold standard looked at again",
    "few-votes": "fewer than 8 ratings: one camp or two cannot be told apart",
    "ambiguous": "officers agree with each other, and with the gold standard where there is one, in less than half of the comparisons: "
    "read again what the vignette says about this factor",
    "model-based": "from a model that takes officers' errors as independent: a check on the gold standard, not a result",
    "pooled-cases-factors": "subjects are case-factor pairs: the value mixes differences between cases with "
    "differences between factors",
}


@dataclass(frozen=True)
class Estimate:
    """One number with its uncertainty, its bases and its warnings.

    ``value`` is ``nan`` when the quantity is not estimable; ``flags`` then holds the reason.
    Limits and ``se`` are ``nan`` when no interval can be given. Nothing is rounded.

    Attributes
    ----------
    value, se, ci_low, ci_high : float
        On the scale of the coefficient (shares from 0 to 1, differences in steps).
    confidence_level : float
        For example 0.95.
    df : float
        Degrees of freedom of the t quantile used; ``inf`` for a normal quantile, ``nan`` if none.
    method : str
        How value and interval were obtained, in words short enough for a table.
    target : str
        What the interval generalises to: ``subjects``, ``raters``, ``cases`` or ``both``.
    observed, expected : float
        Observed and chance agreement where the coefficient has them, else ``nan``.
    n_subjects, n_raters, n_ratings : int
        Sizes that entered the value.
    weights : str
        Name of the agreement weights, empty where there are none.
    flags : tuple of str
        Keys of :data:`FLAGS`.
    parts : dict
        Further quantities that belong to the number (variance components, design effect ...).
    """

    value: float
    se: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    confidence_level: float = 0.95
    df: float = math.nan
    method: str = ""
    target: str = ""
    observed: float = math.nan
    expected: float = math.nan
    n_subjects: int = 0
    n_raters: int = 0
    n_ratings: int = 0
    weights: str = ""
    flags: tuple[str, ...] = ()
    parts: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [flag for flag in self.flags if flag not in FLAGS]
        if unknown:
            raise ArgumentError(f"unknown flags {unknown}: add them to FLAGS with their sentence")
        object.__setattr__(self, "flags", tuple(dict.fromkeys(self.flags)))

    @property
    def estimable(self) -> bool:
        """Whether there is a value at all."""
        return not math.isnan(self.value)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the flags."""
        return tuple(FLAGS[flag] for flag in self.flags)

    def flagged(self, *flags: str) -> Estimate:
        """The same estimate with flags added."""
        return replace(self, flags=(*self.flags, *flags))

    def suppressed(self, *flags: str) -> Estimate:
        """The same bases without value and interval: what the design cannot carry is not shown."""
        return replace(
            self, value=math.nan, se=math.nan, ci_low=math.nan, ci_high=math.nan, df=math.nan,
            observed=math.nan, expected=math.nan, parts={}, flags=(*self.flags, *flags),
        )

    def __str__(self) -> str:
        if not self.estimable:
            return "not estimable: " + "; ".join(self.reasons)
        text = f"{self.value:.3f}"
        if not math.isnan(self.ci_low):
            text += f" ({100 * self.confidence_level:g} % interval {self.ci_low:.3f} to {self.ci_high:.3f})"
        return text


def undefined(*flags: str, **fields: object) -> Estimate:
    """An Estimate without a value, for the reasons in ``flags``."""
    return Estimate(math.nan, flags=flags, **fields)  # type: ignore[arg-type]


def check_confidence(level: float) -> float:
    """Return ``level`` if it lies in (0, 1); raise :class:`ArgumentError` otherwise."""
    if not isinstance(level, (int, float)) or isinstance(level, bool) or not 0 < level < 1:
        hint = f" Did you mean {level / 100:g}?" if isinstance(level, (int, float)) and 1 < level < 100 else ""
        raise ArgumentError(f"confidence level {level!r} is not between 0 and 1, for example 0.95.{hint}")
    return float(level)
