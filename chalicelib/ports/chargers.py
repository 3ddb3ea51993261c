"""What the services ask of chargers: their registry, their sockets and connectors, and what is written down of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.chargers.allowance import TokenBucket
    from chalicelib.domain.chargers.availability import Happening
    from chalicelib.domain.chargers.charging_ability import ChargingAbility
    from chalicelib.domain.chargers.commands import CommandResult
    from chalicelib.domain.chargers.events import ConnectorId, NewsReceived, ReportKind, ReportReceived
    from chalicelib.domain.chargers.fault_report import FaultReport
    from chalicelib.domain.chargers.setup import MeteringCapability, Setup
    from chalicelib.domain.chargers.setup_profile import SetupProfile
    from chalicelib.domain.chargers.watches import Watcher
    from chalicelib.records.chargers import (
        Admission,
        Answered,
        Charger,
        Connection,
        ConnectorState,
        HeldList,
        Knock,
        LoggedMessage,
        MainMeter,
        SentCall,
        Site,
    )


class Chargers(Protocol):
    """The chargers there are, as they are known now."""

    def get(self, charger_id: str) -> Charger | None:
        """The charger of that id, as registered and as it is connected now; None for an unknown one."""

    def many(self, charger_ids: Collection[str]) -> Mapping[str, Charger]:
        """Those of them that are known, as `get`."""


class ChargerRegistry(Chargers, Protocol):
    """Chargers registered by their operators, and those that wait for that."""

    def put(self, charger: Charger, *, keep_password: bool = False, forget_facts: bool = False) -> None:
        """Register or re-register; keeps the live connection and boot facts of a charger already known.

        Its password too if told so, be it changed at this moment; else one that it was offered is good no longer.
        `forget_facts`: what it has told of itself was told by nobody in particular.
        Raises Conflict when the id is another operator's; a name that only waits to be accepted is nobody's.
        """

    def at_site(self, site_id: str, limit: int, after: str) -> tuple[Sequence[Charger], str | None]:
        """So many of a site's chargers whose ids come after that, in order, and the id after which there are more."""

    def page_of_operator(self, operator_id: str, limit: int, after: str | None) -> tuple[Sequence[Charger], str | None]:
        """So many of an operator's by name, with the cursor of the next page or None. BadCursor for one not ours."""

    def known_as(self, names: Sequence[str]) -> Mapping[str, Sequence[Charger]]:
        """For each name the charger of just that name, else those whose names differ from it in case only."""

    def note_spelling(self, charger_id: str) -> None:
        """From now on a charger is found by its name in any case. Registering one does so too."""

    def admit(self, charger_id: str, admission: Admission) -> bool:
        """Accept or block a charger; False for an unknown one."""

    def propose(self, charger: Charger, until: datetime) -> None:
        """Keep an unknown charger for its operator to see, at the longest until then. Raises Conflict if known."""

    def pending(self, operator_id: str, most: int) -> int:
        """How many chargers wait for that operator, counted no further than `most`."""


class ChargerPasswords(Protocol):
    """What a charger proves itself by; a new one is good once offered, the old one until the new one is used."""

    def offer(self, charger_id: str, password_hash: str) -> None:
        """Take this password as well as the present one."""

    def drop(self, charger_id: str, password_hash: str) -> None:
        """Take an offered password no longer."""

    def change(self, charger_id: str, password_hash: str) -> None:
        """The charger has used the offered password: from now on no other is good."""


class Sites(Protocol):
    """Sites, where chargers stand: address, position, time zone and the tariff that prices sessions there."""

    def put(self, site: Site) -> None:
        """Raises Conflict when the id is another operator's."""

    def get(self, site_id: str) -> Site | None:
        """The site of that id; None for an unknown one."""


