"""What is kept of money: transfers, and the payment provider's events already heard."""

from __future__ import annotations

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from chalicelib.adapters.tables.shared import PREFIX, OnDemand


class LedgerRow(Model):
    class Meta(OnDemand):
        table_name = f"{PREFIX}ledger"

    session_id = UnicodeAttribute(hash_key=True)
    kind = UnicodeAttribute(range_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class IdempotencyRow(Model):
    """Written by Powertools' idempotency, which names its own attributes."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}idempotency"

    id = UnicodeAttribute(hash_key=True)
    expiration = TTLAttribute(null=True)
