"""What several test files share: the whole report of the pilot, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

import arms_irr as irr

PILOT = Path(__file__).parents[1] / "data" / "pilot"


@pytest.fixture(scope="session")
def pilot_report(tmp_path_factory) -> Path:
    """The folder of the report of data/pilot with every section and every format; only to be read."""
    return irr.evaluate(PILOT, tmp_path_factory.mktemp("whole") / "pilot")
