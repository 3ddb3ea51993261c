"""Every message of a charger has an outcome: in its state, in a session, in a report, or at least in its journal."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.chargers.answers import Answer, BootAnswer, Noted, TimeAnswer, TokenAnswer
from chalicelib.domain.chargers.commands import AuthorizationStatus, CommandResult, Verdict
from chalicelib.domain.chargers.events import (
    Booted,
    ChargerEvent,
    ChargingStarted,
    ChargingStopped,
    ConnectorStatus,
    HeartbeatReceived,
    MainMeterRead,
    NewsReceived,
    ReadingsTaken,
    ReportReceived,
    Requested,
    StatusReported,
    TokenPresented,
)
from chalicelib.domain.charging.alerts import IDLE
from chalicelib.domain.pricing.evidence import believable
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Reports
from chalicelib.ports.ocpp import Provider
from chalicelib.protocol.ocpp.plug_in import plug_in_s
from chalicelib.records.chargers import Connection, ConnectorState, Purpose, SentCall
from chalicelib.services.chargers.local_lists import LocalLists
from chalicelib.services.chargers.main_meter import as_told
from chalicelib.services.chargers.message_log import ChargerLog
from chalicelib.services.chargers.provisioning import Provisioning
from chalicelib.services.charging.inferred_ends import InferredEnds
from chalicelib.services.charging.transactions import CHARGER_AS_A_WHOLE, AssignRef, TransactionEvents
from chalicelib.services.drivers.authorization import Authorizations
from chalicelib.services.notifications.alerts import Alerts
from chalicelib.services.reservations import DriverReservations

_log = logging.getLogger(__name__)
# A clock that is ahead of ours by more would, once it is set right, make everything new look old.
_AHEAD = timedelta(seconds=30)
_CAR_OUT = (ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING)


@dataclass(frozen=True)
class Router:
    """Hears chargers."""

    chargers: Chargers
    charging: TransactionEvents
    authorizations: Authorizations
    lists: LocalLists
    provisioning: Provisioning
    driver_reservations: DriverReservations
    reports: Reports
    provider: Provider
    charger_log: ChargerLog
    alerts: Alerts
    ends: InferredEnds
    clock: Clock
    heartbeat_s: int

    def receive(self, connection: Connection, event: ChargerEvent, assign_ref: AssignRef) -> Answer:
        """Take in what a charger says, and answer. `assign_ref` names a transaction whose charger left it to us."""
        answer: Answer
        match event:
            case HeartbeatReceived():
                answer = TimeAnswer(self.clock())
            case ReadingsTaken():
                answer = self.charging.readings_taken(connection, event)
                self._charging_state(connection, event)
            case MainMeterRead():
                told = as_told(event.readings, self.clock())
                if told is not None:
                    self.chargers.note_main_meter(connection.charger_id, *told)
                answer = Noted()
            case StatusReported():
                answer = self._status(connection, event)
            case TokenPresented():
                answer = TokenAnswer(self._standing(connection, event.token))
            case ChargingStarted():
                answer = self.charging.started(connection, event, assign_ref)
                self._charging_state(connection, event)
            case ChargingStopped():
                answer = self.charging.stopped(connection, event)
                if event.meter_stop_wh is None:
                    self.provisioning.doubted(connection.charger_id)
            case Booted():
                facts = (event.vendor, event.model, event.serial, event.firmware)
                self.provisioning.booted(self.chargers.booted(connection.charger_id, *facts))
                answer = BootAnswer(self.clock(), self.heartbeat_s)
            case NewsReceived():
                self.chargers.note_news(connection.charger_id, event, self.clock())
                answer = Noted()
            case ReportReceived():
                self.reports.add(connection.charger_id, event, self.clock())
                answer = Noted()
            case Requested():
                answer = self.provider.provide(connection, event.need, event.content)
        return answer

    def answered(self, call: SentCall, result: CommandResult) -> None:
        """A charger answered our command: whoever wanted that hears of it."""
        _log.info("command answered", extra={"charger_id": call.charger_id, "verdict": result.verdict})
        wait_s = plug_in_s(call.action, result.data)
        if wait_s is not None:
            self.chargers.note_plug_in(call.charger_id, wait_s)
        match call.purpose:
            case Purpose.START:
                self.charging.start_answered(call.charger_id, call.subject, result)
            case Purpose.RESERVE:
                self.driver_reservations.answered(call.subject, result)
            case Purpose.PASSWORD if result.verdict is not Verdict.ACCEPTED:
                self.chargers.drop_password(call.charger_id, call.subject)
            case Purpose.LIST_VERSION:
                self.lists.version_told(call.charger_id, result)
            case Purpose.LIST:
                self.lists.update_answered(call.charger_id, call.subject, result)
            case Purpose.SETUP_READ | Purpose.SETUP_WRITE:
                self.provisioning.answered(call, result)

    def _standing(self, connection: Connection, token: str) -> AuthorizationStatus:
        return self.authorizations.authorization(connection.charger_id, connection.operator_id, token).standing

    def _charging_state(self, connection: Connection, event: ChargingStarted | ReadingsTaken) -> None:
        """What a transaction does is what its connector does, unless that was told afterwards or is over by now."""
        if event.status is None or event.is_offline:
            return
        known = self.charging.present(connection.charger_id, event.ref)
        connector = event.connector or (known.connector if known is not None else None)
        if known is not None and connector is not None:
            self._status(connection, StatusReported(connector, event.status, event.at))

    def _status(self, connection: Connection, event: StatusReported) -> Noted:
        connector, status = event.connector, event.status
        where = connector or CHARGER_AS_A_WHOLE
        if not where.is_credible:
            _log.warning("a connector no charger has", extra={"charger_id": connection.charger_id})
            return Noted()
        # By our clock: a charger whose own stands in 1970 would otherwise never be heard again.
        now = self.clock()
        state = ConnectorState(where, status, now, event.error, told_at=_credible(event.at, now))
        before = self.chargers.set_status(connection.charger_id, state)
        if before is None:
            return Noted()
        if before.status is not status:
            self.charger_log.status(connection.charger_id, connector, status, before.place)
        if before.session_id is not None and status in _CAR_OUT:
            self.ends.status_told(connection.charger_id, where, before.session_id, status)
        if before.session_id is not None and status in IDLE:
            self.alerts.idle(before.session_id)
        if before.setup_is_due:
            self.provisioning.is_due(connection)
        return Noted()


def _credible(at: datetime | None, now: datetime) -> datetime | None:
    """The charger's own word for when, where its clock can have shown it: two such tell the order of two reports."""
    return at if at is not None and believable(at, now) and at <= now + _AHEAD else None
