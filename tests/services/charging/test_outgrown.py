"""From which energy on a charge may outgrow its hold: found as if by halves, with fewer bills made out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.charging.session import Hold
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.pricing.tariff import Element, PriceComponent, Priced, PriceLimit, Tariff
from chalicelib.services.charging import monitor
from chalicelib.services.charging.monitor import outgrown_at_wh
from tests.domain.charging.test_bounds import SESSION

MOST_WH = 4_000_000
PRICES = st.decimals("0.01", 5, places=2)
LIMITS = st.none() | st.builds(PriceLimit, st.none() | st.decimals(0, 300, places=2), st.none())


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """Without conditions, so that price follows from energy alone."""
    vat = draw(st.none() | st.sampled_from([Decimal(7), Decimal("8.1"), Decimal(25)]))
    step = draw(st.sampled_from([1, 100, 1000, 250_000]))
    flat = PriceComponent(Priced.FLAT, draw(st.decimals(0, 5, places=2)), vat)
    return Tariff(
        tariff_id="t",
        operator_id="op",
        name="T",
        currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        elements=(Element((flat, PriceComponent(Priced.ENERGY, draw(PRICES), vat, step))),),
        min_price=draw(LIMITS),
        max_price=draw(LIMITS),
        tax_included=draw(st.booleans()),
    )


def by_halves(tariff: Tariff, enough_minor: int) -> int:
    low, high = 0, MOST_WH
    while low < high:
        middle = (low + high) // 2
        usage = planned(SESSION.created_at, middle, 3600)
        if price(tariff, usage, SESSION.time_zone).total_minor >= enough_minor:
            high = middle
        else:
            low = middle + 1
    return low


@given(tariffs(), st.integers(1, 2_000_000))
def test_it_is_the_least_energy_that_comes_to_four_fifths_of_the_hold(tariff: Tariff, held_minor: int) -> None:
    session = replace(SESSION, tariff=tariff, hold=Hold("p", held_minor), top_ups=())
    assert outgrown_at_wh(session) == by_halves(tariff, held_minor * 80 // 100)


def test_twelve_bills_are_made_out_for_it_at_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(*asked: Any) -> Any:
        made.append(asked)
        return price(*asked)

    monkeypatch.setattr(monitor, "price", counted)
    components = (
        PriceComponent(Priced.FLAT, Decimal(1), Decimal(19)),
        PriceComponent(Priced.ENERGY, Decimal("0.45"), Decimal(19)),
    )
    tariff = Tariff(tariff_id="t", operator_id="op", name="T", currency="EUR", elements=(Element(components),))
    assert outgrown_at_wh(replace(SESSION, tariff=tariff, hold=Hold("p", 5000), top_ups=())) is not None
    assert len(made) <= 12
