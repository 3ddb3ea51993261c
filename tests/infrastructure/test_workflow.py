"""The deployed workflow fits the deployed functions, and no state leads nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import app as switchboard
from infrastructure import live, workflow
from infrastructure.stage import Stage
from infrastructure.workflow import definition

ROOT = Path(__file__).parents[2]
FUNCTIONS = {function.name for function in switchboard.app.pure_lambda_functions}
STATES: dict[str, dict[str, Any]] = definition(lambda name: f"arn:{name}")["States"]


def _next_states(state: dict[str, Any]) -> set[str]:
    found = {state[key] for key in ("Next", "Default") if key in state}
    return found | {it["Next"] for it in [*state.get("Catch", []), *state.get("Choices", [])]}


def _function(state: dict[str, Any]) -> str:
    arn: str = state.get("Parameters", {}).get("FunctionName") or state["Resource"]
    return arn.removeprefix("arn:")


def test_every_state_can_be_reached_and_leads_somewhere() -> None:
    reached = {"PlaceHold"}
    while more := {it for name in reached for it in _next_states(STATES[name])} - reached:
        reached |= more
    assert reached == set(STATES)


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state["Type"] == "Task"])
def test_every_task_calls_a_function_that_exists_and_survives_its_failure(name: str) -> None:
    state = STATES[name]
    assert _function(state) in FUNCTIONS
    if name == "StartCharging":
        assert state["TimeoutSecondsPath"] == "$.start_wait_s"
    else:
        assert state["TimeoutSeconds"] > 0
    assert state["Retry"][-1]["ErrorEquals"] == ["States.ALL"]
    assert name == "Abort" or state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_every_function_is_a_step_of_the_workflow() -> None:
    # But for those that tell browsers.
    beside = {live.DOOR, live.TELLER, *workflow.RETIRING}
    assert {_function(state) for state in STATES.values() if state["Type"] == "Task"} == FUNCTIONS - beside


def test_a_step_that_retires_may_still_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "RETIRING", ("weigh",))
    role = json.dumps(workflow.resources(Stage("prod")))
    assert '{"Fn::GetAtt": ["Weigh", "Arn"]}' in role
    assert '{"Fn::GetAtt": ["Settle", "Arn"]}' in role


@pytest.mark.parametrize("name", ["Settle", "Abort"])
def test_an_outage_of_the_payment_provider_outlasts_no_session(name: str) -> None:
    """Or the charge would be given away, or the hold be forgotten."""
    retries = STATES[name]["Retry"]
    retry = next(it for it in retries if {"PaymentsUnavailable", "States.ALL"} & set(it["ErrorEquals"]))
    waits = (
        min(retry["MaxDelaySeconds"], retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt)
        for attempt in range(retry["MaxAttempts"])
    )
    # Full jitter waits half of it on average. Step Functions keeps 25,000 events, about five of them an attempt.
    assert sum(waits) / 2 >= 20 * 3600
    assert retry["MaxAttempts"] * 5 < 10_000


def test_cleaning_up_outlasts_any_outage_of_a_day() -> None:
    """Nothing comes after it, and an execution's name cannot be used again."""
    (retry,) = STATES["Abort"]["Retry"]
    assert retry["ErrorEquals"] == ["States.ALL"]


def test_a_start_waits_for_a_charger_that_was_there_a_moment_ago() -> None:
    """Chargers are told to come back within 20 s, and nobody stands there much longer for nothing."""
    retry = next(it for it in STATES["StartCharging"]["Retry"] if "SoonBack" in it["ErrorEquals"])
    waits = [
        min(retry["MaxDelaySeconds"], retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt)
        for attempt in range(retry["MaxAttempts"])
    ]
    assert 20 < sum(waits) < 30


def test_a_session_that_goes_well_takes_six_transitions() -> None:
    count, name = 1, "PlaceHold"
    while "Next" in STATES[name]:
        count, name = count + 1, STATES[name]["Next"]
    assert (count, name) == (6, "IssueReceipt")


def test_every_function_has_a_handwritten_policy_without_a_wildcard_resource() -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    schedules = {source.name for source in switchboard.app.event_sources}
    authorizers = {it.name for it in switchboard.app.builtin_auth_handlers}
    sockets = {f"websocket_{event}" for event in ("connect", "message", "disconnect")}
    assert set(config["lambda_functions"]) == FUNCTIONS | schedules | authorizers | sockets
    for function in config["lambda_functions"].values():
        policy = json.loads((ROOT / ".chalice" / function["iam_policy_file"]).read_text())
        assert all("*" not in statement["Resource"] for statement in policy["Statement"])
