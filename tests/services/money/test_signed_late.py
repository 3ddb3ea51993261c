"""What a meter signed and its charger told too late: what is less is given back, and more is never taken for it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.chargers.events import SignedValue, StopReason
from chalicelib.domain.charging.ends import CarGone, SignedLate
from chalicelib.domain.charging.session import Hold, Session, State
from chalicelib.domain.charging.transitions import Stopped
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.transparency.meter_keys import KeySource, MeterKey
from chalicelib.records.money import Declined
from chalicelib.services.money.refunds import Refunds
from tests.services.conftest import NOW, Kit
from tests.services.money.test_money import HOUR_LATER, Run
from tests.signing import SigningMeter, reading

METER = SigningMeter()


@pytest.fixture
def paid(kit: Kit) -> Run:
    """A charge of 10 kWh by its plain registers, paid, at a charger whose meter's key is known."""
    key = MeterKey(meter="G1/M1", key=METER.public_key, source=KeySource.OPERATOR, since=NOW)
    assert kit.meter_keys.replace("CP-1", (), (key,))
    return Run(kit).begun().ended().confirmed()


def _told_late(run: Run, *energies_kwh: float) -> Session:
    """Its charger tells of records by which that was charged; then the sweep comes by."""
    for energy_kwh in energies_kwh:
        record = METER.record(reading(500.0, "B"), reading(500.0 + energy_kwh, "E"))
        value = SignedValue(HOUR_LATER, "Transaction.End", json.dumps({"value": record}))
        run.kit.signed_values.keep("CP-1", "tx-1", [value])
        run.kit.metering.compare(run.session)
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    return run.session


def test_what_was_signed_to_be_less_is_given_back_once(paid: Run) -> None:
    cost_minor = paid.session.payment.amount_minor  # type: ignore[union-attr]
    session = _told_late(paid, 9.0)
    assert session.refunded_minor == cost_minor // 10
    assert session.flags == {Flag.SIGNED_DIFFERS}
    assert session.late_end is not None
    assert (session.late_end.signed_wh, session.late_end.is_settled) == (9000, True)
    # The bill, and what was logged of it, stay what they were.
    assert (session.energy_wh, session.state) == (10_000, State.COMPLETED)
    paid.kit.metering.compare(session)
    paid.kit.lifecycle.sweep()
    assert paid.session.refunded_minor == cost_minor // 10


@pytest.mark.parametrize("energy_kwh", [10.5, 10.0, 9.995])
def test_for_more_or_as_good_as_the_same_no_money_moves(paid: Run, energy_kwh: float) -> None:
    session = _told_late(paid, energy_kwh)
    assert (session.refunded_minor, session.late_end) == (0, None)
    assert session.flags == ({Flag.SIGNED_DIFFERS} if energy_kwh > 10 else set())


def test_what_its_key_did_not_sign_gives_nothing_back(paid: Run) -> None:
    keys = paid.kit.meter_keys.of("CP-1")
    assert paid.kit.meter_keys.replace("CP-1", keys, (replace(keys[0], key=SigningMeter().public_key),))
    session = _told_late(paid, 9.0)
    assert session.refunded_minor == 0
    assert session.flags == {Flag.SIGNATURE_INVALID}


def test_records_that_contradict_each_other_give_nothing_back(paid: Run) -> None:
    run = _told_late(paid, 9.0, 8.0)
    assert run.refunded_minor == 0


@pytest.fixture
def owing(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A charge of 200 kWh, 90 euros; the hold pays 50 of them, and for the rest the card is no good."""
    key = MeterKey(meter="G1/M1", key=METER.public_key, source=KeySource.OPERATOR, since=NOW)
    assert kit.meter_keys.replace("CP-1", (), (key,))
    run = Run(kit).begun()

    def declined(*_: object, **__: object) -> Hold:
        raise Declined("Your card was declined.")

    monkeypatch.setattr(run.money, "charge", declined)
    run.ended(200_000).confirmed()
    assert (run.session.due_minor, run.owes) == (4000, True)
    return run


@pytest.mark.parametrize(("signed_kwh", "waived_minor", "back_minor"), [(120.0, 3600, 0), (100.0, 4000, 500)])
def test_what_is_still_owed_falls_first_and_then_what_was_paid_goes_back(
    owing: Run, signed_kwh: float, waived_minor: int, back_minor: int
) -> None:
    session = _told_late(owing, signed_kwh)
    assert (session.waived_minor, session.refunded_minor) == (waived_minor, back_minor)
    assert session.late_end is not None
    assert session.late_end.is_settled
    assert owing.owes is (waived_minor < 4000)
    assert owing.owed_minor == session.due_minor
    owing.kit.lifecycle.sweep()
    assert owing.session == session


def test_of_what_could_not_be_taken_at_all_only_what_was_signed_is_asked_for(kit: Kit) -> None:
    key = MeterKey(meter="G1/M1", key=METER.public_key, source=KeySource.OPERATOR, since=NOW)
    assert kit.meter_keys.replace("CP-1", (), (key,))
    run = Run(kit).begun()
    run.money.declines = True
    run.ended()
    assert (run.session.payment, run.session.due_minor, run.owes) == (None, 450, True)
    session = _told_late(run, 9.0)
    assert (session.due_minor, session.waived_minor, session.refunded_minor) == (405, 45, 0)
    assert (run.owes, run.owed_minor) == (True, 405)


def _ended_after_all(run: Run, *ends: Stopped) -> Session:
    for end in ends:
        run.kit.changes.apply(run.session_id, end)
        run.kit.clock.advance(minutes=2)
        run.kit.lifecycle.sweep()
    return run.session


def test_each_word_for_an_end_that_comes_after_the_bill_is_settled_for_itself(kit: Kit) -> None:
    run = Run(kit).begun()
    run.read(10_000)
    kit.changes.apply(run.session_id, CarGone(HOUR_LATER))
    kit.lifecycle.settle(run.session_id, "payment")
    run.confirmed()
    assert run.session.payment is not None
    cost_minor = run.session.payment.amount_minor
    end = Stopped(ref="tx-1", at=NOW + timedelta(minutes=29), meter_stop_wh=9_000, reason=StopReason.LOCAL)
    session = _ended_after_all(run, replace(end, is_inferred=True), replace(end, meter_stop_wh=5_000))
    assert session.late_end is not None
    assert (session.late_end.meter_stop_wh, session.late_end.is_settled) == (5_000, True)
    assert session.refunded_minor == cost_minor // 2


def test_a_word_that_comes_while_another_is_settled_is_settled_too(paid: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    refund, kit = paid.kit.refunds.refund, paid.kit

    def meanwhile(*args: object, **more: object) -> Session:
        monkeypatch.undo()
        kit.changes.apply(paid.session_id, SignedLate(8_000))
        return refund(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Refunds, "refund", lambda _, *args, **more: meanwhile(*args, **more))
    session = _told_late(paid, 9.0)
    assert session.late_end is not None
    assert (session.late_end.signed_wh, session.late_end.is_settled) == (8_000, False)
    kit.clock.advance(minutes=2)
    kit.lifecycle.sweep()
    assert paid.session.late_end is not None
    assert paid.session.late_end.is_settled
