"""Each way in which chargers in the field bend the standard, told as its charger tells it, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from chalicelib.domain.chargers.commands import CommandResult, StopCharging, Verdict
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.session import Reason, Session, State
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.records.chargers import Connection, Direction, Gone, Purpose
from chalicelib.records.charging import Transaction
from tests.services.conftest import CARD, NOW, Kit

FRAMES = count(1)


class Talk:
    """A charger's socket."""

    def __init__(self, kit: Kit, protocol: str) -> None:
        self.kit = kit
        self.connection_id = f"c-{protocol}"
        kit.clock.now = NOW
        kit.sockets.opened(
            Connection(connection_id=self.connection_id, charger_id="CP-1", operator_id="op", protocol=protocol), NOW
        )

    def say(self, action: str, payload: Any, message_id: str | None = None) -> dict[str, Any]:
        """Say it; returns the answer's payload, and fails the test on a CALLERROR."""
        frame = json.loads(self.say_text(json.dumps([2, message_id or str(next(FRAMES)), action, payload])) or "null")
        assert frame[0] == 3, frame
        return dict(frame[2])

    def say_text(self, text: str) -> str | None:
        return self.kit.conversation.receive(self.connection_id, text)

    def start(self, **more: Any) -> int:
        payload = {"connectorId": 1, "idTag": CARD, "meterStart": 1000, "timestamp": told(self.kit.clock.now), **more}
        return int(self.say("StartTransaction", payload)["transactionId"])

    def read(self, *values: Any, **more: Any) -> None:
        samples = [it if isinstance(it, dict) else {"value": str(it)} for it in values]
        meter_value = [{"timestamp": told(self.kit.clock.now), "sampledValue": samples}]
        self.say("MeterValues", {"connectorId": 1, "meterValue": meter_value, **more})

    def stop(self, transaction_id: Any, meter_stop: Any = 3000, **more: Any) -> dict[str, Any]:
        payload = {"transactionId": transaction_id, "meterStop": meter_stop, "timestamp": told(self.kit.clock.now)}
        return self.say("StopTransaction", payload | more)

    def newest_entry(self) -> Any:
        """The newest that the charger said; what Kerb asks it meanwhile stands beside it."""
        newest = self.kit.message_log.page("CP-1", 10, None)[0]
        return next(it for it in newest if it.direction is not Direction.OUT)

    def the_session(self) -> Session:
        """The only session there is, its energy measured as the workflow does."""
        (session,) = self.kit.sessions.of_operator("op", 10, None, flagged=False)[0]
        return session

    def measured(self) -> Session:
        return self.kit.metering.measured(self.the_session())


