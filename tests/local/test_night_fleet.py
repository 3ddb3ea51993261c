"""A small fleet's week with everything going wrong: ready in time, told otherwise, woken for plans alone, in budget."""

from __future__ import annotations

from local.night_fleet import fleet
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


def test_where_nothing_goes_wrong_all_are_ready_and_it_costs_less_than_charging_at_once() -> None:
    found = total(10, 6, NO_FAULTS)
    assert found.ready == found.could_be
    assert found.cost < found.cost_at_once
    assert found.carbon_kg < found.carbon_kg_at_once
