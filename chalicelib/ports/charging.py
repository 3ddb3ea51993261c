"""Ports of charging: sessions, the transactions and readings under them, and the workflow that moves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.chargers.events import ConnectorId, Reading
    from chalicelib.domain.charging.footprint import Footprint
    from chalicelib.domain.charging.session import Session
    from chalicelib.records.chargers import Connection
    from chalicelib.records.charging import Saved, StoredReading, Sums, Transaction, Waiting


class Sessions(Protocol):
    """Sessions, each changed by compare-and-set, and what each one's workflow waits for."""

    def add(self, session: Session) -> bool:
        """Store a new session; False when one of its id exists."""

    def get(self, session_id: str) -> Session | None:
        """The session as it is stored now; None for an unknown id."""

    def save(self, before: Session, after: Session) -> Saved:
        """Replace `before` by `after`; returns what stands beside it, read in the same call.

        Raises Conflict when the stored session is no longer `before`.
        """

    def wait(self, session_id: str, waiting: Waiting) -> Session:
        """Remember what the workflow waits for; returns the session as it is after that write.

        Raises LookupError for an unknown session.
        """

    def watch(self, session_id: str, until: datetime) -> Session:
        """Until then somebody may watch; returns the session as it is after that write.

        Raises LookupError for an unknown session.
        """

    def waiting(self, session_id: str) -> Waiting | None:
        """What the session's workflow last waited for; None when it never did."""

    def of_driver(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Session], str | None]:
        """Newest first, with the cursor of the next page (opaque text) or None. BadCursor for a cursor not ours."""

    def unsettled(self, since: datetime, shard: int | None = None) -> Iterable[Session]:
        """Sessions on their way in or out (INITIATED, STOPPING) whose last change is older than `since`.

        So are those with an end told too late to be billed; and those that charge, some hours after their last change.
        Those of one shard, or all; in no order.
        """

    def look_later(self, session_id: str, after: timedelta = timedelta(hours=2)) -> None:
        """`unsettled` shows a session again only after so long, unless it changes."""

    def forget_driver(self, session: Session) -> None:
        """Keep the session, and no longer whose it was."""

    def of_operator(
        self, operator_id: str, limit: int, before: str | None, *, flagged: bool
    ) -> tuple[Sequence[Session], str | None]:
        """As `of_driver`; `flagged` are only those a person should look at."""


class Transactions(Protocol):
    """Transactions as their chargers tell them, keyed by charger and the charger's own name for each (`ref`)."""

    def get(self, charger_id: str, ref: str) -> Transaction | None:
        """The transaction as far as it is known; None when nothing was ever told under that name."""

    def record(self, facts: Transaction) -> Transaction:
        """Merge what is not None into the transaction, first word wins; returns it whole."""

    def end(self, facts: Transaction) -> Transaction:
        """Write down its end: the first word counts, but one under its own name replaces one that is `stopped_as`."""

    def place(self, charger_id: str, ref: str, connector: ConnectorId, seq_no: int | None) -> bool:
        """Note the connector: the first word counts, of numbered messages the latest. Whether this one did."""

    def leave(self, charger_id: str, ref: str, at: datetime | None) -> None:
        """Since then it is thought to be over though no end was told; None: it is not after all."""

    def attend(self, charger_id: str, ref: str, from_wh: int | None) -> None:
        """From now on its session is looked at from this energy on, whatever was said before."""

    def cost_told(self, charger_id: str, ref: str, minor: int, at: datetime, not_since: datetime) -> bool:
        """Its charger is now to be told this cost; False where that is none of news, or it was told one since then."""

    def sum_up(self, known: Transaction, sums: Sums | None) -> bool:
        """Keep these sums (None: none any more) as their next version; False where they are not as `known` any more."""

    def drop_sum(self, charger_id: str, ref: str) -> None:
        """A reading came late: nothing is summed up or announced. When to look again stays."""

    def forget_token(self, charger_id: str, ref: str) -> None:
        """Keep the transaction, and no longer the token it was begun or ended with."""

    def forget(self, charger_id: str, ref: str, heard_at: datetime) -> None:
        """Forget a transaction that was first heard of at that very moment; any other stays."""

    def watch(self, charger_id: str, ref: str, session_id: str, until: datetime) -> None:
        """Until then somebody may watch the session, whose transaction this is; any other's stays as it is."""

    def redirect(self, charger_id: str, ref: str, stands_for: str | None) -> None:
        """From now on `ref` means another transaction; None: itself again."""

    def leave_unclaimed(self, charger_id: str, ref: str, at: datetime) -> None:
        """Put a transaction that belongs to no session on the list of those; nothing happens when one has it."""

    def unclaimed(self, since: datetime, shard: int | None = None) -> Iterable[Transaction]:
        """Transactions left unclaimed since before then: those of one shard, or all; in no order."""

    def settle_claim(self, charger_id: str, ref: str) -> None:
        """Take the transaction off the list of unclaimed ones."""


class Readings(Protocol):
    """Meter readings, appended and never changed."""

    def append(self, charger_id: str, ref: str, readings: Sequence[Reading], seq_no: int | None = None) -> None:
        """One write, whatever the number of readings; the same readings again change nothing.

        `seq_no` is the number of the message they came in; a message without readings is marked too.
        """

    def seq_nos(self, charger_id: str, ref: str) -> Sequence[int]:
        """The numbers of all messages appended, in order."""

    def are_kept(self, charger_id: str, ref: str, readings: Sequence[Reading]) -> bool:
        """Whether these very readings were appended before, in one message."""

    def since(self, charger_id: str, ref: str, at: datetime) -> Sequence[StoredReading]:
        """Oldest first, those of all messages whose own first reading is of that time or later."""

    def newest(self, charger_id: str, ref: str, limit: int = 1) -> Sequence[StoredReading]:
        """Newest first; what the newest does not tell (energy, where only power was told) those before it do."""

    def after(self, charger_id: str, ref: str, position: str, limit: int) -> Sequence[StoredReading]:
        """Oldest first, those past `position` (empty: from the beginning). ValueError for a position not ours."""


class Workflow(Protocol):
    """The engine that runs the session lifecycle: one execution a session, whose steps wait by task tokens."""

    def start(self, session: Session) -> None:
        """Begin the session's execution; nothing happens when it has begun already."""

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> None:
        """Let a waiting step go on. Raises StaleTask."""

    def fail(self, task_token: str, error: str, cause: str) -> None:
        """Let a waiting step fail with a named error. Raises StaleTask."""


class Footprints(Protocol):
    """Knows what the energy of charges cost their sites, and emitted. No error leaves it."""

    def of(self, session: Session) -> Footprint | None:
        """That of a session that is over; None where nobody knows. No call but where its site's power is shared out."""


class PowerClaims(Protocol):
    """Hears of charges where a site's power is shared out; elsewhere nothing is asked of it. No error leaves it."""

    def changed(self, before: Session, after: Session) -> None:
        """A session is about to change so: its charge may begin, move to another connector, or end."""

    def drew(self, connection: Connection, known: Transaction, readings: Sequence[Reading]) -> None:
        """A transaction under way had these readings."""
