"""A charge paid at the charger's own card terminal (OCPP 2.1 NotifySettlement): the money is the operator's already.

Whenever its settlement is told, and however often, the charge is paid by it once and asked of nobody else. What does
not agree, another settlement or another amount than the bill's, is for a person to see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chalicelib.domain.charging.session import Payment, Session, Settlement, State
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.currency import to_minor
from chalicelib.domain.pricing.evidence import Flag

# What a payment terminal calls a payment stands behind it; no reader shows such a token.
_TERMINAL = "terminal/"


def terminal_token(psp_ref: str) -> str:
    """The token of a charge begun at a card terminal (OCPP idToken type DirectPayment)."""
    return f"{_TERMINAL}{psp_ref}"


def is_terminal_token(token: str) -> bool:
    """Whether a token stands for a payment at a card terminal."""
    return token.startswith(_TERMINAL)


@dataclass(frozen=True, slots=True)
class SettledAtTerminal:
    """The charger's terminal has taken the money."""

    settlement: Settlement


def _settle(session: Session, event: SettledAtTerminal) -> Session:
    known, told = session.settlement, event.settlement
    if known is not None and not known.is_same(told):
        return _doubted(session)
    session = session if known is not None else replace(session, settlement=told)
    bill = session.bill
    if bill is None:
        return session
    amount_minor = to_minor(told.amount, session.tariff.currency)
    if session.payment is None:
        session = replace(session, payment=Payment(amount_minor, told.at))
    elif known is None:
        # A card was charged before the terminal's word came: somebody paid twice.
        return _doubted(session)
    return session if amount_minor == bill.total_minor else _doubted(session)


def _doubted(session: Session) -> Session:
    doubt = Flag.SETTLEMENT_DIFFERS
    return session if doubt in session.flags else replace(session, flags=session.flags | {doubt})


TERMINAL: Mapping[tuple[State, type], Callable[..., Session]] = {
    (state, SettledAtTerminal): _settle for state in State if state is not State.INITIATED
}
