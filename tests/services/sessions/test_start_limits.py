"""One account keeps no more than a few connectors from everybody, and waits after starts that came to nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.chargers.events import ChargingStarted, ConnectorId
from chalicelib.domain.charging.session import Reason, State
from chalicelib.domain.charging.starts import COOL_DOWN, LONGEST_COOL_DOWN, MOST_FRUITLESS, MOST_STARTING
from chalicelib.domain.charging.transitions import StartFailed, StopRequested
from chalicelib.records.chargers import Connection
from chalicelib.records.drivers import Driver
from chalicelib.services.access import Refusal
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.services.conftest import NOW, Kit

ONE = ConnectorId(1)


@pytest.fixture
def network(kit: Kit) -> Kit:
    """Eight chargers, and a second driver."""
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    for number in range(2, 9):
        charger_id = f"CP-{number}"
        kit.chargers.put(replace(charger, charger_id=charger_id))
        kit.sockets.opened(
            Connection(connection_id=f"c-{number}", charger_id=charger_id, operator_id="op", protocol="ocpp1.6"), NOW
        )
    kit.drivers.put(
        Driver(driver_id="driver-2", email="e@example.com", customer_id="cus_2", payment_method_id="pm_2", card="visa")
    )
    return kit


def begin(kit: Kit, number: int, driver_id: str = "driver-1", key: str | None = None) -> str:
    session, _ = kit.driver_sessions.begin(driver_id, Wanted(f"CP-{number}", ONE), key)
    return session.session_id


def in_vain(kit: Kit, number: int = 1, reason: Reason = Reason.CHARGER_DID_NOT_START) -> None:
    session_id = begin(kit, number)
    kit.clock.advance(seconds=60)
    kit.changes.apply(session_id, StartFailed(reason, kit.clock()))
    kit.connectors.free(f"CP-{number}", ONE, session_id)


def refusal(kit: Kit, number: int, driver_id: str = "driver-1") -> str:
    with pytest.raises(Refusal) as refused:
        begin(kit, number, driver_id)
    return refused.value.code


def test_only_a_few_charges_of_one_driver_wait_to_begin_across_all_chargers(network: Kit) -> None:
    for number in range(1, MOST_STARTING + 1):
        begin(network, number)
    assert refusal(network, 7) == "too_many_starts"
    assert begin(network, 7, "driver-2")


def test_a_charge_that_has_begun_waits_no_more(network: Kit) -> None:
    session_ids = [begin(network, number) for number in range(1, MOST_STARTING + 1)]
    started = ChargingStarted(connector=ONE, at=NOW, token=session_ids[0], meter_start_wh=0, ref="tx-1")
    connection = Connection(connection_id="c-1", charger_id="CP-1", operator_id="op", protocol="ocpp1.6")
    network.router.route(connection, started, lambda *_: "tx-1")
    assert begin(network, 7)


def test_the_same_request_again_is_the_same_session_and_no_other(network: Kit) -> None:
    first = [begin(network, number, key=f"k{number}") for number in range(1, MOST_STARTING + 1)]
    assert [begin(network, number, key=f"k{number}") for number in range(1, MOST_STARTING + 1)] == first


def test_a_refused_start_leaves_nothing_that_counts(network: Kit) -> None:
    session_ids = [begin(network, number) for number in range(1, MOST_STARTING + 1)]
    for _ in range(5):
        assert refusal(network, 7) == "too_many_starts"
    network.changes.apply(session_ids[0], StopRequested(network.clock()))
    assert begin(network, 7)


def test_a_name_noted_just_now_counts_before_its_session_is_written(network: Kit) -> None:
    for number in range(MOST_STARTING):
        assert network.drivers.begin("driver-1", f"K{number}", network.clock())
    assert refusal(network, 7) == "too_many_starts"
    network.clock.advance(seconds=10)
    assert begin(network, 7)


@pytest.mark.parametrize("reason", [Reason.CHARGER_DID_NOT_START, Reason.CARD_NOT_CONFIRMED, Reason.CANCELLED])
def test_who_starts_in_vain_again_and_again_waits(network: Kit, reason: Reason) -> None:
    for number in range(MOST_FRUITLESS):
        in_vain(network, number + 1, reason)
    assert refusal(network, 7) == "too_many_starts"
    network.clock.advance(seconds=COOL_DOWN.total_seconds())
    in_vain(network, 7, reason)
    # Twice as long after one more.
    network.clock.advance(seconds=COOL_DOWN.total_seconds())
    assert refusal(network, 8) == "too_many_starts"
    network.clock.advance(seconds=COOL_DOWN.total_seconds())
    assert begin(network, 8)


def test_nobody_waits_longer_than_an_hour() -> None:
    assert timedelta(hours=1) == LONGEST_COOL_DOWN


def test_a_change_of_mind_within_seconds_is_no_start_in_vain(network: Kit) -> None:
    for _ in range(12):
        session_id = begin(network, 1)
        network.clock.advance(seconds=2)
        network.changes.apply(session_id, StopRequested(network.clock()))
        network.connectors.free("CP-1", ONE, session_id)
    assert network.session(session_id).state is State.FAILED
    assert begin(network, 2)


@pytest.mark.parametrize("reason", [Reason.CHARGER_REFUSED, Reason.CHARGER_OFFLINE, Reason.CONNECTOR_BUSY])
def test_what_a_charger_refuses_is_not_its_drivers_doing(network: Kit, reason: Reason) -> None:
    for number in range(5):
        in_vain(network, number + 1, reason)
    assert begin(network, 7)


def test_a_charge_that_begins_ends_the_count(network: Kit) -> None:
    in_vain(network, 1)
    in_vain(network, 2)
    session_id = begin(network, 3)
    started = ChargingStarted(connector=ONE, at=network.clock(), token=session_id, meter_start_wh=0, ref="tx-3")
    connection = Connection(connection_id="c-3", charger_id="CP-3", operator_id="op", protocol="ocpp1.6")
    network.router.route(connection, started, lambda *_: "tx-3")
    network.clock.advance(minutes=1)
    in_vain(network, 4)
    assert begin(network, 5)
