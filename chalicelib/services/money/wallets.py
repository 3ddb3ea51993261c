"""A driver's own wallets: paid into by card, by their wish or by the rule they set, and shown line by line.

Money is in a wallet once the payment provider says that it came, and once for each top-up, however often that is heard.
What is taken without asking is counted before the card is asked, so that no race and no crash takes more in a month
than its driver allowed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from chalicelib.domain.charging.session import CardAction
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.wallet import (
    AutoTopUp,
    EntryKind,
    TopUp,
    TopUpRefused,
    TopUpState,
    Wallet,
    WalletEntry,
    check_auto,
    check_top_up,
    refill_failed,
    refill_minor,
    refilling,
    top_up_id_for,
    wallet_of,
)
from chalicelib.domain.money.wallet_books import WalletBook
from chalicelib.ports import Clock
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import CardTopUps, Wallets
from chalicelib.records.drivers import Driver
from chalicelib.records.money import CardholderNeeded, Declined, Movement, PaymentsUnavailable
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.money.wallet_moves import WalletMoves

_log = logging.getLogger(__name__)
# Webhooks come within seconds; a cardholder may take minutes to confirm.
_LOOKED_AT_AFTER = timedelta(minutes=15)
# A provider remembers what it was asked for a day: so long an automatic top-up may be asked for again by its name.
_GIVEN_UP_AFTER = timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class ToppedUpWallet:
    """What became of a wish to pay in: it is under way, or the card's bank wants its holder to confirm."""

    top_up: TopUp
    action: CardAction | None = None


