"""All that the services ask of the world, as Protocols; adapters keep these promises and nothing else.

Every write may be repeated. `add` methods return False when the thing already exists; a `save` that lost a race
raises Conflict, and the caller reads again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from chalicelib.domain.answers import Decision
from chalicelib.domain.availability import Happening
from chalicelib.domain.commands import CommandResult
from chalicelib.domain.events import (
    ConnectorId,
    ConnectorStatus,
    Need,
    NewsReceived,
    Reading,
    ReportKind,
    ReportReceived,
)
from chalicelib.domain.geo import Spot
from chalicelib.domain.ledger import Transfer
from chalicelib.domain.session import Hold, Session
from chalicelib.domain.tariff import Tariff
from chalicelib.records import (
    Admission,
    CardSetup,
    Charger,
    Connection,
    ConnectorState,
    Driver,
    Entry,
    Login,
    PaymentNews,
    Place,
    SavedCard,
    SentCall,
    Site,
    StoredReading,
    Token,
    Transaction,
    Waiting,
)

Clock = Callable[[], datetime]
NewId = Callable[[], str]


class Chargers(Protocol):
    """The registry, and what the network knows of each charger now."""

    def get(self, charger_id: str) -> Charger | None: ...
    def put(self, charger: Charger, *, keep_password: bool = False) -> None:
        """Register or re-register; keeps the live connection and boot facts of a charger already known.

        Its password too if told so, be it changed at this moment.

        Raises Conflict when the id is another operator's.
        """

    def of_operator(self, operator_id: str) -> Sequence[Charger]: ...
    def opened(self, connection: Connection, at: datetime) -> str | None:
        """Make this the charger's socket unless a younger one is; returns the connection id replaced, if any.

        A socket that is itself outdated gets its own id back.
        """

    def closed(self, connection: Connection) -> Charger | None:
        """Forget the socket; returns the charger, or None (it stays online) when a newer one has taken its place."""

    def connection(self, connection_id: str) -> Connection | None:
        """What a socket is; answered from memory once known, for it never changes."""

    def booted(self, charger_id: str, vendor: str, model: str, serial: str | None, firmware: str | None) -> None: ...
    def admit(self, charger_id: str, admission: Admission) -> bool:
        """Accept or block a charger; False for an unknown one."""

    def propose(self, charger: Charger, until: datetime) -> None:
        """Keep an unknown charger for its operator to see, at the longest until then. Raises Conflict if known."""

    def pending(self, operator_id: str, most: int) -> int:
        """How many chargers wait for that operator, counted no further than `most`."""

    def offer_password(self, charger_id: str, password_hash: str) -> None:
        """Take this password as well as the present one."""

    def drop_password(self, charger_id: str, password_hash: str) -> None:
        """Take an offered password no longer."""

    def change_password(self, charger_id: str, password_hash: str) -> None:
        """The charger has used the offered password: from now on no other is good."""

    def trace(self, charger_id: str, until: datetime) -> bool:
        """Journal everything until then; False for an unknown charger."""

    def confirm_list(self, charger_id: str, version: int) -> None:
        """The charger holds this version of our token list."""

    def list_is_due(self, charger_id: str) -> None:
        """The charger's list of tokens should be looked after soon."""

    def lists_due(self) -> Iterable[str]:
        """Chargers whose list should be looked after; each is given out once."""

    def note_news(self, charger_id: str, news: NewsReceived, at: datetime) -> None:
        """Keep the latest news of each topic."""

    def news(self, charger_id: str) -> Sequence[tuple[NewsReceived, datetime]]: ...
    def set_status(self, charger_id: str, state: ConnectorState) -> ConnectorState | None:
        """Record status, time and error of one connector; leaves its session_id alone. Returns what it was before.

        An older `status_at` than the one stored changes nothing, and None is returned.
        """

    def put_place(self, charger_id: str, connectors: Sequence[ConnectorId], place: str | None) -> None:
        """Remember where the charger stands in the index of places, with it and with each of its connectors."""

    def connectors(self, charger_id: str) -> Sequence[ConnectorState]: ...
    def claim(self, charger_id: str, connector: ConnectorId, session_id: str) -> bool:
        """Give a connector to a session; False when another session has it. True again for the same one."""

    def free(self, charger_id: str, connector: ConnectorId, session_id: str) -> None:
        """Take the connector from that session; nothing happens when it is not (any longer) its."""


