"""Routes for watches: a driver at an occupied connector asks to be told when it is free."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from chalice import Blueprint
from pydantic import Field

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.watches import Watch
from chalicelib.handlers.http.endpoint import Answer, Request, endpoint
from chalicelib.handlers.http.fields import ChargerId, Connector, RequestBody, ResponseBody, example
from chalicelib.wiring import network

watches = Blueprint(__name__)

WATCH: dict[str, Any] = {
    "watch_id": "0d7f4f3e-5f0c-4b6e-9a55-2f3d1c0b9a11",
    "charger_id": "DEMO-16",
    "connector": "1",
    "created_at": "2026-11-21T09:30:00Z",
    "until": "2026-11-21T21:30:00Z",
}


class NewWatch(RequestBody):
    """Which connector to wait for."""

    model_config = RequestBody.model_config | example(charger_id="DEMO-16", connector="1")
    charger_id: ChargerId
    connector: Annotated[Connector | None, Field(description="null: whichever of the charger's is free first")] = None


class WatchView(ResponseBody):
    """A connector that the driver waits for, and until when at the longest."""

    model_config = example(**WATCH)
    watch_id: str
    charger_id: str
    connector: str | None
    created_at: datetime
    until: datetime


class WatchList(ResponseBody):
    """All that the driver waits for, the oldest first."""

    model_config = example(items=[WATCH])
    items: list[WatchView]


@endpoint(watches, "POST", "/v1/me/watches", takes=NewWatch, answers=WatchView, status=201, errors=(403, 404, 409))
def begin_watch(request: Request) -> Answer:
    """Be told, once, when an occupied connector is free (a notice `connector_free`); the same again changes nothing."""
    body: NewWatch = request.body
    connector = ConnectorId.parse(body.connector) if body.connector is not None else None
    return Answer(watch_view(network().watches.make(request.driver_id, body.charger_id, connector)))


@endpoint(watches, "GET", "/v1/me/watches", answers=WatchList)
def my_watches(request: Request) -> WatchList:
    """What the caller waits for. A watch ends when it is told of, and after twelve hours."""
    return WatchList(items=[watch_view(it) for it in network().watches.of_driver(request.driver_id)])


@endpoint(watches, "DELETE", "/v1/me/watches/{watch_id}", status=204, errors=(404, 409))
def end_watch(request: Request) -> Answer:
    """Wait for it no longer."""
    network().watches.end(request.driver_id, request.path["watch_id"])
    return Answer()


def watch_view(it: Watch) -> WatchView:
    """A watch as its driver sees it."""
    return WatchView(
        watch_id=it.watch_id,
        charger_id=it.charger_id,
        connector=str(it.connector) if it.connector is not None else None,
        created_at=it.created_at,
        until=it.until,
    )