def told(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def event(talk: Talk, kind: str, seq_no: int, ref: str = "tx-1", **more: Any) -> dict[str, Any]:
    payload = {
        "eventType": kind,
        "timestamp": told(talk.kit.clock.now),
        "triggerReason": "Authorized",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": ref},
        "evse": {"id": 1, "connectorId": 1},
    }
    return talk.say("TransactionEvent", payload | more)


def meter(value: int, **more: Any) -> list[dict[str, Any]]:
    return [{"timestamp": told(NOW), "sampledValue": [{"value": value, **more}]}]


CARD201 = {"idToken": CARD, "type": "ISO14443"}

# Names


@pytest.mark.parametrize("transaction_id", [0, -1, None, "0", "none"])
def test_transaction_id_0_or_minus_1_or_none_ends_the_chargers_only_session(talk: Talk, transaction_id: Any) -> None:
    talk.start()
    talk.kit.clock.advance(hours=1)
    talk.read(2000, transactionId=transaction_id)
    talk.stop(transaction_id)
    assert talk.the_session().state is State.STOPPING
    assert talk.measured().energy_wh == 2000


def test_a_stop_with_transaction_id_0_told_twice_ends_one_session_once(talk: Talk) -> None:
    talk.start()
    talk.kit.clock.advance(hours=1)
    at = told(talk.kit.clock.now)
    talk.stop(0, timestamp=at)
    talk.kit.clock.advance(minutes=5)
    talk.stop(0, timestamp=at)
    talk.kit.clock.advance(hours=1)
    talk.kit.unclaimed.sweep()
    assert talk.the_session().meter_stop_wh == 3000


def test_of_two_sessions_transaction_id_minus_1_ends_the_one_whose_card_is_shown(talk: Talk) -> None:
    first, second = talk.start(), talk.start(connectorId=2, idTag="OTHER", meterStart=500)
    assert first != second
    talk.kit.clock.advance(hours=1)
    talk.stop(-1, idTag=CARD.lower())
    known = talk.kit.transactions.get("CP-1", str(first))
    assert known is not None
    assert known.stopped_at is not None


def test_a_stop_of_an_unknown_transaction_that_could_be_either_becomes_a_session_of_its_own(talk: Talk) -> None:
    talk.start()
    talk.start(connectorId=2, idTag="OTHER")
    talk.kit.clock.advance(hours=1)
    talk.stop(0)
    talk.kit.clock.advance(hours=1)
    assert talk.kit.unclaimed.sweep() == 1
    sessions, _ = talk.kit.sessions.of_operator("op", 10, None, flagged=True)
    assert [set(it.flags) for it in sessions] == [{Flag.START_UNKNOWN}]
    assert len(talk.kit.sessions.of_operator("op", 10, None, flagged=False)[0]) == 3


def test_a_stop_whose_start_was_never_seen_becomes_a_session_billed_by_its_own_record(talk: Talk) -> None:
    record = [
        {"timestamp": told(NOW), "sampledValue": [{"value": "5000", "context": "Transaction.Begin"}]},
        {"timestamp": told(NOW + timedelta(minutes=30)), "sampledValue": [{"value": "9000"}]},
    ]
    talk.kit.clock.advance(hours=1)
    assert talk.stop(4711, 12_000, idTag=CARD, transactionData=record) == {"idTagInfo": {"status": "Accepted"}}
    talk.kit.clock.advance(hours=1)
    assert talk.kit.unclaimed.sweep() == 1
    assert talk.kit.unclaimed.sweep() == 0
    session = talk.measured()
    assert (session.state, session.driver_id, session.energy_wh) == (State.STOPPING, "driver-1", 7000)
    assert set(session.flags) == {Flag.START_UNKNOWN}
    assert talk.kit.workflow.started == [session.session_id]


def test_readings_whose_start_was_never_seen_become_a_session_to_look_at(talk: Talk) -> None:
    talk.read(5000, transactionId=4711)
    talk.kit.clock.advance(minutes=10)
    talk.read(6000, transactionId=4711)
    assert talk.kit.unclaimed.sweep() == 0
    talk.kit.clock.advance(minutes=10)
    assert talk.kit.unclaimed.sweep() == 1
    session = talk.the_session()
    assert (session.state, session.ref, session.meter_start_wh) == (State.ACTIVE, "4711", 5000)
    assert set(session.flags) == {Flag.START_UNKNOWN}
    talk.stop(4711, 7000)
    assert talk.measured().energy_wh == 2000


def test_readings_without_transaction_id_join_the_connectors_open_session(talk: Talk) -> None:
    ref = talk.start()
    talk.read(1500)
    (newest,) = talk.kit.readings.newest("CP-1", str(ref))
    assert newest.reading.energy_wh == 1500


def test_readings_of_an_unknown_transaction_join_the_connectors_open_session(talk: Talk) -> None:
    ref = talk.start()
    talk.read(1500, transactionId=99)
    (newest,) = talk.kit.readings.newest("CP-1", str(ref))
    assert newest.reading.energy_wh == 1500


def test_readings_between_sessions_are_nobodys(talk: Talk) -> None:
    talk.read(1500)
    talk.kit.clock.advance(hours=1)
    assert talk.kit.unclaimed.sweep() == 0


def test_transaction_names_that_repeat_after_a_restart_are_two_sessions(talk201: Talk) -> None:
    event(talk201, "Started", 0, "1", idToken=CARD201, meterValue=meter(100))
    event(talk201, "Ended", 1, "1", meterValue=meter(200))
    talk201.kit.clock.advance(days=1)
    for _ in range(2):
        event(talk201, "Started", 0, "1", idToken=CARD201, meterValue=meter(300))
    event(talk201, "Updated", 1, "1", meterValue=meter(400))
    talk201.kit.clock.advance(hours=1)
    event(talk201, "Ended", 2, "1", meterValue=meter(900))
    sessions, _ = talk201.kit.sessions.of_operator("op", 10, None, flagged=False)
    assert [(it.meter_start_wh, it.meter_stop_wh) for it in sessions] == [(300, 900), (100, 200)]


def test_a_late_end_of_a_transaction_whose_name_is_used_again_ends_only_the_old_one(talk201: Talk) -> None:
    event(talk201, "Started", 0, "1", idToken=CARD201, meterValue=meter(100))
    old_end = told(talk201.kit.clock.now + timedelta(minutes=30))
    event(talk201, "Ended", 1, "1", meterValue=meter(200), timestamp=old_end)
    talk201.kit.clock.advance(days=1)
    event(talk201, "Started", 0, "1", idToken=CARD201, meterValue=meter(300))
    event(talk201, "Ended", 1, "1", meterValue=meter(200), timestamp=old_end)
    sessions, _ = talk201.kit.sessions.of_operator("op", 10, None, flagged=False)
    assert [it.state for it in sessions] == [State.ACTIVE, State.STOPPING]


def test_a_command_whose_socket_breaks_has_failed_and_is_not_waited_for(talk: Talk) -> None:
    talk.kit.link.is_open = False
    with pytest.raises(Gone):
        talk.kit.commands.send("CP-1", StopCharging("7"), Purpose.OPERATOR)
    entries, _ = talk.kit.message_log.page("CP-1", 5, None)
    (sent,) = [it for it in entries if it.what == "RemoteStopTransaction"]
    call = talk.kit.calls.get("CP-1", sent.message_id)
    assert call is not None
    assert call.result == CommandResult(verdict=Verdict.FAILED, detail="the charger went offline")


def test_message_ids_that_repeat_are_no_keys(talk: Talk) -> None:
    first = talk.say("StartTransaction", start_payload(1), "1")["transactionId"]
    second = talk.say("StartTransaction", start_payload(2), "1")["transactionId"]
    assert first != second
    assert talk.say("StartTransaction", start_payload(1), "77")["transactionId"] == first


def start_payload(connector: int) -> dict[str, Any]:
    return {"connectorId": connector, "idTag": CARD, "meterStart": 0, "timestamp": told(NOW)}


def test_a_missing_range_of_seq_no_is_visible(talk201: Talk) -> None:
    event(talk201, "Started", 0, idToken=CARD201)
    event(talk201, "Updated", 1, meterValue=meter(100))
    event(talk201, "Updated", 4, meterValue=meter(200))
    event(talk201, "Updated", 5)
    event(talk201, "Ended", 8)
    assert talk201.kit.readings.seq_nos("CP-1", "tx-1") == [1, 4, 5]
    assert talk201.kit.remote_control.transaction("op", "CP-1", "tx-1").missing == [(2, 3), (6, 7)]


# Meters


def test_readings_in_kwh_and_without_a_unit_are_wh_in_the_end(talk: Talk) -> None:
    ref = talk.start(meterStart=1000)
    talk.read({"value": "1.5", "unit": "kWh"})
    talk.kit.clock.advance(minutes=1)
    talk.read("1700")
    first, second = talk.kit.readings.after("CP-1", str(ref), "", 10)
    assert (first.reading.energy_wh, second.reading.energy_wh) == (1500, 1700)


def test_phases_told_separately_add_up(talk: Talk) -> None:
    ref = talk.start()
    power = {"measurand": "Power.Active.Import", "unit": "kW"}
    talk.read(*({"value": "3.68", "phase": phase, **power} for phase in ("L1", "L2", "L3")))
    (newest,) = talk.kit.readings.newest("CP-1", str(ref))
    assert newest.reading.power_w == 11_040


def story(talk: Talk, start: int, readings: list[int], stop: int) -> Session:
    ref = talk.start(meterStart=start)
    for reading in readings:
        talk.kit.clock.advance(minutes=15)
        talk.read(reading, transactionId=ref)
    talk.kit.clock.advance(seconds=10)
    talk.stop(ref, stop)
    return talk.measured()


def test_session_energy_told_as_the_register_is_billed_as_what_it_is(talk: Talk) -> None:
    session = story(talk, 123_456, [0, 2000, 5000], 128_456)
    assert session.energy_wh == 5000


def test_a_start_at_0_of_a_meter_with_a_life_behind_it_bills_only_this_charge(talk: Talk) -> None:
    session = story(talk, 0, [123_456, 125_000, 128_456], 128_456)
    assert (session.energy_wh, set(session.flags)) == (5000, {Flag.METER_JUMPED})


def test_a_counter_that_resets_counts_before_and_after(talk: Talk) -> None:
    session = story(talk, 1000, [1500, 0, 200], 300)
    assert (session.energy_wh, set(session.flags)) == (800, {Flag.METER_FELL})


def test_a_counter_that_runs_backwards_bills_nothing_it_did_not_deliver(talk: Talk) -> None:
    session = story(talk, 5000, [4000, 3000], 2000)
    assert (session.energy_wh, set(session.flags)) == (0, {Flag.METER_FELL})


def test_wh_told_as_kwh_is_no_energy_a_car_could_take(talk: Talk) -> None:
    session = story(talk, 1000, [2000], 9_000_000)
    assert (session.energy_wh, set(session.flags)) == (1000, {Flag.METER_JUMPED})


def test_a_stop_without_a_meter_is_billed_by_the_newest_reading_and_flagged(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(minutes=15)
    talk.read(2500, transactionId=ref)
    talk.stop(ref, None)
    session = talk.measured()
    assert (session.energy_wh, set(session.flags)) == (1500, {Flag.METER_MISSING})


# Clocks


def test_a_clock_in_1970_still_tells_how_long(talk: Talk) -> None:
    ref = talk.start(timestamp="1970-01-01T00:01:00Z")
    talk.kit.clock.advance(hours=2)
    talk.stop(ref, timestamp="1970-01-01T01:01:00Z")
    session = talk.the_session()
    assert (session.stopped_at, set(session.flags)) == (NOW + timedelta(hours=2), {Flag.CLOCK_WRONG})
    assert session.started_at == NOW + timedelta(hours=1)
    facts = talk.kit.transactions.get("CP-1", str(ref))
    assert facts is not None
    assert facts.started_at == datetime.fromisoformat("1970-01-01T00:01:00Z")
    assert facts.started_heard_at == NOW


def test_a_clock_in_the_future_still_tells_how_long(talk: Talk) -> None:
    ref = talk.start(timestamp=told(NOW + timedelta(days=400)))
    talk.kit.clock.advance(hours=2)
    talk.stop(ref, timestamp=told(NOW + timedelta(days=400, hours=1)))
    session = talk.the_session()
    assert session.stopped_at == NOW + timedelta(hours=2)
    assert session.started_at == NOW + timedelta(hours=1)


def test_a_clock_in_the_wrong_zone_is_ours_where_it_lies_ahead(talk: Talk) -> None:
    ref = talk.start(timestamp=told(NOW + timedelta(hours=2)))
    talk.kit.clock.advance(hours=1)
    talk.stop(ref, timestamp=told(NOW + timedelta(hours=3)))
    session = talk.the_session()
    assert (session.started_at, session.stopped_at) == (NOW, NOW + timedelta(hours=1))
    assert set(session.flags) == {Flag.CLOCK_WRONG}


def test_a_clock_set_right_in_mid_session_bills_by_ours(talk: Talk) -> None:
    ref = talk.start(timestamp="2000-01-01T00:00:00Z")
    talk.kit.clock.advance(hours=1)
    talk.stop(ref)
    session = talk.the_session()
    assert (session.started_at, session.stopped_at) == (NOW, NOW + timedelta(hours=1))


def test_a_start_without_a_readable_time_is_the_same_start_when_repeated(talk: Talk) -> None:
    refs = set()
    for _ in range(3):
        refs.add(talk.start(timestamp="yesterday"))
        talk.kit.clock.advance(seconds=10)
    assert len(refs) == 1
    talk.stop(refs.pop())
    assert talk.start(timestamp="yesterday") not in refs


def test_old_messages_replayed_build_the_session_that_happened(talk: Talk) -> None:
    talk.kit.clock.advance(days=20)
    talk.start(timestamp=told(NOW))
    ref = talk.start(timestamp=told(NOW))
    talk.stop(ref, timestamp=told(NOW + timedelta(hours=1)))
    talk.stop(ref, timestamp=told(NOW + timedelta(hours=1)))
    session = talk.the_session()
    assert (session.started_at, session.stopped_at, set(session.flags)) == (NOW, NOW + timedelta(hours=1), set())


# Payloads


@pytest.mark.parametrize(
    "more",
    [
        {"idTag": 4711},
        {"idTag": {"idToken": CARD}},
        {"connectorId": "1"},
        {"connectorId": None},
        {"meterStart": "1000"},
        {"meterStart": None},
        {"meterStart": {"value": 1}},
        {"timestamp": None},
        {"timestamp": 1_763_715_600},
        {"reservationId": "none", "vendor": {"a": [1]}},
    ],
)
def test_a_start_that_breaks_the_schema_is_a_transaction_all_the_same(talk: Talk, more: dict[str, Any]) -> None:
    ref = talk.start(**more)
    assert talk.kit.transactions.get("CP-1", str(ref)) is not None
    assert talk.newest_entry().deviation


def test_a_serial_number_over_length_an_unknown_error_code_and_a_null_are_journalled_and_forgiven(talk: Talk) -> None:
    boot = {"chargePointVendor": "V", "chargePointModel": "M" * 40, "chargePointSerialNumber": "S" * 60, "iccid": None}
    assert talk.say("BootNotification", boot)["status"] == "Accepted"
    assert talk.newest_entry().deviation
    charger = talk.kit.chargers.get("CP-1")
    assert charger is not None
    assert charger.serial == "S" * 60
    talk.kit.clock.advance(seconds=1)
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "E-17", "status": "Faulted"})
    assert "E-17" in talk.newest_entry().payload
    assert talk.kit.connectors.of_charger("CP-1")[0].error == "E-17"


