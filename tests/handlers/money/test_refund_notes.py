"""Refund notes over HTTP, on every kind of paper and in the driver's language; receipts that show what went back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from benchmarks.wire import Socket
from chalicelib.domain.charging.refunds import Refund, RefundStatus
from chalicelib.domain.languages import LANGUAGES
from chalicelib.domain.money.receipt import RefundNote
from chalicelib.domain.pricing.tax import Tax
from chalicelib.handlers.money.paper.html import page
from chalicelib.handlers.money.paper.pdf import document_of
from chalicelib.handlers.money.paper.sheet import note_sheet, sheet
from local.client import Person
from local.seed import Network
from local.stack import Stack
from tests.handlers.money.test_money import refused, start
from tests.handlers.money.test_receipts import AT, RECEIPT, squeezed, text_of
from tests.handlers.sessions.test_sessions import finish, read
from tests.scenarios.world import eventually

NOTE = RefundNote(
    RECEIPT,
    Refund(
        payment_id="pi_1",
        key="a",
        amount_minor=223,
        at=AT,
        status=RefundStatus.DONE,
        number=1,
        taxes=(Tax(RECEIPT.bill.taxes[0].percent, 187, 36),),
    ),
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_prints_receipt_and_note_on_every_paper(language: str) -> None:
    for it in (sheet(RECEIPT, [NOTE], language), note_sheet(NOTE, language)):
        shown = page(it)
        assert f'<html lang="{language}">' in shown
        assert NOTE.number in shown
        assert squeezed(it.sums[-1][1]) in squeezed(text_of(document_of(it).encode()))


def test_a_note_says_what_goes_back_of_which_receipt_at_which_rate() -> None:
    shown = note_sheet(NOTE, "de")
    assert (shown.title, shown.number) == ("Gutschrift", "C-KAAAAAAAAAAAAAAAAAAA-1")
    assert ("Bezieht sich auf", "R-KAAAAAAAAAAAAAAAAAAA vom 21.11.2026") in shown.facts
    assert shown.taxes == (("19 %", "1,87 EUR", "0,36 EUR", "2,23 EUR"),)
    assert shown.sums == (("Erstattet auf visa 4242", "2,23 EUR"),)
    failed = replace(NOTE, refund=replace(NOTE.refund, status=RefundStatus.FAILED))
    assert "ungültig" in note_sheet(failed, "de").notes[0]


@pytest.fixture
def paid(network: Network, socket: Socket, charger_id: str) -> str:
    """A session of 10 kWh, paid."""
    session_id = start(network, socket, charger_id)
    read(socket, 5000)
    finish(network, socket, session_id, 10_000)
    return session_id


@pytest.fixture
def german(network: Network) -> Iterator[None]:
    """The driver reads German."""
    assert network.driver.call("PATCH", "/v1/me", {"locale": "de_at"})["locale"] == "de-AT"
    yield
    network.driver.call("PATCH", "/v1/me", {"locale": ""})


def refund(network: Network, session_id: str, amount_minor: int) -> None:
    path = f"/v1/operator/sessions/{session_id}/refund"
    network.operator.call("POST", path, {"amount_minor": amount_minor}, {"Idempotency-Key": secrets.token_hex(4)})


def test_a_refund_is_on_the_receipt_has_a_note_and_a_notice(
    stack: Stack, network: Network, rival: Person, german: None, paid: str
) -> None:
    refund(network, paid, 100)
    receipt = network.driver.call("GET", f"/v1/sessions/{paid}/receipt")
    (note,) = network.driver.call("GET", f"/v1/sessions/{paid}/refunds")["items"]
    assert (receipt["refunded_minor"], receipt["refunds"], receipt["language"]) == (100, [note], "de-AT")
    assert (note["amount_minor"], note["net_minor"] + note["tax_minor"], note["status"]) == (100, 100, "done")
    assert network.driver.call("GET", note["url"]) == note
    headers = {"Authorization": f"Bearer {network.driver.token}"}
    printed = requests.get(stack.http_url + note["url"], {"format": "pdf"}, headers=headers, timeout=60)
    assert "Gutschrift" in text_of(printed.content)
    french = requests.get(stack.http_url + note["url"], {"format": "html", "locale": "fr"}, headers=headers, timeout=60)
    assert "Avoir" in french.text
    assert refused(network.driver, "GET", f"{note['url']}?format=html&locale=tlh")[0] == 400
    assert refused(network.driver, "GET", f"/v1/sessions/{paid}/refunds/C-{paid}-2")[0] == 404
    assert refused(rival, "GET", note["url"])[0] == 404
    link = network.driver.call("POST", f"/v1/sessions/{paid}/receipt/link", {"format": "html"})["url"]
    assert note["number"] in requests.get(stack.http_url + link, timeout=60).text
    kinds = [it["kind"] for it in network.driver.call("GET", "/v1/me/notices")["items"] if it["session_id"] == paid]
    assert "refunded" in kinds


def test_a_link_shows_a_note_and_its_receipt_without_a_login(
    stack: Stack, network: Network, rival: Person, paid: str
) -> None:
    for amount_minor in (100, 50):
        refund(network, paid, amount_minor)
    first, second = network.driver.call("GET", f"/v1/sessions/{paid}/refunds")["items"]
    made = network.driver.call("POST", f"{second['url']}/link", {"format": "json", "valid_days": 1})
    shown = requests.get(stack.http_url + made["url"], timeout=60)
    assert (shown.status_code, shown.headers["Cache-Control"]) == (200, "no-store")
    assert {**shown.json(), "url": ""} == {**second, "url": ""}
    # What it names can be opened by the same ticket, and its receipt's link leads to each note.
    assert requests.get(stack.http_url + shown.json()["url"], timeout=60).json() == shown.json()
    link = network.driver.call("POST", f"/v1/sessions/{paid}/receipt/link", {"format": "json"})["url"]
    receipt = requests.get(stack.http_url + link, timeout=60).json()
    for known, seen in zip((first, second), receipt["refunds"], strict=True):
        printed = requests.get(f"{stack.http_url}{seen['url']}&format=pdf", timeout=60)
        assert known["number"] in text_of(printed.content)
    assert refused(rival, "POST", f"{second['url']}/link", {})[0] == 404
    assert refused(network.driver, "POST", f"/v1/sessions/{paid}/refunds/C-{paid}-3/link", {})[0] == 404
    nowhere = made["url"].replace(second["number"], f"C-{paid}-3")
    assert requests.get(stack.http_url + nowhere, timeout=60).status_code == 404


def test_what_is_done_in_stripes_dashboard_is_heard(stack: Stack, network: Network, paid: str) -> None:
    books = network.operator.call("GET", f"/v1/operator/sessions/{paid}/books")
    payment_id = next(it["reference"] for it in books["transfers"] if it["kind"] == "capture")
    form: dict[str, Any] = {"payment_intent": payment_id, "amount": 30}
    made = requests.post(f"{stack.stripe.url}/v1/refunds", form, auth=("sk_test_kerb", ""), timeout=60).json()

    def refunded() -> int:
        return int(network.driver.session(paid)["refunded_minor"])

    eventually(lambda: refunded() == 30)
    stack.stripe.fail_refund(made["id"])
    eventually(lambda: refunded() == 0)
    stack.stripe.dispute(payment_id, "lost")

    def balances() -> dict[str, int]:
        found: dict[str, int] = network.operator.call("GET", f"/v1/operator/sessions/{paid}/books")["balances_minor"]
        return found

    eventually(lambda: any(it.startswith("charged_back/") for it in balances()))
    assert sum(balances().values()) == 0
    assert network.driver.call("GET", f"/v1/sessions/{paid}/refunds")["items"][0]["status"] == "failed"
