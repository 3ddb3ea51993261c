"""Bills: right to the cent, and right about their own sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.money import Money, to_minor
from chalicelib.domain.tariff import Dimension, Tariff, price

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def tariff(**prices: object) -> Tariff:
    return Tariff("t", "op", "Test", **{"currency": "EUR", **prices})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prices", "energy_wh", "minutes", "net", "tax"),
    [
        ({"price_per_kwh": Decimal("0.45")}, 10_000, 60, 450, 0),
        ({"price_per_kwh": Decimal("0.45")}, 1, 60, 0, 0),
        ({"price_per_kwh": Decimal("0.45")}, 11, 60, 0, 0),
        ({"price_per_kwh": Decimal("0.50")}, 10, 60, 1, 0),
        ({"price_per_minute": Decimal("0.10")}, 10_000, 30, 300, 0),
        ({"price_per_kwh": Decimal("0.40"), "price_per_minute": Decimal("0.02")}, 20_000, 45, 890, 0),
        ({"price_per_kwh": Decimal("0.49"), "tax_percent": Decimal(19)}, 31_337, 60, 1536, 292),
        ({"flat_price": Decimal("1.00"), "tax_percent": Decimal("7.7")}, 0, 0, 100, 8),
        ({"price_per_kwh": Decimal("35.5"), "currency": "JPY"}, 10_100, 60, 359, 0),
        ({"price_per_kwh": Decimal("0.0355"), "currency": "KWD"}, 10_000, 60, 355, 0),
    ],
)
def test_a_bill_is_right_to_the_smallest_coin(
    prices: dict[str, object], energy_wh: int, minutes: int, net: int, tax: int
) -> None:
    bill = price(tariff(**prices), energy_wh, START, START + timedelta(minutes=minutes))
    assert (bill.net_minor, bill.tax_minor, bill.total_minor) == (net, tax, net + tax)


def test_a_clock_that_runs_backwards_costs_no_time() -> None:
    bill = price(tariff(price_per_minute=Decimal("0.10")), 0, START, START - timedelta(hours=1))
    assert bill.total_minor == 0


def test_a_free_dimension_makes_no_line() -> None:
    bill = price(tariff(price_per_kwh=Decimal("0.45")), 1000, START, START + timedelta(hours=1))
    assert [line.dimension for line in bill.lines] == [Dimension.ENERGY]


def test_a_negative_price_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="price_per_kwh"):
        tariff(price_per_kwh=Decimal("-0.01"))


_PRICE = st.decimals(0, 5, places=4)


@given(
    _PRICE,
    _PRICE,
    _PRICE,
    st.decimals(0, 30, places=1),
    st.integers(0, 200_000),
    st.integers(0, 100_000),
    st.integers(0, 5000),
)
def test_lines_sum_to_the_total_and_more_energy_never_costs_less(
    kwh: Decimal, minute: Decimal, flat: Decimal, tax: Decimal, energy_wh: int, seconds: int, more_wh: int
) -> None:
    prices = tariff(price_per_kwh=kwh, price_per_minute=minute, flat_price=flat, tax_percent=tax)
    bill = price(prices, energy_wh, START, START + timedelta(seconds=seconds))
    dearer = price(prices, energy_wh + more_wh, START, START + timedelta(seconds=seconds))
    assert bill.net_minor == sum(line.amount_minor for line in bill.lines)
    assert bill.total_minor == bill.net_minor + bill.tax_minor
    assert dearer.total_minor >= bill.total_minor >= 0


@pytest.mark.parametrize(("amount", "minor"), [("0.005", 1), ("0.0049", 0), ("-0.005", -1), ("1.115", 112)])
def test_halves_are_rounded_away_from_zero(amount: str, minor: int) -> None:
    assert to_minor(Decimal(amount), "EUR") == minor


@pytest.mark.parametrize(
    ("money", "text"), [(Money(1234, "EUR"), "12.34 EUR"), (Money(5, "JPY"), "5 JPY"), (Money(1, "KWD"), "0.001 KWD")]
)
def test_money_is_written_with_its_currencys_decimals(money: Money, text: str) -> None:
    assert str(money) == text
