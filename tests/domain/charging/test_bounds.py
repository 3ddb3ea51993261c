"""Bounds of a charge's money: the driver's limit, the hold and one reading, the cap; whichever is lowest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.bounds import (
    FIRST_READING_S,
    READING_EVERY_S,
    agreed_hold_minor,
    ceiling_minor,
    limit_minor,
    more_unasked_minor,
    reading_worth_minor,
    unasked_minor,
)
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import Charge, Hold, Origin, Payment, Session
from chalicelib.domain.pricing.rating import Reserved
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

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
TARIFF = Tariff(
    tariff_id="t", operator_id="op", name="T", currency="EUR", elements=simple_elements(per_kwh=Decimal("0.40"))
)
SESSION = Session(
    session_id="K1",
    operator_id="op",
    site_id="s",
    charger_id="CP",
    connector=ConnectorId(1),
    origin=Origin.APP,
    token="K1",
    driver_id="d",
    tariff=TARIFF,
    created_at=NOW,
    plug_w=22_000,
)
FEE = Element((PriceComponent(Priced.FLAT, Decimal(2)),), Restrictions(reservation=ReservationRestriction.MADE))


def test_what_may_be_taken_is_the_hold_and_what_one_reading_can_add() -> None:
    held = replace(SESSION, hold=Hold("pi", 1_000))
    # A quarter of an hour at 22 kW.
    assert reading_worth_minor(held) == 220
    assert unasked_minor(held) == 1_220


def test_a_stronger_plug_adds_more_and_one_that_nobody_registered_an_ordinary_ones() -> None:
    held = replace(SESSION, hold=Hold("pi", 1_000))
    assert unasked_minor(replace(held, plug_w=150_000)) == 1_000 + 1_500
    assert unasked_minor(replace(held, plug_w=None)) == 1_220
    # A figure that is wrong, or means ill, raises neither hold nor bound without end.
    assert unasked_minor(replace(held, plug_w=20_000_000)) == 1_000 + 5_000
    assert agreed_hold_minor(replace(SESSION, plug_w=20_000_000)) == 5_000


def test_a_drivers_limit_is_kept_to_the_cent() -> None:
    limited = replace(SESSION, hold=Hold("pi", 5_000), limits=Limits(amount_minor=1_000))
    assert unasked_minor(limited) == 1_000
    assert unasked_minor(replace(limited, charger_limits=Limits(amount_minor=700))) == 700


def test_a_reservation_is_agreed_to_beside_the_limit() -> None:
    reserved = replace(
        SESSION,
        tariff=replace(TARIFF, elements=(*TARIFF.elements, FEE)),
        reserved=Reserved(NOW - timedelta(minutes=10), NOW),
        limits=Limits(amount_minor=500),
    )
    assert limit_minor(reserved) == 700


def test_a_charge_takes_no_more_than_the_cap_however_much_is_held() -> None:
    assert unasked_minor(replace(SESSION, hold=Hold("pi", 50_000))) == 20_000
    own = replace(SESSION, tariff=replace(TARIFF, cap_minor=3_000), hold=Hold("pi", 5_000))
    assert unasked_minor(own) == 3_000


def test_where_no_hold_could_be_placed_the_one_agreed_to_counts() -> None:
    assert unasked_minor(SESSION) == 5_000 + 220


def test_a_hold_covers_what_flows_before_the_first_reading() -> None:
    fast = replace(SESSION, tariff=replace(TARIFF, hold_minor=1), plug_w=150_000)
    assert FIRST_READING_S == 120
    assert agreed_hold_minor(fast) == 200
    assert agreed_hold_minor(replace(fast, limits=Limits(energy_wh=100))) == 200
    assert agreed_hold_minor(replace(fast, limits=Limits(amount_minor=150))) == 150


def test_a_hold_covers_the_least_price_of_a_charge() -> None:
    costly = replace(SESSION, tariff=replace(TARIFF, hold_minor=1, min_price=PriceLimit(Decimal(7))))
    assert agreed_hold_minor(costly) == 700


def test_what_was_taken_leaves_so_much_less_to_take() -> None:
    held = replace(SESSION, hold=Hold("pi", 1_000))
    assert more_unasked_minor(replace(held, takings=(Charge("pi", 1_000, 1_000),))) == 220
    assert more_unasked_minor(replace(held, payment=Payment(1_220, NOW))) == 0


def test_free_charging_holds_nothing() -> None:
    assert agreed_hold_minor(replace(SESSION, tariff=replace(TARIFF, elements=simple_elements()))) == 0


@given(
    held=some.integers(0, 10**6),
    limit=some.none() | some.integers(1, 10**6),
    told=some.none() | some.integers(1, 10**6),
    plug_w=some.none() | some.integers(1, 2_000_000),
    cap=some.none() | some.integers(1, 10**6),
    price=some.decimals(0, 10, places=4),
)
def test_what_may_be_taken_never_passes_any_bound(
    held: int, limit: int | None, told: int | None, plug_w: int | None, cap: int | None, price: Decimal
) -> None:
    session = replace(
        SESSION,
        tariff=replace(TARIFF, cap_minor=cap, elements=simple_elements(per_kwh=price)),
        hold=Hold("pi", held) if held else None,
        limits=Limits(amount_minor=limit) if limit else None,
        charger_limits=Limits(amount_minor=told) if told else None,
        plug_w=plug_w,
    )
    most = unasked_minor(session)
    bounds = [20_000, *(it for it in (limit, told, cap) if it is not None)]
    assert most <= min(bounds)
    assert most <= ceiling_minor(session)
    one_reading = price * (plug_w or 22_000) * READING_EVERY_S / 3600 / 1000 * 100
    assert most <= (held or agreed_hold_minor(session)) + one_reading + 1
    assert agreed_hold_minor(session) <= ceiling_minor(session)


@pytest.mark.parametrize("seconds", [FIRST_READING_S, READING_EVERY_S])
def test_a_reading_is_awaited_for_minutes(seconds: int) -> None:
    assert 60 <= seconds <= 900
