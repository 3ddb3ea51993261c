"""The tables of an account are exactly those the adapters declare."""

from __future__ import annotations

from chalicelib.adapters.tables import TABLES


def create_tables() -> None:
    """Create every table that does not exist yet, and wait until it can be used."""
    for model in TABLES:
        if not model.exists():
            model.create_table(wait=True)
