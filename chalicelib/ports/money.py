"""Ports of money: the ledger, receipts, debts, and the payment provider."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.charging.session import Hold, Session
    from chalicelib.domain.money.deposits import ChainOutbox, Deposit
    from chalicelib.domain.money.invoice import Invoice
    from chalicelib.domain.money.ledger import Transfer
    from chalicelib.domain.money.organisation import (
        MemberCode,
        MonthSpent,
        Organisation,
        OrganisationMember,
        PaidSession,
    )
    from chalicelib.domain.money.receipt import Profile, Receipt
    from chalicelib.domain.money.wallet import Escrow, PayOut, PayOutPart, TopUp, Wallet, WalletEntry, WalletPaper
    from chalicelib.records.drivers import Driver
    from chalicelib.records.money import (
        BudgetMovement,
        CardSetup,
        Comparison,
        Debt,
        Difference,
        InvoiceRun,
        Movement,
        MovementOutcome,
        PaymentNews,
        ProviderPayment,
        ProviderRefund,
        SavedCard,
    )


class Ledger(Protocol):
    """The ledger: transfers, appended and never changed."""

    def append(self, transfers: Sequence[Transfer]) -> None:
        """Write transfers, all or none; those already written stay as they are.

        Raises Unbalanced when one of them was written before with another meaning.
        """

    def of_session(self, session_id: str) -> Sequence[Transfer]:
        """A session's transfers, oldest first."""

    def sessions_of(self, day: date, after: str, most: int) -> tuple[Sequence[str], str]:
        """Sessions about which something was written on that day (UTC), by their ids, those beyond `after`.

        Also where the next are: an empty text when these were the last. `most` bounds what is read, not what is found.
        """


class Receipts(Protocol):
    """Issued receipts, written once and never changed; one a session."""

    def add(self, receipt: Receipt) -> bool:
        """Store a session's receipt; False when it has one already."""

    def get(self, session_id: str) -> Receipt | None:
        """The session's receipt; None when none was issued."""


class Invoices(Protocol):
    """Issued invoices and credit notes, numbered without a gap for each operator, written once and never changed."""

    def issue(self, operator_id: str, source: str, paper: Invoice, organisation_id: str = "") -> Invoice:
        """Give a paper the operator's next number, and list it for the organisation that it bills, if one.

        Of the same source it is what was issued before.

        Raises Conflict while others keep issuing at this very moment.
        """

    def of(self, operator_id: str, source: str) -> Invoice | None:
        """What was issued of that source; None: nothing yet."""

    def of_all(self, operator_id: str, sources: Sequence[str]) -> Sequence[Invoice]:
        """What was issued of those sources, each paper once."""

    def of_organisation(self, operator_id: str, organisation_id: str, after: str, most: int) -> Sequence[Invoice]:
        """An organisation's papers beyond the number `after`, by their numbers."""

    def numbered(self, operator_id: str, number: str) -> Invoice | None:
        """The operator's paper of that number; None where it has none."""

    def page(self, operator_id: str, after: str, most: int) -> Sequence[Invoice]:
        """The operator's papers beyond the number `after`, by their numbers."""


class InvoiceRuns(Protocol):
    """What is to be invoiced without being asked for: sessions that share an invoice, and when it is due."""

    def collect(self, operator_id: str, run: str, session_id: str, due_at: datetime) -> bool:
        """Have a session invoiced with that run; False where it has an invoice, or is in another run, for good."""

    def follow(self, operator_id: str, run: str, session_id: str, due_at: datetime) -> None:
        """Have a session that has an invoice looked at again, for what has gone back of it."""

    def is_collected(self, operator_id: str, session_id: str) -> bool:
        """Whether a session without an invoice waits for that of a run."""

    def due(self, at: datetime, shard: int | None = None) -> Iterable[InvoiceRun]:
        """The runs that are due by then: those of one shard, or all; in no order."""

    def sessions_of(self, it: InvoiceRun) -> Sequence[str]:
        """The sessions of a run, by their ids: the same ones in the same order, once it is due."""

    def move(self, it: InvoiceRun, session_id: str, run: str, due_at: datetime) -> None:
        """Have a session invoiced with another run than that."""

    def invoiced(self, it: InvoiceRun, session_id: str, number: str) -> None:
        """A session is on the paper of that number."""

    def failed(self, it: InvoiceRun, next_at: datetime | None, why: str) -> None:
        """It could not be issued; None: it is not tried again."""

    def done(self, it: InvoiceRun) -> None:
        """All of it is issued; nothing happens where more of it has become due meanwhile."""


