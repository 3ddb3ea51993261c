"""Running cost (OCPP 2.x I02): a charger that can show it is told what a charge costs so far.

Only where its operator wants that (`shows_running_cost`), for it costs a look at the session and, over 2.0.1, a
message of its own (CostUpdated); 2.1 takes it with the answer to its own Updated. At most once a minute and
transaction, only when it has changed, and after everything else that waits for the charger.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from chalicelib.domain.chargers.commands import ShowCost, Unable
from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.currency import decimals
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import Chargers, Setups
from chalicelib.ports.charging import Sessions, Transactions
from chalicelib.protocol.ocpp import OLDEST, dialect_for
from chalicelib.protocol.ocpp.settings import shows_cost
from chalicelib.records.chargers import Charger, Connection, Errand, Gone, Purpose
from chalicelib.records.charging import Transaction
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.charging.monitor import Monitor

_AT_MOST_EVERY = timedelta(minutes=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunningCosts:
    """Tells chargers what their charges cost so far."""

    setups: Setups
    chargers: Chargers
    sessions: Sessions
    transactions: Transactions
    monitor: Monitor
    commands: ChargerCommands
    clock: Clock
    new_id: NewId

    def due(
        self, connection: Connection, facts: Transaction, session: Session | None, readings: Sequence[Reading]
    ) -> Decimal | None:
        """The cost to tell with the answer to these readings, if it is time, in whole units of its currency.

        Where the version cannot take it so, it is sent. `session` saves a read to a caller that has it. No call where
        the operator does not want it or it was told within the minute; else two reads and those of the evidence, and
        a write where the cost has changed.
        """
        if connection.protocol == OLDEST or not readings or facts.session_id is None:
            return None
        now = self.clock()
        if facts.cost_told_at is not None and now - facts.cost_told_at < _AT_MOST_EVERY:
            return None
        if not self.setups.profile(connection.operator_id).shows_running_cost:
            return None
        try:
            return self._told(connection, facts, session, readings)
        except Exception:
            # What a charger tells of a charge must not fail because of what it shows.
            _log.exception("running cost not told", extra={"charger_id": connection.charger_id})
            return None

    def _told(
        self, connection: Connection, facts: Transaction, session: Session | None, readings: Sequence[Reading]
    ) -> Decimal | None:
        charger = self.chargers.get(connection.charger_id)
        if charger is None or not shows_cost(charger.limits):
            return None
        session = session or (self.sessions.get(facts.session_id) if facts.session_id else None)
        if session is None or session.state is not State.ACTIVE or session.tariff.is_free:
            return None
        _, cost_minor, _ = self.monitor.so_far(session, max(readings, key=lambda it: it.at), facts)
        now = self.clock()
        if not self.transactions.cost_told(facts.charger_id, facts.ref, cost_minor, now, now - _AT_MOST_EVERY):
            return None
        cost = Decimal(cost_minor).scaleb(-decimals(session.tariff.currency))
        if dialect_for(connection.protocol).tells_cost_in_answers:
            return cost
        self._send(charger, ShowCost(facts.ref, cost))
        return None

    def _send(self, charger: Charger, command: ShowCost) -> None:
        try:
            self.commands.order(charger, command, Errand(self.new_id(), Purpose.COST))
        except (Gone, Unable) as error:
            _log.info("running cost not sent", extra={"charger_id": charger.charger_id, "why": str(error)})
