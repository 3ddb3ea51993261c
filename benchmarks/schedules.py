"""What one item of each part of each schedule takes: calls of AWS and of the payment provider, counted, not timed.

The real services over the real tables, with somebody else's doubles for what is neither. An item's calls are those of
a run that finds so many, less those of one that finds none.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from benchmarks.busy_sites import busy_sites
from benchmarks.calls import counted
from benchmarks.dues import debts, invoices, wallets
from benchmarks.feeds import feeds
from benchmarks.metering import metered_calls
from benchmarks.utilities import operators_server, servers
from chalicelib.domain.chargers.commands import ClearCache, Reset
from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    StopReason,
)
from chalicelib.domain.chargers.setup_profile import SetupProfile
from chalicelib.domain.charging.session import Session
from chalicelib.domain.charging.transitions import StopRequested
from chalicelib.domain.money.ledger import Book
from chalicelib.domain.notifications import Notification
from chalicelib.domain.operators import AlarmKind
from chalicelib.records.chargers import ConnectorState, HeldList, Purpose
from chalicelib.records.charging import Transaction
from chalicelib.records.drivers import PaymentCard, Token
from chalicelib.records.money import ProviderPayment
from chalicelib.records.parts import Part
from chalicelib.services.sessions.lifecycle import NeedsReview
from tests import tables
from tests.services.conftest import CONNECTION, NOW, Kit

Run = Callable[[], object]
# Of what comes many at once, so many: a page of a hundred, as they are compared.
_PAYMENTS = 100


def measure() -> dict[str, dict[str, Any]]:
    """Part -> calls of AWS and of the payment provider for one item of it, and DynamoDB's units by table."""
    os.environ.setdefault("AWS_DEFAULT_REGION", tables.REGION)
    return {part: taken_by(prepare) for part, prepare in PREPARED.items()}


def taken_by(prepare: Callable[[Kit], tuple[Run, int]]) -> dict[str, Any]:
    """What one item takes, by what a run with so many takes beyond one that finds none."""
    with tables.account(), tables.without_http():
        kit = Kit()
        run, number = prepare(kit)
        taken = _taken(kit, run)
        idle = _taken(kit, run)
    return {name: left for name in sorted(taken) if (left := _left(taken[name], idle[name], number))}


def _left(taken: Counter[str], idle: Counter[str], number: int) -> Any:
    """What one item takes, by table where that is told."""
    each = {name: round((amount - idle[name]) / number, 2) for name, amount in sorted(taken.items())}
    if "" in each:
        return each[""]
    return {name.removeprefix("kerb-"): amount for name, amount in each.items() if amount > 0}


def _taken(kit: Kit, run: Run) -> dict[str, Counter[str]]:
    """`calls` of AWS, those of sockets, the workflow and Lambda among them; `payments`: of the provider.

    Units that are read and written are by table.
    """
    beside: Counter[str] = Counter()
    with metered_calls() as meter, counted() as calls, ExitStack() as noting:
        noting.enter_context(_noted(kit.money, "payments", beside))
        for double in (kit.link, kit.workflow, kit.invocations):
            noting.enter_context(_noted(double, "calls", beside))
        run()
        beside["calls"] += sum(calls.take(0).values())
    usage = meter.take(0)
    found = {name: Counter({"": beside[name]}) for name in ("calls", "payments")}
    return found | {"read_units": usage.reads, "write_units": usage.writes}


@contextmanager
def _noted(double: Any, name: str, beside: Counter[str]) -> Any:
    """Count the calls of a double's methods."""
    methods = [it for it in dir(type(double)) if not it.startswith("_") and callable(getattr(double, it))]

    def noting(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*told: Any, **more: Any) -> Any:
            beside[name] += 1
            return method(*told, **more)

        return call

    for it in methods:
        setattr(double, it, noting(getattr(double, it)))
    try:
        yield
    finally:
        for it in methods:
            delattr(double, it)


def _charging(kit: Kit, ref: str = "tx-1") -> Session:
    session = kit.app_session()
    event = ChargingStarted(connector=ConnectorId(1), at=NOW, token=session.token, meter_start_wh=1000, ref=ref)
    kit.router.route(CONNECTION, event, lambda *_: ref)
    return kit.session(session.session_id)


def _sessions(kit: Kit) -> tuple[Run, int]:
    """One that charges, looked at every two hours."""
    _charging(kit)
    kit.clock.advance(hours=2, minutes=5)
    return kit.lifecycle.sweep, 1


