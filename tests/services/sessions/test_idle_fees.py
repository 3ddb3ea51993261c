"""Time charging is paid as such, standing as such once its grace is over, and a bill waits for its car to leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.money.ledger import balances
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.services.notifications.outbox import Notifications
from chalicelib.services.sessions.lifecycle import NeedsReview
from chalicelib.services.sessions.overstays import PlugUnknown
from tests.services.charging.test_quirks import CARD201, Talk, event, told
from tests.services.charging.test_which_connector import card_session, status
from tests.services.conftest import TARIFF, Kit

MINUTE = 60
DEAR = replace(
    TARIFF,
    elements=simple_elements(per_kwh=Decimal("0.40"), per_minute=Decimal("0.05"), idle_per_minute=Decimal("0.10")),
    idle_grace_s=300,
)


@pytest.fixture
def kit(kit: Kit) -> Kit:
    kit.tariffs.put(DEAR)
    return kit


@pytest.fixture
def talk(kit: Kit) -> Talk:
    return Talk(kit, "ocpp1.6")


@pytest.fixture
def talk201(kit: Kit) -> Talk:
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.chargers.put(replace(charger, protocol="ocpp2.0.1"))
    return Talk(kit, "ocpp2.0.1")


def settle(kit: Kit, session: Session) -> dict[str, int]:
    """The lines of its bill, in Wh, and in minutes for times."""
    kit.lifecycle.settle(session.session_id, "token-payment")
    bill = kit.session(session.session_id).bill
    assert bill is not None
    assert sum(balances(kit.ledger.of_session(session.session_id)).values()) == 0
    timed = ("time", "parking_time")
    return {it.dimension: it.quantity // MINUTE if it.dimension in timed else it.quantity for it in bill.lines}


def read(talk: Talk, ref: int, energy_wh: int) -> None:
    talk.read(energy_wh, transactionId=ref)


def after(talk: Talk, minutes: float) -> None:
    talk.kit.clock.advance(minutes=minutes)


# Time charging


def test_a_car_that_waits_for_its_own_timer_pays_for_standing_and_not_for_charging(talk: Talk) -> None:
    ref = talk.start()
    status(talk, "SuspendedEV")
    after(talk, 240)
    status(talk, "Charging")
    after(talk, 60)
    talk.stop(ref, 12_000, reason="EVDisconnected")
    assert settle(talk.kit, card_session(talk.kit, ref)) == {"energy": 11_000, "time": 60, "parking_time": 240}


def test_registers_tell_of_waiting_where_no_state_does(talk: Talk) -> None:
    ref = talk.start()
    for _ in range(8):
        after(talk, 30)
        read(talk, ref, 1000)
    for wh in range(2000, 12_001, 2000):
        after(talk, 10)
        read(talk, ref, wh)
    talk.stop(ref, 12_000, reason="EVDisconnected")
    assert settle(talk.kit, card_session(talk.kit, ref)) == {"energy": 11_000, "time": 60, "parking_time": 240}


def test_what_the_charger_withholds_costs_neither(talk: Talk) -> None:
    ref = talk.start()
    status(talk, "Charging")
    after(talk, 60)
    status(talk, "SuspendedEVSE")
    after(talk, 120)
    status(talk, "Charging")
    after(talk, 30)
    talk.stop(ref, 9000, reason="EVDisconnected")
    assert settle(talk.kit, card_session(talk.kit, ref)) == {"energy": 8000, "time": 90}


def test_states_count_from_when_the_charger_says_not_from_when_they_are_heard(talk: Talk) -> None:
    """Offline: everything is told in the end, the status before the readings that are older."""
    began_at = talk.kit.clock.now
    after(talk, 240)
    ref = talk.start(timestamp=told(began_at))
    for minutes, word in ((0, "Charging"), (60, "SuspendedEV")):
        status(talk, word, timestamp=told(began_at + timedelta(minutes=minutes)))
    talk.stop(ref, 12_000, reason="EVDisconnected")
    assert settle(talk.kit, card_session(talk.kit, ref)) == {"energy": 11_000, "time": 60, "parking_time": 180}


def test_a_state_that_is_told_after_a_newer_one_is_heard_all_the_same(talk: Talk) -> None:
    began_at = talk.kit.clock.now
    ref = talk.start()
    after(talk, 180)
    for minutes, word in ((120, "Charging"), (30, "SuspendedEV")):
        status(talk, word, timestamp=told(began_at + timedelta(minutes=minutes)))
    talk.stop(ref, 12_000, reason="EVDisconnected")
    lines = settle(talk.kit, card_session(talk.kit, ref))
    assert lines == {"energy": 11_000, "time": 90, "parking_time": 90}


@pytest.mark.parametrize("creep_wh", [1, 10])
def test_creep_does_not_wipe_out_three_hours_of_standing(talk: Talk, creep_wh: int) -> None:
    ref = talk.start()
    for wh in (4000, 8000, 12_000):
        after(talk, 20)
        read(talk, ref, wh)
    for _ in range(11):
        after(talk, 15)
        read(talk, ref, 12_000)
    after(talk, 15)
    talk.stop(ref, 12_000 + creep_wh, reason="EVDisconnected")
    lines = settle(talk.kit, card_session(talk.kit, ref))
    assert (lines["time"], lines["parking_time"]) == (60, 180)


def test_energy_that_flowed_is_charging_whatever_was_told(talk: Talk) -> None:
    ref = talk.start()
    status(talk, "SuspendedEV")
    for wh in (1000, 5000, 9000):
        after(talk, 20)
        read(talk, ref, wh)
    talk.stop(ref, 9000, reason="EVDisconnected")
    lines = settle(talk.kit, card_session(talk.kit, ref))
    assert (lines["time"], lines["parking_time"]) == (40, 20)


def test_201_tells_its_states_in_its_transaction_also_what_it_queued(talk201: Talk) -> None:
    kit = talk201.kit
    begun = kit.clock.now
    first = [{"timestamp": told(begun), "sampledValue": [{"value": 0, "context": "Transaction.Begin"}]}]
    event(talk201, "Started", 0, idToken=CARD201, meterValue=first, transactionInfo=info("Charging"))
    kit.clock.advance(minutes=180)
    for seq_no, (minutes, word) in enumerate(((60, "SuspendedEV"), (150, "Charging")), 1):
        at = told(begun + timedelta(minutes=minutes))
        event(talk201, "Updated", seq_no, timestamp=at, offline=True, transactionInfo=info(word))
    last = [{"timestamp": told(kit.clock.now), "sampledValue": [{"value": 11_000, "context": "Transaction.End"}]}]
    ended = {"transactionId": "tx-1", "stoppedReason": "EVDisconnected"}
    event(talk201, "Ended", 3, meterValue=last, transactionInfo=ended)
    lines = settle(kit, card_session(kit, "tx-1"))
    assert lines == {"energy": 11_000, "time": 90, "parking_time": 90}


def info(state: str) -> dict[str, Any]:
    return {"transactionId": "tx-1", "chargingState": state}


# Standing


@pytest.mark.parametrize(("minutes", "billed"), [(4, {}), (6, {"parking_time": 6})])
def test_a_short_stand_is_free_and_a_longer_one_is_paid_from_its_beginning(
    talk: Talk, minutes: int, billed: dict[str, int]
) -> None:
    ref = talk.start()
    status(talk, "Charging")
    after(talk, 60)
    status(talk, "SuspendedEV")
    after(talk, minutes)
    talk.stop(ref, 12_000, reason="EVDisconnected")
    assert settle(talk.kit, card_session(talk.kit, ref)) == {"energy": 11_000, "time": 60, **billed}


@pytest.mark.parametrize("word", ["SuspendedEV", None])
def test_who_takes_nothing_pays_for_the_time_and_for_nothing_else(talk: Talk, word: str | None) -> None:
    prices = simple_elements(once=Decimal(1), per_minute=Decimal("0.05"), idle_per_minute=Decimal("0.10"))
    talk.kit.tariffs.put(replace(DEAR, elements=prices))
    ref = talk.start()
    if word is not None:
        status(talk, word)
    after(talk, 180)
    talk.stop(ref, 1000, reason="EVDisconnected")
    assert settle(talk.kit, card_session(talk.kit, ref)) == {"parking_time": 180}


@pytest.mark.parametrize(
    ("word", "reason"), [("SuspendedEVSE", "EVDisconnected"), ("Faulted", "EVDisconnected"), ("Charging", "PowerLoss")]
)
def test_who_is_given_nothing_pays_nothing(talk: Talk, word: str, reason: str) -> None:
    ref = talk.start()
    status(talk, word)
    after(talk, 180)
    talk.stop(ref, 1000, reason=reason)
    talk.kit.clock.advance(seconds=6)
    assert settle(talk.kit, card_session(talk.kit, ref)) == {}


# Overstay


def charged(talk: Talk, *, is_first: bool = False, **more: Any) -> Session:
    ref = talk.start()
    status(talk, "Charging")
    after(talk, 60)
    if is_first:
        status(talk, "Finishing")
    talk.stop(ref, 12_000, **more)
    if not is_first:
        status(talk, "Finishing")
    return card_session(talk.kit, ref)


CHARGED = {"energy": 11_000, "time": 60}


@pytest.mark.parametrize("is_first", [True, False])
def test_a_bill_waits_for_its_car_to_leave_and_its_driver_is_warned(talk: Talk, *, is_first: bool) -> None:
    kit, session = talk.kit, charged(talk, is_first=is_first)
    with pytest.raises(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    kit.lifecycle.await_review(session.session_id, "token-review")
    assert "token-review" not in kit.workflow.succeeded
    assert "idle_fee_begins" in [it.kind for it in kit.notifications.page("driver-1", 10, None)[0]]
    after(talk, 90)
    seen = kit.driver_sessions.watch("driver-1", session.session_id)
    assert seen.idling is not None
    assert (seen.idling.since, seen.idling.cost_minor) == (kit.session(session.session_id).stopped_at, 900)
    assert (seen.idling.price_per_minute, seen.cost.total_minor) == (Decimal("0.10"), 440 + 300 + 900)
    after(talk, 90)
    status(talk, "Available")
    assert "token-review" in kit.workflow.succeeded
    assert settle(kit, session) == {**CHARGED, "parking_time": 180}


def test_a_connector_that_is_free_without_a_time_is_not_free_since_its_last_status_had_one(talk: Talk) -> None:
    """Its charger dates that the car stands there, and not that it left; the bill looks only after both."""
    kit, ref = talk.kit, talk.start()
    after(talk, 60)
    talk.stop(ref, 12_000)
    status(talk, "Finishing", timestamp=told(kit.clock.now))
    session = card_session(kit, ref)
    after(talk, 180)
    status(talk, "Available")
    kit.sessions.save(kit.session(session.session_id), replace(kit.session(session.session_id), unplugged_at=None))
    kit.connectors.claim("CP-1", session.connector, session.session_id)
    assert settle(kit, session) == {**CHARGED, "parking_time": 180}


def test_a_car_that_leaves_within_the_grace_pays_nothing_for_it(talk: Talk) -> None:
    session = charged(talk)
    after(talk, 4)
    status(talk, "Available")
    assert settle(talk.kit, session) == CHARGED


def test_a_car_that_leaves_at_the_very_moment_its_bill_begins_to_wait_is_billed(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its leaving is heard after the bill has looked, and before that waits: nobody would look again for hours."""
    kit, session = talk.kit, charged(talk)
    after(talk, 30)
    tell = Notifications.tell

    def tell_and_leave(self: Notifications, about: Session, kind: NotificationKind, number: int = 0) -> None:
        monkeypatch.undo()
        tell(self, about, kind, number)
        status(talk, "Available")

    monkeypatch.setattr(Notifications, "tell", tell_and_leave)
    assert settle(kit, session) == {**CHARGED, "parking_time": 30}


