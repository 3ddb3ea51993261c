"""Models of reservations: keeping a connector for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.reservations import Keeper, ReservationStatus
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import ChargerId, Connector, RequestBody, ResponseBody, example
from chalicelib.handlers.pricing.models import Prices

_RESERVATION: dict[str, Any] = {
    "reservation_id": "KAAAAAAAAAAAAAAAAAAA",
    "charger_id": "DEMO-16",
    "site_id": "harbour",
    "connector": "1",
    "standing": "open",
    "keeper": "charger",
    "created_at": "2026-11-21T09:30:00Z",
    "until": "2026-11-21T09:55:00Z",
    "ended_at": None,
    "prices": examples.PRICES,
}


class NewReservation(RequestBody):
    """A reservation to be made: which connector, and how soon you arrive.

    The connector is kept from now on, and a quarter of an hour longer than that.
    """

    model_config = RequestBody.model_config | example(charger_id="DEMO-16", connector="1", arrive_in_s=600)
    charger_id: ChargerId
    connector: Connector = "1"
    arrive_in_s: Annotated[int, Field(ge=0, le=1800)] = 0


class Extension(RequestBody):
    """An empty body: a quarter of an hour more, an hour in all."""


class ReservationView(ResponseBody):
    """A reservation: a connector kept for its driver.

    `keeper`: whether the charger knows, or only nobody else can start there.
    """

    model_config = example(**_RESERVATION)
    reservation_id: str
    charger_id: str
    site_id: str
    connector: str
    standing: ReservationStatus
    keeper: Keeper
    created_at: datetime
    until: datetime
    ended_at: datetime | None
    prices: Prices


class ReservationList(ResponseBody):
    """The caller's newest reservations, newest first."""

    model_config = example(items=[_RESERVATION])
    items: list[ReservationView]
