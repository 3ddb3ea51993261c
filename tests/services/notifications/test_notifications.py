"""A driver is told each thing once, whatever is repeated, lost or crashed; and nothing that did not happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from chalicelib.adapters.notifications.outbox import DynamoWebhooks
from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    Reading,
    ReadingsTaken,
    StatusReported,
    StopReason,
)
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import Session
from chalicelib.domain.charging.transitions import Started
from chalicelib.domain.notifications import MOST_ATTEMPTS, Notification, NotificationKind
from chalicelib.domain.pricing.tariff import Tariff, simple_elements
from chalicelib.records import Conflict
from chalicelib.records.notifications import Outcome, Undelivered
from chalicelib.records.parts import Part
from chalicelib.services.notifications.delivery import Delivery
from tests.services.conftest import CONNECTION, NOW, Kit

DEAR = Tariff(
    tariff_id="dear",
    operator_id="op",
    name="Dear",
    currency="EUR",
    elements=simple_elements(per_kwh=Decimal(1), idle_per_minute=Decimal(1)),
)


@dataclass
class Messenger:
    """Sends, or fails, or reaches nobody."""

    name: str = "test"
    is_operators: bool = False
    fails: bool = False
    deaf: bool = False
    sent: list[str] = field(default_factory=list)
    tried: int = 0

    def reaches(self, notice: Notification) -> bool:
        return not self.deaf

    def send(self, notice: Notification) -> None:
        self.tried += 1
        if self.fails:
            raise Undelivered("HTTP 500")
        self.sent.append(notice.notice_id)


def delivery(kit: Kit, *messengers: Messenger) -> Delivery:
    return Delivery(
        outbox=kit.outbox,
        sessions=kit.sessions,
        webhooks=DynamoWebhooks(),
        messengers=lambda: messengers,
        invocations=kit.invocations,
        clock=kit.clock,
    )


def start(kit: Kit, session: Session) -> None:
    event = ChargingStarted(connector=ConnectorId(1), at=NOW, token=session.token, meter_start_wh=1000, ref="tx-1")
    kit.router.route(CONNECTION, event, lambda *_: "tx-1")


def read(kit: Kit, soc_percent: int | None, minutes: int = 1, energy_wh: int = 5000) -> None:
    reading = Reading(at=NOW + timedelta(minutes=minutes), energy_wh=energy_wh, power_w=11_000, soc_percent=soc_percent)
    kit.router.route(
        CONNECTION,
        ReadingsTaken(ref="tx-1", connector=ConnectorId(1), readings=(reading,), seq_no=1),
        lambda *_: "tx-1",
    )


def stop(kit: Kit) -> None:
    event = ChargingStopped(ref="tx-1", at=NOW + timedelta(minutes=9), meter_stop_wh=11_000, reason=StopReason.LOCAL)
    kit.router.route(CONNECTION, event, lambda *_: "tx-1")


def status(kit: Kit, status: ConnectorStatus) -> None:
    kit.router.route(CONNECTION, StatusReported(ConnectorId(1), status), lambda *_: "tx-1")


def told(kit: Kit, driver_id: str = "driver-1") -> list[str]:
    """Oldest first."""
    found, _ = kit.notifications.page(driver_id, 100, None)
    return [it.kind.value for it in reversed(found)]


def changed(kit: Kit, session: Session, **how: object) -> Session:
    after = replace(session, **how)  # type: ignore[arg-type]
    kit.sessions.save(session, after)
    return after


def test_a_driver_is_told_of_beginning_and_end_once_each(kit: Kit) -> None:
    session = kit.app_session()
    for _ in range(2):
        start(kit, session)
        kit.clock.advance(seconds=5)
    for _ in range(2):
        stop(kit)
        kit.clock.advance(seconds=5)
    assert told(kit) == ["started", "finished"]
    assert told(kit, "driver-2") == []


def test_a_charge_told_after_an_outage_reads_in_order(kit: Kit) -> None:
    session = kit.app_session()
    stop(kit)
    start(kit, session)
    assert told(kit) == ["started", "finished"]


def test_a_charge_nobody_pays_for_tells_nobody(kit: Kit) -> None:
    changed(kit, kit.app_session(), driver_id=None)
    kit.changes.apply("KAAAAAAAAAAAAAAAAAAA", Started(ref="tx-1", at=NOW, meter_start_wh=1000))
    assert list(kit.outbox.due(NOW + timedelta(days=1))) == []


def test_a_change_that_never_came_is_not_told_and_is_forgotten(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    session = kit.app_session()
    messenger = Messenger()

    def crash(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(kit.sessions, "save", crash)
        with pytest.raises(MemoryError):
            start(kit, session)
    assert told(kit) == []
    kit.clock.advance(minutes=1)
    assert not delivery(kit, messenger).deliver()
    assert len(list(kit.outbox.due(kit.clock()))) == 1
    kit.clock.advance(minutes=2)
    assert not delivery(kit, messenger).deliver()
    assert list(kit.outbox.due(kit.clock())) == []
    assert messenger.sent == []
    start(kit, session)
    assert told(kit) == ["started"]
    assert delivery(kit, messenger).deliver() == {Outcome.SENT: 1}


def test_a_crash_between_notice_and_change_loses_nothing_once_the_charger_repeats_itself(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = kit.app_session()

    def crash(*_: object) -> None:
        raise Conflict

    with monkeypatch.context() as patched:
        patched.setattr(kit.sessions, "save", crash)
        with pytest.raises(Conflict):
            start(kit, session)
    kit.clock.advance(minutes=10)
    (seen,) = kit.outbox.due(kit.clock())
    start(kit, session)
    # A run that looked before the charger spoke again must not take away what has come true since.
    assert kit.outbox.withdraw(seen) is False
    assert told(kit) == ["started"]


def test_pages_go_from_the_newest_to_the_oldest(kit: Kit) -> None:
    for number in range(5):
        session = kit.sessions.get("KAAAAAAAAAAAAAAAAAAA") or kit.app_session()
        kit.notifications.tell(
            replace(session, session_id=f"KAAAAAAAAAAAAAAAAAA{number}"), NotificationKind.ALMOST_FULL
        )
        kit.sessions.add(replace(session, session_id=f"KAAAAAAAAAAAAAAAAAA{number}"))
        kit.clock.advance(minutes=1)
    ids, cursor = [], None
    for _ in range(3):
        page, cursor = kit.notifications.page("driver-1", 2, cursor)
        ids += [it.session_id[-1] for it in page]
    assert (ids, cursor) == (list("43210"), None)
    with pytest.raises(ValueError, match="cursor"):
        kit.notifications.page("driver-1", 2, "somewhere")


def test_a_battery_is_almost_full_once(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    session = kit.app_session()
    kit.clock.now = NOW + timedelta(hours=9)
    start(kit, session)
    read(kit, 79, 1)
    assert told(kit) == ["started"]
    read(kit, 80, 2)
    assert told(kit) == ["started", "almost_full"]
    monkeypatch.setattr(kit.sessions, "get", None)
    monkeypatch.setattr(kit.outbox, "add", None)
    read(kit, 81, 3)


@pytest.mark.parametrize(
    ("limits", "not_yet_wh", "nearly_wh"),
    [(Limits(energy_wh=10_000), 9_999, 10_000), (Limits(amount_minor=450), 9_988, 10_000)],
)
def test_a_drivers_own_limit_is_announced_at_nine_tenths(
    kit: Kit, limits: Limits, not_yet_wh: int, nearly_wh: int
) -> None:
    session = changed(kit, kit.app_session(), limits=limits)
    kit.clock.now = NOW + timedelta(hours=9)
    start(kit, session)
    read(kit, None, 1, not_yet_wh)
    assert told(kit) == ["started"]
    read(kit, None, 2, nearly_wh)
    read(kit, None, 3, nearly_wh)
    assert told(kit) == ["started", "almost_full"]


@pytest.mark.parametrize("idle", [ConnectorStatus.SUSPENDED_BY_CAR, ConnectorStatus.FINISHING])
def test_idle_time_that_costs_is_announced_once(kit: Kit, idle: ConnectorStatus) -> None:
    session = changed(kit, kit.app_session(), tariff=DEAR)
    start(kit, session)
    read(kit, None)
    for word in (idle, ConnectorStatus.CHARGING, idle):
        status(kit, word)
        kit.clock.advance(seconds=1)
    assert told(kit) == ["started", "idle_fee_begins"]


def test_idle_time_that_costs_nothing_is_not_announced(kit: Kit) -> None:
    start(kit, kit.app_session())
    read(kit, None)
    status(kit, ConnectorStatus.SUSPENDED_BY_CAR)
    assert told(kit) == ["started"]


def test_a_car_that_waits_before_its_first_energy_keeps_others_away_and_its_driver_is_warned(kit: Kit) -> None:
    start(kit, changed(kit, kit.app_session(), tariff=DEAR))
    read(kit, None, energy_wh=1000)
    status(kit, ConnectorStatus.SUSPENDED_BY_CAR)
    assert told(kit) == ["started", "idle_fee_begins"]


def test_what_is_sent_is_sent_once(kit: Kit) -> None:
    start(kit, kit.app_session())
    messenger = Messenger()
    assert delivery(kit, messenger).deliver() == {Outcome.SENT: 1}
    kit.clock.advance(days=1)
    assert not delivery(kit, messenger).deliver()
    assert messenger.sent == ["KAAAAAAAAAAAAAAAAAAA-started"]
    assert told(kit) == ["started"]


def test_what_reaches_nobody_is_kept_for_its_driver_to_read(kit: Kit) -> None:
    start(kit, kit.app_session())
    assert delivery(kit, Messenger(deaf=True)).deliver() == {Outcome.KEPT: 1}
    assert told(kit) == ["started"]


def test_two_runs_at_once_send_a_notice_once(kit: Kit) -> None:
    start(kit, kit.app_session())
    (seen,) = kit.outbox.due(kit.clock())
    again_at = kit.clock() + timedelta(minutes=1)
    claims = [kit.outbox.claim(seen, again_at) for _ in range(2)]
    assert [it.attempts if it else None for it in claims] == [1, None]


def test_a_messenger_that_fails_is_tried_again_and_the_others_are_not(kit: Kit) -> None:
    start(kit, kit.app_session())
    good, bad = Messenger("good"), Messenger("bad", fails=True)
    run = delivery(kit, good, bad).deliver
    assert not run()
    assert not run()
    assert (good.tried, bad.tried) == (1, 1)
    kit.clock.advance(minutes=1)
    bad.fails = False
    assert run() == {Outcome.SENT: 1}
    assert (good.tried, bad.tried) == (1, 2)


def test_a_notice_nobody_takes_is_given_up_after_ten_attempts_and_that_is_said(
    kit: Kit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(kit, kit.app_session())
    bad = Messenger(fails=True)
    said: list[str] = []
    monkeypatch.setattr("chalicelib.services.notifications.delivery._log.warning", lambda text, **_: said.append(text))
    for _ in range(MOST_ATTEMPTS - 1):
        assert not delivery(kit, bad).deliver()
        kit.clock.advance(hours=9)
    assert delivery(kit, bad).deliver() == {Outcome.GIVEN_UP: 1}
    kit.clock.advance(hours=9)
    assert not delivery(kit, bad).deliver()
    assert bad.tried == MOST_ATTEMPTS
    assert said == ["a notice is given up: nobody took it"]
    assert told(kit) == ["started"]


def test_nobody_waits_twice_in_a_run_for_the_same_silence(kit: Kit) -> None:
    start(kit, kit.app_session())
    stop(kit)
    bad = Messenger(fails=True)
    assert not delivery(kit, bad).deliver()
    assert bad.tried == 1


def test_a_run_ends_before_its_function_is_ended(kit: Kit) -> None:
    start(kit, kit.app_session())
    stop(kit)
    slow = Messenger()
    send: Callable[[Notification], None] = slow.send

    def slowly(notice: Notification) -> None:
        kit.clock.advance(seconds=16)
        send(notice)

    slow.send = slowly  # type: ignore[method-assign]
    for _ in range(2):
        assert delivery(kit, slow).deliver(Part(ends_at=kit.clock() + timedelta(seconds=12))) == {Outcome.SENT: 1}
