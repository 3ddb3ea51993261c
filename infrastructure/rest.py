"""What API Gateway refuses by itself it refuses as we do: as problem+json (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from infrastructure.stage import Resources, Stage, attribute, ref

# API Gateway's reason -> status, our code, and what to do about it.
REFUSALS: dict[str, tuple[int, str, str]] = {
    "UNAUTHORIZED": (401, "not_allowed", "log in first"),
    "INVALID_API_KEY": (403, "forbidden", "this is not allowed"),
    "ACCESS_DENIED": (403, "forbidden", "this is not allowed"),
    "EXPIRED_TOKEN": (403, "forbidden", "this is not allowed"),
    # What it says of a route that does not exist to whoever shows a token: it takes that for an AWS signature.
    "INVALID_SIGNATURE": (404, "not_found", "there is no such route"),
    "WAF_FILTERED": (403, "forbidden", "this looks like an attack, or comes too often"),
    # What it says of a route that does not exist; nobody is asked for an AWS token here.
    "MISSING_AUTHENTICATION_TOKEN": (404, "not_found", "there is no such route"),
    "RESOURCE_NOT_FOUND": (404, "not_found", "there is no such route"),
    "REQUEST_TOO_LARGE": (413, "too_large", "the body is too large"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "not_json", "send the body as application/json"),
    "THROTTLED": (429, "too_many_requests", "too many requests; try again later"),
    "QUOTA_EXCEEDED": (429, "too_many_requests", "too many requests; try again later"),
    "BAD_REQUEST_BODY": (400, "bad_request", "the request cannot be read"),
    "BAD_REQUEST_PARAMETERS": (400, "bad_request", "the request cannot be read"),
    "AUTHORIZER_FAILURE": (500, "internal", "something went wrong on our side; it has been logged"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "internal", "something went wrong on our side; it has been logged"),
    "API_CONFIGURATION_ERROR": (500, "internal", "something went wrong on our side; it has been logged"),
    "INTEGRATION_FAILURE": (502, "internal", "something went wrong on our side; it has been logged"),
    "INTEGRATION_TIMEOUT": (504, "timeout", "this took too long; try again"),
    # Whatever it may come to refuse besides.
    "DEFAULT_4XX": (400, "bad_request", "the request cannot be read"),
    "DEFAULT_5XX": (500, "internal", "something went wrong on our side; it has been logged"),
}
# API Gateway itself says of a method that a route lacks what it says of no route at all: nothing that helps.
METHOD_NOT_ALLOWED = (405, "method_not_allowed", "this route has no such method; Allow names those it has")
_OWN = {"Fn::Sub": "https://${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/api"}
# Without a slash at the end.
ADDRESS = {"Fn::If": ["HasApiDomain", {"Fn::Sub": "https://${ApiDomain}"}, _OWN]}
CERTIFICATE = "arn:${AWS::Partition}:acm:${AWS::Region}:${AWS::AccountId}:certificate/${ApiDomainCertificate}"
PARAMETERS: dict[str, Any] = {
    "ApiDomain": {"Type": "String", "Default": "", "Description": "Where the API is; API Gateway's own name if empty"},
    "ApiDomainCertificate": {
        "Type": "String",
        "Default": "none",
        "Description": "Id of its ACM certificate, which is in this region and account",
    },
}
CONDITIONS: dict[str, Any] = {"HasApiDomain": {"Fn::Not": [{"Fn::Equals": [ref("ApiDomain"), ""]}]}}
OUTPUTS: dict[str, Any] = {
    "ApiUrl": {"Description": "Paths begin with /v1", "Value": ADDRESS},
    "ApiDomainTarget": {
        "Condition": "HasApiDomain",
        "Description": "What ApiDomain is a CNAME of",
        "Value": attribute("ApiDomainName", "RegionalDomainName"),
    },
}
# A longer answer is packed for whoever can read it: a list of chargers is a tenth of its bytes then.
PACKED_FROM_BYTES = 1_024
_RETRY_AFTER_S = 5
_PROBLEM = "application/problem+json"


def problem(status: int, code: str, detail: str) -> dict[str, Any]:
    """The same shape as `handlers/shared/models.py` gives a problem."""
    return {
        "type": f"urn:kerb:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }


def refuse_in_our_words(resources: Resources, stage: Stage) -> None:
    """In the API's own document, so that a change of it is deployed as any other; what is long is packed."""
    body = resources["RestAPI"]["Properties"]["DefinitionBody"]
    body["info"]["title"] = stage.stack  # CloudWatch counts under that name
    body["x-amazon-apigateway-minimum-compression-size"] = PACKED_FROM_BYTES
    body["x-amazon-apigateway-gateway-responses"] = {reason: _response(*it) for reason, it in REFUSALS.items()}
    for path in body["paths"].values():
        path["x-amazon-apigateway-any-method"] = _no_such_method(allowed(path))


def allowed(methods: Iterable[str]) -> str:
    """The value of Allow for a route with these methods."""
    return ", ".join(sorted({it.upper() for it in methods} | {"OPTIONS"}))


def _no_such_method(allow: str) -> dict[str, Any]:
    """Answered by API Gateway alone: nobody is asked for a token, and no function is called."""
    status, code, detail = METHOD_NOT_ALLOWED
    told = {"Content-Type": _PROBLEM, "Allow": allow, "Access-Control-Allow-Origin": "*"}
    return {
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "responses": {
            str(status): {"description": "405 response", "headers": {name: {"type": "string"} for name in told}}
        },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "passthroughBehavior": "never",
            "requestTemplates": {"application/json": json.dumps({"statusCode": status})},
            "responses": {
                "default": {
                    "statusCode": str(status),
                    "responseParameters": {f"method.response.header.{name}": f"'{it}'" for name, it in told.items()},
                    "responseTemplates": {"application/json": json.dumps(problem(status, code, detail))},
                }
            },
        },
    }


def _response(status: int, code: str, detail: str) -> dict[str, Any]:
    headers = {"Content-Type": _PROBLEM, "Access-Control-Allow-Origin": "*"}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.GATEWAY_TIMEOUT):
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    return {
        "statusCode": str(status),
        "responseParameters": {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()},
        "responseTemplates": {"application/json": json.dumps(problem(status, code, detail))},
    }


def watch(resources: Resources) -> None:
    """No request's content in any log, and metrics of the API as a whole, which cost nothing.

    Those of each route are billed as metrics of our own: five for each of a hundred routes (docs/adr/0014-cost.md).
    """
    resources["RestAPIStage"]["Properties"]["MethodSettings"] = [
        {"HttpMethod": "*", "ResourcePath": "/*", "MetricsEnabled": False, "DataTraceEnabled": False}
    ]


def domain() -> Resources:
    """A name of one's own, under which paths begin with /v1; the API's own name stays."""
    return {
        "ApiDomainName": {
            "Type": "AWS::ApiGateway::DomainName",
            "Condition": "HasApiDomain",
            "Properties": {
                "DomainName": ref("ApiDomain"),
                "RegionalCertificateArn": {"Fn::Sub": CERTIFICATE},
                "EndpointConfiguration": {"Types": ["REGIONAL"]},
                "SecurityPolicy": "TLS_1_2",
            },
        },
        "ApiDomainMapping": {
            "Type": "AWS::ApiGateway::BasePathMapping",
            "Condition": "HasApiDomain",
            "Properties": {
                "DomainName": ref("ApiDomainName"),
                "RestApiId": ref("RestAPI"),
                "Stage": ref("RestAPIStage"),
            },
        },
    }