@pytest.mark.parametrize("payload", ["null", ""])
def test_a_null_payload_is_an_empty_one(talk: Talk, payload: str) -> None:
    answer = talk.say_text(f'[2,"1","Heartbeat"{"," if payload else ""}{payload}]')
    assert answer is not None
    assert "currentTime" in answer


@pytest.mark.parametrize(
    "shown", [CARD.lower(), f" {CARD} ", "04:A1:B2:C3", "04-a1-b2-c3", f"{CARD}:ACME", f"{CARD}#1", f"0x{CARD}"]
)
def test_a_card_is_known_in_any_case_and_with_a_vendors_suffix(talk: Talk, shown: str) -> None:
    assert talk.say("Authorize", {"idTag": shown})["idTagInfo"]["status"] == "Accepted"


def test_a_card_is_not_known_by_half_its_number(talk: Talk) -> None:
    for shown in (CARD[:6], CARD + "00", f"{CARD[:6]}:A1", "ACME:" + CARD):
        assert talk.say("Authorize", {"idTag": shown})["idTagInfo"]["status"] == "Invalid"


# Connectors


def test_connector_0_is_the_charger_as_a_whole(talk: Talk) -> None:
    talk.say("StatusNotification", {"connectorId": 0, "errorCode": "NoError", "status": "Unavailable"})
    states = {it.connector: it.status for it in talk.kit.connectors.of_charger("CP-1")}
    assert states[ConnectorId(0)] is ConnectorStatus.UNAVAILABLE


