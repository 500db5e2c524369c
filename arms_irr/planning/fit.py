"""Parameters of the rating model fitted to a real exercise, with their uncertainty, so that a plan can start from it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_expit, logsumexp, ndtri

from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.reversal import reversal_screen
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.planning.parameters import BANDS, KINDS, Bands, Cells, Parameters
from arms_irr.planning.precision import NEW_CASES
from arms_irr.planning.scale_model import LEVELS, NAMES, THRESHOLD, Table, fit_scales
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.study import Study

__all__ = ["Fitted", "fit_parameters"]

_FEWEST_OFFICERS, _FEWEST_RATINGS, _MOST_OFFICERS = 8, 30, 300
_UNABLE = tuple(f"unable_{band}_{kind}" for band in BANDS for kind in KINDS)
# Everything fitted: standard deviations on the log scale, then what has no sign.
FITTED = (*NAMES, "unable_sd", *LEVELS, *_UNABLE, "reversal")
_LOGS = len(NAMES) + 1
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_WEIGHTS = np.log(_WEIGHTS / _WEIGHTS.sum())


@dataclass(frozen=True, eq=False)
class Fitted:
    """Parameters fitted to a study.

    Attributes
    ----------
    parameters : Parameters
        The point estimates; what cannot be learnt from ratings of factors is as in the parameters given.
    mode, covariance : (K,), (K, K) arrays
        Of ``FITTED`` (standard deviations as logarithms; the share of reversers last): the normal approximation to what is
        known about them.
    officers, cases : int
    synthetic : bool
        Whether the study was made up.
    seed : int
    notes : tuple of str
    """

    parameters: Parameters
    mode: np.ndarray
    covariance: np.ndarray
    officers: int
    cases: int
    synthetic: bool
    seed: int
    notes: tuple[str, ...]

    def draws(self, n: int, seed: int) -> tuple[Parameters, ...]:
        """Parameters as they might as well be: n draws from the normal approximation."""
        rng = np.random.default_rng([seed, 3])
        drawn = rng.multivariate_normal(self.mode, self.covariance, n, method="eigh")
        drawn[:, -1] = rng.beta(self.parameters.reversal * self.officers + 0.5, (1 - self.parameters.reversal) * self.officers + 0.5, n)
        if not self.parameters.reversal:
            drawn[:, -1] = 0.0
        return tuple(_parameters(values, self.parameters) for values in drawn)

    def result(self, confidence_level: float = 0.95) -> Result:
        """The parameters by name, with their approximate intervals."""
        z, rows = float(ndtri((1 + confidence_level) / 2)), []
        for k, (name, value, se) in enumerate(zip(FITTED, self.mode, np.sqrt(np.diag(self.covariance)), strict=True)):
            low, high = value - z * se, value + z * se
            if k < _LOGS:
                value, se, low, high = np.exp(value), np.exp(value) * se, np.exp(low), np.exp(high)
            if name == "reversal":
                se = low = high = np.nan
            rows.append(Row({"parameter": name}, "parameter", Estimate(
                float(value), float(se), float(low), float(high), confidence_level, n_raters=self.officers, target="raters",
                method="penalised marginal likelihood, Laplace")))
        return Result("Parameters of the rating model", ("parameter",), tuple(rows), self.notes, self.seed, synthetic=self.synthetic)


def fit_parameters(study: Study, *, seed: int = 1, base: Parameters = NEW_CASES) -> Fitted:
    """Fit the rating model to a study.

    Cells follow their golds; noise by band and kind of factor, halo by band, severity, extra severity on protective factors,
    spread of thresholds and ambiguity of cells (:mod:`arms_irr.planning.scale_model`). "Unable to rate" by a mixed
    logistic model with an effect of the officer. Officers flagged by the reversal screen count as reversers, and their
    protective ratings are turned round before the fit.

    Parameters
    ----------
    seed : int
        Of the choice of 300 officers where there are more.
    base : Parameters
        What is not fitted: how noise differs between cases, the overall priority, urgency, agencies, training.

    Raises
    ------
    ArgumentError
        For a study without a gold standard, with other scales or bands than the model knows, or too small.
    """
    codes, gold, band, kind = _arrays(study)
    _check_size(codes, band, kind)
    notes = ["A model fitted to these ratings, not an estimate of how officers rate in general. The standard deviations have weak "
             "half-normal priors; with two cases halo and noise are told apart only by what an officer's factors of a case share.",
             f"Not fitted: how noise differs between cases ({base.difficulty_sd:g} on the log scale), the overall priority, agencies, training."]
    chosen = np.arange(len(codes))
    if len(codes) > _MOST_OFFICERS:
        chosen = np.sort(np.random.default_rng([seed, 4]).choice(len(codes), _MOST_OFFICERS, replace=False))
        notes.append(f"Fitted to {_MOST_OFFICERS} of {len(codes)} officers, drawn from the seed.")
    flagged = {row["rater"] for row in reversal_screen(study) if "reversed" in row.estimate.flags}
    reversers = np.array([name in flagged for name in study.raters])
    turned = np.where((codes >= 0) & reversers[:, None, None] & (kind == 1), 2 - codes, codes)
    scales = fit_scales(Table(turned[chosen], gold, band, kind))
    unable, unable_covariance = _fit_unable(codes[chosen], band, kind)
    if not scales.converged:
        notes.append("The search for the maximum of the likelihood did not settle: read these values with care.")
    k, u = len(NAMES), len(LEVELS)
    mode = np.concatenate([scales.log_scales, unable[:1], scales.levels, unable[1:], [reversers.mean()]])
    covariance = np.zeros((len(mode), len(mode)))
    covariance[:k, :k] = scales.covariance
    covariance[k + 1:k + 1 + u, k + 1:k + 1 + u] = scales.levels_covariance
    own = np.array([k, *range(k + 1 + u, k + 5 + u)])
    covariance[np.ix_(own, own)] = unable_covariance
    parameters = _parameters(mode, replace(base, threshold=THRESHOLD, central_tendency=0.0))
    return Fitted(parameters, mode, covariance, len(codes), len(band), study.synthetic, seed, tuple(notes))


def _parameters(values: np.ndarray, base: Parameters) -> Parameters:
    named = dict(zip(FITTED, [*np.exp(values[:_LOGS]).tolist(), *values[_LOGS:].tolist()], strict=True))

    def cells(name: str) -> Cells:
        return Cells(*(named[f"{name}_{f.name}"] for f in fields(Cells)))

    return replace(
        base, step=named["step"], noise=cells("noise"), shift=cells("shift"), unable=cells("unable"),
        halo=Bands(named["halo_lower"], named["halo_higher"]), severity_sd=named["severity_sd"],
        protective_severity_sd=named["protective_severity_sd"], threshold_sd=named["threshold_sd"], ambiguity_sd=named["ambiguity_sd"],
        unable_sd=named["unable_sd"], reversal=min(max(named["reversal"], 0.0), 1.0))


def _arrays(study: Study) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Codes (R, C, F) of the first occasion, golds (C, F), bands (C,) and kinds (F,)."""
    if study.gold is None:
        raise ArgumentError("Parameters are fitted to ratings beside a gold standard, and this study declares that it has none. "
                            "Give parameters instead.")
    factors = [i for i in study.factors_rated if study.instrument.factors[i].kind in KINDS]
    for i in factors:
        factor = study.instrument.factors[i]
        if len(study.instrument.scale_of(factor.id).categories) != 3:
            raise ArgumentError(f"{factor.label!r} is not rated Low, Medium, High: the rating model has three categories. "
                                "Leave such factors out, or give parameters instead.")
    named = study.case_attributes.get("risk_band", ("",) * len(study.cases))
    strange = sorted(set(named) - set(BANDS))
    if strange:
        raise ArgumentError(f"The risk band {strange[0]!r} is not one of {', '.join(BANDS)}. Give every case its risk_band in the table "
                            "of cases, or give parameters instead.")
    r = study.ratings
    place = np.full(len(study.instrument.factors), -1)
    place[factors] = np.arange(len(factors))
    rows = (place[r.factor] >= 0) & (r.occasion == (r.occasion.min() if len(r) else 0))
    codes = np.full((len(study.raters), len(study.cases), len(factors)), NOT_GIVEN, dtype=np.int8)
    codes[r.rater[rows], r.case[rows], place[r.factor[rows]]] = r.code[rows]
    kind = np.array([KINDS.index(study.instrument.factors[i].kind) for i in factors], dtype=int)
    return codes, study.gold[:, factors].astype(int), np.array([BANDS.index(band) for band in named], dtype=int), kind


