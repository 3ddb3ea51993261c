"""Views of tariffs: one reads the same going in and coming out."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal

from chalicelib.domain.pricing.caps import cap_minor
from chalicelib.domain.pricing.currency import to_minor
from chalicelib.domain.pricing.rating import rates
from chalicelib.domain.pricing.tariff import Element, PriceComponent, PriceLimit, Restrictions, Tariff, simple_elements
from chalicelib.handlers.pricing.models import (
    ElementBody,
    PriceComponentBody,
    PriceLimitBody,
    Prices,
    RestrictionsBody,
    TariffBody,
)

_THOUSAND = 1000
_USUAL_HOLD_MINOR = 5000


def tariff(tariff_id: str, operator_id: str, body: TariffBody) -> Tariff:
    """What an operator has asked for. Raises ValueError for prices that cannot be."""
    elements = tuple(_element(it) for it in body.elements) or simple_elements(
        per_kwh=body.price_per_kwh or Decimal(0),
        per_minute=body.price_per_minute or Decimal(0),
        idle_per_minute=body.idle_price_per_minute or Decimal(0),
        once=body.flat_price or Decimal(0),
        tax_percent=body.tax_percent,
    )
    return Tariff(
        tariff_id=tariff_id,
        operator_id=operator_id,
        name=body.name or tariff_id,
        currency=body.currency,
        elements=elements,
        min_price=_limit(body.min_price),
        max_price=_limit(body.max_price),
        tax_included=body.tax_included,
        hold_minor=_hold_minor(body),
        cap_minor=body.cap_minor,
        idle_grace_s=body.idle_grace_s,
    )


def prices(it: Tariff, time_zone: str, at: datetime) -> Prices:
    """A tariff as drivers read it at this moment."""
    return Prices(
        tariff_id=it.tariff_id,
        name=it.name,
        currency=it.currency,
        tax_included=it.tax_included,
        now=[_component_body(component) for component in rates(it, time_zone, at) if component.price],
        elements=[_element_body(element) for element in it.elements],
        min_price=_limit_body(it.min_price),
        max_price=_limit_body(it.max_price),
        hold_minor=it.hold_minor,
        cap_minor=cap_minor(it, at.date()),
        idle_grace_s=it.idle_grace_s,
    )


def _hold_minor(body: TariffBody) -> int:
    if body.hold_minor is not None:
        return body.hold_minor
    if body.preauthorize_amount:
        return to_minor(body.preauthorize_amount, body.currency)
    return min(_USUAL_HOLD_MINOR, body.cap_minor or _USUAL_HOLD_MINOR)


def _element(body: ElementBody) -> Element:
    components = tuple(PriceComponent(it.type, it.price, it.vat, it.step_size) for it in body.price_components)
    return Element(components, _restrictions(body.restrictions) if body.restrictions else Restrictions())


def _restrictions(body: RestrictionsBody) -> Restrictions:
    return Restrictions(
        start_time=_time(body.start_time),
        end_time=_time(body.end_time),
        start_date=body.start_date,
        end_date=body.end_date,
        min_energy_wh=_thousands(body.min_kwh),
        max_energy_wh=_thousands(body.max_kwh),
        min_current_ma=_thousands(body.min_current),
        max_current_ma=_thousands(body.max_current),
        min_power_w=_thousands(body.min_power),
        max_power_w=_thousands(body.max_power),
        min_duration_s=body.min_duration,
        max_duration_s=body.max_duration,
        day_of_week=frozenset(body.day_of_week),
        reservation=body.reservation,
    )


def _restrictions_body(it: Restrictions) -> RestrictionsBody:
    return RestrictionsBody(
        start_time=f"{it.start_time:%H:%M}" if it.start_time is not None else None,
        end_time=f"{it.end_time:%H:%M}" if it.end_time is not None else None,
        start_date=it.start_date,
        end_date=it.end_date,
        min_kwh=_thousandth(it.min_energy_wh),
        max_kwh=_thousandth(it.max_energy_wh),
        min_current=_thousandth(it.min_current_ma),
        max_current=_thousandth(it.max_current_ma),
        min_power=_thousandth(it.min_power_w),
        max_power=_thousandth(it.max_power_w),
        min_duration=it.min_duration_s,
        max_duration=it.max_duration_s,
        day_of_week=sorted(it.day_of_week),
        reservation=it.reservation,
    )


def _element_body(it: Element) -> ElementBody:
    return ElementBody(
        price_components=[_component_body(component) for component in it.price_components],
        restrictions=None if it.restrictions == Restrictions() else _restrictions_body(it.restrictions),
    )


def _component_body(it: PriceComponent) -> PriceComponentBody:
    # What came in plainly per minute may have more decimals an hour than a price that comes in has.
    return PriceComponentBody.model_construct(type=it.type, price=it.price, vat=it.vat, step_size=it.step_size)


def _limit(body: PriceLimitBody | None) -> PriceLimit | None:
    return PriceLimit(body.before_taxes, body.after_taxes) if body else None


def _limit_body(it: PriceLimit | None) -> PriceLimitBody | None:
    return PriceLimitBody(before_taxes=it.before_taxes, after_taxes=it.after_taxes) if it else None


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text is not None else None


def _thousands(amount: Decimal | None) -> int | None:
    return int(amount * _THOUSAND) if amount is not None else None


def _thousandth(amount: int | None) -> Decimal | None:
    return Decimal(amount) / _THOUSAND if amount is not None else None
