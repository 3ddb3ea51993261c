"""A card may run as many charges at once as its operator says; a master pass ends any charge and begins none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.setup_profile import SetupProfile
from chalicelib.domain.charging.session import Origin, Reason, Session, State
from chalicelib.records.chargers import Charger, Connection
from chalicelib.records.drivers import Token
from tests.services.charging.test_quirks import CARD201, Talk, event, told
from tests.services.conftest import CARD, NOW, Kit

MASTER, MATE = "5EC0", "3A7E"


def card201(uid: str) -> dict[str, str]:
    return {"idToken": uid, "type": "ISO14443"}


def rule(kit: Kit, most: int | None = 1, **by_group: int) -> None:
    kit.setups.put_profile("op", SetupProfile(charges_per_token=most, charges_per_token_by_group=by_group))


def elsewhere(kit: Kit, card: str = CARD, connector: int = 1) -> str:
    """A charge under that card at another charger of the operator; returns its status."""
    if kit.chargers.get("CP-2") is None:
        kit.chargers.put(
            Charger(
                charger_id="CP-2",
                operator_id="op",
                site_id="harbour",
                password_hash="scrypt$",
                connectors=(ConnectorId(1), ConnectorId(2)),
            )
        )
    talk = Talk(kit, "ocpp1.6")
    talk.connection_id = "c-2"
    kit.sockets.opened(Connection(connection_id="c-2", charger_id="CP-2", operator_id="op", protocol="ocpp1.6"), NOW)
    start = {"connectorId": connector, "idTag": card, "meterStart": 0, "timestamp": told(NOW)}
    answer = talk.say("StartTransaction", start)
    kit.clock.advance(minutes=1)
    return str(answer["idTagInfo"]["status"])


def start16(kit: Kit, talk: Talk, **more: Any) -> dict[str, Any]:
    payload = {"connectorId": 1, "idTag": CARD, "meterStart": 1000, "timestamp": told(kit.clock.now), **more}
    return talk.say("StartTransaction", payload)


def sessions(kit: Kit) -> dict[str, Session]:
    return {it.charger_id: it for it in kit.sessions.of_operator("op", 10, None, flagged=False)[0]}


def test_without_a_rule_a_card_charges_wherever_it_is_shown(kit: Kit) -> None:
    talk = Talk(kit, "ocpp1.6")
    assert elsewhere(kit) == "Accepted"
    assert talk.say("Authorize", {"idTag": CARD})["idTagInfo"]["status"] == "Accepted"
    assert start16(kit, talk)["idTagInfo"]["status"] == "Accepted"


def test_by_the_rule_a_card_that_charges_elsewhere_is_told_so_by_1_6(kit: Kit) -> None:
    rule(kit)
    talk = Talk(kit, "ocpp1.6")
    assert elsewhere(kit) == "Accepted"
    assert talk.say("Authorize", {"idTag": CARD})["idTagInfo"]["status"] == "ConcurrentTx"
    assert start16(kit, talk)["idTagInfo"]["status"] == "ConcurrentTx"
    refused = sessions(kit)["CP-1"]
    assert (refused.state, refused.reason) == (State.STOPPING, Reason.TOO_MANY_CHARGES)


def test_by_the_rule_a_card_that_charges_elsewhere_is_told_so_by_2_0_1(kit: Kit) -> None:
    rule(kit)
    talk = Talk(kit, "ocpp2.0.1")
    elsewhere(kit)
    assert talk.say("Authorize", {"idToken": CARD201})["idTokenInfo"]["status"] == "ConcurrentTx"
    assert event(talk, "Started", 0, idToken=CARD201)["idTokenInfo"]["status"] == "ConcurrentTx"


def test_a_second_charge_at_the_same_charger_counts_too(kit: Kit) -> None:
    rule(kit)
    talk = Talk(kit, "ocpp2.0.1")
    event(talk, "Started", 0, "tx-1", idToken=CARD201, evse={"id": 1})
    kit.clock.advance(seconds=1)
    second = event(talk, "Started", 0, "tx-2", idToken=CARD201, evse={"id": 2})
    assert second["idTokenInfo"]["status"] == "ConcurrentTx"


def test_what_flows_before_a_refused_charge_ends_is_the_drivers_to_pay(kit: Kit) -> None:
    rule(kit)
    talk = Talk(kit, "ocpp1.6")
    elsewhere(kit)
    start16(kit, talk)
    refused = sessions(kit)["CP-1"]
    assert (refused.driver_id, refused.origin) == ("driver-1", Origin.CARD)
    assert refused.session_id in kit.workflow.started


def test_a_start_repeated_gets_the_answer_it_had(kit: Kit) -> None:
    rule(kit)
    talk = Talk(kit, "ocpp1.6")
    first = start16(kit, talk, timestamp=told(NOW))
    kit.clock.advance(minutes=1)
    start = {"connectorId": 2, "idTag": CARD, "meterStart": 0, "timestamp": told(kit.clock.now)}
    second = talk.say("StartTransaction", start)
    assert start16(kit, talk, timestamp=told(NOW)) == first
    assert first["idTagInfo"]["status"] == "Accepted"
    talk.stop(first["transactionId"])
    assert talk.say("StartTransaction", start) == second
    assert second["idTagInfo"]["status"] == "ConcurrentTx"


def test_a_card_may_be_shown_where_it_charges_for_it_may_be_to_end_that(kit: Kit) -> None:
    rule(kit)
    talk = Talk(kit, "ocpp1.6")
    transaction_id = start16(kit, talk)["transactionId"]
    kit.clock.advance(minutes=1)
    assert talk.say("Authorize", {"idTag": CARD})["idTagInfo"]["status"] == "Accepted"
    assert talk.stop(transaction_id, idTag=CARD)["idTagInfo"]["status"] == "Accepted"


def test_a_charge_that_ended_is_none_elsewhere(kit: Kit) -> None:
    rule(kit)
    talk = Talk(kit, "ocpp1.6")
    transaction_id = start16(kit, talk)["transactionId"]
    kit.clock.advance(minutes=1)
    talk.stop(transaction_id)
    assert elsewhere(kit) == "Accepted"


def test_the_next_charge_at_a_connector_whose_end_was_never_told_is_the_cards_only_one(kit: Kit) -> None:
    rule(kit)
    talk = Talk(kit, "ocpp2.0.1")
    event(talk, "Started", 0, "tx-1", idToken=CARD201, evse={"id": 1})
    kit.clock.advance(minutes=5)
    assert event(talk, "Started", 0, "tx-2", idToken=CARD201, evse={"id": 1})["idTokenInfo"]["status"] == "Accepted"


@pytest.mark.parametrize(
    ("most", "by_group", "status"),
    [
        (2, {}, "Accepted"),
        (1, {"FLEET": 3}, "Accepted"),
        (None, {"FLEET": 1}, "ConcurrentTx"),
        (1, {"X": 3}, "ConcurrentTx"),
    ],
)
def test_the_rule_is_a_number_and_a_group_may_have_its_own(
    kit: Kit, most: int | None, by_group: dict[str, int], status: str
) -> None:
    kit.tokens.put(Token(uid=CARD, operator_id="op", driver_id="driver-1", group="FLEET"), NOW)
    rule(kit, most, **by_group)
    elsewhere(kit)
    assert start16(kit, Talk(kit, "ocpp1.6"))["idTagInfo"]["status"] == status


def test_another_card_of_the_same_driver_is_another_token(kit: Kit) -> None:
    kit.tokens.put(Token(uid=MATE, operator_id="op", driver_id="driver-1"), NOW)
    rule(kit)
    elsewhere(kit, MATE)
    assert start16(kit, Talk(kit, "ocpp1.6"))["idTagInfo"]["status"] == "Accepted"


def test_a_card_has_one_name_however_its_reader_spells_it(kit: Kit) -> None:
    rule(kit)
    elsewhere(kit, "04:a1:b2:c3")
    assert start16(kit, Talk(kit, "ocpp1.6"))["idTagInfo"]["status"] == "ConcurrentTx"


def test_no_rule_costs_no_look_at_a_drivers_sessions(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit.sessions, "of_driver", None)
    assert start16(kit, Talk(kit, "ocpp1.6"))["idTagInfo"]["status"] == "Accepted"


def test_chargers_are_not_looked_at_again_for_a_rule_that_is_ours(kit: Kit) -> None:
    assert SetupProfile(charges_per_token=1).version == SetupProfile().version
    assert SetupProfile(master_pass_group="M").version != SetupProfile().version


# A group, and the master pass.


@pytest.fixture
def master(kit: Kit) -> Kit:
    kit.setups.put_profile("op", SetupProfile(master_pass_group="MASTER"))
    kit.tokens.put(Token(uid=MASTER, operator_id="op", driver_id="driver-1", group="MASTER"), NOW)
    kit.tokens.put(
        Token(uid=MATE, operator_id="op", driver_id="driver-1", group="G1", expires_at=NOW + timedelta(days=1)), NOW
    )
    return kit


def test_a_group_is_told_wherever_a_card_is_shown(master: Kit) -> None:
    talk = Talk(master, "ocpp2.0.1")
    event(talk, "Started", 0)
    info = event(talk, "Updated", 1, idToken=card201(MATE))["idTokenInfo"]
    assert info["groupIdToken"] == {"idToken": "G1", "type": "Central"}
    assert info["cacheExpiryDateTime"] == "2026-11-22T09:30:00.000Z"


def test_a_master_pass_is_told_its_group_and_begins_nothing(master: Kit) -> None:
    talk = Talk(master, "ocpp2.0.1")
    group = {"idToken": "MASTER", "type": "Central"}
    assert talk.say("Authorize", {"idToken": card201(MASTER)})["idTokenInfo"] == {
        "status": "Accepted",
        "groupIdToken": group,
    }
    assert event(talk, "Started", 0, idToken=card201(MASTER))["idTokenInfo"]["status"] == "Blocked"
    assert talk.the_session().driver_id is None


def test_a_master_pass_ends_what_another_card_began(master: Kit) -> None:
    talk = Talk(master, "ocpp2.0.1")
    event(talk, "Started", 0, idToken=CARD201)
    update = event(talk, "Updated", 1, triggerReason="StopAuthorized", idToken=card201(MASTER))
    assert update["idTokenInfo"]["status"] == "Accepted"
    assert event(talk, "Ended", 2, idToken=card201(MASTER))["idTokenInfo"]["status"] == "Accepted"
    assert (talk.the_session().token, talk.the_session().driver_id) == (CARD, "driver-1")


def test_a_master_pass_does_not_become_whose_charge_it_is(master: Kit) -> None:
    talk = Talk(master, "ocpp2.0.1")
    event(talk, "Started", 0)
    assert event(talk, "Updated", 1, idToken=card201(MASTER))["idTokenInfo"]["status"] == "Blocked"


def test_1_6_knows_no_master_pass_so_that_one_only_ends_charges(master: Kit) -> None:
    talk = Talk(master, "ocpp1.6")
    assert talk.say("Authorize", {"idTag": MASTER})["idTagInfo"]["status"] == "Blocked"
    assert start16(master, talk, idTag=MASTER, connectorId=2)["idTagInfo"]["status"] == "Blocked"
    transaction_id = start16(master, talk)["transactionId"]
    assert talk.stop(transaction_id, idTag=MASTER)["idTagInfo"]["status"] == "Accepted"


@pytest.mark.parametrize(
    ("card", "status"),
    [
        (Token(uid=MASTER, operator_id="op", driver_id="driver-1", blocked=True, group="MASTER"), "Blocked"),
        (Token(uid=MASTER, operator_id="op", driver_id="driver-1", group="MASTER", expires_at=NOW), "Expired"),
    ],
)
def test_a_master_pass_that_is_blocked_or_expired_is_none(master: Kit, card: Token, status: str) -> None:
    master.tokens.put(card, NOW)
    talk = Talk(master, "ocpp2.0.1")
    assert talk.say("Authorize", {"idToken": card201(MASTER)})["idTokenInfo"]["status"] == status


def test_a_group_of_another_operators_cards_is_no_master_pass_here(master: Kit) -> None:
    master.tokens.put(Token(uid="0DD", operator_id="", driver_id="driver-1", group="MASTER"), NOW)
    talk = Talk(master, "ocpp2.0.1")
    assert event(talk, "Started", 0, idToken=card201("0DD"))["idTokenInfo"]["status"] == "Accepted"
