"""A short site, each of its chargers wired in by another phase: cars that would take turns charge together by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.chargers.charging_ability import LearntAbility
from chalicelib.domain.grid import grants, leases, obedience, one_phase, port_look, turns
from chalicelib.domain.grid.firmware import Firmware, OnePhase
from local.simulator.battery import Car
from local.simulator.charger import Charger
from local.simulator.limits import Oddities
from local.simulator.setup import Setup
from tests.scenarios.world import PASSWORD, World, eventually

_PHASES = ("L1", "L2", "L3")
_VOLTS, _ROUNDING_A = 230.0, 0.3
_SWITCHES = {"ConnectorSwitch3to1PhaseSupported": "true"}
_PROVEN = OnePhase(shown=True, kept_when_cut=True, kept_when_booted=True, drawn=True)


@pytest.fixture(autouse=True)
def nothing_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn, a wait, what settles or roams: what follows when they are over is looked at, not how long they are."""
    for module in (grants, leases):
        monkeypatch.setattr(module, "ROAMS_FOR", timedelta(0))
    for name in ("_WAITS_FOR", "_FITS_FOR"):
        monkeypatch.setattr(one_phase, name, timedelta(0))
    monkeypatch.setattr(obedience, "SETTLES_S", 0)
    monkeypatch.setattr(port_look, "ANSWERED_WITHIN", timedelta(seconds=0.5))
    monkeypatch.setattr(turns, "TURN", timedelta(seconds=2))


