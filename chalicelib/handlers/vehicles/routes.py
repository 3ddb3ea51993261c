"""Routes for a driver's cars: by hand, or linked at their maker's door. Operators have none: a car is its driver's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from chalice import Blueprint

from chalicelib.domain.vehicles.capability import Capability
from chalicelib.domain.vehicles.telemetry import Observed
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, endpoint
from chalicelib.handlers.vehicles.models import (
    BegunLinkView,
    CarLinkAnswer,
    CarList,
    CarPercent,
    CarPosition,
    CarView,
    HeardCars,
    KeptCar,
    MakerList,
    MakerView,
    NewCar,
    NewCarLink,
    PlaceView,
    ScopeView,
    TimedView,
    Unlinked,
)
from chalicelib.records.vehicles import ConsentScope, LinkAttempt, NotPushed, PositionSharing, Vehicle
from chalicelib.services.vehicles.garage import OwnCar
from chalicelib.wiring import network

cars = Blueprint(__name__)

_MEANS = {
    Capability.PERCENT: "how full the battery is",
    Capability.BATTERY_WH: "how much the battery holds",
    Capability.LIMIT: "up to where it charges",
    Capability.PLUGGED: "whether it is plugged in",
    Capability.CHARGING: "whether it charges",
    Capability.POSITION: "where it is",
    Capability.START_STOP: "begin and end a charge",
    Capability.SET_LIMIT: "set up to where it charges",
    Capability.SET_AMPS: "set how fast it charges",
    Capability.SCHEDULE: "set the car's own schedule",
    Capability.WAKE: "wake it, to carry out a plan",
}
_NO_MEANING = "who you are to the maker, which every link needs"


@endpoint(cars, "GET", "/v1/me/vehicles/makers", answers=MakerList)
def list_makers(request: Request) -> MakerList:
    """The makers that cars can be linked to, what each offers, and what it asks its drivers to allow for that."""
    shown = LinkAttempt(
        state="", link_id="", driver_id="", maker="", redirect_uri="", expires_at=network().clock(),
        sharing=PositionSharing.COARSE,
    )  # fmt: skip
    return MakerList(
        items=[
            MakerView(maker=name, can=sorted(it.offers), scopes=_scopes(it.scopes(shown)))
            for name, it in network().car_makers.items()
        ]
    )


@endpoint(cars, "POST", "/v1/me/vehicles", takes=NewCar, answers=CarView, status=201, errors=(409,))
def add_car(request: Request) -> Answer:
    """Add a car by hand: its driver says how full it is, and Kerb counts on from there."""
    body: NewCar = request.body
    return Answer(car_view(network().garage.add(request.driver_id, body.name, body.battery_wh), network().clock()))


@endpoint(
    cars,
    "POST",
    "/v1/me/vehicles/links",
    takes=NewCarLink,
    answers=BegunLinkView,
    status=201,
    errors=(404, 409, 503),
)
def begin_link(request: Request) -> Answer:
    """Begin to link a car: where the driver goes, and what they are asked to allow there."""
    body: NewCarLink = request.body
    begun = network().car_linking.begin(request.driver_id, body.maker, body.position_sharing)
    return Answer(
        BegunLinkView(
            url=begun.url,
            state=begun.attempt.state,
            expires_at=begun.attempt.expires_at,
            scopes=_scopes(begun.scopes),
        )
    )


@endpoint(cars, "POST", "/v1/me/vehicles/callback", takes=CarLinkAnswer, answers=CarList, errors=(403, 409, 503))
def finish_link(request: Request) -> CarList:
    """The driver is back from the maker's door: the cars that they share from now on. A state is good once."""
    body: CarLinkAnswer = request.body
    linked = network().car_linking.finish(request.driver_id, body.state, body.code or body.user_id, body.error)
    garage, at = network().garage, network().clock()
    return CarList(items=[car_view(garage.get(request.driver_id, it.vehicle_id), at) for it in linked])


@endpoint(cars, "GET", "/v1/me/vehicles", answers=CarList)
def my_cars(request: Request) -> CarList:
    """The caller's cars, as they are known; no maker is asked for this."""
    at = network().clock()
    return CarList(items=[car_view(it, at) for it in network().garage.of_driver(request.driver_id)])