@dataclass(frozen=True, kw_only=True)
class DriverWallets:
    """Shows drivers their wallets, and takes top-ups. `issuer_id` runs the wallets; empty: there are none."""

    wallets: Wallets
    drivers: Drivers
    top_ups: Callable[[], CardTopUps]
    issuer_id: str
    clock: Clock

    def of_driver(self, driver_id: str) -> Sequence[Wallet]:
        """All of a driver's wallets."""
        return self.wallets.of_driver(driver_id) if self.issuer_id else ()

    def statement(
        self, driver_id: str, currency: str, limit: int, before: str | None
    ) -> tuple[Sequence[WalletEntry], str | None]:
        """What moved, newest first, and the next page's cursor. Raises BadCursor, Refusal."""
        self._check_issued()
        return self.wallets.entries(driver_id, currency, limit, before)

    def top_up(self, driver_id: str, currency: str, amount_minor: int, key: str) -> ToppedUpWallet:
        """Pay in by the card that pays; the same key again is the same top-up. Raises NotFound, Refusal."""
        self._check_issued()
        driver = self._payer(driver_id)
        now = self.clock()
        wallet = self.wallets.get(driver_id, currency) or Wallet(driver_id=driver_id, currency=currency)
        top_up_id = top_up_id_for(driver_id, currency, "asked", key)
        known = self.wallets.top_up(top_up_id)
        if known is None:
            try:
                check_top_up(wallet, amount_minor, now.date())
            except TopUpRefused as refused:
                raise Refusal("top_up_refused", str(refused)) from None
            known = self._begun(driver, top_up_id, currency, amount_minor)
        if known.amount_minor != amount_minor:
            raise Refusal("idempotency_key_reused", "this Idempotency-Key stands for a top-up of another amount")
        if known.state is not TopUpState.PENDING:
            return ToppedUpWallet(known)
        try:
            taken = self.top_ups().take(driver, known, is_there=True)
        except CardholderNeeded as needed:
            return ToppedUpWallet(self._known_as(known, needed.action.payment_id), needed.action)
        except Declined as error:
            self.failed(top_up_id)
            raise Refusal("payment_declined", str(error)) from None
        # Its money is there once the provider's webhook says so.
        return ToppedUpWallet(self._known_as(known, taken.payment_id, taken.card))

    def confirm(self, top_up_id: str, payment_id: str, amount_minor: int) -> TopUp | None:
        """The provider says that the money of a top-up came: it is in the wallet, once. None for a name not ours."""
        of = wallet_of(top_up_id)
        if of is None or not self.issuer_id:
            return None
        now = self.clock()
        known = self.wallets.top_up(top_up_id)
        if known is None:
            # Whose it is has left meanwhile: it must be known to go back.
            known = TopUp(top_up_id=top_up_id, driver_id=of[0], currency=of[1], amount_minor=amount_minor, at=now)
            self.wallets.note(None, known)
        book = WalletBook(self.issuer_id, top_up_id, known.driver_id, known.currency)
        transfer = book.top_up(payment_id, amount_minor, now)

        def credit(wallet: Wallet) -> Movement | None:
            top_up = self.wallets.top_up(top_up_id)
            if top_up is None or top_up.state is TopUpState.CREDITED:
                return None
            after = wallet.moved(amount_minor)
            entry = WalletEntry(
                kind=EntryKind.AUTO_TOP_UP if top_up.is_automatic else EntryKind.TOP_UP,
                amount_minor=amount_minor,
                balance_minor=after.balance_minor,
                about=top_up_id,
                at=now,
            )
            credited = replace(
                top_up, state=TopUpState.CREDITED, payment_id=payment_id, amount_minor=amount_minor, next_at=None
            )
            is_pending = after.pending == top_up_id
            return Movement(
                before=wallet,
                after=replace(after, pending="") if is_pending else after,
                transfers=[transfer],
                entry=entry,
                papers=[(top_up, credited)],
            )

        self._moves.move(known.driver_id, known.currency, credit)
        return self.wallets.top_up(top_up_id)

    def failed(self, top_up_id: str, *, is_certain: bool = True) -> None:
        """Nothing came of a top-up; an automatic one counts no more in its month, where that is certain.

        Money that came stays.
        """
        known = self.wallets.top_up(top_up_id)
        if known is None:
            return

        def give_up(wallet: Wallet) -> Movement | None:
            top_up = self.wallets.top_up(top_up_id)
            if top_up is None or top_up.state is not TopUpState.PENDING:
                return None
            after = refill_failed(wallet, top_up, self.clock(), is_certain=is_certain)
            lost = replace(top_up, state=TopUpState.FAILED, next_at=None)
            return Movement(before=wallet, after=after, papers=[(top_up, lost)])

        self._moves.move(known.driver_id, known.currency, give_up)

    def allow(self, driver_id: str, currency: str, auto: AutoTopUp | None) -> Wallet:
        """Let so much be taken by itself from now on, or (None) nothing. Raises NotFound, Refusal."""
        self._check_issued()
        self._payer(driver_id) if auto is not None else self._driver(driver_id)
        try:
            if auto is not None:
                check_auto(auto, currency, self.clock().date())
        except TopUpRefused as refused:
            raise Refusal("top_up_refused", str(refused)) from None
        # A rule that is set anew is tried at once, whatever the card before was good for.
        changed = self._moves.move(
            driver_id,
            currency,
            lambda wallet: Movement(before=wallet, after=replace(wallet, auto=auto, rests_until=None)),
        )
        return changed.after if changed is not None else Wallet(driver_id=driver_id, currency=currency)

    def refill(self, driver_id: str, currency: str, wanted_minor: int) -> bool:
        """Take an automatic top-up, where the driver's rule allows one; whether its money is in the wallet now."""
        begun: list[TopUp] = []

        def begin(wallet: Wallet) -> Movement | None:
            begun.clear()
            now = self.clock()
            amount_minor = refill_minor(wallet, wanted_minor, now)
            if not amount_minor:
                return None
            after = refilling(wallet, amount_minor, now)
            top_up = TopUp(
                top_up_id=after.pending,
                driver_id=driver_id,
                currency=currency,
                amount_minor=amount_minor,
                at=now,
                is_automatic=True,
                next_at=now + _LOOKED_AT_AFTER,
            )
            begun.append(top_up)
            return Movement(before=wallet, after=after, papers=[(None, top_up)])

        has_come = self._has_come(driver_id, currency)
        self._moves.move(driver_id, currency, begin)
        return (bool(begun) and self._taken_unasked(begun[0].top_up_id, is_first=True)) or has_come

    def look_at(self, top_up: TopUp) -> None:
        """A top-up of which nobody has heard for long: the provider is asked. Raises PaymentsUnavailable."""
        now = self.clock()
        is_old = now - top_up.at > _GIVEN_UP_AFTER
        if top_up.payment_id:
            taken_minor = self.top_ups().taken(top_up)
            if taken_minor:
                self.confirm(top_up.top_up_id, top_up.payment_id, taken_minor)
                return
            if taken_minor == 0 or is_old:
                # Should its money come all the same, it is heard of, and in the wallet then.
                self.failed(top_up.top_up_id, is_certain=taken_minor == 0)
                return
        elif top_up.is_automatic and not is_old:
            self._taken_unasked(top_up.top_up_id, is_first=False)
            return
        elif is_old:
            self.failed(top_up.top_up_id, is_certain=False)
            return
        self._moves.note(top_up, replace(top_up, next_at=now + (now - top_up.at)))

    @property
    def _moves(self) -> WalletMoves:
        return WalletMoves(self.wallets)

    def _has_come(self, driver_id: str, currency: str) -> bool:
        """Whether money of the driver's own top-ups is in the wallet only now: of some the webhook is on its way.

        A query, and a call for each such. Else the card would be asked for the same once more.
        """
        is_there = False
        for it in self.wallets.top_ups(driver_id, currency):
            if it.state is TopUpState.PENDING and it.payment_id:
                try:
                    self.look_at(it)
                except PaymentsUnavailable:
                    _log.warning("not known whether a top-up came", extra={"top_up_id": it.top_up_id})
                now_known = self.wallets.top_up(it.top_up_id)
                is_there |= now_known is not None and now_known.state is TopUpState.CREDITED
        return is_there

    def _taken_unasked(self, top_up_id: str, *, is_first: bool) -> bool:
        """Ask the card for an automatic top-up, by its name once."""
        top_up = self.wallets.top_up(top_up_id)
        driver = self.drivers.get(top_up.driver_id) if top_up is not None else None
        if top_up is None or top_up.state is not TopUpState.PENDING:
            return top_up is not None and top_up.state is TopUpState.CREDITED
        if driver is None or driver.payment_method_id is None or driver.customer_id is None or driver.blocked:
            # The card of before may have been charged, where it was asked.
            self.failed(top_up_id, is_certain=is_first)
            return False
        try:
            taken = self.top_ups().take(driver, top_up, is_there=False)
        except Declined as error:
            _log.info("no automatic top-up", extra={"top_up_id": top_up_id, "why": str(error)})
            self.failed(top_up_id)
            return False
        except PaymentsUnavailable:
            # It may have taken place: it is asked for again by the same name, and heard of.
            _log.warning("an automatic top-up is not known to have been taken", extra={"top_up_id": top_up_id})
            return False
        confirmed = self.confirm(top_up_id, taken.payment_id, taken.amount_minor)
        return confirmed is not None and confirmed.state is TopUpState.CREDITED

    def _begun(self, driver: Driver, top_up_id: str, currency: str, amount_minor: int) -> TopUp:
        now = self.clock()
        top_up = TopUp(
            top_up_id=top_up_id,
            driver_id=driver.driver_id,
            currency=currency,
            amount_minor=amount_minor,
            at=now,
            next_at=now + _LOOKED_AT_AFTER,
        )
        self.wallets.note(None, top_up)
        # Another request of the same key may have been first.
        return self.wallets.top_up(top_up_id) or top_up

    def _known_as(self, top_up: TopUp, payment_id: str, card: str = "") -> TopUp:
        """The top-up with the provider's name for it, unless its webhook was first."""
        known = replace(top_up, payment_id=payment_id, card=card)
        self.wallets.note(top_up, known)
        return self.wallets.top_up(top_up.top_up_id) or known

    def _payer(self, driver_id: str) -> Driver:
        driver = self._driver(driver_id)
        if driver.blocked:
            raise Refusal("driver_blocked", "this account may not charge; contact support")
        if driver.payment_method_id is None or driver.customer_id is None:
            raise Refusal("no_card", "save a card first (POST /v1/cards/setup)")
        return driver

    def _driver(self, driver_id: str) -> Driver:
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver

    def _check_issued(self) -> None:
        if not self.issuer_id:
            raise Refusal("no_wallets", "there are no wallets here; charges are paid by card")