def _stopping(kit: Kit) -> tuple[Run, int]:
    """One whose charger is away and has not told its end, looked at every minute."""
    session = _charging(kit, ref="7")
    kit.changes.apply(session.session_id, StopRequested(kit.clock()))
    kit.sockets.closed(CONNECTION)
    kit.clock.advance(minutes=2)

    def sweep() -> None:
        kit.lifecycle.sweep()
        # Out of the way of the second run, which is to find nothing: a call of either.
        kit.sessions.look_later(session.session_id)

    return sweep, 1


def _review(kit: Kit) -> tuple[Run, int]:
    """One whose energy no evidence bounds: it waits for a person."""
    session = _charging(kit)
    kit.clock.advance(minutes=60)
    end = ChargingStopped(ref="tx-1", at=kit.clock(), meter_stop_wh=1_236_000, reason=StopReason.LOCAL)
    kit.router.route(CONNECTION, end, lambda *_: "tx-1")
    with suppress(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    assert kit.session(session.session_id).needs_review
    kit.clock.advance(minutes=2)
    return kit.lifecycle.sweep, 1


def _transactions(kit: Kit) -> tuple[Run, int]:
    """A charge that was told after an outage of its start."""
    kit.transactions.record(
        Transaction(charger_id="CP-1", ref="tx-9", heard_at=NOW, stopped_heard_at=NOW, stopped_at=NOW, meter_stop_wh=9)
    )
    kit.transactions.leave_unclaimed("CP-1", "tx-9", NOW)
    kit.clock.advance(hours=1)
    return kit.unclaimed.sweep, 1


def _plugged_in(kit: Kit) -> tuple[Run, int]:
    """A car that charges and whose driver never showed a token: looked at every minute, for two days."""
    facts = Transaction(charger_id="CP-1", ref="tx-9", heard_at=NOW, started_heard_at=NOW, started_at=NOW)
    kit.transactions.record(facts)
    kit.transactions.leave_unclaimed("CP-1", "tx-9", NOW)
    kit.clock.advance(hours=1)

    def sweep() -> None:
        kit.unclaimed.sweep()
        kit.transactions.settle_claim("CP-1", "tx-9")

    return sweep, 1


def _reservations(kit: Kit) -> tuple[Run, int]:
    for number in (1, 2):
        state = ConnectorState(connector=ConnectorId(number), status=ConnectorStatus.AVAILABLE, status_at=NOW)
        kit.connectors.set_status("CP-1", state)
    kit.driver_reservations.make("driver-1", "CP-1", ConnectorId(1), timedelta(0), "k")
    kit.clock.advance(hours=2)
    return kit.driver_reservations.sweep, 1


def _cards(kit: Kit) -> tuple[Run, int]:
    kit.app_session()
    card = PaymentCard(payment_method_id="pm_2", label="visa 1111", expires="2026-11")
    kit.drivers.change("driver-1", lambda it: it.with_card(card))
    vars(kit)["identity"] = None
    return kit.account_upkeep.tell_of_expiry, 1


def _lines(kit: Kit) -> tuple[Run, int]:
    """A call that waits behind one which nobody answered."""
    kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    kit.commands.send("CP-1", Reset(), Purpose.OPERATOR)
    kit.clock.advance(seconds=31)
    return kit.commands.tend, 1


def _with_list(kit: Kit) -> None:
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.chargers.put(replace(charger, keeps_list=True))
    kit.tokens.lists_done("op", int(NOW.timestamp()))
    kit.clock.advance(minutes=5)


def _lists(kit: Kit) -> tuple[Run, int]:
    _with_list(kit)
    kit.held_lists.mark_due("CP-1")
    return kit.local_lists.tend, 1


def _changes(kit: Kit) -> tuple[Run, int]:
    """A card that has changed, told to a charger."""
    _with_list(kit)
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    second = int(kit.clock().timestamp())
    kit.held_lists.confirm("CP-1", second)
    kit.held_lists.sends(charger, HeldList(until_s=second - 60, sent=second))
    kit.tokens.put(Token(uid="BEEF01", operator_id="op", driver_id="driver-1"), kit.clock())
    kit.clock.advance(minutes=2)
    return kit.local_lists.pass_on, 1


def _setups(kit: Kit) -> tuple[Run, int]:
    kit.provisioning.put_profile("op", SetupProfile(reading_interval_s=30))
    return kit.provisioning.tend, 1


class _Mail:
    """A way to drivers that answers at once."""

    name, is_operators = "mail", False

    def __init__(self, beside: Any) -> None:
        self.drivers = beside

    def reaches(self, notice: Notification) -> bool:
        return True

    def send(self, notice: Notification) -> None:
        """A read of whom to send it to, and another in place of the call that sends it."""
        self.drivers.get(notice.driver_id)
        self.drivers.get(notice.driver_id)


class _Server(_Mail):
    """An operator's own server."""

    name, is_operators = "webhook", True


def _told(kit: Kit) -> None:
    session = _charging(kit)
    assert any(it.notice.session_id == session.session_id for it in kit.outbox.due(kit.clock()))


def _notices(kit: Kit) -> tuple[Run, int]:
    """One that is mailed, and handed on to its operator's server."""
    vars(kit)["messengers"] = (_Mail(kit.drivers), _Server(kit.drivers))
    _told(kit)
    assert kit.outbox.page("driver-1", 9, None)[0]
    return kit.delivery.deliver, 1


def _operators_notices(kit: Kit) -> tuple[Run, int]:
    """One that an operator's server takes."""
    vars(kit)["messengers"] = (_Server(kit.drivers),)
    _told(kit)
    kit.delivery.deliver()
    begun, kit.invocations.begun = kit.invocations.begun, []

    def run() -> None:
        for _, told in begun:
            kit.delivery.deliver_to_operator(told["notices"], Part())
        begun.clear()

    return run, 1


def _books(kit: Kit) -> tuple[Run, int]:
    """A day of a hundred paid sessions, all of them in both books."""
    payments = []
    for number in range(_PAYMENTS):
        book = Book(f"S{number:03}", "op", "driver-1", "EUR")
        kit.ledger.append([book.hold(f"pi_{number}", 100, NOW)])
        payments.append(
            ProviderPayment(
                payment_id=f"pi_{number}",
                session_id=book.session_id,
                currency="EUR",
                held_minor=100,
                taken_minor=0,
                refunded_minor=0,
            )
        )
    kit.money.page = lambda *_: (payments, "")  # type: ignore[method-assign]
    kit.clock.advance(days=1)
    return kit.reconciliation.go_on, _PAYMENTS


def _lost(kit: Kit) -> None:
    """A charger that is lost, and its alarm."""
    kit.sockets.closed(CONNECTION)
    kit.alarm_desk.check(AlarmKind.OFFLINE, "CP-1")


def _looks(kit: Kit) -> tuple[Run, int]:
    """A charger that is lost for long, and what stands at its place, looked at again."""
    _lost(kit)
    kit.clock.advance(minutes=2)
    kit.alarm_desk.tend()
    kit.clock.advance(hours=1)
    return kit.alarm_desk.tend, 2


def _tellings(kit: Kit) -> tuple[Run, int]:
    _lost(kit)
    kit.clock.advance(minutes=2)
    kit.alarm_desk.tend()
    return kit.alarm_tellings.hand_on, 1


def _sent(kit: Kit) -> tuple[Run, int]:
    """An alarm's news, mailed, and posted to its operator's server, which is none here."""
    _tellings(kit)[0]()
    ((_, told),) = kit.invocations.begun
    waiting = list(told["tellings"])

    def send() -> None:
        kit.alarm_tellings.send("op", [waiting.pop() for _ in range(len(waiting))], Part())

    return send, 1


PREPARED: Mapping[str, Callable[[Kit], tuple[Run, int]]] = {
    "sweep sessions": _sessions,
    "sweep stopping": _stopping,
    "sweep review": _review,
    "claim transactions": _transactions,
    "claim plugged in": _plugged_in,
    "reservations reservations": _reservations,
    "debts debts": debts,
    "debts invoices": invoices,
    "debts wallets": wallets,
    "accounts cards": _cards,
    "lists lines": _lines,
    "lists lists": _lists,
    "lists changes": _changes,
    "lists setups": _setups,
    "notices notices": _notices,
    "notices operator": _operators_notices,
    "reconcile books": _books,
    "alarm_desk looks": _looks,
    "alarm_desk tellings": _tellings,
    "alarm_desk operator": _sent,
    "busy_sites sites": busy_sites,
    "signals feeds": feeds,
    "openadr servers": servers,
    "openadr operator": operators_server,
}
