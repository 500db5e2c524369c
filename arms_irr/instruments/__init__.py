"""What is rated: factors, scales, rules. Declared data, no code per instrument."""

from arms_irr.instruments.load import load_instrument, shipped_instruments
from arms_irr.instruments.model import Factor, Instrument, Scale

__all__ = ["Factor", "Instrument", "Scale", "load_instrument", "shipped_instruments"]
