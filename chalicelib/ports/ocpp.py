"""Port of whatever chargers ask for beyond charging: certificates, charging schedules, vendors' services."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.chargers.answers import Decision
from chalicelib.domain.chargers.events import Need
from chalicelib.records.chargers import Connection


class Provider(Protocol):
    """Gives chargers what they ask for beyond charging: certificates, schedules, a vendor's services."""

    def provide(self, connection: Connection, need: Need, content: str) -> Decision:
        """Decide on what a charger asks for.

        `content` is what it gives for that, a certificate signing request, say.
        """
