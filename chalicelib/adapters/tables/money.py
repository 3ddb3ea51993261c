"""Tables of money: ledger, debts, wallets, receipts, invoices, differences; what the provider told that is done."""

from __future__ import annotations

from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.adapters.attributes import ExpiryAttribute, IntegerAttribute, TextAttribute, TimeAttribute
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class LedgerByDay(GlobalSecondaryIndex["LedgerRow"]):  # type: ignore[no-untyped-call]
    """Finds the sessions about which something was written on a day, for reconciliation."""

    class Meta:
        index_name = "by_day"
        projection = KeysOnlyProjection()

    day = TextAttribute(hash_key=True)
    session_id = TextAttribute(range_key=True)


class LedgerRow(Row):
    """A transfer of the ledger; `transfer` is its kind and the provider's name for the money."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}ledger"

    session_id = TextAttribute(hash_key=True)
    transfer = TextAttribute(range_key=True)
    operator_id = TextAttribute()
    body = TextAttribute()
    day = TextAttribute()

    by_day = LedgerByDay()


class DueDebts(GlobalSecondaryIndex["DebtRow"]):  # type: ignore[no-untyped-call]
    """Finds debts by their next attempt: a debt is here only while it is asked for by itself."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = TextAttribute(hash_key=True)
    next_at = TimeAttribute(range_key=True)


class DebtRow(Row):
    """What is owed for a session; `leased_until` while somebody is asking for it."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}debts"

    session_id = TextAttribute(hash_key=True)
    body = TextAttribute()
    attempts = IntegerAttribute()
    error = TextAttribute(null=True)
    leased_until = TimeAttribute(null=True)
    due_shard = TextAttribute(null=True)
    next_at = TimeAttribute(null=True)

    due = DueDebts()


class DueWallets(GlobalSecondaryIndex["WalletRow"]):  # type: ignore[no-untyped-call]
    """Finds what of wallets is to be looked at again: top-ups and pay-outs under way, and what is set aside."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = TextAttribute(hash_key=True)
    next_at = TimeAttribute(range_key=True)


class WalletRow(Row):
    """A driver's wallet, a line of its statement, a top-up, a pay-out or a deposit; or what is set aside for a session.

    `owner` is the driver, `about` begins with what it is and the currency; or it is that session, and `escrow`; or a
    key that sends on a chain, and `outbox`.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}wallets"

    owner = TextAttribute(hash_key=True)
    about = TextAttribute(range_key=True)
    body = TextAttribute()
    version = IntegerAttribute(null=True)
    due_shard = TextAttribute(null=True)
    next_at = TimeAttribute(null=True)

    due = DueWallets()


class ReceiptRow(Row):
    """An issued receipt as one JSON text, written once."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}receipts"

    session_id = TextAttribute(hash_key=True)
    operator_id = TextAttribute()
    body = TextAttribute()


class DueInvoices(GlobalSecondaryIndex["InvoiceRow"]):  # type: ignore[no-untyped-call]
    """Finds invoices that are to be issued without being asked for: a run is here only while it is due."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = TextAttribute(hash_key=True)
    due_at = TimeAttribute(range_key=True)


class InvoiceRow(Row):
    """An issued invoice or credit note by its number; or which one was made of a session or a refund of it.

    `about` is `number#…`, `of#…`, `billed#…` (an organisation's, by number), or `last`: how many the operator has
    issued. What is to be issued by itself is a run, `due#…`, of sessions, `in#…`; a session in one says so in its
    `of#…` (`run`), and is in no other.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}invoices"

    operator_id = TextAttribute(hash_key=True)
    about = TextAttribute(range_key=True)
    body = TextAttribute(null=True)
    issued = IntegerAttribute(null=True)
    run = TextAttribute(null=True)
    attempts = IntegerAttribute(null=True)
    due_shard = TextAttribute(null=True)
    due_at = TimeAttribute(null=True)

    due = DueInvoices()


class DifferenceRow(Row):
    """A difference that a reconciliation found; `operator_day` is the operator and the day.

    Under a day alone lie the payment provider's payments of it, for as long as they are being compared.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}differences"

    operator_day = TextAttribute(hash_key=True)
    about = TextAttribute(range_key=True)
    body = TextAttribute()
    expires_at = ExpiryAttribute(null=True)


class IdempotencyRow(Row):
    """An event of the payment provider already worked on; written by Powertools, which names its own attributes."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}idempotency"

    id = TextAttribute(hash_key=True)
    expiration = ExpiryAttribute(null=True)
