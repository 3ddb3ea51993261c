"""A connection of 8 A whose cars take turns by three phases, and charge together by one, each by its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chalicelib.domain.chargers.charging_ability import ChargingAbility, firmware_key
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.domain.grid.firmware import OnePhase
from chalicelib.domain.grid.tree import Node, Phase, Port, SiteTree
from chalicelib.records.grid import ToldDraw
from tests.properties import few
from tests.services.conftest import Kit
from tests.services.grid.plant import SITE_ID, Outlet, Plant
from tests.services.grid.test_crashes import Deaths, Dying

_SHORT_A, _ROUNDING_A = 8.0, 0.1
_PHASES = tuple(Phase)
_PROVEN = OnePhase(shown=True, kept_when_cut=True, kept_when_booted=True, drawn=True)
_READING = timedelta(seconds=45)
_WRITES = {
    "managed_sites": ("keep", "folded", "heard", "begin", "end", "drew"),
    "calls": ("add", "take_line", "wait", "free_line", "answer"),
    "link": ("send",),
    "looks": ("ask", "ask_later"),
}


@dataclass
class PhaseOutlet(Outlet):
    """A charger that charges by as many phases as it is told, and shows so."""

    lease_phases: int = 3
    default_phases: int = 3

    def phases(self, at: datetime) -> int:
        is_leased = self.lease and self.lease_ends_at is not None and at < self.lease_ends_at
        return self.lease_phases if is_leased else self.default_phases

    def told(self, action: str, payload: Any, at: datetime) -> dict[str, Any]:
        if action == "SetChargingProfile":
            profile = payload["csChargingProfiles"]
            phases = profile["chargingSchedule"]["chargingSchedulePeriod"][0].get("numberPhases", 3)
            if profile["chargingProfilePurpose"] == "TxDefaultProfile":
                self.default_phases = phases
            elif self.is_charging:
                self.lease_phases = phases
        return super().told(action, payload, at)


class ShortPlant(Plant):
    """Its ports are wired in by L1, L2, L3 and L1 first; each car's meter is read now and then."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self.outlets: list[Outlet] = [PhaseOutlet(it.charger_id, it.connection_id) for it in self.outlets]
        self.read_at = kit.clock()
        self.worst_conductor_a = 0.0
        self.energy_wh = [0] * len(self.outlets)
        for it in self.outlets:
            kit.setups.settle(it.charger_id, "", MeteringCapability.UNKNOWN, ChargingAbility(switches_phases=True))
        known = kit.firmwares.of(firmware_key("ocpp1.6", "Plant", "One", "1"))
        kit.firmwares.learn(known, replace(known, one_phase=_PROVEN))

    @property
    def tree(self) -> SiteTree:
        ports = tuple(
            Port(port_id=it.port_id, node_id="grid", phases=_PHASES[place % 3 :] + _PHASES[: place % 3])
            for place, it in enumerate(super().tree.ports)
        )
        grid = Node(node_id="grid", limit_ma=(int(_SHORT_A * 1000),) * 3)
        return SiteTree(site_id=SITE_ID, nodes=(grid,), ports=ports)

    def flowing(self) -> list[tuple[float, int]]:
        """Amperes, and by how many phases, at each."""
        now = self.kit.clock()
        flowing = [(it.offered_a(now), it.phases(now)) for it in self.outlets if isinstance(it, PhaseOutlet)]
        return [(amperes, phases if amperes else 0) for amperes, phases in flowing]

    def _step(self) -> None:
        now = self.kit.clock()
        if now - self.read_at >= _READING:
            self.read_at = now
            self._read(now)
        super()._step()
        self.worst_conductor_a = max(self.worst_conductor_a, *self._sums())

    def _obey(self, outlet: Outlet, frame: str) -> None:
        super()._obey(outlet, frame)
        self.worst_conductor_a = max(self.worst_conductor_a, *self._sums())

    def _read(self, now: datetime) -> None:
        for number, (amperes, phases) in enumerate(self.flowing()):
            if not self.outlets[number].is_charging:
                continue
            first, second, third = (round(amperes * 1000) if it < phases else 0 for it in range(3))
            draw = ToldDraw(at=now, current_ma=(first, second, third))
            self.energy_wh[number] += round(amperes * phases * 230 * (_READING / timedelta(hours=1)))
            self.survive(
                partial(
                    self.kit.managed_sites.drew, SITE_ID, self.port(number), f"S-{number}", draw, self.energy_wh[number]
                )
            )

    def _sums(self) -> list[float]:
        sums = [0.0, 0.0, 0.0]
        for place, (amperes, phases) in enumerate(self.flowing()):
            for phase in range(phases):
                sums[(place + phase) % 3] += amperes
        return sums


def together(plant: ShortPlant) -> bool:
    """Both that charge do, each by its own phase."""
    flowing = plant.flowing()
    return all(phases == 1 and amperes >= 6.0 for amperes, phases in flowing[:2])


def test_who_would_take_turns_is_switched_after_five_minutes_and_the_last_is_switched_back(kit: Kit) -> None:
    plant = ShortPlant(kit)
    plant.describe()
    for number in range(2):
        plant.begin(number)
        plant.live(6)
    plant.live(240)
    assert sorted(phases for _, phases in plant.flowing()) == [0, 0, 0, 3]
    # One is switched where it charges; the other while that pauses for it.
    plant.live(500)
    assert together(plant)
    state = kit.managed_sites.state(SITE_ID)
    assert state is not None
    assert [it.shown_one for it in state.book.pages[:2]] == ["S-0", "S-1"]
    assert [it.switching and it.switching.left for it in state.book.notes] == [1, 1]
    plant.end(1)
    plant.live(800)
    assert plant.flowing()[0][1] == 1
    plant.live(400)
    assert plant.flowing()[0] == (8.0, 3)
    assert plant.worst_conductor_a <= _SHORT_A + _ROUNDING_A


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("first", few(range(1, 6)))
def test_whoever_dies_at_whatever_write_of_a_switch_no_conductor_carries_too_much(
    kit: Kit, first: int, after: bool
) -> None:
    plant = ShortPlant(kit)
    plant.describe()
    deaths = Deaths(set(range(first, 250, 5)), after=after)
    for name, writes in _WRITES.items():
        vars(kit)[name] = Dying(getattr(kit, name), writes, deaths)
    plant.looks = kit.looks  # type: ignore[assignment]
    for built in ("balancer", "dispatch", "commands", "conversation", "router"):
        vars(kit).pop(built, None)
    for number in range(2):
        plant.begin(number)
        plant.live(6)
    for _ in range(40):
        if together(plant):
            break
        plant.live(300)
    assert plant.deaths
    assert plant.worst_conductor_a <= _SHORT_A + _ROUNDING_A
    assert together(plant)
