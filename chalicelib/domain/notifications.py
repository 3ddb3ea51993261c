"""Notifications: what drivers are told of their sessions, when delivery is tried again, and where webhooks may lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from chalicelib.domain.chargers.events import ConnectorId

MOST_ATTEMPTS = 10
_LONGEST_URL = 2000
# Any IPv4 address can be written in there, and a network with NAT64 leads to it.
_NAT64 = ip_network("64:ff9b::/96")


class NotificationKind(StrEnum):
    """What a notification says, in the order in which a session brings it about."""

    STARTED = "started"
    ALMOST_FULL = "almost_full"
    IDLE_FEE_BEGINS = "idle_fee_begins"
    FINISHED = "finished"
    PAYMENT_FAILED = "payment_failed"
    RECEIPT_READY = "receipt_ready"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


KINDS = tuple(NotificationKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing told to one driver of one session. It names no amounts: those are the session's and its receipt's.

    `number` tells a session's refunds apart. `locale` is what its driver reads, known only to who sends it.
    """

    kind: NotificationKind
    session_id: str
    driver_id: str
    operator_id: str
    charger_id: str
    connector: ConnectorId
    at: datetime
    number: int = 0
    locale: str = ""

    @property
    def notice_id(self) -> str:
        """The same for the same thing, whoever finds it and however often."""
        return f"{self.session_id}-{self.kind}{f'-{self.number}' if self.number else ''}"


def attempt_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: a minute, two, four; the tenth comes eight and a half hours in."""
    return timedelta(minutes=2 ** max(0, attempts - 1))


def check_webhook(url: str, *, may_be_inside: bool) -> None:
    """Raises ValueError for an address that notifications must not be sent to, as far as its text shows.

    `may_be_inside`: plain http and addresses of one's own machine and network will do.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("this is not a URL") from None
    if len(url) > _LONGEST_URL or not url.isascii() or any(it.isspace() for it in url):
        raise ValueError(f"a URL is printable ASCII of at most {_LONGEST_URL} characters")
    if parts.scheme != "https" and not (may_be_inside and parts.scheme == "http"):
        raise ValueError("the URL must begin with https://")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise ValueError("the URL must name a host, and no user")
    if not may_be_inside and not is_public_host(parts.hostname):
        raise ValueError("the URL must lead to a public address")


def is_public_host(host: str) -> bool:
    """Whether a host's name could be anywhere; an address must be one that the whole world can reach."""
    if host.rstrip(".").rpartition(".")[2] in ("localhost", "local", "internal"):
        return False
    try:
        return is_public(host)
    except ValueError:
        return True


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet. Raises ValueError for what is no address."""
    found = ip_address(address)
    # An IPv6 address that wraps an IPv4 one leads where that one does.
    wrapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return is_public(str(wrapped)) if wrapped else found.is_global and not found.is_multicast and found not in _NAT64
