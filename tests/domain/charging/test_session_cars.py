"""A session knows its driver's car by name, and by its own word of how full it is while that is not old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.session import State
from chalicelib.domain.charging.transitions import apply
from chalicelib.domain.charging.wishes import CarNamed, CarToldPercent, soc_percent
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.vehicles.telemetry import Observed
from tests.domain.charging.test_refunds import TARIFF, paid

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
OVER = paid(price(TARIFF, planned(AT, 2000, 3600), "UTC"))
ACTIVE = replace(OVER, state=State.ACTIVE)


def test_a_cars_own_word_stands_in_for_a_charger_that_says_nothing_until_it_is_old() -> None:
    session = apply(ACTIVE, CarToldPercent(Observed(55, AT)))
    assert soc_percent(ACTIVE, None) is None
    assert soc_percent(session, None) == 55
    assert soc_percent(session, Reading(at=AT + timedelta(minutes=15), energy_wh=1)) == 55
    assert soc_percent(session, Reading(at=AT + timedelta(minutes=16), energy_wh=1)) is None
    assert soc_percent(session, Reading(at=AT, soc_percent=57)) == 57


def test_an_older_word_changes_nothing_and_another_cars_is_none_of_this_ones() -> None:
    session = apply(apply(ACTIVE, CarNamed("Zoe")), CarToldPercent(Observed(55, AT)))
    assert apply(session, CarToldPercent(Observed(40, AT - timedelta(minutes=1)))) is session
    assert apply(session, CarNamed("Zoe")) is session
    assert soc_percent(apply(session, CarNamed("EV6")), None) is None


def test_a_charge_that_is_over_can_lose_its_car_and_learns_no_percentage() -> None:
    named = replace(OVER, car="Zoe")
    assert apply(named, CarNamed("")).car == ""
    assert apply(named, CarToldPercent(Observed(55, AT))) is named
