"""The queues that functions are called from; what one fails on three times waits with the other failures.

Those whose names end in `.fifo` keep the order of each group, say each thing once, and hold back all they get for as
long as stands here. What they ask for is soon asked again by a schedule, so that what fails is no failure to be kept.
"""

from __future__ import annotations

from typing import Any

from infrastructure.stage import Resources, Stage, attribute, logical_id

# As the handlers name them (`on_sqs_message`).
NAMES = ("alarm-checks", "balance.fifo", "balance-now.fifo", "balance-many", "log", "plans", "demand-response")
_FIFO = ".fifo"
HELD_BACK_S = {"balance.fifo": 1}
# By then a site has been looked at anyhow.
_ASKED_AGAIN_S = 300
_TRIES = 3
# What is not logged is missed by whoever has its receipt: it waits, and is tried, for as long as a queue keeps it.
_PATIENT = {"log"}
_PATIENT_S, _PATIENT_TRIES = 4 * 24 * 3600, 1000
# One writes the log, and another may come while it does; whoever is second begins anew.
# Whatever is told, sockets and schedules keep their places.
# In a quarter's last minute 10,000 sites come as 400 messages over 40 s. At 0.1 s a site (its solution and some six
# calls) that is 25 at once, and twice as many with large sites; whoever waits finds the last plan standing.
_AT_ONCE = {"log": 2, "demand-response": 10, "plans": 50}
# Six times as long as a function may take, as AWS advises: a message that is being worked on is nobody else's.
_HIDDEN_S = 180


def logical(name: str) -> str:
    """The queue's name in the template."""
    return f"{logical_id(name.removesuffix(_FIFO))}Queue"


def resources(stage: Stage) -> Resources:
    return {logical(name): _queue(stage, name) for name in NAMES}


def source(event: str, function: str, declared: dict[str, Any]) -> Resources:
    """What calls a function with a queue's messages, from what SAM's shorthand says of it."""
    name = declared["Queue"]["Fn::Sub"].rpartition(":")[2]
    return {
        event: {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": attribute(logical(name), "Arn"),
                "FunctionName": {"Ref": function},
                "BatchSize": declared["BatchSize"],
                **({"ScalingConfig": {"MaximumConcurrency": _AT_ONCE[name]}} if name in _AT_ONCE else {}),
                # A FIFO queue knows none.
                **(
                    {}
                    if name.endswith(_FIFO)
                    else {"MaximumBatchingWindowInSeconds": declared["MaximumBatchingWindowInSeconds"]}
                ),
            },
        }
    }


def _queue(stage: Stage, name: str) -> dict[str, Any]:
    if name.endswith(_FIFO):
        return _ordered(stage, name)
    tries, kept_s = (_PATIENT_TRIES, _PATIENT_S) if name in _PATIENT else (_TRIES, 24 * 3600)
    return {
        "Type": "AWS::SQS::Queue",
        **stage.fate,
        "Properties": {
            "QueueName": stage.prefix + name,
            "MessageRetentionPeriod": kept_s,
            "VisibilityTimeout": _HIDDEN_S,
            "SqsManagedSseEnabled": True,
            "RedrivePolicy": {"deadLetterTargetArn": attribute("Failures", "Arn"), "maxReceiveCount": tries},
        },
    }


def _ordered(stage: Stage, name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::SQS::Queue",
        **stage.fate,
        "Properties": {
            "QueueName": stage.prefix + name,
            "FifoQueue": True,
            # So that the pace is each group's own, and not that of all together.
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "DelaySeconds": HELD_BACK_S.get(name, 0),
            "MessageRetentionPeriod": _ASKED_AGAIN_S,
            "VisibilityTimeout": _HIDDEN_S,
            "SqsManagedSseEnabled": True,
        },
    }
