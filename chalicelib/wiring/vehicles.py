"""Wires drivers' cars: the makers whose keys are set, links and their tokens, telemetry, the garage."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.notifications import NotificationServices
from chalicelib.wiring.stores import client

if TYPE_CHECKING:
    from chalicelib.adapters.vehicles.garage import DynamoCarLinks, DynamoMakerHealth, DynamoVehicles
    from chalicelib.adapters.vehicles.sealer import KmsSealer
    from chalicelib.domain.vehicles.events import CarRegistered
    from chalicelib.domain.vehicles.telemetry import CarEvent
    from chalicelib.ports.vehicles import CarRemote, LinksCars
    from chalicelib.records.vehicles import CarLink, Vehicle
    from chalicelib.services.vehicles.garage import Garage
    from chalicelib.services.vehicles.links import CarLinking
    from chalicelib.services.vehicles.telemetry import CarTelemetry, OnEvents
    from chalicelib.services.vehicles.tokens import LinkTokens

logger = logging.getLogger(__name__)


class VehicleServices(NotificationServices):
    """Builds what reaches drivers' cars; a maker's file is imported only where its keys are set."""

    @cached_property
    def vehicles(self) -> DynamoVehicles:
        from chalicelib.adapters.vehicles.garage import DynamoVehicles

        return DynamoVehicles(self.clock)

    @cached_property
    def car_links(self) -> DynamoCarLinks:
        from chalicelib.adapters.vehicles.garage import DynamoCarLinks

        return DynamoCarLinks()

    @cached_property
    def maker_health(self) -> DynamoMakerHealth:
        from chalicelib.adapters.vehicles.garage import DynamoMakerHealth

        return DynamoMakerHealth()

    @cached_property
    def car_makers(self) -> Mapping[str, LinksCars]:
        from chalicelib.adapters.vehicles.makers import makers_of

        # Whoever is not told the secret speaks with no maker, and takes cars as their drivers say they are.
        keys = self.setting("CAR_MAKER_KEYS") if "KERB_CAR_MAKER_KEYS" in self.settings else ""
        try:
            return makers_of(keys=keys, addresses=self.setting("CAR_MAKER_ADDRESSES", ""), clock=self.clock)
        except ValueError:
            # An account can be deleted all the same. The text is not repeated: it is a secret.
            logger.error("the settings of car makers cannot be read: no maker is spoken with")
            return {}

    @cached_property
    def token_sealer(self) -> KmsSealer:
        from chalicelib.adapters.vehicles.sealer import KmsSealer

        return KmsSealer(client("kms"), self.setting("CAR_KEY", ""))

    @cached_property
    def link_tokens(self) -> LinkTokens:
        from chalicelib.services.vehicles.tokens import LinkTokens

        return LinkTokens(
            links=self.car_links,
            makers=self.car_makers,
            sealer=self.token_sealer,
            tell=self._tell_of_broken_link,
            clock=self.clock,
            sleep=self.sleep,
        )

    def _tell_of_broken_link(self, link: CarLink) -> None:
        self.notifications.tell_of_broken_link(link.driver_id, link.link_id, link.linked_at)

    @cached_property
    def car_linking(self) -> CarLinking:
        from chalicelib.services.vehicles.links import CarLinking

        return CarLinking(
            vehicles=self.vehicles,
            links=self.car_links,
            tokens=self.link_tokens,
            makers=self.car_makers,
            redirect_uri=self.setting("CAR_REDIRECT_URL", ""),
            clock=self.clock,
            new_id=self.new_id,
            say=_logged,
            leaves=self.car_leaves,
            left=self.car_left,
        )

    def car_leaves(self, vehicle: Vehicle) -> None:
        """Done where cars' nights are planned (`wiring/nights.py`)."""
        raise NotImplementedError

    def car_left(self, vehicle: Vehicle) -> None:
        """Done where cars' nights are planned (`wiring/nights.py`)."""
        raise NotImplementedError

    @cached_property
    def on_car_events(self) -> OnEvents:
        """Who is told of what happened to a car."""
        from chalicelib.services.vehicles.telemetry import nobody_listens

        return nobody_listens

    @cached_property
    def car_telemetry(self) -> CarTelemetry:
        from chalicelib.services.vehicles.telemetry import CarTelemetry

        return CarTelemetry(
            vehicles=self.vehicles,
            links=self.car_links,
            tokens=self.link_tokens,
            makers=self.car_makers,
            clock=self.clock,
            # Looked up when something happens: whoever plans may be built of what this is a part of.
            on_events=self._tell_of_car,
        )

    def _tell_of_car(self, vehicle: Vehicle, happened: Sequence[CarEvent]) -> None:
        self.on_car_events(vehicle, happened)

    @cached_property
    def garage(self) -> Garage:
        from chalicelib.services.vehicles.garage import Garage

        return Garage(
            vehicles=self.vehicles,
            links=self.car_links,
            telemetry=self.car_telemetry,
            makers=self.car_makers,
            clock=self.clock,
            new_id=self.new_id,
            say=_logged,
        )

    @cached_property
    def car_remote(self) -> CarRemote:
        from chalicelib.services.vehicles.remote import MakerRemote

        return MakerRemote(
            vehicles=self.vehicles,
            telemetry=self.car_telemetry,
            tokens=self.link_tokens,
            health=self.maker_health,
            makers=self.car_makers,
            clock=self.clock,
        )


def _logged(event: CarRegistered) -> None:
    """A car that is here from now on, for whoever looks into it: a line in the log."""
    logger.info("a car", extra={"car_event": type(event).__name__, **asdict(event)})