class Places(Protocol):
    """The index of places: who is near, and what they do now. A place is known by its row's name."""

    def put(self, place: Place) -> str:
        """Write it whole; returns the row's name."""

    def remove(self, row: str) -> None: ...
    def set_status(self, row: str, connector: ConnectorId, status: ConnectorStatus) -> None:
        """Nothing happens when the row is gone."""

    def set_online(self, row: str, online: bool) -> None:
        """Nothing happens when the row is gone."""

    def near(self, centre: Spot, from_m: float, within_m: float) -> Iterator[tuple[float, Place]]:
        """Places by distance (and name), each with it, those between the two; reads no further than it is asked."""

    def around(self, spots: Sequence[Spot], within_m: float) -> Iterator[Place]:
        """Places within that distance of any of the spots, in no order, each once."""


class Travel(Protocol):
    """How long a drive takes."""

    def eta_s(self, distance_m: float) -> int: ...
    @property
    def is_estimate(self) -> bool:
        """Whether no map was asked."""


class Sessions(Protocol):
    """Sessions with a version each, and the charger's transactions under them."""

    def add(self, session: Session) -> bool: ...
    def get(self, session_id: str) -> Session | None: ...
    def save(self, before: Session, after: Session) -> Waiting | None:
        """Replace `before` by `after`; returns what the workflow last waited for, read in the same call.

        Raises Conflict when the stored session is no longer `before`.
        """

    def wait(self, session_id: str, waiting: Waiting) -> Session:
        """Remember what the workflow waits for; returns the session as it is after that write.

        Raises LookupError for an unknown session.
        """

    def waiting(self, session_id: str) -> Waiting | None:
        """What the workflow last waited for."""

    def of_driver(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Session], str | None]:
        """Newest first, with the cursor of the next page (opaque text) or None. ValueError for a cursor not ours."""

    def unsettled(self, since: datetime) -> Iterable[Session]:
        """Sessions on their way in or out (INITIATED, STOPPING) whose last change is older than `since`."""

    def of_operator(
        self, operator_id: str, limit: int, before: str | None, *, flagged: bool
    ) -> tuple[Sequence[Session], str | None]:
        """As `of_driver`; `flagged` are only those a person should look at."""


class Transactions(Protocol):
    """Charges as their chargers tell them."""

    def get(self, charger_id: str, ref: str) -> Transaction | None: ...
    def record(self, facts: Transaction) -> Transaction:
        """Merge what is not None into the transaction, first word wins; returns it whole."""

    def redirect(self, charger_id: str, ref: str, stands_for: str) -> None:
        """From now on `ref` means another transaction."""

    def leave_unclaimed(self, charger_id: str, ref: str, at: datetime) -> None:
        """Put a transaction that belongs to no session on the list of those; nothing happens when one has it."""

    def unclaimed(self, since: datetime) -> Iterable[Transaction]:
        """Transactions left unclaimed since before then."""

    def settle_claim(self, charger_id: str, ref: str) -> None:
        """Take it off the list."""


class Readings(Protocol):
    """Meter readings, appended and never changed."""

    def append(self, charger_id: str, ref: str, readings: Sequence[Reading], seq_no: int | None = None) -> None:
        """One write, whatever the number of readings; the same readings again change nothing.

        `seq_no` is the number of the message they came in; a message without readings is marked too.
        """

    def seq_nos(self, charger_id: str, ref: str) -> Sequence[int]:
        """The numbers of all messages appended, in order."""

    def newest(self, charger_id: str, ref: str, limit: int = 1) -> Sequence[StoredReading]:
        """Newest first."""

    def after(self, charger_id: str, ref: str, position: str, limit: int) -> Sequence[StoredReading]:
        """Oldest first, those past `position` (empty: from the beginning). ValueError for a position not ours."""


class Calls(Protocol):
    """Commands sent, keyed by charger, for message ids repeat across chargers."""

    def add(self, call: SentCall) -> bool:
        """False when the charger was sent one of that id already."""

    def get(self, charger_id: str, message_id: str) -> SentCall | None: ...
    def answer(self, charger_id: str, message_id: str, result: CommandResult, at: datetime) -> SentCall | None:
        """Record the first answer, however late; None for a further one, or one nobody asked for."""


class Journal(Protocol):
    """What was said between a charger and us, kept for a while."""

    def add(self, charger_id: str, entry: Entry) -> None: ...
    def page(self, charger_id: str, limit: int, before: str | None) -> tuple[Sequence[Entry], str | None]:
        """Newest first, with the cursor of the next page or None. ValueError for a cursor not ours."""


class History(Protocol):
    """What a charger's uptime follows from, kept for more than a year."""

    def add(self, charger_id: str, happening: Happening) -> None: ...
    def between(self, charger_id: str, since: datetime, until: datetime) -> Sequence[Happening]:
        """In order of time; with it the last ones before `since`, which tell how things stood then."""


