"""Figures: nothing overlaps, the bytes repeat, the ink stands where the numbers say."""

import math
import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest

from arms_irr import plots
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import Factor, Instrument, Scale
from arms_irr.plots import save_png, save_svg
from arms_irr.plots.layout import spread
from arms_irr.plots.style import label, ramp, text_width
from arms_irr.statistics.estimate import Estimate

PRIORITY = Scale("priority", ("Low", "Medium", "High"), not_rated=("Unable to rate",))
LONG = "A very long factor name that nobody can read in one line, number"


def instrument(count=12, name=LONG):
    factors = [Factor(f"f{i}", f"{name} {i}", "risk" if i < count * 0.6 else "protective", "priority") for i in range(count)]
    return Instrument("test", "Test", tuple(factors), {"priority": PRIORITY})


def share(value, **group):
    return Row(group, "share", Estimate(value, n_ratings=20))


def distributions(cases=2, count=12, shares=(0.5, 0.2, 0.1, 0.15, 0.05)):
    states = (*PRIORITY.categories, "Unable to rate", "not given")
    rows = [
        share(value, factor=f"f{i}", case=f"case-{c}", risk_band="lower" if c < cases / 2 else "higher", category=s, gold="High")
        for i in range(count) for c in range(cases) for s, value in zip(states, shares, strict=True)
    ]  # fmt: skip
    return Result("?", ("factor", "case", "risk_band", "category", "gold"), tuple(rows))


def by_factor(cases=2, count=12):
    values = {"exact": lambda i, c: (i + 1) / 16, "under": lambda i, c: 0.4, "over": lambda i, c: math.nan if i else 0.1}
    rows = [
        Row({"factor": f"f{i}", "case": f"case-{c}"}, k, Estimate(v(i, c), ci_low=0.05, ci_high=0.9, n_ratings=20))
        for k, v in values.items() for i in range(count) for c in range(cases)
    ]  # fmt: skip
    return Result("?", ("factor", "case"), tuple(rows))


def pooled(cases=2):
    rows = [Row({"case": f"case-{c}"}, "exact", Estimate(0.6, ci_low=0.5, ci_high=0.7)) for c in range(cases)]
    return Result("?", ("case",), tuple(rows))


def confusion():
    rows = [
        Row({"kind": k, "risk_band": b, "gold": g, "rating": r}, c, Estimate(value))
        for k in ("risk", "protective") for b in ("lower", "higher") for g in PRIORITY.categories
        for r in (*PRIORITY.categories, "Unable to rate") for c, value in (("count", 5.0), ("share", 0.25))
    ]  # fmt: skip
    return Result("?", ("kind", "risk_band", "gold", "rating"), tuple(rows))


def coefficients(groups):
    rows = [
        Row({"case": f"case-{g}"}, c, Estimate(0.3 if g else math.nan, ci_low=-0.1, ci_high=0.7, weights="quadratic"))
        for g in range(groups) for c in ("percent", "gwet", "krippendorff")
    ]  # fmt: skip
    return Result("?", ("case",), tuple(rows))


def funnel(**more):
    rows = [Row({"rater": f"Officer Smith {i}"}, "exact", Estimate(0.5 + 0.1 * (i % 3), n_ratings=22 + i % 2)) for i in range(20)]
    limits = {"95 % limits": ([20, 25], [0.3, 0.35], [0.8, 0.75])}
    return plots.funnel(Result("?", ("rater",), tuple(rows)), Estimate(0.6), limits, **more)


def estimates(by, coefficient, *lines):
    """Rows of one coefficient: the group's values, then the estimate's fields."""
    rows = []
    for *values, value, fields in lines:
        rows.append(Row(dict(zip(by, map(str, values), strict=True)), coefficient, Estimate(value, **fields)))
    return Result("?", tuple(by), tuple(rows))


def wave(i):
    return 0.5 + 0.4 * math.sin(1.7 * i)


def slopes(officers=20, coefficient="exact", **more):
    lines = [(f"Officer Smith {i}", b, wave(i) - 0.1 * k, {}) for i in range(officers) for k, b in enumerate(("lower", "higher"))]
    pooled = [(b, 0.6 - 0.1 * k, {"ci_low": 0.4, "ci_high": 0.7}) for k, b in enumerate(("lower", "higher"))]
    result = estimates(("rater", "risk_band"), coefficient, *lines)
    return plots.slopes(result, estimates(("risk_band",), coefficient, *pooled), coefficient=coefficient, **more)


