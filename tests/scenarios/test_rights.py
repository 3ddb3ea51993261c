"""Told last: what Lambdas called in all stories their policies allow, and no policy opens a service no one needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib.handlers.schedules import PARTS
from local.stack import Stack
from tests.scenarios.rights import Call, granted, is_allowed

FUNCTIONS = ["api_handler", *json.loads(Path(".chalice/config.json").read_text())["lambda_functions"]]
# What no story of this package surely comes to, on a slow machine and on a fast one, and where it is shown instead.
ELSEWHERE = {
    ("api_handler", "geo-routes"): "moto has no maps: tests/adapters/discovery/test_travel.py",
    ("notices", "sns"): "the topic is the deployment's: tests/adapters/notifications/test_messengers.py",
    ("websocket_message", "execute-api"): "lists follow an answer, sockets of nobody are closed: tests/services",
    ("lists", "execute-api"): "tests/services/chargers/test_local_lists.py",
    ("sweep", "execute-api"): "tests/faults",
    ("sweep", "states"): "tests/faults",
    ("reservations", "states"): "tests/faults",
    ("reservations", "execute-api"): "the end of a cancellation that a crash left half done",
    ("debts", "states"): "tests/faults",
    ("debts", "sqs"): "a month's invoice that is due goes into the log: tests/services/money/test_paper_proofs.py",
    ("sweep", "sqs"): "a session that stands still for half an hour: tests/services/operators/test_alarms.py",
    # A socket that is said to be gone, and a payment that fails, are looked at for an alarm.
    **{
        (function, "sqs"): "tests/services/operators/test_alarms.py"
        for function in ("abort", "issue_receipt", "start_charging", "stop_charging", "lists", "reservations")
    },
    (
        "check_alarms",
        "lambda",
    ): "an alarm that opens while somebody watches: tests/services/operators/test_live_alarms.py",
    ("check_alarms", "sqs"): "Lambda takes the messages out of the queue, by the function's role",
    **{
        (function, "sqs"): "Lambda takes the messages out of the queue, by the function's role"
        for function in (
            "check_alarms",
            "balance",
            "balance_now",
            "balance_many",
            "demand_response",
            "plan_sites",
            "sequence_log",
        )
    },
    **dict.fromkeys(
        (("sequence_log", "kms"), ("api_handler", "kms")),
        "moto's KMS has no such keys: tests/adapters/transparency/test_signers.py",
    ),
    ("plan_sites", "kms"): "tests/services/vehicles/test_nights_at_makers.py",
    **{("openadr", service): "tests/services/grid/test_utilities.py" for service in ("sqs", "dynamodb")},
    # Charges at sites whose power is shared out.
    **{
        (function, "sqs"): "tests/services/grid"
        for function in ("claim", "await_end", "settle", "busy_sites", "websocket_connect")
    },
    **{
        (function, "execute-api"): "tests/services/grid"
        for function in ("balance", "balance_now", "balance_many", "plan_sites")
    },
    **{("plan_sites", service): "tests/services/grid/test_plans.py" for service in ("lambda", "states")},
    # Who watches a session is told that its car waits.
    **{
        (function, "lambda"): "tests/services/grid/test_power_waits.py"
        for function in ("balance", "balance_now", "balance_many")
    },
    **dict.fromkeys(
        (("notices", "ses"), ("alarm_desk", "ses"), ("alarm_desk", "sns"), ("api_handler", "ses")),
        "addresses and topics are the deployment's: tests/adapters/operators, tests/adapters/notifications",
    ),
    # A watched session that fails, or waits in vain for its charger's last word.
    **{
        (function, "lambda"): "tests/services/charging/test_live_news.py"
        for function in ("place_hold", "stop_charging", "settle", "abort")
    },
    # Much work is handed on, and no story has so much.
    **{(schedule, "lambda"): "tests/handlers/test_schedules.py" for schedule in PARTS},
}


@pytest.fixture(scope="module")
def seen(stack: Stack, calls: set[Call], request: pytest.FixtureRequest) -> set[Call]:
    """All calls of all stories; those of schedules that find the same to do however long the stories took as well."""
    told = {item.path.name for item in request.session.items if "scenarios" in item.path.parts}
    if missing := {it.name for it in Path(__file__).parent.glob("test_*.py")} - told:
        pytest.skip(f"needs the stories of {', '.join(sorted(missing))}")
    for schedule in ("debts", "reconcile", "notices", "accounts"):
        stack.cloud.fire(schedule)
    return calls


def test_what_functions_called_their_policies_allow(seen: set[Call]) -> None:
    assert {it.function for it in seen} >= {"api_handler", "websocket_message", "settle", "reconcile"}
    assert [it for it in seen if not is_allowed(it)] == []


def opened(function: str) -> set[str]:
    """The services that a function's policy opens."""
    return {action.partition(":")[0] for action, _ in granted(function)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_policy_opens_no_service_that_its_function_does_not_need(function: str, seen: set[Call]) -> None:
    used = {it.service for it in seen if it.function == function} | {"logs"}
    assert {it for it in opened(function) - used if (function, it) not in ELSEWHERE} == set()


def test_what_is_needed_elsewhere_is_a_right_that_is_given() -> None:
    assert {(function, service) for function, service in ELSEWHERE if service not in opened(function)} == set()
