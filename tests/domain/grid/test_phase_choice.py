"""A charger that can charges by one phase what three would get too little of; twice a session, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.chargers.charging_ability import ChargingAbility
from chalicelib.domain.grid.phase_choice import PhaseUse, phases_to_use, roomiest
from chalicelib.domain.grid.tree import Port
from tests.domain.grid.test_profiles import BETWEEN_TWO, ONE_PHASE, PORT

SWITCHES = ChargingAbility(switches_phases=True)


@pytest.mark.parametrize(
    ("before", "three_ma", "one_ma", "after"),
    [
        (PhaseUse(), 5_900, 6_000, PhaseUse(1, 1)),
        (PhaseUse(), 6_000, 18_000, PhaseUse()),
        (PhaseUse(), 3_000, 5_900, PhaseUse()),
        (PhaseUse(1, 1), 5_900, 16_000, PhaseUse(1, 1)),
        (PhaseUse(1, 1), 6_000, 16_000, PhaseUse(3, 2)),
        (PhaseUse(3, 2), 2_000, 16_000, PhaseUse(3, 2)),
    ],
)
def test_one_phase_where_three_are_too_little_and_three_again_once_they_fit(
    before: PhaseUse, three_ma: int, one_ma: int, after: PhaseUse
) -> None:
    assert phases_to_use(PORT, SWITCHES, before, three_ma, one_ma) == after


@pytest.mark.parametrize("port", [ONE_PHASE, BETWEEN_TWO])
def test_where_there_are_no_three_phases_nothing_is_switched(port: Port) -> None:
    assert phases_to_use(port, SWITCHES, PhaseUse(1), 2_000, 16_000) == PhaseUse(1)


def test_a_charger_that_does_not_offer_it_is_not_asked_to() -> None:
    ability = replace(SWITCHES, switches_phases=False)
    assert phases_to_use(PORT, ability, PhaseUse(), 2_000, 16_000) == PhaseUse()


def test_the_phase_with_most_room_is_taken() -> None:
    assert (roomiest((6_000, 9_000, 7_000)), roomiest((8_000, 8_000, 8_000))) == (2, 1)