def pairs(officers=20, value=lambda i, j: wave(i * j)):
    agency = ["police" if i < officers / 2 else "probation" for i in range(officers)]
    lines = [(f"officer_{i}", f"officer_{j}", agency[i], agency[j], value(i, j), {}) for i in range(officers) for j in range(i + 1, officers)]
    return estimates(("rater", "other", "agency", "other_agency"), "percent", *lines)


def asked(cases=2, count=12, officers=20):
    lines = []
    for o in range(officers):
        for c in range(cases):
            for f in range(count):
                kind = (o * 7 + c * 3 + f) % 11
                parts = {name: float(kind == k) for k, name in enumerate(("unable_to_rate", "not_given", "not_asked"))}
                lines.append((f"Officer Smith {o}", f"case-{c}", f"f{f}", float(kind > 2), {"parts": {**parts, "officers": 1.0}}))
    return estimates(("rater", "case", "factor"), "given", *lines)


def camps(cases=2, count=12):
    rows = []
    for f in range(count):
        for c in range(cases):
            shares = [(3 * f + c + 5 * k) % 9 + 1 for k in range(3)]
            parts = {f"share_{k}": share / sum(shares) for k, share in enumerate(shares)}
            group = {"factor": f"f{f}", "case": f"case-{c}", "verdict": "two camps" if f == 3 else "scatter"}
            rows.append(Row(group, "agreement_a", Estimate(0.1, n_ratings=sum(shares), parts={"modal_share": 0.5, **parts})))
    return Result("?", ("factor", "case", "verdict"), tuple(rows))


def ruler(count=12, officers=40):
    lines = [("officer", f"Officer Smith {i}", wave(i), {}) for i in range(officers)]
    lines += [("factor", f"{LONG} {i}", 2 * wave(i * i), {"ci_low": 2 * wave(i * i) - 0.3, "ci_high": 2 * wave(i * i) + 0.3}) for i in range(count)]
    lines += [("case", f"case-{i}", wave(i), {}) for i in range(2)]
    lines += [("threshold", "Low | Medium", -0.4, {}), ("threshold", "Medium | High", 1.1, {})]
    return estimates(("facet", "name"), "severity", *lines)


def costs(groups=12):
    lines = [(f"{LONG} {g}" if g % 2 else f"Factor {g}", r, 0.1 + 0.02 * (g % 5) * r, {"ci_low": 0.05, "ci_high": 0.5})
             for g in range(groups) for r in (1, 1.5, 2, 3, 5, 10)]
    return estimates(("factor", "ratio"), "mean_cost", *lines)


def decision():
    lines = [(c, r, c / (c + 0.8 + 3 / r), {}) for c in (2, 4, 6, 12) for r in (1, 2, 3, 5, 10, 20, 40, 1000)]
    return estimates(("n_cases", "n_raters"), "phi", *lines)


def widths():
    lines = [(c, o, s, t, 0.3 / math.sqrt(c) + 0.3 / math.sqrt(o), {}) for s in ("exact", "under") for t in ("raters", "both")
             for o in (10, 20, 40) for c in (2, 4, 8, 12)]
    return estimates(("cases", "officers", "statistic", "target"), "half_width", *lines)


def occasions(count=24):
    parts = {"centre": 0.5, "lower": 0.12, "upper": 0.85}
    return estimates(("occasion",), "exact", *[(i + 1, wave(i), {"parts": parts}) for i in range(count)])


def differences():
    level = estimates(("contrast", "level"), "exact", ("risk_band", "lower", 0.7, {}))
    change = estimates(("contrast", "level"), "difference", ("risk_band", "lower less higher", -0.13, {"ci_low": -0.22, "ci_high": -0.04,
                       "parts": {"p": 0.5, "p_holm": 0.0004}}), ("kind", LONG, 0.1, {"ci_low": -0.3, "ci_high": 0.4}),
                       ("agency", "police less probation", math.nan, {"flags": ("two-raters",)}))  # fmt: skip
    return Result("?", level.by, level.rows + change.rows)


