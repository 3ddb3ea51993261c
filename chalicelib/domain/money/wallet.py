"""A driver's prepaid wallet, one for each currency: what was paid in, what is set aside, and what of it went where.

A balance is never negative, and whatever leaves it goes to a session, or back to the cards it came from. What is taken
from a card by itself is bounded by what the driver said, and by nothing at all where they said nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.deposits import ChainOutbox, Deposit
from chalicelib.domain.money.minimums import chargeable_minor, least_charge_minor
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.caps import charge_cap_minor, is_taken
from chalicelib.domain.pricing.currency import round_half_up

# What a wallet holds at the most, in caps of one charge.
_MOST_CHARGES = 2
# To how many cards a pay-out goes at the most: each is two of the hundred rows that are written in one step.
MOST_PARTS = 40
# A card that was not good for an automatic top-up is left alone for so long.
RESTS = timedelta(days=1)
_TOP_UP = "topup"
_HASH_LENGTH = 20


class Overdrawn(ValueError):
    """More was to leave a wallet than is in it."""


class TopUpRefused(ValueError):
    """An amount that cannot be paid into a wallet; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoTopUp:
    """What a driver allows to be taken without being asked: so much whenever less than a threshold is left.

    Never more than `monthly_cap_minor` in a calendar month (UTC), be there enough for the charge under way or not.
    """

    threshold_minor: int
    amount_minor: int
    monthly_cap_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A driver's wallet. `month_minor` was taken automatically in `month` (`2026-11`), in `asked` top-ups.

    `pending` is the automatic top-up under way; `rests_until`: until then none is tried, for the card was declined.
    `version` counts how often it was written, as that of each paper does.
    """

    driver_id: str
    currency: str
    balance_minor: int = 0
    auto: AutoTopUp | None = None
    month: str = ""
    month_minor: int = 0
    asked: int = 0
    pending: str = ""
    rests_until: datetime | None = None
    version: int = 0

    def __post_init__(self) -> None:
        if self.balance_minor < 0:
            raise Overdrawn(f"a wallet of {self.currency} would be at {self.balance_minor}")

    def moved(self, by_minor: int) -> Wallet:
        """The wallet with so much more or less in it. Raises Overdrawn."""
        return replace(self, balance_minor=self.balance_minor + by_minor)

    def taken_in(self, month: str) -> int:
        """What was taken automatically in that month."""
        return self.month_minor if self.month == month else 0


class TopUpState(StrEnum):
    """What became of a top-up: its card was asked, its money is in the wallet, or nothing came of it."""

    PENDING = "pending"
    CREDITED = "credited"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """Money from a card to a wallet. `gone_minor` is what of it went back to the card, or was taken by its bank.

    `next_at`: then it is looked at again; None: nothing is to come.
    """

    top_up_id: str
    driver_id: str
    currency: str
    amount_minor: int
    at: datetime
    is_automatic: bool = False
    state: TopUpState = TopUpState.PENDING
    payment_id: str = ""
    card: str = ""
    gone_minor: int = 0
    next_at: datetime | None = None
    version: int = 0

    @property
    def left_minor(self) -> int:
        """What of it can still go back to its card."""
        return self.amount_minor - self.gone_minor if self.state is TopUpState.CREDITED else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Escrow:
    """What of a wallet is set aside for a session: nothing any more once it `is_closed`, of which `taken_minor` paid.

    `next_at`: then somebody looks whether its session is over and it was forgotten.
    """

    session_id: str
    driver_id: str
    currency: str
    amount_minor: int
    at: datetime
    is_closed: bool = False
    taken_minor: int = 0
    next_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class PayOutPart:
    """What of a pay-out goes to the card of one top-up."""

    top_up_id: str
    payment_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOut:
    """Money from a wallet back to the cards it came from; `next_at` until the provider was asked for all of it."""

    pay_out_id: str
    driver_id: str
    currency: str
    parts: tuple[PayOutPart, ...]
    at: datetime
    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    next_at: datetime | None = None
    version: int = 0

    @property
    def amount_minor(self) -> int:
        """All of it."""
        return sum(it.amount_minor for it in self.parts)

    @property
    def left(self) -> tuple[PayOutPart, ...]:
        """What the provider has not answered for yet."""
        return tuple(it for it in self.parts if it.top_up_id not in (*self.done, *self.failed))


class EntryKind(StrEnum):
    """What moved a wallet's balance, in words a driver can be shown."""

    TOP_UP = "top_up"
    AUTO_TOP_UP = "auto_top_up"
    SET_ASIDE = "set_aside"
    GIVEN_BACK = "given_back"
    REFUND = "refund"
    DEBT_PAID = "debt_paid"
    PAY_OUT = "pay_out"
    PAY_OUT_FAILED = "pay_out_failed"
    DISPUTED = "disputed"
    DISPUTE_WON = "dispute_won"


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletEntry:
    """A line of a wallet's statement: what moved, and what was in it then. `about` is a session, top-up or pay-out.

    `paid_minor` is what was paid for the session of which the rest is given back.
    """

    kind: EntryKind
    amount_minor: int
    balance_minor: int
    about: str
    at: datetime
    paid_minor: int = 0


WalletPaper = TopUp | Escrow | PayOut | Deposit | ChainOutbox


def month_of(at: datetime) -> str:
    """The month in which something is taken automatically."""
    return f"{at:%Y-%m}"


