"""Components of accuracy, detection, severity, camps and consensus against brute force and known values."""

from itertools import product

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from arms_irr.errors import ArgumentError
from arms_irr.statistics.accuracy import cronbach, entropy_ratio, moments, rank_correlation, signal_detection
from arms_irr.statistics.dawid_skene import dawid_skene, umbrella
from arms_irr.statistics.polarisation import agreement_a, rising, unimodal_fit, unimodality_p
from arms_irr.statistics.severity import nested, partial_pooling

RNG = np.random.default_rng(20)


# --- Cronbach ---------------------------------------------------------------------------------------------


def by_hand(x, g):
    """The components of one complete rater, as the definitions are written."""
    d = (x - g).astype(float)
    m, c, f = d.mean(), d.mean(1), d.mean(0)
    return m**2, ((c - m) ** 2).mean(), ((f - m) ** 2).mean(), ((d - c[:, None] - f + m) ** 2).mean()


def test_cronbach_by_hand_and_its_identities():
    x, g = RNG.integers(0, 3, (30, 4, 6)), RNG.integers(0, 3, (4, 6))
    found = cronbach(x, g)
    four = np.array([found.elevation, found.differential_elevation, found.stereotype_accuracy, found.differential_accuracy])
    assert np.allclose(four.T, [by_hand(one, g) for one in x], rtol=0, atol=1e-13)
    assert np.allclose(four.sum(0), ((x - g) ** 2).mean((1, 2)), rtol=0, atol=1e-13)
    for name in ("differential_elevation", "stereotype_accuracy", "differential_accuracy"):
        whole, spread, order = (getattr(found, name + end) for end in ("", "_spread", "_order"))
        assert np.allclose(whole, spread + order, rtol=0, atol=1e-13)
    sx, sg, r = x[0].mean(0).std(), g.mean(0).std(), np.corrcoef(x[0].mean(0), g.mean(0))[0, 1]
    assert found.stereotype_accuracy_order[0] == pytest.approx(2 * sx * sg * (1 - r))
    assert found.stereotype_accuracy_spread[0] == pytest.approx((sx - sg) ** 2)


def test_cronbach_uses_the_larger_complete_block():
    x, g = RNG.integers(0, 3, (3, 4, 6)), RNG.integers(0, 3, (4, 6))
    x[0, 1, 2] = -2  # 3 cases x 6 beats 4 x 5? 18 against 20: the factors rated in every case
    x[1, 3] = -1  # a case that was not rated does not count
    x[2] = -1
    found = cronbach(x, g)
    keep = [0, 1, 3, 4, 5]
    assert found.elevation[0] == pytest.approx(by_hand(x[0][:, keep], g[:, keep])[0])
    assert found.differential_accuracy[1] == pytest.approx(by_hand(x[1, :3], g[:3])[3])
    assert (found.cases[:2].tolist(), found.factors[:2].tolist()) == ([4, 3], [5, 6])
    assert np.isnan(found.elevation[2])
    assert np.isnan(found.mean_square[2])
    with pytest.raises(ArgumentError, match="do not fit"):
        cronbach(x, g[:2])


def test_a_constant_error_is_all_elevation():
    g = RNG.integers(0, 2, (3, 5))
    found = cronbach((g + 1)[None], g)
    assert found.elevation[0] == 1
    assert found.mean_square[0] == 1
    assert abs(found.differential_accuracy[0]) < 1e-15
    assert abs(found.stereotype_accuracy[0]) < 1e-15


# --- tables of answers by ratings --------------------------------------------------------------------------


def test_moments_ranks_and_entropy_of_tables():
    pairs = [RNG.integers(0, 4, (2, 25)) for _ in range(10)]
    tables = np.zeros((11, 4, 4))
    for table, (g, x) in zip(tables, pairs, strict=False):
        np.add.at(table, (g, x), 1)
    sx, sg, cov = moments(tables)
    for j, (g, x) in enumerate(pairs):
        assert (sx[j], sg[j], cov[j]) == pytest.approx((x.std(), g.std(), np.cov(x, g, bias=True)[0, 1]))
        assert rank_correlation(tables)[j] == pytest.approx(stats.spearmanr(x, g)[0])
        h = [stats.entropy(np.bincount(v)) for v in (x, g)]
        assert entropy_ratio(tables)[j] == pytest.approx(h[0] / h[1])
    assert np.isnan([sx[10], rank_correlation(tables)[10], entropy_ratio(tables)[10]]).all()
    constant = np.zeros((1, 4, 4))
    constant[0, :, 2] = 1
    assert moments(constant)[0][0] == 0
    assert np.isnan(rank_correlation(constant)[0])


