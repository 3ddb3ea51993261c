"""A site whose stored time zone does not exist: its charges begin, are shown, end and are billed all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest

from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    Reading,
    ReadingsTaken,
    StopReason,
)
from chalicelib.domain.charging.session import State
from chalicelib.domain.pricing.tariff import Element, PriceComponent, Priced, Restrictions
from chalicelib.domain.pricing.wall_clock import is_zone, zone
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.services.conftest import CONNECTION, NOW, SITE, TARIFF, Kit

ONE = ConnectorId(1)
BY_DAY = replace(
    TARIFF,
    elements=(
        Element((PriceComponent(Priced.ENERGY, Decimal("0.30")),), Restrictions(start_time=time(8), end_time=time(20))),
        Element((PriceComponent(Priced.ENERGY, Decimal("0.20")),)),
    ),
)


@pytest.mark.parametrize("name", ["Europe/Berlim", "Europe", "../etc/passwd", "", "\x00", "a" * 5000])
def test_a_time_zone_that_is_none_counts_as_utc(name: str) -> None:
    assert not is_zone(name)
    assert zone(name).utcoffset(datetime(2026, 7, 1)) == timedelta(0)  # noqa: DTZ001


def test_a_session_at_such_a_site_goes_its_whole_way(kit: Kit) -> None:
    kit.tariffs.put(BY_DAY)
    kit.sites.put(replace(SITE, time_zone="Europe/Berlim"))
    session, _ = kit.driver_sessions.begin("driver-1", Wanted("CP-1", ONE), None)
    kit.lifecycle.place_hold(session.session_id, "hold")
    start = ChargingStarted(connector=ONE, at=NOW, token=session.session_id, meter_start_wh=0, ref="tx-1")
    kit.router.route(CONNECTION, start, lambda *_: "tx-1")
    kit.clock.advance(hours=1)
    reading = Reading(at=NOW + timedelta(minutes=30), energy_wh=5_000)
    kit.router.route(CONNECTION, ReadingsTaken(ref="tx-1", connector=ONE, readings=(reading,)), lambda *_: "tx-1")
    assert kit.driver_sessions.watch("driver-1", session.session_id).cost.total_minor == 150
    assert kit.driver_sessions.page("driver-1", 10, None)[0]
    kit.driver_sessions.end("driver-1", session.session_id)
    stop = ChargingStopped(ref="tx-1", at=NOW + timedelta(hours=1), meter_stop_wh=10_000, reason=StopReason.REMOTE)
    kit.router.route(CONNECTION, stop, lambda *_: "tx-1")
    kit.lifecycle.settle(session.session_id, "payment")
    ended = kit.session(session.session_id)
    assert ended.state is State.STOPPING
    assert ended.bill is not None
    assert ended.bill.total_minor == 300
