"""Who rates which case: a pilot's shape and the recommended second exercise, both invented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from arms_irr.errors import ArgumentError
from arms_irr.instruments.load import load_instrument
from arms_irr.instruments.rules import LEVELS, predominant
from arms_irr.planning.parameters import BANDS, KINDS

__all__ = ["DESIGNS", "PILOT_MIX", "Case", "Design", "Later", "Mix", "Rater", "crossed", "pilot", "second_exercise"]


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
class Later:
    """A later occasion: for each rater the positions of the cases rated then, and whether everyone was trained before it."""

    assignment: tuple[tuple[int, ...], ...]
    trained: bool


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
    later : tuple of Later
        The occasions after the first, which ``assignment`` describes.

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
    later: tuple[Later, ...] = ()

    def __post_init__(self) -> None:
        for case in self.cases:
            if case.risk_band not in BANDS:
                raise ArgumentError(f"Case {case.id!r} has the risk band {case.risk_band!r}. "
                                    f"The rating model knows {' and '.join(BANDS)}.")
            if not set(case.gold) <= {0, 1, 2}:
                raise ArgumentError(f"Case {case.id!r} has a gold outside 0 (Low), 1 (Medium), 2 (High).")
        for assignment in (self.assignment, *(occasion.assignment for occasion in self.later)):
            if len(assignment) != len(self.raters):
                raise ArgumentError(f"The design has {len(self.raters)} raters and assigns cases to "
                                    f"{len(assignment)}. Give one list of cases for each rater.")

    def rated(self) -> np.ndarray:
        """Shape (raters, cases): True where the rater rates the case."""
        rated = np.zeros((len(self.raters), len(self.cases)), dtype=bool)
        for row, cases in zip(rated, self.assignment, strict=True):
            row[list(cases)] = True
        return rated

    def golds(self) -> np.ndarray:
        """Shape (cases, factors): the golds of the risk and protective factors."""
        return np.array([case.gold for case in self.cases])

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


@dataclass(frozen=True)
class Mix:
    """Which golds cases carry: the shares of Low, Medium and High by risk band and kind of factor.

    Raises
    ------
    ArgumentError
        Where three shares are not between 0 and 1 or do not sum to 1.
    """

    lower_risk: tuple[float, float, float]
    lower_protective: tuple[float, float, float]
    higher_risk: tuple[float, float, float]
    higher_protective: tuple[float, float, float]

    def __post_init__(self) -> None:
        for name, shares in vars(self).items():
            if len(shares) != 3 or not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-9:
                raise ArgumentError(f"The mix of golds {name} is {list(shares)}. Give the shares of Low, Medium and High, "
                                    "which sum to 1.")

    def golds(self, band: np.ndarray, kind: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Golds (..., cases, factors) at places from 0 to 1 along Low, Medium and High."""
        shares = np.array([[self.lower_risk, self.lower_protective], [self.higher_risk, self.higher_protective]])
        ends = np.cumsum(shares, axis=-1)[..., :2][np.ix_(band, kind)]
        return (place[..., None] >= ends - 1e-12).sum(-1)


# The golds of the two vignettes of the simulated pilot.
PILOT_MIX = Mix((5 / 7, 2 / 7, 0.0), (4 / 5, 1 / 5, 0.0), (0.0, 2 / 7, 5 / 7), (0.0, 2 / 5, 3 / 5))


