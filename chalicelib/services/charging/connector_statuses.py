"""What a connector does now, as its charger tells: kept, shown to searches, and news to the session that has it.

What happened while the charger was offline, or before what is known already, is no news of the present.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.chargers.answers import Noted
from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ConnectorStatus,
    ReadingsTaken,
    StatusReported,
)
from chalicelib.domain.charging.alerts import IDLE
from chalicelib.domain.pricing.evidence import believable
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Connectors
from chalicelib.records.chargers import Connection, ConnectorState
from chalicelib.services.chargers.message_log import ChargerLog
from chalicelib.services.chargers.provisioning import Provisioning
from chalicelib.services.charging.inferred_ends import InferredEnds
from chalicelib.services.charging.transaction_ids import TransactionIds
from chalicelib.services.charging.transactions import CHARGER_AS_A_WHOLE
from chalicelib.services.notifications.alerts import Alerts

_log = logging.getLogger(__name__)
# A clock that is ahead of ours by more would, once it is set right, make everything new look old.
_AHEAD = timedelta(seconds=30)
_CAR_OUT = (ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING)


@dataclass(frozen=True, kw_only=True)
class ConnectorStatuses:
    """Hears of statuses. Two writes for one that changed, a look at its session where that may be over."""

    connectors: Connectors
    transaction_ids: TransactionIds
    charger_log: ChargerLog
    provisioning: Provisioning
    alerts: Alerts
    ends: InferredEnds
    clock: Clock

    def transaction_told(self, connection: Connection, event: ChargingStarted | ReadingsTaken) -> None:
        """What a transaction does is what its connector does, unless that was told afterwards or is over by now."""
        if event.status is None or event.is_offline:
            return
        known = self.transaction_ids.present(connection.charger_id, event.ref)
        connector = event.connector or (known.connector if known is not None else None)
        if known is not None and connector is not None:
            self.told(connection, StatusReported(connector, event.status, event.at))

    def told(self, connection: Connection, event: StatusReported) -> Noted:
        connector, status = event.connector, event.status
        where = connector or CHARGER_AS_A_WHOLE
        if not where.is_credible:
            _log.warning("a connector no charger has", extra={"charger_id": connection.charger_id})
            return Noted()
        # By our clock: a charger whose own stands in 1970 would otherwise never be heard again.
        now = self.clock()
        state = ConnectorState(where, status, now, event.error, told_at=_credible(event.at, now))
        before = self.connectors.set_status(connection.charger_id, state)
        if before is None:
            return Noted()
        if before.status is not status:
            self.charger_log.status(connection.charger_id, connector, status, before.place)
        if before.session_id is not None and status in _CAR_OUT:
            self.ends.status_told(connection.charger_id, where, before.session_id, status)
        if before.session_id is not None and status in IDLE:
            self.alerts.idle(before.session_id)
        if before.setup_is_due and not status.may_start:
            self.provisioning.is_due(connection)
        return Noted()


def _credible(at: datetime | None, now: datetime) -> datetime | None:
    """The charger's own word for when, where its clock can have shown it: two such tell the order of two reports."""
    return at if at is not None and believable(at, now) and at <= now + _AHEAD else None