FIGURES = {
    "distributions-2": lambda **k: plots.distributions(distributions(), instrument(), **k),
    "distributions-12": lambda **k: plots.distributions(distributions(12), instrument(), **k),
    "distributions-5": lambda **k: plots.distributions(distributions(2, 5), instrument(5), **k),
    "gold-2": lambda **k: plots.gold_agreement(by_factor(), pooled(), instrument=instrument(), **k),
    "gold-12": lambda **k: plots.gold_agreement(by_factor(12), pooled(12), instrument=instrument(), **k),
    "gold-1": lambda **k: plots.gold_agreement(by_factor(1, 5), **k),
    "direction-2": lambda **k: plots.direction(by_factor(), instrument=instrument(), **k),
    "direction-12": lambda **k: plots.direction(by_factor(12, 5), instrument=instrument(5), **k),
    "confusion": lambda **k: plots.confusion(confusion(), **k),
    "coefficients-2": lambda **k: plots.coefficients(coefficients(2), **k),
    "coefficients-12": lambda **k: plots.coefficients(coefficients(12), **k),
    "funnel": funnel,
    "slopes": slopes,
    "slopes-errors": lambda **k: slopes(12, "mean_signed_error", **k),
    "slopes-5000": lambda **k: slopes(5000, **k),
    "heatmap-20": lambda **k: plots.rater_heatmap(pairs(), **k),
    "heatmap-60": lambda **k: plots.rater_heatmap(pairs(60), **k),
    "missing-2": lambda **k: plots.missing_map(asked(), instrument=instrument(), **k),
    "missing-12": lambda **k: plots.missing_map(asked(12), instrument=instrument(), **k),
    "missing-60": lambda **k: plots.missing_map(asked(2, 5, 60), **k),
    "camps-2": lambda **k: plots.camps(camps(), instrument=instrument(), **k),
    "camps-12": lambda **k: plots.camps(camps(12), instrument=instrument(), **k),
    "ruler": lambda **k: plots.ruler(ruler(), **k),
    "ruler-5000": lambda **k: plots.ruler(ruler(5, 5000), **k),
    "costs-12": lambda **k: plots.cost_curve(costs(), **k),
    "costs-3": lambda **k: plots.cost_curve(costs(3), **k),
    "dstudy": lambda **k: plots.dstudy(decision(), **k),
    "tradeoff": lambda **k: plots.tradeoff(widths(), **k),
    "control": lambda **k: plots.control_chart(occasions(), **k),
    "contrasts": lambda **k: plots.contrasts(differences(), **k),
}  # fmt: skip
TITLE = "Officers agreed with the gold standard on the lower-risk case and differed most on protective factors"


def texts(figure):
    """Every visible text with its box in inches."""
    from matplotlib.text import Text

    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer() if hasattr(figure.canvas, "get_renderer") else figure._get_renderer()
    found = []
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible() and (text.axes is None or text.axes.get_visible()):
            found.append((text.get_text(), text.get_window_extent(renderer), text.get_fontsize()))
    return found


REPEATED = [name for name in FIGURES if not name.endswith(("-12", "-60", "-5000"))]


@pytest.mark.parametrize(("name", "width"), [*((name, 6.3) for name in FIGURES), *((name, 3.15) for name in REPEATED)])
def test_no_text_overlaps_and_none_is_small_or_cut(name, width):
    """On a whole column and on half of it."""
    figure = FIGURES[name](title=TITLE, synthetic=True, width=width)
    boxes = texts(figure)
    assert len(boxes) > 4
    for text, box, size in boxes:
        assert size >= 8, text
        assert box.x0 >= 0, f"{text!r} is cut"
        assert box.y0 >= 0, f"{text!r} is cut"
        assert box.x1 <= figure.bbox.x1, f"{text!r} is cut"
        assert box.y1 <= figure.bbox.y1, f"{text!r} is cut"
    for i, (one, a, _) in enumerate(boxes):
        for two, b, _ in boxes[:i]:
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert wide <= 0.5 or high <= 0.5, f"{one!r} and {two!r} overlap in {name}"


@pytest.mark.parametrize("name", REPEATED)
def test_same_bytes_on_every_run(name, tmp_path):
    first = save_svg(FIGURES[name](title=TITLE), tmp_path / "a.svg", alt="The <finding> & more")
    assert first == save_svg(FIGURES[name](title=TITLE), alt="The <finding> & more")
    assert (tmp_path / "a.svg").read_text("utf-8") == first
    root = ElementTree.fromstring(first)
    assert root.get("role") == "img"
    assert root.find("{http://www.w3.org/2000/svg}title").text == "The <finding> & more"
    assert "<text" not in first, "text must be outlines: the reader's fonts differ"
    assert "Matplotlib v" not in first, "the version of a library must not change the bytes"


