"""What Kerb calls at others' wish: it reaches the open internet, by the very address that was looked at, or nothing.

STRIDE: elevation (Kerb's own network behind an operator's URL), information disclosure (redirects, rebinding).
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3

from chalicelib import wiring
from chalicelib.adapters.notifications.messengers import WebhookMessenger
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.notifications import Notification, NotificationKind, check_webhook, is_public
from chalicelib.records.notifications import Undelivered, Webhook
from tests.attacks.conftest import Network

INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254",
    "169.254.170.2", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "192.88.99.1", "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254",
    "ff02::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1", "2001::1", "2001:10::1", "2001:20::1",
]  # fmt: skip
# An address of IPv4, in each form that IPv6 has for one.
WRAPPED = [
    "::{}", "::ffff:{}", "::ffff:0:{}", "64:ff9b::{}", "64:ff9b:1::{}", "64:ff9b:1:fffe::{}",
]  # fmt: skip
SPELLED = [
    "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
    "localhost", "LOCALHOST", "localhost.", "x.localhost", "printer.local", "db.internal", "metadata.google.internal",
    "router.lan", "x.home.arpa", "intranet", "kubernetes", "a..b", "1.0.0.127.in-addr.arpa",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("form", "address"), list(itertools.product(WRAPPED, ["127.0.0.1", "169.254.169.254", "10.0.0.1", "8.8.8.8"]))
)
def test_no_address_in_another_is_public(form: str, address: str) -> None:
    assert not is_public(form.format(address))


@pytest.mark.parametrize("address", ["2002:7f00:1::", "2002:0808:0808::1", "2001:0:7f00:1::", "2001:0:808:808::1"])
def test_no_tunnel_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_the_open_internet_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", [*INSIDE[:12], *SPELLED])
def test_a_url_that_names_the_inside_is_refused_where_it_is_registered(host: str) -> None:
    named = f"[{host}]" if ":" in host else host
    with pytest.raises(ValueError, match="URL"):
        check_webhook(f"https://{named}/hook", may_be_inside=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "https://user@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com:x/",
        "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com/\tx",
        "https://hooks\uff0eexample.com/",
        "https:///hook",
        "https://[::1",
        "https://[::ffff:127.0.0.1]/",
        "//hooks.example.com",
        "javascript:alert(1)",
        "",
    ],
    ids=repr,
)
def test_a_url_that_is_more_than_an_address_is_refused(net: Network, monkeypatch: Any, url: str) -> None:
    object.__setattr__(wiring.network().delivery, "may_be_inside", False)
    try:
        body = {"url": url, "secret": "a-secret-of-sixteen-and-more"}
        assert net.ask(net.rival, "PUT", "/v1/operator/webhook", body).status_code in (400, 422)
        assert net.rival.call("GET", "/v1/operator/webhook")["url"] is None
    finally:
        object.__setattr__(wiring.network().delivery, "may_be_inside", True)


class _One:
    """One operator's webhook."""

    def __init__(self, url: str) -> None:
        self._webhook = Webhook(url, "a-secret-of-sixteen-and-more")

    def of(self, operator_id: str) -> Webhook:
        return self._webhook

    def put(self, operator_id: str, webhook: Webhook | None) -> None:
        raise NotImplementedError


NOTICE = Notification(
    kind=NotificationKind.STARTED,
    session_id="K",
    driver_id="d",
    operator_id="rival",
    charger_id="CP-1",
    connector=ConnectorId(1),
    at=datetime(2026, 11, 30, tzinfo=UTC),
)


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a connection is made to; none is answered."""
    addresses: list[str] = []

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        addresses.append(address[0])
        raise OSError("nobody is there")

    monkeypatch.setattr(urllib3.util.connection, "create_connection", connect)
    return addresses


def send(url: str, answers: Iterator[list[str]]) -> None:
    messenger = WebhookMessenger(webhooks=_One(url), clock=lambda: NOTICE.at, resolve=lambda host, port: next(answers))
    with pytest.raises(Undelivered):
        messenger.send(NOTICE)


@pytest.mark.parametrize("address", [*INSIDE, "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe"])
def test_a_name_that_leads_inside_is_not_followed(dialled: list[str], address: str) -> None:
    send("https://hooks.example.com/", iter([[address]]))
    send("https://hooks.example.com/", iter([["8.8.8.8", address]]))
    assert dialled == []


def test_the_address_that_was_looked_at_is_the_one_that_is_called(dialled: list[str]) -> None:
    """A name that leads elsewhere when it is asked for again (DNS rebinding) is asked for once."""
    send("https://hooks.example.com/", iter([["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"]]))
    assert dialled == ["8.8.8.8"]
