"""A simulated car at a simulated plug: it charges, keeps a schedule of its own, sleeps, and has a 12 V battery to lose.

It knows time only by being told to go on to a moment. What it says of itself it says with its own time of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.vehicles.capability import ChargingState, OwnSchedule
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Plugged in so soon after its schedule's time it begins at once (Tesla's owner's manual, scheduled charging).
_STILL_BEGINS = timedelta(hours=6)
_NO_SCHEDULE = OwnSchedule(is_on=False)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# So long after the last thing that happened to it a car falls asleep.
AWAKE_FOR = timedelta(minutes=15)
_SAYS_EACH, _SAYS_WITHIN = timedelta(minutes=20), timedelta(seconds=20)
# Beyond that a battery takes less and less.
_TAPERS_FROM, _TAPERED = 93.0, 0.55
_LOST = 0.1
# What being woken, an hour awake, and an hour asleep take of a 12 V battery, in percent; driving and charging fill it.
_WAKE_PERCENT, _AWAKE_PERCENT, _ASLEEP_PERCENT, _FILLS_PERCENT = 1.2, 0.9, 0.05, 12.0


@dataclass(slots=True, kw_only=True)
class NightCar:
    """One car. `limit` is the percentage at which it stops by itself; `breaks_at`: then its charge breaks off."""

    at: datetime
    zone: tzinfo
    home: GeoPoint
    battery_wh: int
    power_w: int
    percent: float
    limit: int = 80
    schedule: OwnSchedule = _NO_SCHEDULE
    keeps_by_place: bool = False
    plugged_at: datetime | None = None
    state: ChargingState = ChargingState.UNPLUGGED
    awake_until: datetime = _LONG_AGO
    wakes_at: datetime | None = None
    breaks_at: datetime | None = None
    starts_at: datetime | None = None
    wakes: int = 0
    low_percent: float = 100.0
    lowest_percent: float = 100.0
    drawn: list[tuple[datetime, datetime]] = field(default_factory=list)
    _says_at: datetime | None = None
    _changed_at: datetime | None = None

    @property
    def is_awake(self) -> bool:
        """Whether it answers."""
        return self.state is ChargingState.CHARGING or self.at < self.awake_until

    def next_at(self) -> datetime | None:
        """When it does something by itself next."""
        moments = [
            self._changed_at,
            self.wakes_at,
            self.starts_at,
            self._says_at if self.state is ChargingState.CHARGING else None,
        ]
        if self.state is ChargingState.CHARGING:
            moments += [self._full_at(), self.breaks_at]
        return min((it for it in moments if it is not None), default=None)

    def go(self, at: datetime) -> bool:
        """Go on to that moment; whether it has something new to say."""
        is_news = False
        while (then := self.next_at()) is not None and then <= at:
            self._pass(max(then, self.at))
            is_news |= self._happen()
        self._pass(at)
        return is_news

    def plug_in(self, at: datetime) -> None:
        """It is plugged in, and begins at once unless its own schedule says later."""
        self.plugged_at = at
        self.state = ChargingState.STOPPED
        self._stay_awake()
        self._by_schedule()
        if self.starts_at is None or self.starts_at > at + _DAY - _STILL_BEGINS:
            self.starts_at = None
            self._begin()

    def unplug(self, at: datetime) -> None:
        """It drives away."""
        self.plugged_at, self.starts_at, self.state, self.breaks_at = None, None, ChargingState.UNPLUGGED, None
        self._stay_awake()

    def drive(self, percent: float) -> None:
        """It is driven, which fills what starts it."""
        self.percent = max(3.0, self.percent - percent)
        self.low_percent = min(100.0, self.low_percent + _FILLS_PERCENT)

    def wake(self, at: datetime, delay: timedelta) -> None:
        """Somebody wakes it from afar; it takes a while."""
        if not self.is_awake and self.wakes_at is None:
            self.wakes += 1
            self._lose(_WAKE_PERCENT)
            self.wakes_at = at + delay

    def start(self) -> bool:
        """Begin to charge; False where it will not: unplugged, or full."""
        self._stay_awake()
        self._changed_at = self.at + _SAYS_WITHIN
        if self.state is ChargingState.CHARGING:
            return True
        if self.plugged_at is None or self.percent >= self.limit:
            return False
        self.starts_at = None
        self._begin()
        return True

    def stop(self) -> bool:
        """Charge no further; False where nothing is plugged in."""
        self._stay_awake()
        self._changed_at = self.at + _SAYS_WITHIN
        if self.plugged_at is None:
            return False
        if self.state is ChargingState.CHARGING:
            self.state = ChargingState.STOPPED
            # A schedule that stands begins at its own time, whoever stopped it before.
            self._by_schedule()
        return True

    def keep(self, schedule: OwnSchedule) -> None:
        """It keeps that schedule from now on; a charge under way goes on."""
        self._stay_awake()
        self._changed_at = self.at + _SAYS_WITHIN
        self.schedule = schedule
        if self.state is ChargingState.STOPPED:
            self._by_schedule()

    def set_limit(self, percent: int) -> None:
        """It charges so far and no further."""
        self._stay_awake()
        self._changed_at = self.at + _SAYS_WITHIN
        self.limit = percent
        if self.state is ChargingState.FULL and self.percent < percent:
            self._begin()

    def tells(self) -> Telemetry:
        """All that it says of itself now."""
        at = self.at
        return Telemetry(
            percent=Observed(int(self.percent + 0.01), at),
            battery_wh=Observed(self.battery_wh, at),
            limit_percent=Observed(self.limit, at),
            is_plugged=Observed(self.plugged_at is not None, at),
            charging=Observed(self.state, at),
            power_w=Observed(round(self._power_w()) if self.state is ChargingState.CHARGING else 0, at),
            position=Observed(self.home, at),
            schedule=Observed(self.schedule, at),
            schedule_by_place=Observed(self.keeps_by_place, at),
            is_awake=Observed(True, at),
        )

    def _happen(self) -> bool:
        at = self.at
        if self._changed_at is not None and self._changed_at <= at:
            self._changed_at = None
            return True
        if self.wakes_at is not None and self.wakes_at <= at:
            self.wakes_at = None
            self._stay_awake()
            return True
        if self.starts_at is not None and self.starts_at <= at:
            self.starts_at = None
            self._begin()
            return True
        if self.state is ChargingState.CHARGING and self.breaks_at is not None and self.breaks_at <= at:
            self.breaks_at = None
            self.state = ChargingState.STOPPED
            self._stay_awake()
            return True
        if self.state is ChargingState.CHARGING and self.percent >= self.limit - 0.01:
            self.state = ChargingState.FULL
            self._stay_awake()
            return True
        self._says_at = at + _SAYS_EACH
        return True

    def _begin(self) -> None:
        if self.percent >= self.limit:
            self.state = ChargingState.FULL
            return
        self.state = ChargingState.CHARGING
        self._says_at = self.at + _SAYS_EACH

    def _by_schedule(self) -> None:
        """When it begins by itself: the next time that its clock shows what it keeps; None where it keeps nothing."""
        self.starts_at = None
        if self.schedule.is_on and self.schedule.starts_at is not None:
            here = self.at.astimezone(self.zone)
            then = datetime.combine(here.date(), self.schedule.starts_at, self.zone)
            if then.astimezone(self.at.tzinfo) <= self.at:
                then = datetime.combine(here.date() + timedelta(days=1), self.schedule.starts_at, self.zone)
            self.starts_at = then.astimezone(self.at.tzinfo)

    def _pass(self, at: datetime) -> None:
        if at <= self.at:
            return
        hours = (at - self.at) / _HOUR
        if self.state is ChargingState.CHARGING:
            self.drawn.append((self.at, at))
            gained = self._power_w() * hours * (1 - _LOST) / self.battery_wh * 100
            self.percent = min(100.0, float(self.limit), self.percent + gained)
            self.low_percent = min(100.0, self.low_percent + _FILLS_PERCENT * hours)
        else:
            awake = max(0.0, min(hours, (self.awake_until - self.at) / _HOUR)) if self.awake_until > self.at else 0.0
            self._lose(_AWAKE_PERCENT * awake + _ASLEEP_PERCENT * (hours - awake))
        self.at = at

    def _power_w(self) -> float:
        return self.power_w * (_TAPERED if self.percent >= _TAPERS_FROM else 1.0)

    def _full_at(self) -> datetime:
        """When it reaches its limit, or where it begins to take less."""
        mark = _TAPERS_FROM if self.percent < _TAPERS_FROM < self.limit else float(self.limit)
        wh = max(0.0, mark - self.percent) / 100 * self.battery_wh / (1 - _LOST)
        return self.at + timedelta(hours=wh / self._power_w(), seconds=1)

    def _stay_awake(self) -> None:
        self.awake_until = max(self.awake_until, self.at + AWAKE_FOR)

    def _lose(self, percent: float) -> None:
        self.low_percent = max(0.0, self.low_percent - percent)
        self.lowest_percent = min(self.lowest_percent, self.low_percent)
