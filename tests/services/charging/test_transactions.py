"""What chargers say, in the orders and repetitions they really say it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.answers import Noted, StartAnswer, TokenAnswer
from chalicelib.domain.chargers.commands import AuthorizationStatus, CommandResult, Verdict
from chalicelib.domain.chargers.events import (
    ChargerEvent,
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    Reading,
    ReadingsTaken,
    StatusReported,
    StopReason,
    TokenPresented,
)
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Origin, Reason, Session, State
from chalicelib.domain.charging.transitions import StartFailed, Stopped, StopRequested, apply
from chalicelib.domain.charging.waits import Step
from chalicelib.records.chargers import Connection, Purpose, SentCall
from chalicelib.records.charging import Waiting
from chalicelib.records.drivers import Driver, Token
from tests.properties import IN_A_FIXTURE
from tests.services.conftest import CARD, CONNECTION, NOW, Kit

REF = "tx-1"
STARTED = ChargingStarted(connector=ConnectorId(1), at=NOW, token=CARD, meter_start_wh=1000, ref=REF)
READ = ReadingsTaken(
    ref=REF,
    connector=ConnectorId(1),
    readings=(Reading(at=NOW + timedelta(minutes=30), energy_wh=2000, power_w=2000, soc_percent=40),),
)
STOPPED_AT = NOW + timedelta(hours=1)
STOPPED = ChargingStopped(ref=REF, at=STOPPED_AT, meter_stop_wh=3000, reason=StopReason.LOCAL)
CARD_SESSION = session_id_for("transaction", "CP-1", REF)


def their_own_ref(charger_id: str, event: ChargingStarted, attempt: int) -> str:
    assert event.ref is not None
    return event.ref


def receive(kit: Kit, *events: ChargerEvent) -> list[object]:
    # Heard once all of it has happened, so that no time said lies in the future.
    kit.clock.now = max(kit.clock.now, NOW + timedelta(hours=2))
    return [kit.router.route(CONNECTION, event, their_own_ref) for event in events]


def test_a_known_card_starts_a_session_for_its_driver(kit: Kit) -> None:
    assert receive(kit, STARTED) == [StartAnswer(ref=REF, standing=AuthorizationStatus.ACCEPTED)]
    session = kit.session(CARD_SESSION)
    assert (session.state, session.origin, session.driver_id) == (State.ACTIVE, Origin.CARD, "driver-1")
    assert kit.workflow.started == [CARD_SESSION]
    assert kit.connectors.of_charger("CP-1")[0].session_id == CARD_SESSION


def test_an_unknown_card_is_refused_and_what_flowed_is_still_on_record(kit: Kit) -> None:
    assert receive(kit, replace(STARTED, token="STRANGER")) == [
        StartAnswer(ref=REF, standing=AuthorizationStatus.UNKNOWN)
    ]
    receive(kit, STOPPED)
    session = kit.session(CARD_SESSION)
    assert (session.driver_id, session.reason, session.energy_wh) == (None, Reason.NOT_AUTHORISED, 2000)


def test_an_app_session_is_found_by_the_token_its_charger_was_given(kit: Kit) -> None:
    session = kit.app_session()
    kit.sessions.wait(session.session_id, Waiting(Step.START, "token-start"))
    assert receive(kit, replace(STARTED, token=session.token)) == [
        StartAnswer(ref=REF, standing=AuthorizationStatus.ACCEPTED)
    ]
    assert kit.session(session.session_id).state is State.ACTIVE
    assert kit.workflow.succeeded == ["token-start"]


def test_an_app_session_is_found_by_the_number_a_charger_echoes_instead_of_the_token(kit: Kit) -> None:
    session = kit.app_session()
    receive(kit, replace(STARTED, token=None, remote_start_id=session.remote_start_id))
    assert kit.session(session.session_id).state is State.ACTIVE


def test_a_transaction_begun_at_the_plug_is_taken_over_when_its_payer_shows_up(kit: Kit) -> None:
    session = kit.app_session()
    assert receive(kit, replace(STARTED, token=None)) == [StartAnswer(ref=REF, standing=None)]
    authorised = replace(READ, token=session.token, remote_start_id=session.remote_start_id)
    assert receive(kit, authorised) == [Noted(standing=AuthorizationStatus.ACCEPTED)]
    now = kit.session(session.session_id)
    assert (now.state, now.ref, now.meter_start_wh) == (State.ACTIVE, REF, 1000)


def of_its_own(kit: Kit, ref: str = REF) -> Session:
    return kit.session(session_id_for("transaction", "CP-1", ref))


def test_a_charge_that_begins_after_we_gave_up_waiting_is_a_session_of_its_own_and_goes_on(kit: Kit) -> None:
    session = kit.app_session()
    kit.changes.apply(session.session_id, StartFailed(Reason.CHARGER_DID_NOT_START, NOW))
    assert receive(kit, replace(STARTED, token=session.token)) == [
        StartAnswer(ref=REF, standing=AuthorizationStatus.ACCEPTED)
    ]
    assert kit.session(session.session_id).state is State.FAILED
    late = of_its_own(kit)
    assert (late.state, late.driver_id, late.session_id in kit.workflow.started) == (State.ACTIVE, "driver-1", True)
    receive(kit, STOPPED)
    assert of_its_own(kit).energy_wh == 2000


def test_a_charge_that_begins_after_its_driver_cancelled_is_ended_and_billed_for_what_it_took(kit: Kit) -> None:
    session = kit.app_session()
    kit.changes.apply(session.session_id, StopRequested(NOW))
    assert receive(kit, replace(STARTED, token=session.token)) == [
        StartAnswer(ref=REF, standing=AuthorizationStatus.EXPIRED)
    ]
    ended = of_its_own(kit)
    assert (ended.state, ended.driver_id) == (State.STOPPING, "driver-1")
    assert ended.session_id in kit.workflow.started


def test_a_second_transaction_under_one_app_token_is_refused_and_billed_apart(kit: Kit) -> None:
    session = kit.app_session()
    receive(kit, replace(STARTED, token=session.token))
    assert receive(kit, replace(STARTED, token=session.token, ref="tx-2")) == [
        StartAnswer(ref="tx-2", standing=AuthorizationStatus.EXPIRED)
    ]
    receive(kit, replace(STOPPED, ref="tx-2", meter_stop_wh=1500))
    assert kit.session(session.session_id).state is State.ACTIVE
    assert of_its_own(kit, "tx-2").energy_wh == 500


def test_a_late_duplicate_stop_does_not_wake_the_step_that_waits_for_money(kit: Kit) -> None:
    receive(kit, STARTED, STOPPED)
    kit.sessions.wait(CARD_SESSION, Waiting(Step.PAYMENT, "token-payment"))
    receive(kit, STOPPED)
    assert kit.workflow.succeeded == []


def test_a_wake_up_lost_in_a_crash_is_repeated_by_the_repeated_message(kit: Kit) -> None:
    receive(kit, STARTED)
    kit.sessions.wait(CARD_SESSION, Waiting(Step.END, "token-end"))
    before = kit.session(CARD_SESSION)
    kit.sessions.save(
        before, apply(before, Stopped(ref=REF, at=STOPPED_AT, meter_stop_wh=3000, reason=StopReason.LOCAL))
    )
    assert kit.workflow.succeeded == []
    receive(kit, STOPPED)
    assert kit.workflow.succeeded == ["token-end"]


@settings(max_examples=25, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(order=st.permutations([STARTED, READ, STOPPED, STARTED, STOPPED]))
def test_any_order_and_repetition_of_a_session_s_messages_tells_the_same_session(
    kit: Kit, order: list[ChargingStarted | ReadingsTaken | ChargingStopped]
) -> None:
    number = len(kit.workflow.started)
    ref = f"tx-{number}"
    receive(kit, *(replace(event, ref=ref) for event in order))
    session = kit.session(session_id_for("transaction", "CP-1", ref))
    assert (session.state, session.started_at, session.stopped_at, session.energy_wh) == (
        State.STOPPING,
        STARTED.at,
        STOPPED.at,
        2000,
    )
    assert len(kit.workflow.started) == number + 1


@pytest.mark.parametrize(
    ("token", "standing"),
    [
        (CARD, AuthorizationStatus.ACCEPTED),
        (CARD.lower(), AuthorizationStatus.ACCEPTED),
        ("NOBODY", AuthorizationStatus.UNKNOWN),
    ],
)
def test_a_card_is_known_whatever_its_case(kit: Kit, token: str, standing: AuthorizationStatus) -> None:
    assert receive(kit, TokenPresented(token)) == [TokenAnswer(standing)]


def test_a_blocked_card_and_a_driver_without_means_to_pay_may_not_charge(kit: Kit) -> None:
    kit.tokens.put(Token(uid="BLOCKED", operator_id="op", driver_id="driver-1", blocked=True), NOW)
    kit.drivers.put(Driver(driver_id="poor", email="p@example.com"))
    kit.tokens.put(Token(uid="POOR", operator_id="op", driver_id="poor"), NOW)
    assert receive(kit, TokenPresented("BLOCKED"), TokenPresented("POOR")) == [
        TokenAnswer(AuthorizationStatus.BLOCKED),
        TokenAnswer(AuthorizationStatus.BLOCKED),
    ]


def test_another_operators_card_is_not_known_here(kit: Kit) -> None:
    elsewhere = Connection(connection_id="c-2", charger_id="CP-1", operator_id="other", protocol="ocpp1.6")
    assert kit.router.route(elsewhere, TokenPresented(CARD), their_own_ref) == TokenAnswer(AuthorizationStatus.UNKNOWN)


def test_two_transactions_that_hash_to_one_number_get_two(kit: Kit) -> None:
    def colliding(charger_id: str, event: ChargingStarted, attempt: int) -> str:
        return str(100 + attempt)

    later = replace(STARTED, ref=None, at=NOW + timedelta(hours=2), connector=ConnectorId(2))
    first = kit.router.route(CONNECTION, replace(STARTED, ref=None), colliding)
    second = kit.router.route(CONNECTION, later, colliding)
    again = kit.router.route(CONNECTION, later, colliding)
    assert first == StartAnswer(ref="100", standing=AuthorizationStatus.ACCEPTED)
    assert second == again == StartAnswer(ref="101", standing=AuthorizationStatus.ACCEPTED)


def test_a_charger_that_tells_its_start_twice_with_another_time_is_answered_both_times(kit: Kit) -> None:
    again = replace(STARTED, at=NOW + timedelta(seconds=3))
    assert receive(kit, STARTED, again) == [StartAnswer(ref=REF, standing=AuthorizationStatus.ACCEPTED)] * 2
    assert kit.session(CARD_SESSION).started_at == STARTED.at


def test_a_charger_that_refuses_to_start_ends_the_wait_at_once(kit: Kit) -> None:
    session = kit.app_session()
    kit.sessions.wait(session.session_id, Waiting(Step.START, "token-start"))
    call = SentCall(
        charger_id="CP-1",
        message_id="m-1",
        action="RemoteStartTransaction",
        purpose=Purpose.START,
        sent_at=NOW,
        due_at=NOW,
        subject=session.session_id,
    )
    kit.router.answered(call, CommandResult(verdict=Verdict.REJECTED))
    assert kit.session(session.session_id).reason is Reason.CHARGER_REFUSED
    assert kit.workflow.failed == [("token-start", "SessionFailed", "charger_refused")]


def test_a_refused_stop_does_not_fail_the_session(kit: Kit) -> None:
    receive(kit, STARTED)
    call = SentCall(
        charger_id="CP-1",
        message_id="m-1",
        action="RemoteStopTransaction",
        purpose=Purpose.STOP,
        sent_at=NOW,
        due_at=NOW,
        subject=CARD_SESSION,
    )
    kit.router.answered(call, CommandResult(verdict=Verdict.REJECTED))
    assert kit.session(CARD_SESSION).state is State.ACTIVE


def test_readings_without_a_transaction_join_the_connectors_open_session(kit: Kit) -> None:
    receive(kit, STARTED, replace(READ, ref=None))
    assert [stored.reading.energy_wh for stored in kit.readings.newest("CP-1", REF)] == [2000]


def test_readings_of_an_idle_connector_are_acknowledged(kit: Kit) -> None:
    assert receive(kit, replace(READ, ref=None, connector=ConnectorId(2))) == [Noted()]


def test_a_charger_whose_clock_stands_in_1970_is_still_heard(kit: Kit) -> None:
    receive(kit, StatusReported(ConnectorId(1), ConnectorStatus.AVAILABLE, NOW))
    receive(kit, StatusReported(ConnectorId(1), ConnectorStatus.FAULTED, NOW.replace(year=1970), "GroundFailure"))
    assert kit.connectors.of_charger("CP-1")[0].status is ConnectorStatus.FAULTED
