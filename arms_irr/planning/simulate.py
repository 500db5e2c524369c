"""Simulated ratings with a known truth, as tables, as a study folder and as the two shipped examples."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from arms_irr.errors import ArgumentError, nearest
from arms_irr.instruments.load import load_instrument
from arms_irr.instruments.model import NOT_GIVEN, UNABLE, Instrument
from arms_irr.planning.designs import DESIGNS, Design
from arms_irr.planning.parameters import KINDS, Parameters
from arms_irr.planning.population import Population, population

if TYPE_CHECKING:
    from arms_irr.study import Study

__all__ = ["EXAMPLES", "Replicates", "Simulated", "Truth", "agency_effects", "as_study", "draw", "example", "replicate", "simulate",
           "simulate_example", "simulation_from", "toml_text", "write"]

EXAMPLES = ("pilot", "second_exercise", "training_pre_post", "certification", "reversers")

Table = dict[str, list[str]]


@dataclass(frozen=True, eq=False)
class Truth:
    """What was drawn and never observed; R raters, C cases, F risk and protective factors, n replications.

    ``severity``, ``protective_severity``, ``reverser``, ``threshold``, ``unable`` (logit) have shape (n, R),
    ``halo`` (n, R, C), ``ambiguity`` (n, C, F), ``difficulty`` (n, C). A :class:`Simulated` has no axis n.
    """

    severity: np.ndarray
    protective_severity: np.ndarray
    reverser: np.ndarray
    threshold: np.ndarray
    unable: np.ndarray
    ambiguity: np.ndarray
    difficulty: np.ndarray
    halo: np.ndarray


@dataclass(frozen=True, eq=False)
class Replicates:
    """n simulated exercises as codes, for planning and tests.

    Attributes
    ----------
    ratings : ndarray of int8, shape (n, R, C, F)
        0 Low, 1 Medium, 2 High, ``UNABLE``, or ``NOT_GIVEN`` where the rater does not rate the case.
    urgency : ndarray of int8, shape (n, R, C, F)
        The priority that an "unable to rate" carries, else ``NOT_GIVEN``.
    overall : ndarray of int8, shape (n, R, C)
        0 Low ... 3 Very High, or ``NOT_GIVEN``.
    """

    design: Design
    ratings: np.ndarray
    urgency: np.ndarray
    overall: np.ndarray
    truth: Truth


@dataclass(frozen=True, eq=False)
class Simulated:
    """One simulated exercise: tables of labels as a study folder holds them, and the truth behind them.

    Truth and population are those of the first occasion.

    ``metadata`` holds the tables ``study`` and ``simulation`` of study.toml.
    """

    design: Design
    parameters: Parameters
    seed: int
    ratings: Table
    gold: Table
    cases: Table
    raters: Table
    metadata: dict[str, dict[str, Any]]
    truth: Truth

    @cached_property
    def population(self) -> Population:
        """The agreement that infinitely many such officers would show on these very cases."""
        return population(self.design, self.parameters, self.truth.ambiguity, self.truth.difficulty)


def replicate(design: Design, parameters: Parameters, seed: int, replications: int) -> Replicates:
    """Simulate an exercise many times: new officers each time, and new cases with the same golds.

    Random numbers come from ``numpy.random.default_rng([seed, 1])`` (the design's own from ``[seed, 0]``) in the
    order that :func:`draw` states.

    Raises
    ------
    ArgumentError
        For a seed that is not a whole number of 0 or more, fewer than one replication, an agency in the
        parameters that no rater has, or golds that do not fit the instrument.
    """
    _check_seed(seed)
    if replications < 1:
        raise ArgumentError(f"replications is {replications!r}. Give 1 or more.")
    return draw(design, parameters, np.random.default_rng([seed, 1]), replications)


def draw(design: Design, parameters: Parameters, rng: np.random.Generator, replications: int, *,
         gold: np.ndarray | None = None, cases: Truth | None = None, officers: Truth | None = None) -> Replicates:
    """Simulate an exercise many times, with new officers and cases or some that were drawn before.

    Random numbers are drawn in this order whatever the parameters, the assignment and what is given: severity,
    protective severity, reversal, threshold, unable to rate (each n x R); ambiguity (n x C x F), difficulty
    (n x C); halo (n x R x C); noise, unable to rate, urgency (each n x R x C x F); noise of the overall priority
    (n x R x C). So a change of one parameter leaves every other draw as it was.

    Parameters
    ----------
    gold : (n, C, F) array, optional
        Golds of the cases of each replication in place of the design's.
    cases : Truth, optional
        An earlier drawing whose cases (ambiguity, difficulty) are rated again.
    officers : Truth, optional
        An earlier drawing whose officers (all but their reading of a case) rate again.
    """
    p, instrument = parameters, load_instrument(design.instrument)
    kind, opportunity = _factors(design, instrument)
    shift, noise_of = agency_effects(design, parameters)
    n, r, c, f = replications, len(design.raters), len(design.cases), len(kind)
    protective, band, cell = kind == 1, design.bands(), np.ix_(design.bands(), kind)

    theta = p.severity_sd * rng.standard_normal((n, r)) + shift
    zeta = p.protective_severity_sd * rng.standard_normal((n, r))
    reverser = rng.random((n, r)) < p.reversal
    h = p.threshold * np.exp(p.central_tendency + p.threshold_sd * rng.standard_normal((n, r)))
    w = p.unable_sd * rng.standard_normal((n, r))
    u = p.ambiguity_sd * rng.standard_normal((n, c, f))
    kappa = np.exp(p.difficulty_sd * rng.standard_normal((n, c)))
    halo = p.halo.array()[band] * rng.standard_normal((n, r, c))
    if officers is not None:
        theta, zeta, reverser = officers.severity, officers.protective_severity, officers.reverser
        h, w = officers.threshold, officers.unable
    if cases is not None:
        u, kappa = cases.ambiguity, cases.difficulty

    gold = design.golds() if gold is None else gold
    y = ((gold - 1) * p.step + p.shift.array()[cell] + u)[:, None]
    y = y + (theta[..., None] + halo)[..., None] + (zeta[..., None] * protective)[:, :, None, :]
    sigma = p.noise.array()[cell] * kappa[..., None]
    y += noise_of[:, None, None] * sigma[:, None] * rng.standard_normal((n, r, c, f))
    y = np.where(reverser[..., None, None] & protective, -y, y)
    cut = h[..., None, None]
    priority = (1 + (y > cut) - (y < -cut)).astype(np.int8)

    near = np.abs(np.abs(y) - cut) < p.near_threshold
    logit = p.unable.array()[cell] + w[..., None, None] + p.unable_near_threshold * near
    unable = rng.random((n, r, c, f)) < expit(logit)
    carried = unable & (rng.random((n, r, c, f)) < p.urgency_given)

    score = p.overall.noise.array()[band] * rng.standard_normal((n, r, c))
    score += p.overall.risk * (priority[..., ~protective] - 1).mean(-1)
    score += p.overall.protective * (priority[..., protective] - 1).mean(-1)
    score += p.overall.opportunity * (priority[..., opportunity] == 2).any(-1)
    overall = np.searchsorted(p.overall.cuts, score).astype(np.int8)

    rated = design.rated()
    asked = rated[..., None]
    return Replicates(
        design, np.where(asked, np.where(unable, np.int8(UNABLE), priority), np.int8(NOT_GIVEN)),
        np.where(asked & carried, priority, np.int8(NOT_GIVEN)), np.where(rated, overall, np.int8(NOT_GIVEN)),
        Truth(theta, zeta, reverser, h, w, u, kappa, halo))


def _check_seed(seed: object) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ArgumentError(f"The seed is {seed!r}. Give a whole number, 0 or more.")


def _factors(design: Design, instrument: Instrument) -> tuple[np.ndarray, np.ndarray]:
    """Positions in ``KINDS`` of the factors that are simulated, and which of them is opportunity."""
    factors = [factor for factor in instrument.factors if factor.kind in KINDS]
    for case in design.cases:
        if len(case.gold) != len(factors):
            raise ArgumentError(f"Case {case.id!r} has {len(case.gold)} golds, and {instrument.name} has "
                                f"{len(factors)} risk and protective factors. Give one gold for each.")
    return (np.array([KINDS.index(factor.kind) for factor in factors]),
            np.array([factor.id == "opportunity" for factor in factors]))


def agency_effects(design: Design, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Shift of severity and multiplier of noise, each of shape (R,); ``ArgumentError`` for an agency that nobody has."""
    agencies = [rater.attributes.get("agency", "") for rater in design.raters]
    for name in {**parameters.agency_shift, **parameters.agency_noise}:
        if name not in agencies:
            raise ArgumentError(f"The parameters name the agency {name!r}, which no rater of the design has. "
                                f"{nearest(name, agencies)}Agencies: {', '.join(dict.fromkeys(agencies))}.")
    return (np.array([parameters.agency_shift.get(agency, 0.0) for agency in agencies]),
            np.array([parameters.agency_noise.get(agency, 1.0) for agency in agencies]))


def simulate(design: Design, parameters: Parameters, seed: int, *, note: str = "") -> Simulated:
    """Simulate one exercise: the first replication of :func:`replicate` with this seed, as tables of labels.

    Parameters
    ----------
    note : str, optional
        Why this seed; added to the description and kept as ``seed_note``.
    """
    drawn = replicate(design, parameters, seed, 1)
    truth = Truth(**{name: values[0] for name, values in vars(drawn.truth).items()})
    rebuilt = design.name in DESIGNS and DESIGNS[design.name](seed) == design
    study = {"title": design.title, "instrument": design.instrument, "synthetic": True,
             "description": f"{design.description} {note}".strip()}
    simulation = {"design": design.name if rebuilt else "custom", "seed": seed, "seed_note": note,
                  **parameters.to_dict()}
    ratings, gold = _tables([drawn, *_later(drawn, parameters, seed)], load_instrument(design.instrument))
    return Simulated(
        design, parameters, seed, ratings, gold,
        _columns([{"case": case.id, "risk_band": case.risk_band, **case.attributes}
                  for case in design.cases]),
        _columns([{"rater": rater.id, **rater.attributes} for rater in design.raters]),
        {"study": study, "simulation": simulation}, truth)


def _later(first: Replicates, parameters: Parameters, seed: int) -> list[Replicates]:
    """The later occasions: the same officers and cases, read anew with the random numbers of ``[seed, 1, occasion]``.

    Training works as :meth:`Parameters.trained` says, on the severities drawn at first too.
    """
    found = []
    for number, occasion in enumerate(first.design.later, 2):
        severity = first.truth.severity * (parameters.training.severity if occasion.trained else 1)
        found.append(draw(replace(first.design, assignment=occasion.assignment), parameters.trained() if occasion.trained else parameters,
                          np.random.default_rng([seed, 1, number]), 1, cases=first.truth, officers=replace(first.truth, severity=severity)))
    return found


def _tables(occasions: list[Replicates], instrument: Instrument) -> tuple[Table, Table]:
    """The tables ratings and gold, overall last within a case; a column ``occasion`` where there are several."""
    ids = [factor.id for factor in instrument.factors if factor.kind in KINDS]
    scales = [instrument.scale_of(id) for id in ids]
    overall = [factor.id for factor in instrument.factors if factor.kind == "overall"]
    ratings, gold = [], []
    for number, drawn in enumerate(occasions, 1):
        design = drawn.design
        for j, rater in enumerate(design.raters):
            for c in design.assignment[j]:
                key = {"rater": rater.id, "case": design.cases[c].id, "occasion": str(number)}
                codes = zip(ids, scales, drawn.ratings[0, j, c], drawn.urgency[0, j, c], strict=True)
                ratings += [{**key, "factor": id, "rating": scale.label(code), "urgency": scale.label(urgency)}
                            for id, scale, code, urgency in codes]
                ratings += [{**key, "factor": id, "urgency": "",
                             "rating": instrument.scale_of(id).label(drawn.overall[0, j, c])} for id in overall]
    for case in occasions[0].design.cases:
        golds = [*zip(ids, case.gold, strict=True), *((id, case.overall) for id in overall)]
        gold += [{"case": case.id, "factor": id, "rating": instrument.scale_of(id).label(code)}
                 for id, code in golds]
    names = ("rater", "case", "factor", "rating", "urgency", *(["occasion"] if len(occasions) > 1 else []))
    return {name: [row[name] for row in ratings] for name in names}, _columns(gold)


def _columns(rows: list[dict[str, str]]) -> Table:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, "") for row in rows] for name in names}