@pytest.mark.parametrize("name", ["gold-2", "direction-2", "distributions-2", "confusion", "funnel"])
def test_settings_of_the_user_are_neither_used_nor_changed(name):
    import matplotlib as mpl

    plain = save_svg(FIGURES[name]())
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}):
        assert save_svg(FIGURES[name]()) == plain
        assert mpl.rcParams["font.size"] == 30


def test_synthetic_data_is_said_in_the_figure():
    assert "Synthetic data" in [text for text, *_ in texts(funnel(synthetic=True))]
    assert "Synthetic data" not in [text for text, *_ in texts(funnel())]


def bars(figure):
    """Left edge and width of every bar, for each Axes."""
    return [sorted((round(p.get_x(), 6), round(p.get_width(), 6)) for p in ax.patches) for ax in figure.axes]


def test_bars_are_centred_on_the_middle_and_the_rest_ends_at_the_right():
    figure = plots.distributions(distributions(1, 1), instrument(1))
    # Low .5 and half of Medium .2 lie left of zero; High .1, unable .15 and not given .05 right of it.
    assert bars(figure) == [[(-0.6, 0.5), (-0.1, 0.2), (0.1, 0.1), (0.2, 0.15), (0.35, 0.05)]]
    (diamond,) = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert diamond.get_xdata()[0] == pytest.approx(0.15)  # the middle of High


def test_unanimous_and_empty_cells():
    assert bars(plots.distributions(distributions(1, 1, (1.0, 0, 0, 0, 0)), instrument(1))) == [[(-1.0, 1.0)]]
    both = distributions(1, 2, (1.0, 0, 0, 0, 0))
    nobody = [Row(row.group, "share", Estimate(math.nan)) for row in both if row["factor"] == "f1"]
    empty = plots.distributions(Result("?", both.by, (*both.where(factor="f0").rows, *nobody)), instrument(2))
    assert bars(empty) == [[(-1.0, 1.0)]]
    assert "n/a" in [text for text, *_ in texts(empty)]


def test_each_band_begins_a_line_of_panels():
    figure = plots.distributions(distributions(8), instrument())
    shown = [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()]
    assert len(shown) == 8
    lines = {round(ax.get_position().y0, 3) for ax in figure.axes if "higher" in ax.get_title(loc="left").replace("\n", " ")}
    others = {round(ax.get_position().y0, 3) for ax in figure.axes if "lower" in ax.get_title(loc="left").replace("\n", " ")}
    assert lines.isdisjoint(others)


def test_factors_are_sorted_by_the_last_case_within_their_kind():
    figure = plots.gold_agreement(by_factor(2, 5), instrument=instrument(5, "F"))
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == ["Risk factors", "F 2", "F 1", "F 0", "Protective factors", "F 4", "F 3"]


def test_direction_goes_left_and_right_of_zero():
    figure = plots.direction(by_factor(1, 2))
    assert bars(figure) == [[(0, -0.4), (0, -0.4), (0, 0.1)]]
    assert [text for text, *_ in texts(figure)].count("n/a") == 1


def test_funnel_shows_every_officer_and_no_name():
    figure = funnel()
    assert len([line for line in figure.axes[0].lines if line.get_marker() == "o"]) == 20
    assert not any("Smith" in text for text, *_ in texts(figure))
    assert "Smith" not in save_svg(figure)


def test_names_are_never_formulas_and_never_break_the_file():
    figure = plots.gold_agreement(by_factor(2, 2), instrument=instrument(2, "$x_1$ \x00 <b> -- \N{GRINNING FACE}"))
    ElementTree.fromstring(save_svg(figure))
    assert label("costs $5 and $6", 40) == r"costs \$5 and \$6"
    assert label("") == ""


def test_ramp_goes_from_light_to_dark_in_grey():
    from matplotlib.colors import to_rgb

    assert ramp(4)[:3] == ramp(3)
    for q in (2, 3, 4, 7):
        greys = [sum(w * c for w, c in zip((0.3, 0.59, 0.11), to_rgb(colour), strict=True)) for colour in ramp(q)]
        assert len(greys) == q
        assert all(light - dark > 0.05 for light, dark in pairwise(greys))


def test_a_notebook_shows_the_figure():
    assert re.match(r"<\?xml", funnel()._repr_svg_())


