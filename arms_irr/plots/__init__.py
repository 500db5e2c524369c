"""Pictures of results: a Result in, a matplotlib Figure out; no number is computed here."""

from arms_irr.plots.intervals import coefficients, funnel, gold_agreement
from arms_irr.plots.ratings import confusion, direction, distributions
from arms_irr.plots.style import save_svg

__all__ = ["coefficients", "confusion", "direction", "distributions", "funnel", "gold_agreement", "save_svg"]
