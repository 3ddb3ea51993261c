"""What a simulated night keeps in memory in place of tables: a car, its night and wishes, what its driver was told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain.vehicles.match import CarMatch, SeenSession
from chalicelib.domain.vehicles.night import Night, NightNews
from chalicelib.domain.vehicles.telemetry import Observed
from chalicelib.domain.vehicles.wish import CarWish, Departure
from chalicelib.records.vehicles import Vehicle


@dataclass(slots=True)
class MemoryVehicles:
    """The port Vehicles, by a dictionary."""

    known: dict[str, Vehicle] = field(default_factory=dict)

    def put(self, vehicle: Vehicle) -> None:
        self.known.setdefault(vehicle.vehicle_id, vehicle)

    def get(self, vehicle_id: str) -> Vehicle | None:
        return self.known.get(vehicle_id)

    def of_driver(self, driver_id: str) -> Sequence[Vehicle]:
        return [it for it in self.known.values() if it.driver_id == driver_id]

    def by_maker_id(self, maker: str, maker_id: str) -> Vehicle | None:
        return next((it for it in self.known.values() if (it.maker, it.maker_id) == (maker, maker_id)), None)

    def change(self, vehicle_id: str, change: Callable[[Vehicle], Vehicle]) -> Vehicle | None:
        if vehicle_id in self.known:
            self.known[vehicle_id] = change(self.known[vehicle_id])
        return self.known.get(vehicle_id)

    def forget(self, vehicle: Vehicle) -> None:
        self.known.pop(vehicle.vehicle_id, None)


@dataclass(slots=True)
class MemoryNights:
    """The port Nights, by a dictionary; `writes` counts what would be written."""

    known: dict[str, Night] = field(default_factory=dict)
    wishes: dict[str, CarWish] = field(default_factory=dict)
    writes: int = 0

    def get(self, vehicle_id: str) -> Night | None:
        return self.known.get(vehicle_id)

    def change(self, vehicle_id: str, change: Callable[[Night | None], Night | None]) -> Night | None:
        before = self.known.get(vehicle_id)
        after = change(before)
        if after is None:
            return before
        self.writes += 1
        self.known[vehicle_id] = replace(after, revision=(before.revision if before else 0) + 1)
        return self.known[vehicle_id]

    def due(self, at: datetime, shard: int | None = None) -> Iterable[str]:
        found = [(it.next_at, name) for name, it in self.known.items() if it.next_at is not None and it.next_at <= at]
        return [name for _, name in sorted(found)]

    def wish(self, vehicle_id: str) -> CarWish | None:
        return self.wishes.get(vehicle_id)

    def keep_wish(self, vehicle_id: str, wish: CarWish) -> None:
        self.wishes[vehicle_id] = wish

    def forget(self, vehicle_id: str) -> None:
        self.known.pop(vehicle_id, None)
        self.wishes.pop(vehicle_id, None)


@dataclass(slots=True)
class MemoryTeller:
    """The port NightTeller: what was told, once for each plan."""

    clock: Callable[[], datetime]
    told: dict[tuple[str, int, NightNews], datetime] = field(default_factory=dict)

    def tell(self, night: Night, news: NightNews) -> None:
        self.told.setdefault((night.vehicle_id, night.number, news), self.clock())


@dataclass(slots=True)
class NoSessions:
    """The ports CarSessions and CarMatches of a car that never stands at a charger of ours."""

    def of_driver(self, driver_id: str) -> Iterable[SeenSession]:
        return ()

    def is_of(self, session_id: str, driver_id: str) -> bool:
        return False

    def naming(self, driver_id: str) -> Iterable[tuple[str, str]]:
        return ()

    def name_car(self, session_id: str, name: str) -> None:
        return None

    def is_planned(self, session_id: str) -> bool:
        return False

    def wish(self, session_id: str, departure: Departure | None, percent: int | None, battery_wh: int | None) -> bool:
        return False

    def tell_percent(self, session_id: str, percent: Observed[int]) -> None:
        return None

    def of_session(self, session_id: str) -> CarMatch | None:
        return None

    def keep(self, match: CarMatch, before: CarMatch | None) -> bool:
        return False

    def trusted(self, driver_id: str) -> frozenset[str]:
        return frozenset()

    def trust(self, driver_id: str, vehicle_id: str, *, is_so: bool) -> None:
        return None
