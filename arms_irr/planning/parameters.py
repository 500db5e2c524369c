"""How simulated raters behave: every parameter of the rating model, in one frozen record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from math import inf, isfinite
from typing import Any

import numpy as np

from arms_irr.errors import ArgumentError, nearest

__all__ = ["BANDS", "KINDS", "Bands", "Cells", "Overall", "Parameters", "Training"]

BANDS = ("lower", "higher")
KINDS = ("risk", "protective")


@dataclass(frozen=True)
class Bands:
    """One value per risk band of the case."""

    lower: float
    higher: float

    def array(self) -> np.ndarray:
        """Shape (2,): bands in the order of ``BANDS``."""
        return np.array([self.lower, self.higher])


@dataclass(frozen=True)
class Cells:
    """One value per risk band of the case and kind of factor."""

    lower_risk: float
    lower_protective: float
    higher_risk: float
    higher_protective: float

    def array(self) -> np.ndarray:
        """Shape (2, 2): bands in the order of ``BANDS``, kinds in the order of ``KINDS``."""
        return np.array([[self.lower_risk, self.lower_protective],
                         [self.higher_risk, self.higher_protective]])


@dataclass(frozen=True)
class Overall:
    """How an officer forms the overall priority from the twelve priorities (scored -1, 0, 1).

    score = risk * mean(risk factors) + protective * mean(protective factors) + opportunity * [opportunity is
    High] + N(0, noise of the band); ``cuts`` divide the score into Low, Medium, High, Very High.
    """

    risk: float = 1.1
    protective: float = 0.55
    opportunity: float = 0.48
    noise: Bands = Bands(0.35, 0.55)
    cuts: tuple[float, float, float] = (-0.8, 0.15, 1.45)


@dataclass(frozen=True)
class Training:
    """What :meth:`Parameters.trained` does: multiply noise and ``severity_sd``, shift ``unable``."""

    noise: float = 0.8
    severity: float = 0.8
    unable: float = -0.3


@dataclass(frozen=True)
class Parameters:
    """Parameters of the rating model; the defaults are called "pilot_2012_like".

    They are design choices, made so that simulated pilots show the qualitative pattern the published paper
    describes. They are NOT estimates from the pilot, whose ratings are not published.

    Officer j's latent concern about factor f of case c (band b, kind t), positive towards more priority, is

        y = (g - 2) step + shift[b, t] + u_cf + theta_j + zeta_j [t is protective] + v_jc
            + noise[b, t] kappa_c e_jcf

    with g the gold priority scored 1, 2, 3; Low is given below -h_j, High above +h_j, Medium between. Latent
    units throughout: the noise of a clear case is about half a unit, one step of gold is ``step`` units.

    Attributes
    ----------
    step : float
        Latent distance between neighbouring gold priorities (delta).
    severity_sd, protective_severity_sd : float
        Standard deviations over officers of severity theta and of the extra severity on protective factors,
        zeta.
    halo : Bands
        Standard deviation of v, an officer's own reading of a case, shared by all its factors.
    threshold, central_tendency, threshold_sd : float
        h_j = threshold * exp(N(central_tendency, threshold_sd^2)); central_tendency > 0 makes Medium
        commoner.
    noise, shift : Cells
        Standard deviation of the noise (sigma), and what every officer reads into such factors (beta).
    ambiguity_sd, difficulty_sd : float
        Of new cases: standard deviation of u (a factor of a case reads higher or lower than its gold), and of
        log kappa (a case is noisier or clearer than its band). 0 keeps cases at their profile.
    unable : Cells
        Logit of "unable to rate" (a) of an average officer.
    unable_sd : float
        Standard deviation over officers of that logit.
    unable_near_threshold, near_threshold : float
        Added to the logit where y lies within ``near_threshold`` of a threshold (lambda); 0 is missing at
        random given the officer, anything else is not at random.
    urgency_given : float
        Probability that an "unable to rate" carries the priority the officer would have given.
    reversal : float
        Probability that an officer reads the protective factors the wrong way round.
    overall : Overall
        The overall priority.
    agency_shift, agency_noise : mapping of str to float
        Per agency: added to theta (0 unless given), multiplier of the noise (1 unless given; 0.85 is
        suggested for specialist teams).
    training : Training
        The effect that :meth:`trained` applies.

    Raises
    ------
    ArgumentError
        For a value that is not finite, a negative standard deviation, a probability outside 0 to 1, or cuts
        that do not ascend.
    """

    step: float = 1.6
    severity_sd: float = 0.30
    protective_severity_sd: float = 0.35
    halo: Bands = Bands(0.15, 0.45)
    threshold: float = 0.8
    central_tendency: float = 0.0
    threshold_sd: float = 0.15
    noise: Cells = Cells(0.62, 0.95, 1.05, 1.45)
    shift: Cells = Cells(0.0, 0.05, -0.10, -0.35)
    ambiguity_sd: float = 0.0
    difficulty_sd: float = 0.0
    unable: Cells = Cells(-4.4, -3.2, -3.7, -2.3)
    unable_sd: float = 0.8
    unable_near_threshold: float = 0.0
    near_threshold: float = 0.3
    urgency_given: float = 0.8
    reversal: float = 0.0
    overall: Overall = Overall()
    agency_shift: Mapping[str, float] = field(default_factory=dict)
    agency_noise: Mapping[str, float] = field(default_factory=dict)
    training: Training = Training()

    def __post_init__(self) -> None:
        _check(asdict(self))

    def trained(self) -> Parameters:
        """Parameters after training: less noise, less spread in severity, fewer "unable to rate"."""
        effect = self.training
        noise = {key: value * effect.noise for key, value in asdict(self.noise).items()}
        unable = {key: value + effect.unable for key, value in asdict(self.unable).items()}
        return replace(self, severity_sd=self.severity_sd * effect.severity, noise=Cells(**noise),
                       unable=Cells(**unable))

    def to_dict(self) -> dict[str, Any]:
        """Nested plain tables, as they stand in ``[simulation]`` of study.toml."""
        table = asdict(self)
        table["overall"]["cuts"] = list(self.overall.cuts)
        return table

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Parameters:
        """The inverse of :meth:`to_dict`; what the table leaves out keeps its default.

        Raises
        ------
        ArgumentError
            For an unknown name, a value that is not a number, or a value the model does not allow.
        """
        return _read(cls(), table, "the parameters")


def _read(default: Any, table: Any, where: str) -> Any:
    """``table`` over ``default``, whose own values say what each entry has to be."""
    if not isinstance(table, Mapping):
        raise ArgumentError(f"{where} is {table!r}. Give a table of names and numbers.")
    known = [f.name for f in fields(default)]
    for name in table:
        if name not in known:
            raise ArgumentError(f"{name!r} in {where} is not a parameter. {nearest(name, known)}"
                                f"Known: {', '.join(known)}.")
    given = {}
    for name, value in table.items():
        current = getattr(default, name)
        if is_dataclass(current):
            given[name] = _read(current, value, name)
            continue
        try:
            if isinstance(current, Mapping):
                given[name] = {str(key): float(number) for key, number in value.items()}
            elif isinstance(current, tuple):
                given[name] = tuple(float(number) for number in value)
            else:
                given[name] = float(value)
        except (AttributeError, TypeError, ValueError):
            shape = {dict: "a table of numbers", tuple: "a list of numbers"}.get(type(current), "a number")
            raise ArgumentError(f"{name!r} in {where} is {value!r}. Give {shape}.") from None
    return replace(default, **given)


_AT_LEAST_ZERO = ("severity_sd", "protective_severity_sd", "halo", "threshold", "threshold_sd", "noise",
                  "ambiguity_sd", "difficulty_sd", "unable_sd", "near_threshold", "agency_noise")


def _check(table: Mapping[str, Any]) -> None:
    def check(name: str, value: Any, low: float, high: float) -> None:
        if isinstance(value, Mapping):
            for key, entry in value.items():
                check(f"{name}.{key}", entry, low, high)
        elif not (isfinite(value) and low <= value <= high):
            wanted = "a finite number" if low == -inf else "0 or more" if high == inf else "between 0 and 1"
            raise ArgumentError(f"The parameter {name} is {value}. It must be {wanted}.")

    for name, value in table.items():
        if name in ("urgency_given", "reversal"):
            check(name, value, 0, 1)
        elif name != "overall":
            check(name, value, 0 if name in _AT_LEAST_ZERO else -inf, inf)
    overall = dict(table["overall"])
    cuts = overall.pop("cuts")
    check("overall.noise", overall.pop("noise"), 0, inf)
    check("overall", overall, -inf, inf)
    if len(cuts) != 3 or not cuts[0] < cuts[1] < cuts[2]:
        raise ArgumentError(f"The parameter overall.cuts is {list(cuts)}. Give three ascending numbers: they "
                            "divide Low, Medium, High and Very High.")
