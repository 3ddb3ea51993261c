"""The browsers' WebSocket API: another than the chargers', with its own throttle, function and address.

What browsers ask for takes nothing from what chargers need but of the account's own bounds, of which it may have little
(`concurrency.py`). It has no `$disconnect`: who is gone is found out by whoever has news for them, or looks no more.
"""

from __future__ import annotations

from typing import Any

from infrastructure import access_logs
from infrastructure.plain import fingerprint
from infrastructure.stage import Resources, Stage, arn, logical_id, ref

DOOR, TELLER = "viewers", "tell_viewers"
_API = "LiveAPI"
_STAGE = "api"
_HOST = f"${{{_API}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{_STAGE}"
ENDPOINT = {"Fn::Sub": f"https://{_HOST}"}
ADDRESS = {"Fn::Sub": f"wss://{_HOST}"}
OUTPUTS: dict[str, Any] = {"LiveUrl": {"Description": "Where browsers follow sessions", "Value": ADDRESS}}
# One driver in ten who watch 50,000 charges at once: 14 come a second, and 21 say that they are visible. An account
# opens 500 sockets a second, for chargers too.
_CONNECTS_PER_S, _MESSAGES_PER_S = 100, 300
# News that is older than that comes with the next.
_NEWS_AGE_S = 60


def resources(stage: Stage) -> Resources:
    integration = {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {
            "ApiId": ref(_API),
            "ConnectionType": "INTERNET",
            "ContentHandlingStrategy": "CONVERT_TO_TEXT",
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": {
                "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
                f"${{{logical_id(DOOR)}.Arn}}/invocations"
            },
        },
    }
    shown: Resources = {"LiveIntegration": integration, "LiveConnectRoute": _route("$connect")}
    shown["LiveMessageRoute"] = _route("$default")
    deployment = f"LiveDeployment{fingerprint(shown)}"
    return shown | {
        _API: {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {
                "Name": f"{stage.prefix}live",
                "ProtocolType": "WEBSOCKET",
                "RouteSelectionExpression": "$request.body.action",
            },
        },
        "LivePermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": ref(logical_id(DOOR)),
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": arn("execute-api", f"${{{_API}}}/*"),
            },
        },
        deployment: {
            "Type": "AWS::ApiGatewayV2::Deployment",
            "DependsOn": ["LiveConnectRoute", "LiveMessageRoute"],
            "Properties": {"ApiId": ref(_API)},
        },
        "LiveStage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {
                "ApiId": ref(_API),
                "DeploymentId": ref(deployment),
                "StageName": _STAGE,
                "AccessLogSettings": access_logs.written("LogsSockets", "LiveAccessLog", access_logs.SOCKET_LINE),
                "DefaultRouteSettings": {"DetailedMetricsEnabled": False} | _rate(_MESSAGES_PER_S),
                "RouteSettings": {"$connect": _rate(_CONNECTS_PER_S)},
            },
        },
        f"{logical_id(TELLER)}Retries": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": ref(logical_id(TELLER)),
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 0,
                "MaximumEventAgeInSeconds": _NEWS_AGE_S,
            },
        },
    }


def _route(key: str) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {
            "ApiId": ref(_API),
            "RouteKey": key,
            "Target": {"Fn::Join": ["/", ["integrations", ref("LiveIntegration")]]},
        },
    }


def _rate(per_s: int) -> dict[str, int]:
    return {"ThrottlingRateLimit": per_s, "ThrottlingBurstLimit": per_s}
