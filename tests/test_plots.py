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
from arms_irr.plots.style import label, ramp, save_svg
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


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_overlaps_and_none_is_small_or_cut(name):
    figure = FIGURES[name](title=TITLE, synthetic=True)
    boxes = texts(figure)
    assert len(boxes) > 8
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


@pytest.mark.parametrize("name", FIGURES)
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
    empty = plots.distributions(distributions(1, 1, (math.nan,) * 5), instrument(1))
    assert bars(empty) == [[]]
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
        lambda: plots.direction(Result("?", ("factor", "case"), ())),
        lambda: plots.distributions(coefficients(2), instrument()),
        lambda: plots.coefficients(Result("?", (), ())),
        lambda: plots.gold_agreement(coefficients(2)),
    ],
)
def test_results_that_cannot_be_drawn_are_refused(draw):
    with pytest.raises(ArgumentError, match="rows"):
        draw()
