"""Tariffs, as OCPI has them: elements in order, of which for each dimension the first that applies now has the price.

Prices are exact decimals in major units: per kWh, per hour or once (OCPI 2.2.1 and 2.3.0, module Tariffs). What they
come to is computed in `chalicelib/domain/pricing/rating.py`; times of day are the site's, on its own clock.
"""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, replace

_MINUTES_AN_HOUR = 60


class Priced(StrEnum):
    """What a price is for: OCPI's TariffDimensionType.

    TIME is time charging; PARKING_TIME is time connected and not charging, unless the charger withholds energy.
    """

    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FLAT = "FLAT"


class Day(StrEnum):
    """OCPI's DayOfWeek, in the order of `datetime.weekday()`."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


DAYS = tuple(Day)


class ReservationRestriction(StrEnum):
    """Which end of a reservation an element prices: OCPI's ReservationRestrictionType."""

    MADE = "RESERVATION"
    EXPIRED = "RESERVATION_EXPIRES"


@dataclass(frozen=True, slots=True)
class PriceComponent:
    """One price. `step_size` is in Wh or seconds; `vat` in percent, None where no tax applies."""

    type: Priced
    price: Decimal
    vat: Decimal | None = None
    step_size: int = 1

    def __post_init__(self) -> None:
        for name, value in (("price", self.price), ("vat", self.vat)):
            if value is not None and value < 0:
                raise ValueError(f"{name} must not be negative")
        if self.step_size < 1:
            raise ValueError("step_size must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """When an element applies: all that is given must hold. Lower bounds are inclusive, upper ones exclusive.

    A time of day that ends before it starts runs across midnight. Energy (Wh) and duration (s) are those of the
    session so far, power (W) and current (mA, the sum of all phases) those of the moment.
    """

    start_time: time | None = None
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_energy_wh: int | None = None
    max_energy_wh: int | None = None
    min_current_ma: int | None = None
    max_current_ma: int | None = None
    min_power_w: int | None = None
    max_power_w: int | None = None
    min_duration_s: int | None = None
    max_duration_s: int | None = None
    day_of_week: frozenset[Day] = frozenset()
    reservation: ReservationRestriction | None = None


_ANYTIME = Restrictions()


@dataclass(frozen=True, slots=True)
class Element:
    """Prices that apply together, under the same restrictions."""

    price_components: tuple[PriceComponent, ...]
    restrictions: Restrictions = _ANYTIME

    def __post_init__(self) -> None:
        types = [it.type for it in self.price_components]
        if not types:
            raise ValueError("an element needs a price")
        if len(set(types)) < len(types):
            raise ValueError("an element has one price for each dimension")
        if self.restrictions.reservation and not {Priced.FLAT, Priced.TIME} >= set(types):
            raise ValueError("a reservation is priced by FLAT and TIME only")

    def component(self, priced: Priced) -> PriceComponent | None:
        """Its price for a dimension, if it has one."""
        return next((it for it in self.price_components if it.type is priced), None)


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """A bound for a whole session, in major units; where both are given, both are kept."""

    before_taxes: Decimal | None = None
    after_taxes: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """An operator's prices. `hold_minor` is what a card must be good for, unless the driver's own limits need less.

    `cap_minor` is what one charge may take without its driver being asked again; None: what the platform allows.
    `tax_included`: prices are what the driver pays, tax and all (OCPI 2.3.0).
    `tax_included`: prices are what the driver pays, tax and all (OCPI 2.3.0). A car that stands for less than
    `idle_grace_s` pays no PARKING_TIME; one that stands longer pays it from the beginning.
    """

    tariff_id: str
    operator_id: str
    name: str
    currency: str
    elements: tuple[Element, ...]
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    tax_included: bool = False
    hold_minor: int = 5000
    cap_minor: int | None = None
    idle_grace_s: int = 0

    def __post_init__(self) -> None:
        if not self.elements:
            raise ValueError("a tariff needs an element; one that is free has a FLAT price of 0")
        if self.hold_minor <= 0:
            raise ValueError("hold_minor must be positive")
        if self.cap_minor is not None and self.cap_minor <= 0:
            raise ValueError("cap_minor must be positive")
        if self.idle_grace_s < 0:
            raise ValueError("idle_grace_s must not be negative")

    @property
    def is_free(self) -> bool:
        """Whether nothing ever costs anything."""
        has_minimum = self.min_price is not None and bool(self.min_price.before_taxes or self.min_price.after_taxes)
        return not has_minimum and not any(price.price for it in self.elements for price in it.price_components)

    @property
    def needs_meter(self) -> bool:
        """Whether energy costs anything: what a charger does not measure cannot be sold by it."""
        return any(price.type is Priced.ENERGY and price.price for it in self.elements for price in it.price_components)

    @property
    def charges_for_idling(self) -> bool:
        """Whether time connected and not charging may cost something, at whatever hour."""
        return any(
            price.type is Priced.PARKING_TIME and price.price for it in self.of_charge for price in it.price_components
        )

    @property
    def charges_for_time(self) -> bool:
        """Whether it matters to the price when a car was charging, and when it stood."""
        timed = (Priced.TIME, Priced.PARKING_TIME)
        return any(price.type in timed and price.price for it in self.of_charge for price in it.price_components)

    @property
    def for_blocking(self) -> Tariff | None:
        """The prices for a car that is connected and takes nothing: of time, and no minimum; None where that is free.

        What a reservation costs stays.
        """
        if not self.charges_for_idling:
            return None
        standing = (
            replace(it, price_components=(price,))
            for it in self.of_charge
            for price in it.price_components
            if price.type is Priced.PARKING_TIME
        )
        reserving = (it for it in self.elements if it.restrictions.reservation is not None)
        return replace(self, elements=(*standing, *reserving), min_price=None)

    @property
    def of_charge(self) -> tuple[Element, ...]:
        """The elements that price a charge, and not its reservation."""
        return tuple(it for it in self.elements if it.restrictions.reservation is None)

    @property
    def depends_on_course(self) -> bool:
        """Whether the price depends on how a charge went, and not only on its energy and that it happened."""
        return any(
            it.restrictions.reservation is None
            and (
                it.restrictions != _ANYTIME
                or any(price.type in (Priced.TIME, Priced.PARKING_TIME) for price in it.price_components)
            )
            for it in self.elements
        )


def simple_elements(
    *,
    per_kwh: Decimal = Decimal(0),
    per_minute: Decimal = Decimal(0),
    idle_per_minute: Decimal = Decimal(0),
    once: Decimal = Decimal(0),
    tax_percent: Decimal | None = None,
) -> tuple[Element, ...]:
    """The element of a tariff without conditions; one where nothing costs anything says so."""
    prices = (
        (Priced.FLAT, once),
        (Priced.ENERGY, per_kwh),
        (Priced.TIME, per_minute * _MINUTES_AN_HOUR),
        (Priced.PARKING_TIME, idle_per_minute * _MINUTES_AN_HOUR),
    )
    components = tuple(PriceComponent(priced, price, tax_percent) for priced, price in prices if price)
    return (Element(components or (PriceComponent(Priced.FLAT, Decimal(0), tax_percent),)),)