class Sockets(Protocol):
    """Chargers' open sockets: whose each is, and which is its charger's newest."""

    def opened(
        self,
        connection: Connection,
        at: datetime,
        password_hash: str | None = None,
        password_note: str | None = None,
    ) -> str | None:
        """Make this the charger's socket unless a younger one is; returns the connection id replaced, if any.

        A socket that is itself outdated gets its own id back. `password_hash` is what it was let in by: raises Conflict
        where another counts by now. `password_note` is kept beside it, for the same password to be known quickly.
        """

    def end(self, connection_id: str) -> None:
        """Hear no more of a socket; nothing happens when it is closed."""

    def closed(self, connection: Connection, *, renewed: bool = False) -> Charger | None:
        """Forget the socket; returns the charger, or None (it stays online) when a newer one has taken its place.

        `renewed`: we closed it for the charger to open another.
        """

    def connection(self, connection_id: str) -> Connection | None:
        """What a socket is; answered from memory once known, for it never changes."""

    def trace(self, charger_id: str, until: datetime) -> bool:
        """Log every message until then, heartbeats and readings too; False for an unknown charger."""


class Connectors(Protocol):
    """What each connector of a charger does now, and which session or reservation has it."""

    def of_charger(self, charger_id: str) -> Sequence[ConnectorState]:
        """All connectors of a charger, with the session or reservation that each is taken by."""

    def set_status(self, charger_id: str, state: ConnectorState) -> ConnectorState | None:
        """Record status, time and error of one connector; leaves its session_id alone. Returns what it was before.

        Takes away that its charger's setup is due, unless a start may be at hand.
        An older `status_at` or `told_at` than the one stored changes nothing, and None is returned.
        """

    def put_place(self, charger_id: str, connectors: Sequence[ConnectorId], place: str | None) -> None:
        """Remember where the charger stands in the index of places, with it and with each of its connectors."""

    def claim(self, charger_id: str, connector: ConnectorId, session_id: str) -> bool:
        """Give a connector to a session; False when another session has it. True again for the same one.

        False as well while a reservation of another name keeps it; that of the session's own name is used up.
        """

    def free(self, charger_id: str, connector: ConnectorId, session_id: str) -> ConnectorState | None:
        """Take the connector from that session, and say what it does; None (nothing happens) when it is another's."""

    def give(self, charger_id: str, connector: ConnectorId, session_id: str, instead_of: str | None) -> bool:
        """Give a connector to the session that charges there, whatever is reserved; False if it is not `instead_of`'s.

        `instead_of` None: if nobody has it.
        """

    def keep(self, charger_id: str, connector: ConnectorId, reservation_id: str, until: datetime, at: datetime) -> bool:
        """Keep a connector that no session has and no other reservation keeps `at` that moment; else False."""

    def keep_no_longer(self, charger_id: str, connector: ConnectorId, reservation_id: str) -> ConnectorState | None:
        """Let go of a reserved connector, and say what it does; None (nothing happens) when it is kept for another."""

    def watch(self, charger_id: str, connectors: Sequence[ConnectorId], watcher: Watcher) -> bool:
        """Remember at each connector who waits for it to be free; False, once too many do at one of them.

        Until the watch is over its charger is known to be watched.
        """

    def watch_no_longer(self, charger_id: str, connector: ConnectorId, watchers: Collection[Watcher]) -> None:
        """They do not wait for that connector any more; nothing happens to whoever does not."""


class HeldLists(Protocol):
    """What is known of the list of our tokens that each charger holds (OCPP's Local Authorization List)."""

    def confirm(self, charger_id: str, version: int) -> None:
        """The charger holds this version of our token list."""

    def sends(self, charger: Charger, held: HeldList) -> bool:
        """Note what the charger is about to be sent; False when somebody else has sent it something meanwhile.

        From then on it is among those of its operator that take lists, until its socket closes.
        """

    def behind(self, operator_id: str, until_s: int, shard: int | None = None) -> Iterable[Charger]:
        """The operator's connected chargers that take lists, and were not sent all that changed until that second.

        Those of one shard, or all.
        """

    def mark_due(self, charger_id: str) -> None:
        """The charger's list of tokens should be looked after soon."""

    def due(self, shard: int | None = None) -> Iterable[str]:
        """Chargers whose list should be looked after, of one shard or of all; each is given out once."""


