"""Delivers notifications by every messenger there is, again and later if one cannot, until it is given up.

An attempt is counted, and the next one set, before it is made: a crash in the middle repeats it later, and two runs at
once never send the same notification twice. What goes to an operator's own server goes in an invocation for that
operator alone: nobody else waits while it is slow.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.charging.alerts import bears_out
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.notifications import MOST_ATTEMPTS, Notification, attempt_after, check_webhook
from chalicelib.ports import Clock, Invocations
from chalicelib.ports.charging import Sessions
from chalicelib.ports.notifications import Messenger, Outbox, Webhooks
from chalicelib.records.notifications import Outcome, Posted, Undelivered, Webhook
from chalicelib.records.parts import WHOLE, Part

# A change that is not made two minutes after it was foretold died with the process that wanted it.
_GRACE = timedelta(minutes=2)
# What one invocation is given for an operator: at a fifth of a second each a few seconds' work.
_AT_ONCE = 25
_MOMENT = timedelta(milliseconds=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Sends what is due, run by the schedule `notices`; keeps operators' webhooks.

    Where no messenger reaches anybody a notification costs two reads and one write here; one that is sent, a read or
    two more for its language.
    """

    outbox: Outbox
    sessions: Sessions
    webhooks: Webhooks
    messengers: Callable[[], Sequence[Messenger]]
    invocations: Invocations
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

    def deliver(self, part: Part = WHOLE) -> Counter[Outcome]:
        """Send what is due; returns what was settled, and how."""
        settled: Counter[Outcome] = Counter()
        failing: set[tuple[str, str]] = set()
        for_operators: dict[str, list[Posted]] = defaultdict(list)
        for posted in part.in_time(self.outbox.due(self.clock(), part.shard), self.clock):
            try:
                outcome = self._deliver(posted, failing, for_operators) if self._is_true(posted) else None
            except Exception:
                # One that cannot be delivered must not keep the others.
                _log.exception("not delivered", extra={"notice_id": posted.notice.notice_id})
                continue
            if outcome is not None:
                settled[outcome] += 1
        for operator_id, waiting in for_operators.items():
            for first in range(0, len(waiting), _AT_ONCE):
                self.invocations.begin("notices", _told(operator_id, waiting[first : first + _AT_ONCE]))
        return settled

    def deliver_to_operator(self, notices: Iterable[Sequence[str]], part: Part) -> Counter[Outcome]:
        """Send on to one operator's own server what `deliver` has begun; returns what was settled, and how.

        `notices`: of each the driver, its id, and until when (ISO 8601) nobody else tries it. After the first that is
        not taken the others wait for their next attempt: nobody waits for the same silence twice.
        """
        settled: Counter[Outcome] = Counter()
        failing: set[tuple[str, str]] = set()
        for driver_id, notice_id, due_at in part.in_time(notices, self.clock):
            due = datetime.fromisoformat(due_at)
            # A moment later than it was: whoever comes with the same message once more finds it gone on with.
            posted = self.outbox.go_on(driver_id, notice_id, due, due + _MOMENT)
            if posted is None:
                continue
            if posted.notice.is_stale(self.clock()):
                settled[self._settle(posted, Outcome.SENT if posted.sent_by else Outcome.KEPT)] += 1
                continue
            left = self._left(posted)
            others = [it.name for it in left if not it.is_operators]
            outcome = self._send(posted, [it for it in left if it.is_operators], failing, others)
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

    def _left(self, posted: Posted) -> Sequence[Messenger]:
        return [it for it in self.messengers() if it.name not in posted.sent_by and it.reaches(posted.notice)]

    def _deliver(
        self, posted: Posted, failing: set[tuple[str, str]], for_operators: dict[str, list[Posted]]
    ) -> Outcome | None:
        """`failing`: messengers (by operator) that have just failed; nobody waits for the same silence twice."""
        left = self._left(posted)
        if not left or posted.notice.is_stale(self.clock()):
            return self._settle(posted, Outcome.SENT if posted.sent_by else Outcome.KEPT)
        claimed = self.outbox.claim(posted, self.clock() + attempt_after(posted.attempts + 1))
        if claimed is None:
            return None
        ours = [it for it in left if not it.is_operators]
        is_handed_on = len(ours) < len(left)
        if is_handed_on:
            for_operators[posted.notice.operator_id].append(claimed)
        return self._send(claimed, ours, failing, is_handed_on=is_handed_on)

    def _send(
        self,
        claimed: Posted,
        tried: Sequence[Messenger],
        failing: set[tuple[str, str]],
        others: Sequence[str] = (),
        *,
        is_handed_on: bool = False,
    ) -> Outcome | None:
        """Send by those messengers; settled once none is left, `others` among them, unless somebody goes on with it."""
        notice, sent_by = claimed.notice, list(claimed.sent_by)
        if tried:
            notice = replace(notice, locale=self.locale_of(notice.driver_id, notice.operator_id))
        for messenger in tried:
            if (messenger.name, notice.operator_id) in failing:
                continue
            if self._is_sent(messenger, notice):
                sent_by.append(messenger.name)
            else:
                failing.add((messenger.name, notice.operator_id))
        unsent = [*others, *(it.name for it in tried if it.name not in sent_by)]
        if not unsent and not is_handed_on:
            return self._settle(claimed, Outcome.SENT)
        if claimed.attempts >= MOST_ATTEMPTS and not is_handed_on:
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


def _told(operator_id: str, claimed: Sequence[Posted]) -> dict[str, object]:
    """What the operator's own invocation needs to know."""
    notices = [[it.notice.driver_id, it.notice.notice_id, it.due_at.isoformat()] for it in claimed if it.due_at]
    return {"part": "operator", "operator": operator_id, "notices": notices}