def test_a_connector_never_declared_is_noted(talk: Talk) -> None:
    talk.say("StatusNotification", {"connectorId": 3, "errorCode": "NoError", "status": "Available"})
    assert ConnectorId(3) in [it.connector for it in talk.kit.connectors.of_charger("CP-1")]


def test_connector_1634030126_hurts_nobody(talk: Talk) -> None:
    status = {"errorCode": "NoError", "status": "Available"}
    for number in range(1_634_030_000, 1_634_030_126):
        talk.say("StatusNotification", {"connectorId": number, **status})
    assert len(talk.kit.connectors.of_charger("CP-1")) == 2
    ref = talk.start(connectorId=1_634_030_126)
    talk.kit.clock.advance(hours=1)
    talk.stop(ref)
    assert talk.measured().energy_wh == 2000


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("SuspendedEV", ConnectorStatus.SUSPENDED_BY_CAR),
        ("SuspendedEVSE", ConnectorStatus.SUSPENDED_BY_CHARGER),
        ("Finishing", ConnectorStatus.FINISHING),
    ],
)
def test_a_pause_is_no_end(talk: Talk, word: str, status: ConnectorStatus) -> None:
    talk.start()
    talk.kit.clock.advance(minutes=10)
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": word})
    assert talk.kit.connectors.of_charger("CP-1")[0].status is status
    assert talk.the_session().state is State.ACTIVE


