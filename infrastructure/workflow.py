"""The session lifecycle as a Step Functions Standard workflow: six steps when all goes well, one to clean up.

Every wait is a task token, never a loop, so a session costs the same however long it lasts. Each step may be
retried, because each is safe to repeat (chalicelib/services/sessions/lifecycle.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from infrastructure.stage import Resources, Stage, arn, attribute, logical_id

CARDHOLDER_TIMEOUT_S = 300
LONGEST_SESSION_S = 48 * 3600
# As long as the charger gives a car to be plugged in, which the session knows.
START_WAIT = "$.start_wait_s"
FINAL_READING_TIMEOUT_S = 24 * 3600
PAYMENT_TIMEOUT_S = 600
# Longer than any hold can be taken; the sweep ends the wait in time.
REVIEW_TIMEOUT_S = 14 * 24 * 3600

# What a task raises to say something; everything else is an accident and worth another try.
_ANSWERS = ["Declined", "Gone", "SoonBack", "SessionOver", "SessionFailed", "NeedsReview"]

# Steps that only executions of an older release still take (docs/operations.md, "Upgrade with sessions open").
RETIRING: tuple[str, ...] = ()

FunctionArn = Callable[[str], str]
MACHINE = "session"


def machine_arn(stage: Stage) -> dict[str, str]:
    """By name, because the functions that the machine calls are told of the machine too."""
    return arn("states", f"stateMachine:{stage.prefix}{MACHINE}")


def resources(stage: Stage) -> Resources:
    """The state machine, which may call its steps' functions and nothing else; its log tells of failures only."""
    told = definition(lambda name: f"${{{logical_id(name)}.Arn}}")
    return {
        "SessionMachine": {
            "Type": "AWS::StepFunctions::StateMachine",
            **stage.fate,
            "Properties": {
                "StateMachineName": stage.prefix + MACHINE,
                "StateMachineType": "STANDARD",
                "DefinitionString": {"Fn::Sub": json.dumps(told, separators=(",", ":"))},
                "RoleArn": attribute("SessionMachineRole", "Arn"),
                "LoggingConfiguration": {
                    "Level": "ERROR",
                    # Task tokens would be in it.
                    "IncludeExecutionData": False,
                    "Destinations": [
                        {"CloudWatchLogsLogGroup": {"LogGroupArn": attribute("SessionMachineLogs", "Arn")}}
                    ],
                },
            },
        },
        "SessionMachineLogs": {
            "Type": "AWS::Logs::LogGroup",
            **stage.fate,
            "Properties": {
                "LogGroupName": f"/aws/vendedlogs/states/{stage.prefix}{MACHINE}",
                "RetentionInDays": stage.log_days,
            },
        },
        "SessionMachineRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": _trust("states.amazonaws.com"),
                "Policies": [
                    {
                        "PolicyName": "steps",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": _steps()},
                                # AWS knows no narrower resource for these.
                                {"Effect": "Allow", "Action": _LOG_DELIVERY, "Resource": ["*"]},
                            ],
                        },
                    }
                ],
            },
        },
    }


def _steps() -> list[dict[str, list[str]]]:
    """The ARNs of the functions that this definition calls, or one before it whose executions still run."""
    called = set(RETIRING)

    def note(name: str) -> str:
        called.add(name)
        return name

    definition(note)
    return [attribute(logical_id(name), "Arn") for name in sorted(called)]


def _trust(service: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }


_LOG_DELIVERY = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
]


def definition(arn_of: FunctionArn) -> dict[str, Any]:
    """The state machine in Amazon States Language; `arn_of` turns a Chalice function's name into its ARN."""
    return {
        "Comment": "A charging session, from hold to receipt",
        "StartAt": "PlaceHold",
        "States": {
            "PlaceHold": _wait(arn_of("place_hold"), "StartCharging", CARDHOLDER_TIMEOUT_S),
            "StartCharging": _start(arn_of("start_charging")),
            "AwaitEnd": _wait(arn_of("await_end"), "StopCharging", LONGEST_SESSION_S, late="StopCharging"),
            "StopCharging": _wait(arn_of("stop_charging"), "Settle", FINAL_READING_TIMEOUT_S, late="Settle"),
            # A webhook that does not come is asked after: the step run again looks into the provider's books.
            "Settle": _settle(arn_of("settle")),
            # Only what no evidence bounds comes here: most charges pay for no step more.
            "Review": _review(arn_of("await_end")),
            "IssueReceipt": _call(arn_of("issue_receipt"), None),
            "Abort": _abort(arn_of("abort")),
            "IsOver": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.over", "BooleanEquals": False, "Next": "AwaitEnd"}],
                "Default": "Over",
            },
            # A declined card is an orderly end: failed executions are left to mean accidents, and to wake somebody.
            "Over": {"Type": "Succeed"},
        },
    }


