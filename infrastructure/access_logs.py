"""The access logs of all APIs: who was answered what and how fast, one JSON object a line, and nothing secret in it.

Of the HTTP API always: it is the only place that says which 429 is API Gateway's own, and where everybody is counted
who is refused at the door. Of the sockets, chargers' and browsers', only while
`AccessLogs=all` is deployed, for API Gateway logs a stage and not a route: a line for each frame is two hundredths of
the whole bill (docs/adr/0014-cost.md). Who opens sockets stands in CloudFront's log anyhow, in the log bucket.

A route is written as the API's document names it, without the path's values and without query strings: tickets of live
views and ids of checkouts stand there. No address either: the firewall counts them, and nobody need keep them.

API Gateway writes by a role that it has once for the account and region, not for a stack. So no stack has it: one that
was deleted would take it from the other. `make deploy` makes it where there is none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import boto3

from infrastructure.stage import APP, Resources, Stage, ref

PARAMETERS: dict[str, Any] = {
    "AccessLogs": {
        "Type": "String",
        "Default": "api",
        "AllowedValues": ["none", "api", "all"],
        "Description": "all: a line for every frame of a charger too; for an hour, to see what comes in",
    },
}
CONDITIONS: dict[str, Any] = {
    "LogsApi": {"Fn::Not": [{"Fn::Equals": [ref("AccessLogs"), "none"]}]},
    "LogsSockets": {"Fn::Equals": [ref("AccessLogs"), "all"]},
}
# Each value is a text, for where API Gateway knows none it writes a hyphen.
API_LINE = {
    "id": "$context.requestId",
    "at": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "ms": "$context.responseLatency",
    "bytes": "$context.responseLength",
    "refused": "$context.error.responseType",
}
SOCKET_LINE = {
    "id": "$context.requestId",
    "at": "$context.requestTimeEpoch",
    "socket": "$context.connectionId",
    "event": "$context.eventType",
    "route": "$context.routeKey",
    "status": "$context.status",
    "ms": "$context.integrationLatency",
    "refused": "$context.error.responseType",
}
THROTTLED, REFUSED = "ApiThrottled", "ApiRefused"
# What API Gateway calls its own 429 (rest.REFUSALS).
_ITS_OWN_429 = '{ $.refused = "THROTTLED" || $.refused = "QUOTA_EXCEEDED" }'
# Whoever answered so: the authorizer, the firewall before it, or our own code.
_AT_THE_DOOR = '{ $.status = "401" || $.status = "403" }'
_ROLE = f"{APP}-api-gateway-logs"
# What AWS's own policy for it holds (AmazonAPIGatewayPushToCloudWatchLogs); API Gateway refuses a role with less.
_MAY_WRITE = [
    f"logs:{it}"
    for it in (
        "CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams", "PutLogEvents", "GetLogEvents",
        "FilterLogEvents",
    )
]  # fmt: skip
_TRIES = 10


def namespace(stage: Stage) -> str:
    """Of what is counted in the log: a filter gives its figures no dimension that could name the stage."""
    return f"Kerb/{stage.stack}"


def write(resources: Resources) -> None:
    """The stages that Chalice declares write their log, where the parameter says so."""
    resources["RestAPIStage"]["Properties"]["AccessLogSetting"] = written("LogsApi", "ApiAccessLog", API_LINE)
    resources["WebsocketAPIStage"]["Properties"]["AccessLogSettings"] = written(
        "LogsSockets", "SocketAccessLog", SOCKET_LINE
    )


def written(condition: str, group: str, line: dict[str, str]) -> dict[str, Any]:
    """A stage's setting: such lines go to that group, where the condition holds."""
    told = {"DestinationArn": _arn(group), "Format": json.dumps(line, separators=(",", ":"))}
    return {"Fn::If": [condition, told, ref("AWS::NoValue")]}


def resources(stage: Stage) -> Resources:
    return {
        "ApiAccessLog": _group(stage, "api"),
        "SocketAccessLog": _group(stage, "sockets"),
        "LiveAccessLog": _group(stage, "live"),
        "ApiThrottledFilter": _counted(stage, THROTTLED, _ITS_OWN_429),
        "ApiRefusedFilter": _counted(stage, REFUSED, _AT_THE_DOOR),
    }


def _counted(stage: Stage, metric: str, pattern: str) -> dict[str, Any]:
    told = {"MetricNamespace": namespace(stage), "MetricName": metric, "MetricValue": "1", "Unit": "Count"}
    return {
        "Type": "AWS::Logs::MetricFilter",
        "Condition": "LogsApi",
        "Properties": {
            "LogGroupName": ref("ApiAccessLog"),
            "FilterPattern": pattern,
            "MetricTransformations": [told],
        },
    }


def let_gateway_write(wait: Callable[[float], None] = time.sleep) -> bool:
    """Give API Gateway the role of this account and region, if it has none; says whether it had to be given one.

    Raises botocore's ClientError for a deployer who may not.
    """
    gateway = boto3.client("apigateway")
    if gateway.get_account().get("cloudwatchRoleArn"):
        return False
    role = _role()
    for left in range(_TRIES - 1, -1, -1):
        try:
            gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])
        except gateway.exceptions.BadRequestException:
            # IAM tells the world of a new role within seconds.
            if not left:
                raise
            wait(3)
        else:
            break
    return True


def _role() -> str:
    iam = boto3.client("iam")
    trusted = {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=trust)
    may = {"Effect": "Allow", "Action": _MAY_WRITE, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName=_ROLE, PolicyName="logs", PolicyDocument=policy)
    return str(iam.get_role(RoleName=_ROLE)["Role"]["Arn"])


def _arn(group: str) -> dict[str, str]:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{{group}}}"}


def _group(stage: Stage, name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Logs::LogGroup",
        **stage.fate,
        "Properties": {
            "LogGroupName": f"/aws/apigateway/{stage.prefix}{name}",
            "RetentionInDays": stage.log_days,
        },
    }