def simulation_from(tables: Mapping[str, Any]) -> tuple[Design, Parameters, int]:
    """Design, parameters and seed of a simulated study, from its study.toml.

    Parameters
    ----------
    tables : mapping
        study.toml as ``tomllib`` reads it, or its table ``[simulation]`` alone. A missing parameter has its
        default.

    Raises
    ------
    ArgumentError
        When it holds no simulation, or a design that cannot be rebuilt from its name.
    """
    table = dict(tables.get("simulation", tables))
    table.pop("seed_note", None)
    name, seed = table.pop("design", None), table.pop("seed", None)
    if name is None or seed is None:
        raise ArgumentError("There is no [simulation] with a design and a seed. "
                            "Give the study.toml of a simulated study.")
    parameters = Parameters.from_dict(table)
    return _design(name, seed), parameters, seed


def _design(name: str, seed: int) -> Design:
    _check_seed(seed)
    if name not in DESIGNS:
        raise ArgumentError(f"There is no design {name!r} to rebuild. {nearest(name, DESIGNS)}"
                            f"Known: {', '.join(DESIGNS)}.")
    return DESIGNS[name](seed)


def simulate_example(name: str, seed: int | None = None) -> Simulated:
    """A shipped example, one of :data:`EXAMPLES`, with its own parameters.

    Parameters
    ----------
    seed : int, optional
        Another seed than the shipped one.
    """
    if name not in EXAMPLES:
        raise ArgumentError(f"There is no example {name!r}. {nearest(name, EXAMPLES)}"
                            f"Known: {', '.join(EXAMPLES)}.")
    text = resources.files("arms_irr.planning").joinpath(f"{name}.toml").read_text("utf-8")
    table = tomllib.loads(text)["simulation"]
    design, parameters, shipped = simulation_from(table)
    if seed is None or seed == shipped:
        return simulate(design, parameters, shipped, note=table["seed_note"])
    return simulate(_design(name, seed), parameters, seed)


