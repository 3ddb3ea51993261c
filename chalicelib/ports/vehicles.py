"""What the services ask of drivers' cars, the makers behind them, and what is kept of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.chargers.geography import GeoPoint
    from chalicelib.domain.vehicles.budget import Breaker, CallPrices
    from chalicelib.domain.vehicles.capability import Capability, CarCommand, OwnSchedule
    from chalicelib.domain.vehicles.telemetry import Telemetry
    from chalicelib.records.vehicles import (
        CarAnswer,
        CarLink,
        CarTokens,
        ConsentScope,
        FoundCar,
        LinkAccess,
        LinkAttempt,
        PushedNews,
        Vehicle,
    )


class Maker(Protocol):
    """A car maker, or whoever speaks for many: what its cars can do, and what its driver is asked to allow."""

    @property
    def name(self) -> str:
        """Its adapter's name, which rows keep."""

    @property
    def offers(self) -> frozenset[Capability]:
        """What its cars can at best; each car has some of it."""

    @property
    def names_accounts(self) -> bool:
        """Whether its drivers go by names of ours there: who links again is the same account, with the same cars."""

    @property
    def prices(self) -> CallPrices:
        """What it bills for calls."""


class LinksCars(Maker, Protocol):
    """A maker at whose door a driver allows us something. Its methods raise LinkBroken and MakerUnavailable."""

    def scopes(self, attempt: LinkAttempt) -> Sequence[ConsentScope]:
        """What the driver is asked to allow there, and what each of it is for."""

    def consent_url(self, attempt: LinkAttempt) -> str:
        """Where the driver goes to allow it; the attempt's state comes back from there."""

    def exchange(self, attempt: LinkAttempt, code: str, at: datetime) -> tuple[str, CarTokens]:
        """The account, and the tokens that a code is good for, once; no access token where the maker needs none."""

    def refresh(self, tokens: CarTokens, at: datetime) -> CarTokens:
        """The tokens that follow; those given are over, whether this is heard or not."""

    def revoke(self, access: LinkAccess, maker_id: str, *, is_last: bool) -> str:
        """The maker forgets what was allowed of a car, and with the last one all; once more does no harm.

        Returns where only the driver can do the rest, empty where nothing is left to do.
        """

    def cars(self, access: LinkAccess, at: datetime) -> Sequence[FoundCar]:
        """The cars that the driver shares."""


