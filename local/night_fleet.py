"""A month of a simulated fleet, by the product's own services: cars come home, are planned, charge, and leave.

Each car has days of its own, made of one number, with whatever goes wrong on them; nothing in it depends on the
machine. A night counts as one that could be ready where charging at once from plug-in to departure would have done it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from math import ceil
from time import perf_counter
from zoneinfo import ZoneInfo

from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.grid.outlook import QUARTER
from chalicelib.domain.vehicles.budget import CallKind
from chalicelib.domain.vehicles.capability import Capability
from chalicelib.domain.vehicles.night import NightNews
from chalicelib.domain.vehicles.telemetry import Telemetry
from chalicelib.domain.vehicles.wish import CarWish, ReadyBy
from chalicelib.records.vehicles import PositionSharing, Vehicle
from chalicelib.services.grid.home_plans import HomePlans
from chalicelib.services.grid.linear_planner import LinearPlanner
from chalicelib.services.vehicles.dispatch import CarDispatch
from chalicelib.services.vehicles.plans import CarNights
from local.night_car import NightCar
from local.night_makers import Faults, Line, kind
from local.night_market import ZONE, Prices, carbon_g, price_micros
from local.night_stores import MemoryNights, MemoryTeller, MemoryVehicles, NoSessions
from local.night_tally import Tally

FIRST = datetime(2026, 10, 1, 10, tzinfo=UTC)
_HOME = GeoPoint(52.52, 13.4)
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# How drivers' cars are made up: out of ten.
_MAKERS = ("tesla",) * 5 + ("enode",) * 2 + ("smartcar",) * 2 + ("manual",)
_BATTERIES_WH = (40_000, 58_000, 64_000, 77_000, 82_000)
_POWERS_W = (3_700, 7_400, 11_000)
_LOST = 0.1
_LITTLE = 2
_IN_DANGER = (NightNews.AT_RISK, NightNews.NOT_SEEN, NightNews.UNPLUGGED_EARLY)


@dataclass(slots=True, kw_only=True)
class _Moment:
    at: datetime

    def __call__(self) -> datetime:
        return self.at


class CarMonth:
    """One car's nights with the product's services around it."""

    def __init__(
        self,
        seed: int,
        faults: Faults,
        maker: str | None = None,
        *,
        unguarded: bool = False,
        streams: bool = False,
        sharing: PositionSharing = PositionSharing.COARSE,
    ) -> None:
        self.chance = random.Random(seed)
        self.faults = faults
        self.clock = _Moment(at=FIRST)
        self.tally = Tally(cars=1)
        self.kind = kind(maker or _MAKERS[seed % len(_MAKERS)], streams=streams)
        self.power_w = self.chance.choice(_POWERS_W)
        self.car = NightCar(
            at=FIRST,
            zone=ZoneInfo(ZONE),
            home=_HOME,
            battery_wh=self.chance.choice(_BATTERIES_WH),
            power_w=self.power_w,
            percent=self.chance.uniform(30, 80),
            keeps_by_place=Capability.SCHEDULE in self.kind.can,
        )
        self.vehicle_id = f"car-{seed}"
        self.usual_h = self.chance.uniform(16.5, 20.5)
        self.leaves = time(self.chance.randint(6, 8), self.chance.choice((0, 15, 30, 45)))
        self.target = self.chance.choice((70, 80, 80, 80, 90))
        if self.kind.name == "manual":
            # Whoever sets it by hand sets it as it is wanted.
            self.car.limit = self.target
        self.vehicles, self.nights, self.teller = MemoryVehicles(), MemoryNights(), MemoryTeller(self.clock)
        self.vehicles.put(
            Vehicle(
                vehicle_id=self.vehicle_id,
                driver_id="driver",
                maker=self.kind.name,
                name="car",
                added_at=FIRST,
                can=self.kind.can,
                battery_wh=self.car.battery_wh,
                sharing=sharing,
            )
        )
        self.line = Line(
            kind=self.kind, car=self.car, vehicle=self._vehicle, keep=self._keep, faults=faults, chance=self.chance
        )
        nobody = NoSessions()
        dispatch = CarDispatch(
            nights=self.nights, remote=self.line, sessions=nobody, teller=self.teller, clock=self.clock
        )
        self.services = CarNights(
            vehicles=self.vehicles,
            nights=self.nights,
            planner=HomePlans(outlooks=Prices(), planner=lambda: LinearPlanner(Highs())),
            sessions=nobody,
            dispatch=dispatch,
            clock=self.clock,
            asks=self,
        )
        self.dead: tuple[datetime, datetime] | None = None
        self.broke_at: datetime | None = None
        self.planned_s = 0.0
        self.percent_when_wanted = self.car.percent
        self.wish = CarWish(
            time_zone=ZONE,
            ready_by=(ReadyBy(self.leaves, self.target),) * 7,
            home=_HOME,
            price_site="home",
            power_w=self.power_w,
            waits_unguarded=unguarded,
        )

    def run(self, days: int) -> Tally:
        """So many nights, one after another."""
        self.services.wish("driver", self.vehicle_id, self.wish)
        for day in range(days):
            self._night(FIRST + day * _DAY)
        self.tally.calls = dict(self.line.calls)
        months = max(1.0, days / 30)
        self.tally.micro_usd = self.line.micro_usd
        self.tally.dearest_car_micro_usd = max([0, *self.line.months.values()])
        self.tally.most_wakes = ceil(self.line.calls.get(CallKind.WAKE, 0) / months)
        self.tally.wakes_outside = self.line.unasked_wakes
        self.tally.makers_wakes = self.car.wakes if self.kind.wakes_itself else 0
        self.tally.writes, self.tally.notices = self.nights.writes, len(self.teller.told)
        return self.tally

    def plan(self, vehicle_id: str) -> None:
        """The port NightAsks, at once: the queue in between is the product's."""
        self.services.plan(vehicle_id)

    def go_on_with(self, vehicle_ids: Sequence[str]) -> None:
        """As the queue would."""
        for it in vehicle_ids:
            self.services.look(it)

    def _vehicle(self) -> Vehicle:
        return self.vehicles.known[self.vehicle_id]

    def _keep(self, told: Telemetry) -> None:
        self.vehicles.change(self.vehicle_id, lambda it: replace(it, telemetry=it.telemetry.merged(told)))

    def _is_dead(self, at: datetime) -> bool:
        return self.dead is not None and self.dead[0] <= at < self.dead[1]

    def _push(self) -> None:
        """The car tells by itself, if somebody hears it."""
        at = self.clock.at
        chance = self.chance.random()
        if self.kind.pushes and self.line.covers(at):
            self.line.hear(at)
        is_heard = self.kind.pushes and self.line.covers(at) and not self.line.is_revoked and not self._is_dead(at)
        if not is_heard or chance < self.faults.lost_news:
            return
        for _ in range(2 if chance > 1 - self.faults.doubled_news else 1):
            self._keep(self.car.tells())
            self.services.heard(self._vehicle())

    def _go_on(self, until: datetime) -> None:
        """What the car does and what is due, in order, up to that moment."""
        while True:
            moments = [until]
            if (own := self.car.next_at()) is not None:
                moments.append(max(own, self.clock.at))
            night = self.nights.get(self.vehicle_id)
            due_at = night.next_at if night is not None else None
            if due_at is not None:
                # The schedule comes round each minute; a dead Kerb comes back to all that was due.
                ticked = datetime.fromtimestamp(
                    ceil(max(due_at, self.clock.at + _MINUTE / 2).timestamp() / 60) * 60, UTC
                )
                moments.append(self.dead[1] if self.dead and self._is_dead(ticked) else ticked)
            self.clock.at = min(moments)
            if self.car.go(self.clock.at):
                self._push()
            if due_at is not None and due_at <= self.clock.at and not self._is_dead(self.clock.at):
                self.services.look(self.vehicle_id)
            if self.clock.at >= until:
                return

    def _night(self, noon: datetime) -> None:
        chance, car, faults = self.chance, self.car, self.faults
        day = noon.astimezone(ZoneInfo(ZONE)).date()
        midnight = datetime.combine(day, time(), ZoneInfo(ZONE)).astimezone(UTC)
        arrives = midnight + timedelta(hours=max(13.0, min(23.0, chance.gauss(self.usual_h, 0.75))))
        wanted = datetime.combine(day + _DAY, self.leaves, ZoneInfo(ZONE)).astimezone(UTC)
        leaves = wanted + timedelta(minutes=chance.uniform(2, 40))
        if chance.random() < faults.unplugged_early:
            leaves = arrives + timedelta(hours=chance.uniform(0.5, 8))
        self._go_on(arrives)
        car.drive(chance.uniform(8, 45))
        self._set_faults(arrives, leaves)
        if chance.random() < 0.08:
            # Not plugged in that night.
            self._go_on(leaves)
            return
        car.plug_in(arrives)
        began_percent, from_drawn = car.percent, len(car.drawn)
        told_before = set(self.teller.told)
        if self.kind.name == "manual":
            self._typed()
        began_s = perf_counter()
        self._push()
        self.planned_s = perf_counter() - began_s
        self._go_on(leaves)
        self._settle(arrives, wanted, leaves, began_percent, from_drawn, told_before)
        car.unplug(leaves)
        self._push()

    def _set_faults(self, arrives: datetime, leaves: datetime) -> None:
        chance, faults = self.chance, self.faults
        line = self.line
        line.is_revoked = chance.random() < faults.revoked
        line.down = _span(chance, faults.outage, arrives, leaves, 4)
        line.uncovered = _span(chance, faults.uncovered, arrives, leaves, 10)
        self.dead = _span(chance, faults.kerb_dead, arrives, leaves, 12)
        does_break = chance.random() < faults.breaks_off
        self.broke_at = self.car.breaks_at = arrives + chance.random() * (leaves - arrives) if does_break else None

    def _typed(self) -> None:
        """The driver of a car that tells nothing types its percentage, and that it is plugged in."""
        told = self.car.tells()
        self._keep(Telemetry(percent=told.percent, is_plugged=told.is_plugged))
        self.services.heard(self._vehicle())

    def _settle(
        self,
        arrives: datetime,
        wanted: datetime,
        leaves: datetime,
        began_percent: float,
        from_drawn: int,
        told_before: set[tuple[str, int, NightNews]],
    ) -> None:
        tally, car = self.tally, self.car
        until = min(wanted, leaves)
        hours = max(0.0, (until - arrives) / _HOUR)
        target = self.target
        possible = began_percent + self.power_w * hours * (1 - _LOST) / car.battery_wh * 100 * 0.97
        most = 100 if Capability.SET_LIMIT in self.kind.can else car.limit
        could_be = min(possible, most) >= target - _LITTLE and leaves >= wanted
        if self.broke_at is not None:
            # Charged at once it would have broken off too.
            needed_wh = (target - began_percent) / 100 * car.battery_wh / (1 - _LOST)
            could_be &= self.broke_at >= arrives + needed_wh / self.power_w * _HOUR * 1.1
        # What it had at the moment it was to be ready: nothing is drawn between then and its leaving but what is late.
        late = sum(((to - max(since, until)) / _HOUR for since, to in car.drawn[from_drawn:] if to > until), 0.0)
        percent = car.percent - self.power_w * late * (1 - _LOST) / car.battery_wh * 100
        is_ready = percent >= target - _LITTLE
        self.percent_when_wanted = percent
        new = [(key[2], at) for key, at in self.teller.told.items() if key not in told_before]
        if self.kind.pushes:
            tally.notice_s += [
                (at - arrives).total_seconds() + self.planned_s for news, at in new if news is NightNews.PLANNED
            ]
        # A consent that is taken back is told by whoever keeps the links.
        is_told = self.line.is_revoked or any(news in _IN_DANGER and at <= until for news, at in new)
        tally.nights += 1
        tally.could_be += could_be
        tally.ready += could_be and is_ready
        tally.missed += could_be and not is_ready
        tally.missed_untold += could_be and not is_ready and not is_told
        tally.unready_untold += not is_ready and leaves >= wanted and not is_told
        tally.warned_in_vain += is_ready and is_told
        night = self.nights.get(self.vehicle_id)
        if night is not None and night.plugged_at >= arrives:
            tally.planned += 1
            tally.waited += night.plan is not None and night.plan.waits
        if not is_ready and leaves >= wanted:
            tally.stories.append(self._story(arrives, wanted, percent, target, could_be=could_be, is_told=is_told))
        tally.low_days += car.lowest_percent < 80.0
        car.lowest_percent = car.low_percent
        self._weigh(arrives, car.drawn[from_drawn:])

    def _weigh(self, arrives: datetime, drawn: list[tuple[datetime, datetime]]) -> None:
        """What it cost and emitted, and what the same would have from the plug-in on."""
        tally, total = self.tally, timedelta(0)
        for since, to in drawn:
            at = since
            while at < to:
                quarter = datetime.fromtimestamp(at.timestamp() // 900 * 900, UTC)
                until = min(to, quarter + QUARTER)
                kwh = self.power_w / 1000 * ((until - at) / _HOUR)
                tally.kwh += kwh
                tally.cost += kwh * price_micros(quarter) / 1e6
                tally.carbon_kg += kwh * carbon_g(quarter) / 1000
                total += until - at
                at = until
        at = arrives
        while total > timedelta(0):
            quarter = datetime.fromtimestamp(at.timestamp() // 900 * 900, UTC)
            part = min(total, quarter + QUARTER - at)
            kwh = self.power_w / 1000 * (part / _HOUR)
            tally.cost_at_once += kwh * price_micros(quarter) / 1e6
            tally.carbon_kg_at_once += kwh * carbon_g(quarter) / 1000
            total -= part
            at = quarter + QUARTER

    def _story(
        self, arrives: datetime, wanted: datetime, percent: float, target: int, *, could_be: bool, is_told: bool
    ) -> str:
        faults = (
            [name for name in ("is_revoked", "down", "uncovered") if getattr(self.line, name)]
            + (["kerb_dead"] if self.dead else [])
            + (["breaks_off"] if self.broke_at else [])
        )
        night = self.nights.get(self.vehicle_id)
        orders = [f"{it.act}:{it.stage}" for it in night.orders] if night else []
        return (
            f"{self.vehicle_id} {self.kind.name} {arrives:%m-%d %H:%M}-{wanted:%H:%M} {percent:.0f}/{target} "
            f"could={could_be} told={is_told} {faults} {orders} {self.car.state}"
        )


def _span(
    chance: random.Random, likely: float, begins_at: datetime, ends_at: datetime, most_h: float
) -> tuple[datetime, datetime] | None:
    if chance.random() >= likely:
        return None
    since = begins_at + chance.random() * (ends_at - begins_at)
    return since, since + timedelta(hours=chance.uniform(0.3, most_h))


def fleet(
    cars: int, nights: int, faults: Faults, first: int = 0, *, unguarded: bool = False, streams: bool = False
) -> Mapping[str, Tally]:
    """So many cars' months, by maker. `unguarded`: their drivers let those wait that keep no schedule.

    `streams`: there is a server for the cars that tell by themselves to nobody else.
    """
    found: dict[str, Tally] = {}
    for seed in range(first, first + cars):
        month = CarMonth(seed, faults, unguarded=unguarded, streams=streams)
        found.setdefault(month.kind.name, Tally()).add(month.run(nights))
    return found
