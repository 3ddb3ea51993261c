"""Bills: right to the cent, right about their own sums, and the same however a charge is cut up."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.pricing.bill import Bill, Dimension
from chalicelib.domain.pricing.currency import Money, to_minor
from chalicelib.domain.pricing.periods import ChargingPeriod, charging_periods
from chalicelib.domain.pricing.rating import Reserved, Usage, planned, price, rates
from chalicelib.domain.pricing.registers import Point
from chalicelib.domain.pricing.tariff import (
    Day,
    Element,
    PriceComponent,
    Priced,
    PriceLimit,
    ReservationRestriction,
    Restrictions,
    Tariff,
    simple_elements,
)

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def tariff(*elements: Element, **more: Any) -> Tariff:
    return Tariff(tariff_id="t", operator_id="op", name="Test", **{"currency": "EUR", "elements": elements, **more})


def simple(currency: str = "EUR", **prices: Decimal | str) -> Tariff:
    return tariff(*simple_elements(**{name: Decimal(it) for name, it in prices.items()}), currency=currency)


def component(type_: Priced, price_: str, **more: Any) -> PriceComponent:
    return PriceComponent(type_, Decimal(price_), **more)


def element(type_: Priced, price_: str, **restrictions: Any) -> Element:
    return Element((component(type_, price_),), Restrictions(**restrictions))


def quoted(prices: Tariff, energy_wh: int, minutes: int, parked: int = 0) -> Bill:
    return price(prices, planned(START, energy_wh, minutes * 60, parked * 60), BERLIN)


@pytest.mark.parametrize(
    ("prices", "energy_wh", "minutes", "net", "tax"),
    [
        ({"per_kwh": "0.45"}, 10_000, 60, 450, 0),
        ({"per_kwh": "0.45"}, 1, 60, 0, 0),
        ({"per_kwh": "0.45"}, 11, 60, 0, 0),
        ({"per_kwh": "0.50"}, 10, 60, 1, 0),
        ({"per_minute": "0.10"}, 10_000, 30, 300, 0),
        ({"per_kwh": "0.40", "per_minute": "0.02"}, 20_000, 45, 890, 0),
        ({"per_kwh": "0.49", "tax_percent": "19"}, 31_337, 60, 1536, 292),
        ({"once": "1.00", "tax_percent": "7.7"}, 1, 1, 100, 8),
        ({"per_kwh": "35.5", "currency": "JPY"}, 10_100, 60, 359, 0),
        ({"per_kwh": "0.0355", "currency": "KWD"}, 10_000, 60, 355, 0),
    ],
)
def test_a_bill_is_right_to_the_smallest_coin(
    prices: dict[str, str], energy_wh: int, minutes: int, net: int, tax: int
) -> None:
    bill = quoted(simple(**prices), energy_wh, minutes)
    assert (bill.net_minor, bill.tax_minor, bill.total_minor) == (net, tax, net + tax)


def test_a_free_dimension_makes_no_line() -> None:
    bill = quoted(simple(per_kwh="0.45"), 1000, 60)
    assert [line.dimension for line in bill.lines] == [Dimension.ENERGY]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: component(Priced.ENERGY, "-0.01"), "price"),
        (lambda: component(Priced.ENERGY, "1", step_size=0), "step_size"),
        (lambda: Element(()), "needs a price"),
        (lambda: Element((component(Priced.FLAT, "1"), component(Priced.FLAT, "2"))), "one price"),
        (lambda: element(Priced.ENERGY, "1", reservation=ReservationRestriction.MADE), "FLAT and TIME"),
        (tariff, "needs an element"),
        (lambda: tariff(element(Priced.ENERGY, "1"), hold_minor=0), "hold_minor"),
    ],
)
def test_a_tariff_that_cannot_be_is_refused_by_name(make: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make()


def test_night_runs_across_midnight() -> None:
    night = tariff(
        element(Priced.ENERGY, "0.20", start_time=time(22), end_time=time(6)), element(Priced.ENERGY, "0.50")
    )
    # 21:00 to 07:00 in Berlin, a kWh an hour.
    evening = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
    bill = price(night, planned(evening, 10_000, 10 * 3600), BERLIN)
    assert {line.unit_price: line.quantity for line in bill.lines} == {Decimal("0.50"): 2000, Decimal("0.20"): 8000}


@pytest.mark.parametrize(
    ("restrictions", "cheap_wh"),
    [
        pytest.param({"end_time": time()}, 10_000, id="until the end of the day"),
        pytest.param({"start_time": time(22), "end_time": time()}, 2000, id="from 22 to the end of the day"),
        pytest.param({"start_time": time(22)}, 2000, id="from 22 on, each day anew at midnight"),
        pytest.param({"start_time": time(), "end_time": time(6)}, 6000, id="from the beginning of the day"),
        pytest.param({"start_time": time(), "end_time": time()}, 10_000, id="all day"),
        pytest.param({"start_time": time(7), "end_time": time(7)}, 10_000, id="from one hour to the same"),
        pytest.param({"end_time": time(), "day_of_week": frozenset({Day.FRIDAY})}, 3000, id="to the end of one day"),
        pytest.param(
            {"start_time": time(22), "end_time": time(6), "day_of_week": frozenset({Day.FRIDAY})},
            2000,
            id="a night's second day is the next day of the week",
        ),
    ],
)
def test_a_day_ends_at_midnight(restrictions: dict[str, Any], cheap_wh: int) -> None:
    """OCPI: "To stop at end of the day use: 00:00." From Friday 21:00 to Saturday 7:00, a kWh an hour."""
    prices = tariff(element(Priced.ENERGY, "0.10", **restrictions), element(Priced.ENERGY, "1"))
    bill = price(prices, planned(datetime(2026, 11, 20, 20, 0, tzinfo=UTC), 10_000, 10 * 3600), BERLIN)
    assert {it.unit_price: it.quantity for it in bill.lines}.get(Decimal("0.10")) == cheap_wh


@pytest.mark.parametrize(
    ("parked", "idle_s"),
    [(4, 0), (5, 5 * 60), (30, 30 * 60)],
)
def test_what_stands_for_less_than_the_grace_is_free_and_what_stands_longer_pays_for_all_of_it(
    parked: int, idle_s: int
) -> None:
    prices = tariff(*simple_elements(idle_per_minute=Decimal("0.10")), idle_grace_s=300)
    bill = quoted(prices, 1000, 60, parked)
    assert sum(it.quantity for it in bill.lines) == idle_s


@pytest.mark.parametrize(
    ("day", "night_wh"),
    [
        pytest.param(datetime(2026, 3, 28, 22, 0, tzinfo=UTC), 2000, id="the hour from 2 to 3 is left out"),
        pytest.param(datetime(2026, 10, 24, 21, 0, tzinfo=UTC), 4000, id="the hour from 2 to 3 is there twice"),
        pytest.param(datetime(2026, 11, 20, 22, 0, tzinfo=UTC), 3000, id="a night like others"),
    ],
)
def test_a_time_of_day_is_the_wall_clocks_when_the_clocks_change(day: datetime, night_wh: int) -> None:
    # 1 to 4 at night, in a charge from 23:00 that gives a kWh an hour.
    night = tariff(element(Priced.ENERGY, "0.20", start_time=time(1), end_time=time(4)), element(Priced.ENERGY, "1"))
    bill = price(night, planned(day, 10_000, 10 * 3600), BERLIN)
    assert {line.unit_price: line.quantity for line in bill.lines}[Decimal("0.20")] == night_wh


def test_a_weekend_begins_at_the_sites_midnight() -> None:
    weekend = tariff(
        element(Priced.ENERGY, "0.10", day_of_week=frozenset({Day.SATURDAY, Day.SUNDAY})),
        element(Priced.ENERGY, "1"),
    )
    friday_2300 = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    bill = price(weekend, planned(friday_2300, 4_000, 4 * 3600), BERLIN)
    assert [(line.unit_price, line.quantity) for line in bill.lines] == [(Decimal(1), 1000), (Decimal("0.10"), 3000)]


def test_a_minimum_and_a_maximum_after_taxes_bind_alone() -> None:
    prices = Element((component(Priced.ENERGY, "1", vat=Decimal(20)),))
    least = tariff(prices, min_price=PriceLimit(after_taxes=Decimal("6.00")))
    most = tariff(prices, max_price=PriceLimit(after_taxes=Decimal("6.00")))
    for bill in (quoted(least, 1_000, 60), quoted(most, 100_000, 60)):
        assert (bill.net_minor, bill.tax_minor, bill.total_minor) == (500, 100, 600)
        assert sum(line.amount_minor for line in bill.lines) == 500


def test_idle_time_is_what_follows_the_last_energy() -> None:
    points = [Point(START + timedelta(minutes=at), wh) for at, wh in ((0, 100), (10, 1100), (20, 1100), (30, 2100))]
    parts = charging_periods(points, START, START + timedelta(minutes=60), 2000)
    assert [it.is_charging for it in parts] == [True, True, True, False]
    bill = price(simple(per_minute="0.10", idle_per_minute="1"), Usage(parts), BERLIN)
    assert {line.dimension: line.quantity for line in bill.lines} == {
        Dimension.TIME: 30 * 60,
        Dimension.PARKING_TIME: 30 * 60,
    }


def test_a_charge_without_registers_is_charging_time_throughout() -> None:
    (only,) = charging_periods([], START, START + timedelta(hours=1), None)
    assert only.is_charging
    assert only.energy_wh == 0


def test_energy_that_was_corrected_is_spread_as_the_meter_saw_it() -> None:
    points = [Point(START + timedelta(minutes=at), wh) for at, wh in ((0, 0), (10, 3000), (20, 4000))]
    parts = charging_periods(points, START, START + timedelta(minutes=20), 2000)
    assert [it.energy_wh for it in parts] == [1500, 500]


def test_the_price_of_now_is_what_a_charge_that_begins_now_pays_first() -> None:
    night = tariff(
        element(Priced.ENERGY, "0.20", start_time=time(22), end_time=time(6)), element(Priced.ENERGY, "0.50")
    )
    at_noon, at_night = (datetime(2026, 11, 20, hour, 0, tzinfo=UTC) for hour in (11, 22))
    assert [it.price for it in rates(night, BERLIN, at_noon)] == [Decimal("0.50")]
    assert [it.price for it in rates(night, BERLIN, at_night)] == [Decimal("0.20")]


_PRICE = st.decimals(0, 5, places=4)
_VAT = st.none() | st.decimals(0, 30, places=1)
_STEP = st.integers(1, 1000)
_TIMES = st.none() | st.times().map(lambda it: it.replace(second=0, microsecond=0))


@st.composite
def _components(draw: Any, step: st.SearchStrategy[int]) -> tuple[PriceComponent, ...]:
    types = draw(st.lists(st.sampled_from(Priced), min_size=1, unique=True))
    return tuple(PriceComponent(it, draw(_PRICE), draw(_VAT), draw(step)) for it in types)


@st.composite
def _tariffs(draw: Any, step: st.SearchStrategy[int] = _STEP, *, by_power: bool = True) -> Tariff:
    elements = []
    for _ in range(draw(st.integers(1, 4))):
        kept = Restrictions(
            start_time=draw(_TIMES),
            end_time=draw(_TIMES),
            min_duration_s=draw(st.none() | st.integers(0, 40_000)),
            max_duration_s=draw(st.none() | st.integers(0, 40_000)),
            min_energy_wh=draw(st.none() | st.integers(0, 50_000)) if by_power else None,
            max_energy_wh=draw(st.none() | st.integers(0, 50_000)) if by_power else None,
            min_power_w=draw(st.none() | st.integers(0, 50_000)) if by_power else None,
            day_of_week=frozenset(draw(st.sets(st.sampled_from(Day)))),
        )
        elements.append(Element(draw(_components(step)), kept))
    return tariff(*elements, tax_included=draw(st.booleans()), currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])))


_STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda it: it.replace(tzinfo=UTC))  # noqa: DTZ001


@st.composite
def _courses(draw: Any) -> tuple[ChargingPeriod, ...]:
    at = draw(_STARTS)
    parts = []
    for wh, seconds in draw(
        st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 20_000)), min_size=1, max_size=4)
    ):
        until = at + timedelta(seconds=seconds)
        parts.append(ChargingPeriod(began_at=at, ended_at=until, energy_wh=Fraction(wh)))
        at = until
    parked = draw(st.integers(0, 20_000))
    if parked:
        parts.append(
            ChargingPeriod(
                began_at=at, ended_at=at + timedelta(seconds=parked), energy_wh=Fraction(0), is_charging=False
            )
        )
    return tuple(parts)


def _cut(stretch: ChargingPeriod, at: Fraction) -> tuple[ChargingPeriod, ChargingPeriod]:
    lasted = stretch.ended_at - stretch.began_at
    middle = stretch.began_at + timedelta(seconds=int(at * int(lasted.total_seconds())))
    share = Fraction((middle - stretch.began_at) // timedelta(seconds=1), lasted // timedelta(seconds=1))
    first = stretch.energy_wh * share
    return (
        ChargingPeriod(began_at=stretch.began_at, ended_at=middle, energy_wh=first, is_charging=stretch.is_charging),
        ChargingPeriod(
            began_at=middle,
            ended_at=stretch.ended_at,
            energy_wh=stretch.energy_wh - first,
            is_charging=stretch.is_charging,
        ),
    )


def test_a_moment_without_time_or_energy_does_not_choose_the_fee() -> None:
    prices = tariff(element(Priced.FLAT, "2", min_power_w=0), element(Priced.FLAT, "9"))
    hour = ChargingPeriod(began_at=START, ended_at=START + timedelta(hours=1), energy_wh=Fraction(0))
    assert price(
        prices, Usage((ChargingPeriod(began_at=START, ended_at=START, energy_wh=Fraction(0)), hour)), BERLIN
    ) == price(prices, Usage((hour,)), BERLIN)


@given(_tariffs(), _courses(), st.fractions(0, 1))
def test_splitting_a_period_changes_nothing(prices: Tariff, parts: tuple[ChargingPeriod, ...], at: Fraction) -> None:
    finer = tuple(piece for it in parts for piece in _cut(it, at))
    assert price(prices, Usage(finer), BERLIN) == price(prices, Usage(parts), BERLIN)


@given(_tariffs(), _courses())
def test_lines_and_taxes_sum_to_the_total(prices: Tariff, parts: tuple[ChargingPeriod, ...]) -> None:
    bill = price(prices, Usage(parts), BERLIN)
    assert sum(it.amount_minor for it in bill.lines) == (bill.total_minor if bill.tax_included else bill.net_minor)
    assert sum(it.amount_minor for it in bill.taxes) == bill.tax_minor
    assert bill.net_minor + bill.tax_minor == bill.total_minor
    assert min([0, *(it.amount_minor for it in bill.lines)]) == 0


@given(_tariffs(st.just(1), by_power=False), _courses(), st.integers(0, 3), st.integers(0, 50_000))
def test_the_price_never_falls_as_energy_grows(
    prices: Tariff, parts: tuple[ChargingPeriod, ...], which: int, more_wh: int
) -> None:
    """Where neither power nor energy so far decides the price: those may well be cheaper for more."""
    grown = parts[which % len(parts)]
    if not grown.is_charging:
        return
    more = ChargingPeriod(began_at=grown.began_at, ended_at=grown.ended_at, energy_wh=grown.energy_wh + more_wh)
    dearer = tuple(more if it is grown else it for it in parts)
    assert price(prices, Usage(dearer), BERLIN).total_minor >= price(prices, Usage(parts), BERLIN).total_minor


@given(_tariffs(), _courses(), st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_a_session_costs_no_less_than_the_minimum_and_no_more_than_the_maximum(
    prices: Tariff, parts: tuple[ChargingPeriod, ...], one: Decimal, other: Decimal
) -> None:
    low, high = sorted((one, other))
    bounded = tariff(
        *prices.elements,
        min_price=PriceLimit(after_taxes=low),
        max_price=PriceLimit(after_taxes=high),
        tax_included=prices.tax_included,
    )
    bill = price(bounded, Usage(parts), BERLIN)
    assert to_minor(low, "EUR") <= bill.total_minor <= to_minor(high, "EUR")
    assert sum(it.amount_minor for it in bill.lines) == (bill.total_minor if bill.tax_included else bill.net_minor)
    assert bill.net_minor >= 0
    assert bill.tax_minor >= 0


def test_a_reservation_that_expires_costs_no_minimum() -> None:
    prices = tariff(
        element(Priced.FLAT, "2", reservation=ReservationRestriction.EXPIRED),
        element(Priced.ENERGY, "1"),
        min_price=PriceLimit(Decimal(10)),
    )
    kept = Reserved(START, START + timedelta(minutes=15), has_expired=True)
    assert price(prices, Usage(reserved=kept), BERLIN).total_minor == 200


@pytest.mark.parametrize(("amount", "minor"), [("0.005", 1), ("0.0049", 0), ("-0.005", -1), ("1.115", 112)])
def test_halves_are_rounded_away_from_zero(amount: str, minor: int) -> None:
    assert to_minor(Decimal(amount), "EUR") == minor


@pytest.mark.parametrize(
    ("money", "text"), [(Money(1234, "EUR"), "12.34 EUR"), (Money(5, "JPY"), "5 JPY"), (Money(1, "KWD"), "0.001 KWD")]
)
def test_money_is_written_with_its_currencys_decimals(money: Money, text: str) -> None:
    assert str(money) == text
