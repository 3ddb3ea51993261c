"""What a charger is told of a card is true of that card, for it keeps it; and what it says of itself is heeded."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.chargers.commands import ReadSettings, Verdict
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus, NewsReceived, ReportKind, Topic
from chalicelib.domain.reservations import Keeper, ReservationStatus
from chalicelib.records.chargers import ConnectorState
from chalicelib.records.drivers import Token
from chalicelib.services.chargers.remote_control import is_whole
from tests.services.charging.test_quirks import CARD201, Talk, event, meter
from tests.services.conftest import CARD, NOW, Kit

BLOCKED = "B10C"


def card201(uid: str, kind: str = "ISO14443") -> dict[str, str]:
    return {"idToken": uid, "type": kind}


@pytest.fixture
def kit(kit: Kit) -> Kit:
    kit.tokens.put(Token(uid=BLOCKED, operator_id="op", driver_id="driver-1", blocked=True), NOW)
    return kit


@pytest.mark.parametrize(("shown", "status"), [(CARD, "Accepted"), (BLOCKED, "Blocked"), ("NOBODY", "Invalid")])
def test_a_card_shown_at_the_end_is_told_its_own_standing(kit: Kit, shown: str, status: str) -> None:
    talk = Talk(kit, "ocpp1.6")
    transaction_id = talk.start()
    assert talk.stop(transaction_id, idTag=shown) == {"idTagInfo": {"status": status}}
    assert talk.the_session().stopped_at is not None, "whoever shows it, the charge has ended"


@pytest.mark.parametrize(("shown", "status"), [(CARD, "Accepted"), (BLOCKED, "Blocked"), ("NOBODY", "Unknown")])
def test_a_card_shown_at_a_2x_end_is_told_its_own_standing(kit: Kit, shown: str, status: str) -> None:
    talk = Talk(kit, "ocpp2.0.1")
    event(talk, "Started", 0, idToken=CARD201, meterValue=meter(100))
    answer = event(talk, "Ended", 1, idToken=card201(shown), meterValue=meter(600))
    assert answer["idTokenInfo"] == {"status": status}


@pytest.mark.parametrize("token", ["", "button"])
def test_who_starts_without_showing_anything_is_accepted(kit: Kit, token: str) -> None:
    talk = Talk(kit, "ocpp2.0.1")
    nobody = card201(token, "NoAuthorization")
    assert talk.say("Authorize", {"idToken": nobody})["idTokenInfo"] == {"status": "Accepted"}
    assert event(talk, "Started", 0, idToken=nobody)["idTokenInfo"] == {"status": "Accepted"}


def test_a_card_that_has_expired_begins_nothing_and_one_that_will_says_when(kit: Kit) -> None:
    talk, talk201 = Talk(kit, "ocpp1.6"), Talk(kit, "ocpp2.0.1")
    card = Token(uid="E1", operator_id="op", driver_id="driver-1", group="G1", expires_at=NOW + timedelta(hours=1))
    kit.tokens.put(card, NOW)
    expires = "2026-11-21T10:30:00.000Z"
    info = {"status": "Accepted", "parentIdTag": "G1", "expiryDate": expires}
    info201 = {
        "status": "Accepted",
        "groupIdToken": {"idToken": "G1", "type": "Central"},
        "cacheExpiryDateTime": expires,
    }
    assert talk.say("Authorize", {"idTag": "E1"}) == {"idTagInfo": info}
    assert talk201.say("Authorize", {"idToken": card201("E1")}) == {"idTokenInfo": info201}
    kit.clock.advance(hours=1)
    assert talk.say("Authorize", {"idTag": "E1"}) == {"idTagInfo": {"status": "Expired"}}
    assert talk201.say("Authorize", {"idToken": card201("E1")})["idTokenInfo"] == {"status": "Expired"}


def test_a_group_is_told_with_the_start_so_that_another_of_it_may_end_the_charge(kit: Kit) -> None:
    kit.tokens.put(Token(uid="E1", operator_id="op", driver_id="driver-1", group="G1"), NOW)
    answer = event(Talk(kit, "ocpp2.0.1"), "Started", 0, idToken=card201("E1"))
    assert answer["idTokenInfo"]["groupIdToken"] == {"idToken": "G1", "type": "Central"}


def test_what_a_charge_costs_is_told_with_the_answer_to_its_end(kit: Kit) -> None:
    talk = Talk(kit, "ocpp2.0.1")
    event(talk, "Started", 0, idToken=CARD201, meterValue=meter(0, context="Transaction.Begin"))
    kit.clock.advance(hours=1)
    values = [{"timestamp": "2026-11-21T10:30:00Z", "sampledValue": [{"value": 10_000, "context": "Transaction.End"}]}]
    answer = event(talk, "Ended", 1, meterValue=values)
    assert Decimal(str(answer["totalCost"])) == Decimal("4.5")


def test_an_operator_sees_which_card_began_a_transaction_and_the_chargers_own_word_for_its_end(kit: Kit) -> None:
    talk = Talk(kit, "ocpp1.6")
    transaction_id = talk.start()
    talk.stop(transaction_id, reason="SoftReset", idTag=BLOCKED)
    facts = kit.remote_control.transaction("op", "CP-1", str(transaction_id)).facts
    assert (facts.token, facts.stop_token, facts.stop_word) == (CARD, BLOCKED, "SoftReset")


@pytest.mark.parametrize(
    ("numbers", "is_complete"), [((0, 1, 2), True), ((2, 0, 1, 1), True), ((0, 2), False), ((1, 2), False)]
)
def test_a_report_is_whole_with_its_last_part_and_all_before_that(
    kit: Kit, numbers: tuple[int, ...], is_complete: bool
) -> None:
    talk = Talk(kit, "ocpp2.0.1")
    for number in numbers:
        talk.say(
            "NotifyReport", {"requestId": 1, "generatedAt": "2026-11-21T09:30:00Z", "seqNo": number, "tbc": number < 2}
        )
    assert is_whole(kit.remote_control.report("op", "CP-1", ReportKind.DEVICE_MODEL, 1)) is is_complete


def test_the_news_of_an_event_says_what_happened_where(kit: Kit) -> None:
    one = {"eventId": 1, "timestamp": "2026-11-21T09:30:00Z", "eventNotificationType": "HardWiredMonitor"}
    calm = one | {"trigger": "Delta", "actualValue": "1", "component": {"name": "A"}, "variable": {"name": "B"}}
    alert = one | {
        "trigger": "Alerting",
        "actualValue": "99",
        "component": {"name": "Connector", "instance": "1"},
        "variable": {"name": "Temperature"},
    }
    generated = {"generatedAt": "2026-11-21T09:30:00Z", "seqNo": 0}
    Talk(kit, "ocpp2.0.1").say("NotifyEvent", generated | {"eventData": [calm, alert]})
    assert [it for it, _ in kit.charger_news.of_charger("CP-1")] == [
        NewsReceived(Topic.DEVICE, "Connector/1.Temperature Alerting 99")
    ]


@pytest.mark.parametrize("word", ["Removed", "Expired"])
def test_a_reservation_its_charger_gave_up_is_kept_by_us_and_one_that_is_over_ends(kit: Kit, word: str) -> None:
    talk = Talk(kit, "ocpp2.0.1")
    plug = ConnectorId(1)
    kit.connectors.set_status("CP-1", ConnectorState(connector=plug, status=ConnectorStatus.AVAILABLE, status_at=NOW))
    made, _ = kit.driver_reservations.make("driver-1", "CP-1", plug, timedelta(0), "k")
    kit.reservations.kept_by(made.reservation_id, Keeper.CHARGER)
    update = {"reservationId": made.number, "reservationUpdateStatus": word}
    talk.say("ReservationStatusUpdate", update | {"reservationId": made.number ^ 1})
    assert kit.driver_reservations.get("driver-1", made.reservation_id).keeper is Keeper.CHARGER
    talk.say("ReservationStatusUpdate", update)
    known = kit.driver_reservations.get("driver-1", made.reservation_id)
    assert (known.standing, known.keeper) == (ReservationStatus.OPEN, Keeper.BACKEND)
    kit.clock.now = known.until
    talk.say("ReservationStatusUpdate", update)
    assert kit.driver_reservations.get("driver-1", made.reservation_id).standing is ReservationStatus.EXPIRED


def obey(kit: Kit, answer: dict[str, Any]) -> list[list[str]]:
    """Answer every request for settings; the names each asked for."""
    asked, seen = [], 0
    while seen < len(kit.link.sent):
        _, message_id, _, payload = json.loads(kit.link.sent[seen])
        seen += 1
        names = payload["key"]
        asked.append(names)
        said = answer or {"configurationKey": [{"key": it, "readonly": False, "value": it.lower()} for it in names]}
        kit.conversation.receive("c-1", json.dumps([3, message_id, said]))
    kit.link.sent.clear()
    return asked


def test_a_charger_is_asked_for_no_more_settings_at_once_than_it_said_it_takes(kit: Kit) -> None:
    limit = {"configurationKey": [{"key": "getconfigurationmaxkeys", "readonly": True, "value": "3"}]}
    kit.remote_control.order("op", "CP-1", ReadSettings(("GetConfigurationMaxKeys",)), None)
    obey(kit, limit)
    names = tuple(f"K{number}" for number in range(8))
    sent = kit.remote_control.order("op", "CP-1", ReadSettings(names), None)
    assert kit.remote_control.fate("op", "CP-1", sent.message_id).result is None
    assert obey(kit, {}) == [["K0", "K1", "K2"], ["K3", "K4", "K5"], ["K6", "K7"]]
    fate = kit.remote_control.fate("op", "CP-1", sent.message_id)
    assert fate.result is not None
    assert fate.result.verdict is Verdict.ACCEPTED
    assert [it["key"] for it in fate.result.data["configurationKey"]] == list(names)


def test_what_a_2x_report_says_of_items_per_message_is_heeded(kit: Kit) -> None:
    talk = Talk(kit, "ocpp2.0.1")
    said = {
        "component": {"name": "DeviceDataCtrlr"},
        "variable": {"name": "ItemsPerMessage", "instance": "GetVariables"},
        "variableAttribute": [{"value": "2"}],
    }
    talk.say("NotifyReport", {"requestId": 1, "generatedAt": "2026-11-21T09:30:00Z", "seqNo": 0, "reportData": [said]})
    kit.remote_control.order("op", "CP-1", ReadSettings(("A.A", "A.B", "A.C")), None)
    assert len(json.loads(kit.link.sent[0])[3]["getVariableData"]) == 2
