"""Pays for sessions from deposits on chain: their drivers sign for themselves, and what lies deep there is believed.

It is a way of paying beside cards and wallets, and a session's states know nothing of it. What is due of a deposit is
decided once, and sent until it is in; what is nobody's due goes back, as does a deposit that came too late. Nothing is
sent once a deposit has expired: it is its driver's again.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from chalicelib.domain.charging.bounds import agreed_hold_minor
from chalicelib.domain.charging.session import CardAction, Hold, Session
from chalicelib.domain.charging.ways import deposits_payment
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.deposits import ChainOutbox, ChainTerms, Deposit
from chalicelib.domain.money.ledger import Book
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports import Clock
from chalicelib.ports.chain import Block
from chalicelib.ports.charging import Sessions
from chalicelib.ports.money import Ledger, Wallets
from chalicelib.protocol.evm.escrow_calls import (
    ChainEscrow,
    escrow_of_call,
    escrow_told,
    session_name,
    settle_call,
)
from chalicelib.records import Conflict
from chalicelib.records.drivers import Driver
from chalicelib.records.money import CardholderNeeded, ChainUnavailable, Declined
from chalicelib.services.access import Refusal
from chalicelib.services.money.chain_sender import ChainSender

# What a receipt says that it was paid with.
LABEL = "deposit on chain"
_SALT_BYTES = 32
_ATTEMPTS = 8
# What a driver is asked for: beyond two days of charging, a day for the final reading and a person's look at it.
OPEN_FOR = timedelta(days=10)
# One that ends sooner than this after its session began is no hold: a charge could outlive it.
_OPEN_AT_LEAST = timedelta(days=6)
# A settlement needs its time to get into the chain.
_SETTLED_BEFORE = timedelta(hours=1)
_LOOKED_AFTER, _SOON, _RARELY = timedelta(minutes=2), timedelta(hours=1), timedelta(hours=6)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ChainPayments:
    """Deposits on chain as a way of paying: the port WayOfPaying. `terms` None: there are none.

    `sender` is a function, and so is `log_root` (the root of the log of settled charges as of now): what needs no chain
    asks for neither.
    """

    wallets: Wallets
    ledger: Ledger
    sessions: Sessions
    sender: Callable[[], ChainSender]
    log_root: Callable[[], bytes]
    terms: ChainTerms | None
    clock: Clock

    def may_pay(self, tariff: Tariff) -> bool:
        """Whether a deposit may pay for a charge at this tariff: in its currency, and not free."""
        return self.terms is not None and tariff.currency == self.terms.currency and not tariff.is_free

    def paid_for(self, session: Session) -> Session:
        """A session about to begin, for which its driver will deposit.

        Raises Refusal where that cannot be, or could not be settled, and ChainUnavailable where nobody can tell.
        """
        currency = session.tariff.currency
        if self.terms is None:
            raise Refusal("no_deposits", "nobody deposits on chain here; pay otherwise")
        if currency != self.terms.currency:
            raise Refusal("no_deposits", f"on chain only {self.terms.currency} is paid, and here it is {currency}")
        if not agreed_hold_minor(session):
            return session
        if lacking_units := self.sender().lacking_units():
            _log.error("the key that settles has too little coin for gas", extra={"lacking_units": lacking_units})
            raise Refusal("no_deposits", "deposits cannot be settled just now; pay otherwise")
        return replace(session, is_on_chain=True)

    def offered(self) -> ChainTerms:
        """On which terms deposits are made. Raises Declined: on none."""
        if self.terms is None:
            raise Declined("nobody deposits on chain here")
        return self.terms

    def asked(self, session: Session) -> Deposit:
        """What its driver is to deposit, under which name: drawn once, whoever asks."""
        driver_id = session.driver_id or ""
        known = self.wallets.deposit(driver_id, session.session_id)
        if known is not None:
            return known
        salt = secrets.token_bytes(_SALT_BYTES)
        terms = self.offered()
        drawn = Deposit(
            session_id=session.session_id,
            driver_id=driver_id,
            name=session_name(salt, session.session_id).hex(),
            salt=salt.hex(),
            contract=terms.contract.hex(),
            units_per_minor=terms.units_per_minor,
            at=self.clock(),
            expires_at=(session.created_at + OPEN_FOR).replace(microsecond=0),
            next_at=self.clock() + _LOOKED_AFTER,
        )
        self.wallets.note(None, drawn)
        return self.wallets.deposit(driver_id, session.session_id) or drawn

    def hold(self, session: Session, driver: Driver, amount_minor: int, part: int = 0) -> Hold:
        """The deposit as it lies there. Raises CardholderNeeded where there is none yet, Declined for a wrong one."""
        is_known = self.wallets.deposit(driver.driver_id, session.session_id) is not None
        paper = self.asked(session)
        needed = CardholderNeeded(CardAction(deposits_payment(session.session_id), ""))
        if not is_known:
            # Nobody can have deposited under a name that was drawn just now.
            raise needed
        told, deep = self._told(paper)
        if not told.is_deposited:
            raise needed
        self._check(session, paper, told, deep, amount_minor)
        paper = self._changed(paper, lambda it: replace(it, amount_minor=it.minor(told.units)), is_open=True)
        self.ledger.append([_book(session).deposited(paper.amount_minor, self.clock())])
        good_until = datetime.fromtimestamp(told.expires_at, UTC) - _SETTLED_BEFORE
        return Hold(deposits_payment(session.session_id), paper.amount_minor, LABEL, good_until)

    def raise_hold(self, session: Session, hold: Hold, amount_minor: int) -> Hold | None:
        """None: a deposit does not grow."""
        return None

    def capture(self, session: Session, hold: Hold, amount_minor: int) -> None:
        """Have so much of it settled and the rest go back. Raises Declined where that can never be any more."""
        paper, _ = self._looked_at(session, self._decided(session, amount_minor))
        if paper.is_closed and paper.taken_minor != amount_minor:
            raise Declined("the deposit has expired, and is its driver's again")

    def void(self, session: Session, hold: Hold) -> None:
        """Have all of it go back, be it deposited later. Raises Declined if it was, or is being, settled."""
        if session.driver_id is not None and self.wallets.deposit(session.driver_id, session.session_id) is not None:
            paper = self._decided(session, 0)
            try:
                self._looked_at(session, paper)
            except ChainUnavailable as error:
                # It is written down, and the schedule that looks after it sends it: nobody has to wait for a node.
                _log.warning("the chain cannot be asked", extra={"session_id": session.session_id, "why": str(error)})

    def refund(self, session: Session, payment_id: str, amount_minor: int, key: str) -> str:
        """Raises Declined: what was settled is the payee's, and nobody here can send it."""
        raise Declined("what was settled on chain is its payee's, who alone can send it back")

    def taken_minor(self, session: Session, hold: Hold) -> int:
        """What was settled, once it lies deep. Raises ChainUnavailable while a settlement is under way."""
        paper = self.wallets.deposit(session.driver_id or "", session.session_id)
        if paper is None:
            return 0
        paper, _ = self._looked_at(session, paper)
        if not paper.is_closed and paper.closing_minor:
            raise ChainUnavailable("what was settled does not lie deep enough yet")
        return paper.taken_minor

    def look_after(self, paper: Deposit | ChainOutbox) -> None:
        """Go on with what was left half done: a call that waits, a deposit that was forgotten, or came too late."""
        session = self.sessions.get(paper.session_id) if isinstance(paper, Deposit) else None
        if isinstance(paper, ChainOutbox) and self._is_senders(paper):
            self.sender().look()
        elif isinstance(paper, Deposit) and self.terms is not None and session is not None and session.driver_id:
            self._look_after(session, paper)
        else:
            # The chain, or its key, is another by now, or none: who brings it back finds this again.
            self.wallets.note(paper, replace(paper, next_at=self.clock() + _RARELY))

    def open_minor(self, session: Session) -> int:
        """What of a deposit that we have seen is open by the chain's own word."""
        paper = self.wallets.deposit(session.driver_id or "", session.session_id)
        if paper is None or not paper.amount_minor or self.terms is None:
            return 0
        told, deep = self._told(paper)
        return paper.minor(told.units) if told.is_open and deep.at_s <= told.expires_at else 0

    def check_none_open(self, driver_id: str) -> None:
        """Whether an account may go: with it goes what is known of its deposits. Raises Refusal."""
        if any(it.amount_minor and not it.is_closed for it in self.wallets.deposits(driver_id)):
            raise Refusal("deposit_open", "a deposit of yours on chain is being settled; try again in a while")

    def _look_after(self, session: Session, paper: Deposit) -> None:
        if session.is_at_rest and not paper.is_decided:
            paper = self._changed(paper, lambda it: it if it.is_decided else replace(it, closing_minor=0))
        paper, is_deposited = self._looked_at(session, paper)
        if paper.is_closed:
            return
        now = self.clock()
        is_soon = now < paper.at + _SOON or (is_deposited and session.is_at_rest)
        # Of one that nobody has deposited the last look is when it would have expired.
        is_awaited = is_deposited or now < paper.expires_at
        next_at = now + (_LOOKED_AFTER if is_soon else _RARELY) if is_awaited else None
        self.wallets.note(paper, replace(paper, next_at=next_at))

    def _is_senders(self, outbox: ChainOutbox) -> bool:
        if self.terms is None:
            return False
        return (outbox.chain_id, outbox.address) == (self.terms.chain_id, self.sender().address.hex())

    def _told(self, paper: Deposit) -> tuple[ChainEscrow, Block]:
        """What the contract says of it as deep as it is believed, and the block by which it says so."""
        node, confirmations = self.sender().node, self.offered().confirmations
        deep = node.block(max(0, node.block().number - confirmations))
        answer = node.call(bytes.fromhex(paper.contract), escrow_of_call(bytes.fromhex(paper.name)), deep.number)
        try:
            return escrow_told(answer), deep
        except ValueError as error:
            raise ChainUnavailable(f"the contract says nothing of use: {error}") from None

    def _check(self, session: Session, paper: Deposit, told: ChainEscrow, deep: Block, amount_minor: int) -> None:
        """Raises Declined for a deposit that is no hold; it goes back as the session fails."""
        terms, must_last_s = self.offered(), (session.created_at + _OPEN_AT_LEAST).timestamp()
        if not told.is_open:
            raise Declined("the deposit is closed")
        if told.operator != self.sender().address or told.payee != terms.payee:
            raise Declined("the deposit names another operator or payee")
        if told.expires_at < must_last_s or deep.at_s > told.expires_at:
            raise Declined("the deposit expires before the charge may be paid for")
        if paper.minor(told.units) < amount_minor:
            raise Declined(f"the deposit is less than {paper.units(amount_minor)}")

    def _decided(self, session: Session, amount_minor: int) -> Deposit:
        """The deposit of which so much is to be settled. Raises Declined where another amount is, or was."""
        paper = self.wallets.deposit(session.driver_id or "", session.session_id)
        if paper is None:
            raise Declined("nothing is deposited")
        if not paper.is_decided and not paper.is_closed:
            soon = self.clock() + _LOOKED_AFTER
            paper = self._changed(
                paper, lambda it: it if it.is_decided else replace(it, closing_minor=amount_minor, next_at=soon)
            )
        if (paper.taken_minor if paper.is_closed else paper.closing_minor) != amount_minor:
            raise Declined("the deposit is closed, or is being closed, with another amount")
        return paper

    def _looked_at(self, session: Session, paper: Deposit) -> tuple[Deposit, bool]:
        """The deposit after a look at the chain, and whether it is there.

        It is booked where it is closed there, and what is to be settled of it is sent.
        """
        if paper.is_closed:
            return paper, True
        told, deep = self._told(paper)
        if _is_undone(paper, told, deep):
            return self._closed(session, paper, 0), False
        if told.is_closed or (told.is_deposited and deep.at_s > told.expires_at):
            return self._closed(session, paper, _settled_minor(paper, told)), True
        if told.is_open and paper.closing_minor is not None and told.operator == self.sender().address:
            units = paper.units(paper.closing_minor)
            call = settle_call(bytes.fromhex(paper.name), units, self.log_root())
            self.sender().send(f"settle/{paper.name}", bytes.fromhex(paper.contract), call)
        return paper, told.is_deposited

    def _closed(self, session: Session, paper: Deposit, taken_minor: int) -> Deposit:
        """Written down once more is written down once: the ledger's entries bear the deposit's name."""
        now, book = self.clock(), _book(session)
        rest_minor = paper.amount_minor - taken_minor
        entries = [
            *([book.deposited(paper.amount_minor, now)] if paper.amount_minor else []),
            *([book.deposit_settled(taken_minor, now)] if taken_minor else []),
            *([book.deposit_returned(rest_minor, now)] if rest_minor else []),
        ]
        self.ledger.append(entries)
        return self._changed(paper, lambda it: replace(it, is_closed=True, taken_minor=taken_minor, next_at=None))

    def _changed(self, paper: Deposit, change: Callable[[Deposit], Deposit], *, is_open: bool = False) -> Deposit:
        """The deposit as it is written after `change`, whoever else writes. Raises Declined where it must be open."""
        for _ in range(_ATTEMPTS):
            if is_open and (paper.is_decided or paper.is_closed):
                raise Declined("the deposit is on its way back")
            after = change(paper)
            if after == paper or self.wallets.note(paper, after):
                return self._again(paper)
            paper = self._again(paper)
        raise Conflict(f"the deposit for {paper.session_id} was changed by others {_ATTEMPTS} times in a row")

    def _again(self, paper: Deposit) -> Deposit:
        return self.wallets.deposit(paper.driver_id, paper.session_id) or paper


def _is_undone(paper: Deposit, told: ChainEscrow, deep: Block) -> bool:
    """Whether its chain has undone a deposit that was a hold, for so long that nobody waits for it to come again."""
    return bool(paper.amount_minor) and not told.is_deposited and deep.at_s > paper.expires_at.timestamp()


def _settled_minor(paper: Deposit, told: ChainEscrow) -> int:
    """What was settled of a hold. Raises ChainUnavailable: it cannot have been so much.

    What never was one may name anybody, who has settled it with themselves.
    """
    taken_minor = paper.minor(told.units) if told.is_closed and paper.amount_minor else 0
    if taken_minor > paper.amount_minor:
        raise ChainUnavailable("more is told to be settled than was deposited")
    return taken_minor


def _book(session: Session) -> Book:
    return Book(session.session_id, session.operator_id, session.driver_id or "", session.tariff.currency)