def test_draws_into_a_figure_that_is_given():
    from matplotlib.figure import Figure

    given = Figure(figsize=(6.3, 8))
    upper, lower = given.subfigures(2, 1)
    assert plots.direction(by_factor(), figure=upper) is upper
    assert plots.coefficients(coefficients(2), figure=lower) is lower
    assert "<svg" in save_svg(given)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.distributions(coefficients(2), instrument()),
        lambda: plots.gold_agreement(coefficients(2)),
        lambda: plots.gold_agreement(by_factor(), coefficient="exatc"),
        lambda: plots.slopes(pooled()),
        lambda: plots.ruler(pooled()),
        lambda: plots.distributions(distributions()),
    ],
)
def test_results_of_another_question_are_refused(draw):
    with pytest.raises(ArgumentError, match=r"rows|instrument"):
        draw()


KINDS = {
    "distributions": ("factor", "case", "risk_band", "category", "gold"), "gold_agreement": ("factor", "case"),
    "direction": ("factor", "case"), "confusion": ("kind", "gold", "rating"), "coefficients": ("case",),
    "slopes": ("rater", "risk_band"), "rater_heatmap": ("rater", "other"), "missing_map": ("rater", "case", "factor"),
    "camps": ("factor", "case", "verdict"), "ruler": ("facet", "name"), "cost_curve": ("factor", "ratio"),
    "dstudy": ("n_cases", "n_raters"), "tradeoff": ("cases", "officers", "statistic", "target"),
    "control_chart": ("occasion",), "contrasts": ("contrast", "level"),
}  # fmt: skip
USUAL = {"distributions": "share", "confusion": "count", "rater_heatmap": "percent", "missing_map": "given"}


@pytest.mark.parametrize("name", KINDS)
def test_nothing_to_show_is_said_with_its_reason(name):
    """A result without rows, and one whose every value is not estimable."""
    group = dict.fromkeys(KINDS[name], "1")
    row = Row(group, USUAL.get(name, "exact"), Estimate(math.nan, flags=("one-rater",)))
    for rows in ((), (row,)):
        figure = getattr(plots, name)(Result("?", KINDS[name], rows, synthetic=True), title=TITLE)
        said = " ".join(text for text, *_ in texts(figure)).replace("\n", " ")
        assert "Nothing can be shown" in said
        assert "Synthetic data" in said
        assert ("at least two" in said) == bool(rows)


def test_funnel_without_officers_says_so():
    assert "Nothing can be shown" in " ".join(t for t, *_ in texts(plots.funnel(Result("?", ("rater",), ()), Estimate(math.nan), {})))


def test_a_result_of_made_up_data_is_always_marked():
    from dataclasses import replace

    figure = plots.direction(replace(by_factor(), synthetic=True), synthetic=False)
    assert "Synthetic data" in [text for text, *_ in texts(figure)]


def test_png_repeats_and_names_no_program(tmp_path):
    first = save_png(slopes(), tmp_path / "a.png", dpi=60)
    assert first == save_png(slopes(), dpi=60)
    assert (tmp_path / "a.png").read_bytes() == first
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert b"Matplotlib" not in first
    assert b"tEXt" not in first
    width, high = int.from_bytes(first[16:20], "big"), int.from_bytes(first[20:24], "big")
    assert width == 378
    assert high > 150


def test_slopes_draw_every_officer_up_to_60_and_bands_beyond():
    lines = [line for line in slopes(20).axes[0].lines if line.get_color() == "#8c959c"]
    assert len(lines) == 20
    assert list(lines[3].get_ydata()) == pytest.approx([wave(3), wave(3) - 0.1])
    many = slopes(61).axes[0]
    assert len(many.collections) == 2
    assert not any("Smith" in text for text, *_ in texts(slopes(20)))


def test_officers_of_the_same_values_share_a_thicker_line():
    result = estimates(("rater", "risk_band"), "exact", *[(i, b, 0.5, {}) for i in range(5) for b in ("lower", "higher")])
    (line,) = (line for line in plots.slopes(result).axes[0].lines if line.get_color() == "#8c959c")
    assert line.get_linewidth() == pytest.approx(0.7 + 0.5 * 2)


def test_heat_map_darkens_with_agreement_and_writes_each_pair_once():
    from matplotlib.colors import to_rgb

    figure = plots.rater_heatmap(pairs(4, lambda i, j: 0.2 * (i + j) if (i, j) != (2, 3) else math.nan))
    ax = figure.axes[0]
    written = [text.get_text() for text in ax.texts if text.get_text().isdigit()]
    assert written == ["20", "40", "60", "60", "80"]
    tiles, hatched = ax.collections
    assert len(tiles.get_paths()) == 10  # five pairs, on both sides of the diagonal
    assert len(hatched.get_paths()) == 2
    red = [to_rgb(colour[:3])[0] for colour in tiles.get_facecolors()[::2]]
    assert red == sorted(red, reverse=True)


