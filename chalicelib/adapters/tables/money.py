"""Tables of money: the ledger, debts, receipts, differences, and the payment provider's events already worked on."""

from __future__ import annotations

from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class LedgerByDay(GlobalSecondaryIndex["LedgerRow"]):  # type: ignore[no-untyped-call]
    """Finds the sessions about which something was written on a day, for reconciliation."""

    class Meta:
        index_name = "by_day"
        projection = KeysOnlyProjection()

    day = UnicodeAttribute(hash_key=True)
    session_id = UnicodeAttribute(range_key=True)


class LedgerRow(Model):
    """A transfer of the ledger; `transfer` is its kind and the provider's name for the money."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}ledger"

    session_id = UnicodeAttribute(hash_key=True)
    transfer = UnicodeAttribute(range_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()
    day = UnicodeAttribute()

    by_day = LedgerByDay()


class DueDebts(GlobalSecondaryIndex["DebtRow"]):  # type: ignore[no-untyped-call]
    """Finds debts by their next attempt: a debt is here only while it is asked for by itself."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    next_at = UTCDateTimeAttribute(range_key=True)


class DebtRow(Model):
    """What is owed for a session; `leased_until` while somebody is asking for it."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}debts"

    session_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()
    attempts = IntegerAttribute()
    error = UnicodeAttribute(null=True)
    leased_until = UTCDateTimeAttribute(null=True)
    due_shard = UnicodeAttribute(null=True)
    next_at = UTCDateTimeAttribute(null=True)

    due = DueDebts()


class ReceiptRow(Model):
    """An issued receipt as one JSON text, written once."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}receipts"

    session_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class DifferenceRow(Model):
    """A difference that a reconciliation found; `operator_day` is the operator and the day.

    Under a day alone lie the payment provider's payments of it, for as long as they are being compared.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}differences"

    operator_day = UnicodeAttribute(hash_key=True)
    about = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute(null=True)


class IdempotencyRow(Model):
    """An event of the payment provider already worked on; written by Powertools, which names its own attributes."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}idempotency"

    id = UnicodeAttribute(hash_key=True)
    expiration = TTLAttribute(null=True)
