"""What cars say of themselves over ISO 15118 (OCPP 2.x K15 to K17): it counts when power is shared out.

A need stands beside the claim of its session, and the site is looked at anew: what follows from it is sent as every
grant is. A car that plans to draw more than it was granted is told no, and its site is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chalicelib.domain.chargers.events import ChargingNeedsTold, ChargingPlanTold, ConnectorId
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.composite import is_within
from chalicelib.domain.grid.profiles import PortGrant
from chalicelib.domain.grid.tree import PortId
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.records.chargers import Charger, Connection


@dataclass(frozen=True, kw_only=True)
class ChargingNeeds:
    """The port PowerNeeds, for chargers whose site's power is shared out; for others it says no, and limits nothing.

    `keep(site_id, port, energy_wh, departs_at)` writes a need beside the claim there, False where there is none;
    `granted(site_id, port)` is what the port may draw now, None where nobody limits it; `look(site_id)` shares anew.
    """

    chargers: Chargers
    keep: Callable[[str, PortId, int | None, datetime | None], bool]
    granted: Callable[[str, PortId], PortGrant | None]
    look: Callable[[str], None]
    clock: Clock

    def told(self, connection: Connection, needs: ChargingNeedsTold) -> bool:
        """One read, one write, and a message to whoever shares out power."""
        charger, port_id = self._port(connection, needs.connector)
        if charger is None or port_id is None:
            return False
        departs_at = needs.departs_at if needs.departs_at is not None and needs.departs_at > self.clock() else None
        if not self.keep(charger.site_id, port_id, needs.energy_wh or None, departs_at):
            return False
        self.look(charger.site_id)
        return True

    def planned(self, connection: Connection, plan: ChargingPlanTold) -> bool:
        """One read, and what the port may draw; a message where the car means to draw more."""
        charger, port_id = self._port(connection, plan.connector)
        grant = self.granted(charger.site_id, port_id) if charger is not None and port_id is not None else None
        if charger is None or grant is None or is_within(plan, grant):
            return True
        self.look(charger.site_id)
        return False

    def _port(self, connection: Connection, connector: ConnectorId | None) -> tuple[Charger | None, PortId | None]:
        """The charger, if its power is shared out, and the port meant; an EVSE left out is the only one there is."""
        charger = self.chargers.get(connection.charger_id)
        if charger is None or charger.ability is None:
            return None, None
        if connector is None and len(charger.connectors) == 1:
            connector = charger.connectors[0]
        known = next((it for it in charger.connectors if connector is not None and it.evse == connector.evse), None)
        return charger, PortId(charger.charger_id, known) if known is not None else None
