"""Causes of alarms: whether one is there, read from what is stored, each time anew.

Nothing is counted along and no message is believed: whoever asks for a look may be late, wrong, or ask twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from chalicelib.domain.chargers.availability import StatusChanged
from chalicelib.domain.chargers.events import ConnectorStatus, Topic
from chalicelib.domain.charging.dispute_events import open_dispute
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.charging.stuck import why_stuck
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.operators import CERTIFICATE_NOTICE, AlarmKind, Finding, is_clock_wrong
from chalicelib.domain.transparency.meter_keys import MeterKey, undecided
from chalicelib.ports import Clock
from chalicelib.ports.chargers import ChargerNews, Chargers, Connectors, History, MessageLog
from chalicelib.ports.charging import Sessions
from chalicelib.ports.grid import DemandEvents, ManagedSites
from chalicelib.ports.transparency import MeterKeys
from chalicelib.records.chargers import Admission, Charger, Direction
from chalicelib.records.operators import AlarmPlace

# A charger that was lost so often within so long comes and goes, whether it is there just now or not.
_LOSSES = 3
_UNSTEADY_FOR = timedelta(minutes=5)
_LINES_READ = 30
# As long a charger that was offline may send what it kept back, with times of then.
_CATCHES_UP = timedelta(minutes=5)
# So many sessions in two weeks say how often a charger is used; a quiet time of twice the longest is unusual.
_REMEMBERED = timedelta(days=14)
_LEAST_STARTS = 5
_LEAST_QUIET = timedelta(days=1)
_UNDER_WAY = (ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_BY_CAR, ConnectorStatus.SUSPENDED_BY_CHARGER)
_LOG_READ = 100
_FLOOD = 30
_FLOOD_WITHIN = timedelta(hours=1)
_PAYMENTS_READ = 20
_PAYMENTS_WITHIN = timedelta(hours=24)
_LEAST_FAILED = 3
_NOT_THERE = Finding(is_there=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """Why somebody looks: its subject is known to have the cause, or to come to it; or something was noticed then."""

    is_known: bool = False
    noticed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a subject found, and the place at which an alarm about it would stand."""

    place: AlarmPlace
    found: Finding