@endpoint(cars, "GET", "/v1/me/vehicles/{vehicle_id}", answers=CarView, errors=(404,))
def my_car(request: Request) -> CarView:
    """A car as it is known, each value with its age; no maker is asked for this, and no car woken."""
    return car_view(network().garage.get(request.driver_id, request.path["vehicle_id"]), network().clock())


@endpoint(cars, "PUT", "/v1/me/vehicles/{vehicle_id}/percent", takes=CarPercent, answers=CarView, errors=(404, 409))
def set_percent(request: Request) -> CarView:
    """Say how full a car is that does not say so itself."""
    body: CarPercent = request.body
    car = network().garage.set_percent(request.driver_id, request.path["vehicle_id"], body.percent)
    return car_view(car, network().clock())


@endpoint(cars, "PUT", "/v1/me/vehicles/{vehicle_id}/position", takes=CarPosition, answers=CarView, errors=(404, 409))
def share_position(request: Request) -> CarView:
    """Say how much is kept of where a car is; what is kept already is cut to that at once."""
    body: CarPosition = request.body
    car = network().garage.share_position(request.driver_id, request.path["vehicle_id"], body.sharing)
    return car_view(car, network().clock())


@endpoint(cars, "DELETE", "/v1/me/vehicles/{vehicle_id}", answers=Unlinked, errors=(404, 503))
def unlink_car(request: Request) -> Unlinked:
    """Forget a car: its data here, and what was allowed at its maker."""
    rest = network().car_linking.unlink(request.driver_id, request.path["vehicle_id"])
    return Unlinked(withdraw_at=rest or None)


@endpoint(
    cars,
    "POST",
    "/v1/webhooks/cars/{maker}",
    answers=HeardCars,
    needs_login=False,
    errors=(400, 404),
    headers={"SC-Signature": "or the maker's own: proves who sent it"},
)
def hear_maker(request: Request) -> HeardCars:
    """A maker's webhook: what cars say. Told twice, or late, it changes nothing."""
    try:
        told = network().car_telemetry.heard(request.path["maker"], request.headers, request.raw_body)
    except NotPushed as error:
        raise BadRequest(str(error)) from None
    return HeardCars(challenge=(told.reply or {}).get("challenge"))


def car_view(car: OwnCar, at: datetime) -> CarView:
    """A car as its driver sees it at a moment."""
    it = car.vehicle
    position = it.telemetry.position
    where = PlaceView(latitude=position.value.latitude, longitude=position.value.longitude) if position else None
    return CarView(
        vehicle_id=it.vehicle_id,
        name=it.name,
        maker=it.maker,
        standing=car.standing,
        can=sorted(car.can),
        battery_wh=it.battery_wh,
        position_sharing=it.sharing,
        percent=_timed(it.telemetry.percent, at),
        limit_percent=_timed(it.telemetry.limit_percent, at),
        is_plugged=_timed(it.telemetry.is_plugged, at),
        charging=_timed(it.telemetry.charging, at),
        position=_timed(Observed(where, position.at), at) if position is not None else None,
    )


def kept_car(it: Vehicle) -> KeptCar:
    """All that is kept of a car, for its driver to take along."""
    wish, night = network().nights.wish(it.vehicle_id), network().nights.get(it.vehicle_id)
    return KeptCar(
        vehicle_id=it.vehicle_id,
        name=it.name,
        maker=it.maker,
        id_at_maker=it.maker_id,
        added_at=it.added_at,
        battery_wh=it.battery_wh,
        position_sharing=it.sharing,
        told={name: told for name, told in asdict(it.telemetry).items() if told is not None},
        wish=asdict(wish) if wish is not None else None,
        night=asdict(night) if night is not None else None,
    )


def _timed(value: Observed[object] | None, at: datetime) -> TimedView | None:
    if value is None:
        return None
    age_s = round(value.age(at).total_seconds())
    return TimedView(value=value.value, at=value.at, age_s=age_s, is_fresh=value.is_fresh(at))


def _scopes(asked: Sequence[ConsentScope]) -> list[ScopeView]:
    return [ScopeView(name=it.name, opens=sorted(it.opens), means=_plain_words(it)) for it in asked]


def _plain_words(scope: ConsentScope) -> str:
    return ", ".join(_MEANS[it] for it in _MEANS if it in scope.opens) or _NO_MEANING
