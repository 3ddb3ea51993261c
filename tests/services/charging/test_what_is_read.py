"""What a charger's meter values become: one reading a moment, a register of the beginning, the station's own meter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.session import State
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.records.chargers import MainMeter
from tests.services.charging.test_quirks import CARD201, Talk, event, told
from tests.services.conftest import CARD, NOW

ENERGY = "Energy.Active.Import.Register"


def meter201(talk: Talk, value: int, **more: Any) -> list[dict[str, Any]]:
    return [{"timestamp": told(talk.kit.clock.now), "sampledValue": [{"value": value, **more}]}]


def readings(talk: Talk) -> list[Reading]:
    session = talk.the_session()
    return [it.reading for it in talk.kit.readings.after("CP-1", session.ref or "", "", 100)]


def test_a_transactions_first_register_may_come_after_its_start(talk201: Talk) -> None:
    """EVerest/EVerest#611, EVerest/libocpp#546: TxStartPoint EVConnected, no meter value in Started."""
    event(talk201, "Started", 0, idToken=CARD201)
    talk201.kit.clock.advance(minutes=2)
    event(talk201, "Updated", 1, meterValue=meter201(talk201, 1000, context="Transaction.Begin"))
    assert talk201.the_session().meter_start_wh == 1000
    talk201.kit.clock.advance(minutes=30)
    event(talk201, "Updated", 2, meterValue=meter201(talk201, 3000))
    event(talk201, "Ended", 3, meterValue=meter201(talk201, 3500, context="Transaction.End"))
    session = talk201.measured()
    assert (session.energy_wh, session.flags) == (2500, frozenset())


def test_the_register_of_the_beginning_may_come_before_the_start_and_after_the_end(talk201: Talk) -> None:
    begun = meter201(talk201, 1000, context="Transaction.Begin")
    talk201.kit.clock.advance(minutes=1)
    event(talk201, "Updated", 1, meterValue=begun)
    event(talk201, "Started", 0, idToken=CARD201)
    assert talk201.the_session().meter_start_wh == 1000

    event(talk201, "Started", 0, ref="tx-2", idToken=CARD201)
    talk201.kit.clock.advance(minutes=30)
    event(talk201, "Ended", 2, ref="tx-2", meterValue=meter201(talk201, 3500, context="Transaction.End"))
    event(talk201, "Updated", 1, ref="tx-2", meterValue=begun)
    sessions, _ = talk201.kit.sessions.of_operator("op", 10, None, flagged=False)
    (second,) = [it for it in sessions if it.ref == "tx-2"]
    assert (second.state, second.meter_start_wh) == (State.STOPPING, 1000)


def test_what_repeats_the_beginning_is_no_reading(talk: Talk) -> None:
    """lbbrhzn/ocpp#1838, with a message for each."""
    ref = talk.start(meterStart=157440)
    talk.kit.clock.advance(minutes=10)
    talk.read({"value": "159000", "context": "Sample.Periodic"}, transactionId=ref)
    talk.read({"value": "157440", "context": "Transaction.Begin"}, transactionId=ref)
    assert [it.energy_wh for it in readings(talk)] == [159000]


def test_a_beginning_other_than_the_one_told_is_a_reading_of_that_time(talk: Talk) -> None:
    """evcc-io/evcc#29656: the meter was not read yet when the charge began."""
    ref = talk.start(meterStart=0)
    talk.kit.clock.advance(minutes=10)
    for value in ("301000", "302000"):
        begun = {"value": "300200", "context": "Transaction.Begin"}
        talk.read({"value": value}, begun, transactionId=ref)
        talk.kit.clock.advance(minutes=10)
    assert [(it.at - NOW, it.energy_wh) for it in readings(talk)] == [
        (timedelta(), 300200),
        (timedelta(minutes=10), 301000),
        (timedelta(minutes=20), 302000),
    ]


def test_firmware_that_calls_every_sample_the_beginning_is_read_all_the_same(talk: Talk) -> None:
    ref = talk.start(meterStart=1000)
    for value in ("1000", "1500", "2000"):
        talk.kit.clock.advance(minutes=10)
        talk.read({"value": value, "context": "Transaction.Begin"}, transactionId=ref)
    assert [it.energy_wh for it in readings(talk)] == [1500, 2000]


