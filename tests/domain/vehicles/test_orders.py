"""Orders: planned, commanded, confirmed by the car, tried again, handed to the charger, then to the driver."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.vehicles.capability import ChargingState, OwnSchedule
from chalicelib.domain.vehicles.dispatch import (
    MOST_ATTEMPTS,
    TABLE,
    Act,
    CarOrder,
    CommandAnswered,
    CommandOutcome,
    Dropped,
    Due,
    Effect,
    OrderEvent,
    Seen,
    Stage,
    step,
)
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry

AT = datetime(2026, 11, 30, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def order(act: Act = Act.START, **more: object) -> CarOrder:
    about: dict[str, object] = {
        "due_at": AT,
        "lost_at": AT + timedelta(hours=6),
        "seen_from": AT - 5 * MINUTE,
    }
    return CarOrder(act=act, **about | more)  # type: ignore[arg-type]


def says(state: ChargingState, at: datetime, percent: int = 50) -> Telemetry:
    return Telemetry(charging=Observed(state, at), percent=Observed(percent, at))


def told(
    it: CarOrder, outcome: CommandOutcome, at: datetime = AT, **more: object
) -> tuple[CarOrder, tuple[Effect, ...]]:
    return step(it, CommandAnswered(at=at, outcome=outcome, **more))  # type: ignore[arg-type]


def commanded(act: Act = Act.START, **more: object) -> CarOrder:
    found, effects = step(order(act, **more), Due(AT))
    assert effects == (Effect.SEND,)
    return found


def test_nothing_is_sent_before_its_time() -> None:
    assert step(order(), Due(AT - MINUTE)) == (order(), ())


def test_an_accepted_command_is_only_a_word_until_the_car_says_so() -> None:
    accepted, effects = told(commanded(), CommandOutcome.ACCEPTED)
    assert accepted.stage is Stage.COMMANDED
    assert effects == ()
    confirmed, _ = step(accepted, Seen(AT + MINUTE, says(ChargingState.CHARGING, AT + MINUTE)))
    assert confirmed.stage is Stage.CONFIRMED


def test_what_the_car_said_before_it_was_told_to_stop_confirms_no_stop() -> None:
    stop, _ = step(order(Act.STOP), Due(AT))
    old = says(ChargingState.STOPPED, AT - 10 * MINUTE)
    assert step(stop, Seen(AT + MINUTE, old))[0].stage is Stage.COMMANDED
    assert step(stop, Seen(AT + MINUTE, says(ChargingState.STOPPED, AT + MINUTE)))[0].stage is Stage.CONFIRMED


def test_a_car_that_begins_by_itself_is_asked_nothing() -> None:
    begun, _ = step(order(), Seen(AT - MINUTE, says(ChargingState.CHARGING, AT - MINUTE)))
    assert begun.stage is Stage.CONFIRMED
    assert step(begun, Due(AT + MINUTE)) == (begun, ())


def test_what_is_accepted_and_ignored_is_asked_again_then_handed_to_the_driver() -> None:
    it, sent = commanded(), 1
    while it.stage is Stage.COMMANDED:
        it, _ = told(it, CommandOutcome.ACCEPTED, it.again_at or AT)
        assert it.again_at is not None
        it, effects = step(it, Due(it.again_at))
        sent += Effect.SEND in effects
    assert (sent, it.stage, effects) == (MOST_ATTEMPTS, Stage.WITH_DRIVER, (Effect.TELL_DRIVER,))


def test_a_charger_that_can_do_it_has_it_before_the_driver() -> None:
    it, effects = told(commanded(has_charger=True), CommandOutcome.REFUSED)
    assert (it.stage, effects) == (Stage.WITH_CHARGER, (Effect.HAND_TO_CHARGER,))
    assert step(it, Seen(AT + MINUTE, says(ChargingState.CHARGING, AT + MINUTE)))[0].stage is Stage.CONFIRMED
    lost, effects = step(it, Due(it.lost_at))
    assert (lost.stage, effects) == (Stage.WITH_DRIVER, (Effect.TELL_DRIVER,))


def test_a_sleeping_car_is_woken_once_and_only_for_an_order_that_may() -> None:
    woken, effects = told(commanded(may_wake=True), CommandOutcome.ASLEEP)
    assert effects == (Effect.WAKE,)
    assert told(woken, CommandOutcome.ASLEEP, AT + MINUTE)[1] == ()
    assert told(commanded(), CommandOutcome.ASLEEP)[1] == (Effect.TELL_DRIVER,)
    assert told(commanded(may_wake=True), CommandOutcome.ASLEEP, may_wake=False)[1] == (Effect.TELL_DRIVER,)


def test_a_car_that_never_wakes_is_the_drivers_before_it_is_too_late() -> None:
    it, _ = told(commanded(may_wake=True, lost_at=AT + timedelta(hours=1)), CommandOutcome.ASLEEP)
    at = AT
    while it.stage is Stage.COMMANDED:
        assert it.again_at is not None
        assert it.again_at > at
        at = it.again_at
        it, _ = step(it, Due(at))
        it, _ = told(it, CommandOutcome.ASLEEP, at)
    assert it.stage is Stage.WITH_DRIVER
    assert at <= AT + timedelta(hours=1) + MINUTE


def test_a_maker_that_wants_to_be_left_alone_is() -> None:
    until = AT + timedelta(minutes=45)
    it, _ = told(commanded(), CommandOutcome.LATER, until=until)
    assert it.again_at == until


def test_a_schedule_stands_only_once_the_car_says_the_very_same() -> None:
    wanted = OwnSchedule(is_on=True, starts_at=AT.time())
    it, _ = step(order(Act.SCHEDULE, wanted_schedule=wanted), Due(AT))
    other = Telemetry(schedule=Observed(OwnSchedule(is_on=False), AT))
    assert step(it, Seen(AT, other))[0].stage is Stage.COMMANDED
    same = Telemetry(schedule=Observed(wanted, AT))
    assert step(it, Seen(AT, same))[0].stage is Stage.CONFIRMED


EVENTS = st.one_of(
    st.builds(Due, st.integers(0, 600).map(lambda it: AT + it * MINUTE), st.booleans()),
    st.builds(
        CommandAnswered,
        st.integers(0, 600).map(lambda it: AT + it * MINUTE),
        st.sampled_from(CommandOutcome),
        st.booleans(),
    ),
    st.builds(
        lambda at, state: Seen(AT + at * MINUTE, says(state, AT + at * MINUTE)),
        st.integers(0, 600),
        st.sampled_from(ChargingState),
    ),
    st.builds(Dropped, st.just(AT)),
)


@given(st.lists(EVENTS, max_size=30), st.booleans(), st.booleans())
def test_whatever_comes_an_order_is_sent_four_times_and_woken_for_once_at_most(
    events: list[OrderEvent], may_wake: bool, has_charger: bool
) -> None:
    it = order(may_wake=may_wake, has_charger=has_charger)
    effects: list[Effect] = []
    for event in events:
        it, more = step(it, event)
        effects += more
    assert effects.count(Effect.WAKE) <= 1
    assert effects.count(Effect.TELL_DRIVER) <= 1
    assert it.attempts <= MOST_ATTEMPTS


@given(st.lists(EVENTS, max_size=20))
def test_an_order_that_is_over_stays_as_it_is_whatever_comes(events: list[OrderEvent]) -> None:
    for stage in (Stage.CONFIRMED, Stage.DROPPED):
        over = replace(order(), stage=stage)
        for event in events:
            assert step(over, event) == (over, ())


@pytest.mark.parametrize(("stage", "kind"), [*product(Stage, (Due, CommandAnswered, Seen, Dropped))])
def test_each_move_is_one_line_of_the_table(stage: Stage, kind: type) -> None:
    known = (stage, kind) in TABLE
    is_over = stage in (Stage.CONFIRMED, Stage.DROPPED)
    assert not (known and is_over)
