"""Simulated makers behind the port CarRemote: what each kind of car can do, what its calls cost, and what goes wrong.

The same as `local/makers.py` without a wire, so that a month of a thousand cars passes in minutes. Every call is
counted, and billed even where it failed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.adapters.vehicles.makers import maker_class
from chalicelib.domain.vehicles.budget import (
    NOTHING_SPENT,
    CallKind,
    CallPrices,
    Spending,
    counted,
    refused_until,
    streamed,
)
from chalicelib.domain.vehicles.capability import (
    Capability,
    CarCommand,
    ChargingState,
    SetCarLimit,
    SetOwnSchedule,
    StartCarCharge,
    StopCarCharge,
    WakeCar,
    needed,
)
from chalicelib.domain.vehicles.telemetry import Telemetry
from chalicelib.records.vehicles import (
    AnswerKind,
    BudgetSpent,
    CarAnswer,
    CarAsleep,
    CarUnreachable,
    LinkBroken,
    MakerUnavailable,
    Vehicle,
)
from local.night_car import NightCar

# A car's word is its charging state, its percentage and its limit at the most.
_SIGNALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Cars of one maker: what they can do, its prices. `wakes_itself`: a command wakes the car by the maker's hand."""

    name: str
    can: frozenset[Capability]
    prices: CallPrices
    wakes_itself: bool = False

    @property
    def pushes(self) -> bool:
        """Whether its cars tell by themselves."""
        return Capability.PUSH in self.can


def kind(name: str, *, streams: bool = False) -> Kind:
    """A maker's cars by what its adapter says of them; where nobody can wake one, its maker does for a command.

    `streams`: there is a server for those that tell by themselves to nobody else.
    """
    if name == "manual":
        return Kind(name=name, can=frozenset({Capability.PERCENT}), prices=CallPrices())
    adapter = maker_class(name)
    is_woken = Capability.WAKE not in adapter.offers
    needs_server = "stream" in adapter.addresses and not streams
    can = adapter.offers - {Capability.PUSH} if needs_server else adapter.offers
    return Kind(name=name, can=can, prices=adapter.prices, wakes_itself=is_woken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How likely each thing goes wrong: for a call, or for a night."""

    ignores: float = 0.02
    stale: float = 0.05
    lost_news: float = 0.03
    doubled_news: float = 0.02
    outage: float = 0.03
    uncovered: float = 0.04
    revoked: float = 0.004
    breaks_off: float = 0.01
    unplugged_early: float = 0.02
    kerb_dead: float = 0.02


NO_FAULTS = Faults(
    ignores=0,
    stale=0,
    lost_news=0,
    doubled_news=0,
    outage=0,
    uncovered=0,
    revoked=0,
    breaks_off=0,
    unplugged_early=0,
    kerb_dead=0,
)


@dataclass(slots=True, kw_only=True)
class Line:
    """What stands between us and one car: its maker, its coverage, its driver's consent, and the bill.

    `keep(telemetry)` stores what the car said.
    """

    kind: Kind
    car: NightCar
    vehicle: Callable[[], Vehicle]
    keep: Callable[[Telemetry], None]
    faults: Faults
    chance: random.Random
    is_revoked: bool = False
    down: tuple[datetime, datetime] | None = None
    uncovered: tuple[datetime, datetime] | None = None
    spent: Spending = NOTHING_SPENT
    calls: dict[CallKind, int] = field(default_factory=dict)
    unasked_wakes: int = 0
    micro_usd: int = 0
    months: dict[str, int] = field(default_factory=dict)
    _stale: Telemetry | None = None

    def look(self, vehicle_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        """The port's; a car that sleeps is not woken by it."""
        self._bill(CallKind.DATA, at)
        self.car.go(at)
        self._reach(at)
        if not self.car.is_awake:
            raise CarAsleep
        told = self.car.tells()
        if self._stale is not None and self.chance.random() < self.faults.stale:
            told = self._stale
        self._stale = told
        self.keep(told)
        return self.vehicle().telemetry

    def send(self, vehicle_id: str, command: CarCommand, at: datetime) -> CarAnswer:
        """The port's: what is accepted may still be ignored."""
        if needed(command) not in self.kind.can:
            return CarAnswer(AnswerKind.REFUSED, "cannot")
        self._bill(CallKind.WAKE if isinstance(command, WakeCar) else CallKind.COMMAND, at)
        self.car.go(at)
        self._reach(at)
        delay = timedelta(seconds=self.chance.randint(20, 150))
        if isinstance(command, WakeCar):
            self.car.wake(at, delay)
            return CarAnswer(AnswerKind.ACCEPTED)
        if not self.car.is_awake:
            if self.kind.wakes_itself:
                self.unasked_wakes += not isinstance(command, StartCarCharge)
                self.car.wake(at, delay)
            return CarAnswer(AnswerKind.UNREACHABLE if self.kind.wakes_itself else AnswerKind.ASLEEP)
        if self.chance.random() < self.faults.ignores:
            return CarAnswer(AnswerKind.ACCEPTED)
        return self._done(command)

    def hear(self, at: datetime) -> None:
        """What the car tells by itself is billed, whoever hears it."""
        self.spent = streamed(self.spent, _SIGNALS, self.kind.prices, at)
        self.micro_usd += _SIGNALS * self.kind.prices.signal
        self.months[f"{at:%Y-%m}"] = self.spent.micro_usd

    @property
    def is_cut(self) -> bool:
        """Whether something stands between us and the car this night."""
        return self.is_revoked or self.down is not None or self.uncovered is not None

    def covers(self, at: datetime) -> bool:
        """Whether the car and its maker can reach each other."""
        return not _within(self.uncovered, at)

    def _done(self, command: CarCommand) -> CarAnswer:
        is_so, is_charging = True, self.car.state is ChargingState.CHARGING
        match command:
            case StartCarCharge() if is_charging:
                return CarAnswer(AnswerKind.ALREADY)
            case StopCarCharge() if not is_charging and self.car.plugged_at is not None:
                return CarAnswer(AnswerKind.ALREADY)
            case StartCarCharge():
                is_so = self.car.start()
            case StopCarCharge():
                is_so = self.car.stop()
            case SetCarLimit():
                self.car.set_limit(command.percent)
            case SetOwnSchedule(schedule, place) if not self.car.keeps_by_place or place or not schedule.is_on:
                self.car.keep(schedule)
            case SetOwnSchedule():
                is_so = False
        return CarAnswer(AnswerKind.ACCEPTED if is_so else AnswerKind.REFUSED, "" if is_so else "complete")

    def _reach(self, at: datetime) -> None:
        if self.is_revoked:
            raise LinkBroken
        if _within(self.down, at):
            raise MakerUnavailable("503", timedelta(minutes=2))
        if not self.covers(at):
            raise CarUnreachable

    def _bill(self, kind: CallKind, at: datetime) -> None:
        if (until := refused_until(self.spent, kind, self.kind.prices, at)) is not None:
            raise BudgetSpent("budget", until)
        self.spent = counted(self.spent, kind, self.kind.prices, at)
        self.calls[kind] = self.calls.get(kind, 0) + 1
        self.micro_usd += self.kind.prices.of(kind)
        self.months[f"{at:%Y-%m}"] = self.spent.micro_usd


def _within(span: tuple[datetime, datetime] | None, at: datetime) -> bool:
    return span is not None and span[0] <= at < span[1]