def top_up_id_for(driver_id: str, currency: str, *facts: str) -> str:
    """A top-up's name, which the same facts always give; it says whose wallet it is for."""
    digest = hashlib.sha256("\x1f".join((driver_id, currency, *facts)).encode()).hexdigest()[:_HASH_LENGTH]
    return f"{_TOP_UP}-{driver_id}-{currency}-{digest}"


def wallet_of(top_up_id: str) -> tuple[str, str] | None:
    """Driver and currency of a top-up, by its name; None for the name of anything else."""
    begins, *rest = top_up_id.split("-", 1)
    parts = rest[0].rsplit("-", 2) if rest else []
    if begins != _TOP_UP or len(parts) != 3 or len(parts[2]) != _HASH_LENGTH:
        return None
    return parts[0], parts[1]


def most_minor(currency: str, on: date) -> int:
    """What may be in a wallet at the most."""
    return _MOST_CHARGES * charge_cap_minor(currency, on)


def check_top_up(wallet: Wallet, amount_minor: int, on: date) -> None:
    """Raises TopUpRefused for an amount that no card can be charged, or that makes a wallet too full."""
    if not is_taken(wallet.currency):
        raise TopUpRefused(f"no card can be charged in {wallet.currency}")
    if chargeable_minor(amount_minor, wallet.currency, on) != amount_minor:
        least_minor = least_charge_minor(wallet.currency, on)
        raise TopUpRefused(f"a card can be charged {least_minor} {wallet.currency} (minor units) or more, in its steps")
    room_minor = most_minor(wallet.currency, on) - wallet.balance_minor
    if amount_minor > room_minor:
        raise TopUpRefused(f"there is room for {max(0, room_minor)} {wallet.currency} (minor units) in this wallet")


def check_auto(auto: AutoTopUp, currency: str, on: date) -> None:
    """Raises TopUpRefused for rules that no card could carry out, or that would never do anything."""
    check_top_up(Wallet(driver_id="", currency=currency, balance_minor=auto.threshold_minor), auto.amount_minor, on)
    if auto.monthly_cap_minor < auto.amount_minor:
        raise TopUpRefused("the monthly cap is less than one top-up")


def refill_minor(wallet: Wallet, wanted_minor: int, at: datetime) -> int:
    """What is to be taken from the card by itself, where `wanted_minor` more is wanted; 0: nothing may be."""
    auto = wallet.auto
    if auto is None or wallet.pending or (wallet.rests_until is not None and at < wallet.rests_until):
        return 0
    if wallet.balance_minor >= max(auto.threshold_minor, wanted_minor):
        return 0
    is_within = wallet.taken_in(month_of(at)) + auto.amount_minor <= auto.monthly_cap_minor
    is_full = wallet.balance_minor + auto.amount_minor > most_minor(wallet.currency, at.date())
    return auto.amount_minor if is_within and not is_full else 0


def refilling(wallet: Wallet, amount_minor: int, at: datetime) -> Wallet:
    """The wallet with an automatic top-up begun: it counts before its card is asked, so that none is beyond the cap."""
    month, asked = month_of(at), wallet.asked + 1
    pending = top_up_id_for(wallet.driver_id, wallet.currency, "auto", str(asked))
    month_minor = wallet.taken_in(month) + amount_minor
    return replace(wallet, month=month, month_minor=month_minor, asked=asked, pending=pending)


def refill_failed(wallet: Wallet, top_up: TopUp, at: datetime, *, is_certain: bool = True) -> Wallet:
    """The wallet after its automatic top-up came to nothing: the card is left alone a while.

    It counts no more in its month, unless its money may come all the same.
    """
    if wallet.pending != top_up.top_up_id:
        return wallet
    is_off = is_certain and wallet.month == month_of(top_up.at)
    month_minor = wallet.month_minor - (top_up.amount_minor if is_off else 0)
    return replace(wallet, pending="", month_minor=max(0, month_minor), rests_until=at + RESTS)


def can_go_back_minor(top_ups: Iterable[TopUp]) -> int:
    """How much a pay-out can be of at the most."""
    return sum(it.left_minor for it in _sources(top_ups))


def pay_out_parts(top_ups: Iterable[TopUp], amount_minor: int) -> tuple[PayOutPart, ...]:
    """To which cards so much goes back: to the newest first, for old payments can be given back less surely.

    Raises Overdrawn where that is more than `can_go_back_minor`.
    """
    parts = []
    for it in _sources(top_ups):
        part_minor = min(amount_minor, it.left_minor)
        if part_minor > 0:
            parts.append(PayOutPart(it.top_up_id, it.payment_id, part_minor))
            amount_minor -= part_minor
    if amount_minor:
        raise Overdrawn(f"{amount_minor} came from no card")
    return tuple(parts)


def _sources(top_ups: Iterable[TopUp]) -> list[TopUp]:
    newest_first = sorted(top_ups, key=lambda it: it.at, reverse=True)
    return [it for it in newest_first if it.left_minor > 0][:MOST_PARTS]


def fee_minor(bill: Bill, paid_minor: int, permille: int) -> int:
    """What of the operator's revenue is the platform's, of what a wallet paid of a bill."""
    return round_half_up(Fraction(paid_minor * bill.net_minor * permille, max(1, bill.total_minor) * 1000))
