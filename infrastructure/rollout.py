"""A release reaches people and chargers a tenth at a time: versions behind an alias, which CodeDeploy moves.

The API and what opens and hears sockets go this way; steps of the workflow and schedules, which try again by
themselves, take the new code at once. An alarm within that quarter of an hour moves the alias back, and the deployment
fails and is taken back as any other.
"""

from __future__ import annotations

from typing import Any

from infrastructure.alarms import GRADUAL, LIVE_ALIAS
from infrastructure.stage import Resources, Stage, arn, attribute, logical_id, ref

# `deploy.py` writes what a release is made of in its place, for CloudFormation publishes a version only for a new name.
AT_RELEASE = "AtRelease"
ALL_AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
A_TENTH_FIRST = "CodeDeployDefault.LambdaCanary10Percent15Minutes"
_LIVE = "Live"
_WAYS = [ALL_AT_ONCE, A_TENTH_FIRST, "CodeDeployDefault.LambdaLinear10PercentEvery2Minutes"]


def parameters(stage: Stage) -> dict[str, Any]:
    return {
        "Rollout": {
            "Type": "String",
            "Default": A_TENTH_FIRST if stage.is_production else ALL_AT_ONCE,
            "AllowedValues": _WAYS,
            "Description": "How a release reaches the API and the sockets",
        },
        "Release": {
            "Type": "String",
            "Default": "none",
            "Description": "Another value, and new versions are published",
        },
    }


def call_the_alias(resources: Resources) -> None:
    """In what Chalice declares: both APIs call what is live, and may."""
    body = resources["RestAPI"]["Properties"]["DefinitionBody"]
    for methods in body["paths"].values():
        for method in methods.values():
            uri = method["x-amazon-apigateway-integration"].get("uri")
            if uri is not None:
                uri["Fn::Sub"] = uri["Fn::Sub"].replace("${APIHandler.Arn}", f"${{APIHandler{_LIVE}}}")
    for name in GRADUAL:
        resources[f"{name}InvokePermission"]["Properties"]["FunctionName"] = ref(f"{name}{_LIVE}")
        integration = resources.get(f"{name}APIIntegration")
        if integration is not None:
            called = integration["Properties"]["IntegrationUri"]["Fn::Sub"][1]
            called["WebsocketHandler"] = {"Fn::Sub": f"${{{name}}}:{LIVE_ALIAS}"}
            integration["DependsOn"] = [f"{name}{_LIVE}"]


def resources(stage: Stage) -> Resources:
    found: Resources = {
        "Rollouts": {
            "Type": "AWS::CodeDeploy::Application",
            "Properties": {"ApplicationName": stage.stack, "ComputePlatform": "Lambda"},
        },
        "RolloutRole": _role(stage),
    }
    for function, name in GRADUAL.items():
        group, version = f"{function}Rollout", f"{function}Version{AT_RELEASE}"
        found |= {
            version: {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref(function)}},
            f"{function}{_LIVE}": {
                "Type": "AWS::Lambda::Alias",
                "UpdatePolicy": {
                    "CodeDeployLambdaAliasUpdate": {
                        "ApplicationName": ref("Rollouts"),
                        "DeploymentGroupName": ref(group),
                    }
                },
                "Properties": {
                    "Name": LIVE_ALIAS,
                    "FunctionName": ref(function),
                    "FunctionVersion": attribute(version, "Version"),
                },
            },
            group: {
                "Type": "AWS::CodeDeploy::DeploymentGroup",
                "Properties": {
                    "ApplicationName": ref("Rollouts"),
                    "DeploymentGroupName": stage.prefix + name,
                    "ServiceRoleArn": attribute("RolloutRole", "Arn"),
                    "DeploymentConfigName": ref("Rollout"),
                    "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
                    "AutoRollbackConfiguration": {
                        "Enabled": True,
                        "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
                    },
                    "AlarmConfiguration": {
                        "Enabled": True,
                        "Alarms": [{"Name": ref(f"{logical_id(it)}Alarm")} for it in _watched(name)],
                    },
                },
            },
        }
    return found


def _watched(name: str) -> tuple[str, ...]:
    """The alarms that take a release back: of this function's new version, and of all that it serves."""
    return (f"release-{name}", f"{name}-errors", *(("api-errors",) if name == "api_handler" else ()))


def _role(stage: Stage) -> dict[str, Any]:
    functions = [arn("lambda", f"function:{stage.prefix}{name}*") for name in GRADUAL.values()]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "codedeploy.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "Policies": [
                {
                    "PolicyName": "rollouts",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": [
                                    "lambda:GetAlias",
                                    "lambda:UpdateAlias",
                                    "lambda:GetProvisionedConcurrencyConfig",
                                ],
                                "Resource": functions,
                            },
                            # It asks for all of them at once.
                            {"Effect": "Allow", "Action": ["cloudwatch:DescribeAlarms"], "Resource": ["*"]},
                        ],
                    },
                }
            ],
        },
    }
