"""What no evidence bounds waits for a person as long as its hold can be taken, and is never captured unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    Reading,
    ReadingsTaken,
    StatusReported,
)
from chalicelib.domain.chargers.plugs import PlugType
from chalicelib.domain.charging.occupation import Occupation
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.records.chargers import Plug, Purpose
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.sessions.lifecycle import NeedsReview
from tests.services.conftest import CONNECTION, NOW, Kit, sent_call

ONE = ConnectorId(1)


@pytest.fixture
def kit(kit: Kit) -> Kit:
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    plugs = tuple(Plug(it, PlugType.TYPE_2, 22_000) for it in charger.connectors)
    kit.chargers.put(replace(charger, plugs=plugs))
    return kit


def charge(kit: Kit, start_wh: int, readings: dict[float, int], stop_wh: int | None, minutes: float) -> Session:
    """A charge by app, with its hold; readings by minutes after its start."""
    session = kit.app_session()
    kit.lifecycle.place_hold(session.session_id, "token-hold")
    began = ChargingStarted(connector=ONE, at=NOW, token=session.token, meter_start_wh=start_wh, ref="tx-1")
    kit.router.route(CONNECTION, began, lambda *_: "tx-1")
    for after, energy_wh in readings.items():
        kit.clock.now = NOW + timedelta(minutes=after)
        taken = ReadingsTaken(ref="tx-1", connector=ONE, readings=(Reading(at=kit.clock.now, energy_wh=energy_wh),))
        kit.router.route(CONNECTION, taken, lambda *_: "tx-1")
    if stop_wh is not None:
        kit.clock.now = NOW + timedelta(minutes=minutes)
        kit.router.route(
            CONNECTION, ChargingStopped(ref="tx-1", at=kit.clock.now, meter_stop_wh=stop_wh), lambda *_: "tx-1"
        )
    return kit.session(session.session_id)


@pytest.fixture
def waiting(kit: Kit) -> Session:
    """A start of 0, and ten minutes later a meter's whole life."""
    session = charge(kit, 0, {}, 1_236_000, 10)
    with pytest.raises(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    return kit.session(session.session_id)


def test_what_nothing_bounds_is_not_captured(kit: Kit, waiting: Session) -> None:
    assert (waiting.state, waiting.needs_review, waiting.bill) == (State.STOPPING, True, None)
    assert (waiting.energy_wh, set(waiting.flags)) == (0, {Flag.METER_JUMPED})
    assert kit.money.captured == {}
    assert [it.session_id for it in kit.sessions.of_operator("op", 10, None, flagged=True)[0]] == [waiting.session_id]


def test_its_driver_is_shown_what_is_proven(kit: Kit, waiting: Session) -> None:
    assert kit.driver_sessions.watch("driver-1", waiting.session_id).energy_wh == 0


def test_a_person_says_what_was_delivered_and_that_is_billed(kit: Kit, waiting: Session) -> None:
    kit.lifecycle.await_review(waiting.session_id, "token-review")
    assert "token-review" not in kit.workflow.succeeded
    for _ in range(2):
        kit.metering.decide("op", waiting.session_id, 3200, "clerk")
    assert "token-review" in kit.workflow.succeeded
    kit.lifecycle.settle(waiting.session_id, "token-payment-2")
    settled = kit.session(waiting.session_id)
    assert settled.bill is not None
    assert (settled.energy_wh, settled.decided_by, settled.bill.total_minor) == (3200, "clerk", 144)
    assert sum(kit.money.captured.values()) == 144


def test_a_person_may_waive_it(kit: Kit, waiting: Session) -> None:
    kit.metering.decide("op", waiting.session_id, 0, "clerk")
    kit.lifecycle.settle(waiting.session_id, "token-payment-2")
    settled = kit.session(waiting.session_id)
    assert settled.bill is not None
    assert (settled.bill.total_minor, kit.money.captured) == (0, {})
    assert kit.money.voided == ["pi_" + waiting.session_id]


def test_nobody_bills_what_the_plug_cannot_have_given(kit: Kit, waiting: Session) -> None:
    with pytest.raises(Refusal, match="5033 Wh"):
        kit.metering.decide("op", waiting.session_id, 5034, "clerk")


def test_another_operator_finds_nothing_to_decide(kit: Kit, waiting: Session) -> None:
    with pytest.raises(NotFound):
        kit.metering.decide("rival", waiting.session_id, 100, "clerk")


def test_what_is_decided_stays_decided(kit: Kit, waiting: Session) -> None:
    kit.metering.decide("op", waiting.session_id, 100, "clerk")
    with pytest.raises(Refusal):
        kit.metering.decide("op", waiting.session_id, 200, "clerk")


@pytest.mark.parametrize(("told", "waits_h"), [(None, 90), (timedelta(days=7), 144), (timedelta(days=2), 24)])
def test_a_day_before_the_hold_is_lost_what_is_proven_is_billed(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, told: timedelta | None, waits_h: int
) -> None:
    original = kit.money.hold

    def hold(*a: Any, **more: Any) -> Any:
        return replace(original(*a, **more), capture_before=NOW + told if told else None)

    monkeypatch.setattr(kit.money, "hold", hold)
    session = charge(kit, 0, {5: 500}, 1_236_000, 60)
    with pytest.raises(NeedsReview):
        kit.lifecycle.settle(session.session_id, "token-payment")
    kit.lifecycle.await_review(session.session_id, "token-review")
    kit.clock.now = NOW + timedelta(hours=waits_h - 1)
    kit.lifecycle.sweep()
    assert kit.session(session.session_id).needs_review
    kit.clock.now = NOW + timedelta(hours=waits_h)
    kit.lifecycle.sweep()
    assert "token-review" in kit.workflow.succeeded
    kit.lifecycle.settle(session.session_id, "token-payment-2")
    settled = kit.session(session.session_id)
    assert settled.bill is not None
    assert (settled.energy_wh, settled.decided_by, settled.bill.total_minor) == (500, "", 23)


def test_an_ordinary_quirk_waits_for_nobody(kit: Kit) -> None:
    session = charge(kit, 99_000, {10: 100_000, 15: 9_917_125, 20: 102_000}, 104_000, 30)
    kit.lifecycle.settle(session.session_id, "token-payment")
    settled = kit.session(session.session_id)
    assert settled.bill is not None
    assert (settled.energy_wh, settled.bill.total_minor) == (5000, 225)


def test_where_nothing_is_to_be_paid_nobody_has_to_look(kit: Kit) -> None:
    session = charge(kit, 0, {}, 1_236_000, 10)
    kit.sessions.save(session, replace(session, driver_id=None))
    kit.lifecycle.settle(session.session_id, "token-payment")
    assert not kit.session(session.session_id).needs_review


@pytest.mark.parametrize(
    ("start_wh", "readings", "energy_wh"),
    [
        (4_076_400, {10: 1400, 30: 4200, 50: 7600}, 7600),
        (100_000, {10: 101_000, 20: 0}, 1000),
        (100_000, {1: 0, 20: 102_000}, 2000),
        (0, {1: 300_200, 30: 311_000}, 10_800),
        (99_000, {10: 100_000, 15: 9_917_125}, 1000),
    ],
    ids=["counted from 0", "a last reading of 0", "a first reading of 0", "a meter not ready", "a spike"],
)
def test_the_live_view_asks_the_same_evidence(
    kit: Kit, start_wh: int, readings: dict[float, int], energy_wh: int
) -> None:
    session = charge(kit, start_wh, readings, None, 60)
    assert kit.driver_sessions.watch("driver-1", session.session_id).energy_wh == energy_wh
    steps, _ = kit.driver_sessions.since("driver-1", session.session_id, "")
    assert steps[-1].energy_wh == energy_wh


def test_a_spike_neither_ends_a_charge_nor_raises_its_hold(kit: Kit) -> None:
    session = charge(kit, 99_000, {10: 100_000, 15: 9_917_125}, None, 60)
    assert (session.state, session.funds_low_at) == (State.ACTIVE, None)


def test_a_charge_counted_from_0_still_outgrows_its_hold(kit: Kit) -> None:
    session = charge(kit, 4_076_400, {60: 20_000, 240: 86_000, 270: 95_000}, None, 300)
    assert session.funds_low_at is not None


def test_the_energy_that_a_hold_pays_for_is_found_when_it_is_placed(kit: Kit) -> None:
    session = kit.app_session()
    kit.lifecycle.place_hold(session.session_id, "token-hold")
    held = kit.session(session.session_id)
    # 50.00 EUR are held, four fifths of them are 40.00, at 0.45 EUR a kWh.
    assert held.outgrown_at_wh == 88_878


def test_a_start_refused_by_its_charger_needs_no_review(kit: Kit) -> None:
    session = kit.app_session()
    call = sent_call(Purpose.START, session.session_id)
    kit.charging.start_answered(call, CommandResult(verdict=Verdict.REJECTED, detail="Rejected"))
    assert not kit.session(session.session_id).needs_review


def test_how_the_time_was_spent_is_kept_with_the_session(kit: Kit) -> None:
    session = charge(kit, 1000, {10: 3000}, None, 0)
    for minutes, status in ((11, ConnectorStatus.CHARGING), (30, ConnectorStatus.SUSPENDED_BY_CAR)):
        kit.clock.now = NOW + timedelta(minutes=minutes)
        kit.router.route(CONNECTION, StatusReported(ONE, status), lambda *_: "tx-1")
    kit.clock.now = NOW + timedelta(minutes=60)
    kit.router.route(CONNECTION, ChargingStopped(ref="tx-1", at=kit.clock.now, meter_stop_wh=6000), lambda *_: "tx-1")
    kit.lifecycle.settle(session.session_id, "token-payment")
    assert kit.session(session.session_id).occupation == Occupation(1800, 1800, 0)
