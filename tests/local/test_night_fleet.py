"""A small fleet's week with everything going wrong: ready in time, told otherwise, woken for plans alone, in budget."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.vehicles.budget import CallKind
from chalicelib.domain.vehicles.controller import ControlRule
from chalicelib.records.vehicles import PositionSharing
from local.night_fleet import CarMonth, fleet
from local.night_makers import NO_FAULTS, Faults
from local.night_tally import Tally


def total(cars: int, nights: int, faults: Faults) -> Tally:
    found = Tally()
    for it in fleet(cars, nights, faults, 200).values():
        found.add(it)
    return found


def test_with_everything_going_wrong_who_is_not_ready_was_told() -> None:
    found = total(20, 8, Faults())
    assert found.could_be > 100
    assert found.ready >= 0.99 * found.could_be
    assert (found.missed_untold, found.wakes_outside, found.low_days) == (0, 0, 0)
    assert found.most_wakes <= 3
    assert found.dearest_car_micro_usd <= 300_000


def test_a_car_that_fell_asleep_below_before_anybody_looked_is_told_of() -> None:
    # It was full up to its own limit, which is below what is wanted, an hour before the first look.
    found = CarMonth(330, Faults(), "tesla").run(1)
    assert (found.missed, found.missed_untold) == (1, 0)


def test_the_table_of_five_cars_shows_how_full_each_was_when_it_was_to_be_ready() -> None:
    # The third evening this one is driven and not plugged in: that is no part of the night that is shown.
    month = CarMonth(7, replace(NO_FAULTS, breaks_off=1.0), "smartcar")
    found = month.run(3)
    assert found.ready == found.nights == 2
    assert month.percent_when_wanted >= month.target - 2 > month.car.percent


def test_where_nothing_goes_wrong_all_are_ready_and_it_costs_less_than_charging_at_once() -> None:
    found = total(10, 6, NO_FAULTS)
    assert found.ready == found.could_be
    assert found.cost < found.cost_at_once
    assert found.carbon_kg < found.carbon_kg_at_once


def test_a_car_that_shares_no_place_keeps_no_schedule_there_and_charges_at_once() -> None:
    at_home, nowhere = CarMonth(30, NO_FAULTS, "tesla"), CarMonth(30, NO_FAULTS, "tesla", sharing=PositionSharing.NONE)
    for month in (at_home, nowhere):
        month.run(2)
    assert at_home.car.schedule.is_on
    assert not nowhere.car.schedule.is_on
    control = nowhere.nights.known[nowhere.vehicle_id].control
    assert control is not None
    assert control.rule is ControlRule.NOTHING_BENEATH


def test_a_tesla_that_streams_is_looked_at_less_and_costs_less_at_its_maker() -> None:
    polled, streams = CarMonth(30, NO_FAULTS, "tesla"), CarMonth(30, NO_FAULTS, "tesla", streams=True)
    looked, told = (month.run(4) for month in (polled, streams))
    assert told.calls[CallKind.DATA] < looked.calls[CallKind.DATA]
    assert told.micro_usd < looked.micro_usd
    # What it tells is billed too.
    calls = sum(number * streams.kind.prices.of(call) for call, number in told.calls.items())
    assert told.micro_usd > calls