class ShortSite:
    """Chargers of one connector behind a connection of so many amperes; the second is wired in by L2 first."""

    def __init__(self, world: World, amperes: float, number: int = 2, oddities: Oddities | None = None) -> None:
        self.world, self.amperes = world, amperes
        self.site_id = world.new_site()
        self.path = f"/v1/operator/sites/{self.site_id}"
        self.chargers = [self._charger(it, oddities or Oddities()) for it in range(number)]
        self.worst_a = 0.0

    def _charger(self, number: int, oddities: Oddities) -> Charger:
        charger_id = f"{self.site_id}-{number}"
        plug = {"connector": "1", "kind": "type2", "max_power_w": 22_080}
        body = {"site_id": self.site_id, "connectors": ["1"], "plugs": [plug], "password": PASSWORD}
        self.world.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
        return self.world.running(
            Setup(
                charger_id=charger_id,
                password=PASSWORD,
                url=self.world.stack.socket_url,
                connectors=1,
                interval_s=0.3,
                first_wait_s=0.05,
                settings=dict(_SWITCHES),
                measures_phases=True,
                oddities=oddities,
            )
        )

    def firmware(self) -> Firmware:
        found = wiring.network().managed_sites.state(self.site_id)
        assert found is not None
        return wiring.network().firmwares.of(found.book.chargers[0].firmware.name)

    def know(self, one: OnePhase) -> None:
        """What is known of its chargers' firmware, of which all else is proven."""
        self.looked()
        before = self.firmware()
        learnt = LearntAbility(falls_back=True, keeps_when_cut=True)
        after = Firmware(name=before.name, learnt=learnt, keeps_when_booted=True, one_phase=one)
        wiring.network().firmwares.learn(before, after)
        for it in self.chargers:
            # Read again, as a charger that comes back is.
            self.world.at_chargers(it.go_offline)
            eventually(lambda it=it: not it.is_online)  # type: ignore[misc]
            self.world.at_chargers(lambda it=it: it.go_online(reboot=False))  # type: ignore[misc]
            eventually(lambda it=it: it.is_online)  # type: ignore[misc]
        # Until it has shown a default, a charger gives what it can: nothing a site may do prevents that.
        eventually(self._is_set_up)

    def _is_set_up(self) -> bool:
        self.looked()
        state = wiring.network().managed_sites.state(self.site_id)
        pages = state.book.pages if state is not None else ()
        return len(pages) == len(self.chargers) and all(it.default_ma is not None for it in pages)

    def describe(self, **more: Any) -> None:
        ports = [
            {
                "charger_id": it.setup.charger_id,
                "connector": "1",
                "node_id": "grid",
                "phases": [*_PHASES[place % 3 :], *_PHASES[: place % 3]],
            }
            for place, it in enumerate(self.chargers)
        ]
        nodes = [{"node_id": "grid", "limit_ma": [int(1000 * self.amperes)] * 3}]
        self.world.operator.call("PUT", f"{self.path}/grid", {"nodes": nodes, "ports": ports, **more})

    def looked(self) -> None:
        """Whatever was asked for is done, and a minute's look too."""
        self.world.stack.cloud.queues.deliver()
        wiring.network().balancer.look(self.site_id, is_check=True)

    def ports(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.world.operator.call("GET", f"{self.path}/power")["ports"]
        return found

    def begin(self, number: int) -> None:
        charger = self.chargers[number]
        self.world.do(charger.plug(1, Car(max_power_w=22_080)))
        assert self.world.do(charger.swipe(self.world.issue_card(), 1))

    def flowing(self) -> list[tuple[float, int]]:
        """Amperes, and by how many phases, at each."""
        return self.world.at_chargers(self._flowing)

    def _flowing(self) -> list[tuple[float, int]]:
        found = []
        for charger in self.chargers:
            at = charger.connectors[1]
            offered_w = charger.offered_w(at) if at.transaction else 0.0
            found.append((round(offered_w / (_VOLTS * at.phases), 1), at.phases) if offered_w else (0.0, 0))
        return found

    def until_flowing(self, *wanted: tuple[float, int]) -> None:
        def reached() -> bool:
            self.looked()
            return all(
                phases == its and abs(current_a - want) <= _ROUNDING_A
                for (current_a, phases), (want, its) in zip(self.flowing(), wanted, strict=True)
            )

        try:
            eventually(reached)
        except TimeoutError:
            raise AssertionError(f"{self.flowing()} is not {wanted}: {self.ports()}") from None

    def keep_worst(self) -> None:
        """The most that a conductor of the connection has carried."""
        sums = [0.0, 0.0, 0.0]
        for place, (current_a, phases) in enumerate(self._flowing()):
            for phase in range(phases):
                sums[(place + phase) % 3] += current_a
        self.worst_a = max(self.worst_a, *sums)


def test_cars_that_would_take_turns_charge_by_one_phase_each_and_the_last_by_three_again(world: World) -> None:
    site = ShortSite(world, 8)
    site.describe()
    site.know(_PROVEN)
    with world.watching(site.keep_worst):
        site.begin(0)
        site.until_flowing((8.0, 3), (0.0, 0))
        site.begin(1)
        site.until_flowing((8.0, 1), (8.0, 1))
        shown = site.ports()
        assert [(it["held_ma"], it["held_others_ma"]) for it in shown] == [(8_000, 0)] * 2
        assert all(it["switching"]["is_one"] and it["switching"]["is_shown"] for it in shown)
        assert "would wait for the least current" in shown[0]["switching"]["why"]
        world.do(site.chargers[1].unplug(1))
        site.until_flowing((8.0, 3), (0.0, 0))
        assert site.ports()[0]["switching"]["left"] == 0
    assert site.worst_a <= 8.0 + _ROUNDING_A


def test_a_site_that_forbids_it_takes_turns(world: World) -> None:
    site = ShortSite(world, 8)
    site.describe(switches_phases=False)
    site.know(_PROVEN)
    site.begin(0)
    site.until_flowing((8.0, 3), (0.0, 0))
    site.begin(1)

    def is_the_others_turn() -> bool:
        site.looked()
        current_a, phases = site.flowing()[1]
        return phases == 3 and abs(current_a - 8.0) <= _ROUNDING_A

    eventually(is_the_others_turn)
    assert all(it["switching"] is None for it in site.ports())


def test_a_firmware_is_proven_by_a_quiet_charger_and_a_cars_charge_before_anybody_is_switched(world: World) -> None:
    site = ShortSite(world, 40)
    site.describe()
    site.know(OnePhase())

    def is_kept() -> bool:
        site.looked()
        return site.firmware().one_phase.is_kept

    # Whoever plugs in at the very moment in which a charger is started anew has to begin again.
    eventually(is_kept)
    site.begin(0)

    def is_proven() -> bool:
        site.looked()
        return site.firmware().one_phase.is_proven

    eventually(is_proven)
    # Three fit: the car that it was tried with has them again, and the other its default by three.
    site.until_flowing((32.0, 3), (0.0, 0))

    def is_as_before() -> bool:
        site.looked()
        state = wiring.network().managed_sites.state(site.site_id)
        assert state is not None
        return all(it.default_ma == 6_000 and it.default_phases is None for it in state.book.pages)

    eventually(is_as_before)


def test_a_charger_that_shows_one_phase_and_charges_by_three_is_found_out_while_three_have_room(world: World) -> None:
    site = ShortSite(world, 40, oddities=Oddities(passes_over_phases=True))
    site.describe()
    site.know(OnePhase(kept_when_cut=True, kept_when_booted=True))
    with world.watching(site.keep_worst):
        site.begin(0)

        def is_found_out() -> bool:
            site.looked()
            return site.firmware().one_phase.is_disproven

        eventually(is_found_out)
        site.until_flowing((32.0, 3), (0.0, 0))
    assert site.worst_a <= 40.0 + _ROUNDING_A
    assert site.firmware().one_phase.drawn is False
