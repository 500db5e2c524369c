"""ARMS's own rules, as far as the paper states them, and the RM2000/S steps. No rule here scores ARMS.

"The paper" is Kewley & Blandford (2017), The development of the active risk management system, J. Criminal
Psychology 7(3) 155-167. Where it uses words without numbers ("predominance", "overwhelming number") the
reading is ours, stated where it is used, and serves to check consistency only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral

from arms_irr.errors import ArgumentError, nearest
from arms_irr.instruments.model import NOT_GIVEN, UNABLE, Factor, Instrument, Scale

__all__ = [
    "LEVELS", "OVERWHELMING", "PRIORITY", "Combination", "OverallGuide", "Rating", "Rm2000Category",
    "combine", "consistent_overall", "factor_priority_from_actions", "overall_scale", "predominant", "rated",
    "rm2000_category", "uplift", "visit_interval_months",
]

# The paper's scales: three priorities for a factor; four levels for the overall priority and for RM2000.
PRIORITY = Scale("priority", ("Low", "Medium", "High"), short=("L", "M", "H"), codes=("1", "2", "3"),
                 scores=(1.0, 2.0, 3.0), not_rated=("Unable to rate",))
LEVELS = Scale("level", ("Low", "Medium", "High", "Very High"), short=("L", "M", "H", "VH"),
               scores=(1.0, 2.0, 3.0, 4.0))

OVERWHELMING = 0.75  # our reading of the paper's "overwhelming number" of High factors: three in four

# A label, short form or code as text, or a category's position (0 = lowest); UNABLE, NOT_GIVEN or None.
Rating = str | int | None


def _position(rating: object, scale: Scale, what: str) -> int:
    """The category's position, ``UNABLE`` or ``NOT_GIVEN``; ``ArgumentError`` for anything else."""
    if rating is None or rating != rating or (isinstance(rating, str) and not rating.strip()):
        return NOT_GIVEN
    position: int | None = None
    if isinstance(rating, str):
        position = scale.index(rating)
    elif isinstance(rating, Integral) and not isinstance(rating, bool):
        known = {NOT_GIVEN, *range(len(scale.categories)), *([UNABLE] if scale.not_rated else [])}
        position = int(rating) if int(rating) in known else None
    if position is None:
        raise ArgumentError(f"{rating!r} is not a value of {what}. {nearest(str(rating), scale.accepted)}"
                            f"Give one of: {', '.join(scale.accepted)}.")
    return position


def _category(rating: object, scale: Scale, what: str) -> int:
    """The position of a category: "unable to rate" and blanks are refused as well."""
    position = _position(rating, scale, what)
    if position < 0:
        raise ArgumentError(f"{rating!r} is not a value of {what}. "
                            f"Give one of: {', '.join(scale.categories)}.")
    return position


def factor_priority_from_actions(actions: Iterable[Rating], scale: Scale = PRIORITY) -> str:
    """The priority of a factor whose actions differ in urgency: the highest of them.

    Source: the paper, sections 3.1-3.2 ("the highest action priority rating will inform the overall priority
    rating for each given factor").

    Raises
    ------
    ArgumentError
        When there is no action, or an urgency is not a category of the scale.
    """
    urgencies = [actions] if isinstance(actions, str) else list(actions)
    if not urgencies:
        raise ArgumentError("No action was given. Give the urgency of at least one action.")
    return scale.categories[max(_category(urgency, scale, "an action's urgency") for urgency in urgencies)]


def _modes(counts: Sequence[int]) -> list[int]:
    return [position for position, n in enumerate(counts) if n == max(counts)]


def predominant(ratings: Iterable[Rating], scale: Scale = PRIORITY) -> str | None:
    """The one category that predominates among factor ratings: sets the gold overall of simulated cases.

    The paper (sections 3.1-3.2) speaks of a "predominance" of High, Medium or Low without a number; we read
    it as the most frequent category, and on a tie as the higher one. Unable-to-rate and blanks are left
    out. Never ``Very High``, which the paper leaves to judgement.

    Returns
    -------
    str or None
        A label of ``scale``; None when no factor was given a priority.
    """
    positions = [_position(rating, scale, "a factor rating") for rating in ratings]
    counts = [positions.count(position) for position in range(len(scale.categories))]
    return scale.categories[_modes(counts)[-1]] if any(counts) else None


