"""Refunds, whole or in part, by an operator or in the provider's own dashboard; never more than was paid.

What is asked for here is written down under its key before money moves, so that the same key again goes on with it and
does nothing twice. The books are written from the session, which says how much tax was in it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from chalicelib.domain.access.rights import RefundCap
from chalicelib.domain.charging.refund_events import Refunded, RefundFailed, RefundRefused, RefundsPlanned
from chalicelib.domain.charging.refunds import Refund, RefundStatus
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.ledger import Transfer, TransferKind, received_minor, refunded_minor
from chalicelib.domain.pricing.caps import refund_caps_minor
from chalicelib.ports import Clock
from chalicelib.ports.access import RefundAllowances
from chalicelib.ports.charging import Sessions
from chalicelib.ports.money import Ledger
from chalicelib.records import Conflict
from chalicelib.records.access import CountedRefund
from chalicelib.records.money import Declined, PaymentsUnavailable, PaymentUnderWay, ProviderRefund
from chalicelib.services.access import Refusal, operators_own
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.money.holds import book_of
from chalicelib.services.money.invoice_collection import InvoiceCollection
from chalicelib.services.money.ways import WaysOfPaying

# All of a session's stand in its row.
_MOST = 50
# No key of a caller's has a space: what was made in the dashboard can bear the name of nothing made here.
_ELSEWHERE = "dashboard "
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Capped:
    """Who may give back only so much, of a session and in a day."""

    person_id: str
    cap: RefundCap


@dataclass(frozen=True, kw_only=True)
class Refunds:
    """Gives a session's money back, hears of what others gave back, and books it."""

    sessions: Sessions
    ledger: Ledger
    changes: SessionChanges
    ways: WaysOfPaying
    allowances: RefundAllowances
    collection: InvoiceCollection
    clock: Clock

    def refund(
        self, operator_id: str, session_id: str, amount_minor: int | None, key: str, capped: Capped | None = None
    ) -> Session:
        """Give back so much, or (None) all that is left; the same key again nothing more.

        Raises NotFound, Refusal (of another amount under the same key, say, or of more than whoever asks may give back:
        `refund_above_cap`), PaymentsUnavailable, and Conflict while another request does the same.
        """
        session = operators_own(self.sessions.get(session_id), operator_id, f"session {session_id}")
        if session.bill is None or session.payment is None or not session.is_over:
            raise Refusal("not_paid", "only a session that is paid can be refunded")
        back = [it for it in self.ledger.of_session(session_id) if it.kind is TransferKind.REFUND]
        if not _under(session, key):
            if former := [_former(it, key) for it in back if it.reference.partition("/")[2] == key]:
                _check_same(former, amount_minor)
                return session
            if capped is not None:
                self._check_cap(
                    capped, session, session.left_to_refund_minor if amount_minor is None else amount_minor, key
                )
            session = self._planned(session, amount_minor, key)
        parts = _under(session, key)
        _check_same(parts, amount_minor)
        if all(it.status is RefundStatus.FAILED for it in parts):
            raise Refusal("refund_failed", "the card's bank did not take this refund; ask again under another key")
        for part in parts:
            session = self._carried_out(session, part)
        return session

    def hear(self, session: Session, payment_id: str, told: Iterable[ProviderRefund]) -> None:
        """The provider tells what it has given back of a payment; hearing it again changes nothing more.

        Raises PaymentsUnavailable for what is told before anything is billed.
        """
        for it in told:
            known = next((at for at in session.refunds if at.payment_id == payment_id and at.key == it.key), None)
            refund = known or Refund(
                payment_id=payment_id,
                key=it.key or f"{_ELSEWHERE}{it.refund_id}",
                amount_minor=it.amount_minor,
                at=it.at or self.clock(),
            )
            if known is None and self._is_no_news(session, refund):
                continue
            session = self.changes.apply(session.session_id, Refunded(refund), known=session)
            if it.is_failed:
                session = self.changes.apply(session.session_id, RefundFailed(refund), known=session)
            if session.bill is None:
                raise PaymentsUnavailable("this session is not billed yet; send it again")
            self._book(session, refund.reference)

    def _planned(self, session: Session, amount_minor: int | None, key: str) -> Session:
        left_minor = session.left_to_refund_minor
        wanted_minor = left_minor if amount_minor is None else amount_minor
        if len(session.refunds) >= _MOST:
            raise Refusal("too_many_refunds", f"a session is refunded in at most {_MOST} parts")
        if 0 < wanted_minor <= left_minor:
            parts = tuple(self._spread(session, wanted_minor, key, is_rest=amount_minor is None))
            session = self.changes.apply(session.session_id, RefundsPlanned(parts), known=session)
        if not _under(session, key):
            left_minor = session.left_to_refund_minor
            raise Refusal("refund_too_large", f"of this session {left_minor} are left to refund")
        return session

    def _check_cap(self, capped: Capped, session: Session, amount_minor: int, key: str) -> None:
        """Counts it against the day of whoever asks, under the same name again only once. Raises Refusal."""
        if not 0 < amount_minor <= session.left_to_refund_minor:
            # Refused for that.
            return
        today, currency = self.clock().date(), session.tariff.currency
        once_minor, a_day_minor = refund_caps_minor(capped.cap, currency, today)
        counted = CountedRefund(
            person_id=capped.person_id,
            day=today,
            currency=currency,
            name=f"{session.session_id}/{amount_minor}/{key}",
            amount_minor=amount_minor,
        )
        if amount_minor > once_minor or not self.allowances.take(counted, a_day_minor):
            raise Refusal(
                "refund_above_cap",
                f"you may give back {once_minor} {currency} (minor units) of a session and {a_day_minor} a day",
            )

    def _spread(self, session: Session, amount_minor: int, key: str, *, is_rest: bool) -> Iterable[Refund]:
        """From which payments how much, the first ones first."""
        gone = refunded_minor(self.ledger.of_session(session.session_id))
        for it in session.refunds:
            if it.status is RefundStatus.PLANNED:
                gone[it.payment_id] = gone.get(it.payment_id, 0) + it.amount_minor
        for charge in session.takings or ():
            part_minor = min(amount_minor, (charge.taken_minor or 0) - gone.get(charge.payment_id, 0))
            if part_minor > 0:
                yield Refund(
                    payment_id=charge.payment_id, key=key, amount_minor=part_minor, at=self.clock(), is_rest=is_rest
                )
                amount_minor -= part_minor

    def _carried_out(self, session: Session, part: Refund) -> Session:
        if part.status is RefundStatus.PLANNED:
            try:
                self.ways.of(part.payment_id).refund(session, part.payment_id, part.amount_minor, part.key)
            except Declined as error:
                self.changes.apply(session.session_id, RefundRefused(part.reference))
                raise Refusal("refund_refused", str(error)) from None
            except PaymentUnderWay:
                raise Conflict("this refund is being made by another request") from None
            session = self.changes.apply(session.session_id, Refunded(replace(part, at=self.clock())), known=session)
        self._book(session, part.reference)
        return session

    def _book(self, session: Session, reference: str) -> None:
        """What the session says of it, written down unless it is."""
        refund = next((it for it in session.refunds if it.reference == reference), None)
        if refund is None or not refund.number:
            return
        book, amounts = book_of(session), (refund.amount_minor, refund.tax_minor)
        self.ledger.append(book.refund(reference, *amounts, refund.at))
        if refund.status is RefundStatus.FAILED:
            self.ledger.append(book.refund_failed(reference, *amounts, self.clock()))
        self.collection.follow(session)

    def _is_no_news(self, session: Session, refund: Refund) -> bool:
        """Whether it was booked before refunds stood in their session, or can be none of what was taken."""
        if any(it.reference == refund.reference for it in session.refunds):
            return False
        entries = self.ledger.of_session(session.session_id)
        if any(_is_former(it, refund, session) for it in entries):
            return True
        taken_minor = received_minor(entries).get(refund.payment_id, 0)
        if refund.amount_minor > taken_minor - refunded_minor(entries).get(refund.payment_id, 0):
            # What a capture leaves of a hold goes back as well, and is no money of ours.
            _log.warning("a refund of more than was taken", extra={"session_id": session.session_id})
            return True
        return False


def _under(session: Session, key: str) -> list[Refund]:
    return [it for it in session.refunds if it.key == key]


def _former(entry: Transfer, key: str) -> Refund:
    """One made before refunds stood in their session; whether all was asked for that was left, nobody knows."""
    return Refund(payment_id=entry.payment_id, key=key, amount_minor=entry.amount_minor, at=entry.at, is_rest=True)


def _is_former(entry: Transfer, refund: Refund, session: Session) -> bool:
    is_noted = any(it.reference == entry.reference for it in session.refunds)
    is_same = (entry.kind, entry.payment_id, entry.amount_minor) == (
        TransferKind.REFUND,
        refund.payment_id,
        refund.amount_minor,
    )
    return is_same and not is_noted


def _check_same(parts: Iterable[Refund], amount_minor: int | None) -> None:
    """Raises Refusal where another amount was asked for under this key before."""
    known = list(parts)
    asked_minor = sum(it.amount_minor for it in known)
    if not (all(it.is_rest for it in known) if amount_minor is None else asked_minor == amount_minor):
        raise Refusal("idempotency_key_reused", f"this Idempotency-Key stands for a refund of {asked_minor}")
