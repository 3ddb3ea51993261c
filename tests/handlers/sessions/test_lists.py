"""A driver finds a session again: by state, place and time, as a curve, and in the month's statement."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.wire import Socket
from local.client import ApiError, Person
from local.seed import SITE_ID, Network, open_account
from local.stack import Stack


def now(seconds: int = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(driver: Person, query: str) -> list[str]:
    return [it["session_id"] for it in driver.call("GET", f"/v1/sessions?{query}")["items"]]


def charged(driver: Person, socket: Socket, charger_id: str) -> str:
    """One charge of 5 kWh, whole and paid."""
    session_id = str(driver.begin(charger_id)["session_id"])
    socket.await_command()
    started = {"connectorId": 1, "idTag": session_id, "meterStart": 1000, "timestamp": now()}
    tx = socket.call("StartTransaction", started)["transactionId"]
    for value in (2000, 3000, 4000):
        sample: dict[str, Any] = {
            "timestamp": now(),
            "sampledValue": [{"value": str(value)}, {"value": "55", "measurand": "SoC"}],
        }
        socket.call("MeterValues", {"connectorId": 1, "transactionId": tx, "meterValue": [sample]})
    socket.call("StopTransaction", {"transactionId": tx, "meterStop": 6000, "timestamp": now(1)})
    driver.until(session_id, lambda it: it["state"] == "completed")
    return session_id


def test_a_charge_is_found_by_state_place_and_time_and_seen_as_curve_and_statement(
    stack: Stack, network: Network, charger_id: str, socket: Socket
) -> None:
    driver = open_account(stack, f"lists-{secrets.token_hex(4)}@example.com", "Lists-driver-1")
    done = charged(driver, socket, charger_id)
    other = driver.begin(charger_id, "2")["session_id"]
    assert listed(driver, "") == [other, done]
    assert listed(driver, "state=completed") == [done]
    assert listed(driver, f"charger={charger_id}&state=initiated") == [other]
    assert listed(driver, "charger=ANOTHER") == []
    assert listed(driver, f"site={SITE_ID}") == [other, done]
    assert listed(driver, "site=elsewhere") == []
    assert listed(driver, f"from={now(-3600)}&to={now(3600)}") == [other, done]
    assert listed(driver, f"from={now(3600)}") == []
    assert listed(driver, f"to={now(-3600)}") == []
    # Page by page the same, whatever is left out.
    first = driver.call("GET", "/v1/sessions?limit=1&state=completed")
    seen = [it["session_id"] for it in first["items"]]
    while first["next_cursor"]:
        first = driver.call("GET", f"/v1/sessions?limit=1&state=completed&cursor={first['next_cursor']}")
        seen += [it["session_id"] for it in first["items"]]
    assert seen == [done]

    curve = driver.call("GET", f"/v1/sessions/{done}/curve")["points"]
    assert [it["energy_wh"] for it in curve] == [1000, 2000, 3000]
    assert {it["soc_percent"] for it in curve} == {55}
    assert [it["energy_wh"] for it in driver.call("GET", f"/v1/sessions/{done}/curve?points=2")["points"]] == [
        1000,
        3000,
    ]
    with pytest.raises(ApiError) as error:
        network.driver.call("GET", f"/v1/sessions/{done}/curve")
    assert error.value.status == 404

    found = driver.session(done)
    assert (found["site"]["name"], found["site"]["latitude"]) == ("Harbour car park", 53.5437)
    statement = driver.call("GET", f"/v1/me/statements/{found['created_at'][:7]}")
    (total,) = statement["totals"]
    assert (total["currency"], total["sessions"], total["energy_wh"]) == ("EUR", 1, 5000)
    assert total["paid_minor"] == total["total_minor"] == driver.session(done)["paid_minor"]
    assert [it["session_id"] for it in statement["sessions"]] == [done]
    assert driver.call("GET", "/v1/me/statements/2020-12")["totals"] == []


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/sessions?state=charging", "state"),
        ("/v1/sessions?from=yesterday", "from"),
        ("/v1/sessions?to=2026-11-21T09:30:00", "to"),
        ("/v1/sessions/K/curve?points=1", "points"),
        ("/v1/sessions/K/curve?points=501", "points"),
        ("/v1/me/statements/2026-13", "month"),
        ("/v1/me/statements/november", "month"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(network: Network, path: str, field: str) -> None:
    with pytest.raises(ApiError) as error:
        network.driver.call("GET", path)
    assert (error.value.status, error.value.problem["errors"][0]["field"]) == (400, field)
