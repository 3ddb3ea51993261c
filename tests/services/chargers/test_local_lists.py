"""A charger's own list of cards follows ours: whole at first, by what changed after that, as far as it took it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Charger, HeldList
from chalicelib.records.drivers import Token
from tests.services.conftest import CARD, CONNECTION, NOW, Kit

SECOND = int(NOW.timestamp())


@pytest.fixture
def kit(kit: Kit) -> Kit:
    charger = Charger(
        charger_id="CP-1",
        operator_id="op",
        site_id="harbour",
        password_hash="scrypt$",
        connectors=(ConnectorId(1),),
        keeps_list=True,
    )
    kit.chargers.put(charger)
    kit.clock.advance(minutes=5)
    return kit


def tend(kit: Kit) -> int:
    """What the schedule does in a minute; how many chargers were asked or told."""
    return kit.local_lists.tend() + kit.local_lists.pass_on()


def sent(kit: Kit) -> Any:
    return json.loads(kit.link.sent[-1])


def answer(kit: Kit, **payload: Any) -> None:
    kit.conversation.receive(CONNECTION.connection_id, json.dumps([3, sent(kit)[1], payload]))


def comes_back(kit: Kit, version: int, **limits: str) -> None:
    """The charger's line is up again: it is asked for its version, and once in its life for its limits."""
    kit.held_lists.mark_due("CP-1")
    kit.tokens.lists_done("op", int(kit.clock.now.timestamp()) - 60)
    tend(kit)
    assert sent(kit)[2:] == ["GetLocalListVersion", {}]
    answer(kit, listVersion=version)
    if sent(kit)[2] == "GetConfiguration":
        assert "SendLocalListMaxLength" in sent(kit)[3]["key"]
        keys = [{"key": name, "readonly": True, "value": value} for name, value in limits.items()]
        answer(kit, configurationKey=keys)


def holds(kit: Kit, version: int) -> None:
    """The charger has confirmed all that changed until then."""
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.held_lists.confirm("CP-1", version)
    assert kit.held_lists.sends(charger, HeldList(until_s=version, sent=version))


def version(kit: Kit) -> int:
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    return charger.list_version


def test_a_charger_that_comes_back_is_asked_for_its_version_once(kit: Kit) -> None:
    kit.held_lists.mark_due("CP-1")
    kit.tokens.lists_done("op", SECOND)
    assert tend(kit) == 1
    assert sent(kit)[2:] == ["GetLocalListVersion", {}]
    assert tend(kit) == 0


def test_a_charger_without_a_list_gets_all_of_it_and_then_only_what_changed(kit: Kit) -> None:
    comes_back(kit, 0)
    _, _, action, payload = sent(kit)
    assert (action, payload["updateType"], payload["listVersion"]) == ("SendLocalList", "Full", SECOND)
    assert payload["localAuthorizationList"] == [{"idTag": CARD, "idTagInfo": {"status": "Accepted"}}]
    assert version(kit) == 0
    answer(kit, status="Accepted")
    assert version(kit) == SECOND

    kit.tokens.put(Token(uid="BEEF01", operator_id="op", driver_id="driver-1", blocked=True), kit.clock.now)
    assert tend(kit) == 1, "a change is sent in seconds, not minutes"
    payload = sent(kit)[3]
    assert (payload["updateType"], payload["listVersion"]) == ("Differential", SECOND + 300)
    assert payload["localAuthorizationList"] == [{"idTag": "BEEF01", "idTagInfo": {"status": "Blocked"}}]
    answer(kit, status="Accepted")
    count = len(kit.link.sent)
    for _ in range(5):
        kit.clock.advance(minutes=1)
        assert tend(kit) == 0
    assert len(kit.link.sent) == count, "each version goes out once"


@pytest.mark.parametrize("status", ["VersionMismatch", "Failed"])
def test_a_change_the_charger_cannot_take_is_followed_by_the_whole_list_once(kit: Kit, status: str) -> None:
    holds(kit, SECOND - 10)
    tend(kit)
    assert sent(kit)[3]["updateType"] == "Differential"
    answer(kit, status=status)
    assert sent(kit)[3]["updateType"] == "Full"
    count = len(kit.link.sent)
    answer(kit, status="NotSupported")
    assert len(kit.link.sent) == count


def test_a_version_that_is_not_ours_is_replaced_by_the_whole_list(kit: Kit) -> None:
    holds(kit, SECOND)
    comes_back(kit, 17)
    assert sent(kit)[3]["updateType"] == "Full"


def test_a_long_list_goes_in_pieces_that_the_charger_confirms_one_by_one(kit: Kit) -> None:
    for number in range(250):
        kit.clock.advance(seconds=1)
        kit.tokens.put(Token(uid=f"{number:08X}", operator_id="op", driver_id="driver-1"), kit.clock.now)
    kit.clock.advance(minutes=2)
    comes_back(kit, 0)
    kinds, tokens = [], []
    for _ in range(3):
        payload = sent(kit)[3]
        kinds.append(payload["updateType"])
        tokens += [it["idTag"] for it in payload["localAuthorizationList"]]
        answer(kit, status="Accepted")
    assert kinds == ["Full", "Differential", "Differential"]
    assert len(tokens) == len(set(tokens)) == 251


