"""Pictures of results: a Result in, a matplotlib Figure out; no statistic is computed here.

Every picture takes the keywords of :class:`arms_irr.plots.style.Look`: ``title, synthetic, names, instrument,
width, figure``.
"""

from arms_irr.plots.curves import control_chart, cost_curve, dstudy, tradeoff
from arms_irr.plots.feedback import officer_heatmap, officer_strip
from arms_irr.plots.intervals import coefficients, contrasts, gold_agreement
from arms_irr.plots.maps import camps, missing_map
from arms_irr.plots.officers import funnel, slopes
from arms_irr.plots.ratings import direction, distributions
from arms_irr.plots.ruler import ruler
from arms_irr.plots.save import save_png, save_svg
from arms_irr.plots.tiles import confusion, rater_heatmap

__all__ = [
    "camps",
    "coefficients",
    "confusion",
    "contrasts",
    "control_chart",
    "cost_curve",
    "direction",
    "distributions",
    "dstudy",
    "funnel",
    "gold_agreement",
    "missing_map",
    "officer_heatmap",
    "officer_strip",
    "rater_heatmap",
    "ruler",
    "save_png",
    "save_svg",
    "slopes",
    "tradeoff",
]
