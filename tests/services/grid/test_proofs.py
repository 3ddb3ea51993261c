"""A charger is cut off and started anew to prove its firmware where nobody is about to use it, and only if allowed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.chargers.charging_ability import LearntAbility, firmware_key
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.grid.firmware import Firmware
from chalicelib.domain.grid.tree import SiteTree
from chalicelib.records.chargers import ConnectorState
from tests.services.conftest import Kit
from tests.services.grid.plant import SITE_ID, Plant

_ONE = ConnectorId(1)


class NewPlant(Plant):
    """Of its chargers' firmware all is proven, but what it keeps when it is started anew."""

    proves_firmware = True

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        known = kit.firmwares.of(firmware_key("ocpp1.6", "Plant", "One", "1"))
        learnt = LearntAbility(falls_back=True, keeps_when_cut=True)
        kit.firmwares.learn(known, Firmware(name=known.name, learnt=learnt))

    @property
    def tree(self) -> SiteTree:
        return replace(super().tree, proves_firmware=self.proves_firmware)

    def states(self, status: ConnectorStatus) -> None:
        """All of its chargers say that."""
        for it in self.outlets:
            told = ConnectorState(connector=_ONE, status=status, status_at=self.kit.clock())
            self.kit.connectors.set_status(it.charger_id, told)

    def resets(self) -> list[str]:
        """The chargers that were told to start anew, in that order."""
        found = []
        for it in self.outlets:
            lines, _ = self.kit.message_log.page(it.charger_id, 100, None)
            found += [(line.at, it.charger_id) for line in lines if line.what == "Reset"]
        return [charger_id for _, charger_id in sorted(found)]

    def looked_at(self, minutes: int) -> None:
        """As a site is at which there is something to do."""
        for _ in range(minutes):
            self.kit.balancer.look(SITE_ID, is_check=True)
            self.live(60)


@pytest.mark.parametrize("status", [ConnectorStatus.PREPARING, ConnectorStatus.OCCUPIED, ConnectorStatus.FINISHING])
def test_a_charger_with_a_car_plugged_in_is_not_started_anew(kit: Kit, status: ConnectorStatus) -> None:
    plant = NewPlant(kit)
    plant.states(status)
    plant.describe()
    plant.looked_at(20)
    assert plant.resets() == []
    plant.states(ConnectorStatus.AVAILABLE)
    plant.looked_at(10)
    assert plant.resets()


def test_a_charger_that_is_reserved_or_has_a_session_is_not_started_anew_but_another_is(kit: Kit) -> None:
    plant = NewPlant(kit)
    plant.states(ConnectorStatus.AVAILABLE)
    until = kit.clock() + timedelta(hours=2)
    reserved, begun, *free = [it.charger_id for it in plant.outlets]
    assert kit.connectors.keep(reserved, _ONE, "R-1", until, kit.clock())
    assert kit.connectors.claim(begun, _ONE, "S-1")
    plant.describe()
    plant.looked_at(20)
    assert plant.resets()[0] in free
    assert not {reserved, begun} & set(plant.resets())


def test_a_site_that_does_not_want_it_has_no_charger_started_anew(kit: Kit) -> None:
    plant = NewPlant(kit)
    plant.proves_firmware = False
    plant.states(ConnectorStatus.AVAILABLE)
    plant.describe()
    plant.looked_at(20)
    assert plant.resets() == []
