"""Quotes, refunds, debts and the books over HTTP: whoever may ask, asks; everybody else is told why not."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from benchmarks.wire import Socket
from local.client import ApiError, Person
from local.seed import SITE_ID, Network, open_account
from local.stack import Stack
from local.stripe_server import confirm_payment
from tests.handlers.sessions.test_sessions import finish, read, stamp
from tests.scenarios.world import eventually


def refused(person: Person, method: str, path: str, body: Any = None) -> tuple[int, str]:
    with pytest.raises(ApiError) as error:
        person.call(method, path, body)
    return error.value.status, error.value.problem["type"].rpartition(":")[2]


def start(network: Network, socket: Socket, charger_id: str, driver: Person | None = None) -> str:
    """A session under way, its meter at zero."""
    session_id = str((driver or network.driver).begin(charger_id)["session_id"])
    socket.await_command()
    begun = {"connectorId": 1, "idTag": socket.command["idTag"], "meterStart": 0, "timestamp": stamp()}
    socket.call("StartTransaction", begun)
    return session_id


@pytest.fixture
def paid(network: Network, socket: Socket, charger_id: str) -> dict[str, Any]:
    """A session of 10 kWh, paid."""
    session_id = start(network, socket, charger_id)
    read(socket, 5000)
    return finish(network, socket, session_id, 10_000)


def test_a_quote_says_line_by_line_what_a_charge_would_cost(network: Network, charger_id: str) -> None:
    quote = network.driver.call("GET", f"/v1/chargers/{charger_id}/quote?energy_wh=10000&charging_s=3600")
    lines = {it["dimension"]: it["amount_minor"] for it in quote["lines"]}
    assert lines == {"energy": 450, "time": 120}
    assert (quote["net_minor"], quote["tax_minor"], quote["total_minor"]) == (570, 108, 678)
    assert quote["taxes"] == [{"percent": "19", "net_minor": 570, "amount_minor": 108}]


@pytest.mark.parametrize(
    "query", ["", "energy_wh=-1", "energy_wh=ten", "energy_wh=1&at=yesterday", "energy_wh=9999999"]
)
def test_a_quote_that_makes_no_sense_is_refused(network: Network, charger_id: str, query: str) -> None:
    assert refused(network.driver, "GET", f"/v1/chargers/{charger_id}/quote?{query}")[0] == 400


def test_an_operator_refunds_in_part_once_for_each_key(network: Network, paid: dict[str, Any]) -> None:
    path = f"/v1/operator/sessions/{paid['session_id']}/refund"
    key = {"Idempotency-Key": secrets.token_hex(8)}
    for _ in range(2):
        done = network.operator.call("POST", path, {"amount_minor": 100}, key)
        assert (done["paid_minor"], done["refunded_minor"]) == (paid["cost"]["total_minor"], 100)
    assert network.driver.session(paid["session_id"])["refunded_minor"] == 100
    assert refused(network.operator, "POST", path, {"amount_minor": 100_000}) == (409, "refund_too_large")
    assert network.operator.call("POST", path, {})["refunded_minor"] == paid["paid_minor"]


def test_an_operator_says_what_a_charge_delivered_whose_meter_cannot_be_believed(
    network: Network, rival: Person, socket: Socket, charger_id: str
) -> None:
    session_id = start(network, socket, charger_id)
    network.driver.end(session_id)
    socket.await_command()
    stop = {"transactionId": socket.command["transactionId"], "meterStop": 1_236_000, "timestamp": stamp()}
    socket.call("StopTransaction", stop)

    def listed() -> dict[str, Any]:
        items = network.operator.call("GET", "/v1/operator/sessions?flagged=true")["items"]
        return next((it for it in items if it["session_id"] == session_id), {})

    eventually(lambda: listed().get("needs_review"))
    assert (listed()["state"], listed()["energy_wh"], listed()["total_minor"]) == ("stopping", 0, None)
    path = f"/v1/operator/sessions/{session_id}/energy"
    assert refused(rival, "POST", path, {"energy_wh": 1000})[0] == 404
    assert refused(network.driver, "POST", path, {"energy_wh": 1000})[0] == 403
    assert refused(network.operator, "POST", path, {"energy_wh": 1_236_000}) == (409, "energy_impossible")
    assert network.operator.call("POST", path, {"energy_wh": 1000})["decided_wh"] == 1000
    done = network.driver.until(session_id, lambda it: it["state"] == "completed")
    assert (done["energy_wh"], done["paid_minor"]) == (1000, done["cost"]["total_minor"])
    assert refused(network.operator, "POST", path, {"energy_wh": 2000}) == (409, "not_in_review")


def test_nobody_else_refunds(network: Network, rival: Person, paid: dict[str, Any]) -> None:
    path = f"/v1/operator/sessions/{paid['session_id']}/refund"
    assert refused(rival, "POST", path, {})[0] == 404
    assert refused(network.driver, "POST", path, {})[0] == 403


def test_the_books_of_a_session_come_to_nothing(network: Network, rival: Person, paid: dict[str, Any]) -> None:
    path = f"/v1/operator/sessions/{paid['session_id']}/books"
    books = network.operator.call("GET", path)
    assert {it["kind"] for it in books["transfers"]} == {"hold", "sale", "tax", "capture"}
    assert sum(books["balances_minor"].values()) == 0
    assert refused(rival, "GET", path)[0] == 404


def test_a_days_reconciliation_is_read_by_its_operator(network: Network) -> None:
    assert network.operator.call("GET", "/v1/operator/reconciliation?day=2026-11-20")["items"] == []
    assert refused(network.operator, "GET", "/v1/operator/reconciliation?day=tomorrow")[0] == 400


def test_a_driver_who_owes_nothing_has_an_empty_balance(network: Network) -> None:
    assert network.driver.call("GET", "/v1/me/balance") == {"debts": [], "action": None}
    assert network.driver.call("POST", "/v1/me/balance/pay", {}) == {"debts": [], "action": None}


def test_a_cardholder_who_is_asked_confirms_with_stripe_and_the_session_goes_on(
    stack: Stack, network: Network, socket: Socket, charger_id: str
) -> None:
    email = f"careful-{secrets.token_hex(4)}@example.com"
    driver = open_account(stack, email, "Driver-careful-1", "pm_card_authenticationRequired")
    session_id = driver.begin(charger_id)["session_id"]
    asked = driver.until(session_id, lambda it: it["action"] is not None)
    assert asked["state"] == "initiated"
    confirm_payment(stack.stripe.url, asked["action"]["client_secret"], asked["action"]["publishable_key"])
    socket.await_command()
    assert socket.command["idTag"] == session_id
    held = driver.session(session_id)
    assert (held["held_minor"], held["action"]) == (5000, None)


def test_an_operators_terms_decide_what_a_driver_pays_and_whether(
    stack: Stack, network: Network, charger_id: str, socket: Socket
) -> None:
    driver = open_account(stack, f"staff-{secrets.token_hex(4)}@example.com", "Driver-staff-1", card=None)
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    path = f"/v1/operator/drivers/{driver_id}"
    assert refused(driver, "POST", "/v1/sessions", {"charger_id": charger_id}) == (402, "no_card")
    network.operator.call("PUT", "/v1/operator/tariffs/staff", {"name": "Staff", "currency": "EUR"})
    network.operator.call("PUT", path, {"tariff_id": "staff"})
    assert driver.call("GET", f"/v1/chargers/{charger_id}")["prices"]["tariff_id"] == "staff"
    assert driver.call("GET", f"/v1/sites/{SITE_ID}")["prices"]["tariff_id"] == "staff"
    assert driver.call("GET", f"/v1/chargers/{charger_id}/quote?energy_wh=9000")["total_minor"] == 0
    session_id = start(network, socket, charger_id, driver)
    assert driver.session(session_id)["held_minor"] is None
    network.operator.call("PUT", path, {"blocked": True})
    assert refused(driver, "POST", "/v1/sessions", {"charger_id": charger_id, "connector": "2"})[1] == "driver_blocked"
    assert refused(network.operator, "PUT", path, {"tariff_id": "no-such"})[0] == 404
    assert refused(network.operator, "PUT", "/v1/operator/drivers/nobody", {})[0] == 404


def test_an_operator_lowers_what_a_session_costs_once_for_each_key(network: Network, paid: dict[str, Any]) -> None:
    session_id, total = paid["session_id"], paid["cost"]["total_minor"]
    path = f"/v1/operator/sessions/{session_id}/correction"
    key = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"total_minor": total - 100, "note": "the charger stopped early"}
    for _ in range(2):
        done = network.operator.call("POST", path, body, key)
        assert [it["note"] for it in done["corrections"]] == ["the charger stopped early"]
    seen = network.driver.session(session_id)
    assert (seen["cost"]["total_minor"], seen["refunded_minor"], seen["due_minor"]) == (total, 100, 0)
    with pytest.raises(ApiError) as error:
        network.operator.call("POST", path, {**body, "total_minor": 0}, key)
    assert (error.value.status, error.value.problem["type"]) == (422, "urn:kerb:problem:idempotency_key_reused")
    assert refused(network.operator, "POST", path, body) == (409, "correction_too_high")
    books = network.operator.call("GET", f"/v1/operator/sessions/{session_id}/books")
    assert sum(books["balances_minor"].values()) == 0
    told = network.driver.call("GET", "/v1/me/notices")["items"]
    assert "bill_corrected" in [it["kind"] for it in told if it["session_id"] == session_id]


def test_nobody_corrects_another_operators_bill(network: Network, rival: Person, paid: dict[str, Any]) -> None:
    path = f"/v1/operator/sessions/{paid['session_id']}/correction"
    assert refused(rival, "POST", path, {"total_minor": 0, "note": "mine"}) == (404, "not_found")
    assert refused(network.operator, "POST", path, {"total_minor": 0, "note": ""})[0] == 422
