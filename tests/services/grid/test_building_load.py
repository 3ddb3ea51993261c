"""What a building takes is told each minute or so; that it is told no more is an alarm, though nobody charges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.operators import AlarmKind
from chalicelib.services.operators.causes import Asked
from tests.services.conftest import Kit
from tests.services.grid.plant import SITE_ID, Plant
from tests.services.operators.test_alarms import Checks


@pytest.fixture
def plant(kit: Kit) -> Plant:
    vars(kit)["alarm_checks"] = Checks(kit.clock)
    made = Plant(kit)
    made.describe()
    return made


def tell(plant: Plant) -> None:
    plant.kit.site_grids.tell_load("op", SITE_ID, (3_000, 3_000, 3_000), None)


def checks(plant: Plant) -> int:
    return sum(it[1] is AlarmKind.LOAD_SILENT for it in vars(plant.kit)["alarm_checks"].waiting)


def is_silent(plant: Plant) -> bool:
    look = plant.kit.causes.look(AlarmKind.LOAD_SILENT, SITE_ID, Asked())
    assert look is not None
    assert (look.place.operator_id, look.place.group) == ("op", SITE_ID)
    return look.found.is_there


def test_a_load_that_is_told_no_more_is_an_alarm_within_a_minute_and_told_again_is_none(plant: Plant) -> None:
    for _ in range(3):
        tell(plant)
        plant.live(60)
    assert (checks(plant), is_silent(plant)) == (0, False)
    plant.live(2 * 60 + 1)
    assert (checks(plant), is_silent(plant)) == (1, True)
    # However long it lasts, it is one.
    plant.live(5 * 60)
    assert checks(plant) == 1
    tell(plant)
    plant.live(2)
    assert (checks(plant), is_silent(plant)) == (2, False)


def test_a_load_that_nobody_ever_told_is_missed_by_nobody(plant: Plant) -> None:
    plant.begin(0)
    plant.live(5 * 60)
    assert (checks(plant), is_silent(plant)) == (0, False)


def test_who_describes_another_meter_has_the_last_one_forgotten(plant: Plant) -> None:
    tell(plant)
    known = plant.kit.chargers.get("CP-11")
    assert known is not None
    plant.kit.chargers.put(replace(known, has_main_meter=True), keep_password=True)
    plant.kit.site_grids.describe("op", plant.tree, "CP-11")
    plant.live(4 * 60)
    assert (checks(plant), is_silent(plant)) == (0, False)
    assert list(plant.kit.managed_sites.busy()) == []
    assert plant.kit.causes.look(AlarmKind.LOAD_SILENT, "elsewhere", Asked()) is None
