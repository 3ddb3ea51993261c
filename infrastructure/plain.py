"""SAM's shorthand, which Chalice writes, written out: what is linted and tested is what CloudFormation executes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from infrastructure import queues
from infrastructure.stage import Resources, attribute, ref

CODE = {"S3Bucket": ref("CodeBucket"), "S3Key": ref("CodeKey")}


def written_out(resources: Resources) -> Resources:
    """The same resources without `AWS::Serverless::...`."""
    plain: Resources = {}
    for name, resource in resources.items():
        match resource["Type"]:
            case "AWS::Serverless::Function":
                plain |= _function(name, resource["Properties"])
            case "AWS::Serverless::Api":
                plain |= _api(name, resource["Properties"])
            case _:
                plain[name] = resource
    return plain


def _function(name: str, sam: dict[str, Any]) -> Resources:
    properties = {key: value for key, value in sam.items() if key not in ("CodeUri", "Events", "Tags", "Tracing")}
    properties |= {
        "Code": CODE,
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(sam["Tags"].items())],
        "TracingConfig": {"Mode": sam["Tracing"]},
    }
    resources: Resources = {name: {"Type": "AWS::Lambda::Function", "Properties": properties}}
    for event, declared in sam.get("Events", {}).items():
        if declared["Type"] == "SQS":
            resources |= queues.source(event, name, declared["Properties"])
        else:
            resources |= _schedule(event, name, declared["Properties"]["Schedule"])
    return resources


def _schedule(event: str, function: str, expression: str) -> Resources:
    return {
        event: {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "ScheduleExpression": expression,
                "Targets": [{"Id": function, "Arn": attribute(function, "Arn")}],
            },
        },
        f"{event}Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": ref(function),
                "Principal": "events.amazonaws.com",
                "SourceArn": attribute(event, "Arn"),
            },
        },
    }


def _api(name: str, sam: dict[str, Any]) -> Resources:
    body = sam["DefinitionBody"]
    deployment = f"{name}Deployment{fingerprint(body)}"
    return {
        name: {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {
                "Name": body["info"]["title"],
                "Body": body,
                "EndpointConfiguration": {"Types": [sam["EndpointConfiguration"]]},
                "Parameters": {"endpointConfigurationTypes": sam["EndpointConfiguration"]},
            },
        },
        deployment: {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": ref(name)},
        },
        f"{name}Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": ref(name),
                "DeploymentId": ref(deployment),
                "StageName": sam["StageName"],
            },
        },
    }


def fingerprint(declared: Any) -> str:
    """A deployment is a snapshot: only one of another name takes a new one, so the name says what it shows."""
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:10]
