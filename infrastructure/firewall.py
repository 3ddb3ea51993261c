"""One account, or one address, may ask only so often: people's requests by a web ACL of ours, chargers' by another.

Whoever shows a token is counted by it, for a whole town may come from one address of a mobile network; by address only
far above what such a town does, since anybody can make up tokens. Whoever calls a webhook shows no token, tells
everything from a few addresses, and is believed by its signature: Stripe is not counted at all, car makers are by
address only as far as a town is, and neither is taken for a stranger who reads along.
CloudFront takes a web ACL from us-east-1 only, and a stack is in one region: elsewhere its ARN comes as a parameter.
"""

from __future__ import annotations

from typing import Any

from infrastructure.stage import Resources, Stage, attribute, ref

_PER_FIVE_MINUTES = 5 * 60
_AS_IT_IS = [{"Priority": 0, "Type": "NONE"}]
_REQUESTS = 30_000
_OF_AN_ACCOUNT = 3_000
_LOGINS = 100
# A checkout is opened and paid by a few requests; more are somebody who tries cards, or fills a table.
_CHECKOUTS = 60
# Maps and prices are open to all, and most is answered from caches: so much of one address is a crawler.
_STRANGERS = 600
# A whole fleet may come from one address of a mobile network; API Gateway's own 500 a second bound it anyway.
_KNOCKS = 150_000

PARAMETERS: dict[str, Any] = {
    "ChargerWebAclArn": {
        "Type": "String",
        "Default": "",
        "Description": "Web ACL (CloudFront) for chargers; in us-east-1 an empty one means the stack's own",
    },
}
CONDITIONS: dict[str, Any] = {
    "OwnsChargerFirewall": {
        "Fn::And": [
            {"Fn::Equals": [ref("AWS::Region"), "us-east-1"]},
            {"Fn::Equals": [ref("ChargerWebAclArn"), ""]},
        ]
    },
    "HasChargerFirewall": {
        "Fn::Or": [{"Condition": "OwnsChargerFirewall"}, {"Fn::Not": [{"Fn::Equals": [ref("ChargerWebAclArn"), ""]}]}]
    },
}
CHARGER_WEB_ACL = {
    "Fn::If": ["OwnsChargerFirewall", attribute("ChargerFirewall", "Arn"), ref("ChargerWebAclArn")],
}


def resources(stage: Stage) -> Resources:
    return {
        "ApiFirewall": _acl(
            f"{stage.prefix}api",
            "REGIONAL",
            [
                _managed(0),
                _rate("logins", 1, _LOGINS, _path("/v1/login")),
                _rate("all", 2, _REQUESTS, _NOT_STRIPE),
                _rate("checkouts", 3, _CHECKOUTS, {"AndStatement": {"Statements": [_path("/v1/adhoc"), _POST]}}),
                _rate("strangers", 4, _STRANGERS, {"AndStatement": {"Statements": [_WITHOUT_TOKEN, _NO_WEBHOOK]}}),
                _rate("accounts", 5, _OF_AN_ACCOUNT, _WITH_TOKEN, by_token=True),
            ],
        ),
        "ApiFirewallAssociation": {
            "Type": "AWS::WAFv2::WebACLAssociation",
            "Properties": {
                "ResourceArn": {
                    "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::"
                    "/restapis/${RestAPI}/stages/${RestAPIStage}"
                },
                "WebACLArn": attribute("ApiFirewall", "Arn"),
            },
        },
        "ChargerFirewall": {
            **_acl(f"{stage.prefix}chargers", "CLOUDFRONT", [_rate("all", 0, _KNOCKS)]),
            "Condition": "OwnsChargerFirewall",
        },
    }


def _acl(name: str, scope: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "Type": "AWS::WAFv2::WebACL",
        "Properties": {
            "Name": name,
            "Scope": scope,
            "DefaultAction": {"Allow": {}},
            "VisibilityConfig": _visible(name),
            "Rules": rules,
        },
    }


def _rate(
    name: str, priority: int, limit: int, only: dict[str, Any] | None = None, *, by_token: bool = False
) -> dict[str, Any]:
    counted: dict[str, Any] = {
        "AggregateKeyType": "CUSTOM_KEYS" if by_token else "IP",
        "EvaluationWindowSec": _PER_FIVE_MINUTES,
        "Limit": limit,
    }
    if by_token:
        counted["CustomKeys"] = [{"Header": {"Name": "authorization", "TextTransformations": _AS_IT_IS}}]
    if only is not None:
        counted["ScopeDownStatement"] = only
    return {
        "Name": name,
        "Priority": priority,
        "Statement": {"RateBasedStatement": counted},
        "Action": {"Block": {}},  # people read why in API Gateway's answer (rest.py), chargers wait and knock again
        "VisibilityConfig": _visible(name),
    }


def _path(path: str) -> dict[str, Any]:
    return _matches({"UriPath": {}}, "CONTAINS", path)  # the stage stands before it


def _matches(field: dict[str, Any], how: str, text: str) -> dict[str, Any]:
    return {
        "ByteMatchStatement": {
            "FieldToMatch": field,
            "PositionalConstraint": how,
            "SearchString": text,
            "TextTransformations": _AS_IT_IS,
        }
    }


_POST = _matches({"Method": {}}, "EXACTLY", "POST")
_NO_WEBHOOK = {"NotStatement": {"Statement": _matches({"UriPath": {}}, "CONTAINS", "/v1/webhooks/")}}
_NOT_STRIPE = {"NotStatement": {"Statement": _matches({"UriPath": {}}, "ENDS_WITH", "/v1/webhooks/stripe")}}
# Whether a token is good is for the function to say.
_WITH_TOKEN = {
    "SizeConstraintStatement": {
        "FieldToMatch": {"SingleHeader": {"Name": "authorization"}},
        "ComparisonOperator": "GT",
        "Size": 0,
        "TextTransformations": _AS_IT_IS,
    }
}
_WITHOUT_TOKEN = {"NotStatement": {"Statement": _WITH_TOKEN}}


def _managed(priority: int) -> dict[str, Any]:
    return {
        "Name": "known",
        "Priority": priority,
        "Statement": {
            "ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesKnownBadInputsRuleSet"}
        },
        "OverrideAction": {"None": {}},
        "VisibilityConfig": _visible("known"),
    }


def _visible(name: str) -> dict[str, Any]:
    return {"CloudWatchMetricsEnabled": True, "MetricName": name, "SampledRequestsEnabled": False}