@dataclass(frozen=True)
class OverallGuide:
    """Overall priorities that the paper's text allows for a set of factor ratings: a check, never a score.

    ``consistent`` is empty when there is nothing to check against; ``reason`` then says why.
    """

    consistent: tuple[str, ...]
    reason: str


def consistent_overall(instrument: Instrument, ratings: Mapping[str, Rating]) -> OverallGuide:
    """The overall priorities that agree with the paper's guide, given the ratings of the factors.

    Source: the paper, sections 3.1-3.2. Low, Medium and High go with a predominance of that category; Very
    High with an overwhelming number of High factors, or with one factor (such as Opportunity) that
    outweighs the rest. The reading is ours: *predominance* is the most frequent category over risk and
    protective factors together (High points the same way on both); a tie allows the tied categories and any
    between them; *overwhelming* is at least three in four (``OVERWHELMING``); any one High on a risk factor
    allows Very High as an override.

    Parameters
    ----------
    instrument : Instrument
        One whose rules say ``predominance = true``.
    ratings : mapping
        Factor id to rating. Factors left out, blank or unable to rate do not count; ``overall`` and static
        items are ignored.

    Raises
    ------
    ArgumentError
        For an unknown factor id or a rating outside the scale.
    """
    for id in ratings:
        if id not in instrument.factor_ids:
            raise ArgumentError(f"{instrument.name} has no factor {id!r}. "
                                f"{nearest(id, instrument.factor_ids)}"
                                f"Its factors: {', '.join(instrument.factor_ids)}.")
    if not instrument.rules.get("predominance"):
        return OverallGuide((), f"{instrument.name} declares no guide for the overall priority.")
    factors = rated(instrument)
    scale, overall = instrument.scale_of(factors[0].id), overall_scale(instrument)
    codes = {f.id: _position(ratings.get(f.id), scale, f.label) for f in factors}
    q = len(scale.categories)
    counts = [list(codes.values()).count(position) for position in range(q)]
    given = sum(counts)
    if not given:
        return OverallGuide((), "No factor was given a priority, so there is nothing to check against.")

    modes = _modes(counts)
    names = [scale.categories[position] for position in modes]
    tied = f"{' and '.join(names)} are equally frequent" if len(names) > 1 else f"{names[0]} predominates"
    shown = ", ".join(f"{counts[p]} {scale.categories[p]}" for p in reversed(range(q)))
    blank = len(factors) - given
    left_out = f" ({blank} not counted: blank or unable to rate)" if blank else ""
    reason = f"{shown} of {given} factors{left_out}: {tied}."
    consistent = overall.categories[modes[0]:modes[-1] + 1]
    top = scale.categories[-1]
    urgent = [f.label for f in factors if f.kind == "risk" and codes[f.id] == q - 1]
    if counts[-1] >= OVERWHELMING * given:
        consistent += overall.categories[q:]
        reason += f" {overall.categories[-1]} is possible: at least three in four are {top}."
    elif urgent:
        consistent += overall.categories[q:]
        reason += f" {overall.categories[-1]} is possible as an override: {top} on {', '.join(urgent)}."
    return OverallGuide(consistent, reason)


def rated(instrument: Instrument) -> list[Factor]:
    """The risk and protective factors, in order."""
    return [f for f in instrument.factors if f.kind in ("risk", "protective")]


def overall_scale(instrument: Instrument) -> Scale | None:
    """The scale of the overall judgement; None when the instrument has none."""
    return next((instrument.scales.get(f.scale) for f in instrument.factors if f.kind == "overall"), None)


def visit_interval_months(instrument: Instrument, level: str) -> float:
    """The longest interval between visits, in months, for an RM2000 category or a final level of management.

    Source: ACPO (2010) as the paper quotes it: Low 12, Medium 6, High 3, Very High 1. The minimum hangs on
    the category of the person, never on the rating of a factor.

    Raises
    ------
    ArgumentError
        For anything but one of the four levels as text, and when the instrument declares no schedule.
    """
    schedule = instrument.rules.get("visit_interval_months")
    if not schedule:
        raise ArgumentError(f"{instrument.name} declares no visit schedule. "
                            "Add visit_interval_months to its [rules].")
    position = LEVELS.index(level) if isinstance(level, str) else None
    if position is None:
        raise ArgumentError(
            f"{level!r} has no visit interval: it goes with an RM2000 category or a final level of risk "
            f"management, never with a factor. Give one of: {', '.join(LEVELS.categories)}.")
    return schedule[LEVELS.categories[position]]


