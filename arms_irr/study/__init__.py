"""Ratings as people keep them: read, checked once at the door, counted once."""

from arms_irr.study.opening import read_study
from arms_irr.study.study import Ratings, Study

__all__ = ["Ratings", "Study", "read_study"]
