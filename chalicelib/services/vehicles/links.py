"""Links drivers' cars to their makers: to the maker's door, back with its state, and off again.

A state is bound to whoever began, is good once and for ten minutes; another's state is refused, so that nobody can be
led to share their car with somebody else. Taking a link off is as final there as it is here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.capability import Capability
from chalicelib.domain.vehicles.events import CarRegistered
from chalicelib.ports import Clock, NewId
from chalicelib.ports.vehicles import CarLinks, LinksCars, Vehicles
from chalicelib.records.vehicles import (
    CarLink,
    ConsentScope,
    FoundCar,
    LinkAccess,
    LinkAttempt,
    LinkBroken,
    LinkState,
    MakerUnavailable,
    PositionSharing,
    Vehicle,
)
from chalicelib.services.access import NotFound, Refusal, drivers_own, is_drivers
from chalicelib.services.vehicles.tokens import LinkTokens

_GOOD_FOR = timedelta(minutes=10)
# RFC 7636 §4.1: 43 to 128 characters; 64 bytes are 86.
_VERIFIER_BYTES = 64
_STATE_BYTES = 32
MOST_CARS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunLink:
    """A link that was begun: where the driver goes, and what they are asked to allow there."""

    attempt: LinkAttempt
    url: str
    scopes: Sequence[ConsentScope]


@dataclass(frozen=True, kw_only=True)
class CarLinking:
    """Begins and ends links: the port DriversCars.

    `say` is told of each car that is registered, `leaves` of one while it can still be spoken with, `left` once it is
    gone.
    """

    vehicles: Vehicles
    links: CarLinks
    tokens: LinkTokens
    makers: Mapping[str, LinksCars]
    redirect_uri: str
    clock: Clock
    new_id: NewId
    say: Callable[[CarRegistered], None] = lambda event: None
    leaves: Callable[[Vehicle], object] = lambda vehicle: None
    left: Callable[[Vehicle], object] = lambda vehicle: None

    def begin(self, driver_id: str, maker: str, sharing: PositionSharing) -> BegunLink:
        """Send a driver to a maker's door. Raises NotFound, Refusal (`too_many_cars`), MakerUnavailable."""
        door = self._maker(maker)
        if len(self.vehicles.of_driver(driver_id)) >= MOST_CARS:
            raise Refusal("too_many_cars", f"you have {MOST_CARS} cars here; remove one first")
        attempt = LinkAttempt(
            state=secrets.token_urlsafe(_STATE_BYTES),
            link_id=self._link_id(driver_id, door),
            driver_id=driver_id,
            maker=maker,
            redirect_uri=self.redirect_uri,
            expires_at=self.clock() + _GOOD_FOR,
            verifier=secrets.token_urlsafe(_VERIFIER_BYTES),
            sharing=sharing,
        )
        url = door.consent_url(attempt)
        self.links.begin(attempt)
        return BegunLink(attempt=attempt, url=url, scopes=door.scopes(attempt))

    def finish(self, driver_id: str, state: str, code: str, error: str = "") -> Sequence[Vehicle]:
        """The driver is back from the maker's door; returns the cars that they share now.

        Raises Refusal (`link_over`, `link_denied`, `link_refused`, `no_cars`), MakerUnavailable.
        """
        attempt = self.links.take(state, self.clock())
        if attempt is None or not is_drivers(attempt, driver_id):
            raise Refusal("link_over", "this link was begun by nobody here, is used up, or too old; begin it again")
        if error:
            raise Refusal("link_denied", "the maker says that you did not allow it")
        door = self._maker(attempt.maker)
        try:
            link, found = self._linked(door, attempt, code)
        except LinkBroken as refused:
            raise Refusal("link_refused", "the maker does not know that code; begin again") from refused
        if not found:
            self._revoke(link, "", is_last=True)
            self.links.forget(link)
            raise Refusal("no_cars", "the maker shared no car; begin again, and choose one there")
        cars = [self._added(link, it, attempt.sharing) for it in found[:MOST_CARS]]
        self._drop_unused(driver_id)
        return cars

    def unlink(self, driver_id: str, vehicle_id: str) -> str:
        """Forget a car, here and at its maker; returns where only the driver can do the rest, or nothing.

        Raises NotFound, MakerUnavailable: nothing was forgotten then.
        """
        vehicle = drivers_own(self.vehicles.get(vehicle_id), driver_id, f"car {vehicle_id}")
        return self._forgotten(vehicle)

    def of_driver(self, driver_id: str) -> Sequence[Vehicle]:
        """All cars of a driver, with what is kept of each."""
        return self.vehicles.of_driver(driver_id)

    def forget_driver(self, driver_id: str) -> None:
        """Unlink and delete all of them, whoever of the makers answers; once more does no harm."""
        for vehicle in self.vehicles.of_driver(driver_id):
            try:
                self._forgotten(vehicle)
            except MakerUnavailable:
                # The tokens go all the same: what nobody has any more nobody can show there.
                self._gone(vehicle)
        for link in self.links.of_driver(driver_id):
            self.links.forget(link)

    def _link_id(self, driver_id: str, door: LinksCars) -> str:
        """A new one, or the name under which the maker knew the driver until that link broke."""
        before = self.links.of_driver(driver_id) if door.names_accounts else []
        broken = [it.link_id for it in before if it.maker == door.name and it.state is LinkState.BROKEN]
        return broken[0] if broken else self.new_id()

    def _linked(self, door: LinksCars, attempt: LinkAttempt, code: str) -> tuple[CarLink, Sequence[FoundCar]]:
        at = self.clock()
        account, tokens = door.exchange(attempt, code, at)
        link = CarLink(
            link_id=attempt.link_id,
            driver_id=attempt.driver_id,
            maker=attempt.maker,
            state=LinkState.LINKED,
            linked_at=at,
            account=account,
            sealed=self.tokens.sealed(attempt.link_id, tokens),
            expires_at=tokens.expires_at,
        )
        # Before anything else is asked: what was given here can be given back.
        self.links.put(link)
        return link, door.cars(LinkAccess(account, tokens.access), at)

    def _added(self, link: CarLink, found: FoundCar, sharing: PositionSharing) -> Vehicle:
        """The car that was found, as its driver's: one that was theirs before is the same car again."""
        before = self.vehicles.by_maker_id(link.maker, found.maker_id)
        if before is not None and is_drivers(before, link.driver_id):
            again = self.vehicles.change(before.vehicle_id, lambda it: _again(it, link, found, sharing)) or before
            self.say(CarRegistered(before.vehicle_id, self.clock(), is_again=True))
            return again
        vehicle = Vehicle(
            vehicle_id=self.new_id(),
            driver_id=link.driver_id,
            maker=link.maker,
            name=found.name,
            added_at=self.clock(),
            maker_id=found.maker_id,
            link_id=link.link_id,
            can=_consented(found, sharing),
            battery_wh=found.battery_wh,
            sharing=sharing,
        )
        self.vehicles.put(vehicle)
        self.say(CarRegistered(vehicle.vehicle_id, vehicle.added_at))
        return vehicle

    def _forgotten(self, vehicle: Vehicle) -> str:
        self.leaves(vehicle)
        rest = ""
        link = self.links.get(vehicle.driver_id, vehicle.link_id) if vehicle.link_id else None
        if link is not None:
            others = [it for it in self.vehicles.of_driver(vehicle.driver_id) if it.link_id == link.link_id]
            is_last = len(others) <= 1
            rest = self._revoke(link, vehicle.maker_id, is_last=is_last)
            if is_last:
                self.links.forget(link)
        self._gone(vehicle)
        return rest

    def _gone(self, vehicle: Vehicle) -> None:
        # First: whoever dies in between finds the car again, and what is kept of its home with it.
        self.left(vehicle)
        self.vehicles.forget(vehicle)

    def _revoke(self, link: CarLink, maker_id: str, *, is_last: bool) -> str:
        """A link that is over at the maker, and a maker that is gone, have nothing left to forget."""
        door = self.makers.get(link.maker)
        if door is None:
            return ""
        try:
            access = self.tokens.access(link.driver_id, link.link_id)
        except LinkBroken:
            access = LinkAccess(link.account, "")
        return door.revoke(access, maker_id, is_last=is_last)

    def _drop_unused(self, driver_id: str) -> None:
        """Links that no car goes by any more: linked again, or cut off half way."""
        used = {it.link_id for it in self.vehicles.of_driver(driver_id)}
        for link in self.links.of_driver(driver_id):
            if link.link_id not in used:
                self.links.forget(link)

    def _maker(self, name: str) -> LinksCars:
        door = self.makers.get(name)
        if door is None:
            raise NotFound(f"car maker {name}")
        return door


def _again(vehicle: Vehicle, link: CarLink, found: FoundCar, sharing: PositionSharing) -> Vehicle:
    return replace(
        vehicle,
        link_id=link.link_id,
        can=_consented(found, sharing),
        sharing=sharing,
        battery_wh=found.battery_wh or vehicle.battery_wh,
    )


def _consented(found: FoundCar, sharing: PositionSharing) -> frozenset[Capability]:
    """What it can, without where it is if the maker was not asked to share that."""
    return found.can - {Capability.POSITION} if sharing is PositionSharing.NONE else found.can
