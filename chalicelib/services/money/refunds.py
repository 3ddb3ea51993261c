"""Refunds, whole or in part, by an operator; never more than was paid. The books say how much tax was in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.charging.session import Session
from chalicelib.domain.charging.transitions import Refunded
from chalicelib.domain.money.ledger import Transfer, TransferKind, tax_to_reverse
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.money import Ledger, Payments
from chalicelib.records.money import Declined
from chalicelib.services.access import Refusal, operators_own
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.money.funds import book_of


@dataclass(frozen=True, kw_only=True)
class Refunds:
    """Gives a session's money back, and books it."""

    sessions: Sessions
    ledger: Ledger
    changes: SessionChanges
    payments: Callable[[], Payments]
    clock: Clock

    def refund(self, operator_id: str, session_id: str, amount_minor: int | None, key: str) -> Session:
        """Give back so much, or (None) all that is left; the same key again nothing more. Raises NotFound, Refusal."""
        session = operators_own(self.sessions.get(session_id), operator_id, f"session {session_id}")
        if session.bill is None or session.payment is None or not session.is_over:
            raise Refusal("not_paid", "only a session that is paid can be refunded")
        back = [it for it in self.ledger.of_session(session_id) if it.kind is TransferKind.REFUND]
        if not any(it.reference.endswith(f"/{key}") for it in back):
            left_minor = session.payment.amount_minor - sum(it.amount_minor for it in back)
            wanted_minor = left_minor if amount_minor is None else amount_minor
            if not 0 < wanted_minor <= left_minor:
                raise Refusal("refund_too_large", f"of this session {left_minor} are left to refund")
            self._give_back(session, self._spread(session, back, wanted_minor), key)
        total_minor = sum(
            it.amount_minor for it in self.ledger.of_session(session_id) if it.kind is TransferKind.REFUND
        )
        return self.changes.apply(session_id, Refunded(total_minor))

    def _give_back(self, session: Session, parts: Sequence[tuple[str, int]], key: str) -> None:
        for payment_id, amount_minor in parts:
            try:
                self.payments().refund(session, payment_id, amount_minor, key)
            except Declined as error:
                raise Refusal("refund_refused", str(error)) from None
            self._write(session, f"{payment_id}/{key}", amount_minor)

    def _spread(self, session: Session, back: Sequence[Transfer], amount_minor: int) -> list[tuple[str, int]]:
        """From which payments how much, the first ones first."""
        parts, left_minor = [], amount_minor
        for charge in session.takings or ():
            gone_minor = sum(it.amount_minor for it in back if it.payment_id == charge.payment_id)
            part_minor = min(left_minor, (charge.taken_minor or 0) - gone_minor)
            if part_minor > 0:
                parts.append((charge.payment_id, part_minor))
                left_minor -= part_minor
        return parts

    def _write(self, session: Session, reference: str, amount_minor: int) -> None:
        """The tax in it is its share of the bill's tax, what is left of that for the last refund."""
        if session.bill is None:
            return
        tax_minor = tax_to_reverse(session.bill, self.ledger.of_session(session.session_id), amount_minor)
        self.ledger.append(book_of(session).refund(reference, amount_minor, tax_minor, self.clock()))
