"""A charger that draws more than its grant is told so in other words, then nothing, then stopped; people are told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chalicelib.domain.chargers.charging_ability import firmware_key
from chalicelib.domain.grid.grants import held_ma
from chalicelib.domain.operators import AlarmKind
from chalicelib.records.grid import SiteBook, ToldDraw
from chalicelib.services.operators.causes import Asked
from tests.services.conftest import Kit
from tests.services.grid.plant import SITE_ID, Plant
from tests.services.operators.test_alarms import Checks


@pytest.fixture
def checks(kit: Kit) -> Checks:
    made = Checks(kit.clock)
    vars(kit)["alarm_checks"] = made
    return made


@pytest.fixture
def plant(kit: Kit, checks: Checks) -> Plant:
    """With a car at the first charger, told 22 A, and one that takes its turn with 14 A beside it."""
    made = Plant(kit)
    made.describe()
    for number in range(2):
        made.begin(number)
        made.live(8)
    return made


def draw(plant: Plant, *amperes: float) -> None:
    """A reading of the first port each ten seconds, long after it was told its grant, and a look."""
    plant.live(20)
    for it in amperes:
        told = ToldDraw(at=plant.kit.clock(), current_ma=(int(it * 1000),) * 3)
        plant.kit.managed_sites.drew(SITE_ID, plant.port(0), "S-0", told, None)
        plant.live(10)
    plant.looks.ask(SITE_ID)
    plant.live(5)


def book(plant: Plant) -> SiteBook:
    state = plant.kit.managed_sites.state(SITE_ID)
    assert state is not None
    return state.book


def kinds(checks: Checks) -> Sequence[AlarmKind]:
    return [it[1] for it in checks.waiting]


def test_one_that_keeps_its_limit_is_nobodys_business(plant: Plant, checks: Checks) -> None:
    draw(plant, 14.0, 14.4)
    assert kinds(checks) == []
    assert book(plant).pages[0].ignored_since is None


def test_one_that_does_not_is_booked_at_its_maximum_and_told_in_other_words(plant: Plant, checks: Checks) -> None:
    frames = plant.outlets[0].frames
    draw(plant, 32.0, 32.0)
    page = book(plant).pages[0]
    assert held_ma(page, plant.kit.clock()) == page.most_ma
    assert kinds(checks).count(AlarmKind.LIMIT_IGNORED) == 1
    assert plant.outlets[0].frames > frames
    firmware = plant.kit.firmwares.of(firmware_key("ocpp1.6", "Plant", "One", "1"))
    assert len(firmware.learnt.refused) == 1


def test_its_alarm_stands_until_it_was_seen_to_keep_a_limit(plant: Plant, checks: Checks) -> None:
    draw(plant, 32.0, 32.0)
    look = plant.kit.causes.look(AlarmKind.LIMIT_IGNORED, "CP-11", Asked())
    assert look is not None
    assert look.found.is_there
    assert "connector 1" in look.found.detail
    lease_a = plant.outlets[0].offered_a(plant.kit.clock())
    draw(plant, lease_a, lease_a)
    look = plant.kit.causes.look(AlarmKind.LIMIT_IGNORED, "CP-11", Asked())
    assert look is not None
    assert not look.found.is_there
    assert kinds(checks).count(AlarmKind.LIMIT_IGNORED) == 2


def test_a_site_that_draws_more_than_it_may_is_an_alarm_of_its_own(plant: Plant, checks: Checks) -> None:
    told = ToldDraw(at=plant.kit.clock(), current_ma=(14_000,) * 3)
    plant.kit.managed_sites.drew(SITE_ID, plant.port(1), "S-1", told, None)
    draw(plant, 32.0)
    assert AlarmKind.SITE_OVER_LIMIT in kinds(checks)
    look = plant.kit.causes.look(AlarmKind.SITE_OVER_LIMIT, SITE_ID, Asked())
    assert look is not None
    assert look.found.is_there
    assert (look.place.operator_id, look.place.group) == ("op", SITE_ID)
    draw(plant, 10.0)
    look = plant.kit.causes.look(AlarmKind.SITE_OVER_LIMIT, SITE_ID, Asked())
    assert look is not None
    assert not look.found.is_there


def test_what_never_keeps_a_limit_is_stopped_in_the_end(plant: Plant) -> None:
    for _ in range(20):
        draw(plant, 32.0, 32.0)
        if "stop" in book(plant).pages[0].measures:
            break
    assert book(plant).pages[0].measures == ("zero", "stop")
    lines, _ = plant.kit.message_log.page("CP-11", 100, None)
    assert "RemoteStopTransaction" in {it.what for it in lines}
    assert plant.kit.causes.look(AlarmKind.LIMIT_IGNORED, "unknown", Asked()) is None
