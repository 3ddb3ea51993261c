"""Uptime of connectors, by two laws.

It is derived from what happened, never counted along: the same history always gives the same figure. UK: the Public
Charge Point Regulations 2023, reg. 7 (an EVSE whose status is unknown is not measured and counts as reliable). US: 23
CFR 680.116(b) (a port is up when it is online and can be used, or is used).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.data_classes import dataclass

UK_REQUIRED_PERCENT = Fraction(99)
US_REQUIRED_PERCENT = Fraction(97)
_NOT_WORKING = (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE)
# The platform cuts every socket at least every two hours; a charger that is back so soon was never away.
BRIEF = timedelta(minutes=2)


class Condition(StrEnum):
    """What a connector is to a driver."""

    WORKING = "working"
    OFFLINE = "offline"
    NOT_WORKING = "not_working"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LineChanged:
    """The charger came online, or went offline."""

    at: datetime
    online: bool


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A connector (None: the charger as a whole) became `status`, as we heard at `at`.

    `told_at` is the charger's own word for when, where its clock can have shown it.
    """

    at: datetime
    connector: ConnectorId | None
    status: ConnectorStatus
    told_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """Since when the connector has been so."""
        return self.told_at or self.at


Happening = LineChanged | StatusChanged


@dataclass(frozen=True, slots=True)
class Spell:
    """A connector was in one condition for a while."""

    condition: Condition
    began_at: datetime
    ended_at: datetime

    @property
    def lasted(self) -> timedelta:
        """For how long."""
        return self.ended_at - self.began_at


def spells(
    happenings: Iterable[Happening], connector: ConnectorId, since: datetime, until: datetime
) -> Sequence[Spell]:
    """One connector's conditions from `since` to `until`, without gaps; what happened before tells how it began."""
    found: list[Spell] = []
    for spell in _raw_spells(happenings, connector, since, until):
        before = found[-1] if found else None
        if before is not None and before.condition is spell.condition:
            found[-1] = Spell(before.condition, before.began_at, spell.ended_at)
        elif spell.ended_at > spell.began_at:
            found.append(spell)
    return _without_brief_absences(found)


def _raw_spells(
    happenings: Iterable[Happening], connector: ConnectorId, since: datetime, until: datetime
) -> Iterator[Spell]:
    online: bool | None = None
    own, whole = ConnectorStatus.UNKNOWN, ConnectorStatus.AVAILABLE
    began_at = since
    for event in sorted(happenings, key=lambda it: it.at):
        at = min(max(event.at, since), until)
        yield Spell(_condition(online, own, whole), began_at, at)
        began_at = at
        match event:
            case LineChanged():
                online = event.online
            case StatusChanged() if event.connector is None:
                whole = event.status
            case StatusChanged() if event.connector == connector:
                own = event.status
    yield Spell(_condition(online, own, whole), began_at, until)


def _condition(online: bool | None, own: ConnectorStatus, whole: ConnectorStatus) -> Condition:
    if online is None:
        return Condition.UNKNOWN
    if not online:
        return Condition.OFFLINE
    if own in _NOT_WORKING or whole in _NOT_WORKING:
        return Condition.NOT_WORKING
    # Online and silent about this connector: it has no trouble to report.
    return Condition.WORKING


def _without_brief_absences(found: Sequence[Spell]) -> Sequence[Spell]:
    kept: list[Spell] = []
    for index, spell in enumerate(found):
        in_between = 0 < index < len(found) - 1
        condition = spell.condition
        if condition is Condition.OFFLINE and in_between and spell.lasted <= BRIEF:
            condition = kept[-1].condition
        if kept and kept[-1].condition is condition:
            kept[-1] = Spell(condition, kept[-1].began_at, spell.ended_at)
        else:
            kept.append(Spell(condition, spell.began_at, spell.ended_at))
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """A connector's time by condition, and what two laws make of it. `excluded` is beyond the operator's control.

    `unknown` is the time before its charger was ever heard of, which is not measured. Percentages may be None for that.
    """

    measured: timedelta
    offline: timedelta
    not_working: timedelta
    unknown: timedelta
    excluded: timedelta

    @property
    def uk_percent(self) -> Fraction | None:
        """Reliable minutes of all minutes: offline and unknown are 'ineligible for measurement' (reg. 7(3)(b))."""
        return self._percent(self.not_working)

    @property
    def us_percent(self) -> Fraction | None:
        """((T - (T_outage - T_excluded)) / T) x 100; an outage is whatever is not known to be up."""
        return self._percent(self.not_working + self.offline)

    def _percent(self, outage: timedelta) -> Fraction | None:
        if not self.measured:
            return None
        counted = max(timedelta(0), outage - self.excluded)
        return 100 * (1 - Fraction(counted // _TICK, self.measured // _TICK))


_TICK = timedelta(microseconds=1)


def uptime(found: Sequence[Spell], excluded: timedelta = timedelta(0)) -> Uptime:
    """What `spells` come to."""

    def total(*conditions: Condition) -> timedelta:
        return sum((it.lasted for it in found if it.condition in conditions), timedelta(0))

    return Uptime(
        measured=total(Condition.WORKING, Condition.OFFLINE, Condition.NOT_WORKING),
        offline=total(Condition.OFFLINE),
        not_working=total(Condition.NOT_WORKING),
        unknown=total(Condition.UNKNOWN),
        excluded=excluded,
    )


def statuses_of(happened: Iterable[Happening], *places: ConnectorId | None) -> list[StatusChanged]:
    """What a connector told of itself (None: its charger as a whole)."""
    return [it for it in happened if isinstance(it, StatusChanged) and it.connector in places]


def silences(happened: Sequence[Happening], until: datetime) -> list[tuple[datetime, datetime]]:
    """When a charger could not be heard, until `until`: from when its line broke to when it was back."""
    found = []
    broke_at: datetime | None = None
    for it in sorted((it for it in happened if isinstance(it, LineChanged)), key=lambda it: it.at):
        if it.online and broke_at is not None:
            found.append((broke_at, min(it.at, until)))
            broke_at = None
        elif not it.online and broke_at is None:
            broke_at = it.at
    return [*found, (broke_at, until)] if broke_at is not None and broke_at < until else found
