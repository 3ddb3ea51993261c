"""Ports of sessions: the checkouts of those who pay without an account, and the browsers that look on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.sessions import Checkout
    from chalicelib.records.drivers import Driver
    from chalicelib.records.sessions import Viewer


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


class Viewers(Protocol):
    """Browsers' sockets by what they look at; each is forgotten by itself some hours after it was opened.

    What one is told comes in order, for one at a time tells it: who comes meanwhile asks that one to go on.
    """

    def add(self, viewer: Viewer) -> None:
        """Write a socket down that was let in."""

    def of(self, kind: str, subject: str) -> Sequence[Viewer]:
        """All that look at it, or did, as they are now."""

    def look(self, kind: str, subject: str, connection_id: str, until: datetime) -> Viewer | None:
        """It looks until then, once more; None where that socket was never let in for this, or is gone."""

    def look_away(self, kind: str, subject: str, connection_id: str, at: datetime) -> None:
        """From then on it looks no more, until it says otherwise."""

    def take(self, viewer: Viewer, teller: str, at: datetime, until: datetime) -> Viewer | None:
        """Only `teller` tells it news until then; None: another does, and will go on, or it is gone."""

    def give_back(self, viewer: Viewer, teller: str, seen: str) -> bool:
        """It was told up to `seen`, and anybody may go on. False: `teller` still has it, and is asked to go on."""

    def remove(self, viewer: Viewer) -> None:
        """Forget a socket that is closed, or looks no more."""