@dataclass(frozen=True, kw_only=True)
class Causes:
    """Looks for causes. One read of a charger or a session, and one more where that is not enough."""

    chargers: Chargers
    connectors: Connectors
    charger_news: ChargerNews
    history: History
    message_log: MessageLog
    sessions: Sessions
    managed_sites: ManagedSites
    demand_events: DemandEvents
    meter_keys: MeterKeys
    clock: Clock

    def look(self, kind: AlarmKind, subject: str, asked: Asked) -> Look | None:
        """What is found of one cause; None: there is no such subject."""
        return _LOOKS[kind](self, kind, subject, asked)

    def _charger(self, kind: AlarmKind, charger_id: str, asked: Asked) -> Look | None:
        charger = self.chargers.get(charger_id)
        if charger is None:
            return None
        place = AlarmPlace(operator_id=charger.operator_id, kind=kind, group=charger.site_id or charger_id)
        if charger.admission is not Admission.ACCEPTED:
            return Look(place, _NOT_THERE)
        return Look(place, _OF_CHARGERS[kind](self, charger, asked))

    def _offline(self, charger: Charger, asked: Asked) -> Finding:
        now = self.clock()
        if charger.connection_id is None:
            gone_at = charger.disconnected_at
            if gone_at is None:
                return _NOT_THERE
            if not asked.is_known and asked.noticed_at is not None and gone_at > asked.noticed_at:
                # The loss that was noticed is over; how long this one lasts, its own check will see.
                return _NOT_THERE
            return Finding(is_there=True, detail=f"no connection since {_told(gone_at)}")
        # A socket that we renewed is no loss, and it had no other since.
        lost = 0 if charger.was_renewed else self._losses(charger.charger_id, now - _UNSTEADY_FOR)
        if lost >= _LOSSES:
            return Finding(is_there=True, detail=f"lost its connection {lost} times in five minutes")
        return Finding(is_there=False, gone_since=charger.connected_at)

    def _losses(self, charger_id: str, since: datetime) -> int:
        newest, _ = self.message_log.page(charger_id, _LINES_READ, None)
        return sum(it.direction is Direction.LINE and it.what == "disconnected" and it.at > since for it in newest)

    def _faulted(self, charger: Charger, asked: Asked) -> Finding:
        faulted = [it for it in self.connectors.of_charger(charger.charger_id) if it.status is ConnectorStatus.FAULTED]
        if not faulted:
            return _NOT_THERE
        words = (f"connector {it.connector}{': ' + it.error if it.error else ''}" for it in faulted)
        return Finding(is_there=True, detail="; ".join(words))

    def _certificate(self, charger: Charger, asked: Asked) -> Finding:
        until = charger.certificate_until
        if until is None or until > self.clock() + CERTIFICATE_NOTICE:
            return _NOT_THERE
        return Finding(is_there=True, detail=f"its certificate ends at {_told(until)}")

    def _clock_wrong(self, charger: Charger, asked: Asked) -> Finding:
        told = [it for it in self.connectors.of_charger(charger.charger_id) if it.skew_s is not None]
        newest = max(told, key=lambda it: it.status_at or _NEVER, default=None)
        if newest is None or newest.status_at is None or newest.skew_s is None:
            return _NOT_THERE
        since = charger.connected_at
        catches_up = since is None or newest.status_at < since + _CATCHES_UP
        if not is_clock_wrong(newest.skew_s):
            return Finding(is_there=False, gone_since=newest.status_at)
        if newest.skew_s > 0:
            return Finding(is_there=True, detail=f"its clock is {newest.skew_s} s ahead")
        # Nobody can tell yet: what it says now may be of the time before it came back.
        is_there = asked.is_known or not catches_up
        return Finding(is_there=is_there, detail=f"its clock is {-newest.skew_s} s behind")

    def _firmware(self, charger: Charger, asked: Asked) -> Finding:
        for news, at in self.charger_news.of_charger(charger.charger_id):
            if news.topic is Topic.FIRMWARE and is_failed_firmware(news.word):
                return Finding(is_there=True, detail=f"{news.word} at {_told(at)}")
        return _NOT_THERE

    def _deviations(self, charger: Charger, asked: Asked) -> Finding:
        since = self.clock() - _FLOOD_WITHIN
        newest, _ = self.message_log.page(charger.charger_id, _LOG_READ, None)
        bent = [it.deviation for it in newest if it.at > since and it.deviation]
        if len(bent) < _FLOOD:
            return _NOT_THERE
        return Finding(is_there=True, detail=f"{len(bent)} messages within an hour were wrong: {bent[0]}")

    def _silent(self, charger: Charger, asked: Asked) -> Finding:
        now = self.clock()
        changes = self.history.within(charger.charger_id, now - _REMEMBERED, now)
        starts, is_charging = starts_in([it for it in changes if isinstance(it, StatusChanged)])
        tomorrow = now + _LEAST_QUIET
        if charger.connection_id is None or is_charging:
            return Finding(is_there=False, look_at=tomorrow if asked.is_known else None)
        if not starts:
            return Finding(is_there=asked.is_known, detail=f"no session for {_REMEMBERED.days} days")
        if len(starts) < _LEAST_STARTS:
            return Finding(is_there=False, look_at=tomorrow if asked.is_known else None)
        gaps = [later - earlier for earlier, later in pairwise(starts)]
        expected_by = starts[-1] + max(_LEAST_QUIET, 2 * max(gaps))
        if now < expected_by:
            return Finding(is_there=False, look_at=expected_by)
        return Finding(is_there=True, detail=f"no session since {_told(starts[-1])}")

    def _meter_key(self, charger: Charger, asked: Asked) -> Finding:
        told = undecided(self.meter_keys.of(charger.charger_id))
        words = (f"another key than was known was told for {_where(it)} at {_told(it.since)}" for it in told)
        return Finding(is_there=bool(told), detail="; ".join(words))

    def _limit_ignored(self, charger: Charger, asked: Asked) -> Finding:
        state = self.managed_sites.state(charger.managed_at, consistent=False) if charger.managed_at else None
        pages = [it for it in state.book.pages if it.port_id.charger_id == charger.charger_id] if state else []
        words = [
            f"connector {it.port_id.connector} drew more than its limit at {_told(it.ignored_since)}"
            + (f"; done: {', '.join(it.measures)}" if it.measures else "")
            for it in pages
            if it.ignored_since is not None
        ]
        return Finding(is_there=bool(words), detail="; ".join(words))

    def _site_over_limit(self, kind: AlarmKind, site_id: str, asked: Asked) -> Look | None:
        state = self.managed_sites.state(site_id, consistent=False)
        if state is None:
            return None
        is_over = kind in state.book.alarms
        detail = (
            f"its ports drew more than it may, at {_told(state.book.changed_at or self.clock())}" if is_over else ""
        )
        place = AlarmPlace(operator_id=state.managed.operator_id, kind=kind, group=site_id)
        return Look(place, Finding(is_there=is_over, detail=detail))

    def _load_silent(self, kind: AlarmKind, site_id: str, asked: Asked) -> Look | None:
        state = self.managed_sites.state(site_id, consistent=False)
        if state is None:
            return None
        is_silent = state.is_load_silent(self.clock())
        detail = f"not told since {_told(state.load.at)}: its worst counts" if is_silent and state.load else ""
        place = AlarmPlace(operator_id=state.managed.operator_id, kind=kind, group=site_id)
        return Look(place, Finding(is_there=is_silent, detail=detail))

    def _plans_failed(self, kind: AlarmKind, site_id: str, asked: Asked) -> Look | None:
        state = self.managed_sites.state(site_id, consistent=False)
        if state is None:
            return None
        since = state.plans_failed_since
        detail = f"none was found since {_told(since)}: cars have their fair share" if since is not None else ""
        place = AlarmPlace(operator_id=state.managed.operator_id, kind=kind, group=site_id)
        return Look(place, Finding(is_there=since is not None, detail=detail))

    def _demand_response(self, kind: AlarmKind, subject: str, asked: Asked) -> Look | None:
        """An operator's event, named behind its operator, whose id has no slash."""
        operator_id, _, event_id = subject.partition("/")
        event = self.demand_events.get(operator_id, event_id)
        if event is None:
            return None
        now = self.clock()
        place = AlarmPlace(operator_id=operator_id, kind=kind, group="")
        if event.cancelled_at is not None or now >= event.ends_at:
            return Look(place, _NOT_THERE)
        if now < event.begins_at:
            return Look(place, Finding(is_there=False, look_at=event.begins_at))
        detail = f"event {event_id} of program {event.program} holds until {_told(event.ends_at)}"
        return Look(place, Finding(is_there=True, detail=detail))

    def _session(self, kind: AlarmKind, session_id: str, asked: Asked) -> Look | None:
        session = self.sessions.get(session_id)
        if session is None:
            return None
        group = session.site_id or session.charger_id
        place = AlarmPlace(operator_id=session.operator_id, kind=kind, group=group)
        detail = _why_disputed(session) if kind is AlarmKind.DISPUTE_OPEN else why_stuck(session, self.clock())
        return Look(place, Finding(is_there=bool(detail), detail=detail))

    def _payments(self, kind: AlarmKind, operator_id: str, asked: Asked) -> Look:
        now = self.clock()
        newest, _ = self.sessions.of_operator(operator_id, _PAYMENTS_READ, None, flagged=False)
        billed = [it for it in newest if it.is_over and it.payable_minor and it.created_at > now - _PAYMENTS_WITHIN]
        failed = [it for it in billed if it.state is State.FAILED and it.due_minor]
        is_there = len(failed) >= _LEAST_FAILED and 2 * len(failed) >= len(billed)
        detail = f"{len(failed)} of the newest {len(billed)} payments failed" if is_there else ""
        place = AlarmPlace(operator_id=operator_id, kind=kind, group="")
        return Look(place, Finding(is_there=is_there, detail=detail))


