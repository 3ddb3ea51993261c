"""Whatever a driver asks by, the quote is the bill of what the plug gives; a tag is the consumer's, in AFIR's order."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from chalicelib.domain.pricing.price_tag import PricedUnit, price_tag
from chalicelib.domain.pricing.quote import ChargeWish, quote, reservation_tag
from chalicelib.domain.pricing.tariff import (
    Element,
    PriceComponent,
    Priced,
    ReservationRestriction,
    Restrictions,
    Tariff,
    simple_elements,
)

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ZONE = "Europe/Berlin"


def tariff(*elements: Element, tax_included: bool = False) -> Tariff:
    return Tariff(
        tariff_id="t", operator_id="op", name="T", currency="EUR", elements=elements, tax_included=tax_included
    )


ALL = tariff(
    *simple_elements(
        per_kwh=Decimal("0.40"),
        per_minute=Decimal("0.05"),
        idle_per_minute=Decimal("0.10"),
        once=Decimal(1),
        tax_percent=Decimal(19),
    )
)


def test_a_tag_is_in_afirs_order_with_the_tax_in_it() -> None:
    assert [(it.per, it.amount) for it in price_tag(ALL, ZONE, AT)] == [
        (PricedUnit.KWH, Decimal("0.476")),
        (PricedUnit.MINUTE, Decimal("0.0595")),
        (PricedUnit.SESSION, Decimal("1.19")),
        (PricedUnit.IDLE_MINUTE, Decimal("0.119")),
    ]


def test_a_price_that_has_its_tax_is_shown_as_it_is() -> None:
    taxed = tariff(*simple_elements(per_kwh=Decimal("0.50"), tax_percent=Decimal(19)), tax_included=True)
    assert [it.amount for it in price_tag(taxed, ZONE, AT)] == [Decimal("0.5")]


def test_what_is_free_has_an_empty_tag() -> None:
    assert price_tag(tariff(*simple_elements()), ZONE, AT) == ()


def wish(**more: int) -> ChargeWish:
    return ChargeWish(begins_at=AT, power_w=11_000, **more)


def test_time_alone_gives_what_the_plug_can_in_it() -> None:
    found = quote(ALL, ZONE, wish(charging_s=1800))
    assert (found.energy_wh, found.charging_s) == (5500, 1800)
    # 5.5 kWh at 0.40, 30 minutes at 0.05, 1.00 once; a fifth of it less one per cent is tax.
    assert found.bill.total_minor == round((220 + 150 + 100) * 1.19)


def test_energy_alone_takes_as_long_as_the_plug_needs() -> None:
    assert quote(ALL, ZONE, wish(energy_wh=22_000)).charging_s == 7200


@pytest.mark.parametrize("amount_minor", [0, 118, 119, 120, 1000, 1234, 5000, 100_000])
def test_money_buys_the_most_energy_that_costs_no_more(amount_minor: int) -> None:
    found = quote(ALL, ZONE, wish(amount_minor=amount_minor))
    if found.energy_wh:
        assert found.bill.total_minor <= amount_minor
    more = quote(ALL, ZONE, wish(energy_wh=found.energy_wh + 1))
    assert more.bill.total_minor > amount_minor or more.energy_wh > 528_000


def test_money_that_buys_all_there_is_has_an_end() -> None:
    free = quote(tariff(*simple_elements()), ZONE, wish(amount_minor=100))
    assert (free.energy_wh, free.charging_s, free.bill.total_minor) == (528_000, 172_800, 0)


@pytest.mark.parametrize("asked", [{}, {"amount_minor": 1, "energy_wh": 1}, {"amount_minor": 1, "charging_s": 1}])
def test_a_wish_says_one_thing(asked: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="ask by"):
        quote(ALL, ZONE, wish(**asked))


def test_what_a_reservation_costs_is_told_with_its_tax() -> None:
    made = Element(
        (PriceComponent(Priced.TIME, Decimal(6), Decimal(20)),),
        Restrictions(reservation=ReservationRestriction.MADE),
    )
    missed = Element(
        (PriceComponent(Priced.FLAT, Decimal(2)),), Restrictions(reservation=ReservationRestriction.EXPIRED)
    )
    told = [(kind, it.per, it.amount) for kind, it in reservation_tag(tariff(made, missed, *ALL.elements))]
    assert told == [
        (ReservationRestriction.MADE, PricedUnit.MINUTE, Decimal("0.12")),
        (ReservationRestriction.EXPIRED, PricedUnit.SESSION, Decimal(2)),
    ]
