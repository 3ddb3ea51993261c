"""Deployed by CloudFormation (moto's), tables, workflow and schedules are those that the local stack makes."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from chalice import Rate
from chalice.app import ScheduledEventConfig
from moto import mock_aws

import app as switchboard
from chalicelib.adapters.tables import TABLES
from infrastructure import workflow
from infrastructure.tables import create_tables
from local.cloud import REGION

# What moto's CloudFormation does not know. Everything else is deployed as it is packaged.
UNKNOWN_TO_MOTO = {
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Deployment",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::RouteResponse",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::Function",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::Secret",
    "AWS::WAFv2::WebACL",
    "AWS::WAFv2::WebACLAssociation",
}
# It knows these, but takes no API's document, and deploys none without routes.
NOT_WITHOUT_ROUTES = {"AWS::ApiGateway::Deployment"}
LOCAL_PREFIX, PREFIX = "kerb-", "kerb-dev-"
ACCOUNT = "123456789012"


def known_to_moto(template: dict[str, Any]) -> dict[str, Any]:
    """The template without those types; whoever refers to one of them is told its name."""
    left_out = UNKNOWN_TO_MOTO | NOT_WITHOUT_ROUTES
    missing = {name for name, it in template["Resources"].items() if it["Type"] in left_out}
    # A leave to call an alias, which moto's does not make.
    missing |= {
        name
        for name, it in template["Resources"].items()
        if it["Type"] == "AWS::Lambda::Permission" and it["Properties"]["FunctionName"].get("Ref") in missing
    }

    def without(value: Any) -> Any:
        match value:
            case {"Ref": str(name)} if name in missing:
                return name
            case {"Fn::GetAtt": [str(name), str(attribute)]} if name in missing:
                return f"{name}.{attribute}"
            case {"Fn::Sub": str(text)}:
                return {
                    "Fn::Sub": re.sub(r"\$\{(\w+)(\.\w+)?\}", lambda it: it[1] if it[1] in missing else it[0], text)
                }
            case dict():
                return {key: without(it) for key, it in value.items()}
            case list():
                return [without(it) for it in value]
        return value

    resources = {name: without(it) for name, it in template["Resources"].items() if name not in missing}
    return {**template, "Resources": resources, "Outputs": {}}


@pytest.fixture(scope="module")
def account(dev: dict[str, Any]) -> Iterator[None]:
    """An account in which the stage dev was deployed beside the local stack's tables."""
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="code")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("app.py", "")
        s3.put_object(Bucket="code", Key="code.zip", Body=archive.getvalue())
        told = {"CodeBucket": "code", "CodeKey": "code.zip", "SolverKey": "code.zip", "SecretsReadAt": "now"}
        s3.put_object(Bucket="code", Key="template.json", Body=json.dumps(known_to_moto(dev)).encode())
        boto3.client("cloudformation", region_name=REGION).create_stack(
            StackName="kerb-dev",
            TemplateURL="https://code.s3.amazonaws.com/template.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in told.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        create_tables()
        yield


def described(table: str) -> dict[str, Any]:
    found: dict[str, Any] = boto3.client("dynamodb", region_name=REGION).describe_table(TableName=table)["Table"]
    return found


def shape(table: dict[str, Any]) -> dict[str, Any]:
    """What two tables of the same use have in common."""

    def keys(of: dict[str, Any]) -> dict[str, str]:
        return {key["KeyType"]: key["AttributeName"] for key in of["KeySchema"]}

    return {
        "keys": keys(table),
        "types": {it["AttributeName"]: it["AttributeType"] for it in table["AttributeDefinitions"]},
        "indexes": {it["IndexName"]: (keys(it), it["Projection"]) for it in table.get("GlobalSecondaryIndexes") or []},
        "billing": table["BillingModeSummary"]["BillingMode"],
        "stream": table.get("StreamSpecification"),
    }


@pytest.mark.usefixtures("account")
def test_exactly_the_tables_of_the_local_stack_are_deployed() -> None:
    names = boto3.client("dynamodb", region_name=REGION).list_tables()["TableNames"]
    deployed = {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}
    local = {name.removeprefix(LOCAL_PREFIX) for name in names if not name.startswith(PREFIX)}
    assert deployed == local
    assert len(deployed) == len(TABLES)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("model", TABLES, ids=lambda it: it.__name__)
def test_a_deployed_table_has_the_keys_and_indexes_of_its_model(model: Any) -> None:
    name = model.Meta.table_name
    deployed = described(PREFIX + name.removeprefix(LOCAL_PREFIX))
    assert shape(deployed) == shape(described(name))


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("model", TABLES, ids=lambda it: it.__name__)
def test_a_row_lives_as_long_deployed_as_locally(model: Any, dev: dict[str, Any]) -> None:
    """moto's CloudFormation does not set a table's TTL: what it would be told is compared."""
    name = model.Meta.table_name
    local = boto3.client("dynamodb", region_name=REGION).describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    wanted = {"AttributeName": local["AttributeName"], "Enabled": True} if "AttributeName" in local else None
    tables = {
        it["Properties"]["TableName"]: it["Properties"]
        for it in dev["Resources"].values()
        if it["Type"] == "AWS::DynamoDB::Table"
    }
    assert tables[PREFIX + name.removeprefix(LOCAL_PREFIX)].get("TimeToLiveSpecification") == wanted


@pytest.mark.usefixtures("account")
def test_the_deployed_workflow_is_the_local_one() -> None:
    client = boto3.client("stepfunctions", region_name=REGION)
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:kerb-dev-session"
    deployed = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
    assert deployed == workflow.definition(lambda name: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:kerb-dev-{name}")


@pytest.mark.usefixtures("account")
def test_the_functions_are_told_the_workflow_that_was_deployed() -> None:
    found = boto3.client("lambda", region_name=REGION).get_function_configuration(FunctionName="kerb-dev-api_handler")
    machines = boto3.client("stepfunctions", region_name=REGION).list_state_machines()["stateMachines"]
    settings = found["Environment"]["Variables"]
    assert settings["KERB_STATE_MACHINE_ARN"] in [it["stateMachineArn"] for it in machines]
    assert settings["KERB_TABLE_PREFIX"] == PREFIX


@pytest.mark.usefixtures("account")
def test_the_deployed_schedules_are_those_that_the_local_stack_ticks() -> None:
    client = boto3.client("events", region_name=REGION)
    deployed = {
        client.list_targets_by_rule(Rule=rule["Name"])["Targets"][0]["Arn"].rpartition(":")[2]: rule
        for rule in client.list_rules()["Rules"]
    }
    ticked = {
        f"{PREFIX}{source.name}": source.schedule_expression
        for source in switchboard.app.event_sources
        if isinstance(source, ScheduledEventConfig)
    }
    assert deployed.keys() == ticked.keys()
    for name, expression in ticked.items():
        assert isinstance(expression, Rate)
        assert deployed[name]["ScheduleExpression"] == expression.to_string()
        assert deployed[name]["State"] == "ENABLED"


@pytest.mark.usefixtures("account")
def test_every_function_was_deployed_for_the_python_that_was_packaged() -> None:
    found = boto3.client("lambda", region_name=REGION).list_functions()["Functions"]
    # Those with a policy of their own, and the API's twice: Stripe is answered apart.
    config = json.loads((Path(__file__).parents[2] / ".chalice" / "config.json").read_text())
    assert len(found) == len(config["lambda_functions"]) + 2
    assert {it["Runtime"] for it in found} == {"python3.13"}


def test_no_type_is_left_out_that_moto_knows(dev: dict[str, Any]) -> None:
    from moto.cloudformation.parsing import get_model_map  # noqa: PLC0415 (slow, and needed here only)

    assert not UNKNOWN_TO_MOTO & get_model_map().keys()
    assert {it["Type"] for it in dev["Resources"].values()} >= UNKNOWN_TO_MOTO
