"""Published claims: read with every mistake told, put to the data, and checked for arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise, product
from pathlib import Path

import pytest

import arms_irr as irr
from arms_irr.analysis.claims import VERDICTS, check_claims, read_claims
from arms_irr.analysis.contrasts import contrast
from arms_irr.analysis.possible import agreements, kappa_bounds, possible, rounded_from
from arms_irr.errors import ArgumentError, DataError
from arms_irr.statistics.arrays import agreement
from tests.test_evaluation import ODD, odd

ROOT = Path(__file__).parents[1]
HEAD = '[[claim]]\nid = "a"\ntext = "words"\nsource = "book"\n'


@pytest.fixture(scope="module")
def pilot():
    return irr.read_study(ROOT / "data" / "pilot")


def claims_of(tmp_path, study, text):
    path = tmp_path / "claims.toml"
    path.write_text(text, "utf-8")
    return read_claims(path, study)


def checked(tmp_path, study, text):
    return check_claims(study, claims_of(tmp_path, study, text))


# --- the pilot's findings ---------------------------------------------------------------------------------


def test_the_pilots_findings_are_words_and_the_simulation_shows_them(pilot):
    claims = read_claims(ROOT / "data" / "pilot", pilot)
    assert {claim.kind for claim in claims} == {"finding"}
    assert all(math.isnan(claim.value) and claim.n is None and claim.reading for claim in claims)
    assert all("Kewley & Blandford 2017" in claim.source for claim in claims)
    found = check_claims(pilot, claims)
    assert found.synthetic
    assert {row["verdict"] for row in found} == {"reproduced"}
    assert "says something about the simulation only" in found.notes[0]
    assert all("Reproduced in the simulation" in note for note in found.notes[1:])


def test_an_ordering_has_the_numbers_of_the_contrast(pilot):
    found = check_claims(pilot, read_claims(ROOT / "data" / "pilot", pilot))
    row = next(row for row in found if row["claim"] == "lower-risk-consistent-with-gold")
    usual = contrast(pilot, "risk_band", levels=("lower", "higher")).rows
    assert (row.estimate.value, row.estimate.ci_low) == (usual[2].estimate.value, usual[2].estimate.ci_low)
    assert row.estimate.parts["first"] == usual[0].estimate.value
    assert row.estimate.parts["excludes_zero"] == float(usual[2].estimate.ci_low > 0)
    assert row.coefficient == "difference"


# --- values and orderings ---------------------------------------------------------------------------------


def test_values_with_their_tolerance(pilot, tmp_path):
    exact = pilot.against_gold(["kind", "risk_band"]).get("exact", kind="risk", risk_band="higher")
    where = 'kind = "value"\nstatistic = "exact"\nwhere = { kind = "risk", risk_band = "higher" }\n'
    for value, more, verdict in ((round(exact.value, 2), "", "reproduced"), (round(exact.value, 2) + 0.01, "", "differs"),
                                 (round(exact.value, 2) + 0.01, "tolerance = 0.02\n", "reproduced")):
        found = checked(tmp_path, pilot, HEAD + where + f"value = {value:.2f}\n{more}").rows[0]
        assert found["verdict"] == verdict
        assert found.estimate.value == exact.value
        assert found.estimate.parts["in_interval"] == 1
        assert found.estimate.parts["difference"] == pytest.approx(exact.value - value)
    far = checked(tmp_path, pilot, HEAD + where + "value = 0.99\nn = 7\nci = [0.9, 1.0]\n").rows[0]
    assert far.estimate.parts["in_interval"] == 0
    assert "published interval is 90.0 % to 100.0 %" in far["why"]
    assert f"7 ratings, this on {exact.n_ratings}" in far["why"]
    assert "no number of 7 ratings" in far["why"]


@pytest.mark.parametrize(("more", "value"), [
    ('statistic = "gwet"\nweights = "quadratic"\nwhere = { case = "case_a" }\n', lambda s: s.agreement(["case"]).get("gwet", "quadratic", case="case_a")),
    ('statistic = "ICC(A,1)"\nwhere = { case = "case_b" }\n', lambda s: s.icc(["case"]).get("ICC(A,1)", case="case_b")),
    ('statistic = "unable_to_rate"\nwhere = { kind = "protective" }\n', lambda s: s.ratability(["kind"]).get("unable_to_rate", kind="protective")),
    ('statistic = "mean_signed_error"\n', lambda s: s.against_gold([]).get("mean_signed_error")),
    ('statistic = "exact"\nwhere = { agency = "police" }\n', lambda s: s.against_gold(["agency"]).get("exact", agency="police")),
])  # fmt: skip
def test_values_come_from_the_studys_own_questions(pilot, tmp_path, more, value):
    own = value(pilot)
    found = checked(tmp_path, pilot, HEAD + f'kind = "value"\nvalue = {own.value:.4f}\n' + more).rows[0]
    assert found["verdict"] == "reproduced"
    assert found.estimate.value == own.value
    assert (found.estimate.ci_low, found.estimate.ci_high) == (own.ci_low, own.ci_high)


def test_what_the_design_suppresses_cannot_be_tested(pilot, tmp_path):
    text = HEAD + 'kind = "value"\nstatistic = "fleiss"\nvalue = 0.4\nwhere = { factor = "opportunity" }\n'
    found = checked(tmp_path, pilot, text).rows[0]
    assert found["verdict"] == "cannot be tested"
    assert "fewer than 5 subjects" in found["why"]
    assert not found.estimate.estimable
    text = HEAD + 'kind = "value"\nstatistic = "cohen"\nvalue = 0.4\n'
    assert "exactly 2 raters" in checked(tmp_path, pilot, text).rows[0]["why"]
    part = odd("no overall", pilot)
    text = HEAD + 'kind = "value"\nstatistic = "exact"\nvalue = 0.4\nwhere = { factor = "overall" }\n'
    assert "no ratings of factor overall" in checked(tmp_path, part, text).rows[0]["why"]
    text = HEAD + 'kind = "ordering"\nstatistic = "exact"\nfirst = { kind = "overall" }\nrelation = ">"\nsecond = { kind = "risk" }\n'
    assert "no ratings of kind overall" in checked(tmp_path, part, text).rows[0]["why"]


@pytest.mark.parametrize(("relation", "verdict"), [(">", "reproduced"), ("<", "differs")])
def test_orderings_have_a_direction(pilot, tmp_path, relation, verdict):
    """Across two columns, so not a contrast of the study; and within one kind."""
    for first, second in (('{ kind = "risk", risk_band = "lower" }', '{ kind = "protective", risk_band = "higher" }'),
                          ('{ kind = "risk", risk_band = "lower" }', '{ kind = "risk", risk_band = "higher" }')):
        text = HEAD + f'kind = "ordering"\nstatistic = "exact"\nfirst = {first}\nrelation = "{relation}"\nsecond = {second}\n'
        found = checked(tmp_path, pilot, text).rows[0]
        assert found["verdict"] == verdict
        assert found.estimate.value == pytest.approx(found.estimate.parts["first"] - found.estimate.parts["second"])
        assert found.estimate.ci_low < found.estimate.value < found.estimate.ci_high


def test_an_uncertain_direction_is_said(pilot, tmp_path):
    text = HEAD + 'kind = "ordering"\nstatistic = "exact"\nfirst = { agency = "police" }\nrelation = ">"\nsecond = { agency = "probation" }\n'
    found = checked(tmp_path, pilot, text).rows[0]
    assert ("the direction is not certain" in found["why"]) == (found.estimate.parts["excludes_zero"] == 0)
    assert found.estimate.parts["excludes_zero"] == 0


@pytest.mark.parametrize("name", ODD)
def test_odd_studies(name, pilot, tmp_path):
    study = odd(name, pilot)
    text = "".join(
        f'[[claim]]\nid = "c{i}"\ntext = "t"\nsource = "s"\n{body}\n' for i, body in enumerate((
            'kind = "value"\nstatistic = "exact"\nvalue = 0.5', 'kind = "value"\nstatistic = "gwet"\nvalue = 0.5',
            'kind = "ordering"\nstatistic = "exact"\nfirst = { kind = "risk" }\nrelation = ">"\nsecond = { kind = "protective" }',
            'kind = "ordering"\nstatistic = "krippendorff"\nfirst = { kind = "risk" }\nrelation = ">"\nsecond = {}',
        )))
    found = checked(tmp_path, study, text)
    for row in found:
        assert row["verdict"] in VERDICTS
        assert (row["verdict"] == "cannot be tested") != row.estimate.estimable
        assert row.estimate.estimable or row.estimate.flags
        assert row["why"]
    assert all("nan" not in note for note in found.notes)


# --- mistakes ---------------------------------------------------------------------------------------------

WRONG = '''
note = "outside"
[[claim]]
id = "one"
text = "words"
kind = "valu"
[[claim]]
id = "two"
text = ""
source = "s"
kind = "value"
statistic = "exat"
value = "high"
where = { risk_bnd = "lower", kind = "protectve" }
tolerance = -1
[[claim]]
id = "two"
text = "t"
source = "s"
kind = "value"
statistic = "exact"
value = 56
ci = [0.6, 0.4]
n = 0
weights = "quadratic"
relation = ">"
[[claim]]
id = "three"
text = "t"
source = "s"
kind = "finding"
statistic = "gwet"
weights = "quadratik"
first = { risk_band = "lower" }
second = { risk_band = "lower" }
relation = "="
[[claim]]
text = "t"
source = 3
kind = "summary"
percent = 0.85
kappa = "much"
n = 20.0
raters = 3
'''


def test_every_mistake_is_told_at_once(pilot, tmp_path):
    with pytest.raises(DataError) as caught:
        claims_of(tmp_path, pilot, WRONG)
    told = "\n".join(str(problem) for problem in caught.value.problems)
    for words in (
        "Unknown table or key 'note'", "Claim 1 (one): there is no 'source'", "unknown kind 'valu'. Did you mean 'value'",
        "Claim 2 (two): 'text' is ''", "'statistic' is 'exat'. Did you mean 'exact'", "'value' is 'high'",
        "column 'risk_bnd', which the study does not have. Did you mean 'risk_band'",
        "kind = 'protectve', which the study does not have. Did you mean 'protective'", "'tolerance' is -1",
        "the id 'two' is used twice", "value = 56 is no share. Write exact from 0 to 1. Did you mean 0.56?", "'ci' is [0.6, 0.4]",
        "'n' is 0. Write a whole number of at least 1", "'exact' has no weights", "a claim of kind 'value' has no key 'relation'",
        "Claim 4 (three): a claim of kind 'finding' needs 'reading'", "'weights' is 'quadratik'. Did you mean 'quadratic'",
        "'relation' is '='", "'first' and 'second' are the same selection", "Claim 5: there is no 'id'", "'source' is 3",
        "percent = 0.85 is no percentage", "'kappa' is 'much'", "'n' is 20.0", "needs 'categories'", "'cohen' is for two raters, not 3",
    ):  # fmt: skip
        assert words in told, words
    assert len(caught.value.problems) == 26
    assert all(problem.file == "claims.toml" and problem.remedy for problem in caught.value.problems)
    assert next(p for p in caught.value.problems if "exat" in p.message).value == "exat"


@pytest.mark.parametrize(("text", "words"), [
    ("", "There are no claims"), ("claim = 3", "not a list of tables"), ("[claim]\nid = 'a'", "not a list of tables"), ("[[claim", "not valid TOML"),
    (HEAD + 'kind = "value"\nstatistic = "exact"\nvalue = nan', "'value' is nan"),
    (HEAD + 'kind = ["value"]', "unknown kind"), (HEAD + 'kind = "value"\nstatistic = ["exact"]\nvalue = true', "'statistic' is"),
    (HEAD + 'kind = "value"\nstatistic = "gwet"\nvalue = 1.2', "larger than 1"),
    (HEAD + 'kind = "value"\nstatistic = "exact"\nvalue = 0.5\nwhere = "lower"', "Write where = { risk_band"),
    (HEAD + 'kind = "value"\nstatistic = "exact"\nvalue = 0.5\nwhere = { occasion = 1 }', "occasion = 1"),
])  # fmt: skip
def test_single_mistakes(pilot, tmp_path, text, words):
    with pytest.raises(DataError) as caught:
        claims_of(tmp_path, pilot, text)
    assert words in str(caught.value)


def test_a_missing_file_is_told(pilot, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_claims(tmp_path / "nothing.toml", pilot)
    (tmp_path / "claims.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not valid TOML"):
        read_claims(tmp_path, pilot)


# --- arithmetic -------------------------------------------------------------------------------------------


def test_summaries(pilot, tmp_path):
    body = 'kind = "summary"\npercent = "85"\nn = 20\ncategories = 2\n'
    for kappa, verdict in (("0.95", "impossible"), ("0.70", "possible")):
        found = checked(tmp_path, pilot, HEAD + body + f'kappa = "{kappa}"\n').rows[0]
        assert (found["verdict"], found["statistic"]) == (verdict, "cohen")
        assert found.estimate.parts["most"] == pytest.approx(0.706, abs=5e-4)
    assert checked(tmp_path, pilot, HEAD + body.replace("85", "87")).rows[0]["verdict"] == "impossible"
    assert checked(tmp_path, pilot, HEAD + body).rows[0]["statistic"] == "percent"


@pytest.mark.parametrize(("given", "low", "high"), [("0.70", "0.695", "0.705"), (0.7, "0.65", "0.75"), (85, "84.5", "85.5"), ("−0.1", "-0.15", "-0.05"), ("1e2", "99.5", "100.5")])
def test_what_rounds_to_a_number(given, low, high):
    assert rounded_from(given) == (Fraction(low), Fraction(high))


@pytest.mark.parametrize("bad", ["much", "", "nan", "inf"])
def test_no_number(bad):
    with pytest.raises(ArgumentError, match="no number"):
        rounded_from(bad)


def two_rater_tables(n, q):
    """Every q x q table of n subjects, as the cells they fall into."""
    cells = list(product(range(q), repeat=2))
    return combinations_with_replacement(cells, n)


def all_kappas(n, q, coefficient):
    """(agreements, kappa) of every way in which two raters can rate n subjects, by the definition."""
    for ratings in two_rater_tables(n, q):
        x = sum(a == b for a, b in ratings)
        first, second = ([sum(r[k] == c for r in ratings) for c in range(q)] for k in (0, 1))
        if coefficient == "cohen":
            e = Fraction(sum(a * b for a, b in zip(first, second, strict=True)), n * n)
        else:
            pi = [Fraction(a + b, 2 * n) for a, b in zip(first, second, strict=True)]
            e = sum(p * p for p in pi) if coefficient == "fleiss" else sum(p * (1 - p) for p in pi) / (q - 1)
        if e != 1:
            yield x, (Fraction(x, n) - e) / (1 - e)


@pytest.mark.parametrize("coefficient", ["cohen", "fleiss", "gwet"])
@pytest.mark.parametrize(("n", "q"), [(1, 2), (2, 3), (7, 2), (11, 2), (4, 3), (5, 3), (3, 4)])
def test_two_raters_by_brute_force(n, q, coefficient):
    """The range and every value: what is reached is possible, what lies between two reached values is not."""
    by_agreement: dict[int, set[Fraction]] = {}
    for x, kappa in all_kappas(n, q, coefficient):
        by_agreement.setdefault(x, set()).add(kappa)
    for x in range(n + 1):
        percent, reached = f"{100 * x / n:.6f}", sorted(by_agreement.get(x, ()))
        found = possible(percent, "0.000000", n=n, categories=q, coefficient=coefficient)
        assert found.exact
        if not reached:
            assert found.verdict == "impossible"
            continue
        assert (found.low, found.high) == pytest.approx((float(reached[0]), float(reached[-1])), abs=1e-12)
        for kappa in reached:
            assert possible(percent, f"{float(kappa):.6f}", n=n, categories=q, coefficient=coefficient).verdict == "possible"
        for one, other in pairwise(reached):
            if other - one > Fraction(1, 10**4):
                assert possible(percent, f"{float((one + other) / 2):.6f}", n=n, categories=q, coefficient=coefficient).verdict == "impossible"
        least, most = kappa_bounds(coefficient, Fraction(x, n), q)
        assert least - 1e-12 <= found.low
        assert found.high <= most + 1e-12


@pytest.mark.parametrize("coefficient", ["fleiss", "gwet", "brennan_prediger"])
@pytest.mark.parametrize(("n", "raters", "q"), [(3, 3, 2), (3, 4, 3), (2, 5, 3), (4, 3, 3)])
def test_many_raters_by_brute_force(n, raters, q, coefficient):
    """Against the package's own coefficient on every set of splits."""
    splits = list(combinations_with_replacement(range(q), raters))
    by_agreement: dict[Fraction, list[float]] = {}
    for subjects in combinations_with_replacement(splits, n):
        x = sum(sum(a == b for i, a in enumerate(s) for b in s[:i]) for s in subjects)
        found = agreement(list(subjects), coefficient, categories=list(range(q)))
        p = Fraction(x, n * raters * (raters - 1) // 2)
        by_agreement.setdefault(p, [])
        if found.estimable:
            by_agreement[p].append(found.value)
    assert sorted(by_agreement) == agreements(n, q, raters)
    for p, values in by_agreement.items():
        found = possible(f"{float(100 * p):.8f}", "0", n=n, categories=q, raters=raters, coefficient=coefficient)
        assert found.exact
        if values:
            assert (found.low, found.high) == pytest.approx((min(values), max(values)), abs=1e-9)
            least, most = kappa_bounds(coefficient, p, q, raters)
            assert least - 1e-9 <= found.low
            assert found.high <= most + 1e-9


@pytest.mark.parametrize(("percent", "q"), [("80.0", 2), ("60.0", 3), ("30.0", 3), ("25.0", 3)])
def test_bounds_are_reached_by_many_subjects(percent, q):
    """The limits for many subjects are nearly reached by 40."""
    found = possible(percent, "0", n=40, categories=q)
    least, most = kappa_bounds("cohen", float(percent) / 100, q)
    assert found.exact
    assert (found.low, found.high) == pytest.approx((least, most), abs=0.005)


def test_known_maximum_of_kappa():
    """Two categories: p^2 / (p^2 + 2 (1 - p)) at most and (p - 1)/(p + 1) at least (Lantz & Nebenzahl 1996)."""
    for p in (0.2, 0.5, 0.85, 0.99):
        assert kappa_bounds("cohen", p, 2) == pytest.approx(((p - 1) / (p + 1), p * p / (p * p + 2 * (1 - p))))


def test_too_many_ways_give_bounds():
    found = possible("70.0", "0.9", n=2000, categories=5)
    assert (found.verdict, found.exact) == ("impossible", False)
    assert possible("70.0", "0.5", n=2000, categories=5).verdict == "possible"
    assert possible("70.0", n=100_000, categories=3, raters=50).verdict == "possible"
    assert possible("100", "1", n=3000, categories=5).verdict == "possible"


@pytest.mark.parametrize(("more", "words"), [
    ({"n": 0}, "n=0"), ({"categories": 1}, "categories=1"), ({"raters": 1}, "raters=1"), ({"raters": 3}, "for two raters"),
    ({"coefficient": "krippendorff"}, "cannot be checked"), ({"coefficient": "cohn"}, "Did you mean 'cohen'"), ({"n": True}, "n=True"),
])  # fmt: skip
def test_possible_refuses(more, words):
    with pytest.raises(ArgumentError, match=words):
        possible("50", "0.1", **{"n": 10, "categories": 2, **more})
    assert possible("50", n=10, categories=2, raters=3).verdict == "impossible"  # 15 of 30 pairs, and a subject has 1 or 3


def test_the_second_exercise_may_be_asked_too(pilot):
    """The pilot's findings put to another study; what it lacks would be told."""
    other = irr.read_study(ROOT / "data" / "second_exercise")
    found = check_claims(replace(other, synthetic=False), read_claims(ROOT / "data" / "pilot", other))
    assert not found.synthetic
    assert not any("simulation" in note for note in found.notes)
