"""Ports of sessions: the checkouts of those who pay without an account."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from chalicelib.domain.sessions import Checkout
from chalicelib.records.drivers import Driver


class Checkouts(Protocol):
    """Ad-hoc checkouts; each is forgotten by itself when its time is over."""

    def add(self, checkout: Checkout) -> None:
        """Store a new checkout."""

    def get(self, checkout_id: str) -> Checkout | None:
        """The checkout; None for an unknown one, or one forgotten."""


class Guests(Protocol):
    """Payers without an account, kept among the drivers for as long as a payment can be asked about."""

    def add_guest(self, guest: Driver, until: datetime) -> bool:
        """Keep a checkout's payer until then; False when it has one, who stays."""