class ChargerNews(Protocol):
    """What chargers tell of themselves."""

    def booted(
        self, charger_id: str, vendor: str, model: str, serial: str | None, firmware: str | None
    ) -> Charger | None:
        """What it says it is; returns it as it is registered, None when it is not."""

    def note_plug_in(self, charger_id: str, seconds: int) -> None:
        """So long the charger waits for a car to be plugged in after a start."""

    def note_limits(self, charger_id: str, limits: Mapping[str, str]) -> None:
        """The charger told these of its limits; those it told before stay."""

    def note(self, charger_id: str, news: NewsReceived, at: datetime) -> None:
        """Keep the latest news of each topic."""

    def of_charger(self, charger_id: str) -> Sequence[tuple[NewsReceived, datetime]]:
        """The latest news of each topic, with when each was told."""

    def note_main_meter(self, charger_id: str, told: MainMeter, at: datetime) -> None:
        """Keep what is told of the station's own meter `at` that time, beside what is not; what is older is no news."""

    def main_meter(self, charger_id: str) -> MainMeter | None:
        """What the station's own meter showed last; None where it never told."""


class ChargerLink(Protocol):
    """The way down a charger's open WebSocket."""

    def send(self, connection_id: str, frame: str) -> None:
        """Send one text frame. Raises Gone when the socket is closed."""

    def close(self, connection_id: str) -> None:
        """Close the socket; nothing happens when it is closed already."""


class Allowances(Protocol):
    """What chargers may still have done for them."""

    def take(self, charger_id: str, bucket: TokenBucket, tokens: int, at: datetime) -> bool:
        """Take so many tokens out of a charger's bucket; False (and none is taken) when it does not hold them."""

    def silence(self, charger_id: str, until: datetime) -> None:
        """Let the charger have no socket until then; nothing happens for an unknown one."""


class Calls(Protocol):
    """Commands sent, by charger and message id, for ids repeat across chargers; and each charger's line of calls."""

    def add(self, call: SentCall) -> bool:
        """Remember a command before it is sent; False when the charger was sent one of that id already."""

    def get(self, charger_id: str, message_id: str) -> SentCall | None:
        """The command sent under that message id, with its answer once that has come; None when there was none."""

    def answer(self, charger_id: str, message_id: str, result: CommandResult, at: datetime) -> SentCall | None:
        """Record the first answer, however late; None for a further one, or one nobody asked for."""

    def take_line(self, call: SentCall, at: datetime, *, hurried: bool = False) -> bool:
        """Make `call` the one that is open on its charger's line; False while another is, on the same socket.

        What is overdue, or went down another socket, is open no longer. One that is `hurried` minds only the newest
        call, not one that was overtaken and is open still.
        """

    def wait(self, call: SentCall, rank: int, at: datetime) -> bool:
        """Let `call`, with its frame, wait for the line, lowest rank first; False when the line is free by now."""

    def overtake(self, call: SentCall, rank: int, waits_since: datetime) -> bool:
        """Make a waiting call the one that is open, beside the one that is; False when it waits no longer."""

    def moved(self, call: SentCall) -> None:
        """The call went down another socket than was thought."""

    def free_line(self, charger_id: str, message_id: str, at: datetime) -> Answered | None:
        """That call is open no longer; None when it was not, by what is known of the line."""

    def next_waiting(
        self, charger_id: str, connection_id: str, at: datetime, due_at: datetime
    ) -> tuple[SentCall | None, Sequence[str]]:
        """Make the first call that waits for this socket the one that is open; it is returned with its frame.

        None while another is open, or none waits. With it the ids of those that waited too long, or for a socket
        that is gone: they wait no longer.
        """

    def lines_waiting(self, at: datetime, shard: int | None = None) -> Iterable[str]:
        """Chargers, of one shard or of all, for which calls wait though none is open that may still be answered."""