@dataclass(frozen=True)
class Combination:
    """The level of risk management that the user's table gives, or None with the reason."""

    level: str | None
    reason: str


def combine(instrument: Instrument, overall: Rating, rm2000: Rating) -> Combination:
    """ARMS overall priority x RM2000 category -> level of risk management, from the user's own table.

    The paper (section 3) offers a guide (its Table 5, not available to us), prescribes no formula and lets
    the assessor adjust or override; so no table is shipped.

    Raises
    ------
    ArgumentError
        For a priority or category that is not one of the scale's.
    """
    scale = overall_scale(instrument) or LEVELS
    priority = scale.categories[_category(overall, scale, "the overall priority")]
    band = LEVELS.categories[_category(rm2000, LEVELS, "the RM2000 category")]
    table = instrument.rules.get("combination", [])
    if not table:
        return Combination(None, f"{instrument.name} has no combination table: the published guide is not "
                                 "available here. Fill in combination under [rules] in a copy of the file.")
    level = {(row["overall"], row["rm2000"]): row["level"] for row in table}[priority, band]
    return Combination(level, f"The table of {instrument.name}: overall priority {priority}, RM2000 {band}. "
                              "A guide: the assessor may adjust or override it.")


@dataclass(frozen=True)
class Rm2000Category:
    """The RM2000/S category with its steps. ``provenance`` says which facts behind it are provisional."""

    points: float
    step_one: str
    aggravating: int
    category: str
    provenance: str


def uplift(category: str, aggravating: int, steps: Sequence[int] = (0, 0, 1, 1, 2)) -> str:
    """The category after step two: two aggravating factors raise it by one, four by two, up to Very High.

    Source: the paper ("any two" raise one level, "all four" two levels) and Risk Management Authority
    (RATED). Three count as two, and Very High is the ceiling: our inference.

    Parameters
    ----------
    category : str
        The category after step one.
    aggravating : int
        How many of the aggravating factors are present, 0 to ``len(steps) - 1``.
    steps : sequence of int
        Categories up for 0, 1, 2 ... aggravating factors.

    Raises
    ------
    ArgumentError
        For an unknown category or an impossible number.
    """
    position = _category(category, LEVELS, "the RM2000 category")
    whole = isinstance(aggravating, Integral) and not isinstance(aggravating, bool)
    if not whole or not 0 <= aggravating < len(steps):
        raise ArgumentError(f"{aggravating!r} aggravating factors cannot be. Give a whole number from 0 to "
                            f"{len(steps) - 1}.")
    return LEVELS.categories[min(position + steps[aggravating], len(LEVELS.categories) - 1)]


def rm2000_category(instrument: Instrument, items: Mapping[str, Rating]) -> Rm2000Category:
    """RM2000/S from its items: points and category (step one), then the uplift (step two).

    The steps are verified; the points (the scores of the items' scales) and the bands are recalled, and
    RATED gives other bands. All of them stand in the instrument file, to be corrected there.

    Parameters
    ----------
    instrument : Instrument
        One with an ``[rules.rm2000]`` table, such as ``rm2000-s``.
    items : mapping
        Item id to rating, for every item of both steps.

    Raises
    ------
    ArgumentError
        Naming every item without a rating, or the value that is not a category of its item.
    """
    rule = instrument.rules.get("rm2000")
    if not rule:
        raise ArgumentError(f"{instrument.name} declares no RM2000 steps. Use rm2000-s or a copy of it.")
    positions = {id: _position(items.get(id), instrument.scale_of(id), instrument.factor(id).label)
                 for id in (*rule["step_one"], *rule["aggravating"])}
    missing = [id for id, position in positions.items() if position < 0]
    if missing:
        raise ArgumentError(f"RM2000/S needs every item; without a rating: {', '.join(missing)}.")
    points = sum(instrument.scale_of(id).scores[positions[id]] for id in rule["step_one"])
    step_one = [label for label in LEVELS.categories if points >= rule["bands"][label]][-1]
    aggravating = sum(positions[id] > 0 for id in rule["aggravating"])
    return Rm2000Category(points, step_one, aggravating, uplift(step_one, aggravating, rule["uplift"]),
                          rule["provenance"])
