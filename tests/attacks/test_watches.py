"""Watches: nobody sees, ends or keeps another's, nobody waits for everything, and nothing is left of who has gone.

STRIDE: information disclosure (ids), denial of service (how many), tampering (bodies).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.services.access import NotFound, Refusal
from local.client import Person
from tests.attacks.conftest import Network, problem

WATCHES = "/v1/me/watches"
CONNECTORS = [str(number) for number in range(1, 9)]


@pytest.fixture(scope="module")
def occupied(net: Network) -> Iterator[str]:
    """A charger at whose connectors nobody can plug in."""
    plugs = [{"connector": it, "max_power_w": 22_000} for it in CONNECTORS]
    charger_id = net.register(connectors=CONNECTORS, plugs=plugs)
    with net.charger(charger_id) as socket:
        for number in range(1, 9):
            told = {"connectorId": number, "errorCode": "NoError", "status": "Finishing"}
            socket.call("StatusNotification", told)
        yield charger_id


def watch(net: Network, who: Person, charger_id: str, connector: str = "1", **more: Any) -> Any:
    return net.ask(who, "POST", WATCHES, {"charger_id": charger_id, "connector": connector, **more})


def watchers(charger_id: str) -> set[str]:
    """Whoever stands in the rows of that charger's connectors."""
    states = wiring.network().connectors.of_charger(charger_id)
    return {it.driver_id for state in states for it in state.watchers}


def test_anothers_watch_is_not_there(net: Network, occupied: str) -> None:
    made = watch(net, net.alice, occupied).json()["watch_id"]
    for who in (net.mallory, net.rival):
        answer = net.ask(who, "DELETE", f"{WATCHES}/{made}")
        nowhere = net.ask(who, "DELETE", f"{WATCHES}/nowhere")
        assert (answer.status_code, problem(answer)) == (nowhere.status_code, problem(nowhere)) == (404, "not_found")
        assert net.ask(who, "GET", WATCHES).json() == {"items": []}
    assert [it["watch_id"] for it in net.ask(net.alice, "GET", WATCHES).json()["items"]] == [made]
    assert net.ask(net.alice, "DELETE", f"{WATCHES}/{made}").status_code == 204


def test_nobody_watches_for_another(net: Network, occupied: str) -> None:
    assert watch(net, net.mallory, occupied, driver_id=net.id_of(net.alice)).status_code == 422
    assert net.ask(None, "POST", WATCHES, {"charger_id": occupied}).status_code == 401
    assert net.ask(None, "GET", WATCHES).status_code == 401


def test_nobody_waits_for_more_than_five_however_they_hurry(net: Network, occupied: str) -> None:
    greedy = net.person(card=None)
    with ThreadPoolExecutor(8) as at_once:
        answers = list(at_once.map(lambda it: watch(net, greedy, occupied, it), CONNECTORS))
    refused = [it for it in answers if it.status_code != 201]
    # The same row written by all at once may be a conflict, to be tried again; never a sixth watch.
    assert {problem(it) for it in refused} <= {"too_many_watches", "conflict"}
    assert len(answers) - len(refused) <= 5
    assert len(net.ask(greedy, "GET", WATCHES).json()["items"]) <= 5


@pytest.mark.parametrize(
    ("charger_id", "connector", "status"),
    [("ATT-NOWHERE", "1", 404), ("", "1", 422), ("..", "1", 422), (None, "99", 404), (None, "x", 422)],
)
def test_a_place_that_there_is_not_is_a_clear_answer(
    net: Network, occupied: str, charger_id: str | None, connector: str, status: int
) -> None:
    charger_id = occupied if charger_id is None else charger_id
    assert watch(net, net.mallory, charger_id, connector).status_code == status


def test_nothing_is_left_of_an_account_that_is_deleted(net: Network, occupied: str) -> None:
    leaver = net.person(card=None)
    driver_id = net.id_of(leaver)
    assert watch(net, leaver, occupied, "2").status_code == 201
    assert driver_id in watchers(occupied)
    assert net.ask(leaver, "GET", "/v1/me/export").json()["watches"][0]["connector"] == "2"
    assert net.ask(leaver, "DELETE", "/v1/me").status_code == 204
    assert watch(net, leaver, occupied, "3").status_code == 401
    # A request that was under way as the account went.
    with pytest.raises((NotFound, Refusal)):
        wiring.network().watches.make(driver_id, occupied, ConnectorId(3))
    assert driver_id not in watchers(occupied)
