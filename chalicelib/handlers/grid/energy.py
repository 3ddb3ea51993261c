"""Routes of energy contracts: an operator says what a site's power costs, and sees what is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from chalice import Blueprint

from chalicelib.domain.grid.energy import TOLD, UPLOADED, EnergyContract, Feed, PriceBand, SolarPlant, told_feed
from chalicelib.domain.grid.outlook import Outlook
from chalicelib.domain.pricing.tariff import DAYS
from chalicelib.handlers.grid.energy_models import (
    Band,
    CarbonBody,
    EnergyBody,
    EnergyView,
    FeedView,
    FixedPrice,
    Market,
    OutlookView,
    SolarBody,
    TimeOfUse,
    Uploaded,
)
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, endpoint
from chalicelib.protocol.signals.price_list import price_list
from chalicelib.protocol.signals.source import UnreadableSignal
from chalicelib.records.grid import FeedState
from chalicelib.services.access import NotFound
from chalicelib.services.grid.energy import EnergyNow
from chalicelib.wiring import network

energies = Blueprint(__name__)

_ENERGY = "/v1/operator/sites/{site_id}/energy"
_MICROS = 1_000_000


def _before(request: Request) -> object:
    """The contract alone: what its signals say is no work of the operator's."""
    try:
        return network().site_energy.described(request.operator_id, request.path["site_id"]).contract
    except NotFound:
        return None


@endpoint(
    energies,
    "PUT",
    _ENERGY,
    takes=EnergyBody,
    status=204,
    errors=(400, 404, 409),
    needs=Scope.POWER_WRITE,
    reads=_before,
)
def put_energy(request: Request) -> Answer:
    """Say what a site's power costs and where it comes from. Signals that are new to all sites come within minutes."""
    body: EnergyBody = request.body
    uploaded = None
    if isinstance(body.price, Uploaded) and body.price.csv is not None:
        try:
            uploaded = price_list(body.price.csv)
        except UnreadableSignal as error:
            raise BadRequest(f"price.csv: {error}", "price.csv") from None
    network().site_energy.describe(_contract(request, body), uploaded)
    return Answer()


@endpoint(energies, "GET", _ENERGY, answers=EnergyView, errors=(404,), needs=Scope.POWER_READ)
def get_energy(request: Request) -> EnergyView:
    """A site's energy contract, how old each of its signals is and what is wrong with it, and its coming day."""
    now = network().clock()
    return _view(network().site_energy.described(request.operator_id, request.path["site_id"]), now)


@endpoint(energies, "DELETE", _ENERGY, status=204, errors=(404,), needs=Scope.POWER_WRITE, reads=_before)
def delete_energy(request: Request) -> Answer:
    """Forget what a site's power costs. It is planned without prices from then on."""
    network().site_energy.forget(request.operator_id, request.path["site_id"])
    return Answer()


def _contract(request: Request, body: EnergyBody) -> EnergyContract:
    site_id, price = request.path["site_id"], body.price
    feed = None
    if isinstance(price, Market):
        feed = _market(request.operator_id, price.source, price.zone)
    elif isinstance(price, Uploaded):
        feed = Feed(UPLOADED, site_id)
    return EnergyContract(
        site_id=site_id,
        operator_id=request.operator_id,
        time_zone="",
        currency=body.currency,
        changed_at=network().clock(),
        price_micros=micros_of(price.price_per_kwh) if isinstance(price, FixedPrice | TimeOfUse) else None,
        bands=tuple(map(band_of, price.bands)) if isinstance(price, TimeOfUse) else (),
        price_feed=feed,
        carbon_feed=_market(request.operator_id, body.carbon.source, body.carbon.zone) if body.carbon else None,
        carbon_micros_per_kg=micros_of(body.carbon_price_per_kg),
        demand_charge_micros=micros_of(body.demand_charge_per_kw),
        origin_permille=round(body.guarantees_of_origin_percent * 10),
        solar=SolarPlant(**body.solar.model_dump()) if body.solar is not None else None,
    )


