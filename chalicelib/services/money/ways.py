"""Who serves each way of paying (`domain/charging/ways.py`): the one table that holds, captures and refunds go by."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chalicelib.domain.charging.holds import is_confirmed
from chalicelib.domain.charging.session import Session
from chalicelib.domain.charging.ways import Way, deposits_payment, organisations_payment, wallets_payment, way_of
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.money import Payments, WayOfPaying
from chalicelib.services.money.chain_payments import ChainPayments
from chalicelib.services.money.organisation_payments import OrganisationPayments
from chalicelib.services.money.wallet_payments import WalletPayments


@dataclass(frozen=True, kw_only=True)
class WaysOfPaying:
    """All ways in which sessions are paid. `payments` is a function, for what takes no money should not load it."""

    wallet: WalletPayments
    organisation: OrganisationPayments
    chain: ChainPayments
    payments: Callable[[], Payments]

    def of(self, payment_id: str) -> WayOfPaying:
        """Who holds, takes and gives back the money of a payment."""
        match way_of(payment_id).way:
            case Way.CARD:
                return self.payments()
            case Way.WALLET:
                return self.wallet
            case Way.ORGANISATION:
                return self.organisation
            case Way.DEPOSIT:
                return self.chain

    def unseen(self, session: Session) -> Iterator[str]:
        """Payments that may be set aside without the session's knowing: a crash came between, or it was asked for."""
        if session.escrow is None and session.driver_id is not None:
            if session.organisation_id:
                yield organisations_payment(session.organisation_id, session.session_id)
            elif session.is_on_chain:
                yield deposits_payment(session.session_id)
            elif self.wallet.issuer_id:
                yield wallets_payment(session.session_id)
        action = session.action
        if action is not None and way_of(action.payment_id).is_providers and not is_confirmed(session):
            yield action.payment_id