def _check_size(codes: np.ndarray, band: np.ndarray, kind: np.ndarray) -> None:
    """Enough officers, and enough priorities of each kind in each band."""
    officers = int((codes >= 0).any((1, 2)).sum())
    remedy = "Give parameters instead, for example the defaults, and state that they are not estimates."
    if officers < _FEWEST_OFFICERS:
        raise ArgumentError(f"{officers} officers gave priorities: too few to fit how officers differ. The nearest study that can be fitted "
                            f"has {_FEWEST_OFFICERS} officers. {remedy}")
    for b, t in np.ndindex(2, 2):
        n = int((codes[:, band == b][..., kind == t] >= 0).sum())
        if n < _FEWEST_RATINGS:
            raise ArgumentError(f"{n} priorities on {KINDS[t]} factors of {BANDS[b]}-risk cases: too few to fit their noise. The nearest study "
                                f"that can be fitted has {_FEWEST_RATINGS} of each kind in each band. {remedy}")


def _fit_unable(codes: np.ndarray, band: np.ndarray, kind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log standard deviation over officers and the four logits of "unable to rate", with their covariance.

    Binomial counts of each officer by band and kind, the officer's effect by quadrature; priors N(-3, 2^2) of the logits and
    half-normal (1) of the standard deviation keep what never happened finite.
    """
    masks = [(band == b)[:, None] & (kind == t) for b, t in np.ndindex(2, 2)]
    hits, asked = (np.stack([(x & mask).sum((1, 2)) for mask in masks], 1) for x in (codes == UNABLE, codes != NOT_GIVEN))

    def surface(theta: np.ndarray) -> float:
        eta = theta[1:, None] + np.exp(theta[0]) * _NODES
        each = hits @ log_expit(eta) + (asked - hits) @ log_expit(-eta)
        prior = 0.5 * (((theta[1:] + 3) / 2) ** 2).sum() + 0.5 * np.exp(2 * theta[0]) - theta[0]
        return float(prior - logsumexp(each + _WEIGHTS, axis=1).sum())

    start = np.array([-0.5, *np.clip(np.log((hits.sum(0) + 0.5) / (asked.sum(0) - hits.sum(0) + 0.5)), -6, 2)])
    found = minimize(surface, start, method="BFGS")
    return found.x, _inverse_curvature(surface, found.x)


def _inverse_curvature(surface, at: np.ndarray, step: float = 1e-3) -> np.ndarray:
    n, e = len(at), step * np.eye(len(at))
    hessian = np.array([[(surface(at + e[i] + e[j]) - surface(at + e[i] - e[j]) - surface(at - e[i] + e[j]) + surface(at - e[i] - e[j]))
                         / (4 * step**2) for j in range(n)] for i in range(n)])
    values, vectors = np.linalg.eigh(hessian)
    return (vectors / np.maximum(values, 0.25)) @ vectors.T