def _market(operator_id: str, source: str, zone: str) -> Feed:
    """A source's word for a zone; of the operator's own utility, for one of its programs."""
    return told_feed(operator_id, zone) if source == TOLD else Feed(source, zone)


def _zone(feed: Feed, operator_id: str) -> str:
    return feed.zone.removeprefix(told_feed(operator_id, "").zone) if feed.source == TOLD else feed.zone


def band_of(it: Band) -> PriceBand:
    """A band of prices in our words."""
    return PriceBand(
        price_micros=micros_of(it.price_per_kwh),
        days=tuple(map(DAYS.index, it.days)),
        months=it.months,
        begins=it.begins,
        ends=it.ends,
    )


def _view(found: EnergyNow, now: datetime) -> EnergyView:
    it = found.contract
    return EnergyView(
        currency=it.currency,
        price=_price(it),
        carbon=CarbonBody(source=it.carbon_feed.source, zone=_zone(it.carbon_feed, it.operator_id))
        if it.carbon_feed
        else None,
        carbon_price_per_kg=_decimal(it.carbon_micros_per_kg),
        demand_charge_per_kw=_decimal(it.demand_charge_micros),
        guarantees_of_origin_percent=_tenths(it.origin_permille),
        solar=_solar(it.solar) if it.solar is not None else None,
        changed_at=it.changed_at,
        guidance=found.guidance,
        feeds=[_feed(feed, state, now) for feed, state in found.feeds],
        outlook=_outlook(found.outlook),
    )


def _price(it: EnergyContract) -> FixedPrice | TimeOfUse | Market | Uploaded:
    if it.price_feed is not None:
        if it.price_feed.source == UPLOADED:
            return Uploaded(kind="csv")
        return Market(kind="market", source=it.price_feed.source, zone=_zone(it.price_feed, it.operator_id))
    otherwise = _decimal(it.price_micros or 0)
    if not it.bands:
        return FixedPrice(kind="fixed", price_per_kwh=otherwise)
    bands = [
        Band(
            price_per_kwh=_decimal(band.price_micros),
            days=tuple(DAYS[day] for day in band.days),
            months=band.months,
            begins=band.begins,
            ends=band.ends,
        )
        for band in it.bands
    ]
    return TimeOfUse(kind="time_of_use", price_per_kwh=otherwise, bands=bands)


def _solar(it: SolarPlant) -> SolarBody:
    return SolarBody(
        peak_w=it.peak_w,
        latitude=it.latitude,
        longitude=it.longitude,
        tilt_deg=it.tilt_deg,
        azimuth_deg=it.azimuth_deg,
    )


def _feed(feed: Feed, state: FeedState | None, now: datetime) -> FeedView:
    told_at = state.told_at if state is not None else None
    return FeedView(
        source=feed.source,
        zone=feed.zone,
        told_at=told_at,
        age_s=round((now - told_at).total_seconds()) if told_at is not None else None,
        known_until=state.known_until if state is not None else None,
        failing_since=state.failing_since if state is not None else None,
        failure=(state.failure or None) if state is not None else None,
        next_at=state.next_at if state is not None else None,
    )


def _outlook(it: Outlook) -> OutlookView:
    return OutlookView(
        begins_at=it.begins_at,
        price_per_kwh=_texts(map(_decimal, it.price_micros)),
        carbon_g_per_kwh=list(it.carbon_g),
        renewable_percent=_texts(map(_tenths, it.renewable_permille)),
        marginal_g_per_kwh=list(it.marginal_g),
        solar_w=list(it.solar_w),
    )


def _texts(amounts: Iterable[Decimal]) -> list[str]:
    return [f"{it:f}" for it in amounts]


def micros_of(amount: Decimal) -> int:
    """In millionths of the currency."""
    return round(amount * _MICROS)


def _decimal(micros: int) -> Decimal:
    """Without noughts at its end that say nothing."""
    return Decimal(f"{(Decimal(micros) / _MICROS).normalize():f}")


def _tenths(permille: int) -> Decimal:
    return Decimal(f"{(Decimal(permille) / 10).normalize():f}")
