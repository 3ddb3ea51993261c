"""What Chalice leaves out of a WebSocket API: answers that go back as route responses, and deployments that change.

A route with a response may send an empty frame for an answer without a body. What a charger answers and what it wants
no answer to (OCPP-J's message types 3 to 6) therefore has routes of its own, without a response; where a frame's first
element cannot be told, it goes the default way.
"""

from __future__ import annotations

from copy import deepcopy

from infrastructure.plain import fingerprint
from infrastructure.stage import Resources, ref

_PARTS = ("AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::RouteResponse")
DEFAULT_ROUTE = "$default"
# CALLRESULT, CALLERROR, and OCPP 2.1's CALLRESULTERROR and SEND: nothing is ever said to them.
UNANSWERED_ROUTES = ("3", "4", "5", "6")
ENDPOINT = {"Fn::Sub": "https://${WebsocketAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/api"}


def complete(resources: Resources) -> None:
    """Make what `websocket_message` returns reach the charger without a further call, and nothing if it is nothing."""
    resources["WebsocketAPI"]["Properties"]["RouteSelectionExpression"] = "$request.body.[0]"
    unanswered = {}
    for kind in UNANSWERED_ROUTES:
        route = deepcopy(resources["WebsocketMessageRoute"])
        route["Properties"]["RouteKey"] = kind
        unanswered[f"WebsocketMessageRoute{kind}"] = route
    resources.update(unanswered)
    resources["WebsocketMessageRoute"]["Properties"]["RouteResponseSelectionExpression"] = DEFAULT_ROUTE
    resources["WebsocketMessageRouteResponse"] = {
        "Type": "AWS::ApiGatewayV2::RouteResponse",
        "Properties": {
            "ApiId": ref("WebsocketAPI"),
            "RouteId": ref("WebsocketMessageRoute"),
            "RouteResponseKey": "$default",
        },
    }
    deployment = resources.pop("WebsocketAPIDeployment")
    deployment["DependsOn"] += ["WebsocketMessageRouteResponse", *unanswered]
    shown = {name: it for name, it in resources.items() if it["Type"] in _PARTS}
    name = f"WebsocketAPIDeployment{fingerprint(shown)}"
    resources[name] = deployment
    stage = resources["WebsocketAPIStage"]["Properties"]
    stage["DeploymentId"] = ref(name)
    # The whole API is counted all the same; each route's metrics would be billed as our own (docs/adr/0014-cost.md).
    stage["DefaultRouteSettings"] = {"DetailedMetricsEnabled": False}
