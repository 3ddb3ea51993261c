"""Routes for cars' nights: a driver's wishes, the plan, "charge now", and which car hangs at which session."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from chalice import Blueprint

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.grid.energy import EnergyContract, Feed
from chalicelib.domain.pricing.tariff import DAYS
from chalicelib.domain.vehicles.match import CarMatch
from chalicelib.domain.vehicles.night import Night
from chalicelib.domain.vehicles.wish import CarWish, ReadyBy
from chalicelib.handlers.grid.energy import band_of, micros_of
from chalicelib.handlers.grid.energy_models import FixedPrice, Market, TimeOfUse
from chalicelib.handlers.grid.night_models import (
    CarAtSession,
    CarMatchList,
    CarMatchView,
    CarNightView,
    CarOrderView,
    CarWishBody,
    CarWishView,
    HomeBody,
    HomePricesBody,
    ReadyByBody,
)
from chalicelib.handlers.http.endpoint import BadRequest, Request, endpoint
from chalicelib.wiring import network

nights = Blueprint(__name__)

_CAR = "/v1/me/vehicles/{vehicle_id}"
_SESSION = "/v1/sessions/{session_id}/vehicle"


@endpoint(nights, "PUT", f"{_CAR}/wish", takes=CarWishBody, answers=CarWishView, errors=(400, 404, 409))
def put_wish(request: Request) -> CarWishView:
    """Say when a car is to be ready, how full, and how long it may wait. A night under way is planned anew."""
    body: CarWishBody = request.body
    vehicle_id = request.path["vehicle_id"]
    wish = _wish(body)
    network().garage.get(request.driver_id, vehicle_id)
    contract = _contract(body, body.prices) if body.prices is not None else None
    wish = replace(wish, price_site=network().home_energy.keep(vehicle_id, contract))
    network().car_nights.wish(request.driver_id, vehicle_id, wish)
    return _wish_view(wish)


@endpoint(nights, "GET", f"{_CAR}/wish", answers=CarWishView, errors=(404,))
def get_wish(request: Request) -> CarWishView:
    """What is wished of a car; where nothing was said, that it charges at once."""
    return _wish_view(network().car_nights.wish_of(request.driver_id, request.path["vehicle_id"]))


@endpoint(nights, "GET", f"{_CAR}/night", answers=CarNightView, errors=(404,))
def get_night(request: Request) -> CarNightView:
    """A car's night at a plug, this one or the last: what is planned, who carries it out, how far that has come."""
    return _night_view(network().car_nights.night_of(request.driver_id, request.path["vehicle_id"]))


@endpoint(nights, "POST", f"{_CAR}/charge-now", answers=CarNightView, errors=(404, 409))
def charge_now(request: Request) -> CarNightView:
    """Charge now, whatever was planned, until it is unplugged."""
    return _night_view(network().car_nights.charge_now(request.driver_id, request.path["vehicle_id"]))


@endpoint(nights, "GET", "/v1/me/vehicles/matches", answers=CarMatchList)
def my_matches(request: Request) -> CarMatchList:
    """Which of the caller's cars hang at their sessions under way, as far as that can be told."""
    return CarMatchList(items=[_match_view(it) for it in network().car_matching.look(request.driver_id)])


@endpoint(nights, "PUT", _SESSION, takes=CarAtSession, answers=CarMatchView, errors=(404, 409))
def confirm_match(request: Request) -> CarMatchView:
    """Say which car hangs at a session; from then on that car is matched without asking."""
    body: CarAtSession = request.body
    match = network().car_matching.confirm(request.driver_id, request.path["session_id"], body.vehicle_id)
    return _match_view(match)


@endpoint(nights, "DELETE", _SESSION, answers=CarMatchView, errors=(404, 409))
def undo_match(request: Request) -> CarMatchView:
    """It is not that car: nothing follows from it any more, and it is not guessed there again."""
    return _match_view(network().car_matching.undo(request.driver_id, request.path["session_id"]))


def _wish(body: CarWishBody) -> CarWish:
    ready_by: list[ReadyBy | None] = [None] * len(DAYS)
    for it in body.ready_by:
        place = DAYS.index(it.day)
        if ready_by[place] is not None:
            raise BadRequest(f"ready_by: {it.day} is said twice", "ready_by")
        ready_by[place] = ReadyBy(it.at, it.percent)
    home = GeoPoint(body.home.latitude, body.home.longitude) if body.home is not None else None
    try:
        return CarWish(
            time_zone=body.time_zone,
            ready_by=tuple(ready_by),
            least_percent=body.least_percent,
            home=home,
            power_w=body.power_w,
            waits_unguarded=body.waits_unguarded,
            quiet_from=body.quiet_from,
            quiet_until=body.quiet_until,
        )
    except ValueError as error:
        raise BadRequest(str(error), str(error).partition(":")[0]) from None


def _contract(body: CarWishBody, prices: HomePricesBody) -> EnergyContract:
    """As a site's; who keeps it names it."""
    price = prices.price
    return EnergyContract(
        site_id="",
        operator_id="",
        time_zone=body.time_zone,
        currency=prices.currency,
        changed_at=datetime.min.replace(tzinfo=UTC),
        price_micros=micros_of(price.price_per_kwh) if isinstance(price, FixedPrice | TimeOfUse) else None,
        bands=tuple(map(band_of, price.bands)) if isinstance(price, TimeOfUse) else (),
        price_feed=Feed(price.source, price.zone) if isinstance(price, Market) else None,
        carbon_feed=Feed(prices.carbon.source, prices.carbon.zone) if prices.carbon is not None else None,
    )


def _wish_view(wish: CarWish) -> CarWishView:
    return CarWishView(
        time_zone=wish.time_zone,
        ready_by=[
            ReadyByBody(day=day, at=it.at, percent=it.percent)
            for day, it in zip(DAYS, wish.ready_by, strict=True)
            if it is not None
        ],
        least_percent=wish.least_percent,
        home=HomeBody(latitude=wish.home.latitude, longitude=wish.home.longitude) if wish.home is not None else None,
        prices=bool(wish.price_site),
        power_w=wish.power_w,
        waits_unguarded=wish.waits_unguarded,
        quiet_from=wish.quiet_from,
        quiet_until=wish.quiet_until,
    )


def _night_view(night: Night) -> CarNightView:
    plan, departure, control = night.plan, night.departure, night.control
    return CarNightView(
        plugged_at=night.plugged_at,
        ended_at=night.ended_at,
        number=night.number,
        departs_at=departure.at if departure is not None else None,
        percent=departure.percent if departure is not None else None,
        controller=control.controller if control is not None else None,
        rule=control.rule if control is not None else None,
        charges_now=night.is_boosted,
        starts_at=plan.starts_at if plan is not None else None,
        ready_at=plan.ready_at if plan is not None else None,
        energy_wh=plan.energy_wh if plan is not None else None,
        unmet_wh=plan.unmet_wh if plan is not None else None,
        cost_micros=plan.cost_micros if plan is not None else None,
        currency=plan.currency or None if plan is not None else None,
        carbon_g=plan.carbon_g if plan is not None else None,
        renewable_permille=plan.renewable_permille if plan is not None else None,
        saved_micros=plan.saved_micros if plan is not None else None,
        saved_g=plan.saved_g if plan is not None else None,
        orders=[CarOrderView(act=it.act, stage=it.stage, attempts=it.attempts) for it in night.orders],
    )


def _match_view(match: CarMatch) -> CarMatchView:
    return CarMatchView(session_id=match.session_id, vehicle_id=match.vehicle_id, state=match.state, at=match.at)
