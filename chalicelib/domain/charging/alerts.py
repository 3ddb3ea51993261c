"""Which notifications a session gives rise to. They follow from the session, and each is told once.

What a session bears out (that it began, ended, was paid for or not) can be seen from it at any time. That a battery is
almost full, that idle time now costs money, or that it waits for power, passes: it is told by whoever sees it.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.charging.dues import refund_key
from chalicelib.domain.charging.refunds import RefundStatus
from chalicelib.domain.charging.session import Reason, Session, State
from chalicelib.domain.notifications import KINDS, Notification, NotificationKind

ALMOST_FULL_PERCENT = 80


# In one of these a car is connected and takes nothing, by its own will.
IDLE = (ConnectorStatus.SUSPENDED_BY_CAR, ConnectorStatus.FINISHING)


_PASSING = (
    NotificationKind.ALMOST_FULL,
    NotificationKind.IDLE_FEE_BEGINS,
    NotificationKind.CARD_EXPIRES,
    NotificationKind.POWER_WAITS,
    NotificationKind.POWER_AT_RISK,
    NotificationKind.INVOICE_ISSUED,
)
# Of these a session may have several, each with its number: that of the refund (`refund_events.told_of`), of what was
# told anew of its plan (`wishes.plans_told`), the dispute's own (`dispute_events.disputes_told`), and of the
# corrections that are settled the first is 0.
_NUMBERED = (
    NotificationKind.PLAN_CHANGED,
    NotificationKind.REFUNDED,
    NotificationKind.REFUND_FAILED,
    NotificationKind.BILL_CORRECTED,
    NotificationKind.DISPUTE_OPENED,
    NotificationKind.DISPUTE_ANSWERED,
)


def notification_of(session: Session, kind: NotificationKind, at: datetime, number: int = 0) -> Notification | None:
    """The notification for the session's driver; None when it has none, for then there is nobody to tell."""
    if session.driver_id is None:
        return None
    return Notification(
        kind=kind,
        session_id=session.session_id,
        driver_id=session.driver_id,
        operator_id=session.operator_id,
        charger_id=session.charger_id,
        connector=session.connector,
        at=at,
        number=number,
    )


def bears_out(session: Session, kind: NotificationKind, number: int = 0) -> bool:
    """Whether a session shows that a notification is true; of what passes it cannot show the contrary.

    `number` is that of the refund, the correction or the change of a plan that it tells of.
    """
    match kind:
        case NotificationKind.STARTED | NotificationKind.FINISHED:
            may_go_on = kind is NotificationKind.STARTED
            return session.started_at is not None and (may_go_on or session.stopped_at is not None)
        case NotificationKind.PAYMENT_FAILED:
            was_refused = session.reason in (Reason.PAYMENT_DECLINED, Reason.PAYMENT_FAILED)
            is_unpaid = session.state is State.FAILED and session.started_at is not None
            owes_part = session.payment is not None and session.due_minor > 0
            return owes_part or (session.payment is None and (was_refused or is_unpaid))
        case NotificationKind.RECEIPT_READY:
            return session.is_over and session.bill is not None and session.payment is not None
        case NotificationKind.REFUNDED | NotificationKind.REFUND_FAILED:
            may_stand = kind is NotificationKind.REFUNDED
            return any(it.number == number > 0 and (may_stand or it.is_failed) for it in session.refunds)
        case NotificationKind.BILL_CORRECTED | NotificationKind.DISPUTE_OPENED | NotificationKind.DISPUTE_ANSWERED:
            return number in _come_true(session, kind)
    is_of_plan = kind in (NotificationKind.CHARGE_PLANNED, NotificationKind.PLAN_CHANGED)
    return not is_of_plan or (session.told_plan is not None and session.told_plan.number >= number)


def _come_true(session: Session, kind: NotificationKind) -> set[int]:
    """The numbers of those corrections, or disputes, of which the session shows as much."""
    if kind is NotificationKind.BILL_CORRECTED:
        return _lowered(session)
    may_be_open = kind is NotificationKind.DISPUTE_OPENED
    return {it.number for it in session.disputes if may_be_open or it.is_answered}


def _lowered(session: Session) -> set[int]:
    """The numbers of those corrections that made the session cost less: by what was waived, or what went back."""
    settled = (it for it in session.corrections if it.is_settled)
    given_back = {it.key for it in session.refunds if it.status is RefundStatus.DONE}
    # Before refunds were kept one by one, only their sum was.
    is_sum_alone = bool(session.refunded_minor) and not session.refunds
    return {
        number
        for number, it in enumerate(settled)
        if it.waived_minor or refund_key(it.key) in given_back or is_sum_alone
    }


def corrections_told(before: Session, after: Session) -> list[int]:
    """The numbers of the corrections that a change of the session has made come true, in order."""
    return sorted(_lowered(after) - _lowered(before))


def following(before: Session, after: Session) -> list[NotificationKind]:
    """What there is to tell once a session has become another, in order."""
    once = (kind for kind in KINDS if kind not in _PASSING and kind not in _NUMBERED)
    return [kind for kind in once if bears_out(after, kind) and not bears_out(before, kind)]
