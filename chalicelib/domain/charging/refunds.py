"""Refunds of a session: planned under their key before money moves, done once, and undone where the provider fails.

One refund goes back to one payment. What it gives back of each rate's net and tax is decided as it is done, from what
is left of the bill, so that all refunds of a session together give back its bill and no cent of tax more or less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.currency import round_half_up
from chalicelib.domain.pricing.tax import Tax, apportioned

if TYPE_CHECKING:
    from chalicelib.domain.charging.session import Session


class RefundStatus(StrEnum):
    """What became of a refund: asked of the provider, done, or failed after all (the card's bank did not take it)."""

    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money back to one payment, under the key of whoever asked; `number` counts a session's, from when it was done.

    `taxes` is what of each rate goes back, 0 % among them. `is_rest`: all was asked for that was left.
    """

    payment_id: str
    key: str
    amount_minor: int
    at: datetime
    status: RefundStatus = RefundStatus.PLANNED
    number: int = 0
    taxes: tuple[Tax, ...] = ()
    is_rest: bool = False

    @property
    def reference(self) -> str:
        """Its name in the ledger."""
        return f"{self.payment_id}/{self.key}"

    @property
    def tax_minor(self) -> int:
        """The tax in it."""
        return sum(it.amount_minor for it in self.taxes)


@dataclass(frozen=True, slots=True)
class RefundsPlanned:
    """Somebody wants this much back, from these payments; all of one key, and not more than is left."""

    parts: tuple[Refund, ...]


@dataclass(frozen=True, slots=True)
class RefundRefused:
    """The provider will not do this one: nothing has moved."""

    reference: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """The provider has given this back, be it asked for here or there."""

    refund: Refund


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """The provider could not bring it to the card: it is here again."""

    refund: Refund


RefundEvent = RefundsPlanned | RefundRefused | Refunded | RefundFailed


def left_minor(refunds: Sequence[Refund], paid_minor: int, refunded_minor: int) -> int:
    """What can still be given back of so much; `refunded_minor` has those too that were made before any was noted."""
    done_minor = sum(it.amount_minor for it in refunds if it.status is RefundStatus.DONE)
    planned_minor = sum(it.amount_minor for it in refunds if it.status is RefundStatus.PLANNED)
    return paid_minor - max(refunded_minor, done_minor) - planned_minor


def taxes_in(bill: Bill, earlier: Sequence[Refund], unnoted_minor: int, amount_minor: int) -> tuple[Tax, ...]:
    """What of each rate goes back with so much, the others having had theirs; the last one has all that is left.

    `unnoted_minor` went back before anybody noted of which rate it was.
    """
    left = {it.percent: [it.gross_minor, it.amount_minor] for it in _sold(bill)}
    for tax in (it for refund in earlier for it in refund.taxes):
        of = left.setdefault(tax.percent, [0, 0])
        of[0], of[1] = of[0] - tax.gross_minor, of[1] - tax.amount_minor
    if unnoted_minor:
        for tax in _part(left, unnoted_minor):
            of = left[tax.percent]
            of[0], of[1] = of[0] - tax.gross_minor, of[1] - tax.amount_minor
    return _part(left, amount_minor)


def _sold(bill: Bill) -> Iterator[Tax]:
    yield from bill.taxes
    untaxed_minor = bill.net_minor - sum(it.net_minor for it in bill.taxes)
    if untaxed_minor or not bill.taxes:
        yield Tax(Decimal(0), untaxed_minor, 0)


def _part(left: Mapping[Decimal, Sequence[int]], amount_minor: int) -> tuple[Tax, ...]:
    gross = [max(0, it[0]) for it in left.values()]
    parts = apportioned(amount_minor, [Fraction(amount_minor * it, sum(gross) or 1) for it in gross])
    found = []
    for (percent, (gross_minor, tax_minor)), part in zip(left.items(), parts, strict=True):
        back_minor = round_half_up(Fraction(max(0, tax_minor) * part, gross_minor)) if gross_minor > 0 else 0
        found.append(Tax(percent, part - min(part, back_minor), min(part, back_minor)))
    return tuple(it for it in found if it.gross_minor)


def told_of(before: Session, after: Session) -> Iterator[tuple[Refund, bool]]:
    """The refunds that a change of the session has done, and those (True) that it has found to have failed."""
    known = {it.reference: it.status for it in before.refunds}
    for it in after.refunds:
        if it.status is RefundStatus.DONE and known.get(it.reference) is not RefundStatus.DONE:
            yield it, False
        if it.status is RefundStatus.FAILED and known.get(it.reference) is RefundStatus.DONE:
            yield it, True


def _plan(session: Session, event: RefundsPlanned) -> Session:
    wanted_minor = sum(it.amount_minor for it in event.parts)
    is_known = any(it.key == part.key for it in session.refunds for part in event.parts)
    if is_known or session.payment is None or not 0 < wanted_minor <= session.left_to_refund_minor:
        return session
    return replace(session, refunds=(*session.refunds, *event.parts))


def _refuse(session: Session, event: RefundRefused) -> Session:
    kept = tuple(
        it for it in session.refunds if it.reference != event.reference or it.status is not RefundStatus.PLANNED
    )
    return session if len(kept) == len(session.refunds) else replace(session, refunds=kept)


def _refund(session: Session, event: Refunded) -> Session:
    known = _known(session, event.refund)
    if known.status is not RefundStatus.PLANNED or session.bill is None:
        return session
    numbered = _numbered(session, known)
    return replace(
        session,
        refunds=_with(session, replace(numbered, status=RefundStatus.DONE)),
        refunded_minor=session.refunded_minor + known.amount_minor,
    )


def _fail(session: Session, event: RefundFailed) -> Session:
    known = _known(session, event.refund)
    if known.status is RefundStatus.FAILED or session.bill is None:
        return session
    back_minor = known.amount_minor if known.status is RefundStatus.DONE else 0
    failed = replace(_numbered(session, known), status=RefundStatus.FAILED)
    return replace(session, refunds=_with(session, failed), refunded_minor=max(0, session.refunded_minor - back_minor))


def _known(session: Session, refund: Refund) -> Refund:
    return next((it for it in session.refunds if it.reference == refund.reference), refund)


def _numbered(session: Session, refund: Refund) -> Refund:
    if refund.number or session.bill is None:
        return refund
    done = [it for it in session.refunds if it.status is RefundStatus.DONE]
    unnoted_minor = max(0, session.refunded_minor - sum(it.amount_minor for it in done))
    taxes = taxes_in(session.bill, done, unnoted_minor, refund.amount_minor)
    return replace(refund, number=1 + max((it.number for it in session.refunds), default=0), taxes=taxes)


def _with(session: Session, refund: Refund) -> tuple[Refund, ...]:
    if all(it.reference != refund.reference for it in session.refunds):
        return (*session.refunds, refund)
    return tuple(refund if it.reference == refund.reference else it for it in session.refunds)


# What changes a session that has a bill, be its receipt out or not.
REFUNDS: Mapping[type, Callable[..., Session]] = {
    RefundsPlanned: _plan,
    RefundRefused: _refuse,
    Refunded: _refund,
    RefundFailed: _fail,
}
