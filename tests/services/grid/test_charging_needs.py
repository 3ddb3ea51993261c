"""What a car says that it needs counts where power is shared out; what it plans beyond its grant is told no."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.charging_ability import ChargingAbility
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.domain.grid.profiles import Allowance, PortGrant
from chalicelib.domain.grid.tree import Port, PortId
from chalicelib.services.grid.charging_needs import ChargingNeeds
from tests.services.conftest import CONNECTION, NOW, Kit

PORT_ID = PortId("CP-1", ConnectorId(1))
LATER = NOW + timedelta(hours=8)
NEEDS = {
    "requestedEnergyTransfer": "AC_three_phase",
    "departureTime": LATER.isoformat(),
    "acChargingParameters": {"energyAmount": 22_000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 230},
}
BOTH = pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])


@dataclasses.dataclass
class Site:
    """What is asked of a site whose power is shared out."""

    claims: bool = True
    grant: PortGrant | None = None
    kept: list[Any] = dataclasses.field(default_factory=list)
    looks: list[str] = dataclasses.field(default_factory=list)

    def keep(self, *need: Any) -> bool:
        if self.claims:
            self.kept.append(need)
        return self.claims

    def granted(self, site_id: str, port_id: PortId) -> PortGrant | None:
        return self.grant if (site_id, port_id) == ("harbour", PORT_ID) else None


@dataclasses.dataclass
class Talk:
    """A charger of that protocol, and its site."""

    kit: Kit
    site: Site

    def says(self, action: str, payload: dict[str, Any]) -> str:
        answer = self.kit.conversation.receive("c-2", json.dumps([2, "m", action, payload]))
        assert answer is not None
        kind, _, body = json.loads(answer)
        assert kind == 3
        return str(body["status"])

    def needs(self, needs: dict[str, Any] = NEEDS, evse: int = 1) -> str:
        return self.says("NotifyEVChargingNeeds", {"evseId": evse, "chargingNeeds": needs})

    def plans(self, *periods: tuple[int, float], unit: str = "A") -> str:
        said = [{"startPeriod": start_s, "limit": limit} for start_s, limit in periods]
        schedule = {"id": 1, "chargingRateUnit": unit, "chargingSchedulePeriod": said}
        asked = {"timeBase": NOW.isoformat(), "evseId": 1, "chargingSchedule": schedule}
        return self.says("NotifyEVChargingSchedule", asked)


def talk(kit: Kit, protocol: str, *, managed: bool = True) -> Talk:
    site = Site()
    if managed:
        kit.setups.settle("CP-1", "p", MeteringCapability.FULL, ChargingAbility())
    kit.power_needs = ChargingNeeds(
        chargers=kit.chargers, keep=site.keep, granted=site.granted, look=site.looks.append, clock=kit.clock
    )
    kit.sockets.opened(dataclasses.replace(CONNECTION, connection_id="c-2", protocol=protocol), NOW)
    return Talk(kit, site)


@BOTH
def test_a_need_stands_beside_its_claim_and_the_site_is_looked_at(kit: Kit, protocol: str) -> None:
    story = talk(kit, protocol)
    assert story.needs() == "Processing"
    assert story.site.kept == [("harbour", PORT_ID, 22_000, LATER)]
    assert story.site.looks == ["harbour"]


@BOTH
def test_where_power_is_not_shared_out_or_nobody_charges_a_car_is_told_so(kit: Kit, protocol: str) -> None:
    no = "Rejected" if protocol == "ocpp2.0.1" else "NoChargingProfile"
    story = talk(kit, protocol, managed=False)
    assert (story.needs(), story.site.kept) == (no, [])
    kit.setups.settle("CP-1", "p", MeteringCapability.FULL, ChargingAbility())
    assert story.needs() == "Processing"
    story.site.claims = False
    assert (story.needs(), story.needs(evse=9), story.site.looks) == (no, no, ["harbour"])


@BOTH
def test_a_departure_that_is_over_and_no_energy_are_no_needs(kit: Kit, protocol: str) -> None:
    story = talk(kit, protocol)
    by_ac = {**NEEDS["acChargingParameters"], "energyAmount": 0}  # type: ignore[dict-item]
    story.needs({**NEEDS, "departureTime": (NOW - timedelta(minutes=1)).isoformat(), "acChargingParameters": by_ac})
    assert story.site.kept == [("harbour", PORT_ID, None, None)]


@BOTH
def test_a_plan_beyond_the_grant_is_told_no_and_one_within_it_yes(kit: Kit, protocol: str) -> None:
    story = talk(kit, protocol)
    assert story.plans((0, 32.0)) == "Accepted"
    port = Port(port_id=PORT_ID, node_id="grid")
    allowances = (Allowance(0, 10_000), Allowance(900, 6_000))
    story.site.grant = PortGrant(port=port, allowances=allowances, at=kit.clock(), car_phases=3)
    assert story.plans((0, 10.0), (900, 6.0)) == "Accepted"
    assert story.plans((0, 6_900), (900, 4_140), unit="W") == "Accepted"
    assert story.plans((600, 9.0), (900, 0.0)) == "Accepted"
    assert story.site.looks == []
    assert story.plans((0, 10.0)) == "Rejected"
    assert story.plans((0, 8.0), (1800, 12.0)) == "Rejected"
    assert story.site.looks == ["harbour", "harbour"]
