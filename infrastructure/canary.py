"""The canary's function, its clock and its alarms: there while `Canary=on` is deployed, and not at all otherwise.

It runs from the same code as all others and may do nothing in AWS but write its log. What it needs is one password, of
an account that `make deploy` makes: the driver's, the test operator's and the charger's.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from infrastructure import edge, rest
from infrastructure.cloudwatch import MINUTE, Alarm, Formula, Metric
from infrastructure.stage import DROP, Resources, Stage, arn, attribute, ref
from infrastructure.vault import secret_value

NAME = "canary"
OPERATOR = "canary"
SECRET = "CanarySecret"  # noqa: S105
EVERY_MINUTES = 5
# Both ways, as API Gateway counts them: eight calls and two of Kerb's, each answered.
FRAMES_A_ROUND = 20
# What a round is told that makes the test site first, whatever is there: the password may be another.
ANEW = {"set_up": True}
PARAMETERS: dict[str, Any] = {
    "Canary": {
        "Type": "String",
        "Default": "off",
        "AllowedValues": ["off", "on"],
        "Description": "on: a synthetic charger and driver charge each five minutes, on free terms and without a card",
    },
}
CONDITIONS: dict[str, Any] = {"HasCanary": {"Fn::Equals": [ref("Canary"), "on"]}}
_THERE = "HasCanary"
OUTPUTS: dict[str, Any] = {"CanarySecretArn": {"Condition": _THERE, "Value": ref(SECRET)}}
# A round waits 20 s for each of a dozen things at the most, and mostly for none.
_TIMEOUT_S = 120


def email(stage: Stage) -> str:
    """The account's; no mail is ever sent there (RFC 2606), nor does Cognito send one to make it."""
    return f"canary@{stage.stack}.invalid"


def alarms(stage: Stage) -> list[Alarm | Formula]:
    """That it failed, and that it does not run: AWS counts both of every function."""
    function = {"FunctionName": stage.prefix + NAME}
    return [
        Formula(
            name="canary-failed",
            expression="FILL(failed, 0)",
            of={"failed": Metric("AWS/Lambda", "Errors", function)},
            why="the canary could not charge, twice of three times: nobody else can, it may be",
            periods=3,
            at_least=2,
            silence="canary-absent",
            condition=_THERE,
        ),
        Alarm(
            "canary-absent",
            "AWS/Lambda",
            "Invocations",
            function,
            "the canary does not run: whatever depends on it is not watched",
            limit=1,
            period_s=3 * EVERY_MINUTES * MINUTE,
            comparison="LessThanThreshold",
            when_silent="breaching",
            silence="it rings on silence itself",
            condition=_THERE,
        ),
    ]


def resources(stage: Stage, like: dict[str, Any]) -> Resources:
    """`like` is a function of ours as it is declared, whose code and processor this one shares."""
    shared = {key: deepcopy(like["Properties"][key]) for key in ("Code", "Runtime", "Architectures", "KmsKeyArn")}
    log = f"log-group:/aws/lambda/{stage.prefix}{NAME}"
    made: Resources = {
        SECRET: {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                # Without a name of its own: one that was switched off keeps its name for weeks, and stands in its way.
                "KmsKeyId": ref("Key"),
                # As long as a charger's may be, with what the pool asks of a password.
                "GenerateSecretString": {"PasswordLength": 32, "ExcludePunctuation": True},
            },
        },
        "CanaryRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": _trusts("lambda.amazonaws.com"),
                "Policies": [
                    {
                        "PolicyName": "log",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                                    "Resource": [arn("logs", f"{log}:*")],
                                }
                            ],
                        },
                    }
                ],
            },
        },
        "CanaryLogs": {
            "Type": "AWS::Logs::LogGroup",
            **DROP,  # or it could not be switched on again
            "Properties": {"LogGroupName": f"/aws/lambda/{stage.prefix}{NAME}", "RetentionInDays": stage.log_days},
        },
        "CanaryFunction": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                **shared,
                "FunctionName": stage.prefix + NAME,
                "Handler": "chalicelib.canary.handler.run",
                "Role": attribute("CanaryRole", "Arn"),
                "MemorySize": 256,
                "Timeout": _TIMEOUT_S,
                "LoggingConfig": {
                    "LogGroup": ref("CanaryLogs"),
                    "LogFormat": "JSON",
                    "ApplicationLogLevel": "INFO",
                    "SystemLogLevel": ref("SystemLogs"),
                },
                "Environment": {
                    "Variables": {
                        "KERB_CANARY_API_URL": rest.ADDRESS,
                        "KERB_CANARY_SOCKET_URL": edge.CHARGERS_ADDRESS,
                        "KERB_CANARY_EMAIL": email(stage),
                        "KERB_CANARY_PASSWORD": secret_value(SECRET),
                        "KERB_SECRETS_READ_AT": ref("SecretsReadAt"),
                    }
                },
            },
        },
        # A round that failed is not done again: the next one comes anyway.
        "CanaryRetries": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": ref("CanaryFunction"),
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 0,
                "MaximumEventAgeInSeconds": 60,
            },
        },
        "CanaryEvent": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "ScheduleExpression": f"rate({EVERY_MINUTES} minutes)",
                "Targets": [
                    {
                        "Id": NAME,
                        "Arn": attribute("CanaryFunction", "Arn"),
                        "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
                    }
                ],
            },
        },
        "CanaryEventPermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": ref("CanaryFunction"),
                "Action": "lambda:InvokeFunction",
                "Principal": "events.amazonaws.com",
                "SourceArn": attribute("CanaryEvent", "Arn"),
            },
        },
    }
    return {name: {**it, "Condition": _THERE} for name, it in made.items()}


def _trusts(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}
