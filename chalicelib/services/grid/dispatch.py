"""The way of grants to chargers: orders become commands, and answers events, which the next look takes in.

What an answer needs to be understood goes with the command as its subject, so that whichever process hears it has to
read nothing: it writes one event down, and asks for a look where room may have come free or the next frame is due.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.chargers.charging_ability import ChargingAbility, RateUnit, seen_in
from chalicelib.domain.chargers.commands import (
    Command,
    CommandResult,
    ReadSchedule,
    Reset,
    StopCharging,
    Unable,
    Verdict,
)
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.firmware import ShownSchedule
from chalicelib.domain.grid.leases import Period
from chalicelib.domain.grid.page_events import EventKind, PageEvent
from chalicelib.domain.grid.port_look import OrderKind, PortOrder
from chalicelib.domain.grid.profiles import Allowance, CannotPause, PortGrant, default_of, profile_of
from chalicelib.domain.grid.tree import Phase, Port, PortId
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Connectors, Sockets
from chalicelib.ports.grid import Looks, ManagedSites
from chalicelib.protocol.ocpp.composite import told_schedule
from chalicelib.records.chargers import Charger, Errand, Purpose, SentCall
from chalicelib.records.grid import ChargerFacts
from chalicelib.services.chargers.commands import ChargerCommands, CommandOrder
from chalicelib.services.chargers.connections import Connections

_LONGEST_S = 86_400
_PROOFS = (OrderKind.CUT, OrderKind.RESET)
# Nobody can be about to charge there.
_UNUSED = (ConnectorStatus.AVAILABLE, ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An order with what its frame is made of; `ref` is the charger's name for the transaction, empty for none."""

    order: PortOrder
    port: Port
    facts: ChargerFacts
    ref: str = ""
    car_phases: int | None = None


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Sends orders, and hears their answers.

    What cuts a charger off or starts it anew, to prove its firmware, goes only where no car is plugged in, nothing is
    reserved and no session waits: one query, for those alone. The book tries it again later, or at another charger.
    """

    managed_sites: ManagedSites
    looks: Looks
    chargers: Chargers
    connectors: Connectors
    sockets: Sockets
    commands: ChargerCommands
    connections: Connections
    clock: Clock

    def send(self, site_id: str, outgoing: Sequence[Outgoing], *, is_room_wanted: bool = True) -> None:
        """Send them side by side, the first of them first; what did not go out is told the book.

        `is_room_wanted`: whether anybody waits for what lowerings leave; if not, no look follows their answers.
        """
        chargers = self.chargers.many({it.port.port_id.charger_id for it in outgoing})
        ports: dict[str, PortId] = {}
        orders: list[CommandOrder] = []
        unsent: list[str] = []
        for it in outgoing:
            charger, name = chargers.get(it.port.port_id.charger_id), it.order.name
            ports[name] = it.port.port_id
            try:
                if it.order.kind in _PROOFS and not self._is_unused(it.port.port_id.charger_id):
                    continue
                if it.order.kind is OrderKind.CUT:
                    self._cut(charger)
                elif charger is None:
                    unsent.append(name)
                else:
                    command = self._command(it)
                    subject = _subject(site_id, it, command, is_room_wanted=is_room_wanted)
                    orders.append(CommandOrder(charger, command, Errand(name, Purpose.LIMIT, subject)))
            except (Unable, CannotPause) as error:
                _log.warning("no such limit", extra={"port": str(it.port.port_id), "why": str(error)})
                unsent.append(name)
            except Exception:
                _log.exception("limit not sent, or nobody knows", extra={"port": str(it.port.port_id)})
        unsent += [it.errand.message_id for it in self.commands.order_together(orders)]
        if unsent:
            at = self.clock()
            events = [PageEvent(port_id=ports[it], kind=EventKind.UNSENT, at=at, name=it) for it in unsent]
            self.managed_sites.heard(site_id, *events)

    def granted(self, site_id: str, port_id: PortId) -> PortGrant | None:
        """What a port may draw now, as it was told last; None where nobody has limited it. One query."""
        state = self.managed_sites.state(site_id, consistent=False)
        page = state.book.page(port_id) if state is not None else None
        port = next((it for it in state.managed.tree.ports if it.port_id == port_id), None) if state else None
        at, lease = self.clock(), page.newest if page is not None else None
        if port is None or lease is None or at >= lease.ends_at:
            return None
        lease_s = max(1, round((lease.ends_at - at).total_seconds()))
        later = [(round((it.starts_at - at).total_seconds()), it.limit_ma) for it in lease.periods if it.starts_at > at]
        phases = lease.phases
        allowances = (
            Allowance(0, lease.limit_ma(at), phases),
            *(Allowance(start_s, limit_ma, phases) for start_s, limit_ma in later if start_s > 0),
        )
        return PortGrant(port=port, allowances=allowances, at=at, lease_s=lease_s)

    def answered(self, call: SentCall, result: CommandResult) -> None:
        """A charger answered one: the book is told, and somebody looks where that changes what others may have."""
        told = json.loads(call.subject)
        port_id = PortId(call.charger_id, ConnectorId.parse(told["connector"]))
        kind = EventKind.CONFIRMED if result.verdict is Verdict.ACCEPTED else EventKind.REFUSED
        shown = None
        if told["kind"] == OrderKind.READ:
            kind, shown = EventKind.SHOWN, _shown(call, result, told)
        self.managed_sites.heard(
            told["site"],
            PageEvent(
                port_id=port_id, kind=kind, at=self.clock(), name=call.message_id, detail=result.detail, shown=shown
            ),
        )
        if told["is_awaited"] or kind is EventKind.REFUSED:
            self.looks.ask(told["site"], at_once=True)

    def _is_unused(self, charger_id: str) -> bool:
        """Whether nobody has, or is about to have, anything of that charger."""
        at = self.clock()
        states = self.connectors.of_charger(charger_id)
        return all(it.session_id is None and it.seen(at) in _UNUSED for it in states)

    def _cut(self, charger: Charger | None) -> None:
        """Close its socket, for it to open another; that it then introduces itself is no boot."""
        open_now = charger.connection_id if charger is not None else None
        connection = self.sockets.connection(open_now) if open_now is not None else None
        if connection is not None:
            self.connections.renew(connection)

    def _command(self, it: Outgoing) -> Command:
        order, at = it.order, self.clock()
        ability = seen_in(it.facts.ability or ChargingAbility(), it.facts.firmware.learnt)
        if order.kind is OrderKind.RESET:
            return Reset()
        if order.kind is OrderKind.STOP:
            if not it.ref:
                raise Unable("nobody knows what its transaction is called")
            return StopCharging(it.ref)
        if order.kind is OrderKind.READ:
            until = order.reads_until or at
            duration_s = max(60, min(_LONGEST_S, round((until - at).total_seconds())))
            return ReadSchedule(duration_s, it.port.port_id.connector, in_amps=RateUnit.AMPERES in ability.units)
        form = order.form
        if form is None:
            raise Unable("it takes no limits")
        if order.kind is OrderKind.DEFAULT:
            return default_of(it.port, Allowance(0, order.limit_ma, order.phases), form, it.car_phases, it.ref or None)
        lease = order.lease
        lease_s = max(60, round((lease.ends_at - at).total_seconds())) if lease is not None else 3600
        grant = PortGrant(
            port=it.port,
            allowances=_allowances(order, at),
            at=at,
            lease_s=lease_s,
            ref=it.ref or None,
            car_phases=it.car_phases,
            # The port's own first: by that alone one phase is counted, and shown.
            phase_to_use=1,
            clock_ahead_s=it.facts.clock_ahead_s,
        )
        return profile_of(grant, form, ability).command


def _allowances(order: PortOrder, at: datetime) -> tuple[Allowance, ...]:
    """A grant from now on, a plan's by its periods."""
    later = order.lease.periods if order.lease is not None else ()
    phases = order.lease.phases if order.lease is not None else None
    turns = [
        Allowance(round((it.starts_at - at).total_seconds()), it.limit_ma, phases) for it in later if it.starts_at > at
    ]
    return (Allowance(0, order.limit_ma, phases), *(it for it in turns if it.start_s > 0))