def test_a_message_for_each_measurand_makes_one_reading(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(minutes=10)
    for sample in (
        {"value": " 3500.0", "measurand": ENERGY},
        {"value": "7200", "measurand": "Power.Active.Import"},
        {"value": "31", "measurand": "Current.Import"},
    ):
        talk.read(sample, transactionId=ref)
    at = talk.kit.clock.now
    assert readings(talk) == [Reading(at=at, energy_wh=3500, power_w=7200, soc_percent=None, current_ma=31_000)]
    talk.kit.clock.advance(seconds=2)
    talk.read({"value": "7300", "measurand": "Power.Active.Import"}, transactionId=ref)
    (newest,) = talk.kit.readings.newest("CP-1", str(ref))
    assert newest.reading == Reading(
        at=talk.kit.clock.now, energy_wh=3500, power_w=7300, soc_percent=None, current_ma=31_000
    )


@pytest.mark.parametrize("transaction", [{}, {"transactionId": None}, {"transactionId": 0}, {"transactionId": -1}])
def test_the_stations_own_meter_is_kept_for_the_charger_and_joins_no_session(
    talk: Talk, transaction: dict[str, Any]
) -> None:
    """matth-x/MicroOcpp#66, lbbrhzn/ocpp#1742."""
    ref = talk.start()
    talk.kit.clock.advance(minutes=10)
    talk.read(3000, transactionId=ref)
    at = talk.kit.clock.now
    by_phase = [{"value": "20", "measurand": "Current.Import", "phase": phase} for phase in ("L1", "L2", "L3")]
    talk.read({"value": "91234567", "context": "Sample.Clock"}, *by_phase, connectorId=0, **transaction)
    talk.kit.clock.advance(minutes=1)
    talk.read({"value": "14000", "measurand": "Power.Active.Import"}, connectorId=0, **transaction)
    assert [it.energy_wh for it in readings(talk)] == [3000]
    assert talk.kit.charger_news.main_meter("CP-1") == MainMeter(
        energy_wh=91234567,
        energy_at=at,
        power_w=14000,
        power_at=talk.kit.clock.now,
        current_ma=60_000,
        phase_currents_ma=(20_000, 20_000, 20_000),
        current_at=at,
    )


def test_an_older_word_of_the_stations_meter_is_no_news_and_a_clock_ahead_shuts_nothing_out(talk201: Talk) -> None:
    def read(value: int, minutes: int) -> None:
        at = told(talk201.kit.clock.now + timedelta(minutes=minutes))
        meter_value = [{"timestamp": at, "sampledValue": [{"value": value}]}]
        talk201.say("MeterValues", {"evseId": 0, "meterValue": meter_value})

    def known() -> int | None:
        found = talk201.kit.charger_news.main_meter("CP-1")
        return found.energy_wh if found else None

    assert known() is None
    read(5000, 0)
    read(4000, -30)
    assert known() == 5000
    read(6000, 60 * 24 * 365)
    talk201.kit.clock.advance(minutes=1)
    read(7000, 0)
    assert known() == 7000


def test_what_the_meter_signed_is_kept_with_its_transaction_in_order(talk: Talk) -> None:
    def signed(context: str) -> dict[str, Any]:
        return {"value": f"OCMF|{context}|" + "0" * 50, "format": "SignedData", "context": context}

    ref = talk.start()
    talk.kit.clock.advance(minutes=10)
    for _ in range(2):
        talk.read(2000, signed("Sample.Periodic"), transactionId=ref)
    began = [{"timestamp": told(NOW), "sampledValue": [signed("Transaction.Begin")]}]
    ended = [{"timestamp": told(talk.kit.clock.now), "sampledValue": [signed("Transaction.End")]}]
    talk.stop(ref, transactionData=began + ended)
    session_id = talk.the_session().session_id
    found, cursor = talk.kit.remote_control.signed("op", session_id, 10, "")
    assert sorted(it.context for it in found) == ["Sample.Periodic", "Transaction.Begin", "Transaction.End"]
    assert found[0].context == "Transaction.Begin"
    assert cursor is None
    first, cursor = talk.kit.remote_control.signed("op", session_id, 1, "")
    rest, end = talk.kit.remote_control.signed("op", session_id, 1, cursor or "")
    assert [*first, *rest] == list(found)
    assert end is None
    assert [it.energy_wh for it in readings(talk)] == [2000]


def test_a_signed_value_alone_makes_no_number(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(minutes=10)
    talk.read({"value": "OCMF|1500|", "format": "SignedData"}, transactionId=ref)
    assert talk.kit.readings.newest("CP-1", str(ref)) == []


def test_2x_keeps_what_was_signed_at_the_start_too(talk201: Talk) -> None:
    signed = {"signedMeterData": "b2NtZg==", "encodingMethod": "OCMF", "signingMethod": "", "publicKey": ""}
    begun = meter201(talk201, 1000, context="Transaction.Begin", signedMeterValue=signed)
    event(talk201, "Started", 0, idToken=CARD201, meterValue=begun)
    session = talk201.the_session()
    found, _ = talk201.kit.remote_control.signed("op", session.session_id, 10, "")
    assert [it.context for it in found] == ["Transaction.Begin"]
    assert '"b2NtZg=="' in found[0].sample
    assert Flag.METER_MISSING not in session.flags
    assert session.token == CARD