def crossed(officers: int, cases: int, *, golds: Mix = PILOT_MIX, seed: int = 1, instrument: str = "arms-12") -> Design:
    """Every officer rates every case: two agencies of three sites each, lower- and higher-risk cases by turns.

    Within a band each factor goes through the mix in even steps, in an order drawn from the seed, so that the golds of the
    whole are as near to the mix as whole cases allow.

    Raises
    ------
    ArgumentError
        For fewer than one officer or fewer than two cases.
    """
    if officers < 1 or cases < 2:
        raise ArgumentError(f"{officers} officers and {cases} cases: give at least 1 officer and 2 cases, one of each risk band.")
    rng = np.random.default_rng([seed, 0])
    kind = np.array([KINDS.index(f.kind) for f in load_instrument(instrument).factors if f.kind in KINDS])
    band = np.arange(cases) % 2
    place = np.empty((cases, len(kind)))
    start = np.empty(len(kind))
    for t in (0, 1):  # factors begin at different places of the mix, or a single case would show the commonest gold only
        n = int((kind == t).sum())
        start[kind == t] = (np.arange(n) + 0.5) / max(n, 1)
    for b in (0, 1):
        n = int((band == b).sum())
        place[band == b] = rng.permuted(np.tile(np.arange(n), (len(kind), 1)), axis=1).T / n + start / n
    chosen = golds.golds(band, kind, place)
    made = [_case(f"case_{c + 1:02d}", BANDS[b], f"{BANDS[b].title()}-risk vignette {c // 2 + 1}", "".join("LMH"[g] for g in chosen[c]))
            for c, b in enumerate(band)]
    half = officers - officers // 2
    sites = {agency: {f"{site}_{k + 1}": (size + 2 - k) // 3 for k in range(3)}
             for agency, site, size in (("police", "force", half), ("probation", "trust", officers - half))}
    raters = _raters(sites, rng)
    return Design("crossed", f"{officers} officers, {cases} vignettes", "Every officer rates every vignette. Golds are stated, not observed.",
                  raters, tuple(made), (tuple(range(cases)),) * officers, instrument)


def training_pre_post(seed: int) -> Design:
    """Forty officers rate one pair of vignettes before training and the parallel pair after it; some rate again.

    Pair A and pair B hold a lower-risk and a higher-risk vignette each; the two of a band carry the same number of each
    gold among the risk factors, and among the protective ones. Half of the officers of each agency have pair A first
    (attribute ``order``). On the third occasion, three weeks after the second, every other officer rates the pair of the
    second occasion again. The seed decides years of experience, the golds, and who has which pair first.
    """
    rng = np.random.default_rng([seed, 0])
    raters = _raters({"police": {"force_1": 12, "force_2": 12}, "probation": {"trust_1": 8, "trust_2": 8}}, rng)
    cases = []
    for band, risk, protective in (("lower", "LLLLMMH", "LLLMM"), ("higher", "HHHHMML", "HHHMM")):
        for pair in "ab":
            profile = "".join(rng.permutation(list(risk))) + "".join(rng.permutation(list(protective)))
            cases.append(_case(f"case_{pair}_{band}", band, f"{band.title()}-risk vignette {pair.upper()} (synthetic)", profile))
    cases = [cases[k] for k in (0, 2, 1, 3)]  # pair A, then pair B
    first = np.concatenate([rng.permutation(np.arange(n) % 2) for n in (24, 16)]).tolist()
    pairs = ((0, 1), (2, 3))
    raters = tuple(Rater(rater.id, {**rater.attributes, "order": ("A first", "B first")[a]}) for rater, a in zip(raters, first, strict=True))
    after = tuple(pairs[1 - a] for a in first)
    again = tuple(pair if j % 2 == 0 else () for j, pair in enumerate(after))
    return Design(
        "training_pre_post", "Before and after training, synthetic",
        "Synthetic data: 40 officers rate a pair of vignettes before training (occasion 1) and the parallel pair after it "
        "(occasion 2), half of them pair A first; three weeks later half rate the pair of occasion 2 again (occasion 3). "
        "The pilot's ratings are not published; officers, gold ratings and the effect of training are invented.",
        raters, tuple(cases), tuple(pairs[a] for a in first), later=(Later(after, True), Later(again, True)))


def certification(seed: int) -> Design:
    """Sixty officers rate two vignettes, 24 cells each; thirty of them go on to eight vignettes more.

    30 police officers, 20 probation officers and 10 of specialist teams. Five lower-risk vignettes carry for each factor
    the golds L L L M H and five higher-risk ones H H H M L, each in an order of its own. The seed decides years of
    experience, the golds and who goes on (15, 10 and 5 of the three agencies).
    """
    rng = np.random.default_rng([seed, 0])
    raters = _raters({"police": {"force_1": 15, "force_2": 15}, "probation": {"trust_1": 10, "trust_2": 10}, "specialist": {"team_1": 10}}, rng)
    golds = {band: rng.permuted(np.tile(list(mix), (12, 1)), axis=1).T for band, mix in (("lower", "LLLMH"), ("higher", "HHHML"))}
    cases = [_case(f"case_{2 * k + b + 1:02d}", band, f"{band.title()}-risk vignette {k + 1} (synthetic)", "".join(golds[band][k]))
             for k in range(5) for b, band in enumerate(BANDS)]
    on = np.concatenate([rng.permutation(np.arange(n) % 2) for n in (30, 20, 10)]).tolist()
    return Design(
        "certification", "Certification exercise, synthetic",
        "Synthetic data: 60 officers rate two vignettes on twelve factors (24 cells each), which certifies nobody; 30 of them go "
        "on to eight vignettes more (120 cells). The pilot's ratings are not published; officers and gold ratings are invented.",
        raters, tuple(cases), tuple(tuple(range(10)) if goes else (0, 1) for goes in on))


def reversers(seed: int) -> Design:
    """The pilot's design, for officers some of whom read the protective factors the wrong way round."""
    return replace(
        pilot(seed), name="reversers", title="Pilot evaluation with reversers, synthetic",
        description="Synthetic data in the shape of the 2012 pilot's rating exercise, in which each officer reads the protective "
        "factors the wrong way round (high as strength) with a probability of 10 %. The pilot's ratings are not published; no number "
        "here is the pilot's, and nothing suggests that any officer of the pilot did so.")


DESIGNS: dict[str, Callable[[int], Design]] = {
    "pilot": pilot, "second_exercise": second_exercise, "training_pre_post": training_pre_post, "certification": certification,
    "reversers": reversers,
}


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
