"""Energy contracts and what feeds have told, as they are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from chalicelib.adapters.grid.energy import DynamoEnergyContracts, DynamoSignals
from chalicelib.domain.grid.energy import UPLOADED, EnergyContract, Feed, PriceBand, SolarPlant
from chalicelib.domain.grid.signals import Series, Signal, SignalRow, TimedValue
from chalicelib.records.grid import FEED_SHARDS, FeedState

pytestmark = pytest.mark.usefixtures("tables")

NOW = datetime(2026, 11, 30, 15, 10, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEED, CARBON = Feed("entsoe", "10Y1001A1001A82H"), Feed("electricity_maps", "DE")
CONTRACT = EnergyContract(
    site_id="harbour",
    operator_id="op",
    time_zone="Europe/Berlin",
    currency="EUR",
    changed_at=NOW,
    price_feed=FEED,
    carbon_feed=CARBON,
    carbon_micros_per_kg=100_000,
    demand_charge_micros=8_500_000,
    origin_permille=500,
    solar=SolarPlant(peak_w=30_000, latitude=53.5, longitude=10.0, tilt_deg=30, azimuth_deg=-90),
)


def told(value: int, begins: datetime = TODAY, hours: int = 24, currency: str = "EUR") -> Signal:
    series = Series.of([TimedValue(begins, begins + hours * HOUR, value)])
    return Signal(rows={SignalRow.PRICE: series}, currency=currency)


def test_a_contract_comes_back_as_it_was() -> None:
    contracts = DynamoEnergyContracts()
    assert contracts.of("harbour") is None
    for contract in (
        CONTRACT,
        replace(CONTRACT, price_feed=None, price_micros=300_000, bands=(PriceBand(price_micros=-1, ends=time(6)),)),
        replace(CONTRACT, price_feed=Feed(UPLOADED, "harbour"), carbon_feed=None, solar=None),
    ):
        contracts.put(contract, contracts.of("harbour"), NOW)
        assert contracts.of("harbour") == contract


def test_a_feed_is_due_once_however_many_sites_go_by_it_and_until_none_does() -> None:
    contracts, signals = DynamoEnergyContracts(), DynamoSignals()
    other = replace(CONTRACT, site_id="airport", solar=None)
    contracts.put(CONTRACT, None, NOW)
    contracts.put(other, None, NOW + HOUR)
    assert CONTRACT.solar is not None
    assert {it.feed: it.next_at for it in signals.states()} == dict.fromkeys((FEED, CARBON, CONTRACT.solar.feed), NOW)
    shards = [list(signals.states(it)) for it in range(FEED_SHARDS)]
    assert sum(map(len, shards)) == 3
    assert all(signals.is_wanted(it) for it in (FEED, CARBON, CONTRACT.solar.feed))

    moved = replace(CONTRACT, price_feed=None, price_micros=1, solar=None)
    contracts.put(moved, CONTRACT, NOW)
    assert signals.is_wanted(FEED)
    assert not signals.is_wanted(CONTRACT.solar.feed)
    contracts.remove(other)
    assert not signals.is_wanted(FEED)
    assert signals.is_wanted(CARBON)
    assert contracts.of("airport") is None


def test_of_two_who_change_a_feeds_state_one_has_done_so() -> None:
    contracts, signals = DynamoEnergyContracts(), DynamoSignals()
    contracts.put(CONTRACT, None, NOW)
    state = signals.state(FEED)
    assert state == FeedState(feed=FEED, next_at=NOW)
    after = replace(state, version=1, told_at=NOW, next_at=NOW + HOUR)
    assert signals.save(after)
    assert not signals.save(replace(after, told_at=None))
    assert signals.state(FEED) == after
    # Who goes by it too finds it as it is.
    contracts.put(replace(CONTRACT, site_id="airport"), None, NOW + DAY)
    assert signals.state(FEED) == after


def test_a_feed_that_a_site_comes_to_go_by_while_it_is_forgotten_is_fetched_all_the_same() -> None:
    contracts, signals = DynamoEnergyContracts(), DynamoSignals()
    contracts.put(CONTRACT, None, NOW)
    state = signals.state(FEED)
    assert state is not None
    signals.forget(state)
    assert signals.state(FEED) == state
    contracts.remove(CONTRACT)
    signals.forget(state)
    assert signals.state(FEED) is None


def test_what_was_told_is_kept_by_days_and_a_newer_word_replaces_only_what_it_names(aws_calls: list[str]) -> None:
    signals = DynamoSignals()
    signals.keep(FEED, told(1, TODAY, 48))
    aws_calls.clear()
    together = signals.keep(FEED, told(2, TODAY + 30 * HOUR, 6))
    assert aws_calls == ["Query", "PutItem"]
    assert together.series(SignalRow.PRICE).row(TODAY + DAY, 96) == (1,) * 24 + (2,) * 24 + (1,) * 48

    aws_calls.clear()
    both = signals.told(FEED, TODAY + 23 * HOUR, TODAY + 25 * HOUR)
    assert aws_calls == ["Query"]
    assert both.series(SignalRow.PRICE).row(TODAY + 29 * HOUR, 8) == (1,) * 4 + (2,) * 4
    assert both.currency == "EUR"
    assert signals.told(FEED, TODAY - DAY, TODAY - DAY) == Signal()

    aws_calls.clear()
    signals.keep(FEED, told(2, TODAY + 30 * HOUR, 6))
    assert aws_calls == ["Query"]


def test_what_is_told_anew_from_a_moment_on_is_all_there_is_from_then_on(aws_calls: list[str]) -> None:
    signals = DynamoSignals()
    signals.keep(FEED, told(1, TODAY, 72))
    aws_calls.clear()
    signals.restate(FEED, told(2, TODAY + 30 * HOUR, 6), TODAY + 12 * HOUR)
    assert sorted(aws_calls) == ["DeleteItem", "PutItem", "PutItem", "Query"]
    known = signals.told(FEED, TODAY, TODAY + 3 * DAY).series(SignalRow.PRICE)
    assert known.row(TODAY, 96) == (1,) * 48
    assert known.row(TODAY + 30 * HOUR, 96) == (2,) * 24
    aws_calls.clear()
    signals.restate(FEED, told(2, TODAY + 30 * HOUR, 6), TODAY + 12 * HOUR)
    assert aws_calls == ["Query"]


def test_days_before_a_zone_changed_its_currency_are_of_another_price() -> None:
    signals = DynamoSignals()
    signals.keep(FEED, told(1, TODAY, 24, "BGN"))
    signals.keep(FEED, told(2, TODAY + DAY, 24, "EUR"))
    found = signals.told(FEED, TODAY, TODAY + DAY)
    assert found.currency == "EUR"
    assert found.series(SignalRow.PRICE).row(TODAY, 1) == ()
    assert found.series(SignalRow.PRICE).row(TODAY + DAY, 1) == (2,)
