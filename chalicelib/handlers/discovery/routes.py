"""Routes for discovery: where a driver can charge, near a place, along a way, at a site; as it is now."""

from __future__ import annotations

import math
import re

from chalice import Blueprint

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.chargers.plugs import PlugType
from chalicelib.domain.discovery import Polyline, decode_polyline
from chalicelib.handlers.chargers.models import ChargerView
from chalicelib.handlers.chargers.views import charger as charger_view
from chalicelib.handlers.chargers.views import site_summary
from chalicelib.handlers.discovery.models import FoundCharger, FoundConnector, FoundPage, SiteCharger, SiteView
from chalicelib.handlers.http.endpoint import BadRequest, Request, endpoint
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.http.query import is_asked
from chalicelib.handlers.pricing.views import prices
from chalicelib.records.chargers import Plug
from chalicelib.records.discovery import Place
from chalicelib.services.discovery import Found, Page, Wish
from chalicelib.wiring import network

search = Blueprint(__name__)

_PAGING = Paging()
_RADIUS_M, _LARGEST_RADIUS_M = 10_000, 100_000
_CORRIDOR_M, _LARGEST_CORRIDOR_M = 2_000, 20_000
_LONGEST_ROUTE_M, _MOST_POINTS = 2_000_000, 2_000
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,12})?")
_WISHES = {
    "connector_type": f"one or more of {', '.join(PlugType)}, parted by commas",
    "min_power_w": "at least this power",
    "available": "`true` for those only where somebody could plug in now",
    "operator": "this operator's only",
    "q": "words of the site's name, its address or the charger's id",
    **_PAGING.query,
}


@endpoint(
    search,
    "GET",
    "/v1/chargers/nearby",
    answers=FoundPage,
    is_personal=True,
    query={
        "lat": "latitude in degrees",
        "lng": "longitude in degrees",
        "radius": f"metres, {_RADIUS_M} if left out, {_LARGEST_RADIUS_M} at most",
        **_WISHES,
    },
)
def nearby(request: Request) -> FoundPage:
    """Chargers near a place, the nearest first."""
    centre = GeoPoint(_number(request, "lat", None, 90), _number(request, "lng", None, 180))
    radius_m = _number(request, "radius", _RADIUS_M, _LARGEST_RADIUS_M, least=1)
    return _page(network().search.near(centre, radius_m, _wish(request), *_PAGING.asked(request)))


@endpoint(
    search,
    "GET",
    "/v1/chargers/along",
    answers=FoundPage,
    is_personal=True,
    query={
        "route": f"an encoded polyline (five decimals) of at most {_MOST_POINTS} points",
        "corridor": f"metres to either side, {_CORRIDOR_M} if left out, {_LARGEST_CORRIDOR_M} at most",
        **_WISHES,
    },
)
def along(request: Request) -> FoundPage:
    """Chargers along a way, in its order."""
    try:
        points = decode_polyline(request.query.get("route", ""))
        if len(points) > _MOST_POINTS:
            raise ValueError(f"a route has at most {_MOST_POINTS} points; simplify it")
        route = Polyline(points)
        if route.length_m > _LONGEST_ROUTE_M:
            raise ValueError(f"a route is at most {_LONGEST_ROUTE_M // 1000} km long")
    except ValueError as error:
        raise BadRequest(f"route: {error}", "route") from None
    corridor_m = _number(request, "corridor", _CORRIDOR_M, _LARGEST_CORRIDOR_M, least=100)
    return _page(network().search.along(route, corridor_m, _wish(request), *_PAGING.asked(request)))


@endpoint(search, "GET", "/v1/sites/{site_id}", answers=SiteView, is_personal=True, errors=(404,))
def look_at_site(request: Request) -> SiteView:
    """A site, its price, and what its chargers do now."""
    site, tariff, places = network().search.site(
        request.path["site_id"], network().eligibility.terms(request.known_driver_id)
    )
    where = site_summary(site)
    return SiteView(
        site_id=site.site_id,
        operator_id=site.operator_id,
        name=site.name,
        address=site.address,
        latitude=site.latitude,
        longitude=site.longitude,
        time_zone=site.time_zone,
        opening_hours=where.opening_hours,
        is_open=where.is_open,
        prices=prices(tariff, site.time_zone, network().clock()) if tariff else None,
        chargers=[
            SiteCharger(
                charger_id=it.charger_id,
                online=it.online,
                available=sum(it.is_free(plug) for plug in it.plugs),
                connectors=[_connector(it, plug) for plug in it.plugs],
            )
            for it in places
        ],
    )


def _page(page: Page) -> FoundPage:
    return FoundPage(items=[_found(it) for it in page.items], next_cursor=page.next_cursor)


def _found(it: Found) -> FoundCharger:
    place = it.place
    return FoundCharger(
        charger_id=place.charger_id,
        operator_id=place.operator_id,
        site_id=place.site_id,
        site_name=place.site_name,
        address=place.address,
        latitude=place.spot.latitude,
        longitude=place.spot.longitude,
        online=place.online,
        is_metered=place.is_metered,
        available=sum(place.is_free(plug) for plug in place.plugs),
        connectors=[_connector(place, plug) for plug in place.plugs],
        prices=prices(it.tariff, place.time_zone, network().clock()) if it.tariff else None,
        distance_m=round(it.distance_m),
        eta_s=it.eta_s,
        eta_is_estimate=it.is_estimate,
        along_m=None if it.along_m is None else round(it.along_m),
    )


def _connector(place: Place, plug: Plug) -> FoundConnector:
    return FoundConnector(
        connector=str(plug.connector),
        kind=plug.kind,
        max_power_w=plug.max_power_w,
        status=place.status(plug),
        available=place.is_free(plug),
    )


def _wish(request: Request) -> Wish:
    query = request.query
    names = [name for name in query.get("connector_type", "").split(",") if name]
    if unknown := set(names) - set(PlugType):
        raise BadRequest(
            f"connector_type: {sorted(unknown)[0][:40]!r} is none of {', '.join(PlugType)}", "connector_type"
        )
    available = is_asked(request, "available")
    return Wish(
        kinds=frozenset(PlugType(name) for name in names),
        min_power_w=int(_number(request, "min_power_w", 0, 10_000_000, least=0)),
        available=available,
        operator_id=query.get("operator") or None,
        text=query.get("q", "")[:100],
        terms=network().eligibility.terms(request.known_driver_id),
    )


def _number(request: Request, name: str, otherwise: float | None, most: float, least: float | None = None) -> float:
    text = request.query.get(name)
    if text is None:
        if otherwise is None:
            raise BadRequest(f"{name} is missing", name)
        return otherwise
    least = -most if least is None else least
    if not _NUMBER.fullmatch(text) or not least <= (number := float(text)) <= most or not math.isfinite(number):
        raise BadRequest(f"{name} must be a number from {least:g} to {most:g}", name)
    return number


@endpoint(search, "GET", "/v1/chargers/{charger_id}", answers=ChargerView, is_personal=True, errors=(404,))
def look(request: Request) -> ChargerView:
    """A charger: where it is, what it costs, and what its connectors do."""
    it, site, _, states = network().registry.look(request.path["charger_id"])
    _, _, tariff = network().eligibility.prices(request.known_driver_id, it.charger_id)
    return charger_view(it, site, tariff, list(states))
