"""The physics of the simulated car: nothing from nothing, and never more than fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from local.simulator.battery import Car

cars = st.builds(
    lambda capacity_wh, share, power_w: Car(capacity_wh, capacity_wh * share, power_w),
    st.integers(1_000, 200_000),
    st.floats(0, 1),
    st.integers(1, 350_000),
)


@given(cars, st.integers(0, 350_000), st.lists(st.floats(0, 7200), max_size=30))
def test_energy_only_flows_in_and_stops_when_the_battery_is_full(car: Car, offered_w: int, steps: list[float]) -> None:
    for seconds in steps:
        before_wh, power_w = car.stored_wh, car.power_w(offered_w)
        flowed_wh = car.charge(offered_w, seconds)
        assert 0 <= power_w <= min(offered_w, car.max_power_w)
        assert 0 <= flowed_wh <= power_w * seconds / 3600 + 1e-6
        assert before_wh <= car.stored_wh <= car.capacity_wh + 1e-6
        assert 0 <= car.soc_percent <= 100


def test_power_tapers_from_80_percent_and_ends_at_100() -> None:
    capacity_wh = 50_000
    powers = [Car(capacity_wh, capacity_wh * soc / 100, 11_000).power_w(22_000) for soc in (10, 80, 90, 99, 100)]
    assert powers == [11_000, 11_000, 5_500, 550, 0]


def test_a_car_takes_what_it_is_given_and_no_more_than_there_is_room_for() -> None:
    car = Car(10_000, 9_900)
    assert (car.take(60), car.take(60), car.take(60)) == (60, 40, 0)
    assert car.is_full