class Reports(Protocol):
    """What chargers report in parts, kept for a while."""

    def add(self, charger_id: str, part: ReportReceived, at: datetime) -> None: ...
    def parts(self, charger_id: str, kind: ReportKind, request_id: int) -> Sequence[ReportReceived]:
        """In order; a part that came twice is there once."""


class Provider(Protocol):
    """Whoever can give chargers what they ask for beyond charging: certificates, schedules, a vendor's services."""

    def provide(self, connection: Connection, need: Need, content: str) -> Decision: ...


class Catalog(Protocol):
    """Sites, tariffs and tokens. Putting one whose id is another operator's raises Conflict."""

    def put_site(self, site: Site) -> None: ...
    def site(self, site_id: str) -> Site | None: ...
    def put_tariff(self, tariff: Tariff) -> None: ...
    def tariff(self, tariff_id: str) -> Tariff | None: ...
    def put_token(self, token: Token, at: datetime) -> None: ...
    def token(self, uid: str) -> Token | None: ...
    def tokens_changed(self, operator_id: str, after: int, until: int, limit: int) -> Sequence[tuple[int, Token]]:
        """The operator's tokens changed in (after, until], each with its second, in that order; see `second_of`.

        Those of the last second are all there, be it beyond `limit`.
        """

    def lists_behind(self) -> Iterable[tuple[str, int]]:
        """The operators whose tokens changed since their lists were last seen through, and the second of that."""

    def lists_done(self, operator_id: str, second: int) -> None:
        """All of the operator's chargers have been sent what changed until then."""


class Drivers(Protocol):
    """People with accounts."""

    def put(self, driver: Driver) -> None: ...
    def get(self, driver_id: str) -> Driver | None: ...
    def change(self, driver_id: str, change: Callable[[Driver], Driver]) -> Driver | None:
        """Change a driver as stored at that moment; returns it, None for an unknown one. Raises Conflict."""


class Ledger(Protocol):
    """Transfers, appended and never changed."""

    def append(self, transfers: Sequence[Transfer]) -> None:
        """All or none; those already written stay as they are. Raises Unbalanced when one says otherwise now."""

    def of_session(self, session_id: str) -> Sequence[Transfer]: ...


class ChargerLink(Protocol):
    """The way down an open socket."""

    def send(self, connection_id: str, frame: str) -> None:
        """Raises Gone when the socket is closed."""

    def close(self, connection_id: str) -> None:
        """Closes it; nothing happens when it is closed already."""


class Workflow(Protocol):
    """The session lifecycle engine."""

    def start(self, session: Session) -> None:
        """Begin the session's execution; nothing happens when it has begun already."""

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> None:
        """Let a waiting step go on. Raises StaleTask."""

    def fail(self, task_token: str, error: str, cause: str) -> None:
        """Let a waiting step fail with a named error. Raises StaleTask."""


class Payments(Protocol):
    """Card money. Every call may be repeated: the session id and the step make its idempotency key."""

    def create_customer(self, driver_id: str, email: str) -> str: ...
    def begin_card_setup(self, customer_id: str, request_id: str) -> CardSetup: ...
    def saved_card(self, customer_id: str, setup_id: str) -> SavedCard | None:
        """The card a setup of that customer ended with; None while it has not succeeded."""

    def hold(self, session: Session, customer_id: str, payment_method_id: str, amount_minor: int) -> Hold:
        """Set money aside, the driver being away. Raises Declined, PaymentsUnavailable."""

    def capture(self, session: Session, hold: Hold, amount_minor: int) -> None:
        """Take at most what is held and give the rest back. Raises Declined, PaymentsUnavailable."""

    def void(self, session: Session, hold: Hold) -> None:
        """Give the hold back; nothing happens when it is gone already. Raises PaymentsUnavailable.

        Raises Declined when the money was taken already: nothing is ever refunded by the way.
        """

    def taken_minor(self, session: Session, hold: Hold) -> int:
        """What has been taken of a hold so far, by the provider's own books. Raises PaymentsUnavailable."""

    def read_webhook(self, body: bytes, signature: str) -> PaymentNews:
        """Verify and read. Raises ValueError when the signature or body is not the provider's."""


class Identity(Protocol):
    """Accounts and passwords, kept by somebody whose trade it is."""

    def register(self, email: str, password: str) -> str:
        """The new account's id. Raises AlreadyRegistered, NotAllowed (for a weak password, say)."""

    def confirm(self, email: str, code: str) -> None:
        """Prove the address. Raises NotAllowed."""

    def log_in(self, email: str, password: str) -> Login:
        """Raises NotAllowed."""

    def refresh(self, refresh_token: str) -> Login:
        """Raises NotAllowed."""
