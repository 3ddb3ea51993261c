"""What drivers are told: where it is kept, how it goes out, and to whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.notifications import Notification
from chalicelib.records.notifications import Outcome, Posted, Webhook


class Outbox(Protocol):
    """Notices, kept for their drivers to read, and listed until they are settled."""

    def add(self, notice: Notification, at: datetime) -> bool:
        """False when it was there; one that nobody has yet tried to send counts as of `at` again, then."""

    def page(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Posted], str | None]:
        """Newest first, with the cursor of the next page or None. BadCursor for a cursor not ours."""

    def due(self, at: datetime) -> Iterable[Posted]:
        """Those not settled whose time to be tried has come."""

    def claim(self, posted: Posted, again_at: datetime) -> Posted | None:
        """Count an attempt, the next one due at `again_at`; None when somebody else has just begun one."""

    def note_sent(self, posted: Posted, sent_by: Sequence[str]) -> None:
        """Remember which messengers need not send it again."""

    def settle(self, posted: Posted, outcome: Outcome) -> None: ...
    def forget_driver(self, driver_id: str) -> None:
        """Delete all that a driver was told."""

    def withdraw(self, posted: Posted) -> bool:
        """Forget a notice that never came true; False when it was written again meanwhile."""


class Messenger(Protocol):
    """A way to somebody outside."""

    @property
    def name(self) -> str:
        """By which the outbox remembers what it has sent."""

    def reaches(self, notice: Notification) -> bool:
        """Whether it has anybody to send this to."""

    def send(self, notice: Notification) -> None:
        """Raises Undelivered. May be called again for the same notice, whose id tells that it is the same."""


class Webhooks(Protocol):
    """Operators' webhooks."""

    def put(self, operator_id: str, webhook: Webhook | None) -> None: ...
    def of(self, operator_id: str) -> Webhook | None: ...
