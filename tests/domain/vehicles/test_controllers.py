"""One controller for each car, by rule: the charger or the car, never both; and none where nothing stands beneath."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.vehicles.controller import Controller, ControlRule, Means, chosen

AT = datetime(2026, 11, 30, tzinfo=UTC)
MEANS = st.builds(
    Means,
    car_switches=st.booleans(),
    car_keeps_schedule=st.booleans(),
    may_wait_unguarded=st.booleans(),
    is_charger_ours=st.booleans(),
    charger_shares_power=st.booleans(),
    is_home=st.booleans(),
)


def test_a_charger_that_shares_its_sites_power_has_it_whatever_the_car_can() -> None:
    means = Means(car_switches=True, car_keeps_schedule=True, is_charger_ours=True, charger_shares_power=True)
    assert chosen(means, AT).controller is Controller.CHARGER


def test_a_car_that_begins_by_itself_may_wait_and_another_only_by_its_drivers_word() -> None:
    assert chosen(Means(car_switches=True, car_keeps_schedule=True), AT).rule is ControlRule.OWN_SCHEDULE_BENEATH
    assert chosen(Means(car_switches=True), AT).rule is ControlRule.NOTHING_BENEATH
    assert chosen(Means(car_switches=True, may_wait_unguarded=True), AT).rule is ControlRule.DRIVER_LETS_IT_WAIT


@given(MEANS)
def test_nobody_has_it_who_cannot_carry_it_out(means: Means) -> None:
    match chosen(means, AT).controller:
        case Controller.CAR:
            assert means.car_switches
            assert not means.is_charger_ours
            assert means.is_home
            assert means.car_keeps_schedule or means.may_wait_unguarded
        case Controller.CHARGER:
            assert means.is_charger_ours
            assert means.charger_shares_power
