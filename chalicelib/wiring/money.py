"""Services of money: funds, debts, refunds, receipts, the payment provider's webhooks."""

from __future__ import annotations

from functools import cached_property

from chalicelib.services.money.debts import Debts
from chalicelib.services.money.funds import Funds
from chalicelib.services.money.late_ends import LateEnds
from chalicelib.services.money.payment_webhooks import PaymentWebhooks
from chalicelib.services.money.receipts import IssuedReceipts
from chalicelib.services.money.reconciliation import Reconciliation
from chalicelib.services.money.refunds import Refunds
from chalicelib.wiring.charging import ChargingServices


class MoneyServices(ChargingServices):
    """Services of money: funds, debts, refunds, receipts, the payment provider's webhooks."""

    @cached_property
    def debts(self) -> Debts:
        return Debts(
            self.debt_book, self.sessions, self.drivers, self.ledger, self.changes, lambda: self.payments, self.clock
        )

    @cached_property
    def funds(self) -> Funds:
        return Funds(
            self.drivers, self.ledger, self.transactions, self.changes, self.debts, lambda: self.payments, self.clock
        )

    @cached_property
    def payment_webhooks(self) -> PaymentWebhooks:
        return PaymentWebhooks(self.sessions, self.ledger, self.changes, self.funds, lambda: self.payments, self.clock)

    @cached_property
    def refunds(self) -> Refunds:
        return Refunds(self.sessions, self.ledger, self.changes, lambda: self.payments, self.clock)

    @cached_property
    def late_ends(self) -> LateEnds:
        return LateEnds(self.evidence, self.metering, self.refunds, self.changes)

    @cached_property
    def reconciliation(self) -> Reconciliation:
        return Reconciliation(self.ledger, self.differences, lambda: self.payments)

    @cached_property
    def issued_receipts(self) -> IssuedReceipts:
        return IssuedReceipts(self.receipts, self.sites, self.operator_profiles, self.clock)
