"""Papers and mail: what people and chargers call themselves is printed as text, no page, no script and no line of it.

STRIDE: tampering (HTML, PDF, headers), spoofing (who a message is from).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.adapters.notifications.messengers import MailMessenger
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.handlers.http.endpoint import ROUTES
from chalicelib.records.drivers import Driver
from tests.attacks.conftest import Network

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}{%x%}${7*7}'
PDF_EVIL = ") Tj ET /OpenAction << /S /JavaScript /JS (app.alert(1)) >> \\"


@pytest.fixture(scope="module")
def receipt(net: Network) -> str:
    """The address of a receipt of an operator whose every name means ill."""
    profile = {"legal_name": EVIL[:100], "address": PDF_EVIL, "country": "DE", "tax_id": "DE123456789"}
    net.rival.call("PUT", "/v1/operator/profile", profile)
    tariff = {"name": EVIL[:100], "currency": "EUR", "price_per_kwh": "1"}
    net.rival.call("PUT", "/v1/operator/tariffs/rival-evil", tariff)
    site = {"name": EVIL[:100], "address": PDF_EVIL + EVIL, "time_zone": "UTC", "tariff_id": "rival-evil"}
    net.rival.call("PUT", "/v1/operator/sites/rival-evil", site)
    plugs = [{"connector": "1", "max_power_w": 20_000_000}]
    body = {"site_id": "rival-evil", "connectors": ["1"], "plugs": plugs, "password": "charge-me-if-you-can"}
    net.rival.call("PUT", "/v1/operator/chargers/RIV-EVIL", body)
    with net.charger("RIV-EVIL") as socket:
        session_id = net.begin(net.alice, "RIV-EVIL", socket)
        net.finish(net.alice, session_id, socket, 5_000)
    return f"/v1/sessions/{session_id}/receipt"


def test_a_receipt_as_a_page_runs_nothing_that_anybody_is_called(net: Network, receipt: str) -> None:
    answer = net.ask(net.alice, "GET", f"{receipt}?format=html")
    assert answer.status_code == 200
    assert "&lt;script&gt;alert(1)" in answer.text
    for what in ("<script", "<img", "javascript:", " onerror=alert(1)>"):
        assert what not in answer.text
    assert "{{7*7}}" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_receipt_as_pdf_holds_no_action(net: Network, receipt: str) -> None:
    answer = net.ask(net.alice, "GET", f"{receipt}?format=pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    # What is compressed may spell anything by chance.
    objects = re.sub(rb"stream\r?\n.*?endstream", b"", answer.content, flags=re.DOTALL)
    assert b"/Catalog" in objects
    for what in (b"/JavaScript", b"/OpenAction", b"/Launch", b"/URI", b"/AA", b"/EmbeddedFile", b"/AcroForm"):
        assert what not in objects


def test_a_receipts_file_is_named_by_its_number_alone(net: Network, receipt: str) -> None:
    answer = net.ask(net.alice, "GET", f"{receipt}?format=pdf")
    name = answer.headers["Content-Disposition"]
    assert "\r" not in name
    assert "script" not in name
    assert name.count('"') == 2


def test_nothing_is_exported_as_a_spreadsheet_that_would_count_a_name_as_a_formula(net: Network, receipt: str) -> None:
    """Whoever adds CSV has to see to names that begin with =, +, -, @ or a tab, and to change this."""
    assert not any("csv" in it.content_type or any("csv" in also for also in it.also_as) for it in ROUTES)
    answer = net.ask(net.alice, "GET", receipt, headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("application/json")


def test_json_is_never_taken_for_a_page(net: Network, receipt: str) -> None:
    for path in (receipt, "/v1/chargers/RIV-EVIL", "/v1/me/export"):
        answer = net.ask(net.alice, "GET", path)
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@dataclass
class _Ses:
    """What is sent, and not sent."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    def send_email(self, **mail: Any) -> None:
        self.sent.append(mail)


@pytest.mark.parametrize("kind", list(NotificationKind))
def test_a_mails_subject_is_ours_and_its_body_is_text(kind: NotificationKind) -> None:
    ses = _Ses()
    driver = Driver(driver_id="d", email="d@example.com", customer_id=None, payment_method_id=None, card=None)
    drivers: Any = SimpleNamespace(get=lambda _: driver)
    client: Any = ses
    messenger = MailMessenger(client=client, sender="kerb@example.com", drivers=drivers)
    messenger.send(
        Notification(
            kind=kind,
            session_id="K\r\nBcc: x@y.example",
            driver_id="d",
            operator_id="rival",
            charger_id="CP\r\n\r\n<script>",
            connector=ConnectorId(1),
            at=datetime(2026, 11, 30, tzinfo=UTC),
        )
    )
    (mail,) = ses.sent
    assert mail["Destination"] == {"ToAddresses": ["d@example.com"]}
    subject = mail["Content"]["Simple"]["Subject"]["Data"]
    assert subject.isprintable()
    assert "CP" not in subject
    assert set(mail["Content"]["Simple"]["Body"]) == {"Text"}


@pytest.mark.parametrize("charger_id", ["CP\r\n1", "CP 1", "<CP>", "CP\u202e1", "CP'1", 'CP"1'])
def test_no_chargers_name_can_hold_what_a_line_or_page_is_made_of(net: Network, charger_id: str) -> None:
    encoded = "".join(f"%{byte:02x}" for byte in charger_id.encode())
    body = {"site_id": "rival-site", "connectors": ["1"], "password": "a-password-123"}
    assert net.ask(net.rival, "PUT", f"/v1/operator/chargers/{encoded}", body).status_code in (400, 422)
