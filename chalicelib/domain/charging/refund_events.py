"""What happens to a session's refunds: planned, refused or done by the provider, and failed after all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from chalicelib.domain.charging.refunds import Refund, RefundStatus, taxes_in
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace


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
    taxes = taxes_in(session.bill, done, unnoted_minor, refund.amount_minor, waived_minor=session.waived_minor)
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
