"""What a driver is told of a session follows from the session, and each thing is told of it once.

What a session bears out (that it began, ended, was paid for or not) can be seen from it at any time. That a battery is
almost full, or that idle time now costs money, passes: it is told by whoever sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from chalicelib.domain.events import ConnectorId, ConnectorStatus
from chalicelib.domain.session import Reason, Session, State
from chalicelib.domain.tariff import Priced, Tariff

ALMOST_FULL_PERCENT = 80
# In one of these a car is connected and takes nothing, by its own will.
IDLE = (ConnectorStatus.SUSPENDED_BY_CAR, ConnectorStatus.FINISHING)
MOST_ATTEMPTS = 10
_LONGEST_URL = 2000
# Any IPv4 address can be written in there, and a network with NAT64 leads to it.
_NAT64 = ip_network("64:ff9b::/96")


class Kind(StrEnum):
    """What a notice says, in the order in which a session brings it about."""

    STARTED = "started"
    ALMOST_FULL = "almost_full"
    IDLE_FEE_BEGINS = "idle_fee_begins"
    FINISHED = "finished"
    PAYMENT_FAILED = "payment_failed"
    RECEIPT_READY = "receipt_ready"


KINDS = tuple(Kind)
_PASSING = (Kind.ALMOST_FULL, Kind.IDLE_FEE_BEGINS)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told to one driver of one session. It names no amounts: those are the session's and its receipt's."""

    kind: Kind
    session_id: str
    driver_id: str
    operator_id: str
    charger_id: str
    connector: ConnectorId
    at: datetime

    @property
    def notice_id(self) -> str:
        """The same for the same thing, whoever finds it and however often."""
        return f"{self.session_id}-{self.kind}"


def notice_of(session: Session, kind: Kind, at: datetime) -> Notice | None:
    """The notice for the session's driver; None when it has none, for then there is nobody to tell."""
    if session.driver_id is None:
        return None
    return Notice(
        kind, session.session_id, session.driver_id, session.operator_id, session.charger_id, session.connector, at
    )


def bears_out(session: Session, kind: Kind) -> bool:
    """Whether a session shows that a notice is true; of what passes it cannot show the contrary."""
    match kind:
        case Kind.STARTED:
            return session.started_at is not None
        case Kind.FINISHED:
            return session.started_at is not None and session.stopped_at is not None
        case Kind.PAYMENT_FAILED:
            was_refused = session.reason in (Reason.PAYMENT_DECLINED, Reason.PAYMENT_FAILED)
            is_unpaid = session.state is State.FAILED and session.started_at is not None
            owes_part = session.payment is not None and session.due_minor > 0
            return owes_part or (session.payment is None and (was_refused or is_unpaid))
        case Kind.RECEIPT_READY:
            return session.is_over and session.bill is not None and session.payment is not None
    return True


def following(before: Session, after: Session) -> list[Kind]:
    """What there is to tell once a session has become another, in order."""
    return [kind for kind in KINDS if kind not in _PASSING and bears_out(after, kind) and not bears_out(before, kind)]


def charges_for_idling(tariff: Tariff) -> bool:
    """Whether time connected after the last energy may cost something, at whatever hour."""
    return any(
        price.type is Priced.PARKING_TIME and price.price > 0
        for element in tariff.elements
        for price in element.price_components
    )


def attempt_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: a minute, two, four; the tenth comes eight and a half hours in."""
    return timedelta(minutes=2 ** max(0, attempts - 1))


def check_webhook(url: str, *, may_be_inside: bool) -> None:
    """Raises ValueError for an address that notices must not be sent to, as far as its text shows.

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
