"""A release reaches the API and the sockets through an alias that alarms move back, if it changes something."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from infrastructure import deploy, releases, rollout
from infrastructure.alarms import GRADUAL
from infrastructure.stage import STAGES, Stage, logical_id
from local.cloud import REGION
from tests.infrastructure.test_deploy import DEV, LATER, NOW, package, parameters

__all__ = ["package"]
Template = dict[str, Any]


def test_both_apis_call_what_is_live_and_nothing_else_of_those_functions(dev: Template) -> None:
    resources = dev["Resources"]
    called = json.dumps(resources["RestAPI"])
    assert "${APIHandlerLive}" in called
    assert "${APIHandler.Arn}" not in called
    for name in ("WebsocketConnect", "WebsocketMessage"):
        integration = resources[f"{name}APIIntegration"]
        assert f'"${{{name}}}:live"' in json.dumps(integration)
        assert integration["DependsOn"] == [f"{name}Live"]
    for name in GRADUAL:
        assert resources[f"{name}InvokePermission"]["Properties"]["FunctionName"] == {"Ref": f"{name}Live"}


@pytest.mark.parametrize("name", STAGES)
def test_a_rollout_is_watched_by_alarms_that_ring_of_it(templates: dict[str, Template], name: str) -> None:
    resources = templates[name]["Resources"]
    for function, plain in GRADUAL.items():
        assert plain == resources[function]["Properties"]["FunctionName"].removeprefix(Stage(name).prefix)
        group = resources[f"{function}Rollout"]["Properties"]
        watched = {it["Name"]["Ref"] for it in group["AlarmConfiguration"]["Alarms"]}
        assert f"{logical_id(f'release-{plain}')}Alarm" in watched
        assert watched <= resources.keys()
        version = {"Fn::GetAtt": [f"{function}VersionAtRelease", "Version"]}
        alarm = resources[f"{logical_id(f'release-{plain}')}Alarm"]["Properties"]
        assert {"Name": "ExecutedVersion", "Value": version} in alarm["Dimensions"]
        alias = resources[f"{function}Live"]
        assert alias["Properties"]["FunctionVersion"] == version
        moved_by = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert moved_by["DeploymentGroupName"] == {"Ref": f"{function}Rollout"}
        assert group["AutoRollbackConfiguration"]["Enabled"]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


def test_production_tries_a_tenth_first(templates: dict[str, Template]) -> None:
    default = {name: it["Parameters"]["Rollout"]["Default"] for name, it in templates.items()}
    assert default == {"dev": rollout.ALL_AT_ONCE, "prod": rollout.A_TENTH_FIRST}


def deployed() -> Template:
    told: Template = boto3.client("cloudformation").get_template(StackName="kerb-dev")["TemplateBody"]
    return told


@pytest.fixture
def versioned(package: Path) -> Path:
    """A package with something that is named by its release."""
    template = json.loads((package / "template.json").read_text())
    template["Resources"]["QueueVersionAtRelease"] = {"Type": "AWS::SQS::Queue", "Properties": {}}
    (package / "template.json").write_text(json.dumps(template))
    return package


def test_the_same_again_publishes_nothing_and_anything_else_does(versioned: Path) -> None:
    """CloudFormation publishes a version only for a new name, and Lambda only if the function has changed."""
    bucket = releases.make_bucket(REGION)
    first = releases.release_from(versioned, DEV, bucket, NOW)
    deploy.deploy(DEV, first, bucket, {}, NOW)

    def made_of() -> str:
        name: str
        (name,) = [it for it in deployed()["Resources"] if it.startswith("QueueVersion")]
        assert name == f"QueueVersionOf{parameters()['Release']}"
        return name

    names = [made_of()]
    runs: list[tuple[bool, dict[str, str]]] = [(False, {}), (False, {"Rollout": rollout.A_TENTH_FIRST})]
    for secrets, chosen in [*runs, (True, {}), (False, {"AlarmEmail": "a"})]:
        deploy.deploy(DEV, first, bucket, chosen, LATER, secrets=secrets)
        names.append(made_of())
    assert names[0] == names[1] == names[2]
    assert len(set(names[2:])) == 3


def test_how_one_release_is_rolled_out_says_nothing_of_the_next(versioned: Path) -> None:
    bucket = releases.make_bucket(REGION)
    first = releases.release_from(versioned, DEV, bucket, NOW)
    deploy.deploy(DEV, first, bucket, {"Rollout": rollout.A_TENTH_FIRST}, NOW)
    assert parameters()["Rollout"] == rollout.A_TENTH_FIRST
    deploy.deploy(DEV, first, bucket, {"AlarmEmail": "a"}, LATER)
    assert parameters()["Rollout"] == rollout.ALL_AT_ONCE


def test_a_release_of_before_there_were_rollouts_comes_back_all_the_same(versioned: Path) -> None:
    template = json.loads((versioned / "template.json").read_text())
    for parameter in ("Rollout", "Release"):
        del template["Parameters"][parameter]
    (versioned / "template.json").write_text(json.dumps(template))
    bucket = releases.make_bucket(REGION)
    older = releases.release_from(versioned, DEV, bucket, NOW)
    deploy.deploy(DEV, older, bucket, {"Rollout": rollout.ALL_AT_ONCE}, NOW)
    assert "Rollout" not in parameters()


def test_the_api_has_a_name_of_its_own_if_one_is_given(dev: Template) -> None:
    resources = dev["Resources"]
    for name in ("ApiDomainName", "ApiDomainMapping"):
        assert resources[name]["Condition"] == "HasApiDomain"
    assert "BasePath" not in resources["ApiDomainMapping"]["Properties"]
    notices = resources["Notices"]["Properties"]["Environment"]["Variables"]
    assert notices["KERB_API_URL"] == dev["Outputs"]["ApiUrl"]["Value"]
    assert notices["KERB_API_URL"]["Fn::If"][1] == {"Fn::Sub": "https://${ApiDomain}"}