class MessageLog(Protocol):
    """The message log: what was said between a charger and us, kept for a while."""

    def add(self, *entries: tuple[str, LoggedMessage]) -> None:
        """Append messages of chargers, with their answers; the same message again changes nothing."""

    def page(self, charger_id: str, limit: int, before: str | None) -> tuple[Sequence[LoggedMessage], str | None]:
        """Newest first, with the cursor of the next page or None. BadCursor for a cursor not ours."""

    def between(self, charger_id: str, since: datetime, until: datetime, limit: int) -> Sequence[LoggedMessage]:
        """The first `limit` of that time, oldest first."""


class Knocks(Protocol):
    """Refused connections, by operator: who was refused a socket. Kept for a week, so many however many try."""

    def add(self, knock: Knock) -> int:
        """Count a refusal; returns how many of its kind there were that day."""

    def page(self, operator_id: str, limit: int, before: str | None) -> tuple[Sequence[Knock], str | None]:
        """The newest day first, with the cursor of the next page or None. BadCursor for a cursor not ours."""


class History(Protocol):
    """What a charger's uptime follows from, kept for more than a year."""

    def add(self, charger_id: str, happening: Happening) -> None:
        """Append a change of a line or of a connector's status; the same again changes nothing."""

    def between(self, charger_id: str, since: datetime, until: datetime) -> Sequence[Happening]:
        """What happened, in order of time.

        With it the last changes before `since`, which tell how things stood then.
        """

    def within(self, charger_id: str, since: datetime, until: datetime) -> Sequence[Happening]:
        """What happened from `since` to `until`, in order of time, and nothing before it."""


class Reports(Protocol):
    """What chargers report in parts, kept for a while."""

    def add(self, charger_id: str, part: ReportReceived, at: datetime) -> None:
        """Keep a part of a report that came at that time; the same part again changes nothing."""

    def parts(self, charger_id: str, kind: ReportKind, request_id: int) -> Sequence[ReportReceived]:
        """The parts that have come, in order; a part that came twice is there once."""


class Setups(Protocol):
    """Setup profiles as operators declare them, and how far each charger's setup has come."""

    def profile(self, operator_id: str) -> SetupProfile:
        """What the operator declared, else what is wanted of every charger. May be a minute old."""

    def put_profile(self, operator_id: str, profile: SetupProfile) -> None:
        """Declare a profile from now on; all of the operator's chargers are to be gone through (`next_chargers`)."""

    def get(self, charger_id: str) -> Setup | None:
        """What is known of the charger's settings; None when it was never asked."""

    def save(self, charger_id: str, setup: Setup, awaited_before: str | None) -> bool:
        """Keep it; False when another message than that is awaited by now, for somebody else goes on with it."""

    def settle(
        self, charger_id: str, profile: str, metering: MeteringCapability, ability: ChargingAbility | None
    ) -> None:
        """Remember with the charger itself for which profile it was seen through, and what it can do."""

    def mark_due(self, charger: Charger) -> None:
        """Look at the charger's settings when its first connector next reports a status."""

    def note_signing(self, charger: Charger) -> None:
        """Its meters sign what they say: from now on it is asked for their keys."""

    def operators_behind(self) -> Iterable[str]:
        """Operators whose chargers have not all been reached by their new profile."""

    def next_chargers(self, operator_id: str, most: int) -> Sequence[str]:
        """The ids of the next of the operator's chargers that a new profile is to reach, each given out once."""


class FaultReports(Protocol):
    """What drivers report of chargers."""

    def add(self, report: FaultReport) -> None:
        """Store a new report."""

    def get(self, report_id: str) -> FaultReport | None:
        """The report; None for an unknown one."""

    def save(self, before: FaultReport, after: FaultReport) -> bool:
        """Change it; False when it is not as it was `before` any more."""

    def of_driver(self, driver_id: str, limit: int) -> Sequence[FaultReport]:
        """A driver's newest reports."""

    def of_operator(
        self, operator_id: str, limit: int, before: str | None, *, open_only: bool
    ) -> tuple[Sequence[FaultReport], str | None]:
        """An operator's reports, newest first, and the next page's cursor. BadCursor for a cursor not ours."""

    def forget_driver(self, driver_id: str) -> Iterable[int]:
        """Delete all that a driver reported, some at a time; whoever stops asking leaves the rest."""