def test_signal_detection():
    found = signal_detection([7, 8, 0], [10, 8, 0], [2, 0, 1], [10, 10, 4])
    h, f = 7.5 / 11, 2.5 / 11
    assert found.d_prime[0] == pytest.approx(stats.norm.ppf(h) - stats.norm.ppf(f))
    assert found.criterion[0] == pytest.approx(-(stats.norm.ppf(h) + stats.norm.ppf(f)) / 2)
    assert (found.sensitivity[0], found.specificity[0]) == (0.7, 0.8)
    assert found.corrected.tolist() == [False, True, False]
    assert np.isfinite(found.d_prime[1])
    assert np.isnan(found.d_prime[2])
    mirrored = signal_detection([3], [10], [8], [10])  # the other answers: d' and c change sign
    assert (mirrored.d_prime[0], mirrored.criterion[0]) == pytest.approx((-found.d_prime[0], -found.criterion[0]))
    with pytest.raises(ArgumentError):
        signal_detection([3], [2], [0], [1])


# --- severity ---------------------------------------------------------------------------------------------


def flat(y):
    r, c, f = (i.ravel() for i in np.indices(y.shape))
    return y.ravel(), r, c, c * y.shape[2] + f, y.shape[0]


def test_nested_components_are_those_of_the_analysis_of_variance():
    y = RNG.standard_normal((9, 3, 5)) + RNG.standard_normal((9, 3, 1)) + RNG.standard_normal((3, 5)) * 4
    raters, cases, factors = y.shape
    z = y - y.mean(0)
    ms = (cases * factors * (z.mean((1, 2)) ** 2).sum() / (raters - 1),
          factors * ((z.mean(2) - z.mean((1, 2))[:, None]) ** 2).sum() / ((raters - 1) * (cases - 1)),
          ((z - z.mean(2, keepdims=True)) ** 2).sum() / ((raters - 1) * cases * (factors - 1)))
    found = nested(*flat(y))
    expected = ((ms[0] - ms[1]) / (cases * factors), (ms[1] - ms[2]) / factors, ms[2])
    assert (found.rater, found.case, found.residual) == pytest.approx(expected)
    assert found.mean == pytest.approx(z.mean((1, 2)))
    assert found.variance == pytest.approx(np.full(9, max(expected[1], 0) / cases + expected[2] / (cases * factors)))


def test_nested_components_are_recovered_with_missing_ratings():
    rng, found = np.random.default_rng(3), []
    for _ in range(150):
        y = .4 * rng.standard_normal((25, 1, 1)) + .3 * rng.standard_normal((25, 4, 1)) + .7 * rng.standard_normal((25, 4, 6))
        y = y + rng.standard_normal((4, 6))
        keep = rng.random(y.size) < .7
        parts = [v[keep] for v in flat(y)[:4]]
        one = nested(*parts, 25)
        found.append((one.rater, one.case, one.residual))
    mean, se = np.mean(found, 0), np.std(found, 0) / np.sqrt(len(found))
    assert np.all(np.abs(mean - [.16, .09, .49]) < 3.5 * se), (mean, se)


def test_one_case_cannot_tell_severity_from_reading():
    found = nested(*flat(RNG.standard_normal((8, 1, 6))))
    assert np.isnan(found.case)
    assert np.isfinite(found.variance).all()