def _call(arn: str, then: str | None) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": arn,
        "TimeoutSeconds": 60,
        "Retry": _retry(),
        "Catch": [_catch("States.ALL", "Abort")],
        **({"Next": then} if then else {"End": True}),
    }


# `late` is where to go when the wait ends badly, be it by time: a charge under way is ended and billed, not dropped.
def _wait(arn: str, then: str, timeout_s: int | str, late: str | None = None, timeouts: int = 0) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {
            "FunctionName": arn,
            "Payload": {"session_id.$": "$.session_id", "task_token.$": "$$.Task.Token"},
        },
        **({"TimeoutSecondsPath": timeout_s} if isinstance(timeout_s, str) else {"TimeoutSeconds": timeout_s}),
        "Retry": _retry(timeouts),
        "Catch": [_catch("States.ALL", late or "Abort")],
        "Next": then,
    }


def _start(arn: str) -> dict[str, Any]:
    start = _wait(arn, "AwaitEnd", START_WAIT)
    return {**start, "Retry": [_SOON_BACK, *start["Retry"]]}


def _settle(arn: str) -> dict[str, Any]:
    settle = _wait(arn, "IssueReceipt", PAYMENT_TIMEOUT_S, timeouts=3)
    return {
        **settle,
        "Retry": [_SOON_SAID, *settle["Retry"]],
        "Catch": [_catch("NeedsReview", "Review"), *settle["Catch"]],
    }


def _review(arn: str) -> dict[str, Any]:
    review = _wait(arn, "Settle", REVIEW_TIMEOUT_S, late="Settle")
    return {
        **review,
        "Parameters": {**review["Parameters"], "Payload": {**review["Parameters"]["Payload"], "is_ended": True}},
    }


def _abort(arn: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": arn,
        "TimeoutSeconds": 60,
        # Nothing comes after it: whatever it could not finish would never be finished.
        "Retry": [{**_OUTAGE, "ErrorEquals": ["States.ALL"]}],
        "Next": "IsOver",
    }


def _catch(error: str, then: str) -> dict[str, Any]:
    return {"ErrorEquals": [error], "ResultPath": "$.error", "Next": then}


# A charger that was there when its driver asked: sockets end every two hours, and chargers come back within 20 s.
_SOON_BACK = {
    "ErrorEquals": ["SoonBack"],
    "IntervalSeconds": 2,
    "BackoffRate": 2.0,
    "MaxAttempts": 4,
    "MaxDelaySeconds": 8,
}
# Whether the car is still at the plug is told within seconds of the end of its charge.
_SOON_SAID = {"ErrorEquals": ["PlugUnknown"], "IntervalSeconds": 2, "BackoffRate": 1.0, "MaxAttempts": 5}
_PATIENTLY = {"IntervalSeconds": 2, "BackoffRate": 2.0, "MaxDelaySeconds": 300, "JitterStrategy": "FULL"}
# Outlasts, as that jitter halves the waits, a day without the payment provider: a charge is not given away for an
# outage, nor a hold forgotten, which is good for days.
_OUTAGE = {**_PATIENTLY, "ErrorEquals": ["PaymentsUnavailable"], "MaxAttempts": 200, "MaxDelaySeconds": 900}


def _retry(timeouts: int = 0) -> list[dict[str, Any]]:
    return [
        {"ErrorEquals": _ANSWERS, "MaxAttempts": 0},
        {"ErrorEquals": ["States.Timeout"], "MaxAttempts": timeouts},
        *([_OUTAGE] if timeouts else []),
        {**_PATIENTLY, "ErrorEquals": ["States.ALL"], "MaxAttempts": 12},
    ]
