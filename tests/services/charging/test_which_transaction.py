"""A message under a name that nobody gave is the running charge's only if all else allows it; a true end counts."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    Reading,
    ReadingsTaken,
    StopReason,
)
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.pricing.evidence import Flag
from tests.properties import IN_A_FIXTURE
from tests.services.charging.test_quirks import CARD201, Talk, event, meter, told
from tests.services.conftest import CARD, CONNECTION, NOW, Kit

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def running(talk: Talk, ref: int) -> Session:
    return talk.kit.session(session_id_for("transaction", "CP-1", str(ref)))


def sessions(talk: Talk) -> list[Session]:
    talk.kit.clock.advance(minutes=20)
    talk.kit.unclaimed.sweep()
    return list(talk.kit.sessions.of_operator("op", 20, None, flagged=False)[0])


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param({"timestamp": told(NOW - DAY), "idTag": "FFEE00112233"}, id="yesterday, another card"),
        pytest.param({"timestamp": told(NOW - DAY)}, id="yesterday, no card"),
        pytest.param({"timestamp": told(NOW - DAY), "idTag": CARD}, id="yesterday, the same card"),
        pytest.param({"timestamp": told(NOW - timedelta(minutes=12)), "meterStop": 1200}, id="before the start"),
        pytest.param({"idTag": "FFEE00112233"}, id="now, another card"),
        pytest.param({"meterStop": 640_000}, id="a register it cannot have reached"),
        pytest.param({"meterStop": 900}, id="a register below its start"),
        pytest.param({"timestamp": "yesterday", "meterStop": 640_000}, id="no time, and too high a register"),
    ],
)
@pytest.mark.parametrize("number", [555_001, 0, 2**63 - 1])
def test_a_strange_stop_that_cannot_be_the_running_charges_is_a_charge_of_its_own(
    talk: Talk, strange: dict[str, Any], number: int
) -> None:
    ref = talk.start()
    talk.kit.clock.advance(minutes=5)
    talk.stop(number, **{"meterStop": 1500, **strange})
    assert running(talk, ref).state is State.ACTIVE
    talk.kit.clock.advance(minutes=5)
    talk.stop(ref, 2500)
    session = running(talk, ref)
    assert (session.energy_wh, session.is_end_inferred) == (1500, False)
    assert len(sessions(talk)) == 2


@pytest.mark.parametrize("card", [{}, {"idTag": CARD}, {"idTag": CARD.lower()}])
@pytest.mark.parametrize("number", [555_001, 0, -1, -1_702_467_391, 2**63 - 1, 2**32 - 1, 2**31 - 1])
def test_a_strange_stop_that_can_only_be_the_running_charges_ends_it(
    talk: Talk, number: int, card: dict[str, str]
) -> None:
    ref = talk.start()
    talk.kit.clock.advance(hours=1)
    talk.stop(number, 3000, **card)
    session = running(talk, ref)
    assert (session.state, session.energy_wh, session.is_end_inferred) == (State.STOPPING, 2000, True)
    # A number of somebody else's is worth a look; that none is known is a habit of many.
    assert set(session.flags) == ({Flag.END_INFERRED} if number == 555_001 else set())
    assert len(sessions(talk)) == 1


def test_a_true_end_replaces_one_taken_from_another_number_which_becomes_its_own_charge(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(minutes=30)
    talk.stop(555_001, 1800)
    talk.kit.clock.advance(minutes=30)
    talk.stop(ref, 4000)
    session = running(talk, ref)
    assert (session.energy_wh, session.is_end_inferred, set(session.flags)) == (3000, False, set())
    assert session.stopped_at == NOW + HOUR
    facts = talk.kit.transactions.get("CP-1", str(ref))
    assert facts is not None
    assert (facts.meter_stop_wh, facts.stopped_as) == (4000, None)
    assert len(sessions(talk)) == 2


def test_one_end_told_first_without_its_number_and_then_with_it_is_one_charge(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(hours=1)
    talk.stop(0, 3000)
    talk.kit.clock.advance(seconds=20)
    talk.stop(ref, 3000)
    assert (running(talk, ref).energy_wh, running(talk, ref).is_end_inferred) == (2000, False)
    assert len(sessions(talk)) == 1


def test_one_end_told_first_with_its_number_and_then_without_is_one_charge(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(hours=1)
    talk.stop(ref, 3000)
    talk.kit.clock.advance(seconds=20)
    talk.stop(-1, 3000)
    assert running(talk, ref).energy_wh == 2000
    assert len(sessions(talk)) == 1


def test_a_charger_that_set_its_clock_back_ends_a_charge_that_drew_nothing(talk: Talk) -> None:
    ref = talk.start(timestamp=told(NOW - timedelta(minutes=1)), meterStart=8016)
    talk.stop(-1, 8016, timestamp=told(NOW - timedelta(minutes=12)))
    assert (running(talk, ref).state, running(talk, ref).energy_wh) == (State.STOPPING, 0)


@pytest.mark.parametrize("number", [2**63 - 1, 0, -1, 2**31 - 1, 2**32 - 1, "0"])
def test_readings_of_an_idle_connector_under_a_placeholder_make_no_session(talk: Talk, number: Any) -> None:
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    for _ in range(3):
        talk.kit.clock.advance(minutes=1)
        talk.read(1_234_567, transactionId=number)
    assert sessions(talk) == []


def test_readings_under_a_placeholder_where_a_car_charges_are_a_charge_to_look_at(talk: Talk) -> None:
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
    talk.read(5000, transactionId=0)
    (session,) = sessions(talk)
    assert set(session.flags) == {Flag.START_UNKNOWN}


@pytest.mark.parametrize(
    ("connector", "ago", "value"),
    [
        pytest.param(1, DAY, 900_000, id="yesterday's"),
        pytest.param(1, timedelta(0), 900_000, id="a register it cannot have reached"),
        pytest.param(1, timedelta(0), 900, id="a register below its start"),
        pytest.param(2, timedelta(0), 1500, id="another connector's"),
    ],
)
def test_readings_of_a_strange_number_that_cannot_be_the_running_charges_are_not(
    talk: Talk, connector: int, ago: timedelta, value: int
) -> None:
    ref = talk.start()
    talk.kit.clock.advance(minutes=10)
    samples = [{"timestamp": told(talk.kit.clock.now - ago), "sampledValue": [{"value": str(value)}]}]
    talk.say("MeterValues", {"connectorId": connector, "transactionId": 555_003, "meterValue": samples})
    assert list(talk.kit.readings.newest("CP-1", str(ref))) == []
    talk.stop(ref, 2000)
    assert talk.kit.metering.measured(running(talk, ref)).energy_wh == 1000


def test_the_meter_of_the_station_as_a_whole_joins_no_charge_and_is_kept(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(minutes=10)
    for transaction_id in ({}, {"transactionId": 0}, {"transactionId": None}):
        talk.read(91_234_567, **{"connectorId": 0, **transaction_id})
        talk.kit.clock.advance(seconds=1)
    assert list(talk.kit.readings.newest("CP-1", str(ref))) == []
    kept = talk.kit.charger_news.main_meter("CP-1")
    assert kept is not None
    assert kept.energy_wh == 91_234_567
    assert len(sessions(talk)) == 1


def test_a_true_end_corrects_one_measured_without_it_before_the_bill(talk201: Talk) -> None:
    kit = talk201.kit
    event(talk201, "Started", 0, idToken=CARD201, meterValue=meter(1000, context="Transaction.Begin"))
    kit.clock.advance(minutes=10)
    (session,) = kit.sessions.of_operator("op", 10, None, flagged=False)[0]
    kit.hand_settlement.settle("op", session.session_id, "operator-1", "the charger burnt down")
    assert kit.session(session.session_id).stopped_at is not None
    event(talk201, "Ended", 1, meterValue=meter(4000, context="Transaction.End"))
    now = kit.session(session.session_id)
    assert (now.energy_wh, now.is_end_inferred, Flag.END_UNKNOWN in now.flags) == (3000, False, False)


def billed(talk: Talk, reading_wh: int) -> tuple[int, Session]:
    """A charge whose end was never told, settled and paid by its last reading."""
    kit = talk.kit
    ref = talk.start()
    session_id = running(talk, ref).session_id
    kit.lifecycle.place_hold(session_id, "token-hold")
    kit.clock.advance(minutes=30)
    talk.read(reading_wh, transactionId=ref)
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    kit.clock.advance(minutes=11)
    kit.lifecycle.sweep()
    kit.lifecycle.settle(session_id, "token-payment")
    kit.lifecycle.settle(session_id, "token-payment-again")
    kit.lifecycle.issue_receipt(session_id)
    return ref, kit.session(session_id)


def test_a_true_end_after_the_bill_gives_back_what_was_too_much(talk: Talk) -> None:
    ref, session = billed(talk, 11_000)
    assert session.payment is not None
    assert (session.state, session.payment.amount_minor) == (State.COMPLETED, 450)
    for _ in range(2):
        talk.stop(ref, 6000, timestamp=told(NOW + timedelta(minutes=25)))
        talk.kit.clock.advance(minutes=2)
        talk.kit.lifecycle.sweep()
    session = running(talk, ref)
    assert (session.refunded_minor, Flag.END_CORRECTED in session.flags) == (225, True)
    assert sum(talk.kit.money.refunded.values()) == 225
    assert talk.kit.lifecycle.sweep() == 0


def test_a_true_end_after_the_bill_that_shows_more_is_flagged_and_takes_nothing(talk: Talk) -> None:
    ref, _ = billed(talk, 6000)
    talk.stop(ref, 11_000)
    talk.kit.clock.advance(minutes=2)
    talk.kit.lifecycle.sweep()
    session = running(talk, ref)
    assert (session.refunded_minor, session.due_minor, Flag.END_CORRECTED in session.flags) == (0, 0, True)
    assert session.late_end is not None
    assert (session.late_end.meter_stop_wh, session.late_end.is_settled) == (11_000, True)


def test_an_updated_after_ended_changes_nothing(talk201: Talk) -> None:
    kit = talk201.kit
    event(talk201, "Started", 0, idToken=CARD201, meterValue=meter(1000, context="Transaction.Begin"))
    kit.clock.advance(hours=1)
    event(talk201, "Ended", 2, meterValue=meter(2000, context="Transaction.End"))
    before = talk201.the_session()
    kit.clock.advance(minutes=5)
    info = {"transactionId": "tx-1", "chargingState": "Charging"}
    late: dict[str, Any] = {
        "transactionInfo": info,
        "triggerReason": "ChargingStateChanged",
        "evse": {"id": 2, "connectorId": 1},
    }
    event(talk201, "Updated", 3, idToken=CARD201, meterValue=meter(90_000), **late)
    assert talk201.the_session() == before
    assert kit.connectors.of_charger("CP-1")[0].status == kit.connectors.of_charger("CP-1")[1].status
    assert list(kit.readings.newest("CP-1", "tx-1")) == []
    assert talk201.measured().energy_wh == 1000


def test_a_reading_of_the_charge_that_comes_late_is_still_evidence(talk201: Talk) -> None:
    kit = talk201.kit
    event(talk201, "Started", 0, idToken=CARD201, meterValue=meter(1000, context="Transaction.Begin"))
    kit.clock.advance(hours=1)
    event(talk201, "Ended", 2)
    event(talk201, "Updated", 1, meterValue=meter(2000), timestamp=told(NOW + timedelta(minutes=30)))
    assert talk201.measured().energy_wh == 1000


BEGUN = ChargingStarted(connector=ConnectorId(1), at=NOW + DAY, token=CARD, meter_start_wh=1000, ref="tx")
READ = ReadingsTaken(
    ref="tx", connector=ConnectorId(1), readings=(Reading(at=NOW + DAY + timedelta(minutes=30), energy_wh=2000),)
)
ENDED = ChargingStopped(ref="tx", at=NOW + DAY + HOUR, meter_stop_wh=3000, reason=StopReason.LOCAL)
STRANGE = ChargingStopped(ref="555", at=NOW, meter_stop_wh=640_000, reason=StopReason.LOCAL, token="FFEE00112233")
STRANGE_READ = ReadingsTaken(ref="556", connector=ConnectorId(1), readings=(Reading(at=NOW, energy_wh=900_000),))
ORDERS = list(permutations([BEGUN, READ, ENDED, STRANGE, STRANGE_READ]))


@settings(max_examples=12, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(order=st.sampled_from(ORDERS), again=st.booleans())
def test_in_any_order_strange_messages_and_a_charges_own_make_the_same_sessions(
    kit: Kit, order: tuple[Any, ...], again: bool
) -> None:
    number = len(kit.workflow.started)
    kit.clock.now = max(kit.clock.now, NOW + DAY + 2 * HOUR)
    for it in order * (2 if again else 1):
        named = type(it)(**{**{f: getattr(it, f) for f in it.__slots__}, "ref": f"{it.ref}-{number}"})
        kit.router.route(CONNECTION, named, lambda *_, ref=named.ref: ref)
    session = kit.session(session_id_for("transaction", "CP-1", f"tx-{number}"))
    assert (session.started_at, session.stopped_at, session.energy_wh) == (BEGUN.at, ENDED.at, 2000)
    assert not session.is_end_inferred
    for ref in (f"555-{number}", f"556-{number}"):
        facts = kit.transactions.get("CP-1", ref)
        assert facts is not None
        assert facts.stands_for is None
