"""Invoices over HTTP: asked for by a business, numbered without a gap, read by a book-keeper's software."""

from __future__ import annotations

import facturx
import pytest
import requests

from benchmarks.wire import Socket
from chalicelib import wiring
from local.client import Person
from local.seed import Network
from local.stack import Stack
from tests.handlers.money.test_money import refused, start
from tests.handlers.sessions.test_sessions import finish, read
from tests.patience import eventually, until
from tests.protocol.en16931.authority import broken_rules

BUSINESS = {"name": "Acme Ltd", "address": "Road 1\n1010 Wien", "vat_id": "ATU12345678"}
PROFILE = {
    "legal_name": "Demo Ladenetz GmbH",
    "address": "Kaistrasse 7\n20457 Hamburg",
    "country": "DE",
    "tax_id": "DE123456789",
    "email": "billing@example.com",
    "phone": "",
    "language": "de",
}


@pytest.fixture
def paid(network: Network, socket: Socket, charger_id: str) -> str:
    """A session of 10 kWh, paid."""
    network.operator.call("PUT", "/v1/operator/profile", PROFILE)
    session_id = start(network, socket, charger_id)
    read(socket, 5000)
    finish(network, socket, session_id, 10_000)
    return session_id


def document(stack: Stack, person: Person, path: str) -> bytes:
    answer = requests.get(stack.http_url + path, headers={"Authorization": f"Bearer {person.token}"}, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/xml"), answer.text
    return answer.content


def test_a_business_has_an_invoice_and_a_credit_note_for_what_goes_back(
    stack: Stack, network: Network, rival: Person, paid: str
) -> None:
    driver, operator, path = network.driver, network.operator, f"/v1/sessions/{paid}/invoice"
    assert refused(driver, "POST", path) == (409, "no_business")
    assert refused(driver, "GET", path)[0] == 404
    driver.call("PUT", "/v1/me/business", BUSINESS | {"address": "Road 1"})
    status, kind = refused(driver, "POST", path)
    assert (status, kind) == (409, "invoice_incomplete")
    driver.call("PUT", "/v1/me/business", BUSINESS)
    (invoice,) = driver.call("POST", path)["items"]
    mine = next(it for it in driver.call("GET", "/v1/me/invoices")["items"] if it["session_id"] == paid)
    assert (mine["number"], mine["total_minor"]) == (invoice["number"], invoice["total_minor"])
    for syntax in ("ubl", "cii"):
        assert broken_rules(document(stack, driver, mine["papers"][syntax])) == []
    assert driver.call("GET", mine["papers"]["receipt"])["session_id"] == paid
    receipt = driver.call("GET", f"/v1/sessions/{paid}/receipt")
    assert (invoice["kind"], invoice["buyer"]["city"], invoice["buyer"]["country"]) == ("invoice", "Wien", "AT")
    assert [invoice[it] for it in ("net_minor", "tax_minor", "total_minor", "due_minor")] == [
        receipt["net_minor"],
        receipt["tax_minor"],
        receipt["total_minor"],
        0,
    ]
    assert driver.call("POST", path)["items"] == [invoice]
    operator.call("POST", f"/v1/operator/sessions/{paid}/refund", {"amount_minor": 100})
    eventually(lambda: driver.call("GET", f"/v1/sessions/{paid}")["refunded_minor"] == 100)
    _, note = driver.call("POST", path)["items"]
    assert (note["kind"], note["of_number"], note["total_minor"]) == ("credit_note", invoice["number"], 100)
    # Numbers have no gap.
    year, first = invoice["number"].split("-")
    assert note["number"] == f"{year}-{int(first) + 1:07}"
    assert driver.call("GET", path)["items"] == [invoice, note]
    for number in (invoice["number"], note["number"]):
        for form in ("ubl", "cii"):
            assert broken_rules(document(stack, driver, f"{path}/{number}?format={form}")) == []
            assert broken_rules(document(stack, operator, f"/v1/operator/invoices/{number}?format={form}")) == []
        assert_is_carried(stack, driver, f"{path}/{number}?format=facturx")
        assert_is_carried(stack, operator, f"/v1/operator/invoices/{number}?format=facturx")
    listed = operator.call("GET", "/v1/operator/invoices?limit=200")["items"]
    assert [it for it in listed if paid in {line["session_id"] for line in it["lines"]}] == [invoice, note]
    assert refused(rival, "GET", f"/v1/operator/invoices/{invoice['number']}")[0] == 404


def test_who_wants_an_invoice_with_each_session_has_it_without_asking(
    network: Network, socket: Socket, charger_id: str
) -> None:
    driver = network.driver
    network.operator.call("PUT", "/v1/operator/profile", PROFILE)
    driver.call("PUT", "/v1/me/business", BUSINESS | {"invoicing": "each_session"})
    session_id = start(network, socket, charger_id)
    finish(network, socket, session_id, 10_000)
    path = f"/v1/sessions/{session_id}/invoice"
    assert refused(driver, "POST", path) == (409, "invoice_comes")
    # What its schedule does every five minutes.
    eventually(lambda: wiring.network().invoice_desk.issue_due() == 0)
    (invoice,) = driver.call("GET", path)["items"]
    assert invoice["lines"][0]["session_id"] == session_id
    network.operator.call("POST", f"/v1/operator/sessions/{session_id}/refund", {"amount_minor": 100})

    def papers() -> list[str]:
        wiring.network().invoice_desk.issue_due()
        return [it["kind"] for it in driver.call("GET", path)["items"]]

    until(papers, ["invoice", "credit_note"])
    driver.call("PUT", "/v1/me/business", BUSINESS)


def assert_is_carried(stack: Stack, person: Person, path: str) -> None:
    answer = requests.get(stack.http_url + path, headers={"Authorization": f"Bearer {person.token}"}, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf"), answer.text
    assert broken_rules(facturx.get_xml_from_pdf(answer.content)[1]) == []


def test_a_link_opens_a_paper_without_a_login_and_no_other(stack: Stack, network: Network, paid: str) -> None:
    driver = network.driver
    driver.call("PUT", "/v1/me/business", BUSINESS)
    (invoice,) = driver.call("POST", f"/v1/sessions/{paid}/invoice")["items"]
    link = driver.call("POST", f"/v1/sessions/{paid}/invoice/{invoice['number']}/link", {"valid_days": 1})["url"]
    answer = requests.get(stack.http_url + link, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    assert broken_rules(facturx.get_xml_from_pdf(answer.content)[1]) == []
    ticket = link.partition("ticket=")[2].partition("&")[0]
    receipts = driver.call("POST", f"/v1/sessions/{paid}/receipt/link", {})["url"]
    for path, status in (
        (link.replace(ticket, "x"), 401),
        (link.replace(ticket, receipts.partition("ticket=")[2].partition("&")[0]), 401),
        (f"/v1/receipts/{paid}?ticket={ticket}", 401),
        (link.replace(invoice["number"], "2026-9999999"), 404),
    ):
        assert requests.get(stack.http_url + path, timeout=60).status_code == status, path


def test_a_country_is_one_of_iso_3166(network: Network) -> None:
    assert refused(network.driver, "PUT", "/v1/me/business", BUSINESS | {"country": "XX"})[0] == 422
    assert refused(network.operator, "PUT", "/v1/operator/profile", PROFILE | {"country": "ZZ"})[0] == 422


def test_xrechnung_says_what_is_missing_for_it(stack: Stack, network: Network, paid: str) -> None:
    driver = network.driver
    driver.call("PUT", "/v1/me/business", BUSINESS)
    (invoice,) = driver.call("POST", f"/v1/sessions/{paid}/invoice")["items"]
    path = f"/v1/sessions/{paid}/invoice/{invoice['number']}"
    assert refused(driver, "GET", f"{path}?format=xrechnung") == (409, "invoice_incomplete")
    assert refused(driver, "GET", f"{path}?format=papyrus")[0] == 400
    assert refused(driver, "GET", f"/v1/sessions/{paid}/invoice/2026-9999999")[0] == 404
