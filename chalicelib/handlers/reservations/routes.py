"""Routes for reservations: a driver keeps a connector until they are there."""

from __future__ import annotations

from datetime import timedelta

from chalice import Blueprint

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.handlers.http.endpoint import KEY_FORM, Answer, Request, endpoint
from chalicelib.handlers.reservations import views
from chalicelib.handlers.reservations.models import Extension, NewReservation, ReservationList, ReservationView
from chalicelib.wiring import network

reservations = Blueprint(__name__)

_SHOWN = 50


@endpoint(
    reservations,
    "POST",
    "/v1/reservations",
    takes=NewReservation,
    answers=ReservationView,
    status=201,
    also={200: "This request was made before: its reservation"},
    errors=(400, 402, 403, 404, 409),
    headers={"Idempotency-Key": f"makes a repeated request the same reservation ({KEY_FORM})"},
)
def reserve(request: Request) -> Answer:
    """Keep a connector. A driver has one reservation at a time; a start there by its driver uses it up."""
    body: NewReservation = request.body
    made, is_new = network().driver_reservations.make(
        request.driver_id,
        body.charger_id,
        ConnectorId.parse(body.connector),
        timedelta(seconds=body.arrive_in_s),
        request.idempotency_key,
    )
    return Answer(
        views.reservation(made), 201 if is_new else 200, {"Location": f"/v1/reservations/{made.reservation_id}"}
    )


@endpoint(reservations, "GET", "/v1/reservations", answers=ReservationList)
def my_reservations(request: Request) -> ReservationList:
    """The caller's newest reservations."""
    found = network().reservations.of_driver(request.driver_id, _SHOWN)
    return ReservationList(items=[views.reservation(it) for it in found])


@endpoint(reservations, "GET", "/v1/reservations/{reservation_id}", answers=ReservationView, errors=(404,))
def look_at_reservation(request: Request) -> ReservationView:
    """One of the caller's reservations, and what has become of it."""
    return views.reservation(network().driver_reservations.get(request.driver_id, request.path["reservation_id"]))


@endpoint(
    reservations,
    "POST",
    "/v1/reservations/{reservation_id}/extend",
    takes=Extension,
    answers=ReservationView,
    errors=(404, 409),
)
def extend_reservation(request: Request) -> ReservationView:
    """Keep the connector a quarter of an hour longer; an hour in all at the most."""
    return views.reservation(network().driver_reservations.extend(request.driver_id, request.path["reservation_id"]))


@endpoint(reservations, "DELETE", "/v1/reservations/{reservation_id}", answers=ReservationView, errors=(404,))
def cancel_reservation(request: Request) -> ReservationView:
    """Give the reservation up.

    What its tariff asks for the time so far is charged; asking again changes nothing.
    """
    return views.reservation(network().driver_reservations.cancel(request.driver_id, request.path["reservation_id"]))
