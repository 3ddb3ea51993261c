"""A car's night, by its services: planned as it is plugged in, carried out by one, seen through, and told in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from chalicelib.domain.vehicles.capability import (
    Capability,
    ChargingState,
    OwnSchedule,
    SetOwnSchedule,
    StartCarCharge,
    StopCarCharge,
    WakeCar,
)
from chalicelib.domain.vehicles.controller import Controller, ControlRule
from chalicelib.domain.vehicles.dispatch import Act, Stage
from chalicelib.domain.vehicles.events import EventOutcome
from chalicelib.domain.vehicles.night import NightNews
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry
from chalicelib.domain.vehicles.wish import ReadyBy
from chalicelib.records.vehicles import AnswerKind, CarUnreachable, MakerUnavailable
from chalicelib.services.access import NotFound, Refusal
from tests.services.vehicles.house import ALL, CHEAP_FROM, EVENING, HOUR, MINUTE, WISH, House

AT_ONE = OwnSchedule(is_on=True, starts_at=time(1))
SEVEN = datetime(2026, 12, 1, 7, tzinfo=UTC)


def test_a_car_is_planned_as_it_is_plugged_in_and_stops_once_its_own_schedule_stands_beneath() -> None:
    house = House()
    assert house.plug_in() is EventOutcome.BEGUN
    assert house.told() == [NightNews.PLANNED]
    assert house.remote.sent == [SetOwnSchedule(AT_ONE)]
    house.pass_until(EVENING + 3 * MINUTE)
    assert StopCarCharge() not in house.remote.sent
    house.says(schedule=AT_ONE)
    house.pass_until(EVENING + 5 * MINUTE)
    house.says(charging=ChargingState.STOPPED)
    house.pass_until(CHEAP_FROM)
    house.says(charging=ChargingState.CHARGING)
    house.pass_until(CHEAP_FROM + HOUR)
    house.says(charging=ChargingState.FULL, percent=80)
    assert set(house.stages().values()) == {Stage.CONFIRMED}
    house.pass_until(EVENING + 10 * HOUR)
    # It was never woken, and nobody asked for what it did by itself.
    assert house.remote.sent == [SetOwnSchedule(AT_ONE), StopCarCharge()]


def test_a_car_whose_schedule_never_stands_charges_on() -> None:
    house = House()
    house.plug_in()
    house.pass_until(EVENING + 3 * HOUR)
    assert StopCarCharge() not in house.remote.sent
    assert house.told() == [NightNews.PLANNED, NightNews.CHANGED]
    assert house.stages()[Act.SCHEDULE] is Stage.WITH_DRIVER


def test_a_car_that_does_not_begin_by_itself_is_woken_for_it_and_its_driver_told_where_that_fails() -> None:
    house = House()
    house.plug_in()
    house.says(schedule=AT_ONE)
    house.pass_until(EVENING + 2 * MINUTE)
    house.says(charging=ChargingState.STOPPED)
    house.remote.answers = [AnswerKind.ASLEEP, AnswerKind.ACCEPTED, *[AnswerKind.ASLEEP] * 200]
    house.pass_until(CHEAP_FROM + 20 * MINUTE)
    assert house.remote.sent.count(WakeCar()) == 1
    house.pass_until(SEVEN)
    assert house.remote.sent.count(WakeCar()) <= 2
    assert min(at for (_, _, news), at in house.teller.told.items() if news is NightNews.AT_RISK) < SEVEN


def test_a_car_that_keeps_no_schedule_charges_at_once_unless_its_driver_lets_it_wait() -> None:
    house = House(ALL - {Capability.SCHEDULE})
    house.plug_in()
    house.pass_until(EVENING + HOUR)
    control = house.nights.known["car"].control
    assert control is not None
    assert control.rule is ControlRule.NOTHING_BENEATH
    assert house.remote.sent == []
    willing = House(ALL - {Capability.SCHEDULE}, replace(WISH, waits_unguarded=True))
    willing.plug_in()
    assert willing.remote.sent == [StopCarCharge()]


@pytest.mark.parametrize("can", [ALL, ALL - {Capability.SCHEDULE}])
def test_a_night_planned_again_is_told_again_only_where_something_is_different(can: frozenset[Capability]) -> None:
    house = House(can)
    house.plug_in()
    house.at += MINUTE
    house.services.plan("car")
    assert house.told() == [NightNews.PLANNED]
    house.nights.keep_wish("car", replace(WISH, ready_by=(ReadyBy(time(6), 80),) * 7))
    house.services.plan("car")
    assert house.told() == [NightNews.PLANNED, NightNews.CHANGED]


def test_charge_now_beats_every_plan_at_once_and_holds_until_it_is_unplugged() -> None:
    house = House()
    house.plug_in()
    house.says(schedule=AT_ONE, charging=ChargingState.STOPPED)
    house.at += 30 * MINUTE
    night = house.services.charge_now("driver", "car")
    assert house.remote.sent[-1] == StartCarCharge()
    assert night.is_boosted
    assert house.services.plan("car") is None
    sent = len(house.remote.sent)
    house.says(charging=ChargingState.CHARGING)
    house.services.charge_now("driver", "car")
    house.pass_until(EVENING + 3 * HOUR)
    assert len(house.remote.sent) == sent
    with pytest.raises(NotFound):
        house.services.charge_now("another", "car")


def test_a_car_that_is_not_plugged_in_is_refused_to_charge_now() -> None:
    with pytest.raises(Refusal) as refused:
        House().services.charge_now("driver", "car")
    assert refused.value.code == "car_not_plugged_in"


def test_what_it_needs_at_once_is_charged_before_it_waits() -> None:
    house = House(percent=10)
    house.plug_in()
    house.says(schedule=house.remote.sent[0].schedule)  # type: ignore[union-attr]
    house.pass_until(EVENING + 20 * MINUTE)
    assert StopCarCharge() not in house.remote.sent
    house.says(percent=20)
    house.pass_until(house.at + 2 * MINUTE)
    assert house.remote.sent[-1] == StopCarCharge()


def test_at_a_charger_that_shares_power_the_charger_has_it_and_the_car_is_told_nothing() -> None:
    house = House()
    house.plug_in()
    house.services.matched("car", "s")
    sent = list(house.remote.sent)
    control = house.nights.known["car"].control
    assert control is not None
    assert control.controller is Controller.CHARGER
    assert [it.percent for it in house.sessions.wishes if it is not None] == [80]
    house.says(percent=55)
    house.pass_until(EVENING + 12 * HOUR)
    assert house.remote.sent == sent
    assert house.sessions.percents[-1] == 55


def test_charge_now_at_a_charger_is_the_chargers_alone() -> None:
    house = House()
    house.plug_in()
    house.services.matched("car", "s")
    sent = list(house.remote.sent)
    house.services.charge_now("driver", "car")
    assert house.sessions.wishes[-1] is None
    assert house.remote.sent == sent


def test_whatever_is_told_twice_is_done_once() -> None:
    house = House()
    house.plug_in()
    writes, sent = house.nights.writes, list(house.remote.sent)
    assert house.services.heard(house.vehicles.known["car"]) is EventOutcome.FOLLOWED
    assert (house.nights.writes, house.remote.sent) == (writes, sent)


@pytest.mark.parametrize("broken", [CarUnreachable(), MakerUnavailable("503")])
def test_while_a_car_or_its_maker_is_out_of_reach_nothing_is_lost(broken: Exception) -> None:
    house = House()
    house.remote.broken = broken
    house.plug_in()
    house.pass_until(EVENING + 5 * MINUTE)
    house.remote.broken = None
    house.pass_until(EVENING + 30 * MINUTE)
    assert SetOwnSchedule(AT_ONE) in house.remote.sent


def test_unplugged_before_it_is_ready_its_driver_is_told_and_the_night_is_over() -> None:
    house = House()
    house.plug_in()
    house.at += HOUR
    assert house.says(is_plugged=False, charging=ChargingState.UNPLUGGED) is EventOutcome.ENDED
    assert NightNews.UNPLUGGED_EARLY in house.told()
    house.at += MINUTE
    assert house.says(percent=41) is EventOutcome.IGNORED


def test_a_car_that_tells_nothing_is_looked_at_in_the_evening_a_few_times() -> None:
    house = House(ALL - {Capability.PUSH})
    house.services.wish("driver", "car", WISH)
    house.pass_until(EVENING + 8 * HOUR)
    assert 2 <= house.remote.looks <= 6
    seen = Telemetry(is_plugged=Observed(True, EVENING + 9 * HOUR))
    house.vehicles.change("car", lambda it: replace(it, telemetry=seen))
    house.pass_until(EVENING + 11 * HOUR)
    assert house.nights.known["car"].ended_at is None


def test_a_driver_whose_car_no_look_saw_at_a_plug_is_told_before_it_is_to_be_ready_once() -> None:
    house = House(ALL - {Capability.PUSH})
    house.services.wish("driver", "car", WISH)
    house.pass_until(SEVEN - 3 * HOUR)
    assert house.told() == []
    looks = house.remote.looks
    house.pass_until(SEVEN)
    assert house.told() == [NightNews.NOT_SEEN]
    assert house.nights.known["car"].departure == WISH.departure(SEVEN - HOUR)
    # To tell it asks nobody anything.
    assert house.remote.looks <= looks + 1
    house.pass_until(SEVEN + 24 * HOUR)
    assert house.told() == [NightNews.NOT_SEEN] * 2


@pytest.mark.parametrize(
    ("is_on", "limit_percent", "is_unsure", "news"),
    [
        (False, 80, False, []),
        (True, 80, False, [NightNews.NOT_SEEN]),
        (False, 60, False, [NightNews.NOT_SEEN]),
        (False, 80, True, [NightNews.NOT_SEEN]),
    ],
)
def test_a_car_that_nobody_saw_is_told_of_only_where_it_may_wait_or_end_too_early(
    is_on: bool, limit_percent: int, is_unsure: bool, news: list[NightNews]
) -> None:
    house = House(ALL - {Capability.PUSH})
    schedule = OwnSchedule(is_on=is_on, starts_at=time(1) if is_on else None)
    told = Telemetry(schedule=Observed(schedule, EVENING), limit_percent=Observed(limit_percent, EVENING))
    house.vehicles.change("car", lambda it: replace(it, telemetry=told))
    house.services.wish("driver", "car", WISH)
    house.nights.change("car", lambda it: replace(it, is_schedule_unsure=is_unsure) if it is not None else None)
    house.services.wish("driver", "car", WISH)
    house.pass_until(SEVEN)
    assert house.told() == news


def test_a_car_that_begins_late_by_itself_is_looked_at_before_its_driver_is_told_that_nobody_saw_it() -> None:
    house = House(ALL - {Capability.PUSH})
    late = OwnSchedule(is_on=True, starts_at=time(5))
    house.vehicles.change("car", lambda it: replace(it, telemetry=Telemetry(schedule=Observed(late, EVENING))))
    house.services.wish("driver", "car", WISH)
    house.pass_until(SEVEN - 2 * HOUR)
    seen = Telemetry(is_plugged=Observed(True, EVENING + HOUR), charging=Observed(ChargingState.CHARGING, house.at))
    house.vehicles.change("car", lambda it: replace(it, telemetry=it.telemetry.merged(seen)))
    house.pass_until(SEVEN - HOUR)
    assert NightNews.NOT_SEEN not in house.told()
    assert house.nights.known["car"].ended_at is None


def test_a_car_that_was_found_late_in_the_evening_is_looked_for_no_later_on_the_next() -> None:
    house = House(ALL - {Capability.PUSH}, replace(WISH, price_site=""))
    house.services.wish("driver", "car", WISH)
    at_ten = EVENING + 4 * HOUR
    house.at = at_ten
    house.says(is_plugged=True, charging=ChargingState.CHARGING, percent=70)
    house.at = SEVEN + 10 * MINUTE
    house.says(is_plugged=False, charging=ChargingState.UNPLUGGED, percent=80)
    assert house.nights.known["car"].watch_at == EVENING + timedelta(days=1, minutes=40)


def test_a_driver_whose_car_cannot_be_ready_any_more_is_told_as_it_is_plugged_in() -> None:
    house = House(percent=30)
    house.at = SEVEN - timedelta(hours=2)
    house.plug_in()
    assert house.told() == [NightNews.PLANNED, NightNews.AT_RISK]
