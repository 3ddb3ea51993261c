"""A driver's deposit on chain as their app has it: what to sign, and whether it is there. Their key is never here."""

from __future__ import annotations

from enum import StrEnum

from chalicelib.domain.charging.bounds import agreed_hold_minor
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.deposits import ChainTerms, Deposit
from chalicelib.ports.charging import Sessions
from chalicelib.protocol.evm.escrow_calls import DEPOSIT, deposit_call
from chalicelib.records.money import CardholderNeeded, Declined
from chalicelib.services.access import NotFound, Refusal, drivers_own
from chalicelib.services.money.chain_payments import ChainPayments
from chalicelib.services.money.funds import Funds


class DepositState(StrEnum):
    """What is known of a deposit: not there yet, the session's hold, being settled or given back, or closed."""

    AWAITED = "awaited"
    HELD = "held"
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDeposit:
    """What a driver's own wallet is to sign, and what became of it. `units` is the least that is a hold."""

    paper: Deposit
    terms: ChainTerms
    operator: bytes
    units: int
    function: str = DEPOSIT

    @property
    def data(self) -> bytes:
        """The call, as it goes to the contract with the money."""
        name, expires_at = bytes.fromhex(self.paper.name), int(self.paper.expires_at.timestamp())
        return deposit_call(name, self.operator, self.terms.payee, expires_at)

    @property
    def state(self) -> DepositState:
        """What is known of it."""
        if self.paper.is_closed:
            return DepositState.CLOSED
        if self.paper.is_decided:
            return DepositState.CLOSING
        return DepositState.HELD if self.paper.amount_minor else DepositState.AWAITED


@dataclass(frozen=True, kw_only=True)
class DriverDeposits:
    """Says what to sign, and looks whether it lies deep enough on chain: then it is the session's hold."""

    sessions: Sessions
    chain: ChainPayments
    funds: Funds

    def wanted(self, driver_id: str, session_id: str) -> WantedDeposit:
        """What to sign for one of the driver's sessions. Raises NotFound."""
        return self._wanted(self._session(driver_id, session_id))

    def look(self, driver_id: str, session_id: str) -> WantedDeposit:
        """Look at the chain now: a deposit that is there is held, and one that nobody needs goes back.

        Raises NotFound, PaymentsUnavailable, and Refusal for a deposit that is no hold.
        """
        session = self._session(driver_id, session_id)
        paper = self.chain.asked(session)
        if session.state is State.INITIATED and not self.funds.is_set_aside(session):
            try:
                self.funds.set_aside(session)
            except CardholderNeeded:
                pass
            except Declined as error:
                raise Refusal("deposit_not_good", f"{error}; it goes back, and the session ends") from None
        elif not paper.is_closed:
            self.chain.look_after(paper)
        return self._wanted(session)

    def _wanted(self, session: Session) -> WantedDeposit:
        paper = self.chain.asked(session)
        return WantedDeposit(
            paper=paper,
            terms=self.chain.offered(),
            operator=self.chain.sender().address,
            units=paper.units(agreed_hold_minor(session)),
        )

    def _session(self, driver_id: str, session_id: str) -> Session:
        session = drivers_own(self.sessions.get(session_id), driver_id, f"session {session_id}")
        if not session.is_on_chain or self.chain.terms is None:
            raise NotFound(f"a deposit for session {session_id}")
        return session
