"""What others know of AWS says the same of the workflow and of every right: moto takes what AWS refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import pytest
from policy_sentry.querying.actions import get_action_data
from statelint.config import Config
from statelint.linter import Linter

from infrastructure.stage import STAGES, Stage
from infrastructure.workflow import definition

ACCOUNT, REGION = "123456789012", "eu-central-1"
Template = dict[str, Any]
# AWS's reference gives these no resource, and AWS checks them against one all the same: its refusals name the state
# machine (github.com/aws/aws-cdk/pull/8486, whose `grantTaskResponse` says it as we do), and the platform application.
# docs/first-hour.md has both tried.
CHECKED_ALL_THE_SAME = {
    "states:SendTaskSuccess": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:*",
    "states:SendTaskFailure": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:*",
    "sns:CreatePlatformEndpoint": f"arn:aws:sns:{REGION}:{ACCOUNT}:app/*",
}
# Functions of another stack's name, to which a Fn::GetAtt leads, by type.
ARNS = {
    "AWS::Cognito::UserPool": f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_a1",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/some",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:some",
    "AWS::S3::Bucket": "arn:aws:s3:::some",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:some",
}


def resolved(value: Any, resources: dict[str, Any]) -> str:
    """An ARN of a policy as it is once CloudFormation has filled it in."""
    match value:
        case {"Fn::Sub": str(text)}:
            known = {"Partition": "aws", "Region": REGION, "AccountId": ACCOUNT}
            text = re.sub(r"\$\{AWS::(\w+)\}", lambda it: known[it[1]], text)
            return re.sub(r"\$\{\w+\}", "a1b2c3", text)
        case {"Fn::Join": ["", [*parts]]}:
            return "".join(resolved(it, resources) for it in parts)
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return ARNS[resources[name]["Type"]]
        case str():
            return value
    raise AssertionError(value)


def granted(template: Template) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Role, action, resources."""
    resources = template["Resources"]
    for name, role in resources.items():
        if role["Type"] == "AWS::IAM::Role":
            for policy in role["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    told = tuple(resolved(it, resources) for it in statement["Resource"])
                    yield from ((name, action, told) for action in statement["Action"])


@cache
def meet(one: str, other: str) -> bool:
    """Whether some text matches both; `*` stands for any."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*" or other[0] == "*":
        return meet(one[1:], other) or meet(one, other[1:])
    return one[0] == other[0] and meet(one[1:], other[1:])


@cache
def wants(action: str) -> tuple[str, ...]:
    """The resources that AWS's service authorization reference gives an action, as patterns."""
    service, _, name = action.partition(":")
    known = get_action_data(service, name)
    assert known, f"AWS knows no {action}"
    return tuple(re.sub(r"\$\{[^}]+\}", "*", it["resource_arn_format"]) for it in known[service])


def is_unsigned(action: str) -> bool:
    """Whether the request carries no identity of ours, so that no right is asked: Cognito's calls for its users."""
    service, _, name = action.partition(":")
    if service != "cognito-idp":
        return False
    model = botocore.session.get_session().get_service_model(service)
    return bool(model.operation_model(name).auth_type == "none")


def test_two_patterns_meet_where_a_text_matches_both() -> None:
    assert meet("log-group:/aws/a-*:*", "log-group:*:log-stream:*")
    assert meet("table/a", "table/*")
    assert not meet("table/a/index/*", "table/b*")
    assert not meet("stateMachine:a", "")


@pytest.mark.parametrize("stage", STAGES)
def test_every_right_is_one_that_aws_has_for_that_kind_of_thing(templates: dict[str, Template], stage: str) -> None:
    """A right for another kind of thing is accepted in silence, and then refuses each call."""
    wrong = []
    for role, action, resources in granted(templates[stage]):
        if is_unsigned(action):
            continue
        patterns = wants(action)
        if action in CHECKED_ALL_THE_SAME:
            assert patterns == ("*",), f"AWS documents resources of {action} now: take it off the list"
            patterns = (CHECKED_ALL_THE_SAME[action],)
        wrong += [(role, action, resources)] * (not any(meet(it, told) for it in patterns for told in resources))
        # No resource that no action of the statement could have.
        if patterns == ("*",):
            wrong += [(role, action, resources)] * ("*" not in resources)
    assert wrong == []


def test_every_resource_is_one_that_some_action_of_its_statement_can_have(templates: dict[str, Template]) -> None:
    resources = templates["prod"]["Resources"]
    for name, role in resources.items():
        if role["Type"] != "AWS::IAM::Role":
            continue
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                told = [
                    it
                    for action in statement["Action"]
                    for it in (*wants(action), CHECKED_ALL_THE_SAME.get(action, ""))
                ]
                for resource in statement["Resource"]:
                    arn = resolved(resource, resources)
                    assert any(meet(it, arn) for it in told), (name, statement["Action"], arn)


@pytest.mark.parametrize("stage", STAGES)
def test_the_workflow_is_amazon_states_language_to_somebody_else_too(stage: str) -> None:
    prefix = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{Stage(stage).prefix}"
    told = definition(lambda name: prefix + name)
    assert Linter.validate(json.dumps(told)) == []


@pytest.mark.parametrize(
    ("state", "field", "wrong"),
    [
        ("IsOver", "Default", "Nowhere"),
        ("Settle", "TimeoutSeconds", -1),
        ("Abort", "Next", None),
        ("Over", "Tpye", "x"),
    ],
)
def test_that_somebody_sees_what_is_wrong(state: str, field: str, wrong: Any) -> None:
    told = definition(lambda name: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
    told["States"][state][field] = wrong
    assert Linter.validate(json.dumps(told), Config())