def example(name: str) -> Study:
    """A shipped example as a study, simulated on the spot: the same as reading the folder ``data/<name>``."""
    return as_study(simulate_example(name))


def as_study(made: Simulated) -> Study:
    """A simulated exercise as a study."""
    from pandas import DataFrame

    from arms_irr.study import Study

    return Study.from_frames(
        DataFrame(made.ratings), gold=DataFrame(made.gold), cases=DataFrame(made.cases),
        raters=DataFrame(made.raters), simulation=made.metadata["simulation"], **made.metadata["study"])


def write(simulated: Simulated, folder: str | Path) -> Path:
    """Write study.toml, ratings.csv, gold.csv, cases.csv and raters.csv; the same bytes every time.

    The files are written to a folder beside and moved into place once complete. In an existing simulated
    study these five files are replaced and others left alone.

    Raises
    ------
    ArgumentError
        When the folder holds anything that does not declare itself synthetic, or cannot be written.
    """
    folder = Path(folder)
    _refuse_real(folder)
    partial = folder.with_name(f".{folder.resolve().name}.partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        (partial / "study.toml").write_text(toml_text(simulated.metadata, _HEAD), encoding="utf-8", newline="\n")
        for name in ("ratings", "gold", "cases", "raters"):
            table: Table = getattr(simulated, name)
            with open(partial / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
                lines = csv.writer(file, lineterminator="\n")
                lines.writerow(table)
                lines.writerows(zip(*table.values(), strict=True))
        if not folder.exists():
            partial.rename(folder)
        else:
            for path in partial.iterdir():
                path.replace(folder / path.name)
    except OSError as error:
        raise ArgumentError(f"The folder {str(folder)!r} cannot be written ({error}). "
                            "Give a folder you may write to.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _refuse_real(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        study = tomllib.loads((folder / "study.toml").read_text("utf-8"))["study"]
        if study["synthetic"] is True:
            return
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
        pass
    raise ArgumentError(f"{str(folder)!r} exists and is not a simulated study, so it is not written over. "
                        "Give another folder.")


_HEAD = """\
# Simulated: every rating was drawn from the parameters below, which are design choices, not estimates from
# the pilot. Their meaning and units stand with arms_irr.planning.parameters.Parameters.
"""


def toml_text(tables: Mapping[str, Mapping[str, Any]], head: str) -> str:
    """Tables as TOML: the head, a line for each entry, mappings inside a table on one line."""

    def value(thing: Any) -> str:
        if isinstance(thing, Mapping):
            pairs = ", ".join(f"{key(name)} = {value(entry)}" for name, entry in thing.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        if isinstance(thing, (tuple, list)):
            return "[" + ", ".join(map(value, thing)) + "]"
        if isinstance(thing, str):
            return json.dumps(thing, ensure_ascii=False)  # every escape JSON writes is also one of TOML's
        return str(thing).lower() if isinstance(thing, bool) else repr(thing)

    def key(name: str) -> str:
        bare = name.isascii() and name.replace("_", "").isalnum()
        return name if bare else json.dumps(name, ensure_ascii=False)

    parts = ["\n".join([f"[{name}]", *(f"{key(k)} = {value(v)}" for k, v in table.items())])
             for name, table in tables.items()]
    return head + "\n" + "\n\n".join(parts) + "\n"
