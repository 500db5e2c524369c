"""Who rates which case: a pilot's shape and the recommended second exercise, both invented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from arms_irr.errors import ArgumentError
from arms_irr.instruments.rules import LEVELS, predominant
from arms_irr.planning.parameters import BANDS

__all__ = ["DESIGNS", "Case", "Design", "Rater", "pilot", "second_exercise"]


@dataclass(frozen=True)
class Rater:
    """An officer's pseudonym and attributes (``agency`` is the one that parameters may refer to)."""

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A vignette with its golds.

    ``gold`` holds one category position (0 Low, 1 Medium, 2 High) per risk and protective factor in the
    instrument's order, ``overall`` the position of the gold overall priority.
    """

    id: str
    risk_band: str
    gold: tuple[int, ...]
    overall: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """Raters, cases and which rater rates which case.

    Attributes
    ----------
    name : str
        One of ``DESIGNS`` when the design can be rebuilt from its name and seed, else any other name.
    assignment : tuple of tuple of int
        For each rater the positions of the cases rated, ascending. A rater rates every factor of a case.
    description : str
        Sentences for study.toml.

    Raises
    ------
    ArgumentError
        When bands, golds or assignment do not fit.
    """

    name: str
    title: str
    description: str
    raters: tuple[Rater, ...]
    cases: tuple[Case, ...]
    assignment: tuple[tuple[int, ...], ...]
    instrument: str = "arms-12"

    def __post_init__(self) -> None:
        for case in self.cases:
            if case.risk_band not in BANDS:
                raise ArgumentError(f"Case {case.id!r} has the risk band {case.risk_band!r}. "
                                    f"The rating model knows {' and '.join(BANDS)}.")
            if not set(case.gold) <= {0, 1, 2}:
                raise ArgumentError(f"Case {case.id!r} has a gold outside 0 (Low), 1 (Medium), 2 (High).")
        if len(self.assignment) != len(self.raters):
            raise ArgumentError(f"The design has {len(self.raters)} raters and assigns cases to "
                                f"{len(self.assignment)}. Give one list of cases for each rater.")

    def rated(self) -> np.ndarray:
        """Shape (raters, cases): True where the rater rates the case."""
        rated = np.zeros((len(self.raters), len(self.cases)), dtype=bool)
        for row, cases in zip(rated, self.assignment, strict=True):
            row[list(cases)] = True
        return rated

    def bands(self) -> np.ndarray:
        """Shape (cases,): positions in ``BANDS``."""
        return np.array([BANDS.index(case.risk_band) for case in self.cases])


def pilot(seed: int) -> Design:
    """Twenty officers, two vignettes, everyone rates both.

    Twelve police officers in two forces (7 + 5) and eight probation officers in three trusts (3 + 3 + 2). The
    split is invented: how many officers of each agency took part is not published. The seed decides only the
    officers' years of experience.
    """
    sites = {"police": {"force_1": 7, "force_2": 5}, "probation": {"trust_1": 3, "trust_2": 3, "trust_3": 2}}
    cases = (
        _case("case_a", "lower", "Lower-risk vignette (synthetic)", "LLMLLLM" "LLMLL", rm2000="Low"),
        _case("case_b", "higher", "Higher-risk vignette (synthetic)", "HHMHMHH" "HMHHM", rm2000="High"),
    )
    return Design(
        "pilot", "Pilot evaluation, synthetic",
        "Synthetic data in the shape of the 2012 pilot's rating exercise: 20 officers rate a lower-risk and "
        "a higher-risk vignette. The pilot's ratings are not published; no number here is the pilot's. "
        "That every officer rates both vignettes, the split into 12 police officers (two forces) and 8 "
        "probation officers (three trusts), the gold ratings, the RM2000 categories and the years of "
        "experience are invented.",
        _raters(sites, np.random.default_rng([seed, 0])), cases, ((0, 1),) * 20)


def second_exercise(seed: int) -> Design:
    """Forty officers, twelve vignettes, planned incomplete blocks: everyone rates six vignettes.

    Twenty police officers in three forces and twenty probation officers in three trusts. The first vignette
    of each band is a link that everyone rates; each officer also rates two of the other five of each band.
    Within an agency each pair of those five falls to exactly two officers, so every case that is not a link
    has 16 raters, eight of each agency; a lower-risk and a higher-risk case meet in 6 or 7 officers. For each
    factor the six lower-risk vignettes carry the golds L L L M M H and the six higher-risk ones H H H M M L;
    the gold overall priority is the predominant one. The seed decides, in this order: years of experience,
    the golds (lower, then higher), the order of the five cases in each band, and which officer of an agency
    gets which block.
    """
    rng = np.random.default_rng([seed, 0])
    sites = {agency: dict(zip((f"{site}_1", f"{site}_2", f"{site}_3"), (7, 7, 6), strict=True))
             for agency, site in (("police", "force"), ("probation", "trust"))}
    raters = _raters(sites, rng)
    cases: list[Case] = []
    bands = (("lower", "LLLMMH", ("Low", "Medium")), ("higher", "HHHMML", ("High", "Very High")))
    for band, mix, rm2000 in bands:
        profiles = rng.permuted(np.tile(list(mix), (12, 1)), axis=1).T
        for number, profile in enumerate(profiles, 1):
            cases.append(_case(
                f"case_{len(cases) + 1:02d}", band, f"{band.title()}-risk vignette {number} (synthetic)",
                "".join(profile), rm2000=rm2000[(number - 1) % 2], link="yes" if number == 1 else "no"))
    return Design(
        "second_exercise", "Second inter-rater reliability exercise, synthetic",
        "Synthetic data for the second rating exercise that the pilot's evaluation recommended, in a design "
        "of our own: 40 officers, 12 vignettes, planned incomplete blocks (each officer rates the two link "
        "vignettes and two more of each band). The pilot's ratings are not published; officers, gold "
        "ratings, RM2000 categories and years of experience are invented.",
        raters, tuple(cases), _blocks(rng))


DESIGNS: dict[str, Callable[[int], Design]] = {"pilot": pilot, "second_exercise": second_exercise}


def _raters(sites: Mapping[str, Mapping[str, int]], rng: np.random.Generator) -> tuple[Rater, ...]:
    places = [(agency, site)
              for agency, sizes in sites.items() for site, size in sizes.items() for _ in range(size)]
    years = rng.integers(1, 21, len(places))
    return tuple(
        Rater(f"officer_{number:02d}", {"agency": agency, "site": site, "experience_years": str(experience)})
        for number, ((agency, site), experience) in enumerate(zip(places, years, strict=True), 1))


def _case(id: str, band: str, title: str, profile: str, **attributes: str) -> Case:
    gold = tuple("LMH".index(letter) for letter in profile)
    overall = LEVELS.categories.index(str(predominant(gold)))
    return Case(id, band, gold, overall, {"title": title, **attributes})


def _blocks(rng: np.random.Generator) -> tuple[tuple[int, ...], ...]:
    """Cases of each of 40 raters: the links 0 and 6, two of 1-5 and two of 7-11.

    Cyclic: two of five cases are either neighbours (i, i + 1) or next but one (i, i + 2), five pairs of each
    sort. Joining neighbours of one band with next-but-ones of the other, shifted, makes four of the five
    differences between a lower and a higher case; shifts that leave out a different one each time spread them
    evenly.
    """
    lower, higher = 1 + rng.permutation(5), 7 + rng.permutation(5)
    assignment = []
    for agency in (0, 1):
        blocks = []
        for turn in range(4):
            left_out = turn + agency
            a, b, shift = (1, 2, left_out + 2) if turn % 2 == 0 else (2, 1, left_out - 2)
            for i in range(5):
                blocks.append((0, *sorted((lower[i], lower[(i + a) % 5])),
                               6, *sorted((higher[(i + shift) % 5], higher[(i + shift + b) % 5]))))
        assignment += [tuple(int(case) for case in blocks[k]) for k in rng.permutation(20)]
    return tuple(assignment)
