"""Notifications: what drivers are told of their sessions, when delivery is tried again, and where webhooks may lead."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass

MOST_ATTEMPTS = 10
_LONGEST_URL = 2000
# Names that lead to one's own network, whatever they resolve to (RFC 6761, 6762, 8375, 9476; the rest by custom).
_INSIDE_NAMES = frozenset(
    ("localhost", "local", "internal", "arpa", "alt", "onion", "lan", "home", "corp", "intranet", "private")
)
# Any IPv4 address can be written in these, and a network that translates or tunnels leads to it: NAT64 (RFC 6052,
# 8215), addresses compatible with IPv4 or mapped to it (RFC 4291 §2.5.5), translated ones (RFC 2765), Teredo and 6to4.
# No name of the open internet needs one.
_WRAPPING = tuple(
    map(
        ip_network,
        ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "2001::/32", "2002::/16"),
    )
)
# Routed nowhere on the open internet, though older tables of Python's think so (IANA's special-purpose registries).
_RESERVED = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
            "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
        ),
    )
)  # fmt: skip


class NotificationKind(StrEnum):
    """What a notification says, in the order in which a session brings it about.

    That the card which paid for it will soon expire is told of a driver's newest session, and an invoice that nobody
    asked for of the first session on it; a token, that a connector is
    free, and a car's broken link are of no session. `power_waits` and what follows came last, and stored ones are
    listed by this order.
    """

    STARTED = "started"
    CHARGE_PLANNED = "charge_planned"
    PLAN_CHANGED = "plan_changed"
    ALMOST_FULL = "almost_full"
    IDLE_FEE_BEGINS = "idle_fee_begins"
    FINISHED = "finished"
    PAYMENT_FAILED = "payment_failed"
    RECEIPT_READY = "receipt_ready"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    CARD_EXPIRES = "card_expires"
    BILL_CORRECTED = "bill_corrected"
    TOKEN_ISSUED = "token_issued"  # noqa: S105
    CONNECTOR_FREE = "connector_free"
    POWER_WAITS = "power_waits"
    POWER_AT_RISK = "power_at_risk"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_ANSWERED = "dispute_answered"
    CAR_LINK_BROKEN = "car_link_broken"
    CAR_PLANNED = "car_planned"
    CAR_PLAN_CHANGED = "car_plan_changed"
    CAR_AT_RISK = "car_at_risk"
    CAR_NOT_SEEN = "car_not_seen"
    CAR_UNPLUGGED_EARLY = "car_unplugged_early"
    INVOICE_ISSUED = "invoice_issued"


# Those that a session brings about.
_OF_NO_SESSION = (
    NotificationKind.TOKEN_ISSUED,
    NotificationKind.CONNECTOR_FREE,
    NotificationKind.CAR_LINK_BROKEN,
    NotificationKind.CAR_PLANNED,
    NotificationKind.CAR_PLAN_CHANGED,
    NotificationKind.CAR_AT_RISK,
    NotificationKind.CAR_NOT_SEEN,
    NotificationKind.CAR_UNPLUGGED_EARLY,
)
KINDS = tuple(it for it in NotificationKind if it not in _OF_NO_SESSION)
# That a connector is free is no news any more after so long: who is told then drives there in vain.
_FREE_IS_NEWS = timedelta(minutes=15)


class Channel(StrEnum):
    """A way to a driver that they may switch off for a kind of notification; what they read in the app stays."""

    PUSH = "push"
    MAIL = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing told to one driver of one session. It names no amounts: those are the session's and its receipt's.

    `number` tells a session's refunds apart, corrections, disputes, changes of its plan, what its car waits for, and
    when a car was linked. `locale` is what its driver reads, known only to who sends it.
    One that is told of a token bears its `uid`, and no session, charger or connector; that a connector is free is told
    by the `watch_id` of whoever waited for it, and of no session. `link_id` is a car's, of no operator; so
    is `vehicle_id`, whose night is told of by the `number` of its plan.
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
    uid: str = ""
    watch_id: str = ""
    link_id: str = ""
    vehicle_id: str = ""

    @property
    def notice_id(self) -> str:
        """The same for the same thing, whoever finds it and however often."""
        number = f"-{self.number}" if self.number else ""
        thing = self.session_id or self.watch_id or self.link_id or self.vehicle_id or f"{self.operator_id}-{self.uid}"
        return f"{thing}-{self.kind}{number}"

    def is_stale(self, at: datetime) -> bool:
        """Whether nobody is helped by being told it then."""
        return self.kind is NotificationKind.CONNECTOR_FREE and at - self.at > _FREE_IS_NEWS


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
    name = host.rstrip(".").lower()
    try:
        return is_public(name)
    except ValueError:
        pass
    *_, last = labels = name.split(".")
    # A name of one word is one's own network's; and one that ends in a number is an address in another spelling, which
    # a resolver reads as it likes (WHATWG URL §3.5): 127.1, 0x7f000001, 2130706433.
    is_number = last.isdigit() or (last.startswith("0x") and all(it in "0123456789abcdef" for it in last[2:]))
    return len(labels) > 1 and all(labels) and last not in _INSIDE_NAMES and not is_number


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet. Raises ValueError for what is no address.

    One of IPv6 that wraps an IPv4 address does not, wherever that leads.
    """
    found: IPv4Address | IPv6Address = ip_address(address)
    if not found.is_global or found.is_multicast or found.is_reserved:
        return False
    return not any(found in it for it in (*_WRAPPING, *_RESERVED) if it.version == found.version)
