"""Stands in for whoever gives chargers what they ask for beyond charging. Nobody does yet, and they are told so."""

from __future__ import annotations

from chalicelib.domain.chargers.answers import Decision
from chalicelib.domain.chargers.events import ChargingNeedsTold, ChargingPlanTold, Need
from chalicelib.records.chargers import Connection


class NoProvider:
    """Grants nothing: the port Provider, for a deployment without certificates, smart charging or vendors' services."""

    def provide(self, connection: Connection, need: Need, content: str) -> Decision:
        """No, honestly: the request stands in the charger's message log for its operator."""
        return Decision(granted=False)


class NoPowerNeeds:
    """Shares out no power: the port PowerNeeds, for a network without managed sites."""

    def told(self, connection: Connection, needs: ChargingNeedsTold) -> bool:
        """No: nothing follows from it."""
        return False

    def planned(self, connection: Connection, plan: ChargingPlanTold) -> bool:
        """Yes: nobody limits it."""
        return True