def test_partial_pooling_by_integration():
    y, v = np.array([-.5, -.2, .1, .15, .6, np.nan]), np.array([.05, .1, .08, .02, .2, np.nan])
    ok = slice(0, 5)

    def density(s):
        w = 1 / (s**2 + v[ok])
        m = (w * y[ok]).sum() / w.sum()
        return np.sqrt(w.prod() / w.sum()) * np.exp(-.5 * (w * (y[ok] - m) ** 2).sum())

    def expect(of):
        return integrate.quad(lambda s: of(s) * density(s), 0, 60, points=[.2, 1, 5], limit=500)[0]

    def shrunk(j):
        def at(s):
            w = 1 / (s**2 + v[ok])
            b = s**2 * w[j]
            mean = b * (y[j] - (w * y[ok]).sum() / w.sum())
            return mean, np.sqrt(b * v[j] + b**2 / w.sum())
        return at

    found, total = partial_pooling(y, v), expect(lambda s: 1.0)
    for j in range(5):
        at = shrunk(j)
        assert found.value[j] == pytest.approx(expect(lambda s, at=at: at(s)[0]) / total, abs=2e-4)
        for limit, p in ((found.low[j], .025), (found.high[j], .975)):
            below = expect(lambda s, at=at, limit=limit: stats.norm.cdf((limit - at(s)[0]) / max(at(s)[1], 1e-12))) / total
            assert below == pytest.approx(p, abs=5e-4)
        above = expect(lambda s, at=at: stats.norm.cdf(at(s)[0] / max(at(s)[1], 1e-12)))
        assert found.above[j] == pytest.approx(above / total, abs=5e-4)
    assert np.isnan(found.value[5])
    mode = optimize.minimize_scalar(lambda s: -density(s), bounds=(0, 3), method="bounded", options={"xatol": 1e-9}).x
    assert found.sd == pytest.approx(mode, abs=1e-4)
    inside = integrate.quad(density, found.sd_low, found.sd_high)[0] / total
    assert inside == pytest.approx(.95, abs=.01)
    assert found.sd_low <= found.sd <= found.sd_high


def test_pooling_limits_and_coverage():
    far = partial_pooling(np.arange(10.0) * 100, np.full(10, 1e-6))
    assert far.value == pytest.approx((np.arange(10) - 4.5) * 100, rel=1e-6)
    near = partial_pooling(np.zeros(40) + np.tile([-1e-3, 1e-3], 20), np.ones(40))
    assert near.sd == 0
    assert near.sd_low == 0
    assert np.abs(near.value).max() < 1e-4
    assert np.isnan(partial_pooling(np.zeros(8), np.zeros(8)).sd)
    assert np.isnan(partial_pooling(np.ones(2), np.ones(2)).sd)
    rng, inside, sd = np.random.default_rng(8), [], []
    for _ in range(120):
        u = .3 * rng.standard_normal(20)
        found = partial_pooling(u + .25 * rng.standard_normal(20), np.full(20, .0625))
        inside.append(((found.low < u) & (u < found.high)).mean())
        sd.append(found.sd_low <= .3 <= found.sd_high)
    assert .93 < np.mean(inside) < .975
    assert .9 < np.mean(sd) <= 1


def test_scale_of_severity_does_not_matter():
    y, v = RNG.standard_normal(12), RNG.uniform(.1, .5, 12)
    a, b = partial_pooling(y, v), partial_pooling(10 * y + 3, 100 * v)
    assert b.value == pytest.approx(10 * a.value, rel=1e-6, abs=1e-9)
    assert b.sd == pytest.approx(10 * a.sd, rel=1e-5, abs=1e-9)


# --- camps ------------------------------------------------------------------------------------------------


def test_van_der_eijk_published_value_and_ends():
    assert agreement_a([30, 40, 210, 130, 530, 50, 10]) == pytest.approx(0.6113, abs=5e-5)  # van der Eijk 2001
    assert agreement_a([[9, 0, 9], [4, 4, 4], [0, 7, 0], [5, 5, 0]]).tolist() == pytest.approx([-1, 0, 1, .5])
    x = RNG.integers(0, 9, (20, 5))
    assert agreement_a(x) == pytest.approx(agreement_a(x[:, ::-1]))
    assert agreement_a(x) == pytest.approx(agreement_a(3 * x))
    assert np.isnan(agreement_a([3, 4]))
    assert np.isnan(agreement_a([0, 0, 0]))


