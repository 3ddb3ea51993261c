"""A site of four chargers on one connection of 40 A: cars come and go, and what may be drawn there never exceeds it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.chargers.charging_ability import LearntAbility, firmware_key
from chalicelib.domain.grid import grants, leases
from chalicelib.domain.grid.firmware import Firmware
from local.simulator.battery import Car
from local.simulator.charger import Charger
from local.simulator.limits import Oddities
from local.simulator.setup import Setup
from tests.scenarios.world import PASSWORD, World, eventually, until

_LIMIT_A = 40.0
# Three phases of 230 V; a tenth of an ampere of rounding for each charger.
_W_PER_A, _ROUNDING_A = 690.0, 0.4


class Site:
    """Chargers of one connector each behind one connection, and what they let their cars take."""

    def __init__(
        self,
        world: World,
        deaf: int = -1,
        number: int = 4,
        *,
        version: str = "1.6",
        settings: dict[str, str] | None = None,
        **oddities: Any,
    ) -> None:
        """`deaf`: the charger that keeps no limit; `oddities`: what else is wrong with all."""
        self.world, self.version, self.settings = world, version, settings or {}
        self.site_id = world.new_site()
        self.path = f"/v1/operator/sites/{self.site_id}"
        self.chargers = [self._charger(it, Oddities(ignores=it == deaf, **oddities)) for it in range(number)]
        self.worst_a = 0.0

    def _charger(self, number: int, oddities: Oddities) -> Charger:
        charger_id = f"{self.site_id}-{number}"
        body = {
            "site_id": self.site_id,
            "connectors": ["1"],
            "plugs": [{"connector": "1", "kind": "type2", "max_power_w": 22_080}],
            "password": PASSWORD,
        }
        self.world.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
        return self.world.running(
            Setup(
                charger_id=charger_id,
                password=PASSWORD,
                url=self.world.stack.socket_url,
                version=self.version,
                settings=self.settings,
                connectors=1,
                interval_s=0.3,
                first_wait_s=0.05,
                measures_phases=True,
                oddities=oddities,
            )
        )

    def firmware(self) -> Firmware:
        """What is known of its chargers' firmware."""
        charger = wiring.network().chargers.get(self.chargers[0].setup.charger_id)
        assert charger is not None
        name = firmware_key(charger.protocol, charger.vendor, charger.model, charger.firmware)
        return wiring.network().firmwares.of(name)

    def know(self, learnt: LearntAbility, *, keeps_when_booted: bool | None) -> None:
        """That is known of it from other sites."""
        before = self.firmware()
        after = Firmware(name=before.name, learnt=learnt, keeps_when_booted=keeps_when_booted)
        wiring.network().firmwares.learn(before, after)

    def describe(self) -> None:
        """From now on its power is shared out, and each charger has shown its offline default.

        What their firmware keeps is known from other sites.
        """
        self.know(LearntAbility(falls_back=True, keeps_when_cut=True), keeps_when_booted=True)
        self.share_out()

        def is_set_up() -> bool:
            self.looked()
            return self._is_set_up()

        eventually(is_set_up)

    def share_out(self) -> None:
        """From now on its power is shared out: nobody has looked yet."""
        ids = [it.setup.charger_id for it in self.chargers]
        self.world.operator.call(
            "PUT",
            f"{self.path}/grid",
            {
                "nodes": [{"node_id": "grid", "limit_ma": [int(1000 * _LIMIT_A)] * 3}],
                "ports": [{"charger_id": it, "connector": "1", "node_id": "grid"} for it in ids],
            },
        )

    def _is_set_up(self) -> bool:
        """Whether each charger has shown its offline default."""
        state = wiring.network().managed_sites.state(self.site_id)
        assert state is not None
        return len(state.book.pages) == len(self.chargers) and all(it.default_ma for it in state.book.pages)

    def power(self) -> dict[str, Any]:
        return self.world.operator.call("GET", f"{self.path}/power")

    def looked(self) -> None:
        """Whatever was asked for is done, and a minute's look too."""
        self.world.stack.cloud.queues.deliver()
        wiring.network().balancer.look(self.site_id, is_check=True)

    def offered_a(self) -> list[float]:
        """What each charger lets its car take, all at one moment."""
        return self.world.at_chargers(self._offered_a)

    def _offered_a(self) -> list[float]:
        return [
            it.offered_w(it.connectors[1]) / _W_PER_A if it.connectors[1].transaction else 0.0 for it in self.chargers
        ]

    def until_offered(self, *wanted: float) -> None:
        """Wait until the chargers offer that, none of them meanwhile more than fits."""

        def reached() -> bool:
            self.looked()
            offered = self.offered_a()
            return all(abs(it - want) <= 0.2 for it, want in zip(offered, wanted, strict=True))

        try:
            eventually(reached)
        except TimeoutError:
            raise AssertionError(f"{self.offered_a()} is not {wanted}: {self.power()['ports']}") from None

    def until_held(self, *wanted_ma: int) -> None:
        """Wait until the book says that its ports may draw so much at worst: what frees them is told a moment later."""

        def held_ma() -> list[int]:
            self.looked()
            return [it["held_ma"] for it in self.power()["ports"]]

        until(held_ma, list(wanted_ma))

    def begin(self, number: int) -> None:
        """A car comes and charges."""
        charger = self.chargers[number]
        self.world.do(charger.plug(1, Car(max_power_w=22_080)))
        assert self.world.do(charger.swipe(self.world.issue_card(), 1))

    def end(self, number: int) -> None:
        self.world.do(self.chargers[number].unplug(1))

    def keep_worst(self) -> None:
        """The most that was offered in all: where chargers live, for what two offer at two moments is no sum."""
        self.worst_a = max(self.worst_a, sum(self._offered_a()))


