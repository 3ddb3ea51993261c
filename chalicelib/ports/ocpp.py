"""What the services ask of whoever can give chargers what they ask for beyond charging."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.chargers.answers import Decision
from chalicelib.domain.chargers.events import Need
from chalicelib.records.chargers import Connection


class Provider(Protocol):
    """Whoever can give chargers what they ask for beyond charging: certificates, schedules, a vendor's services."""

    def provide(self, connection: Connection, need: Need, content: str) -> Decision: ...
