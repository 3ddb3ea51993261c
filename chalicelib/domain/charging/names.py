"""Names that say what they are of: sessions begun by app, payments by a wallet or an organisation; from facts."""

from __future__ import annotations

import base64
import hashlib

_APP_SESSION_PREFIX = "K"
# OCPP 1.6's idTag holds 20, and some firmware writes past the end of what it keeps of one that long.
_SESSION_ID_LENGTH = 18
# Sessions begun before ids were made shorter.
_FORMER_SESSION_ID_LENGTH = 20
# How a payment begins that moves money of a driver's wallet; no payment provider has names like it.
_WALLETS = "wallet-"
# And one that an organisation owes.
_ORGANISATIONS = "organisation-"


def session_id_for(*facts: str) -> str:
    """A session id that the same facts always give: 18 characters, so that it is itself an idTag any charger holds."""
    digest = hashlib.sha256("\x1f".join(facts).encode()).digest()
    return (_APP_SESSION_PREFIX + base64.b32encode(digest).decode())[:_SESSION_ID_LENGTH]


def looks_like_app_token(token: str) -> bool:
    """Whether `token` has the form of a session id, which is what an app session shows the charger."""
    is_long_enough = len(token) in (_SESSION_ID_LENGTH, _FORMER_SESSION_ID_LENGTH)
    return is_long_enough and token.upper().startswith(_APP_SESSION_PREFIX)


def wallets_payment(session_id: str, purpose: str = "") -> str:
    """The payment by which a wallet pays for a session: from escrow, or for another purpose."""
    return f"{_WALLETS}{session_id}{'-' if purpose else ''}{purpose}"


def is_wallets(payment_id: str) -> bool:
    """Whether a payment is a wallet's, and no card's."""
    return payment_id.startswith(_WALLETS)


def organisations_payment(organisation_id: str, session_id: str) -> str:
    """The payment by which an organisation pays for a session."""
    return f"{_ORGANISATIONS}{organisation_id}-{session_id}"


def paying_organisation(payment_id: str) -> str | None:
    """The organisation whose payment that is; None: it is nobody's but a wallet's or a card's."""
    if not payment_id.startswith(_ORGANISATIONS):
        return None
    return payment_id.partition("/")[0].removeprefix(_ORGANISATIONS).rpartition("-")[0]


def is_ours(payment_id: str) -> bool:
    """Whether a payment is a wallet's or an organisation's: kept by us alone, and no payment provider's."""
    return is_wallets(payment_id) or paying_organisation(payment_id) is not None
