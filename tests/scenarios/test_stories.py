"""Whole sessions over real sockets and HTTP, as drivers, cars and chargers live them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.wire import Socket
from chalicelib.services.sessions import driver_sessions
from local.client import ApiError
from local.simulator.charger import Charger
from tests.scenarios.world import PASSWORD, World, eventually

VERSIONS = ["1.6", "2.0.1"]


def charging(world: World, charger: Charger, energy_wh: int = 2_000) -> str:
    """A session begun by app, under way, whose car has drawn so much."""
    session_id: str = world.driver.begin(charger.setup.charger_id)["session_id"]
    world.do(charger.plug(1))
    world.draw(charger, energy_wh)
    world.driver.until(session_id, lambda it: it["energy_wh"] == energy_wh)
    return session_id


def finished(world: World, session_id: str) -> dict[str, Any]:
    return world.driver.until(session_id, lambda it: it["state"] in ("completed", "failed"))


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def meter_wh(charger: Charger) -> int:
    return int(charger.connectors[1].register_wh)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_driver_starts_by_app_stops_by_app_and_gets_a_receipt(world: World, version: str) -> None:
    charger = world.charger(version)
    began_wh = meter_wh(charger)
    session_id = charging(world, charger)
    live = world.driver.session(session_id)
    assert live["power_w"] > 0
    assert live["soc_percent"] >= 40
    assert live["held_minor"] == 5000
    assert world.connector(charger.setup.charger_id)["in_use"] is True
    assert world.driver.end(session_id)["state"] == "stopping"
    session = finished(world, session_id)
    receipt = world.driver.receipt(session_id)
    assert session["state"] == "completed"
    assert receipt["energy_wh"] == meter_wh(charger) - began_wh == session["energy_wh"]
    assert receipt["paid_minor"] == receipt["total_minor"] == session["cost"]["total_minor"]
    assert receipt["card"] == "visa 4242"
    assert receipt == world.driver.receipt(session_id)
    assert world.books_are_settled(session_id)
    assert world.transitions(session_id) <= 12
    assert world.connector(charger.setup.charger_id)["in_use"] is False


@pytest.mark.parametrize("version", VERSIONS)
def test_a_driver_reads_that_the_charge_began_and_ended_and_is_paid_once_each(world: World, version: str) -> None:
    charger = world.charger(version, duplicates=True)
    session_id = charging(world, charger)
    assert [it["kind"] for it in world.driver.call("GET", "/v1/me/notices")["items"]][-1:] == ["started"]
    world.driver.end(session_id)
    assert finished(world, session_id)["state"] == "completed"
    told = world.driver.call("GET", "/v1/me/notices")["items"]
    assert {it["session_id"] for it in told} == {session_id}
    assert [it["kind"] for it in reversed(told)] == ["started", "finished", "receipt_ready"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_driver_starts_and_stops_by_rfid_and_pays_like_anybody(world: World, version: str) -> None:
    charger = world.charger(version)
    card = world.issue_card()
    world.do(charger.plug(1))
    assert world.do(charger.swipe(card)) is True
    world.draw(charger)
    session_id = eventually(world.newest_session)["session_id"]
    world.driver.until(session_id, lambda it: it["energy_wh"] == 2_000)
    world.do(charger.swipe(card))
    assert finished(world, session_id)["state"] == "completed"
    assert world.driver.receipt(session_id)["paid_minor"] > 0
    assert world.books_are_settled(session_id)


def test_an_unknown_rfid_card_is_refused(world: World) -> None:
    charger = world.charger()
    world.do(charger.plug(1))
    assert world.do(charger.swipe("DEADBEEF")) is False
    assert charger.connectors[1].transaction is None


def test_a_declined_card_starts_nothing_and_says_why(world: World) -> None:
    charger = world.charger()
    poor = world.new_driver("pm_card_chargeCustomerFail")
    session_id = poor.begin(charger.setup.charger_id)["session_id"]
    session = poor.until(session_id, lambda it: it["state"] == "failed")
    assert session["reason"] == "payment_declined"
    assert "RemoteStartTransaction" not in [action for action, _ in charger.line.received]
    eventually(lambda: world.connector(charger.setup.charger_id)["in_use"] is False)
    assert charging(world, charger)


def test_a_card_declined_after_an_rfid_start_stops_the_charge(world: World) -> None:
    charger = world.charger()
    poor = world.new_driver("pm_card_chargeCustomerFail")
    world.driver = poor
    card = world.issue_card()
    world.do(charger.plug(1))
    world.do(charger.swipe(card))
    session_id = eventually(world.newest_session)["session_id"]
    session = finished(world, session_id)
    # Nothing has flowed that could be asked for.
    assert (session["state"], session["reason"]) == ("completed", "payment_declined")
    world.do(charger.until(lambda it: it.connectors[1].transaction is None))
    assert world.owed_minor(session_id) == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_charger_that_accepts_and_never_starts_costs_nothing(
    world: World, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long the charger says that it waits for a car, which it may have said by now.
    monkeypatch.setattr(driver_sessions, "_LONGEST_START", timedelta(seconds=2))
    charger = world.charger(version, never_starts=True)
    session_id = world.driver.begin(charger.setup.charger_id)["session_id"]
    session = finished(world, session_id)
    assert (session["state"], session["reason"]) == ("failed", "charger_did_not_start")
    assert world.books_are_settled(session_id)
    assert world.connector(charger.setup.charger_id)["in_use"] is False
    assert world.transitions(session_id) <= 12


@pytest.mark.parametrize("version", VERSIONS)
def test_a_charger_that_refuses_to_start_fails_the_session_at_once(world: World, version: str) -> None:
    charger = world.charger(version, rejects_remote_start=True)
    session_id = world.driver.begin(charger.setup.charger_id)["session_id"]
    assert finished(world, session_id)["reason"] == "charger_refused"
    assert world.books_are_settled(session_id)


def test_a_driver_who_cancels_before_plugging_in_is_free_at_once(world: World) -> None:
    charger = world.charger()
    session_id = world.driver.begin(charger.setup.charger_id)["session_id"]
    eventually(lambda: "RemoteStartTransaction" in [action for action, _ in charger.line.received])
    # It is decided at once, and told to have failed once the hold is given back.
    ended = world.driver.end(session_id)
    assert (ended["state"], ended["reason"]) == ("stopping", "cancelled")
    failed = finished(world, session_id)
    assert (failed["state"], failed["reason"]) == ("failed", "cancelled")
    assert world.books_are_settled(session_id)
    world.do(charger.plug(1))
    # The charger may still obey the start it was sent: its charge is refused, not billed.
    world.do(charger.until(lambda it: any(action == "StartTransaction" for action, _ in it.line.sent)))
    world.do(charger.until(lambda it: it.connectors[1].transaction is None))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_car_that_is_unplugged_ends_the_session(world: World, version: str) -> None:
    charger = world.charger(version)
    session_id = charging(world, charger)
    world.do(charger.unplug(1))
    assert finished(world, session_id)["state"] == "completed"
    assert world.books_are_settled(session_id)


@pytest.mark.parametrize("reboot", [False, True], ids=["same boot", "new BootNotification"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_that_ends_offline_is_told_and_paid_once_the_charger_is_back(
    world: World, version: str, reboot: bool
) -> None:
    charger = world.charger(version)
    began_wh = meter_wh(charger)
    session_id = charging(world, charger)
    world.at_chargers(charger.go_offline)
    world.until_online(charger.setup.charger_id, online=False)
    world.draw(charger, 400)
    world.do(charger.unplug(1))
    assert world.driver.session(session_id)["state"] == "active"
    world.at_chargers(lambda: charger.go_online(reboot=reboot))
    session = finished(world, session_id)
    assert session["state"] == "completed"
    assert session["energy_wh"] == meter_wh(charger) - began_wh == 2_400
    assert world.books_are_settled(session_id)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_that_began_and_ended_offline_is_billed_when_it_is_told(world: World, version: str) -> None:
    charger = world.charger(version)
    card = world.issue_card()
    world.at_chargers(charger.go_offline)
    world.do(charger.plug(1))
    began_wh = meter_wh(charger)
    assert world.do(charger.swipe(card)) is True
    world.draw(charger, 700)
    world.do(charger.swipe(card))
    ended_wh = meter_wh(charger)
    world.at_chargers(charger.go_online)
    session_id = eventually(world.newest_session)["session_id"]
    session = finished(world, session_id)
    assert (session["state"], session["energy_wh"]) == ("completed", ended_wh - began_wh)
    assert session["energy_wh"] == 700
    assert world.books_are_settled(session_id)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_driver_who_stops_while_the_charger_is_offline_is_stopped_when_it_is_back(world: World, version: str) -> None:
    charger = world.charger(version)
    session_id = charging(world, charger)
    world.at_chargers(charger.go_offline)
    world.until_online(charger.setup.charger_id, online=False)
    assert world.driver.end(session_id)["state"] == "stopping"
    world.at_chargers(lambda: charger.go_online(reboot=False))
    # The sweep asks again once the session has stood still for a minute, which no test waits for.
    world.do(charger.until(lambda it: it.is_online))
    world.do(charger.unplug(1))
    assert finished(world, session_id)["state"] == "completed"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_message_sent_twice_makes_one_session_and_one_payment(world: World, version: str) -> None:
    charger = world.charger(version, duplicates=True)
    session_id = charging(world, charger)
    world.driver.end(session_id)
    assert finished(world, session_id)["state"] == "completed"
    world.do(charger.until(lambda it: not it.line.outbox))
    assert [it["session_id"] for it in world.driver.call("GET", "/v1/sessions")["items"]] == [session_id]
    captures = [it for it in world.stack.stripe.events("payment_intent.succeeded") if session_id in str(it)]
    assert len(captures) == 1
    assert world.books_are_settled(session_id)


def test_the_same_idempotency_key_is_the_same_session(world: World) -> None:
    charger = world.charger(never_starts=True)
    first = world.driver.begin(charger.setup.charger_id, key="tap-1")
    again = world.driver.begin(charger.setup.charger_id, key="tap-1")
    assert first["session_id"] == again["session_id"]
    with pytest.raises(ApiError) as refused:
        world.driver.begin(charger.setup.charger_id, "2", key="tap-1")
    assert refused.value.status == 422


def test_two_drivers_at_one_connector_have_one_winner(world: World) -> None:
    charger = world.charger()
    session_id = charging(world, charger)
    with pytest.raises(ApiError) as refused:
        world.new_driver().begin(charger.setup.charger_id)
    assert (refused.value.status, refused.value.problem["type"]) == (409, "urn:kerb:problem:connector_busy")
    assert world.driver.session(session_id)["state"] == "active"


def test_a_webhook_that_comes_twice_pays_once(world: World) -> None:
    charger = world.charger()
    session_id = charging(world, charger)
    world.driver.end(session_id)
    finished(world, session_id)
    (capture,) = (it for it in world.stack.stripe.events("payment_intent.succeeded") if session_id in str(it))
    before = world.driver.receipt(session_id)
    assert world.stack.stripe.redeliver(capture["id"]) < 300
    assert world.driver.receipt(session_id) == before
    assert world.books_are_settled(session_id)


def test_a_webhook_that_comes_before_our_own_call_returns_is_believed(world: World) -> None:
    charger = world.charger()
    session_id = charging(world, charger)
    world.stack.stripe.webhooks_come_first = True
    try:
        world.driver.end(session_id)
        assert finished(world, session_id)["state"] == "completed"
    finally:
        world.stack.stripe.webhooks_come_first = False
    assert world.books_are_settled(session_id)


def test_webhooks_that_come_late_and_in_the_wrong_order_settle_all_the_same(world: World) -> None:
    charger = world.charger()
    world.stack.stripe.hold_webhooks()
    try:
        session_id = charging(world, charger)
        world.driver.end(session_id)
        world.driver.until(session_id, lambda it: it["stopped_at"] is not None)
        eventually(
            lambda: [it for it in world.stack.stripe.events("payment_intent.succeeded") if session_id in str(it)]
        )
        assert world.driver.session(session_id)["state"] == "stopping"
    finally:
        world.stack.stripe.release_webhooks(newest_first=True)
    assert finished(world, session_id)["state"] == "completed"
    assert world.books_are_settled(session_id)


def test_messages_that_arrive_in_the_wrong_order_tell_the_same_session(world: World) -> None:
    charger_id = world.register_charger()
    card = world.issue_card()
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    meter = [("Ended", 2, 9_000, 30), ("Updated", 1, 5_000, 15), ("Started", 0, 1_000, 0)]
    socket = Socket(world.stack.socket_url, charger_id, PASSWORD, "ocpp2.0.1")
    world.at_the_end(socket.close)
    for kind, seq_no, register_wh, minutes in [*meter, *meter]:
        at = stamp(began + timedelta(minutes=minutes))
        event = {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": "Authorized",
            "seqNo": seq_no,
            "offline": True,
            "transactionInfo": {"transactionId": "backwards"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": at, "sampledValue": [{"value": register_wh}]}],
            **({"idToken": {"idToken": card, "type": "ISO14443"}} if kind == "Started" else {}),
        }
        socket.call("TransactionEvent", event)
    session_id = eventually(world.newest_session)["session_id"]
    session = finished(world, session_id)
    assert (session["state"], session["energy_wh"]) == ("completed", 8_000)
    assert (session["started_at"], session["stopped_at"]) == (stamp(began), stamp(began + timedelta(minutes=30)))
    assert len(world.driver.call("GET", "/v1/sessions")["items"]) == 1
    assert world.books_are_settled(session_id)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_driver_who_wants_only_so_much_gets_that_and_pays_for_it(world: World, version: str) -> None:
    charger = world.charger(version)
    body = {"charger_id": charger.setup.charger_id, "connector": "1", "limits": {"energy_wh": 1000}}
    session_id = world.driver.call("POST", "/v1/sessions", body)["session_id"]
    world.do(charger.plug())
    world.draw(charger, 1000)
    session = world.driver.until(session_id, lambda it: it["state"] == "completed")
    assert session["reason"] == "limit_reached"
    assert session["limits"]["energy_wh"] == 1000
    assert session["energy_wh"] == 1000
    assert world.books_are_settled(session_id)
