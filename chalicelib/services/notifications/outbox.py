"""The outbox: a notification is written before the change it tells of, and is true once the session says so.

So a crash between the two writes loses nothing and tells nothing that did not happen: whoever shows or sends a
notification looks at its session first, and what never came true is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.alerts import bears_out, corrections_told, following, notification_of
from chalicelib.domain.charging.dispute_events import disputes_told
from chalicelib.domain.charging.refund_events import told_of
from chalicelib.domain.charging.session import Session
from chalicelib.domain.charging.wishes import plans_told
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.notifications import Outbox
from chalicelib.records.drivers import Token
from chalicelib.records.notifications import Posted

_NO_CONNECTOR = ConnectorId(0)


@dataclass(frozen=True)
class Notifications:
    """Tells drivers how their sessions go: one write a notification, and none where there is nothing to tell."""

    outbox: Outbox
    sessions: Sessions
    clock: Clock

    def foretell(self, before: Session, after: Session) -> None:
        """Write down what will be true once the session has become `after`."""
        for kind in following(before, after):
            self.tell(after, kind)
        for refund, has_failed in told_of(before, after):
            kind = NotificationKind.REFUND_FAILED if has_failed else NotificationKind.REFUNDED
            self.tell(after, kind, refund.number)
        for number in plans_told(before, after):
            self.tell(after, NotificationKind.PLAN_CHANGED, number)
        for number in corrections_told(before, after):
            self.tell(after, NotificationKind.BILL_CORRECTED, number)
        for dispute in disputes_told(before, after):
            kind = NotificationKind.DISPUTE_OPENED if dispute.is_open else NotificationKind.DISPUTE_ANSWERED
            self.tell(after, kind, dispute.number)

    def tell(self, session: Session, kind: NotificationKind, number: int = 0) -> None:
        """Tell the session's driver, once for each `number`; nobody where it has none."""
        now = self.clock()
        notice = notification_of(session, kind, now, number)
        if notice is not None:
            self.outbox.add(notice, now)

    def tell_of_token(self, token: Token) -> None:
        """Tell a driver, once, that an operator has issued a token to them. It is true by being written."""
        now = self.clock()
        notice = Notification(
            kind=NotificationKind.TOKEN_ISSUED,
            session_id="",
            driver_id=token.driver_id,
            operator_id=token.operator_id,
            charger_id="",
            connector=_NO_CONNECTOR,
            at=now,
            uid=token.uid,
        )
        self.outbox.add(notice, now)

    def tell_of_free_connector(
        self, driver_id: str, watch_id: str, operator_id: str, charger_id: str, connector: ConnectorId
    ) -> None:
        """Tell a driver, once for each watch, that the connector they wait for is free. True by being written."""
        now = self.clock()
        notice = Notification(
            kind=NotificationKind.CONNECTOR_FREE,
            session_id="",
            driver_id=driver_id,
            operator_id=operator_id,
            charger_id=charger_id,
            connector=connector,
            at=now,
            watch_id=watch_id,
        )
        self.outbox.add(notice, now)

    def tell_of_broken_link(self, driver_id: str, link_id: str, linked_at: datetime) -> None:
        """Tell a driver, once for each time they linked it, that a car is to be linked again. True by being written."""
        now = self.clock()
        notice = Notification(
            kind=NotificationKind.CAR_LINK_BROKEN,
            session_id="",
            driver_id=driver_id,
            operator_id="",
            charger_id="",
            connector=_NO_CONNECTOR,
            at=now,
            number=int(linked_at.timestamp()),
            link_id=link_id,
        )
        self.outbox.add(notice, now)

    def page(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Notification], str | None]:
        """What a driver was told, newest first, and the next page's cursor. BadCursor for a cursor not ours.

        One query, and one read for each session of which the page has something not settled yet.
        """
        found, cursor = self.outbox.page(driver_id, limit, before)
        return list(self._true(found)), cursor

    def _true(self, found: Sequence[Posted]) -> Iterator[Notification]:
        asked: dict[str, Session | None] = {}
        for posted in found:
            notice = posted.notice
            if posted.outcome is None and notice.session_id:
                if notice.session_id not in asked:
                    asked[notice.session_id] = self.sessions.get(notice.session_id)
                session = asked[notice.session_id]
                if session is None or not bears_out(session, notice.kind, notice.number):
                    continue
            yield notice
