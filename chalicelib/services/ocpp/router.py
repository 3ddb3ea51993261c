"""Every message of a charger has an outcome: in its state, in a session, in a report, or at least in its journal."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from chalicelib.domain.chargers.answers import Answer, BootAnswer, Noted, TimeAnswer, TokenAnswer
from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.domain.chargers.events import (
    Booted,
    ChargerEvent,
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    HeartbeatReceived,
    NewsReceived,
    ReadingsTaken,
    ReportReceived,
    Requested,
    ReservationReported,
    StatusReported,
    TokenPresented,
    Topic,
)
from chalicelib.domain.charging.alerts import IDLE
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Reports
from chalicelib.ports.ocpp import Provider
from chalicelib.records.chargers import Connection, ConnectorState, Purpose, SentCall
from chalicelib.services.chargers.local_lists import LocalLists
from chalicelib.services.chargers.message_log import ChargerLog
from chalicelib.services.charging.transactions import CHARGER_AS_A_WHOLE, AssignRef, TransactionEvents
from chalicelib.services.drivers.authorization import Authorizations
from chalicelib.services.notifications.alerts import Alerts
from chalicelib.services.reservations import DriverReservations

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Router:
    """Hears chargers."""

    chargers: Chargers
    charging: TransactionEvents
    authorizations: Authorizations
    lists: LocalLists
    driver_reservations: DriverReservations
    reports: Reports
    provider: Provider
    charger_log: ChargerLog
    alerts: Alerts
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
                self._charging_state(connection, event.connector, event.status)
            case StatusReported():
                answer = self._status(connection, event.connector, event.status, event.error)
            case TokenPresented():
                answer = self._token(connection, event.token)
            case ChargingStarted():
                answer = self.charging.started(connection, event, assign_ref)
                self._charging_state(connection, event.connector, event.status)
            case ChargingStopped():
                answer = self.charging.stopped(connection, event)
            case Booted():
                self.chargers.booted(connection.charger_id, event.vendor, event.model, event.serial, event.firmware)
                answer = BootAnswer(self.clock(), self.heartbeat_s)
            case NewsReceived():
                self.chargers.note_news(connection.charger_id, event, self.clock())
                answer = Noted()
            case ReservationReported():
                self.chargers.note_news(
                    connection.charger_id, NewsReceived(Topic.RESERVATION, event.word), self.clock()
                )
                self.driver_reservations.told(connection.charger_id, event.number)
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
        match call.purpose:
            case Purpose.START:
                self.charging.start_answered(call.charger_id, call.subject, result)
            case Purpose.RESERVE:
                self.driver_reservations.answered(call.subject, result)
            case Purpose.PASSWORD if result.verdict is not Verdict.ACCEPTED:
                self.chargers.drop_password(call.charger_id, call.subject)
            case Purpose.LIST_VERSION:
                self.lists.version_told(call.charger_id, result)
            case Purpose.LIST_LIMITS:
                self.lists.limits_told(call.charger_id)
            case Purpose.LIST:
                self.lists.update_answered(call.charger_id, call.subject, result)

    def _token(self, connection: Connection, token: str) -> TokenAnswer:
        authorization = self.authorizations.authorization(connection.charger_id, connection.operator_id, token)
        return TokenAnswer(authorization.standing, authorization.group, authorization.expires_at)

    def _charging_state(
        self, connection: Connection, connector: ConnectorId | None, status: ConnectorStatus | None
    ) -> None:
        if connector is not None and status is not None:
            self._status(connection, connector, status, "")

    def _status(
        self, connection: Connection, connector: ConnectorId | None, status: ConnectorStatus, error: str
    ) -> Noted:
        where = connector or CHARGER_AS_A_WHOLE
        if not where.is_credible:
            _log.warning("a connector no charger has", extra={"charger_id": connection.charger_id})
            return Noted()
        # By our clock: a charger whose own stands in 1970 would otherwise never be heard again.
        state = ConnectorState(where, status, self.clock(), error)
        before = self.chargers.set_status(connection.charger_id, state)
        if before is None:
            return Noted()
        if before.status is not status:
            self.charger_log.status(connection.charger_id, connector, status, before.place)
        if before.session_id is not None and status is ConnectorStatus.AVAILABLE:
            self.charging.vacated(connection.charger_id, where, before.session_id)
        if before.session_id is not None and status in IDLE:
            self.alerts.idle(before.session_id)
        return Noted()
