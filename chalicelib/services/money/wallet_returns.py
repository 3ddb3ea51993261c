"""Money that leaves wallets for the cards it came from: by the driver's wish, by hand, or by the cardholder's bank.

A pay-out is out of the wallet before the provider is asked, so that it is not spent meanwhile, and back in it where a
card does not take it. What goes back from elsewhere is taken of the wallet as far as it is there, and never below zero:
the rest is the issuer's loss.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from chalicelib.domain.charging.session import Hold
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.deposits import ChainOutbox, Deposit
from chalicelib.domain.money.ledger import Book, Transfer, TransferKind, received_minor
from chalicelib.domain.money.minimums import step_minor
from chalicelib.domain.money.wallet import (
    EntryKind,
    Escrow,
    Overdrawn,
    PayOut,
    PayOutPart,
    TopUp,
    TopUpState,
    Wallet,
    WalletEntry,
    can_go_back_minor,
    pay_out_parts,
    top_up_id_for,
    wallet_of,
)
from chalicelib.domain.money.wallet_books import WalletBook
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import CardTopUps, Ledger, Wallets
from chalicelib.records import Conflict
from chalicelib.records.money import Declined, Movement, PaymentNews, PaymentNewsKind, ProviderRefund
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.access import Refusal
from chalicelib.services.money.chain_payments import ChainPayments
from chalicelib.services.money.wallet_moves import WalletMoves
from chalicelib.services.money.wallet_payments import LOOKED_AFTER, WalletPayments
from chalicelib.services.money.wallets import DriverWallets

_log = logging.getLogger(__name__)
_ASKED_AGAIN_AFTER = timedelta(minutes=5)
_NOTED_AGAIN = 4
# No pay-out's name has a space: what was given back in the dashboard can bear the name of none made here.
_ELSEWHERE = "dashboard "
_NOBODYS = "money came back for a driver who has left"


@dataclass(frozen=True, kw_only=True)
class WalletReturns:
    """Pays wallets out, hears of what others gave back, and looks after what was left half done."""

    wallets: Wallets
    driver_wallets: DriverWallets
    wallet_payments: WalletPayments
    chain: ChainPayments
    sessions: Sessions
    drivers: Drivers
    ledger: Ledger
    top_ups: Callable[[], CardTopUps]
    issuer_id: str
    clock: Clock

    def pay_out(self, driver_id: str, currency: str, amount_minor: int | None, key: str) -> PayOut:
        """Pay so much, or (None) all that is left, back to the cards it came from; the same key again nothing more.

        Of what came by very many top-ups only a part goes at once. Raises Refusal, PaymentsUnavailable.
        """
        # It is named as a top-up is, for the same reason: who asks again means the same.
        pay_out_id = top_up_id_for(driver_id, currency, "back", key).rpartition("-")[2]

        def take(wallet: Wallet) -> Movement | None:
            if self.wallets.pay_out(driver_id, currency, pay_out_id) is not None:
                return None
            most_minor = can_go_back_minor(self.wallets.top_ups(driver_id, currency))
            asked_minor = min(wallet.balance_minor, most_minor) if amount_minor is None else amount_minor
            return self._taking(wallet, pay_out_id, asked_minor - asked_minor % step_minor(currency))

        self._moves.move(driver_id, currency, take)
        pay_out = self.wallets.pay_out(driver_id, currency, pay_out_id)
        if pay_out is None:
            raise Refusal("nothing_to_pay_out", "nothing in this wallet can be paid out")
        if amount_minor is not None and pay_out.amount_minor != amount_minor - amount_minor % step_minor(currency):
            raise Refusal("idempotency_key_reused", "this Idempotency-Key stands for a pay-out of another amount")
        return self._sent(pay_out)

    def paid_in(self, top_up_id: str, payment_id: str, amount_minor: int) -> None:
        """Money of a top-up came; for whoever has left meanwhile it goes back at once."""
        top_up = self.driver_wallets.confirm(top_up_id, payment_id, amount_minor)
        # Of one that was in a wallet before its driver left, and went back then, this is no news.
        is_new = top_up is not None and top_up.state is TopUpState.CREDITED
        if top_up is not None and is_new and self.drivers.get(top_up.driver_id) is None:
            self.pay_out(top_up.driver_id, top_up.currency, None, f"left-{top_up_id}")

    def close(self, driver_id: str) -> None:
        """Pay out all wallets of a driver who leaves. Raises Refusal where that cannot be done at this moment.

        Raises PaymentsUnavailable while the provider cannot be asked for what has left a wallet already: with the
        account nobody would know of it any more.
        """
        for known in self.driver_wallets.of_driver(driver_id):
            for it in self.wallets.pay_outs(driver_id, known.currency):
                self._sent(it)
            left = self._emptied(self.wallets.get(driver_id, known.currency) or known)
            if left.balance_minor >= step_minor(left.currency):
                raise Refusal(
                    "wallet_not_empty",
                    f"{left.balance_minor} {left.currency} (minor units) of your wallet could not be paid out to the "
                    "card they came from; ask its issuer",
                )
            if left.pending or any(it.next_at for it in self.wallets.top_ups(driver_id, left.currency)):
                raise Refusal("top_up_under_way", "a top-up of your wallet is under way; try again in a while")

    def hear(self, top_up_id: str, payment_id: str, told: Iterable[ProviderRefund]) -> None:
        """The provider tells what of a top-up it has given back; hearing it again changes nothing more."""
        for it in told:
            known = self._known(top_up_id)
            if known is None:
                return
            pay_out = self.wallets.pay_out(known.driver_id, known.currency, it.key) if it.key else None
            reference = f"{payment_id}/{it.key or _ELSEWHERE + it.refund_id}"
            if pay_out is None and not it.is_failed:
                self._levy(known, it.amount_minor, self._given_back_elsewhere(known, reference))
            elif pay_out is not None and it.is_failed:
                for part in (of for of in pay_out.parts if of.top_up_id == top_up_id):
                    self._came_back(pay_out, part)
            elif pay_out is not None:
                self._done(pay_out, top_up_id)
            elif it.is_failed:
                self._came_back_from_elsewhere(known, reference)

    def disputed(self, top_up_id: str, news: PaymentNews) -> None:
        """The cardholder's bank has taken a top-up back, or given it up: as with a session, whatever is told first."""
        known = self._known(top_up_id)
        if known is None or news.kind is PaymentNewsKind.DISPUTE_OPENED:
            return
        dispute_id, now = news.detail["dispute_id"], self.clock()
        book = Book(top_up_id, self.issuer_id, known.driver_id, known.currency)
        entries = self.ledger.of_session(top_up_id)
        told = {it.kind for it in entries if it.reference == dispute_id}
        if TransferKind.DISPUTE not in told:
            dispute = book.dispute(dispute_id, news.amount_minor, now)
            pages = WalletBook(self.issuer_id, top_up_id, known.driver_id, known.currency)

            def levied(taken_minor: int, beyond_minor: int) -> list[Transfer]:
                return [dispute, *([pages.levy(dispute_id, taken_minor, now)] if taken_minor else [])]

            self._levy(known, news.amount_minor, levied)
        levied_minor = self._levied_minor(top_up_id, dispute_id)
        if news.kind is PaymentNewsKind.DISPUTE_WON:
            self._won(known, dispute_id, news.amount_minor, levied_minor, was_lost=TransferKind.DISPUTE_LOST in told)
        elif news.kind is PaymentNewsKind.DISPUTE_LOST and TransferKind.DISPUTE_WON not in told:
            self.ledger.append([book.dispute_lost(dispute_id, news.amount_minor - levied_minor, now)])

    def tend(self, part: Part = WHOLE) -> int:
        """Take up what was left half done: top-ups not heard of, pay-outs not asked for, escrow; returns how many."""
        count = 0
        for paper in part.in_time(self.wallets.due(self.clock(), part.shard), self.clock):
            count += 1
            try:
                match paper:
                    case TopUp():
                        self.driver_wallets.look_at(paper)
                    case PayOut():
                        self._sent(paper)
                    case Escrow():
                        self._look_after(paper)
                    case Deposit() | ChainOutbox():
                        self.chain.look_after(paper)
            except Conflict:
                _log.info("somebody else is at it")
            except Exception:
                # One that cannot be looked at must not keep the others; it comes again.
                _log.exception("not looked after")
        return count

    @property
    def _moves(self) -> WalletMoves:
        return WalletMoves(self.wallets)

    def _known(self, top_up_id: str) -> TopUp | None:
        """A top-up; of version 0 where its driver has left, and only the books know of it. None: no money came."""
        found, of = self.wallets.top_up(top_up_id), wallet_of(top_up_id)
        if found is not None or of is None:
            return found
        came_minor = sum(received_minor(self.ledger.of_session(top_up_id)).values())
        gone = TopUp(top_up_id=top_up_id, driver_id=of[0], currency=of[1], amount_minor=came_minor, at=self.clock())
        return gone if came_minor else None

    def _emptied(self, wallet: Wallet) -> Wallet:
        """The wallet with all paid out that its cards take."""
        while wallet.balance_minor >= step_minor(wallet.currency):
            self.pay_out(wallet.driver_id, wallet.currency, None, f"leaving-{wallet.version}")
            after = self.wallets.get(wallet.driver_id, wallet.currency) or wallet
            if after.balance_minor >= wallet.balance_minor:
                return after
            wallet = after
        return wallet

    def _taking(self, wallet: Wallet, pay_out_id: str, amount_minor: int) -> Movement | None:
        """Out of the wallet, and of what can still go back of its top-ups. Raises Refusal."""
        if amount_minor <= 0:
            return None
        now = self.clock()
        top_ups = {it.top_up_id: it for it in self.wallets.top_ups(wallet.driver_id, wallet.currency)}
        try:
            after = wallet.moved(-amount_minor)
            parts = pay_out_parts(top_ups.values(), amount_minor)
        except Overdrawn:
            most_minor = min(wallet.balance_minor, can_go_back_minor(top_ups.values()))
            most = f"{most_minor} {wallet.currency} (minor units)"
            raise Refusal("pay_out_too_large", f"{most} can be paid out of this wallet at once") from None
        pay_out = PayOut(
            pay_out_id=pay_out_id,
            driver_id=wallet.driver_id,
            currency=wallet.currency,
            parts=parts,
            at=now,
            next_at=now + _ASKED_AGAIN_AFTER,
        )
        gone = [
            (known, replace(known, gone_minor=known.gone_minor + it.amount_minor))
            for it in parts
            if (known := top_ups[it.top_up_id])
        ]
        entry = _entry(EntryKind.PAY_OUT, -amount_minor, after, pay_out)
        transfers = [
            self._pages(it, wallet).pay_out(f"{it.payment_id}/{pay_out_id}", it.amount_minor, now) for it in parts
        ]
        return Movement(before=wallet, after=after, transfers=transfers, entry=entry, papers=[(None, pay_out), *gone])

    def _sent(self, pay_out: PayOut) -> PayOut:
        """Ask the provider for what it was not asked for, or has not answered. Raises PaymentsUnavailable."""
        for part in pay_out.left:
            try:
                self.top_ups().give_back(pay_out, part)
            except Declined as error:
                _log.warning("a pay-out is refused", extra={"top_up_id": part.top_up_id, "why": str(error)})
                pay_out = self._came_back(pay_out, part)
                continue
            pay_out = self._done(pay_out, part.top_up_id)
        return pay_out

    def _done(self, pay_out: PayOut, top_up_id: str) -> PayOut:
        """The provider gives a part back, as it answers or tells by itself. Raises Conflict."""
        for _ in range(_NOTED_AGAIN):
            if all(it.top_up_id != top_up_id for it in pay_out.left):
                return pay_out
            is_last = len(pay_out.left) == 1
            done = replace(pay_out, done=(*pay_out.done, top_up_id), next_at=None if is_last else pay_out.next_at)
            if self.wallets.note(pay_out, done):
                return self._again(pay_out)
            pay_out = self._again(pay_out)
        raise Conflict("a pay-out was changed by others")

    def _came_back(self, pay_out: PayOut, part: PayOutPart) -> PayOut:
        """The card did not take a part: it is in the wallet again."""
        now = self.clock()
        reference = f"{part.payment_id}/{pay_out.pay_out_id}"

        def put_back(wallet: Wallet) -> Movement | None:
            known, top_up = self._again(pay_out), self.wallets.top_up(part.top_up_id)
            if part.top_up_id in known.failed or top_up is None:
                return None
            after = wallet.moved(part.amount_minor)
            failed = replace(known, failed=(*known.failed, part.top_up_id))
            failed = replace(failed, next_at=failed.next_at if failed.left else None)
            transfer = self._pages(part, wallet).pay_out_failed(reference, part.amount_minor, now)
            return Movement(
                before=wallet,
                after=after,
                transfers=[transfer],
                entry=_entry(EntryKind.PAY_OUT_FAILED, part.amount_minor, after, pay_out, now=now),
                papers=[(known, failed), (top_up, replace(top_up, gone_minor=top_up.gone_minor - part.amount_minor))],
            )

        self._moves.move(pay_out.driver_id, pay_out.currency, put_back)
        return self._again(pay_out)

    def _given_back_elsewhere(self, top_up: TopUp, reference: str) -> Callable[[int, int], list[Transfer]]:
        pages = WalletBook(self.issuer_id, top_up.top_up_id, top_up.driver_id, top_up.currency)

        def transfers(taken_minor: int, beyond_minor: int) -> list[Transfer]:
            now = self.clock()
            known = {it.reference for it in self.ledger.of_session(top_up.top_up_id)}
            if known & {reference, f"{reference}/beyond"}:
                return []
            taken = [pages.pay_out(reference, taken_minor, now)] if taken_minor else []
            return [*taken, *([pages.beyond(reference, beyond_minor, now)] if beyond_minor else [])]

        return transfers

    def _came_back_from_elsewhere(self, known: TopUp, reference: str) -> None:
        """The card did not take what somebody gave back in the dashboard: what was taken for it is there again."""
        pages = WalletBook(self.issuer_id, known.top_up_id, known.driver_id, known.currency)
        entries = self.ledger.of_session(known.top_up_id)
        paid_out = {it.reference: it for it in entries if it.kind is TransferKind.PAY_OUT}
        taken, beyond = paid_out.get(reference), paid_out.get(f"{reference}/beyond")
        taken_minor, beyond_minor = (it.amount_minor if it is not None else 0 for it in (taken, beyond))
        now = self.clock()
        back = [pages.pay_out_failed(reference, taken_minor, now)] if taken_minor else []
        back += [pages.beyond_failed(reference, beyond_minor, now)] if beyond_minor else []

        def put_back(wallet: Wallet) -> Movement:
            top_up = self.wallets.top_up(known.top_up_id) or known
            after = wallet.moved(taken_minor)
            kept = replace(top_up, gone_minor=max(0, top_up.gone_minor - taken_minor - beyond_minor))
            entry = _entry(EntryKind.PAY_OUT_FAILED, taken_minor, after, top_up, now=now)
            return Movement(before=wallet, after=after, transfers=back, entry=entry, papers=[(top_up, kept)])

        if not known.version:
            self.ledger.append(back)
            _log.error(_NOBODYS, extra={"top_up_id": known.top_up_id, "amount_minor": taken_minor})
        elif back:
            self._moves.move(known.driver_id, known.currency, put_back)

    def _levy(self, known: TopUp, amount_minor: int, transfers_of: Callable[[int, int], list[Transfer]]) -> None:
        """Take what left a card's payment out of the wallet, as far as it is there."""
        if not known.version:
            self.ledger.append(transfers_of(0, amount_minor))
            return

        def take(wallet: Wallet) -> Movement | None:
            top_up = self.wallets.top_up(known.top_up_id) or known
            taken_minor = min(wallet.balance_minor, amount_minor)
            transfers = transfers_of(taken_minor, amount_minor - taken_minor)
            if not transfers:
                return None
            after = wallet.moved(-taken_minor)
            gone_minor = min(top_up.amount_minor, top_up.gone_minor + amount_minor)
            return Movement(
                before=wallet,
                after=after,
                transfers=transfers,
                entry=_entry(EntryKind.DISPUTED, -taken_minor, after, top_up, now=self.clock()),
                papers=[(top_up, replace(top_up, gone_minor=gone_minor))],
            )

        self._moves.move(known.driver_id, known.currency, take)

    def _levied_minor(self, top_up_id: str, dispute_id: str) -> int:
        entries = self.ledger.of_session(top_up_id)
        return sum(it.amount_minor for it in entries if (it.kind, it.reference) == (TransferKind.LEVY, dispute_id))

    def _won(self, known: TopUp, dispute_id: str, amount_minor: int, levied_minor: int, *, was_lost: bool) -> None:
        """The bank has given a top-up back: what was taken of the wallet for it is there again."""
        now = self.clock()
        book = Book(known.top_up_id, self.issuer_id, known.driver_id, known.currency)
        pages = WalletBook(self.issuer_id, known.top_up_id, known.driver_id, known.currency)
        won = book.dispute_won(dispute_id, amount_minor, now, was_lost=was_lost)
        back = [pages.levy_returned(dispute_id, levied_minor, now, was_lost=was_lost)] if levied_minor else []

        def give_back(wallet: Wallet) -> Movement:
            top_up = self.wallets.top_up(known.top_up_id) or known
            after = wallet.moved(levied_minor)
            kept = replace(top_up, gone_minor=max(0, top_up.gone_minor - amount_minor))
            return Movement(
                before=wallet,
                after=after,
                transfers=[won, *back],
                entry=_entry(EntryKind.DISPUTE_WON, levied_minor, after, top_up, now=now),
                papers=[(top_up, kept)],
            )

        if not known.version:
            self.ledger.append([won, *back])
            _log.error(_NOBODYS, extra={"top_up_id": known.top_up_id, "amount_minor": levied_minor})
            return
        self._moves.move(known.driver_id, known.currency, give_back)

    def _look_after(self, escrow: Escrow) -> None:
        """What is set aside for a session that is over goes back, whoever forgot it; else it is looked at later."""
        session = self.sessions.get(escrow.session_id)
        if session is not None and session.is_at_rest:
            _log.warning("escrow was forgotten", extra={"session_id": escrow.session_id})
            self.wallet_payments.void(session, session.escrow or Hold("", 0))
        else:
            self._moves.note(escrow, replace(escrow, next_at=self.clock() + LOOKED_AFTER))

    def _again(self, pay_out: PayOut) -> PayOut:
        return self.wallets.pay_out(pay_out.driver_id, pay_out.currency, pay_out.pay_out_id) or pay_out

    def _pages(self, part: PayOutPart, wallet: Wallet) -> WalletBook:
        return WalletBook(self.issuer_id, part.top_up_id, wallet.driver_id, wallet.currency)


def _entry(
    kind: EntryKind, amount_minor: int, after: Wallet, about: TopUp | PayOut, *, now: datetime | None = None
) -> WalletEntry:
    name = about.pay_out_id if isinstance(about, PayOut) else about.top_up_id
    return WalletEntry(
        kind=kind, amount_minor=amount_minor, balance_minor=after.balance_minor, about=name, at=now or about.at
    )
