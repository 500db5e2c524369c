"""How severe is each officer, with the whole posterior: the rating scale model of ``severity`` by Markov chain Monte Carlo."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import numpy.typing as npt

from arms_irr.analysis.result import Result, Row
from arms_irr.analysis.severity import _nothing, _refusal, _Sheet, _sheet
from arms_irr.errors import ArgumentError
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.rasch_design import Design, design_of
from arms_irr.study.study import Study

__all__ = ["severity_posterior"]

Floats = npt.NDArray[np.float64]

_LOCATION_SD, _SPACING_SD, _SPREAD_SD = 3.0, 3.0, 1.0  # logits, of the priors
_ACCEPT = 0.9  # share of proposals accepted that the step size aims at
_SETTLED = 1.01  # R-hat, at most (Vehtari et al. 2021)


def severity_posterior(
    study: Study, *, seed: int = 1, draws: int = 1000, warmup: int = 500, chains: int = 2, confidence_level: float = 0.95,
) -> Result:
    """Posterior severity of every officer under the rating scale model, items being case-factor cells.

    The model of :func:`arms_irr.analysis.severity.severity`: locations of items, thresholds common to all (Andrich 1978,
    Psychometrika 43, 561-573), severities of officers from a normal distribution, the gold standard as one more rater with
    a free place. Priors, in logits: half-normal(1) on the standard deviation of severity, normal(0, 3) on locations and on
    the gold standard's place, half-normal(3) on the distances between neighbouring thresholds, which are in order here:
    where the thresholds of ``severity`` are not, the two answers differ. Sampled by NUTS (Hoffman & Gelman 2014, JMLR 15,
    1593-1623).

    Parameters
    ----------
    seed : int
        Of the chains; the same seed gives the same draws.
    draws, warmup : int
        Of each chain, at least 100.
    chains : int
        At least 2.

    Returns
    -------
    Result
        Rows by ``facet`` and ``name``. ``officer``: ``severity`` from the gold standard's, or from the mean officer's where the
        gold standard is missing or cannot be placed, positive = rates as more of a priority. ``cohort``: ``severity_sd``.
        Each is a posterior mean with its posterior standard deviation (``se``) and equal-tailed interval; ``parts`` hold split
        ``r_hat`` and ``n_eff``, the effective number of draws. Flags: ``not-converged`` where ``r_hat`` is over 1.01 (Vehtari
        et al. 2021, Bayesian Analysis 16, 667-718), ``not-separated`` where the interval of the distance from the mean
        officer holds 0. Studies that ``severity`` refuses get its reasons.

    Raises
    ------
    ArgumentError
        numpyro is not installed; too few draws or chains.
    """
    check_confidence(confidence_level)
    for name, given, least in (("draws", draws, 100), ("warmup", warmup, 100), ("chains", chains, 2)):
        if given < least:
            raise ArgumentError(f"{name}={given} is too few to judge whether the chains settled: give at least {least}.")
    numpyro = _numpyro()
    question, sheet = "Posterior severity of the officers", _sheet(study)
    reason = _refusal(sheet)
    if reason or not isinstance(sheet, _Sheet):
        return _nothing(study, question, reason, seed)
    try:
        plan, anchored = _plan(sheet)
    except ArgumentError:
        return _nothing(study, question, "no-variance", seed)
    sample = _sample(numpyro, plan, anchored, seed, draws, warmup, chains)
    rows, settled = _rows(numpyro, study, sheet, sample, confidence_level)
    notes = _notes(sheet, plan, anchored, draws, chains, settled)
    return Result(question, ("facet", "name"), tuple(rows), tuple(notes), seed, synthetic=study.synthetic,
                  instrument=study.instrument, names=study.case_titles)


def _numpyro() -> ModuleType:
    try:
        import numpyro
        import numpyro.diagnostics
        import numpyro.distributions
        import numpyro.infer
    except ImportError:
        raise ArgumentError('Posteriors of severities need numpyro. Install it: pip install "arms-irr[bayes]". Without it, '
                            "severity() fits the same model by maximum likelihood.") from None
    return numpyro


def _plan(sheet: _Sheet) -> tuple[Design, bool]:
    """What enters the model, and whether the gold standard does: not when it is at the same end in every item."""
    alone = design_of(sheet.codes, np.full_like(sheet.gold, -1), None)  # refuses officers who never differ
    both = design_of(sheet.codes, sheet.gold, None)
    gold, scores = both.answers.gold, both.answers.scores
    anchored = 0 < float((gold @ scores).sum()) < float(gold.sum() * scores[-1])
    return (both if anchored else alone), anchored


def _sample(
    numpyro: ModuleType, plan: Design, anchored: bool, seed: int, draws: int, warmup: int, chains: int,
) -> dict[str, Floats]:
    """Draws of ``sd`` (chains, draws), ``origin`` (chains, draws) and ``severity`` (chains, draws, officers) from the mean officer."""
    import jax
    import jax.numpy as jnp

    dist, answers = numpyro.distributions, plan.answers
    every = np.vstack([answers.codes, answers.anchor]) if anchored else answers.codes
    rater, item = np.nonzero(every >= 0)
    codes, scores, (officers, items) = every[rater, item], answers.scores, answers.codes.shape
    steps = np.diff(scores)

    def model() -> None:
        sd = numpyro.sample("sd", dist.HalfNormal(_SPREAD_SD))
        z = numpyro.sample("z", dist.Normal().expand([officers]))  # not centred: sd may be near 0
        severity = numpyro.deterministic("severity", sd * z)
        location = numpyro.sample("location", dist.Normal(0.0, _LOCATION_SD).expand([items]))
        origin = numpyro.sample("origin", dist.Normal(0.0, _LOCATION_SD)) if anchored else 0.0
        place = jnp.append(severity, origin)
        threshold = jnp.zeros(1)
        if len(steps) > 1:
            spacing = numpyro.sample("spacing", dist.HalfNormal(_SPACING_SD).expand([len(steps) - 1]))
            threshold = jnp.append(0.0, jnp.cumsum(spacing))
        threshold = threshold - (steps * threshold).sum() / scores[-1]
        t = jnp.append(0.0, -jnp.cumsum(steps * threshold))
        logits = scores * (place[rater] + location[item])[:, None] + t
        numpyro.sample("codes", dist.Categorical(logits=logits), obs=codes)

    kernel = numpyro.infer.NUTS(model, target_accept_prob=_ACCEPT)
    chain = numpyro.infer.MCMC(kernel, num_warmup=warmup, num_samples=draws, num_chains=chains, chain_method="vectorized",
                               progress_bar=False)
    chain.run(jax.random.PRNGKey(seed))
    found = {name: np.asarray(values, dtype=np.float64) for name, values in chain.get_samples(group_by_chain=True).items()}
    return {"sd": found["sd"], "severity": found["severity"], "origin": found.get("origin", np.zeros_like(found["sd"]))}


def _rows(
    numpyro: ModuleType, study: Study, sheet: _Sheet, sample: dict[str, Floats], level: float,
) -> tuple[list[Row], bool]:
    """Officers, then the cohort, and whether all chains settled."""
    each = (sheet.codes >= 0).sum(axis=1)
    tails = [(1 - level) / 2, (1 + level) / 2]
    gap = sample["severity"]
    low, high = np.quantile(gap, tails, axis=(0, 1))
    values = np.concatenate([gap - sample["origin"][..., None], sample["sd"][..., None]], axis=2)
    mean, se = values.mean(axis=(0, 1)), values.std(axis=(0, 1), ddof=1)
    ci = np.quantile(values, tails, axis=(0, 1))
    r_hat, n_eff = numpyro.diagnostics.split_gelman_rubin(values), numpyro.diagnostics.effective_sample_size(values)

    def estimate(at: int, flags: tuple[str, ...], **size: int) -> Estimate:
        flags = flags if r_hat[at] <= _SETTLED else (*flags, "not-converged")
        return Estimate(float(mean[at]), float(se[at]), float(ci[0, at]), float(ci[1, at]), level, method="posterior mean, NUTS",
                        target="raters", flags=flags, parts={"r_hat": float(r_hat[at]), "n_eff": float(n_eff[at])}, **size)

    rows = []
    for j, rater in enumerate(study.raters):
        n = int(each[j])
        alike = () if low[j] > 0 or high[j] < 0 else ("not-separated",)
        found = estimate(j, alike, n_raters=1, n_ratings=n, n_subjects=n) if n else undefined("no-ratings")
        rows.append(Row({"facet": "officer", "name": rater}, "severity", found))
    whole = estimate(len(each), (), n_raters=int((each > 0).sum()), n_ratings=int(each.sum()), n_subjects=sheet.codes.shape[1])
    rows.append(Row({"facet": "cohort", "name": "officers"}, "severity_sd", whole))
    return rows, bool((r_hat <= _SETTLED).all())


def _notes(sheet: _Sheet, plan: Design, anchored: bool, draws: int, chains: int, settled: bool) -> list[str]:
    origin = "the gold standard's, which enters the model as one more rater" if anchored else "the mean officer's"
    notes = ["A positive severity rates as more of a priority, in logits.", f"Severity 0 is {origin}.",
             f"Posterior of {chains} chains of {draws} draws. The standard deviation of severity has a half-normal(1) prior, so its "
             "interval never holds 0: whether officers differ at all is for severity() to test.",
             "Items are case-factor pairs with a location each: severities are about these cases, not about others."]
    if plan.extreme.any():
        notes.append(f"{int(plan.extreme.sum())} items were put at the same end of the scale by everyone and say nothing about severity.")
    if sheet.again:
        notes.append("Only the first occasion enters.")
    if not settled:
        notes.append("The chains did not settle everywhere (R-hat over 1.01): ask again with more draws and warmup.")
    return notes