def test_missing_map_colours_what_was_given_blank_and_impossible():
    figure = plots.missing_map(asked(1, 2, 11), instrument=instrument(2))
    counts = [len(collection.get_paths()) for collection in figure.axes[0].collections]
    assert counts == [16, 2, 2]  # of 11 officers x 2 factors: 2 not asked for stay white


def test_missing_map_of_groups_keeps_their_shares():
    parts = {"unable_to_rate": 0.25, "not_given": 0.25, "not_asked": 0.0, "officers": 4.0}
    result = estimates(("rater", "case", "factor"), "given", ("1 to 4", "a", "x", 0.5, {"parts": parts}))
    heights = [float(collection.get_paths()[0].get_extents().height) for collection in plots.missing_map(result).axes[0].collections]
    assert heights == pytest.approx([0.8 * 0.17 * share for share in (0.5, 0.25, 0.25)])


def test_two_camps_are_framed_and_every_count_is_written():
    said = [text for text, *_ in texts(plots.camps(camps(1, 2), instrument=instrument(2)))]
    assert [text for text in said if text.isdigit()] == ["1", "6", "2", "4", "9", "5"]
    assert {"Low", "Medium", "High"} <= set(said)
    assert sum(p.get_edgecolor()[:3] == pytest.approx((0xD5 / 255, 0x5E / 255, 0), abs=1e-3) and not p.get_fill()
               for ax in plots.camps(camps(2, 5)).axes for p in ax.patches) == 2  # fmt: skip


def test_ruler_stacks_every_officer_and_names_none():
    figure = plots.ruler(ruler(3, 40))
    (dots,) = (line for line in figure.axes[0].lines if line.get_marker() == "o")
    assert len(dots.get_xdata()) == 40
    assert "Smith" not in save_svg(figure)
    said = " ".join(text for text, *_ in texts(plots.ruler(ruler(3, 5000))))
    assert re.search(r"5,000 officers, \d+ to a dot", said)


def test_points_outside_the_limits_have_a_shape_of_their_own():
    marks = [line.get_marker() for line in plots.control_chart(occasions()).axes[0].lines if len(line.get_xdata()) == 1]
    assert [mark == "D" for mark in marks] == [not 0.12 <= wave(i) <= 0.85 for i in range(24)]
    assert "D" in marks


def test_contrasts_are_in_percentage_points_with_the_adjusted_p():
    said = [text for text, *_ in texts(plots.contrasts(differences()))]
    assert "−13 (−22 to −4), p < 0.001" in said
    assert "n/a" in said
    assert not any("Lower\n" in text or text == "Lower" for text in said), "the levels themselves are no contrast"
    assert any("percentage points" in text for text in said)


def test_lines_end_with_their_names_in_the_order_of_the_lines():
    figure = plots.dstudy(decision())
    names = {text: box.y0 for text, box, _ in texts(figure) if text.endswith("cases")}
    assert sorted(names, key=names.get) == ["2 cases", "4 cases", "6 cases", "12 cases"]


def test_labels_are_moved_as_little_as_can_be():
    assert spread([0.0, 5.0], [1, 1], -9, 9) == [0.0, 5.0]
    assert spread([1.0, 1.0], [1, 1], -9, 9) == [0.5, 1.5]
    assert spread([3.0, 1.0, 1.0], [1, 1, 1], -9, 9) == [3.0, 0.5, 1.5]
    assert spread([0.0, 0.0], [1, 3], 0, 9) == [0.5, 2.5]
    assert spread([8.9, 8.8], [1, 1], 0, 9) == [8.5, 7.5]
    assert spread([], [], 0, 1) == []


def test_a_narrow_figure_is_narrow_and_has_fewer_panels_side_by_side():
    wide, narrow = (plots.direction(by_factor(3), width=width) for width in (6.3, 3.15))
    assert narrow.get_figwidth() == 3.15
    assert len({round(ax.get_position().x0, 3) for ax in wide.axes}) == 3
    assert len({round(ax.get_position().x0, 3) for ax in narrow.axes}) == 2


def test_text_is_measured_in_the_house_font():
    assert text_width("officer") < text_width("officers") < 0.6
    assert text_width("") == 0
