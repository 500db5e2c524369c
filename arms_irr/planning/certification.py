"""The rule by which officers would be certified: data that a user can change, and what it does before it is used."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.certification import Course, Wald, count_distribution, limits, sequential_course

__all__ = ["DECISIONS", "Rule", "course", "load_rule"]

DECISIONS = ("pass", "more cases needed", "refer for coaching")


@dataclass(frozen=True)
class Rule:
    """A rule of certification with three outcomes.

    An officer *passes* who agrees with the gold standard in at least ``exact_share`` of the priorities given, with a
    one-sided lower Clopper-Pearson bound (at ``alpha``) above ``p0``, and whose share of missed High priorities has an
    upper bound (at ``alpha``) of at most ``missed_high``. An officer is *referred for coaching* whose upper bound of
    agreement (at ``beta``) lies below ``exact_share``, or whose lower bound of missed High priorities (at ``alpha``) lies
    above the limit. For everyone else, and for whoever rated fewer than ``minimum_cases`` cases or met fewer than
    ``minimum_gold`` gold standards of any category, *more cases are needed*.

    Attributes
    ----------
    p0, p1, alpha, beta : float
        The share that must not pass and the share that should, and the errors; the sequential test
        (:class:`arms_irr.statistics.certification.Wald`) is made of these four alone.
    exact_share : float
        Above p0, at most p1.
    linear_share : float
        The linearly weighted agreement (1 less the distance in steps over the most possible) that passing also needs.
    most_ratings : int
        Where the sequential test stops.

    Raises
    ------
    ArgumentError
        For values that no rule can have.
    """

    title: str = "Proposed rule"
    p0: float = 0.65
    p1: float = 0.85
    alpha: float = 0.05
    beta: float = 0.10
    exact_share: float = 0.80
    missed_high: float = 0.35
    linear_share: float = 0.0
    minimum_gold: int = 3
    minimum_cases: int = 6
    most_ratings: int = 240

    def __post_init__(self) -> None:
        for name in ("missed_high", "linear_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ArgumentError(f"{name} = {getattr(self, name)} in the rule of certification: give a share from 0 to 1")
        for name, least in (("minimum_gold", 0), ("minimum_cases", 1), ("most_ratings", 1)):
            if getattr(self, name) < least:
                raise ArgumentError(f"{name} = {getattr(self, name)} in the rule of certification: give {least} or more")
        _ = self.test
        if not self.p0 < self.exact_share <= self.p1:
            raise ArgumentError(f"exact_share = {self.exact_share} in the rule of certification: give a share above p0 = {self.p0} and at "
                                f"most p1 = {self.p1}")

    @property
    def test(self) -> Wald:
        """The sequential test with the errors of the rule."""
        return Wald(self.p0, self.p1, self.alpha, self.beta)

    def limits(self, n: int) -> tuple[int, int]:
        """Of ``n`` priorities: the fewest agreements that pass, and the most that refer."""
        return limits(n, self.exact_share, self.p0, self.alpha, self.beta)

    def outcomes(self, per_case: Sequence[int], p: float, rho: float = 0.0) -> tuple[float, float, float]:
        """Probabilities of :data:`DECISIONS` for an officer of true share ``p``, by the agreement with the gold standard alone.

        The limit on missed High priorities can only lower the first. With fewer cases than the rule asks for the second is 1.
        """
        if len(per_case) < self.minimum_cases:
            return 0.0, 1.0, 0.0
        found = count_distribution(per_case, p, rho)
        passes, refers = self.limits(len(found) - 1)
        ends = float(found[passes:].sum()), float(found[: refers + 1].sum())
        return ends[0], max(0.0, 1 - sum(ends)), ends[1]


def course(rule: Rule, p: float, per_case: int, rho: float = 0.0) -> Course:
    """The rule's sequential test for an officer of true share ``p``; nothing is decided before ``minimum_cases`` cases."""
    most = max(rule.most_ratings, rule.minimum_cases * per_case)
    return sequential_course(rule.test, p, most, least=rule.minimum_cases * per_case, per_case=per_case, rho=rho)


def load_rule(source: Rule | Mapping[str, Any] | str | Path | None = None) -> Rule:
    """A rule: the shipped one, one from a TOML file or table, or the one given.

    Parameters
    ----------
    source : Rule, mapping, path or None
        A file holds a table ``[certification]``, a study.toml say; a mapping is such a table. What it leaves out is as in
        the shipped rule. ``None``: the shipped rule.

    Raises
    ------
    ArgumentError
        For a file that cannot be read or holds no such table, unknown keys and wrong types.
    """
    if isinstance(source, Rule):
        return source
    shipped = _table(resources.files("arms_irr.planning").joinpath("certification_rule.toml").read_text("utf-8"), "certification_rule.toml")
    if source is None:
        return _build(shipped)
    if isinstance(source, Mapping):
        return _build({**shipped, **source})
    try:
        text = Path(source).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"The rule {str(source)!r} cannot be read ({error}). Give a TOML file with a table [certification].") from error
    return _build({**shipped, **_table(text, str(source))})


def _table(text: str, name: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(text).get("certification")
    except tomllib.TOMLDecodeError as error:
        raise ArgumentError(f"The rule {name!r} is not valid TOML ({error}). Mend the line named.") from error
    if not isinstance(found, dict):
        raise ArgumentError(f"{name!r} holds no table [certification]. Write [certification] on a line of its own, and the rule below.")
    return found


def _build(table: Mapping[str, Any]) -> Rule:
    kinds = {f.name: {"str": str, "int": int, "float": float}[str(f.type)] for f in fields(Rule)}
    for name, value in table.items():
        if name not in kinds:
            raise ArgumentError(f"Unknown key {name!r} in [certification]. {nearest(name, kinds)}Known keys: {', '.join(kinds)}.")
        wanted = (int, float) if kinds[name] is float else kinds[name]
        if isinstance(value, bool) or not isinstance(value, wanted):
            words = {str: "text in quotation marks", int: "a whole number", float: "a number"}[kinds[name]]
            raise ArgumentError(f"{name!r} in [certification] is {value!r}. Write {words}.")
    return Rule(**table)