class TellsTelemetry(Maker, Protocol):
    """A maker that can be asked how a car is. Nothing here ever wakes one."""

    def look(self, access: LinkAccess, maker_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        """What the maker knows of what is wanted, each value with the car's own time.

        Raises CarAsleep, CarUnreachable, PlaceNotShared, LinkBroken, MakerUnavailable.
        """


class PushesTelemetry(Maker, Protocol):
    """A maker that tells by itself, signed."""

    def heard(self, headers: Mapping[str, str], body: bytes, at: datetime) -> PushedNews:
        """What it tells, once its signature was found to be the maker's. Raises NotPushed."""


class SwitchesCharge(Maker, Protocol):
    """A maker whose cars begin and end a charge when told to. Answers as `CarAnswer` says; see LinksCars for raises."""

    def start(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        """Have it begin to charge."""

    def stop(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        """Have it charge no further."""


class SetsLimit(Maker, Protocol):
    """A maker whose cars end by themselves at a percentage that is set from afar."""

    def set_limit(self, access: LinkAccess, maker_id: str, percent: int) -> CarAnswer:
        """Charge up to that percentage."""


class SetsAmps(Maker, Protocol):
    """A maker whose cars draw as little as they are told."""

    def set_amps(self, access: LinkAccess, maker_id: str, amps: int) -> CarAnswer:
        """Draw no more than so many amperes a phase."""


class KeepsSchedule(Maker, Protocol):
    """A maker whose cars have a schedule of their own, which holds when nobody is heard of any more."""

    def set_schedule(
        self, access: LinkAccess, maker_id: str, schedule: OwnSchedule, place: GeoPoint | None
    ) -> CarAnswer:
        """The car keeps that schedule from now on, in place of the one that was set before.

        `place`: of a car that tells `schedule_by_place`, and of no other; what its driver keeps there stays.
        """

    def drop_schedule(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        """A car that tells `schedule_by_place` loses the one that was set from here, and no other."""


class WakesCar(Maker, Protocol):
    """A maker whose cars can be woken; nobody asks for it but to carry out a plan."""

    def wake(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        """Wake it; it may take a minute until it answers."""


class CarRemote(Protocol):
    """A driver's car by its id here, whoever made it: what plans look at it by, and carry themselves out with.

    Both count against the car's budget before anybody is asked, and raise BudgetSpent, LinkBroken, MakerUnavailable.
    """

    def look(self, vehicle_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        """What is known of it now, asked for where that is older than it may be; a sleeping car is left asleep."""

    def send(self, vehicle_id: str, command: CarCommand, at: datetime) -> CarAnswer:
        """Have it do that; sent again it does no harm. REFUSED where the car has no such capability, or is unknown."""


class Vehicles(Protocol):
    """Drivers' cars, with what is known of each."""

    def put(self, vehicle: Vehicle) -> None:
        """Store a new car; once more changes nothing."""

    def get(self, vehicle_id: str) -> Vehicle | None:
        """A car; None for an unknown one."""

    def of_driver(self, driver_id: str) -> Sequence[Vehicle]:
        """A driver's cars, in the order they were added."""

    def by_maker_id(self, maker: str, maker_id: str) -> Vehicle | None:
        """The car that a maker calls so; None where nobody linked it."""

    def change(self, vehicle_id: str, change: Callable[[Vehicle], Vehicle]) -> Vehicle | None:
        """Change a car as stored at that moment; returns it, None for an unknown one. Raises Conflict.

        `change` may be asked again; nothing is written where it changes nothing.
        """

    def forget(self, vehicle: Vehicle) -> None:
        """Delete a car and all that it said; nothing happens when it is gone."""


class CarLinks(Protocol):
    """Drivers' consents at makers, with their tokens sealed."""

    def put(self, link: CarLink) -> None:
        """Store a link, or take the place of the one of its id."""

    def get(self, driver_id: str, link_id: str) -> CarLink | None:
        """A driver's link; None for an unknown one."""

    def by_account(self, maker: str, account: str) -> CarLink | None:
        """The link of whom a maker knows so; None where there is none."""

    def of_driver(self, driver_id: str) -> Sequence[CarLink]:
        """All links of a driver."""

    def save(self, link: CarLink) -> CarLink:
        """Store what was read and changed; returns it as stored. Raises Conflict where somebody else wrote since."""

    def forget(self, link: CarLink) -> None:
        """Delete a link and its tokens; nothing happens when it is gone."""

    def begin(self, attempt: LinkAttempt) -> None:
        """Note that a driver went to a maker's door."""

    def take(self, state: str, at: datetime) -> LinkAttempt | None:
        """The attempt of that state, for the one who asks first; None for all others, and when it is over."""


class MakerHealth(Protocol):
    """How makers answered lately, as all processes saw it."""

    def get(self, maker: str) -> Breaker:
        """How a maker stands; one of whom nothing is kept answers."""

    def put(self, maker: str, breaker: Breaker) -> None:
        """How it stands from now on."""


class DriversCars(Protocol):
    """What accounts ask of cars: to show what is kept, and to forget it."""

    def of_driver(self, driver_id: str) -> Sequence[Vehicle]:
        """All cars of a driver, with what is kept of each."""

    def forget_driver(self, driver_id: str) -> None:
        """Unlink and delete all of them; once more does no harm."""


class TokenSealer(Protocol):
    """Encrypts what makers gave, bound to whose link it is: what was sealed for one opens for no other."""

    def seal(self, secret: str, link_id: str) -> bytes:
        """The secret, encrypted for that link."""

    def open(self, sealed: bytes, link_id: str) -> str:
        """The secret again. Raises ValueError where it was sealed for another link."""
