"""Records of money: saved cards, the payment provider's news and books, debts, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

from chalicelib.domain.charging.session import CardAction
from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.money.ledger import Transfer
from chalicelib.domain.money.organisation import MonthSpent, PaidSession
from chalicelib.domain.money.wallet import Wallet, WalletEntry, WalletPaper


@dataclass(frozen=True, slots=True)
class CardSetup:
    """A card setup (Stripe SetupIntent): what a client needs to save a card without its passing through us."""

    setup_id: str
    client_secret: str
    publishable_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCard:
    """A card saved with the payment provider.

    `label` is its brand and last four digits, `expires` its month (`2029-12`), `wallet` what holds it (`apple_pay`).
    `fingerprint` is the same whoever saves that card, and tells nothing else of it; empty where nobody knows.
    """

    payment_method_id: str
    label: str
    fingerprint: str = ""
    expires: str = ""
    wallet: str = ""


class PaymentNewsKind(StrEnum):
    """What a webhook tells of: a payment's hold, its end, a card, refunds, a dispute; OTHER is no concern of ours.

    DISPUTE_OPENED is a question of the cardholder's bank, which has taken nothing yet.
    """

    HELD = "held"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"
    CARD_SAVED = "card_saved"
    REFUNDED = "refunded"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTED = "disputed"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    OTHER = "other"

    @property
    def is_dispute(self) -> bool:
        """Whether it tells of the cardholder's bank, which names a payment and no session."""
        return self in _DISPUTES


_DISPUTES = (
    PaymentNewsKind.DISPUTE_OPENED,
    PaymentNewsKind.DISPUTED,
    PaymentNewsKind.DISPUTE_WON,
    PaymentNewsKind.DISPUTE_LOST,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRefund:
    """A refund as the provider has it: `key` is whoever asked for it here, empty where it was made in its dashboard."""

    refund_id: str
    amount_minor: int
    key: str = ""
    is_failed: bool = False
    at: datetime | None = None


class NotOurs(Exception):
    """A verified webhook of an account, or a mode, that is not ours: it is nothing to us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentNews:
    """What a verified webhook says.

    `part` is 0 for a session's first hold, and counts its further ones. `refunds` are those told of; where it tells
    only that there are some, none.
    """

    event_id: str
    kind: PaymentNewsKind
    session_id: str | None = None
    payment_id: str | None = None
    amount_minor: int = 0
    customer_id: str | None = None
    setup_id: str | None = None
    at: datetime | None = None
    detail: Mapping[str, str] = field(default_factory=dict)
    part: int = 0
    refunds: tuple[ProviderRefund, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What a driver owes for a session; asked for again at `next_at`, None: only when the driver wishes to pay.

    `needs_confirmation`: part of it is more than may be taken unasked, and is never taken but by the driver's own wish.
    `broke_off`: somebody asked for it, and did not live to say what came of it.
    """

    session_id: str
    driver_id: str
    operator_id: str
    amount_minor: int
    currency: str
    since: datetime
    attempts: int = 0
    next_at: datetime | None = None
    error: str = ""
    needs_confirmation: bool = False
    broke_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRun:
    """Invoices of an operator's that are to be issued by themselves: `name` says of what, `due_at` when.

    `attempts` is how often they could not be.
    """

    operator_id: str
    name: str
    due_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPayment:
    """A payment as the provider's own books have it."""

    payment_id: str
    session_id: str | None
    currency: str
    held_minor: int
    taken_minor: int
    refunded_minor: int


class Compared(StrEnum):
    """The sums of a session that its books and the provider's both have; ESCROW: its books and the session itself."""

    HELD = "held"
    TAKEN = "taken"
    REFUNDED = "refunded"
    ESCROW = "escrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where our books and the provider's do not agree about a session."""

    session_id: str
    operator_id: str
    what: Compared
    ours_minor: int
    theirs_minor: int
    currency: str


class ComparisonStage(StrEnum):
    """What is done of a day's books: theirs copied, their payments compared, ours looked for in theirs."""

    COPY = "copy"
    COMPARE = "compare"
    MISSING = "missing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far the books of a day (UTC) have been compared: within a stage, what lies beyond `after` is left."""

    day: date
    stage: ComparisonStage = ComparisonStage.COPY
    after: str = ""


class MovementOutcome(StrEnum):
    """What became of a movement of a wallet: written, known from before, or lost to others who wrote first."""

    DONE = "done"
    KNOWN = "known"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What is written in one step, or not at all: a wallet, the ledger, a line of the statement, and papers.

    `transfers` begin with the one that stands for all: where it is written already, nothing more is. `papers` are what
    they were (None: not there) and what they become. A wallet of version 0 is not there yet.
    """

    before: Wallet
    after: Wallet
    transfers: Sequence[Transfer] = ()
    entry: WalletEntry | None = None
    papers: Sequence[tuple[WalletPaper | None, WalletPaper]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetMovement:
    """What is written in one step, or not at all: a month's budget, a session paid of it, and the ledger.

    Each is as it was, and as it becomes; of version 0 it is not there yet.
    """

    operator_id: str
    organisation_id: str
    spent: tuple[MonthSpent, MonthSpent]
    session: tuple[PaidSession | None, PaidSession]
    transfers: Sequence[Transfer] = ()


class Declined(Exception):
    """The card is not good for it; the text says why in the provider's words."""


class TooLittle(Declined):
    """The provider takes no amount as small as that, from whatever card."""


class CardholderNeeded(Declined):
    """The card's bank wants its holder to confirm."""

    def __init__(self, action: CardAction) -> None:
        super().__init__("The card's bank asks its holder to confirm.")
        self.action = action


class PaymentsUnavailable(Exception):
    """The payment provider did not answer sensibly; trying again is safe."""


class ChainUnavailable(PaymentsUnavailable):
    """A chain's node did not answer sensibly, or what was sent there is not deep enough yet to be believed."""


class PaymentUnderWay(PaymentsUnavailable):
    """The provider is doing this very thing for somebody who has asked for it just before."""
