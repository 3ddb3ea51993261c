"""Wires the services of money: funds, debts, corrections, refunds, receipts, payment webhooks, reconciliation."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.chain import ChainServices

if TYPE_CHECKING:
    from chalicelib.adapters.money.invoice_runs import DynamoInvoiceRuns
    from chalicelib.adapters.money.invoices import DynamoInvoices
    from chalicelib.domain.money.asked_charge import AskedCharge
    from chalicelib.ports.charging import Footprints
    from chalicelib.ports.money import CardTopUps
    from chalicelib.services.money.corrections import Corrections
    from chalicelib.services.money.debts import Debts
    from chalicelib.services.money.deposits import DriverDeposits
    from chalicelib.services.money.dispute_evidence import DisputeEvidence
    from chalicelib.services.money.disputes import Disputes
    from chalicelib.services.money.funds import Funds
    from chalicelib.services.money.invoice_collection import InvoiceCollection
    from chalicelib.services.money.invoice_desk import InvoiceDesk
    from chalicelib.services.money.invoice_lists import InvoiceLists
    from chalicelib.services.money.invoices import IssuedInvoices
    from chalicelib.services.money.late_ends import LateEnds
    from chalicelib.services.money.organisation_payments import OrganisationPayments
    from chalicelib.services.money.organisations import PayingOrganisations
    from chalicelib.services.money.payment_webhooks import PaymentWebhooks
    from chalicelib.services.money.proofs import Proofs
    from chalicelib.services.money.receipts import IssuedReceipts
    from chalicelib.services.money.reconciliation import Reconciliation
    from chalicelib.services.money.refunds import Refunds
    from chalicelib.services.money.settled import SettledCharges
    from chalicelib.services.money.terminal_payments import TerminalPayments
    from chalicelib.services.money.wallet_payments import WalletPayments
    from chalicelib.services.money.wallet_returns import WalletReturns
    from chalicelib.services.money.wallets import DriverWallets
    from chalicelib.services.money.ways import WaysOfPaying


_WHOLE_PERMILLE = 1000


class MoneyServices(ChainServices):
    """Builds what moves money. Each gets the payment provider as a function, so that Stripe loads when first needed."""

    @cached_property
    def debts(self) -> Debts:
        from chalicelib.services.money.debts import Debts

        return Debts(
            book=self.debt_book,
            sessions=self.sessions,
            drivers=self.drivers,
            ledger=self.ledger,
            changes=self.changes,
            wallet=self.wallet_payments,
            payments=lambda: self.payments,
            alarm_checks=self.alarm_checks,
            clock=self.clock,
        )

    @cached_property
    def funds(self) -> Funds:
        from chalicelib.services.money.funds import Funds

        return Funds(
            drivers=self.drivers,
            ledger=self.ledger,
            transactions=self.transactions,
            changes=self.changes,
            debts=self.debts,
            ways=self.ways_of_paying,
            clock=self.clock,
        )

    @cached_property
    def ways_of_paying(self) -> WaysOfPaying:
        from chalicelib.services.money.ways import WaysOfPaying

        return WaysOfPaying(
            wallet=self.wallet_payments,
            organisation=self.organisation_payments,
            chain=self.chain_payments,
            payments=lambda: self.payments,
        )

    @cached_property
    def payment_webhooks(self) -> PaymentWebhooks:
        from chalicelib.services.money.payment_webhooks import PaymentWebhooks

        return PaymentWebhooks(
            sessions=self.sessions,
            ledger=self.ledger,
            changes=self.changes,
            funds=self.funds,
            refunds=self.refunds,
            driver_wallets=self.driver_wallets,
            wallet_returns=self.wallet_returns,
            payments=lambda: self.payments,
            clock=self.clock,
        )

    @property
    def wallet_issuer(self) -> str:
        """The operator that runs drivers' wallets; empty: there are none."""
        return self.setting("WALLET_ISSUER", "")

    @cached_property
    def card_top_ups(self) -> CardTopUps:
        from chalicelib.adapters.money.stripe_payments import stripe_client
        from chalicelib.adapters.money.stripe_top_ups import StripeTopUps

        return StripeTopUps(stripe_client(self.setting("STRIPE_API_KEY"), self.settings.get("KERB_STRIPE_API_BASE")))

    @cached_property
    def wallet_payments(self) -> WalletPayments:
        from chalicelib.services.money.wallet_payments import WalletPayments

        fee_permille = int(self.setting("WALLET_FEE_PERMILLE", "0"))
        if not 0 <= fee_permille <= _WHOLE_PERMILLE:
            # More would leave an operator less than nothing of what it sold.
            raise ValueError(f"KERB_WALLET_FEE_PERMILLE is {fee_permille}, and no number from 0 to {_WHOLE_PERMILLE}")
        return WalletPayments(
            wallets=self.wallets,
            ledger=self.ledger,
            drivers=self.drivers,
            refill=self.driver_wallets.refill,
            issuer_id=self.wallet_issuer,
            fee_permille=fee_permille,
            clock=self.clock,
        )

    @cached_property
    def driver_deposits(self) -> DriverDeposits:
        from chalicelib.services.money.deposits import DriverDeposits

        return DriverDeposits(sessions=self.sessions, chain=self.chain_payments, funds=self.funds)

    @cached_property
    def organisation_payments(self) -> OrganisationPayments:
        from chalicelib.services.money.organisation_payments import OrganisationPayments

        return OrganisationPayments(organisations=self.organisations, clock=self.clock)

    @cached_property
    def paying_organisations(self) -> PayingOrganisations:
        from chalicelib.services.money.organisations import PayingOrganisations

        return PayingOrganisations(
            organisations=self.organisations,
            payments=self.organisation_payments,
            drivers=self.drivers,
            sites=self.sites,
            clock=self.clock,
        )

    @cached_property
    def driver_wallets(self) -> DriverWallets:
        from chalicelib.services.money.wallets import DriverWallets

        return DriverWallets(
            wallets=self.wallets,
            drivers=self.drivers,
            top_ups=lambda: self.card_top_ups,
            issuer_id=self.wallet_issuer,
            clock=self.clock,
        )

    @cached_property
    def wallet_returns(self) -> WalletReturns:
        from chalicelib.services.money.wallet_returns import WalletReturns

        return WalletReturns(
            wallets=self.wallets,
            driver_wallets=self.driver_wallets,
            wallet_payments=self.wallet_payments,
            chain=self.chain_payments,
            sessions=self.sessions,
            drivers=self.drivers,
            ledger=self.ledger,
            top_ups=lambda: self.card_top_ups,
            issuer_id=self.wallet_issuer,
            clock=self.clock,
        )

    def has_prepaid(self, driver_id: str, currency: str, amount_minor: int) -> bool:
        """Whether so much is in a driver's wallet."""
        return self.wallet_payments.can_pay(driver_id, currency, amount_minor)

    def check_payer(self, it: AskedCharge) -> int | None:
        """What an organisation pays for a charge at the most, if it does. Raises NotPaidFor."""
        return self.paying_organisations.check(it)

    def pay_out_wallets(self, driver_id: str) -> None:
        """Pay a driver's wallets out, or refuse; what is deposited on chain is settled first."""
        self.chain_payments.check_none_open(driver_id)
        self.wallet_returns.close(driver_id)

    @cached_property
    def refunds(self) -> Refunds:
        from chalicelib.services.money.refunds import Refunds

        return Refunds(
            sessions=self.sessions,
            ledger=self.ledger,
            changes=self.changes,
            ways=self.ways_of_paying,
            allowances=self.refund_allowances,
            collection=self.invoice_collection,
            clock=self.clock,
        )

    @cached_property
    def corrections(self) -> Corrections:
        from chalicelib.services.money.corrections import Corrections

        return Corrections(
            sessions=self.sessions,
            book=self.debt_book,
            changes=self.changes,
            funds=self.funds,
            debts=self.debts,
            refunds=self.refunds,
            clock=self.clock,
        )

    @cached_property
    def terminal_payments(self) -> TerminalPayments:
        from chalicelib.services.money.terminal_payments import TerminalPayments

        return TerminalPayments(
            sessions=self.sessions,
            transactions=self.transactions,
            transaction_ids=self.transaction_ids,
            ledger=self.ledger,
            changes=self.changes,
            clock=self.clock,
        )

    @cached_property
    def late_ends(self) -> LateEnds:
        from chalicelib.services.money.late_ends import LateEnds

        return LateEnds(
            evidence=self.evidence,
            metering=self.metering,
            refunds=self.refunds,
            changes=self.changes,
            clock=self.clock,
        )

    @cached_property
    def reconciliation(self) -> Reconciliation:
        from chalicelib.services.money.reconciliation import Reconciliation

        return Reconciliation(
            ledger=self.ledger,
            differences=self.differences,
            statements=self.statements,
            sessions=self.sessions,
            payments=lambda: self.payments,
            chain=self.chain_payments,
            clock=self.clock,
        )

    @cached_property
    def invoices(self) -> DynamoInvoices:
        from chalicelib.adapters.money.invoices import DynamoInvoices

        return DynamoInvoices()

    @cached_property
    def issued_invoices(self) -> IssuedInvoices:
        from chalicelib.services.money.invoices import IssuedInvoices

        return IssuedInvoices(
            invoices=self.invoices,
            runs=self.invoice_runs,
            drivers=self.drivers,
            organisations=self.organisations,
            operator_profiles=self.operator_profiles,
            settled=self.settled_charges,
            clock=self.clock,
        )

    @cached_property
    def invoice_lists(self) -> InvoiceLists:
        from chalicelib.services.money.invoice_lists import InvoiceLists

        return InvoiceLists(invoices=self.invoices, sessions=self.sessions)

    @cached_property
    def settled_charges(self) -> SettledCharges:
        from chalicelib.services.money.settled import SettledCharges

        return SettledCharges(self.log_queue)

    @cached_property
    def invoice_runs(self) -> DynamoInvoiceRuns:
        from chalicelib.adapters.money.invoice_runs import DynamoInvoiceRuns

        return DynamoInvoiceRuns()

    @cached_property
    def invoice_collection(self) -> InvoiceCollection:
        from chalicelib.services.money.invoice_collection import InvoiceCollection

        return InvoiceCollection(runs=self.invoice_runs, invoices=self.invoices, drivers=self.drivers, clock=self.clock)

    @cached_property
    def invoice_desk(self) -> InvoiceDesk:
        from chalicelib.services.money.invoice_desk import InvoiceDesk

        return InvoiceDesk(
            runs=self.invoice_runs,
            invoices=self.invoices,
            issued=self.issued_invoices,
            collection=self.invoice_collection,
            sessions=self.sessions,
            receipts=self.receipts,
            notifications=self.notifications,
            clock=self.clock,
        )

    @cached_property
    def footprints(self) -> Footprints:
        """Built where sites' outlooks are (`wiring/grid.py`)."""
        raise NotImplementedError

    @cached_property
    def issued_receipts(self) -> IssuedReceipts:
        from chalicelib.services.money.receipts import IssuedReceipts

        return IssuedReceipts(
            receipts=self.receipts,
            sites=self.sites,
            operator_profiles=self.operator_profiles,
            languages=self.languages,
            footprints=self.footprints,
            settled=self.settled_charges,
            collection=self.invoice_collection,
            clock=self.clock,
        )

    @cached_property
    def proofs(self) -> Proofs:
        from chalicelib.services.money.proofs import Proofs

        return Proofs(self.transparency_log, self.log_queue, self.issued_receipts)

    @cached_property
    def disputes(self) -> Disputes:
        from chalicelib.services.money.disputes import Disputes

        return Disputes(sessions=self.sessions, changes=self.changes, alarm_checks=self.alarm_checks, clock=self.clock)

    @cached_property
    def dispute_evidence(self) -> DisputeEvidence:
        from chalicelib.services.money.dispute_evidence import DisputeEvidence

        return DisputeEvidence(
            transactions=self.transactions,
            readings=self.readings,
            message_log=self.message_log,
            meter_keys=self.meter_keys,
            signed=self.signed_evidence,
            ledger=self.ledger,
            receipts=self.receipts,
            drivers=self.drivers,
            proofs=self.proofs,
        )
