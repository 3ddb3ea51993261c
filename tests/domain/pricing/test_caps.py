"""Price caps: what a tariff may ask for, and the most that a charge may take unasked, in every currency."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.pricing.caps import cap_minor, charge_cap_minor, is_taken, price_cap, tariff_faults, worth_minor
from chalicelib.domain.pricing.tariff import (
    Element,
    PriceComponent,
    Priced,
    PriceLimit,
    ReservationRestriction,
    Restrictions,
    Tariff,
    simple_elements,
)

TODAY = date(2026, 11, 30)
TARIFF = Tariff(
    tariff_id="t", operator_id="op", name="T", currency="EUR", elements=simple_elements(per_kwh=Decimal("0.45"))
)


def faults(**changes: Any) -> list[str]:
    return list(tariff_faults(replace(TARIFF, **changes), TODAY))


def test_an_ordinary_tariff_has_no_fault() -> None:
    assert faults() == []
    assert faults(min_price=PriceLimit(Decimal(1)), max_price=PriceLimit(Decimal(80))) == []


@pytest.mark.parametrize("currency", ["EUX", "XXX", "XAU", "XTS", "eur", "DEM", "ZZZ"])
def test_a_currency_that_cards_are_not_charged_in_is_a_fault(currency: str) -> None:
    assert "currency" in faults(currency=currency)[0]
    assert not is_taken(currency)


@pytest.mark.parametrize("currency", ["EUR", "USD", "GBP", "CZK", "HUF", "JPY", "KWD", "ISK", "INR"])
def test_a_currency_of_a_network_is_taken_and_has_a_cap(currency: str) -> None:
    assert is_taken(currency)
    assert charge_cap_minor(currency, TODAY) > 0


@pytest.mark.parametrize(
    ("currency", "cap"), [("EUR", 20_000), ("CZK", 490_000), ("JPY", 36_000), ("KWD", 71_000), ("USD", 23_000)]
)
def test_the_cap_of_a_charge_is_about_as_much_in_every_currency(currency: str, cap: int) -> None:
    assert charge_cap_minor(currency, TODAY) == cap


def test_a_cap_holds_before_its_first_day_too() -> None:
    assert charge_cap_minor("EUR", date(2020, 1, 1)) == 20_000


@pytest.mark.parametrize("priced", list(Priced))
def test_a_price_above_its_cap_is_a_fault(priced: Priced) -> None:
    most = price_cap(priced, "EUR", TODAY)
    at_cap = (Element((PriceComponent(priced, most),)),)
    above = (Element((PriceComponent(priced, most + Decimal("0.0001")),)),)
    assert faults(elements=at_cap) == []
    assert priced in faults(elements=above)[0]


def test_a_price_under_a_restriction_is_bounded_too() -> None:
    dear = Element(
        (PriceComponent(Priced.FLAT, Decimal(5000)),), Restrictions(reservation=ReservationRestriction.EXPIRED)
    )
    assert faults(elements=(*TARIFF.elements, dear))


@pytest.mark.parametrize(("priced", "step"), [(Priced.ENERGY, 1_000_000), (Priced.TIME, 86_400)])
def test_a_step_that_makes_a_price_another_is_a_fault(priced: Priced, step: int) -> None:
    assert faults(elements=(Element((PriceComponent(priced, Decimal(1), step_size=step),)),))


@pytest.mark.parametrize("changes", [{"hold_minor": 20_001}, {"cap_minor": 20_001}, {"cap_minor": 100}])
def test_a_hold_or_cap_above_what_a_charge_may_take_is_a_fault(changes: dict[str, int]) -> None:
    assert faults(**changes)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (PriceLimit(Decimal(10)), PriceLimit(Decimal(5))),
        (PriceLimit(None, Decimal(10)), PriceLimit(None, Decimal(5))),
        (PriceLimit(Decimal(10)), PriceLimit(None, Decimal(5))),
        (PriceLimit(None, Decimal(10)), PriceLimit(Decimal(5))),
        (PriceLimit(Decimal(1), Decimal(10)), PriceLimit(Decimal(5), Decimal(6))),
    ],
)
def test_a_minimum_above_the_maximum_is_a_fault(low: PriceLimit, high: PriceLimit) -> None:
    assert faults(min_price=low, max_price=high) == ["min_price: it is above max_price"]


def test_a_minimum_after_taxes_within_a_maximum_before_them_is_none() -> None:
    taxed = simple_elements(per_kwh=Decimal("0.45"), tax_percent=Decimal(19))
    assert faults(elements=taxed, min_price=PriceLimit(None, Decimal("5.95")), max_price=PriceLimit(Decimal(5))) == []


def test_a_minimum_above_the_cap_of_a_charge_is_a_fault() -> None:
    assert faults(min_price=PriceLimit(Decimal(201)))


def test_an_operators_cap_lies_below_the_platforms() -> None:
    assert cap_minor(TARIFF, TODAY) == 20_000
    assert cap_minor(replace(TARIFF, cap_minor=8_000), TODAY) == 8_000
    # A row from before there was a platform's.
    assert cap_minor(replace(TARIFF, cap_minor=900_000), TODAY) == 20_000


def test_what_energy_and_time_are_worth_is_counted_at_the_dearest_prices_with_tax_and_steps() -> None:
    night = Element((PriceComponent(Priced.ENERGY, Decimal("0.20"), Decimal(19)),), Restrictions(min_power_w=0))
    day = Element(
        (
            PriceComponent(Priced.ENERGY, Decimal("0.50"), Decimal(19)),
            PriceComponent(Priced.TIME, Decimal(6), Decimal(19), 900),
            PriceComponent(Priced.FLAT, Decimal(1), Decimal(19)),
        )
    )
    tariff = replace(TARIFF, elements=(night, day))
    # 5 kWh, and 15 min with a step of as much.
    assert worth_minor(tariff, 5_000, 900) == 655  # (2.50 + 1.5 + 899 s) * 1.19, rounded up
    assert worth_minor(tariff, 5_000, 900, is_first=True) == 774


def test_a_first_reading_is_worth_the_least_price_at_least() -> None:
    assert worth_minor(replace(TARIFF, min_price=PriceLimit(Decimal(7))), 100, 60, is_first=True) == 700
