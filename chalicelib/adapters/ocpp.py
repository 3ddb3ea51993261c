"""Nobody provides yet what chargers ask for beyond charging, and they are told so; a provider would go here."""

from __future__ import annotations

from chalicelib.domain.chargers.answers import Decision
from chalicelib.domain.chargers.events import Need
from chalicelib.records.chargers import Connection


class NoProvider:
    """The port Provider, for a deployment without certificates, smart charging schedules or vendors' services."""

    def provide(self, connection: Connection, need: Need, content: str) -> Decision:
        """No, honestly: the request stands in the charger's journal for its operator."""
        return Decision(granted=False)
