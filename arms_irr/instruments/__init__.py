"""What is rated: factors, scales, rules. Declared data, no code per instrument."""

from arms_irr.instruments.model import Factor, Instrument, Scale, load_instrument, shipped_instruments

__all__ = ["Factor", "Instrument", "Scale", "load_instrument", "shipped_instruments"]