def _subject(site_id: str, it: Outgoing, command: Command, *, is_room_wanted: bool) -> str:
    """What its answer needs to be understood by, and whether anybody waits for it."""
    order, port = it.order, it.port
    told: dict[str, Any] = {
        "site": site_id,
        "connector": str(port.port_id.connector),
        "kind": order.kind,
        "is_awaited": order.kind is not OrderKind.GRANT or (order.is_lowering and is_room_wanted),
    }
    if isinstance(command, ReadSchedule):
        phases = 1 if port.is_line_to_line else len(port.phases)
        told |= {"voltage_v": port.voltage_v, "phases": phases, "most_ma": port.most_ma, "asked_s": command.duration_s}
    return json.dumps(told)


def _shown(call: SentCall, result: CommandResult, told: Any) -> ShownSchedule | None:
    """What a composite schedule says by the clock; a period without a limit is one of all that the port can draw."""
    schedule = told_schedule(result, told["asked_s"])
    if schedule is None or not schedule.periods:
        return None
    port = Port(
        port_id=PortId(call.charger_id, ConnectorId.parse(told["connector"])),
        node_id="",
        phases=tuple(Phase)[: told["phases"]],
        voltage_v=told["voltage_v"],
    )
    periods = []
    for it in schedule.periods:
        limit_ma = schedule.limit_ma(it.start_s, port)
        starts_at = call.sent_at + timedelta(seconds=it.start_s)
        periods.append(Period(starts_at, told["most_ma"] if limit_ma is None else limit_ma, it.phases))
    return ShownSchedule(
        asked_at=call.sent_at, periods=tuple(periods), until=call.sent_at + timedelta(seconds=schedule.duration_s)
    )