def test_isotonic_and_umbrella_fits_are_the_nearest():
    for _ in range(10):
        x = RNG.random(4)
        for fit, cone in ((rising(x), [(0, 1), (1, 2), (2, 3)]), (umbrella(x, 1), [(0, 1), (2, 1), (3, 2)])):
            held = [{"type": "ineq", "fun": lambda z, i=i, j=j: z[j] - z[i]} for i, j in cone]
            best = optimize.minimize(lambda z, x=x: ((z - x) ** 2).sum(), np.full(4, x.mean()), constraints=held,
                                     options={"ftol": 1e-14, "maxiter": 500}).x
            assert fit == pytest.approx(best, abs=1e-5)


def test_unimodal_fit_of_three_categories():
    shares, ratio = unimodal_fit(np.array([[8, 2, 10], [8, 9, 3], [10, 10, 0]]))
    assert shares[0] == pytest.approx([.25, .25, .5])
    assert shares[1] == pytest.approx([.4, .45, .15])
    assert ratio == pytest.approx([2 * (8 * np.log(8 / 5) + 2 * np.log(2 / 5)), 0, 0])


def test_bootstrap_p_is_the_exact_tail():
    counts = np.array([[8.0, 2, 10]])
    fitted, ratio = unimodal_fit(counts)
    every = np.array([c for c in product(range(21), repeat=3) if sum(c) == 20], dtype=float)
    chance = stats.multinomial.pmf(every, 20, fitted[0])
    exact = chance[unimodal_fit(every)[1] >= ratio[0] - 1e-9].sum()
    p = unimodality_p(counts, 1, 20_000)[0]
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))
    assert unimodality_p(counts, 7)[0] == unimodality_p(counts, 7)[0]
    assert unimodality_p(np.array([[3.0, 9, 4]]), 1)[0] == 1


# --- consensus --------------------------------------------------------------------------------------------


def ratings(rng, units, raters, table, truth=None):
    truth = rng.integers(0, 3, units) if truth is None else truth
    return truth, np.array([[rng.choice(3, p=table[t]) for _ in range(raters)] for t in truth])


def test_the_consensus_recovers_truth_and_confusion():
    rng, table = np.random.default_rng(5), np.array([[.8, .15, .05], [.2, .6, .2], [.05, .25, .7]])
    truth, codes = ratings(rng, 200, 12, table)
    codes[rng.random(codes.shape) < .1] = -1
    found = dawid_skene(codes, 3)
    counts = (codes[:, :, None] == np.arange(3)).sum(1)
    knowing = (counts @ np.log(table).T).argmax(1)  # what somebody who knew the confusion would say
    assert (found.posterior.argmax(1) == truth).mean() >= (knowing == truth).mean() - .02
    assert (found.posterior.argmax(1) == knowing).mean() > .97
    assert np.abs(found.confusion - table).max() < .05
    assert found.converged
    assert found.own.sum(-1) == pytest.approx(np.ones((12, 3)))
    for trace in found.objective:
        assert np.all(np.diff(trace) > -1e-7)
    for k in range(3):  # each row falls away from the diagonal
        row = found.own[:, k]
        assert np.all(np.diff(row[:, : k + 1]) > -1e-12)
        assert np.all(np.diff(row[:, k:]) < 1e-12)


def test_a_careless_rater_is_found_and_weighs_less():
    rng, table = np.random.default_rng(6), np.array([[.9, .08, .02], [.1, .8, .1], [.02, .08, .9]])
    _, codes = ratings(rng, 150, 6, table)
    codes[:, 0] = rng.integers(0, 3, 150)
    own = dawid_skene(codes, 3).own
    assert np.trace(own[0]) < min(np.trace(o) for o in own[1:]) - .5
    order = rng.permutation(6)
    assert dawid_skene(codes[:, order], 3).posterior == pytest.approx(dawid_skene(codes, 3).posterior, abs=1e-6)


def test_units_without_ratings_have_no_consensus():
    found = dawid_skene(np.array([[-1, -1], [0, 0], [2, 2]]), 3)
    assert np.isnan(found.posterior[0]).all()
    assert found.posterior[1:].argmax(1).tolist() == [0, 2]