class OperatorProfiles(Protocol):
    """What operators say of themselves on a receipt: who sells."""

    def put(self, operator_id: str, profile: Profile) -> None:
        """Replace what an operator is by law; receipts that were issued keep theirs."""

    def get(self, operator_id: str) -> Profile | None:
        """Who an operator is by law; None where it has not said."""


class DebtBook(Protocol):
    """Debts: what drivers owe, one a session."""

    def add(self, debt: Debt) -> None:
        """Note a debt; nothing happens when the session has one."""

    def get(self, session_id: str) -> Debt | None:
        """The session's debt; None when nothing is owed for it."""

    def lease(self, session_id: str, until: datetime, at: datetime) -> bool:
        """Take the debt to oneself until then; False while somebody else has it `at` that moment."""

    def release(self, session_id: str) -> None:
        """End a lease: others may ask for the debt again; nothing happens when it is not there."""

    def failed(self, session_id: str, attempts: int, next_at: datetime | None, why: str) -> None:
        """It could not be paid; ends the lease."""

    def remove(self, session_id: str) -> None:
        """Delete the debt, which is paid or let go; nothing happens when it is not there."""

    def due(self, at: datetime, shard: int | None = None) -> Iterable[Debt]:
        """The debts whose next attempt is due by then: those of one shard, or all; in no order."""


class Differences(Protocol):
    """What a reconciliation found: where our ledger and the payment provider's books did not agree."""

    def put(self, day: date, differences: Sequence[Difference]) -> None:
        """Store a day's differences; writing a day again replaces what is found again."""

    def of(self, operator_id: str, day: date) -> Sequence[Difference]:
        """The differences of an operator's sessions found for that day, UTC."""


class Statements(Protocol):
    """The payment provider's books of a day, copied to be read session by session; and how far they were compared."""

    def copy(self, day: date, payments: Sequence[ProviderPayment], until: datetime) -> None:
        """Keep payments of that day until then; copying one again replaces it."""

    def page(self, day: date, after: str, most: int) -> tuple[Sequence[ProviderPayment], str]:
        """Copied payments by session, those beyond `after`; and where the next are, an empty text after the last.

        Those of one session are never on two pages, unless they alone are more than `most`.
        """

    def sessions_between(self, day: date, first: str, last: str) -> Collection[str]:
        """The sessions from `first` to `last` (both included) of which a payment was copied."""

    def place(self) -> Comparison | None:
        """How far comparing has come; None before the first day."""

    def move(self, before: Comparison | None, after: Comparison) -> bool:
        """Note how far it has come; False when somebody else has noted something meanwhile."""


