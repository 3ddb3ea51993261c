"""Stripe's saved cards (PaymentMethod of type `card`), as the records have them; Apple Pay and Google Pay are such."""

from __future__ import annotations

import hashlib
from typing import Any

from chalicelib.domain.money.card_expiry import month_text
from chalicelib.records.money import SavedCard


def saved_card(method: Any) -> SavedCard:
    """A payment method that a setup has ended with."""
    card = method.card
    if card is None:
        return SavedCard(payment_method_id=method.id, label=method.type)
    wallet = getattr(card, "wallet", None)
    # Stripe's own is the same for a card throughout an account of theirs; what stands in our books leads nowhere.
    printed = hashlib.sha256(f"kerb-card-{card.fingerprint}".encode()).hexdigest()[:32] if card.fingerprint else ""
    return SavedCard(
        payment_method_id=method.id,
        label=f"{card.brand} {card.last4}",
        fingerprint=printed,
        expires=month_text(card.exp_year, card.exp_month),
        wallet=wallet.type if wallet else "",
    )
