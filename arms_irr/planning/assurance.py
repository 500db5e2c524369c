"""Assurance: how precise an exercise would be, and what it would show, when the parameters themselves are uncertain."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.planning.designs import Design, Mix
from arms_irr.planning.fit import Fitted, fit_parameters
from arms_irr.planning.precision import TARGETS, precision
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.study import Study

__all__ = ["assurance"]

_SHOWN = ("half_width", "power", "power_holm", "excludes_benchmark")


def assurance(
    source: Study | Fitted, design: Design, draws: int = 40, *, replications: int = 50, seed: int = 1, golds: Mix | None = None,
    goals: Mapping[str, float] | None = None, confidence_level: float = 0.95, n_jobs: int | None = None,
    stop: Callable[[], bool] | None = None, progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Precision and power of a design over parameters that are only known from one study.

    Parameters
    ----------
    source : Study or Fitted
        What the parameters are fitted to, or were.
    draws : int
        Sets of parameters, drawn from the normal approximation of the fit.
    replications : int
        Sets of cases for each (:func:`arms_irr.planning.precision.precision`).
    goals : mapping, optional
        Statistic -> the half-width that would do.

    Returns
    -------
    Result
        By ``statistic, group, inference``: ``half_width``, ``power``, ``power_holm``, ``excludes_benchmark`` as means over the
        draws, the limits being the central share ``confidence_level`` of the draws; a power averaged like this is the
        assurance (O'Hagan, Stevens & Campbell 2005, Pharm Stat 4:187-201). ``assurance`` where there is a goal: the share of
        draws whose half-width is at most that.

    Raises
    ------
    ArgumentError
        For fewer than two draws, and as :func:`arms_irr.planning.fit.fit_parameters` and ``precision``.
    """
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 2:
        raise ArgumentError(f"draws is {draws!r}. Give 2 or more; 40 show the spread.")
    fitted = source if isinstance(source, Fitted) else fit_parameters(source, seed=seed)
    values: dict[tuple[str, str, str, str], list[float]] = {}
    done, stopped = 0, False

    def asked() -> bool:
        nonlocal stopped
        stopped = stopped or (stop is not None and stop())
        return stopped

    for k, parameters in enumerate(fitted.draws(draws, seed)):
        try:
            found = precision(design, parameters, replications=replications, seed=seed, golds=golds, confidence_level=confidence_level,
                              n_jobs=n_jobs, stop=asked)
        except KeyboardInterrupt:
            if not done:
                raise
            break
        if stopped and done:  # a draw that was cut short would count less precisely than the others
            break
        for row in found:
            if row.coefficient in _SHOWN:
                values.setdefault((row["statistic"], row["group"], row["inference"], row.coefficient), []).append(row.estimate.value)
        done += 1
        if progress is not None:
            progress(k + 1, draws)
        if asked():
            break
    rows = []
    for (statistic, group, inference, name), each in values.items():
        about = {"statistic": statistic, "group": group, "inference": inference}
        known = np.array(each)[~np.isnan(each)]
        if not len(known):
            continue
        rows.append(Row(about, name, _spread(known, inference, confidence_level)))
        if name == "half_width" and statistic in (goals or {}):
            rows.append(Row(about, "assurance", _spread((known <= goals[statistic]).astype(float), inference, None)))
    notes = [*fitted.notes, f"{done} of {draws} draws of the parameters, the same random numbers for each. "
             "The limits hold the Monte Carlo error of each draw too."]
    return Result(f"What {len(design.raters)} officers and {len(design.cases)} cases would show, parameters uncertain",
                  ("statistic", "group", "inference"), tuple(rows), tuple(notes), seed, synthetic=True)


def _spread(values: np.ndarray, inference: str, level: float | None) -> Estimate:
    """Mean over the draws, with the limits of their central share."""
    assert inference in TARGETS
    low, high = (np.nan, np.nan) if level is None else np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    se = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
    return Estimate(float(values.mean()), se=se, ci_low=float(low), ci_high=float(high), target=inference, method="mean over draws of the parameters",
                    parts={"draws": float(len(values))})
