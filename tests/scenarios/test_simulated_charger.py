"""The simulated charger speaks its standard to the letter, and does so from the command line too."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ocpp.messages import Call, validate_payload

from local.simulator.battery import Car
from tests.patience import PATIENCE_S
from tests.scenarios.world import PASSWORD, World, eventually, until

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_everything_it_says_is_valid_by_the_standards_own_schemas(world: World, version: str) -> None:
    charger = world.charger(version)
    card = world.issue_card()
    world.do(charger.plug(1))
    world.do(charger.swipe(card))
    world.draw(charger)
    session_id = eventually(world.newest_session)["session_id"]
    world.driver.until(session_id, lambda it: it["energy_wh"] > 0)
    world.at_chargers(charger.go_offline)
    world.do(charger.unplug(1))
    world.at_chargers(charger.go_online)
    world.driver.until(session_id, lambda it: it["state"] == "completed")
    said = {action for action, _ in charger.line.sent}
    assert said >= ({"StartTransaction", "StopTransaction"} if version == "1.6" else {"TransactionEvent"})
    for action, payload in charger.line.sent:
        message = Call(unique_id="1", action=action, payload=json.loads(json.dumps(payload)))
        asyncio.run(validate_payload(message, version))


def test_it_stops_drawing_when_the_battery_is_full_and_the_session_stays_open(world: World) -> None:
    charger = world.charger()
    session_id = world.driver.begin(charger.setup.charger_id)["session_id"]
    world.do(charger.plug(1, Car(10_000, 9_950)))
    assert world.do(charger.draw(500)) == 50
    eventually(lambda: world.connector(charger.setup.charger_id)["status"] == "suspended_by_car")
    world.driver.until(session_id, lambda it: it["state"] == "active")
    world.driver.end(session_id)
    assert world.driver.until(session_id, lambda it: it["state"] == "completed")["energy_wh"] in (49, 50)


def test_the_command_line_runs_a_fleet(world: World) -> None:
    ids = [world.register_charger(f"FLEET{world.number}-{number:04}") for number in range(1, 6)]
    card = world.issue_card()
    command = [sys.executable, "-m", "local.charger", "--id", f"FLEET{world.number}", "--password", PASSWORD]
    command += ["--url", world.stack.socket_url, "--fleet", "5", "--swipe", card, "--speed", "500", "--interval", "1"]

    def charging() -> list[str]:
        return sorted(it["charger_id"] for it in world.driver.call("GET", "/v1/sessions")["items"])

    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as fleet:
        try:
            until(charging, ids)
            fleet.send_signal(signal.SIGINT)
            said, complaints = fleet.communicate(timeout=PATIENCE_S)
        finally:
            fleet.kill()
    assert fleet.returncode == 0, complaints
    assert "5 chargers sent" in said


def test_the_command_line_says_when_the_password_is_wrong(world: World) -> None:
    charger_id = world.register_charger()
    command = [sys.executable, "-m", "local.charger", "--id", charger_id, "--password", "wrong"]
    done = subprocess.run(
        [*command, "--url", world.stack.socket_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert "refused this charger's id or password" in done.stderr
