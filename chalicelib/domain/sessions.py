"""An ad-hoc checkout: one offer to charge at one connector, for whoever has no account (AFIR Art. 5(1)(c)).

The code at a charger only leads to where a checkout is made; what pays, watches and stops is its secret, made anew each
time. So a code that was copied or pasted over, and a checkout of before, charge nobody else's car.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.drivers import guest_id
from chalicelib.domain.pricing.tariff import Tariff

OPEN_FOR = timedelta(minutes=15)
# A charge lasts two days at the most, and its payer may look at it for some days more.
KEPT_FOR = timedelta(days=7)
# How long before the checkout a car may have been plugged in and still be its payer's.
JUST_PLUGGED_IN = timedelta(minutes=10)
_NOBODY_THERE = frozenset({ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED, ConnectorStatus.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A checkout; `tariff` is the price that was shown, and no other is asked. Of its secret only a hash is kept."""

    checkout_id: str
    secret_hash: str
    charger_id: str
    connector: ConnectorId
    site_id: str
    tariff: Tariff
    time_zone: str
    created_at: datetime

    @property
    def pay_before(self) -> datetime:
        """From then on nothing begins by it."""
        return self.created_at + OPEN_FOR

    @property
    def good_until(self) -> datetime:
        """From then on its secret opens nothing at all."""
        return self.created_at + KEPT_FOR

    @property
    def payer_id(self) -> str:
        """Under which its payer is kept, and owns the session."""
        return guest_id(self.checkout_id)

    @property
    def key(self) -> str:
        """The idempotency key of its one session."""
        return self.checkout_id

    @property
    def session_id(self) -> str:
        """Its one session, be it begun or not."""
        return session_id_for("app", self.payer_id, self.key)

    def is_opened_by(self, secret: str) -> bool:
        """Whether that is its secret."""
        return hmac.compare_digest(self.secret_hash, secret_hash(secret))

    def bounded(self, limits: Limits | None) -> Limits | None:
        """What ends its charge: a guest's card is asked once, so that a charge ends where what is held does."""
        if self.tariff.is_free:
            return limits
        held_minor = self.tariff.hold_minor
        wanted = limits or Limits()
        return Limits(
            energy_wh=wanted.energy_wh,
            amount_minor=min(wanted.amount_minor or held_minor, held_minor),
            duration_s=wanted.duration_s,
            soc_percent=wanted.soc_percent,
        )


def secret_hash(secret: str) -> str:
    """What is kept of a secret: it is 256 random bits, so that a plain hash of it can be turned back by nobody."""
    return hashlib.sha256(secret.encode()).hexdigest()


def may_be_anothers(status: ConnectorStatus, since: datetime | None, opened_at: datetime) -> bool:
    """Whether the car at a connector may have stood there before its payer came.

    A code pasted over another leads to a connector at which somebody waits for a stranger to pay.
    """
    return status not in _NOBODY_THERE and (since is None or since < opened_at - JUST_PLUGGED_IN)
