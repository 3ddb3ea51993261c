"""All that the services ask of the world, as Protocols; adapters keep these promises and nothing else.

Every write may be repeated. `add` methods return False when the thing already exists; a `save` that lost a race
raises Conflict, and the caller reads again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from chalicelib.domain.events import ConnectorId, ConnectorStatus, Reading, StopReason
from chalicelib.domain.ledger import Transfer
from chalicelib.domain.session import Hold, Session, Step
from chalicelib.domain.tariff import Tariff

Clock = Callable[[], datetime]
NewId = Callable[[], str]


class Conflict(Exception):
    """Somebody else wrote first; read again and decide again."""


class Gone(Exception):
    """The socket is closed; the charger is offline."""


class Declined(Exception):
    """The card is not good for it; the text says why in the provider's words."""


class PaymentsUnavailable(Exception):
    """The payment provider did not answer sensibly; trying again is safe."""


class NotAllowed(Exception):
    """The identity provider refused the credentials; the text may be shown to the person."""


class AlreadyRegistered(Exception):
    """That e-mail address has an account."""


class StaleTask(Exception):
    """The workflow no longer waits on this token."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place with one grid connection; `tariff_id` prices every session there."""

    site_id: str
    operator_id: str
    name: str
    address: str
    time_zone: str
    tariff_id: str
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Charger:
    """One OCPP identity as registered; `connection_id` is set while its newest socket is open."""

    charger_id: str
    operator_id: str
    site_id: str
    password_hash: str
    connectors: tuple[ConnectorId, ...]
    connection_id: str | None = None
    protocol: str | None = None
    connected_at: datetime | None = None
    vendor: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What a socket is, fixed for its life: which charger, and the subprotocol agreed at its opening."""

    connection_id: str
    charger_id: str
    operator_id: str
    protocol: str


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """What a connector last reported, and the session that has it, if any."""

    connector: ConnectorId
    status: ConnectorStatus = ConnectorStatus.UNKNOWN
    status_at: datetime | None = None
    error: str = ""
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """A charge as its charger tells it, fact by fact in any order; `session_id` once we know whose it is."""

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
class PendingCall:
    """A command a charger has not answered yet: its name on the wire, and the session and step it is for."""

    charger_id: str
    message_id: str
    action: str
    session_id: str
    purpose: Step
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Driver:
    """A person with an account. Card data stays with the payment provider: here are only its names for things."""

    driver_id: str
    email: str
    customer_id: str | None = None
    payment_method_id: str | None = None
    card: str | None = None
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """An RFID card: `uid` upper case, issued by an operator to a driver."""

    uid: str
    operator_id: str
    driver_id: str
    blocked: bool = False


class Chargers(Protocol):
    """The registry, and what the network knows of each charger now."""

    def get(self, charger_id: str) -> Charger | None: ...
    def put(self, charger: Charger) -> None:
        """Register or re-register; keeps the live connection and boot facts of a charger already known.

        Raises Conflict when the id is another operator's.
        """

    def of_operator(self, operator_id: str) -> Sequence[Charger]: ...
    def opened(self, connection: Connection, at: datetime) -> str | None:
        """Make this the charger's socket unless a younger one is; returns the connection id replaced, if any.

        A socket that is itself outdated gets its own id back.
        """

    def closed(self, connection: Connection) -> bool:
        """Forget the socket; False (and the charger stays online) when a newer one has taken its place."""

    def connection(self, connection_id: str) -> Connection | None:
        """What a socket is; answered from memory once known, for it never changes."""

    def booted(self, charger_id: str, vendor: str, model: str, serial: str | None, firmware: str | None) -> None: ...
    def set_status(self, charger_id: str, state: ConnectorState) -> None:
        """Record status, time and error of one connector; leaves its session_id alone.

        An older `status_at` than the one stored changes nothing.
        """

    def connectors(self, charger_id: str) -> Sequence[ConnectorState]: ...
    def claim(self, charger_id: str, connector: ConnectorId, session_id: str) -> bool:
        """Give a connector to a session; False when another session has it. True again for the same one."""

    def free(self, charger_id: str, connector: ConnectorId, session_id: str) -> None:
        """Take the connector from that session; nothing happens when it is not (any longer) its."""


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

    def transaction(self, charger_id: str, ref: str) -> Transaction | None: ...
    def record(self, facts: Transaction) -> Transaction:
        """Merge what is not None into the transaction, first word wins; returns it whole."""


class Readings(Protocol):
    """Meter readings, appended and never changed."""

    def append(self, charger_id: str, ref: str, readings: Sequence[Reading]) -> None:
        """One write, whatever the number of readings; the same readings again change nothing."""

    def newest(self, charger_id: str, ref: str, limit: int = 1) -> Sequence[StoredReading]:
        """Newest first."""

    def after(self, charger_id: str, ref: str, position: str, limit: int) -> Sequence[StoredReading]:
        """Oldest first, those past `position` (empty: from the beginning). ValueError for a position not ours."""


class Calls(Protocol):
    """Commands in flight, keyed by charger, for message ids repeat across chargers."""

    def add(self, call: PendingCall) -> None: ...
    def take(self, charger_id: str, message_id: str) -> PendingCall | None:
        """The call with that id, once: a second answer finds nothing."""


class Catalog(Protocol):
    """Sites, tariffs and tokens. Putting one whose id is another operator's raises Conflict."""

    def put_site(self, site: Site) -> None: ...
    def site(self, site_id: str) -> Site | None: ...
    def put_tariff(self, tariff: Tariff) -> None: ...
    def tariff(self, tariff_id: str) -> Tariff | None: ...
    def put_token(self, token: Token) -> None: ...
    def token(self, uid: str) -> Token | None: ...


class Drivers(Protocol):
    """People with accounts."""

    def put(self, driver: Driver) -> None: ...
    def get(self, driver_id: str) -> Driver | None: ...


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


@dataclass(frozen=True, slots=True)
class CardSetup:
    """What a client needs to save a card with the provider, without the card passing through us."""

    setup_id: str
    client_secret: str
    publishable_key: str


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A card the provider keeps; `label` is its brand and last four digits."""

    payment_method_id: str
    label: str


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """What a verified webhook says. `kind`: held, captured, failed, voided, card_saved, or other."""

    event_id: str
    kind: str
    session_id: str | None = None
    payment_id: str | None = None
    amount_minor: int = 0
    customer_id: str | None = None
    setup_id: str | None = None
    at: datetime | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class Login:
    """OIDC tokens for a person."""

    account_id: str
    access_token: str
    refresh_token: str | None
    expires_s: int


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
