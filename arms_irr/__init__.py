"""arms_irr: inter-rater reliability of ARMS and other structured risk judgements.

The public names are imported when they are first used, so that ``import arms_irr`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arms_irr.analysis.result import Result as Result
    from arms_irr.errors import ArgumentError as ArgumentError
    from arms_irr.errors import ArmsError as ArmsError
    from arms_irr.errors import DataError as DataError
    from arms_irr.errors import Problem as Problem
    from arms_irr.instruments.load import load_instrument as load_instrument
    from arms_irr.instruments.load import shipped_instruments as shipped_instruments
    from arms_irr.instruments.model import Instrument as Instrument
    from arms_irr.planning.simulate import example as example
    from arms_irr.planning.simulate import simulate as simulate
    from arms_irr.reporting.evaluation import evaluate as evaluate
    from arms_irr.statistics.arrays import agreement as agreement
    from arms_irr.statistics.estimate import Estimate as Estimate
    from arms_irr.statistics.icc import icc as icc
    from arms_irr.study.study import Study as Study
    from arms_irr.study.study import read_study as read_study

__version__ = "0.1.0"

_HOME = {
    "ArgumentError": "arms_irr.errors",
    "ArmsError": "arms_irr.errors",
    "DataError": "arms_irr.errors",
    "Estimate": "arms_irr.statistics.estimate",
    "Instrument": "arms_irr.instruments.model",
    "Problem": "arms_irr.errors",
    "Result": "arms_irr.analysis.result",
    "Study": "arms_irr.study.study",
    "agreement": "arms_irr.statistics.arrays",
    "evaluate": "arms_irr.reporting.evaluation",
    "example": "arms_irr.planning.simulate",
    "icc": "arms_irr.statistics.icc",
    "load_instrument": "arms_irr.instruments.load",
    "read_study": "arms_irr.study.study",
    "shipped_instruments": "arms_irr.instruments.load",
    "simulate": "arms_irr.planning.simulate",
}
__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'arms_irr' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
