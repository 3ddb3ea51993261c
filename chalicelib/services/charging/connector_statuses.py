"""Connector statuses: what each connector does now, kept, shown to searches, and told to the session that has it.

What happened while the charger was offline, or before what is known already, is no news of the present.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.chargers.answers import Noted
from chalicelib.domain.chargers.availability import StatusChanged
from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ConnectorId,
    ConnectorStatus,
    ReadingsTaken,
    StatusReported,
)
from chalicelib.domain.charging.alerts import IDLE
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.operators import AlarmKind, is_clock_wrong
from chalicelib.domain.pricing.evidence import believable
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Connectors
from chalicelib.ports.operators import AlarmChecks
from chalicelib.records.chargers import Connection, ConnectorState
from chalicelib.services.chargers.message_log import ChargerLog
from chalicelib.services.chargers.provisioning import Provisioning
from chalicelib.services.charging.inferred_ends import InferredEnds
from chalicelib.services.charging.local_starts import CHARGER_AS_A_WHOLE
from chalicelib.services.charging.transaction_ids import TransactionIds
from chalicelib.services.drivers.watches import Watches
from chalicelib.services.notifications.alerts import Alerts

_log = logging.getLogger(__name__)
# A clock that is ahead of ours by more would, once it is set right, make everything new look old.
_AHEAD = timedelta(seconds=30)
_CAR_OUT = (ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING)
_UNDER_WAY = (ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_BY_CAR, ConnectorStatus.SUSPENDED_BY_CHARGER)
# A car is there that does not charge any more.
_CAR_STANDS = (ConnectorStatus.FINISHING, ConnectorStatus.OCCUPIED)


@dataclass(frozen=True, kw_only=True)
class ConnectorStatuses:
    """Takes in status reports. Two writes for one that changed, a look at its session where that may be over.

    `clock_told(connection, ahead_s)`: whoever tells chargers times hears of a clock that is wrong, or was.

    And one, with a write, at the session that had it, where that one's car has just left.
    """

    connectors: Connectors
    transaction_ids: TransactionIds
    charger_log: ChargerLog
    provisioning: Provisioning
    alerts: Alerts
    ends: InferredEnds
    watches: Watches
    alarm_checks: AlarmChecks
    clock_told: Callable[[Connection, int], None]
    clock: Clock

    def transaction_told(self, connection: Connection, event: ChargingStarted | ReadingsTaken) -> None:
        """What a transaction does is what its connector does, unless that was told afterwards or is over by now."""
        if event.status is None:
            return
        known = self.transaction_ids.present(connection.charger_id, event.ref)
        connector = event.connector or (known.connector if known is not None else None)
        if known is not None and connector is not None:
            if event.is_offline:
                at = _credible(event.at, self.clock())
                self._told_of_past(connection.charger_id, connector, event.status, at)
                return
            is_new = isinstance(event, ChargingStarted)
            self.told(connection, StatusReported(connector, event.status, event.at), is_new_charge=is_new)

    def told(self, connection: Connection, event: StatusReported, *, is_new_charge: bool = False) -> Noted:
        """Take in a status report (StatusNotification). One older than what is known changes nothing."""
        connector, status = event.connector, event.status
        where = connector or CHARGER_AS_A_WHOLE
        if not where.is_credible:
            _log.warning("a connector no charger has", extra={"charger_id": connection.charger_id})
            return Noted()
        # By our clock: a charger whose own stands in 1970 would otherwise never be heard again.
        now = self.clock()
        state = ConnectorState(
            connector=where,
            status=status,
            status_at=now,
            error=event.error,
            told_at=_credible(event.at, now),
            skew_s=round((event.at - now).total_seconds()) if event.at is not None else None,
        )
        before = self.connectors.set_status(connection.charger_id, state)
        if before is None:
            self._told_of_past(connection.charger_id, where, status, state.told_at)
            return Noted()
        self._ask_for_checks(connection, before, state)
        at = state.told_at or now
        if before.status is not status:
            changed = StatusChanged(now, connector, status, state.told_at)
            self.charger_log.status(connection.charger_id, changed, before.place)
        is_its_own = False
        if before.session_id is not None and status in _CAR_OUT:
            charger_id, session_id = connection.charger_id, before.session_id
            has_begun = self.ends.status_told(charger_id, where, session_id, status, at)
            is_its_own = has_begun and status is ConnectorStatus.AVAILABLE
        if before.last_session_id is not None and not is_its_own and _has_left(before, state, is_new_charge):
            self.ends.car_left(before.last_session_id, at)
        its_session = before.session_id or (before.last_session_id if before.status is not status else None)
        if its_session is not None and status in IDLE:
            self.alerts.idle(its_session)
        if before.setup_is_due and not status.may_start:
            self.provisioning.is_due(connection)
        self.watches.seen(connection.charger_id, before)
        return Noted(is_known=before.status is status and before.error == event.error)

    def _ask_for_checks(self, connection: Connection, before: ConnectorState, state: ConnectorState) -> None:
        if before.status is not state.status and ConnectorStatus.FAULTED in (before.status, state.status):
            self.alarm_checks.ask(AlarmKind.FAULTED, connection.charger_id)
        if any(it.skew_s is not None and is_clock_wrong(it.skew_s) for it in (before, state)):
            self.alarm_checks.ask(AlarmKind.CLOCK_WRONG, connection.charger_id)
            if state.skew_s is not None:
                self.clock_told(connection, state.skew_s)

    def _told_of_past(
        self, charger_id: str, connector: ConnectorId, status: ConnectorStatus, told_at: datetime | None
    ) -> None:
        """What a connector did while nobody heard of it: no news of the present, but of what a charge was."""
        if told_at is not None:
            self.charger_log.status(charger_id, StatusChanged(told_at, connector, status, told_at))


def _has_left(before: ConnectorState, state: ConnectorState, is_new_charge: bool) -> bool:
    """Whether the car of the session that had a connector last is seen not to be there any more.

    The very same report again counts again, should its first hearing not have been finished.
    """
    is_again = state.told_at is not None and state.told_at == before.told_at
    if before.last_session_id == before.session_id or (before.status is state.status and not is_again):
        return is_new_charge and before.last_session_id != before.session_id and before.session_id is not None
    if state.status is ConnectorStatus.AVAILABLE:
        return True
    if state.status is ConnectorStatus.PREPARING:
        # From free to a new car that one's gone already; a charge that becomes "preparing" is the same car's.
        is_same_car = before.session_id is None and before.status in _UNDER_WAY
        return before.status is not ConnectorStatus.AVAILABLE and not is_same_car
    is_another = before.session_id is not None and state.status in _UNDER_WAY
    return is_another and before.status not in _CAR_OUT and (is_new_charge or before.status in _CAR_STANDS)


def _credible(at: datetime | None, now: datetime) -> datetime | None:
    """The charger's own word for when, where its clock can have shown it: two such tell the order of two reports."""
    return at if at is not None and believable(at, now) and at <= now + _AHEAD else None
