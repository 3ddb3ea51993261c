"""A site's energy contract: prices by its clock, guarantees of origin before the grid's mix, its own sun first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.domain.grid.energy import UPLOADED, EnergyContract, Feed, PriceBand, SolarPlant, blend
from chalicelib.domain.grid.outlook import Outlook
from chalicelib.domain.grid.signals import Guidance, Series, Signal, SignalRow, TimedValue, guidance

AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PRICES, CARBON = Feed("entsoe", "10Y1001A1001A82H"), Feed("carbon_intensity", "GB")
NIGHT = PriceBand(price_micros=150_000, begins=time(22), ends=time(6))


def contract(**facts: Any) -> EnergyContract:
    usual: dict[str, Any] = {
        "site_id": "harbour",
        "operator_id": "op",
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
        "changed_at": AT,
    }
    return EnergyContract(**(usual | facts))


def told(row: SignalRow, value: int, begins: datetime = AT, hours: int = 24, **more: Any) -> Signal:
    series = Series.of([TimedValue(begins, begins + hours * HOUR, value)])
    usual: dict[str, Any] = {"told_at": AT, "currency": "EUR"}
    return Signal(rows={row: series}, **usual | more)


def test_a_fixed_price_holds_at_all_times_and_never_grows_old() -> None:
    outlook = contract(price_micros=210_000).outlook({}, AT - 400 * DAY, 96)
    assert outlook.price_micros == (210_000,) * 96
    assert guidance(outlook.told_at, AT) is Guidance.PLAN
    assert outlook.source == "contract"


@pytest.mark.parametrize(
    ("day", "hours", "nights"),
    [
        # A day has 24 hours, 23 when clocks go forward and 25 when they go back: the change lies in the night.
        (datetime(2026, 11, 30, 23, tzinfo=UTC), 24, 8),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), 23, 7),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), 25, 9),
    ],
)
def test_prices_by_the_clock_follow_the_clock_at_the_site(day: datetime, hours: int, nights: int) -> None:
    row = contract(price_micros=300_000, bands=(NIGHT,)).outlook({}, day, hours * 4).price_micros
    assert row.count(150_000) == nights * 4
    assert row.count(300_000) == (hours - nights) * 4
    assert row[-8:] == (150_000,) * 8


def test_bands_hold_on_their_days_and_in_their_months_and_the_first_counts() -> None:
    bands = (
        PriceBand(price_micros=1, days=(5, 6)),
        PriceBand(price_micros=2, months=(12,)),
        NIGHT,
    )
    site = contract(price_micros=9, bands=bands)
    # Monday the 30th of November, Tuesday the 1st of December, Saturday the 5th, by the clock of Berlin.
    for at, price in ((AT, 9), (AT + 11 * HOUR, 2), (AT + DAY, 2), (AT + 5 * DAY, 1), (AT + 9.5 * HOUR, 150_000)):
        assert site.outlook({}, at, 1).price_micros == (price,), at


def test_a_band_to_midnight_ends_there() -> None:
    site = contract(price_micros=9, bands=(PriceBand(price_micros=1, begins=time(23)),))
    row = site.outlook({}, datetime(2026, 11, 30, 21, 45, tzinfo=UTC), 6).price_micros
    assert row == (9, 1, 1, 1, 1, 9)


def test_a_markets_prices_are_the_outlooks_and_may_be_negative() -> None:
    outlook = contract(price_feed=PRICES).outlook({PRICES: told(SignalRow.PRICE, -20_000)}, AT, 200)
    assert outlook.price_micros == (-20_000,) * 96
    assert (outlook.currency, outlook.told_at, outlook.source) == ("EUR", AT, "entsoe#10Y1001A1001A82H")


def test_prices_in_another_currency_are_none_of_the_sites() -> None:
    assert contract(price_feed=PRICES).outlook({PRICES: told(SignalRow.PRICE, 1, currency="PLN")}, AT, 4) == replace(
        contract(price_feed=PRICES).outlook({}, AT, 4), told_at=AT
    )


def test_a_feed_that_never_told_anything_is_not_planned_by() -> None:
    outlook = contract(price_feed=PRICES, carbon_feed=CARBON).outlook({CARBON: told(SignalRow.CARBON, 1)}, AT, 4)
    assert guidance(outlook.told_at, AT) is Guidance.FAIR_SHARE


def test_the_oldest_signal_says_how_old_an_outlook_is() -> None:
    signals = {PRICES: told(SignalRow.PRICE, 1), CARBON: told(SignalRow.CARBON, 1, told_at=AT - 3 * HOUR)}
    outlook = contract(price_feed=PRICES, carbon_feed=CARBON).outlook(signals, AT, 4)
    assert guidance(outlook.told_at, AT) is Guidance.LAST_PLAN


def test_uploaded_prices_grow_no_older() -> None:
    mine = Feed(UPLOADED, "harbour")
    outlook = contract(price_feed=mine).outlook({mine: told(SignalRow.PRICE, 5, told_at=None)}, AT, 4)
    assert (outlook.price_micros, guidance(outlook.told_at, AT)) == ((5,) * 4, Guidance.PLAN)


def test_what_guarantees_of_origin_cover_emits_nothing_whatever_the_mix() -> None:
    rows = {
        SignalRow.CARBON: Series.of([TimedValue(AT, AT + HOUR, 401)]),
        SignalRow.RENEWABLE: Series.of([TimedValue(AT, AT + HOUR, 400)]),
    }
    site = contract(price_micros=1, carbon_feed=CARBON)
    halves = replace(site, origin_permille=500).outlook({CARBON: Signal(rows=rows, told_at=AT)}, AT, 4)
    assert (halves.carbon_g, halves.renewable_permille) == ((201,) * 4, (700,) * 4)
    assert halves.source == "contract, guarantees of origin 50 %, carbon_intensity#GB"
    grid = site.outlook({CARBON: Signal(rows=rows, told_at=AT)}, AT, 4)
    assert (grid.carbon_g, grid.renewable_permille) == ((401,) * 4, (400,) * 4)


def test_where_they_cover_all_the_mix_need_not_be_known() -> None:
    outlook = contract(price_micros=1, origin_permille=1000).outlook({}, AT, 3)
    assert (outlook.carbon_g, outlook.renewable_permille) == ((0,) * 3, (1000,) * 3)
    part = contract(price_micros=1, origin_permille=999, carbon_feed=CARBON).outlook({}, AT, 3)
    assert (part.carbon_g, part.renewable_permille) == ((), ())


def test_what_is_marginal_is_planned_by_and_is_no_carbon_of_a_receipt() -> None:
    feed = Feed("watttime", "CAISO_NORTH")
    outlook = contract(price_micros=1, carbon_feed=feed).outlook({feed: told(SignalRow.MARGINAL, 408)}, AT, 2)
    assert (outlook.marginal_g, outlook.carbon_g) == ((408, 408), ())
    assert blend(outlook, 0, 10_000).carbon_g is None


def test_the_forecast_of_a_kilowatt_becomes_that_of_the_sites_modules() -> None:
    plant = SolarPlant(peak_w=25_000, latitude=53.5437, longitude=-0.0124, tilt_deg=30, azimuth_deg=-90)
    assert plant.feed == Feed("forecast_solar", "53.5,0.0,30,-90")
    outlook = contract(price_micros=1, solar=plant).outlook({plant.feed: told(SignalRow.SOLAR, 640)}, AT, 2)
    assert outlook.solar_w == (16_000, 16_000)
    # A forecast of the sun that is old is no reason to plan nothing.
    assert outlook.told_at is None


@pytest.mark.parametrize(
    ("drawn_w", "price", "carbon", "renewable", "sun"),
    [
        (5_000, 0, 0, 1000, 1000),
        (10_000, 0, 0, 1000, 1000),
        (40_000, 150_000, 300, 550, 250),
        (0, 200_000, 400, 400, 0),
    ],
)
def test_the_sites_sun_serves_before_the_grid(drawn_w: int, price: int, carbon: int, renewable: int, sun: int) -> None:
    outlook = Outlook(
        begins_at=AT, price_micros=(200_000,), carbon_g=(400,), renewable_permille=(400,), solar_w=(10_000,)
    )
    found = blend(outlook, 0, drawn_w)
    assert (found.price_micros, found.carbon_g, found.renewable_permille, found.solar_permille) == (
        price,
        carbon,
        renewable,
        sun,
    )


def test_behind_a_rows_end_nothing_is_known_unless_the_sun_serves_all() -> None:
    outlook = Outlook(begins_at=AT, solar_w=(0, 9_000))
    assert blend(outlook, 0, 1_000).price_micros is None
    assert blend(outlook, 1, 9_000).price_micros == 0
