"""A driver's car at home with the services around it: a remote that does as it is told, and a planner's cheap night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from chalicelib.domain.vehicles.capability import TOLD, Capability, CarCommand, ChargingState
from chalicelib.domain.vehicles.dispatch import Act, Stage
from chalicelib.domain.vehicles.events import EventOutcome
from chalicelib.domain.vehicles.match import SeenSession
from chalicelib.domain.vehicles.night import NightNews
from chalicelib.domain.vehicles.plan import CarPlan, CarQuestion, kept_start
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry
from chalicelib.domain.vehicles.wish import CarWish, Departure, ReadyBy
from chalicelib.records.vehicles import AnswerKind, CarAnswer, Vehicle
from chalicelib.services.vehicles.dispatch import CarDispatch
from chalicelib.services.vehicles.plans import CarNights
from local.night_stores import MemoryNights, MemoryTeller, MemoryVehicles

EVENING = datetime(2026, 11, 30, 18, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ALL = TOLD | {Capability.PUSH, Capability.START_STOP, Capability.SCHEDULE, Capability.WAKE}
CHEAP_FROM = datetime(2026, 12, 1, 1, tzinfo=UTC)
WISH = CarWish(ready_by=(ReadyBy(time(7), 80),) * 7, price_site="home")


@dataclass(slots=True)
class Remote:
    """Accepts what it is told unless `answers` say otherwise; `broken`: nobody is reached."""

    vehicles: MemoryVehicles
    sent: list[CarCommand] = field(default_factory=list)
    answers: list[AnswerKind] = field(default_factory=list)
    broken: Exception | None = None
    looks: int = 0

    def look(self, vehicle_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        self.looks += 1
        if self.broken is not None:
            raise self.broken
        return self.vehicles.known[vehicle_id].telemetry

    def send(self, vehicle_id: str, command: CarCommand, at: datetime) -> CarAnswer:
        if self.broken is not None:
            raise self.broken
        self.sent.append(command)
        return CarAnswer(self.answers.pop(0) if self.answers else AnswerKind.ACCEPTED)


@dataclass(slots=True)
class Sessions:
    """One session of the driver's at a charger of ours; `is_shared`: its site's power is planned."""

    is_shared: bool = True
    wishes: list[Departure | None] = field(default_factory=list)
    percents: list[int] = field(default_factory=list)
    car: str = ""
    is_over: bool = False

    def of_driver(self, driver_id: str) -> list[SeenSession]:
        is_under_way = driver_id == "driver" and not self.is_over
        return [SeenSession(session_id="s", plugged_at=EVENING, car=self.car)] if is_under_way else []

    def is_of(self, session_id: str, driver_id: str) -> bool:
        return (session_id, driver_id) == ("s", "driver")

    def naming(self, driver_id: str) -> list[tuple[str, str]]:
        return [("s", self.car)] if driver_id == "driver" and self.car else []

    def name_car(self, session_id: str, name: str) -> None:
        self.car = name

    def is_planned(self, session_id: str) -> bool:
        return self.is_shared

    def wish(self, session_id: str, departure: Departure | None, percent: int | None, battery_wh: int | None) -> bool:
        self.wishes.append(departure)
        return self.is_shared

    def tell_percent(self, session_id: str, percent: Observed[int]) -> None:
        self.percents.append(percent.value)


@dataclass(slots=True)
class CheapAtNight:
    """A planner to whom the night is cheap for five hours from one o'clock on."""

    asked: list[CarQuestion] = field(default_factory=list)

    def plan(self, question: CarQuestion) -> CarPlan | None:
        self.asked.append(question)
        begins_at = question.at.replace(minute=0, second=0, microsecond=0)
        is_cheap = [CHEAP_FROM <= begins_at + it * 15 * MINUTE < CHEAP_FROM + 5 * HOUR for it in range(96)]
        plan = CarPlan(
            planned_at=question.at,
            begins_at=begins_at,
            power_w=tuple(question.power_w if it else 0 for it in is_cheap),
            starts_at=CHEAP_FROM,
            ready_at=CHEAP_FROM + 4 * HOUR,
            energy_wh=question.energy_wh,
            price_micros=tuple(100_000 if it else 300_000 for it in is_cheap),
        )
        return replace(plan, starts_at=kept_start(plan, question))


class House:
    """The car, what is known of it, and the services."""

    def __init__(self, can: frozenset[Capability] = ALL, wish: CarWish = WISH, percent: int = 40) -> None:
        self.at, self.percent = EVENING, percent
        self.vehicles, self.nights = MemoryVehicles(), MemoryNights()
        self.teller, self.remote = MemoryTeller(self.clock), Remote(self.vehicles)
        self.sessions, self.planner = Sessions(), CheapAtNight()
        self.vehicles.put(
            Vehicle(
                vehicle_id="car",
                driver_id="driver",
                maker="any",
                name="Zoe",
                added_at=EVENING,
                can=can,
                battery_wh=60_000,
            )
        )
        self.nights.keep_wish("car", wish)
        dispatch = CarDispatch(
            nights=self.nights, remote=self.remote, sessions=self.sessions, teller=self.teller, clock=self.clock
        )
        self.services = CarNights(
            vehicles=self.vehicles,
            nights=self.nights,
            planner=self.planner,
            sessions=self.sessions,
            dispatch=dispatch,
            clock=self.clock,
            asks=self,
        )

    def clock(self) -> datetime:
        return self.at

    def plan(self, vehicle_id: str) -> None:
        self.services.plan(vehicle_id)

    def go_on_with(self, vehicle_ids: Sequence[str]) -> None:
        for it in vehicle_ids:
            self.services.look(it)

    def says(self, **told: object) -> EventOutcome:
        """The car says so, now."""
        news = Telemetry(**{name: Observed(value, self.at) for name, value in told.items()})  # type: ignore[arg-type]
        vehicle = self.vehicles.change("car", lambda it: replace(it, telemetry=it.telemetry.merged(news)))
        assert vehicle is not None
        return self.services.heard(vehicle)

    def plug_in(self) -> EventOutcome:
        return self.says(is_plugged=True, charging=ChargingState.CHARGING, percent=self.percent)

    def pass_until(self, until: datetime) -> None:
        """Time passes, and each minute all that is due is done."""
        while self.at < until:
            self.at += MINUTE
            self.services.look_due()

    def told(self) -> list[NightNews]:
        return [it for _, _, it in self.teller.told]

    def stages(self) -> dict[Act, Stage]:
        return {it.act: it.stage for it in self.nights.known["car"].orders}
