"""A settled charge is logged, its driver holds the proof, and anybody can check it, and the log, with other means."""

from __future__ import annotations

import pytest
import requests

from cli.log_files import Seen, follow, over_http
from cli.proof import Key, Refused, verify
from local.client import ApiError
from tests.scenarios.test_stories import charging, finished
from tests.scenarios.world import World, eventually


def until_logged(world: World, session_id: str) -> None:
    """Wait until its proof can be had."""

    def is_logged() -> bool:
        world.stack.cloud.queues.deliver()
        try:
            world.driver.call("GET", f"/v1/sessions/{session_id}/proof")
        except ApiError as refused:
            if "not_logged_yet" not in str(refused):
                raise
            return False
        return True

    eventually(is_logged)


def test_a_driver_proves_a_charge_and_is_forgotten_and_the_log_stays_whole(world: World) -> None:
    session_id = charging(world, world.charger("2.0.1"))
    with pytest.raises(ApiError, match="no_receipt_yet"):
        world.driver.call("GET", f"/v1/sessions/{session_id}/proof")
    world.driver.end(session_id)
    assert finished(world, session_id)["state"] == "completed"
    with pytest.raises(ApiError, match="not_logged_yet"):
        world.driver.call("GET", f"/v1/sessions/{session_id}/proof")
    until_logged(world, session_id)

    log = world.driver.call("GET", "/v1/log")
    key = Key.parse(log["verifier_key"])
    told = world.driver.call("GET", f"/v1/sessions/{session_id}/proof")
    verdict = verify(told["proof"], key)
    receipt = world.driver.receipt(session_id)
    assert (verdict.facts["session_id"], verdict.facts["energy_wh"]) == (session_id, receipt["energy_wh"])
    assert any(f" {receipt['total_minor']} (minor units" in it for it in verdict.proven)
    assert world.operator.call("GET", f"/v1/operator/sessions/{session_id}/proof") == told

    fetch = over_http(log["url"])
    seen = follow(Seen(), key, fetch)
    assert seen.size > told["index"]
    shown = requests.get(f"{log['url']}/checkpoint", timeout=60)
    assert shown.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert requests.get(f"{log['url']}/tile/0/999", timeout=60).status_code == 404

    other_id = charging(world, world.charger("1.6"))
    world.driver.end(other_id)
    assert finished(world, other_id)["state"] == "completed"
    until_logged(world, other_id)
    world.driver.call("DELETE", "/v1/me")
    with pytest.raises(ApiError, match="no_proof"):
        world.operator.call("GET", f"/v1/operator/sessions/{session_id}/proof")
    assert follow(seen, key, fetch).size > seen.size
    verify(told["proof"], key)
    with pytest.raises(Refused):
        verify(told["proof"].replace("index ", "index 1"), key)
