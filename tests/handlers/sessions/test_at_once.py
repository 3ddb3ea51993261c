"""The same request made ten times at once is one session, and all ten are told of it."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from benchmarks.wire import Socket
from local.client import Person
from local.seed import Network, open_account
from local.stack import Stack

MANY = 10


def begun(stack: Stack, driver: Person, charger_id: str, key: str) -> requests.Response:
    return requests.post(
        f"{stack.http_url}/v1/sessions",
        json={"charger_id": charger_id},
        headers={"Authorization": f"Bearer {driver.token}", "Idempotency-Key": key},
        timeout=60,
    )


def at_once(count: int, work: Any) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_one_key_from_ten_threads_is_one_session_and_ten_equal_answers(
    stack: Stack, network: Network, charger_id: str, socket: Socket
) -> None:
    answers = at_once(MANY, lambda _: begun(stack, network.driver, charger_id, f"at-once-{charger_id}"))
    assert {it.status_code for it in answers} <= {200, 201}, [it.text for it in answers if not it.ok]
    assert [it.status_code for it in answers].count(201) == 1
    assert len({it.json()["session_id"] for it in answers}) == 1
    assert len({it.headers.get("Location") for it in answers}) == 1
    mine = [it for it in network.driver.call("GET", "/v1/sessions")["items"] if it["charger_id"] == charger_id]
    assert len(mine) == 1


def test_one_key_after_a_reservation_is_one_session_too(
    stack: Stack, network: Network, charger_id: str, socket: Socket
) -> None:
    for connector in (1, 2):
        socket.call("StatusNotification", {"connectorId": connector, "errorCode": "NoError", "status": "Available"})
    driver = open_account(stack, f"kept-{secrets.token_hex(4)}@example.com", "Kept-driver-1")
    kept = driver.call("POST", "/v1/reservations", {"charger_id": charger_id, "connector": "1"})
    answers = at_once(MANY, lambda _: begun(stack, driver, charger_id, f"at-once-{charger_id}"))
    assert {it.status_code for it in answers} <= {200, 201}, [it.text for it in answers if not it.ok]
    assert {it.json()["session_id"] for it in answers} == {kept["reservation_id"]}


def test_two_drivers_at_once_are_one_session_and_each_is_told_the_same_each_time(
    stack: Stack, network: Network, charger_id: str, socket: Socket
) -> None:
    other = open_account(stack, f"other-{secrets.token_hex(4)}@example.com", "Other-driver-1")
    drivers = [network.driver, other]
    answers = at_once(MANY, lambda number: begun(stack, drivers[number % 2], charger_id, f"at-once-{charger_id}"))
    ok = {it.json()["session_id"] for it in answers if it.ok}
    assert len(ok) == 1
    assert {it.status_code for it in answers} == {200, 201, 409}
    first, second = answers[0::2], answers[1::2]
    assert {it.ok for it in first} != {it.ok for it in second}
    assert all(len({it.ok for it in half}) == 1 for half in (first, second))
