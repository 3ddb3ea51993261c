"""A charge under way is shown as of now: its time and the price of that run on between readings, its bill does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from chalicelib.domain.chargers.events import ChargingStarted, ConnectorId, Reading, ReadingsTaken, StopReason
from chalicelib.domain.charging.session import Origin, Session
from chalicelib.domain.charging.transitions import Stopped
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.services.sessions.progress import Progress
from tests.services.conftest import CONNECTION, NOW, TARIFF, Kit

TIMED = replace(TARIFF, elements=simple_elements(per_minute=Decimal("0.50"), idle_per_minute=Decimal(5)))


class Charge:
    """An app session that costs its time, begun now."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.session_id = "KBBBBBBBBBBBBBBBBBBB"
        session = Session(
            session_id=self.session_id,
            operator_id="op",
            site_id="harbour",
            charger_id="CP-1",
            connector=ConnectorId(1),
            origin=Origin.APP,
            token=self.session_id,
            driver_id="driver-1",
            tariff=TIMED,
            created_at=NOW,
        )
        assert kit.sessions.add(session)
        kit.lifecycle.place_hold(self.session_id, "hold")
        begun = ChargingStarted(connector=ConnectorId(1), at=NOW, token=self.session_id, meter_start_wh=0, ref="tx-1")
        kit.router.route(CONNECTION, begun, lambda *_: "tx-1")

    def read(self, energy_wh: int) -> None:
        reading = Reading(at=self.kit.clock.now, energy_wh=energy_wh)
        event = ReadingsTaken(ref="tx-1", connector=ConnectorId(1), readings=(reading,))
        self.kit.router.route(CONNECTION, event, lambda *_: "tx-1")

    def after(self, minutes: int) -> Progress:
        self.kit.clock.now = NOW + timedelta(minutes=minutes)
        return self.kit.driver_sessions.watch("driver-1", self.session_id)


@pytest.fixture
def charge(kit: Kit) -> Charge:
    kit.sockets.opened(CONNECTION, NOW)
    return Charge(kit)


def test_time_runs_before_the_first_reading(charge: Charge) -> None:
    shown = charge.after(30)
    assert (shown.elapsed_s, shown.cost.total_minor, shown.energy_wh) == (1800, 1500, 0)


def test_time_and_its_price_run_on_after_a_reading(charge: Charge) -> None:
    charge.kit.clock.advance(minutes=10)
    charge.read(1000)
    shown = charge.after(16)
    assert (shown.elapsed_s, shown.cost.total_minor, shown.energy_wh) == (960, 800, 1000)


def test_a_car_that_took_nothing_at_the_last_reading_still_takes_nothing(charge: Charge) -> None:
    for minutes, energy_wh in ((10, 1000), (20, 1000)):
        charge.kit.clock.now = NOW + timedelta(minutes=minutes)
        charge.read(energy_wh)
    assert charge.after(30).cost.total_minor == 10 * 50 + 20 * 500


def test_of_a_charger_that_is_offline_nothing_is_shown_that_nobody_knows(charge: Charge) -> None:
    charge.kit.clock.advance(minutes=10)
    charge.read(1000)
    gone_at = NOW + timedelta(minutes=12)
    charge.kit.clock.now = gone_at
    charge.kit.sockets.closed(CONNECTION)
    shown = charge.after(60)
    assert (shown.elapsed_s, shown.offline_since) == (720, gone_at)


def test_the_bill_knows_only_the_end(charge: Charge) -> None:
    charge.kit.clock.advance(minutes=10)
    charge.read(1000)
    charge.after(60)
    ended = Stopped(ref="tx-1", at=NOW + timedelta(minutes=10), meter_stop_wh=1000, reason=StopReason.REMOTE)
    session = charge.kit.changes.apply(charge.session_id, ended)
    shown = charge.kit.driver_sessions.watch("driver-1", charge.session_id)
    assert (session.stopped_at, shown.elapsed_s, shown.cost.total_minor) == (NOW + timedelta(minutes=10), 600, 500)