_NEVER = datetime.min.replace(tzinfo=UTC)
_OF_CHARGERS: Mapping[AlarmKind, Callable[[Causes, Charger, Asked], Finding]] = {
    AlarmKind.OFFLINE: Causes._offline,
    AlarmKind.FAULTED: Causes._faulted,
    AlarmKind.SILENT: Causes._silent,
    AlarmKind.DEVIATION_FLOOD: Causes._deviations,
    AlarmKind.FIRMWARE_FAILED: Causes._firmware,
    AlarmKind.CERTIFICATE_ENDING: Causes._certificate,
    AlarmKind.CLOCK_WRONG: Causes._clock_wrong,
    AlarmKind.LIMIT_IGNORED: Causes._limit_ignored,
    AlarmKind.METER_KEY: Causes._meter_key,
}
_LOOKS: Mapping[AlarmKind, Callable[[Causes, AlarmKind, str, Asked], Look | None]] = {
    **dict.fromkeys(_OF_CHARGERS, Causes._charger),
    AlarmKind.STUCK_SESSION: Causes._session,
    AlarmKind.DISPUTE_OPEN: Causes._session,
    AlarmKind.PAYMENTS_FAILING: Causes._payments,
    AlarmKind.SITE_OVER_LIMIT: Causes._site_over_limit,
    AlarmKind.LOAD_SILENT: Causes._load_silent,
    AlarmKind.PLANS_FAILED: Causes._plans_failed,
    AlarmKind.DEMAND_RESPONSE: Causes._demand_response,
}


def is_failed_firmware(word: str) -> bool:
    """Whether a firmware update ended in nothing: DownloadFailed, InstallVerificationFailed, InvalidSignature, ..."""
    return "failed" in word.lower() or "invalid" in word.lower()


def starts_in(changes: Sequence[StatusChanged]) -> tuple[list[datetime], bool]:
    """When charges began among a charger's statuses, in order, and whether one is under way at their end."""
    under_way: set[object] = set()
    starts: list[datetime] = []
    for it in sorted(changes, key=lambda it: it.at):
        if it.status not in _UNDER_WAY:
            under_way.discard(it.connector)
        elif it.connector not in under_way:
            under_way.add(it.connector)
            starts.append(it.at)
    return starts, bool(under_way)


def _why_disputed(session: Session) -> str:
    found = open_dispute(session)
    return f"its driver disputes it since {_told(found.opened_at)}: {found.reason}" if found else ""


def _where(key: MeterKey) -> str:
    return f"EVSE {key.evse}" if key.evse else "its meters"


def _told(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
