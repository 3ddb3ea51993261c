"""The double-entry ledger: every movement of money is one immutable transfer, and the books always sum to zero.

A hold is pending money: it changes no balance until it is captured (whole or in part, once) or voided. Transfer ids are
derived from the session, the step and the provider's name for the money, so that writing a step again writes nothing
new. Modelled on TigerBeetle's two-phase transfers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from chalicelib.domain.charging.ways import (
    Way,
    deposits_payment,
    organisations_payment,
    paying_organisation,
    wallets_payment,
    way_of,
)
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.currency import round_half_up


class TransferKind(StrEnum):
    """What a transfer does: HOLD and VOID move no balance, for what is only set aside is nobody else's yet."""

    HOLD = "hold"
    CAPTURE = "capture"
    VOID = "void"
    CHARGE = "charge"
    SALE = "sale"
    TAX = "tax"
    REFUND = "refund"
    SALE_REVERSAL = "sale_back"
    TAX_REVERSAL = "tax_back"
    REFUND_FAILED = "refund_failed"
    SALE_RESTORED = "sale_restored"
    TAX_RESTORED = "tax_restored"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    WRITE_OFF = "write_off"
    TERMINAL = "terminal"
    TOP_UP = "top_up"
    PAY_OUT = "pay_out"
    PAY_OUT_FAILED = "pay_out_failed"
    LEVY = "levy"
    LEVY_RETURNED = "levy_returned"
    ESCROW = "escrow"
    ESCROW_SETTLED = "escrow_settled"
    ESCROW_RETURNED = "escrow_returned"
    WALLET_CHARGE = "wallet_charge"
    FEE = "fee"
    ORGANISATION_CHARGE = "organisation_charge"


_PENDING = frozenset({TransferKind.HOLD, TransferKind.VOID})
# What came from a card, and what went back there.
_RECEIVED = frozenset({TransferKind.CAPTURE, TransferKind.CHARGE, TransferKind.TOP_UP})
_GIVEN_BACK = frozenset({TransferKind.REFUND, TransferKind.PAY_OUT})
_CAME_BACK = frozenset({TransferKind.REFUND_FAILED, TransferKind.PAY_OUT_FAILED})


class Unbalanced(ValueError):
    """The transfers of a session contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer: `amount_minor` of `currency` moves from `debit` to `credit`. Unique by (session_id, kind, reference).

    `reference` is the provider's name for the money; a hold that was raised has a second one, "name/new amount".
    """

    session_id: str
    kind: TransferKind
    debit: str
    credit: str
    amount_minor: int
    currency: str
    operator_id: str
    at: datetime
    reference: str = ""

    def __post_init__(self) -> None:
        if self.amount_minor < 0:
            raise ValueError("a transfer's amount is never negative: swap its accounts instead")

    @property
    def payment_id(self) -> str:
        """The payment it is about."""
        return self.reference.partition("/")[0]


def driver_account(driver_id: str) -> str:
    """What a driver owes (a positive balance) across sessions."""
    return f"driver/{driver_id}"


def wallet_account(driver_id: str) -> str:
    """What a driver has paid in and not used: theirs, so a negative balance."""
    return f"wallet/{driver_id}"


def escrow_account(session_id: str) -> str:
    """What of a wallet, or of a deposit on chain, is set aside for a session."""
    return f"escrow/{session_id}"


def deposits_account(operator_id: str) -> str:
    """What drivers have deposited on chain with an operator, and what was settled of it there (a positive balance)."""
    return f"chain/{operator_id}"


def organisation_account(operator_id: str, organisation_id: str) -> str:
    """What an organisation owes its operator for its drivers' sessions (a positive balance)."""
    return f"organisation/{operator_id}/{organisation_id}"


