"""Stripe's saved cards (PaymentMethod of type `card`), as the records have them; Apple Pay and Google Pay are such."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.money.card_expiry import month_text
from chalicelib.records.money import SavedCard


def saved_card(method: Any) -> SavedCard:
    """A payment method that a setup has ended with."""
    card = method.card
    if card is None:
        return SavedCard(method.id, method.type)
    wallet = getattr(card, "wallet", None)
    return SavedCard(
        method.id,
        f"{card.brand} {card.last4}",
        month_text(card.exp_year, card.exp_month),
        wallet.type if wallet else "",
    )
