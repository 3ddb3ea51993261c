"""The route for quotes: what a charge would cost at a connector, asked by energy, time, state of charge or money."""

from __future__ import annotations

from datetime import datetime

from chalice import Blueprint

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.pricing import quote as domain
from chalicelib.domain.pricing.price_tag import price_tag
from chalicelib.domain.pricing.quote import MOST_S, MOST_WH, USUAL_W, ChargeWish, reservation_tag
from chalicelib.handlers.http.endpoint import BadRequest, Request, endpoint
from chalicelib.handlers.money import views
from chalicelib.handlers.money.models import Quote, ReservationPrice
from chalicelib.handlers.pricing.views import tag
from chalicelib.records.chargers import Charger, Plug
from chalicelib.wiring import network

quotes = Blueprint(__name__)

_MOST_W = 20_000_000
_MOST_MINOR = 100_000_000
_MOST_PERCENT = 100


@endpoint(
    quotes,
    "GET",
    "/v1/chargers/{charger_id}/quote",
    answers=Quote,
    is_personal=True,
    errors=(400, 404),
    query={
        "connector": "where; the one with the most power if left out",
        "energy_wh": f"how much energy, {MOST_WH} at most",
        "charging_s": f"for how long, {MOST_S} at most; alone it gives what the connector can in that time",
        "amount_minor": "how much money, with tax: as much energy as it buys",
        "soc_from": "the battery's state of charge now, in percent; with soc_to and battery_wh",
        "soc_to": "... and in the end",
        "battery_wh": f"what the battery holds, {MOST_WH} at most",
        "car_w": "the most the car takes; what the connector gives if left out",
        "parked_s": "how long the car stands there afterwards, 0 if left out",
        "at": "when it begins, RFC 3339; now if left out",
    },
)
def quote(request: Request) -> Quote:
    """What a charge would cost the caller, or anybody: every line of the bill, at the prices of that time."""
    charger_id = request.path["charger_id"]
    charger, site, tariff = network().eligibility.prices(request.known_driver_id, charger_id)
    plug = _plug(charger, request.query.get("connector"))
    gives_w = plug.max_power_w or USUAL_W
    wish = ChargeWish(
        begins_at=_time(request.query.get("at")),
        power_w=min(gives_w, _asked(request, "car_w", _MOST_W, least=1) or gives_w),
        energy_wh=_energy_wh(request),
        charging_s=_asked(request, "charging_s", MOST_S),
        amount_minor=_asked(request, "amount_minor", _MOST_MINOR),
        parked_s=_asked(request, "parked_s", MOST_S) or 0,
    )
    try:
        found = domain.quote(tariff, site.time_zone, wish)
    except ValueError as error:
        raise BadRequest(str(error), "energy_wh") from None
    bill = found.bill
    return Quote(
        charger_id=charger_id,
        connector=str(plug.connector),
        tariff_id=tariff.tariff_id,
        begins_at=wish.begins_at,
        power_w=wish.power_w,
        energy_wh=found.energy_wh,
        charging_s=found.charging_s,
        price=[tag(it) for it in price_tag(tariff, site.time_zone, wish.begins_at)],
        reservation=[ReservationPrice(restriction=kind, price=tag(it)) for kind, it in reservation_tag(tariff)],
        hold_minor=0 if tariff.is_free else tariff.hold_minor,
        takes_deposit=network().chain_payments.may_pay(tariff),
        currency=bill.currency,
        lines=[views.line(it) for it in bill.lines],
        tax_included=bill.tax_included,
        net_minor=bill.net_minor,
        taxes=[views.tax(it) for it in bill.taxes],
        tax_minor=bill.tax_minor,
        total_minor=bill.total_minor,
    )


def _plug(charger: Charger, named: str | None) -> Plug:
    """The connector that was named, or else the strongest."""
    known = {it.connector: it for it in charger.plugs}
    plugs = [known.get(it, Plug(it)) for it in charger.connectors]
    if named is None:
        return max(plugs, key=lambda it: it.max_power_w)
    try:
        connector = ConnectorId.parse(named)
    except ValueError:
        connector = None
    found = next((it for it in plugs if it.connector == connector), None)
    if found is None:
        raise BadRequest("connector is none of this charger's", "connector")
    return found


def _energy_wh(request: Request) -> int | None:
    """How much energy is wished for: said plainly, or by the battery."""
    energy_wh = _asked(request, "energy_wh", MOST_WH)
    soc_from, soc_to = (_asked(request, name, _MOST_PERCENT) for name in ("soc_from", "soc_to"))
    battery_wh = _asked(request, "battery_wh", MOST_WH)
    by_battery = {"soc_from": soc_from, "soc_to": soc_to, "battery_wh": battery_wh}
    missing = [name for name, value in by_battery.items() if value is None]
    if len(missing) == len(by_battery):
        return energy_wh
    if missing:
        raise BadRequest(f"{missing[0]} is missing: a state of charge needs all three", missing[0])
    if energy_wh is not None:
        raise BadRequest("give energy_wh or a state of charge, not both", "energy_wh")
    if (soc_to or 0) < (soc_from or 0):
        raise BadRequest("soc_to must not be below soc_from", "soc_to")
    return (battery_wh or 0) * ((soc_to or 0) - (soc_from or 0)) // _MOST_PERCENT


def _asked(request: Request, name: str, most: int, least: int = 0) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
        raise BadRequest(f"{name} must be a whole number from {least} to {most}", name)
    return int(text)


def _time(text: str | None) -> datetime:
    if text is None:
        return network().clock()
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None or not 2000 < at.year < 2200:
            raise ValueError(text)
    except ValueError:
        raise BadRequest("at must be a time with its offset, such as 2026-11-21T09:30:00Z", "at") from None
    return at
