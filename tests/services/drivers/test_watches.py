"""Who waits at an occupied connector is told once when it is free, by whatever frees it; nobody else costs anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus, StatusReported, StopReason
from chalicelib.domain.chargers.watches import MOST_WATCHES, WATCHED_FOR, Watch, Watcher
from chalicelib.domain.charging.session import Session
from chalicelib.domain.charging.transitions import Started, Stopped
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.records.chargers import Admission, ConnectorState
from chalicelib.records.drivers import Driver
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.notifications.delivery import Delivery
from tests.services.conftest import CONNECTION, NOW, Kit

ONE, TWO = ConnectorId(1), ConnectorId(2)
WAITS = "driver-2"


@pytest.fixture
def taken(kit: Kit) -> Kit:
    """Both connectors are in use, and a second driver comes by."""
    kit.drivers.put(Driver(driver_id=WAITS, email="e@example.com"))
    for connector in (ONE, TWO):
        report(kit, ConnectorStatus.CHARGING, connector)
    return kit


def report(kit: Kit, status: ConnectorStatus, connector: ConnectorId = ONE) -> None:
    kit.connector_statuses.told(CONNECTION, StatusReported(connector, status, None))


def told(kit: Kit, driver_id: str = WAITS) -> list[Notification]:
    page, _ = kit.notifications.page(driver_id, 20, None)
    return [it for it in page if it.kind is NotificationKind.CONNECTOR_FREE]


def watch(kit: Kit, connector: ConnectorId | None = ONE, driver_id: str = WAITS) -> Watch:
    return kit.watches.make(driver_id, "CP-1", connector)


def marks(kit: Kit) -> list[int]:
    return [len(it.watchers) for it in kit.connectors.of_charger("CP-1") if it.connector in (ONE, TWO)]


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(Refusal) as error:
        call()
    return error.value.code


def test_a_driver_is_told_once_when_the_car_has_left(taken: Kit) -> None:
    made = watch(taken)
    report(taken, ConnectorStatus.FINISHING)
    assert told(taken) == []
    report(taken, ConnectorStatus.AVAILABLE)
    (notice,) = told(taken)
    assert (notice.charger_id, notice.connector, notice.session_id) == ("CP-1", ONE, "")
    assert notice.notice_id == f"{made.watch_id}-connector_free"
    assert taken.watches.of_driver(WAITS) == []
    assert marks(taken) == [0, 0]


def test_what_flaps_afterwards_is_not_told_again(taken: Kit) -> None:
    watch(taken)
    for status in (ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING, ConnectorStatus.AVAILABLE):
        report(taken, status)
    assert len(told(taken)) == 1


def test_who_waits_again_is_told_again(taken: Kit) -> None:
    for _ in range(2):
        watch(taken)
        report(taken, ConnectorStatus.AVAILABLE)
        report(taken, ConnectorStatus.CHARGING)
    assert len(told(taken)) == 2


def test_the_same_wish_is_the_same_watch(taken: Kit) -> None:
    assert watch(taken) == watch(taken)
    assert watch(taken, TWO) != watch(taken)
    assert len(taken.watches.of_driver(WAITS)) == 2
    assert marks(taken) == [1, 1]


def test_whichever_connector_is_free_first_ends_a_wish_for_any(taken: Kit) -> None:
    watch(taken, None)
    report(taken, ConnectorStatus.AVAILABLE, TWO)
    report(taken, ConnectorStatus.AVAILABLE, ONE)
    assert [it.connector for it in told(taken)] == [TWO]
    assert marks(taken) == [0, 0]


def test_all_who_wait_are_told(taken: Kit) -> None:
    watch(taken)
    watch(taken, driver_id="driver-1")
    report(taken, ConnectorStatus.AVAILABLE)
    assert len(told(taken)) == len(told(taken, "driver-1")) == 1


def test_nobody_is_told_of_a_connector_that_a_session_has_until_that_gives_it_back(kit: Kit) -> None:
    kit.drivers.put(Driver(driver_id=WAITS, email="e@example.com"))
    report(kit, ConnectorStatus.AVAILABLE)
    session = kit.app_session()
    watch(kit)
    report(kit, ConnectorStatus.AVAILABLE)
    assert told(kit) == []
    kit.lifecycle.abort(session.session_id, "States.Timeout", "")
    assert len(told(kit)) == 1


def begun(kit: Kit, session: Session) -> None:
    kit.changes.apply(session.session_id, Started(ref="1", at=NOW, meter_start_wh=0))


def test_what_an_operator_ends_by_hand_is_free(kit: Kit) -> None:
    kit.drivers.put(Driver(driver_id=WAITS, email="e@example.com"))
    report(kit, ConnectorStatus.AVAILABLE)
    session = kit.app_session()
    begun(kit, session)
    watch(kit)
    kit.hand_settlement.settle("op", session.session_id, "clerk", "gone")
    assert len(told(kit)) == 1


def test_the_sweep_tells_of_a_connector_whose_charge_ended_untold(kit: Kit) -> None:
    kit.drivers.put(Driver(driver_id=WAITS, email="e@example.com"))
    report(kit, ConnectorStatus.CHARGING)
    session = kit.app_session()
    begun(kit, session)
    watch(kit)
    kit.clock.advance(seconds=30)
    # So soon after the start it may be older than that: the connector is left alone, and looked at later.
    report(kit, ConnectorStatus.AVAILABLE)
    assert told(kit) == []
    kit.clock.advance(seconds=90)
    kit.lifecycle.sweep()
    assert len(told(kit)) == 1


def test_a_car_that_leaves_after_its_charge_frees_its_connector(kit: Kit) -> None:
    kit.drivers.put(Driver(driver_id=WAITS, email="e@example.com"))
    report(kit, ConnectorStatus.CHARGING)
    session = kit.app_session()
    begun(kit, session)
    kit.clock.advance(minutes=30)
    kit.changes.apply(session.session_id, Stopped(ref="1", at=kit.clock(), meter_stop_wh=100, reason=StopReason.LOCAL))
    watch(kit)
    report(kit, ConnectorStatus.FINISHING)
    assert told(kit) == []
    report(kit, ConnectorStatus.AVAILABLE)
    assert len(told(kit)) == 1


def reserved(kit: Kit) -> str:
    for connector in (ONE, TWO):
        report(kit, ConnectorStatus.AVAILABLE, connector)
    made, _ = kit.driver_reservations.make("driver-1", "CP-1", ONE, timedelta(0), "k")
    return made.reservation_id


def test_nobody_is_told_of_a_connector_that_is_kept_until_the_reservation_is_cancelled(taken: Kit) -> None:
    reservation_id = reserved(taken)
    watch(taken)
    report(taken, ConnectorStatus.AVAILABLE)
    assert told(taken) == []
    taken.driver_reservations.cancel("driver-1", reservation_id)
    assert len(told(taken)) == 1


def test_a_reservation_nobody_came_for_frees_its_connector(taken: Kit) -> None:
    reserved(taken)
    watch(taken)
    taken.clock.advance(minutes=20)
    taken.driver_reservations.sweep()
    assert len(told(taken)) == 1


def test_a_reservation_whose_end_was_cut_short_is_told_of_when_it_is_ended_again(
    taken: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserved(taken)
    watch(taken)
    taken.clock.advance(minutes=20)

    def dies(*_: object) -> None:
        """The whole process: what merely fails is logged, and keeps none of the others."""
        raise SystemExit

    with monkeypatch.context() as crash:
        crash.setattr(type(taken.places), "set_kept", dies)
        crash.setattr(type(taken.watches), "seen", dies)
        with pytest.raises(SystemExit):
            taken.driver_reservations.sweep()
    assert told(taken) == []
    taken.driver_reservations.sweep()
    assert len(told(taken)) == 1


def test_a_connector_of_a_charger_that_is_offline_is_free_once_it_is_back(taken: Kit) -> None:
    for connector in (ONE, TWO):
        report(taken, ConnectorStatus.AVAILABLE, connector)
    taken.sockets.closed(CONNECTION)
    watch(taken)
    assert told(taken) == []
    charger = taken.chargers.get("CP-1")
    assert charger is not None
    taken.sockets.opened(replace(CONNECTION, connection_id="c-2"), taken.clock())
    taken.charger_log.line(charger, online=True, why="")
    assert len(told(taken)) == 1


def test_what_is_free_already_is_not_waited_for(taken: Kit) -> None:
    report(taken, ConnectorStatus.AVAILABLE)
    assert refused(lambda: watch(taken)) == refused(lambda: watch(taken, None)) == "connector_free"
    assert watch(taken, TWO).connector == TWO


def test_what_becomes_free_while_a_watch_is_written_is_told(taken: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, original = type(taken.connectors), taken.connectors.watch

    def just_after_it_is_free(_: Any, charger_id: str, connectors: Any, watcher: Watcher) -> bool:
        report(taken, ConnectorStatus.AVAILABLE)
        return original(charger_id, connectors, watcher)

    monkeypatch.setattr(kind, "watch", just_after_it_is_free)
    watch(taken)
    assert len(told(taken)) == 1


@pytest.mark.parametrize(("charger_id", "connector"), [("CP-404", ONE), ("CP-404", None), ("CP-1", ConnectorId(7))])
def test_a_place_that_there_is_not_cannot_be_waited_for(
    taken: Kit, charger_id: str, connector: ConnectorId | None
) -> None:
    with pytest.raises(NotFound):
        taken.watches.make(WAITS, charger_id, connector)


def test_a_charger_that_is_not_accepted_cannot_be_waited_for(taken: Kit) -> None:
    taken.chargers.admit("CP-1", Admission.BLOCKED)
    with pytest.raises(NotFound):
        watch(taken)


def test_a_driver_waits_for_five_at_the_most(taken: Kit) -> None:
    charger = taken.chargers.get("CP-1")
    assert charger is not None
    many = tuple(map(ConnectorId, range(1, MOST_WATCHES + 2)))
    taken.chargers.put(replace(charger, connectors=many))
    for connector in many[:-1]:
        watch(taken, connector)
    assert refused(lambda: watch(taken, many[-1])) == "too_many_watches"
    # One that is over makes room, by itself or because it is given up.
    taken.watches.end(WAITS, taken.watches.of_driver(WAITS)[0].watch_id)
    assert watch(taken, many[-1]).connector == many[-1]
    taken.clock.advance(hours=13)
    assert watch(taken).connector == ONE
    assert len(taken.watches.of_driver(WAITS)) == 1


def test_twenty_wait_at_a_connector_at_the_most_and_who_is_over_makes_room(taken: Kit) -> None:
    early = Watcher("nobody", "w", NOW + timedelta(hours=1))
    for number in range(20):
        taken.connectors.watch("CP-1", [ONE], replace(early, watch_id=f"w-{number}"))
    assert refused(lambda: watch(taken)) == "too_many_wait"
    assert refused(lambda: watch(taken, None)) == "too_many_wait"
    assert (marks(taken), taken.watches.of_driver(WAITS)) == ([20, 0], [])
    taken.clock.advance(hours=2)
    assert watch(taken).connector == ONE
    assert marks(taken) == [1, 0]


def test_a_watch_is_over_after_twelve_hours(taken: Kit) -> None:
    assert watch(taken).until == NOW + WATCHED_FOR
    taken.clock.advance(hours=12)
    assert taken.watches.of_driver(WAITS) == []
    report(taken, ConnectorStatus.AVAILABLE)
    assert (told(taken), marks(taken)) == ([], [0, 0])


def test_who_gave_up_is_not_told(taken: Kit) -> None:
    made = watch(taken, None)
    taken.watches.end(WAITS, made.watch_id)
    assert marks(taken) == [0, 0]
    report(taken, ConnectorStatus.AVAILABLE)
    assert told(taken) == []
    with pytest.raises(NotFound):
        taken.watches.end(WAITS, made.watch_id)


def test_anothers_watch_is_no_watch(taken: Kit) -> None:
    made = watch(taken)
    with pytest.raises(NotFound):
        taken.watches.end("driver-1", made.watch_id)
    assert taken.watches.of_driver("driver-1") == []
    assert taken.watches.of_driver(WAITS) == [made]


@pytest.mark.parametrize(("thing", "method"), [("drivers", "change"), ("connectors", "watch_no_longer")])
def test_a_crash_between_telling_and_ending_tells_once(
    taken: Kit, monkeypatch: pytest.MonkeyPatch, thing: str, method: str
) -> None:
    watch(taken)
    with monkeypatch.context() as crash:
        crash.setattr(type(getattr(taken, thing)), method, None)
        with pytest.raises(TypeError):
            report(taken, ConnectorStatus.AVAILABLE)
    # The charger, unanswered, says it again.
    report(taken, ConnectorStatus.AVAILABLE)
    assert len(told(taken)) == 1
    assert (marks(taken), taken.watches.of_driver(WAITS)) == ([0, 0], [])


def test_a_mark_left_behind_means_nothing_and_goes(taken: Kit) -> None:
    taken.connectors.watch("CP-1", [ONE], Watcher("nobody", "w", NOW + WATCHED_FOR))
    taken.connectors.watch("CP-1", [ONE], Watcher(WAITS, "w", NOW + WATCHED_FOR))
    report(taken, ConnectorStatus.AVAILABLE)
    assert (told(taken), marks(taken)) == ([], [0, 0])


def test_a_connector_nobody_waits_for_is_not_looked_at(taken: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(taken, TWO)
    monkeypatch.setattr(type(taken.connectors), "of_charger", None)
    monkeypatch.setattr(type(taken.drivers), "get", None)
    report(taken, ConnectorStatus.AVAILABLE)
    assert told(taken) == []


def test_an_account_that_goes_waits_for_nothing(taken: Kit) -> None:
    vars(taken)["identity"] = None
    watch(taken, None)
    assert len(taken.account_deletion.export(WAITS, None).watches) == 1
    taken.watches.forget_driver(WAITS)
    assert marks(taken) == [0, 0]


def test_a_closed_account_waits_for_nothing(taken: Kit) -> None:
    taken.drivers.change(WAITS, lambda it: replace(it, blocked=True))
    assert refused(lambda: watch(taken)) == "driver_blocked"
    with pytest.raises(NotFound):
        watch(taken, driver_id="nobody")
    assert marks(taken) == [0, 0]


def test_a_row_of_before_has_no_watchers(kit: Kit) -> None:
    kit.connectors.set_status("CP-1", ConnectorState(connector=ONE, status_at=NOW))
    assert kit.connectors.of_charger("CP-1")[0].watchers == ()


def test_that_it_is_free_is_not_sent_late(taken: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    class Messenger:
        name, is_operators = "test", False

        def reaches(self, notice: Notification) -> bool:
            return True

        def send(self, notice: Notification) -> None:
            sent.append(notice.kind)

    delivery: Delivery = replace(taken.delivery, messengers=lambda: [Messenger()])
    watch(taken)
    report(taken, ConnectorStatus.AVAILABLE)
    taken.clock.advance(minutes=16)
    delivery.deliver()
    assert sent == []
    watch(taken, TWO)
    report(taken, ConnectorStatus.AVAILABLE, TWO)
    delivery.deliver()
    assert sent == ["connector_free"]
