"""Prices, carbon and sun as others publish them: what to ask, and what their answers say. No I/O and no clock."""
