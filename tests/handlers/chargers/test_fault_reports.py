"""A driver tells what is wrong at a charger; its operator, and nobody else, reads, answers and closes it."""

from __future__ import annotations

import secrets

import pytest

from local.client import ApiError, Person
from local.seed import Network, open_account
from local.stack import Stack
from tests.handlers.conftest import until_gone


@pytest.fixture
def driver(stack: Stack) -> Person:
    return open_account(stack, f"faults-{secrets.token_hex(4)}@example.com", "Faults-driver-1", card=None)


def test_a_report_is_read_answered_and_closed(network: Network, rival: Person, driver: Person, charger_id: str) -> None:
    path = f"/v1/chargers/{charger_id}/fault-reports"
    made = driver.call("POST", path, {"connector": "1", "kind": "cable_stuck", "text": "Help"})
    reports = "/v1/operator/fault-reports"
    mine = {it["report_id"] for it in network.operator.call("GET", f"{reports}?open=true")["items"]}
    assert made["report_id"] in mine
    assert rival.call("GET", reports)["items"] == []
    with pytest.raises(ApiError, match="not_found"):
        rival.call("PUT", f"{reports}/{made['report_id']}", {"answer": "no"})

    answered = network.operator.call(
        "PUT", f"{reports}/{made['report_id']}", {"answer": "On our way", "is_closed": True}
    )
    assert (answered["answer"], answered["closed_at"] is not None) == ("On our way", True)
    again = network.operator.call("PUT", f"{reports}/{made['report_id']}", {"answer": "On our way", "is_closed": True})
    assert again == answered
    still_open = {it["report_id"] for it in network.operator.call("GET", f"{reports}?open=true")["items"]}
    assert made["report_id"] not in still_open
    assert made["report_id"] in {it["report_id"] for it in network.operator.call("GET", reports)["items"]}
    assert driver.call("GET", "/v1/me/fault-reports")["items"] == [answered]
    assert driver.call("GET", "/v1/me/export")["fault_reports"] == [answered]


def test_reports_of_one_driver_are_bounded(driver: Person, charger_id: str) -> None:
    path = f"/v1/chargers/{charger_id}/fault-reports"
    for _ in range(10):
        driver.call("POST", path, {"kind": "other"})
    with pytest.raises(ApiError, match="too_many_reports"):
        driver.call("POST", path, {"kind": "other"})


def test_a_report_is_of_a_charger_and_connector_there_are(driver: Person, charger_id: str) -> None:
    for path, body in (("NO-SUCH", {"kind": "other"}), (charger_id, {"kind": "other", "connector": "9"})):
        with pytest.raises(ApiError, match="not_found"):
            driver.call("POST", f"/v1/chargers/{path}/fault-reports", body)


def test_reports_go_with_the_account(stack: Stack, network: Network, driver: Person, charger_id: str) -> None:
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    made = driver.call("POST", f"/v1/chargers/{charger_id}/fault-reports", {"kind": "damaged", "text": "I am Jane"})
    driver.call("DELETE", "/v1/me")
    until_gone(stack, driver_id)
    items = network.operator.call("GET", "/v1/operator/fault-reports?limit=100")["items"]
    assert made["report_id"] not in {it["report_id"] for it in items}
