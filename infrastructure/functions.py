"""Every function runs as the deployed Python, knows this stage's things, and leaves what it could not do in a queue.

A secret is told only to the functions that `vault.SETTINGS` names for it.
"""

from __future__ import annotations

import re
from typing import Any

from infrastructure import identity, live, queues, rest, sockets, transparency, vault
from infrastructure.alarms import GRADUAL
from infrastructure.stage import Resources, Stage, attribute, ref
from infrastructure.workflow import machine_arn

PARAMETERS: dict[str, Any] = {
    "SystemLogs": {
        "Type": "String",
        "Default": "WARN",
        "AllowedValues": ["WARN", "INFO", "DEBUG"],
        "Description": "INFO: Lambda writes lines of its own for every invocation; for an hour, to see what takes long",
    },
    "Maps": {
        "Type": "String",
        "Default": "",
        "AllowedValues": ["", "amazon"],
        "Description": "amazon: travel times come from Amazon Location, which bills each of them; estimated if empty",
    },
}

RUNTIME = "python3.13"
_API_HANDLER = "APIHandler"
_FUNCTION = "AWS::Lambda::Function"


def complete(resources: Resources, stage: Stage) -> None:
    """Finish the functions that Chalice declares, and what calls them on time."""
    for logical, resource in list(resources.items()):
        if resource["Type"] == _FUNCTION:
            name = plain_name(logical)
            properties = resource["Properties"]
            properties |= {"FunctionName": stage.prefix + name, "Runtime": RUNTIME}
            # Values of secrets stand there, so the key is ours.
            properties["KmsKeyArn"] = attribute("Key", "Arn")
            properties["LoggingConfig"] = {
                "LogGroup": ref(f"{logical}Logs"),
                # Our lines are JSON whatever it says; what is told by `level` can be left out, and Lambda's START, END
                # and REPORT were most of the logs (docs/adr/0014-cost.md).
                "LogFormat": "JSON",
                "ApplicationLogLevel": "INFO",
                "SystemLogLevel": ref("SystemLogs"),
            }
            properties["Environment"]["Variables"] |= _settings(name, stage)
            resources[f"{logical}Logs"] = _logs(stage, name)
        elif resource["Type"] == "AWS::Events::Rule":
            for target in resource["Properties"]["Targets"]:
                target["DeadLetterConfig"] = {"Arn": attribute("Failures", "Arn")}
                # The next tick does what this one could not.
                target["RetryPolicy"] = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
                _leave_failures(resources, _called(target))
    resources |= _queue(stage)


def plain_name(logical: str) -> str:
    """The function's name in `.chalice/config.json`: `PlaceHold` is `place_hold`."""
    if logical == _API_HANDLER:
        return "api_handler"
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical).lower()


def _called(target: dict[str, Any]) -> str:
    name: str = target["Arn"]["Fn::GetAtt"][0]
    return name


def _settings(name: str, stage: Stage) -> dict[str, Any]:
    secrets = {
        setting: vault.secret_value(secret, key)
        for setting, (secret, key, told) in vault.SETTINGS.items()
        if name in told
    }
    return {
        "KERB_TABLE_PREFIX": stage.prefix,
        "KERB_FUNCTION_PREFIX": stage.prefix,
        "POWERTOOLS_SERVICE_NAME": stage.stack,
        "KERB_STATE_MACHINE_ARN": machine_arn(stage),
        "KERB_SOCKET_ENDPOINT": sockets.ENDPOINT,
        "KERB_LIVE_ENDPOINT": live.ENDPOINT,
        "KERB_LIVE_URL": live.ADDRESS,
        "KERB_ALARM_CHECKS_QUEUE": ref(queues.logical("alarm-checks")),
        "KERB_BALANCE_QUEUE": ref(queues.logical("balance.fifo")),
        "KERB_BALANCE_NOW_QUEUE": ref(queues.logical("balance-now.fifo")),
        "KERB_BALANCE_MANY_QUEUE": ref(queues.logical("balance-many")),
        "KERB_LOG_QUEUE": ref(queues.logical("log")),
        **transparency.SETTINGS,
        "KERB_PLANS_QUEUE": ref(queues.logical("plans")),
        "KERB_DEMAND_RESPONSE_QUEUE": ref(queues.logical("demand-response")),
        "KERB_MAPS": ref("Maps"),
        "KERB_CAR_KEY": ref("Key"),
        # CloudFormation reads a secret again only when it changes whom it tells.
        "KERB_SECRETS_READ_AT": ref("SecretsReadAt"),
        **identity.SETTINGS,
        **secrets,
        # Only whom the API itself does not call may know where it is: CloudFormation goes round in no circles.
        # Lambda publishes a version only of what has changed.
        **({"KERB_RELEASE": ref("Release")} if name in GRADUAL.values() else {}),
        **({"KERB_API_URL": rest.ADDRESS} if name == "notices" else {}),
    }


def _logs(stage: Stage, name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Logs::LogGroup",
        **stage.fate,
        "Properties": {"LogGroupName": f"/aws/lambda/{stage.prefix}{name}", "RetentionInDays": stage.log_days},
    }


def _leave_failures(resources: Resources, logical: str) -> None:
    """A function called in the background puts an event it failed on into the queue."""
    resources[logical]["Properties"]["DeadLetterConfig"] = {"TargetArn": attribute("Failures", "Arn")}
    resources[f"{logical}Retries"] = {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": ref(logical),
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 0,
            "MaximumEventAgeInSeconds": 60,
        },
    }
    resources[f"{logical}Role"]["Properties"]["Policies"].append(
        {
            "PolicyName": "failures",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [attribute("Failures", "Arn")]}
                ],
            },
        }
    )


def _queue(stage: Stage) -> Resources:
    return {
        "Failures": {
            "Type": "AWS::SQS::Queue",
            **stage.fate,
            "Properties": {
                "QueueName": f"{stage.prefix}failures",
                "MessageRetentionPeriod": 14 * 24 * 3600,
                "SqsManagedSseEnabled": True,
            },
        },
        "FailuresPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [ref("Failures")],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": attribute("Failures", "Arn"),
                            "Condition": {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}},
                        }
                    ],
                },
            },
        },
    }