@dataclass(frozen=True, slots=True)
class Book:
    """Writes the transfers of one session in its parties' names."""

    session_id: str
    operator_id: str
    driver_id: str
    currency: str

    @property
    def _card(self) -> str:
        return f"card/{self.operator_id}"

    @property
    def _driver(self) -> str:
        return driver_account(self.driver_id)

    def hold(self, payment_id: str, amount_minor: int, at: datetime) -> Transfer:
        """Money on the driver's card set aside for this session."""
        return self._transfer(TransferKind.HOLD, self._card, self._driver, amount_minor, at, payment_id)

    def raised(self, payment_id: str, by_minor: int, to_minor: int, at: datetime) -> Transfer:
        """More of it, under the same name."""
        return self._transfer(TransferKind.HOLD, self._card, self._driver, by_minor, at, f"{payment_id}/{to_minor}")

    def sale(self, bill: Bill, at: datetime) -> tuple[Transfer, ...]:
        """The driver owes the operator the bill, its tax apart; of a bill for nothing there is nothing to book."""
        sale = self._transfer(TransferKind.SALE, self._driver, f"revenue/{self.operator_id}", bill.net_minor, at)
        tax = self._transfer(TransferKind.TAX, self._driver, f"tax/{self.operator_id}", bill.tax_minor, at)
        return tuple(it for it in (sale, tax) if it.amount_minor)

    def capture(self, payment_id: str, amount_minor: int, at: datetime) -> Transfer:
        """Part or all of a hold is taken from the card; what is left of the hold is free again."""
        return self._transfer(TransferKind.CAPTURE, self._card, self._driver, amount_minor, at, payment_id)

    def void(self, payment_id: str, amount_minor: int, at: datetime) -> Transfer:
        """A whole hold is given back."""
        return self._transfer(TransferKind.VOID, self._driver, self._card, amount_minor, at, payment_id)

    def charge(self, payment_id: str, amount_minor: int, at: datetime) -> Transfer:
        """Money taken from the card that no hold had set aside."""
        return self._transfer(TransferKind.CHARGE, self._card, self._driver, amount_minor, at, payment_id)

    def refund(self, refund_id: str, amount_minor: int, tax_minor: int, at: datetime) -> tuple[Transfer, ...]:
        """Money back to where it came from, and so much less sold; `tax_minor` is the tax in it."""
        money = self._transfer(TransferKind.REFUND, self._driver, self._source(refund_id), amount_minor, at, refund_id)
        return (money, *self.waiver(refund_id, amount_minor, tax_minor, at))

    def waiver(self, reference: str, amount_minor: int, tax_minor: int, at: datetime) -> tuple[Transfer, ...]:
        """So much less sold; `tax_minor` is the tax in it. No money moves."""
        revenue, taxes = f"revenue/{self.operator_id}", f"tax/{self.operator_id}"
        net_minor = amount_minor - tax_minor
        sale = self._transfer(TransferKind.SALE_REVERSAL, revenue, self._driver, net_minor, at, reference)
        tax = self._transfer(TransferKind.TAX_REVERSAL, taxes, self._driver, tax_minor, at, reference)
        return (sale, tax) if tax_minor else (sale,)

    def refund_failed(self, refund_id: str, amount_minor: int, tax_minor: int, at: datetime) -> tuple[Transfer, ...]:
        """The provider has the money of a refund again: all that the refund wrote is written back."""
        money = self._transfer(TransferKind.REFUND_FAILED, self._card, self._driver, amount_minor, at, refund_id)
        net_minor = amount_minor - tax_minor
        sale = self._transfer(
            TransferKind.SALE_RESTORED, self._driver, f"revenue/{self.operator_id}", net_minor, at, refund_id
        )
        tax = self._transfer(
            TransferKind.TAX_RESTORED, self._driver, f"tax/{self.operator_id}", tax_minor, at, refund_id
        )
        return (money, sale, tax) if tax_minor else (money, sale)

    def escrowed(self, amount_minor: int, to_minor: int, at: datetime) -> Transfer:
        """Money of the driver's wallet set aside for this session, `to_minor` in all."""
        debit, credit = wallet_account(self.driver_id), escrow_account(self.session_id)
        reference = f"{wallets_payment(self.session_id)}/{to_minor}"
        return self._transfer(TransferKind.ESCROW, debit, credit, amount_minor, at, reference)

    def escrow_settled(self, amount_minor: int, at: datetime) -> Transfer:
        """What of it pays the bill."""
        payment_id, escrow = wallets_payment(self.session_id), escrow_account(self.session_id)
        return self._transfer(TransferKind.ESCROW_SETTLED, escrow, self._driver, amount_minor, at, payment_id)

    def escrow_returned(self, amount_minor: int, at: datetime) -> Transfer:
        """What of it goes back to the wallet."""
        debit, credit = escrow_account(self.session_id), wallet_account(self.driver_id)
        payment_id = wallets_payment(self.session_id)
        return self._transfer(TransferKind.ESCROW_RETURNED, debit, credit, amount_minor, at, payment_id)

    def deposited(self, amount_minor: int, at: datetime) -> Transfer:
        """What lies on chain for this session, seen there: a deposit is made once, and never grows."""
        debit, credit = deposits_account(self.operator_id), escrow_account(self.session_id)
        reference = f"{deposits_payment(self.session_id)}/{amount_minor}"
        return self._transfer(TransferKind.ESCROW, debit, credit, amount_minor, at, reference)

    def deposit_settled(self, amount_minor: int, at: datetime) -> Transfer:
        """What of it was settled, and pays the bill."""
        payment_id, escrow = deposits_payment(self.session_id), escrow_account(self.session_id)
        return self._transfer(TransferKind.ESCROW_SETTLED, escrow, self._driver, amount_minor, at, payment_id)

    def deposit_returned(self, amount_minor: int, at: datetime) -> Transfer:
        """What of it went back to its driver there."""
        debit, credit = escrow_account(self.session_id), deposits_account(self.operator_id)
        payment_id = deposits_payment(self.session_id)
        return self._transfer(TransferKind.ESCROW_RETURNED, debit, credit, amount_minor, at, payment_id)

    def wallet_charge(self, payment_id: str, amount_minor: int, at: datetime) -> Transfer:
        """Money of the wallet that was not set aside: for what is owed."""
        wallet = wallet_account(self.driver_id)
        return self._transfer(TransferKind.WALLET_CHARGE, wallet, self._driver, amount_minor, at, payment_id)

    def fee(self, issuer_id: str, amount_minor: int, at: datetime) -> Transfer:
        """What of the operator's revenue is the platform's, for a charge that a wallet paid."""
        debit, credit = f"revenue/{self.operator_id}", f"fee/{issuer_id}"
        return self._transfer(TransferKind.FEE, debit, credit, amount_minor, at, wallets_payment(self.session_id))

    def organisation_charge(self, organisation_id: str, amount_minor: int, at: datetime) -> Transfer:
        """What an organisation owes for the session, in its driver's place."""
        payer = organisation_account(self.operator_id, organisation_id)
        payment_id = organisations_payment(organisation_id, self.session_id)
        return self._transfer(TransferKind.ORGANISATION_CHARGE, payer, self._driver, amount_minor, at, payment_id)

    def dispute(self, dispute_id: str, amount_minor: int, at: datetime) -> Transfer:
        """The cardholder's bank has taken money back; whether for good is not known yet."""
        return self._transfer(
            TransferKind.DISPUTE, f"disputed/{self.operator_id}", self._card, amount_minor, at, dispute_id
        )

    def dispute_won(self, dispute_id: str, amount_minor: int, at: datetime, *, was_lost: bool = False) -> Transfer:
        """It has come back, be it after it was thought to be lost."""
        disputed = f"{'charged_back' if was_lost else 'disputed'}/{self.operator_id}"
        return self._transfer(TransferKind.DISPUTE_WON, self._card, disputed, amount_minor, at, dispute_id)

    def terminal(self, psp_ref: str, amount_minor: int, at: datetime) -> Transfer:
        """Money taken by a card terminal at the charger, which pays its operator itself."""
        return self._transfer(
            TransferKind.TERMINAL, f"terminal/{self.operator_id}", self._driver, amount_minor, at, psp_ref
        )

    def dispute_lost(self, dispute_id: str, amount_minor: int, at: datetime) -> Transfer:
        """It is gone for good: the operator's loss."""
        lost, disputed = f"charged_back/{self.operator_id}", f"disputed/{self.operator_id}"
        return self._transfer(TransferKind.DISPUTE_LOST, lost, disputed, amount_minor, at, dispute_id)

    def write_off(self, amount_minor: int, at: datetime, reference: str = "") -> Transfer:
        """The operator lets go of what is too little to be asked for; a second time has a `reference` of its own."""
        account = f"written_off/{self.operator_id}"
        return self._transfer(TransferKind.WRITE_OFF, account, self._driver, amount_minor, at, reference)

    def _source(self, payment_id: str) -> str:
        """The account that money of a payment came from."""
        match way_of(payment_id).way:
            case Way.CARD:
                return self._card
            case Way.WALLET:
                return wallet_account(self.driver_id)
            case Way.ORGANISATION:
                return organisation_account(self.operator_id, paying_organisation(payment_id) or "")
            case Way.DEPOSIT:
                return deposits_account(self.operator_id)

    def _transfer(  # noqa: PLR0913, PLR0917 (a transfer has this much to say)
        self, kind: TransferKind, debit: str, credit: str, amount_minor: int, at: datetime, reference: str = ""
    ) -> Transfer:
        return Transfer(
            session_id=self.session_id,
            kind=kind,
            debit=debit,
            credit=credit,
            amount_minor=amount_minor,
            currency=self.currency,
            operator_id=self.operator_id,
            at=at,
            reference=reference,
        )


