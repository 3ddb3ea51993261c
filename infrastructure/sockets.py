"""What Chalice leaves out of a WebSocket API: answers that go back as route responses, and deployments that change."""

from __future__ import annotations

from infrastructure.plain import fingerprint
from infrastructure.stage import Resources, ref

_PARTS = ("AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::RouteResponse")
ENDPOINT = {"Fn::Sub": "https://${WebsocketAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/api"}


def complete(resources: Resources) -> None:
    """Make what `websocket_message` returns reach the charger, without a further call."""
    resources["WebsocketMessageRoute"]["Properties"]["RouteResponseSelectionExpression"] = "$default"
    resources["WebsocketMessageRouteResponse"] = {
        "Type": "AWS::ApiGatewayV2::RouteResponse",
        "Properties": {
            "ApiId": ref("WebsocketAPI"),
            "RouteId": ref("WebsocketMessageRoute"),
            "RouteResponseKey": "$default",
        },
    }
    deployment = resources.pop("WebsocketAPIDeployment")
    deployment["DependsOn"].append("WebsocketMessageRouteResponse")
    shown = {name: it for name, it in resources.items() if it["Type"] in _PARTS}
    name = f"WebsocketAPIDeployment{fingerprint(shown)}"
    resources[name] = deployment
    stage = resources["WebsocketAPIStage"]["Properties"]
    stage["DeploymentId"] = ref(name)
    stage["DefaultRouteSettings"] = {"DetailedMetricsEnabled": True}