def test_a_bill_waits_twelve_hours_at_most(talk: Talk) -> None:
    kit, session = talk.kit, charged(talk)
    cheap = simple_elements(per_kwh=Decimal("0.40"), idle_per_minute=Decimal("0.01"))
    session = changed(kit, session, tariff=replace(DEAR, elements=cheap))
    with pytest.raises(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    kit.lifecycle.await_review(session.session_id, "token-review")
    after(talk, 11 * 60)
    kit.lifecycle.sweep()
    assert "token-review" not in kit.workflow.succeeded
    after(talk, 180)
    kit.lifecycle.sweep()
    assert "token-review" in kit.workflow.succeeded
    assert settle(kit, session) == {"energy": 11_000, "parking_time": 12 * 60}


def test_a_stand_costs_no_more_than_is_held(talk: Talk) -> None:
    kit, session = talk.kit, charged(talk)
    session = kit.funds.set_aside(session)
    assert session.held_minor == 5000
    with pytest.raises(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    after(talk, 14 * 60)
    lines = settle(kit, session)
    bill = kit.session(session.session_id).bill
    assert bill is not None
    assert bill.total_minor == 5000
    assert lines["parking_time"] == (5000 - 440 - 300) // 10


def test_a_charger_that_says_nothing_of_its_plug_is_waited_for_seconds(talk: Talk) -> None:
    kit = talk.kit
    ref = talk.start()
    status(talk, "Charging")
    after(talk, 60)
    talk.stop(ref, 12_000)
    session = card_session(kit, ref)
    with pytest.raises(PlugUnknown):
        kit.lifecycle.settle(session.session_id, "token-payment")
    kit.clock.advance(seconds=6)
    assert settle(kit, session) == CHARGED


def test_a_car_that_was_gone_when_its_charge_was_heard_of_pays_for_no_stand(talk: Talk) -> None:
    """The charger was offline for hours: what it says first is that the connector is free; since when, nobody knows."""
    kit, began_at = talk.kit, talk.kit.clock.now
    after(talk, 600)
    status(talk, "Available")
    kit.clock.advance(seconds=1)
    ref = talk.start(timestamp=told(began_at))
    talk.stop(ref, 12_000, timestamp=told(began_at + timedelta(minutes=60)))
    kit.clock.advance(seconds=6)
    assert settle(kit, card_session(kit, ref)) == CHARGED


def test_a_stand_that_nobody_could_see_ends_where_the_line_broke(talk: Talk) -> None:
    kit, session = talk.kit, charged(talk)
    with pytest.raises(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    after(talk, 20)
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.charger_log.line(charger, online=False, why="")
    gone = replace(charger, connection_id=None, disconnected_at=kit.clock.now)
    after(talk, 300)
    kit.charger_log.line(gone, online=True, why="")
    status(talk, "Available")
    assert settle(kit, session) == {**CHARGED, "parking_time": 20}


@pytest.mark.parametrize("word", ["Faulted", "Unavailable"])
def test_a_stand_at_a_plug_that_broke_down_ends_where_it_did(talk: Talk, word: str) -> None:
    """Its lock may hold the cable: whoever cannot leave does not stand there by their own doing."""
    kit, session = talk.kit, charged(talk)
    with pytest.raises(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    after(talk, 20)
    status(talk, word)
    after(talk, 180)
    status(talk, "Available")
    assert settle(kit, session) == {**CHARGED, "parking_time": 20}


def test_a_stand_that_the_charger_dates_itself_is_believed(talk: Talk) -> None:
    kit, session = talk.kit, charged(talk)
    left_at = kit.clock.now + timedelta(minutes=50)
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.charger_log.line(charger, online=False, why="")
    gone = replace(charger, connection_id=None, disconnected_at=kit.clock.now)
    after(talk, 300)
    kit.charger_log.line(gone, online=True, why="")
    status(talk, "Available", timestamp=told(left_at))
    assert settle(kit, session) == {**CHARGED, "parking_time": 50}


def test_201_repeats_no_status_so_a_plug_stays_occupied_until_it_is_free(talk201: Talk) -> None:
    kit = talk201.kit
    taken(talk201, "Occupied")
    first = [{"timestamp": told(kit.clock.now), "sampledValue": [{"value": 0, "context": "Transaction.Begin"}]}]
    event(talk201, "Started", 0, idToken=CARD201, meterValue=first, transactionInfo=info("Charging"))
    kit.clock.advance(minutes=60)
    last = [{"timestamp": told(kit.clock.now), "sampledValue": [{"value": 11_000, "context": "Transaction.End"}]}]
    event(talk201, "Ended", 1, meterValue=last, transactionInfo={"transactionId": "tx-1", "stoppedReason": "Local"})
    session = card_session(kit, "tx-1")
    with pytest.raises(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    kit.clock.advance(minutes=45)
    taken(talk201, "Available")
    assert settle(kit, session) == {**CHARGED, "parking_time": 45}


def taken(talk: Talk, word: str) -> None:
    at = told(talk.kit.clock.now)
    talk.say("StatusNotification", {"timestamp": at, "connectorStatus": word, "evseId": 1, "connectorId": 1})


def test_a_tariff_that_lets_cars_stand_waits_for_none(talk: Talk) -> None:
    session = charged(talk)
    session = changed(talk.kit, session, tariff=TARIFF)
    assert settle(talk.kit, session) == {"energy": 11_000}


def test_what_is_settled_by_hand_waits_for_no_car(talk: Talk) -> None:
    ref = talk.start()
    status(talk, "Charging")
    after(talk, 60)
    read(talk, ref, 12_000)
    session = card_session(talk.kit, ref)
    talk.kit.hand_settlement.settle("op", session.session_id, "clerk", "lost")
    assert settle(talk.kit, session) == CHARGED
    assert talk.kit.session(session.session_id).state is State.STOPPING


def test_a_bill_that_waits_for_its_car_is_let_go_by_hand(talk: Talk) -> None:
    kit, session = talk.kit, charged(talk)
    with pytest.raises(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    kit.lifecycle.await_review(session.session_id, "token-review")
    after(talk, 60)
    kit.hand_settlement.settle("op", session.session_id, "clerk", "the cable is stuck")
    assert "token-review" in kit.workflow.succeeded
    assert settle(kit, session) == CHARGED


def changed(kit: Kit, session: Session, **more: Any) -> Session:
    after_ = replace(session, **more)
    kit.sessions.save(session, after_)
    return after_
