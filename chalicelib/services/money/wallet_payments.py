"""Pays for sessions from wallets: set aside before energy flows, raised while it does, settled in one step at the end.

It is a way of paying beside cards, and a session's states know nothing of it. What is set aside is still the driver's;
as the charge is billed, operator, tax and platform get their parts and the rest goes back, all or none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from chalicelib.domain.charging.session import Hold, Session
from chalicelib.domain.charging.ways import wallets_payment
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.ledger import Book, Transfer, TransferKind
from chalicelib.domain.money.wallet import EntryKind, Escrow, Wallet, WalletEntry, fee_minor, refill_minor
from chalicelib.ports import Clock
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import Ledger, Wallets
from chalicelib.records.drivers import Driver
from chalicelib.records.money import Declined, Movement
from chalicelib.services.money.wallet_moves import WalletMoves

# What a receipt says that it was paid with.
LABEL = "wallet"
# A wallet's money does not run out by itself, as a card's hold does.
_GOOD_FOR = timedelta(days=3660)
# Sessions are over within three days; what is set aside for longer is looked after from the first hours on.
LOOKED_AFTER = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True)
class WalletPayments:
    """Wallets as a way of paying: the port WayOfPaying. `issuer_id` empty: there are no wallets.

    `refill` takes an automatic top-up, where the driver has allowed one, for so much that is wanted; and says whether
    its money is there. `fee_permille` is what of the operator's revenue is the platform's.
    """

    wallets: Wallets
    ledger: Ledger
    drivers: Drivers
    refill: Callable[[str, str, int], bool]
    issuer_id: str
    fee_permille: int
    clock: Clock

    def hold(self, session: Session, driver: Driver, amount_minor: int, part: int = 0) -> Hold:
        """As much of it as there is. Raises Declined where that is nothing."""
        held = self._set_aside(session, amount_minor) if self.issuer_id else None
        if held is None:
            raise Declined("the wallet is empty")
        return held

    def raise_hold(self, session: Session, hold: Hold, amount_minor: int) -> Hold | None:
        """As far as there is more; None where there is nothing."""
        raised = self._set_aside(session, amount_minor)
        return raised if raised is not None and raised.amount_minor > hold.amount_minor else None

    def capture(self, session: Session, hold: Hold, amount_minor: int) -> None:
        """The settlement: one step in which what was set aside pays the bill, and the rest is in the wallet again."""
        if session.bill is None:
            raise ValueError(f"session {session.session_id} has no bill")
        bill, book, now = session.bill, self._book(session), self.clock()
        # What is asked goes to the operator; what was let go of it bears no fee.
        fee = book.fee(self.issuer_id, fee_minor(bill, amount_minor, self.fee_permille), now)

        def settle(wallet: Wallet) -> Movement | None:
            escrow = self.wallets.escrow(session.session_id)
            if escrow is None or (escrow.is_closed and escrow.taken_minor != amount_minor):
                raise Declined("nothing is set aside any more")
            if escrow.is_closed:
                return None
            if not 0 < amount_minor <= escrow.amount_minor:
                raise ValueError(f"{amount_minor} cannot be taken of {escrow.amount_minor} set aside")
            rest_minor = escrow.amount_minor - amount_minor
            rest = [book.escrow_returned(rest_minor, now)] if rest_minor else []
            transfers = [book.escrow_settled(amount_minor, now), *book.sale(bill, now), *rest]
            return self._closing(wallet, escrow, [*transfers, *([fee] if fee.amount_minor else [])], amount_minor)

        self._moves.move(*_whose(session), settle)

    def void(self, session: Session, hold: Hold) -> None:
        """All of it is in the wallet again, be it more than the session knows of. Raises Declined if it was taken."""
        book, now = self._book(session), self.clock()

        def give_back(wallet: Wallet) -> Movement | None:
            escrow = self.wallets.escrow(session.session_id)
            if escrow is not None and escrow.taken_minor:
                raise Declined("what was set aside has paid for the session")
            if escrow is None or escrow.is_closed:
                return None
            return self._closing(wallet, escrow, [book.escrow_returned(escrow.amount_minor, now)], 0)

        self._moves.move(*_whose(session), give_back)

    def refund(self, session: Session, payment_id: str, amount_minor: int, key: str) -> str:
        """Into the wallet, once for each `key`. Raises Declined where its account is deleted: nobody could use it."""
        driver_id, currency = _whose(session)
        if self.drivers.get(driver_id) is None:
            raise Declined("the account whose wallet paid is deleted")
        reference = f"{payment_id}/{key}"
        money, *_ = self._book(session).refund(reference, amount_minor, 0, self.clock())
        self._credit(driver_id, currency, EntryKind.REFUND, money)
        return reference

    def taken_minor(self, session: Session, hold: Hold) -> int:
        """What of it paid for the session."""
        escrow = self.wallets.escrow(session.session_id)
        return escrow.taken_minor if escrow is not None else 0

    def charge(self, session: Session, amount_minor: int, purpose: str) -> Hold | None:
        """Pay what is owed from the wallet, once for each `purpose`; None where all of it is not there."""
        if not self.issuer_id:
            return None
        payment_id, now = wallets_payment(session.session_id, purpose), self.clock()
        transfer = self._book(session).wallet_charge(payment_id, amount_minor, now)

        def pay(wallet: Wallet) -> Movement | None:
            if wallet.balance_minor < amount_minor:
                return None
            after = wallet.moved(-amount_minor)
            entry = WalletEntry(
                kind=EntryKind.DEBT_PAID,
                amount_minor=-amount_minor,
                balance_minor=after.balance_minor,
                about=session.session_id,
                at=now,
                paid_minor=amount_minor,
            )
            return Movement(before=wallet, after=after, transfers=[transfer], entry=entry)

        paid = self._moves.move(*_whose(session), pay)
        return Hold(payment_id, amount_minor, LABEL) if paid is not None else None

    def charged(self, session: Session) -> Hold | None:
        """What was paid for what is owed and the session does not know of: whoever did it could not say so any more."""
        known = {it.payment_id for it in session.takings or ()}
        entries = self.ledger.of_session(session.session_id) if self.issuer_id else ()
        found = (it for it in entries if it.kind is TransferKind.WALLET_CHARGE and it.reference not in known)
        paid = next(found, None)
        return Hold(paid.reference, paid.amount_minor, LABEL) if paid is not None else None

    def can_pay(self, driver_id: str, currency: str, amount_minor: int) -> bool:
        """Whether there is so much in a driver's wallet."""
        wallet = self.wallets.get(driver_id, currency) if self.issuer_id else None
        return wallet is not None and wallet.balance_minor >= amount_minor

    @property
    def _moves(self) -> WalletMoves:
        return WalletMoves(self.wallets)

    def _set_aside(self, session: Session, to_minor: int) -> Hold | None:
        """So much in all, as far as it is there, or comes there by itself."""
        driver_id, currency = _whose(session)
        held, left = self._escrowed(session, to_minor)
        short_minor = to_minor - (held.amount_minor if held else 0)
        if left is not None and refill_minor(left, short_minor, self.clock()):
            is_there = self.refill(driver_id, currency, short_minor)
            if is_there and short_minor > 0:
                held, _ = self._escrowed(session, to_minor)
        return held

    def _escrowed(self, session: Session, to_minor: int) -> tuple[Hold | None, Wallet | None]:
        """What is set aside then, None for nothing; and the wallet, None where there is none."""
        book, now = self._book(session), self.clock()
        seen: list[tuple[Escrow | None, Wallet | None]] = []

        def set_aside(wallet: Wallet) -> Movement | None:
            known = self.wallets.escrow(session.session_id) if wallet.version else None
            is_closed = known is not None and known.is_closed
            held_minor = known.amount_minor if known else 0
            more_minor = 0 if is_closed else min(to_minor - held_minor, wallet.balance_minor)
            seen.append((None if is_closed else known, wallet if wallet.version else None))
            if more_minor <= 0:
                return None
            after = wallet.moved(-more_minor)
            escrow = replace(known or _blank(session, wallet), amount_minor=held_minor + more_minor)
            escrow = replace(escrow, next_at=now + LOOKED_AFTER)
            entry = WalletEntry(
                kind=EntryKind.SET_ASIDE,
                amount_minor=-more_minor,
                balance_minor=after.balance_minor,
                about=session.session_id,
                at=now,
            )
            transfers = [book.escrowed(more_minor, escrow.amount_minor, now)]
            seen.append((escrow, after))
            return Movement(before=wallet, after=after, transfers=transfers, entry=entry, papers=[(known, escrow)])

        self._moves.move(*_whose(session), set_aside)
        escrow, wallet = seen[-1]
        if escrow is None:
            return None, wallet
        return Hold(wallets_payment(session.session_id), escrow.amount_minor, LABEL, escrow.at + _GOOD_FOR), wallet

    def _closing(self, wallet: Wallet, escrow: Escrow, transfers: list[Transfer], paid_minor: int) -> Movement:
        after = wallet.moved(escrow.amount_minor - paid_minor)
        entry = WalletEntry(
            kind=EntryKind.GIVEN_BACK,
            amount_minor=escrow.amount_minor - paid_minor,
            balance_minor=after.balance_minor,
            about=escrow.session_id,
            at=self.clock(),
            paid_minor=paid_minor,
        )
        closed = replace(escrow, is_closed=True, taken_minor=paid_minor, next_at=None)
        return Movement(before=wallet, after=after, transfers=transfers, entry=entry, papers=[(escrow, closed)])

    def _credit(self, driver_id: str, currency: str, kind: EntryKind, transfer: Transfer) -> None:
        def add(wallet: Wallet) -> Movement:
            after = wallet.moved(transfer.amount_minor)
            entry = WalletEntry(
                kind=kind,
                amount_minor=transfer.amount_minor,
                balance_minor=after.balance_minor,
                about=transfer.session_id,
                at=transfer.at,
            )
            return Movement(before=wallet, after=after, transfers=[transfer], entry=entry)

        self._moves.move(driver_id, currency, add)

    def _book(self, session: Session) -> Book:
        driver_id, currency = _whose(session)
        return Book(session.session_id, session.operator_id, driver_id, currency)


def _whose(session: Session) -> tuple[str, str]:
    """The driver and the currency of the wallet that pays."""
    if session.driver_id is None:
        raise Declined("nobody pays for this session")
    return session.driver_id, session.tariff.currency


def _blank(session: Session, wallet: Wallet) -> Escrow:
    return Escrow(
        session_id=session.session_id,
        driver_id=wallet.driver_id,
        currency=wallet.currency,
        amount_minor=0,
        at=session.created_at,
    )
