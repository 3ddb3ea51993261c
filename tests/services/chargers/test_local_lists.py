"""A charger's own list of cards follows ours: whole at first, by what changed after that, as far as it took it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Charger
from chalicelib.records.drivers import Token
from tests.services.conftest import CARD, CONNECTION, NOW, Kit

SECOND = int(NOW.timestamp())


@pytest.fixture
def kit(kit: Kit) -> Kit:
    charger = Charger("CP-1", "op", "harbour", "scrypt$", (ConnectorId(1),), keeps_list=True)
    kit.chargers.put(charger)
    kit.clock.advance(minutes=5)
    return kit


def sent(kit: Kit) -> Any:
    return json.loads(kit.link.sent[-1])


def answer(kit: Kit, **payload: Any) -> None:
    kit.conversation.receive(CONNECTION.connection_id, json.dumps([3, sent(kit)[1], payload]))


def version(kit: Kit) -> int:
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    return charger.list_version


def test_a_charger_that_comes_back_is_asked_for_its_version_once(kit: Kit) -> None:
    kit.chargers.list_is_due("CP-1")
    kit.catalog.lists_done("op", SECOND)
    assert kit.local_lists.tend() == 1
    assert sent(kit)[2:] == ["GetLocalListVersion", {}]
    assert kit.local_lists.tend() == 0


def test_a_charger_without_a_list_gets_all_of_it_and_then_only_what_changed(kit: Kit) -> None:
    kit.chargers.list_is_due("CP-1")
    kit.local_lists.tend()
    kit.link.sent = [it for it in kit.link.sent if "GetLocalListVersion" in it]
    answer(kit, listVersion=0)
    _, _, action, payload = sent(kit)
    assert (action, payload["updateType"], payload["listVersion"]) == ("SendLocalList", "Full", SECOND)
    assert payload["localAuthorizationList"] == [{"idTag": CARD, "idTagInfo": {"status": "Accepted"}}]
    assert version(kit) == 0
    answer(kit, status="Accepted")
    assert version(kit) == SECOND

    kit.catalog.put_token(Token("BEEF01", "op", "driver-1", blocked=True), kit.clock.now)
    assert kit.local_lists.tend() == 0, "what changed this minute waits for the index"
    kit.clock.advance(minutes=2)
    assert kit.local_lists.tend() == 1
    payload = sent(kit)[3]
    assert (payload["updateType"], payload["listVersion"]) == ("Differential", SECOND + 300)
    assert payload["localAuthorizationList"] == [{"idTag": "BEEF01", "idTagInfo": {"status": "Blocked"}}]
    answer(kit, status="Accepted")
    kit.clock.advance(minutes=5)
    assert kit.local_lists.tend() == 0


@pytest.mark.parametrize("status", ["VersionMismatch", "Failed"])
def test_a_change_the_charger_cannot_take_is_followed_by_the_whole_list_once(kit: Kit, status: str) -> None:
    kit.chargers.confirm_list("CP-1", SECOND - 10)
    kit.local_lists.tend()
    assert sent(kit)[3]["updateType"] == "Differential"
    answer(kit, status=status)
    assert sent(kit)[3]["updateType"] == "Full"
    count = len(kit.link.sent)
    answer(kit, status="NotSupported")
    assert len(kit.link.sent) == count


def test_a_version_that_is_not_ours_is_replaced_by_the_whole_list(kit: Kit) -> None:
    kit.chargers.confirm_list("CP-1", SECOND)
    kit.chargers.list_is_due("CP-1")
    kit.catalog.lists_done("op", SECOND)
    kit.local_lists.tend()
    answer(kit, listVersion=17)
    assert sent(kit)[3]["updateType"] == "Full"


def test_a_long_list_goes_in_pieces_that_the_charger_confirms_one_by_one(kit: Kit) -> None:
    for number in range(250):
        kit.clock.advance(seconds=1)
        kit.catalog.put_token(Token(f"{number:08X}", "op", "driver-1"), kit.clock.now)
    kit.clock.advance(minutes=2)
    kit.local_lists.tend()
    kinds, tokens = [], []
    for _ in range(3):
        payload = sent(kit)[3]
        kinds.append(payload["updateType"])
        tokens += [it["idTag"] for it in payload["localAuthorizationList"]]
        answer(kit, status="Accepted")
    assert kinds == ["Full", "Differential", "Differential"]
    assert len(tokens) == len(set(tokens)) == 251


def test_tokens_changed_in_one_second_are_never_torn_apart(kit: Kit) -> None:
    for number in range(150):
        kit.catalog.put_token(Token(f"{number:08X}", "op", "driver-1"), kit.clock.now)
    kit.clock.advance(minutes=2)
    kit.local_lists.tend()
    assert len(sent(kit)[3]["localAuthorizationList"]) == 151


def test_chargers_that_keep_no_list_or_are_offline_are_left_alone(kit: Kit) -> None:
    kit.chargers.closed(CONNECTION)
    assert kit.local_lists.tend() == 0
    assert kit.link.sent == []


def test_another_operators_cards_stay_its_own(kit: Kit) -> None:
    kit.catalog.put_token(Token("CAFE01", "other", "driver-1"), NOW)
    kit.local_lists.tend()
    assert "CAFE01" not in kit.link.sent[-1]
