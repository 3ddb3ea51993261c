"""Two processes at once, a crash between two writes, news out of order: nobody pays twice, nor for nothing."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from chalicelib.adapters.discovery.travel import GreatCircle
from chalicelib.domain.chargers.commands import CommandResult, StopCharging, Verdict
from chalicelib.domain.chargers.events import ChargingStarted, ConnectorId, Reading, ReadingsTaken
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Hold, Reason, State
from chalicelib.domain.charging.transitions import HoldPlaced, StopRequested
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.ports.drivers import Identity
from chalicelib.ports.money import Payments
from chalicelib.records.chargers import Admission, Charger, Connection, Gone, Plug, Purpose, SentCall
from chalicelib.records.charging import Transaction
from chalicelib.records.discovery import Place
from chalicelib.records.drivers import Driver
from chalicelib.records.money import PaymentsUnavailable
from chalicelib.services.access import Refusal
from chalicelib.services.chargers.connections import ChargerCredentials
from chalicelib.services.discovery import Search, Wish
from chalicelib.services.drivers.accounts import Accounts
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.services.charging.test_quirks import CARD201, Talk, event, meter, told
from tests.services.charging.test_transactions import CARD_SESSION, REF, STARTED, STOPPED, receive
from tests.services.conftest import CARD, CONNECTION, NOW, Kit
from tests.services.sessions.test_lifecycle import Run


@pytest.fixture
def run(kit: Kit) -> Run:
    return Run(kit)


@pytest.fixture
def talk(kit: Kit) -> Talk:
    return Talk(kit, "ocpp1.6")


@pytest.fixture
def talk201(kit: Kit) -> Talk:
    return Talk(kit, "ocpp2.0.1")


def test_a_charge_that_a_card_has_claimed_is_not_billed_to_an_app_session_too(kit: Kit) -> None:
    app = kit.app_session()
    receive(kit, STARTED)
    call = SentCall(
        charger_id="CP-1",
        message_id="m-1",
        action="RequestStartTransaction",
        purpose=Purpose.START,
        sent_at=NOW,
        due_at=NOW,
        subject=app.session_id,
    )
    kit.router.answered(call, CommandResult(verdict=Verdict.ACCEPTED, ref=REF))
    receive(kit, STOPPED)
    assert kit.session(CARD_SESSION).state is State.STOPPING
    session = kit.session(app.session_id)
    assert (session.state, session.ref) == (State.FAILED, None)


def test_a_charge_whose_start_was_lost_is_billed_to_the_card_shown_later(talk201: Talk) -> None:
    kit = talk201.kit
    event(talk201, "Updated", 1, idToken=CARD201, meterValue=meter(1000))
    event(talk201, "Ended", 2, meterValue=meter(3000, context="Transaction.End"))
    kit.clock.advance(minutes=20)
    assert kit.unclaimed.sweep() == 1
    session = talk201.the_session()
    assert (session.driver_id, session.state) == ("driver-1", State.STOPPING)
    assert talk201.measured().energy_wh == 2000


def test_a_crash_while_a_charge_nobody_claimed_is_taken_up_does_not_lose_it(
    talk201: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = talk201.kit
    event(talk201, "Ended", 2, meterValue=meter(3000, context="Transaction.End"))
    kit.clock.advance(minutes=20)

    def crash(*_: object) -> bool:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patched:
        patched.setattr(kit.sessions, "add", crash)
        with contextlib.suppress(RuntimeError):
            kit.unclaimed.sweep()
    kit.unclaimed.sweep()
    assert talk201.the_session().state is State.STOPPING


def test_one_charge_that_cannot_be_taken_up_does_not_keep_the_others(
    talk201: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = talk201.kit
    event(talk201, "Ended", 2, ref="tx-1", meterValue=meter(3000, context="Transaction.End"))
    kit.clock.advance(seconds=1)
    event(talk201, "Ended", 2, ref="tx-2", meterValue=meter(3000, context="Transaction.End"))
    kit.clock.advance(minutes=20)
    original = kit.unclaimed._adopt

    def adopt(self: object, facts: Transaction) -> Any:
        if facts.ref == "tx-1":
            raise LookupError("its site has no tariff")
        return original(facts)

    monkeypatch.setattr(type(kit.unclaimed), "_adopt", adopt)
    assert kit.unclaimed.sweep() == 1


def test_a_crash_as_a_card_session_is_made_leaves_nothing_for_the_sweep_to_give_up(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patched:
        patched.setattr(kit.connectors, "claim", crash)
        with pytest.raises(RuntimeError):
            receive(kit, STARTED)
    kit.clock.advance(minutes=10)
    kit.lifecycle.sweep()
    receive(kit, STARTED, STOPPED)
    assert kit.session(CARD_SESSION).state is State.STOPPING


def test_an_end_unknown_told_by_a_clock_in_the_future_bills_only_what_passed(talk: Talk) -> None:
    kit = talk.kit
    ahead = timedelta(days=400)
    ref = talk.start(timestamp=told(NOW + ahead))
    for minutes in (10, 20):
        at = told(NOW + ahead + timedelta(minutes=minutes))
        samples = [{"timestamp": at, "sampledValue": [{"value": str(1000 + 100 * minutes)}]}]
        talk.say("MeterValues", {"connectorId": 1, "transactionId": ref, "meterValue": samples})
    kit.clock.advance(minutes=20)
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    kit.clock.advance(minutes=11)
    kit.lifecycle.sweep()
    session = talk.the_session()
    assert session.started_at == NOW
    assert session.stopped_at is not None
    assert session.stopped_at - NOW <= timedelta(minutes=20)


def test_a_clock_in_the_wrong_zone_does_not_use_up_a_drivers_time(kit: Kit) -> None:
    session = kit.app_session()
    kit.sessions.save(session, replace(session, limits=Limits(duration_s=3600)))
    ahead = timedelta(hours=2)
    begun = ChargingStarted(connector=ConnectorId(1), at=NOW + ahead, token=session.token, meter_start_wh=1000, ref=REF)
    kit.router.route(CONNECTION, begun, lambda *_: REF)
    kit.clock.advance(minutes=5)
    reading = Reading(at=NOW + ahead + timedelta(minutes=5), energy_wh=1500)
    kit.router.route(CONNECTION, ReadingsTaken(ref=REF, connector=ConnectorId(1), readings=(reading,)), lambda *_: REF)
    assert kit.session(session.session_id).state is State.ACTIVE
    kit.clock.advance(minutes=55)
    reading = Reading(at=NOW + ahead + timedelta(minutes=60), energy_wh=2500)
    kit.router.route(CONNECTION, ReadingsTaken(ref=REF, connector=ConnectorId(1), readings=(reading,)), lambda *_: REF)
    assert kit.session(session.session_id).reason is Reason.LIMIT_REACHED


def test_a_meters_whole_life_is_not_a_drivers_limit(kit: Kit) -> None:
    session = kit.app_session()
    kit.sessions.save(session, replace(session, limits=Limits(energy_wh=5000)))
    kit.clock.advance(hours=9)
    begun = ChargingStarted(connector=ConnectorId(1), at=NOW, token=session.token, meter_start_wh=None, ref=REF)
    kit.router.route(CONNECTION, begun, lambda *_: REF)
    for minutes, energy_wh, state in (
        (1, 812_000, State.ACTIVE),
        (9, 816_999, State.ACTIVE),
        (10, 817_000, State.STOPPING),
    ):
        reading = Reading(at=NOW + timedelta(minutes=minutes), energy_wh=energy_wh)
        kit.router.route(
            CONNECTION, ReadingsTaken(ref=REF, connector=ConnectorId(1), readings=(reading,)), lambda *_: REF
        )
        assert kit.session(session.session_id).state is state


def test_a_charge_that_follows_at_once_has_the_connector_its_forerunner_left(talk: Talk) -> None:
    first = talk.start()
    talk.kit.clock.advance(hours=1)
    talk.stop(first)
    talk.kit.clock.advance(seconds=1)
    second = talk.start(meterStart=3000)
    session_id = session_id_for("transaction", "CP-1", str(second))
    assert talk.kit.connectors.of_charger("CP-1")[0].session_id == session_id
    talk.kit.clock.advance(hours=1)
    talk.stop(0, 5000)
    assert talk.kit.session(session_id).state is State.STOPPING


def test_a_charge_that_ended_while_no_hold_could_be_placed_is_still_billed(run: Run) -> None:
    run.charged()
    assert run.steps.abort(run.session_id, "PaymentsUnavailable", "")["over"] is False
    run.steps.settle(run.session_id, "token-payment")
    assert run.money.charged == {f"pi_{run.session_id}-rest-0": 450}


def test_a_session_that_is_paid_does_not_fail_any_more(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.charged()
    run.steps.settle(run.session_id, "token-payment")
    run.webhook("captured", 450)
    assert run.steps.abort(run.session_id, "Lambda.Unknown", "")["over"] is False
    run.steps.issue_receipt(run.session_id)
    assert run.session.state is State.COMPLETED


def test_one_session_that_cannot_be_taken_up_does_not_keep_the_others(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    session = run.session
    ids = ["K" + letter * 19 for letter in "BCDEFGHIJ"]
    for session_id in ids:
        run.kit.sessions.add(replace(session, session_id=session_id, hold=None))

    def void(*_: object) -> None:
        raise PaymentsUnavailable("Stripe is down")

    monkeypatch.setattr(run.money, "void", void)
    run.kit.clock.advance(minutes=10)
    run.steps.sweep()
    assert {run.kit.session(it).state for it in ids} == {State.FAILED}


def test_a_charge_under_a_name_used_twice_is_stopped_by_the_name_its_charger_knows(talk201: Talk) -> None:
    kit = talk201.kit
    event(talk201, "Started", 0, idToken=CARD201, meterValue=meter(1000, context="Transaction.Begin"))
    event(talk201, "Ended", 1, meterValue=meter(2000, context="Transaction.End"))
    kit.clock.advance(hours=1)
    event(talk201, "Started", 0, idToken=CARD201, meterValue=meter(2000, context="Transaction.Begin"))
    running = [it for it in kit.sessions.of_operator("op", 10, None, flagged=False)[0] if it.state is State.ACTIVE]
    steps = kit.lifecycle
    steps.stop_charging(running[0].session_id, "token-stop")
    assert '"transactionId":"tx-1"' in kit.link.sent[-1].replace(" ", "")


def test_a_hold_found_after_a_free_charge_is_given_back(run: Run) -> None:
    run.charged(energy_wh=0)
    run.steps.settle(run.session_id, "token-payment")
    run.steps.issue_receipt(run.session_id)
    assert run.session.hold is None
    run.webhook("held", 5000)
    assert run.money.voided == [f"pi_{run.session_id}"]


def test_a_hold_written_down_after_all_was_given_up_is_given_back(run: Run) -> None:
    run.steps.abort(run.session_id, "States.Timeout", "")
    run.kit.changes.apply(run.session_id, HoldPlaced(Hold(f"pi_{run.session_id}", 5000)))
    run.webhook("held", 5000)
    assert run.money.voided == [f"pi_{run.session_id}"]


def test_of_two_holds_told_at_once_one_is_given_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    append = run.kit.ledger.append

    def meanwhile(transfers: Any) -> None:
        append(transfers)
        run.kit.changes.apply(run.session_id, HoldPlaced(Hold("pi_first", 5000)))

    monkeypatch.setattr(run.kit.ledger, "append", meanwhile)
    run.webhook("held", 5000)
    assert run.money.voided == [f"pi_{run.session_id}"]


def test_a_charger_that_is_put_as_blocked_loses_its_socket(kit: Kit) -> None:
    blocked = Charger(
        charger_id="CP-1",
        operator_id="op",
        site_id="harbour",
        password_hash="",
        connectors=(ConnectorId(1),),
        admission=Admission.BLOCKED,
    )
    kit.registry.put_charger(blocked, None)
    assert kit.link.closed == [CONNECTION.connection_id]


def test_changing_a_charger_does_not_bring_back_the_password_it_has_just_changed(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.charger_passwords.offer("CP-1", "new")
    get = kit.chargers.get

    def get_then_change(charger_id: str) -> Charger | None:
        monkeypatch.setattr(kit.chargers, "get", get)
        known = get(charger_id)
        kit.charger_passwords.change("CP-1", "new")
        return known

    monkeypatch.setattr(kit.chargers, "get", get_then_change)
    kit.registry.put_charger(
        Charger(charger_id="CP-1", operator_id="op", site_id="harbour", password_hash="", connectors=(ConnectorId(1),)),
        None,
    )
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    assert charger.password_hash == "new"


def test_one_key_used_at_once_for_two_connectors_begins_one_session(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    service = kit.driver_sessions
    service.begin("driver-1", Wanted("CP-1", ConnectorId(1)), "key")
    get = kit.sessions.get

    def not_yet(session_id: str) -> None:
        monkeypatch.setattr(kit.sessions, "get", get)

    monkeypatch.setattr(kit.sessions, "get", not_yet)
    with pytest.raises(Refusal):
        service.begin("driver-1", Wanted("CP-1", ConnectorId(2)), "key")
    assert kit.connectors.of_charger("CP-1")[1].session_id is None


def test_a_charger_that_has_just_come_back_is_reached_on_its_new_socket(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(connection_id: str, frame: str) -> None:
        if connection_id == CONNECTION.connection_id:
            kit.sockets.opened(replace(CONNECTION, connection_id="c-2"), NOW + timedelta(seconds=1))
            raise Gone(connection_id)
        kit.link.sent.append(frame)

    monkeypatch.setattr(kit.link, "send", send)
    kit.commands.send("CP-1", StopCharging("7"), Purpose.STOP)
    assert len(kit.link.sent) == 1


def test_a_charge_without_a_number_cannot_be_told_to_stop_and_is_waited_for(talk: Talk) -> None:
    # Under a placeholder an idle connector makes no session; one where a car charges does.
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
    talk.read(1000, transactionId=0)
    talk.kit.clock.advance(minutes=20)
    talk.kit.unclaimed.sweep()
    session = talk.the_session()
    talk.kit.changes.apply(session.session_id, StopRequested(talk.kit.clock()))
    talk.kit.lifecycle.stop_charging(session.session_id, "token-stop")


def test_a_start_never_seen_was_not_in_1970(talk: Talk) -> None:
    record = [
        {"timestamp": "1970-01-01T00:01:00Z", "sampledValue": [{"value": "5000", "context": "Transaction.Begin"}]},
        {"timestamp": "1970-01-01T00:31:00Z", "sampledValue": [{"value": "9000"}]},
    ]
    talk.kit.clock.advance(hours=1)
    talk.stop(4711, 12_000, idTag=CARD, timestamp="1970-01-01T01:01:00Z", transactionData=record)
    talk.kit.clock.advance(hours=1)
    talk.kit.unclaimed.sweep()
    session = talk.measured()
    assert (session.started_at, session.stopped_at) == (NOW, NOW + timedelta(hours=1))
    assert set(session.flags) == {Flag.START_UNKNOWN, Flag.CLOCK_WRONG}


def test_a_start_never_seen_of_a_charge_that_goes_on_was_not_in_1970(talk: Talk) -> None:
    samples = [{"timestamp": "1970-01-01T00:01:00Z", "sampledValue": [{"value": "5000"}]}]
    talk.say("MeterValues", {"connectorId": 1, "transactionId": 4711, "meterValue": samples})
    talk.kit.clock.advance(hours=1)
    talk.kit.unclaimed.sweep()
    session = talk.the_session()
    assert (session.started_at, set(session.flags)) == (NOW, {Flag.START_UNKNOWN, Flag.CLOCK_WRONG})


def test_two_charges_alike_by_a_clock_that_stands_still_are_two(talk: Talk) -> None:
    still = "1970-01-01T00:00:00Z"
    refs = []
    for _ in range(2):
        refs.append(talk.start(timestamp=still, meterStart=0))
        assert talk.start(timestamp=still, meterStart=0) == refs[-1]
        talk.kit.clock.advance(hours=1)
        talk.stop(refs[-1], 5000, timestamp=still)
        talk.kit.clock.advance(hours=1)
    sessions, _ = talk.kit.sessions.of_operator("op", 10, None, flagged=False)
    assert [it.state for it in sessions] == [State.STOPPING, State.STOPPING]


def test_a_history_that_cannot_be_written_does_not_hide_that_a_car_has_left(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.start()
    talk.kit.clock.advance(minutes=10)

    def crash(*_: object) -> None:
        raise RuntimeError("throttled")

    monkeypatch.setattr(talk.kit.history, "add", crash)
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    assert talk.the_session().state is State.STOPPING


def test_a_charger_that_comes_back_as_its_old_socket_is_let_go_is_found(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.show_on_map(
        Charger(
            charger_id="CP-1",
            operator_id="op",
            site_id="harbour",
            password_hash="",
            connectors=(ConnectorId(1),),
            security_profile=0,
        )
    )
    door = kit.connections
    closed = kit.sockets.closed

    def closed_then_back(connection: Connection) -> Charger | None:
        charger = closed(connection)
        door.open("c-2", "CP-1", ChargerCredentials(), ["ocpp1.6"], NOW + timedelta(seconds=1))
        return charger

    monkeypatch.setattr(type(kit.sockets), "closed", lambda _, connection: closed_then_back(connection))
    door.close(CONNECTION.connection_id)
    (found,) = [it for _, it in kit.places.near(GeoPoint(53.5, 9.9), 0, 1000)]
    assert found.online


def test_a_card_saved_while_its_account_is_written_again_is_kept(kit: Kit) -> None:
    class Slow:
        def create_customer(self, driver_id: str, email: str) -> str:
            known = kit.drivers.get(driver_id)
            assert known is not None
            kit.drivers.put(replace(known, customer_id="cus_2", payment_method_id="pm_2", card="visa 4242"))
            return "cus_2"

        def begin_card_setup(self, customer_id: str, request_id: str) -> None: ...

    kit.drivers.put(Driver(driver_id="driver-2", email="two@example.com"))
    Accounts(
        drivers=kit.drivers,
        identity=cast(Identity, None),
        second_factors=kit.second_factors,
        payments=lambda: cast(Payments, Slow()),
        new_id=kit.new_id,
        sleep=time.sleep,
    ).begin_card_setup("driver-2")
    driver = kit.drivers.get("driver-2")
    assert driver is not None
    assert driver.payment_method_id == "pm_2"


def test_a_second_start_that_is_refused_does_not_fail_the_first(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    for _ in range(2):
        run.steps.start_charging(run.session_id, "token-start")
    first, second = [json.loads(it)[1] for it in run.link.sent]
    for message_id, word in ((first, "Accepted"), (second, "Rejected")):
        run.kit.conversation.receive(CONNECTION.connection_id, json.dumps([3, message_id, {"status": word}]))
    assert run.session.state is State.INITIATED


def test_more_chargers_at_one_spot_than_a_page_looks_at_are_all_found() -> None:
    spot = GeoPoint(53.5, 9.9)
    places = [
        Place(
            charger_id=f"CP-{n:05}",
            operator_id="op",
            site_id="s",
            site_name="S",
            address="A",
            tariff_id="t",
            spot=spot,
            plugs=(Plug(ConnectorId(1)),),
            online=True,
        )
        for n in range(2500)
    ]

    class Index:
        def near(self, centre: GeoPoint, from_m: float, within_m: float) -> Iterator[tuple[float, Place]]:
            return iter([(0.0, it) for it in places])

    class Prices:
        def get(self, tariff_id: str) -> None: ...

    search = Search(cast(Any, Index()), cast(Any, Prices()), cast(Any, Prices()), GreatCircle())
    found, cursor = 0, None
    for _ in range(40):
        page = search.near(spot, 1000, Wish(), 100, cursor)
        found, cursor = found + len(page.items), page.next_cursor
        if cursor is None:
            break
    assert found == 2500
