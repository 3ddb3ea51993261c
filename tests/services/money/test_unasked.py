"""What is taken while nobody is asked stays within the driver's limit, the hold and one reading, and the cap."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.bounds import reading_worth_minor
from chalicelib.domain.charging.ends import LimitsKept
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import Reason, State
from chalicelib.domain.pricing.bill import Dimension
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.tariff import PriceLimit, simple_elements
from chalicelib.records.money import Declined
from chalicelib.services.access import Refusal
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.properties import IN_A_FIXTURE
from tests.services.conftest import TARIFF, Kit
from tests.services.money.test_money import Run

_NUMBERS = count(1)


def a_run(kit: Kit, *, plug_w: int = 22_000, limits: Limits | None = None, **tariff: Any) -> Run:
    """An app's session at a plug of that power, which told a register that it could not have reached.

    A register that is wrong all the same is what a bound is for: the plug is registered as a truck's, and the session
    knows it as an ordinary one.
    """
    run = Run(kit)
    session = run.session
    kit.sessions.save(session, replace(session, plug_w=plug_w, limits=limits, tariff=replace(TARIFF, **tariff)))
    return run


def taken_minor(run: Run) -> int:
    return sum(run.money.captured.values()) + sum(run.money.charged.values())


def test_a_bill_above_the_drivers_limit_takes_the_limit_to_the_cent_and_is_paid(kit: Kit) -> None:
    run = a_run(kit, limits=Limits(amount_minor=500)).begun().ended(300_000).confirmed()
    session = run.session
    assert (taken_minor(run), session.state, session.due_minor, run.owes) == (500, State.COMPLETED, 0, False)
    assert session.bill is not None
    assert [(it.dimension, it.amount_minor) for it in session.bill.lines] == [
        (Dimension.ENERGY, 13_500),
        (Dimension.MAXIMUM, -13_000),
    ]
    assert Flag.OVER_LIMIT in session.flags
    assert sum(run.balances.values()) == 0
    assert run.owed_minor == 0


def test_a_limit_above_the_tariffs_own_maximum_leaves_that_alone(kit: Kit) -> None:
    most = PriceLimit(None, Decimal(4))
    run = a_run(kit, limits=Limits(amount_minor=500), max_price=most).begun().ended(300_000).confirmed()
    assert taken_minor(run) == 400
    assert Flag.OVER_LIMIT not in run.session.flags


def test_a_limit_told_at_the_charger_is_kept_as_well(kit: Kit) -> None:
    run = a_run(kit).begun()
    kit.changes.apply(run.session_id, LimitsKept(Limits(amount_minor=700)))
    assert taken_minor(run.ended(300_000).confirmed()) == 700


def test_no_more_is_set_aside_than_the_driver_wants_to_pay(kit: Kit) -> None:
    run = a_run(kit, limits=Limits(amount_minor=1_000)).begun()
    assert run.money.held == {f"pi_{run.session_id}": 1_000}
    run.read(20_000)
    kit.lifecycle.sweep()
    assert sum(run.money.held.values()) == 1_000


def test_what_is_beyond_the_hold_and_a_reading_waits_for_the_driver(kit: Kit) -> None:
    run = a_run(kit).begun().ended(400_000).confirmed()
    session = run.session
    assert taken_minor(run) == 5_000 + reading_worth_minor(session)
    assert (session.state, session.due_minor, run.owes) == (State.COMPLETED, 18_000 - taken_minor(run), True)
    assert Flag.AWAITS_DRIVER in session.flags
    (debt,) = kit.debts.of_driver("driver-1")
    assert (debt.amount_minor, debt.next_at, debt.needs_confirmation) == (session.due_minor, None, True)
    with pytest.raises(Refusal, match="pay it first"):
        kit.driver_sessions.begin("driver-1", Wanted("CP-1", ConnectorId(2)), None)


def test_what_waits_for_the_driver_is_never_asked_for_by_itself(kit: Kit) -> None:
    run = a_run(kit).begun().ended(400_000).confirmed()
    before = taken_minor(run)
    kit.clock.advance(days=30)
    assert kit.debts.ask_again() == 0
    assert taken_minor(run) == before


def test_a_driver_who_pays_agrees(kit: Kit) -> None:
    run = a_run(kit).begun().ended(400_000).confirmed()
    kit.debts.pay("driver-1")
    assert (taken_minor(run), run.session.due_minor, run.owes) == (18_000, 0, False)


def test_what_a_card_declined_is_asked_for_again_as_far_as_that_may_be_done_unasked(kit: Kit) -> None:
    run = a_run(kit).begun()
    charge = run.money.charge

    def decline(*_: object, **__: object) -> object:
        raise Declined("Your card was declined.")

    run.money.charge = decline  # type: ignore[assignment, method-assign]
    run.ended(400_000).confirmed()
    assert taken_minor(run) == 5_000
    run.money.charge = charge  # type: ignore[method-assign]
    kit.clock.advance(hours=2)
    kit.debts.ask_again()
    assert taken_minor(run) == 5_000 + reading_worth_minor(run.session)
    assert run.owes
    kit.clock.advance(days=30)
    kit.debts.ask_again()
    assert taken_minor(run) == 5_000 + reading_worth_minor(run.session)


def test_no_charge_takes_more_than_its_cap_unasked(kit: Kit) -> None:
    run = a_run(kit, plug_w=1_000_000, cap_minor=6_000).begun().ended(400_000).confirmed()
    assert taken_minor(run) == 6_000
    assert run.session.due_minor == 12_000


def test_a_charge_that_has_cost_its_cap_is_ended(kit: Kit) -> None:
    run = a_run(kit, plug_w=1_000_000, cap_minor=5_000).begun()
    run.read(100_000)
    assert run.session.state is State.ACTIVE
    assert run.session.funds_low_at is None
    run.read(115_000, minutes=40)
    assert (run.session.state, run.session.reason) == (State.STOPPING, Reason.FUNDS_EXHAUSTED)


def test_a_hold_grows_up_to_the_cap_and_no_further(kit: Kit) -> None:
    run = a_run(kit, cap_minor=6_000).begun()
    run.read(95_000)
    assert run.session.funds_low_at is not None
    kit.clock.advance(minutes=2)
    kit.lifecycle.sweep()
    assert run.session.held_minor == 6_000


def test_a_failed_session_takes_no_more_than_one_that_completes(kit: Kit) -> None:
    run = a_run(kit).begun()
    run.ended(400_000)
    kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    assert taken_minor(run) <= 5_000 + reading_worth_minor(run.session)


@settings(max_examples=25, suppress_health_check=IN_A_FIXTURE)
@given(
    energy_wh=some.integers(1, 500_000),
    limit=some.none() | some.integers(50, 30_000),
    cap=some.none() | some.integers(5_000, 20_000),
    plug_w=some.integers(3_000, 400_000),
    hold=some.integers(50, 5_000),
    vat=some.sampled_from([None, Decimal(19), Decimal("7.7")]),
    included=some.booleans(),
)
def test_whatever_is_billed_no_more_is_taken_than_may_be(
    kit: Kit,
    energy_wh: int,
    limit: int | None,
    cap: int | None,
    plug_w: int,
    hold: int,
    vat: Decimal | None,
    included: bool,
) -> None:
    fresh = Kit()
    run = Run.__new__(Run)
    run.kit, run.money, run.session_id = fresh, fresh.money, f"K{next(_NUMBERS):017d}"
    charger = fresh.chargers.get("CP-1")
    assert charger is not None
    connector = ConnectorId(1)
    holder = next((it.session_id for it in fresh.connectors.of_charger("CP-1") if it.connector == connector), None)
    if holder is not None:
        fresh.connectors.free("CP-1", connector, holder)
    session = fresh.app_session(run.session_id)
    elements = simple_elements(per_kwh=Decimal("0.45"), tax_percent=vat)
    tariff = replace(TARIFF, hold_minor=hold, cap_minor=cap, elements=elements, tax_included=included)
    limits = Limits(amount_minor=limit) if limit else None
    fresh.sessions.save(session, replace(session, plug_w=plug_w, limits=limits, tariff=tariff))
    fresh.lifecycle.place_hold(run.session_id, "hold")
    held = run.session.held_minor
    run.ended(energy_wh)
    bounds = [held + reading_worth_minor(run.session), cap or 20_000]
    assert taken_minor(run) <= min([*bounds, limit] if limit else bounds)
