"""Feeds are fetched once for all sites and tried again when they fail; what they told stands, and outlooks follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.grid.energy import UPLOADED, EnergyContract, Feed
from chalicelib.domain.grid.signals import (
    Guidance,
    Series,
    Signal,
    SignalKind,
    SignalRow,
    TimedValue,
    guidance,
    quarter_of,
)
from chalicelib.records.grid import FeedState, SignalUnavailable
from chalicelib.records.parts import Part
from chalicelib.services.access import NotFound, Refusal
from tests.services.conftest import NOW, SITE, Kit

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
FEED = Feed("entsoe", "NL")
CONTRACT = EnergyContract(
    site_id="harbour", operator_id="op", time_zone="", currency="EUR", changed_at=NOW, price_feed=FEED
)


@dataclass
class Publisher:
    """Tells prices until `until`, or what `fails` raises."""

    clock: Callable[[], datetime]
    kind: SignalKind = SignalKind.PRICE
    pace: timedelta = HOUR
    is_daily: bool = True
    price: int = 100
    ahead: timedelta = 36 * HOUR
    fails: Exception | None = None
    asked: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    def is_zone(self, zone: str) -> bool:
        return zone.isupper()

    def fetch(self, zone: str, begins_at: datetime, ends_at: datetime) -> Signal:
        self.asked.append((zone, begins_at, ends_at))
        if self.fails is not None:
            raise self.fails
        spans = [TimedValue(begins_at, quarter_of(self.clock() + self.ahead), self.price)]
        return Signal(rows={SignalRow.PRICE: Series.of(spans)}, currency="EUR")


@pytest.fixture
def publisher(kit: Kit) -> Publisher:
    publisher = Publisher(kit.clock)
    sun = replace(publisher, kind=SignalKind.SOLAR, asked=[])
    vars(kit)["signal_sources"] = {"entsoe": publisher, "forecast_solar": sun}
    return publisher


def state(kit: Kit) -> FeedState:
    found = kit.signals.state(FEED)
    assert found is not None
    return found


def test_a_zone_is_fetched_once_for_all_its_sites_and_not_again_before_its_hour(kit: Kit, publisher: Publisher) -> None:
    kit.site_energy.describe(CONTRACT)
    kit.energy_contracts.put(replace(CONTRACT, site_id="airport"), None, kit.clock())
    assert kit.signal_feeds.tend() == {"told": 1}
    kit.clock.advance(minutes=59)
    assert kit.signal_feeds.tend() == {}
    kit.clock.advance(minutes=1)
    assert kit.signal_feeds.tend() == {"told": 1}
    today = NOW.replace(hour=0, minute=0)
    assert publisher.asked == [("NL", today - DAY, today + 3 * DAY)] * 2
    for site_id in ("harbour", "airport"):
        outlook = kit.outlooks.of(site_id, kit.clock(), 96)
        assert (outlook.price_micros, outlook.told_at) == ((100,) * 96, kit.clock())


def test_a_day_that_is_awaited_is_asked_for_each_quarter_of_an_hour(kit: Kit, publisher: Publisher) -> None:
    kit.site_energy.describe(CONTRACT)
    publisher.ahead = 11 * HOUR
    kit.signal_feeds.tend()
    assert state(kit).next_at == kit.clock() + 15 * MINUTE
    kit.clock.advance(minutes=15)
    publisher.ahead = 35 * HOUR
    kit.signal_feeds.tend()
    assert state(kit).next_at == kit.clock() + HOUR
    assert state(kit).known_until == quarter_of(kit.clock() + 35 * HOUR)


def test_one_that_fails_is_tried_again_ever_more_seldom_and_what_it_told_stands(kit: Kit, publisher: Publisher) -> None:
    kit.site_energy.describe(CONTRACT)
    kit.signal_feeds.tend()
    told_at = kit.clock()
    publisher.fails = SignalUnavailable("HTTP 503")
    kit.clock.advance(hours=1)
    failing_since = kit.clock()
    waits = []
    while kit.clock() < failing_since + 4 * HOUR:
        assert kit.signal_feeds.tend() == {"failed": 1}
        waits.append(state(kit).next_at - kit.clock())
        kit.clock.now = state(kit).next_at
    assert waits[:3] == [5 * MINUTE, 5 * MINUTE, 5 * MINUTE]
    assert waits == sorted(waits)
    assert max(waits) == HOUR
    assert (state(kit).failing_since, state(kit).failure) == (failing_since, "HTTP 503")
    outlook = kit.outlooks.of("harbour", kit.clock(), 4)
    assert (outlook.price_micros, outlook.told_at) == ((100,) * 4, told_at)
    assert guidance(outlook.told_at, kit.clock()) is Guidance.LAST_PLAN

    publisher.fails = None
    assert kit.signal_feeds.tend() == {"told": 1}
    assert (state(kit).failing_since, state(kit).failure) == (None, "")
    kit.clock.advance(minutes=1)
    assert guidance(kit.outlooks.of("harbour", kit.clock(), 4).told_at, kit.clock()) is Guidance.PLAN


def test_a_publisher_that_wants_to_be_left_alone_is(kit: Kit, publisher: Publisher) -> None:
    kit.site_energy.describe(CONTRACT)
    publisher.fails = SignalUnavailable("HTTP 429", 3 * HOUR)
    kit.signal_feeds.tend()
    assert state(kit).next_at == kit.clock() + 3 * HOUR


@pytest.mark.parametrize("error", [RuntimeError("secret in here"), RecursionError()])
def test_a_source_that_breaks_keeps_no_other_from_being_fetched(
    kit: Kit, publisher: Publisher, error: Exception
) -> None:
    kit.site_energy.describe(CONTRACT)
    kit.site_energy.describe(replace(CONTRACT, price_feed=Feed("entsoe", "BE")))
    kit.energy_contracts.put(replace(CONTRACT, site_id="airport"), None, kit.clock())
    publisher.fails = error
    assert kit.signal_feeds.tend() == {"failed": 2}
    assert state(kit).failure == type(error).__name__


def test_a_feed_whose_source_is_gone_says_so(kit: Kit, publisher: Publisher) -> None:
    kit.site_energy.describe(CONTRACT)
    vars(kit)["signal_sources"] = {}
    vars(kit).pop("signal_feeds", None)
    assert kit.signal_feeds.tend() == {"failed": 1}
    assert state(kit).failure == "there is no source entsoe"


def test_a_feed_that_no_site_goes_by_any_more_is_fetched_no_more(kit: Kit, publisher: Publisher) -> None:
    kit.site_energy.describe(CONTRACT)
    kit.site_energy.describe(replace(CONTRACT, price_feed=None, price_micros=5))
    assert kit.signal_feeds.tend() == {"forgotten": 1}
    assert publisher.asked == []
    assert kit.signals.state(FEED) is None
    assert kit.outlooks.of("harbour", NOW, 2).price_micros == (5, 5)


def test_of_two_who_find_a_feed_due_one_fetches_it(kit: Kit, publisher: Publisher) -> None:
    kit.site_energy.describe(CONTRACT)
    stale = list(kit.signals.states())
    kit.signal_feeds.tend()

    class Late:
        """Found it due before the other did."""

        def __getattr__(self, name: str) -> Any:
            return getattr(kit.signals, name)

        def states(self, shard: int | None = None) -> list[FeedState]:
            return stale

    assert replace(kit.signal_feeds, signals=Late()).tend() == {}
    assert len(publisher.asked) == 1


def test_what_time_is_up_for_is_left_to_the_next_round(kit: Kit, publisher: Publisher) -> None:
    kit.site_energy.describe(CONTRACT)
    assert kit.signal_feeds.tend(Part(None, kit.clock())) == {}
    assert kit.signal_feeds.tend() == {"told": 1}


def test_a_process_remembers_a_feed_for_a_minute_and_an_operator_who_looks_sees_it_as_it_is(
    kit: Kit, publisher: Publisher
) -> None:
    kit.site_energy.describe(CONTRACT)
    assert kit.outlooks.of("harbour", NOW, 4).price_micros == ()
    kit.signal_feeds.tend()
    assert kit.outlooks.of("harbour", NOW, 4).price_micros == ()
    assert kit.site_energy.described("op", "harbour").outlook.price_micros[:4] == (100,) * 4
    kit.clock.advance(minutes=1)
    assert kit.outlooks.of("harbour", NOW, 4).price_micros == (100,) * 4


def test_quarters_that_are_past_are_known_as_long_as_a_receipt_may_ask(kit: Kit, publisher: Publisher) -> None:
    kit.site_energy.describe(CONTRACT)
    kit.signal_feeds.tend()
    kit.clock.advance(days=30)
    publisher.price = 7
    kit.signal_feeds.tend()
    assert kit.outlooks.of("harbour", NOW - 3 * HOUR, 12).price_micros == (100,) * 12
    assert kit.outlooks.of("harbour", kit.clock(), 12).price_micros == (7,) * 12


def test_a_site_without_a_contract_has_an_outlook_of_nothing(kit: Kit) -> None:
    outlook = kit.outlooks.of("harbour", NOW + MINUTE, 96)
    assert (outlook.begins_at, outlook.price_micros, outlook.source) == (NOW, (), "")


def test_uploaded_prices_are_kept_and_added_to(kit: Kit, publisher: Publisher) -> None:
    mine = replace(CONTRACT, price_feed=Feed(UPLOADED, "harbour"))
    kit.site_energy.describe(mine, Series.of([TimedValue(NOW, NOW + HOUR, 1)]))
    kit.site_energy.describe(mine, Series.of([TimedValue(NOW + HOUR, NOW + 2 * HOUR, 2)]))
    kit.site_energy.describe(mine)
    found = kit.site_energy.described("op", "harbour")
    assert found.outlook.price_micros == (1,) * 4 + (2,) * 4
    assert (found.feeds, found.guidance) == ((), Guidance.PLAN)
    assert kit.signal_feeds.tend() == {}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"price_feed": Feed("sunday", "NL")}, "'sunday' tells no price; these do: entsoe"),
        ({"price_feed": Feed("forecast_solar", "NL")}, "'forecast_solar' tells no price"),
        ({"carbon_feed": Feed("entsoe", "NL")}, "'entsoe' tells no carbon"),
        ({"price_feed": Feed("entsoe", "nl")}, "'nl' is no zone of entsoe"),
        ({"price_feed": Feed(UPLOADED, "airport")}, "'csv' tells no price"),
    ],
)
def test_a_contract_that_cannot_be_is_refused(kit: Kit, publisher: Publisher, more: dict[str, Any], why: str) -> None:
    with pytest.raises(Refusal) as error:
        kit.site_energy.describe(replace(CONTRACT, **more))
    assert error.value.code == "invalid_energy"
    assert why in str(error.value)
    assert kit.energy_contracts.of("harbour") is None


def test_a_contract_is_its_operators_and_goes_by_the_sites_clock(kit: Kit, publisher: Publisher) -> None:
    with pytest.raises(NotFound):
        kit.site_energy.describe(replace(CONTRACT, operator_id="rival"))
    kit.site_energy.describe(CONTRACT)
    assert kit.site_energy.described("op", "harbour").contract.time_zone == SITE.time_zone
    for look in (kit.site_energy.described, kit.site_energy.forget):
        with pytest.raises(NotFound):
            look("rival", "harbour")
    kit.site_energy.forget("op", "harbour")
    with pytest.raises(NotFound):
        kit.site_energy.described("op", "harbour")