class Wallets(Protocol):
    """Drivers' wallets, their statements, top-ups and pay-outs, and what is set aside for sessions."""

    def get(self, driver_id: str, currency: str) -> Wallet | None:
        """A driver's wallet of that currency, as it is now; None where they have none."""

    def of_driver(self, driver_id: str) -> Sequence[Wallet]:
        """All of a driver's wallets."""

    def move(self, movement: Movement) -> MovementOutcome:
        """Write all of a movement in one step. Raises Unbalanced where the ledger says otherwise."""

    def escrow(self, session_id: str) -> Escrow | None:
        """What is, or was, set aside for a session."""

    def top_up(self, top_up_id: str) -> TopUp | None:
        """A top-up by its name."""

    def pay_out(self, driver_id: str, currency: str, pay_out_id: str) -> PayOut | None:
        """A pay-out by its name."""

    def deposit(self, driver_id: str, session_id: str) -> Deposit | None:
        """What is, or was, deposited on chain for a session of that driver."""

    def deposits(self, driver_id: str) -> Sequence[Deposit]:
        """All that a driver was ever asked to deposit on chain."""

    def chain_outbox(self, chain_id: int, address: str) -> ChainOutbox | None:
        """What the key of an address has sent on a chain; None: nothing yet."""

    def pay_outs(self, driver_id: str, currency: str) -> Sequence[PayOut]:
        """All that was ever paid out of a wallet, asked of the provider or not yet."""

    def top_ups(self, driver_id: str, currency: str) -> Sequence[TopUp]:
        """All that was ever paid into a wallet."""

    def note(self, before: WalletPaper | None, after: WalletPaper) -> bool:
        """Change a paper of which no money moves; False where it is not as it was `before`."""

    def entries(
        self, driver_id: str, currency: str, limit: int, before: str | None
    ) -> tuple[Sequence[WalletEntry], str | None]:
        """A wallet's statement, newest first, and the next page's cursor. BadCursor for a cursor not ours."""

    def due(self, at: datetime, shard: int | None = None) -> Iterable[WalletPaper]:
        """What is to be looked at again by then: of one shard, or all; in no order."""

    def forget_driver(self, driver_id: str) -> Iterable[int]:
        """Delete a driver's wallets and all their papers, some at a time; the ledger stays.

        Whoever stops asking leaves the rest.
        """


class Organisations(Protocol):
    """Organisations that pay for their drivers, by operator: members, months' budgets, and what was paid of them."""

    def put(self, it: Organisation) -> None:
        """Keep what its operator says of an organisation, in place of what was said before."""

    def get(self, operator_id: str, organisation_id: str) -> Organisation | None:
        """An organisation; None where the operator has none of that id."""

    def of_operator(self, operator_id: str) -> Sequence[Organisation]:
        """All of an operator's, by their ids."""

    def add_member(self, operator_id: str, organisation_id: str, member: OrganisationMember) -> None:
        """Note a member; once more changes nothing."""

    def remove_member(self, operator_id: str, organisation_id: str, driver_id: str) -> None:
        """Delete a member; nothing happens where they are none."""

    def member(self, operator_id: str, organisation_id: str, driver_id: str) -> OrganisationMember | None:
        """One of an organisation's members, whoever else there is."""

    def members(self, operator_id: str, organisation_id: str) -> Sequence[OrganisationMember]:
        """All of an organisation's members."""

    def add_code(self, code: MemberCode) -> None:
        """Keep a code for one driver."""

    def code(self, code_hash: str) -> MemberCode | None:
        """A code, be it used or expired."""

    def use_code(self, code: MemberCode, driver_id: str) -> bool:
        """Have that driver use a code that nobody has; False where somebody was first."""

    def spent(self, operator_id: str, organisation_id: str, month: str) -> MonthSpent:
        """What of a month's budget is used, as it is now."""

    def session(self, operator_id: str, organisation_id: str, month: str, session_id: str) -> PaidSession | None:
        """What is, or was, set aside for a session."""

    def sessions(self, operator_id: str, organisation_id: str, month: str) -> Sequence[PaidSession]:
        """All that was paid, or is set aside, in that month."""

    def move(self, movement: BudgetMovement) -> bool:
        """Write all of a movement in one step; False where others wrote first. Raises Unbalanced."""


class CardTopUps(Protocol):
    """The payment provider, for money into a wallet and back. Each call may be repeated: names make its keys."""

    def take(self, driver: Driver, top_up: TopUp, *, is_there: bool) -> Hold:
        """Take a top-up from the driver's card. Raises Declined, CardholderNeeded (if there), PaymentsUnavailable."""

    def taken(self, top_up: TopUp) -> int | None:
        """What came of a top-up by the provider's own books; None while it may yet. Raises PaymentsUnavailable."""

    def give_back(self, pay_out: PayOut, part: PayOutPart) -> None:
        """Give back a part of a pay-out. Raises Declined, PaymentUnderWay, PaymentsUnavailable."""


