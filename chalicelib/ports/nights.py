"""What the nights of drivers' cars ask of the world: where they are kept, who plans, who tells, which charger has them.

Nobody here knows a maker: cars are asked and told by `ports.vehicles.CarRemote` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.vehicles.match import CarMatch, SeenSession
    from chalicelib.domain.vehicles.night import Night, NightNews
    from chalicelib.domain.vehicles.plan import CarPlan, CarQuestion
    from chalicelib.domain.vehicles.telemetry import Observed
    from chalicelib.domain.vehicles.wish import CarWish, Departure


class Nights(Protocol):
    """Cars' nights at plugs, and what their drivers wish of them."""

    def get(self, vehicle_id: str) -> Night | None:
        """A car's night, which may be over; None before its first."""

    def change(self, vehicle_id: str, change: Callable[[Night | None], Night | None]) -> Night | None:
        """Change a night as stored at that moment; returns it. `change` may be asked again; None writes nothing."""

    def due(self, at: datetime, shard: int | None = None) -> Iterable[str]:
        """The cars of which something is due: of one shard, or of each; the longest due first."""

    def wish(self, vehicle_id: str) -> CarWish | None:
        """What the driver wishes of a car; None where nothing was said."""

    def keep_wish(self, vehicle_id: str, wish: CarWish) -> None:
        """From now on that holds, in place of what was said before."""

    def forget(self, vehicle_id: str) -> None:
        """Delete all that is kept of a car; nothing happens when it is gone."""


class CarPlanner(Protocol):
    """Whoever plans when a car charges, by what energy costs and emits."""

    def plan(self, question: CarQuestion) -> CarPlan | None:
        """The plan; None where nobody knows any prices, or no plan was found: then it charges at once."""


class NightAsks(Protocol):
    """Has cars' nights planned, and gone on with, by whoever has a solver and speaks with makers."""

    def plan(self, vehicle_id: str) -> None:
        """Plan it within seconds; asked twice it is planned twice, which does no harm."""

    def go_on_with(self, vehicle_ids: Sequence[str]) -> None:
        """Do what is due of these."""


class NightTeller(Protocol):
    """Whoever tells drivers of their cars' nights."""

    def tell(self, night: Night, news: NightNews) -> None:
        """Tell it, once for each plan (`Night.number`) however often this is asked."""


class CarSessions(Protocol):
    """Sessions of drivers at chargers of ours, as far as their cars matter."""

    def of_driver(self, driver_id: str) -> Iterable[SeenSession]:
        """Those that are under way."""

    def is_of(self, session_id: str, driver_id: str) -> bool:
        """Whether it is that driver's, under way or over."""

    def naming(self, driver_id: str) -> Iterable[tuple[str, str]]:
        """All of a driver's sessions that name a car, and how each calls it."""

    def name_car(self, session_id: str, name: str) -> None:
        """Its driver's car is called so, also on its receipt; empty: no car is known there. Once more does no harm."""

    def is_planned(self, session_id: str) -> bool:
        """Whether its site's power is shared out by a plan, so that its charger can carry out a wish."""

    def wish(self, session_id: str, departure: Departure | None, percent: int | None, battery_wh: int | None) -> bool:
        """Its charger is to have the car ready; no departure: now. False where it follows no wishes."""

    def tell_percent(self, session_id: str, percent: Observed[int]) -> None:
        """What its car says of its battery counts for the session, as if the charger had said it."""


class CarMatches(Protocol):
    """Which car hangs at which session of ours."""

    def of_session(self, session_id: str) -> CarMatch | None:
        """The match of a session, whatever became of it."""

    def keep(self, match: CarMatch, before: CarMatch | None) -> bool:
        """Store it in place of `before`; False where somebody else was faster."""

    def trusted(self, driver_id: str) -> frozenset[str]:
        """The cars that this driver confirmed before."""

    def trust(self, driver_id: str, vehicle_id: str, *, is_so: bool) -> None:
        """From now on that car is matched without asking; or asked about again."""