def test_cars_that_come_and_go_share_what_there_is_and_never_have_more(world: World) -> None:
    site = Site(world)
    site.describe()
    with world.watching(site.keep_worst):
        site.begin(0)
        # What the three others draw at worst in silence is kept for them.
        site.until_offered(22.0, 0, 0, 0)
        site.begin(1)
        site.until_offered(14.0, 14.0, 0, 0)
        site.begin(2)
        site.until_offered(11.3, 11.3, 11.3, 0)
        site.begin(3)
        site.until_offered(10.0, 10.0, 10.0, 10.0)
        site.end(0)
        site.until_offered(0, 11.3, 11.3, 11.3)
    assert site.worst_a <= _LIMIT_A + _ROUNDING_A


def test_what_the_grid_or_the_building_takes_away_is_lowered_at_once_and_given_back(world: World) -> None:
    site = Site(world)
    site.describe()
    with world.watching(site.keep_worst):
        site.begin(0)
        site.until_offered(22.0, 0, 0, 0)
        site.begin(1)
        site.until_offered(14.0, 14.0, 0, 0)
        now = datetime.now(UTC)
        limit = {"node_id": "grid", "limit_ma": 30_000, "begins_at": now.isoformat()}
        limit["ends_at"] = (now + timedelta(hours=1)).isoformat()
        world.operator.call("PUT", f"{site.path}/power-limits/evening", limit)
        site.until_offered(9.0, 9.0, 0, 0)
        world.operator.call("DELETE", f"{site.path}/power-limits/evening")
        site.until_offered(14.0, 14.0, 0, 0)
        world.operator.call("POST", f"{site.path}/load", {"load_ma": [4_000, 10_000, 0]})
        site.until_offered(9.0, 9.0, 0, 0)
    assert site.worst_a <= _LIMIT_A + _ROUNDING_A
    ports = {it["charger_id"]: it for it in site.power()["ports"]}
    shown = ports[site.chargers[0].setup.charger_id]
    assert (shown["grant_ma"], shown["bound"]) == (9_000, "grid")


def test_a_charger_that_keeps_no_limit_leaves_the_others_what_is_left_and_its_operator_knows(world: World) -> None:
    site = Site(world, deaf=0)
    site.describe()
    site.begin(0)
    site.begin(1)

    def is_found_out() -> bool:
        site.looked()
        return "limit_ignored" in site.power()["alarms"]

    eventually(is_found_out)
    charger_id = site.chargers[0].setup.charger_id
    held = {it["charger_id"]: it["held_ma"] for it in site.power()["ports"]}
    # It is counted with all it can draw from then on; the other keeps what is left, if that is enough to charge.
    assert held[charger_id] == 32_000

    def is_left_what_there_is() -> bool:
        site.looked()
        return site.offered_a()[1] <= _LIMIT_A - 32.0 + _ROUNDING_A

    eventually(is_left_what_there_is)


def test_a_firmware_that_nobody_knows_counts_at_its_most_until_it_has_shown_what_it_keeps(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No frame roams here: what nothing was sent to for a moment, nothing reaches.
    for module in (grants, leases):
        monkeypatch.setattr(module, "ROAMS_FOR", timedelta(0))
    site = Site(world, number=2)
    site.know(LearntAbility(), keeps_when_booted=None)
    # Before its power is shared out: whoever charges is not cut off, whoever is cut off reads no card.
    site.begin(0)
    eventually(world.newest_session)
    site.share_out()
    assert [it["held_ma"] for it in site.power()["ports"]] == [32_000] * 2

    def is_proven() -> bool:
        site.looked()
        unproven = [it for it in site.power()["ports"] if it["trust"] != "proven"]
        assert all(it["held_ma"] == 32_000 for it in unproven)
        return not unproven

    # One charges, and shows what follows its lease; the other is cut off and started anew, to show what it kept.
    eventually(is_proven)
    known = site.firmware()
    assert (known.learnt.falls_back, known.learnt.keeps_when_cut, known.keeps_when_booted) == (True, True, True)
    site.until_offered(32.0, 0)
    # It may just have come back, and have its default to show once more.
    site.until_held(32_000, 6_000)
    # However many frames a slow machine's looks have sent since.
    times = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC)
    lines = wiring.network().message_log.between(site.chargers[1].setup.charger_id, *times, limit=10_000)
    assert "Reset" in {it.what for it in lines}


def test_a_charger_that_lost_its_limits_with_its_socket_is_told_them_again(world: World) -> None:
    site = Site(world, number=2, forgets_when_cut=True)
    site.describe()
    site.begin(0)
    site.until_offered(32.0, 0)
    site.begin(1)
    site.until_offered(20.0, 20.0)
    charger = site.chargers[1]
    world.at_chargers(charger.go_offline)
    eventually(lambda: not charger.is_online)
    world.at_chargers(lambda: charger.go_online(reboot=False))
    eventually(lambda: charger.is_online)
    assert site.offered_a()[1] > 31.0
    site.until_offered(20.0, 20.0)
