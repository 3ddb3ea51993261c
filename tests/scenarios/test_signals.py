"""A site lives by what publishers tell over HTTP: it is planned by that, then by its last plan, then by none."""

from __future__ import annotations

import pytest

from local.client import ApiError
from local.seed import SITE_ID
from local.signals import SignalFault
from local.stack import Stack
from tests.scenarios.world import World

_HOUR_S = 3600


def test_a_market_that_falls_silent_leaves_the_last_plan_and_then_the_fair_share(world: World, stack: Stack) -> None:
    path = f"/v1/operator/sites/{SITE_ID}/energy"
    market = {"kind": "market", "source": "entsoe", "zone": "10Y1001A1001A82H"}
    world.operator.call("PUT", path, {"currency": "EUR", "price": market})
    offset_s = stack.clock.offset_s
    seen = []
    try:
        for fault, hours in (
            (None, 0.0),
            (SignalFault.DOWN, 1.5),
            (SignalFault.GARBAGE, 2.5),
            (SignalFault.BUSY, 25.0),
            (None, 26.0),
        ):
            stack.signals.faults = {"entsoe": fault} if fault else {}
            stack.clock.offset_s = offset_s + hours * _HOUR_S
            stack.cloud.fire("signals")
            shown = world.operator.call("GET", path)
            seen.append((shown["guidance"], shown["feeds"][0]["failure"]))
    finally:
        stack.signals.faults = {}
        stack.clock.offset_s = offset_s
        world.operator.call("DELETE", path)
    assert seen[:2] == [("plan", None), ("plan", "HTTP 503")]
    assert seen[2][0] == "last_plan"
    assert str(seen[2][1]).startswith("no XML")
    assert seen[3:] == [("fair_share", "HTTP 429"), ("plan", None)]
    stack.cloud.fire("signals")
    with pytest.raises(ApiError):
        world.operator.call("GET", path)
