"""The worked examples of OCPI 2.2.1 and 2.3.0, modules Tariffs and CDRs, as we read them.

Where the older text of an example rounds charging time that is followed by parking (2.2: "Complex Tariff"), the
later rule of module CDRs is kept: step_size counts once for TIME and PARKING_TIME together, on the parking.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from chalicelib.domain.pricing.periods import ChargingPeriod
from chalicelib.domain.pricing.rating import Reserved, Usage, planned, price
from chalicelib.domain.pricing.tariff import (
    Day,
    Element,
    PriceComponent,
    Priced,
    PriceLimit,
    ReservationRestriction,
    Restrictions,
    Tariff,
)

ENERGY, TIME, PARKING, FLAT = Priced.ENERGY, Priced.TIME, Priced.PARKING_TIME, Priced.FLAT
HOUR, MINUTE = 3600, 60
BRUSSELS = "Europe/Brussels"
MONDAY_0930 = datetime(2026, 11, 16, 8, 30, tzinfo=UTC)
SATURDAY_1330 = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
WEEKDAYS = frozenset(Day) - {Day.SATURDAY, Day.SUNDAY}
WEEKEND = frozenset({Day.SATURDAY, Day.SUNDAY})


def component(type_: Priced, price: str, vat: str | None = None, step_size: int = 1) -> PriceComponent:
    return PriceComponent(type_, Decimal(price), None if vat is None else Decimal(vat), step_size)


def element(*components: PriceComponent, **restrictions: Any) -> Element:
    return Element(components, Restrictions(**restrictions))


def tariff(*elements: Element, **more: Any) -> Tariff:
    return Tariff(tariff_id="t", operator_id="op", name="Test", **{"currency": "EUR", "elements": elements, **more})


def limit(before: str, after: str | None = None) -> PriceLimit:
    return PriceLimit(Decimal(before), None if after is None else Decimal(after))


def charge(wh: int = 0, charging_s: int = HOUR, parked_s: int = 0, at: datetime = MONDAY_0930) -> Usage:
    return planned(at, wh, charging_s, parked_s)


def brussels(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 16, hour - 1, minute, tzinfo=UTC)


def reserved(minutes: int, *, expired: bool = False, then_wh: int = 0) -> Usage:
    until = MONDAY_0930 + timedelta(minutes=minutes)
    kept = Reserved(MONDAY_0930, until, expired)
    return Usage(reserved=kept) if expired else planned(until, then_wh, HOUR, reserved=kept)


KWH = component(ENERGY, "0.25", "10")
START = component(FLAT, "0.50", "20")
WITH_PARKING = element(START, KWH, component(PARKING, "2.00", "20", 900))
STEPS = (
    element(component(TIME, "1.20", None, 1800), end_time=time(17)),
    element(component(TIME, "2.40", None, 900), start_time=time(17)),
    element(component(PARKING, "1.00", None, 900), end_time=time(20)),
)
COMPLEX = (
    element(component(FLAT, "2.50", "15")),
    element(component(TIME, "1.00", "20", 900), max_current_ma=32_000),
    element(component(TIME, "2.00", "20", 600), min_current_ma=32_000, day_of_week=WEEKDAYS),
    element(component(TIME, "1.25", "20", 600), min_current_ma=32_000, day_of_week=WEEKEND),
    element(component(PARKING, "5.00", "10", 300), start_time=time(9), end_time=time(18), day_of_week=WEEKDAYS),
    element(
        component(PARKING, "6.00", "10", 300),
        start_time=time(10),
        end_time=time(17),
        day_of_week=frozenset({Day.SATURDAY}),
    ),
)
FIRST_FREE = (
    element(component(PARKING, "0.00", None, 60), min_duration_s=0, max_duration_s=HOUR),
    element(component(PARKING, "2.00", None, 60), min_duration_s=HOUR, max_duration_s=3 * HOUR),
    element(component(PARKING, "3.00", None, 60), min_duration_s=3 * HOUR),
    element(component(ENERGY, "0.00"), max_energy_wh=1000),
    element(component(ENERGY, "0.20"), min_energy_wh=1000),
)
POWER = (
    element(component(ENERGY, "0.20", "20"), max_power_w=16_000),
    element(component(ENERGY, "0.35", "20"), max_power_w=32_000),
    element(component(ENERGY, "0.50", "20")),
)
DURATION = (
    element(component(ENERGY, "0.00", "20"), max_duration_s=1800),
    element(component(ENERGY, "0.25", "20"), max_duration_s=HOUR),
    element(component(ENERGY, "0.40", "20")),
)
AFTER_17 = (
    element(component(ENERGY, "0.20", None, 500), end_time=time(17)),
    element(component(ENERGY, "0.27", None, 500), start_time=time(17)),
)
HOURS_17 = (
    element(component(TIME, "5.00", None, 600), end_time=time(17)),
    element(component(TIME, "7.00", None, 600), start_time=time(17)),
)
MADE, EXPIRED = ReservationRestriction.MADE, ReservationRestriction.EXPIRED
RESERVE_15 = (element(component(TIME, "5.00", "20", 60), reservation=MADE), element(START, KWH))
RESERVE_16 = (
    element(component(FLAT, "2.00", "20"), component(TIME, "5.00", "20", 300), reservation=MADE),
    element(START, KWH),
)
RESERVE_17 = (
    element(component(FLAT, "4.00", "20"), reservation=EXPIRED),
    element(component(TIME, "2.00", "20", 600), reservation=MADE),
    element(START, KWH),
)
RESERVE_18 = (
    element(component(TIME, "6.00", "20", 600), reservation=EXPIRED),
    element(component(TIME, "3.00", "20", 600), reservation=MADE),
    element(START, KWH),
)


def periods(at: datetime, *parts: tuple[int, int]) -> Usage:
    """(seconds, Wh) after each other."""
    found = []
    for seconds, wh in parts:
        until = at + timedelta(seconds=seconds)
        found.append(ChargingPeriod(began_at=at, ended_at=until, energy_wh=Fraction(wh)))
        at = until
    return Usage(tuple(found))


@pytest.mark.parametrize(
    ("prices", "used", "net", "total"),
    [
        pytest.param(tariff(element(KWH)), charge(20_000), 500, 550, id="simple 0.25 per kWh"),
        pytest.param(tariff(element(START, KWH)), charge(20_000), 550, 610, id="with a start fee"),
        pytest.param(
            tariff(element(KWH), min_price=limit("0.50", "0.55")), charge(20_000), 500, 550, id="above the minimum"
        ),
        pytest.param(
            tariff(element(KWH), min_price=limit("0.50", "0.55")), charge(1_000), 50, 55, id="below the minimum"
        ),
        pytest.param(tariff(WITH_PARKING), charge(20_000, HOUR, 40 * MINUTE), 700, 790, id="parking in quarters"),
        pytest.param(
            tariff(element(START, KWH), max_price=limit("10", "11")), charge(50_000), 1000, 1100, id="at the maximum"
        ),
        pytest.param(
            tariff(element(START, KWH), max_price=limit("10", "11")), charge(30_000), 800, 885, id="below the maximum"
        ),
        pytest.param(
            tariff(element(component(TIME, "2.00", "10", 60))), charge(1, 150 * MINUTE), 500, 550, id="2 per hour"
        ),
        pytest.param(
            tariff(element(component(TIME, "3.00", "10", 60), component(PARKING, "5.00", "20", 300))),
            charge(1, 150 * MINUTE, 42 * MINUTE),
            1125,
            1275,
            id="3 per hour and 5 parking",
        ),
        pytest.param(
            tariff(element(component(TIME, "1.90", "5.2", 300))), charge(1, 150 * MINUTE), 475, 500, id="1.90 per hour"
        ),
        pytest.param(
            tariff(element(component(ENERGY, "0.25", "10", 100))), charge(20_450), 513, 564, id="per 100 Wh: 20.5 kWh"
        ),
        pytest.param(
            tariff(element(component(ENERGY, "0.22", "10", 100))), charge(20_450), 451, 496, id="at the day's price"
        ),
        pytest.param(
            tariff(*COMPLEX), charge(16 * 230 * 147 // 60, 147 * MINUTE, 42 * MINUTE), 870, 995, id="complex, Monday"
        ),
        pytest.param(
            tariff(*COMPLEX),
            charge(44 * 230 * 114 // 60, 114 * MINUTE, 71 * MINUTE, SATURDAY_1330),
            1238,
            1399,
            id="complex, Saturday",
        ),
        pytest.param(tariff(element(component(FLAT, "0.00"))), charge(20_000), 0, 0, id="free of charge"),
        pytest.param(tariff(*FIRST_FREE), charge(20_000, 0, 165 * MINUTE), 730, 730, id="first hour and kWh free"),
        pytest.param(
            tariff(*POWER),
            periods(MONDAY_0930, (600, 1_000), (3_000, 40_000), (450, 500)),
            2030,
            2436,
            id="by power: 6, 48 and 4 kW",
        ),
        pytest.param(
            tariff(*DURATION), periods(MONDAY_0930, (1800, 5_000), (600, 1_200)), 30, 36, id="first 30 minutes free"
        ),
        pytest.param(tariff(*RESERVE_15), reserved(15, then_wh=20_000), 675, 760, id="reserved 15 minutes"),
        pytest.param(tariff(*RESERVE_16), reserved(13, then_wh=20_000), 875, 1000, id="reserved 13 minutes, with fee"),
        pytest.param(tariff(*RESERVE_17), reserved(22, then_wh=20_000), 650, 730, id="reserved 22 minutes"),
        pytest.param(tariff(*RESERVE_17), reserved(60, expired=True), 600, 720, id="expired, with fee"),
        pytest.param(tariff(*RESERVE_18), reserved(22, then_wh=20_000), 700, 790, id="reserved 22 minutes at 3"),
        pytest.param(tariff(*RESERVE_18), reserved(90, expired=True), 900, 1080, id="expired, at its own price"),
        pytest.param(
            tariff(*STEPS), charge(1, 10 * MINUTE, 2 * MINUTE, brussels(16, 55)), 55, 55, id="step size: then parked"
        ),
        pytest.param(tariff(*STEPS), charge(1, 35 * MINUTE, 0, brussels(16, 35)), 130, 130, id="step size: last one"),
        pytest.param(
            tariff(*STEPS), charge(1, 10 * MINUTE, 2 * MINUTE, brussels(19, 55)), 60, 60, id="step size: then free"
        ),
        pytest.param(
            tariff(element(component(TIME, "1.00", None, 300), component(PARKING, "3.00", None, 300))),
            charge(1, 21 * MINUTE, 7 * MINUTE),
            35 + 50,
            35 + 50,
            id="CDR: 21 minutes charging are 21, 7 parked are 10",
        ),
        pytest.param(
            tariff(element(component(TIME, "1.00", None, 600), component(PARKING, "2.00", None, 600))),
            charge(1, 21 * MINUTE, 16 * MINUTE),
            35 + 67,
            35 + 67,
            id="CDR: 21 and 16 minutes are 41",
        ),
        pytest.param(
            tariff(*AFTER_17),
            periods(brussels(16, 0), (HOUR, 4_300), (HOUR, 1_100)),
            86 + 32,
            86 + 32,
            id="CDR: 4.3 and 1.1 kWh are 5.5",
        ),
        pytest.param(
            tariff(*HOURS_17), charge(1, 28 * MINUTE, 0, brussels(16, 54)), 50 + 280, 50 + 280, id="CDR: 6 and 24 min"
        ),
        pytest.param(
            tariff(element(component(ENERGY, "0.25", None, 1)), currency="KWD"), charge(116), 29, 29, id="116 Wh"
        ),
        pytest.param(
            tariff(element(component(ENERGY, "0.25", None, 25)), currency="KWD"), charge(101), 31, 31, id="101 to 125"
        ),
        pytest.param(
            tariff(element(component(ENERGY, "0.25", None, 500)), currency="KWD"), charge(1), 125, 125, id="1 to 500"
        ),
        pytest.param(
            tariff(element(component(TIME, "2.00", "5")), currency="CAD"), charge(1), 200, 210, id="2.3.0: tax excluded"
        ),
        pytest.param(
            tariff(element(component(TIME, "2.10", "5")), currency="CAD", tax_included=True),
            charge(1),
            200,
            210,
            id="2.3.0: tax included",
        ),
    ],
)
def test_the_specifications_example_costs_what_it_says(prices: Tariff, used: Usage, net: int, total: int) -> None:
    bill = price(prices, used, BRUSSELS)
    assert (bill.net_minor, bill.total_minor) == (net, total)


def test_a_tariff_ends_on_its_last_day_exclusive() -> None:
    christmas = tariff(
        element(component(ENERGY, "9.00"), start_date=date(2026, 12, 24), end_date=date(2026, 12, 27)), element(KWH)
    )
    on_the_27th = planned(datetime(2026, 12, 26, 23, 0, tzinfo=UTC), 1_000, HOUR)
    on_the_26th = planned(datetime(2026, 12, 26, 22, 0, tzinfo=UTC), 1_000, HOUR)
    assert price(christmas, on_the_27th, BRUSSELS).net_minor == 25
    assert price(christmas, on_the_26th, BRUSSELS).net_minor == 900
