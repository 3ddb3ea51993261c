"""Records of charging: the charger's transaction, its readings, and what a session's workflow waits for."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.chargers.events import ConnectorId, Reading, StopReason
from chalicelib.domain.charging.session import Settlement
from chalicelib.domain.charging.waits import Step
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.course_sum import CourseSum


class TooManyTransactions(Exception):
    """A charger begins more transactions than it may; it is to tell of this one again, later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """How far a transaction's course is summed up (`course`), and how that goes on; each change has a new `version`.

    Since `announced_at` by our clock whoever brings a reading of `until` or before says so (by the charger's clock):
    only until then it may be summed up. It is looked at again with the first reading of `again_at` or later.
    """

    version: int = 0
    until: datetime | None = None
    announced_at: datetime | None = None
    again_at: datetime | None = None
    course: CourseSum | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction as its charger tells it, fact by fact in any order; `session_id` once we know whose it is.

    `started_at` and `stopped_at` are the charger's words, `..._heard_at` ours. `stands_for` names the transaction that
    is really meant, where a charger uses a name twice or none at all. From `attend_from_wh` on (since its beginning; 0:
    always) its session is looked at with each reading: it has limits, or may outgrow what pays for it.
    `is_nearly_done`: its driver has been told so. `connector_seq_no` numbers the message that told where it is.
    `stopped_as` is the name under which its end was told where that is not its own. `left_at`: since then it is thought
    to be over, though no end was told. `stop_word` is the charger's own word for why it ended.
    `settlement` is what the charger's own card terminal took for it.
    `cost_told_minor` is the cost so far that its charger was last told, at `cost_told_at` by our clock.
    `sums` is how far its course is summed up; None where that is of no use. Until `watched_until` somebody may look at
    its session, and is told of its readings.
    """

    charger_id: str
    ref: str
    connector: ConnectorId | None = None
    token: str | None = None
    started_at: datetime | None = None
    meter_start_wh: int | None = None
    stopped_at: datetime | None = None
    meter_stop_wh: int | None = None
    stop_reason: StopReason | None = None
    session_id: str | None = None
    stands_for: str | None = None
    heard_at: datetime | None = None
    started_heard_at: datetime | None = None
    stopped_heard_at: datetime | None = None
    first_seq_no: int | None = None
    last_seq_no: int | None = None
    stop_token: str | None = None
    stop_word: str | None = None
    attend_from_wh: int | None = None
    is_nearly_done: bool | None = None
    connector_seq_no: int | None = None
    stopped_as: str | None = None
    left_at: datetime | None = None
    cost_told_minor: int | None = None
    cost_told_at: datetime | None = None
    settlement: Settlement | None = None
    sums: Sums | None = None
    watched_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A reading and its place in the transaction's order; `position` sorts as text."""

    position: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class Waiting:
    """The workflow's step that waits, and the token that lets it go on."""

    step: Step
    task_token: str


@dataclass(frozen=True, slots=True)
class Saved:
    """What stands beside a session that was saved: what its workflow waits for, and until when somebody may watch."""

    waiting: Waiting | None = None
    watched_until: datetime | None = None


class StaleTask(Exception):
    """The task token is over: the workflow no longer waits on it."""
