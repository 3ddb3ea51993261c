"""Delivers notifications by every messenger there is, again and later if one cannot, until it is given up.

An attempt is counted, and the next one set, before it is made: a crash in the middle repeats it later, and two runs at
once never send the same notification twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.domain.charging.alerts import bears_out
from chalicelib.domain.notifications import MOST_ATTEMPTS, Notification, attempt_after, check_webhook
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.notifications import Messenger, Outbox, Webhooks
from chalicelib.records.notifications import Outcome, Posted, Undelivered, Webhook

# A change that is not made two minutes after it was foretold died with the process that wanted it.
_GRACE = timedelta(minutes=2)
# A run ends before the function's 30 s are over; the next one goes on.
_RUN = timedelta(seconds=15)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Sends what is due, run by a schedule; keeps operators' webhooks.

    Where no messenger reaches anybody a notification costs two reads and one write here; one that is sent, a read or
    two more for its language.
    """

    outbox: Outbox
    sessions: Sessions
    webhooks: Webhooks
    messengers: Callable[[], Sequence[Messenger]]
    clock: Clock
    may_be_inside: bool = False
    locale_of: Callable[[str | None, str], str] = lambda driver_id, operator_id: ""

    def register(self, operator_id: str, webhook: Webhook) -> None:
        """From now on an operator's drivers' notifications go there. Raises ValueError for where they must not go."""
        check_webhook(webhook.url, may_be_inside=self.may_be_inside)
        self.webhooks.put(operator_id, webhook)

    def webhook(self, operator_id: str) -> Webhook | None:
        """Where an operator's notifications go; None for nowhere."""
        return self.webhooks.of(operator_id)

    def unregister(self, operator_id: str) -> None:
        """Send them nowhere any more; nothing happens when they did not go anywhere."""
        self.webhooks.put(operator_id, None)

    def deliver(self) -> Counter[Outcome]:
        """Send what is due; returns what was settled, and how."""
        began_at = self.clock()
        settled: Counter[Outcome] = Counter()
        failing: set[tuple[str, str]] = set()
        for posted in self.outbox.due(began_at):
            if self.clock() - began_at > _RUN:
                break
            outcome = self._deliver(posted, failing) if self._is_true(posted) else None
            if outcome is not None:
                settled[outcome] += 1
        return settled

    def _is_true(self, posted: Posted) -> bool:
        if not posted.notice.session_id:
            return True
        session = self.sessions.get(posted.notice.session_id)
        if session is not None and bears_out(session, posted.notice.kind, posted.notice.number):
            return True
        if posted.due_at is not None and posted.due_at < self.clock() - _GRACE:
            self.outbox.withdraw(posted)
        return False

    def _deliver(self, posted: Posted, failing: set[tuple[str, str]]) -> Outcome | None:
        """`failing`: messengers (by operator) that have just failed; nobody waits for the same silence twice."""
        notice = posted.notice
        left = [it for it in self.messengers() if it.name not in posted.sent_by and it.reaches(notice)]
        if not left or notice.is_stale(self.clock()):
            return self._settle(posted, Outcome.SENT if posted.sent_by else Outcome.KEPT)
        claimed = self.outbox.claim(posted, self.clock() + attempt_after(posted.attempts + 1))
        if claimed is None:
            return None
        sent_by = list(claimed.sent_by)
        notice = replace(notice, locale=self.locale_of(notice.driver_id, notice.operator_id))
        for messenger in left:
            if (messenger.name, notice.operator_id) in failing:
                continue
            if self._is_sent(messenger, notice):
                sent_by.append(messenger.name)
            else:
                failing.add((messenger.name, notice.operator_id))
        unsent = [it.name for it in left if it.name not in sent_by]
        if not unsent:
            return self._settle(claimed, Outcome.SENT)
        if claimed.attempts >= MOST_ATTEMPTS:
            said = {"notice_id": notice.notice_id, "operator_id": notice.operator_id, "messengers": unsent}
            _log.warning("a notice is given up: nobody took it", extra=said)
            return self._settle(claimed, Outcome.GIVEN_UP)
        if len(sent_by) > len(claimed.sent_by):
            self.outbox.note_sent(claimed, sent_by)
        return None

    def _settle(self, posted: Posted, outcome: Outcome) -> Outcome:
        self.outbox.settle(posted, outcome)
        return outcome

    def _is_sent(self, messenger: Messenger, notice: Notification) -> bool:
        try:
            messenger.send(notice)
        except Undelivered as error:
            said = {"notice_id": notice.notice_id, "operator_id": notice.operator_id, "messenger": messenger.name}
            _log.info("a notice was not taken", extra={**said, "why": str(error)})
            return False
        return True
