"""The ways in which a session's money is set aside and taken, and what holds of each: one table.

How a payment's name begins says in which way it is made; no payment provider has names like ours.
"""

from __future__ import annotations

from enum import StrEnum

from chalicelib.domain.data_classes import dataclass


class Way(StrEnum):
    """What money is set aside of."""

    CARD = "card"
    WALLET = "wallet"
    ORGANISATION = "organisation"
    DEPOSIT = "deposit"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayTraits:
    """What holds of all that is paid in one way.

    `is_providers`: the payment provider has it. Its least amounts hold, its books have it too, its webhooks tell what
    became of it, and another can be placed before it runs out. What is not is booked by whoever holds it.
    `is_settled_at_once`: as it is taken, sale and payment are booked in one step, and it is believed at once. What is
    neither told of nor believed at once is asked after.
    """

    way: Way
    prefix: str
    is_providers: bool = False
    is_settled_at_once: bool = False

    @property
    def is_asked_after(self) -> bool:
        """Whether nobody tells that it was taken."""
        return not self.is_providers and not self.is_settled_at_once


_WALLET = WayTraits(way=Way.WALLET, prefix="wallet-", is_settled_at_once=True)
_ORGANISATION = WayTraits(way=Way.ORGANISATION, prefix="organisation-", is_settled_at_once=True)
_DEPOSIT = WayTraits(way=Way.DEPOSIT, prefix="deposit-")
# Whatever nobody else's name begins like.
_CARD = WayTraits(way=Way.CARD, prefix="", is_providers=True)
WAYS = (_WALLET, _ORGANISATION, _DEPOSIT, _CARD)


def way_of(payment_id: str) -> WayTraits:
    """The way in which a payment is made."""
    return next(it for it in WAYS if payment_id.startswith(it.prefix))


def wallets_payment(session_id: str, purpose: str = "") -> str:
    """The payment by which a wallet pays for a session: from escrow, or for another purpose."""
    return f"{_WALLET.prefix}{session_id}{'-' if purpose else ''}{purpose}"


def organisations_payment(organisation_id: str, session_id: str) -> str:
    """The payment by which an organisation pays for a session."""
    return f"{_ORGANISATION.prefix}{organisation_id}-{session_id}"


def deposits_payment(session_id: str) -> str:
    """The payment by which a deposit on chain pays for a session."""
    return f"{_DEPOSIT.prefix}{session_id}"


def paying_organisation(payment_id: str) -> str | None:
    """The organisation whose payment that is; None: it is no organisation's."""
    if way_of(payment_id).way is not Way.ORGANISATION:
        return None
    return payment_id.partition("/")[0].removeprefix(_ORGANISATION.prefix).rpartition("-")[0]