def test_a_station_of_2_0_1_tells_the_pause_with_the_transaction(talk201: Talk) -> None:
    event(talk201, "Started", 0, idToken=CARD201)
    info = {"transactionId": "tx-1", "chargingState": "SuspendedEV"}
    event(talk201, "Updated", 1, transactionInfo=info, triggerReason="ChargingStateChanged")
    assert talk201.kit.connectors.of_charger("CP-1")[0].status is ConnectorStatus.SUSPENDED_BY_CAR


def test_a_charger_that_reboots_mid_session_and_goes_on_keeps_the_session(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(minutes=10)
    talk.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
    talk.read(2000, transactionId=ref)
    assert talk.the_session().state is State.ACTIVE


def test_a_charger_that_reboots_mid_session_and_forgets_it_frees_the_connector_and_bills_what_is_known(
    talk: Talk,
) -> None:
    kit = talk.kit
    ref = talk.start()
    kit.clock.advance(minutes=10)
    talk.read(2000, transactionId=ref)
    talk.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    assert talk.the_session().state is State.STOPPING
    assert kit.connectors.claim("CP-1", ConnectorId(1), "the-next-driver")
    kit.clock.advance(minutes=11)
    kit.lifecycle.sweep()
    session = talk.the_session()
    assert (session.energy_wh, session.reason, set(session.flags)) == (
        1000,
        Reason.CHARGER_LOST,
        {Flag.END_UNKNOWN, Flag.METER_MISSING},
    )


def test_a_stop_that_comes_after_all_corrects_an_end_that_was_only_inferred(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(minutes=10)
    talk.read(2000, transactionId=ref)
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    talk.kit.clock.advance(minutes=11)
    talk.kit.lifecycle.sweep()
    assert talk.the_session().energy_wh == 1000
    talk.stop(ref, 2500)
    facts = talk.kit.transactions.get("CP-1", str(ref))
    assert facts is not None
    assert facts.meter_stop_wh == 2500
    session = talk.measured()
    assert (session.energy_wh, session.reason, set(session.flags)) == (1500, None, set())


def test_available_right_after_a_start_is_older_than_the_start(talk: Talk) -> None:
    talk.start()
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    assert talk.the_session().state is State.ACTIVE


# Frames


@pytest.mark.parametrize(
    "text",
    ["", "hello", "{}", "[]", "[2]", '[2,"1"]', "[" * 5000, '[9,"1","x",{}]', "\x00\x01", '"' + "x" * 100_000 + '"'],
)
def test_what_is_no_frame_is_refused_by_name_and_journalled(talk: Talk, text: str) -> None:
    answer = json.loads(talk.say_text(text) or "null")
    assert (answer[0], answer[2]) in ((4, "FormationViolation"), (4, "ProtocolError"))
    entry = talk.newest_entry()
    assert entry.result.startswith(("RpcFrameworkError", "FormatViolation", "MessageTypeNotSupported"))
    assert len(entry.payload) <= 1000


def test_an_answer_nobody_asked_for_is_journalled_and_not_answered(talk: Talk) -> None:
    for text in ('[3,"nobody",{"status":"Accepted"}]', '[4,"nobody","GenericError","",{}]'):
        assert talk.say_text(text) is None
        assert talk.newest_entry().result == "nobody waits for this"


def test_a_late_answer_is_still_recorded_and_says_that_it_is_late(talk: Talk) -> None:
    call = talk.kit.commands.send("CP-1", StopCharging("7"), Purpose.OPERATOR)
    talk.kit.clock.advance(minutes=5)
    talk.say_text(f'[3,"{call.message_id}",{{"status":"Accepted"}}]')
    answered = talk.kit.calls.get("CP-1", call.message_id)
    assert answered is not None
    assert answered.result == CommandResult(verdict=Verdict.ACCEPTED, detail="Accepted", data={"status": "Accepted"})
    assert talk.newest_entry().result == "accepted (late): Accepted"


def test_a_second_call_before_the_first_is_answered_is_answered_too(talk: Talk) -> None:
    """Each frame is a process of its own: here the second is handled while the first is still in hand."""
    heard: Iterator[dict[str, Any]] = iter(())
    original = talk.kit.transactions.record

    def meanwhile(facts: Transaction) -> Transaction:
        nonlocal heard
        talk.kit.transactions.record = original  # type: ignore[method-assign]
        heard = iter([talk.say("Heartbeat", {})])
        talk.read(1500)
        return original(facts)

    talk.kit.transactions.record = meanwhile  # type: ignore[method-assign]
    talk.start()
    assert "currentTime" in next(heard)
    assert talk.the_session().state is State.ACTIVE


def test_two_readings_of_the_same_second_are_one_meter_rising(talk: Talk) -> None:
    ref = talk.start()
    for wh in (1700, 1500, 1600):
        talk.say(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": ref,
                "meterValue": [{"timestamp": "2026-11-21T09:31:00Z", "sampledValue": [{"value": str(wh)}]}],
            },
        )
    talk.stop(ref, 2500)
    assert talk.kit.lifecycle.metering.measured(talk.the_session()).energy_wh == 1000 + 500
