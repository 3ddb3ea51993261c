"""Ports of whatever chargers ask for beyond charging: certificates, charging schedules, vendors' services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.chargers.answers import Decision
    from chalicelib.domain.chargers.events import ChargingNeedsTold, ChargingPlanTold, Need
    from chalicelib.records.chargers import Connection


class PowerNeeds(Protocol):
    """Takes in what cars say of the power they need, and of what they are going to draw."""

    def told(self, connection: Connection, needs: ChargingNeedsTold) -> bool:
        """Whether it counts: what the car may draw is looked at anew. False where nobody shares out power."""

    def planned(self, connection: Connection, plan: ChargingPlanTold) -> bool:
        """Whether the car is going to stay within what it may draw, as far as anybody limits that."""


class Provider(Protocol):
    """Gives chargers what they ask for beyond charging: certificates, schedules, a vendor's services."""

    def provide(self, connection: Connection, need: Need, content: str) -> Decision:
        """Decide on what a charger asks for.

        `content` is what it gives for that, a certificate signing request, say.
        """
