"""Ports of notifications: the outbox that keeps them, the messengers that send them, and operators' webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.notifications import Notification
    from chalicelib.records.notifications import Outcome, Posted, Webhook


class Outbox(Protocol):
    """Notifications, kept for their drivers to read, and listed until they are settled."""

    def add(self, notice: Notification, at: datetime) -> bool:
        """Store a notification; False when it was there.

        One that nobody has yet tried to send counts as of `at` again, then.
        """

    def page(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Posted], str | None]:
        """Newest first, with the cursor of the next page or None. BadCursor for a cursor not ours."""

    def due(self, at: datetime, shard: int | None = None) -> Iterable[Posted]:
        """Unsettled notifications whose time to be tried has come: of one shard, or of each; the oldest first."""

    def claim(self, posted: Posted, again_at: datetime) -> Posted | None:
        """Count an attempt, the next one due at `again_at`; None when somebody else has just begun one."""

    def go_on(self, driver_id: str, notice_id: str, due_at: datetime, again_at: datetime) -> Posted | None:
        """Go on with an attempt that another invocation began and left due at `due_at`; the next is due at `again_at`.

        None when it is settled, or somebody else has gone on with it.
        """

    def note_sent(self, posted: Posted, sent_by: Sequence[str]) -> None:
        """Remember which messengers need not send it again."""

    def settle(self, posted: Posted, outcome: Outcome) -> None:
        """Note how delivery ended, and take the notification off the list of the undelivered."""

    def forget_driver(self, driver_id: str) -> Iterable[int]:
        """Delete all of a driver's notifications, some at a time; whoever stops asking leaves the rest."""

    def withdraw(self, posted: Posted) -> bool:
        """Forget a notification that never came true; False when it was written again meanwhile."""


class Messenger(Protocol):
    """One way to send notifications out: SNS, e-mail, a webhook."""

    @property
    def name(self) -> str:
        """By which the outbox remembers what it has sent."""

    @property
    def is_operators(self) -> bool:
        """Whether it speaks to something of the operator's own, which may be slow, or silent."""

    def reaches(self, notice: Notification) -> bool:
        """Whether it has anybody to send this to."""

    def send(self, notice: Notification) -> None:
        """Send it. Raises Undelivered.

        May be called again for the same notification, whose id tells that it is the same.
        """


class Webhooks(Protocol):
    """Operators' webhooks: where each wants its drivers' notifications posted."""

    def put(self, operator_id: str, webhook: Webhook | None) -> None:
        """Set the operator's webhook; None removes it."""

    def of(self, operator_id: str) -> Webhook | None:
        """The operator's webhook; None when it has none."""
