"""Receipts on every kind of paper: right, escaped, the same for ever, and shown to whom they concern."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from benchmarks.wire import Socket
from chalicelib import wiring
from chalicelib.domain.money.receipt import Profile, Receipt
from chalicelib.domain.pricing.bill import Bill, Dimension, Line
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.domain.pricing.tax import Tax
from chalicelib.handlers.money import views
from chalicelib.handlers.money.paper.html import html
from chalicelib.handlers.money.paper.pdf import pdf
from chalicelib.handlers.money.paper.sheet import sheet
from chalicelib.records.access import TicketScope
from local.client import Person
from local.seed import Network
from local.stack import Stack
from tests.domain.pricing.test_price_bounds import billed, tariffs
from tests.handlers.money.test_money import refused, start
from tests.handlers.sessions.test_sessions import finish, read

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
BILL = Bill(
    currency="EUR",
    lines=(
        Line(
            dimension=Dimension.ENERGY,
            quantity=31_337,
            unit_price=Decimal("0.49"),
            amount_minor=1536,
            tax_percent=Decimal(19),
        ),
        Line(
            dimension=Dimension.PARKING_TIME,
            quantity=2700,
            unit_price=Decimal(5),
            amount_minor=375,
            tax_percent=Decimal(7),
        ),
    ),
    net_minor=1911,
    tax_minor=318,
    total_minor=2229,
    taxes=(Tax(Decimal(19), 1536, 292), Tax(Decimal(7), 375, 26)),
)
RECEIPT = Receipt(
    number="R-KAAAAAAAAAAAAAAAAAAA",
    session_id="KAAAAAAAAAAAAAAAAAAA",
    operator_id="demo",
    driver_id="driver-1",
    supplier=Profile(
        legal_name="Łódź & Söhne <Ladenetz> GmbH",
        address="Kaistraße 7\n20457 Hamburg",
        country="DE",
        tax_id="DE123456789",
    ),
    issued_at=AT + timedelta(hours=2),
    site_name="Hafen <script>alert(1)</script>",
    address="Hafenstrasse 1, Hamburg",
    time_zone="Europe/Berlin",
    charger_id="DEMO-16",
    connector="1",
    started_at=AT,
    stopped_at=AT + timedelta(hours=1),
    meter_start_wh=1000,
    meter_stop_wh=32_337,
    energy_wh=31_337,
    bill=BILL,
    paid_minor=2229,
    paid_at=AT + timedelta(hours=1),
    card="visa 4242",
)
# § 33 UStDV: who and where, when it was issued, how much of what, the gross amount and its rate of tax.
WANTED = (
    "Łódź & Söhne <Ladenetz> GmbH",
    "Kaistraße 7",
    "20457 Hamburg",
    "VAT ID DE123456789",
    "2026-11-21",
    "Charging of an electric vehicle",
    "31.337 kWh",
    "0.49 EUR/kWh",
    "15.36 EUR",
    "0 h 45 min 00 s",
    "3.75 EUR",
    "19 %",
    "2.92 EUR",
    "7 %",
    "0.26 EUR",
    "22.29 EUR",
    "visa 4242",
    "KAAAAAAAAAAAAAAAAAAA",
    "1.000 kWh",
    "32.337 kWh",
    "2026-11-21 10:30:00+01:00 (Europe/Berlin)",
)


def text_of(document: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(BytesIO(document)).pages)


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_a_pdf_says_all_that_a_receipt_must() -> None:
    shown = squeezed(text_of(pdf(RECEIPT).encode()))
    assert [it for it in WANTED if squeezed(it) not in shown] == []


def test_a_page_says_all_that_a_receipt_must_and_runs_nothing() -> None:
    page = html(RECEIPT)
    plain = page.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    assert [it for it in WANTED if it not in plain] == []
    assert "<script" not in page
    assert "<Ladenetz>" not in page
    assert "http" not in page


_PRINT = """
import sys
from tests.handlers.money.test_receipts import RECEIPT, html, pdf
sys.stdout.write(pdf(RECEIPT) + html(RECEIPT))
"""


def test_paper_is_the_same_to_the_byte_in_every_process() -> None:
    command = [sys.executable, "-c", _PRINT]
    printed = [
        subprocess.run(command, capture_output=True, check=True, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1] == (pdf(RECEIPT) + html(RECEIPT)).encode()


@pytest.mark.parametrize(("currency", "shown"), [("JPY", "2229 JPY"), ("KWD", "2.229 KWD")])
def test_money_has_its_currencys_decimals(currency: str, shown: str) -> None:
    foreign = replace(RECEIPT, bill=replace(BILL, currency=currency))
    assert shown in html(foreign)
    assert squeezed(shown) in squeezed(text_of(pdf(foreign).encode()))


def test_a_long_receipt_goes_over_to_the_next_page() -> None:
    long = replace(RECEIPT, bill=replace(BILL, lines=BILL.lines * 60))
    assert len(PdfReader(BytesIO(pdf(long).encode())).pages) > 1


@pytest.fixture
def paid(network: Network, socket: Socket, charger_id: str) -> str:
    """A session of 10 kWh, paid."""
    session_id = start(network, socket, charger_id)
    read(socket, 5000)
    finish(network, socket, session_id, 10_000)
    return session_id


def test_a_receipt_stays_as_it_was_issued(network: Network, paid: str) -> None:
    path = f"/v1/sessions/{paid}/receipt"
    before = network.driver.call("GET", path)
    profile: dict[str, Any] = {"legal_name": "Kerb GmbH", "address": "A 1\n1 B", "country": "DE", "tax_id": "DE1"}
    network.operator.call("PUT", "/v1/operator/profile", profile)
    assert network.operator.call("GET", "/v1/operator/profile")["legal_name"] == "Kerb GmbH"
    assert network.driver.call("GET", path) == before


def test_a_receipt_comes_on_the_paper_that_is_asked_for(stack: Stack, network: Network, paid: str) -> None:
    url = f"{stack.http_url}/v1/sessions/{paid}/receipt"
    headers = {"Authorization": f"Bearer {network.driver.token}"}
    page = requests.get(url, {"format": "html"}, headers=headers, timeout=60)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "10.000 kWh" in page.text
    document = requests.get(url, {"format": "pdf"}, headers=headers, timeout=60)
    assert document.headers["Content-Type"] == "application/pdf"
    assert document.headers["Content-Disposition"] == f'inline; filename="R-{paid}.pdf"'
    assert "10.000kWh" in squeezed(text_of(document.content))
    assert document.content == requests.get(url, {"format": "pdf"}, headers=headers, timeout=60).content
    assert refused(network.driver, "GET", f"/v1/sessions/{paid}/receipt?format=clay")[0] == 400


def test_a_link_shows_the_receipt_without_a_login_until_it_expires(stack: Stack, network: Network, paid: str) -> None:
    link = network.driver.call("POST", f"/v1/sessions/{paid}/receipt/link", {"format": "html", "valid_days": 1})
    shown = requests.get(stack.http_url + link["url"], timeout=60)
    assert (shown.status_code, "10.000 kWh" in shown.text) == (200, True)
    driver_id = network.driver.call("GET", "/v1/me")["driver_id"]
    old = wiring.network().tickets.issue(
        paid, driver_id, wiring.network().clock() - timedelta(minutes=1), TicketScope.RECEIPT
    )
    live = wiring.network().tickets.issue(paid, driver_id, wiring.network().clock() + timedelta(days=1))
    for ticket in ("", "forged", old, live):
        answer = requests.get(f"{stack.http_url}/v1/receipts/{paid}", {"ticket": ticket}, timeout=60)
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
    receipt_ticket = link["url"].partition("ticket=")[2].partition("&")[0]
    watched = requests.get(f"{stack.http_url}/v1/sessions/{paid}/live", {"ticket": receipt_ticket}, timeout=60)
    assert watched.status_code == 401


def test_nobody_links_to_somebody_elses_receipt(rival: Person, paid: str) -> None:
    assert refused(rival, "POST", f"/v1/sessions/{paid}/receipt/link", {})[0] == 404


@given(tariffs(), st.integers(0, 60_000), st.integers(0, 600))
def test_whatever_a_tariff_makes_of_a_charge_there_is_a_receipt_of_it(
    prices: Tariff, energy_wh: int, minutes: int
) -> None:
    receipt = replace(RECEIPT, bill=billed(prices, energy_wh, minutes))
    shown = views.receipt(receipt)
    assert sum(it.amount_minor for it in shown.lines) == (shown.total_minor if shown.tax_included else shown.net_minor)
    assert sheet(receipt).lines or not receipt.bill.lines
