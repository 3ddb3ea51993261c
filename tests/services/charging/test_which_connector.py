"""A session is where its car is, a connector's status is what it does now, and what is over lets go of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.commands import CommandResult, ReadSettings, Verdict
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Reason, Session, State
from chalicelib.domain.charging.transitions import StartFailed
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.records.chargers import Purpose
from chalicelib.services.access import Refusal
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.services.charging.test_quirks import CARD201, Talk, event, meter, told
from tests.services.conftest import NOW, Kit, sent_call

ONE, TWO = ConnectorId(1), ConnectorId(2)
APP = "KAAAAAAAAAAAAAAAAAAA"


def authorization(kit: Kit, connector: ConnectorId) -> str | None:
    return next(it.session_id for it in kit.connectors.of_charger("CP-1") if it.connector == connector)


def status_of(kit: Kit, connector: ConnectorId = ONE) -> ConnectorStatus:
    return next(it.status for it in kit.connectors.of_charger("CP-1") if it.connector == connector)


def status(talk: Talk, word: str, connector: int = 1, **more: Any) -> None:
    talk.say("StatusNotification", {"connectorId": connector, "errorCode": "NoError", "status": word, **more})


def boot(talk: Talk) -> None:
    talk.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})


def card_session(kit: Kit, ref: object) -> Session:
    return kit.session(session_id_for("transaction", "CP-1", str(ref)))


# A start that lands elsewhere


def test_a_start_that_lands_on_another_connector_takes_its_session_there(talk: Talk) -> None:
    kit = talk.kit
    kit.app_session()
    ref = talk.start(connectorId=2, idTag=APP)
    assert kit.session(APP).connector == TWO
    assert (authorization(kit, ONE), authorization(kit, TWO)) == (None, APP)
    with pytest.raises(Refusal, match="in use"):
        kit.driver_sessions.begin("driver-1", Wanted("CP-1", TWO), None)
    kit.clock.advance(hours=1)
    talk.stop(ref)
    kit.lifecycle.settle(APP, "token-payment")
    assert authorization(kit, TWO) is None


def test_a_move_cut_short_by_a_crash_is_made_whole_by_the_same_message(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = talk.kit
    kit.app_session()

    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patched:
        patched.setattr(kit.sessions, "save", crash)
        with pytest.raises(AssertionError):
            talk.start(connectorId=2, idTag=APP)
    talk.start(connectorId=2, idTag=APP)
    assert (kit.session(APP).connector, authorization(kit, ONE), authorization(kit, TWO)) == (TWO, None, APP)


def test_two_sessions_whose_charger_takes_each_for_the_other_keep_their_own_plugs(talk: Talk) -> None:
    kit = talk.kit
    kit.app_session()
    other = replace(kit.session(APP), session_id="KBBBBBBBBBBBBBBBBBBB", connector=TWO, token="KBBBBBBBBBBBBBBBBBBB")
    assert kit.sessions.add(other)
    assert kit.connectors.claim("CP-1", TWO, other.session_id)
    talk.start(connectorId=2, idTag=APP)
    talk.start(connectorId=1, idTag=other.token, meterStart=500)
    assert (authorization(kit, ONE), authorization(kit, TWO)) == (other.session_id, APP)
    assert {kit.session(it).state for it in (APP, other.session_id)} == {State.ACTIVE}


def test_a_card_that_starts_where_another_only_asked_to_has_the_connector(talk: Talk) -> None:
    kit = talk.kit
    kit.app_session()
    kit.clock.advance(seconds=20)
    ref = talk.start()
    assert authorization(kit, ONE) == card_session(kit, ref).session_id


def test_an_evse_told_after_the_start_takes_the_session_there(talk201: Talk) -> None:
    kit = talk201.kit
    event(talk201, "Started", 0, idToken=CARD201, evse=None)
    info = {"transactionId": "tx-1", "chargingState": "EVConnected"}
    event(talk201, "Updated", 1, evse={"id": 2, "connectorId": 1}, transactionInfo=info)
    session = talk201.the_session()
    assert (session.connector, authorization(kit, TWO)) == (TWO, session.session_id)
    info = {"transactionId": "tx-1", "chargingState": "Charging"}
    event(talk201, "Updated", 2, evse=None, transactionInfo=info, triggerReason="ChargingStateChanged")
    assert status_of(kit, TWO) is ConnectorStatus.CHARGING
    with pytest.raises(Refusal, match="in use"):
        kit.driver_sessions.begin("driver-1", Wanted("CP-1", TWO), None)


def test_an_evse_told_anew_takes_the_session_from_the_one_told_first_whatever_overtakes(talk201: Talk) -> None:
    kit = talk201.kit
    event(talk201, "Started", 0, idToken=CARD201)
    event(talk201, "Updated", 2, evse={"id": 2, "connectorId": 1})
    event(talk201, "Updated", 1, evse={"id": 1, "connectorId": 1})
    session = talk201.the_session()
    assert (session.connector, authorization(kit, ONE), authorization(kit, TWO)) == (TWO, None, session.session_id)


def test_an_evse_told_without_its_connector_moves_nobody(talk201: Talk) -> None:
    event(talk201, "Started", 0, idToken=CARD201, evse={"id": 1, "connectorId": 2})
    event(talk201, "Updated", 1, evse={"id": 1})
    assert talk201.the_session().connector == ConnectorId(1, 2)


def test_a_new_charge_on_a_connector_ends_one_whose_end_was_never_told(talk: Talk) -> None:
    kit = talk.kit
    first = talk.start()
    kit.clock.advance(minutes=30)
    talk.read(4000, transactionId=first)
    kit.clock.advance(minutes=30)
    second = talk.start(meterStart=5000)
    assert card_session(kit, first).left_at == kit.clock.now
    assert authorization(kit, ONE) == card_session(kit, second).session_id
    kit.clock.advance(minutes=11)
    kit.lifecycle.sweep()
    ended = card_session(kit, first)
    assert (ended.energy_wh, ended.reason, Flag.END_UNKNOWN in ended.flags) == (3000, Reason.CHARGER_LOST, True)
    assert card_session(kit, second).state is State.ACTIVE
    assert not [it for it in kit.link.sent if "RemoteStop" in it]


def test_a_charge_told_late_does_not_take_the_connector_from_the_one_that_came_after_it(talk: Talk) -> None:
    kit = talk.kit
    kit.clock.advance(hours=5)
    second = talk.start(meterStart=5000)
    first = talk.start(timestamp=told(NOW))
    assert authorization(kit, ONE) == card_session(kit, second).session_id
    assert card_session(kit, second).state is State.ACTIVE
    assert card_session(kit, first).left_at is not None
    talk.stop(first, 4000, timestamp=told(NOW + timedelta(hours=1)))
    assert (card_session(kit, first).energy_wh, card_session(kit, first).is_end_inferred) == (3000, False)


# What a connector does now


@pytest.mark.parametrize("offline", [True, False])
def test_a_charge_told_after_an_outage_is_no_news_of_its_connector(talk201: Talk, offline: bool) -> None:
    kit = talk201.kit
    kit.clock.advance(hours=3)
    now = {"timestamp": told(kit.clock.now), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    talk201.say("StatusNotification", now)
    kit.clock.advance(seconds=5)
    info = {"transactionId": "tx-1", "chargingState": "Charging"}
    old: dict[str, Any] = {"transactionInfo": info, "offline": offline, "triggerReason": "ChargingStateChanged"}
    event(talk201, "Started", 0, idToken=CARD201, meterValue=meter(1000), **old, timestamp=told(NOW))
    event(talk201, "Updated", 1, **old, timestamp=told(NOW + timedelta(minutes=30)))
    event(talk201, "Ended", 2, offline=offline, meterValue=meter(3000), timestamp=told(NOW + timedelta(hours=1)))
    assert status_of(kit) is ConnectorStatus.AVAILABLE
    assert talk201.measured().energy_wh == 2000


def test_an_older_status_that_comes_late_does_not_undo_a_newer_one(talk: Talk) -> None:
    kit = talk.kit
    status(talk, "Faulted", timestamp=told(NOW))
    kit.clock.advance(seconds=10)
    status(talk, "Available", timestamp=told(NOW - timedelta(hours=1)))
    assert status_of(kit) is ConnectorStatus.FAULTED
    status(talk, "Available", timestamp=told(NOW + timedelta(seconds=5)))
    assert status_of(kit) is ConnectorStatus.AVAILABLE


def test_an_old_available_does_not_end_a_charge(talk: Talk) -> None:
    kit = talk.kit
    status(talk, "Charging", timestamp=told(NOW))
    talk.start()
    kit.clock.advance(minutes=10)
    status(talk, "Available", timestamp=told(NOW - timedelta(hours=1)))
    assert talk.the_session().state is State.ACTIVE


@pytest.mark.parametrize("wrong", ["1970-01-01T00:00:01Z", told(NOW + timedelta(hours=2)), "soon", None])
def test_a_status_whose_time_cannot_be_right_counts_by_its_arrival(talk: Talk, wrong: str | None) -> None:
    kit = talk.kit
    for known, word in ((wrong, "Faulted"), (told(NOW), "Available"), (wrong, "Faulted")):
        kit.clock.advance(seconds=1)
        more: dict[str, Any] = {"timestamp": known} if known else {}
        status(talk, word, **more)
    assert status_of(kit) is ConnectorStatus.FAULTED


# What is over lets go


def test_a_charge_lost_in_its_first_minute_is_found_by_the_sweep(talk: Talk) -> None:
    kit = talk.kit
    talk.start()
    kit.clock.advance(seconds=20)
    status(talk, "Available")
    assert talk.the_session().state is State.ACTIVE
    kit.clock.advance(minutes=2)
    kit.lifecycle.sweep()
    assert (talk.the_session().state, authorization(kit, ONE)) == (State.STOPPING, None)
    kit.clock.advance(minutes=11)
    kit.lifecycle.sweep()
    assert talk.the_session().stopped_at is not None


def test_a_charge_that_goes_on_after_an_available_that_was_older_is_left_alone(talk: Talk) -> None:
    kit = talk.kit
    ref = talk.start()
    status(talk, "Available")
    kit.clock.advance(seconds=30)
    talk.read(1100, transactionId=ref)
    kit.clock.advance(minutes=2)
    kit.lifecycle.sweep()
    session = talk.the_session()
    assert (session.state, session.seen_free_at) == (State.ACTIVE, None)


@pytest.mark.parametrize("word", ["Available", "Preparing"])
@pytest.mark.parametrize("after", [timedelta(seconds=20), timedelta(minutes=20)])
def test_a_charger_that_reboots_into_waiting_for_a_car_has_lost_its_charge(
    talk: Talk, word: str, after: timedelta
) -> None:
    kit = talk.kit
    ref = talk.start()
    kit.clock.advance(seconds=after.total_seconds())
    boot(talk)
    status(talk, word)
    assert talk.the_session().state is State.STOPPING
    session, _ = kit.driver_sessions.begin("driver-1", Wanted("CP-1", ONE), None)
    assert authorization(kit, ONE) == session.session_id
    talk.stop(ref, 1400, reason="PowerLoss")
    ended = card_session(kit, ref)
    assert (ended.energy_wh, set(ended.flags), ended.is_end_inferred) == (400, set(), False)


def test_preparing_without_a_reboot_ends_nothing(talk: Talk) -> None:
    talk.start()
    talk.kit.clock.advance(minutes=5)
    status(talk, "Preparing")
    assert talk.the_session().state is State.ACTIVE


def test_a_charger_that_reboots_and_takes_its_charge_up_again_keeps_the_session(talk: Talk) -> None:
    kit = talk.kit
    ref = talk.start()
    kit.clock.advance(minutes=20)
    boot(talk)
    status(talk, "Preparing")
    kit.clock.advance(minutes=2)
    talk.read(3000, transactionId=ref)
    session = talk.the_session()
    assert (session.state, session.left_at, session.stop_requested_at) == (State.ACTIVE, None, None)
    assert authorization(kit, ONE) == session.session_id
    kit.clock.advance(hours=1)
    talk.stop(ref, 9000)
    assert talk.measured().energy_wh == 8000


def test_a_session_whose_charger_never_comes_back_is_settled_by_what_is_proven(talk: Talk) -> None:
    kit = talk.kit
    ref = talk.start()
    kit.clock.advance(minutes=30)
    talk.read(4000, transactionId=ref)
    charger = kit.chargers.get("CP-1")
    connection = kit.sockets.connection(talk.connection_id)
    assert charger is not None
    assert connection is not None
    kit.sockets.closed(connection)
    for _ in range(11):
        kit.clock.advance(hours=2, minutes=2)
        kit.lifecycle.sweep()
        assert talk.the_session().state is State.ACTIVE
    kit.clock.advance(hours=2, minutes=2)
    kit.lifecycle.sweep()
    session = talk.the_session()
    assert (session.energy_wh, session.reason) == (3000, Reason.CHARGER_LOST)
    assert Flag.END_UNKNOWN in session.flags


def test_a_long_charge_of_a_charger_that_is_there_is_left_alone(talk: Talk) -> None:
    kit = talk.kit
    talk.start()
    for _ in range(20):
        kit.clock.advance(hours=2, minutes=2)
        kit.lifecycle.sweep()
    assert talk.the_session().state is State.ACTIVE
    kit.clock.advance(minutes=30)
    assert kit.lifecycle.sweep() == 0


# By hand, and afterwards


def test_an_operator_settles_a_session_by_hand_and_it_shows_who_and_why(talk: Talk) -> None:
    kit = talk.kit
    ref = talk.start()
    kit.clock.advance(minutes=30)
    talk.read(4000, transactionId=ref)
    session_id = talk.the_session().session_id
    for _ in range(2):
        kit.hand_settlement.settle("op", session_id, "operator-1", "the charger burnt down")
    session = kit.session(session_id)
    assert session.by_hand is not None
    assert (session.by_hand.by, session.by_hand.note) == ("operator-1", "the charger burnt down")
    assert (session.energy_wh, Flag.END_UNKNOWN in session.flags, authorization(kit, ONE)) == (3000, True, None)
    kit.lifecycle.settle(session_id, "token-payment")
    assert kit.session(session_id).bill is not None


def test_an_operator_ends_no_session_of_anothers_and_none_that_is_over(kit: Kit) -> None:
    session = kit.app_session()
    with pytest.raises(Exception, match="session"):
        kit.hand_settlement.settle("another", session.session_id, "x", "y")
    kit.changes.apply(session.session_id, StartFailed(Reason.CANCELLED, NOW))
    with pytest.raises(Refusal, match="over"):
        kit.hand_settlement.settle("op", session.session_id, "x", "y")


def test_a_driver_may_have_the_connector_unlocked_once_the_session_has_ended(talk: Talk) -> None:
    kit = talk.kit
    kit.app_session()
    ref = talk.start(idTag=APP)
    kit.clock.advance(hours=1)
    with pytest.raises(Refusal, match="end the session"):
        kit.cable_release.unlock("driver-1", APP, 0)
    talk.stop(ref)
    with pytest.raises(Exception, match="session"):
        kit.cable_release.unlock("driver-2", APP, 0)
    call = kit.cable_release.unlock("driver-1", APP, 0)
    assert (call.action, call.purpose) == ("UnlockConnector", Purpose.UNLOCK)
    kit.lifecycle.settle(APP, "token-payment")
    kit.clock.advance(minutes=1)
    assert kit.cable_release.unlock("driver-1", APP, 0).action == "UnlockConnector"
    kit.clock.advance(minutes=1)
    talk.start(meterStart=3000)
    with pytest.raises(Refusal):
        kit.cable_release.unlock("driver-1", APP, 0)


# How long a start is waited for


@pytest.mark.parametrize(("told_s", "wait_s"), [("120", 130), ("0", 60), ("none", 60), ("86400", 900)])
def test_a_start_is_waited_for_as_long_as_the_charger_waits_for_the_car(talk: Talk, told_s: str, wait_s: int) -> None:
    kit = talk.kit
    call = kit.commands.send("CP-1", _read_settings(), Purpose.OPERATOR)
    answer = {"configurationKey": [{"key": "ConnectionTimeOut", "readonly": False, "value": told_s}]}
    kit.conversation.receive(talk.connection_id, _result(call.message_id, answer))
    session, _ = kit.driver_sessions.begin("driver-1", Wanted("CP-1", ONE), None)
    assert session.start_wait_s == wait_s


def test_a_2_0_1_charger_tells_the_same_by_a_variable(talk201: Talk) -> None:
    kit = talk201.kit
    call = kit.commands.send("CP-1", _read_settings("TxCtrlr.EVConnectionTimeOut"), Purpose.OPERATOR)
    result = {
        "attributeStatus": "Accepted",
        "attributeValue": "90",
        "component": {"name": "TxCtrlr"},
        "variable": {"name": "EVConnectionTimeOut"},
    }
    kit.conversation.receive(talk201.connection_id, _result(call.message_id, {"getVariableResult": [result]}))
    session, _ = kit.driver_sessions.begin("driver-1", Wanted("CP-1", ONE), None)
    assert session.start_wait_s == 100


def test_a_start_that_is_still_waited_for_is_not_given_up_by_the_sweep(kit: Kit) -> None:
    kit.charger_news.note_plug_in("CP-1", 600)
    session, _ = kit.driver_sessions.begin("driver-1", Wanted("CP-1", ONE), None)
    kit.clock.advance(minutes=12)
    kit.lifecycle.sweep()
    assert kit.session(session.session_id).state is State.INITIATED
    kit.clock.advance(minutes=6)
    kit.lifecycle.sweep()
    assert kit.session(session.session_id).state is State.FAILED


def test_the_charger_waits_and_the_start_is_one_session_and_one_hold(talk: Talk) -> None:
    kit = talk.kit
    session = kit.app_session()
    kit.lifecycle.place_hold(session.session_id, "token-hold")
    kit.lifecycle.start_charging(session.session_id, "token-start")
    call = sent_call(Purpose.START, session.session_id)
    kit.charging.start_answered(call, CommandResult(verdict=Verdict.ACCEPTED, detail="Accepted"))
    kit.clock.advance(seconds=100)
    talk.start(idTag=APP)
    assert talk.the_session().session_id == APP
    assert len(kit.money.held) == 1


def _read_settings(*names: str) -> Any:
    return ReadSettings(names)


def _result(message_id: str, payload: dict[str, Any]) -> str:
    return json.dumps([3, message_id, payload])