@pytest.mark.parametrize("later_s", [0, 5, 120])
def test_tokens_changed_in_one_second_go_in_pieces_too_and_each_of_them_once(kit: Kit, later_s: int) -> None:
    for number in range(150):
        kit.tokens.put(Token(uid=f"{number:08X}", operator_id="op", driver_id="driver-1"), kit.clock.now)
    kit.clock.advance(seconds=later_s)
    comes_back(kit, 0, SendLocalListMaxLength="40")
    tokens: list[str] = []
    versions: list[int] = []
    while len(tokens) < 151:
        payload = sent(kit)[3]
        assert len(payload["localAuthorizationList"]) <= 40
        tokens += [it["idTag"] for it in payload["localAuthorizationList"]]
        versions.append(payload["listVersion"])
        answer(kit, status="Accepted")
    count = len(kit.link.sent)
    for _ in range(3):
        kit.clock.advance(minutes=1)
        tend(kit)
    assert len(kit.link.sent) == count
    assert len(tokens) == len(set(tokens)) == 151
    assert versions == sorted(set(versions)), "never backwards, none twice"


def test_a_list_is_no_longer_than_its_charger_can_keep(kit: Kit) -> None:
    for number in range(30):
        kit.tokens.put(Token(uid=f"{number:08X}", operator_id="op", driver_id="driver-1"), kit.clock.now)
    comes_back(kit, 0, LocalAuthListMaxLength="20", SendLocalListMaxLength="15")
    kept = []
    while sent(kit)[2] == "SendLocalList":
        kept += sent(kit)[3]["localAuthorizationList"]
        before = len(kit.link.sent)
        answer(kit, status="Accepted")
        if len(kit.link.sent) == before:
            break
    assert len(kept) == 20
    kit.clock.advance(seconds=5)
    blocked = Token(uid="00000001", operator_id="op", driver_id="driver-1", blocked=True)
    kit.local_lists.token_changed(blocked)
    assert sent(kit)[3]["localAuthorizationList"] == [{"idTag": "00000001"}], "taken off, it is asked about"


def test_a_charger_that_has_no_list_is_sent_none(kit: Kit) -> None:
    comes_back(kit, -1)
    kit.tokens.put(Token(uid="BEEF01", operator_id="op", driver_id="driver-1"), kit.clock.now)
    tend(kit)
    assert [json.loads(it)[2] for it in kit.link.sent] == ["GetLocalListVersion"]


def test_a_new_card_is_sent_as_it_is_issued_and_not_again_when_the_index_has_it(kit: Kit) -> None:
    comes_back(kit, 0)
    answer(kit, status="Accepted")
    card = Token(uid="BEEF01", operator_id="op", driver_id="driver-1")
    assert kit.local_lists.token_changed(card) == 1, "the index need not know it yet"
    answer(kit, status="Accepted")
    kit.tokens.put(card, kit.clock.now)
    for _ in range(4):
        assert tend(kit) == 0
        kit.clock.advance(minutes=1)


def test_a_card_changed_twice_within_a_second_ends_as_it_was_last(kit: Kit) -> None:
    comes_back(kit, 0)
    answer(kit, status="Accepted")
    for blocked in (False, True):
        kit.tokens.put(Token(uid="BEEF01", operator_id="op", driver_id="driver-1", blocked=blocked), kit.clock.now)
        tend(kit)
        status = "Blocked" if blocked else "Accepted"
        assert sent(kit)[3]["localAuthorizationList"] == [{"idTag": "BEEF01", "idTagInfo": {"status": status}}]
        answer(kit, status="Accepted")


def test_an_update_whose_answer_was_lost_counts_once_the_charger_names_its_version(kit: Kit) -> None:
    comes_back(kit, 0)
    payload = sent(kit)[3]
    kit.sockets.closed(CONNECTION)
    kit.sockets.opened(CONNECTION, kit.clock.now)
    kit.clock.advance(minutes=1)
    comes_back(kit, payload["listVersion"])
    assert sent(kit)[2] == "GetLocalListVersion"
    assert version(kit) == payload["listVersion"]


def test_an_update_that_never_came_is_followed_by_the_whole_list_under_a_version_of_its_own(kit: Kit) -> None:
    holds(kit, SECOND - 10)
    tend(kit)
    lost = sent(kit)[3]["listVersion"]
    kit.sockets.closed(CONNECTION)
    kit.sockets.opened(CONNECTION, kit.clock.now)
    kit.clock.advance(minutes=1)
    comes_back(kit, SECOND - 10)
    assert (sent(kit)[3]["updateType"], sent(kit)[3]["listVersion"] > lost) == ("Full", True)


def test_who_is_up_to_date_is_not_even_looked_at(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    comes_back(kit, 0)
    answer(kit, status="Accepted")
    kit.clock.advance(minutes=5)
    for _ in range(2):
        kit.tokens.lists_done("op", 0)
        tend(kit)
    looked: list[str] = []
    monkeypatch.setattr(kit.chargers, "get", looked.append)
    kit.tokens.lists_done("op", 0)
    tend(kit)
    assert looked == []


def test_chargers_that_keep_no_list_or_are_offline_are_left_alone(kit: Kit) -> None:
    kit.sockets.closed(CONNECTION)
    assert tend(kit) == 0
    assert kit.link.sent == []


def test_another_operators_cards_stay_its_own(kit: Kit) -> None:
    kit.tokens.put(Token(uid="CAFE01", operator_id="other", driver_id="driver-1"), NOW)
    comes_back(kit, 0)
    assert "CAFE01" not in kit.link.sent[-1]