def balances(transfers: Iterable[Transfer]) -> dict[tuple[str, str], int]:
    """Minor units by (account, currency), debits positive; they sum to zero in each currency."""
    totals: Counter[tuple[str, str]] = Counter()
    for transfer in transfers:
        if transfer.kind not in _PENDING:
            totals[transfer.debit, transfer.currency] += transfer.amount_minor
            totals[transfer.credit, transfer.currency] -= transfer.amount_minor
    return dict(totals)


def held_minor(transfers: Iterable[Transfer]) -> int:
    """What is still held for a session. Raises Unbalanced when a hold was resolved twice or beyond its amount."""
    by_payment: defaultdict[str, Counter[TransferKind]] = defaultdict(Counter)
    for transfer in transfers:
        if transfer.kind in (TransferKind.HOLD, TransferKind.CAPTURE, TransferKind.VOID):
            by_payment[transfer.payment_id][transfer.kind] += transfer.amount_minor
    held = 0
    for payment_id, sums in by_payment.items():
        if TransferKind.CAPTURE in sums and TransferKind.VOID in sums:
            raise Unbalanced(f"hold {payment_id} was both captured and voided")
        if sums[TransferKind.CAPTURE] > sums[TransferKind.HOLD]:
            raise Unbalanced(f"more was captured than was held by {payment_id}")
        held += sums[TransferKind.HOLD] if TransferKind.CAPTURE not in sums and TransferKind.VOID not in sums else 0
    return held


