"""What cars say of themselves, from whoever heard it: kept by the car's own time, and told on where something happened.

Repeats, replays and reordering are one path: what is not younger changes nothing, writes nothing and tells nobody.
Where a car is, is kept only as its driver lets it be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.budget import streamed
from chalicelib.domain.vehicles.capability import Capability
from chalicelib.domain.vehicles.telemetry import NOTHING_TOLD, CarEvent, Telemetry, events
from chalicelib.ports import Clock
from chalicelib.ports.vehicles import CarLinks, LinksCars, PushesTelemetry, Vehicles
from chalicelib.records.vehicles import CarNews, PositionSharing, PushedNews, Vehicle
from chalicelib.services.access import NotFound
from chalicelib.services.vehicles.tokens import LinkTokens

OnEvents = Callable[[Vehicle, Sequence[CarEvent]], None]


def nobody_listens(vehicle: Vehicle, happened: Sequence[CarEvent]) -> None:
    """Where nothing plans with cars."""


@dataclass(frozen=True, kw_only=True)
class CarTelemetry:
    """Keeps what cars say. `on_events` is told of each thing that happened once, after it is kept."""

    vehicles: Vehicles
    links: CarLinks
    tokens: LinkTokens
    makers: Mapping[str, LinksCars]
    clock: Clock
    on_events: OnEvents = nobody_listens

    def heard(self, maker: str, headers: Mapping[str, str], body: bytes) -> PushedNews:
        """Take what a maker tells by itself. Raises NotFound for one that tells nothing, NotPushed for what is not its.

        Told twice, or late, it changes nothing.
        """
        teller = self.makers.get(maker)
        if teller is None or Capability.PUSH not in teller.offers:
            raise NotFound(f"car maker {maker}")
        # What it offers it has a method for: the contract test of all makers holds it to that.
        told = cast(PushesTelemetry, teller).heard(headers, body, self.clock())
        for news in told.news:
            self._take(news)
        return told

    def merge(self, vehicle_id: str, told: Telemetry, signals: int = 0) -> Vehicle | None:
        """Keep what was said of a car; returns it as it is known then, None for an unknown one.

        `signals`: how many values that is to its maker, counted where they are news.
        """
        known = [NOTHING_TOLD]

        def with_news(vehicle: Vehicle) -> Vehicle:
            known[0] = vehicle.telemetry
            merged = vehicle.telemetry.merged(allowed(told, vehicle.sharing).believed(self.clock()))
            wh = merged.battery_wh.value if merged.battery_wh is not None else vehicle.battery_wh
            spent = vehicle.spent
            if signals and merged != vehicle.telemetry and vehicle.maker in self.makers:
                spent = streamed(spent, signals, self.makers[vehicle.maker].prices, self.clock())
            return replace(vehicle, telemetry=merged, battery_wh=wh, spent=spent)

        after = self.vehicles.change(vehicle_id, with_news)
        if after is not None and (happened := events(known[0], after.telemetry)):
            self.on_events(after, happened)
        return after

    def _take(self, news: CarNews) -> None:
        vehicle = self.vehicles.by_maker_id(news.maker, news.maker_id) if news.maker_id else None
        if news.is_gone:
            self._end(news, vehicle)
        elif vehicle is not None:
            self.merge(vehicle.vehicle_id, news.telemetry, news.signals)

    def _end(self, news: CarNews, vehicle: Vehicle | None) -> None:
        """A consent was taken back there. One that was given again since stands, and so do others' cars in it."""
        if vehicle is not None:
            link = self.links.get(vehicle.driver_id, vehicle.link_id) if vehicle.link_id else None
        else:
            link = self.links.by_account(news.maker, news.account) if not news.maker_id else None
        if link is None or (news.at is not None and news.at < link.linked_at):
            return
        others = [it for it in self.vehicles.of_driver(link.driver_id) if it.link_id == link.link_id]
        if vehicle is None or len(others) <= 1:
            self.tokens.broken(link)
            return
        # Told as a link of this car alone; the tokens are the others' too.
        self.tokens.tell(replace(link, link_id=vehicle.vehicle_id))
        self.vehicles.change(vehicle.vehicle_id, lambda it: replace(it, link_id=""))


def allowed(told: Telemetry, sharing: PositionSharing) -> Telemetry:
    """What may be kept of it, as the driver shares where the car is."""
    match sharing:
        case PositionSharing.NONE:
            return told.without_position()
        case PositionSharing.COARSE:
            return told.coarse()
    return told
