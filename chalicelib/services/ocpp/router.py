"""The OCPP router: carries each message of a charger to the service it concerns.

Every message has an outcome: in the charger's state, in a session, in a report, or at least in its message log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.chargers.answers import Answer, BootAnswer, Decision, Noted, TimeAnswer, TokenAnswer
from chalicelib.domain.chargers.commands import AuthorizationStatus, CommandResult
from chalicelib.domain.chargers.contracts import CertificateStatus, ContractRequested, ContractShown, RevocationsAsked
from chalicelib.domain.chargers.events import (
    Booted,
    ChargerEvent,
    ChargingNeedsTold,
    ChargingPlanTold,
    ChargingStarted,
    ChargingStopped,
    HeartbeatReceived,
    MainMeterRead,
    NewsReceived,
    ReadingsTaken,
    ReportReceived,
    Requested,
    ReservationReported,
    SettlementTold,
    StatusReported,
    TokenPresented,
    Topic,
)
from chalicelib.domain.chargers.identity import told_identity
from chalicelib.domain.chargers.socket_age import may_be_days_first
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.drivers.emaid import is_contract_token
from chalicelib.domain.operators import AlarmKind
from chalicelib.ports import Clock
from chalicelib.ports.chargers import ChargerNews, Reports
from chalicelib.ports.ocpp import Contracts, PowerNeeds, Provider
from chalicelib.ports.operators import AlarmChecks
from chalicelib.protocol.ocpp.plug_in import plug_in_s
from chalicelib.records.chargers import Connection, Purpose, SentCall
from chalicelib.services.chargers.main_meter import as_told
from chalicelib.services.chargers.provisioning import Provisioning
from chalicelib.services.charging.connector_statuses import ConnectorStatuses
from chalicelib.services.charging.transactions import AssignRef, TransactionEvents
from chalicelib.services.drivers.authorization import Authorizations
from chalicelib.services.grid.charger_news import ManagedChargerNews
from chalicelib.services.money.terminal_payments import TerminalPayments
from chalicelib.services.reservations import DriverReservations

_log = logging.getLogger(__name__)


OnAnswer = Callable[[SentCall, CommandResult], None]


@dataclass(frozen=True, kw_only=True)
class Router:
    """Routes what a charger says, and what it answers, to whoever it concerns.

    `purposes` says who wants to hear of an answered command; a purpose that is not in it wants nothing more than the
    answer's own row.
    """

    charger_news: ChargerNews
    charging: TransactionEvents
    statuses: ConnectorStatuses
    authorizations: Authorizations
    provisioning: Provisioning
    driver_reservations: DriverReservations
    terminal_payments: TerminalPayments
    reports: Reports
    provider: Provider
    contracts: Callable[[], Contracts]
    power_needs: PowerNeeds
    alarm_checks: AlarmChecks
    managed_charger_news: ManagedChargerNews
    purposes: Mapping[Purpose, OnAnswer]
    clock: Clock
    heartbeat_s: int

    def route(self, connection: Connection, event: ChargerEvent, assign_ref: AssignRef) -> Answer:
        """Take in what a charger says, and answer. `assign_ref` names a transaction whose charger left it to us."""
        return _ROUTES[type(event)](self, connection, event, assign_ref)

    def answered(self, call: SentCall, result: CommandResult) -> None:
        """A charger answered our command: whoever wanted that hears of it."""
        _log.info("command answered", extra={"charger_id": call.charger_id, "verdict": result.verdict})
        wait_s = plug_in_s(call.action, result.data)
        if wait_s is not None:
            self.charger_news.note_plug_in(call.charger_id, wait_s)
        on_answer = self.purposes.get(call.purpose)
        if on_answer is not None:
            on_answer(call, result)

    def _heartbeat(self, connection: Connection, event: HeartbeatReceived, assign_ref: AssignRef) -> Answer:
        return TimeAnswer(self.clock())

    def _boot(self, connection: Connection, event: Booted, assign_ref: AssignRef) -> Answer:
        facts = (event.vendor, event.model, event.serial, event.firmware)
        charger = self.charger_news.booted(connection.charger_id, *facts)
        is_only_back = bool(connection.back_as) and connection.back_as == told_identity(*facts)
        # Each day's first is looked into: what it was set to may be gone after a start that looked like a return.
        if not is_only_back or may_be_days_first(self.clock()):
            self.provisioning.booted(charger)
        if not is_only_back:
            self.managed_charger_news.booted(connection)
        return BootAnswer(self.clock(), self.heartbeat_s)

    def _status(self, connection: Connection, event: StatusReported, assign_ref: AssignRef) -> Answer:
        return self.statuses.told(connection, event)

    def _token(self, connection: Connection, event: TokenPresented, assign_ref: AssignRef) -> Answer:
        if event.contract is not None and is_contract_token(event.token):
            return self._contract_token(connection, event.token, event.contract)
        shown = self.authorizations.shown(connection, event.token)
        # Whatever certificate came with a card, it is not the card's.
        worth = CertificateStatus.NOT_AVAILABLE if event.contract is not None else None
        return TokenAnswer(shown.standing, shown.group, shown.expires_at, worth)

    def _contract_token(self, connection: Connection, token: str, contract: ContractShown) -> Answer:
        """C07: the certificate first; a token whose certificate is not good is not even looked up."""
        worth = self.contracts().worth(connection, token, contract)
        if worth is not CertificateStatus.ACCEPTED:
            has_expired = worth is CertificateStatus.EXPIRED
            standing = AuthorizationStatus.EXPIRED if has_expired else AuthorizationStatus.UNKNOWN
            return TokenAnswer(standing, certificate=worth)
        shown = self.authorizations.shown(connection, token, is_contract_proven=True)
        if shown.standing not in (AuthorizationStatus.ACCEPTED, AuthorizationStatus.CONCURRENT_TX):
            # C07.FR.14: the certificate is good, and the contract is none here.
            worth = CertificateStatus.CANCELLED
        return TokenAnswer(shown.standing, shown.group, shown.expires_at, worth)

    def _contract(self, connection: Connection, event: ContractRequested, assign_ref: AssignRef) -> Answer:
        return self.contracts().contract(connection, event)

    def _revocations(self, connection: Connection, event: RevocationsAsked, assign_ref: AssignRef) -> Answer:
        return self.contracts().revocations(connection, event)

    def _start(self, connection: Connection, event: ChargingStarted, assign_ref: AssignRef) -> Answer:
        answer = self.charging.started(connection, event, assign_ref)
        self.statuses.transaction_told(connection, event)
        return answer

    def _readings(self, connection: Connection, event: ReadingsTaken, assign_ref: AssignRef) -> Answer:
        answer = self.charging.readings_taken(connection, event)
        self.statuses.transaction_told(connection, event)
        return answer

    def _stop(self, connection: Connection, event: ChargingStopped, assign_ref: AssignRef) -> Answer:
        answer = self.charging.stopped(connection, event)
        if event.meter_stop_wh is None:
            self.provisioning.doubted(connection.charger_id)
        self.alarm_checks.ask(AlarmKind.SILENT, connection.charger_id)
        return answer

    def _main_meter(self, connection: Connection, event: MainMeterRead, assign_ref: AssignRef) -> Answer:
        told = as_told(event.readings, self.clock())
        if told is not None:
            self.charger_news.note_main_meter(connection.charger_id, *told)
            self.managed_charger_news.meter_read(connection, told[0])
        return Noted()

    def _news(self, connection: Connection, event: NewsReceived, assign_ref: AssignRef) -> Answer:
        self.charger_news.note(connection.charger_id, event, self.clock())
        if event.topic is Topic.FIRMWARE:
            self.alarm_checks.ask(AlarmKind.FIRMWARE_FAILED, connection.charger_id)
        return Noted()

    def _settlement(self, connection: Connection, event: SettlementTold, assign_ref: AssignRef) -> Answer:
        self.terminal_payments.settled(connection.charger_id, event)
        return self._news(connection, NewsReceived(Topic.SETTLEMENT, event.word), assign_ref)

    def _reservation(self, connection: Connection, event: ReservationReported, assign_ref: AssignRef) -> Answer:
        self.driver_reservations.told(connection.charger_id, event.number)
        return self._news(connection, NewsReceived(Topic.RESERVATION, event.word), assign_ref)

    def _report(self, connection: Connection, event: ReportReceived, assign_ref: AssignRef) -> Answer:
        self.reports.add(connection.charger_id, event, self.clock())
        return Noted()

    def _needs(self, connection: Connection, event: ChargingNeedsTold, assign_ref: AssignRef) -> Answer:
        return Decision(self.power_needs.told(connection, event))

    def _plan(self, connection: Connection, event: ChargingPlanTold, assign_ref: AssignRef) -> Answer:
        is_within = self.power_needs.planned(connection, event)
        word = f"{'within' if is_within else 'above'} its limits"
        self._news(connection, NewsReceived(Topic.CHARGING_SCHEDULE, word), assign_ref)
        return Decision(is_within)

    def _request(self, connection: Connection, event: Requested, assign_ref: AssignRef) -> Answer:
        return self.provider.provide(connection, event.need, event.content)


# One outcome for each kind of event.
_ROUTES: Mapping[type[ChargerEvent], Callable[[Router, Connection, Any, AssignRef], Answer]] = {
    HeartbeatReceived: Router._heartbeat,
    Booted: Router._boot,
    StatusReported: Router._status,
    TokenPresented: Router._token,
    ChargingStarted: Router._start,
    ReadingsTaken: Router._readings,
    ChargingStopped: Router._stop,
    MainMeterRead: Router._main_meter,
    NewsReceived: Router._news,
    SettlementTold: Router._settlement,
    ReservationReported: Router._reservation,
    ReportReceived: Router._report,
    Requested: Router._request,
    ContractRequested: Router._contract,
    RevocationsAsked: Router._revocations,
    ChargingNeedsTold: Router._needs,
    ChargingPlanTold: Router._plan,
}