class WayOfPaying(Protocol):
    """How a session's money is held, taken and given back: by cards, wallet or organisation. Calls may be repeated."""

    def hold(self, session: Session, driver: Driver, amount_minor: int, part: int = 0) -> Hold:
        """Set money aside, the driver being away, unless a guest; `part` counts all holds that a session ever had.

        Raises Declined, TooLittle, CardholderNeeded, PaymentsUnavailable.
        """

    def raise_hold(self, session: Session, hold: Hold, amount_minor: int) -> Hold | None:
        """Make a hold larger; None where that cannot be. Raises PaymentsUnavailable."""

    def capture(self, session: Session, hold: Hold, amount_minor: int) -> None:
        """Take at most what is held and give the rest back. Raises Declined, TooLittle, PaymentsUnavailable."""

    def void(self, session: Session, hold: Hold) -> None:
        """Give the hold back; nothing happens when it is gone already. Raises PaymentsUnavailable.

        Raises Declined when the money was taken already: nothing is ever refunded by the way.
        """

    def refund(self, session: Session, payment_id: str, amount_minor: int, key: str) -> str:
        """Give money back, once for each `key`; returns the refund's id.

        Raises Declined, PaymentUnderWay, PaymentsUnavailable.
        """

    def taken_minor(self, session: Session, hold: Hold) -> int:
        """What has been taken of a hold so far. Raises PaymentsUnavailable."""


class Payments(WayOfPaying, Protocol):
    """The payment provider, for cards. Every call may be repeated: session id and step make its idempotency key."""

    def create_customer(self, driver_id: str, email: str) -> str:
        """Make the driver a customer; returns the provider's id for them. Raises PaymentsUnavailable."""

    def change_email(self, customer_id: str, email: str) -> None:
        """Tell the provider a customer's new address. Raises PaymentsUnavailable."""

    def forget_customer(self, customer_id: str) -> None:
        """The provider keeps no card of theirs any more; nothing happens when it has none."""

    def begin_card_setup(self, customer_id: str, request_id: str) -> CardSetup:
        """What a client needs to save a card with the provider directly. Raises PaymentsUnavailable."""

    def saved_card(self, customer_id: str, setup_id: str) -> SavedCard | None:
        """The card a setup of that customer ended with; None while it has not succeeded."""

    def forget_card(self, payment_method_id: str) -> None:
        """The provider keeps that card no more; nothing happens when it does not. Raises PaymentsUnavailable."""

    def guests_card(self, payment_method_id: str) -> SavedCard | None:
        """A card that a client gave the provider for one payment; None for any other, and for one that is saved."""

    def check_card(self, driver: Driver, currency: str, amount_minor: int, key: str) -> None:
        """Whether a saved card is good for so much: it is set aside and given back at once, by whatever bank.

        A bank that wants its cardholder to confirm knows the card. Raises Declined, PaymentsUnavailable.
        """

    def charge(
        self, session: Session, driver: Driver, amount_minor: int, purpose: str, *, is_there: bool = False
    ) -> Hold:
        """Take money at once, once for each `purpose`; `is_there`: the cardholder can confirm.

        Raises Declined, TooLittle, CardholderNeeded (if there), PaymentsUnavailable.
        """

    def refunds_of(self, payment_id: str) -> Sequence[ProviderRefund]:
        """All that was given back of a payment, by whomever. Raises PaymentsUnavailable."""

    def session_of(self, payment_id: str) -> str | None:
        """The session a payment is for; None for one of somebody else's. Raises PaymentsUnavailable."""

    def page(self, since: datetime, until: datetime, after: str) -> tuple[Sequence[ProviderPayment], str]:
        """Payments begun in that time, as the provider has them now, those beyond the payment `after`.

        Also where the next are: an empty text when these were the last. Raises PaymentsUnavailable.
        """

    def read_webhook(self, body: bytes, signature: str) -> PaymentNews:
        """Verify and read. Raises ValueError when the signature or body is not the provider's.

        Raises NotOurs for news of another account, which is to be ignored.
        """