def escrow_minor(transfers: Iterable[Transfer]) -> int:
    """What of a wallet or a deposit is set aside for a session by its books."""
    signs = {TransferKind.ESCROW: 1, TransferKind.ESCROW_SETTLED: -1, TransferKind.ESCROW_RETURNED: -1}
    return sum(signs.get(it.kind, 0) * it.amount_minor for it in transfers)


def received_minor(transfers: Iterable[Transfer]) -> dict[str, int]:
    """What was taken by each payment."""
    sums: Counter[str] = Counter()
    for transfer in transfers:
        if transfer.kind in _RECEIVED:
            sums[transfer.payment_id] += transfer.amount_minor
    return dict(sums)


def refunded_minor(transfers: Iterable[Transfer]) -> dict[str, int]:
    """What has gone back to each payment, and not come here again."""
    sums: Counter[str] = Counter()
    for transfer in transfers:
        if transfer.kind in _GIVEN_BACK:
            sums[transfer.payment_id] += transfer.amount_minor
        if transfer.kind in _CAME_BACK:
            sums[transfer.payment_id] -= transfer.amount_minor
    return dict(sums)


# What a correction waives is sold less without any money going back: its reference begins so.
WAIVED = "correction/"
# What never stands alone: money that goes back is so much less sold, and what undoes something follows it.
_PAIRED = (
    (TransferKind.REFUND, (TransferKind.SALE_REVERSAL, TransferKind.TAX_REVERSAL)),
    (TransferKind.REFUND_FAILED, (TransferKind.SALE_RESTORED, TransferKind.TAX_RESTORED)),
)
_FOLLOWS = (
    (TransferKind.REFUND_FAILED, TransferKind.REFUND),
    (TransferKind.DISPUTE_WON, TransferKind.DISPUTE),
    (TransferKind.DISPUTE_LOST, TransferKind.DISPUTE),
)


def unpaired(transfers: Iterable[Transfer]) -> list[str]:
    """What a session's transfers lack: sentences, none where every one has what belongs to it."""
    amounts: dict[tuple[TransferKind, str], int] = {(it.kind, it.reference): it.amount_minor for it in transfers}
    wrong = []
    for (kind, reference), amount_minor in amounts.items():
        for money, sold in _PAIRED:
            if kind is money and amount_minor != sum(amounts.get((it, reference), 0) for it in sold):
                wrong.append(f"{kind} {reference} of {amount_minor} is not what was sold less")
            if kind in sold and (money, reference) not in amounts and not reference.startswith(WAIVED):
                wrong.append(f"{kind} {reference} has no {money}")
        for after, before in _FOLLOWS:
            if kind is after and amounts.get((before, reference), -1) < amount_minor:
                wrong.append(f"{kind} {reference} of {amount_minor} undoes no {before}")
    return wrong


def tax_to_reverse(bill: Bill, transfers: Iterable[Transfer], amount_minor: int) -> int:
    """The tax in an amount that is to be taken back of a sale: its share of the bill's, rounded over all taken back."""
    sums: Counter[TransferKind] = Counter()
    for transfer in transfers:
        sums[transfer.kind] += transfer.amount_minor
    tax_back_minor = sums[TransferKind.TAX_REVERSAL] - sums[TransferKind.TAX_RESTORED]
    back_minor = sums[TransferKind.SALE_REVERSAL] - sums[TransferKind.SALE_RESTORED] + tax_back_minor
    share = Fraction((back_minor + amount_minor) * bill.tax_minor, bill.total_minor or 1)
    return min(amount_minor, max(0, round_half_up(share) - tax_back_minor))
