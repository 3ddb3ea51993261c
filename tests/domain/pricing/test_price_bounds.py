"""Bills within bounds: whatever tariff and course, a stated tax is its rate of its net, and every line adds up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.pricing.bill import Bill, Dimension
from chalicelib.domain.pricing.currency import round_half_up, to_minor
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.pricing.tariff import Element, PriceComponent, Priced, PriceLimit, Tariff
from chalicelib.domain.pricing.tax import Tax, apportioned, of_total

AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
RATES = st.none() | st.sampled_from([Decimal(it) for it in ("0", "5.5", "7", "8.1", "10", "19", "20", "25", "100")])
PRICES = st.decimals(0, 5, places=2)
BOUNDS = st.none() | st.decimals(0, 60, places=2)
LIMITS = st.none() | st.builds(PriceLimit, BOUNDS, BOUNDS)


def tariff(*prices: tuple[Priced, str, str | None], **more: Any) -> Tariff:
    components = tuple(
        PriceComponent(priced, Decimal(it), None if vat is None else Decimal(vat)) for priced, it, vat in prices
    )
    return Tariff(
        tariff_id="t", operator_id="op", name="T", **{"currency": "EUR", "elements": (Element(components),), **more}
    )


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    return Tariff(
        tariff_id="t",
        operator_id="op",
        name="T",
        currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        elements=(Element(tuple(PriceComponent(it, draw(PRICES), draw(RATES)) for it in Priced)),),
        min_price=draw(LIMITS),
        max_price=draw(LIMITS),
        tax_included=draw(st.booleans()),
    )


def billed(prices: Tariff, energy_wh: int = 5_000, minutes: int = 30, parked: int = 10) -> Bill:
    return price(prices, planned(AT, energy_wh, minutes * 60, parked * 60), "Europe/Berlin")


def checked(bill: Bill) -> None:
    assert bill.net_minor + bill.tax_minor == bill.total_minor
    assert sum(it.amount_minor for it in bill.taxes) == bill.tax_minor
    assert sum(it.amount_minor for it in bill.lines) == (bill.total_minor if bill.tax_included else bill.net_minor)
    stated = {it.percent: it for it in bill.taxes}
    untaxed_minor = bill.net_minor - sum(it.net_minor for it in bill.taxes)
    by_rate: Counter[Decimal] = Counter()
    for line in bill.lines:
        by_rate[line.tax_percent or Decimal(0)] += line.amount_minor
    for rate in {*by_rate, *stated, Decimal(0)}:
        tax = stated.get(rate, Tax(rate, untaxed_minor if not rate else 0, 0))
        assert by_rate[rate] == (tax.gross_minor if bill.tax_included else tax.net_minor)
        assert min(tax.net_minor, tax.amount_minor) >= 0
        assert abs(tax.amount_minor - tax.net_minor * Fraction(rate) / 100) <= 1


@given(tariffs(), st.integers(0, 60_000), st.integers(0, 600), st.integers(0, 600))
def test_every_bill_adds_up_by_line_and_by_rate(prices: Tariff, energy_wh: int, minutes: int, parked: int) -> None:
    checked(billed(prices, energy_wh, minutes, parked))


@given(tariffs(), st.integers(0, 60_000))
def test_a_bill_is_within_its_bounds_and_the_maximum_is_stronger(prices: Tariff, energy_wh: int) -> None:
    bill = billed(prices, energy_wh)
    high, low = prices.max_price or PriceLimit(), prices.min_price or PriceLimit()
    if high.before_taxes is not None:
        assert bill.net_minor <= to_minor(high.before_taxes, prices.currency)
    if high.after_taxes is not None:
        assert bill.total_minor <= to_minor(high.after_taxes, prices.currency)
    if prices.max_price is None and low.before_taxes is not None:
        assert bill.net_minor >= to_minor(low.before_taxes, prices.currency)
    if prices.max_price is None and low.after_taxes is not None:
        assert bill.total_minor >= to_minor(low.after_taxes, prices.currency)


@given(st.integers(0, 100_000), st.sampled_from(["7", "19", "25"]))
def test_a_total_that_some_net_comes_to_is_stated_exactly(net_minor: int, rate: str) -> None:
    tax_minor = round_half_up(net_minor * Fraction(rate) / 100)
    assert of_total([Tax(Decimal(rate), 1, 0)], net_minor + tax_minor) == [Tax(Decimal(rate), net_minor, tax_minor)]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6), st.integers(0, 5000))
def test_parts_sum_to_the_whole_and_none_is_below_nothing(weights: list[int], whole: int) -> None:
    parts = apportioned(whole, [Fraction(whole * it, sum(weights) or 1) for it in weights])
    assert sum(parts) == whole
    assert min(parts) >= 0


KWH, FEE = Priced.ENERGY, Priced.FLAT


@pytest.mark.parametrize(
    ("prices", "net", "tax", "total"),
    [
        pytest.param(
            tariff((KWH, "0.40", "19"), max_price=PriceLimit(Decimal(1), Decimal("1.19"))), 100, 19, 119, id="both"
        ),
        pytest.param(
            tariff((KWH, "0.40", "19"), max_price=PriceLimit(after_taxes=Decimal(1))), 84, 16, 100, id="after"
        ),
        pytest.param(
            tariff((KWH, "0.40", "19"), min_price=PriceLimit(Decimal(3))), 300, 57, 357, id="minimum before taxes"
        ),
        pytest.param(
            tariff((KWH, "0.40", "19"), min_price=PriceLimit(Decimal(4)), max_price=PriceLimit(after_taxes=Decimal(4))),
            336,
            64,
            400,
            id="what contradicts is the lower price, its tax its rate",
        ),
        pytest.param(
            tariff((KWH, "0.40", None), min_price=PriceLimit(Decimal(4), Decimal(5))), 500, 0, 500, id="no rate, no tax"
        ),
        pytest.param(
            tariff((KWH, "0.40", "19"), tax_included=True, max_price=PriceLimit(after_taxes=Decimal(1))),
            84,
            16,
            100,
            id="prices with tax",
        ),
    ],
)
def test_a_bounded_bill_states_its_tax_truly(prices: Tariff, net: int, tax: int, total: int) -> None:
    bill = billed(prices)
    assert (bill.net_minor, bill.tax_minor, bill.total_minor) == (net, tax, total)
    checked(bill)


def test_a_bound_is_shared_among_the_rates_with_a_line_for_each() -> None:
    bill = billed(tariff((KWH, "2", "19"), (FEE, "10", "7"), max_price=PriceLimit(Decimal(10))))
    assert [(it.dimension, it.amount_minor, it.tax_percent) for it in bill.lines] == [
        (Dimension.FLAT, 1000, Decimal(7)),
        (Dimension.ENERGY, 1000, Decimal(19)),
        (Dimension.MAXIMUM, -500, Decimal(7)),
        (Dimension.MAXIMUM, -500, Decimal(19)),
    ]
    assert bill.taxes == (Tax(Decimal(7), 500, 35), Tax(Decimal(19), 500, 95))
