"""A charger that hears nothing any more goes on as it was told last: it is counted so, and its operator sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.scenarios.test_load_balancing import Site
from tests.scenarios.world import World, eventually, until

MOST_A = 40.0


def test_what_a_silent_charger_was_told_last_is_kept_for_it_and_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is not answered is sent again a moment later here.
    monkeypatch.setattr("chalicelib.domain.grid.port_look.ANSWERED_WITHIN", timedelta(seconds=1))
    site = Site(world, number=2)
    site.describe()
    silent, other = (it.setup.charger_id for it in site.chargers)

    def shown() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        power = site.power()
        ports = {it["charger_id"]: it for it in power["ports"]}
        return ports[silent], ports[other], power["nodes"][0]

    def until_shown(reached: Any) -> None:
        def is_reached() -> bool:
            site.looked()
            return bool(reached(*shown()))

        eventually(is_reached)

    def book() -> dict[str, Any]:
        site.looked()
        mine, others, node = shown()
        return {
            "mine": (mine["grant_ma"], mine["held_ma"], mine["is_confirmed"], mine["unanswered_since"] is None),
            "others": (others["grant_ma"], others["held_ma"], others["unanswered_since"] is None),
            "node": (node["limit_ma"], node["room_ma"], node["held_ma"]),
        }

    with world.watching(site.keep_worst):
        site.begin(0)
        site.until_offered(32.0, 0)
        until_shown(lambda it, _, node: it["is_confirmed"] and node["drawn_ma"][0] > 31_000)
        site.chargers[0].line.is_mute = True
        site.begin(1)
        # It was to have less, and nobody knows whether it does: the other has what is left for sure.
        site.until_offered(32.0, 8.0)
        until_shown(lambda _, it, __: it["is_confirmed"] and it["drawn_ma"] is not None)
        full = [40_000] * 3
        wanted = {"mine": (20_000, 32_000, False, False), "others": (8_000, 8_000, True), "node": (full, full, full)}
        until(book, wanted)
        assert site.power()["building"] is None

        # The building takes more; that is the other's to give.
        world.operator.call("POST", f"{site.path}/load", {"load_ma": [2_000, 1_000, 0]})
        # Before that is too old to count.
        power, (_, _, node) = site.power(), shown()
        assert power["building"]["load_ma"] == [2_000, 1_000, 0]
        assert not power["building"]["is_old"]
        assert node["room_ma"] == [38_000, 39_000, 40_000]
        site.until_offered(32.0, 6.0)

        # A limit that the silent one alone is above: the other has no more than it would have in silence itself.
        now = datetime.now(UTC)
        limit = {"node_id": "grid", "limit_ma": 30_000, "begins_at": now.isoformat()}
        limit["ends_at"] = (now + timedelta(hours=1)).isoformat()
        world.operator.call("PUT", f"{site.path}/power-limits/evening", limit)
        site.until_offered(32.0, 6.0)
        (told,) = site.power()["limits"]
        assert (told["limit_id"], told["limit_ma"], told["node_id"]) == ("evening", 30_000, "grid")
        world.operator.call("DELETE", f"{site.path}/power-limits/evening")

        # By a new socket it hears again. An older copy may still roam: until it cannot, the other waits for that room.
        charger = site.chargers[0]
        world.at_chargers(charger.go_offline)
        eventually(lambda: not charger.is_online)
        charger.line.is_mute = False
        world.at_chargers(lambda: charger.go_online(reboot=False))
        eventually(lambda: charger.is_online)
        until_shown(lambda it, _, __: it["is_confirmed"] and it["unanswered_since"] is None)
        until_shown(lambda *_: site.offered_a()[0] <= 19.0 + 0.2)
    assert site.worst_a <= MOST_A + 0.4
